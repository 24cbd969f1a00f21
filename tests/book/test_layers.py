"""Every layer and head: gradients, and the protocol that all of them keep."""

import numpy as np
import pytest
from conftest import fast

from lessons import cupy_double
from minisiamese.backend import array_module, to_host
from minisiamese.convolution import Conv2D
from minisiamese.fast.block import Block
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer
from minisiamese.layers import BatchNorm, Flatten, Linear, Named, ReLU, Sequential, Sigmoid, sigmoid
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import DistanceHead, EuclideanHead, L1Head

PAIRS = np.array([[0, 1], [2, 3], [1, 4], [4, 0], [1, 0]])  # a row in several pairs, and a pair both ways round


def spread(rng, *shape):
    """Values at least 0.1 apart and away from 0, in random order: no finite difference steps over a kink."""
    values = 0.1 * (1 + np.arange(np.prod(shape))) * rng.choice([-1, 1], np.prod(shape))
    return rng.permutation(values).reshape(shape)


def stage(conv, norm=None, pool=None):
    """The layers of a stage, as the networks have them."""
    norm, pool = ({"norm": norm} if norm else {}), ({"pool": MaxPool2D(pool)} if pool else {})
    return Named(conv=conv, **norm, relu=ReLU(), **pool)


CASES = {  # name: layer, shape of x, further arguments of forward
    "Linear": lambda rng: (Linear(5, 3, rng, bias=(0, 1)), (4, 5), ()),
    "ReLU": lambda rng: (ReLU(), (4, 5), ()),
    "Sigmoid": lambda rng: (Sigmoid(), (4, 5), ()),
    "Flatten": lambda rng: (Flatten(), (2, 3, 2, 2), ()),
    "MaxPool2D": lambda rng: (MaxPool2D(2), (2, 5, 7, 2), ()),
    "MaxPool2D-3": lambda rng: (MaxPool2D(3), (2, 6, 7, 2), ()),
    "BatchNorm": lambda rng: (BatchNorm(3), (3, 4, 5, 3), ()),
    "BatchNorm-flat": lambda rng: (BatchNorm(3), (6, 3), ()),
    "Conv2D": lambda rng: (Conv2D(2, 3, 3, rng), (2, 5, 7, 2), ()),
    "Conv2D-padded": lambda rng: (Conv2D(2, 3, 3, rng, padding=1), (2, 5, 4, 2), ()),
    "Conv2D-strided": lambda rng: (Conv2D(2, 3, 3, rng, stride=2, padding=2), (2, 7, 6, 2), ()),
    "Conv2D-1x1": lambda rng: (Conv2D(1, 1, 1, rng, stride=3), (1, 4, 5, 1), ()),
    "Conv2D-of-single-pixels": lambda rng: (Conv2D(2, 3, 1, rng), (2, 3, 4, 2), ()),
    "Conv2D-of-the-whole-image": lambda rng: (Conv2D(2, 3, 4, rng), (3, 4, 4, 2), ()),
    "Conv2D-side-by-side": lambda rng: (Conv2D(2, 3, 3, rng, stride=3), (3, 6, 3, 2), ()),
    "Conv2D-without-bias": lambda rng: (Conv2D(2, 3, 3, rng, bias=None), (2, 5, 6, 2), ()),
    "Conv2D-after-ReLU": lambda rng: (Sequential(Conv2D(1, 4, 3, rng), ReLU(), Conv2D(4, 2, 1, rng)), (2, 5, 4, 1), ()),
    "Conv2D-even": lambda rng: (Conv2D(1, 2, 4, rng, stride=3), (2, 9, 8, 1), ()),
    "Conv2D-im2col": lambda rng: (fast(Conv2D(2, 3, 3, rng, padding=1), "im2col"), (2, 5, 4, 2), ()),
    "Conv2D-fourier": lambda rng: (fast(Conv2D(2, 3, 3, rng), "fourier"), (2, 5, 7, 2), ()),
    "Conv2D-fourier-even": lambda rng: (fast(Conv2D(1, 2, 4, rng, bias=None), "fourier"), (2, 8, 6, 1), ()),
    "Conv2D-fourier-strided": lambda rng: (
        fast(Conv2D(2, 1, 3, rng, stride=2, padding=2), "fourier"),
        (1, 7, 6, 2),
        (),
    ),
    "Conv2D-winograd": lambda rng: (fast(Conv2D(2, 3, 3, rng, padding=1), "winograd"), (2, 5, 6, 2), ()),
    "MaxPool2D-fast": lambda rng: (fuse(MaxPool2D(2)), (3, 5, 7, 2), ()),
    "Linear-fast": lambda rng: (fuse(Linear(5, 3, rng, bias=(0, 1))), (4, 5), ()),
    "BatchNorm-fast": lambda rng: (fuse(BatchNorm(3)), (3, 4, 5, 3), ()),
    "Named": lambda rng: (stage(Conv2D(2, 3, 3, rng, bias=None), norm=BatchNorm(3), pool=2), (3, 6, 7, 2), ()),
    "Block": lambda rng: (fuse(stage(Conv2D(2, 3, 3, rng, padding=1), pool=2)), (2, 5, 7, 2), ()),
    "Block-fourier": lambda rng: (Block(fast(Conv2D(2, 3, 3, rng), "fourier"), MaxPool2D(2)), (2, 6, 7, 2), ()),
    "Block-normalised": lambda rng: (
        fuse(stage(Conv2D(2, 3, 3, rng, bias=None), norm=BatchNorm(3), pool=2)),
        (3, 6, 7, 2),
        (),
    ),
    "Block-without-pooling": lambda rng: (
        fuse(stage(Conv2D(2, 3, 3, rng, bias=None), norm=BatchNorm(3))),
        (2, 5, 4, 2),
        (),
    ),
    "Sequential": lambda rng: (
        Sequential(Conv2D(1, 2, 3, rng), MaxPool2D(2), Flatten(), Linear(8, 3, rng)),
        (3, 6, 7, 1),
        (),
    ),
    "L1Head": lambda rng: (L1Head(4), (5, 4), (PAIRS,)),
    "L1Head-without-bias": lambda rng: (L1Head(4, bias=False), (5, 4), (PAIRS,)),
    "DistanceHead": lambda rng: (DistanceHead(), (5, 4), (PAIRS,)),
    "DistanceHead-squared": lambda rng: (DistanceHead(squared=True), (5, 4), (PAIRS,)),
    "EuclideanHead": lambda rng: (EuclideanHead(), (5, 4), (PAIRS,)),
}


