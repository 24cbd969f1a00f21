"""The search for hyperparameters: its ranges, its workers, what they leave, and what it says of a bad storage."""

import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from conftest import call
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minisiamese import data, networks
from minisiamese.checkpoint import load_json, load_lines
from minisiamese.data.dataset import hold_out
from minisiamese.errors import BadInput
from minisiamese.runs.recipes import RECIPES
from minisiamese.studies.search import __main__ as program
from minisiamese.studies.search import settings as search_settings
from minisiamese.studies.search import work as working
from minisiamese.studies.search.settings import (
    SearchOptions,
    beginnings,
    recipe_with,
    settings_of,
    suggested,
    suggested_kernels,
)
from minisiamese.train import __main__ as training
from minisiamese.train import trainer
from minisiamese.train.trainer import Trainer

SEARCH = ("glyphs", "--pairs", 20, "--steps", 4)
COMPLAINTS = SimpleNamespace(put=pytest.fail)


@pytest.fixture
def small(monkeypatch, drawings):
    """A few drawings, and networks of few weights; the worker is this process; asking for images to test on fails."""
    parts = dict(zip(("training", "validation"), hold_out(drawings, 1), strict=True))
    monkeypatch.setattr(data, "part", lambda name, *_: parts[name])
    monkeypatch.setattr(trainer, "VALIDATION_RUNS", 2)
    monkeypatch.setitem(RECIPES["paper"], "batch", 5)
    monkeypatch.setattr(search_settings, "MAPS", (16, 16))
    monkeypatch.setattr(search_settings, "UNITS", (128, 128))
    monkeypatch.setattr(working, "beginnings", lambda options: [{}])

    def started(work, *arguments):
        work(*arguments)
        return SimpleNamespace(is_alive=lambda: False, join=lambda: None, exitcode=0)

    monkeypatch.setattr(program, "started", started)


def start(monkeypatch, out, *options):
    return call(monkeypatch, program.main, *SEARCH, "--workers", 1, "--out", out, *options)


# --- what is searched -------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.sampled_from(["koch", "koch35"]))
def test_kernels_fit(places, network):
    """They are as large as the range and the image allow: one pixel more, and the smallest ones after it do not fit."""
    ranges = []

    def suggest_int(name, low, high):
        ranges.append((low, high))
        return low + round(places[len(ranges) - 1] * (high - low))

    kernels = suggested_kernels(SimpleNamespace(suggest_int=suggest_int), network)
    least, most = search_settings.KERNELS[network]

    def fits(kernels):
        try:
            return bool(search_settings.build(network, maps=(1,) * 4, kernels=kernels, embedding=1))
        except ValueError:
            return False

    assert fits(kernels)
    for place, (low, high) in enumerate(ranges):
        after = [least] * (3 - place)
        assert low == least and fits([*kernels[:place], high, *after])
        assert high == most or not fits([*kernels[:place], high + 1, *after])


@pytest.mark.parametrize("network", ["koch", "koch35"])
def test_suggestions_are_of_the_papers_ranges_and_begin_with_its_recipe(network, tmp_path):
    options = SearchOptions("glyphs", network=network, out=tmp_path)
    study = optuna.create_study()
    for values in beginnings(options):
        study.enqueue_trial(values)
    first, fast, second = (suggested(study.ask(), options) for _ in range(3))
    assert fast == first | {"lr": (0.1,) * 6}
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
    assert recipe_with(replace(options, data="omniglot"), second)["split"] == "paper"  # not looked at
    assert recipe_with(options, second)["split"] == "alphabets"

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
    assert {key: recipe[key] for key in best["settings"]} == best["settings"]

    monkeypatch.setattr(sys, "argv", f"train glyphs --recipe {out / 'recipe.json'} --steps 1".split())
    config = json.loads(json.dumps(training.from_command_line().checked().to_json()))
    assert recipe == {key: config[key] for key in recipe}

    assert start(monkeypatch, out, "--trials", 3) == 0  # nothing is left to do
    assert load_json(out / "trials.json")["trials"] == trials
    assert start(monkeypatch, out, "--trials", 4) == 0  # and with more trials it goes on
    assert load_json(out / "trials.json")["trials"][:3] == trials


