"""The end of a run: its tests, their pictures, and summary.json."""

import platform

import numpy as np

from minisiamese import __version__, checkpoint, plots, trials
from minisiamese.data import DATASETS, omniglot
from minisiamese.data.samplers import Pairs
from minisiamese.evaluate import protocols
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.scoring import Remembered, calibrate, network_scorer
from minisiamese.layers import sigmoid
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import RunMeta


def finish(trainer):
    """Write the pictures and summary.json; the tests run on the best weights, once the run is complete."""
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
        "validation_accuracy": trainer.best,
        "versions": {"minisiamese": __version__, "numpy": np.__version__, "python": platform.python_version()},
        **dict.fromkeys(("lake", "one_shot", "across", "verification")),
    }
    plots.curves(machine.out / "metrics.jsonl", machine.out / "curves.png")
    if summary["finished"]:
        summary |= test_best(trainer)
    checkpoint.save_json(machine.out / "summary.json", summary)
    return summary


def test_best(trainer):
    """The tests of the best weights, whose checkpoint is calibrated on held-out images; {test: its result}."""
    settings, machine = trainer.settings, trainer.settings.machine
    best = machine.out / "best.npz"
    arrays, meta = checkpoint.load(best, RunMeta)
    checkpoint.restore(trainer.network.arrays(), arrays, best)
    print(f"trained; now the tests of the best weights, those of step {meta['step']}")
    network = Remembered(trainer.network) if machine.device == "cpu" else trainer.network
    scorer = network_scorer(network, machine.device, settings.measuring.views)
    calibration = calibrate(scorer, part_of("validation", settings, machine.data_dir))
    checkpoint.save(best, arrays, meta | {"calibration": calibration})
    tests = {"lake": {"protocol": "lake"}} if settings.takes_lakes_test else {}
    tests |= {"one_shot": {"protocol": "nway"}, "verification": {"protocol": "verification"}}
    if DATASETS[settings.data.name].has_alphabets:
        tests["across"] = {"protocol": "nway", "alphabets": "across"}
    found = {"best_step": meta["step"]}
    for name, test in tests.items():
        options = protocols.EvaluateOptions(machine.out, device=machine.device, data_dir=machine.data_dir, **test)
        found[name] = protocols.measure(options, network, settings)
        print(protocols.describe(found[name]))
    picture_pairs(settings, scorer, calibration)
    picture_trials(settings, scorer)
    return found


def picture_pairs(settings, scorer, calibration):
    """pairs.png: ten pairs of evaluation images, with the probability that they show the same (see ``calibrate``)."""
    evaluation = part_of("evaluation", settings, settings.machine.data_dir)
    batch = Pairs(evaluation, 10).draw(np.random.default_rng(settings.seed))
    order = np.random.default_rng(settings.seed).permutation(10)  # same and different ones mixed
    images = evaluation.images[batch.rows]
    probability = sigmoid(calibration["slope"] * scorer(images, batch.pairs) + calibration["offset"])[order]
    first, second = images[batch.pairs[order].T]
    path = settings.machine.out / "pairs.png"
    plots.test_pairs(first, second, batch.same[order], probability, probability > 0.5, path)


def picture_trials(settings, scorer):
    """trial.png, a one-shot trial, and ways.png, the accuracy by the number of classes, on evaluation images."""
    out, data_dir, name = settings.machine.out, settings.machine.data_dir, settings.data.name
    if settings.takes_lakes_test:
        tests = trials.lake_trials(omniglot.load_runs(data_dir))
        title = "Lake's one-shot test, up to N classes"
    else:
        evaluation = part_of("evaluation", settings, data_dir)
        way = min(20, max(map(len, evaluation.classes_of_group)))
        tests = trials.nway_trials(evaluation, way, 1, 400, within=True, rng=np.random.default_rng(0))
        kind = "alphabets" if DATASETS[name].has_alphabets else "images"
        title = f"One-shot trials, evaluation {kind} of {name}"
    scores = tests.scores(scorer)
    query, support = tests.images[tests.query[0]], tests.images[tests.support[0, :, 0]]
    plots.trial(query, support, scores[0], tests.target[0], out / "trial.png")
    baseline = trials.accuracy_by_way(tests.scores(nearest_neighbour), tests.target)
    plots.ways(trials.accuracy_by_way(scores, tests.target), baseline, title, out / "ways.png")
