"""Samplers of pairs, triplets and episodes for a training step, drawn from an explicit ``numpy.random.Generator``.

A batch names rows of the data set once, and pairs, as row numbers of the batch, say who is compared with whom.
``within`` is the share of comparisons that stay inside one alphabet, where characters look most alike.
"""

from dataclasses import dataclass, replace

import numpy as np

from minisiamese.backend import to_device
from minisiamese.data.affine import draw_distortions, identity
from minisiamese.errors import BadInput

COPIES = 8  # distorted copies of each pair of a ``PairSet`` (Koch et al., section 3.2)
DRAWINGS = 4  # of each class in an episode, where nothing else is said


@dataclass(frozen=True)
class Batch:
    """rows (N,) of the data set; pairs (P, 2) of 0..N-1; same (P,) 1 or 0.

    Of episodes: tasks (Q, ways) names, for each task, the pairs that compare its query with one drawing of each class;
    target (Q,) is the query's class; drawings, how many each class has. Of mined triplets: found (T,), whether there
    was one to be had (``mining.in_batch``). matrices (N, 2, 3), if given, distort the rows.
    """

    rows: np.ndarray
    pairs: np.ndarray
    same: np.ndarray | None = None
    tasks: np.ndarray | None = None
    target: np.ndarray | None = None
    drawings: int = 0
    found: np.ndarray | None = None
    matrices: np.ndarray | None = None

    def to(self, device):
        """The tuples on the device; rows stay on the host."""
        moved = {key: getattr(self, key) for key in ("pairs", "same", "tasks", "target", "found")}
        return replace(self, **{key: to_device(value, device) for key, value in moved.items() if value is not None})


class Sampler:
    """Base of all samplers. ``drawn`` counts the batches of a sampler that keeps an order."""

    drawn = 0

    def __init__(self, dataset, within):
        self.dataset, self.within, self.rows_of = dataset, within, dataset.rows_of_class
        self.mates = {label: group for group in dataset.classes_of_group for label in group.tolist()}
        if len(self.rows_of) < 2 or min(map(len, self.rows_of)) < 2:
            raise BadInput("training needs at least two classes with at least two images each")

    def one_of_each(self, labels, rng):
        """A random drawing of each class."""
        return np.array([rng.choice(self.rows_of[label]) for label in labels])

    def two_of_each(self, labels, rng):
        """Two different random drawings of each class, (2, len(labels))."""
        return np.array([rng.choice(self.rows_of[label], 2, replace=False) for label in labels]).reshape(-1, 2).T

    def other_classes(self, labels, rng):
        """For each class another one: of the same alphabet with probability ``within``, else any."""
        others = []
        for label, near in zip(labels.tolist(), rng.random(len(labels)) < self.within, strict=True):
            mates = self.mates[label]
            if near and len(mates) > 1:
                other = mates[rng.integers(len(mates) - 1)]
                others.append(mates[-1] if other == label else other)  # the last takes the place of the class itself
            else:
                other = rng.integers(len(self.rows_of) - 1)
                others.append(len(self.rows_of) - 1 if other == label else other)
        return np.array(others)


class Pairs(Sampler):
    """count pairs of drawings, first those of one class, then those of two (Koch et al., section 4.2).

    A share ``positive`` of them, rounded down, is of one class: half, as in the paper, or report 001's p_same.
    """

    def __init__(self, dataset, count, within=0.5, positive=0.5):
        super().__init__(dataset, within)
        self.count, self.positive = count, int(positive * count)

    def draw(self, rng):
        return self.pairs_of(rng.integers(len(self.rows_of), size=self.count), rng)

    def draw_evenly(self, rng):
        """Pairs as in ``draw``, equally many for each alphabet."""
        groups = self.dataset.classes_of_group
        return self.pairs_of(np.array([rng.choice(groups[pair % len(groups)]) for pair in range(self.count)]), rng)

    def pairs_of(self, labels, rng):
        """For each class a pair that begins with it."""
        same = self.two_of_each(labels[: self.positive], rng)
        first = self.one_of_each(labels[self.positive :], rng)
        second = self.one_of_each(self.other_classes(labels[self.positive :], rng), rng)
        rows = np.concatenate([same[0], first, same[1], second])
        pairs = np.arange(2 * self.count).reshape(2, self.count).T
        return Batch(rows, pairs, same=(np.arange(self.count) < self.positive).astype(np.float32))


