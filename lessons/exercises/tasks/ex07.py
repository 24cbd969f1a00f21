"""Exercise 7: momentum, the paper's schedule, and a step of all layers with their rates and their L2."""

import numpy as np

from lessons.exercises.cases import a_layer, array, calls, normal, steps_of, told_apart
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.layers import BatchNorm, Linear, ReLU, Sequential
from minisiamese.optimizers import Adam, Momentum

GIVES = """
import numpy as np

from minisiamese import optimizers
"""

# --- 7.1 --------------------------------------------------------------------------------------------------------------


def moved(answer):
    """Momentum.update as a function of all arrays, and of how often it is called."""

    def update(w, gradient, rate, velocity, mu, times=1):
        optimizer = answer.Momentum(a_layer(), momentum=0.25)
        for _ in range(times):
            optimizer.update(w, gradient, rate, velocity, mu=mu)
        return velocity, w

    return update


def momentum_with(*lines):
    body = "\n".join(f"        {line}" for line in lines)
    return f"class Momentum(optimizers.Momentum):\n    def update(self, w, gradient, rate, velocity, mu):\n{body}\n"


MOMENTUM = Task(
    of="optimizers: Momentum.update",
    parts=2,
    docs={
        "Momentum": Doc(
            """An optimiser: ``step`` of its base calls update for each array of weights, and keeps their velocities
            from step to step."""
        ),
        "update": Doc(
            """One step: first the velocity v changes, and then the weights w.

            w, gradient and velocity are arrays of one shape, rate and mu are numbers.""",
            {
                "velocity": "v <- mu v - rate g: the velocity becomes mu times what it was, minus rate times the "
                "gradient g. mu may be 0.",
                "w": "w <- w + v: the velocity that has just been computed is added to the weights.",
                "place": "Unlike arguments of other functions, w and velocity are changed in place: the arrays that "
                "were given hold the new numbers afterwards, which the layer and a further step see.",
            },
        ),
    },
    cases=[
        *told_apart(
            calls(
                ("Momentum.update", moved),
                ["velocity", "w"],
                [
                    ("w", lambda: {"w": array(1, 2), "gradient": array(1, -4), "rate": 0.5, "velocity": array(0, 1),
                                   "mu": 0.5}),
                    ("w", lambda: {"w": array(1, -1), "gradient": array(2, 3), "rate": 0.25, "velocity": array(3, -2),
                                   "mu": 0.0}),
                    ("w", lambda: {"w": array([1, 2], [3, 4]), "gradient": array([0, 0], [0, 0]), "rate": 0.125,
                                   "velocity": array([1, -1], [8, 0]), "mu": 0.75}),
                    ("place", lambda: {"w": array(1, 2, 3), "gradient": array(1, 0, -2), "rate": 0.5,
                                       "velocity": array(0, 0, 0), "mu": 0.5, "calls one after the other": 2}),
                    ("w", lambda: {"w": normal(0, 4, 3), "gradient": normal(1, 4, 3), "rate": 0.1,
                                   "velocity": normal(2, 4, 3), "mu": 0.9}),
                    ("w", lambda: {"w": normal(3, 2, 3, 2), "gradient": normal(4, 2, 3, 2), "rate": 2.0,
                                   "velocity": normal(5, 2, 3, 2), "mu": 1.0}),
                    ("place", lambda: {"w": normal(6, 12), "gradient": normal(7, 12), "rate": 0.03,
                                       "velocity": normal(8, 12), "mu": 0.6, "calls one after the other": 4}),
                ],
            ),
            {"velocity": ("velocity",), "": ("w",), "unchanged": ("gradient",)},
        ),
        steps_of("Momentum", ["velocity"], "place", momentum=0.8),
    ],
    mistakes=[
        Mistake("the gradient is added to the velocity, not taken away",
                "velocity -= rate * gradient", "velocity += rate * gradient"),
        Mistake("the velocity is taken away from w, not added", "w += velocity", "w -= velocity"),
        Mistake("the old velocity is not used", "velocity *= mu", "velocity[...] = 0"),
        Mistake("the old velocity counts whole: mu is not used", "velocity *= mu", "pass"),
        Mistake("mu is always 0.9", "velocity *= mu", "velocity *= 0.9"),
        Mistake("rate is not used", "velocity -= rate * gradient", "velocity -= gradient"),
        Mistake("the gradient counts 1 - mu times as much",
                "velocity -= rate * gradient", "velocity -= (1 - mu) * rate * gradient"),
        Mistake("mu is multiplied with the gradient, too", code=momentum_with(
            "velocity -= rate * gradient", "velocity *= mu", "w += velocity")),
        Mistake("rate is multiplied with the old velocity, too", "velocity *= mu", "velocity *= rate * mu"),
        Mistake("the velocity keeps the gradient without rate, and w moves by rate times the velocity",
                code=momentum_with(
            "velocity *= mu", "velocity -= gradient", "w += rate * velocity")),
        Mistake("the velocity adds the gradient up, and w moves by minus rate times the velocity", code=momentum_with(
            "velocity *= mu", "velocity += gradient", "w -= rate * velocity")),
        Mistake("the velocity has the other sign: rate times the gradient is added to it, and it is taken away from w",
                code=momentum_with("velocity *= mu", "velocity += rate * gradient", "w -= velocity")),
        Mistake("the velocity is an average of the gradients, and w moves by minus rate times it", code=momentum_with(
            "velocity *= mu", "velocity += (1 - mu) * gradient", "w -= rate * velocity")),
        Mistake("the old velocity counts whole where mu is 0", "velocity *= mu", "velocity *= mu or 1"),
        Mistake("w moves by the velocity and, once more, by the gradient", "w += velocity",
                "w += velocity - rate * gradient"),
        Mistake("w moves by the old velocity: it is changed before the velocity is", code=momentum_with(
            "w += velocity", "velocity *= mu", "velocity -= rate * gradient")),
        Mistake("w moves on by mu times the new velocity and by the gradient again, as Nesterov's does",
                "w += velocity", "w += mu * velocity - rate * gradient"),
        Mistake("w moves by the gradient alone", "w += velocity", "w -= rate * gradient"),
        Mistake("w is a new array, and the one that was given stays as it was", "w += velocity", "w = w + velocity"),
        Mistake("the velocity is a new array, and the one that was given stays as it was", code=momentum_with(
            "velocity = mu * velocity - rate * gradient", "w += velocity")),
        Mistake("w and the velocity are new arrays, and those that were given stay as they were", code=momentum_with(
            "velocity = mu * velocity - rate * gradient", "w = w + velocity")),
        Mistake("w itself, and not its change, is set to the velocity", "w += velocity", "w[...] = velocity"),
        Mistake("gradient, an argument, is written into",
                "velocity -= rate * gradient", "gradient *= rate\n        velocity -= gradient"),
        Mistake("only the first row of w is changed", "w += velocity", "w[:1] += velocity[:1]"),
    ],
    variations=[
        Variation(
            "w",
            "w <- w + mu v - rate g, with the velocity that has just been computed: the gradient counts once more "
            "(Nesterov's way).",
            (("w += velocity", "w += mu * velocity - rate * gradient"),),
        ),
        Variation(
            "velocity",
            "v <- mu v - (1 - mu) rate g: the velocity becomes mu times what it was, minus (1 - mu) rate times the "
            "gradient g. mu may be 0.",
            (("velocity -= rate * gradient", "velocity -= (1 - mu) * rate * gradient"),),
        ),
    ],
    aliases={"Momentum": ("HeavyBall", "RollingStep", "Inertia")},
)  # fmt: skip

