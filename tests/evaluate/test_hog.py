"""HOG features: they are of the shape they say, see direction and colour, and ask for scikit-image."""

import sys

import numpy as np
import pytest

from minisiamese.errors import BadInput
from minisiamese.evaluate import hog

BINS = hog.ORIENTATIONS


@pytest.fixture
def features():
    pytest.importorskip("skimage")
    return hog.features


def stripes(axis, channels=1):
    """Stripes 8 pixels wide, across the picture (axis 0) or down (1), as (1, 64, 64, C) uint8."""
    line = np.where(np.arange(64) // 8 % 2, 200, 50).astype(np.uint8)
    return np.broadcast_to(np.expand_dims(line, (0, 2 - axis, 3)), (1, 64, 64, channels)).copy()


def test_images_of_any_size_and_colour_give_as_many_features(features, rng):
    for shape in ((3, 105, 105, 1), (2, 30, 47, 3), (1, 48, 48, 1)):
        described = features(rng.integers(0, 256, shape, dtype=np.uint8))
        assert described.shape == (shape[0], 900) and described.dtype == np.float32
        assert np.all(described >= 0) and np.all(described.any(axis=1))


def test_every_block_has_length_one_and_a_blank_page_nothing(features, rng):
    blocks = features(rng.integers(0, 256, (2, 48, 48, 1), dtype=np.uint8)).reshape(-1, 4 * BINS)
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=1), 1, atol=1e-3)
    assert not features(np.zeros((1, 48, 48, 1), np.uint8)).any()


def test_the_direction_of_a_gradient_chooses_the_bin(features):
    totals = [features(stripes(axis)).reshape(-1, BINS).sum(axis=0) for axis in (0, 1)]
    down, across = (total.argmax() for total in totals)
    assert abs(int(down) - int(across)) in (BINS // 2, BINS - BINS // 2)  # at right angles
    assert all(total.max() > 0.99 * total.sum() for total in totals)


def test_an_edge_between_colours_of_one_brightness_is_seen(features):
    image = np.zeros((1, 48, 48, 3), np.uint8)
    image[:, :, :20, 0] = image[:, :, 20:, 1] = 200
    assert features(image).any()
    assert not features(image.sum(axis=3, keepdims=True).astype(np.uint8)).any()


def test_each_image_is_described_by_itself(features, rng, monkeypatch):
    images = rng.integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)
    monkeypatch.setattr(hog, "BATCH", 2)
    np.testing.assert_array_equal(features(images), np.concatenate([features(images[m : m + 1]) for m in range(5)]))


def test_without_scikit_image_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(BadInput, match=r"scikit-image: pip install -e '\.\[studies\]'"):
        hog.features(np.zeros((1, 48, 48, 1), np.uint8))


def test_of_the_ink_a_drawing_is_the_same_wherever_it_stands(features):
    images = np.zeros((2, 96, 96, 1), np.uint8)
    for image, (y, x) in zip(images, ((10, 8), (40, 44)), strict=True):
        image[y : y + 40, x : x + 6] = image[y : y + 6, x : x + 40] = 255
    first, second = features(images, "ink")
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert abs(np.subtract(*features(images))).max() > 0.1
