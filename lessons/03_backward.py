# %% [markdown]
# # 3. Backward passes, and how to check them
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.2 (learning by gradients) for the layers of section 3.1. About 40
# minutes.*
#
# To update a weight $w_{kj}$, the paper needs $\nabla w_{kj}$, the derivative of the loss with respect to this weight,
# and there are 39 million weights. The paper says in half a sentence that these derivatives come from back-propagation,
# and libraries with automatic differentiation compute them out of sight. Here every layer has a `backward` of a few
# lines, written by hand after a derivation of a few lines.
#
# A wrong gradient does not crash. The network still learns something, only worse, and nobody knows why. So the second
# half of this lesson is about how a gradient is **checked**, and about checks that cannot fail and therefore prove
# nothing.
#
# Two things are used here before they are explained: the paper's head and its loss, called `L1Head` and `bce` in the
# code (lesson 4). The lesson needs neither threads nor other programs, which a browser's own Python does not have.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese.convolution import Conv2D
from minisiamese.gradcheck import STEP, check_layer, check_loss, numerical_gradient, relative_error
from minisiamese.layers import Flatten, Layer, Linear, ReLU, Sequential, Sigmoid
from minisiamese.losses import bce
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import L1Head

# %% [markdown]
# ## The chain rule, from the end
#
# A network is a chain of functions with a number at its end, the loss $\mathcal{L}$. For one link $y = f(x)$, from $D$
# numbers to $M$, with the Jacobian $J_{md} = \partial y_m / \partial x_d$, the chain rule is
#
# $$\frac{\partial \mathcal{L}}{\partial x_d} = \sum_m \frac{\partial \mathcal{L}}{\partial y_m}
# \frac{\partial y_m}{\partial x_d}, \qquad\text{that is}\qquad dx = J^\top dy,$$
#
# where $dx$ and $dy$ are short for the gradients of $\mathcal{L}$ with respect to $x$ and $y$. A layer has to know no
# more than this product of its transposed Jacobian with a vector: given $dy$, it returns $dx$. Along a chain of three
# links,
#
# $$dx = J_1^\top \big( J_2^\top ( J_3^\top \, d\mathcal{L}) \big), \qquad d\mathcal{L} = 1.$$
#
# Computed from the right, each step is a matrix times a vector; computed from the left, it would be a matrix times a
# matrix. Nor does a layer have to store its Jacobian. That of the paper's first convolution, from $105 \times 105$
# pixels to 64 maps of $96 \times 96$, has 6.5 thousand million numbers for one image, while the layer itself has 6,464
# weights.

# %%
rng = np.random.default_rng(0)
layer = Sigmoid()
x, dy = rng.normal(size=(2, 5))
step = 1e-6
columns = [(layer.forward(x + e, False) - layer.forward(x - e, False)) / (2 * step) for e in step * np.eye(5)]
J = np.stack(columns, axis=1)
layer.forward(x)
np.testing.assert_allclose(layer.backward(dy), J.T @ dy, rtol=1e-6)
print(np.round(J, 3))
print("backward gives J^T dy, though J, diagonal here, was never made")

# %% [markdown]
# ## The protocol
#
# All layers of the library follow three rules (`layers.py`):
#
# - `forward(x)` returns $y$ and **keeps** the arrays that backward will need, as few as possible.
# - `backward(dy)` takes the arrays that were kept, **adds** the gradients of the parameters to `grads`, and **returns**
#   $dx$.
# - Neither changes its argument. Gradients add up until `zero_grad()` is called.
#
# Forward keeps arrays with `self.keep(train, a, b)`, and backward takes them with `a, b = self.take()` (a single one
# with `(a,) = self.take()`). These two methods of the base class raise an error if a second forward would overwrite the
# kept arrays, or if backward is called without a forward before it.
#
# A chain of layers is then two loops, forward through the layers in order and backward through them in reverse. The
# library's `Sequential` is these two loops.