# --- 7.2 --------------------------------------------------------------------------------------------------------------


def scheduled(*inputs):
    """Cases of (rule, step, steps, epoch_steps); "" stands for the rules of the two results."""
    found = []
    for rule, *values in inputs:
        given = dict(zip(("step", "steps", "epoch_steps"), values, strict=True))
        cases = calls("epoch", ["factor", "cap"], [(rule, lambda given=given: given)], floats=False, layouts=False)
        count = "how many"
        found += told_apart(cases, {"factor": (count, "factor"), "cap": (count, "cap")} if not rule else {rule: ("",)})
    return found


SCHEDULE = Task(
    of="optimizers: epoch",
    parts=2,
    docs={
        "epoch": Doc(
            """The paper's schedule: what all rates are multiplied with at a step, and the most that a momentum may be.

            step counts from 0; steps, how many there are in the whole run; epoch_steps, how many there are to each of
            its epochs; all are whole numbers. Returns factor and cap, two numbers.""",
            {
                "factor": "factor is 0.99 to the power of the number of epochs that are over.",
                "cap": "cap begins at 0.5 and rises by 0.01 with each of them, also beyond 1: the optimiser takes the "
                "smaller one of cap and its own momentum.",
                "over": "Only epochs count that are over at this step, whole ones: both numbers stay as they are "
                "from the first step of one to its last.",
                "run": "The length of the run, steps, does not matter, nor whether step is beyond it.",
            },
        )
    },
    cases=scheduled(
        ("", 0, 100, 10),
        ("", 10, 100, 10),
        ("", 20, 100, 10),
        ("over", 9, 100, 10),
        ("over", 25, 100, 10),
        ("over", 29, 60, 10),
        ("run", 25, 1000, 10),
        ("over", 25, 100, 7),
        ("", 3, 50, 1),
        ("", 8000, 9000, 40),
        ("", 123456, 200000, 789),
        ("over", 5, 9, 100),
        ("run", 25, 20, 10),
        ("run", 45, 20, 10),
        ("run", 29, 29, 10),
    ),
    mistakes=[
        Mistake("factor is 0.99 times the number of epochs", "0.99**over", "0.99 * over"),
        Mistake("factor falls by a straight line, by 0.01 with each", "0.99**over", "1 - 0.01 * over"),
        Mistake("factor is 0.9 to the power of the epochs that are over", "0.99**over", "0.9**over"),
        Mistake("factor is 0.01 to the power of the epochs that are over", "0.99**over", "0.01**over"),
        Mistake("factor falls with each step", "0.99**over", "0.99**step"),
        Mistake("cap rises with each step", "0.01 * over", "0.01 * step"),
        Mistake("epochs count by their parts, too: step over epoch_steps is not rounded down",
                "step // epoch_steps", "step / epoch_steps"),
        Mistake("step over epoch_steps is rounded to the nearest whole number",
                "step // epoch_steps", "round(step / epoch_steps)"),
        Mistake("the one that has begun counts as over", "step // epoch_steps", "step // epoch_steps + 1"),
        Mistake("step over epoch_steps is rounded up", "step // epoch_steps", "-(-step // epoch_steps)"),
        Mistake("steps count from 1", "step // epoch_steps", "(step + 1) // epoch_steps"),
        Mistake("an epoch is over one step too late", "step // epoch_steps", "max(0, step - 1) // epoch_steps"),
        Mistake("cap rises with parts of epochs, too", "0.5 + 0.01 * over", "0.5 + 0.01 * step / epoch_steps"),
        Mistake("factor falls with parts of epochs, too", "0.99**over", "0.99 ** (step / epoch_steps)"),
        Mistake("no more epochs count as over than the run has", "step // epoch_steps",
                "min(step // epoch_steps, steps // epoch_steps)"),
        Mistake("a step beyond the run counts as its last one", "step // epoch_steps",
                "min(step, steps - 1) // epoch_steps"),
        Mistake("the first one over is forgotten: one too few counts",
                "step // epoch_steps", "max(0, step // epoch_steps - 1)"),
        Mistake("the length of the run is divided, in place of the step",
                "step // epoch_steps", "steps // epoch_steps"),
        Mistake("the step is divided by the length of the run", "step // epoch_steps", "step // steps"),
        Mistake("the remainder of the division counts", "step // epoch_steps", "step % epoch_steps"),
        Mistake("cap rises by 0.1 with each", "0.5 + 0.01 * over", "0.5 + 0.1 * over"),
        Mistake("cap begins at 0", "0.5 + 0.01 * over", "0.01 * over"),
        Mistake("cap is not above 1", "0.5 + 0.01 * over", "min(1.0, 0.5 + 0.01 * over)"),
        Mistake("cap is not above 0.9", "0.5 + 0.01 * over", "min(0.9, 0.5 + 0.01 * over)"),
        Mistake("cap grows by a factor of 1.01 with each", "0.5 + 0.01 * over", "0.5 * 1.01**over"),
        Mistake("cap rises so that it is 1 at the end of the run", "0.5 + 0.01 * over", "0.5 + 0.5 * step / steps"),
        Mistake("cap stays at 0.5", "0.5 + 0.01 * over", "0.5"),
        Mistake("cap is 0.5 as long as 0.01 for each is less", "0.5 + 0.01 * over", "max(0.5, 0.01 * over)"),
        Mistake("cap is not above 0.99", "0.5 + 0.01 * over", "min(0.99, 0.5 + 0.01 * over)"),
        Mistake("cap falls as factor does", "0.5 + 0.01 * over", "0.5 * 0.99**over"),
        Mistake("factor and cap are returned in the other order",
                "return 0.99**over, 0.5 + 0.01 * over", "return 0.5 + 0.01 * over, 0.99**over"),
    ],
    variations=[
        Variation(
            "factor",
            "factor is 0.97 to the power of the number of epochs that are over.",
            (("0.99**over", "0.97**over"),),
        ),
        Variation(
            "cap",
            "cap begins at 0.4 and rises by 0.02 with each of them, also beyond 1: the optimiser takes the smaller "
            "one of cap and its own momentum.",
            (("0.5 + 0.01 * over", "0.4 + 0.02 * over"),),
        ),
        Variation(
            "over",
            "Epochs count from their first step on: at step 0, one counts as over. Both numbers stay as they are from "
            "the first step of one to its last.",
            (("over = step // epoch_steps", "over = step // epoch_steps + 1"),),
        ),
    ],
    aliases={"epoch": ("paper_schedule", "fall_and_rise", "hundredths")},
    swapped={"epoch": 2},
)  # fmt: skip

