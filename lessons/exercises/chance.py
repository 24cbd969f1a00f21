"""Cases for what chance decides: which random numbers are used, and whether draws are as even as chance has them."""

import random
from contextlib import contextmanager

import numpy as np

from lessons.exercises.task import Case

CALLS = ("one seed", 5, 0), ("the same seed", 5, 1), ("another seed", 6, 0)  # seeds of rng, and of np.random


@contextmanager
def seeded(seed):
    """NumPy's own random numbers begin at a seed meanwhile, and then go on as they would have."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def seeds(name, what, draw, rule):
    """A case of the generator that is used: ``draw(answer, rng)`` gives an array, ``what`` says what is in it."""

    def run(answer):
        found = {}
        for which, seed, own in CALLS:
            with seeded(own):
                found[f"{what} with {which}"] = draw(answer, np.random.default_rng(seed))
                found[f"the next number of np.random, after {which} (exactly)"] = np.random.random()  # noqa: NPY002
        rng = np.random.default_rng(7)
        return found | {f"{what} of {which} call": draw(answer, rng) for which in ("one", "the next")}

    def holds(values):
        one, same, other = (values[f"{what} with {which}"] for which, _, _ in CALLS)
        following = np.array_equal(values[f"{what} of one call"], values[f"{what} of the next call"])
        return {
            f"an rng of the same seed gives the same {what}": np.array_equal(one, same),
            f"an rng of another seed gives other {what}: rng is used": not np.array_equal(one, other),
            "with one rng, calls that follow each other draw anew": not following,
        }

    compared = tuple(f"the next number of np.random, after {which} (exactly)" for which, _, _ in CALLS)
    return Case(f"{name}, with several rng", run, rule, holds=holds, compared=compared)


def even(counts):
    """Whether counts are as even as chance makes them, but for one time in some ten millions."""
    counts = np.asarray(counts, float)
    return ((counts - counts.mean()) ** 2).sum() / max(counts.mean(), 1) < 30 + 2 * counts.size


def evenly(found, of):
    """Whether each number of ``of`` is in ``found`` about equally often, with nothing else."""
    counts = np.array([(found == each).sum() for each in of])
    mean = found.size / len(of)
    return counts.sum() == found.size and np.all(np.abs(counts - mean) < 5 * np.sqrt(mean) + 1)


def evenly_after(found, of):
    """Whether each number of ``of`` comes about equally often after each of them."""
    return all(evenly(found[1:][found[:-1] == each], of) for each in of)


LIBRARIES_CHANCE = ("the next number of np.random", "the next number of Python's random")


def from_rng(name, call, part=""):
    """A case that what ``call(answer, rng)``, {name: array}, returns comes from rng, and from nowhere else."""

    def run(answer):
        found, before = {}, (np.random.get_state(), random.getstate())  # noqa: NPY002
        try:
            for title, of_all, of_rng in (("of rng", 0, 1), ("of rng once more", 1, 1), ("of another rng", 2, 2)):
                np.random.seed(of_all)  # noqa: NPY002
                random.seed(of_all)
                values = call(answer, np.random.default_rng(of_rng))
                found |= {f"{key} {title}": value for key, value in values.items()}
                if not of_all:
                    numbers = np.random.random(), random.random()  # noqa: NPY002
                    found |= dict(zip(LIBRARIES_CHANCE, numbers, strict=True))
        finally:
            np.random.set_state(before[0])  # noqa: NPY002
            random.setstate(before[1])
        return found

    def holds(values):
        keys = [key.removesuffix(" of rng") for key in values if key.endswith(" of rng")]
        same = [np.array_equal(values[f"{key} of rng"], values[f"{key} of rng once more"]) for key in keys]
        other = [not np.array_equal(values[f"{key} of rng"], values[f"{key} of another rng"]) for key in keys]
        return {
            "an rng in the same state gives the same, whatever else was drawn before": all(same),
            "an rng in another state gives something else": any(other),
        }

    return Case(f"{name} with an rng", run, "rng", part, holds=holds, compared=LIBRARIES_CHANCE)


RNG = (
    "All chance comes from ``rng``, a np.random.Generator: in the same state it gives the same results. np.random.rand "
    "and its fellows, and Python's random, are not used."
)
