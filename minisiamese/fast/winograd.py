"""The convolution of ``convolution.py`` with 3 x 3 kernels of stride 1, without columns and by two thirds of the
multiplications (Winograd 1980, Lavin & Gray 2016).

Down the columns. Two outputs y_0, y_1 of three weights g and four inputs d need six multiplications term by term.
Four are enough,

    M_0 = (d_0 - d_2) g_0                      y_0 = M_0 + M_1 + M_2
    M_1 = (d_1 + d_2) (g_0 + g_1 + g_2) / 2    y_1 = M_1 - M_2 - M_3
    M_2 = (d_2 - d_1) (g_0 - g_1 + g_2) / 2
    M_3 = (d_1 - d_3) g_2

as the sums show. Here each d is a row of an image, each g a row of the kernel, as the matrix (3C, O) that takes three
pixels of the row to one output, and each M a row of outputs: whole rows are added, and M_i = X_i G_i are products.

Along a row. The pixels of X_i lie one after another in memory, so the three that an output needs are 3C numbers in a
row. As the rows of one matrix they would overlap, which no matrix product takes. Those of every third output do not:
for each phase r = 0, 1, 2, the numbers from pixel r on, seen as a matrix of 3C columns, are the patches of the outputs
r, r + 3, r + 6, ... Nothing is copied. P blank pixels before each row are the border at its left and at the right of
the row before it; the outputs of the patches that reach from one row into the next are thrown away.

Backward, with D_0 = dy_0, D_1 = dy_0 + dy_1, D_2 = dy_0 - dy_1, D_3 = -dy_1 for the gradients with respect to the M,

    dG_i = X_i^T D_i,     dg_0 = dG_0 + (dG_1 + dG_2) / 2,   dg_1 = (dG_1 - dG_2) / 2,   dg_2 = (dG_1 + dG_2) / 2 + dG_3,

and dx is the same correlation, of dy with the kernel turned by half a turn, with padding 2 - P.

Notation: n images of H x W pixels in a chunk, C channels in, O out, P padding, at most 2; Ho Wo height and width of y;
T = ceil(Ho / 2) pairs of its rows.
"""

from minisiamese.backend import array_module, column_sums
from minisiamese.memory import empty
from minisiamese.threads import HOST_CHUNK_BYTES, in_chunks

KERNEL = 3


def fits(W_shape, stride, padding):
    """Whether a convolution has a 3 x 3 kernel, stride 1, and no more padding than that of dx."""
    return W_shape[0] == KERNEL and stride == 1 and padding < KERNEL


def multiplications(x_shape, W_shape, stride, padding):
    """Multiplications of one image: 4 rows of W + P pixels for each pair of rows of y."""
    _, H, W, _ = x_shape
    _, _, C, O = W_shape
    return 4 * _pairs(H + 2 * padding - KERNEL + 1) * (W + padding) * KERNEL * C * O


def _pairs(rows):
    return (rows + 1) // 2


def kernel_rows(weights):
    """The four G, (4, 1, 3C, O): one for all phases."""
    g0, g1, g2 = weights
    G = array_module(weights).stack([g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2])
    return G.reshape(4, 1, -1, weights.shape[-1])


def kernel_rows_backward(dG):
    """dW (3, 3, C, O) of ``kernel_rows``."""
    dG0, dG1, dG2, dG3 = dG
    dW = array_module(dG).stack([dG0 + (dG1 + dG2) / 2, (dG1 - dG2) / 2, (dG1 + dG2) / 2 + dG3])
    return dW.reshape(KERNEL, KERNEL, -1, dW.shape[-1])


