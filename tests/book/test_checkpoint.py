import os

import numpy as np
import pytest

from minisiamese import checkpoint
from minisiamese.backend import to_host
from minisiamese.errors import BadInput


def test_what_is_saved_is_loaded(tmp_path, put):
    arrays = {"a.W": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1], "b": np.float32([1.5])}
    meta = {"step": 3, "random_state": np.random.default_rng(1).bit_generator.state, "nothing": None}
    checkpoint.save(tmp_path / "x.npz", {name: put(array) for name, array in arrays.items()}, meta)
    loaded, loaded_meta = checkpoint.load(tmp_path / "x.npz")
    assert loaded_meta == meta
    assert all(np.array_equal(loaded[name], arrays[name]) and loaded[name].dtype == np.float32 for name in arrays)
    assert os.listdir(tmp_path) == ["x.npz"]


def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "x.npz", {"a": np.zeros(2)}, {"step": 1})

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError):
        checkpoint.save(tmp_path / "x.npz", {"a": np.ones(2)}, {"step": 2})
    assert checkpoint.load(tmp_path / "x.npz")[1] == {"step": 1}


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / "x.npz", **{"meta.json": np.array({"step": 1}, dtype=object)})
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        checkpoint.load(tmp_path / "x.npz")


def test_a_checkpoint_moves_between_devices_unchanged(tmp_path, put):
    array = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    for save, load in ((put, np.asarray), (np.asarray, put)):
        checkpoint.save(tmp_path / "x.npz", {"a": save(array)}, {})
        target = {"a": load(np.zeros_like(array))}
        checkpoint.restore(target, checkpoint.load(tmp_path / "x.npz")[0], "x.npz")
        assert to_host(target["a"]).tobytes() == array.tobytes()


def test_restore_checks_before_it_copies(put):
    targets = {"a": put(np.zeros(2)), "b": put(np.zeros(3))}
    with pytest.raises(BadInput, match="another network: b is"):
        checkpoint.restore(targets, {"a": np.ones(2), "b": np.ones(4)}, "x.npz")
    with pytest.raises(BadInput, match="has no b"):
        checkpoint.restore(targets, {"a": np.ones(2)}, "x.npz")
    assert not targets["a"].any()
    checkpoint.restore(targets, {"a": np.ones(2), "b": np.ones(3), "optimizer.m": np.ones(9)}, "x.npz")
    assert to_host(targets["b"]).all()
