# %% [markdown]
# # 8. Batch norm and Adam
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.2, and two methods that it does not use. About 45 minutes.*
#
# Lesson 7 found the paper's training at the mercy of sizes: the size of the initial weights decides whether pictures
# and gradients get through, and the size of the gradients decides which rate works, layer by layer. Two methods of the
# same year take sizes out of the matter. **Batch norm** (Ioffe & Szegedy 2015, *Batch Normalization: Accelerating Deep
# Network Training by Reducing Internal Covariate Shift*) brings what a layer computes to one size. **Adam** (Kingma &
# Ba 2015, *Adam: A Method for Stochastic Optimization*) brings the steps to one size.
#
# The paper uses neither. The library's default networks have a batch norm after every convolution, and its default
# recipe steps with Adam. This lesson derives both in full, with their gradients and bounds, and then compares all four
# combinations on one training.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese.convolution import Conv2D
from minisiamese.criteria import CRITERIA
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Episodes
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer
from minisiamese.layers import BatchNorm, Flatten, Layer, Linear, Named, ReLU, Sequential
from minisiamese.networks import conv4, koch35, make_head
from minisiamese.optimizers import SCHEDULES, Adam, Momentum
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import Siamese
from minisiamese.trials import credits, nway_trials, rate

background, held_out = hold_out(lesson.drawings("background"), 1 if lesson.DATA == "glyphs" and lesson.QUICK else 5)
views = Views(background.images, 35, frame="ink")  # every drawing in the middle and of one size: lesson 9
rng = np.random.default_rng(8)

# %% [markdown]
# ## Forward
#
# Batch norm treats each channel by itself. In a batch of $N$ images with $H \times W$ places, let $x_1, \dots, x_M$ be
# all $M = N H W$ numbers of one channel. Then
#
# $$m = \frac1M \sum_i x_i, \qquad v = \frac1M \sum_i (x_i - m)^2, \qquad s = \frac{1}{\sqrt{v + \epsilon}}, \qquad
# n_i = (x_i - m)\, s, \qquad y_i = \gamma\, n_i + \beta .$$
#
# The $n_i$ have mean 0 and variance 1, apart from the small $\epsilon = 10^{-5}$, which guards against dividing by 0.
# The scale $\gamma$ and the shift $\beta$ are two parameters a channel, learned like weights, so that the layer can
# still choose any mean and size; it does not depend on the layers below for them.
#
# ## Backward, step by step
#
# A number $x_k$ reaches the loss in three ways: through its own $n_k$, through the mean $m$ into every $n_i$, and
# through the variance $v$ into every $n_i$. The derivatives of the two statistics are
#
# $$\frac{\partial m}{\partial x_k} = \frac1M, \qquad
# \frac{\partial v}{\partial x_k} = \frac2M (x_k - m) = \frac{2 n_k}{M s} .$$
#
# (The mean moves inside the variance as well, but that adds $-\tfrac{2}{M} \cdot \tfrac1M \sum_i (x_i - m) = 0$.) From
# $s = (v + \epsilon)^{-1/2}$ follows $\partial s / \partial v = -\tfrac12 s^3$, and so
#
# $$\frac{\partial s}{\partial x_k} = -\frac12 s^3 \cdot \frac{2 n_k}{M s} = -\frac{s^2 n_k}{M} .$$
#
# By the product rule, with $x_i - m = n_i / s$, and with $\delta_{ik}$ equal to 1 for $i = k$ and to 0 otherwise,
#
# $$\frac{\partial n_i}{\partial x_k} = s \Big( \delta_{ik} - \frac1M \Big) + (x_i - m) \frac{\partial s}{\partial x_k}
# = s \Big( \delta_{ik} - \frac1M - \frac{n_i n_k}{M} \Big) .$$
#
# The gradient with respect to $n_i$ is $\gamma\, dy_i$. Summed over all $i$, with a bar for the mean over the channel,
#
# $$dx_k = \sum_i \gamma\, dy_i \frac{\partial n_i}{\partial x_k}
# = \gamma s \Big( dy_k - \overline{dy} - n_k\, \overline{dy\, n} \Big), \qquad
# d\gamma = \sum_i dy_i\, n_i, \qquad d\beta = \sum_i dy_i .$$
#
# **What the formula does.** It takes two parts out of $dy$, its mean and its share along $n$. Therefore the $dx_k$ sum
# to 0, as $\overline{n} = 0$, and they are orthogonal to $n$:
#
# $$\sum_k dx_k\, n_k = M \gamma s\, \overline{dy\, n}\, \big(1 - \overline{n^2}\big) \approx 0, \qquad
# \text{as } \overline{n^2} = \frac{v}{v + \epsilon} .$$
#
# It has to be so. If all $x_k$ of a channel are shifted by one amount, or their distances from the mean stretched by
# one factor, $y$ stays the same, so that the gradient has no part in either direction. The next cell computes one
# channel in loops, with the whole Jacobian, and compares it with the library's layer and with differences.

