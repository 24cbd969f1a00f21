"""A data set of drawings: who drew which character of which alphabet; and the packed file that caches it."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from minisiamese.errors import BadInput, whole_file


@dataclass(frozen=True)
class Dataset:
    """M images with their classes and drawers; ink (or light) is bright, 255, on 0, so that all outside is blank.

    images (M, H, W, C) uint8; labels (M,) class numbers 0, 1, ...; groups (M,) index into group_names (alphabets);
    drawers (M,) who drew the image (within its alphabet), or None if nobody knows; class_names by class number, or ().
    """

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    drawers: np.ndarray | None
    group_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    def __post_init__(self):
        drawers = self.labels if self.drawers is None else self.drawers
        if not len(self.images) == len(self.labels) == len(self.groups) == len(drawers):
            raise ValueError("images, labels, groups and drawers must be of one length")

    @cached_property
    def rows_of_class(self):
        """Row numbers of each class, by class number."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.labels))[:-1])

    @cached_property
    def classes_of_group(self):
        """Class numbers of each group, by group number."""
        group_of_class = self.groups[[rows[0] for rows in self.rows_of_class]]
        return [np.flatnonzero(group_of_class == group) for group in range(len(self.group_names))]

    def digest(self):
        """What tells these images and labels from others."""
        return hashlib.blake2b(self.images.tobytes() + self.labels.tobytes(), digest_size=16).hexdigest()

    def take_groups(self, groups):
        """The drawings of some groups only, classes and groups numbered anew."""
        return self.take(np.isin(self.groups, groups))

    def take_drawers(self, first, last):
        """The drawings of drawers first..last only, classes and groups numbered anew."""
        return self.take((first <= self.drawers) & (self.drawers <= last))

    def take_classes(self, classes):
        """The images of some classes only, numbered anew."""
        return self.take(np.isin(self.labels, classes))

    def some(self, classes, images, rng):
        """At most so many classes, and at most so many images of each, drawn at random."""
        chosen = rng.permutation(len(self.rows_of_class))[:classes]
        return self.take(np.sort(np.concatenate([rng.permutation(self.rows_of_class[c])[:images] for c in chosen])))

    def turned(self):
        """Four times the drawings: every alphabet as it is, and turned by 90, 180 and 270 degrees as three others."""
        classes, groups = len(self.rows_of_class), len(self.group_names)
        return Dataset(
            np.concatenate([np.rot90(self.images, turn, axes=(1, 2)) for turn in range(4)]),
            np.concatenate([self.labels + turn * classes for turn in range(4)]),
            np.concatenate([self.groups + turn * groups for turn in range(4)]),
            None if self.drawers is None else np.tile(self.drawers, 4),
            tuple(f"{name} turned by {90 * turn}" for turn in range(4) for name in self.group_names),
        )

    def mirrored(self):
        """Every alphabet in mirror writing: characters without an axis of symmetry become others, by the same hands."""
        names = tuple(f"{name} in mirror writing" for name in self.group_names)
        return replace(self, images=self.images[:, :, ::-1], group_names=names)

    def joined(self, other):
        """The drawings of both; the classes and groups of ``other`` come after these."""
        return Dataset(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels + len(self.rows_of_class)]),
            np.concatenate([self.groups, other.groups + len(self.group_names)]),
            np.concatenate([self.drawers, other.drawers]),
            self.group_names + other.group_names,
        )

    def take(self, chosen):
        """The images of a mask or of row numbers, classes and groups numbered anew."""
        groups, group_of = np.unique(self.groups[chosen], return_inverse=True)
        classes, labels = np.unique(self.labels[chosen], return_inverse=True)
        return Dataset(
            self.images[chosen],
            labels,
            group_of,
            None if self.drawers is None else self.drawers[chosen],
            tuple(self.group_names[group] for group in groups),
            tuple(self.class_names[label] for label in classes) if self.class_names else (),
        )


def hold_out(dataset, count):
    """(training, held out): count alphabets are set aside, always the same ones.

    They come from those with the 20 characters that a 20-way trial needs, or from all if none is that large. With a
    count of 0 the second part is the whole data set in mirror writing.
    """
    if count == 0:
        return dataset, dataset.mirrored()
    groups = np.arange(len(dataset.group_names))
    large = [group for group in groups if len(dataset.classes_of_group[group]) >= 20]
    candidates = large or groups
    most = min(len(candidates), len(groups) - 1)
    if count > most:
        raise BadInput(f"--validation-alphabets must be 0 to {most}: large alphabets, and one left to train on")
    held = np.random.default_rng(0).choice(candidates, count, replace=False)
    return dataset.take_groups(np.setdiff1d(groups, held)), dataset.take_groups(held)


def cache_folder():
    """Where downloads and packed files are kept for this user."""
    import pooch  # slow to import

    return Path(pooch.os_cache("minisiamese"))


def find_file(names, data_dir=None):
    """The first of some paths that is there below ``data_dir``, or, without one, below ``$MINISIAMESE_DATA`` or the
    user's cache; None if none is."""
    folders = [data_dir] if data_dir else [os.environ.get("MINISIAMESE_DATA"), cache_folder()]
    paths = (Path(folder) / name for folder in folders if folder for name in names)
    return next((whole_file(path) for path in paths if path.exists()), None)


def cached(name, key, build):
    """The 1-bit data set that ``build()`` makes, from a packed file in the cache if one was made from the same key."""
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path = cache_folder() / "packed" / f"{name}-{digest}.npz"
    try:
        return _unpacked(path)
    except Exception:  # none yet, or a damaged one, which can fail anywhere in zipfile, zlib or numpy: make it anew
        dataset = build()
    part = path.with_suffix(f".{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _pack(dataset, part)
        part.replace(path)
    except OSError:  # a cache that cannot be written costs time, not the run
        with suppress(OSError):
            part.unlink()
    return dataset


def _pack(dataset, path):
    np.savez(
        path,
        bits=np.packbits(dataset.images > 0),
        shape=dataset.images.shape,
        labels=dataset.labels,
        groups=dataset.groups,
        drawers=dataset.drawers,
        group_names=dataset.group_names,
    )


def _unpacked(path):
    with np.load(path) as file:
        shape = tuple(file["shape"])
        images = np.unpackbits(file["bits"], count=np.prod(shape)).reshape(shape)
        images *= 255
        names = tuple(file["group_names"].tolist())
        return Dataset(images, file["labels"], file["groups"], file["drawers"], names)