# --- 7.3 --------------------------------------------------------------------------------------------------------------


def optimizer_of(answer, of, network, **options):
    """An optimiser of the library's with the answer's ``step``."""
    return type(of.__name__, (answer.Optimizer, of), {})(network, **options)


def stepped(answer):
    """``step`` with momentum, as a function of a layer's arrays and of all settings."""

    def step(W, b, dW, db, rate, l2, factor, momentum, cap, times=1):
        layer = Linear(*W.shape, np.random.default_rng(0))
        layer.params |= {"W": W, "b": b}
        layer.grads |= {"W": dW, "b": db}
        optimizer = optimizer_of(answer, Momentum, layer, l2=l2, rates=factor, momentum=momentum)
        for _ in range(times):
            optimizer.step(rate, cap)
        return W, b, optimizer.state["velocity..W"], dW, db

    return step


def arrays(W, b, dW, db):
    """A layer's arrays under the names by which they are shown."""
    return {"layer.params['W']": W, "layer.params['b']": b, "layer.grads['W']": dW, "layer.grads['b']": db}


def settings(rate, l2=0.0, factor=1.0, momentum=0.0, cap=1.0, times=1):
    named = {"rate": rate, "l2 of W": l2, "factor": factor, "momentum": momentum, "cap": cap}
    return named | ({"calls one after the other": times} if times > 1 else {})


