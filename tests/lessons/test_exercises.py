"""The exercises prove themselves: the library solves them, no empty function passes, and planted mistakes are found."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import call
from exercise_answers import ANSWERS
from exercise_mutants import MUTANTS

from lessons.exercises import __main__ as exercises
from lessons.exercises import grading, stubs
from lessons.exercises.differences import difference
from lessons.exercises.table import EXERCISES
from lessons.exercises.worker import in_place
from minisiamese.convolution import Conv2D
from minisiamese.fast.fuse import fuse
from minisiamese.layers import ReLU, Sequential


def jobs_of(folder, number, texts):
    """A job for each (name, tasks, text, whether to end with the first thing found wrong)."""
    jobs = []
    for name, tasks, text, brief in texts:
        path = folder / f"{name}_ex{number:02d}.py"
        path.write_text(text)
        jobs.append({"path": str(path), "exercise": number, "tasks": tasks, "memory": None, "brief": brief})
    return jobs


@pytest.fixture
def no_plugins(monkeypatch):
    """Checks without the plugins that pytest finds, and that take longer to begin than a task to check."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.mark.parametrize("number", EXERCISES)
def test_right_answers_pass_no_stub_does_and_every_planted_mistake_is_found(number, tmp_path, no_plugins):
    """All in one process, as starting it and finding the tests takes longer than the tests."""
    tasks, solution = EXERCISES[number].tasks, stubs.write(number, solved=True)
    texts = [("solution", list(tasks), solution, False), ("stub", list(tasks), stubs.write(number), False)]
    others = [key for key in tasks if key in ANSWERS]
    for key in others:
        assert grading.refusal(solution + ANSWERS[key], number) is None
        texts.append((f"other{key}", [key], solution + ANSWERS[key], False))
    planted = []
    for key in tasks:
        assert len(MUTANTS[key]) >= 3
        before, mark, after = solution.partition(f"# {key},")
        for place, (old, new) in enumerate(MUTANTS[key]):
            assert old in after, f"{key}: nothing to plant {new!r} in"
            text = before + mark + after.replace(old, new, 1)
            texts.append((f"mutant{key}-{place}", [key], text, True))
            planted.append((key, old, new))
    (solved, empty, *graded), remark = grading.run(jobs_of(tmp_path, number, texts), 600)
    assert remark is None
    right, wrong = graded[: len(others)], graded[len(others) :]
    for key, result in zip(others, right, strict=True):
        assert result[key]["state"] == "right", f"{key}: {result[key]['lines']}"
    for key, task in tasks.items():
        assert (solved[key]["state"], solved[key]["points"]) == ("right", task.points), solved[key]["lines"]
        assert (empty[key]["state"], empty[key]["points"]) == ("not written yet", 0), empty[key]["lines"]
        assert empty[key]["failed"] and not empty[key]["passed"]  # each of its tests
    for (key, old, new), result in zip(planted, wrong, strict=True):
        assert (result[key]["state"], result[key]["points"]) == ("wrong", 0), (
            f"{key}: {new!r} for {old!r} was not found"
        )
        assert result[key]["lines"]


def test_every_task_has_a_solution_to_show_and_no_other_has(capsys, monkeypatch):
    tasks = [key for exercise in EXERCISES.values() for key in exercise.tasks]
    headings = [line.split()[1] for line in exercises.SOLUTIONS.read_text().splitlines() if line.startswith("## ")]
    assert headings == tasks == list(MUTANTS)
    assert call(monkeypatch, exercises.main, "solution", "3.2") == 0
    shown = capsys.readouterr().out
    assert "minisiamese/layers.py, line" in shown and "return dy * (y > 0)" in shown and "convention" in shown


def test_an_answer_takes_the_librarys_place_in_fast_networks_too():
    def convolve(x, W, stride=1, padding=0):
        raise NotImplementedError("an answer")

    network = fuse(Sequential(Conv2D(1, 2, 3, np.random.default_rng(0)), ReLU()))
    with in_place(EXERCISES[2].tasks["2.3"], SimpleNamespace(convolve=convolve)):
        with pytest.raises(NotImplementedError, match="an answer"):
            network.forward(np.zeros((1, 5, 5, 1), np.float32))
    network.forward(np.zeros((1, 5, 5, 1), np.float32))


