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
from scipy.stats import norm

from minisiamese import checkpoint, data
from minisiamese.backend import available_cores, check_device, set_threads, to_device, to_host
from minisiamese.baselines import BASELINES
from minisiamese.config import Config as TrainConfig
from minisiamese.data import omniglot
from minisiamese.data.affine import Views
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Pairs
from minisiamese.errors import BadInput, front_door, parse
from minisiamese.networks import build

TRIALS = {"nway": 400, "verification": 2000}

# --- trials -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trials:
    """One-shot trials over a pool of images.

    images (M, H, W, C) uint8; query (T,) and support (T, N, K) are rows of the pool; target (T,) is the place among
    the N classes that the query belongs to.
    """

    images: np.ndarray
    query: np.ndarray
    support: np.ndarray
    target: np.ndarray

    def scores(self, scorer):
        """The class scores (T, N): a class is as much like the query as its K drawings on average."""
        pairs = np.stack([np.repeat(self.query, self.support[0].size), self.support.ravel()], axis=1)
        return scorer(self.images, pairs).reshape(self.support.shape).mean(axis=2)


def lake_trials(runs):
    """Lake's test: for each run, every test drawing against all of the run's training drawings."""
    images, query, support, target = [], [], [], []
    for run in runs:
        N, start = len(run.training), sum(map(len, images))
        images += [run.training, run.test]
        query += range(start + N, start + N + len(run.test))
        support += [np.arange(start, start + N)] * len(run.test)
        target += run.answer.tolist()
    return Trials(np.concatenate(images), np.array(query), np.stack(support)[:, :, None], np.array(target))


def nway_trials(dataset, way, shot, count, within, rng, every_class=False):
    """count random supports of ``way`` classes by K people, and a query by another (Koch et al., section 4.3).

    The classes are of one alphabet (``within``) or of any. A support is asked about one of its classes, or, as in
    Lake's runs, about each of them (``every_class``: way trials that share their drawings). BadInput if there are too
    few classes or drawers.
    """
    groups = [classes for classes in dataset.classes_of_group if len(classes) >= way]
    most = max(map(len, dataset.classes_of_group)) if within else len(dataset.rows_of_class)
    if way < 2 or way > most:
        where = "the largest alphabet" if within else "this split"
        raise BadInput(f"--way must be 2 to {most}, the number of classes in {where}")
    by_drawer = [dict(zip(dataset.drawers[rows].tolist(), rows, strict=True)) for rows in dataset.rows_of_class]
    everywhere = np.arange(len(dataset.rows_of_class))
    query, support, target = [], [], []
    for _ in range(count):
        classes = rng.choice(groups[rng.integers(len(groups))] if within else everywhere, way, replace=False)
        common = sorted(set.intersection(*(set(by_drawer[label]) for label in classes)))
        if len(common) < shot + 1:
            raise BadInput(f"--shot {shot} needs {shot + 1} drawings of each class, but some have only {len(common)}")
        *support_drawers, query_drawer = rng.permutation(common)[: shot + 1].tolist()
        drawings = [[by_drawer[label][drawer] for drawer in support_drawers] for label in classes]
        for answer in range(way) if every_class else [rng.integers(way)]:
            query.append(by_drawer[classes[answer]][query_drawer])
            support.append(drawings)
            target.append(answer)
    used, rows = np.unique(np.concatenate([query, np.ravel(support)]), return_inverse=True)
    query, support = np.split(rows.reshape(-1), [len(query)])
    return Trials(dataset.images[used], query, support.reshape(-1, way, shot), np.array(target))


# --- scores, accuracies, intervals ------------------------------------------------------------------------------------


def embed(network, images, device="cpu", batch=250):
    """Embeddings z (M, D) of M uint8 images, batch norm on its stored statistics."""
    views = Views(images, network.size, device)
    starts = range(0, len(images), batch)
    z = [to_host(network.forward(views(np.arange(len(images))[i : i + batch]), train=False)) for i in starts]
    return np.concatenate(z)


