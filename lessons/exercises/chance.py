"""Cases for what chance decides: which random numbers are used, and whether draws are as even as chance has them."""

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
