"""The threshold: the score from which on two images are called the same, for a rate of false matches that is asked for.

    python -m minisiamese.evaluate RUN --protocol threshold --false-match-rate 0.01

The threshold is chosen on the run's validation images: held out of training or, of a run that held none out, the
training alphabets in mirror writing. What it does, and all curves, are measured on the evaluation
images. Scores are those of ``predict``: of mean embeddings over the run's views. ``matching.py`` has the rates.

Notation: S pairs of one class and P pairs of two; scores are larger for more alike.
"""

import sys

import numpy as np

from minisiamese import checkpoint
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.evaluate import matching
from minisiamese.evaluate.protocol import Protocol, validation_of
from minisiamese.evaluate.scoring import embedding_scorer
from minisiamese.layers import sigmoid
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import RunMeta, check_calibrated
from minisiamese.runs.start import checkpoint_of

IMAGES, EACH = 2000, 3  # of a part at most, as many of each class; of a class at least, where there are many classes
ENOUGH_PAIRS, ENOUGH_CLASSES = 10, 20  # below which the result says how little they show

# --- the protocol -----------------------------------------------------------------------------------------------------


def check_rate(rate, count, classes):
    """BadInput if so many different pairs of so many classes cannot show a rate of false matches: it is below one."""
    if rate < 1 / count:
        shown, least = f"{count:,} different pairs of {classes} validation classes", np.ceil(1e6 / count) / 1e6
        rate, least = (np.format_float_positional(each, trim="-") for each in (rate, least))
        raise BadInput(f"--false-match-rate: {shown} cannot show a rate of {rate}: ask for at least {least}")


