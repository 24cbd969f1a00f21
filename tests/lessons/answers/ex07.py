"""Answers to exercise 7 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "7.1": [
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
    "7.2": [
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
    "7.3": [
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
    "7.4": [
        """
def embed_for_test(network, images, batch=64):
    found = []
    while len(images):
        found.append(network.forward(images[:batch], False))
        images = images[batch:]
    return np.vstack(found)
""",
        """
def embed_for_test(network, images, batch=64):
    return np.array([network.forward(image[None], train=False)[0] for image in images])
""",
        """
def embed_for_test(network, images, batch=64):
    parts = np.array_split(images, -(-len(images) // batch))
    return np.concatenate([network.forward(part, train=False) for part in parts], axis=0)
""",
    ],
    "7.5": [
        """
def right(scores, same, threshold):
    return sum(bool(s >= threshold) == bool(y) for s, y in zip(scores, same)) / len(scores)

def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
    candidates = sorted(set(validation_scores.tolist())) + [float("inf")]
    threshold = max(candidates, key=lambda t: right(validation_scores, validation_same, t))
    return threshold, right(test_scores, test_same, threshold)
""",
        """
def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
    best, threshold = -1.0, None
    for candidate in [*np.sort(validation_scores), np.inf]:
        share = 1 - np.mean((validation_scores >= candidate) ^ validation_same)
        if share > best + 1e-12:
            best, threshold = share, candidate
    return threshold, 1 - np.mean((test_scores < threshold) == test_same)
""",
        """
def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
    t = np.concatenate([validation_scores, [np.inf]])
    called = validation_scores[None, :] >= t[:, None]
    right = (called == validation_same).sum(axis=1)
    threshold = t[right == right.max()].min()
    hits = np.count_nonzero(test_scores[test_same] >= threshold) + np.count_nonzero(test_scores[~test_same] < threshold)
    return threshold, hits / len(test_scores)
""",
        """
def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
    order = np.argsort(validation_scores, kind="stable")
    s, y = validation_scores[order], validation_same[order] * 2 - 1
    right = y[::-1].cumsum()[::-1]
    first = np.r_[True, s[1:] != s[:-1]]
    gain, cand = np.r_[right[first], 0], np.r_[s[first], np.inf]
    t = cand[gain.argmax()]
    return float(t), 1 - np.logical_xor(test_scores >= t, test_same).mean()
""",
    ],
    "7.6": [
        """
def held_out(labels, groups, count, rng):
    alphabets = sorted(set(groups.tolist()))
    tested = [alphabets[place] for place in rng.permutation(len(alphabets))[:count]]
    return np.array([group in tested for group in groups])
""",
        """
def held_out(labels, groups, count, rng):
    alphabets, number = np.unique(groups, return_inverse=True)
    rank = rng.random(len(alphabets)).argsort().argsort()
    return (rank < count)[number]
""",
        """
def held_out(labels, groups, count, rng):
    test = np.zeros(len(groups), bool)
    left = list(np.unique(groups))
    for _ in range(count):
        test |= groups == left.pop(rng.integers(len(left)))
    return test
""",
    ],
    "7.7": [
        """
def accuracy_of_trials(distances):
    return float(np.mean(credits(-distances, np.zeros(len(distances), int))))
""",
        """
def accuracy_of_trials(distances):
    total = 0.0
    for row in distances.tolist():
        if all(d == d for d in row) and min(row) == row[0]:
            total += 1 / row.count(row[0])
    return total / len(distances)
""",
        """
def accuracy_of_trials(distances):
    own, others = distances[:, :1], distances[:, 1:]
    right = np.where((others > own).all(axis=1), 1.0, 0.0)
    tied = (others >= own).all(axis=1) & (others == own).any(axis=1)
    right[tied] = 1 / (1 + (others == own).sum(axis=1)[tied])
    right[np.isnan(distances).any(axis=1)] = 0
    return right.sum() / len(right)
""",
        """
def accuracy_of_trials(distances):
    right = [row for row in distances if not (row < row[0]).any() and not np.isnan(row).any()]
    return sum(1 / np.count_nonzero(row == row[0]) for row in right) / len(distances)
""",
    ],
    "7.8": [
        """
def draw_trials(rows_of_class, shot, count, rng):
    target = rng.integers(len(rows_of_class), size=count)
    query, support = np.empty(count, int), np.empty((count, len(rows_of_class), shot), int)
    for t in range(count):
        for label, rows in enumerate(rows_of_class):
            support[t, label] = rng.choice(rows, shot, replace=False)
        left = np.setdiff1d(rows_of_class[target[t]], support[t, target[t]])
        query[t] = rng.choice(left)
    return query, support, target
""",
        """
def draw_trials(rows_of_class, shot, count, rng):
    trials = []
    for _ in range(count):
        mixed = [rng.permutation(rows) for rows in rows_of_class]
        label = int(rng.random() * len(rows_of_class))
        trials.append((mixed[label][0], [rows[1 : shot + 1] for rows in mixed], label))
    query, support, target = zip(*trials)
    return np.array(query), np.array(support), np.array(target)
""",
        """
def draw_trials(rows_of_class, shot, count, rng):
    target = rng.choice(len(rows_of_class), count)
    query = np.array([rng.choice(rows_of_class[label]) for label in target])
    support = []
    for q in query:
        support.append([rng.choice(rows[rows != q], shot, replace=False) for rows in rows_of_class])
    return query, np.array(support), target
""",
    ],
    "7.9": [
        """
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

def merged_labels(images, labels):
    _, picture = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True)
    kinds, number = np.unique(labels, return_inverse=True)
    picture, size = picture.ravel(), len(kinds) + len(images)
    graph = coo_array((np.ones(len(labels)), (number, len(kinds) + picture)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    smallest = {}
    for label, where in zip(kinds.tolist(), part[: len(kinds)].tolist()):
        smallest[where] = min(label, smallest.get(where, label))
    return np.array([smallest[part[n]] for n in number])
""",
        """
def merged_labels(images, labels):
    parent = {int(label): int(label) for label in labels}

    def root(label):
        while parent[label] != label:
            label = parent[label]
        return label

    first = {}
    for image, label in zip(images, labels.tolist()):
        other = first.setdefault(image.tobytes(), label)
        a, b = sorted([root(other), root(label)])
        parent[b] = a
    return np.array([root(label) for label in labels.tolist()])
""",
        """
def merged_labels(images, labels):
    merged = labels.copy()
    for row in range(len(images)):
        for before in range(row):
            if (images[row] == images[before]).all():
                both = merged[row], merged[before]
                merged[np.isin(merged, both)] = min(both)
    return merged
""",
    ],
    "7.10": [
        """
from collections import Counter

def official(query, support, target, runs):
    wanted = Counter()
    for training, test, answer in runs:
        for q, place in zip(test, answer):
            wanted[int(q), frozenset(training.tolist()), int(training[place])] += 1
    given = Counter((int(q), frozenset(rows.tolist()), int(rows[t])) for q, rows, t in zip(query, support, target))
    return given == wanted and all(len(set(rows)) == len(rows) for rows in support.tolist())
""",
        """
def official(query, support, target, runs):
    known = {int(q): (set(map(int, training)), int(training[a])) for training, test, answer in runs
             for q, a in zip(test, answer)}
    if sorted(map(int, query)) != sorted(known):
        return False
    for q, rows, t in zip(query, support, target):
        training, right = known[int(q)]
        if set(map(int, rows)) != training or len(rows) != len(training) or rows[t] != right:
            return False
    return True
""",
        """
def official(query, support, target, runs):
    asked = np.concatenate([test for _, test, _ in runs])
    if len(query) != len(asked) or np.any(np.sort(query) != np.sort(asked)):
        return False
    for training, test, answer in runs:
        for drawing, right in zip(test, training[answer]):
            place = np.flatnonzero(query == drawing)[0]
            if not np.array_equal(np.sort(support[place]), np.sort(training)):
                return False
            if support[place, target[place]] != right:
                return False
    return True
""",
        """
def official(query, support, target, runs):
    q = np.concatenate([te for _, te, _ in runs])
    tr = np.concatenate([np.repeat(np.sort(tr)[None], len(te), 0) for tr, te, _ in runs])
    right = np.concatenate([tr[an] for tr, _, an in runs])
    if len(q) != len(query) or support.shape[1] != tr.shape[1]:
        return False
    a, b = np.argsort(q), np.argsort(query)
    named = np.take_along_axis(support, target[:, None], 1)[:, 0]
    return (q[a] == query[b]).all() and (tr[a] == np.sort(support[b], axis=1)).all() and (right[a] == named[b]).all()
""",
    ],
}  # fmt: skip
