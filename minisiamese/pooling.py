"""Max-pooling (Koch et al., section 3.1).

Notation: x (N, H, W, C) images, K window, y (N, H//K, W//K, C).
"""

import numpy as np

from minisiamese.backend import array_module, empty, in_chunks
from minisiamese.layers import Layer


class MaxPool2D(Layer):
    """y[n,i,j,c] = the maximum of x over the window of K x K pixels from (iK, jK); what is left over is dropped.

    Where several pixels of a window share the maximum, as in a blank background, the first one takes the gradient.
    """

    def __init__(self, window=2):
        super().__init__()
        self.window = window

    def forward(self, x, train=True):
        N, H, W, C = x.shape
        y = empty(array_module(x), (N, H // self.window, W // self.window, C), x.dtype)
        winner = empty(array_module(x), y.shape, np.uint8)

        def pool(rows):
            y[rows], winner[rows] = max_pool(x[rows], self.window)

        in_chunks(pool, N, 2 * x[0].nbytes, array_module(x))
        self.keep(train, winner, x.shape)
        return y

    def backward(self, dy):
        winner, shape = self.take()
        dx = empty(array_module(dy), shape, dy.dtype)

        def scatter(rows):
            dx[rows] = unpool(dy[rows], winner[rows], shape, self.window)

        in_chunks(scatter, len(dy), 2 * dx[0].nbytes, array_module(dy))
        return dx


def max_pool(x, window):
    """The maxima of the windows of x (N, H, W, C), and which pixel of its window, counted line by line, each is."""
    if not 1 <= window <= min(16, *x.shape[1:3]):  # 16 x 16 pixels: winner is a uint8
        raise ValueError(f"a pooling window of {window} does not fit images of {x.shape}, or is larger than 16")
    K, H, W = window, x.shape[1] // window * window, x.shape[2] // window * window
    # the maximum of each line of a window, then of these: the second goes over long rows of memory
    lines, column = largest([x[:, :H, j:W:K] for j in range(K)])
    y, line = largest([lines[:, i::K] for i in range(K)])
    winner = K * line
    for i in range(K):
        winner += column[:, i::K] * (line == i).view(np.uint8)
    return y, winner


def largest(parts):
    """The elementwise maximum of some arrays, and the number (uint8) of the first that has it."""
    xp = array_module(parts[0])
    best, which = parts[0], None
    for k, part in enumerate(parts[1:], start=1):
        above = k * (part > best).view(np.uint8)
        which = above if which is None else xp.maximum(which, above)
        best = xp.maximum(best, part)
    return best, xp.zeros(best.shape, np.uint8) if which is None else which


def unpool(dy, winner, shape, window):
    """dx (len(dy), *shape[1:]): dy at the pixels that won, 0 elsewhere."""
    xp, K, (H, W) = array_module(dy), window, (size // window * window for size in shape[1:3])
    dx = xp.empty((len(dy), *shape[1:]), dy.dtype)
    dx[:, H:], dx[:, :, W:] = 0, 0
    for k in range(K * K):
        xp.multiply(dy, winner == k, out=dx[:, k // K : H : K, k % K : W : K])
    return dx


class StridedMaxPool2D(Layer):
    """y[n,i,j,c] = the maximum of x over the window of K x K pixels from (iS - P, jS - P), as far as it lies in x.

    y is (N, Ho, Wo, C) with Ho = (H + 2P - K) // S + 1 and Wo likewise. Windows overlap where S < K: a pixel takes the
    gradients of all windows that it wins, and of equal ones the first in a window wins. He et al. 2016, table 1.
    """

    def __init__(self, window=3, stride=2, padding=1):
        super().__init__()
        if not 0 <= padding <= window // 2:
            raise ValueError(f"a padding of {padding} leaves windows of {window} with no pixel of the image")
        self.window, self.stride, self.padding = window, stride, padding

    def forward(self, x, train=True):
        xp, P, (N, H, W, C) = array_module(x), self.padding, x.shape
        Ho, Wo = ((size + 2 * P - self.window) // self.stride + 1 for size in (H, W))
        if min(Ho, Wo) < 1:
            raise ValueError(f"windows of {self.window} with padding {P} do not fit images of {x.shape}")
        y = empty(xp, (N, Ho, Wo, C), x.dtype)
        winner = empty(xp, y.shape, np.uint8)

        def pool(rows):
            padded = xp.full((len(x[rows]), H + 2 * P, W + 2 * P, C), -np.inf, x.dtype)
            padded[:, P : P + H, P : P + W] = x[rows]
            y[rows], winner[rows] = largest([padded[place] for place in self.places(Ho, Wo)])

        in_chunks(pool, N, 3 * x[0].nbytes, xp)
        self.keep(train, winner, x.shape)
        return y

    def backward(self, dy):
        winner, (N, H, W, C) = self.take()
        xp, P, (Ho, Wo) = array_module(dy), self.padding, dy.shape[1:3]
        dx = empty(xp, (N, H, W, C), dy.dtype)

        def scatter(rows):
            padded = xp.zeros((len(dy[rows]), H + 2 * P, W + 2 * P, C), dy.dtype)
            for k, place in enumerate(self.places(Ho, Wo)):
                padded[place] += dy[rows] * (winner[rows] == k)
            dx[rows] = padded[:, P : P + H, P : P + W]

        in_chunks(scatter, N, 3 * dx[0].nbytes, xp)
        return dx

    def places(self, Ho, Wo):
        """For each pixel of a window, line by line, where it lies in the padded images for all Ho x Wo windows."""
        K, S = self.window, self.stride
        return [(slice(None), slice(i, i + S * Ho, S), slice(j, j + S * Wo, S)) for i in range(K) for j in range(K)]
