"""Which settings make sense: their choices and ranges, the runs that may have them, and their open defaults.

Choices, ranges, scopes, conflicts and defaults are tables, which ``checked`` walks. Keys are those of
``settings.flat()``.
"""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from minisiamese.commands.doors import MANY, SEVERAL, THREADS
from minisiamese.commands.help import either
from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS
from minisiamese.data.samplers import COPIES, DRAWINGS
from minisiamese.data.views import FRAMES
from minisiamese.errors import BadInput
from minisiamese.mining import MINING
from minisiamese.networks import INITIAL
from minisiamese.optimizers import OPTIMIZERS, SCHEDULES
from minisiamese.runs.build import NETWORKS, OF_SOME, shares_of, takes_classes
from minisiamese.runs.recipes import RECIPES, STEPS
from minisiamese.threads import available_cores

EPOCH_STEPS = 235  # the paper's 30,000 pairs by 128
EPOCHS = 200  # at most, of a run on --pairs (Koch et al., section 3.2)
VALIDATE_EVERY = 100  # steps
WARP = 0.04  # see lessons/recipe.md
MIXED = ("glyphs", "chimeras")
VIEWS = 1000  # of an image, at most

CHOICES = {
    "data": DATASETS,
    "split": dict.fromkeys(split for source in DATASETS.values() for split in source.divisions),
    "frame": FRAMES,
    "network": NETWORKS,
    "head": ("l1", "euclidean"),
    "tune": ("all", "head"),
    "init": INITIAL,
    "loss": CRITERIA,
    "mining": MINING,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "tests": ("full", "quick"),
    "device": ("cpu", "cuda"),
}


class Range(NamedTuple):
    """The numbers that a setting may be (each, if it is several), and the words for them in a complaint."""

    words: str
    holds: Callable  # holds(number) -> bool


def _count(most):
    """The numbers from 1 to ``most``."""
    return Range(f"must be more than 0, and at most {most}", lambda number: 0 < number <= most)


MORE_THAN_0 = Range("must be more than 0 and finite", lambda number: 0 < number < math.inf)
BELOW_1 = Range("must be 0 or more and less than 1", lambda number: 0 <= number < 1)
RANGES = {
    **dict.fromkeys(("margin", "lr"), MORE_THAN_0),
    **dict.fromkeys(("steps", "epoch_steps", "validate_every", "checkpoint_every", "patience"), _count(MANY)),
    "drawings": _count(MANY),  # held against the data, as the next
    "validation_alphabets": Range(f"must be 0 or more, and at most {MANY}", lambda number: 0 <= number <= MANY),
    "pairs": _count(SEVERAL),
    "batch": _count(10_000),
    **dict.fromkeys(("embedding", "maps"), _count(1 << 16)),
    "kernels": _count(1 << 8),
    "views": _count(VIEWS),
    "threads": _count(THREADS),
    "minutes": _count(366 * 24 * 60),
    **dict.fromkeys(("momentum", "beta2"), BELOW_1),
    "warp": Range("must be 0 or more and at most 1", lambda number: 0 <= number <= 1),
    "hardest": Range("is a share, more than 0 and at most 1", lambda number: 0 < number <= 1),
    "within": Range("is a share, 0 to 1", lambda number: 0 <= number <= 1),
    "l2": Range("must be 0 or more and finite", lambda number: 0 <= number < math.inf),
    "seed": Range("must be 0 or more", lambda number: number >= 0),
}


class Scope(NamedTuple):
    """Which runs a setting is for, if it is not as by default; ``instead`` names what another run has."""

    words: str
    holds: Callable  # holds(settings) -> bool
    instead: Callable  # instead(settings) -> str


def _entries(table, has):
    """The names of a table's entries that have something, as "A, B and C"."""
    *names, last = (name for name, entry in table.items() if has(entry))
    return f"{', '.join(names)} and {last}" if names else last


def _networks(option):
    """The scope of a setting that some networks have."""
    words = f"--network {_entries(NETWORKS, lambda entry: entry.has(option))}"
    return Scope(words, lambda s: NETWORKS[s.network.name].has(option), lambda s: s.network.name)


