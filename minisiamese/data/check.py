"""What a folder or zip of images holds, and what training would make of it: all that is wrong, not the first alone."""

import io
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image
from tqdm import tqdm

from minisiamese.data.duplicates import digest, near_pairs, same_pairs, thumbnails
from minisiamese.data.folder import (
    LARGEST,
    divide,
    holds_out_images,
    labelled,
    read_picture,
    small_classes,
    sure_to,
    weakness,
)
from minisiamese.data.listing import arranged, class_sizes, empty_classes, listed, troubles
from minisiamese.errors import BadInput


@dataclass(frozen=True)
class Seen:
    """What is kept of an image: where it lies, its size in the file and as it is trained on, and what finds copies."""

    name: PurePosixPath
    part: str
    size: tuple[int, int]
    shrunk: tuple[int, int]
    grey: bool
    digest: bytes
    small: np.ndarray


def examine(path, largest=LARGEST):
    """What there is, what is left out, which images are there twice, and how training divides them: a JSON-able dict.

    Its "troubles" are lines that say what must change before training; while there are any, its "division" may be None.
    BadInput if it is no folder or zip of classes, or if no image in it can be read.
    """
    with listed(path) as listing:
        parts = arranged(listing)
        seen, unreadable = _look(listing, parts, largest)
    if not seen:
        name, reason = next(iter(unreadable.items()))
        raise BadInput(f"none of the {len(unreadable)} images in {path} can be read: {name} {reason}")
    datasets, wrong = {}, list(troubles(listing, parts))
    for part in parts:  # row numbers stand for images
        rows = np.array([row for row, each in enumerate(seen) if each.part == part])
        if len(rows):
            datasets[part] = labelled([seen[row].name for row in rows], rows)
    whole = len(datasets) == len(parts)
    small = small_classes(datasets) if whole else {}
    if unreadable:
        name, reason = next(iter(unreadable.items()))
        wrong.append(
            f"{name} in {path} {reason}{_more(len(unreadable) - 1, 'image cannot', 'images cannot', 'be read')}"
        )
    if small:
        name, (images, least, why) = next(iter(small.items()))
        more = _more(len(small) - 1, "class has", "classes have", "too few")
        wrong.append(f"class {name} in {path} has {counted(images, 'image')}: it takes {least}, {why}{more}")
    division = None
    if whole:
        try:
            division = divide(datasets, path)
        except BadInput as complaint:  # which may be among them already
            wrong = wrong or [str(complaint)]
    return {
        **_found(listing, parts, seen),
        "left_out": {"hidden": [str(name) for name in listing.hidden], "others": dict(listing.others)},
        "unreadable": unreadable,
        "empty_classes": [str(folder) for folder in empty_classes(listing, parts)],
        "small_classes": {name: {"images": n, "needed": least, "why": why} for name, (n, least, why) in small.items()},
        "duplicates": _duplicates(seen, division),
        **_division(datasets, division),
        "troubles": wrong,
        "next": f"python -m minisiamese.train folder --data-dir {shlex.quote(str(path))}",
    }


def counted(number, noun):
    """``"1 class"``, ``"1,200 classes"``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")


def _more(number, one, several, what):
    return f"; {number:,} more {several if number > 1 else one} {what}" if number else ""


def _look(listing, parts, largest):
    """(what was seen of each image that can be read, {name: why it cannot} of the others)."""
    names, seen, unreadable = [(part, name) for part, members in parts.items() for name in members], [], {}
    for part, name in tqdm(names, desc=f"reading {listing.path.name}", unit=" images", disable=None):
        try:
            picture = read_picture(listing, name, largest)
        except BadInput as complaint:
            unreadable[str(name)] = str(complaint).removeprefix(f"{name} in {listing.path} ")
            continue
        with Image.open(io.BytesIO(listing.read(name))) as image:  # a JPEG's picture may have come smaller
            size = image.size
        of_picture = picture.size, picture.mode == "L", digest(picture), thumbnails(picture)
        seen.append(Seen(name, part, size, *of_picture))
    return seen, unreadable


def _found(listing, parts, seen):
    """How the folder was understood, and how many images of what kind it holds."""
    sizes, counts = sorted((each.size for each in seen), key=np.prod), {}
    for part, names in parts.items():
        each = list(class_sizes({part: names}).values())
        a_class = {"least": min(each), "median": float(np.median(each)), "most": max(each)}
        counts[part] = {"classes": len(each), "images": sum(each), "images_a_class": a_class}
    return {
        "path": str(listing.path),
        "parts": counts,
        "sizes": {"smallest": sizes[0], "median": sizes[len(sizes) // 2], "largest": sizes[-1]},
        "side": max(max(each.shrunk) for each in seen),
        "channels": 1 if all(each.grey for each in seen) else 3,
    }


def _duplicates(seen, division):
    """{"same" or "near": {"one class", "two classes", "training and test": pairs of names}}; one pair may be of the
    last two kinds."""
    same = same_pairs([each.digest for each in seen])
    first = np.setdiff1d(np.arange(len(seen)), [copy for _, copy in same])  # of each kind of pixels one
    near = near_pairs([seen[row].small for row in first], [min(seen[row].shrunk) for row in first])
    tested = {row for row, each in enumerate(seen) if each.part == "test"}
    if division:
        tested = set(division["evaluation"].images.tolist())

    def sorted_out(pairs):
        kinds = {"one class": [], "two classes": [], "training and test": []}
        for pair in pairs:
            a, b = (seen[row].name for row in pair)
            leak, one = len(tested.intersection(pair)) == 1, a.parts[-2] == b.parts[-2]
            for kind, counts in zip(kinds, (one and not leak, not one, leak), strict=True):
                kinds[kind] += [[str(a), str(b)]] * counts
        return kinds

    return {"same": sorted_out(same), "near": sorted_out([(int(first[i]), int(first[j])) for i, j in near])}


def _division(parts, division):
    """The division that training makes, and what its test is worth."""
    if division is None:
        return {"held_out": None, "division": None, "test": None}
    test = division["evaluation"]
    of_whole = "images" if "all" in parts and holds_out_images(parts["all"]) else "classes"
    return {
        "held_out": of_whole if "all" in parts else "test/",
        "division": {
            name: {"classes": len(each.rows_of_class), "images": len(each.images)} for name, each in division.items()
        },
        "test": {"sure_to": sure_to(len(test.images)), "weakness": weakness(test)},
    }
