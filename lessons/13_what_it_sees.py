# %% [markdown]
# # 13. What the network sees
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.1 with figures 3 and 4, and section 4.3. About 45 minutes.*
#
# A network that gets nine trials of ten right has found something in the drawings. What? This lesson draws the paper's
# two pictures of its network, looks at the filters, features and weights of a trained network, asks in two ways
# which pixels a score depends on, and reads the trials that the network gets wrong. Pictures of this kind persuade
# easily, so the conclusions drawn from them here are put to measurements that could have gone against them.

# %%
from dataclasses import replace

import lesson
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import label
from scipy.stats import spearmanr

from minisiamese.convolution import Conv2D
from minisiamese.data.dataset import hold_out
from minisiamese.data.views import Views
from minisiamese.evaluate.baselines import modified_hausdorff
from minisiamese.evaluate.scoring import mean_embedding
from minisiamese.fast.fuse import fuse
from minisiamese.layers import Flatten, Linear, Named, ReLU, Sequential, Sigmoid
from minisiamese.networks import conv4_wide, koch
from minisiamese.plots import picture
from minisiamese.pooling import MaxPool2D
from minisiamese.predict.occlusion import occlusion_map
from minisiamese.runs.folder import load_run
from minisiamese.siamese import L1Head, Siamese
from minisiamese.trials import credits, nway_trials, rate, wilson

plt.rcParams["axes.grid"] = False
rng = np.random.default_rng(0)
network, trained, _ = load_run(lesson.HELD_OUT)
count = trained.data.validation_alphabets if lesson.DATA == "omniglot" else 2
training, held_out = hold_out(lesson.drawings("background"), count)
if lesson.QUICK:
    held_out = held_out.take_groups([0])
views = Views(
    held_out.images, network.size, frame=network.frame
)  # as the network sees them: 52 x 52, filled by the ink
print("held out:", ", ".join(held_out.group_names))


def heat(ax, image, title="", most=None):
    """Show an image of signed numbers: orange above 0, violet below."""
    most = most or abs(image).max()
    ax.imshow(image, cmap="PuOr_r", vmin=-most, vmax=most)
    ax.set(title=title, xticks=[], yticks=[])


# %% [markdown]
# The network, `held_out.npz` in this folder, is of the architecture that ships, but was trained on 25 of the 30
# background alphabets. All drawings below are of the other five. The evaluation alphabets stay closed: whoever looks at
# errors there, and then changes something, has trained on them (lesson 11).
#
# ## Figure 3: twins
#
# Both drawings $x_1$ and $x_2$ pass through the same hidden layers. The distance layer takes $|h_1 - h_2|$ feature by
# feature, and the output is $p = \sigma\big(\sum_j \alpha_j |h_1^{(j)} - h_2^{(j)}|\big)$. The picture is drawn from a
# small twin of the library's layers, each line in the colour of its weight: orange above 0, violet below. Only the
# lines to the distance differ, since $h_1$ enters it with $+1$ and $h_2$ with $-1$.

# %%
twin = Sequential(Linear(5, 4, rng), Sigmoid(), Linear(4, 3, rng), Sigmoid())
alpha = np.array([1.2, -0.8, 0.5])
figure, ax = plt.subplots(figsize=(9, 4.2))


def connect(column, below, W, above):
    """Draw the weights W (D, M) from D units in a column to M in the next; below and above: the columns' middles."""
    ends = [middle + 0.6 * (np.arange(n) - (n - 1) / 2) for middle, n in zip((below, above), W.shape, strict=True)]
    for i, j in np.argwhere(W):
        color = plt.get_cmap("PuOr_r")(0.5 + W[i, j] / 3)
        ax.plot([column, column + 1], [ends[0][i], ends[1][j]], "o-", color=color, linewidth=2, zorder=1)
    for place, heights in enumerate(ends):
        ax.scatter(np.full(len(heights), column + place), heights, 300, "white", edgecolors="black", zorder=2)


for name, middle, sign in (("$x_1$", 1.8, 1), ("$x_2$", -1.8, -1)):
    connect(0, middle, twin.layers[0].params["W"], middle)
    connect(1, middle, twin.layers[2].params["W"], middle)
    connect(2, middle, sign * np.eye(len(alpha)), 0)
    ax.text(-0.3, middle, name, fontsize=16, ha="center", va="center")
connect(3, 0, alpha[:, None], 0)
names = {0: "input", 1: "hidden", 2: "hidden, $h$", 3: "distance\n$|h_1 - h_2|$", 4: "output\n$p$"}
for column, name in names.items():
    ax.text(column, 3.7 if column < 3 else 1.4, name, ha="center", va="center", fontsize=13)
ax.text(1, 0, "the same\nweights", ha="center", va="center", fontsize=13, style="italic")
ax.set(xlim=(-0.5, 4.4), ylim=(-3.3, 4.1))
ax.axis("off")
lesson.show(
    figure,
    "Figure 3: both twins have lines of the same colours, for the same weights; lines into the distance have opposite "
    "signs.",
)

