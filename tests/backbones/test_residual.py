"""The layers of residual networks: gradients, the protocol of all layers, and layers that are frozen."""

import numpy as np
import pytest
import test_layers

from minisiamese.backbones.residual import Frozen, GlobalAveragePool, Residual
from minisiamese.backbones.resnet import StridedMaxPool2D
from minisiamese.backend import to_host
from minisiamese.convolution import Conv2D
from minisiamese.gradcheck import check_layer
from minisiamese.layers import BatchNorm, Flatten, Linear, Named, ReLU, Sequential, Sigmoid


def body(rng, before, width, stride=1):
    return Named(
        conv1=Conv2D(before, width, 3, rng, stride=stride, padding=1, bias=None),
        bn1=BatchNorm(width),
        relu=ReLU(),
        conv2=Conv2D(width, width, 3, rng, padding=1, bias=None),
        bn2=BatchNorm(width),
    )


def shortcut(rng, before, width):
    return Sequential(Conv2D(before, width, 1, rng, stride=2, bias=None), BatchNorm(width))


CASES = {  # name: layer, shape of x; strides leave lines and columns over at some sizes
    "GlobalAveragePool": lambda rng: (GlobalAveragePool(), (2, 3, 4, 3)),
    "StridedMaxPool2D": lambda rng: (StridedMaxPool2D(), (2, 7, 6, 2)),
    "StridedMaxPool2D-unpadded": lambda rng: (StridedMaxPool2D(3, stride=1, padding=0), (2, 5, 4, 2)),
    "StridedMaxPool2D-apart": lambda rng: (StridedMaxPool2D(2, stride=3, padding=1), (2, 6, 7, 2)),
    "Conv2D-7x7": lambda rng: (Conv2D(2, 2, 7, rng, stride=2, padding=3, bias=None), (2, 8, 5, 2)),
    "Conv2D-3x3": lambda rng: (Conv2D(2, 3, 3, rng, stride=2, padding=1), (2, 6, 7, 2)),
    "Conv2D-1x1": lambda rng: (Conv2D(2, 3, 1, rng, stride=2, bias=None), (2, 6, 5, 2)),
    "Residual": lambda rng: (Residual(body(rng, 2, 2)), (2, 4, 5, 2)),
    "Residual-halved": lambda rng: (Residual(body(rng, 2, 3, 2), shortcut(rng, 2, 3)), (3, 6, 5, 2)),
    "Named": lambda rng: (Named(a=BatchNorm(3), b=Linear(3, 2, rng)), (6, 3)),
}


@pytest.fixture(params=CASES)
def case(request, rng, device, put):
    layer, shape = CASES[request.param](rng)
    return layer.to(device), put(test_layers.spread(rng, *shape)), ()


# the same tests that all other layers pass, on the cases above
test_gradients = test_layers.test_gradients_agree_with_finite_differences
test_arguments = test_layers.test_neither_pass_changes_its_argument
test_reading_back = test_layers.test_no_pass_reads_anything_back
test_dtypes = test_layers.test_the_dtype_that_comes_in_goes_out
test_adding_up = test_layers.test_gradients_add_up_until_they_are_cleared
test_protocol = test_layers.test_forward_twice_or_backward_alone_is_an_error
test_evaluation = test_layers.test_evaluation_keeps_nothing_and_agrees_with_training


