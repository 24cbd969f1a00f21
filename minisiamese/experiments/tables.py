"""The tables of report 000, with ours beside them, as Markdown."""

from minisiamese.experiments.runs import PRETRAINING

SETS = ("train", "easy", "medium", "hard")
REPORT = {  # percent: pairs by SETS, triplets without "train", and 10-way one-shot
    "mnist": {
        "pairs": {
            "contrastive-1": (99, 99, 92, 81),
            "contrastive-2": (99, 97, 91, 91),
            "bce-1": (97, 96, 81, 70),
            "bce-2": (98, 95, 87, 80),
        },
        "triplets": {
            "triplet-easy": (98, 98, 97),
            "triplet-random": (98, 98, 97),
            "triplet-hard": (99, 98, 97),
        },
        "ways": {"triplet-random": 95, "contrastive-1": 75, "bce-1": 70},
    },
    "cifar10": {
        "pairs": {
            "contrastive-1": (90, 81, 73, 71),
            "contrastive-2": (89, 80, 60, 66),
            "bce-1": (96, 86, 75, 70),
            "bce-2": (96, 77, 69, 71),
        },
        "triplets": {
            "triplet-easy": (71, 68, 72),
            "triplet-random": (71, 69, 75),
            "triplet-hard": (70, 71, 75),
        },
        "ways": {"triplet-random": 62, "bce-1": 40, "contrastive-1": 29},
    },
}
WHOSE = {"all": "ours, pretrained on all ten, as in the report", "clean": "ours, pretrained on 0-4 alone: clean"}
NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
TITLES = {
    "pretrained": "the pretrained branch alone",
    "contrastive-1": "contrastive, type 1",
    "contrastive-2": "contrastive, type 2",
    "bce-1": "BCE, type 1",
    "bce-2": "BCE, type 2",
    "triplet-easy": "easy triplets",
    "triplet-random": "random triplets",
    "triplet-hard": "hard triplets",
    "triplet-semi-hard": "semi-hard triplets, in every batch",
    "triplet-hardest": "the hardest fifth of the triplets, in every batch",
    "triplet-margin-0.001": "random triplets, margin 0.001",
    "triplet-margin-1.5": "random triplets, margin 1.5",
}


def render(results):
    """All tables of a data set, from ``results.json``."""
    data, report = results["data"], REPORT[results["data"]]
    tests = results["all"]["pretrained"]["pairs"]["easy"]["trials"]
    lines = [f"**{NAMES[data]}, report 000**" + (" (a quick look, not a result)" if results["quick"] else ""), ""]
    accuracies = [f"{100 * results[kind]['pretrained']['classification']:.2f} %" for kind in PRETRAINING]
    lines += [
        f"The classifiers: {accuracies[0]} of the test images right on all ten classes, {accuracies[1]} on classes "
        f"0-4. Below, each figure is on {tests:,} pairs, triplets or trials, with half the width of its 95 % interval.",
        "",
    ]
    lines += _table(
        "Pairs, same or different, %: train set, then test images of classes 0-4 (easy), all (medium), 5-9 (hard)",
        SETS,
        report["pairs"],
        list(report["pairs"]),
        lambda kind, name: [results[kind][name]["pairs"][each] for each in SETS],
    )
    lines += _table(
        "Triplets, the positive nearer than the negative, %",
        SETS[1:],
        report["triplets"],
        [name for name in TITLES if name.startswith("triplet")],
        lambda kind, name: [results[kind][name]["triplets"][each] for each in SETS[1:]],
    )
    best = [name for name in TITLES if "margin" not in name]
    lines += [
        "10-way one-shot, test images of all classes, %",
        "",
        "| | report | all ten | clean |",
        "|---|---|---|---|",
    ]
    for name in best:
        ours = [_figure(results[kind][name]["ways"]["10"]) for kind in PRETRAINING]
        lines.append(f"| {TITLES[name]} | {report['ways'].get(name, '')} | {ours[0]} | {ours[1]} |")
    lines += [f"| nearest neighbour, pixels | | {_figure(results['pixels']['10'])} | |", ""]
    return "\n".join(lines)


def _table(title, columns, report, names, rates):
    lines = [title, "", f"| | | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for name in names:
        if name in report:
            lines.append(f"| {TITLES[name]} | report | {' | '.join(map(str, report[name]))} |")
        for kind in PRETRAINING:
            figures = " | ".join(map(_figure, rates(kind, name)))
            lines.append(f"| {'' if name in report or kind == 'clean' else TITLES[name]} | {WHOSE[kind]} | {figures} |")
    return [*lines, ""]


def _figure(rate):
    low, high = rate["interval"]
    return f"{100 * rate['accuracy']:.1f} ± {50 * (high - low):.1f}"
