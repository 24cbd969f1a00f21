# %% [markdown]
# # 7. Learning: momentum, schedule, initial values, L2
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.2. About 40 minutes.*
#
# The network is there, and so are its gradients. Learning needs four more decisions: how a gradient becomes a step, how
# the steps shrink over the epochs, which values the weights start from, and what keeps the weights from growing. The
# paper states all four in section 3.2, and this lesson works out what each of them does.
#
# None of them is a matter of taste. From the paper's initial values almost nothing of a picture reaches the end of the
# network, and almost no gradient comes back. The causes can be derived; here they are measured, too, and then cured.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese.criteria import CRITERIA
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Episodes, Pairs
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import numerical_gradient, relative_error
from minisiamese.layers import Layer, Linear, Sequential
from minisiamese.losses import bce
from minisiamese.networks import koch, koch35
from minisiamese.optimizers import SCHEDULES, Momentum
from minisiamese.trials import credits, nway_trials, rate

# %% [markdown]
# ## The update
#
# The loss of a batch is the mean cross-entropy of its pairs plus a penalty on the weights of every layer $j$,
#
# $$L = -\frac{1}{P} \sum_{i=1}^{P} \Big( y^{(i)} \log p^{(i)} + (1 - y^{(i)}) \log(1 - p^{(i)}) \Big)
# + \sum_j \lambda_j \lVert w_j \rVert^2 ,$$
#
# and step $T$ changes the weights by a velocity $\Delta w_j$, part of which comes from the step before:
#
# $$\Delta w_j^{(T)} = -\eta_j \, \nabla_{w_j} L + \mu_j \, \Delta w_j^{(T-1)}, \qquad
# w_j^{(T+1)} = w_j^{(T)} + \Delta w_j^{(T)} .$$
#
# Each layer has its own rate $\eta_j$, momentum $\mu_j$ and L2 weight $\lambda_j$. (The printed formulas have three
# slips, corrected here: the loss lacks its minus sign, both sides of the update carry the same $T$, and the penalty
# enters as $2 \lambda_j |w|$, to which the section on L2 returns. In this section $T$ counts steps; in the schedule
# below it counts epochs.)
#
# ## What momentum is for
#
# The simplest loss that causes trouble is a valley, steep in one direction and flat in the other:
#
# $$L(w) = \tfrac12 (k_1 w_1^2 + k_2 w_2^2), \qquad \nabla L = (k_1 w_1,\; k_2 w_2), \qquad k_1 = 1,\; k_2 = 100 .$$
#
# **Without momentum** every step multiplies $w_i$ by $1 - \eta k_i$, so $w_i$ shrinks only if $|1 - \eta k_i| < 1$. The
# steep direction therefore demands $\eta < 2 / k_2$, and at such a rate the flat direction keeps more than
# $1 - 2 k_1 / k_2 = 0.98$ of its distance at each step.
#
# **With momentum** put $\Delta w^{(T-1)} = w^{(T)} - w^{(T-1)}$ into the update:
#
# $$w_i^{(T+1)} = (1 + \mu - \eta k_i)\, w_i^{(T)} - \mu\, w_i^{(T-1)} .$$
#
# The solutions are sums of powers $r^T$, where $r^2 - (1 + \mu - \eta k_i)\, r + \mu = 0$. The product of the two roots
# is $\mu$. If they are complex, they are conjugate, and both have $|r| = \sqrt{\mu}$, whatever $k_i$ is: the flat
# direction is then as fast as the steep one. They are complex if $(1 + \mu - \eta k_i)^2 < 4 \mu$, that is, for
# $\eta k_i$ between $(1 - \sqrt{\mu})^2$ and $(1 + \sqrt{\mu})^2$. For $\mu = 0.9$ these bounds are 0.003 and 3.8, so
# one rate serves curvatures that differ by a factor of a thousand.

# %%
CURVES = np.array([1.0, 100.0])  # k_1, k_2


class Valley(Layer):
    """L(w) = (k_1 w_1^2 + k_2 w_2^2) / 2, a layer whose only input is its parameter."""

    def __init__(self):
        super().__init__()
        self.add_param("w", np.array([10.0, 1.0]))

    def loss(self):
        return float(0.5 * CURVES @ self.params["w"] ** 2)

    def backward(self, dy=1.0):
        self.grads["w"] += dy * CURVES * self.params["w"]


