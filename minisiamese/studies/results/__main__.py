"""Runs beside the published figures, as a table in Markdown and a picture.

    python -m minisiamese.studies.results RUNS... --out FOLDER

A run's folder may hold more results than its summary.json: each output of ``evaluate RUN --json``, saved there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minisiamese import checkpoint
from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput
from minisiamese.studies.results.pictures import figure, markdown
from minisiamese.studies.results.rows import read_run, rows_of

PROGRAM = "python -m minisiamese.studies.results"
START, END = f"<!-- results: written by {PROGRAM} -->", "<!-- end of results -->"


@dataclass(frozen=True)
class ResultsOptions:
    """Write the results of runs beside the published figures, as Markdown and a picture."""

    # Run folders.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # Folder for report.md and report.png.
    out: Path = Path("report")
    # A Markdown file whose results section, between two comments, is replaced as well.
    readme: Path | None = None


def insert(text, tables, path):
    """A page with the tables in its results section."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise BadInput(f"--readme {path} has no lines '{START}' and '{END}' to put the results between")
    return f"{before}{START}\n\n{tables}\n{END}{after}"


def main():
    options = parse(ResultsOptions, PROGRAM)
    if not options.runs:
        raise BadInput("give one run folder or more")
    runs = [read_run(folder) for folder in options.runs]
    tables = markdown(runs)
    if not tables:
        raise BadInput("the report is of omniglot, and none of these runs has a result on its evaluation alphabets")
    readme = options.readme
    try:
        text = readme.read_text(encoding="utf-8") if readme else None
    except (OSError, ValueError) as error:
        raise BadInput(f"--readme {readme} cannot be read ({error})") from None
    page = insert(text, tables, readme) if readme else None
    written = [options.out / "report.md"]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_text(written[0], tables)
        if rows_of("lake", runs):
            written.append(options.out / "report.png")
            figure(runs, written[-1])
        if page:
            written.append(readme)
            checkpoint.save_text(readme, page)
    except OSError as error:
        raise BadInput(f"cannot write the report: {error}") from None
    print("written:", *written)
    return 0


if __name__ == "__main__":
    front_door(main)
