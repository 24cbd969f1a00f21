# %% [markdown]
# # 2. Convolution is a matrix product
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.1, and figure 4. About 40 minutes.*
#
# The paper's network begins with four layers of convolutions. Almost all the time of a training step is spent in them,
# so how a convolution is computed decides whether the network learns in hours or in years.
#
# Written out as a formula, a convolution is seven nested loops. This lesson turns it into **one matrix product**: every
# patch of the image becomes a row of one matrix, and every kernel becomes a column of another. The function `im2col`
# gathers the rows. Its transpose, `col2im`, takes the gradient back to the image. The library's `convolution.py` is
# these two functions and three products. On the way the lesson goes through figure 4, the paper's network, layer by
# layer, and at its end it looks at kernels that were learned.

# %%
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
from minisiamese.gradcheck import check_layer
from minisiamese.networks import conv4_wide, koch
from minisiamese.plots import picture
from minisiamese.runs.folder import load_run

# %% [markdown]
# ## The formula
#
# The paper writes the feature map $k$ of layer $l$, before pooling, as
# $\max(0,\; \mathbf{W}^{(k)}_{l-1,l} \star \mathbf{h}_{1,(l-1)} + \mathbf{b}_l)$. Here $\mathbf{h}_{1,(l-1)}$ is what
# the layer before it made of the first image, and $\star$ is the *valid* convolution, which takes only those places at
# which the whole kernel lies within the image. With all indices, for $N$ images of $H \times W$ pixels with $C$
# channels, and $O$ kernels of $K \times K$ pixels, one for each feature map, the convolution and its bias are
#
# $$y_{n,i,j,o} = b_o + \sum_{k=0}^{K-1} \sum_{l=0}^{K-1} \sum_{c=0}^{C-1} x_{n,\,i+k,\,j+l,\,c}\; W_{k,l,c,o},
# \qquad 0 \le i \le H - K,\quad 0 \le j \le W - K.$$
#
# (From here on $k$ and $l$ are a place in the kernel.) Strictly this is a *correlation*. A convolution would read the
# image backwards, $x_{i-k,\,j-l}$, and the network would learn the same kernels turned by 180 degrees; nothing else
# would change, and the name convolution is used for both.
#
# The axes are in the library's order: images $(N, H, W, C)$, kernels $(K, K, C, O)$, results $(N, H_o, W_o, O)$, with
# $H_o$ and $W_o$ for the height and width that come out. In the code, `bias=(0, 1)` draws the biases from a normal
# distribution with mean 0 and standard deviation 1. By default they start at 0, and biases of 0 would test nothing.


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
# At each place a convolution computes the inner product of the kernel with the patch of the image below it. This
# number is large where the patch looks like the kernel. A kernel with a positive bar between two negative bars responds
# to lines in the direction of its bars. The kernels below have the size of the paper's first layer, and a positive bar
# as wide as a stroke. Their weights add up to 0, so that a blank patch gives 0, and a patch full of ink does as well;
# the positive weights alone add up to 1, which is then the largest value possible.

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
# For one place $(n, i, j)$ and one feature map $o$, the sum is an inner product of two vectors of $K K C$ numbers: the
# patch, read line by line, and the kernel, read in the same order. Let all patches be the rows of a matrix $X$, and
# all kernels the columns of a matrix $\mathcal{W}$:
#
# $$X_{(n,i,j),\,(k,l,c)} = x_{n,\,i+k,\,j+l,\,c}, \qquad \mathcal{W}_{(k,l,c),\,o} = W_{k,l,c,o}.$$
#
# Then the three sums over $k$, $l$ and $c$ are the one sum in a matrix product:
#
# $$Y = X \mathcal{W} + \mathbf{1} b^\top, \qquad
# \underset{N H_o W_o \times O}{Y} \quad \underset{N H_o W_o \times K K C}{X} \quad
# \underset{K K C \times O}{\mathcal{W}}.$$
#
# $\mathcal{W}$ is `W.reshape(K * K * C, O)`, the same memory read as a matrix. $X$ has to be made. The function that
# makes it is called `im2col`, "image to columns", after the libraries in which patches are columns; here they are rows.


# %%
def rows_of_patches(x, K):
    """im2col, patch by patch."""
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
# Given $X$, the convolution is one line. Here it is for the layer and the images of the first example:

# %%
K, _, C, O = layer.params["W"].shape
Y = im2col(x, K) @ layer.params["W"].reshape(K * K * C, O) + layer.params["b"]
np.testing.assert_allclose(Y.reshape(y.shape), y)
print("X", im2col(x, K).shape, "@ W", (K * K * C, O), "= Y", Y.shape, "- reshaped, it is y", y.shape)

# %% [markdown]
# ## Why this is fast
#
# The matrix product does no less work. Each of the $H_o W_o O$ numbers that come out for an image takes $K K C$
# multiplications, in the loops as in the product, in all
#
# $$H_o W_o \cdot K^2 C \cdot O.$$
#
# The difference is what the processor does for each multiplication. A matrix product works on blocks that fit into the
# processor's caches, and on eight or sixteen numbers in one instruction. A Python loop looks up names, checks types and
# makes objects for every single one. The cell below computes the same values in four ways, and the next one times them.


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
lesson.show(figure, "The same multiplications: the loops take tens of thousands of times as long as the product.")

# %% [markdown]
# ### Channels last
#
# `im2col` adds one thing to the cost of the product, the copy into $X$, so this copy should be cheap. In an image
# $(H, W, C)$ the channels of a pixel lie side by side in memory, and those of its right neighbour follow. One line of a
# patch is thus $K C$ consecutive numbers, $7 \cdot 64 = 448$ in the paper's second layer, which are copied in one go.
# Many libraries store images with their channels first, as $(C, H, W)$; there only $K = 7$ numbers of a patch lie side
# by side. Moreover $Y$ comes out with the shape $(N H_o W_o, O)$, channels last: it *is* the next layer's image, and
# nothing has to be transposed.

# %%
images = rng.random((1, 24, 24, 64), dtype=np.float32)
y_matrix = im2col(images, 7) @ np.ones((7 * 7 * 64, 2), np.float32)
print("the reshaped product is no copy:", np.shares_memory(y_matrix, y_matrix.reshape(1, 18, 18, 2)))

# %% [markdown]
# ## Strides and padding
#
# Convolutions often have two more settings. A **stride** $S$ moves the kernel by $S$ pixels at a time, so that only
# every $S$-th place of $y$ is computed. A **padding** $P$ puts a border of $P$ zeros around the image, so that the
# kernel may stand over the image's edge. The places are then $0, S, 2S, \dots$ up to at most $H + 2P - K$, so that
#
# $$H_o = \left\lfloor \frac{H + 2P - K}{S} \right\rfloor + 1.$$
#
# The paper has $S = 1$ and $P = 0$ throughout. `conv4`, a smaller network that the next lessons train, has $K = 3$ and
# $P = 1$, which gives $H_o = H$. The matrix product stays as it is: the stride decides which patches become rows of
# $X$, and the padding changes the image that they are taken from.

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
# The library's whole convolution, as it stands in `convolution.py`, is this:

# %%
print(getsource(convolve))

# %% [markdown]
# ## The paper's network
#
# Figure 4 of the paper draws one of the two twins, and the comparison after them. The library builds it in
# `networks.py`, as `koch`. Below, one blank image goes through its layers one by one. `ReLU` is $\max(0, x)$;
# `MaxPool2D` keeps the largest of every 2 x 2 numbers, and so halves height and width; `Flatten` reads what is left as
# one row; `Linear` is the fully connected layer, $xW + b$; `Sigmoid` is $1 / (1 + e^{-x})$. The twins are two copies
# with the same weights, so the weights count once. The head takes the difference of their two rows, feature by feature,
# weights its absolute values with $\alpha$, adds them up, and a last sigmoid makes a probability of the sum (lesson 4).

# %%
paper = koch(np.random.default_rng(0))
h, weights = np.zeros((1, 105, 105, 1), np.float32), {}
print(f"{'layer':22}{'what comes out':>16}{'weights':>14}")
for name, each in paper.twin.walk():
    if not each.children():  # a single layer, not a stage of several
        h = each.forward(h, train=False)
        weights[name] = sum(array.size for array in each.params.values())
        number = f"{weights[name]:,}" if each.params else ""
        kernel = f" {len(each.params['W'])} x {len(each.params['W'])}" if isinstance(each, Conv2D) else ""
        print(f"{type(each).__name__ + kernel:22}{' x '.join(map(str, h.shape[1:])):>16}{number:>14}")
weights["head"] = sum(array.size for array in paper.head.params.values())
print(f"{type(paper.head).__name__ + ', sigmoid':22}{'1':>16}{weights['head']:>14,}")
total = sum(weights.values())
print(f"{total:,} in all, {weights['5']:,} of them in the fully connected layer: {weights['5'] / total:.0%}")

