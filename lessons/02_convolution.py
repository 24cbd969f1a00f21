# %% [markdown]
# # 2. Convolution is a matrix product
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.1, and figure 4. About 20 minutes.*
#
# Both twins begin with four layers of convolutions. Almost all the time of a training step is spent in them, so how a
# convolution is computed decides whether the network learns in hours or in years.
#
# Written as the paper writes it, a convolution is seven nested loops. This lesson turns it into **one matrix product**:
# every patch of the image becomes a row of a matrix, every kernel a column of another. The rows are gathered by
# `im2col`. Its transpose, `col2im`, takes the gradient back to the image. The library's `convolution.py` is these two
# functions and three products.

# %%
import tracemalloc
from inspect import getsource
from statistics import median
from time import perf_counter

import lesson
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from threadpoolctl import threadpool_limits

from minisiamese.convolution import Conv2D, col2im, convolve, convolve_backward, im2col, output_shape
from minisiamese.data.views import Views
from minisiamese.fast.algorithms import multiplications
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer
from minisiamese.networks import conv4_wide
from minisiamese.plots import picture
from minisiamese.runs.folder import load_run

# %% [markdown]
# ## The formula
#
# For layer $l$ and its feature map $k$, the paper has (before pooling)
# $\max(0,\; \mathbf{W}^{(k)}_{l-1,l} \star \mathbf{h}_{1,(l-1)} + \mathbf{b}_l)$, where $\star$ is the *valid*
# convolution: only places at which the kernel lies within the image as a whole. With all indices, for $N$ images of
# $H \times W$ pixels with $C$ channels, kernels of $K \times K$ and $O$ feature maps,
#
# $$y_{n,i,j,o} = b_o + \sum_{k=0}^{K-1} \sum_{l=0}^{K-1} \sum_{c=0}^{C-1} x_{n,\,i+k,\,j+l,\,c}\; W_{k,l,c,o},
# \qquad 0 \le i \le H - K,\quad 0 \le j \le W - K.$$
#
# (From here on $k$ and $l$ are a place in the kernel.) Strictly this is a *correlation*; a convolution would read the
# kernel backwards, $x_{i-k,\,j-l}$. As the kernels are learned, they come out turned round, and nothing else changes.
#
# The order of the axes is the library's: images $(N, H, W, C)$, kernels $(K, K, C, O)$, results $(N, H_o, W_o, O)$.


# %%
def convolve_by_loops(x, W, b):
    """The formula as it stands; x (N, H, W, C), W (K, K, C, O), b (O,)."""
    N, H, width, C = x.shape
    K, _, _, O = W.shape
    y = np.empty((N, H - K + 1, width - K + 1, O), x.dtype)
    for n, i, j, o in np.ndindex(y.shape):
        total = b[o]
        for k, l, c in np.ndindex(K, K, C):
            total += x[n, i + k, j + l, c] * W[k, l, c, o]
        y[n, i, j, o] = total
    return y


rng = np.random.default_rng(0)
layer = Conv2D(3, 4, 3, rng, bias=(0, 1)).astype(np.float64)
x = rng.normal(size=(2, 7, 8, 3))
y = layer.forward(x, train=False)
np.testing.assert_allclose(convolve_by_loops(x, layer.params["W"], layer.params["b"]), y)
print("x", x.shape, " W", layer.params["W"].shape, " y", y.shape, "- the library's values are those of the loops")

# %% [markdown]
# What does it compute? At each place, the inner product of the kernel with the patch below it: a number that is large
# where the patch looks like the kernel. A kernel with a positive bar between two negative ones answers to lines of the
# bar's direction. Its weights add up to 0, so a blank patch gives 0, and so does a patch full of ink; those of the bar
# add up to 1. The kernels here are of the size of the paper's first layer, with a bar as wide as a stroke.

# %%
background = lesson.drawings("background")
label = min(340, len(background.rows_of_class) - 1)
drawing = background.images[background.rows_of_class[label][0]]
bar = np.tile([-2, -2, -2, 3, 3, 3, 3, -2, -2, -2], (10, 1)) / 120
lines = Conv2D(1, 2, 10, rng)
lines.params["W"] = np.stack([bar, bar.T], axis=2)[:, :, None].astype(np.float32)  # (K, K, 1, 2)
response = lines.forward(drawing[None] / np.float32(255), train=False)[0]

