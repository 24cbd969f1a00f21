"""The options of few-shot studies, and how far they reach."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minisiamese.commands.doors import check_counts
from minisiamese.errors import BadInput

STUDY_OPTIONS = {"heatmaps": ("pca",), "votes": ("way", "shot"), "depths": ("way", "shot")}  # of some studies alone
WAYS, SHOTS = (2, 5, 10, 20, 30, 40, 50), range(1, 11)  # of the heat maps
MOST_CLASSES, MOST_IMAGES = 400, 8000  # of the heat maps, for the sake of time
FITTED = 1000  # training images that principal components and scales are taken from
SHOT = {"votes": 1, "depths": 5}  # where nothing else is said


@dataclass(frozen=True)
class FewshotOptions:
    """Measure how well few examples teach unseen classes, on the features of trained networks."""

    # Run folder, checkpoint file, or "pretrained"; two or more of them for --study votes.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # heatmaps: accuracy by N and K, before and after training. votes: several runs that vote. depths: features of
    # every layer.
    study: Literal["heatmaps", "votes", "depths"] = "heatmaps"
    # Classes in an episode (votes, depths). Default: 20, or as many as there are.
    way: int | None = None
    # Support images of each class (votes, depths). Default: 1 for votes, 5 for depths, for at 1 1-NN and means are the
    # same.
    shot: int | None = None
    # Random episodes, the same for all that is compared; of heatmaps, in each cell.
    repeats: int = 50
    # Principal components to keep of all features (heatmaps). Default: all the features, and 64 for the perceptron.
    pca: int | None = None
    # Seed of the episodes.
    seed: int = 0
    # Print one JSON object.
    json: bool = False
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # For a run on a folder of images: that folder. Default: where it was.
    data_dir: Path | None = None
    # Folder for STUDY.json and the figures. Default: fewshot/ in the first run's folder.
    out: Path | None = None

    def check(self):
        """BadInput where the command line makes no sense."""
        check_counts(self, seed=0, way=2, shot=1, repeats=2, pca=1, threads=1)
        for field in fields(self):
            studies = [study for study, options in STUDY_OPTIONS.items() if field.name in options]
            if studies and self.study not in studies and getattr(self, field.name) != field.default:
                raise BadInput(f"--{field.name} is no option of --study {self.study}")
        right_number = len(self.runs) > 1 if self.study == "votes" else len(self.runs) == 1
        if not right_number or len(set(self.runs)) < len(self.runs):
            raise BadInput("give one run, or for --study votes two or more different ones")
        if self.out is None and str(self.runs[0]) == "pretrained":
            raise BadInput("pretrained is in no run folder: give --out, a folder for the figures")

    def out_folder(self):
        """The path of the folder for the results."""
        first = self.runs[0] if self.runs[0].is_dir() else self.runs[0].parent
        return self.out or first / "fewshot"
