# %% [markdown]
# # 17. The same lines on a GPU
#
# *The network of Koch, Zemel & Salakhutdinov (2015), section 3.1, on another machine. No GPU is needed. About 40
# minutes.*
#
# **No figure in this lesson was measured on a GPU.** Every time and every speed is computed from the shapes of the
# arrays and from round numbers for two machines, which are assumptions and are named as such. What is run here runs on
# the CPU: in the place of CuPy stands a strict double, NumPy behind a type of its own that refuses to be mixed with
# NumPy's arrays. The library is tested with the same double. So the lesson shows which lines are *right* on a GPU, and
# how many operations they start there, but not how fast a real one is.
#
# A GPU multiplies matrices hundreds of times faster than two cores of a CPU can, and CuPy offers NumPy's functions for
# its arrays. A network written in NumPy can therefore run there unchanged, if its lines keep to a few rules. Those of
# the library do: with `--device cuda` it computes by the lines that you have read in the lessons before. This lesson
# breaks the rules one by one to see what happens.

# %%
import sys
from math import prod

import cupy_double
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese import threads
from minisiamese.backend import array_module, missing, to_device, to_host
from minisiamese.bench import gpu
from minisiamese.bench.timing import arithmetic
from minisiamese.criteria import CRITERIA
from minisiamese.data.affine import draw_distortions
from minisiamese.data.samplers import Episodes, Pairs
from minisiamese.data.views import Views
from minisiamese.fast.block import Block
from minisiamese.fast.fuse import fuse
from minisiamese.layers import Linear
from minisiamese.losses import bce
from minisiamese.networks import conv4, koch
from minisiamese.optimizers import Adam
from minisiamese.siamese import L1Head

for line in gpu.report():
    print(line)

# %% [markdown]
# `python -m minisiamese.backend` prints the same lines: which GPU and which CuPy this machine has, and what to install
# if one is missing. Where there is a GPU, it also computes every gradient of a small network there and compares it with
# NumPy's.
#
# ## What a GPU is good at
#
# A GPU has thousands of arithmetic units, each of them slower than a core of a CPU, and a memory of its own, which it
# reads more than a hundred times as fast as two cores read theirs. It is fast where one operation is done to many
# numbers. It is slow at starting: the *host*, the program on the CPU, *launches* each operation, and a launch takes
# some microseconds, whatever the operation's size. As a model, an operation with $f$ additions and multiplications that
# moves $m$ bytes takes
#
# $$t = t_0 + \max(f / F,\; m / B)$$
#
# seconds, where $t_0$ is the time of a launch, $F$ the most operations a second (FLOP/s) and $B$ the bandwidth, the
# most bytes a second. The larger of the two quotients counts, as computing and moving go on at the same time.
#
# The numbers below are **assumptions**, round figures of the size that data sheets give, for two cores of a server and
# for a large GPU such as NVIDIA's H100. The data sheet of an H100 says about 67 TFLOP/s ($67 \cdot 10^{12}$) in
# float32, 3.4 TB/s, and some 490 TFLOP/s if the factors are rounded to TF32 (explained below).

# %%
MACHINES = {  # assumed: launch (s), FLOP/s, bytes/s
    "two CPU cores": (5e-7, 1e11, 2e10),
    "GPU, float32": (5e-6, 6e13, 3e12),
    "GPU, TF32": (5e-6, 4e14, 3e12),
}


def seconds(machine, flop, moved):
    launch, peak, bandwidth = MACHINES[machine]
    return launch + np.maximum(flop / peak, moved / bandwidth)


figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
count, side = np.geomspace(1, 1e9, 200), np.geomspace(1, 1e4, 200)
for number, name in enumerate(MACHINES):
    if "TF32" not in name:  # of products alone
        axes[0].loglog(count, seconds(name, count, 8 * count), color=f"C{number}", label=name)
    style = "--" if "TF32" in name else "-"
    axes[1].loglog(side, seconds(name, 2 * side**3, 12 * side**2), style, color=f"C{number}", label=name)
axes[0].set(xlabel="numbers in x", ylabel="seconds, by the model", title="y = x + 1")
axes[1].set(xlabel="side of the matrices", title="C = A B, square matrices")
for ax in axes:
    ax.legend()
lesson.show(
    figure, "By the model a small operation takes as long as its launch, so that there the GPU is the slower machine."
)