valley = Valley()
valley.backward()
error = relative_error(valley.grads["w"], numerical_gradient(valley.loss, valley.params["w"]))
print(f"relative error of the gradient: {error:.0e}")
assert error < 1e-8

# %% [markdown]
# The library's `Momentum` goes through all parameters of a network, and a layer of two numbers is a network as well. In
# the next cell it runs beside the update as written above, and both must take the same path.

# %%
eta, steps, paths = 0.015, 150, {}
for mu in (0.0, 0.5, 0.9):
    valley = Valley()
    optimizer, path = Momentum(valley, momentum=mu), [valley.params["w"].copy()]
    w, velocity = np.array([10.0, 1.0]), np.zeros(2)
    for _ in range(steps):
        valley.backward()
        optimizer.step(eta)
        valley.zero_grad()
        path.append(valley.params["w"].copy())
        velocity = -eta * CURVES * w + mu * velocity  # by hand
        w = w + velocity
        np.testing.assert_allclose(valley.params["w"], w, rtol=1e-10, atol=1e-14)
    paths[mu] = np.array(path)
    roots = [np.abs(np.roots([1, -(1 + mu - eta * k), mu])).max() for k in CURVES]
    print(f"mu {mu}: |r| {roots[0]:.3f} in the flat direction, {roots[1]:.3f} in the steep one")

# %%
figure, axes = plt.subplots(2, 2, figsize=(10, 6.4))
x, y = np.meshgrid(np.linspace(-4, 11, 100), np.linspace(-1.3, 1.3, 100))
colors = ("tab:gray", "tab:orange", "tab:blue")
for ax, (mu, path), color in zip(axes.flat, paths.items(), colors, strict=False):
    ax.contour(x, y, 0.5 * (CURVES[0] * x**2 + CURVES[1] * y**2), 12, colors="lightgray", linewidths=0.8)
    ax.plot(*path.T, color=color, marker=".", markersize=4, linewidth=0.8)
    ax.plot(0, 0, "k+", markersize=10)
    ax.set(xlabel="$w_1$, the flat direction (no unit)", ylabel="$w_2$, the steep direction (no unit)")
    ax.set_title(rf"$\mu$ = {mu}: 150 steps from (10, 1)")
    axes[1, 1].semilogy(0.5 * path**2 @ CURVES, color=color, label=rf"$\mu$ = {mu}")
axes[1, 1].set(xlabel="step $T$", ylabel="loss $L(w)$ (no unit)", title="the losses of the three paths")
axes[1, 1].legend()
lesson.show(
    figure,
    "Without momentum the path creeps along the valley and has not reached the cross after 150 steps; with momentum "
    "0.9 it swings about, and its loss ends far lower.",
)

# %% [markdown]
# Two more things follow from the update. Where the gradient $g$ hardly changes, the velocity tends to
# $-\eta g / (1 - \mu)$: with momentum 0.9 the steps become ten times as long. And a gradient that pointed the wrong way
# goes on acting for many steps. At the start of a training, where gradients change most, that is a reason for little
# momentum.
#
# ## The learning schedule
#
# In the paper every rate falls by one per cent an epoch, $\eta_j^{(T)} = 0.99\, \eta_j^{(T-1)}$ with $T$ counting
# epochs, and momentum rises linearly from 0.5 to $\mu_j$. The paper does not say how fast it rises; the library's
# `epoch` schedule adds 0.01 an epoch. A schedule of the library is a function of the step; it returns a factor on all
# rates and an upper limit on all momenta. The library's default, `cosine`, keeps the full rates for a tenth of the
# steps; then its factor is $(1 + \cos \pi t) / 2$, with $t$ rising from 0 to 1.

# %%
epochs, epoch_steps = 200, 10  # the paper's most; steps an epoch, for the figure
schedule = np.array([SCHEDULES["epoch"](t, epochs * epoch_steps, epoch_steps) for t in range(epochs * epoch_steps)])
cosine = np.array([SCHEDULES["cosine"](t, epochs * epoch_steps, epoch_steps)[0] for t in range(epochs * epoch_steps)])
factor = 1.0
for T in range(epochs):  # the paper's recursion
    np.testing.assert_allclose(schedule[T * epoch_steps : (T + 1) * epoch_steps, 0], factor)
    factor *= 0.99

