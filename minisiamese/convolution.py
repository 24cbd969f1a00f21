"""Convolution as a matrix product of image columns (im2col), and its backward pass (Koch et al., section 3.1).

Notation: N images, H W height and width, C channels in, O channels out, K kernel, S stride, P padding;
Ho = (H + 2P - K) // S + 1 and Wo likewise.
"""

import numpy as np

from minisiamese.backend import array_module, in_chunks
from minisiamese.layers import Layer


def im2col(x, kernel, stride=1):
    """Every K x K patch of x (N, H, W, C) as a row: (N*Ho*Wo, K*K*C); to be read only.

    One line of a patch is K*C consecutive numbers of a channels-last image, so the copy runs in long steps. Where the
    patches are the image as it lies (a 1 x 1 kernel, say), they are a view of it.
    """
    N, H, W, C = x.shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    x = array_module(x).ascontiguousarray(x)
    n, h, w, c = x.strides
    windows = array_module(x).lib.stride_tricks.as_strided(
        x, (N, Ho, Wo, kernel, kernel * C), (n, stride * h, stride * w, h, c)
    )
    return windows.reshape(N * Ho * Wo, kernel * kernel * C)


def col2im(columns, shape, kernel, stride=1):
    """The transpose of im2col: add every row (a K x K patch) back to where it was taken from; x of ``shape``."""
    N, H, W, C = shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    patches = columns.reshape(N, Ho, Wo, kernel, kernel, C)
    x = array_module(columns).zeros(shape, columns.dtype)
    for i in range(kernel):
        for j in range(kernel):
            x[:, i : i + stride * Ho : stride, j : j + stride * Wo : stride] += patches[:, :, :, i, j]
    return x


def pad(x, padding):
    """x (N, H, W, C) with a border of zeros."""
    if padding == 0:
        return x
    N, H, W, C = x.shape
    y = array_module(x).zeros((N, H + 2 * padding, W + 2 * padding, C), x.dtype)
    y[:, padding:-padding, padding:-padding] = x
    return y


class Conv2D(Layer):
    """y[n,i,j,o] = b[o] + sum over k,l,c of x[n, iS+k-P, jS+l-P, c] W[k,l,c,o].

    x (N, H, W, C), W (K, K, C, O), b (O,), y (N, Ho, Wo, O). W starts as N(0, std), by default He's
    std = sqrt(2 / (K K C)), b as N(mean, std) = ``bias``; ``bias=None`` leaves b out, as before a batch norm, which
    would take it away again. With ``input_gradient=False``, for the first layer of a network, backward returns None:
    nobody asks for the gradient of the picture.

    The columns of a whole batch would be K*K times the images, so they live for a few images at a time and are
    rebuilt in backward.
    """

    def __init__(
        self,
        channels_in,
        channels_out,
        kernel,
        rng,
        stride=1,
        padding=0,
        std=None,
        bias=(0.0, 0.0),
        input_gradient=True,
    ):
        super().__init__()
        self.kernel, self.stride, self.padding, self.input_gradient = kernel, stride, padding, input_gradient
        std = np.sqrt(2 / (kernel * kernel * channels_in)) if std is None else std
        self.add_param("W", rng.normal(0, std, (kernel, kernel, channels_in, channels_out)).astype(np.float32))
        if bias is not None:
            self.add_param("b", rng.normal(*bias, channels_out).astype(np.float32))

    def output_shape(self, shape):
        """(N, Ho, Wo, O) for x of ``shape``."""
        N, H, W, C = shape
        K, S, P = self.kernel, self.stride, self.padding
        *_, channels, out = self.params["W"].shape
        if C != channels or min(H, W) + 2 * P < K:
            raise ValueError(f"convolution of {self.params['W'].shape} with padding {P} does not fit images of {shape}")
        return N, (H + 2 * P - K) // S + 1, (W + 2 * P - K) // S + 1, out

    def _columns(self, x):
        return im2col(pad(x, self.padding), self.kernel, self.stride)

    def _matrix(self):
        """W as the matrix that the columns are multiplied by, (K*K*C, O)."""
        W = self.params["W"]
        return W.reshape(-1, W.shape[-1])

    def forward(self, x, train=True):
        xp, W, b = array_module(x), self._matrix(), self.params.get("b")
        y = xp.empty(self.output_shape(x.shape), xp.result_type(x, W))

        def convolve(rows):
            out = y[rows].reshape(-1, W.shape[1])
            xp.matmul(self._columns(x[rows]), W, out=out)
            if b is not None:
                out += b

        in_chunks(convolve, len(x), self._column_bytes(y), xp)
        self.keep(train, x)
        return y

    def backward(self, dy):
        (x,) = self.take()
        xp, W, P = array_module(x), self._matrix(), self.padding
        dx = xp.empty_like(x) if self.input_gradient else None

        def gradients(rows):
            """Writes dx; returns dW, with db as one more row."""
            dy_rows = dy[rows].reshape(-1, W.shape[1])
            dW = self._columns(x[rows]).T @ dy_rows
            if dx is not None:
                N, height, width, C = x[rows].shape
                padded = col2im(dy_rows @ W.T, (N, height + 2 * P, width + 2 * P, C), self.kernel, self.stride)
                dx[rows] = padded[:, P : P + height, P : P + width]
            return xp.concatenate([dW, dy_rows.sum(axis=0, keepdims=True)]) if "b" in self.params else dW

        total = in_chunks(gradients, len(x), self._column_bytes(dy), xp)
        self.grads["W"] += total[: len(W)].reshape(self.grads["W"].shape)
        if "b" in self.params:
            self.grads["b"] += total[-1]
        return dx

    def _column_bytes(self, y):
        """Memory of one image's columns."""
        return y.shape[1] * y.shape[2] * len(self._matrix()) * y.itemsize
