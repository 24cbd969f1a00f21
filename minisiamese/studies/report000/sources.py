"""The images that a step of report 000's trainings looks at, and the pairs or triplets among them.

A source has ``count``, how many images or triplets a step looks at; ``draw(rng)``, the row numbers of a step's images;
``batch(rows, z, head, rng)``, the ``Batch`` to learn from among these, whose embeddings are z; and
``summary(head, z, batch, margin)``, what is logged of the triplets of a batch.
"""

import zlib

import numpy as np

from minisiamese import mining
from minisiamese.data.samplers import Batch

PAIRS_A_DRAW = 250  # of a step's pairs, where pairs that are trained on are measured


def seeds(seed, *names):
    """The seed of a stream of random numbers of its own for each purpose."""
    return [seed, zlib.crc32("/".join(names).encode())]


def pairs_among(labels, rng):
    """(pairs (P, 2), same (P,)) of images with labels (N,): all pairs of one class, and as many of two."""
    pairs = np.stack(np.triu_indices(len(labels), 1), axis=1)
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    different = rng.choice(pairs[~same], same.sum(), replace=False)
    return np.concatenate([pairs[same], different]), np.repeat(np.float32([1, 0]), len(different))


class PairSource:
    """About ``count`` images a step, as many of each of the first few classes, and the pairs among them.

    The images of a class are drawn from its first ``most``. With ``lone`` a step also has one image of each other
    class, always the same one (the report's train set type 2).
    """

    def __init__(self, dataset, classes, lone, count, seed, most=None):
        self.dataset, self.count = dataset, count
        self.rows_of = [rows[:most] for rows in dataset.rows_of_class[:classes]]
        rng = np.random.default_rng(seeds(seed, "lone"))  # the same for all runs
        others = [rng.choice(rows) for rows in dataset.rows_of_class[classes:]]
        self.lone = np.array(others if lone else [], int)

    def draw(self, rng):
        count = self.count // len(self.rows_of)
        return np.concatenate([*(rng.choice(rows, count, replace=False) for rows in self.rows_of), self.lone])

    def batch(self, rows, z, head, rng):
        return Batch(rows, *pairs_among(self.dataset.labels[rows], rng))

    def summary(self, head, z, batch, margin):
        return {}

    def sample(self, count, rng):
        """A ``Batch`` of count pairs of many steps, to be measured."""
        rows, pairs, same = [], [], []
        while sum(map(len, same)) < count:
            rows.append(self.draw(rng))
            batch = self.batch(rows[-1], None, None, rng)
            some = rng.permutation(len(batch.pairs))[:PAIRS_A_DRAW]
            pairs.append(batch.pairs[some] + len(rows[-1]) * (len(rows) - 1))
            same.append(batch.same[some])
        return Batch(np.concatenate(rows), np.concatenate(pairs)[:count], np.concatenate(same)[:count])


class OnlineTriplets(PairSource):
    """The images of a ``PairSource``, and the triplets that are mined among them in every step."""

    def __init__(self, run, dataset, classes, count, seed):
        super().__init__(dataset, classes, False, count, seed)
        self.how, self.margin = run.mining, run.margin

    def batch(self, rows, z, head, rng):
        return Batch(rows, **mining.mine(head, z, self.dataset.labels[rows], self.how, self.margin, rng))

    def summary(self, head, z, batch, margin):
        return mining.watch(head, z, self.dataset.labels[batch.rows], margin)


class OfflineTriplets:
    """Triplets (T, 3) of rows, chosen before training; count of them a step, or all, or none if there are none."""

    def __init__(self, triplets, count):
        self.triplets, self.count = triplets, min(count, len(triplets))

    def draw(self, rng):
        return self.triplets[rng.choice(len(self.triplets), self.count, replace=False)].T.ravel()

    def batch(self, rows, z, head, rng):
        return Batch(rows, mining.as_pairs(np.arange(len(rows)).reshape(3, -1).T))

    def summary(self, head, z, batch, margin):
        return mining.summarise(*mining.triplet_distances(head, z, batch), margin)