def test_a_search_that_is_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, small):
    """A worker is told to stop in the second trial, between a validation and a save; another takes it up."""
    steps, step, judged = [], Trainer.train_step, []
    monkeypatch.setattr(Trainer, "train_step", lambda each: (steps.append(each.step), step(each))[1])
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert start(monkeypatch, whole, "--trials", 3) == 0
    steps.clear()
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=3, out=out)
    study = working.study_of(options)
    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda trial: judged.append(trial.number))
    working.work(options, None, SimpleNamespace(is_set=lambda: len(steps) >= 6), COMPLAINTS)
    assert steps == [0, 1, 2, 3, 0, 1] and (out / "trials/1/last.npz").exists()
    assert [each.state.name for each in study.get_trials()] == ["COMPLETE", "RUNNING"]
    accuracy = load_json(whole / "trials.json")["trials"][1]["validations"]["3"]
    study._storage.set_trial_intermediate_value(study.get_trials()[1]._trial_id, 3, accuracy)  # told, and not saved
    working.work(options, None, threading.Event(), COMPLAINTS)
    assert steps == [0, 1, 2, 3] * 3  # every step once
    assert judged == [0] * 3 + [1] * 2 + [2] * 3  # a step that was told is not judged again
    expected = [
        (each["number"], each["accuracy"], each["settings"]) for each in load_json(whole / "trials.json")["trials"]
    ]
    found = json.loads(json.dumps([suggested(optuna.trial.FixedTrial(each.params), options) for each in study.trials]))
    assert [(each.number, each.value, found[each.number]) for each in study.trials] == expected


def test_a_trial_at_which_another_process_works_is_left_to_it(tmp_path, monkeypatch, small):
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=2, out=tmp_path)
    first, second = working.study_of(options), working.study_of(options)
    with working.claimed(first, options) as one, working.claimed(second, options) as other:
        assert one[0].number == 0 and other[0].number == 1
        with working.claimed(second, options) as none:
            assert none is None
    with working.claimed(first, options) as again:  # now that nobody works at it
        assert again[0].number == 0 and again[1] == one[1]
    monkeypatch.setattr(platform, "node", lambda: "another")
    with working.claimed(first, options) as elsewhere:  # where nobody knows whether it is at work
        assert elsewhere is None


def test_workers_that_ask_at_the_same_time_make_no_more_trials_than_asked_for(tmp_path, monkeypatch, small):
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=1, out=tmp_path)
    first, second = working.study_of(options), working.study_of(options)
    ask = first.ask

    def ask_late():
        """The other worker asks between the count of this one and its question."""
        with working.claimed(second, options) as claim:
            assert claim[0].number == 0
            return ask()

    monkeypatch.setattr(first, "ask", ask_late)
    with working.claimed(first, options) as claim:
        assert claim is None
    assert [each.state.name for each in second.get_trials()] == ["RUNNING", "FAIL"]


def test_a_hopeless_trial_is_given_up_and_one_that_diverges_earns_nothing(tmp_path, monkeypatch, small):
    """From the sixth on, a trial below the others' median is given up at half its steps; the second one diverges."""
    options = SearchOptions("glyphs", pairs=20, steps=5, trials=7, out=tmp_path)
    study = working.study_of(options)
    finite = Trainer.finite

    def validate(trainer):
        return 0.1 if trainer.settings.machine.out.name == "6" else 0.5 + trainer.step / 100

    def diverging(trainer):
        return trainer.settings.machine.out.name != "1" and finite(trainer)

    monkeypatch.setattr(Trainer, "validate", validate)
    monkeypatch.setattr(Trainer, "finite", diverging)
    working.work(options, None, threading.Event(), COMPLAINTS)
    trials = study.get_trials()
    assert [each.state.name for each in trials] == ["COMPLETE"] * 6 + ["PRUNED"]
    assert [each.value for each in trials[:6]] == [0.55, 0, *[0.55] * 4]
    assert list(trials[6].intermediate_values) == [1, 2]
    assert not list(tmp_path.glob("trials/*/*.npz"))


