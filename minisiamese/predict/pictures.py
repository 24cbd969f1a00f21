"""Pictures as a user gives them: paths, Pillow images and NumPy arrays, one, several or a folder of them."""

import hashlib
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from minisiamese.backend import to_host
from minisiamese.data import folder
from minisiamese.data.images import is_image, read_image, upright
from minisiamese.data.listing import classes_of, listed
from minisiamese.errors import BadInput

CHANNELS = (1, 3, 4)  # of an array (H, W, C): grey, colour, colour with transparency
KINDS = "a path, a Pillow image or an array"


class Doubtful(UserWarning):
    """A picture was read in a way that is not to be trusted, or was left out; the message names it and says why."""


def warn(name, reasons):
    """A ``Doubtful`` warning for each reason, in words, not to trust the picture of this name."""
    for reason in reasons:
        warnings.warn(f"{name}: {reason}", Doubtful, stacklevel=4)


@dataclass(frozen=True)
class Picture:
    """One picture that nobody has read yet; ``name`` is its path, or its place in the argument that held it."""

    source: Path | Image.Image
    name: str

    def opened(self, side):
        """The Pillow image, upright, with 8 bits a channel; a large JPEG may come smaller, but not below ``side``."""
        if isinstance(self.source, Image.Image):
            return upright(self.source)
        return read_image(self.source, self.name, at_least=(side, side))

    def key(self, root=None):
        """Three values that change with the picture: a file's path (below the folder ``root``), time and length, or an
        image's mode, size and digest."""
        if isinstance(self.source, Image.Image):
            digest = hashlib.blake2b(self.source.tobytes(), digest_size=16).hexdigest()
            return self.source.mode, self.source.size, digest
        name = os.path.abspath(self.source) if root is None else self.source.relative_to(root).as_posix()
        try:
            found = os.stat(self.source)
        except (OSError, ValueError):
            return name, 0, 0  # reading it will say why
        return name, found.st_mtime_ns, found.st_size


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
        if not single and given.ndim not in (3, 4):
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


def labelled(images, labels, read):
    """{part: ``Dataset``}: of a folder or zip its part "all", or its part "test" alone if it is divided; of ``several``
    pictures, which have labels (M,), "all". ``read(picture)`` gives the pixels (H, W, C) of a ``Picture``."""
    if isinstance(images, str | os.PathLike):
        with listed(images) as listing:
            parts = classes_of(listing)
            part = "test" if "test" in parts else "all"

            def pixels(name):
                where = f"{name} in {images}"
                return read(Picture(read_image(io.BytesIO(listing.read(name)), where), where))

            shown = tqdm(parts[part], desc="reading", unit=" images", disable=None)
            return {part: folder.labelled(parts[part], np.stack([pixels(name) for name in shown]))}
    return {"all": folder.of_labels(labels, np.stack([read(picture) for picture in with_labels(images, labels)]))}


def with_labels(images, labels):
    """The ``several`` pictures of a data set; BadInput unless there is a label for each."""
    pictures = several(images, "images")
    if labels is None:
        raise BadInput("labels is missing: pictures that are in no folder need a label each")
    if len(labels) != len(pictures):
        raise BadInput(f"labels are {len(labels)}, and images {len(pictures)}: every image has one")
    return pictures


def in_folder(path, name):
    """(pictures, labels) of a folder: of its images, with None for labels, or of those in its sub-folders, which are
    their labels. BadInput if it holds both, or neither."""
    if not path.is_dir():
        raise BadInput(f"{name}: {path} is not a folder of images")
    flat = _images_of(path)
    classes = {each.name: _images_of(each) for each in sorted(path.iterdir()) if _may_be_class(each)}
    pictures = [picture for members in classes.values() for picture in members]
    if flat and pictures:
        raise BadInput(f"{name}: {path} holds images and sub-folders of images: it takes one or the other")
    if not flat and not pictures:
        raise BadInput(f"{name}: {path} holds no images to compare with, nor sub-folders of images")
    labels = [label for label, members in classes.items() for _ in members]
    return (flat, None) if flat else (pictures, labels)


def _may_be_class(path):
    return path.is_dir() and not path.name.startswith(".")


def _images_of(where):
    paths = sorted(path for path in where.iterdir() if is_image(path) and path.is_file())
    return [Picture(path, str(path)) for path in paths]


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
