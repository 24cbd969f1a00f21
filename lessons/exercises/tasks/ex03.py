"""Exercise 3: layers forward and backward, and max pooling."""

import numpy as np

from lessons.exercises.cases import calls, normal, numbers, passes, raises
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese import layers
"""

KEEP = (
    "What backward needs is given to ``self.keep(train, ...)`` in forward, and comes back from ``self.take()``, once, "
    "as a tuple. They raise the RuntimeErrors that are due at a second forward before a backward, and at a backward "
    "without a forward(x, train=True) before it; forward(x, train=False) keeps nothing."
)
PARTS = "forward", "backward"


# --- Linear -----------------------------------------------------------------------------------------------------------


def linear(answer, given):
    return answer.Linear(*given["W"].shape, np.random.default_rng(0))


def with_another(answer):
    """What backward gives where another layer's forward came between the two passes."""
    given = {"x": numbers(3, 2) - 1, "W": numbers(2, 2) + 1, "b": np.array([5.0, -2])}
    layer, other = linear(answer, given), linear(answer, given)
    for each in (layer, other):
        for key in each.params:
            each.params[key] = given[key].copy()
            each.grads[key] = np.zeros(given[key].shape)
    layer.forward(given["x"])
    other.forward(given["x"] ** 2)
    dx = layer.backward(np.array([[2.0, -1], [1, 0], [-3, 4]]))
    return {"dx": dx} | {f"self.grads['{key}']": gradient for key, gradient in layer.grads.items()}


def linear_input(seed, N, D, M):
    """Arguments and parameters, none of which has to do with another."""
    return lambda: {
        "x": normal(seed, N, D),
        "dy": normal(seed + 1, N, M),
        "W": normal(seed + 2, D, M),
        "b": normal(seed + 3, M) + 1,
    }


def linear_with(backward, forward="return x @ self.params['W'] + self.params['b']"):
    """The layer with other lines."""
    return f"""
class Linear(layers.Linear):
    def forward(self, x, train=True):
        self.keep(train, x)
        {forward}

    def backward(self, dy):
        (x,) = self.take()
        {backward}
"""


