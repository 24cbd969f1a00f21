"""The options of a run of MAML, first-order MAML or Reptile, and the published figures that it is compared with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from minisiamese.commands.doors import MANY, check_counts
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.runs.folder import Folder

COMMAND = "python -m minisiamese.studies.maml"
RESULT_KEYS = (  # the options that a folder's results depend on
    *("data", "method", "way", "shot", "queries", "steps", "tasks", "inner_steps", "inner_rate", "lr"),
    *("test_tasks", "seed"),
)
PUBLISHED = {  # percent, 1-shot on Omniglot, by (method, ways): MAML of Finn et al. 2017, others of Nichol et al. 2018
    ("maml", 5): 98.7,
    ("maml", 20): 95.8,
    ("fomaml", 5): 98.3,
    ("fomaml", 20): 89.4,
    ("reptile", 5): 97.68,
    ("reptile", 20): 89.43,
}


@dataclass(frozen=True)
class MamlOptions:
    """Train by MAML, first-order MAML or Reptile, and measure N-way K-shot accuracy on unseen classes."""

    # Data set: omniglot (the division of Vinyals et al.: 1,028 characters to train on, 423 to test), glyphs, or folder,
    # your own images in --data-dir.
    data: Annotated[Literal[tuple(DATASETS)], tyro.conf.Positional]
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
    # Rate of these steps.
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

    def folder(self):
        """The output folder."""
        return Folder(self.out or Path("runs") / f"{self.data}-{self.method}-{self.way}way", COMMAND)

    def check(self):
        """BadInput where a value makes no sense."""
        check_counts(self, way=2, shot=1, queries=1, steps=(1, MANY), seed=0, threads=1)
        check_counts(self, tasks=(1, 10_000), inner_steps=(1, 1000), test_tasks=(2, 100_000))
        for name in ("inner_rate", "lr"):
            if not 0 < getattr(self, name) < np.inf:
                raise BadInput(f"--{name.replace('_', '-')} must be more than 0 and finite, not {getattr(self, name)}")

    def published(self):
        """The published accuracy in percent, or None."""
        return PUBLISHED.get((self.method, self.way)) if (self.data, self.shot) == ("omniglot", 1) else None
