"""Convolution as a matrix product of image columns (im2col), and its backward pass (Koch et al., section 3.1).

Notation: N images, H W height and width, C channels in, O channels out, K kernel, S stride, P padding;
Ho = (H + 2P - K) // S + 1 and Wo = (W + 2P - K) // S + 1, height and width of the result.
"""

import numpy as np

from minisiamese.backend import array_module, column_sums
from minisiamese.layers import Layer


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

    Equal pixels (i, j) of all patches never overlap, so each (i, j) has an image of its own. One assignment through a
    strided view fills all K x K images, and the images are added up.
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


def output_shape(x_shape, W_shape, stride, padding):
    """(N, Ho, Wo, O); ValueError if the kernel does not fit the images."""
    N, H, W, C = x_shape
    K, _, channels, O = W_shape
    if C != channels or min(H, W) + 2 * padding < K:
        raise ValueError(f"convolution of {W_shape} with padding {padding} does not fit images of {x_shape}")
    return N, (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1, O


def convolve(x, W, stride=1, padding=0):
    """y[n,i,j,o] = sum over k,l,c of x[n, iS+k-P, jS+l-P, c] W[k,l,c,o]: columns times the kernel as a matrix.

    x (N, H, W, C), W (K, K, C, O), y (N, Ho, Wo, O). The columns of large images are K*K times the images.
    """
    shape = output_shape(x.shape, W.shape, stride, padding)
    columns = im2col(pad(x, padding), len(W), stride)
    return (columns @ W.reshape(-1, shape[-1])).reshape(shape)


def convolve_backward(x, W, dy, stride=1, padding=0):
    """dx and dW of y = ``convolve(x, W, stride, padding)``, for the gradient dy with respect to y.

    With y = columns W, the product rule gives dW = columns^T dy and dcolumns = dy W^T. The columns are built again, and
    ``col2im`` takes dcolumns back to the pixels.
    """
    N, height, width, C = x.shape
    P, dy = padding, dy.reshape(-1, W.shape[-1])
    dW = im2col(pad(x, P), len(W), stride).T @ dy
    dcolumns = dy @ W.reshape(-1, W.shape[-1]).T
    dx = col2im(dcolumns, (N, height + 2 * P, width + 2 * P, C), len(W), stride)
    return dx[:, P : P + height, P : P + width], dW.reshape(W.shape)


class Conv2D(Layer):
    """y = ``convolve(x, W, S, P)`` + b; x (N, H, W, C), W (K, K, C, O), b (O,), y (N, Ho, Wo, O).

    W starts as N(0, std), by default He's std = sqrt(2 / (K K C)), b as N(mean, std) = ``bias``; ``bias=None`` leaves b
    out, as before a batch norm, which would take b away again.
    """

    def __init__(self, channels_in, channels_out, kernel, rng, stride=1, padding=0, std=None, bias=(0.0, 0.0)):
        super().__init__()
        self.stride, self.padding = stride, padding
        std = np.sqrt(2 / (kernel * kernel * channels_in)) if std is None else std
        self.add_param("W", rng.normal(0, std, (kernel, kernel, channels_in, channels_out)).astype(np.float32))
        if bias is not None:
            self.add_param("b", rng.normal(*bias, channels_out).astype(np.float32))

    def forward(self, x, train=True):
        y = convolve(x, self.params["W"], self.stride, self.padding)
        self.keep(train, x)
        return y + self.params["b"] if "b" in self.params else y

    def backward(self, dy):
        (x,) = self.take()
        dx, dW = convolve_backward(x, self.params["W"], dy, self.stride, self.padding)
        self.grads["W"] += dW
        if "b" in self.params:
            self.grads["b"] += column_sums(dy.reshape(-1, dy.shape[-1]))
        return dx