LINEAR = Task(
    of="layers: Linear.forward Linear.backward",
    parts={"forward": 1, "backward": 3},
    docs={
        "Linear": Doc(
            """A layer with a weight for each number that comes in and each that goes out. The library's class, which
            this one is made from, has made the arrays "W" (D, M) and "b" (M,) in self.params, and for their gradients
            arrays of the same names and shapes in self.grads.""",
            {"keep": KEEP},
        ),
        "forward": Doc("x (N, D); returns y (N, M).", {"forward": "y = x W + b: b is added to each row."}),
        "backward": Doc(
            """dy (N, M) is the gradient of the loss with respect to y; returns dx (N, D), the gradient of the loss with
            respect to x, and adds those with respect to W and b to self.grads.""",
            {
                "backward": "Each gradient is a sum by the chain rule: of dy times the derivative of y, over all "
                "numbers of y. It is divided by nothing: the loss has its 1/N in dy.",
                "adds": "What stands in self.grads already is added to, so two passes add up: in place, or by an array "
                "of the sum that takes its place; self.params stays as it is.",
            },
        ),
    },
    cases=[
        *passes(
            "Linear",
            linear,
            [
                ("", lambda: {"x": numbers(2, 3), "dy": np.array([[1.0, -2], [0.5, 3]]), "W": numbers(3, 2) - 2,
                              "b": np.array([1.0, -1])}),
                ("", lambda: {"x": numbers(1, 2) + 1, "dy": numbers(1, 2) - 3, "W": numbers(2, 2),
                              "b": numbers(2) + 1}),
                ("", linear_input(10, 5, 1, 4)),
                ("", linear_input(20, 6, 4, 1)),
                ("", linear_input(30, 4, 4, 4)),
                ("", linear_input(40, 7, 5, 3)),
                ("", lambda: {"x": numbers(3, 2) - 1, "dy": np.array([[2.0, -1], [1, 0], [-3, 4]]),
                              "W": numbers(2, 2) + 1, "b": np.array([5.0, -2])}),
            ],
            PARTS,
        ),
        Case("Linear.backward, where another Linear's forward came before it", with_another, "keep", "backward"),
    ],
    mistakes=[
        Mistake("the gradient of W takes the place of what stands in self.grads, and is not added to it",
                'self.grads["W"] += x', 'self.grads["W"][...] = x'),
        Mistake("the gradient of b takes the place of what stands in self.grads, and is not added to it",
                'self.grads["b"] += dy', 'self.grads["b"][...] = dy'),
        Mistake("both gradients take the place of what stands in self.grads, and are not added to it",
                code=linear_with("""
        self.grads["W"], self.grads["b"] = x.T @ dy, dy.sum(axis=0)
        return dy @ self.params["W"].T""")),
        Mistake("the gradient of W is divided by N",
                'self.grads["W"] += x.T @ dy', 'self.grads["W"] += x.T @ dy / len(x)'),
        Mistake("the gradient of b is a mean over the N rows, not a sum", "dy.sum(axis=0)", "dy.mean(axis=0)"),
        Mistake("the gradients of W and b are divided by N", code=linear_with("""
        self.grads["W"] += x.T @ dy / len(x)
        self.grads["b"] += dy.mean(axis=0)
        return dy @ self.params["W"].T""")),
        Mistake("all three gradients are divided by N", code=linear_with("""
        self.grads["W"] += x.T @ dy / len(x)
        self.grads["b"] += dy.mean(axis=0)
        return dy @ self.params["W"].T / len(x)""")),
        Mistake("dx is divided by N", 'return dy @ self.params["W"].T', 'return dy @ self.params["W"].T / len(x)'),
        Mistake("the gradient of W has a minus", 'self.grads["W"] += x', 'self.grads["W"] -= x'),
        Mistake("the gradients of W and b have a minus", code=linear_with("""
        self.grads["W"] -= x.T @ dy
        self.grads["b"] -= dy.sum(axis=0)
        return dy @ self.params["W"].T""")),
        Mistake("the gradient of b is one sum over rows and columns", "dy.sum(axis=0)", "dy.sum()"),
        Mistake("the gradient of b sums over the M outputs, not over the N rows", "dy.sum(axis=0)", "dy.sum(axis=1)"),
        Mistake("nothing is added to the gradient of b", 'self.grads["b"] += dy.sum(axis=0)', "pass"),
        Mistake("nothing is added to the gradient of W", 'self.grads["W"] += x.T @ dy', "pass"),
        Mistake("only the first row of dy counts for the gradients of W and b", code=linear_with("""
        self.grads["W"] += np.outer(x[0], dy[0])
        self.grads["b"] += dy[0]
        return dy @ self.params["W"].T""")),
        Mistake("only the last row of dy counts for the gradients of W and b", code=linear_with("""
        self.grads["W"] += np.outer(x[-1], dy[-1])
        self.grads["b"] += dy[-1]
        return dy @ self.params["W"].T""")),
        Mistake("the gradient of W is turned round: dy^T x, of shape (M, D)", "x.T @ dy", "dy.T @ x"),
        Mistake("W is reshaped to (M, D) for dx, and not transposed", 'dy @ self.params["W"].T',
                'dy @ self.params["W"].reshape(dy.shape[1], -1)'),
        Mistake("x is reshaped to (D, N) for the gradient of W, and not transposed", "x.T @ dy",
                "x.reshape(-1, len(x)) @ dy"),
        Mistake("the gradient of W is that of W^T, and is reshaped to (D, M), not transposed", "x.T @ dy",
                "(dy.T @ x).reshape(x.shape[1], -1)"),
        Mistake("dx has b in it", "return dy @", 'return (dy + self.params["b"]) @'),
        Mistake("dx is dy times the gradient of W, not times W", 'return dy @ self.params["W"].T',
                'return dy @ self.grads["W"].T'),
        Mistake("dx is W itself, for each row, without dy", 'dy @ self.params["W"].T',
                'np.ones_like(dy) @ self.params["W"].T'),
        Mistake("the gradient of W lacks x: each of its lines is the sum of dy", "x.T @ dy", "np.ones_like(x).T @ dy"),
        Mistake("the gradient of b is N, without dy", "dy.sum(axis=0)", "np.ones_like(dy).sum(axis=0)"),
        Mistake("dx is dy W, where W's other axis is meant", 'dy @ self.params["W"].T', 'dy @ self.params["W"]'),
        Mistake("b is left out of y", ' + self.params["b"]', ""),
        Mistake("b is taken away from y", ' + self.params["b"]', ' - self.params["b"]'),
        Mistake("W is changed by backward, as an optimiser does", 'return dy @ self.params["W"].T',
                'dx = dy @ self.params["W"].T\n        self.params["W"] -= 0.1 * self.grads["W"]\n        return dx'),
        Mistake("W and b are changed by backward, as an optimiser does, and self.grads stays as it was",
                code=linear_with("""
        dx = dy @ self.params["W"].T
        self.params["W"] -= x.T @ dy
        self.params["b"] -= dy.sum(axis=0)
        return dx""")),
        Mistake("W is changed by backward before dx is computed", 'return dy @ self.params["W"].T',
                'self.params["W"] -= 0.01 * self.grads["W"]\n        return dy @ self.params["W"].T'),
        Mistake("``self.take()`` finds nothing: forward keeps nothing, or take is called twice", "self.keep(train, x)",
                "pass"),
        Mistake("x, an argument, is written into by forward", 'return x @ self.params["W"]',
                'z = x @ self.params["W"]\n        x *= 2\n        return z'),
        Mistake("dy, an argument, is written into", 'return dy @ self.params["W"].T',
                'dx = dy @ self.params["W"].T\n        dy *= 2\n        return dx'),
        Mistake("forward keeps x with train=False, too", "self.keep(train, x)", "self.keep(True, x)"),
        Mistake("the x of one layer is kept where another layer's forward replaces it", code="""
            class Linear(layers.Linear):
                kept = {}

                def forward(self, x, train=True):
                    self.keep(train, x)
                    if train:
                        self.kept["x"] = x
                    return x @ self.params["W"] + self.params["b"]

                def backward(self, dy):
                    self.take()
                    self.grads["W"] += self.kept["x"].T @ dy
                    self.grads["b"] += dy.sum(axis=0)
                    return dy @ self.params["W"].T
        """),
        Mistake("the gradients are added to self.params, not to self.grads, before dx is computed",
                code=linear_with("""
        self.params["W"] += x.T @ dy
        self.params["b"] += dy.sum(axis=0)
        return dy @ self.params["W"].T""")),
        Mistake("the gradients are added to self.params, not to self.grads", code=linear_with("""
        dx = dy @ self.params["W"].T
        self.params["W"] += x.T @ dy
        self.params["b"] += dy.sum(axis=0)
        return dx""")),
        Mistake("x is kept in an attribute, and ``self.keep`` and ``self.take`` are not used", code="""
            class Linear(layers.Linear):
                def forward(self, x, train=True):
                    self.x = x
                    return x @ self.params["W"] + self.params["b"]

                def backward(self, dy):
                    self.grads["W"] += self.x.T @ dy
                    self.grads["b"] += dy.sum(axis=0)
                    return dy @ self.params["W"].T
        """),
        Mistake("numbers of x are made float32, so that only 7 digits of a float64 are right", "self.keep(train, x)",
                "x = x.astype(np.float32).astype(x.dtype)\n        self.keep(train, x)"),
        Mistake("the gradient of W is float64 where x and dy are float32", 'self.grads["W"] += x.T @ dy',
                'self.grads["W"] = self.grads["W"] + x.T.astype(float) @ dy'),
        Mistake("the gradients of W and b are float64 where x and dy are float32", code=linear_with("""
        self.grads["W"] = self.grads["W"] + x.T.astype(float) @ dy
        self.grads["b"] = self.grads["b"] + dy.astype(float).sum(axis=0)
        return dy @ self.params["W"].T""")),
        Mistake("y is float64 where x is float32",
                'return x @ self.params["W"]', 'return x.astype(float) @ self.params["W"]'),
        Mistake("dx is float64 where dy is float32", "return dy @", "return dy.astype(float) @"),
    ],
    variations=[
        Variation(
            "forward",
            "y = x W - b: b is taken away from each row.",
            (('+ self.params["b"]', '- self.params["b"]'), ('self.grads["b"] += dy', 'self.grads["b"] -= dy')),
        ),
        Variation(
            "backward",
            "Each gradient is a sum by the chain rule: of dy times the derivative of y, over all numbers of y. "
            "That of W has W itself added to it at each pass, as with a penalty |W|^2 / 2 on the loss.",
            (('self.grads["W"] += x.T @ dy', 'self.grads["W"] += x.T @ dy + self.params["W"]'),),
        ),
        Variation(
            "backward",
            "Each gradient is a sum by the chain rule: of dy times the derivative of y, over all numbers of y. That "
            "of W is taken twice, as if the loss were twice as large.",
            (('self.grads["W"] += x.T @ dy', 'self.grads["W"] += 2 * x.T @ dy'),),
        ),
    ],
    aliases={"Linear": ("Dense", "Affine", "FullyConnected")},
)  # fmt: skip


# --- ReLU -------------------------------------------------------------------------------------------------------------


def relu_with(forward, backward, kept="x"):
    """The layer with other lines."""
    return f"""
class ReLU(layers.ReLU):
    def forward(self, x, train=True):
        y = {forward}
        self.keep(train, {kept})
        return y

    def backward(self, dy):
        ({kept},) = self.take()
        return {backward}
"""


