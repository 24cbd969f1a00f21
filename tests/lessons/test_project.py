"""The final project's starting file runs as it is, and compares fairly."""

import json
import sys
from importlib import import_module

import numpy as np
import pytest
from conftest import call
from PIL import Image

from lessons import project
from lessons.exercises import stubs
from minisiamese.data import glyphs


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in {"STEPS": 2, "SEEDS": 2, "WAYS": 5, "TRIALS": 20}.items():
        monkeypatch.setattr(project, name, value)
    monkeypatch.setattr(glyphs, "load", lambda split: glyphs.make(range(7) if split == "background" else [40]))


def test_it_compares_on_held_out_classes_and_says_so(small, tmp_path, monkeypatch, capsys):
    assert call(monkeypatch, project.main) == 0
    said, result = capsys.readouterr().out, json.loads((tmp_path / "project.json").read_text())
    assert not result["test"] and set(result["settings"]) == {"as drawn", "distorted"}
    for name, each in result["settings"].items():
        low, high = each["interval"]
        assert low < each["accuracy"] == np.mean(each["seeds"]) < high and name in said
    means = [each["accuracy"] for each in result["settings"].values()]
    assert result["difference"]["points"] == pytest.approx(100 * (means[1] - means[0]))


def test_settings_differ_in_nothing_but_what_they_name(small, drawings, monkeypatch):
    """The same seed gives the same network and drawings, whatever the setting; another seed gives others."""
    seen = []
    monkeypatch.setattr(project.Siamese, "forward", lambda self, x, train=True: seen.append(x) or stop())
    for seed, distort in ((0, False), (0, False), (1, False)):
        with pytest.raises(StopIteration):
            project.train(drawings, seed, distort)
    assert np.array_equal(seen[0], seen[1]) and not np.array_equal(seen[0], seen[2])
    monkeypatch.setattr(project, "draw_distortions", lambda rng, count: project.np.tile(np.eye(2, 3), (count, 1, 1)))
    with pytest.raises(StopIteration):
        project.train(drawings, 0, True)
    np.testing.assert_allclose(seen[3], seen[0], atol=1e-5)  # distorted by nothing, they are the same drawings


def stop():
    raise StopIteration


def test_it_takes_a_folder_and_opens_the_test_once(small, tmp_path, drawings, monkeypatch, capsys):
    for label, rows in enumerate(drawings.rows_of_class[:20]):
        (tmp_path / f"mine/{label:02d}").mkdir(parents=True)
        for row in rows:
            Image.fromarray(255 - drawings.images[row, :, :, 0]).save(tmp_path / f"mine/{label:02d}/{row}.png")
    assert call(monkeypatch, project.main, tmp_path / "mine", "--test") == 0
    assert json.loads((tmp_path / "project-test.json").read_text())["test"]
    assert not (tmp_path / "project.json").exists()
    assert call(monkeypatch, project.main, tmp_path / "mine", "--test") == 2
    assert capsys.readouterr().err.startswith("error: project-test.json is there")


def test_few_classes_are_refused_since_they_are_divided_by_images(small, tmp_path, drawings, monkeypatch, capsys):
    for label in range(6):
        (tmp_path / f"few/{label}").mkdir(parents=True)
        for place in range(6):
            image = drawings.images[drawings.rows_of_class[label][place % 4], :, :, 0]
            Image.fromarray(np.roll(255 - image, place, axis=0)).save(tmp_path / f"few/{label}/{place}.png")
    assert call(monkeypatch, project.main, tmp_path / "few") == 2
    assert "too few classes" in capsys.readouterr().err
    monkeypatch.setattr(project, "SEEDS", 1)
    assert call(monkeypatch, project.main) == 2
    assert capsys.readouterr().err.startswith("error: SEEDS must be 2")


def test_a_folder_that_is_not_there_gets_one_line(small, tmp_path, monkeypatch, capsys):
    assert call(monkeypatch, project.main, tmp_path / "none") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1


def test_own_answers_in_place_of_the_librarys_leave_the_figures_as_they_are(small, tmp_path, drawings, monkeypatch):
    """The solutions of the exercises that its imports name, as files of a student."""
    expected, _ = project.compare(drawings, drawings)
    monkeypatch.syspath_prepend(tmp_path)
    for number in (2, 3, 4, 6, 8):
        (tmp_path / f"ex{number:02d}.py").write_text(stubs.write(number, solved=True), encoding="utf-8")
        own = import_module(f"ex{number:02d}")
        monkeypatch.delitem(sys.modules, f"ex{number:02d}")
        for name in set(vars(own)) & set(NAMED[number]):
            monkeypatch.setattr(project, name, getattr(own, name))
    assert project.convolve.__module__ == "ex02" and project.Adam.__module__ == "ex08"
    got, _ = project.compare(drawings, drawings)
    for name, each in expected.items():
        np.testing.assert_array_equal(got[name], each)


NAMED = {
    2: ("convolve", "convolve_backward"),
    3: ("ReLU", "max_pool", "unpool"),
    4: ("L1Head",),
    6: ("n_way",),
    8: ("BatchNorm", "Adam"),
}
