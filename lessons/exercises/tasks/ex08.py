"""Exercise 8: batch norm and Adam."""

from dataclasses import replace

import numpy as np

from lessons.exercises.cases import a_layer, array, calls, changed, normal, passes, steps_of, told_apart
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese import layers, optimizers
"""

# --- 8.1 --------------------------------------------------------------------------------------------------------------


def batch_norm(answer, given):
    """The layer, with the settings and the stored statistics that are given, all of the type of x."""
    settings = {key: given[key] for key in ("momentum", "eps") if key in given}
    layer = answer.BatchNorm(given["x"].shape[-1], **settings)
    for key, value in layer.buffers.items():
        layer.buffers[key] = given.get(f"stored {key}", value).astype(given["x"].dtype)
    return layer


def parameterised(answer, given):
    layer = batch_norm(answer, given)
    for key in layer.params:
        layer.params[key] = given[key].astype(given["x"].dtype)
        layer.grads[key] = np.zeros_like(layer.params[key])
    return layer


def without_dy(given):
    return lambda: {key: value for key, value in given().items() if key != "dy"}


def follows(given):
    """A case of the stored statistics after one step of training, and after two."""

    def run(answer):
        arguments = given()
        layer = parameterised(answer, arguments)
        layer.forward(arguments["x"].copy())
        found = {f"self.buffers['{key}']": value.copy() for key, value in layer.buffers.items()}
        layer.forget()
        layer.forward(2 * arguments["x"] - 1)
        return found | {f"self.buffers['{key}'] after another batch": value for key, value in layer.buffers.items()}

    tolerance = 1e-7 if given()["x"].dtype == float else 2e-5
    return Case("BatchNorm.forward", run, "follow", "BatchNorm.forward", tolerance, shown=without_dy(given))


def evaluates(given):
    """A case of train=False, before any training and after a step of it."""

    def run(answer):
        arguments = given()
        layer = parameterised(answer, arguments)
        found = {"y with train=False": layer.forward(arguments["x"].copy(), train=False)}
        found |= {f"self.buffers['{key}'] after it": value.copy() for key, value in layer.buffers.items()}
        layer.forget()
        layer.forward(arguments["x"].copy())
        layer.forget()
        return found | {"y after a step of training, with train=False": layer.forward(arguments["x"], train=False)}

    tolerance = 1e-7 if given()["x"].dtype == float else 2e-5
    return Case("BatchNorm.forward, with train=False", run, "stored", "BatchNorm.forward", tolerance,
                shown=without_dy(given))  # fmt: skip


def norm_inputs():
    """(rule, -> arguments) of the passes, the smallest first. Where eps is not what is asked, it is 0."""
    return [
        ("", lambda: {"x": array([1, 0], [2, 2], [6, 1]), "dy": array([1, 0], [0, 1], [0, 0]),
               "gamma": array(1, 1), "beta": array(0, 0), "eps": 0.0}),
        ("shift", lambda: {"x": array([1, 0], [2, 2], [6, 7]), "dy": array([2, 1], [-1, 0], [0, 3]),
                           "gamma": array(2, -1), "beta": array(0.5, 3), "eps": 0.0}),
        ("eps", lambda: {"x": array([1, 3], [3, 3]), "dy": array([1, 2], [0, 4]), "gamma": array(2, 1),
                         "beta": array(0, 1), "eps": 0.5625}),
        ("axes", lambda: {"x": array(1, 3, 2, 7, 6, 14).reshape(3, 1, 2, 1),
                          "dy": array(1, 0, 0, 2, 0, 0).reshape(3, 1, 2, 1),
                          "gamma": array(1), "beta": array(0), "eps": 0.0}),
        ("axes", lambda: {"x": array([0, 5], [1, 1], [2, 0], [9, 0]).reshape(1, 2, 2, 2),
                          "dy": array([1, 0], [0, 2], [0, 0], [3, 1]).reshape(1, 2, 2, 2),
                          "gamma": array(1, 2), "beta": array(0, 1), "eps": 0.0}),
        ("axes", lambda: {"x": normal(0, 2, 3, 4, 2), "dy": normal(1, 2, 3, 4, 2), "gamma": normal(2, 2),
                          "beta": normal(3, 2), "momentum": 0.5, "eps": 0.0}),
        ("eps", lambda: {"x": array([2, -1, 0.5]), "dy": array([1, 2, 3]), "gamma": array(1, 2, 3),
                         "beta": array(4, 5, 6), "eps": 0.01}),
        ("eps", lambda: {"x": normal(4, 6, 5) * [1, 2, 3, 0.5, 0.1] + 1, "dy": normal(5, 6, 5), "gamma": normal(6, 5),
                         "beta": normal(7, 5), "momentum": 0.75}),
        ("axes", lambda: {"x": normal(8, 3, 2, 5, 4) * [1, 0.3, 2, 4] + [0, 1, -1, 2], "dy": normal(9, 3, 2, 5, 4),
                          "gamma": normal(10, 4), "beta": normal(11, 4), "stored mean": normal(12, 4),
                          "stored var": normal(13, 4) ** 2 + 0.1, "momentum": 0.6, "eps": 0.0}),
    ]  # fmt: skip


def norm_cases():
    inputs, parts, rules = (
        norm_inputs(),
        ("BatchNorm.forward", "BatchNorm.backward"),
        {"forward": "n", "backward": "dx"},
    )
    found, count = passes("BatchNorm", batch_norm, inputs, parts, rules), len(inputs)
    forward, backward, others = found[:count], found[count : 2 * count], found[2 * count :]
    shown = passes("BatchNorm", batch_norm, inputs[1:2], parts, rules)[2:]  # on arrays that are shown
    stored = [lambda: inputs[1][1]() | STORED, inputs[5][1], inputs[8][1]]
    with_eps = lambda: inputs[2][1]() | STORED  # noqa: E731
    single = [stored[0], stored[-1]]
    return [
        *forward,
        *map(follows, stored),
        *told_apart(map(evaluates, stored), {"": ("y with", "self.buffers"), "follow": ("y after",)}),
        *told_apart(
            [replace(evaluates(with_eps), rule="eps")], {"": ("y with", "self.buffers"), "follow": ("y after",)}
        ),
        *(
            each
            for case in backward
            for each in ([case] if case.rule == "eps" else told_apart([case], {"dx": ("dx",), "adds": ("self.grads",)}))
        ),
        *(case for case in shown if case.rule not in ("dtype", "layout")),
        *(case for case in others if case.rule in ("dtype", "layout")),
        *(in_float32(case(as_float32(given))) for case in (follows, evaluates) for given in single),
    ]


STORED = {"stored mean": array(1, -1), "stored var": array(4, 0.25), "momentum": 0.75}


def as_float32(given):
    return lambda: {
        key: value.astype(np.float32) if isinstance(value, np.ndarray) else value for key, value in given().items()
    }


def in_float32(case):
    return replace(case, name=f"{case.name}, in float32", rule="dtype")


NORM = """
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        axes = tuple(range(x.ndim - 1))
        mean, var = self.buffers["mean"], self.buffers["var"]
        if train:
            mean, var = x.mean(axis=axes), x.var(axis=axes)
            self.follow(mean, var)
        root = np.sqrt(var + self.eps)
        n = (x - mean) / root
        self.keep(train, n, root, axes)
        return self.params["gamma"] * n + self.params["beta"]

    def backward(self, dy):
        n, root, axes = self.take()
        self.grads["gamma"] += (dy * n).sum(axis=axes)
        self.grads["beta"] += dy.sum(axis=axes)
        dn = self.params["gamma"] * dy
        return (dn - dn.mean(axis=axes) - n * (dn * n).mean(axis=axes)) / root
