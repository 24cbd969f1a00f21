# %% [markdown]
# # 6. The N-way loss
#
# *Koch, Zemel & Salakhutdinov (2015), sections 3.2 and 4.3: what is trained, and what is tested. About 40 minutes.*
#
# The paper trains its network on pairs and tests it on something else. In training it asks "same or different?" of two
# drawings (section 4.2). In the one-shot test it asks which of twenty characters a drawing shows (section 4.3), and for
# this it needs no probability of "same" at all, only the highest of twenty scores.
#
# This lesson makes the test itself the loss. This *N-way loss* is the library's default, and the networks that answer
# 98.4 % of Lake's 400 trials (README, mean of five trainings) have learned by it. You derive the loss and its gradient,
# see what it asks of a score and what it leaves open, and compare it with the paper's loss on the same network, the
# same drawings and the same steps. The last part goes from one drawing of each class to several: prototypes.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np

from minisiamese import losses
from minisiamese.criteria import CRITERIA
from minisiamese.data.affine import draw_distortions
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Batch, Episodes
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import balanced_pairs, calibrate, last_drawers, network_scorer
from minisiamese.fast.fuse import fuse
from minisiamese.gradcheck import check_loss
from minisiamese.layers import sigmoid
from minisiamese.networks import conv4
from minisiamese.optimizers import Adam
from minisiamese.runs.folder import load_run
from minisiamese.siamese import L1Head
from minisiamese.trials import accuracy_by_way, credits, nway_trials, rate

rng = np.random.default_rng(6)

# %% [markdown]
# ## The test as a loss
#
# A one-shot trial has a query and one drawing of each of $N$ classes. The head compares the query with each of these
# and gives $N$ scores $s_1, \dots, s_N$. The trial is won if the score of the right class, $s_t$, is the highest. "Won"
# is 0 or 1, a step that has no slope. To get a slope, let the network state a probability for each class, the *softmax*
# of the scores, and take the cross-entropy, minus the logarithm of the probability that it gives to the truth:
#
# $$p_n = \frac{e^{s_n}}{\sum_m e^{s_m}}, \qquad L = -\log p_t = \log \sum_n e^{s_n} - s_t .$$
#
# Scores may be any numbers; the exponential makes them positive, and dividing by the sum makes them add up to 1. Two
# properties say what a score then means:
#
# - $p_n / p_m = e^{s_n - s_m}$. A *difference* of scores is the logarithm of odds. A class that leads by 1 is 2.7 times
#   as probable as the other, one that leads by 3, twenty times.
# - Equal scores give $p_n = 1/N$ and $L = \log N$, the loss of a network that guesses: 3.00 for 20 classes. Read the
#   other way round, a loss $L$ is that of a guess among $e^L$ classes.
#
# With $N = 2$ the softmax is $p_1 = 1 / (1 + e^{-(s_1 - s_2)}) = \sigma(s_1 - s_2)$, and $L$ is the cross-entropy of
# lesson 4, but of the difference of two scores.

# %%
s = np.array([-0.5, -1.0, -2.0, -3.0, -4.0, -6.0])  # of one query with six classes
t = 1  # the right class; class 0 has the higher score, so this trial is lost
p = np.exp(s) / np.exp(s).sum()
print("p =", p.round(3), f" loss {-np.log(p[t]):.2f}, as of a guess among {1 / p[t]:.1f} classes")
np.testing.assert_allclose(p[0] / p[1], np.exp(0.5))
np.testing.assert_allclose(losses.n_way(s[None], np.array([t]))[0], -np.log(p[t]))
for N in (2, 5, 20, 60):
    guessing, _ = losses.n_way(np.zeros((1, N)), np.zeros(1, int))
    np.testing.assert_allclose(guessing, np.log(N))
    print(f"guessing among {N:2} classes: loss {guessing:.2f}")

