"""A whole stage taken together: convolution, batch norm, ReLU and max-pooling (Koch et al., section 3.1).

Layer by layer, a step waits for memory: each of the four layers writes all its values, and the next layer reads them
back. Here the values of a few images go through all four while they are in the processor's cache. A quarter of them is
written, and the result of the convolution once in full if batch norm needs it for backward. The gradients come back the
same way.

Notation: a (N, H, W, O) the result of the convolution; t its maxima, or a itself where nothing is pooled; y the output.
"""

from minisiamese.backend import array_module, column_sums
from minisiamese.fast.algorithms import correlate
from minisiamese.fast.layers import affine, input_affine, moments, statistics
from minisiamese.layers import Layer
from minisiamese.memory import empty
from minisiamese.threads import in_chunks


class Block(Layer):
    """y = max-pool(ReLU(a)), a = convolution(x), computed as ReLU(max-pool(a)); ``pool=None`` leaves pooling out.

    max(x, 0) grows with x, so the maximum of ReLUs is the ReLU of the maximum, taken on a quarter of the numbers. The
    gradients are the same, too: a window whose ReLUs tie at 0 lets none through either way. ``names`` are the names
    of convolution and batch norm.
    """

    def __init__(self, conv, pool=None, names=("conv",)):
        super().__init__()
        self.conv, self.pool, self.names = conv, pool, names

    def children(self):
        return [(self.names[0], self.conv)]

    @property
    def window(self):
        """Side of the pooling window; 1 where nothing is pooled."""
        return self.pool.window if self.pool else 1

    def forward(self, x, train=True):
        xp, t, winner = self.pooled(x, train)

        def pool(rows, a):
            xp.maximum(self.maxima(a, winner, rows), 0, out=t[rows])

        self.conv.correlate(x, self.conv.params["W"], pool)
        self.keep(train, x, winner, t)
        return t

    def backward(self, dy):
        x, winner, y = self.take()

        def da_of(rows):
            return self.spread(dy[rows] * (y[rows] > 0), winner, rows, x.shape)

        dx, dW = self.conv.gradients(x, self.conv.params["W"], da_of)
        self.conv.grads["W"] += dW
        return dx

    def pooled(self, x, train):
        """xp, and memory for t and, in training and where there is a pool, for the winner of each window."""
        xp, (N, H, W, O) = array_module(x), self.conv.output_shape(x.shape)
        if not self.pool:
            return xp, empty(xp, (N, H, W, O), x.dtype), None
        t = empty(xp, (N, self.pool.pooled_size(H), self.pool.pooled_size(W), O), x.dtype)
        return xp, t, empty(xp, t.shape, "uint8") if train else None

    def maxima(self, a, winner, rows):
        """t of the images ``rows``; their winners are stored where there is memory for them."""
        if not self.pool:
            return a
        t, won = self.pool.pool(a)
        if winner is not None:
            winner[rows] = won
        return t

    def spread(self, dt, winner, rows, x_shape):
        """The gradient with respect to a of the images ``rows``, from that with respect to t."""
        if not self.pool:
            return dt
        return self.pool.unpool(dt, winner[rows], (len(dt), *self.conv.output_shape(x_shape)[1:]))


