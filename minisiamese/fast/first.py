"""The first stage of a network, from the patches of its images (Koch et al., section 3.1; Ioffe & Szegedy 2015).

A first convolution makes 64 numbers of the few in a patch, and as ``block.py`` takes it, the stage waits for their
memory. But a convolution is linear in its patches, so what batch norm and backward ask of all values a = w . p of a
channel (p a patch, w its kernel) they can ask of the patches. With m and S the mean and the covariance matrix of the
patches,

    mean(a) = m . w,      var(a) = mean((w . (p - m))^2) = w^T S w,

9 and 9 x 9 numbers for a 3 x 3 kernel on grey images. They are known before a single value is, so each few images go
through convolution, pooling, batch norm and ReLU at once, and no value before them is kept.

Backward. Let dt be the gradient with respect to the normalised maxima, n = (a - mean) / sigma the normalised values,
and dbeta = sum dt, dgamma = sum dt n. Over all values of a channel, ``layers.BatchNorm`` gives, with their number M,

    da = gamma / sigma (dt - dbeta / M - n dgamma / M),       dW = sum p da,

with dt = 0 where a value is not its window's maximum. What is linear in a comes back as a moment:
sum n = 0 and sum (p - m) n = M S w / sigma. So with G = sum (p - m) dt, which looks at the maxima alone,

    dgamma = G . w / sigma,      dW = gamma / sigma (G - S w dgamma / sigma).

No value before pooling is needed. All this asks that nobody wants the gradient with respect to the images.

A pooling window of w x w values comes from K + (w - 1) S pixels squared, here called a window's patch: 16 numbers hold
the 4 patches of 9. So the values of a window are w * w products of small matrices, with the kernel at each of its
places.

Notation: N images, H W height and width of the convolution's result, C channels in, O out; K kernel, S stride, w
pooling window; p (K * K * C) a patch; L = K + (w - 1) S the side of a window's patch; M = N H W.
"""

from functools import reduce

from minisiamese.backend import array_module, column_sums
from minisiamese.convolution import im2col, pad
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.layers import affine
from minisiamese.memory import empty
from minisiamese.pooling import MaxPool2D, largest
from minisiamese.threads import in_chunks

LARGEST_PATCH = 64  # numbers of a window's patch up to which its products take little


