"""The convolution of ``convolution.py`` as five matrix products, for large kernels or many channels (Koch et al., 3.1).

The convolution theorem turns the sum over a K x K kernel into one product per frequency. With x(h, w) the C channels
of a pixel, W(k, l) the (C, O) matrix at a place of the kernel, and frequencies u, v of periods L, M,

    X(u, v) = sum_hw e^(-2 pi i (u h / L + v w / M)) x(h, w)         the spectrum of an image,
    Z(u, v) = sum_kl e^(+2 pi i (u k / L + v l / M)) W(k, l)         of the kernel, conjugate, as in a correlation,
    Y(u, v) = X(u, v) Z(u, v),       y(m, n) = sum_uv e^(+2 pi i (u m / L + v n / M)) Y(u, v) / (L M).

x and W are real, so Y at -u, -v is Y at u, v conjugated: the half spectrum, U = L // 2 + 1 of the L frequencies u, is
enough, with each frequency that stands for two counted twice. A complex number is two real ones (p = 0, 1: real part,
imaginary part), and a product with a + b i is a product with the real block [[a, b], [-b, a]] on the right, or with its
transpose on the left. So each step is a real matrix product, and channels-last images lie in the order that it reads:
nothing is moved between steps. (2V is V frequencies of two planes p each, 2W two planes of W pixels, 2C two planes of C
channels.)

    1. rows          (2U x H)   @ (H x W*C)       each image, real to complex
    2. columns       (2V x 2W)  @ (2W x C)        each image and u
    3. product       (N x 2C)   @ (2C x 2O)       each u, v: the kernel's spectrum as real blocks
    4. columns back  (2Wo x 2V) @ (2V x O)        each image and u, cropped to the valid output
    5. rows back     (Ho x 2U)  @ (2U x Wo*O)     each image

(CuPy's products of batches copy operands that do not lie in order: the spectra at step 3, there and back.)

im2col multiplies Ho Wo K^2 C O times, the product here 4 U V C O times for any K; the other steps cost much for each
channel, but only once, not for each pair of channels. So large kernels pay, and so do many channels. A fast Fourier
transform would take fewer operations, and at these sizes (48 x 48) about as much time: it waits for memory, while a
product with the dense matrix of sines and cosines runs at the full speed of a matrix product.

Stride and padding live in the matrices alone: 1 and 2 place pixel h at h + P, and 4 and 5 compute every S-th pixel of
the valid output. Frequencies see the image go round and round, so the period L = H + P is enough: the blank border
before the image is also the one behind it.

The blocks of a whole kernel are large (157 MB in the paper's second layer), so they are made for a few u at a time by
the thread that needs them, which takes these u through 2, 3 and 4. Only what the rows need, X after step 1 and Y after
step 4, is there as a whole; backward, the gradients with respect to both lie in the same memory.

Backward is the same products transposed. dy goes through 5 and 4 to dY; dX = dY Z^T goes through 2 and 1 to dx; and
dZ = X^T dY, summed over images, goes through the transform of the kernel to dW.

Pixels of a blank background, equal by im2col, may differ here in the last digit, which then decides a pooling tie.

Notation: N images, H W height and width, C channels in, O out, K kernel, S stride, P padding; Ho Wo height and width of
y; L M periods, U V numbers of frequencies; p real and imaginary part.
"""

from functools import cache

import numpy as np

from minisiamese.backend import array_module, column_sums
from minisiamese.memory import empty
from minisiamese.threads import in_chunks, one_blas_thread


