# %% [markdown]
# # 7. Measuring one-shot accuracy honestly
#
# *Koch, Zemel & Salakhutdinov (2015), sections 4.2 and 4.3, tables 1 and 2. About 20 minutes.*
#
# A network answers trials, and an accuracy comes out. Nothing in this course is easier to get wrong. A scorer that says
# the same of every picture can come out at 100 %, a query can find itself among the candidates, and the best of many
# runs looks better than any of them is.
#
# This lesson breaks the test in each of these ways, on purpose, and says how the library keeps from it. Then it
# measures how far 400 trials carry, and what a figure must say of itself before it may be compared with another.

# %%
import lesson
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from minisiamese.data.affine import draw_distortions
from minisiamese.data.dataset import hold_out
from minisiamese.data.omniglot import load_runs
from minisiamese.data.samplers import Pairs
from minisiamese.data.views import Views
from minisiamese.evaluate.baselines import modified_hausdorff, nearest_neighbour
from minisiamese.evaluate.protocols import verification
from minisiamese.evaluate.scoring import best_threshold, network_scorer
from minisiamese.layers import sigmoid
from minisiamese.plots import against_ways
from minisiamese.runs.folder import load_run
from minisiamese.trials import Trials, accuracy_by_way, credits, lake_trials, nway_trials, rate, wilson

# %% [markdown]
# The network is the one that comes with the package, trained on 25 of the 30 background alphabets. The other five were
# held out, and all but the last figure below are of these five. (They are not quite untouched: which of its weights to
# keep, those of step 1,100, was decided by them. Further down you see how much such a choice can flatter. Without
# Omniglot, glyphs stand in, which the network has never seen; figures then differ from what the text says.)

# %%
network, trained, meta = load_run("pretrained")
scorer = network_scorer(network)  # one view of each image; with 16 it is a little better, and 16 times slower
alphabets = trained.data.validation_alphabets if lesson.DATA == "omniglot" else 2
_, held_out = hold_out(lesson.drawings("background"), alphabets)
sizes = [len(classes) for classes in held_out.classes_of_group]
print("held out:", ", ".join(f"{name} ({n})" for name, n in zip(held_out.group_names, sizes, strict=True)))

N = 5 if lesson.QUICK else 20
count = 40 if lesson.QUICK else 400
trials = nway_trials(held_out, N, 1, count, True, np.random.default_rng(1))
scores = trials.scores(scorer)
measured = rate(credits(scores, trials.target))
low, high = measured["interval"]
print(f"{N}-way one-shot, {count} trials: {measured['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}")

# %% [markdown]
# ## Ties
#
# The answer to a trial is $C(x) = \mathrm{argmax}_c\, p_c$. What if the highest value is there more than once?
# `np.argmax` takes the first. Programs that make trials like to put the right class first, too, and then a scorer that
# knows nothing, and returns a constant, is always right.
#
# A tie between $m$ classes, the target among them, is a draw between $m$, and the expectation of drawing lots is $1/m$.
# That is what `credits` gives: 1 if the target alone has the highest score, $1/m$ if it shares it, 0 otherwise. A
# constant earns $1/N$, no matter where the target is.


# %%
def credit_by_hand(scores, target):
    """What one trial earns, from its class scores (N,)."""
    highest = [c for c in range(len(scores)) if scores[c] == max(scores)]
    return 1 / len(highest) if target in highest else 0.0


rng = np.random.default_rng(0)
rough = rng.integers(0, 4, (count, N))  # scores with many ties
by_hand = [credit_by_hand(row, c) for row, c in zip(rough, trials.target, strict=True)]
np.testing.assert_allclose(credits(rough, trials.target), by_hand)

drawn = [(rough + rng.random(rough.shape) / 2).argmax(axis=1) == trials.target for _ in range(2000)]  # lots, often
np.testing.assert_allclose(np.mean(drawn), np.mean(by_hand), atol=0.01)
print(f"credits {np.mean(by_hand):.4f}; lots drawn 2,000 times {np.mean(drawn):.4f}")

# %% [markdown]
# Ties are no rarity. A probability $p = 1/(1 + e^{-s})$ that is kept in 16 bits is exactly 0 for all $s$ below $-17.3$,
# so that scores which differ well enough become equal. Below, three scorers are judged in four ways, all on the same
# trials with the target moved to the front.

