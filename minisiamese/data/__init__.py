"""Data sets by name: ``load("omniglot", "background")`` and ``load("glyphs", "evaluation")``."""

from minisiamese.data import glyphs, omniglot
from minisiamese.data.dataset import Dataset

DATASETS = {"omniglot": omniglot.load, "glyphs": glyphs.load}


def load(name, split, data_dir=None):
    """The data set's ``"background"`` (training) or ``"evaluation"`` alphabets."""
    return DATASETS[name](split, data_dir)


__all__ = ["DATASETS", "Dataset", "load"]
