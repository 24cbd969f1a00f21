"""Which places of an image speak for its score: how far the score falls where they are blank (Zeiler & Fergus 2014)."""

import numpy as np


def occlusion_map(score, image, window, stride=1, blank=0):
    """What each square of K x K pixels adds to an image's score: m[i, j] = score of the image as it is, minus its score
    where the square from (i S, j S) on is blank. It is positive where the square speaks for the score.

    image (H, W, C), K = window, S = stride; returns m (Ho, Wo) with Ho = (H - K) // S + 1 and Wo alike, of the type of
    the scores. ``score`` takes images (M, H, W, C) of the image's type and returns their scores (M,), each image's by
    itself: it is asked several times, for as many images as fit a line of m. ValueError if K does not fit the image.
    """
    H, W, _ = image.shape
    if not 1 <= window <= min(H, W):
        raise ValueError(f"a square of {window} x {window} pixels does not fit an image of {H} x {W}")
    whole, columns = score(image[None].copy()), range(0, W - window + 1, stride)
    lines = []
    for i in range(0, H - window + 1, stride):
        images = np.repeat(image[None], len(columns), axis=0)
        for m, j in enumerate(columns):
            images[m, i : i + window, j : j + window] = blank
        lines.append(whole - score(images))
    return np.stack(lines)
