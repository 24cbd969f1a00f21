"""Training from Python, on a folder of images or on arrays: ``minisiamese.train``.

The long trainings, that are to be resumed if they are stopped, are ``python -m minisiamese.train``'s.
"""

import builtins
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from minisiamese.backend import check_device
from minisiamese.checkpoint import typed
from minisiamese.data import folder
from minisiamese.errors import BadInput
from minisiamese.predict.model import Model
from minisiamese.predict.pictures import check_no_labels, with_labels
from minisiamese.runs.build import NETWORKS
from minisiamese.runs.settings import PLACES, Settings, type_of
from minisiamese.train.final_tests import calibrated
from minisiamese.train.loop import loop
from minisiamese.train.trainer import Trainer

FOR_PROGRAMS = ("data", "data_dir", "out", "resume", "threads", "tests")  # settings that are not for Python
PER_LAYER = ("lr", "momentum", "l2")  # settings of one number, or of one for each layer


def train(images, labels=None, **settings):
    """A ``Model`` trained on a folder or zip with a sub-folder of images for each class, or on pictures
    (``pictures.several``) with their labels (M,).

    ``settings`` are those of ``python -m minisiamese.train folder --help``, such as ``steps=200``, ``seed=1``,
    ``network="conv4"``, ``loss="triplet"`` or ``start="pretrained"``. Some of the classes, or of few classes some of
    the images, are held out: to choose the best weights by, and for ``Model.evaluate`` (``folder.divide``). Raises
    BadInput, a ValueError, for images or settings that cannot be, and KeyboardInterrupt on Ctrl-C.

    >>> import minisiamese as ms
    >>> from minisiamese.data import glyphs
    >>> drawings = glyphs.make([0], drawers=4)
    >>> model = ms.train(drawings.images, drawings.labels, network="conv4", steps=2, batch=4, views=1)
    >>> model.embed(drawings.images[:2]).shape
    (2, 256)
    """
    wrong = [key for key in settings if key not in PLACES or key in FOR_PROGRAMS]
    if wrong:
        raise BadInput(f"{wrong[0]} is no setting of a training from Python: see python -m minisiamese.train --help")
    where = Path(images) if isinstance(images, str | os.PathLike) else None
    if where:
        check_no_labels(labels)
    with tempfile.TemporaryDirectory() as out:
        run = of_values(
            {"data": "folder", "data_dir": where or Path("images given in Python"), "out": Path(out), **settings}
        )
        largest = NETWORKS[run.network.name].largest
        whole = folder.load(where, largest) if where else {"all": of_arrays(images, labels, largest)}
        parts = folder.divide(whole, where or "images")
        check_device(run.machine.device)
        trainer = Trainer(run, parts["training"], parts["validation"])
        shown = sys.stderr.isatty() or hasattr(builtins, "__IPYTHON__")  # to a person
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # overflow shows as a loss that is not finite
            if loop(trainer, Path(out), quiet=not shown):
                raise KeyboardInterrupt
        _, meta = calibrated(trainer, parts["validation"])
    meta["config"]["out"] = None  # the folder is gone
    return Model(trainer.network, run, meta, run.machine.device)


def of_values(given):
    """The checked settings of a run from {flat key: value}; BadInput for a value of a wrong type."""
    values = given | {key: tuple(np.atleast_1d(given[key]).tolist()) for key in PER_LAYER if key in given}
    for key, value in values.items():
        try:
            typed(value, type_of(key))
        except ValueError as error:
            raise BadInput(f"{key} cannot be {value!r}: {error}") from None
    return Settings.of_recipe(**values).checked()


def of_arrays(images, labels, largest):
    """The ``Dataset`` of pictures and their labels (M,), as ``folder`` makes it of files."""
    pictures, labels = with_labels(images, labels)
    pixels = folder.squares([folder.shrunk(picture.opened(largest), largest) for picture in pictures])
    return folder.of_labels(labels, pixels)
