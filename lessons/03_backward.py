# %% [markdown]
# # 3. Backward passes, and how to check them
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.2 (learning by gradients) for the layers of section 3.1. About 20
# minutes.*
#
# The paper's update of a weight needs $\nabla w_{kj}$, the derivative of the loss by this weight, for each of 39
# million weights, and says in half a sentence that it comes from back-propagation. Libraries with automatic
# differentiation do that out of sight. Here every layer has a `backward` of a few lines, written by hand after a
# derivation of a few lines.
#
# A wrong gradient does not crash. The network learns something, only worse, and nobody knows why. So the second half of
# this lesson is about how a gradient is **checked**, and about checks that cannot fail and therefore prove nothing.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese.convolution import Conv2D, col2im, im2col
from minisiamese.gradcheck import STEP, check_layer, check_loss, numerical_gradient, relative_error
from minisiamese.layers import BatchNorm, Flatten, Layer, Linear, ReLU, Sequential, Sigmoid
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
# where $dx$ and $dy$ are short for the gradients of $\mathcal{L}$ with respect to $x$ and $y$. This product of a vector
# with a Jacobian is all that a layer has to know: given $dy$, return $dx$. Along a chain of three links,
#
# $$dx = J_1^\top \big( J_2^\top ( J_3^\top \, d\mathcal{L}) \big), \qquad d\mathcal{L} = 1.$$
#
# From the right, each step is a matrix times a vector; from the left, it would be a matrix times a matrix. And the
# Jacobian need not exist anywhere: that of the paper's fully connected layer has $9216 \times 4096$ numbers, for one
# image.

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
# All layers of the library keep to this (`layers.py`):
#
# - `forward(x)` returns $y$ and **keeps** what backward will need, as little as possible.
# - `backward(dy)` takes what was kept, **adds** the gradients of the parameters to `grads`, and **returns** $dx$.
# - Neither changes its argument. Gradients add up until `zero_grad()`.
#
# What is kept goes through two lines of the base class: `self.keep(train, a, b)` in forward, and `a, b = self.take()`
# in backward (`(a,) = self.take()` for one thing). They see to it that a second forward, or a backward alone, is an
# error.
#
# With this, a chain is two loops: forward through the layers in order, backward in reverse. That is all of
# `Sequential`.

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
# $y = xW + \mathbf{1}b^\top$, for $N$ rows $x$ at a time. A small change of everything changes the loss by
#
# $$\delta\mathcal{L} = \langle dy,\; \delta x\, W + x\, \delta W + \mathbf{1}\, \delta b^\top \rangle
# = \langle dy\, W^\top, \delta x \rangle + \langle x^\top dy, \delta W \rangle
# + \langle dy^\top \mathbf{1}, \delta b \rangle,$$
#
# with $\langle A, B \rangle = \sum_{ij} A_{ij} B_{ij} = \mathrm{tr}(A^\top B)$, in which a factor may be carried
# to the other side transposed. The factor beside $\delta x$ is the gradient with respect to $x$, and so on:
#
# $$dx = dy\, W^\top, \qquad dW = x^\top dy, \qquad db = \textstyle\sum_n dy_n.$$
#
# Backward needs $x$: that is what forward keeps.

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
# Functions of each number by itself have a diagonal Jacobian: $dx = dy \cdot f'(x)$, elementwise. For
# $y = \max(0, x)$, $f'$ is 1 for $x > 0$ and 0 for $x < 0$; at 0 there is no derivative, and the library says 0. For
# $y = \sigma(x) = 1 / (1 + e^{-x})$,
#
# $$\sigma'(x) = \frac{e^{-x}}{(1 + e^{-x})^2} = \frac{1}{1 + e^{-x}} \cdot \frac{e^{-x}}{1 + e^{-x}} = y\,(1 - y).$$
#
# Both can be told from $y$ alone ($y > 0$ exactly where $x > 0$), so forward keeps $y$, which the next layer has
# anyway.

# %%
for layer, derivative in ((ReLU(), lambda y: y > 0), (Sigmoid(), lambda y: y * (1 - y))):
    x, dy = rng.normal(size=(2, 4, 5))
    y = layer.forward(x)
    np.testing.assert_allclose(layer.backward(dy), dy * derivative(y))
    error = check_layer(layer, x, rng)
    assert error < 1e-6
    print(f"{type(layer).__name__}: largest relative error {error:.0e}")

