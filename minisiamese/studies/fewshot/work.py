"""The few-shot studies: each returns a JSON-able dict, and writes its figures into a folder.

Notation: E episodes of N classes with K support images each, M images, D features.
"""

import numpy as np
from scipy.spatial.distance import pdist
from scipy.special import softmax
from tqdm import tqdm

from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import embed, views_of
from minisiamese.runs.build import part_of, untrained
from minisiamese.runs.folder import check_images
from minisiamese.studies.fewshot import classifiers as few
from minisiamese.studies.fewshot import pictures
from minisiamese.studies.fewshot.features import AFTER, BEFORE, depth_features, feature_sets
from minisiamese.studies.fewshot.settings import FITTED, MOST_CLASSES, MOST_IMAGES, SHOT, SHOTS, WAYS

# --- images -----------------------------------------------------------------------------------------------------------


def some(dataset, options):
    """At most ``MOST_CLASSES`` classes of a data set, and ``MOST_IMAGES`` images, as many of each class, drawn by the
    seed."""
    each = MOST_IMAGES // min(MOST_CLASSES, len(dataset.rows_of_class))
    return dataset.some(MOST_CLASSES, each, np.random.default_rng(options.seed))


def training_images(trained, options):
    """``FITTED`` images of the training split, or all that there are."""
    images = part_of("training", trained, options.data_dir).images
    return images[np.random.default_rng(options.seed).permutation(len(images))[:FITTED]]


def drawn(options, trained):
    """(images, support (E, N, K), query (E, N)): one setting's episodes, and the images that they use."""
    dataset, shot = part_of("evaluation", trained, options.data_dir), options.shot or SHOT[options.study]
    way = options.way or max(2, min(20, len(few.able(dataset, shot))))
    support, query = few.episodes(dataset, way, shot, options.repeats, options.seed)
    used, rows = np.unique(np.append(support, query), return_inverse=True)
    support, query = rows[: support.size].reshape(support.shape), rows[support.size :].reshape(query.shape)
    return dataset.images[used], support, query


def setting(support):
    """The number of episodes, N and K of a support (E, N, K)."""
    return dict(zip(("repeats", "way", "shot"), support.shape, strict=True))


# --- heat maps --------------------------------------------------------------------------------------------------------


def heatmaps(options, runs, out):
    """Accuracy for every N and K that the data can give, by three classifiers on four kinds of features."""
    ((network, trained, _),) = runs.values()
    dataset = some(part_of("evaluation", trained, options.data_dir), options)
    images = dataset.images, training_images(trained, options)
    features = {}
    for name, (z, fitted) in feature_sets(network, trained, images, options.device).items():
        whole = few.principal(fitted, options.pca)(z) if options.pca else z
        reduced = whole if options.pca else few.principal(fitted, few.COMPONENTS)(z)
        features[name] = {each: reduced if each == "perceptron" else whole for each in few.CLASSIFIERS}
    cells = [(way, shot) for way in WAYS for shot in SHOTS if way <= len(few.able(dataset, shot))]
    credits = {name: {classifier: {} for classifier in few.CLASSIFIERS} for name in features}
    for cell in tqdm(cells, desc="cells", disable=None):
        support, query = few.episodes(dataset, *cell, options.repeats, options.seed)
        for name, by_classifier in features.items():
            for classifier, z in by_classifier.items():
                scores = few.scores(few.CLASSIFIERS[classifier], z, support, query)
                credits[name][classifier][cell] = few.earned(scores)
    figures = {name: {each: few.rate(list(of.values())) for each, of in by.items()} for name, by in credits.items()}
    for name, file in ((BEFORE, "heatmaps-before.png"), (AFTER, "heatmaps.png")):
        what = f"{options.repeats} episodes a cell of unseen images of {trained.data.name}"
        pictures.heatmaps(credits[name], figures[name], f"{name}: N-way K-shot accuracy, {what}", out / file)
    described = {"images": len(dataset.images), "classes": len(dataset.rows_of_class), "pca": options.pca}
    described |= dict(zip(("way", "shot"), np.max(cells, axis=0).tolist(), strict=True)) | {"cells": len(cells)}
    described |= {"perceptron_components": options.pca or few.COMPONENTS, "figures": figures}
    return described | {"by_cell": {name: _by_cell(by) for name, by in credits.items()}}


