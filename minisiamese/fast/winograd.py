"""The convolution of ``convolution.py`` with 3 x 3 kernels of stride 1, by a quarter of the multiplications
(Winograd 1980, Lavin & Gray 2016).

In one dimension, 4 outputs y_j = sum_k d_j+k g_k need 6 inputs d, 3 weights g and, term by term, 12 multiplications.
Read backwards, this is the product of two polynomials, whose values at 6 points (here 0, 1, -1, 2, -2 and infinity) say
all: 6 multiplications are enough, one at each point,

    y = A ((B d) * (G g)),     B (6 x 6), G (6 x 3), A (4 x 6),

and in two dimensions, rows and columns one after the other, 36 in place of 144 for a tile of 4 x 4 outputs. With many
channels each of the 36 is a matrix product, of all tiles of some images at once. B and A are carried out for all tiles
of a row, or column, by one product with a banded matrix, at most ``TILES`` at a time, since most of it is zeros; the
padding lies in that matrix, too. In the order (H, W, N, C) nothing is moved between the steps:

    1. columns       (6S x W)   @ (W x N*C)       each row
    2. rows          (6T x H)   @ (H x S*N*C)     each column point b
    3. product       (T*S*N x C) @ (C x O)        each pair of points b, a
    4. rows back     (Ho x 6T)  @ (6T x S*N*O)    each b
    5. columns back  (Wo x 6S)  @ (6S x N*O)      each row

Backward is the same products transposed, as in ``fourier.py``, and dW comes from the product of X and dY at each pair
of points. Rounding errors are a few times those of ``im2col``: the matrices hold numbers up to 8.

Notation: N images, H W height and width of a part of them, Ho Wo of its y, C channels in, O out, P padding; T S tiles
of its rows and columns; a b points of rows and columns.
"""

from functools import cache

import numpy as np

from minisiamese.backend import array_module, column_sums
from minisiamese.memory import empty
from minisiamese.threads import HOST_CHUNK_BYTES, in_chunks

KERNEL, TILE = 3, 4
POINTS = (0, 1, -1, 2, -2)  # and infinity
TILES = 7  # of a part of an image along each axis
LARGEST_CHUNK = 10 << 20  # bytes of X or Y: a share of a processor's last cache


@cache
def minimal():
    """A (4 x 6), B (6 x 6) and G (6 x 3) of Toom and Cook's way to multiply polynomials, transposed.

    With M_i(x) the product of x - p_l over all points but p_i: G's row i is the values of 1, x, x^2 at p_i, over
    M_i(p_i); A's column those of 1, x, x^2, x^3; B's row the coefficients of M_i, the lowest first. At infinity the
    value is the highest coefficient, and M is the product over all points.
    """
    size = TILE + KERNEL - 1
    A, B, G = np.zeros((TILE, size)), np.zeros((size, size)), np.zeros((size, KERNEL))
    for i, point in enumerate(POINTS):
        others = [p for p in POINTS if p != point]
        B[i, : size - 1] = np.poly(others)[::-1]
        G[i] = point ** np.arange(KERNEL) / np.prod([point - p for p in others])
        A[:, i] = point ** np.arange(TILE)
    A[-1, -1] = G[-1, -1] = 1
    B[-1] = np.poly(POINTS)[::-1]
    return A, B, G


