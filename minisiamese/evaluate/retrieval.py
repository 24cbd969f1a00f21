"""Retrieval: each image of a set asks for the others of its class, and all of the set are ranked (report 001).

    python -m minisiamese.evaluate RUN --protocol retrieval

A query is ranked against all other images, without a cut-off, each seen as it is. More images are harder to tell apart,
so figures are to be compared within a set, not from one set to another.

Notation: M images, Q of them queries, D features; a query has N = M - 1 others, R of them relevant, of its class;
scores are larger for more alike.
"""

import sys
from copy import deepcopy

import numpy as np
from tqdm import tqdm

from minisiamese.data import DATASETS, omniglot
from minisiamese.errors import BadInput
from minisiamese.evaluate import hog
from minisiamese.evaluate.protocol import Protocol
from minisiamese.evaluate.scoring import embed, views_of
from minisiamese.runs.build import part_of, untrained
from minisiamese.siamese import DistanceHead
from minisiamese.threads import in_chunks

SEEN, UNSEEN = 50, 309  # classes, as in the report
IMAGES = 10_000  # of a set at most, as many of each class: time grows with the square of the number
NEAREST = (1, 5, 10, 20, 50)  # the k of recall at k
RESAMPLES = 1000
BLOCK = 256  # queries at a time

# --- rankings and their figures ---------------------------------------------------------------------------------------


class Ranking:
    """The others of Q queries from the highest score to the lowest; images of one score are one step of the ranking.

    scores (Q, N); same (Q, N), whether an image is relevant. A score that is not a number ranks last.
    """

    def __init__(self, scores, same):
        scores = np.where(np.isnan(scores), -np.inf, scores)
        order = np.argsort(-scores, axis=1)
        scores, places = np.take_along_axis(scores, order, axis=1), np.arange(scores.shape[1])
        self.relevant = np.take_along_axis(same, order, axis=1)
        self.found = np.cumsum(self.relevant, axis=1)  # relevant images up to a place
        edge, falls = np.ones((len(scores), 1), bool), scores[:, 1:] != scores[:, :-1]
        starts, ends = np.concatenate([edge, falls], axis=1), np.concatenate([falls, edge], axis=1)
        # the first and the last place of the step that a place belongs to
        self.first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
        self.last = np.minimum.accumulate(np.where(ends, places, places[-1])[:, ::-1], axis=1)[:, ::-1]

    def average_precision(self):
        """AP = 1/R sum_i P(i) over the relevant images i, (Q,): P(i) is the share of relevant images among all images
        that score at least as high as i, so that images of one score are one step, as in scikit-learn."""
        precision = np.take_along_axis(self.found, self.last, axis=1) / (self.last + 1)
        return (precision * self.relevant).sum(axis=1) / self.found[:, -1]

    def precision(self, k):
        """P@k = (relevant images among the k nearest) / k, (Q,); its expectation over every order of equal scores."""
        return self._among(k) / k

    def recall(self, k):
        """R@k = (relevant images among the k nearest) / R, (Q,); its expectation over every order of equal scores."""
        return self._among(k) / self.found[:, -1]

    def _among(self, k):
        """Relevant images among the k nearest, (Q,): a step that k divides counts in proportion."""
        queries, place = np.arange(len(self.found)), min(k, self.found.shape[1]) - 1
        first, last = self.first[:, place], self.last[:, place]
        before = self.found[queries, first] - self.relevant[queries, first]
        return before + (self.found[queries, last] - before) * (place + 1 - first) / (last + 1 - first)


class Similarity:
    """The scores (Q, M) of queries, given by row number (Q,), against all images: of embeddings z (M, D), by a head.

    A head of Euclidean distance is computed by matrix products, |a - b|^2 = |a|^2 + |b|^2 - 2 ab; any other head by
    itself, on a few differences at a time.
    """

    def __init__(self, head, z):
        self.head, self.z = head, z
        if isinstance(head, DistanceHead):
            self.z = z - z[0]  # near the origin rounding costs less, and equal embeddings cost nothing: they must tie
            self.square = np.einsum("md,md->m", self.z, self.z, dtype=np.float64).astype(z.dtype)

    def __call__(self, rows):
        head, z, queries = self.head, self.z, self.z[rows]
        if isinstance(head, DistanceHead):
            square = self.square[rows][:, None] + self.square - 2 * (queries @ z.T)
            d = np.sqrt(np.maximum(square, 0))
            return head.score(d.reshape(-1, 1)).reshape(d.shape)  # the head sees a difference's length alone
        s = np.empty((len(queries), len(z)), z.dtype)

        def compare(columns):
            for row, query in zip(s, queries, strict=True):
                row[columns] = head.score(z[columns] - query)

        in_chunks(compare, len(z), 3 * z[0].nbytes)
        return s


