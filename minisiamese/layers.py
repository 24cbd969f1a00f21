"""Layers with explicit backward passes (Koch et al., section 3).

Notation: N images, H W height and width, C channels in, O out, K kernel or window, D features in, M features out.
Images are channels-last, (N, H, W, C).

The protocol. ``forward(x, train=True)`` returns y and, when training, keeps what backward needs. ``backward(dy)`` takes
the gradient of the loss by y, adds the gradients of the parameters to ``grads`` and returns the gradient by x. Neither
changes its argument, and the dtype that comes in goes out. Gradients add up until ``zero_grad()``.
"""

import numpy as np

from minisiamese.backend import array_module, column_sums, empty, in_chunks, to_device


class Layer:
    """Base of all layers: parameters, their gradients, buffers (state without gradient), and a cache for one pass."""

    def __init__(self):
        self.params, self.grads, self.buffers = {}, {}, {}
        self._cache = None

    def forward(self, x, train=True):
        raise NotImplementedError

    def backward(self, dy):
        raise NotImplementedError

    def children(self):
        """(name, layer) of the layers inside this one."""
        return ()

    def walk(self, name=""):
        """Yield (dotted name, layer) for this layer and all layers inside it."""
        yield name, self
        for child_name, child in self.children():
            yield from child.walk(f"{name}.{child_name}" if name else child_name)

    def arrays(self):
        """{dotted name: array} of every parameter and buffer: what a checkpoint holds."""
        return {
            f"{name}.{key}" if name else key: array
            for name, layer in self.walk()
            for key, array in (layer.params | layer.buffers).items()
        }

    def zero_grad(self):
        for _, layer in self.walk():
            for grad in layer.grads.values():
                grad.fill(0)

    def to(self, device):
        """Move parameters, gradients and buffers to ``"cpu"`` or ``"cuda"``; return self."""
        for _, layer in self.walk():
            for arrays in (layer.params, layer.grads, layer.buffers):
                arrays.update({key: to_device(array, device) for key, array in arrays.items()})
        return self

    def astype(self, dtype):
        """Turn parameters, gradients and buffers into this type; return self."""
        for _, layer in self.walk():
            for arrays in (layer.params, layer.grads, layer.buffers):
                arrays.update({key: array.astype(dtype) for key, array in arrays.items()})
        return self

    def forget(self):
        """Drop what forward kept, where no backward is to follow."""
        for _, layer in self.walk():
            layer._cache = None

    def add_param(self, key, value):
        self.params[key] = value
        self.grads[key] = np.zeros_like(value)

    def keep(self, train, *values):
        """Keep what backward needs. A second training pass would overwrite it, so that is an error."""
        if not train:
            return
        if self._cache is not None:
            raise RuntimeError(f"{type(self).__name__}: forward twice without backward; stack the twins into one batch")
        self._cache = values

    def take(self):
        """What forward kept, once."""
        if self._cache is None:
            raise RuntimeError(f"{type(self).__name__}: backward without a forward(train=True) before it")
        values, self._cache = self._cache, None
        return values


class Sequential(Layer):
    """Layers one after another."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = layers

    def children(self):
        return [(str(i), layer) for i, layer in enumerate(self.layers)]

    def forward(self, x, train=True):
        for layer in self.layers:
            x = layer.forward(x, train)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


class Linear(Layer):
    """y = x W + b; x (N, D), W (D, M), b (M,). W starts as N(0, std), by default He's std = sqrt(2 / D)."""

    def __init__(self, features_in, features_out, rng, std=None, bias=(0.0, 0.0)):
        super().__init__()
        std = np.sqrt(2 / features_in) if std is None else std
        self.add_param("W", rng.normal(0, std, (features_in, features_out)).astype(np.float32))
        self.add_param("b", rng.normal(*bias, features_out).astype(np.float32))

    def forward(self, x, train=True):
        self.keep(train, x)
        y = x @ self.params["W"]
        y += self.params["b"]
        return y

    def backward(self, dy):
        (x,) = self.take()
        dW = self.grads["W"]

        def add(rows):  # a temporary of the size of dW would be 151 MB in the paper's network
            dW[rows] += x[:, rows].T @ dy

        in_chunks(add, len(dW), 2 * dW[0].nbytes, array_module(x))
        self.grads["b"] += column_sums(dy)
        return dy @ self.params["W"].T


class ReLU(Layer):
    """y = max(x, 0); the gradient at 0 is 0."""

    def forward(self, x, train=True):
        y = array_module(x).maximum(x, 0)
        self.keep(train, y)
        return y

    def backward(self, dy):
        (y,) = self.take()
        return dy * (y > 0)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x))."""

    def forward(self, x, train=True):
        y = sigmoid(x)
        self.keep(train, y)
        return y

    def backward(self, dy):
        (y,) = self.take()
        return dy * y * (1 - y)


def sigmoid(x):
    """1 / (1 + exp(-x)), by way of tanh, which does not overflow."""
    return (array_module(x).tanh(x / 2) + 1) / 2


class Flatten(Layer):
    """(N, ...) to (N, D)."""

    def forward(self, x, train=True):
        self.keep(train, x.shape)
        return x.reshape(len(x), -1)

    def backward(self, dy):
        (shape,) = self.take()
        return dy.reshape(shape)


class BatchNorm(Layer):
    """y = gamma (x - mean) / sqrt(var + eps) + beta, for each channel (the last axis) over all other axes.

    Training uses the batch's mean and variance and lets the stored ones follow them, evaluation the stored ones.
    Ioffe & Szegedy 2015, algorithm 1.
    """

    def __init__(self, channels, momentum=0.9, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.add_param("gamma", np.ones(channels, np.float32))
        self.add_param("beta", np.zeros(channels, np.float32))
        self.buffers = {"mean": np.zeros(channels, np.float32), "var": np.ones(channels, np.float32)}

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
        slope, by_x, shift = input_affine(self.params["gamma"], mean, scale, dbeta, dgamma, x.size // channels)
        dx = empty(xp, x.shape, x.dtype)

        def gradient(rows):
            xp.multiply(dy[rows], slope, out=dx[rows])
            dx[rows] += x[rows] * by_x
            dx[rows] += shift

        in_chunks(gradient, len(x), 3 * x[0].nbytes, xp)
        return dx

    def follow(self, mean, var):
        """Let the stored statistics follow those of a batch."""
        for key, value in (("mean", mean), ("var", var)):
            self.buffers[key] += (1 - self.momentum) * (value - self.buffers[key])


def moments(x):
    """The sums of x and of its square over all axes but the last, (2, C).

    Take away an origin close to the mean first, such as one image's mean: the variance, the difference of two nearly
    equal squares, would lose its digits otherwise.
    """
    flat = x.reshape(-1, x.shape[-1])
    return array_module(x).stack([column_sums(flat), column_sums(flat * flat)])


def statistics(sums, count):
    """Mean and variance from ``moments``."""
    mean, square = sums / sums.dtype.type(count)
    return mean, square - mean * mean


def affine(gamma, beta, mean, var, eps):
    """Batch norm as a line for each channel: slope, shift."""
    slope = gamma / array_module(var).sqrt(var + eps)
    return slope, beta - mean * slope


def input_affine(gamma, mean, scale, dbeta, dgamma, count):
    """dx = gamma scale (dy - dbeta / count - normal dgamma / count), with normal = (x - mean) scale, gathered into
    slope dy + by_x x + shift, one number each for a channel."""
    slope = gamma * scale
    by_x = -slope * scale * dgamma / slope.dtype.type(count)
    return slope, by_x, -slope * dbeta / slope.dtype.type(count) - by_x * mean
