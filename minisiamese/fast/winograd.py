"""The convolution of ``convolution.py`` with 3 x 3 kernels of stride 1, without columns and by half the multiplications
(Winograd 1980, Lavin & Gray 2016).

Down the columns. m outputs y_j = sum_k d_j+k g_k need m + 2 inputs d, 3 weights g and, term by term, 3 m products. The
transposed sum, from m numbers to m + 2, gives the coefficients of a product of two polynomials, and m + 2 values of
that polynomial, at the points 0, 1, -1, 2, -2 and infinity, say all. So m + 2 products are enough, one at each point,
and transposed back they give y,

    y = A ((B d) * (G g)),     B (m + 2 x m + 2), G (m + 2 x 3), A (m x m + 2),

six for four outputs. Here d is m + 2 rows of an image, g the three rows of the kernel, each a (3C, O) matrix that takes
three pixels of a row to one output, and y is m rows of outputs. B and A add whole rows, and at each point i there is
one product of matrices, Y_i = X_i Z_i with X = B d and Z = G g.

Along a row. The pixels of X_i lie one after another in memory, so the three that an output needs are 3C numbers in a
row. As the rows of one matrix they would overlap, which no matrix product takes. Those of every third output do not:
for each phase r = 0, 1, 2, the numbers from pixel r on, seen as a matrix of 3C columns, are the patches of the outputs
r, r + 3, r + 6, ... Nothing is copied. P blank pixels before each row are the border at its left and at the right of
the row before it; the outputs of the patches that reach from one row into the next are thrown away.

Backward is the same transposed: dY = A^T dy, dZ_i = X_i^T dY_i, dW = G^T dZ; and dx is the same correlation, of dy and
the kernel turned by half a turn, with padding 2 - P. Rounding errors are a few times those of ``im2col``: the matrices
hold numbers up to 8.

Notation: n images of H x W pixels in a chunk, C channels in, O out, P padding, at most 2; Ho Wo height and width of y;
m rows of a tile, T tiles down an image.
"""

from functools import cache

import numpy as np

from minisiamese.backend import array_module, column_sums
from minisiamese.memory import empty
from minisiamese.threads import chunk_bytes, in_chunks, one_blas_thread

KERNEL = 3
POINTS = (0, 1, -1, 2, -2)  # and infinity
TILES = (4, 3)  # rows of y from one tile: a height of 6 or 9 is not a multiple of 4


def fits(W_shape, stride, padding):
    """Whether a convolution has a 3 x 3 kernel, stride 1, and no more padding than that of dx allows."""
    return W_shape[0] == KERNEL and stride == 1 and padding < KERNEL


