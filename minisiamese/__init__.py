"""Siamese networks for one-shot image recognition (Koch, Zemel & Salakhutdinov 2015), from scratch on NumPy or CuPy.

    import minisiamese as ms
    model = ms.load("pretrained")

``load``, ``train``, ``Model`` and ``SiameseClassifier`` are imported when they are first asked for.
"""

import sys
from importlib import import_module

__version__ = "0.1.0"
HANDED_OUT = {
    "load": ("minisiamese.predict.model", "load_model"),
    "Model": ("minisiamese.predict.model", "Model"),
    "SiameseClassifier": ("minisiamese.predict.estimator", "SiameseClassifier"),
}
__all__ = ["Model", "load", "train"]  # without SiameseClassifier, which takes an extra

# True of python -m minisiamese.train, say, and of the scripts: programs, of which this is the first file
if sys.argv[:1] == ["-m"] or "data_scripts" in "".join(sys.argv[:1]):
    from minisiamese.commands.doors import before_imports

    before_imports()


def __getattr__(name):
    if name == "train":  # the room itself, which can be called
        return import_module("minisiamese.train")
    if name in HANDED_OUT:
        room, under = HANDED_OUT[name]
        return getattr(import_module(room), under)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *HANDED_OUT, "train"})
