"""What a training run can be told, and how it is kept in config.json."""

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import tyro

from minisiamese.backend import available_cores
from minisiamese.errors import BadInput
from minisiamese.siamese import CRITERIA

DEFAULT_STEPS = {"omniglot": 1500, "glyphs": 150}
POSITIVE = (  # settings that must be more than 0 where they are given
    *("steps", "minutes", "batch", "drawings", "margin", "lr", "epoch_steps", "validation_alphabets"),
    *("validate_every", "checkpoint_every", "threads"),
)


@dataclass(frozen=True)
class Config:
    """Train a siamese network with hand-written gradients and measure its one-shot accuracy."""

    # Data set: omniglot, or glyphs (built in, nothing to download).
    data: Annotated[Literal["omniglot", "glyphs"], tyro.conf.Positional]
    # Network: conv4 (35 x 35, four small blocks) or koch (the paper's, 105 x 105).
    network: Literal["conv4", "koch"] = "conv4"
    # Loss. nway, bce: on the learned head; contrastive, triplet, prototypical: on distances of embeddings.
    loss: Literal["nway", "bce", "contrastive", "contrastive-linear", "triplet", "triplet-squared", "prototypical"] = (
        "nway"
    )
    # Learned head of nway and bce: l1 (the paper's weighted L1 distance) or euclidean.
    head: Literal["l1", "euclidean"] = "l1"
    # Initial weights: default, or paper (the paper's values, which saturate; koch only).
    init: Literal["default", "paper"] = "default"
    # Training steps. Default: 1500 for omniglot, 150 for glyphs, or as many as fit into --minutes.
    steps: int | None = None
    # Minutes of training, about: the first twentieth is timed and sets the number of steps.
    minutes: float | None = None
    # Classes a step (nway, prototypical; default 60), or pairs or triplets a step (default 128).
    batch: int | None = None
    # Drawings of each class in a step (nway, prototypical).
    drawings: int = 4
    # Share of classes, or of different pairs, that a step takes from one alphabet.
    within: float = 0.5
    # Distort every drawing by the paper's random affine maps.
    distort: bool = True
    # Margin of the contrastive and triplet losses.
    margin: float = 1.0
    # Optimiser: adam, or momentum SGD.
    optimizer: Literal["adam", "momentum"] = "adam"
    # Learning rate at the start.
    lr: float = 6e-3
    # Momentum of --optimizer momentum.
    momentum: float = 0.9
    # How the rate falls: cosine to 0, epoch (1 % an epoch, as in the paper), or constant.
    schedule: Literal["cosine", "epoch", "constant"] = "cosine"
    # Steps that count as an epoch: 235 batches of 128 are the paper's 30,000 pairs.
    epoch_steps: int = 235
    # L2 weight: one number, or one for each layer with weights, first to last.
    l2: tuple[float, ...] = (0.0,)
    # Background alphabets held out of training, to choose the best weights on.
    validation_alphabets: int = 5
    # Steps between two validations.
    validate_every: int = 50
    # Steps between two saves of last.npz.
    checkpoint_every: int = 100
    # Seed of every random draw.
    seed: int = 0
    # Threads; another number may change the last digits. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    data_dir: Path | None = None
    # Run folder. Default: runs/DATA-NETWORK-LOSS.
    out: Path | None = None
    # Go on with the run in --out, with its own settings (only threads, device and data-dir may change).
    resume: bool = False

    def checked(self):
        """This configuration with its open defaults filled in; BadInput where a value makes no sense."""
        for name, kind in get_type_hints(Config).items():
            if get_origin(kind) is Literal and getattr(self, name) not in get_args(kind):
                raise BadInput(f"--{name} must be one of {', '.join(get_args(kind))}, not {getattr(self, name)}")
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BadInput(f"--{name.replace('_', '-')} must be more than 0 and finite, not {value}")
        if not 0 <= self.within <= 1:
            raise BadInput(f"--within is a share, 0 to 1, not {self.within}")
        if not 0 <= self.momentum < 1:
            raise BadInput(f"--momentum must be 0 or more and less than 1, not {self.momentum}")
        if min(self.l2, default=0) < 0:
            raise BadInput(f"--l2 must be 0 or more, not {min(self.l2)}")
        if self.seed < 0:
            raise BadInput(f"--seed must be 0 or more, not {self.seed}")
        if self.steps and self.minutes:
            raise BadInput("give --steps or --minutes, not both")
        if self.head != "l1" and CRITERIA[self.loss].head != "similarity":
            raise BadInput(f"--head {self.head} is for --loss nway and bce: {self.loss} compares by distance alone")
        steps = None if self.minutes else self.steps or DEFAULT_STEPS[self.data]
        batch = self.batch or (60 if CRITERIA[self.loss].tuples == "episodes" else 128)
        out = self.out or Path("runs") / f"{self.data}-{self.network}-{self.loss}"
        return replace(self, steps=steps, batch=batch, out=out, threads=self.threads or available_cores())

    def to_json(self):
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values, path):
        """The configuration that ``to_json`` gave, read from ``path``; BadInput if it is none."""
        try:
            known = {field.name: values[field.name] for field in fields(cls)}
            paths = {key: known[key] and Path(known[key]) for key in ("data_dir", "out")}
            return cls(**known | paths | {"l2": tuple(known["l2"])}).checked()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path} holds no training configuration ({type(error).__name__}: {error})") from None
