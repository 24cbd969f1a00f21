"""Exercise 4: the L1 head, the cross-entropy, and which places of an image speak for a score."""

from dataclasses import replace

import numpy as np

from lessons.exercises.cases import calls, normal, numbers, raises
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
                "chain": "Each gradient is ds[p] times the slope of pair p's score: by difference[p, j] in "
                "ddifference; by alpha_j or b in dparams, summed over the P pairs. Nothing is divided by P: the loss "
                "has its 1/P in ds.",
                "zero": "Where a difference is 0, the slope of the score by it is taken as 0.",
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
            "Where a difference is 0, the slope of the score by it is taken as alpha_j.",
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

# --- which places of an image speak for a score -----------------------------------------------------------------------


def checked(images):
    """Images as ``score`` takes them; a complaint about others."""
    if getattr(images, "ndim", 0) != 4:
        raise ValueError(f"score takes images (M, H, W, C), and was given {getattr(images, 'shape', type(images))}")
    return images


def total(images):
    """the sum of an image's numbers"""
    return checked(images).sum(axis=(1, 2, 3))


def weighed(images):
    """a weighted sum of an image's numbers, with other weights for all"""
    return (checked(images) * normal(99, *images.shape[1:]).astype(images.dtype)).sum(axis=(1, 2, 3))


def curved(images):
    """a function of an image's numbers that is no sum"""
    return np.tanh(weighed(images) / 3) + images.max(axis=(1, 2, 3)) * images[:, -1, -1, -1]


def peak(images):
    """the largest of an image's numbers"""
    return checked(images).max(axis=(1, 2, 3))


def of_bytes(images):
    """the mean of an image's numbers, as a float64"""
    return checked(images).mean(axis=(1, 2, 3))


def told(case):
    """The case, with what its score is in words."""
    return replace(case, shown=lambda: {
        name: value.__doc__ if callable(value) else value for name, value in case.shown().items()})  # fmt: skip


def byte_image():
    return np.random.default_rng(5).integers(0, 256, (5, 4, 2)).astype(np.uint8)


def asked(answer):
    """The types of the images that score is given."""
    found = {}
    for image in (normal(0, 4, 5, 1).astype(np.float32), byte_image()):
        types = set()

        def score(images, types=types):
            types.add(str(checked(images).dtype))
            return of_bytes(images)

        answer.occlusion_map(score, image, 2, 1)
        found[f"the type of the images that score is given for one of {image.dtype}"] = ", ".join(sorted(types))
    return found


def does_not_fit(answer, H, W, window):
    return raises(ValueError, lambda: answer.occlusion_map(total, normal(0, H, W, 1), window))


def occlusion_with(square, difference="whole - score(images)", start="", height="H - K", width="W - K"):
    """The map, square by square, with other lines."""
    return f"""
def occlusion_map(score, image, window, stride=1, blank=0):
    (H, W, C), K, S = image.shape, window, stride
    if not 1 <= K <= min(H, W):
        raise ValueError("does not fit")
    {start or "pass"}
    whole = score(image[None])[0]
    m = np.zeros((({height}) // S + 1, ({width}) // S + 1), whole.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            images = image[None].copy()
            {square}
            m[i, j] = ({difference})[0]
    return m
"""


SQUARE = "images[0, i * S : i * S + K, j * S : j * S + K] = blank"

MAPS = calls(
    "occlusion_map",
    ["m"],
    [
        ("fall", lambda: {"score": total, "image": np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]).reshape(3, 4, 1),
                          "window": 2}),
        ("fall", lambda: {"score": peak, "image": np.array([3.0, 1, 4, 5, 9, 2]).reshape(2, 3, 1), "window": 1}),
        ("channels", lambda: {"score": total, "image": numbers(2, 2, 3) - 3, "window": 1, "stride": 1, "blank": 5}),
        ("stride", lambda: {"score": total, "image": numbers(3, 5, 1) - 5, "window": 1, "stride": 2}),
        ("fall", lambda: {"score": total, "image": -numbers(2, 4, 1), "window": 2, "stride": 2, "blank": 0.5}),
        ("fall", lambda: {"score": weighed, "image": normal(0, 5, 7, 2), "window": 3, "stride": 1, "blank": -1}),
        ("fall", lambda: {"score": curved, "image": normal(1, 6, 4, 1), "window": 2}),
        ("stride", lambda: {"score": curved, "image": normal(2, 9, 8, 3), "window": 2, "stride": 3}),
        ("stride", lambda: {"score": weighed, "image": normal(3, 7, 11, 1), "window": 4, "stride": 2, "blank": 1}),
        ("fall", lambda: {"score": curved, "image": normal(4, 3, 3, 2), "window": 3, "stride": 2}),
        ("type", lambda: {"score": of_bytes, "image": byte_image(), "window": 2, "stride": 1, "blank": 200}),
    ],
)  # fmt: skip

