"""Answers to exercise 10 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "10.1": [
        """
def credits(scores, target):
    earned = []
    for row, t in zip(scores, target):
        best = [n for n in range(len(row)) if row[n] == max(row)]
        earned.append(1 / len(best) if t in best and not np.isnan(row).any() else 0)
    return np.array(earned, float)
""",
        """
def credits(scores, target):
    own = np.take_along_axis(scores, target[:, None], axis=1)
    above, level = (scores > own).any(axis=1), (scores == own).sum(axis=1)
    good = ~above & ~np.isnan(scores).any(axis=1)
    return np.divide(1.0, level, out=np.zeros(len(target)), where=good)
""",
        """
def credits(scores, target):
    one_hot = np.eye(scores.shape[1])[target]
    top = np.isin(scores, [])
    for t in range(len(scores)):
        top[t] = scores[t] == np.amax(scores[t])
    shares = np.where(top, 1.0, 0.0)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return np.einsum("tn,tn->t", shares, one_hot)
""",
        """
def one(row, t):
    ordered = sorted(row.tolist(), reverse=True)
    if any(s != s for s in ordered) or row[t] != ordered[0]:
        return 0.0
    return 1.0 / ordered.count(ordered[0])

def credits(scores, target):
    return np.fromiter((one(row, t) for row, t in zip(scores, target)), float, len(target))
""",
    ],
    "10.2": [
        """
def wilson(p, T):
    z = ndtri(0.975)
    a, b, c = 1 + z**2 / T, -(2 * p + z**2 / T), p**2
    root = np.sqrt(max(b * b - 4 * a * c, 0))
    return max(0.0, min((-b - root) / (2 * a), p)), min(1.0, max((-b + root) / (2 * a), p))
""",
        """
from scipy.stats import binomtest

def wilson(p, T):
    interval = binomtest(round(p * T), T).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high
""",
        """
from scipy.optimize import brentq
from scipy.stats import norm

def wilson(p, T):
    z = norm.ppf(0.975)

    def excess(q):
        return abs(p - q) - z * np.sqrt(q * (1 - q) / T)

    low = 0.0 if p == 0 else brentq(excess, 0.0, min(p, 1 - 1e-15), xtol=1e-16, rtol=1e-14)
    high = 1.0 if p == 1 else brentq(excess, max(p, 1e-15), 1.0, xtol=1e-16, rtol=1e-14)
    return min(low, p), max(high, p)
""",
        """
from math import sqrt
from statistics import NormalDist

def wilson(p, T):
    z2 = NormalDist().inv_cdf(0.975) ** 2
    middle, wide = 2 * T * p + z2, sqrt(z2) * sqrt(z2 + 4 * T * p * (1 - p))
    low, high = ((middle + sign * wide) / (2 * (T + z2)) for sign in (-1, 1))
    return (low if p > 0 else 0.0), (high if p < 1 else 1.0)
""",
    ],
    "10.3": [
        """
def nway_trials(dataset, way, shot, count, within, rng):
    rows_of_class = dataset.rows_of_class
    groups = dataset.classes_of_group if within else [np.arange(len(rows_of_class))]
    fit = [g for g in groups if len(g) >= way]
    if way < 2 or not fit:
        raise BadInput("way")
    if dataset.drawers is None and any(len(rows) <= shot for rows in rows_of_class):
        raise BadInput("shot")
    query, support, target = [], [], []
    while len(query) < count:
        classes = rng.permutation(fit[rng.integers(len(fit))])[:way]
        if dataset.drawers is None:
            rows = [rng.permutation(rows_of_class[c])[: shot + 1] for c in classes]
        else:
            able = [p for p in np.unique(dataset.drawers)
                    if all(p in dataset.drawers[rows_of_class[c]] for c in classes)]
            if len(able) < shot + 1:
                raise BadInput("people")
            people = rng.permutation(able)[: shot + 1]
            rows = [[next(r for r in rows_of_class[c] if dataset.drawers[r] == p) for p in people] for c in classes]
        rows = np.array(rows)
        for place in range(min(way, count - len(query))):
            query.append(rows[place, 0])
            support.append(rows[:, 1:])
            target.append(place)
    return Trials(dataset.images, np.array(query), np.array(support), np.array(target))
