"""Pictures that are there twice: the same pixels, or nearly, as a picture that was saved again, smaller, or shifted.

Two pictures are near duplicates if their thumbnails are: of 16 x 16 grey values, less their mean and over their norm,
what a small shift cannot explain is shorter than ``COARSE``. In grey, unless it is shorter than ``SURE``, it must be
a small part, ``PART``, of the distance to the pictures around, too: among thousands of drawings of few strokes, many
are alike. Where both pictures are large enough, their thumbnails of 32 x 32 must be nearer than ``FINE``. And their
colours, of 4 x 4 patches, must agree: photographs of haze differ in little else.

The radii were found on photographs of CIFAR-10, drawings of Omniglot's background alphabets, and digits of MNIST.
"""

import hashlib

import numpy as np
from PIL import Image

SIDES = (16, 32)  # of the thumbnails in grey
PATCHES = 4  # a side, of the colours
LARGE = 48  # pixels a side that a thumbnail of 32 takes to be more than a blur
AROUND = 0.6  # distance of candidates, as they lie
SURE, COARSE, FINE = 0.1, 0.3, 0.22  # distances of duplicates, after the shift
PART = 0.3  # of the distance to the neighbour that comes after the ``NEIGHBOURS`` nearest
SHIFTS = (1, 0.4)  # at most, of a shift, in values of the two thumbnails
COLOUR = 32  # at most, of 255, between two patches
FLAT = 2  # standard deviation of grey values, of 255, of a picture that shows nothing
NEIGHBOURS = 16  # candidates for a picture at most, which bounds memory
TOGETHER = 256  # pictures that are compared with all others at once


def digest(picture):
    """A hash of a picture's pixels: pictures of equal ones are equal."""
    return hashlib.sha256(repr((picture.mode, picture.size)).encode() + picture.tobytes()).digest()


def thumbnails(picture):
    """What ``near_pairs`` compares of a picture: (16 x 16 + 32 x 32 + 4 x 4 x 3,) uint8."""
    grey, colour = picture.convert("L"), picture.convert("RGB")
    small = [grey.resize((side, side), Image.Resampling.BICUBIC) for side in SIDES]
    return np.concatenate([np.asarray(each).ravel() for each in (*small, colour.resize((PATCHES, PATCHES)))])


def same_pairs(digests):
    """[(i, j)], i < j: each picture that is there again, j, and the first of its kind, i."""
    first, pairs = {}, []
    for row, each in enumerate(digests):
        if first.setdefault(each, row) != row:
            pairs.append((first[each], row))
    return pairs


def near_pairs(small, sizes):
    """[(i, j)], i < j, of near duplicates among M pictures of different pixels.

    ``small`` (M, 1328) uint8 are their ``thumbnails``, ``sizes`` (M,) their smaller sides in pixels. Pictures that show
    nothing have none. Time grows as M², memory as M.
    """
    coarse, fine, colour = np.split(np.asarray(small), np.cumsum([side * side for side in SIDES]), axis=1)
    shown = np.flatnonzero(coarse.std(axis=1) > FLAT)
    unit, large, pairs = _unit(coarse[shown]), np.asarray(sizes)[shown] >= LARGE, []
    coloured = np.ptp(colour[shown].reshape(len(shown), PATCHES**2, 3), axis=2).any(axis=1)
    for start in range(0, len(shown), TOGETHER):
        cosines = unit[start : start + TOGETHER] @ unit.T
        i, j = _candidates(cosines, start)
        alike = abs(colour[shown[i]].astype(int) - colour[shown[j]]).max(axis=1, initial=0) <= COLOUR
        i, j = i[alike], j[alike]
        apart = _apart(unit[i], unit[j], SHIFTS[0])
        i, j, apart = i[apart < COARSE], j[apart < COARSE], apart[apart < COARSE]
        near = coloured[i] | (apart < SURE) | (apart < PART * _reach(cosines, i - start))
        i, j = i[near], j[near]
        both = large[i] & large[j]
        near = ~both
        near[both] = _apart(_unit(fine[shown[i[both]]]), _unit(fine[shown[j[both]]]), SHIFTS[1]) < FINE
        pairs += zip(np.minimum(i, j)[near].tolist(), np.maximum(i, j)[near].tolist(), strict=True)
    return [(int(shown[i]), int(shown[j])) for i, j in sorted(set(pairs))]


def _unit(grey):
    """Rows of grey values, less their mean and over their norm, in float32."""
    grey = grey - grey.mean(axis=1, keepdims=True, dtype=np.float32)
    return grey / np.maximum(np.linalg.norm(grey, axis=1, keepdims=True), 1)


def _candidates(cosines, start):
    """(i, j) of the rows start, start + 1, ... and their nearest neighbours, but themselves, within ``AROUND``."""
    rows = np.arange(len(cosines))
    cosines[rows, start + rows] = -1
    within = cosines > 1 - AROUND**2 / 2
    for row in np.flatnonzero(within.sum(axis=1) > NEIGHBOURS):
        within[row] = False
        within[row, np.argpartition(cosines[row], -NEIGHBOURS)[-NEIGHBOURS:]] = True
    i, j = np.nonzero(within)
    return i + start, j


def _reach(cosines, rows):
    """The distance from each of ``rows`` to the neighbour after its ``NEIGHBOURS`` nearest; inf without one."""
    if cosines.shape[1] <= NEIGHBOURS + 1:
        return np.full(len(rows), np.inf)
    unique, back = np.unique(rows, return_inverse=True)
    beyond = [np.partition(cosines[row], -NEIGHBOURS - 1)[-NEIGHBOURS - 1] for row in unique]
    return np.sqrt(np.maximum(2 - 2 * np.array(beyond, float), 0))[back]


def _apart(a, b, most):
    """The length of what separates thumbnails a from b (P, side²) once b is shifted, by at most ``most``, to be near.

    To first order a shift by (u, v) adds u ∂b/∂y + v ∂b/∂x, and the best (u, v) is a least squares problem.
    """
    side, difference = int(np.sqrt(a.shape[1])), b - a
    slopes = np.stack(np.gradient(((a + b) / 2).reshape(-1, side, side), axis=(1, 2)), axis=-1).reshape(*a.shape, 2)
    gram = np.einsum("pki,pkj->pij", slopes, slopes) + 1e-4 * np.eye(2)
    steps = np.linalg.solve(gram, np.einsum("pki,pk->pi", slopes, difference)[..., None])[..., 0].clip(-most, most)
    return np.linalg.norm(difference - np.einsum("pki,pi->pk", slopes, steps), axis=1)
