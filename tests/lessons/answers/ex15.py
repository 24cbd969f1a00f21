"""Answers to exercise 15 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "15.1": [
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
}  # fmt: skip
