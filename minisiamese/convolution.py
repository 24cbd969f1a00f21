"""Convolution as a matrix product of image columns (im2col), and its backward pass (Koch et al., section 3.1).

``fourier.py`` computes the same where kernels are large or channels many. Both hand each few images of y on while they
are in the processor's cache, and ask for the gradient of each few images of y when it is wanted: see ``block.py``.

Notation: N images, H W height and width, C channels in, O channels out, K kernel, S stride, P padding;
Ho = (H + 2P - K) // S + 1 and Wo likewise.
"""

import math

import numpy as np

from minisiamese import fourier, winograd
from minisiamese.backend import array_module, column_sums, empty, in_chunks
from minisiamese.layers import Layer

# the share of im2col's multiplications below which the five smaller products take less time: on a CPU
FOURIER_PAYS = 0.5


def im2col(x, kernel, stride=1):
    """Every K x K patch of x (N, H, W, C) as a row: (N*Ho*Wo, K*K*C); to be read only.

    One line of a patch is K*C consecutive numbers of a channels-last image, so the copy runs in long steps. Where the
    patches are the image as it lies (a 1 x 1 kernel, say), they are a view of it.
    """
    N, H, W, C = x.shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    x = array_module(x).ascontiguousarray(x)
    c = x.itemsize  # not of x.strides: an axis of length 1, such as the channel of image[..., None], may have any there
    n, h, w = H * W * C * c, W * C * c, C * c
    windows = array_module(x).lib.stride_tricks.as_strided(
        x, (N, Ho, Wo, kernel, kernel * C), (n, stride * h, stride * w, h, c)
    )
    return windows.reshape(N * Ho * Wo, kernel * kernel * C)


def col2im(columns, shape, kernel, stride=1):
    """The transpose of im2col: add every row (a K x K patch) back to where it was taken from; x of ``shape``.

    Patches overlap, but not in the pixel at one place (i, j) of each: these go to an image of their own, all K x K
    images at once through a view of them, and the images are added up.
    """
    N, H, W, C = shape
    Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
    xp = array_module(columns)
    images = xp.zeros((N, kernel, H, kernel, W, C), columns.dtype)  # of (i, j): [:, i, :, j]
    n, i, h, j, w, c = images.strides
    places = xp.lib.stride_tricks.as_strided(
        images, (N, Ho, Wo, kernel, kernel, C), (n, stride * h, stride * w, i + h, j + w, c)
    )
    places[...] = columns.reshape(places.shape)
    return images.sum(axis=(1, 3))


def pad(x, padding):
    """x (N, H, W, C) with a border of zeros."""
    if padding == 0:
        return x
    N, H, W, C = x.shape
    y = array_module(x).zeros((N, H + 2 * padding, W + 2 * padding, C), x.dtype)
    y[:, padding:-padding, padding:-padding] = x
    return y


def correlate(x, weights, stride, padding, then):
    """The convolution of x (N, H, W, C) with ``weights`` (K, K, C, O), handed on as ``then(rows, y[rows])`` a few
    images at a time, while they are still in the cache; returns the sum of what ``then`` returns, or None if that is
    None.

    The columns of a whole batch would be K*K times the images, so they live for a few images at a time, too, and are
    built again for the gradients.
    """
    K, matrix = len(weights), weights.reshape(-1, weights.shape[-1])
    shape = output_shape(x.shape, weights.shape, stride, padding)

    def convolve(rows):
        y = im2col(pad(x[rows], padding), K, stride) @ matrix
        return then(rows, y.reshape(-1, *shape[1:]))

    return in_chunks(convolve, len(x), work_bytes(shape, matrix), array_module(x))


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """dx (None without ``input_gradient``), dW and db for the gradient ``dy_of(rows)`` of y[rows]."""
    xp, K, P = array_module(x), len(weights), padding
    matrix = weights.reshape(-1, weights.shape[-1])
    dx = empty(xp, x.shape, x.dtype) if input_gradient else None

    def differentiate(rows):
        """Writes dx; returns dW, with db as one more row."""
        dy = dy_of(rows).reshape(-1, matrix.shape[1])
        dW = im2col(pad(x[rows], P), K, stride).T @ dy
        if input_gradient:
            N, H, W, C = x[rows].shape
            dx[rows] = col2im(dy @ matrix.T, (N, H + 2 * P, W + 2 * P, C), K, stride)[:, P : P + H, P : P + W]
        return xp.concatenate([dW, column_sums(dy)[None]])

    shape = output_shape(x.shape, weights.shape, stride, padding)
    total = in_chunks(differentiate, len(x), work_bytes(shape, matrix, 1 + input_gradient), xp)
    return dx, total[:-1].reshape(weights.shape), total[-1]


