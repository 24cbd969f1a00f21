"""Carry out report 000 on a data set, and write its tables and figures with ours beside them.

    python -m minisiamese.experiments mnist
    python -m minisiamese.experiments cifar10 --quick --out FOLDER

The folder holds tables.md, the pictures, results.json, and the trained networks in all/ and clean/.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minisiamese import checkpoint, folders
from minisiamese.backend import available_cores, check_device
from minisiamese.data import cifar10, mnist
from minisiamese.errors import BadInput, front_door
from minisiamese.experiments import grid, pictures, tables
from minisiamese.experiments.runs import PLANS, PRETRAINING

PROGRAM = "python -m minisiamese.experiments"
SETTINGS = ("data", "quick", "seed")  # what a folder's results depend on
WHAT = "are no experiments"


@dataclass(frozen=True)
class Config:
    """Make the tables and figures of report 000 (pairs and triplets of MNIST and CIFAR-10) again."""

    # Data set; its official files are downloaded if they are nowhere.
    data: Annotated[Literal["mnist", "cifar10"], tyro.conf.Positional]
    # A thin version in two minutes, to see what comes out: a twentieth of the images and of the training.
    quick: bool = False
    # Folder for all that is made. Default: runs/DATA-report, or runs/DATA-quick.
    out: Path | None = None
    # Go on with what was stopped in --out.
    resume: bool = False
    # Seed of every random draw.
    seed: int = 0
    # Trainings at once, each on one thread. Default: the machine's cores. The results do not depend on it.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy, one training at a time).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for mnist/ or cifar10/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a
    # download.
    data_dir: Path | None = None


def run(config):
    """All of it; returns the results."""
    out = config.out
    check_device(config.device)
    folders.check(config, SETTINGS, WHAT)
    if config.data == "mnist":
        parts = {split: mnist.load(split, config.data_dir) for split in ("train", "test")}
    else:
        parts = cifar10.load(config.data_dir)
    plan = PLANS[config.data].quick() if config.quick else PLANS[config.data]
    folders.begin(config, SETTINGS)
    for pretraining in PRETRAINING:
        (out / pretraining).mkdir(parents=True, exist_ok=True)
    settings = {key: getattr(config, key) for key in SETTINGS}
    task = grid.Task(plan, *grid.divide(parts, plan), out, config.seed, config.device)
    grid.run_all(task, 1 if config.device == "cuda" else config.threads or available_cores())
    text = json.dumps(settings | grid.results(task), indent=1)
    checkpoint.save_text(out / "results.json", text)
    results = json.loads(text)
    checkpoint.save_text(out / "tables.md", tables.render(results))
    pictures.draw(task, results)
    return results


def _folder(config):
    return Path("runs") / f"{config.data}-{'quick' if config.quick else 'report'}"


def main():
    config = folders.parsed(Config, PROGRAM, SETTINGS, _folder, WHAT)
    if config.seed < 0:
        raise BadInput(f"--seed must be 0 or more, not {config.seed}")
    if config.threads is not None and config.threads < 1:
        raise BadInput(f"--threads must be at least 1, not {config.threads}")
    results = folders.fill(run, config, PROGRAM)
    if results is None:
        return 130
    print(tables.render(results))
    print(f"All of it is in {config.out}: tables.md, pictures, and the trained networks in all/ and clean/.")
    return 0


if __name__ == "__main__":
    front_door(main)
