"""A folder or zip of anyone's images, one sub-folder a class.

    MY_IMAGES/CLASS/any-name.png           or, divided already,
    MY_IMAGES/train/CLASS/any-name.jpg     MY_IMAGES/test/CLASS/any-name.jpg

Folders around these, such as the one that a zip often has, do not matter, nor do hidden files or files that are no
images. Images may differ in size and kind; if all are grey, they are kept as drawings are, ink bright.
"""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from minisiamese.data.dataset import Dataset
from minisiamese.data.images import read_image
from minisiamese.data.listing import classes_of, listed
from minisiamese.errors import BadInput

LARGEST = 105  # side of the images as they are kept, unless a network looks at more
ENOUGH, MANY = 6, 15  # classes, of which some can be held out; and without loss to training
SHARED = 6  # images of a class of which some can be held out: two each to train on, to validate and to test
TEST_CLASSES, VALIDATION_CLASSES = 5, 4  # held out of few classes, if that is no more than a third of them
WIDEST = 0.05  # half of an interval of a test's accuracy that still says something


def load(path, largest=LARGEST):
    """{"train": Dataset, "test": Dataset} of a folder or zip that is divided so, else {"all": Dataset}.

    Every class of a part needs two images: one to ask about, and one to compare with. Classes are numbered in the order
    of their names, which are the ``class_names``. The images are square and of one size, with sides of at most
    ``largest`` pixels.
    BadInput if there is nothing of the kind, or if an image cannot be read.
    """
    path = Path(path)
    with listed(path) as listing:
        parts = classes_of(listing)
        names = [name for part in parts.values() for name in part]
        pictures = [
            read_picture(listing, name, largest)
            for name in tqdm(names, desc=f"reading {path.name}", unit=" images", disable=None)
        ]
    images = squares(pictures)
    ends = np.cumsum([len(part) for part in parts.values()])[:-1]
    return {part: labelled(parts[part], each) for part, each in zip(parts, np.split(images, ends), strict=True)}


def labelled(names, images):
    """The Dataset of images that lie at CLASS/image, as their names say; the rows of ``images`` may be anything."""
    return of_labels([name.parts[-2] for name in names], images)


def of_labels(labels, images):
    """The Dataset of images with these labels (M,), of anything that can be sorted; the classes are in their order."""
    class_names, numbers = np.unique(labels, return_inverse=True)
    return Dataset(images, numbers, np.zeros(len(numbers), int), None, ("images",), tuple(map(str, class_names)))


# --- the parts of a run -----------------------------------------------------------------------------------------------


def part(name, path, largest=LARGEST):
    """The ``"training"``, ``"validation"`` or ``"evaluation"`` images of a folder or zip, as ``divide`` divides it."""
    return _divided_once(str(path), largest)[name]


@lru_cache(maxsize=1)
def _divided_once(path, largest):
    return divide(load(path, largest), path)


