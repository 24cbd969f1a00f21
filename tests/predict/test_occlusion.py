"""Occlusion maps say how far a score falls where a square of the image is blank."""

import numpy as np
import pytest

from minisiamese.predict.occlusion import occlusion_map

RNG = np.random.default_rng(0)
IMAGE, WEIGHTS = RNG.normal(size=(2, 5, 7, 2))


def weighted(images):
    """A score to which each pixel adds its own share."""
    return (images * WEIGHTS.astype(images.dtype)).sum(axis=(1, 2, 3))


@pytest.mark.parametrize("window, stride, blank", [(1, 1, 0), (2, 1, 0), (3, 2, 0), (5, 1, 0.5), (2, 3, -1), (4, 3, 0)])
def test_each_number_is_what_the_pixels_of_its_square_add(window, stride, blank):
    found = occlusion_map(weighted, IMAGE, window, stride, blank)
    assert found.shape == ((5 - window) // stride + 1, (7 - window) // stride + 1)
    shares = ((IMAGE - blank) * WEIGHTS).sum(axis=2)
    for i, j in np.ndindex(found.shape):
        square = shares[i * stride : i * stride + window, j * stride : j * stride + window]
        assert found[i, j] == pytest.approx(square.sum())


def test_stride_1_and_0_for_blank_are_what_is_left_out():
    np.testing.assert_array_equal(occlusion_map(weighted, IMAGE, 2), occlusion_map(weighted, IMAGE, 2, 1, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_score_is_asked_about_images_of_the_images_type_and_the_image_stays(dtype):
    asked, image = [], (100 + 10 * IMAGE).astype(dtype)
    before = image.copy()

    def score(images):
        asked.append((images.dtype, images.shape[1:]))
        total = images.sum(axis=(1, 2, 3), dtype="float32")
        images[...] = 0  # of a score that uses up what it is given
        return total

    found = occlusion_map(score, image, 2, 2, 1)
    np.testing.assert_array_equal(image, before)
    assert found.dtype == "float32" and found.min() > 0
    assert set(asked) == {(image.dtype, (5, 7, 2))}


@pytest.mark.parametrize("window", [0, -1, 6, 7, 8])
@pytest.mark.parametrize("shape", [(5, 7, 2), (7, 5, 2)])
def test_a_square_that_does_not_fit_is_an_error(shape, window):
    with pytest.raises(ValueError, match=f"does not fit an image of {shape[0]} x {shape[1]}"):
        occlusion_map(lambda images: images.sum(axis=(1, 2, 3)), np.ones(shape), window)
