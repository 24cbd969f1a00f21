"""Views and the paper's distortion, against SciPy and against what must hold."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from minisiamese.backend import to_host
from minisiamese.data.affine import (
    CROP,
    ROTATION,
    TRANSLATION,
    draw_distortions,
    draw_flips_and_crops,
    draw_photographic,
    identity,
)
from minisiamese.data.views import FRAMES, INK, Views, sample


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (3, 105, 105, 1)).astype(np.uint8)


def test_identity_at_full_size_is_the_picture(images, device):
    views = Views(images, 105, device)
    assert views.images.dtype == np.uint8 and isinstance(views.images, np.ndarray) == (
        device == "cpu"
    )  # there as bytes
    np.testing.assert_allclose(to_host(views(np.arange(3))), images / 255, atol=1e-4)


def test_identity_at_a_third_is_the_mean_of_blocks(images, device):
    blocks = images.reshape(3, 35, 3, 35, 3, 1).mean(axis=(2, 4)) / 255
    view = Views(images, 35, device)(np.array([2, 0, 1]))
    assert view.dtype == np.float32
    np.testing.assert_allclose(to_host(view), blocks[[2, 0, 1]], atol=2 / 255)  # the box filter rounds down twice


def test_sample_agrees_with_scipy(images, rng, put):
    size, matrices = 105, draw_distortions(rng, 3)
    views = to_host(sample(put(images), put(matrices.astype(np.float32)), size))
    for image, (linear_x, linear_y), view in zip(images, matrices, views, strict=True):
        # from (x, y) in -1..1 to SciPy's (row, column) in pixels
        matrix = np.array([[linear_y[1], linear_y[0]], [linear_x[1], linear_x[0]]])
        centre = (size - 1) / 2
        offset = centre - matrix @ [centre, centre] + np.array([linear_y[2], linear_x[2]]) * size / 2
        expected = affine_transform(image[:, :, 0] / 255, matrix, offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(view[:, :, 0], expected, atol=2e-3)


def test_outside_is_blank(put):
    full = put(np.full((1, 20, 20, 2), 255, np.uint8))
    away = identity(1)
    away[:, 0, 2] = 1  # half a picture to the left
    view = to_host(sample(full, put(away.astype(np.float32)), 20))
    assert np.all(view[0, :, :10] == 1) and np.all(view[0, :, 10:] == 0)
    away[:, 0, 2] = 50
    assert not to_host(sample(full, put(away.astype(np.float32)), 20)).any()


def test_ink_is_centred_and_brought_to_one_size(device):
    images = np.zeros((4, 100, 100, 1), np.uint8)
    images[0, 5:25, 60:100] = 255  # 20 high, 40 wide
    images[1, 40:80, 7:27] = 255
    images[2, 10:15, 10:15] = 255
    views = to_host(Views(images, 50, device, frame="ink")(np.arange(4)))[..., 0]
    for view, shape in zip(views, ((0.5, 1), (1, 0.5), (1, 1)), strict=False):
        box = [np.flatnonzero(view.max(axis=axis) > 0.5)[[0, -1]] for axis in (1, 0)]
        for (first, last), share in zip(box, shape, strict=True):
            assert abs((first + last + 1) / 2 - 25) <= 1 and abs(last + 1 - first - share * INK * 50) <= 2
    assert not views[3].any()  # a blank page


def test_moments_bring_ink_to_the_middle_and_closer_to_a_square(device):
    """Filled boxes: of a box, the length by its standard deviation is its length."""
    images = np.zeros((4, 100, 100, 1), np.uint8)
    images[0, 5:15, 60:100] = 255  # 10 high, 40 wide
    images[1, 40:80, 7:17] = 255
    images[2, 10:15, 10:15] = 255
    views = to_host(Views(images, 50, device, frame="moments")(np.arange(4)))[..., 0]
    for view, shape in zip(views, ((0.5, 1), (1, 0.5), (1, 1)), strict=False):  # a quarter of the length shows as half
        box = [np.flatnonzero(view.max(axis=axis) > 0.5)[[0, -1]] for axis in (1, 0)]
        for (first, last), share in zip(box, shape, strict=True):
            assert abs((first + last + 1) / 2 - 25) <= 1 and abs(last + 1 - first - share * INK * 50) <= 2
    assert not views[3].any()  # a blank page
    stray = images[:1].copy()
    stray[0, 10, 40:60] = 255  # a stroke that runs on
    moved, boxed = (FRAMES[name](stray) - FRAMES[name](images[:1]) for name in ("moments", "ink"))
    assert np.abs(moved).max() < np.abs(boxed).max() / 2


def test_distortions_turn_about_the_inks_middle():
    """A cross in a corner, turned by a quarter, is the same view."""
    images = np.zeros((1, 105, 105, 1), np.uint8)
    images[0, 70:91, 80] = images[0, 80, 70:91] = 255
    quarter = np.array([[[0.0, -1, 0], [1, 0, 0]]])
    views = Views(images, 35, frame="ink")
    np.testing.assert_allclose(views(np.array([0]), quarter), views(np.array([0])), atol=1e-3)
    half = identity(1)
    half[:, 0, 2] = 1  # half a view, not half a page
    moved, still = views(np.array([0]), half)[0, :, :17], views(np.array([0]))[0, :, 18:]
    np.testing.assert_allclose(moved[:, :16], (still[:, :16] + still[:, 1:]) / 2, atol=0.2)


def test_enlarging_and_colour(rng):
    images = rng.integers(0, 256, (2, 28, 20, 3)).astype(np.uint8)
    assert Views(images, 35)(np.arange(2)).shape == (2, 35, 35, 3)


def test_distortions_stay_in_the_papers_ranges(rng):
    matrices = draw_distortions(rng, 20_000)
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    assert np.abs(shift).max() <= TRANSLATION == 4 / 105
    for axis in range(2):  # a translation in x or y takes part half of the time
        assert np.mean(shift[:, axis] == 0) == pytest.approx(0.5, abs=0.02)
    nothing_but_rotation = np.all(np.isclose(linear @ linear.transpose(0, 2, 1), np.eye(2)), axis=(1, 2))
    assert nothing_but_rotation.mean() == pytest.approx(1 / 16, abs=0.01)  # no shear, no scale
    assert np.all(matrices == identity(1), axis=(1, 2)).mean() == pytest.approx(1 / 128, abs=0.004)
    angles = np.arctan2(linear[nothing_but_rotation, 1, 0], linear[nothing_but_rotation, 0, 0])
    assert 0.9 * ROTATION < np.abs(angles).max() <= ROTATION + 1e-12
    scales = 1 / np.linalg.det(linear[np.isclose(linear[:, 0, 1], 0) & np.isclose(linear[:, 1, 0], 0)])
    assert 0.64 < scales.min() < 0.75 and 1.35 < scales.max() < 1.44


def test_distortions_come_from_the_generator():
    draws = [draw_distortions(np.random.default_rng(3), 5) for _ in range(2)]
    assert np.array_equal(*draws)


def test_flips_and_crops_are_those_of_a_picture_with_a_blank_border(rng, device):
    """Every flip and shift of a picture in colour, bit by bit."""
    image = rng.integers(1, 256, (32, 32, 3)).astype(np.uint8)
    views = Views(np.repeat(image[None], 2000, axis=0), 32, device)
    views = to_host(views(np.arange(2000), draw_flips_and_crops(rng, 2000, 32)))
    expected = set()
    for flip in (1, -1):
        wide = np.pad(image[:, ::flip], ((4, 4), (4, 4), (0, 0)))
        expected |= {wide[dy : dy + 32, dx : dx + 32].tobytes() for dy in range(9) for dx in range(9)}
    assert {view.tobytes() for view in np.round(255 * views).astype(np.uint8)} == expected


def test_photographs_are_mirrored_turned_and_cropped_within_their_edges(rng):
    matrices = draw_photographic(rng, 20_000)
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    determinant = np.linalg.det(linear)
    side = np.sqrt(np.abs(determinant))
    assert np.mean(determinant < 0) == pytest.approx(0.5, abs=0.02)  # mirrored
    np.testing.assert_allclose(linear @ linear.transpose(0, 2, 1), np.eye(2) * (side**2)[:, None, None], atol=1e-12)
    assert CROP[0] <= side.min() < 0.81 and 0.99 < side.max() <= CROP[1]
    angle = np.arctan2(-linear[:, 0, 1], linear[:, 1, 1])
    assert 0.99 * ROTATION < angle.max() <= ROTATION + 1e-12 and -ROTATION - 1e-12 <= angle.min() < -0.99 * ROTATION
    room = np.abs(shift).max(axis=1) / (1 - side)
    assert 0.99 < room.max() <= 1 and np.abs(shift.mean()) < 0.01
