"""Turn Kaggle's archive "Fashion Product Images (small)" into folders of images to train on, one folder a class.

    python data_scripts/fashion.py ARCHIVE --out OUT
    python -m minisiamese.train folder --data-dir OUT/articleType

The archive, for which Kaggle wants an account: https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small
It holds styles.csv and images/ID.jpg, and often both again below myntradataset/. Each image comes to
OUT/LEVEL/CLASS/ID.jpg at three levels of labels; it is stored once, and the other levels link to it where they can.
"""

import minisiamese  # noqa: F401  first of all, so that Ctrl-C ends the program in one line while it imports the others

# isort: split

import os
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import tyro
from tqdm import tqdm

from minisiamese.commands.doors import front_door, parse
from minisiamese.data.listing import DAMAGED_ZIP
from minisiamese.errors import BadInput, whole_file

LEVELS = ("masterCategory", "subCategory", "articleType")
LEAST = 2  # images of a class, for minisiamese.data.folder to take it


@dataclass(frozen=True)
class Config:
    """Turn the archive "Fashion Product Images (small)" into folders of images, one folder a class."""

    # The archive as Kaggle gives it, or its unzipped folder.
    archive: Annotated[Path, tyro.conf.Positional]
    # Folder for LEVEL/CLASS/ID.jpg. What is in it stays as it is, so that a run that was stopped can be made again.
    out: Path
    # The one level of labels to make. Default: all three.
    level: Literal["masterCategory", "subCategory", "articleType"] | None = None


def write_folders(root, archive, out, levels):
    """Lines that say what was written to OUT/LEVEL/CLASS/ID.jpg from ``root``, the folder or the inside of the zip."""
    places = (root, *sorted(root.iterdir(), key=str))
    place = next((each for each in places if (each / "styles.csv").is_file()), None)
    if place is None or not (place / "images").is_dir():
        raise BadInput(f"{archive} is not Fashion Product Images: it holds no styles.csv with images/ beside it")
    labels, unreadable = _labels((place / "styles.csv").read_bytes(), archive)
    images = {image.name: image for image in (place / "images").iterdir()}
    found = [number for number in labels if f"{number}.jpg" in images]
    if not found:
        raise BadInput(f"{archive} is not Fashion Product Images: no product of styles.csv has an image in images/")
    counts = {level: Counter(labels[number][level] for number in found) for level in levels}
    for number in tqdm(found, desc=f"writing {out.name}", unit=" images", disable=None):
        classes = labels[number]
        names = {level: out / level / _folder_name(classes[level]) / f"{number}.jpg" for level in LEVELS}
        targets = [names[level] for level in levels if counts[level][classes[level]] >= LEAST]
        there = [name for name in names.values() if name.exists()]
        if not set(targets) <= set(there):
            content = images[f"{number}.jpg"].read_bytes()
            try:
                _place(content, targets, there, out / "image.part")
            except OSError as error:
                raise BadInput(f"--out: cannot write {out} ({error.strerror or error})") from None
    lines = [f"{len(labels):,} products, of which {len(labels) - len(found):,} have no image"]
    lines += [f"{unreadable:,} lines of styles.csv without a product's number and classes"] * (unreadable > 0)
    for level, count in counts.items():
        kept = [images for images in count.values() if images >= LEAST]
        lines.append(f"{out / level}: {len(kept)} classes, {sum(kept):,} images")
        if len(kept) < len(count):
            lines[-1] += f"; classes left out, of fewer than {LEAST} images: {len(count) - len(kept)}"
    return lines


def _labels(table, archive):
    """({number: {level: class}}, how many lines are none) of styles.csv."""
    text = table.decode("utf-8-sig", "replace")
    header, *rows = (line.split(",") for line in [*filter(None, text.splitlines())] or [""])
    missing = {"id", *LEVELS} - set(header)
    if missing:
        raise BadInput(f"styles.csv in {archive} has no column {', '.join(sorted(missing))}")
    labels, unreadable = {}, 0
    for row in rows:  # a name in the last column may hold commas and quotes, which nothing marks
        values = {column: value.strip() for column, value in zip(header, row, strict=False)}
        if re.fullmatch("[0-9]+", values.get("id", "")) and all(values.get(level) for level in LEVELS):
            labels[values["id"]] = {level: values[level] for level in LEVELS}
        else:
            unreadable += 1
    return labels, unreadable


def _folder_name(name):
    """A name that every file system takes, another one for every class: odd characters as %XX, as in addresses."""
    name = quote(name, safe=" &'(),+")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _place(content, targets, there, part):
    """A file under all its names, one of which may be ``there`` and is left alone; under none is ever half of it."""
    for target in targets:
        if target in there:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(there[0], target)
        except (IndexError, OSError):  # the first of them, or a file system without links
            part.write_bytes(content)
            part.replace(target)
        there.append(target)


def main():
    config = parse(Config, "python data_scripts/fashion.py")
    archive, levels = whole_file(config.archive), (config.level,) if config.level else LEVELS
    if not archive.exists():
        raise BadInput(f"there is no archive or folder {archive}")
    try:
        if archive.is_dir():
            lines = write_folders(archive, archive, config.out, levels)
        else:
            with zipfile.ZipFile(archive) as opened:
                lines = write_folders(zipfile.Path(opened), archive, config.out, levels)
    except DAMAGED_ZIP as error:
        raise BadInput(f"{archive} is not a readable folder or a whole zip ({error})") from None
    print("\n".join(lines))


if __name__ == "__main__":
    front_door(main)