# %%
x, dy, eps = rng.normal(2, 3, (12, 1)), rng.normal(size=(12, 1)), 1e-5
M = len(x)
layer = BatchNorm(1).astype(np.float64)
layer.params["gamma"][:] = 1.7
y = layer.forward(x)
dx = layer.backward(dy)

m = sum(x[i, 0] for i in range(M)) / M
v = sum((x[i, 0] - m) ** 2 for i in range(M)) / M
s = 1 / np.sqrt(v + eps)
n = np.array([(x[i, 0] - m) * s for i in range(M)])
J = np.array([[s * ((i == k) - 1 / M - n[i] * n[k] / M) for k in range(M)] for i in range(M)])
np.testing.assert_allclose(y[:, 0], 1.7 * n)
np.testing.assert_allclose(dx[:, 0], 1.7 * J.T @ dy[:, 0], atol=1e-12)
np.testing.assert_allclose([layer.grads["gamma"][0], layer.grads["beta"][0]], [dy[:, 0] @ n, dy.sum()])
print(f"sum of dx {dx.sum():.0e}, dx and n: {dx[:, 0] @ n:.0e} (dy and n: {dy[:, 0] @ n:.2f})")
error = check_layer(BatchNorm(3), rng.normal(1, 2, (4, 2, 2, 3)), rng)
print(f"BatchNorm against differences: relative error {error:.0e}")
assert error < 1e-6 and abs(dx.sum()) < 1e-10 and abs(dx[:, 0] @ n) < 1e-4

# %% [markdown]
# ## Training and evaluation
#
# In training $m$ and $v$ are those of the batch. A test cannot use those: the answer about a drawing must not depend on
# which other drawings happen to be in the batch. So the layer stores a running mean and variance, which follow those of
# the batches, and evaluation uses the stored ones. With the layer's `momentum` $\mu = 0.9$ (not the optimiser's),
#
# $$\text{stored}_T = \mu\, \text{stored}_{T-1} + (1 - \mu)\, m_T
# = \mu^T\, \text{stored}_0 + (1 - \mu) \sum_{k=0}^{T-1} \mu^k\, m_{T-k} .$$
#
# A batch that is $k$ steps old has the weight $0.1 \cdot 0.9^k$, half as much every $6.6$ steps. The initial values,
# mean 0 and variance 1, have the weight $0.9^T$, which falls below 1 % after 44 steps: before that, stored statistics
# should not be trusted. (Ioffe & Szegedy store the variance times $M / (M - 1)$, the unbiased estimate. With thousands
# of numbers a channel the factor is 1 for all purposes, and the library leaves it out.)
#
# The next cell sends batches of 8 drawings through an untrained convolution and its batch norm.

# %%
first = Sequential(Conv2D(1, 8, 3, rng, padding=1, bias=None), BatchNorm(8))
norm, means, stored = first.layers[1], [], []
for _ in range(60):
    convolved = first.layers[0].forward(views(rng.choice(len(background.images), 8)))
    norm.forward(convolved)
    first.forget()
    means.append(convolved.mean(axis=(0, 1, 2)))
    stored.append(norm.buffers["mean"].copy())
means, stored = np.array(means), np.array(stored)
weights = 0.1 * 0.9 ** np.arange(60)  # of the latest batch, the one before it, ...
np.testing.assert_allclose(stored[-1], weights @ means[::-1], rtol=1e-3, atol=1e-5)

channel = np.abs(means.mean(axis=0)).argmax()
figure, ax = plt.subplots(figsize=(8, 3))
ax.plot(means[:, channel], "o", color="tab:gray", markersize=4, label="mean of the batch")
ax.plot(stored[:, channel], color="tab:blue", label="stored mean")
ax.set(xlabel="batch of 8 drawings", ylabel="mean of one channel (no unit)")
ax.legend()
lesson.show(
    figure,
    "The stored mean starts at 0, reaches the level of the batch means after some 25 steps, and follows them calmly.",
)

