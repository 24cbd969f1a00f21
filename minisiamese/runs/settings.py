"""What a run can be told: settings in groups of one concern each, flat on the command line and in config.json."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal, get_type_hints

import tyro

from minisiamese import checkpoint
from minisiamese.checkpoint import typed
from minisiamese.commands.help import first_sentence, listed
from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.optimizers import SCHEDULES
from minisiamese.runs import rules
from minisiamese.runs.build import NETWORKS
from minisiamese.runs.recipes import RECIPES, recipe_of
from minisiamese.runs.rules import CHOICES
from minisiamese.runs.start import checkpoint_of

ON_HEAD = [name for name, criterion in CRITERIA.items() if criterion.head == "similarity"]
ON_DISTANCE = [name for name in CRITERIA if name not in ON_HEAD]


@dataclass(frozen=True)
class DataSettings:
    """The images to train on, and how the network sees them."""

    name: Annotated[
        Literal[tuple(CHOICES["data"])],
        tyro.conf.Positional,
        tyro.conf.arg(help=f"Data set: {listed(DATASETS)}."),
    ]
    # Division of the data: alphabets (all background drawings but --validation-alphabets); small1 or small2 (Lake's
    # minimal splits: five background alphabets, none held out); paper (all 30 alphabets by 12 drawers; validation on
    # ten evaluation alphabets that Lake's test does not use, by 4 other drawers); or vinyals with 1,200 characters, the
    # few-shot literature's (some are of alphabets of Lake's test, which is then not run).
    split: Literal[tuple(CHOICES["split"])] = "alphabets"
    # Background alphabets that --split alphabets holds out, to choose the best weights on. With 0, and with small1 and
    # small2, the last weights are kept, and looked at on the training alphabets in mirror writing.
    validation_alphabets: int = 5
    # Shares of the steps on ever new alphabets: glyphs:SHARE (invented), chimeras:SHARE (of halves of the training
    # characters), or both.
    mix: tuple[str, ...] = ()
    # Take every alphabet turned by 90, 180 and 270 degrees as three more to train on.
    turn: bool = True
    # What fills a network's view: the ink, brought to one size by its moments or (choice ink) by the box around it; or
    # the page as it is.
    frame: Literal[tuple(CHOICES["frame"])] = "moments"
    # Distort every drawing by the paper's random affine maps.
    distort: bool = True
    # Bend every drawing, too, by a random warp that moves points so far (root mean square, in halves of a view).
    # Default: 0.04 for drawings of alphabets that are distorted by random affine maps, else 0.
    warp: float | None = None
    # Distort as is usual for photographs instead: mirrored or not, turned by up to 10 degrees, cropped to 0.8..1.
    flips: bool = False


@dataclass(frozen=True)
class NetworkSettings:
    """The twin and its head."""

    name: Annotated[
        Literal[tuple(CHOICES["network"])],
        tyro.conf.arg(name="network", help=f"Network: {listed(NETWORKS)}."),
    ] = "conv4-wide"
    # Run to start from, its folder or a checkpoint, or "pretrained", the network that comes with the package; network,
    # embedding, maps, kernels, init and head are then those of that run.
    start: Path | None = None
    # What changes of a network that --start gives: all, or its head alone.
    tune: Literal[tuple(CHOICES["tune"])] = "all"
    # File of torchvision's weights of that network to start from (resnet18, vgg16).
    weights: Path | None = None
    # How many of its first blocks stay as they are: of resnet18 up to 4 (its first layers count with the first), of
    # vgg16 up to 6 (five of convolutions, and the fully connected layers).
    freeze: int = 0
    # Length of the embedding, by a fully connected layer at the twin's end. Default: none; of koch and koch35 4096.
    embedding: int | None = None
    # Feature maps of each convolution (koch, koch35). Default: the paper's.
    maps: tuple[int, ...] = ()
    # Sides of each convolution's kernels (koch, koch35). Default: the paper's.
    kernels: tuple[int, ...] = ()
    # Learned head of nway and bce: l1 (the paper's weighted L1 distance) or euclidean.
    head: Literal[tuple(CHOICES["head"])] = "l1"
    # Initial weights: default; of koch and koch35 paper (its values, which saturate) or narrow (0.01 everywhere).
    init: Literal[tuple(CHOICES["init"])] = "default"
    # Train the layers as the book prints them, one by one: the same values and gradients to rounding, but slower, and
    # with many times the memory (koch takes over 12 GB for 128 pairs).
    plain: bool = False


@dataclass(frozen=True)
class LossSettings:
    """The loss, and the pairs, triplets or classes of a step."""

    name: Annotated[
        Literal[tuple(CHOICES["loss"])],
        tyro.conf.arg(
            name="loss",
            help=f"Loss. On the learned head: {', '.join(ON_HEAD)}. On distances: {', '.join(ON_DISTANCE)}.",
        ),
    ] = "nway"
    # Margin of the contrastive and triplet losses.
    margin: float = 1.0
    # Classes a step (nway, prototypical, --mining; default 60, of folder at most all), or pairs or triplets a
    # step (default 128).
    batch: int | None = None
    # Drawings of each class in a step (nway, prototypical, --mining; default 4, of folder at most what all have).
    drawings: int | None = None
    # Share of classes, or of different pairs, that a step takes from one alphabet.
    within: float = 0.5
    # Share of a step's pairs that are of one class (bce and contrastive, without --pairs).
    positive: float = 0.5
    # Train on this many pairs, drawn once, each with 8 distorted copies (bce and contrastive). Default: ever new pairs.
    pairs: int | None = None
    # Triplets to learn from: random ones, or easy, semi-hard or hard ones, or the hardest, among --batch classes.
    mining: Literal[tuple(CHOICES["mining"])] = "random"
    # Share of a step's triplets that are its hardest (--mining hardest).
    hardest: float = 0.2


@dataclass(frozen=True)
class LearningSettings:
    """How weights change, and for how long."""

    # Optimiser: adam, or momentum SGD.
    optimizer: Literal[tuple(CHOICES["optimizer"])] = "adam"
    # Learning rate at the start: one number, or one for each layer with weights, first to last.
    lr: tuple[float, ...] = (6e-3,)
    # Momentum of --optimizer momentum: one number, or one for each layer with weights.
    momentum: tuple[float, ...] = (0.9,)
    # How fast adam's average of squared gradients forgets.
    beta2: float = 0.999
    # L2 weight: one number, or one for each layer with weights, first to last.
    l2: tuple[float, ...] = (0.0,)
    schedule: Annotated[
        Literal[tuple(CHOICES["schedule"])],
        tyro.conf.arg(help=f"How the rate falls. {' '.join(map(first_sentence, SCHEDULES.items()))}"),
    ] = "cosine"
    # Steps that count as an epoch. Default: one pass over --pairs, else 235, the paper's 30,000 pairs by 128.
    epoch_steps: int | None = None
    steps: Annotated[
        int | None,
        tyro.conf.arg(
            help=f"Steps. Default: {', '.join(f'{each.steps} for {name}' for name, each in DATASETS.items())}, "
            "200 epochs of --pairs, 10000 for --recipe matlab, or as many as fit into --minutes."
        ),
    ] = None
    # Minutes of training, about: the first twentieth is timed and sets the number of steps.
    minutes: float | None = None
    # Stop after so many epochs without a better validation.
    patience: int | None = None


@dataclass(frozen=True)
class MeasuringSettings:
    """When the training is looked at and saved, and how it is measured at its end."""

    # Views of every image, all but the first distorted, whose scores are averaged when the trained network is measured.
    views: int = 16
    # Tests at the end: full, or quick ones for a hurry, of one view, 100 trials and 1,000 pairs, without Lake's test.
    tests: Literal[tuple(CHOICES["tests"])] = "full"
    # Steps between two validations. Default: 100, or an epoch of --pairs.
    validate_every: int | None = None
    # Steps between two saves of last.npz.
    checkpoint_every: int = 100


@dataclass(frozen=True)
class MachineSettings:
    """The machine and the folders of the run: the only settings that may change on --resume."""

    # Threads; another number may change the last digits. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal[tuple(CHOICES["device"])] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # Of data set folder: the folder or zip of images itself.
    data_dir: Path | None = None
    # Run folder. Default: runs/DATA-NETWORK-LOSS; of data set folder DATA is the name of its folder or zip.
    out: Path | None = None
    # Go on with the run in --out, with its own settings (only threads, device and data-dir may change).
    resume: bool = False


@dataclass(frozen=True)
class Settings:
    """Train a siamese network with hand-written gradients and measure its one-shot accuracy."""

    data: DataSettings
    # Settings to start from: best (the defaults), paper (Koch et al.), matlab (source 003), or a JSON file of settings
    # (python -m minisiamese.studies.search writes one); other options change them.
    recipe: str = "best"
    # Seed of every random draw.
    seed: int = 0

    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    learning: LearningSettings = LearningSettings()
    measuring: MeasuringSettings = MeasuringSettings()
    machine: MachineSettings = MachineSettings()

    @classmethod
    def of_recipe(cls, recipe="best", **flat):
        """The settings of a recipe, for a data set, a network and a run to start from, but for those given by their
        flat keys. BadInput if there is no such recipe or run."""
        of_recipe = recipe_of(recipe, type_of)
        named = of_recipe | flat
        if flat.get("start"):
            flat = network_of(flat["start"], named.get("loss", LossSettings.name)) | flat
            named |= flat
        of_data, of_network = DATASETS.get(named["data"]), NETWORKS.get(named.get("network"))
        usual = (of_data.usual if of_data else {}) | (of_network.usual if of_network else {})
        first, last = (of_recipe, usual) if recipe in RECIPES else (usual, of_recipe)  # a file's values are meant
        return cls(DataSettings(named["data"])).but(**first | last | {"recipe": recipe} | flat)

    def but(self, **flat):
        """These settings but for those given by their flat keys."""
        groups = {}
        for key, value in flat.items():
            group, name = PLACES[key]
            groups.setdefault(group, {})[name] = value
        whole = groups.pop(None, {})
        return replace(self, **whole, **{group: replace(getattr(self, group), **of) for group, of in groups.items()})

    def flat(self):
        """{flat key: value}."""
        return {key: getattr(getattr(self, group) if group else self, name) for key, (group, name) in PLACES.items()}

    def checked(self):
        """These settings with their open defaults filled in; BadInput where a value makes no sense."""
        return rules.checked(self, Settings(DataSettings(self.data.name)).flat())

    @property
    def takes_lakes_test(self):
        """Whether Lake's official test is of alphabets that this run is not trained on."""
        return self.data.split in DATASETS[self.data.name].lake

    @property
    def holds_out(self):
        """Whether validation is of images that nothing is trained on, so that the best weights can be chosen by it."""
        source, split = DATASETS[self.data.name], self.data.split
        by_number = split == "alphabets" and source.has_alphabets
        return self.data.validation_alphabets > 0 if by_number else split not in source.whole

    def to_json(self):
        """{flat key: value} as config.json has it."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in self.flat().items()}

    @classmethod
    def from_json(cls, values, path):
        """The settings that ``to_json`` gave, read from ``path``: a key that is not there is as the default. BadInput
        if they are none."""
        try:
            flat = {key: typed(value, type_of(key)) for key, value in values.items() if key in PLACES}
            flat = {"warp": 0.0} | flat  # runs from before there were warps had none
            return cls(DataSettings(flat["data"])).but(**flat).checked()
        except BadInput as error:
            raise BadInput(f"{path} holds settings that cannot be: {error}") from None
        except (KeyError, ValueError, AttributeError) as error:
            raise BadInput(f"{path} holds no training configuration ({type(error).__name__}: {error})") from None


def network_of(run, loss):
    """{flat key: value}: the settings of a run's network that any run shares which starts from it; of the head where
    both the run's loss and ``loss`` have a learned one."""
    path = checkpoint_of(run)
    settings = Settings.from_json(checkpoint.load(path)[1].get("config"), path)
    learned = all(CRITERIA[name].head == "similarity" for name in (loss, settings.loss.name))
    keys = ("network", "embedding", "maps", "kernels", "init", *(["head"] if learned else []))
    return {key: settings.flat()[key] for key in keys}


def _places():
    """{flat key: (group, field)}: the field's name, or, of a group's ``name``, the group's; (None, field) of none."""
    places = {}
    for group in fields(Settings):
        within = fields(group.type) if hasattr(group.type, "__dataclass_fields__") else ()
        places |= {group.name if each.name == "name" else each.name: (group.name, each.name) for each in within}
        places |= {} if within else {group.name: (None, group.name)}
    return places


def type_of(key):
    """The type of the setting with a flat key."""
    group, name = PLACES[key]
    owner = get_type_hints(Settings)[group] if group else Settings
    return get_type_hints(owner)[name]


PLACES = _places()
