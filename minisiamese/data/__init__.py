"""Data sets by name, samplers, distortions and views; imported by all rooms, but not by the book."""

from collections.abc import Callable
from dataclasses import dataclass, field

import minisiamese.data.folder as folder
import minisiamese.data.glyphs as glyphs
import minisiamese.data.omniglot as omniglot
from minisiamese.data.dataset import Dataset, hold_out


@dataclass(frozen=True)
class Source:
    """A data set that runs are made on: its divisions, and the usual settings of runs on it.

    ``divisions`` has for each value of --split a ``part(name, data, data_dir, largest)``, as ``data.part`` below.
    """

    help: str
    divisions: dict[str, Callable]
    steps: int  # of a training
    usual: dict = field(default_factory=dict)  # settings in place of the defaults
    load: Callable | None = None  # load(split, data_dir): the "background" or "evaluation" alphabets
    has_alphabets: bool = True  # drawings of characters, many of them; else anyone's images, as many as there are
    needs: str = ""  # the content of --data-dir, of a data set that has no other source
    whole: tuple[str, ...] = ()  # the divisions that hold no images out for validation
    lake: tuple[str, ...] = ()  # the divisions that train on nothing of Lake's test
    validation_runs: dict = field(default_factory=dict)  # of the divisions with other numbers of runs than usual
    check: Callable = lambda data_dir, split: None  # find or fetch all files of a division, unopened


def load(name, split, data_dir=None):
    """The data set's ``"background"`` (training) or ``"evaluation"`` alphabets."""
    return DATASETS[name].load(split, data_dir)


def part(name, data, data_dir=None, largest=folder.LARGEST):
    """The ``"training"``, ``"validation"`` or ``"evaluation"`` images as a run's settings ``data`` divide them.

    ``data`` has the fields name, split and validation_alphabets. A user's own images are kept with sides of at most
    ``largest`` pixels. BadInput if there are no such images.
    """
    return DATASETS[data.name].divisions[data.split](name, data, data_dir, largest)


def check_present(name, data_dir=None, split="alphabets"):
    """Find or fetch, unopened, all that training and its tests will read; BadInput if something is missing."""
    DATASETS[name].check(data_dir, split)


def _by_alphabets(name, data, data_dir, largest):
    """Training on the background alphabets but for ``data.validation_alphabets`` of them, which are for validation.

    Of the five alphabets of a minimal split none is held out. Where none is, validation is of the training alphabets in
    mirror writing.
    """
    if name == "evaluation":
        return load(data.name, "evaluation", data_dir)
    if data.split in omniglot.SMALL:
        training, validation = hold_out(omniglot.small_part(data.split, data_dir), 0)
        return training if name == "training" else validation
    training, validation = hold_out(load(data.name, "background", data_dir), data.validation_alphabets)
    return training if name == "training" else validation


DATASETS = {
    "omniglot": Source(
        "50 alphabets by 20 people each",
        {
            "alphabets": _by_alphabets,
            **dict.fromkeys(omniglot.SMALL, _by_alphabets),
            "paper": lambda name, data, data_dir, largest: omniglot.paper_part(name, data_dir),
            "vinyals": lambda name, data, data_dir, largest: omniglot.vinyals_part(name, data_dir),
        },
        steps=2400,
        load=omniglot.load,
        whole=tuple(omniglot.SMALL),
        lake=("alphabets", *omniglot.SMALL, "paper"),
        validation_runs={"paper": 16},  # the paper's 320 trials
        check=omniglot.check_present,
    ),
    "glyphs": Source("built in, nothing to download", {"alphabets": _by_alphabets}, steps=60, load=glyphs.load),
    "folder": Source(
        "your own images in --data-dir: one sub-folder a class, or train/ and test/ with such sub-folders",
        {"alphabets": lambda name, data, data_dir, largest: folder.part(name, data_dir, largest)},
        steps=300,
        usual={"frame": "page", "turn": False},  # for pictures that may be no drawings
        has_alphabets=False,
        needs="the folder or zip that holds a sub-folder of images for each class",
    ),
}

__all__ = ["DATASETS", "Dataset", "Source", "check_present", "glyphs", "load", "part"]
