"""Sweeps on a few drawings: what they vary, what they leave, and that nothing is made twice or on test images."""

import signal
from dataclasses import replace

import numpy as np
import pytest
from conftest import call

from minisiamese import data
from minisiamese.checkpoint import load_json
from minisiamese.data.dataset import hold_out
from minisiamese.errors import BadInput
from minisiamese.studies.sweeps import __main__ as program
from minisiamese.studies.sweeps import pictures as sweep_pictures
from minisiamese.studies.sweeps import settings as sweeps
from minisiamese.studies.sweeps import trainings
from minisiamese.train import trainer
from minisiamese.train.trainer import Trainer

DONE = 2 * 3  # trainings of two sweeps of two values and two seeds; those of the base are shared


@pytest.fixture(autouse=True)
def small(monkeypatch, drawings):
    """Two values a sweep, steps of a few drawings; asking for images to test on fails."""
    parts = dict(zip(("training", "validation"), hold_out(drawings, 1), strict=True))
    monkeypatch.setattr(data, "part", lambda name, *_: parts[name])
    monkeypatch.setattr(trainer, "VALIDATION_RUNS", 2)
    monkeypatch.setattr(sweeps, "TUPLES", 10)
    monkeypatch.setattr(sweeps, "WAYS", 5)
    monkeypatch.setattr(trainings, "CLASSES", 5)
    values = {"lr": (1e-3, 1e-2), "margin": (1.0, 2.0), "positive": (0.4, 0.6), "hardest": (0.1, 0.5)}
    for name, each in values.items():
        monkeypatch.setitem(sweeps.SWEEPS, name, replace(sweeps.SWEEPS[name], values=each))


@pytest.fixture
def made(monkeypatch):
    """The folders of trainings, one for each step made in them."""
    steps, step = [], Trainer.train_step
    monkeypatch.setattr(
        Trainer, "train_step", lambda each: (steps.append(each.settings.machine.out.name), step(each))[1]
    )
    return steps


def start(monkeypatch, out, *options):
    return call(monkeypatch, program.main, "glyphs", "--out", out, "--threads", 1, *options)


OPTIONS = ("--only", "lr,margin", "--seeds", 2, "--steps", 2)


