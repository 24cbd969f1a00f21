# %% [markdown]
# # 10. Transfer: MNIST, CIFAR-10, and a flaw
#
# *Koch, Zemel & Salakhutdinov (2015), section 4.4 and table 3; report 000. About 30 minutes.*
#
# A network that has learned what makes two drawings the same should know it of other drawings, too. The paper tests it
# in the hardest way: trained on Omniglot alone, the network is asked about the digits of MNIST, and nothing is learned
# from a single digit. It gets 70.3 % of 10-way trials right, and the nearest neighbour 26.5 %.
#
# This lesson repeats that test, looks at what the network makes of digits, and then at a report (source 000) whose
# figures on "unseen" classes look far better. They come from a flaw that is easily made: the network had been
# pretrained on those very classes. You make the flaw by hand, once with it and once without. It is the last lesson, and
# ends with what you have built.

# %%
from dataclasses import replace

import lesson
import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr

from minisiamese import losses
from minisiamese.criteria import CRITERIA
from minisiamese.data import cifar10
from minisiamese.data.dataset import find_file
from minisiamese.data.samplers import Batch, Triplets
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.evaluate.baselines import modified_hausdorff, nearest_neighbour
from minisiamese.evaluate.protocols import one_shot, verification
from minisiamese.evaluate.scoring import embed, network_scorer
from minisiamese.gradcheck import check_loss
from minisiamese.optimizers import SCHEDULES, Adam
from minisiamese.plots import against_ways, picture
from minisiamese.runs.build import build
from minisiamese.runs.folder import load_run
from minisiamese.studies.report000 import runs
from minisiamese.studies.report000.classifiers import mnist_classifier
from minisiamese.studies.report000.settings import PLANS
from minisiamese.studies.report000.sources import pairs_among
from minisiamese.trials import accuracy_by_way, credits, nway_trials, rate


