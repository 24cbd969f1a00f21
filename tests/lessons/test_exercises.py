"""The exercises' program: files that are begun and checked, hints, what an answer may not do, and a class's folder."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import call

from lessons.exercises import __main__ as exercises
from lessons.exercises import grading, likeness, reading, report, rules, stubs, words
from lessons.exercises.differences import difference
from lessons.exercises.outcome import value_of
from lessons.exercises.tasks import EXERCISES

SOLVED = stubs.write(2, solved=True)


def check(monkeypatch, capsys, path, *options):
    code = call(monkeypatch, exercises.main, "check", path, *options)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def im2col(body, before=""):
    """Exercise 2, solved, but for the body of im2col."""
    text = SOLVED.replace('"""Exercise 2', f'"""Exercise 2{before and ""}', 1)
    start = text.index("    N, H, W, C = x.shape\n    Ho, Wo = (H - kernel)")
    end = text.index("# 2.2,")
    head, _, rest = text.partition("import numpy as np\n")
    text = f"{head}import numpy as np\n{before}{rest}"
    start, end = start + len(before), end + len(before)
    return f"{text[:start]}{body}\n\n\n{text[end:]}"


# --- a student --------------------------------------------------------------------------------------------------------


def test_a_student_starts_and_checks_and_what_is_there_is_not_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, exercises.main, "start", "2") == 0
    assert "check ex02.py" in capsys.readouterr().out
    code, said = check(monkeypatch, capsys, "ex02.py")
    assert code == 1 and said.count("not written yet") == 4 and "0 of 14 points" in said
    assert call(monkeypatch, exercises.main, "start", "2") == 2
    assert "is here already" in capsys.readouterr().err
    Path("ex02.py").write_text(SOLVED + "\nprint('seen')\n")
    code, said = check(monkeypatch, capsys, "ex02.py")
    assert code == 0 and "14 of 14 points" in said and "seen" not in said


def test_hints_come_one_by_one_before_the_solution(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(words.pooch, "os_cache", lambda name: tmp_path / name)
    for count in (1, 2, 3, 3):
        assert call(monkeypatch, exercises.main, "hint", "2.2") == 0
        said = capsys.readouterr().out
        assert [line[0] for line in said.splitlines() if line[1:3] == ". "] == ["1", "2", "3"][:count]
        assert ("solution 2.2" in said) == (count == 3)
    (tmp_path / "minisiamese/hints.json").write_text("[1")  # damaged
    assert words.next_hints("2.1") == (words.section("2.1")[0][:1], False)
    monkeypatch.setattr(words.pooch, "os_cache", lambda name: tmp_path / "file")
    (tmp_path / "file").write_text("")
    assert len(words.next_hints("2.1")[0]) == 3  # where nothing can be kept
    assert call(monkeypatch, exercises.main, "solution", "2.1") == 0
    shown = capsys.readouterr().out
    assert "minisiamese/convolution.py, line" in shown and "as_strided" in shown and "side by side" in shown


def test_it_works_from_any_folder(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for arguments, code, said in ((["start", "17"], 0, "ex17.py"), (["check", "ex17.py"], 1, "0 of 8 points")):
        done = subprocess.run([sys.executable, "-m", "lessons.exercises", *arguments], cwd=tmp_path, env=environment,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == code and said in done.stdout, done.stderr


def test_a_variant_asks_for_its_own_answers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, exercises.main, "start", "2", "--variant", "7") == 0
    assert "Variant 7." in Path("ex02.py").read_text()
    Path("ex02.py").write_text(stubs.write(2, solved=True, seed=7))
    assert check(monkeypatch, capsys, "ex02.py")[0] == 0
    name = stubs.variant_of(2, 7).names["im2col"]
    Path("ex02.py").write_text(stubs.write(2, solved=True, seed=7).replace(f"def {name}(", f"def {name}_("))
    code, said = check(monkeypatch, capsys, "ex02.py")
    assert code == 1 and f"2.1  {name} " in said and f"{name} is not in the file" in said and "im2col" not in said
    code, said = check(monkeypatch, capsys, "ex02.py", "--variant", "8")
    assert code == 1 and "variant 8 is asked for, and this is variant 7" in said
    Path("ex02.py").write_text(SOLVED)
    code, said = check(monkeypatch, capsys, "ex02.py", "--variant", "7")
    assert code == 1 and "this is the exercise itself" in said


REMARKS = {  # body of im2col: what is said of it
    "    raise KeyboardInterrupt": "KeyboardInterrupt",
    "    raise ValueError('\\x1b[2Jgone')": "\\x1b[2Jgone",
    "    error = ValueError('x')\n    error.refused = 5\n    raise error": "ValueError: x",
    "    return 'x' * 10**6": "xxx ...",
    "    return getattr(pad, '__glo' + 'bals__')['im2col'](x, kernel, stride)": "refused",
    "    return x.copy()[:, :kernel": "not tested",
    "    return None": "got None: is there a return?",
    "    return x.shap": "AttributeError: 'numpy.ndarray' object has no attribute 'shap'",
    "    return im2col(x, kernel, stride)": "it calls itself without end",
    "    return [1, 2]": "got a list of 2, where an array is asked for",
    "    raise SystemExit": "SystemExit",
    "    np.save('/tmp/minisiamese-exercise.npy', x)": "PermissionError: an exercise writes no files",
    "    return np.empty((40000, 40000))": "MemoryError",  # 12.8 GB, and 2 GiB are allowed
    "    rows = as_rows(x, kernel, stride)\n    x += 1\n    return rows": "x, an argument, has changed",
    "    return as_rows(x, kernel, stride).astype(float)": "expected float32, got float64",
    "    return as_rows(x, kernel, stride)[::-1]": "16 of 16 differ",
    "    return as_rows(x, kernel, stride).T": "it is transposed",
    "    return -as_rows(x, kernel, stride)": "it is right but for its sign",
    "    return 3 * as_rows(x, kernel, stride)": "everywhere it is 3 times what is expected",
    "    return as_rows(x, kernel, 1)": "mistake gives this very result: the stride is forgotten",
    "    return eval('x')": "uses eval, which no exercise needs",
    "    try:\n        return eval('x')\n    except Exception:\n        return as_rows(x, kernel, stride)": "refused",
}
ROWS = """
def as_rows(x, kernel, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel * kernel * x.shape[3])


