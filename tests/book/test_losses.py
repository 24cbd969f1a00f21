"""Losses against their formulas, their gradients, and their singular points."""

import numpy as np
import pytest

from minisiamese import losses
from minisiamese.backend import array_module, to_host
from minisiamese.gradcheck import check_loss

Y = np.array([1, 0, 1, 0, 0, 1])
D = np.array([0.3, 0.4, 1.7, 2.2, 0.9, 0.6])  # distances on both sides of the margin 1, none at it


@pytest.mark.parametrize("name", ["contrastive", "contrastive_linear"])
def test_contrastive_gradients(name, put):
    assert check_loss(getattr(losses, name), [put(D.copy())], [put(Y)]) < 1e-6


def test_bce_gradient(rng, put):
    assert check_loss(losses.bce, [put(3 * rng.normal(size=6))], [put(Y)]) < 1e-6


@pytest.mark.parametrize("found", [None, [True, True, True, False, False]])
def test_triplet_gradients(found, put):
    d_ap, d_an = put([0.5, 1.0, 2.0, 0.1, 3.0]), put([0.7, 3.0, 1.0, 0.5, 2.5])
    constants = () if found is None else (1.0, put(found))
    assert check_loss(losses.triplet, [d_ap, d_an], constants) < 1e-6


def test_n_way_gradient(rng, put):
    assert check_loss(losses.n_way, [put(rng.normal(size=(5, 4)))], [put([0, 3, 1, 1, 2])]) < 1e-6


def test_prototypical_gradients(rng, put):
    queries, supports = put(rng.normal(size=(5, 3))), put(rng.normal(size=(4, 2, 3)))
    assert check_loss(losses.prototypical, [queries, supports], [put([0, 3, 1, 1, 2])]) < 1e-6


def test_bce_is_the_cross_entropy_of_the_sigmoid(put):
    s, p = np.array([0.0, 2.0, -1.0]), 1 / (1 + np.exp(-np.array([0.0, 2.0, -1.0])))
    y = np.array([1, 0, 1])
    assert float(losses.bce(put(s), put(y))[0]) == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def test_bce_of_hopeless_logits_stays_finite(put):
    with np.errstate(all="raise", under="ignore"):
        loss, ds = losses.bce(put([1e4, -1e4]), put([0, 1]))
    assert loss == 1e4
    assert ds.tolist() == [0.5, -0.5]


def test_contrastive_by_hand(put):
    d, y = put([3.0, 0.5, 2.0]), put([1, 0, 0])
    assert float(losses.contrastive(d, y, margin=1.0)[0]) == pytest.approx((9 / 2 + 0.25 / 2) / 3)
    assert float(losses.contrastive_linear(d, y, margin=1.0)[0]) == pytest.approx((3 + 0.5) / 3)


def test_triplet_by_hand_and_without_triplets(put):
    d_ap, d_an = put([2.0, 1.0]), put([1.0, 5.0])
    loss, dd_ap, dd_an = losses.triplet(d_ap, d_an, margin=0.5)
    assert float(loss) == pytest.approx(1.5 / 2)
    assert (dd_ap.tolist(), dd_an.tolist()) == ([0.5, 0], [-0.5, 0])
    loss, dd_ap, dd_an = losses.triplet(d_ap, d_an, 0.5, put([True, False]))  # the mean of one
    assert (float(loss), dd_ap.tolist(), dd_an.tolist()) == (1.5, [1, 0], [-1, 0])
    loss, dd_ap, dd_an = losses.triplet(d_ap, d_an, 0.5, put([False, False]))
    assert (float(loss), dd_ap.tolist(), dd_an.tolist()) == (0, [0, 0], [0, 0])
    loss, dd_ap, dd_an = losses.triplet(put([]), put([]))
    assert loss == 0
    assert dd_ap.shape == dd_an.shape == (0,)


def test_n_way_of_equal_scores_is_log_n_and_large_ones_do_not_overflow(put):
    assert float(losses.n_way(put(np.zeros((3, 20))), put([0, 5, 19]))[0]) == pytest.approx(np.log(20))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, ds = losses.n_way(put([[1e5, 0.0], [-1e5, -1e5]]), put([1, 0]))
    assert float(loss) == pytest.approx((1e5 + np.log(2)) / 2)
    assert ds.tolist() == [[0.5, -0.5], [-0.25, 0.25]]


def test_prototypes_are_means_of_the_supports(put):
    queries, supports = put([[1.0, 0.0]]), put([[[0.0, 0.0], [2.0, 0.0]], [[5.0, 0.0], [5.0, 2.0]]])
    expected = np.log(1 + np.exp(-17.0))  # squared distances 0 and 4^2 + 1^2
    assert float(losses.prototypical(queries, supports, put([0]))[0]) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_keep_the_dtype_and_the_device(rng, dtype, put):
    d, s, z = (put(np.abs(rng.normal(size=shape)).astype(dtype)) for shape in [(6,), (6, 4), (6, 3)])
    y, target = put(Y), put(np.zeros(6, int))
    results = [losses.bce(d, y), losses.contrastive(d, y), losses.contrastive_linear(d, y)]
    results += [losses.triplet(d, d), losses.triplet(d, d, 1.0, y == 1)]
    results += [losses.n_way(s, target), losses.prototypical(z, z[:, None], target)]
    for values in results:
        assert all(value.dtype == dtype and array_module(value) is array_module(d) for value in values)


def test_losses_change_none_of_their_arguments(rng, put):
    kept = [D, rng.normal(size=(6, 4)), rng.normal(size=(6, 3)), Y]
    d, s, z, y = given = [put(array.copy()) for array in kept]
    target = put(np.zeros(6, int))
    for loss in (losses.bce, losses.contrastive, losses.contrastive_linear):
        loss(d, y)
    losses.triplet(d, d[::-1], 1.0, y)
    losses.n_way(s, target)
    losses.prototypical(z, z[:, None], target)
    assert all(np.array_equal(to_host(a), b) for a, b in zip(given, kept, strict=True))
