"""Smooth random warps of drawings, beside the paper's affine maps (after Simard, Steinkraus & Platt 2003).

A warp moves every point (x, y) of a view, whose sides run from -1 to 1, by sum_k a_k c_k(x, y). The waves
c_k(x, y) = cos(i pi (x + 1) / 2) cos(j pi (y + 1) / 2) are those of the cosine transform, with i, j = 0 .. ``ORDER``
but for i = j = 0; the a_k (two numbers each, one for either axis) are normal, and fall as 1 / (i^2 + j^2): long waves
bend the strokes, short ones would break them. The a_k are further columns of an affine map's matrix, which then acts on
(x, y, 1, c_1, ..., c_K).
"""

from functools import cache

import numpy as np

ORDER = 4
WAVES = [(i, j) for i in range(ORDER + 1) for j in range(ORDER + 1) if i + j]
FALL = np.array([1 / (i * i + j * j) for i, j in WAVES])
# the mean square of c_k over a view is 1/2 for each of i and j that is not 0
FALL /= np.sqrt(sum(fall**2 / 2 ** ((i > 0) + (j > 0)) for fall, (i, j) in zip(FALL, WAVES, strict=True)))


def draw_warps(rng, count, strength):
    """count warps (count, 2, K), the columns a_k of each.

    ``strength`` is the root mean square, over views and warps, of how far a point moves along an axis, in units of half
    a view.
    """
    return strength * FALL * rng.normal(size=(count, 2, len(WAVES)))


def warped(matrices, warps):
    """The maps that bend a picture by ``warps`` (N, 2, K) and then take ``matrices`` (N, 2, 3): (N, 2, 3 + K)."""
    return np.concatenate([matrices, matrices[:, :, :2] @ warps], axis=2)


@cache
def waves(size):
    """The c_k at the middles of size x size pixels, (K, size * size)."""
    angle = np.pi * (np.arange(size) + 0.5) / size
    lines = np.cos(np.arange(ORDER + 1)[:, None] * angle).astype(np.float32)
    return np.stack([np.outer(lines[j], lines[i]).ravel() for i, j in WAVES])
