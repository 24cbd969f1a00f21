"""Exercise 1: two distances of drawings that learn nothing, and the scores of one-shot trials."""

import numpy as np

from lessons.exercises.cases import calls, normal
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese import trials
"""


def u8(values, *shape):
    return np.array(values, np.uint8).reshape(shape)


def drawings(seed, *shape, ink=0.2):
    """Images (M, H, W, C) uint8 whose pixels are ink, of 1 to 255, with a certain probability, and else blank."""
    rng = np.random.default_rng(seed)
    return (rng.integers(1, 256, shape) * (rng.random(shape) < ink)).astype(np.uint8)


def some_pairs(seed, M, P):
    """Pairs of two rows that differ."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, M, P)
    return np.stack([a, (a + rng.integers(1, M, P)) % M], axis=1)


def any_float(name):
    """("name", answer -> its function), as ``calls`` takes it, where scores may be float32 or float64."""
    return name, lambda answer: _as_float64(getattr(answer, name))


def _as_float64(function):
    def call(*arguments):
        found = function(*arguments)
        return found.astype(float) if isinstance(found, np.ndarray) and found.dtype == np.float32 else found

    return call


# --- 1.1 --------------------------------------------------------------------------------------------------------------

FLAT = "flat = images.reshape(len(images), -1).astype(np.float32) / 255"
ROOT = "-np.sqrt(np.maximum(distance, 0))"


def by_difference(lines):
    """nearest_neighbour by these lines, which make scores of the difference of two images."""
    return f"""
def nearest_neighbour(images, pairs):
    x = images.astype(float) / 255
    difference = x[pairs[:, 0]] - x[pairs[:, 1]]
    {lines}
"""


