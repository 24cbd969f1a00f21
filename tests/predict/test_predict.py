"""Pictures compared by the network that comes with the package, and by one's own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import call, png
from PIL import Image
from scipy.special import logit

import minisiamese as ms
from minisiamese import checkpoint
from minisiamese.evaluate import scoring
from minisiamese.predict import __main__ as predict
from minisiamese.runs.build import build
from minisiamese.runs.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory, drawings):
    """Ten characters of one alphabet, as drawn by the first person; query.png is the fourth, by the second."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "support").mkdir()
    for number, label in enumerate(drawings.classes_of_group[2][:10]):
        rows = drawings.rows_of_class[label]
        (root / f"support/{number}.png").write_bytes(png(drawings.images[rows[0]]))
        if number == 3:
            (root / "query.png").write_bytes(png(drawings.images[rows[1]]))
    (root / "support/notes.txt").write_text("not an image")
    return root


def test_the_same_character_is_likelier_and_ranked_first(folder):
    model = ms.load("pretrained")
    support = model.support(folder / "support")
    order, p = model.rank(folder / "query.png", support)
    assert Path(support.names[order[0]]).name == "3.png" and len(order) == 10
    assert (np.diff(p) <= 0).all() and p[0] > 0.5 > np.median(p)
    a, b = folder / "query.png", folder / "support/3.png"
    assert model.same(a, b) == pytest.approx(model.same(b, a), abs=1e-5)
    assert model.same(a, a) > 0.9


def test_the_program(folder, monkeypatch, capsys):
    assert call(monkeypatch, predict.main, folder / "query.png", folder / "support/3.png", "--json") == 0
    p = json.loads(capsys.readouterr().out)["same"]
    assert call(monkeypatch, predict.main, folder / "query.png", folder / "support/3.png") == 0
    assert capsys.readouterr().out == f"{p:.1%} that both show the same character\n"
    assert call(monkeypatch, predict.main, "--support", folder / "support", folder / "query.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and lines[0].endswith("3.png") and "%" in lines[0]
    assert call(monkeypatch, predict.main, "--support", folder / "support", folder / "query.png", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["ranking"]) == 10


def test_bad_input_gets_one_line(folder, tmp_path, monkeypatch, capsys):
    query = folder / "query.png"
    config = Settings.of_recipe(data="glyphs").checked()
    network = build(config, np.random.default_rng(0))
    checkpoint.save(tmp_path / "raw.npz", network.arrays(), {"config": config.to_json()})
    (tmp_path / "empty").mkdir()
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/query.png").write_bytes(query.read_bytes())
    support = folder / "support"
    for complaint, arguments in (
        ("two images to compare", []),
        ("two images to compare", [query]),
        ("two images to compare", [query, query, query]),
        ("there is no image", [query, folder / "nowhere.png"]),
        ("is no image", [query, support / "notes.txt"]),
        ("is a folder, not an image", [query, folder]),
        ("not a folder", ["--support", folder / "nowhere", query]),
        ("--support: ", ["--support", tmp_path / "raw.npz", query]),
        ("holds no images", ["--support", tmp_path / "empty", query]),
        ("images and sub-folders of images", ["--support", folder, query]),
        ("but the query itself", ["--support", tmp_path / "alone", tmp_path / "alone/query.png"]),
        ("--keep is for --support", [query, query, "--keep"]),
        ("there is no image", ["--support", support, folder / "nowhere.png"]),
        ("two images to compare", ["--support", support, query, query]),
        ("not calibrated", [query, query, "--run", tmp_path / "raw.npz"]),
        ("does not exist", [query, query, "--run", tmp_path / "nowhere"]),
    ):
        assert call(monkeypatch, predict.main, *arguments) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and not captured.out and complaint in captured.err


def test_what_shows_no_drawing_is_named_and_left_out(folder, tmp_path, monkeypatch, capsys):
    for path in (folder / "support").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "blank.png").write_bytes(png(np.zeros((105, 105, 1), np.uint8)))
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    assert call(monkeypatch, predict.main, "--support", tmp_path, folder / "query.png") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 10 and lines[0].endswith("3.png")
    (left_out,) = [line for line in captured.err.splitlines() if "left out" in line]
    assert "blank.png" in left_out