figure, axes = plt.subplots(1, 5, figsize=(11, 2.9), width_ratios=[2.2, 1, 2.2, 1, 2.2])
picture(axes[0], drawing)
axes[0].set_title(f"x, {drawing.shape[0]} x {drawing.shape[1]}")
for o, name in enumerate(("upright", "level")):
    kernel, answer = axes[1 + 2 * o], axes[2 + 2 * o]
    kernel.imshow(lines.params["W"][:, :, 0, o], cmap="RdBu_r", vmin=-0.03, vmax=0.03)
    kernel.set(title="W, 10 x 10", xticks=[], yticks=[])
    shown = answer.imshow(response[:, :, o], cmap="RdBu_r", vmin=-1, vmax=1)
    answer.set(title=f"y for {name} lines, {response.shape[0]} x {response.shape[1]}", xticks=[], yticks=[])
figure.colorbar(shown, ax=axes, label="value of y", shrink=0.8)
lesson.show(figure, "Red where the patch resembles the kernel: one kernel finds upright strokes, the other level ones.")

# %% [markdown]
# ## Every patch a row
#
# For one place $(n, i, j)$ and one feature map $o$ the sum is an inner product of two vectors of $K K C$ numbers: the
# patch, read line by line, and the kernel, read in the same order. Take all patches as the rows of a matrix $X$, and
# all kernels as the columns of a matrix $\mathcal{W}$:
#
# $$X_{(n,i,j),\,(k,l,c)} = x_{n,\,i+k,\,j+l,\,c}, \qquad \mathcal{W}_{(k,l,c),\,o} = W_{k,l,c,o}.$$
#
# Then the three sums are the sum of a matrix product:
#
# $$Y = X \mathcal{W} + \mathbf{1} b^\top, \qquad
# \underset{N H_o W_o \times O}{Y} \quad \underset{N H_o W_o \times K K C}{X} \quad
# \underset{K K C \times O}{\mathcal{W}}.$$
#
# $\mathcal{W}$ is `W.reshape(K * K * C, O)`, the same memory read as a matrix. $X$ has to be made; the function that
# makes it is called `im2col` wherever it is found, though patches are the rows here.


# %%
def rows_of_patches(x, K):
    """im2col as it is said."""
    N, H, W, _ = x.shape
    return np.stack([x[n, i : i + K, j : j + K].ravel() for n, i, j in np.ndindex(N, H - K + 1, W - K + 1)])


small = np.arange(20.0).reshape(1, 4, 5, 1)
columns = im2col(small, kernel=3)
np.testing.assert_array_equal(columns, rows_of_patches(small, 3))
np.testing.assert_array_equal(im2col(x, 3), rows_of_patches(x, 3))
print("a 4 x 5 image has 2 x 3 patches of 3 x 3:", columns.shape)


# %%
def numbers(ax, matrix, marked):
    """Draw a matrix with its numbers, those of ``marked`` on colour."""
    ax.imshow(np.where(marked, 1.0, 0.0), cmap="Blues", vmin=0, vmax=2.5, aspect="auto")
    for (i, j), value in np.ndenumerate(matrix):
        ax.text(j, i, f"{value:.0f}", ha="center", va="center")
    ax.grid(False)


i, j = 1, 0
row = i * 3 + j
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=[1, 1.7])
inside = np.zeros((4, 5), bool)
inside[i : i + 3, j : j + 3] = True
numbers(left, small[0, :, :, 0], inside)
left.add_patch(Rectangle((j - 0.5, i - 0.5), 3, 3, fill=False, edgecolor="tab:blue", linewidth=3))
left.set(title="x: a 4 x 5 image", xlabel="column of the image", ylabel="row of the image", yticks=range(4))
numbers(right, columns, np.arange(6)[:, None] == np.full((6, 9), row))
for a, b in np.argwhere(columns == 11):
    right.add_patch(Rectangle((b - 0.46, a - 0.46), 0.92, 0.92, fill=False, edgecolor="tab:orange", linewidth=2.5))
