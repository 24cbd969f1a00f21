"""A learner that can be stopped, a run's trainer, the loop around its step; imported by studies/."""

import sys
from types import ModuleType


class _Room(ModuleType):
    """This room can be called: ``minisiamese.train("MY_IMAGES")`` trains, as ``python -m minisiamese.train`` does."""

    def __call__(self, images, labels=None, **settings):
        """A ``Model``, trained on a folder or zip of images with a sub-folder for each class, or on images and labels.

        ``settings`` are those of ``python -m minisiamese.train --help``, such as steps=200 (``train/from_python.py``).
        """
        from minisiamese.train.from_python import train  # here: the other programs and studies do without predict/

        return train(images, labels, **settings)


sys.modules[__name__].__class__ = _Room