class PairSet(Sampler):
    """The paper's training set (sections 3.2, 4.1, 4.2): ``size`` pairs, drawn once, as many from each alphabet.

    With ``distort`` each pair occurs nine times: plain and in 8 copies, whose two drawings are distorted apart. The
    copies, too, are drawn once. Batches of ``count`` go through all pairs and copies in a new order each epoch.
    """

    def __init__(self, dataset, count, size, distort, seed, within=1.0):
        super().__init__(dataset, within)
        if not count <= size:
            raise BadInput(f"--pairs {size} are fewer than the {count} of a step")
        rng = np.random.default_rng([seed, 0, 0])  # a stream of its own, beside those of the epochs
        chosen = Pairs(dataset, size, within).draw_evenly(rng)
        self.rows, self.same, self.count, self.seed = chosen.rows.reshape(2, size), chosen.same, count, seed
        self.matrices = identity(2 * size).reshape(1, 2, size, 2, 3).astype(np.float32)
        if distort:
            copies = draw_distortions(rng, COPIES * 2 * size).reshape(COPIES, 2, size, 2, 3)
            self.matrices = np.concatenate([self.matrices, copies.astype(np.float32)])
        self.epoch = None

    def draw(self, rng):
        """The next batch; rng is not used, the order of an epoch depends on the seed alone."""
        versions, size = len(self.matrices), len(self.same)
        epoch, place = divmod(self.drawn, versions * size // self.count)
        if epoch != self.epoch:
            self.epoch = epoch
            self.order = np.random.default_rng([self.seed, 1, epoch]).permutation(versions * size)
        version, pair = np.divmod(self.order[place * self.count : (place + 1) * self.count], size)
        self.drawn += 1
        return Batch(
            self.rows[:, pair].ravel(),
            np.arange(2 * self.count).reshape(2, self.count).T,
            self.same[pair],
            matrices=np.concatenate([self.matrices[version, twin, pair] for twin in (0, 1)]),
        )


class Triplets(Sampler):
    """count triplets: an anchor, another drawing of its class, a drawing of another class.

    The first half of the batch's pairs are (anchor, positive), the second (anchor, negative).
    """

    def __init__(self, dataset, count, within=0.5):
        super().__init__(dataset, within)
        self.count = count

    def draw(self, rng):
        labels = rng.integers(len(self.rows_of), size=self.count)
        anchor, positive = self.two_of_each(labels, rng)
        negative = self.one_of_each(self.other_classes(labels, rng), rng)
        a, p, n = np.arange(3 * self.count).reshape(3, self.count)
        pairs = np.concatenate([np.stack([a, p], axis=1), np.stack([a, n], axis=1)])
        return Batch(np.concatenate([anchor, positive, negative]), pairs)


class Episodes(Sampler):
    """ways classes with K = ``drawings`` drawings each, rows class by class.

    A share ``within`` of the classes comes from as few alphabets as can give them, drawn at random; the rest from
    everywhere. Every drawing is a query K - 1 times: its k-th task is against the k-th drawing of every class, for
    each k but its own, so that one pass through the network serves ways K (K - 1) one-shot tasks.
    """

    def __init__(self, dataset, ways, drawings, within=0.5):
        super().__init__(dataset, within)
        self.ways, self.drawings = ways, drawings
        if drawings < 2:
            raise BadInput("--drawings must be at least 2: one to ask about and one to compare with")
        if ways > len(self.rows_of):
            raise BadInput(f"--batch {ways} classes, but only {len(self.rows_of)} classes to train on")
        if min(map(len, self.rows_of)) < drawings:
            raise BadInput(f"--drawings {drawings}, but some class has only {min(map(len, self.rows_of))} images")
        total = ways * drawings
        place = np.arange(total) % drawings  # which drawing of its class a row is
        a, b = np.triu_indices(total, 1)
        self.pairs = np.stack([a, b], axis=1)[place[a] != place[b]]
        number = np.zeros((total, total), int)  # of the pair (a, b), and of (b, a), which has the same score
        number[self.pairs[:, 0], self.pairs[:, 1]] = number[self.pairs[:, 1], self.pairs[:, 0]] = np.arange(
            len(self.pairs)
        )
        query, k = np.nonzero(place[:, None] != np.arange(drawings))
        self.tasks = number[query[:, None], np.arange(ways) * drawings + k[:, None]]
        self.target = query // drawings

    def draw(self, rng):
        near = round(self.within * self.ways)
        order = rng.permutation(len(self.dataset.classes_of_group))
        grouped = np.concatenate([rng.permutation(self.dataset.classes_of_group[group]) for group in order])
        classes = grouped[:near]
        rest = np.setdiff1d(np.arange(len(self.rows_of)), classes)
        classes = np.concatenate([classes, rng.choice(rest, self.ways - near, replace=False)])
        rows = np.concatenate([rng.choice(self.rows_of[label], self.drawings, replace=False) for label in classes])
        return Batch(rows, self.pairs, tasks=self.tasks, target=self.target, drawings=self.drawings)
