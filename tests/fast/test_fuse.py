"""``fuse``: for every network of the library, the fast twin gives what the plain layers give."""

from copy import deepcopy

import numpy as np
import pytest

from minisiamese import networks
from minisiamese.backbones import resnet, vgg
from minisiamese.backbones.residual import Frozen, Residual
from minisiamese.backend import to_host
from minisiamese.convolution import Conv2D
from minisiamese.fast import algorithms
from minisiamese.fast.algorithms import FastConv2D
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.fuse import fuse
from minisiamese.fast.layers import FastBatchNorm, FastLinear
from minisiamese.layers import BatchNorm, Flatten, Layer, Linear, Named, ReLU, Sequential
from minisiamese.pooling import MaxPool2D
from minisiamese.runs.build import NETWORKS
from minisiamese.siamese import Siamese
from minisiamese.studies.maml import gradients
from minisiamese.studies.report000 import classifiers

# In float32 a rounding may choose another pixel of a window that almost ties; float64 shows that the functions are one.
TOLERANCE = {np.float64: 1e-9, np.float32: 2e-2}


@pytest.fixture
def small(monkeypatch):
    """ResNet-18 and VGG-16 on small images and with fewer channels, Winograd's way in spite of that; and fewer features
    of the paper's networks, whose weights are almost all there."""
    monkeypatch.setattr(networks, "FEATURES", 32)
    for module in (resnet, vgg):
        monkeypatch.setattr(module, "SIZE", 32)
    monkeypatch.setattr(resnet, "WIDTHS", (64, 6, 8, 10))
    monkeypatch.setattr(vgg, "STAGES", ((8, 1), (8, 1), (8, 2), (8, 1), (8, 1)))
    monkeypatch.setattr(vgg, "FEATURES", 9)
    monkeypatch.setattr(algorithms, "WINOGRAD_PAYS", 0)
    monkeypatch.setattr(algorithms, "FEW_WEIGHTS", 0)


def randomise(network):
    """Biases, scales and statistics at random: of gamma and beta, both signs."""
    rng = np.random.default_rng(1)
    for name, array in network.arrays().items():
        if array.ndim < 2:
            sign = rng.choice([-1, 1], array.shape) if name.endswith(("gamma", "beta", "mean")) else 1
            array[...] = rng.uniform(0.5, 1.5, array.shape) * sign


def one_pass(network, x, put):
    """What a training pass leaves: y, all gradients and buffers; and y of an evaluation after it."""
    z = network.forward(put(x))
    if isinstance(network, Siamese):
        pairs = put(np.stack(np.triu_indices(len(x), 1), axis=1))
        left = {"z": z, "y": network.head.forward(z, pairs)}
        network.backward(network.head.backward(random_like(left["y"], put)))
    else:
        left = {"y": z, "dx": network.backward(random_like(z, put))}
    left["evaluated"] = network.forward(put(x), train=False)
    for name, layer in network.walk():
        left |= {f"gradient of {name}.{key}": array.copy() for key, array in layer.grads.items()}
        left |= {f"{name}.{key}": array.copy() for key, array in layer.buffers.items()}
    return {key: to_host(array) for key, array in left.items()}


def random_like(y, put):
    return put(np.random.default_rng(2).normal(size=y.shape).astype(y.dtype))


