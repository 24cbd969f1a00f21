"""Exercise 5: losses of pairs and of triplets, and which triplets to learn from."""

import numpy as np

from lessons.exercises.cases import array, calls, normal
from lessons.exercises.chance import even, seeds
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese.mining import KINDS
"""


def truths(*values):
    return np.array(values, bool)


def distances(seed, *shape):
    return abs(normal(seed, *shape)) + 0.01


# --- 5.1 --------------------------------------------------------------------------------------------------------------

CONTRASTIVE = Task(
    of="losses: contrastive",
    parts=3,
    docs={
        "contrastive": Doc(
            """A loss that pulls the images of P pairs together, or pushes them apart, and its gradient.

            d (P,) are the distances of the pairs, 0 or more; y (P,) are whole numbers, 0 and 1. Returns loss, a number,
            and dd (P,), the gradient of the loss with respect to d.""",
            {
                "y": "y is 1 for a pair of one class, and 0 for a pair of two.",
                "same": "A pair of one class pays half the square of its distance, d^2 / 2, however far apart it is.",
                "different": "A pair of two classes pays half the square of what its distance lacks to the margin, and "
                "nothing from the margin on: max(0, margin - d)^2 / 2.",
                "margin": "margin may be any number above 0; it is 1 if it is left out.",
                "mean": "The loss is the mean of what all P pairs pay, those counted too that pay nothing; dd is the "
                "gradient of this mean.",
            },
        )
    },
    cases=calls(
        "contrastive",
        ["loss", "dd"],
        [
            ("same", lambda: {"d": array(2, 3, 0.5), "y": np.array([1, 1, 1]), "margin": 1.0}),
            ("different", lambda: {"d": array(0.25, 1, 1.5, 3), "y": np.array([0, 0, 0, 0]), "margin": 1.0}),
            ("y", lambda: {"d": array(0.5, 0.25, 0.75), "y": np.array([1, 0, 0]), "margin": 1.0}),
            ("margin", lambda: {"d": array(0.5, 0.25, 1.5), "y": np.array([1, 0, 0])}),
            ("margin", lambda: {"d": array(0.5, 2, 3, 4), "y": np.array([0, 0, 1, 0]), "margin": 2.5}),
            ("margin", lambda: {"d": array(0.25, 0.5, 0.75), "y": np.array([0, 0, 0]), "margin": 0.5}),
            ("different", lambda: {"d": array(0, 0), "y": np.array([1, 0]), "margin": 2.0}),
            ("mean", lambda: {"d": array(0.5), "y": np.array([0]), "margin": 3.0}),
            ("mean", lambda: {"d": distances(0, 9), "y": np.arange(9) % 3 // 2, "margin": 1.0}),
            ("margin", lambda: {"d": distances(1, 40), "y": np.arange(40) % 2, "margin": 1.7}),
        ],
    ),
    mistakes=[
        Mistake("margin is not used: the margin is always 1", "xp.maximum(margin - d, 0)", "xp.maximum(1 - d, 0)"),
        Mistake("the margin is 2 if it is left out", "margin=1.0", "margin=2.0"),
        Mistake("the squares are not halved, neither in the loss nor in dd", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                return (y * d**2 + (1 - y) * gap**2).mean(), 2 * (y * d - (1 - y) * gap) / d.dtype.type(len(d))
        """),
        Mistake("the squares are not halved in the loss",
                "(y * d**2 + (1 - y) * gap**2) / 2", "y * d**2 + (1 - y) * gap**2"),
        Mistake("dd is twice what it should be: that of squares which are not halved", "return loss.mean(), (y",
                "return loss.mean(), 2 * (y"),
        Mistake("dd is half of what it should be", "(y * d - (1 - y) * gap)", "(y * d - (1 - y) * gap) / 2"),
        Mistake("dd has the other sign for pairs of two classes", "y * d - (1 - y) * gap", "y * d + (1 - y) * gap"),
        Mistake("dd has the other sign", "(y * d - (1 - y) * gap)", "-(y * d - (1 - y) * gap)"),
        Mistake("dd is not divided by the number of pairs", " / d.dtype.type(len(d))", ""),
        Mistake("the loss is a sum over the pairs, and dd that of the mean", "loss.mean()", "loss.sum()"),
        Mistake("the loss is a sum over the pairs, and dd its gradient", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                return (y * d**2 + (1 - y) * gap**2).sum() / 2, y * d - (1 - y) * gap
        """),
        Mistake("pairs of two classes are pulled back once they are beyond the margin: the maximum with 0 is missing",
                "xp.maximum(margin - d, 0)", "margin - d"),
        Mistake("dd goes on beyond the margin, where the loss is 0",
                "(1 - y) * gap) / d", "(1 - y) * (margin - d)) / d"),
        Mistake("y is taken for 0 where the classes are the same",
                "array_module(d), y.astype", "array_module(d), 1 - y.astype"),
        Mistake("the distances are not squared, nor what they lack to the margin", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                return (y * d + (1 - y) * gap).mean(), (y - (1 - y) * (gap > 0)) / d.dtype.type(len(d))
        """),
        Mistake("pairs of two classes pay half of max(0, margin^2 - d^2), the difference of the squares", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin**2 - d**2, 0)
                y = y.astype(d.dtype)
                return (y * d**2 + (1 - y) * gap).mean() / 2, (y * d - (1 - y) * d * (gap > 0)) / d.dtype.type(len(d))
        """),
        Mistake("the squared distance is taken from the margin: max(0, margin - d^2)", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d**2, 0)
                y = y.astype(d.dtype)
                loss = (y * d**2 + (1 - y) * gap**2).mean() / 2
                return loss, (y * d - 2 * (1 - y) * gap * d) / d.dtype.type(len(d))
        """),
        Mistake("pairs of one class pay nothing beyond the margin", "return loss.mean(), (y", "y = y * (d < margin)\n"
                "    loss = (y * d**2 + (loss * 0 + gap**2) * (1 - y)) / 2\n    return loss.mean(), (y"),
        Mistake("pairs of one class pay as at the margin where they are farther, and have no slope there",
                "return loss.mean(), (y", "near = xp.minimum(d, margin)\n"
                "    loss = (y * near**2 + (1 - y) * gap**2) / 2\n    return loss.mean(), (y * (d < margin)"),
        Mistake("dd is 0 beyond the margin for pairs of one class, too", "return loss.mean(), (y",
                "return loss.mean(), (y * (d < margin)"),
        Mistake("pairs of two classes pay beyond the margin, and nothing within it", "xp.maximum(margin - d, 0)",
                "xp.minimum(margin - d, 0)"),
        Mistake("margin is not used in dd, where it is always 1", "(1 - y) * gap) / d",
                "(1 - y) * xp.maximum(1 - d, 0)) / d"),
        Mistake("dd is 1 or -1 over P, as if nothing had been squared",
                "(y * d - (1 - y) * gap)", "(y - (1 - y) * (gap > 0))"),
        Mistake("pairs of two classes pay the whole square, not half of it",
                "(1 - y) * gap**2) / 2", "2 * (1 - y) * gap**2) / 2"),
        Mistake("pairs of two classes pay the whole square, not half of it, and dd is the gradient of that", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                loss = y * d**2 / 2 + (1 - y) * gap**2
                return loss.mean(), (y * d - 2 * (1 - y) * gap) / d.dtype.type(len(d))
        """),
        Mistake("pairs of one class pay the whole square, not half of it, and dd is the gradient of that", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                loss = y * d**2 + (1 - y) * gap**2 / 2
                return loss.mean(), (2 * y * d - (1 - y) * gap) / d.dtype.type(len(d))
        """),
        Mistake("loss and dd are divided by P - 1", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y, count = y.astype(d.dtype), d.dtype.type(max(1, len(d) - 1))
                return (y * d**2 + (1 - y) * gap**2).sum() / 2 / count, (y * d - (1 - y) * gap) / count
        """),
        Mistake("the means of the two kinds of pairs are taken apart, and added", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                count = np.where(y == 1, max(1, (y == 1).sum()), max(1, (y == 0).sum())).astype(d.dtype)
                loss = (y * d**2 + (1 - y) * gap**2) / 2
                return (loss / count).sum(), (y * d - (1 - y) * gap) / count
        """),
        Mistake("the mean is over the pairs alone that pay something", code="""
            def contrastive(d, y, margin=1.0):
                gap = np.maximum(margin - d, 0)
                y = y.astype(d.dtype)
                loss = (y * d**2 + (1 - y) * gap**2) / 2
                count = d.dtype.type(max(1, (loss > 0).sum()))
                return loss.sum() / count, (y * d - (1 - y) * gap) / count
        """),
        Mistake("d, an argument, is written into", code="""
            def contrastive(d, y, margin=1.0):
                d[y == 0] = np.minimum(d[y == 0] - margin, 0)
                return (d**2).mean() / 2, d / d.dtype.type(len(d))
        """),
        Mistake("float32 becomes float64, as it does where it meets whole numbers",
                "y.astype(d.dtype)", "y.astype(int)"),
    ],
    variations=[
        Variation(
            "y",
            "y is 0 for a pair of one class, and 1 for a pair of two.",
            (("xp, y = array_module(d), y.astype(d.dtype)", "xp, y = array_module(d), 1 - y.astype(d.dtype)"),),
        ),
        Variation(
            "same",
            "A pair of one class pays the whole square of its distance, d^2, however far apart it is.",
            (
                ("loss = (y * d**2 + (1 - y) * gap**2) / 2", "loss = (2 * y * d**2 + (1 - y) * gap**2) / 2"),
                ("(y * d - (1 - y) * gap) / d", "(2 * y * d - (1 - y) * gap) / d"),
            ),
        ),
        Variation(
            "different",
            "A pair of two classes pays the whole square of what its distance lacks to the margin, and nothing from "
            "the margin on: max(0, margin - d)^2.",
            (
                ("loss = (y * d**2 + (1 - y) * gap**2) / 2", "loss = (y * d**2 + 2 * (1 - y) * gap**2) / 2"),
                ("(y * d - (1 - y) * gap) / d", "(y * d - 2 * (1 - y) * gap) / d"),
            ),
        ),
    ],
    aliases={"contrastive": ("pair_loss", "pull_or_push", "spring_loss")},
    swapped={"contrastive": 2},
)  # fmt: skip

