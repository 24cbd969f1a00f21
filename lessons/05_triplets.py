# %% [markdown]
# # 5. Contrastive and triplet losses, and mining
#
# *Beyond section 3 of Koch et al.: two other losses, which take distances. About 30 minutes.*
#
# Koch's network ends in a probability, which a head with weights of its own computes. There is a shorter way: the
# *distance* between two embeddings is itself the answer, and the network is trained so that drawings of one character
# are near each other and drawings of two characters far apart. What is learned is then a space, and every method that
# works with distances can be used in it.
#
# How near, and how far? Two losses answer this differently. The *contrastive* loss looks at pairs, and has fixed aims
# for their distances (Chopra, Hadsell & LeCun, 2005, *Learning a similarity metric discriminatively, with application
# to face verification*; Hadsell, Chopra & LeCun, 2006, *Dimensionality reduction by learning an invariant mapping*).
# The *triplet* loss looks at three images, and asks only that the right one be nearer than the wrong one by some margin
# (Schroff, Kalenichenko & Philbin, 2015, *FaceNet: a unified embedding for face recognition and clustering*). Most
# triplets soon meet that demand and teach nothing more, so it matters which triplets are taken. Choosing them is called
# *mining*.
#
# Both losses are compared in a report of 2020 on pairs and triplets of MNIST and CIFAR-10 (`report000.md` has its
# experiments, made again with this library), and in a report of 2021 on the retrieval of photographs (`report001.md`).

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese import mining
from minisiamese.criteria import CRITERIA
from minisiamese.data.affine import draw_distortions
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Batch, Episodes
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer, check_loss
from minisiamese.layers import Linear, ReLU, Sequential
from minisiamese.losses import contrastive, contrastive_linear, triplet
from minisiamese.networks import conv4
from minisiamese.optimizers import Adam
from minisiamese.siamese import DistanceHead
from minisiamese.trials import credits, nway_trials, rate

rng = np.random.default_rng(5)

# %% [markdown]
# ## The distance
#
# Let $\delta = z_a - z_b$ be the difference of two embeddings and
# $d = \lVert \delta \rVert_2 = \sqrt{\sum_j \delta_j^2}$. By the chain rule,
#
# $$\frac{\partial d}{\partial \delta_j} = \frac{2 \delta_j}{2 \sqrt{\sum_i \delta_i^2}} = \frac{\delta_j}{d}.$$
#
# The gradient is a **unit vector**: it points from $z_b$ to $z_a$ and has the length 1, however far apart they are. At
# $d = 0$ the formula is $0/0$: a cone has no slope at its tip. There the library takes 0, the mean of all directions,
# since no direction is better than another. Without this choice a single pair of identical embeddings, such as those of
# two blank pages, would fill all weights with `nan`. It has a price: two images at the same point, even of different
# characters, are never pushed apart by their own distance. The last section comes back to that.
#
# `DistanceHead` returns the score $s = -d$, since scores are larger for drawings that are more alike.

# %%
z, pairs = rng.normal(size=(4, 3)), np.array([[0, 1], [0, 2], [3, 1]])
head = DistanceHead()
by_hand = [-np.sqrt(((z[a] - z[b]) ** 2).sum()) for a, b in pairs]
np.testing.assert_allclose(head.forward(z, pairs, train=False), by_hand)
print(f"finite differences agree with delta / d: {check_layer(DistanceHead(), z, rng, pairs):.0e}")

z[1] = z[0]
head.forward(z, pairs[:1])
np.testing.assert_array_equal(head.backward(np.ones(1)), 0)
print("at d = 0 the gradient is 0")

# %% [markdown]
# ## The contrastive loss
#
# With $y = 1$ for *same* and $y = 0$ for *different*, as everywhere in this course, and a margin $m$,
#
# $$L = \tfrac{y}{2}\, d^2 + \tfrac{1 - y}{2} \max(0, m - d)^2, \qquad
# \frac{\partial L}{\partial d} = y\, d - (1 - y) \max(0, m - d).$$
#
# Both squares act like springs. The embeddings of a same pair pull each other together with a force that grows with
# $d$. Those of a different pair push each other apart, but only up to the margin; without a margin they would do so for
# ever. The *linear* form of the loss, $y\, d + (1 - y) \max(0, m - d)$, which the report of 2021 uses, exerts forces of
# constant size ($[d < m]$ is 1 for $d < m$ and 0 otherwise):
#
# $$\frac{\partial L}{\partial d} = y - (1 - y)\, [d < m] .$$

