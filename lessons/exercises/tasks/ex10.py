"""Exercise 10: credits, intervals, and trials without leaks."""

from types import SimpleNamespace

import numpy as np
from numpy import inf, nan

from lessons.exercises.cases import called, calls, normal, raises
from lessons.exercises.chance import RNG, evenly, evenly_after, from_rng
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.data.dataset import Dataset
from minisiamese.errors import BadInput

GIVES = """
import numpy as np
from scipy.special import ndtri

from minisiamese.errors import BadInput
from minisiamese.trials import Trials
"""

# --- 10.1 -------------------------------------------------------------------------------------------------------------


def _rough(seed, T, N, kinds=3):
    """Scores with many ties, and targets."""
    rng = np.random.default_rng(seed)
    return {"scores": rng.integers(0, kinds, (T, N)).astype(float), "target": rng.integers(0, N, T)}


def _credits(scores, target):
    return lambda: {"scores": np.array(scores, float), "target": np.array(target)}


def _of_type(dtype, arguments):
    def given():
        return arguments() | {"scores": arguments()["scores"].astype(dtype)}

    def run(answer):
        return called(answer.credits, ["credits"], given())

    return Case(f"credits of scores in {np.dtype(dtype)}", run, "type", tolerance=1e-7, shown=given)


CREDITS = Task(
    of="trials: credits",
    parts=3,
    docs={
        "credits": Doc(
            """What each of T trials earns, from the scores of its N classes.

            scores (T, N), larger for more alike; target (T,), the place of the right class among the N; returns
            (T,).""",
            {
                "wins": "A trial earns 1 if the target's score is higher than all others of the trial, and 0 if "
                "another score is higher.",
                "ties": "If m scores of a trial share the highest place, and the target's is one of them, it earns "
                "1/m, which is the expectation of drawing lots; if the target's is not one of them, it earns 0.",
                "equal": "Scores tie if they are equal, and not if they are close: 1e-9 apart is no tie.",
                "infinite": "An infinite score is a score like any other.",
                "nan": "A trial that has a score that is not a number (NaN) earns 0, whichever class has it.",
                "type": "The credits are float64, whatever type the scores are of.",
            },
        )
    },
    cases=[
        *calls(
            "credits",
            ["credits"],
            [
                ("wins", _credits([[3, 1, 2], [1, 5, 4], [0, 2, 7], [9, 4, 1]], [0, 2, 2, 1])),
                ("ties", _credits([[1, 1, 0, 1], [2, 5, 5, 2], [4, 4, 4, 4], [3, 3, 3, 1]], [3, 1, 1, 0])),
                ("ties", _credits([[1, 1, 0], [1, 1, 0], [5, 3, 3], [2, 6, 6]], [2, 0, 1, 0])),
                ("equal", _credits([[1e-9, 2e-9], [4e-9, 3e-9], [-1e-9, -3e-9]], [0, 0, 1])),
                ("equal", _credits([[1e50, 2e50], [3e50, 1e50], [-1e50, -2e50]], [0, 1, 1])),
                ("equal", _credits([[1, 1 + 1e-9], [1, 1 - 1e-9], [1e9, 1e9 + 1], [7, 7 - 1e-6]], [0, 0, 0, 1])),
                ("equal", _credits([[0.3, 0.1 + 0.2], [1, 1 + 2e-16], [-1, -1 + 1e-13]], [0, 0, 1])),
                ("infinite", _credits([[inf, 1, inf], [-inf, 0, -inf], [-inf, -inf, -inf], [1, 2, inf]], [2, 1, 0, 2])),
                ("nan", _credits([[nan, 0, 0], [1, nan, 0], [2, 2, 1]], [0, 0, 1])),
                ("nan", _credits([[5, 1, 2, nan], [nan, 3, 1, 1], [nan, nan, nan, nan]], [0, 1, 3])),
                ("ties", lambda: _rough(0, 40, 5)),
                ("wins", lambda: {"scores": normal(1, 3, 20), "target": np.array([4, 19, 0])}),
                ("ties", lambda: _rough(2, 7, 2, 2)),
            ],
            tolerance=1e-12,
            floats=False,
        ),
        _of_type(np.float32, _credits([[1, 1, 0], [2, 3, 1], [5, 5, 5]], [0, 1, 2])),
        _of_type(np.int64, _credits([[1, 1, 0], [2, 3, 1], [5, 5, 5]], [0, 1, 2])),
        _of_type(np.float32, lambda: _rough(4, 30, 6)),
    ],
    mistakes=[
        Mistake("a tie earns 1, however many share the highest place", " / np.maximum(highest.sum(axis=1), 1)",
                " * 1.0"),
        Mistake("a tie goes to the first of the highest scores, and a score that is not a number is the highest",
                "scores == scores.max(axis=1, keepdims=True)",
                "np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None]"),
        Mistake("a tie goes to the first of the highest scores: it earns 1, and the others nothing", code="""
            def credits(scores, target):
                return (scores.argmax(axis=1) == target) * (~np.isnan(scores).any(axis=1) * 1.0)
        """),
        Mistake("a tie goes to the last of the highest scores", "scores == scores.max(axis=1, keepdims=True)",
                "np.arange(scores.shape[1])[::-1] == scores[:, ::-1].argmax(axis=1)[:, None]"),
        Mistake("a tie is shared among all N classes", "np.maximum(highest.sum(axis=1), 1)",
                "np.where(highest.sum(axis=1) > 1, highest.shape[1], 1)"),
        Mistake("a tie earns 1/2, however many share the highest place", "np.maximum(highest.sum(axis=1), 1)",
                "np.clip(highest.sum(axis=1), 1, 2)"),
        Mistake("a tie earns nothing", " / np.maximum(highest.sum(axis=1), 1)", " * (highest.sum(axis=1) == 1.0)"),
        Mistake("a tie of the highest scores is shared even where the target is not one of them",
                "highest[np.arange(len(target)), target] /",
                "(highest[np.arange(len(target)), target] | (highest.sum(axis=1) > 1)) /"),
        Mistake("a target that is not highest earns 1/m, with m the number of scores as high as its own or higher",
                code="""
            def credits(scores, target):
                own = scores[np.arange(len(target)), target][:, None]
                right = ~np.isnan(scores).any(axis=1)
                return right / np.maximum((scores >= own).sum(axis=1), 1)
        """),
        Mistake("a score that is not a number is left out, and the others decide", "scores.max(", "np.nanmax(scores, "),
        Mistake("a score that is not a number counts as the highest", code="""
            def credits(scores, target):
                scores = np.where(np.isnan(scores), np.inf, scores)
                highest = scores == scores.max(axis=1, keepdims=True)
                return highest[np.arange(len(target)), target] / highest.sum(axis=1)
        """),
        Mistake("a trial with a score that is not a number has no credit that is a number", code="""
            def credits(scores, target):
                highest = scores == scores.max(axis=1, keepdims=True)
                return highest[np.arange(len(target)), target] / highest.sum(axis=1)
        """),
        Mistake("scores that are close count as equal", "scores == scores.max(axis=1, keepdims=True)",
                "np.isclose(scores, scores.max(axis=1, keepdims=True))"),
        Mistake("scores that differ by less than 1e-12 of their size count as equal",
                "scores == scores.max(axis=1, keepdims=True)",
                "np.isclose(scores, scores.max(axis=1, keepdims=True), rtol=1e-12, atol=0)"),
        Mistake("scores are compared in float32: what differs in float64 alone counts as equal",
                "highest = scores == scores.max(axis=1, keepdims=True)",
                "scores = scores.astype(np.float32)\n    highest = scores == scores.max(axis=1, keepdims=True)"),
        Mistake("it is the class before the target that earns: places are counted from 1",
                "highest[np.arange(len(target)), target]",
                "highest[np.arange(len(target)), target - 1]"),
        Mistake("the smallest score wins, as if scores were distances", "scores.max(", "scores.min("),
        Mistake("the highest score is sought among all trials together", "scores.max(axis=1, keepdims=True)",
                "scores.max()"),
        Mistake("the highest score is sought among the trials, for each class by itself: along the other axis",
                "scores.max(axis=1, keepdims=True)", "scores.max(axis=0, keepdims=True)"),
        Mistake("a trial earns the target's share of a softmax", code="""
            def credits(scores, target):
                e = np.exp(scores - scores.max(axis=1, keepdims=True))
                return e[np.arange(len(target)), target] / e.sum(axis=1)
        """),
        Mistake("a tie of m scores earns 1/(m + 1)", "np.maximum(highest.sum(axis=1), 1)",
                "np.where(highest.sum(axis=1) > 1, highest.sum(axis=1) + 1, 1)"),
        Mistake("an infinite score wins nothing", "scores == scores.max(axis=1, keepdims=True)",
                "scores - scores.max(axis=1, keepdims=True) == 0"),
        Mistake("the credits are of the type of the scores", code="""
            def credits(scores, target):
                highest = scores == scores.max(axis=1, keepdims=True)
                earned = highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)
                return earned.astype(scores.dtype)
        """),
        Mistake("credits of scores that are whole numbers are whole numbers, too", code="""
            def credits(scores, target):
                highest = scores == scores.max(axis=1, keepdims=True)
                earned = highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)
                return earned.astype(int if scores.dtype.kind == "i" else float)
        """),
        Mistake("a trial that has an infinite score earns 0", code="""
            def credits(scores, target):
                highest = scores == scores.max(axis=1, keepdims=True)
                earned = highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)
                return earned * np.isfinite(scores).all(axis=1)
        """),
        Mistake("the mean over all trials is returned, and not each trial's own credit",
                "return highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1)",
                "return np.mean(highest[np.arange(len(target)), target] / np.maximum(highest.sum(axis=1), 1))"),
    ],
    variations=[
        Variation(
            "ties",
            "A trial whose target shares the highest place with other classes earns 0: only who is alone wins.",
            (("/ np.maximum(highest.sum(axis=1), 1)", "* (highest.sum(axis=1) == 1.0)"),),
        ),
        Variation(
            "ties",
            "If scores of a trial share the highest place, and the target's is one of them, it earns 1/N, with N the "
            "number of classes, however many share; if the target's is not one of them, it earns 0.",
            (("/ np.maximum(highest.sum(axis=1), 1)", "/ np.where(highest.sum(axis=1) > 1, scores.shape[1], 1)"),),
        ),
    ],
    aliases={"credits": ("earnings", "trial_credits", "shares_of_trials")},
)  # fmt: skip

