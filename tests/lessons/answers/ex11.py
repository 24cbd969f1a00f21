"""Answers to exercise 11 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "11.1": [
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
    "11.2": [
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
    "11.3": [
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
    "11.4": [
        """
def credits(scores, target):
    highest = scores == scores.max(axis=1, keepdims=True)
    return highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)

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
    "11.5": [
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
    "11.6": [
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
    "11.7": [
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