def compared(name, options, trained):
    """(images, same (S, 2), different (P, 2)): a ``Dataset`` of at most ``IMAGES`` images of a part of the run's data,
    and ``matching.pairs_of_both_kinds`` of it."""
    whole, rng = part_of(name, trained, options.data_dir), np.random.default_rng(options.seed)
    classes = min(len(whole.rows_of_class), IMAGES // EACH)
    dataset = whole.some(classes, IMAGES // classes, rng)
    return dataset, *matching.pairs_of_both_kinds(dataset, options.alphabets == "within", rng)


def measure_threshold(options, network, trained):
    """The threshold of validation images at ``options.false_match_rate``, and its errors on evaluation images.

    The folder of the checkpoint is left threshold.png, and the checkpoint the threshold, for ``predict``; but the
    network that comes with the package, by its name "pretrained", stays as it is.
    """
    rate, seed = options.false_match_rate, options.seed
    if not 0 < rate < 0.5:
        raise BadInput(f"--false-match-rate must be above 0 and below 0.5, not {rate:g}")
    path = checkpoint_of(options.run)
    _, meta = checkpoint.load(path, RunMeta)
    check_calibrated(meta, options.run)
    parts = {name: compared(name, options, trained) for name in ("validation", "evaluation")}
    sizes = {
        name: {"classes": len(part.rows_of_class), "images": len(part.images)}
        | {"same_pairs": len(same), "different_pairs": len(different)}
        for name, (part, same, different) in parts.items()
    }
    check_rate(rate, sizes["validation"]["different_pairs"], sizes["validation"]["classes"])
    scorer = embedding_scorer(network, options.device, options.views)
    known, test = (matching.Scored.by(scorer, *part) for part in parts.values())
    t, interval = matching.threshold_for(known, rate, seed)

    def probability(scores):
        return sigmoid(meta["calibration"]["slope"] * np.asarray(scores, float) + meta["calibration"]["offset"])

    points = matching.curve(test.same, test.different)
    scores = np.concatenate([test.same, test.different])
    same = np.arange(len(scores)) < len(test.same)
    result = {
        "seed": seed,
        "data": trained.data.name,
        "division": trained.data.split,
        "alphabets": options.alphabets,
        "threshold": {"score": float(t), "false_match_rate": rate, "interval": interval},
        "chosen_on": f"{validation_of(trained)} images",
        "probability": {"threshold": float(probability(t)), "interval": probability(interval).tolist()},
        "validation": sizes["validation"] | matching.errors(known, t, seed),
        "evaluation": sizes["evaluation"]
        | matching.errors(test, t, seed)
        | {"equal_error_rate": matching.equal_error_rate(*points), "area_under_roc": matching.area_under_roc(*points)},
        "reliability": matching.reliability(probability(scores), same),
    }
    return result | kept(None if str(options.run) == "pretrained" else path, meta, result, points)


def kept(path, meta, result, points):
    """{"picture": path of threshold.png, "stored": path of the checkpoint that has the threshold}; None for what is not
    to be written, or cannot be. BadInput if the checkpoint's meta is no longer the one that was measured."""
    found = {"picture": None, "stored": None}
    if path is None:
        return found
    try:
        from minisiamese.evaluate import threshold_pictures  # here, for the protocols that draw none start the sooner

        picture = path.with_name("threshold.png")
        threshold_pictures.draw_threshold(result, points, picture)
        found["picture"] = str(picture)
        arrays, there = checkpoint.load(path, RunMeta)
        if there != meta:
            raise BadInput(f"{path} was changed while it was measured: measure it again")
        checkpoint.save(path, arrays, meta | {"threshold": result["threshold"]})
        found["stored"] = str(path)
    except OSError as error:  # no reason to lose the figures
        print(f"not kept: cannot write {path.parent} ({error.strerror or error})", file=sys.stderr)
    return found


# --- the result in lines ----------------------------------------------------------------------------------------------


def percent(share):
    """A share in words, to three digits."""
    return f"{100 * share:.3g}%"


def between(found, of=percent):
    """An interval in words."""
    return "{} to {}".format(*map(of, found["interval"]))


def describe_threshold(result):
    """A result of ``measure_threshold`` as lines for people."""
    known, test, threshold, p = (result[key] for key in ("validation", "evaluation", "threshold", "probability"))
    rate, drawn = threshold["false_match_rate"], DATASETS[result["data"]].has_alphabets
    of = f"pairs {result['alphabets']} alphabets of {result['data']}" if drawn else "pairs of the images"
    fmr, fnmr = test["false_match_rate"], test["false_non_match_rate"]
    lines = [
        f"the threshold for a false match rate of {percent(rate)}, on {of}; intervals are of 95%",
        f'"same" from a probability of {p["threshold"]:.2%} ({between(p, "{:.2%}".format)}), '
        f"a score of {threshold['score']:.4g} ({between(threshold, '{:.4g}'.format)})",
        f"  chosen on the {result['chosen_on']}, {size_of(known)}",
        f"what it does on the evaluation images, {size_of(test)}:",
        f"  of pairs of different classes, {percent(fmr['rate'])} ({between(fmr)}) would be called the same",
        f"  of pairs of one class, {percent(fnmr['rate'])} ({between(fnmr)}) would be missed",
        f"  equal error rate {percent(test['equal_error_rate'])}, area under ROC {test['area_under_roc']:.4f}",
        f"  probabilities are off by {percent(result['reliability']['expected_calibration_error'])} on average",
    ]
    if (above := int(rate * known["different_pairs"])) < ENOUGH_PAIRS:
        few = f"only {above} of the {known['different_pairs']:,} different pairs of validation lie above the threshold"
        lines.append(f"{few}: a larger rate is known better")
    if (fewest := min(known["classes"], test["classes"])) < ENOUGH_CLASSES:
        lines.append(f"{fewest} classes are few: the intervals may be too narrow")
    lines += [f"picture: {result['picture']}"] if result["picture"] else []
    lines.append(
        f"stored in {result['stored']}, for predict" if result["stored"] else "the threshold is stored nowhere"
    )
    return "\n".join(lines)


def size_of(part):
    """The classes, images and pairs of a part in words."""
    pairs = f"{part['same_pairs']:,} pairs of one class and {part['different_pairs']:,} of two"
    return f"{part['classes']} classes, {part['images']:,} images, {pairs}"


THRESHOLD = Protocol(
    help="from which score on two images are the same, for --false-match-rate",
    options=("seed", "alphabets", "false_match_rate"),  # no views: a score's threshold holds for the run's own alone
    measure=measure_threshold,
    describe=describe_threshold,
)
