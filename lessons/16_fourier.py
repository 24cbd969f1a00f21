# %% [markdown]
# # 16. Five matrix products: why large kernels want Fourier
#
# *Koch, Zemel & Salakhutdinov (2015), section 3.1, with its 10 x 10, 7 x 7 and 4 x 4 kernels. Without its two
# appendices about 40 minutes.*
#
# **This is a specialist's lesson.** Nothing in the paper needs it: the convolution of lesson 2 computes the same
# numbers. It is for readers who want to know how the library computes them in less time, and who like to see a theorem
# at work.
#
# Training spends most of its time in four convolutions, and most of that in the second. The paper's kernels are large,
# and the plain way to convolve pays for every place of a kernel. The Fourier transform turns the sum over a kernel into
# one product for each frequency, whatever the kernel's size. The library uses it without a fast Fourier transform: five
# ordinary matrix products do the whole work, forward and backward. This lesson derives them, and finds out where they
# pay and where they do not. The notation is that of `minisiamese/fast/fourier.py`: images $(N, H, W, C)$, kernels
# $(K, K, C, O)$, stride $S$, padding $P$.

# %%
from statistics import median

import lesson
import matplotlib.pyplot as plt
import numpy as np
import scipy.fft

from minisiamese.bench.timing import seconds_of
from minisiamese.convolution import Conv2D, im2col, pad
from minisiamese.data.views import Views
from minisiamese.fast import fourier, winograd
from minisiamese.fast.algorithms import FOURIER_PAYS, multiplications
from minisiamese.fast.block import Block
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_layer
from minisiamese.layers import BatchNorm
from minisiamese.networks import koch
from minisiamese.plots import picture
from minisiamese.threads import in_chunks

# %% [markdown]
# ## What a convolution costs
#
# Lesson 2 laid every $K \times K$ patch of an image out as a row and multiplied once by the kernel (*im2col*). An image
# has $H_o W_o$ patches of $K^2 C$ numbers, and each patch meets $O$ kernels. One image therefore takes
#
# $$H_o \, W_o \, K^2 \, C \, O$$
#
# multiplications. The next cell counts them for the four convolutions of the paper's network. (Its fast twin, made by
# `fuse` as in lesson 2, holds each convolution together with its ReLU and its pooling in one block.)

# %%
network = fuse(koch(np.random.default_rng(0)))
x_shape, layers = (1, 105, 105, 1), []
for block in network.twin.layers:
    if isinstance(block, Block):
        conv = block.conv
        layers.append((x_shape, conv.params["W"].shape, conv.stride, conv.padding))
        _, Ho, Wo, O = conv.output_shape(x_shape)
        x_shape = 1, Ho // block.window, Wo // block.window, O
costs = [multiplications(*shapes) for shapes in layers]
for (x_shape, W_shape, *_), cost in zip(layers, costs, strict=True):
    K, _, C, O = W_shape
    print(f"{K:2} x {K:2}, {C:3} to {O:3}, images {x_shape[1]:3} x {x_shape[2]:3}: {cost / 1e6:6.1f} million", end="")
    print(f", {cost / sum(costs):.0%} of all four")
del network  # 39 million weights

# %% [markdown]
# The second layer has 81 % of the work. A step with 128 pairs passes 256 images, and the backward pass costs twice what
# the forward pass does: $3 \cdot 256 \cdot 708$ million, $5.4 \cdot 10^{11}$ multiplications in that layer alone.
#
# ## The Fourier transform is a matrix
#
# Take one dimension first. A signal $x$ has $L$ values; its spectrum has one complex number for each frequency
# $u = 0, \dots, L-1$:
#
# $$X(u) = \sum_h e^{-2 \pi i\, u h / L}\, x(h), \qquad\text{that is}\quad X = F x, \quad F_{uh} = e^{-2\pi i\,uh/L}.$$
#
# Each row of $F$ is a cosine minus $i$ times a sine. The columns are orthogonal: the sum over $u$ of
# $e^{2 \pi i\, u (h - h') / L}$ is a geometric series around the unit circle, which is $L$ if $h = h'$ and 0 otherwise.
# So $\bar F^\top F = L\, I$, and the inverse transform is $x = \bar F^\top X / L$.

# %%
L = 48
places = np.arange(L)
F = np.exp(-2j * np.pi * np.outer(places, places) / L)
x = np.random.default_rng(0).normal(size=L)
np.testing.assert_allclose(F @ x, np.fft.fft(x), atol=1e-10)
np.testing.assert_allclose(F.conj().T @ F, L * np.eye(L), atol=1e-10)
print("F x is np.fft.fft(x), and F's columns are orthogonal")

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), width_ratios=[1, 1, 1.1])
for ax, part, name in zip(axes, (F.real, F.imag), ("real part, cosines", "imaginary part, minus sines"), strict=False):
    image = ax.imshow(part, cmap="RdBu", vmin=-1, vmax=1)
    ax.grid(False)
    ax.set(title=name, xlabel="place h", ylabel="frequency u")
