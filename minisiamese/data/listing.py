"""What lies in a folder or a zip of images: its files by kind, and how they are arranged in classes."""

import contextlib
import lzma
import os
import posixpath
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from minisiamese.data.images import is_image
from minisiamese.errors import BadInput, whole_file

DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError)
DAMAGED_ZIP += (UnicodeDecodeError,)  # of the names in it
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Listing:
    """The names below ``path``, a folder or a zip; ``read(name)`` gives an image file's bytes, or raises BadInput."""

    path: Path
    images: list[PurePosixPath]  # by name
    folders: set[PurePosixPath]
    hidden: list[PurePosixPath]  # files, and of a folder on disk hidden folders, which are not entered
    others: Counter  # of files that are no images, by the ending of their names
    read: Callable


@contextlib.contextmanager
def listed(path):
    """The ``Listing`` of a folder or zip, which is open within this ``with``; BadInput if it is neither."""
    path = Path(path)
    if path.is_dir():
        yield _list_folder(path)
        return
    if not path.exists():
        raise BadInput(f"there is no folder or zip {path}")
    with contextlib.ExitStack() as stack:
        try:
            listing = _list_zip(path, stack.enter_context(zipfile.ZipFile(whole_file(path))))
        except DAMAGED_ZIP as error:
            raise BadInput(f"{path} is not a folder or a whole zip of images ({error})") from None
        yield listing


def _list_folder(path):
    """The listing of a folder; links are followed, and each folder is read once."""
    images, folders, hidden, others, seen = [], set(), [], Counter(), set()
    for where, inside, names in os.walk(path, followlinks=True):
        real, here = os.path.realpath(where), PurePosixPath(Path(where).relative_to(path).as_posix())
        if real in seen:
            inside[:] = []
            continue
        seen.add(real)
        folders.add(here)
        hidden += [here / name for name in (*inside, *names) if is_hidden(PurePosixPath(name))]
        inside[:] = [name for name in inside if not is_hidden(PurePosixPath(name))]
        for name in names:
            file = here / name
            if is_hidden(PurePosixPath(name)):
                continue
            if not (path / file).is_file():
                others["links to nothing, pipes or devices"] += 1
            elif is_image(file):
                images.append(file)
            else:
                others[_kind(file)] += 1

    def read(name):
        try:
            return (path / name).read_bytes()
        except OSError as error:
            raise BadInput(f"{name} in {path} cannot be read ({error.strerror})") from None

    return Listing(path, sorted(images), folders, sorted(hidden), others, read)


def _list_zip(path, archive):
    entries = {_inside(entry.filename): entry for entry in archive.infolist()}
    files = {name for name, entry in entries.items() if not entry.is_dir()}
    seen = {name for name in entries if not is_hidden(name)}
    images = sorted(name for name in files & seen if is_image(name))

    def read(name):
        try:
            return archive.read(entries[name])
        except DAMAGED_ZIP as error:
            raise BadInput(f"{name} in {path} cannot be read: the zip is damaged or locked ({error})") from None

    others = Counter(_kind(name) for name in (files & seen).difference(images))
    return Listing(path, images, seen - files, sorted(files - seen), others, read)


def _inside(name):
    """The path of a zip's entry below the zip: nothing is written under it, so an absolute one does no harm."""
    return PurePosixPath(posixpath.normpath("/" + name.replace("\\", "/").lstrip("/"))).relative_to("/")


def is_hidden(name):
    """Whether a path is that of a hidden file, or of one in a hidden folder."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _kind(name):
    return name.suffix.lower() or "without an ending"


# --- classes ----------------------------------------------------------------------------------------------------------


def arranged(listing):
    """{part: the names of its images}.

    The parts are "train" and "test", or "all"; each image is CLASS/image below its part, whose names are in order.
    BadInput for another arrangement.
    """
    path, files = listing.path, listing.images
    if not files:
        raise BadInput(f"{path} holds no images: give a folder or zip with a sub-folder of images for each class")
    outer = PurePosixPath()  # the folders around the classes
    while len({name.relative_to(outer).parts[0] for name in files}) == 1 and all(
        len(name.relative_to(outer).parts) > 2 for name in files
    ):
        outer /= files[0].relative_to(outer).parts[0]
    top = {name.relative_to(outer).parts[0].lower() for name in files}
    divided = top == set(SPLITS)
    deep = any(len(name.parts) > len(outer.parts) + 2 for name in files)
    if "train" in top and len(top) > 1 and not divided and deep:
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
    return {part: parts[part] for part in (SPLITS if divided else ("all",))}


def classes_of(listing):
    """What ``arranged`` returns; BadInput, too, if a class is empty, has one image, or is the only one of its part."""
    parts = arranged(listing)
    for trouble in troubles(listing, parts):
        raise BadInput(trouble)
    for folder, count in class_sizes(parts).items():
        if count < 2:
            where = listing.path
            raise BadInput(f"class {folder} in {where} has one image: it needs two, to compare one with the other")
    return parts


def class_sizes(parts):
    """{folder of a class: its images}; a class of train/ and test/ has a folder in each."""
    return Counter(name.parent for names in parts.values() for name in names)


def empty_classes(listing, parts):
    """The folders that lie where those of the classes do, and hold no image."""
    first, filled = listing.images[0].parent, class_sizes(parts)
    outer = first.parent if "all" in parts else first.parents[1]
    depth = len(first.parts)
    inside = (folder for folder in sorted(listing.folders) if outer in folder.parents and len(folder.parts) == depth)
    return [folder for folder in inside if folder not in filled]


def troubles(listing, parts):
    """One line for each thing that is wrong with the classes, however many images they have."""
    for folder in empty_classes(listing, parts):
        yield f"class {folder} in {listing.path} holds no images: put some in, or delete the folder"
    for names in parts.values():
        classes = {name.parent for name in names}
        if len(classes) < 2:
            yield f"{listing.path} holds one class only ({classes.pop()}): one-shot learning needs two at least"
