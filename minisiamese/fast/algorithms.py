"""The convolution of ``convolution.py`` by the algorithm that its shapes call for, a few images at a time.

An algorithm is two functions, by which ``block.py`` takes a whole stage together:

- ``correlate(x, weights, stride, padding, then)`` hands each few images of y on, as ``then(rows, y[rows])``, while they
  are in the processor's cache. It returns the sum of the results of ``then``, or None if they are None.
- ``gradients(x, weights, stride, padding, dy_of, input_gradient)`` asks for the gradient of each few images of y, as
  ``dy_of(rows)``, just before it is used. It returns dx (None without ``input_gradient``), dW and db.

Notation as in ``convolution.py``.
"""

import math

from minisiamese.backend import array_module, column_sums
from minisiamese.convolution import Conv2D, convolve, convolve_backward, im2col, output_shape, pad
from minisiamese.fast import fourier, winograd
from minisiamese.memory import empty
from minisiamese.threads import in_chunks

FOURIER_PAYS = 0.5  # the share of im2col's multiplications below which Fourier's five products take less time on a CPU
WINOGRAD_PAYS = 8  # channels in from which on Winograd's sums of rows take less time than columns
FEW_WEIGHTS = 16  # pairs of channels per pixel of an image up to which the kernel's spectrum takes little


def correlate(x, weights, stride, padding, then):
    """By im2col. The columns of a whole batch would be K*K times its images, so they live for few images at a time."""
    shape = output_shape(x.shape, weights.shape, stride, padding)

    def convolve_rows(rows):
        return then(rows, convolve(x[rows], weights, stride, padding))

    return in_chunks(convolve_rows, len(x), work_bytes(shape, weights), array_module(x))


def gradients(x, weights, stride, padding, dy_of, input_gradient=True):
    """By im2col, with the columns built again."""
    xp, O = array_module(x), weights.shape[-1]
    dx = empty(xp, x.shape, x.dtype) if input_gradient else None

    def differentiate(rows):
        """Writes dx; returns dW, with db as one more row."""
        dy = dy_of(rows)
        if input_gradient:
            dx[rows], dW = convolve_backward(x[rows], weights, dy, stride, padding)
        else:
            dW = im2col(pad(x[rows], padding), len(weights), stride).T @ dy.reshape(-1, O)
        return xp.concatenate([dW.reshape(-1, O), column_sums(dy.reshape(-1, O))[None]])

    shape = output_shape(x.shape, weights.shape, stride, padding)
    total = in_chunks(differentiate, len(x), work_bytes(shape, weights, 1 + input_gradient), xp)
    return dx, total[:-1].reshape(weights.shape), total[-1]


def multiplications(x_shape, W_shape, stride, padding):
    """Multiplications by im2col of one image."""
    _, Ho, Wo, _ = output_shape(x_shape, W_shape, stride, padding)
    return Ho * Wo * math.prod(W_shape)


def work_bytes(shape, weights, columns=1):
    """Bytes that one image needs: its columns, once or twice, y, and as much again for the function that takes y or
    gives dy."""
    _, Ho, Wo, O = shape
    return Ho * Wo * (columns * math.prod(weights.shape[:3]) + 2 * O) * weights.itemsize


ALGORITHMS = {
    "im2col": (correlate, gradients),
    "fourier": (fourier.correlate, fourier.gradients),
    "winograd": (winograd.correlate, winograd.gradients),
}


class FastConv2D(Conv2D):
    """A ``Conv2D`` that computes by one of ``ALGORITHMS``; ``fuse`` makes it of a plain one.

    Without ``input_gradient``, for the first layer of a network, backward returns None: nobody asks for the gradient
    with respect to the images.
    """

    input_gradient = True

    def algorithm(self, x_shape):
        """The name of the algorithm for images of this shape.

        Fourier's where it needs less than ``FOURIER_PAYS`` of im2col's multiplications. 3 x 3 kernels of stride 1, on
        ``WINOGRAD_PAYS`` channels or more, go by Winograd's instead of im2col, and instead of Fourier's where they have
        more than ``FEW_WEIGHTS`` pairs of channels per pixel. Only the shape of one image counts, so that a
        network computes in one way everywhere, and batches of other sizes change results by rounding alone. For an
        image or two im2col would be faster, as the kernel's transform does not shrink with the batch.
        """
        W = self.params["W"]
        shapes = x_shape, W.shape, self.stride, self.padding
        by_winograd = winograd.fits(*shapes[1:]) and x_shape[3] >= WINOGRAD_PAYS
        by_fourier = sum(fourier.multiplications(*shapes)) < FOURIER_PAYS * multiplications(*shapes)
        many_weights = W.shape[2] * W.shape[3] > FEW_WEIGHTS * x_shape[1] * x_shape[2]
        if by_winograd and (many_weights or not by_fourier):
            return "winograd"
        return "fourier" if by_fourier else "im2col"

    def correlate(self, x, weights, then):
        """y for these weights, with the layer's own b, handed on as ``then(rows, y[rows])``; returns the sum of the
        results of ``then``."""
        self.check(x)
        b = self.params.get("b")

        def with_bias(rows, y):
            y += b
            return then(rows, y)

        algorithm, _ = ALGORITHMS[self.algorithm(x.shape)]
        return algorithm(x, weights, self.stride, self.padding, then if b is None else with_bias)

    def gradients(self, x, weights, dy_of):
        """dx and dW for these weights and the gradient ``dy_of(rows)`` of y[rows]; db is added to its gradient."""
        _, algorithm = ALGORITHMS[self.algorithm(x.shape)]
        dx, dW, db = algorithm(x, weights, self.stride, self.padding, dy_of, self.input_gradient)
        if "b" in self.params:
            self.grads["b"] += db
        return dx, dW

    def check(self, x):
        """ValueError if the kernel does not fit the images, or they are no floats."""
        self.output_shape(x.shape)
        if x.dtype.kind != "f":
            raise ValueError(f"images must be of a float type, not {x.dtype}")

    def output_shape(self, x_shape):
        """(N, Ho, Wo, O) for x of ``x_shape``."""
        return output_shape(x_shape, self.params["W"].shape, self.stride, self.padding)

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