def divide(parts, where):
    """{"training": Dataset, "validation": Dataset, "evaluation": Dataset} of what ``load`` returned.

    With test/, that is for evaluation. If it shows classes of train/ only, validation is a fifth of the images of each
    class of train/, else a fifth of its classes, two at least.

    Without test/, of n classes n // 5 are for evaluation, but a third of them, up to 5, where that is more; of the m
    others m // 5 are for validation, but two at least, and a third, up to 4, where that is more. Of fewer than 15
    classes that would leave few to train on and to test: of these a fifth of each one's images is for evaluation, and
    of its others a fifth for validation, two at least, if every class has the six images that it takes. Of 6 to 14
    classes of fewer images, classes are held out all the same.

    Always the same ones. ``where`` names the images in complaints: BadInput if there are too few.
    """
    others, evaluation = parts.get("all", parts.get("train")), parts.get("test")
    count = len(others.rows_of_class)
    if count < 2:
        raise BadInput(f"{where} holds one class only: it takes two at least")
    for name, (images, least, why) in small_classes(parts).items():
        raise BadInput(f"class {name} in {where} has {images} image{'s' * (images > 1)}: it takes {least}, {why}")
    if evaluation is not None and _new_classes(parts):
        if count < 4:
            raise BadInput(f"train/ in {where} holds {count} classes: it takes 4, two to train on and two to validate")
        others, validation = _hold_out_classes(others, max(2, count // 5))
    elif evaluation is not None:
        others, validation = _hold_out_images(others)
    elif holds_out_images(others):
        others, evaluation = _hold_out_images(others)
        others, validation = _hold_out_images(others)
    else:
        others, evaluation = _hold_out_classes(others, max(count // 5, min(TEST_CLASSES, count // 3)))
        count = len(others.rows_of_class)
        others, validation = _hold_out_classes(others, max(2, count // 5, min(VALIDATION_CLASSES, count // 3)))
    return {"training": others, "validation": validation, "evaluation": evaluation}


def small_classes(parts):
    """{class: (its images, the least that it needs, what for)} of the classes with too few images to ``divide``."""
    small = {}
    for part, dataset in parts.items():
        least, why = 2, "to compare one with the other"
        if part == "all" and len(dataset.rows_of_class) < ENOUGH:
            why = f"two each to train on, to validate and to test, where there are fewer than {ENOUGH} classes"
            least = SHARED
        elif part == "train" and not _new_classes(parts):
            least, why = 4, "two to train on and two to validate"
        for rows, name in zip(dataset.rows_of_class, dataset.class_names, strict=True):
            if len(rows) < least:
                small[name if part == "all" else f"{part}/{name}"] = len(rows), least, why
    return small


def holds_out_images(dataset):
    """Whether ``divide`` holds out images of each class of an undivided data set, and not classes."""
    count = len(dataset.rows_of_class)
    return count < ENOUGH or (count < MANY and min(map(len, dataset.rows_of_class)) >= SHARED)


def _new_classes(parts):
    """Whether test/ has classes that train/ does not have."""
    return not set(parts["test"].class_names) <= set(parts["train"].class_names)


def _hold_out_classes(dataset, held):
    """(the rest, so many of the classes)."""
    count = len(dataset.rows_of_class)
    chosen = np.random.default_rng(0).choice(count, held, replace=False)
    return dataset.take_classes(np.setdiff1d(np.arange(count), chosen)), dataset.take_classes(chosen)


def _hold_out_images(dataset):
    """(the rest, the last fifth of each class's images, at least two)."""
    held = np.concatenate([rows[-max(2, len(rows) // 5) :] for rows in dataset.rows_of_class])
    return dataset.take(np.setdiff1d(np.arange(len(dataset.images)), held)), dataset.take(held)


def sure_to(images):
    """Half the width of the 95 % interval of an accuracy of 90 % that so many images are asked for.

    However many trials are drawn from them, M images are M independent answers at most, and the interval of an accuracy
    of p is about p ± 1.96 sqrt(p (1 - p) / M).
    """
    return float(1.96 * np.sqrt(0.9 * 0.1 / images))


def weakness(dataset):
    """Why a test on these images says little, in a sentence, or None if it says enough."""
    N, M = len(dataset.rows_of_class), len(dataset.images)
    few, wide = N < TEST_CLASSES, sure_to(M) > WIDEST
    if not few and not wide:
        return None
    reasons = [f"chance is already {100 / N:.0f} %"] * few
    reasons += [f"an accuracy of 90 % would be sure to within ±{100 * sure_to(M):.0f} points only"] * wide
    remedy = " or ".join(["classes"] * few + ["images"] * wide)
    return f"a weak test: {N} classes with {M} images; {', and '.join(reasons)}: add {remedy}"


# --- pictures ---------------------------------------------------------------------------------------------------------


def read_picture(listing, name, largest=LARGEST):
    """The ``shrunk`` picture of an image in a listing; BadInput if it cannot be read."""
    file = io.BytesIO(listing.read(name))
    return shrunk(read_image(file, f"{name} in {listing.path}", at_least=(largest, largest)), largest)


def shrunk(image, largest=LARGEST):
    """A Pillow image of 8 bits a channel, no larger than ``largest``, in grey ("L") or colour ("RGB"), on white if one
    sees through it."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    image.thumbnail((largest, largest), Image.Resampling.BICUBIC)
    red, *others = image.split()
    return red if all(other == red for other in others) else image


def squares(pictures, side=None, channels=None):
    """Pictures that ``shrunk`` made, padded to squares: (M, H, H, 1) uint8 negatives, or (M, H, H, 3) in colour.

    H is ``side``, or the largest one's; C is ``channels``, or 1 if all are grey. 0 stands for all that lies outside an
    image: a grey one is on paper, as drawings are, one in colour is on black. BadInput if one is in colour, and
    ``channels`` is 1.
    """
    side = side or max(max(picture.size) for picture in pictures)
    coloured = [row for row, picture in enumerate(pictures) if picture.mode != "L"]
    if channels == 1 and coloured:
        raise BadInput(f"picture {coloured[0] + 1} of {len(pictures)} is in colour, and it takes grey ones")
    mode, around = ("RGB", "black") if coloured or channels == 3 else ("L", "white")
    images = np.empty((len(pictures), side, side, len(mode)), np.uint8)
    for row, picture in enumerate(pictures):
        if picture.size != (side, side):
            picture = ImageOps.pad(picture.convert(mode), (side, side), Image.Resampling.BICUBIC, around)
        images[row] = np.asarray(picture.convert(mode)).reshape(images.shape[1:])
    return 255 - images if mode == "L" else images