class Patches:
    """The windows of some images, less ``origin`` (C,), a rough mean of the pixels: see ``fast.layers.moments``."""

    def __init__(self, conv, window, x, origin):
        conv.check(x)
        self.xp, self.x, self.origin = array_module(x), x, origin
        self.K, self.S, self.P, self.w = len(conv.params["W"]), conv.stride, conv.padding, window
        self.N, self.H, self.W, self.O = conv.output_shape(x.shape)
        if min(self.H, self.W) < window:
            raise ValueError(f"a pooling window of {window} does not fit images of {(self.N, self.H, self.W, self.O)}")
        self.L, self.C = _patch_side(conv, window), x.shape[-1]
        self.pooled = self.N, self.H // window, self.W // window, self.O
        values = self.pooled[1] * self.pooled[2] * (self.L**2 * self.C + (window**2 + 3) * self.O)
        self.image_bytes = values * x.itemsize

    def image(self, rows):
        return pad(self.x[rows], self.P) - self.origin

    def windows(self, rows):
        """(n * H//w * W//w, L * L * C)."""
        return im2col(self.image(rows), self.L, self.w * self.S)

    def places(self):
        """Where in a window's patch, (L, L, C), the patches of its values are, in the order of ``winner``."""
        starts = range(0, self.w * self.S, self.S)
        return [(slice(i, i + self.K), slice(j, j + self.K)) for i in starts for j in starts]

    def kernels(self, weights):
        """The kernel at each place, blank around it: (w * w, L * L * C, O)."""
        kernels = self.xp.zeros((self.w**2, self.L, self.L, self.C, self.O), weights.dtype)
        for kernel, place in zip(kernels, self.places(), strict=True):
            kernel[place] = weights
        return kernels.reshape(self.w**2, -1, self.O)

    def gradient(self, winner, dt_of):
        """sum p dt (K, K, C, O) and sum dt (O,), for the gradient ``dt_of(rows)`` with respect to maxima."""

        def sums(rows):
            windows, dt = self.windows(rows), dt_of(rows).reshape(-1, self.O)
            won, total = winner[rows].reshape(dt.shape), 0
            for k, place in enumerate(self.places()):
                total += (windows.T @ (dt * (won == k))).reshape(self.L, self.L, self.C, self.O)[place]
            return self.xp.concatenate([total.reshape(-1, self.O), column_sums(dt)[None]])

        total = in_chunks(sums, self.N, self.image_bytes, self.xp)
        return total[:-1].reshape(self.K, self.K, self.C, self.O), total[-1]

    def moments(self):
        """Mean m (K * K * C,) and covariance S (K * K * C, K * K * C) of all patches."""
        K, C, size = self.K, self.C, self.K**2 * self.C
        bottom, right = (extent // self.w * self.w * self.S for extent in (self.H, self.W))

        def sums(rows):
            """S, with m as one more row, not yet divided by the number of patches."""
            image, total = self.image(rows), 0
            windows = im2col(image, self.L, self.w * self.S)
            both = (windows.T @ windows).reshape(self.L, self.L, C, self.L, self.L, C)
            one = column_sums(windows).reshape(self.L, self.L, C)
            for i, j in self.places():
                total += self.xp.concatenate([both[i, j, :, i, j].reshape(size, size), one[i, j].reshape(1, size)])
            # what pooling drops at the edge
            for rest, outputs in (
                (image[:, bottom:], self.H % self.w),
                (image[:, : bottom - self.S + K, right:], self.W % self.w),
            ):
                if outputs:
                    patches = im2col(rest, K, self.S)
                    total += self.xp.concatenate([patches.T @ patches, column_sums(patches)[None]])
            return total

        total = in_chunks(sums, self.N, self.image_bytes, self.xp) / self.x.dtype.type(self.N * self.H * self.W)
        return total[-1], total[:-1] - total[-1:].T * total[-1]


def _patch_side(conv, window):
    return len(conv.params["W"]) + (window - 1) * conv.stride


def multiplications_of(block, x_shape):
    """Multiplications of one image, forward or backward."""
    (_, H, W, O), window = block.conv.output_shape(x_shape), block.window
    return (H // window) * (W // window) * window**2 * _patch_side(block.conv, window) ** 2 * x_shape[3] * O


def first(block):
    """``block`` as a network's first stage, in place; its backward then returns None."""
    block.conv.input_gradient = False
    patch = _patch_side(block.conv, block.window) ** 2 * block.conv.params["W"].shape[2]
    if patch <= LARGEST_PATCH and type(block.pool) in (MaxPool2D, type(None)):
        block.__class__ = FirstNormBlock if isinstance(block, NormBlock) else FirstBlock


def pool_windows(patches, weights, finish, train):
    """y = finish(max-pool(convolution)), and where it is for training the winner of each window."""
    xp, kernels = patches.xp, patches.kernels(weights)
    y = empty(xp, patches.pooled, weights.dtype)
    winner = empty(xp, y.shape, "uint8") if train else None

    def pool(rows):
        windows, part = patches.windows(rows), y[rows].reshape(-1, patches.O)
        values = [windows @ kernel for kernel in kernels]
        if train:
            t, won = largest(values)
            winner[rows] = won.reshape(y[rows].shape)
        else:
            t = reduce(xp.maximum, values)
        finish(t, out=part)

    in_chunks(pool, patches.N, patches.image_bytes, xp)
    return y, winner


class FirstBlock(Block):
    """A ``Block`` from windows' patches."""

    def forward(self, x, train=True):
        patches = Patches(self.conv, self.window, x, array_module(x).zeros(x.shape[-1], x.dtype))

        def finish(t, out):
            patches.xp.add(t, self.conv.params.get("b", 0), out=out)
            patches.xp.maximum(out, 0, out=out)

        y, winner = pool_windows(patches, self.conv.params["W"], finish, train)
        self.keep(train, patches, y, winner)
        return y

    def backward(self, dy):
        patches, y, winner = self.take()
        dW, db = patches.gradient(winner, lambda rows: dy[rows] * (y[rows] > 0))
        self.conv.grads["W"] += dW
        if "b" in self.conv.params:
            self.conv.grads["b"] += db


class FirstNormBlock(NormBlock):
    """A ``NormBlock`` from windows' patches and the moments of patches."""

    def forward(self, x, train=True):
        xp, norm, (sign, weights, gamma) = array_module(x), self.norm, self.oriented(x.dtype)
        origin = x[0].mean(axis=(0, 1)) if train else xp.zeros(x.shape[-1], x.dtype)
        patches, moments = Patches(self.conv, self.window, x, origin), None
        mean, var = norm.buffers["mean"] * sign, norm.buffers["var"]
        if train:
            flat = weights.reshape(-1, len(gamma))
            m, S = moments = patches.moments()
            mean, var = m @ flat, xp.maximum((flat * (S @ flat)).sum(axis=0), 0)  # a rounding may be negative
            norm.follow((mean + origin @ weights.sum(axis=(0, 1))) * sign, var)
        line = affine(gamma, norm.params["beta"], mean, var, norm.eps)
        y, winner = pool_windows(patches, weights, lambda t, out: self.normalised(t, *line, out=out), train)
        self.keep(train, patches, y, winner, moments, var)
        return y

    def backward(self, dy):
        patches, y, winner, (m, S), var = self.take()
        norm, (sign, weights, gamma) = self.norm, self.oriented(y.dtype)
        G, dbeta = patches.gradient(winner, lambda rows: dy[rows] * (y[rows] > 0) if self.relu else dy[rows])
        flat, scale = weights.reshape(-1, len(gamma)), 1 / patches.xp.sqrt(var + norm.eps)
        G = G.reshape(flat.shape) - m[:, None] * dbeta
        dgamma = (G * flat).sum(axis=0) * scale
        norm.grads["beta"] += dbeta
        norm.grads["gamma"] += sign * dgamma
        self.conv.grads["W"] += (sign * gamma * scale * (G - S @ flat * (dgamma * scale))).reshape(weights.shape)
