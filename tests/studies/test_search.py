"""The search for hyperparameters: its ranges, its workers, what they leave, and what it says of a bad storage."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from conftest import call
from hypothesis import given
from hypothesis import strategies as st

from minisiamese import data, networks
from minisiamese.checkpoint import load_json, load_lines
from minisiamese.data.dataset import hold_out
from minisiamese.runs.recipes import RECIPES
from minisiamese.studies.search import __main__ as program
from minisiamese.studies.search import settings as search_settings
from minisiamese.studies.search import work as working
from minisiamese.studies.search.settings import SearchOptions, beginning, fitting, recipe_of, settings_of, suggested
from minisiamese.train import __main__ as training
from minisiamese.train import trainer
from minisiamese.train.trainer import Trainer

SEARCH = ("glyphs", "--pairs", 20, "--steps", 4)


@pytest.fixture
def small(monkeypatch, drawings):
    """A few drawings, and networks of few weights; the worker is this process; asking for images to test on fails."""
    parts = dict(zip(("training", "validation"), hold_out(drawings, 1), strict=True))
    monkeypatch.setattr(data, "part", lambda name, *_: parts[name])
    monkeypatch.setattr(trainer, "VALIDATION_RUNS", 2)
    monkeypatch.setitem(RECIPES["paper"], "batch", 5)
    monkeypatch.setattr(search_settings, "MAPS", (16, 16))
    monkeypatch.setattr(search_settings, "UNITS", (128, 128))
    monkeypatch.setattr(working, "beginning", lambda options: {})

    def started(work, *arguments):
        work(*arguments)
        return SimpleNamespace(is_alive=lambda: False, join=lambda: None, exitcode=0)

    monkeypatch.setattr(program, "started", started)


def start(monkeypatch, out, *options):
    return call(monkeypatch, program.main, *SEARCH, "--workers", 1, "--out", out, *options)


# --- what is searched -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(3, 20), min_size=1, max_size=4), st.booleans())
def test_kernels_fit(kernels, large):
    """They are as large as asked for, as far as the smallest ones after them fit: one pixel more would be too much."""
    side, least = (105, 3) if large else (35, 2)
    found = fitting(kernels, side, least)
    assert all(least <= ours <= asked for ours, asked in zip(found, kernels, strict=True))

    def left(kernels):
        """The side after the last convolution."""
        pixels = side
        for place, kernel in enumerate(kernels):
            pixels = (pixels if place == 0 else pixels // 2) - kernel + 1
            if pixels < (2 if place < len(kernels) - 1 else 1):
                return 0
        return pixels

    assert left(found) > 0
    for place, (ours, asked) in enumerate(zip(found, kernels, strict=True)):
        after = [least] * (len(kernels) - place - 1)
        assert ours == asked or not left([*found[:place], ours + 1, *after])


@pytest.mark.parametrize("network", ["koch", "koch35"])
def test_suggestions_are_of_the_papers_ranges_and_begin_with_its_recipe(network, tmp_path):
    options = SearchOptions("glyphs", network=network, out=tmp_path)
    study = optuna.create_study()
    study.enqueue_trial(beginning(options))
    first, second = (suggested(study.ask(), options) for _ in range(2))
    names = {"lr", "momentum", "l2", "maps", "kernels", "embedding"}
    assert first.keys() == second.keys() == names
    plain = getattr(networks, network)(np.random.default_rng(0))
    built = getattr(networks, network)(
        np.random.default_rng(0), maps=first["maps"], kernels=first["kernels"], embedding=first["embedding"]
    )
    assert {k: v.shape for k, v in plain.arrays().items()} == {k: v.shape for k, v in built.arrays().items()}
    for key in ("lr", "momentum", "l2"):
        assert first[key] == RECIPES["paper"][key] * 6
        assert len(set(second[key])) == 6  # one a layer
    assert all(1e-4 <= rate <= 1e-1 for rate in second["lr"]) and all(0 <= weight <= 0.1 for weight in second["l2"])
    assert all(16 <= maps <= 256 and maps % 16 == 0 for maps in second["maps"]) and 128 <= second["embedding"] <= 4096
    settings = settings_of(options, second)
    assert settings.data.split == "alphabets" and settings.learning.lr == second["lr"]
    assert recipe_of(options, second)["split"] == "paper"  # which the search does not look at

    found = [suggested(study.ask(), SearchOptions("glyphs", over=over)).keys() for over in ("learning", "network")]
    assert found == [{"lr", "momentum", "l2"}, {"maps", "kernels", "embedding"}]


# --- a search ---------------------------------------------------------------------------------------------------------


def test_a_search_leaves_a_recipe_that_trains(tmp_path, monkeypatch, capsys, small):
    out = tmp_path / "out"
    assert start(monkeypatch, out, "--trials", 3) == 0
    assert f"--recipe {out / 'recipe.json'}" in capsys.readouterr().out
    assert {"recipe.json", "trials.json", "history.png", "importance.png", "parallel.png", "search.journal"} <= set(
        os.listdir(out)
    )
    trials = load_json(out / "trials.json")["trials"]
    assert [each["number"] for each in trials] == [0, 1, 2]
    for each in trials:  # the accuracy is that of the last weights, and no weights are kept
        lines = load_lines(out / "trials" / str(each["number"]) / "metrics.jsonl")
        assert each["accuracy"] == [line for line in lines if "validation_accuracy" in line][-1]["validation_accuracy"]
        assert sorted(os.listdir(out / "trials" / str(each["number"]))) == ["config.json", "metrics.jsonl"]
    best = max(trials, key=lambda each: each["accuracy"])
    recipe = json.loads((out / "recipe.json").read_text())
    assert recipe["lr"] == [best["settings"][f"lr-{layer}"] for layer in search_settings.LAYERS]

    assert start(monkeypatch, out, "--trials", 3) == 0  # nothing is left to do
    assert load_json(out / "trials.json")["trials"] == trials
    assert start(monkeypatch, out, "--trials", 4) == 0  # and with more trials it goes on
    assert load_json(out / "trials.json")["trials"][:3] == trials
    capsys.readouterr()

    words = f"train glyphs --recipe {out / 'recipe.json'} --split alphabets --steps 1"
    monkeypatch.setattr(sys, "argv", words.split())
    config = json.loads(json.dumps(training.from_command_line().checked().to_json()))
    assert recipe | {"split": "alphabets"} == {key: config[key] for key in recipe}


def test_a_search_that_is_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, capsys, small):
    """Ctrl-C in the second trial; the same command takes it up where it was saved, and both searches are alike."""
    steps, step = [], Trainer.train_step

    def step_and_interrupt(trainer):
        steps.append(trainer.settings.machine.out)
        if len(steps) == 6:
            signal.raise_signal(signal.SIGINT)
        return step(trainer)

    whole, out = tmp_path / "whole", tmp_path / "out"
    assert start(monkeypatch, whole, "--trials", 3) == 0
    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    stop = threading.Event()
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=3, out=out)
    complaints = SimpleNamespace(put=pytest.fail)
    study = working.study_of(options)
    working.work(options, SimpleNamespace(is_set=lambda: len(steps) >= 6), complaints)
    assert len(steps) == 6 and (out / "trials/1/last.npz").exists()
    assert [each.state.name for each in study.get_trials()] == ["COMPLETE", "RUNNING"]
    working.work(options, stop, complaints)
    assert len(steps) == 3 * 4  # every step once
    expected = [
        (each["number"], each["accuracy"], each["settings"]) for each in load_json(whole / "trials.json")["trials"]
    ]
    assert [(each.number, each.value, each.params) for each in study.get_trials()] == expected


def test_a_trial_at_which_another_process_works_is_left_to_it(tmp_path, small):
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=2, out=tmp_path)
    first, second = working.study_of(options), working.study_of(options)
    with working.claimed(first, options) as one, working.claimed(second, options) as other:
        assert one[0].number == 0 and other[0].number == 1
        with working.claimed(second, options) as none:
            assert none is None
    with working.claimed(first, options) as again:  # now that nobody works at it
        assert again[0].number == 0 and again[1].learning.lr == one[1].learning.lr


def test_a_hopeless_trial_is_given_up_and_one_that_diverges_earns_nothing(tmp_path, monkeypatch, small):
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=2, out=tmp_path)
    study = working.study_of(options)
    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda trial: trial.number == 0)
    validate = Trainer.validate

    def diverge(trainer):
        if trainer.step == 2 and trainer.settings.machine.out.name == "1":
            trainer.network.arrays()["twin.0.conv.W"][...] = np.nan
        return validate(trainer)

    monkeypatch.setattr(Trainer, "validate", diverge)
    working.work(options, threading.Event(), SimpleNamespace(put=pytest.fail))
    pruned, diverged = study.get_trials()
    assert pruned.state.name == "PRUNED" and list(pruned.intermediate_values) == [1]
    assert diverged.state.name == "COMPLETE" and diverged.value == 0
    assert not list(tmp_path.glob("trials/*/*.npz"))


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_a_search_of_other_settings_is_refused(tmp_path, monkeypatch, capsys, small):
    assert start(monkeypatch, tmp_path, "--trials", 1) == 0
    before = (tmp_path / "search.journal").read_bytes()
    for option, value in (("--steps", 5), ("--pairs", 30), ("--over", "network"), ("--seed", 1)):
        assert start(monkeypatch, tmp_path, "--trials", 2, option, value) == 2
        assert f"{option} cannot change: {tmp_path / 'search.journal'} holds a search with" in capsys.readouterr().err
    assert (tmp_path / "search.journal").read_bytes() == before


def test_storages_that_cannot_be_used_are_one_line(tmp_path, monkeypatch, capsys, small):
    text = tmp_path / "text"
    text.write_text("no database\n")
    study = optuna.create_study(study_name=working.STUDY, storage=f"sqlite:///{tmp_path / 'other.db'}")
    study.add_trial(optuna.create_trial(value=1.0))
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/search.journal").write_text("no journal\n")
    locked = sqlite3.connect(tmp_path / "locked.db")
    locked.execute("create table held (a)")
    locked.execute("begin exclusive")
    out = tmp_path / "out"
    cases = {
        f"sqlite:///{text}": "--storage cannot be used (file is not a database)",
        f"sqlite:///{tmp_path}/nowhere/x.db": "--storage cannot be used (unable to open database file)",
        f"sqlite:///{tmp_path}/locked.db?timeout=0.1": "--storage cannot be used (database is locked)",
        f"sqlite:///{tmp_path}/other.db": "--storage holds another search",
        "nonsense": "--storage cannot be used (Could not parse",
        "postgresql://me:secret@localhost/x": "--storage holds no search, or cannot be read",
    }
    for storage, complaint in cases.items():
        assert start(monkeypatch, out, "--storage", storage) == 2
        told = capsys.readouterr().err
        assert complaint in told and told.count("\n") == 1 and "secret" not in told
    assert start(monkeypatch, tmp_path / "journal") == 2
    assert "search.journal holds no search" in capsys.readouterr().err
    assert len(study.get_trials()) == 1
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert start(monkeypatch, out) == 2
    assert "the search needs Optuna: pip install -e '.[search]'" in capsys.readouterr().err


def test_a_storage_that_fails_in_the_middle_is_one_line_and_the_trial_goes_on(tmp_path, monkeypatch, capsys, small):
    fail = [True]
    report = optuna.trial.Trial.report

    def full(trial, *arguments):
        if fail:
            raise OSError(28, "No space left on device", str(tmp_path / "search.journal"))
        report(trial, *arguments)

    monkeypatch.setattr(optuna.trial.Trial, "report", full)
    assert start(monkeypatch, tmp_path, "--trials", 1) == 2
    told = capsys.readouterr().err.strip()
    assert "No space left on device" in told and "Traceback" not in told
    with open(tmp_path / "search.journal", "a") as file:
        file.write('{"op_code": 6, "wor')  # as a full disk leaves it
    fail.clear()
    assert start(monkeypatch, tmp_path, "--trials", 1) == 0
    assert [each["number"] for each in load_json(tmp_path / "trials.json")["trials"]] == [0]


# --- two processes ----------------------------------------------------------------------------------------------------


def test_two_processes_share_a_search_and_one_goes_on_with_the_trial_of_the_other_that_is_killed(tmp_path):
    options = "glyphs --over learning --pairs 128 --steps 3 --trials 2 --workers 2".split()
    command = [sys.executable, "-m", "minisiamese.studies.search", *options, "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    logs = [tmp_path / f"trials/{number}/metrics.jsonl" for number in (0, 1)]
    deadline = time.monotonic() + 120
    while not all(map(os.path.exists, logs)) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    workers = [int(each) for each in open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()]
    os.kill(workers[-1], signal.SIGKILL)
    assert process.wait(timeout=240) == 0
    assert len(load_json(tmp_path / "trials.json")["trials"]) == 2
