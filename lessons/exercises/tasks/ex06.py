"""Exercise 6: what is done with a gradient, and which pictures are seen."""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from lessons.exercises.cases import calls, normal, passes, told_apart
from lessons.exercises.chance import seeds
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.data.affine import SCALE
from minisiamese.layers import Linear

GIVES = """
import numpy as np

from minisiamese import layers, optimizers
from minisiamese.data.affine import ROTATION, SCALE, SHEAR, TRANSLATION
"""


def array(*values):
    return np.array(values, float)


def a_layer(seed=0):
    """A layer for an optimiser to be made of, in float64, with gradients."""
    layer = Linear(3, 2, np.random.default_rng(seed)).astype(float)
    for place, key in enumerate(layer.params):
        layer.grads[key] += normal(seed + place, *layer.params[key].shape)
    return layer


def changed(text, changes):
    """A text with (old, new, old, new, ...) changed."""
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if old not in text:
            raise ValueError(f"there is no {old!r} to change")
        text = text.replace(old, new)
    return text


def steps_of(name, slots, rule, **options):
    """A case of two steps of an optimiser on a layer, by way of ``step`` of its base."""

    def run(answer):
        layer = a_layer()
        optimizer = getattr(answer, name)(layer, **options)
        optimizer.step(0.1)
        optimizer.step(0.05)
        state = {f"{slot} of W": optimizer.state[f"{slot}..W"] for slot in slots}
        return state | {key: layer.params[key] for key in layer.params}

    return Case(f"{name}.step, which calls update for W and b of a layer, twice", run, rule)


# --- 6.1 --------------------------------------------------------------------------------------------------------------


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

# --- 6.2 --------------------------------------------------------------------------------------------------------------


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

# --- 6.3 --------------------------------------------------------------------------------------------------------------

MANY = 8000


@lru_cache(maxsize=2)
def many(draw):
    """What a function draws for many pictures; several cases look at the same."""
    return draw(np.random.default_rng(8), MANY)


def zero(x):
    return abs(x) < 1e-9


def share(truths):
    """The mean of truth values; not a number of none."""
    return truths.sum() / len(truths) if len(truths) else np.nan


def quiet(holds):
    """``holds`` of matrices, whatever they hold: 1 / 0, say."""

    def checked(values):
        with np.errstate(all="ignore"):
            return holds(values["matrices"])

    return checked


def parts_of(matrices):
    """The numbers of each part {name: array, 0 where it takes no part}, of those matrices from which it can be read."""
    linear, shift = matrices[:, :, :2], matrices[:, :, 2] * 105 / 2
    lengths = np.linalg.norm(linear, axis=1)
    unsheared = zero((linear[:, :, 0] * linear[:, :, 1]).sum(axis=1))  # columns at a right angle
    (xx, xy), (yx, yy) = linear.transpose(1, 2, 0)
    return {
        "angle, in degrees": np.rad2deg(np.arctan2(yx, xx))[unsheared],
        "shear along x": (xy / yy)[zero(yx)],  # neither turned nor sheared along y
        "shear along y": (yx / xx)[zero(xy)],
        "scale along x": 1 / lengths[unsheared, 0] - 1,
        "scale along y": 1 / lengths[unsheared, 1] - 1,
        "translation along x, in pixels of 105": shift[:, 0],
        "translation along y, in pixels of 105": shift[:, 1],
    }


def ends(matrices, part):
    """{name: value} of the smallest and the largest number of a part, as far as there are any to read."""
    found = {}
    try:
        with np.errstate(all="ignore"):
            parts = {name: numbers for name, numbers in parts_of(matrices).items() if name.startswith(part)}
        for name, numbers in parts.items():
            middle = 1.0 if part == "scale" else 0.0
            for end, number in (("smallest", numbers.min()), ("largest", numbers.max())):
                found[f"the {end} {name}"] = float(f"{middle + number:.3g}")
    except (ValueError, IndexError, TypeError, AttributeError):
        pass  # another case says so
    return found


def ranges(part, tolerance):
    """A case of how far a part goes: the ends are compared with the solution's, so that a variant may have others."""

    def run(answer):
        matrices = many(answer.draw_distortions)
        return {"matrices": matrices, **ends(matrices, part)}

    names = {"angle": ["angle, in degrees"], "translation": [f"translation along {x}, in pixels of 105" for x in "xy"]}
    names = names.get(part, [f"{part} along {x}" for x in "xy"])
    compared = tuple(f"the {end} {name}" for name in names for end in ("smallest", "largest"))
    return replace(of_many(part, lambda matrices: {}), run=run, tolerance=tolerance, compared=compared)


def spread(matrices):
    """That what is drawn is spread evenly from its smallest to its largest number."""
    found = {}
    for name, numbers in parts_of(matrices).items():
        drawn = np.sort(numbers[~zero(numbers)])
        place = (drawn - drawn[0]) / (drawn[-1] - drawn[0])
        gap = abs(place - np.linspace(0, 1, len(drawn))).max()
        what = (
            f"what is drawn for the {name.partition(',')[0]} is spread evenly from the smallest number to the largest"
        )
        found[what] = gap * np.sqrt(len(drawn)) < 2.8
    return found


