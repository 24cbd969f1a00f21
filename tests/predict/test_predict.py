"""Pictures compared by the network that comes with the package, and by one's own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import call, png

import minisiamese
from minisiamese import checkpoint
from minisiamese.evaluate import scoring
from minisiamese.predict import Matcher
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
    matcher = Matcher()
    ranking = matcher.rank(folder / "support", folder / "query.png")
    assert ranking[0][0].name == "3.png" and len(ranking) == 10
    probabilities = [p for _, p in ranking]
    assert probabilities == sorted(probabilities, reverse=True) and probabilities[0] > 0.5 > np.median(probabilities)
    a, b = folder / "query.png", folder / "support/3.png"
    assert matcher.same(a, b) == pytest.approx(matcher.same(b, a), abs=1e-5)
    assert matcher.same(a, a) > 0.9


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
    support = folder / "support"
    for complaint, arguments in (
        ("two images to compare", []),
        ("two images to compare", [query]),
        ("two images to compare", [query, query, query]),
        ("there is no image", [query, folder / "nowhere.png"]),
        ("is no image", [query, support / "notes.txt"]),
        ("is a folder, not an image", [query, folder]),
        ("not a folder", ["--support", folder / "nowhere", query]),
        ("not a folder", ["--support", tmp_path / "raw.npz", query]),
        ("holds no images", ["--support", tmp_path / "empty", query]),
        ("holds no images", ["--support", folder, query]),  # none but the query itself
        ("two images to compare", ["--support", support, query, query]),
        ("not calibrated", [query, query, "--run", tmp_path / "raw.npz"]),
        ("does not exist", [query, query, "--run", tmp_path / "nowhere"]),
    ):
        assert call(monkeypatch, predict.main, *arguments) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and not captured.out and complaint in captured.err


def test_what_shows_no_drawing_is_named_and_left_out(folder, tmp_path, capsys):
    for path in (folder / "support").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "blank.png").write_bytes(png(np.zeros((105, 105, 1), np.uint8)))
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    ranking = Matcher().rank(tmp_path, folder / "query.png")
    assert len(ranking) == 10 and ranking[0][0].name == "3.png"
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "left out" in error and "blank.png" in error


def test_the_network_that_ships_is_small_and_loads_anywhere(tmp_path):
    path = Path(minisiamese.__file__).with_name("pretrained.npz")
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