RELU = Task(
    of="layers: ReLU.forward ReLU.backward",
    parts={"forward": 1, "backward": 1},
    docs={
        "ReLU": Doc(
            "The rectifier. x, y, dy and dx are of one shape, whatever it is.",
            {
                "value": "y is x where x is above 0, and 0 elsewhere; at x = 0, where it has no slope, its slope is "
                "taken as 0.",
                "keep": KEEP,
            },
        ),
        "forward": Doc("x (N, ...); returns y."),
        "backward": Doc(
            "dy is the gradient of the loss with respect to y; returns dx, the one with respect to x.",
            {"backward": "Of dx, each number is that of dy times the slope of y at this x, whatever dy's sign."},
        ),
    },
    cases=passes(
        "ReLU",
        lambda answer, given: answer.ReLU(),
        [
            ("", lambda: {"x": np.array([[2, -3, -0.5], [-1, 4, -2]]), "dy": np.array([[-1.0, 2, 3], [-4, 5, 6]])}),
            ("value", lambda: {"x": np.array([[0.0, 1, -1, 0]]), "dy": np.array([[3.0, -2, 4, 1]])}),
            ("", lambda: {"x": 50 * normal(0, 4, 5), "dy": normal(1, 4, 5)}),
            ("", lambda: {"x": normal(2, 7), "dy": normal(3, 7)}),
            ("value", lambda: {"x": np.round(2 * normal(4, 2, 3, 4, 2)), "dy": normal(5, 2, 3, 4, 2)}),
            ("value", lambda: {"x": np.array([[3.0, -1, 0], [2, 0.5, -4]]),
                               "dy": np.array([[1.0, 2, -3], [-1, 4, 5]])}),
        ],
        PARTS,
        {"forward": "value"},
    ),
    mistakes=[
        Mistake("the slope at x = 0 is taken as 1", code=relu_with("np.maximum(x, 0)", "dy * (x >= 0)")),
        Mistake("the slope at x = 0 is taken as 1/2", code=relu_with("np.maximum(x, 0)",
                "dy * ((np.sign(x) + 1) / 2).astype(dy.dtype)")),
        Mistake("dy is let through where dy is above 0, not where x is", "dy * (y > 0)", "dy * (dy > 0)"),
        Mistake("dy is let through only where both x and dy are above 0", "dy * (y > 0)", "dy * ((y > 0) & (dy > 0))"),
        Mistake("dx is dy everywhere, whatever x was", "dy * (y > 0)", "dy.copy()"),
        Mistake("dx is dy where x was not above 0, and 0 where it was", "dy * (y > 0)", "dy * (y <= 0)"),
        Mistake("dy is multiplied by y, not by the slope", "dy * (y > 0)", "dy * y"),
        Mistake("dx is the slope alone, without dy", "dy * (y > 0)", "(y > 0).astype(dy.dtype)"),
        Mistake("dx has a minus", "dy * (y > 0)", "-dy * (y > 0)"),
        Mistake("dx is divided by N", "dy * (y > 0)", "dy * (y > 0) / len(y)"),
        Mistake("the slope where x is below 0 is -1, not 0",
                "dy * (y > 0)", "dy * np.where(y > 0, 1, -1).astype(dy.dtype)"),
        Mistake("the slope where x is below 0 is -1, and that at 0 is 0",
                code=relu_with("np.maximum(x, 0)", "dy * np.sign(x)")),
        Mistake("y is |x|", code=relu_with("abs(x)", "dy * np.sign(x)")),
        Mistake("y is the minimum of x and 0", code=relu_with("np.minimum(x, 0)", "dy * (x < 0)")),
        Mistake("y is not 0 where x is below 0, but x / 100", code=relu_with("np.where(x > 0, x, x / 100)",
                "np.where(x > 0, dy, dy / 100)")),
        Mistake("x, an argument, is written into", "array_module(x).maximum(x, 0)", "np.maximum(x, 0, out=x)"),
        Mistake("dy, an argument, is written into", "return dy * (y > 0)", "dy *= y > 0\n        return dy"),
        Mistake("forward keeps something with train=False, too", "self.keep(train, y)", "self.keep(True, y)"),
        Mistake("``self.take()`` finds nothing: forward keeps nothing, or take is called twice", "self.keep(train, y)",
                "pass"),
        Mistake("what backward needs is kept in an attribute, and ``self.keep`` and ``self.take`` are not used",
                code="""
            class ReLU(layers.ReLU):
                def forward(self, x, train=True):
                    self.mask = x > 0
                    return x * self.mask

                def backward(self, dy):
                    return dy * self.mask
        """),
        Mistake("y is float64 where x is float32",
                code=relu_with("x * np.where(x > 0, np.ones(x.shape), 0)", "dy * (x > 0)")),
        Mistake("dx is float64 where dy is float32", "dy * (y > 0)", "dy * np.where(y > 0, np.ones(y.shape), 0)"),
        Mistake("y and dx are float64 where x and dy are float32",
                code=relu_with("x * np.where(x > 0, np.ones(x.shape), 0)",
                "dy * np.where(x > 0, np.ones(x.shape), 0)")),
    ],
    variations=[
        Variation(
            "value",
            "y is x where x is above 0, and x / 10 elsewhere; at x = 0, where it has no slope, its slope is taken as "
            "1/10.",
            ((".maximum(x, 0)", ".maximum(x, x / 10)"), ("return dy * (y > 0)", "return np.where(y > 0, dy, dy / 10)")),
        ),
        Variation(
            "value",
            "y is x where x is above 0, and 0 elsewhere; at x = 0, where it has no slope, its slope is taken as 1.",
            (("self.keep(train, y)\n        return y\n\n    def backward(self, dy):\n        (y,) = self.take()\n"
              "        return dy * (y > 0)",
              "self.keep(train, x)\n        return y\n\n    def backward(self, dy):\n        (x,) = self.take()\n"
              "        return dy * (x >= 0)"),),
        ),
        Variation(
            "value",
            "y is x where x is between 0 and 1, 0 below, and 1 above; at x = 0 and x = 1, where it has no slope, its "
            "slope is taken as 0.",
            ((".maximum(x, 0)", ".clip(x, 0, 1)"), ("return dy * (y > 0)", "return dy * ((y > 0) & (y < 1))")),
        ),
    ],
    aliases={"ReLU": ("Rectifier", "Ramp", "HalfWave")},
)  # fmt: skip


# --- Sigmoid ----------------------------------------------------------------------------------------------------------


def sigmoid_with(slope, kept="y"):
    """The layer with another slope."""
    return f"""
class Sigmoid(layers.Sigmoid):
    def forward(self, x, train=True):
        y = sigmoid(x)
        self.keep(train, {kept})
        return y

    def backward(self, dy):
        ({kept},) = self.take()
        return dy * {slope}
"""


def layer_sigmoid(answer, given):
    return answer.Sigmoid()


