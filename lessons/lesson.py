"""What the lessons share: which drawings they look at, how much they compute, and how they show a figure.

A lesson is run with this folder as its own, as Jupyter and ``python lessons/NN_topic.py`` do, and begins with
``import lesson``.
"""

import os
import sys
import warnings
from itertools import count
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

warnings.filterwarnings("ignore", message="IProgress not found")  # of tqdm in a notebook: there are no bars in lessons

from minisiamese.data import glyphs, mnist, omniglot  # noqa: E402
from minisiamese.data.dataset import Dataset, find_file  # noqa: E402
from minisiamese.errors import BadInput  # noqa: E402

QUICK = bool(os.environ.get("MINISIAMESE_QUICK"))  # for tests: little of everything, and nothing is downloaded

OTHERWISE = "with other figures than the text's; or set MINISIAMESE_DATA to a folder with the official files in"

plt.rcParams.update({"figure.dpi": 80, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})
plt.rcParams.update({"image.cmap": "gray", "axes.titlesize": "medium"})


def _data():
    """The name of the data set: omniglot if it is here or can be downloaded, else glyphs."""
    try:
        for name in omniglot.ARCHIVES:
            if QUICK and not find_file([f"omniglot/{name}.zip", f"omniglot/{name}"]):
                return "glyphs"
            omniglot.find(name)
    except BadInput:
        print(f"no Omniglot here, and none to be downloaded: on the built-in glyphs, {OTHERWISE} omniglot/")
        return "glyphs"
    return "omniglot"


DATA = _data()
# A network that has never seen five of the background alphabets, to be asked about these: seed 0 of the README's
# `train omniglot --frame ink --warp 0 --steps 1200`. The network of the package has learned from all thirty.
HELD_OUT = Path(__file__).with_name("held_out.npz")
NUMBERS = count(1)  # of the figures


def drawings(split):
    """The "background" or "evaluation" alphabets of ``DATA``, as a ``Dataset``."""
    if DATA == "omniglot":
        return omniglot.load(split)
    alphabets = glyphs.SPLITS[split]
    return glyphs.make(alphabets[:4]) if QUICK else glyphs.load(split)


def digits(split="test"):
    """MNIST's "train" or "test" digits, as a ``Dataset``; ten characters of the glyphs where they are not to be had."""
    try:
        if not QUICK or find_file(["mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte"]):
            return mnist.load(split)
    except BadInput:
        print(f"no MNIST here, and none to be downloaded: on ten characters of the glyphs, {OTHERWISE} mnist/")
    ten = glyphs.make([{"train": 28, "test": 29}[split]]).take_classes(range(10))
    return Dataset(ten.images, ten.labels, np.zeros(len(ten.labels), int), ten.drawers, ("digits",))


def show(figure, sentence):
    """Show a figure with one sentence below it that says what to see: in a notebook there, else in pictures/ here."""
    if "ipykernel" in sys.modules:
        from IPython.display import Markdown, display

        display(figure, Markdown(f"*{sentence}*"))
    else:
        folder, name = Path(os.environ.get("MINISIAMESE_PICTURES", "pictures")), Path(sys.argv[0]).stem
        folder.mkdir(exist_ok=True)
        figure.savefig(path := folder / f"{name}-{next(NUMBERS)}.png")
        print(f"{path}: {sentence}")
    plt.close(figure)
