"""False matches and false non-matches: the errors of a threshold on scored pairs, their curves and their intervals.

A threshold t calls a pair "same" where its score >= t. Its errors have the names of ISO/IEC 19795-1:

    FMR(t)  = share of the pairs of two classes with score >= t    (false match rate)
    FNMR(t) = share of the pairs of one class with score < t       (false non-match rate)

Intervals (95 %) are an estimate +- t_{C-1} times its standard deviation over resamples of classes, drawn with
replacement; t_{C-1} is the 97.5 % quantile of Student's distribution. Pairs share images and classes, so they are not
independent: 200,000 pairs of 100 classes tell hardly more than the 100 classes do, and resamples of pairs would give
intervals many times too narrow. Alphabets are not drawn anew: an interval is for other classes of the same alphabets.
Of 150 to 200 sets of made-up scores with a part that pairs of a class share, of 5 to 100 classes, 89 to 98 % had the
truth in such an interval; the middle 95 % of the resamples had it in 78 to 91 %.

Notation: S pairs of one class and P pairs of two, of C classes; R resamples; scores are larger for more alike.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtrit

from minisiamese.errors import BadInput

PAIRS = 200_000  # of either kind at most
RESAMPLES = 200
BINS = 10  # of probabilities

# --- pairs and their scores -------------------------------------------------------------------------------------------


def pairs_of_both_kinds(dataset, within, rng):
    """(same (S, 2), different (P, 2)): the pairs of images of one class, and of two, as row numbers of a data set.

    The different pairs are of one alphabet (``within``) or of any. At most ``PAIRS`` of either kind, drawn without
    replacement. BadInput if a kind has none.
    """
    a, b = np.triu_indices(len(dataset.labels), 1)
    same = dataset.labels[a] == dataset.labels[b]
    different = ~same & (dataset.groups[a] == dataset.groups[b]) if within else ~same
    drawn = []
    for kind, chosen in (("one class", same), ("two classes", different)):
        places = np.flatnonzero(chosen)
        if not len(places):
            raise BadInput(f"no two of the images to compare are of {kind}: take --alphabets across, or more images")
        places = rng.choice(places, PAIRS, replace=False) if len(places) > PAIRS else places
        drawn.append(np.stack([a[places], b[places]], axis=1))
    return drawn


@dataclass(frozen=True)
class Scored:
    """Scores of pairs: ``same`` (S,) of one class, and ``different`` (P,) of two, from the highest to the lowest.

    ``same_class`` (S,) and ``two_classes`` (P, 2) are their classes, numbered 0 to C - 1.
    """

    same: np.ndarray
    same_class: np.ndarray
    different: np.ndarray
    two_classes: np.ndarray

    @classmethod
    def by(cls, scorer, dataset, same, different):
        """The scores that a scorer gives pairs (S, 2) and (P, 2) of a data set; BadInput if one is no number."""
        scores = scorer(dataset.images, np.concatenate([same, different]))
        if not np.isfinite(scores).all():
            raise BadInput("the network gives scores that are no numbers: it has no threshold")
        found = scores[len(same) :]
        order = np.argsort(-found, kind="stable")
        labels = dataset.labels
        return cls(scores[: len(same)], labels[same[:, 0]], found[order], labels[different[order]])

    @property
    def classes(self):
        """C."""
        return 1 + max(self.same_class.max(), self.two_classes.max())

    def resamples(self, seed):
        """How often each class is drawn, (R, C), in resamples that have pairs of two classes; and the weights (P,) of
        these pairs in each: the product of how often their classes are drawn."""
        C = self.classes
        for drawn in np.random.default_rng(seed).multinomial(C, np.full(C, 1 / C), size=RESAMPLES):
            weights = drawn[self.two_classes[:, 0]] * drawn[self.two_classes[:, 1]]
            if weights.any():
                yield drawn, weights

    def reach(self, resampled):
        """Half the length of the 95 % interval of a figure that has these values in resamples (R,)."""
        return stdtrit(self.classes - 1, 0.975) * np.std(np.asarray(resampled, float))


# --- thresholds, rates and curves -------------------------------------------------------------------------------------


def least_threshold(different, weights, rate):
    """The least t with FMR(t) <= rate, for scores (P,) from the highest to the lowest, and the pairs' weights (P,).

    Equal scores stay on one side of it: t lies just above the first score at which the share is larger than the rate.
    """
    share = np.cumsum(weights)
    return np.nextafter(different[np.searchsorted(share, rate * share[-1], side="right")], np.inf)


def threshold_for(scored, rate, seed):
    """(t, [low, high]): ``least_threshold`` of the different pairs, and its interval; of two classes, whose one pair of
    classes does not vary, the interval reaches as far as the scores differ."""
    different = scored.different
    t = least_threshold(different, np.ones(len(different), int), rate)
    resampled = [least_threshold(different, weights, rate) for _, weights in scored.resamples(seed)]
    reach = scored.reach(resampled) if scored.classes > 2 else different[0] - different[-1]
    return t, [float(t - reach), float(t + reach)]


def errors(scored, t, seed):
    """{"false_match_rate", "false_non_match_rate"} of a threshold t, each as {"rate", "interval"}.

    An interval is symmetric in the log-odds log(r / (1 - r)) of a rate r; of two classes it is [0, 1]. Where no pair is
    wrong, none is in any resample, and the interval ends at 3 / n (rule of three): n is C, or for false matches C / 2,
    the number of pairs of classes that share none. Where all are wrong, it begins at 1 - 3 / n.
    """
    C, matches, missed = scored.classes, int((scored.different >= t).sum()), scored.same < t
    pairs_of_class = np.bincount(scored.same_class, minlength=C)
    missed_of_class = np.bincount(scored.same_class, missed, C)
    fmr, fnmr = [], []
    for drawn, weights in scored.resamples(seed):
        fmr.append(weights[:matches].sum() / weights.sum())
        if drawn @ pairs_of_class:
            fnmr.append(drawn @ missed_of_class / (drawn @ pairs_of_class))
    found = {}
    for name, rate, resampled, pairs, n in (
        ("false_match_rate", matches / len(scored.different), fmr, len(scored.different), C // 2),
        ("false_non_match_rate", float(missed.mean()), fnmr, len(missed), C),
    ):
        half = 0.5 / pairs  # a pair: 0 has no log-odds
        odds, *others = logit(np.clip([rate, *resampled], half, 1 - half))
        reach = scored.reach(others) if C > 2 else np.inf
        low, high = expit(odds - reach), expit(odds + reach)
        low = 0 if rate == 0 else max(0, 1 - 3 / n) if rate == 1 else low
        high = 1 if rate == 1 else min(1, 3 / n) if rate == 0 else high
        found[name] = {"rate": rate, "interval": [float(low), float(high)]}
    return found


def curve(same, different):
    """(FMR, FNMR), each (T + 1,), at the T scores that there are as thresholds, from the highest to the lowest.

    Before them is the threshold above all scores, with FMR 0 and FNMR 1. same (S,) and different (P,) are scores.
    """
    t = np.unique(np.concatenate([same, different]))[::-1]
    below_same, below_different = (np.searchsorted(np.sort(each), t) / len(each) for each in (same, different))
    return np.append(0, 1 - below_different), np.append(1, below_same)


def area_under_roc(fmr, fnmr):
    """The area under the true match rate 1 - FNMR against FMR: the probability that a pair of one class scores higher
    than one of two, where equal scores count half."""
    return float(np.trapezoid(1 - fnmr, fmr))


def equal_error_rate(fmr, fnmr):
    """The rate at which FMR = FNMR, on the straight lines between the points of a ``curve``."""
    gap = fmr - fnmr  # rises from -1 to 1
    after = np.argmax(gap >= 0)
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))


def reliability(probability, same):
    """{"bins", "expected_calibration_error"} of probabilities (N,) that pairs are the same, and whether they are (N,).

    Both kinds of pairs weigh one half together, as the calibration assumes. A bin, a tenth of all probabilities wide,
    has its "pairs", their "weight", the mean probability "predicted", and the share that is the "same"; empty ones
    are left out. The error is sum_k weight_k |predicted_k - same_k|.
    """
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    pairs = np.bincount(place, minlength=BINS)
    total, predicted, right = (np.bincount(place, weight * each, BINS) for each in (1, probability, same))
    bins = [
        {"pairs": int(pairs[k]), "weight": total[k], "predicted": predicted[k] / total[k], "same": right[k] / total[k]}
        for k in np.flatnonzero(pairs)
    ]
    return {"bins": bins, "expected_calibration_error": float(abs(predicted - right).sum())}
