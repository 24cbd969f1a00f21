"""The front door of the exercises.

python -m lessons.exercises start 3
python -m lessons.exercises check ex03.py
python -m lessons.exercises solution 3.2
python -m lessons.exercises check FOLDER --csv
"""

import csv
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import tyro

from lessons.exercises import grading, stubs
from lessons.exercises.table import EXERCISES
from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput

PROGRAM = "python -m lessons.exercises"
SOLUTIONS = Path(__file__).with_name("solutions.md")


@dataclass(frozen=True)
class Start:
    """Write exNN.py, the functions of an exercise without their bodies, into this folder."""

    # Number of the exercise, which is that of its lesson.
    number: Annotated[int, tyro.conf.Positional]


@dataclass(frozen=True)
class Check:
    """Test the answers in a file exNN.py; or, for teachers, in all such files of a folder and those below it."""

    # The file, or the folder; a file's name must have its exercise in it: ex03.py, ada_ex03.py.
    path: Annotated[Path, tyro.conf.Positional]
    # Print a line of comma-separated values for each file: file, exercise, points, of, tasks, remark.
    csv: bool = False
    # Seconds after which the task that is under way is given up.
    seconds: float = 60
    # Memory that a file may take, in GiB (limited on Linux alone).
    memory: float = 4.0


@dataclass(frozen=True)
class Solution:
    """Show the library's lines for a task, and the reasoning."""

    # Number of the task: 3.2.
    task: Annotated[str, tyro.conf.Positional]


def start(config):
    if config.number not in EXERCISES:
        raise BadInput(f"there is no exercise {config.number}: there are 1 to {max(EXERCISES)}")
    path = Path(f"ex{config.number:02d}.py")
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(stubs.write(config.number))
    except FileExistsError:
        raise BadInput(f"{path} is here already: rename it, or go on with it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror})") from None
    exercise = EXERCISES[config.number]
    print(f"{path}: {exercise.title}, {len(exercise.tasks)} tasks, {exercise.points} points")
    print(f"write what is missing, then: {PROGRAM} check {path}")


def check(config):
    if find_spec("pytest") is None:
        raise BadInput("checking needs pytest, which runs the library's tests: pip install -e '.[lessons]'")
    if not 1 <= config.seconds <= 86400:
        raise BadInput(f"--seconds must be 1 to 86400, not {config.seconds:g}")
    if not 1 <= config.memory <= 1024:
        raise BadInput(f"--memory must be 1 to 1024 GiB, not {config.memory:g}")
    paths = [config.path]
    if config.path.is_dir():
        paths = [path for path in sorted(config.path.rglob("*.py")) if path.is_file() and _visible(path, config.path)]
        if not paths:
            raise BadInput(f"{config.path} holds no Python files")
    elif not config.path.is_file():
        raise BadInput(f"there is no file {config.path}: '{PROGRAM} start N' writes exNN.py")
    elif grading.exercise_of(config.path) is None:
        raise BadInput(f"{config.path}: its name must have its exercise in it, and end as ex03.py does (ex01 to ex10)")
    table, complete = csv.writer(sys.stdout), True
    if config.csv:
        table.writerow(["file", "exercise", "points", "of", "tasks", "remark"])
    for path in paths:
        number = grading.exercise_of(path)
        if number is None:
            if config.csv:
                table.writerow([path, "", "", "", "", "not graded: no exercise in its name"])
            else:
                print(f"{path}: not graded: no exercise in its name")
            continue
        graded = grading.grade(path, number, config.seconds, config.memory)
        complete &= graded["points"] == graded["of"]
        if config.csv:
            points = " ".join(f"{key}={result['points']}" for key, result in graded["tasks"].items())
            table.writerow([path, number, graded["points"], graded["of"], points, graded["remark"] or ""])
        else:
            print(describe(path, number, graded))
        sys.stdout.flush()
    return 0 if complete else 1


def _visible(path, folder):
    """Whether neither a file nor a folder that it is in is hidden, or Python's own."""
    return not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)


def describe(path, number, graded):
    """What a check has found, as lines for people."""
    lines = [f"{path}: exercise {number}, {EXERCISES[number].title}"]
    for key, task in EXERCISES[number].tasks.items():
        result = graded["tasks"].get(key, {"points": 0, "state": "not tested", "lines": []})
        names = ", ".join(task.names)
        lines.append(f"  {key:<5}{names:<44}{result['points']:>2} of {task.points}   {result['state']}")
        lines += [f"       {line}" for line in result["lines"]]
    if graded["remark"]:
        lines.append(f"  {graded['remark']}")
    return "\n".join([*lines, f"  {graded['points']} of {graded['of']} points"])


def solution(config):
    tasks = {key: task for exercise in EXERCISES.values() for key, task in exercise.tasks.items()}
    if config.task not in tasks:
        raise BadInput(f"there is no task {config.task}: there are {', '.join(tasks)}")
    for name in tasks[config.task].names:
        path, line, text = stubs.source_of(tasks[config.task], name)
        print(f"# {Path(path).relative_to(grading.ROOT)}, line {line}\n\n{text}")
    print(reasoning(config.task))


def reasoning(key):
    """The section of solutions.md on a task."""
    sections = re.split(r"^## ", SOLUTIONS.read_text(encoding="utf-8"), flags=re.M)[1:]
    return {section.partition("\n")[0].split()[0]: section.partition("\n")[2].strip() for section in sections}[key]


def main():
    config = parse(Start | Check | Solution, PROGRAM)
    return {Start: start, Check: check, Solution: solution}[type(config)](config)


if __name__ == "__main__":
    front_door(main)