figure, axes = plt.subplots(1, 2, figsize=(10, 3.2))
time = np.arange(len(schedule)) / epoch_steps
axes[0].plot(time, schedule[:, 0], label="the paper's, $0.99^T$")
axes[0].plot(time, cosine, color="gray", linestyle="--", label="cosine, the library's default")
for mu, style in ((0.5, "-"), (0.7, "--"), (0.9, "-.")):
    axes[1].plot(time, np.minimum(mu, schedule[:, 1]), linestyle=style, label=rf"$\mu_j$ = {mu}")
axes[0].set(xlabel="epoch $T$", ylabel=r"factor on the rates $\eta_j$", ylim=(0, 1.05))
axes[1].set(xlabel="epoch $T$", ylabel="momentum in use", ylim=(0, 1.05))
for ax in axes:
    ax.legend()
lesson.show(
    figure, "After the paper's 200 epochs about an eighth of the rate is left; momentum 0.9 is reached after 40."
)

# %% [markdown]
# The 200 epochs are an upper limit: the paper checks the network on 320 one-shot trials made of validation alphabets,
# and stops when their error has not fallen for 20 epochs. It then keeps the weights of the best epoch; this is called
# *early stopping*.
#
# The values of $\eta_j$, $\mu_j$ and $\lambda_j$ themselves came from Bayesian optimisation (lesson 12) and were never
# published, so whoever repeats the paper has to choose six of each: for four convolutions, the fully connected layer
# and $\alpha$.
#
# ## Initial values
#
# The paper draws convolution weights from $N(0, 0.01)$, all biases from $N(0.5, 0.01)$, and the weights of the fully
# connected layer from $N(0, 0.2)$ (mean and standard deviation). Is that a good start? At a good start the differences
# between pictures arrive at the end of the network, and the gradient arrives at its beginning. Both can be computed.
#
# Let $x_1, \dots, x_D$ be the inputs of one sum $a = \sum_{d=1}^{D} w_d x_d$, and let the $w_d$ be independent with
# mean 0 and standard deviation $\sigma$. Then over the draw of the weights
#
# $$\mathrm{Var}(a) = \sum_{d=1}^{D} \mathrm{Var}(w_d)\, x_d^2 = \sigma^2 D\, \overline{x^2},
# \qquad \mathrm{std}(a) = \sigma \sqrt{D}\; \sqrt{\overline{x^2}} .$$
#
# **How differences get through.** Before its ReLU a layer is linear (up to its bias), so the same formula holds for the
# *difference* between the inputs of two pictures: a layer multiplies its size by the gain $\sigma \sqrt{D}$. In the
# paper $\sigma = 0.01$, and $D = K^2 C$ for a $K \times K$ kernel on $C$ channels. ReLU does not interfere: the bias of
# 0.5 is larger than nearly everything that the weighted sum adds to it, so few outputs of the ReLUs are 0 (in `koch35`
# none is), and apart from the pooling the four convolutions act as one linear map.
#
# **How full the sigmoid is.** The inputs of the fully connected layer are about 0.5 each, because of the biases. Its
# sums therefore have a standard deviation of $0.2 \sqrt{D} \cdot 0.5$. The slope of the sigmoid $h = 1 / (1 + e^{-a})$
# is $h' = h (1 - h)$ (lesson 3), which is below 0.01 as soon as $h$ is beyond 0.01 or 0.99, that is, for $|a| > 4.6$.
# What is its mean over $a \sim N(0, s)$ with a large $s$? The density is nearly $1 / (s \sqrt{2 \pi})$ wherever the
# slope is not tiny, and the slope integrates to $h(\infty) - h(-\infty) = 1$. The mean slope is therefore about
# $1 / (s \sqrt{2 \pi})$, where the largest possible slope is $1/4$.
#
# The next cells compare these predictions with two networks: `koch`, the paper's on $105 \times 105$ pixels, whose
# fully connected layer has $D = 9216$ inputs, and `koch35`, its reduced form on $35 \times 35$ with $D = 1024$, which
# is light enough to train here.

# %%
background, held_out = hold_out(lesson.drawings("background"), 1 if lesson.DATA == "glyphs" and lesson.QUICK else 5)
rows = np.random.default_rng(0).choice(len(background.images), 24, replace=False)


def build(builder, init):
    return fuse(builder(np.random.default_rng(0), init=init))


def through(network):
    """What each layer of the twin gives for some background drawings."""
    x, seen = Views(background.images[rows], network.size)(np.arange(len(rows))), []
    for layer in network.twin.layers:
        x = layer.forward(x, train=False)
        seen.append(x)
    return seen