# %%
own = np.take_along_axis(scores, trials.target[:, None], axis=1)
others = scores[np.arange(N) != trials.target[:, None]].reshape(count, N - 1)
in_front = np.concatenate([own, others], axis=1)  # the target is class 0 of every trial
first = np.zeros(count, int)
scorers = {
    "a constant": np.zeros_like(in_front),
    "the network, $p$ in 16 bits": sigmoid(in_front.astype(float)).astype(np.float16),
    "the network, its score $s$": in_front,
}
ways = {
    "argmax, target first": lambda s: s.argmax(axis=1) == 0,
    "argmax, target last": lambda s: s[:, ::-1].argmax(axis=1) == N - 1,
    "right if none is higher": lambda s: s[:, 0] == s.max(axis=1),
    "credits": lambda s: credits(s, first),
}
figure, ax = plt.subplots(figsize=(9, 3.4))
for place, (way, judge) in enumerate(ways.items()):
    accuracies = [100 * np.mean(judge(s)) for s in scorers.values()]
    bars = ax.bar(np.arange(3) + 0.2 * place - 0.3, accuracies, 0.19, label=way)
    ax.bar_label(bars, fmt="%.1f", fontsize=7)
ax.axhline(100 / N, color="black", linestyle=":", linewidth=1)
ax.set(xticks=range(3), xticklabels=scorers, ylabel="accuracy (%)", ylim=(0, 135))
ax.legend(ncols=4, fontsize=8, loc="upper center")
lesson.show(
    figure, "A constant gets anything from 0 to 100 %, by how ties are judged; only credits give it chance, 1/N."
)

# %% [markdown]
# ## Trials that leak
#
# A trial is meant to ask whether a *character* is known again, by another hand. It asks something else as soon as query
# and target share more than the character. Four kinds of trials, of the same queries:
#
# - **clean**: as `nway_trials` makes them. The support is by one person, the query by another;
# - **the query itself** stands in the support. It happens when both are drawn at random from a class's images;
# - **a copy of the query**, distorted, stands there. It happens when images are augmented first and divided afterwards.
#   It is also the nearest thing to a person who drew the same character twice, which Omniglot does not have;
# - **the wrong ones by the query's hand**: all candidates but the target are by the person who drew the query. This
#   leak goes the other way, since pen and size now speak for the wrong ones.

# %%
with_copies = np.concatenate([trials.images, trials.images[trials.query]])
matrices = draw_distortions(np.random.default_rng(2), count)
copies = Views(trials.images, trials.images.shape[1])(trials.query, matrices)
with_copies[-count:] = np.where(copies > 0.5, 255, 0)


def with_target(rows):
    """The trials, with other rows of the images as the target's drawings."""
    support = trials.support.copy()
    support[np.arange(count), trials.target, 0] = rows
    return Trials(with_copies, trials.query, support, trials.target)


