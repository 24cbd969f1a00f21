# %% [markdown]
# # 4. Twins, the L1 head and the cross-entropy
#
# *Koch, Zemel & Salakhutdinov (2015), sections 3.1, 3.2 and 4.2. About 20 minutes.*
#
# A network turns a drawing into a row of numbers, its *embedding*. To say whether two drawings show the same character,
# the paper sends both through the same network, the *twins*, takes the two embeddings apart feature by feature, and
# learns how much each feature's difference counts:
#
# $$p = \sigma\Big(\sum_j \alpha_j \big|h_1^{(j)} - h_2^{(j)}\big|\Big).$$
#
# This is all there is between the embeddings and the answer. This lesson takes it to pieces: what twins are in code,
# the gradients of the head that compares them, and the loss that asks for the right $p$. At its end such a network
# learns from pairs, and is asked about pairs of alphabets that it has never seen.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese.criteria import CRITERIA
from minisiamese.data.affine import draw_distortions
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Pairs
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer, check_loss
from minisiamese.layers import Flatten, Linear, Sequential, Sigmoid, sigmoid
from minisiamese.losses import bce
from minisiamese.networks import conv4
from minisiamese.optimizers import Adam
from minisiamese.plots import picture
from minisiamese.siamese import L1Head
from minisiamese.trials import rate

rng = np.random.default_rng(4)

# %% [markdown]
# ## Why twins
#
# Two networks with weights of their own could disagree about one and the same drawing, and the answer for $(x_1, x_2)$
# could differ from that for $(x_2, x_1)$. With shared weights $\theta$, both embeddings are of one function,
# $h_1 = f(x_1; \theta)$ and $h_2 = f(x_2; \theta)$. Equal drawings have equal embeddings, similar ones similar ones.
#
# The loss $L(h_1, h_2)$ depends on $\theta$ in two ways, and the chain rule adds both:
#
# $$\frac{\partial L}{\partial \theta} = \frac{\partial L}{\partial h_1} \frac{\partial f(x_1; \theta)}{\partial \theta}
# + \frac{\partial L}{\partial h_2} \frac{\partial f(x_2; \theta)}{\partial \theta}.$$
#
# A layer's `backward` adds the same sum over the images of a batch. So nothing has to be done for twins: **put both
# images into one batch.** Below, two passes one after another and one pass of the stacked images, on a small twin.

# %%
twin = Sequential(Flatten(), Linear(49, 5, rng), Sigmoid())
twin.astype(np.float64)
x_1, x_2 = rng.normal(size=(2, 3, 7, 7, 1))  # three pairs of images
dh_1, dh_2 = rng.normal(size=(2, 3, 5))  # what comes back from the loss

h_1 = twin.forward(x_1)
twin.backward(dh_1)
h_2 = twin.forward(x_2)
twin.backward(dh_2)  # gradients add up
apart = twin.layers[1].grads["W"].copy()

twin.zero_grad()
h = twin.forward(np.concatenate([x_1, x_2]))
twin.backward(np.concatenate([dh_1, dh_2]))
np.testing.assert_allclose(h, np.concatenate([h_1, h_2]))
np.testing.assert_allclose(twin.layers[1].grads["W"], apart)
print("embeddings", h.shape, "and weight gradients", apart.shape, "are the same")

# %% [markdown]
# (Batch norm, which `conv4` has, takes its statistics over the batch. There the stacked pass is the better one, too:
# both twins are normalised alike.)
#
# ## Pairs are row numbers
#
# The library writes $z$, an array $(N, D)$, for the embeddings of all $N$ images of a batch, and a pair is two row
# numbers $(a, b)$ of it, so that $h_1 = z_a$ and $h_2 = z_b$. Then an image can be in many pairs and still go through
# the network once. With the matrix $S$ of shape $(P, N)$ that has 1 at $(p, a_p)$ and $-1$ at $(p, b_p)$, the
# differences of all $P$ pairs are one product, and its transpose brings the gradients back:
#
# $$\delta = S z, \qquad \frac{\partial L}{\partial z_{n}} = \sum_p S_{pn} \frac{\partial L}{\partial \delta_p},
# \qquad \text{that is,} \qquad dz = S^\top d\delta .$$
#
# Column $n$ of $S$ names the pairs that image $n$ is in: **the gradient of an embedding is the sum over its pairs.**

