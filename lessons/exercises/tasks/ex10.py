"""Exercise 10: the best threshold, accuracy against the number of classes, and the prototypical loss."""

from dataclasses import replace

import numpy as np

from lessons.exercises.cases import calls, normal, told_apart
from lessons.exercises.task import COMMON, Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese.losses import n_way
from minisiamese.trials import credits, rate
"""

# --- 10.1 -------------------------------------------------------------------------------------------------------------

ORDER = "order = np.argsort(scores)\n    scores, same = scores[order], same[order]"
RIGHT = "right = np.concatenate([[0], np.cumsum(same == 0)]) + same.sum() - np.concatenate([[0], np.cumsum(same == 1)])"
EDGES = "edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])"
MIDDLE = "(scores[1:] + scores[:-1]) / 2"
APART = "right[1:-1][scores[1:] == scores[:-1]] = -1"
BEST = "return float(edges[np.argmax(right)])"


def number_of(answer):
    """The answer's best_threshold, whose threshold may be a number of Python's, or of NumPy's of any type."""

    def call(scores, same):
        found = answer.best_threshold(scores, same)
        single = isinstance(found, (np.ndarray, np.generic)) and found.shape == () and found.dtype.kind in "iuf"
        return np.float64(found) if single or type(found) in (int, float) else found

    return call


def compared(rule, arguments):
    """A case that compares the threshold, and nothing but this one number."""
    return Case("best_threshold", lambda answer: {"threshold": number_of(answer)(*arguments().values())}, rule,
                shown=arguments)  # fmt: skip


def counted(rule, arguments):
    """A case of how many pairs the threshold calls rightly, as several thresholds may be best."""

    def run(answer):
        t = number_of(answer)(*arguments().values())
        if not isinstance(t, np.float64) or np.isnan(t):
            return {"threshold": "nan" if isinstance(t, float) else t}
        scores, same = arguments().values()
        right = {u: ((scores > u) == same).sum() for u in (t, scores.min() - 1, *scores)}
        most, count = max(right.values()), f"{right[t]} of {len(scores)}"
        told = "the most that can be" if right[t] == most else f"with the threshold {t:.6g}"
        return {"threshold": "a number", "how many pairs the threshold calls rightly": f"{count} ({told})"}

    return Case("best_threshold", run, rule, shown=arguments)


def placed(arguments):
    """A case of where the threshold lies between two scores. How far up that is, the answer itself tells, of two
    scores; other cases compare it."""

    def run(answer):
        best = number_of(answer)
        return {
            "threshold": best(*arguments().values()),
            "the threshold between 0, of a different pair, and 1, of a same one": best(
                np.array([0.0, 1]), np.arange(2)
            ),
        }

    def holds(values):
        t, way = (value.item() for value in values.values())
        scores = arguments()["scores"]
        found, inside = fractions(t, scores), scores.min() <= t <= scores.max()
        there = f"the threshold, {t:.6g}, lies beyond all scores, or between two neighbouring ones where it should"
        return {there: not inside or (found is not None and abs(found - way) < 1e-6)}

    return Case("best_threshold", run, "middle", holds=holds, shown=arguments)


def common(cases):
    """Of cases, what holds of every function: arguments stay, a second call gives the same, types and layouts."""
    found = []
    for case in cases:
        if case.rule not in COMMON:

            def run(answer, whole=case.run):
                ends = "as it was", "of a second call"
                return {name: value for name, value in whole(answer).items() if name.endswith(ends)}

            case = replace(case, run=run, rule="again")
        found.append(case)
    return found


def scored(scores, same):
    return lambda: {"scores": np.array(scores, float), "same": np.array(same)}


def noisy(seed, P, share, noise):
    """P scores that are higher for the same, with a share of these, as arguments; the best threshold is one alone."""
    rng = np.random.default_rng(seed)
    same = (rng.random(P) < share).astype(int)
    return lambda: {"scores": 3 * same + noise * normal(seed + 50, P), "same": same.copy()}


def fractions(t, scores):
    """How far up threshold t lies between the two scores around it: 0 to 1; or None if it lies beyond all scores."""
    below, above = scores[scores <= t], scores[scores > t]
    return (t - below.max()) / (above.min() - below.max()) if len(below) and len(above) else None


def tied(seed, P):
    rng = np.random.default_rng(seed)
    return scored(rng.integers(0, 8, P), rng.integers(0, 2, P))