@pytest.mark.parametrize(("window", "stride", "padding"), [(3, 2, 1), (2, 2, 0), (4, 3, 2), (2, 3, 1)])
def test_strided_max_pool_is_the_maximum_of_the_image_in_each_window(rng, put, window, stride, padding):
    x = -1 - rng.random((2, 9, 8, 3))  # zeros beyond the border would win
    y = to_host(StridedMaxPool2D(window, stride, padding).forward(put(x)))
    Ho, Wo = ((size + 2 * padding - window) // stride + 1 for size in (9, 8))
    assert y.shape == (2, Ho, Wo, 3)
    for i, j in np.ndindex(Ho, Wo):
        top, left = i * stride - padding, j * stride - padding
        seen = x[:, max(top, 0) : top + window, max(left, 0) : left + window]
        assert np.array_equal(y[:, i, j], seen.max(axis=(1, 2)))


def test_strided_max_pool_gives_ties_to_the_first_and_adds_up_what_overlaps(put):
    pool = StridedMaxPool2D(3, stride=2, padding=1)
    x = np.zeros((1, 4, 5, 1))
    x[0, 1, 1] = 2  # in all of the first 2 x 2 windows; the two windows to the right are blank
    assert pool.forward(put(x))[0, :, :, 0].tolist() == [[2, 2, 0], [2, 2, 0]]
    dx = to_host(pool.backward(put(np.array([[1.0, 2, 3], [4, 5, 6]]).reshape(1, 2, 3, 1))))
    assert dx[0, :, :, 0].tolist() == [[0, 0, 0, 3, 0], [0, 12, 0, 6, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize(("window", "padding", "size"), [(3, 2, 9), (2, -1, 9), (5, 1, 2)])
def test_a_strided_window_that_does_not_fit_is_an_error(window, padding, size):
    with pytest.raises(ValueError, match="padding"):
        StridedMaxPool2D(window, 2, padding).forward(np.zeros((1, size, size, 1), np.float32))


def test_residual_and_average_by_hand(rng, put):
    double = Linear(2, 2, rng)
    double.params["W"][:] = 2 * np.eye(2)
    assert Residual(double.to("cpu")).forward(np.array([[1.0, -3.0]])).tolist() == [[3, 0]]
    assert Residual(Sequential(), double).forward(np.array([[1.0, -3.0]]), train=False).tolist() == [[3, 0]]
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    assert GlobalAveragePool().forward(put(x)).tolist() == [[5, 6]]


def test_names_are_those_that_were_given(rng):
    network = Named(stem=Linear(2, 3, rng), block=Residual(Named(fc=Linear(3, 3, rng)), Linear(3, 3, rng)))
    assert set(network.arrays()) == {
        f"{name}.{key}" for name in ("stem", "block.body.fc", "block.shortcut") for key in "Wb"
    }


def test_a_frozen_layer_stays_as_it_is(rng, device, put):
    plain, inner = (Named(fc=Linear(3, 2, np.random.default_rng(1)), bn=BatchNorm(2)) for _ in range(2))
    frozen = Frozen(inner)
    network = Named(a=frozen, b=Linear(2, 2, rng)).to(device).astype(np.float64)
    plain.to(device).astype(np.float64)
    names = set(Named(a=plain, b=Linear(2, 2, rng)).arrays())
    assert set(network.arrays()) == names  # as if it were not frozen
    assert [name for name, layer in network.walk() if layer.params] == ["b"]  # all that an optimiser sees
    network.arrays()["a.fc.b"][:] = plain.arrays()["fc.b"][:] = 3  # the very array that it computes with
    x, kept = put(rng.normal(size=(5, 3))), {name: to_host(array).copy() for name, array in frozen.arrays().items()}
    np.testing.assert_array_equal(to_host(frozen.forward(x)), to_host(plain.forward(x, train=False)))
    network.forward(x)
    assert network.backward(put(rng.normal(size=(5, 2)))) is None
    network.forward(x)  # nothing was kept that would make this an error
    for name, array in frozen.arrays().items():
        assert np.array_equal(to_host(array), kept[name])
    assert np.any(to_host(network.layers[1].grads["W"]))


def test_residual_leaves_alone_what_its_layers_keep_and_return(rng):
    """A body that ends with a layer that keeps its output, and one whose gradient is a view of the block's own."""
    for body, shape in ((Sequential(Linear(4, 4, rng), Sigmoid()), (5, 4)), (Flatten(), (5, 4))):
        assert check_layer(Residual(body), rng.normal(size=shape), rng) < 1e-7
