"""Sweeps of report 001: one setting of a short training at a time, over some values and several seeds.

    python -m minisiamese.sweeps omniglot --out FOLDER

All else is as in ``BASE``. Every training is measured with its last weights, on images held out of training:
evaluation images have no part in a sweep. The folder holds results.json, sweeps.md, sweeps.png, and in trainings/ each
training's result, or where it was stopped.
"""

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from tqdm import tqdm

from minisiamese import checkpoint, data, folders, train
from minisiamese.backend import available_cores, check_device, set_threads
from minisiamese.config import Config as TrainConfig
from minisiamese.errors import BadInput, front_door
from minisiamese.retrieval import figures, similarity_of
from minisiamese.siamese import CRITERIA
from minisiamese.sweeps import pictures
from minisiamese.trials import wilson

PROGRAM = "python -m minisiamese.sweeps"
SETTINGS = ("data", "only", "loss", "seeds", "steps", "flips")  # what a folder's results depend on
WHAT = "are no sweeps"
STEPS = {"omniglot": 100, "glyphs": 40, "folder": 100}
BASE = {"lr": 1e-3, "positive": 0.4, "margin": 2.0, "embedding": 256}  # but for the rate, report 001's
TUPLES, WAYS = 64, 32  # pairs or triplets a step, or classes where a step is of classes: 128 images, or 192
CLASSES, IMAGES = 50, 20  # of the images that retrieval is measured on: at most so many classes, and images of each
PAIRS = ("contrastive-linear", "contrastive", "bce")
TRIPLETS = ("triplet-squared", "triplet")


@dataclass(frozen=True)
class Sweep:
    """The values of a setting, the losses that have it, and whether an axis of them is logarithmic.

    Where --loss is not one of these losses, the first is taken.
    """

    title: str
    values: tuple
    losses: tuple[str, ...]
    logarithmic: bool = True


SWEEPS = {
    "lr": Sweep("learning rate", (1e-4, 3e-4, 1e-3, 3e-3, 1e-2), tuple(CRITERIA)),
    "positive": Sweep("share of positive pairs", (0.1, 0.25, 0.4, 0.6, 0.8), PAIRS, logarithmic=False),
    "margin": Sweep("margin", (0.5, 2.0, 8.0, 32.0), PAIRS[:2] + TRIPLETS),
    "hardest": Sweep("hardest share of triplets", (0.01, 0.03, 0.1, 0.3, 1.0), TRIPLETS),
    "embedding": Sweep("embedding size", (16, 64, 256, 1024), tuple(CRITERIA)),
}


@dataclass(frozen=True)
class Config:
    """Vary settings of a short training one at a time, and see which value does best on held-out images, and by how
    much seeds differ."""

    # Data set: omniglot; glyphs (built in, nothing to download); or folder, your own images in --data-dir.
    data: Annotated[Literal["omniglot", "glyphs", "folder"], tyro.conf.Positional]
    # Folder for all that is made. Default: runs/DATA-sweeps.
    out: Path | None = None
    # Go on with what was stopped in --out.
    resume: bool = False
    # Sweeps to make: all of them, or some, with commas between.
    only: str = ",".join(SWEEPS)
    # Loss. A sweep of what this one does not have is of contrastive-linear or of triplet-squared.
    loss: Literal[tuple(CRITERIA)] = "contrastive-linear"
    # Trainings of every value, from other initial weights and on other pairs.
    seeds: int = 3
    # Steps of a training. Default: 100, of glyphs 40.
    steps: int | None = None
    # Distort by mirroring, turning and cropping, for photographs, instead of the paper's affine maps.
    flips: bool = False
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # Of data set folder: the folder or zip of images itself.
    data_dir: Path | None = None


# --- trainings --------------------------------------------------------------------------------------------------------


def training(config, name, value, seed):
    """The configuration of a sweep's training, with the folder that it is made in; sweeps share those of ``BASE``."""
    loss = config.loss if config.loss in SWEEPS[name].losses else SWEEPS[name].losses[0]
    settings = BASE | {name: value}
    if CRITERIA[loss].tuples != "pairs":
        del settings["positive"]
    if name == "hardest":
        settings["mining"] = "hardest"
    if name != "hardest" and CRITERIA[loss].tuples != "episodes":
        settings["batch"] = TUPLES
    elif config.data != "folder":  # which may have fewer classes, and takes all it has
        settings["batch"] = WAYS
    varied = [] if BASE.get(name) == value else [name, f"{value:g}"]
    steps = config.steps or STEPS[config.data]
    return TrainConfig.of_recipe(
        "best",
        **settings | {"lr": (settings["lr"],)},
        **{key: getattr(config, key) for key in ("data", "data_dir", "flips", "threads", "device")},
        **{"network": "conv4", "loss": loss, "turn": False, "seed": seed},
        **{"steps": steps, "validate_every": steps, "checkpoint_every": 25},
        out=config.out / "trainings" / "-".join([loss, *varied, f"seed-{seed}"]),
    ).checked()