by_query = trials.query.reshape(-1, N)[np.arange(count) // N][:, :, None]  # what the query's person drew, by class
by_query[np.arange(count), trials.target] = trials.support[np.arange(count), trials.target]
kinds = {
    "clean": trials,
    "the query itself": with_target(trials.query),
    "a distorted copy": with_target(len(trials.images) + np.arange(count)),
    "wrong ones by\nthe query's hand": Trials(trials.images, trials.query, by_query, trials.target),
}
figure, ax = plt.subplots(figsize=(9, 3.4))
for place, (name, each) in enumerate({"nearest neighbour": nearest_neighbour, "network": scorer}.items()):
    results = [rate(credits(kind.scores(each), kind.target)) for kind in kinds.values()]
    accuracies = np.array([result["accuracy"] for result in results])
    errors = np.abs(np.array([result["interval"] for result in results]) - accuracies[:, None]).T
    bars = ax.bar(np.arange(4) + 0.4 * place - 0.2, 100 * accuracies, 0.38, yerr=100 * errors, capsize=3, label=name)
    ax.bar_label(bars, fmt="%.1f", fontsize=8, padding=2)
ax.axhline(100 / N, color="black", linestyle=":", linewidth=1)
ax.set(xticks=range(4), xticklabels=kinds, ylabel=f"{N}-way accuracy (%)", ylim=(0, 135))
ax.legend(ncols=2, loc="upper center")
lesson.show(
    figure,
    "A leak takes nearest neighbour from 17 % to 88 or 100 %, without its knowing more; bars have 95 % intervals.",
)

# %% [markdown]
# Nearest neighbour knows as little as before, and with a distorted copy in the support it comes near the network's
# clean figure. Who drew what matters even where no picture is there twice: with all wrong candidates by the query's own
# hand, the network had 83.8 % where the clean trials gave 90.5 %. `nway_trials` therefore draws $K + 1$ different
# people for each run, $K$ for the support and the last for the queries.
#
# The worst leak is not in the trials but in how often they are used. Whoever tries many methods, or looks at many
# checkpoints of one, and reports the one that does best *on the test* has used the test to choose, and has chosen luck
# as well as skill. Let 50 methods all have a true accuracy of 90 %. Each one's accuracy over $T$ trials is
# $\hat p \approx N(p, \sigma^2)$ with $\sigma = \sqrt{p (1 - p) / T}$. All 50 are below $x$ with probability
# $\Phi\big(\tfrac{x - p}{\sigma}\big)^{50}$, with $\Phi$ the normal distribution function, which is one half at
#
# $$x = p + \sigma\, \Phi^{-1}\big(2^{-1/50}\big) = p + 2.2\, \sigma .$$

# %%
rng, p = np.random.default_rng(0), 0.9
repeats = 1000 if lesson.QUICK else 20_000
figure, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
for ax, T in zip(axes, (320, 400), strict=True):
    measured = rng.binomial(T, p, (repeats, 50)) / T
    best = measured.max(axis=1)
    predicted = p + np.sqrt(p * (1 - p) / T) * ndtri(0.5 ** (1 / 50))
    edges = (np.arange(round(0.84 * T), round(0.97 * T), 2) - 0.5) / T
    ax.hist(100 * measured[:, 0], 100 * edges, alpha=0.6, density=True, label="one method")
    ax.hist(100 * best, 100 * edges, alpha=0.6, density=True, label="the best of 50")
    ax.axvline(100 * p, color="black", linestyle=":", label="the truth, for all")
    ax.set(xlabel=f"accuracy over {T} trials (%)", title=f"T = {T}")
    print(f"T = {T}: best of 50, mean {best.mean():.2%}, median {np.median(best):.2%}, predicted {predicted:.2%}")
axes[0].set_ylabel("density (1 / %)")
axes[1].legend()
lesson.show(figure, "Fifty equally good methods: the best of them looks three to four points better than it is.")

# %% [markdown]
# Checkpoints of one run resemble each other, so that the best of 50 gains less than that; it still gains. The cure is
# not to look less often but to choose on other drawings. Here it is always alphabets held out of the *background* set,
# and the evaluation alphabets are opened once the choice is made. The paper chooses on ten alphabets and four people
# that its test does not use.
#
# ## Intervals
#
# An accuracy $\hat p$ over $T$ trials stands for an accuracy $p$ that it misses by chance. If the trials are
# independent, $\hat p$ has mean $p$ and standard deviation $\sqrt{p (1 - p) / T}$. The usual interval puts $\hat p$ for
# $p$ under the root, $\hat p \pm z \sqrt{\hat p (1 - \hat p) / T}$ with $z = 1.96$ (*Wald's*). At $\hat p = 1$ it has
# no width at all: 20 right of 20, and it claims certainty. **Wilson's** keeps to what was said of $p$: the interval
# holds every $p$ that does not lie further from $\hat p$ than $z$ of *its own* standard deviations. Its ends solve
#
# $$|p - \hat p| = z \sqrt{\frac{p (1 - p)}{T}} \quad\Longleftrightarrow\quad
# p^2 \Big(1 + \frac{z^2}{T}\Big) - p \Big(2 \hat p + \frac{z^2}{T}\Big) + \hat p^2 = 0 ,$$
#
# $$p = \frac{1}{1 + z^2 / T} \left( \hat p + \frac{z^2}{2 T}
# \pm z \sqrt{\frac{\hat p (1 - \hat p)}{T} + \frac{z^2}{4 T^2}} \right) .$$

# %%
z = ndtri(0.975)


def wilson_by_search(p_hat, T):
    """Both ends, found as the roots of |p - p_hat| - z sqrt(p (1 - p) / T)."""

    def excess(p):
        return abs(p - p_hat) - z * np.sqrt(p * (1 - p) / T)

    return brentq(excess, 1e-9, p_hat, xtol=1e-14), brentq(excess, p_hat, 1 - 1e-9, xtol=1e-14)


for p_hat, T in ((0.92, 400), (0.5, 10), (0.99, 100), (0.05, 40)):
    np.testing.assert_allclose(wilson(p_hat, T), wilson_by_search(p_hat, T), rtol=1e-6)
for right, T in ((368, 400), (20, 20)):
    p_hat = right / T
    low, high = wilson(p_hat, T)
    half = z * np.sqrt(p_hat * (1 - p_hat) / T)
    print(f"{right} of {T}: Wilson {low:.1%} to {high:.1%}, Wald {p_hat - half:.1%} to {p_hat + half:.1%}")

# %% [markdown]
# A 95 % interval is a promise: whatever $p$ is, 95 of 100 such intervals hold it. It can be tested by drawing many
# results for a known $p$.


# %%
def coverage(p, T, rng, repeats):
    """The shares of Wilson's and of Wald's intervals that hold p."""
    p_hat = rng.binomial(T, p, repeats) / T
    values, place = np.unique(p_hat, return_inverse=True)
    half = z * np.sqrt(values * (1 - values) / T)
    ends = np.array([wilson(value, T) for value in values])
    by_wilson = (ends[:, 0] <= p) & (p <= ends[:, 1])
    return by_wilson[place].mean(), (abs(values - p) <= half)[place].mean()


rng = np.random.default_rng(0)
truth = np.linspace(0.8, 0.998, 12 if lesson.QUICK else 67)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for ax, T in zip(axes[:2], (40, 400), strict=True):
    covered = np.array([coverage(p, T, rng, 500 if lesson.QUICK else 20_000) for p in truth])
    ax.plot(100 * truth, 100 * covered[:, 1], color="tab:red", label="Wald")
    ax.plot(100 * truth, 100 * covered[:, 0], color="tab:blue", label="Wilson")
    ax.axhline(95, color="black", linestyle=":")
    ax.set(xlabel="true accuracy (%)", ylabel="intervals that hold it (%)", ylim=(45, 101), title=f"T = {T}")
    ax.legend()
T = np.unique(np.geomspace(20, 20_000, 60).astype(int))
for p in (0.5, 0.92, 0.98):
    width = [np.diff(wilson(p, t))[0] for t in T]
    axes[2].loglog(T, 100 * np.array(width), label=f"accuracy {p:.0%}")
axes[2].axvline(400, color="black", linestyle=":", label="400 trials")
axes[2].set(
    xlabel="trials $T$", ylabel="width of Wilson's interval (points)", title="1 / 4 of the width: 16 times the trials"
)
axes[2].legend(fontsize=8)
lesson.show(
    figure, "Left and middle: near 100 % Wald's interval misses the truth far too often, Wilson's keeps close to 95 %."
)

# %% [markdown]
# The paper's 92 % on 400 trials is 88.9 to 94.3 %. Can that be told from the 95.5 % of people? The difference of two
# measured accuracies has the variance $p_1 (1 - p_1) / T + p_2 (1 - p_2) / T$. To see it beyond $z = 1.96$ of its
# standard deviations with probability 80 %, it must be as large as $1.96 + 0.84$ of them:
#
# $$T = \Big(\frac{1.96 + 0.84}{p_2 - p_1}\Big)^2 \big(p_1 (1 - p_1) + p_2 (1 - p_2)\big) .$$

# %%
for p1, p2 in ((0.92, 0.955), (0.92, 0.94), (0.97, 0.98)):
    variance = p1 * (1 - p1) + p2 * (1 - p2)
    T = ((ndtri(0.975) + ndtri(0.8)) / (p2 - p1)) ** 2 * variance
    seen = ndtr((p2 - p1) / np.sqrt(variance / 400) - z)
    print(f"{p1:.1%} from {p2:.1%}: {T:.0f} trials each; with 400 the difference is seen {seen:.0%} of the time")

p1, p2 = rng.binomial(750, 0.92, 20_000) / 750, rng.binomial(750, 0.955, 20_000) / 750
seen = (p2 - p1 > z * np.sqrt((p1 * (1 - p1) + p2 * (1 - p2)) / 750)).mean()
print(f"by simulation, 750 trials each: seen {seen:.1%} of the time")
assert abs(seen - 0.8) < 0.03

# %% [markdown]
# So 400 trials are few: the five points between 92 and 97 % show, two points do not. (Two methods on the *same* trials
# can be compared trial by trial, which takes fewer. Random seeds of one method add a scatter of their own; hence four
# seeds in the README.)
#
# **Trials are not quite independent.** Twenty of them share one support, and one alphabet: a run of similar characters
# costs several answers at once. It can be measured. If trials were independent, the accuracies of runs of 20 would
# have the variance $p (1 - p) / 20$; what they have beyond that makes intervals too narrow.

# %%
many = nway_trials(held_out, N, 1, N * (10 if lesson.QUICK else 50), True, np.random.default_rng(3))
many_scores = many.scores(scorer)
earned = credits(many_scores, many.target)
by_run = earned.reshape(-1, N).mean(axis=1)
p, runs = earned.mean(), len(by_run)
ratio = by_run.var(ddof=1) / (p * (1 - p) / N)
half = z * by_run.std(ddof=1) / np.sqrt(runs)
low, high = wilson(p, len(earned))
print(
    f"{len(earned)} trials in {runs} runs: {p:.1%}; variance of the runs over that of independent trials: {ratio:.2f}"
)
print(f"interval as if independent {low:.1%} to {high:.1%}; from the runs {p - half:.1%} to {p + half:.1%}")

# %% [markdown]
# In this run the ratio is 1.16, and from 50 runs it is known to about $\pm 0.2$ (one standard error): trials that
# share a support are not much worse than independent ones here, and Wilson's interval will do. If alphabets
# differed more in difficulty, it would not.
#
# ## Within alphabets or across, and how many classes
#
# Two more things change the figure by more than most methods do. Classes **within** one alphabet share strokes and
# style; drawn **across** all alphabets they are far easier to tell apart. Lake's trials are within, many published
# others are across. And fewer classes are easier: $N$ is part of the result.
#
# `accuracy_by_way` gets all smaller $N$ from the scores of one set of trials, by leaving out candidates.

# %%
across = nway_trials(held_out, N, 1, count, False, np.random.default_rng(1))
across_scores = across.scores(scorer)
lines = {
    "network, across alphabets": accuracy_by_way(across_scores, across.target),
    "network, within": accuracy_by_way(scores, trials.target),
}
for name, kind in (("across", across), ("within", trials)):
    lines[f"Hausdorff distance, {name}"] = accuracy_by_way(kind.scores(modified_hausdorff), kind.target)
for name, kind in (("across", across), ("within", trials)):
    lines[f"nearest neighbour, {name}"] = accuracy_by_way(kind.scores(nearest_neighbour), kind.target)
for name, rates in lines.items():
    print(f"{name:<28}" + "  ".join(f"N = {n}: {rates[n]['accuracy']:.1%}" for n in sorted({2, 5, N})))


# %% [markdown]
# With $K$ drawings of each class in the support, a trial is *N-way K-shot*. A class's score is the mean over its $K$
# drawings, all by other people than the query's.

# %%
shots = {}
for K in (1, 2) if lesson.QUICK else (1, 2, 5):
    some = nway_trials(held_out, N, K, count, True, np.random.default_rng(1))
    shots[f"{K}-shot"] = accuracy_by_way(some.scores(scorer), some.target)
    assert some.support.shape == (count, N, K)
    assert not (some.support == some.query[:, None, None]).any()  # no query in a support
print({name: f"{rates[N]['accuracy']:.1%}" for name, rates in shots.items()})

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=[3, 2])
against_ways(axes[0], lines)
axes[0].legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
against_ways(axes[1], shots)
axes[1].set(ylim=(0 if lesson.QUICK else 80, 100.5), title="the network within alphabets, K-shot")
axes[1].legend(handles=axes[1].lines[:-1], loc="lower left")
lesson.show(
    figure,
    "Accuracy falls with N on every line; within alphabets the network and the Hausdorff distance lie lower than "
    "across; of 20 classes, more shots help.",
)