def assert_equal(plain, x, dtype, put):
    """The plain network on NumPy and its fast twin where the test is to compute leave the same."""
    plain.astype(dtype)
    fused, x = fuse(deepcopy(plain)), x.astype(dtype)
    fused.to("cpu" if isinstance(put(x), np.ndarray) else "cuda")
    expected, got = one_pass(plain, x, lambda array: array), one_pass(fused, x, put)
    assert got.keys() == expected.keys() and len(got) > 3
    for key, array in expected.items():
        assert got[key].dtype == array.dtype == dtype, key
        # a difference of embeddings, and batch norm, take a bias away: its gradient may be 0, or a rounding
        assert np.any(array) or key.endswith(".b"), key
        assert abs(got[key] - array).max() <= TOLERANCE[dtype] * max(abs(array).max(), 1e-3), key


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_fused_network_is_the_plain_one(rng, small, put, name, dtype):
    network = NETWORKS[name].build(rng)
    randomise(network)
    images = 6 if name == "resnet18" else 2  # its last batch norm sees one pixel of each
    assert_equal(network, rng.random((images, network.size, network.size, 1)), dtype, put)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("module", "name", "arguments", "shape"),
    [
        (classifiers, "mnist_classifier", (1,), (28, 28, 1)),
        (classifiers, "cifar10_classifier", (3,), (32, 32, 3)),
        (gradients, "classifier", (5, 1), (28, 28, 1)),
    ],
)
def test_a_fused_classifier_of_a_study_is_the_plain_one(rng, put, monkeypatch, module, name, arguments, shape, dtype):
    monkeypatch.setattr(module, "fuse", lambda network: network)
    made = getattr(module, name)(rng, *arguments)
    network = made if isinstance(made, Sequential) else made[0]
    assert not any(isinstance(layer, Block) for _, layer in network.walk())
    randomise(network)
    network.layers[-1].params["W"][...] = rng.normal(size=network.layers[-1].params["W"].shape)  # MAML's is 0
    assert_equal(network, rng.random((4, *shape)), dtype, put)


def stage(rng, *names, bias=False, window=2):
    """A stage of these layers."""
    layers = {"conv": Conv2D(2, 3, 3, rng, padding=1, bias=(0, 1) if bias else None), "norm": BatchNorm(3)}
    layers |= {"relu": ReLU(), "pool": MaxPool2D(window)}
    return Named(**{name: layers[name] for name in names})


STAGES = {  # name: layers, whether the convolution has a bias, and the layer that it becomes
    "paper": (("conv", "relu", "pool"), True, Block),
    "paper-last": (("conv", "relu"), True, Block),
    "without-bias": (("conv", "pool", "relu"), False, Block),
    "normalised": (("conv", "norm", "relu", "pool"), False, NormBlock),
    "pool-before-relu": (("conv", "norm", "pool", "relu"), False, NormBlock),
    "not-pooled": (("conv", "norm", "relu"), False, NormBlock),
    "bias-before-norm": (("conv", "norm", "relu", "pool"), True, Named),
    "no-relu": (("conv", "norm", "pool"), False, Named),
    "relu-first": (("relu", "conv"), True, Named),
}


@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("name", STAGES)
def test_a_fused_stage_is_the_plain_one(rng, put, name, window):
    names, bias, kind = STAGES[name]
    layer = Sequential(stage(rng, *names, bias=bias, window=window), Flatten())  # a network of one stage
    randomise(layer)
    assert type(fuse(layer).layers[0]) is kind
    assert_equal(layer, rng.normal(size=(3, 7, 8, 2)), np.float64, put)


def test_the_two_share_their_arrays_and_nothing_else(rng):
    plain = NETWORKS["conv4"].build(rng)
    fused = fuse(plain)
    assert list(fused.arrays()) == list(plain.arrays())
    assert all(fused.arrays()[name] is array for name, array in plain.arrays().items())
    x = rng.random((2, 35, 35, 1)).astype(np.float32)
    z = fused.forward(x)
    plain.forward(x)  # keeps its cache apart from the other's
    fuse(plain).forward(x)  # and hands none on
    fused.backward(z)
    gradient = plain.twin.layers[0].layers[0].grads["W"]
    assert np.any(gradient)
    plain.zero_grad()
    assert not np.any(fused.twin.layers[0].conv.grads["W"])
    plain.astype(np.float64)
    assert fused.twin.layers[0].norm.params["gamma"].dtype == np.float64  # moved and turned together


class Beside(Layer):
    """y = [a(x), b(x), ...]: layers held in a list."""

    def __init__(self, parts):
        super().__init__()
        self.parts = parts


