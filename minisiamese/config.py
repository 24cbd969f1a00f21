"""What a training run can be told, and how it is kept in config.json."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from minisiamese.backend import available_cores
from minisiamese.errors import BadInput
from minisiamese.siamese import CRITERIA

DEFAULT_STEPS = {"omniglot": 1500, "glyphs": 150}
POSITIVE = ["steps", "minutes", "batch", "margin", "lr", "epoch_steps", "validate_every", "checkpoint_every", "threads"]


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
    # Minutes of training: the first twentieth is timed and sets the number of steps.
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
    validate_every: int = 100
    # Steps between two saves of last.npz.
    checkpoint_every: int = 100
    # Seed of every random draw.
    seed: int = 0
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # Folder that holds omniglot/. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    data_dir: Path | None = None
    # Run folder. Default: runs/DATA-NETWORK-LOSS.
    out: Path | None = None
    # Go on with the run in --out, with its own settings (only threads, device and data-dir may change).
    resume: bool = False

    def checked(self):
        """This configuration with its open defaults filled in; BadInput where a value makes no sense."""
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadInput(f"--{name.replace('_', '-')} must be more than 0, not {value}")
        if not 0 <= self.within <= 1:
            raise BadInput(f"--within is a share, 0 to 1, not {self.within}")
        if self.steps and self.minutes:
            raise BadInput("give --steps or --minutes, not both")
        if self.seed < 0:
            raise BadInput(f"--seed must be 0 or more, not {self.seed}")
        steps = None if self.minutes else self.steps or DEFAULT_STEPS[self.data]
        batch = self.batch or (60 if CRITERIA[self.loss].tuples == "episodes" else 128)
        out = self.out or Path("runs") / f"{self.data}-{self.network}-{self.loss}"
        return replace(self, steps=steps, batch=batch, out=out, threads=self.threads or available_cores())

    def to_json(self):
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values):
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        for key in ("data_dir", "out"):
            known[key] = Path(known[key]) if known.get(key) else None
        return cls(**{**known, "l2": tuple(known["l2"])})
