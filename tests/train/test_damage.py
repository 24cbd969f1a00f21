"""A run whose files are not what it wrote, or that another process is at work on: one line, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import call

from minisiamese import checkpoint
from minisiamese.checkpoint import load_json, save_json
from minisiamese.data import folder as images
from minisiamese.data import glyphs
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.evaluate import protocols
from minisiamese.predict import __main__ as predict
from minisiamese.runs.folder import Folder
from minisiamese.train import __main__ as train
from minisiamese.train import trainer as training
from minisiamese.train.trainer import Trainer

HUGE, STATE = 10**40, np.random.default_rng(0).bit_generator.state
NUMBERS = (None, -1, "1", True, [1], {}, HUGE)


@pytest.fixture(autouse=True, scope="module")
def quick_tests():
    """Six classes of a few drawings; the tests after training take few trials."""
    patch = pytest.MonkeyPatch()
    drawings = glyphs.make(range(1), drawers=6).take_classes(range(6))
    parts = dict.fromkeys(("training", "validation", "evaluation"), drawings)
    patch.setattr(images, "part", lambda name, path, largest: parts[name])
    patch.setattr(training, "VALIDATION_RUNS", 1)
    for name, trials in {"nway": 12, "verification": 12}.items():
        patch.setitem(protocols.PROTOCOLS, name, replace(protocols.PROTOCOLS[name], trials=trials))
    yield
    patch.undo()


def start(monkeypatch, out, *more):
    fixed = ("--data-dir", ".", "--network", "conv4", "--batch", 3, "--drawings", 2, "--steps", 6, "--views", 1)
    fixed += ("--validate-every", 3, "--checkpoint-every", 2, "--threads", 1, "--out", out)
    return call(monkeypatch, train.main, "folder", *fixed, *more)


@pytest.fixture(scope="module")
def stopped(quick_tests, tmp_path_factory):
    """A run that was stopped after four steps."""
    out, patch = tmp_path_factory.mktemp("runs") / "stopped", pytest.MonkeyPatch()
    step = Trainer.train_step

    def step_and_stop(trainer):
        loss = step(trainer)
        if trainer.step == 4:
            signal.raise_signal(signal.SIGTERM)  # as batch systems do
        return loss

    patch.setattr(Trainer, "train_step", step_and_stop)
    assert start(patch, out) == 130
    patch.undo()
    return out


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of it, that may be changed."""
    out = tmp_path / "run"
    out.mkdir()
    for path in stopped.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    values = load_json(out / "config.json")
    save_json(out / "config.json", values | {"out": str(out)})
    return out


def refused(capsys, code, *words):
    said = capsys.readouterr()
    assert code == 2 and said.err.startswith("error: ") and said.err.count("\n") == 1, said
    assert all(word in said.err for word in words), said.err


def test_a_run_that_was_asked_to_end_goes_on(run, monkeypatch, capsys):
    """SIGTERM saved it; another process that is killed unlocks it."""
    assert checkpoint.load(run / "last.npz")[1]["step"] == 4
    assert start(monkeypatch, run, "--resume") == 0
    assert load_json(run / "summary.json")["finished"] and "Traceback" not in capsys.readouterr().err
    log = run / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-9])  # the validation of the last step
    refused(capsys, start(monkeypatch, run, "--resume"), "metrics.jsonl ends before the last line of step 6")


# --- what last.npz and best.npz say of themselves ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, value",
    [
        *((key, value) for key in ("step", "steps", "best_step") for value in (*NUMBERS, 1.5, 10**9)),
        *((key, value) for key in ("seconds", "best", "validation_seconds") for value in (*NUMBERS, 1e300, "nan")),
        *(("random_state", value) for value in (*NUMBERS, {**STATE, "state": 3}, {**STATE, "uinteger": None})),
        *(("random_state", {**STATE, "has_uint32": value}) for value in (None, 7, "0", HUGE)),
        *(("random_state", {**STATE, "uinteger": value}) for value in (-1, HUGE)),
        *(("random_state", {**STATE, "bit_generator": value}) for value in (None, "MT19937")),
        *(("random_state", {**STATE, "state": {**STATE["state"], "inc": value}}) for value in (None, -1, 1.5, 4, HUGE)),
        *(("config", value) for value in (None, [], {}, {"data": "folder", "seed": 7})),
    ],
)
def test_a_last_checkpoint_that_cannot_be_is_refused(key, value, run, monkeypatch, capsys):
    arrays, meta = checkpoint.load(run / "last.npz")
    checkpoint.save(run / "last.npz", arrays, meta | {key: float("nan") if value == "nan" else value})
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    refused(capsys, start(monkeypatch, run, "--resume"), "last.npz")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize("key", ["step", "steps", "seconds", "best", "best_step", "validation_seconds", "random_state"])
def test_a_last_checkpoint_without_a_counter_is_refused(key, run, monkeypatch, capsys):
    arrays, meta = checkpoint.load(run / "last.npz")
    checkpoint.save(run / "last.npz", arrays, {name: value for name, value in meta.items() if name != key})
    refused(capsys, start(monkeypatch, run, "--resume"), "last.npz", "take another --out")