# --- 5.2 --------------------------------------------------------------------------------------------------------------


def triplet_with(line, returned="excess.sum() / count, slope, -slope"):
    """The loss of triplets, with a line of its own before what is returned."""
    return f"""
def triplet(d_ap, d_an, margin=1.0, found=None):
    raw = d_ap - d_an + margin
    found = np.ones(len(raw), bool) if found is None else found
    count = raw.dtype.type(max(found.sum(), 1))
    excess = np.maximum(raw, 0) * found
    slope = (excess > 0) / count
    {line}
    return {returned}
"""


TRIPLET = Task(
    of="losses: triplet",
    parts=4,
    docs={
        "triplet": Doc(
            """A loss of T triplets (an anchor, a positive of its class, a negative of another) and its gradients.

            d_ap (T,) are the distances of anchors and positives, d_an (T,) those of anchors and negatives; found is
            None, or truth values (T,). Returns loss, a number, and its gradients dd_ap (T,) with respect to d_ap and
            dd_an (T,) with respect to d_an.""",
            {
                "pays": "Each of the triplets pays max(0, d_ap - d_an + margin).",
                "margin": "margin may be any number above 0; it is 1 if it is left out.",
                "mean": "The loss is the mean of what the triplets pay, those counted too that pay nothing.",
                "slope": "Where nothing is paid, both gradients are 0; also where d_ap - d_an + margin is exactly 0.",
                "found": "Triplets for which found is False do not count: they pay nothing, their gradients are 0, and "
                "the mean is over the others. Without found, or with None, all count.",
                "none": "If none counts, since found is False everywhere or T is 0, loss and gradients are 0.",
            },
        )
    },
    cases=calls(
        "triplet",
        ["loss", "dd_ap", "dd_an"],
        [
            ("pays", lambda: {"d_ap": array(2, 2.5), "d_an": array(0.5, 3), "margin": 1.0}),
            ("mean", lambda: {"d_ap": array(3, 1, 0.5), "d_an": array(1, 3, 2), "margin": 1.0}),
            ("slope", lambda: {"d_ap": array(0.5, 1, 0), "d_an": array(1.5, 1, 1), "margin": 1.0}),
            ("margin", lambda: {"d_ap": array(2, 1.5), "d_an": array(1.25, 4)}),
            ("margin", lambda: {"d_ap": array(0.25, 0.5, 1, 2), "d_an": array(0.75, 0.75, 1.75, 1), "margin": 0.5}),
            ("found", lambda: {"d_ap": array(2, 1, 3, 1), "d_an": array(1, 2.5, 1, 0.5), "margin": 2.0,
                               "found": truths(1, 1, 0, 0)}),
            ("none", lambda: {"d_ap": array(2, 1), "d_an": array(1, 1), "margin": 1.0, "found": truths(0, 0)}),
            ("none", lambda: {"d_ap": array(), "d_an": array()}),
            ("none", lambda: {"d_ap": array(), "d_an": array(), "margin": 0.5, "found": truths()}),
            ("slope", lambda: {"d_ap": array(0, 1, 0.5), "d_an": array(0.5, 3, 1), "margin": 0.5,
                               "found": truths(1, 1, 0)}),
            ("pays", lambda: {"d_ap": distances(0, 8), "d_an": distances(1, 8), "margin": 0.3}),
            ("found", lambda: {"d_ap": distances(2, 9), "d_an": distances(3, 9), "margin": 0.7,
                               "found": np.arange(9) % 3 > 0}),
            ("found", lambda: {"d_ap": distances(4, 5), "d_an": distances(5, 5), "margin": 1.5, "found": None}),
            ("found", lambda: {"d_ap": distances(6, 1), "d_an": distances(7, 1), "margin": 4.0, "found": truths(1)}),
        ],
    ),
    mistakes=[
        Mistake("a triplet has a slope where d_ap - d_an + margin is exactly 0", code=triplet_with(
            "slope = ((raw >= 0) & found) / count")),
        Mistake("a triplet has half a slope where d_ap - d_an + margin is exactly 0", code=triplet_with(
            "slope = np.heaviside(raw, 0.5).astype(raw.dtype) * found / count")),
        Mistake("the slopes do not stop where nothing is paid", code=triplet_with("slope = found / count")),
        Mistake("margin is not used: the margin is always 1",
                "maximum(d_ap - d_an + margin", "maximum(d_ap - d_an + 1"),
        Mistake("the margin is 0.2 if it is left out", "margin=1.0", "margin=0.2"),
        Mistake("the margin is taken away, not added", "xp.maximum(d_ap - d_an + margin",
                "xp.maximum(d_ap - d_an - margin"),
        Mistake("d_ap and d_an have each other's place in the formula", code=triplet_with("""
    raw = d_an - d_ap + margin
    excess = np.maximum(raw, 0) * found
    slope = (excess > 0) / count""", "excess.sum() / count, -slope, slope")),
        Mistake("dd_an has the sign of dd_ap", "slope, -slope", "slope, slope"),
        Mistake("dd_ap and dd_an have each other's place, or each other's sign", "slope, -slope", "-slope, slope"),
        Mistake("dd_an is 0", "slope, -slope", "slope, 0 * slope"),
        Mistake("the margin stands outside of the maximum: max(0, d_ap - d_an) + margin", code=triplet_with("""
    excess = (np.maximum(d_ap - d_an, 0) + margin) * found
    slope = (d_ap > d_an) * found / count""")),
        Mistake("nothing is cut off at 0: triplets with a negative d_ap - d_an + margin make the loss smaller",
                code=triplet_with("excess, slope = raw * found, found / count")),
        Mistake("the gradients are not divided by the number of triplets", code=triplet_with(
            "slope = (excess > 0).astype(raw.dtype)")),
        Mistake("the loss is a sum over the triplets, and the gradients are those of the mean", "excess.sum() / count",
                "excess.sum()"),
        Mistake("loss and gradients are those of a sum over the triplets, not of a mean", code=triplet_with(
            "slope = (excess > 0).astype(raw.dtype)", "excess.sum(), slope, -slope")),
        Mistake("found is not used", code=triplet_with("""
    count = raw.dtype.type(max(len(raw), 1))
    excess = np.maximum(raw, 0)
    slope = (excess > 0) / count""")),
        Mistake("the mean is over all T, also where found says that some do not count", code=triplet_with("""
    count = raw.dtype.type(max(len(raw), 1))
    slope = (excess > 0) / count""")),
        Mistake("the mean is over the triplets alone that pay something", code=triplet_with("""
    count = raw.dtype.type(max((excess > 0).sum(), 1))
    slope = (excess > 0) / count""")),
        Mistake("the maximum with 0 is taken of the mean, not of what each triplet pays", code=triplet_with("""
    mean = (raw * found).sum() / count
    slope = found * (mean > 0) / count""", "max(mean, 0 * mean), slope, -slope")),
        Mistake("the slopes are as large as what a triplet pays, as if that were squared", code=triplet_with(
            "slope = excess / count")),
        Mistake("the gradients are divided by all T, also where found says that some do not count", code=triplet_with(
            "slope = (excess > 0) / raw.dtype.type(max(len(raw), 1))")),
        Mistake("triplets that found has False for pay nothing and have a gradient", code=triplet_with(
            "slope = (raw > 0) / count")),
        Mistake("found marks the triplets that do not count", code=triplet_with("""
    found = ~found if (~found).any() and found.any() else found
    count = raw.dtype.type(max(found.sum(), 1))
    excess = np.maximum(raw, 0) * found
    slope = (excess > 0) / count""")),
        Mistake("the gradients have places for the triplets alone that count",
                code=triplet_with("slope = slope[found]")),
        Mistake("where found is False everywhere, the mean is 0 / 0", "xp.maximum(found.sum(), 1)", "found.sum()"),
        Mistake("where T is 0, the mean is 0 / 0", "max(len(excess), 1)", "len(excess)"),
        Mistake("the distances are squared first", code=triplet_with("""
    excess = np.maximum(d_ap**2 - d_an**2 + margin, 0) * found
    slope = (excess > 0) / count""", "excess.sum() / count, 2 * d_ap * slope, -2 * d_an * slope")),
        Mistake("what a triplet pays is squared", code=triplet_with(
            "slope = 2 * excess / count", "(excess**2).sum() / count, slope, -slope")),
        Mistake("d_ap, an argument, is written into", code=triplet_with("d_ap -= d_an")),
        Mistake("float32 becomes float64", code=triplet_with("slope = slope.astype(float)")),
    ],
    variations=[
        Variation(
            "pays",
            "Each of the triplets pays half the square of max(0, d_ap - d_an + margin).",
            (
                ("slope = (excess > 0) / count", "slope = excess / count"),
                ("return excess.sum() / count, slope, -slope", "return (excess**2).sum() / 2 / count, slope, -slope"),
            ),
        ),
        Variation(
            "mean",
            "The loss is half the mean of what the triplets pay, those counted too that pay nothing.",
            (("slope = (excess > 0) / count", "count = 2 * count\n    slope = (excess > 0) / count"),),
        ),
    ],
    aliases={"triplet": ("ranking_loss", "relative_loss", "order_loss")},
    swapped={"triplet": 3},
)  # fmt: skip

