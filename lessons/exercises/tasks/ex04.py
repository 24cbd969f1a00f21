"""Exercise 4: the L1 head and the cross-entropy."""

import numpy as np

from lessons.exercises.cases import calls, normal
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese import siamese
from minisiamese.layers import sigmoid
"""

# --- the L1 head ------------------------------------------------------------------------------------------------------


def head(answer, alpha, b=None):
    """A head with these parameters."""
    made = answer.L1Head(len(alpha), alpha, bias=b is not None)
    if b is not None:
        made.params["b"], made.grads["b"] = b, np.zeros_like(b)
    return made


def differences(seed, P, D):
    """Of pairs, two of which are pairs of equal embeddings, and a few more features are equal."""
    found = normal(seed, P, D)
    found[:: max(P // 2, 1)] = 0
    found[-1, : D // 2] = 0
    return found


SMALL = {
    "difference": np.array([[1, -2, 0.5], [0, 0, 0], [0, 3, -1], [-4, 1, 1]]),
    "alpha": np.array([-1.0, 2, 0.5]),
    "b": np.array([3.0]),
}


def head_input(seed, P, D, bias=True, **more):
    """Arguments of ``score``, or with ds those of ``gradient``, and the head's parameters."""

    def arguments():
        b = {"b": normal(seed + 2, 1) + 2} if bias else {}
        ds = {"ds": normal(seed + 3, P)} if more else {}
        return {"difference": differences(seed, P, D), **ds, "alpha": normal(seed + 1, D), **b}

    return arguments


L1 = "L1Head.score", lambda answer: lambda difference, alpha, b=None: head(answer, alpha, b).score(difference)

