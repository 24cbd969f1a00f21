"""What a training run can be told, and how it is kept in config.json."""

import argparse
import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import tyro

from minisiamese.backend import available_cores
from minisiamese.data.samplers import COPIES, DRAWINGS
from minisiamese.errors import BadInput, parse
from minisiamese.imagenet import BLOCKS
from minisiamese.recipes import RECIPES
from minisiamese.siamese import CRITERIA

DEFAULT_STEPS = {"omniglot": 1200, "glyphs": 60, "folder": 300}
WAYS = 60  # classes a step of the losses on episodes, where nothing else is said
TUPLES, LARGE_WAYS, LARGE_TUPLES = 128, 8, 16  # pairs or triplets a step; both for the networks of large images
MATLAB_STEPS = 10_000  # of source 003
EPOCHS = 200  # at most, of a run on --pairs (Koch et al., section 3.2)
POSITIVE = (  # settings that must be more than 0 where they are given
    *("steps", "minutes", "batch", "drawings", "margin", "lr", "epoch_steps", "validation_alphabets"),
    *("validate_every", "checkpoint_every", "threads", "pairs", "patience", "views", "embedding"),
)
PROGRAM = "python -m minisiamese.train"
MACHINE = ("threads", "device", "data_dir")  # where a run is made; all that may change on the way
OF_DATA = {"folder": {"frame": "page", "turn": False}}  # in place of the defaults, for pictures that may be no drawings
OF_NETWORK = {name: {"lr": (1e-4,), "views": 1} for name in BLOCKS}  # likewise, for what is large and may be pretrained


# settings that runs of earlier versions do not name
LATER = {
    **{"mining": "random", "hardest": 0.2, "weights": None, "freeze": 0},
    **{"positive": 0.5, "embedding": None, "flips": False},
}


