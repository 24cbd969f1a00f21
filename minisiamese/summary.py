"""What a run leaves when it stops: summary.json, and the pictures of the tests."""

import json
import platform

import numpy as np

from minisiamese import __version__, checkpoint, data, evaluate, plots
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
        "verification": None,
    }
    plots.curves(out / "metrics.jsonl", out / "curves.png")
    if summary["finished"]:
        arrays, meta = checkpoint.load(out / "best.npz")
        checkpoint.restore(trainer.network.arrays(), arrays, out / "best.npz")
        summary["best_step"] = meta["step"]
        protocols = {"lake": "lake", "one_shot": "nway", "verification": "verification"}
        if config.data != "omniglot":
            protocols.pop("lake")
        for key, protocol in protocols.items():
            how = evaluate.Config(out, protocol=protocol, device=config.device, data_dir=config.data_dir)
            summary[key] = evaluate.measure(how, trainer.network, config)
            print(evaluate.describe(summary[key]))
        test_pictures(trainer, summary["verification"]["threshold"])
    checkpoint.save_text(out / "summary.json", json.dumps(summary, indent=1))
    return summary


def test_pictures(trainer, threshold):
    """pairs.png, trial.png and ways.png, from the evaluation alphabets; threshold is that of verification."""
    config, out = trainer.config, trainer.config.out
    scorer = evaluate.network_scorer(trainer.network, config.device)
    evaluation = data.load(config.data, "evaluation", config.data_dir)

    pairs = Pairs(evaluation, 10).draw(np.random.default_rng(config.seed))
    order = np.random.default_rng(config.seed).permutation(10)  # same and different ones mixed
    images = evaluation.images[pairs.rows]
    probability = sigmoid(scorer(images, pairs.pairs) - threshold)[order]
    first, second = images[pairs.pairs[order].T]
    plots.test_pairs(first, second, pairs.same[order], probability, probability > 0.5, out / "pairs.png")

    if config.data == "omniglot":
        trials, title = (
            evaluate.lake_trials(omniglot.load_runs(config.data_dir)),
            "Lake's one-shot test, up to N classes",
        )
    else:
        way = min(20, max(map(len, evaluation.classes_of_group)))
        trials = evaluate.nway_trials(evaluation, way, 1, 400, within=True, rng=np.random.default_rng(0))
        title = f"One-shot trials within evaluation alphabets of {config.data}"
    scores = trials.scores(scorer)
    plots.trial(
        trials.images[trials.query[0]],
        trials.images[trials.support[0, :, 0]],
        scores[0],
        trials.target[0],
        out / "trial.png",
    )
    baseline = evaluate.accuracy_by_way(trials.scores(nearest_neighbour), trials.target)
    plots.ways(evaluate.accuracy_by_way(scores, trials.target), baseline, title, out / "ways.png")