figure.colorbar(image, ax=axes[1])
for u in (1, 2, 46):
    axes[2].plot(places, F.imag[u], label=f"u = {u}", marker=".", linestyle="--" if u > L / 2 else "-")
axes[2].set(xlabel="place h", ylabel="imaginary part of F", title="three of the rows")
figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower right", ncols=3)
lesson.show(
    figure,
    "The matrix F for L = 48: row 48 - u is the conjugate of row u, so its sines have the opposite sign.",
)

# %% [markdown]
# ## One product for each frequency
#
# What networks call a convolution is a *correlation*: the kernel is laid on the signal as it is, not reversed,
#
# $$y(m) = \sum_{k=0}^{K-1} x(m + k)\, w(k).$$
#
# Write $x$ as the inverse transform of its spectrum, and exchange the two sums:
#
# $$y(m) = \sum_k w(k) \frac{1}{L} \sum_u e^{+2 \pi i\, u (m + k) / L}\, X(u)
#        = \frac{1}{L} \sum_u e^{+2 \pi i\, u m / L}\, X(u)
#          \underbrace{\sum_k e^{+2 \pi i\, u k / L}\, w(k)}_{Z(u)}.$$
#
# The right-hand side is the inverse transform of $Y(u) = X(u)\, Z(u)$. For a real kernel, $Z$ is the *conjugate* of the
# kernel's spectrum. (A true convolution has $x(m - k)$, and no conjugate.) The sum over $k$ is gone; one product for
# each frequency has taken its place.

# %%
K = 7
w = np.random.default_rng(1).normal(size=K)
Z = F[:, :K].conj() @ w
y = (F.conj().T @ ((F @ x) * Z)).real / L  # all L values
valid = np.correlate(x, w, mode="valid")  # the L - K + 1 places where the kernel lies inside
np.testing.assert_allclose(y[: L - K + 1], valid, atol=1e-10)
np.testing.assert_allclose(Z, np.fft.fft(w, L).conj(), atol=1e-10)
print(f"of {L} values the first {L - K + 1} are np.correlate's; the others:", y[L - K + 1 :].round(1))

# %% [markdown]
# ## What goes round
#
# The last $K - 1$ values do not belong to the correlation. Waves of period $L$ have no end: for them $x(L + h) = x(h)$.
# At $m > L - K$ the kernel reaches over the end of the signal and reads its beginning again.
#
# The *valid* output stops at $m = L - K$, so these values are cut off. With padding $P$ there are $P$ zeros before the
# signal and $P$ behind it, and pixel $h$ lies at $h + P$. That seems to need $L = H + 2P$, but a period of
# **$L = H + P$ suffices**. The last output reads up to place $H + 2P - 1$, and at the places from $H + P$ on it finds
# what lies at $0, \dots, P - 1$, the zeros at the front. One border serves both ends.

# %%
H, K, P = 12, 5, 2
signal = np.random.default_rng(2).uniform(0.3, 1, H)
kernel = np.array([0.3, 0.6, 1, 0.6, 0.3])


def periodic(signal, kernel, padding):
    """The correlation with period H + P, all of it; and how many values of it are the padded valid output."""
    laid = np.concatenate([np.zeros(padding), signal])
    y = np.fft.ifft(np.fft.fft(laid) * np.fft.fft(kernel, len(laid)).conj()).real
    return laid, y, len(signal) + 2 * padding - len(kernel) + 1


figure, axes = plt.subplots(2, 2, figsize=(11, 5), sharey="row", sharex=True)
for column, padding in enumerate((0, P)):
    laid, y, count = periodic(signal, kernel, padding)
    right = np.correlate(np.pad(signal, padding), kernel, mode="valid")
    np.testing.assert_allclose(y[:count], right, atol=1e-12)
    again = np.arange(len(laid), len(laid) + K - 1)
    upper, lower = axes[:, column]
    upper.bar(np.arange(len(laid)), laid, color="tab:blue", label="signal")
    upper.bar(again, laid[: K - 1], color="tab:blue", alpha=0.3, label="the same again, as waves see it")
    upper.axvline(len(laid) - 0.5, color="black", linestyle=":")
    upper.set(title=f"P = {padding}: period L = {len(laid)}", ylim=(0, 1.7), ylabel="x", xticks=range(0, 18, 3))
    upper.legend(loc="upper right", ncols=2, fontsize=8)
    lower.bar(np.arange(count), y[:count], color="tab:green", label=f"valid output, {count} values")
    lower.bar(np.arange(count, len(y)), y[count:], color="tab:red", label="wrapped round, cut off")
    lower.set(xlabel="place m", ylabel="y", ylim=(0, 3.6))
    lower.legend(loc="upper right", ncols=2, fontsize=8)
lesson.show(
    figure,
    "Red values mix the signal's end with its beginning; with P = 2 the zeros at the front serve at the end, too.",
)