SIGMOID = Task(
    of="layers: Sigmoid.forward Sigmoid.backward sigmoid",
    parts={"sigmoid": 1, "forward": 1, "backward": 1},
    docs={
        "Sigmoid": Doc("The layer of ``sigmoid``. x, y, dy and dx are of one shape, whatever it is.", {"keep": KEEP}),
        "forward": Doc("x (N, ...); returns y.", {"forward": "y is sigmoid(x)."}),
        "backward": Doc(
            "dy is the gradient of the loss with respect to y; returns dx, the one with respect to x.",
            {
                "backward": "Of dx, each number is that of dy times the slope of sigmoid at this x.",
                "ends": "The slope is right at x = -800 and x = 800, too, where it is 0 to rounding.",
            },
        ),
        "sigmoid": Doc(
            "x, floats, of any shape; returns an array of this shape.",
            {
                "value": "sigmoid(x) = 1 / (1 + exp(-x)), of each number of x.",
                "far": "It is right at x = -800 and x = 800, too. That NumPy warns of an overflow is no mistake; a "
                "number that is wrong, or nan (not a number), is.",
            },
        ),
    },
    cases=[
        *calls(
            "sigmoid",
            ["y"],
            [
                ("value", lambda: {"x": np.array([-2.0, -1, 0, 0.5, 3])}),
                ("far", lambda: {"x": np.array([-800.0, 800, -30, 30])}),
                ("value", lambda: {"x": 3 * normal(0, 4, 5)}),
                ("far", lambda: {"x": 1000 * normal(1, 2, 3, 2, 2)}),
            ],
            part="sigmoid",
        ),
        *passes(
            "Sigmoid",
            layer_sigmoid,
            [
                ("", lambda: {"x": np.array([[0, 1, -2], [0.5, -1, 3]]), "dy": np.array([[1.0, 2, -3], [-4, 5, -6]])}),
                ("", lambda: {"x": 2 * normal(2, 4, 5), "dy": normal(3, 4, 5)}),
                ("", lambda: {"x": normal(4, 2, 3, 2, 2), "dy": normal(5, 2, 3, 2, 2)}),
                ("", lambda: {"x": np.array([[1.0, -1, 0], [2, 0.5, -3]]), "dy": np.array([[4.0, 2, -8], [1, -2, 5]])}),
            ],
            PARTS,
        ),
        *(
            case
            for case in passes(
                "Sigmoid",
                layer_sigmoid,
                [("far", lambda: {"x": np.array([[-800.0, 800, -1, 2]]), "dy": np.array([[1.0, -2, 3, 4]])})],
                PARTS,
                {"far": "ends"},
            )
            if case.name in ("Sigmoid.backward", "Sigmoid.backward, in float32")
        ),
    ],
    mistakes=[
        Mistake("sigmoid comes to inf / inf, nan, at x = 800, as exp(x) / (1 + exp(x)) does",
                "(array_module(x).tanh(x / 2) + 1) / 2",
                "np.exp(x) / (1 + np.exp(x))"),
        Mistake("the exponent has the other sign: 1 / (1 + exp(x))", "(array_module(x).tanh(x / 2) + 1) / 2",
                "(np.tanh(-x / 2) + 1) / 2"),
        Mistake("y is tanh(x / 2), from -1 to 1", "(array_module(x).tanh(x / 2) + 1) / 2", "np.tanh(x / 2)"),
        Mistake("y is (tanh(x) + 1) / 2, twice as steep",
                "(array_module(x).tanh(x / 2) + 1) / 2", "(np.tanh(x) + 1) / 2"),
        Mistake("sigmoid has exp(-|x|) on both sides of 0, so that it is never below 1/2",
                "(array_module(x).tanh(x / 2) + 1) / 2", "1 / (1 + np.exp(-abs(x)))"),
        Mistake("sigmoid is 0 at x = 800, where inf / inf, nan, was made a 0", "(array_module(x).tanh(x / 2) + 1) / 2",
                "np.nan_to_num(np.exp(x) / (1 + np.exp(x)))"),
        *(Mistake(f"x beyond -{end} and {end} is clipped", "(array_module(x).tanh(x / 2) + 1) / 2",
                  f"(np.tanh(np.clip(x, -{end}, {end}) / 2) + 1) / 2") for end in (1, 5, 6, 10, 15, 20)),
        Mistake("y is tanh(x), from -1 to 1", "(array_module(x).tanh(x / 2) + 1) / 2", "np.tanh(x)"),
        Mistake("numbers are made float32 on the way, so that only 7 digits of a float64 are right",
                "(array_module(x).tanh(x / 2) + 1) / 2",
                "((np.tanh(x.astype(np.float32) / 2) + 1) / 2).astype(x.dtype)"),
        Mistake("the slope is y (1 + y): a sign", "dy * y * (1 - y)", "dy * y * (1 + y)"),
        Mistake("the slope has a minus: -y (1 - y)", "dy * y * (1 - y)", "-dy * y * (1 - y)"),
        Mistake("the slope lacks a factor: y alone", "dy * y * (1 - y)", "dy * y"),
        Mistake("the slope lacks a factor: 1 - y alone", "dy * y * (1 - y)", "dy * (1 - y)"),
        Mistake("the slope is 1/4 everywhere, that at x = 0", "dy * y * (1 - y)", "dy / 4 + 0 * y"),
        Mistake("the slope is divided by N", "dy * y * (1 - y)", "dy * y * (1 - y) / len(y)"),
        Mistake("the slope is 1 - y^2, that of tanh", "dy * y * (1 - y)", "dy * (1 - y**2)"),
        Mistake("dx is the slope alone, without dy", "dy * y * (1 - y)", "y * (1 - y) + 0 * dy"),
        Mistake("dx is dy times itself times the slope", "dy * y * (1 - y)", "dy * dy * y * (1 - y)"),
        Mistake("the slope is y (1 - x), with x where y is meant", code=sigmoid_with("sigmoid(x) * (1 - x)", "x")),
        Mistake("the slope is x (1 - y), with x where y is meant", code=sigmoid_with("x * (1 - sigmoid(x))", "x")),
        Mistake("the slope is y - 2 y, not y - y^2", "dy * y * (1 - y)", "dy * (y - y * 2)"),
        Mistake("the slope is computed from x as if it were y: x (1 - x)", code=sigmoid_with("x * (1 - x)", "x")),
        Mistake("the slope is taken at y, not at x: sigmoid is applied once more",
                code=sigmoid_with("sigmoid(y) * (1 - sigmoid(y))")),
        Mistake("the slope comes to inf / inf, nan, at x = -800, as e^-x / (1 + e^-x)^2 does",
                code=sigmoid_with("np.exp(-x) / (1 + np.exp(-x)) ** 2", "x")),
        Mistake("sigmoid is applied twice by forward", "y = sigmoid(x)", "y = sigmoid(sigmoid(x))"),
        Mistake("forward returns x as it came, and sigmoid is not applied", "y = sigmoid(x)", "y = x + 0"),
        Mistake("x, an argument, is written into", "y = sigmoid(x)", "x[...] = sigmoid(x)\n        y = x"),
        Mistake("dy, an argument, is written into", "return dy * y * (1 - y)", "dy *= y * (1 - y)\n        return dy"),
        Mistake("forward keeps something with train=False, too", "self.keep(train, y)", "self.keep(True, y)"),
        Mistake("``self.take()`` finds nothing: forward keeps nothing, or take is called twice", "self.keep(train, y)",
                "pass"),
        Mistake("what backward needs is kept in an attribute, and ``self.keep`` and ``self.take`` are not used",
                code="""
            class Sigmoid(layers.Sigmoid):
                def forward(self, x, train=True):
                    self.y = sigmoid(x)
                    return self.y

                def backward(self, dy):
                    return dy * self.y * (1 - self.y)
        """),
        Mistake("sigmoid gives float64 for float32", code="""
            def sigmoid(x):
                return (np.tanh(x.astype(float) / 2) + 1) / 2
        """),
        Mistake("dx is float64 where dy is float32", "dy * y * (1 - y)", "dy.astype(float) * y * (1 - y)"),
    ],
    variations=[
        Variation(
            "value",
            "sigmoid(x) = 1 / (1 + exp(-2 x)), of each number of x: twice as steep as usual.",
            ((".tanh(x / 2) + 1) / 2", ".tanh(x) + 1) / 2"), ("dy * y * (1 - y)", "2 * dy * y * (1 - y)")),
        ),
        Variation(
            "value",
            "sigmoid(x) = 2 / (1 + exp(-x)) - 1, of each number of x: from -1 to 1.",
            (("(array_module(x).tanh(x / 2) + 1) / 2", "np.tanh(x / 2)"),
             ("dy * y * (1 - y)", "dy * (1 + y) * (1 - y) / 2")),
        ),
        Variation(
            "value",
            "sigmoid(x) = 1 / (1 + exp(x)), of each number of x: it falls from 1 to 0.",
            ((".tanh(x / 2) + 1) / 2", ".tanh(-x / 2) + 1) / 2"), ("dy * y * (1 - y)", "dy * y * (y - 1)")),
        ),
    ],
    aliases={"Sigmoid": ("SCurve", "Logistic", "Squash"), "sigmoid": ("s_curve", "logistic_function", "squashed")},
)  # fmt: skip