SCORE = Task(
    of="siamese: L1Head.score",
    parts=2,
    docs={
        "L1Head": Doc(
            """The paper's head: it scores pairs by the differences of their embeddings, a feature at a time.

            P pairs, D features, at least one of each; difference (P, D) holds z_a - z_b, a row for each pair of
            embeddings z_a and z_b. The library's class, which this one is made from, has made the arrays "alpha" (D,)
            and "b" (1,) in self.params; of a head that was made with bias=False there is no "b".""",
        ),
        "score": Doc(
            "difference (P, D); returns s (P,), the scores of the pairs.",
            {
                "sum": "s = b + the sum over j of alpha_j |difference_j|, for each pair.",
                "bias": 'Where self.params has no "b", none is added.',
            },
        ),
    },
    cases=calls(
        L1,
        ["s"],
        [
            ("sum", lambda: {key: value.copy() for key, value in SMALL.items()}),
            ("bias", lambda: {"difference": SMALL["difference"][2:].copy(), "alpha": SMALL["alpha"].copy()}),
            ("sum", lambda: {"difference": np.array([[2, -1.0]]), "alpha": np.array([3, 0.5]), "b": np.array([-1.0])}),
            ("sum", head_input(0, 1, 5)),
            ("sum", head_input(10, 6, 1)),
            ("sum", head_input(20, 4, 4)),
            ("sum", head_input(30, 7, 12)),
            ("bias", head_input(40, 5, 3, bias=False)),
            ("bias", head_input(50, 1, 3, bias=False)),
        ],
    ),
    mistakes=[
        Mistake("the differences keep their sign: alpha_j difference_j", "abs(difference) @", "difference @"),
        Mistake("the absolute value is taken of the whole sum, not of each difference",
                'abs(difference) @ self.params["alpha"]', 'abs(difference @ self.params["alpha"])'),
        Mistake("the absolute value is taken of alpha_j difference_j, so that alpha loses its sign",
                'abs(difference) @ self.params["alpha"]', 'abs(difference) @ abs(self.params["alpha"])'),
        Mistake("differences below 0 count as 0", "abs(difference) @", "np.maximum(difference, 0) @"),
        Mistake("the sum of the |difference_j| is multiplied by the sum of the alpha_j",
                'abs(difference) @ self.params["alpha"]', 'abs(difference).sum(axis=1) * self.params["alpha"].sum()'),
        Mistake("the sum over j is multiplied by b", 's + self.params["b"] if', 's * self.params["b"] if'),
        Mistake("the differences are squared", "abs(difference) @", "difference**2 @"),
        Mistake("the differences are squared, and the root is taken of the sum",
                'abs(difference) @ self.params["alpha"]',
                'np.sqrt(abs(difference**2 @ self.params["alpha"]))'),
        Mistake("alpha is left out", 'abs(difference) @ self.params["alpha"]', "abs(difference).sum(axis=1)"),
        Mistake("alpha_j counts for pair j, not for feature j", code="""
            class L1Head(siamese.L1Head):
                def score(self, difference):
                    s = (abs(difference) * self.params["alpha"][: len(difference), None]).sum(axis=1)
                    return s + self.params.get("b", 0)
        """),
        Mistake("the sum over j is a mean", 'abs(difference) @ self.params["alpha"]',
                'abs(difference) @ self.params["alpha"] / difference.shape[1]'),
        Mistake("the sum is over the pairs, not over the features", code="""
            class L1Head(siamese.L1Head):
                def score(self, difference):
                    return (abs(difference) * self.params["alpha"]).sum(axis=0) + self.params.get("b", 0)
        """),
        Mistake("the features are not summed up: one number for each pair and feature",
                'abs(difference) @ self.params["alpha"]',
                'abs(difference) * self.params["alpha"]'),
        Mistake("the sum has a minus",
                'abs(difference) @ self.params["alpha"]', '-abs(difference) @ self.params["alpha"]'),
        Mistake("b is taken away", 's + self.params["b"] if', 's - self.params["b"] if'),
        Mistake("b is left out", 'return s + self.params["b"] if "b" in self.params else s', "return s"),
        Mistake("b is added once a feature: within the sum over j", 's + self.params["b"] if',
                's + self.params["b"] * difference.shape[1] if'),
        Mistake("b is asked for where there is none", ' if "b" in self.params else s', ""),
        Mistake("the probability is returned, the sigmoid of the score",
                'return s + self.params["b"] if "b" in self.params else s',
                'return 1 / (1 + np.exp(-s - self.params.get("b", 0)))'),
        Mistake("the scores are a column, (P, 1)", 'return s + self.params["b"] if "b" in self.params else s',
                'return s[:, None] + self.params.get("b", 0)'),
        Mistake("difference, an argument, is written into",
                "abs(difference) @", "np.abs(difference, out=difference) @"),
        Mistake("float32 becomes float64", "abs(difference) @", "abs(difference).astype(float) @"),
    ],
    variations=[
        Variation(
            "sum",
            "s = b - the sum over j of alpha_j |difference_j|, for each pair; gradient is that of this score.",
            (
                ('s = abs(difference) @ self.params["alpha"]', 's = -(abs(difference) @ self.params["alpha"])'),
                ("dalpha = ds @ abs(difference)", "dalpha = -(ds @ abs(difference))"),
                ('xp.sign(difference) * self.params["alpha"]', '-xp.sign(difference) * self.params["alpha"]'),
            ),
        ),
        Variation(
            "sum",
            "s = b + the sum over j of alpha_j difference_j^2, for each pair; gradient is that of this score.",
            (
                ('s = abs(difference) @ self.params["alpha"]', 's = difference**2 @ self.params["alpha"]'),
                ("dalpha = ds @ abs(difference)", "dalpha = ds @ difference**2"),
                ('xp.sign(difference) * self.params["alpha"]', '2 * difference * self.params["alpha"]'),
            ),
        ),
        Variation(
            "sum",
            "s = b + the mean over j of alpha_j |difference_j|, for each pair; gradient is that of this score.",
            (
                ('s = abs(difference) @ self.params["alpha"]',
                 's = abs(difference) @ self.params["alpha"] / difference.shape[1]'),
                ("dalpha = ds @ abs(difference)", "dalpha = ds @ abs(difference) / difference.shape[1]"),
                ('xp.sign(difference) * self.params["alpha"]',
                 'xp.sign(difference) * self.params["alpha"] / difference.shape[1]'),
            ),
        ),
    ],
    aliases={"L1Head": ("WeightedHead", "AlphaHead", "ManhattanHead")},
)  # fmt: skip


def gradients(answer):
    return lambda difference, ds, alpha, b=None: head(answer, alpha, b).gradient(difference, ds)