# --- 5.3 --------------------------------------------------------------------------------------------------------------

KIND_OF = Task(
    of="mining: kind_of",
    parts=2,
    docs={
        "kind_of": Doc(
            """Which kind each of some triplets is of: 0 easy, 1 semi-hard, 2 hard.

            d_ap are the distances of anchors and positives, d_an those of anchors and negatives; margin is a number
            above 0. Returns whole numbers, the places of the kinds in ``KINDS``.""",
            {
                "easy": "Easy, 0, is what pays nothing: d_ap - d_an + margin is 0 or less.",
                "hard": "Hard, 2, is a negative that is no farther than the positive: d_an <= d_ap, equal ones too.",
                "semi": "Semi-hard, 1, is all between, neither easy nor hard.",
                "broadcast": "The two arrays broadcast, as in d_ap + d_an: of (R, 1) and (R, M) the kinds are (R, M).",
            },
        )
    },
    cases=calls(
        "kind_of",
        ["kinds"],
        [
            ("semi", lambda: {"d_ap": array(1, 1, 1), "d_an": array(2, 1.25, 0.5), "margin": 0.5}),
            ("easy", lambda: {"d_ap": array(1, 0, 2), "d_an": array(2, 1, 3), "margin": 1.0}),
            ("hard", lambda: {"d_ap": array(1, 0, 2.5), "d_an": array(1, 0, 2.5), "margin": 0.5}),
            ("semi", lambda: {"d_ap": array(1, 1, 1, 1), "d_an": array(1.5, 2.75, 3, 3.5), "margin": 2.0}),
            ("broadcast", lambda: {"d_ap": array([1], [2]), "d_an": array([0.5, 2, 4], [1, 2.5, 3]), "margin": 1.0}),
            ("broadcast", lambda: {"d_ap": array(1, 2, 3), "d_an": array([1.25], [2.5]), "margin": 0.5}),
            ("broadcast", lambda: {"d_ap": array([1, 2], [3, 4]), "d_an": array(2.25, 2.25), "margin": 0.75}),
            ("broadcast", lambda: {"d_ap": distances(0, 4, 1), "d_an": distances(1, 4, 6), "margin": 0.4}),
            ("semi", lambda: {"d_ap": distances(2, 30), "d_an": distances(3, 30), "margin": 1.3}),
        ],
    ),
    mistakes=[
        Mistake("a negative that is just as far as the positive is not hard",
                "xp.where(d_an <= d_ap", "xp.where(d_an < d_ap"),
        Mistake("a negative that is farther than the positive by exactly the margin is not easy",
                "margin > 0", "margin >= 0"),
        Mistake("margin is not used: the margin is always 1", "where(d_ap - d_an + margin",
                "where(d_ap - d_an + 1"),
        Mistake("the margin is taken away, not added", "where(d_ap - d_an + margin", "where(d_ap - d_an - margin"),
        Mistake("d_ap and d_an have each other's place in the condition for easy ones", "xp.where(d_ap - d_an + margin",
                "xp.where(d_an - d_ap + margin"),
        Mistake("d_ap and d_an have each other's place everywhere",
                "return xp.where", "d_ap, d_an = d_an, d_ap\n    return xp.where"),
        Mistake("0 is hard and 2 is easy", "return xp.where", "return 2 - xp.where"),
        Mistake("1 is hard and 2 is semi-hard", "d_an <= d_ap, 2, 1", "d_an <= d_ap, 1, 2"),
        Mistake("kinds count from 1 to 3", "return xp.where", "return 1 + xp.where"),
        Mistake("nothing is semi-hard: what pays something is hard", "xp.where(d_an <= d_ap, 2, 1)", "2"),
        Mistake("hard begins where the negative is nearer than the positive by the margin",
                "xp.where(d_an <= d_ap", "xp.where(d_an <= d_ap - margin"),
        Mistake("the distances are squared first",
                "return xp.where", "d_ap, d_an = d_ap**2, d_an**2\n    return xp.where"),
        Mistake("the names of the kinds are returned, not their places in KINDS", code="""
            def kind_of(d_ap, d_an, margin):
                return np.where(d_ap - d_an + margin > 0, np.where(d_an <= d_ap, "hard", "semi-hard"), "easy")
        """),
        Mistake("hard ones become semi-hard, as these are looked for later and let hard ones in", code="""
            def kind_of(d_ap, d_an, margin):
                return (d_an < d_ap + margin).astype(int)
        """),
        Mistake("neither border belongs where it should: what is just at it counts as semi-hard", code="""
            def kind_of(d_ap, d_an, margin):
                return np.where(d_ap - d_an + margin >= 0, np.where(d_an < d_ap, 2, 1), 0)
        """),
        Mistake("the margin is multiplied with d_ap: easy is what is farther by this share of it", code="""
            def kind_of(d_ap, d_an, margin):
                return np.where(d_an >= d_ap * (1 + margin), 0, np.where(d_an <= d_ap, 2, 1))
        """),
        Mistake("the kinds are floats", "return xp.where", "return 1.0 * xp.where"),
        Mistake("the arrays are gone through side by side and do not broadcast", code="""
            def kind_of(d_ap, d_an, margin):
                kinds = [0 if p - n + margin <= 0 else 2 if n <= p else 1 for p, n in zip(d_ap.ravel(), d_an.ravel())]
                return np.array(kinds)
        """),
        Mistake("the kinds always have the shape of d_an", code="""
            def kind_of(d_ap, d_an, margin):
                kinds = np.ones(d_an.shape, int)
                for place in np.ndindex(d_an.shape):
                    p = np.broadcast_to(d_ap, d_an.shape)[place] if d_ap.ndim == d_an.ndim != 0 and (
                        d_ap.shape[-1] in (1, d_an.shape[-1])) else d_ap.ravel()[0]
                    kinds[place] = 0 if p - d_an[place] + margin <= 0 else 2 if d_an[place] <= p else 1
                return kinds
        """),
    ],
    variations=[
        Variation(
            "hard",
            "Hard, 2, is a negative that is nearer than the positive, d_an < d_ap; equal ones are semi-hard, 1.",
            (("xp.where(d_an <= d_ap, 2, 1)", "xp.where(d_an < d_ap, 2, 1)"),),
        ),
        Variation(
            "easy",
            "Easy, 0, is what lies beyond the margin: d_ap - d_an + margin is less than 0; where it is exactly 0, "
            "that is semi-hard, 1.",
            (("xp.where(d_ap - d_an + margin > 0,", "xp.where(d_ap - d_an + margin >= 0,"),),
        ),
    ],
    aliases={"kind_of": ("how_hard", "grade_negatives", "difficulty_of")},
)  # fmt: skip

