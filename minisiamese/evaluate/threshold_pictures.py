"""The picture of a threshold: the ROC and the DET curve with the threshold on them, and a reliability diagram."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from scipy.special import ndtri

from minisiamese import plots

TICKS = np.array([1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99])  # of the DET curve's axes
PERCENT = FuncFormatter(lambda share, _: f"{100 * share:g}")


def draw_threshold(result, points, path):
    """Write the picture of a result of ``threshold.measure_threshold``.

    points (FMR, FNMR) are the ``matching.curve`` of its evaluation pairs.
    """
    figure = Figure(figsize=(15, 5.2), layout="constrained")
    roc, det, reliability = figure.subplots(1, 3)
    test, threshold = result["evaluation"], result["threshold"]
    _roc(roc, test, points)
    _det(det, test, points)
    _reliability(reliability, result["reliability"], result["probability"]["threshold"])
    asked = f"threshold for a false match rate of {100 * threshold['false_match_rate']:g} %"
    figure.suptitle(f"evaluation images, {test['classes']} classes; {asked}, chosen on {result['chosen_on']}")
    plots.save(figure, path, dpi=130)


def _chosen(axes, test, moved=lambda rate: rate, matched=False):
    """Mark the threshold's FMR and FNMR, or with ``matched`` its FMR and 1 - FNMR, and their 95 % intervals."""
    rates = [test[key] for key in ("false_match_rate", "false_non_match_rate")]
    (x, *across), (y, *along) = (np.array([each["rate"], *each["interval"]]) for each in rates)
    y, along = (1 - y, 1 - np.array(along)) if matched else (y, along)
    x, y, across, along = (moved(np.asarray(each)) for each in (x, y, across, along))
    axes.plot(across, [y, y], color=plots.WRONG, linewidth=2)
    axes.plot([x, x], along, color=plots.WRONG, linewidth=2)
    axes.plot(x, y, "o", color=plots.WRONG, label="threshold, 95 % intervals")


def _least(pairs):
    """Where an axis without 0 begins: at half a pair, or at 0.1 % if that is less."""
    return min(0.5 / pairs, 0.001)


def _roc(axes, test, points):
    """The true match rate 1 - FNMR against FMR."""
    fmr, fnmr = points
    least = _least(test["different_pairs"])
    chance = np.geomspace(least, 1, 200)
    axes.plot(chance, chance, color=plots.BASELINE, linestyle=":", label="chance")
    axes.plot(np.maximum(fmr, least), 1 - fnmr, color=plots.OURS, label="this network")
    _chosen(axes, test, matched=True)
    axes.set(xscale="log", xlim=(least, 1), ylim=(0, 1.01))
    axes.set(xlabel="false match rate (%)", ylabel="true match rate (%)")
    axes.set_title(f"ROC curve: area {test['area_under_roc']:.4f}")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _det(axes, test, points):
    """FNMR against FMR on axes of normal deviates, on which normal scores give a straight line."""
    least = [_least(test[key]) for key in ("different_pairs", "same_pairs")]
    moved = [ndtri(np.clip(rate, low, 1 - low)) for rate, low in zip(points, least, strict=True)]
    axes.plot(*moved, color=plots.OURS, label="this network")
    both = ndtri([min(least), 0.5])
    axes.plot(both, both, color=plots.BASELINE, linestyle=":", label="equal rates")
    _chosen(axes, test, lambda rate: ndtri(np.clip(rate, min(least), 1 - min(least))))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ndtri(TICKS), [f"{100 * tick:g}" for tick in TICKS])
    axes.set(xlim=ndtri([least[0], 0.6]), ylim=ndtri([least[1], 0.6]))
    axes.set(xlabel="false match rate (%)", ylabel="false non-match rate (%)")
    axes.set_title(f"DET curve: equal error rate {100 * test['equal_error_rate']:.3g} %")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")


def _reliability(axes, found, threshold):
    """The share of pairs that are the same against the network's probability, and the weight of each bin."""
    bins = found["bins"]
    predicted, same, weight = (np.array([each[key] for each in bins]) for key in ("predicted", "same", "weight"))
    middle = np.minimum((10 * predicted).astype(int), 9) / 10 + 0.05
    axes.bar(middle, weight, 0.096, color=plots.BASELINE, alpha=0.35, label="share of the pairs")
    axes.plot([0, 1], [0, 1], color=plots.BASELINE, linestyle=":", label="as it should be")
    axes.plot(predicted, same, "o-", color=plots.OURS, label="this network")
    for x, each in zip(middle, bins, strict=True):
        axes.annotate(f"{each['pairs']:,}", (x, -0.045), ha="center", va="center", fontsize=7)
    axes.annotate("pairs:", (-0.01, -0.045), ha="right", va="center", fontsize=7, annotation_clip=False)
    axes.vlines(threshold, 0, 1.01, color=plots.WRONG, label="threshold")
    axes.set(
        xlim=(0, 1), ylim=(-0.09, 1.01), xlabel="probability that both are the same (%)", ylabel="are the same (%)"
    )
    axes.set_title(f"Reliability: off by {100 * found['expected_calibration_error']:.3g} % on average")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