def read_off(matrices):
    """{where: {part: what can be read there}}: numbers, 0 where a part takes none, of the pictures of which each is
    known."""
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    lengths = np.linalg.norm(linear, axis=1)
    plain = zero((linear[:, :, 0] * linear[:, :, 1]).sum(axis=1))
    upright = zero(linear[:, 0, 0] - 1) & zero(linear[:, 1, 1] - 1)
    shifts = {"translation along x": shift[:, 0], "translation along y": shift[:, 1]}
    return {
        "all pictures": shifts,
        "the pictures without a shear": {
            "rotation": linear[plain, 1, 0],
            "scale along x": lengths[plain, 0] - 1,
            "scale along y": lengths[plain, 1] - 1,
            **{name: numbers[plain] for name, numbers in shifts.items()},
        },
        "the pictures that are neither turned nor scaled": {
            "shear along x": linear[upright, 0, 1],
            "shear along y": linear[upright, 1, 0],
            **{name: numbers[upright] for name, numbers in shifts.items()},
        },
    }


def drawn(answer):
    return {"matrices": many(answer.draw_distortions)}


def of_many(rule, holds):
    return Case("draw_distortions", drawn, rule, shown=lambda: {"count": MANY}, holds=quiet(holds))


def product(matrices):
    """That the first two columns are a matrix product, whose numbers off the diagonal are both 0 only without a
    rotation and a shear. Multiplied number by number, they are so of turned pictures, too, whose diagonal is (cos t,
    cos t) where nothing is scaled."""
    (xx, xy), (yx, yy) = matrices[:, :, :2].transpose(1, 2, 0)
    equal = xx[zero(xy) & zero(yx) & zero(xx - yy) & ~zero(xx - 1)]
    cosines = len(equal) > 0 and equal.min() > 0.9 and equal.max() < 1
    said = (
        "the first two columns are the matrix product of the three: wherever the numbers off the diagonal are both 0 "
        "there is no rotation and no shear, so that the diagonal is (1 / s, 1 / r) (there are pictures with a diagonal "
        f"of {equal[0] if len(equal) else 1:.5f} twice, as if a rotation were left on it)"
    )
    return {said: not cosines}


def by_picture(matrices):
    """That pictures do not share their coins."""
    moved = (~zero(matrices[:, :, 2])).mean(axis=0)
    return {
        f"each picture has coins of its own: the third column's {which} number is 0 in some pictures and not in "
        f"others (it is 0 in {'all' if part == 0 else 'none'} of them)": 0 < part < 1
        for which, part in zip(("first", "second"), moved, strict=True)
    }


def sheared(matrices):
    """That there are pictures without a shear, of which the other parts can be read."""
    plain = len(read_off(matrices)["the pictures without a shear"]["rotation"]) / MANY
    if plain == 1:
        return {"a shear shows in A, whose columns are then not at a right angle (they are in all pictures)": False}
    said = (
        "each of the two shears has a coin of its own: in one picture of four none takes part, and the columns of A "
        f"are at a right angle (they are in {plain:.0%})"
    )
    return {said: abs(plain - 0.25) < 0.03}


def coins(matrices):
    """Which parts take part."""
    sets, shares, pairs = read_off(matrices), {}, {}
    for where, each in sets.items():
        takes = {name: ~zero(numbers) for name, numbers in each.items()}
        count = min(map(len, takes.values()))
        for name, truths in takes.items() if count else ():
            said = f"half of {where} have a {name} ({share(truths):.0%} have)"
            shares[said] = abs(share(truths) - 0.5) < 3 / np.sqrt(count)
        for one, other in combinations(takes, 2) if count else ():
            both = share(takes[one] & takes[other])
            said = f"of {where}, those with a {one} have a {other} as often as the others"
            pairs[said] = abs(both - share(takes[one]) * share(takes[other])) < 2.6 / np.sqrt(count)
    upright = len(sets["the pictures that are neither turned nor scaled"]["shear along x"]) / MANY
    said = f"one picture of eight is neither turned nor scaled ({upright:.0%} are): each part has a coin of its own"
    return shares | pairs | {said: abs(upright - 0.125) < 0.025}


def apart(matrices):
    """That numbers have nothing to do with each other."""
    found = {}
    for each in read_off(matrices).values():
        for one, other in combinations(each, 2):
            found[f"the {one} and the {other} are drawn apart"] = unrelated(each[one], each[other])
    for name, numbers in read_off(matrices)["all pictures"].items():
        what = f"the {name} is drawn apart for pictures that follow each other"
        found[what] = unrelated(numbers[:-1], numbers[1:])
    return found


def unrelated(one, other):
    """Whether numbers are as little correlated as chance makes them, where none is 0."""
    both = ~zero(one) & ~zero(other)
    one, other = one[both] - one[both].sum() / both.sum(), other[both] - other[both].sum() / both.sum()
    return abs(one @ other) < 6 / np.sqrt(both.sum()) * np.sqrt((one @ one) * (other @ other))