# %% [markdown]
# A test that is left in training mode lets a drawing's answer depend on the other drawings of its batch; lesson 11
# shows this among the mistakes of tests.
#
# ## Batch norm repairs the paper's start
#
# Lesson 7 put the paper's initial values into `koch35`, and after four convolutions pictures differed by $10^{-4}$. The
# next cell inserts a batch norm after every convolution and after the fully connected layer, keeps all initial values,
# and measures again how much the values differ from picture to picture (the standard deviation over pictures, mean over
# features).

# %%
pictures = Views(background.images, 35)(np.random.default_rng(0).choice(len(background.images), 24, replace=False))


def with_norm(twin):
    """The layers of a plain twin, each convolution and fully connected layer with a batch norm after it."""
    layers = []
    for layer in twin.layers:
        if isinstance(layer, Named):
            conv, *rest = layer.layers
            layers += [Sequential(conv, BatchNorm(len(conv.params["b"])), *rest)]
        else:
            layers += [Sequential(layer, BatchNorm(4096)) if isinstance(layer, Linear) else layer]
    return Sequential(*layers)


def spreads(twin):
    """After each layer but Flatten: the standard deviation over pictures, mean over features."""
    x, found = pictures, [pictures.std(axis=0).mean()]
    for layer in twin.layers:
        x = layer.forward(x)
        if not isinstance(layer, Flatten):
            found.append(x.std(axis=0).mean())
    twin.forget()
    return np.array(found)


twins = {
    "paper's values": koch35(np.random.default_rng(0), init="paper").twin,
    "library's values": koch35(np.random.default_rng(0)).twin,
    "paper's values, batch norm": with_norm(koch35(np.random.default_rng(0), init="paper").twin),
}
PLACES = ["pictures", "conv 1", "conv 2", "conv 3", "conv 4", "fully\nconnected", "sigmoid"]
figure, ax = plt.subplots(figsize=(8, 3.4))
for (name, twin), style in zip(twins.items(), ("o-", "s--", "^-."), strict=True):
    found = spreads(twin)
    ax.semilogy(found, style, label=name)
    print(f"{name:<27} after convolution 4 {found[4]:.1e}, features {found[6]:.1e}")
ax.set(xticks=range(7), xticklabels=PLACES, ylabel="spread over pictures (no unit)", ylim=(1e-5, 20))
ax.legend(loc="lower left")
lesson.show(figure, "From the paper's values the differences between pictures die out; with batch norm they do not.")

# %% [markdown]
# With batch norm the features' spread rises from $7 \cdot 10^{-5}$ to 0.21. Each batch norm divides by whatever size
# it finds, so that a standard deviation of 0.01 in the weights is as good as any other. The gradient benefits in the
# same way: $dx$ is multiplied by $s$, which is large where the sums were small.
#
# ## Weights whose size does not matter
#
# Let $w$ be the weights of one output channel before a batch norm. Multiply them by $c > 0$: then $x$, $m$ and
# $\sqrt{v}$ are all multiplied by $c$, and $n$ stays the same (apart from $\epsilon$). The loss does not depend on the
# size of $w$:
#
# $$L(c w) = L(w) \quad \text{for all } c > 0 .$$
#
# Differentiated with respect to $c$ at $c = 1$, this says $w \cdot \nabla L(w) = 0$: **the gradient is orthogonal to
# the weights**. Differentiated with respect to $w$, it says $c\, \nabla L(cw) = \nabla L(w)$: at ten times the weights
# the gradient is a tenth.
#
# A step of plain gradient descent, $-\eta \nabla L$, thus goes sideways, turns $w$ by an angle of about
# $\eta \lVert \nabla L \rVert / \lVert w \rVert$, and by Pythagoras makes it longer. Write
# $\lVert \nabla L \rVert = G / \lVert w \rVert$, where $G$ is the gradient at length 1. Then a step turns $w$ by
# $\eta G / \lVert w \rVert^2$, and $\lVert w \rVert^2$ grows by $\eta^2 G^2 / \lVert w \rVert^2$. The quotient
# $\eta / \lVert w \rVert^2$ is the **effective rate**, and it falls as the weights grow. If $G$ stays about the same,
# $\lVert w \rVert^4$ grows by $2 \eta^2 G^2$ a step. After $T$ steps $\lVert w \rVert^2 \approx \eta G \sqrt{2T}$, and
# the angle of a step is $1 / \sqrt{2T}$, whatever the rate.
#
# **What L2 does here.** A penalty on $w$ cannot restrain a function that does not depend on the size of $w$. But the
# factor $1 - 2 \eta \lambda$ of each step takes about $4 \eta \lambda \lVert w \rVert^2$ off $\lVert w \rVert^2$.
# Growth and decay balance where
#
# $$\frac{\eta^2 G^2}{\lVert w \rVert^2} = 4 \eta \lambda \lVert w \rVert^2, \qquad \text{so the angle is} \quad
# \frac{\eta G}{\lVert w \rVert^2} = 2 \sqrt{\eta \lambda} .$$
#
# L2 sets how fast the weights keep turning, and nothing else (van Laarhoven 2017, *L2 Regularization versus Batch and
# Weight Normalization*). The next cell shows the orthogonality in `conv4`; the one after it measures the angles in a
# layer that gets nothing but noise as its gradients, so that $G$ stays about the same.

