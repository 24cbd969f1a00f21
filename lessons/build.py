"""Turn the lessons, scripts in percent format, into notebooks with their outputs and pictures; and all into a book.

    python -m lessons.build
    python -m lessons.build 3
    python -m lessons.build --book OUT

The script is the source: it is what is edited and reviewed. Its notebook is for reading, and is made anew from it, with
the same cell numbers and metadata each time.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput

FOLDER = Path(__file__).parent
INLINE = "module://matplotlib_inline.backend_inline"  # puts pictures into the notebook
PROGRAM = "python -m lessons.build"


def sources():
    """{number: path} of the lessons."""
    return {int(path.name[:2]): path for path in sorted(FOLDER.glob("[0-9][0-9]_*.py"))}


def notebook_of(source):
    """The notebook of a script, without outputs; its cells are numbered, so that each build gives them the same ids."""
    import jupytext  # here, so that the rest of this file can do without

    notebook = jupytext.read(source, fmt="py:percent")
    for place, cell in enumerate(notebook.cells, start=1):
        cell.id, cell.metadata = f"cell-{place:02d}", {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def stripped(notebook):
    """What of a notebook's cells stands in its source."""
    return [(cell.cell_type, cell.id, dict(cell.metadata), cell.source) for cell in notebook.cells]


def build(source):
    """Run a lesson and write its notebook beside it; BadInput if a cell fails, or complains on stderr."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = notebook_of(source)
    metadata = dict(notebook.metadata)
    client = NotebookClient(
        notebook, timeout=1800, record_timing=False, coalesce_streams=True, resources={"metadata": {"path": FOLDER}}
    )
    try:
        client.execute(env=os.environ | {"MPLBACKEND": INLINE})  # a front door has set another one, without windows
    except CellExecutionError as error:
        raise BadInput(f"{source.name} fails: {error.ename}: {error.evalue}") from None
    notebook.metadata = metadata  # without what the kernel says of itself
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise BadInput(f"{source.name} complains: {output.text}")
            output.get("metadata", {}).clear()
    nbformat.write(notebook, source.with_suffix(".ipynb"))


@dataclass(frozen=True)
class BuildOptions:
    """Run lessons and write their notebooks, or make a site of the notebooks that there are."""

    # Numbers of the lessons. Default: all.
    numbers: Annotated[tuple[int, ...], tyro.conf.Positional] = ()
    # Make a static site of lessons, reports and code in this folder, and run nothing.
    book: Path | None = None


def main():
    options, lessons = parse(BuildOptions, PROGRAM), sources()
    for number in options.numbers:
        if number not in lessons:
            raise BadInput(f"there is no lesson {number}: there are {min(lessons)} to {max(lessons)}")
    if options.book and options.numbers:
        raise BadInput("--book has all lessons, and runs none: leave out their numbers")
    if options.book:
        from lessons.book import make

        make(options.book)
        print(options.book / "index.html")
        return
    try:
        for number in options.numbers or lessons:
            build(lessons[number])
            print(lessons[number].with_suffix(".ipynb"))
    except ImportError as error:
        raise BadInput(f"building needs {error.name}: pip install -e '.[lessons]'") from None


if __name__ == "__main__":
    front_door(main)