# %% [markdown]
# ## Half of the spectrum, and real numbers only
#
# $x$ and $w$ are real, so conjugating $X(u) = \sum_h e^{-2 \pi i\, u h / L} x(h)$ gives $X(L - u)$, and $Y$ has the
# same symmetry. The two frequencies $u$ and $L - u$ contribute a number and its conjugate to $y(m)$, together twice the
# real part of that number. So $U = \lfloor L / 2 \rfloor + 1$ frequencies are enough,
#
# $$y(m) = \frac{1}{L} \sum_{u=0}^{U-1} g_u\,\mathrm{Re}\big(e^{+2 \pi i\, u m / L}\, Y(u)\big), \qquad
# g_u = \begin{cases} 1 & u = 0 \text{ or } u = L/2 \\ 2 & \text{otherwise,}\end{cases}$$
#
# since $u = 0$ and, for even $L$, $u = L/2$ are their own mirrors.
#
# A matrix product runs at full speed on real numbers. A complex number can be written as a row of two of them, and a
# product with $a + b i$ is a product with a $2 \times 2$ block:
#
# $$\begin{pmatrix} r & s \end{pmatrix} \begin{pmatrix} a & b \\ -b & a \end{pmatrix}
# = \begin{pmatrix} ra - sb & rb + sa \end{pmatrix}
# \quad\text{as in}\quad (r + s i)(a + b i) = (ra - sb) + (rb + sa)\, i.$$
#
# `fourier.transform` makes three real matrices for one axis: the transform of the image, that of the kernel, and the
# inverse transform, which has the weights $g_u / L$ in it and is cropped to the valid output. A frequency $u$ has two
# rows of the first two matrices, and two columns of the third: one for the real part and one for the imaginary part.
# The next cell computes the correlation from above with these three matrices alone.

# %%
matrices = fourier.transform(np, L, len(w), 1, 0, True, np.dtype(float))
image_matrix, kernel_matrix, back = matrices
X, Z = (image_matrix @ x).reshape(-1, 2), (kernel_matrix @ w).reshape(-1, 2)
blocks = np.array([[Z[:, 0], Z[:, 1]], [-Z[:, 1], Z[:, 0]]]).transpose(2, 0, 1)  # (U, 2, 2)
Y = np.stack([row @ block for row, block in zip(X, blocks, strict=True)])
np.testing.assert_allclose(back @ Y.ravel(), np.correlate(x, w, mode="valid"), atol=1e-10)
np.testing.assert_allclose(X[:, 0] + 1j * X[:, 1], np.fft.rfft(x), atol=1e-10)
print("real matrices", *(matrix.shape for matrix in matrices), "give np.correlate, too")

# %% [markdown]
# ## Two dimensions
#
# A picture is transformed along its first axis and then along its second. Along the first axis half of the spectrum is
# enough, since the pixels are real. After that the numbers are complex, and all $V = W + P$ frequencies of the second
# axis are needed. Here is one drawing, with a kernel that responds to strokes of one direction. A complex number has a
# modulus, how strong a wave is, and a phase, where its crests lie; the picture shows both. In a product of two spectra
# the moduli multiply and the phases add.

# %%
background = lesson.drawings("background")
x = Views(background.images[:40], 48)(np.array([33]))  # (1, 48, 48, 1)
drawing = x[0, :, :, 0]
k = np.arange(7) - 3
stroke = np.exp(-((k[:, None] + k) ** 2) / 2) - 0.5 * np.exp(-((k[:, None] + k) ** 2) / 8)  # along the diagonal
X, Z = np.fft.fft2(drawing), np.fft.fft2(stroke, drawing.shape).conj()
y = np.fft.ifft2(X * Z).real[:42, :42]
conv = Conv2D(1, 1, 7, np.random.default_rng(0), bias=None)
conv.params["W"] = stroke[:, :, None, None].astype(np.float32)
np.testing.assert_allclose(y, conv.forward(x, train=False)[0, :, :, 0], atol=1e-4)
figure, axes = plt.subplots(3, 3, figsize=(8.4, 8))
picture(axes[0, 0], (255 * drawing[:, :, None]).astype(np.uint8))
axes[1, 0].imshow(stroke)
axes[2, 0].imshow(np.maximum(y, 0))
titles = "drawing x, 48 x 48", "kernel w, 7 x 7", "max(y, 0), 42 x 42"
for row, title, name, values in zip(axes, titles, ("X", "Z", "Y = X Z"), (X, Z, X * Z), strict=True):
    values = np.fft.fftshift(values)  # frequency 0 in the middle
    row[1].imshow(np.log(abs(values) + 1))
    row[2].imshow(np.angle(values), cmap="twilight", vmin=-np.pi, vmax=np.pi)
    row[0].set(title=title, xticks=[], yticks=[])
    row[1].set(title=f"log(|{name.split(' =')[0]}| + 1)", ylabel="frequency u", xticks=[], yticks=[])
    row[2].set(title=f"phase of {name} (-pi to pi)", xticks=[], yticks=[])
    for ax in row:
        ax.grid(False)
for ax in axes[2, 1:]:
    ax.set_xlabel("frequency v")
lesson.show(
    figure,
    "Top, a drawing and its spectrum; middle, a kernel and its conjugate spectrum; bottom, their product, and to its "
    "left the picture with this spectrum, without its negative values: strokes of one slant.",
)

