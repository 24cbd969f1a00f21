"""Pictures as a user gives them: paths, Pillow images and NumPy arrays, one, several or a folder of them."""

import contextlib
import hashlib
import io
import os
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from tqdm import tqdm

from minisiamese.backend import to_host
from minisiamese.data import folder
from minisiamese.data.images import read_image, upright
from minisiamese.data.listing import arranged, classes_of, empty_classes, listed
from minisiamese.errors import BadInput

CHANNELS = (1, 3, 4)  # of an array (H, W, C): grey, colour, colour with transparency
READING = {"desc": "reading", "unit": " pictures", "delay": 1, "disable": None}  # of a progress bar
KINDS = "a path, a Pillow image or an array"


class Doubtful(UserWarning):
    """A picture was read in a way that is not to be trusted, or was left out; the message names it and says why."""


warnings.simplefilter("always", Doubtful)  # of each picture, though many have one name, such as "query"


def warn(name, reasons):
    """A ``Doubtful`` warning for each reason, in words, not to trust the picture of this name, at the caller's line."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("minisiamese."):
        frame, level = frame.f_back, level + 1
    for reason in reasons:
        warnings.warn(f"{name}: {reason}", Doubtful, stacklevel=level)


@dataclass(frozen=True)
class Picture:
    """One picture that nobody has read yet; ``name`` is its path, or its place in the argument that held it. The path
    of a file in a zip is that of the zip, and then its own: MY_IMAGES.zip/a.png."""

    source: Path | Image.Image
    name: str

    @property
    def file(self):
        """What ``read_image`` takes, a path or an open file; or the Pillow image that the picture is."""
        zipped = None if isinstance(self.source, Image.Image) else around(self.source)
        if not zipped:
            return self.source
        found, inside = zipped.stat(), PurePosixPath(self.source.relative_to(zipped).as_posix())
        listing, names, _ = _opened(zipped, found.st_mtime_ns, found.st_size)
        if inside not in names:
            raise BadInput(f"there is no image {self.name}")
        return io.BytesIO(listing.read(inside))

    def opened(self, side):
        """The Pillow image, upright, with 8 bits a channel; a large JPEG may come smaller, but not below ``side``."""
        if isinstance(self.source, Image.Image):
            return upright(self.source)
        return read_image(self.file, self.name, at_least=(side, side))

    def key(self, root=None):
        """Three values that change with what the picture shows: a file's path (below the folder ``root``), time and
        length, or an image's mode, size and digest."""
        if isinstance(self.source, Image.Image):
            image = upright(self.source).convert("RGBA")
            return image.mode, image.size, hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest()
        name = os.path.abspath(self.source) if root is None else self.source.relative_to(root).as_posix()
        try:
            found = os.stat(around(self.source) or self.source)
        except (OSError, ValueError):
            return name, 0, 0  # reading it will say why
        return name, found.st_mtime_ns, found.st_size


def around(path):
    """The zip that a path leads into, if it does."""
    return next((each for each in path.parents if is_zip(each)), None)


@lru_cache(maxsize=1)
def _opened(path, time, length):
    """(listing, the names of its images, what keeps it open) of a zip, which stays open for its next image, until
    another zip, or another state of this one, takes its place."""
    stack = contextlib.ExitStack()
    listing = stack.enter_context(listed(path))
    return listing, set(listing.images), stack


def is_zip(path):
    """Whether a path is that of a file whose name ends as a zip's does."""
    return path.suffix.lower() == ".zip" and path.is_file()


def one(given, name):
    """The ``Picture`` of a path, a Pillow image or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Arrays hold uint8 from 0 to 255, floats from 0 to 1 or bool. BadInput, which names the argument, for anything else.
    """
    if isinstance(given, str | os.PathLike):
        return Picture(Path(given), str(given))
    if isinstance(given, Image.Image):
        try:
            given.load()
        except Exception as error:  # of a damaged file, which can fail anywhere in its decoder
            raise BadInput(f"{name} is not a readable image ({error})") from None
        return Picture(given, name)
    given = to_host(given)
    if not isinstance(given, np.ndarray):
        raise BadInput(f"{name} is of type {type(given).__name__}: it takes {KINDS}")
    return Picture(_from_array(given, name), name)


