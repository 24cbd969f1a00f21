"""One-shot trials, and the accuracy that scores earn on them (Koch et al., section 4.3).

Notation: T trials of N classes with K support drawings each; scores are larger for more alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from minisiamese.errors import BadInput


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
        """The class scores (T, N): a class is as much like the query as its K drawings on average.

        ``scorer(images, pairs)`` scores pairs (P, 2) of rows of the pool, a query and a support drawing each.
        """
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


def nway_trials(dataset, way, shot, count, within, rng):
    """count trials in runs like Lake's: a support of ``way`` random classes by K people, asked about each of the
    classes with a drawing by another person. Where nobody knows who drew what, K + 1 images of each class are drawn.

    The classes are of one alphabet (``within``) or of any. BadInput if there are too few classes or drawers.
    """
    groups = [classes for classes in dataset.classes_of_group if len(classes) >= way]
    most = max(map(len, dataset.classes_of_group)) if within else len(dataset.rows_of_class)
    if way < 2 or way > most:
        where = "the largest alphabet" if within and len(dataset.group_names) > 1 else "this test"
        raise BadInput(f"--way must be 2 to {most}, the number of classes in {where}")
    if dataset.drawers is not None:
        by_drawer = [dict(zip(dataset.drawers[rows].tolist(), rows, strict=True)) for rows in dataset.rows_of_class]
    elif min(map(len, dataset.rows_of_class)) < shot + 1:
        raise BadInput(f"--shot {shot} needs {shot + 1} images of each class, but some have fewer")
    everywhere = np.arange(len(dataset.rows_of_class))
    query, support, target = [], [], []
    for _ in range(0, count, way):
        classes = rng.choice(groups[rng.integers(len(groups))] if within else everywhere, way, replace=False)
        if dataset.drawers is None:
            images = [rng.choice(dataset.rows_of_class[label], shot + 1, replace=False) for label in classes]
        else:
            common = sorted(set.intersection(*(set(by_drawer[label]) for label in classes)))
            if len(common) < shot + 1:
                raise BadInput(
                    f"--shot {shot} needs {shot + 1} drawings of each class, but some have only {len(common)}"
                )
            drawers = rng.permutation(common)[: shot + 1].tolist()
            images = [[by_drawer[label][drawer] for drawer in drawers] for label in classes]
        for answer in range(min(way, count - len(query))):
            query.append(images[answer][-1])
            support.append([drawings[:-1] for drawings in images])
            target.append(answer)
    used, rows = np.unique(np.concatenate([query, np.ravel(support)]), return_inverse=True)
    query, support = np.split(rows.reshape(-1), [len(query)])
    return Trials(dataset.images[used], query, support.reshape(-1, way, shot), np.array(target))


def credits(scores, target):
    """The credit of each trial (T,): 1 if the target's score is the highest, shared if it is one of several highest.

    Sharing is the expectation of breaking ties at random: a scorer that returns a constant earns 1/N.
    """
    highest = scores == scores.max(axis=1, keepdims=True)
    return highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)


def rate(earned):
    """The mean of (T,) credits with its 95 % interval: {"accuracy", "trials", "interval"}."""
    T, p = len(earned), float(np.mean(earned))
    return {"accuracy": p, "trials": T, "interval": list(wilson(p, T))}


def wilson(p, T):
    """The 95 % Wilson score interval of an accuracy p over T trials."""
    z = ndtri(0.975)
    centre = (p + z * z / (2 * T)) / (1 + z * z / T)
    half = z * np.sqrt(p * (1 - p) / T + z * z / (4 * T * T)) / (1 + z * z / T)
    return float(np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))  # p, for the rounding at 0 and 1


def accuracy_by_way(scores, target):
    """{n: rate} for n = 2..N classes: of each trial the target's class and the first n - 1 others."""
    T, N = scores.shape
    others = scores[np.arange(N) != target[:, None]].reshape(T, N - 1)
    ordered = np.concatenate([scores[np.arange(T), target][:, None], others], axis=1)
    first = np.zeros(T, int)
    return {n: rate(credits(ordered[:, :n], first)) for n in range(2, N + 1)}
