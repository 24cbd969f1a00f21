"""Convolution, batch norm, max-pooling and ReLU taken together (Koch et al., section 3.1; conv4's four blocks).

Layer by layer, each of the four would write all its values to memory for the next to read them back, and that is what
a step would wait for. Here the values of a few images go through all of them while they are in the processor's cache,
and what is written is a quarter, and once in full what the convolution gives if batch norm needs it for backward. The
gradients come back the same way.

Notation: K the pooling window here; a (N, H, W, O) what the convolution gives; t (N, H//K, W//K, O) the maxima of its
windows; y the output.
"""

from minisiamese.backend import array_module, column_sums, empty, in_chunks
from minisiamese.convolution import correlate
from minisiamese.layers import Layer, affine, input_affine, moments, statistics
from minisiamese.pooling import max_pool, unpool


class Block(Layer):
    """y = ReLU(max-pool(batch norm(convolution(x)))), the same values and gradients as of the layers one after another.

    ``norm=None`` leaves out batch norm, ``window=1`` pooling. Why the order may change:

    - The paper has ReLU before pooling; max(x, 0) grows with x, so the maximum of ReLUs is the ReLU of the maximum,
      and it is taken on a quarter of the numbers.
    - So does slope a + shift, batch norm's line, if its slope is not negative: only the maxima are normalised. A
      negative gamma is made positive by negating the kernel of that channel: normalised, -a is what a is, negated.
      (With gamma = 0 all values of a window tie; here the largest a takes the gradient, and not the first.)
    """

    def __init__(self, conv, norm=None, window=1):
        super().__init__()
        if norm and "b" in conv.params:
            raise ValueError("batch norm would take a bias away again: give the convolution bias=None")
        self.conv, self.norm, self.window = conv, norm, window

    def children(self):
        return [("conv", self.conv)] + ([("norm", self.norm)] if self.norm else [])

    def forward(self, x, train=True):
        xp, K, norm = array_module(x), self.window, self.norm
        N, H, W, O = shape = self.conv.output_shape(x.shape)
        t = empty(xp, (N, H // K, W // K, O), x.dtype)
        winner = empty(xp, t.shape, "uint8")
        if norm is None:

            def pool(rows, a):
                t[rows], winner[rows] = max_pool(a, K)
                xp.maximum(t[rows], 0, out=t[rows])

            self.conv.correlate(x, self.conv.params["W"], pool)
            self.keep(train, x, winner, t)
            return t

        # sign (O,), and the kernel and gamma that stand in for W and gamma where gamma is negative
        sign = xp.where(norm.params["gamma"] < 0, -1, 1).astype(x.dtype)
        weights, gamma = self.conv.params["W"] * sign, norm.params["gamma"] * sign
        a, origin = None, 0
        mean, var = norm.buffers["mean"] * sign, norm.buffers["var"]
        if train:
            a = empty(xp, shape, x.dtype)
            # one image's mean, taken away from all values, which batch norm cannot tell: it would drown the variance
            how = self.conv.stride, self.conv.padding
            origin = correlate(x[:1], weights, *how, lambda rows, part: part.mean(axis=(0, 1, 2)))

        def pool_and_observe(rows, part):
            if train:
                part = xp.subtract(part, origin, out=a[rows])
            t[rows], winner[rows] = max_pool(part, K)
            return moments(part) if train else None

        sums = self.conv.correlate(x, weights, pool_and_observe)
        if train:
            mean, var = statistics(sums, a.size // O)
            norm.follow((origin + mean) * sign, var)
        slope, shift = affine(gamma, norm.params["beta"], mean, var, norm.eps)
        y = empty(xp, t.shape, t.dtype)

        def normalise(rows):
            xp.multiply(t[rows], slope, out=y[rows])
            y[rows] += shift
            xp.maximum(y[rows], 0, out=y[rows])

        in_chunks(normalise, N, 2 * y[0].nbytes, xp)
        self.keep(train, x, winner, y, t, a, mean, var, sign)
        return y

    def backward(self, dy):
        x, winner, y, *normalised = self.take()
        xp, K, norm = array_module(x), self.window, self.norm
        shape = self.conv.output_shape(x.shape)

        def dt_of(rows):
            """The gradient at the maxima, before any slope."""
            return dy[rows] * (y[rows] > 0)

        if norm is None:
            dx, dW = self.conv.gradients(
                x, self.conv.params["W"], lambda rows: unpool(dt_of(rows), winner[rows], shape, K)
            )
            self.conv.grads["W"] += dW
            return dx

        t, a, mean, var, sign = normalised
        weights, gamma = self.conv.params["W"] * sign, norm.params["gamma"] * sign
        scale = 1 / xp.sqrt(var + norm.eps)

        def sums(rows):
            """dbeta, and dgamma for the positive gamma: all other values of a window have no part in y."""
            dt = dt_of(rows).reshape(-1, shape[-1])
            normal = (t[rows].reshape(dt.shape) - mean) * scale
            return xp.stack([column_sums(dt), column_sums(dt * normal)])

        dbeta, dgamma = in_chunks(sums, len(x), 4 * y[0].nbytes, xp)
        norm.grads["beta"] += dbeta
        norm.grads["gamma"] += sign * dgamma
        slope, by_a, shift = input_affine(gamma, mean, scale, dbeta, dgamma, a.size // shape[-1])

        def da_of(rows):
            da = unpool(dt_of(rows) * slope, winner[rows], shape, K)
            da += a[rows] * by_a
            da += shift
            return da

        dx, dW = self.conv.gradients(x, weights, da_of)
        self.conv.grads["W"] += dW * sign
        return dx