def figures(similarity, labels):
    """(means, average_precision): the means over all M queries as a JSON-able dict, and each query's average precision.

    The means are of average precision, precision at 1 and recall at k, the first two with a 95 % interval (see
    ``bootstrap``). labels (M,) are the classes of the images; average_precision is (M,).
    """
    earned, M = [], len(labels)
    for start in tqdm(range(0, M, BLOCK), desc="ranking", unit=" blocks", leave=False, disable=None):
        rows = np.arange(start, min(start + BLOCK, M))
        others = np.arange(M) != rows[:, None]  # a query does not find itself
        scores, same = similarity(rows), labels == labels[rows][:, None]
        ranking = Ranking(*(each[others].reshape(len(rows), M - 1) for each in (scores, same)))
        recalls = [ranking.recall(k) for k in NEAREST]
        earned.append(np.stack([ranking.average_precision(), ranking.precision(1), *recalls]))
    average_precision, first, *recalls = np.concatenate(earned, axis=1)
    means = {
        "mean_average_precision": float(average_precision.mean()),
        "interval": bootstrap(average_precision, labels),
        "precision_at_1": float(first.mean()),
        "precision_at_1_interval": bootstrap(first, labels),
        "recall_at": {str(k): float(each.mean()) for k, each in zip(NEAREST, recalls, strict=True)},
    }
    return means, average_precision


def bootstrap(earned, labels):
    """The 95 % interval of the mean of earned (M,): the middle 95 % of the means of 1,000 resamples of whole classes.

    Classes are drawn, not queries, because the queries of a class are not independent (Efron & Tibshirani 1993).
    """
    count, total = np.bincount(labels), np.bincount(labels, earned)
    drawn = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
    return np.quantile(total[drawn].sum(axis=1) / count[drawn].sum(axis=1), [0.025, 0.975]).tolist()


# --- the protocol -----------------------------------------------------------------------------------------------------


def sets(trained, seed, data_dir=None):
    """{"seen": (Dataset, whether its images were trained on), "unseen": the same} of a run's settings; None for a set
    of fewer than two classes.

    Seen are 50 classes that were trained on, by images that were not, where the division leaves some: with --split
    paper the drawings of drawers 13 to 20, of a folder with the same classes in train/ and test/ the images in test/.
    Unseen are 309 classes of the evaluation split, or all. Either set has at most ``IMAGES`` images. BadInput where
    there are no images.
    """
    evaluation = unseen = part_of("evaluation", trained, data_dir)
    if (trained.data.name, trained.data.split) == ("omniglot", "paper"):
        seen, trained_on = omniglot.load("background", data_dir).take_drawers(13, 20), False
    else:
        seen, trained_on = part_of("training", trained, data_dir), True
    if not DATASETS[trained.data.name].has_alphabets:
        names = np.array(evaluation.class_names)
        known = np.isin(names, seen.class_names)
        held = np.isin(names, part_of("validation", trained, data_dir).class_names)  # chosen by: neither seen nor not
        unseen = evaluation.take(~(known | held)[evaluation.labels])
        if known.sum() > 1:
            seen, trained_on = evaluation.take(known[evaluation.labels]), False
    rng, drawn = np.random.default_rng(seed), {}
    for name, dataset, wanted, known in (("seen", seen, SEEN, trained_on), ("unseen", unseen, UNSEEN, False)):
        classes = np.unique(dataset.labels)
        chosen = rng.choice(classes, min(wanted, len(classes)), replace=False)
        drawn[name] = None
        if len(classes) > 1:
            each = IMAGES // len(chosen)
            images = dataset.take_classes(chosen).some(len(chosen), each, np.random.default_rng(seed))
            drawn[name] = images, known
    return drawn


def similarity_of(network, images, device):
    """The ``Similarity`` of a network, one view of each image; it compares on the host."""
    z = embed(network, views_of(network, images, device))[0]
    return Similarity(deepcopy(network.head).to("cpu"), z)


def pixel_similarity(images):
    """The ``Similarity`` that is ``baselines.nearest_neighbour``."""
    return Similarity(DistanceHead(), np.divide(images.reshape(len(images), -1), 255, dtype=np.float32))