def _losses(has):
    """The scope of a setting that some losses have."""
    return Scope(f"--loss {_entries(CRITERIA, has)}", lambda s: has(CRITERIA[s.loss.name]), lambda s: s.loss.name)


SCOPES = {
    "mining": _losses(lambda criterion: criterion.tuples == "triplets"),
    "head": _losses(lambda criterion: criterion.head == "similarity"),
    "tune": Scope("runs with --start", lambda s: s.network.start, lambda s: "weights drawn at random"),
    **{option: _networks(option) for option in (*OF_SOME, "weights", "freeze")},
    "pairs": _losses(lambda criterion: criterion.tuples == "pairs"),
    "positive": Scope(
        "pairs drawn at random",
        lambda s: CRITERIA[s.loss.name].tuples == "pairs" and not s.loss.pairs,
        lambda s: "--pairs" if s.loss.pairs else s.loss.name,
    ),
    "patience": Scope("runs that hold images out", lambda s: s.holds_out, lambda s: "one that keeps its last weights"),
    "flips": Scope(
        "distortions drawn at random",
        lambda s: s.data.distort and not s.loss.pairs,
        lambda s: "--pairs" if s.loss.pairs else "--no-distort",
    ),
}


def _blocks(settings):
    """How many blocks of the network can be frozen."""
    return len(NETWORKS[settings.network.name].blocks)


def _tuples(settings):
    """How many pairs or triplets a step has."""
    return settings.loss.batch or DEFAULTS["batch"](settings)


def _mix_is_wrong(s):
    """Whether --mix is not KIND:SHARE of some kinds, with shares that are at most 1 together."""
    try:
        shares = shares_of(s)
    except ValueError:
        return True
    known, apart = shares.keys() <= set(MIXED), len(shares) == len(s.data.mix)
    return not (known and apart and all(share > 0 for share in shares.values()) and sum(shares.values()) <= 1)


CONFLICTS = (  # (holds(settings), complaint(settings)): settings that do not go together
    (
        _mix_is_wrong,
        lambda s: (
            f"--mix must be {' '.join(f'{kind}:SHARE' for kind in MIXED)} or one of these, with shares above 0 and at "
            f"most 1 together, not {' '.join(s.data.mix)}"
        ),
    ),
    (
        lambda s: s.data.mix and (not DATASETS[s.data.name].has_alphabets or s.loss.pairs),
        lambda s: (
            f"--mix is for tuples drawn at random from alphabets, not for {'--pairs' if s.loss.pairs else s.data.name}"
        ),
    ),
    (
        lambda s: s.data.flips and not s.holds_out,
        lambda s: "--flips trains on mirror writing, by which a run is judged that holds no alphabets out",
    ),
    (
        lambda s: s.data.warp and not SCOPES["flips"].holds(s),
        lambda s: f"--warp is for {SCOPES['flips'].words}, not for {SCOPES['flips'].instead(s)}",
    ),
    (
        lambda s: s.data.split not in DATASETS[s.data.name].divisions,
        lambda s: f"--split must be {either(DATASETS[s.data.name].divisions)} for {s.data.name}, not {s.data.split}",
    ),
    (
        lambda s: DATASETS[s.data.name].needs and s.machine.data_dir is None,
        lambda s: f"{s.data.name} needs --data-dir: {DATASETS[s.data.name].needs}",
    ),
    (
        lambda s: s.learning.steps and s.learning.minutes,
        lambda s: "give --steps or --minutes, not both",
    ),
    (
        lambda s: not 0 <= s.network.freeze <= _blocks(s),
        lambda s: f"--freeze must be 0 to {_blocks(s)} for --network {s.network.name}, not {s.network.freeze}",
    ),
    (
        lambda s: s.network.freeze == _blocks(s) > 0 and CRITERIA[s.loss.name].head != "similarity",
        lambda s: f"--freeze {_blocks(s)} leaves nothing to train: --loss {s.loss.name} has no weights of its own",
    ),
    (
        lambda s: s.network.tune == "head" and CRITERIA[s.loss.name].head != "similarity",
        lambda s: f"--tune head leaves nothing to train: --loss {s.loss.name} has no weights of its own",
    ),
    (
        lambda s: s.network.start and s.network.weights,
        lambda s: "give --start or --weights, not both",
    ),
    (
        lambda s: s.loss.batch == 1 and (CRITERIA[s.loss.name].tuples != "triplets" or s.loss.mining != "random"),
        lambda s: f"--batch must be at least 2 for --loss {s.loss.name}: one alone has nothing to differ from",
    ),
    (
        lambda s: s.loss.positive != 0.5 and not 1 <= s.loss.positive * _tuples(s) < _tuples(s),
        lambda s: f"--positive is a share that leaves pairs of both kinds among {_tuples(s)}, not {s.loss.positive}",
    ),
)


