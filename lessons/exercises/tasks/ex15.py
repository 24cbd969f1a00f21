"""Exercise 15: the threshold that parts the scores of pairs best."""

from dataclasses import replace

import numpy as np

from lessons.exercises.cases import calls, normal
from lessons.exercises.task import COMMON, Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np
"""

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

EXERCISE = Exercise("the threshold of pairs", GIVES, {"15.1": THRESHOLD})