# %% [markdown]
# With channels, $X(u, v)$ is a row of $C$ numbers for each image and $Z(u, v)$ a matrix $(C, O)$:
# $Y(u, v) = X(u, v)\, Z(u, v)$ is a matrix product of the batch at each frequency. In real numbers the library needs
# five products. The table has their shapes in the paper's second layer, whose images are $48 \times 48 \times 64$ and
# whose $7 \times 7$ kernels lead to 128 channels, so that $U = 25$, $V = 48$, $H_o = W_o = 42$:
#
# | product | shapes | how often | second layer |
# |---|---|---|---|
# | 1. rows | $(2U \times H)(H \times WC)$ | each image | $(50 \times 48)(48 \times 3072)$ |
# | 2. columns | $(2V \times 2W)(2W \times C)$ | each image and $u$ | $(96 \times 96)(96 \times 64)$, 25 times |
# | 3. product | $(N \times 2C)(2C \times 2O)$ | each $u$, $v$ | $(N \times 128)(128 \times 256)$, 1,200 times |
# | 4. columns back | $(2W_o \times 2V)(2V \times O)$ | each image and $u$ | $(84 \times 96)(96 \times 128)$, 25 times |
# | 5. rows back | $(H_o \times 2U)(2U \times W_o O)$ | each image | $(42 \times 50)(50 \times 5376)$ |
#
# A product $(a \times b)(b \times c)$ takes $abc$ multiplications. For one image the five take:

# %%
second = layers[1]
names = "rows", "columns", "product", "columns back", "rows back"
by_hand = [50 * 48 * 3072, 25 * 96 * 96 * 64, 1200 * 128 * 256, 25 * 84 * 96 * 128, 42 * 50 * 5376]
five, im2col_cost = fourier.multiplications(*second), multiplications(*second)
assert list(five) == by_hand
for name, cost in zip(names, five, strict=True):
    print(f"{name:12} {cost / 1e6:6.1f} million")
print(f"all five     {sum(five) / 1e6:6.1f} million")
print(f"im2col       {im2col_cost / 1e6:6.1f} million, {im2col_cost / sum(five):.1f} times as many")

# %%
figure, ax = plt.subplots(figsize=(10, 2.3))
left = 0
for name, cost in zip(names, five, strict=True):
    ax.barh("Fourier", cost / 1e6, left=left, label=name, edgecolor="white")
    left += cost / 1e6
ax.barh("im2col", im2col_cost / 1e6, color="0.6", edgecolor="white")
ax.set(xlabel="million multiplications for one image", title="the paper's second layer")
ax.legend(ncols=2, loc="upper right", bbox_to_anchor=(0.98, 0.62))
ax.grid(axis="y")
lesson.show(figure, "The five products together take a seventh of the multiplications of im2col.")

# %% [markdown]
# The next cells compute a whole convolution of one image in three ways: by the formula, with NumPy's own transform; by
# the library's plain layer, which uses im2col; and by its fast twin, told here to use Fourier's five products.


# %%
def fast(conv, algorithm):
    """The fast twin of a convolution, with this algorithm in place of the one that its shapes call for."""
    twin = fuse(conv)
    twin.algorithm = lambda x_shape: algorithm
    return twin


rng = np.random.default_rng(0)
H, C, O, K, P = 20, 3, 4, 7, 2
x = rng.normal(size=(1, H, H, C))
plain = Conv2D(C, O, K, rng, padding=P, bias=(0.5, 0.1)).astype(np.float64)
layer = fast(plain, "fourier")  # it shares W, b and their gradients
W, b = layer.params["W"], layer.params["b"]


def spectrum(array, first=0):
    """Along the first two axes, with period H + P, from the place ``first`` on."""
    laid = np.zeros((H + P, H + P, *array.shape[2:]))
    laid[first : first + len(array), first : first + len(array)] = array
    return np.fft.rfft2(laid, axes=(0, 1))


def signal_of(spectrum, size):
    return np.fft.irfft2(spectrum, s=(H + P, H + P), axes=(0, 1))[:size, :size]


X, Z = spectrum(x[0], first=P), spectrum(W).conj()
Ho = H + 2 * P - K + 1
y = signal_of(np.einsum("uvc,uvco->uvo", X, Z), Ho) + b
np.testing.assert_allclose(y[None], layer.forward(x), atol=1e-10)  # kept for backward, below
np.testing.assert_allclose(y[None], plain.forward(x, train=False), atol=1e-10)
print("by np.fft, by the five products and by im2col: the same", y.shape)

