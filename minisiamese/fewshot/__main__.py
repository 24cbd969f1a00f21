"""N-way K-shot studies of trained networks: heat maps, voting and layer removal (report 001).

    python -m minisiamese.fewshot RUN
    python -m minisiamese.fewshot RUN RUN RUN --study votes

Notation: N classes with K support images each, M images, D features.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from scipy.spatial.distance import pdist
from scipy.special import softmax
from tqdm import tqdm

from minisiamese import checkpoint, data
from minisiamese.backend import available_cores, check_device, set_threads
from minisiamese.errors import BadInput, front_door, parse
from minisiamese.evaluate import embed, load_run, views_of
from minisiamese.fewshot import classifiers as few
from minisiamese.fewshot import pictures
from minisiamese.fewshot.features import AFTER, BEFORE, depth_features, feature_sets
from minisiamese.networks import untrained

WAYS, SHOTS = (2, 5, 10, 20, 30, 40, 50), range(1, 11)  # of the heat maps
CLASSES, IMAGES = 400, 8000  # of the heat maps at most, for the sake of time
FITTED = 1000  # training images that principal components and scales are taken from
SHOT = {"votes": 1, "depths": 5}  # where nothing else is said
OPTIONS = {"heatmaps": ("pca",), "votes": ("way", "shot"), "depths": ("way", "shot")}


@dataclass(frozen=True)
class Config:
    """Measure what few examples teach about unseen classes, on the features of trained networks."""

    # Run folder, checkpoint file, or "pretrained"; two or more of them for --study votes.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # heatmaps: accuracy by N and K, before and after training. votes: several runs that vote. depths: features of
    # every layer.
    study: Literal["heatmaps", "votes", "depths"] = "heatmaps"
    # Classes in an episode (votes, depths). Default: 20, or as many as there are.
    way: int | None = None
    # Support images of each class (votes, depths). Default: 1 for votes, 5 for depths, for at 1 1-NN and means are the
    # same.
    shot: int | None = None
    # Random episodes, the same for all that is compared; of heatmaps, in each cell.
    repeats: int = 50
    # Principal components to keep of all features (heatmaps). Default: all the features, and 64 for the perceptron.
    pca: int | None = None
    # Seed of the episodes.
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
    # Folder for STUDY.json and the figures. Default: fewshot/ in the first run's folder.
    out: Path | None = None


# --- images -----------------------------------------------------------------------------------------------------------


def some(dataset, config):
    """At most ``CLASSES`` classes of a data set, and ``IMAGES`` images, as many of each class, drawn by the seed."""
    each = IMAGES // min(CLASSES, len(dataset.rows_of_class))
    return dataset.some(CLASSES, each, np.random.default_rng(config.seed))


def training_images(trained, config):
    """``FITTED`` images of the training split, or all that there are."""
    images = data.part("training", trained, config.data_dir).images
    return images[np.random.default_rng(config.seed).permutation(len(images))[:FITTED]]


# --- studies: each returns a JSON-able dict and writes its figures into a folder --------------------------------------


def heatmaps(config, runs, out):
    """Accuracy for every N and K that the data can give, by three classifiers on four kinds of features."""
    ((network, trained, _),) = runs.values()
    dataset = some(data.part("evaluation", trained, config.data_dir), config)
    images = dataset.images, training_images(trained, config)
    features = {}
    for name, (z, fitted) in feature_sets(network, trained, images, config.device).items():
        whole = few.principal(fitted, config.pca)(z) if config.pca else z
        reduced = whole if config.pca else few.principal(fitted, few.COMPONENTS)(z)
        features[name] = {each: reduced if each == "perceptron" else whole for each in few.CLASSIFIERS}
    cells = [(way, shot) for way in WAYS for shot in SHOTS if way <= len(few.able(dataset, shot))]
    credits = {name: {classifier: {} for classifier in few.CLASSIFIERS} for name in features}
    for cell in tqdm(cells, desc="cells", disable=None):
        support, query = few.episodes(dataset, *cell, config.repeats, config.seed)
        for name, by_classifier in features.items():
            for classifier, z in by_classifier.items():
                scores = few.scores(few.CLASSIFIERS[classifier], z, support, query)
                credits[name][classifier][cell] = few.earned(scores)
    figures = {name: {each: few.rate(list(of.values())) for each, of in by.items()} for name, by in credits.items()}
    for name, file in ((BEFORE, "heatmaps-before.png"), (AFTER, "heatmaps.png")):
        title = f"{name}: N-way K-shot accuracy, {config.repeats} episodes a cell of unseen images of {trained.data}"
        pictures.heatmaps(credits[name], figures[name], title, out / file)
    described = {"images": len(dataset.images), "classes": len(dataset.rows_of_class), "pca": config.pca}
    described |= dict(zip(("way", "shot"), np.max(cells, axis=0).tolist(), strict=True)) | {"cells": len(cells)}
    described |= {"perceptron_components": config.pca or few.COMPONENTS, "figures": figures}
    by_cell = {
        name: {
            each: [{"way": way, "shot": shot} | few.rate([earned]) for (way, shot), earned in of.items()]
            for each, of in by.items()
        }
        for name, by in credits.items()
    }
    return described | {"by_cell": by_cell}


def drawn(config, trained):
    """(images, support (E, N, K), query (E, N)): one setting's episodes, and of the images those that they use."""
    dataset, shot = data.part("evaluation", trained, config.data_dir), config.shot or SHOT[config.study]
    way = config.way or max(2, min(20, len(few.able(dataset, shot))))
    support, query = few.episodes(dataset, way, shot, config.repeats, config.seed)
    used, rows = np.unique(np.append(support, query), return_inverse=True)
    support, query = rows[: support.size].reshape(support.shape), rows[support.size :].reshape(query.shape)
    return dataset.images[used], support, query


