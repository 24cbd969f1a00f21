"""Measure a run: Lake's official one-shot test, N-way K-shot trials and verification, each beside its baselines.

    python -m minisiamese.evaluate RUN --protocol lake

Notation: T trials of N classes with K support drawings each; scores are larger for more alike.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from minisiamese import checkpoint, data
from minisiamese.backend import available_cores, check_device, set_threads, to_device, to_host
from minisiamese.baselines import BASELINES
from minisiamese.config import Config as TrainConfig
from minisiamese.data import mnist, omniglot
from minisiamese.data.affine import Views, draw_distortions, identity
from minisiamese.data.samplers import Pairs
from minisiamese.errors import BadInput, front_door, parse
from minisiamese.losses import bce
from minisiamese.networks import build
from minisiamese.trials import credits, lake_trials, nway_trials, rate

PRETRAINED = Path(__file__).with_name("pretrained.npz")  # the network that comes with the package
TRIALS = {"nway": 400, "mnist": 400, "verification": 10_000}  # the paper's numbers, but for the first
OPTIONS = {  # the options of the protocols; N-way trials have them all
    "lake": ("views",),
    "retrieval": ("seed",),
    "mnist": ("views", "trials", "seed"),
    "verification": ("views", "trials", "seed", "alphabets", "split"),
    "nway": ("views", "trials", "seed", "alphabets", "split", "way", "shot"),
}

# --- scores -----------------------------------------------------------------------------------------------------------


BATCH = 250  # images embedded at a time; of more than 105 x 105 pixels, as many fewer


def embed(network, views, numbers=(0,)):
    """Embeddings z (V, M, D) of the M images of a ``Views``, each seen V times; batch norm on its stored statistics.

    View number 0 is the images as they are; every other number stands for a random distortion, the same for all of
    them, so that a score does not depend on which other images are there.
    """
    count, z = len(views.images), []
    maps = [draw_distortions(np.random.default_rng(number), 1) if number else identity(1) for number in numbers]
    rows, maps = np.tile(np.arange(count), len(numbers)), np.repeat(np.concatenate(maps), count, axis=0)
    batch = max(1, BATCH * 105**2 // max(105, views.size) ** 2)
    for start in range(0, len(rows), batch):
        part = slice(start, start + batch)
        z.append(to_host(network.forward(views(rows[part], maps[part]), train=False)))
    return np.concatenate(z).reshape(len(numbers), count, -1)


def views_of(network, images, device="cpu"):
    """The images (M, H, W, C) as a network sees them; BadInput if it takes another number of channels."""
    if images.shape[3] != network.channels:
        kinds = {1: "grey images", 3: "images in colour"}
        raise BadInput(f"the network is of {kinds[network.channels]}, and these are {kinds[images.shape[3]]}")
    return Views(images, network.size, device, network.frame)


def network_scorer(network, device="cpu", views=1):
    """The head's scores, the mean over ``views`` views of both images; each image is embedded once a view.

    The scorer raises BadInput for images of another number of channels.
    """

    def scorer(images, pairs):
        shown, on_device = views_of(network, images, device), to_device(pairs, device)
        total, together = np.zeros(len(pairs), np.float32), max(1, BATCH // len(images))
        for first in range(0, views, together):
            for z in embed(network, shown, range(first, min(first + together, views))):
                total += to_host(network.head.forward(to_device(z, device), on_device, train=False))
        return total / np.float32(views)

    return scorer


def best_threshold(scores, same):
    """The score from which on to say "same" that is right most often on these pairs."""
    order = np.argsort(scores)
    scores, same = scores[order], same[order]
    # with the threshold before place i, those before it are called different and the rest same
    right = np.concatenate([[0], np.cumsum(same == 0)]) + same.sum() - np.concatenate([[0], np.cumsum(same == 1)])
    edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])
    right[1:-1][scores[1:] == scores[:-1]] = -1  # equal scores cannot be parted
    return float(edges[np.argmax(right)])


def calibrate(scorer, dataset, count=2000):
    """{"slope", "offset"} so that sigmoid(slope score + offset) is the probability that two drawings show the same.

    The two numbers of least cross-entropy on pairs of one alphabet, as many same as different (Platt 1999).
    """
    from scipy.optimize import minimize  # here, so that the quarter of a second it takes is spent after training only

    images, pairs, same = _pairs(_last_drawers(dataset), count, True, np.random.default_rng(0))
    scores = scorer(images, pairs).astype(float)
    start = [1 / max(scores.std(), 1e-12), 0.0]  # scores that are all the same say nothing, but harm nothing
    fit = minimize(lambda p: bce(p[0] * scores + p[1], same)[0], start, method="Nelder-Mead")
    return {"slope": float(fit.x[0]), "offset": float(fit.x[1])}


# --- protocols --------------------------------------------------------------------------------------------------------


def baselines_of(data):
    """The baselines that make sense for a data set: one of them compares the ink of drawings."""
    return {name: each for name, each in BASELINES.items() if data != "folder" or name == "nearest_neighbour"}


def one_shot(trials, scorer, baselines):
    """Accuracy over the trials, and the baselines' over the same ones."""
    baselines = {name: rate(credits(trials.scores(each), trials.target)) for name, each in baselines.items()}
    return {**rate(credits(trials.scores(scorer), trials.target)), "baselines": baselines}