def spread(x):
    """How much the values differ from image to image: the standard deviation over images, mean over features."""
    return float(x.std(axis=0).mean())


networks = {("koch35", init): build(koch35, init) for init in ("paper", "default")}
if not lesson.QUICK:
    networks |= {("koch", init): build(koch, init) for init in ("paper", "default")}
seen = {name: through(network) for name, network in networks.items()}

# %%
for (name, init), values in seen.items():
    if init == "paper":
        arrays = networks[name, init].arrays()
        convolutions = [arrays[f"twin.{layer}.conv.W"].shape for layer in range(4)]
        print(f"{name}, the paper's start: layer, spread over images, gain (predicted)")
        for j in range(1, 4):
            gain, D = spread(values[j]) / spread(values[j - 1]), np.prod(convolutions[j][:-1])
            print(f"  convolution {j + 1}    {spread(values[j]):.1e}   {gain:.2f} ({0.01 * np.sqrt(D):.2f})")
        flat, a, h = values[4:]
        D, s = flat.shape[1], 0.2 * np.sqrt((flat**2).mean() * flat.shape[1])
        print(f"  fully connected  {spread(a):.1e}   {spread(a) / spread(flat):.2f} ({0.2 * np.sqrt(D):.2f})")
        print(f"  sigmoid          {spread(h):.1e}   {spread(h) / spread(a):.3f} ({1 / (s * np.sqrt(2 * np.pi)):.3f})")
        print(f"  sums: standard deviation {a.std():.1f}, predicted {s:.1f}")

# %%
figure, axes = plt.subplots(1, len(networks), figsize=(2.8 * len(networks), 3), sharey=True)
for ax, ((name, init), values) in zip(axes, seen.items(), strict=True):
    h = values[-1]
    beyond = ((h < 0.01) | (h > 0.99)).mean()
    ax.hist(h.ravel(), np.linspace(0, 1, 41), density=True, color="tab:red" if init == "paper" else "tab:blue")
    ax.set(xlabel="feature $h$", title=f"{name}, {init}\nbeyond 0.01 or 0.99: {beyond:.0%}\nspread {spread(h):.0e}")
axes[0].set_ylabel("density")
lesson.show(
    figure,
    "Features of background drawings at the start: the paper's values (red) push many of them to 0 and 1 and let the "
    "pictures hardly differ, while the library's (blue) keep them around 0.5.",
)

# %% [markdown]
# The formulas predict the measurements. In `koch35` every convolution after the first lets a quarter of the differences
# through; after four of them, pictures of different characters differ by $10^{-4}$, and little is left to tell them
# apart by. In `koch`, whose kernels are larger, half gets through each time. But its fully connected layer makes sums
# with a standard deviation of about 11: two thirds of the features lie beyond 0.01 or 0.99, and the mean slope is 0.036
# instead of 0.25.
#
# **The gradient** meets small factors of the same kind on its way back, the sigmoid's slope and the small weights of
# the convolutions. A third obstacle is cancellation between the twins. The score of a pair is
# $s = \sum_j \alpha_j |h_{1,j} - h_{2,j}|$, so the gradients with respect to $h_1$ and $h_2$ are opposite. Both twins
# add to the gradient of the same weights. Where $\delta_1$ and $\delta_2$ are the gradients with respect to a layer's
# sums in the two twins, and $x_1$ and $x_2$ its inputs,
#
# $$\nabla_w L = x_1^\top \delta_1 + x_2^\top \delta_2 \approx (x_1 - x_2)^\top \delta_1
# \qquad \text{if } \delta_2 \approx -\delta_1 .$$
#
# As long as a layer receives nearly the same input from all pictures, the two terms cancel. The next cell measures the
# gradients of all layers for one batch and the paper's loss, with both twins and with the first alone.

# %%
batch = Pairs(background, 16 if lesson.QUICK else 64).draw(np.random.default_rng(1))
views = Views(background.images, 35)
pictures = views(batch.rows)


def gradient_sizes(network, twins):
    """Of the weights of each layer, root mean square, from both twins or from the first alone; and the loss."""
    z = network.forward(pictures)
    loss, ds = bce(network.head.forward(z, batch.pairs), batch.same)
    dz = network.head.backward(ds)
    dz[twins * len(batch.pairs) :] = 0  # the first half of the rows are the first twins
    network.backward(dz)
    gradients = [layer.grads["W" if "W" in layer.grads else "alpha"] for _, layer in network.walk() if layer.grads]
    found = np.array([np.sqrt((g**2).mean()) for g in gradients])
    network.zero_grad()
    return found, loss