# %% [markdown]
# ## Figure 4: the convolutional twin
#
# Here is the paper's whole network, with one of its twins. Its sizes are measured while a drawing goes through `koch`
# layer by layer: a convolution takes $K - 1$ pixels off the side, a pooling halves it.

# %%
paper = koch(rng, init="paper")
y, steps = held_out.images[:1] / np.float32(255), []
for stage in paper.twin.layers:
    for layer in stage.layers if isinstance(stage, Named) else [stage]:
        y, weights = layer.forward(y, train=False), sum(array.size for array in layer.params.values())
        if weights or isinstance(layer, MaxPool2D):
            K = len(layer.params["W"]) if weights else layer.window
            steps.append((f"{'' if weights else 'pool '}{K} x {K}" if y.ndim == 4 else "fully\nconnected", y.shape[1:]))
            print(f"{type(layer).__name__:10} to {' x '.join(map(str, y.shape[1:])):14} {weights:12,} weights")
weights, total = (sum(array.size for array in part.arrays().values()) for part in (paper.head, paper))
print(f"{'L1Head':10} to {'1':14} {weights:12,} weights, and {total:,} in all")

figure, ax = plt.subplots(figsize=(12, 3.2))
x = 0
for name, shape in [("", held_out.images.shape[1:]), *steps, ("L1", y.shape[1:]), ("sigmoid", (1,))]:
    maps, side = (shape[2], shape[0] / 50) if len(shape) == 3 else (1, 0.15)
    height, sheets = side if len(shape) == 3 else 2 if shape[0] > 1 else 0.25, 0.06 * np.arange(1 + maps // 32)
    for shift in sheets:
        ax.add_patch(plt.Rectangle((x + shift, shift - height / 2), side, height, fc="#9ecae1", ec="black", lw=0.8))
    width = side + sheets[-1]
    size = f"{maps} @\n{shape[0]} x {shape[1]}" if len(shape) == 3 else f"{shape[0]:,}"
    ax.text(x + width / 2, -1.3, size, ha="center", va="top", fontsize=11)
    if name:
        ax.text(x - 0.22, 1.25, name, ha="center", fontsize=10)
        ax.annotate("", (x - 0.08, 0), (x - 0.42, 0), arrowprops={"arrowstyle": "->"})
    x += max(width, 0.75) + 0.5
ax.set(xlim=(-0.2, x), ylim=(-2.1, 1.8), aspect="equal")
ax.axis("off")
lesson.show(figure, "Figure 4: above the arrows what a layer does, below the boxes the number of maps and their size.")

# %% [markdown]
# Of 39.0 million weights, 37.8 million are in the one fully connected layer. `conv4-wide`, our network, has no such
# layer. After four stages of 3 x 3 convolution, batch norm (lesson 8), ReLU and pooling, its last maps are the
# features: $3 \times 3$ places with 128 channels each, 1,152 in all. So every feature belongs to a place, one of nine.
#
# ## What a filter answers to
#
# After training, a batch norm uses stored statistics, $y = \gamma\, (Wx - \mu) / \sqrt{v + \epsilon} + \beta$. That is
# a factor and a shift for each channel, which can be moved into the convolution before it:
#
# $$y = W'x + b', \qquad W' = \frac{\gamma}{\sqrt{v + \epsilon}}\, W, \qquad
# b' = \beta - \frac{\gamma\, \mu}{\sqrt{v + \epsilon}} .$$
#
# The *folded* network computes the same, and can go backward: batch norm's own `backward` is that of training, through
# the statistics of the batch. The picture shows the folded network's first filters, and each filter's largest answer
# to straight strokes of every direction.


# %%
def folded(network):
    """A trained network of stages with batch norm as a plain one without, in float64."""
    stages = []
    for stage in network.twin.layers[:-1]:
        parts = dict(stage.children())
        W, norm = parts["conv"].params["W"], parts["norm"]
        factor = norm.params["gamma"] / np.sqrt(norm.buffers["var"] + norm.eps)
        conv = Conv2D(*W.shape[2:], len(W), rng, padding=1)
        conv.params["W"], conv.params["b"] = W * factor, norm.params["beta"] - factor * norm.buffers["mean"]
        stages.append(Named(conv=conv, relu=ReLU(), pool=MaxPool2D(2)))
    head = L1Head(len(network.head.params["alpha"]))
    head.params = dict(network.head.params)
    return Siamese(Sequential(*stages, Flatten()), head, network.size).astype(np.float64)


plain = folded(network)
some = views(np.arange(8))
np.testing.assert_allclose(plain.forward(some, train=False), network.forward(some, train=False), atol=1e-3)

conv, degrees, u = plain.twin.layers[0].layers[0], np.arange(0, 180, 5), np.arange(-25.5, 26)
away = np.stack([u[:, None] * np.cos(a) + u * np.sin(a) for a in np.deg2rad(degrees)])  # from a line through the middle
strokes = np.concatenate([np.clip(2 - abs(away + part), 0, 1) for part in (0, 0.25, 0.5, 0.75)])  # of a pixel
answers = conv.forward(strokes[..., None], train=False)[:, 8:-8, 8:-8].max(axis=(1, 2))
answers = np.maximum(answers, 0).reshape(4, len(degrees), -1).max(axis=0).T  # (64, directions), after ReLU
order = np.argsort(answers.argmax(axis=1), kind="stable")
wall = np.zeros((33, 33))
for place, k in enumerate(order):
    i, j = divmod(4 * place, 32)
    wall[4 * i + 1 : 4 * i + 4, j + 1 : j + 4] = conv.params["W"][:, :, 0, k]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4))