# %%
d, y = rng.random(40) * 2, (rng.random(40) < 0.5).astype(float)
squares = y / 2 * d**2 + (1 - y) / 2 * np.maximum(0, 1 - d) ** 2
lines = y * d + (1 - y) * np.maximum(0, 1 - d)
np.testing.assert_allclose(contrastive(d, y, 1.0)[0], squares.mean())
np.testing.assert_allclose(contrastive_linear(d, y, 1.0)[0], lines.mean())
for loss in (contrastive, contrastive_linear):
    print(f"{loss.__name__:18} finite differences agree: {check_loss(loss, (d,), (y, 1.0)):.0e}")

# %%
line = np.linspace(0, 2, 201)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
for loss, style in ((contrastive, "-"), (contrastive_linear, "--")):
    for truth, color, name in ((1, "tab:blue", "same"), (0, "tab:orange", "different")):
        values = [loss(line[i : i + 1], np.full(1, truth), 1.0) for i in range(len(line))]
        label = f"{name}, {'squared' if loss is contrastive else 'linear'}"
        axes[0].plot(line, [value for value, _ in values], style, color=color, label=label)
        axes[1].plot(line, [-dd[0] for _, dd in values], style, color=color, label=label)
axes[0].set(xlabel="distance d (margin 1)", ylabel="loss", title="loss of one pair")
axes[1].set(xlabel="distance d (margin 1)", ylabel="force, -dL/dd", title="force: above 0 apart, below 0 together")
axes[0].legend()
lesson.show(
    figure,
    "Same pairs pull at any distance, different ones push up to the margin; the linear loss has constant forces.",
)

# %% [markdown]
# ## The triplet loss
#
# A triplet is an anchor $a$, a positive $p$ of its class and a negative $n$ of another. With $d_{ap}$ and $d_{an}$ for
# the distances of these two from the anchor,
#
# $$L = \max(0,\; d_{ap} - d_{an} + m) .$$
#
# The loss is 0 as soon as the negative is farther from the anchor than the positive by the margin. Otherwise its
# derivatives with respect to $d_{ap}$ and $d_{an}$ are 1 and $-1$. (FaceNet has the squares of these distances, and
# embeddings of length 1.) With the unit vectors $u_{ap} = (z_a - z_p) / d_{ap}$ and $u_{an} = (z_a - z_n) / d_{an}$,
#
# $$\frac{\partial L}{\partial z_a} = u_{ap} - u_{an}, \qquad \frac{\partial L}{\partial z_p} = -u_{ap}, \qquad
# \frac{\partial L}{\partial z_n} = u_{an} .$$
#
# Their sum is 0, so that a step moves the three apart or together and leaves their mean where it is. The loss does not
# ask any distance to be small in itself. A class may be as wide as it likes, as long as the other classes keep away
# from it. The cell below loops over the triplets of a small batch:

# %%
labels, margin = np.repeat(np.arange(3), 3), 1.0
z = rng.normal(size=(9, 2))
triplets = mining.all_triplets(labels)

loss, dz = 0.0, np.zeros_like(z)
for a, p, n in triplets:
    d_ap, d_an = np.linalg.norm(z[a] - z[p]), np.linalg.norm(z[a] - z[n])
    if d_ap - d_an + margin > 0:
        u_ap, u_an = (z[a] - z[p]) / d_ap, (z[a] - z[n]) / d_an
        loss += (d_ap - d_an + margin) / len(triplets)
        dz[a] += (u_ap - u_an) / len(triplets)
        dz[p] -= u_ap / len(triplets)
        dz[n] += u_an / len(triplets)

batch = Batch(np.arange(9), mining.as_pairs(triplets))  # T pairs (a, p), then T pairs (a, n)
found = CRITERIA["triplet"].compute(DistanceHead(), z, batch, margin)
np.testing.assert_allclose(found[0], loss)
np.testing.assert_allclose(found[1], dz, atol=1e-12)
np.testing.assert_allclose(dz.sum(axis=0), 0, atol=1e-12)
error = check_loss(triplet, (rng.random(30), rng.random(30)), (0.3,))
print(f"{len(triplets)} triplets: loss {loss:.3f} as of the loop; finite differences agree: {error:.0e}")