# %% [markdown]
# ## The gradient, and what cancels in it
#
# The derivative of $\log \sum_m e^{s_m}$ with respect to $s_n$ is $e^{s_n} / \sum_m e^{s_m} = p_n$, and $-s_t$ adds
# $-1$ for the right class. With the mean over $Q$ queries,
#
# $$\frac{\partial L}{\partial s_{qn}} = \frac{1}{Q} \big( p_{qn} - [n = t_q] \big).$$
#
# As in lesson 4 the gradient is the error, the stated probability minus the truth. But here the errors of one query
# depend on each other: they **add up to 0**. The right class is pulled with the force $1 - p_t$, and the wrong classes
# are pushed with the same force in all, each in proportion to its probability. Two things follow.
#
# *Hard negatives come first.* A wrong class with a high score receives most of the push, and one that is far behind
# next to none. The paper's loss judges each pair by itself: its gradient is $\sigma(s_n) - [n = t]$, whatever the other
# scores are.
#
# *A constant cancels.* Add $c$ to all scores of a query: $p$ stays as it is. The head's bias $b$ (lesson 4) is such a
# constant, since $s_n = b + \sum_j \alpha_j |\delta_{nj}|$, so that $\partial L / \partial b = \sum_n \partial L /
# \partial s_n = 0$. The N-way loss ranks, and says nothing about the level of the scores.

# %%
target = np.array([t])
figure, axes = plt.subplots(1, 3, figsize=(11, 3.5))
place = np.arange(len(s))
for shift, offset, color in ((0, -0.2, "tab:blue"), (3, 0.2, "tab:orange")):
    _, by_task = losses.n_way((s + shift)[None], target)
    by_pairs = sigmoid(s + shift) - (place == t)
    label = "scores s" if shift == 0 else f"scores s + {shift}"
    for ax, values in zip(axes, (s + shift, by_task[0], by_pairs), strict=True):
        ax.bar(place + offset, values, 0.4, color=color, label=label)
    print(f"{label:13} N-way:", by_task[0].round(2), " pairs:", by_pairs.round(2))
names = "score", "N-way: p_n - [n = t]", "pairs: sigmoid(s_n) - [n = t]"
for ax, name in zip(axes, names, strict=True):
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(title=name, xticks=place, xticklabels=[f"{n}\nright" if n == t else str(n) for n in place], xlabel="class")
axes[0].set_ylabel("score (nats)")
axes[1].set_ylabel("gradient (above 0: pushed away)")
for ax in axes[1:]:
    ax.set_ylim(-1.05, 1.05)
axes[0].legend()
lesson.show(
    figure,
    "In the middle, class 0, the strongest rival, is pushed most, and a shift changes nothing; on the right it changes "
    "every force.",
)

# %%
s, target = rng.normal(size=(7, 5)), rng.integers(0, 5, 7)
loss, ds = losses.n_way(s, target)
p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
np.testing.assert_allclose(ds, (p - (np.arange(5) == target[:, None])) / 7)
np.testing.assert_allclose(ds.sum(axis=1), 0, atol=1e-12)
print(f"finite differences agree with (p - [n = t]) / Q: {check_loss(losses.n_way, [s], [target]):.0e}")

# %% [markdown]
# ## Avoiding overflow
#
# In `float32` $e^{89}$ is infinite already, and infinity over infinity is no number; where all scores are below $-104$
# every exponential is 0, and the logarithm of their sum $-\infty$. The constant that cancels is the cure: subtract from
# each row of scores its own largest one, $M = \max_n s_n$,
#
# $$L = \log \sum_n e^{s_n - M} - (s_t - M) .$$
#
# No exponent is above 0, one term of the sum is exactly 1, and the logarithm's argument is between 1 and $N$. It has to
# be each row's own maximum: with the largest score of all rows, a row far below would again be all zeros.

# %%
rows = np.array([[2, 1, 0], [200, 100, 0], [-200, -201, -202]], np.float32)
with np.errstate(all="ignore"):  # the warnings are what is shown here, as inf and nan
    naive = np.log(np.exp(rows).sum(axis=1)) - rows[:, 1]
    one_maximum = np.log(np.exp(rows - rows.max()).sum(axis=1)) - (rows[:, 1] - rows.max())