# %%
N, D = 6, 4
pairs = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [4, 5], [3, 4], [5, 0]])
S = np.zeros((len(pairs), N))
S[np.arange(len(pairs)), pairs[:, 0]] = 1
S[np.arange(len(pairs)), pairs[:, 1]] = -1

figure, ax = plt.subplots(figsize=(5.5, 4))
ax.imshow(S, cmap="RdBu", vmin=-1.6, vmax=1.6)
for p, n in zip(*np.nonzero(S), strict=True):
    ax.text(n, p, f"{S[p, n]:+.0f}", ha="center", va="center", fontsize=11)
ax.set(xticks=range(N), yticks=range(len(pairs)), xlabel="image, row n of z", ylabel="pair p")
ax.set_yticklabels([f"{p}: ({a}, {b})" for p, (a, b) in enumerate(pairs)])
ax.grid(False)
lesson.show(figure, "S of seven pairs of six images: two entries a row; image 0 is in four pairs, any other in two.")

# %% [markdown]
# ## The L1 head
#
# Call what is inside of the sigmoid the *score*, $s$. The library adds a bias $b$, which the paper's formula lacks:
#
# $$s = b + \sum_j \alpha_j |\delta_j|, \qquad \delta = z_a - z_b, \qquad p = \sigma(s) = \frac{1}{1 + e^{-s}}.$$
#
# Its derivatives are read off term by term:
#
# $$\frac{\partial s}{\partial b} = 1, \qquad \frac{\partial s}{\partial \alpha_j} = |\delta_j|, \qquad
# \frac{\partial s}{\partial \delta_j} = \alpha_j \mathrm{sign}\, \delta_j .$$
#
# At $\delta_j = 0$ the slope is $-\alpha_j$ on the left and $\alpha_j$ on the right. It is taken as **0**, the value
# between them: only with it does a feature on which both twins agree give the same gradient when the two are exchanged.
# After a ReLU this is no rare case, since both features are often exactly 0. Summed over pairs, with $ds_p$ for
# $\partial L / \partial s_p$:
#
# $$db = \sum_p ds_p, \qquad d\alpha_j = \sum_p ds_p |\delta_{pj}|, \qquad
# d\delta_{pj} = ds_p\, \alpha_j \mathrm{sign}\, \delta_{pj}, \qquad dz = S^\top d\delta .$$
#
# As loops, and beside it the library's head:

# %%
z, alpha, b = rng.normal(size=(N, D)), rng.normal(size=D), 0.3
z[1, 2] = z[0, 2]  # a feature on which pair (0, 1) agrees
ds = rng.normal(size=len(pairs))

s, dz, dalpha = np.full(len(pairs), b), np.zeros_like(z), np.zeros(D)
for p, (first, second) in enumerate(pairs):
    for j in range(D):
        delta = z[first, j] - z[second, j]
        s[p] += alpha[j] * abs(delta)
        dalpha[j] += ds[p] * abs(delta)
        dz[first, j] += ds[p] * alpha[j] * np.sign(delta)
        dz[second, j] -= ds[p] * alpha[j] * np.sign(delta)

head = L1Head(D, alpha.copy())
head.params["b"][:] = b
head.astype(np.float64)
np.testing.assert_allclose(head.forward(z, pairs), s, rtol=1e-6)
np.testing.assert_allclose(head.backward(ds), dz)
np.testing.assert_allclose(S.T @ (ds[:, None] * alpha * np.sign(S @ z)), dz)
np.testing.assert_allclose(head.grads["alpha"], dalpha)
np.testing.assert_allclose(head.grads["b"], ds.sum())
print("scores and gradients of the head are those of the loops, and dz = S^T ddelta")

# %%
error = check_layer(L1Head(D, alpha.copy()), rng.normal(size=(N, D)), rng, pairs)
print(f"finite differences agree with z, alpha and b: largest relative error {error:.0e}")

# %% [markdown]
# Two properties follow from $|\delta|$ alone, before anything is learned. Exchanging the drawings changes nothing,
# $s(a, b) = s(b, a)$. And of two identical drawings $\delta = 0$, so that $s = b$: the same score for any drawing, and
# without a bias $p = \sigma(0) = \tfrac{1}{2}$. By the paper's formula, a drawing and itself are as likely different as
# the same, whatever was learned; only a positive $\alpha_j$ can lift a pair above one half. A bias mends that: it is
# the score of a perfect match, from which differences take away.