def phases(x, padding):
    """The four X for the images x (n, H, W, C), as the patches of each phase: (4, 3, Q, 3C) for 3 Q outputs."""
    xp, (n, H, W, C), P = array_module(x), x.shape, padding
    T = _pairs(H + 2 * P - KERNEL + 1)
    d = framed(x, P, 2 * T + 2, W + P)
    d0, d1, d2, d3 = d[:, 0:-2:2], d[:, 1:-2:2], d[:, 2::2], d[:, 3::2]
    pixels = n * T * (W + P)
    Q = -(-pixels // KERNEL)
    X = xp.empty((4, KERNEL * Q + 2, C), x.dtype)
    X[:, pixels:] = 0
    X0, X1, X2, X3 = X[:, :pixels].reshape(4, n, T, W + P, C)
    xp.subtract(d0, d2, out=X0)
    xp.add(d1, d2, out=X1)
    xp.subtract(d2, d1, out=X2)
    xp.subtract(d1, d3, out=X3)
    i, r, c = X.strides
    return xp.lib.stride_tricks.as_strided(X, (4, KERNEL, Q, KERNEL * C), (i, r, KERNEL * r, c))


def framed(x, start, height, width):
    """x (n, H, W, C) from pixel (start, start) on, in images of height x width, blank elsewhere."""
    n, H, W, C = x.shape
    y = array_module(x).empty((n, height, width, C), x.dtype)
    y[:, :start], y[:, start + H :], y[:, :, :start], y[:, :, start + W :] = 0, 0, 0, 0
    y[:, start : start + H, start : start + W] = x
    return y


def by_phase(M):
    """The memory of M (4, 3Q, O) in the order of the phases, (4, 3, Q, O)."""
    return M.reshape(4, -1, KERNEL, M.shape[-1]).swapaxes(1, 2)


def convolve_rows(x, G, padding):
    """y (n, Ho, Wo, O)."""
    xp, (n, H, W, _), O = array_module(x), x.shape, G.shape[-1]
    Ho, Wo = H + 2 * padding - KERNEL + 1, W + 2 * padding - KERNEL + 1
    X, T, pitch = phases(x, padding), _pairs(Ho), W + padding
    M = xp.empty((4, KERNEL * X.shape[2], O), x.dtype)
    xp.matmul(X, G, out=by_phase(M))
    M0, M1, M2, M3 = M[:, : n * T * pitch].reshape(4, n, T, pitch, O)[:, :, :, :Wo]
    y = xp.empty((n, T, 2, Wo, O), x.dtype)
    y0, y1 = y[:, :, 0], y[:, :, 1]
    xp.add(M1, M2, out=y0)
    y0 += M0
    xp.subtract(M1, M2, out=y1)
    y1 -= M3
    return y.reshape(n, 2 * T, Wo, O)[:, :Ho]


def kernel_gradient(x, dy, padding):
    """The four dG, (4, 3C, O)."""
    xp, (n, _, W, _), (_, Ho, _, O) = array_module(x), x.shape, dy.shape
    X, T, pitch = phases(x, padding), _pairs(Ho), W + padding
    dy = framed(dy, 0, 2 * T, pitch)
    dy0, dy1 = dy[:, 0::2], dy[:, 1::2]
    D = xp.empty((4, KERNEL * X.shape[2], O), x.dtype)
    D[:, n * T * pitch :] = 0
    D0, D1, D2, D3 = D[:, : n * T * pitch].reshape(4, n, T, pitch, O)
    D0[...] = dy0
    xp.add(dy0, dy1, out=D1)
    xp.subtract(dy0, dy1, out=D2)
    xp.negative(dy1, out=D3)
    return xp.matmul(X.swapaxes(2, 3), by_phase(D)).sum(axis=1)


def correlate(x, weights, stride, padding, then):
    """As ``algorithms.correlate``."""
    G = kernel_rows(weights)
    return in_chunks(
        lambda rows: then(rows, convolve_rows(x[rows], G, padding)), len(x), work_bytes(x, G), array_module(x)
    )


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """As ``algorithms.gradients``."""
    xp, O = array_module(x), weights.shape[-1]
    turned = kernel_rows(xp.ascontiguousarray(weights[::-1, ::-1].swapaxes(2, 3)))
    dx = empty(xp, x.shape, x.dtype) if input_gradient else None

    def differentiate(rows):
        """Writes dx; returns the four dG, with db as one more row."""
        dy = dy_of(rows)
        if input_gradient:
            dx[rows] = convolve_rows(dy, turned, KERNEL - 1 - padding)
        dG = kernel_gradient(x[rows], dy, padding)
        return xp.concatenate([dG.reshape(-1, O), column_sums(dy.reshape(-1, O))[None]])

    total = in_chunks(differentiate, len(x), work_bytes(x, turned), xp)
    return dx, kernel_rows_backward(total[:-1].reshape(4, -1, O)), total[-1]


def work_bytes(x, G):
    """Bytes per image: two of X or M for each two rows, and the kernel's share, as each chunk goes through all of G."""
    _, H, W, C = x.shape
    image = 3 * H * W * (C + G.shape[-1]) * x.itemsize
    return max(1, image * HOST_CHUNK_BYTES // (HOST_CHUNK_BYTES + G.nbytes // 2))