# --- 10.2 -------------------------------------------------------------------------------------------------------------


def _at_the_ends(answer):
    """The intervals of 0 right, of 1 right, of all but 1, and of all, for many T; and which of them lie wrong."""
    numbers = [(right, T) for T in (*range(1, 60), 400, 1000, 10**6) for right in {0, 1, T - 1, T}]
    found = [answer.wilson(right / T, T) for right, T in numbers]
    odd = [each for each in found if not isinstance(each, (tuple, list)) or len(each) != 2]
    if odd:
        return {"the intervals, low and high": odd[0]}
    wrong = {
        "begins below 0": lambda low, high, p: low < 0,
        "begins above p": lambda low, high, p: low > p,
        "ends above 1": lambda low, high, p: high > 1,
        "ends below p": lambda low, high, p: high < p,
    }
    told = {}
    for what, is_so in wrong.items():
        those = [
            f"that of {right} right of T = {T}"
            for (right, T), each in zip(numbers, found, strict=True)
            if is_so(*each, right / T)
        ]
        told[f"an interval that {what}"] = those[0] if those else "none"
    return told | {"the intervals, low and high": np.array(found, float)}


WILSON = Task(
    of="trials: wilson",
    parts=2,
    docs={
        "wilson": Doc(
            """Wilson's score interval (low, high) of an accuracy p, 0 to 1, the share of T trials that are right.

            The interval holds each p' for which p is no more than z standard errors away, those that p' itself has:

                |p - p'| <= z sqrt(p' (1 - p') / T)

            low and high are the two p' for which both sides are equal. (``ndtri(q)`` is the number below which a
            standard normal number lies with probability q.)""",
            {
                "ends": "low and high solve the equation, for any T from 1 on and any p = k / T with a whole number k.",
                "level": "The interval is one of 95 %: a standard normal number lies in -z to z with probability 95 %, "
                "and above z with probability 2.5 %.",
                "digits": "z has all of its digits, and so have low and high.",
                "edges": "0 <= low <= p <= high <= 1 holds to the last digit, for p = 0 and p = 1, too, where rounding "
                "might lead outside.",
            },
        )
    },
    cases=[
        *calls(
            "wilson",
            ["low", "high"],
            [
                ("level", lambda: {"p": 0.92, "T": 400}),
                ("digits", lambda: {"p": 0.5, "T": 2}),
                ("ends", lambda: {"p": 0.25, "T": 40}),
                ("ends", lambda: {"p": 0.0, "T": 20}),
                ("ends", lambda: {"p": 1.0, "T": 20}),
                ("ends", lambda: {"p": 1.0, "T": 1}),
                ("ends", lambda: {"p": 0, "T": 3}),
                ("ends", lambda: {"p": 1 / 49, "T": 49}),
                ("digits", lambda: {"p": 0.75, "T": 100}),
                ("digits", lambda: {"p": 0.6, "T": 1000000}),
            ],
            tolerance=1e-9,
        ),
        Case("wilson of 0, 1, T - 1 and T right ones, for many T", _at_the_ends, "edges", tolerance=1e-9),
    ],
    mistakes=[
        Mistake("z is that of one side: 5 % lie above it", "ndtri(0.975)", "ndtri(0.95)"),
        Mistake("z is that of a 99 % interval", "ndtri(0.975)", "ndtri(0.995)"),
        Mistake("z is that of the t distribution with T - 1 degrees of freedom", code="""
            from scipy.stats import t
            def wilson(p, T):
                z = t.ppf(0.975, max(T - 1, 1))
                centre = (p + z * z / (2 * T)) / (1 + z * z / T)
                half = z * np.sqrt(p * (1 - p) / T + z * z / (4 * T * T)) / (1 + z * z / T)
                return float(np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))
        """),
        Mistake("there is no interval at p = 0 and at p = 1, but a point", "return float(np",
                "if p in (0, 1):\n        return float(p), float(p)\n    return float(np"),
        Mistake("p T is cut off to a whole number, where 1 / 49 * 49 is a little less than 1", code="""
            _right = wilson
            def wilson(p, T):
                return _right(int(p * T) / T, T)
        """),
        Mistake("z is rounded to 1.96", "ndtri(0.975)", "1.96"),
        Mistake("z is rounded to 2", "ndtri(0.975)", "2.0"),
        Mistake("the interval is p -+ z sqrt(p (1 - p) / T), whose standard error is that of p and not of p'", code="""
            def wilson(p, T):
                half = ndtri(0.975) * np.sqrt(p * (1 - p) / T)
                return float(max(p - half, 0)), float(min(p + half, 1))
        """),
        Mistake("the middle is not moved towards 1/2: it is p / (1 + z^2 / T)", "p + z * z / (2 * T)", "p"),
        Mistake("the middle is moved away from 1/2", "p + z * z / (2 * T)", "p - z * z / (2 * T)"),
        Mistake("the middle is moved twice as far", "p + z * z / (2 * T)", "p + z * z / T"),
        Mistake("z^2 / (4 T^2) is missing under the root", " + z * z / (4 * T * T)", ""),
        Mistake("z^2 / (4 T) stands under the root, with T not squared", "z * z / (4 * T * T)", "z * z / (4 * T)"),
        Mistake("the half width is not divided by 1 + z^2 / T", "(4 * T * T)) / (1 + z * z / T)", "(4 * T * T))"),
        Mistake("the middle is not divided by 1 + z^2 / T", "(2 * T)) / (1 + z * z / T)", "(2 * T))"),
        Mistake("the half width has no factor z", "half = z * np.sqrt", "half = np.sqrt"),
        Mistake("the root is missing", "np.sqrt(p * (1 - p) / T + z * z / (4 * T * T))",
                "(p * (1 - p) / T + z * z / (4 * T * T))"),
        Mistake("p is moved towards 1/2 first, and then gets the plain interval (Agresti and Coull)", code="""
            def wilson(p, T):
                z = ndtri(0.975)
                centre = (p + z * z / (2 * T)) / (1 + z * z / T)
                half = z * np.sqrt(centre * (1 - centre) / (T + z * z))
                return float(np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))
        """),
        Mistake("the interval is that of Clopper and Pearson, of the binomial distribution itself", code="""
            from scipy.stats import binomtest
            def wilson(p, T):
                interval = binomtest(round(p * T), T).proportion_ci(0.95, method="exact")
                return float(interval.low), float(interval.high)
        """),
        Mistake("the interval has a correction for continuity, 1 / (2 T) more on each side", code="""
            from scipy.stats import binomtest
            def wilson(p, T):
                interval = binomtest(round(p * T), T).proportion_ci(0.95, method="wilsoncc")
                return float(interval.low), float(interval.high)
        """),
        Mistake("rounding leads away from p: the interval is kept in 0 to 1 alone",
                "np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))",
                "np.clip(centre - half, 0, 1)), float(np.clip(centre + half, 0, 1))"),
        Mistake("rounding leads out of 0 to 1, or away from p",
                "np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))",
                "centre - half), float(centre + half)"),
        Mistake("low and high change places",
                "return float(np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))",
                "return float(np.clip(centre + half, p, 1)), float(np.clip(centre - half, 0, p))"),
        Mistake("the middle and the half width are returned",
                "return float(np.clip(centre - half, 0, p)), float(np.clip(centre + half, p, 1))",
                "return float(centre), float(half)"),
    ],
    variations=[
        Variation(
            "level",
            "The interval is one of 90 %: a standard normal number lies in -z to z with probability 90 %, and above z "
            "with probability 5 %.",
            (("ndtri(0.975)", "ndtri(0.95)"),),
        ),
        Variation(
            "level",
            "The interval is one of 99 %: a standard normal number lies in -z to z with probability 99 %, and above z "
            "with probability 0.5 %.",
            (("ndtri(0.975)", "ndtri(0.995)"),),
        ),
    ],
    aliases={"wilson": ("score_interval", "interval_of", "confidence_interval")},
    swapped={"wilson": 2},
)  # fmt: skip

