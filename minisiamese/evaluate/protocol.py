"""A protocol by its parts, so that each stands whole in one file; ``protocols.PROTOCOLS`` has them by name."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """One way to measure a network, and how its result is told.

    ``measure(options, network, settings)`` returns the result, a JSON-able dict, of a network that was trained with
    ``settings``; ``options`` are those of the command line (``protocols.EvaluateOptions``), with ``trials`` and
    ``views`` filled in. ``describe(result)`` says the result in lines for people.
    """

    help: str  # of --protocol
    options: tuple[str, ...]  # of views, trials, seed, ...: the options that the protocol takes
    measure: Callable
    describe: Callable
    trials: int | None = None  # how many, where --trials is not given


def validation_of(trained):
    """The validation images of a run with the settings ``trained``, in a word."""
    return "validation" if trained.holds_out else "mirror-written training"