# --- 5.4 --------------------------------------------------------------------------------------------------------------


COMPARED = "how many values it returns (exactly)", "found"  # what chance does not decide


def drawn(arguments):
    """What choose gives: named values."""

    def run(answer):
        given = arguments()
        found = answer.choose(*given.values())
        two = isinstance(found, tuple | list) and len(found) == 2
        return {
            "how many values it returns (exactly)": len(found) if isinstance(found, tuple | list) else 1,
            **({"found": found[1], "column": found[0]} if two else {}),
        }

    return run


def columns_of(answer, **given):
    """The columns alone, of anchors that are all alike."""
    given = {"d_ap": None, "d_an": None, "allowed": None, "how": "random", "margin": 0.5, "rng": None} | given
    found = answer.choose(*given.values())
    return found[0] if isinstance(found, tuple | list) and len(found) else found


def fits(how, seed, R, M, share=0.5, margin=0.3):
    """A case of R anchors with M negatives at random: whatever is drawn is allowed and of the kind."""

    def arguments():
        draw = np.random.default_rng(seed)
        return {
            "d_ap": draw.random(R),
            "d_an": draw.random((R, M)),
            "allowed": draw.random((R, M)) < share,
            "how": how,
            "margin": margin,
            "rng": np.random.default_rng(seed + 1),
        }

    def holds(values):
        given = arguments()
        column, found = values["column"], values["found"].astype(bool)
        rows, excess = np.arange(R), given["d_ap"][:, None] - given["d_an"] + margin
        kinds = np.where(excess > 0, np.where(given["d_an"] <= given["d_ap"][:, None], 2, 1), 0)
        here = (column >= 0) & (column < M)
        safe = np.clip(column, 0, M - 1)
        yes = {"random": np.ones((R, M), bool), "easy": kinds == 0, "semi-hard": kinds == 1, "hard": kinds == 2}[how]
        return {
            f"all columns are from 0 to {M - 1}": here,
            "all the negatives drawn are allowed": given["allowed"][rows, safe][found],
            f"all the negatives drawn are {how}": yes[rows, safe][found],
        }

    shown = {"how": how, "margin": margin, "R": R, "M": M}
    return Case(
        "choose",
        drawn(arguments),
        "allowed" if how == "random" else "kind",
        shown=lambda: shown,
        holds=holds,
        compared=COMPARED,
    )


