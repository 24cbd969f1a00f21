"""The results of sweeps: figures of a value's seeds, tables and the picture."""

import numpy as np
from matplotlib.figure import Figure

from minisiamese import plots
from minisiamese.plots import BASELINE, OURS, RIGHT

MEASURES = {"accuracy": "one-shot accuracy", "mean_average_precision": "mean average precision"}


def summarise(ends):
    """{measure: {"seeds": the figure of each seed, "mean", "interval", "before"}} of a value's trainings.

    interval: the means of the ends of the seeds' 95 % intervals. All seeds are tested on the same trials, so that many
    seeds have no narrower an interval than one. before: the mean before training.
    """
    found = {}
    for key in MEASURES:
        after = np.array([end["after"][key] for end in ends])
        mean, *interval = after.mean(axis=0).tolist()
        found[key] = {"seeds": after[:, 0].tolist(), "mean": mean, "interval": interval}
        found[key]["before"] = float(np.mean([end["before"][key][0] for end in ends]))
    return found


def best(points, key):
    """The place of the value with the highest mean."""
    return int(np.argmax([point[key]["mean"] for point in points]))


def noise(points, key):
    """How much seeds differ, in percent: the root of the mean variance of a value's seeds; None of one seed."""
    seeds = np.array([point[key]["seeds"] for point in points])
    return 100 * float(np.sqrt(seeds.var(axis=1, ddof=1).mean())) if seeds.shape[1] > 1 else None


def render(results):
    """The tables, as Markdown, with the highest mean of each in bold."""
    lines = [
        "Figures in percent, by the last weights, on images held out of training, the same for all seeds and values. "
        "An interval is that of one seed's trials or queries. Where values differ by no more than seeds do, none is "
        "best.",
        "",
    ]
    for name, sweep in results.items():
        points = sweep["points"]
        lines += [f"**{sweep['title']}** (`--{name}`), {sweep['loss']}, {sweep['steps']} steps", ""]
        for key, title in MEASURES.items():
            asked = f"{sweep['trials']} trials" if key == "accuracy" else f"{sweep['queries']} queries"
            lines.append(f"| value | {title}, {asked}: mean of seeds | lowest to highest | 95 % interval | untrained |")
            lines.append("|---|---|---|---|---|")
            for place, point in enumerate(points):
                figure, mark = point[key], "**" * (place == best(points, key))
                low, high, lowest, highest = (
                    f"{100 * each:.1f}" for each in (*figure["interval"], min(figure["seeds"]), max(figure["seeds"]))
                )
                lines.append(
                    f"| {mark}{point['value']:g}{mark} | {mark}{100 * figure['mean']:.1f}{mark} | "
                    f"{lowest} to {highest} | {low} to {high} | {100 * figure['before']:.1f} |"
                )
            spread = noise(points, key)
            lines += ["", "One seed." if spread is None else f"Standard deviation among seeds: {spread:.1f}.", ""]
    return "\n".join(lines)


def draw(results, path):
    """For each sweep a column: accuracy and mean average precision against the value."""
    figure = Figure(figsize=(max(3.4 * len(results), 7), 6.4), layout="constrained")
    grid = figure.subplots(len(MEASURES), len(results), sharey="row", squeeze=False)
    for row, (key, label) in zip(grid, MEASURES.items(), strict=True):
        for axes, sweep in zip(row, results.values(), strict=True):
            panel(axes, sweep["points"], key)
            axes.set_xscale("log" if sweep["logarithmic"] else "linear")
            values = [point["value"] for point in sweep["points"]]
            axes.set_xticks(values, [f"{value:g}" for value in values])
            axes.minorticks_off()
            axes.set_xlabel(f"{sweep['title']} ({sweep['loss']})")
        row[0].set_ylabel(f"{label} (%)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    plots.save(figure, path, dpi=110)


def panel(axes, points, key):
    """Seeds as dots, their mean as a line, lowest to highest as a band, the best value and its mean ruled."""
    values, seeds = [point["value"] for point in points], 100 * np.array([point[key]["seeds"] for point in points])
    mean, place, spread = seeds.mean(axis=1), best(points, key), noise(points, key)
    first, *_ = axes.plot(values, seeds, color=OURS, marker="o", markersize=3.5, linestyle="")
    first.set_label("one seed")
    axes.plot(values, mean, color=OURS, label="mean of the seeds")
    band = {"color": OURS, "alpha": 0.18, "linewidth": 0, "label": "lowest to highest seed"}
    axes.fill_between(values, seeds.min(axis=1), seeds.max(axis=1), **band)
    before = [100 * point[key]["before"] for point in points]
    axes.plot(values, before, color=BASELINE, linestyle=":", label="before training")
    axes.axvline(values[place], color=RIGHT, linewidth=1)
    axes.axhline(mean[place], color=RIGHT, linewidth=1, label="best value and its mean")
    beside = "" if spread is None else f" ± {spread:.1f} (1 sd of seeds)"
    axes.set_title(f"best at {values[place]:g}: {mean[place]:.1f}{beside}", fontsize=10, color=RIGHT)
    axes.grid(alpha=0.3)