"""
STORES = "mean, var = x.mean(axis=axes), x.var(axis=axes)\n            self.follow(mean, var)"
STORES_AND = """self.follow(x.mean(axis=axes), x.var(axis=axes))
            """
DX = "(dn - dn.mean(axis=axes) - n * (dn * n).mean(axis=axes))"
KEEP = "self.keep(train, n, root, axes)"


PLACES = "mean and variance are taken over the first axis alone, apart for each place of an image"
FIRST_AXIS = "axes = tuple(range(x.ndim - 1))", "axes = 0"
OWN_FOLLOW = (
    "self.follow(mean, var)",
    """for key, value in (("mean", mean), ("var", var)):
                self.buffers[key] = self.momentum * self.buffers[key] + (1 - self.momentum) * value""",
)
OWN_ADDS = (
    'self.grads["gamma"] += (dy', 'self.grads["gamma"] = self.grads["gamma"] + (dy',
    'self.grads["beta"] += dy', 'self.grads["beta"] = self.grads["beta"] + dy',
)  # fmt: skip


def norm(*changes):
    """The layer by means of NumPy's own, with (old, new) changed."""
    return changed(NORM, changes)


BATCH_NORM = Task(
    of="layers: BatchNorm.forward BatchNorm.backward",
    parts={"BatchNorm.forward": 3, "BatchNorm.backward": 3},
    docs={
        "BatchNorm": Doc(
            """Bring each of C channels to mean 0 and variance 1, and from there to a scale and a mean that are learned.

            ``self.params`` holds "gamma" and "beta" (C,), and ``self.grads`` their gradients under the same names.
            ``self.buffers`` holds the stored statistics "mean" and "var" (C,); ``self.momentum`` and ``self.eps`` are
            numbers. All arrays are of the type of x."""
        ),
        "forward": Doc(
            """n = (x - mean) / sqrt(var + eps) for each channel by itself, and y, which is made of n, gamma and beta.

            x is (N, C), or images (N, H, W, C); so is y.""",
            {
                "n": "With train, mean and var are those of x itself: the mean of a channel's numbers, and the mean "
                "of their squared distances from it, divided by how many numbers there are.",
                "axes": "A channel, the last axis, has one mean and one variance, over all other axes.",
                "shift": "y = gamma n + beta, with the gamma and beta of ``self.params``.",
                "eps": "eps is ``self.eps``, and stands under the root; so a channel with one number alone, or with "
                "equal ones, has n = 0.",
                "follow": "With train, the stored statistics follow those of x: ``self.buffers``' mean becomes "
                "self.momentum times what it was plus (1 - self.momentum) times the mean of x; var does so with the "
                "variance.",
                "stored": "Without train, mean and var are the stored ones, and these stay as they are.",
                "keep": "``self.keep(train, ...)`` keeps the values that backward will need, but without train it "
                "keeps nothing; a second call with train, before a backward, makes it raise.",
            },
        ),
        "backward": Doc(
            """The gradients of a loss through y = ``forward(x)``, with train.

            dy is the gradient with respect to y; returns dx, the one with respect to x, of the same shape.
            ``self.take()`` gives back, as a tuple, the values that forward kept, once; without a forward with train
            before it, it raises.""",
            {
                "dx": "x moves the loss in three ways: itself, through the mean of its channel and through the "
                "variance; dx has all three.",
                "adds": "The gradients with respect to gamma and beta, sums over all axes but the last, are added to "
                "what ``self.grads`` holds.",
            },
        ),
    },
    cases=norm_cases(),
    mistakes=[
        Mistake("the variance is divided by one less than there are numbers", "var = channel_mean((x - mean) ** 2)",
                "var = channel_mean((x - mean) ** 2) * x.dtype.type(x.size / max(1, x.size - x.shape[-1]))"),
        Mistake("x is divided by the variance, not by its root", "scale = 1 / array_module(x).sqrt(var + self.eps)",
                "scale = 1 / (var + self.eps)"),
        Mistake("eps is added to the root, not under it",
                "1 / array_module(x).sqrt(var + self.eps)", "1 / (array_module(x).sqrt(var) + self.eps)"),
        Mistake("eps is left out, so that equal numbers give 0 / 0", "sqrt(var + self.eps)", "sqrt(var)"),
        Mistake("eps is always 1e-5", "sqrt(var + self.eps)", "sqrt(var + 1e-5)"),
        Mistake("the mean is not taken away", "n = (x - mean) * scale", "n = x * scale"),
        Mistake("the variance is the mean of the squares, without the mean taken away",
                "channel_mean((x - mean) ** 2)", "channel_mean(x**2)"),
        Mistake(PLACES, code=norm(*FIRST_AXIS)),
        Mistake(PLACES, code=norm(*FIRST_AXIS, *OWN_FOLLOW)),
        Mistake(PLACES, code=norm(*FIRST_AXIS, *OWN_FOLLOW, *OWN_ADDS)),
        Mistake("mean and variance are over the first axis alone, also of images", code=norm(
            STORES, STORES_AND + "mean, var = x.mean(axis=0), x.var(axis=0)",
            DX, "(dn - dn.mean(axis=0) - n * (dn * n).mean(axis=0))")),
        Mistake("mean and variance are those of all channels together", "var = channel_mean((x - mean) ** 2)",
                "mean, var = mean * 0 + x.mean(), mean * 0 + x.var()"),
        Mistake("mean and variance are those of each row, over its channels", code=norm(
            STORES, STORES_AND + "mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)",
            DX,
            "(dn - dn.mean(axis=-1, keepdims=True) - n * (dn * n).mean(axis=-1, keepdims=True))")),
        Mistake("the variance is that of all channels together, and the mean each channel's own", code=norm(
            "x.mean(axis=axes), x.var(axis=axes)", "x.mean(axis=axes), x.var(axis=axes) * 0 + x.var()")),
        Mistake("gamma and beta have each other's place", 'return self.params["gamma"] * n + self.params["beta"]',
                'return self.params["beta"] * n + self.params["gamma"]'),
        Mistake("beta is not added", ' * n + self.params["beta"]', " * n"),
        Mistake("gamma is not multiplied with", 'return self.params["gamma"] * n + self', "return n + self"),
        Mistake("gamma is multiplied with beta, too",
                'self.params["gamma"] * n + self.params["beta"]', 'self.params["gamma"] * (n + self.params["beta"])'),
        Mistake("the stored statistics never change", "self.follow(mean, var)", "pass"),
        Mistake("the stored statistics follow by self.momentum, and keep 1 - self.momentum of what they were",
                "self.follow(mean, var)",
                'self.buffers["mean"] += self.momentum * (mean - self.buffers["mean"])\n'
                '            self.buffers["var"] += self.momentum * (var - self.buffers["var"])'),
        Mistake("the stored statistics become those of the last batch", "self.follow(mean, var)",
                'self.buffers["mean"], self.buffers["var"] = mean, var'),
        Mistake("the stored statistics follow by 0.1, whatever self.momentum is", "self.follow(mean, var)",
                'self.buffers["mean"] += 0.1 * (mean - self.buffers["mean"])\n'
                '            self.buffers["var"] += 0.1 * (var - self.buffers["var"])'),
        Mistake("the mean alone is stored", "self.follow(mean, var)", 'self.follow(mean, self.buffers["var"])'),
        Mistake("the stored variance follows the one that is divided by one less than there are numbers",
                "self.follow(mean, var)",
                "self.follow(mean, var * (x.size / max(1, x.size - x.shape[-1])))"),
        Mistake("the stored variance follows the root of the variance",
                "self.follow(mean, var)", "self.follow(mean, var**0.5)"),
        Mistake("train is not used: mean and var are always those of x, and stored", "if train:", "if True:"),
        Mistake("without train, mean and var are the stored ones, which follow x nevertheless", "scale = 1 /",
                "if not train:\n            self.follow(channel_mean(x), channel_mean((x - channel_mean(x)) ** 2))\n"
                "        scale = 1 /"),
        Mistake("without train, mean and var are those of x, and are not stored", "scale = 1 /",
                "mean = channel_mean(x)\n        var = channel_mean((x - mean) ** 2)\n        scale = 1 /"),
        Mistake("with train, mean and var are the stored ones, after they have followed x", "self.follow(mean, var)",
                'self.follow(mean, var)\n            mean, var = self.buffers["mean"] + 0, self.buffers["var"] + 0'),
        Mistake("values are kept without train, too", "self.keep(train, n, scale)", "self.keep(True, n, scale)"),
        Mistake("self.keep and self.take are not used: a second forward, or a backward without one, is no error",
                code=norm(
            KEEP, "self.kept = (n, root, axes) if train else getattr(self, 'kept', None)", "self.take()", "self.kept")),
        Mistake("x, an argument, is written into", "n = (x - mean) * scale", "x -= mean\n        n = x * scale"),
        Mistake("float32 becomes float64", "n = (x - mean) * scale", "n = ((x - mean) * scale).astype(float)"),
        Mistake("dx leaves the mean out: x moves y by itself and by the variance alone",
                "(dy - mean_dy - n * mean_dy_n)", "(dy - n * mean_dy_n)"),
        Mistake("dx leaves the variance out: x moves y by itself and by the mean alone",
                "(dy - mean_dy - n * mean_dy_n)", "(dy - mean_dy)"),
        Mistake("dx leaves mean and variance out: x moves y by itself alone", "(dy - mean_dy - n * mean_dy_n)", "dy"),
        Mistake("the way by the variance has the other sign", "- n * mean_dy_n)", "+ n * mean_dy_n)"),
        Mistake("the way by the mean has the other sign", "(dy - mean_dy -", "(dy + mean_dy -"),
        Mistake("dx leaves gamma out", 'return self.params["gamma"] * scale', "return scale"),
        Mistake("dx is not divided by the root of the variance",
                'self.params["gamma"] * scale * (dy', 'self.params["gamma"] * (dy'),
        Mistake("dx is divided by the variance, not by its root", "- n * mean_dy_n)\n", "- n * mean_dy_n) * scale\n"),
        Mistake("a sum stands in dx's way by the mean, where a mean is to stand",
                "(dy - mean_dy -", "(dy - count * mean_dy -"),
        Mistake("a sum stands in dx's way by the variance, where a mean is to stand",
                "- n * mean_dy_n)", "- n * count * mean_dy_n)"),
        Mistake("gamma's gradient is the sum of dy x, and not of dy n", code=norm(
            KEEP, "self.keep(train, n, root, axes, x)", "n, root, axes = self", "n, root, axes, x = self",
            "(dy * n).sum(axis=axes)\n", "(dy * x).sum(axis=axes)\n")),
        Mistake("without train, y is n: gamma and beta are left out", code=norm(
            '        return self.params["gamma"] * n',
            '        if not train:\n            return n\n        return self.params["gamma"] * n')),
        Mistake("dx is divided by the number of images", "- n * mean_dy_n)\n", "- n * mean_dy_n) / len(dy)\n"),
        Mistake("sums stand in dx where means are to stand",
                "(dy - mean_dy - n * mean_dy_n)", "(dy - count * mean_dy - n * count * mean_dy_n)"),
        Mistake("gamma's gradient is a mean, not a sum", "+= count * mean_dy_n", "+= mean_dy_n"),
        Mistake("beta's gradient is a mean, not a sum", "+= count * mean_dy\n", "+= mean_dy\n"),
        Mistake("gamma's gradient is that of beta", "+= count * mean_dy_n", "+= count * mean_dy"),
        Mistake("the gradients of gamma and beta have each other's place", code=norm(
            '"gamma"] +=', '"other"] +=', '"beta"] +=', '"gamma"] +=', '"other"] +=', '"beta"] +=')),
        Mistake("gamma's gradient is multiplied with gamma",
                "+= count * mean_dy_n", '+= count * mean_dy_n * self.params["gamma"]'),
        Mistake("beta's gradient is multiplied with gamma",
                "+= count * mean_dy\n", '+= count * mean_dy * self.params["gamma"]\n'),
        Mistake("dx's way by the variance has no mean: dy n stands there for the mean of dy n",
                "- n * mean_dy_n)", "- n * n * dy)"),
        Mistake("dx's ways by the mean and the variance leave gamma out", code=norm(
            "dn.mean(axis=axes) - n * (dn * n).mean(axis=axes)", "dy.mean(axis=axes) - n * (dy * n).mean(axis=axes)")),
        Mistake("dx is divided by the root of the variance without eps", code=norm(
            KEEP, "self.keep(train, n, np.sqrt(var + (var == 0) * self.eps), axes)")),
        Mistake("backward takes mean and var to be the stored ones", code=norm(
            KEEP, "self.keep(train, x, axes)", "n, root, axes = self.take()", "x, axes = self.take()\n"
            "        root = np.sqrt(self.buffers['var'] + self.eps)\n        n = (x - self.buffers['mean']) / root")),
        Mistake("gamma's gradient takes the place of what was there: `=` where `+=` is meant",
                'self.grads["gamma"] +=', 'self.grads["gamma"] ='),
        Mistake("beta's gradient takes the place of what was there: `=` where `+=` is meant",
                'self.grads["beta"] +=', 'self.grads["beta"] ='),
        Mistake("dy, an argument, is written into",
                "return self.params[\"gamma\"] * scale * (dy - mean_dy - n * mean_dy_n)",
                "dy -= mean_dy\n        return self.params[\"gamma\"] * scale * (dy - n * mean_dy_n)"),
    ],
    variations=[
        Variation(
            "shift",
            "y = (1 + gamma) n + beta, with the gamma and beta of ``self.params``.",
            (
                ('return self.params["gamma"] * n + self', 'return (1 + self.params["gamma"]) * n + self'),
                ('return self.params["gamma"] * scale', 'return (1 + self.params["gamma"]) * scale'),
            ),
        ),
        Variation(
            "shift",
            "y = gamma (n + beta), with the gamma and beta of ``self.params``.",
            (
                ('self.params["gamma"] * n + self.params["beta"]', 'self.params["gamma"] * (n + self.params["beta"])'),
                ("+= count * mean_dy\n", '+= count * self.params["gamma"] * mean_dy\n'),
                ("+= count * mean_dy_n", '+= count * (mean_dy_n + self.params["beta"] * mean_dy)'),
            ),
        ),
    ],
    aliases={"BatchNorm": ("ChannelNorm", "Normalisation", "BatchScale")},
)  # fmt: skip