# %% [markdown]
# ## Backward: the same products, transposed
#
# Let $dy$ be the gradient of the loss with respect to $y$. Four of the five steps multiply by a fixed matrix, say
# $y = B Y$. A change of $Y$ changes the loss by $dy \cdot B\, \delta Y = (B^\top dy) \cdot \delta Y$, so
# $dY = B^\top dy$: **the gradient goes through the transposed matrix.** The third step is, at each frequency, a product
# $Y = X Z$ of real matrices $(N \times 2C)(2C \times 2O)$, both of which change:
# $\delta Y = \delta X\, Z + X\, \delta Z$. With
# $\mathrm{tr}(dY^\top \delta X\, Z) = \mathrm{tr}((dY Z^\top)^\top \delta X)$, and likewise for $\delta Z$,
#
# $$dX = dY\, Z^\top, \qquad dZ = X^\top\, dY.$$
#
# In $Z$ every $a$ and every $b$ stands twice, in $\begin{pmatrix} a & b \\ -b & a \end{pmatrix}$, so the gradient of
# each is the sum over its two places: $da = dZ_{00} + dZ_{11}$ and $db = dZ_{01} - dZ_{10}$.
#
# In complex numbers the transposed block is the block of $a - bi$, the conjugate. So $dX = dY \bar Z$. Since $Z$ was
# the conjugate of the kernel's spectrum, $\bar Z$ is that spectrum itself, and $dx$ is a true convolution of $dy$ with
# the kernel. In the same way $dW$ is the correlation of $x$ with $dy$. The next cell computes both with NumPy's
# transform:

# %%
dy = rng.normal(size=(1, Ho, Ho, O))
dY = spectrum(dy[0])
dx = signal_of(np.einsum("uvo,uvco->uvc", dY, Z.conj()), H + P)[P:, P:]
dW = signal_of(np.einsum("uvc,uvo->uvco", X, dY.conj()), K)
layer.zero_grad()
np.testing.assert_allclose(dx[None], layer.backward(dy), atol=1e-10)
np.testing.assert_allclose(dW, layer.grads["W"], atol=1e-10)
print("dx", dx.shape, "and dW", dW.shape, "are the library's")

# %% [markdown]
# Here, too, the wrap-round does no harm. $dW$ keeps the places $k < K$ alone, and for these only the border, which is
# zero, is read twice. In $dx$ the values that wrap round fall on the border, which is cut off. A stride changes the
# matrices of the inverse transform alone, which then have fewer rows. Finite differences agree:

# %%
for stride, padding in ((1, 0), (1, 2), (2, 1)):
    layer = fast(Conv2D(2, 3, 4, rng, stride=stride, padding=padding), "fourier")
    error = check_layer(layer, rng.normal(size=(2, 7, 6, 2)), rng)
    assert error < 1e-7
    print(f"stride {stride}, padding {padding}: largest relative error of the gradients {error:.0e}")

# %% [markdown]
# ## Where it pays
#
# The third product takes $4 U V C O$ multiplications, whatever $K$ is. That is about $2 H W C O$, what im2col would
# take if $K^2$ were 2. The other four products cost something for each channel, but not for each *pair* of channels. So
# Fourier pays where kernels are large and channels are many; it needs both. The fast layers decide by the count: they
# use Fourier where it takes less than half (`FOURIER_PAYS`) of im2col's multiplications. (For small kernels there is a
# third algorithm: see the first appendix.)


# %%
def count(size, channels_in, channels_out, kernel, padding=0):
    shapes = (1, size, size, channels_in), (kernel, kernel, channels_in, channels_out), 1, padding
    return sum(fourier.multiplications(*shapes)) / 1e6, multiplications(*shapes) / 1e6


kernels = np.arange(1, 12)
widths = np.arange(1, 257)
lines = [
    (kernels, [count(48, 64, 128, kernel) for kernel in kernels], "kernel size K (pixels)", "64 to 128 channels"),
    (widths, [count(48, width, width, 7) for width in widths], "channels, C = O", "kernels of 7 x 7"),
]
figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for ax, (values, counts, label, title) in zip(axes, lines, strict=True):
    counts = np.array(counts)
    ax.semilogy(values, counts[:, 1], color="0.5", marker=".", label="im2col")
    ax.semilogy(values, counts[:, 0], color="tab:blue", marker=".", label="Fourier")
    border = values[counts[:, 0] < FOURIER_PAYS * counts[:, 1]].min()
    ax.axvspan(border, values[-1], color="tab:blue", alpha=0.1, label=f"Fourier taken, from {border}")
    ax.set(xlabel=label, ylabel="million multiplications", title=f"images of 48 x 48, {title}")
    ax.legend()
axes[1].set_xscale("log")
lesson.show(
    figure,
    "Left, with the kernel im2col's count grows, while Fourier's falls a little as the output shrinks; right, with the "
    "channels both grow, im2col's faster, so that Fourier is the dearer for few channels and the cheaper for many.",
)

# %%
for x_shape, W_shape, *how in layers:
    share = sum(fourier.multiplications(x_shape, W_shape, *how)) / multiplications(x_shape, W_shape, *how)
    chosen = "fourier" if share < FOURIER_PAYS else "im2col"
    K, _, C, O = W_shape
    assert fuse(Conv2D(C, O, K, rng)).algorithm(x_shape) == chosen
    print(f"{K:2} x {K:2}, {C:3} to {O:3}: Fourier takes {share:.2f} of im2col's multiplications, so {chosen}")
