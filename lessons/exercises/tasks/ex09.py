"""Exercise 9: random maps of the plane, and pictures seen through them."""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from lessons.exercises.cases import calls, changed, normal
from lessons.exercises.chance import seeds
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.data.affine import SCALE

GIVES = """
import numpy as np

from minisiamese.data.affine import ROTATION, SCALE, SHEAR, TRANSLATION
"""

# --- 9.1 --------------------------------------------------------------------------------------------------------------

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

# --- 9.2 --------------------------------------------------------------------------------------------------------------

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

EXERCISE = Exercise("distortion", GIVES, {"9.1": DISTORTIONS, "9.2": SAMPLE})