heat(left, wall, "64 filters, by the direction they answer to most")
strength = answers[order] / np.maximum(answers[order].max(axis=1, keepdims=True), 1e-9)
shown = right.imshow(strength, aspect="auto", extent=(0, 180, 64, 0), cmap="viridis", vmin=0)
figure.colorbar(shown, ax=right, label="answer, of the filter's largest")
right.set(xlabel="direction of a stroke (degrees, 90 is upright)", ylabel="filter", xticks=range(0, 181, 45))
lesson.show(figure, "Most filters answer to some directions more than to others, and every direction has its filters.")
print(f"{np.sum(strength.min(axis=1) < 0.5)} of 64 answer to some direction less than half as much as to their best")

# %%
dotted, bare = (44, 23) if lesson.DATA == "omniglot" else (0, 1)  # two Bengali letters, chosen by hand
chosen = [held_out.rows_of_class[k][n] for k, n in ((dotted, 11), (dotted, 3), (bare, 3))]
look = views(np.array(chosen))
query, right_one, wrong_one = look
figure = plt.figure(figsize=(11, 4.6))
left, right = figure.subfigures(1, 2, width_ratios=(1, 2))
picture(ax := left.subplots(), 255 * query)
ax.set_title("the drawing as the network sees it")
x, reach, step = look[:1].astype(float), 1, 1
for stage, line in zip(plain.twin.layers[:-1], right.subplots(4, 8), strict=True):
    x = stage.forward(x, train=False)
    reach, step = reach + 3 * step, 2 * step  # of a 3 x 3 kernel 2 more, of pooling 1
    for ax, k in zip(line, np.argsort(-x[0].mean(axis=(0, 1))), strict=False):
        ax.imshow(x[0, :, :, k], cmap="viridis")
        ax.set(xticks=[], yticks=[])
    size = f"{x.shape[1]} x {x.shape[2]}"
    line[0].set_ylabel(size)
    print(f"{x.shape[3]} maps of {size}, {np.mean(x == 0):.0%} of them 0; a value depends on {reach} x {reach} pixels")
lesson.show(figure, "The eight loudest maps after each stage: first strokes and edges, at last only places.")

# %% [markdown]
# Filters of all directions look like something that training has found. They need not be: most kernels of nine random
# weights prefer some direction, too, and among 64 of them every direction is there (put random numbers into
# `conv.params["W"]`, and see). Of the maps, the picture shows the loudest, which have the largest means. By stage 2 a
# map shows pieces of strokes, by stage 4 hardly anything that we have a word for. From here on only what a feature
# *does* can be measured.
#
# ## Which features speak
#
# A decision between two candidates $r$ and $c$ for a query $q$ is the sign of
#
# $$s(q, r) - s(q, c) = \sum_j \alpha_j \big( |h_q^{(j)} - h_r^{(j)}| - |h_q^{(j)} - h_c^{(j)}| \big),$$
#
# from which the bias has cancelled. Each term is one feature's contribution. The example is of two Bengali letters,
# *ড়* ($q$ and $r$, by two people) and *ড* ($c$), which differ in a dot.

# %%
alpha, (h_q, h_r, h_c) = network.head.params["alpha"], network.forward(look, train=False)
terms = {"same": alpha * abs(h_q - h_r), "different": alpha * abs(h_q - h_c)}
terms["same less different"] = terms["same"] - terms["different"]
scores = network.head.params["b"] + [terms["same"].sum(), terms["different"].sum()]
print(f"s(q, r) = {scores[0]:.1f}, s(q, c) = {scores[1]:.1f}; {np.mean(alpha > 0):.0%} of the alpha are above 0")
figure, axes = plt.subplots(1, 3, figsize=(12, 3.5))
axes[0].plot(np.sort(alpha), color="black")
axes[0].set(xlabel="feature, sorted", ylabel="$\\alpha_j$", title="weights of the head")
for (name, each), color in zip(terms.items(), ("tab:blue", "tab:orange", "black"), strict=True):
    axes[1].plot(np.sort(each), color=color, label=name)
    share = np.cumsum(np.sort(abs(each))[::-1]) / abs(each).sum()
    print(f"{name:20} above 0 {each[each > 0].sum():+.1f}, below {each[each < 0].sum():+.1f};", end=" ")
    print(
        f"half of all by {1 + np.searchsorted(share, 0.5)} features, nine tenths by {1 + np.searchsorted(share, 0.9)}"
    )
