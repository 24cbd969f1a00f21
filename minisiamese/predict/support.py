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
    lost = set() if labels is None else set(labels) - {labels[place] for place in there}
    for label in sorted(lost):
        raise BadInput(f"no picture of class {label} can be read: {entries[list(labels).index(label)].left_out}")
    return Support(
        np.stack([entries[place].z for place in there]),
        tuple(pictures[place].name for place in there),
        None if labels is None else np.asarray(labels)[there],
        model,
        {picture.name: entry.doubts for picture, entry in pairs if entry.doubts},
        {picture.name: entry.left_out for picture, entry in pairs if entry.left_out},
    )


# --- in a file --------------------------------------------------------------------------------------------------------


class KeptPicture(msgspec.Struct):
    """A picture of a file of embeddings: its ``Picture.key``, and why its reading is doubtful."""

    name: str
    time: int
    length: int
    doubts: tuple[str, ...]


class Kept(msgspec.Struct):
    """What a file of embeddings says of itself, with a checksum; its array z has a row for each picture."""

    model: str
    pictures: list[KeptPicture]


def file_beside(folder):
    """The file of a folder's embeddings: MY_IMAGES.embeddings.npz beside MY_IMAGES."""
    folder = folder.resolve()
    if not folder.name:
        raise BadInput(f"{folder} has nothing beside it, so its embeddings cannot be kept there")
    return folder.with_name(f"{folder.name}.embeddings.npz")


def load_kept(path, model, features):
    """{key: ``Entry``} of a file of embeddings; empty if there is none, or if another model computed it. BadInput if it
    is damaged."""
    if not path.exists():
        return {}
    try:
        arrays, meta = checkpoint.load(path)
        kept, z = msgspec.convert(checkpoint.unseal(meta), Kept), arrays["z"]
        if kept.model == model and (z.dtype != np.float32 or z.shape != (len(kept.pictures), features)):
            raise BadInput(
                f"{path} holds embeddings {z.shape} of {len(kept.pictures)} pictures, of {features} features"
            )
    except (ValueError, KeyError) as error:
        raise BadInput(f"{path} is damaged ({error}): delete it, and the embeddings are computed again") from None
    if kept.model != model:
        return {}
    return {(p.name, p.time, p.length): Entry(row, p.doubts) for p, row in zip(kept.pictures, z, strict=True)}


def save_kept(path, model, entries):
    """Write what ``load_kept`` reads, of pictures that were not left out; BadInput if the place cannot be written."""
    pictures = [dict(zip(KeptPicture.__struct_fields__, (*key, entries[key].doubts), strict=True)) for key in entries]
    z = np.stack([entry.z for entry in entries.values()])
    try:
        checkpoint.save(path, {"z": z}, checkpoint.seal({"model": model, "pictures": pictures}))
    except OSError as error:
        raise BadInput(f"the embeddings cannot be kept in {path} ({error.strerror or error})") from None