# %% [markdown]
# ## Easy, semi-hard, hard
#
# The loss of a triplet depends on two numbers only, $d_{ap}$ and $d_{an}$, so that every triplet is a point in a plane.
# There are three kinds of triplets:
#
# - *easy* ones, $d_{an} \ge d_{ap} + m$, have no loss and teach nothing;
# - *hard* ones, $d_{an} \le d_{ap}$, have a negative that is no farther than the positive, so that a nearest neighbour
#   would be wrong;
# - *semi-hard* ones are those in between: their distances are in the right order, but differ by less than the margin.

# %%
grid = np.linspace(0, 3, 301)
d_ap, d_an = np.meshgrid(grid, grid)
kinds = mining.kind_of(d_ap, d_an, margin)
by_hand = np.select([d_ap - d_an + margin <= 0, d_an <= d_ap], [0, 2], default=1)
np.testing.assert_array_equal(kinds, by_hand)

colors = ("#9ecae1", "#fdd49e", "#fc9272")  # of easy, semi-hard, hard
figure, ax = plt.subplots(figsize=(5.6, 4.6))
ax.contourf(grid, grid, kinds, levels=[-0.5, 0.5, 1.5, 2.5], colors=colors)
level = np.maximum(0, d_ap - d_an + margin)
ax.clabel(ax.contour(grid, grid, level, levels=[1, 2, 3], colors="black", linewidths=0.8), fmt="loss %.1f")
for place, name in (((0.55, 2.3), "easy\nno loss"), ((1.2, 1.75), "semi-hard"), ((2.2, 0.75), "hard")):
    ax.text(*place, name, ha="center", va="center", fontsize=12, rotation=45 if name == "semi-hard" else 0)
ax.set(xlabel="distance of anchor and positive, d_ap", ylabel="distance of anchor and negative, d_an")
ax.set_title("kinds of triplets, margin 1")
lesson.show(
    figure, "Two parallel lines separate the kinds: the loss is 0 on d_an = d_ap + m, and it is m on d_an = d_ap."
)

# %% [markdown]
# ## How the losses move points
#
# The two losses can be watched without a network. Let the embeddings themselves be the parameters, forty points of four
# classes in the plane, and let gradient descent move them, on all pairs or on all triplets.

# %%
labels = np.repeat(np.arange(4), 10)
start = rng.normal(0, 0.7, (40, 2))
first, second = np.triu_indices(40, 1)
same = (labels[first] == labels[second]).astype(float)
every_pair = Batch(np.arange(40), np.stack([first, second], axis=1), same=same)
every_triplet = Batch(np.arange(40), mining.as_pairs(mining.all_triplets(labels)))

