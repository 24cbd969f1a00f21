"""``Linear``, ``BatchNorm`` and pooling a few rows at a time, so that nothing of the size of a weight or a batch is
made on the way.

Notation as in ``layers.py``.
"""

from minisiamese.backend import array_module, column_sums
from minisiamese.layers import BatchNorm, Layer, Linear
from minisiamese.memory import empty
from minisiamese.threads import in_chunks, one_blas_thread


class FastLinear(Linear):
    """A ``Linear`` that takes W, 151 MB in the paper's network, a few columns at a time, and backward a few rows, each
    of which adds to its gradient and gives its part of dx."""

    def forward(self, x, train=True):
        self.keep(train, x)
        xp, W, b = array_module(x), self.params["W"], self.params["b"]
        y = xp.empty((len(x), len(b)), x.dtype)

        def multiply(columns):
            y[:, columns] = x @ W[:, columns] + b[columns]

        in_chunks(multiply, len(b), W[:, :1].nbytes + 2 * y[:, :1].nbytes, xp)
        return y

    def backward(self, dy):
        (x,) = self.take()
        xp, W, dW = array_module(x), self.params["W"], self.grads["W"]
        dx = xp.empty_like(x)

        def differentiate(rows):
            dW[rows] += x[:, rows].T @ dy
            dx[:, rows] = dy @ W[rows].T

        in_chunks(differentiate, len(dW), 3 * dW[0].nbytes + x[:, :1].nbytes, xp)
        with one_blas_thread():
            self.grads["b"] += column_sums(dy)
        return dx


class FastBatchNorm(BatchNorm):
    """A ``BatchNorm`` that reads x once for its moments, and once more for y = slope x + shift."""

    def forward(self, x, train=True):
        xp = array_module(x)
        mean, var = self.buffers["mean"], self.buffers["var"]
        if train:
            origin = x[0].reshape(-1, x.shape[-1]).mean(axis=0)
            sums = in_chunks(lambda rows: moments(x[rows] - origin), len(x), 2 * x[0].nbytes, xp)
            mean, var = statistics(sums, x.size // x.shape[-1])
            mean += origin
            self.follow(mean, var)
        slope, shift = affine(self.params["gamma"], self.params["beta"], mean, var, self.eps)
        y = empty(xp, x.shape, x.dtype)

        def normalise(rows):
            xp.multiply(x[rows], slope, out=y[rows])
            y[rows] += shift

        in_chunks(normalise, len(x), 2 * x[0].nbytes, xp)
        self.keep(train, x, mean, var)
        return y

    def backward(self, dy):
        x, mean, var = self.take()
        xp, channels = array_module(x), x.shape[-1]
        scale = 1 / xp.sqrt(var + self.eps)

        def sums(rows):
            dy_rows = dy[rows].reshape(-1, channels)
            normal = (x[rows].reshape(-1, channels) - mean) * scale
            return xp.stack([column_sums(dy_rows), column_sums(dy_rows * normal)])

        dbeta, dgamma = in_chunks(sums, len(x), 3 * x[0].nbytes, xp)
        self.grads["beta"] += dbeta
        self.grads["gamma"] += dgamma
        slope, by_x, shift = input_affine(self.params["gamma"], mean, scale, (dbeta, dgamma), x.size // channels)
        dx = empty(xp, x.shape, x.dtype)

        def gradient(rows):
            xp.multiply(dy[rows], slope, out=dx[rows])
            dx[rows] += x[rows] * by_x
            dx[rows] += shift

        in_chunks(gradient, len(x), 3 * x[0].nbytes, xp)
        return dx


class FastPool(Layer):
    """A pooling layer, by itself, a few images at a time."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x, train=True):
        xp, (N, H, W, C) = array_module(x), x.shape
        y = empty(xp, (N, self.pool.pooled_size(H), self.pool.pooled_size(W), C), x.dtype)
        winner = empty(xp, y.shape, "uint8")

        def pool(rows):
            y[rows], winner[rows] = self.pool.pool(x[rows])

        in_chunks(pool, N, 3 * x[0].nbytes, xp)
        self.keep(train, winner, x.shape)
        return y

    def backward(self, dy):
        winner, (N, *shape) = self.take()
        xp = array_module(dy)
        dx = empty(xp, (N, *shape), dy.dtype)

        def unpool(rows):
            dx[rows] = self.pool.unpool(dy[rows], winner[rows], (len(dy[rows]), *shape))

        in_chunks(unpool, N, 3 * dx[0].nbytes, xp)
        return dx


def moments(x):
    """The sums of x and of its square over all axes but the last, (2, C).

    Subtract a rough mean first, such as one image's, or E[x^2] - E[x]^2 cancels: the variance, the difference of two
    nearly equal squares, would lose its digits.
    """
    flat = x.reshape(-1, x.shape[-1])
    return array_module(x).stack([column_sums(flat), column_sums(flat * flat)])


def statistics(sums, count):
    """Mean and variance from ``moments``."""
    mean, square = sums / sums.dtype.type(count)
    return mean, array_module(sums).maximum(square - mean * mean, 0)  # a rounding may be negative


def affine(gamma, beta, mean, var, eps):
    """Batch norm as a line for each channel: slope, shift."""
    slope = gamma / array_module(var).sqrt(var + eps)
    return slope, beta - mean * slope


def input_affine(gamma, mean, scale, sums, count):
    """dx = gamma scale (dy - dbeta / count - n dgamma / count), with n = (x - mean) scale and sums = (dbeta, dgamma),
    gathered into slope dy + by_x x + shift, one number each for a channel."""
    dbeta, dgamma = sums
    slope = gamma * scale
    by_x = -slope * scale * dgamma / slope.dtype.type(count)
    return slope, by_x, -slope * dbeta / slope.dtype.type(count) - by_x * mean