# %%
layer = Linear(3, 2, rng).astype(np.float64)
x, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
layer.forward(x)
dx = layer.backward(dy)
print("x", x.shape, " dx", dx.shape, " W", layer.params["W"].shape, " dW", layer.grads["W"].shape)
once = layer.grads["W"].copy()
layer.forward(x)
layer.backward(dy)
np.testing.assert_allclose(layer.grads["W"], 2 * once)
layer.zero_grad()
print("after two passes the gradients were twice those of one; after zero_grad() they are", layer.grads["W"].max())

# %% [markdown]
# ## Linear
#
# A fully connected layer computes $y = xW + \mathbf{1}b^\top$ for the $N$ rows of $x$ at once. Small changes of $x$,
# $W$ and $b$ change the loss by
#
# $$\delta\mathcal{L} = \langle dy,\; \delta x\, W + x\, \delta W + \mathbf{1}\, \delta b^\top \rangle
# = \langle dy\, W^\top, \delta x \rangle + \langle x^\top dy, \delta W \rangle
# + \langle dy^\top \mathbf{1}, \delta b \rangle,$$
#
# with $\langle A, B \rangle = \sum_{ij} A_{ij} B_{ij} = \mathrm{tr}(A^\top B)$, in which a factor of one side may move
# to the other side if it is transposed. The factor beside $\delta x$ is the gradient with respect to $x$, and likewise
# for $W$ and $b$:
#
# $$dx = dy\, W^\top, \qquad dW = x^\top dy, \qquad db = \textstyle\sum_n dy_n.$$
#
# Backward needs $x$, so forward keeps it.

# %%
W, N = layer.params["W"], len(x)
layer.forward(x)
dx = layer.backward(dy)
for n, d in np.ndindex(x.shape):
    np.testing.assert_allclose(dx[n, d], sum(dy[n, m] * W[d, m] for m in range(2)))
for d, m in np.ndindex(W.shape):
    np.testing.assert_allclose(layer.grads["W"][d, m], sum(dy[n, m] * x[n, d] for n in range(N)))
np.testing.assert_allclose(layer.grads["b"], sum(dy[n] for n in range(N)))
error = check_layer(Linear(5, 3, rng, bias=(0, 1)), rng.normal(size=(4, 5)), rng)
assert error < 1e-6
print(f"Linear: largest relative error against finite differences {error:.0e}")

# %% [markdown]
# ## ReLU and sigmoid
#
# A function that is applied to each number by itself has a diagonal Jacobian, so that $dx = dy \cdot f'(x)$,
# elementwise. For $y = \max(0, x)$, $f'$ is 1 for $x > 0$ and 0 for $x < 0$; at 0 there is no derivative, and the
# library says 0. For $y = \sigma(x) = 1 / (1 + e^{-x})$,
#
# $$\sigma'(x) = \frac{e^{-x}}{(1 + e^{-x})^2} = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}} = y\,(1 - y).$$
#
# Both derivatives can be computed from $y$ alone (for ReLU, $y > 0$ exactly where $x > 0$), so forward keeps $y$. That
# takes no further memory, since $y$ is the next layer's $x$.

# %%
for layer, derivative in ((ReLU(), lambda y: y > 0), (Sigmoid(), lambda y: y * (1 - y))):
    x, dy = rng.normal(size=(2, 4, 5))
    y = layer.forward(x)
    np.testing.assert_allclose(layer.backward(dy), dy * derivative(y))
    error = check_layer(layer, x, rng)
    assert error < 1e-6
    print(f"{type(layer).__name__}: largest relative error {error:.0e}")

# %% [markdown]
# The sigmoid's derivative is at most 1/4, and close to 0 where $|x|$ is large. A sigmoid whose $x$ starts far from 0
# therefore learns next to nothing for a long time. The paper's initial values cause that (lesson 7).
#
# ## Max pooling
#
# The maximum over a window, $y = \max_k x_k = x_{k^*}$, passes one pixel on and ignores the others: $J$ has a single 1,
# in column $k^*$. So $dx_{k^*} = dy$ and $dx_k = 0$ otherwise. Forward keeps $k^*$, one byte for each window.
#
# If several pixels share the maximum, there is no derivative. In the library **the first of them, line by line, takes
# the gradient**. Such ties are common, since all four pixels of a blank window are equal.