# %% [markdown]
# The sigmoid's derivative is at most 1/4, and next to 0 where $|x|$ is large. A sigmoid that starts far out learns
# nothing for long: lesson 6 meets that in the paper's initial values.
#
# ## Max pooling
#
# The maximum over a window, $y = \max_k x_k = x_{k^*}$, is the identity for one pixel, and takes no notice of the
# others: $J$ has a single 1, in column $k^*$. So $dx_{k^*} = dy$ and $dx_k = 0$ otherwise. Forward keeps $k^*$, one
# byte for each window.
#
# What if several pixels share the maximum? Then there is no derivative. In the library **the first one, line by line,
# takes the gradient**. That is no rare case: a blank window has four equal pixels.


# %%
def pool_by_windows(x, dy):
    """Max pooling of 2 x 2 there and back, as it is said; x (H, W), dy (H/2, W/2)."""
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
# In this run, 99.2 % of the windows of drawings tie: nine of ten are blank, and of the others, with ink of 0 and 255
# only, most hold several inked pixels. In a feature map, whatever comes from blank paper alone is the bias, equal
# everywhere, and ReLU makes more of the same: 77 % in the map above. It does little harm. Pixels that tie since their
# patches are the same give the same $dW$ and $db$, whichever of them takes the gradient, and where ReLU has made them
# tie, at 0, it lets none through. But the rule must be one and the same on every machine, or runs would not repeat.
#
# At a tie the finite difference disagrees with the layer, and must: up, the loss follows this pixel; down, it does not,
# as another holds the maximum. The difference of both sides is half a gradient for each.

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
# So pooling is checked on values that are far apart, and the tie by a test of its own.
#
# ## Convolution
#
# Lesson 2 has made convolution a Linear layer between two reorderings: $x \mapsto X = Sx$ (`im2col`) and then
# $Y = X\mathcal{W} + \mathbf{1}b^\top$. The chain rule takes Linear's three gradients, and follows $dX$ with
# $S^\top$ (`col2im`):
#
# $$d\mathcal{W} = X^\top dY, \qquad db = \textstyle\sum dY, \qquad dX = dY\,\mathcal{W}^\top, \qquad dx = S^\top dX.$$

# %%
conv = Conv2D(2, 3, 3, rng, bias=(0, 1)).astype(np.float64)
x = rng.normal(size=(2, 6, 5, 2))
linear = Linear(18, 3, rng).astype(np.float64)
linear.params["W"], linear.params["b"] = conv.params["W"].reshape(18, 3), conv.params["b"]
y = linear.forward(im2col(x, 3)).reshape(2, 4, 3, 3)
np.testing.assert_allclose(y, conv.forward(x))
dy = rng.normal(size=y.shape)
np.testing.assert_allclose(col2im(linear.backward(dy.reshape(-1, 3)), x.shape, 3), conv.backward(dy))
for key in ("W", "b"):
    np.testing.assert_allclose(linear.grads[key].reshape(conv.grads[key].shape), conv.grads[key])
error = check_layer(conv, x, rng)
assert error < 1e-6
print(f"im2col, Linear, col2im: the values and gradients of Conv2D; finite differences agree to {error:.0e}")

# %% [markdown]
# ## Central differences
#
# The check needs a derivative from another source. For a step $h$, Taylor's series up and down,
# $f(x \pm h) = f(x) \pm h f'(x) + \tfrac{h^2}{2} f''(x) \pm \tfrac{h^3}{6} f'''(x) + \dots$, give
#
# $$\frac{f(x+h) - f(x-h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots$$
#
# The one-sided $(f(x+h) - f(x))/h$ is off by $\tfrac{h}{2} f''(x)$, a power of $h$ worse. That speaks for a small step.
# But a computer knows $f$ only to a relative $\varepsilon$, about $10^{-16}$ in float64 and $6 \cdot 10^{-8}$ in
# float32, so the difference is off by some $\varepsilon |f|$, and the quotient by $\varepsilon |f| / h$. Together,
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
lesson.show(figure, "Too large a step leaves out the curve, too small a one drowns in rounding: STEP is near the best.")
at_step = error_of_step(STEP, np.float64)
best32 = min(error_of_step(h, np.float32) for h in steps)
print(f"float64 at STEP {at_step:.0e}; float32 at STEP {error_of_step(STEP, np.float32):.0e}, at its best {best32:.0e}")

# %% [markdown]
# ## Three rules
#
# **float64.** In float32 even the best step is off by $2 \cdot 10^{-5}$ here, and `STEP` by 3 %; in float64 it is
# $4 \cdot 10^{-11}$. `check_layer` turns the layer into float64; as dtypes go through all layers unchanged, the lines
# that are checked are the lines that train.
#
# **A random gradient from above.** The check needs a number to differentiate, and the sum of the outputs comes to mind,
# $dy = \mathbf{1}$. But a softmax adds up to 1 whatever $x$ is, and a batch norm's outputs, $y = \gamma\, (x -
# \overline{x}) / \sqrt{\mathrm{Var}(x) + \epsilon} + \beta$ with mean and variance of the batch, have the mean $\beta$
# whatever $x$ is. The true gradient is zero, and a backward of plain zeros passes. With random numbers for $dy$,
# nothing cancels.


