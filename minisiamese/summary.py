"""What a run leaves when it stops: summary.json, and the pictures of the tests."""

import json
import platform

import numpy as np

from minisiamese import __version__, checkpoint, data, evaluate, plots, trials
from minisiamese.baselines import nearest_neighbour
from minisiamese.data import omniglot
from minisiamese.data.samplers import Pairs
from minisiamese.layers import sigmoid


def finish(trainer):
    """Write the pictures and summary.json; the tests run on the best weights, once the run is complete."""
    config, out = trainer.config, trainer.config.out
    summary = {
        "dataset": config.data,
        "network": config.network,
        "loss": config.loss,
        "seed": config.seed,
        "steps": trainer.step,
        "finished": trainer.step == trainer.steps,
        "seconds": round(trainer.seconds, 1),
        "threads": config.threads,
        "validation_accuracy": trainer.best,
        "versions": {"minisiamese": __version__, "numpy": np.__version__, "python": platform.python_version()},
        "lake": None,
        "one_shot": None,
        "across": None,
        "verification": None,
    }
    plots.curves(out / "metrics.jsonl", out / "curves.png")
    if summary["finished"]:
        arrays, meta = checkpoint.load(out / "best.npz")
        checkpoint.restore(trainer.network.arrays(), arrays, out / "best.npz")
        summary["best_step"] = meta["step"]
        print(f"trained; now the tests of the best weights, those of step {meta['step']}")
        scorer = evaluate.network_scorer(trainer.network, config.device, config.views)
        calibration = evaluate.calibrate(scorer, data.part("validation", config, config.data_dir))
        checkpoint.save(out / "best.npz", arrays, meta | {"calibration": calibration})
        tests = {"one_shot": {"protocol": "nway"}, "verification": {"protocol": "verification"}}
        if config.takes_lakes_test:
            tests = {"lake": {"protocol": "lake"}} | tests
        if config.data != "folder":  # which has no alphabets
            tests["across"] = {"protocol": "nway", "alphabets": "across"}
        for key, test in tests.items():
            how = evaluate.Config(out, device=config.device, data_dir=config.data_dir, **test)
            summary[key] = evaluate.measure(how, trainer.network, config)
            print(evaluate.describe(summary[key]))
        test_pictures(trainer, calibration)
    checkpoint.save_text(out / "summary.json", json.dumps(summary, indent=1))
    return summary


def test_pictures(trainer, calibration):
    """pairs.png, trial.png and ways.png, from the evaluation alphabets; calibration is that of ``calibrate``."""
    config, out = trainer.config, trainer.config.out
    scorer = evaluate.network_scorer(trainer.network, config.device, config.views)
    evaluation = data.part("evaluation", config, config.data_dir)

    pairs = Pairs(evaluation, 10).draw(np.random.default_rng(config.seed))
    order = np.random.default_rng(config.seed).permutation(10)  # same and different ones mixed
    images = evaluation.images[pairs.rows]
    probability = sigmoid(calibration["slope"] * scorer(images, pairs.pairs) + calibration["offset"])[order]
    first, second = images[pairs.pairs[order].T]
    plots.test_pairs(first, second, pairs.same[order], probability, probability > 0.5, out / "pairs.png")

    if config.takes_lakes_test:
        tests = trials.lake_trials(omniglot.load_runs(config.data_dir))
        title = "Lake's one-shot test, up to N classes"
    else:
        way = min(20, max(map(len, evaluation.classes_of_group)))
        tests = trials.nway_trials(evaluation, way, 1, 400, within=True, rng=np.random.default_rng(0))
        title = f"One-shot trials, evaluation {'images' if config.data == 'folder' else 'alphabets'} of {config.data}"
    scores = tests.scores(scorer)
    query, support = tests.images[tests.query[0]], tests.images[tests.support[0, :, 0]]
    plots.trial(query, support, scores[0], tests.target[0], out / "trial.png")
    baseline = trials.accuracy_by_way(tests.scores(nearest_neighbour), tests.target)
    plots.ways(trials.accuracy_by_way(scores, tests.target), baseline, title, out / "ways.png")