stable = [losses.n_way(row[None], np.array([1]))[0] for row in rows]
for row, *values in zip(rows, naive, one_maximum, stable, strict=True):
    print(f"{row!s:24} as written {values[0]:6.2f}, one maximum {values[1]:6.2f}, each row's own {values[2]:6.2f}")
np.testing.assert_allclose(naive[0], stable[0], rtol=1e-6)  # where the first can be trusted

# %% [markdown]
# ## Triplets, mining and temperature
#
# Bring the right class's score into the logarithm, and write $d = -s$ for distances:
#
# $$L = \log \Big( 1 + \sum_{n \ne t} e^{s_n - s_t} \Big) = \log \Big( 1 + \sum_{n \ne t} e^{d_t - d_n} \Big).$$
#
# With one negative this is $\log(1 + e^{d_{ap} - d_{an}})$, a triplet loss (lesson 5) with a round corner in place of
# the hinge, and without a margin to choose: its force fades as the negative gets farther, but is never quite 0. With
# many negatives it has the form of Sohn's *multi-class N-pair loss* (2016, *Improved Deep Metric Learning with
# Multi-class N-pair Loss Objective*), and lies between two bounds,
#
# $$h \le L \le h + \log N, \qquad h = \max\big(0,\; \max_{n \ne t}\, (d_t - d_n)\big),$$
#
# since the largest of the $N$ terms in the logarithm is at most the sum, and the sum at most $N$ times it. So the loss
# follows the *hardest* negative. A *temperature* $\tau$, with $s / \tau$ in place of $s$, sets how closely: of the push
# that the negatives share, $n$ receives the part $e^{s_n / \tau} / \sum_{m \ne t} e^{s_m / \tau}$. As $\tau \to 0$ all
# of the push goes to the hardest negative; as $\tau \to \infty$ all negatives receive the same, as with random
# triplets. Mining picks one negative and drops the others; **the softmax weighs them all.** The library has no $\tau$
# and needs none: the head's $\alpha$ is learned, and multiplying it by a number is dividing $\tau$ by that number.

# %%
s = np.array([-0.5, -2.0, -3.0, -4.0, -6.0])  # the five wrong classes of above
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.5))
gap = np.linspace(-4, 4, 201)
smooth = [losses.n_way(row[None], np.array([0]))[0] for row in np.stack([-gap, 0 * gap], axis=1)]  # s_t, s_n
left.plot(gap, smooth, color="tab:blue", label="N-way, N = 2")
left.plot(gap, np.maximum(0, gap + 1), color="tab:orange", linestyle="--", label="triplet, margin 1")
left.set(xlabel="d_ap - d_an: left of 0 in the right order", ylabel="loss (nats)", title="one negative")
left.legend()
for tau, marker, color in ((0.25, "o", "tab:orange"), (1, "s", "tab:blue"), (4, "^", "black")):
    share = np.exp(s / tau) / np.exp(s / tau).sum()
    right.plot(s, 100 * share, marker=marker, color=color, label=f"temperature {tau}")
    print(f"temperature {tau:4}: the hardest negative has {share[0]:.0%} of the push")
right.set(xlabel="score of the negative (nats)", ylabel="share of the push (%)", title="five negatives")
right.legend()
lesson.show(
    figure,
    "Left, the N-way loss is a triplet loss with a round corner; right, the lower the temperature, the larger the "
    "hardest negative's share.",
)