# %% [markdown]
# The host does not wait for an operation that it has launched; it launches the next one while the GPU computes. With
# long operations the launches therefore cost nothing, as long as the program does not **ask for a value**.
# `float(loss)` or `if loss > 0` has to wait until everything launched before is done. By then the queue is empty, and
# the GPU is idle until the host has launched something new. The next cell plays three steps of five operations, with
# assumed times: once nothing is read, and once a value is read after each step.

# %%
LAUNCH, COPY = 5, 10  # microseconds, assumed
OPERATIONS = [9, 6, 14, 8, 5]  # of a step, microseconds each


def queue(steps, reading):
    """(start, length) of what the host does, of what it waits for, and of what the device does."""
    host, waits, device, now, free = [], [], [], 0, 0
    for _ in range(steps):
        for length in OPERATIONS:
            host.append((now, LAUNCH))
            now += LAUNCH
            device.append((max(now, free), length))
            free = sum(device[-1])
        if reading:
            waits.append((now, free + COPY - now))
            now = free = free + COPY
    return host, waits, device, max(now, free)


figure, axes = plt.subplots(2, 1, figsize=(10, 3.4), sharex=True)
for ax, reading in zip(axes, (False, True), strict=True):
    host, waits, device, now = queue(3, reading)
    ax.broken_barh(host, (1.1, 0.8), color="tab:blue", edgecolor="white", label="launching")
    ax.broken_barh(waits, (1.1, 0.8), color="tab:red", alpha=0.5, label="waiting for a value")
    ax.broken_barh(device, (0.1, 0.8), color="tab:green", edgecolor="white", label="computing")
    ax.set(yticks=[0.5, 1.5], yticklabels=["device", "host"], ylim=(0, 2))
    ax.set_title(f"{'a value is read after each step' if reading else 'nothing is read'}: {now} µs")
    ax.grid(axis="y")
axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.45), ncols=3)
axes[1].set_xlabel("microseconds, by the model")
lesson.show(
    figure,
    "If no value is read, the device computes without a pause from its first operation on; each reading empties its "
    "queue and leaves it idle.",
)

# %% [markdown]
# ## One function for both
#
# CuPy's functions have NumPy's names. A function that begins with `xp = array_module(x)`, and then calls `xp.` where it
# would call `np.`, serves both kinds of array: `xp` is `cupy` if $x$ is one of CuPy's arrays, and `numpy` otherwise.
#
# The next cell puts the double where `import cupy` looks; the last cell takes it away again.

# %%
before = {name: sys.modules.get(name) for name in cupy_double.MODULES}
sys.modules.update(cupy_double.MODULES)


def softplus(x):
    """log(1 + exp(x)), as in the paper's loss (lesson 4), for both kinds of array."""
    xp = array_module(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-abs(x)))


host = np.array([-1000.0, 0, 2], np.float32)
device = to_device(host, "cuda")
np.testing.assert_array_equal(to_host(softplus(device)), softplus(host))
print(type(softplus(host)), softplus(host))
print(type(softplus(device)), repr(softplus(device)))

# %% [markdown]
# ## Rule 1: arrays of the two kinds never meet
#
# *Neither in an operation, nor in an index, nor in an assignment.* The two kinds lie in different memories. CuPy
# refuses most such meetings, but not all of them: some NumPy functions accept its arrays. The double refuses every one,
# and its message says what to do. The next cell tries broken lines and right ones.


# %%
def attempt(name, function, *arguments):
    """Run it, and print what became of it."""
    start = cupy_double.copies()
    try:
        function(*arguments)
        outcome = "runs"
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        outcome = f"{type(error).__name__}: {error}"
    copies = cupy_double.copies() - start
    print(f"{name:30} {outcome}{f', {copies} copy to the host' if copies else ''}")


z = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
mean, rows = z.mean(axis=0), np.array([0, 2])
dz = to_device(z, "cuda")
dmean, drows = to_device(mean, "cuda"), to_device(rows, "cuda")
attempt("np.exp(z)", lambda: np.exp(dz))
attempt("xp.exp(z)", lambda: array_module(dz).exp(dz))
attempt("z - a host mean", lambda: dz - mean)
attempt("z - a mean on the device", lambda: dz - dmean)
attempt("z[host rows]", lambda: dz[rows])
attempt("z[rows on the device]", lambda: dz[drows])
attempt("z[:] = a host array", lambda: dz.__setitem__(slice(None), z))
attempt("z[:] = a device array", lambda: dz.__setitem__(slice(None), dz + 0))