def composed(matrices):
    """The order of the three small matrices, which shows in the lengths of their columns."""
    alone = zero(np.linalg.norm(matrices[:, :, :2], axis=1) - 1).mean(axis=0)
    return {
        f"the {name} column is of length 1 in one picture of four, where neither its shear nor its scale takes part "
        f"(it is in {alone[place]:.0%}: this depends on the order of the three matrices)": abs(alone[place] - 0.25)
        < 0.03
        for place, name in enumerate(("first", "second"))
    }


def various(matrices):
    """That each picture has a number of its own."""
    found = {}
    for name, numbers in parts_of(matrices).items():
        drawn = numbers[~zero(numbers)]
        what = "rotation" if name.startswith("angle") else name.partition(",")[0]
        sentence = f"the {what} is drawn for each picture by itself (all pictures that have one have the same)"
        found[sentence] = len(drawn) < 2 or np.ptp(drawn) > 1e-9
    return found


def in_order(matrices):
    """That the scales are the last of the three matrices, which shows where one of the others is missing; and that the
    third column has no part in their product."""
    linear = matrices[:, :, :2]
    columns, lines = (zero((one * other).sum(axis=1)).mean() for one, other in (
        (linear[:, :, 0], linear[:, :, 1]), (linear[:, 0], linear[:, 1])))  # fmt: skip
    (xx, xy), (_, yy) = linear[zero(linear[:, 1, 0])].transpose(1, 2, 0)  # neither turned nor sheared along y
    before = abs(xy / xx).max(initial=0) < 0.9 * abs(xy / yy).max(initial=0)
    said = f"the columns of A are at a right angle in {columns:.0%} of the pictures, and its lines in {lines:.0%}"
    moved = (~zero(matrices[:, :, 2])).mean(axis=0)  # 11 of 16 where a product with A has made the third column
    return {
        "the third column is (p, q) itself, not turned, sheared and scaled with the rest (its first number is not 0 in "
        f"{moved[0]:.0%} of the pictures)": np.any(abs(moved - 11 / 16) > 0.02),
        f"the scales are the last of the three matrices, and not the first ({said})": lines < columns + 0.04,
        "the scales are the last of the three matrices, and not in the middle": not before,
    }


def divided(matrices):
    """That scales divide."""
    found, lengths = {}, 1 / (1 + parts_of(matrices)["scale along x"])
    if len(lengths):
        short, long = lengths.min(), lengths.max()
        multiplied = any(abs(short - low) < 0.01 and abs(long - high) < 0.01 for low, high in (SCALE, (0.6, 1.4)))
        said = f"where there is no shear they are {short:.2f} to {long:.2f} long"
        found[f"the columns of A are divided by the scales, and not multiplied with them ({said})"] = not multiplied
    return found


def call_by_call():
    """A case of many calls for one picture each."""

    def run(answer):
        rng = np.random.default_rng(4)
        matrices = [np.resize(answer.draw_distortions(rng, 1), (2, 3)) for _ in range(400)]
        return {"the matrices of 400 calls": np.array(matrices)}

    def holds(values):
        shifts = (~zero(values["the matrices of 400 calls"][:, :, 2])).mean(axis=0)
        return {
            f"of 400 calls for one picture each, half have a translation along {x} ({share:.0%} have)": abs(share - 0.5)
            < 0.15
            for x, share in zip("xy", shifts, strict=True)
        }

    return Case("draw_distortions, call by call", run, "coins", shown=lambda: {"count": 1}, holds=holds)


def two_seeds():
    """A case of two seeds, which share neither coins nor numbers."""

    def run(answer):
        return {
            f"matrices of seed {seed}": answer.draw_distortions(np.random.default_rng(seed), 2000) for seed in (5, 6)
        }

    def holds(values):
        found, (one, other) = {}, values.values()
        known = [read_off_all(matrices) for matrices in (one, other)]
        for name in known[0]:
            a, b = (each[name] for each in known)
            a, b = a[~np.isnan(a) & ~np.isnan(b)], b[~np.isnan(a) & ~np.isnan(b)]
            both = ~zero(a) & ~zero(b)
            found[f"the coins of the {name} come from rng (another seed has the same)"] = np.any(zero(a) != zero(b))
            found[f"the numbers of the {name} come from rng (another seed has the same)"] = not zero(a - b)[both].any()
        return found

    return Case("draw_distortions, with two seeds", run, "rng", shown=lambda: {"count": 2000}, holds=holds)