# %%
def pool_by_windows(x, dy):
    """Max pooling of 2 x 2, forward and backward, window by window; x (H, W), dy (H/2, W/2)."""
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for i, j in np.ndindex(y.shape):
        window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        k, l = divmod(int(window.argmax()), 2)  # argmax gives the first maximum
        y[i, j] = window[k, l]
        dx[2 * i + k, 2 * j + l] = dy[i, j]
    return y, dx


pool = MaxPool2D(2)
x = rng.integers(0, 3, (6, 8)).astype(float)  # many ties
dy = rng.normal(size=(3, 4))
y, dx = pool_by_windows(x, dy)
np.testing.assert_array_equal(pool.forward(x[None, :, :, None])[0, :, :, 0], y)
np.testing.assert_array_equal(pool.backward(dy[None, :, :, None])[0, :, :, 0], dx)
print("forward and backward are those of the loop, ties included")

# %%
background = lesson.drawings("background")
sample = background.images[:: max(1, len(background.images) // 300)][:300, :104, :104, 0]
windows = sample.reshape(len(sample), 52, 2, 52, 2).swapaxes(2, 3).reshape(len(sample), 52, 52, 4)
most = windows.max(axis=3)
ties = (windows == most[..., None]).sum(axis=3) > 1
print(f"of the 2 x 2 windows of {len(sample)} drawings, {ties.mean():.1%} have more than one maximum;")
print(f"{(most == 0).mean():.1%} are blank, and of the others {ties[most > 0].mean():.1%} tie")

label = min(340, len(background.rows_of_class) - 1)
drawing = background.images[background.rows_of_class[label][0], :104, :104, 0]
figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.6))
x = drawing[None, :, :, None] / 255.0
feature = Conv2D(1, 1, 10, np.random.default_rng(3), bias=(0.5, 0)).astype(np.float64).forward(x, train=False)
for ax, image, name in ((axes[1], x, "the drawing"), (axes[2], np.maximum(feature, 0), "a feature map after ReLU")):
    H = image.shape[1] // 2
    four = image[0, : 2 * H, : 2 * H, 0].reshape(H, 2, H, 2).swapaxes(1, 2).reshape(H, H, 4)
    tie = (four == four.max(axis=2, keepdims=True)).sum(axis=2) > 1
    ax.imshow(tie, cmap="Oranges", vmin=0, vmax=1.5)
    ax.set(title=f"windows of {name}: {tie.mean():.0%} tie", xticks=[], yticks=[])
axes[0].imshow(255 - drawing, vmin=0, vmax=255)
axes[0].set(title="the drawing", xticks=[], yticks=[])
lesson.show(figure, "Orange: 2 x 2 windows with several maxima, in a drawing and in a map of a random 10 x 10 kernel.")

# %% [markdown]
# In this run 99.2 % of the windows of drawings tie. Nine of ten windows are blank, and most of the others hold several
# pixels of ink, which all have the same value, 255. Feature maps have ties for two reasons: above blank paper they are
# equal to the bias everywhere, and ReLU sets all negative values to 0. In the map above 77 % of the windows tie.
# Neither kind does harm. Where pixels are equal because the patches below them are equal, $dW$ and $db$ are the same
# whichever pixel takes the gradient. Where ReLU has set them to 0, it passes no gradient on to any of them. Still the
# choice must be the same on every machine, or a run could not be repeated exactly.
#
# At a tie the finite difference must disagree with the layer. If one of the tied pixels goes up by a step, the maximum
# goes up with it; if the pixel goes down, the maximum stays, since another pixel has it. So each tied pixel gets half a
# gradient.

# %%
x = np.zeros((1, 2, 2, 1))
pool.forward(x)
dx = pool.backward(np.ones((1, 1, 1, 1)))
numerical = numerical_gradient(lambda: float(pool.forward(x, train=False).sum()), x)
print("four equal pixels: backward", dx.ravel(), " finite differences", numerical.ravel().round(3))
spread = rng.permutation(np.arange(60.0)).reshape(1, 5, 6, 2)  # no two values are close
error = check_layer(pool, spread, rng)
assert error < 1e-6
print(f"MaxPool2D on well separated values: {error:.0e}")