def _by_cell(credits):
    """{classifier: a list with the rate of each cell} of credits {classifier: {(N, K): (E,)}}."""
    return {
        classifier: [{"way": way, "shot": shot} | few.rate([earned]) for (way, shot), earned in cells.items()]
        for classifier, cells in credits.items()
    }


# --- votes ------------------------------------------------------------------------------------------------------------


def votes(options, runs, out):
    """Class means on the embeddings of each run, and of all runs by their votes.

    Soft: the mean of the runs' class probabilities, softmax_n(-|q - c_n|^2 / m), with m the median squared distance of
    two of the run's training images. Hard: one vote of each run, for the class whose mean is nearest; ties are shared.
    """
    first = next(iter(runs.values()))[1]
    images, support, query = drawn(options, first)
    figures, probabilities, ballots = {}, 0, 0
    for path, (network, trained, _) in tqdm(runs.items(), desc="runs", disable=None):
        z = embed(network, views_of(network, images, options.device))[0]
        known = embed(network, views_of(network, training_images(trained, options), options.device))[0]
        scores = few.scores(few.means, z, support, query)
        highest = scores == scores.max(axis=2, keepdims=True)
        median = np.median(pdist(known, "sqeuclidean"))
        probabilities = probabilities + softmax(scores / max(median, np.finfo(float).tiny), axis=2)
        ballots = ballots + highest / highest.sum(axis=2, keepdims=True)
        figures[path] = few.rate([few.earned(scores)])
    figures["soft voting"] = few.rate([few.earned(probabilities)])
    figures["hard voting"] = few.rate([few.earned(ballots)])
    title = "{way}-way {shot}-shot, class means, {repeats} episodes of ".format(**setting(support)) + first.data.name
    pictures.votes(figures, title, out / "votes.png")
    return setting(support) | {"figures": {name: {"class means": each} for name, each in figures.items()}}


def check_same_data(options, runs):
    """BadInput if a run was trained on other images, or another division of them, than the first, or than there are."""
    first = next(iter(runs.values()))[1]
    for path, (_, trained, _) in runs.items():
        where_it_was = DATASETS[trained.data.name].needs and not options.data_dir
        elsewhere = where_it_was and trained.machine.data_dir != first.machine.data_dir
        if elsewhere or (trained.data.name, trained.data.split) != (first.data.name, first.data.split):
            raise BadInput(f"{path} was trained on other data, or another --split, than {options.runs[0]}")
    for path, (_, trained, meta) in runs.items():
        check_images(trained, meta, path, options.data_dir)


# --- depths -----------------------------------------------------------------------------------------------------------


def depths(options, runs, out):
    """1-NN and class means on the features after each layer, before and after training: the later layers removed."""
    ((network, trained, _),) = runs.values()
    images, support, query = drawn(options, trained)
    before, figures = untrained(trained, network.channels).to(options.device), {}
    for name, each in (("untrained", before), ("trained", network)):
        for layer, z in depth_features(each, images, options.device).items():
            row = f"{layer} ({z.shape[1]:,})"
            for classifier in ("1-NN", "class means"):
                earned = few.earned(few.scores(few.CLASSIFIERS[classifier], z, support, query))
                figures.setdefault(row, {})[f"{classifier}, {name}"] = few.rate([earned])
    title = "{way}-way {shot}-shot, {repeats} episodes of ".format(**setting(support)) + trained.data.name
    pictures.depths(figures, title, out / "depths.png")
    return setting(support) | {"figures": figures}


STUDIES = {"heatmaps": heatmaps, "votes": votes, "depths": depths}