def after(answer):
    """What else gradient has changed."""
    made = head(answer, normal(0, 4), normal(1, 1))
    made.gradient(normal(2, 3, 4), normal(3, 3))
    found = {f"self.grads['{key}'] after it": value for key, value in made.grads.items()}
    return found | {f"self.params['{key}'] after it": value for key, value in made.params.items()}


def gradient_with(*lines):
    """The method with other lines, and what they need."""
    return f"""
class L1Head(siamese.L1Head):
    def gradient(self, difference, ds):
        alpha, size = self.params["alpha"], abs(difference)
        ddifference, dalpha, db = np.sign(difference) * alpha * ds[:, None], ds @ size, ds.sum()
        {(chr(10) + 8 * " ").join(lines)}
        return ddifference, np.append(dalpha, db) if "b" in self.params else dalpha
"""


GRADIENT = Task(
    of="siamese: L1Head.gradient",
    parts=4,
    docs={
        "gradient": Doc(
            """The way back through s = ``score(difference)``.

            difference (P, D); ds (P,) is the gradient of the loss with respect to s. Returns two arrays: ddifference
            (P, D), the gradient of the loss with respect to difference, and dparams, that with respect to the
            parameters.""",
            {
                "chain": "Each gradient is ds[p] times the slope of pair p's score: with respect to difference[p, j] "
                "in ddifference; with respect to alpha_j or b in dparams, summed over the P pairs. Nothing is divided "
                "by P: the loss has its 1/P in ds.",
                "zero": "Where a difference is 0, the slope of the score with respect to it is taken as 0.",
                "order": "dparams is one array: the D numbers of alpha's gradient, then b's, so (D + 1,).",
                "without": 'Where self.params has no "b", dparams is alpha\'s gradient alone, (D,).',
                "returned": "self.params and self.grads stay as they are: what calls this method adds dparams.",
            },
        ),
    },
    cases=[
        *calls(
            ("L1Head.gradient", gradients),
            ["ddifference", "dparams"],
            [
                ("chain", lambda: {"difference": np.array([[1, -2, 0.5], [-4, 3, -1]]), "ds": np.array([2.0, -1]),
                                        "alpha": np.array([-1.0, 2, 0.5]), "b": np.array([3.0])}),
                ("zero", lambda: {"difference": SMALL["difference"].copy(), "ds": np.array([1.0, 2, -3, 0.5]),
                                  "alpha": np.array([-1.0, 2, 0.5]), "b": np.array([3.0])}),
                ("without", lambda: {"difference": np.array([[1, -2, 0.5], [-4, 3, -1]]), "ds": np.array([2.0, -1]),
                                     "alpha": np.array([-1.0, 2, 0.5])}),
                ("chain", head_input(50, 1, 5, ds=True)),
                ("chain", head_input(60, 6, 1, ds=True)),
                ("order", head_input(70, 4, 4, ds=True)),
                ("chain", head_input(80, 7, 12, ds=True)),
                ("without", head_input(90, 9, 4, bias=False, ds=True)),
            ],
        ),
        Case("L1Head.gradient, and what else it changes", after, "returned"),
    ],
    mistakes=[
        Mistake("the slope where a difference is 0 is taken as that from the right: sign(0) = 1", "xp.sign(difference)",
                "xp.where(difference >= 0, 1, -1).astype(difference.dtype)"),
        Mistake("the slope where a difference is 0 is taken as that from the left: sign(0) = -1", "xp.sign(difference)",
                "xp.where(difference > 0, 1, -1).astype(difference.dtype)"),
        Mistake("the slope where a difference is 0 comes to 0 / 0, nan",
                "xp.sign(difference)", "difference / abs(difference)"),
        Mistake("the slope where a difference is below 0 is 0", "xp.sign(difference)",
                "(difference > 0).astype(difference.dtype)"),
        Mistake("ddifference has the sign of a pair's whole sum, not that of each difference",
                "xp.sign(difference)", 'xp.sign(difference @ self.params["alpha"])[:, None]'),
        *(Mistake("the difference is divided by its size plus a small number, so that the slope is not 1 or -1",
                  "xp.sign(difference)", f"(difference / (abs(difference) + difference.dtype.type({eps})))")
          for eps in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)),
        Mistake("ddifference has the size of the difference in place of its sign",
                "xp.sign(difference)", "abs(difference)"),
        Mistake("ddifference has the difference itself in place of its sign", "xp.sign(difference)", "difference"),
        Mistake("ddifference lacks the sign of the difference", "xp.sign(difference)", "difference**0"),
        Mistake("ddifference has a minus", "xp.sign(difference)", "-xp.sign(difference)"),
        Mistake("ddifference lacks alpha", 'xp.sign(difference) * self.params["alpha"]', "xp.sign(difference)"),
        Mistake("ddifference lacks ds", "ddifference *= ds[:, None]", "pass"),
        Mistake("ddifference of all pairs has the sum of ds", "ddifference *= ds[:, None]", "ddifference *= ds.sum()"),
        Mistake("ds is multiplied as a row, along the features, not along the pairs", "ddifference *= ds[:, None]",
                "ddifference = ddifference * ds"),
        Mistake("ddifference is divided by P", "ddifference *= ds[:, None]", "ddifference *= ds[:, None] / len(ds)"),
        Mistake("alpha's gradient lacks the absolute value", "ds @ abs(difference)", "ds @ difference"),
        Mistake("alpha's gradient has 0 for differences below 0", "ds @ abs(difference)",
                "ds @ xp.maximum(difference, 0)"),
        Mistake("ds loses its sign in alpha's gradient", "ds @ abs(difference)", "abs(ds) @ abs(difference)"),
        Mistake("the last pair alone counts in dparams", code=gradient_with("dalpha, db = ds[-1] * size[-1], ds[-1]")),
        Mistake("the first pair alone counts in dparams", code=gradient_with("dalpha, db = ds[0] * size[0], ds[0]")),
        Mistake("alpha's gradient has the squares of the differences", "ds @ abs(difference)", "ds @ difference**2"),
        Mistake("the gradients are those of alpha_j difference_j^2", code=gradient_with(
            "ddifference, dalpha = 2 * difference * alpha * ds[:, None], ds @ difference**2")),
        Mistake("alpha's gradient has alpha in it", "dalpha = ds @ abs(difference)",
                'dalpha = ds @ abs(difference) * self.params["alpha"]'),
        Mistake("alpha's gradient has only the signs of the differences, not their sizes", "ds @ abs(difference)",
                "ds @ xp.sign(difference)"),
        Mistake("alpha's gradient lacks ds", "ds @ abs(difference)", "abs(difference).sum(axis=0)"),
        Mistake("alpha's gradient is divided by P",
                "dalpha = ds @ abs(difference)", "dalpha = ds @ abs(difference) / len(ds)"),
        Mistake("all gradients have a minus",
                code=gradient_with("ddifference, dalpha, db = -ddifference, -dalpha, -db")),
        Mistake("dparams has a row for each pair, and no sum over them", code=gradient_with(
            "dalpha, db = abs(difference) * ds[:, None], ds",
            'return ddifference, np.column_stack([dalpha, db]) if "b" in self.params else dalpha')),
        Mistake("b's gradient is the mean of ds, not its sum", "ds.sum()", "ds.mean()"),
        Mistake("the gradients of alpha and b are divided by P",
                code=gradient_with("dalpha, db = dalpha / len(ds), ds.mean()")),
        Mistake("all gradients are divided by P", code=gradient_with(
            "ddifference, dalpha, db = ddifference / len(ds), dalpha / len(ds), ds.mean()")),
        Mistake("b's gradient is the number of pairs, without ds", "ds.sum()", "ds.dtype.type(ds.size)"),
        Mistake("b's gradient is 1", "ds.sum()", "ds.dtype.type(1)"),
        Mistake("b's gradient has b in it", "ds.sum()", '(ds.sum() * self.params["b"])'),
        Mistake("dparams has b's gradient first", "xp.append(dalpha, ds.sum())", "xp.append(ds.sum(), dalpha)"),
        Mistake("dparams lacks b's gradient",
                'xp.append(dalpha, ds.sum()) if "b" in self.params else dalpha', "dalpha"),
        Mistake("dparams has b's gradient where there is no b", ' if "b" in self.params else dalpha', ""),
        Mistake("dparams ends with a 0 where there is no b", ' if "b" in self.params else dalpha',
                ' if "b" in self.params else xp.append(dalpha, ds.dtype.type(0))'),
        Mistake("dparams and ddifference are returned in the other order", code=gradient_with(
            'return np.append(dalpha, db) if "b" in self.params else dalpha, ddifference')),
        Mistake("the gradients of alpha and b are returned one by one, and not as one array", code=gradient_with(
            'if "b" in self.params:', "    return ddifference, dalpha, db")),
        Mistake("the gradients of alpha and b are added to self.grads, too", code=gradient_with(
            'self.grads["alpha"] += dalpha', 'if "b" in self.params:', '    self.grads["b"] += db')),
        Mistake("difference, an argument, is written into", "dalpha = ds @ abs(difference)",
                "dalpha = ds @ abs(difference)\n        difference[...] = xp.sign(difference)"),
        Mistake("ds, an argument, is divided by P in its place, and so are all gradients",
                "dalpha = ds @ abs(difference)", "ds /= len(ds)\n        dalpha = ds @ abs(difference)"),
        Mistake("ds, an argument, is written into",
                "ddifference *= ds[:, None]", "ddifference *= ds[:, None]\n        ds /= 2"),
        Mistake("alpha is written into", 'ddifference = xp.sign(difference) * self.params["alpha"]',
                'ddifference = xp.sign(difference) * self.params["alpha"]\n        self.params["alpha"] -= dalpha'),
        Mistake("ddifference is float64 where difference is float32", "ddifference *= ds[:, None]",
                "ddifference = ddifference * ds[:, None].astype(float)"),
        Mistake("dparams is float64 where ds is float32", "dalpha = ds @ abs(difference)",
                "dalpha = ds.astype(float) @ abs(difference)"),
    ],
    variations=[
        Variation(
            "order",
            "dparams is one array: b's gradient, then the D numbers of alpha's, so (D + 1,).",
            (("xp.append(dalpha, ds.sum())", "xp.append(ds.sum(), dalpha)"),),
        ),
        Variation(
            "zero",
            "Where a difference is 0, the slope of the score with respect to it is taken as alpha_j.",
            (
                (
                    "ddifference *= ds[:, None]",
                    "ddifference = xp.where(difference == 0, self.params['alpha'], ddifference) * ds[:, None]",
                ),
            ),
        ),
    ],
)  # fmt: skip