def test_the_whole_program_interrupted_and_gone_on_with(tmp_path, monkeypatch, capsys, made):
    step, out = Trainer.train_step, tmp_path / "out"

    def step_and_interrupt(trainer):
        loss = step(trainer)
        if len(made) in (5, 8):  # in the third training and at the end of the fourth
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    assert start(monkeypatch, out, *OPTIONS) == 130
    told = capsys.readouterr()
    assert told.err.strip().endswith(f"go on with: python -m minisiamese.studies.sweeps glyphs --out {out} --resume")
    assert not told.out and len(list(out.glob("trainings/*/result.json"))) == 2 and not (out / "results.json").exists()

    assert start(monkeypatch, out, *OPTIONS) == 2
    assert "exists already" in capsys.readouterr().err
    assert start(monkeypatch, out, "--resume", "--seeds", 3) == 2  # the default, but not of these
    assert f"--seeds cannot change on --resume: {out} was begun with 2" in capsys.readouterr().err
    assert start(monkeypatch, out, "--resume") == 130  # the fourth was complete, and is kept
    assert len(list(out.glob("trainings/*/result.json"))) == 4
    capsys.readouterr()
    assert start(monkeypatch, out, "--resume") == 0
    assert len(made) == 2 * DONE and len(set(made)) == DONE  # every step once
    results, table = load_json(out / "results.json"), (out / "sweeps.md").read_text()
    assert table == sweep_pictures.render(results) and table in capsys.readouterr().out
    assert (out / "sweeps.png").stat().st_size > 10_000

    monkeypatch.setattr(sweep_pictures, "draw", lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr(trainings, "Trainer", None)  # not even begun again
        assert start(patch, out, "--resume") == 0
    assert start(monkeypatch, tmp_path / "whole", *OPTIONS) == 0
    assert load_json(tmp_path / "whole/results.json") == results
    points = results["lr"]["points"]
    assert [point["value"] for point in points] == [1e-3, 1e-2] and results["lr"]["trials"] == 40
    assert points[0] | {"value": 0} == results["margin"]["points"][1] | {"value": 0}  # both the base
    assert len({tuple(point["accuracy"]["seeds"]) for point in points}) == 2
    for figure in (points[0]["accuracy"], points[0]["mean_average_precision"]):
        assert figure["mean"] == pytest.approx(np.mean(figure["seeds"]))
        assert 0 < figure["interval"][0] < figure["mean"] < figure["interval"][1] < 1

    path = next(out.glob("trainings/*/result.json"))
    path.write_text("{")
    assert start(monkeypatch, out, "--resume") == 2
    assert f"{path} is damaged" in capsys.readouterr().err


def test_a_training_differs_from_the_base_in_one_setting(tmp_path):
    config = sweeps.SweepsOptions("glyphs", tmp_path, flips=True, threads=1)
    base = sweeps.training(config, "lr", sweeps.BASE["lr"], 0)
    assert (base.loss.name, base.loss.margin, base.loss.positive) == ("contrastive-linear", 2, 0.4)
    assert base.network.embedding == 256
    assert base.data.flips and not base.data.turn and base.measuring.validate_every == base.learning.steps
    for name, value in {"lr": 1e-2, "positive": 0.6, "margin": 1.0, "embedding": 16}.items():
        other = sweeps.training(config, name, value, 0).to_json()
        different = {key for key, kept in base.to_json().items() if other[key] != kept}
        assert different == {name, "out"} and other[name] in (value, (value,))
        assert sweeps.training(config, name, sweeps.BASE[name], 0) == base
    loss = sweeps.training(config, "hardest", 0.1, 0).loss
    assert (loss.name, loss.mining, loss.hardest, loss.batch) == ("triplet-squared", "hardest", 0.1, 5)
    triplet = replace(config, loss="triplet")
    losses = {name: sweeps.training(triplet, name, each.values[0], 0).loss.name for name, each in sweeps.SWEEPS.items()}
    assert losses == dict.fromkeys(sweeps.SWEEPS, "triplet") | {"positive": "contrastive-linear"}


def test_a_loss_that_is_not_a_number_is_a_result(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sweeps.SWEEPS, "lr", replace(sweeps.SWEEPS["lr"], values=(1e-3, 1e30)))
    assert start(monkeypatch, tmp_path / "out", "--only", "lr", "--seeds", 1, "--steps", 2) == 0
    good, bad = load_json(tmp_path / "out/results.json")["lr"]["points"]
    assert good["accuracy"]["mean"] > 0.1 and bad["accuracy"]["seeds"] == [0]
    assert "One seed." in capsys.readouterr().out


def test_retrieval_is_measured_on_a_few_images_always_the_same(drawings, monkeypatch):
    monkeypatch.setattr(trainings, "IMAGES", 3)
    images = trainings.sample(drawings)
    assert np.bincount(images.labels).tolist() == [3] * 5
    assert len({image.tobytes() for image in images.images}) == 15
    assert np.array_equal(trainings.sample(drawings).images, images.images)


def test_the_figures_of_a_value_by_hand():
    ends = [
        {"before": {key: [0.3, 0, 1] for key in sweep_pictures.MEASURES}, "after": {key: [p, p - 0.1, p + 0.2]}}
        for key in ["accuracy"]
        for p in (0.4, 0.6)
    ]
    for end in ends:
        end["after"]["mean_average_precision"] = [0.5, 0.4, 0.6]
    point = sweep_pictures.summarise(ends)
    expected = {"seeds": [0.4, 0.6], "mean": 0.5, "interval": [0.4, 0.7], "before": 0.3}
    assert {key: pytest.approx(each) for key, each in expected.items()} == point["accuracy"]
    assert sweep_pictures.noise([point, point], "accuracy") == pytest.approx(100 * 0.02**0.5)
    assert sweep_pictures.noise([point], "mean_average_precision") == 0
    better = {"accuracy": point["accuracy"] | {"mean": 0.6}}
    assert sweep_pictures.best([point, better, point], "accuracy") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "lr,momentum"], "--only takes some of lr,positive,margin,hardest,embedding, not momentum"),
        (["--seeds", 0], "--seeds must be at least 1"),
        (["--steps", 0], "--steps must be at least 1"),
        (["--resume"], "there are no sweeps in"),
        (["--loss", "hinge"], "invalid choice"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys, options, message):
    assert start(monkeypatch, tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_folder_is_needed_for_the_data_set_folder(tmp_path):
    with pytest.raises(BadInput, match="folder needs --data-dir"):
        trainings.make_sweeps(sweeps.SweepsOptions("folder", tmp_path / "out"))