# %% [markdown]
# ## One batch, many trials
#
# Training on trials means drawing them: small tasks, made like the test, from the training classes. Vinyals, Blundell,
# Lillicrap, Kavukcuoglu & Wierstra (2016), *Matching Networks for One Shot Learning*, called them *episodes*; their
# principle was to train a network in the way in which it will be tested.
#
# One trial a step would waste the network's work. The library's `Episodes` draws $N$ classes with $K$ drawings of each.
# The $N K$ images are embedded once, and every drawing is a query $K - 1$ times: the $j$-th drawing of a class is
# compared, for each other place $k \ne j$, with the $k$-th drawings of all classes, and the question is which of these
# shows the same character. (A share `within` of the classes, half by default, comes from as few alphabets as possible,
# where characters are alike; the rest comes from everywhere.) That makes
#
# $$Q = N K (K - 1) \text{ trials}, \qquad \tfrac{1}{2} Q N = N^2 \tfrac{K (K - 1)}{2} \text{ comparisons},$$
#
# since the score of a pair serves two trials, that of its first drawing and that of its second. Were each image in one
# pair, as in lesson 4, the same images would make $\tfrac12 N K$ comparisons.

# %%
for N, K in ((20, 4), (60, 4)):
    batch = Episodes(lesson.drawings("background"), N, K).draw(rng)
    assert len(batch.tasks) == N * K * (K - 1) and len(batch.pairs) == N**2 * K * (K - 1) // 2
    print(f"{N} classes of {K}: {len(batch.rows)} images, {len(batch.tasks)} trials, {len(batch.pairs)} comparisons")

# %% [markdown]
# On the way back, the gradient of a pair's score is the sum of what its two trials say of it, and the gradient of an
# embedding the sum over its pairs, as in lesson 4. The next cell computes loss and gradient one trial after another,
# and compares them with the library's:

# %%
small = Episodes(lesson.drawings("background"), 4, 3).draw(rng)
z, alpha = rng.normal(size=(len(small.rows), 5)), rng.normal(size=5)
head = L1Head(5, alpha.copy()).astype(np.float64)
loss, dz = 0.0, np.zeros_like(z)
for task, t in zip(small.tasks, small.target, strict=True):
    pairs = small.pairs[task]  # of the query and one drawing of each class
    delta = z[pairs[:, 0]] - z[pairs[:, 1]]
    s = abs(delta) @ alpha
    p = np.exp(s) / np.exp(s).sum()
    loss -= np.log(p[t]) / len(small.tasks)
    ds = (p - (np.arange(len(p)) == t)) / len(small.tasks)
    ddelta = ds[:, None] * alpha * np.sign(delta)
    np.add.at(dz, pairs[:, 0], ddelta)
    np.subtract.at(dz, pairs[:, 1], ddelta)
found = CRITERIA["nway"].compute(head, z, small, None)
np.testing.assert_allclose(found[0], loss)
np.testing.assert_allclose(found[1], dz, atol=1e-12)
np.testing.assert_allclose(head.grads["b"], 0, atol=1e-12)
print(f"loss {loss:.3f} and dz of {len(small.tasks)} trials are those of the loop; db = {head.grads['b'][0]:.0e}")

# %% [markdown]
# ## Beside the paper's loss, on the same steps
#
# Which loss teaches more? A comparison has to hold everything else equal. Below, `conv4` for 35 x 35 pixels, as in
# lesson 4, learns three times from the same initial values, on the same 200 batches of 20 classes with 4 drawings each,
# under the same distortions, with the same optimiser and rates. Only the loss differs (and a second seed repeats all of
# it):
#
# - **N-way**: the 240 trials of each batch;
# - **pairs**: the paper's cross-entropy on the batch's 120 pairs of one class and on 120 pairs of two classes, drawn
#   anew in each step, so that both answers are equally frequent, as in the paper;
# - **all pairs**: the same on all 3,160 pairs of the batch, weighted so that each kind has half of the total weight.
#
# The optimiser is Adam (lesson 8) with a rate of 0.012, and ten times that for the head, so that its bias can get to
# its place (lesson 4). All three losses have the same rate; a rate chosen for each might change how far they lie apart
# (*What to try*). Five background alphabets are held out, and 20-way trials are made of them.

# %%
training, held_out = hold_out(lesson.drawings("background"), 2 if lesson.QUICK else 5)
if lesson.QUICK:
    training, held_out = training.take_groups([0, 1]), held_out.take_groups([0])
