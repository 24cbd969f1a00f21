"""Every lesson runs, on little, and its notebook is what its source says, with its pictures."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from conftest import call

from lessons import build
from lessons.exercises.tasks import EXERCISES

SOURCES = build.sources()
ROOT = build.FOLDER.parent


@pytest.mark.parametrize("data", ["glyphs", pytest.param("real", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", SOURCES)
def test_it_runs(number, data, tmp_path, request):
    """As a script, in which every cell stands; what a cell asserts must hold on any data."""
    folder = request.getfixturevalue("real_omniglot") if data == "real" else ""
    environment = os.environ | {"MINISIAMESE_QUICK": "1", "MINISIAMESE_DATA": folder, "MPLBACKEND": "agg"}
    environment |= {"MINISIAMESE_PICTURES": str(tmp_path), "PYTHONWARNINGS": "error::DeprecationWarning:__main__"}
    done = subprocess.run(
        [sys.executable, SOURCES[number]], capture_output=True, text=True, env=environment, cwd=build.FOLDER
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("number", SOURCES)
def test_the_notebook_is_its_source_and_shows_what_it_made(number):
    source = SOURCES[number]
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    built = build.notebook_of(source)
    assert build.stripped(notebook) == build.stripped(built), f"run 'python -m lessons.build {number}'"
    assert notebook.metadata == built.metadata
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    shown = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in shown} <= {"stream", "display_data"}  # no error, no bare value
    assert all(output.get("name") != "stderr" for output in shown)
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    sentences = [output.data["text/markdown"] for output in shown if "text/markdown" in output.get("data", {})]
    assert len(pictures) == len(sentences) >= 3
    assert all(re.fullmatch(r"\*[^*]+\.\*", sentence) for sentence in sentences)
    text = source.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert len(text) < 1e6 and not re.search(r"/(work|home|root|tmp)/", text)


@pytest.mark.parametrize("number", SOURCES)
def test_it_opens_with_the_paper_and_ends_with_its_exercise(number):
    cells = build.notebook_of(SOURCES[number]).cells
    title, _, about = cells[0].source.split("\n", 2)
    assert title.startswith(f"# {number}. ")
    assert re.match(r"\*.*(section|report).*minutes\.\*", about.replace("\n", " "))
    last = next(cell.source for cell in reversed(cells) if cell.cell_type == "markdown")
    assert f"lessons.exercises start {number}\n" in last and f"check ex{number:02d}.py" in last
    end = "\n".join(cell.source for cell in cells[-3:])
    assert end.index("## Three questions") < end.index("## What to try")
    assert end.count("<details><summary>Answer</summary>\n\n") == end.count("\n\n</details>\n") == 3


def test_lessons_are_numbered_from_1_on_and_each_has_its_exercise():
    assert list(SOURCES) == list(EXERCISES) == list(range(1, len(SOURCES) + 1))
    listed = (build.FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(source.with_suffix(".ipynb").name in listed for source in SOURCES.values())


CITED = re.compile(r"([A-Z][\w-]+)(?:(?:, [A-Z][\w-]+)* & [A-Z][\w-]+| et al\.|'s)?,? \(?((?:19|20)\d\d)\b(?=[),])")


@pytest.mark.parametrize("number", SOURCES)
def test_what_a_lesson_cites_is_in_the_bibliography(number):
    """Author and year, as in "Kingma & Ba (2015)" and "He et al. 2020)", with the lesson's number."""
    entries = (build.FOLDER / "bibliography.md").read_text(encoding="utf-8").replace("\n  ", " ").split("\n- ")[1:]
    cells = build.notebook_of(SOURCES[number]).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown").replace("\n", " ")
    works = set(CITED.findall(text))
    assert works
    for author, year in works:
        found = [each for each in entries if re.match(rf"(?:van (?:der )?)?{author}, .*?\({year}\)", each)]
        assert found, f"{author} {year} is not in lessons/bibliography.md"
        assert re.search(rf"Lessons? [\d, and]*\b{number}\b|All lessons", found[0]), f"{author} {year}: lesson {number}"


LESSON = """# %% [markdown]
# # 11. A lesson
#
# $x^2$

# %%
import lesson
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([1, 2])
lesson.show(figure, "A line.")
print("one")
print("two")
"""


def test_a_build_is_reproducible(tmp_path, monkeypatch):
    source = tmp_path / "11_topic.py"
    source.write_text(LESSON)
    (tmp_path / "lesson.py").write_text((build.FOLDER / "lesson.py").read_text())
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    monkeypatch.setenv("MINISIAMESE_QUICK", "1")
    monkeypatch.setattr(sys, "argv", ["program", "11"])
    texts = []
    for _ in range(2):
        build.build(build.sources()[11])
        texts.append(source.with_suffix(".ipynb").read_text())
    assert texts[0] == texts[1]
    notebook = nbformat.reads(texts[0], as_version=4)
    assert [cell.id for cell in notebook.cells] == ["cell-01", "cell-02"] and notebook.cells[0].source.endswith("$x^2$")
    picture, sentence, printed = notebook.cells[1].outputs
    assert "image/png" in picture.data and sentence.data["text/markdown"] == "*A line.*"
    assert printed.text == "one\ntwo\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1 / 0", "error: 11_topic.py fails: ZeroDivisionError: division by zero\n"),
        ("import sys; print('trouble', file=sys.stderr)", "error: 11_topic.py complains: trouble\n"),
    ],
)
def test_a_lesson_that_fails_or_complains_is_not_built(line, complaint, tmp_path, monkeypatch, capsys):
    (tmp_path / "11_topic.py").write_text(f"# %%\n{line}\n")
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert call(monkeypatch, build.main, "11") == 2
    assert capsys.readouterr().err == complaint
    assert not (tmp_path / "11_topic.ipynb").exists()


def test_a_lesson_that_is_not_there_gets_one_line(monkeypatch, capsys):
    last = max(SOURCES)
    assert call(monkeypatch, build.main, str(last + 1)) == 2
    assert capsys.readouterr().err == f"error: there is no lesson {last + 1}: there are 1 to {last}\n"
