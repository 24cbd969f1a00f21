import math
from itertools import pairwise

import numpy as np
import pytest

from minisiamese.backend import to_host
from minisiamese.layers import BatchNorm, Linear, Sequential
from minisiamese.optimizers import SCHEDULES, Adam, Momentum


@pytest.fixture
def network(rng, device):
    return Sequential(Linear(3, 2, rng), BatchNorm(2), Linear(2, 1, rng, bias=(1, 0))).to(device)


def values(network):
    """Copies of all parameters and buffers, on the host."""
    return {name: to_host(array).copy() for name, array in network.arrays().items()}


def set_gradients(network, value):
    for _, layer in network.walk():
        for grad in layer.grads.values():
            grad[...] = value


def test_momentum_by_hand(network):
    optimizer = Momentum(network, momentum=0.5)
    start = values(network)["0.W"]
    set_gradients(network, 2.0)
    optimizer.step(0.1)  # v = -0.2
    optimizer.step(0.1)  # v = -0.1 - 0.2
    np.testing.assert_allclose(values(network)["0.W"], start - 0.2 - 0.3, rtol=1e-6)


def test_adam_first_steps_have_the_rates_length(network):
    optimizer = Adam(network)
    start = values(network)["2.b"]
    set_gradients(network, -7.0)
    optimizer.step(0.1)
    np.testing.assert_allclose(values(network)["2.b"], start + 0.1, rtol=1e-5)
    set_gradients(network, 7.0)
    optimizer.step(0.1)
    m = (0.9 * -0.7 + 0.7) / (1 - 0.9**2)
    np.testing.assert_allclose(values(network)["2.b"], start + 0.1 - 0.1 * m / 7, rtol=1e-4)


def test_l2_is_layer_wise_and_spares_biases_and_batch_norm(network):
    optimizer = Momentum(network, l2=(0.5, 0.0))
    before = values(network)
    assert float(optimizer.penalty()) == pytest.approx(0.5 * (before["0.W"] ** 2).sum(), rel=1e-6)
    optimizer.step(0.1)
    np.testing.assert_allclose(values(network)["0.W"], 0.9 * before["0.W"], rtol=1e-6)  # w - 0.1 * 2 * 0.5 w
    for name in ("0.b", "1.gamma", "1.beta", "2.W", "2.b"):
        np.testing.assert_array_equal(values(network)[name], before[name])


def test_l2_takes_one_number_or_one_a_layer(network):
    with pytest.raises(ValueError, match="1 or 2 numbers"):
        Momentum(network, l2=(0.1, 0.1, 0.1))


def test_updates_are_in_place(network):
    arrays = network.arrays()
    set_gradients(network, 1.0)
    Adam(network).step(0.1)
    assert all(network.arrays()[name] is array for name, array in arrays.items())


def test_rates_and_momenta_are_layer_wise_and_a_batch_norm_takes_those_before_it(network):
    optimizer = Momentum(network, rates=(0.1, 0.01), momentum=(0.5, 0.0))
    before = values(network)
    set_gradients(network, 1.0)
    optimizer.step(2.0)
    optimizer.step(2.0)
    for name, moved in {"0.W": 0.5, "0.b": 0.5, "1.gamma": 0.5, "1.beta": 0.5, "2.W": 0.04, "2.b": 0.04}.items():
        np.testing.assert_allclose(before[name] - values(network)[name], moved, rtol=1e-4)


def test_a_momentum_is_capped_while_it_rises(network):
    start = values(network)["0.W"]
    optimizer = Momentum(network, momentum=0.9)
    set_gradients(network, 1.0)
    optimizer.step(0.1, cap=0.5)
    optimizer.step(0.1, cap=0.5)
    np.testing.assert_allclose(values(network)["0.W"], start - 0.1 - 0.15, rtol=1e-5)


def test_schedules():
    cosine, caps = zip(*[SCHEDULES["cosine"](step, 100, 10) for step in range(101)], strict=True)
    assert set(caps) == {1}
    assert cosine[:11] == (1.0,) * 11  # so that a run can begin before the number of steps is known
    assert cosine[55] == pytest.approx(0.5)
    assert cosine[100] == pytest.approx(0, abs=1e-12)
    assert all(a >= b for a, b in pairwise(cosine))
    assert SCHEDULES["cosine"](5, math.inf, 10) == (1, 1)
    paper = [SCHEDULES["epoch"](step, 100, 10) for step in (0, 9, 10, 25)]
    assert np.array(paper) == pytest.approx(np.array([[1, 0.5], [1, 0.5], [0.99, 0.51], [0.99**2, 0.52]]))
    tenths = [SCHEDULES["tenths"](step, 1000, 10) for step in (0, 299, 300, 899)]
    assert np.array(tenths) == pytest.approx(np.array([[1, 1], [1, 1], [0.1, 1], [0.01, 1]]))
    assert SCHEDULES["constant"](50, 100, 10) == (1, 1)


@pytest.mark.parametrize("optimizer", [Momentum, Adam])
def test_a_weight_that_does_not_lie_in_order_is_updated_too(rng, optimizer):
    """As an array that was transposed."""
    straight, turned = Linear(3, 4, rng), Linear(3, 4, rng)
    turned.params["W"] = straight.params["W"].T.copy().T
    turned.params["b"] = straight.params["b"].copy()
    assert not turned.params["W"].flags.c_contiguous
    for layer in (straight, turned):
        layer.grads["W"][...] = np.arange(12).reshape(3, 4)
        optimizer(layer).step(0.1)
    np.testing.assert_array_equal(turned.params["W"], straight.params["W"])