def by_hand(dW, db, **given):
    """Arguments with small weights."""
    return lambda: arrays(array([1, -2], [4, 0]), array(2, -1), array(*dW), array(*db)) | settings(**given)


def drawn(seed, D, M, **given):
    """Arguments with weights and gradients of any size."""

    def arguments():
        W, dW = normal(seed, 2, D, M)
        b, db = normal(seed + 1, 2, M)
        return arrays(W, b, dW, db) | settings(**given)

    return arguments


def a_network():
    """Three layers with weights, in float64, with gradients; batch norm's scale and shift go with the first."""
    rng = np.random.default_rng(4)
    network = Sequential(Linear(3, 4, rng), BatchNorm(4), ReLU(), Linear(4, 2, rng), Linear(2, 1, rng)).astype(float)
    for place, (_, layer) in enumerate(network.walk()):
        for key, gradient in layer.grads.items():
            gradient += normal(40 + place, *gradient.shape)
            layer.params[key] += 1
    return network


def of_layers(rule, own, **options):
    """A case of two steps of three layers, each with settings of its own."""

    def run(answer):
        network = a_network()
        optimizer = optimizer_of(answer, Momentum, network, **options)
        for cap in (0.5, 0.6):
            optimizer.step(0.1, cap)
        return {
            f"{key} of layer {name}": value for name, layer in network.walk() for key, value in layer.params.items()
        }

    return Case(f"Optimizer.step of three layers, each with {own} of its own, twice", run, rule)