@dataclass(frozen=True)
class Config:
    """Train a siamese network with hand-written gradients and measure its one-shot accuracy."""

    # Data set: omniglot; glyphs (built in, nothing to download); or folder, your own images in --data-dir: one
    # sub-folder a class, or train/ and test/ with such sub-folders.
    data: Annotated[Literal["omniglot", "glyphs", "folder"], tyro.conf.Positional]
    # Settings to start from: best (the defaults), paper (Koch et al.), matlab (source 003); other options change them.
    recipe: Literal["best", "paper", "matlab"] = "best"
    # Network: conv4 (35 x 35, four small blocks), conv4-wide (52 x 52), koch (the paper's, 105 x 105) or koch35; or
    # resnet18 or vgg16 (224 x 224), which can start from published weights.
    network: Literal["conv4", "conv4-wide", "koch", "koch35", "resnet18", "vgg16"] = "conv4-wide"
    # File of torchvision's weights of that network to start from (resnet18, vgg16).
    weights: Path | None = None
    # How many of its first blocks stay as they are: of resnet18 up to 4 (its first layers count with the first), of
    # vgg16 up to 6 (five of convolutions, and the fully connected layers).
    freeze: int = 0
    # Loss. nway, bce: on the learned head; contrastive, triplet, prototypical: on distances of embeddings.
    loss: Literal["nway", "bce", "contrastive", "contrastive-linear", "triplet", "triplet-squared", "prototypical"] = (
        "nway"
    )
    # Length of the embedding, by a fully connected layer at the end of the twin (conv4, conv4-wide). Default: none.
    embedding: int | None = None
    # Learned head of nway and bce: l1 (the paper's weighted L1 distance) or euclidean.
    head: Literal["l1", "euclidean"] = "l1"
    # Initial weights: default; paper (its values, which saturate) or narrow (0.01 everywhere), for koch and koch35.
    init: Literal["default", "paper", "narrow"] = "default"
    # Who is trained on: alphabets (all background drawings but --validation-alphabets), paper (all 30 alphabets by 12
    # drawers; validation on ten evaluation alphabets that Lake's test does not use, by 4 other drawers), or vinyals
    # (1,200 characters, the few-shot literature's; some are of alphabets of Lake's test, which is then not run).
    split: Literal["alphabets", "paper", "vinyals"] = "alphabets"
    # Training steps. Default: 1200 for omniglot, 60 for glyphs, 300 for folder, 200 epochs of --pairs, 10000 for
    # --recipe matlab, or as many as fit into --minutes.
    steps: int | None = None
    # Minutes of training, about: the first twentieth is timed and sets the number of steps.
    minutes: float | None = None
    # Classes a step (nway, prototypical, --mining; default 60, of folder at most all), or pairs or triplets a step
    # (default 128).
    batch: int | None = None
    # Drawings of each class in a step (nway, prototypical, --mining; default 4, of folder at most what all have).
    drawings: int | None = None
    # Take every alphabet turned by 90, 180 and 270 degrees as three more to train on.
    turn: bool = True
    # Train on this many pairs, drawn once, each with 8 distorted copies (bce and contrastive). Default: ever new pairs.
    pairs: int | None = None
    # Share of classes, or of different pairs, that a step takes from one alphabet.
    within: float = 0.5
    # Share of a step's pairs that are of one class (bce and contrastive, without --pairs).
    positive: float = 0.5
    # What fills a network's input: the ink, centred and brought to one size, or the page as it is.
    frame: Literal["ink", "page"] = "ink"
    # Distort every drawing by the paper's random affine maps.
    distort: bool = True
    # Distort by what is usual for photographs instead: mirrored or not, turned by up to 10 degrees, cropped to 0.8..1.
    flips: bool = False
    # Margin of the contrastive and triplet losses.
    margin: float = 1.0
    # Triplets to learn from: random ones, or easy, semi-hard or hard ones, or the hardest, among --batch classes.
    mining: Literal["random", "easy", "semi-hard", "hard", "hardest"] = "random"
    # Share of a step's triplets that are its hardest (--mining hardest).
    hardest: float = 0.2
    # Optimiser: adam, or momentum SGD.
    optimizer: Literal["adam", "momentum"] = "adam"
    # Learning rate at the start: one number, or one for each layer with weights, first to last.
    lr: tuple[float, ...] = (6e-3,)
    # Momentum of --optimizer momentum: one number, or one for each layer with weights.
    momentum: tuple[float, ...] = (0.9,)
    # How fast adam's average of squared gradients forgets.
    beta2: float = 0.999
    # How the rate falls: cosine to 0; epoch (the paper's: 1 % an epoch, momentum rising from 0.5); tenths (to a tenth
    # every 30 epochs); or constant.
    schedule: Literal["cosine", "epoch", "tenths", "constant"] = "cosine"
    # Steps that count as an epoch. Default: one pass over --pairs, else 235, the paper's 30,000 pairs by 128.
    epoch_steps: int | None = None
    # L2 weight: one number, or one for each layer with weights, first to last.
    l2: tuple[float, ...] = (0.0,)
    # Stop after so many epochs without a better validation.
    patience: int | None = None
    # Views of every image, all but the first distorted, whose scores are averaged when the trained network is measured.
    views: int = 16
    # Background alphabets held out of training, to choose the best weights on.
    validation_alphabets: int = 5
    # Steps between two validations. Default: 100, or an epoch of --pairs.
    validate_every: int | None = None
    # Steps between two saves of last.npz.
    checkpoint_every: int = 100
    # Seed of every random draw.
    seed: int = 0
    # Threads; another number may change the last digits. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # Of data set folder: the folder or zip of images itself.
    data_dir: Path | None = None
    # Run folder. Default: runs/DATA-NETWORK-LOSS.
    out: Path | None = None
    # Go on with the run in --out, with its own settings (only threads, device and data-dir may change).
    resume: bool = False

    @classmethod
    def of_recipe(cls, name, **settings):
        """The settings of a recipe, for a data set, but for those given."""
        usual = OF_DATA.get(settings.get("data"), {}) | OF_NETWORK.get(settings.get("network"), {})
        return cls(**{"recipe": name} | RECIPES[name] | usual | settings)

    @classmethod
    def of_run(cls, out):
        """The configuration of the run in a folder, to go on with."""
        path = Path(out) / "config.json"
        try:
            values = json.loads(path.read_text())
        except FileNotFoundError:
            raise BadInput(f"--resume: there is no run in {out}") from None
        except (ValueError, OSError) as error:
            raise BadInput(f"{path} cannot be read ({error})") from None
        return replace(cls.from_json(values, path), out=Path(out), resume=True)

    def checked(self):
        """This configuration with its open defaults filled in; BadInput where a value makes no sense."""
        try:
            return self._checked()
        except BadInput as error:
            unasked = {key: value for key, value in RECIPES.get(self.recipe, {}).items() if getattr(self, key) == value}
            meant = " ".join(f"--{key} {value}" for key, value in unasked.items() if f"--{key} " in str(error))
            raise BadInput(f"{error} (--recipe {self.recipe} is {meant})" if meant else error) from None

    def _checked(self):
        for name, kind in get_type_hints(Config).items():
            if get_origin(kind) is Literal and getattr(self, name) not in get_args(kind):
                raise BadInput(f"--{name} must be one of {', '.join(get_args(kind))}, not {getattr(self, name)}")
        for name in POSITIVE:
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else [value]:
                if number is not None and not 0 < number < math.inf:
                    raise BadInput(f"--{name.replace('_', '-')} must be more than 0 and finite, not {number}")
        if not 0 < self.hardest <= 1:
            raise BadInput(f"--hardest is a share, more than 0 and at most 1, not {self.hardest}")
        if self.mining != "random" and CRITERIA[self.loss].tuples != "triplets":
            raise BadInput(f"--mining is for --loss triplet and triplet-squared, not for {self.loss}")
        if self.data == "folder" and self.data_dir is None:
            raise BadInput(
                "folder needs --data-dir: the folder or zip that holds a sub-folder of images for each class"
            )
        if not 0 <= self.within <= 1:
            raise BadInput(f"--within is a share, 0 to 1, not {self.within}")
        for name, values in {"momentum": self.momentum, "beta2": [self.beta2]}.items():
            for number in values:
                if not 0 <= number < 1:
                    raise BadInput(f"--{name} must be 0 or more and less than 1, not {number}")
        for number in self.l2:
            if not 0 <= number < math.inf:
                raise BadInput(f"--l2 must be 0 or more and finite, not {number}")
        if self.seed < 0:
            raise BadInput(f"--seed must be 0 or more, not {self.seed}")
        if self.steps and self.minutes:
            raise BadInput("give --steps or --minutes, not both")
        if self.head != "l1" and CRITERIA[self.loss].head != "similarity":
            raise BadInput(f"--head {self.head} is for --loss nway and bce: {self.loss} compares by distance alone")
        if self.init != "default" and self.network not in ("koch", "koch35"):
            raise BadInput(f"--init {self.init} is for --network koch and koch35: {self.network} is not of the paper")
        if self.weights and self.network not in BLOCKS:
            raise BadInput(f"--weights is for --network {' and '.join(BLOCKS)}: none are published for {self.network}")
        most = len(BLOCKS.get(self.network, ()))
        if self.freeze and not most:
            raise BadInput(f"--freeze is for --network {' and '.join(BLOCKS)}, not for {self.network}")
        if not 0 <= self.freeze <= most:
            raise BadInput(f"--freeze must be 0 to {most} for --network {self.network}, not {self.freeze}")
        if self.freeze == most > 0 and CRITERIA[self.loss].head != "similarity":
            raise BadInput(f"--freeze {most} leaves nothing to train: --loss {self.loss} has no weights of its own")
        if self.batch == 1 and (CRITERIA[self.loss].tuples != "triplets" or self.mining != "random"):
            raise BadInput(f"--batch must be at least 2 for --loss {self.loss}: one alone has nothing to differ from")
        if self.pairs and CRITERIA[self.loss].tuples != "pairs":
            raise BadInput(f"--pairs is for the losses on pairs (bce, contrastive), not for {self.loss}")
        if self.split != "alphabets" and self.data != "omniglot":
            raise BadInput(f"--split {self.split} is of omniglot: {self.data} has no such division")
        if CRITERIA[self.loss].tuples == "episodes" or self.mining != "random":
            batch = self.batch or (None if self.data == "folder" else self.ways)  # a folder may have fewer
        else:
            batch = self.batch or (LARGE_TUPLES if self.network in BLOCKS else TUPLES)
        if self.positive != 0.5 and (self.pairs or CRITERIA[self.loss].tuples != "pairs"):
            raise BadInput(f"--positive is for pairs drawn at random, not for {'--pairs' if self.pairs else self.loss}")
        if self.positive != 0.5 and not 1 <= self.positive * batch < batch:
            raise BadInput(f"--positive is a share that leaves pairs of both kinds among {batch}, not {self.positive}")
        if self.flips and (self.pairs or not self.distort):
            raise BadInput(f"--flips is not for {'--pairs' if self.pairs else '--no-distort'}")
        if self.embedding and not self.network.startswith("conv4"):
            raise BadInput(f"--embedding is for --network conv4 and conv4-wide: {self.network} has one of its own")
        drawings = self.drawings or (None if self.data == "folder" else DRAWINGS)
        epoch_steps = self.epoch_steps or 235
        if self.pairs and not self.epoch_steps:
            epoch_steps = self.pairs * (1 + COPIES if self.distort else 1) // batch
        usual = MATLAB_STEPS if self.recipe == "matlab" else DEFAULT_STEPS[self.data]
        steps = self.steps or (EPOCHS * epoch_steps if self.pairs else usual)
        out = self.out or Path("runs") / f"{self.data}-{self.network}-{self.loss}"
        filled = {"steps": None if self.minutes else steps, "batch": batch, "drawings": drawings, "out": out}
        filled["epoch_steps"] = epoch_steps
        filled["validate_every"] = self.validate_every or (epoch_steps if self.pairs else 100)
        return replace(self, **filled, threads=self.threads or available_cores())

    @property
    def ways(self):
        """Classes a step of the losses on episodes, where nothing else is said and there are as many."""
        return LARGE_WAYS if self.network in BLOCKS else WAYS

    @property
    def takes_lakes_test(self):
        """Whether Lake's official test is of alphabets that this run is not trained on."""
        return self.data == "omniglot" and self.split != "vinyals"

    def to_json(self):
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values, path):
        """The configuration that ``to_json`` gave, read from ``path``; BadInput if it is none."""
        try:
            known = {field.name: (LATER | values)[field.name] for field in fields(cls)}
            paths = {key: known[key] and Path(known[key]) for key in ("weights", "data_dir", "out")}
            layer_wise = {key: tuple(known[key]) for key in ("lr", "momentum", "l2")}
            return cls(**known | paths | layer_wise).checked()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path} holds no training configuration ({type(error).__name__}: {error})") from None


def from_command_line():
    """The configuration that the program was called with; with --resume, what is left out is as the run has it."""
    known = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    known.add_argument("--recipe", nargs="?")
    recipe = known.parse_known_args()[0].recipe  # read first, since it says what the other settings start as
    default = Config.of_recipe(recipe if recipe in RECIPES else "best", data=tyro.MISSING)
    config = parse(Config, PROGRAM, default)
    if not config.resume:
        settings = OF_DATA.get(config.data, {}) | OF_NETWORK.get(config.network, {})
        return parse(Config, PROGRAM, replace(default, **settings)) if settings else config
    saved = Config.of_run(config.out or config.checked().out)
    return parse(Config, PROGRAM, replace(saved, data=tyro.MISSING, data_dir=None))
