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
