"""Data sets by name, such as ``load("omniglot", "background")``, and how runs divide them."""

from minisiamese import imagenet
from minisiamese.data import folder, glyphs, omniglot
from minisiamese.data.dataset import Dataset, hold_out

DATASETS = {"omniglot": omniglot.load, "glyphs": glyphs.load}


def load(name, split, data_dir=None):
    """The data set's ``"background"`` (training) or ``"evaluation"`` alphabets."""
    return DATASETS[name](split, data_dir)


def part(name, run, data_dir=None):
    """The ``"training"``, ``"validation"`` or ``"evaluation"`` drawings as a run's configuration divides them.

    ``run.split`` is "alphabets": of the background alphabets ``run.validation_alphabets`` are held out for validation;
    or "paper" or "vinyals": see ``omniglot.paper_part`` and ``vinyals_part``. A user's own
    images are divided as ``folder.part`` says.
    """
    if run.data == "folder":
        largest = imagenet.SIZE if run.network in imagenet.BLOCKS else folder.LARGEST
        return folder.part(name, data_dir or run.data_dir, largest)
    if run.split == "paper":
        return omniglot.paper_part(name, data_dir)
    if run.split == "vinyals":
        return omniglot.vinyals_part(name, data_dir)
    if name == "evaluation":
        return load(run.data, "evaluation", data_dir)
    training, validation = hold_out(load(run.data, "background", data_dir), run.validation_alphabets)
    return training if name == "training" else validation


def check_present(name, data_dir=None):
    """Find or fetch, unopened, all that training and its tests will read; BadInput if something is missing."""
    if name == "omniglot":
        for archive in omniglot.ARCHIVES:
            omniglot.find(archive, data_dir)


__all__ = ["DATASETS", "Dataset", "check_present", "load", "part"]