OCCLUSION = Task(
    of="predict.occlusion: occlusion_map",
    parts=3,
    docs={
        "occlusion_map": Doc(
            """Which places of an image speak for its score: the scores with blank places tell (Zeiler & Fergus 2014).

            image (H, W, C), K = window, S = stride; returns m (Ho, Wo) with Ho = (H - K) // S + 1, and Wo alike. score
            is a function: it takes images (M, H, W, C) of the type of image, and returns their scores (M,). It may be
            asked once about all images, or several times; an image's score does not depend on the others.""",
            {
                "fall": "m[i, j] is the score of the image as it is, minus its score where the K x K pixels from line "
                "i S and column j S on are blank: positive where they speak for the score.",
                "channels": "All channels of a pixel that is blank have the number blank; the rest of the image is as "
                "it was.",
                "stride": "Squares begin S lines and S columns apart; those that would reach over the edge are left "
                "out.",
                "type": "m is of the type of the scores, which need not be that of image.",
                "asked": "score is asked about images of the type of image, and of no other.",
                "fits": "A window below 1, or above H or W, is a ValueError.",
            },
        )
    },
    cases=[
        Case("occlusion_map", asked, "asked"),
        *map(told, MAPS),
        Case("occlusion_map of an image of 4 lines with a window of 5", lambda a: does_not_fit(a, 4, 6, 5), "fits"),
        Case("occlusion_map of an image of 4 columns with a window of 5", lambda a: does_not_fit(a, 6, 4, 5), "fits"),
        Case("occlusion_map of an image of 4 x 4 with a window of 6", lambda a: does_not_fit(a, 4, 4, 6), "fits"),
        Case("occlusion_map with a window of 0", lambda a: does_not_fit(a, 4, 6, 0), "fits"),
        Case("occlusion_map with a window of -1", lambda a: does_not_fit(a, 4, 6, -1), "fits"),
    ],
    mistakes=[
        Mistake("the difference is the other way round: negative where a square speaks for the score",
                "whole - score(images)", "score(images) - whole"),
        Mistake("the score without the square is returned, not how far it falls",
                "whole - score(images)", "score(images)"),
        Mistake("the difference loses its sign", "whole - score(images)", "abs(whole - score(images))"),
        Mistake("m is 0 where the score rises", "whole - score(images)", "np.maximum(whole - score(images), 0)"),
        Mistake("the fall is divided by the score of the whole image",
                "whole - score(images)", "(whole - score(images)) / whole"),
        Mistake("the fall is divided by the number of pixels of a square", "whole - score(images)",
                "(whole - score(images)) / window**2"),
        Mistake("squares stay blank: the image is not restored before the next one", code=occlusion_with(
            SQUARE.replace("images", "shared"), "whole - score(shared)", "shared = image[None].copy()")),
        Mistake("all squares are blank in each image: the copies are one and the same array", code=occlusion_with(
            "for k, l in np.ndindex(m.shape):\n"
            "                images[0, k * S : k * S + K, l * S : l * S + K] = blank")),
        Mistake("a square's line and column change places", code=occlusion_with(
            "images[0, j * S : j * S + K, i * S : i * S + K] = blank")),
        Mistake("the mean of the scores with a blank square stands for the score of the image as it is",
                "return np.stack(lines)", "m = whole - np.stack(lines)\n    return m.mean() - m"),
        Mistake("m is what a square alone adds to the score of an image that is all blank", code=occlusion_with(
            "images[0] = blank\n            at = slice(i * S, i * S + K), slice(j * S, j * S + K)\n"
            "            images[0][at] = image[at]", "score(images) - score(np.full_like(images, blank))")),
        Mistake("m is divided by its largest number", "return np.stack(lines)",
                "m = np.stack(lines)\n    return m / abs(m).max()"),
        Mistake("the square is what is left, and all the rest is blank", code=occlusion_with(
            "images[0] = blank\n            at = slice(i * S, i * S + K), slice(j * S, j * S + K)\n"
            "            images[0][at] = image[at]")),
        Mistake("only the first channel of the square is blank",
                "j : j + window] = blank", "j : j + window, 0] = blank"),
        Mistake("a square has one line and one column too few", code=occlusion_with(SQUARE.replace("+ K", "+ K - 1"))),
        Mistake("a square has one line and one column too many", code=occlusion_with(SQUARE.replace("+ K", "+ K + 1"))),
        Mistake("the stride is forgotten: squares begin one pixel apart", code=occlusion_with(
            SQUARE.replace("i * S", "i").replace("j * S", "j"))),
        Mistake("the stride counts for lines alone", code=occlusion_with(SQUARE.replace("j * S", "j"))),
        Mistake("squares begin K pixels apart, whatever the stride is", code=occlusion_with(
            SQUARE.replace("i * S", "i * K").replace("j * S", "j * K"))),
        Mistake("the stride is forgotten in the size of m, too", code=occlusion_with(SQUARE, start="S = 1")),
        Mistake("the last line and the last column of squares are missing", code=occlusion_with(
            SQUARE, height="H - K - 1", width="W - K - 1")),
        Mistake("squares that reach over the edge are not left out",
                code=occlusion_with(SQUARE, height="H - 1", width="W - 1")),
        Mistake("squares are blank around the pixel (i S, j S), not from it on", code=occlusion_with(
            "top, left = i * S - K // 2, j * S - K // 2\n"
            "            images[0, max(top, 0) : top + K, max(left, 0) : left + K] = blank")),
        Mistake("m has its lines and columns in each other's place",
                "return np.stack(lines)", "return np.stack(lines, axis=1)"),
        Mistake("m is a row of numbers, (Ho Wo,)", "return np.stack(lines)", "return np.concatenate(lines)"),
        Mistake("blank is 0, whatever is asked for", "j : j + window] = blank", "j : j + window] = 0"),
        Mistake("blank is added to the square, and its numbers stay",
                "j : j + window] = blank", "j : j + window] += blank"),
        Mistake("blank is the image's mean, whatever is asked for",
                "j : j + window] = blank", "j : j + window] = image.mean()"),
        Mistake("image, an argument, is written into",
                code=occlusion_with(SQUARE + "\n            image[0] = images[0, 0]")),
        Mistake("the image itself is made blank, square by square",
                code=occlusion_with(SQUARE.replace("images[0, ", "image["),
                                                                                       "whole - score(image[None])")),
        Mistake("a window that does not fit is no error",
                code=occlusion_with(SQUARE).replace("1 <= K <= min(H, W)", "True")),
        Mistake("only the lines are looked at for whether a window fits",
                "1 <= window <= min(H, W)", "1 <= window <= H"),
        Mistake("a window below 1 is no error", "1 <= window <= min(H, W)", "window <= min(H, W)"),
        Mistake("a window as large as the image is refused, too",
                "1 <= window <= min(H, W)", "1 <= window < min(H, W)"),
        Mistake("m has the type of image, so that fractions are cut off", "return np.stack(lines)",
                "return np.stack(lines).astype(image.dtype)"),
        Mistake("m is float64 whatever the type of the scores is",
                "return np.stack(lines)", "return np.stack(lines).astype(float)"),
        *(Mistake(f"score is asked about images of {kind}, whatever the type of image is", "whole, columns",
                  f"image = image.astype(np.{kind})\n    whole, columns") for kind in ("float64", "float32")),
        Mistake("score is asked about images of float64 where a square is blank, whatever the type of image is",
                code=occlusion_with(f"images = images.astype(float)\n            {SQUARE}")),
        Mistake("score is asked about images that are divided by 255, where they are of uint8", "whole, columns",
                "image = image / 255 if image.dtype == np.uint8 else image\n    whole, columns"),
    ],
    variations=[
        Variation(
            "fall",
            "m[i, j] is the score of the image where the K x K pixels from line i S and column j S on are blank, "
            "minus its score as it is: negative where they speak for the score.",
            (("whole - score(images)", "score(images) - whole"),),
        ),
        Variation(
            "fall",
            "m[i, j] is the score of the image as it is, minus its score where the K x K pixels from line i S and "
            "column j S on are blank, divided by K K: how far the score falls for each pixel.",
            (("whole - score(images)", "(whole - score(images)) / window**2"),),
        ),
        Variation(
            "fall",
            "m[i, j] is the score of the image as it is, minus its score where all but the K x K pixels from line i S "
            "and column j S on is blank.",
            (
                (
                    "images[m, i : i + window, j : j + window] = blank",
                    "images[m] = blank\n            images[m, i : i + window, j : j + window] = "
                    "image[i : i + window, j : j + window]",
                ),
            ),
        ),
    ],
    aliases={"occlusion_map": ("blanked_map", "importance_map", "what_matters")},
)  # fmt: skip

EXERCISE = Exercise(
    "twins, the L1 head and the cross-entropy",
    GIVES,
    {"4.1": SCORE, "4.2": GRADIENT, "4.3": BCE, "4.4": OCCLUSION},
)