def sample(dataset):
    """The images that retrieval is measured on, always the same."""
    return dataset.some(CLASSES, IMAGES, np.random.default_rng(0))


def measure(trainer, images):
    """{measure: [figure, low, high]} with the ends of the 95 % interval, on images held out of training."""
    accuracy, network, device = trainer.validate(), trainer.network, trainer.config.device
    found, _ = figures(similarity_of(network, images.images, device), images.labels)
    return {  # the keys of pictures.MEASURES
        "accuracy": [accuracy, *wilson(accuracy, len(trainer.trials.target))],
        "mean_average_precision": [found["mean_average_precision"], *found["interval"]],
    }


def carry_out(config, parts, images):
    """Make a training, or go on with it, unless it is done; its result: what was measured before and after."""
    path = config.out / "result.json"
    if path.exists():
        return folders.read(path, ("before", "after", "trials", "queries"))
    config.out.mkdir(parents=True, exist_ok=True)
    trainer = train.Trainer(config, *parts)
    before, stopped = measure(trainer, images), False
    trainer.load_last(config.out / "last.npz")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of what overflows
            stopped = train.loop(trainer, config.out, quiet=True)
            if stopped and trainer.step < trainer.steps:
                raise KeyboardInterrupt
            after = measure(trainer, images)
    except BadInput:  # the loss is no longer a number, which is an answer, too: such scores earn nothing
        after = {key: [0.0, 0.0, 0.0] for key in before}
    result = {"before": before, "after": after, "trials": len(trainer.trials.target), "queries": len(images.labels)}
    checkpoint.save_text(path, json.dumps(result))
    if stopped:  # in its last step
        raise KeyboardInterrupt
    return result


# --- all of them ------------------------------------------------------------------------------------------------------


def checked(config):
    """BadInput where a value makes no sense."""
    for name in ("seeds", "steps", "threads"):
        if getattr(config, name) is not None and getattr(config, name) < 1:
            raise BadInput(f"--{name} must be at least 1, not {getattr(config, name)}")
    for name in config.only.split(","):
        if name not in SWEEPS:
            raise BadInput(f"--only takes some of {','.join(SWEEPS)}, not {name or 'nothing'}")


def run(config):
    """All trainings that are not done yet, and what all came to: {sweep: what was done, and "points", for each value
    {"value", measure: as ``pictures.summarise`` has it}}."""
    checked(config)
    folders.check(config, SETTINGS, WHAT)
    check_device(config.device)
    config = replace(config, threads=config.threads or available_cores())
    set_threads(config.threads)
    plan = {
        name: [[training(config, name, value, seed) for seed in range(config.seeds)] for value in SWEEPS[name].values]
        for name in config.only.split(",")
    }
    every = {each.out: each for rows in plan.values() for row in rows for each in row}
    first = next(iter(every.values()))
    parts = [data.part(name, first, config.data_dir) for name in ("training", "validation")]
    folders.begin(config, SETTINGS)
    images, made = sample(parts[1]), {}
    for out, each in tqdm(every.items(), desc="sweeps", unit=" trainings", disable=None):
        made[out] = carry_out(each, parts, images)
    results = {}
    for name, rows in plan.items():
        ends = [[made[each.out] for each in row] for row in rows]
        results[name] = {"title": SWEEPS[name].title, "logarithmic": SWEEPS[name].logarithmic}
        results[name] |= {"loss": rows[0][0].loss, "steps": first.steps}
        results[name] |= {key: ends[0][0][key] for key in ("trials", "queries")}
        points = zip(SWEEPS[name].values, ends, strict=True)
        results[name]["points"] = [{"value": value} | pictures.summarise(seeds) for value, seeds in points]
    checkpoint.save_text(config.out / "results.json", json.dumps(results, indent=1))
    checkpoint.save_text(config.out / "sweeps.md", pictures.render(results))
    pictures.draw(results, config.out / "sweeps.png")
    return results


def main():
    config = folders.parsed(Config, PROGRAM, SETTINGS, lambda config: Path("runs") / f"{config.data}-sweeps", WHAT)
    results = folders.fill(run, config, PROGRAM)
    if results is None:
        return 130
    print(pictures.render(results))
    print(f"All of it is in {config.out}: sweeps.md, sweeps.png, results.json")
    return 0


if __name__ == "__main__":
    front_door(main)