figure, axes = plt.subplots(1, 3, figsize=(11, 3.9))
panels = [("start", None, None), ("contrastive", "contrastive", every_pair), ("triplet", "triplet", every_triplet)]
for ax, (name, criterion, batch) in zip(axes, panels, strict=True):
    z, loss = start.copy(), None
    for _ in range(0 if criterion is None else 20 if lesson.QUICK else 600):
        loss, dz = CRITERIA[criterion].compute(DistanceHead(), z, batch, margin)
        z -= 2.0 * dz
    for label in range(4):
        ax.scatter(*z[labels == label].T, s=25, color=f"C{label}", label=f"class {label}")
    seen = mining.summarise(*mining.triplet_distances(DistanceHead(), z, every_triplet), margin)
    last = "" if loss is None else f", last loss {loss:.5f}"
    print(f"{name:12} mean d_ap {seen['d_ap']:.2f}, mean d_an {seen['d_an']:.2f}{last}")
    ax.set(title=name, xlabel="z_1 (margin 1)", ylabel="z_2", aspect="equal", xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
axes[0].legend(fontsize=8)
lesson.show(
    figure,
    "From one start, the contrastive loss shrinks each class to a point; the triplet loss only separates them.",
)

# %% [markdown]
# With the contrastive loss, same pairs pull until their distance is 0. Each class becomes a point, a margin or more
# from the other classes, and there all forces vanish. The triplet loss is 0 as soon as all triplets are easy, and then
# nothing moves any more: the classes are separated by the margin, and one of them, class 0, is still wide. For new
# characters this can be an advantage. A feature in which two drawings of *one* class differ may be the one that
# separates two *other* classes, and the triplet loss does not demand that the network forget it.
#
# ## Mining in a batch
#
# A batch of $N$ images has very many triplets, and the distances of all pairs of images tell the kind of each. *Mining*
# goes through all pairs of an anchor and a positive, and draws *one* negative for each of them: any one (*random*
# mining), or one that makes the triplet semi-hard, for example. If there is no such negative, the triplet is marked and
# left out of the mean. Mining needs no further pass through the network, and no gradient goes through the choice.

# %%
labels = np.repeat(np.arange(5), 4)
z = rng.normal(size=(20, 3))
d = mining.distances(DistanceHead(), z)
np.testing.assert_allclose(d, np.linalg.norm(z[:, None] - z[None], axis=2), atol=1e-12)

a, p, n = mining.all_triplets(labels).T
share = np.bincount(mining.kind_of(d[a, p], d[a, n], 0.5), minlength=3) / len(a)
print(f"{len(a)} triplets:", ", ".join(f"{x:.0%} {kind}" for x, kind in zip(share, mining.KINDS, strict=True)))
for kind in range(3):
    mined, found = mining.in_batch(d, labels, mining.KINDS[kind], 0.5, rng)
    a, p, n = mined[found].T
    np.testing.assert_array_equal(mining.kind_of(d[a, p], d[a, n], 0.5), kind)
    print(f"{mining.KINDS[kind]:10} found for {found.sum()} of {len(mined)} anchors with a positive")

# %% [markdown]
# Now mining is tried on drawings, with the network `conv4` of lesson 4 and a head without weights, the distance.
# `Episodes` draws 20 characters for each step with four drawings of each. With `within=1.0` the 20 come from one
# alphabet, and from a second or third only if the first has too few, so that the negatives look like the positives. Two
# networks start from the same weights and see the same drawings; one learns from random triplets and the other from
# semi-hard ones. Before each step the kinds of *all* triplets of the batch are counted, not only of those that were
# mined.
#
# As in lesson 4, five background alphabets are held out. Their 20-way one-shot trials measure both networks.

# %%
training, held_out = hold_out(lesson.drawings("background"), 2 if lesson.QUICK else 5)
if lesson.QUICK:
    training, held_out = training.take_groups([0, 1]), held_out.take_groups([0])
steps, ways, margin = (3, 4, 5.0) if lesson.QUICK else (300, 20, 5.0)
views = Views(training.images, 35, frame="ink")
way = min(20, max(map(len, held_out.classes_of_group)))
trials = nway_trials(held_out, way, 1, 40 if lesson.QUICK else 1000, True, np.random.default_rng(1))


def earned(network):
    """The credit of each one-shot trial of held-out alphabets (T,)."""
    return credits(trials.scores(network_scorer(network)), trials.target)


def learn(how, seed=0):
    """(network, shares (steps, 3) of the kinds of all triplets of each batch)."""
    rng, sampling, choosing = (np.random.default_rng([seed, stream]) for stream in range(3))
    network = fuse(conv4(rng, head="distance"))
    network.frame = "ink"
    sampler, optimizer, shares = Episodes(training, ways, 4, within=1.0), Adam(network), []
    for _ in range(steps):
        rows = sampler.draw(sampling).rows
        z = network.forward(views(rows, draw_distortions(sampling, len(rows))))
        labels = training.labels[rows]
        d, (a, p, n) = mining.distances(network.head, z), mining.all_triplets(labels).T
        shares.append(np.bincount(mining.kind_of(d[a, p], d[a, n], margin), minlength=3) / len(a))
        batch = Batch(rows, **mining.mine(network.head, z, labels, how, margin, choosing))
        _, dz = CRITERIA["triplet"].compute(network.head, z, batch, margin)
        network.backward(dz)
        optimizer.step(3e-3)
        network.zero_grad()
    return network, np.array(shares)


# %%
learned = {how: learn(how) for how in ("random", "semi-hard")}
width = 1 if lesson.QUICK else 15
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
for ax, (how, (_, shares)) in zip(axes, learned.items(), strict=True):
    smooth = np.stack([np.convolve(column, np.full(width, 1 / width), mode="valid") for column in shares.T])
    ax.stackplot(np.arange(smooth.shape[1]) + width - 1, 100 * smooth, colors=colors, labels=mining.KINDS)
    ax.set(xlabel=f"training step (mean of {width} steps)", title=f"learning from {how} triplets", ylim=(0, 100))
    ax.set_xlim(width - 1, max(steps - 1, width))
    for when, part in (("first step", shares[0]), ("last 20 steps", shares[-20:].mean(axis=0))):
        print(f"{how}, {when}:", ", ".join(f"{x:.1%} {kind}" for x, kind in zip(part, mining.KINDS, strict=True)))
axes[0].set_ylabel("share of the batch's triplets (%)")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
lesson.show(
    figure, "Most triplets become easy, and more of them if the network learns from semi-hard ones (colours as above)."
)

# %%
points = {"untrained": earned(fuse(conv4(np.random.default_rng([0, 0]), head="distance")))}
points |= {how: earned(network) for how, (network, _) in learned.items()}
for how, each in points.items():
    measured = rate(each)
    low, high = measured["interval"]
    print(f"{how:10} {measured['accuracy']:.1%} of {way}-way trials, 95 % interval {low:.1%} to {high:.1%}")
difference = points["semi-hard"] - points["random"]  # trial by trial, on the same trials
half = 1.96 * difference.std() / np.sqrt(len(difference))
print(f"semi-hard less random: {100 * difference.mean():+.1f} points, +- {100 * half:.1f}")
for seed in () if lesson.QUICK else (1, 2):
    random, semi_hard = (earned(learn(how, seed)[0]).mean() for how in ("random", "semi-hard"))
    print(f"from seed {seed}: random {random:.1%}, semi-hard {semi_hard:.1%}, {100 * (semi_hard - random):+.1f} points")

# %% [markdown]
# At the first step hardly any triplet is easy. At the end five of six are easy with random mining, and nine of ten with
# semi-hard mining. A random triplet then has no loss in most cases and teaches nothing, while every semi-hard one has a
# loss. With both kinds of mining, the number of hard triplets falls more slowly than that of semi-hard ones.
#
# In this run the network with semi-hard mining answered 82.1 % of the held-out trials correctly and the one with random
# mining 76.6 %. The difference is 5.5 points, with a 95 % interval of 2.1 points to either side, so it is not due to
# the choice of trials. The interval does not include the chance in the training, for which other seeds have to be
# tried: from two others the difference was 4.9 and 10.0 points. Semi-hard mining is thus better at this rate and with
# this number of steps. With the best rate for each, or after a long training, the result may differ.
#
# ## Too hard: the collapse
#
# If semi-hard triplets teach more than random ones, why not take the hardest? Suppose that all triplets are hard,
# $d_{ap} \ge d_{an}$, and multiply all embeddings by one factor $c \ge 0$. All distances are multiplied by $c$ as well,
# and the mean loss is
#
# $$L(c) = \mathrm{mean}\big(c\, (d_{ap} - d_{an}) + m\big) = m + c\, \mathrm{mean}(d_{ap} - d_{an}) \ge m ,$$
#
# which is smallest at $c = 0$: **the easiest way to a smaller loss on hard triplets is to make all embeddings equal.**
# At that point every loss is $m$ and every distance is 0, and since the gradient of $d$ at 0 is taken as 0, every
# gradient is 0 too. Learning has ended. A network avoids this only if it gets even its hardest triplets into the right
# order before it has shrunk, and large steps leave it little time for that.
#
# A small example shows the collapse. Its data are four overlapping clouds of points in the plane, its network has two
# layers, each with a ReLU, and it learns from the hardest tenth of all triplets (`hardest` in the library, after the
# report of 2021).

# %%
labels = np.repeat(np.arange(4), 10)
clouds = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])[labels] + np.random.default_rng(0).normal(0, 0.8, (40, 2))
clouds = clouds.astype(np.float32)