TWO_OR_THREE = [scored([0, 1], [0, 1]), scored([4, 1.5], [1, 0]), scored([1, 5, 2], [0, 1, 0])]
ONE_IS_BEST = [
    ("most", scored([3, 1, 7, 2], [1, 0, 1, 0])),
    ("most", scored([0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 1, 0, 0, 1])),
    ("most", scored([0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 1, 0, 1, 1, 1, 1])),
    ("most", scored([0, 5, 4.5, 1, -2, 8, 3.5, 3], [0, 1, 0, 0, 0, 1, 1, 1])),
    ("most", scored([0.1, 0.9, 0.4, 0.6, 0.5, 0.7], [0, 1, 0, 1, 1, 1])),
    ("equal", scored([2, 2, 2, 2, 5, 5, 1, 1], [0, 0, 0, 1, 1, 1, 0, 1])),
    ("equal", scored([1, 1, 1, 4, 4, 4, 4, 6], [0, 0, 1, 1, 1, 1, 0, 0])),
    ("most", scored([-3, -1, -8], [1, 1, 0])),
    ("most", noisy(10, 40, 0.5, 1.5)),
    ("most", noisy(11, 60, 0.2, 2.0)),
    ("most", noisy(13, 35, 0.8, 1.5)),
]
SEVERAL_ARE_BEST = [
    ("beyond", scored([3, 1, 2], [0, 0, 0])),
    ("beyond", scored([3, 1, 2], [1, 1, 1])),
    ("beyond", scored([-4], [1])),
    ("beyond", scored([5], [0])),
    ("equal", scored([2, 2, 2, 2, 2], [0, 1, 0, 0, 1])),
    ("equal", scored([0, 0, 0], [1, 0, 1])),
    ("beyond", scored([0, 1, 2, 3], [1, 1, 0, 0])),
    ("most", scored([1, 2, 3, 4], [0, 1, 0, 1])),
    ("most", scored([1, 2, 3, 4, 5, 9], [0, 1, 1, 0, 0, 1])),
    *(("equal", tied(seed, 7)) for seed in range(6, 14)),
    *(("equal", tied(seed, 40)) for seed in range(6)),
]


