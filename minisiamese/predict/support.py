"""A support set: pictures whose embeddings are computed once and kept, in memory or in a file beside their folder."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np

from minisiamese import checkpoint
from minisiamese.errors import BadInput


@dataclass(frozen=True, eq=False)
class Support:
    """M pictures as a model sees them.

    z (M, D) are their embeddings, names (M,) their paths or places, labels (M,) their classes or None. ``doubts`` says
    of a picture's name why its reading is not to be trusted, ``left_out`` why a file of the folder is not among the M.
    ``model`` is the digest of the network that computed the embeddings.
    """

    z: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray | None
    model: str
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def __len__(self):
        return len(self.z)

    def take(self, rows):
        """The support set of some of the M pictures."""
        names = tuple(self.names[row] for row in rows)
        return replace(self, z=self.z[rows], names=names, labels=None if self.labels is None else self.labels[rows])


class Entry(NamedTuple):
    """What became of a picture: its embedding (D,), and why its reading is doubtful; or why it was left out."""

    z: np.ndarray | None
    doubts: tuple[str, ...] = ()
    left_out: str | None = None


def gathered(pictures, labels, entries, model):
    """The ``Support`` of pictures and their entries; BadInput if none of them could be read."""
    pairs = list(zip(pictures, entries, strict=True))
    there = [place for place, entry in enumerate(entries) if entry.left_out is None]
    if not there:
        raise BadInput(f"images holds nothing to compare with: {entries[0].left_out}")
    return Support(
        np.stack([entries[place].z for place in there]),
        tuple(pictures[place].name for place in there),
        None if labels is None else np.asarray(labels)[there],
        model,
        {picture.name: entry.doubts for picture, entry in pairs if entry.doubts},
        {picture.name: entry.left_out for picture, entry in pairs if entry.left_out},
    )


# --- in a file --------------------------------------------------------------------------------------------------------


class Seen(msgspec.Struct):
    """A picture of a file of embeddings: its ``Picture.key``, and its ``Entry`` but for the embedding."""

    name: str
    time: int
    length: int
    doubts: tuple[str, ...]
    left_out: str | None


class Kept(msgspec.Struct):
    """What a file of embeddings says of itself; its array z has a row for each picture that was not left out."""

    model: str
    pictures: list[Seen]


def file_beside(folder):
    """The file of a folder's embeddings: MY_IMAGES.embeddings.npz beside MY_IMAGES."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.embeddings.npz")


def load_kept(path, model, features):
    """{key: ``Entry``} of a file of embeddings; empty if there is none, or if another model computed it. BadInput if it
    is damaged."""
    if not path.exists():
        return {}
    try:
        arrays, meta = checkpoint.load(path, Kept)
        kept, z = msgspec.convert(meta, Kept), arrays["z"]
        count = sum(each.left_out is None for each in kept.pictures)
        if kept.model == model and (z.dtype != np.float32 or z.shape != (count, features)):
            raise BadInput(f"{path} holds embeddings {z.shape} of {count} pictures, of {features} features each")
    except (BadInput, KeyError) as error:
        raise BadInput(f"{error}: delete it, and the embeddings are computed again") from None
    rows = iter(z)
    entries = {
        (each.name, each.time, each.length): Entry(None if each.left_out else next(rows), each.doubts, each.left_out)
        for each in kept.pictures
    }
    return entries if kept.model == model else {}


def save_kept(path, model, entries):
    """Write what ``load_kept`` reads; BadInput if the place cannot be written."""
    pictures = [[*key, entry.doubts, entry.left_out] for key, entry in entries.items()]
    pictures = [dict(zip(Seen.__struct_fields__, each, strict=True)) for each in pictures]
    z = np.stack([entry.z for entry in entries.values() if entry.left_out is None])
    try:
        checkpoint.save(path, {"z": z}, {"model": model, "pictures": pictures})
    except OSError as error:
        raise BadInput(f"the embeddings cannot be kept in {path} ({error.strerror or error})") from None
