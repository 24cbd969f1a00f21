"""The book's pages and their links; ``.ci/run`` makes the whole of it, with warnings as errors."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import call

from lessons import book, build


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see lesson 3.", "see [lesson 3](03_backward.ipynb)."),
        ("lessons 4 and 5", "[lessons 4](04_twins.ipynb) and [5](05_triplets.ipynb)"),
        ("sections 3.1, 3.2 and 4.2", "[sections 3.1](#section-3-1), [3.2](#section-3-2) and [4.2](#section-4-2)"),
        ("section 3", "[section 3](#section-3)"),
        ("Lesson 3.", "[Lesson 3](03_backward.ipynb)."),
        ("Lin et al. 2014, section 3.2", "Lin et al. 2014, section 3.2"),
        ("section 7.5, lesson 99", "section 7.5, lesson 99"),
        ("`minisiamese/losses.py`", "[`minisiamese/losses.py`](code/minisiamese.losses.rst)"),
        ("`minisiamese.data`", "[`minisiamese.data`](code/minisiamese.data.rst)"),
        ("`minisiamese.nothing`", "`minisiamese.nothing`"),
        ("`lesson 3` $lesson 3$ [lesson 3](x)", "`lesson 3` $lesson 3$ [lesson 3](x)"),
        ("# lesson 3\n\n    lesson 3\n", "# lesson 3\n\n    lesson 3\n"),
    ],
)
def test_what_is_named_is_linked(text, expected):
    assert book.linked(text) == expected


def test_docstrings_are_shown_as_they_are_written():
    shown = book.as_rst("s = |a*b_|, section 3.1, ``Layer``s\n\n    python -m x *\n\n- one\n- ``two``")
    words = "s = \\|a\\*b\\_\\|, :ref:`section 3.1 <section-3-1>`, ``Layer``\\ s"
    assert shown == f"{words}\n\n::\n\n    python -m x *\n\n- one\n- ``two``"


def test_every_page_is_in_the_contents_and_every_link_has_its_page(tmp_path):
    book.gather(tmp_path)
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    named = {line for text in ("index.md", "code.md") for line in (tmp_path / text).read_text().split("\n")}
    stems = {str(Path(page).with_suffix("")) for page in pages if page.endswith((".md", ".rst", ".ipynb"))}
    assert stems - {"index"} <= named
    assert all(path.stem in stems for path in build.sources().values())
    for page in pages:
        if page.endswith((".md", ".ipynb")):
            for link in re.findall(r"\]\(([^)#:\s]+)\)", (tmp_path / page).read_text(encoding="utf-8")):
                assert link in pages, f"{page}: {link}"


def test_a_lesson_leads_to_its_code_and_its_sections_and_these_lead_back(tmp_path):
    book.gather(tmp_path)
    lesson = nbformat.read(tmp_path / "04_twins.ipynb", as_version=4)
    assert "[`losses`](code/minisiamese.losses.rst)" in lesson.cells[1].source
    assert "(#section-3-1)" in lesson.cells[0].source
    triplets = nbformat.read(tmp_path / "05_triplets.ipynb", as_version=4)
    assert "[`mining`](code/minisiamese.mining.rst)" in triplets.cells[1].source  # from minisiamese import mining
    assert ":doc:`lesson 4 </04_twins>`" in (tmp_path / "code/minisiamese.losses.rst").read_text()
    section = (tmp_path / "paper.md").read_text().partition("3.1 Model")[2].partition("3.2 Learning")[0]
    assert "04_twins.ipynb" in section and "code/minisiamese.siamese.rst" in section


SOMETHING = "holds something else: name a folder that is new or empty\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--book", "{full}"), "error: --book {full} " + SOMETHING),
        (("--book", "{full}/kept"), "error: --book {full}/kept " + SOMETHING),
        (("3", "--book", "{full}"), "error: --book has all lessons, and runs none: leave out their numbers\n"),
    ],
)
def test_bad_input_gets_one_line_and_nothing_is_lost(arguments, complaint, tmp_path, monkeypatch, capsys):
    (tmp_path / "kept").write_text("mine")
    (tmp_path / "objects.inv").write_text("another site's")
    (tmp_path / book.MARK).write_text("index.html\nobjects.inv")  # an earlier book, in which somebody keeps a file
    assert call(monkeypatch, build.main, *(each.format(full=tmp_path) for each in arguments)) == 2
    assert capsys.readouterr().err == complaint.format(full=tmp_path)
    assert (tmp_path / "kept").read_text() == "mine"


def test_without_sphinx_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sphinx", None)
    monkeypatch.setitem(sys.modules, "sphinx.application", None)
    assert call(monkeypatch, build.main, "--book", tmp_path / "out") == 2
    assert "pip install -e '.[book]'" in capsys.readouterr().err