@pytest.fixture(params=CASES)
def case(request, rng, device, put):
    layer, shape, arguments = CASES[request.param](rng)
    return layer.to(device), put(spread(rng, *shape)), tuple(map(put, arguments))


def test_gradients_agree_with_finite_differences(case, rng):
    layer, x, arguments = case
    assert check_layer(layer, x, rng, *arguments) < 1e-6


def test_neither_pass_changes_its_argument(case, rng, put):
    layer, x, arguments = case
    kept = to_host(x).copy()
    y = layer.astype(np.float64).forward(x, *arguments)
    dy_kept = rng.normal(size=y.shape)
    dy = put(dy_kept.copy())
    layer.backward(dy)
    assert np.array_equal(to_host(x), kept)
    assert np.array_equal(to_host(dy), dy_kept)


def test_no_pass_reads_anything_back(case, rng, put):
    layer, x, arguments = case
    layer.astype(np.float64)
    dy = put(rng.normal(size=layer.forward(x, *arguments, train=False).shape))
    before = cupy_double.copies()
    layer.forward(x, *arguments)
    layer.backward(dy)
    layer.zero_grad()
    assert cupy_double.copies() == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_that_comes_in_goes_out(case, dtype):
    layer, x, arguments = case
    y = layer.astype(dtype).forward(x.astype(dtype), *arguments)
    dx = layer.backward(y)
    assert y.dtype == dx.dtype == dtype
    assert all(array.dtype == dtype for array in layer.arrays().values())
    assert array_module(y) is array_module(dx) is array_module(x)