def compare(similarity, baselines, dataset):
    """The ``figures`` of a ``Similarity``, and those of baselines {name: Similarity}, on the images of a data set.

    Each baseline has its "lead": how far the network is ahead of it in mean average precision. The interval of the
    lead is of the differences of the same queries, which are easy or hard for both.
    """
    ours, average_precision = figures(similarity, dataset.labels)
    compared = {}
    for name, baseline in baselines.items():
        theirs, their_precision = figures(baseline, dataset.labels)
        lead = average_precision - their_precision
        compared[name] = theirs | {"lead": float(lead.mean()), "lead_interval": bootstrap(lead, dataset.labels)}
    return ours | {"baselines": compared}


def measure_retrieval(options, network, trained):
    """The ``figures`` of seen and of unseen classes, by the network and by baselines on the same images.

    The baselines are the network before training (the run's own initial weights), the distance of pixels, and of HOG
    features where scikit-image is there. A run folder is left two pictures.
    """
    initial = untrained(trained, network.channels).to(options.device)
    result = {"views": 1, "cut_off": None, "seed": options.seed}
    result |= {"data": trained.data.name, "division": trained.data.split, "left_out": {}, "pictures": []}
    shown = None
    for name, drawn in sets(trained, options.seed, options.data_dir).items():
        result[name] = None
        if drawn is None:
            continue
        dataset, trained_on = drawn
        after, before = (similarity_of(each, dataset.images, options.device) for each in (network, initial))
        baselines = {"untrained": before, "pixels": pixel_similarity(dataset.images)}
        try:
            baselines["hog"] = Similarity(DistanceHead(), hog.features(dataset.images, network.frame))
        except BadInput as error:
            result["left_out"]["hog"] = str(error)
        count = len(dataset.images)
        size = {"classes": len(dataset.rows_of_class), "images": count, "queries": count}
        result[name] = size | {"images_trained_on": trained_on} | compare(after, baselines, dataset)
        shown = name, dataset, before, after  # the unseen classes, if there are any
    if shown and (options.run / "best.npz").exists():
        try:
            from minisiamese.evaluate import (
                retrieval_pictures,  # here, for the protocols that draw none start the sooner
            )

            result["pictures"] = retrieval_pictures.draw(options.run, options.seed, *shown)
        except OSError as error:  # no reason to lose the figures
            print(f"no pictures: cannot write {options.run} ({error.strerror or error})", file=sys.stderr)
    return result


# --- the result in lines ----------------------------------------------------------------------------------------------


def describe_retrieval(result):
    """A result of ``measure_retrieval`` as lines for people."""
    lines = ["retrieval: every image against all others, no cut-off, 1 view; data {data}, seed {seed}".format(**result)]
    for name in ("seen", "unseen"):
        if (part := result[name]) is None:
            lines.append(f"\n{name} classes: the data has none to retrieve from")
            continue
        known = "trained on themselves" if part["images_trained_on"] else "none of which was trained on"
        lines.append(f"\n{part['classes']} {name} classes, {part['images']} images, {known}, each a query once")
        lines.append(f"{'':<14}{'mAP':>7}{'95 % interval':>16}{'P@1':>9}{'95 % interval':>16}")
        lines[-1] += "".join(f"{f'R@{k}':>8}" for k in NEAREST) + "   this network's mAP is higher by"
        lines += [row(scorer, each) for scorer, each in {"this network": part, **part["baselines"]}.items()]
    lines += [f"\n{name} is left out: {why}" for name, why in result["left_out"].items()]
    lines += [f"\npictures: {', '.join(result['pictures'])}"] if result["pictures"] else []
    return "\n".join(lines)


def row(scorer, of):
    """The line of one scorer's ``figures``, and of the network's lead over it."""
    low, high = of["interval"]
    line = f"{scorer:<14}{of['mean_average_precision']:>7.2%}{f'{low:.1%} .. {high:.1%}':>16}"
    low, high = of["precision_at_1_interval"]
    line += f"{of['precision_at_1']:>9.2%}{f'{low:.1%} .. {high:.1%}':>16}"
    line += "".join(f"{of['recall_at'][str(k)]:>8.1%}" for k in NEAREST)
    if "lead" in of:
        line += "{:>9.1%} ({:.1%} .. {:.1%})".format(of["lead"], *of["lead_interval"])
    return line


RETRIEVAL = Protocol(
    help="each image asks for the others of its class",
    options=("seed",),
    measure=measure_retrieval,
    describe=describe_retrieval,
)