def several(given, name):
    """The ``Picture``s of one path, image or array, of a list of them, or of a stack (M, H, W) or (M, H, W, C).

    An array of three dimensions whose last one is 1, 3 or 4 is one picture. BadInput if there are none.
    """
    given = to_host(given)
    if isinstance(given, np.ndarray) and given.dtype.kind in "OU":  # of paths, say
        given = given.tolist()
    single = isinstance(given, str | os.PathLike | Image.Image)
    if isinstance(given, np.ndarray):
        single = given.ndim == 2 or (given.ndim == 3 and given.shape[-1] in CHANNELS)
        if not single and (given.ndim not in (3, 4) or given.shape[-1] == 2):
            raise BadInput(f"{name} has the shape {given.shape}: it takes (M, H, W) or (M, H, W, C)")
    if single:
        return [one(given, name)]
    try:
        members = list(given)
    except TypeError:
        raise BadInput(f"{name} is of type {type(given).__name__}: it takes {KINDS}, or a list of them") from None
    if not members:
        raise BadInput(f"{name} holds no images")
    return [one(member, f"{name}[{place}]") for place, member in enumerate(members)]


def datasets(images, labels, read, side):
    """{part: ``Dataset``}: of a folder or zip its parts "all", or "train" and "test"; of ``several`` pictures, which
    have labels (M,), "all". ``read(picture)`` gives the pixels (H, W, C) of a ``Picture``, for which a file needs no
    more than ``side`` pixels, if that is not None."""
    if not isinstance(images, str | os.PathLike):
        pictures, labels = with_labels(images, labels)
        return {"all": folder.of_labels(labels, np.stack([read(picture) for picture in pictures]))}
    check_no_labels(labels)
    with listed(images) as listing:

        def pixels(name):
            where = f"{name} in {images}"
            at_least = (side, side) if side else None
            return read(Picture(read_image(io.BytesIO(listing.read(name)), where, at_least=at_least), where))

        return {
            part: folder.labelled(names, np.stack([pixels(name) for name in tqdm(names, **READING)]))
            for part, names in classes_of(listing).items()
        }


def with_labels(images, labels):
    """The ``several`` pictures of a data set, and their labels (M,); BadInput unless each has one."""
    pictures = several(images, "images")
    if labels is None:
        raise BadInput("labels is missing: pictures that are in no folder need a label each")
    return pictures, checked_labels(labels, len(pictures), "labels")


def check_no_labels(labels):
    """BadInput if there are labels of a folder or zip, which has its own."""
    if labels is not None:
        raise BadInput("labels are for pictures: those of a folder are the names of its sub-folders")


def checked_labels(labels, count, name):
    """The labels (M,) of as many images, as an array; BadInput, which names the argument, if they cannot be that."""
    try:
        array = np.asarray(labels)
    except ValueError:  # of lists of several lengths
        raise BadInput(f"{name} must be one for each of the {count} images, not lists") from None
    if array.ndim != 1 or len(array) != count:
        given = len(array) if array.ndim == 1 else f"of the shape {array.shape}"
        raise BadInput(f"{name} must be one for each of the {count} images, not {given}")
    try:
        np.unique(array)
    except TypeError:
        raise BadInput(f"{name} must be numbers or strings, which can be put in order") from None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInput(f"{name} must not be NaN or infinite")
    return array


def in_folder(path, name):
    """(pictures, labels) of a folder or a zip: of its images, with None for labels, or of those in its sub-folders,
    which are their labels (of train/ and test/ those in train/). BadInput if it holds both, or neither."""
    if not path.is_dir() and not is_zip(path):
        raise BadInput(f"{name}: {path} is not a folder of images, or a zip of them")
    if path.is_dir():
        os.scandir(path).close()  # an OSError if it cannot be read, which a listing passes over
    with listed(path) as listing:
        flat = [path / each for each in listing.images if len(each.parts) == 1]
        if len(flat) == len(listing.images) > 0:
            return [Picture(each, str(each)) for each in flat], None
        if flat:
            raise BadInput(f"{name}: {path} holds images and sub-folders of images: it takes one or the other")
        parts = arranged(listing)
        for empty in empty_classes(listing, parts):
            raise BadInput(f"{name}: class {empty} in {path} holds no images: put some in, or delete the folder")
        names = parts.get("train") or parts["all"]
    return [Picture(path / each, str(path / each)) for each in names], [each.parts[-2] for each in names]


def _from_array(array, name):
    """The Pillow image of an array."""
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in CHANNELS):
        raise BadInput(f"{name} has the shape {array.shape}: a picture is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    if array.dtype == bool:
        array = np.uint8(255) * array
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise BadInput(f"{name} holds NaN or infinite numbers")
        if array.min() < 0 or array.max() > 1:
            raise BadInput(
                f"{name} holds floats from {array.min():g} to {array.max():g}, and they mean 0 for black to 1 for "
                "white: scale them, or give uint8 from 0 to 255"
            )
        array = np.uint8(np.round(255 * array.astype(float)))
    elif array.dtype != np.uint8:
        raise BadInput(f"{name} is an array of {array.dtype}: it takes uint8 (0 to 255), floats (0 to 1) or bool")
    return Image.fromarray(np.ascontiguousarray(array[:, :, 0] if array.shape[2:] == (1,) else array))