def test_layers_in_a_list_are_fused_too(rng):
    plain = Beside([Linear(2, 3, rng), Sequential(Linear(3, 2, rng))])
    fused = fuse(plain)
    assert [type(part) for part in fused.parts] == [FastLinear, Sequential]
    assert all(part is not other for part, other in zip(fused.parts, plain.parts, strict=True))
    assert fused.parts[0].params is plain.parts[0].params


def test_every_layer_that_can_be_faster_is(rng):
    body = Named(conv1=Conv2D(2, 2, 3, rng, padding=1, bias=None), bn1=BatchNorm(2), relu=ReLU())
    network = fuse(
        Sequential(Residual(body), Frozen(Sequential(Linear(2, 2, rng))), BatchNorm(2), Conv2D(2, 1, 1, rng))
    )
    residual, frozen, norm, conv = network.layers
    kinds = [type(layer) for layer in (residual.body, residual.body.conv, residual.body.norm, frozen.layer.layers[0])]
    assert kinds == [NormBlock, FastConv2D, FastBatchNorm, FastLinear]
    assert (type(norm), type(conv)) == (FastBatchNorm, FastConv2D)


def test_stages_among_other_layers_are_computed_together_and_keep_their_names(rng, put):
    """Without ReLU, with one, and with a pool whose windows overlap; and no stage: the convolution has a bias."""
    layers = {"conv1": Conv2D(2, 4, 3, rng, bias=None), "bn1": BatchNorm(4), "conv2": Conv2D(4, 4, 3, rng, bias=None)}
    layers |= {"bn2": BatchNorm(4), "relu2": ReLU(), "conv3": Conv2D(4, 4, 1, rng, bias=None), "bn3": BatchNorm(4)}
    layers |= {"pool3": resnet.StridedMaxPool2D(), "relu3": ReLU(), "conv4": Conv2D(4, 2, 1, rng), "bn4": BatchNorm(2)}
    plain = Named(**layers)
    randomise(plain)
    fused = fuse(plain)
    assert list(fused.arrays()) == list(plain.arrays())
    assert [type(layer) for layer in fused.layers] == [NormBlock] * 3 + [FastConv2D, FastBatchNorm]
    assert_equal(plain, rng.normal(size=(3, 11, 12, 2)), np.float64, put)
    numbered = Sequential(*layers.values())
    assert list(fuse(numbered).arrays()) == list(numbered.arrays())


@pytest.mark.parametrize("name", ["koch35", "conv4", "resnet18"])
def test_a_network_gives_no_gradient_of_its_images(rng, small, name):
    """Neither computes it, whether a stage, or a subtraction of means and a convolution, comes first."""
    network = fuse(NETWORKS[name].build(rng))
    z = network.forward(rng.random((4, network.size, network.size, 1)).astype(np.float32))
    assert network.backward(z) is None
    convolutions = [layer for _, layer in network.walk() if isinstance(layer, FastConv2D)]
    assert [layer.input_gradient for layer in convolutions] == [False] + [True] * (len(convolutions) - 1)


def test_frozen_blocks_are_fused_and_stay_as_they_are(rng, small):
    network = NETWORKS["resnet18"].build(rng)
    resnet.freeze(network.twin, "layer2")
    fused, x = fuse(network), rng.random((6, 32, 32, 1)).astype(np.float32)
    frozen = ("twin.conv1", "twin.layer2")
    kept = {name: array.copy() for name, array in fused.arrays().items() if name.startswith(frozen)}
    z = fused.forward(x)
    np.testing.assert_allclose(z, network.forward(x), rtol=1e-3, atol=1e-4)
    fused.backward(z)
    assert np.any(fused.arrays()["twin.layer3.0.body.bn1.mean"])  # which is not frozen
    assert all(np.array_equal(fused.arrays()[name], array) for name, array in kept.items()) and kept