@pytest.mark.parametrize(
    "change",
    [
        *({"channels": value} for value in (*NUMBERS, 0, 1.5, 2)),
        *({"step": value} for value in (*NUMBERS, 1.5)),
        *({"validation_accuracy": value} for value in (-1, "1", True, 1.5)),
        *({"calibration": value} for value in (1, [], {}, {"slope": None, "offset": 0}, {"slope": 1, "offset": "1"})),
        *({"config": {"views": value}} for value in (*NUMBERS, 0, 1.5, 10**9)),
        *({"config": {"embedding": value}} for value in (-1, "1", 1.5, HUGE)),
        *({"config": {key: value}} for key in ("lr", "frame", "out", "data", "network") for value in (7, [None], {})),
        {"config": None},
        {"config": []},
    ],
)
def test_a_best_checkpoint_that_cannot_be_is_refused(change, run, monkeypatch, capsys):
    arrays, meta = checkpoint.load(run / "best.npz")
    if isinstance(change.get("config"), dict):
        change = {"config": meta["config"] | change["config"]}
    checkpoint.save(run / "best.npz", arrays, meta | change)
    refused(capsys, call(monkeypatch, evaluate.main, run), "best.npz")
    refused(capsys, call(monkeypatch, predict.main, "a.png", "b.png", "--run", run), "best.npz")


# --- config.json and metrics.jsonl ------------------------------------------------------------------------------------


def test_no_byte_of_config_changes_unnoticed(run, monkeypatch, capsys, rng):
    whole = (run / "config.json").read_bytes()
    for place in rng.choice(len(whole), 20, replace=False):
        (run / "config.json").write_bytes(whole[:place] + bytes([whole[place] ^ 2]) + whole[place + 1 :])
        if json_of(run / "config.json") != json.loads(whole):
            refused(capsys, start(monkeypatch, run, "--resume"), "config.json")


def json_of(path):
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None


def test_a_checkpoint_of_another_run_is_refused(run, monkeypatch, capsys):
    """The files of two runs, mixed up: each is sound in itself."""
    save_json(run / "config.json", load_json(run / "config.json") | {"seed": 8})
    refused(capsys, start(monkeypatch, run, "--resume"), "last.npz", "other settings")


@pytest.mark.parametrize("line", ["null", "[1]", "7", '{"loss": 1.0}', "", "\x00", "[" * 10_000])
def test_a_damaged_log_is_named_and_can_be_left(line, run, monkeypatch, capsys):
    log = run / "metrics.jsonl"
    first, *others = log.read_text().splitlines(keepends=True)
    log.write_text(f"{first}{line}\n{''.join(others)}")
    refused(capsys, start(monkeypatch, run, "--resume"), "metrics.jsonl is damaged in line 2", "delete the file")
    log.write_text(first)
    refused(capsys, start(monkeypatch, run, "--resume"), "ends before the last line of step 4", "delete it")
    log.unlink()
    if line == "null":  # once is enough
        assert start(monkeypatch, run, "--resume") == 0


# --- two at once, and full disks --------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="has no fcntl")
def test_a_folder_is_for_one_process_at_a_time(run, monkeypatch, capsys):
    code = f"from minisiamese.runs.folder import Folder\nwith Folder({str(run)!r}, '').begun({{}}, True):\n"
    code += " print('in', flush=True)\n input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"in\n"
    refused(capsys, start(monkeypatch, run, "--resume"), "another process is at work", "give another --out")
    other.kill()
    other.communicate()
    with Folder(run, "").begun({}, True):
        pass


def test_a_folder_that_was_begun_meanwhile_is_not_begun_again(tmp_path):
    first, second = (Folder(tmp_path / "run", "program") for _ in range(2))
    with first.begun({"seed": 1}, False):
        pass
    with pytest.raises(BadInput, match="exists already"), second.begun({"seed": 2}, False):
        pass
    assert load_json(tmp_path / "run/config.json") == {"seed": 1}


def test_a_folder_whose_beginning_was_killed_is_begun(tmp_path):
    (tmp_path / "config.json.part").write_text('{"see')
    with Folder(tmp_path, "program").begun({"seed": 1}, False):
        assert load_json(tmp_path / "config.json") == {"seed": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("name", ["last.npz", "best.npz", "summary.json", "curves.png", "trial.png"])
def test_a_full_disk_keeps_what_was_saved(name, run, monkeypatch, capsys):
    """The disk is full when a file is written for the second time, or at the end: the run goes on when it is not."""
    synchronise, part, full = os.fsync, f"{name}.part", []

    def fsync(descriptor):
        if os.path.exists(run / part):
            full.append(name)
            raise OSError(28, "No space left on device")
        return synchronise(descriptor)

    before = (run / "last.npz").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        refused(capsys, start(patch, run, "--resume"), f"--out: cannot write {run}", "No space left")
    assert full and not list(run.glob("*.part"))
    assert name != "last.npz" or (run / "last.npz").read_bytes() == before
    assert start(monkeypatch, run, "--resume") == 0 and load_json(run / "summary.json")["finished"]


def test_weights_that_are_infinite_are_not_saved(run, monkeypatch, capsys):
    step = Trainer.train_step

    def spoil(trainer):
        loss = step(trainer)
        next(iter(trainer.optimizer.state.values()))[...] = np.inf
        return loss

    before = (run / "last.npz").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", spoil)
        refused(capsys, start(patch, run, "--resume"), "no longer a number", "--lr")
    assert (run / "last.npz").read_bytes() == before
