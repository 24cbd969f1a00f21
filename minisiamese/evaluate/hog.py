"""Histograms of oriented gradients (Dalal & Triggs 2005): the features of report 001's baselines that learn nothing.

Notation: M images, H W height and width, C channels, F features.
"""

import numpy as np

from minisiamese.data.views import Views
from minisiamese.errors import BadInput

# All four were chosen on background alphabets.
SIDE = 48  # pixels of the side that every image is brought to
CELL, BLOCK, ORIENTATIONS = 8, 2, 9  # pixels of a cell's side, cells of a block's side, bins from 0 to 180 degrees
BATCH = 250  # images brought to that size at a time


def features(images, frame="page"):
    """Features (M, F) float32 of images (M, H, W, C) uint8: 900 numbers each, whatever the images' size and colours.

    ``frame`` says whether the page or the ink is described (``data.views.Views``).

    A cell's histogram sums the sizes of its pixels' gradients by their direction, where a pixel's gradient is its
    largest over the channels. A block's four histograms make a vector v, which becomes v / sqrt(|v|^2 + eps^2), then
    clipped at 0.2 and brought to length 1 again (L2-Hys); blocks overlap. A blank image is all zeros. BadInput if
    scikit-image is not there.
    """
    try:
        from skimage.feature import hog
    except ImportError:
        raise BadInput("HOG features need scikit-image: pip install -e '.[studies]'") from None
    views, described = Views(images, SIDE, frame=frame), []
    cells = {"pixels_per_cell": (CELL, CELL), "cells_per_block": (BLOCK, BLOCK), "orientations": ORIENTATIONS}
    for start in range(0, len(images), BATCH):
        rows = np.arange(start, min(start + BATCH, len(images)))
        shown = np.rint(255 * views(rows))  # whole numbers: v / |v| would enlarge a flat picture's rounding
        described += [hog(view, channel_axis=-1, **cells) for view in shown]
    return np.asarray(described, np.float32)
