"""The figures of report 000: accuracy against N, how triplets and margins learn, distances, t-SNE, a worked trial."""

import sys

import numpy as np
from matplotlib.figure import Figure

from minisiamese import plots
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import embed
from minisiamese.studies.report000.grid import rebuild
from minisiamese.studies.report000.measuring import ReportTests
from minisiamese.studies.report000.settings import PRETRAINED, PRETRAINING, RUNS, SEEN
from minisiamese.studies.report000.tables import NAMES, TITLES

KINDS = {"all": "pretrained on all ten classes", "clean": "pretrained on classes 0-4 alone"}
POINTS = 1000  # images in a t-SNE
SHOWN = "triplet-semi-hard"  # the network of the t-SNE and of the worked trial


def draw(task, results):
    """Write all pictures into the folder of a task, which is done."""
    name = NAMES[results["data"]]
    ways(results, f"One-shot, test images of {name}", task.out / "ways.png")
    triplets = [run for run in RUNS if run.startswith("triplet") and "margin" not in run]
    title = f"{name}: loss on random triplets of validation images, always the same, of the classes learned from"
    learning(results, triplets, "validation", "validation loss", title, task.out / "triplets.png")
    margins = ["triplet-margin-0.001", "triplet-random", "triplet-margin-1.5"]
    title = f"{name}: validation triplets whose negative is as near as the positive, by the margin learned with"
    names = [f"margin {RUNS[run].margin:g}" for run in margins]
    learning(results, margins, "violated", "violated triplets (%)", title, task.out / "margins.png", names)

    tests = ReportTests(task.test, task.plan.tests, task.seed)
    views = Views(task.test.images, task.plan.size, task.device)
    networks = {
        (kind, run): rebuild(task, kind, run) for kind in PRETRAINING for run in (PRETRAINED, "contrastive-1", SHOWN)
    }
    z = {key: embed(network, views)[0] for key, network in networks.items()}
    contrastive = [(kind, run) for kind in PRETRAINING for run in (PRETRAINED, "contrastive-1")]
    title = f"{name}: distances of pairs of the hard test, classes 5-9"
    distances({key: z[key] for key in contrastive}, tests.pairs["hard"], title, task.out / "distances.png")
    worked_trial(networks["all", SHOWN], z["all", SHOWN], tests, task.out / "trial.png")
    tsne({key: z[key] for key in z if key[1] != "contrastive-1"}, task.test, name, task.out / "tsne.png")


def ways(results, title, path):
    """Accuracy against N with 95 % intervals, of one network for each loss, beside nearest neighbour and chance."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), PRETRAINING, strict=True):
        lines = {
            TITLES[run]: results[kind][run]["ways"]
            for run in (SHOWN, "triplet-random", "contrastive-1", "bce-1", PRETRAINED)
        }
        plots.against_ways(axes, lines | {"nearest neighbour (pixels)": results["pixels"]})
        axes.set(title=f"{title},\n{KINDS[kind]}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    plots.save(figure, path, dpi=110)


def learning(results, runs, key, label, title, path, names=None):
    """The values that the logs of some runs hold under ``key``, against steps."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), PRETRAINING, strict=True):
        for run, line_name in zip(runs, names or [TITLES[run] for run in runs], strict=True):
            log = results[kind][run]["log"]
            percent = 100 if key == "violated" else 1
            axes.plot([each["step"] for each in log], [percent * each[key] for each in log], label=line_name)
        axes.set(xlabel="training step", ylabel=label, title=KINDS[kind])
        axes.grid(alpha=0.3)
    axes.set_ylim(bottom=0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title)
    plots.save(figure, path, dpi=110)


def distances(z, batch, title, path):
    """Histograms of the distances of same and different pairs, before and after learning on contrastive pairs."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, ((kind, run), embedded) in zip(figure.subplots(2, 2).flat, z.items(), strict=True):
        d = np.linalg.norm(embedded[batch.pairs[:, 0]] - embedded[batch.pairs[:, 1]], axis=1)
        bins = np.linspace(0, np.quantile(d, 0.995), 60)
        for same, name, color in ((1, "same class", plots.RIGHT), (0, "different classes", plots.WRONG)):
            axes.hist(d[batch.same == same], bins, color=color, alpha=0.55, label=name)
        when = "before: the branch" if run == PRETRAINED else "after: contrastive, type 1,"
        axes.set(title=f"{when}\n{KINDS[kind]}", xlabel="distance", ylabel="pairs")
    axes.legend()
    figure.suptitle(title)
    plots.save(figure, path, dpi=110)


def worked_trial(network, z, tests, path):
    """The first of the 10-way trials: the query and its ten candidates with their scores."""
    trials = tests.trials
    rows = trials.images  # of the test images
    query, support = rows[trials.query[0]], rows[trials.support[0, :, 0]]
    scores = -np.linalg.norm(z[support] - z[query], axis=1)
    images = tests.dataset.images
    plots.trial(images[query], images[support], scores, trials.target[0], path)


def tsne(z, dataset, name, path):
    """Maps of the test images by their embeddings, before and after learning (van der Maaten & Hinton 2008)."""
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        print(f"no {path.name}: it needs scikit-learn (pip install -e '.[studies]')", file=sys.stderr)
        return
    rows = np.random.default_rng(0).permutation(len(dataset.images))[:POINTS]
    figure = Figure(figsize=(11, 10), layout="constrained")
    for axes, ((kind, run), embedded) in zip(figure.subplots(2, 2).flat, z.items(), strict=True):
        x, y = TSNE(random_state=0, init="pca").fit_transform(embedded[rows]).T
        for label, class_name in enumerate(dataset.class_names or map(str, range(10))):
            of_class = dataset.labels[rows] == label
            marker = "o" if label < SEEN else "x"
            axes.scatter(x[of_class], y[of_class], s=14, marker=marker, color=f"C{label}", label=class_name)
        when = "before: the branch" if run == PRETRAINED else f"after: {TITLES[run]},"
        axes.set(title=f"{when}\n{KINDS[kind]}", xticks=[], yticks=[])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=10)
    figure.suptitle(f"{name}: t-SNE of {len(rows):,} test images; crosses are the unseen classes")
    plots.save(figure, path, dpi=100)