THRESHOLD = Task(
    of="evaluate.scoring: best_threshold",
    parts=3,
    docs={
        "best_threshold": Doc(
            """The threshold that parts the scores of pairs of the same class best from those of others.

            scores (P,), floats, in any order, the larger the more alike; same (P,) whole numbers, 1 for a pair of one
            class and 0 for any other; P from 1 on. Returns the threshold, one float.""",
            {
                "most": "A pair is called same if its score is above the threshold, and else different. No threshold "
                "calls more of these pairs rightly; each pair counts 1, same or different. Of several that are equally "
                "good, any will do.",
                "middle": "Between two scores the threshold lies in the middle of two that are neighbours in order and "
                "not equal.",
                "beyond": "It may lie beyond all scores, below the smallest or above the largest, if that is best, "
                "as it is where all pairs are the same, or all different. How far beyond is free.",
                "equal": "Equal scores are called alike, whatever their pairs are.",
            },
        )
    },
    cases=[
        *(compared("middle", arguments) for arguments in TWO_OR_THREE[:2]),
        counted("most", scored([0, 1, 3, 20], [0, 0, 1, 1])),
        counted("equal", scored([1, 1, 1], [0, 1, 1])),
        compared("middle", TWO_OR_THREE[2]),
        *(counted(rule, arguments) for rule, arguments in ONE_IS_BEST + SEVERAL_ARE_BEST),
        *(placed(arguments) for _, arguments in ONE_IS_BEST + SEVERAL_ARE_BEST),
        *common(calls(("best_threshold", number_of), ["threshold"], ONE_IS_BEST)),
    ],
    mistakes=[
        Mistake("same and different are in each other's place", RIGHT,
                f"same = 1 - same\n    {RIGHT}"),
        Mistake("the threshold that is worst is taken", BEST, BEST.replace("argmax", "argmin")),
        Mistake("scores are sorted, and the answers to their pairs stay where they were", ORDER,
                "scores = np.sort(scores)"),
        Mistake("scores, an argument, are sorted in place", ORDER,
                "order = np.argsort(scores)\n    same = same[order]\n    scores.sort()"),
        Mistake("scores are taken as if they came in order", ORDER, "pass"),
        Mistake("a threshold may lie between equal scores", APART, "pass"),
        *(
            Mistake("equal scores are parted: some of them count as above the threshold, and some as below", code=f"""
            def best_threshold(scores, same):
                order = {order}
                s, same = scores[order], same[order]
                right = same.sum() + np.concatenate([[0], np.cumsum(1 - 2 * same)])
                edges = np.concatenate([[s[0] - 1], (s[1:] + s[:-1]) / 2, [s[-1] + 1]])
                return float(edges[np.argmax(right)])
        """)
            for order in ("np.argsort(scores, kind='stable')", "np.lexsort((same, scores))")
        ),
        Mistake("the threshold is a score, the lower one of two neighbours", MIDDLE, "scores[:-1]"),
        Mistake("the threshold is a score, the higher one of two neighbours", MIDDLE, "scores[1:]"),
        Mistake("the threshold is the lower one of two neighbouring scores, and above all it is the largest score",
                EDGES, "edges = np.concatenate([[scores[0] - 1], scores])"),
        Mistake("the threshold is the higher one of two neighbouring scores, and below all it is the smallest score",
                EDGES, "edges = np.concatenate([scores, [scores[-1] + 1]])"),
        Mistake("the threshold is one place too high", BEST,
                "return float(edges[min(np.argmax(right) + 1, len(right) - 1)])"),
        Mistake("the threshold is one place too low", BEST, "return float(edges[max(np.argmax(right) - 1, 0)])"),
        Mistake("the threshold never lies beyond all scores", BEST,
                "return float(edges[1:-1][np.argmax(right[1:-1])]) if len(scores) > 1 else float(scores[0])"),
        Mistake("the threshold never lies below all scores", BEST, "return float(edges[1:][np.argmax(right[1:])])"),
        Mistake("the threshold never lies above all scores", BEST, "return float(edges[:-1][np.argmax(right[:-1])])"),
        Mistake("only the same pairs count that are called same", RIGHT,
                RIGHT.replace("np.cumsum(same == 0)", "0 * np.cumsum(same)")),
        Mistake("only the different pairs count that are called different", RIGHT,
                "right = np.concatenate([[0], np.cumsum(same == 0)])"),
        Mistake("the same pairs and the different ones weigh alike, however many there are of each", RIGHT,
                "zeros, ones = max((same == 0).sum(), 1), max(same.sum(), 1)\n"
                "    right = np.concatenate([[0], np.cumsum(same == 0)]) * ones\n"
                "    right += (same.sum() - np.concatenate([[0], np.cumsum(same == 1)])) * zeros"),
        Mistake("the middle between the mean scores of the same and of the different pairs is taken", code="""
            def best_threshold(scores, same):
                means = [scores[same == y].mean() if (same == y).any() else 0 for y in (0, 1)]
                return float(sum(means) / 2)
        """),
        Mistake("the middle between the mean scores of the same and of the different pairs is taken", code="""
            def best_threshold(scores, same):
                if same.all():
                    return float(scores.min() - 1)
                if not same.any():
                    return float(scores.max() + 1)
                return float((scores[same == 1].mean() + scores[same == 0].mean()) / 2)
        """),
        Mistake("the middle between the lowest score of a same pair and the highest of a different one is taken",
                code="""
            def best_threshold(scores, same):
                return float((scores[same == 1].min(initial=9) + scores[same == 0].max(initial=-9)) / 2)
        """),
        Mistake("the mean of all scores is taken", code="""
            def best_threshold(scores, same):
                return float(scores.mean())
        """),
        Mistake("all thresholds that are best are averaged", BEST, "return float(edges[right == right.max()].mean())"),
        Mistake("how many pairs are right is returned, and not the threshold", BEST, "return float(right.max())"),
        Mistake("the place of the threshold among the scores is returned", BEST, "return float(np.argmax(right))"),
    ],
    variations=[
        Variation("middle", "Between two scores the threshold lies a third of the way up, from the lower to the higher "
                  "of two that are neighbours in order and not equal.",
                  ((MIDDLE, "(scores[1:] + 2 * scores[:-1]) / 3"),)),
        Variation("middle", "Between two scores the threshold lies three quarters of the way up, from the lower to the "
                  "higher of two that are neighbours in order and not equal.",
                  ((MIDDLE, "(3 * scores[1:] + scores[:-1]) / 4"),)),
    ],
    aliases={"best_threshold": ("parting_score", "fitted_threshold", "threshold_of_pairs")},
)  # fmt: skip

# --- 10.2 -------------------------------------------------------------------------------------------------------------

OTHERS = "others = scores[np.arange(N) != target[:, None]].reshape(T, N - 1)"
FIRST = "first = np.zeros(T, int)"
RATES = "return {n: rate(credits(ordered[:, :n], first)) for n in range(2, N + 1)}"


def rates_of(answer):
    """The answer's accuracy_by_way, with the dictionary that it returns laid out as values that can be compared."""
    return laid_out(answer, range(len(LAID_OUT)))


def keys_of(answer):
    return laid_out(answer, (0, 1))


def by_way(rule, arguments):
    """A case of the accuracies, each by its n."""

    def run(answer):
        scores, target = arguments().values()
        found = answer.accuracy_by_way(scores, target)
        if not isinstance(found, dict):
            return {LAID_OUT[0]: found}
        ways = sorted(found, key=lambda n: (len(_key(n)), _key(n)))
        return {
            LAID_OUT[0]: "a dictionary",
            LAID_OUT[2]: _under(found, ways),
            **{f"accuracy for n = {_key(n)}": _accuracy(found[n]) for n in ways},
        }

    return Case("accuracy_by_way", run, rule, shown=arguments)