# --- 8.2 --------------------------------------------------------------------------------------------------------------


def adapted(answer):
    """Adam.update as a function of all arrays and settings."""

    def update(w, gradient, rate, m, v, steps, *settings):
        optimizer = answer.Adam(a_layer(), **dict(zip(("beta1", "beta2", "eps"), settings, strict=False)))
        optimizer.steps = steps
        optimizer.update(w, gradient, rate, m, v)
        return m, v, w, optimizer.steps

    return update


def adam_with(*lines):
    body = "\n".join(f"        {line}" for line in lines)
    return f"class Adam(optimizers.Adam):\n    def update(self, w, gradient, rate, m, v):\n{body}\n"


AVERAGES = (
    "m += (1 - self.beta1) * (gradient - m)",
    "v += (1 - self.beta2) * (gradient**2 - v)",
    "first, second = m / (1 - self.beta1**self.steps), v / (1 - self.beta2**self.steps)",
)


MOVE = "w -= rate * first / (np.sqrt(second) + self.eps)"


def small(steps, beta1, beta2, eps):
    """Arguments, and the settings under the names by which they are shown."""
    return lambda: {
        "w": array(1, 2, 3),
        "gradient": array(2, -1, 0),
        "rate": 0.5,
        "m": array(0, 4, 1),
        "v": array(0, 2, 4),
        "self.steps": steps,
        "self.beta1": beta1,
        "self.beta2": beta2,
        "self.eps": eps,
    }