left.add_patch(Rectangle((0.54, 1.54), 0.92, 0.92, fill=False, edgecolor="tab:orange", linewidth=2.5))
right.set(title="X = im2col(x): 6 x 9", xlabel="place in the kernel, (k, l)", ylabel="place in y, (i, j)")
right.set_xticks(range(9), [f"{k},{l}" for k in range(3) for l in range(3)])
right.set_yticks(range(6), [f"{a},{b}" for a in range(2) for b in range(3)])
lesson.show(figure, "The blue patch is the blue row; pixel 11, in orange, is in four patches and so four times in X.")

# %% [markdown]
# With $X$ at hand, the convolution is one line. Here it is for the layer and the images from above:

# %%
K, _, C, O = layer.params["W"].shape
Y = im2col(x, K) @ layer.params["W"].reshape(K * K * C, O) + layer.params["b"]
np.testing.assert_allclose(Y.reshape(y.shape), y)
print("X", im2col(x, K).shape, "@ W", (K * K * C, O), "= Y", Y.shape, "- reshaped, it is y", y.shape)

# %% [markdown]
# ## Why this is fast
#
# Not because there is less to do. Each of $H_o W_o O$ numbers of an image takes $K K C$ multiplications, in the loops
# and in the product:
#
# $$H_o W_o \cdot K^2 C \cdot O.$$
#
# What changes is what the processor does for each of them. A matrix product works on blocks that lie in its caches,
# eight or sixteen numbers in one instruction; a Python loop looks up names, checks types and makes objects. Four ways,
# the same values:


# %%
def by_numbers(x, W):
    """One NumPy sum for each number of y."""
    K, _, _, O = W.shape
    y = np.empty((len(x), x.shape[1] - K + 1, x.shape[2] - K + 1, O), x.dtype)
    for n, i, j, o in np.ndindex(y.shape):
        y[n, i, j, o] = (x[n, i : i + K, j : j + K] * W[..., o]).sum()
    return y


def by_places(x, W):
    """One product for each place of the kernel, on the shifted image."""
    K, Ho, Wo = len(W), x.shape[1] - len(W) + 1, x.shape[2] - len(W) + 1
    return sum(x[:, k : k + Ho, l : l + Wo] @ W[k, l] for k, l in np.ndindex(K, K))


def by_im2col(x, W):
    K, _, C, O = W.shape
    y = im2col(x, K) @ W.reshape(K * K * C, O)
    return y.reshape(len(x), x.shape[1] - K + 1, x.shape[2] - K + 1, O)


side, channels, out = (10, 2, 8) if lesson.QUICK else (20, 16, 16)
photo = rng.random((1, side, side, channels), dtype=np.float32)
W = rng.normal(size=(5, 5, channels, out)).astype(np.float32)
zero = np.zeros(out, np.float32)
conv = Conv2D(channels, out, 5, rng, bias=None)
conv.params["W"] = W
for way in (by_numbers, by_places, by_im2col, lambda x, W: convolve_by_loops(x, W, zero)):
    np.testing.assert_allclose(way(photo, W), conv.forward(photo, train=False), atol=1e-3)
print(f"{multiplications(photo.shape, W.shape, 1, 0):,} multiplications in each of the four ways")


# %%
def median_time(function, least=0.02):
    """The median seconds of a call, over as many calls as fill ``least`` seconds."""
    seconds = []
    while sum(seconds) < least:
        start = perf_counter()
        function()
        seconds.append(perf_counter() - start)
    return median(seconds)


def relative_times(functions, rounds):
    """The median over rounds of each function's time over the last one's; in a round all are timed, in turn."""
    with threadpool_limits(1):  # of the matrix product: loops have one thread as well
        times = np.array([[median_time(function) for function in functions] for _ in range(rounds + 1)])
    return np.median(times[1:] / times[1:, -1:], axis=0)  # the first round warms up


faster = [lambda way=way: way(photo, W) for way in (by_numbers, by_places, by_im2col)]
ratios = relative_times([lambda: convolve_by_loops(photo, W, zero), *faster], 1 if lesson.QUICK else 3)

