"""What a training says: of itself before its first step, how long it takes, which tests end it, where it writes."""

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import call

from minisiamese import checkpoint
from minisiamese.checkpoint import load_json
from minisiamese.data import folder as images
from minisiamese.data import glyphs
from minisiamese.data.dataset import hold_out
from minisiamese.errors import BadInput
from minisiamese.evaluate import protocols
from minisiamese.evaluate.scoring import calibrate, embedding_scorer, last_drawers
from minisiamese.runs.folder import Folder, load_run
from minisiamese.runs.settings import Settings
from minisiamese.train import __main__ as train
from minisiamese.train import final_tests, loop
from minisiamese.train import trainer as training
from minisiamese.train.introduction import introduction, outlook
from minisiamese.train.trainer import Trainer

DRAWINGS = glyphs.make(range(1), drawers=6).take_classes(range(6))


@pytest.fixture(autouse=True)
def quick_tests(monkeypatch):
    """The images of a folder are six classes of six drawings; few trials."""
    monkeypatch.setattr(images, "part", lambda name, path, largest: DRAWINGS)
    monkeypatch.setattr(training, "VALIDATION_RUNS", 1)


def of_folder(out, **settings):
    usual = {"data": "folder", "data_dir": Path("MINE"), "network": "conv4", "batch": 3, "drawings": 2, "steps": 4}
    return Settings.of_recipe(**usual | {"views": 2, "threads": 1, "out": out} | settings).checked()


def start(monkeypatch, out, *more):
    fixed = ("--data-dir", "MINE", "--network", "conv4", "--batch", 3, "--drawings", 2, "--steps", 4, "--threads", 1)
    return call(monkeypatch, train.main, "folder", *fixed, *(("--out", out) if out else ()), *more)


def test_the_introduction_counts_what_is_there(drawings, tmp_path):
    training_part, held = hold_out(drawings, 2)
    settings = Settings.of_recipe(data="omniglot", network="conv4", batch=6, drawings=3, threads=1, out=tmp_path)
    trainer = Trainer(settings.checked(), training_part, held)
    count, classes = len(training_part.images), len(training_part.rows_of_class)
    assert introduction(trainer, held) == [
        f"training on omniglot: {count} drawings of {classes} characters of 3 alphabets, in all four turns",
        f"validation on {len(held.images)} drawings of {len(held.rows_of_class)} characters of 2 alphabets; "
        "the evaluation alphabets are opened at the end",
        "images: grey, 105 x 105 pixels, seen at 35 x 35, framed by their ink",
        "network: conv4, 111,937 weights",
        "loss: nway, 6 classes of 3 images a step, 2,400 steps",
        f"computing on cpu, 1 thread; writing to {tmp_path}",
    ]


def test_the_introduction_to_images_says_how_weak_their_test_is(tmp_path):
    run = tmp_path / "first"
    run.mkdir()
    Trainer(of_folder(run), DRAWINGS, DRAWINGS).save_best(run / "best.npz")
    trainer = Trainer(of_folder(tmp_path, start=run, tune="head", loss="bce", drawings=None), DRAWINGS, DRAWINGS)
    lines = introduction(trainer, DRAWINGS)
    assert lines[:2] == [
        "training on MINE: 36 images of 6 classes",
        "validation on 36 images of 6 classes; tests on 36 images of 6 classes",
    ]
    assert lines[2] == images.weakness(DRAWINGS) and "weak" in lines[2]
    assert lines[4] == f"network: conv4, 111,937 weights, from {run}, 257 of them trained"
    assert lines[5].startswith("loss: bce, 3 pairs a step")


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ({"step": 14, "seconds": 60.0}, None),  # four steps after it began
        ({"step": 15, "seconds": 22.9}, None),
        ({"step": 20, "seconds": 30.0, "steps": None}, None),
        ({"step": 20, "seconds": 30.0}, "about 2 minutes of training to go, without its tests"),  # 80 steps of 1.5 s
        ({"step": 20, "seconds": 40.0, "steps": 40}, "about 50 seconds of training to go, without its tests"),
        ({"step": 20, "seconds": 120.0, "steps": 1000}, "about 2.9 hours of training to go, without its tests"),
    ],
)
def test_how_long_it_takes_is_known_after_a_few_steps(now, line):
    """It began at step 10 after 20 seconds; a validation, every 10 steps, takes 5 seconds."""
    measuring = SimpleNamespace(validate_every=10)
    trainer = SimpleNamespace(steps=100, validation_seconds=5.0, settings=SimpleNamespace(measuring=measuring))
    vars(trainer).update(now)
    assert outlook(trainer, 10, 20.0) == line


@pytest.mark.parametrize("quiet", [False, True])
def test_how_long_it_takes_is_said_once(quiet, tmp_path, monkeypatch, capsys):
    began = []

    def outlook(trainer, step, seconds):
        began.append((step, seconds > 0))
        return "a while" if trainer.step > 1 else None

    monkeypatch.setattr(loop, "outlook", outlook)
    loop.loop(Trainer(of_folder(tmp_path), DRAWINGS, DRAWINGS), tmp_path, quiet)
    assert capsys.readouterr().out.count("a while\n") == (not quiet)
    assert began == [(0, True)] * 2  # after the first validation