def laid_out(answer, places):

    def call(scores, target):
        found = answer.accuracy_by_way(scores, target)
        if not isinstance(found, dict):
            return [(found, "", "", "", "", "")[place] for place in places]
        ways = sorted(found, key=lambda n: (len(_key(n)), _key(n)))
        under = _under(found, ways)
        kept = [_column([found[n] for n in ways], key) for key in RATE]
        return [("a dictionary", ", ".join(map(_key, ways)), under, *kept)[place] for place in places]

    return call


RATE = "accuracy", "trials", "interval"


def _unlike_rate(rate):
    """What stands under an n in place of what ``rate`` gives, or ""."""
    if isinstance(rate, dict):
        lacking = [repr(key) for key in RATE if key not in rate]
        return f"a dictionary without {', '.join(lacking)}" if lacking else ""
    if isinstance(rate, np.ndarray):
        return f"an array of shape {rate.shape}"
    return "None" if rate is None else f"a {type(rate).__name__}"


def _under(found, ways):
    return next(filter(None, (_unlike_rate(found[n]) for n in ways)), "the dictionary that rate gives")


def _accuracy(rate):
    column = _column([rate], "accuracy")
    return column[0] if isinstance(column, np.ndarray) and column.ndim == 1 else column


def _key(n):
    return f"{n:g}" if isinstance(n, (int, float, np.number)) else repr(n)


def _column(rates, key):
    """What stands under a key in each of some dictionaries, as an array."""
    try:
        return np.array([rate[key] for rate in rates], float)
    except (TypeError, ValueError, KeyError, IndexError):
        return f"something for {key!r} that is no number"


def trials(seed, T, N, values=0):
    """scores (T, N), of a few values if that many are said, so that some are equal; and target (T,), as arguments."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, (T, N)).astype(float) if values else rng.normal(size=(T, N))
    target = rng.integers(0, N, T)
    return lambda: {"scores": scores.copy(), "target": target.copy()}


def asked(scores, target):
    return lambda: {"scores": np.array(scores, float), "target": np.array(target)}


def reordered(line):
    """accuracy_by_way trial by trial, by this line, which makes ``row`` of the trial's scores s, the target t and n."""
    return f"""
def accuracy_by_way(scores, target):
    T, N = scores.shape
    rates = {{}}
    for n in range(2, N + 1):
        earned = []
        for s, t in zip(scores, target):
            {line}
            earned.append(credits(np.array([row]), np.array([0]))[0])
        rates[n] = rate(np.array(earned))
    return rates
"""


def earning(line):
    """accuracy_by_way whose credits ``earned`` come from this line, of the scores ``s`` (T, n), the target's first."""
    return f"""
def accuracy_by_way(scores, target):
    T, N = scores.shape
    others = scores[np.arange(N) != target[:, None]].reshape(T, N - 1)
    ordered = np.concatenate([scores[np.arange(T), target][:, None], others], axis=1)
    rates = {{}}
    for n in range(2, N + 1):
        s = ordered[:, :n]
        {line}
        rates[n] = rate(earned)
    return rates
"""


LAID_OUT = ["what it returns", "its keys", "what stands under each n", "the accuracies, in the order of n",
            "the numbers of trials, in the order of n", "the intervals, in the order of n"]  # fmt: skip
FOUR = asked([[1, 3, 2, 0], [5, 1, 2, 6], [4, 2, 3, 1], [7, 4, 8, 9]], [2, 0, 1, 3])
BY_HAND = [
    ("classes", asked([[2, 1, 3]], [2])),
    ("classes", asked([[2, 1, 3]], [0])),
    ("classes", FOUR),
    ("classes", asked([[3, 9, 1, 4, 2], [2, 1, 4, 3, 0], [1, 0, 2, 5, 3]], [3, 4, 1])),
    ("credits", asked([[2, 2, 1], [0, 1, 1], [3, 3, 3], [1, 0, 1]], [0, 2, 1, 2])),
    ("credits", asked([[np.nan, 1, 0], [2, 1, np.nan], [0, np.nan, 3]], [1, 0, 1])),
]

