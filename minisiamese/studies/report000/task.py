"""What all trainings of report 000 share: the plan, the images, and the folder where each leaves its file."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from minisiamese import checkpoint
from minisiamese.checkpoint import Count, Finite, Rate, Seconds
from minisiamese.data.dataset import Dataset
from minisiamese.errors import BadInput
from minisiamese.mining import collapse_warning
from minisiamese.studies.report000.settings import PRETRAINED, PRETRAINING, RUNS, SEEN, VALIDATION, Plan


class JobResult(msgspec.Struct):
    """The result of a job, as ``ReportTests.measure`` and the training give it."""

    pairs: dict[str, Rate]
    triplets: dict[str, Rate]
    ways: dict[str, Rate]
    threshold: Finite
    log: list[dict[str, Finite]]
    steps: Count
    seconds: Seconds
    classification: Rate | None = None


class JobMeta(msgspec.Struct):
    """What the file of a job says of itself: its result, once it is done."""

    result: JobResult | None = None


@dataclass(frozen=True)
class Task:
    """The plan and the images of a data set. A job is named by its pretraining, "all" or "clean", and its run."""

    plan: Plan
    training: Dataset
    validation: Dataset
    test: Dataset
    out: Path
    seed: int
    device: str

    def path(self, pretraining, name):
        """The file of a job: its checkpoint while it is trained, then its network and its result."""
        return self.out / pretraining / f"{name}.npz"

    def result(self, pretraining, name):
        """The result of a job that is done, else None."""
        path = self.path(pretraining, name)
        return checkpoint.load(path, JobMeta)[1].get("result") if path.exists() else None

    def ready(self, pretraining, name):
        """Whether a job can begin."""
        return name == PRETRAINED or self.result(pretraining, PRETRAINED) is not None

    def warning(self, pretraining, name):
        """The warning about a job that is done, if there is one."""
        log, margin = self.result(pretraining, name)["log"], RUNS[name].margin
        return collapse_warning(log[-1]["d_an"], margin) if log and "d_an" in log[-1] else None

    def images_a_step(self, name):
        """How many images a job trains on in a step."""
        return self.plan.batch if name == PRETRAINED else self.plan.step_images

    def images(self, pretraining, name):
        """How many images a job trains on in all, for the progress bar."""
        seen = np.count_nonzero(self.training.labels < PRETRAINING[pretraining])
        steps = self.plan.epochs * (seen // self.plan.batch) if name == PRETRAINED else self.plan.steps
        return steps * self.images_a_step(name)


def divide(parts, plan):
    """(training, validation, test) of a data set's "train" and "test" images.

    The last ``VALIDATION`` images of each class of "train" are for validation. A quick plan uses only some images of
    each class. BadInput if a class has too few.
    """

    def take(dataset, start, stop):
        return dataset.take(np.concatenate([rows[start:stop] for rows in dataset.rows_of_class]))

    train = parts["train"]
    fewest = min(map(len, train.rows_of_class)), min(map(len, parts["test"].rows_of_class))
    least = VALIDATION + plan.step_images // SEEN, 2
    if any(have < need for have, need in zip(fewest, least, strict=True)):
        raise BadInput(
            f"the data set is not whole: some class has {fewest[0]} images to train and {fewest[1]} to test on"
        )
    training = take(take(train, None, -VALIDATION), None, plan.images)
    return training, take(train, -VALIDATION, None), take(parts["test"], None, plan.images)