axes[1].set(xlabel="feature, sorted", ylabel="contribution to the score", title="contributions")
axes[1].legend(fontsize=9)
places = terms["same less different"].reshape(3, 3, -1).sum(axis=2)
heat(axes[2], np.kron(places, np.ones((17, 17))), "same less different, by place", 2 * abs(places).max())
axes[2].contour(query[:51, :51, 0], [0.5], colors="black", linewidths=1)
for i, j in np.ndindex(3, 3):
    axes[2].text(17 * j + 1, 17 * i + 3, f"{places[i, j]:+.1f}", fontsize=11)
lesson.show(
    figure, "Many features contribute a little each; those of the place where the dot is speak most for the right one."
)

# %% [markdown]
# How many features would do? The next cell lets the head use only some of them, on trials of the held-out alphabets.
# The *loudest* features are those that contribute most on average, by size, to scores of pairs of training drawings.

# %%
T, N = (40, 5) if lesson.QUICK else (2000, 20)
z = mean_embedding(network, held_out.images)
numbers = np.arange(len(z)).reshape(-1, 1, 1, 1)  # in place of the images, so that trials name rows of the data set
trials = nway_trials(replace(held_out, images=numbers), N, 1, T, True, np.random.default_rng(1))


def ask(z, alpha):
    """Scores (T, N) of the trials by an L1 head, from embeddings of the held-out drawings."""
    head = L1Head(len(alpha), alpha)
    return trials.scores(lambda images, pairs: head.forward(z, images.ravel()[pairs], train=False))


