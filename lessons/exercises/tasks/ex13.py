"""Exercise 13: which places of an image speak for a score."""

from dataclasses import replace

import numpy as np

from lessons.exercises.cases import calls, normal, numbers, raises
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np
"""


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

EXERCISE = Exercise("which places of an image speak for a score", GIVES, {"13.1": OCCLUSION})
