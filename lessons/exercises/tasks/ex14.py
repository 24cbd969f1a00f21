"""Exercise 14: accuracy against the number of classes."""

import numpy as np

from lessons.exercises.cases import calls
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese.trials import credits, rate
"""

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

EXERCISE = Exercise("accuracy by the number of classes", GIVES, {"14.1": BY_WAY})