def with_adam(answer):
    """Two steps of an optimiser that has two arrays for each of w, and asks for the number of the step."""
    layer = a_layer()
    optimizer = optimizer_of(answer, Adam, layer, beta1=0.5, beta2=0.75)
    optimizer.steps, found = 3, {}
    for which in ("one step", "two"):
        optimizer.step(0.1)
        found |= {f"{key} after {which}": value.copy() for key, value in layer.params.items()}
        found[f"self.steps after {which} (exactly)"] = optimizer.steps
    return found | {f"{slot} of W after both": optimizer.state[f"{slot}..W"] for slot in optimizer.slots}


def step_with(*lines, before="self.steps += 1", each="self.entries"):
    """The step, one array after the other, with other lines."""
    body = "\n".join(f"            {line}" for line in lines)
    return f"""
class Optimizer(optimizers.Optimizer):
    def step(self, rate, cap=1.0):
        {before}
        for name, layer, key, owner, factor, l2 in {each}:
            w, g, options = layer.params[key], layer.grads[key], self.options(owner, cap)
            state = [self.state[f"{{slot}}.{{name}}"] for slot in self.slots]
{body}
"""


STEPPED = (
    "layer.params['W'] afterwards",
    "layer.params['b'] afterwards",
    "velocity of W afterwards",
    "layer.grads['W'] afterwards",
    "layer.grads['b'] afterwards",
)
BY_W = "by_w = gradient[rows] + 2 * l2 * w[rows] if l2 else gradient[rows]"
UPDATE = "self.update(w, g + 2 * l2 * w, factor * rate, *state, **options)"