"""


@pytest.mark.parametrize(("body", "remark"), REMARKS.items())
def test_a_student_is_told_where_and_why(body, remark, tmp_path):
    path = tmp_path / "ex02.py"
    path.write_text(im2col(body, ROWS))
    graded = grading.grade(reading.read(path))
    said = graded.remark + "\n".join(graded.tasks["2.1"].lines)
    assert graded.tasks["2.1"].points == 0 and (remark in said or remark == graded.tasks["2.1"].state), said
    if "not tested" not in remark:
        assert graded.points == 11, graded  # of the other tasks


@pytest.mark.parametrize(
    ("expected", "got", "message"),
    [
        (np.array([1.0, 2.0]), np.array([6.0, 12.0]), "everywhere it is 6 times"),
        (np.array([1.0, 2.0]), np.array([0.25, 0.5]), "everywhere it is 1/4 times"),
        (np.array([1.0, -2.0]), np.array([-1.0, -2.0]), "some signs are not"),
        (np.array([1.0, 2.0]), np.array([0.0, 0.0]), "all that it gives is 0"),
        (np.array([1.0, 2.0]), np.array([np.nan, 2.0]), "1 of them is NaN"),
        (np.array([[1.0, 2, 3]]), np.array([[1.0], [2], [3]]), "it is transposed"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), "[1]: expected 2, got 2.5; 1 of 2 differ"),
        (np.array([np.nan, 2.0]), np.array([np.nan, 2.0]), None),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0]) + 1e-9, None),
        (np.array([1.0]), np.array([1]), "expected floats (float64), got int64"),
        (np.float32(1), 1.0, None),  # a number of Python's own has no type to be wrong
        (np.float32(1), np.float64(1), "expected float32, got float64"),
    ],
)
def test_a_difference_is_told_as_it_is(expected, got, message):
    found = difference("x", value_of(expected), value_of(got), 1e-7)
    assert found is None if message is None else message in found


# --- what a file may not do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("from minisiamese.convolution import im2col", "minisiamese.convolution.im2col, which is the library's own"),
        ("from minisiamese.convolution import im2col as f\nim2col = f", "which is the library's own answer"),
        ("import torch\nim2col = torch.nn.functional.unfold", "imports torch, which is not among what exercise 2"),
        ("from os import remove\ndef im2col(*a):\n    return remove('x')", "imports os.remove"),
        ("def im2col(*a):\n    return eval('1')", "uses eval"),
        ("def im2col(*a):\n    return (1).__class__.__bases__", "uses __bases__"),
        ("from dataclasses import sys\ndef im2col(*a):\n    return sys.path", "imports dataclasses.sys"),
        ("def im2col(*a):\n    return np.ctypeslib.ctypes", "uses ctypes"),
    ],
)
def test_what_is_refused_costs_its_task_alone(line, complaint, tmp_path):
    path = tmp_path / "ex02.py"
    path.write_text(f"{SOLVED}\n{line}\n")
    graded = grading.grade(reading.read(path))
    said = graded.remark + " ".join(graded.tasks["2.1"].lines)
    assert complaint in said and graded.tasks["2.1"].points == 0
    assert graded.points == 11, graded


USEFUL = """
from __future__ import annotations
import math, time, torch, sys
from functools import partial
from scipy.special import expit
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