# %% [markdown]
# (The head of the library has a bias, which the paper's formula lacks; without it there are 38,951,744 weights.) Valid
# convolutions take $K - 1$ off each side, and pooling halves it, so that the picture shrinks from 105 to 6 pixels.
#
# Nearly all weights are in the fully connected layer. The work is elsewhere, since a kernel's weights are used at every
# place of the image, and those of the fully connected layer once:

# %%
PAPER = ((10, 1, 64), (7, 64, 128), (4, 128, 128), (4, 128, 256))  # K, C, O; all but the last are pooled by 2
side, per_image, multiplied = 105, [], 0
print(f"{'layer':6}{'x':>15}{'K':>4}{'y':>15}{'pooled':>8}{'million multiplications':>25}{'MiB of columns':>16}")
for number, (K, C, O) in enumerate(PAPER, start=1):
    x_shape, W_shape = (1, side, side, C), (K, K, C, O)
    _, Ho, Wo, _ = output_shape(x_shape, W_shape, 1, 0)
    millions = multiplications(x_shape, W_shape, 1, 0) / 1e6
    multiplied += millions
    per_image.append(Ho * Wo * K * K * C * 4)  # bytes, in float32
    after = Ho if number == len(PAPER) else Ho // 2
    sizes = f"{side}x{side}x{C}", f"{Ho}x{Wo}x{O}"
    print(f"{number:<6}{sizes[0]:>15}{K:>4}{sizes[1]:>15}{after:>8}{millions:>25.1f}{per_image[-1] / 2**20:>16.2f}")
    side = after
assert side == 6
convolutions, linear = multiplied, 6 * 6 * 256 * 4096 / 1e6
print(f"{convolutions:.1f} million multiplications in the convolutions, {linear:.1f} in the fully connected layer")
print(f"the convolutions take {convolutions / (convolutions + linear):.0%} of them")

# %% [markdown]
# For one image, the convolutions take 871 million multiplications, 96 % of all, with 3 % of the weights; 708 million of
# them are in the second layer. A training step does about three times as many (the product forward, and one for each of
# two gradients), for each of the 256 images of 128 pairs.
#
# ## Memory
#
# $X$ holds most pixels $K^2$ times. For the second layer, with images of $48 \times 48 \times 64$ and $K = 7$, that is
#
# $$42 \cdot 42 \cdot 49 \cdot 64 \cdot 4 \text{ bytes} = 21.1 \text{ MiB for an image, and } 5.3 \text{ GiB for the }
# 256 \text{ images}$$
#
# of a batch of 128 pairs, 37.5 times the 144 MiB of the images themselves. `Conv2D` calls `convolve` and so makes all
# of $X$. Its lines are there to be read and checked. Training uses a faster layer with the same parameters, values and
# gradients, which `fuse` (`fast/fuse.py`) makes. It takes a few images at a time, makes their rows of $X$, multiplies,
# and forgets them. The backward pass needs $X$ again, and both layers then make it anew: a second copy costs less than
# keeping the first. A small part of $X$ also stays in the processor's cache, which is faster still.
#
# (For layers 2 to 4 the faster layer does not use `im2col` at all: `fast/fourier.py` computes the same values, in layer
# 2 with a seventh of the multiplications. Lesson 16 is about this.)
#
# ## The way back: col2im
#
# Training needs gradients of the *loss* $\mathcal{L}$, the one number that says how wrong the network is and that
# training makes smaller (lesson 4 derives the paper's). If $dX$ is the gradient of $\mathcal{L}$ with respect to $X$,
# what is $dx$, the one with respect to $x$?
#
# `im2col` only copies numbers, and so it is a linear map: with $x$ and $X$ read as long vectors, $X = G x$, where each
# row of the matrix $G$ has a single 1, in the column of the pixel that is copied. The chain rule (lesson 3) gives
#
# $$dx_p = \sum_q \frac{\partial X_q}{\partial x_p} \, dX_q = \sum_q G_{qp} \, dX_q
# \quad\text{or}\quad dx = G^\top dX.$$
#
# Where $G$ copies a pixel to several places, $G^\top$ **adds up** what comes back from them. The function for $G^\top$
# is `col2im`, which adds every row of $dX$ to the patch that this row was copied from. It is not the inverse of
# `im2col` but its transpose, and one equation characterises a transpose. For all $x$ and all $Y$ it must hold that
#
# $$\langle G x, \, Y \rangle = \langle x, \, G^\top Y \rangle.$$