# %% [markdown]
# So pooling is checked on values that are far apart, and its rule for ties by a test of its own.
#
# ## Convolution
#
# In lesson 2 a convolution became a linear layer after a copy: first $X = Gx$ (`im2col`), and then
# $Y = X\mathcal{W} + \mathbf{1}b^\top$. Its backward pass is therefore that of Linear, followed by a product with
# $G^\top$ (`col2im`):
#
# $$d\mathcal{W} = X^\top dY, \qquad db = \textstyle\sum dY, \qquad dX = dY\,\mathcal{W}^\top, \qquad dx = G^\top dX.$$

# %%
conv = Conv2D(2, 3, 3, rng, bias=(0, 1))
error = check_layer(conv, rng.normal(size=(2, 6, 5, 2)), rng)
assert error < 1e-6
print(f"Conv2D: largest relative error {error:.0e}")

# %% [markdown]
# ## Central differences
#
# A check needs a derivative from another source. For a step $h$, Taylor's series in both directions,
# $f(x \pm h) = f(x) \pm h f'(x) + \tfrac{h^2}{2} f''(x) \pm \tfrac{h^3}{6} f'''(x) + \dots$, give
#
# $$\frac{f(x+h) - f(x-h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots$$
#
# The one-sided quotient $(f(x+h) - f(x))/h$ has an error of $\tfrac{h}{2} f''(x)$, a power of $h$ worse. Both errors
# get smaller with the step. But a computer knows $f$ only to a relative error $\varepsilon$, about $10^{-16}$ in
# float64 and $6 \cdot 10^{-8}$ in float32. The difference then has a rounding error of some $\varepsilon |f|$ and the
# quotient one of $\varepsilon |f| / h$, which grows as the step gets smaller. The sum of both errors is
#
# $$E(h) \approx \frac{h^2}{6} |f'''| + \frac{\varepsilon |f|}{h}, \qquad
# E'(h) = 0 \;\text{ at }\; h^* = \sqrt[3]{\frac{3 \varepsilon |f|}{|f'''|}} \sim \sqrt[3]{\varepsilon}:$$
#
# about $10^{-5}$ in float64, which is the library's `STEP`, and $5 \cdot 10^{-3}$ in float32.


# %%
def error_of_step(h, dtype, central=True):
    """Relative error of finite differences of sum(dy * sigmoid(x)), over fifty numbers x."""
    rng, layer = np.random.default_rng(5), Sigmoid()
    x, dy = rng.normal(size=(2, 50))
    layer.forward(x)
    exact = layer.backward(dy)
    x, dy = x.astype(dtype), dy.astype(dtype)

    def loss():
        return (dy * layer.forward(x, train=False)).sum()

    if central:
        numerical = numerical_gradient(loss, x, h)
    else:
        start, numerical = loss(), np.empty(50)
        for i, kept in enumerate(x.copy()):
            x[i] = kept + h
            numerical[i] = (loss() - start) / h
            x[i] = kept
    return abs(numerical - exact).max() / abs(exact).max()


steps = np.logspace(-10, 0, 21 if lesson.QUICK else 61)
figure, ax = plt.subplots(figsize=(8, 4.2))
for dtype, color in ((np.float32, "tab:orange"), (np.float64, "tab:blue")):
    ax.loglog(steps, [error_of_step(h, dtype) for h in steps], color=color, label=f"central, {np.dtype(dtype).name}")
