"""The paper's head where most pairs of a batch are compared, as the N-way loss does (Koch et al., section 3.1).

The gradient with respect to z_a of s_ab = b + sum_j alpha_j |z_aj - z_bj| is alpha times the signs of z_a - z_b. With
D (N, N) symmetric, D_ab the gradient with respect to the score of the pair (a, b) and 0 where it is not compared,

    r_a = sum_b D_ab sign(z_a - z_b),      dz_a = alpha r_a,      dalpha = sum_a z_a r_a,

the last since |x| = x sign(x), and each pair is once in r_a and once, with the other sign, in r_b. So backward is a row
of D times a matrix of signs for each a: no pair is gathered, and nothing is scattered back to its two rows.

Notation: z (N, D) embeddings, pairs (P, 2) row numbers, s (P,) scores.
"""

import numpy as np

from minisiamese.backend import array_module
from minisiamese.siamese import L1Head
from minisiamese.threads import in_chunks

MOST = 4  # squared rows per pair up to which going through all pairs takes less time than gathering some


class FastL1Head(L1Head):
    """An ``L1Head`` with this backward for batches that compare most of their pairs, on NumPy."""

    def backward(self, ds):
        z, pairs = self.take()
        if array_module(z) is not np or len(z) ** 2 > MOST * len(pairs):
            self.keep(True, z, pairs)
            return super().backward(ds)
        D = np.zeros((len(z), len(z)), z.dtype)
        np.add.at(D, tuple(pairs.T), ds)
        D += D.T
        r = np.empty_like(z)

        def add(rows):
            z_a = z[rows, None]
            # the difference of two comparisons, as ``sign`` goes number by number
            signs = (z_a > z).view(np.int8) - (z_a < z).view(np.int8)
            r[rows] = (D[rows, None] @ signs.astype(z.dtype))[:, 0]

        in_chunks(add, len(z), z.nbytes)
        self.grads["alpha"] += (z * r).sum(axis=0)
        if "b" in self.grads:
            self.grads["b"] += ds.sum()
        return r * self.params["alpha"]
