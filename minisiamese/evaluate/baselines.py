"""Scorers that learn nothing, to be compared with the network: nearest neighbour and modified Hausdorff distance.

A scorer is a function (images (M, H, W, C) uint8, pairs (P, 2)) -> scores (P,), larger for more alike.
"""

import numpy as np

from minisiamese.threads import in_chunks


def nearest_neighbour(images, pairs):
    """Minus the Euclidean distance of the pixels (Koch et al., section 4.3)."""
    flat = images.reshape(len(images), -1).astype(np.float32) / 255
    square = np.einsum("md,md->m", flat, flat)
    scores = np.empty(len(pairs))
    for start in range(0, len(pairs), 1024):
        a, b = pairs[start : start + 1024].T
        distance = square[a] + square[b] - 2 * np.einsum("pd,pd->p", flat[a], flat[b])
        scores[start : start + 1024] = -np.sqrt(np.maximum(distance, 0))
    return scores


def modified_hausdorff(images, pairs):
    """Minus the modified Hausdorff distance of two drawings' ink, each centred on its mean.

    The distance is the larger of two means, over the points of one drawing, of the distance to the nearest point of
    the other (Dubuisson & Jain 1994); a blank page is one point. Omniglot's own demonstration of Lake's one-shot test.
    """
    from scipy.spatial import cKDTree  # slow to import: only where something is measured

    points = []
    for image in images:
        ink = np.argwhere(image.any(axis=2)).astype(float)
        points.append(ink - ink.mean(axis=0) if len(ink) else np.zeros((1, 2)))
    trees = [cKDTree(p, balanced_tree=False, compact_nodes=False) for p in points]  # faster for points on a grid
    scores = np.empty(len(pairs))

    def compare(rows):
        for p in range(rows.start, rows.stop):
            a, b = pairs[p]
            forth, back = trees[b].query(points[a])[0], trees[a].query(points[b])[0]
            scores[p] = -max(forth.mean(), back.mean())

    in_chunks(compare, len(pairs), 8 * images[0].nbytes)
    return scores


BASELINES = {"nearest_neighbour": nearest_neighbour, "modified_hausdorff": modified_hausdorff}
