"""The pictures of a run. Drawings are shown as on paper, dark ink on white."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from minisiamese.checkpoint import load_lines, write

RIGHT, WRONG, OURS, BASELINE = "#1b7f3b", "#c0392b", "#1f4e8c", "#8a8a8a"


def save(figure, path, dpi):
    """Write a figure as PNG, whole or not at all."""
    write(path, lambda file: figure.savefig(file, dpi=dpi, format="png"))


def curves(metrics_path, path):
    """Training loss and one-shot validation accuracy against steps, from metrics.jsonl."""
    lines = load_lines(metrics_path)
    losses, validations = (
        np.array([(line["step"], line[key]) for line in lines if key in line]).reshape(-1, 2)
        for key in ("loss", "validation_accuracy")
    )
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(*losses.T, color=OURS, linewidth=1)
    left.set(xlabel="training step", ylabel="training loss", title="Loss (mean of 10 steps)")
    right.plot(validations[:, 0], 100 * validations[:, 1], color=OURS, marker="o", markersize=3)
    right.set(xlabel="training step", ylabel="accuracy (%)", title="One-shot, validation")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save(figure, path, dpi=110)


def test_pairs(first, second, same, probability, guess, path):
    """A page of test pairs: the two drawings, the prediction and its probability, green if right and red if wrong.

    first, second (P, H, W, C) uint8; same, probability, guess (P,). After the MATLAB worked example (source 003).
    """
    columns = 5
    rows = -(-len(first) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.1 * rows), layout="constrained")
    for axes, *pair in zip(figure.subplots(rows, columns).flat, first, second, same, probability, guess, strict=False):
        a, b, truth, p, said = pair
        gap = np.full((len(a), len(a) // 6, a.shape[2]), 255 if a.shape[2] == 3 else 0, np.uint8)  # shown white
        picture(axes, np.concatenate([a, gap, b], axis=1))
        axes.set_title(
            f"{'same' if said else 'different'} ({p:.2f})\n{'right' if said == truth else 'wrong'}",
            color=RIGHT if said == truth else WRONG,
            fontsize=11,
        )
    figure.suptitle("Pairs of unseen images: prediction (probability that they show the same)")
    save(figure, path, dpi=100)


def trial(query, support, scores, target, path):
    """A one-shot trial: the query, and its N candidates with their scores (the paper's figure 1).

    The right class is framed in green; a wrong choice in red.
    """
    columns = 5
    rows = -(-len(support) // columns)
    figure = Figure(figsize=(1.5 * (columns + 2), 1.65 * max(rows, 2)), layout="constrained")
    grid = figure.add_gridspec(rows, columns + 2)
    axes = figure.add_subplot(grid[:, :2])
    picture(axes, query)
    chosen = int(np.argmax(scores))
    axes.set_title("Which of these is it?", fontsize=13)
    axes.set_xlabel("right" if chosen == target else "wrong", color=RIGHT if chosen == target else WRONG, fontsize=13)
    for n, (image, score) in enumerate(zip(support, scores, strict=True)):
        axes = figure.add_subplot(grid[n // columns, 2 + n % columns])
        picture(axes, image)
        axes.set_xlabel(f"{score:.1f}", fontsize=9, labelpad=2)
        if n == target or n == chosen:
            color = RIGHT if n == target else WRONG
            axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=color, linewidth=4))
    figure.suptitle("One-shot trial: the highest score is the answer; green frame: the right class")
    save(figure, path, dpi=100)


def ways(ours, baseline, title, path):
    """Accuracy against the number of classes N, with 95 % intervals, beside nearest neighbour and chance (source 002).

    ours, baseline: {N: {"accuracy", "interval", "trials"}}.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    against_ways(axes, {"this network": ours, "nearest neighbour (pixels)": baseline}, (OURS, BASELINE))
    axes.set(title=title)
    axes.legend()
    save(figure, path, dpi=110)


def against_ways(axes, lines, colors=None):
    """Accuracy against N with its 95 % interval for each of ``lines`` {label: {N: rate}}, and chance."""
    for place, (label, rates) in enumerate(lines.items()):
        color = colors[place] if colors else f"C{place}"
        n = [int(way) for way in rates]
        low, high = 100 * np.array([rate["interval"] for rate in rates.values()]).T
        axes.fill_between(n, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(
            n, [100 * rate["accuracy"] for rate in rates.values()], color=color, marker="o", markersize=3, label=label
        )
    axes.plot(n, [100 / each for each in n], color="black", linestyle=":", label="chance")
    axes.set(xlabel="classes in a trial, N", ylabel="accuracy (%)", ylim=(0, 101), xticks=n[::2])
    axes.grid(alpha=0.3)


def picture(axes, image):
    """A drawing (H, W, 1), ink 255, dark on white; or a picture in colour (H, W, 3) as it is. Without axes."""
    axes.imshow(image if image.shape[2] == 3 else 255 - image[:, :, 0], cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