def test_what_is_imported_besides_costs_nothing_unless_it_is_used(tmp_path):
    path = tmp_path / "ex02.py"
    first, rest = SOLVED.split('"""\n', 1)
    path.write_text(f'{first}"""\n{USEFUL.split("def half")[0]}{rest}def half{USEFUL.split("def half")[1]}')
    graded = grading.grade(reading.read(path))
    assert graded.points == 14, graded


@pytest.mark.parametrize(
    "line",
    [
        "import sys; sys.path.append('..')",
        "import torch; torch.manual_seed(0); torch.x = 1; torch.a[0] = 1",
        "import os; os.environ['A'] = '1'",
        "from minisiamese.convolution import *",
        "print(open('x').read())",
        "assert im2col(np.zeros((1, 2, 2, 1)), 2).sum() == 1",
        "exit()",
        "raise KeyboardInterrupt",
        "class Bad(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Bad",
        "np.save('/minisiamese-exercise.npy', 1)",
        "await x",
        "return 3",
    ],
)
def test_a_statement_that_fails_costs_nothing_that_does_not_need_it(line, tmp_path):
    path = tmp_path / "ex02.py"
    path.write_text(f"{SOLVED}\n{line}\n")
    graded = grading.grade(reading.read(path))
    assert graded.points == 14 and graded.remark.startswith("while the file was imported: line"), graded
    path.write_text(f"{line}\n{SOLVED}".replace("def im2col(", "def imtocol("))
    graded = grading.grade(reading.read(path))
    assert graded.points == 11 and graded.remark.startswith("while the file was imported: line"), graded


@pytest.mark.parametrize(
    "text",
    [
        f"from __future__ import annotations\n{SOLVED}\nimport dataclasses as d\n@d.dataclass\nclass A:\n    x: int",
        SOLVED + "\ndef helper(input, vars):\n    return input\nhelper(1, 2)\n",
        SOLVED + "\nclass Queue:\n    def __init__(self):\n        self.modules = []\nlen(Queue().modules)\n",
        SOLVED.replace("\n", "\r\n"),
        "\ufeff" + SOLVED,
    ],
)  # fmt: skip
def test_what_is_honest_is_not_refused(text, tmp_path):
    path = tmp_path / "ex02.py"
    path.write_bytes(text.encode())
    graded = grading.grade(reading.read(path))
    assert (graded.points, graded.remark) == (14, ""), graded