def shrink_or_learn(how, eta, margin=1.0):
    """Mean distances to negatives at each step (300,), and the embeddings at the end."""
    rng = np.random.default_rng(0)
    twin, head, path = Sequential(Linear(2, 32, rng), ReLU(), Linear(32, 8, rng), ReLU()), DistanceHead(), []
    optimizer = Adam(twin, rates=1.0)
    for _ in range(300):
        z = twin.forward(clouds)
        path.append(mining.watch(head, z, labels, margin)["d_an"])
        batch = Batch(np.arange(40), **mining.mine(head, z, labels, how, margin, rng, share=0.1))
        twin.backward(CRITERIA["triplet"].compute(head, z, batch, margin)[1])
        optimizer.step(eta)
        twin.zero_grad()
    return np.array(path), z


# %%
figure, ax = plt.subplots(figsize=(7.5, 3.8))
curves = (
    ("semi-hard", 0.01, "tab:blue", "-"),
    ("hardest", 0.001, "tab:orange", "--"),
    ("hardest", 0.01, "tab:red", "-."),
)
for how, eta, color, style in curves:
    path, z = shrink_or_learn(how, eta)
    ax.plot(np.maximum(path, 1e-4), style, color=color, label=f"{how}, rate {eta}")
    print(f"{how}, rate {eta}: negatives {path[-1]:.2g} away, {(z > 0).mean():.0%} of the features are not 0")
    warning = mining.collapse_warning(path[-1], 1.0)
    print("   ", warning.replace(". ", ".\n    ") if warning else "no warning")