steps, ways, drawings, every = (2, 4, 4, 1) if lesson.QUICK else (200, 20, 4, 25)
way = min(20, max(map(len, held_out.classes_of_group)))
trials = nway_trials(held_out, way, 1, (2 if lesson.QUICK else 100) * way, True, np.random.default_rng(1))
few = nway_trials(held_out, way, 1, (1 if lesson.QUICK else 20) * way, True, np.random.default_rng(2))  # for the curves
views = Views(training.images, 35, frame="ink")

first, second = np.triu_indices(ways * drawings, 1)
all_pairs = np.stack([first, second], axis=1)
same = (first // drawings == second // drawings).astype(np.float32)
weight = np.where(same == 1, 0.5 / same.sum(), 0.5 / (1 - same).sum()).astype(np.float32)


def gradient(loss, head, z, batch, choosing):
    """dz, by one of the three losses."""
    if loss == "N-way":
        return CRITERIA["nway"].compute(head, z, batch, None)[1]
    if loss == "pairs":
        alike, other = all_pairs[same == 1], all_pairs[same == 0]
        pairs = np.concatenate([alike, choosing.choice(other, len(alike), replace=False)])
        answers = np.repeat(np.array([1, 0], np.float32), len(alike))
        return CRITERIA["bce"].compute(head, z, Batch(batch.rows, pairs, same=answers), None)[1]
    s = head.forward(z, all_pairs)
    return head.backward(weight * (sigmoid(s) - same))


def learn(loss, seed):
    """(network, [[step, accuracy on ``few``], ...])."""
    rng, sampling, choosing = (np.random.default_rng([seed, stream]) for stream in range(3))
    network, curve = fuse(conv4(rng)), []
    network.frame = "ink"
    sampler, optimizer = Episodes(training, ways, drawings), Adam(network, rates=(1, 1, 1, 1, 10))
    for step in range(1, steps + 1):
        batch = sampler.draw(sampling)
        z = network.forward(views(batch.rows, draw_distortions(sampling, len(batch.rows))))
        network.backward(gradient(loss, network.head, z, batch, choosing))
        optimizer.step(0.012)
        network.zero_grad()
        if step % every == 0:
            curve.append([step, credits(few.scores(network_scorer(network)), few.target).mean()])
    return network, np.array(curve)


# %%
COLORS = {"N-way": "tab:blue", "pairs": "tab:orange", "all pairs": "black"}
learned = {(loss, seed): learn(loss, seed) for seed in (0, 1) for loss in COLORS}
scores = {key: trials.scores(network_scorer(network)) for key, (network, _) in learned.items()}
earned = {key: credits(each, trials.target) for key, each in scores.items()}
for (loss, seed), each in earned.items():
    print(f"seed {seed}, {loss:10} {each.mean():.1%} of {len(each)} {way}-way trials")

# %% [markdown]
# The networks answer the same trials, so they are compared trial by trial, by the difference of what both earned. The
# twenty trials of a run share one support and are not independent; the interval is therefore that of the means of the
# 100 runs (lesson 10 returns to this).

# %%
for seed in (0, 1):
    for loss in ("pairs", "all pairs"):
        difference = (earned["N-way", seed] - earned[loss, seed]).reshape(-1, way).mean(axis=1)
        half = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
        print(f"seed {seed}: N-way less {loss:10} {100 * difference.mean():+.1f} points, +- {100 * half:.1f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.8))
for (loss, seed), (_, curve) in learned.items():
    style = dict(color=COLORS[loss], linestyle=("-", "--")[seed], label=f"{loss}, seed {seed}")
    left.plot(curve[:, 0], 100 * curve[:, 1], **style)
    by_way = accuracy_by_way(scores[loss, seed], trials.target)
    right.plot(list(by_way), [100 * each["accuracy"] for each in by_way.values()], **style)
left.set(xlabel="training step", ylabel=f"right of {len(few.target)} {way}-way trials (%)", title="while learning")
right.set(xlabel="classes in a trial", ylabel=f"right of {len(trials.target)} trials (%)", title="after learning")
right.set_xticks([n for n in (2, 5, 10, 15, 20) if n <= way])
left.legend(fontsize=8)
lesson.show(
    figure, "At every step and for any number of classes the N-way loss is ahead, and most where the classes are many."
)

# %% [markdown]
# In this run the N-way loss got 75.3 % of the held-out trials right, the pairs 63.9 % and all pairs 64.5 %; from the
# second seed it was 74.4, 60.2 and 62.1 %. The differences, 10.8 to 14.2 points, are at least five times the
# half-widths of their intervals, and both seeds agree. So in 200 steps the test as a loss teaches far more than pairs
# do, from the same drawings. The number of comparisons is not the reason: "all pairs" has the most, and is hardly ahead
# of "pairs", which has a thirteenth of them. The lead is largest at the start and shrinks, while the pairs are still
# rising. What would be left of it after a hundred times as many steps, this run does not say.
#
# ## Ranking and level
#
# Is the pairs' loss wrong, then? Not in what it aims at. Suppose that a head gave the exact log odds of "same",
# $s = \log P(\text{same} \mid x_q, x_n) / P(\text{different} \mid x_q, x_n)$, where same and different pairs are
# equally frequent. Then, if the classes of a trial are drawn independently, $e^{s_n}$ is proportional to the
# probability of class $n$, and the softmax of these scores is the best answer to the trial, too. A perfect solution of
# the first task solves the second. But the first asks for more: every score has to be right by itself, above 0 for same
# and below 0 for different, across all queries and all alphabets. A network that is not perfect has to divide what it
# can do between the level and the order. The N-way loss leaves the level out: a query whose scores are all too low by
# the same amount pays nothing.
#
# In return, a single score means nothing after the N-way loss. Not even $b$ is learned: its gradient is 0 but for
# rounding. (It moves all the same. Adam divides a gradient by its own size, so that rounding errors move $b$ about.)
# Whoever wants a probability of "same" has to fit it afterwards, as $\sigma(u s + v)$ with the two numbers $u$ and $v$
# that give the least cross-entropy on pairs of held-out classes. This *calibration* is Platt's (1999, *Probabilistic
# Outputs for Support Vector Machines*). `train` does it at its end (`scoring.calibrate`); if no alphabets were held
# out, as for the network that ships, on the training alphabets in mirror writing. With $u > 0$ it changes no ranking.
# Here it is fitted on pairs from two of the held-out alphabets and tested on pairs from the three others.

# %%
pairs_to_fit = held_out.take_groups([0] if lesson.QUICK else [0, 1])
pairs_to_ask = held_out.take_groups([0] if lesson.QUICK else [2, 3, 4])
images, pairs, answers = balanced_pairs(pairs_to_ask, 60 if lesson.QUICK else 2000, True, np.random.default_rng(3))
figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.5), sharey=True)
for ax, loss in zip(axes, ("pairs", "N-way"), strict=True):
    network, _ = learned[loss, 0]
    scorer = network_scorer(network)
    s, fit = scorer(images, pairs), calibrate(scorer, last_drawers(pairs_to_fit), 60 if lesson.QUICK else 2000)
    border = -fit["offset"] / fit["slope"]  # the score of probability one half
    edges = np.linspace(*np.quantile(s, [0.005, 1]), 40)
    for y, color, label in ((1, "tab:blue", "same"), (0, "tab:orange", "different")):
        ax.hist(s[answers == y], edges, color=color, alpha=0.6, label=label)
    ax.axvline(0, color="black", linestyle=":", label="score 0: p = 1/2 as it is")
    ax.axvline(border, color="tab:green", linestyle="--", label="p = 1/2, calibrated")
    ax.set(title=f"learned by {loss}", xlabel="score (nats)")
    right, fitted = (100 * ((s > threshold) == answers).mean() for threshold in (0, border))
    bias = network.head.params["b"][0]
    print(f"{loss:6} b = {bias:+.2f}; verification {right:.1f} % as it is, {fitted:.1f} % calibrated at {border:+.2f}")
