"""Winograd's convolution gives what im2col gives, with fewer multiplications."""

import numpy as np
import pytest
from conftest import fast

from minisiamese import threads
from minisiamese.backend import to_device, to_host
from minisiamese.convolution import Conv2D
from minisiamese.fast import algorithms, winograd
from minisiamese.fast.fuse import fuse


@pytest.mark.parametrize("m", winograd.TILES)
def test_m_plus_two_products_are_enough_for_m_outputs(rng, m):
    A, B, G = winograd.minimal(m)
    d, g = rng.normal(size=m + 2), rng.normal(size=3)
    expected = [d[j : j + 3] @ g for j in range(m)]
    np.testing.assert_allclose(A @ ((B @ d) * (G @ g)), expected, atol=1e-12)
    assert abs(B).max() <= 5 and abs(A).max() <= 8


def both(device, x, out, padding, input_gradient=True):
    """y, dx, dW and db by im2col on NumPy, and by Winograd where the test is to compute."""
    results = []
    for algorithm, where in (("im2col", "cpu"), ("winograd", device)):
        layer = fast(Conv2D(x.shape[3], out, 3, np.random.default_rng(1), padding=padding, bias=(0, 1)), algorithm)
        layer.astype(x.dtype).to(where).input_gradient = input_gradient
        y = layer.forward(to_device(x, where))
        dy = np.random.default_rng(2).normal(size=y.shape).astype(x.dtype)
        dx = layer.backward(to_device(dy, where))
        results.append([y, layer.grads["W"], layer.grads["b"]] + [dx] * input_gradient)
        assert input_gradient or dx is None
    return [(a, to_host(b)) for a, b in zip(*results, strict=True)]


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(
    ("images", "height", "width", "channels", "out"),
    [(3, 9, 7, 2, 3), (1, 4, 6, 1, 2), (2, 3, 31, 3, 1), (4, 5, 8, 2, 2), (1, 3, 3, 1, 1)],
)
def test_agrees_with_im2col(rng, device, images, height, width, channels, out, padding):
    """Rows of y that fill their tiles or not, and pixels that fill their threes or not."""
    for a, b in both(device, rng.normal(size=(images, height, width, channels)), out, padding):
        assert a.shape == b.shape and abs(a - b).max() < 1e-13 * abs(a).max()


def test_agrees_where_chunks_are_several_and_the_picture_wants_no_gradient(rng, device, monkeypatch):
    monkeypatch.setattr(threads, "HOST_CHUNK_BYTES", 1)  # an image at a time
    for a, b in both(device, rng.normal(size=(3, 8, 9, 2)), 3, 1, input_gradient=False):
        assert abs(a - b).max() < 1e-12 * abs(a).max()


def test_float32_loses_little(rng, device):
    """The sums are of ResNet-18's second stage, 28 x 28 x 128."""
    for a, b in both(device, rng.normal(size=(2, 28, 28, 128)).astype(np.float32), 128, 1):
        assert b.dtype == np.float32 and abs(a - b).max() < 2e-5 * abs(a).max()


def test_it_is_chosen_for_3_x_3_kernels_of_many_weights(rng):
    def algorithm(size, channels, out=None, kernel=3, stride=1, padding=1):
        layer = fuse(Conv2D(channels, out or channels, kernel, rng, stride, padding))
        return layer.algorithm((1, size, size, channels))

    assert (
        algorithm(56, 64) == algorithm(7, 512) == algorithm(26, 64) == algorithm(16, 64, 128, padding=0) == "winograd"
    )
    assert algorithm(8, 64) == algorithm(4, 64) == "winograd"
    assert algorithm(17, 64) == "fourier"  # of conv4, with fewer weights by its pixels
    assert algorithm(56, 64, kernel=5, padding=2) == "fourier"
    assert algorithm(56, 64, stride=2) == algorithm(224, 3, 64) == algorithm(52, 1, 64) == "im2col"
    assert algorithm(26, 64, padding=3) != "winograd"  # dx would have a padding of -1


def test_half_of_the_multiplications():
    """Of the definition's, and those of the blank pixel before each row."""
    shapes = (1, 28, 28, 64), (3, 3, 64, 32), 1, 1
    assert 2 * 28 * winograd.multiplications(*shapes) == 29 * algorithms.multiplications(*shapes)
    assert winograd.tiles(28) == (4, 7) and winograd.tiles(27) == (4, 7) and winograd.tiles(6) == (3, 2)
