"""Data sets by name: ``load("omniglot", "background")`` and ``load("glyphs", "evaluation")``."""

from minisiamese.data import glyphs, omniglot
from minisiamese.data.dataset import Dataset

DATASETS = {"omniglot": omniglot.load, "glyphs": glyphs.load}


def load(name, split, data_dir=None):
    """The data set's ``"background"`` (training) or ``"evaluation"`` alphabets."""
    return DATASETS[name](split, data_dir)


def check_present(name, data_dir=None):
    """Find or fetch, unopened, all that training and its tests will read; BadInput if something is missing."""
    if name == "omniglot":
        for archive in omniglot.ARCHIVES:
            omniglot.find(archive, data_dir)


__all__ = ["DATASETS", "Dataset", "check_present", "load"]