axes[0].set_ylabel("pairs")
axes[1].legend(fontsize=8)
lesson.show(
    figure,
    "After learning from pairs, 0 lies between same and different; after the N-way loss all scores are below 0, and "
    "the border has to be fitted.",
)
shipped, _, meta = load_run("pretrained")
print(f"the network that ships: b = {shipped.head.params['b'][0]:.2f}, calibration", meta["calibration"])

# %% [markdown]
# The network that learned from pairs needs hardly any calibration: 87.0 % of the verdicts are right with the border at
# 0, and 87.4 % with the fitted one. After the N-way loss every pair is called "different" at 0, which is right for half
# of them; with the fitted border, at $-16.0$, 88.9 % are right. With two fitted numbers the N-way loss is no worse at
# the paper's verification task either. Its $b$ ended at $-3.22$, where rounding errors have taken it.
#
# ## Several drawings of each class: prototypes
#
# Often there is more than one example. With $K$ drawings of each class, Snell, Swersky & Zemel (2017), *Prototypical
# Networks for Few-shot Learning*, represent a class by its mean embedding, its *prototype*, and compare by the squared
# distance:
#
# $$c_n = \frac{1}{K} \sum_{k=1}^{K} z_{nk}, \qquad s_{qn} = -\lVert z_q - c_n \rVert^2 .$$
#
# The loss is the N-way loss of these scores. Two facts speak for the mean. If the drawings of a class scatter around
# its centre with variance $v$ and independently, their mean does so with $v / K$. And multiplied out,
#
# $$s_{qn} = 2\, c_n \cdot z_q - \lVert c_n \rVert^2 - \lVert z_q \rVert^2 ,$$
#
# where the last term is the same for all classes and cancels in the softmax. What remains is a linear classifier of
# embeddings, with weights $2 c_n$ and biases $-\lVert c_n \rVert^2$ that take no training. Its borders are flat, each
# halfway between two prototypes.
#
# For the gradients take the N-way loss's $g_{qn} = \tfrac{1}{Q} (p_{qn} - [n = t_q])$ through the squared distance.
# With respect to $z_q$, $s_{qn}$ has the gradient $-2 (z_q - c_n)$, and the opposite one with respect to $c_n$, of
# which each of the $K$ drawings has the part $1/K$:
#
# $$\frac{\partial L}{\partial z_q} = -2 \sum_n g_{qn} (z_q - c_n), \qquad
# \frac{\partial L}{\partial z_{nk}} = \frac{2}{K} \sum_q g_{qn} (z_q - c_n).$$
#
# Since $\sum_n g_{qn} = 0$, the first is $2 \sum_n g_{qn} c_n = \tfrac{2}{Q} \big( \sum_n p_{qn} c_n - c_{t_q} \big)$.
# A step of descent moves the query in the direction from the mean of all prototypes, weighted by their probabilities,
# to its own prototype.