def test_a_database_holds_a_search_too(tmp_path, monkeypatch, small):
    url = f"sqlite:///{tmp_path / 'search.db'}"
    assert start(monkeypatch, tmp_path / "a", "--trials", 1, "--storage", url) == 0
    assert start(monkeypatch, tmp_path / "b", "--trials", 2, "--storage", url) == 0  # as on another machine
    trials = [load_json(tmp_path / each / "trials.json")["trials"] for each in ("a", "b")]
    assert trials[1][:1] == trials[0] and len(trials[1]) == 2
    assert not (tmp_path / "a/search.journal").exists() and os.listdir(tmp_path / "b/trials") == ["1"]


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_a_search_of_other_settings_is_refused(tmp_path, monkeypatch, capsys, small):
    assert start(monkeypatch, tmp_path, "--trials", 1) == 0
    before = (tmp_path / "search.journal").read_bytes()
    for option, value in (("--steps", 5), ("--pairs", 30), ("--over", "network"), ("--seed", 1)):
        assert start(monkeypatch, tmp_path, "--trials", 2, option, value) == 2
        assert f"{option} cannot change: {tmp_path / 'search.journal'} holds a search with" in capsys.readouterr().err
    assert (tmp_path / "search.journal").read_bytes() == before
    url = f"sqlite:///{tmp_path / 'search.db'}"
    assert start(monkeypatch, tmp_path, "--storage", url) == 2  # whose trials would mix with those of the folder
    assert f"{tmp_path} holds something else than this search" in capsys.readouterr().err


def test_too_few_pairs_are_refused_before_anything_is_begun(tmp_path, monkeypatch, capsys, small):
    assert start(monkeypatch, tmp_path / "out", "--pairs", 3) == 2
    assert "--pairs 3 are fewer than the 5 of a step" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_search_on_other_images_is_refused(tmp_path, small):
    options = SearchOptions("folder", pairs=20, steps=4, trials=1, out=tmp_path, data_dir=tmp_path)
    working.study_of(options, "digest")
    with pytest.raises(BadInput, match="the images cannot change"):
        working.study_of(options, "another")


def test_a_search_whose_beginner_was_killed_is_begun_again(tmp_path, monkeypatch, small):
    options = SearchOptions("glyphs", pairs=20, steps=4, trials=1, out=tmp_path)
    assert working.begin(working.journal(options)) and not working.begin(working.journal(options))
    monkeypatch.setattr(working, "SECONDS", 0)
    study = working.study_of(options)
    assert working.SETTINGS in study.user_attrs and len(study.get_trials()) == 1


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
    study = working.study_of(SearchOptions("glyphs", pairs=20, steps=4, out=tmp_path))
    study.set_user_attr("written", "later")  # and others go on writing
    fail.clear()
    assert start(monkeypatch, tmp_path, "--trials", 1) == 0
    assert [each["number"] for each in load_json(tmp_path / "trials.json")["trials"]] == [0]
    assert study.user_attrs["written"] == "later"


# --- two processes ----------------------------------------------------------------------------------------------------


def begun(images, out, trials):
    """A search by two workers, once both are at work; the process, and the processes of the workers."""
    options = f"folder --over learning --pairs 128 --steps 3 --trials {trials} --workers 2 --data-dir {images}"
    command = [sys.executable, "-m", "minisiamese.studies.search", *options.split(), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    logs = [out / f"trials/{number}/metrics.jsonl" for number in (0, 1)]
    deadline = time.monotonic() + 120
    while not all(map(os.path.exists, logs)) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, [int(each) for each in children]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes of a program are looked up there")
def test_two_processes_share_a_search_that_outlives_one_of_them_and_ctrl_c(tmp_path, drawings):
    images, out = tmp_path / "images", tmp_path / "out"
    for label, rows in enumerate(drawings.rows_of_class[:20]):
        (images / f"class{label}").mkdir(parents=True)
        for row in rows:
            Image.fromarray(255 - drawings.images[row, :, :, 0]).save(images / f"class{label}/{row}.png")
    process, workers = begun(images, out, 3)
    os.kill(workers[-1], signal.SIGKILL)  # the other one takes up its trial
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and "stopped; the same command goes on" in told and "Traceback" not in told
    process, _ = begun(images, out, 3)
    assert process.wait(timeout=240) == 0
    assert [each["number"] for each in load_json(out / "trials.json")["trials"]] == [0, 1, 2]
