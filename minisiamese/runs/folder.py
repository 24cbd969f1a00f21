"""Resumable output folders, and the trained network in one.

A program that works for long fills a folder: ``begun`` keeps the settings in its config.json, so that ``--resume`` goes
on with these, and ``check`` refuses others.
"""

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_type_hints

import msgspec
import numpy as np

from minisiamese import checkpoint
from minisiamese.checkpoint import Count, Finite, Share, load_json, typed
from minisiamese.commands.doors import parse
from minisiamese.errors import BadInput
from minisiamese.runs.build import build
from minisiamese.runs.settings import Settings

PRETRAINED = Path(__file__).parent.with_name("pretrained.npz")  # the network that comes with the package
CONFIG = "config.json"


class Folder:
    """A folder that a program fills, such as ``Folder(path, "python -m minisiamese.train")``.

    ``empty`` says in complaints what a folder without a config.json is: there "is no run" in it.
    """

    def __init__(self, path, program, empty="is no run"):
        self.path, self.program, self.empty = Path(path), program, empty

    def kept(self):
        """{key: value}, the settings that the folder was begun with; BadInput if they are not there."""
        path = self.path / CONFIG
        if not path.exists():
            raise BadInput(f"--resume: there {self.empty} in {self.path}")
        return load_json(path)

    def check(self, asked, resume):
        """BadInput if the folder cannot be begun or, with ``resume``, was begun with other settings {key: value}."""
        if resume:
            self.compare(asked, self.kept())
        elif self.path.exists() and (not self.path.is_dir() or self._holds_something()):
            raise BadInput(f"{self.path} exists already: give another --out, or --resume to go on with what it holds")

    def _holds_something(self):
        """Whether there is more in the folder than the beginning of a config.json, by a process that was killed."""
        return any(file.name != f"{CONFIG}.part" for file in self.path.iterdir())

    def compare(self, asked, kept):
        """BadInput if settings {key: value} are asked for that are not those ``kept``; None asks for nothing."""
        asked, kept = json.loads(json.dumps([asked, kept]))  # both as config.json has them
        if lacking := asked.keys() - kept.keys():
            raise BadInput(f"{self.path / CONFIG} is of another program than {self.program}: it has no {min(lacking)}")
        for key, value in asked.items():
            if value not in (None, kept[key]):
                name = "the data set" if key == "data" else f"--{key.replace('_', '-')}"
                began = "none" if kept[key] is None else str(kept[key]).strip("[]")
                raise BadInput(f"{name} cannot change on --resume: {self.path} was begun with {began}")

    @contextmanager
    def begun(self, settings, resume):
        """Make the folder, once all is there that the work takes, and keep the settings {key: value} in it.

        Until the end of the ``with`` no other process may work in it: BadInput if one does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if not resume:
                self.check(settings, resume)  # again, for another process may have begun it meanwhile
            if not (self.path / CONFIG).exists():
                checkpoint.save_json(self.path / CONFIG, settings)
            yield

    @contextmanager
    def _alone(self):
        """Lock the folder; the system unlocks it if this process is killed."""
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        lock = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BadInput(f"another process is at work in {self.path}: wait for it, or give another --out") from None
        try:
            yield
        finally:
            os.close(lock)

    def again(self, data, data_dir=None):
        """The command that goes on with the folder."""
        where = f" --data-dir {data_dir}" if data_dir else ""
        return f"go on with: {self.program} {data}{where} --out {self.path} --resume"

    def fill(self, work, data, data_dir=None):
        """``work()``; None after Ctrl-C, once a line has said how to go on. BadInput if it cannot write the folder."""
        try:
            return work()
        except OSError as error:
            if error.filename and self.path.resolve() not in Path(error.filename).resolve().parents:
                raise  # of another file
            raise BadInput(f"--out: cannot write {self.path} ({error.strerror or error})") from None
        except KeyboardInterrupt:
            begun = (self.path / CONFIG).exists()
            print(f"stopped; {self.again(data, data_dir)}" if begun else "stopped", file=sys.stderr)
            return None


def parsed(config_class, program, keys, folder_of):
    """The command line as a ``config_class`` with its ``out`` filled in, the path of ``folder_of(config)``.

    ``keys`` are the settings that a folder's results depend on. With --resume, those of them that the command line
    leaves out come from the folder's config.json.
    """
    config = parse(config_class, program)
    folder = folder_of(config)
    if config.resume:
        kept, types = folder.kept(), get_type_hints(config_class)
        try:
            kept = {key: typed(kept[key], types[key]) for key in keys}
        except (KeyError, ValueError) as error:
            raise BadInput(f"{folder.path / CONFIG} holds no settings of {program} ({error})") from None
        config = parse(config_class, program, replace(config, **kept))
    return replace(config, out=folder.path)


# --- trained networks -------------------------------------------------------------------------------------------------


class Calibration(msgspec.Struct):
    """What turns a score into a probability (``scoring.calibrate``)."""

    slope: Finite
    offset: Finite


class RunMeta(msgspec.Struct):
    """What a run's best.npz says of itself; last.npz has more."""

    config: dict
    step: Count = 0
    validation_accuracy: Share | None = None
    channels: Literal[1, 3] = 1
    calibration: Calibration | None = None


def settings_of(folder):
    """The settings of the training in a ``Folder``, to go on with it."""
    path = folder.path / CONFIG
    return Settings.from_json(folder.kept(), path).but(out=folder.path, resume=True)


def load_run(path, device="cpu"):
    """(network, the settings it was trained with, all that was saved beside it) of a run folder's best.npz, of a
    checkpoint file, or of "pretrained"."""
    path = PRETRAINED if str(path) == "pretrained" else Path(path)
    path = path / "best.npz" if path.is_dir() else path
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a run folder that 'python -m minisiamese.train' made")
    arrays, meta = checkpoint.load(path, RunMeta)
    settings = Settings.from_json(meta["config"], path)
    fused = settings.but(plain=False)  # however it was trained
    network = build(fused, np.random.default_rng(0), meta.get("channels", 1)).to(device)
    checkpoint.restore(network.arrays(), arrays, path)
    return network, settings, meta