FITTING = (1, 2, 5)  # of seven
ALIKE = 4000


def alike(R, how="random"):
    """R anchors that are all alike, with seven negatives of which three fit, at distances of their own."""
    negatives = {"random": (0.2, 0.9, 0.4, 0.1, 0.5, 1.5, 0.8), "hard": (1.2, 0.9, 0.4, 1.3, 1.4, 0.7, 1.6)}[how]
    allowed = np.isin(np.arange(7), FITTING) | (how == "hard")
    return {
        "d_ap": np.ones(R),
        "d_an": np.tile(array(*negatives), (R, 1)),
        "allowed": np.tile(allowed, (R, 1)),
        "how": how,
    }


def times(counts):
    return ", ".join(str(counts[column]) for column in FITTING)


def of_fixed(column, how):
    """Which of the negatives that fit this column is."""
    order = [FITTING[place] for place in np.argsort(alike(1, how)["d_an"][0, list(FITTING)])]
    names = {order[0]: ", that of the nearest negative that fits", order[-1]: ", that of the farthest that fits"}
    return names.get(column, "")


def uniform(how):
    """A case of many anchors that are alike."""

    def run(answer):
        return {
            "column": columns_of(answer, **alike(ALIKE, how), rng=np.random.default_rng(3)),
            "the first columns with other rng": np.array(
                [
                    np.ravel(columns_of(answer, **alike(2, how), rng=np.random.default_rng(seed)))[:1]
                    for seed in range(20, 32)
                ]
            ),
        }

    def holds(values):
        column = values["column"]
        fixed = len(np.unique([*column, *values["the first columns with other rng"].ravel()])) == 1
        counts = np.bincount(np.clip(column, 0, 7).astype(int), minlength=8)
        places = np.searchsorted(FITTING, np.clip(column, FITTING[0], FITTING[-1]))
        pairs = np.bincount(3 * places[:-1] + places[1:], minlength=9)[:9]
        return {
            "only the three columns are drawn that fit, 1, 2 and 5": counts[list(FITTING)].sum() == column.size,
            f"something is drawn: with any rng, all of {ALIKE} anchors of the same distances get column "
            f"{int(column[0])}{of_fixed(int(column[0]), how)}": not fixed,
            f"each anchor draws for itself, so that of {ALIKE} anchors of the same distances not all get the same "
            "column": len(np.unique(column)) > 1,
            f"each of the three columns that fit, 1, 2 and 5, is drawn about as often by {ALIKE} anchors (they were "
            f"drawn {times(counts)} times)": even(counts[list(FITTING)]),
            "an anchor's column says nothing about that of the next one": even(pairs),
        }

    shown = {"how": how, "margin": 0.5, "R": ALIKE, "M": 7}
    return Case("choose, of many anchors that are alike", run, "uniform", shown=lambda: shown, holds=holds)