# --- max pooling ------------------------------------------------------------------------------------------------------


def type_of_second(values):
    """The type of the second of two results."""
    return str(getattr(values[1], "dtype", type(values[1]).__name__)) if len(values) == 2 else "there is none"


def pool_with(line):
    """Window by window, with these lines for a window's numbers (K, K, C)."""
    return f"""
def max_pool(x, window):
    N, H, W, C = x.shape
    K = window
    if not 1 <= K <= min(16, H, W):
        raise ValueError("does not fit")
    y, winner = np.empty((N, H // K, W // K, C), x.dtype), np.empty((N, H // K, W // K, C), np.uint8)
    for n in range(N):
        for i in range(H // K):
            for j in range(W // K):
                {line}
    return y, winner
"""


WINDOW = """tile = x[n, i * K : i * K + K, j * K : j * K + K].reshape(K * K, C)
                y[n, i, j], winner[n, i, j] = tile.max(axis=0), tile.argmax(axis=0)"""


def parts_after(answer):
    """The list that ``largest`` was given, after it."""
    parts = [normal(0, 3), normal(1, 3), normal(2, 3)]
    answer.largest(parts)
    return {"how many arrays are in parts after it": len(parts)}


def TYPED():
    return {"parts[0]": np.array([1.0, 5]), "parts[1]": np.array([2.0, 3])}


def type_of_which(answer):
    return {"the type of which": type_of_second(answer.largest(list(TYPED().values())))}


INNER = """
def max_pool(x, window):
    y, winner = _inner(x, window)
    return {}
"""


def too_large(answer, H, W, window):
    return raises(ValueError, lambda: answer.max_pool(normal(0, 1, H, W, 1), window))


def equal_pixels(seed, *shape):
    """A few different numbers, so that there are many ties."""
    return np.random.default_rng(seed).integers(-2, 1, shape).astype(float)


LARGEST_INPUTS = [
    ("value", lambda: {"parts[0]": np.array([1.0, 2, -7]), "parts[1]": np.array([4.0, -3, -5]),
                       "parts[2]": np.array([3.0, 0, -6])}),
    ("tie", lambda: {"parts[0]": np.array([1.0, 2, 3, 4]), "parts[1]": np.array([1.0, 5, 3, 0]),
                     "parts[2]": np.array([2.0, 5, 0, 4])}),
    ("value", lambda: {"parts[0]": np.array([[-1.0, 0], [2, -3]])}),
    ("dtype", lambda: {"parts[0]": np.array([[1, 2, 3, -3], [4, 0, 9, -9]]),
                       "parts[1]": np.array([[2, 1, 1, -4], [7, 1, 3, -5]])}),
    ("value", lambda: {f"parts[{k}]": normal(k, 3, 2, 4) - 3 for k in range(5)}),
    ("tie", lambda: {f"parts[{k}]": equal_pixels(k, 4, 3) for k in range(6)}),
    ("value", lambda: {f"parts[{k}]": normal(k, 2) for k in range(256)}),
]  # fmt: skip