@pytest.mark.parametrize("line", ["from minisiamese.layers import ReLU", "ReLU = 3", "ReLU = None"])
def test_what_is_no_class_costs_its_task_alone(line, tmp_path):
    path = tmp_path / "ex03.py"
    path.write_text(stubs.write(3, solved=True) + f"\n{line}\n")
    graded = grading.grade(reading.read(path))
    assert graded.points == 14 and graded.tasks["3.2"].points == 0
    assert ("own answer" if "import" in line else "not in the file") in graded.tasks["3.2"].lines[0]


def test_methods_may_come_from_a_class_of_ones_own(tmp_path):
    text = (
        stubs.write(3, solved=True)
        + """
class Mine(layers.ReLU):
    def forward(self, x, train=True):
        self.keep(train, x > 0)
        return np.where(x > 0, x, x.dtype.type(0))

    def backward(self, dy):
        (above,) = self.take()
        return dy * above

class ReLU(Mine):
    pass
"""
    )
    path = tmp_path / "ex03.py"
    path.write_text(text)
    assert grading.grade(reading.read(path)).tasks["3.2"].state == "right"
    path.write_text(text.replace("class ReLU(Mine)", "class ReLU(layers.ReLU)"))  # with the library's own methods
    graded = grading.grade(reading.read(path))
    assert graded.tasks["3.2"].points == 0 and "are not in the file" in graded.tasks["3.2"].lines[0]
    path.write_text(text.replace("class ReLU(Mine):\n    pass", "class ReLU(layers.ReLU):\n    forward = Mine.forward"))
    result = grading.grade(reading.read(path)).tasks["3.2"]
    assert result.points == 1 and result.lines[0].startswith("ReLU.backward is not in the file")
    assert result.lines[-1] == "Points: forward 1 of 1, backward 0 of 1"


