"""Answers to exercise 17 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "17.1": [
        '''
def n_way(s, target):
    xp, Q = array_module(s), len(s)
    e = xp.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    hit = xp.arange(s.shape[1]) == target[:, None]
    log_p = s - s.max(axis=1, keepdims=True) - xp.log(e.sum(axis=1, keepdims=True))
    return -(log_p * hit).sum(axis=1).mean(), (p - hit) / s.dtype.type(Q)
''',
        '''
def n_way(s, target):
    xp = array_module(s)
    Q, N = s.shape
    one_hot = xp.eye(N, dtype=s.dtype)[target]
    high = xp.max(s, axis=1)
    log_sum = high + xp.log(xp.sum(xp.exp(s - high[:, None]), axis=1))
    loss = xp.mean(log_sum - xp.sum(s * one_hot, axis=1))
    return loss, (xp.exp(s - log_sum[:, None]) - one_hot) / Q
''',
        '''
def n_way(s, target):
    xp = array_module(s)
    shifted = s - xp.amax(s, axis=-1, keepdims=True)
    log_p = shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
    picked = xp.take_along_axis(log_p, target[:, None], axis=1)
    ds = xp.exp(log_p)
    for n in range(s.shape[1]):
        ds[:, n] -= target == n
    return -picked.sum() / len(s), ds / len(s)
''',
        '''
def softmax(xp, row):
    e = xp.exp(row - row.max())
    return e / e.sum()

def n_way(s, target):
    xp, ds, loss = array_module(s), s.copy(), 0
    for q in range(len(s)):
        row, t = s[q], target[q]
        loss = loss + (xp.log(xp.exp(row - row.max()).sum()) + row.max() - row[t]) / len(s)
        ds[q] = (softmax(xp, row) - (xp.arange(len(row)) == t)) / len(s)
    return loss, ds
''',
        '''
def n_way(s, target):
    xp = array_module(s)
    hit = target[:, None] == xp.arange(s.shape[1])[None, :]
    top = s.max(axis=1)
    e = xp.exp(s - top[:, None])
    z = e.sum(axis=1)
    loss = xp.log(z) + top - xp.where(hit, s, 0).sum(axis=1)
    ds = (e / z[:, None] - hit.astype(s.dtype)) / s.shape[0]
    return loss.sum() / s.shape[0], ds
''',
    ],
    "17.2": [
        '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        if self.squared:
            return -2 * difference * ds[:, None], xp.zeros(0, ds.dtype)
        d = xp.sqrt((difference**2).sum(axis=1))
        return -difference * (ds / xp.maximum(d, 1e-30))[:, None], xp.zeros(0, ds.dtype)
''',
        '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        ds = ds.reshape(-1, 1)
        if self.squared:
            dx = -(ds + ds) * difference
        else:
            d = xp.linalg.norm(difference, axis=1, keepdims=True)
            dx = xp.where(d == 0, 0, -ds * difference / (d + (d == 0)))
        return dx, ds[:0, 0]
''',
        '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        empty = xp.array([], dtype=ds.dtype)
        factor = 2 * xp.ones_like(ds) if self.squared else self.inverse(xp, self.score(difference))
        return -xp.einsum("pd,p,p->pd", difference, factor, ds), empty

    def inverse(self, xp, score):
        """1/d, or 0 where d is 0."""
        return xp.where(score == 0, score, -1 / xp.where(score == 0, 1, score))
''',
        '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        s = self.score(difference)
        unit = xp.nan_to_num(difference / s[:, None], nan=0.0, posinf=0.0, neginf=0.0)
        d_of_s = 2 * difference if self.squared else -unit
        return -d_of_s * ds[:, None], xp.empty((0,), dtype=difference.dtype)
''',
        '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        slope = 2 * difference
        if not self.squared:
            top = abs(difference).max(axis=1, keepdims=True)
            top = top + (top == 0)
            unit = difference / top
            length = xp.sqrt((unit**2).sum(axis=1, keepdims=True))
            slope = unit / (length + (length == 0))
        return -(slope * ds[:, None]), xp.array([], dtype=ds.dtype)
''',
    ],
}  # fmt: skip
