"""Layers with explicit backward passes (Koch et al., section 3).

Notation: N images, H W height and width, C channels in, O out, K kernel or window, D features in, M features out.
Images are channels-last, (N, H, W, C).

The protocol. ``forward(x, train=True)`` returns y and, when training, keeps what backward needs. ``backward(dy)`` takes
the gradient of the loss with respect to y, adds the gradients of the parameters to ``grads`` and returns dx, the
gradient with respect to x. Neither changes its argument, and the dtype that comes in goes out. Gradients add up until
``zero_grad()``.

The layers here are plain: each line is a line of the mathematics. ``fast.fuse`` computes the same in less time.
"""

import numpy as np

from minisiamese.backend import array_module, column_sums, to_device


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
            yield from child.walk(".".join(filter(None, (name, child_name))))

    def arrays(self):
        """{dotted name: array} of every parameter and buffer: the content of a checkpoint."""
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
        """Drop the caches of forward, where no backward is to follow."""
        for _, layer in self.walk():
            layer._cache = None

    def add_param(self, key, value):
        self.params[key] = value
        self.grads[key] = np.zeros_like(value)

    def keep(self, train, *values):
        """Keep the values that backward needs. A second training pass would overwrite them, and is an error."""
        if not train:
            return
        if self._cache is not None:
            raise RuntimeError(f"{type(self).__name__}: forward twice without backward; stack the twins into one batch")
        self._cache = values

    def take(self):
        """The values that forward kept, once."""
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


class Named(Sequential):
    """Layers one after another, each with a name of its own: ``Named(conv1=..., bn1=...)``."""

    def __init__(self, **layers):
        super().__init__(*layers.values())
        self.names = tuple(layers)

    def children(self):
        return list(zip(self.names, self.layers, strict=True))


class Linear(Layer):
    """y = x W + b; x (N, D), W (D, M), b (M,). W starts as N(0, std), by default He's std = sqrt(2 / D)."""

    def __init__(self, features_in, features_out, rng, std=None, bias=(0.0, 0.0)):
        super().__init__()
        std = np.sqrt(2 / features_in) if std is None else std
        self.add_param("W", rng.normal(0, std, (features_in, features_out)).astype(np.float32))
        self.add_param("b", rng.normal(*bias, features_out).astype(np.float32))

    def forward(self, x, train=True):
        self.keep(train, x)
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        (x,) = self.take()
        self.grads["W"] += x.T @ dy
        self.grads["b"] += dy.sum(axis=0)
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
    """y = gamma n + beta with n = (x - mean) / sqrt(var + eps), for each channel, the last axis, over all other axes.

    Training uses the mean and variance of the batch and lets the stored ones follow them; evaluation uses the stored
    ones. Ioffe & Szegedy 2015, algorithm 1.
    """

    def __init__(self, channels, momentum=0.9, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.add_param("gamma", np.ones(channels, np.float32))
        self.add_param("beta", np.zeros(channels, np.float32))
        self.buffers = {"mean": np.zeros(channels, np.float32), "var": np.ones(channels, np.float32)}

    def forward(self, x, train=True):
        mean, var = self.buffers["mean"], self.buffers["var"]
        if train:
            mean = channel_mean(x)
            var = channel_mean((x - mean) ** 2)
            self.follow(mean, var)
        scale = 1 / array_module(x).sqrt(var + self.eps)
        n = (x - mean) * scale
        self.keep(train, n, scale)
        return self.params["gamma"] * n + self.params["beta"]

    def backward(self, dy):
        n, scale = self.take()
        count = n.size // n.shape[-1]  # numbers that a mean is taken over
        mean_dy, mean_dy_n = channel_mean(dy), channel_mean(dy * n)
        self.grads["beta"] += count * mean_dy
        self.grads["gamma"] += count * mean_dy_n
        # x moves y by itself, by way of the mean, which takes mean_dy away, and by way of the variance, n mean_dy_n
        return self.params["gamma"] * scale * (dy - mean_dy - n * mean_dy_n)

    def follow(self, mean, var):
        """Let the stored statistics follow those of a batch."""
        for key, value in (("mean", mean), ("var", var)):
            self.buffers[key] += (1 - self.momentum) * (value - self.buffers[key])


def channel_mean(x):
    """The mean over all axes but the last, (C,)."""
    return column_sums(x.reshape(-1, x.shape[-1])) * x.dtype.type(x.shape[-1] / x.size)