ax.axhline(mining.COLLAPSED, color="black", linestyle=":", label="the library warns below this")
ax.set(xlabel="training step", ylabel="mean distance to negatives", yscale="log", ylim=(5e-5, 2000))
ax.legend(loc="upper right", fontsize=8)
lesson.show(
    figure,
    "At the higher rate the hardest triplets shrink all embeddings to one point (0 is drawn at 0.0001).",
)

# %% [markdown]
# With the hardest triplets and the higher rate, all embeddings are at one point after some thirty steps. No feature is
# above 0 for any point, so all ReLUs are off, and the library's warning says so. At a tenth of that rate the same
# triplets shrink the embedding as well, only more slowly. At the end the mean distance to negatives is an eighth of the
# margin, and no warning is given yet: a smaller rate alone is no cure here. With semi-hard triplets, even at the
# *higher* rate, the distances grow. Shrinking does not lower their loss, since $d_{ap} - d_{an} < 0$ in each of them,
# and pushing the negative further away does. That is why semi-hard mining is the usual choice.
#
# ## Three questions
#
# **1.** Multiply all embeddings by 2. Which triplets can change their kind by that, and which cannot? What does it say
# about a margin of 1 or of 5?
#
# <details><summary>Answer</summary>
#
# The order of $d_{ap}$ and $d_{an}$ stays, so hard triplets stay hard. A semi-hard one with $d_{an} - d_{ap} \ge m / 2$
# becomes easy, and easy ones stay easy. Doubling the embeddings has the same effect as halving the margin. Nothing in
# the loss fixes the size of the embeddings, so the margin means something only beside their size, and a network can
# lower its loss on triplets in the right order by making all embeddings larger. FaceNet therefore scales every
# embedding to length 1.
#
# </details>
#
# **2.** What is the smallest possible triplet loss with the margin $m = 0$, and which network reaches it without having
# learned anything? Does the contrastive loss have this fault?
#
# <details><summary>Answer</summary>
#
# With $m = 0$ a network that gives all images the same embedding has $d_{ap} - d_{an} = 0$ and the loss 0, which is the
# minimum. A positive margin makes this solution cost $m$. The contrastive loss has a margin for the same reason: with
# all embeddings at one point, same pairs cost nothing, but every different pair costs $m^2 / 2$, and with $m = 0$ that
# would be 0 as well.
#
# </details>
#
# **3.** At the end of the training above, about five of six triplets of a batch were easy with random mining. What does
# that do to the gradient of the mean loss over the mined triplets, and why is a larger learning rate no full remedy?
#
# <details><summary>Answer</summary>
#
# Only one mined triplet in six has a gradient that is not 0, so the mean adds up the gradients of these few and divides
# the sum by six times their number. A larger rate (or Adam, whose steps do not depend on the size of the gradient)
# makes up for the factor. It does not make up for the small number: a mean over fewer triplets varies more from batch
# to batch. Semi-hard mining gets an informative triplet for every anchor and positive for which there is one.
#
# </details>
#
# ## What to try
#
# - Move the forty points by *semi-hard* triplets alone, mined anew in each step, or by hard ones. Which of the two
#   separates the classes, and in how many steps?
# - Change the margin in the training on drawings from 5 to 1, and look at the shares of the first step and of the last.
#   How much does the margin still matter after some hundred steps, now that the embeddings can grow?
# - Let the clouds of the last example overlap less (0.5 in place of 0.8), or take `Momentum` in place of `Adam`. When
#   do the hardest triplets escape the collapse, and how does the distance to negatives change on the way?
#
# **Exercise 5** asks for the contrastive and the triplet loss with their gradients, for the kinds of triplets, and for
# the choice of semi-hard negatives. In a terminal, in the folder that you cloned (in JupyterLab: File, New, Terminal;
# then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 5
#     .venv/bin/python -m lessons.exercises check ex05.py
#
# The first writes `ex05.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 5.1` in place of `check` gives a hint.
