"""Mining: the kinds are a partition, what is mined is of its kind, and a collapse is seen."""

import numpy as np
import pytest

from minisiamese import mining
from minisiamese.backend import to_host
from minisiamese.criteria import CRITERIA
from minisiamese.data.samplers import Batch
from minisiamese.losses import triplet
from minisiamese.siamese import DistanceHead
from minisiamese.studies.report000.offline import offline


@pytest.fixture
def batch(rng):
    """Embeddings of 6 classes of 5 images, and their labels."""
    labels = np.repeat(np.arange(6), 5)
    return rng.normal(size=(6, 4))[labels] + rng.normal(size=(30, 4)), labels


def mined(d, labels, how, margin, rng, share=0.2):
    """The triplets of ``in_batch`` that were found, on the host."""
    triplets, found = mining.in_batch(d, labels, how, margin, rng, share)
    return to_host(triplets) if found is None else to_host(triplets)[to_host(found)]


def distances_of(z, triplets):
    a, p, n = z[triplets.T]
    return np.linalg.norm(a - p, axis=1), np.linalg.norm(a - n, axis=1)


@pytest.mark.parametrize("margin", [2**-10, 0.25, 1.5])
def test_every_triplet_is_of_exactly_one_kind(rng, margin):
    d_ap, d_an = np.round(64 * rng.random((2, 2000))) / 64  # so that both borders occur, and no sum rounds
    for place, gap in enumerate((0, margin / 2, margin, 2 * margin)):  # of each kind some, whatever the margin
        d_an[10 * place : 10 * place + 10] = d_ap[10 * place : 10 * place + 10] + gap
    kind = mining.kind_of(d_ap, d_an, margin)
    hard, easy = d_an <= d_ap, d_ap - d_an + margin <= 0
    semi = (d_ap < d_an) & (d_ap - d_an + margin > 0)
    assert np.all(easy.astype(int) + semi + hard == 1)
    for place, mask in enumerate((easy, semi, hard)):
        assert mask.any() and np.array_equal(kind == place, mask)


def test_easy_is_what_has_no_loss_and_no_gradient(rng):
    d_ap, d_an = rng.random((2, 500))
    kind = mining.kind_of(d_ap, d_an, 0.3)
    _, slope, _ = triplet(d_ap, d_an, 0.3)
    assert np.array_equal(kind == 0, slope == 0)
    assert mining.summarise(d_ap, d_an, 0.3)["active"] == pytest.approx((kind > 0).mean())


@pytest.mark.parametrize("how", mining.MINING)
def test_mined_triplets_are_triplets_of_the_kind(batch, rng, how, put):
    z, labels = batch
    d = np.linalg.norm(z[:, None] - z, axis=2)
    for triplets in (
        mined(put(d), labels, how, 0.5, rng),
        offline(z, labels, how, 300, 0.5, rng) if how != "hardest" else None,
    ):
        if triplets is None:
            continue
        a, p, n = triplets.T
        assert len(triplets) > 20
        assert np.all(labels[a] == labels[p]) and np.all(a != p) and np.all(labels[a] != labels[n])
        kinds = mining.kind_of(*distances_of(z, triplets), 0.5)
        if how in mining.KINDS:
            assert np.all(kinds == mining.KINDS.index(how))
        elif how == "random":
            assert set(kinds) == {0, 1, 2}


def test_random_in_batch_takes_every_anchor_and_positive_once(batch, rng, put):
    z, labels = batch
    triplets = mined(put(np.linalg.norm(z[:, None] - z, axis=2)), labels, "random", 1.0, rng)
    assert len({tuple(pair) for pair in triplets[:, :2].tolist()}) == len(triplets) == 30 * 4


def test_every_negative_of_a_kind_may_be_drawn(batch):
    z, labels = batch
    d = np.linalg.norm(z[:, None] - z, axis=2)
    drawn = np.concatenate([mined(d, labels, "hard", 1.0, np.random.default_rng(i)) for i in range(60)])
    a, p, n = np.nonzero(
        (labels[:, None] == labels)[:, :, None] & (labels[:, None] != labels)[:, None] & (d[:, None] <= d[:, :, None])
    )
    possible = {each for each in zip(a.tolist(), p.tolist(), n.tolist(), strict=True) if each[0] != each[1]}
    found = {tuple(each) for each in drawn.tolist()}
    assert found <= possible and len(found) > 0.9 * len(possible)