def setting(support):
    """What the episodes of a support (E, N, K) are."""
    return dict(zip(("repeats", "way", "shot"), support.shape, strict=True))


def votes(config, runs, out):
    """Class means on the embeddings of each run, and of all runs by their votes.

    Soft: the mean of the runs' class probabilities, softmax_n(-|q - c_n|^2 / m), with m the median squared distance of
    two of the run's training images. Hard: one vote of each run, for the class whose mean is nearest; ties are shared.
    """
    first = next(iter(runs.values()))[1]
    for path, (_, trained, _) in runs.items():
        elsewhere = trained.data == "folder" and not config.data_dir and trained.data_dir != first.data_dir
        if elsewhere or (trained.data, trained.split) != (first.data, first.split):
            raise BadInput(f"{path} was trained on other data, or another --split, than {config.runs[0]}")
    images, support, query = drawn(config, first)
    figures, probabilities, ballots = {}, 0, 0
    for path, (network, trained, _) in tqdm(runs.items(), desc="runs", disable=None):
        z = embed(network, views_of(network, images, config.device))[0]
        known = embed(network, views_of(network, training_images(trained, config), config.device))[0]
        scores = few.scores(few.means, z, support, query)
        highest = scores == scores.max(axis=2, keepdims=True)
        median = np.median(pdist(known, "sqeuclidean"))
        probabilities = probabilities + softmax(scores / max(median, np.finfo(float).tiny), axis=2)
        ballots = ballots + highest / highest.sum(axis=2, keepdims=True)
        figures[path] = few.rate([few.earned(scores)])
    figures["soft voting"] = few.rate([few.earned(probabilities)])
    figures["hard voting"] = few.rate([few.earned(ballots)])
    title = "{way}-way {shot}-shot, class means, {repeats} episodes of ".format(**setting(support)) + first.data
    pictures.votes(figures, title, out / "votes.png")
    return setting(support) | {"figures": {name: {"class means": each} for name, each in figures.items()}}


