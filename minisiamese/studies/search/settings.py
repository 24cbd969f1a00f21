"""What a search tries: its options, the ranges (Koch et al., section 3.2), and the settings of every trial."""

from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from minisiamese.commands.doors import MANY, THREADS, check_counts
from minisiamese.data import DATASETS
from minisiamese.networks import FEATURES, INITIAL
from minisiamese.runs.build import NETWORKS
from minisiamese.runs.recipes import RECIPES
from minisiamese.runs.settings import Settings

SEARCH = "python -m minisiamese.studies.search"
KEYS = ("data", "network", "over", "init", "pairs", "distort", "steps", "seed")  # what all workers must agree on
LAYERS = ("conv1", "conv2", "conv3", "conv4", "full", "alpha")  # of koch and koch35, those with weights
CONVOLUTIONS = LAYERS[:4]
LOOKS = 10  # validations of a trial: at each one it can be given up

# The paper's ranges. L2 is drawn on a logarithmic scale, which cannot reach the paper's 0; a momentum of 1 would never
# forget.
RATE, MOMENTUM, L2 = (1e-4, 1e-1), (0.0, 0.99), (1e-7, 1e-1)
MAPS, MAPS_STEP = (16, 256), 16
UNITS, UNITS_STEP = (128, 4096), 16
KERNELS = {"koch": (3, 20), "koch35": (2, 7)}  # of an image of a third of the side, a third


@dataclass(frozen=True)
class SearchOptions:
    """Search, by Bayesian optimisation, for the settings with which the paper's recipe does best on held-out images.

    The same command in another terminal, or on a machine that shares the storage, works on the same search, and goes on
    with one that was stopped.
    """

    # Data set: omniglot; glyphs (built in, nothing to download); or folder, your own images in --data-dir. Trials are
    # judged on images held out of training; of omniglot five background alphabets.
    data: Annotated[Literal[tuple(DATASETS)], tyro.conf.Positional]
    # Network of the paper.
    network: Literal["koch35", "koch"] = "koch35"
    # What is searched: learning (rate, momentum and L2 of each layer), network (feature maps and kernels of each
    # convolution, and the number of features), or all of it.
    over: Literal["all", "learning", "network"] = "all"
    # Initial weights of every trial.
    init: Literal[tuple(INITIAL)] = "default"
    # Pairs to train on, drawn once.
    pairs: int = 30_000
    # Train on eight distorted copies of each pair, too.
    distort: bool = False
    # Steps of a trial that is not given up, of 128 pairs.
    steps: int = 470
    # Seed of every random draw.
    seed: int = 0
    # Trials in all, by all workers; more of them go on with the search.
    trials: int = 50
    # Trials at once here, each on one thread. Default: the machine's cores.
    workers: int | None = None
    # Where the trials are kept: any database's URL that Optuna takes. Default: the file search.journal in --out.
    storage: str | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # Of data set folder: the folder or zip of images itself.
    data_dir: Path | None = None
    # Folder for all that is made. Default: runs/DATA-search.
    out: Path | None = None

    def folder(self):
        """The path of the output folder."""
        return self.out or Path("runs") / f"{self.data}-search"

    def check(self):
        """BadInput where a value makes no sense."""
        check_counts(self, pairs=1, steps=(1, MANY), seed=0, trials=1, workers=(1, THREADS))
        settings_of(self, {})

    def agreed(self, images=None):
        """{option: value} of ``KEYS``, and the digest of the images, if they are a user's own."""
        return {key: getattr(self, key) for key in KEYS} | {"images": images}


def suggested(trial, options):
    """{flat key: value}, the settings that an Optuna trial suggests."""
    found = {}
    if options.over != "network":
        for key, range_ in (("lr", RATE), ("l2", L2)):
            found[key] = tuple(trial.suggest_float(f"{key}-{layer}", *range_, log=True) for layer in LAYERS)
        found["momentum"] = tuple(trial.suggest_float(f"momentum-{layer}", *MOMENTUM) for layer in LAYERS)
    if options.over != "learning":
        found["maps"] = tuple(trial.suggest_int(f"maps-{each}", *MAPS, step=MAPS_STEP) for each in CONVOLUTIONS)
        found["kernels"] = suggested_kernels(trial, options.network)
        found["embedding"] = trial.suggest_int("embedding", *UNITS, step=UNITS_STEP)
    return found


def suggested_kernels(trial, network):
    """Sides of the kernels of each convolution, of the paper's range as far as the convolutions after it can still have
    kernels of the smallest side: most of the range fits no image."""
    least, most = KERNELS[network]
    needs = [1]  # the side that the last convolution, the one before it and its pool, ... must leave
    for _ in CONVOLUTIONS[1:]:
        needs.append(2 * (needs[-1] + least - 1))
    side, found = build(network, maps=(1,) * 4, embedding=1).size, []
    for each, need in zip(CONVOLUTIONS, reversed(needs), strict=True):
        found.append(trial.suggest_int(f"kernels-{each}", least, min(most, side - need + 1)))
        side = (side - found[-1] + 1) // 2
    return tuple(found)


def build(network, **shape):
    """A network by name."""
    return NETWORKS[network].build(np.random.default_rng(0), **shape)


def beginnings(options):
    """[{name: value}] as Optuna's trials have them, of the first two trials: the paper's recipe as it is, and with the
    highest rates of the range. Without them a search is led astray: weights that hardly change from their initial
    values answer more questions than weights that have learned for as short a time at a middling rate.
    """
    recipe, usual = RECIPES["paper"], signature(NETWORKS[options.network].build).parameters
    values = {f"{key}-{layer}": recipe[key][0] for key in ("lr", "l2", "momentum") for layer in LAYERS}
    for key in ("maps", "kernels"):
        values |= {f"{key}-{each}": value for each, value in zip(CONVOLUTIONS, usual[key].default, strict=True)}
    values |= {"embedding": FEATURES}
    return [values, values | {f"lr-{layer}": RATE[1] for layer in LAYERS}]


def recipe_with(options, found):
    """{flat key: value} of the recipe file: the paper's recipe with what was found."""
    recipe = RECIPES["paper"] | {key: getattr(options, key) for key in ("network", "init", "pairs", "distort")} | found
    has = recipe["split"] in DATASETS[options.data].divisions
    return recipe if has else recipe | {"split": "alphabets"}


def settings_of(options, found, out=None):
    """The settings of a trial with what was found; BadInput where they make no sense."""
    steps = options.steps
    return Settings.of_recipe(
        "paper",
        **recipe_with(options, found)
        | {key: getattr(options, key) for key in ("data", "data_dir", "device", "seed", "steps")}
        | {"split": "alphabets", "patience": None, "threads": 1, "out": out},
        validate_every=-(-steps // LOOKS),
    ).checked()
