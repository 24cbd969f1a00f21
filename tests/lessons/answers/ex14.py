"""Answers to exercise 14 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "14.1": [
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
}  # fmt: skip
