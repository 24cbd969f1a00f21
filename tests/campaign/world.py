"""What the cases start from: small data, and small runs of every kind, finished and stopped.

Each is made once, when a case first names it, and never changed: a case has a copy in its folder.
"""

import signal
import sys
from dataclasses import replace

import numpy as np
from PIL import Image

from minisiamese.data import glyphs
from minisiamese.evaluate.baselines import BASELINES
from tests.campaign.case import WORLD, Case, steady_clock
from tests.campaign.doors import DOORS, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from backbones import test_torch_files as by_hand  # noqa: F401
from conftest import idx, write_alphabets, write_runs
from data.test_cifar10 import official, pack

CLASSES, IMAGES = 7, 4  # of the folder of images
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")  # of CIFAR-10


# --- data -------------------------------------------------------------------------------------------------------------


def images(path):
    """A folder of images of a few classes."""
    drawings = glyphs.make(range(1), drawers=IMAGES)
    for label in range(CLASSES):
        (path / f"c{label}").mkdir(parents=True)
        for number, row in enumerate(drawings.rows_of_class[label]):
            image = Image.fromarray(255 - drawings.images[row][:, :, 0]).resize((40, 40))
            image.save(path / f"c{label}/{number}.png")


def data(path):
    """Omniglot, MNIST and CIFAR-10 in the layouts of their archives, with few images."""
    rng = np.random.default_rng(0)
    for name in ("omniglot", "mnist"):
        (path / name).mkdir(parents=True)
    drawings = glyphs.make(range(3), drawers=4)
    drawings = drawings.take_classes([label for classes in drawings.classes_of_group for label in classes[:3]])
    drawings = replace(drawings, group_names=("Atlantean", "Ge_ez", "Keble"), drawers=drawings.drawers + 16)
    for name in ("images_background", "images_evaluation"):
        write_alphabets(path / f"omniglot/{name}.zip", drawings, name)
    write_runs(path / "omniglot/all_runs.zip", drawings, ways=3)
    means = rng.integers(0, 255, (10, 28, 28))
    for name, count in (("train", 124), ("t10k", 6)):
        labels = np.tile(np.arange(10), count)
        digits = np.clip(means[labels] + rng.normal(0, 60, (len(labels), 28, 28)), 0, 255)
        (path / f"mnist/{name}-images-idx3-ubyte").write_bytes(idx(digits))
        (path / f"mnist/{name}-labels-idx1-ubyte").write_bytes(idx(labels))
    rows = rng.integers(0, 255, (10, 3072)).astype(np.uint8)
    pack(path, dict.fromkeys(BATCHES, official(rows, range(10))))


def fashion(path):
    """The archive of fashion products, unzipped, with few of them."""
    rng = np.random.default_rng(0)
    (path / "images").mkdir(parents=True)
    lines = ["id,gender,masterCategory,subCategory,articleType,name"]
    for number in range(8):
        lines.append(f"{number},Men,Apparel,Topwear,Shirts,a shirt, of cotton")
        Image.fromarray(rng.integers(0, 255, (8, 6, 3)).astype(np.uint8)).save(path / f"images/{number}.jpg")
    (path / "styles.csv").write_text("\n".join(lines))


# --- runs -------------------------------------------------------------------------------------------------------------


def stopped_after(updates):
    """What a child does before its start, to press Ctrl-C after so many updates of weights."""

    def before():
        from minisiamese.train.learner import Learner

        steady_clock()
        update, made = Learner.update, []

        def stopping(self, loss):
            update(self, loss)
            made.append(loss)
            if len(made) == updates:
                signal.raise_signal(signal.SIGINT)

        Learner.update = stopping

    return before


def _case(path):
    """A case to make something of the world in, at a path."""
    return Case(0, 0, path.parent, path.parent, 200)


def _run(door, before=steady_clock, code=0):
    def make(path):
        ended = _case(path).fork(door, DOORS[door].arguments(out=path.name), before)
        assert ended.code == code, ended

    return make


def drawn(path):
    """A finished run on Omniglot, with a result saved beside it; its slowest baseline is left out, for another."""

    def before():
        steady_clock()
        BASELINES["modified_hausdorff"] = BASELINES["nearest_neighbour"]

    case, changed = _case(path), {"--data-dir": "data", "--out": path.name, "--validation-alphabets": 1}
    calls = {
        "train": DOORS["train"].words_of(DOORS["train"].call | changed, ("omniglot", "--no-turn")),
        "evaluate": [path.name, *"--protocol mnist --data-dir data --trials 20 --json --threads 1".split()],
    }
    ends = [case.fork(door, words, before) for door, words in calls.items()]
    assert [ended.code for ended in ends] == [0, 0], ends
    (path / "mnist.json").write_text(ends[1].out)


def exercise(path):
    """The file of an exercise, as it is given out."""
    assert _case(path).fork("start", ["start", "2"]).code == 0


WORLD |= {
    "images": (images,),
    "data": (data,),
    "fashion": (fashion,),
    "ex02.py": (exercise,),
    "drawn": (drawn, "data"),
    "run": (_run("train"), "images"),
    "stopped": (_run("train", stopped_after(2), 130), "images"),
    "sweeps": (_run("sweeps", stopped_after(3), 130), "images"),
    "maml": (_run("maml", stopped_after(2), 130), "images"),
    "report": (_run("report000"), "data"),
}