# %%
figure, ax = plt.subplots(figsize=(8, 2.6))
names = ["seven loops", "a sum for each number of y", "a product for each kernel place", "im2col and one product"]
bars = ax.barh(names, ratios, color=["tab:gray"] * 3 + ["tab:blue"])
ax.bar_label(bars, [f"{ratio:,.2g}" if ratio < 10 else f"{ratio:,.0f}" for ratio in ratios], padding=4)
ax.set(
    xscale="log", xlabel="time, im2col and one product = 1 (median of rounds, one thread)", xlim=(0.5, max(ratios) * 6)
)
ax.invert_yaxis()
lesson.show(figure, "The same multiplications: the loops take thousands of times as long as the product.")

# %% [markdown]
# ### Channels last
#
# The copy into $X$ is what `im2col` adds to the product, so it should be cheap. In an image $(H, W, C)$ the channels of
# a pixel lie side by side in memory, and those of its right neighbour follow. One line of a patch is thus $K C$
# consecutive numbers, $7 \cdot 64 = 448$ in the paper's second layer, copied in one go. Channels first, $(C, H, W)$, as
# many libraries have it, a run is $K = 7$ numbers long. And $Y$ comes out as $(N H_o W_o, O)$, channels last: it *is*
# the next layer's image, without a transposition.

# %%
images = rng.random((1, 24, 24, 64), dtype=np.float32)
first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # (N, C, H, W)


def im2col_channels_first(x, K):
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(2, 3))  # (N, C, Ho, Wo, K, K)
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * K * K)


same = im2col_channels_first(first, 7).reshape(-1, 64, 49).swapaxes(1, 2).reshape(-1, 49 * 64)
np.testing.assert_array_equal(same, im2col(images, 7))  # the same numbers, their columns in another order
copies = [lambda: im2col_channels_first(first, 7), lambda: im2col(images, 7)]
ratio, _ = relative_times(copies, 3 if lesson.QUICK else 15)
print(f"making X, channels first: {ratio:.1f} times as long as channels last")
y_matrix = im2col(images, 7) @ np.ones((7 * 7 * 64, 2), np.float32)
print("the reshaped product is no copy:", np.shares_memory(y_matrix, y_matrix.reshape(1, 18, 18, 2)))

# %% [markdown]
# ## Strides and padding
#
# Two numbers more. A **stride** $S$ moves the kernel by $S$ pixels at a time, so that only every $S$-th place of $y$ is
# computed. A **padding** $P$ puts a border of $P$ zeros around the image, so that the kernel may stand over its edge.
# The first place is 0 and the last may not exceed $H + 2P - K$, so
#
# $$H_o = \left\lfloor \frac{H + 2P - K}{S} \right\rfloor + 1.$$
#
# The paper has $S = 1$, $P = 0$ throughout. The library's `conv4` takes $K = 3$, $P = 1$, which keeps $H_o = H$.
# Neither needs anything new: stride is a matter of which patches are rows, padding of the image they are taken from.

# %%
plain = Conv2D(3, 4, 3, np.random.default_rng(1))
strided = Conv2D(3, 4, 3, np.random.default_rng(1), stride=2)
padded = Conv2D(3, 4, 3, np.random.default_rng(1), padding=1)
x32 = x.astype(np.float32)
every_place = plain.forward(x32, train=False)
np.testing.assert_allclose(strided.forward(x32, train=False), every_place[:, ::2, ::2], rtol=1e-4, atol=1e-6)
bordered = np.pad(x32, ((0, 0), (1, 1), (1, 1), (0, 0)))
np.testing.assert_allclose(padded.forward(x32, train=False), plain.forward(bordered, train=False), rtol=1e-4, atol=1e-6)
for name, each in (("K = 3", plain), ("K = 3, S = 2", strided), ("K = 3, P = 1", padded)):
    print(f"{name:14}{x.shape[1:3]} -> {each.forward(x32, train=False).shape[1:3]}")

# %% [markdown]
# That is all. The library's convolution, as it stands in `convolution.py`:

# %%
print(getsource(convolve))

# %% [markdown]
# ## The paper's four layers
#
# Valid convolutions take $K - 1$ off each side, pooling by 2 halves it. So the picture shrinks from 105 to 6:

# %%
PAPER = ((10, 1, 64), (7, 64, 128), (4, 128, 128), (4, 128, 256))  # K, C, O; all but the last are pooled by 2
side, per_image = 105, []
print(f"{'layer':6}{'x':>15}{'K':>4}{'y':>15}{'pooled':>8}{'million multiplications':>25}{'MiB of columns':>16}")
for number, (K, C, O) in enumerate(PAPER, start=1):
    x_shape, W_shape = (1, side, side, C), (K, K, C, O)
    _, Ho, Wo, _ = output_shape(x_shape, W_shape, 1, 0)
    millions = multiplications(x_shape, W_shape, 1, 0) / 1e6
    per_image.append(Ho * Wo * K * K * C * 4)  # bytes, in float32
    after = Ho if number == len(PAPER) else Ho // 2
    sizes = f"{side}x{side}x{C}", f"{Ho}x{Wo}x{O}"
    print(f"{number:<6}{sizes[0]:>15}{K:>4}{sizes[1]:>15}{after:>8}{millions:>25.1f}{per_image[-1] / 2**20:>16.2f}")
    side = after
assert side == 6
print(f"features that the fully connected layer takes: 6 x 6 x 256 = {side * side * 256}")

# %% [markdown]
# The second layer has four fifths of all multiplications: 708 million of 871 for one image, and a training step goes
# through them about three times (forward, and for two gradients) for 256 images.
#
# ## Memory
#
# $X$ holds most pixels $K^2$ times. For the second layer, $48 \times 48 \times 64$ and $K = 7$, that is
#
# $$42 \cdot 42 \cdot 49 \cdot 64 \cdot 4 \text{ bytes} = 21.1 \text{ MiB for an image, and } 5.3 \text{ GiB for the }
# 256 \text{ images}$$
#
# of a batch of 128 pairs, against 144 MiB for the images themselves. `Conv2D` calls `convolve` and so makes all of $X$:
# these are the lines to read and to check. Training uses a fast twin of the layer, `fuse(layer)` of `fast/fuse.py`,
# with the same parameters, values and gradients. The fast twin takes a few images at a time (`in_chunks` in
# `threads.py`), makes their rows of $X$, multiplies, and forgets them. Backward needs $X$ again, and both layers make
# it again: a copy is cheaper than memory. A part of $X$ that stays in the processor's cache is faster, too.

# %%
count = 8 if lesson.QUICK else 32
batch = rng.random((count, 24, 24, 16), dtype=np.float32)
layer = Conv2D(16, 32, 7, rng)
fast = fuse(layer)
fast.algorithm = lambda x_shape: "im2col"


def peak_of(function):
    """The result, and the most memory in MiB that was in use meanwhile, beyond what was before."""
    tracemalloc.start()
    result = function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, peak / 2**20


whole, peak_whole = peak_of(lambda: layer.forward(batch, train=False))
chunked, peak_chunked = peak_of(lambda: fast.forward(batch, train=False))
np.testing.assert_allclose(chunked, whole, rtol=1e-3, atol=1e-4)
print(f"{count} images at once {peak_whole:.0f} MiB, a few at a time {peak_chunked:.0f} MiB; y alone", end=" ")
print(f"{whole.nbytes / 2**20:.1f} MiB")

# %%
figure, ax = plt.subplots(figsize=(8, 3))
place = np.arange(4)
K, C, O = np.array(PAPER).T
pixels = np.array([105, 48, 21, 9]) ** 2 * C * 4
ax.bar(place - 0.2, 256 * pixels / 2**20, 0.4, color="tab:orange", label="x")
ax.bar(place + 0.2, 256 * np.array(per_image) / 2**20, 0.4, color="tab:blue", label="X, its columns")
ax.set(yscale="log", ylabel="MiB for 256 images", title="the paper's network, float32")
ax.set_xticks(place, [f"layer {n}\n{k} x {k}, {c} to {o}" for n, (k, c, o) in enumerate(PAPER, start=1)])
ax.legend()
lesson.show(figure, "The columns of layer 2 for 128 pairs are 5.3 GiB, 37.5 times its images: too much to keep.")