# %%
def prototypical_by_hand(queries, supports, target):
    """The loss and its two gradients, one query and one class at a time."""
    Q, (N, K, _) = len(queries), supports.shape
    loss, dqueries, dsupports = 0.0, np.zeros_like(queries), np.zeros_like(supports)
    for q in range(Q):
        difference = np.stack([queries[q] - supports[n].mean(axis=0) for n in range(N)])
        exponential = np.exp(-(difference**2).sum(axis=1))
        p = exponential / exponential.sum()
        loss -= np.log(p[target[q]]) / Q
        for n in range(N):
            g = (p[n] - (n == target[q])) / Q
            dqueries[q] -= 2 * g * difference[n]
            dsupports[n] += 2 / K * g * difference[n]  # the same for each of the K
    return loss, dqueries, dsupports


queries, supports, target = rng.normal(size=(5, 4)), rng.normal(size=(3, 2, 4)), np.array([0, 1, 2, 2, 1])
library = losses.prototypical(queries, supports, target)
for ours, theirs in zip(prototypical_by_hand(queries, supports, target), library, strict=True):
    np.testing.assert_allclose(ours, theirs)
error = check_loss(losses.prototypical, [queries, supports], [target])
print(f"loss and gradients are those of the loops; finite differences agree: {error:.0e}")

