"""A folder or zip of anyone's images, one sub-folder a class.

    MY_IMAGES/CLASS/any-name.png           or, divided already,
    MY_IMAGES/train/CLASS/any-name.jpg     MY_IMAGES/test/CLASS/any-name.jpg

Folders around these, such as the one that a zip often has, do not matter, nor do hidden files or files that are no
images. Images may differ in size and kind; if all are grey, they are kept as drawings are, ink bright.
"""

import io
import lzma
import os
import posixpath
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from minisiamese.data.dataset import Dataset
from minisiamese.data.images import is_image, read_image
from minisiamese.errors import BadInput, whole_file

DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError)
DAMAGED_ZIP += (UnicodeDecodeError,)  # of the names in it
LARGEST = 105  # side of the images as they are kept, unless a network looks at more
SPLITS = ("train", "test")


def load(path, largest=LARGEST):
    """{"train": Dataset, "test": Dataset} of a folder or zip that is divided so, else {"all": Dataset}.

    Every class of a part needs two images: one to ask about, and one to compare with. Classes are numbered in the order
    of their names, which are the ``class_names``. The images are square and of one size, with sides of at most
    ``largest`` pixels.
    BadInput if there is nothing of the kind, or if an image cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        files, folders, read = _list_folder(path)
        return _load(path, files, folders, read, largest)
    if not path.exists():
        raise BadInput(f"there is no folder or zip {path}")
    try:
        with zipfile.ZipFile(whole_file(path)) as archive:
            entries = [(_inside(entry.filename), entry) for entry in archive.infolist()]
            inside = {entry: item for entry, item in entries if not _hidden(entry)}
            files = [entry for entry, item in inside.items() if not item.is_dir() and is_image(entry)]
            folders = {entry for entry, item in inside.items() if item.is_dir()}
            return _load(path, files, folders, lambda file: archive.read(inside[file]), largest)
    except DAMAGED_ZIP as error:
        raise BadInput(f"{path} is not a folder or a whole zip of images ({error})") from None


def part(name, path, largest=LARGEST):
    """The ``"training"``, ``"validation"`` or ``"evaluation"`` images of a folder or zip.

    Evaluation is test/, else a fifth of the classes. Validation is a fifth of the other classes; but if test/ shows
    classes of train/ only, it is a fifth of the images of each. Always the same ones; BadInput if there are too few.
    """
    parts = _load_once(str(path), largest)
    if "all" in parts:
        others, evaluation = _hold_out_classes(parts["all"], 6, f"{path}, which is not divided into train/ and test/,")
    else:
        others, evaluation = parts["train"], parts["test"]
    if name == "evaluation":
        return evaluation
    if set(evaluation.class_names) <= set(others.class_names):
        training, validation = _hold_out_images(others, path)
    else:
        training, validation = _hold_out_classes(others, 4, f"{path / 'train' if 'train' in parts else path}")
    return training if name == "training" else validation


_load_once = lru_cache(maxsize=1)(load)


def _hold_out_classes(dataset, least, where):
    """(the rest, a fifth of the classes, at least two)."""
    count = len(dataset.rows_of_class)
    if count < least:
        raise BadInput(f"{where} holds {count} classes, and it takes {least} to train on some and to test on others")
    held = np.random.default_rng(0).choice(count, max(2, count // 5), replace=False)
    return dataset.take_classes(np.setdiff1d(np.arange(count), held)), dataset.take_classes(held)


def _hold_out_images(dataset, path):
    """(the rest, the last fifth of each class's images, at least two)."""
    held = [rows[-max(2, len(rows) // 5) :] for rows in dataset.rows_of_class]
    for rows, name in zip(dataset.rows_of_class, dataset.class_names, strict=True):
        if len(rows) < 4:
            raise BadInput(
                f"class train/{name} in {path} has {len(rows)} images: it takes 4, two to train on and two to validate"
            )
    held = np.concatenate(held)
    return dataset.take(np.setdiff1d(np.arange(len(dataset.images)), held)), dataset.take(held)


def _list_folder(path):
    """(files, folders, read) below a folder; links are followed, and each folder is read once."""
    files, folders, seen = [], set(), set()
    for where, inside, names in os.walk(path, followlinks=True):
        real, here = os.path.realpath(where), PurePosixPath(Path(where).relative_to(path).as_posix())
        inside[:] = [] if real in seen else [name for name in inside if not _hidden(PurePosixPath(name))]
        if real not in seen:
            seen.add(real)
            folders.add(here)
            files += [here / name for name in names if is_image(Path(name)) and (path / here / name).is_file()]

    def read(name):
        try:
            return (path / name).read_bytes()
        except OSError as error:
            raise BadInput(f"{name} in {path} cannot be read ({error.strerror})") from None

    return files, folders, read


def _inside(name):
    """The path of a zip's entry below the zip: nothing is written under it, so an absolute one does no harm."""
    return PurePosixPath(posixpath.normpath("/" + name.replace("\\", "/").lstrip("/"))).relative_to("/")


def _hidden(name):
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _load(path, files, folders, read, largest):
    parts = _parts(path, sorted(files), folders)
    names = [name for part in parts.values() for name in part]
    pictures = [
        _picture(io.BytesIO(read(name)), f"{name} in {path}", largest)
        for name in tqdm(names, desc=f"reading {path.name}", unit=" images", disable=None)
    ]
    images = _stack(pictures)
    end, loaded = 0, {}
    for part, members in parts.items():
        start, end = end, end + len(members)
        classes = [name.parts[-2] for name in members]
        class_names, labels = np.unique(classes, return_inverse=True)
        groups = np.zeros(len(labels), int)
        loaded[part] = Dataset(images[start:end], labels, groups, None, ("images",), tuple(class_names.tolist()))
    return loaded


def _parts(path, files, folders):
    """{part: the names of its images}, each CLASS/image below the part; BadInput for another arrangement."""
    if not files:
        raise BadInput(f"{path} holds no images: give a folder or zip with a sub-folder of images for each class")
    outer = PurePosixPath()  # the folders around the classes
    while len({name.relative_to(outer).parts[0] for name in files}) == 1 and all(
        len(name.relative_to(outer).parts) > 2 for name in files
    ):
        outer /= files[0].relative_to(outer).parts[0]
    top = {name.relative_to(outer).parts[0].lower() for name in files}
    divided = top == set(SPLITS)
    if (
        "train" in top
        and len(top) > 1
        and not divided
        and any(len(name.parts) > len(outer.parts) + 2 for name in files)
    ):
        others = ", ".join(f"{name}/" for name in sorted(top - {"train"}))
        raise BadInput(f"{path} holds train/ and {others}: it takes train/ and test/ alone, or the classes themselves")
    parts, depth = {}, len(outer.parts) + divided
    for name in files:
        inner = name.parts[depth:]
        if len(inner) == 1:
            where = f"{path / outer}" + (f"/{name.parts[depth - 1]}" if divided else "")
            raise BadInput(f"{name} in {path} is in no class: {where} should hold one sub-folder for each class")
        if len(inner) > 2:
            raise BadInput(
                f"{name} in {path} lies too deep: the images of class {inner[0]} should be in its folder, in no other"
            )
        parts.setdefault(name.parts[depth - 1].lower() if divided else "all", []).append(name)
    filled = {name.parent for name in files}
    for folder in sorted(folders):
        if outer in folder.parents and len(folder.parts) == depth + 1 and folder not in filled:
            raise BadInput(f"class {folder} in {path} holds no images: put some in, or delete the folder")
    for part, names in parts.items():
        classes = [name.parent for name in names]
        if len(set(classes)) < 2:
            raise BadInput(f"{path} holds one class only ({classes[0]}): one-shot learning needs two at least")
        for folder in sorted(set(classes)):
            if classes.count(folder) < 2:
                raise BadInput(f"class {folder} in {path} has one image: it needs two, to compare one with the other")
        parts[part] = names
    return {part: parts[part] for part in (SPLITS if divided else ("all",))}


def _picture(source, where, largest):
    """The picture of a file, no larger than ``largest``, in grey ("L") or colour ("RGB"), on white if one sees through
    it."""
    image = read_image(source, where, at_least=(largest, largest))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    image.thumbnail((largest, largest), Image.Resampling.BICUBIC)
    red, *others = image.split()
    return red if all(other == red for other in others) else image


def _stack(pictures):
    """Pictures padded to squares of the largest one's size, (M, H, H, 1) negatives if all are grey, else (M, H, H, 3).

    0 stands for all that lies outside an image: a grey one is on paper, as drawings are, one in colour is on black.
    """
    side = max(max(picture.size) for picture in pictures)
    grey = all(picture.mode == "L" for picture in pictures)
    mode, around = ("L", "white") if grey else ("RGB", "black")
    images = np.empty((len(pictures), side, side, len(mode)), np.uint8)
    for row, picture in enumerate(pictures):
        if picture.size != (side, side):
            picture = ImageOps.pad(picture.convert(mode), (side, side), Image.Resampling.BICUBIC, around)
        images[row] = np.asarray(picture.convert(mode)).reshape(images.shape[1:])
    return 255 - images if grey else images