# --- what a student is told -------------------------------------------------------------------------------------------


def relu(backward):
    """Exercise 3 with one body: backward of ReLU."""
    text = stubs.write(3)
    before, mark, after = text.partition("# 3.2,")
    forward = "y = array_module(x).maximum(x, 0)\n        self.keep(train, y)\n        return y"
    for body in (forward, backward):
        start = after.index("raise NotImplementedError")
        after = after[:start] + body + after[after.index("\n", start) :]
    return before + mark + after


def check(monkeypatch, capsys, path, *options):
    code = call(monkeypatch, exercises.main, "check", path, *options)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_student_starts_and_checks_with_a_helper_of_their_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, exercises.main, "start", "3") == 0
    assert "check ex03.py" in capsys.readouterr().out
    code, said = check(monkeypatch, capsys, "ex03.py")
    assert code == 1 and said.count("not written yet") == 5 and "0 of 16 points" in said
    assert call(monkeypatch, exercises.main, "start", "3") == 2  # what is there is not lost
    assert "is here already" in capsys.readouterr().err

    helped = "return self.masked(dy, *self.take())\n\n    def masked(self, dy, y):\n        return dy * (y > 0)"
    huge = "return np.empty((27000, 27000))"
    text = relu(helped).replace('raise NotImplementedError("exercise 3.5 is not written")', huge)
    (tmp_path / "ex03.py").write_text(text + "\nprint('seen')\n")
    code, said = check(monkeypatch, capsys, "ex03.py")
    assert code == 1 and said.count("not written yet") == 3 and "2 of 16 points" in said and "seen" not in said
    assert "0 of 3   wrong" in said and "MemoryError" in said, said


TOLD = {  # backward of ReLU: what is said of it
    "(y,) = self.take()\n        return -dy * (y > 0)": "a dropped sign",
    "(y,) = self.take()\n        dy *= y > 0\n        return dy": "dy as it was[3, 3]: expected",
    "return dy": "forward twice without backward",  # the cache is not taken
    "(y,) = self.take()": "expected an array, got None: is there a return?",
    "(y,) = self.take()\n        return dy[0] * (y[0] > 0)": "expected shape (4, 5), got (5,)",
    "return self.backward(dy)": "it calls itself without end",
    "(y,) = self.take()\n        return self.twice(dy)": "line 40: AttributeError",
    # what an answer may not do
    "np.save('/tmp/minisiamese-exercise.npy', dy)": "PermissionError: an exercise writes no files",
    "np.empty((27000, 27000))\n        return dy": "MemoryError",  # 5.8 GB, and 4 GiB are allowed
    "raise SystemExit": "SystemExit",
}


def test_a_student_is_told_where_and_why_and_what_an_answer_may_not_do_is_stopped(tmp_path, no_plugins):
    """All in one process, with the memory that the program allows, as above."""
    texts = [(f"answer{place}", ["3.2"], relu(backward), False) for place, backward in enumerate(TOLD)]
    jobs = [job | {"memory": 4 << 30} for job in jobs_of(tmp_path, 3, texts)]
    results, remark = grading.run(jobs, 600)
    assert remark is None
    for message, result in zip(TOLD.values(), results, strict=True):
        result = result["3.2"]
        assert (result["state"], result["points"]) == ("wrong", 0), (message, result)
        assert message in "\n".join(result["lines"]), (message, result["lines"])


@pytest.mark.parametrize(
    ("expected", "got", "message"),
    [
        ([1.0, 2.0], [6.0, 12.0], "it is 6 times what it should be: a missing 1/N"),
        ([1.0, 2.0], [0.25, 0.5], "it is 1/4 of what it should be: a mean where a sum is meant"),
        ([1.0, 2.0], [1.5, 3.0], "it is 1.5 times what it should be"),
        ([1.0, -2.0], [-1.0, -2.0], "some signs are not"),
        ([1.0, 2.0], [0.0, 0.0], "it is all zero"),
        ([1.0, 2.0], [np_nan := float("nan"), 2.0], "not a number"),
        ([[1.0, 2.0, 3.0]], [[1.0], [2.0], [3.0]], "it is transposed"),
        ([1.0, 2.0], [1.0, 2.5], "[1]: expected 2, got 2.5; 1 of 2 differ: the usual"),
        ([np_nan, 2.0], [np_nan, 2.0], None),
        (1.0, 3.7, "expected 1, got 3.7: the usual"),
    ],
)
def test_a_difference_names_its_cause(expected, got, message):
    found = difference({"x": expected}, {"x": got}, slip="the usual")
    assert found is None if message is None else message in found


