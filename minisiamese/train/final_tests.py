"""The end of a run: its tests, their pictures, and summary.json."""

import platform

import numpy as np

from minisiamese import __version__, checkpoint, plots, trials
from minisiamese.data import DATASETS, omniglot
from minisiamese.data.samplers import Pairs
from minisiamese.evaluate import protocols
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.scoring import Remembered, calibrate, embedding_scorer, last_drawers, network_scorer
from minisiamese.layers import sigmoid
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import RunMeta

OWN_PAIRS = 2000  # of a user's own images, which nobody compares with the paper's 10,000
QUICK = {  # the tests of --tests quick
    "one_shot": {"protocol": "nway", "trials": 100, "views": 1},
    "verification": {"protocol": "verification", "trials": 1000, "views": 1},
}


def finish(trainer):
    """Write the pictures and summary.json; the tests run on the weights that are kept, once the run is complete."""
    settings, machine = trainer.settings, trainer.settings.machine
    summary = {
        "dataset": settings.data.name,
        "network": settings.network.name,
        "loss": settings.loss.name,
        "seed": settings.seed,
        "steps": trainer.step,
        "finished": trainer.step == trainer.steps,
        "seconds": round(trainer.seconds, 1),
        "threads": machine.threads,
        "tests": settings.measuring.tests,
        "validation_accuracy": trainer.best,
        "validated_on": "held out" if settings.holds_out else "mirror writing",
        "versions": {"minisiamese": __version__, "numpy": np.__version__, "python": platform.python_version()},
        **dict.fromkeys(("lake", "one_shot", "across", "verification")),
    }
    plots.curves(machine.out / "metrics.jsonl", machine.out / "curves.png")
    if summary["finished"]:
        summary |= test_best(trainer)
    checkpoint.save_json(machine.out / "summary.json", summary)
    return summary


def calibrated(trainer, validation):
    """(network, meta): the network with the weights of best.npz, and what best.npz says of itself.

    There it keeps how scores turn into probabilities (``calibrate``), fitted to the last drawers' images of
    ``validation``. Where nothing was held out, these are the training alphabets in mirror writing. Training knows all
    of their drawers alike, so the fit is to all: of a network of 25 alphabets the probabilities on the other five then
    had a cross-entropy of 0.144, from the last drawers alone 0.150, and 0.140 if fitted to these five themselves.

    The scores are those that ``predict`` takes, of mean embeddings over the run's views. On a CPU the network remembers
    its embeddings, for the tests that follow.
    """
    settings, device = trainer.settings, trainer.device
    best = settings.machine.out / "best.npz"
    arrays, meta = checkpoint.load(best, RunMeta)
    checkpoint.restore(trainer.network.arrays(), arrays, best)
    network = Remembered(trainer.network) if device == "cpu" else trainer.network
    known = last_drawers(validation) if settings.holds_out else validation
    meta["calibration"] = calibrate(embedding_scorer(network, device, settings.measuring.views), known)
    checkpoint.save(best, arrays, meta)
    return network, meta


def tests_of(settings):
    """{test: its options, in place of those that ``evaluate`` has by default}: the tests at the end of a run."""
    if settings.measuring.tests == "quick":
        return QUICK
    tests = {"lake": {"protocol": "lake"}} if settings.takes_lakes_test else {}
    tests |= {"one_shot": {"protocol": "nway"}, "verification": {"protocol": "verification"}}
    if DATASETS[settings.data.name].has_alphabets:
        tests["across"] = {"protocol": "nway", "alphabets": "across"}
    else:
        tests["verification"]["trials"] = OWN_PAIRS
    return tests


def test_best(trainer):
    """The tests of the weights in best.npz, which is calibrated first, on validation images; {test: its result}."""
    settings, machine = trainer.settings, trainer.settings.machine
    kept, held = ("best", "held-out images") if settings.holds_out else ("last", "mirror writing, as none was held out")
    print(f"trained; now the {kept} weights are calibrated on {held}, and tested", flush=True)
    network, meta = calibrated(trainer, part_of("validation", settings, machine.data_dir))
    none = "; no later ones were better: the training gained nothing" * (meta["step"] == 0)
    print(f"the {kept} weights are those of step {meta['step']}{none}", flush=True)
    found, tests = {"best_step": meta["step"]}, tests_of(settings)
    for number, (name, test) in enumerate(tests.items(), start=1):
        options = protocols.EvaluateOptions(machine.out, device=machine.device, data_dir=machine.data_dir, **test)
        print(f"test {number} of {len(tests)}, {_test_in_words(options, settings)}", flush=True)
        found[name] = protocols.measure(options, network, settings)
        print(protocols.describe(found[name]), flush=True)
    print("pictures of pairs and trials", flush=True)
    picture_pairs(settings, network, meta["calibration"])
    picture_trials(settings, network)
    return found


def _test_in_words(options, settings):
    """What a test is of, and what makes it long."""
    protocol, views = protocols.PROTOCOLS[options.protocol], options.views or settings.measuring.views
    trials = options.trials or protocol.trials
    across = ", across alphabets" if options.alphabets == "across" else ""
    count = f"{trials:,} of them, " if trials else ""
    return f"{protocol.help}{across}: {count}{views} {'views' if views > 1 else 'view'} of each image"


def picture_pairs(settings, network, calibration):
    """pairs.png: ten pairs of evaluation images, with the probability that they show the same (see ``calibrate``)."""
    evaluation = part_of("evaluation", settings, settings.machine.data_dir)
    batch = Pairs(evaluation, 10).draw(np.random.default_rng(settings.seed))
    order = np.random.default_rng(settings.seed).permutation(10)  # same and different ones mixed
    images = evaluation.images[batch.rows]
    scorer = embedding_scorer(network, settings.machine.device, settings.measuring.views)
    probability = sigmoid(calibration["slope"] * scorer(images, batch.pairs) + calibration["offset"])[order]
    first, second = images[batch.pairs[order].T]
    path = settings.machine.out / "pairs.png"
    plots.test_pairs(first, second, batch.same[order], probability, probability > 0.5, path)


def picture_trials(settings, network):
    """trial.png, a one-shot trial, and ways.png, the accuracy by the number of classes, on evaluation images."""
    out, data_dir, name = settings.machine.out, settings.machine.data_dir, settings.data.name
    quick = settings.measuring.tests == "quick"
    scorer = network_scorer(network, settings.machine.device, 1 if quick else settings.measuring.views)
    if settings.takes_lakes_test and not quick:
        tests = trials.lake_trials(omniglot.load_runs(data_dir))
        title = "Lake's one-shot test, up to N classes"
    else:
        evaluation = part_of("evaluation", settings, data_dir)
        way = min(20, max(map(len, evaluation.classes_of_group)))
        count = QUICK["one_shot"]["trials"] if quick else 400
        tests = trials.nway_trials(evaluation, way, 1, count, within=True, rng=np.random.default_rng(0))
        kind = "alphabets" if DATASETS[name].has_alphabets else "images"
        title = f"One-shot trials, evaluation {kind} of {name}"
    scores = tests.scores(scorer)
    query, support = tests.images[tests.query[0]], tests.images[tests.support[0, :, 0]]
    plots.trial(query, support, scores[0], tests.target[0], out / "trial.png")
    baseline = trials.accuracy_by_way(tests.scores(nearest_neighbour), tests.target)
    plots.ways(trials.accuracy_by_way(scores, tests.target), baseline, title, out / "ways.png")
