"""Answers to exercise 6 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "6.1": [
        '''
from scipy.special import logsumexp, softmax

def n_way(s, target):
    right = np.eye(s.shape[1], dtype=s.dtype)[target]
    return np.mean(logsumexp(s, axis=1) - (s * right).sum(axis=1)), (softmax(s, axis=1) - right) / len(s)
''',
        '''
def n_way(s, target):
    loss, ds = 0.0, np.empty_like(s)
    for q, (row, t) in enumerate(zip(s, target, strict=True)):
        top = row.max()
        e = np.exp(row - top)
        loss += np.log(e.sum()) + top - row[t]
        ds[q] = e / e.sum()
        ds[q, t] -= 1
    return loss / s.dtype.type(len(s)), ds / len(s)
''',
        '''
from scipy.special import log_softmax

def n_way(s, target):
    logp = log_softmax(s, axis=-1)
    weights = np.zeros_like(s)
    np.add.at(weights, (np.arange(len(s)), target), 1 / len(s))
    return -np.einsum("qn,qn->", logp, weights), np.exp(logp) / len(s) - weights
''',
        '''
import math

def n_way(s, target):
    Q, N = s.shape
    loss, ds = 0, [[0.0] * N for _ in range(Q)]
    for q in range(Q):
        row = [float(x) for x in s[q]]
        gaps = [x - max(row) for x in row]
        total = math.fsum(math.exp(gap) for gap in gaps)
        loss += (math.log(total) - gaps[target[q]]) / Q
        for n in range(N):
            ds[q][n] = (math.exp(gaps[n]) / total - (n == target[q])) / Q
    return loss, np.array(ds).astype(s.dtype)
''',
        '''
def n_way(s, target):
    Q = len(s)
    top = np.max(s, axis=1)
    logZ = np.array([np.log(np.sum(np.exp(s[q] - top[q]))) + top[q] for q in range(Q)])
    p = np.exp(s - logZ[:, None])
    hit = np.zeros(s.shape)
    hit[range(Q), target] = 1
    loss = np.mean(logZ - s[range(Q), target])
    return loss.astype(s.dtype), ((p - hit) / Q).astype(s.dtype)
''',
    ],
    "6.2": [
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