# --- what a file may not do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("from minisiamese.layers import ReLU", "imports minisiamese.layers.ReLU, which is the library's own answer"),
        ("import minisiamese.layers", "imports minisiamese.layers, which is the library's own answer"),
        ("from minisiamese.layers import *", "the library's own answer"),
        ("import torch", "imports torch, which is not among what exercise 3 needs"),
        ("from os import remove", "imports os.remove"),
        ("f = layers.ReLU.backward", "uses the library's own layers"),
        ("L = layers", "uses the library's own layers"),
        (
            "class Mine(layers.ReLU):\n    def f(self, x):\n        return super().forward(x)",
            "the library's own forward",
        ),
        ("eval('1')", "uses eval"),
        ("x = ReLU.__bases__", "uses __bases__"),
        ("from dataclasses import sys", "imports dataclasses.sys"),
        ("x = np.ctypeslib.ctypes", "uses ctypes"),
    ],
)
def test_the_librarys_own_answer_is_refused(line, complaint):
    text = stubs.write(3) + line + "\n"
    assert f"line {text.count(chr(10), 0, text.index(line)) + 1} " in grading.refusal(text, 3) or "\n" in line
    assert complaint in grading.refusal(text, 3)


def test_the_librarys_own_answer_is_refused_in_a_folder_of_it_too():
    assert "uses the library's own fourier" in grading.refusal(stubs.write(8) + "f = fourier.Plan.rows\n", 8)


USEFUL = """
from __future__ import annotations
import math, time
from functools import partial
from minisiamese.gradcheck import check_layer
import matplotlib.pyplot as plt

def half(layers, x: np.ndarray):
    return type(x).__name__, getattr(layers, "size", None)

class Own:
    def __init__(self):
        super().__init__()
        self.__hidden = 1

if __name__ == "__main__":
    print(half(3, 4))
"""


@pytest.mark.parametrize("number", EXERCISES)
def test_stubs_and_solutions_and_what_students_write_besides_are_not_refused(number):
    for text in (stubs.write(number), stubs.write(number, solved=True)):
        assert grading.refusal(text, number) is None
        assert grading.refusal(text + USEFUL, number) is None
    assert max(map(len, stubs.write(number).splitlines())) <= 120
    for use in ("layer: layers.Layer = None", "print(isinstance(3, layers.ReLU))"):
        assert grading.refusal(stubs.write(3) + use, 3) is None


def test_network_and_programs_are_stopped(tmp_path):
    """What an import that the rules above let through might do."""
    path = tmp_path / "try.py"
    path.write_text(
        "import os, socket, subprocess, sys\n"
        "from lessons.exercises.worker import guard\n"
        "guard(sys.argv[1])\n"
        "open(os.path.join(sys.argv[1], 'inside'), 'w').close()\n"
        "for attempt in (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: subprocess.run(['true']),\n"
        "                lambda: os.system('true'), lambda: open(sys.argv[2], 'a'), lambda: os.remove(sys.argv[2]),\n"
        "                lambda: os.rename(sys.argv[2], sys.argv[1] + '/x')):\n"
        "    try:\n        attempt()\n    except PermissionError as error:\n        print(error)\n"
    )
    (tmp_path / "inside").mkdir()
    outside = tmp_path / "outside"
    outside.write_text("kept")
    environment = os.environ | {"PYTHONPATH": str(grading.ROOT)}
    done = subprocess.run(
        [sys.executable, path, tmp_path / "inside", outside], capture_output=True, text=True, env=environment
    )
    said = done.stdout.splitlines()
    assert len(said) == 6 and said[0].startswith("an exercise uses no network") and "writes no files" in said[3], done
    assert outside.read_text() == "kept"


class Impatient(subprocess.Popen):
    """A process whose time is over once task 6.2 has been under way for half a second."""

    def communicate(self, timeout=None):
        results = Path(self.args[-1])
        while self.poll() is None:
            if results.exists() and json.loads(results.read_text())[0].get("6.2", 0) is None:
                break
            time.sleep(0.05)
        return super().communicate(timeout=0.5 if self.poll() is None else None)