# %%
forth, back = (head.forward(z, order, train=False) for order in (pairs, pairs[:, ::-1]))
np.testing.assert_array_equal(forth, back)
itself = np.stack([np.arange(N)] * 2, axis=1)
print("a drawing and itself:", sigmoid(head.forward(z, itself, train=False)).round(3), "= sigmoid(b)")
without = L1Head(D, alpha, bias=False)
print("without a bias:      ", sigmoid(without.forward(z, itself, train=False)).round(3))

# %% [markdown]
# ## The cross-entropy
#
# Let $y = 1$ if both drawings show the same character and $y = 0$ if not. The network says "same" with probability $p$,
# so the probability that it gives to the truth is $p^y (1 - p)^{1 - y}$. The loss is minus its logarithm:
#
# $$L = -\,y \log p - (1 - y) \log (1 - p).$$
#
# The sum that the paper prints, $y \log p + (1 - y) \log(1 - p)$, lacks the minus sign: it is the log-likelihood, which
# is to be *maximised*. Minimised as it stands it asks for the wrong answer with all certainty, and is never done.
#
# Now by the score. From $p = \sigma(s)$, $\log p = -\log(1 + e^{-s})$ and $\log(1 - p) = -\log(1 + e^{s})$. Their
# derivatives are $1 - p$ and $-p$, and therefore
#
# $$\frac{\partial L}{\partial s} = -y (1 - p) + (1 - y)\, p = p - y .$$
#
# Neither the sigmoid nor the logarithm is left in it: **the gradient is the error**, between $-1$ and 1. Where the
# network is wrong and sure of it, the gradient is near $\pm 1$, and does not vanish as the sigmoid's own slope does.

# %%
line = np.linspace(-6, 6, 200)
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.3))
for y, color in ((1, "tab:blue"), (0, "tab:orange")):
    truth = np.full(1, float(y))
    values = np.array([bce(np.array([score]), truth) for score in line], dtype=object)
    left.plot(line, values[:, 0].astype(float), color=color, label=f"y = {y}")
    middle.plot(line, [ds[0] for ds in values[:, 1]], color=color, label=f"y = {y}")
left.set(xlabel="score s", ylabel="loss L (nats)", title="loss")
middle.set(xlabel="score s", ylabel="dL/ds = p - y", title="gradient")
for sign, name, color in ((-1, "with the minus sign", "tab:green"), (1, "as printed", "tab:red")):
    score, path = 0.0, []
    for _ in range(60):
        path.append(sigmoid(np.float64(score)))
        score += sign * 0.3 * (path[-1] - 1)  # a step of descent on one score, y = 1
    right.plot(path, color=color, label=name)
right.set(xlabel="step of gradient descent", ylabel="p", title="descent on one same pair", ylim=(-0.02, 1.02))
for ax in (left, middle, right):
    ax.legend()
lesson.show(
    figure, "The loss grows no faster than |s|; its gradient is p - y; the sum as printed drives a same pair's p to 0."
)

# %% [markdown]
# The formula with $p$ in it fails where the network is sure: in `float32`, $\sigma(20)$ is 1 exactly, and $\log(1 - p)$
# is $-\infty$, times 0 not a number. By the score alone,
#
# $$L = \log(1 + e^{s}) - s y, \qquad \log(1 + e^{s}) = \max(s, 0) + \log(1 + e^{-|s|}),$$
#
# the first since $-y \log p - (1 - y) \log(1 - p) = -y\,(\log p - \log(1 - p)) - \log(1 - p)$ and
# $\log p - \log(1 - p) = s$; the second by taking $e^{s}$ out of the logarithm where $s > 0$. The exponent is never
# positive, so nothing overflows, and the logarithm's argument is never below 1. Its accurate form for small arguments
# is `log1p`.

# %%
s = np.array([-100, -20, -1, 0, 1, 20, 100], np.float32)
with np.errstate(all="ignore"):  # the warnings are what is shown here, as inf and nan
    p = 1 / (1 + np.exp(-s))
    for y in (1, 0):
        naive = -y * np.log(p) - (1 - y) * np.log(1 - p)
        stable = [bce(s[i : i + 1], np.full(1, y))[0] for i in range(len(s))]
        for name, row in ((f"y = {y}: s", s), ("naive", naive), ("stable", stable)):
            print(f"{name:>8}", "".join(f"{value:10.2g}" for value in row))
        np.testing.assert_allclose(naive[2:5], stable[2:5], rtol=1e-5)  # where the first can be trusted

