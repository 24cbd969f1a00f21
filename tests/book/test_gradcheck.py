"""The checker must find what it is there to find."""

import numpy as np
import pytest

from minisiamese.gradcheck import check_layer, check_loss, numerical_gradient, relative_error
from minisiamese.layers import BatchNorm, Linear, Sigmoid


def test_numerical_gradient_of_a_polynomial(put):
    host = np.array([[1.0, -2.0], [3.0, 0.5]])
    x = put(host.copy())
    np.testing.assert_allclose(numerical_gradient(lambda: float((x**3).sum()), x), 3 * host**2, rtol=1e-8)


def test_a_gradient_that_checks_nothing_is_refused():
    with pytest.raises(ValueError, match="checks nothing"):
        relative_error(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="checks nothing"):
        relative_error(np.zeros(3), np.full(3, 1e-11))  # rounding, not a gradient
    with pytest.raises(ValueError, match="shape"):
        relative_error(np.zeros(3), np.ones(4))


class WithoutMinus(Sigmoid):
    def backward(self, dy):
        (y,) = self.take()
        return dy * y * (1 + y)


class Overwriting(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"] = dy.mean(axis=0)
        return dx


class ForgetsTheMean(BatchNorm):
    def backward(self, dy):
        _, scale = self._cache
        super().backward(dy)
        return dy * scale


@pytest.mark.parametrize(
    "build", [lambda rng: WithoutMinus(), lambda rng: Overwriting(3, 3, rng), lambda rng: ForgetsTheMean(3)]
)
def test_planted_mistakes_are_found(build, rng, device, put):
    assert check_layer(build(rng).to(device), put(rng.normal(size=(4, 3))), rng) > 1e-3


def test_a_loss_without_its_gradient_is_found(rng):
    with pytest.raises(ValueError, match="returns 0 gradients"):
        check_loss(lambda s: (s.sum(),), [rng.normal(size=3)])
    assert check_loss(lambda s: ((s**2).mean(), 2 * s), [rng.normal(size=3)]) > 0.1  # a lost 1/N
