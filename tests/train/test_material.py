"""A run on all alphabets, none held out, on a minimal split, and with steps on invented alphabets."""

import json
import signal

import numpy as np
import pytest

from minisiamese import checkpoint
from minisiamese.data import glyphs, omniglot, part
from minisiamese.data.chimeras import chimeras
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.runs import build
from minisiamese.runs.settings import DataSettings, Settings
from minisiamese.train import __main__ as train
from minisiamese.train import final_tests
from minisiamese.train import trainer as training
from minisiamese.train.trainer import Trainer
from tests.conftest import call, write_alphabets

FEW = "--network conv4 --batch 6 --drawings 3 --views 1 --tests quick --lr 1e-3".split()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small tests, small splits of the few alphabets that the tests' Omniglot has, and few invented alphabets."""
    monkeypatch.setattr(training, "VALIDATION_RUNS", 2)
    monkeypatch.setattr(final_tests, "picture_pairs", lambda *content: None)
    monkeypatch.setattr(final_tests, "picture_trials", lambda *content: None)
    monkeypatch.setitem(final_tests.QUICK["one_shot"], "trials", 10)
    monkeypatch.setitem(final_tests.QUICK["verification"], "trials", 40)
    monkeypatch.setattr(omniglot, "SMALL", dict.fromkeys(omniglot.SMALL, ("glyphs01", "glyphs03")))
    monkeypatch.setattr(build, "MADE_UP", 2)
    monkeypatch.setattr(build, "MADE_UP_STEPS", 3)


def run(monkeypatch, folder, out, *more, steps=6):
    argv = ["omniglot", "--data-dir", folder, "--out", out, "--steps", steps, *FEW, *more]
    return call(monkeypatch, train.main, *argv)


# --- nothing held out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--validation-alphabets", 0), ("--split", "small1")])
def test_a_run_that_holds_nothing_out_keeps_its_last_weights_and_says_so(
    options, small_omniglot, tmp_path, monkeypatch, capsys
):
    accuracies = iter([0.9, 0.8, 0.7, 0.2])
    monkeypatch.setattr(Trainer, "validate", lambda trainer: next(accuracies))
    assert run(monkeypatch, small_omniglot, tmp_path / "run", "--validate-every", 2, *options) == 0
    told = capsys.readouterr().out
    assert "none is held out: the last weights are kept" in told
    assert "on training alphabets in mirror writing 20.0%" in told
    assert "the last weights are those of step 6" in told and "best weights" not in told
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["best_step"], summary["validated_on"]) == (6, "mirror writing")
    best, last = (checkpoint.load(tmp_path / f"run/{name}.npz")[0] for name in ("best", "last"))
    assert all(np.array_equal(best[key], last[key]) for key in best)
    given = (tmp_path / "run", "--data-dir", small_omniglot, "--protocol", "nway", "--trials", 10)
    assert call(monkeypatch, evaluate.main, *given, "--split", "validation") == 0
    assert "of the mirror-written training split of omniglot" in capsys.readouterr().out
    limit = (tmp_path / "run", "--data-dir", small_omniglot, "--protocol", "threshold", "--false-match-rate", 0.3)
    assert call(monkeypatch, evaluate.main, *limit) == 0
    assert "chosen on the mirror-written training images" in capsys.readouterr().out
    assert call(monkeypatch, evaluate.main, tmp_path / "run", "--data-dir", small_omniglot, "--protocol", "lake") == 0


def test_nothing_held_out_leaves_nothing_to_be_patient_about():
    with pytest.raises(BadInput, match="--patience is for runs that hold images out"):
        Settings.of_recipe(data="omniglot", validation_alphabets=0, patience=3).checked()
    with pytest.raises(BadInput, match="--flips trains on mirror writing"):
        Settings.of_recipe(data="omniglot", split="small1", flips=True).checked()


# --- the minimal splits -----------------------------------------------------------------------------------------------


