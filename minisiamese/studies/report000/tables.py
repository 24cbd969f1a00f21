"""The tables of report 000, with ours beside them, as Markdown."""

from minisiamese.studies.report000.settings import PRETRAINED, PRETRAINING

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
        "ways": {"contrastive-1": 75, "bce-1": 70, "triplet": 95},
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
        "ways": {"contrastive-1": 29, "bce-1": 40, "triplet": 62},
    },
}
WHOSE = {"all": "ours: all ten", "clean": "ours: 0-4 alone, clean"}
NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
TITLES = {
    PRETRAINED: "the pretrained branch alone",
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
    tests = results["all"][PRETRAINED]["pairs"]["easy"]["trials"]
    right = [_figure(results[kind][PRETRAINED]["classification"]) for kind in PRETRAINING]
    ten_way = [_figure(results[kind][PRETRAINED]["ways"]["10"]) for kind in PRETRAINING]
    lines = [
        f"**{NAMES[data]}**" + (", a quick look at few images and little training: no result" * results["quick"]),
        "",
        f"The classifiers call {right[0]} % of the test images of all ten classes right, and {right[1]} % of those of "
        f"classes 0-4. Each figure below is on {tests:,} pairs, triplets or trials and has half the width of its 95 % "
        f"interval beside it. The flaw: before any pair is learned from, the branch that was pretrained on all ten "
        f"classes gets {ten_way[0]} % of 10-way one-shot trials right, the one that was not {ten_way[1]} %, and "
        f"the nearest neighbour among pixels {_figure(results['pixels']['10'])} %.",
        "",
        "Pairs, same or different (%): those learned from, and test images of classes 0-4 (easy), all (medium), 5-9 "
        "(hard). Pairs learned from are of classes 0-4; in type 2 also one image of each other class.",
        "",
    ]
    lines += _rows(results, "pairs", SETS, list(report["pairs"]))
    lines += [
        "",
        "Triplets, the positive nearer than the negative (%). Triplets learned from are of the classes that the branch "
        "was pretrained on.",
        "",
    ]
    lines += _rows(results, "triplets", SETS[1:], [name for name in TITLES if name.startswith("triplet")])
    lines += ["", "10-way one-shot, test images of all classes (%)", ""]
    lines += ["| | report | all ten | clean |", "|---|---|---|---|"]
    lines.append(f"| triplets, the report does not say which | {report['ways']['triplet']} | | |")
    for name, title in TITLES.items():
        ours = [_figure(results[kind][name]["ways"]["10"]) for kind in PRETRAINING]
        lines.append(f"| {title} | {report['ways'].get(name, '')} | {' | '.join(ours)} |")
    pixels = _figure(results["pixels"]["10"])
    lines.append(f"| nearest neighbour among pixels | | {pixels} | {pixels} |")
    return "\n".join(lines) + "\n"


def _rows(results, test, columns, names):
    """Rows of the report's figures of a test, and of ours in both kinds of pretraining."""
    report = REPORT[results["data"]][test]
    lines = [f"| | pretrained on | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for name in names:
        if name in report:
            lines.append(f"| {TITLES[name]} | report: all ten | {' | '.join(map(str, report[name]))} |")
        for kind in PRETRAINING:
            title = "" if name in report or kind == "clean" else TITLES[name]
            figures = " | ".join(_figure(results[kind][name][test][each]) for each in columns)
            lines.append(f"| {title} | {WHOSE[kind]} | {figures} |")
    return lines


def _figure(rate):
    low, high = rate["interval"]
    return f"{100 * rate['accuracy']:.1f} ± {50 * (high - low):.1f}"