more, plain_more = count(48, 64, 256, 7)
print(f"the second layer with 256 kernels: {plain_more:.0f} against {more:.0f} million, {plain_more / more:.1f} times")

# %% [markdown]
# The paper's largest kernel, $10 \times 10$, is left to im2col. It reads **one** channel, so there are no pairs of
# channels on which to save, and the inverse transforms of its 64 channels alone cost more than the whole plain
# convolution.
#
# ## What the clock says
#
# A count is not a time. The next cell runs three fast layers forward and backward with both algorithms in turn, and
# takes the median of the ratios of their times. One more cost shows here: the kernel has to be transformed as well,
# which takes as long for one image as for a hundred. (The stored figures were measured on two cores that were not idle.
# They differ from run to run, most of all those of one image.)


# %%
def time_ratio(size, channels_in, channels_out, kernel, padding, images, times):
    """Median of Fourier's time over im2col's, forward and backward in turn; and the medians of both, in ms."""
    rng = np.random.default_rng(0)
    plain = Conv2D(channels_in, channels_out, kernel, rng, padding=padding)
    pair = [fast(plain, name) for name in ("fourier", "im2col")]
    x = rng.normal(size=(images, size, size, channels_in)).astype(np.float32)
    dy = rng.normal(size=pair[0].output_shape(x.shape)).astype(np.float32)
    steps = [lambda layer=layer: (layer.forward(x), layer.backward(dy)) for layer in pair]
    seconds = np.array([[seconds_of(step, 1)[0] for step in steps] for _ in range(times)])  # Fourier, im2col
    return median(seconds[:, 0] / seconds[:, 1]), 1e3 * np.median(seconds, axis=0)


shapes = {"koch, 7 x 7, 64 to 128": (48, 64, 128, 7, 0), "koch, 4 x 4, 128 to 128": (21, 128, 128, 4, 0)}
shapes["conv4, 3 x 3, 64 to 64"] = 17, 64, 64, 3, 1
if lesson.QUICK:
    del shapes["koch, 7 x 7, 64 to 128"]
batches, times = ((1,), 1) if lesson.QUICK else ((1, 4, 16, 64), 3)
figure, ax = plt.subplots(figsize=(8, 3.8))
for place, (name, shape) in enumerate(shapes.items()):
    counts = count(*shape)
    ratios, milliseconds = zip(*(time_ratio(*shape, images, times) for images in batches), strict=True)
    ax.loglog(batches, ratios, "os^"[place] + "-", color=f"C{place}", label=name)
    ax.axhline(counts[0] / counts[1], color=f"C{place}", linestyle=":")
    print(f"{name}: share of multiplications {counts[0] / counts[1]:.2f}, of time", np.round(ratios, 2))
    print("    one image: Fourier {:.1f} ms, im2col {:.1f} ms".format(*milliseconds[0]))
ax.axhline(1, color="black", linewidth=1)
ax.set(xlabel="images in the batch", ylabel="Fourier's seconds / im2col's", xticks=batches, xticklabels=batches)
ax.legend()
lesson.show(
    figure,
    "For one image Fourier is the slower way, as the kernel's transform is paid for it alone; in a batch the ratio "
    "falls towards that of the counts, dotted.",
)

# %% [markdown]
# For one image Fourier took 4 to 8 times as long in this run; for 64 images it was the faster way in all three layers.
# The library takes it for a single image all the same, since `FastConv2D.algorithm` looks at the shape of one image and
# of the kernel, and not at the batch. For training and evaluation, which pass dozens or hundreds of images at once and
# share one transform of the kernel among them, that is right. For a single image it is the wrong choice, and in each
# such layer costs the difference of the two times printed above. What speaks for the simple rule is that a trained
# network computes in the same way wherever it is asked. (The last digits of an embedding depend on the batch even so,
# since a matrix product of another shape may add in another order.)

# %% [markdown]
# ## Why not a fast Fourier transform?
#
# The fast transform (FFT) takes about $\tfrac{5}{2} n \log_2 n$ operations for $n$ real numbers, and the dense matrices
# take far more. But the FFT reads every number again in each of its passes and does little with it, so it waits for
# memory. A matrix product uses each number that it has fetched many times. The next cell times products 1 and 2 beside
# SciPy's FFT of the same images:


# %%
def transforms(size, channels, images):
    """Operations, and median seconds in turn, of the FFT divided by those of products 1 and 2."""
    x = np.random.default_rng(0).normal(size=(images, size, size, channels)).astype(np.float32)
    plan = fourier.Plan(x, np.zeros((3, 3, channels, 1), np.float32), 1, 0)

    def columns(us):
        plan.columns(us)  # nothing to return: the spectra are dropped

    def dense():
        plan.rows(x)
        in_chunks(columns, plan.U, plan.frequency_bytes)

    def by_fft():
        scipy.fft.rfft2(x, axes=(1, 2), workers=2)

    shapes = x.shape, (3, 3, channels, 1), 1, 0
    operations = 2.5 * size**2 * np.log2(size**2) * channels / (2 * sum(fourier.multiplications(*shapes)[:2]))
    times = 1 if lesson.QUICK else 9
    return operations, median(np.divide(seconds_of(by_fft, 1)[0], seconds_of(dense, 1)[0]) for _ in range(times))


