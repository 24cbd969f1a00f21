"""Pictures as a trained network sees them, and their embeddings, computed once and remembered.

Notation: M pictures, D features of an embedding.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from minisiamese.backend import to_host
from minisiamese.data import DATASETS, folder
from minisiamese.data.images import is_image
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import REMEMBERED, mean_embedding
from minisiamese.predict import cleaning, drawings
from minisiamese.predict.pictures import READING, check_no_labels, checked_labels, in_folder, several, warn
from minisiamese.predict.support import Entry, Support, file_beside, gathered, load_kept, save_kept
from minisiamese.runs.build import NETWORKS
from minisiamese.threads import available_cores

TOGETHER = 256  # pictures that are read before they are embedded


class Embedder:
    """A trained network, and all that it takes to show it pictures.

    ``settings`` and ``meta`` are those of its checkpoint (``runs.folder.load_run``). A network that was trained on
    alphabets reads every picture as a drawing (``drawings.read_drawing``). Any other network reads pictures as
    ``data/folder.py`` read the images of its training. A picture whose reading is not to be trusted gives a
    ``Doubtful`` warning.
    """

    def __init__(self, network, settings, meta, device="cpu"):
        self.network, self.settings, self.meta, self.device = network, settings, meta, device
        self.draws = DATASETS[settings.data.name].has_alphabets
        self.side = meta.get("side") or NETWORKS[settings.network.name].largest
        self.seen = {}  # {folder: {key of a picture: Entry}}

    @cached_property
    def digest(self):
        """What tells this model's embeddings from those of another."""
        arrays = {name: to_host(array).tobytes() for name, array in sorted(self.network.arrays().items())}
        about = f"{self.settings.measuring.views} {self.network.frame} {self.side} {self.network.channels}"
        lines = [Path(each.__file__).read_bytes() for each in (drawings, cleaning)] if self.draws else []
        return hashlib.blake2b(b"".join([about.encode(), *arrays.values(), *lines]), digest_size=16).hexdigest()

    def read(self, picture):
        """(pixels (H, W, C) uint8, doubts) of a ``Picture``: the image that the network sees, and the reasons, in
        words, why it may show something else than the picture does. BadInput if it cannot be read."""
        if self.draws:
            drawing = drawings.read_drawing(picture.file, picture.name)
            return drawing.pixels, drawing.doubts
        image = folder.shrunk(picture.opened(self.side), self.side)
        if image.mode == "RGB" and self.network.channels == 1:
            raise BadInput(f"{picture.name} is in colour, and the network was trained on grey images: convert it")
        return folder.squares([image], self.side, self.network.channels)[0], ()

    def embed(self, images):
        """z (M, D) float32: the embedding of each picture, the mean over the views that the run's tests had.

        >>> import minisiamese as ms
        >>> from minisiamese.data import glyphs
        >>> drawings = glyphs.make([0], drawers=2).images  # (M, 105, 105, 1)
        >>> ms.load("pretrained").embed(drawings[:3]).shape
        (3, 1152)
        """
        return self._asked(several(images, "images"))

    def support(self, images, labels=None, keep=False):
        """The ``Support`` of pictures, or of a folder or zip, flat or with a sub-folder for each class: embedded once,
        to be given to ``rank`` and ``classify`` in place of the images.

        Of a folder, pictures that cannot be read are left out. A model remembers the embeddings of files that have not
        changed since. ``keep`` remembers them in a file beside the folder, MY_IMAGES.embeddings.npz. BadInput if this
        file is damaged, or if ``labels`` are not as many as the images.
        """
        if isinstance(images, Support):
            if images.model != self.digest:
                raise BadInput("images is a support set of another model, whose embeddings are other ones")
            return images
        place = Path(images) if isinstance(images, str | os.PathLike) and not is_image(Path(images)) else None
        if keep and not place:
            raise BadInput("keep takes a folder or zip of images, beside which the embeddings are written")
        if place:
            check_no_labels(labels)
            pictures, labels = in_folder(place, "images")
        else:
            pictures = several(images, "images")
            labels = None if labels is None else checked_labels(labels, len(pictures), "labels")
        entries = self._remembered(pictures, place, file_beside(place) if keep else None)
        support = gathered(pictures, labels, entries, self.digest)
        for name, reasons in support.doubts.items():
            warn(name, reasons)
        for reason in support.left_out.values():
            warn("left out", [reason])
        return support

    def _remembered(self, pictures, place, path):
        """The entries of pictures of a folder ``place``, or of none, which are computed once; kept in ``path``."""
        keys = [picture.key(place) for picture in pictures]
        kept = load_kept(path, self.digest, self.features) if path else {}
        known = self.seen.setdefault(place and place.resolve(), {}) | kept
        new = [(key, picture) for key, picture in zip(keys, pictures, strict=True) if key not in known]
        entries = self._entries([picture for _, picture in new], lenient=place is not None)
        found = known | dict(zip([key for key, _ in new], entries, strict=True))
        there = {key: found[key] for key in keys if found[key].left_out is None}
        if path and there and there.keys() != kept.keys():
            save_kept(path, self.digest, there)
        self.seen[place and place.resolve()] = there
        if sum(map(len, self.seen.values())) * 4 * self.features > REMEMBERED:
            self.seen.clear()
        return [found[key] for key in keys]

    def _entries(self, pictures, lenient=False):
        """An ``Entry`` for each picture; with ``lenient`` those that cannot be read are left out, else BadInput."""

        def read(picture):
            try:
                return self.read(picture)
            except BadInput as error:
                if not lenient:
                    raise
                return None, (), str(error)

        entries, views = [], self.settings.measuring.views
        shown = tqdm(total=len(pictures), **READING)
        cores = available_cores()
        with ThreadPoolExecutor(cores) as pool, shown:
            for start in range(0, len(pictures), TOGETHER):
                part = pictures[start : start + TOGETHER]
                looks = list(pool.map(read, part) if min(cores, len(part)) > 1 else map(read, part))
                pixels = [look[0] for look in looks if look[0] is not None]
                rows = iter(mean_embedding(self.network, np.stack(pixels), self.device, views) if pixels else ())
                entries += [Entry(None if pixels is None else next(rows), *rest) for pixels, *rest in looks]
                shown.update(len(part))
        return entries

    @cached_property
    def features(self):
        """D, the length of an embedding."""
        blank = np.zeros((1, self.side, self.side, self.network.channels), np.uint8)
        return mean_embedding(self.network, blank, self.device).shape[1]

    def _asked(self, pictures):
        """The embeddings (Q, D) of queries, with a warning for each that is doubtful."""
        entries = self._entries(pictures)
        for picture, entry in zip(pictures, entries, strict=True):
            warn(picture.name, entry.doubts)
        return np.stack([entry.z for entry in entries])