def one_by_one():
    """A case of many calls with one anchor and one rng."""

    def run(answer):
        rng = np.random.default_rng(4)
        columns = [columns_of(answer, **alike(1), rng=rng) for _ in range(300)]
        return {"the columns of 300 calls": np.array([np.ravel(column)[:1] for column in columns])}

    def holds(values):
        counts = np.bincount(np.clip(values["the columns of 300 calls"].ravel(), 0, 7).astype(int), minlength=8)
        return {
            "with one rng, calls that follow each other draw anew": (counts > 0).sum() > 1,
            "each of the three columns that fit, 1, 2 and 5, is drawn about as often in 300 calls with one anchor "
            f"(they were drawn {times(counts)} times)": even(counts[list(FITTING)]),
        }

    return Case("choose, call by call", run, "uniform", holds=holds)


def forced(d_ap, d_an, allowed, how, margin=0.5):
    """Arguments of choose that leave each anchor one negative or none."""
    return lambda: {
        "d_ap": np.array(d_ap, float),
        "d_an": np.array(d_an, float),
        "allowed": np.array(allowed, bool),
        "how": how,
        "margin": margin,
        "rng": np.random.default_rng(0),
    }


def missing(arguments):
    """A case in which some anchors have no negative that may be drawn."""

    def holds(values):
        M = arguments()["d_an"].shape[1]
        return {f"all columns are from 0 to {M - 1}": (values["column"] >= 0) & (values["column"] < M)}

    return Case("choose", drawn(arguments), "found", shown=arguments, holds=holds, compared=COMPARED)