# --- 10.3 -------------------------------------------------------------------------------------------------------------


def dataset(sizes, people, known=True, lacking=()):
    """Alphabets of so many characters, each drawn by so many people but for some (character, person); the rows in any
    order, and in the two pixels of an image the number of its row."""
    drawn = [(label, who) for label in range(sum(sizes)) for who in range(people) if (label, who) not in lacking]
    labels, drawers = np.random.default_rng(sum(sizes)).permutation(np.array(drawn)).T
    rows = np.arange(len(labels))
    images = np.stack([rows // 256, rows % 256], axis=1).astype(np.uint8).reshape(-1, 1, 2, 1)
    groups, names = np.repeat(np.arange(len(sizes)), sizes)[labels], tuple(f"alphabet {n}" for n in range(len(sizes)))
    return Dataset(images, labels, groups, drawers if known else None, names)


def fresh(data):
    """A data set's copy, which an answer may spoil."""
    drawers = None if data.drawers is None else data.drawers.copy()
    return Dataset(data.images.copy(), data.labels.copy(), data.groups.copy(), drawers, data.group_names)


OUTSIDE, STRANGE = -1, -2  # for a row that the images that are returned do not have, or have another picture at


def _rows_of(images, rows, M):
    """Which of the data set's M rows these rows of the images that are returned are."""
    whole = isinstance(rows, np.ndarray) and rows.dtype.kind in "iu"
    if not whole or not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (1, 2, 1):
        return rows
    known = images.reshape(-1, 2).astype(int) @ [256, 1]
    inside = (rows >= 0) & (rows < len(known))
    named = np.append(np.where(known < M, known, STRANGE), OUTSIDE)
    return named[np.where(inside, rows, -1)]


def _trials(answer, data, way, shot, count, within, rng):
    """What a run of trials shows, with rows of the data set for those of the pool."""
    data = fresh(data)
    made = answer.nway_trials(data, way, shot, count, within, rng)
    if not all(hasattr(made, name) for name in ("images", "query", "support", "target")):
        return {"what it returns": "None: is there a return?" if made is None else f"a {type(made).__name__}"}
    images = made.images
    kind = f"{images.dtype} {images.shape[1:]}" if isinstance(images, np.ndarray) else f"a {type(images).__name__}"
    return {
        "what it returns": "a Trials",
        "type and shape of an image": kind,
        "target": made.target,
        "query": _rows_of(images, made.query, len(data.labels)),
        "support": _rows_of(images, made.support, len(data.labels)),
        "dataset.images as it was": data.images,
        "dataset.labels as it was": data.labels,
        "dataset.groups as it was": data.groups,
        "dataset.rows_of_class as it was": np.concatenate(data.rows_of_class),
        "dataset.classes_of_group as it was": np.concatenate(data.classes_of_group),
    }


def _seen(data, values, way, shot):
    """What holds() of all cases looks at."""
    query, support, target = values["query"], values["support"], values["target"]
    first = np.arange(0, len(query), way)  # of each run
    known = data.drawers if data.drawers is not None else np.zeros(len(data.labels), int)
    target = np.clip(target, 0, way - 1)
    return SimpleNamespace(
        query=query, support=support, first=first, target=target,
        inside=(query != OUTSIDE).all() and (support != OUTSIDE).all(),
        known=(query != STRANGE).all() and (support != STRANGE).all(),
        run=np.arange(len(query)) // way,
        classes=data.labels[support],  # (T, way, K)
        right=data.labels[support][np.arange(len(query)), target, 0],
        asked=data.labels[query],
        alphabets=data.groups[support],
        people=known[support],
        by=known[query],
    )  # fmt: skip


def _there(data, way, shot, seen):
    return {
        "all rows are rows of the images that are returned": seen.inside,
        "the images that are returned are the data set's": seen.known,
    }


def _of_classes(data, way, shot, seen):
    numbers = seen.support.reshape(len(seen.support), -1)
    return _there(data, way, shot, seen) | {
        "the K drawings of a class in a support are of one class": (seen.classes == seen.classes[:, :, :1]).all(),
        "the classes of a support are distinct": all(len(set(row)) == way for row in seen.classes[:, :, 0].tolist()),
        "the drawings of a support are different ones": all(len(set(row)) == way * shot for row in numbers.tolist()),
    }


def _of_runs(data, way, shot, seen):
    starts = seen.first[seen.run]
    return _there(data, way, shot, seen) | {
        "all trials of a run have the same support": (seen.support == seen.support[starts]).all(),
        "another run has another support": len({each.tobytes() for each in seen.support[seen.first]}) > 1
        or len(seen.first) < 4,
    }


def _of_queries(data, way, shot, seen):
    return _there(data, way, shot, seen) | {
        "the query is of the class that target names": (seen.asked == seen.right).all(),
        "the query is not in its support": (seen.query[:, None, None] != seen.support).all(),
    }


def _of_people(data, way, shot, seen):
    sets = [[frozenset(row) for row in trial] for trial in seen.people.tolist()]
    return _there(data, way, shot, seen) | {
        "the same K people have drawn all classes of a support": all(len(set(each)) == 1 for each in sets),
        "the K drawings of a class are by K people": all(len(each[0]) == shot for each in sets),
        "one person has drawn all queries of a run": (seen.by == seen.by[seen.first[seen.run]]).all(),
        "the person who drew the query has drawn nothing in the support": (seen.by[:, None, None] != seen.people).all(),
    }


def _evenly_people(data, way, shot, seen):
    everybody, asks = np.unique(data.drawers), seen.by[seen.first]
    return {
        "everybody draws the queries of about equally many runs": evenly(asks, everybody),
        "everybody is in about equally many supports": evenly(seen.people[seen.first, 0], everybody),
        "everybody is the next to draw the queries about equally often, whoever it was before": evenly_after(
            asks, everybody
        ),
    }


def _evenly_able(data, way, shot, seen):
    """Where not everybody has drawn all classes of a run, and an alphabet has as many classes as a run."""
    ask, support = [], []
    for classes in data.classes_of_group:
        drawn = [set(data.drawers[data.rows_of_class[label]].tolist()) for label in classes]
        runs = seen.first[np.isin(seen.classes[seen.first, 0, 0], classes)]
        ask.append(evenly(seen.by[runs], sorted(set.intersection(*drawn))))
        support.append(evenly(seen.people[runs, 0], sorted(set.intersection(*drawn))))
    return {
        "all who have drawn the classes of a run draw the queries about equally often": all(ask),
        "all who have drawn the classes of a run are in the support about equally often": all(support),
    }


def _within(data, way, shot, seen):
    fit = [group for group, classes in enumerate(data.classes_of_group) if len(classes) >= way]
    drawn = seen.alphabets[seen.first][:, 0, 0]
    found = {
        "all classes of a run are of one alphabet": (seen.alphabets == seen.alphabets[:, :1, :1]).all(),
        "alphabets of fewer than way classes are left out": np.isin(drawn, fit).all(),
    }
    if len(drawn) < 100:
        return found
    found["each alphabet that has enough classes is drawn about equally often"] = evenly(drawn, fit)
    found["each alphabet is about equally often the next, whichever it was before"] = evenly_after(drawn, fit)
    for group in fit:
        some = seen.classes[seen.first][drawn == group][:, :, 0]
        found["each class of an alphabet is drawn about equally often"] = evenly(some, data.classes_of_group[group])
    return found


def _across(data, way, shot, seen):
    classes = seen.classes[seen.first][:, :, 0]
    return {
        "each class of the data set is drawn about equally often": evenly(classes, np.arange(len(data.rows_of_class)))
    }


def _unknown(data, way, shot, seen):
    place = np.zeros(len(data.labels), int)
    for rows in data.rows_of_class:
        place[rows] = np.arange(len(rows))
    each = np.arange(len(data.rows_of_class[0]))
    return {
        "each drawing of a class is about equally often the query": evenly(place[seen.query], each),
        "each drawing of a class is about equally often in the support": evenly(place[seen.support[seen.first]], each),
    }


def _trial_case(rule, about, data, way, shot, count, within, seed=0):
    def run(answer):
        return _trials(answer, data, way, shot, count, within, np.random.default_rng(seed))

    def holds(values):
        return about(data, way, shot, _seen(data, values, way, shot))

    sizes = tuple(len(classes) for classes in data.classes_of_group)
    known = {"drawers": None} if data.drawers is None else {"people": len(np.unique(data.drawers))}
    told = {"way": way, "shot": shot, "count": count, "within": within, "classes of the alphabets": sizes} | known
    parts = "images", "labels", "groups", "rows_of_class", "classes_of_group"
    unchanged = tuple(f"dataset.{name} as it was" for name in parts)
    compared = ("target", *unchanged) if rule == "target" else unchanged
    return Case("nway_trials", run, rule, shown=lambda: told, holds=holds, compared=compared)


def _refused(rule, what, data, way, shot, within):
    """That BadInput is raised, where all else is right."""

    def run(answer):
        return raises(
            BadInput, lambda: answer.nway_trials(fresh(data), way, shot, 3 * way, within, np.random.default_rng(0))
        )

    return Case(f"nway_trials of {what}", run, rule)


def _drawn_trials(answer, rng):
    values = _trials(answer, dataset((6, 5), 4), 3, 1, 12, True, rng)
    return {name: values.get(name) for name in ("query", "support")}


FEW, SOME = dataset((3, 6), 3), dataset((6, 3, 8), 5)
UNKNOWN, UNEVEN = dataset((4, 5), 5, known=False), dataset((4, 16), 4)
HOLES = dataset(
    (4, 4), 5, lacking={(0, 0), (2, 3), (5, 1), (7, 4)}
)  # of three classes, two people and more have drawn all
POOR = dataset((5,), 4, known=False, lacking={(2, 0), (2, 3)})  # class 2 has two images
SMALL = dataset((5, 2), 3, known=False, lacking={(6, 1)})  # a class of an alphabet that is too small has two
RARE = dataset((40,), 3, known=False, lacking={(31, 0)})  # one class of many


NWAY = Task(
    of="trials: nway_trials",
    parts=6,
    docs={
        "nway_trials": Doc(
            """Fair one-shot trials, in runs like Lake's: a support of ``way`` classes with K = ``shot`` drawings each,
            and one trial for each of the classes, which asks about that class with one more drawing of it.

            dataset has images (M, H, W, C) and, for each image, labels (M,), its class, groups (M,), its alphabet, and
            drawers (M,), who drew it, or None in place of them all where nobody knows. dataset.rows_of_class[c] are the
            rows of class c in these, and dataset.classes_of_group[g] the classes of alphabet g. Nobody has drawn a
            class twice.

            Returns Trials(images, query, support, target) of T = ``count`` trials, 1 or more: query (T,), support (T,
            way, K), and target (T,), the place among the ``way`` classes that the query belongs to.""",
            {
                "rows": "images are the data set's, all of them or only those that the trials use, and one may be "
                "there more than once; query and support are arrays of row numbers *of the images that are returned*.",
                "classes": "The classes of a run are distinct. A support has K different drawings of each of them, in "
                "any order.",
                "runs": "All trials of a run have the same support, in the same order, and each run draws a new one. "
                "Trials come run by run.",
                "target": "Each class of a run is asked about once, in the order of the support: target is 0, 1, .., "
                "way - 1 and again 0, 1, .. The last run ends where there are ``count`` trials.",
                "query": "The query is a drawing of the target's class that is not in the support.",
                "people": "Where drawers is not None, K + 1 people are drawn for each run, of all who have drawn all "
                "of its classes, and all of these are equally likely. One of the K + 1 has drawn all queries of the "
                "run: anyone with the same probability, whoever it was before. The K others have drawn the support, "
                "each of them every class of it.",
                "unknown": "Where drawers is None, K + 1 different drawings of each class are drawn for each run, all "
                "equally likely. One of the K + 1, any with the same probability, is the query, and the K others are "
                "in the support.",
                "within": "If ``within``, all classes of a run are of one alphabet. Alphabets that have ``way`` "
                "classes or more are equally likely, whatever their size and whichever it was before; and so are the "
                "classes of an alphabet.",
                "across": "If not ``within``, all classes of the data set are equally likely, of whatever alphabet.",
                "rng": RNG,
                "way": "BadInput is raised if ``way`` is less than 2, or more than the number of classes: of the "
                "largest alphabet if ``within``, else of the data set.",
                "shot": "BadInput is raised if fewer than K + 1 people have drawn all classes of a run; and, where "
                "drawers is None, if any class of the data set has fewer than K + 1 images, whether or not a run draws "
                "it.",
            },
        )
    },
    cases=[
        _trial_case("rows", _there, FEW, 3, 1, 6, True),
        _trial_case("rows", _there, SOME, 4, 2, 9, False),
        _trial_case("rows", _there, UNKNOWN, 2, 3, 7, False),
        _trial_case("target", _there, FEW, 3, 1, 6, True),
        _trial_case("target", _there, SOME, 5, 2, 13, False),
        _trial_case("target", _there, SOME, 4, 1, 3, True),
        _trial_case("target", _there, UNKNOWN, 2, 3, 5, False),
        _trial_case("classes", _of_classes, FEW, 3, 1, 30, True),
        _trial_case("classes", _of_classes, SOME, 5, 3, 53, False),
        _trial_case("classes", _of_classes, UNKNOWN, 4, 3, 41, True),
        _trial_case("runs", _of_runs, SOME, 4, 2, 42, True),
        _trial_case("runs", _of_runs, UNKNOWN, 3, 1, 32, False),
        _trial_case("query", _of_queries, FEW, 3, 1, 60, True),
        _trial_case("query", _of_queries, SOME, 17, 2, 60, False),
        _trial_case("query", _of_queries, UNKNOWN, 4, 4, 60, True),
        _trial_case("people", _of_people, SOME, 4, 1, 60, True),
        _trial_case("people", _of_people, SOME, 5, 3, 60, False),
        _trial_case("people", _of_people, SOME, 3, 4, 60, True),
        _trial_case("people", _of_people, HOLES, 3, 1, 90, False),
        _trial_case("people", _of_people, HOLES, 4, 2, 80, True),
        _trial_case("people", _evenly_people, UNEVEN, 4, 2, 1200, True),
        _trial_case("people", _evenly_people, UNEVEN, 3, 1, 900, False),
        _trial_case("people", _evenly_able, HOLES, 4, 1, 1600, True),
        _trial_case("unknown", _unknown, UNKNOWN, 4, 2, 1200, True),
        _trial_case("unknown", _unknown, UNKNOWN, 3, 1, 900, False),
        _trial_case("within", _within, SOME, 5, 1, 50, True),
        _trial_case("within", _within, UNEVEN, 4, 1, 1200, True),
        _trial_case("within", _within, SOME, 6, 1, 1200, True),
        _trial_case("across", _across, UNEVEN, 5, 1, 1000, False),
        _trial_case("across", _across, UNKNOWN, 7, 1, 700, False),
        from_rng("nway_trials", _drawn_trials),
        _refused("way", "7 classes within alphabets of 3 and 6", FEW, 7, 1, True),
        _refused("way", "10 of 9 classes", FEW, 10, 1, False),
        _refused("way", "1 class", FEW, 1, 1, True),
        _refused("way", "6 classes within alphabets of 4 and 5, nobody knows by whom", UNKNOWN, 6, 1, True),
        _refused("shot", "3 shots, where 3 people have drawn", FEW, 3, 3, True),
        _refused("shot", "2 shots of 8 classes that one person has drawn all of", HOLES, 8, 2, False),
        _refused("shot", "5 shots, where each class has 5 images, nobody knows by whom", UNKNOWN, 2, 5, False),
        _refused("shot", "2 shots, where one class has 2 images, nobody knows by whom", POOR, 2, 2, True),
        _refused("shot", "2 shots, where one class of 40 has 2 images, nobody knows by whom", RARE, 2, 2, False),
        _refused("shot", "2 shots, where a class of an alphabet of 2 has 2 images", SMALL, 3, 2, True),
    ],
    mistakes=[
        Mistake("the query is one of its own supports", "query.append(images[answer][-1])",
                "query.append(images[answer][0])"),
        Mistake("a class may be in a support more than once", "way, replace=False)", "way, replace=True)"),
        Mistake("the target is always the first class", "target.append(answer)", "target.append(0)"),
        Mistake("the query is of another class than the target", "query.append(images[answer][-1])",
                "query.append(images[answer - 1][-1])"),
        Mistake("each class of a support is by people of its own",
                "drawers = rng.permutation(common)[: shot + 1].tolist()\n"
                "            images = [[by_drawer[label][drawer] for drawer in drawers] for label in classes]",
                "images = [[by_drawer[label][drawer] for drawer in rng.permutation(common)[: shot + 1].tolist()]\n"
                "                      for label in classes]"),
        Mistake("the person who drew the query also drew for the support",
                "images = [[by_drawer[label][drawer] for drawer in drawers] for label in classes]",
                "images = [[by_drawer[label][drawer] for drawer in drawers[:-1] + drawers[:1]] for label in classes]"),
        Mistake("each trial draws a support of its own", code="""
            _one_run = nway_trials
            def nway_trials(dataset, way, shot, count, within, rng):
                made, start = [], 0
                for trial in range(count):
                    run = _one_run(dataset, way, shot, way, within, rng)
                    place = slice(trial % way, trial % way + 1)
                    made.append((run.images, run.query[place] + start, run.support[place] + start, run.target[place]))
                    start += len(run.images)
                return Trials(*map(np.concatenate, zip(*made)))
        """),
        Mistake("within and across are confused", "if within else everywhere", "if not within else everywhere"),
        Mistake("alphabets that have too few classes are drawn, too", "if len(classes) >= way]", "]"),
        Mistake("alphabets are as likely as they have classes", "groups[rng.integers(len(groups))] if within",
                "groups[rng.choice(len(groups), p=[len(g) / sum(map(len, groups)) for g in groups])] if within"),
        Mistake("only the first classes of an alphabet are ever drawn", "groups[rng.integers(len(groups))] if within",
                "groups[rng.integers(len(groups))][:way] if within"),
        Mistake("it is always the same people, the first ones", "rng.permutation(common)[: shot + 1].tolist()",
                "common[: shot + 1]"),
        Mistake("the classes are drawn once, for all runs", "everywhere = np.arange(len(dataset.rows_of_class))",
                "everywhere = rng.permutation(len(dataset.rows_of_class))[:way]"),
        Mistake("the last run is whole, and there are too many trials", "range(min(way, count - len(query)))",
                "range(way)"),
        Mistake("the last run is left out", "for _ in range(0, count, way):", "for _ in range(count // way):"),
        Mistake("the global np.random draws the classes", "else everywhere, way, replace=False)",
                "else everywhere, way, replace=False)\n        classes = np.random.permutation(classes)"),
        Mistake("rng is not used: an own generator is", "query, support, target = [], [], []",
                "rng = np.random.default_rng(0)\n    query, support, target = [], [], []"),
        Mistake("a way that is too large is no error of its own", "if way < 2 or way > most:", "if way < 2:"),
        Mistake("a way of 1 is no error", "if way < 2 or way > most:", "if way > most:"),
        Mistake("too few people are a ValueError of NumPy's, or none", "if len(common) < shot + 1:", "if not common:"),
        Mistake("too few images of a class are no BadInput", "elif min(map(len, dataset.rows_of_class)) < shot + 1:",
                "elif max(map(len, dataset.rows_of_class)) < shot + 1:"),
        Mistake("too few images of a class are no BadInput where its alphabet has too few classes for a run",
                "elif min(map(len, dataset.rows_of_class)) < shot + 1:",
                "elif min(len(dataset.rows_of_class[label]) for group in groups for label in group) < shot + 1:"),
        Mistake("too few images of a class are a ValueError of NumPy's, or none, if no run draws the class",
                "elif min(map(len, dataset.rows_of_class)) < shot + 1:", "elif False:"),
        Mistake("people draw the queries in turn, from run to run",
                "drawers = rng.permutation(common)[: shot + 1].tolist()",
                "asks = common[len(query) // way % len(common)]\n"
                "            others = [each for each in rng.permutation(common).tolist() if each != asks]\n"
                "            drawers = others[:shot] + [asks]"),
        Mistake("of the people of a run the last by number draws the queries",
                "rng.permutation(common)[: shot + 1].tolist()",
                "sorted(rng.permutation(common)[: shot + 1].tolist())"),
        Mistake("without drawers, a drawing may come twice", "shot + 1, replace=False) for label",
                "shot + 1) for label"),
        Mistake("without drawers, the first drawings of a class are taken",
                "rng.choice(dataset.rows_of_class[label], shot + 1, replace=False)",
                "dataset.rows_of_class[label][: shot + 1]"),
        Mistake("the images that are returned are others, with light and dark exchanged", "Trials(dataset.images[used]",
                "Trials(255 - dataset.images[used]"),
        Mistake("row numbers are those of the data set, and the images only those used",
                "query, support = np.split(rows.reshape(-1), [len(query)])",
                "query, support = np.array(query), np.array(support)"),
        Mistake("the shots come before the classes", "support.reshape(-1, way, shot)",
                "support.reshape(-1, way, shot).swapaxes(1, 2)"),
        Mistake("there is one drawing of each class, whatever shot is",
                "support.append([drawings[:-1] for drawings in images])",
                "support.append([drawings[:1] * shot for drawings in [list(each) for each in images]])"),
    ],
    variations=[
        Variation(
            "target",
            "Each class of a run is asked about once, from the last of the support to the first: target is way - 1, "
            ".., 1, 0 and again way - 1, .. The last run ends where there are ``count`` trials.",
            (
                ("for answer in range(min(way, count - len(query))):",
                 "for answer in range(way - 1, way - 1 - min(way, count - len(query)), -1):"),
            ),
        ),
        Variation(
            "target",
            "Each class of a run is asked about once, the second of the support first and the first of it last: target "
            "is 1, 2, .., way - 1, 0 and again 1, 2, .. The last run ends where there are ``count`` trials.",
            (
                ("for answer in range(min(way, count - len(query))):",
                 "for answer in [(place + 1) % way for place in range(min(way, count - len(query)))]:"),
            ),
        ),
    ],
    aliases={"nway_trials": ("fair_trials", "draw_runs", "trials_in_runs")},
)  # fmt: skip

EXERCISE = Exercise("credits, intervals and trials", GIVES, {"10.1": CREDITS, "10.2": WILSON, "10.3": NWAY})