def verification(dataset, known, scorer, baselines, count, within, rng):
    """Same or different, on count balanced pairs (section 4.2).

    Pairs are of one alphabet, as many for each (``within``), or of any. The threshold of every scorer is chosen on
    pairs of ``known``, alphabets that the test does not use.
    """
    images, pairs, same = _pairs(dataset, count, within, rng)
    known_images, known_pairs, known_same = _pairs(known, count, within, rng)

    def measure(scorer):
        threshold = best_threshold(scorer(known_images, known_pairs), known_same)
        return {**rate(((scorer(images, pairs) > threshold) == same).astype(float)), "threshold": threshold}

    return {**measure(scorer), "baselines": {name: measure(each) for name, each in baselines.items()}}


def _pairs(dataset, count, within, rng):
    """(images, pairs, same): count balanced pairs over a pool of images."""
    sampler = Pairs(dataset, count, float(within))
    batch = sampler.draw_evenly(rng) if within else sampler.draw(rng)
    used, rows = np.unique(batch.rows, return_inverse=True)
    return dataset.images[used], rows[batch.pairs], batch.same


def _last_drawers(dataset, count=4):
    """What the last few people drew, as the paper has it of its test (section 4.1); all, if nobody knows who."""
    if dataset.drawers is None:
        return dataset
    last = dataset.drawers.max()
    return dataset.take_drawers(last - count + 1, last)


# --- the front door ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Config:
    """Measure a trained network, beside nearest neighbour and the modified Hausdorff distance."""

    # Run folder, a checkpoint file, or "pretrained", the network that comes with the package.
    run: Annotated[Path, tyro.conf.Positional]
    # lake: Lake's 20 official runs. nway: random N-way K-shot trials. mnist: 10-way trials on its test digits.
    # verification: same or different, on pairs. retrieval: each image asks for the others of its class.
    # Default: lake for networks trained on omniglot, else nway.
    protocol: Literal["lake", "nway", "verification", "mnist", "retrieval"] | None = None
    # Classes in a trial (nway). Default: 20, or as many as there are.
    way: int | None = None
    # Support drawings of each class (nway).
    shot: int = 1
    # Trials (nway, mnist; default 400), or pairs (verification; default 10000).
    trials: int | None = None
    # Take a trial's classes, or a pair, from one alphabet (within) or from any (across). Within, verification takes
    # the last four drawers and ten evaluation alphabets, of omniglot the paper's.
    alphabets: Literal["within", "across"] = "within"
    # Alphabets: evaluation; of the background ones, validation (held out of training) or training.
    split: Literal["evaluation", "validation", "training"] = "evaluation"
    # Views of every image, all but the first distorted, whose scores are averaged. Default: the run's.
    views: int | None = None
    # Seed of the trials.
    seed: int = 0
    # Print one JSON object.
    json: bool = False
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # For a run on a folder of images: that folder. Default: where it was.
    data_dir: Path | None = None


def load_run(path, device="cpu"):
    """(network, the configuration it was trained with, all that was saved beside it) of a run folder's best.npz, of a
    checkpoint file, or of "pretrained"."""
    path = PRETRAINED if str(path) == "pretrained" else Path(path)
    path = path / "best.npz" if path.is_dir() else path
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a run folder that 'python -m minisiamese.train' made")
    arrays, meta = checkpoint.load(path)
    trained = TrainConfig.from_json(meta.get("config") if isinstance(meta, dict) else None, path)
    network = build(trained, np.random.default_rng(0), meta.get("channels", 1)).to(device)
    checkpoint.restore(network.arrays(), arrays, path)
    return network, trained, meta