# %%
G = np.stack([im2col(e.reshape(small.shape), 3).ravel() for e in np.eye(small.size)], axis=1)
dX = rng.normal(size=columns.shape)
np.testing.assert_allclose((G.T @ dX.ravel()).reshape(small.shape), col2im(dX, small.shape, 3))
print("G", G.shape, "has a single 1 in every row:", bool((G.sum(axis=1) == 1).all() and (G.max(axis=1) == 1).all()))

# %%
for shape, K, stride in (((2, 9, 11, 3), 3, 1), ((1, 12, 9, 2), 4, 2), ((3, 10, 10, 1), 2, 3)):
    x = rng.normal(size=shape)
    Y = rng.normal(size=im2col(x, K, stride).shape)
    left, right = np.vdot(im2col(x, K, stride), Y), np.vdot(x, col2im(Y, shape, K, stride))
    np.testing.assert_allclose(left, right)
    print(f"K = {K}, S = {stride}:  <im2col(x), Y> = {left:.12f}   <x, col2im(Y)> = {right:.12f}")

# %% [markdown]
# `col2im` of ones counts the patches that each pixel is in. At stride 1 a pixel in the middle is in $K^2$ of them, and
# a pixel at a corner is in one.

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
    figure,
    "How many patches each pixel is in: few at the edge; uneven at K = 3, S = 2; some none where S exceeds K.",
)

# %% [markdown]
# ## The gradients of a convolution
#
# Let $dY$ be the gradient of the loss with respect to $Y = X \mathcal{W} + \mathbf{1} b^\top$. Small changes of $X$,
# $\mathcal{W}$ and $b$ change the loss by
#
# $$\delta\mathcal{L} = \langle dY, \, \delta X \, \mathcal{W} + X \, \delta\mathcal{W} + \mathbf{1}\, \delta b^\top
# \rangle = \langle dY \, \mathcal{W}^\top, \, \delta X \rangle + \langle X^\top dY, \, \delta\mathcal{W} \rangle +
# \langle dY^\top \mathbf{1}, \, \delta b \rangle,$$
#
# where $\langle A, B \rangle = \sum_{ij} A_{ij} B_{ij}$. The factor beside $\delta X$ is the gradient with respect to
# $X$, and likewise for $\mathcal{W}$ and $b$. Since $X = G x$, a last product with $G^\top$ leads back to the image:
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
# `check_layer` moves every number of `x`, `W` and `b` a little up and a little down, and compares the change of a loss
# with the gradient that `backward` returns. Lesson 3 is about this check. The library computes $dx$ and $d\mathcal{W}$
# with these lines:

# %%
print(getsource(convolve_backward))

# %% [markdown]
# ## What kernels look for
#
# Kernels start at random and are learned. The library comes with a trained network, which has four layers of
# $3 \times 3$ kernels and takes pictures of $52 \times 52$ pixels. It was trained with seed 0, so the initial values,
# drawn again with this seed, are the *same* kernels before their first step. Their convolutions have no bias, so that
# blank paper gives 0, which is white below. `Views` turns a drawing into the network's input: it shrinks the drawing to
# $52 \times 52$, and with `frame="moments"` it also moves and scales it, so that the ink is in the middle and always
# of about the same size (lesson 9).

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
# In the first layer, training has changed the kernels less than one might expect. The cosine of the angle between a
# kernel before and after training says how far it has turned: 1 if it has kept its direction, 0 if the two are at a
# right angle. But which cosine is large? Two random kernels of $n$ weights are not at a right angle exactly. Their
# cosine is 0 on average, with a spread (standard deviation) of $1 / \sqrt{n}$: a random unit vector has $n$ coordinates
# whose squares add up to 1, so the square of each is $1 / n$ on average, and the cosine with a given direction is such
# a coordinate. For the nine weights of layer 1 that is a third, and for 576 weights it is 0.04. So each cosine has to
# be seen beside those of random kernels of the same size.

