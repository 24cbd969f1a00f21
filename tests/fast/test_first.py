"""A first stage from its patches gives what its layers give one after another, but for the images' gradient."""

import numpy as np
import pytest

from minisiamese.backend import to_host
from minisiamese.convolution import Conv2D, im2col, pad
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.first import FirstBlock, FirstNormBlock, Patches
from minisiamese.fast.fuse import fuse, without_input_gradient
from minisiamese.layers import BatchNorm, Flatten, Named, ReLU, Sequential
from minisiamese.pooling import MaxPool2D


def network(window, stride=1, padding=1, normalised=True, channels=1, kernel=3):
    """A stage of plain layers, with gammas of both signs, and none of them 1."""
    rng = np.random.default_rng(1)
    bias = None if normalised else (0, 1)
    layers = {"conv": Conv2D(channels, 6, kernel, rng, stride=stride, padding=padding, bias=bias)}
    if normalised:
        norm = layers["norm"] = BatchNorm(6)
        norm.params["gamma"][:] = [-1.5, 0.5, 2, -0.5, 3, 1.2]
        norm.params["beta"][:] = norm.buffers["mean"][:] = rng.normal(size=6)
    layers |= {"relu": ReLU()} | ({"pool": MaxPool2D(window)} if window > 1 else {})
    return Sequential(Named(**layers), Flatten()).astype(np.float64)


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("shape", [(5, 8, 8, 1), (5, 7, 9, 1), (4, 8, 6, 2)])  # with a rest at the edge, or without
@pytest.mark.parametrize(("window", "stride", "padding"), [(1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 1, 0), (2, 1, 2)])
def test_the_first_stage_is_its_layers(rng, device, put, window, stride, padding, shape, normalised):
    plain = network(window, stride, padding, normalised, shape[3])
    fused = without_input_gradient(fuse(network(window, stride, padding, normalised, shape[3]))).to(device)
    assert type(fused.layers[0]) is (FirstNormBlock if normalised else FirstBlock)
    x = 3 + rng.normal(size=shape)  # a mean that is large beside what varies
    y = plain.forward(x)
    np.testing.assert_allclose(to_host(fused.forward(put(x))), y, atol=1e-11)
    assert np.any(y > 0)
    dy = rng.normal(size=y.shape)
    plain.backward(dy)
    assert fused.backward(put(dy)) is None
    parts = dict(fused.walk())
    for name, layer in plain.walk():
        for kind in ("grads", "buffers"):
            for key, array in getattr(layer, kind).items():
                got = to_host(getattr(parts[name], kind)[key])
                np.testing.assert_allclose(got, array, atol=1e-10, err_msg=f"{name}.{key}")
    np.testing.assert_allclose(to_host(fused.forward(put(x), False)), plain.forward(x, False), atol=1e-11)


@pytest.mark.parametrize("size", [(8, 8), (9, 11)])
def test_the_moments_are_those_of_all_patches(rng, device, put, size):
    conv, x = fuse(Conv2D(2, 3, 3, rng, padding=1)), rng.normal(size=(3, *size, 2))
    m, S = Patches(conv.to(device), 3, put(x), put(np.zeros(2))).moments()
    patches = im2col(pad(x, 1), 3)
    np.testing.assert_allclose(to_host(m), patches.mean(axis=0), atol=1e-13)
    np.testing.assert_allclose(to_host(S), np.cov(patches.T, bias=True), atol=1e-13)


def test_the_variance_keeps_its_digits_beside_a_large_mean(rng, device, put):
    stage = Named(conv=Conv2D(1, 2, 1, rng, bias=None), norm=BatchNorm(2, momentum=0.0), relu=ReLU())
    fused = without_input_gradient(fuse(Sequential(stage, Flatten()))).to(device)
    conv, norm = (layer for _, layer in fused.layers[0].children())
    conv.params["W"][:] = 1
    x = (1000 + 3 * rng.normal(size=(8, 9, 9, 1))).astype(np.float32)
    fused.forward(put(x))
    np.testing.assert_allclose(to_host(norm.buffers["var"]), x.var(dtype=float), rtol=1e-3)
    np.testing.assert_allclose(to_host(norm.buffers["mean"]), x.mean(dtype=float), rtol=1e-6)


@pytest.mark.parametrize(
    ("images", "complaint"),
    [
        (np.zeros((1, 1, 9, 1), np.float32), "a pooling window of 2 does not fit"),
        (np.zeros((1, 9, 9, 1), np.uint8), "must be of a float type"),
        (np.zeros((1, 9, 9, 3), np.float32), "does not fit images"),
    ],
)
def test_images_that_do_not_fit_are_an_error(images, complaint):
    fused = without_input_gradient(fuse(network(2).astype(np.float32)))
    with pytest.raises(ValueError, match=complaint):
        fused.forward(images, train=False)


def test_large_patches_and_other_pools_stay_as_they_are():
    for normalised, kind in ((True, NormBlock), (False, Block)):
        large = without_input_gradient(fuse(network(2, normalised=normalised, kernel=8, padding=4)))
        assert type(large.layers[0]) is kind and not large.layers[0].conv.input_gradient
