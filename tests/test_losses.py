"""Losses against their formulas, their gradients, and their singular points."""

import numpy as np
import pytest

from minisiamese import losses
from minisiamese.gradcheck import check_loss

Y = np.array([1, 0, 1, 0, 0, 1])
D = np.array([0.3, 0.4, 1.7, 2.2, 0.9, 0.6])  # distances on both sides of the margin 1, none at it


@pytest.mark.parametrize("name", ["contrastive", "contrastive_linear"])
def test_contrastive_gradients(name):
    assert check_loss(getattr(losses, name), [D.copy()], [Y]) < 1e-6


def test_bce_gradient(rng):
    assert check_loss(losses.bce, [3 * rng.normal(size=6)], [Y]) < 1e-6


def test_triplet_gradients():
    d_ap, d_an = np.array([0.5, 1.0, 2.0, 0.1]), np.array([0.7, 3.0, 1.0, 0.5])
    assert check_loss(losses.triplet, [d_ap, d_an]) < 1e-6


def test_n_way_gradient(rng):
    assert check_loss(losses.n_way, [rng.normal(size=(5, 4))], [np.array([0, 3, 1, 1, 2])]) < 1e-6


def test_prototypical_gradients(rng):
    queries, supports = rng.normal(size=(5, 3)), rng.normal(size=(4, 2, 3))
    assert check_loss(losses.prototypical, [queries, supports], [np.array([0, 3, 1, 1, 2])]) < 1e-6


def test_bce_is_the_cross_entropy_of_the_sigmoid():
    s, p = np.array([0.0, 2.0, -1.0]), 1 / (1 + np.exp(-np.array([0.0, 2.0, -1.0])))
    y = np.array([1, 0, 1])
    assert losses.bce(s, y)[0] == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def test_bce_of_hopeless_logits_stays_finite():
    with np.errstate(all="raise", under="ignore"):
        loss, ds = losses.bce(np.array([1e4, -1e4]), np.array([0, 1]))
    assert loss == 1e4
    assert ds.tolist() == [0.5, -0.5]


def test_contrastive_by_hand():
    d, y = np.array([3.0, 0.5, 2.0]), np.array([1, 0, 0])
    assert losses.contrastive(d, y, margin=1.0)[0] == pytest.approx((9 / 2 + 0.25 / 2) / 3)
    assert losses.contrastive_linear(d, y, margin=1.0)[0] == pytest.approx((3 + 0.5) / 3)


def test_triplet_by_hand_and_without_triplets():
    loss, dd_ap, dd_an = losses.triplet(np.array([2.0, 1.0]), np.array([1.0, 5.0]), margin=0.5)
    assert loss == pytest.approx(1.5 / 2)
    assert (dd_ap.tolist(), dd_an.tolist()) == ([0.5, 0], [-0.5, 0])
    loss, dd_ap, dd_an = losses.triplet(np.empty(0), np.empty(0))
    assert loss == 0
    assert dd_ap.shape == dd_an.shape == (0,)


def test_n_way_of_equal_scores_is_log_n_and_large_ones_do_not_overflow():
    assert losses.n_way(np.zeros((3, 20)), np.array([0, 5, 19]))[0] == pytest.approx(np.log(20))
    with np.errstate(over="raise", invalid="raise"):
        loss, ds = losses.n_way(np.array([[1e5, 0.0]]), np.array([1]))
    assert loss == pytest.approx(1e5)
    assert ds.tolist() == [[1, -1]]


def test_prototypes_are_means_of_the_supports():
    queries, supports = np.array([[1.0, 0.0]]), np.array([[[0.0, 0.0], [2.0, 0.0]], [[5.0, 0.0], [5.0, 2.0]]])
    expected = np.log(1 + np.exp(-17.0))  # squared distances 0 and 4^2 + 1^2
    assert losses.prototypical(queries, supports, np.array([0]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_keep_the_dtype(rng, dtype):
    d, s, z = (np.abs(rng.normal(size=shape)).astype(dtype) for shape in [(6,), (6, 4), (6, 3)])
    target = np.zeros(6, int)
    results = [losses.bce(d, Y), losses.contrastive(d, Y), losses.contrastive_linear(d, Y)]
    results += [losses.triplet(d, d), losses.n_way(s, target), losses.prototypical(z, z[:, None], target)]
    for loss, *gradients in results:
        assert all(np.asarray(value).dtype == dtype for value in (loss, *gradients))


def test_losses_change_none_of_their_arguments(rng):
    d, s, z, target = D.copy(), rng.normal(size=(6, 4)), rng.normal(size=(6, 3)), np.zeros(6, int)
    kept = [d.copy(), s.copy(), z.copy(), Y.copy()]
    for loss in (losses.bce, losses.contrastive, losses.contrastive_linear):
        loss(d, Y)
    losses.triplet(d, d[::-1])
    losses.n_way(s, target)
    losses.prototypical(z, z[:, None], target)
    assert all(np.array_equal(a, b) for a, b in zip([d, s, z, Y], kept, strict=True))