STEP = Task(
    of="optimizers: Optimizer.step",
    parts=3,
    docs={
        "Optimizer": Doc(
            """The base of all optimisers: a step of a whole network.

            ``self.entries`` has a tuple (name, layer, key, owner, factor, l2) for each array of weights or biases: w is
            layer.params[key], and the gradient of the data's loss with respect to it is g, layer.grads[key]; name and
            owner are strings, factor and l2 numbers. ``self.slots`` are the names of the arrays that the optimiser
            keeps for each w, for momentum ("velocity",); they are ``self.state[f"{slot}.{name}"]``, of w's shape.""",
        ),
        "step": Doc(
            """One step of all entries, by ``self.update(w, gradient, rate, *state, **options)`` of the optimiser.

            update changes w and its state in place, number by number: it may be called for all of w at once, or for
            one part after the other. Returns nothing.""",
            {
                "place": "For each entry, update gets w itself and its state, in the order of ``self.slots``: the "
                "arrays themselves or views of them, so that they hold the new numbers afterwards.",
                "l2": "The penalty is l2 times the sum of the squares of w. Its gradient, for w as it was before the "
                "step, is added to g, so that rate and momentum act on both. (l2 is 0 for biases.)",
                "rate": "The rate that update gets is factor times ``rate``.",
                "options": "Further arguments of update are those of the dictionary ``self.options(owner, cap)``: for "
                'momentum, "mu", which is the smaller of the layer\'s own momentum and cap.',
                "steps": "``self.steps`` counts the steps: it is one more when update is called, and stays so.",
                "grads": "The layers' gradients stay as they are: it is not for a step to clear them.",
            },
        ),
    },
    cases=[
        *told_apart(
            calls(
                ("Optimizer.step with momentum", stepped),
                STEPPED,
                [
                    ("l2", by_hand(([0, 0], [0, 0]), (0, 0), rate=0.5, l2=0.25)),
                    ("rate", by_hand(([1, 0], [2, -4]), (1, -2), rate=0.5, factor=0.25)),
                    ("l2", by_hand(([1, 0], [2, -4]), (1, -2), rate=0.25, l2=0.5)),
                    ("options", by_hand(([1, 0], [2, -4]), (1, -2), rate=0.5, momentum=0.75, cap=0.5, times=2)),
                    ("options", by_hand(([1, 0], [2, -4]), (1, -2), rate=0.5, momentum=0.25, cap=0.5, times=2)),
                    ("l2", by_hand(([1, 0], [2, -4]), (1, -2), rate=0.5, l2=0.125, momentum=0.5, times=2)),
                    ("l2", drawn(0, 4, 3, rate=0.1, l2=0.3, factor=0.5, momentum=0.9, cap=0.7, times=3)),
                    ("rate", drawn(2, 1, 5, rate=2.0, l2=0.01, factor=0.2)),
                ],
            ),
            {"": STEPPED[:3], "grads": STEPPED[3:]},
        ),
        of_layers("rate", "a rate", rates=(1, 0.5, 0.1)),
        of_layers("options", "a momentum", momentum=(0.25, 0.5, 0.75)),
        of_layers("l2", "an l2", l2=(0.5, 0.125, 0.25)),
        *told_apart([Case("Optimizer.step with Adam's update, twice, after 3 steps", with_adam, "place")],
                    {"": ("W", "b", "m", "v"), "steps": ("self.steps",)}),
    ],
    mistakes=[
        Mistake("the penalty has no part in it", BY_W, "by_w = gradient[rows]"),
        Mistake("the 2 of the square's gradient is missing", "2 * l2 * w", "l2 * w"),
        Mistake("2 l2 |w| is added, as the paper prints it, which pushes all weights the same way",
                "2 * l2 * w[rows]", "2 * l2 * abs(w[rows])"),
        Mistake("the penalty's gradient is taken away from g, not added", "+ 2 * l2", "- 2 * l2"),
        Mistake("the gradient of a sum of sizes is added, l2 times the sign of w",
                "2 * l2 * w[rows]", "l2 * np.sign(w[rows])"),
        Mistake("the penalty itself is added to g, not its gradient", "2 * l2 * w[rows]", "l2 * (w[rows] ** 2).sum()"),
        Mistake("2 w is added, whatever l2 is", "2 * l2 * w", "2 * w"),
        Mistake("rate is multiplied with the penalty's gradient once more", "2 * l2 * w", "2 * l2 * eta * w"),
        Mistake("w shrinks by 2 l2 w, whatever the rate is: update gets g alone", code=step_with(
            "shrink = 2 * l2 * w", "self.update(w, g, factor * rate, *state, **options)", "w -= shrink")),
        Mistake("w shrinks beside update, by rate times the penalty's gradient, and the velocity knows nothing of it",
                code=step_with("shrink = factor * rate * 2 * l2 * w",
                               "self.update(w, g, factor * rate, *state, **options)", "w -= shrink")),
        Mistake("w shrinks after update, by rate times the penalty's gradient, and the velocity knows nothing of it",
                code=step_with("self.update(w, g, factor * rate, *state, **options)",
                               "w -= factor * rate * 2 * l2 * w")),
        Mistake("the penalty's gradient is that of w after a step by g: update is called twice", code=step_with(
            "self.update(w, g, factor * rate, *state, **options)",
            "self.update(w, 2 * l2 * w, factor * rate, *state, **options)")),
        Mistake("biases are punished as their layer's weights are", code=step_with(
            "l2 = max(other[5] for other in self.entries if other[3] == owner)", UPDATE)),
        Mistake("factor is not used: all layers have the same rate", "eta=factor * rate", "eta=rate"),
        Mistake("rate is not used, and factor alone is handed on", "eta=factor * rate", "eta=factor"),
        Mistake("factor is added to rate", "eta=factor * rate", "eta=factor + rate"),
        Mistake("factor is used twice", "eta=factor * rate", "eta=factor**2 * rate"),
        Mistake("cap is not handed on", "self.options(owner, cap)", "self.options(owner, 1.0)"),
        Mistake("cap takes the place of the layer's own momentum", code=step_with(
            "options |= {'mu': cap} if 'mu' in options else {}", UPDATE)),
        Mistake("all layers have the momentum of the first", "self.options(owner, cap)",
                "self.options(self.entries[0][3], cap)"),
        Mistake("steps are not counted", "self.steps += 1", "pass"),
        Mistake("steps are counted once for each entry", "self.steps += 1", "self.steps += len(self.entries)"),
        Mistake("steps are counted at the end: update finds the number of the step before", code=step_with(
            UPDATE) + "        self.steps += 1\n"),
        Mistake("the layers' gradients are changed: the penalty's is added to them in place", BY_W,
                "gradient[rows] += 2 * l2 * w[rows]\n                by_w = gradient[rows]"),
        Mistake("the layers' gradients are cleared", code=step_with(UPDATE, "g[...] = 0")),
        Mistake("update gets a copy of w, and the layer's own stays as it was",
                "arrays = layer.params[key],", "arrays = layer.params[key].copy(),"),
        Mistake("the layer gets a new array for w, and the one that was there stays as it was", code=step_with(
            "layer.params[key] = w = w.copy()", UPDATE)),
        Mistake("update gets copies of the state, which begins anew with each step",
                'self.state[f"{slot}.{name}"] for', 'self.state[f"{slot}.{name}"].copy() for'),
        Mistake("update gets the state in the reverse order", "for slot in self.slots]",
                "for slot in self.slots[::-1]]"),
        Mistake("only the first entry is stepped", "in self.entries:", "in self.entries[:1]:"),
        Mistake("the last entry is left out", "in self.entries:", "in self.entries[:-1]:"),
        Mistake("only arrays with a penalty are stepped", code=step_with(
            "if l2:", f"    {UPDATE}")),
    ],
    variations=[
        Variation(
            "l2",
            "The penalty is l2 / 2 times the sum of the squares of w. Its gradient, for w as it was before the step, "
            "is added to g, so that rate and momentum act on both. (l2 is 0 for biases.)",
            (("2 * l2 * w[rows]", "l2 * w[rows]"),),
        ),
        Variation(
            "l2",
            "The penalty is l2 times the sum of the sizes |w|. Its gradient, for w as it was before the step, and 0 "
            "where w is 0, is added to g, so that rate and momentum act on both. (l2 is 0 for biases.)",
            (("2 * l2 * w[rows]", "l2 * np.sign(w[rows])"),),
        ),
        Variation(
            "l2",
            "The penalty takes a way of its own (Loshchilov & Hutter 2019): w is multiplied by 1 - 2 factor rate l2, "
            "and then update gets g alone, so that no momentum acts on the penalty. (l2 is 0 for biases.)",
            ((BY_W, "w[rows] *= 1 - 2 * eta * l2\n                by_w = gradient[rows]"),),
        ),
    ],
    aliases={"Optimizer": ("WholeStep", "NetworkStep", "Stepper")},
)  # fmt: skip

EXERCISE = Exercise(
    "momentum, the paper's schedule and L2",
    GIVES,
    {"7.1": MOMENTUM, "7.2": SCHEDULE, "7.3": STEP},
)
