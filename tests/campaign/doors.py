"""The front doors, the least that each can be asked to do, and the options that each has, read off its dataclass."""

import importlib
import importlib.util
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import tyro

ROOT = Path(__file__).parents[2]
LEAST = {"--network": "conv4", "--batch": 2, "--drawings": 2, "--validate-every": 2, "--checkpoint-every": 1}


@dataclass(frozen=True)
class Door:
    """A program: a module or a script, the class of its options, and a call of it that takes about a second."""

    name: str
    options: str  # "module:class", or a class of the module itself
    words: tuple = ()  # the positional arguments of the call
    call: dict = field(default_factory=dict)  # {option: value, True of an option without one}
    seconds: float = 2  # about, of the call as a process

    @property
    def script(self):
        """Whether the door is a file, not a module."""
        return self.name.endswith(".py")

    @property
    def command(self):
        """What follows ``python``."""
        return [self.name] if self.script else ["-m", self.name]

    @property
    def shown(self):
        """The program as one types it."""
        return " ".join(["python", *self.command])

    @property
    def how(self):
        """How ``runpy`` takes it."""
        return {} if self.script else {"alter_sys": True}

    def arguments(self, **changed):
        """The words of the call; of ``changed`` a key out_folder, say, is --out-folder, and None leaves it away."""
        call = self.call | {f"--{key.replace('_', '-')}": value for key, value in changed.items()}
        return self.words_of({key: value for key, value in call.items() if value is not None})

    def words_of(self, call, words=None):
        """The words of {option: value}; True is an option without a value."""
        pairs = ([key] if value is True else [key, value] for key, value in call.items())
        return [*(self.words if words is None else words), *(word for pair in pairs for word in pair)]


def _script(name):
    return str(ROOT / "data_scripts" / name)


FOLDER, STUDIES = {"--data-dir": "images"}, "minisiamese.studies"
OUT, ONE = {"--out": "new"}, {"--threads": 1}
DOORS = {
    "train": Door(
        "minisiamese.train", "minisiamese.runs.settings:Settings", ("folder",),
        FOLDER | LEAST | {"--steps": 3, "--views": 1} | ONE | OUT, 2.5,
    ),
    "evaluate": Door(
        "minisiamese.evaluate", "minisiamese.evaluate.protocols:EvaluateOptions", ("run",),
        {"--protocol": "nway", "--way": 2, "--trials": 4, "--views": 1} | ONE, seconds=0.7,
    ),
    "predict": Door("minisiamese.predict", "PredictOptions", ("images/c0/0.png", "images/c0/1.png"), seconds=0.9),
    "data": Door("minisiamese.data", "minisiamese.runs.look:CheckOptions", ("images",), seconds=0.7),
    "bench": Door("minisiamese.bench", "BenchOptions", (), {"--network": "conv4", "--rounds": 1} | ONE),
    "backend": Door("minisiamese.backend", "minisiamese.bench.gpu:BackendOptions", seconds=0.3),
    "fewshot": Door(
        f"{STUDIES}.fewshot", f"{STUDIES}.fewshot.settings:FewshotOptions", ("run",),
        {"--study": "depths", "--way": 2, "--shot": 1, "--repeats": 2} | ONE, seconds=1.4,
    ),
    "sweeps": Door(
        f"{STUDIES}.sweeps", f"{STUDIES}.sweeps.settings:SweepsOptions", ("folder",),
        FOLDER | {"--only": "embedding", "--seeds": 1, "--steps": 2} | ONE | OUT, 2.8,
    ),
    "maml": Door(
        f"{STUDIES}.maml", f"{STUDIES}.maml.settings:MamlOptions", ("folder",),
        FOLDER | {"--way": 2, "--queries": 1, "--steps": 4, "--tasks": 1, "--inner-steps": 1, "--test-tasks": 2}
        | ONE | OUT, 2.5,
    ),
    "report000": Door(
        f"{STUDIES}.report000", f"{STUDIES}.report000.settings:Report000Options", ("mnist",),
        {"--quick": True, "--data-dir": "data", "--threads": 2} | OUT, 12,
    ),
    "results": Door(f"{STUDIES}.results", "ResultsOptions", ("drawn",), OUT, seconds=1),
    "start": Door("lessons.exercises", "Start", ("start", "1"), seconds=0.5),
    "check": Door("lessons.exercises", "Check", ("check", "ex02.py"), {"--seconds": 10}, seconds=3),
    "hint": Door("lessons.exercises", "Hint", ("hint", "1.1"), seconds=0.5),
    "solution": Door("lessons.exercises", "Solution", ("solution", "1.1"), seconds=0.5),
    "omniglot": Door(_script("omniglot.py"), "Config", (), {"--data-dir": "data"}, seconds=0.5),
    "cifar10": Door(_script("cifar10.py"), "Config", (), {"--data-dir": "data"} | OUT, seconds=0.5),
    "fashion": Door(_script("fashion.py"), "Config", ("fashion",), OUT, seconds=0.5),
}  # fmt: skip


def module_of(door):
    """The module of a door's ``main``, imported."""
    if not door.script:
        return importlib.import_module(door.name if door.name.endswith("backend") else f"{door.name}.__main__")
    spec = importlib.util.spec_from_file_location(Path(door.name).stem, door.name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def options_of(name):
    """{option: the type of its value} of a door; its positional arguments have the key ""."""
    door = DOORS[name]
    module, _, config = door.options.rpartition(":")
    return dict(_options(getattr(importlib.import_module(module) if module else module_of(door), config)))


def _options(config):
    hints = get_type_hints(config, include_extras=True)
    for each in fields(config):
        hint, given = hints[each.name], []
        if get_origin(hint) is Annotated:
            hint, *given = get_args(hint)
        names = [one.name for one in given if getattr(one, "name", None)]
        if is_dataclass(hint):
            yield from _options(hint)
        else:
            flag = f"--{(names or [each.name])[0].replace('_', '-')}"
            yield "" if tyro.conf.Positional in given else flag, hint