# %%
compute = CRITERIA["nway"].compute
batch = Episodes(background, 8, 2).draw(np.random.default_rng(0))
network = conv4(np.random.default_rng(0))
conv = network.twin.layers[1].layers[0]  # the second convolution
for c in (1, 10):
    conv.params["W"] *= c
    loss, dz = compute(network.head, network.forward(views(batch.rows)), batch, 1.0)
    network.backward(dz)
    W, G = (array.reshape(-1, array.shape[-1]) for array in (conv.params["W"], conv.grads["W"]))
    cosines = (W * G).sum(axis=0) / np.linalg.norm(W, axis=0) / np.linalg.norm(G, axis=0)
    print(f"weights times {c:<2}: loss {loss:.4f}, |gradient| {np.linalg.norm(G):.1e}, ", end="")
    print(f"largest cosine of weights and gradient {np.abs(cosines).max():.0e}")
    network.zero_grad()
    assert np.abs(cosines).max() < 1e-3


# %%
def angles(start, l2, eta=0.1, steps=50 if lesson.QUICK else 1000):
    """The angle by which each step of gradient descent turns the weights of a linear layer before a batch norm."""
    rng = np.random.default_rng(0)
    layers = Sequential(Linear(50, 8, rng, std=start), BatchNorm(8))
    optimizer, W, turned = Momentum(layers, l2=l2, momentum=0.0), layers.layers[0].params["W"], []
    for _ in range(steps):
        layers.forward(rng.normal(size=(64, 50)).astype(np.float32))
        layers.backward(rng.normal(size=(64, 8)).astype(np.float32) / 8)
        before = W.copy()
        layers.layers[1].zero_grad()  # gamma and beta stay as they are
        optimizer.step(eta)
        layers.zero_grad()
        lengths = np.linalg.norm(before, axis=0) * np.linalg.norm(W, axis=0)
        turned.append(np.arccos(np.clip((before * W).sum(axis=0) / lengths, -1, 1)).mean())
    return np.degrees(turned)


figure, ax = plt.subplots(figsize=(8, 3.6))
for l2, color in ((0.0, "tab:orange"), (0.01, "tab:blue")):
    for start, style in ((0.03, "-"), (0.3, "--")):
        turned = angles(start, l2)
        ax.loglog(np.arange(1, len(turned) + 1), turned, style, color=color, label=rf"$\lambda$ = {l2}, start {start}")
        print(f"lambda {l2:<4} start {start:<4}: {turned[-50:].mean():.2f} degrees a step at the end")
T = np.arange(1, len(turned) + 1)
falling, balance = np.degrees(1 / np.sqrt(2 * T)), np.degrees(2 * np.sqrt(0.1 * 0.01))
print(f"predicted: {falling[-50:].mean():.2f} without L2, {balance:.2f} with it")
ax.loglog(T, falling, ":", color="black", label=r"$1 / \sqrt{2T}$ and $2 \sqrt{\eta\lambda}$")
ax.axhline(balance, color="black", linestyle=":")
ax.set(xlabel="step $T$", ylabel="angle of a step (degrees)")
ax.legend(fontsize=8)
lesson.show(
    figure,
    "From small and from large initial weights, steps come to turn the weights by the same angle: a falling one "
    "without L2, a constant one with it.",
)