@pytest.fixture(scope="module")
def classes(tmp_path_factory, drawings):
    """Six classes in sub-folders, of three people's drawings each; the fourth person's of the second is the query."""
    root = tmp_path_factory.mktemp("classes")
    for number, label in enumerate(drawings.classes_of_group[1][:6]):
        (root / f"MY_IMAGES/{number}").mkdir(parents=True)
        *rows, query = drawings.rows_of_class[label]
        for row in rows:
            (root / f"MY_IMAGES/{number}/{row}.png").write_bytes(png(drawings.images[row]))
        (root / f"query{number}.png").write_bytes(png(drawings.images[query]))
    return root


def test_sub_folders_are_classes(classes, monkeypatch, capsys):
    assert call(monkeypatch, predict.main, "--support", classes / "MY_IMAGES", classes / "query1.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[-1] for line in lines) == list("012345") and lines[0].split()[-1] == "1"
    assert call(monkeypatch, predict.main, "--support", classes / "MY_IMAGES", classes / "query1.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ranking"][0][0] == "1"


def test_a_query_is_not_among_its_supports(classes, folder, tmp_path, monkeypatch, capsys):
    for name in ("mine", "other"):
        (tmp_path / f"two/{name}").mkdir(parents=True)
    (tmp_path / "two/mine/a.png").write_bytes((classes / "query1.png").read_bytes())
    (tmp_path / "two/mine/b.png").write_bytes((folder / "support/7.png").read_bytes())
    (tmp_path / "two/other/c.png").write_bytes(next((classes / "MY_IMAGES/1").glob("*.png")).read_bytes())
    assert call(monkeypatch, predict.main, "--support", tmp_path / "two", tmp_path / "two/mine/a.png") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("other")


def test_a_query_of_no_class_is_said_to_be_of_none(classes, folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "few/only").mkdir(parents=True)
    (tmp_path / "few/only/a.png").write_bytes((folder / "support/7.png").read_bytes())
    assert call(monkeypatch, predict.main, "--support", tmp_path / "few", folder / "query.png") == 0
    captured = capsys.readouterr()
    assert captured.out.split()[1] == "only" and captured.err.count("\n") == 1
    assert captured.err.startswith(
        f"warning: {folder / 'query.png'}: likely to be none of the support's classes, 1 in all"
    )


def test_a_support_set_is_kept_if_asked(classes, monkeypatch, capsys):
    asked = ("--support", classes / "MY_IMAGES", classes / "query1.png")
    assert call(monkeypatch, predict.main, *asked) == 0
    first, kept = capsys.readouterr().out, classes / "MY_IMAGES.embeddings.npz"
    assert not kept.exists()
    assert call(monkeypatch, predict.main, *asked, "--keep") == 0
    assert kept.exists() and capsys.readouterr().out == first
    kept.write_bytes(kept.read_bytes()[:-30])
    assert call(monkeypatch, predict.main, *asked, "--keep") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "MY_IMAGES.embeddings.npz" in captured.err and not captured.out


def test_a_picture_of_what_the_network_saw(classes, tmp_path, monkeypatch, capsys):
    a, b = classes / "query0.png", classes / "query1.png"
    (tmp_path / "a$_$.png").write_bytes(a.read_bytes())  # no mathematics
    assert call(monkeypatch, predict.main, tmp_path / "a$_$.png", b, "--show", tmp_path / "two.png") == 0
    asked = ("--support", classes / "MY_IMAGES", a, "--show", tmp_path / "query.png")
    assert call(monkeypatch, predict.main, *asked) == 0
    one, two = (np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")) for name in ("query", "two"))
    assert one.std() > 20 and two.shape[1] > 1.8 * one.shape[1]
    capsys.readouterr()
    assert call(monkeypatch, predict.main, a, b, "--show", tmp_path / "nowhere/two.png") == 2
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert len(error) == 1 and "--show" in error[0]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A run on a folder of seven colour classes, and the folder."""
    root, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(1)
    for label in range(7):
        (root / f"images/class{label}").mkdir(parents=True)
        for number in range(4):
            pixels = np.uint8(30 * label + rng.integers(0, 20, (30, 30, 3)) + [0, 20, 40])
            Image.fromarray(pixels).save(root / f"images/class{label}/{number}.png")
    model = ms.train(root / "images", steps=2, network="conv4", batch=3, views=1)
    model.save(root / "best.npz")
    return root


def test_a_run_on_photographs_reads_photographs(photographs, monkeypatch, capsys):
    images, run = photographs / "images", ("--run", photographs / "best.npz")
    assert call(monkeypatch, predict.main, images / "class0/0.png", images / "class6/0.png", *run) == 0
    assert "that both are of one class" in capsys.readouterr().out
    assert call(monkeypatch, predict.main, "--support", images, images / "class6/0.png", *run) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7
    (photographs / "flat").mkdir()
    Image.open(images / "class6/0.png").save(photographs / "flat/same.png")
    Image.open(images / "class1/0.png").save(photographs / "flat/other.png")
    asked = ("--support", photographs / "flat", images / "class6/0.png", "--show", photographs / "saw.png")
    assert call(monkeypatch, predict.main, *asked, *run) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("same.png") and (photographs / "saw.png").exists()


def test_a_run_with_a_threshold_says_same_or_different(classes, folder, tmp_path, monkeypatch, capsys):
    model, a, b = ms.load("pretrained"), classes / "query0.png", classes / "query1.png"
    slope, offset = (model.meta["calibration"][key] for key in ("slope", "offset"))
    found = {"score": float((logit(0.9) - offset) / slope), "false_match_rate": 0.01, "interval": [-9.0, 9.0]}
    model.meta["threshold"] = found
    model.save(tmp_path / "best.npz")
    assert ms.load(tmp_path / "best.npz").threshold == pytest.approx(0.9) and ms.load("pretrained").threshold is None
    run = ("--run", tmp_path / "best.npz")
    assert call(monkeypatch, predict.main, a, b, *run) == 0
    assert capsys.readouterr().out.endswith("character: different (same from 90.0%)\n")
    assert call(monkeypatch, predict.main, a, a, *run) == 0
    assert capsys.readouterr().out.endswith("character: same (same from 90.0%)\n")
    assert call(monkeypatch, predict.main, a, a, *run, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["is_same"] is True and said["threshold"] == pytest.approx(0.9)
    assert call(monkeypatch, predict.main, "--support", folder / "support", folder / "query.png", *run) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()} <= {"same", "different"}


def test_the_network_that_ships_is_small_and_loads_anywhere(tmp_path):
    path = Path(ms.__file__).with_name("pretrained.npz")
    assert path.stat().st_size < 3_000_000
    code = "from minisiamese.runs.folder import load_run; print(load_run('pretrained')[1].network.name)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "conv4-wide"


def test_a_calibration_gives_the_share_that_is_the_same(drawings, rng):
    """Scores with a known log-odds, 3 s + 1, are calibrated back to it."""
    label_of = {image.tobytes(): label for image, label in zip(drawings.images, drawings.labels, strict=True)}

    def scorer(images, pairs):
        labels = np.array([label_of[image.tobytes()] for image in images])[pairs]
        same = labels[:, 0] == labels[:, 1]
        # p(s | same) and p(s | different) are normal, of one width: log-odds are linear in s
        return (np.where(same, 1.0, -1.0) - 1 / 3 + rng.normal(0, np.sqrt(2 / 3), len(pairs))).astype(np.float32)

    fit = scoring.calibrate(scorer, drawings, count=4000)
    assert fit["slope"] == pytest.approx(3, rel=0.15) and fit["offset"] == pytest.approx(1, rel=0.3)