# --- the cross-entropy ------------------------------------------------------------------------------------------------


def singles(inputs):
    """The inputs with s in float32, and y of another type."""
    return [
        ("types", lambda arguments=arguments, kind=kind: {
            "s": arguments()["s"].astype(np.float32), "y": arguments()["y"].astype(kind)})
        for _, arguments in inputs for kind in (np.int64, np.float64)
    ]  # fmt: skip


BCE_INPUTS = [
    ("loss", lambda: {"s": np.array([2.0, 1.5, -1, 0.5]), "y": np.array([1, 0, 0, 1])}),
    ("one", lambda: {"s": np.array([-0.25]), "y": np.array([0.0])}),
    ("loss", lambda: {"s": np.array([2.0, -1, 0.5, -3, 0]), "y": np.array([1.0, 0, 0, 1, 1])}),
    ("far", lambda: {"s": np.array([800.0, 800, 1]), "y": np.array([0, 1, 1])}),
    ("far", lambda: {"s": np.array([-800.0, -800, 2]), "y": np.array([0, 1, 0])}),
    ("far", lambda: {"s": np.array([40.0, -40, 1]), "y": np.array([0, 1, 1])}),
    ("loss", lambda: {"s": 3 * normal(0, 12), "y": np.arange(12) % 3 // 2}),
    ("loss", lambda: {"s": normal(1, 7) - 1, "y": (np.arange(7) % 2).astype(float)}),
]


def entropy(*lines):
    """The loss with other lines, and what they need."""
    return f"""
def bce(s, y):
    y, P = y.astype(s.dtype), s.dtype.type(len(s))
    p, losses = sigmoid(s), np.maximum(s, 0) - s * y + np.log1p(np.exp(-abs(s)))
    loss, ds = losses.mean(), (p - y) / P
    {(chr(10) + "    ").join(lines)}
    return loss, ds
"""


MOVED = (  # log p and log(1 - p), so that neither is the logarithm of 0
    ("np.log(np.clip(wide, eps, 1 - eps))", "np.log(1 - np.clip(wide, eps, 1 - eps))"),
    ("np.log(np.maximum(wide, eps))", "np.log(np.maximum(1 - wide, eps))"),
    ("np.log(wide + eps)", "np.log(1 - wide + eps)"),
)

BCE = Task(
    of="losses: bce",
    parts=4,
    docs={
        "bce": Doc(
            """The binary cross-entropy: how far the scores of pairs are from what the pairs are.

            s (P,), floats, are the scores of P pairs; p = sigmoid(s) = 1 / (1 + exp(-s)) are the probabilities of
            "same". y (P,), of int64, float32 or float64, is 0 or 1 for each pair; there is at least one pair. Returns
            loss, one number, and ds (P,), the gradient of loss with respect to s.""",
            {
                "loss": "loss is the mean over pairs of -y log p - (1 - y) log(1 - p), with the natural logarithm, so "
                "that y is 1 for a pair that is the same; ds is the gradient of that mean, its 1/P included.",
                "one": "s and y may be of one pair, P = 1.",
                "far": "Both are right for scores of -800 and 800, too: a pair may have a loss of 800. It is not inf "
                "or nan then, nor less, as with a p that was clipped. That NumPy warns of an overflow is no mistake.",
                "types": "loss and ds are of the type of s, whatever that of y is.",
            },
        )
    },
    cases=[
        *calls("bce", ["loss", "ds"], BCE_INPUTS),
        *calls("bce", ["loss", "ds"], singles(BCE_INPUTS[:3] + BCE_INPUTS[-2:]), tolerance=2e-5, floats=False,
               layouts=False),
    ],
    mistakes=[
        Mistake("the loss is the sum over pairs, not the mean", "loss.mean()", "loss.sum()"),
        Mistake("the loss is that of each pair, without a mean", "loss.mean()", "loss"),
        Mistake("ds lacks the 1/P of the mean", "(sigmoid(s) - y) / s.dtype.type(len(s))", "sigmoid(s) - y"),
        Mistake("loss and ds are of the sum over pairs, not of the mean",
                code=entropy("loss, ds = losses.sum(), p - y")),
        Mistake("ds has the other sign: y - p", "(sigmoid(s) - y)", "(y - sigmoid(s))"),
        Mistake("the loss has the other sign", "return loss.mean()", "return -loss.mean()"),
        Mistake("loss and ds have the other sign", code=entropy("loss, ds = -loss, -ds")),
        Mistake("loss and ds are those of 1 - y: same and different are exchanged",
                "y.astype(s.dtype)", "1 - y.astype(s.dtype)"),
        Mistake("loss is that of 1 - y: same and different are exchanged in it", "- s * y", "- s * (1 - y)"),
        Mistake("ds has the slope of the sigmoid once more: (p - y) p (1 - p) / P",
                code=entropy("ds = ds * p * (1 - p)")),
        Mistake("ds has the slope of the sigmoid once more, and is that of squares: 2 (p - y) p (1 - p) / P",
                code=entropy("ds = 2 * ds * p * (1 - p)")),
        Mistake("ds has y from -1 to 1: (p - (2 y - 1)) / P", "(sigmoid(s) - y)", "(sigmoid(s) - (2 * y - 1))"),
        Mistake("ds has 0 or 1 in place of p: whether s is above 0", "(sigmoid(s) - y)", "((s > 0) - y)"),
        Mistake("ds is taken twice", "(sigmoid(s) - y)", "2 * (sigmoid(s) - y)"),
        Mistake("ds is the gradient with respect to p, not to s", code=entropy("ds = ds / (p * (1 - p))")),
        Mistake("the loss has only the term with y, that of pairs that are the same", code=entropy(
            "loss, ds = (y * np.logaddexp(0, -s)).mean().astype(s.dtype), y * ds")),
        Mistake("the loss has only the term with 1 - y, that of pairs that are different", code=entropy(
            "loss, ds = ((1 - y) * np.logaddexp(0, s)).mean().astype(s.dtype), (1 - y) * ds")),
        Mistake("the loss has only the term with y, and ds is right", code=entropy(
            "loss = (y * np.logaddexp(0, -s)).mean().astype(s.dtype)")),
        Mistake("the term with 1 - y is taken away, not added, in the loss", code=entropy(
            "loss = (y * np.logaddexp(0, -s) - (1 - y) * np.logaddexp(0, s)).mean().astype(s.dtype)")),
        Mistake("the loss lacks log(1 + e^-|s|), so that it is 0 for all pairs on the right side of 0",
                " + xp.log1p(xp.exp(-abs(s)))", ""),
        Mistake("log(1 + e^-|s|) is taken away, not added", " + xp.log1p(xp.exp(-abs(s)))",
                " - xp.log1p(xp.exp(-abs(s)))"),
        Mistake("the loss is the hinge loss: how far s is below 1 for the same, above -1 for others", code=entropy(
            "loss = np.maximum(0, 1 - (2 * y - 1) * s).mean()")),
        *(Mistake("scores are clipped, so that large losses are cut off", code=entropy("loss = loss + 0").replace(
            "y, P =", f"s = np.clip(s, -{end}, {end})\n    y, P ="))
          for end in (10, 15, 16, 20, 30, 36, 50, 80, 88, 100, 500, 700)),
        *(Mistake("the logarithm of 0 is taken, and what comes of it, inf or nan, is made another number",
                  code=entropy(f"loss = np.nan_to_num({losses}).mean()"))
          for losses in ("-(y * np.log(p) + (1 - y) * np.log(1 - p))", "-y * np.log(p) - (1 - y) * np.log(1 - p)",
                         "-np.log(np.where(y == 1, p, 1 - p))")),
        Mistake("s y is added, not taken away", "- s * y", "+ s * y"),
        Mistake("the exponential overflows, so that the loss of large scores is inf",
                "xp.maximum(s, 0) - s * y + xp.log1p(xp.exp(-abs(s)))",
                "xp.log(1 + xp.exp(s)) - s * y"),
        Mistake("the exponential overflows for scores far below 0, so that their loss is inf",
                "xp.maximum(s, 0) - s * y + xp.log1p(xp.exp(-abs(s)))", "s * (1 - y) + xp.log(1 + xp.exp(-s))"),
        Mistake("the exponential overflows for pairs whose score is far on the wrong side, so that their loss is inf",
                code=entropy("loss = np.where(y == 1, np.log1p(np.exp(-s)), np.log1p(np.exp(s))).mean()")),
        Mistake("the exponential is that of |s|, not of -|s|", "xp.exp(-abs(s))", "xp.exp(abs(s))"),
        Mistake("the exponential is that of -s, not of -|s|", "xp.exp(-abs(s))", "xp.exp(-s)"),
        Mistake("p is 0 or 1 for large scores, so that the loss has a logarithm of 0", code=entropy(
            "loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()")),
        Mistake("p is 0 or 1 for large scores: only the logarithm that y asks for is taken, and that of 0 is inf",
                code=entropy(
            "loss = -np.log(np.where(y == 1, p, 1 - p)).mean()")),
        *(Mistake("p is clipped, or moved by a small number, before its logarithm is taken: large losses are cut off",
                  code=entropy(f"eps, wide = {eps}, {wide}", f"loss = -(y * {logs[0]} + (1 - y) * {logs[1]}).mean()",
                               "loss = loss.astype(s.dtype)"))
          for wide in ("p", "sigmoid(s.astype(float))") for logs in MOVED
          for eps in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, "np.finfo(s.dtype).eps")),
        Mistake("the logarithm has the base 2", "loss.mean()", "loss.mean() / s.dtype.type(np.log(2))"),
        Mistake("the logarithm of the loss has the base 2, and ds goes with it", code=entropy(
            "loss, ds = loss / s.dtype.type(np.log(2)), ds / s.dtype.type(np.log(2))")),
        Mistake("the logarithm has the base 10", "loss.mean()", "loss.mean() / s.dtype.type(np.log(10))"),
        Mistake("loss and ds are halved", code=entropy("loss, ds = loss / 2, ds / 2")),
        Mistake("the sum over pairs is divided by the number of pairs that are the same, not by P", code=entropy(
            "count = np.maximum(y.sum(), 1)", "loss, ds = losses.sum() / count, (p - y) / count")),
        Mistake("the sum over pairs is divided by P - 1, not by P", code=entropy(
            "count = s.dtype.type(max(len(s) - 1, 1))", "loss, ds = losses.sum() / count, (p - y) / count")),
        Mistake("the loss is the mean squared error of p", code=entropy("loss = ((p - y) ** 2).mean()")),
        Mistake("s is taken for p: the logarithms are those of the scores", code=entropy(
            "loss, ds = -(y * np.log(s) + (1 - y) * np.log(1 - s)).mean(), (s - y) / P")),
        Mistake("ds and loss are returned in the other order", code=entropy("loss, ds = ds, loss")),
        Mistake("s, an argument, is written into",
                "return loss.mean()",
                "s = s.view()\n    r = s.copy()\n    s[...] = 0\n    s = r\n    return loss.mean()"),
        Mistake("y, an argument, is written into", code=entropy("ds = ds.copy()").replace("y, P = y.astype(s.dtype)",
                "given, y, P = y, y.astype(s.dtype)").replace("    return", "    given[...] = 1 - given\n    return")),
        Mistake("loss and ds are float64 where s is float32, and y of whole numbers or float64", "y.astype(s.dtype)",
                "y.astype(float)"),
        *(Mistake(f"loss and ds are float64 where s is float32 and y is of {kind}: y's type decides",
                  "y.astype(s.dtype)", f"y.astype(s.dtype if y.dtype in {keeps} else float)")
          for kind, keeps in (("int64", "(np.float32, np.float64)"), ("int64 or float64", "(np.float32,)"),
                              ("float64", "(np.float32, np.int64)"))),
        *(Mistake(f"{what} is float64 where s is float32 and y is of int64 or float64: y's type decides", code=entropy(
            f"{name} = {name} + 0 * given.reshape(-1)[0]").replace("y, P = y.astype", "given, y, P = y, y.astype"))
          for what, name in (("the loss", "loss"), ("ds", "ds"))),
        Mistake("ds is float64 where s is float32: P has made it so",
                " / s.dtype.type(len(s))", " / np.float64(len(s))"),
        Mistake("the loss is float64 where s is float32", "loss.mean()", "loss.mean(dtype=float)"),
    ],
    variations=[
        Variation(
            "loss",
            "loss is the mean over pairs of -(1 - y) log p - y log(1 - p), with the natural logarithm, so that y is 0 "
            "for a pair that is the same; ds is the gradient of that mean, its 1/P included.",
            (("y.astype(s.dtype)", "1 - y.astype(s.dtype)"),),
        ),
        Variation(
            "loss",
            "loss is the sum over pairs of -y log p - (1 - y) log(1 - p), with the natural logarithm, so that y is 1 "
            "for a pair that is the same; ds is the gradient of that sum, which has no 1/P.",
            (("loss.mean()", "loss.sum()"), ("(sigmoid(s) - y) / s.dtype.type(len(s))", "sigmoid(s) - y")),
        ),
        Variation(
            "loss",
            "loss is the mean over pairs of -y log p - (1 - y) log(1 - p), with the logarithm to the base 2, so that "
            "y is 1 for a pair that is the same; ds is the gradient of that mean, its 1/P included.",
            (
                ("loss.mean()", "loss.mean() / s.dtype.type(np.log(2))"),
                ("/ s.dtype.type(len(s))", "/ s.dtype.type(len(s) * np.log(2))"),
            ),
        ),
    ],
    aliases={"bce": ("cross_entropy", "log_loss", "pair_loss")},
    swapped={"bce": 2},
)  # fmt: skip

EXERCISE = Exercise(
    "twins, the L1 head and the cross-entropy",
    GIVES,
    {"4.1": SCORE, "4.2": GRADIENT, "4.3": BCE},
)