def test_an_endless_loop_costs_its_own_points_alone(tmp_path, monkeypatch, capsys, no_plugins):
    text = stubs.write(6, solved=True)
    before, mark, after = text.partition("# 6.2,")
    start = after.index("    over = step")
    path = tmp_path / "ex06.py"
    path.write_text(before + mark + after[:start] + "    while True:\n        pass\n" + after[start:])
    monkeypatch.setattr(grading.subprocess, "Popen", Impatient)
    code, said = check(monkeypatch, capsys, path, "--seconds", 20)
    assert code == 1 and "6.2: 20 seconds were over: an endless loop?" in said
    assert said.count("right") == 3 and "11 of 13 points" in said


def test_a_check_ends_when_its_time_is_over(tmp_path):
    job = jobs_of(tmp_path, 6, [("loop", ["6.2"], "while True:\n    pass\n", False)])
    began = time.monotonic()
    assert grading.run(job, 0.3) == ([{}], "0.3 seconds were over: an endless loop?")
    assert time.monotonic() - began < 10


# --- a teacher's folder -----------------------------------------------------------------------------------------------


def test_an_answer_that_ends_the_check_costs_its_points_and_no_more(tmp_path, monkeypatch):
    path = tmp_path / "ex10.py"
    path.write_text(stubs.write(10) + "\nnp.ctypeslib.ctypes._os._exit(0)\n")
    monkeypatch.setattr(grading, "refusal", lambda text, number: None)
    graded = grading.grade(path, 10)
    assert (graded["points"], graded["remark"]) == (0, "10.1: the check was ended by what it checked")
    assert list(graded["tasks"]) == ["10.1", "10.2", "10.3"]


def test_the_exercise_is_in_the_name(tmp_path):
    names = {"ex03.py": 3, "ada_ex10.py": 10, "EX01.py": 1, "ex03-ada.py": 3, "hex06.py": None, "ex11.py": None}
    for name, number in (names | {"ex031.py": None, "ex03.txt": None}).items():
        assert grading.exercise_of(tmp_path / name) == number


def test_a_folder_is_graded_as_a_table(tmp_path, monkeypatch, capsys):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/ex10.py").write_text(stubs.write(10, solved=True))
    (tmp_path / "bob_ex10.py").write_text(stubs.write(10) + "import torch\n")
    (tmp_path / "cy_ex10.py").write_text("def broken(:\n")
    (tmp_path / "di_ex10.py").write_text(stubs.write(10) + "\nraise SystemExit\n")
    (tmp_path / "notes.py").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/ex10.py").write_text("")
    code, said = check(monkeypatch, capsys, tmp_path, "--csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert code == 1 and [row["file"][len(str(tmp_path)) + 1 :] for row in rows] == [
        "ada/ex10.py",
        "bob_ex10.py",
        "cy_ex10.py",
        "di_ex10.py",
        "notes.py",
    ]
    assert [row["points"] for row in rows] == ["10", "0", "0", "0", ""] and rows[0]["tasks"] == "10.1=3 10.2=3 10.3=4"
    assert "refused" in rows[1]["remark"] and "not graded" in rows[4]["remark"]
    assert "cannot be imported: line 1: invalid syntax" in rows[2]["remark"] and "SystemExit" in rows[3]["remark"]
    code, said = check(monkeypatch, capsys, tmp_path / "cy_ex10.py")
    assert "the file cannot be imported: line 1: invalid syntax" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["start", "11"], "there is no exercise 11: there are 1 to 10"),
        (["start", "three"], "invalid literal"),
        (["check", "nowhere.py"], "there is no file nowhere.py"),
        (["check", __file__], "its name must have its exercise in it"),
        (["check", ".", "--seconds", "0"], "--seconds must be 1 to 86400, not 0"),
        (["check", ".", "--seconds", "inf"], "--seconds must be 1 to 86400, not inf"),
        (["check", ".", "--memory", "1e30"], "--memory must be 1 to 1024 GiB"),
        (["solution", "3.9"], "there is no task 3.9"),
        ([], "start"),
    ],
)
def test_bad_input_gets_one_line(arguments, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, exercises.main, *arguments) == 2
    said = capsys.readouterr().err
    assert complaint in said and said.count("\n") == 1