def read_off_all(matrices):
    """{part: a number for each picture}, not a number where it cannot be read."""
    linear = matrices[:, :, :2]
    plain = zero((linear[:, :, 0] * linear[:, :, 1]).sum(axis=1))
    level = zero(linear[:, 0, 0] - 1) & zero(linear[:, 1, 1] - 1)
    lengths = np.linalg.norm(linear, axis=1)
    return {
        "rotation": np.where(plain, linear[:, 1, 0] / lengths[:, 0], np.nan),
        "shear along x": np.where(level, linear[:, 0, 1], np.nan),
        "shear along y": np.where(level, linear[:, 1, 0], np.nan),
        "scale along x": np.where(plain, lengths[:, 0] - 1, np.nan),
        "scale along y": np.where(plain, lengths[:, 1] - 1, np.nan),
        "translation along x": matrices[:, 0, 2],
        "translation along y": matrices[:, 1, 2],
    }


def shapes(count, rule):
    def holds(values):
        return {"all numbers are finite": np.isfinite(values["matrices"])}

    def run(answer):
        return {"matrices": answer.draw_distortions(np.random.default_rng(2), count)}

    return Case("draw_distortions", run, rule, shown=lambda: {"count": count}, holds=holds)


DISTORTIONS = Task(
    of="data.affine: draw_distortions",
    parts=4,
    docs={
        "draw_distortions": Doc(
            """Random maps for count pictures, from a place (x, y) of what is seen to a place A (x, y, 1) of a picture.

            rng is a ``np.random.Generator``, count a whole number. Returns float64 (count, 2, 3), a matrix A for each
            picture. Coordinates run from -1 to 1 across the picture; x goes to the right and y down.""",
            {
                "linear": "The first two columns of A are the matrix product [[cos t, -sin t], [sin t, cos t]] [[1, "
                "a], [b, 1]] [[1 / s, 0], [0, 1 / r]]; the third is (p, q).",
                "angle": "The rotation t is drawn from -ROTATION to ROTATION, which is 10 degrees in radians.",
                "shear": "The shears a along x and b along y are drawn from -SHEAR to SHEAR, which is 0.3.",
                "scale": "The scales s along x and r along y are drawn from SCALE[0] to SCALE[1], which are 0.8 and "
                "1.2.",
                "translation": "The translations p along x and q along y are drawn from -TRANSLATION to TRANSLATION, "
                "which is 2 pixels of 105, in halves of a picture.",
                "even": "All numbers between the two ends are equally likely.",
                "coins": "Each of the seven numbers takes part with probability 1/2, by a coin of its own for each "
                "picture; else it is 0, and a scale 1.",
                "apart": "All seven numbers, and those of all pictures, are drawn apart from each other.",
                "count": "count may be 0 or 1.",
                "rng": "All chance comes from rng: the same seed gives the same, and a further call with the same rng "
                "draws anew. NumPy's own random numbers, those of np.random.random, are neither used nor moved on.",
            },
        )
    },
    cases=[
        shapes(3, "linear"),
        shapes(1, "count"),
        shapes(0, "count"),
        of_many("linear", product),
        of_many("linear", in_order),
        of_many("linear", divided),
        of_many("coins", by_picture),
        of_many("coins", sheared),
        of_many("coins", coins),
        two_seeds(),
        call_by_call(),
        of_many("apart", various),
        ranges("translation", 0.02),
        ranges("angle", 0.04),
        ranges("shear", 0.04),
        ranges("scale", 0.02),
        of_many("even", spread),
        of_many("linear", composed),
        of_many("apart", apart),
        seeds("draw_distortions", "matrices", lambda answer, rng: answer.draw_distortions(rng, 50), "rng"),
    ],
    mistakes=[
        Mistake("everything takes part, always",
                "part = rng.random((7, count)) < 0.5", "part = rng.random((7, count)) < 2"),
        Mistake("one coin is thrown for all seven numbers", "part = rng.random((7, count)) < 0.5",
                "part = np.tile(rng.random(count) < 0.5, (7, 1))"),
        Mistake("one coin is thrown for all pictures", "part = rng.random((7, count)) < 0.5",
                "part = np.tile(rng.random((7, 1)) < 0.5, (1, count))"),
        Mistake("one coin is thrown for both shears", "shear_x, shear_y = part[1:3]", "shear_x, shear_y = part[1]"),
        Mistake("one coin is thrown for both scales", "np.where(part[3:5]", "np.where(part[3:4]"),
        Mistake("one coin is thrown for both translations",
                "shift_x, shift_y = part[5:7]", "shift_x, shift_y = part[5]"),
        Mistake("each takes part with probability 1/4", "< 0.5", "< 0.25"),
        Mistake("degrees are taken for radians",
                "rng.uniform(-ROTATION, ROTATION, count)", "rng.uniform(-10, 10, count)"),
        Mistake("pictures turn one way alone",
                "rng.uniform(-ROTATION, ROTATION, count)", "rng.uniform(0, ROTATION, count)"),
        Mistake("pictures turn by the largest angle, one way or the other", "rng.uniform(-ROTATION, ROTATION, count)",
                "rng.choice([-ROTATION, ROTATION], count)"),
        Mistake("angles are drawn from a normal distribution", "rng.uniform(-ROTATION, ROTATION, count)",
                "np.clip(rng.normal(0, ROTATION / 2, count), -ROTATION, ROTATION)"),
        Mistake("all pictures turn by one angle",
                "rng.uniform(-ROTATION, ROTATION, count)", "rng.uniform(-ROTATION, ROTATION)"),
        Mistake("a scale that takes no part is 0, and the matrix infinite",
                "np.where(part[3:5], rng.uniform(*SCALE, (2, count)), 1)",
                "part[3:5] * rng.uniform(*SCALE, (2, count))"),
        Mistake("scales are multiplied with, not divided by", "rotation @ shear / np", "rotation @ shear * np"),
        Mistake("scales are left out", "rotation @ shear /", "rotation @ shear + 0 *"),
        Mistake("one scale is used for both directions",
                "np.stack([scale_x, scale_y], axis=1)", "np.stack([scale_x, scale_x], axis=1)"),
        Mistake("scales divide the lines, not the columns", "axis=1)[:, None]\n", "axis=1)[:, :, None]\n"),
        Mistake("the shear is left out", "rotation @ shear /", "rotation + 0 * shear /"),
        Mistake("the rotation is left out", "rotation @ shear /", "0 * rotation + shear /"),
        Mistake("one shear is used for both directions", "[shear_y, one]", "[shear_x, one]"),
        Mistake("the shear along y has the opposite sign of the one along x", "[shear_y, one]", "[-shear_x, one]"),
        Mistake("rotation and shear are multiplied in the other order", "rotation @ shear", "shear @ rotation"),
        Mistake("rotation and shear are multiplied number by number", "rotation @ shear", "rotation * shear"),
        Mistake("the rotation has both its sines positive, and is none",
                "[[cos, -sin], [sin, cos]]", "[[cos, sin], [sin, cos]]"),
        Mistake("pixels are taken for halves of a picture",
                "rng.uniform(-TRANSLATION, TRANSLATION, (2, count))", "rng.uniform(-2, 2, (2, count))"),
        Mistake("translations are half as far: pixels over 105 are not in halves of a picture",
                "rng.uniform(-TRANSLATION, TRANSLATION, (2, count))", "rng.uniform(-2 / 105, 2 / 105, (2, count))"),
        Mistake("translations are whole pixels", "rng.uniform(-TRANSLATION, TRANSLATION, (2, count))",
                "rng.integers(-2, 3, (2, count)) * 2 / 105"),
        Mistake("one translation is used for both directions",
                "np.stack([shift_x, shift_y], axis=1)", "np.stack([shift_x, shift_x], axis=1)"),
        Mistake("NumPy's own random numbers are used, not rng", "part = rng.random((7, count)) < 0.5",
                "rng = np.random\n    part = rng.random((7, count)) < 0.5"),
        Mistake("a generator of its own is made in each call, not rng", "part = rng.random((7, count)) < 0.5",
                "rng = np.random.default_rng(8)\n    part = rng.random((7, count)) < 0.5"),
        Mistake("float64 becomes float32", "return matrices", "return matrices.astype(np.float32)"),
        Mistake("matrices have a third line, 0 0 1", "return matrices",
                "return np.concatenate([matrices, np.tile([[[0.0, 0, 1]]], (count, 1, 1))], axis=1)"),
    ],
    variations=[
        Variation(
            "angle",
            "The rotation t is drawn from -2 ROTATION to 2 ROTATION, which is 20 degrees in radians.",
            (("rng.uniform(-ROTATION, ROTATION, count)", "rng.uniform(-2 * ROTATION, 2 * ROTATION, count)"),),
        ),
        Variation(
            "shear",
            "The shears a along x and b along y are drawn from -SHEAR / 2 to SHEAR / 2, which is 0.15.",
            (("rng.uniform(-SHEAR, SHEAR, (2, count))", "rng.uniform(-SHEAR / 2, SHEAR / 2, (2, count))"),),
        ),
        Variation(
            "scale",
            "The scales s along x and r along y are drawn from 0.6 to 1.4; SCALE is not used.",
            (("rng.uniform(*SCALE, (2, count))", "rng.uniform(0.6, 1.4, (2, count))"),),
        ),
    ],
    aliases={"draw_distortions": ("draw_maps", "random_maps", "draw_affine")},
)  # fmt: skip