# %% [markdown]
# ## Same or different: the threshold
#
# Verification (section 4.2) has a number to be chosen, the score from which on a pair is called the same. Chosen on the
# test pairs themselves, it fits their chance as well. The library chooses it on pairs of other alphabets. Here some of
# the held-out alphabets give the threshold and the others the test.

# %%
groups = np.arange(len(held_out.group_names))
known, tested = held_out.take_groups(groups[: len(groups) // 2]), held_out.take_groups(groups[len(groups) // 2 :])


def pairs_of(dataset, count, rng):
    """Scores (count,) of balanced pairs within alphabets, and which are the same."""
    batch = Pairs(dataset, count, 1.0).draw_evenly(rng)
    return batch, lambda scorer: scorer(dataset.images[batch.rows], batch.pairs), batch.same


P = 40 if lesson.QUICK else 600
found = {}
for name, dataset in (("other alphabets", known), ("the test itself", tested)):
    batch, score, same = pairs_of(dataset, P, np.random.default_rng(4))
    found[name] = score(scorer), same
    candidates = found[name][0] - 1e-4  # a threshold just below each score: there is no other that parts the pairs
    most = max(((found[name][0] > threshold) == same).mean() for threshold in candidates)
    chosen = ((found[name][0] > best_threshold(*found[name])) == same).mean()
    np.testing.assert_allclose(chosen, most)

s, same = found["the test itself"]
for name, (values, truth) in found.items():
    threshold = best_threshold(values, truth)
    result = rate(((s > threshold) == same).astype(float))
    low, high = result["interval"]
    accuracy = f"{result['accuracy']:.2%}, 95 % interval {low:.1%} to {high:.1%}"
    print(f"threshold of {name}: {threshold:.2f}; on the test {accuracy}")

# %% [markdown]
# The threshold of the test itself is never worse on that test: it is the best there is. On hundreds of pairs the
# difference is small. On few pairs it is not, as drawing some of them again and again shows: how much better does a
# threshold look on the few pairs that it was chosen on than the threshold of all pairs does?


# %%
def flattered(scores, same, count, repeats=300):
    """Mean gain of the threshold chosen on count test pairs over the one that is best for all of them."""
    rng, fixed, gains = np.random.default_rng(6), best_threshold(scores, same), []
    for _ in range(repeats):
        some = rng.choice(len(same), count, replace=False)
        s, y = scores[some], same[some]
        gains.append(((s > best_threshold(s, y)) == y).mean() - ((s > fixed) == y).mean())
    return np.mean(gains)


for few in (20,) if lesson.QUICK else (20, 100, 300):
    print(f"chosen on {few} pairs: {100 * flattered(s, same, few):.1f} points better there than the threshold of all")

# %% [markdown]
# `verification` does the same in one call. On nearest neighbour, which is quick, it is checked against the steps above.

# %%
rng = np.random.default_rng(5)
_, test_score, test_same = pairs_of(tested, P, rng)
_, known_score, known_same = pairs_of(known, P, rng)
threshold = best_threshold(known_score(nearest_neighbour), known_same)
by_hand = ((test_score(nearest_neighbour) > threshold) == test_same).mean()
result = verification(tested, known, nearest_neighbour, {}, P, True, np.random.default_rng(5))
np.testing.assert_allclose(result["accuracy"], by_hand)
print(f"nearest neighbour, verification: {by_hand:.1%} of {P} pairs")


# %% [markdown]
# ## What published figures were measured on
#
# Two figures may be compared if the trials, the pictures trained on and the way of choosing were the same. Few are:
#
# | figure | measured on |
# |---|---|
# | people 95.5 %, program learning 96.7 % (Lake et al.) | Lake's 400 trials: 20-way, within ten evaluation alphabets |
# | convolutional 86.5 %, prototypical network 86.3 % | the same, trained on the 30 background alphabets |
# | modified Hausdorff distance 61.2 % | the same, not trained at all |
# | Koch's 92.0 %, attentive comparators 97.75 % | the same, with many distorted pictures, or on more alphabets |
# | Koch's 93.42 % (table 1) | same or different, pairs of ten evaluation alphabets by four people |
# | 88.67 % of a MATLAB example | same or different, 750 pairs of *any* evaluation alphabets, which is easier |
# | 81 % of slides on Koch's network | 20-way, on trials of their own |
# | re-implementations of Koch's network, 50 to 89.5 % | each on trials of its own |
# | 70.3 % (table 3) | 10-way on MNIST's digits |
#
# Most of the later literature divides Omniglot in yet another way: characters of all alphabets are mixed before they
# are divided, so that it trains on alphabets that Lake's test uses, and its trials are across. Its figures belong to
# another task.
#
# ## Lake's test, once
#
# At the end the packaged network takes the official test. It is fixed, and nothing is chosen by what comes out. A score
# is the mean over 16 views of both pictures, the number that its settings name.

# %%
if lesson.DATA == "omniglot" and not lesson.QUICK:
    official = lake_trials(load_runs())
    earned = credits(official.scores(network_scorer(network, views=16)), official.target)
    by_run, result = earned.reshape(20, 20).mean(axis=1), rate(earned)
    low, high = (100 * end for end in result["interval"])
    print(
        f"Lake's test: {result['accuracy']:.2%} of {result['trials']} trials, 95 % interval {low:.1f} to {high:.1f} %"
    )

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=[3, 2])
    axes[0].bar(np.arange(1, 21), 100 * by_run, color="tab:blue")
    axes[0].set(xlabel="run", ylabel="right, of 20 trials (%)", ylim=(80, 100.5), xticks=range(1, 21))
    axes[1].errorbar(
        0, 100 * earned.mean(), [[100 * earned.mean() - low], [high - 100 * earned.mean()]], fmt="o", capsize=5
    )
    for name, accuracy in {
        "program learning": 96.7,
        "people": 95.5,
        "Koch's network": 92.0,
        "plain network": 86.5,
    }.items():
        axes[1].axhline(accuracy, color="gray", linestyle=":")
        axes[1].text(1.45, accuracy + 0.2, name, fontsize=8, ha="right")
    axes[1].set(
        xticks=[0], xticklabels=["the packaged network"], xlim=(-0.5, 1.5), ylim=(80, 100.5), ylabel="accuracy (%)"
    )
    lesson.show(
        figure,
        "Left: the runs one by one. Right: the accuracy with its 95 % interval; dotted, published figures on the same "
        "trials.",
    )

# %% [markdown]
# It is the 98.50 % of seed 0 in the README: 394 of 400 are right, and the interval is 96.8 to 99.3 %. That is above
# Koch's 92.0 % and people's 95.5 %, and program learning's 96.7 % lies just outside. But seed 0 is the highest of four;
# the others had 97.00, 98.25 and 97.50 %. What to expect of a new training is their mean, 97.81 %, and its interval,
# that of 400 trials, is 95.9 to 98.9 %: it holds program learning's figure. And the network's 90.5 % above is no
# contradiction. Those are other alphabets, other trials, and one view.
#
# ## What to try
#
# - Take two sets of `nway_trials` with other seeds, and compare two methods on the same set and on different ones. Of
#   how many trials is the difference certain when you count only those that one gets right and the other wrong?
# - Let the support be by many people, another one for each class. Is the test harder or easier? Say first what you
#   expect.
# - Choose among ten settings of something (the width of a blur before nearest neighbour, say) on 100 trials of some
#   held-out alphabets, and measure the chosen one on others. How much of its lead is left?
#
# **Exercise 7** asks for credits with ties, Wilson's interval, and trials that leak nothing; and it has seven
# evaluators that measure too well, each by a mistake that was made in earnest, for you to repair. In a terminal, in the
# folder that you cloned:
#
#     .venv/bin/python -m lessons.exercises start 7
#     .venv/bin/python -m lessons.exercises check ex07.py
#
# The first writes `ex07.py` with empty functions; the second tries what you put there, and says of a wrong answer
# where it differs. `hint 7.1` in place of `check` gives a hint.
