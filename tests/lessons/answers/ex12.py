"""Right answers to exercise 12, in other words than the library's."""

ANSWERS = {
    "12.1": [
        '''
def settings_of(u, ranges):
    columns = []
    for column, (kind, low, high, *rest) in zip(u.T, ranges):
        if kind == "log":
            column = np.exp(np.log(low) + column * float(np.log(high) - np.log(low)))
        elif kind == "steps":
            values = np.arange(low, high + 1, rest[0])
            column = values[(column * len(values)).astype(int)]
        else:
            column = (1 - column) * low + column * high
        columns.append(column)
    return np.stack(columns, axis=1).astype(u.dtype)
''',
        '''
def settings_of(u, ranges):
    result = u.copy()
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            low, high = ranges[j][1], ranges[j][2]
            if ranges[j][0] == "uniform":
                result[i, j] = low + u[i, j] * (high - low)
            elif ranges[j][0] == "log":
                result[i, j] = 10 ** (np.log10(low) + u[i, j] * np.log10(high / low))
            else:
                values = list(range(low, high + 1, ranges[j][3]))
                result[i, j] = values[int(u[i, j] * len(values))]
    return result
''',
        '''
def one(x, kind, low, high, step=1):
    if kind == "log":
        return high ** x * low ** (1 - x)
    if kind == "uniform":
        return high * x + low * (1 - x)
    return low + (x * (high - low + step)) // step * step

def settings_of(u, ranges):
    return np.array([one(u[:, j], *ranges[j]) for j in range(len(ranges))], dtype=u.dtype).T
''',
    ],
    "12.2": [
        '''
from scipy.stats import norm

def expected_improvement(mean, deviation, best):
    mean, deviation = np.broadcast_arrays(mean, deviation)
    result = np.maximum(mean - best, 0)
    sure = deviation == 0
    m, s = mean[~sure] - best, deviation[~sure]
    result[~sure] = m * norm.cdf(m / s) + s * norm.pdf(m / s)
    return result
''',
        '''
import math

def expected_improvement(mean, deviation, best):
    shape = np.broadcast(mean, deviation).shape
    values = []
    for m, s in zip(np.broadcast_to(mean, shape).ravel().tolist(), np.broadcast_to(deviation, shape).ravel().tolist()):
        if s == 0:
            values.append(max(0.0, m - best))
        else:
            z = (m - best) / s
            cdf = math.erfc(-z / math.sqrt(2)) / 2
            values.append((m - best) * cdf + s * math.exp(-z * z / 2) / math.sqrt(2 * math.pi))
    return np.array(values, dtype=mean.dtype).reshape(shape)
''',
        '''
def expected_improvement(mean, deviation, best):
    with np.errstate(all="ignore"):
        z = (mean - best) / deviation
        raw = deviation * (z * ndtr(z) + np.exp(-z * z / 2) / float(np.sqrt(2 * np.pi)))
    return np.where(deviation == 0, (mean - best) * (mean > best), raw)
''',
    ],
    "12.3": [
        '''
def early_stopping(accuracies, patience):
    best, kept, waited = -np.inf, 0, 0
    for epoch in range(len(accuracies)):
        if accuracies[epoch] > best:
            best, kept, waited = accuracies[epoch], epoch, 0
        else:
            waited += 1
        if waited == patience:
            return epoch, kept
    return len(accuracies) - 1, kept
''',
        '''
def early_stopping(accuracies, patience):
    best = np.maximum.accumulate(accuracies)
    for stop in range(patience, len(accuracies)):
        if best[stop] == best[stop - patience]:
            return stop, int(np.argmax(accuracies[: stop + 1]))
    return len(accuracies) - 1, int(np.argmax(accuracies))
''',
        '''
def early_stopping(accuracies, patience):
    kept = 0
    while True:
        ahead = accuracies[kept + 1 : kept + 1 + patience]
        better = np.flatnonzero(ahead > accuracies[kept])
        if not len(better):
            return min(kept + patience, len(accuracies) - 1), kept
        kept = kept + 1 + int(better[0])
''',
    ],
}  # fmt: skip