# --- 6.4 --------------------------------------------------------------------------------------------------------------

READ = """
def sample(images, matrices, size):
    N, H, W, C = images.shape
    u = (2 * np.arange(size) + 1) / size - 1
    grid = np.stack([np.tile(u, size), np.repeat(u, size), np.ones(size * size)])
    x, y = (matrices.astype(float) @ grid).transpose(1, 0, 2)
    x, y = (x + 1) * W / 2 - 0.5, (y + 1) * H / 2 - 0.5
    column, line = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = x - column, y - line
    image, views = np.arange(N)[:, None], 0
    for i, by_line in ((0, 1 - below), (1, below)):
        for j, by_column in ((0, 1 - right), (1, right)):
            l, c = line + i, column + j
            inside = (0 <= l) & (l < H) & (0 <= c) & (c < W)
            values = images[image, np.clip(l, 0, H - 1), np.clip(c, 0, W - 1)] / 255
            views = views + (inside * by_line * by_column)[:, :, None] * values
    return views.reshape(N, size, size, C).astype(np.float32)
"""


def read(*changes):
    """The reading, one of the four pixels after the other, with (old, new) changed."""
    return changed(READ, changes)


def images(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def maps(seed, count, spread=0.3):
    return (np.eye(2, 3) + spread * normal(seed, count, 2, 3)).astype(np.float32)


def one_map(*lines):
    return np.array([lines], np.float32)


def far():
    """Two maps to places outside of the picture, a few pictures and a million pictures away."""
    return np.array([[[1, 0, 40], [0, 1, 0]], [[1, 0, 0], [0, 1, -2e6]]], np.float32)


def shifted():
    """Two maps, each to its own side."""
    return np.array([[[1, 0, 1], [0, 1, 0]], [[1, 0, 0], [0, 1, 1]]], np.float32)


def four():
    return np.array([0, 51, 102, 255], np.uint8).reshape(1, 2, 2, 1)


SAMPLE = Task(
    of="data.views: sample",
    parts=5,
    docs={
        "sample": Doc(
            """Images seen through affine maps: y[n, i, j] is image n at the place A_n (u_j, u_i, 1).

            images (N, H, W, C) are uint8, 0 to 255; matrices A (N, 2, 3) are float32; size is a whole number from 1 on.
            Returns float32 (N, size, size, C).""",
            {
                "grid": "u_i = (2 i + 1) / size - 1: places run from -1 to 1 across what is seen, and u_i is the "
                "middle of pixel i of size.",
                "place": "A place is (x, y), first x, to the right, then y, down; both run from -1 to 1 across the "
                "image, whatever H and W are, as if its pixels were squares side by side: column c has its middle at "
                "x = (2 c + 1) / W - 1, and line l at y = (2 l + 1) / H - 1.",
                "between": "Between the middles of four pixels the reading is bilinear: each of the four has the "
                "weight (1 - its distance in columns) times (1 - its distance in lines).",
                "outside": "A pixel that is not in the image counts as 0, also as one of the four; places may lie far "
                "outside, by a million images.",
                "values": "Each channel is read by itself; 255 is read as 1, and 0 as 0.",
            },
        )
    },
    cases=calls(
        "sample",
        ["y"],
        [
            ("place", lambda: {"images": four(), "matrices": one_map([1, 0, 0], [0, 1, 0]), "size": 2}),
            ("grid", lambda: {"images": four(), "matrices": one_map([1, 0, 0], [0, 1, 0]), "size": 1}),
            ("place", lambda: {"images": four(), "matrices": one_map([0, 1, 0], [1, 0, 0]), "size": 2}),
            ("outside", lambda: {"images": four(), "matrices": one_map([1, 0, 1], [0, 1, 0]), "size": 2}),
            ("between", lambda: {"images": four(), "matrices": one_map([0.5, 0, 0], [0, 1, 0]), "size": 2}),
            ("outside", lambda: {"images": four(), "matrices": one_map([1, 0, 0], [0, 1, -0.5]), "size": 2}),
            ("place", lambda: {"images": images(0, 1, 2, 4, 1), "matrices": one_map([1, 0, .5], [0, 1, 0]), "size": 2}),
            ("place", lambda: {"images": four(), "matrices": one_map([1, 0.5, 0], [0, 1, 0]), "size": 2}),
            ("values", lambda: {"images": four().reshape(1, 2, 1, 2), "matrices": one_map([1, 0, 0], [0, 1, 0]),
                                "size": 2}),
            ("place", lambda: {"images": np.concatenate([four(), 255 - four()]), "matrices": shifted(), "size": 2}),
            ("grid", lambda: {"images": images(1, 1, 3, 3, 1), "matrices": one_map([1, 0, 0], [0, 1, 0]), "size": 4}),
            ("values", lambda: {"images": images(2, 2, 5, 5, 3), "matrices": maps(0, 2, 0), "size": 5}),
            ("between", lambda: {"images": images(3, 3, 7, 4, 2), "matrices": maps(1, 3, 0.1), "size": 5}),
            ("place", lambda: {"images": images(4, 2, 4, 9, 1), "matrices": maps(2, 2, 0.4), "size": 6}),
            ("outside", lambda: {"images": images(5, 2, 6, 5, 1), "matrices": 3 * maps(3, 2, 0.2), "size": 9}),
            ("outside", lambda: {"images": images(6, 2, 3, 3, 1), "matrices": far(), "size": 3}),
            ("grid", lambda: {"images": images(7, 4, 8, 8, 1), "matrices": maps(4, 4, 0.3), "size": 3}),
        ],
        tolerance=1e-4,
    ),
    mistakes=[
        Mistake("each view is transposed: A is given (u_i, u_j, 1), not (u_j, u_i, 1)",
                "xp.tile(u, size), xp.repeat(u, size)", "xp.repeat(u, size), xp.tile(u, size)"),
        Mistake("images are read with their lines and columns in each other's place", code=read(
            "N, H, W, C = images.shape", "images = images.transpose(0, 2, 1, 3)\n    N, H, W, C = images.shape")),
        Mistake("height and width are in each other's place",
                code=read("* W / 2", "* H / 2 + 0", "(y + 1) * H / 2", "(y + 1) * W / 2")),
        Mistake("the middle of a pixel is taken for its corner: half a pixel is missing", code=read(
            "* W / 2 - 0.5", "* W / 2", "* H / 2 - 0.5", "* H / 2")),
        Mistake("half a pixel is added where it is to be taken away", code=read(
            "* W / 2 - 0.5", "* W / 2 + 0.5", "* H / 2 - 0.5", "* H / 2 + 0.5")),
        Mistake("u begins at -1 and ends at 1, in the corners, not in the middles of the outer pixels", code=read(
            "(2 * np.arange(size) + 1) / size - 1", "np.linspace(-1, 1, size)")),
        Mistake("u begins at -1, at the left edge of each pixel", code=read(
            "(2 * np.arange(size) + 1) / size - 1", "2 * np.arange(size) / size - 1")),
        Mistake("-1 and 1 are taken for the middles of the outer pixels of the image", code=read(
            "(x + 1) * W / 2 - 0.5", "(x + 1) * (W - 1) / 2", "(y + 1) * H / 2 - 0.5", "(y + 1) * (H - 1) / 2")),
        Mistake("x and y are multiplied with W and H, not with half of them", code=read(
            "(x + 1) * W / 2", "x * W + W / 2", "(y + 1) * H / 2", "y * H + H / 2")),
        Mistake("W stands for the height, too", code=read("(y + 1) * H / 2", "(y + 1) * W / 2")),
        Mistake("H stands for the width, too", code=read("(x + 1) * W / 2", "(x + 1) * H / 2")),
        Mistake("y goes up, not down",
                code=read("np.repeat(u, size)", "np.repeat(-u, size)", "(y + 1) * H", "(1 - y) * H")),
        Mistake("the third column of the map is taken away, not added",
                code=read("np.ones(size * size)", "-np.ones(size * size)")),
        Mistake("the pixel up and to the left is read, without its neighbours", code=read(
            "right, below = x - column, y - line", "right, below = 0 * x, 0 * y")),
        Mistake("the nearest pixel is read, without its neighbours", code=read(
            "right, below = x - column, y - line", "right, below = np.round(x - column), np.round(y - line)")),
        Mistake("places are rounded to the nearest pixel, which is read without its neighbours", code=read(
            "column, line = np.floor(x)", "x, y = np.round(x), np.round(y)\n    column, line = np.floor(x)")),
        Mistake("the image is upside down: y = -1 is taken for its last line", code=read("(y + 1) * H", "(1 - y) * H")),
        Mistake("the image is the wrong way round: x = -1 is taken for its last column",
                code=read("(x + 1) * W", "(1 - x) * W")),
        Mistake("one line and one column too many count as being in the image, with the numbers of the last ones",
                code=read("(l < H)", "(l <= H)", "(c < W)", "(c <= W)")),
        Mistake("the weights of those of the four that are in the image are made to add up to 1", code=read(
            "image, views = np.arange(N)[:, None], 0", """image, views = np.arange(N)[:, None], 0
    by_line = np.where(line == -1, below, np.where(line == H - 1, 1 - below, (line >= 0) & (line < H)))
    by_column = np.where(column == -1, right, np.where(column == W - 1, 1 - right, (column >= 0) & (column < W)))
    total = by_line * by_column""",
            "(inside * by_line * by_column)", "(inside * by_line * by_column / np.where(total > 0, total, 1))")),
        Mistake("only places whose upper left pixel is in the image are read",
                code=read("inside = (0 <= l)", "inside = (0 <= line) & (0 <= column) & (0 <= l)")),
        Mistake("0 is read as 1, and 255 as 0", code=read(" / 255\n", " / 255\n            values = 1 - values\n")),
        Mistake("the four have each other's weights: the farther one counts more", code=read(
            "right, below = x - column, y - line", "right, below = 1 + column - x, 1 + line - y")),
        Mistake("the weights along columns and along lines are in each other's place", code=read(
            "right, below = x - column, y - line", "below, right = x - column, y - line")),
        Mistake("the mean of the four is taken",
                code=read("right, below = x - column, y - line", "right, below = 0 * x + 0.5, 0 * y + 0.5")),
        Mistake("places are rounded towards 0, not down, so that it goes wrong up and to the left of the first pixel",
                code=read("np.floor(x).astype(int), np.floor(y).astype(int)", "x.astype(int), y.astype(int)")),
        Mistake("the edge of the image goes on outside of it", code=read("inside * by_line", "by_line")),
        Mistake("the image begins again outside of it", code=read(
            "inside * by_line", "by_line", "np.clip(l, 0, H - 1), np.clip(c, 0, W - 1)", "l % H, c % W")),
        Mistake("left of the first column and above the first line, the last ones are read, as by index -1", code=read(
            "(0 <= l)", "(-H <= l)", "(0 <= c)", "(-W <= c)", "np.clip(l, 0, H - 1), np.clip(c, 0, W - 1)",
            "np.clip(l, -H, H - 1), np.clip(c, -W, W - 1)")),
        Mistake("all four pixels have to be in the image, or nothing is read", code=read(
            "inside = (0 <= l)", "inside = (0 <= line) & (line < H - 1) & (0 <= column) & (column < W - 1)\n"
            "            inside &= (0 <= l)")),
        Mistake("a place counts as outside as soon as it is beyond the middle of an outer pixel", code=read(
            "inside = (0 <= l)", "inside = (0 <= x) & (x <= W - 1) & (0 <= y) & (y <= H - 1) & (0 <= l)")),
        Mistake("the last line and the last column count as outside",
                code=read("(l < H)", "(l < H - 1)", "(c < W)", "(c < W - 1)")),
        Mistake("outside is white, 1", code=read(
            "* values\n", "* values + (~inside * by_line * by_column)[:, :, None]\n")),
        Mistake("the map of the first image is used for all",
                code=read("matrices.astype(float)", "matrices[[0] * N].astype(float)")),
        Mistake("the first image is read for all", code=read("np.arange(N)[:, None]", "0 * np.arange(N)[:, None]")),
        Mistake("the map is turned round: what is seen is moved to where it should be read", code=read(
            "(matrices.astype(float) @ grid)", "(turned_round(matrices) @ grid)") + """
def turned_round(matrices):
    whole = np.zeros((len(matrices), 3, 3))
    whole[:, :2], whole[:, 2, 2] = matrices, 1
    return np.linalg.inv(whole)[:, :2]
"""),
        Mistake("the third column of the map is left out", code=read("np.ones(size * size)", "np.zeros(size * size)")),
        Mistake("the map's first two columns are transposed", code=read("matrices.astype(float)",
            "np.concatenate([matrices[:, :, :2].transpose(0, 2, 1), matrices[:, :, 2:]], axis=2).astype(float)")),
        Mistake("only the first channel is read",
                code=read(" / 255\n", " / 255\n            values = values[:, :, :1].repeat(C, 2)\n")),
        Mistake("all channels get the mean of them",
                code=read(
            " / 255\n", " / 255\n            values = values.mean(axis=2, keepdims=True).repeat(C, 2)\n")),
        Mistake("numbers from 0 to 255 are returned, not from 0 to 1", code=read(" / 255", " / 1")),
        Mistake("what is read is divided by 256", "255, out=y[rows]", "256, out=y[rows]"),
        Mistake("differences of pixels are taken in uint8, where 1 - 2 is 255",
                "x * (above_right.astype(np.float32) - above)",
                "x * (above_right - above)"),
        Mistake("what is read is rounded to a whole number of 255", code=read(
            ".astype(np.float32)", ".astype(np.float32).__mul__(255).round() / np.float32(255)")),
        Mistake("float64 is returned, not float32", code=read(".astype(np.float32)", "")),
    ],
    variations=[
        Variation(
            "values",
            "Each channel is read by itself. Ink and paper change places: 255 is read as 0, and 0 as 1. So what "
            "counts as 0 outside is read as 1, too.",
            (("xp.divide(above + v * (below - above), 255", "xp.divide(255 - above - v * (below - above), 255"),),
        ),
        Variation(
            "values",
            "Each channel is read by itself; 255 is read as 1, and 0 as -1, and numbers between by a straight line. "
            "So what counts as 0 outside is read as -1.",
            (("xp.divide(above + v * (below - above), 255", "xp.divide(above + v * (below - above) - 127.5, 127.5"),),
        ),
    ],
    aliases={"sample": ("read_views", "look_through", "see_through")},
)  # fmt: skip

# --- 6.5 --------------------------------------------------------------------------------------------------------------


def batch_norm(answer, given):
    """The layer, with the settings and the stored statistics that are given, all of the type of x."""
    settings = {key: given[key] for key in ("momentum", "eps") if key in given}
    layer = answer.BatchNorm(given["x"].shape[-1], **settings)
    for key, array in layer.buffers.items():
        layer.buffers[key] = given.get(f"stored {key}", array).astype(given["x"].dtype)
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
                "dx": "x moves the loss in three ways: by itself, by the mean of its channel and by the variance; dx "
                "has all three.",
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

# --- 6.6 --------------------------------------------------------------------------------------------------------------


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

EXERCISE = Exercise(
    "optimisers, the paper's schedule, distortion and batch norm",
    GIVES,
    {
        "6.1": MOMENTUM,
        "6.2": SCHEDULE,
        "6.3": DISTORTIONS,
        "6.4": SAMPLE,
        "6.5": BATCH_NORM,
        "6.6": ADAM,
    },
)