def test_network_programs_and_signals_are_stopped(tmp_path):
    """What an import that the rules above let through might do."""
    path = tmp_path / "try.py"
    path.write_text(
        "import os, signal, socket, subprocess, sys\n"
        "from lessons.exercises.worker import guard\n"
        "guard(sys.argv[1])\n"
        "open(os.path.join(sys.argv[1], 'inside'), 'w').close()\n"
        "for attempt in (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: subprocess.run(['true']),\n"
        "                lambda: os.system('true'), lambda: open(sys.argv[2], 'a'), lambda: os.remove(sys.argv[2]),\n"
        "                lambda: os.rename(sys.argv[2], sys.argv[1] + '/x'), lambda: os.kill(os.getppid(), 0),\n"
        "                lambda: os.fdopen(1, 'w')):\n"
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
    assert len(said) == 8 and said[0].startswith("an exercise uses no network") and "writes no files" in said[3], done
    assert "signals nobody" in said[6] and outside.read_text() == "kept"


# --- a class ----------------------------------------------------------------------------------------------------------

HOSTILE = {  # file: text, points, remark
    "loop_ex02.py": (im2col("    while True:\n        pass"), 11, "im2col: it was stopped after 2 seconds in line"),
    "endless_ex02.py": (SOLVED + "\nwhile True:\n    pass\n", 0, "imported: it was stopped after 2 seconds in line"),
    "memory_ex02.py": (im2col("    return np.ones((60000, 60000))"), 11, "MemoryError"),
    "printed_ex02.py": (stubs.write(2) + "\nprint('ex02.py: 14 of 14 points')\n", 0, "2.1: not written yet"),
    "forged_ex02.py": (stubs.write(2) + "\nfor n in range(3, 20):\n    try:\n        np.memmap(n, mode='r+')\n"
                       "    except Exception:\n        pass\n", 0, "2.1: not written yet"),
    "killer_ex02.py": ("import os, signal\n" + im2col("    os.kill(os.getppid(), 9)"), 11, "imports os, which is not"),
    "imported_ex02.py": (stubs.write(2) + "\nfrom minisiamese.convolution import *\n", 0, "the library's own answer"),
    "syntax_ex02.py": (SOLVED + "\ndef broken(:\n", 0, "the file cannot be imported: line"),
    "renamed_ex02.py": (SOLVED.replace("def im2col(", "def imtocol("), 11, "im2col is not in the file"),
    "left_ex02.py": (im2col("    np.random.os._exit(0)"), 11, "uses os, which no exercise needs"),
}  # fmt: skip


def notebook(*sources):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Mine"]}, *cells], "nbformat": 4})


def test_a_notebook_may_have_what_jupyter_runs(tmp_path):
    head, tail = SOLVED.split("# 2.2,")
    cells = [
        "%%bash\nls",
        "%load_ext autoreload\n\n\n  \nz = (7\n     % 3)\nfiles = !ls\nt = %time 3\n",
        "%%time\n" + head,
        "for k in range(2):\n    %time k\nim2col?\n?im2col\nnp.pad??",
        "this is no Python",
        "display(im2col)\nget_ipython().run_line_magic('time', '')\n" + "\ud800",
        "1 / 0",
        "# 2.2," + tail,
    ]
    path = tmp_path / "ex02.ipynb"
    path.write_text(notebook(*cells))
    graded = grading.grade(reading.read(path))
    assert graded.points == 14 and graded.remark.startswith("while the file was imported: code cell 5, line 1"), graded
    path.write_text(notebook("%a\n\n\n\n\nx = 1 / 0\n", head, "# 2.2," + tail))
    assert "code cell 1, line 6: ZeroDivisionError" in grading.grade(reading.read(path)).remark


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("ex02.py", b"x = '\xff'", "is no text in UTF-8"),
        ("ex02.py", b"# coding: nonsense\n", "is no text in UTF-8"),
        ("ex02.py", b"", "holds no code"),
        ("ex02.ipynb", b"{}", "is not a notebook"),
        ("ex02.ipynb", b"[" * 100000, "is not a notebook"),
        ("ex02.ipynb", b'{"cells": [{"cell_type": "code", "source": 3}]}', "is not a notebook"),
        ("ex02.ipynb", b'{"cells": []}', "holds no code"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_so(name, content, complaint, tmp_path):
    (tmp_path / name).write_bytes(content)
    (graded,) = grading.grade_all([tmp_path / name], tmp_path, None, 20, 2, 1)
    assert complaint in graded.remark and "Error" not in graded.remark and (graded.points, graded.of) == (0, 14)


def test_names_and_encodings_of_the_world(tmp_path, monkeypatch, capsys):
    (tmp_path / "ä ö_ex02.py").write_text(SOLVED.replace("import numpy", "while True:\n    pass\nimport numpy"))
    (tmp_path / "lat_ex02.py").write_bytes(b"# coding: latin-1\n# \xfc\n" + SOLVED.encode())
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve/ex02 (1).PY").write_text(SOLVED)
    (tmp_path / "=1+1_ex02.py").write_text(stubs.write(2))
    with contextlib.suppress(OSError):  # a file system that has no such names
        (tmp_path / os.fsdecode(b"b\xff_ex02.py")).write_text(SOLVED)
    code = call(monkeypatch, exercises.main, "check", tmp_path, "--csv", "--seconds", 1, "--html", tmp_path / "pages")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert code == 1 and len(rows) >= 4
    assert (tmp_path / "pages/index.html").read_text().count("<tr>") == 2 * len(rows) + 2
    assert "stopped after 1 seconds in line" in rows["ä ö"]["remarks"] and rows["eve"]["points"] == "14"
    assert rows["lat"]["points"] == "14" and "'=1+1" in rows


def test_ctrl_c_ends_a_check_at_once_and_its_pages_can_be_written_anew(tmp_path):
    (tmp_path / "class").mkdir()
    for name in "abc":
        (tmp_path / f"class/{name}_ex02.py").write_text(im2col("    while True:\n        pass"))
    pages = str(tmp_path / "pages")
    program = [sys.executable, "-m", "lessons.exercises", "check", str(tmp_path / "class"), "--html", pages]
    process = subprocess.Popen(
        program, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    while not (tmp_path / "pages/index.html").exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and time.monotonic() - began < 10, said
    report.check_folder(tmp_path / "pages")


def test_a_class_is_graded_whatever_its_files_do(tmp_path, monkeypatch, capsys):
    for name, (text, _, _) in HOSTILE.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/ex02.py").write_text(SOLVED)
    head, tail = SOLVED.split("# 2.2,")
    (tmp_path / "bob_ex02.ipynb").write_text(notebook("%matplotlib inline\n", head, "# 2.2," + tail + "\n!ls\n"))
    (tmp_path / "cy_ex02.ipynb").write_text(notebook(head, "1 / 0"))
    (tmp_path / "di_ex02.ipynb").write_text("{")
    (tmp_path / "notes.py").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/ex02.py").write_text("")
    pages = tmp_path / "pages"
    code = call(monkeypatch, exercises.main, "check", tmp_path, "--csv", "--seconds", 2, "--jobs", 2, "--html", pages)
    rows = {Path(row["file"]).name: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert code == 1 and len(rows) == len(HOSTILE) + 5
    for name, (_, points, remark) in HOSTILE.items():
        assert (rows[name]["points"], rows[name]["of"]) == (str(points), "14"), (name, rows[name])
        assert remark in rows[name]["remarks"], (name, rows[name]["remarks"])
        assert rows[name]["student"] == name.partition("_")[0]
    assert rows["ex02.py"]["student"] == "ada" and rows["ex02.py"]["tasks"] == "2.1=3 2.2=3 2.3=3 2.4=5"
    assert rows["bob_ex02.ipynb"]["points"] == "14", rows["bob_ex02.ipynb"]
    assert "code cell 2, line 1: ZeroDivisionError" in rows["cy_ex02.ipynb"]["remarks"]
    assert "is not a notebook" in rows["di_ex02.ipynb"]["remarks"] and "not graded" in rows["notes.py"]["remarks"]
    assert "14 of 14" in (pages / "ada.html").read_text() and "code cell 2, line 1" in (pages / "cy.html").read_text()
    assert '<a href="bob.html">bob</a>' in (pages / "index.html").read_text()


def test_what_an_answer_writes_into_the_pipe_earns_nothing(tmp_path, monkeypatch):
    """Even if it gets hold of the pipe: the grader compares numbers, and is not told what is right."""
    monkeypatch.setattr(rules, "ATTRIBUTES", set())
    path = tmp_path / "ex02.py"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    writing = "try:\n            np.random.os.write(n, b'14 of 14')\n        except OSError:\n            pass"
    path.write_text(im2col(f"    for n in range(3, 20):\n        {writing}\n    return x"))
    answers = reading.read(path)
    ready, outcomes, broken = grading.run(answers, "2.1", 20, 2)
    assert grading.judge(answers, "2.1", ready, outcomes, broken).points == 0


def test_the_exercise_and_the_student_are_in_the_name(tmp_path):
    names = {"ex03.py": 3, "ada_ex10.py": 10, "EX01.py": 1, "ex02-ada.ipynb": 2, "hex06.py": None, "ex99.py": None}
    for name, number in (names | {"ex031.py": None, "ex03.txt": None}).items():
        assert reading.exercise_of(tmp_path / name) == (number if number in EXERCISES else None)
    students = {"ada/ex02.py": "ada", "ex02.py": "", "bob_ex02.py": "bob", "ex02-cy.ipynb": "cy", "a/b/ex02.py": "a"}
    for name, student in students.items():
        assert reading.student_of(tmp_path / name, tmp_path) == student


def test_answers_that_are_alike_are_listed(tmp_path):
    own = """
def im2col(x, kernel, stride=1):
    N, H, W, C = x.shape
    places = [(i, j) for i in range(0, H - kernel + 1, stride) for j in range(0, W - kernel + 1, stride)]
    gathered = [[x[n, i : i + kernel, j : j + kernel].reshape(-1) for i, j in places] for n in range(N)]
    flat = np.concatenate([np.stack(rows, axis=0) for rows in gathered], axis=0)
    return np.ascontiguousarray(flat).astype(x.dtype, copy=False)
"""
    copied = own.replace("gathered", "g").replace("places", "spots").replace("flat", "out") + "# mine\n"
    other = """
def im2col(x, kernel, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel * kernel * x.shape[3])
"""
    files = []
    for name, text in {"a": SOLVED + own, "b": copied + stubs.write(2), "c": SOLVED + other, "d": SOLVED}.items():
        files.append(grading.Graded(Path(f"{name}_ex02.py"), name, 2, text=text))
    (found,) = likeness.groups(files)
    assert found.startswith("a_ex02.py, b_ex02.py: ")
    files += [grading.Graded(Path(f"{name}_ex02.py"), name, 2, text=SOLVED + own) for name in "ef"]
    (found,) = likeness.groups(files)
    assert found.startswith("a_ex02.py, b_ex02.py, e_ex02.py, f_ex02.py: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["start", "99"], "there is no exercise 99: there are"),
        (["start", "three"], "invalid literal"),
        (["start", "2", "--variant", "-1"], "--variant must be 0 to 1000000000, not -1"),
        (["check", "nowhere.py"], "there is no file nowhere.py"),
        (["check", __file__], "its name must have its exercise in it"),
        (["check", "."], "holds no files of answers"),
        (["check", ".", "--seconds", "0"], "--seconds must be 1 to 86400, not 0"),
        (["check", ".", "--seconds", "inf"], "--seconds must be 1 to 86400, not inf"),
        (["check", ".", "--memory", "1e30"], "--memory must be 0.5 to 1024 GiB"),
        (["check", ".", "--jobs", "-1"], "--jobs must be 1 to 1024, or 0"),
        (["hint", "3.99"], "there is no task 3.99"),
        (["solution", "3.99"], "there is no task 3.99"),
        ([], "start"),
    ],
)
def test_bad_input_gets_one_line(arguments, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, exercises.main, *arguments) == 2
    said = capsys.readouterr().err
    assert complaint in said and said.count("\n") == 1


def test_pages_take_no_others_place(tmp_path, monkeypatch, capsys):
    (tmp_path / "ex02.py").write_text(SOLVED)
    (tmp_path / "mine.html").write_text("mine")
    assert call(monkeypatch, exercises.main, "check", tmp_path, "--html", tmp_path) == 2
    assert "holds mine.html, which is no page of a check" in capsys.readouterr().err
    assert call(monkeypatch, exercises.main, "check", tmp_path, "--html", tmp_path / "ex02.py") == 2
    assert "cannot be written to" in capsys.readouterr().err
    (tmp_path / "mine.html").unlink()
    for _ in range(2):  # one's own may be written anew
        assert call(monkeypatch, exercises.main, "check", tmp_path, "--html", tmp_path / "new") == 0


def test_a_check_ends_when_its_time_is_over(tmp_path):
    path = tmp_path / "ex02.py"
    path.write_text("while True:\n    pass\n")
    began = time.monotonic()
    graded = grading.grade(reading.read(path), seconds=1)
    assert "stopped after 1 seconds in line" in graded.remark and graded.points == 0
    assert time.monotonic() - began < 8  # once, not for each task