# %%
s, y = rng.normal(size=50) * 3, (rng.random(50) < 0.5).astype(float)
p = sigmoid(s)
loss, ds = bce(s, y)
np.testing.assert_allclose(loss, (-y * np.log(p) - (1 - y) * np.log(1 - p)).mean())
np.testing.assert_allclose(ds, (p - y) / len(s))  # the loss is a mean over pairs
print(f"finite differences agree with (p - y) / P: {check_loss(bce, (s,), (y,)):.0e}")

# %% [markdown]
# ## Learning from pairs
#
# Now all of it: `conv4`, a small network for 35 x 35 pixels, with the L1 head. Each step draws new pairs (section 4.2):
# the first half are two people's drawings of one character, the second half drawings of two characters, which in half
# of the cases are of one alphabet. Every drawing is distorted by the paper's affine maps. Five of the background
# alphabets are held out; the network is asked about pairs of these, and the evaluation alphabets stay closed.
#
# `fuse` (lesson 2) makes the network's fast twin: the same weights, values and gradients in a fraction of the time.
# `minisiamese.train` trains that one, too.

# %%
training, held_out = hold_out(lesson.drawings("background"), 2 if lesson.QUICK else 5)
if lesson.QUICK:
    training, held_out = training.take_groups([0, 1]), held_out.take_groups([0])
asked = Pairs(held_out, 60 if lesson.QUICK else 2000).draw_evenly(np.random.default_rng(1))
used, row = np.unique(asked.rows, return_inverse=True)

rng = np.random.default_rng(0)
network = fuse(conv4(rng))
network.frame = "ink"  # the drawing fills the view
scorer = network_scorer(network)


def probabilities():
    """p of the pairs that are asked about (P,), without distortions."""
    return sigmoid(scorer(held_out.images[used], row[asked.pairs]))


before = probabilities()
print(len(training.group_names), "alphabets to learn from")
print(len(asked.same), "pairs to be asked about, of", len(held_out.group_names), "other alphabets")

# %% [markdown]
# The optimiser is Adam. As in the paper each layer $j$ may have its own rate $\eta_j$, and here the head's is ten times
# the others'. The reason is the bias: all $\alpha_j$ start negative and $b$ at 0, so that every pair starts with
# $s \le 0$, $p \le \tfrac12$, "different". Adam changes a number by about the rate in a step, and $b$ has a way of
# several units to go.
#
# (Adam, by Kingma & Ba, keeps running means of each gradient $g$ and of its square, $m \leftarrow 0.9\, m + 0.1\, g$
# and $v \leftarrow 0.999\, v + 0.001\, g^2$, and steps by $-\eta\, m / \sqrt{v}$: of the rate's size, whatever the
# gradient's. Both are divided by what they lack at first, having started at 0. Lesson 6 is about the paper's
# optimiser.)

# %%
steps, count = (3, 8) if lesson.QUICK else (300, 64)
pairs_of = Pairs(training, count)
views = Views(training.images, network.size, frame=network.frame)
criterion = CRITERIA["bce"].compute  # head.forward, bce, head.backward
optimizer = Adam(network, rates=(1, 1, 1, 1, 10))

curve = []
for _ in range(steps):
    batch = pairs_of.draw(rng)  # 2 P rows of the data set, and P pairs of row numbers of the batch
    x = views(batch.rows, draw_distortions(rng, len(batch.rows)))
    z = network.forward(x)  # (2 P, 256): both twins in one pass
    loss, dz = criterion(network.head, z, batch, None)  # bce has no margin
    network.backward(dz)
    optimizer.step(6e-3)
    network.zero_grad()
    curve.append(float(loss))
after = probabilities()
print(f"loss of the first step {curve[0]:.2f}, mean of the last 20 {np.mean(curve[-20:]):.2f}")
print("bias", network.head.params["b"].round(2))

# %%
figure, ax = plt.subplots(figsize=(7, 3.2))
ax.plot(curve, color="tab:blue", linewidth=0.8, alpha=0.5, label="each step")
width = min(20, len(curve))
means = np.convolve(curve, np.full(width, 1 / width), mode="valid")
ax.plot(np.arange(width - 1, len(curve)), means, color="tab:blue", label=f"mean of {width}")
ax.axhline(np.log(2), color="black", linestyle=":", label="always p = 1/2: log 2")
ax.set(xlabel="training step", ylabel="cross-entropy (nats)", yscale="log")
ax.set_yticks([0.2, 0.5, 1, 2, 4], ["0.2", "0.5", "1", "2", "4"])
ax.minorticks_off()
ax.legend()
lesson.show(
    figure, "The loss starts far above that of a network which always says one half, and ends below half of that."
)

