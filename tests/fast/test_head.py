"""The L1 head that goes through all pairs gives the gradients of the plain one."""

import numpy as np
import pytest

from minisiamese.fast.fuse import fuse
from minisiamese.fast.head import MOST, FastL1Head
from minisiamese.siamese import L1Head

ALL = np.stack(np.triu_indices(6, 1), axis=1)
MANY = np.concatenate([ALL[::2], ALL[1:3, ::-1], ALL[:1], [[4, 4]]])  # some turned round, one twice, one with itself


def gradients(head, z, pairs, ds):
    head.forward(z, pairs)
    return head.backward(ds), {key: grad.copy() for key, grad in head.grads.items()}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("pairs", [ALL, MANY, ALL[:2]])  # the last are too few to go through all
def test_gradients_are_the_plain_ones(rng, pairs, bias, monkeypatch):
    plain = L1Head(5, alpha=rng.normal(size=5), bias=bias).astype(np.float64)
    fused = fuse(plain)
    assert type(fused) is FastL1Head and (len(pairs) * MOST >= 36) == (len(pairs) > 2)
    z = np.maximum(rng.normal(size=(6, 5)), 0)  # features that are equal have a gradient of 0
    ds = rng.normal(size=len(pairs))
    dz, dparams = gradients(plain, z, pairs, ds)
    plain.zero_grad()
    asked, gradient = [], L1Head.gradient
    monkeypatch.setattr(L1Head, "gradient", lambda *arguments: asked.append(1) or gradient(*arguments))
    fast_dz, fast_dparams = gradients(fused, z, pairs, ds)
    np.testing.assert_allclose(fast_dz, dz, atol=1e-13)
    assert bool(asked) == (len(pairs) == 2)  # pair by pair
    assert dparams.keys() == fast_dparams.keys()
    for key, gradient in dparams.items():
        assert np.any(gradient)
        np.testing.assert_allclose(fast_dparams[key], gradient, atol=1e-13)


def test_float32_stays_float32_and_chunks_make_no_difference(rng, monkeypatch):
    z, ds = rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=780).astype(np.float32)
    pairs = np.stack(np.triu_indices(40, 1), axis=1)
    plain = L1Head(3)
    dz, _ = gradients(plain, z, pairs, ds)
    monkeypatch.setattr("minisiamese.threads.HOST_CHUNK_BYTES", 1000)
    fast_dz, _ = gradients(fuse(plain), z, pairs, ds)
    assert fast_dz.dtype == np.float32
    np.testing.assert_allclose(fast_dz, dz, rtol=1e-4, atol=1e-5)
