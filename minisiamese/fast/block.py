"""A whole stage taken together: convolution, batch norm, ReLU and max-pooling (Koch et al., section 3.1).

Layer by layer, a step waits for memory: each of the four layers writes all its values, and the next layer reads them
back. Here the values of a few images go through all four while they are in the processor's cache. A quarter of them is
written, and the result of the convolution once in full if batch norm needs it for backward. The gradients come back the
same way.

Notation: K the pooling window here; a (N, H, W, O) the result of the convolution; t (N, H//K, W//K, O) the maxima of
its windows; y the output.
"""

from minisiamese.backend import array_module, column_sums
from minisiamese.fast.algorithms import correlate
from minisiamese.fast.layers import affine, input_affine, moments, statistics
from minisiamese.layers import Layer
from minisiamese.memory import empty
from minisiamese.pooling import max_pool, unpool
from minisiamese.threads import in_chunks


class Block(Layer):
    """y = max-pool(ReLU(a)), a = convolution(x), computed as ReLU(max-pool(a)); ``window=1`` leaves pooling out.

    max(x, 0) grows with x, so the maximum of ReLUs is the ReLU of the maximum, taken on a quarter of the numbers. The
    gradients are the same, too: a window whose ReLUs tie at 0 lets none through either way.
    """

    def __init__(self, conv, window=1):
        super().__init__()
        self.conv, self.window = conv, window

    def children(self):
        return [("conv", self.conv)]

    def forward(self, x, train=True):
        xp, t, winner = self.pooled(x)

        def pool(rows, a):
            t[rows], winner[rows] = max_pool(a, self.window)
            xp.maximum(t[rows], 0, out=t[rows])

        self.conv.correlate(x, self.conv.params["W"], pool)
        self.keep(train, x, winner, t)
        return t

    def backward(self, dy):
        x, winner, y = self.take()
        shape = self.conv.output_shape(x.shape)

        def da_of(rows):
            dt = dy[rows] * (y[rows] > 0)
            return unpool(dt, winner[rows], (len(dt), *shape[1:]), self.window)

        dx, dW = self.conv.gradients(x, self.conv.params["W"], da_of)
        self.conv.grads["W"] += dW
        return dx

    def pooled(self, x):
        """xp, and memory for t and for the winner of each window."""
        xp, (N, H, W, O) = array_module(x), self.conv.output_shape(x.shape)
        t = empty(xp, (N, H // self.window, W // self.window, O), x.dtype)
        return xp, t, empty(xp, t.shape, "uint8")


class NormBlock(Block):
    """y = max-pool(ReLU(batch norm(a))), a = convolution(x), computed as ReLU(batch norm(max-pool(a))).

    Batch norm is a line, slope a + shift. Where its slope is positive the line grows with a, so the order may change,
    and only the maxima are normalised. A negative gamma is made positive by negating the kernel of its channel: -a,
    normalised, is the negative of a, normalised. (With gamma = 0 all values of a window tie; the largest a then takes
    the gradient, where plain layers give it to the first.)
    """

    def __init__(self, conv, norm, window=1):
        super().__init__(conv, window)
        self.norm = norm

    def children(self):
        return [("conv", self.conv), ("norm", self.norm)]

    def oriented(self, dtype):
        """sign (O,), and the kernel and gamma that stand in for W and gamma where gamma is negative."""
        W, gamma = self.conv.params["W"], self.norm.params["gamma"]
        sign = array_module(gamma).where(gamma < 0, -1, 1).astype(dtype)
        return sign, W * sign, gamma * sign

    def forward(self, x, train=True):
        xp, t, winner = self.pooled(x)
        norm, (sign, weights, gamma) = self.norm, self.oriented(x.dtype)
        a, mean, var = None, norm.buffers["mean"] * sign, norm.buffers["var"]
        if train:
            a = empty(xp, self.conv.output_shape(x.shape), x.dtype)
            # one image's mean, subtracted from all values: see ``moments``; batch norm subtracts it anyway
            how = self.conv.stride, self.conv.padding
            origin = correlate(x[:1], weights, *how, lambda rows, part: part.mean(axis=(0, 1, 2)))

        def pool_and_observe(rows, part):
            if train:
                part = xp.subtract(part, origin, out=a[rows])
            t[rows], winner[rows] = max_pool(part, self.window)
            return moments(part) if train else None

        sums = self.conv.correlate(x, weights, pool_and_observe)
        if train:
            mean, var = statistics(sums, a.size // a.shape[-1])
            norm.follow((origin + mean) * sign, var)
        slope, shift = affine(gamma, norm.params["beta"], mean, var, norm.eps)
        y = empty(xp, t.shape, t.dtype)

        def normalise(rows):
            xp.multiply(t[rows], slope, out=y[rows])
            y[rows] += shift
            xp.maximum(y[rows], 0, out=y[rows])

        in_chunks(normalise, len(x), 2 * y[0].nbytes, xp)
        self.keep(train, x, winner, y, t, a, mean, var)
        return y

    def backward(self, dy):
        x, winner, y, t, a, mean, var = self.take()
        xp, norm, (sign, weights, gamma) = array_module(x), self.norm, self.oriented(x.dtype)
        scale, channels = 1 / xp.sqrt(var + norm.eps), a.shape[-1]

        def dt_of(rows):
            """The gradient with respect to the normalised maxima."""
            return dy[rows] * (y[rows] > 0)

        def sums(rows):
            """dbeta, and dgamma for the positive gamma: all other values of a window have no part in y."""
            dt = dt_of(rows).reshape(-1, channels)
            normal = (t[rows].reshape(dt.shape) - mean) * scale
            return xp.stack([column_sums(dt), column_sums(dt * normal)])

        dbeta, dgamma = in_chunks(sums, len(x), 4 * y[0].nbytes, xp)
        norm.grads["beta"] += dbeta
        norm.grads["gamma"] += sign * dgamma
        slope, by_a, shift = input_affine(gamma, mean, scale, (dbeta, dgamma), a.size // channels)

        def da_of(rows):
            da = unpool(dt_of(rows) * slope, winner[rows], a[rows].shape, self.window)
            da += a[rows] * by_a
            da += shift
            return da

        dx, dW = self.conv.gradients(x, weights, da_of)
        self.conv.grads["W"] += dW * sign
        return dx