def test_gradients_add_up_until_they_are_cleared(case, rng, put):
    layer, x, arguments = case
    layer.astype(np.float64)

    def gradients():
        return {(name, key): to_host(grad).copy() for name, part in layer.walk() for key, grad in part.grads.items()}

    dy = put(rng.normal(size=layer.forward(x, *arguments).shape))
    layer.backward(dy)
    once = gradients()
    layer.forward(x, *arguments)
    layer.backward(dy)
    twice = gradients()
    for key in once:
        assert np.any(once[key])
        np.testing.assert_allclose(twice[key], 2 * once[key], rtol=1e-10)
    layer.zero_grad()
    assert not any(np.any(grad) for grad in gradients().values())


def test_forward_twice_or_backward_alone_is_an_error(case):
    layer, x, arguments = case
    layer.astype(np.float64)
    y = layer.forward(x, *arguments)
    with pytest.raises(RuntimeError, match="forward twice"):
        layer.forward(x, *arguments)
    layer.backward(y)
    with pytest.raises(RuntimeError, match="without a forward"):
        layer.backward(y)


def test_evaluation_keeps_nothing_and_agrees_with_training(case):
    layer, x, arguments = case
    if any(isinstance(part, BatchNorm) for _, part in layer.walk()):
        pytest.skip("evaluates on stored statistics: has its own test")
    y = layer.astype(np.float64).forward(x, *arguments)
    layer.backward(y)
    np.testing.assert_allclose(to_host(layer.forward(x, *arguments, train=False)), to_host(y))
    with pytest.raises(RuntimeError):
        layer.backward(y)


def test_max_pool_gives_a_tie_to_its_first_maximum(put):
    x = np.array([[2.0, 2.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)  # a tie at 2, a blank window
    pool = MaxPool2D(2)
    assert pool.forward(put(x)).ravel().tolist() == [2, 0]
    dx = pool.backward(put(np.array([5.0, 7.0]).reshape(1, 1, 2, 1)))
    assert dx[0, :, :, 0].tolist() == [[5, 0, 7, 0], [0, 0, 0, 0]]


def test_relu_has_no_gradient_at_zero(put):
    relu = ReLU()
    relu.forward(put([[-1.0, 0.0, 1.0]]))
    assert relu.backward(put([[3.0, 3.0, 3.0]])).tolist() == [[0, 0, 3]]


def test_sigmoid_does_not_overflow(put):
    with np.errstate(over="raise", invalid="raise"):
        y = sigmoid(put([-1e4, 0.0, 1e4]))
    np.testing.assert_allclose(to_host(y), [0, 0.5, 1], atol=1e-12)


@pytest.mark.parametrize("made", [lambda norm: norm, fuse], ids=["plain", "fast"])
def test_batch_norm_normalises_and_learns_what_it_saw(rng, device, put, made):
    x = (1000 + 3 * rng.normal(size=(8, 9, 9, 2))).astype(np.float32)  # a mean that would drown a naive variance
    norm = made(BatchNorm(2, momentum=0.0)).to(device)
    y = to_host(norm.forward(put(x)))
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(to_host(norm.buffers["mean"]), x.mean(axis=(0, 1, 2), dtype=float), rtol=1e-6)
    np.testing.assert_allclose(to_host(norm.buffers["var"]), x.var(axis=(0, 1, 2), dtype=float), rtol=1e-3)


@pytest.mark.parametrize("made", [lambda norm: norm, fuse], ids=["plain", "fast"])
def test_batch_norm_evaluates_on_stored_statistics(rng, device, put, made):
    norm = made(BatchNorm(2))
    norm.buffers["mean"][:], norm.buffers["var"][:] = [1, 2], [4, 9]
    y = norm.to(device).forward(put(np.array([[3.0, 8.0]], np.float32)), train=False)
    np.testing.assert_allclose(to_host(y), [[1, 2]], rtol=1e-5)
    assert norm.buffers["mean"].tolist() == [1, 2]  # evaluating changes nothing


def test_arrays_names_every_parameter_and_buffer(rng):
    network = Sequential(Linear(2, 3, rng), BatchNorm(3))
    assert set(network.arrays()) == {"0.W", "0.b", "1.gamma", "1.beta", "1.mean", "1.var"}
    network.arrays()["0.W"][0, 0] = 42
    assert network.layers[0].params["W"][0, 0] == 42