for size, channels in ((48, 64), (21, 128), (17, 64)):
    operations, seconds = transforms(size, channels, 2 if lesson.QUICK else 64)
    print(f"{size} x {size}, {channels} channels: FFT {operations:.2f} of the operations, {seconds:.1f} of the time")

# %% [markdown]
# With a tenth to a fifth of the operations the FFT takes about as long at $48 \times 48$, and longer on the smaller
# images (17 is a prime, which suits no FFT). Its complex numbers would then still have to be moved into the order in
# which the third product reads them; the dense products write them there.
#
# ## What it costs in digits
#
# Fourier's way adds other numbers in another order than im2col, so it rounds differently. The next cell compares both,
# in float32, with im2col in float64:

# %%
shape = (20, 16, 16, 7) if lesson.QUICK else (48, 64, 128, 7)
size, C, O, K = shape
x = rng.normal(size=(2, size, size, C))
layer = Conv2D(C, O, K, rng).astype(np.float64)
exact = layer.forward(x, train=False)
layer.astype(np.float32)
for name in ("im2col", "fourier"):
    difference = abs(fast(layer, name).forward(x.astype(np.float32), train=False) - exact) / abs(exact).max()
    assert difference.max() < 5e-6
    print(f"{name:8} largest error {difference.max():.1e} of the largest value, median {np.median(difference):.1e}")

# %% [markdown]
# Errors of that size are harmless. They have one visible consequence: by im2col the pixels of a blank background are
# exactly equal, while by Fourier's way they may differ in the last digit, which then decides which of them wins a
# max-pooling window.
#
# ## Appendix 1. Small kernels: six products for four rows
#
# Where $K$ is 3, another identity saves half of the multiplications and needs no complex numbers. Let a column of an
# image have the values $d_0, \dots, d_5$ in one channel. A kernel $g_0, g_1, g_2$ gives four outputs
# $y_j = \sum_k d_{j+k}\, g_k$, which take twelve products. As a map from $d$ to $y$ this is a matrix, and the
# transposed matrix takes four numbers to six: it multiplies a polynomial of degree 3 by the polynomial of degree 2
# whose coefficients are $g$. The product of the two has degree 5, so its values at six points determine it, and each of
# these values takes one multiplication. The transpose of that computation gives $y$ with six multiplications as well
# (Winograd 1980, *Arithmetic Complexity of Computations*):
#
# $$y = A\,\big((B\,d) \odot (G\,g)\big).$$
#
# $A$, $B$ and $G$ are small matrices of numbers up to 8, from the points 0, 1, -1, 2, -2 and infinity:

# %%
A, B, G = winograd.minimal(4)
d, g = rng.normal(size=6), rng.normal(size=3)
np.testing.assert_allclose(A @ ((B @ d) * (G @ g)), [d[j : j + 3] @ g for j in range(4)], atol=1e-12)
print(B.astype(int))

# %% [markdown]
# In `fast/winograd.py` each $d$ is a whole row of an image, with all its pixels and channels, and each $g$ is a row of
# the kernel, the matrix that takes three neighbouring pixels to one output. $B$ and $A$ then add whole rows, and the
# six products are products of matrices, with half the multiplications of im2col. Three neighbouring pixels lie side by
# side in memory already, so no columns are made. The library uses this algorithm in place of im2col for $3 \times 3$
# kernels on 8 channels or more, and in place of Fourier's where an image is so small and its channels so many that the
# kernel's spectrum would be most of the work.
#
# ## Appendix 2. The first layer: moments of patches
#
# `conv4` has batch norm (lesson 8) between convolution and ReLU. Batch norm needs the mean and the variance of every
# channel over all images and pixels, and in the backward pass it needs the values themselves again. In a first layer
# there are many of these: 64 for each pixel, where the image had one. But a convolution is linear. Each value is
# $a = w \cdot p$, with a patch $p$ of 9 pixels. So the moments of all values follow from the mean $m$ and the
# covariance matrix $S$ of the *patches*:
#
# $$\operatorname{mean}(a) = w \cdot m, \qquad
# \operatorname{var}(a) = \operatorname{mean}\big((w \cdot (p - m))^2\big) = w^\top S\, w.$$
#
# $S$ has $9 \times 9$ numbers, whatever the number of channels:

# %%
images = rng.random((8, 20, 20, 1))
conv = Conv2D(1, 64, 3, rng, padding=1, bias=None).astype(np.float64)
a = conv.forward(images, train=False).reshape(-1, 64)
p, w = im2col(pad(images, 1), 3), conv.params["W"].reshape(9, 64)
m, S = p.mean(axis=0), np.cov(p.T, bias=True)
np.testing.assert_allclose(a.mean(axis=0), m @ w, atol=1e-12)
np.testing.assert_allclose(a.var(axis=0), (w * (S @ w)).sum(axis=0), atol=1e-12)
print(f"{a.size} values have the moments that {m.size} + {S.size} numbers give")