def test_the_hardest_are_the_top_share_of_all(batch, rng, put):
    z, labels = batch
    d = put(np.linalg.norm(z[:, None] - z, axis=2))
    chosen = mined(d, labels, "hardest", 1.0, rng, share=0.1)
    everything = mined(d, labels, "hardest", 1.0, rng, share=1.0)
    assert len(everything) == 30 * 4 * 25 and len(chosen) == 300
    excess = np.sort(np.subtract(*distances_of(z, everything)))
    np.testing.assert_allclose(np.sort(np.subtract(*distances_of(z, chosen))), excess[-300:])


@pytest.mark.parametrize("how", mining.MINING)
def test_the_device_changes_nothing_of_what_is_mined(batch, how, put):
    z, labels = batch
    d = np.linalg.norm(z[:, None] - z, axis=2)
    here, there = (mined(bring(d), labels, how, 0.2, np.random.default_rng(5)) for bring in (np.asarray, put))
    assert len(here) and np.array_equal(here, there)


def test_where_there_is_no_negative_nothing_is_learned(put):
    """Of two classes far apart no triplet is hard; the loss of what is marked so is 0, and so is every gradient."""
    labels = np.repeat([0, 1], 3)
    z = put(10.0 * labels[:, None] + np.random.default_rng(0).random((6, 2)))
    tuples = mining.mine(DistanceHead(), z, labels, "hard", 50.0, np.random.default_rng(0))
    assert not to_host(tuples["found"]).any() and len(tuples["pairs"]) == 2 * 12
    loss, dz = CRITERIA["triplet"].compute(DistanceHead(), z, Batch(np.arange(6), **tuples), 50.0)
    assert float(loss) == 0 and not to_host(dz).any()
    tuples = mining.mine(DistanceHead(), z, labels, "semi-hard", 50.0, np.random.default_rng(0))
    loss, dz = CRITERIA["triplet"].compute(DistanceHead(), z, Batch(np.arange(6), **tuples), 50.0)
    assert float(loss) > 0 and to_host(dz).any()


def test_offline_gives_no_more_than_asked_and_nothing_where_there_is_nothing(rng):
    labels = np.repeat(np.arange(3), 40)
    z = 100.0 * np.eye(3)[labels] + rng.normal(size=(120, 3))
    assert len(offline(z, labels, "easy", 77, 1.0, rng)) == 77
    for how in ("hard", "semi-hard"):
        assert offline(z, labels, how, 77, 1.0, rng).shape == (0, 3)


def test_offline_reaches_all_images(rng):
    labels = rng.integers(4, size=60) * 3 + 1  # numbers with gaps, in no order
    triplets = offline(rng.normal(size=(60, 2)), labels, "random", 5000, 1.0, rng)
    assert all(len(np.unique(column)) == 60 for column in triplets.T)
    a, p, n = labels[triplets.T]
    assert np.all(a == p) and np.all(a != n)


def test_distances_are_those_that_the_head_sees(batch, put):
    z, _ = batch
    for squared in (False, True):
        d = to_host(mining.distances(DistanceHead(squared), put(z)))
        expected = np.linalg.norm(z[:, None] - z, axis=2) ** (2 if squared else 1)
        np.testing.assert_allclose(d, expected, atol=1e-12)


def test_a_collapse_is_told_with_its_cure():
    assert mining.collapse_warning(0.5, 1.0) is None
    warning = mining.collapse_warning(1e-5, 1.0)
    assert "collapsed" in warning and "semi-hard" in warning and "smaller learning rate" in warning
    assert mining.collapse_warning(1e-4, 1e-3) is None  # a small margin is no collapse


def test_no_triplets_are_no_trouble():
    nothing = np.empty(0)
    assert mining.summarise(nothing, nothing, 1.0) == {}  # and so no collapse is suspected
    assert mining.as_pairs(np.empty((0, 3), int)).shape == (0, 2)


def test_what_is_watched_is_all_triplets_of_a_batch(batch, put):
    z, labels = batch
    expected = [
        (np.linalg.norm(z[a] - z[p]), np.linalg.norm(z[a] - z[n]))
        for a in range(30)
        for p in range(30)
        for n in range(30)
        if a != p and labels[a] == labels[p] != labels[n]
    ]
    d_ap, d_an = np.array(expected).T
    seen = mining.watch(DistanceHead(), put(z), labels, 0.5)
    assert len(mining.all_triplets(labels)) == len(expected)
    assert seen == pytest.approx({"active": (d_ap + 0.5 > d_an).mean(), "d_ap": d_ap.mean(), "d_an": d_an.mean()})