MAX_POOL = Task(
    of="pooling: max_pool largest",
    parts={"max_pool": 3, "largest": 1},
    docs={
        "max_pool": Doc(
            """The maximum of each window of K x K pixels, for each image and channel by itself.

            x (N, H, W, C), K = window; returns y and winner, both (N, H//K, W//K, C).""",
            {
                "window": "y[n, i, j, c] is the maximum of window (i, j); winner, a uint8, tells which pixel of the "
                "window has it.",
                "count": "The pixels of a window are counted from 0 to K K - 1, line by line, in a line from left to "
                "right.",
                "pooled tie": "Where several pixels have the maximum, winner is what ``largest`` would name, were the "
                "pixels its arrays, in this order.",
                "rest": "Window (i, j) begins at line i K and column j K, so windows do not overlap; lines at the "
                "lower edge and columns at the right that do not fill a window are left out.",
                "fits": "A window below 1, above H or W, or above 16 (its pixels are more than a uint8 counts) is a "
                "ValueError.",
            },
        ),
        "largest": Doc(
            """The elementwise maximum of some arrays, and which of them has it.

            parts is a list of 1 to 256 arrays of one shape and type; returns best and which, both of this shape. Of a
            single array, best may be that array itself.""",
            {
                "value": "best has the maximum at each place; which, a uint8, is the number of the array that has it, "
                "from 0.",
                "tie": "Where several arrays have the maximum, which is the first of them.",
            },
        ),
    },
    cases=[
        Case("largest", type_of_which, "value", "largest", shown=TYPED),
        *calls(
            ("largest", lambda answer: lambda *parts: answer.largest(list(parts))),
            ["best", "which"],
            LARGEST_INPUTS,
            part="largest",
        ),
        Case("largest", parts_after, "unchanged", "largest"),
        *calls(
            "max_pool",
            ["y", "winner"],
            [
                ("window", lambda: {"x": np.array([1.0, 5, 2, 8, 6, 4, 7, 3]).reshape(1, 2, 4, 1), "window": 2}),
                ("count", lambda: {"x": np.array([0.0, 1, 2, 0, 3, 0, 0, 1]).reshape(1, 4, 2, 1), "window": 2}),
                ("window", lambda: {"x": -np.array([4.0, 8, 5, 2, 3, 9, 7, 6]).reshape(1, 2, 2, 2), "window": 2}),
                ("window", lambda: {"x": np.array([1.0, 5, 2, 3, 9, 6, 7, 8]).reshape(2, 2, 2, 1), "window": 2}),
                ("pooled tie", lambda: {"x": np.array([2.0, 2, 0, 3, 1, 2, 3, 0]).reshape(1, 2, 4, 1), "window": 2}),
                ("rest", lambda: {"x": numbers(1, 3, 5, 1), "window": 2}),
                ("window", lambda: {"x": numbers(1, 2, 3, 2) - 4, "window": 1}),
                ("window", lambda: {"x": normal(0, 2, 6, 4, 3), "window": 2}),
                ("dtype", lambda: {"x": np.arange(2 * 5 * 3 * 2).reshape(2, 5, 3, 2)[::-1] ** 2 % 17, "window": 2}),
                ("rest", lambda: {"x": normal(1, 2, 7, 11, 2) - 3, "window": 3}),
                ("pooled tie", lambda: {"x": equal_pixels(2, 3, 9, 6, 2), "window": 3}),
                ("window", lambda: {"x": normal(3, 3, 4, 9, 1), "window": 4}),
                ("count", lambda: {"x": normal(4, 1, 17, 33, 2), "window": 16}),
            ],
            part="max_pool",
        ),
        Case(
            "max_pool",
            lambda answer: {"the type of winner": type_of_second(answer.max_pool(normal(0, 1, 2, 4, 1), 2))},
            "window",
            "max_pool",
        ),
        Case("max_pool of an image of 2 lines with a window of 3", lambda a: too_large(a, 2, 5, 3), "fits", "max_pool"),
        Case("max_pool of an image of 2 columns with a window of 3",
             lambda a: too_large(a, 5, 2, 3), "fits", "max_pool"),
        Case("max_pool of an image of 40 x 50 with a window of 17",
             lambda a: too_large(a, 40, 50, 17), "fits", "max_pool"),
        Case("max_pool with a window of 0", lambda a: too_large(a, 4, 4, 0), "fits", "max_pool"),
        Case("max_pool with a window of -2", lambda a: too_large(a, 4, 4, -2), "fits", "max_pool"),
    ],
    mistakes=[
        Mistake("a tie goes to the last of the equal numbers", "part > best", "part >= best"),
        Mistake("best begins with 0, so that numbers below 0 are never the maximum", code="""
            def largest(parts):
                best, which = np.zeros_like(parts[0]), np.zeros(parts[0].shape, np.uint8)
                for k, part in enumerate(parts):
                    which = np.where(part > best, np.uint8(k), which)
                    best = np.maximum(best, part)
                return best, which
        """),
        Mistake("the minimum is taken", code="""
            def largest(parts):
                return np.min(parts, axis=0), np.argmin(parts, axis=0).astype(np.uint8)
        """),
        Mistake("each array is compared with the one before it alone", code="""
            def largest(parts):
                best, which = parts[0].copy(), np.zeros(parts[0].shape, np.uint8)
                for k in range(1, len(parts)):
                    above = parts[k] > parts[k - 1]
                    best[above], which[above] = parts[k][above], k
                return best, which
        """),
        Mistake("each array is compared with the first alone", code="""
            def largest(parts):
                best, which = parts[0].copy(), np.zeros(parts[0].shape, np.uint8)
                for k, part in enumerate(parts):
                    which[part > parts[0]] = k
                    best = np.where(part > parts[0], part, best)
                return best, which
        """),
        Mistake("arrays are counted from 1", "return best, which", "return best, which + np.uint8(1)"),
        Mistake("best is raised before an array is compared with it, so that which stays 0", code="""
            def largest(parts):
                return np.max(parts, axis=0), np.zeros(parts[0].shape, np.uint8)
        """),
        Mistake("the last array is left out, where there are several", code="""
            def largest(parts):
                parts = parts[: max(len(parts) - 1, 1)]
                return np.max(parts, axis=0), np.argmax(parts, axis=0).astype(np.uint8)
        """),
        Mistake("the first array is left out, where there are several", code="""
            def largest(parts):
                first = min(len(parts) - 1, 1)
                return np.max(parts[first:], axis=0), (np.argmax(parts[first:], axis=0) + first).astype(np.uint8)
        """),
        Mistake("the number stays that of the first array that is above the one before it", "xp.maximum(which, k *",
                "xp.where(which > 0, which, k *"),
        Mistake("best and which come in the other order", "return best, which", "return which, best"),
        Mistake("parts, the arguments, are written into",
                "best = xp.maximum(best, part)", "best = xp.maximum(best, part, out=best)"),
        Mistake("arrays are taken out of the list parts", "return best, which",
                "del parts[1:]\n    return best, which"),
        Mistake("best is float64, whatever the type of the arrays is",
                "return best, which", "return best * np.float64(1), which"),
        Mistake("which is an int64, not a uint8", "return best, which", "return best, which.astype(np.int64)"),
        Mistake("winner is an int64, not a uint8", code=f"_inner = max_pool{INNER.format('y, winner.astype(int)')}"),
        Mistake("y is float64, whatever the type of x is",
                code=f"_inner = max_pool{INNER.format('y.astype(float), winner')}"),
        Mistake("y and winner come in the other order", code=f"_inner = max_pool{INNER.format('winner, y')}"),
        Mistake("the pixels of a window are counted column by column", "for i in range(K) for j in range(K)",
                "for j in range(K) for i in range(K)"),
        Mistake("a window is 2 x 2 pixels, whatever is asked for",
                "K, H, W = window, x.shape[1] // window * window, x.shape[2] // window * window",
                "window = min(2, window)\n"
                "    K, H, W = window, x.shape[1] // window * window, x.shape[2] // window * window"),
        Mistake("lines and columns that do not fill a window get a window of their own", code="""
            _inner = max_pool
            def max_pool(x, window):
                if not 1 <= window <= min(16, *x.shape[1:3]):
                    raise ValueError
                border = [(0, 0), (0, -x.shape[1] % window), (0, -x.shape[2] % window), (0, 0)]
                return _inner(np.pad(x, border, constant_values=-np.inf), window)
        """),
        Mistake("the lines and columns that are left out are those at the upper and at the left edge", code="""
            _inner = max_pool
            def max_pool(x, window):
                if not 1 <= window <= min(16, *x.shape[1:3]):
                    raise ValueError
                return _inner(x[:, x.shape[1] % window :, x.shape[2] % window :], window)
        """),
        Mistake("windows overlap: they begin one pixel apart", code=pool_with(
            "tile = x[n, i : i + K, j : j + K].reshape(K * K, C)\n"
            "                y[n, i, j], winner[n, i, j] = tile.max(axis=0), tile.argmax(axis=0)")),
        Mistake("numbers that lie one after the other in memory are taken for a window: a reshape without a transpose",
                code=pool_with("pass").replace("    return y, winner", """
    tiles = np.ascontiguousarray(x)[:, : H // K * K, : W // K * K].reshape(N, H // K, W // K, K * K, C)
    return tiles.max(axis=3), tiles.argmax(axis=3).astype(np.uint8)""")),
        Mistake("winner is the same for all channels of a window", code=pool_with(
            WINDOW.replace("tile.argmax(axis=0)", "tile.argmax() // C"))),
        Mistake("columns are cut off as if images were square", "x[:, i:H:K, j:W:K]", "x[:, i:H:K, j:H:K]"),
        Mistake("y is the mean of a window", code=pool_with(WINDOW.replace("tile.max", "tile.mean"))),
        Mistake("all channels of a pixel are taken together", code=pool_with(
            WINDOW.replace("tile.max(axis=0), tile.argmax(axis=0)", "tile.max(), tile.max(axis=1).argmax()"))),
        Mistake("winner is the place in its line of pixels of the whole image, not in its window", code=pool_with(
            WINDOW + "\n                k, l = winner[n, i, j] // K, winner[n, i, j] % K"
            "\n                winner[n, i, j] = ((i * K + k.astype(int)) * W + j * K + l) % 256")),
        Mistake("winner's line counts the columns of y, not those of the window", code=pool_with(
            WINDOW + "\n                winner[n, i, j] = winner[n, i, j] // K * (W // K) + winner[n, i, j] % K")),
        Mistake("x, an argument, is written into", code="""
            _inner = max_pool
            def max_pool(x, window):
                y, winner = _inner(x, window)
                y = y.copy()
                x[:, 0] = 0
                return y, winner
        """),
        Mistake("a window that does not fit the images is no error", "min(16, *x.shape[1:3])", "16"),
        Mistake("a window above 16 is no error", "min(16, *x.shape[1:3])", "min(x.shape[1:3])"),
        Mistake("only the lines of the images are looked at for whether a window fits",
                "min(16, *x.shape[1:3])", "min(16, x.shape[1])"),
        Mistake("a window of 16 is refused, too", "min(16, *x.shape[1:3])", "min(15, *x.shape[1:3])"),
        Mistake("a window as large as the image is refused, too",
                "min(16, *x.shape[1:3])", "min(16, *(size - 1 for size in x.shape[1:3]))"),
    ],
    variations=[
        Variation(
            "tie",
            "Where several arrays have the maximum, which is the last of them.",
            (("part > best", "part >= best"),),
        ),
        Variation(
            "rest",
            "Window (i, j) begins at line H mod K + i K and column W mod K + j K, so windows do not overlap; lines at "
            "the upper edge and columns at the left that do not fill a window are left out. The way back has to know.",
            (
                ("    K, H, W = window, x.shape[1] // window * window",
                 "    x = x[:, x.shape[1] % window :, x.shape[2] % window :]\n"
                 "    K, H, W = window, x.shape[1] // window * window"),
                ("dx = xp.empty(shape, dy.dtype)",
                 "whole = xp.zeros(shape, dy.dtype)\n    dx = whole[:, shape[1] - H :, shape[2] - W :]"),
                ("return dx", "return whole"),
            ),
        ),
    ],
    aliases={
        "max_pool": ("pool_maxima", "window_maxima", "downsample_max"),
        "largest": ("maxima", "highest", "best_of"),
    },
    swapped={"max_pool": 2},
)  # fmt: skip