BY_WAY = Task(
    of="trials: accuracy_by_way",
    parts=3,
    docs={
        "accuracy_by_way": Doc(
            """The accuracy that scores earn on trials of fewer classes, made from these trials.

            scores (T, N), floats, the scores of N classes in each of T trials, N from 2 on; target (T,) whole numbers,
            the place of each trial's right class. Returns a dictionary.

            Two functions are given. ``credits(s, target)`` takes scores (T, n) and the targets' places (T,) among these
            n classes, and gives the credits (T,) that the trials earn. ``rate(earned)`` makes of such credits a
            dictionary of the accuracy, the number of trials and the interval, {"accuracy", "trials", "interval"}.""",
            {
                "ways": "The dictionary has a key n for each of n = 2, 3, .. N.",
                "rate": "What stands under n is the ``rate`` of the credits of all T trials, each with n classes.",
                "classes": "Cut down to n classes, a trial has its target's class and the first n - 1 of the others, "
                "in the order of their places.",
                "credits": "A trial earns what ``credits`` gives: 1 if the target's score is the highest, 1/m if it is "
                "one of m highest, and 0 where a score of these n classes is not a number.",
            },
        )
    },
    cases=[
        *calls(("accuracy_by_way", keys_of), LAID_OUT[:2], [("ways", FOUR)], layouts=False, floats=False),
        *(by_way(rule, arguments) for rule, arguments in BY_HAND),
        *calls(
            ("accuracy_by_way", rates_of),
            LAID_OUT,
            [
                ("rate", FOUR),
                ("ways", asked([[0.5, 1.5]], [1])),
                ("rate", trials(0, 30, 5)),
                ("classes", trials(1, 60, 9)),
                ("credits", trials(2, 50, 6, values=3)),
                ("ways", trials(3, 7, 12, values=5)),
            ],
            floats=False,
        ),
    ],
    mistakes=[
        Mistake("n = N is missing", "range(2, N + 1)", "range(2, N)"),
        Mistake("n = 1 is there, too", "range(2, N + 1)", "range(1, N + 1)"),
        Mistake("the keys are one too low", "{n: rate(", "{n - 1: rate("),
        Mistake("a list is returned, not a dictionary", RATES,
                f"return list({RATES[7:]}.values())"),
        Mistake("under n stands the accuracy alone, not the rate", RATES,
                RATES.replace("first)) for", 'first))["accuracy"] for')),
        Mistake("under n stand the credits, not their rate", RATES,
                RATES.replace("rate(credits(ordered[:, :n], first))", "credits(ordered[:, :n], first)")),
        Mistake("every n gets all N classes", "ordered[:, :n]", "ordered[:, :N]"),
        Mistake("a trial of n classes has n + 1", "ordered[:, :n]", "ordered[:, : n + 1]"),
        Mistake("a trial of n classes has n - 1", "ordered[:, :n]", "ordered[:, : n - 1]"),
        Mistake("a trial has its first n classes, and its target counts as wrong where it is not among them", code="""
            def accuracy_by_way(scores, target):
                T, N = scores.shape
                rates = {}
                for n in range(2, N + 1):
                    inside = target < n
                    earned = credits(scores[:, :n], np.where(inside, target, 0)) * inside
                    rates[n] = rate(earned)
                return rates
        """),
        Mistake("a trial has its first n classes, and trials whose target is not among them are left out", code="""
            def accuracy_by_way(scores, target):
                T, N = scores.shape
                return {n: rate(credits(scores[target < n, :n], target[target < n])) for n in range(2, N + 1)
                        if (target < n).any()}
        """),
        Mistake("a trial has its target and the first n - 1 classes, even if the target is one of these",
                code=reordered("row = [s[t], *s[: n - 1]]")),
        Mistake("a trial has its target and the last n - 1 of the others", code=reordered(
                "row = [s[t], *np.delete(s, t)[::-1][: n - 1]]")),
        Mistake("a trial has its target and the n - 1 others with the highest scores", code=reordered(
                "row = [s[t], *np.sort(np.delete(s, t))[::-1][: n - 1]]")),
        Mistake("the others are taken highest score first, not in the order of their places", code=reordered(
                "row = [s[t], *-np.sort(-np.delete(s, t))[: n - 1]]")),
        Mistake("a trial has its target and the n - 1 others with the lowest scores", code=reordered(
                "row = [s[t], *np.sort(np.delete(s, t))[: n - 1]]")),
        Mistake("a trial has its target and the n - 1 classes that follow it, in a circle", code=reordered(
                "row = np.roll(s, -t)[:n]")),
        Mistake("the others lack the first class, and not the target's", "np.arange(N) != target[:, None]",
                "np.arange(N) != 0 * target[:, None]"),
        Mistake("the credit is looked for in the place that the target had in the whole trial", RATES,
                RATES.replace("first)", "np.minimum(target, n - 1))")),
        Mistake("the credit is that of the first of the other classes", FIRST, "first = np.ones(T, int)"),
        Mistake("the first n classes are kept, whether the target's is among them or not", RATES,
                "return {n: rate(credits(scores[:, :n], np.minimum(target, n - 1))) for n in range(2, N + 1)}"),
        Mistake("the target wins ties", code=earning(
                "earned = (~(s[:, 1:] > s[:, :1]).any(axis=1)).astype(float)")),
        Mistake("the target wins ties", code=earning(
                "earned = (s.argmax(axis=1) == 0) & ~np.isnan(s).any(axis=1)")),
        Mistake("the target loses where it shares the highest score with others", code=earning(
                "earned = (s[:, :1] > s[:, 1:]).all(axis=1)")),
        Mistake("a score that is not a number counts as the lowest", code=earning(
                "earned = credits(np.where(np.isnan(s), -np.inf, s), np.zeros(T, int)) * ~np.isnan(s[:, 0])")),
        Mistake("a score that is not a number anywhere costs the trial its credit for every n", code=earning(
                "earned = credits(s, np.zeros(T, int)) * ~np.isnan(scores).any(axis=1)")),
        Mistake("the target wins where its score is the lowest", code=earning(
                "earned = credits(-s, np.zeros(T, int))")),
        Mistake("others whose score is the target's are left out, as if they were its class", code=reordered(
                "row = [s[t], *s[s != s[t]][: n - 1]]")),
        Mistake("a class that is before the target's takes the target's place among the others, as where the two are "
                "swapped", code=reordered(
                "row = [s[t], *np.where(np.arange(N) == t, s[0], s)[1:n]]")),
        Mistake("the sum of the credits is taken for the accuracy", RATES,
                f"rates = {RATES[7:]}\n    for each in rates.values():\n        each['accuracy'] *= T\n"
                "    return rates"),
        Mistake("the first half of the trials counts only", "ordered[:, :n], first)",
                "ordered[: (T + 1) // 2, :n], first[: (T + 1) // 2])"),
    ],
    variations=[
        Variation("classes", "Cut down to n classes, a trial has its target's class and the last n - 1 of the others, "
                  "in the order of their places.", ((OTHERS, f"{OTHERS}[:, ::-1]"),)),
        Variation("ways", "The dictionary has a key n for each of n = 2, 4, 6, .. up to N.",
                  (("range(2, N + 1)", "range(2, N + 1, 2)"),)),
        Variation("classes", "Cut down to n classes, a trial has its target's class and the n - 1 others of the "
                  "highest scores, which is the hardest choice (one that is not a number counts as "
                  "higher than all numbers).",
                  ((OTHERS, f"{OTHERS}\n    others = np.sort(others, axis=1)[:, ::-1]"),)),
    ],
    aliases={"accuracy_by_way": ("rates_by_way", "curve_of_ways", "ways_and_rates")},
)  # fmt: skip

