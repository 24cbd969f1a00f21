"""The figures of ``fewshot``: heat maps, voting, and accuracy against depth. Accuracies are in %, bars and bands 95 %
intervals."""

import numpy as np
from matplotlib.figure import Figure

from minisiamese import plots
from minisiamese.plots import BASELINE, OURS


def heatmaps(credits, figures, title, path):
    """A panel for each classifier: the accuracy for N classes (down) and K support images (across); report 001.

    credits {classifier: {(N, K): (E,)}}; figures {classifier: rate} over all cells.
    """
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    for axes, (name, cells) in zip(figure.subplots(1, len(credits), sharey=True), credits.items(), strict=True):
        ways, shots = (sorted(set(numbers)) for numbers in zip(*cells, strict=True))
        grid = np.full((len(ways), len(shots)), np.nan)
        for (way, shot), earned in cells.items():
            row, column = ways.index(way), shots.index(shot)
            grid[row, column] = 100 * np.mean(earned)
            color = "white" if grid[row, column] < 60 else "black"
            axes.text(column, row, f"{grid[row, column]:.0f}", ha="center", va="center", color=color, fontsize=9)
        image = axes.imshow(grid, cmap="viridis", vmin=0, vmax=100, aspect="auto")
        axes.set_xticks(range(len(shots)), shots)
        axes.set_yticks(range(len(ways)), ways)
        axes.set(title=f"{name}: mean {100 * figures[name]['accuracy']:.1f}", xlabel="support images a class, K")
    figure.axes[0].set_ylabel("classes, N")
    figure.colorbar(image, ax=figure.axes, label="accuracy (%)")
    figure.suptitle(title)
    plots.save(figure, path, dpi=110)


def votes(figures, title, path):
    """A bar with its interval for each run, and for the two votes, which are the last of figures {name: rate}."""
    figure = Figure(figsize=(8, 0.45 * len(figures) + 1.4), layout="constrained")
    axes = figure.subplots()
    for place, rate in enumerate(reversed(figures.values())):
        accuracy, (low, high) = 100 * rate["accuracy"], (100 * end for end in rate["interval"])
        error = [[accuracy - low], [high - accuracy]]
        axes.barh(place, accuracy, xerr=error, color=OURS if place < 2 else BASELINE, capsize=3)
        axes.text(1, place, f"{accuracy:.1f}", va="center", color="white")
    axes.set_yticks(range(len(figures)), reversed(figures))
    axes.set(xlabel="accuracy (%), with 95 % interval", xlim=(0, 100), title=title)
    axes.grid(alpha=0.3, axis="x")
    plots.save(figure, path, dpi=110)


def depths(figures, title, path):
    """A line with its interval for each classifier and network, against layers; figures {layer: {line: rate}}."""
    figure = Figure(figsize=(max(9, 1.1 * len(figures)), 5), layout="constrained")
    axes = figure.subplots()
    places = range(len(figures))
    for name in next(iter(figures.values())):
        rates = [figures[layer][name] for layer in figures]
        low, high = 100 * np.array([rate["interval"] for rate in rates]).T
        color = BASELINE if "untrained" in name else OURS
        style = {"color": color, "linestyle": "--" if "1-NN" in name else "-"}
        axes.plot(places, [100 * rate["accuracy"] for rate in rates], marker="o", markersize=4, label=name, **style)
        axes.fill_between(places, low, high, color=color, alpha=0.15, linewidth=0)
    axes.set_xticks(places, [layer.replace(" (", "\n(") for layer in figures])
    axes.set(xlabel="features after layer (their number)", ylabel="accuracy (%)", ylim=(0, 101), title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    plots.save(figure, path, dpi=110)
