"""Triplets chosen before training, from the embeddings of a whole training set (report 000).

Notation: z (N, D) embeddings of images with labels (N,), T triplets.
"""

import numpy as np
from scipy.spatial.distance import cdist

from minisiamese.mining import choose

POOL = 256  # random images among which an anchor and a positive look for their negative
ROUNDS, ANCHORS = 40, 1000  # at most so many times so many anchors look for a triplet of the wanted kind


def offline(z, labels, how, count, margin, rng):
    """Up to count triplets (T, 3) of a kind of ``mining.KINDS``, or "random" ones, as row numbers of z.

    Anchor and positive are drawn first, and the negative from ``POOL`` random images. Where the kind is rare, as hard
    triplets are for a network that is good already, there may be fewer than count, or none.
    """
    chosen, count_so_far = [np.empty((0, 3), int)], 0
    order = np.argsort(labels, kind="stable")
    start, size = np.unique(labels[order], return_index=True, return_counts=True)[1:]
    number = np.searchsorted(labels[order][start], labels)  # of each image's class
    for _ in range(ROUNDS):
        anchor = rng.integers(len(z), size=min(count, ANCHORS))
        positive = order[start[number[anchor]] + rng.integers(size[number[anchor]])]
        pool = rng.choice(len(z), min(POOL, len(z)), replace=False)
        d_ap = np.sqrt(((z[anchor] - z[positive]) ** 2).sum(axis=1))
        allowed = (labels[pool] != labels[anchor][:, None]) & (positive != anchor)[:, None]
        column, found = choose(d_ap, cdist(z[anchor], z[pool]), allowed, how, margin, rng)
        triplets = np.stack([anchor, positive, pool[column]], axis=1)[found]
        chosen.append(triplets)
        count_so_far += len(triplets)
        if count_so_far >= count:
            break
    return np.concatenate(chosen)[:count]