# %%
def some(dataset, count, seed):
    """Up to count random images of each class, without what is known of their drawers."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(rows, min(count, len(rows)), replace=False) for rows in dataset.rows_of_class]
    return replace(dataset.take(np.concatenate(rows)), drawers=None)


def percent(measured):
    """A rate with its interval, to be printed."""
    low, high = measured["interval"]
    return f"{measured['accuracy']:6.1%}  ({low:.1%} to {high:.1%})"


train, test = lesson.digits("train"), lesson.digits("test")
if lesson.QUICK:
    train, test = some(train, 60, 0), some(test, 40, 0)
print("to learn from", train.images.shape, "to test on", test.images.shape)

# %% [markdown]
# ## The paper's test
#
# Section 4.4 takes the ten digits as one more alphabet. A trial has one test image of each digit as its support and
# another image as its query; there are 400. The paper brings MNIST's $28 \times 28$ pixels up to $35 \times 35$, and
# trains a smaller network on Omniglot brought down to that size. Our network is the packaged one. It takes
# $52 \times 52$ pixels, and a frame around the ink, so that every character comes to the same place and size; the
# network does that itself, for digits as for letters. Scores are means over 16 views, 15 of them distorted, as in the
# README. (Without MNIST, characters of the glyphs stand in, other ones to learn from than to test on, and figures
# differ from what the text says.)

# %%
network, trained, _ = load_run("pretrained")
count = 40 if lesson.QUICK else 400
trials = nway_trials(test, 10, 1, count, True, np.random.default_rng(0))
scorers = {
    "trained on Omniglot": network_scorer(network, views=1 if lesson.QUICK else trained.measuring.views),
    "modified Hausdorff": modified_hausdorff,
    "nearest neighbour": nearest_neighbour,
}
scores = {name: trials.scores(scorer) for name, scorer in scorers.items()}
for name, s in scores.items():
    print(f"{name:<20}", percent(rate(credits(s, trials.target))))

# %% [markdown]
# In this run 79.2 % (75.0 to 82.9 %), on these 400 trials; four trainings, this one among them, all on these trials,
# have a mean of 79.6 % (README). That is above the paper's 70.3 %, and far below the 97.8 % on Omniglot's own trials,
# although those are 20-way. The paper finds the same: its network falls from 92.0 to 70.3 %.
#
# Our nearest neighbour has 43.8 %, the paper's 26.5 %. The paper does not say how it scaled and compared the pixels, so
# the baselines are not comparable, and strictly the networks are not either: other trials, another network, another
# frame. The Hausdorff distance, three times as good as pixels in lesson 1, is no better than they are here: MNIST's
# digits are centred, of one size and drawn with a broad pen, so that the pixels of two sevens do meet.

# %%
figure, ax = plt.subplots(figsize=(8.5, 3.6))
against_ways(ax, {name: accuracy_by_way(s, trials.target) for name, s in scores.items()})
ax.set(title=f"digits, {count} one-shot trials, nothing learned from a digit", xticks=range(2, 11))
figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
lesson.show(
    figure, "The more classes, the harder; the network's lead over both distances grows (bands are 95 % intervals)."
)

# %% [markdown]
# The answer among $N$ classes needs no new trials: of each trial take the target and the first $N - 1$ others
# (`accuracy_by_way`). All points come from the same queries, so the curve is smoother than its intervals suggest.
#
# ## One trial, and what differs
#
# The first trial that the network gets wrong, above as it is stored, below as the network sees it:

# %%
s = scores["trained on Omniglot"]
wrong = np.flatnonzero(s.argmax(axis=1) != trials.target)
t = int(wrong[0]) if len(wrong) else 0
rows = np.append(trials.query[t], trials.support[t, :, 0])
stored, seen = trials.images[rows], Views(trials.images[rows], network.size, frame=network.frame)(np.arange(11))
figure, axes = plt.subplots(2, 11, figsize=(11, 2.6))
for place in range(11):
    picture(axes[0, place], stored[place])
    picture(axes[1, place], 255 * seen[place])
    c = place - 1
    axes[0, place].set_title("query" if c < 0 else f"{s[t, c]:.1f}", fontsize=9)
    if c == trials.target[t] or (c >= 0 and c == s[t].argmax()):
        for spine in (*axes[0, place].spines.values(), *axes[1, place].spines.values()):
            spine.set(color="tab:green" if c == trials.target[t] else "tab:red", linewidth=3)
axes[0, 0].set_ylabel("stored", fontsize=9)
axes[1, 0].set_ylabel("seen", fontsize=9)
lesson.show(
    figure,
    "A trial with its scores, green the right class, red a wrong choice; below, framed around the ink at 52 x 52.",
)

# %% [markdown]
# How do digits differ from what the network has learned from? Three things can be counted in its own views, where all
# ink has one size. **Stroke width** $w$: across a straight stroke the distance to the nearest blank point rises from 0
# to $w/2$ and falls again, with mean $w/4$; so $w \approx 4 \bar d$, with half a pixel taken off $\bar d$, since
# distances are counted from the middle of a pixel. **Pieces**: how many parts of the ink do not touch, a lower bound on
# the number of strokes. **Grey**: the share of a stored image's lit pixels that are neither dark nor full.


# %%
def traits(images):
    """(stroke width in pixels of the view, share of one-piece drawings, share of grey among lit pixels)."""
    widths, pieces = [], []
    for view in Views(images, network.size, frame="ink")(np.arange(len(images)))[..., 0]:
        ink = np.pad(view > 0.5, 1)
        widths.append(4 * (ndimage.distance_transform_edt(ink)[ink].mean() - 0.5))
        pieces.append(ndimage.label(ink, np.ones((3, 3)))[1])
    lit = images[images > 25]
    return np.mean(widths), np.mean(np.equal(pieces, 1)), np.mean(lit < 230)


alphabets = lesson.drawings("background")
few = np.random.default_rng(0)
for name, images in {"Omniglot": alphabets.images, "digits": test.images}.items():
    width, one_piece, grey = traits(images[few.choice(len(images), min(500, len(images)), replace=False)])
    print(f"{name:<9} stroke {width:.1f} pixels of 52, in one piece {one_piece:.0%}, grey {grey:.0%} of the lit pixels")

# %% [markdown]
# Digits have strokes more than half as wide again, nearly all are of one piece, and their edges are smooth. Omniglot's
# characters are thin lines, one bit a pixel, and a fifth of them fall into pieces: how strokes lie to each other tells
# them apart. A digit has few strokes to go by, and within one digit people differ in the very things that part two
# letters: a 7 with a bar and one without, an open and a closed 4.
#
# So which digits are taken for which? 400 trials have 40 queries of each digit, too few for a matrix. The next cell
# takes more, one view each. Drawn from a data set whose "images" are row numbers, trials say which digits they hold.

# %%
count = 40 if lesson.QUICK else 2000
numbered = replace(test, images=np.arange(len(test.images)))
more = nway_trials(numbered, 10, 1, count, True, np.random.default_rng(1))
digit = test.labels[more.images]  # of every image in the pool
s = replace(more, images=test.images[more.images]).scores(network_scorer(network))
asked, answered = digit[more.query], digit[more.support[np.arange(count), s.argmax(axis=1), 0]]
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (asked, answered), 1)
print(f"{count} trials, one view:", percent(rate(credits(s, more.target))))
both = np.triu(confusion + confusion.T, 1)
for place in np.argsort(-both, axis=None)[:5]:
    a, b = divmod(int(place), 10)
    print(f"{a} is taken for {b} {confusion[a, b]} times, {b} for {a} {confusion[b, a]} times")

# %%
figure, ax = plt.subplots(figsize=(5.6, 5))
share = 100 * confusion / confusion.sum(axis=1, keepdims=True)
ax.imshow(share, cmap="Blues", vmin=0, vmax=100)
for a in range(10):
    for b in range(10):
        ax.text(b, a, f"{share[a, b]:.0f}", ha="center", va="center", color="white" if share[a, b] > 50 else "black")
ax.set(xticks=range(10), yticks=range(10), xlabel="digit that was chosen", ylabel="digit of the query")
ax.set_title("answers in 10-way one-shot trials (% of the row)")
ax.grid(False)
lesson.show(figure, "Read along a row: 2 goes to 7, 7 to 1, 6 to 0, 8 to 9 and 6; each of the reverse is rarer.")

# %% [markdown]
# In this run a 2 is called a 7 in 18 % of its trials, a 7 a 1 in 14 %, a 6 a 0 in 11 %; 8 goes to 9 and to 6. Each of
# these is rarer the other way round. 1 and 0 are nearly always found, 95 and 92 %, and 2 is found least, 63 %. (One
# view gets 76 % of these 2,000 trials right, 16 views were at 79 % of the 400.)
#
# ## Maps of an embedding
#
# A table of confusions says which classes are near. A **map** tries to show it: t-SNE (van der Maaten & Hinton 2008)
# gives each image $i$, with embedding $z_i$, a place $m_i$ in the plane. From the distances it makes, for every pair,
# how likely $i$ and $j$ are to be neighbours: $P_{ij}$ among embeddings, from a Gaussian around each $z_i$ that is as
# wide as to reach some 30 neighbours, and $Q_{ij} \propto (1 + \lVert m_i - m_j \rVert^2)^{-1}$ in the plane. Then it
# moves the places downhill on $\mathrm{KL}(P \,\Vert\, Q) = \sum_{ij} P_{ij} \log (P_{ij} / Q_{ij})$.
#
# A pair with $P_{ij} \approx 0$ has next to no weight in that sum. So t-SNE keeps neighbours, and says little of how
# far apart clusters are, or how large: each Gaussian adapts its width, which evens out dense and thin regions.
#
# Three embeddings of the same digits: their pixels, a network of the same kind with random weights, and the packaged
# one. (Distances are Euclidean in all three, although the network's head weighs its features.)

# %%
shown = some(test, 5 if lesson.QUICK else 60, 2)
untrained = build(trained, np.random.default_rng(0))
views = Views(shown.images, network.size, frame=network.frame)
embeddings = {
    "pixels": shown.images.reshape(len(shown.images), -1) / 255,
    "untrained network": embed(untrained, views)[0],
    "trained on Omniglot": embed(network, views)[0],
}

# %%
try:
    from sklearn.manifold import TSNE
except ImportError:
    TSNE = None
    print("no maps: they need scikit-learn, pip install -e '.[studies]'")


def maps_of(embeddings):
    """{name: places (M, 2)} of some embeddings."""
    how = {"max_iter": 250} if lesson.QUICK else {}
    return {name: TSNE(random_state=0, init="pca", **how).fit_transform(z) for name, z in embeddings.items()}


def draw_maps(maps, title):
    """Maps side by side, digits 0 to 4 as dots and 5 to 9 as crosses."""
    figure, axes = plt.subplots(1, len(maps), figsize=(3.6 * len(maps), 4.2))
    for ax, (name, places) in zip(axes, maps.items(), strict=True):
        for label in range(10):
            x, y = places[shown.labels == label].T
            ax.scatter(x, y, s=14, marker="o" if label < 5 else "x", color=f"C{label}", label=f"{label}")
        ax.set(title=name, xticks=[], yticks=[])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=10)
    figure.suptitle(title)
    return figure


# %%
if TSNE:
    maps = maps_of(embeddings)
    lesson.show(
        draw_maps(maps, f"t-SNE of {len(shown.images)} test digits (the axes have no unit)"),
        "Classes hold together even among pixels; the network that has never seen a digit parts them more clearly.",
    )

# %% [markdown]
# What does the map not keep? Take the means of the ten classes, and rank their 45 distances in the embedding and on the
# map. If the map kept them, the rank correlation would be 1.

# %%
if TSNE:
    i, j = np.triu_indices(10, 1)
    for name, z in embeddings.items():
        means = [np.stack([part[shown.labels == c].mean(axis=0) for c in range(10)]) for part in (z, maps[name])]
        among, on_map = (np.linalg.norm(mean[i] - mean[j], axis=1) for mean in means)
        print(f"{name:<20} rank correlation of the classes' distances {spearmanr(among, on_map).statistic:.2f}")

# %% [markdown]
# In this run 0.60, 0.89 and 0.61: the map that keeps the distances best is not the one that shows the classes best.
# Islands far apart on the last map need not be far apart in the embedding. So a figure is wanted that needs no map. Of
# random triplets: how often is the image of the same digit nearer than that of another? A coin gets 50 %; it is the
# 2-way one-shot task.

# %%
count = 500 if lesson.QUICK else 5000
batch = Triplets(shown, count, 0.0).draw(np.random.default_rng(3))
pairs = batch.rows[batch.pairs]  # (anchor, positive), then (anchor, negative)
for name, z in embeddings.items():
    d_ap, d_an = np.split(np.linalg.norm(z[pairs[:, 0]] - z[pairs[:, 1]], axis=1), 2)
    print(f"{name:<20} positive nearer {percent(rate((d_ap < d_an).astype(float)))}")
s_ap, s_an = np.split(network.head.forward(embeddings["trained on Omniglot"], pairs, train=False), 2)
print(f"{'   by its own head':<20} positive nearer {percent(rate((s_ap > s_an).astype(float)))}")

# %% [markdown]
# In this run pixels have 76 %, random weights 79 %, and the packaged network 89 %, or 93 % where its own head compares,
# which is what was trained. Random weights are a little better than pixels: the frame, the convolutions and the pooling
# forgive small shifts before anything is learned. (The triplets share 600 images, so true intervals are wider.)
#
# ## The flaw
#
# Report 000 trained siamese networks on pairs of digits 0 to 4 and called a test on digits 5 to 9 *hard*, since no pair
# of them had been learned from. But its branches had been pretrained as classifiers, of all ten digits. Nobody can
# unlearn a class by not being asked about it.
#
# Make both branches: one classifier of all ten digits, as in the report, and one of 0 to 4, *clean*. The network is
# `mnist_classifier` of `studies/report000/`: two blocks of convolution and two linear layers give ten scores $s_k$, and
# a ReLU of these is the branch. The loss is the softmax cross-entropy, over the first $C$ classes only:
#
# $$L = -s_y + \log \sum_{k < C} e^{s_k}, \qquad
# \frac{\partial L}{\partial s_k} = \frac{e^{s_k}}{\sum_{l < C} e^{s_l}} - [k = y] \quad (k < C),
# \qquad \frac{\partial L}{\partial s_k} = 0 \quad (k \ge C).$$
#
# The clean network so has ten outputs, too, and the last five keep their random weights: no gradient reaches them.


# %%
def first_classes(s, label, classes):
    """Mean cross-entropy of a softmax over the first few of the scores s (N, 10), and ds."""
    ds = np.zeros_like(s)
    loss, ds[:, :classes] = losses.n_way(s[:, :classes], label)
    return loss, ds


rng = np.random.default_rng(0)
s, label = rng.normal(size=(4, 10)), np.array([0, 4, 2, 2])
exponential = np.exp(s[:, :5])
p = exponential / exponential.sum(axis=1, keepdims=True)
loss, ds = first_classes(s, label, 5)
np.testing.assert_allclose(loss, -np.log(p[np.arange(4), label]).mean())
np.testing.assert_allclose(ds[:, :5], (p - np.eye(5)[label]) / 4, atol=1e-12)
assert not ds[:, 5:].any()
print(f"largest relative error of the gradient {check_loss(first_classes, [s], [label, 5]):.0e}")


# %%
def pretrain(classes, steps):
    """(classifier, branch) that share their weights, trained on the digits below ``classes``."""
    classifier, branch = mnist_classifier(np.random.default_rng(0))
    known = train.take_classes(range(classes))
    views, optimizer, rng = Views(known.images, 28), Adam(classifier, rates=2e-3), np.random.default_rng(1)
    for step in range(steps):
        rows = rng.choice(len(known.images), min(128, len(known.images)), replace=False)
        s = classifier.forward(views(rows))
        _, ds = first_classes(s, known.labels[rows], classes)
        classifier.backward(ds)
        optimizer.step(*SCHEDULES["cosine"](step, steps, 1))
        classifier.zero_grad()
    return classifier, branch


# %%
KINDS = {"all ten digits": 10, "0-4 alone": 5}
steps = 10 if lesson.QUICK else 150
fresh = mnist_classifier(np.random.default_rng(0))[0].layers[-1].params["W"]
branches = {}
for kind, classes in KINDS.items():
    classifier, branches[kind] = pretrain(classes, steps)
    known = test.take_classes(range(classes))
    guess = embed(classifier, Views(known.images, 28))[0, :, :classes].argmax(axis=1)
    print(f"pretrained on {kind:<14} names its digits right in {percent(rate((guess == known.labels).astype(float)))}")
    W = classifier.layers[-1].params["W"]
    unmoved = [k for k in range(10) if np.array_equal(np.take(W, k, -1), np.take(fresh, k, -1))]
    print("  outputs that are as they were drawn:", unmoved)

# %% [markdown]
# Now forget that they are classifiers, and take them as twins: the distance of two images is that of their features,
# $d = \lVert z_1 - z_2 \rVert_2$. The last layer is first scaled so that images of two classes are 1 apart on average,
# which moves no neighbour and gives a margin of 1 a meaning (`runs.scale`).
#
# Two tests, both on test images of digits 5 to 9: 5-way one-shot trials (guessing gets 20 %), and pairs, same or
# different (guessing gets 50 %). For pairs a threshold is needed. As in the report it is the one that is right most
# often on pairs that may be known, training images of 0 to 4; `verification` does it with `best_threshold`. The same
# trials go to two that have seen no digit 5 to 9 for certain: the pixels, and the network of letters.

# %%
count = 40 if lesson.QUICK else 1000
seen, unseen = test.take_classes(range(5)), test.take_classes(range(5, 10))
known = some(train.take_classes(range(5)), 1000, 4)
hard = nway_trials(unseen, 5, 1, count, True, np.random.default_rng(5))
easy = nway_trials(seen, 5, 1, count, True, np.random.default_rng(6))


def measure(scorer):
    """{"one-shot", "pairs"}: rates on digits 5 to 9; on pairs, of the threshold that is best on known digits."""
    rng = np.random.default_rng(7)
    return {"one-shot": one_shot(hard, scorer, {}), "pairs": verification(unseen, known, scorer, {}, count, False, rng)}


# %%
PLAN = PLANS["mnist"]
twins, before, branch_maps = {}, {}, {}
for kind, branch in branches.items():
    runs.scale(branch, PLAN, train, KINDS[kind], 0, "cpu")
    twins[kind] = runs.siamese(PLAN, "contrastive", branch)
    before[kind] = measure(network_scorer(twins[kind]))
    branch_maps[f"pretrained on {kind}"] = embed(twins[kind], Views(shown.images, 28))[0]
others = {"pixels": measure(nearest_neighbour), "Omniglot's network": measure(network_scorer(network))}
for name, measured in (before | others).items():
    for test_name, each in measured.items():
        print(f"{name:<20}{test_name:<10}{percent(each)}")

# %% [markdown]
# In this run the branch of all ten digits is right in 88 % of the trials, and the clean one in 43 %, which is no better
# than pixels, 49 %. Before a single pair was learned from, the flaw is worth 45 points. Where they come from is plain:
# five of the first branch's ten features *are* the scores of digits 5 to 9.
#
# The network of letters has 79 %, honestly. It has seen no digit either, but hundreds of characters instead
# of five digits, and they taught it what to forgive. (It is also larger, and its frame helps; this is not a
# comparison of data alone.) The intervals are those of the trials; a training from another seed moves the branches'
# figures by a few points more.

# %%
if TSNE:
    lesson.show(
        draw_maps(maps_of(branch_maps), f"t-SNE of {len(shown.images)} test digits (the axes have no unit)"),
        "Crosses are digits 5 to 9: left, with the flaw, each has a place of its own; right, clean, they lie mixed.",
    )

# %% [markdown]
# ## Learning from pairs
#
# The report's step comes only now: the branches are trained further, on pairs of digits 0 to 4, by the contrastive loss
#
# $$L = \tfrac{y}{2}\, d^2 + \tfrac{1 - y}{2} \max(0, 1 - d)^2, \qquad
# \frac{\partial L}{\partial d} = y\, d - (1 - y) \max(0, 1 - d).$$
#
# Each step takes 20 images of each of the five digits, all pairs of one digit among them and as many of two. The rate
# is $10^{-4}$, five times that of `lessons/report000.md`, to show in few steps where it leads.


# %%
def fine_tune(twin, steps, rate_of_adam):
    """Train on pairs of digits 0 to 4; prints how one-shot trials of seen and of unseen digits fare."""
    rng, views, optimizer = np.random.default_rng(8), Views(train.images, 28), Adam(twin, rates=rate_of_adam)
    for step in range(steps + 1):
        if step % (steps // 3) == 0:
            on_seen, on_unseen = (one_shot(each, network_scorer(twin), {}) for each in (easy, hard))
            print(f"  step {step:>3}   0-4 {on_seen['accuracy']:.1%}   5-9 {on_unseen['accuracy']:.1%}")
        if step == steps:
            break
        rows = np.concatenate([rng.choice(rows, 20, replace=False) for rows in train.rows_of_class[:5]])
        z = twin.forward(views(rows))
        batch = Batch(rows, *pairs_among(train.labels[rows], rng))
        _, dz = CRITERIA["contrastive"].compute(twin.head, z, batch, 1.0)
        twin.backward(dz)
        optimizer.step(*SCHEDULES["cosine"](step, steps, 1))
        twin.zero_grad()


# %%
d, y = np.array([0.2, 0.7, 0.4, 1.6]), np.array([1, 1, 0, 0])
print(f"largest relative error of the gradient {check_loss(losses.contrastive, [d], [y]):.0e}")
after = {}
for kind, twin in twins.items():
    print(f"pretrained on {kind}: 5-way one-shot")
    fine_tune(twin, 6 if lesson.QUICK else 90, 1e-4)
    after[kind] = measure(network_scorer(twin))

# %%
bars = {name: (each, "tab:gray") for name, each in others.items()}
for kind, color in {"all ten digits": "tab:red", "0-4 alone": "tab:green"}.items():
    bars[f"{kind}:\nbefore"], bars[f"{kind}:\nafter pairs"] = (before[kind], color), (after[kind], color)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
for ax, key, chance in zip(axes, ("one-shot", "pairs"), (20, 50), strict=True):
    for place, (each, color) in enumerate(bars.values()):
        accuracy, (low, high) = 100 * each[key]["accuracy"], 100 * np.array(each[key]["interval"])
        ax.bar(place, accuracy, color=color, alpha=0.75)
        ax.errorbar(place, accuracy, [[accuracy - low], [high - accuracy]], color="black", capsize=4)
        ax.text(place, 2, f"{accuracy:.0f}", ha="center", color="white", fontsize=11)
    ax.axhline(chance, color="black", linestyle=":", label="guessing")
    ax.set_xticks(range(len(bars)), bars, rotation=35, ha="right", fontsize=8)
    ax.set(ylabel="accuracy (%)", ylim=(0, 102))
axes[0].set_title("digits 5-9, 5-way one-shot")
axes[1].set_title("digits 5-9, same or different")
axes[0].legend(loc="upper left")
lesson.show(
    figure,
    "Red, with the flaw: far ahead before any pair is learned from, less so after. Green, clean: near the pixels.",
)

# %% [markdown]
# In this run pairs of 0 to 4 bring trials of 0 to 4 above 98 % with both branches. On 5 to 9 the flawed branch falls
# from 88 to 69 %, and the clean one goes from 43 to 44 %, well within its interval. Nothing in the loss asks to keep
# digits 5 to 9 apart, so the weights that did it are free to serve the others: the network **forgets**. With the flaw,
# siamese training looks harmful; without it, it looks like what it is here, of little use to other classes, since five
# classes say little about a sixth.
#
# The report's figures, and those of `lessons/report000.md`, which made all of it again with and without the flaw, pairs
# at a fifth of this rate, and tests of 10,000 (half the width of the 95 % interval behind $\pm$):
#
# | MNIST, % | report | ours, all ten digits | ours, clean |
# |---|---|---|---|
# | pairs of 5-9, contrastive | 81 | 87.6 ± 0.6 | 56.2 ± 1.0 |
# | pairs of 5-9, BCE | 70 | 92.4 ± 0.5 | 61.2 ± 1.0 |
# | triplets of 5-9, random | 97 | 99.1 ± 0.2 | 74.1 ± 0.9 |
# | 10-way one-shot, the branch alone | | 96.1 ± 0.4 | 61.6 ± 1.0 |
# | 10-way one-shot, contrastive | 75 | 95.1 ± 0.4 | 62.2 ± 1.0 |
# | 10-way one-shot, BCE | 70 | 94.6 ± 0.4 | 63.2 ± 0.9 |
# | 10-way one-shot, semi-hard triplets | 95 | 96.7 ± 0.4 | 64.9 ± 0.9 |
# | 10-way one-shot, pixels | | 42.7 ± 1.0 | 42.7 ± 1.0 |
#
# (In 10-way trials half of the digits are known to the clean branch, too. The report does not say which triplets its 95
# are of.) Read as they stand, its figures say that triplets are far better than pairs, 95 against 75 and 70. But its
# triplets must have been of all ten digits, and its pairs were of five. The column on the right has no such difference
# left: 62 to 65 %.
#
# The rule is short. **A class is unseen if nothing has seen it**: no pretraining, no threshold, no choice of settings.
# Omniglot's division by alphabets makes that easy to keep; a network taken from elsewhere makes it easy to break.

# %% [markdown]
# ## Photographs
#
# The report did the same with CIFAR-10, 60,000 photographs of ten classes, $32 \times 32$ pixels in colour. Could the
# network of drawings say anything of them? It takes one channel, and says so:

# %%
photographs = None
if not lesson.QUICK and find_file([f"cifar10/{name}" for name in cifar10.FOUND_AS]):
    photographs = cifar10.load()["test"]
else:
    print("without CIFAR-10, which is not here or would take too long to read: noise stands in for it")
noise = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3)).astype(np.uint8)
colour = noise if photographs is None else photographs.images[[rows[0] for rows in photographs.rows_of_class]]
try:
    network_scorer(network)(colour, np.array([[0, 1]]))
except BadInput as error:
    print("BadInput:", error)

# %%
figure, axes = plt.subplots(2, 10, figsize=(11, 2.6))
grey = colour.mean(axis=3, keepdims=True).astype(np.uint8)
seen = Views(grey, network.size, frame=network.frame)(np.arange(10))
for c, name in enumerate(cifar10.CLASSES):
    picture(axes[0, c], colour[c])
    axes[1, c].imshow(seen[c, :, :, 0], vmin=0, vmax=1)
    axes[0, c].set_title(name if photographs is not None else "noise", fontsize=9)
    axes[1, c].set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("stored", fontsize=9)
axes[1, 0].set_ylabel("grey, seen", fontsize=9)
lesson.show(
    figure,
    "Below, what the network of drawings looks at: made grey, light taken for ink and framed as ink.",
)

# %% [markdown]
# Making them grey gets past the complaint. It does not make them drawings.

# %%
if photographs is not None:
    grey_images = replace(photographs, images=photographs.images.mean(axis=3, keepdims=True).astype(np.uint8))
    trials = nway_trials(grey_images, 10, 1, 400, False, np.random.default_rng(9))
    both = {"trained on Omniglot": network_scorer(network), "nearest neighbour": nearest_neighbour}
    for name, scorer in both.items():
        print(f"grey photographs, {name:<20}", percent(rate(credits(trials.scores(scorer), trials.target))))

# %% [markdown]
# In this run 14.2 % (11.2 to 18.0 %) beside 12.0 % of the pixels (9.2 to 15.6 %), where guessing has 10 %. The
# intervals overlap, and both are next to nothing. What was learned is which differences between strokes to forgive, and
# a photograph has no strokes: it has light, texture and a background. Transfer reaches as far as what the two kinds of
# image share.
#
# A network of photographs takes longer to train than a lesson, so here are the figures of `lessons/report000.md` again
# (10-way one-shot, 10,000 trials, in %). It is the same flaw in colour:
#
# | CIFAR-10, 10-way one-shot | report | ours, all ten classes | ours, clean |
# |---|---|---|---|
# | the pretrained branch alone | | 55.8 ± 1.0 | 34.9 ± 0.9 |
# | contrastive pairs of five classes | 29 | 39.6 ± 1.0 | 36.1 ± 0.9 |
# | BCE, pairs of five classes | 40 | 45.1 ± 1.0 | 36.9 ± 0.9 |
# | semi-hard triplets | 62 | 62.5 ± 0.9 | 36.8 ± 0.9 |
# | nearest neighbour among pixels | | 15.3 ± 0.7 | 15.3 ± 0.7 |
#
# ![one-shot accuracy against N on CIFAR-10, with the flaw and without](report000/cifar10-ways.png)
#
# *Left, pretrained on all ten classes: the losses seem to differ by more than 20 points. Right, clean: they lie on one
# line.*
#
# With the flaw, pairs of five classes take 11 to 16 points from the branch, and semi-hard triplets of all ten add 7.
# Clean, every loss in the table is within about 2 points of its branch. What looked like a comparison of losses was one
# of which classes had been seen.
#
# ## What you have built
#
# Lesson 1 had a task and a distance of pixels, right in 19.0 % of the trials. Since then you have made convolution a
# matrix product and every backward pass by hand, checked against differences; joined two twins by a head, and trained
# them by cross-entropy, by contrastive and triplet losses, with mined triplets; chosen initial values, momentum, decay
# and distortion; measured without fooling yourself; computed the same by Fourier's five products, and by lines that a
# GPU can run; and, now, left the data that it was trained on. No step of it was a call into somebody else's network.
# The whole is
#
#     .venv/bin/python -m minisiamese.train omniglot
#
# which trains the network of the README's results (22 to 44 minutes on the machine of the README, 97.8 % on Lake's
# trials, the mean of four seeds). Three directions lead on.
#
# **More than one example.** With $K$ drawings of each class, Snell, Swersky & Zemel (2017) take the class to be its
# mean embedding, the *prototype* $c_n = \frac{1}{K} \sum_k z_{nk}$, and train the task itself with
# $s_{qn} = -\lVert z_q - c_n \rVert^2$. The gradients follow from the softmax, with $p_{qn}$ its probabilities and $Q$
# queries:
#
# $$\frac{\partial L}{\partial s_{qn}} = \tfrac{1}{Q} (p_{qn} - [n = y_q]) =: g_{qn}, \qquad
# \frac{\partial L}{\partial z_q} = -2 \sum_n g_{qn} (z_q - c_n), \qquad
# \frac{\partial L}{\partial z_{nk}} = \tfrac{2}{K} \sum_q g_{qn} (z_q - c_n).$$


# %%
def prototypical_by_hand(queries, supports, target):
    """The loss and its two gradients, one query and one class at a time."""
    Q, (N, K, _) = len(queries), supports.shape
    loss, dqueries, dsupports = 0.0, np.zeros_like(queries), np.zeros_like(supports)
    for q in range(Q):
        difference = np.stack([queries[q] - supports[n].mean(axis=0) for n in range(N)])
        exponential = np.exp(-(difference**2).sum(axis=1))
        p = exponential / exponential.sum()
        loss -= np.log(p[target[q]]) / Q
        for n in range(N):
            g = (p[n] - (n == target[q])) / Q
            dqueries[q] -= 2 * g * difference[n]
            dsupports[n] += 2 / K * g * difference[n]  # the same for each of the K
    return loss, dqueries, dsupports


rng = np.random.default_rng(0)
queries, supports, target = rng.normal(size=(5, 4)), rng.normal(size=(3, 2, 4)), np.array([0, 1, 2, 2, 1])
library = losses.prototypical(queries, supports, target)
for ours, theirs in zip(prototypical_by_hand(queries, supports, target), library, strict=True):
    np.testing.assert_allclose(ours, theirs)
print(f"largest relative error of the gradients {check_loss(losses.prototypical, [queries, supports], [target]):.0e}")

# %% [markdown]
# `--loss prototypical` trains it, and `--shot 5` of `minisiamese.evaluate` tests with more drawings.
#
# **Your own pictures.** `python -m minisiamese.train folder --data-dir MY_IMAGES` takes any images in one folder a
# class, grey or in colour, and keeps a fifth of the classes for testing. It keeps the rule above for you.
#
# **Many classes of few.** Five digits of thousands taught a network less about other digits than hundreds of
# characters, twenty drawings of each. How does transfer grow with the number of classes, at a fixed number of images?
# Omniglot has enough to find out: train on 5, 10, 20 alphabets, test on MNIST.

# %% [markdown]
# ## What to try
#
# - Thin the digits with `scipy.ndimage.grey_erosion(images, size=(1, 2, 2, 1))` until `traits` gives Omniglot's stroke
#   width. How much of the gap was the pen? Choose on trials of `lesson.digits("train")`, then test once.
# - Call `fine_tune` with the rate `2e-5`, or give it one image of each of digits 5 to 9 in every step (the report's
#   type 2). How much less is forgotten, and is a class with one image still unseen?
# - Draw t-SNE maps with a perplexity of 5 and of 100, from other seeds, and of random numbers instead of embeddings.
#   Which of the islands are always there, and which does the method make?
#
# **Exercise 10** asks for the best threshold, accuracy against the number of classes, and the prototypical loss. In a
# terminal, in the folder that you cloned:
#
#     .venv/bin/python -m lessons.exercises start 10
#     .venv/bin/python -m lessons.exercises check ex10.py
#
# The first writes `ex10.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 10.1` in place of `check` gives a hint.