NEAREST = Task(
    of="evaluate.baselines: nearest_neighbour",
    parts=2,
    docs={
        "nearest_neighbour": Doc(
            """How alike two images are, for each pair: minus a distance of their pixels.

            images (M, H, W, C) uint8, whole numbers from 0 to 255; pairs (P, 2) whole numbers, the rows a and b of two
            of the images; returns scores (P,). Scores are floats, float32 or float64, and are compared to two parts in
            1,000 of the largest, so that float32 is good enough to compute in.""",
            {
                "pixels": "A pixel counts as a number x from 0 to 1, its whole number divided by 255, whatever the "
                "brightest pixel of these images is.",
                "distance": "The distance is Euclidean: the square root of the sum of (x_a - x_b)^2 over all pixels "
                "and channels.",
                "minus": "The score is minus the distance.",
                "equal": "Of two equal images, as of an image and itself, the score is 0 (to rounding): it is always a "
                "number, and never nan.",
                "pairs": "Scores come in the order of the pairs. An image may be in many pairs or in none; there may "
                "be thousands of pairs, or none at all.",
            },
        )
    },
    cases=calls(
        any_float("nearest_neighbour"),
        ["scores"],
        [
            ("distance", lambda: {"images": u8([255, 0, 0, 51, 0, 255, 102, 51, 0, 204, 255, 255], 3, 2, 2, 1),
                                  "pairs": np.array([[0, 1], [1, 2], [2, 0], [1, 0]])}),
            ("pixels", lambda: {"images": u8([0, 51, 102, 0, 102, 0, 51, 0], 2, 2, 2, 1), "pairs": np.array([[0, 1]])}),
            ("distance", lambda: {"images": u8([255, 0, 51, 0, 204, 0, 255, 255, 0, 0, 0, 102], 2, 1, 2, 3),
                                  "pairs": np.array([[0, 1], [1, 0]])}),
            ("minus", lambda: {"images": u8([0, 255, 51, 204], 2, 1, 2, 1), "pairs": np.array([[0, 1]])}),
            ("equal", lambda: {"images": u8([0, 255, 51, 0, 255, 51, 255, 0, 0], 3, 1, 3, 1),
                               "pairs": np.array([[0, 1], [1, 1], [1, 2]])}),
            *(("equal", lambda seed=seed: {"images": drawings(seed, 7, 9, 8, 1, ink=1), "pairs": np.array(
                [[0, 1], [0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6]])}) for seed in (103, 199)),
            ("pairs", lambda: {"images": u8([255, 0, 0, 51, 255, 102, 204, 255], 4, 1, 2, 1),
                               "pairs": np.array([[3, 2], [0, 2], [3, 2], [2, 3]])}),
            ("pairs", lambda: {"images": drawings(0, 3, 2, 2, 1), "pairs": np.zeros((0, 2), int)}),
            ("pairs", lambda: {"images": drawings(1, 7, 9, 8, 1), "pairs": some_pairs(2, 6, 30)}),
            ("distance", lambda: {"images": drawings(3, 5, 4, 6, 3, ink=0.7), "pairs": some_pairs(4, 5, 11)}),
            ("pixels", lambda: {"images": drawings(5, 4, 5, 3, 2, ink=0.6) // 2, "pairs": some_pairs(6, 4, 9)}),
            ("equal", lambda: {"images": drawings(7, 40, 9, 8, 1, ink=1),
                               "pairs": np.stack([np.arange(41) % 40, np.arange(41) // 40 + np.arange(41) % 40], 1)}),
            ("pairs", lambda: {"images": drawings(8, 6, 2, 3, 1, ink=0.8), "pairs": some_pairs(9, 6, 2500)}),
        ],
        tolerance=2e-3,
    ),
    mistakes=[
        Mistake("the minus is missing: the score is the distance", ROOT, "np.sqrt(np.maximum(distance, 0))"),
        Mistake("the square root is not taken", ROOT, "-np.maximum(distance, 0)"),
        Mistake("the square root is taken twice", ROOT, "-np.maximum(distance, 0) ** 0.25"),
        Mistake("the score is 1 minus the distance", ROOT, f"1 {ROOT}"),
        Mistake("the score is 1 / (1 + distance)", ROOT, f"1 / (1 - {ROOT})"),
        Mistake("the score is e to the power of minus the distance", ROOT, f"np.exp({ROOT})"),
        Mistake("pixels are from 0 to 255, not divided", FLAT, FLAT.replace(" / 255", "")),
        Mistake("pixels are divided as whole numbers, so that all below 255 become 0", FLAT,
                FLAT.replace(".astype(np.float32) / 255", " // 255 * np.float32(1)")),
        Mistake("pixels are divided by 256", FLAT, FLAT.replace("255", "256")),
        Mistake("pixels are divided by the largest of all these images, where 255 is meant", FLAT,
                FLAT.replace("/ 255", "/ max(images.max(), 1)")),
        Mistake("each image is divided by its own largest pixel", FLAT,
                "flat = images.reshape(len(images), -1).astype(np.float32)\n"
                "    flat /= np.maximum(flat.max(axis=1, keepdims=True), 1)"),
        Mistake("every pixel with ink counts as 1, however bright it is", FLAT,
                "flat = (images.reshape(len(images), -1) > 0).astype(np.float32)"),
        Mistake("the difference is one of uint8, where 0 - 51 is 205", code="""
            def nearest_neighbour(images, pairs):
                difference = images[pairs[:, 0]] - images[pairs[:, 1]]
                return -np.sqrt(((difference / 255) ** 2).sum(axis=(1, 2, 3)))
        """),
        Mistake("the squares are of int16, which keeps no number above 32,767", code="""
            def nearest_neighbour(images, pairs):
                difference = images[pairs[:, 0]].astype(np.int16) - images[pairs[:, 1]]
                return -np.sqrt((difference**2).sum(axis=(1, 2, 3))) / 255
        """),
        Mistake("the squares of the differences are computed in int16, which ends at 32767, so that a difference above "
                "181 comes out wrong", code="""
            def nearest_neighbour(images, pairs):
                difference = images[pairs[:, 0]].astype(np.int16) - images[pairs[:, 1]]
                return -np.sqrt(np.maximum((difference**2).sum(axis=(1, 2, 3)), 0)) / 255
        """),
        Mistake("the squares are of uint8, which keeps no number above 255", code="""
            def nearest_neighbour(images, pairs):
                difference = images[pairs[:, 0]] - images[pairs[:, 1]]
                return -np.sqrt((difference**2).sum(axis=(1, 2, 3))) / 255
        """),
        Mistake("the mean of the squares is taken, not their sum", code=by_difference(
                "return -np.sqrt((difference**2).mean(axis=(1, 2, 3)))")),
        Mistake("the sizes of the differences are added, not their squares", code=by_difference(
                "return -abs(difference).sum(axis=(1, 2, 3))")),
        Mistake("the largest difference of a pixel is taken for the distance", code=by_difference(
                "return -abs(difference).max(axis=(1, 2, 3), initial=0)")),
        Mistake("only the first channel counts", code=by_difference(
                "return -np.sqrt((difference[..., 0] ** 2).sum(axis=(1, 2)))")),
        Mistake("each line of the image has a square root of its own, and these are added", code=by_difference(
                "return -np.sqrt((difference**2).sum(axis=(2, 3))).sum(axis=1)")),
        Mistake("each channel has a square root of its own, and these are added", code=by_difference(
                "return -np.sqrt((difference**2).sum(axis=(1, 2))).sum(axis=1)")),
        Mistake("each channel has a square root of its own, and their mean is taken", code=by_difference(
                "return -np.sqrt((difference**2).sum(axis=(1, 2))).mean(axis=1)")),
        Mistake("the sum is over the pairs, not over the pixels", code=by_difference(
                "return -np.sqrt((difference**2).sum(axis=0)).ravel()[: len(pairs)]")),
        Mistake("the scores come from the last pair to the first", code=by_difference(
                "return -np.sqrt((difference**2).sum(axis=(1, 2, 3)))[::-1]")),
        Mistake("the difference of a pair is written into the images, so that later pairs see other pixels", code="""
            def nearest_neighbour(images, pairs):
                x, scores = images.astype(float) / 255, np.zeros(len(pairs))
                for p, (a, b) in enumerate(pairs):
                    x[a] -= x[b]
                    scores[p] = -np.sqrt((x[a] ** 2).sum())
                return scores
        """),
        Mistake("the square root is taken of a number a little below 0, where an image is compared with its equal",
                code="""
            def nearest_neighbour(images, pairs):
                flat = images.reshape(len(images), -1).astype(np.float32) / 255
                a, b = flat[pairs[:, 0]], flat[pairs[:, 1]]
                return -np.sqrt((a**2).sum(axis=1) + (b**2).sum(axis=1) - 2 * np.einsum("pd,pd->p", a, b))
        """),
        Mistake("the product of the two images is added, not taken away", "square[b] - 2 *", "square[b] + 2 *"),
        Mistake("the product of the two images is taken away once, not twice", "square[b] - 2 *", "square[b] - 1 *"),
        Mistake("the square of the first image stands for that of the second, too", "square[a] + square[b]",
                "square[a] + square[a]"),
        Mistake("pairs are followed by the first ones again after 1,024 of them", "pairs[start : start + 1024].T",
                "pairs[: min(1024, len(pairs) - start)].T"),
    ],
    variations=[
        Variation("distance", "The distance is the square root of the mean, not the sum, of (x_a - x_b)^2 over all "
                  "pixels and channels.",
                  ((ROOT, "-np.sqrt(np.maximum(distance, 0) / flat.shape[1])"),)),
        Variation("distance", "The distance is the sum of (x_a - x_b)^2 over all pixels and channels, without a "
                  "root.",
                  ((ROOT, "-np.maximum(distance, 0)"),)),
        Variation("pixels", "A pixel counts as a number x from -1 to 1: two times its whole number divided by 255, "
                  "minus 1, whatever the brightest pixel of these images is.",
                  ((FLAT, FLAT.replace("/ 255", "/ 127.5 - 1")),)),
    ],
    aliases={"nearest_neighbour": ("pixel_scores", "scores_of_pixels", "nearest_picture")},
)  # fmt: skip

# --- 1.2 --------------------------------------------------------------------------------------------------------------

INK = "ink = np.argwhere(image.any(axis=2)).astype(float)"
CENTRED = "ink - ink.mean(axis=0)"
LARGER = "-max(forth.mean(), back.mean())"
BOTH = "forth, back = trees[b].query(points[a])[0], trees[a].query(points[b])[0]"

HAUSDORFF = Task(
    of="evaluate.baselines: modified_hausdorff",
    parts=4,
    docs={
        "modified_hausdorff": Doc(
            """How alike two drawings are, for each pair: minus a distance of their points.

            images (M, H, W, C) uint8; pairs (P, 2) whole numbers, the rows a and b of two of the images; returns scores
            (P,), floats, float32 or float64, in the order of the pairs.""",
            {
                "ink": "The points of a drawing are the places (line, column) of its ink. A pixel is ink where it is "
                "above 0 in any channel, however faint; all ink counts the same.",
                "centred": "The mean of a drawing's points is taken away from each of them, so that it does not matter "
                "where on its page a drawing stands.",
                "blank": "A drawing without ink is one point, at (0, 0) after the centring.",
                "mean": "From a to b: the Euclidean distance from each point of a to the nearest point of b, and of "
                "these the mean over the points of a. From b to a: the same, with a and b in each other's place.",
                "larger": "The distance is the larger of these two, from a to b and from b to a.",
                "minus": "The score is minus the distance.",
                "pairs": "A drawing may be in many pairs or in none, or in a pair with itself; there may be no pairs.",
            },
        )
    },
    cases=calls(
        any_float("modified_hausdorff"),
        ["scores"],
        [
            ("mean", lambda: {"images": u8([255, 255, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0], 2, 1, 8, 1),
                              "pairs": np.array([[0, 1]])}),
            ("centred", lambda: {"images": u8([255, 0, 255, 255, 0, 255, 0, 0], 2, 1, 4, 1),
                                 "pairs": np.array([[0, 1]])}),
            ("mean", lambda: {"images": u8([255, 255, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 255, 0], 2, 2, 4, 1),
                              "pairs": np.array([[0, 1]])}),
            ("larger", lambda: {"images": u8([0, 255, 0, 0, 0, 0, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255], 2, 2, 4, 1),
                                "pairs": np.array([[0, 1], [1, 0]])}),
            ("larger", lambda: {"images": 255 * u8([0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1], 2, 1, 8, 1),
                                "pairs": np.array([[0, 1], [1, 0]])}),
            ("minus", lambda: {"images": u8([255, 255, 255, 255, 0, 255], 2, 1, 3, 1),
                               "pairs": np.array([[0, 1], [0, 0]])}),
            ("ink", lambda: {"images": u8([1, 0, 0, 2, 255, 120, 0, 0, 0, 3, 0, 0, 255, 0, 1, 9], 4, 1, 4, 1),
                             "pairs": np.array([[0, 1], [1, 2], [2, 3], [3, 0], [1, 3]])}),
            ("ink", lambda: {"images": u8([0, 1, 0, 0, 1, 0, 9, 9, 200, 0, 128, 128, 0, 0, 0, 0], 2, 1, 4, 2),
                             "pairs": np.array([[0, 1]])}),
            ("centred", lambda: {"images": u8([255, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 255, 255], 2, 2, 4, 1),
                                 "pairs": np.array([[0, 1]])}),
            ("blank", lambda: {"images": u8([0, 0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0], 3, 1, 4, 1),
                               "pairs": np.array([[0, 1], [1, 0], [0, 2]])}),
            ("pairs", lambda: {"images": u8([255, 255, 0, 255, 0, 255, 0, 0, 0, 255, 0, 255], 3, 1, 4, 1),
                               "pairs": np.array([[2, 0], [1, 1], [2, 0], [0, 2]])}),
            ("pairs", lambda: {"images": drawings(0, 3, 2, 2, 1), "pairs": np.zeros((0, 2), int)}),
            ("mean", lambda: {"images": drawings(1, 6, 9, 8, 1), "pairs": some_pairs(2, 5, 12)}),
            ("ink", lambda: {"images": drawings(3, 4, 7, 11, 3, ink=0.1), "pairs": some_pairs(4, 4, 9)}),
            ("blank", lambda: {"images": drawings(5, 5, 12, 5, 1) * u8([1, 1, 0, 1, 1], 5, 1, 1, 1),
                               "pairs": np.array([[2, 0], [1, 2], [2, 2], [3, 4], [4, 3]])}),
        ],
        tolerance=1e-5,
    ),
    mistakes=[
        Mistake("the minus is missing: the score is the distance", LARGER, LARGER[1:]),
        Mistake("the smaller of the two directions counts, not the larger", LARGER, LARGER.replace("max", "min")),
        Mistake("the mean of the two directions counts, not the larger", LARGER, "-(forth.mean() + back.mean()) / 2"),
        Mistake("the two directions are added", LARGER, "-(forth.mean() + back.mean())"),
        Mistake("only the way from a to b counts", LARGER, "-forth.mean()"),
        Mistake("only the way from b to a counts", LARGER, "-back.mean()"),
        Mistake("the distances of both directions are thrown together, and one mean is taken of all of them", LARGER,
                "-np.concatenate([forth, back]).mean()"),
        Mistake("the distances to the nearest points are added, and no mean is taken", LARGER,
                "-max(forth.sum(), back.sum())"),
        Mistake("the sum of the distances from a to b is divided by the number of points of b, and the other way round",
                LARGER, "-max(forth.sum() / len(back), back.sum() / len(forth))"),
        Mistake("both sums of distances are divided by the number of points of the drawing that has more of them",
                LARGER, "-max(forth.sum(), back.sum()) / max(len(forth), len(back))"),
        Mistake("the point that is farthest from the other drawing counts, and not the mean over the points", LARGER,
                "-max(forth.max(), back.max())"),
        Mistake("the median over the points is taken, not the mean", LARGER, "-max(np.median(forth), np.median(back))"),
        Mistake("all points of the other drawing count, and not the nearest alone", code="""
            from scipy.spatial.distance import cdist
            def modified_hausdorff(images, pairs):
                points = [np.argwhere(image.any(axis=2)).astype(float) for image in images]
                points = [p - p.mean(axis=0) if len(p) else np.zeros((1, 2)) for p in points]
                return np.array([-cdist(points[a], points[b]).mean() for a, b in pairs])
        """),
        Mistake("the distance of two points is squared", LARGER, "-max((forth**2).mean(), (back**2).mean())"),
        Mistake("the distance of two points is lines plus columns, not Euclidean", BOTH,
                "forth, back = trees[b].query(points[a], p=1)[0], trees[a].query(points[b], p=1)[0]"),
        Mistake("the points are not centred", CENTRED, "ink"),
        Mistake("the points begin at their topmost line and leftmost column, and are not centred on their mean",
                CENTRED, "ink - ink.min(axis=0)"),
        Mistake("the middle between the outermost points is taken away, not the mean of the points", CENTRED,
                "ink - (ink.min(axis=0) + ink.max(axis=0)) / 2"),
        Mistake("the mean that is taken away is rounded to a whole pixel", CENTRED, "ink - ink.mean(axis=0).round()"),
        Mistake("the mean that is taken away is rounded up to whole pixels", CENTRED,
                "ink - np.ceil(ink.mean(axis=0))"),
        Mistake("the mean that is taken away is cut to whole pixels: what is behind the point is lost", CENTRED,
                "ink - ink.mean(axis=0) // 1"),
        Mistake("the middle of the page is taken away, not the mean of the points", CENTRED,
                "ink - [(image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2]"),
        Mistake("the median of the points is taken away, not their mean", CENTRED, "ink - np.median(ink, axis=0)"),
        Mistake("the points are centred by their lines alone", CENTRED, "ink - [ink[:, 0].mean(), 0]"),
        Mistake("the points are centred by their columns alone", CENTRED, "ink - [0, ink[:, 1].mean()]"),
        Mistake("the points are divided by their standard deviation, so that the size of a drawing is lost", CENTRED,
                "(ink - ink.mean(axis=0)) / max(ink.std(), 1e-9)"),
        Mistake("one mean is taken away from lines and columns alike", CENTRED, "ink - ink.mean()"),
        Mistake("brighter ink draws the mean to itself", INK,
                f"light = image.max(axis=2)\n        {INK}\n        if len(ink):\n"
                "            points.append(ink - np.average(ink, axis=0, weights=light[light > 0]))\n"
                "            continue"),
        Mistake("the points are those of the paper, where a pixel is 0, not those of the ink", "image.any(axis=2)",
                "(image == 0).all(axis=2)"),
        Mistake("a pixel is ink above 127 only", "image.any(axis=2)", "(image > 127).any(axis=2)"),
        Mistake("a pixel is ink above 1 only", "image.any(axis=2)", "(image > 1).any(axis=2)"),
        Mistake("only pixels of 255 are ink", "image.any(axis=2)", "(image == 255).any(axis=2)"),
        Mistake("ink is looked for in the first channel alone", "image.any(axis=2)", "image[:, :, 0] > 0"),
        Mistake("a pixel is ink only if it is so in all channels", "image.any(axis=2)", "image.all(axis=2)"),
        Mistake("the mean over its channels decides whether a pixel is ink: faint ink in one of them is none",
                "image.any(axis=2)", "image.mean(axis=2) > 0.5"),
        Mistake("the channels are added as uint8, in which 128 + 128 is 0, so that such a pixel is no ink",
                "image.any(axis=2)", "image.sum(axis=2, dtype=np.uint8)"),
        Mistake("a pixel with ink in two channels is two points", INK,
                "ink = np.argwhere(image)[:, :2].astype(float)"),
        Mistake("a drawing without ink is like all others: its distance is 0", LARGER,
                "-max(forth.mean(), back.mean()) * (images[a].any() and images[b].any())"),
        Mistake("a drawing without ink gives scores that are no numbers", LARGER,
                "-max(forth.mean(), back.mean()) * (1 if images[a].any() and images[b].any() else np.nan)"),
    ],
    variations=[
        Variation("larger", "The distance is the mean of these two, from a to b and from b to a.",
                  ((LARGER, "-(forth.mean() + back.mean()) / 2"),)),
        Variation("larger", "The distance is the smaller of these two, from a to b and from b to a.",
                  ((LARGER, "-min(forth.mean(), back.mean())"),)),
        Variation("mean", "From a to b: the distance from each point of a to the nearest point of b, and of these the "
                  "mean over the points of a; the distance of two points is the number of lines plus the number of "
                  "columns that they are apart. From b to a: the same, with a and b in each other's place.",
                  ((BOTH, "forth, back = trees[b].query(points[a], p=1)[0], trees[a].query(points[b], p=1)[0]"),)),
    ],
    aliases={"modified_hausdorff": ("ink_scores", "scores_of_ink", "hausdorff_scores")},
)  # fmt: skip

# --- 1.3 --------------------------------------------------------------------------------------------------------------


def _checked(pairs):
    """Rows a and b of the pairs that an answer has given to a scorer; TypeError if they are not what it takes."""
    if not isinstance(pairs, np.ndarray) or pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        given = f"{type(pairs).__name__} {getattr(pairs, 'shape', '')} {getattr(pairs, 'dtype', '')}".strip()
        raise TypeError(f"the scorer takes pairs as an array (P, 2) of whole numbers, and got: {given}")
    return pairs.astype(int).T


def of_digits(images, pairs):
    a, b = _checked(pairs)
    return 10.0 * a + b


def of_rows(images, pairs):
    a, b = _checked(pairs)
    return 10.0 * a - b**2


def of_ink(images, pairs):
    a, b = _checked(pairs)
    ink = images.reshape(len(images), -1).sum(axis=1, dtype=float)
    return np.sqrt(ink[a]) - ink[b]


def of_a_table(images, pairs):
    a, b = _checked(pairs)
    return normal(77, 60, 60)[a, b]


SCORERS = {
    "with the scorer 10 a + b of rows a, b": of_digits,
    "with the scorer 10 a - b b of rows a, b": of_rows,
    "with the scorer sqrt(sum of image a) - sum of image b": of_ink,
    "with a scorer that looks up random numbers for rows a, b": of_a_table,
}


def pool(seed, M, *shape):
    """A trial's pool and rows: images (M, 1, 2, 1); support of this shape (T, N, K), and a query of each trial."""
    rng = np.random.default_rng(seed)
    T, N, K = shape
    support = np.stack([rng.permutation(M)[: N * K].reshape(N, K) for _ in range(T)])
    images, query = rng.integers(0, 256, (M, 1, 2, 1)).astype(np.uint8), rng.integers(0, M, T)
    return {"images": images, "query": query, "support": support, "target": rng.integers(0, N, T)}


def small(support, query, target):
    return lambda: {"images": u8([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], 10, 1, 1, 1), "query": np.array(query),
                    "support": np.array(support), "target": np.array(target)}  # fmt: skip


TRIALS = {
    "with the scorer 10 a + b of rows a, b": [
        ("order", small([[[4], [9], [5]]], [7], [2])),
        ("places", small([[[4], [8]], [[9], [2]]], [3, 7], [1, 0])),
    ],
    "with the scorer 10 a - b b of rows a, b": [
        ("mean", small([[[0, 1, 4], [2, 5, 3]]], [7], [1])),
        ("order", small([[[0], [2], [5]]], [3], [2])),
        ("places", small([[[0, 3], [2, 1], [4, 5]], [[5, 8], [1, 9], [3, 2]]], [6, 7], [0, 1])),
        ("pool", small([[[6], [4]], [[7], [5]], [[4], [5]]], [3, 2, 3], [0, 1, 1])),
        ("mean", lambda: pool(0, 20, 4, 3, 5)),
    ],
    "with the scorer sqrt(sum of image a) - sum of image b": [
        ("pool", lambda: pool(1, 12, 3, 4, 2)),
        ("places", lambda: pool(2, 9, 5, 2, 3)),
    ],
    "with a scorer that looks up random numbers for rows a, b": [
        ("mean", lambda: pool(3, 60, 7, 5, 4)),
        ("places", lambda: pool(4, 30, 2, 20, 1)),
        ("mean", lambda: pool(5, 10, 6, 1, 3)),
    ],
}


WHOLE = small([[[4, 1], [2, 8]]], [7], [1])


def given_images(answer):
    """What images the scorer is given."""
    arguments, given = WHOLE(), []

    def scorer(images, pairs):
        whole = np.array_equal(images, arguments["images"])
        given.append("self.images, whole" if whole else f"others, {np.shape(images)} {np.asarray(images).dtype}")
        return of_digits(images, pairs)

    answer.Trials(*arguments.values()).scores(scorer)
    return {"the images that the scorer is given": " and ".join(dict.fromkeys(given))}


def scores_by(scorer):
    """answer -> what its Trials scores with a scorer, as a function of images, query, support and target."""
    return lambda answer: _as_float64(lambda *arrays: answer.Trials(*arrays).scores(scorer))


STACKED = "pairs = np.stack([np.repeat(self.query, self.support[0].size), self.support.ravel()], axis=1)"
TURNED = "pairs = np.stack([self.support.ravel(), np.repeat(self.query, self.support[0].size)], axis=1)"
GIVEN_SHAPE = "scorer(self.images, pairs).reshape(self.support.shape)"


def one_by_one(lines):
    """Trials.scores of these lines, which stand where the trial t, its query q and its support (N, K) are known."""
    return f"""
class Trials(trials.Trials):
    def scores(self, scorer):
        T, N, K = self.support.shape
        out = np.zeros((T, N))
        for t in range(T):
            q, support = self.query[t], self.support[t]
            for n in range(N):
                {lines}
        return out
"""


SCORES = Task(
    of="trials: Trials.scores",
    parts=2,
    docs={
        "Trials": Doc(
            """T one-shot trials, each of N classes with K drawings, over a pool of images.

            self.images (M, H, W, C) uint8 is the pool. All others hold whole numbers: self.query (T,) has each trial's
            query, a row of the pool; self.support (T, N, K) has the rows of the K drawings of its N classes;
            self.target (T,) is the query's place among the N classes, on which no score depends."""
        ),
        "scores": Doc(
            """How alike each trial's query and each of its classes are, as a scorer sees it.

            scorer(images, pairs) is a function such as ``nearest_neighbour``: it takes a pool of images and an array of
            pairs (P, 2), whole numbers, the rows a and b of two images of the pool; it returns scores (P,), floats, the
            larger the more alike. Returns the scores (T, N), floats, float32 or float64.""",
            {
                "mean": "The score of a class is the mean of the scorer's scores for its K drawings; T, N and K may "
                "be any numbers from 1 on.",
                "order": "A pair is the query's row and then the support drawing's row: a scorer need not give the "
                "same for (a, b) and (b, a).",
                "pool": "The scorer gets self.images, whole, and rows of it; it may be asked once or many times.",
                "places": "scores[t, n] is that of trial t, for the class in place n of its support.",
            },
        ),
    },
    cases=[
        Case("Trials.scores, and what it gives the scorer", given_images, "pool", shown=WHOLE),
        *(
            case
            for name, scorer in SCORERS.items()
            for case in calls((f"Trials.scores {name}", scores_by(scorer)), ["scores"], TRIALS[name], tolerance=1e-5)
        ),
    ],
    mistakes=[
        Mistake("the scores of a class's drawings are added, not averaged", ".mean(axis=2)", ".sum(axis=2)"),
        Mistake("a class has the score of its best drawing", ".mean(axis=2)", ".max(axis=2)"),
        Mistake("a class has the score of its worst drawing", ".mean(axis=2)", ".min(axis=2)"),
        Mistake("a class has the score of its first drawing", ".mean(axis=2)", "[:, :, 0]"),
        Mistake("a class has the score of its last drawing", ".mean(axis=2)", "[:, :, -1]"),
        Mistake("of a class's drawings the last one alone counts, and its score is divided by K", ".mean(axis=2)",
                "[:, :, -1] / self.support.shape[2]"),
        Mistake("a class has the median of its drawings' scores", f"{GIVEN_SHAPE}.mean(axis=2)",
                f"np.median({GIVEN_SHAPE}, axis=2)"),
        Mistake("the sum over a class's drawings is divided by 2, however many there are", ".mean(axis=2)",
                ".sum(axis=2) / 2"),
        Mistake("the sum over a class's drawings is divided by the number of classes", ".mean(axis=2)",
                ".sum(axis=2) / self.support.shape[1]"),
        Mistake("the mean is taken over the classes, not over the drawings of a class", ".mean(axis=2)",
                ".mean(axis=1)"),
        Mistake("the scores of all drawings stay apart: no mean is taken", ".mean(axis=2)", ""),
        Mistake("the drawing comes first in a pair, the query second", STACKED, TURNED),
        Mistake("the two rows of a pair are sorted, so that the smaller one comes first, whichever the query's is",
                STACKED, f"{STACKED}\n        pairs.sort(axis=1)"),
        Mistake("the scores for a class's drawings are taken for those of other classes: the order is trial, drawing, "
                "class", "self.support.ravel()", "self.support.transpose(0, 2, 1).ravel()"),
        Mistake("queries follow each other from pair to pair, so that most pairs have the query of another trial",
                "np.repeat(self.query, self.support[0].size)", "np.tile(self.query, self.support[0].size)"),
        Mistake("all trials have the query of the first one", "np.repeat(self.query,",
                "np.repeat(self.query[0] + 0 * self.query,"),
        Mistake("all trials have the support of the first one", "self.support.ravel()",
                "(self.support[:1] + 0 * self.support).ravel()"),
        Mistake("the trial's number is taken for the row of its query", "np.repeat(self.query,",
                "np.repeat(np.arange(len(self.query)),"),
        Mistake("the scorer gets only two images, and rows 0 and 1 of these", code=one_by_one(
                "out[t, n] = np.mean([scorer(self.images[[q, row]], np.array([[0, 1]]))[0] for row in support[n]])")),
        Mistake("the scorer gets only the images of one class and its query, and these are numbered anew",
                code=one_by_one("rows = [[0, 1 + k] for k in range(K)]\n"
                "                out[t, n] = scorer(self.images[[q, *support[n]]], np.array(rows)).mean()")),
        Mistake("the scorer's scores are taken as trial, drawing, class, and its pairs came as trial, class, drawing",
                f"{GIVEN_SHAPE}.mean(axis=2)",
                "scorer(self.images, pairs).reshape(len(self.query), self.support.shape[2], -1).mean(axis=1)"),
        Mistake("a class's drawings are compared with the target's drawings, and not with the query", code=one_by_one(
                "out[t, n] = np.mean([scorer(self.images, np.array([[support[self.target[t], k], support[n, k]]]))[0] "
                "for k in range(K)])")),
        Mistake("the scorer is asked about (a, b) and (b, a), and the mean of both is taken",
                "scorer(self.images, pairs)",
                "((scorer(self.images, pairs) + scorer(self.images, pairs[:, ::-1])) / 2)"),
        Mistake("the class that self.target names comes first, in place 0, and the others after it", code="""
            class Trials(trials.Trials):
                def scores(self, scorer):
                    T, N, K = self.support.shape
                    order = np.argsort(np.arange(N) != self.target[:, None], axis=1, kind="stable")
                    rows = np.take_along_axis(self.support, order[:, :, None], 1).ravel()
                    pairs = np.stack([np.repeat(self.query, N * K), rows], axis=1)
                    return scorer(self.images, pairs).reshape(T, N, K).mean(axis=2)
        """),
        Mistake("a score is a distance: it has a minus", "return scorer", "return -scorer"),
    ],
    variations=[
        Variation("mean", "The score of a class is the largest of the scorer's scores for its K drawings; T, N and K "
                  "may be any numbers from 1 on.",
                  ((f"{GIVEN_SHAPE}.mean(axis=2)", f"{GIVEN_SHAPE}.max(axis=2)"),)),
        Variation("mean", "The score of a class is the sum of the scorer's scores for its K drawings; T, N and K "
                  "may be any numbers from 1 on.",
                  ((f"{GIVEN_SHAPE}.mean(axis=2)", f"{GIVEN_SHAPE}.sum(axis=2)"),)),
        Variation("order", "A pair is the support drawing's row and then the query's row: a scorer need not give the "
                  "same for (a, b) and (b, a).", ((STACKED, TURNED),)),
    ],
    aliases={"Trials": ("OneShotTrials", "AskedTrials", "TrialSet")},
)  # fmt: skip

EXERCISE = Exercise("the nearest picture", GIVES, {"1.1": NEAREST, "1.2": HAUSDORFF, "1.3": SCORES})
