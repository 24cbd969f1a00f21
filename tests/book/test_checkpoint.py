"""Files that are written whole or not at all, and read by a schema."""

import json
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
    assert checkpoint.load(tmp_path / "x.npz")[1] == {"step": 1} and os.listdir(tmp_path) == ["x.npz"]


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


# --- what a checkpoint says of itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, array, complaint",
    [
        ("a.W", np.array(["text"]), "a.W holds something other than finite numbers"),
        ("a.W", np.zeros(2, complex), "a.W holds something other"),
        ("a.W", np.zeros(2, int), "a.W holds something other"),
        ("a.W", np.zeros(2, [("x", "f4"), ("y", "f4")]), "a.W holds something other"),
        ("a.W", np.array([0, np.nan], np.float32), "a.W holds something other"),
        ("a.W", np.array([0, -np.inf], np.float32), "a.W holds something other"),
        ("a.var", np.float32([1, -1e-9]), "a.var is negative"),
        ("optimizer.v.a.W", np.float32([-1]), "optimizer.v.a.W is negative"),
    ],
)
def test_arrays_are_finite_numbers(name, array, complaint, tmp_path):
    sound = {"a.W": np.float32([-1]), "b.mean": np.float32([-1]), "optimizer.velocity.a": np.float32([-1])}
    checkpoint.save(tmp_path / "x.npz", sound, {})
    assert set(checkpoint.load(tmp_path / "x.npz")[0]) == set(sound)
    np.savez(tmp_path / "x.npz", **{"meta.json": np.array("{}"), name: array})
    with pytest.raises(BadInput, match=complaint):
        checkpoint.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "text", ["[]", "null", "1", '{"step": -1}', '{"step": null}', '{"step": true}', "{", "[" * 9999]
)
def test_a_meta_is_of_its_type(text, tmp_path):
    class Meta(checkpoint.msgspec.Struct):
        step: checkpoint.Count

    np.savez(tmp_path / "x.npz", **{"meta.json": np.array(text)})
    with pytest.raises(BadInput, match=r"x\.npz"):
        checkpoint.load(tmp_path / "x.npz", Meta)


def test_a_checkpoint_that_claims_more_than_its_size_is_not_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", **{"meta.json": np.array("{}"), "a": np.zeros(10**6, np.float32)})
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        checkpoint.load(tmp_path / "x.npz")


@pytest.mark.parametrize("array", [np.ones(2, np.float64), np.ones(2, np.int32)])
def test_restore_takes_no_type_that_does_not_fit(array):
    target = {"a": np.zeros(2, np.float32)}
    checkpoint.restore(target, {"a": np.ones(2, np.float16)}, "x.npz")
    with pytest.raises(BadInput, match=f"a is of type {array.dtype}"):
        checkpoint.restore(target, {"a": array}, "x.npz")
    with pytest.raises(BadInput, match="it has b, and here is none"):
        checkpoint.restore(target, {"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}, "x.npz")


# --- JSON with a checksum ---------------------------------------------------------------------------------------------

VALUES = {
    "name": "caf\u00e9",
    "accuracy": 0.975,
    "seeds": (1, 2),
    "ways": {5: 0.1},
    "nothing": None,
    "log": [{"a": 1e-7}],
}


def test_what_is_sealed_is_read_again(tmp_path):
    checkpoint.save_json(tmp_path / "x.json", VALUES)
    found = checkpoint.load_json(tmp_path / "x.json")
    assert found == json.loads(json.dumps(VALUES)) and list(found) == list(VALUES)
    assert list(json.loads((tmp_path / "x.json").read_text()))[-1] == "checksum"


def test_no_byte_of_a_json_file_changes_unnoticed(tmp_path):
    """Every byte, by every one of its bits: refused, or the same values."""
    path = tmp_path / "x.json"
    checkpoint.save_json(path, VALUES)
    whole, found = path.read_bytes(), checkpoint.load_json(path)
    refused = 0
    for place in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            try:
                assert checkpoint.load_json(path) == found
            except BadInput as error:
                refused += 1
                assert "x.json is damaged, or was changed" in str(error)
    assert refused > 6 * len(whole)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", "{}", '{"a": 1}', "\ufeff{}", "[" * 10_000, '{"a":' * 10_000]
)
def test_a_file_that_was_not_sealed_is_refused(text, tmp_path):
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"x\.json is damaged"):
        checkpoint.load_json(tmp_path / "x.json")
    with pytest.raises(BadInput, match="there is no file"):
        checkpoint.load_json(tmp_path / "y.json")


# --- logs -------------------------------------------------------------------------------------------------------------


def log_of(*lines):
    """Dicts as a log: each is sealed after the one before it."""
    sealed = []
    for values in lines:
        sealed.append(checkpoint.seal(values, sealed[-1]["checksum"] if sealed else ""))
    return "".join(json.dumps(each) + "\n" for each in sealed)


LOG = {"step": 0, "accuracy": 0.5}, {"step": 10, "loss": 1}, {"step": 10, "accuracy": 0.75}


def test_a_log_is_read_but_for_a_last_line_that_was_cut(tmp_path):
    path, text = tmp_path / "log", log_of(*LOG)
    assert checkpoint.load_lines(path) == []
    path.write_text(text)
    assert checkpoint.load_lines(path) == [*LOG]
    path.write_text(text[:-1])  # its end alone is missing
    assert checkpoint.load_lines(path) == [*LOG]
    path.write_text(text[:-5])
    assert checkpoint.load_lines(path) == [*LOG[:2]]


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"null", b"[1]", b"7", b"\xff\xfe\x00", b"[" * 10_000, b'{"step": 5, "loss": 2.5}'),
        log_of(LOG[0]).encode().strip(),  # once more
        log_of({"step": 5, "loss": 2.5}).replace("2.5", "2.4").encode().strip(),
    ],
)
def test_a_damaged_line_of_a_log_is_named(line, tmp_path):
    first, *others = log_of(*LOG).encode().splitlines(keepends=True)
    (tmp_path / "log").write_bytes(b"".join([first, line, b"\n", *others]))
    with pytest.raises(BadInput, match=r"log is damaged in line 2 .* delete the file to go on"):
        checkpoint.load_lines(tmp_path / "log")


@pytest.mark.parametrize(
    "values",
    [{"loss": 1.0}, {"step": -1}, {"step": 1.5}, *({"step": 1, "loss": x} for x in (float("nan"), "1", None, True))],
)
def test_a_line_of_a_log_is_of_numbers(values, tmp_path):
    (tmp_path / "log").write_text(log_of(LOG[0], values))
    with pytest.raises(BadInput, match="log is damaged in line 2"):
        checkpoint.load_lines(tmp_path / "log")


@pytest.mark.parametrize("places", [(0, 2), (1, 2), (0, 2, 1), (0, 1, 1, 2), (0, 1, 2, 0, 1, 2)])
def test_lines_that_are_lost_or_doubled_or_moved_are_noticed(places, tmp_path):
    lines = log_of(*LOG).splitlines(keepends=True)
    (tmp_path / "log").write_text("".join(lines[place] for place in places))
    with pytest.raises(BadInput, match="log is damaged in line"):
        checkpoint.load_lines(tmp_path / "log")