# %%
class NoGradient(BatchNorm):
    """Batch norm with a backward that returns zeros."""

    def backward(self, dy):
        return 0 * super().backward(dy)


x = rng.normal(size=(6, 3))
wrong = NoGradient(3).astype(np.float64)
for name, dy in (("ones", np.ones((6, 3))), ("random", rng.normal(size=(6, 3)))):
    wrong.forward(x)
    dx = wrong.backward(dy)
    numerical = numerical_gradient(lambda dy=dy: BatchNorm(3).astype(float).forward(x).ravel() @ dy.ravel(), x)
    print(f"dy {name:7} largest difference of wrong and numerical gradient {abs(dx - numerical).max():.0e}")
try:
    relative_error(np.zeros((6, 3)), np.zeros((6, 3)))
except ValueError as refused:
    print("of two gradients that are zero, relative_error says:", refused)

# %% [markdown]
# **No gradient of zeros.** That is the third rule: the library measures the largest difference *relative to the largest
# element of the numerical gradient*, and refuses to measure at all where that is zero.
#
# Now the softmax, $y_m = e^{x_m} / \sum_k e^{x_k}$. (The library has none, only the loss `n_way` with one inside.) Its
# logarithm is $x_m - \log \sum_k e^{x_k}$, whose derivative with respect to $x_d$ is $\delta_{md} - y_d$. So
#
# $$\frac{\partial y_m}{\partial x_d} = y_m (\delta_{md} - y_d), \qquad
# dx_d = \sum_m dy_m \, y_m (\delta_{md} - y_d) = y_d \Big( dy_d - \sum_m dy_m \, y_m \Big).$$
#
# With $dy = \mathbf{1}$ the bracket is $1 - \sum_m y_m = 0$.


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


softmax = Softmax()
error = check_layer(softmax, rng.normal(size=(4, 5)), rng)
assert error < 1e-6
softmax.forward(x)
print(f"softmax: {error:.0e}; its gradient for ones: {abs(softmax.backward(np.ones_like(x))).max():.0e}")

# %% [markdown]
# ## Planted mistakes
#
# Does the check find what it is there to find? Four mistakes that everybody makes once, each beside the right lines:
#
# - **a dropped sign**: $\sigma' = y(1 + y)$;
# - **a missing $1/N$**: the loss is a mean over $N$ pairs, the gradient that of a sum;
# - **`=` for `+=` in `col2im`**: patches overwrite one another, where they overlap, instead of adding up;
# - **`=` for `+=` in `grads`**: the gradient of the last pass instead of that of all.


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
ax.bar(place - 0.2, right.values(), 0.4, color="tab:green", label="right")
ax.bar(place + 0.2, wrong.values(), 0.4, color="tab:red", label="with the mistake")
for offset, errors in ((-0.2, right), (0.2, wrong)):
    for at, error in zip(place + offset, errors.values(), strict=True):
        ax.text(at, 1.6 * error, f"{error:.0e}", ha="center", fontsize=8)
ax.axhline(1e-6, color="black", linestyle=":", label="what the tests allow, 1e-6")
ax.set(yscale="log", ylabel="largest relative error", ylim=(1e-12, 1e3))
ax.set_xticks(place, right)
ax.legend(ncol=3, loc="upper center", fontsize=9)
lesson.show(figure, "A mistake lies five orders of magnitude above the limit, if the check looks where it shows.")
assert max(right.values()) < 1e-6 < 1e-2 < min(error for name, error in wrong.items() if "one pass" not in name)

# %% [markdown]
# Between right and wrong lies a gap so wide that the limit needs no thought. But the fourth mistake passes the plain
# check. A single pass that begins with gradients of zero cannot tell `=` from `+=`; it takes two passes, or whatever
# else makes gradients add up. A check tells only about what it exercises, so the library's tests do both.
#
# ## Why gradients add up
#
# The twins share their weights. Their loss is a function $\mathcal{L}(W_1, W_2)$ of the weights of both, taken at
# $W_1 = W_2 = W$, and the chain rule says
#
# $$\frac{d\mathcal{L}}{dW} = \frac{\partial \mathcal{L}}{\partial W_1} + \frac{\partial \mathcal{L}}{\partial W_2}.$$
#
# Wherever a number is used twice, its gradients add up: a weight by two twins, a pixel by several patches, $b$ by all
# rows. Section 3.2 says it of the twins: "the gradient is additive across the twin networks due to the tied weights".
#
# Two forward passes through one layer, though, would overwrite what the first has kept. The library refuses:

# %%
twin = Linear(4, 3, rng).astype(np.float64)
x1, x2 = rng.normal(size=(2, 5, 4))
dy1, dy2 = rng.normal(size=(2, 5, 3))
try:
    twin.forward(x1)
    twin.forward(x2)
except RuntimeError as refused:
    print(refused)
    twin.take()  # what the first pass kept

# %% [markdown]
# and asks for one batch with both twins in it. $dW = x^\top dy$ sums over rows, whichever twin they belong to:

# %%
twin.forward(np.concatenate([x1, x2]))
twin.backward(np.concatenate([dy1, dy2]))
np.testing.assert_allclose(twin.grads["W"], x1.T @ dy1 + x2.T @ dy2)
np.testing.assert_allclose(twin.grads["b"], dy1.sum(axis=0) + dy2.sum(axis=0))
print("one pass of a stacked batch gives the sum of both twins' gradients")

# %% [markdown]
# ## Kinks
#
# ReLU, $|x|$ in the paper's head, and the maximum are not smooth. If a step crosses the kink at 0, the difference is a
# mean of both slopes: for ReLU and $|x| < h$, $\;(x + h - 0) / 2h = \tfrac12 + \tfrac{x}{2h}$. The layer is right, the
# finite difference is wrong, and the check cries out for nothing.

# %%
x = np.linspace(-3, 3, 241) * STEP
relu = ReLU()
relu.forward(x)
analytical = relu.backward(np.ones_like(x))
numerical = numerical_gradient(lambda: float(relu.forward(x, train=False).sum()), x)
inside = abs(x) < 0.99 * STEP
np.testing.assert_allclose(numerical[inside], 0.5 + x[inside] / (2 * STEP), atol=1e-6)
figure, ax = plt.subplots(figsize=(7.5, 3))
ax.plot(x / STEP, analytical, color="tab:green", label="backward")
ax.plot(x / STEP, numerical, color="tab:red", linestyle="--", label="central difference")
ax.set(xlabel="x in steps $h$", ylabel="derivative of ReLU")
ax.legend()
lesson.show(figure, "Within a step of the kink the finite difference is a mean of both slopes, 0 and 1.")

# %% [markdown]
# With `STEP` $= 10^{-5}$ this is rare: a normal $x$ lies within a step of 0 with probability
# $2h / \sqrt{2\pi} = 8 \cdot 10^{-6}$. But a network has many numbers in it, and each weight moves many of them. Where
# inputs are chosen by the check, as in the library's tests, they are chosen away from kinks: spread out, in random
# order. Where they are not, as inside a network, the seed is fixed, and a large error is tried with other inputs before
# it is believed: a mistake stays, a kink goes.
#
# ## A whole network
#
# The paper's network, made small: convolution, ReLU, pooling, twice; sigmoid features; the weighted $L_1$ distance
# with its $\alpha_j$; cross-entropy of pairs (these two are derived in lesson 4). Every single derivative is
# compared.

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
bars = ax.barh(list(errors), list(errors.values()), color="tab:green")
ax.bar_label(bars, [variable.size for variable, _ in checked.values()], padding=4, fontsize=8)
ax.axvline(1e-6, color="black", linestyle=":", label="what the tests allow")
ax.set(xscale="log", xlabel="largest relative error", xlim=(1e-12, 1e-5))
ax.set_title("behind each bar: how many derivatives were compared")
ax.invert_yaxis()
ax.legend(loc="lower right")
lesson.show(figure, "Every parameter of the small siamese network, and its images: far below what the tests allow.")

# %% [markdown]
# The check took two passes through the network for each derivative; backward took one for all. For the paper's 39
# million weights, that is the difference between seconds and years.
#
# ## What to try
#
# - Let the tie share its gradient among all maxima of the window, and write the backward pass. Does it agree with the
#   central difference at a tie of two? And of four?
# - Plant a mistake of your own in a subclass, such as `y >= 0` in ReLU or a transposed `W`, and see which inputs find
#   it. Which mistake does no smooth random input find?
# - Check the small network with `STEP` at $10^{-2}$ and at $10^{-9}$ (`numerical_gradient` takes a step). Which of its
#   parameters suffer first, and from which of the two errors?
#
# **Exercise 3** asks for Linear, ReLU, Sigmoid, and max pooling there and back. In a terminal, in the folder that you
# cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 3
#     .venv/bin/python -m lessons.exercises check ex03.py
#
# The first writes `ex03.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 3.1` in place of `check` gives a hint.
