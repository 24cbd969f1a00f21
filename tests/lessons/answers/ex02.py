"""Answers to exercise 2 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "2.1": [
        '''
def im2col(x, kernel, stride=1):
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for i in range(0, H - kernel + 1, stride):
            for j in range(0, W - kernel + 1, stride):
                rows.append(x[n, i : i + kernel, j : j + kernel].ravel())
    return np.array(rows)
''',
        '''
def im2col(x, kernel, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel * kernel * x.shape[3])
''',
        '''
def im2col(x, kernel, stride=1):
    N, H, W, C = x.shape
    if kernel == 1 and stride == 1:
        return x.reshape(N * H * W, C)
    lines = []
    for image in x:
        for i in np.arange((H - kernel) // stride + 1) * stride:
            for j in np.arange((W - kernel) // stride + 1) * stride:
                lines += [image[i : i + kernel, j : j + kernel].reshape(-1)]
    return np.vstack(lines)
''',
        '''
def im2col(x, kernel, stride=1):
    N, H, W, C = x.shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    cols = []
    for k in range(kernel):
        for l in range(kernel):
            cols.append(x[:, k:, l:][:, ::stride, ::stride][:, :Ho, :Wo].reshape(-1, C))
    return np.concatenate(cols, axis=1)
''',
    ],
    "2.2": [
        '''
def col2im(columns, shape, kernel, stride=1):
    N, H, W, C = shape
    x, row = np.zeros(shape, columns.dtype), 0
    for n in range(N):
        for i in range(0, H - kernel + 1, stride):
            for j in range(0, W - kernel + 1, stride):
                x[n, i : i + kernel, j : j + kernel] += columns[row].reshape(kernel, kernel, C)
                row += 1
    return x
''',
        '''
def col2im(columns, shape, kernel, stride=1):
    N, H, W, C = shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    parts = columns.reshape(N, Ho, Wo, kernel, kernel, C)
    x = np.zeros(shape, columns.dtype)
    for k in range(kernel):
        for l in range(kernel):
            x[:, k : k + stride * (Ho - 1) + 1 : stride, l : l + stride * (Wo - 1) + 1 : stride] += parts[:, :, :, k, l]
    return x
''',
        '''
def col2im(columns, shape, kernel, stride=1):
    N, H, W, C = shape
    if kernel == stride == 1:
        return columns.reshape(shape)
    x = np.zeros(shape, columns.dtype)
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    for (n, i, j), row in zip(np.ndindex(N, Ho, Wo), columns):
        x[n, i * stride : i * stride + kernel, j * stride : j * stride + kernel] += row.reshape(kernel, kernel, C)
    return x
''',
        '''
def col2im(columns, shape, kernel, stride=1):
    size = int(np.prod(shape))
    origin = im2col(np.arange(size).reshape(shape), kernel, stride).ravel()
    return np.bincount(origin, weights=columns.ravel(), minlength=size).reshape(shape).astype(columns.dtype)
''',
    ],
    "2.3": [
        '''
def convolve(x, W, stride=1, padding=0):
    K = len(W)
    output_shape(x.shape, W.shape, stride, padding)
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nijckl,klco->nijo", windows, W)
''',
        '''
from scipy.signal import correlate

def convolve(x, W, stride=1, padding=0):
    if W.shape[2] != x.shape[3] or min(x.shape[1:3]) + 2 * padding < len(W):
        raise ValueError("does not fit")
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    y = [[correlate(image, W[..., o], "valid")[::stride, ::stride, 0] for o in range(W.shape[3])] for image in x]
    return np.array(y).transpose(0, 2, 3, 1).astype(x.dtype)
''',
        '''
def convolve(x, W, stride=1, padding=0):
    K, P, S = W.shape[0], padding, stride
    N, H, V, C = x.shape
    if H + 2 * P < K or V + 2 * P < K:
        raise ValueError("too large")
    if C != W.shape[2]:
        raise ValueError("channels")
    z = np.zeros((N, H + 2 * P, V + 2 * P, C), dtype=x.dtype)
    z[:, P : H + P, P : V + P] = x
    y = np.empty((N, (H + 2 * P - K) // S + 1, (V + 2 * P - K) // S + 1, W.shape[3]), x.dtype)
    for n, i, j in np.ndindex(y.shape[:3]):
        y[n, i, j] = (z[n, i * S : i * S + K, j * S : j * S + K, :, None] * W).sum((0, 1, 2))
    return y
''',
        '''
def convolve(x, W, stride=1, padding=0):
    output_shape(x.shape, W.shape, stride, padding)
    v = np.lib.stride_tricks.sliding_window_view(pad(x, padding), W.shape[:2], axis=(1, 2))
    return np.tensordot(v[:, ::stride, ::stride], W, axes=([3, 4, 5], [2, 0, 1]))
''',
    ],
    "2.4": [
        '''
def convolve_backward(x, W, dy, stride=1, padding=0):
    K, P = len(W), padding
    padded = np.pad(x, ((0, 0), (P, P), (P, P), (0, 0)))
    dpadded, dW = np.zeros_like(padded), np.zeros_like(W)
    Ho, Wo = dy.shape[1:3]
    for k in range(K):
        for l in range(K):
            part = (slice(None), slice(k, k + stride * Ho, stride), slice(l, l + stride * Wo, stride))
            dW[k, l] = np.einsum("nijc,nijo->co", padded[part], dy)
            dpadded[part] += dy @ W[k, l].T
    return dpadded[:, P : P + x.shape[1], P : P + x.shape[2]], dW
''',
        '''
def convolve_backward(x, W, dy, stride=1, padding=0):
    P, K = padding, len(W)
    padded = np.pad(x, ((0, 0), (P, P), (P, P), (0, 0)))
    dpadded, dW = np.zeros_like(padded), np.zeros_like(W)
    for n, i, j, o in np.ndindex(dy.shape):
        place = n, slice(i * stride, i * stride + K), slice(j * stride, j * stride + K)
        dW[..., o] += dy[n, i, j, o] * padded[place]
        dpadded[place] += dy[n, i, j, o] * W[..., o]
    return dpadded[:, P : P + x.shape[1], P : P + x.shape[2]], dW
''',
        '''
def convolve_backward(x, W, dy, stride=1, padding=0):
    K, _, C, O = W.shape
    z = pad(x, padding)
    rows = im2col(z, K, stride)
    g = np.reshape(dy, (-1, O))
    dW = np.zeros((K * K * C, O), W.dtype)
    for r in range(len(rows)):
        dW += np.outer(rows[r], g[r])
    dz = col2im(np.dot(g, W.reshape(K * K * C, O).transpose()), z.shape, K, stride)
    if padding:
        dz = dz[:, padding:-padding, padding:-padding]
    return [dz, dW.reshape(K, K, C, O)]
''',
        '''
def convolve_backward(x, W, dy, stride=1, padding=0):
    dW = np.zeros(W.shape)
    for place in np.ndindex(W.shape):
        unit = np.zeros_like(W); unit[place] = 1
        dW[place] = (convolve(x, unit, stride, padding) * dy).sum()
    dx = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        unit = np.zeros_like(x); unit[place] = 1
        dx[place] = (convolve(unit, W, stride, padding) * dy).sum()
    return dx.astype(x.dtype), dW.astype(W.dtype)
''',
    ],
}  # fmt: skip