# %% [markdown]
# With L2 both starts end at 3.57 degrees a step, where the balance predicts 3.62. Without L2 they are at 1.15 and 1.26
# degrees after 1,000 steps, where 1.30 is predicted, and the angle goes on falling.
#
# ## Adam: a step from two averages
#
# Adam keeps two moving averages for every weight, of the gradient $g$ and of its square. They are called $m$ and $v$,
# but have nothing to do with the mean and the variance above:
#
# $$m_T = \beta_1 m_{T-1} + (1 - \beta_1)\, g_T, \qquad v_T = \beta_2 v_{T-1} + (1 - \beta_2)\, g_T^2,
# \qquad \beta_1 = 0.9,\; \beta_2 = 0.999 .$$
#
# The first plays the part of momentum's velocity. The root of the second says how large the gradient of this weight
# usually is, and a step divides by it.
#
# **Bias correction.** Both averages start at 0. Unrolled, $m_T = (1 - \beta_1) \sum_{k=0}^{T-1} \beta_1^k\, g_{T-k}$.
# If the expectation of the gradient does not change, the geometric sum gives
#
# $$\mathrm{E}[m_T] = \mathrm{E}[g]\; (1 - \beta_1) \sum_{k=0}^{T-1} \beta_1^k = \mathrm{E}[g]\, (1 - \beta_1^T) ,$$
#
# and in the same way $\mathrm{E}[v_T] = \mathrm{E}[g^2]\, (1 - \beta_2^T)$. The missing weight, $\beta^T$, lies on the
# zero at the start. Dividing by the weight that lies on gradients takes the bias away:
#
# $$\hat m_T = \frac{m_T}{1 - \beta_1^T}, \qquad \hat v_T = \frac{v_T}{1 - \beta_2^T}, \qquad
# w \leftarrow w - \eta\, \frac{\hat m_T}{\sqrt{\hat v_T} + \epsilon} , \qquad \epsilon = 10^{-8} .$$
#
# Without this correction the steps would be too *long*: $m$ soon forgets its zero, but $v$ takes a thousand steps to do
# so. The ratio $m_T / \sqrt{v_T}$ would be too large by the factor $(1 - \beta_1^T) / \sqrt{1 - \beta_2^T}$.
#
# **How long is a step?** Multiply all gradients by $c$: $\hat m$ and $\sqrt{\hat v}$ are multiplied by $c$, and the
# step stays the same, as long as $\epsilon$ is negligible. So $\eta$ is in the unit of the weights. The first step is
# $-\eta\, g / |g|$, whose length is exactly $\eta$. With a constant gradient every step is $\eta$; with signs at random
# it is shorter, as $\hat m$ averages them out. After many steps the longest possible step follows from the
# Cauchy-Schwarz inequality:
#
# $$|m_T| \le \sum_k \frac{(1 - \beta_1)\, \beta_1^k}{\sqrt{(1 - \beta_2)\, \beta_2^k}} \cdot
# \sqrt{(1 - \beta_2)\, \beta_2^k}\; |g_{T-k}|
# \le \frac{1 - \beta_1}{\sqrt{1 - \beta_2}} \sqrt{\frac{1}{1 - \beta_1^2 / \beta_2}}\; \sqrt{v_T}
# = 7.27 \sqrt{v_T} ,$$
#
# with equality for gradients that grow by $\beta_2 / \beta_1 = 1.11$ a step. A single gradient after a long silence
# makes a step of $(1 - \beta_1) / \sqrt{1 - \beta_2} = 3.2$ rates. (Kingma & Ba name this as the upper bound; growing
# gradients exceed it.)