one_sided = [error_of_step(h, np.float64, central=False) for h in steps]
ax.loglog(steps, one_sided, color="tab:blue", linestyle="--", linewidth=1, label="one-sided, float64")
ax.axvline(STEP, color="black", linestyle=":", label=f"the library's STEP, {STEP:g}")
ax.loglog(steps[-24:], steps[-24:] ** 2 / 6, color="gray", linewidth=1, label="$h^2/6$")
ax.set(xlabel="step $h$", ylabel="relative error of the gradient", ylim=(1e-13, 1e7))
ax.legend(loc="upper right", ncol=2, fontsize=9)
lesson.show(
    figure,
    "A large step misses the curvature, a small one drowns in rounding. STEP is near the best for float64 only.",
)
at_step = error_of_step(STEP, np.float64)
best32 = min(error_of_step(h, np.float32) for h in steps)
print(f"float64 at STEP {at_step:.0e}; float32 at STEP {error_of_step(STEP, np.float32):.0e}, at its best {best32:.0e}")

# %% [markdown]
# ## Three rules
#
# **1. Check in float64.** With `STEP`, the error in float64 is $4 \cdot 10^{-11}$ here. In float32 it is 3 % with
# `STEP` and still $2 \cdot 10^{-5}$ with the best step. `check_layer` converts the layer to float64. All layers return
# the type of number that they are given, so the lines that are checked are the lines that train in float32.
#
# **2. Take a random $dy$.** The check needs one number to differentiate, and the sum of the outputs is an obvious one;
# its gradient is $dy = \mathbf{1}$. But the outputs of some layers have a fixed sum. Those of a softmax, $y_m = e^{x_m}
# / \sum_k e^{x_k}$, add up to 1, whatever $x$ is. (Batch norm, lesson 8, fixes a sum as well.) The true gradient of
# this sum is zero, and a backward that returns zeros passes the check. The check therefore differentiates $\langle dy,
# y \rangle$ with random numbers for $dy$, in which nothing cancels.
#
# The formula of the softmax's backward pass shows this as well. (In the library it is a part of the loss `n_way`,
# lesson 6, and not a layer.) Its logarithm is $x_m - \log \sum_k e^{x_k}$, whose derivative with respect to $x_d$ is
# $[m = d] - y_d$, where $[m = d]$ is 1 for $m = d$ and 0 otherwise. So
#
# $$\frac{\partial y_m}{\partial x_d} = y_m \big([m = d] - y_d\big), \qquad
# dx_d = \sum_m dy_m \, y_m \big([m = d] - y_d\big) = y_d \Big( dy_d - \sum_m dy_m \, y_m \Big),$$
#
# and with $dy = \mathbf{1}$ the last bracket is $1 - \sum_m y_m = 0$.
#
# **3. Refuse a gradient of zeros.** The library measures the largest difference *relative to the largest element of the
# numerical gradient*, and raises an error where this element is zero: such a check could not fail.


