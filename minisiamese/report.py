"""Runs beside what is published, as a table in Markdown and a figure.

    python -m minisiamese.report RUNS... --out FOLDER

A run's results are its summary.json and whatever ``evaluate RUN --json`` was saved as, in the run's folder. Runs that
differ in their seed alone make one row.
"""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from matplotlib.figure import Figure

from minisiamese import checkpoint
from minisiamese.config import MACHINE
from minisiamese.config import Config as TrainConfig
from minisiamese.errors import BadInput, front_door, parse
from minisiamese.plots import BASELINE, OURS
from minisiamese.trials import wilson

KOCH, LAKE = "Koch et al. 2015", "Lake et al. 2015"
TESTS = {  # name: (title, published: (who, accuracy in %))
    "lake": (
        "20-way one-shot, Lake's 20 runs (the paper's table 2)",
        [
            (f"people ({LAKE})", 95.5),
            (f"Bayesian program learning ({LAKE})", 96.7),
            (f"Bayesian program learning, as in {KOCH}", 95.2),
            (f"siamese network ({KOCH})", 92.0),
            (f"affine model, as in {KOCH}", 81.8),
            (f"deep Boltzmann machine, as in {KOCH}", 62.0),
            (f"fully connected siamese network ({KOCH})", 58.3),
            (f"nearest neighbour, as in {KOCH}", 21.7),
            ("siamese network, slides 002 (on trials of its own)", 81.0),
            ("convolutional network (Lake et al. 2019)", 86.5),
            ("prototypical network (Lake et al. 2019)", 86.3),
            ("variational homoencoder (Lake et al. 2019)", 81.3),
            ("attentive recurrent comparators, more training alphabets (Shyam et al. 2017)", 97.75),
        ],
    ),
    "verification": (
        "Same or different, pairs of ten unseen alphabets (the paper's table 1)",
        [
            (f"30,000 pairs ({KOCH})", 90.61),
            (f"30,000 pairs, distorted ({KOCH})", 91.90),
            (f"90,000 pairs ({KOCH})", 91.54),
            (f"90,000 pairs, distorted ({KOCH})", 93.15),
            (f"150,000 pairs ({KOCH})", 91.63),
            (f"150,000 pairs, distorted ({KOCH})", 93.42),
        ],
    ),
    "pairs-across": (
        "Same or different, pairs of any evaluation alphabets (source 003)",
        [("MATLAB example, 5 x 150 pairs (source 003)", 88.67)],
    ),
    "mnist": (
        "MNIST, 10-way one-shot, trained on Omniglot alone (the paper's table 3)",
        [(f"siamese network ({KOCH})", 70.3), (f"nearest neighbour, as in {KOCH}", 26.5)],
    ),
    "nway-within": ("20-way one-shot within evaluation alphabets, random trials", []),
    "nway-across": ("20-way one-shot across evaluation alphabets, random trials", []),
}
LEFT_OUT = {"seed", "out", "resume", "recipe", "data", *MACHINE}  # of a row's command, or said first


@dataclass(frozen=True)
class Row:
    """One line of a table: who, the accuracy, its 95 % interval (None if published); of single seeds, the accuracies
    and what their training took."""

    who: str
    accuracy: float
    interval: tuple[float, float] | None = None
    seeds: tuple[float, ...] = ()
    times: tuple[str, ...] = ()


def command(config):
    """The command of a run, without its seed: what differs from its recipe."""
    recipe = TrainConfig.of_recipe(config.recipe, data=config.data)
    words = ["train", config.data] + (["--recipe", config.recipe] if config.recipe != "best" else [])
    for field in fields(TrainConfig):
        value, usual = getattr(config, field.name), getattr(recipe, field.name)
        if field.name in LEFT_OUT or value == usual:
            continue
        if usual is None and getattr(replace(config, **{field.name: None}).checked(), field.name) == value:
            continue  # what the other settings come to
        name = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(name if value else name.replace("--", "--no-"))
        else:
            words += [name, *map("{:g}".format, value)] if isinstance(value, tuple) else [name, str(value)]
    return " ".join(words)


def read_run(folder):
    """(command, seed, training time, {test: result}) of a run folder."""
    if not folder.is_dir():
        raise BadInput(f"there is no run folder {folder}")
    path = folder / "config.json"
    try:
        config = TrainConfig.from_json(json.loads(path.read_text()), path)
        path = folder / "summary.json"
        summary = json.loads(path.read_text())
        results = [summary[key] for key in ("lake", "one_shot", "across", "verification")]
        time = f"{summary['seconds'] / 60:.0f} ({config.threads})"
        if not summary["finished"]:
            raise BadInput(f"{folder} is not finished: go on with it, --resume, or leave it out")
        found = {test_of(result): result for result in results if result}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder} holds no run to report: {path.name} is missing or damaged ({error})") from None
    for path in sorted(set(folder.glob("*.json")) - {folder / "config.json", folder / "summary.json"}):
        try:
            result = json.loads(path.read_text())
            test = test_of(result)
            _ = result["accuracy"], result["trials"], result["baselines"]
        except (OSError, ValueError, KeyError, TypeError):
            raise BadInput(f"{path} is not what 'evaluate --json' prints: it does not belong in a run folder") from None
        if test and found.get(test, result) != result:
            raise BadInput(f"{path} is a second result of {test} in this run, which is to be reported?")
        found[test] = result
    found.pop(None, None)
    return command(config), config.seed, time, found