# --- 10.3 -------------------------------------------------------------------------------------------------------------

MEANS = "prototypes = supports.mean(axis=1)"
SCORES = "n_way(-(difference**2).sum(axis=2), target)"
THERE = "ddifference = -2 * ds[:, :, None] * difference"
BACK = "dprototypes = -ddifference.sum(axis=0)"
SHARES = "dprototypes[:, None] / supports.dtype.type(supports.shape[1])"
RESULTS = "return loss, ddifference.sum(axis=1), dsupports"


def episode(seed, Q, N, K, D, size=1.0):
    """queries (Q, D), supports (N, K, D) and target (Q,), as arguments."""
    target = np.random.default_rng(seed).integers(0, N, Q)
    return lambda: {
        "queries": size * normal(seed + 50, Q, D),
        "supports": size * normal(seed + 51, N, K, D),
        "target": target.copy(),
    }


def by_hand(queries, supports, target):
    return lambda: {
        "queries": np.array(queries, float),
        "supports": np.array(supports, float),
        "target": np.array(target),
    }


AROUND = by_hand([[0]], [[[-1], [1]], [[1], [1]]], [0])
ONE_EACH = by_hand([[0.5], [2.0], [-1.0]], [[[0]], [[1]], [[3]], [[-2]]], [0, 2, 0])
THREE_EACH = by_hand([[1.0], [0.5], [2.0], [3.5], [0.0]], [[[0], [1], [2.5]], [[3], [1], [4]]], [0, 1, 1, 0, 0])
BOTH = [("scores", ONE_EACH), ("prototype", THREE_EACH)]
FAR = by_hand([[40], [0.5]], [[[0], [2]], [[3], [1]]], [0, 1])

RESULTS_OF = ["loss", "dqueries", "dsupports"]
BY_RESULT = {
    "": ("how many", "loss"),
    "dqueries": ("dqueries",),
    "dsupports": ("dsupports",),
    "unchanged": ("queries", "supports", "target"),
}


