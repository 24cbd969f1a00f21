"""Chimeras: new characters, each of one half of a character and the other half of another one of the same alphabet.

Both halves of a drawing are by the same hand, so a chimera has the strokes and the unsteadiness of real handwriting.
A few alphabets make as many new ones as are wanted. (Classifiers are trained on images cut from two, as in CutMix of
Yun et al. 2019, where the label is mixed, too; here the mixture is a class of its own.)
"""

import numpy as np

from minisiamese.data.dataset import Dataset
from minisiamese.errors import BadInput

CHARACTERS = 28  # of an alphabet of chimeras, but for those that a hand left without ink
LEAST = 40  # pixels of ink of a drawing
TURN, PLACE = 0.15, 4  # standard deviations of the cut's direction, in radians, and of its place, in pixels


def chimeras(dataset, alphabets, drawers, rng):
    """So many alphabets of chimeras as a ``Dataset``, each of one alphabet of ``dataset`` and drawn by so many drawers,
    if there are as many. BadInput if the data set's alphabets have too few characters or drawers for it.

    The cut, a line near the middle of the ink, is much like a column or a row, and the same for all drawings of a
    character.
    """
    drawers = min(drawers, len(np.unique(dataset.drawers)))
    middles, side = _middles(dataset.images), dataset.images.shape[1]
    y, x = np.mgrid[:side, :side] - side // 2
    large = [group for group in dataset.classes_of_group if len(group) > 1]
    images, labels, groups = [], [], []
    for group in range(alphabets if large else 0):
        classes = large[rng.integers(len(large))]
        for _ in range(CHARACTERS):
            first, second = rng.choice(classes, 2, replace=False)
            angle = rng.integers(4) * np.pi / 2 + rng.normal(0, TURN)
            half = (x * np.cos(angle) + y * np.sin(angle) < rng.normal(0, PLACE))[:, :, None]
            drawn = []
            for a, b in rng.permutation(_by_one_hand(dataset, first, second))[:drawers]:
                one, other = (np.roll(dataset.images[row], side // 2 - middles[row], (0, 1)) for row in (a, b))
                drawn.append(np.where(half, one, other))
            if len(drawn) == drawers and min(np.count_nonzero(each) for each in drawn) >= LEAST:
                labels += [labels[-1] + 1 if labels else 0] * drawers
                groups += [group] * drawers
                images += drawn
    if not images:
        raise BadInput("--mix chimeras takes alphabets of two characters or more that the same people drew")
    names = tuple(f"chimeras{number + 1:02d}" for number in range(alphabets))
    drawn_by = np.tile(np.arange(1, drawers + 1), len(images) // drawers)
    return Dataset(np.stack(images), np.array(labels), np.array(groups), drawn_by, names)


def _middles(images):
    """The middle (M, 2) of the box around each drawing's ink, in whole pixels (y, x)."""
    ink, middles = images.max(axis=3) > 127, []
    for axis in (2, 1):  # the rows that hold ink give y, the columns x
        line = ink.any(axis=axis)
        middles.append((line.argmax(axis=1) + line.shape[1] - line[:, ::-1].argmax(axis=1)) // 2)
    return np.stack(middles, axis=1)


def _by_one_hand(dataset, first, second):
    """Rows (K, 2) of drawings of two classes by the same drawer each."""
    rows = [dataset.rows_of_class[label] for label in (first, second)]
    _, a, b = np.intersect1d(*(dataset.drawers[each] for each in rows), return_indices=True)
    return np.stack([rows[0][a], rows[1][b]], axis=1)