known = mean_embedding(network, training.images[:: max(1, len(training.images) // (40 if lesson.QUICK else 400))])
loudness = abs(alpha) * abs(known - rng.permutation(known)).mean(axis=0)  # |contribution|, on training drawings
loudest = np.argsort(-loudness)
uses = {f"the {k} loudest": loudest[:k] for k in (1, 16, 64, 128, 1152)}
uses |= {"128 at random": rng.permutation(1152)[:128]}
uses |= {"alpha below 0": np.flatnonzero(alpha < 0), "alpha above 0": np.flatnonzero(alpha > 0)}
for name, j in uses.items():
    print(f"{name:17} {rate(credits(ask(z[:, j], alpha[j]), trials.target))['accuracy']:6.1%} of {N}-way trials")

# %%
loud = loudest[0]
values = {
    f"feature {loud}\nhighest": z[:, loud],
    "lowest": -z[:, loud],
    "a mixture\nhighest": z @ rng.normal(size=1152),
}
figure, axes = plt.subplots(3, 10, figsize=(11, 3.5))
for line, (name, value) in zip(axes, values.items(), strict=True):
    for ax, image in zip(line, views(np.argsort(-value, kind="stable")[:10]), strict=True):
        picture(ax, 255 * image)
    line[0].set_ylabel(name)
print(f"feature {loud}: line {loud // 128 // 3 + 1}, column {loud // 128 % 3 + 1} of the places, channel {loud % 128}")
lesson.show(
    figure, "Drawings with the most and the least of the loudest feature, and with the most of a random mixture."
)

# %% [markdown]
# In this run the head is right in 89.0 % of the trials with the 128 loudest features of 1,152, and in 90.6 % with all:
# no feature decides alone, most are dispensable, and 128 at random do far worse. Of the weights, 42 % are positive,
# though a difference should speak against "same". By features with positive weights alone, the candidate that differs
# most wins, which is right in 0.1 % of the trials, where chance is 5 %; without these features 88.0 % are right. They
# correct the others, and $s$ is not minus a distance.
#
# The first line of drawings looks like a find: the ten have pointed strokes in their left half, and those of the second
# line a loop or a smooth curve there. Before the feature gets a name, look at the third line. A random mixture of all
# features collects similar drawings, too, as Szegedy et al. (2014, *Intriguing properties of neural networks*) found
# for digits and photographs. That the top ten agree says that the whole *space* is orderly, not that one feature has a
# meaning of its own.
#
# ## The gradient, one step further down
#
# Lesson 3's chain ends at the first layer's weights. But `backward` also returns $dx$, and of the first layer that is
# the derivative with respect to the drawing. From $ds = 1$ the head gives $dh_q = \alpha\, \mathrm{sign}(h_q - h_r)$
# and $dh_r = -dh_q$, and the layers' transposed Jacobians do the rest:
#
# $$\frac{\partial s}{\partial x_q} = J_1^\top J_2^\top \cdots J_L^\top\, dh_q, \qquad
# s(x_q + \delta) \approx s(x_q) + \Big\langle \frac{\partial s}{\partial x_q}, \delta \Big\rangle .$$
#
# Simonyan, Vedaldi & Zisserman (2014, *Deep Inside Convolutional Networks*) show it as a picture: where would a little
# more ink raise the score? (Training does not need the last product, with $J_1^\top$, and the fast networks that `fuse`
# makes leave it out; the folded network has it.) Finite differences check the gradient, on drawings with noise of
# 1/1000, so that no pixels tie.


# %%
def gradients(plain, images, ds):
    """The derivative of ds[0] s(q, r) + ds[1] s(q, c) with respect to the images q, r, c."""
    z = plain.forward(images)
    plain.head.forward(z, np.array([[0, 1], [0, 2]]))
    return plain.backward(plain.head.backward(np.array(ds, float)))


def score_with(network, other):
    """The function images -> s(image, other)."""

    def score(images):
        z = network.forward(np.concatenate([images, other[None]]), train=False)
        pairs = np.stack([np.arange(len(images)), np.full(len(images), len(images))], axis=1)
        return network.head.forward(z, pairs, train=False)

    return score


x = look.astype(float)
noisy = x + rng.normal(0, 1e-3, x.shape)
dx, exact = gradients(plain, noisy, (1, 0)), gradients(plain, x, (1, 0))
for i, j in rng.integers(10, 42, (6, 2)):
    up, down = (
        noisy[0] + sign * 1e-7 * (np.indices((52, 52)) == [[[i]], [[j]]]).all(axis=0)[..., None] for sign in (1, -1)
    )
    numerical = (score_with(plain, noisy[1])(np.stack([up, down])) @ [1, -1]) / 2e-7
    np.testing.assert_allclose(dx[0, i, j, 0], numerical, rtol=1e-3, atol=1e-5)
    print(f"pixel ({i}, {j}): backward {dx[0, i, j, 0]:+.4f}, differences {numerical:+.4f}")
print(f"maps with and without the noise: rank correlation {spearmanr(exact[0], dx[0], axis=None)[0]:.2f}")

# %% [markdown]
# ## Occlusion
#
# Zeiler & Fergus (2014, *Visualizing and Understanding Convolutional Networks*) ask instead what the network would have
# said without a part. A square of $K \times K$ pixels is made blank. For every place of the square the map $m$ holds
# the score of the whole drawing minus the score with the square hidden: a forward pass for each place. Squares
# are hidden in the view, after framing: to hide ink at the edge of a page would change the frame, and so move the rest.

# %%
K, S = 7, 15 if lesson.QUICK else 3  # side of a square, and pixels from one to the next
figure, axes = plt.subplots(2, 6, figsize=(12, 4.4))
for line, other, ds, name in ((0, right_one, (1, 0), "same"), (1, wrong_one, (0, 1), "different")):
    dx = gradients(plain, x, ds)[[0, 1 + line], :, :, 0]
    m = [occlusion_map(score_with(network, b), a, K, S) for a, b in ((query, other), (other, query))]
    for k, (image, who) in enumerate(((query, "query"), (other, "other"))):
        picture(axes[line, k], 255 * image)
        axes[line, k].set_title(who)
        heat(axes[line, 2 + k], dx[k], f"gradient, {who}", abs(dx).max())
        heat(axes[line, 4 + k], m[k], f"occlusion, {who}", max(abs(each).max() for each in m))
    axes[line, 0].set_ylabel(f"{name}, s = {scores[line]:.1f}")
lesson.show(
    figure, "Orange raises the score, violet lowers it: the dot speaks for the same letter, and against the other."
)

# %% [markdown]
# Against the letter without a dot, both maps of the query point at the dot: hiding it *raises* the score, while hiding
# most other parts lowers it. Against the letter with a dot, the dot speaks for "same" by occlusion, and the gradient
# hardly mentions it. The fine grid in the gradient maps is no property of the drawing. It comes from pooling's rule for
# ties (lesson 3: the first pixel takes the gradient). Noise of 1/1000, which nobody would see, breaks the ties, and the
# map of the noisy drawing has a rank correlation (Spearman's) of only 0.50 with the map without noise.
#
# ## Three tests
#
# A gradient is a tangent of the score, the slope at the drawing as it is; an occlusion is a chord, the whole change to
# the drawing without a part. How well does the one predict the other? And would a network that has learned nothing give
# other maps? Adebayo et al. (2018, *Sanity Checks for Saliency Maps*) compare the maps of the trained network with
# those of random weights. The third test compares with no network at all: the amount of ink.


# %%
def ink_of(images):
    return images.sum(axis=(1, 2, 3))


untrained = conv4_wide(np.random.default_rng(7))
for stage in untrained.twin.layers[:-1]:
    dict(stage.children())["norm"].momentum = 0  # so that its statistics are those of one batch
untrained.forward(views(np.arange(0, len(held_out.images), 20)))
untrained.forget()
networks = (plain, network), (folded(untrained), fuse(untrained))

rng, dots, table = np.random.default_rng(5), [], []
for _ in range(2 if lesson.QUICK else 12):
    mine, others = rng.choice(held_out.classes_of_group[rng.integers(len(held_out.group_names))], 2, replace=False)
    rows = [*rng.choice(held_out.rows_of_class[mine], 2, replace=False), rng.choice(held_out.rows_of_class[others])]
    trio, maps = views(np.array(rows)), []
    for slow, fast in networks:
        m_r, m_c = (occlusion_map(score_with(fast, other), trio[0], K, S) for other in trio[1:])
        maps.append((gradients(slow, trio.astype(float), (1, 0))[0], m_r, m_r - m_c))
    ink = occlusion_map(ink_of, trio[0], K, S)
    tangent = occlusion_map(lambda images, dx=maps[0][0]: ink_of(images * dx), trio[0], K, S)
    dots.append(np.stack([tangent[ink > 0], maps[0][1][ink > 0]]))
    for ours, theirs, amount in zip(*maps, (trio[0], ink, ink), strict=True):
        table += [spearmanr(abs(ours[w]), abs(b[w]))[0] for b in (theirs, amount) for w in (amount >= 0, amount > 0)]
table, dots = np.reshape(table, (-1, 3, 4)).mean(axis=0), np.concatenate(dots, axis=1)
print("rank correlation of the map with      random weights' map    amount of ink")
for name, (a, b, c, d) in zip(("gradient", "occlusion", "occlusion of a decision"), table, strict=True):
    print(f"{name:24} everywhere {a:14.2f} {c:19.2f}\n{'':24} where there is ink {b:6.2f} {d:19.2f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
fade, patch = np.linspace(0, 1, 41), np.zeros_like(query)
patch[39:46] = query[39:46]  # the lines of the dot
for other, ds, name, color in ((right_one, (1, 0), "with", "tab:blue"), (wrong_one, (0, 1), "without", "tab:orange")):
    along = score_with(network, other)(query - fade[:, None, None, None] * patch)
    slope = (gradients(plain, x, ds)[0] * patch).sum()
    axes[0].plot(fade, along, color=color, label=f"against the letter {name} a dot")
    axes[0].plot(fade, along[0] - slope * fade, "--", color=color, linewidth=1)
    print(f"against the letter {name} a dot: {along[0]:.1f} to {along[-1]:.1f}; tangent to {along[0] - slope:.1f}")
axes[0].set(xlabel="share of the dot that is taken away", ylabel="score")
axes[0].legend(fontsize=9)
axes[1].plot(*dots, ".", color="black", markersize=2)
axes[1].axline((0, 0), slope=1, color="gray", linewidth=1)
axes[1].set(xlabel="by the gradient", ylabel="by occlusion", title="what a square with ink adds to the score")
lesson.show(
    figure, "Left, solid: the score as the dot fades; dashed: its tangents. Right: tangent and chord hardly agree."
)
print(f"tangent and chord: rank correlation {spearmanr(*dots)[0]:.2f}, same sign {np.mean(dots[0] * dots[1] > 0):.0%}")

# %% [markdown]
# *Occlusion* fails the sanity check if it is used carelessly. By absolute values, the trained network's map has a rank
# correlation of 0.81 with that of a network that has learned nothing. Most of this is blank paper, where both maps are
# 0 by construction; where there is ink it is 0.39. But there the amount of ink alone has 0.84 with the map: a square
# that hides more changes more. An occlusion map that follows the strokes proves that drawings are made of strokes. In
# the map of a *decision*, $s(q, r) - s(q, c)$, whatever counts alike for both candidates cancels, and it is a little
# better (0.28 and 0.72).
#
# The *gradient* passes: where there is ink, nothing of its map is left without training (0.04). But it answers another
# question. Its prediction of what hiding a square does has a rank correlation of 0.25 with what happens, and the right
# sign for 58 % of the squares. The left picture shows why: the score against the letter with a dot is level at first
# and bends down later. The network is piecewise linear, in very small pieces, and a tangent knows one of them. If the
# output were $p$ and not $s$, there would be the sigmoid as well: at $s = -18$ its slope is about $10^{-8}$, and every
# gradient looks like nothing.
# That is *saturation*: what a decision rests on most firmly need not show in its gradient.
#
# ## The trials that it gets wrong

# %%
scores, every, row = ask(z, alpha), np.arange(T), trials.images.ravel()
wrong = credits(scores, trials.target) < 1
rival = np.where(every[:N] == trials.target[:, None], -np.inf, scores).argmax(axis=1)  # best of the wrong candidates
q, r, c = row[trials.query], *(row[trials.support[every, place, 0]] for place in (trials.target, rival))
print(f"{wrong.sum()} of {T} {N}-way trials are wrong")
for group, name in enumerate(held_out.group_names):
    runs = wrong.reshape(-1, N)[held_out.groups[q[::N]] == group].mean(axis=1)  # the N trials of a run share drawings
    half = 1.96 * runs.std(ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.nan
    frame = np.median(views.frames[held_out.groups == group, 0, 0])
    print(
        f"{name:18} {runs.mean():5.1%} wrong, +- {100 * half:.1f} points; a view shows {frame:.0%} of the page's side"
    )

# %%
found = []
for classes in held_out.classes_of_group:
    classes = classes[:10] if lesson.QUICK else classes
    rows = np.array(
        [held_out.rows_of_class[k][np.argsort(held_out.drawers[held_out.rows_of_class[k]])] for k in classes]
    )
    k, d = rows.shape  # characters and people
    pairs = np.stack([np.repeat(rows, k * d), np.tile(rows.ravel(), k * d)], axis=1)
    s = network.head.forward(z, pairs, train=False).reshape(k, d, k, d)
    lost = s > s[np.arange(k), :, np.arange(k)][:, :, None]  # another character beats one's own by the same person
    lost = lost.transpose(0, 2, 1, 3)[:, :, ~np.eye(d, dtype=bool)].mean(axis=2)  # over all two people
    found += [(lost[a, b], lost[b, a], classes[a], classes[b]) for a, b in np.argwhere(~np.eye(k, dtype=bool))]
found.sort(reverse=True)
share = np.cumsum([each[0] for each in found])
half = 1 + np.searchsorted(share, share[-1] / 2)
print(f"of {len(found)} ordered pairs of characters, {half} make half of all confusions")
figure, axes = plt.subplots(2, 8, figsize=(11, 3.3))
for (above, below), (there, back, *two) in zip(axes.T, [each for each in found if each[0] >= each[1]][:8], strict=True):
    for ax, k in zip((above, below), two, strict=True):
        picture(ax, 255 * views(held_out.rows_of_class[k][:1])[0])
    above.set_title(f"{held_out.group_names[held_out.groups[held_out.rows_of_class[two[0]][0]]][:8]}\n{there:.0%}")
    below.set_xlabel(f"{back:.0%}", fontsize=12)
lesson.show(
    figure, "The pairs most confused: above, how often the upper one is taken for the lower; below, the reverse."
)

# %% [markdown]
# For a few pairs the answer is near to a coin toss, at least in one direction; and half of all confusions come from 224
# of the 8,814 ordered pairs, so a mean over all characters describes few of them well. Grantha, the alphabet with the
# most errors, was drawn smallest: its views enlarge the drawings, and with them the pen.
#
# The lost trials, of which some are shown below, seem to be of a few kinds: small drawings whose loops have run full of
# ink; letters that differ in a hook, a bar, or a mark; hasty drawings, in which the right answer does not look like the
# query at all. Whoever sorts by eye finds what they look for, so here are kinds that can be computed. *Form* is the
# number of pieces and of loops of a drawing: it speaks for a candidate that has the query's form if the other candidate
# has not. *Strokes* are compared by the modified Hausdorff distance (lesson 1) of the views, and speak for the nearer
# candidate. Both are computed for the right candidate and its strongest rival, **in lost and in won trials alike**.

# %%
drawn = (views(np.arange(len(z))) > 0.5) * np.uint8(255)
to_right, to_wrong = (-modified_hausdorff(drawn, np.stack([q, other], axis=1)) for other in (r, c))
strokes = to_wrong < to_right


def form(image):
    """(pieces, loops) of a drawing: connected ink, and enclosed patches of at least three pixels of paper."""
    paper = np.bincount(label(np.pad(image, 1) == 0)[0].ravel())[1:]
    return label(image, np.ones((3, 3)))[1], np.sum(paper >= 3) - 1


forms = np.array([form(image[:, :, 0]) for image in held_out.images])
like_r, like_c = ((forms[q] == forms[other]).all(axis=1) for other in (r, c))
kinds = {
    "form speaks for the wrong one": like_c & ~like_r,
    "form speaks for the right one": like_r & ~like_c,
    "form silent, strokes for the wrong one": (like_r == like_c) & strokes,
    "form silent, strokes for the right one": (like_r == like_c) & ~strokes,
}
for name, each in (kinds | {"(strokes for the wrong one, in all)": strokes}).items():
    lost, won = (each & wrong).sum(), (each & ~wrong).sum()
    low, high = wilson(lost / max(1, wrong.sum()), max(1, wrong.sum()))
    print(
        f"{name:39} {lost:3} of the lost, {low:.0%} to {high:.0%} of them; {won / (~wrong).sum():5.1%} of the won;",
        end=" ",
    )
    print(f"lost of all such: {lost / max(1, lost + won):.1%}")

# %%
e = np.exp(scores - scores.max(axis=1, keepdims=True))
p = e / e.sum(axis=1, keepdims=True)  # softmax, as in the loss that it learned by (lesson 6)
figure, axes = plt.subplots(4, 6, figsize=(12, 5.4))
for line, (kind, each) in zip(axes, kinds.items(), strict=True):
    lost = np.flatnonzero(each & wrong)
    lost = lost[:: max(1, len(lost) // 6)][:6]
    line[0].set_title(kind, loc="left")
    for ax, t in zip(line, lost, strict=False):
        gap = np.zeros((52, 4, 1))
        picture(ax, np.concatenate([drawn[q[t]], gap, drawn[r[t]], gap, drawn[c[t]]], axis=1))
        ax.set_xlabel(f"{p[t, trials.target[t]]:.2f}     {p[t, rival[t]]:.2f}     ", loc="right")
    for ax in line[len(lost) :]:
        ax.axis("off")
lesson.show(
    figure, "Lost trials: query, right one and answer, with the probabilities of the last two; six of each kind."
)

# %% [markdown]
# More than a quarter of the lost trials have a rival of another form while the right candidate has the query's, and a
# page of these alone would show a network that overlooks marks and loops. But among the won trials this is more
# frequent still: where form helps, 6.9 % are lost, of all trials 9.4 %. What is really over-represented are trials in
# which the drawings themselves mislead. Form speaks for the wrong one in 19 % of the lost trials and in 5 % of the won,
# and strokes in 51 % and 19 %. In half of the errors a comparison of strokes would prefer the wrong one as well. The
# other half are the network's own.
#
# Such a page did its work all the same. It also shows wide and tall characters whose details have become too small to
# be seen, and drawings that one long stroke has shrunk. Both have one cause, the box by which `--frame ink` frames the
# ink. A frame by moments (lesson 9) gave 200 steps of training what 600 had given, and is the default now. Two other
# causes that the page suggests, marks overlooked and hasty hands, led to nothing that held up: larger networks,
# features dropped, a loss that forgives drawings that mislead (`recipe.md`).
#
# ## What such pictures prove
#
# They prove little by themselves, and something together with a control. A filter or a top ten shows inputs that a unit
# answers to, not that the network uses the unit for them; a map shows what a change of one size would do, at one
# drawing, against one candidate. Hiding a square makes a drawing that nobody would draw, and the network may answer to
# the square's edge. None of them says *why*. What held up here are interventions with something to compare: without the
# dot the lead of the right letter shrinks from 7.8 to 0.1; with 128 features the accuracy hardly falls; kinds of errors
# count for something beside their share of the won trials. A picture may tell where to look, and a measurement has to
# decide.
#
# ## Three questions
#
# **1.** Against the letter with a dot, the gradient hardly mentions the dot, and occlusion does. Which of them is
# wrong?
#
# <details><summary>Answer</summary>
#
# Neither. The gradient says what the first small part of the change does, and that is next to nothing: the solid line
# starts level. Occlusion says what the whole change does, $-10.1$ to $-13.8$. The question "does the dot matter?" is
# about the whole dot, so here the chord is its answer.
#
# </details>
#
# **2.** A map of a network for another script follows its strokes closely. Somebody concludes that it has learned to
# read strokes. What do you ask to see?
#
# <details><summary>Answer</summary>
#
# The same map with random weights, and the amount of ink in each square. Here these agreed with the trained network's
# map to 0.81 and 0.91. Only what is left beyond both can be credited to learning: look where there is ink, and at the
# map of a decision between two candidates.
#
# </details>
#
# **3.** In 52 of 187 lost trials, form would have told the right candidate from the rival. Would a network that counts
# pieces and loops lose 52 trials fewer?
#
# <details><summary>Answer</summary>
#
# That does not follow. In 5.4 % of the 1,813 won trials form speaks for the wrong candidate: these are 98 trials that
# counting might cost, against 52 that it might win. And the rivals are those that this network chose: another network
# has others.
#
# </details>
#
# ## What to try
#
# - Average the gradient over 20 drawings with noise of 0.1 each (Smilkov et al. 2017, *SmoothGrad*). How well do two
#   such averages agree, with each other and with the random network's?
# - Randomise one stage at a time, from the last to the first, as Adebayo et al. do. From which stage on is the gradient
#   map another?
# - Change the square: $K$ of 3 or 15, or grey in place of blank. How much of the map is the square's?
#
# **Exercise 13** asks for the occlusion map. In a terminal, in the folder that you cloned (in JupyterLab: File, New,
# Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 13
#     .venv/bin/python -m lessons.exercises check ex13.py
#
# The first writes `ex13.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 13.1` in place of `check` gives a hint.
