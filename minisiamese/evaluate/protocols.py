"""The protocols: Lake's official one-shot test, N-way K-shot trials, MNIST's digits, pairs.

Retrieval and the threshold have files of their own. ``PROTOCOLS`` has one record for each; ``measure`` and
``describe`` look the protocol up there.

Notation: T trials of N classes with K support drawings each; scores are larger for more alike.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from minisiamese.data import DATASETS, mnist, omniglot
from minisiamese.data.folder import weakness
from minisiamese.errors import BadInput
from minisiamese.evaluate.baselines import BASELINES
from minisiamese.evaluate.protocol import Protocol, validation_of
from minisiamese.evaluate.retrieval import RETRIEVAL
from minisiamese.evaluate.scoring import balanced_pairs, best_threshold, last_drawers, network_scorer
from minisiamese.evaluate.threshold import THRESHOLD
from minisiamese.runs.build import part_of
from minisiamese.trials import credits, lake_trials, nway_trials, rate, wilson

# --- results of trials and of pairs -----------------------------------------------------------------------------------


def one_shot(trials, scorer, baselines):
    """Accuracy over the trials, and the baselines' over the same ones."""
    baselines = {name: rate(credits(trials.scores(each), trials.target)) for name, each in baselines.items()}
    return {**rate(credits(trials.scores(scorer), trials.target)), "baselines": baselines}


def as_sure_as(result, count):
    """The result of a test with the 95 % intervals of ``count`` answers, if its trials are more: many trials on few
    images ask the same again."""

    def resized(found):
        return found | {"interval": list(wilson(found["accuracy"], min(count, found["trials"])))}

    return resized(result) | {"baselines": {name: resized(each) for name, each in result["baselines"].items()}}


def verification(dataset, known, scorer, baselines, count, within, rng):
    """Same or different, on count balanced pairs (section 4.2).

    Pairs are of one alphabet, as many for each (``within``), or of any. The threshold of every scorer is chosen on
    pairs of ``known``, alphabets that the test does not use.
    """
    images, pairs, same = balanced_pairs(dataset, count, within, rng)
    known_images, known_pairs, known_same = balanced_pairs(known, count, within, rng)

    def accuracy(scorer):
        threshold = best_threshold(scorer(known_images, known_pairs), known_same)
        return {**rate(((scorer(images, pairs) > threshold) == same).astype(float)), "threshold": threshold}

    return {**accuracy(scorer), "baselines": {name: accuracy(each) for name, each in baselines.items()}}


def scorers(options, network, trained):
    """The network's scorer, and {name: scorer} of the baselines; of a user's images, which may be no drawings, the
    nearest neighbour alone, since the modified Hausdorff distance compares ink."""
    drawn = DATASETS[trained.data.name].has_alphabets
    baselines = {name: each for name, each in BASELINES.items() if drawn or name == "nearest_neighbour"}
    return network_scorer(network, options.device, options.views), baselines


def rates(title, result):
    """The lines of a result that is an accuracy: the title, the network, and each baseline."""

    def line(name, figures):
        low, high = figures["interval"]
        return f"{name:<20}{figures['accuracy']:8.2%}   95 % interval {low:.1%} .. {high:.1%}"

    lines = [f"{title}: {result['trials']} trials", line("this network", result)]
    return "\n".join(lines + [line(name.replace("_", " "), each) for name, each in result["baselines"].items()])


# --- fixed tests ------------------------------------------------------------------------------------------------------


def measure_lake(options, network, trained):
    """Lake's 20 runs of 20 trials; BadInput for a network that was trained on some of their alphabets."""
    source, split = DATASETS[trained.data.name], trained.data.split
    if source.lake and split not in source.lake:
        raise BadInput(f"--protocol lake: --split {split} trains on some of its alphabets, so it would be no test")
    trials = lake_trials(omniglot.load_runs(options.data_dir))
    return one_shot(trials, *scorers(options, network, trained))


LAKE = Protocol(
    help="Lake's 20 official runs",
    options=("views",),
    measure=measure_lake,
    describe=lambda result: rates("Lake's one-shot test, 20 runs of 20-way, within alphabets", result),
)


def measure_mnist(options, network, trained):
    """10-way one-shot trials of MNIST's test digits, none of which was trained on (section 4.4)."""
    digits, rng = mnist.load("test", options.data_dir), np.random.default_rng(options.seed)
    trials = nway_trials(digits, 10, 1, options.trials, True, rng)
    return {"seed": options.seed} | one_shot(trials, *scorers(options, network, trained))


MNIST = Protocol(
    help="10-way trials on its test digits",
    options=("views", "trials", "seed"),
    measure=measure_mnist,
    describe=lambda result: rates("10-way one-shot on the test digits of MNIST", result),
    trials=400,
)


# --- tests on the data of a run ---------------------------------------------------------------------------------------


def asked(options, trained):
    """The part of a result that says which images were drawn from, and how."""
    split = validation_of(trained) if options.split == "validation" else options.split
    of_run = {"data": trained.data.name, "split": split, "alphabets": options.alphabets}
    return {"seed": options.seed} | of_run | {"division": trained.data.split}


def where(result):
    """The images of ``asked`` in words."""
    if not DATASETS[result["data"]].has_alphabets:
        return "of the {split} images".format(**result)
    division = "" if result["division"] == "alphabets" else " (--split {division})"
    return ("{alphabets} alphabets of the {split} split of {data}" + division).format(**result)