def output_shape(x_shape, W_shape, stride, padding):
    """(N, Ho, Wo, O); ValueError if the kernel does not fit the images."""
    N, H, W, C = x_shape
    K, _, channels, O = W_shape
    if C != channels or min(H, W) + 2 * padding < K:
        raise ValueError(f"convolution of {W_shape} with padding {padding} does not fit images of {x_shape}")
    return N, (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1, O


def multiplications(x_shape, W_shape, stride, padding):
    """Multiplications of the product with the columns of one image."""
    _, Ho, Wo, _ = output_shape(x_shape, W_shape, stride, padding)
    return Ho * Wo * math.prod(W_shape)


def work_bytes(shape, matrix, columns=1):
    """Memory that one image needs: its columns, once or twice, y, and as much again for whoever takes y or gives dy."""
    return shape[1] * shape[2] * (columns * len(matrix) + 2 * shape[3]) * matrix.itemsize


ALGORITHMS = {
    "im2col": (correlate, gradients),
    "fourier": (fourier.correlate, fourier.gradients),
    "winograd": (winograd.correlate, winograd.gradients),
}


class Conv2D(Layer):
    """y[n,i,j,o] = b[o] + sum over k,l,c of x[n, iS+k-P, jS+l-P, c] W[k,l,c,o].

    x (N, H, W, C), W (K, K, C, O), b (O,), y (N, Ho, Wo, O). W starts as N(0, std), by default He's
    std = sqrt(2 / (K K C)), b as N(mean, std) = ``bias``; ``bias=None`` leaves b out, as before a batch norm, which
    would take it away again. With ``input_gradient=False``, for the first layer of a network, backward returns None:
    nobody asks for the gradient of the picture.

    ``algorithm`` is "im2col", "fourier" or "winograd" (same values and gradients, see ``fourier.py``, ``winograd.py``;
    the last for 3 x 3 kernels of stride 1, where there are many channels), or "auto": Fourier where it needs less than
    FOURIER_PAYS of im2col's multiplications for one image. It goes by shapes alone, so a run repeats exactly, and an
    image's values do not hang on its company; for an image or two im2col would be faster, as the kernel's transform
    does not shrink with the batch.
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
        algorithm="auto",
    ):
        super().__init__()
        if algorithm not in ("auto", *ALGORITHMS):
            raise ValueError(f"algorithm must be auto, im2col, fourier or winograd, not {algorithm}")
        if algorithm == "winograd" and (kernel, stride) != (3, 1):
            raise ValueError(f"winograd is for 3 x 3 kernels of stride 1, not {kernel} x {kernel} of stride {stride}")
        self.stride, self.padding, self.input_gradient = stride, padding, input_gradient
        self.algorithm = algorithm
        std = np.sqrt(2 / (kernel * kernel * channels_in)) if std is None else std
        self.add_param("W", rng.normal(0, std, (kernel, kernel, channels_in, channels_out)).astype(np.float32))
        if bias is not None:
            self.add_param("b", rng.normal(*bias, channels_out).astype(np.float32))

    def output_shape(self, x_shape):
        """(N, Ho, Wo, O) for x of ``x_shape``."""
        return output_shape(x_shape, self.params["W"].shape, self.stride, self.padding)

    def chosen(self, x_shape):
        """The algorithm for images of this shape."""
        if self.algorithm != "auto":
            return self.algorithm
        shapes = x_shape, self.params["W"].shape, self.stride, self.padding
        pays = sum(fourier.multiplications(*shapes)) < FOURIER_PAYS * multiplications(*shapes)
        return "fourier" if pays else "im2col"

    def correlate(self, x, weights, then):
        """y for these weights, handed on as ``then(rows, y[rows])``; returns the sum of what ``then`` returns."""
        output_shape(x.shape, weights.shape, self.stride, self.padding)  # raises
        if x.dtype.kind != "f":
            raise ValueError(f"images must be of a float type, not {x.dtype}")
        b = self.params.get("b")

        def with_bias(rows, y):
            y += b
            return then(rows, y)

        algorithm, _ = ALGORITHMS[self.chosen(x.shape)]
        return algorithm(x, weights, self.stride, self.padding, then if b is None else with_bias)

    def gradients(self, x, weights, dy_of):
        """dx and dW for these weights and the gradient ``dy_of(rows)`` of y[rows]; db is added to its gradient."""
        _, algorithm = ALGORITHMS[self.chosen(x.shape)]
        dx, dW, db = algorithm(x, weights, self.stride, self.padding, dy_of, self.input_gradient)
        if "b" in self.params:
            self.grads["b"] += db
        return dx, dW

    def forward(self, x, train=True):
        y = empty(array_module(x), self.output_shape(x.shape), x.dtype)

        def store(rows, part):
            y[rows] = part

        self.correlate(x, self.params["W"], store)
        self.keep(train, x)
        return y

    def backward(self, dy):
        (x,) = self.take()
        dx, dW = self.gradients(x, self.params["W"], dy.__getitem__)
        self.grads["W"] += dW
        return dx