def test_a_minimal_split_is_found_in_either_archive(small_omniglot, tmp_path, monkeypatch):
    settings = DataSettings("omniglot", split="small2")
    by_name = part("training", settings, small_omniglot)
    assert by_name.group_names == ("glyphs01", "glyphs03")
    (tmp_path / "omniglot").mkdir()
    write_alphabets(tmp_path / "omniglot/images_background_small2.zip", by_name, "images_background_small2")
    own = part("training", settings, tmp_path)
    assert np.array_equal(own.images, by_name.images) and own.group_names == by_name.group_names
    for name in omniglot.WHOLE[1:]:
        (tmp_path / f"omniglot/{name}.zip").symlink_to(small_omniglot / f"omniglot/{name}.zip")
    omniglot.check_present(tmp_path, "small2")  # all that such a run reads
    with pytest.raises(BadInput, match="no omniglot/images_background"):
        omniglot.check_present(tmp_path)
    monkeypatch.setitem(omniglot.SMALL, "small2", ("glyphs01", "glyphs02", "glyphs77"))
    with pytest.raises(BadInput, match=r"images_background_small2\.zip lacks glyphs02, glyphs77 of --split small2"):
        part("training", settings, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("split", "characters"), [("small1", 136), ("small2", 156)])
def test_the_minimal_splits_are_the_official_ones(real_omniglot, monkeypatch, split, characters):
    monkeypatch.undo()
    own = omniglot.small_part(split, real_omniglot)
    assert (len(own.group_names), len(own.rows_of_class)) == (5, characters)
    here = omniglot.here
    assert here(f"images_background_{split}", real_omniglot)
    monkeypatch.setattr(omniglot, "here", lambda name, folder: None if "small" in name else here(name, folder))
    assert np.array_equal(omniglot.small_part(split, real_omniglot).images, own.images)


# --- invented alphabets -----------------------------------------------------------------------------------------------


def trainer(drawings, tmp_path, **settings):
    settings = {"network": "conv4", "batch": 4, "drawings": 2, "steps": 9, "out": tmp_path} | settings
    return Trainer(Settings.of_recipe(data="omniglot", **settings).checked(), drawings, drawings.mirrored())


def test_a_share_of_the_steps_is_of_ever_new_alphabets(drawings, tmp_path, monkeypatch):
    made, make = [], glyphs.make
    monkeypatch.setattr(
        glyphs, "make", lambda numbers, *more, **how: made.append(list(numbers)) or make(numbers, *more, **how)
    )
    mixed = trainer(drawings, tmp_path, mix=("glyphs:0.5",), steps=300)
    sizes = []
    for mixed.step in range(300):
        sizes.append(mixed.next_material() is mixed.material)
    assert 0.4 < np.mean(sizes) < 0.6
    numbers = [number for each in made for number in each]
    assert len(set(numbers)) == len(numbers) == 2 * len(made) and min(numbers) >= 50  # none twice, none of glyphs
    other = trainer(drawings, tmp_path, mix=("glyphs:1",), seed=1)
    made.clear()
    assert other.next_material() is other.made_up["glyphs"][1] and not set(made[0]) & set(numbers)


def test_without_mix_no_alphabet_is_invented_and_no_number_drawn(drawings, tmp_path):
    plain = trainer(drawings, tmp_path)
    before = plain.rng.bit_generator.state
    assert plain.next_material() is plain.material and plain.rng.bit_generator.state == before


@pytest.mark.parametrize("loss", ["nway", "triplet"])
def test_a_mixed_run_goes_on_as_if_it_had_not_been_stopped(loss, small_omniglot, tmp_path, monkeypatch):
    monkeypatch.setattr(final_tests, "test_best", lambda trainer: {})
    more = ("--mix", "glyphs:0.3", "chimeras:0.3", "--validation-alphabets", 1, "--loss", loss, "--checkpoint-every", 2)
    more += ("--mining", "hard") if loss == "triplet" else ()
    assert run(monkeypatch, small_omniglot, tmp_path / "whole", *more) == 0
    step = Trainer.train_step

    def step_and_interrupt(trainer):
        loss = step(trainer)
        if trainer.step == 4:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    assert run(monkeypatch, small_omniglot, tmp_path / "cut", *more) == 130
    again = ("omniglot", "--data-dir", small_omniglot, "--out", tmp_path / "cut", "--resume")
    assert call(monkeypatch, train.main, *again) == 0
    whole, cut = (checkpoint.load(tmp_path / name / "last.npz")[0] for name in ("whole", "cut"))
    assert all(np.array_equal(whole[key], cut[key]) for key in whole)