# %%
def adam_step(T, g, m, v, correct=True):
    """(step in rates, m, v) of step T = 1, 2, ..."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    m_hat, v_hat = (m / (1 - 0.9**T), v / (1 - 0.999**T)) if correct else (m, v)
    return -m_hat / (np.sqrt(v_hat) + 1e-8), m, v


def adam_by_hand(gradients, correct=True):
    """The steps of one weight, in rates, for a sequence of gradients."""
    m, v, steps = 0.0, 0.0, []
    for T, g in enumerate(gradients, start=1):
        step, m, v = adam_step(T, g, m, v, correct)
        steps.append(step)
    return np.array(steps)


noise = rng.choice([-1.0, 1.0], 10_000)
silence = np.zeros(10_000)
growing = np.concatenate([silence, 1e-3 * (0.999 / 0.9) ** np.arange(100)])
print(f"constant gradient, step 1000:     {abs(adam_by_hand(np.ones(1000))[-1]):.2f} rates")
print(f"without the correction, at most:  {np.abs(adam_by_hand(np.ones(1000), correct=False)).max():.2f}")
print(f"signs at random (r.m.s.):         {np.sqrt((adam_by_hand(noise)[1000:] ** 2).mean()):.2f}")
print(f"one gradient after silence:       {abs(adam_by_hand(np.append(silence, 1.0))[-1]):.2f}")
print(f"growing by 1.11 a step:           {np.abs(adam_by_hand(growing)).max():.2f}")

# %% [markdown]
# **The place of epsilon.** It is added to the root, after the correction. Where $\sqrt{\hat v}$ is far above $10^{-8}$,
# $\epsilon$ plays no part; far below, the step is $\eta\, \hat m / \epsilon$, gradient descent with a fixed rate, and
# weights whose gradients are nothing but rounding stay where they are. Under the root, where some programs have it,
# $\sqrt{\hat v + \epsilon}$ already slows weights whose gradients are below $10^{-4}$. At the paper's start those are
# the weights of every layer but the first (lesson 7).

# %%
sizes = 10.0 ** np.arange(-12, 3.1, 0.25)
figure, ax = plt.subplots(figsize=(7, 3))
ax.semilogx(sizes, [abs(adam_by_hand([g])[0]) for g in sizes], color="tab:blue", label=r"$\sqrt{v} + \epsilon$")
ax.semilogx(sizes, sizes / np.sqrt(sizes**2 + 1e-8), "--", color="tab:orange", label=r"$\sqrt{v + \epsilon}$")
ax.set(xlabel="size of the gradient (loss per unit of weight)", ylabel="first step (rates)")
ax.legend()
lesson.show(
    figure,
    "With epsilon beside the root the first step is one rate for all gradients above about 1e-6, with epsilon under it "
    "only for those above about 1e-3.",
)

# %% [markdown]
# ## In the valley
#
# Lesson 7's valley has $L(w) = \tfrac12 (w_1^2 + 100\, w_2^2)$. Adam divides by the usual size of each coordinate's own
# gradient, so that both coordinates move at the same pace, in steep and flat directions alike. That helps only if the
# valley runs along a coordinate. If it is turned by 45 degrees, both coordinates have the same steep and flat parts,
# and there is nothing to equalise. Momentum, which treats all directions alike, takes the same path in any turned
# valley.


# %%
class Valley(Layer):
    """L(w) = w^T H w / 2 with curvatures 1 and 100, turned by an angle; its only input is its parameter."""

    def __init__(self, angle, scale=1.0):
        super().__init__()
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self.H = scale * turn @ np.diag([1.0, 100.0]) @ turn.T
        self.add_param("w", turn @ np.array([10.0, 1.0]))

    def loss(self, w):
        return 0.5 * ((w @ self.H) * w).sum(axis=-1)

    def backward(self, dy=1.0):
        self.grads["w"] += dy * self.H @ self.params["w"]


def descend(valley, optimizer, eta, steps=150):
    path = [valley.params["w"].copy()]
    for _ in range(steps):
        valley.backward()
        optimizer.step(eta)
        valley.zero_grad()
        path.append(valley.params["w"].copy())
    return np.array(path)


valley = Valley(0.0)
path = descend(valley, Adam(valley), 0.3)
w, m, v = path[0].copy(), np.zeros(2), np.zeros(2)
for T in range(1, 151):
    step, m, v = adam_step(T, valley.H @ w, m, v)
    w = w + 0.3 * step
    np.testing.assert_allclose(path[T], w, rtol=1e-9, atol=1e-12)
thousandfold = Valley(0.0, scale=1000)
np.testing.assert_allclose(descend(thousandfold, Adam(thousandfold), 0.3), path, rtol=1e-5, atol=1e-5)
print("Adam's path is the loop's, and the same for a thousand times the loss")

figure, axes = plt.subplots(1, 3, figsize=(11, 3.5))
grid = np.stack(np.meshgrid(np.linspace(-7, 12, 120), np.linspace(-7, 12, 120)), axis=-1)
for ax, angle, name in zip(axes, (0.0, np.pi / 4), ("along a coordinate", "turned by 45 degrees"), strict=False):
    ax.contour(*grid.transpose(2, 0, 1), np.sqrt(Valley(angle).loss(grid)), 10, colors="lightgray", linewidths=0.8)
    for kind, eta, color in ((Momentum, 0.015, "tab:blue"), (Adam, 0.3, "tab:orange")):
        valley = Valley(angle)
        path = descend(valley, kind(valley), eta)
        ax.plot(*path.T, ".-", color=color, markersize=3, linewidth=0.8, label=kind.__name__)
        style = "-" if angle == 0 else "--"
        axes[2].semilogy(valley.loss(path), style, color=color, label=f"{kind.__name__}, {name}")
        print(f"{kind.__name__:<8} {name:<20}: loss {valley.loss(path[-1]):.1e} after 150 steps")
    ax.plot(0, 0, "k+", markersize=10)
    ax.set(xlabel="$w_1$ (no unit)", ylabel="$w_2$ (no unit)", title=name, aspect="equal")
axes[0].legend(fontsize=8)
axes[2].set(xlabel="step", ylabel="loss (no unit)", ylim=(1e-9, 300))
axes[2].legend(fontsize=7)
lesson.show(
    figure,
    "In a valley along a coordinate Adam and momentum end equally low; in the turned valley momentum's loss is what it "
    "was (dashed, hidden under the solid line), and Adam's falls far more slowly.",
)

# %% [markdown]
# Along a coordinate both reach a loss of $10^{-5}$ in 150 steps. In the turned valley momentum reaches the same, and
# Adam only 0.03. On the other hand Adam's path does not change when the loss is multiplied by a thousand, which would
# make momentum diverge at this rate.
#
# **When it matters.** Adam helps where gradients differ in size from weight to weight or from layer to layer, as they
# do at both starts of lesson 7, and it saves choosing a rate for each layer. It helps less where a valley runs across
# many coordinates. When the gradients of all steps become smaller, momentum's steps do so too and Adam's do not, so
# that Adam needs a falling rate; the library's default is the cosine schedule of lesson 7. L2 also acts differently.
# The penalty's gradient $2 \lambda w$ joins the data's before the division, so that weights with large gradients decay
# less; Loshchilov & Hutter (2019), *Decoupled Weight Decay Regularization*, decay the weights outside of the division.
#
# ## All four on the same steps
#
# Two networks, `conv4` and the same without its batch norms, are each trained with momentum and with Adam. All start
# from He's initial values and see the same 100 batches of 32 characters with two framed drawings each; the loss is the
# N-way loss of lesson 6, the schedule the cosine. Each combination is trained at two rates, 0.003 for Adam and 0.01 for
# momentum, and ten times as much.


# %%
def without_norm(rng):
    """conv4 with biases in place of batch norms."""
    layers, channels = [], 1
    for _ in range(4):
        layers += [Conv2D(channels, 64, 3, rng, padding=1), ReLU(), MaxPool2D(2)]
        channels = 64
    return Siamese(Sequential(*layers, Flatten()), make_head("l1", 256), size=35, channels=1)


steps, classes = (3, 4) if lesson.QUICK else (100, 32)
way = min(20, max(map(len, held_out.classes_of_group)))
trials = nway_trials(held_out, way, 1, 20 if lesson.QUICK else 1000, True, np.random.default_rng(1))


def learn(builder, kind, eta):
    """(losses of the steps, accuracy of held-out trials with its interval)."""
    network, rng = fuse(builder(np.random.default_rng([0, 0]))), np.random.default_rng([0, 1])
    network.frame = "ink"
    sampler, optimizer, losses = Episodes(background, classes, 2), kind(network), []
    for step in range(steps):
        batch = sampler.draw(rng)
        loss, dz = compute(network.head, network.forward(views(batch.rows)), batch, 1.0)
        network.backward(dz)
        optimizer.step(eta * SCHEDULES["cosine"](step, steps, steps)[0])
        network.zero_grad()
        losses.append(float(loss))
    return losses, rate(credits(trials.scores(network_scorer(network)), trials.target))


learned = {}
for kind, base in ((Momentum, 0.01), (Adam, 0.003)):
    for builder, name in ((without_norm, "without"), (conv4, "with")):
        for factor in (1, 10):
            losses, measured = learned[kind, name, factor] = learn(builder, kind, factor * base)
            low, high = measured["interval"]
            print(f"{kind.__name__:<8} {name:<7} batch norm, rate {factor * base:<5g}: ", end="")
            print(f"{measured['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}, last loss {losses[-1]:.2f}")

# %%
figure, ax = plt.subplots(figsize=(8, 3.4))
for (kind, name, factor), (_, measured) in learned.items():
    place = (factor == 10) + (-0.2 if kind is Momentum else 0.1) + (0.1 if name == "with" else 0)
    ends = np.abs(np.array(measured["interval"]) - measured["accuracy"]) * 100
    color, marker = "tab:blue" if name == "with" else "tab:orange", "o" if kind is Adam else "s"
    label = f"{kind.__name__}, {name} batch norm" if factor == 1 else None
    ax.errorbar(place, 100 * measured["accuracy"], ends[:, None], fmt=marker, color=color, capsize=3, label=label)
ax.axhline(100 / way, color="black", linestyle=":", label="chance")
ax.set(xticks=[0, 1], xticklabels=["the first rate", "ten times it"], xlim=(-0.5, 2.5), ylim=(0, 100))
ax.set_ylabel(f"{way}-way accuracy, held out (%)")
ax.legend(fontsize=8, loc="center right")
lesson.show(
    figure,
    "With batch norm (blue) the accuracy is a few points higher; ten times the rate harms only momentum without batch "
    "norm (orange square). Bars are 95 % intervals.",
)

# %% [markdown]
# At the first rate batch norm raises the accuracy from 63.9 to 68.5 % with momentum and from 65.4 to 71.7 % with Adam;
# the first two intervals overlap a little, the second two do not. Between momentum and Adam the intervals overlap, with
# batch norm and without. A network of this size, started from He's values, learns even without the two methods.
#
# The second rate shows what the methods are for. With momentum and without batch norm, a rate ten times as large brings
# the accuracy down to 38.3 %. With either method it stays within 3 points of what it was, as the derivations lead one
# to expect: too long a step only makes the weights before a batch norm longer, and so the next steps smaller, and
# Adam's steps are as long as its rate, however large the gradients have become. What both methods save is the search
# for the right rate. (Each figure is of one training, and 100 steps are few.)
#
# ## Three questions
#
# **1.** The convolutions of `conv4` have no biases. What would happen to a bias before a batch norm in training, and
# which parameter does its work?
#
# <details><summary>Answer</summary>
#
# Nothing: a bias shifts all $x_k$ of its channel by one amount, and the mean takes it away again. Its gradient is the
# sum of the $dx_k$, which is 0 (the second code cell prints it), so that it stays where it started. $\beta$ comes after
# the division and does the bias's work.
#
# </details>
#
# **2.** A batch norm after a fully connected layer is trained with one drawing at a time. What does the layer give, and
# what does the network below it learn? Why is a batch norm after a convolution in less trouble?
#
# <details><summary>Answer</summary>
#
# Then $M = 1$: $x_1$ is its own mean, $n_1 = 0$ and $y_1 = \beta$, whatever the drawing shows. From
# $dy_1 - \overline{dy} = 0$ follows $dx = 0$, and the network below learns nothing. After a convolution the mean is
# also over the $H W$ places of the image, so that differences between places remain. But the mean over all places of
# one drawing is lost even there, and small batches make $m$ and $v$ noisy.
#
# </details>
#
# **3.** A training has an L2 penalty. Somebody multiplies the loss of the data by 1000 and leaves the rate and
# $\lambda$ as they are. What changes with momentum, and what with Adam?
#
# <details><summary>Answer</summary>
#
# With momentum the data's part of each step is 1000 times as long, and the training most likely diverges; the penalty
# acts as before. With Adam the data's part stays as it is, since $\hat m$ and $\sqrt{\hat v}$ grow by the same factor
# (only $\epsilon$ matters less). But the penalty's gradient is now a thousandth of what it was beside the data's, and
# L2 has all but vanished.
#
# </details>
#
# ## What to try
#
# - Give `BatchNorm` a momentum of 0.99 or 0.5 in a short training of `conv4`, and test after 20 and after 100 steps.
#   Which is better when, and what does the formula of the stored mean predict?
# - Go down the valley with `Adam(valley, beta1=0.0)`: no average of gradients, only the division. What does the path
#   look like, and what is it near the cross?
# - Train `koch35` from the paper's values (lesson 7) with Adam at 3e-4. Adam divides each gradient by its size. Does
#   that make up for gradients that are too small, and for features that do not differ?
#
# **Exercise 8** asks for batch norm, forward and backward, and for Adam's update. In a terminal, in the folder that
# you cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 8
#     .venv/bin/python -m lessons.exercises check ex08.py
#
# The first writes `ex08.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 8.1` in place of `check` gives a hint.