# %%
class Softmax(Layer):
    """y_m = exp(x_m) / sum_k exp(x_k), over the last axis."""

    def forward(self, x, train=True):
        y = np.exp(x - x.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
        self.keep(train, y)
        return y

    def backward(self, dy):
        (y,) = self.take()
        return y * (dy - (dy * y).sum(axis=1, keepdims=True))


class NoGradient(Softmax):
    """A softmax with a backward that returns zeros."""

    def backward(self, dy):
        return 0 * super().backward(dy)


x = rng.normal(size=(6, 3))
error = check_layer(Softmax(), x, rng)
assert error < 1e-6
print(f"softmax: largest relative error {error:.0e}")
wrong = NoGradient()
for name, dy in (("ones", np.ones((6, 3))), ("random", rng.normal(size=(6, 3)))):
    wrong.forward(x)
    dx = wrong.backward(dy)
    numerical = numerical_gradient(lambda dy=dy: float((wrong.forward(x, train=False) * dy).sum()), x)
    print(f"dy {name:7} largest difference of wrong and numerical gradient {abs(dx - numerical).max():.0e}")
try:
    relative_error(np.zeros((6, 3)), np.zeros((6, 3)))
except ValueError as refused:
    print("of two gradients that are zero, relative_error says:", refused)

# %% [markdown]
# ## Planted mistakes
#
# Does the check find mistakes? Here are four that everybody makes once, to be compared with the right lines:
#
# - **a dropped sign**: $\sigma' = y(1 + y)$;
# - **a missing $1/N$**: the loss is a mean over $N$ pairs, but the gradient is that of a sum;
# - **`=` for `+=` in `col2im`**: where patches overlap, they overwrite one another instead of adding up;
# - **`=` for `+=` in `grads`**: the gradient of the last pass replaces the sum over all passes.


# %%
class WithoutSign(Sigmoid):
    def backward(self, dy):
        (y,) = self.take()
        return dy * y * (1 + y)


def bce_of_sum(s, y):
    loss, ds = bce(s, y)
    return loss, ds * len(s)


class OverwritesPixels(Conv2D):
    def backward(self, dy):
        K = len(self.params["W"])
        dx = np.zeros_like(super().backward(dy))
        dX = dy.reshape(-1, dy.shape[3]) @ self.params["W"].reshape(-1, dy.shape[3]).T
        for (n, i, j), patch in zip(np.ndindex(dy.shape[:3]), dX, strict=True):
            dx[n, i : i + K, j : j + K] = patch.reshape(K, K, -1)
        return dx


class OverwritesGradients(Linear):
    def backward(self, dy):
        self.zero_grad()
        return super().backward(dy)


def check_twice(layer, xs, rng):
    """The largest relative error of W's gradient after a pass for each of ``xs``: gradients must add up."""
    layer.astype(np.float64)
    dys = [rng.normal(size=layer.forward(x, train=False).shape) for x in xs]
    for x, dy in zip(xs, dys, strict=True):
        layer.forward(x)
        layer.backward(dy)

    def loss():
        return sum((dy * layer.forward(x, train=False)).sum() for x, dy in zip(xs, dys, strict=True))

    return relative_error(layer.grads["W"], numerical_gradient(loss, layer.params["W"]))


# %%
def errors_of(sigmoid, loss, conv, linear):
    rng = np.random.default_rng(2)
    return {
        "a dropped sign": check_layer(sigmoid(), rng.normal(size=(4, 5)), rng),
        "a missing 1/N": check_loss(loss, [rng.normal(size=6)], [rng.integers(0, 2, 6)]),
        "= for += in col2im": check_layer(conv(2, 3, 3, rng), rng.normal(size=(1, 5, 6, 2)), rng),
        "= for += in grads,\none pass": check_layer(linear(4, 3, rng), rng.normal(size=(5, 4)), rng),
        "= for += in grads,\ntwo passes": check_twice(linear(4, 3, rng), rng.normal(size=(2, 5, 4)), rng),
    }


right = errors_of(Sigmoid, bce, Conv2D, Linear)
wrong = errors_of(WithoutSign, bce_of_sum, OverwritesPixels, OverwritesGradients)
figure, ax = plt.subplots(figsize=(9, 3.8))
place = np.arange(len(right))
ax.bar(place - 0.2, right.values(), 0.4, color="tab:blue", label="right")
ax.bar(place + 0.2, wrong.values(), 0.4, color="tab:orange", label="with the mistake")
for offset, errors in ((-0.2, right), (0.2, wrong)):
    for at, error in zip(place + offset, errors.values(), strict=True):
        ax.text(at, 1.6 * error, f"{error:.0e}", ha="center", fontsize=8)
ax.axhline(1e-6, color="black", linestyle=":", label="what the tests allow, 1e-6")
ax.set(yscale="log", ylabel="largest relative error", ylim=(1e-12, 1e3))
ax.set_xticks(place, right)
ax.legend(ncol=3, loc="upper center", fontsize=9)
lesson.show(
    figure, "Each mistake lies five orders of magnitude above the limit, if the check exercises the line that it is in."
)
assert max(right.values()) < 1e-6 < 1e-2 < min(error for name, error in wrong.items() if "one pass" not in name)

# %% [markdown]
# The gap between right and wrong is so wide that the exact limit does not matter. But the fourth mistake passes the
# plain check. A single pass that begins with gradients of zero cannot tell `=` from `+=`; only a second pass, which
# adds to gradients that are there already, can. A check proves only the lines that it exercises, so the library's tests
# check the gradients after one pass and after two.
#
# ## Why gradients add up
#
# The twins share their weights. Their loss is a function $\mathcal{L}(W_1, W_2)$ of the weights of both, taken at
# $W_1 = W_2 = W$, and the chain rule says
#
# $$\frac{d\mathcal{L}}{dW} = \frac{\partial \mathcal{L}}{\partial W_1} + \frac{\partial \mathcal{L}}{\partial W_2}.$$
#
# Wherever a number is used more than once, its gradients add up: a weight that both twins use, a pixel that is in
# several patches, a bias $b$ that is added to every row. Section 3.2 says so of the twins: "the gradient is additive
# across the twin networks due to the tied weights".
#
# A second forward pass through the same layer, however, would overwrite the arrays that the first has kept. The library
# refuses it, and asks for one batch with the images of both twins. Lesson 4 shows that nothing is lost by that.

# %%
twin = Linear(4, 3, rng)
try:
    twin.forward(rng.normal(size=(5, 4)))
    twin.forward(rng.normal(size=(5, 4)))
except RuntimeError as refused:
    print(refused)

# %% [markdown]
# ## Kinks
#
# ReLU, the maximum, and $|x|$ in the paper's head have kinks. If a step crosses the kink of ReLU at 0, the central
# difference is a weighted mean of both slopes: for $|x| < h$ it is $(x + h - 0) / 2h = \tfrac12 + \tfrac{x}{2h}$. Then
# the layer is right and the finite difference is wrong, and the check reports a mistake that is not there.

# %%
x = np.linspace(-3, 3, 241) * STEP
relu = ReLU()
relu.forward(x)
analytical = relu.backward(np.ones_like(x))
numerical = numerical_gradient(lambda: float(relu.forward(x, train=False).sum()), x)
inside = abs(x) < 0.99 * STEP
np.testing.assert_allclose(numerical[inside], 0.5 + x[inside] / (2 * STEP), atol=1e-6)
figure, ax = plt.subplots(figsize=(7.5, 3))
ax.plot(x / STEP, analytical, color="tab:blue", label="backward")
ax.plot(x / STEP, numerical, color="tab:orange", linestyle="--", label="central difference")
ax.set(xlabel="x in steps $h$", ylabel="derivative of ReLU")
ax.legend()
lesson.show(figure, "Within a step of the kink, the finite difference is a weighted mean of both slopes, 0 and 1.")

# %% [markdown]
# With `STEP` $= 10^{-5}$ such a crossing is rare: a number $x$ with the standard normal distribution lies within a step
# of 0 with probability $2h / \sqrt{2\pi} = 8 \cdot 10^{-6}$. But a network computes many numbers, and each weight
# changes many of them. The library's tests of single layers avoid kinks by the choice of the inputs, which are spread
# out and in random order. Inside a network the inputs of a layer cannot be chosen. There, a large error is tried again
# with other images before it is believed: a mistake shows again, a kink does not.
#
# ## A whole network
#
# At the end, a small copy of the paper's network is checked as a whole: convolution, ReLU and pooling, each twice, then
# sigmoid features, and the weighted $L_1$ distance and the cross-entropy of lesson 4. Every single derivative is
# compared with its central difference.

# %%
rng = np.random.default_rng(7)
body = (Conv2D(1, 3, 3, rng), ReLU(), MaxPool2D(2), Conv2D(3, 4, 2, rng), ReLU(), MaxPool2D(2), Flatten())
twin = Sequential(*body, Linear(16, 6, rng), Sigmoid()).astype(np.float64)
head = L1Head(6, rng.normal(size=6)).astype(np.float64)
x = rng.normal(size=(6, 12, 12, 1))  # six images,
pairs, same = np.array([[0, 1], [2, 3], [4, 5], [0, 3], [1, 2]]), np.array([1, 1, 1, 0, 0])  # five pairs


def loss():
    return float(bce(head.forward(twin.forward(x, train=False), pairs, train=False), same)[0])


_, ds = bce(head.forward(twin.forward(x), pairs), same)
dx = twin.backward(head.backward(ds))
checked = {"images": (x, dx)}
for name, part in (*twin.walk("twin"), *head.walk("head")):
    checked |= {f"{name} {key}": (part.params[key], part.grads[key]) for key in part.params}
errors = {name: relative_error(grad, numerical_gradient(loss, variable)) for name, (variable, grad) in checked.items()}
assert max(errors.values()) < 1e-6
print(f"{sum(variable.size for variable, _ in checked.values())} derivatives; largest error {max(errors.values()):.0e}")

# %%
figure, ax = plt.subplots(figsize=(8, 3.4))
bars = ax.barh(list(errors), list(errors.values()), color="tab:blue")
ax.bar_label(bars, [variable.size for variable, _ in checked.values()], padding=4, fontsize=8)
ax.axvline(1e-6, color="black", linestyle=":", label="what the tests allow")
ax.set(xscale="log", xlabel="largest relative error", xlim=(1e-12, 1e-5))
ax.set_title("at the end of each bar: how many derivatives were compared")
ax.invert_yaxis()
ax.legend(loc="lower right")
lesson.show(
    figure,
    "Errors of all parameters of the small siamese network, and of its images: all far below what the tests allow.",
)

# %% [markdown]
# The finite differences took two passes through the network for each derivative, and backward took one pass for all of
# them. For the paper's 39 million weights, that is the difference between seconds and years.
#
# ## Three questions
#
# **1.** Why does a chain of layers compute $J_1^\top (J_2^\top (J_3^\top d\mathcal{L}))$ from the right? When would it
# be better to go from the left?
#
# <details><summary>Answer</summary>
#
# A loss is a single number, so $d\mathcal{L}$ is a vector of one element, and each product from the right is that of a
# matrix with a vector. From the left, the first product would be $J_1^\top J_2^\top$, which costs as much as one
# product with a vector for every column of $J_2^\top$. The opposite order is the better one for a function of one
# number with many outputs: $J_3 (J_2 (J_1\, \delta x))$, in the order of the forward pass, gives the derivatives of all
# outputs with respect to that number. Finite differences are of this second kind, and so they take two passes for each
# parameter.
#
# </details>
#
# **2.** A colleague writes ReLU with the slope 1 at $x = 0$ in place of 0. Would `check_layer` on random inputs find
# the difference? Would training on Omniglot?
#
# <details><summary>Answer</summary>
#
# The check would not: a random input is exactly 0 with probability 0, and at 0 there is no derivative that could be
# called right. In training the value 0 is not rare. Wherever the patch of the first layer is blank and its bias is 0,
# $x = 0$, and with a slope of 1 these places would send gradients back to the bias. Both rules are consistent, but a
# run with one of them does not repeat a run with the other.
#
# </details>
#
# **3.** The relative error compares the largest difference with the largest element of the whole numerical gradient.
# Which mistake could hide in that, and how does the check of a whole network above avoid the worst of it?
#
# <details><summary>Answer</summary>
#
# A mistake in elements that are a million times smaller than the largest one: their difference, divided by the largest
# element, stays below the limit. If all parameters of a network were put into one long vector, a layer with small
# gradients could be entirely wrong. The check above takes each parameter by itself, `W` and `b` of each layer, and so
# measures each against its own largest element.
#
# </details>
#
# ## What to try
#
# - Write a backward pass of max pooling in which all maxima of a window share its gradient. Does it agree with the
#   central difference at a tie of two pixels, and at a tie of four?
# - Plant a mistake of your own in a subclass, such as `y >= 0` in ReLU or a transposed `W`, and see which inputs find
#   it. Which mistakes does no random input find?
# - Check the small network with steps of $10^{-2}$ and $10^{-9}$ (`numerical_gradient` takes a step). Which parameters
#   have the largest errors, and which of the two sources of error is theirs?
#
# **Exercise 3** asks for Linear, ReLU, Sigmoid and max pooling, each forward and backward. In a terminal, in the folder
# that you cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 3
#     .venv/bin/python -m lessons.exercises check ex03.py
#
# The first writes `ex03.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 3.1` in place of `check` gives a hint.
