"""What the exercises ask for, as ``table.ini`` says it."""

from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """Functions of one module of minisiamese, or methods as "Class.method", and what ``table.ini`` says of them."""

    module: str
    names: tuple[str, ...]
    points: int
    ask: str
    slip: str
    tests: tuple[str, ...]
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """What a lesson asks for; tasks by number, "3.2"."""

    title: str
    tasks: dict[str, Task]

    @property
    def points(self):
        return sum(task.points for task in self.tasks.values())


def _read(path):
    """{number: Exercise}."""
    table = ConfigParser(interpolation=None)
    table.read_string(path.read_text(encoding="utf-8"))
    exercises = {}
    for key, entry in table.items():
        if "title" in entry:
            exercises[int(key)] = Exercise(entry["title"], {})
        elif key != table.default_section:
            module, _, names = entry["of"].partition(": ")
            lists = names, entry["tests"], entry.get("devices", "numpy")
            names, tests, devices = (tuple(each.split()) for each in lists)
            task = Task(module, names, int(entry["points"]), entry["ask"], entry["slip"], tests, devices)
            exercises[int(key.partition(".")[0])].tasks[key] = task
    return exercises


EXERCISES = _read(Path(__file__).with_name("table.ini"))
