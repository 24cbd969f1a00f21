"""Layers of residual networks and of fine-tuning (He et al. 2016; report 001).

Notation: x (N, H, W, C) images, K window, S stride, P padding.
"""

from minisiamese.backend import array_module
from minisiamese.layers import Layer
from minisiamese.memory import empty


class Residual(Layer):
    """y = ReLU(body(x) + shortcut(x)); no ``shortcut`` is the identity. He et al. 2016, eq. 1 and 2.

    Where the body changes the number of channels or the size, the shortcut has to, too: it is then a 1 x 1 convolution
    of the same stride, and batch norm.
    """

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def children(self):
        return [("body", self.body)] + ([("shortcut", self.shortcut)] if self.shortcut else [])

    def forward(self, x, train=True):
        xp, body = array_module(x), self.body.forward(x, train)
        # in memory of its own: the last layer of the body may keep the array that it returned
        y = xp.add(body, self.shortcut.forward(x, train) if self.shortcut else x, out=empty(xp, body.shape, body.dtype))
        xp.maximum(y, 0, out=y)
        self.keep(train, y)
        return y

    def backward(self, dy):
        xp = array_module(dy)
        dsum = xp.multiply(dy, self.take()[0] > 0, out=empty(xp, dy.shape, dy.dtype))
        dx = self.body.backward(dsum)  # of an identity, dsum itself
        return xp.add(dx, self.shortcut.backward(dsum) if self.shortcut else dsum, out=empty(xp, dx.shape, dx.dtype))


class GlobalAveragePool(Layer):
    """y[n,c] = the mean of x[n,:,:,c] over all pixels; (N, H, W, C) to (N, C). Lin et al. 2014, section 3.2."""

    def forward(self, x, train=True):
        self.keep(train, x.shape)
        return x.mean(axis=(1, 2))

    def backward(self, dy):
        (shape,) = self.take()
        share = dy / (shape[1] * shape[2])
        return array_module(dy).broadcast_to(share[:, None, None], shape)


class Frozen(Layer):
    """A layer, with all that is inside it, that stays as it is while others are trained.

    It runs as in evaluation, batch norm on its stored statistics; ``backward`` returns None, and so must that of all
    layers before it. Its parameters count as buffers: checkpoints hold them, under the names that they had, and no
    optimiser sees them.
    """

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        for _, part in layer.walk():
            part.buffers |= part.params
            part.params, part.grads = part.buffers, {}

    def walk(self, name=""):
        for part_name, part in self.layer.walk(name):
            shell = Layer()
            shell.buffers = part.buffers  # the very dict: moving its arrays moves the layer's
            yield part_name, shell

    def forward(self, x, train=True):
        return self.layer.forward(x, train=False)

    def backward(self, dy):
        return None
