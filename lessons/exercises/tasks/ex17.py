"""Exercise 17: the N-way loss and the gradient of a distance, for arrays of NumPy and of CuPy alike."""

import numpy as np

from lessons.exercises.cases import calls, normal, told_apart
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
from minisiamese import siamese
from minisiamese.backend import array_module
"""


def apart(cases, rules):
    """The cases as one for each result, where not all depends on one rule: rules are {key: names of results}."""
    whole = "device", "overflow"
    return [each for case in cases for each in ([case] if case.rule in whole else told_apart([case], rules))]


# --- 17.1 -------------------------------------------------------------------------------------------------------------

SHIFTED = "shifted = s - s.max(axis=1, keepdims=True)"
PICKED = "loss = xp.log(total[:, 0]) - shifted[queries, target]"
RETURNED = "return loss.mean(), ds / s.dtype.type(len(s))"


def scores(seed, Q, N, size=1.0):
    """s (Q, N) and target (Q,), as arguments."""
    target = np.random.default_rng(seed + 50).integers(0, N, Q)
    return lambda: {"s": size * normal(seed, Q, N), "target": target.copy()}


def given(s, target):
    return lambda: {"s": np.array(s, float), "target": np.array(target)}


FIRST = given([[0, 1, 3], [2, 0, -1]], [2, 1])


OVERFLOWING = [
    ("overflow", given([[1e5, 0], [-1e5, -100050]], [1, 1])),
    ("overflow", given([[0, 1], [900, 0]], [1, 1])),
]


N_WAY = Task(
    of="losses: n_way",
    parts=4,
    docs={
        "n_way": Doc(
            """The N-way loss again, as in task 6.1, but now for arrays of NumPy and of CuPy alike.

            s (Q, N), the scores of Q queries for N classes each, Q and N from 1 on; target (Q,) whole numbers, the
            right class of each query. Returns the loss, a number without axes, and ds (Q, N).""",
            {
                "loss": "The loss is the mean over the queries q of log(sum over n of exp(s[q, n])) - s[q, target[q]].",
                "gradient": "ds is the gradient of this loss with respect to s, with all factors that the loss has.",
                "overflow": "Nothing overflows, and no logarithm of 0 is taken: loss and ds are right for scores of "
                "100,000 or -100,000, too, and for queries whose scores are of very different sizes.",
                "device": "s and target are both NumPy's arrays or both CuPy's. With xp = array_module(s) all "
                "functions are xp's; of CuPy's arrays, loss and ds stay on the device, as its arrays; and nothing is "
                "read back from it: no float() or int() of a value, so no loop over int(target[q]), no `if` on one, no "
                "mask as an index.",
            },
        )
    },
    cases=apart(
        calls(
            "n_way",
            ["loss", "ds"],
            [
                ("loss", FIRST),
                ("loss", given([[0, 2], [1, 1], [3, 0], [-1, 0]], [0, 1, 0, 1])),
                ("loss", given([[0, 1, 3], [2, 0, 0], [-1, 4, 1]], [2, 1, 0])),
                ("loss", given([[3]], [0])),
                ("loss", scores(0, 1, 5)),
                ("loss", scores(1, 5, 4)),
                ("loss", scores(2, 3, 8, 3.0)),
                ("loss", scores(3, 12, 2, 0.5)),
            ],
            device="device",
        )
        + calls("n_way", ["loss", "ds"], OVERFLOWING),
        {"": ("how many", "loss"), "gradient": ("ds",), "unchanged": ("s", "target")},
    ),
    mistakes=[
        Mistake("ds is not divided by the number of queries", RETURNED, "return loss.mean(), ds"),
        Mistake("the losses of the queries are added, and ds with them: no mean is taken", RETURNED,
                "return loss.sum(), ds"),
        Mistake("the losses of the queries are added, and ds is that of their mean", RETURNED,
                RETURNED.replace("mean", "sum")),
        Mistake("ds is divided by the number of classes, not of queries", RETURNED,
                RETURNED.replace("len(s)", "s.shape[1]")),
        Mistake("ds is divided by the number of classes and by that of queries", RETURNED,
                RETURNED.replace("len(s)", "s.size")),
        Mistake("ds has 1 added at the target, where 1 is to be taken off", "ds[queries, target] -= 1",
                "ds[queries, target] += 1"),
        Mistake("ds has the exponentials as they are, not divided by their row's sum", "ds = exponential / total",
                "ds = exponential"),
        Mistake("the loss is a mean over all Q N numbers", RETURNED,
                RETURNED.replace("loss.mean()", "loss.mean() / s.dtype.type(s.shape[1])")),
        Mistake("ds is the softmax alone: at the target nothing is taken off", "ds[queries, target] -= 1", "pass"),
        Mistake("ds is 1 too low in every class, not at the target alone", "ds[queries, target] -= 1", "ds -= 1"),
        Mistake("ds has the other sign", RETURNED, RETURNED.replace("ds /", "-ds /")),
        Mistake("the loss has the other sign", RETURNED, RETURNED.replace("loss.mean()", "-loss.mean()")),
        Mistake("the score of the target is not taken off: the loss is log sum exp of the scores, less their maximum",
                PICKED, "loss = xp.log(total[:, 0])"),
        Mistake("the maximum is taken off all scores but the target's", PICKED, PICKED.replace("shifted[", "s[")),
        Mistake("the sum in the loss has no logarithm", PICKED, PICKED.replace("xp.log(total[:, 0])", "total[:, 0]")),
        Mistake("targets are counted from 1", "queries = xp.arange(len(s))",
                "queries, target = xp.arange(len(s)), target - 1"),
        Mistake("ds and the loss are returned in the other order", RETURNED,
                "return ds / s.dtype.type(len(s)), loss.mean()"),
        Mistake("the first class is the target of every query", "queries = xp.arange(len(s))",
                "queries, target = xp.arange(len(s)), 0 * target"),
        Mistake("the exponentials are summed over the queries, not over the classes", code="""
            def n_way(s, target):
                xp, queries = array_module(s), array_module(s).arange(len(s))
                shifted = s - s.max(axis=0, keepdims=True)
                exponential = xp.exp(shifted)
                ds = exponential / exponential.sum(axis=0, keepdims=True)
                loss = -xp.log(ds[queries, target])
                ds[queries, target] -= 1
                return loss.mean(), ds / s.dtype.type(len(s))
        """),
        Mistake("the exponentials overflow: they are those of the scores as they are", SHIFTED, "shifted = s"),
        Mistake("one maximum of all queries is taken off, and the exponentials of a query of lower scores are all 0",
                SHIFTED, "shifted = s - s.max()"),
        Mistake("the logarithm is that of the softmax, which is 0 where a score is far below the maximum", PICKED,
                "loss = -xp.log((exponential / total)[queries, target])"),
        Mistake("a small number is added to the softmax before its logarithm", PICKED,
                "loss = -xp.log((exponential / total)[queries, target] + s.dtype.type(1e-12))"),
        Mistake("exponentials of high scores are cut off", SHIFTED, "shifted = xp.clip(s, -80, 80)"),
        Mistake("s, an argument, is changed", SHIFTED, "s -= s.max(axis=1, keepdims=True)\n    shifted = s"),
        Mistake("float32 becomes float64", RETURNED, "return loss.mean(), ds / xp.full(1, float(len(s)))"),
        Mistake("the loss is a number of the host, copied back from the device", RETURNED,
                RETURNED.replace("loss.mean()", "float(loss.mean())")),
        Mistake("ds is an array of the host, copied back from the device", RETURNED,
                "ds = ds / s.dtype.type(len(s))\n    return loss.mean(), ds.get() if xp is not np else ds"),
        Mistake("something is read back from the device for every query, as int(target[q]) is", PICKED,
                "loss = xp.log(total[:, 0])\n    for q in range(len(s)):\n"
                "        loss[q] -= shifted[q, int(target[q])]"),
        Mistake("something is read back from the device once: by an `if`, a mask as an index, tolist() or the like",
                PICKED,
                "loss = xp.log(total[:, 0]) - shifted[xp.arange(s.shape[1]) == target[:, None]]"),
        Mistake("NumPy meets an array of the device, in a function or as an index", "xp.exp(shifted)",
                "np.exp(shifted)"),
    ],
    variations=[
        Variation("loss", "The loss is the mean over the queries q of log(sum over n of exp(s[q, n] / 2)) - "
                  "s[q, target[q]] / 2: all scores count half.",
                  ((SHIFTED, "shifted = (s - s.max(axis=1, keepdims=True)) / 2"),
                   (RETURNED, RETURNED.replace("len(s)", "2 * len(s)")))),
        Variation("loss", "The loss is the sum over the queries q, not their mean, of log(sum over n of exp(s[q, n])) "
                  "- s[q, target[q]].",
                  ((RETURNED, "return loss.sum(), ds"),)),
        Variation("loss", "The loss is the mean over the queries q of log(sum over n of exp(-s[q, n])) + "
                  "s[q, target[q]]: scores are distances here, smaller for more alike.",
                  ((SHIFTED, "shifted = s.min(axis=1, keepdims=True) - s"),
                   (RETURNED, RETURNED.replace("ds /", "-ds /")))),
    ],
    aliases={"n_way": ("class_loss", "softmax_loss", "one_of_n")},
    swapped={"n_way": 2},
)  # fmt: skip

# --- 17.2 -------------------------------------------------------------------------------------------------------------

SQUARED_SLOPE = "slope = -2 * ds"
PLAIN_SLOPE = "slope = -ds / xp.where(d > 0, d, 1)"
GRADIENTS = "return difference * slope[:, None], xp.empty(0, ds.dtype)"


def gradient_of(**arguments):
    return lambda answer: answer.DistanceHead(**arguments).gradient


def differences(seed, P, D, size=1.0, zero=()):
    """difference (P, D), of which some rows are 0, and a ds (P,) that has nothing to do with it, as arguments."""
    difference = size * normal(seed, P, D)
    difference[list(zero)] = 0
    return lambda: {"difference": difference.copy(), "ds": normal(seed + 50, P)}


def both(difference, ds):
    return lambda: {"difference": np.array(difference, float), "ds": np.array(ds, float)}


HAND = both([[3, 4], [0, -2], [1, 1]], [1, -3, 2])
SMALL = both([[1e-6, 0]], [1])
PARTS = {"": ("how many", "ddifference"), "params": ("dparams",), "unchanged": ("difference", "ds")}
HEADS = {  # smallest inputs; those without a device; larger ones
    "DistanceHead().gradient": (
        gradient_of(),
        [("distance", both([[-2]], [3]))],
        [
            ("zero", both([[0, 0], [3, -4], [0, 0]], [2, 1, -1])),
            ("zero", differences(2, 5, 9, 3.0, zero=(1, 3))),
            ("small", both([[3e-6, 4e-6], [0, -2e-6]], [1, 2])),
            ("small", differences(0, 5, 4, 1e-6)),
        ],
        [("distance", differences(1, 6, 3))],
    ),
    "DistanceHead(squared=False).gradient": (gradient_of(squared=False), [("chain", differences(3, 4, 4))], [], []),
    "DistanceHead(squared=True).gradient": (
        gradient_of(squared=True),
        [("squared", HAND), ("squared", both([[-2]], [3]))],
        [("zero", both([[0, 0], [3, -4]], [2, 1]))],
        [("squared", differences(4, 7, 2)), ("squared", differences(5, 3, 3, 2.0))],
    ),
}


def head(lines):
    """A DistanceHead whose gradient ends with these lines; xp and a square of each pair's distance are known."""
    return f"""
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        square = (difference**2).sum(axis=1)
        none = xp.zeros(0, ds.dtype)
        {lines}
"""