# %% [markdown]
# Python's own numbers may meet either kind: `2 * z` and `z[0]` are fine. An array that has to cross is moved with
# `to_device`. Training does this in two places: `Views` moves the images once, and in each step the rows and the
# distortions of its batch; `Batch.to` moves the pairs or the trials.
#
# ## Rule 2: a training step asks for no value
#
# A line that asks for a value is right on any machine, but slow on a GPU. No error can point to it, so the double
# *counts* the values that come back to the host. `float`, `if` and `print` ask for a value. So does every result whose
# **shape depends on values**: `x[mask]` has as many elements as the mask has ones, and to make an array of that length
# the host must know how many they are.

# %%
d = dz[:, 0] + 1


def mean_of_positive_by_mask(d):
    return d[d > 0].mean()


def mean_of_positive(d):
    """The same: every element is kept, and the unwanted ones count as 0."""
    xp = array_module(d)
    positive = d > 0
    return xp.where(positive, d, 0).sum() / xp.maximum(positive.sum(), 1)


def hinge_by_if(loss):
    return loss if loss > 0 else 0 * loss


def hinge(loss):
    return array_module(loss).maximum(loss, 0)


for function in (mean_of_positive_by_mask, mean_of_positive, hinge_by_if, hinge):
    attempt(function.__name__, function, d if "mean" in function.__name__ else d.sum())
on_host = to_host(d)
np.testing.assert_allclose(mean_of_positive(on_host), mean_of_positive_by_mask(on_host), rtol=1e-6)
attempt("float(loss)", float, d.sum())
attempt("xp.nonzero(d)", array_module(d).nonzero, d)

# %% [markdown]
# On the device a sum such as `d.sum()` is an array without dimensions, and it stays there until somebody reads it. That
# is why `losses.triplet` counts its triplets by `xp.maximum(found.sum(), 1)`, and why the training loop adds up the
# losses on the device and reads the sum every tenth step.
#
# ## Rule 3: no place twice, no place outside
#
# If an assignment names a place twice, one of the values survives: with NumPy the last one, on a GPU that of whichever
# thread happens to come last. `out[rows] += values` is such an assignment as well. The gradient of a drawing that is in
# three pairs is a sum of three, so anybody who writes a siamese network meets this trap:


# %%
def scatter_wrong(rows, values):
    out = array_module(values).zeros(3, values.dtype)
    out[rows] += values
    return out


def scatter(rows, values):
    out = array_module(values).zeros(3, values.dtype)
    array_module(values).add.at(out, rows, values)
    return out


rows, values = np.array([0, 1, 1, 1]), np.array([1.0, 1, 2, 4], np.float32)
np.testing.assert_array_equal(scatter(rows, values), [1, 7, 0])
print("on NumPy: out[rows] += values gives", scatter_wrong(rows, values), "and add.at", scatter(rows, values))
rows, values = to_device(rows, "cuda"), to_device(values, "cuda")
attempt("out[rows] += values", scatter_wrong, rows, values)
attempt("xp.add.at(out, rows, values)", scatter, rows, values)
attempt("values[rows + 3]", lambda: values[rows + 3])

# %% [markdown]
# The last line is an error with NumPy and with the double. CuPy would take some other element and say nothing, since
# for a check the host would have to read the row numbers, and wait.
#
# ## The heads: a matrix instead of a scatter
#
# `add.at` gives the right sum, but on a GPU it adds in another order each time, and the last digits of a floating-point
# sum depend on the order. Two runs with the same seed would therefore end with different weights. The heads add by a
# matrix product instead, with the matrix $S$ of lesson 4: of shape $(P, N)$, with $+1$ at $(p, a_p)$ and $-1$ at
# $(p, b_p)$ for each pair $p = (a_p, b_p)$. The differences of the embeddings are $\Delta = S z$. If $G$ is the
# gradient with respect to $\Delta$, a change of $z$ changes the loss by $\mathrm{tr}(G^\top S\, \delta z)$, so
#
# $$dz = S^\top G.$$
#
# For the L1 head, $s_p = b + \sum_j \alpha_j |\Delta_{pj}|$ gives
# $G_{pj} = ds_p\, \alpha_j \mathrm{sign}(\Delta_{pj})$. The next cell computes $dz$ by `add.at`, by the matrix, and by
# the library for both kinds of array.

