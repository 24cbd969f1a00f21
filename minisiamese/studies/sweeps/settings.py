"""The sweeps: which settings are varied, over which values, and the settings of every training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minisiamese.commands.doors import MANY, check_counts
from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.runs.folder import Folder
from minisiamese.runs.settings import Settings

COMMAND = "python -m minisiamese.studies.sweeps"
RESULT_KEYS = ("data", "only", "loss", "seeds", "steps", "flips")  # the options that a folder's results depend on
STEPS, FEW_STEPS = 100, {"glyphs": 40}  # of a training, and of one on data that are quick to learn
BASE = {"lr": 1e-3, "positive": 0.4, "margin": 2.0, "embedding": 256, "warp": 0.0}  # report 001's, except for the rate
TUPLES, WAYS = 64, 32  # pairs or triplets a step, or classes where a step is of classes: 128 images, or 192
PAIRS = ("contrastive-linear", "contrastive", "bce")
TRIPLETS = ("triplet-squared", "triplet")


@dataclass(frozen=True)
class Sweep:
    """The values of a setting, the losses that have it, and whether an axis of the values is logarithmic.

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
class SweepsOptions:
    """Vary settings of a short training one at a time, and see which value does best on held-out images, and by how
    much seeds differ."""

    # Data set: omniglot; glyphs (built in, nothing to download); or folder, your own images in --data-dir.
    data: Annotated[Literal[tuple(DATASETS)], tyro.conf.Positional]
    # Folder for all that is made. Default: runs/DATA-sweeps.
    out: Path | None = None
    # Go on with the trainings in --out.
    resume: bool = False
    # Sweeps to make: all of them, or some, with commas between.
    only: str = ",".join(SWEEPS)
    # Loss. A sweep of a setting that this loss does not have is of contrastive-linear or of triplet-squared.
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

    def folder(self):
        """The output folder."""
        return Folder(self.out or Path("runs") / f"{self.data}-sweeps", COMMAND, "are no sweeps")

    def check(self):
        """BadInput where a value makes no sense."""
        check_counts(self, seeds=(1, 1000), steps=(1, MANY), threads=1)
        for name in self.only.split(","):
            if name not in SWEEPS:
                raise BadInput(f"--only takes some of {','.join(SWEEPS)}, not {name or 'nothing'}")


def training(options, name, value, seed):
    """The settings of a sweep's training, and with them its folder; sweeps share the trainings of ``BASE``."""
    loss = options.loss if options.loss in SWEEPS[name].losses else SWEEPS[name].losses[0]
    varied = BASE | {name: value}
    if CRITERIA[loss].tuples != "pairs":
        del varied["positive"]
    if name == "hardest":
        varied["mining"] = "hardest"
    if name != "hardest" and CRITERIA[loss].tuples != "episodes":
        varied["batch"] = TUPLES
    elif DATASETS[options.data].has_alphabets:  # else there may be fewer classes, and a step takes all of them
        varied["batch"] = WAYS
    if DATASETS[options.data].has_alphabets:
        varied["frame"] = "ink"  # as the report's figures here were made
    which = [] if BASE.get(name) == value else [name, f"{value:g}"]
    steps = options.steps or FEW_STEPS.get(options.data, STEPS)
    return Settings.of_recipe(
        **varied | {"lr": (varied["lr"],)},
        **{key: getattr(options, key) for key in ("data", "data_dir", "flips", "threads", "device")},
        **{"network": "conv4", "loss": loss, "turn": False, "seed": seed},
        **{"steps": steps, "validate_every": steps, "checkpoint_every": 25},
        out=options.out / "trainings" / "-".join([loss, *which, f"seed-{seed}"]),
    ).checked()
