"""Embeddings of images, scores of pairs, and the threshold and the calibration that turn scores into answers.

A scorer is a function (images (M, H, W, C) uint8, pairs (P, 2)) -> scores (P,), larger for more alike.

Notation: M images, V views of each, D features of an embedding, P pairs of row numbers of the images.
"""

import hashlib

import numpy as np

from minisiamese.backend import to_device, to_host
from minisiamese.data.affine import draw_distortions, identity
from minisiamese.data.samplers import Pairs
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.losses import bce

BATCH = 250  # images embedded at a time; of more than 105 x 105 pixels, as many fewer
REMEMBERED = 256 << 20  # bytes of the embeddings that ``Remembered`` keeps


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


class Remembered:
    """A network on NumPy that embeds each view once, for several tests of one network that share images.

    It keeps at most ``REMEMBERED`` bytes of embeddings. The weights must stay as they are. Other views are in a batch
    than without it, so an embedding may differ in its last digit.
    """

    def __init__(self, network):
        self.network, self.embeddings = network, {}

    def __getattr__(self, name):
        return getattr(self.network, name)

    def forward(self, views, train=False):
        keys = [hashlib.blake2b(view.tobytes(), digest_size=16).digest() for view in views]
        new = [row for row, key in enumerate(keys) if key not in self.embeddings]
        found = dict(zip(new, self.network.forward(views[new], train=False), strict=True)) if new else {}
        z = np.stack([found[row] if row in found else self.embeddings[key] for row, key in enumerate(keys)])
        for row, embedding in found.items():
            if (len(self.embeddings) + 1) * embedding.nbytes <= REMEMBERED:
                self.embeddings[keys[row]] = embedding.copy()  # not the whole batch
        return z


def views_of(network, images, device="cpu"):
    """The images (M, H, W, C) as a network sees them; BadInput if the network takes another number of channels."""
    if images.shape[3] != network.channels:
        kinds = {1: "grey images", 3: "images in colour"}
        raise BadInput(f"the network is of {kinds[network.channels]}, and these are {kinds[images.shape[3]]}")
    return Views(images, network.size, device, network.frame)


def network_scorer(network, device="cpu", views=1):
    """The scorer of a network: its head's scores, the mean over ``views`` views of both images.

    Each image is embedded once a view. The scorer raises BadInput for images of another number of channels.
    """

    def scorer(images, pairs):
        shown, on_device = views_of(network, images, device), to_device(pairs, device)
        total, together = np.zeros(len(pairs), np.float32), max(1, BATCH // len(images))
        for first in range(0, views, together):
            for z in embed(network, shown, range(first, min(first + together, views))):
                total += to_host(network.head.forward(to_device(z, device), on_device, train=False))
        return total / np.float32(views)

    return scorer


def mean_embedding(network, images, device="cpu", views=1):
    """Embeddings z (M, D) of the images (M, H, W, C), each the mean over its views.

    One comparison of means stands for the mean of V comparisons, at a share 1/V of the memory and the time. On 4,000
    20-way trials of the five background alphabets that were held out, a conv4-wide was right in 91.60 % by means and in
    91.68 % by ``network_scorer``, with 16 views.
    """
    shown, total = views_of(network, images, device), 0
    together = max(1, BATCH // len(images))
    for first in range(0, views, together):
        total = total + embed(network, shown, range(first, min(first + together, views))).sum(axis=0)
    return total / np.float32(views)


def embedding_scorer(network, device="cpu", views=1):
    """The scorer of a network that compares ``mean_embedding``s: the one of ``predict``, and of its calibration."""

    def scorer(images, pairs):
        z = to_device(mean_embedding(network, images, device, views), device)
        return to_host(network.head.forward(z, to_device(pairs, device), train=False))

    return scorer


def balanced_pairs(dataset, count, within, rng):
    """(images, pairs, same): count pairs over a pool of images, half of them of one class.

    Both images of a pair are of one alphabet, and as many pairs of each alphabet (``within``), or of any two.
    """
    sampler = Pairs(dataset, count, float(within))
    batch = sampler.draw_evenly(rng) if within else sampler.draw(rng)
    used, rows = np.unique(batch.rows, return_inverse=True)
    return dataset.images[used], rows[batch.pairs], batch.same


def last_drawers(dataset, count=4):
    """The drawings of the last few drawers, as in the paper's tests (section 4.1).

    A data set without drawers stays whole.
    """
    if dataset.drawers is None:
        return dataset
    last = dataset.drawers.max()
    return dataset.take_drawers(last - count + 1, last)


def best_threshold(scores, same):
    """The threshold above which a score means "same" that is right most often on pairs with these scores and answers.

    scores (P,); same (P,), 1 for a pair of one class and 0 for any other.
    """
    order = np.argsort(scores)
    scores, same = scores[order], same[order]
    # a threshold before place i calls the pairs before it different, and all others same
    right = np.concatenate([[0], np.cumsum(same == 0)]) + same.sum() - np.concatenate([[0], np.cumsum(same == 1)])
    edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])
    right[1:-1][scores[1:] == scores[:-1]] = -1  # equal scores cannot be parted
    return float(edges[np.argmax(right)])


def calibrate(scorer, dataset, count=2000):
    """{"slope", "offset"} so that sigmoid(slope score + offset) is the probability that two drawings show the same.

    The two numbers of least cross-entropy on pairs of one alphabet, half of them of one class (Platt 1999).
    """
    from scipy.optimize import minimize  # takes a quarter of a second to import: only after training

    images, pairs, same = balanced_pairs(dataset, count, True, np.random.default_rng(0))
    scores = scorer(images, pairs).astype(float)
    start = [1 / max(scores.std(), 1e-12), 0.0]  # equal scores say nothing, but divide nothing by 0 either
    fit = minimize(lambda p: bce(p[0] * scores + p[1], same)[0], start, method="Nelder-Mead")
    return {"slope": float(fit.x[0]), "offset": float(fit.x[1])}
