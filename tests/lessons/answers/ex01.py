"""Answers to exercise 1 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "1.1": [
        '''
def nearest_neighbour(images, pairs):
    scores = []
    for a, b in pairs:
        difference = images[a].astype(float) / 255 - images[b].astype(float) / 255
        scores.append(-np.linalg.norm(difference))
    return np.array(scores)
''',
        '''
def nearest_neighbour(images, pairs):
    x = images.astype(np.float32) / 255
    difference = x[pairs[:, 0]] - x[pairs[:, 1]]
    return -np.sqrt(np.sum(difference**2, axis=(1, 2, 3)))
''',
        '''
def nearest_neighbour(images, pairs):
    x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    square, product = (x**2).sum(axis=1), x @ x.T
    a, b = pairs[:, 0], pairs[:, 1]
    return -np.sqrt(np.clip(square[a] + square[b] - 2 * product[a, b], 0, None))
''',
        '''
from scipy.spatial.distance import cdist

def nearest_neighbour(images, pairs):
    flat = images.reshape(images.shape[0], -1).astype(np.int64)
    return -cdist(flat, flat)[tuple(pairs.T)] / 255
''',
        '''
def nearest_neighbour(images, pairs):
    x = images.reshape(len(images), -1) / 255
    first, second = np.moveaxis(pairs, 1, 0)
    return -np.hypot.reduce(x[first] - x[second], axis=1)
''',
        '''
from scipy.spatial.distance import pdist, squareform

def nearest_neighbour(images, pairs):
    table = squareform(pdist(images.reshape(len(images), -1).astype(float) / 255))
    return np.array([-table[a, b] for a, b in pairs] or np.zeros(0))
''',
    ],
    "1.2": [
        '''
from scipy.spatial.distance import cdist

def points_of(image):
    points = np.argwhere(image[:, :].max(axis=2) > 0).astype(float)
    return points - points.mean(axis=0) if len(points) else np.zeros((1, 2))

def modified_hausdorff(images, pairs):
    scores = np.zeros(len(pairs))
    for p, (a, b) in enumerate(pairs):
        d = cdist(points_of(images[a]), points_of(images[b]))
        scores[p] = -max(d.min(axis=0).mean(), d.min(axis=1).mean())
    return scores
''',
        '''
def modified_hausdorff(images, pairs):
    def points(image):
        ink = [(i, j) for i in range(image.shape[0]) for j in range(image.shape[1]) if any(image[i, j] > 0)]
        if not ink:
            return [(0.0, 0.0)]
        middle = [sum(place) / len(ink) for place in zip(*ink)]
        return [(i - middle[0], j - middle[1]) for i, j in ink]

    def one_way(A, B):
        return sum(min(((i - k) ** 2 + (j - l) ** 2) ** 0.5 for k, l in B) for i, j in A) / len(A)

    sets = [points(image) for image in images]
    return np.array([-max(one_way(sets[a], sets[b]), one_way(sets[b], sets[a])) for a, b in pairs])
''',
        '''
def modified_hausdorff(images, pairs):
    sets = []
    for image in images:
        lines, columns = np.nonzero(image.sum(axis=2, dtype=int))
        if len(lines) == 0:
            lines = columns = np.zeros(1)
        sets.append(np.stack([lines - lines.mean(), columns - columns.mean()], axis=1).astype(np.float32))
    scores = np.empty(len(pairs), np.float32)
    for p in range(len(pairs)):
        A, B = sets[pairs[p, 0]], sets[pairs[p, 1]]
        d = np.sqrt(((A[:, None] - B[None]) ** 2).sum(axis=2))
        scores[p] = min(-d.min(axis=1).mean(), -d.min(axis=0).mean())
    return scores
''',
        '''
from scipy.spatial import KDTree

def _points(image):
    i, j = np.where(np.any(image != 0, axis=-1))
    if i.size == 0:
        return np.zeros((1, 2))
    return np.c_[i - np.mean(i), j - np.mean(j)]

def modified_hausdorff(images, pairs):
    out = []
    for a, b in pairs:
        A, B = _points(images[a]), _points(images[b])
        out.append(-np.maximum(KDTree(A).query(B)[0].mean(), KDTree(B).query(A)[0].mean()))
    return np.asarray(out, float)
''',
    ],
    "1.3": [
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        T, N, K = self.support.shape
        out = np.zeros((T, N))
        for t in range(T):
            for n in range(N):
                pairs = np.array([[self.query[t], row] for row in self.support[t, n]])
                out[t, n] = np.mean(scorer(self.images, pairs))
        return out
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        T, N, K = self.support.shape
        out = []
        for query, support in zip(self.query, self.support):
            pairs = np.column_stack([np.full(N * K, query), support.flatten()])
            out.append(scorer(self.images, pairs).reshape(N, K).sum(axis=1) / K)
        return np.array(out)
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        total = 0
        for k in range(self.support.shape[2]):
            support = self.support[:, :, k]
            query = np.broadcast_to(self.query[:, None], support.shape)
            pairs = np.dstack([query, support]).reshape(-1, 2)
            total = total + scorer(self.images, pairs).reshape(support.shape)
        return total / self.support.shape[2]
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        return np.array([[np.mean([self.one(scorer, q, row) for row in rows]) for rows in support]
                         for q, support in zip(self.query, self.support)])

    def one(self, scorer, q, row):
        return scorer(self.images, np.array([[q, row]], np.int32))[0]
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        M = len(self.images)
        a, b = np.divmod(np.arange(M * M), M)
        table = scorer(self.images, np.stack([a, b], axis=1)).reshape(M, M)
        return table[self.query[:, None, None], self.support].mean(axis=-1)
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        T, N, K = self.support.shape
        out = np.zeros((T, N), np.float32)
        for (t, n, k), row in np.ndenumerate(self.support):
            out[t, n] += np.float32(scorer(self.images, np.array([[self.query[t], row]]))[0]) / K
        return out
''',
        '''
class Trials(trials.Trials):
    def scores(self, scorer):
        q = np.broadcast_to(self.query[:, None, None], self.support.shape)
        pairs = np.stack([q, self.support], axis=-1).reshape(-1, 2)
        once, back = np.unique(pairs, axis=0, return_inverse=True)
        return scorer(self.images.copy(), once)[back.ravel()].reshape(self.support.shape).mean(2)
''',
    ],
}  # fmt: skip
