"""The front door of the exercises.

python -m lessons.exercises start 3
python -m lessons.exercises check ex03.py
python -m lessons.exercises hint 3.2
python -m lessons.exercises solution 3.2
python -m lessons.exercises check FOLDER --csv --html PAGES
"""

import os
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lessons.exercises import grading, likeness, reading, report, stubs, words
from lessons.exercises.tasks import EXERCISES
from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput

PROGRAM = "python -m lessons.exercises"
HELPERS = {
    "in_chunks": "calls a function for a few rows at a time, on several threads; a plain loop does the same",
    "array_module": "gives numpy, or cupy where its argument is an array of CuPy's",
}


@dataclass(frozen=True)
class Start:
    """Write exNN.py, the functions of an exercise without their bodies, into this folder."""

    # Number of the exercise, which is that of its lesson.
    number: Annotated[int, tyro.conf.Positional]
    # Number of a variant: other names, constants and order, so that an answer to another variant does not pass.
    variant: int | None = None


@dataclass(frozen=True)
class Check:
    """Try the answers in a file exNN.py or exNN.ipynb; or, for teachers, in all such files of a folder and below it."""

    # The file, or the folder; a file's name must have its exercise in it: ex03.py, ada_ex03.py, ada/ex03.ipynb.
    path: Annotated[Path, tyro.conf.Positional]
    # Print a line of comma-separated values for each file: student, file, exercise, points, of, tasks, remarks.
    csv: bool = False
    # Folder to write a page for each student into, and one for the teacher.
    html: Path | None = None
    # Variant that the answers must be to. Default: what each file says that it is.
    variant: int | None = None
    # Seconds that each task may take.
    seconds: float = 20
    # Memory that each task may take, in GiB (limited on Linux alone).
    memory: float = 2.0
    # Files that are graded at once. Default: as many as there are processors.
    jobs: int = 0


@dataclass(frozen=True)
class Hint:
    """Show the next of three hints for a task, below those that were seen."""

    # Number of the task: 3.2.
    task: Annotated[str, tyro.conf.Positional]


@dataclass(frozen=True)
class Solution:
    """Show the library's lines for a task, and the reasoning."""

    # Number of the task: 3.2.
    task: Annotated[str, tyro.conf.Positional]


def start(config):
    if config.number not in EXERCISES:
        raise BadInput(f"there is no exercise {config.number}: there are {min(EXERCISES)} to {max(EXERCISES)}")
    _check_variant(config.variant)
    path = Path(f"ex{config.number:02d}.py")
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(stubs.write(config.number, seed=config.variant))
    except FileExistsError:
        raise BadInput(f"{path} is here already: rename it, or go on with it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror})") from None
    exercise = EXERCISES[config.number]
    which = "" if config.variant is None else f", variant {config.variant}"
    print(f"{path}: exercise {config.number}{which}, {exercise.title}")
    print(f"{len(exercise.tasks)} task{'s' * (len(exercise.tasks) > 1)}, {exercise.points} points")
    print(f"{'repair what is wrong' if exercise.repairs else 'write what is missing'}, then: {PROGRAM} check {path}")


def _check_variant(seed):
    if seed is not None and not 0 <= seed <= 10**9:
        raise BadInput(f"--variant must be 0 to 1000000000, not {seed}")


def check(config):
    if not 1 <= config.seconds <= 86400:
        raise BadInput(f"--seconds must be 1 to 86400, not {config.seconds:g}")
    if not 0.5 <= config.memory <= 1024:
        raise BadInput(f"--memory must be 0.5 to 1024 GiB, not {config.memory:g}")
    if not 0 <= config.jobs <= 1024:
        raise BadInput(f"--jobs must be 1 to 1024, or 0 for as many as there are processors, not {config.jobs}")
    _check_variant(config.variant)
    paths, top = _paths(config.path)
    if config.html:
        report.check_folder(config.html)
    jobs = config.jobs or os.cpu_count() or 1
    table, done = report.Table() if config.csv else None, []
    for graded in grading.grade_all(paths, top, config.variant, config.seconds, config.memory, jobs):
        done.append(graded)
        if config.csv:
            table.row(graded)
        else:
            print(report.described(graded), flush=True)
    alike = likeness.groups(done)
    if alike:  # on stderr, since a student is not to see it, and a table is to stay one
        print("\n".join(["answers that are alike:", *(f"  {pair}" for pair in alike)]), file=sys.stderr)
    if config.html:
        report.write_pages(config.html, done, alike)
    return 0 if all(each.number and each.points == each.of for each in done) else 1


def _paths(path):
    """The files to grade, and the folder that they are in."""
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*")) if each.suffix.lower() in (".py", ".ipynb")]
        hidden = (".", "__pycache__")
        found = [each for each in found if not any(part.startswith(hidden) for part in each.relative_to(path).parts)]
        found = [each for each in found if not each.is_dir()]
        if not found:
            raise BadInput(f"{path} holds no files of answers (.py or .ipynb)")
        return found, path
    if not path.is_file():
        raise BadInput(f"there is no file {path}: '{PROGRAM} start N' writes exNN.py")
    if reading.exercise_of(path) is None:
        raise BadInput(f"{path}: its name must have its exercise in it, and end as ex03.py or ex03.ipynb do "
                       f"(ex{min(EXERCISES):02d} to ex{max(EXERCISES):02d})")  # fmt: skip
    return [path], path.parent


def hint(config):
    _task(config.task)
    hints, complete = words.next_hints(config.task)
    for place, text in enumerate(hints, start=1):
        print(textwrap.fill(text, 100, initial_indent=f"{place}. ", subsequent_indent="   "))
    print("The docstring of a variant may ask for something else: then it decides.")
    print(
        f"That was the last hint: {PROGRAM} solution {config.task}" if complete else "Repeat the command for the next."
    )


def solution(config):
    task = _task(config.task)
    for name in task.names:
        path, line, text = stubs.source_of(task, name)
        print(f"# {Path(path).relative_to(grading.ROOT)}, line {line}\n\n{text}")
        for helper, about in HELPERS.items():
            if helper in text:
                print(f"# {helper} {about}\n")
    print(words.section(config.task)[1])


def _task(key):
    tasks = words.tasks()
    if key not in tasks:
        near = [task for task in tasks if task.partition(".")[0] == key.partition(".")[0]]
        near = near or ["1.1", "...", *list(tasks)[-1:]]
        raise BadInput(f"there is no task {key}: there are {', '.join(near)}")
    return tasks[key]


def main():
    config = parse(Start | Check | Hint | Solution, PROGRAM)
    return {Start: start, Check: check, Hint: hint, Solution: solution}[type(config)](config)


if __name__ == "__main__":
    front_door(main)
