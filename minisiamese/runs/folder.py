"""Resumable output folders, and the trained network in one.

A program that works for long fills a folder: ``begun`` keeps the settings in its config.json, so that ``--resume`` goes
on with these, and ``check`` refuses others.
"""

import argparse
import json
import os
import shlex
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal, get_type_hints

import msgspec
import numpy as np

from minisiamese import checkpoint
from minisiamese.checkpoint import Count, Finite, Share, load_json, typed
from minisiamese.commands.doors import parse
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.runs.build import build, part_of
from minisiamese.runs.settings import Settings
from minisiamese.runs.start import checkpoint_of

CONFIG = "config.json"


class AtWork(BadInput):
    """Another process is at work in a folder."""


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
            resume, data = "", {key: asked.get(key) for key in ("data", "data_dir")}
            with suppress(BadInput):  # of a config.json that is not there, or is damaged
                if data == {key: self.kept().get(key) for key in data}:
                    resume = f"{self.again(data['data'] or '', data['data_dir'])}; or "
            raise BadInput(f"{self.path} exists already: {resume}begin another: {self._beside()}")

    def _beside(self):
        """The command that was called, but for a folder beside this one that is not there yet; of a program that was
        not called, the option alone."""
        numbered = (Path(f"{self.path}-{number}") for number in count(2))
        option = ["--out", str(next(path for path in numbered if not path.exists()))]
        called = getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", "").removesuffix(".__main__")
        if [called] != self.program.split()[-1:]:
            return shlex.join(option)
        known = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        known.add_argument("--out")
        return f"{self.program} {shlex.join([*known.parse_known_args()[1], *option])}"

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

        Until the end of the ``with`` no other process may work in it: ``AtWork`` if one does.
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
            raise AtWork(f"another process is at work in {self.path}: wait for it, or give another --out") from None
        try:
            yield
        finally:
            os.close(lock)

    def again(self, data, data_dir=None):
        """The command that goes on with the folder."""
        where = f" --data-dir {shlex.quote(str(data_dir))}" if data_dir else ""
        return f"go on with: {self.program} {data}{where} --out {shlex.quote(str(self.path))} --resume"

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


class Threshold(msgspec.Struct):
    """The score from which on two images are called the same, the rate of false matches that it was chosen for, and its
    95 % interval (``evaluate/threshold.py``)."""

    score: Finite
    false_match_rate: Share
    interval: tuple[Finite, Finite]


class RunMeta(msgspec.Struct):
    """What a run's best.npz says of itself; last.npz has more."""

    config: dict
    step: Count = 0
    validation_accuracy: Share | None = None
    channels: Literal[1, 3] = 1
    calibration: Calibration | None = None
    threshold: Threshold | None = None
    side: Count | None = None  # pixels of the images that it was trained on
    images: str | None = None  # their digest, if they are a user's own


def check_calibrated(meta, run):
    """BadInput if the meta of a run's checkpoint has no calibration: its training is not finished."""
    if not meta.get("calibration"):
        message = "give the run folder, or the best.npz, of a training that is finished (--resume finishes one)"
        raise BadInput(f"{run} is not calibrated: {message}")


def check_images(settings, meta, run, data_dir=None):
    """BadInput if a user's own images are not those that a run was trained on: a test could be of images that the run
    has seen."""
    if not DATASETS[settings.data.name].needs:
        return
    training = part_of("training", settings, data_dir)
    if training.images.shape[3] == meta.get("channels", 1) and training.digest() != meta.get("images"):
        raise BadInput(
            f"the images in {data_dir or settings.machine.data_dir} are not those that {run} was trained on, or an "
            "earlier version divided them otherwise: a test could be of images that it has seen. Train again"
        )


def settings_of(folder):
    """The settings of the training in a ``Folder``, to go on with it."""
    path = folder.path / CONFIG
    return Settings.from_json(folder.kept(), path).but(out=folder.path, resume=True)


def load_run(path, device="cpu"):
    """(network, the settings it was trained with, all that was saved beside it) of a run folder's best.npz, of a
    checkpoint file, or of "pretrained"."""
    path = checkpoint_of(path)
    arrays, meta = checkpoint.load(path, RunMeta)
    settings = Settings.from_json(meta["config"], path)
    fused = settings.but(plain=False, tune="all")  # however it was trained
    network = build(fused, np.random.default_rng(0), meta.get("channels", 1)).to(device)
    checkpoint.restore(network.arrays(), arrays, path)
    return network, settings, meta
