"""The figure of a run."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minisiamese import plots
from minisiamese.plots import BASELINE, OURS


def curves(summary, path):
    """Accuracy on held-out classes against steps of training, and on unseen ones against steps of adaptation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    lines = {left: {line["step"]: line["validation"] for line in summary["log"]}, right: summary["adaptation"]}
    for axes, rates in lines.items():
        steps = [int(step) for step in rates]
        low, high = 100 * np.array([rate["interval"] for rate in rates.values()]).T
        axes.fill_between(steps, low, high, color=OURS, alpha=0.2, linewidth=0)
        axes.plot(steps, [100 * rate["accuracy"] for rate in rates.values()], color=OURS, marker="o", markersize=3)
        axes.axhline(100 / summary["way"], color="black", linestyle=":", label="chance")
        axes.grid(alpha=0.3)
    if published := summary["published"]:
        right.axhline(published, color=BASELINE, linestyle="--", label=f"published, {published} %")
    title = f"{summary['way']}-way {summary['shot']}-shot"
    left.set(xlabel="training step", ylabel="accuracy (%)", ylim=(0, 101), title=f"{title}, held-out classes")
    right.set(xlabel="steps of adaptation to a task", title=f"{title}, unseen classes")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.axvline(summary["inner_steps"], color=BASELINE, linewidth=0.8)
    right.legend(loc="lower right")
    plots.save(figure, path, dpi=110)