@cache
def parts(xp, size, padding, dtype):
    """How one axis is divided: for each part the slice of the image's pixels that it reads, the slice of the outputs
    that it gives, and the banded matrices image (6T x pixels) and back (outputs x 6T)."""
    A, B, _ = minimal()
    outputs, divided = size + 2 * padding - KERNEL + 1, []
    for start in range(0, outputs, TILES * TILE):
        stop = min(start + TILES * TILE, outputs)
        tiles = -(-(stop - start) // TILE)
        pixels = np.arange(max(0, start - padding), min(size, stop - padding + KERNEL - 1))
        place = pixels + padding - start - TILE * np.arange(tiles)[:, None]  # of a pixel in a tile, (T, pixels)
        image = np.where((0 <= place) & (place < len(B)), B[:, np.clip(place, 0, len(B) - 1)], 0)
        place = np.arange(stop - start)[:, None] - TILE * np.arange(tiles)  # of an output in a tile, (outputs, T)
        back = np.where((0 <= place) & (place < TILE), A.T[:, np.clip(place, 0, TILE - 1)], 0).transpose(1, 0, 2)
        matrices = image.reshape(-1, len(pixels)), back.reshape(stop - start, -1)
        matrices = [xp.asarray(np.ascontiguousarray(matrix, dtype)) for matrix in matrices]
        divided.append((slice(int(pixels[0]), int(pixels[-1]) + 1), slice(start, stop), *matrices))
    return divided


def multiplications(x_shape, W_shape, stride, padding):
    """Multiplications of each of the five products for one image."""
    _, H, W, C = x_shape
    O, counts = W_shape[-1], np.zeros(5, int)
    for h, ho, image_rows, _ in parts(np, H, padding, np.float32):
        for w, wo, image_columns, _ in parts(np, W, padding, np.float32):
            height, width, Ho, Wo = h.stop - h.start, w.stop - w.start, ho.stop - ho.start, wo.stop - wo.start
            T6, S6 = len(image_rows), len(image_columns)
            counts += S6 * width * height * C, T6 * height * S6 * C, T6 * S6 * C * O, Ho * T6 * S6 * O, Ho * Wo * S6 * O
    return tuple(counts.tolist())


@cache
def kernel_matrix(xp, dtype):
    """(36 x 9): from the places k, l of a kernel to the points b of columns and a of rows."""
    G = minimal()[2]
    return xp.asarray(np.einsum("ak,bl->bakl", G, G).reshape(36, 9), dtype)


def kernel_at_points(weights):
    """Z (6, 6, C, O): the kernel at the points b of columns and a of rows."""
    xp, (_, _, C, O) = array_module(weights), weights.shape
    Z = empty(xp, (36, C * O), weights.dtype)
    xp.matmul(kernel_matrix(xp, weights.dtype), weights.reshape(9, C * O), out=Z)
    return Z.reshape(6, 6, C, O)


def to_points(x, rows, columns):
    """Steps 1 and 2: (6, 6, T S N, C) for x (N, H, W, C), with the matrices (6T x H) and (6S x W)."""
    xp, (N, H, W, C) = array_module(x), x.shape
    x = xp.ascontiguousarray(x.transpose(1, 2, 0, 3)).reshape(H, W, N * C)
    x = (columns @ x).reshape(H, 6, -1)
    X = xp.empty((6, len(rows), x.shape[2]), x.dtype)
    for b in range(6):
        xp.matmul(rows, x[:, b], out=X[b])
    return X.reshape(6, 6, -1, C)


def from_points(Y, rows, columns, N):
    """Steps 4 and 5: y (N, Ho, Wo, O), as a view, for Y (6, 6, T S N, O), with the matrices (Ho x 6T) and (Wo x 6S)."""
    xp, O, T, S = array_module(Y), Y.shape[-1], rows.shape[1] // 6, columns.shape[1] // 6
    y = xp.empty((len(rows), 6, S * N * O), Y.dtype)
    for b in range(6):
        xp.matmul(rows, Y[b].reshape(6 * T, S * N * O), out=y[:, b])
    y = columns @ y.reshape(len(rows), 6 * S, N * O)
    return y.reshape(len(rows), len(columns), N, O).transpose(2, 0, 1, 3)


def correlate(x, weights, stride, padding, then):
    """As ``algorithms.correlate``."""
    xp, (N, H, W, _), O = array_module(x), x.shape, weights.shape[-1]
    Z = kernel_at_points(weights)
    axes = [parts(xp, size, padding, x.dtype) for size in (H, W)]

    def convolve(rows):
        n = len(x[rows])
        y = xp.empty((n, H + 2 * padding - 2, W + 2 * padding - 2, O), x.dtype)
        for h, ho, image_rows, rows_back in axes[0]:
            for w, wo, image_columns, columns_back in axes[1]:
                X = to_points(x[rows, h, w], image_rows, image_columns)
                y[:, ho, wo] = from_points(X @ Z, rows_back, columns_back, n)
        return then(rows, y)

    return in_chunks(convolve, N, work_bytes(x, O), xp)


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """As ``algorithms.gradients``."""
    xp, (N, H, W, C), O = array_module(x), x.shape, weights.shape[-1]
    ZT = kernel_at_points(weights).transpose(0, 1, 3, 2) if input_gradient else None
    axes = [parts(xp, size, padding, x.dtype) for size in (H, W)]
    dx = empty(xp, x.shape, x.dtype) if input_gradient else None

    def differentiate(rows):
        """Writes dx; returns dW, with db as one more row."""
        n, dy, dW = len(x[rows]), dy_of(rows), 0
        dZ = empty(xp, (6, 6, C, O), x.dtype)
        if input_gradient:
            dx[rows] = 0  # the parts overlap
        for h, ho, image_rows, rows_back in axes[0]:
            for w, wo, image_columns, columns_back in axes[1]:
                dY = to_points(dy[:, ho, wo], rows_back.T, columns_back.T)
                X = to_points(x[rows, h, w], image_rows, image_columns)
                xp.matmul(X.transpose(0, 1, 3, 2), dY, out=dZ)
                dW = dW + kernel_matrix(xp, x.dtype).T @ dZ.reshape(36, C * O)
                if input_gradient:
                    dx[rows, h, w] += from_points(dY @ ZT, image_rows.T, image_columns.T, n)
        return xp.concatenate([dW.reshape(-1, O), column_sums(dy.reshape(-1, O))[None]])

    total = in_chunks(differentiate, N, work_bytes(x, O), xp)
    return dx, total[:-1].reshape(weights.shape), total[-1]


def work_bytes(x, O):
    """Bytes per image that make a chunk 3 kernels large: X or Y, the larger, is then three times Z, the kernel at its
    points, which each chunk goes through anew; but no more than LARGEST_CHUNK."""
    height, width = (min(size, TILES * TILE) for size in x.shape[1:3])
    image = height * width * 36 // TILE**2 * max(x.shape[3], O) * x.itemsize
    chunk = min(3 * 36 * x.shape[3] * O * x.itemsize, LARGEST_CHUNK)
    return max(1, image * HOST_CHUNK_BYTES // chunk)