def test_of(result):
    """Which of ``TESTS`` a result is of, or None."""
    protocol = result["protocol"]
    if result.get("split", "evaluation") != "evaluation" or result.get("data", "omniglot") != "omniglot":
        return None
    if result.get("division") == "vinyals":  # trained on some of the others' evaluation alphabets
        return None
    if protocol in ("lake", "mnist"):
        return protocol
    if protocol == "verification" and result["alphabets"] == "within":
        return protocol
    if result["division"] != "alphabets":  # other evaluation drawings
        return None
    if protocol == "nway":
        return f"nway-{result['alphabets']}" if (result["way"], result["shot"]) == (20, 1) else None
    return "pairs-across"


def rows_of(test, runs):
    """The rows of one test, the best first: runs, their baselines, and what is published."""
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


def markdown(runs):
    """The tables, one a test that some run has a result of.

    The interval of a mean over seeds is that of one run's trials, since all seeds are tested on the same ones.
    """
    lines = []
    for test, (title, _) in TESTS.items():
        rows = rows_of(test, runs)
        if not rows:
            continue
        lines += [f"**{title}**", ""]
        lines += ["| | accuracy | 95 % interval | seeds | minutes (threads) |", "|---|---|---|---|---|"]
        for row in rows:
            interval = "{:.1f} to {:.1f}".format(*(100 * end for end in row.interval)) if row.interval else ""
            seeds = ", ".join(f"{100 * each:.2f}" for each in row.seeds) if len(row.seeds) > 1 else ""
            times = ", ".join(row.times)
            lines.append(f"| {row.who} | {100 * row.accuracy:.2f} % | {interval} | {seeds} | {times} |")
        lines.append("")
    return "\n".join(lines)


def figure(runs, path):
    """Lake's test: every row as a point with its interval, ours in blue."""
    rows = rows_of("lake", runs)[::-1]
    picture = Figure(figsize=(13, 0.34 * len(rows) + 1), layout="constrained")
    picture.suptitle(TESTS["lake"][0])
    axes = picture.subplots()
    for place, row in enumerate(rows):
        color = OURS if row.seeds else BASELINE
        if row.interval:
            axes.plot([100 * end for end in row.interval], [place, place], color=color, linewidth=2)
        axes.plot(100 * row.accuracy, place, "o", color=color)
    axes.set(xlabel="accuracy (%)", xlim=(0, 100))
    axes.set_yticks(range(len(rows)), [row.who.replace("*", "").replace("`", "") for row in rows], fontsize=8)
    axes.grid(alpha=0.3, axis="x")
    picture.savefig(path, dpi=100)


# --- the front door ---------------------------------------------------------------------------------------------------

START, END = "<!-- results: written by python -m minisiamese.report -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Config:
    """Write the results of runs, beside what is published, as Markdown and a figure."""

    # Run folders.
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # Folder for report.md and report.png.
    out: Path = Path("report")
    # A Markdown file whose results section, between two comments, is replaced as well.
    readme: Path | None = None


def insert(text, tables, path):
    """A page with the tables in its results section."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise BadInput(f"--readme {path} has no lines '{START}' and '{END}' to put the results between")
    return f"{before}{START}\n\n{tables}\n{END}{after}"


def main():
    config = parse(Config, "python -m minisiamese.report")
    if not config.runs:
        raise BadInput("give one run folder or more")
    runs = [read_run(folder) for folder in config.runs]
    tables = markdown(runs)
    if not tables:
        raise BadInput("the report is of omniglot, and none of these runs has a result on its evaluation alphabets")
    try:
        page = insert(config.readme.read_text(encoding="utf-8"), tables, config.readme) if config.readme else None
    except (OSError, ValueError) as error:
        raise BadInput(f"--readme {config.readme} cannot be read ({error})") from None
    written = [config.out / "report.md"]
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_text(written[0], tables)
        if rows_of("lake", runs):
            written.append(config.out / "report.png")
            figure(runs, written[-1])
        if page:
            written.append(config.readme)
            checkpoint.save_text(config.readme, page)
    except OSError as error:
        raise BadInput(f"cannot write the report: {error}") from None
    print("written:", *written)
    return 0


if __name__ == "__main__":
    front_door(main)