@pytest.mark.parametrize(
    "mix",
    [
        *("glyphs", "glyphs:", "glyphs:0", "glyphs:1.5", "glyphs:nan", "omniglot:0.5", "0.5", ""),
        *(("glyphs:0.6", "chimeras:0.6"), ("glyphs:0.2", "glyphs:0.2"), ("none",), ("none", "glyphs:0.5")),
    ],
)
def test_a_mix_that_cannot_be_is_refused_in_a_line(mix):
    with pytest.raises(BadInput, match="--mix must be glyphs:SHARE chimeras:SHARE or one of these"):
        Settings.of_recipe(data="omniglot", mix=(mix,) if isinstance(mix, str) else mix).checked()


def test_a_mix_is_for_alphabets_and_tuples_drawn_anew(tmp_path):
    for settings, where in (
        ({"data": "folder", "data_dir": tmp_path}, "folder"),
        ({"data": "omniglot", "loss": "bce", "pairs": 200}, "--pairs"),
    ):
        with pytest.raises(BadInput, match=f"--mix is for tuples drawn at random from alphabets, not for {where}"):
            Settings.of_recipe(mix=("glyphs:0.5",), **settings).checked()


# --- chimeras ---------------------------------------------------------------------------------------------------------


def test_a_chimera_is_two_halves_of_one_alphabet_by_one_hand(drawings):
    made = chimeras(drawings, 3, 4, np.random.default_rng(0))
    assert made.group_names == ("chimeras01", "chimeras02", "chimeras03") and made.images.dtype == np.uint8
    assert [len(rows) for rows in made.rows_of_class] == [4] * len(made.rows_of_class)
    assert 60 < len(made.rows_of_class) <= 3 * 28
    centred = {}
    for row, image in enumerate(drawings.images[..., 0]):
        y, x = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        shift = (52 - (y[0] + y[-1] + 1) // 2, 52 - (x[0] + x[-1] + 1) // 2)
        centred[row] = np.roll(image, shift, (0, 1))
    (y, x), characters = np.mgrid[:105, :105] - 52, []
    for image in made.images[::16, :, :, 0]:
        # the two drawings that agree with it in most pixels far on one side of its middle, for some side
        sides = [side for side in (x < -20, x > 20, y < -20, y > 20) if image[side].any()]
        parents = [[row for row, each in centred.items() if np.array_equal(each[side], image[side])] for side in sides]
        rows = [each[0] for each in parents if len(each) == 1]
        assert len({(drawings.groups[row], drawings.drawers[row]) for row in rows}) <= 1
        characters.append(len(set(drawings.labels[rows])))
    assert max(characters) == 2 and characters.count(2) > len(characters) / 2


def test_alphabets_that_make_no_chimeras_are_refused(drawings):
    lone = drawings.take_classes([classes[0] for classes in drawings.classes_of_group])
    with pytest.raises(BadInput, match="--mix chimeras takes alphabets of two characters or more"):
        chimeras(lone, 3, 4, np.random.default_rng(0))


def test_chimeras_are_others_each_time_and_the_same_from_a_seed(drawings, tmp_path):
    trainers = [trainer(drawings, tmp_path, seed=seed, mix=("chimeras:1",)) for seed in (0, 0, 1)]
    first, again, other = (each.next_material().dataset.images for each in trainers)
    assert np.array_equal(first, again) and not np.array_equal(first[:50], other[:50])
    trainers[0].step = 3
    assert not np.array_equal(first[:50], trainers[0].next_material().dataset.images[:50])


def test_warps_are_the_default_for_distorted_drawings():
    for settings, warps in (
        ({}, True),
        ({"data": "glyphs"}, True),
        ({"distort": False}, False),
        ({"flips": True}, False),
        ({"recipe": "paper"}, False),
        ({"data": "folder", "data_dir": "images"}, False),
    ):
        checked = Settings.of_recipe(**({"data": "omniglot"} | settings)).checked()
        assert (checked.data.warp > 0) == warps, settings
    with pytest.raises(BadInput, match="--warp is for distortions drawn at random, not for --no-distort"):
        Settings.of_recipe(data="omniglot", distort=False, warp=0.1).checked()
