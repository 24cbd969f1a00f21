"""Winograd's convolution gives what im2col gives, with fewer multiplications."""

import numpy as np
import pytest
from conftest import fast

from minisiamese.backend import to_device, to_host
from minisiamese.convolution import Conv2D
from minisiamese.fast import algorithms, winograd
from minisiamese.fast.fuse import fuse


def test_six_multiplications_are_enough_for_four_outputs(rng):
    A, B, G = winograd.minimal()
    d, g = rng.normal(size=6), rng.normal(size=3)
    expected = [d[j : j + 3] @ g for j in range(4)]
    np.testing.assert_allclose(A @ ((B @ d) * (G @ g)), expected, atol=1e-12)
    assert abs(B).max() <= 5 and abs(A).max() == 8


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
    [(3, 9, 7, 2, 3), (1, 4, 6, 1, 2), (2, 3, 31, 3, 1), (1, 59, 30, 2, 2)],  # the last two of several parts
)
def test_agrees_with_im2col(rng, device, images, height, width, channels, out, padding):
    for a, b in both(device, rng.normal(size=(images, height, width, channels)), out, padding):
        assert a.shape == b.shape and abs(a - b).max() < 1e-13 * abs(a).max() * max(height, width)


def test_agrees_where_chunks_are_several_and_the_picture_wants_no_gradient(rng, device, monkeypatch):
    monkeypatch.setattr(winograd, "work_bytes", lambda x, O: 1 << 40)  # an image at a time
    for a, b in both(device, rng.normal(size=(3, 8, 9, 2)), 3, 1, input_gradient=False):
        assert abs(a - b).max() < 1e-12 * abs(a).max()


def test_float32_loses_little(rng, device):
    """The sums are of ResNet-18's second stage, 28 x 28 x 128."""
    for a, b in both(device, rng.normal(size=(2, 28, 28, 128)).astype(np.float32), 128, 1):
        assert b.dtype == np.float32 and abs(a - b).max() < 2e-5 * abs(a).max()


def test_it_is_chosen_for_3_x_3_kernels_on_many_numbers(rng):
    def algorithm(size, channels, kernel=3, stride=1):
        layer = fuse(Conv2D(channels, channels, kernel, rng, stride, padding=kernel // 2))
        return layer.algorithm((1, size, size, channels))

    assert algorithm(56, 64) == algorithm(7, 512) == "winograd"
    assert algorithm(56, 64, kernel=5) == "fourier"
    assert algorithm(56, 64, stride=2) == "im2col"
    assert algorithm(13, 64) == "fourier"  # of conv4-wide
    assert algorithm(224, 3) == "im2col"  # few channels: the way to the points and back is most of it


def test_a_quarter_of_the_multiplications():
    shapes = (1, 28, 28, 64), (3, 3, 64, 32), 1, 1
    columns, rows, product, rows_back, columns_back = winograd.multiplications(*shapes)
    assert 4 * product == algorithms.multiplications(*shapes)
    assert (columns, rows) == (42 * 28 * 28 * 64, 42 * 28 * 42 * 64)  # 7 tiles of 6 points
    assert (rows_back, columns_back) == (28 * 42 * 42 * 32, 28 * 28 * 42 * 32)
    twice = winograd.multiplications((1, 56, 28, 64), *shapes[1:])  # two parts, which read two lines more
    assert twice[2:] == (2 * product, 2 * rows_back, 2 * columns_back) and 1 < twice[0] / columns / 2 < 1.05
