"""Smooth random warps: their size, their shape, and how they come together with affine maps and frames."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from minisiamese.data.affine import draw_distortions, identity
from minisiamese.data.views import Views, sample
from minisiamese.data.warps import WAVES, draw_warps, warped, waves


def test_strength_is_how_far_points_move(rng):
    moved = draw_warps(rng, 2000, 0.05) @ waves(20)
    assert moved.shape == (2000, 2, 400)
    assert np.sqrt((moved**2).mean()) == pytest.approx(0.05, rel=0.02)
    assert np.sqrt((moved**2).mean(axis=(0, 2))) == pytest.approx([0.05, 0.05], rel=0.03)


def test_waves_are_cosines_that_a_whole_view_is_half_a_period_of():
    size, column, line = 8, 4, 0
    x, y = (2 * column + 1) / size - 1, (2 * line + 1) / size - 1
    expected = [np.cos(i * np.pi * (x + 1) / 2) * np.cos(j * np.pi * (y + 1) / 2) for i, j in WAVES]
    assert waves(size)[:, line * size + column] == pytest.approx(expected, abs=1e-6)


def test_long_waves_are_the_larger_ones(rng):
    size = dict(zip(WAVES, draw_warps(rng, 4000, 1.0).std(axis=(0, 1)), strict=True))
    assert size[1, 0] / size[2, 0] == pytest.approx(4, rel=0.05)
    assert size[1, 1] / size[3, 1] == pytest.approx(5, rel=0.05)


def test_a_warp_bends_before_an_affine_map(rng):
    """The view's point (x, y), moved by the warp, is taken to the picture's by the affine map."""
    image = np.zeros((1, 30, 30, 1), np.uint8)
    image[0, 8:22, 8:22, 0] = rng.integers(0, 255, (14, 14))
    matrix, warp = draw_distortions(rng, 1), draw_warps(rng, 1, 0.1)
    x = (2 * np.arange(30) + 1) / 30 - 1
    points = np.stack(np.meshgrid(x, x)).reshape(2, -1) + warp[0] @ waves(30)
    places = matrix[0, :, :2] @ points + matrix[0, :, 2:]
    expected = map_coordinates(image[0, :, :, 0].astype(float), (places[::-1] + 1) * 15 - 0.5, order=1)
    seen = sample(image, warped(matrix, warp).astype(np.float32), 30)[0, :, :, 0]
    assert np.abs(255 * seen.ravel() - expected).max() < 0.1


def test_warps_come_within_a_frame(drawings):
    """In a view that the ink fills, the ink is warped: as much of a small drawing as of a large one."""
    maps = warped(identity(1), draw_warps(np.random.default_rng(0), 1, 0.1))
    shrunk = np.zeros_like(drawings.images[:1])
    shrunk[:, 20:72, 30:82] = drawings.images[:1, :104:2, :104:2]
    large, small = (Views(images, 30, frame="ink")(np.arange(1), maps) for images in (drawings.images[:1], shrunk))
    plain = Views(drawings.images[:1], 30, frame="ink")(np.arange(1))
    assert np.corrcoef(large.ravel(), small.ravel())[0, 1] > 0.8 > np.corrcoef(large.ravel(), plain.ravel())[0, 1]