# %% [markdown]
# (For layers 2 to 4 the fast twin does not use `im2col` at all unless it is told to, as above: `fast/fourier.py`
# computes the same values, in layer 2 with a seventh of the multiplications. Lesson 8 is about this.)
#
# ## The way back: col2im
#
# `im2col` copies. It is linear, so it is a matrix: with $x$ as one long vector, $X = S x$, where each row of $S$ has a
# single 1, in the column of the pixel that is copied. Training asks for the gradient with respect to $x$, which needs
# $S^\top$: the chain rule (lesson 3) says that with $dX$ the gradient of the loss with respect to $X$,
#
# $$dx_p = \sum_q \frac{\partial X_q}{\partial x_p} \, dX_q = \sum_q S_{qp} \, dX_q
# \quad\text{or}\quad dx = S^\top dX.$$
#
# Where $S$ copies a pixel to several places, $S^\top$ **adds up** what comes back from them. That is `col2im`: every
# row is added to where it was taken from. It is not the inverse of `im2col`, but its transpose, and a transpose is
# known by one equation, which must hold for all $x$ and all $Y$:
#
# $$\langle S x, \, Y \rangle = \langle x, \, S^\top Y \rangle.$$

# %%
S = np.stack([im2col(e.reshape(small.shape), 3).ravel() for e in np.eye(small.size)], axis=1)
dX = rng.normal(size=columns.shape)
np.testing.assert_allclose((S.T @ dX.ravel()).reshape(small.shape), col2im(dX, small.shape, 3))
print("S", S.shape, "has a single 1 in every row:", bool((S.sum(axis=1) == 1).all() and (S.max(axis=1) == 1).all()))

# %%
for shape, K, stride in (((2, 9, 11, 3), 3, 1), ((1, 12, 9, 2), 4, 2), ((3, 10, 10, 1), 2, 3)):
    x = rng.normal(size=shape)
    Y = rng.normal(size=im2col(x, K, stride).shape)
    left, right = np.vdot(im2col(x, K, stride), Y), np.vdot(x, col2im(Y, shape, K, stride))
    np.testing.assert_allclose(left, right)
    print(f"K = {K}, S = {stride}:  <im2col(x), Y> = {left:.12f}   <x, col2im(Y)> = {right:.12f}")

# %% [markdown]
# `col2im` of ones tells in how many patches each pixel is. In the middle that is $K^2$ at stride 1; at a corner, once.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.3))
for ax, (K, stride) in zip(axes, ((3, 1), (3, 2), (2, 3)), strict=True):
    shape = (1, 9, 11, 1)
    ones = np.ones_like(im2col(np.zeros(shape), K, stride))
    times = col2im(ones, shape, K, stride)[0, :, :, 0]
    ax.imshow(times, cmap="Blues", vmin=0, vmax=14)
    for (i, j), value in np.ndenumerate(times):
        ax.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=9)
    ax.grid(False)
    ax.set(title=f"K = {K}, S = {stride}", xlabel="column of the image", ylabel="row of the image")
    ax.set_yticks(range(0, 9, 2))
lesson.show(
    figure, "How often each pixel is read: less at the edge; unevenly at K = 3, S = 2; where S exceeds K, some never."
)

# %% [markdown]
# ## The gradients of a convolution
#
# Let $dY$ be the gradient of the loss $\mathcal{L}$ with respect to $Y = X \mathcal{W} + \mathbf{1} b^\top$. A small
# change of everything changes the loss by
#
# $$\delta\mathcal{L} = \langle dY, \, \delta X \, \mathcal{W} + X \, \delta\mathcal{W} + \mathbf{1}\, \delta b^\top
# \rangle = \langle dY \, \mathcal{W}^\top, \, \delta X \rangle + \langle X^\top dY, \, \delta\mathcal{W} \rangle +
# \langle dY^\top \mathbf{1}, \, \delta b \rangle,$$
#
# and the factor beside each $\delta$ is the gradient with respect to that array. With $X = S x$, a last $S^\top$ leads
# back to the image:
#
# $$d\mathcal{W} = X^\top dY, \qquad db = \sum_{\text{rows}} dY, \qquad dx = \texttt{col2im}(dY \, \mathcal{W}^\top).$$

