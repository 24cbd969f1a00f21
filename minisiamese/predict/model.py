"""The ``Model``: a trained network that embeds, compares, ranks and classifies pictures.

    import minisiamese as ms
    model = ms.load("pretrained")                  # or a run folder, or its best.npz
    p = model.same("a.png", "b.png")
    order, p = model.rank("query.png", "FOLDER")   # most alike first

Pictures are paths, Pillow images or NumPy arrays, one (``pictures.one`` says which) or several (``pictures.several``).

Notation: M pictures, Q queries, D features of an embedding, N classes of a support set.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from tqdm import tqdm

from minisiamese import checkpoint
from minisiamese.backend import to_device, to_host
from minisiamese.data import DATASETS, folder
from minisiamese.errors import BadInput
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.protocols import one_shot
from minisiamese.evaluate.scoring import embedding_scorer, mean_embedding
from minisiamese.layers import sigmoid
from minisiamese.predict.drawings import read_drawing
from minisiamese.predict.pictures import in_folder, labelled, one, several, warn
from minisiamese.predict.support import Entry, Support, file_beside, gathered, load_kept, save_kept
from minisiamese.runs.build import NETWORKS
from minisiamese.runs.folder import check_calibrated, load_run
from minisiamese.runs.start import PRETRAINED
from minisiamese.threads import available_cores, in_chunks
from minisiamese.trials import nway_trials

TOGETHER = 256  # pictures that are read before they are embedded
REMEMBERED = 100_000  # embeddings of support sets that a model keeps in memory


def load_model(run=PRETRAINED, device="cpu"):
    """The ``Model`` of a run folder, of a checkpoint file such as its best.npz, or of ``"pretrained"``, the network
    that comes with the package; BadInput (a ValueError) if there is none, or if its training is not finished."""
    network, settings, meta = load_run(run, device)
    check_calibrated(meta, run)
    return Model(network, settings, meta, device)


class Model:
    """A trained network, and all that it takes to show it pictures and to read its scores.

    ``settings`` and ``meta`` are those of its checkpoint (``runs.folder.load_run``). A network that was trained on
    alphabets reads every picture as a drawing (``drawings.read_drawing``); any other one reads pictures as ``folder``
    read those that it was trained on. A picture whose reading is not to be trusted gives a ``Doubtful`` warning.
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
        return hashlib.blake2b(about.encode() + b"".join(arrays.values()), digest_size=16).hexdigest()

    # --- from pictures to embeddings ----------------------------------------------------------------------------------

    def read(self, picture):
        """(pixels (H, W, C) uint8, doubts) of a ``Picture``: the image that the network sees, and the reasons, in
        words, why it may show something else than the picture does. BadInput if it cannot be read."""
        if self.draws:
            drawing = read_drawing(picture.source, picture.name)
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
        return np.stack([entry.z for entry in self._entries(several(images, "images"))])

    def support(self, images, labels=None, keep=False):
        """The ``Support`` of pictures, or of a folder, flat or with a sub-folder for each class: embedded once, to be
        given to ``rank`` and ``classify`` in place of the images.

        Of a folder, pictures that cannot be read are left out. A model remembers the embeddings of files that have not
        changed since. ``keep`` remembers them in a file beside the folder, MY_IMAGES.embeddings.npz. BadInput if this
        file is damaged, or if ``labels`` are not as many as the images.
        """
        if isinstance(images, Support):
            if images.model != self.digest:
                raise BadInput("images is a support set of another model, whose embeddings are other ones")
            return images
        place = Path(images) if isinstance(images, str | os.PathLike) and not Path(images).is_file() else None
        if keep and not place:
            raise BadInput("keep takes a folder of images, beside which the embeddings are written")
        pictures, classes = in_folder(place, "images") if place else (several(images, "images"), None)
        labels = classes if labels is None else labels
        if labels is not None and len(labels) != len(pictures):
            raise BadInput(f"labels are {len(labels)}, and images {len(pictures)}: every image has one")
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
        known = self.seen.setdefault(place and place.resolve(), {})
        known |= kept
        new = [(key, picture) for key, picture in zip(keys, pictures, strict=True) if key not in known]
        entries = self._entries([picture for _, picture in new], lenient=place is not None)
        known |= zip([key for key, _ in new], entries, strict=True)
        found = {key: known[key] for key in keys}
        if path and found.keys() != kept.keys() and any(entry.left_out is None for entry in found.values()):
            save_kept(path, self.digest, found)
        if sum(map(len, self.seen.values())) > REMEMBERED:
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
        shown = tqdm(total=len(pictures), desc="reading", unit=" pictures", delay=1, disable=None)
        with ThreadPoolExecutor(available_cores()) as pool, shown:
            for start in range(0, len(pictures), TOGETHER):
                part = pictures[start : start + TOGETHER]
                looks = list(pool.map(read, part) if len(part) > 1 else map(read, part))
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

    # --- from embeddings to answers -----------------------------------------------------------------------------------

    def same(self, a, b):
        """The probability that two pictures show the same, if half of all pairs do.

        >>> import minisiamese as ms
        >>> from minisiamese.data import glyphs
        >>> drawings = glyphs.make([0], drawers=2).images[:, :, :, 0]  # of each character two, one after the other
        >>> model = ms.load("pretrained")
        >>> model.same(drawings[0], drawings[1]) > 0.5 > model.same(drawings[0], drawings[2])
        True
        """
        first, second = self._asked([one(a, "a"), one(b, "b")])
        return float(self._probability(self._scores(first, second[None]))[0])

    def rank(self, query, images):
        """(order, p): the numbers (M,) of the images, the most alike first, and the probability of each, in this order,
        that it shows the same as the query. ``images`` may be a ``Support``, whose ``names`` tell a folder's files.

        >>> import minisiamese as ms
        >>> from minisiamese.data import glyphs
        >>> drawings = glyphs.make([0], drawers=2).images
        >>> order, p = ms.load("pretrained").rank(drawings[4], drawings[1:10:2])  # another drawing of each character
        >>> int(order[0]), bool(p[0] > 0.5)
        (2, True)
        """
        support = self.support(images)
        p = self._probability(self._scores(self._asked([one(query, "query")])[0], support.z))
        order = np.argsort(-p, kind="stable")
        return order, p[order]

    def classify(self, queries, support, support_labels=None):
        """(labels, p): for each query (Q,) the class of the support that it is most like, and the probability that it
        shows the same as this class. A query of no class of the support has a low p for all of them.

        A class is as much like a query as its pictures are on average. ``support`` may be a folder with a sub-folder
        for each class, or a ``Support`` that has labels.

        >>> import minisiamese as ms
        >>> from minisiamese.data import glyphs
        >>> drawings = glyphs.make([0], drawers=2).images
        >>> labels, p = ms.load("pretrained").classify(drawings[0:6:2], drawings[1:6:2], ["ka", "ki", "ku"])
        >>> labels.tolist()
        ['ka', 'ki', 'ku']
        """
        classes, p = self.class_probabilities(queries, support, support_labels)
        return classes[p.argmax(axis=1)], p.max(axis=1)

    def class_probabilities(self, queries, support, support_labels=None):
        """(classes (N,), p (Q, N)): the classes of the support in their order, and the probability that each query
        shows the same as each class. Queries that are likely to be none of them give a ``Doubtful`` warning."""
        support = self.support(support, support_labels)
        labels = support.labels if support_labels is None else np.asarray(support_labels)
        if labels is None:
            raise BadInput("support_labels is missing: give one for each image, or a folder with a sub-folder a class")
        if labels.shape != (len(support),):
            raise BadInput(f"support_labels has the shape {labels.shape}, and there are {len(support)} images")
        classes, place = np.unique(labels, return_inverse=True)
        counts = np.bincount(place)
        pictures = several(queries, "queries")
        scores = [np.bincount(place, self._scores(z, support.z)) / counts for z in self._asked(pictures)]
        p = self._probability(np.stack(scores))
        self.warn_of_strangers([picture.name for picture in pictures], p, "classes")
        return classes, p

    def warn_of_strangers(self, names, p, what):
        """A ``Doubtful`` warning if, by p (Q, N), some queries are likely to be none of the support's N pictures or
        classes: the query's own may be missing among them."""
        strangers = [
            name for name, likely in zip(names, p.max(axis=1), strict=True) if likely < (self.threshold or 0.5)
        ]
        if strangers:
            more = f" (nor are {len(strangers) - 1} more queries)" if len(strangers) > 1 else ""
            warn(strangers[0], [f"likely to be none of the {p.shape[1]} {what} of the support{more}"])

    @property
    def threshold(self):
        """The probability from which on two pictures are called the same (``evaluate --protocol threshold``); None if
        it was not looked for."""
        found = self.meta.get("threshold")
        return float(self._probability(np.array([found["score"]]))[0]) if found else None

    def _asked(self, pictures):
        """The embeddings (Q, D) of queries, with a warning for each that is doubtful."""
        entries = self._entries(pictures)
        for picture, entry in zip(pictures, entries, strict=True):
            warn(picture.name, entry.doubts)
        return np.stack([entry.z for entry in entries])

    def _scores(self, z, others):
        """The head's scores (M,) of an embedding (D,) with others (M, D)."""
        s = np.empty(len(others), np.float32)

        def compare(rows):
            s[rows] = to_host(self.network.head.score(to_device(others[rows] - z, self.device)))

        in_chunks(compare, len(others), 2 * z.nbytes)
        return s

    def _probability(self, scores):
        return sigmoid(self.meta["calibration"]["slope"] * scores + self.meta["calibration"]["offset"])

    # --- the whole model ----------------------------------------------------------------------------------------------

    def evaluate(self, images, labels=None, way=None, shot=1, trials=400):
        """N-way K-shot accuracy beside that of pixels, on a folder with a sub-folder for each class, or on pictures
        with their labels: {"accuracy", "interval", "trials", "baselines", "way", "shot", "classes", "images", "weak"}.

        A model that was trained on images, not on alphabets, is tested on those that its training would have held out
        of these (``folder.divide``). "weak" says in words why the test is weak, or is None.
        """
        dataset = self._test_images(images, labels)
        test = nway_trials(dataset, way or min(20, len(dataset.rows_of_class)), shot, trials, True, default_rng(0))
        scorer = embedding_scorer(self.network, self.device, self.settings.measuring.views)
        result = one_shot(test, scorer, {"nearest_neighbour": nearest_neighbour})
        about = {"way": test.support.shape[1], "shot": shot, "classes": len(dataset.rows_of_class)}
        return result | about | {"images": len(dataset.images), "weak": folder.weakness(dataset)}

    def _test_images(self, images, labels):
        """The ``Dataset`` that a test of this model may use of images."""
        parts = labelled(images, labels, lambda picture: self.read(picture)[0])
        if self.draws or "test" in parts:
            return parts.get("test") or parts["all"]
        return folder.divide(parts, "images")["evaluation"]

    def save(self, path):
        """Write a checkpoint that ``load``, ``predict --run`` and ``evaluate`` read."""
        checkpoint.save(path, self.network.arrays(), self.meta)