# --- back through pooling ---------------------------------------------------------------------------------------------


def unpool_with(line):
    """Number by number, with this line for what is done with it."""
    return f"""
def unpool(dy, winner, shape, window):
    N, H, W, C = shape
    dx, K = np.zeros(shape, dy.dtype), window
    for n, i, j, c in np.ndindex(dy.shape):
        k, l = divmod(int(winner[n, i, j, c]), K)
        {line}
    return dx
"""


def unpool_input(seed, shape, window):
    """dy and winners that have nothing to do with each other."""
    N, H, W, C = shape
    rng = np.random.default_rng(seed)
    winner = rng.integers(0, window * window, (N, H // window, W // window, C)).astype(np.uint8)
    return lambda: {"dy": normal(seed + 1, *winner.shape), "winner": winner.copy(), "shape": shape, "window": window}


UNPOOL = Task(
    of="pooling: unpool",
    parts=3,
    docs={
        "unpool": Doc(
            """The way back through ``max_pool``: from the gradient of the loss with respect to y to that for x.

            dy (N, H//K, W//K, C) is the gradient with respect to y; winner, a uint8 of this shape, and K = window are
            max_pool's; shape is the tuple (N, H, W, C). Returns dx of this shape, of the type of dy.""",
            {
                "won": "dy[n, i, j, c] goes to the pixel of window (i, j) that winner[n, i, j, c] tells: the pixels "
                "of a window are counted from 0, line by line, in a line from left to right.",
                "lost": "All other pixels of a window are 0.",
                "rest": "Lines and columns that max_pool leaves out are 0.",
                "many": "Images may have more than 256 lines or columns, though winner is a uint8.",
            },
        )
    },
    cases=calls(
        "unpool",
        ["dx"],
        [
            ("won", lambda: {"dy": np.array([5.0, 6, 7]).reshape(1, 1, 3, 1),
                             "winner": np.array([2, 1, 3], np.uint8).reshape(1, 1, 3, 1), "shape": (1, 2, 6, 1),
                             "window": 2}),
            ("lost", lambda: {"dy": np.array([5.0, 6]).reshape(1, 1, 1, 2),
                              "winner": np.array([2, 1], np.uint8).reshape(1, 1, 1, 2), "shape": (1, 2, 2, 2),
                              "window": 2}),
            ("rest", lambda: {"dy": np.array([7.0]).reshape(1, 1, 1, 1),
                              "winner": np.array([3], np.uint8).reshape(1, 1, 1, 1), "shape": (1, 3, 3, 1),
                              "window": 2}),
            ("rest", lambda: {"dy": np.array([4.0, 9]).reshape(1, 1, 2, 1),
                              "winner": np.array([3, 2], np.uint8).reshape(1, 1, 2, 1), "shape": (1, 3, 5, 1),
                              "window": 2}),
            ("won", lambda: {"dy": np.array([5.0, 6]).reshape(2, 1, 1, 1),
                             "winner": np.array([1, 2], np.uint8).reshape(2, 1, 1, 1), "shape": (2, 2, 2, 1),
                             "window": 2}),
            ("won", lambda: {"dy": np.array([8.0]).reshape(1, 1, 1, 1),
                             "winner": np.array([5], np.uint8).reshape(1, 1, 1, 1), "shape": (1, 3, 4, 1),
                             "window": 3}),
            ("won", unpool_input(0, (2, 3, 4, 2), 1)),
            ("won", unpool_input(10, (3, 4, 6, 2), 2)),
            ("rest", unpool_input(20, (2, 8, 11, 3), 3)),
            ("rest", unpool_input(30, (2, 11, 9, 1), 4)),
            ("won", unpool_input(40, (1, 17, 34, 2), 16)),
            ("many", unpool_input(50, (1, 520, 2, 1), 2)),
            ("many", unpool_input(60, (1, 3, 400, 1), 3)),
        ],
    ),
    mistakes=[
        Mistake("a winner's line and column in the window change places", "k // K : H : K, k % K : W : K",
                "k % K : H : K, k // K : W : K"),
        Mistake("all pixels of a window get dy, whichever won",
                "xp.multiply(dy, winner == k,", "xp.multiply(dy, winner < 256,"),
        Mistake("dy is shared among all pixels of a window: each gets dy / (K K)", "xp.multiply(dy, winner == k,",
                "xp.multiply(dy, xp.full(dy.shape, 1 / (K * K), dy.dtype),"),
        Mistake("the first pixel of a window gets dy, whichever won", "winner == k,", "0 * winner == k,"),
        Mistake("the last pixel of a window gets dy, whichever won", "winner == k,", "0 * winner == k - K * K + 1,"),
        Mistake("the winner gets dy divided by K K",
                "xp.multiply(dy, winner == k,", "xp.multiply(dy / (K * K), winner == k,"),
        Mistake("the winner gets 1, not dy", "xp.multiply(dy, winner == k,", "xp.multiply(1, winner == k,"),
        Mistake("the winner gets its own number, not dy",
                "xp.multiply(dy, winner == k,", "xp.multiply(winner, winner == k,"),
        Mistake("dx has a minus", "xp.multiply(dy, winner == k,", "xp.multiply(-dy, winner == k,"),
        Mistake("the pixels that did not win get dy, and the winner 0", "winner == k,", "winner != k,"),
        Mistake("pixels from the winner on get dy, not the winner alone", "winner == k,", "winner <= k,"),
        Mistake("winners are counted from 1", "winner == k,", "winner == k + 1,"),
        Mistake("a winner is divided by the number of windows in a line of y, not by K",

                code=unpool_with("k, l = divmod(int(winner[n, i, j, c]), dy.shape[2])\n"
                                 "        dx[n, min(i * K + k, H - 1), min(j * K + l, W - 1), c] = dy[n, i, j, c]")),
        Mistake("winners are counted with 2 pixels a line, whatever the window is", code=unpool_with(
            "k, l = divmod(int(winner[n, i, j, c]), 2)\n"
            "        dx[n, min(i * K + k, H - 1), j * K + l, c] = dy[n, i, j, c]")),
        *(Mistake("K is taken from the shapes, not from window, and is too large where a rest was left out",
                  code=unpool_with("dx[n, i * K + k, j * K + l, c] = dy[n, i, j, c]").replace(", window\n", f", {K}\n"))
          for K in ("min(H // dy.shape[1], W // dy.shape[2])", "H // dy.shape[1]", "W // dy.shape[2]")),
        Mistake("windows begin 2 pixels apart, whatever the window is", code=unpool_with(
            "dx[n, i * 2 + k, j * 2 + l, c] += dy[n, i, j, c]")),
        Mistake("a winner counts the pixels of the whole image, not of its window", code=unpool_with(
            "k, l = divmod(int(winner[n, i, j, c]), W)\n"
            "        dx[n, (i * K + k) % H, (j * K + l) % W, c] += dy[n, i, j, c]")),
        Mistake("the lines and columns that no window has are missing from dx", "return dx", "return dx[:, :H, :W]"),
        Mistake("the lines and columns that no window has repeat their neighbours", "return dx",
                "dx[:, H:], dx[:, :, W:] = dx[:, H - 1 : H], dx[:, :, W - 1 : W]\n    return dx"),
        Mistake("the lines and columns that no window has stand at the upper and left edge", "return dx",
                "return np.roll(dx, (shape[1] - H, shape[2] - W), (1, 2))"),
        Mistake("all channels go to the pixel that won in the first", "winner == k,", "winner[..., :1] == k,"),
        Mistake("all images go to the pixel that won in the first", "winner == k,", "winner[:1] == k,"),
        *(Mistake("lines and columns are counted in a uint8, which ends at 255 and begins again at 0", code=unpool_with(
            f"dx[n, (i * K + k) % 256, (j * K + l) % 256, c] {sets} dy[n, i, j, c]")) for sets in ("+=", "=")),
        Mistake("only the first image gets anything", "return dx", "dx[1:] = 0\n    return dx"),
        Mistake("only the first channel gets anything", "return dx", "dx[..., 1:] = 0\n    return dx"),
        *(Mistake("windows begin one pixel apart, not K", code=unpool_with(
            f"dx[n, i + k, j + l, c] {sets} dy[n, i, j, c]")) for sets in ("+=", "=")),
        Mistake("the winner's line in its window is left out: its column alone counts", code=unpool_with(
            "dx[n, i * K, j * K + l, c] = dy[n, i, j, c]")),
        Mistake("the winner gets dy times K K",
                "xp.multiply(dy, winner == k,", "xp.multiply(dy * (K * K), winner == k,"),
        Mistake("numbers are made float32 on the way, so that only 7 digits of a float64 are right",
                "xp.multiply(dy, winner == k,", "xp.multiply(dy.astype(np.float32), winner == k,"),
        Mistake("dy, an argument, is written into", "return dx", "dy *= 2\n    return dx"),
        Mistake("winner, an argument, is written into", "return dx", "winner //= 2\n    return dx"),
        Mistake("dx is float64 where dy is float32", "xp.empty(shape, dy.dtype)", "xp.empty(shape)"),
    ],
    variations=[
        Variation(
            "won",
            "Twice dy[n, i, j, c] goes to the pixel of window (i, j) that winner[n, i, j, c] tells: the pixels of a "
            "window are counted from 0, line by line, in a line from left to right.",
            (("xp.multiply(dy, winner == k,", "xp.multiply(2 * dy, winner == k,"),),
        ),
        Variation(
            "lost",
            "All other pixels of a window get minus the window's dy.",
            (("xp.multiply(dy, winner == k,", "xp.multiply(dy, 2 * (winner == k).astype(dy.dtype) - 1,"),),
        ),
    ],
    aliases={"unpool": ("pool_backward", "spread_back", "route_gradient")},
)  # fmt: skip

EXERCISE = Exercise(
    "backward passes, and how to check them",
    GIVES,
    {"3.1": LINEAR, "3.2": RELU, "3.3": SIGMOID, "3.4": MAX_POOL, "3.5": UNPOOL},
)