sizes = {}
print(" " * 33 + "  ".join(f"{name:<8}" for name in ("conv 1", "conv 2", "conv 3", "conv 4", "full", "alpha")))
for init in ("paper", "default"):
    sizes[init], loss = gradient_sizes(networks["koch35", init], 2)
    first, _ = gradient_sizes(networks["koch35", init], 1)
    print(f"{init:<8} loss {loss:.4f}, gradients      " + "  ".join(f"{size:<8.0e}" for size in sizes[init]))
    print("         over those of one twin  " + "  ".join(f"{size:<8.0e}" for size in (sizes[init] / first)[:5]))

# %% [markdown]
# The loss at the paper's start is 0.6932, next to $\log 2 = 0.6931$: every pair gets $p \approx 0.5$. In the first
# layer, which sees the pictures themselves, the gradient is some twenty times smaller than with the library's values;
# in the fully connected layer and in $\alpha$ it is hundreds and thousands of times smaller. The second line of each
# start shows the cancellation: at the paper's start, both twins together leave 3 % of one twin's gradient in the
# second convolution and 0.04 % in the fully connected layer. At the library's start, at least half is left everywhere.
#
# **The cure** follows from the formulas. To keep sums the same size from layer to layer, $\sigma^2 D\, \overline{x^2}$
# must equal $\mathrm{Var}(a)$ of the layer before. ReLU sets half of the values, the negative ones, to 0, so that
# $\overline{x^2} = \tfrac12 \mathrm{Var}(a)$. Layers with a ReLU and biases of 0 therefore need
#
# $$\sigma^2 D \cdot \tfrac12 = 1 \quad \Rightarrow \quad \sigma^2 = \frac{2}{D} ,$$
#
# **He's values** (He, Zhang, Ren & Sun 2015, *Delving Deep into Rectifiers*). Without a ReLU, $\sigma^2 = 1/D$ keeps
# the size of what goes forward. The gradient that goes back is a sum over the layer's $M$ outputs and asks for
# $\sigma^2 = 1/M$. **Glorot's values** are a compromise, $\sigma^2 = 2 / (D + M)$ (Glorot & Bengio 2010, *Understanding
# the difficulty of training deep feedforward neural networks*). The library's `init="default"` uses He's values for
# convolutions and Glorot's for the layer before the sigmoids. A chain of layers shows the effect on random numbers:

# %%
rng = np.random.default_rng(2)
D, depth = 512, 10
for name, std in {"N(0, 0.01)": 0.01, "He": np.sqrt(2 / D), "N(0, 0.2)": 0.2}.items():
    x = rng.normal(size=(64, D))
    for _ in range(depth):
        x = np.maximum(x @ rng.normal(0, std, (D, D)), 0)
    gain = std * np.sqrt(D / 2)
    print(f"{name:<11} after {depth} layers: size {np.sqrt((x**2).mean()):.0e}, predicted {gain**depth:.0e}")

# %% [markdown]
# ## The same training from both starts
#
# Both starts of `koch35` now see the same batches in the same order, with the same momentum, 0.9, and rate, 0.01. To
# show an effect within a minute, the loss is the N-way cross-entropy of lesson 6, with 32 classes, instead of the
# paper's pairwise one. The accuracy is that of 20-way one-shot trials on held-out background alphabets, with its 95 %
# interval (lesson 10).

# %%
steps, classes = (3, 8) if lesson.QUICK else (120, 32)
way = min(20, max(map(len, held_out.classes_of_group)))
trials = nway_trials(held_out, way, 1, 20 if lesson.QUICK else 400, True, np.random.default_rng(0))


def measure(network):
    return rate(credits(trials.scores(network_scorer(network)), trials.target))


def train(network, rng):
    """The losses of the steps."""
    sampler, optimizer, losses = Episodes(background, classes, 2), Momentum(network, momentum=0.9), []
    for _ in range(steps):
        batch = sampler.draw(rng)
        loss, dz = CRITERIA["nway"].compute(network.head, network.forward(views(batch.rows)), batch, 1.0)
        network.backward(dz)
        optimizer.step(0.01)
        network.zero_grad()
        losses.append(float(loss))
    return losses


