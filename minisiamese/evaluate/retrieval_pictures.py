"""The pictures of retrieval: the images that queries found, and distances, before training and after (report 001).

Notation: M images, Q queries; a similarity gives the scores (Q, M) of row numbers (Q,) (see ``retrieval.Similarity``).
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from minisiamese import plots

QUERIES, FOUND = 8, 10  # queries on the page, and images that each has found
SAMPLE = 500  # queries whose distances to all others are shown
TITLES = "before training", "after training"


def draw(folder, seed, name, dataset, before, after):
    """Write retrieval.png and distances.png of a data set of "seen" or "unseen" classes (``name``); their paths."""
    rng, pictures = np.random.default_rng(seed), [str(folder / each) for each in ("retrieval.png", "distances.png")]
    classes = rng.permutation(len(dataset.rows_of_class))[:QUERIES]
    queries = np.array([rng.choice(dataset.rows_of_class[label]) for label in classes])
    page(dataset, queries, (before, after), f"Queries of {name} classes, each with its nearest", pictures[0])
    sample = rng.permutation(len(dataset.images))[:SAMPLE]
    title = f"Distances of {len(sample)} images of {name} classes to the other {len(dataset.images) - 1:,}"
    distances(dataset.labels, sample, (before, after), title, pictures[1])
    return pictures


def page(dataset, queries, similarities, title, path):
    """A row for each of the queries (Q,): the query, and the images nearest to it, those of its class framed green and
    others red."""
    images, count = dataset.images, min(FOUND, len(dataset.images) - 1)
    figure = Figure(figsize=(16, 0.66 * len(queries) + 1.1), layout="constrained")
    for axes, similarity, when in zip(figure.subplots(1, 2), similarities, TITLES, strict=True):
        scores = similarity(queries)
        scores[np.arange(len(queries)), queries] = -np.inf  # a query does not find itself
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        right = dataset.labels[nearest] == dataset.labels[queries][:, None]
        _table(axes, images, queries, nearest, right)
        axes.set_title(f"{when}: {right.sum()} of {right.size} of the query's class")
    figure.get_layout_engine().set(wspace=0.04)
    figure.suptitle(f"{title} {count} of {len(images) - 1:,} images; green: of its class, red: of another")
    plots.save(figure, path, dpi=130)


def _table(axes, images, queries, nearest, right):
    """One picture of all rows: the query, a gap, and the framed images that the query found."""
    side, colour = images.shape[1], images.shape[3] == 3
    step = side + max(4, side // 8)
    height, width = len(queries) * step, (1 + nearest.shape[1]) * step + step // 2
    table = np.full((height, width, images.shape[3]), 255 if colour else 0, np.uint8)  # shown white

    def place(row, x):
        table[y : y + side, x : x + side] = images[row]

    frames = []
    for q, found in enumerate(nearest):
        y = q * step + (step - side) // 2
        place(queries[q], (step - side) // 2)
        for n, row in enumerate(found):
            x = (1 + n) * step + step // 2 + (step - side) // 2
            place(row, x)
            color = plots.RIGHT if right[q, n] else plots.WRONG
            frames.append(Rectangle((x - 1, y - 1), side + 1, side + 1, fill=False, edgecolor=color, linewidth=2))
    plots.picture(axes, table)
    axes.axis("off")
    for frame in frames:
        axes.add_patch(frame)


def distances(labels, queries, similarities, title, path):
    """Densities of the distances (minus score) of the queries (Q,) to all other images of their class, and of others.

    A title gives the area that the two densities share: 1 where they are alike, 0 where a threshold parts them.
    """
    others = np.arange(len(labels)) != queries[:, None]
    same = (labels == labels[queries][:, None])[others]
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, similarity, when in zip(figure.subplots(1, 2), similarities, TITLES, strict=True):
        d = -similarity(queries)[others]
        parts, bins = (d[same], d[~same]), _bins(d)
        for each, name, color in zip(
            parts, ("same class", "different classes"), (plots.RIGHT, plots.WRONG), strict=True
        ):
            axes.hist(each, bins, density=True, histtype="stepfilled", color=color, alpha=0.55, label=name)
        axes.set(
            title=f"{when}: shared area {overlap(*parts, bins):.3f}",
            xlabel="distance (minus the score)",
            ylabel="density",
        )
        axes.legend()
    figure.suptitle(title)
    plots.save(figure, path, dpi=110)


def _bins(d):
    """The edges of 60 bins, from the least distance to the 99.9 % quantile; they have a width even if all are equal."""
    low, high = d.min(), np.quantile(d, 0.999)
    return np.linspace(low, high if high > low else low + 1, 61)


def overlap(first, second, bins):
    """The sum over bins of min(p, q), the shares of two samples in a bin; values beyond the bins count at the edges."""
    shares = [np.histogram(np.clip(each, bins[0], bins[-1]), bins)[0] / len(each) for each in (first, second)]
    return float(np.minimum(*shares).sum())
