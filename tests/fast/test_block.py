"""A block must be what its layers are one after another."""

import numpy as np
import pytest
from conftest import fast

from minisiamese.backend import to_host
from minisiamese.convolution import Conv2D
from minisiamese.fast import algorithms
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.fuse import fuse
from minisiamese.layers import BatchNorm, ReLU, Sequential
from minisiamese.pooling import MaxPool2D


def pair(gamma, window, algorithm, bias=None):
    """A block, and the layers it stands for, with the same parameters."""
    parts = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        conv = Conv2D(2, 4, 3, rng, padding=1, bias=bias)
        norm = BatchNorm(4) if gamma else None
        if gamma:
            norm.params["gamma"][:] = gamma
            norm.params["beta"][:] = rng.normal(size=4)
        parts.append((conv, norm))
    (conv, norm), (conv2, norm2) = parts
    layers = [conv2, *([norm2] if norm2 else []), ReLU(), MaxPool2D(window)]
    conv, pool = fast(conv, algorithm), MaxPool2D(window) if window > 1 else None
    block = NormBlock(conv, norm, pool) if norm else Block(conv, pool)
    return block.astype(np.float64), Sequential(*layers).astype(np.float64)


def arrays(layer, kind):
    return [to_host(array) for _, part in layer.walk() for array in getattr(part, kind).values()]


@pytest.mark.parametrize("algorithm", algorithms.ALGORITHMS)
@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("gamma", [None, [1, 2, 0.5, 3], [-1, 2, -0.5, -3]])
def test_block_is_its_layers(rng, gamma, window, algorithm, device, put):
    """The block where the test is to compute, the layers on NumPy."""
    block, layers = pair(gamma, window, algorithm, bias=None if gamma else (0, 1))
    block.to(device)
    x = rng.normal(size=(5, 7, 8, 2))
    y = layers.forward(x)
    np.testing.assert_allclose(to_host(block.forward(put(x))), y, atol=1e-12)
    assert np.any(y > 0) and (window == 3 or np.any(y == 0))
    dy = rng.normal(size=y.shape)
    np.testing.assert_allclose(to_host(block.backward(put(dy))), layers.backward(dy), atol=1e-12)
    for kind in ("grads", "buffers"):
        for a, b in zip(arrays(block, kind), arrays(layers, kind), strict=True):
            assert np.any(a)
            np.testing.assert_allclose(a, b, atol=1e-11)
    np.testing.assert_allclose(to_host(block.forward(put(x), train=False)), layers.forward(x, train=False), atol=1e-12)


def test_a_blank_background_gives_its_gradient_to_the_first_pixel(rng, device, put):
    """All values of a window are equal, as in most windows of a drawing."""
    block, layers = pair([1, 1, 1, 1], 2, "im2col")
    x = np.zeros((2, 6, 6, 2))
    x[0, 2, 3] = 1
    for norm in (block.norm, layers.layers[1]):
        norm.params["beta"][:] = 1
    y = layers.forward(x)
    block.to(device).forward(put(x))
    dy = rng.normal(size=y.shape)
    np.testing.assert_allclose(to_host(block.backward(put(dy))), layers.backward(dy), atol=1e-12)
    np.testing.assert_allclose(to_host(block.conv.grads["W"]), layers.layers[0].grads["W"], atol=1e-12)


@pytest.mark.parametrize(("window", "size"), [(17, 40), (4, 5)])
def test_a_window_that_does_not_fit_is_an_error(rng, window, size):
    with pytest.raises(ValueError, match="pooling window"):
        Block(fuse(Conv2D(1, 2, 3, rng)), MaxPool2D(window)).forward(np.zeros((2, size, size, 1), np.float32))


def test_the_variance_keeps_its_digits_beside_a_large_mean(rng, device, put):
    conv = Conv2D(1, 2, 1, rng, bias=None)
    conv.params["W"][:] = 1
    block = NormBlock(fuse(conv), BatchNorm(2, momentum=0.0)).to(device)
    x = (1000 + 3 * rng.normal(size=(8, 9, 9, 1))).astype(np.float32)
    block.forward(put(x))
    np.testing.assert_allclose(to_host(block.norm.buffers["var"]), x.var(dtype=float), rtol=1e-3)
    np.testing.assert_allclose(to_host(block.norm.buffers["mean"]), x.mean(dtype=float), rtol=1e-6)