def measure_nway(options, network, trained):
    """Random N-way K-shot trials of the run's data; N is 20 where --way says nothing, or as many as there are."""
    dataset, within = part_of(options.split, trained, options.data_dir), options.alphabets == "within"
    most = max(map(len, dataset.classes_of_group)) if within else len(dataset.rows_of_class)
    way, rng = options.way or min(20, most), np.random.default_rng(options.seed)
    trials = nway_trials(dataset, way, options.shot, options.trials, within, rng)
    result = one_shot(trials, *scorers(options, network, trained))
    if not DATASETS[trained.data.name].has_alphabets:  # of alphabets, all is known
        result = as_sure_as(result, len(np.unique(trials.query))) | {"weak": weakness(dataset)}
    return asked(options, trained) | {"way": way, "shot": options.shot} | result


NWAY = Protocol(
    help="random N-way K-shot trials",
    options=("views", "trials", "seed", "alphabets", "split", "way", "shot"),
    measure=measure_nway,
    describe=lambda result: "\n".join(
        [rates("{way}-way {shot}-shot ".format(**result) + where(result), result), *filter(None, [result.get("weak")])]
    ),
    trials=400,
)


def measure_verification(options, network, trained):
    """``verification`` on the run's data; the threshold is chosen on its validation or its training alphabets."""
    if options.trials < 2:
        raise BadInput("--trials must be at least 2 for verification: a same and a different pair")
    if options.split == "training":
        raise BadInput("--protocol verification takes --split evaluation or validation: training gives the threshold")
    of_test, within = options.split == "evaluation", options.alphabets == "within"
    dataset = part_of(options.split, trained, options.data_dir)
    known = part_of("validation" if of_test else "training", trained, options.data_dir)
    if within and of_test:  # ten alphabets, as in the paper; of omniglot its very ten
        ten = np.arange(min(10, len(dataset.group_names)))
        official = trained.takes_lakes_test
        dataset = omniglot.paper_part("evaluation", options.data_dir) if official else dataset.take_groups(ten)
    if within:
        dataset, known = last_drawers(dataset), last_drawers(known)
    rng = np.random.default_rng(options.seed)
    result = verification(dataset, known, *scorers(options, network, trained), options.trials, within, rng)
    if not DATASETS[trained.data.name].has_alphabets:
        result = as_sure_as(result, len(dataset.images))
    return asked(options, trained) | result


VERIFICATION = Protocol(
    help="same or different, on pairs",
    options=("views", "trials", "seed", "alphabets", "split"),
    measure=measure_verification,
    describe=lambda result: rates("same or different, pairs " + where(result), result),
    trials=10_000,  # the paper's number
)


# --- all of them ------------------------------------------------------------------------------------------------------

PROTOCOLS = {
    "lake": LAKE,
    "nway": NWAY,
    "mnist": MNIST,
    "verification": VERIFICATION,
    "retrieval": RETRIEVAL,
    "threshold": THRESHOLD,
}
HELP = " ".join(f"{name}: {each.help}." for name, each in PROTOCOLS.items())


@dataclass(frozen=True)
class EvaluateOptions:
    """Measure a trained network, beside nearest neighbour and the modified Hausdorff distance."""

    # Run folder, a checkpoint file, or "pretrained", the network that comes with the package.
    run: Annotated[Path, tyro.conf.Positional]
    protocol: Annotated[
        Literal[tuple(PROTOCOLS)] | None,
        tyro.conf.arg(help=f"{HELP} Default: lake for networks trained on omniglot, else nway."),
    ] = None
    # Classes in a trial (nway). Default: 20, or as many as there are.
    way: int | None = None
    # Support drawings of each class (nway).
    shot: int = 1
    # Trials (nway, mnist; default 400), or pairs (verification; default 10000).
    trials: int | None = None
    # Take a trial's classes, or a pair, from one alphabet (within) or from any (across). Within, verification takes
    # the last four drawers and ten evaluation alphabets, of omniglot the paper's.
    alphabets: Literal["within", "across"] = "within"
    # Alphabets: evaluation; of the background ones, validation (held out of training, or
    # the training alphabets in mirror writing, if the run held none out) or training.
    split: Literal["evaluation", "validation", "training"] = "evaluation"
    # Share of the pairs of two classes that may be called the same (threshold): above 0, below 0.5.
    false_match_rate: float = 0.01
    # Views of every image, all but the first distorted, whose scores are averaged. Default: the run's.
    views: int | None = None
    # Seed of the trials.
    seed: int = 0
    # Print one JSON object.
    json: bool = False
    # Threads. Default: the machine's cores.
    threads: int | None = None
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in. Default: $MINISIAMESE_DATA, else the user's cache, else a download.
    # For a run on a folder of images: that folder. Default: where it was.
    data_dir: Path | None = None


DEFAULTS = {field.name: field.default for field in fields(EvaluateOptions)}


def measure(options, network, trained):
    """One protocol's result as a JSON-able dict: accuracy, trials, interval, baselines, and what was measured.

    ``trained`` are the settings of the run that the network is of. BadInput for an option of other protocols.
    """
    name = options.protocol or ("lake" if trained.takes_lakes_test else "nway")
    protocol = PROTOCOLS[name]
    for option in dict.fromkeys(option for each in PROTOCOLS.values() for option in each.options):
        if option not in protocol.options and getattr(options, option) != DEFAULTS[option]:
            raise BadInput(f"--{option.replace('_', '-')} is no option of --protocol {name}")
    views, trials = options.views or trained.measuring.views, options.trials or protocol.trials
    result = protocol.measure(replace(options, views=views, trials=trials), network, trained)
    return {"protocol": name, "views": views} | result


def describe(result):
    """A measure's result as lines for people."""
    return PROTOCOLS[result["protocol"]].describe(result)