def measure(config, network, trained):
    """One protocol's result as a JSON-able dict: accuracy, trials, interval, baselines, and what was measured."""
    views = config.views or trained.views
    scorer, baselines = network_scorer(network, config.device, views), baselines_of(trained.data)
    protocol = config.protocol or ("lake" if trained.takes_lakes_test else "nway")
    described = {"protocol": protocol, "views": views}
    for name in OPTIONS["nway"]:
        if name not in OPTIONS[protocol] and getattr(config, name) != Config.__dataclass_fields__[name].default:
            raise BadInput(f"--{name} is no option of --protocol {protocol}")
    if protocol == "retrieval":
        from minisiamese import retrieval  # here, since that file imports this one

        return retrieval.measure(config, network, trained)
    if protocol == "lake":
        if trained.split == "vinyals":
            raise BadInput("--protocol lake: --split vinyals trains on some of its alphabets, so it would be no test")
        return described | one_shot(lake_trials(omniglot.load_runs(config.data_dir)), scorer, baselines)

    rng, within = np.random.default_rng(config.seed), config.alphabets == "within"
    count = config.trials or TRIALS[protocol]
    described |= {"seed": config.seed}
    if protocol == "mnist":
        trials = nway_trials(mnist.load("test", config.data_dir), 10, 1, count, True, rng)
        return described | one_shot(trials, scorer, baselines)

    described |= {"data": trained.data, "split": config.split, "alphabets": config.alphabets, "division": trained.split}
    dataset = data.part(config.split, trained, config.data_dir)
    if protocol == "nway":
        most = max(map(len, dataset.classes_of_group)) if within else len(dataset.rows_of_class)
        way = config.way or min(20, most)
        described |= {"way": way, "shot": config.shot}
        trials = nway_trials(dataset, way, config.shot, count, within, rng)
        return described | one_shot(trials, scorer, baselines)
    if count < 2:
        raise BadInput("--trials must be at least 2 for verification: a same and a different pair")
    if config.split == "training":
        raise BadInput("--protocol verification takes --split evaluation or validation: training gives the threshold")
    known = data.part("validation" if config.split == "evaluation" else "training", trained, config.data_dir)
    if within and config.split == "evaluation":  # ten alphabets, as in the paper; of omniglot the very ones
        ten = np.arange(min(10, len(dataset.group_names)))
        official = trained.takes_lakes_test
        dataset = omniglot.paper_part("evaluation", config.data_dir) if official else dataset.take_groups(ten)
    if within:
        dataset, known = _last_drawers(dataset), _last_drawers(known)
    return described | verification(dataset, known, scorer, baselines, count, within, rng)


def describe(result):
    """A measure's result as lines for people."""
    if result["protocol"] == "retrieval":
        from minisiamese import retrieval

        return retrieval.describe(result)

    def line(name, figures):
        low, high = figures["interval"]
        return f"{name:<20}{figures['accuracy']:8.2%}   95 % interval {low:.1%} .. {high:.1%}"

    where = "of the {split} images of {data}"
    if result.get("data") != "folder":  # which has no alphabets
        where = "{alphabets} alphabets of the {split} split of {data}"
        where += " (--split {division})" if result.get("division", "alphabets") != "alphabets" else ""
    title = {
        "lake": "Lake's one-shot test, 20 runs of 20-way, within alphabets",
        "nway": "{way}-way {shot}-shot " + where,
        "mnist": "10-way one-shot on the test digits of MNIST",
        "verification": "same or different, pairs " + where,
    }[result["protocol"]].format(**result)
    lines = [f"{title}: {result['trials']} trials", line("this network", result)]
    return "\n".join(lines + [line(name.replace("_", " "), each) for name, each in result["baselines"].items()])


def main():
    config = parse(Config, "python -m minisiamese.evaluate")
    if config.seed < 0:
        raise BadInput(f"--seed must be 0 or more, not {config.seed}")
    for name in ("way", "shot", "trials", "views", "threads"):
        if getattr(config, name) is not None and getattr(config, name) < 1:
            raise BadInput(f"--{name} must be at least 1, not {getattr(config, name)}")
    check_device(config.device)
    set_threads(config.threads or available_cores())
    network, trained, _ = load_run(config.run, config.device)
    result = measure(config, network, trained)
    print(json.dumps(result) if config.json else describe(result))


if __name__ == "__main__":
    front_door(main)
