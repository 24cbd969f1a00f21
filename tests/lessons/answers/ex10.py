"""Answers to exercise 10 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "10.1": [
        '''
def best_threshold(scores, same):
    values = sorted(set(scores.tolist()))
    edges = [values[0] - 1] + [(a + b) / 2 for a, b in zip(values, values[1:])] + [values[-1] + 1]
    return max(edges, key=lambda edge: ((scores > edge) == same).sum())
''',
        '''
def best_threshold(scores, same):
    u = np.unique(scores)
    candidates = np.concatenate([[-np.inf], (u[1:] + u[:-1]) / 2, [np.inf]])
    right = [np.mean((scores > t) == (same == 1)) for t in candidates[::-1]]
    return candidates[::-1][np.argmax(right)]
''',
        '''
def best_threshold(scores, same):
    pairs = sorted(zip(scores, same), key=lambda pair: pair[0])
    right = best = sum(y for _, y in pairs)
    threshold = pairs[0][0] - 5
    for p, (score, y) in enumerate(pairs):
        right += 1 if y == 0 else -1
        last = p == len(pairs) - 1
        if right > best and (last or pairs[p + 1][0] > score):
            best, threshold = right, score + 5 if last else score + (pairs[p + 1][0] - score) / 2
    return threshold
''',
        '''
def best_threshold(scores, same):
    order = np.argsort(-scores, kind="stable")
    s, y = scores[order], same[order]
    best, where = int((same == 0).sum()), float("inf")
    right = best
    for i in range(len(s)):
        right += 1 if y[i] == 1 else -1
        if i + 1 < len(s) and s[i + 1] == s[i]:
            continue
        if right > best:
            best = right
            where = (s[i] + s[i + 1]) / 2 if i + 1 < len(s) else -float("inf")
    return where
''',
    ],
    "10.2": [
        '''
def accuracy_by_way(scores, target):
    T, N = scores.shape
    rates = {}
    for n in range(2, N + 1):
        earned = []
        for row, t in zip(scores, target):
            others = np.delete(row, t)[: n - 1]
            earned.append(credits(np.append(row[t], others)[None], np.array([0]))[0])
        rates[n] = rate(np.array(earned))
    return rates
''',
        '''
def accuracy_by_way(scores, target):
    T, N = scores.shape
    is_target = np.arange(N) == target[:, None]
    order = np.argsort(~is_target, axis=1, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=1)
    return {int(n): rate(credits(ordered[:, :n], np.zeros(T, int))) for n in np.arange(2, N + 1)}
''',
        '''
def accuracy_by_way(scores, target):
    result = {}
    for n in reversed(range(2, scores.shape[1] + 1)):
        earned = []
        for t in range(len(scores)):
            places = [c for c in range(scores.shape[1]) if c != target[t]][: n - 1] + [target[t]]
            row = [scores[t, c] for c in places]
            if any(np.isnan(row)):
                earned.append(0.0)
            else:
                earned.append(1 / row.count(max(row)) if row[-1] == max(row) else 0.0)
        result[n] = rate(earned)
    return result
''',
        '''
def accuracy_by_way(scores, target):
    T, N = scores.shape
    result = {}
    for n in range(2, N + 1):
        got = np.zeros(T)
        for i in range(T):
            cols = list(range(N))
            cols.remove(target[i])
            cols = sorted(cols[: n - 1] + [int(target[i])])
            got[i] = credits(scores[i : i + 1, cols], np.array([cols.index(target[i])]))[0]
        result[n] = rate(got)
    return result
''',
    ],
    "10.3": [
        '''
def prototypical(queries, supports, target):
    c, K = supports.mean(axis=1), supports.shape[1]
    s = -((queries**2).sum(axis=1)[:, None] + (c**2).sum(axis=1) - 2 * queries @ c.T)
    loss, ds = n_way(s, target)
    dqueries = 2 * (ds @ c - ds.sum(axis=1)[:, None] * queries)
    dc = 2 * (ds.T @ queries - ds.sum(axis=0)[:, None] * c)
    return loss, dqueries, np.stack([dc / supports.dtype.type(K)] * K, axis=1)
''',
        '''
def prototypical(queries, supports, target):
    (Q, D), (N, K, _) = queries.shape, supports.shape
    c = np.einsum("nkd->nd", supports) / K
    s = np.zeros((Q, N), queries.dtype)
    for q in range(Q):
        for n in range(N):
            s[q, n] = -np.sum((queries[q] - c[n]) ** 2)
    loss, ds = n_way(s, target)
    dqueries, dsupports = np.zeros_like(queries), np.zeros_like(supports)
    for q in range(Q):
        for n in range(N):
            slope = 2 * ds[q, n] * (queries[q] - c[n])
            dqueries[q] -= slope
            for k in range(K):
                dsupports[n, k] += slope / K
    return loss, dqueries, dsupports
''',
        '''
from scipy.spatial.distance import cdist

def prototypical(queries, supports, target):
    K = supports.shape[1]
    c = np.mean(supports, axis=1)
    loss, ds = n_way(-cdist(queries, c, "sqeuclidean").astype(queries.dtype), target)
    gap = c[None] - queries[:, None]
    dc = np.einsum("qn,qnd->nd", -2 * ds, gap)
    return loss, np.einsum("qn,qnd->qd", 2 * ds, gap), np.ones_like(supports) * dc[:, None] / K
''',
        '''
def prototypical(queries, supports, target):
    K = supports.shape[1]
    c = np.mean(supports, axis=1)
    diff = c - queries[:, None]
    loss, ds = n_way(-np.sum(diff * diff, axis=-1), target)
    g = 2 * ds[..., None] * diff
    dc = -np.sum(g, axis=0) / K
    return float(loss), np.sum(g, axis=1), np.broadcast_to(dc[:, None], supports.shape)
''',
    ],
}  # fmt: skip
