"""Exercise 12: settings from random numbers, expected improvement, and when to stop a training."""

import numpy as np

from lessons.exercises.cases import calls, normal
from lessons.exercises.task import Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np
from scipy.special import ndtr
"""


def array(*values):
    return np.array(values, float)


# --- 12.1 -------------------------------------------------------------------------------------------------------------

UNIFORM = "settings[:, j] = low + (high - low) * u[:, j]"
LOG = "settings[:, j] = low * (high / low) ** u[:, j]"
COUNT = "count = (high - low) // step[0] + 1"
STEPS = "settings[:, j] = low + step[0] * np.floor(count * u[:, j])"
RANGES = "for j, (kind, low, high, *step) in enumerate(ranges):"


def spread(u, *ranges):
    return lambda: {"u": np.array(u, float), "ranges": ranges}


def drawn(seed, n, *ranges):
    return lambda: {"u": np.random.default_rng(seed).random((n, len(ranges))), "ranges": ranges}


SETTINGS_OF = Task(
    of=".search: settings_of",
    parts=3,
    docs={
        "settings_of": Doc(
            """The settings of n trainings, from random numbers and from the ranges of D hyperparameters.

            u (n, D) are floats from 0 on and below 1; ranges are D tuples, each of a kind, a lowest and a highest
            value: ("uniform", low, high), ("log", low, high) or ("steps", low, high, step). Returns (n, D): where all
            of u are drawn evenly and independently, so are the settings, each in the manner of its range.""",
            {
                "uniform": "A uniform range goes evenly from low to high as u goes from 0 to 1.",
                "log": "In a log range, from low above 0, it is the logarithm of the setting that goes evenly from "
                "that of low to that of high; what is returned is the setting.",
                "steps": "A range in steps has the whole numbers low, low + step, low + 2 step, ..., high, which is "
                "one of them. Each has an equal part of the numbers from 0 to 1; the parts come in the order of the "
                "values, and where one ends and the next begins, u belongs to the next. The settings are floats, too.",
                "columns": "Column j of the settings depends on column j of u and on ranges[j], and on nothing else.",
            },
        )
    },
    cases=calls(
        "settings_of",
        ["settings"],
        [
            ("uniform", spread([[0], [0.25], [0.5]], ("uniform", 2, 6))),
            ("log", spread([[0], [0.25], [0.75]], ("log", 0.01, 100))),
            ("steps", spread([[0], [0.3], [0.5], [0.99]], ("steps", 16, 64, 16))),
            ("columns", spread([[0.5, 0], [0.1, 0.5]], ("uniform", 0, 1), ("uniform", -3, 5))),
            ("uniform", spread([[0.5], [0.9]], ("uniform", -1, 0.5))),
            ("steps", spread([[0.1], [0.4], [0.6], [0.9]], ("steps", 3, 5, 1))),
            ("steps", spread([[0.4], [0.8]], ("steps", 7, 7, 2))),
            ("log", spread([[0.2, 0.7], [0.6, 0.1]], ("log", 1, 8), ("log", 0.5, 20))),
            ("columns", spread([[0.1, 0.2, 0.7]], ("log", 1, 16), ("steps", 2, 10, 4), ("uniform", 1, 5))),
            ("uniform", drawn(0, 30, ("uniform", 0, 0.1))),
            ("log", drawn(1, 30, ("log", 1e-4, 1e-1))),
            ("steps", drawn(2, 60, ("steps", 16, 256, 16))),
            ("columns", drawn(3, 20, ("steps", 3, 20, 1), ("log", 0.1, 10), ("uniform", 5, 9), ("steps", 0, 9, 3))),
        ],
    ),
    mistakes=[
        Mistake("a log range is gone through evenly, as a uniform one", LOG, UNIFORM),
        Mistake("of a log range the logarithm is returned, base e, and not the setting", LOG,
                "settings[:, j] = np.log(low) + (np.log(high) - np.log(low)) * u[:, j]"),
        Mistake("of a log range the logarithm is returned, base 10, and not the setting", LOG,
                "settings[:, j] = np.log10(low) + (np.log10(high) - np.log10(low)) * u[:, j]"),
        Mistake("the logarithm is base 10, and e is raised to it", LOG,
                "settings[:, j] = np.exp(np.log10(low) + (np.log10(high) - np.log10(low)) * u[:, j])"),
        Mistake("the logarithm is base e, and 10 is raised to it", LOG,
                "settings[:, j] = 10 ** (np.log(low) + (np.log(high) - np.log(low)) * u[:, j])"),
        Mistake("a log range goes from high to low", LOG, "settings[:, j] = high * (low / high) ** u[:, j]"),
        Mistake("a log range begins at 1, not at low", LOG, "settings[:, j] = (high / low) ** u[:, j]"),
        Mistake("a uniform range goes from 0 to high", UNIFORM, "settings[:, j] = high * u[:, j]"),
        Mistake("a uniform range goes from low to low + high", UNIFORM, "settings[:, j] = low + high * u[:, j]"),
        Mistake("a uniform range goes from 0 to high - low", UNIFORM, "settings[:, j] = (high - low) * u[:, j]"),
        Mistake("a uniform range goes from high to low", UNIFORM, "settings[:, j] = high - (high - low) * u[:, j]"),
        Mistake("steps are rounded to the nearest value, which gives low and high half of what the others have", STEPS,
                "settings[:, j] = low + step[0] * np.round((count - 1) * u[:, j])"),
        Mistake("high never comes in a range in steps: there is one value more than (high - low) / step", COUNT,
                "count = max((high - low) // step[0], 1)"),
        Mistake("a range in steps goes on beyond high", COUNT, "count = (high - low) // step[0] + 2"),
        Mistake("step is not used: a range in steps has all whole numbers", COUNT,
                "step, count = [1], high - low + 1"),
        Mistake("the number of the step is returned, and not the value", STEPS,
                "settings[:, j] = np.floor(count * u[:, j])"),
        Mistake("low is left out of a range in steps", STEPS, "settings[:, j] = step[0] * np.floor(count * u[:, j])"),
        Mistake("a range in steps is not rounded to its values", STEPS,
                "settings[:, j] = low + step[0] * count * u[:, j]"),
        Mistake("a range in steps goes evenly from low to high, and is not rounded to its values", STEPS,
                "settings[:, j] = low + (high - low) * u[:, j]"),
        Mistake("a range in steps is rounded up", STEPS,
                "settings[:, j] = low + step[0] * np.ceil(count * u[:, j])"),
        Mistake("low + (high - low) u is rounded down to a whole number, without regard to step", STEPS,
                "settings[:, j] = np.floor(low + (high - low) * u[:, j])"),
        Mistake("all columns have the range of the first", RANGES,
                "for j, (kind, low, high, *step) in enumerate([ranges[0]] * len(ranges)):"),
        Mistake("all columns come from the first column of u", RANGES, f"u = u[:, :1] + 0 * u\n    {RANGES}"),
        Mistake("the columns come in the other order", "return settings", "return settings[:, ::-1]"),
        Mistake("the settings come with an axis of hyperparameters first: (D, n)", "return settings",
                "return settings.T"),
        Mistake("u, an argument, is written into", "np.empty_like(u)", "u"),
        Mistake("float32 becomes float64", "np.empty_like(u)", "np.empty(u.shape)"),
    ],
    variations=[
        Variation("uniform", "A uniform range goes evenly from high to low as u goes from 0 to 1.",
                  ((UNIFORM, "settings[:, j] = high + (low - high) * u[:, j]"),)),
        Variation("log", "In a log range, from low above 0, it is the logarithm of the setting that goes evenly from "
                  "that of high, at u = 0, down to that of low; what is returned is the setting.",
                  ((LOG, "settings[:, j] = high * (low / high) ** u[:, j]"),)),
        Variation("steps", "A range in steps has the whole numbers low, low + step, low + 2 step, ..., high, which is "
                  "one of them. Each has an equal part of the numbers from 0 to 1; the parts come from high, at u = 0, "
                  "down to low, and where one ends and the next begins, u belongs to the next. The settings are "
                  "floats, too.",
                  ((STEPS, "settings[:, j] = high - step[0] * np.floor(count * u[:, j])"),)),
    ],
    aliases={"settings_of": ("from_unit_cube", "spread_out", "draws_to_settings")},
)  # fmt: skip

# --- 12.2 -------------------------------------------------------------------------------------------------------------

GAIN = "gain = mean - best"
Z = "z = gain / np.where(deviation > 0, deviation, 1)"
DENSITY = "density = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5"
RETURNED = "return np.where(deviation > 0, gain * ndtr(z) + deviation * density, np.maximum(gain, 0))"
UNSURE = "gain * ndtr(z) + deviation * density"


def beliefs(mean, deviation, best):
    return lambda: {"mean": np.array(mean, float), "deviation": np.array(deviation, float), "best": best}


def beliefs_at_random(seed, shape, best):
    return lambda: {"mean": normal(seed, *shape), "deviation": abs(normal(seed + 50, *shape)) + 0.05, "best": best}


EXPECTED_IMPROVEMENT = Task(
    of=".search: expected_improvement",
    parts=3,
    docs={
        "expected_improvement": Doc(
            """By how much a training is expected to be better than the best so far, for each of some settings.

            What a setting gives, f, is not known: it is believed to be normally distributed with this mean and this
            deviation, a standard deviation, 0 or more. best is a number.""",
            {
                "gain": "The larger f, the better: the improvement is max(0, f - best), and what is returned is its "
                "expectation, the exact one, without random numbers.",
                "sure": "Where deviation is 0, f is known to be mean, and the expectation is that of this one value.",
                "broadcast": "mean and deviation broadcast, as in mean + deviation: of (R, 1) and (R, M) the "
                "expectations are (R, M).",
            },
        )
    },
    cases=calls(
        "expected_improvement",
        ["improvement"],
        [
            ("gain", beliefs([0, 0, 0], [1, 2, 0.5], 0.0)),
            ("gain", beliefs([0, 1, 2], [1, 1, 1], 1.0)),
            ("sure", beliefs([0, 1, 3], [0, 0, 0], 1.0)),
            ("sure", beliefs([2, 2, -1, 0.5], [0, 1, 0, 0.5], 0.5)),
            ("broadcast", beliefs([[1], [0]], [[0.5, 1, 2], [0.2, 3, 1]], 0.75)),
            ("broadcast", beliefs([1, 2, 3], [[0.5], [2]], 2.5)),
            ("broadcast", beliefs([[1, 2], [0, 4]], [1, 0.5], 1.5)),
            ("gain", beliefs([-50, 50, 0], [1, 1, 1], 0.0)),
            ("gain", beliefs([-2, -1], [0.25, 3], -1.5)),
            ("gain", beliefs_at_random(0, (30,), 0.6)),
            ("gain", beliefs_at_random(1, (4, 5), -0.4)),
            ("sure", lambda: {"mean": normal(2, 12), "deviation": np.arange(12) % 3 / 2.0, "best": 0.1}),
        ],
    ),
    mistakes=[
        Mistake("the smaller f is the better one: best - mean stands for mean - best", GAIN, "gain = best - mean"),
        Mistake("z has the other sign", Z, Z.replace("gain", "-gain")),
        Mistake("the distribution function and the density are in each other's place", UNSURE,
                "gain * density + deviation * ndtr(z)"),
        Mistake("the density lacks its factor 1 / sqrt(2 pi)", DENSITY, "density = np.exp(-(z**2) / 2)"),
        Mistake("the density has exp(-z^2), without the half", DENSITY,
                "density = np.exp(-(z**2)) / (2 * np.pi) ** 0.5"),
        Mistake("the density has 1 / (2 pi) for its factor, without the root", DENSITY,
                "density = np.exp(-(z**2) / 2) / (2 * np.pi)"),
        Mistake("the density is not multiplied by the deviation", UNSURE, "gain * ndtr(z) + density"),
        Mistake("the density is divided by the deviation", UNSURE,
                "gain * ndtr(z) + density / np.where(deviation > 0, deviation, 1)"),
        Mistake("z is not divided by the deviation", Z, "z = gain + 0 * deviation"),
        Mistake("deviation is taken for a variance: its root is used", GAIN,
                f"deviation = np.sqrt(deviation)\n    {GAIN}"),
        Mistake("the square of deviation is used, a variance", GAIN, f"deviation = deviation**2\n    {GAIN}"),
        Mistake("z is divided by the square of deviation", Z,
                "z = gain / np.where(deviation > 0, deviation, 1) ** 2"),
        Mistake("the sign between the two parts is a minus", UNSURE, "gain * ndtr(z) - deviation * density"),
        Mistake("only the part with the distribution function is there", UNSURE, "gain * ndtr(z)"),
        Mistake("only the part with the density is there", UNSURE, "deviation * density"),
        Mistake("the distribution function is not multiplied by mean - best", UNSURE, "ndtr(z) + deviation * density"),
        Mistake("the probability that there is an improvement is returned, whatever its size", RETURNED,
                "return np.where(deviation > 0, ndtr(z), gain > 0).astype(z.dtype)"),
        Mistake("what the mean gains is returned, max(0, mean - best), as if nothing were uncertain", RETURNED,
                "return np.maximum(gain, 0) + 0 * deviation"),
        Mistake("the expectation of f - best is returned, which may be negative", RETURNED,
                "return gain + 0 * deviation"),
        Mistake("an upper bound is returned: mean + deviation - best", RETURNED, "return gain + deviation"),
        Mistake("the two parts are divided by the deviation", UNSURE,
                "gain / np.where(deviation > 0, deviation, 1) * ndtr(z) + density"),
        Mistake("where deviation is 0, it is always 0", "np.maximum(gain, 0))", "0 * gain)"),
        Mistake("where deviation is 0, it is mean - best, also where that is negative", "np.maximum(gain, 0))",
                "gain)"),
        Mistake("where deviation is 0, it is 0 / 0", RETURNED,
                "z = gain / deviation\n    density = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5\n"
                "    return gain * ndtr(z) + deviation * density"),
        Mistake("where deviation is 0, it is not a number", "np.maximum(gain, 0))", "np.nan * gain)"),
        Mistake("mean, an argument, is written into", GAIN, "mean -= best\n    gain = mean"),
        Mistake("float32 becomes float64", GAIN, "gain = (mean - best).astype(float)"),
    ],
    variations=[
        Variation("gain", "The smaller f, the better: the improvement is max(0, best - f), and what is returned is its "
                  "expectation, the exact one, without random numbers.", ((GAIN, "gain = best - mean"),)),
        Variation("gain", "The larger f, the better, but by less than 0.1 is no improvement: it is max(0, f - best - "
                  "0.1), and what is returned is its expectation, the exact one, without random numbers.",
                  ((GAIN, "gain = mean - best - 0.1"),)),
    ],
    aliases={"expected_improvement": ("mean_improvement", "hoped_gain", "acquisition")},
)  # fmt: skip

# --- 12.3 -------------------------------------------------------------------------------------------------------------

BETTER = "if accuracy > accuracies[kept]:"
STOPS = "elif epoch - kept >= patience:"
RESULTS = "return epoch, kept"


def watched(*accuracies, patience):
    return lambda: {"accuracies": array(*accuracies), "patience": patience}


def watched_at_random(seed, epochs, patience):
    """A curve that rises and levels off, measured on 40 trials, so that equal values come."""
    rng = np.random.default_rng(seed)
    values = rng.binomial(40, 0.7 - 0.4 * np.exp(-np.arange(epochs) / 6)) / 40
    return lambda: {"accuracies": values.copy(), "patience": patience}


EARLY_STOPPING = Task(
    of=".search: early_stopping",
    parts=2,
    docs={
        "early_stopping": Doc(
            """When a training is stopped, and which weights are kept, by the accuracies on validation trials.

            accuracies (E,), E from 1 on, are those after each epoch, as they would be if the training went on; epochs
            count from 0. patience is a whole number from 1 on. Returns stopped, the last epoch that is trained, and
            kept, the epoch whose weights are kept, two whole numbers.""",
            {
                "better": "Epoch 0 is the best at first. A later one is better if its accuracy is above that of the "
                "best before it; one that is equal is not.",
                "stopped": "Training stops as soon as ``patience`` epochs in a row were not better than the best, with "
                "the last of these; or else with the last epoch that there is.",
                "kept": "The weights of the best epoch up to the stop are kept. What would have come after it is not "
                "known, and changes nothing.",
            },
        )
    },
    cases=calls(
        "early_stopping",
        ["stopped", "kept"],
        [
            ("stopped", watched(0.5, 0.6, 0.55, 0.5, 0.55, patience=2)),
            ("stopped", watched(0.5, 0.6, 0.7, 0.8, patience=2)),
            ("better", watched(0.5, 0.6, 0.6, 0.6, 0.55, patience=2)),
            ("kept", watched(0.5, 0.6, 0.55, 0.5, 0.9, 0.95, patience=2)),
            ("better", watched(0.6, 0.4, 0.5, 0.55, 0.58, 0.59, patience=3)),
            ("better", watched(0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.8, patience=3)),
            ("stopped", watched(0.5, 0.4, 0.3, patience=1)),
            ("stopped", watched(0.5, 0.4, 0.6, 0.5, patience=9)),
            ("stopped", watched(0.7, patience=1)),
            ("stopped", watched(0.5, 0.4, 0.45, 0.6, 0.5, 0.55, 0.5, patience=3)),
            ("stopped", watched(0.5, 0.4, 0.3, 0.2, patience=3)),
            ("better", watched(0, 0, 0, 0, patience=2)),
            *(("stopped", watched_at_random(patience, 60, patience)) for patience in (2, 4, 7, 9)),
        ],
    ),
    mistakes=[
        Mistake("an epoch that is equal to the best counts as better", BETTER, BETTER.replace(">", ">=")),
        Mistake("training stops one epoch too late: when more than patience epochs were not better", STOPS,
                STOPS.replace(">=", ">")),
        Mistake("training stops one epoch too early", STOPS, "elif epoch - kept >= patience - 1:"),
        Mistake("the best of all epochs is kept, also one that comes after the stop", RESULTS,
                "return epoch, int(np.argmax(accuracies))"),
        Mistake("the weights of the last epoch are kept", RESULTS, "return epoch, epoch"),
        Mistake("training never stops before the last epoch", STOPS, "elif False:"),
        Mistake("the two results are in each other's place", RESULTS, "return kept, epoch"),
        Mistake("epochs count from 1", RESULTS, "return epoch + 1, kept + 1"),
        Mistake("stopped is the number of epochs that are trained, one more than the last", RESULTS,
                "return epoch + 1, kept"),
        Mistake("stopped is the place of the first epoch that is not trained", RESULTS,
                "return min(epoch + 1, len(accuracies) - 1), kept"),
        Mistake("the accuracy is returned for the epoch that is kept", RESULTS, "return epoch, accuracies[kept]"),
        Mistake("the lowest accuracy is the best", BETTER, BETTER.replace(">", "<")),
        Mistake("each epoch is compared with the one before it, not with the best", code="""
            def early_stopping(accuracies, patience):
                kept = waited = 0
                for epoch in range(1, len(accuracies)):
                    waited = 0 if accuracies[epoch] > accuracies[epoch - 1] else waited + 1
                    kept = epoch if waited == 0 else kept
                    if waited == patience:
                        return epoch, kept
                return len(accuracies) - 1, kept
        """),
        Mistake("waiting ends where an epoch is better than the one before it, not where it is better than the best",
                code="""
            def early_stopping(accuracies, patience):
                waited = 0
                for epoch in range(1, len(accuracies)):
                    waited = 0 if accuracies[epoch] > accuracies[epoch - 1] else waited + 1
                    if waited == patience:
                        return epoch, int(np.argmax(accuracies[: epoch + 1]))
                return len(accuracies) - 1, int(np.argmax(accuracies))
        """),
        Mistake("epochs that are not better are counted over the whole training, and not in a row", code="""
            def early_stopping(accuracies, patience):
                kept = waited = 0
                for epoch in range(1, len(accuracies)):
                    if accuracies[epoch] > accuracies[kept]:
                        kept = epoch
                    else:
                        waited += 1
                        if waited == patience:
                            return epoch, kept
                return len(accuracies) - 1, kept
        """),
        Mistake("where there is no stop, the last epoch's weights are kept", code="""
            def early_stopping(accuracies, patience):
                kept = 0
                for epoch, accuracy in enumerate(accuracies):
                    if accuracy > accuracies[kept]:
                        kept = epoch
                    elif epoch - kept >= patience:
                        return epoch, kept
                return epoch, epoch
        """),
        Mistake("of several epochs that are equally good the last is kept", code="""
            def early_stopping(accuracies, patience):
                kept = 0
                for epoch, accuracy in enumerate(accuracies):
                    if accuracy > accuracies[kept]:
                        kept = epoch
                    elif epoch - kept >= patience:
                        break
                seen = accuracies[: epoch + 1]
                return epoch, int(np.flatnonzero(seen == seen.max())[-1])
        """),
    ],
    variations=[
        Variation("better", "Epoch 0 is the best at first. A later one is better if its accuracy is not below that of "
                  "the best before it; one that is equal is better, too.", ((BETTER, BETTER.replace(">", ">=")),)),
        Variation("stopped", "Training stops as soon as more than ``patience`` epochs in a row were not better than "
                  "the best, with the last of these; or else with the last epoch that there is.",
                  ((STOPS, STOPS.replace(">=", ">")),)),
    ],
    aliases={"early_stopping": ("last_and_best", "patient_training", "stop_and_keep")},
    swapped={"early_stopping": 2},
)  # fmt: skip

EXERCISE = Exercise(
    title="settings from random numbers, expected improvement, and when to stop",
    gives=GIVES,
    tasks={"12.1": SETTINGS_OF, "12.2": EXPECTED_IMPROVEMENT, "12.3": EARLY_STOPPING},
)