def first_head():
    """Cases of a first input; of dparams' type; and of a small difference. The first is compared to a few digits, so
    that of an answer that goes wrong where differences are small the case of one is what fails first."""
    get, results = HEADS["DistanceHead().gradient"][0], ["ddifference", "dparams"]
    name = "DistanceHead().gradient"
    plain, *others = calls((name, get), results, [("distance", HAND)], tolerance=1e-4, device="device")
    small, *further = calls((name, get), results, [("small", SMALL)], device="device")
    return [*apart([plain], PARTS), of_type(), *apart([small, *others, *further], PARTS)]


def of_type():
    """A case of the type of dparams."""

    def single():
        return {name: array.astype(np.float32) for name, array in HAND().items()}

    def run(answer):
        found = answer.DistanceHead().gradient(*single().values())
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], np.ndarray):
            return {"dparams": "something else than an array"}
        _, dparams = found
        own = "the type of ds, float32" if dparams.dtype == np.float32 else f"another type, {dparams.dtype}"
        return {"dparams": f"{'an empty array (0,)' if dparams.shape == (0,) else 'an array'} of {own}"}

    return Case("DistanceHead().gradient", run, "params", shown=single)


GRADIENT = Task(
    of="siamese: DistanceHead.gradient",
    parts=4,
    docs={
        "DistanceHead": Doc(
            """A head whose score is minus a distance: of the difference x = z_a - z_b of two embeddings it is s = -d
            with d = |x|, or with d = |x|^2 if self.squared is true.

            self.score(difference), which is written already, gives the scores (P,) of differences (P, D). The head has
            no parameters: nothing is in self.params and self.grads, and nothing has to be kept."""
        ),
        "gradient": Doc(
            """The gradients of a loss through the scores of P pairs.

            difference (P, D), x of each pair; ds (P,), the gradient that comes from the loss. Returns ddifference (P,
            D), the gradient with respect to difference, and dparams.""",
            {
                "chain": "ds is the gradient with respect to the scores s = -d, for each pair, and nothing is divided "
                "by P.",
                "distance": "If self.squared is false, d is Euclidean, the root of the sum of x_j^2 over j.",
                "squared": "If self.squared is true, d is the sum of x_j^2 over j, without the root.",
                "zero": "A pair whose difference is 0 has the gradient 0, and harms no other pair.",
                "small": "A difference that is small, but not 0, a millionth say, has its full gradient.",
                "params": "dparams is an empty array (0,) of the type of ds, since the head has no parameters.",
                "device": "Both arguments are NumPy's arrays or both CuPy's. With xp = array_module(difference) all "
                "functions are xp's; of CuPy's arrays, both results stay on the device, as its arrays; and nothing "
                "is read back from it: no float() of a value, no `if` on one, no mask as an index.",
            },
        ),
    },
    cases=first_head()
    + [
        case
        for name, (get, *groups) in HEADS.items()
        for case in apart(
            [
                each
                for inputs, device in zip(groups, ("device", "", "device"), strict=True)
                for each in calls((name, get), ["ddifference", "dparams"], inputs, device=device)
            ],
            PARTS,
        )
    ],
    mistakes=[
        *(Mistake("a small number is added to the distance in the denominator", "xp.where(d > 0, d, 1)",
                  f"(d + d.dtype.type({tiny}))") for tiny in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)),
        Mistake("the score is the distance, without its minus", code=head(
                "slope = 2 * ds if self.squared else ds / xp.where(square > 0, square, 1) ** 0.5\n"
                "        return difference * slope[:, None], none")),
        Mistake("the minus is missing where the distance is squared", SQUARED_SLOPE, "slope = 2 * ds"),
        Mistake("the minus is missing where the distance is not squared", PLAIN_SLOPE,
                PLAIN_SLOPE.replace("-ds", "ds")),
        Mistake("the 2 of the squared distance's gradient is missing", SQUARED_SLOPE, "slope = -ds"),
        Mistake("self.squared is not looked at: the distance is never squared", code=head(
                "return -difference * (ds / xp.where(square > 0, square, 1) ** 0.5)[:, None], none")),
        Mistake("the gradient is divided by the distance where self.squared is true, too", "if self.squared:",
                "if False:"),
        Mistake("self.squared is not looked at: the distance is always squared", "if self.squared:", "if True:"),
        Mistake("squared and not squared are in each other's place", code=head(
                "slope = -ds / xp.where(square > 0, square, 1) ** 0.5 if self.squared else -2 * ds\n"
                "        return difference * slope[:, None], none")),
        Mistake("ds is not used: every pair counts 1", code=head(
                "slope = -2 + 0 * ds if self.squared else -1 / xp.where(square > 0, square, 1) ** 0.5\n"
                "        return difference * slope[:, None], none")),
        Mistake("the gradient of the distance is not divided by the distance", PLAIN_SLOPE, "slope = -ds"),
        Mistake("the gradient of the distance is divided by the square of the distance", PLAIN_SLOPE,
                "slope = -ds / xp.where(d > 0, d**2, 1)"),
        Mistake("the gradient of the distance is divided by twice the distance", PLAIN_SLOPE,
                "slope = -ds / xp.where(d > 0, 2 * d, 1)"),
        Mistake("the distance is that of lines plus columns: its gradient is the sign of the difference", GRADIENTS,
                "if not self.squared:\n            difference = d[:, None] * xp.sign(difference)\n"
                f"        {GRADIENTS}"),
        Mistake("a difference of 0 has a gradient that is not a number: it is 0/0", "xp.where(d > 0, d, 1)", "d"),
        Mistake("a small number is added to the sum of squares, and a small difference has too small a gradient",
                PLAIN_SLOPE, "slope = -ds / xp.sqrt(d**2 + d.dtype.type(1e-12))"),
        Mistake("small differences count as 0", "xp.where(d > 0, d, 1)", "xp.where(d > 1e-5, d, 1)"),
        Mistake("no distance is taken as smaller than 0.00001", "xp.where(d > 0, d, 1)", "xp.maximum(d, 1e-5)"),
        Mistake("the distance is taken over the pairs, and not over the features of a pair", PLAIN_SLOPE,
                "slope = ds\n            e = xp.sqrt((difference**2).sum(axis=0))\n"
                "            difference = -difference / xp.where(e > 0, e, 1)"),
        Mistake("all pairs together have one distance", PLAIN_SLOPE,
                "slope = -ds / xp.sqrt(xp.maximum((d * d).sum(), 1e-30))"),
        Mistake("the gradient is divided by the number of pairs", GRADIENTS,
                GRADIENTS.replace("slope[:, None]", "slope[:, None] / ds.dtype.type(len(ds))")),
        Mistake("the gradient is a sum over the features of a pair", GRADIENTS,
                GRADIENTS.replace("difference * slope[:, None]", "(difference * slope[:, None]).sum(axis=1)")),
        Mistake("difference, an argument, is changed", GRADIENTS,
                "difference *= slope[:, None]\n        return difference, xp.empty(0, ds.dtype)"),
        Mistake("dparams is None", GRADIENTS, GRADIENTS.replace("xp.empty(0, ds.dtype)", "None")),
        Mistake("dparams is float64, whatever ds is", GRADIENTS, GRADIENTS.replace("(0, ds.dtype)", "(0)")),
        Mistake("dparams has a place for a parameter, and the head has none", GRADIENTS,
                GRADIENTS.replace("xp.empty(0,", "xp.zeros(1,")),
        Mistake("dparams lies on the host", GRADIENTS, GRADIENTS.replace("xp.empty", "np.empty")),
        Mistake("float32 becomes float64", GRADIENTS, GRADIENTS.replace("difference *", "difference.astype(float) *")),
        Mistake("something is read back from the device once: by an `if`, by a mask as an index or the like",
                PLAIN_SLOPE, "d[d == 0] = 1\n            slope = -ds / d"),
        Mistake("something is read back from the device for every pair, as float(d[p]) is", PLAIN_SLOPE,
                "slope = -ds\n            for p in range(len(d)):\n"
                "                slope[p] = slope[p] / (float(d[p]) or 1)"),
        Mistake("NumPy meets an array of the device, in a function or as an index", "xp.where(d > 0, d, 1)",
                "np.where(d > 0, d, 1)"),
    ],
    variations=[
        Variation("doubled", "ddifference is the gradient of twice the loss: everything in it is doubled.",
                  ((GRADIENTS, GRADIENTS.replace("return ", "return 2 * ")),)),
        Variation("chain", "ds is the gradient with respect to the distances d = -s, not to the scores, for each pair, "
                  "and nothing is divided by P.",
                  ((SQUARED_SLOPE, "slope = 2 * ds"), (PLAIN_SLOPE, PLAIN_SLOPE.replace("-ds", "ds")))),
        Variation("squared", "If self.squared is true, d is half the sum of x_j^2 over j, without the root (and so "
                  "half of what self.score takes).", ((SQUARED_SLOPE, "slope = -ds"),)),
    ],
    aliases={"DistanceHead": ("GapHead", "FarHead", "EuclidHead")},
)  # fmt: skip

EXERCISE = Exercise("the same lines on a GPU", GIVES, {"17.1": N_WAY, "17.2": GRADIENT})