def network_scorer(network, device="cpu"):
    """The head's scores; each image is embedded once."""

    def scorer(images, pairs):
        z = to_device(embed(network, images, device), device)
        return to_host(network.head.forward(z, to_device(pairs, device), train=False))

    return scorer


def credits(scores, target):
    """What each trial earns (T,): 1 if the target's score is the highest, shared if it is one of several highest.

    Sharing is the expectation of breaking ties at random: a scorer that returns a constant earns 1/N.
    """
    highest = scores == scores.max(axis=1, keepdims=True)
    return highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)


def rate(earned):
    """The mean of (T,) credits with its 95 % Wilson score interval: {"accuracy", "trials", "interval"}."""
    T, p, z = len(earned), float(np.mean(earned)), norm.ppf(0.975)
    centre = (p + z * z / (2 * T)) / (1 + z * z / T)
    half = z * np.sqrt(p * (1 - p) / T + z * z / (4 * T * T)) / (1 + z * z / T)
    return {"accuracy": p, "trials": T, "interval": [float(max(0, centre - half)), float(min(1, centre + half))]}


def best_threshold(scores, same):
    """The score from which on to say "same" that is right most often on these pairs."""
    order = np.argsort(scores)
    scores, same = scores[order], same[order]
    # with the threshold before place i, those before it are called different and the rest same
    right = np.concatenate([[0], np.cumsum(same == 0)]) + same.sum() - np.concatenate([[0], np.cumsum(same == 1)])
    edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])
    right[1:-1][scores[1:] == scores[:-1]] = -1  # equal scores cannot be parted
    return float(edges[np.argmax(right)])


# --- protocols --------------------------------------------------------------------------------------------------------


def one_shot(trials, scorer):
    """Accuracy over the trials, and the baselines' over the same ones."""
    baselines = {name: rate(credits(trials.scores(baseline), trials.target)) for name, baseline in BASELINES.items()}
    return {**rate(credits(trials.scores(scorer), trials.target)), "baselines": baselines}


def verification(dataset, known, scorer, count, rng):
    """Same or different, on count balanced pairs (section 4.2). The threshold of every scorer is chosen on pairs of
    ``known``, alphabets that the test does not use."""
    test, chosen_on = (Pairs(each, count, within=0.5).draw(rng) for each in (dataset, known))

    def measure(scorer):
        threshold = best_threshold(scorer(known.images[chosen_on.rows], chosen_on.pairs), chosen_on.same)
        guess = scorer(dataset.images[test.rows], test.pairs) > threshold
        return {**rate((guess == test.same).astype(float)), "threshold": threshold}

    return {**measure(scorer), "baselines": {name: measure(baseline) for name, baseline in BASELINES.items()}}


def accuracy_by_way(scores, target):
    """{n: rate} for n = 2..N classes: of each trial the target's class and the first n - 1 others."""
    T, N = scores.shape
    others = scores[np.arange(N) != target[:, None]].reshape(T, N - 1)
    ordered = np.concatenate([scores[np.arange(T), target][:, None], others], axis=1)
    first = np.zeros(T, int)
    return {n: rate(credits(ordered[:, :n], first)) for n in range(2, N + 1)}


# --- the front door ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Config:
    """Measure a trained network, beside nearest neighbour and the modified Hausdorff distance."""

    # Run folder, or a checkpoint file.
    run: Annotated[Path, tyro.conf.Positional]
    # lake: Lake's 20 official runs. nway: random N-way K-shot trials. verification: same or different pairs.
    # Default: lake for networks trained on omniglot, else nway.
    protocol: Literal["lake", "nway", "verification"] | None = None
    # Classes in a trial (nway).
    way: int = 20
    # Support drawings of each class (nway).
    shot: int = 1
    # Trials (nway; default 400), or pairs (verification; default 2000).
    trials: int | None = None
    # Take a trial's classes from one alphabet (within) or from any (across) (nway).
    alphabets: Literal["within", "across"] = "within"
    # Alphabets: evaluation; of the background ones, validation (held out of training) or training.
    split: Literal["evaluation", "validation", "training"] = "evaluation"
    # Seed of the trials.
    seed: int = 0
    # Print one JSON object.
    json: bool = False
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    data_dir: Path | None = None