def test_quick_tests_are_few_and_named(tmp_path, monkeypatch, capsys):
    for name, trials in {"one_shot": 7, "verification": 8}.items():
        monkeypatch.setitem(final_tests.QUICK[name], "trials", trials)
    assert start(monkeypatch, tmp_path / "run", "--tests", "quick") == 0
    summary, said = load_json(tmp_path / "run/summary.json"), capsys.readouterr().out
    assert summary["tests"] == "quick" and summary["lake"] is summary["across"] is None
    assert [(summary[name]["trials"], summary[name]["views"]) for name in final_tests.QUICK] == [(7, 1), (8, 1)]
    assert "test 1 of 2, random N-way K-shot trials: 7 of them, 1 view of each image\n" in said
    assert said.count(images.weakness(DRAWINGS)) == 2  # before the training, and beside its figures
    assert said.startswith("training on MINE")


def test_full_tests_are_those_of_the_data():
    assert list(final_tests.tests_of(Settings.of_recipe(data="omniglot"))) == [
        *("lake", "one_shot", "verification", "across")
    ]
    assert list(final_tests.tests_of(Settings.of_recipe(data="folder"))) == ["one_shot", "verification"]


def test_only_of_images_is_a_test_called_weak(drawings, monkeypatch):
    figures = {"trials": 9, "accuracy": 0.5, "interval": (0.4, 0.6), "baselines": {}, "way": 5, "shot": 1}
    asked = {"protocol": "nway", "alphabets": "within", "split": "evaluation", "division": "alphabets"}
    for data, weak in (("glyphs", {}), ("folder", {"weak": None}), ("folder", {"weak": "so weak"})):
        said = protocols.describe(figures | asked | {"data": data} | weak)
        assert said.endswith("so weak") == (weak.get("weak") is not None) and "None" not in said


@pytest.mark.parametrize("held_out", [0, 5])
def test_the_calibration_is_of_mean_embeddings(held_out, tmp_path):
    settings = of_folder(tmp_path, data="omniglot", data_dir=None, validation_alphabets=held_out)
    trainer = Trainer(settings, DRAWINGS, DRAWINGS)
    trainer.save_best(tmp_path / "best.npz")
    trainer.train_step()  # whose weights are not the best
    network, meta = final_tests.calibrated(trainer, DRAWINGS)
    best, _, saved = load_run(tmp_path)
    assert meta["calibration"] == saved["calibration"] and saved["side"] == 105
    expected = calibrate(embedding_scorer(best, "cpu", 2), last_drawers(DRAWINGS) if held_out else DRAWINGS)
    assert meta["calibration"] == pytest.approx(expected, rel=1e-3)
    assert all(np.array_equal(array, trainer.network.arrays()[name]) for name, array in best.arrays().items())
    assert network.network is trainer.network
    checkpoint.load(tmp_path / "best.npz")


@pytest.mark.parametrize(
    ("data_dir", "name"),
    [
        ("MY_IMAGES", "MY_IMAGES"),
        ("/some/where/my images (2).zip", "my_images_2"),
        ("/some/where/flowers.v2/", "flowers.v2"),
        ("a/../b", "b"),
        ("/", "folder"),
        ("Bäume", "Bäume"),
        ("x" * 300, "x" * 64),
    ],
)
def test_a_run_is_named_by_its_images(data_dir, name):
    settings = Settings.of_recipe(data="folder", data_dir=Path(data_dir)).checked()
    assert settings.machine.out == Path("runs") / f"{name}-conv4-wide-nway"


def test_a_run_of_images_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert of_folder(None, data_dir=Path(".")).machine.out.name == f"{tmp_path.name}-conv4-nway"


def test_a_folder_that_is_there_names_two_commands(tmp_path, monkeypatch, capsys):
    out = tmp_path / "a run"
    with Folder(out, train.PROGRAM).begun(of_folder(out).to_json(), False):
        pass
    Path(f"{out}-2").mkdir()
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="minisiamese.train.__main__"))
    assert start(monkeypatch, out, "--seed", "3") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    resume, other = (each.partition(": ")[2] for each in error.strip().partition("exists already: ")[2].split("; or "))
    assert shlex.split(resume) == [
        *("python", "-m", "minisiamese.train", "folder", "--data-dir", "MINE", "--out", str(out), "--resume")
    ]
    words = shlex.split(other)
    assert words[:4] == ["python", "-m", "minisiamese.train", "folder"] and words[-4:-2] == ["--seed", "3"]
    assert words[-2:] == ["--out", f"{out}-3"] and words.count("--out") == 1
    monkeypatch.setattr(final_tests, "test_best", lambda trainer: {})
    assert (
        call(
            monkeypatch,
            train.main,
            *resume.split("minisiamese.train ")[1].split(" --out")[0].split(),
            "--out",
            out,
            "--resume",
        )
        == 0
    )


def test_a_run_on_other_images_of_this_name_is_not_resumed(tmp_path, monkeypatch, capsys):
    """Neither is it offered, nor done: the division of other images could test what was trained on."""
    monkeypatch.setattr(final_tests, "test_best", lambda trainer: {})
    assert start(monkeypatch, tmp_path / "run") == 0
    monkeypatch.setattr(images, "part", lambda name, path, largest: DRAWINGS.take_classes(range(5)))
    whole = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    capsys.readouterr()
    assert call(monkeypatch, train.main, "folder", "--out", tmp_path / "run", "--resume") == 2
    assert "is of a training on other images than those in MINE" in capsys.readouterr().err
    fixed = ("--network", "conv4", "--batch", 3, "--drawings", 2, "--steps", 4, "--out", tmp_path / "run")
    assert call(monkeypatch, train.main, "folder", "--data-dir", "other/MINE", *fixed) == 2
    error = capsys.readouterr().err
    assert "exists already: begin another: " in error and "--resume" not in error
    assert whole == {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}


def test_a_file_in_the_way_is_not_resumed(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput) as refused:
        Folder(tmp_path, train.PROGRAM).check({}, False)
    assert str(refused.value).endswith(f"exists already: begin another: --out {tmp_path}-2")