# %% [markdown]
# ## Same or different, on new alphabets
#
# The answer is "same" above $p = \tfrac12$. Verification accuracy is the share of right answers, on as many same as
# different pairs; `rate` gives its 95 % interval.

# %%
for name, p in (("before", before), ("after", after)):
    measured = rate(((p > 0.5) == asked.same).astype(float))
    low, high = measured["interval"]
    print(f"{name:6}  {measured['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}")
np.testing.assert_array_less(before, 0.5 + 1e-6)  # all alpha negative and b = 0: nothing can be called "same" yet

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.3))
for ax, p, name in zip(axes, (before, after), ("before training", "after training"), strict=True):
    for y, color, label in ((1, "tab:blue", "same"), (0, "tab:orange", "different")):
        ax.hist(p[asked.same == y], np.linspace(0, 1, 31), color=color, alpha=0.6, label=label)
    ax.axvline(0.5, color="black", linestyle=":")
    ax.set(xlabel="probability p of same", ylabel="pairs", title=name, yscale="log", ylim=(0.7, 3000))
    ax.legend(loc="upper center")
lesson.show(
    figure,
    "Before, no pair gets more than one half; after, same pairs gather near 1 and different ones near 0 (logarithmic).",
)

# %%
wrong = np.flatnonzero((after > 0.5) != asked.same)
surest = wrong[np.argsort(-np.abs(after[wrong] - 0.5))][:5]
chosen = np.concatenate([np.random.default_rng(2).choice(len(after), 5, replace=False), surest])
figure, axes = plt.subplots(2, 5, figsize=(11, 3.6))
for ax in axes.flat[len(chosen) :]:
    ax.set_visible(False)
for ax, pair in zip(axes.flat, chosen, strict=False):
    first, second = (held_out.images[asked.rows[n]] for n in asked.pairs[pair])
    picture(ax, np.concatenate([first, np.zeros((105, 12, 1), np.uint8), second], axis=1))
    said, truth = ("same" if value else "different" for value in (after[pair] > 0.5, asked.same[pair]))
    color = "tab:green" if said == truth else "tab:red"
    ax.set_title(f"{said} ({after[pair]:.2f})", color=color)
    ax.set_xlabel(f"is {truth}", fontsize=9)
axes[0, 0].set_ylabel("five at random")
axes[1, 0].set_ylabel("five surest errors")
lesson.show(
    figure, "Verdicts with p on pairs of held-out alphabets: green if right, red if wrong; below each what is true."
)

# %% [markdown]
# Before training all pairs are called different, which is right for exactly half of them. After 300 steps 87.1 % of the
# verdicts are right in this run, 95 % interval 85.6 % to 88.5 %, on alphabets that the network has never seen. (The
# interval is that of drawing other pairs; another training would move the figure, too.) The paper's first network, on
# 30,000 pairs, reaches 90.6 %, on other alphabets and after far longer training.
#
# The surest errors are worth a look: two different characters that are told apart by a dot, or by one more loop, and a
# character of which one drawing lacks the greater part. All the network knows of a pair has to pass through one number,
# a weighted sum of differences. The next lesson looks at what else can be asked of distances.
#
# ## What to try
#
# - Give the head the others' rate (`Adam(network)`), and draw the accuracy against steps: how long does the threshold
#   take to get to where it belongs? Then choose the threshold on pairs of the *training* alphabets
#   (`minisiamese.evaluate.scoring.best_threshold`). How much of the difference was only the threshold?
# - Take the Euclidean head instead, `conv4(rng, head="euclidean")`: $s = b - w \lVert z_a - z_b \rVert$ has two numbers
#   to learn in place of 257. Is it any worse?
# - Make all different pairs of one alphabet, `Pairs(training, count, within=1.0)`, or none, and ask both networks about
#   pairs of either kind.
#
# **Exercise 4** asks for the score of the L1 head and its gradients, for the cross-entropy from scores, and for a map
# of which parts of a drawing speak for a score. In a terminal, in the folder that you cloned (in JupyterLab: File, New,
# Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 4
#     .venv/bin/python -m lessons.exercises check ex04.py
#
# The first writes `ex04.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 4.1` in place of `check` gives a hint.
