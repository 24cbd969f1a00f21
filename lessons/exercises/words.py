"""Hints and reasons of the tasks, as the Markdown beside their cases has them, and which hints were seen."""

import json
import re
from pathlib import Path

import pooch

from lessons.exercises.tasks import EXERCISES

TASKS = Path(__file__).with_name("tasks")
HINTS = 3


def section(key):
    """(hints, reasons) of a task."""
    text = (TASKS / f"ex{int(key.partition('.')[0]):02d}.md").read_text(encoding="utf-8")
    sections = {part.split(None, 1)[0]: part.partition("\n")[2] for part in re.split(r"^## ", text, flags=re.M)[1:]}
    hints, _, reasons = sections[key].partition("### Why")
    numbered = re.split(r"^\d\. ", hints, flags=re.M)[1:]
    return [" ".join(hint.split()) for hint in numbered], reasons.strip()


def next_hints(key):
    """The hints of a task up to the next one that was not seen, and whether these are all.

    How many were seen is kept in the user's cache folder; where it cannot be kept, all are given.
    """
    hints, _ = section(key)
    path = Path(pooch.os_cache("minisiamese")) / "hints.json"
    try:
        seen = json.loads(path.read_text())
        count = int(seen.get(key, 0))
    except (OSError, ValueError, TypeError, AttributeError):
        seen, count = {}, 0
    count = min(max(count, 0) + 1, len(hints))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(seen | {key: count}))
    except OSError:
        count = len(hints)
    return hints[:count], count == len(hints)


def tasks():
    """{number: Task} of all exercises."""
    return {key: task for exercise in EXERCISES.values() for key, task in exercise.tasks.items()}