# %% [markdown]
# The backward pass can be had from moments as well. Let $dt$ be the gradient with respect to the output of batch norm.
# It is 0 for every value that lost its pooling window or that the ReLU cut off. Let
# $n = (a - \operatorname{mean}(a)) / \sigma$, and let $M$ be the number of values in a channel. The gradient with
# respect to $a$ is that of `layers.BatchNorm.backward`, derived in lesson 8:
#
# $$da = \frac{\gamma}{\sigma}\Big(dt - \frac{d\beta}{M} - n\,\frac{d\gamma}{M}\Big), \qquad
# d\beta = \sum dt, \quad d\gamma = \sum dt\, n.$$
#
# The gradient with respect to the kernel is $dW = \sum p\, da$. Of the three terms of $da$, the second is the same for
# every value and the third is linear in $a$, so their sums are moments: $\sum (p - m) = 0$ and
# $\sum (p - m)\, n = M S w / \sigma$. With $G = \sum (p - m)\, dt$ for the first term,
#
# $$d\gamma = \frac{G \cdot w}{\sigma}, \qquad dW = \frac{\gamma}{\sigma}\Big(G - S w\,\frac{d\gamma}{\sigma}\Big).$$
#
# (Since $\sum da = 0$, it makes no difference that $p - m$ stands in the place of $p$.) Only the patches of the winners
# enter $G$, and no value has to be kept or read again. `fast/first.py` consists of these lines, for a few images at a
# time:

# %%
norm = BatchNorm(64).astype(np.float64)
norm.params["gamma"][:] = rng.normal(size=64)
dt = rng.normal(size=a.shape) * (rng.random(a.shape) < 0.1)  # most values won nothing
norm.forward(a)
da = norm.backward(dt)
sigma = np.sqrt((w * (S @ w)).sum(axis=0) + norm.eps)
G = (p - m).T @ dt
dgamma = (G * w).sum(axis=0) / sigma
dW = norm.params["gamma"] / sigma * (G - S @ w * dgamma / sigma)
np.testing.assert_allclose(dgamma, norm.grads["gamma"], atol=1e-10)
np.testing.assert_allclose(dW, p.T @ da, atol=1e-10)
print("dgamma and dW from the patches of the winners are those of all values")

# %% [markdown]
# ## Three questions
#
# **1.** Suppose that the paper's second layer had 256 kernels in place of 128. Which of the five products take more
# multiplications than before, and does Fourier gain on im2col or lose?
#
# <details><summary>Answer</summary>
#
# Products 1 and 2 transform the image and do not know how many kernels there are. The other three double, and so does
# im2col's count. So Fourier gains: im2col took 7.2 times as many multiplications, and now takes 8.1 times as many, as
# the cell that prints the library's choices says. The more kernels share one transformed image, the cheaper is each.
#
# </details>
#
# **2.** The forward pass is a correlation, $y(m) = \sum_k x(m + k)\, w(k)$. Why is $dx$ a true convolution, without any
# use of spectra?
#
# <details><summary>Answer</summary>
#
# The pixel $x(h)$ stands in every $y(m)$ with $m + k = h$, each time beside $w(k)$. So
# $dx(h) = \sum_k dy(h - k)\, w(k)$: the sign of $k$ has turned. In the spectrum the same fact is that $\bar Z$ has
# taken the place of $Z$. In matrices it is the transpose.
#
# </details>
#
# **3.** A network is asked about one pair of drawings at a time, all day. Somebody proposes to let the library take
# im2col whenever a batch has fewer than four images. What is gained, and what is lost?
#
# <details><summary>Answer</summary>
#
# Time is gained, as the last picture shows for batches of one image: the transform of the kernel is not paid for a
# single image. What is lost is that all batches are computed in one way: the two algorithms round differently, so a
# check of a pair alone against the same pair in a batch of fifty has to allow for that. And four is no border for all
# layers: in the picture each line crosses 1 elsewhere. (Who asks all day could keep the kernel's spectrum instead, as
# long as the weights do not change.)
#
# </details>
#
# ## What to try
#
# - Measure the ratio for the paper's first layer, too: `time_ratio(105, 1, 64, 10, 0, 16, 3)`. Is the library right to
#   leave it to im2col?
# - Give a 1-D signal the period $H$ instead of $H + P$ in `periodic`. Which values of the padded output are wrong, and
#   how many?
# - Draw the spectra of the kernels that a trained network has learned: `minisiamese/pretrained.npz` holds conv4-wide's,
#   $(3, 3, 1, 64)$ in its first block. Which pass low frequencies, which high ones?
#
# **Exercise 16** asks for the matrices of the transform, for its steps and the kernel's blocks, for the other products,
# and for all of them on the way back. In a terminal, in the folder that you cloned (in JupyterLab: File, New,
# Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 16
#     .venv/bin/python -m lessons.exercises check ex16.py
#
# The first writes `ex16.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 16.1` in place of `check` gives a hint.