def multiplications(x_shape, W_shape, stride, padding):
    """Real multiplications of each of the five products for one image."""
    _, H, W, _ = x_shape
    K, _, C, O = W_shape
    U, V = (H + padding) // 2 + 1, W + padding
    Ho, Wo = (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1
    rows, rows_back = 2 * U * H * W * C, Ho * 2 * U * Wo * O
    columns, columns_back = U * 2 * V * 2 * W * C, U * 2 * Wo * 2 * V * O
    return rows, columns, U * V * 2 * C * 2 * O, columns_back, rows_back


@cache
def transform(xp, size, kernel, stride, padding, half, dtype):
    """The matrices of one axis, where xp has its arrays: image (2F x size), kernel (2F x K) and back (Ho x 2F).

    At frequency f and place t, with L = size + padding: e^(-2 pi i f (t + padding) / L) of the image,
    e^(+2 pi i f t / L) of the kernel, and weight e^(+2 pi i f stride t / L) / L of the way back. For rows (``half``)
    the F frequencies of a real signal are enough. Columns have all frequencies, and 2 size, 2K and 2Wo in place of
    size, K and Ho, since they take or give complex numbers.
    """
    period = size + padding
    frequencies = np.arange(period // 2 + 1 if half else period)

    def waves(places):
        return np.exp(-2j * np.pi * (np.outer(frequencies, places) % period) / period)

    def real(E):
        """e^(-i t), (F, T), as real numbers that multiply a real signal (half), (2F, T), or a complex one, (2F, 2T)."""
        if half:
            return np.stack([E.real, E.imag], axis=1).reshape(2 * len(E), -1)
        return np.array([[E.real, -E.imag], [E.imag, E.real]]).transpose(2, 0, 1, 3).reshape(2 * len(E), -1)

    outputs = np.arange((size + 2 * padding - kernel) // stride + 1)
    # in the half spectrum, a frequency that is not its own mirror stands for two
    weight = np.where((2 * frequencies % period != 0) & half, 2, 1) / period
    back = real(waves(stride * outputs) * weight[:, None]).T  # a transposed block is the conjugate: e^(+i t)
    matrices = real(waves(np.arange(size) + padding)), real(waves(np.arange(kernel)).conj()), back
    return [xp.asarray(np.ascontiguousarray(matrix, dtype)) for matrix in matrices]


class Plan:
    """Matrices and sizes for one shape of image and kernel, and the steps that forward and backward share.

    image_rows (2U x H), kernel_rows (2U x K), rows_back (Ho x 2U) and image_columns (2V x 2W), kernel_columns
    (2V x 2K), columns_back (2Wo x 2V) are the matrices of ``transform``; kernel (U, 2K, C O) is the kernel after its
    rows; X (N, U, 2W, C) and Y (N, U, 2Wo, O) are memory for the results of steps 1 and 4.
    """

    def __init__(self, x, weights, stride, padding):
        self.xp = xp = array_module(x)
        self.N, self.H, self.W, self.C = x.shape
        self.K, _, _, self.O = weights.shape
        self.U, self.V = (self.H + padding) // 2 + 1, self.W + padding
        rows, columns = (
            transform(xp, size, self.K, stride, padding, half, x.dtype)
            for size, half in ((self.H, True), (self.W, False))
        )
        self.image_rows, self.kernel_rows, self.rows_back = rows
        self.image_columns, self.kernel_columns, self.columns_back = columns
        self.Ho, self.Wo = len(self.rows_back), len(self.columns_back) // 2
        with one_blas_thread():
            self.kernel = self.kernel_rows @ weights.reshape(self.K, -1)
        self.kernel = self.kernel.reshape(self.U, 2 * self.K, self.C * self.O)
        self.X = empty(xp, (self.N, self.U, 2 * self.W, self.C), x.dtype)  # after step 1
        self.Y = empty(xp, (self.N, self.U, 2 * self.Wo, self.O), x.dtype)  # after step 4
        item = x.itemsize
        self.image_bytes = item * max(self.X[0].size + x[0].size, self.Y[0].size + self.Ho * self.Wo * self.O)
        self.frequency_bytes = item * self.V * (2 * self.N * (self.C + self.O) + 4 * self.C * self.O)

    # --- forward

    def rows(self, x):
        """Step 1 into X."""

        def task(rows):
            flat = x[rows].reshape(-1, self.H, self.W * self.C)
            self.xp.matmul(self.image_rows, flat, out=self.X[rows].reshape(-1, 2 * self.U, self.W * self.C))

        in_chunks(task, self.N, self.image_bytes, self.xp)

    def columns(self, us):
        """Step 2 for the frequencies ``us``: X (N, u, V, 2C)."""
        return self.xp.matmul(self.image_columns, self.X[:, us]).reshape(self.N, -1, self.V, 2 * self.C)

    def blocks(self, us):
        """The kernel's spectrum, (u, V, 2C, 2O): [[a, b], [-b, a]] of each a + b i."""
        C, O = self.C, self.O
        spectrum = self.xp.matmul(self.kernel_columns, self.kernel[us]).reshape(-1, self.V, 2, C, O)
        a, b = spectrum[:, :, 0], spectrum[:, :, 1]
        blocks = self.xp.empty((len(a), self.V, 2, C, 2, O), a.dtype)
        blocks[:, :, 0, :, 0], blocks[:, :, 0, :, 1], blocks[:, :, 1, :, 1] = a, b, a
        self.xp.negative(b, out=blocks[:, :, 1, :, 0])
        return blocks.reshape(-1, self.V, 2 * C, 2 * O)

    def product(self, us):
        """Steps 2, 3 and 4 for the frequencies ``us``, into Y."""
        X = self.columns(us)
        Y = self.xp.empty((*X.shape[:3], 2 * self.O), X.dtype)
        self.xp.matmul(by_frequency(X), self.blocks(us), out=by_frequency(Y))
        self.xp.matmul(self.columns_back, Y.reshape(self.N, -1, 2 * self.V, self.O), out=self.Y[:, us])

    def finish(self, rows):
        """Step 5: y of the images ``rows``, (n, Ho, Wo, O)."""
        y = self.xp.matmul(self.rows_back, self.Y[rows].reshape(-1, 2 * self.U, self.Wo * self.O))
        return y.reshape(-1, self.Ho, self.Wo, self.O)

    # --- backward: the products transposed, in the other order

    def start_backward(self, rows, dy):
        """Step 5 transposed: from dy (n, Ho, Wo, O) of the images ``rows`` into Y."""
        flat = dy.reshape(len(dy), self.Ho, -1)
        self.xp.matmul(self.rows_back.T, flat, out=self.Y[rows].reshape(-1, 2 * self.U, self.Wo * self.O))

    def product_backward(self, us, dkernel, input_gradient=True):
        """Steps 4, 3 and 2 transposed for the frequencies ``us``: into dkernel[us], the gradient with respect to
        ``kernel``, and with ``input_gradient`` into X, the gradient with respect to the result of step 1."""
        N, V, C, O = self.N, self.V, self.C, self.O
        X = self.columns(us)
        dY = self.xp.matmul(self.columns_back.T, self.Y[:, us]).reshape(N, -1, V, 2 * O)
        dZ = self.xp.matmul(by_frequency(X).swapaxes(2, 3), by_frequency(dY)).reshape(-1, V, 2, C, 2, O)
        # the sums of the gradients at the two places where a and b of [[a, b], [-b, a]] each stand
        da, db = dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1], dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]
        spectrum = self.xp.stack([da, db], axis=2).reshape(-1, 2 * V, C * O)
        self.xp.matmul(self.kernel_columns.T, spectrum, out=dkernel[us])
        if input_gradient:
            dX = X  # its memory serves again
            self.xp.matmul(by_frequency(dY), self.blocks(us).swapaxes(2, 3), out=by_frequency(dX))
            self.xp.matmul(self.image_columns.T, dX.reshape(N, -1, 2 * V, C), out=self.X[:, us])

    def finish_backward(self, rows):
        """Step 1 transposed: dx of the images ``rows``, (n, H, W, C)."""
        dx = self.xp.matmul(self.image_rows.T, self.X[rows].reshape(-1, 2 * self.U, self.W * self.C))
        return dx.reshape(-1, self.H, self.W, self.C)


def correlate(x, weights, stride, padding, then):
    """As ``algorithms.correlate``."""
    plan = Plan(x, weights, stride, padding)
    plan.rows(x)
    in_chunks(plan.product, plan.U, plan.frequency_bytes, plan.xp)
    return in_chunks(lambda rows: then(rows, plan.finish(rows)), plan.N, plan.image_bytes, plan.xp)


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """As ``algorithms.gradients``."""
    plan = Plan(x, weights, stride, padding)
    xp = plan.xp
    plan.rows(x)

    def start(rows):
        dy = dy_of(rows)
        plan.start_backward(rows, dy)
        return column_sums(dy.reshape(-1, plan.O))

    db = in_chunks(start, plan.N, plan.image_bytes, xp)
    dkernel = xp.empty_like(plan.kernel)
    in_chunks(lambda us: plan.product_backward(us, dkernel, input_gradient), plan.U, plan.frequency_bytes, xp)
    with one_blas_thread():
        dW = (plan.kernel_rows.T @ dkernel.reshape(2 * plan.U, -1)).reshape(weights.shape)
    if not input_gradient:
        return None, dW, db
    dx = empty(xp, x.shape, x.dtype)

    def finish(rows):
        dx[rows] = plan.finish_backward(rows)

    in_chunks(finish, plan.N, plan.image_bytes, xp)
    return dx, dW, db


def by_frequency(spectrum):
    """(N, u, V, .) seen as (u, V, N, .)."""
    return spectrum.transpose(1, 2, 0, 3)
