"""Look at a folder or zip of images before anything is trained on it; nothing is changed.

    python -m minisiamese.data MY_IMAGES

It says what was understood and left out, which images are there twice, how training would divide them, and what a test
of them could show. Exit code 2 if something must change before training.
"""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minisiamese.commands.doors import front_door, parse
from minisiamese.data.check import counted, examine
from minisiamese.errors import BadInput

SHOWN = 10  # entries of a list
WRAP = {"width": 100, "subsequent_indent": "    ", "break_long_words": False, "break_on_hyphens": False}
PARTS = {"all": "a sub-folder for each class: ", "train": "train/: ", "test": "test/: "}
TWICE = {"same": "the same image", "near": "nearly the same image"}
WHERE = {
    "one class": "in one class",
    "two classes": "in two classes, one of which may be wrong",
    "training and test": "in training and in the test, which gets too easy",
}
HELD_OUT = {
    "classes": "classes are held out; the test is of classes that training never sees",
    "images": "images are held out, as the classes are few; the test is of classes that training sees",
    "test/": "test/ is the test; some of train/ is held out to choose the best weights by",
}


@dataclass(frozen=True)
class CheckOptions:
    """What a folder or zip of images holds, what is wrong with it, and what training would make of it."""

    # Folder or zip that holds a sub-folder of images for each class, or train/ and test/ with such sub-folders.
    images: Annotated[Path, tyro.conf.Positional]
    # Print one JSON object.
    json: bool = False


def main():
    options = parse(CheckOptions, "python -m minisiamese.data")
    result = examine(options.images)
    print(json.dumps(result) if options.json else told(result))
    if wrong := result["troubles"]:
        raise BadInput(wrong[0] + (f" (and {len(wrong) - 1} more to change, above)" if len(wrong) > 1 else ""))
    return 0


def told(result):
    """The result of ``examine`` in words, for a terminal."""
    lines = [*_content(result), *_left_out(result), *_twice(result["duplicates"]), *_division(result)]
    if result["troubles"]:
        lines += ["", "to change before training"] + [f"  {each}" for each in _cut(result["troubles"])]
    else:
        lines += ["", f"next: {result['next']}"]
    return "\n".join(line if line.startswith("next: ") else textwrap.fill(line, **WRAP) for line in lines)


def _content(result):
    parts, sizes = result["parts"], result["sizes"]
    yield result["path"]
    for part, each in parts.items():
        least, median, most = each["images_a_class"].values()
        a_class = f"{least:,} to {most:,} a class, {median:,g} in the middle" if least < most else f"{least:,} a class"
        yield f"  {PARTS[part]}{counted(each['classes'], 'class')}, {counted(each['images'], 'image')}, {a_class}"
    small, middle, large = (f"{width:,} x {height:,}" for width, height in sizes.values())
    same = f"  sizes: all {small}" if small == large else f"  sizes: from {small} to {large}, {middle} in the middle"
    side, kind = result["side"], "grey" if result["channels"] == 1 else "in colour"
    yield f"{same}; trained on as squares of {side} x {side} pixels, {kind}"


def _left_out(result):
    hidden, others = result["left_out"]["hidden"], result["left_out"]["others"]
    unreadable, empty, small = result["unreadable"], result["empty_classes"], result["small_classes"]
    if hidden or others:
        yield from ("", "left out")
    if hidden:
        yield f"  {counted(len(hidden), 'hidden file')}: {', '.join(_cut(hidden))}"
    if others:
        kinds = ", ".join(_cut([f"{count:,} {kind}" for kind, count in sorted(others.items())]))
        number = counted(sum(others.values()), "file")
        yield f"  {number} of kinds that are no images, or that Pillow cannot read: {kinds}"
    if unreadable:
        yield from ("", f"{counted(len(unreadable), 'image')} cannot be read")
        yield from (f"  {each}" for each in _cut([f"{name} {reason}" for name, reason in unreadable.items()]))
    if empty:
        yield from ("", f"{counted(len(empty), 'class')} without images: {', '.join(_cut(empty))}")
        yield "  put some in, or delete the folder"
    if small:
        yield from ("", f"{counted(len(small), 'class')} with too few images: add some, or delete the class")
        names = [
            f"{name} has {each['images']} and takes {each['needed']}, {each['why']}" for name, each in small.items()
        ]
        yield from (f"  {each}" for each in _cut(names))


def _twice(duplicates):
    if not any(pairs for kinds in duplicates.values() for pairs in kinds.values()):
        yield from ("", "no image is there twice")
    for how, kinds in duplicates.items():
        for where, pairs in kinds.items():
            if pairs:
                yield from ("", f"{counted(len(pairs), 'pair')} of {TWICE[how]} {WHERE[where]}")
                yield from (f"  {each}" for each in _cut([" and ".join(pair) for pair in pairs]))


def _division(result):
    if result["division"] is None:
        return
    yield from ("", f"in training, {HELD_OUT[result['held_out']]}")
    for name, each in result["division"].items():
        name = "test" if name == "evaluation" else name
        yield f"  {name:<10}  {counted(each['classes'], 'class'):>13}  {counted(each['images'], 'image'):>14}"
    sure = f"an accuracy of 90 % would be sure to within ±{100 * result['test']['sure_to']:.1f} points"
    yield f"  {result['test']['weakness'] or f'a test that says enough: {sure}'}"


def _cut(entries):
    """The first entries of a list, and how many more there are."""
    more = len(entries) - SHOWN
    return entries if more <= 0 else [*entries[:SHOWN], f"and {more:,} more"]


if __name__ == "__main__":
    front_door(main)