def tiles(rows):
    """(m, T) for ``rows`` rows of y: by the m that needs the fewest products."""
    m = min(TILES, key=lambda m: -(-rows // m) * (m + KERNEL - 1))
    return m, -(-rows // m)


def multiplications(x_shape, W_shape, stride, padding):
    """Multiplications of one image: m + 2 rows of W + P pixels for each tile."""
    m, T = tiles(x_shape[1] + 2 * padding - KERNEL + 1)
    _, _, C, O = W_shape
    return T * (m + KERNEL - 1) * (x_shape[2] + padding) * KERNEL * C * O


@cache
def minimal(m, dtype=np.float64, xp=np):
    """A (m x m + 2), B (m + 2 x m + 2) and G (m + 2 x 3) of Toom and Cook's way to multiply polynomials, transposed.

    With M_i(x) the product of x - p_l over all points but p_i: G's row i is the values of 1, x, x^2 at p_i, over
    M_i(p_i); A's column those of 1, x, x^2, ...; B's row the coefficients of M_i, the lowest first. At infinity the
    value is the highest coefficient, and M is the product over all points.
    """
    points, size = POINTS[: m + 1], m + KERNEL - 1
    A, B, G = np.zeros((m, size)), np.zeros((size, size)), np.zeros((size, KERNEL))
    for i, point in enumerate(points):
        others = [p for p in points if p != point]
        B[i, : size - 1] = np.poly(others)[::-1]
        G[i] = point ** np.arange(KERNEL) / np.prod([point - p for p in others])
        A[:, i] = point ** np.arange(m)
    A[-1, -1] = G[-1, -1] = 1
    B[-1] = np.poly(points)[::-1]
    return [xp.asarray(matrix, dtype) for matrix in (A, B, G)]


class Plan:
    """Matrices and sizes for one shape of image and kernel; A, B, G and T as above, size m + 2, pitch W + P."""

    def __init__(self, xp, x_shape, channels_out, padding, dtype):
        self.xp, self.P, (_, H, W, self.C), self.O, self.dtype = xp, padding, x_shape, channels_out, dtype
        self.Ho, self.Wo, self.pitch = (*(extent + 2 * padding - KERNEL + 1 for extent in (H, W)), W + padding)
        self.m, self.T = tiles(self.Ho)
        self.size = self.m + KERNEL - 1
        self.A, self.B, self.G = minimal(self.m, dtype, xp)
        # X and Y of an image, in chunks that are the larger the more Z, all of which each chunk goes through, is
        image, Z = (
            self.size * n * self.A.itemsize for n in (self.T * self.pitch * (self.C + self.O), 3 * self.C * self.O)
        )
        self.image_bytes = max(1, image * chunk_bytes(xp) // (chunk_bytes(xp) + Z // 2))

    def kernel(self, weights):
        """Z (size, 1, 3C, O): one for all phases."""
        with one_blas_thread():
            return (self.G @ weights.reshape(KERNEL, -1)).reshape(self.size, 1, -1, self.O)

    def at_points(self, n, channels, margin=0):
        """Memory for X or Y of n images, in whole threes of pixels and a ``margin``: (size, pixels, channels); and its
        rows as (n, T, size, pitch * channels)."""
        pixels = n * self.T * self.pitch
        memory = self.xp.empty((self.size, -(-pixels // KERNEL) * KERNEL + margin, channels), self.dtype)
        memory[:, pixels:] = 0
        return memory, memory[:, :pixels].reshape(self.size, n, self.T, -1).transpose(1, 2, 0, 3)

    def patches(self, x):
        """X of some images as the patches of each phase, (size, 3, Q, 3C)."""
        start, height = self.P, self.T * self.m + KERNEL - 1
        d = framed(x, start, height, self.pitch).reshape(len(x), height, -1)
        n, h, c = d.strides
        view = self.xp.lib.stride_tricks.as_strided
        X, rows = self.at_points(len(x), self.C, margin=KERNEL - 1)
        self.xp.matmul(self.B, view(d, (len(x), self.T, self.size, d.shape[2]), (n, self.m * h, h, c)), out=rows)
        i, r, c = X.strides
        return view(X, (self.size, KERNEL, X.shape[1] // KERNEL, KERNEL * self.C), (i, r, KERNEL * r, c))

    def convolve(self, x, Z):
        """y (n, Ho, Wo, O) of some images."""
        Y, rows = self.at_points(len(x), self.O)
        self.xp.matmul(self.patches(x), Z, out=by_phase(Y))
        y = self.xp.matmul(self.A, rows).reshape(len(x), self.T * self.m, self.pitch, self.O)
        return y[:, : self.Ho, : self.Wo]

    def kernel_gradient(self, x, dy):
        """dW (3 * 3C, O) of some images."""
        dY, rows = self.at_points(len(x), self.O)
        framed_dy = framed(dy, 0, self.T * self.m, self.pitch)
        self.xp.matmul(self.A.T, framed_dy.reshape(len(x), self.T, self.m, -1), out=rows)
        dW = self.xp.zeros((KERNEL, KERNEL * self.C, self.O), dY.dtype)
        for X_i, dY_i, G_i in zip(self.patches(x), by_phase(dY), self.G, strict=True):
            dW += G_i[:, None, None] * self.xp.matmul(X_i.swapaxes(1, 2), dY_i).sum(axis=0)
        return dW.reshape(-1, self.O)


def framed(x, start, height, width):
    """x (n, H, W, C) from pixel (start, start) on in images of height x width, blank elsewhere."""
    n, H, W, C = x.shape
    y = array_module(x).empty((n, height, width, C), x.dtype)
    y[:, :start], y[:, start + H :], y[:, :, :start], y[:, :, start + W :] = 0, 0, 0, 0
    y[:, start : start + H, start : start + W] = x
    return y


def by_phase(Y):
    """The memory of Y (size, 3Q, O) in the order of the phases, (size, 3, Q, O)."""
    return Y.reshape(len(Y), -1, KERNEL, Y.shape[-1]).swapaxes(1, 2)


def correlate(x, weights, stride, padding, then):
    """As ``algorithms.correlate``."""
    plan = Plan(array_module(x), x.shape, weights.shape[-1], padding, x.dtype)
    Z = plan.kernel(weights)
    return in_chunks(lambda rows: then(rows, plan.convolve(x[rows], Z)), len(x), plan.image_bytes, plan.xp)


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """As ``algorithms.gradients``."""
    xp, (_, _, C, O) = array_module(x), weights.shape
    plan = Plan(xp, x.shape, O, padding, x.dtype)
    if input_gradient:
        dx = empty(xp, x.shape, x.dtype)
        back = Plan(xp, (len(x), plan.Ho, plan.Wo, O), C, KERNEL - 1 - padding, x.dtype)
        Z = back.kernel(xp.ascontiguousarray(weights[::-1, ::-1].swapaxes(2, 3)))

    def differentiate(rows):
        """Writes dx; returns dW, with db as one more row."""
        dy = dy_of(rows)
        if input_gradient:
            dx[rows] = back.convolve(dy, Z)
        return xp.concatenate([plan.kernel_gradient(x[rows], dy), column_sums(dy.reshape(-1, O))[None]])

    total = in_chunks(differentiate, len(x), plan.image_bytes, xp)
    return dx if input_gradient else None, total[:-1].reshape(weights.shape), total[-1]
