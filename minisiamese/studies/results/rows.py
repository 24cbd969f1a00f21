"""Runs as they are reported: the command of each, its results by test, and the rows of a test's table.

A run's results are its summary.json, and the outputs of ``evaluate RUN --json`` that were saved in the run's folder.
Runs that differ in their seed alone make one row.
"""

from dataclasses import dataclass, fields
from typing import Literal

import msgspec
import numpy as np

from minisiamese.checkpoint import Count, Rate, Seconds, Share, load_json
from minisiamese.data import omniglot
from minisiamese.errors import BadInput
from minisiamese.runs.recipes import RECIPES
from minisiamese.runs.settings import MachineSettings, Settings
from minisiamese.studies.results.published import TESTS
from minisiamese.trials import wilson

LEFT_OUT = {"seed", "recipe", "data", *(field.name for field in fields(MachineSettings))}  # of the rest of a command


@dataclass(frozen=True)
class Row:
    """One line of a table: who, the accuracy, and its 95 % interval (None of a published figure).

    ``seeds`` are the accuracies of single seeds, ``times`` the minutes and threads of their trainings.
    """

    who: str
    accuracy: float
    interval: tuple[float, float] | None = None
    seeds: tuple[float, ...] = ()
    times: tuple[str, ...] = ()


def command(settings):
    """The command of a run, without its seed: the options that differ from its recipe, or, where the recipe was a file,
    from the defaults."""
    data, recipe = settings.data.name, settings.recipe if settings.recipe in RECIPES else "best"
    usual = Settings.of_recipe(recipe, data=data).flat()
    words = ["train", data] + (["--recipe", recipe] if recipe != "best" else [])
    for key, value in settings.flat().items():
        if key in LEFT_OUT or value == usual[key]:
            continue
        if usual[key] is None and settings.but(**{key: None}).checked().flat()[key] == value:
            continue  # the other settings fill it in
        name = f"--{key.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(name if value else name.replace("--", "--no-"))
        else:
            several = (
                (each if isinstance(each, str) else f"{each:g}" for each in value)
                if isinstance(value, tuple)
                else [str(value)]
            )
            words += [name, *several]
    return " ".join(words)


class Result(msgspec.Struct):
    """The result of a test, as ``evaluate.protocols.measure`` gives it."""

    protocol: str
    accuracy: Share
    trials: Count
    baselines: dict[str, Rate]
    views: Count = 1


class Summary(msgspec.Struct):
    """The summary.json of a run."""

    seconds: Seconds
    finished: bool
    lake: Result | None
    one_shot: Result | None
    across: Result | None
    verification: Result | None
    tests: Literal["full", "quick"] = "full"


def read_run(folder):
    """(command, seed, training time, {test: result}) of a run folder."""
    if not folder.is_dir():
        raise BadInput(f"there is no run folder {folder}")
    path = folder / "config.json"
    settings = Settings.from_json(load_json(path), path)
    summary = load_json(folder / "summary.json", Summary)
    if not summary["finished"]:
        raise BadInput(f"{folder} is not finished: go on with it, --resume, or leave it out")
    if summary.get("tests") == "quick":
        raise BadInput(f"{folder} was tested in a hurry, --tests quick, which is not reported: leave it out")
    time = f"{summary['seconds'] / 60:.0f} ({settings.machine.threads})"
    results = [summary[key] for key in ("lake", "one_shot", "across", "verification")]
    found = {test_of(result, settings): result for result in results if result}
    for path in sorted(set(folder.glob("*.json")) - {folder / "config.json", folder / "summary.json"}):
        result = load_json(path, Result)
        test = test_of(result, settings)
        before = found.setdefault(test, result)
        more = result["protocol"] == "nway" and before["trials"] != result["trials"]
        if test and before != result and not more:
            raise BadInput(f"{path} is a second result of {test} in this run: leave one of them in the folder")
        found[test] = max(before, result, key=lambda each: each["trials"])
    found.pop(None, None)
    return command(settings), settings.seed, time, found


def test_of(result, settings):
    """The name in ``TESTS`` of the test that a run's result is of; None of a test that is not reported."""
    protocol, split = result["protocol"], settings.data.split
    if split in omniglot.SMALL:  # tables of networks that have seen five alphabets, and no more
        return f"lake-{split}" if protocol == "lake" and not settings.network.start else None
    if result.get("split", "evaluation") != "evaluation" or result.get("data", "omniglot") != "omniglot":
        return None
    if split == "vinyals":  # the run was trained on some of the evaluation alphabets
        return None
    if protocol in ("lake", "mnist"):
        return protocol
    if protocol == "verification" and result["alphabets"] == "within":
        return protocol
    if split != "alphabets":  # the run has other evaluation drawings
        return None
    if protocol == "nway":
        return f"nway-{result['alphabets']}" if (result["way"], result["shot"]) == (20, 1) else None
    return "pairs-across" if protocol == "verification" else None


def rows_of(test, runs):
    """The rows of one test, the best first: runs, their baselines, and published figures."""
    groups, baselines = {}, {}
    for name, seed, time, found in runs:
        if test in found:
            result = found[test]
            key = f"**ours**: `{name}`" + (f", {result['views']} views" if result.get("views", 1) > 1 else "")
            members = groups.setdefault((key, result["trials"]), {})
            if seed in members:
                raise BadInput(f"two of the runs are '{name}' with seed {seed}: give each once")
            members[seed] = result["accuracy"], time
            baselines = baselines or result["baselines"]
    rows = [Row(who, accuracy / 100) for who, accuracy in TESTS[test][1]]
    for (who, trials), members in groups.items():
        accuracies, times = zip(*(members[seed] for seed in sorted(members)), strict=True)
        mean = float(np.mean(accuracies))
        rows.append(Row(who, mean, wilson(mean, trials), accuracies, times))
    for name, figures in baselines.items():
        rows.append(Row(f"{name.replace('_', ' ')}, measured here", figures["accuracy"], tuple(figures["interval"])))
    return sorted(rows, key=lambda row: -row.accuracy) if groups else []