def load_run(path, device="cpu"):
    """(network, the configuration it was trained with) of a run folder's best.npz, or of a checkpoint file."""
    path = path / "best.npz" if path.is_dir() else path
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a run folder that 'python -m minisiamese.train' made")
    arrays, meta = checkpoint.load(path)
    trained = TrainConfig.from_json(meta.get("config") if isinstance(meta, dict) else None, path)
    network = build(trained, np.random.default_rng(0)).to(device)
    checkpoint.restore(network.arrays(), arrays, path)
    return network, trained


def measure(config, network, trained):
    """One protocol's result as a JSON-able dict: accuracy, trials, interval, baselines, and what was measured."""
    scorer = network_scorer(network, config.device)
    protocol = config.protocol or ("lake" if trained.data == "omniglot" else "nway")
    if protocol == "lake":
        return {"protocol": protocol} | one_shot(lake_trials(omniglot.load_runs(config.data_dir)), scorer)

    rng, count = np.random.default_rng(config.seed), config.trials or TRIALS[protocol]
    if protocol == "verification" and count < 2:
        raise BadInput("--trials must be at least 2 for verification: a same and a different pair")
    described = {"protocol": protocol, "data": trained.data, "split": config.split, "seed": config.seed}
    if protocol == "nway":
        described |= {"way": config.way, "shot": config.shot, "alphabets": config.alphabets}
        dataset, within = load_split(config.split, config, trained), config.alphabets == "within"
        return described | one_shot(nway_trials(dataset, config.way, config.shot, count, within, rng), scorer)
    if config.split == "training":
        raise BadInput("--protocol verification takes --split evaluation or validation: training gives the threshold")
    known = load_split("validation" if config.split == "evaluation" else "training", config, trained)
    return described | verification(load_split(config.split, config, trained), known, scorer, count, rng)


def load_split(split, config, trained):
    """The evaluation alphabets, or the background ones that were held out of training, or those trained on."""
    if split == "evaluation":
        return data.load(trained.data, "evaluation", config.data_dir)
    background = data.load(trained.data, "background", config.data_dir)
    training, validation = hold_out(background, trained.validation_alphabets)
    return training if split == "training" else validation


def describe(result):
    """A measure's result as lines for people."""

    def line(name, figures):
        low, high = figures["interval"]
        return f"{name:<20}{figures['accuracy']:8.2%}   95 % interval {low:.1%} .. {high:.1%}"

    title = {
        "lake": "Lake's one-shot test, 20 runs of 20-way, within alphabets",
        "nway": "{way}-way {shot}-shot {alphabets} alphabets of the {split} split of {data}",
        "verification": "same or different, pairs of the {split} split of {data}",
    }[result["protocol"]].format(**result)
    lines = [f"{title}: {result['trials']} trials", line("this network", result)]
    return "\n".join(lines + [line(name.replace("_", " "), each) for name, each in result["baselines"].items()])


def main():
    config = parse(Config, "python -m minisiamese.evaluate")
    if config.seed < 0:
        raise BadInput(f"--seed must be 0 or more, not {config.seed}")
    for name in ("way", "shot", "trials", "threads"):
        if getattr(config, name) is not None and getattr(config, name) < 1:
            raise BadInput(f"--{name} must be at least 1, not {getattr(config, name)}")
    check_device(config.device)
    set_threads(config.threads or available_cores())
    result = measure(config, *load_run(config.run, config.device))
    print(json.dumps(result) if config.json else describe(result))


if __name__ == "__main__":
    front_door(main)
