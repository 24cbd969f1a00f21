"""Max-pooling (Koch et al., section 3.1).

Notation: x (N, H, W, C) images, K window, y (N, H//K, W//K, C).
"""

from minisiamese.backend import array_module
from minisiamese.layers import Layer


def max_pool(x, window):
    """The maxima y of the windows of x, and for each the winner (uint8): which pixel of its window it is, counted line
    by line; of equal pixels the first. ValueError if the window does not fit the images, or has more than 16 x 16
    pixels."""
    if not 1 <= window <= min(16, *x.shape[1:3]):  # winner, a uint8, counts up to 256 pixels
        raise ValueError(f"a pooling window of {window} does not fit images of {x.shape}, or is larger than 16")
    K, H, W = window, x.shape[1] // window * window, x.shape[2] // window * window  # a rest at the edge is dropped
    return largest([x[:, i:H:K, j:W:K] for i in range(K) for j in range(K)])


def largest(parts):
    """The elementwise maximum of some arrays, and the number (uint8) of the first array that has it."""
    xp = array_module(parts[0])
    best, which = parts[0], xp.zeros(parts[0].shape, "uint8")
    for k, part in enumerate(parts[1:], start=1):
        which = xp.maximum(which, k * (part > best).view("uint8"))  # k is above all numbers before it
        best = xp.maximum(best, part)
    return best, which


def unpool(dy, winner, shape, window):
    """dx of ``shape`` (N, H, W, C): dy at the pixels that won, 0 elsewhere."""
    xp, K, (H, W) = array_module(dy), window, (size // window * window for size in shape[1:3])
    dx = xp.empty(shape, dy.dtype)
    dx[:, H:], dx[:, :, W:] = 0, 0
    for k in range(K * K):
        xp.multiply(dy, winner == k, out=dx[:, k // K : H : K, k % K : W : K])
    return dx


class MaxPool2D(Layer):
    """y[n,i,j,c] = the maximum of x over the window of K x K pixels from (iK, jK); a rest at the edge is dropped.

    Where several pixels of a window share the maximum, as in a blank background, the first one takes the gradient.
    """

    def __init__(self, window=2):
        super().__init__()
        self.window = window

    def forward(self, x, train=True):
        y, winner = self.pool(x)
        self.keep(train, winner, x.shape)
        return y

    def backward(self, dy):
        return self.unpool(dy, *self.take())

    def pool(self, x):
        """y, and the winner of each window."""
        return max_pool(x, self.window)

    def unpool(self, dy, winner, shape):
        """dx of ``shape``."""
        return unpool(dy, winner, shape, self.window)

    def pooled_size(self, size):
        """Height or width of y."""
        return size // self.window