def depths(config, runs, out):
    """1-NN and class means on the features after each layer, before and after training: the later ones removed."""
    ((network, trained, _),) = runs.values()
    images, support, query = drawn(config, trained)
    figures = {}
    for name, each in (("untrained", untrained(trained, network.channels).to(config.device)), ("trained", network)):
        for layer, z in depth_features(each, images, config.device).items():
            row = f"{layer} ({z.shape[1]:,})"
            for classifier in ("1-NN", "class means"):
                earned = few.earned(few.scores(few.CLASSIFIERS[classifier], z, support, query))
                figures.setdefault(row, {})[f"{classifier}, {name}"] = few.rate([earned])
    title = "{way}-way {shot}-shot, {repeats} episodes of ".format(**setting(support)) + trained.data
    pictures.depths(figures, title, out / "depths.png")
    return setting(support) | {"figures": figures}


# --- the front door ---------------------------------------------------------------------------------------------------


STUDIES = {"heatmaps": heatmaps, "votes": votes, "depths": depths}


def describe(result):
    """A study's result as a table for people: accuracies with their 95 % intervals."""
    what = "{way}-way {shot}-shot: {repeats} episodes"
    if result["study"] == "heatmaps":
        what = (
            "means over {cells} cells (up to {way} classes and {shot} support images) of {repeats} episodes each, on\n"
            "{images} images of {classes} classes; the perceptron sees at most {perceptron_components} components"
        )
    of = result["data"] + (f" (--split {result['division']})" if result["division"] != "alphabets" else "")
    lines = [f"{what.format(**result)}; {of}, evaluation split; 95 % intervals over episodes"]
    names = list(next(iter(result["figures"].values())))
    width = max(map(len, result["figures"]))
    lines.append(" " * width + "".join(f"{name:>26}" for name in names))
    for row, figures in result["figures"].items():
        cells = ("{:.1%} ({:.1%} .. {:.1%})".format(each["accuracy"], *each["interval"]) for each in figures.values())
        lines.append(f"{row:<{width}}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def checked(config):
    """The folder for what is made; BadInput where the command line makes no sense."""
    if config.seed < 0:
        raise BadInput(f"--seed must be 0 or more, not {config.seed}")
    for name, least in {"way": 2, "shot": 1, "repeats": 2, "pca": 1, "threads": 1}.items():
        if getattr(config, name) is not None and getattr(config, name) < least:
            raise BadInput(f"--{name} must be at least {least}, not {getattr(config, name)}")
    for name in {"pca", "way", "shot"} - set(OPTIONS[config.study]):
        if getattr(config, name) != Config.__dataclass_fields__[name].default:
            raise BadInput(f"--{name} is no option of --study {config.study}")
    right_number = len(config.runs) > 1 if config.study == "votes" else len(config.runs) == 1
    if not right_number or len(set(config.runs)) < len(config.runs):
        raise BadInput("give one run, or for --study votes two or more different ones")
    if config.out is None and str(config.runs[0]) == "pretrained":
        raise BadInput("pretrained is in no run folder: give --out, a folder for the figures")
    first = config.runs[0] if config.runs[0].is_dir() else config.runs[0].parent
    return config.out or first / "fewshot"


def main():
    config = parse(Config, "python -m minisiamese.fewshot")
    out = checked(config)
    check_device(config.device)
    set_threads(config.threads or available_cores())
    runs = {str(path): load_run(path, config.device) for path in config.runs}
    trained = next(iter(runs.values()))[1]
    result = {"study": config.study, "data": trained.data, "division": trained.split}
    result |= {"repeats": config.repeats, "seed": config.seed}
    try:
        out.mkdir(parents=True, exist_ok=True)
        result |= STUDIES[config.study](config, runs, out)
        checkpoint.save_text(out / f"{config.study}.json", json.dumps(result, indent=1))
    except OSError as error:
        raise BadInput(f"--out: cannot write {out} ({error.strerror or error})") from None
    print(json.dumps(result) if config.json else f"{describe(result)}\nfigures and {config.study}.json are in {out}")


if __name__ == "__main__":
    front_door(main)