# %% [markdown]
# `train --loss prototypical` trains with this loss. A network that has learned by the N-way loss can be asked with
# several drawings as well; `Trials.scores` then takes the mean of a class's $K$ scores, not the score of a mean.

# %%
network, _ = learned["N-way", 0]
for shot in (1, 5):
    asked = nway_trials(held_out, way, shot, (2 if lesson.QUICK else 50) * way, True, np.random.default_rng(4))
    measured = rate(credits(asked.scores(network_scorer(network)), asked.target))
    low, high = measured["interval"]
    print(f"{shot} drawing(s) a class: {measured['accuracy']:.1%} of {way}-way trials, {low:.1%} to {high:.1%}")

# %% [markdown]
# Five drawings of each class in place of one take the same network from 78.8 % to 92.1 %, without further training.
# (These are other trials than those of the comparison.)
#
# ## Three questions
#
# **1.** A network has learned by the N-way loss. Somebody adds 100 to every score of one query, and 5 to the score of
# one class in all trials. Which of the two changes an answer, and which changes the loss?
#
# <details><summary>Answer</summary>
#
# The first changes neither: only differences of the scores of one query enter $p$. The second multiplies the odds of
# that class by $e^5$, more than a hundredfold, against every other class and in every trial that has it. The class wins
# trials that it should lose, and both the answers and the loss change. So a bias of the head does no harm, and a bias
# towards a class would.
#
# </details>
#
# **2.** A network has an N-way loss of 0.1 on trials of 20 classes. What loss do you expect on trials of 60 classes, if
# the additional rivals are like the others? What follows for comparing losses?
#
# <details><summary>Answer</summary>
#
# About three times as much. The loss is $\log(1 + x)$ with $x = \sum_{n \ne t} e^{s_n - s_t}$, which is nearly $x$
# where it is small, and $x$ has 59 terms in place of 19. A guess costs more as well, 4.09 in place of 3.00. So losses,
# like accuracies, can be compared only for the same number of classes, drawn in the same way.
#
# </details>
#
# **3.** In the comparison the N-way loss used 2,400 comparisons a step and "pairs" used 240. A reader objects that this
# explains the lead. Which training answers the objection, and what explains the lead then?
#
# <details><summary>Answer</summary>
#
# "All pairs" used 3,160 comparisons a step, more than the N-way loss, and stayed far behind it. What differs is how a
# comparison counts, as the first picture shows. The softmax gives the push to the rivals that are close to winning,
# while in the pairs' loss it is spread over all different pairs with a score that is not low enough, and most of those
# would never win a trial. And the pairs' loss has to bring all scores to one level, about which a trial does not ask.
#
# </details>
#
# ## What to try
#
# - Give the pairs' loss other rates, or give the head the same rate as the other layers. Can any of them catch up, and
#   does the N-way loss gain from another rate, too?
# - Put a temperature into `gradient`: write out the few lines of `_nway` (`minisiamese/criteria.py`), with the scores
#   divided by $\tau$ before `losses.n_way`, and its gradient divided by $\tau$ again. Does $\alpha$ make up for it, as
#   the text claims, and how soon?
# - Train with 5 classes of 16 drawings in place of 20 classes of 4: as many images, but easier trials. What happens to
#   20-way accuracy?
#
# **Exercise 6** asks for the N-way loss and for the prototypical loss, each with its gradients. In a terminal, in the
# folder that you cloned (in JupyterLab: File, New, Terminal; then `cd ..` if you started it in `lessons`):
#
#     .venv/bin/python -m lessons.exercises start 6
#     .venv/bin/python -m lessons.exercises check ex06.py
#
# The first writes `ex06.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 6.1` in place of `check` gives a hint.