PROTOTYPICAL = Task(
    of="losses: prototypical",
    parts=4,
    docs={
        "prototypical": Doc(
            """The loss of a network whose queries are asked which class's prototype they are nearest to.

            queries (Q, D), the embeddings of Q queries; supports (N, K, D), those of K drawings of each of N classes;
            target (Q,) whole numbers, the right class of each query. Returns the loss, a number without axes, and its
            gradients dqueries (Q, D) and dsupports (N, K, D).

            ``n_way(s, target)``, which is given, takes scores s (Q, N) and returns the N-way loss and ds (Q, N), its
            gradient with respect to s.""",
            {
                "prototype": "The prototype c_n of a class is the mean of its K embeddings.",
                "scores": "The score s_qn is minus the squared Euclidean distance of query q and prototype n, the sum "
                "of (queries[q, d] - c_n[d])^2 over d.",
                "loss": "The loss is the N-way loss of these scores, as ``n_way`` gives it, without overflow; and all "
                "gradients are those of this loss, with all of its factors.",
                "dqueries": "dqueries is the gradient with respect to queries: of each query by way of all its scores.",
                "dsupports": "dsupports is the gradient with respect to supports: of each of the K embeddings of a "
                "class by way of its prototype, over all queries.",
            },
        )
    },
    cases=[
        *told_apart(calls("prototypical", RESULTS_OF, [BOTH[0]], floats=False, layouts=False), BY_RESULT),
        *told_apart(
            calls("prototypical", RESULTS_OF, [("prototype", AROUND)], floats=False, layouts=False),
            {"": ("how many", "loss")},
        ),
        *told_apart(
            calls(
                "prototypical",
                RESULTS_OF,
                [
                    *BOTH,
                    ("loss", FAR),
                    ("dqueries", by_hand([[1, 0.5]], [[[0, 1]], [[2, 0]]], [1])),
                    ("dsupports", by_hand([[1, 0]], [[[0, 1], [1, 1], [2, 0]], [[0, 0], [0, 1], [1, 0]]], [0])),
                    ("dqueries", episode(0, 5, 4, 2, 3)),
                    ("dsupports", episode(1, 3, 2, 5, 6, 0.5)),
                    ("prototype", episode(2, 7, 3, 4, 2)),
                    ("scores", episode(3, 4, 6, 1, 5, 0.7)),
                    ("loss", episode(4, 6, 3, 3, 4, 100.0)),
                ],
            ),
            BY_RESULT,
        ),
    ],
    mistakes=[
        Mistake("a class's prototype is its first embedding alone", MEANS, "prototypes = supports[:, 0]"),
        Mistake("a class's prototype is the sum of its embeddings, not their mean", MEANS,
                "prototypes = supports.sum(axis=1)"),
        Mistake("a class's prototype is the median of its embeddings", MEANS,
                "prototypes = np.median(supports, axis=1)"),
        Mistake("the distance is the mean of those from the K embeddings, not that from their mean", code="""
            def prototypical(queries, supports, target):
                difference = queries[:, None, None] - supports
                loss, ds = n_way(-(difference**2).sum(axis=3).mean(axis=2), target)
                d = -2 * ds[:, :, None, None] * difference / queries.dtype.type(supports.shape[1])
                return loss, d.sum(axis=(1, 2)), -d.sum(axis=0)
        """),
        Mistake("scores are the squared distances, without a minus", SCORES, SCORES.replace("-(diff", "(diff")),
        Mistake("scores are minus the distances: the loss has a root that is not asked for", SCORES,
                "n_way(-np.sqrt((difference**2).sum(axis=2)), target)"),
        Mistake("scores are minus the distances, not squared, and the gradients are those of such scores", code="""
            def prototypical(queries, supports, target):
                K = supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                d = np.sqrt((difference**2).sum(axis=2))
                loss, ds = n_way(-d, target)
                dq = -(ds / np.where(d > 0, d, 1))[:, :, None] * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("scores are minus the mean of the squared differences, not their sum, and so are the gradients",
                code="""
            def prototypical(queries, supports, target):
                D, K = queries.shape[1], supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                loss, ds = n_way(-(difference**2).mean(axis=2), target)
                dq = -2 * ds[:, :, None] * difference / queries.dtype.type(D)
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("scores are minus the mean of the squared differences, and the gradients are those of their sum",
                SCORES, SCORES.replace("sum(axis=2)", "mean(axis=2)")),
        Mistake("scores are minus half the squared distances, and so are the gradients", code="""
            def prototypical(queries, supports, target):
                K = supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                loss, ds = n_way(-(difference**2).sum(axis=2) / 2, target)
                dq = -ds[:, :, None] * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("the 2 of the square's gradient is missing", THERE, THERE.replace("-2 *", "-1 *")),
        Mistake("both gradients have the other sign: the minus of the scores is missing in them", THERE,
                THERE.replace("-2", "2")),
        Mistake("dqueries has the other sign", RESULTS, RESULTS.replace("ddiff", "-ddiff")),
        Mistake("dsupports has the other sign", BACK, BACK.replace("-ddiff", "ddiff")),
        Mistake("dsupports is not divided by K", SHARES, "dprototypes[:, None]"),
        Mistake("dsupports is divided by 2, however many embeddings a class has", SHARES,
                "dprototypes[:, None] / supports.dtype.type(2)"),
        Mistake("dsupports is divided by N, not by K", SHARES, SHARES.replace("shape[1]", "shape[0]")),
        Mistake("dsupports is a mean over the queries, not a sum", SHARES,
                f"{SHARES} / supports.dtype.type(len(queries))"),
        Mistake("dqueries is divided by the number of queries once more", RESULTS,
                RESULTS.replace("sum(axis=1)", "sum(axis=1) / queries.dtype.type(len(queries))")),
        Mistake("both gradients are those of the sum of the queries' losses, not of their mean", THERE,
                THERE.replace("-2 *", "-2 * queries.dtype.type(len(queries)) *")),
        Mistake("dqueries is that of the sum of the queries' losses, not of their mean", RESULTS,
                RESULTS.replace("sum(axis=1)", "sum(axis=1) * queries.dtype.type(len(queries))")),
        Mistake("dsupports is that of the sum of the queries' losses, not of their mean", RESULTS,
                RESULTS.replace("dsupports", "dsupports * queries.dtype.type(len(queries))")),
        Mistake("dsupports comes by way of the queries of its own class alone", BACK,
                "ddifference *= (np.arange(len(supports)) == target[:, None])[:, :, None]\n    " + BACK
                + "\n    ddifference = -2 * ds[:, :, None] * difference"),
        Mistake("dsupports has the gradients of the N classes one after the other K times, not each K times", RESULTS,
                "dsupports = np.tile(dsupports[:, 0], (supports.shape[1], 1)).reshape(supports.shape)\n    " + RESULTS),
        Mistake("dqueries is a mean over the classes, not a sum", RESULTS,
                RESULTS.replace("sum(axis=1)", "mean(axis=1)")),
        Mistake("dqueries comes by way of the target's score alone", RESULTS,
                RESULTS.replace("ddifference.sum(axis=1)", "ddifference[np.arange(len(target)), target]")),
        Mistake("only the first embedding of each class has a gradient", RESULTS,
                "dsupports[:, 1:] = 0\n    " + RESULTS),
        Mistake("the first embedding of each class gets all of its prototype's gradient, and the others none", RESULTS,
                "dsupports = np.zeros_like(supports)\n    dsupports[:, 0] = dprototypes\n    " + RESULTS),
        Mistake("the gradient of the prototypes (N, D) is returned, not that of the supports", RESULTS,
                RESULTS.replace("dsupports", "dprototypes")),
        Mistake("dsupports and dqueries are returned in the other order", RESULTS,
                "return loss, dsupports, ddifference.sum(axis=1)"),
        Mistake("the loss is the sum over the queries, not their mean", RESULTS,
                RESULTS.replace("loss,", "loss * queries.dtype.type(len(queries)),")),
        Mistake("supports, an argument, are changed", MEANS,
                f"{MEANS}\n    supports[:] = prototypes[:, None]"),
        Mistake("float32 becomes float64", "xp = array_module(queries)",
                "xp, queries, supports = np, queries.astype(float), supports.astype(float)"),
        Mistake("the N-way loss overflows: no maximum is taken off the scores of a query", code="""
            def prototypical(queries, supports, target):
                K, rows = supports.shape[1], np.arange(len(queries))
                difference = queries[:, None] - supports.mean(axis=1)
                s = -(difference**2).sum(axis=2)
                e = np.exp(s)
                ds = e / e.sum(axis=1, keepdims=True)
                loss = (np.log(e.sum(axis=1)) - s[rows, target]).mean()
                ds[rows, target] -= 1
                dq = -2 * ds[:, :, None] / queries.dtype.type(len(queries)) * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
    ],
    variations=[
        Variation("scores", "The score s_qn is minus half the squared Euclidean distance of query q and prototype n: "
                  "minus half the sum of (queries[q, d] - c_n[d])^2 over d.",
                  ((SCORES, SCORES.replace("sum(axis=2)", "sum(axis=2) / 2")),
                   (THERE, THERE.replace("-2 * ds", "-ds")))),
        Variation("prototype", "The prototype c_n of a class is the sum of its K embeddings.",
                  ((MEANS, "prototypes = supports.sum(axis=1)"), (SHARES, "dprototypes[:, None]"))),
    ],
    aliases={"prototypical": ("prototype_loss", "class_means_loss", "nearest_prototype")},
    swapped={"prototypical": 3},
)  # fmt: skip

EXERCISE = Exercise("thresholds, ways and prototypes", GIVES, {"10.1": THRESHOLD, "10.2": BY_WAY, "10.3": PROTOTYPICAL})