class NormBlock(Block):
    """y = max-pool(ReLU(batch norm(a))), a = convolution(x), computed as ReLU(batch norm(max-pool(a))).

    Batch norm is a line, slope a + shift. Where its slope is positive the line grows with a, so the order may change,
    and only the maxima are normalised. A negative gamma is made positive by negating the kernel of its channel: -a,
    normalised, is the negative of a, normalised. (With gamma = 0 all values of a window tie; the largest a then takes
    the gradient, where plain layers give it to the first.) ``relu=False`` leaves the ReLU out.
    """

    def __init__(self, conv, norm, pool=None, relu=True, names=("conv", "norm")):
        super().__init__(conv, pool, names)
        self.norm, self.relu = norm, relu

    def children(self):
        return list(zip(self.names, (self.conv, self.norm), strict=True))

    def oriented(self, dtype):
        """sign (O,), and the kernel and gamma that stand in for W and gamma where gamma is negative."""
        W, gamma = self.conv.params["W"], self.norm.params["gamma"]
        sign = array_module(gamma).where(gamma < 0, -1, 1).astype(dtype)
        return sign, W * sign, gamma * sign

    def normalised(self, t, slope, shift, out):
        """ReLU(slope t + shift) into ``out``."""
        xp = array_module(t)
        xp.multiply(t, slope, out=out)
        out += shift
        if self.relu:
            xp.maximum(out, 0, out=out)

    def forward(self, x, train=True):
        return self.train_forward(x) if train else self.evaluate(x)

    def evaluate(self, x):
        """y by the stored statistics, which are known before: nothing but y is stored."""
        (_, y, _), norm, (sign, weights, gamma) = self.pooled(x, train=False), self.norm, self.oriented(x.dtype)
        line = affine(gamma, norm.params["beta"], norm.buffers["mean"] * sign, norm.buffers["var"], norm.eps)

        def finish(rows, a):
            self.normalised(self.maxima(a, None, rows), *line, out=y[rows])

        self.conv.correlate(x, weights, finish)
        return y

    def train_forward(self, x):
        (xp, t, winner), norm, (sign, weights, gamma) = self.pooled(x, True), self.norm, self.oriented(x.dtype)
        a = empty(xp, self.conv.output_shape(x.shape), x.dtype) if self.pool else t
        # one image's mean, subtracted from all values: see ``moments``; batch norm subtracts it anyway
        how = self.conv.stride, self.conv.padding
        origin = correlate(x[:1], weights, *how, lambda rows, part: part.mean(axis=(0, 1, 2)))

        def pool_and_observe(rows, part):
            part = xp.subtract(part, origin, out=a[rows])
            if self.pool:
                t[rows] = self.maxima(part, winner, rows)
            return moments(part)

        mean, var = statistics(self.conv.correlate(x, weights, pool_and_observe), a.size // a.shape[-1])
        norm.follow((origin + mean) * sign, var)
        line, y = affine(gamma, norm.params["beta"], mean, var, norm.eps), empty(xp, t.shape, t.dtype)
        in_chunks(lambda rows: self.normalised(t[rows], *line, out=y[rows]), len(x), 2 * y[0].nbytes, xp)
        self.keep(True, x, winner, y if self.relu else None, t, a, mean, var)
        return y

    def backward(self, dy):
        x, winner, y, t, a, mean, var = self.take()
        xp, norm, (sign, weights, gamma) = array_module(x), self.norm, self.oriented(x.dtype)
        scale, channels = 1 / xp.sqrt(var + norm.eps), a.shape[-1]

        def dt_of(rows):
            """The gradient with respect to the normalised maxima."""
            return dy[rows] * (y[rows] > 0) if self.relu else dy[rows]

        def sums(rows):
            """sum dt and sum dt t: all other values of a window have no part in y."""
            dt = dt_of(rows).reshape(-1, channels)
            return xp.stack([column_sums(dt), column_sums(dt * t[rows].reshape(dt.shape))])

        dbeta, dt_t = in_chunks(sums, len(x), 4 * t[0].nbytes, xp)
        dgamma = (dt_t - mean * dbeta) * scale  # for the positive gamma
        norm.grads["beta"] += dbeta
        norm.grads["gamma"] += sign * dgamma
        slope, by_a, shift = input_affine(gamma, mean, scale, (dbeta, dgamma), a.size // channels)

        def da_of(rows):
            da = self.spread(dt_of(rows) * slope, winner, rows, x.shape)
            da += a[rows] * by_a
            da += shift
            return da

        dx, dW = self.conv.gradients(x, weights, da_of)
        self.conv.grads["W"] += dW * sign
        return dx
