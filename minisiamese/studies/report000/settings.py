"""What report 000 trains, and how long: the options, a plan for each data set, and the siamese networks by name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minisiamese.runs.folder import Folder
from minisiamese.studies.report000.classifiers import cifar10_classifier, mnist_classifier

CLASSES, SEEN = 10, 5  # classes 0 to 4 are trained on, 5 to 9 are unseen
PRETRAINED = "pretrained"  # the name of the job that the others wait for
PRETRAINING = {"all": CLASSES, "clean": SEEN}  # how many classes the classifier is trained on
VALIDATION = 100  # training images of each class that are kept apart, to watch and to choose settings by
MINED = 5000  # triplets chosen before training, from as many images
WATCHED = 2000  # triplets of validation images
COMMAND = "python -m minisiamese.studies.report000"
RESULT_KEYS = ("data", "quick", "seed")  # the options that a folder's results depend on


@dataclass(frozen=True)
class Report000Options:
    """Make the tables and figures of report 000 (pairs and triplets of MNIST and CIFAR-10) again."""

    # Data set; its official files are downloaded if they are nowhere.
    data: Annotated[Literal["mnist", "cifar10"], tyro.conf.Positional]
    # A thin version in two minutes, to see the tables and figures: a twentieth of the images and of the training.
    quick: bool = False
    # Folder for all that is made. Default: runs/DATA-report, or runs/DATA-quick.
    out: Path | None = None
    # Go on with the trainings in --out.
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

    def folder(self):
        """The output folder."""
        path = self.out or Path("runs") / f"{self.data}-{'quick' if self.quick else 'report'}"
        return Folder(path, COMMAND, "is no report 000")


@dataclass(frozen=True)
class Plan:
    """How much is done on a data set."""

    classifier: Callable
    size: int  # of the images
    channels: int
    features: int  # of the branch
    crops: bool  # distort by flips and crops while the classifier is trained
    epochs: int  # of the classifier
    rate: float  # of the classifier, by momentum SGD, at its highest; the rates of the runs are Adam's
    steps: int  # of each run
    run_rate: float  # of the runs: large enough to learn, and no larger, since they forget what else the branch knew
    online_rate: float  # of the runs that mine triplets in every batch
    images: int = 10_000  # most images of a class that are used
    pair_images: int = 10_000  # most images of a class that the runs on pairs use
    tests: int = 10_000  # pairs, triplets and trials of each test
    batch: int = 128  # of the classifier
    step_images: int = 100  # in a step of a run
    looks: int = 15  # at a training, while it goes on

    def quick(self):
        """The same on few images."""
        return replace(self, epochs=3, steps=12, images=300, tests=1000, looks=4)


PLANS = {
    "mnist": Plan(mnist_classifier, 28, 1, 10, False, 5, 0.1, steps=150, run_rate=2e-5, online_rate=1e-4),
    "cifar10": Plan(
        cifar10_classifier, 32, 3, 128, True, 30, 0.1, steps=300, run_rate=1.7e-4, online_rate=1e-3, pair_images=800
    ),
}


@dataclass(frozen=True)
class Run:
    """One siamese network: its loss, its train set and its triplets.

    Train set type 1 is classes 0 to 4; type 2 (``lone``) is the same and one image of each of classes 5 to 9. Triplets
    are chosen once, by the pretrained branch, as in the report, or in every batch (``online``).
    """

    loss: str
    lone: bool = False
    mining: str = "random"
    online: bool = False
    margin: float = 1.0


RUNS = {
    "contrastive-1": Run("contrastive"),
    "contrastive-2": Run("contrastive", lone=True),
    "bce-1": Run("bce"),
    "bce-2": Run("bce", lone=True),
    "triplet-easy": Run("triplet", mining="easy"),
    "triplet-random": Run("triplet", mining="random"),
    "triplet-hard": Run("triplet", mining="hard"),
    "triplet-semi-hard": Run("triplet", mining="semi-hard", online=True),
    "triplet-hardest": Run("triplet", mining="hardest", online=True),
    "triplet-margin-0.001": Run("triplet", mining="random", margin=0.001),
    "triplet-margin-1.5": Run("triplet", mining="random", margin=1.5),
}
