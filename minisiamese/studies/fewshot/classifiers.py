"""Classifiers that learn classes from K examples of each, and the episodes that test them (report 001).

A classifier is a function (support (N, K, D), query (Q, D)) -> scores (Q, N), larger for more alike. It sees features,
of whatever kind, and no images.

Notation: E episodes of N classes with K support images each, Q queries, M images, D features.
"""

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import ndtri

from minisiamese.errors import BadInput
from minisiamese.layers import Linear, ReLU, Sequential
from minisiamese.losses import n_way
from minisiamese.optimizers import Adam
from minisiamese.threads import in_chunks
from minisiamese.trials import credits, nway_trials

# All four were chosen on validation alphabets.
HIDDEN, STEPS, RATE = 128, 20, 0.01  # of the perceptron
COMPONENTS = 64  # principal components that the perceptron sees


def nearest(support, query):
    """1-NN: minus the squared distance to the nearest of a class's support, -min_k |q - x_nk|^2."""
    N, K, D = support.shape
    return -cdist(query, support.reshape(N * K, D), "sqeuclidean").reshape(-1, N, K).min(axis=2)


def means(support, query):
    """Minus the squared distance to a class's mean, -|q - c_n|^2 with c_n = (1/K) sum_k x_nk: the prototypes of Snell
    et al. 2017, equations 1 and 2."""
    return -cdist(query, support.mean(axis=1), "sqeuclidean")


def perceptron(support, query):
    """The class scores W2 max(W1 q + b1, 0) + b2 of a one-hidden-layer perceptron, trained on the whole support at each
    step by softmax cross-entropy and Adam. It starts from the same weights each time; W2 is small, so that all classes
    start alike."""
    N, K, D = support.shape
    rng = np.random.default_rng(0)
    network = Sequential(Linear(D, HIDDEN, rng), ReLU(), Linear(HIDDEN, N, rng, std=0.01))
    optimizer, x, target = Adam(network), support.reshape(N * K, D), np.repeat(np.arange(N), K)
    for _ in range(STEPS):
        network.zero_grad()
        _, ds = n_way(network.forward(x), target)
        network.backward(ds)
        optimizer.step(RATE)
    return network.forward(query, train=False)


CLASSIFIERS = {"1-NN": nearest, "class means": means, "perceptron": perceptron}


def principal(fitted, count):
    """A function (M, D) -> (M, count), onto the first principal components of the features ``fitted`` (M, D), all
    divided by one number: the root of their mean variance, so that distances keep their proportions.

    There are never more components than features or images. Report 001.
    """
    mean = fitted.mean(axis=0)
    _, sizes, directions = np.linalg.svd(fitted - mean, full_matrices=False)
    scale = np.sqrt(np.mean(sizes[:count] ** 2) / len(fitted))
    onto = directions[:count].T / max(scale, np.finfo(scale.dtype).tiny)  # features that are all the same have no scale
    return lambda x: (x - mean) @ onto


# --- episodes ---------------------------------------------------------------------------------------------------------


def able(dataset, shot):
    """The numbers of the classes that have a query image beside K = shot images of support."""
    return np.flatnonzero(np.bincount(dataset.labels) > shot)


def episodes(dataset, way, shot, repeats, seed):
    """(support (E, N, K), query (E, N)), rows of the data set: E = repeats episodes, each of N = way classes drawn
    across alphabets, with one more image of each of its classes as a query.

    Classes without K + 1 images take no part. Drawings are drawn as ``nway_trials`` says: the support by K people, the
    queries by another. The same arguments give the same episodes. BadInput if there are too few classes or drawers.
    """
    classes = able(dataset, shot)
    if not 2 <= way <= len(classes):
        raise BadInput(f"--way {way} --shot {shot}: there are {len(classes)} classes of {shot + 1} images or more")
    rows = replace(dataset, images=np.arange(len(dataset.images))).take_classes(classes)
    trials = nway_trials(rows, way, shot, repeats * way, False, np.random.default_rng([seed, way, shot]))
    return trials.images[trials.support[::way]], trials.images[trials.query].reshape(repeats, way)


def scores(classifier, features, support, query):
    """The class scores (E, N, N) of a classifier on features (M, D), in every episode for each of its queries."""
    by_episode = np.empty((len(query), support.shape[1], support.shape[1]))

    def score(rows):
        for e in range(rows.start, rows.stop):
            by_episode[e] = classifier(features[support[e]], features[query[e]])

    in_chunks(score, len(query), support[0].size * features[0].nbytes)
    return by_episode


def earned(scores):
    """The mean credit of each episode's queries (E,), from scores (E, N, N); ties are shared (``trials.credits``)."""
    E, N, _ = scores.shape
    return credits(scores.reshape(E * N, N), np.tile(np.arange(N), E)).reshape(E, N).mean(axis=1)


def rate(cells):
    """The accuracy over cells of E episodes each, a list of (E,): the mean m of the cells' means, with its 95 %
    interval: {"accuracy", "trials", "interval"}, where trials counts episodes.

    Episodes are independent, while the queries of one share its support: m +- 1.96 sqrt(sum_c s_c^2 / E) / C, with s_c
    the standard deviation over the episodes of one of C cells, clipped to 0..1. The interval has no width where all
    episodes agree.
    """
    accuracy = float(np.mean([np.mean(cell) for cell in cells]))
    half = ndtri(0.975) * np.sqrt(sum(np.var(cell, ddof=1) / len(cell) for cell in cells)) / len(cells)
    interval = [float(end) for end in np.clip([accuracy - half, accuracy + half], 0, 1)]
    return {"accuracy": accuracy, "trials": sum(map(len, cells)), "interval": interval}