before, losses, after = {}, {}, {}
for init in ("paper", "default"):
    network = networks["koch35", init]
    before[init] = measure(network)
    losses[init] = train(network, np.random.default_rng(1))
    after[init] = measure(network)
    for when, result in (("before", before[init]), ("after", after[init])):
        low, high = result["interval"]
        print(f"{init:<8} {when:<7} {result['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=[3, 2])
axes[0].axhline(np.log(classes), color="black", linestyle=":", label=f"equal scores, log {classes}")
for place, (init, color) in enumerate({"paper": "tab:red", "default": "tab:blue"}.items()):
    axes[0].plot(range(1, steps + 1), losses[init], color=color, label=f'init="{init}"')
    for x, result in ((0, before[init]), (1, after[init])):
        low, high = (abs(end - result["accuracy"]) * 100 for end in result["interval"])
        where, error = x + 0.12 * place - 0.06, [[low], [high]]
        axes[1].errorbar(where, 100 * result["accuracy"], error, color=color, marker="o", capsize=4)
axes[0].set(xlabel="step", ylabel="loss of a batch (nats)", ylim=(0, 5.5))
axes[0].legend(loc="upper left", ncols=3)
axes[1].axhline(100 / way, color="black", linestyle=":")
axes[1].set(xticks=[0, 1], xticklabels=["at the start", f"after {steps} steps"], xlim=(-0.5, 1.5))
axes[1].set(ylabel=f"{way}-way accuracy, held out (%)", ylim=(0, 80))
lesson.show(
    figure,
    "From the paper's start the loss stays at the dotted line for half of the training, and the accuracy ends far "
    "lower (dotted on the right: chance; bars: 95 % intervals).",
)

# %% [markdown]
# From the paper's start the loss stays for sixty steps at $\log 32 = 3.47$, the value that it takes when all 32 scores
# are equal. Only then does the network begin to learn. After 120 steps it answers 36.0 % of the trials correctly, about
# as many as the default start answers *before* its first step, 36.5 %; the default start is at 56.2 % by then. Random
# weights of the right size already tell pictures apart.
#
# A better start is no cure for everything. With the paper's loss, its schedule and a rate of 0.01, some 200 to 300
# steps of the full-size network brought the paper's start from 5.3 % to 14.7 %, and the default start from 31.3 % to
# 30.0 %, so that it learned nothing (one run each, in `recipe.md`). At this rate and with a momentum of 0.5, training
# needs far more steps; the paper has up to 200 epochs.
#
# ## L2
#
# The penalty pulls every weight towards zero, because its gradient is $\nabla_{w} \lambda_j w^2 = 2 \lambda_j w$. The
# paper prints $+ 2 \lambda_j |w|$ in its update. That term has no sign of its own: at each step it would shrink the
# negative weights and enlarge the positive ones, without end. We read it as what it must have meant,
# $-\eta_j\, 2 \lambda_j w$ inside the step. In the library the penalty's gradient joins the gradient of the data, and
# momentum acts on their sum. Biases are not penalised.

# %%
rng = np.random.default_rng(0)
small = Sequential(Linear(3, 2, rng, bias=(0.5, 0.01)), Linear(2, 1, rng))
small.astype(np.float64)
optimizer = Momentum(small, l2=(0.3, 0.05), momentum=0.0)
start = {name: array.copy() for name, array in small.arrays().items()}
slopes = {name: numerical_gradient(lambda: float(optimizer.penalty()), array) for name, array in small.arrays().items()}
optimizer.step(0.1)  # the gradients of the data are all 0
for name, array in small.arrays().items():
    np.testing.assert_allclose(array, start[name] - 0.1 * slopes[name], rtol=1e-6, atol=1e-9)
    print(f"{name}: {'decays' if slopes[name].any() else 'is left alone'}")

w = np.array([-1.0, 0.5, 2.0])
printed, read = w.copy(), w.copy()
for _ in range(50):
    printed, read = printed + 2 * 0.01 * np.abs(printed), read - 2 * 0.01 * read
print("the weights", w, "after 50 steps of the printed rule:", printed.round(2), "- of the gradient's:", read.round(2))

# %% [markdown]
# How strong is the penalty? For each weight matrix $\lVert w \rVert^2 \approx \sigma^2$ times the number of weights.
# With $\lambda = 10^{-4}$ in all layers, the penalty at the start is:

# %%
largest = "koch35" if lesson.QUICK else "koch"
for init in ("paper", "default"):
    fresh = build({"koch35": koch35, "koch": koch}[largest], init)
    weights = [layer.params.get("W", layer.params.get("alpha")) for _, layer in fresh.walk() if layer.params]
    parts = [1e-4 * float((W**2).sum()) for W in weights]
    np.testing.assert_allclose(sum(parts), float(Momentum(fresh, l2=1e-4).penalty()), rtol=1e-4)
    print(f"{largest}, {init}: penalty {sum(parts):.4g} = " + " + ".join(f"{part:.2g}" for part in parts))

# %% [markdown]
# The loss of the data is about 0.7. At the paper's start the penalty is 151, nearly all of it from the
# $9216 \cdot 4096$ weights of the fully connected layer with their 0.2, so that at first the optimiser's main task is
# to make those weights smaller. That takes long: with $\eta = 0.01$ and momentum 0.9 a weight loses
# $2 \eta \lambda / (1 - \mu) = 2 \cdot 10^{-5}$ of itself at each step and is halved after 35,000 steps. These are
# sixteen epochs of the paper, in which 30,000 pairs and eight copies of each make 2,109 batches of 128.
#
# ## Three questions
#
# **1.** With momentum 0.9 the steps become ten times as long as without. Does the valley's steep direction therefore
# demand a rate ten times as small?
#
# <details><summary>Answer</summary>
#
# No, it allows nearly twice the rate. The path diverges when a root leaves the unit circle, and complex roots never do,
# as $|r| = \sqrt{\mu}$. For large $\eta k$ both roots are real and negative, and the one farther from 0 passes $r = -1$
# where $1 + (1 + \mu - \eta k) + \mu = 0$, that is at $\eta k = 2 (1 + \mu) = 3.8$, against 2 without momentum. Steps
# become ten times as long only where the gradient keeps its sign. In the steep direction it changes sign from step to
# step, and there the velocity cancels part of it.
#
# </details>
#
# **2.** Someone replaces the paper's biases of 0.5 by 0 and keeps its weights, $N(0, 0.01)$ in the convolutions. Do the
# differences between pictures now get through?
#
# <details><summary>Answer</summary>
#
# No. The gain of a sum is $\sigma \sqrt{D}$, in which no bias occurs, and with biases of 0 each ReLU also stops half of
# the values, so that even less gets through. What does change is the sigmoid: the inputs of the fully connected layer,
# which were about 0.5, become tiny, and so do its sums. The slopes are then all near $1/4$. Of the two causes, the full
# sigmoids are gone, and the small gains are smaller still.
#
# </details>
#
# **3.** A program takes the *sum* of the losses of 128 pairs instead of their mean, and keeps its rates and L2 weights.
# What has changed in the training, and how can it be undone?
#
# <details><summary>Answer</summary>
#
# The gradient of the data is 128 times as large, that of the penalty is what it was: steps are far longer, and L2 is
# 128 times weaker beside the data. Dividing all rates by 128 restores the steps of the data, but makes the pull of the
# penalty on the weights 128 times smaller; every $\lambda_j$ has to be multiplied by 128 as well. Rates and L2 weights
# mean nothing without the definition of the loss.
#
# </details>
#
# ## What to try
#
# - Cure one cause at a time: build `koch35(rng, init="paper")`, then put He's values into `params["W"]` of its
#   convolutions only, or Glorot's into its fully connected layer only. Which of the two brings back the spread?
# - Draw the valley's paths at $\eta = 0.0005$ with momentum 0.9, where the roots of the flat direction are real. How
#   slow is it, and what does $1 - \eta k_1 / (1 - \mu)$ predict?
# - Train from the default start with momentum 0, 0.5, 0.9 and 0.99 at a rate of 0.01, and with momentum 0 at 0.1.
#   Which two trainings resemble each other, and why?
#
# **Exercise 7** asks for the momentum update, for the paper's schedule, and for a whole step: all layers, each with its
# own rate, momentum and L2. In a terminal, in the folder that you cloned (in JupyterLab: File, New, Terminal; then
# `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 7
#     .venv/bin/python -m lessons.exercises check ex07.py
#
# The first writes `ex07.py` with empty functions; the second tries what you put there, and says of a wrong answer where
# it differs. `hint 7.1` in place of `check` gives a hint.
