"""Files of answers: what their names say, and their text."""

import ast
import json
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

from lessons.exercises.tasks import EXERCISES
from minisiamese.errors import BadInput

RUN_MAGICS = {"%%time", "%%timeit", "%%capture", "%%prun"}  # of cells whose other lines are Python
LINES = (  # of a notebook that are not Python, and what stands in for them
    (r"^([ \t]*)([\w, \t]+=[ \t]*)[!%].*", r"\1\2None"),
    (r"^([ \t]*)[%!].*", r"\1pass"),
    (r"^([ \t]*)(\?+[ \t]*[\w.]+|[\w.]+[ \t]*\?+)[ \t]*$", r"\1pass"),
)


@dataclass(frozen=True)
class Answers:
    """The text of a file; its exercise and variant; and who wrote it, as far as its name tells."""

    path: Path
    number: int
    variant: int | None
    student: str
    text: str
    cells: tuple[int, ...] = ()  # of a notebook, the line that each cell begins at

    def place(self, line):
        """A line as its author finds it."""
        if not self.cells:
            return f"line {line}"
        cell = sum(first <= line for first in self.cells)
        return f"code cell {cell}, line {line - self.cells[max(cell, 1) - 1] + 1}"


def exercise_of(path):
    """The number of the exercise that a file's name tells (ex03.py, ada_ex03.ipynb), or None."""
    found = re.search(r"(?<![a-z0-9])ex(\d\d)(?!\d)", path.stem.lower())
    answers = found and path.suffix.lower() in (".py", ".ipynb") and int(found[1]) in EXERCISES
    return int(found[1]) if answers else None


def student_of(path, top):
    """Who wrote a file: what its name says beside exNN, if that has letters; else the first folder below ``top``; else
    "". A number in brackets is a browser's, which has saved a name twice."""
    rest = re.sub(r"(?<![a-z0-9])ex\d\d(?!\d)|\(\d+\)", "", path.stem, flags=re.I).strip(" _-.")
    below = path.parent.relative_to(top).parts if path.is_relative_to(top) else ()
    folder = below[0] if below else ""
    return visible(rest if re.search(r"[^\W\d_]", rest) else folder or rest)


def read(path, top=None):
    """The ``Answers`` of a file; BadInput if it cannot be read."""
    try:
        if path.suffix.lower() == ".ipynb":
            text = path.read_text(encoding="utf-8-sig")
        else:
            with tokenize.open(path) as file:  # in the encoding that the file says, or UTF-8
                text = file.read()
    except OSError as error:
        raise BadInput(f"{visible(path)} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, SyntaxError):
        raise BadInput(f"{visible(path)} is no text in UTF-8") from None
    cells = ()
    if path.suffix.lower() == ".ipynb":
        text, cells = _of_notebook(path, text)
    if not text.strip():
        raise BadInput(f"{visible(path)} holds no code")
    found = re.search(r"^Variant (\d{1,10})\.", text, re.M)
    variant = int(found[1]) if found else None
    return Answers(path, exercise_of(path), variant, student_of(path, top or path.parent), text, cells)


def visible(text):
    """A text in which all that a terminal or a page would not show, or would obey, is written out."""
    shown = (each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in str(text))
    return "".join(shown)


# --- notebooks --------------------------------------------------------------------------------------------------------


def _of_notebook(path, text):
    """The code of a notebook's cells, one below the other, and the line at which each begins."""
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{visible(path)} is not a notebook") from None
    lines, firsts = 1, []
    for place, source in enumerate(sources):
        sources[place] = _python_of(source.encode("utf-8", "replace").decode())
        firsts.append(lines)
        lines += sources[place].count("\n") + 1
    return "\n".join(sources) + "\n", tuple(firsts)


def _python_of(cell):
    """A cell's lines, with something that does nothing for those that are not Python; or, if it is none even then,
    one that raises its SyntaxError, as the cell does in Jupyter, where the others run all the same."""
    lines = cell.split("\n")
    if lines[0].startswith("%%"):
        if lines[0].split()[0] not in RUN_MAGICS:
            return "\n" * (len(lines) - 1)
        lines[0] = ""
    while True:
        try:
            ast.parse("\n".join(lines))
            return "\n".join(lines)
        except (SyntaxError, ValueError) as error:
            place, said = (getattr(error, "lineno", None) or 1) - 1, getattr(error, "msg", str(error))
        stand_in = lines[place]
        for pattern, replacement in LINES:
            stand_in = re.sub(pattern, replacement, stand_in)
        if stand_in == lines[place]:
            lines = ["" if number != place else f"raise SyntaxError({said!r})" for number in range(len(lines))]
        else:
            lines[place] = stand_in
