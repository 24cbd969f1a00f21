"""Train a classifier that learns a new task from a few images, by MAML, first-order MAML or Reptile, and measure it.

    python -m minisiamese.maml omniglot --way 20

The folder of a run holds config.json, last.npz (the weights, and all that is needed to go on), summary.json and
curves.png.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from tqdm import tqdm

from minisiamese import checkpoint, data, folders
from minisiamese.backend import check_device, to_host
from minisiamese.errors import BadInput, front_door
from minisiamese.experiments.learner import Stopped, interrupts
from minisiamese.maml import pictures
from minisiamese.maml.gradients import weights
from minisiamese.maml.learning import load, measure, train, workers

PROGRAM = "python -m minisiamese.maml"
PUBLISHED = {  # percent, 1-shot on Omniglot, by (method, ways): MAML of Finn et al. 2017, others of Nichol et al. 2018
    ("maml", 5): 98.7,
    ("maml", 20): 95.8,
    ("fomaml", 5): 98.3,
    ("fomaml", 20): 89.4,
    ("reptile", 5): 97.68,
    ("reptile", 20): 89.43,
}
SETTINGS = (  # what a run's results depend on
    *("data", "method", "way", "shot", "queries", "steps", "tasks", "inner_steps", "inner_rate", "lr"),
    *("test_tasks", "seed"),
)
WHAT = "is no run"


@dataclass(frozen=True)
class Config:
    """Train by MAML, first-order MAML or Reptile, and measure N-way K-shot accuracy on unseen classes."""

    # Data set: omniglot (the division of Vinyals et al.: 1,028 characters to train on, 423 to test), glyphs, or folder,
    # your own images in --data-dir.
    data: Annotated[Literal["omniglot", "glyphs", "folder"], tyro.conf.Positional]
    # fomaml (first-order MAML), maml (with the second derivatives), or reptile.
    method: Literal["fomaml", "maml", "reptile"] = "fomaml"
    # Classes of a task.
    way: int = 5
    # Support images of each class.
    shot: int = 1
    # Query images of each class of a task that is trained on.
    queries: int = 3
    # Steps of training.
    steps: int = 2000
    # Tasks in a step.
    tasks: int = 4
    # Steps of gradient descent on a task.
    inner_steps: int = 5
    # Their rate.
    inner_rate: float = 0.4
    # Learning rate of the initial weights (Adam).
    lr: float = 3e-3
    # Tasks of unseen classes to measure on, with one query a class.
    test_tasks: int = 600
    # Seed of every random draw.
    seed: int = 0
    # Tasks carried out at once, each by a process of its own. Default: the machine's cores. The results do not depend
    # on it.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy, one task at a time).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # Of data set folder: the folder or zip of images itself.
    data_dir: Path | None = None
    # Run folder. Default: runs/DATA-METHOD-WAYway.
    out: Path | None = None
    # Go on with the run in --out.
    resume: bool = False


def checked(config):
    """BadInput where a value makes no sense."""
    least = {"way": 2, "test_tasks": 2, "seed": 0}
    for name in ("way", "shot", "queries", "steps", "tasks", "inner_steps", "test_tasks", "seed", "threads"):
        value = getattr(config, name)
        if value is not None and value < least.get(name, 1):
            raise BadInput(f"--{name.replace('_', '-')} must be at least {least.get(name, 1)}, not {value}")
    for name in ("inner_rate", "lr"):
        if not 0 < getattr(config, name) < np.inf:
            raise BadInput(f"--{name.replace('_', '-')} must be more than 0 and finite, not {getattr(config, name)}")
    return config


def run(config):
    """Train and measure; returns the summary."""
    check_device(config.device)
    folders.check(config, SETTINGS, WHAT)
    data.check_present(config.data, config.data_dir)
    parts, out = load(config), config.out
    folders.begin(config, SETTINGS)
    with (
        interrupts() as pressed,
        tqdm(total=config.steps, desc="training", unit=" steps", disable=None) as bar,
        workers(config, parts["training"].images.shape[3]) as carry_out,
    ):
        try:
            learner = train(config, parts, out, carry_out, bar, pressed)
            theta = to_host(weights(learner.network))
            adaptation = measure(config, theta, parts["evaluation"], carry_out, pressed)
        except Stopped:
            raise KeyboardInterrupt from None
    summary = {key: getattr(config, key) for key in SETTINGS} | adaptation[config.inner_steps]
    summary |= {"published": _published(config), "seconds": round(learner.seconds, 1)}
    summary |= {"adaptation": adaptation, "log": learner.log}
    checkpoint.save_text(out / "summary.json", json.dumps(summary, indent=1))
    pictures.curves(summary, out / "curves.png")
    return summary


def _published(config):
    return PUBLISHED.get((config.method, config.way)) if (config.data, config.shot) == ("omniglot", 1) else None


def describe(summary):
    """The result as lines for people."""
    low, high = summary["interval"]
    lines = [
        f"{summary['method']}, {summary['way']}-way {summary['shot']}-shot on unseen classes of {summary['data']}: "
        f"{summary['accuracy']:.2%}   95 % interval {low:.1%} .. {high:.1%}   ({summary['trials']} tasks of "
        f"{summary['way']} queries, normalised together)"
    ]
    return "\n".join(lines + [f"published: {summary['published']} %"] * (summary["published"] is not None))


def _folder(config):
    return Path("runs") / f"{config.data}-{config.method}-{config.way}way"


def main():
    config = checked(folders.parsed(Config, PROGRAM, SETTINGS, _folder, WHAT))
    summary = folders.fill(run, config, PROGRAM)
    if summary is None:
        return 130
    print(f"{describe(summary)}\neverything is in {config.out}")
    return 0


if __name__ == "__main__":
    front_door(main)