""",
        """
def table(dataset):
    classes, people = dataset.labels.max() + 1, dataset.drawers.max() + 1
    found = np.full((classes, people), -1)
    found[dataset.labels, dataset.drawers] = np.arange(len(dataset.labels))
    return found

def nway_trials(dataset, way, shot, count, within, rng):
    sizes = np.bincount([dataset.groups[rows[0]] for rows in dataset.rows_of_class])
    if not 2 <= way <= (sizes.max() if within else sizes.sum()):
        raise BadInput(f"no {way} classes")
    if dataset.drawers is None and np.bincount(dataset.labels).min() < shot + 1:
        raise BadInput(f"no {shot + 1} images")
    runs = -(-count // way)
    drawn = np.empty((runs, way, shot + 1), int)
    for run in range(runs):
        if within:
            alphabet = rng.choice(np.flatnonzero(sizes >= way))
            classes = rng.choice(np.unique(dataset.labels[dataset.groups == alphabet]), way, replace=False)
        else:
            classes = rng.permutation(sizes.sum())[:way]
        if dataset.drawers is None:
            drawn[run] = [rng.choice(np.flatnonzero(dataset.labels == c), shot + 1, replace=False) for c in classes]
            continue
        rows = table(dataset)[classes]
        people = np.flatnonzero((rows >= 0).all(axis=0))
        if len(people) <= shot:
            raise BadInput("too few people")
        drawn[run] = rows[:, rng.choice(people, shot + 1, replace=False)]
    support = np.repeat(drawn[:, :, :shot], way, axis=0)[:count]
    return Trials(dataset.images, drawn[:, :, shot].ravel()[:count], support, np.arange(count) % way)
""",
        """
from itertools import cycle, islice

def people_of(dataset, classes):
    together = None
    for c in classes:
        here = set(dataset.drawers[dataset.rows_of_class[c]].tolist())
        together = here if together is None else together & here
    return sorted(together)

def a_run(dataset, alphabets, way, shot, rng):
    classes = list(alphabets[int(rng.random() * len(alphabets))])
    rng.shuffle(classes)
    classes = classes[:way]
    if dataset.drawers is None:
        return [list(islice(rng.permutation(dataset.rows_of_class[c]), shot + 1)) for c in classes]
    people = people_of(dataset, classes)
    if len(people) < shot + 1:
        raise BadInput("people")
    rng.shuffle(people)
    asks, draw = people[-1], people[:shot]
    where = {(c, p): np.flatnonzero((dataset.labels == c) & (dataset.drawers == p))[0]
             for c in classes for p in [*draw, asks]}
    return [[where[c, p] for p in [*draw, asks]] for c in classes]

def nway_trials(dataset, way, shot, count, within, rng):
    alphabets = dataset.classes_of_group if within else [sum((list(g) for g in dataset.classes_of_group), [])]
    alphabets = [g for g in alphabets if len(g) >= way]
    if not alphabets or way < 2:
        raise BadInput("classes")
    if dataset.drawers is None:
        for rows in dataset.rows_of_class:
            if len(rows) < shot + 1:
                raise BadInput("images")
    images, query, support, target = [], [], [], []
    for t, place in zip(range(count), cycle(range(way))):
        if place == 0:
            rows = a_run(dataset, alphabets, way, shot, rng)
            start = sum(map(len, images))
            images.append(dataset.images[np.array(rows).ravel()])
            numbers = start + np.arange(way * (shot + 1)).reshape(way, shot + 1)
        query.append(numbers[place, -1])
        support.append(numbers[:, :-1])
        target.append(place)
    return Trials(np.concatenate(images), np.array(query), np.stack(support), np.array(target))
""",
    ],
}  # fmt: skip
