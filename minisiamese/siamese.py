"""The twins, and the heads that compare two embeddings (Koch et al., section 3.1).

The twins are one network. Their images are rows of one batch, and a pair (a, b) is two row numbers of it, so that
sharing weights needs nothing special and one embedding serves many pairs.

Notation: z (N, D) embeddings, pairs (P, 2) row numbers, s (P,) scores; a larger score means more alike.
"""

import numpy as np

from minisiamese.backend import array_module
from minisiamese.layers import Layer
from minisiamese.threads import in_chunks


class Head(Layer):
    """Base of the heads: scores of pairs from the differences z_a - z_b, a few pairs at a time.

    A head gives ``score(difference)`` and ``gradient(difference, ds)``, the gradients with respect to the difference
    and to the head's parameters. With S the (P, N) matrix that has 1 at (p, a_p) and -1 at (p, b_p), the differences
    are S z, and dz = S^T times the gradient with respect to them.
    """

    def forward(self, z, pairs, train=True):
        xp = array_module(z)
        # -1 would be taken for the last row; on a GPU this goes unchecked, as the host would have to wait for it
        if xp is np and pairs.size and not 0 <= pairs.min() <= pairs.max() < len(z):
            raise IndexError(f"pairs name rows {pairs.min()} to {pairs.max()} of {len(z)} embeddings")
        s = xp.empty(len(pairs), z.dtype)

        def compare(rows):
            s[rows] = self.score(_differences(z, pairs[rows]))

        in_chunks(compare, len(pairs), 2 * z[0].nbytes, xp)
        self.keep(train, z, pairs)
        return s

    def backward(self, ds):
        """dz."""
        z, pairs = self.take()
        xp = array_module(z)

        def gradients(rows):
            ddifference, dparams = self.gradient(_differences(z, pairs[rows]), ds[rows])
            return xp.concatenate([(_incidence(pairs[rows], z).T @ ddifference).ravel(), dparams])

        bytes_of_S = 0 if xp is np else z[:, 0].nbytes  # a row of it
        total = in_chunks(gradients, len(pairs), 3 * z[0].nbytes + bytes_of_S, xp)
        total = xp.zeros(z.size + sum(g.size for g in self.grads.values()), z.dtype) if total is None else total
        start = z.size
        for grad in self.grads.values():
            grad += total[start : start + grad.size]
            start += grad.size
        return total[: z.size].reshape(z.shape)


def _differences(z, pairs):
    """z_a - z_b, (P, D)."""
    return z[pairs[:, 0]] - z[pairs[:, 1]]


def _incidence(pairs, z):
    """The matrix S of some pairs of rows of z: sparse, and on a GPU dense. There zeros cost little, ``add.at`` adds in
    another order each time, and cupyx looks at its sparse matrices from the host."""
    xp, P = array_module(z), len(pairs)
    if xp is np:
        from scipy import sparse  # here, for the programs that train nothing and start the sooner

        signs = np.tile(np.asarray([1, -1], z.dtype), P)
        return sparse.csr_matrix((signs, pairs.ravel(), 2 * np.arange(P + 1)), shape=(P, len(z)))
    S, p = xp.zeros((P, len(z)), z.dtype), xp.arange(P)
    S[p, pairs[:, 0]] = 1
    S[p, pairs[:, 1]] -= 1
    return S


class L1Head(Head):
    """s = b + sum_j alpha_j |z_aj - z_bj|, the paper's head; p = sigmoid(s) is the probability of "same".

    The derivative of |x| at 0 is taken as 0. alpha (D,) starts at -1/sqrt(D), so that the score starts as a distance;
    b (1,) is left out with ``bias=False``, as in the paper's formula.
    """

    def __init__(self, features, alpha=None, bias=True):
        super().__init__()
        self.add_param("alpha", np.full(features, -1 / np.sqrt(features), np.float32) if alpha is None else alpha)
        if bias:
            self.add_param("b", np.zeros(1, np.float32))

    def score(self, difference):
        s = abs(difference) @ self.params["alpha"]
        return s + self.params["b"] if "b" in self.params else s

    def gradient(self, difference, ds):
        xp = array_module(difference)
        dalpha = ds @ abs(difference)
        ddifference = xp.sign(difference) * self.params["alpha"]
        ddifference *= ds[:, None]
        return ddifference, xp.append(dalpha, ds.sum()) if "b" in self.params else dalpha


class DistanceHead(Head):
    """s = -d with d = |z_a - z_b|_2, or d = |z_a - z_b|_2^2 with ``squared=True``: for the losses that take distances.

    The gradient of d at d = 0 is taken as 0, so that a pair of identical embeddings harms nothing.
    """

    def __init__(self, squared=False):
        super().__init__()
        self.squared = squared

    def score(self, difference):
        xp = array_module(difference)
        square = xp.einsum("pd,pd->p", difference, difference)
        return -square if self.squared else -xp.sqrt(square)

    def gradient(self, difference, ds):
        xp = array_module(difference)
        if self.squared:
            slope = -2 * ds
        else:
            d = -self.score(difference)
            slope = -ds / xp.where(d > 0, d, 1)  # where d is 0, so is the difference
        return difference * slope[:, None], xp.empty(0, ds.dtype)


class EuclideanHead(DistanceHead):
    """s = b - w d with d = |z_a - z_b|_2; p = sigmoid(s) is the probability of "same" (source 004).

    w (1,) and b (1,) are learned and start at 1 and 0.
    """

    def __init__(self):
        super().__init__()
        self.add_param("w", np.ones(1, np.float32))
        self.add_param("b", np.zeros(1, np.float32))

    def score(self, difference):
        return self.params["b"] + self.params["w"] * super().score(difference)

    def gradient(self, difference, ds):
        xp = array_module(difference)
        minus_d = super().score(difference)
        ddifference, _ = super().gradient(difference, self.params["w"] * ds)
        return ddifference, xp.stack([ds @ minus_d, ds.sum()])


class Siamese(Layer):
    """A twin network and a head, for images of size x size pixels with values 0..1 and ``channels`` channels, filled by
    the page, or by the ink in its box or by its moments, as ``frame`` says (see ``data.views.Views``)."""

    def __init__(self, twin, head, size, channels=1, frame="page"):
        super().__init__()
        self.twin, self.head, self.size, self.channels, self.frame = twin, head, size, channels, frame

    def children(self):
        return [("twin", self.twin), ("head", self.head)]

    def forward(self, images, train=True):
        """Embeddings z (N, D) of images (N, size, size, channels)."""
        return self.twin.forward(images, train)

    def backward(self, dz):
        return self.twin.backward(dz)