# %%
rng = np.random.default_rng(0)
N, P, D = 8, 14, 5
z, ds = rng.normal(size=(N, D)).astype(np.float32), rng.normal(size=P).astype(np.float32)
pairs = np.stack(np.triu_indices(N, 1), axis=1)[rng.permutation(N * (N - 1) // 2)[:P]]
alpha = np.full(D, -1 / np.sqrt(D), np.float32)
S = np.zeros((P, N), np.float32)
S[np.arange(P), pairs[:, 0]], S[np.arange(P), pairs[:, 1]] = 1, -1
G = ds[:, None] * alpha * np.sign(S @ z)
by_scatter = np.zeros_like(z)
np.add.at(by_scatter, pairs[:, 0], G)
np.subtract.at(by_scatter, pairs[:, 1], G)
np.testing.assert_allclose(S.T @ G, by_scatter, atol=1e-6)
for where in ("cpu", "cuda"):
    head = L1Head(D).to(where)
    head.forward(to_device(z, where), to_device(pairs, where))
    np.testing.assert_allclose(to_host(head.backward(to_device(ds, where))), by_scatter, atol=1e-6)
print("dz", by_scatter.shape, "is the same by scatter, by S and by L1Head, on NumPy and on the double")

# %%
terms = rng.normal(size=(1000,)).astype(np.float32)
sums = [np.add.accumulate(rng.permutation(terms))[-1] for _ in range(300)]  # one after the other, in float32
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
image = axes[0].imshow(S, cmap="RdBu", vmin=-1.4, vmax=1.4)
axes[0].grid(False)
axes[0].set(xlabel="drawing n", ylabel="pair p", title="S: blue +1, red -1, white 0", yticks=range(0, P, 3))
axes[1].hist((np.array(sums, float) - terms.astype(float).sum()) * 1e6, 30, color="tab:blue", edgecolor="white")
axes[1].set(xlabel="float32 sum minus the exact one, in millionths", ylabel="orders, of 300")
axes[1].set_title(f"1,000 numbers, sum {terms.astype(float).sum():.1f}")
lesson.show(
    figure, "Left, the matrix that replaces `add.at`; right, the reason: the last digits of a sum depend on its order."
)

# %% [markdown]
# On a CPU the library keeps $S$ sparse, with SciPy. On a GPU $S$ is dense: almost all of its elements are zeros, but to
# multiply by zeros is cheaper there than to look for the others. (The N-way loss does use `add.at`. There at most
# **two** numbers meet at one place, and $a + b = b + a$ in floating point, too.)
#
# ## Random numbers come from the host
#
# One NumPy generator on the host draws the classes, the drawings and the distortions of every step. CuPy's generator
# would give other numbers, and lacks some of the methods:

# %%
background = lesson.drawings("background")
for name in ("random", "normal", "choice", "permutation"):
    attempt(f"generator.{name}", lambda name=name: getattr(cupy_double.cupy.random.default_rng(0), name))
sampler = Pairs(background, 8)
batches = [sampler.draw(np.random.default_rng(3)).to(where) for where in ("cpu", "cuda")]
np.testing.assert_array_equal(batches[0].pairs, to_host(batches[1].pairs))
np.testing.assert_array_equal(batches[0].same, to_host(batches[1].same))
print("a batch is the same on both:", batches[0].pairs.shape, "pairs, rows", batches[0].rows[:4], "...")

# %% [markdown]
# So a run sees the same batches on any machine. A batch takes a few kilobytes, and moving it *to* the device costs
# little, since nothing has to wait for it.
#
# ## One training step, on both
#
# The next cell makes one training step on both kinds of array, from the images to the update: `conv4`, a network common
# in the few-shot literature, with the N-way loss of lesson 6 and with Adam. Like `train` it uses the network's fast
# twin (`fuse`, lesson 2). The loss and the gradients are read only after the step, and the copies to the host are
# counted until then. In float64 rounding does not blur the comparison; float32 is what training uses.

# %%
ways = 5 if lesson.QUICK else 30
few = background.take_classes(range(10 if lesson.QUICK else 60))


def training_step(where, dtype):
    """Loss and gradients of one step, on the host, and the copies to the host until it was over."""
    rng, network = np.random.default_rng(0), fuse(conv4(np.random.default_rng(1))).astype(dtype).to(where)
    optimizer, views = Adam(network), Views(few.images, 35, where)
    start = cupy_double.copies()
    drawn = Episodes(few, ways, 4).draw(rng)
    images = views(drawn.rows, draw_distortions(rng, len(drawn.rows))).astype(dtype)
    z = network.forward(images)
    loss, dz = CRITERIA["nway"].compute(network.head, z, drawn.to(where), None)
    network.backward(dz)
    kept = {f"{name}.{key}": grad.copy() for name, layer in network.walk() for key, grad in layer.grads.items()}
    optimizer.step(1e-3)
    network.zero_grad()
    copies = cupy_double.copies() - start
    return float(loss), {name: to_host(grad) for name, grad in kept.items()}, copies


for dtype in (np.float64, np.float32):
    (loss, grads, _), (loss_there, grads_there, copies) = (training_step(where, dtype) for where in ("cpu", "cuda"))
    largest = max(abs(grad).max() for grad in grads.values())
    difference = max(abs(grads_there[name] - grad).max() for name, grad in grads.items()) / largest
    assert copies == 0 and abs(loss - loss_there) < 1e-4
    assert dtype == np.float32 or difference < 1e-8
    print(f"{dtype.__name__}: losses {loss:.7f} and {loss_there:.7f}, {copies} copies back in the step;")
    print(f"    the {len(grads)} gradients differ by {difference:.0e} of the largest element")

# %% [markdown]
# In float64 both give the same numbers, and the step reads nothing back. In float32 the gradients differ by more than a
# rounding. On a device a batch is cut into other chunks, so that sums round differently; and where two pixels of a
# pooling window are all but equal, another one of them may win and take the whole gradient. For the same reason a run
# on a GPU does not end with the weights of a run on the CPU, although it sees the same batches.
#
# The double also shows how many operations a step has to launch. Roughly, each new array on the device is one launch.
# (An empty array needs none, and a computation in place makes no array.) On a CPU, `in_chunks` cuts a batch into parts
# of a few images, whose work memory of 4 MiB stays in the cache. For a GPU it makes parts of up to 1 GiB. The next two
# cells count the arrays of a step for both sizes, and draw them.


# %%
def parts_of_a_step():
    """(name, function) of what a step does, one after the other; each takes what the one before it gives."""
    rng, network = np.random.default_rng(0), fuse(conv4(np.random.default_rng(1))).to("cuda")
    optimizer, views, drawn = Adam(network), Views(few.images, 35, "cuda"), Episodes(few, ways, 4).draw(rng)
    matrices, there = draw_distortions(rng, len(drawn.rows)), drawn.to("cuda")
    layers = [(f"block {number}", layer) for number, layer in enumerate(network.twin.layers, start=1)]
    yield "views", lambda _: views(drawn.rows, matrices)
    yield from ((name, layer.forward) for name, layer in layers)
    yield "head and loss", lambda z: CRITERIA["nway"].compute(network.head, z, there, None)[1]
    yield from ((name, layer.backward) for name, layer in layers[::-1])
    yield "update", lambda _: optimizer.step(1e-3)


def new_arrays(chunk_bytes):
    """{part: how many arrays it makes on the device}."""
    counts, value, of, kept = {}, None, cupy_double.ndarray._of, threads.DEVICE_CHUNK_BYTES
    made = []

    def noting(host):
        made.append(host.base is None)  # a view is no new array
        return of(host)

    try:
        cupy_double.ndarray._of, threads.DEVICE_CHUNK_BYTES = staticmethod(noting), chunk_bytes
        for name, function in parts_of_a_step():
            made.clear()
            value = function(value)
            counts[name] = counts.get(name, 0) + sum(made)
    finally:
        cupy_double.ndarray._of, threads.DEVICE_CHUNK_BYTES = of, kept
    del counts["block 5"]  # the last layer only lays its images out as rows
    return counts


# %%
coarse, fine = new_arrays(threads.DEVICE_CHUNK_BYTES), new_arrays(threads.HOST_CHUNK_BYTES)
figure, ax = plt.subplots(figsize=(9, 3.4))
places = np.arange(len(coarse))
for shift, counts, label in ((-0.2, coarse, "cut at 1 GiB, as for a GPU"), (0.2, fine, "cut at 4 MiB, as for a CPU")):
    bars = ax.bar(places + shift, counts.values(), 0.4, label=f"{label}: {sum(counts.values())} in all")
    ax.bar_label(bars, fontsize=8)
ax.set(xticks=places, xticklabels=list(coarse), ylabel="new arrays in one step")
ax.legend()
ax.grid(axis="x")
lesson.show(figure, "Cut for a CPU's cache, the large blocks would be launched in many small pieces.")

# %% [markdown]
# ## How many operations for a byte
#
# Whether a layer waits for its arithmetic or for memory depends on its **arithmetic intensity** $I = f / m$, the
# operations for each byte that is moved. By the model above, without the launch, the speed is
#
# $$\frac{f}{t} = \min(F,\; I\, B).$$
#
# Drawn over $I$ this is a *roofline* (Williams, Waterman & Patterson 2009, *Roofline: An Insightful Visual Performance
# Model for Multicore Architectures*): it rises while $I < F / B$, the *balance* of the machine, and is flat beyond.
# With the assumed numbers the balance is 5 FLOP a byte for the CPU, 20 for the GPU, and 133 with TF32.
#
# The next cells place the layers of the paper's network on the roofline, for a step of 128 pairs (256 images), forward
# and backward. The operations are those of the layer's definition (`bench.timing.arithmetic`). The bytes count each
# array once whenever it goes in or out: $x$, $W$, $y$ in the forward pass; $x$, $W$, $dy$, $dx$, $dW$ in the backward
# pass.

# %%
network, size, points = fuse(koch(np.random.default_rng(0))), 105, {}
shape = (256, size, size, 1)
for layer in network.twin.layers:
    if isinstance(layer, Block):
        _, H, W, O = layer.conv.output_shape(shape)
        out, weights = (256, H // layer.window, W // layer.window, O), layer.conv.params["W"].size
        first = not layer.conv.input_gradient
        name = f"conv {len(layer.conv.params['W'])} x {len(layer.conv.params['W'])}, {shape[-1]} to {O}"
    elif isinstance(layer, Linear):
        shape = (256, prod(shape[1:]))
        out, weights, first = (256, 4096), layer.params["W"].size, False
        name = "fully connected"
    else:
        continue
    moved = 4 * ((2 if first else 3) * prod(shape) + 3 * weights + 2 * prod(out))
    points[name] = 1e9 * arithmetic(layer, shape)["gflop"], moved
    shape = out
numbers = sum(array.size for array in network.arrays().values())
points["sigmoid"] = 8 * 256 * 4096, 4 * 5 * 256 * 4096  # x, y; dy, y, dx, and about 8 operations
points["L1 head"] = 12 * 128 * 4096, 4 * 5 * 256 * 4096  # z twice, dz; the pairs' differences and G, there and back
points["update"] = 4 * numbers, 4 * 5 * numbers  # momentum: w, g, v read; w, v written
del network

# %%
figure, ax = plt.subplots(figsize=(10.5, 4.6))
intensity = np.geomspace(0.1, 5000, 200)
for number, (name, (_, peak, bandwidth)) in enumerate(MACHINES.items()):
    style = "--" if "TF32" in name else "-"
    ax.loglog(intensity, np.minimum(peak, intensity * bandwidth) / 1e12, style, color=f"C{number}", label=name)
for name, (flop, moved) in points.items():
    for number, (_, peak, bandwidth) in enumerate(MACHINES.values()):
        ax.plot(flop / moved, min(peak, flop / moved * bandwidth) / 1e12, "o", color=f"C{number}", markersize=4)
    height = 0.15 if flop / moved > 10 else 0.013
    ax.text(flop / moved, height, name, rotation=90, fontsize=8, va="bottom", ha="center")
ax.set(xlabel="arithmetic intensity (FLOP per byte)", ylabel="TFLOP/s at most, by the model", ylim=(1e-3, 1e3))
ax.set_title("assumed machines; layers of the paper's network, 256 images")
ax.legend(loc="upper left")
lesson.show(
    figure,
    "Convolutions lie far to the right, where the arithmetic units set the speed; the update, the sigmoid and the head "
    "lie on the slope and wait for memory.",
)

# %%
print(f"{'':24}{'GFLOP':>8}{'MB':>7}{'I':>7}   least milliseconds, by the model: CPU, GPU, TF32")
totals = np.zeros(3)
for name, (flop, moved) in points.items():
    least = np.array([max(flop / peak, moved / bandwidth) * 1e3 for _, peak, bandwidth in MACHINES.values()])
    totals += least
    print(f"{name:24}{flop / 1e9:8.1f}{moved / 1e6:7.0f}{flop / moved:7.1f}   ", *(f"{value:10.2f}" for value in least))
print(f"{'all':46}   ", *(f"{value:10.2f}" for value in totals))

# %% [markdown]
# All four convolutions and the fully connected layer lie to the right of the float32 balance. There the arithmetic
# units set the time. The second convolution, which has 81 % of the convolutions' multiplications (lesson 16), takes
# 79 % of the time of all layers in float32, on the CPU and on the GPU. The update moves 0.8 GB for 0.2 GFLOP. By the
# model it takes 0.3 % of the CPU's time, 1 % of the GPU's, and 7 % with TF32, where the fully connected layer, with 118
# FLOP a byte, is left of the balance as well. **The faster a machine computes, the larger is the share of its time that
# goes into moving numbers.**
#
# These times are bounds from below, for assumed machines. Launches and pooling are left out. By Fourier's products
# (lesson 16) the second convolution takes a seventh of its multiplications, but its spectra have to be moved.
#
# ## More than one device
#
# The gradient of a sum is the sum of the gradients, and *data parallelism* needs nothing else. Several devices hold the
# same weights. Each passes its own part of the batch forward and backward, the gradients of all parts are averaged and
# sent to every device, and all make the same step, so that their weights stay the same. The price is that the gradients
# travel in every step, four bytes for each weight: 156 MB for the paper's network. For pairs this is all. Two things of
# this course do not split over images. Batch norm takes its mean over the batch, so that each device would normalise by
# its own part. And the N-way loss compares each drawing with all classes of the batch, so that each device would have
# easier trials, of fewer classes, unless the embeddings are exchanged before the loss. The library trains on one
# device. The next cell checks the rule for a linear layer with the L1 head and the cross-entropy, on 128 pairs as one
# batch and as four parts.

# %%
layer, head = Linear(50, 20, rng).astype(np.float64), L1Head(20).astype(np.float64)
x_1, x_2, same = rng.normal(size=(128, 50)), rng.normal(size=(128, 50)), (rng.random(128) < 0.5).astype(float)


def gradient_of(part):
    """The gradient of the weights W, for the mean loss of some of the pairs."""
    layer.zero_grad()
    z = layer.forward(np.concatenate([x_1[part], x_2[part]]))
    _, ds = bce(head.forward(z, np.arange(len(z)).reshape(2, -1).T), same[part])
    layer.backward(head.backward(ds))
    return layer.grads["W"].copy()


quarters = [gradient_of(slice(start, start + 32)) for start in range(0, 128, 32)]  # as of four devices
np.testing.assert_allclose(sum(quarters) / 4, gradient_of(slice(None)), atol=1e-12)
print("the mean of the gradients of four devices is that of the whole batch;")
print(f"those of the paper's network are {4 * numbers / 1e6:.0f} MB")

# %% [markdown]
# ## Ten bits: TF32
#
# A float32 keeps 23 bits behind the leading one. GPUs multiply faster if both factors are first rounded to 10 bits, the
# format *TF32*; the sums are still computed in float32. The relative error of such a rounding is at most
# $2^{-11} \approx 5 \cdot 10^{-4}$, where that of float32 is $2^{-24} \approx 6 \cdot 10^{-8}$. In NumPy the rounding
# is one line on the bits of the number: it adds half of the last place that is kept (in a tie it rounds to the even
# number), and clears the 13 bits below.


# %%
def tf32(x):
    bits = x.view(np.uint32)
    return ((bits + np.uint32(0xFFF) + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)).view(np.float32)


numbers = rng.uniform(1, 2, 10000).astype(np.float32)
assert abs(tf32(numbers) / numbers - 1).max() <= 2**-11
ten_bits = (1 + np.arange(1024) / 1024).astype(np.float32)
np.testing.assert_array_equal(tf32(ten_bits), ten_bits)
print("pi", np.float32(np.pi), "becomes", tf32(np.array([np.pi], np.float32))[0])

# %% [markdown]
# What does this do to a product of matrices? Let $a$ and $b$ be independent random numbers around 0, and let $\delta_a$
# and $\delta_b$ be their rounding errors. Each term $a b$ of a sum is off by about $a\, \delta_b + b\, \delta_a$. The
# variance of a sum of $D$ independent terms is $D$ times that of one term. This holds for the result and for its error
# alike, so $D$ cancels:
#
# $$\frac{\text{error}}{\text{result}} \approx \sqrt{\frac{2 D\, \overline{a^2}\; \overline{\delta^2}}
# {D\, \overline{a^2}\; \overline{a^2}}} = \sqrt{2\, \overline{\delta^2} / \overline{a^2}}.$$

# %%
depths = 2 ** np.arange(4, 11 if lesson.QUICK else 14)
errors = {"float32": [], "TF32": []}
for depth in depths:
    a, b = rng.normal(size=(2, 64, depth)).astype(np.float32)
    exact = a.astype(float) @ b.T.astype(float)
    for name, product in (("float32", a @ b.T), ("TF32", tf32(a) @ tf32(b).T)):
        errors[name].append(np.sqrt(((product - exact) ** 2).mean() / (exact**2).mean()))
expected = np.sqrt(2 * ((tf32(a) - a) ** 2).mean() / (a**2).mean())
np.testing.assert_allclose(errors["TF32"], expected, rtol=0.15)
print(f"TF32: expected {expected:.2e}, measured {min(errors['TF32']):.2e} to {max(errors['TF32']):.2e}")
print(f"float32 {errors['float32'][0]:.0e} at length {depths[0]}, {errors['float32'][-1]:.0e} at {depths[-1]}")
figure, ax = plt.subplots(figsize=(7, 3.4))
for name, color in (("float32", "tab:blue"), ("TF32", "tab:orange")):
    ax.loglog(depths, errors[name], "o-", color=color, label=name)
ax.axhline(2**-11, color="black", linestyle=":", label="2^-11, the largest rounding of one factor")
ax.set(xlabel="length of the sums", ylabel="error (of the root mean square)", ylim=(1e-8, 1e-2), xticks=depths[::3])
ax.set_xticklabels(depths[::3])
ax.legend(loc="center right")
lesson.show(figure, "A product of matrices in TF32 is off by some 3 in 10,000, however long its sums are.")

# %% [markdown]
# Such an error is harmless for most training, but it is a thousand times that of float32 or more, and too large for a
# strict check of gradients. So the library multiplies in float32 unless `CUPY_TF32` is set, and
# `python -m minisiamese.backend` allows the gradients on a GPU to differ from NumPy's by $10^{-4}$ without TF32 and by
# $10^{-2}$ with it.
#
# ## Cleaning up
#
# The last cell takes the double away and restores what was there before. If this machine has a GPU that CuPy can use,
# `softplus` now runs on it.

# %%
for name, module in before.items():
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module
sys.path.pop(0)
where = "cuda" if missing() is None else "cpu"
there = to_host(softplus(to_device(host, where)))
np.testing.assert_allclose(there, softplus(host), rtol=1e-6)
print(f"softplus on {where}: {there}")

# %% [markdown]
# ## Three questions
#
# **1.** A training loop prints `float(loss)` after every step. On a CPU nobody has noticed a difference. What does it
# cost on a GPU, and why is it no remedy to print only the losses that are above 1?
#
# <details><summary>Answer</summary>
#
# `float(loss)` waits until all operations of the step are done, so the host cannot launch the next step meanwhile. In
# the model of the second picture the three steps took 171 µs with the readings and 131 without: the device stood idle
# between the steps, and the last value had to be copied. `if loss > 1` needs the value just as `float` does, and waits
# in every step, printed or not. The remedy is to add up the losses on the device and to read the sum now and then.
#
# </details>
#
# **2.** Somebody replaces the matrix $S$ on the GPU by `add.at`. All tests with tolerances pass. Which property of a
# run is lost, and why does the N-way loss not lose it by its own `add.at`?
#
# <details><summary>Answer</summary>
#
# A run no longer repeats itself exactly: threads add in another order each time, the last digits differ, and training
# makes the difference grow. In the N-way loss at most two numbers meet at one place, and the sum of two does not depend
# on their order. From three numbers on it matters which two are added first.
#
# </details>
#
# **3.** The next GPU has twice the FLOP/s and the same bandwidth. By the model, what happens to the time of the second
# convolution, and what to that of the update?
#
# <details><summary>Answer</summary>
#
# The convolution lies far to the right of the balance and takes half of the time. The update lies on the slope, waits
# for memory, and takes as long as before: its share of the step grows. With $F$ the balance $F / B$ doubles as well,
# from 20 to 40 FLOP a byte, and the fully connected layer, with 118, comes closer to waiting for memory.
#
# </details>
#
# ## What to try
#
# - Put one `float(loss)` into `training_step`, before `copies` is read, and see the assertion fail. Then find a line of
#   `minisiamese/losses.py` that a small change would make read a value, without any error.
# - In the roofline, take 1 pair in place of 128 (2 images in place of 256). Which layer moves farthest, and why does a
#   GPU help little when one pair is asked about?
# - In `queue`, make every operation 3 µs long, shorter than its launch. What does reading a value cost then?
#
# **Exercise 17** asks for the N-way loss, whose formula stands in lesson 6, and for the gradient of a distance head,
# both in lines that serve NumPy and CuPy alike and read nothing back. In a terminal, in the folder that you cloned (in
# JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 17
#     .venv/bin/python -m lessons.exercises check ex17.py
#
# The first writes `ex17.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 17.1` in place of `check` gives a hint.