# --- open defaults, in this order: the later ones look at the earlier -------------------------------------------------


def _batch(s):
    network = NETWORKS[s.network.name]
    if takes_classes(s):
        return network.ways if DATASETS[s.data.name].has_alphabets else None  # there may be fewer classes
    return network.tuples


def _epoch_steps(s):
    versions = 1 + COPIES if s.data.distort else 1
    return s.loss.pairs * versions // s.loss.batch if s.loss.pairs else EPOCH_STEPS


def _steps(s):
    if s.learning.minutes:
        return None
    return EPOCHS * s.learning.epoch_steps if s.loss.pairs else STEPS.get(s.recipe, DATASETS[s.data.name].steps)


def _data_name(s):
    """The name of a data set; of a user's own images, that of their folder or zip, as far as any system takes it."""
    if not DATASETS[s.data.name].needs:
        return s.data.name
    name = Path(os.path.abspath(s.machine.data_dir)).name.removesuffix(".zip")
    return re.sub(r"[^\w.-]+", "_", name).strip("._-")[:64] or s.data.name


def _warp(s):
    drawn = DATASETS[s.data.name].has_alphabets and not s.data.flips
    return WARP if drawn and SCOPES["flips"].holds(s) else 0.0


DEFAULTS = {
    "warp": _warp,
    "batch": _batch,
    "drawings": lambda s: DRAWINGS if DATASETS[s.data.name].has_alphabets else None,
    "epoch_steps": _epoch_steps,
    "steps": _steps,
    "validate_every": lambda s: s.learning.epoch_steps if s.loss.pairs else VALIDATE_EVERY,
    "out": lambda s: Path("runs") / f"{_data_name(s)}-{s.network.name}-{s.loss.name}",
    "threads": lambda s: available_cores(),
}


# --- the walk through the tables --------------------------------------------------------------------------------------


def checked(settings, usual):
    """The settings with their open defaults filled in; BadInput, in one line, where a value makes no sense.

    ``usual`` is {flat key: the default}.
    """
    complaint = next(_complaints(settings, usual), None)
    if complaint:
        flat, recipe = settings.flat(), RECIPES.get(settings.recipe, {})
        meant = [f"--{key} {value}" for key, value in recipe.items() if flat[key] == value and f"--{key} " in complaint]
        raise BadInput(f"{complaint} (--recipe {settings.recipe} is {' '.join(meant)})" if meant else complaint)
    for key, default in DEFAULTS.items():
        if settings.flat()[key] is None:
            settings = settings.but(**{key: default(settings)})
    return settings


def _complaints(settings, usual):
    """Lines that say which values make no sense."""
    flat = settings.flat()
    for key, choices in CHOICES.items():
        if flat[key] not in choices:
            yield f"--{key} must be one of {', '.join(choices)}, not {flat[key]}"
    for key, allowed in RANGES.items():
        for number in flat[key] if isinstance(flat[key], tuple) else [flat[key]]:
            if number is not None and not allowed.holds(number):
                yield f"--{key.replace('_', '-')} {allowed.words}, not {number}"
    for key, scope in SCOPES.items():
        if flat[key] != usual[key] and not scope.holds(settings):
            shown = f"{key} {flat[key]}" if key in CHOICES else key
            yield f"--{shown.replace('_', '-')} is for {scope.words}, not for {scope.instead(settings)}"
    for holds, complaint in CONFLICTS:
        if holds(settings):
            yield complaint(settings)