def larger(seed, shape, rate, steps, *settings):
    def arguments():
        w, gradient, m, v = normal(seed, 4, *shape)
        given = {"w": w, "gradient": gradient, "rate": rate, "m": m, "v": v**2, "self.steps": steps}
        return given | dict(zip(("self.beta1", "self.beta2", "self.eps"), settings, strict=False))

    return arguments


ADAM = Task(
    of="optimizers: Adam.update",
    parts=3,
    docs={
        "Adam": Doc(
            """An optimiser: ``step`` of its base counts ``self.steps``, calls update for each array of weights, and
            keeps their two averages from step to step. ``self.beta1``, ``self.beta2`` and ``self.eps`` are numbers."""
        ),
        "update": Doc(
            """One step: first the averages m and v change, and then the weights w.

            w, gradient, m and v are arrays of one shape, rate is a number; b1 is ``self.beta1``, b2 ``self.beta2``, eps
            ``self.eps``.""",
            {
                "averages": "m <- b1 m + (1 - b1) g, a moving average of the gradients g, and v <- b2 v + (1 - b2) "
                "g^2, one of their squares.",
                "bias": "m' and v' are free of the averages' start at 0: m' = m / (1 - b1^t) and v' = v / (1 - b2^t), "
                "with t = ``self.steps``, which is 1 at the first step; step has counted it already, and update only "
                "reads it.",
                "w": "w <- w - rate m' / (sqrt(v') + eps), with eps outside of the root: where the gradient has "
                "always been 0, w stays as it is.",
                "place": "Unlike arguments of other functions, w, m and v are changed in place: the arrays that were "
                "given hold the new numbers afterwards, which the layer and a further step see; m and v without their "
                "correction.",
            },
        ),
    },
    cases=[
        *told_apart(
            calls(
                ("Adam.update", adapted),
                ["m", "v", "w", "self.steps afterwards (exactly)"],
                [
                    ("w", small(3, 0.5, 0.75, 0.5)),
                    ("bias", lambda: {"w": array(1, 1), "gradient": array(4, -0.5), "rate": 0.25, "m": array(0, 0),
                                      "v": array(0, 0), "self.steps": 1}),
                    ("w", lambda: {"w": array(1, 2), "gradient": array(0, 0), "rate": 1.0, "m": array(0, 0),
                                   "v": array(0, 0), "self.steps": 2, "self.beta1": 0.8, "self.beta2": 0.9}),
                    ("bias", small(2, 0.0, 0.5, 0.125)),
                    ("place", larger(0, (3, 4), 0.1, 5, 0.8, 0.95, 1e-3)),
                    ("bias", larger(1, (11,), 0.02, 1000, 0.9, 0.999, 1e-8)),
                    ("w", larger(2, (2, 3, 2), 2.0, 7, 0.6, 0.7, 0.2)),
                    ("bias", larger(3, (6,), 0.3, 1)),
                ],
            ),
            {"averages": ("m", "v"), "": ("w", "self.steps"), "unchanged": ("gradient",)},
        ),
        steps_of("Adam", ["m", "v"], "place", beta1=0.7, beta2=0.9, eps=0.05),
    ],
    mistakes=[
        Mistake("neither average is freed of its start at 0",
                code=adam_with(*AVERAGES[:2], "w -= rate * m / (np.sqrt(v) + self.eps)")),
        Mistake("m is not freed of its start at 0", "rate / (1 - self.beta1**self.steps) * m", "rate * m"),
        Mistake("v is not freed of its start at 0", "xp.sqrt(v / (1 - self.beta2**self.steps))", "xp.sqrt(v)"),
        Mistake("steps count from 0: t is one too small", code=adam_with(
            *AVERAGES[:2], "t = self.steps - 1",
            "first, second = m / (1 - self.beta1**t + 1e-9), v / (1 - self.beta2**t + 1e-9)", MOVE)),
        Mistake("steps are counted once more: t is one too large", code=adam_with(
            "self.steps += 1", *AVERAGES, MOVE)),
        Mistake("t is one too large", code=adam_with(
            *AVERAGES[:2], "t = self.steps + 1", "first, second = m / (1 - self.beta1**t), v / (1 - self.beta2**t)",
            MOVE)),
        Mistake("t counts the calls of update, and not self.steps", code=adam_with(
            *AVERAGES[:2], "t = self.calls = getattr(self, 'calls', 0) + 1",
            "first, second = m / (1 - self.beta1**t), v / (1 - self.beta2**t)", MOVE)),
        Mistake("eps is added before the root is corrected", code=adam_with(
            *AVERAGES, "w -= rate * first / ((np.sqrt(v) + self.eps) / (1 - self.beta2**self.steps) ** 0.5)")),
        Mistake("m is corrected with b2, as v is", code=adam_with(
            *AVERAGES, "w -= rate * m / (1 - self.beta2**self.steps) / (np.sqrt(second) + self.eps)")),
        Mistake("b1 and b2 are not taken to the power of t", code=adam_with(
            *AVERAGES[:2], "first, second = m / (1 - self.beta1), v / (1 - self.beta2)", MOVE)),
        Mistake("b1 and b2 are multiplied with t, not taken to its power", code=adam_with(
            *AVERAGES[:2], "first = m / (1 - self.beta1 * self.steps + 1e-9)",
            "second = v / abs(1 - self.beta2 * self.steps + 1e-9)", MOVE)),
        Mistake("m and v hold the corrected averages", code=adam_with(
            *AVERAGES, "m[...] = first", "v[...] = second", "w -= rate * m / (np.sqrt(v) + self.eps)")),
        Mistake("m keeps 1 - b1 of what it was, and takes b1 of the gradient",
                "m += (1 - self.beta1)", "m += self.beta1"),
        Mistake("v keeps 1 - b2 of what it was, and takes b2 of the squares",
                "v += (1 - self.beta2)", "v += self.beta2"),
        Mistake("b1 and b2 have each other's place in the averages", code=adam_with(
            "m += (1 - self.beta2) * (gradient - m)", "v += (1 - self.beta1) * (gradient**2 - v)", AVERAGES[2],
            MOVE)),
        Mistake("the gradient counts whole in m", code=adam_with(
            "m *= self.beta1", "m += gradient", *AVERAGES[1:], MOVE)),
        Mistake("v averages the sizes of the gradients, not their squares",
                "xp.square(gradient) - v", "abs(gradient) - v"),
        Mistake("v averages the squares of m, not of the gradient", "xp.square(gradient) - v", "xp.square(m) - v"),
        Mistake("the root of v is not taken",
                "root = xp.sqrt(v / (1 - self.beta2**self.steps))", "root = v / (1 - self.beta2**self.steps)"),
        Mistake("eps stands under the root",
                code=adam_with(*AVERAGES, "w -= rate * first / np.sqrt(second + self.eps)")),
        Mistake("eps is left out, so that a gradient that was always 0 gives 0 / 0", "root += self.eps", "pass"),
        Mistake("eps is always 1e-8", "root += self.eps", "root += 1e-8"),
        Mistake("b1 is always 0.9, and b2 0.999", code=adam_with(
            "m += 0.1 * (gradient - m)", "v += 0.001 * (gradient**2 - v)",
            "first, second = m / (1 - 0.9**self.steps), v / (1 - 0.999**self.steps)", MOVE)),
        Mistake("w moves by the gradient, not by its average",
                "* m / root", "* gradient * (1 - self.beta1**self.steps) / root"),
        Mistake("w moves up the gradient, not down", "w -= rate", "w += rate"),
        Mistake("rate is not used", "w -= rate / (", "w -= 1 / ("),
        Mistake("w moves before the averages are changed", code=adam_with(
            AVERAGES[2], MOVE, *AVERAGES[:2])),
        Mistake("w is a new array, and the one that was given stays as it was",
                "w -= rate / (1 - self.beta1**self.steps) * m / root",
                "w = w - rate / (1 - self.beta1**self.steps) * m / root"),
        Mistake("m and v are new arrays, and those that were given stay as they were", code=adam_with(
            "m = m + (1 - self.beta1) * (gradient - m)", "v = v + (1 - self.beta2) * (gradient**2 - v)", AVERAGES[2],
            MOVE)),
        Mistake("m is a new array, and the one that was given stays as it was", code=adam_with(
            "m = m + (1 - self.beta1) * (gradient - m)", *AVERAGES[1:], MOVE)),
        Mistake("v is a new array, and the one that was given stays as it was", code=adam_with(
            AVERAGES[0], "v = v + (1 - self.beta2) * (gradient**2 - v)", AVERAGES[2], MOVE)),
        Mistake("the averages are multiplied with 1 - b1^t and 1 - b2^t, not divided by them", code=adam_with(
            *AVERAGES[:2], "first, second = m * (1 - self.beta1**self.steps), v * (1 - self.beta2**self.steps)", MOVE)),
        Mistake("v is corrected with b1, as m is", code=adam_with(
            *AVERAGES[:2], "first, second = m / (1 - self.beta1**self.steps), v / (1 - self.beta1**self.steps)", MOVE)),
        Mistake("gradient, an argument, is written into", "v += (1 - self.beta2) * (xp.square(gradient) - v)",
                "gradient *= gradient\n        v += (1 - self.beta2) * (gradient - v)"),
    ],
    variations=[
        Variation(
            "bias",
            "The averages are not freed of their start at 0: m' = m and v' = v. ``self.steps`` is of no use, and "
            "update does not change it.",
            (
                ("root = xp.sqrt(v / (1 - self.beta2**self.steps))", "root = xp.sqrt(v)"),
                ("w -= rate / (1 - self.beta1**self.steps) * m / root", "w -= rate * m / root"),
            ),
        ),
        Variation(
            "w",
            "w <- w - rate m' / sqrt(v' + eps), with eps under the root: where the gradient has always been 0, w "
            "stays as it is.",
            (
                ("xp.sqrt(v / (1 - self.beta2**self.steps))", "xp.sqrt(v / (1 - self.beta2**self.steps) + self.eps)"),
                ("        root += self.eps\n", ""),
            ),
        ),
    ],
    aliases={"Adam": ("AdaptiveStep", "TwoAverages", "ScaledStep")},
)  # fmt: skip

EXERCISE = Exercise("batch norm and Adam", GIVES, {"8.1": BATCH_NORM, "8.2": ADAM})