# %%
layer = Conv2D(2, 3, 3, rng, bias=(0, 1)).astype(np.float64)
x = rng.normal(size=(2, 6, 5, 2))
dy = rng.normal(size=layer.forward(x).shape)
dx = layer.backward(dy)

X, dY, W_matrix = im2col(x, 3), dy.reshape(-1, 3), layer.params["W"].reshape(-1, 3)
np.testing.assert_allclose(layer.grads["W"], (X.T @ dY).reshape(3, 3, 2, 3))
np.testing.assert_allclose(layer.grads["b"], dY.sum(axis=0))
np.testing.assert_allclose(dx, col2im(dY @ W_matrix.T, x.shape, 3))
error = check_layer(layer, x, rng)
assert error < 1e-6
print(f"largest relative error against finite differences: {error:.0e}")

# %% [markdown]
# `check_layer` moves every number of `x`, `W` and `b` a little up and a little down, and compares what the loss then
# does with what `backward` says. Lesson 3 is about this. The library's lines for $dx$ and $d\mathcal{W}$:

# %%
print(getsource(convolve_backward))

# %% [markdown]
# ## What kernels look for
#
# Kernels start at random and are learned. The library comes with a trained network, of four layers of $3 \times 3$
# kernels on pictures of $52 \times 52$. It was trained with seed 0, so drawing its initial values again shows what the
# *same* kernels were before the first step. A convolution without a bias gives 0 (white) on blank paper.

# %%
network, trained, _ = load_run("pretrained")
start = conv4_wide(np.random.default_rng(trained.seed))
view = Views(drawing[None], network.size, frame=network.frame)(np.array([0]))
figure, rows = plt.subplots(4, 9, figsize=(11, 4), height_ratios=[1, 2.4, 1, 2.4])
for pair, (name, each) in zip((rows[:2], rows[2:]), (("random", start), ("trained", network)), strict=True):
    W = each.arrays()["twin.0.conv.W"]
    kernels, maps = W[:, :, 0], convolve(view, W, padding=1)[0]
    picture(pair[1, 0], 255 * view[0])
    pair[1, 0].set_ylabel(name)
    pair[0, 0].set_visible(False)
    for place, o in enumerate(range(0, 64, 8), start=1):
        for ax, values in ((pair[0, place], kernels[:, :, o]), (pair[1, place], maps[:, :, o])):
            most = abs(values).max()
            ax.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most)
            ax.set(xticks=[], yticks=[])
lesson.show(
    figure, "Eight of 64 kernels and their maps, red positive, blue negative, each on its own scale: much is kept."
)

# %% [markdown]
# Training has changed the first kernels less than one might expect: random kernels find edges as well, and the
# layers above can work with what they find. The cosine of the angle between a kernel at the start and in the end
# says how far it turned, layer by layer. (Two random kernels would have a cosine near 0.)

# %%
for number in range(4):
    before, after = (each.arrays()[f"twin.{number}.conv.W"] for each in (start, network))
    before, after = (W.reshape(-1, W.shape[3]) for W in (before, after))  # a kernel a column
    cosine = (before * after).sum(axis=0) / np.linalg.norm(before, axis=0) / np.linalg.norm(after, axis=0)
    print(f"layer {number + 1}: {len(before):5} weights a kernel, median cosine {np.median(cosine):.2f}")

# %% [markdown]
# In the first layer the median cosine is 0.96: nine weights that see a corner of a stroke, and nearly any nine will do.
# Further up it is 0.39 to 0.55, angles of about 60 degrees: what is learned about characters is learned there.
#
# ## What to try
#
# - Turn the line kernel by 45 degrees (`scipy.ndimage.rotate`) and find a drawing with such strokes. What does a kernel
#   answer to that is one corner of a square?
# - Replace `+=` by `=` in a `col2im` of your own, written with loops over the patches. Which of the equations above
#   catches it, and for which `K` and `S` does none?
# - Choose the shapes of `relative_times` yourself. For which $C$ is a product for each place of the kernel as fast as
#   `im2col`, and what does it save?
#
# **Exercise 2** asks for im2col, col2im, the convolution and its gradients. In a terminal, in the folder that you
# cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 2
#     .venv/bin/python -m lessons.exercises check ex02.py
#
# The first writes `ex02.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 2.1` in place of `check` gives a hint.