def only_allowed(arguments):
    """A case of anchors with one negative each that is allowed."""

    def holds(values):
        columns, allowed = values["column"], arguments()["allowed"]
        inside = (columns >= 0) & (columns < allowed.shape[1])
        fit = allowed[np.arange(len(allowed)), np.clip(columns, 0, allowed.shape[1] - 1)]
        told = " ".join(str(column) for column in columns)
        return {f"only negatives are drawn for which allowed is True (the columns drawn are [{told}])": fit & inside}

    return Case("choose", drawn(arguments), "allowed", shown=arguments, holds=holds, compared=COMPARED)


NEAR, BETWEEN, FAR = 0.5, 1.25, 3  # negatives of a positive at 1, with a margin of 0.5: hard, semi-hard, easy
THREE = [[NEAR, FAR, BETWEEN], [BETWEEN, NEAR, FAR]]
ALL = [[1, 1, 1], [1, 1, 1]]

CHOOSE = Task(
    of="mining: choose",
    parts=4,
    docs={
        "choose": Doc(
            """For each of R anchors with a positive, one of its M negatives, drawn at random.

            d_ap (R,) are the distances of anchors and positives, d_an (R, M) those of anchors and negatives; allowed
            (R, M) are truth values, margin is a number, rng a ``np.random.Generator``. Returns column (R,), whole
            numbers from 0 to M - 1, and found (R,), truth values.""",
            {
                "kind": 'how is "easy", "semi-hard" or "hard": then only negatives of this kind may be drawn, as '
                "``kind_of`` has it with this margin, whose numbers are places in ``KINDS``. Or how is "
                '"random": then negatives of any kind may.',
                "allowed": "Only negatives are drawn for which allowed is True.",
                "found": "found says whether an anchor has at least one negative that may be drawn; where it has none, "
                "its column may be any.",
                "uniform": "All negatives that may be drawn are equally likely; each anchor draws for itself, and a "
                "further call with the same rng draws anew.",
                "rng": "All chance comes from rng: the same seed gives the same. NumPy's own random numbers, those of "
                "np.random.random, are neither used nor moved on.",
            },
        )
    },
    cases=[
        only_allowed(forced([1] * 4, [[NEAR, FAR, BETWEEN]] * 4, np.eye(3)[[0, 2, 1, 2]], "random")),
        *calls(
            "choose",
            ["column", "found"],
            [
                ("kind", forced([1], [[BETWEEN, NEAR, FAR]], [[1, 1, 1]], "hard")),
                ("kind", forced([1, 1], THREE, ALL, "semi-hard")),
                ("kind", forced([1, 1], THREE, ALL, "easy")),
                ("allowed", forced([1, 1], THREE, [[1, 0, 0], [0, 0, 1]], "random")),
                ("allowed", forced([1, 2], [[1.25, 1.5, 0.5], [1, 1.5, 2.25]], [[0, 1, 1], [0, 1, 1]], "hard", 1.0)),
                ("kind", forced([1, 1, 0.5], [[1.75, 3.5, 0.25]] * 3, [[1, 1, 1]] * 3, "semi-hard", 2.0)),
                ("kind", forced([1, 2], [[1.5, 0.5], [1.5, 2.5]], [[1, 1], [1, 1]], "hard", 1.0)),
                ("found", forced([1, 2], [[0.5], [0.75]], [[1], [1]], "hard", 1.0)),
                ("kind", forced([2, 0.5, 1, 3, 0.25], [[2.5, 0.5, 1.5, 8]] * 5, np.eye(4)[[3, 0, 1, 2, 2]], "random")),
            ],
        ),
        missing(forced([1, 1], [[NEAR, NEAR, FAR], [FAR, BETWEEN, FAR]], ALL, "hard")),
        missing(forced([1, 1, 1], [[FAR, NEAR], [FAR, NEAR], [FAR, BETWEEN]], [[1, 1], [1, 0], [1, 1]], "hard")),
        missing(forced([1, 1], THREE, [[0, 0, 0], [0, 0, 0]], "random")),
        fits("random", 10, 30, 4, share=0.3),
        fits("hard", 20, 50, 6),
        fits("semi-hard", 30, 60, 9),
        fits("easy", 40, 70, 5),
        fits("semi-hard", 50, 40, 8, share=0.9, margin=0.05),
        fits("random", 60, 80, 40, share=0.03),
        uniform("random"),
        uniform("hard"),
        one_by_one(),
        seeds("choose", "columns", lambda answer, rng: columns_of(answer, **alike(200), rng=rng), "rng"),
    ],
    mistakes=[
        Mistake("the first negative that fits is taken, always", "xp.asarray(rng.random(allowed.shape))", "1.0"),
        Mistake("the nearest negative that fits is taken, always",
                "xp.asarray(rng.random(allowed.shape))", "1 / (1 + d_an)"),
        Mistake("the farthest negative that fits is taken, always", "xp.asarray(rng.random(allowed.shape))", "d_an"),
        Mistake("allowed is not used where the kind matters", "allowed = allowed & (", "allowed = ("),
        Mistake("allowed is not used", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = np.ones(d_an.shape, bool)
                if how != "random":
                    fit = kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how)
                tickets = np.where(fit, rng.random(fit.shape), -1)
                return tickets.argmax(axis=1), fit.any(axis=1)
        """),
        Mistake("allowed, an argument, is written into", "allowed = allowed & (", "allowed &= ("),
        Mistake("how is not used: any negative may be drawn that is allowed", 'if how != "random"', "if False"),
        Mistake("easy and hard have each other's place", "KINDS.index(how)", "len(KINDS) - 1 - KINDS.index(how)"),
        Mistake("the margin is not used: it is always 1", "d_an, margin)", "d_an, 1.0)"),
        Mistake("semi-hard lets hard ones in", "== KINDS.index(how)", ">= KINDS.index(how)"),
        Mistake("random leaves easy negatives out", "tickets = xp", 'if how == "random":\n        allowed = allowed & ('
                "kind_of(d_ap[:, None], d_an, margin) > 0)\n    tickets = xp"),
        Mistake("found is True for every anchor", "tickets.max(axis=1) >= 0", "xp.ones(len(allowed), bool)"),
        Mistake("found is False where the highest ticket is not above 1/2",
                "tickets.max(axis=1) >= 0", "tickets.max(axis=1) >= 0.5"),
        Mistake("found says whether anything is allowed, of whatever kind", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = allowed
                if how != "random":
                    fit = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
                return np.where(fit, rng.random(fit.shape), -1).argmax(axis=1), allowed.any(axis=1)
        """),
        Mistake("where the kind is missing, any other negative is drawn, and found is True", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = allowed
                if how != "random":
                    fit = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
                fit = np.where(fit.any(axis=1, keepdims=True), fit, allowed)
                tickets = np.where(fit, rng.random(fit.shape), -1)
                return tickets.argmax(axis=1), tickets.max(axis=1) >= 0
        """),
        Mistake("the column is counted among the negatives that fit, and not among all M", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = allowed
                if how != "random":
                    fit = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
                return np.array([rng.integers(max(1, row.sum())) for row in fit]), fit.any(axis=1)
        """),
        Mistake("NumPy's own random numbers are used, not rng", "rng.random(", "np.random.random("),
        Mistake("a generator of its own is made in each call, not rng",
                "rng.random(", "np.random.default_rng(0).random("),
        Mistake("all anchors share one draw",
                "rng.random(allowed.shape)", "np.tile(rng.random(allowed.shape[1]), (len(allowed), 1))"),
        Mistake("a column is drawn from all, and the next one that fits is taken", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = allowed
                if how != "random":
                    fit = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
                M = fit.shape[1]
                away = (np.arange(M) - rng.integers(M, size=len(fit))[:, None]) % M
                return np.where(fit, away, M).argmin(axis=1), fit.any(axis=1)
        """),
        Mistake("near negatives are drawn more often",
                "rng.random(allowed.shape)", "rng.random(allowed.shape) ** d_an"),
        Mistake("after ten draws of a column without success, found is False", code="""
            def choose(d_ap, d_an, allowed, how, margin, rng):
                fit = allowed
                if how != "random":
                    fit = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
                column = rng.integers(fit.shape[1], size=len(fit))
                for _ in range(10):
                    again = ~fit[np.arange(len(fit)), column]
                    column[again] = rng.integers(fit.shape[1], size=again.sum())
                return column, fit[np.arange(len(fit)), column]
        """),
        Mistake("column and found are returned in the other order",
                "return tickets.argmax(axis=1), tickets.max(axis=1) >= 0",
                "return tickets.max(axis=1) >= 0, tickets.argmax(axis=1)"),
    ],
    aliases={"choose": ("draw_negatives", "pick_columns", "mine_rows")},
    swapped={"choose": 2},
)  # fmt: skip

EXERCISE = Exercise(
    "losses of pairs and of triplets, and mining",
    GIVES,
    {"5.1": CONTRASTIVE, "5.2": TRIPLET, "5.3": KIND_OF, "5.4": CHOOSE},
)