# %%
figure, axes = plt.subplots(1, 4, figsize=(11, 3), sharex=True)
edges = np.linspace(-1, 1, 61)
for number, ax in enumerate(axes):
    before, after = (each.arrays()[f"twin.{number}.conv.W"] for each in (start, network))
    before, after = (W.reshape(-1, W.shape[3]) for W in (before, after))  # a kernel a column
    random = rng.normal(size=(len(after), 5000))
    before, after, random = (W / np.linalg.norm(W, axis=0) for W in (before, after, random))
    own, chance = (before * after).sum(axis=0), after[:, 0] @ random
    spread = 1 / np.sqrt(len(after))
    np.testing.assert_allclose(chance.std(), spread, rtol=0.05)
    ax.hist(chance, edges, density=True, color="lightgray", label="random kernels")
    ax.hist(own, edges, density=True, color="tab:blue", alpha=0.8, label="before and after training")
    ax.set(title=f"layer {number + 1}, {len(after)} weights", xlabel="cosine", yticks=[])
    print(f"layer {number + 1}: {len(after):5} weights a kernel, median cosine {np.median(own):.2f}", end=" ")
    print(f"with its own start, least {own.min():5.2f}; random kernels 0 +- {spread:.2f}")
axes[0].set_ylabel("share of kernels")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
lesson.show(figure, "In every layer, kernels before and after training are more alike than random ones of their size.")

# %% [markdown]
# In the first layer the median cosine is 0.95, an angle of 18 degrees, where random kernels have 0 with a spread of
# 0.33. In the other layers it is 0.31 to 0.44, angles of 64 to 72 degrees. These kernels have turned much further, but
# even the least of their cosines lies more than six spreads above 0: all layers keep a trace of their initial values.
# The cosine does not say which layer matters most for telling characters apart: a small turn of all kernels may change
# as much as a large one, and only an experiment that undoes it could tell.
#
# ## Three questions
#
# **1.** The second layer of the paper's network takes twelve times as many multiplications as the first, though its
# kernels are smaller. Where does this factor come from?
#
# <details><summary>Answer</summary>
#
# The number is $H_o W_o \cdot K^2 \cdot C \cdot O$. From layer 1 to layer 2 the places become fewer, $42^2$ against
# $96^2$, a factor of 0.19, and the kernel smaller, $49$ against $100$, a factor of 0.49. But the channels that come in
# are 64 against 1, and the feature maps 128 against 64. In all $0.19 \cdot 0.49 \cdot 64 \cdot 2 = 12$: 708 million
# against 59.
#
# </details>
#
# **2.** Somebody writes a `col2im` with `=` in place of `+=`, so that each row of $dX$ overwrites what lies in its
# patch. For which kernel sizes $K$ and strides $S$ is the result right nevertheless?
#
# <details><summary>Answer</summary>
#
# Where no pixel is in two patches, that is, for $S \ge K$. Then the matrix $G$ has at most a single 1 in each column,
# nothing has to be added up, and pixels between the patches keep the 0 that they start with. The right panel of the
# picture with `col2im` of ones shows such a case, $K = 2$ and $S = 3$: there is no number above 1.
#
# </details>
#
# **3.** A convolution with a kernel of $1 \times 1$ is a matrix product without `im2col`. Of what with what, and what
# does such a layer compute?
#
# <details><summary>Answer</summary>
#
# With $K = 1$ a patch is a pixel with its $C$ channels, so $X$ is the image itself, reshaped to $(N H W, C)$, and
# $\mathcal{W}$ has the shape $(C, O)$. The layer applies one and the same fully connected layer, from $C$ to $O$
# numbers, to every pixel. It mixes channels and looks at no neighbours.
#
# </details>
#
# ## What to try
#
# - Turn the line kernel by 45 degrees (`scipy.ndimage.rotate`) and find a drawing with such strokes. What does a kernel
#   in the form of a corner, such as that of a square, respond to?
# - Put the initial kernels of one layer back into a trained network that has not seen five of the background alphabets,
#   `network = load_run(lesson.HELD_OUT)[0]`, which began from the same seed; for layer 1 by
#   `network.arrays()["twin.0.conv.W"][:] = start.arrays()["twin.0.conv.W"]`. Measure it on trials of these five
#   alphabets (`hold_out`, `nway_trials` and `network_scorer`, as in lesson 1). Which layer's training does it miss
#   most? (The statistics of its batch norm, lesson 8, are then of other kernels; does that alone explain the drop in
#   accuracy?)
# - Change the shapes in the comparison of the four ways. With how many channels $C$ is one product for each place of
#   the kernel as fast as `im2col` with one product? What does that way save?
#
# **Exercise 2** asks for im2col, col2im, the convolution and its gradients. In a terminal, in the folder that you
# cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 2
#     .venv/bin/python -m lessons.exercises check ex02.py
#
# The first writes `ex02.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 2.1` in place of `check` gives a hint.
