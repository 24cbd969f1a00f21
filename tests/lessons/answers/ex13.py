"""Answers to exercise 13 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "13.1": [
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    H, W, C = image.shape
    if window < 1 or window > H or window > W:
        raise ValueError("the window does not fit")
    whole, rows = score(image[np.newaxis])[0], []
    for i in range(0, H - window + 1, stride):
        row = []
        for j in range(0, W - window + 1, stride):
            copy = image.copy()
            copy[i : i + window, j : j + window, :] = blank
            row.append(whole - score(copy[np.newaxis])[0])
        rows.append(row)
    return np.array(rows)
''',
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    H, W, C = image.shape
    K, S = window, stride
    if not (0 < K <= H and K <= W):
        raise ValueError(K)
    Ho, Wo = (H - K) // S + 1, (W - K) // S + 1
    batch = np.stack([image] * (Ho * Wo + 1))
    for i in range(Ho):
        for j in range(Wo):
            batch[1 + i * Wo + j, i * S : i * S + K, j * S : j * S + K] = blank
    scores = score(batch)
    return (scores[0] - scores[1:]).reshape(Ho, Wo)
''',
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    H, W, C = image.shape
    if window > min(H, W) or window <= 0:
        raise ValueError("does not fit")
    i = np.arange(0, H - window + 1, stride)
    j = np.arange(0, W - window + 1, stride)
    lines = (np.arange(H) >= i[:, None]) & (np.arange(H) < i[:, None] + window)
    columns = (np.arange(W) >= j[:, None]) & (np.arange(W) < j[:, None] + window)
    mask = lines[:, None, :, None, None] & columns[None, :, None, :, None]
    images = np.where(mask, image.dtype.type(blank), image).reshape(-1, H, W, C)
    m = score(np.ascontiguousarray(image)[None]) - score(images)
    return m.reshape(len(i), len(j))
''',
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    if window not in range(1, 1 + min(image.shape[:2])):
        raise ValueError("does not fit")
    one = image.reshape(1, *image.shape).copy()
    whole = score(one)
    m = np.empty(tuple((size - window) // stride + 1 for size in image.shape[:2]), whole.dtype)
    for i, j in np.ndindex(*m.shape):
        square = (0, slice(i * stride, i * stride + window), slice(j * stride, j * stride + window))
        one[square] = blank
        m[i, j] = (whole - score(one))[0]
        one[square] = image[square[1:]]
    return m
''',
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    H, W, C = image.shape
    if window < 1: raise ValueError("below 1")
    if window > H or window > W: raise ValueError("too large")
    def blanked():
        for i in range(0, H - window + 1, stride):
            for j in range(0, W - window + 1, stride):
                x = np.array(image)
                x[i : i + window, j : j + window, :] = np.full((window, window, C), blank)
                yield x
    s = score(np.stack([image, *blanked()]))
    return s[0] - s[1:].reshape((H - window) // stride + 1, (W - window) // stride + 1)
''',
        '''
def occlusion_map(score, image, window, stride=1, blank=0):
    H, W, C = image.shape
    if window not in range(1, min(H, W) + 1): raise ValueError
    Ho, Wo = (H - window) // stride + 1, (W - window) // stride + 1
    x = np.broadcast_to(image, (Ho, Wo, H, W, C)).copy()
    for k in range(window):
        for l in range(window):
            i, j = np.ogrid[:Ho, :Wo]
            x[i, j, i * stride + k, j * stride + l] = blank
    return score(image[None])[0] - score(x.reshape(-1, H, W, C)).reshape(Ho, Wo)
''',
    ],
}  # fmt: skip
