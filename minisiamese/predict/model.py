"""The ``Model``: a trained network that embeds, compares, ranks and classifies pictures.

    import minisiamese as ms
    model = ms.load("pretrained")                  # or a run folder, or its best.npz
    p = model.same("a.png", "b.png")
    order, p = model.rank("query.png", "FOLDER")   # most alike first

Pictures are paths, Pillow images or NumPy arrays, one (``pictures.one`` says which) or several (``pictures.several``).

Notation: M pictures, Q queries, D features of an embedding, N classes of a support set.
"""

import contextlib
import os

import numpy as np
from numpy.random import default_rng

from minisiamese import checkpoint
from minisiamese.backend import check_device, to_device, to_host
from minisiamese.data import folder
from minisiamese.errors import BadInput
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.protocols import as_sure_as, one_shot
from minisiamese.evaluate.scoring import embedding_scorer
from minisiamese.layers import sigmoid
from minisiamese.predict.embedder import Embedder
from minisiamese.predict.pictures import checked_labels, datasets, one, several, warn
from minisiamese.runs.folder import check_calibrated, load_run
from minisiamese.runs.rules import CHOICES
from minisiamese.runs.start import PRETRAINED
from minisiamese.threads import in_chunks
from minisiamese.trials import nway_trials


def load_model(run=PRETRAINED, device="cpu"):
    """The ``Model`` of a run folder, of a checkpoint file such as its best.npz, or of ``"pretrained"``, the network
    that comes with the package; BadInput (a ValueError) if there is none, or if its training is not finished."""
    if not isinstance(run, str | os.PathLike):
        raise BadInput(f"run is of type {type(run).__name__}: it takes a path, or 'pretrained'")
    if device not in CHOICES["device"]:
        raise BadInput(f"device must be one of {', '.join(CHOICES['device'])}, not {device!r}")
    check_device(device)
    network, settings, meta = load_run(run, device)
    check_calibrated(meta, run)
    return Model(network, settings, meta, device)


class Model(Embedder):
    """An ``Embedder`` whose scores are probabilities, by the calibration in its ``meta``."""

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
        return float(self.compare(first, second[None])[0])

    def compare(self, z, others):
        """p (M,): the probability that the picture with the embedding z (D,) shows the same as each of those with the
        embeddings (M, D), if half of all pairs do."""
        return self._probability(self._scores(z, others))

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
        scores = self._scores(self._asked([one(query, "query")])[0], support.z)
        order = np.argsort(-scores, kind="stable")
        return order, self._probability(scores[order])

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
        support = self.support(support)
        labels = support.labels
        if support_labels is not None:
            labels = checked_labels(support_labels, len(support), "support_labels")
        if labels is None:
            raise BadInput("support_labels is missing: give one for each image, or a folder with a sub-folder a class")
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
            more = f" (and {len(strangers) - 1} more queries, too)" if len(strangers) > 1 else ""
            warn(strangers[0], [f"likely to be none of the support's {what}, {p.shape[1]} in all{more}"])

    @property
    def threshold(self):
        """The probability from which on two pictures are called the same (``evaluate --protocol threshold``); None if
        it was not looked for."""
        found = self.meta.get("threshold")
        return float(self._probability(np.array([found["score"]]))[0]) if found else None

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

        A model that was trained on these very images is tested on those of them that were held out of its training
        (``folder.divide``), any other on all of them, or on test/ of a folder that is divided. "weak" says in words why
        the test is weak, or is None. The 95 % interval is that of as many answers as there are different queries.
        """
        numbers = {"way": (way, 2), "shot": (shot, 1), "trials": (trials, 1)}
        for name, (value, least) in numbers.items():
            if value is not None and (not isinstance(value, int | np.integer) or value < least):
                raise BadInput(f"{name} must be a whole number, {least} or more, not {value!r}")
        dataset = self._test_images(images, labels)
        test = nway_trials(dataset, way or min(20, len(dataset.rows_of_class)), shot, trials, True, default_rng(0))
        scorer = embedding_scorer(self.network, self.device, self.settings.measuring.views)
        result = one_shot(test, scorer, {"nearest_neighbour": nearest_neighbour})
        result = as_sure_as(result, len(np.unique(test.query)))
        about = {"way": test.support.shape[1], "shot": shot, "classes": len(dataset.rows_of_class)}
        return result | about | {"images": len(dataset.images), "weak": folder.weakness(dataset)}

    def _test_images(self, images, labels):
        """The ``Dataset`` that a test of this model may use of images."""
        side = None if self.draws else self.side
        parts = datasets(images, labels, lambda picture: self.read(picture)[0], side)
        whole = parts.get("test") or parts["all"]
        if self.draws:
            return whole
        with contextlib.suppress(BadInput):  # too few to divide are too few to have been trained on
            divided = folder.divide(parts, "images")
            if divided["training"].digest() == self.meta.get("images"):
                return divided["evaluation"]
        warn("images", ["not those of the model's training, so all are tested: a figure counts if it has seen none"])
        return whole

    def save(self, path):
        """Write a checkpoint that ``load`` and ``predict --run`` take; and ``evaluate``, unless the model was trained
        on arrays, which are not there any more."""
        checkpoint.save(path, self.network.arrays(), self.meta)
