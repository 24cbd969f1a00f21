"""Exercise 11: evaluators with the field's own mistakes, to be repaired."""

import numpy as np
from numpy import inf, nan

from lessons.exercises.cases import calls, named, normal
from lessons.exercises.chance import RNG, evenly, evenly_after, from_rng
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.layers import BatchNorm, Flatten, Linear, ReLU, Sequential

GIVES = """
import numpy as np
"""

REPAIR = "Repair the body below: it runs, and its result is not what is said here."


def stacked(values):
    """Arrays of one shape one below the other; or the first that is something else, as it is."""
    odd = [
        each for each in values if not isinstance(each, (np.ndarray, np.generic)) or each.shape != np.shape(values[0])
    ]
    return odd[0] if odd else np.stack(values)


# --- 11.1 -------------------------------------------------------------------------------------------------------------


class Network(Sequential):
    """A linear map and batch norm that counts the images it is given, and keeps nothing for a backward: who embeds in
    training is told of the embeddings, and not of a second forward."""

    def __init__(self, seed, pixels, features, dtype=float):
        rng = np.random.default_rng(seed)
        norm = BatchNorm(features)
        super().__init__(Flatten(), Linear(pixels, features, rng), norm)
        norm.buffers |= {"mean": rng.normal(size=features), "var": 1 + rng.random(features)}
        self.astype(dtype)
        for _, layer in self.walk():
            layer.keep = lambda *values: None
        self.counts = []

    def forward(self, x, train=True):
        self.counts.append(len(x))
        return super().forward(x, train)


def _arrays_of(network):
    """{name: array} of what belongs to a network, as it is after a test."""
    names = {"W": "weights", "b": "biases", "mean": "stored mean", "var": "stored variance"}
    return {
        f"the network's {names.get(key.rpartition('.')[2], key)} of layer {key.partition('.')[0]}": array
        for key, array in network.arrays().items()
    }


def _trained(dtype=float):
    """A network of the library whose batch norms have seen some training."""
    rng = np.random.default_rng(0)
    network = Sequential(Linear(6, 5, rng), BatchNorm(5), ReLU(), Linear(5, 3, rng), BatchNorm(3)).astype(dtype)
    for seed in range(3):
        network.forward((1 + 2 * normal(seed, 20, 6)).astype(dtype))
        network.forget()
    return network


def _embedded(rule, M, size=None, features=4, title="embed_for_test", change=lambda a: a):
    """The embeddings of M images of 2 x 3 pixels, and the network as it is after it."""
    images = change(normal(M, M, 2, 3, 1))
    batch = {} if size is None else {"batch": size}

    def run(answer):
        network = Network(M, 6, features, images.dtype)
        given = images.copy()
        found = {"embeddings": answer.embed_for_test(network, given, **batch), "images as it was": given}
        return found | _arrays_of(network)

    return Case(
        title,
        run,
        rule,
        tolerance=2e-5 if images.dtype == np.float32 else 1e-7,
        shown=lambda: {"images": images} | batch,
    )


def _alone(answer):
    images = normal(1, 7, 2, 3, 1)
    network = Network(1, 6, 4)
    return {
        "embedding of an image among six others": named(answer.embed_for_test(network, images), ["z"])["z"][2:3],
        "embedding of it alone": answer.embed_for_test(network, images[2:3]),
        "embedding of it with a copy of itself": answer.embed_for_test(network, images[[2, 2]]),
    }


def _small(answer):
    network = Network(3, 1, 2)
    return {"embeddings": answer.embed_for_test(network, np.array([1.0, 2, 4]).reshape(3, 1, 1, 1), 2)}


def _in_batches(M, size=None):
    def run(answer):
        network = Network(0, 6, 4)
        batch = {} if size is None else {"batch": size}
        z = answer.embed_for_test(network, normal(0, M, 2, 3, 1), **batch)
        return {"z": z, "most": max(network.counts, default=0), "all": sum(network.counts)}

    def holds(values):
        most = 64 if size is None else size
        return {
            f"at most {most} of {M} images go through the network at once": values["most"] <= most,
            "each image goes through the network once": values["all"] == M,
        }

    return Case("embed_for_test", run, "batch", shown=lambda: {"images": np.zeros((M, 2, 3, 1)), "batch": size or 64},
                holds=holds, compared=("z",))  # fmt: skip


def _library(M, dtype=float):
    def run(answer):
        network = _trained(dtype)
        z = answer.embed_for_test(network, normal(M, M, 6).astype(dtype), 4)
        return {"embeddings": z} | _arrays_of(network)

    return Case(
        "embed_for_test with two layers of batch norm", run, "state", tolerance=1e-7 if dtype is float else 2e-5
    )


EMBED = Task(
    of=".repairs: embed_for_test",
    parts=1,
    docs={
        "embed_for_test": Doc(
            f"""Embeddings of the images of a test.

            images (M, H, W, C), M >= 1, of floats; network is one of this library's, a Layer of minisiamese.layers,
            and its forward gives the embeddings (n, E) of n images. It has batch norm: in training that goes by the
            mean and the variance of the images that go through together, and lets stored ones follow them; otherwise it
            goes by the stored ones. Returns (M, E), in the order of the images. {REPAIR}""",
            {
                "alone": "The embedding of an image is what the network gives for it alone, by the stored statistics: "
                "it does not depend on what else is in the test.",
                "state": "The network is afterwards as it was before: neither its stored statistics nor its parameters "
                "have changed.",
                "batch": "At most ``batch`` images go through the network at once, and each goes through it once.",
            },
        )
    },
    begin={
        "embed_for_test": """
            parts = [images[start : start + batch] for start in range(0, len(images), batch)]
            return np.concatenate([network.forward(part) for part in parts])
        """
    },
    cases=[
        Case("embed_for_test", _small, "alone",
             shown=lambda: {"images": np.array([1.0, 2, 4]).reshape(3, 1, 1, 1), "batch": 2}),
        _embedded("alone", 2),
        _embedded("alone", 5, 2),
        _embedded("alone", 6, 3, 2),
        _embedded("state", 70, features=3),
        _embedded("state", 9, 100),
        _embedded("dtype", 5, 2, title="embed_for_test, in float32", change=lambda a: a.astype(np.float32)),
        _embedded("layout", 5, 2, title="embed_for_test, of a part of a larger array",
                  change=lambda a: np.repeat(a, 2, axis=0)[::2]),
        Case("embed_for_test of one image, in company and alone", _alone, "alone"),
        _in_batches(7, 3),
        _in_batches(4, 1),
        _in_batches(130),
        _library(11),
        _library(8, np.float32),
    ],
    mistakes=[
        Mistake("batch norm takes mean and variance of the images that are in the same batch", "part, train=False)",
                "part, train=True)"),
        Mistake("batch norm takes mean and variance of all images of the test", code="""
            def embed_for_test(network, images, batch=64):
                return network.forward(images)
        """),
        Mistake("each image goes through batch norm in training by itself, so that nothing is left of it", code="""
            def embed_for_test(network, images, batch=64):
                return np.concatenate([network.forward(image[None]) for image in images])
        """),
        Mistake("the stored statistics first follow those of the test", code="""
            def embed_for_test(network, images, batch=64):
                network.forward(images)
                network.forget()
                parts = [images[start : start + batch] for start in range(0, len(images), batch)]
                return np.concatenate([network.forward(part, train=False) for part in parts])
        """),
        Mistake("the stored statistics first follow those of the test, batch by batch", code="""
            def embed_for_test(network, images, batch=64):
                parts = [images[start : start + batch] for start in range(0, len(images), batch)]
                for part in parts:
                    network.forward(part)
                    network.forget()
                return np.concatenate([network.forward(part, train=False) for part in parts])
        """),
        Mistake("batch norm takes mean and variance of the images that go through together, though the stored ones "
                "are in the end as they were", code="""
            def embed_for_test(network, images, batch=64):
                before, parts = {name: array.copy() for name, array in network.arrays().items()}, []
                for start in range(0, len(images), batch):
                    parts.append(network.forward(images[start : start + batch]))
                    network.forget()
                for name, array in network.arrays().items():
                    array[...] = before[name]
                return np.concatenate(parts)
        """),
        Mistake("batch norm takes mean and variance of the images that go through together", code="""
            def embed_for_test(network, images, batch=64):
                parts = []
                for start in range(0, len(images), batch):
                    parts.append(network.forward(images[start : start + batch]))
                    network.forget()
                return np.concatenate(parts)
        """),
        Mistake("all images go through the network at once", code="""
            def embed_for_test(network, images, batch=64):
                return network.forward(images, train=False)
        """),
        Mistake("64 images go through the network at once, whatever batch says",
                "start : start + batch] for start in range(0, len(images), batch)",
                "start : start + 64] for start in range(0, len(images), 64)"),
        Mistake("the last batch, which is smaller, is left out", "range(0, len(images), batch)",
                "range(0, max(len(images) - batch, 0) + 1, batch)"),
        Mistake("the embeddings are normalised by the mean and the variance of all images of the test",
                "return np.concatenate([network.forward(part, train=False) for part in parts])",
                "z = np.concatenate([network.forward(part, train=False) for part in parts])\n"
                "    return (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5).astype(z.dtype)"),
        Mistake("the mean of all embeddings of the test is taken away",
                "return np.concatenate([network.forward(part, train=False) for part in parts])",
                "z = np.concatenate([network.forward(part, train=False) for part in parts])\n"
                "    return z - z.mean(axis=0)"),
        Mistake("the images come in another order", "for part in parts]", "for part in parts[::-1]]"),
        Mistake("float32 becomes float64", "network.forward(part, train=False) for",
                "network.forward(part, train=False).astype(float) for"),
    ],
    variations=[
        Variation(
            "unit",
            "In the end each embedding is divided by its length, the root of the sum of its squares.",
            (("return np.concatenate([network.forward(part, train=False) for part in parts])",
              "z = np.concatenate([network.forward(part, train=False) for part in parts])\n"
              "    return z / np.sqrt((z * z).sum(axis=1, keepdims=True))"),),
        ),
        Variation(
            "turned",
            "The embeddings come in the reverse order of the images: the last image's first.",
            (("return np.concatenate([network.forward(part, train=False) for part in parts])",
              "return np.concatenate([network.forward(part, train=False) for part in parts])[::-1]"),),
        ),
    ],
    aliases={"embed_for_test": ("test_embeddings", "embed_all", "embeddings_of_test")},
)  # fmt: skip

# --- 11.2 -------------------------------------------------------------------------------------------------------------


def _pairs(*numbers):
    """Scores and truth values of validation and test."""
    names = "validation_scores", "validation_same", "test_scores", "test_same"
    return lambda: {
        name: np.array(each, bool if "same" in name else float) for name, each in zip(names, numbers, strict=True)
    }


def _drawn_pairs(seed, P, Q, kinds=1000):
    """Same pairs score higher than others on the whole; those of the test are all a little higher."""
    rng = np.random.default_rng(seed)
    same, test_same = rng.random(P) < 0.5, rng.random(Q) < 0.4
    scores, test_scores = rng.normal(size=P) + 1.5 * same, rng.normal(size=Q) + 1.5 * test_same + 0.7
    rounded = [np.round(each * kinds) / kinds for each in (scores, test_scores)]
    return _pairs(rounded[0], same, rounded[1], test_same)


def _as_good(rule, pairs):
    """A case that no other threshold has more of the validation's pairs right."""

    def run(answer):
        return named(answer.threshold_accuracy(*pairs().values()), ["threshold", "accuracy"])

    def holds(values):
        scores, same = list(pairs().values())[:2]
        found = np.sum((scores >= values["threshold"]) == same)
        best = max(np.sum((scores >= each) == same) for each in (*scores, inf))
        return {"no other threshold has more of the validation's pairs right": found == best}

    count = "how many values it returns (exactly)"
    return Case("threshold_accuracy", run, rule, shown=pairs, holds=holds, compared=(count,))


PAIRS = [
    ("chosen", _pairs([1, 2, 3], [0, 1, 1], [0, 2.5, 4, 5], [0, 0, 1, 1])),
    ("reported", _pairs([1, 4], [0, 1], [1, 3, 5, 7, 9], [1, 1, 0, 1, 1])),
    ("least", _pairs([3, 1, 4, 2], [1, 1, 1, 0], [2.5, 0.5, 1.5, 3.5], [1, 1, 0, 1])),
    ("edge", _pairs([1, 3, 3, 4], [0, 1, 1, 1], [3, 3, 2, 4], [1, 1, 0, 0])),
    ("none", _pairs([5, 4, 6], [0, 0, 0], [7, 1, 9], [1, 0, 1])),
    ("none", _pairs([1, 2, 3, 4, 5], [0, 1, 0, 0, 0], [0, 6], [1, 0])),
    ("least", _pairs([5, 4, 6], [1, 1, 1], [7, 1, 4.5, 3], [1, 0, 1, 1])),
    ("chosen", _pairs([-3, -1, -2, -5], [1, 1, 1, 0], [-4, -3, -2.5], [0, 1, 0])),
    ("edge", _pairs([2, 2, 2, 2, 1], [1, 1, 0, 1, 0], [2, 2, 1], [0, 1, 0])),
    ("edge", _pairs([0, 1, 1, 1, 1], [1, 0, 0, 1, 1], [0, 2, 0.5, 1], [1, 1, 0, 0])),
    ("chosen", _drawn_pairs(0, 60, 45)),
    ("reported", _drawn_pairs(1, 25, 200)),
    ("least", _drawn_pairs(2, 40, 30, 2)),
    ("edge", _drawn_pairs(3, 80, 50, 1)),
]

THRESHOLD = Task(
    of=".repairs: threshold_accuracy",
    parts=2,
    docs={
        "threshold_accuracy": Doc(
            f"""The threshold of verification, and the accuracy of a test with it.

            A pair is called the same if its score is the threshold or higher, and different if it is lower. Scores are
            float64, finite, and larger for more alike, and *same* are truth values: validation_scores and
            validation_same (P,), test_scores and test_same (Q,), P, Q >= 1. Returns (threshold, accuracy), two numbers.
            {REPAIR}""",
            {
                "chosen": "The threshold is one of the validation's scores, or infinity, with which most of the "
                "validation's pairs are called right. The test has no say in it.",
                "least": "Where several of them are equally good, it is the smallest.",
                "reported": "The accuracy is the share of the test's pairs that are called right with this threshold.",
                "edge": "A pair whose score is exactly the threshold is called the same.",
                "none": "If it is best to call all of the validation's pairs different, the threshold is infinity.",
            },
        )
    },
    begin={
        "threshold_accuracy": """
            best, threshold = 0.0, 0.0
            for candidate in np.append(np.unique(test_scores), np.inf):
                right = np.mean((test_scores >= candidate) == test_same)
                if right > best:
                    best, threshold = right, candidate
            return threshold, best
        """
    },
    cases=[
        *calls("threshold_accuracy", ["threshold", "accuracy"], PAIRS, floats=False),
        # an answer that fails here too is not told alone which of several thresholds that are as good is asked for
        *[_as_good("none" if rule == "none" else "chosen", pairs) for rule, pairs in PAIRS],
    ],
    mistakes=[
        Mistake("the threshold is chosen on the test", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                thresholds = np.append(np.unique(test_scores), np.inf)
                right = [np.sum((test_scores >= each) == test_same) for each in thresholds]
                threshold = thresholds[np.argmax(right)]
                return threshold, np.mean((test_scores >= threshold) == test_same)
        """),
        Mistake("the threshold is one of the validation's scores, but the one that is best on the test",
                "(validation_scores >= each) == validation_same", "(test_scores >= each) == test_same"),
        Mistake("the threshold is one of the test's scores, the one that is best on the validation",
                "np.unique(validation_scores)", "np.unique(test_scores)"),
        Mistake("scores of the test may be the threshold, too, where they are best on the validation",
                "np.append(np.unique(validation_scores), np.inf)",
                "np.append(np.unique(np.append(validation_scores, test_scores)), np.inf)"),
        Mistake("the threshold is chosen on the pairs of validation and test together", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                scores, same = np.append(validation_scores, test_scores), np.append(validation_same, test_same)
                thresholds = np.append(np.unique(scores), np.inf)
                right = [np.sum((scores >= each) == same) for each in thresholds]
                threshold = thresholds[np.argmax(right)]
                return threshold, np.mean((test_scores >= threshold) == test_same)
        """),
        Mistake("the accuracy is that of the validation", "np.mean((test_scores >= threshold) == test_same)",
                "np.mean((validation_scores >= threshold) == validation_same)"),
        Mistake("the accuracy is the best that any threshold has on the test",
                "np.mean((test_scores >= threshold) == test_same)",
                "max(np.mean((test_scores >= each) == test_same) for each in thresholds)"),
        Mistake("the accuracy is that of validation and test together",
                "np.mean((test_scores >= threshold) == test_same)",
                "np.mean(np.append((test_scores >= threshold) == test_same, (validation_scores >= threshold) == "
                "validation_same))"),
        Mistake("a pair whose score is the threshold is called different", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                thresholds = np.append(np.unique(validation_scores), np.inf)
                right = [np.sum((validation_scores > each) == validation_same) for each in thresholds]
                threshold = thresholds[np.argmax(right)]
                return threshold, np.mean((test_scores > threshold) == test_same)
        """),
        Mistake("a pair of the validation whose score is the threshold is called different",
                "(validation_scores >= each)", "(validation_scores > each)"),
        Mistake("equal scores are taken apart, as if the threshold could lie between them", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                order = np.argsort(validation_scores, kind="stable")
                scores, same = np.append(validation_scores[order], np.inf), validation_same[order]
                right = [np.sum(~same[:place]) + np.sum(same[place:]) for place in range(len(scores))]
                threshold = scores[np.argmax(right)]
                return threshold, np.mean((test_scores >= threshold) == test_same)
        """),
        Mistake("the smallest of the validation's scores is not tried",
                "np.append(np.unique(validation_scores), np.inf)",
                "np.append(np.unique(validation_scores)[1:], np.inf)"),
        Mistake("the threshold is the mean of the validation's scores", "thresholds[np.argmax(right)]",
                "validation_scores.mean()"),
        Mistake("same and different count the same, however many pairs there are of each", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                thresholds, same = np.append(np.unique(validation_scores), np.inf), validation_same
                called = validation_scores >= thresholds[:, None]
                good = [[np.mean(part) if len(part) else 1 for part in (each[same], ~each[~same])] for each in called]
                threshold = thresholds[np.argmax(np.sum(good, axis=1))]
                return threshold, np.mean((test_scores >= threshold) == test_same)
        """),
        Mistake("a pair of the test whose score is the threshold is called different", "(test_scores >= threshold)",
                "(test_scores > threshold)"),
        Mistake("of several that are equally good, the largest is taken", "thresholds[np.argmax(right)]",
                "thresholds[::-1][np.argmax(right[::-1])]"),
        Mistake("of several that are equally good, the first in the order of the pairs is taken",
                "np.unique(validation_scores)", "validation_scores"),
        Mistake("infinity is not tried", "np.append(np.unique(validation_scores), np.inf)",
                "np.unique(validation_scores)"),
        Mistake("minus infinity is tried, too", "np.append(np.unique(validation_scores), np.inf)",
                "np.concatenate([[-np.inf], np.unique(validation_scores), [np.inf]])"),
        Mistake("the threshold lies in the middle between two scores", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                known = np.unique(validation_scores)
                thresholds = np.concatenate([known[:1], (known[1:] + known[:-1]) / 2, [np.inf]])
                right = [np.sum((validation_scores >= each) == validation_same) for each in thresholds]
                threshold = thresholds[np.argmax(right)]
                return threshold, np.mean((test_scores >= threshold) == test_same)
        """),
        Mistake("scores below the threshold are called the same, as if they were distances", code="""
            def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
                thresholds = np.append(np.unique(validation_scores), np.inf)
                right = [np.sum((validation_scores <= each) == validation_same) for each in thresholds]
                threshold = thresholds[np.argmax(right)]
                return threshold, np.mean((test_scores <= threshold) == test_same)
        """),
        Mistake("the threshold is 0, whatever the scores", "thresholds[np.argmax(right)]", "0.0"),
        Mistake("only the pairs that are the same are counted", "== validation_same) for", "& validation_same) for"),
        Mistake("how many are right is returned, and not their share", "np.mean((test_scores",
                "np.sum(1.0 * (test_scores"),
        Mistake("accuracy and threshold are returned in the other order",
                "return threshold, np.mean((test_scores >= threshold) == test_same)",
                "return np.mean((test_scores >= threshold) == test_same), threshold"),
    ],
    variations=[
        Variation(
            "least",
            "Where several of them are equally good, it is the largest.",
            (("thresholds[np.argmax(right)]", "thresholds[::-1][np.argmax(right[::-1])]"),),
        ),
        Variation(
            "reported",
            "The second number is no accuracy but the error: the share of the test's pairs that are called wrong with "
            "this threshold.",
            (("np.mean((test_scores >= threshold) == test_same)", "np.mean((test_scores >= threshold) != test_same)"),),
        ),
    ],
    aliases={"threshold_accuracy": ("verify", "accuracy_at_threshold", "same_or_different")},
    swapped={"threshold_accuracy": 2},
)  # fmt: skip

# --- 11.3 -------------------------------------------------------------------------------------------------------------


def drawings(numbers, sizes, people):
    """labels and groups of alphabets with these numbers and so many characters each, drawn by so many people, in any
    order; two alphabets never have a label in common."""
    groups = np.repeat(np.repeat(numbers, sizes), people)
    labels = np.repeat(7 + 3 * np.arange(sum(sizes)), people)
    order = np.random.default_rng(len(labels)).permutation(len(labels))
    return labels[order], groups[order]


def _told(given, count):
    """How alphabets are shown to a student: as many arrays of drawings would not be."""
    labels, groups = given
    numbers = np.unique(groups)
    sizes = tuple(len(np.unique(labels[groups == number])) for number in numbers)
    called = "count" if isinstance(count, int) else "count from call to call"
    return {
        "drawings": len(labels),
        "the alphabets' numbers": tuple(numbers.tolist()),
        "characters of each": sizes,
        called: count,
    }


def _division(rule, title, about, given, count, draws):
    labels, groups = given

    def run(answer):
        here, rng = (labels.copy(), groups.copy()), np.random.default_rng(count)
        found = [answer.held_out(*here, count, rng) for _ in range(draws)]
        found = stacked(found) if draws > 1 else found[0]
        return {"the test's drawings": found, "labels as it was": here[0], "groups as it was": here[1]}

    def holds(values):
        return about(groups, np.atleast_2d(values["the test's drawings"] != 0))

    compared = "labels as it was", "groups as it was"
    return Case(title, run, rule, shown=lambda: _told(given, count), holds=holds, compared=compared)


def _count(given, counts, draws=1):
    """How many alphabets have a drawing that is True."""
    labels, groups = given

    def run(answer):
        rng, found = np.random.default_rng(0), []
        for count in counts:
            found += [answer.held_out(labels.copy(), groups.copy(), count, rng) for _ in range(draws)]
        kind = stacked(found)
        return {f"how many of the {len(np.unique(groups))} alphabets are the test's": _counted(kind, groups)}

    title = "held_out" if draws == 1 else f"held_out, {draws} times"
    return Case(title, run, "count", shown=lambda: _told(given, counts if len(counts) > 1 else counts[0]))


def _counted(chosen, groups):
    """Of each of several draws, if that can be said; else what is there instead."""
    if not isinstance(chosen, np.ndarray) or chosen.shape[1:] != groups.shape or chosen.dtype.kind not in "bi":
        return chosen
    return np.array([len(np.unique(groups[each != 0])) for each in chosen])


def _left_to_train(given, count):
    """How many drawings are False, where the alphabets of each of several data sets have equally many."""

    def run(answer):
        rng, found = np.random.default_rng(0), {}
        for number, (labels, groups) in enumerate(given, 1):
            found[number] = answer.held_out(labels.copy(), groups.copy(), count, rng)
        odd = [each for each, (_, groups) in zip(found.values(), given, strict=True) if not _is_choice(each, groups)]
        return {"drawings to train on": odd[0] if odd else np.array([np.sum(each == 0) for each in found.values()])}

    def shown():
        return {f"the alphabets' numbers of data set {n}": tuple(np.unique(each[1]).tolist())
                for n, each in enumerate(given, 1)} | {"count": count}  # fmt: skip

    return Case(f"held_out, of {len(given)} data sets", run, "count", shown=shown)


def _is_choice(found, groups):
    return isinstance(found, np.ndarray) and found.shape == groups.shape and found.dtype.kind in "bi"


def _whole(groups, chosen):
    shares = [chosen[:, groups == group].mean(axis=1) for group in np.unique(groups)]
    return {"all drawings of an alphabet are on one side": all(np.isin(share, (0, 1)).all() for share in shares)}


def _likely(groups, chosen):
    often = np.array([chosen[:, groups == group].any(axis=1).sum() for group in np.unique(groups)])
    reach = 5 * np.sqrt(often.mean()) + 1
    return {"each alphabet is the test's about equally often": np.all(np.abs(often - often.mean()) < reach)}


TINY, MIXED, MANY = (
    drawings([0, 1], [2, 1], 2),
    drawings([3, 11, -4, 9], [2, 5, 3, 4], 3),
    drawings(range(6), [1, 20, 2, 9, 3, 5], 2),
)
FAR = [drawings(100_003 + 7 * np.arange(number), [2] * number, 2) for number in (2, 3, 4)]

DIVIDE = Task(
    of=".repairs: held_out",
    parts=1,
    docs={
        "held_out": Doc(
            f"""Which drawings are the test's, where a network is to be tested on alphabets that it has never seen.

            labels (M,) are the characters and groups (M,) the alphabets of M drawings, in any order and of any whole
            numbers; each character belongs to one alphabet. Returns (M,) truth values: True for a drawing of the test,
            False for one to train on. {REPAIR}""",
            {
                "whole": "All drawings of an alphabet are on the same side: no alphabet is both trained on and tested.",
                "count": "The test has exactly ``count`` alphabets: all drawings of theirs are True, and all others "
                "False.",
                "likely": "All alphabets are equally likely to be the test's, however many characters they have.",
                "rng": RNG,
            },
        )
    },
    begin={
        "held_out": """
            characters = np.unique(labels)
            share = count / len(np.unique(groups))
            chosen = rng.choice(characters, round(share * len(characters)), replace=False)
            return np.isin(labels, chosen)
        """
    },
    cases=[
        _division("whole", "held_out", _whole, TINY, 1, 1),
        _division("whole", "held_out, a few times", _whole, TINY, 1, 8),
        _division("whole", "held_out, a few times", _whole, MIXED, 2, 30),
        _division("whole", "held_out, a few times", _whole, MANY, 4, 30),
        _count(TINY, (1,)),
        _count(MANY, (1, 2, 3, 4, 5)),
        _left_to_train(FAR, 1),
        _count(MIXED, (3,), 30),
        _count(MANY, (2,), 30),
        _count(TINY, (1,), 8),
        from_rng("held_out", lambda answer, rng: {
            "the test's drawings": stacked([answer.held_out(*(each.copy() for each in MANY), 3, rng) for _ in range(9)])
        }),
        _division("likely", "held_out, many times", _likely, MIXED, 1, 400),
        _division("likely", "held_out, many times", _likely, MANY, 2, 600),
    ],
    mistakes=[
        Mistake("characters are divided, so that an alphabet may be on both sides", code="""
            def held_out(labels, groups, count, rng):
                characters = np.unique(labels)
                share = count / len(np.unique(groups))
                return np.isin(labels, rng.choice(characters, round(share * len(characters)), replace=False))
        """),
        Mistake("drawings are divided, so that a character may be on both sides", code="""
            def held_out(labels, groups, count, rng):
                return rng.permutation(len(labels)) < len(labels) * count // len(np.unique(groups))
        """),
        Mistake("it is always the first alphabets that are tested",
                "rng.choice(np.unique(groups), count, replace=False)",
                "np.unique(groups)[:count]"),
        Mistake("it is always the last alphabets that are tested",
                "rng.choice(np.unique(groups), count, replace=False)",
                "np.unique(groups)[-count:]"),
        Mistake("an alphabet may be drawn more than once, so that the test has fewer", "count, replace=False", "count"),
        Mistake("an alphabet is the more likely the more drawings it has", code="""
            def held_out(labels, groups, count, rng):
                order = groups[rng.permutation(len(groups))]
                first = np.sort(np.unique(order, return_index=True)[1])[:count]
                return np.isin(groups, order[first])
        """),
        Mistake("the drawings to train on are True", "return np.isin(groups, alphabets)",
                "return ~np.isin(groups, alphabets)"),
        Mistake("alphabets are taken to be numbered 0, 1, 2 and so on", "np.unique(groups)", "len(np.unique(groups))"),
        Mistake("alphabets are taken to be numbered 0 to the largest number, without a gap", "np.unique(groups)",
                "groups.max() + 1"),
        Mistake("labels, not groups, are looked up among the alphabets that are drawn", "np.isin(groups,",
                "np.isin(labels,"),
        Mistake("there is an alphabet more than count", "count, replace=False)",
                "min(count + 1, len(np.unique(groups))), replace=False)"),
        Mistake("each alphabet is tested or not by a coin of its own", code="""
            def held_out(labels, groups, count, rng):
                alphabets = np.unique(groups)
                return np.isin(groups, alphabets[rng.random(len(alphabets)) < count / len(alphabets)])
        """),
        Mistake("the global np.random draws", "rng.choice(", "np.random.choice("),
        Mistake("rng is not used: an own generator is", "alphabets = ",
                "rng = np.random.default_rng(0)\n    alphabets = "),
        Mistake("groups, an argument, is shuffled", "alphabets = rng", "rng.shuffle(groups)\n    alphabets = rng"),
        Mistake("row numbers are returned, and not truth values", "return np.isin(groups, alphabets)",
                "return np.flatnonzero(np.isin(groups, alphabets))"),
    ],
    variations=[
        Variation(
            "count",
            "The test has all alphabets but ``count`` ones: all drawings of theirs are True, and those of exactly "
            "``count`` alphabets are False, to train on.",
            (("return np.isin(groups, alphabets)", "return ~np.isin(groups, alphabets)"),),
        ),
    ],
    aliases={"held_out": ("mask_of_test", "unseen_drawings", "set_aside")},
)  # fmt: skip

# --- 11.4 -------------------------------------------------------------------------------------------------------------


def _distances(*rows):
    return lambda: {"distances": np.array(rows, float)}


def _rough_distances(seed, T, N, kinds):
    return lambda: {"distances": np.random.default_rng(seed).integers(0, kinds, (T, N)).astype(float)}


ACCURACY = Task(
    of=".repairs: accuracy_of_trials",
    parts=1,
    docs={
        "accuracy_of_trials": Doc(
            f"""The accuracy of one-shot trials, from the query's distances to the N classes of each.

            distances (T, N), float64, finite or not a number, smaller for more alike; the query's own class stands in
            column 0 of every trial. Returns a number from 0 to 1. {REPAIR}""",
            {
                "nearest": "A trial is right if its own class is nearer than all others, and wrong if another is "
                "nearer.",
                "lots": "If m classes are equally near, and none is nearer, lots decide among them: the trial counts "
                "for the probability that its own class wins, 1/m if it is one of them. Nothing is drawn at random. "
                "So a network that gives all images the same embedding, so that all distances are equal, has 1/N.",
                "equal": "Distances are equally near if they are equal, and not if they are close: 1e-9 apart is "
                "not equal.",
                "nan": "A trial with a distance that is not a number (NaN), whichever class has it, is wrong.",
            },
        )
    },
    begin={"accuracy_of_trials": "return np.mean(distances.argmin(axis=1) == 0)"},
    cases=calls(
        "accuracy_of_trials",
        ["accuracy"],
        [
            ("nearest", _distances([1, 3, 2], [2, 1, 3], [0, 4, 4], [5, 6, 4], [1, 2, 2])),
            ("lots", _distances([4, 4, 5])),
            ("lots", _distances([2, 2, 2, 2])),
            ("lots", _distances([1, 1, 2, 3], [2, 2, 2, 2], [0, 5, 0, 0], [1, 2, 2, 2])),
            ("lots", lambda: {"distances": np.zeros((3, 5))}),
            ("lots", lambda: {"distances": np.full((20, 4), 2.5)}),
            ("lots", _distances([1, 1, 2], [2, 2, 2], [3, 1, 1], [0, 5, 0])),
            ("nan", _distances([nan, 1, 2], [1, nan, 2], [nan, nan, nan], [1, 2, 3])),
            ("nan", _distances([1, 2, nan], [0, 2, 1])),
            ("nan", lambda: {"distances": np.full((3, 4), nan)}),
            ("nearest", lambda: {"distances": np.abs(normal(0, 50, 3))}),
            ("nearest", lambda: {"distances": np.abs(normal(1, 4, 20)) + 1}),
            ("lots", _rough_distances(2, 60, 6, 3)),
            ("lots", _rough_distances(3, 9, 2, 2)),
            ("equal", _distances([1e-9, 2e-9], [2e-9, 3e-9], [3e-9, 1e-9])),
            ("equal", _distances([1, 1 + 1e-9], [1, 1 - 1e-9], [5, 5 + 1e-6])),
        ],
        floats=False,
    ),
    mistakes=[
        Mistake("the first of several nearest classes wins, which is always its own", code="""
            def accuracy_of_trials(distances):
                return np.mean(np.nan_to_num(distances, nan=np.inf).argmin(axis=1) == 0)
        """),
        Mistake("the first of several nearest classes wins, and a distance that is not a number is nearest of all",
                code="""
            def accuracy_of_trials(distances):
                return np.mean(distances.argmin(axis=1) == 0)
        """),
        Mistake("a trial is right if no other class is nearer, however many are as near",
                "nearest[:, 0] / np.maximum(nearest.sum(axis=1), 1)",
                "nearest[:, 0]"),
        Mistake("a trial in which others are as near is wrong", "nearest[:, 0] / np.maximum(nearest.sum(axis=1), 1)",
                "nearest[:, 0] & (nearest.sum(axis=1) == 1)"),
        Mistake("a trial in which others are as near counts for 1/N, however many they are",
                "np.maximum(nearest.sum(axis=1), 1)",
                "np.where(nearest.sum(axis=1) > 1, distances.shape[1], 1)"),
        Mistake("a trial in which others are as near counts for 1/2, however many they are",
                "np.maximum(nearest.sum(axis=1), 1)",
                "np.clip(nearest.sum(axis=1), 1, 2)"),
        Mistake("trials with several nearest classes are left out of the mean",
                "return np.mean(nearest[:, 0] / np.maximum(nearest.sum(axis=1), 1))",
                "alone = nearest.sum(axis=1) == 1\n    return np.mean(nearest[alone, 0])"),
        Mistake("the smallest distance is sought among the trials, for each class by itself: along the other axis",
                "distances.min(axis=1, keepdims=True)", "distances.min(axis=0, keepdims=True)"),
        Mistake("the smallest distance is sought among all trials together",
                "distances.min(axis=1, keepdims=True)", "np.nanmin(distances)"),
        Mistake("the smallest distance is sought among all trials together, and one that is not a number hides it",
                "distances.min(axis=1, keepdims=True)", "distances.min()"),
        Mistake("the own class is looked for in the last column", "nearest[:, 0]", "nearest[:, -1]"),
        Mistake("a trial with a distance that is not a number counts for 1/N", "np.mean(nearest[:, 0] /",
                "np.mean(np.isnan(distances).any(axis=1) / distances.shape[1] + nearest[:, 0] /"),
        Mistake("the accuracy is in percent", "return np.mean(", "return 100 * np.mean("),
        Mistake("the largest distance wins", "distances.min(", "distances.max("),
        Mistake("a distance that is not a number is left out, and the others decide",
                "distances.min(axis=1, keepdims=True)",
                "np.nanmin(distances, axis=1, keepdims=True)"),
        Mistake("a distance that is not a number counts as infinite", "nearest = distances == distances.min(",
                "distances = np.where(np.isnan(distances), np.inf, distances)\n    nearest = distances == "
                "distances.min("),
        Mistake("trials with a distance that is not a number are left out of the mean",
                "nearest = distances == distances.min(",
                "distances = distances[~np.isnan(distances).any(axis=1)]\n    nearest = distances == distances.min("),
        Mistake("trials with a distance that is not a number are left out of the mean, which is 0 where none is left",
                "nearest = distances == distances.min(",
                "distances = distances[~np.isnan(distances).any(axis=1)]\n"
                "    distances = distances if len(distances) else np.array([[1.0, 0.0]])\n"
                "    nearest = distances == distances.min("),
        Mistake("the accuracy is not a number as soon as a distance is not", "np.maximum(nearest.sum(axis=1), 1)",
                "nearest.sum(axis=1)"),
        Mistake("distances that are close count as equal", "distances == distances.min(axis=1, keepdims=True)",
                "np.isclose(distances, distances.min(axis=1, keepdims=True))"),
        Mistake("the number of trials that are right is returned, and not their share", "return np.mean(",
                "return np.sum("),
        Mistake("the trials' own values are returned, and not their mean", "return np.mean(", "return ("),
    ],
    variations=[
        Variation(
            "column",
            "In this variant the query's own class stands in the last column of every trial, not in column 0.",
            (("nearest[:, 0] / np.maximum", "nearest[:, -1] / np.maximum"),),
        ),
        Variation(
            "nan",
            "A trial with a distance that is not a number (NaN) counts for 1/N, as if nothing were known.",
            (("np.mean(nearest[:, 0] / np.maximum(nearest.sum(axis=1), 1))",
              "np.mean(np.where(np.isnan(distances).any(axis=1), 1 / distances.shape[1], nearest[:, 0] / "
              "np.maximum(nearest.sum(axis=1), 1)))"),),
        ),
    ],
    aliases={"accuracy_of_trials": ("share_of_right_trials", "accuracy_from_distances", "judge_trials")},
)  # fmt: skip

# --- 11.5 -------------------------------------------------------------------------------------------------------------


def _classes(*sizes):
    """Rows of classes of these sizes, in any order."""
    rows = np.random.default_rng(sum(sizes)).permutation(2 * sum(sizes))[: sum(sizes)]
    return [part.copy() for part in np.split(rows, np.cumsum(sizes)[:-1])]


def _draws(answer, rows_of_class, shot, count, rng):
    """What draw_trials gives, by name, and the rows as they are after it."""
    given = [rows.copy() for rows in rows_of_class]
    found = named(answer.draw_trials(given, shot, count, rng), ["query", "support", "target"])
    return found | {"rows_of_class as it was": np.concatenate(given)}


def _draw_case(rule, about, sizes, shot, count):
    rows_of_class = _classes(*sizes)

    def run(answer):
        return _draws(answer, rows_of_class, shot, count, np.random.default_rng(shot))

    def holds(values):
        query, support, target = (values[name] for name in ("query", "support", "target"))
        inside = ((target >= 0) & (target < len(sizes))).all()
        found = {f"target is 0 to {len(sizes) - 1}": inside}
        return found | about(rows_of_class, query, support, np.clip(target, 0, len(sizes) - 1))

    told = {"images of the classes": sizes, "shot": shot, "count": count}
    compared = "rows_of_class as it was", "how many values it returns (exactly)"
    return Case("draw_trials", run, rule, shown=lambda: told, holds=holds, compared=compared)


def _supports(rows_of_class, query, support, target):
    pairs = list(enumerate(rows_of_class))
    varied, moves = [], []  # of classes that have a choice even where one drawing of theirs asks
    for label, rows in pairs:
        if len(rows) > support.shape[2] + 1:
            held = np.sort(support[:, label], axis=1)
            varied.append((held != held[0]).any())
            moves.append((held[1:] != held[:-1])[target[1:] != label].any())
    return {
        "support[:, c] are drawings of class c": all(np.isin(support[:, label], rows).all() for label, rows in pairs),
        "the K drawings of a class are different ones": all(
            len(set(each)) == len(each) for label, _ in pairs for each in support[:, label].tolist()
        ),
        "the drawings of a class are not the same in all supports": all(varied),
        "from one support to the next, classes that are not the target may have other drawings, too": all(moves),
    }


def _queries(rows_of_class, query, support, target):
    return {
        "the query is a drawing of the class that target names": all(
            each in rows_of_class[label] for each, label in zip(query, target, strict=True)
        ),
        "the query is not in its support": (query[:, None, None] != support).all(),
    }


def _targets(rows_of_class, query, support, target):
    labels = np.arange(len(rows_of_class))
    return {
        "each class is the target about equally often": evenly(target, labels),
        "each class is the next target about equally often, whatever the one before": evenly_after(target, labels),
    }


def _drawn_draws(answer, rng):
    values = _draws(answer, _classes(3, 4, 6), 2, 20, rng)
    return {name: values.get(name) for name in ("query", "support", "target")}


def _in_twos():
    """Two trials at a time, of three classes: now and then both ask about the same class."""
    rows_of_class = _classes(3, 4, 5)

    def run(answer):
        rng = np.random.default_rng(0)
        return {"target": stacked([_draws(answer, rows_of_class, 1, 2, rng).get("target") for _ in range(450)])}

    def holds(values):
        first, second = values["target"].T
        alike = (first == second).sum()
        return {"two trials have the same target in about one of three times": 90 < alike < 210}

    told = {"images of the classes": (3, 4, 5), "shot": 1, "count": 2}
    return Case("draw_trials, many times", run, "target", shown=lambda: told, holds=holds)


def _drawings(rows_of_class, query, support, target):
    pairs = list(enumerate(rows_of_class))
    return {
        "each drawing of a class is its query about equally often": all(
            evenly(query[target == label], rows) for label, rows in pairs
        ),
        "each drawing of a class is in the support about equally often, where it is not the target": all(
            evenly(support[target != label, label], rows) for label, rows in pairs
        ),
        "each drawing of a class is in the support about equally often, where it is the target": all(
            evenly(support[target == label, label], rows) for label, rows in pairs
        ),
        "all drawings of a class are the first of its support about equally often": all(
            evenly(support[:, label, 0], rows) for label, rows in pairs
        ),
    }


DRAW = Task(
    of=".repairs: draw_trials",
    parts=2,
    docs={
        "draw_trials": Doc(
            f"""One-shot trials: a query, and K = ``shot`` drawings of each of N classes, one of which it belongs to.

            rows_of_class are N arrays, the rows of the drawings of each class: K + 1 or more, not as many of each.
            Returns query (T,) and support (T, N, K), rows, and target (T,), the class of each query: T = ``count``.
            {REPAIR}""",
            {
                "support": "support[t, c] are K different drawings of class c, drawn for each trial anew, in any "
                "order.",
                "query": "The query is a drawing of class target[t] that is not in support[t].",
                "target": "In each trial all classes are equally likely to be the target, whatever it was before.",
                "likely": "All drawings of a class are equally likely to be in the support, and to be the query.",
                "rng": RNG,
            },
        )
    },
    begin={
        "draw_trials": """
            target = rng.integers(len(rows_of_class), size=count)
            support = np.array([[rng.choice(rows, shot, replace=False) for rows in rows_of_class] for _ in target])
            query = np.array([rng.choice(rows_of_class[label]) for label in target])
            return query, support, target
        """
    },
    cases=[
        _draw_case("support", _supports, (2, 3), 1, 30),
        _draw_case("support", _supports, (4, 6, 3), 2, 40),
        _draw_case("support", _supports, (5, 5, 5, 9), 4, 25),
        _draw_case("query", _queries, (2, 3), 1, 20),
        _draw_case("query", _queries, (4, 6, 3), 2, 60),
        _draw_case("query", _queries, (7, 4, 5, 9), 3, 90),
        from_rng("draw_trials", _drawn_draws),
        _draw_case("target", _targets, (3, 4, 5), 1, 600),
        _draw_case("target", _targets, (3, 3, 4, 6, 3), 2, 900),
        _in_twos(),
        _draw_case("likely", _drawings, (3, 4), 1, 700),
        _draw_case("likely", _drawings, (5, 4, 7), 3, 1000),
    ],
    mistakes=[
        Mistake("the query may be one of its own supports", "query.append(drawn[right, -1])",
                "query.append(rng.choice(rows_of_class[right]))"),
        Mistake("the query is always one of its own supports", "query.append(drawn[right, -1])",
                "query.append(drawn[right, 0])"),
        Mistake("a drawing may be in a support more than once", "shot + 1, replace=False)", "shot + 1)"),
        Mistake("the query is of another class than the target", "drawn[right, -1]", "drawn[right - 1, -1]"),
        Mistake("there are K + 1 drawings of each class in the support", "drawn[:, :-1]", "drawn"),
        Mistake("the target is always class 0", "rng.integers(len(rows_of_class), size=count)", "np.zeros(count, int)"),
        Mistake("the classes are asked about in turn", "rng.integers(len(rows_of_class), size=count)",
                "np.arange(count) % len(rows_of_class)"),
        Mistake("each class is the target equally often, so that the last trials can be foretold",
                "rng.integers(len(rows_of_class), size=count)",
                "rng.permutation(np.arange(count) % len(rows_of_class))"),
        Mistake("the last class is never the target", "rng.integers(len(rows_of_class), size=count)",
                "rng.integers(len(rows_of_class) - 1, size=count)"),
        Mistake("the first drawings of a class are its support",
                "drawn = np.array([rng.choice(rows, shot + 1, replace=False) for rows in rows_of_class])",
                "drawn = np.array([[*rows[:shot], rng.choice(rows[shot:])] for rows in rows_of_class])"),
        Mistake("the last drawing of a class is the query, and the others its support", code="""
            def draw_trials(rows_of_class, shot, count, rng):
                target = rng.integers(len(rows_of_class), size=count)
                support = [[rng.choice(rows[:-1], shot, replace=False) for rows in rows_of_class] for _ in target]
                return np.array([rows_of_class[label][-1] for label in target]), np.array(support), target
        """),
        Mistake("all trials have the same support", code="""
            def draw_trials(rows_of_class, shot, count, rng):
                target = rng.integers(len(rows_of_class), size=count)
                drawn = [rng.permutation(rows) for rows in rows_of_class]
                support = np.array([[rows[:shot] for rows in drawn]] * count)
                return np.array([rng.choice(drawn[label][shot:]) for label in target]), support, target
        """),
        Mistake("only the target's class is drawn anew", code="""
            def draw_trials(rows_of_class, shot, count, rng):
                target = rng.integers(len(rows_of_class), size=count)
                drawn = np.array([rng.choice(rows, shot + 1, replace=False) for rows in rows_of_class])
                query, support = [], []
                for right in target:
                    drawn[right] = rng.choice(rows_of_class[right], shot + 1, replace=False)
                    query.append(drawn[right, -1])
                    support.append(drawn[:, :-1].copy())
                return np.array(query), np.array(support), target
        """),
        Mistake("the shots come before the classes", "support.append(drawn[:, :-1])",
                "support.append(drawn[:, :-1].T)"),
        Mistake("the drawings come in rising order, so that the largest row is the query",
                "drawn = np.array([rng.choice(rows, shot + 1, replace=False) for",
                "drawn = np.array([np.sort(rng.choice(rows, shot + 1, replace=False)) for"),
        Mistake("the global np.random draws", "rng.choice(rows", "np.random.choice(rows"),
        Mistake("rng is not used: an own generator is", "query, support, target = [], [],",
                "rng = np.random.default_rng(0)\n    query, support, target = [], [],"),
        Mistake("rows_of_class, an argument, is shuffled", "drawn = np.array([rng.choice(",
                "[rng.shuffle(rows) for rows in rows_of_class]\n        drawn = np.array([rng.choice("),
        Mistake("target names the row of the query's class in place of the class", "np.array(support), target",
                "np.array(support), np.array(query)"),
    ],
    aliases={"draw_trials": ("random_trials", "sample_trials", "trials_of_classes")},
    swapped={"draw_trials": 3},
)  # fmt: skip

# --- 11.6 -------------------------------------------------------------------------------------------------------------


def _pictures(seed, M, kinds, classes, H=3, W=4):
    """M images of so many kinds, which all have the same numbers in other places, and labels, in any order."""
    rng = np.random.default_rng(seed)
    patterns = np.unique([rng.permutation(H * W) // 2 for _ in range(4 * kinds)], axis=0).astype(np.uint8)
    images = rng.permutation(patterns)[rng.integers(kinds, size=M)].reshape(M, H, W, 1)
    labels = rng.permutation(5 * classes)[:classes][rng.integers(classes, size=M)]
    return lambda: {"images": images.copy(), "labels": labels.copy()}


def _plain(values, labels, shape=(1, 1, 1)):
    """Images of one pixel, or of a few."""
    return lambda: {"images": np.array(values, np.uint8).reshape(-1, *shape), "labels": np.array(labels)}


def _in_colour(seed, M, row, column, channel):
    """M images of which two, of two classes, differ in one channel alone, and two others are equal."""

    def arguments():
        rng = np.random.default_rng(seed)
        images, labels = rng.integers(0, 256, (M, 4, 3, 3)).astype(np.uint8), 3 * rng.permutation(M) + 2
        images[M - 1], images[2], images[4] = images[0], images[1], images[3]
        images[M - 1, row, column, channel] ^= 1
        return {"images": images, "labels": labels}

    return arguments


CHAIN = np.random.default_rng(0).permutation(40)  # classes of which each has an image in common with the next

MERGE = Task(
    of=".repairs: merged_labels",
    parts=2,
    docs={
        "merged_labels": Doc(
            f"""Labels in which one character is one class, though a data set has it under several labels.

            images (M, H, W, C) uint8 and labels (M,), any whole numbers from 0 on, M >= 1; two classes that have an
            image in common, equal in every pixel, are one. Returns the new labels (M,), whole numbers. {REPAIR}""",
            {
                "one": "All images of two classes that have an image in common get the same label, each of them.",
                "chain": "If a class has an image in common with a second one, and the second with a third, all three "
                "are one; and so on, whatever the order of the images.",
                "smallest": "The label of classes that are one is the smallest of theirs.",
                "others": "A class that has no image in common with another keeps its label.",
                "equal": "Images are equal if all their pixels are, place by place and in every channel, and not if "
                "they are alike.",
            },
        )
    },
    begin={
        "merged_labels": """
            merged = labels.copy()
            for row in range(len(images)):
                for before in range(row):
                    if np.array_equal(images[row], images[before]):
                        merged[row] = merged[before]
            return merged
        """
    },
    cases=calls(
        "merged_labels",
        ["merged"],
        [
            ("one", _plain([1, 2, 2, 3], [4, 4, 1, 0])),
            ("smallest", _plain([5, 5, 9, 6], [2, 7, 7, 3])),
            ("chain", _plain([1, 1, 2, 2, 3, 3, 4, 4], [9, 5, 5, 7, 7, 3, 3, 8])),
            ("chain", _plain([5, 5, 8, 5, 8], [6, 4, 4, 3, 2])),
            ("others", _plain([1, 2, 3, 4], [3, 3, 7, 5])),
            ("others", _plain([4, 4, 6, 7], [2, 2, 5, 9])),
            ("equal", _plain([10, 11, 9, 0, 255], [4, 3, 2, 1, 0])),
            ("equal", _plain([1, 2, 2, 1, 1, 3], [2, 1, 0], (1, 2, 1))),
            ("equal", _plain([1, 3, 3, 1, 0, 4], [1, 2, 5], (2, 1, 1))),
            ("equal", _plain([1, 2, 1, 3, 5, 3], [6, 4, 1], (1, 1, 2))),
            ("equal", _plain([1, 3, 3, 1, 2, 2], [2, 6, 9], (1, 1, 2))),
            ("equal", _in_colour(3, 9, 3, 1, 2)),
            ("equal", _in_colour(4, 12, 0, 2, 0)),
            ("smallest", _plain([3], [12])),
            ("chain", _plain(np.repeat(np.arange(39), 2), np.repeat(CHAIN, 2)[1:-1])),
            ("one", _pictures(0, 30, 60, 12)),
            ("smallest", _pictures(1, 60, 200, 25, 5, 3)),
            ("equal", _pictures(2, 20, 400, 20, 4, 6)),
        ],
        floats=False,
    ),
    mistakes=[
        Mistake("a class that has a new label already is looked for by its old one, so that chains of classes break",
                code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for before in range(row):
                        if np.array_equal(images[row], images[before]):
                            low, high = sorted((labels[row], labels[before]))
                            merged[merged == high] = low
                return merged
        """),
        Mistake("only the image that two classes have in common gets another label, and the others of its class keep "
                "theirs", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for before in range(row):
                        if np.array_equal(images[row], images[before]):
                            merged[row] = merged[before]
                return merged
        """),
        Mistake("only the image that two classes have in common gets the smallest label, and the others of its class "
                "keep theirs", code="""
            def merged_labels(images, labels):
                pictures = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True)[1].reshape(-1)
                return np.array([labels[pictures == picture].min() for picture in pictures])
        """),
        Mistake("of a chain of classes only neighbours become one: labels are passed on once",
                "while not np.array_equal(merged, before):\n        before = merged",
                "for _ in range(1):"),
        Mistake("of a chain of classes only some become one: labels are passed on twice",
                "while not np.array_equal(merged, before):\n        before = merged",
                "for _ in range(2):"),
        Mistake("of a chain of classes only some become one: what counts is what labels were, and not what they have "
                "become", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for other in range(row):
                        if np.array_equal(images[row], images[other]):
                            least = min(labels[row], labels[other])
                            merged[(labels == labels[row]) | (labels == labels[other])] = least
                return merged
        """),
        Mistake("images count as equal if any of their pixels are", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for other in range(row):
                        if (images[row] == images[other]).any():
                            least = min(merged[row], merged[other])
                            merged[(merged == merged[row]) | (merged == merged[other])] = least
                return merged
        """),
        Mistake("images count as equal if one is the other upside down, too", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for other in range(row):
                        if any(np.array_equal(images[row], each) for each in (images[other], images[other][::-1])):
                            least = min(merged[row], merged[other])
                            merged[(merged == merged[row]) | (merged == merged[other])] = least
                return merged
        """),
        Mistake("the row of its first image stands for a class, and not a label", "return merged",
                "return np.array([np.flatnonzero(merged == each)[0] for each in merged])"),
        Mistake("only the image that two classes have in common gets another label, the last of its labels", code="""
            def merged_labels(images, labels):
                last = {image.tobytes(): label for image, label in zip(images, labels)}
                return np.array([last[image.tobytes()] for image in images])
        """),
        Mistake("of a long chain of classes only some become one: labels are passed on three times",
                "while not np.array_equal(merged, before):\n        before = merged",
                "for _ in range(3):"),
        Mistake("the label is that of the class whose image comes first", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for before in range(row):
                        if np.array_equal(images[row], images[before]):
                            merged[merged == merged[row]] = merged[before]
                return merged
        """),
        Mistake("the label is the largest of theirs",
                "best = np.full(parts.max() + 1, labels.max())\n            np.minimum.at",
                "best = np.full(parts.max() + 1, labels.min())\n            np.maximum.at"),
        Mistake("the new labels are numbered 0, 1, 2 and so on", "return merged",
                "return np.unique(merged, return_inverse=True)[1]"),
        Mistake("classes are numbered anew, 0, 1, ..; the label is not the smallest of theirs", "return merged",
                "first = [pictures[merged == each].min() for each in merged]\n"
                "    return np.unique(first, return_inverse=True)[1]"),
        Mistake("classes are numbered anew, 0, 1, .., as their images come; the label is not the smallest of theirs",
                "return merged",
                "first = [np.flatnonzero(merged == each)[0] for each in merged]\n"
                "    return np.unique(first, return_inverse=True)[1]"),
        Mistake("images count as equal if their pixels have the same sum",
                "np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True)[1].reshape(-1)",
                "np.unique(images.sum(axis=(1, 2, 3)), return_inverse=True)[1]"),
        Mistake("images count as equal if they have the same pixels in some order",
                "np.unique(images.reshape(len(images), -1), axis=0,",
                "np.unique(np.sort(images.reshape(len(images), -1)), axis=0,"),
        Mistake("images count as equal if their first pixel is", "np.unique(images.reshape(len(images), -1), axis=0,",
                "np.unique(images.reshape(len(images), -1)[:, :1], axis=0,"),
        Mistake("images count as equal if their first channel is",
                "images.reshape(len(images), -1)", "images[..., 0].reshape(len(images), -1)"),
        Mistake("images count as equal if their last channel is",
                "images.reshape(len(images), -1)", "images[..., -1].reshape(len(images), -1)"),
        Mistake("images count as equal if the means of their channels are",
                "images.reshape(len(images), -1)", "images.mean(axis=3).reshape(len(images), -1)"),
        Mistake("images count as equal if all of their pixels but the last row are",
                "images.reshape(len(images), -1)",
                "images[:, : max(images.shape[1] - 1, 1)].reshape(len(images), -1)"),
        Mistake("images count as equal if their pixels differ by 1 at most", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(len(images)):
                    for other in range(row):
                        if np.abs(images[row].astype(int) - images[other]).max() <= 1:
                            least = min(merged[row], merged[other])
                            merged[(merged == merged[row]) | (merged == merged[other])] = least
                return merged
        """),
        Mistake("only images that stand one after the other are compared", code="""
            def merged_labels(images, labels):
                merged = labels.copy()
                for row in range(1, len(images)):
                    if np.array_equal(images[row], images[row - 1]):
                        least = min(merged[row], merged[row - 1])
                        merged[(merged == merged[row]) | (merged == merged[row - 1])] = least
                return merged
        """),
        Mistake("labels, an argument, are written into", code="""
            def merged_labels(images, labels):
                for row in range(len(images)):
                    for other in range(row):
                        if np.array_equal(images[row], images[other]):
                            least = min(labels[row], labels[other])
                            labels[(labels == labels[row]) | (labels == labels[other])] = least
                return labels
        """),
        Mistake("nothing is merged", "while not np.array_equal(merged, before):", "while False:"),
        Mistake("all classes become one as soon as two have an image in common", "return merged",
                "return merged if np.array_equal(merged, labels) else np.full_like(labels, labels.min())"),
    ],
    variations=[
        Variation(
            "smallest",
            "The label of classes that are one is the largest of theirs.",
            (("best = np.full(parts.max() + 1, labels.max())", "best = np.full(parts.max() + 1, labels.min())"),
             ("np.minimum.at(best, parts, merged)", "np.maximum.at(best, parts, merged)")),
        ),
        Variation(
            "smallest",
            "The label of classes that are one is the sum of the smallest of theirs and 100, also where a class is "
            "one by itself.",
            (("            merged = best[parts]\n    return merged",
              "            merged = best[parts]\n    return merged + 100"),),
        ),
    ],
    aliases={"merged_labels": ("one_label_each", "join_classes", "true_labels")},
)  # fmt: skip

# --- 11.7 -------------------------------------------------------------------------------------------------------------


def _runs(*sizes, seed=0, more=0):
    """Runs of so many training drawings, each with as many test drawings, which ask about the classes in any order; or
    with ``more`` or fewer, which ask about some classes twice, or not at all."""
    rng, start, runs = np.random.default_rng(seed), 0, []
    for size in sizes:
        rows = start + rng.permutation(2 * size + more)
        answer = rng.permutation(size) if not more else rng.integers(size, size=size + more)
        runs.append((rows[:size], rows[size:], answer))
        start += len(rows)
    return runs


def _trials_of(runs):
    """query, support, target, one trial after the other."""
    query = np.concatenate([test for _, test, _ in runs])
    support = np.concatenate([np.tile(training, (len(test), 1)) for training, test, _ in runs])
    return query, support, np.concatenate([answer for _, _, answer in runs])


def _official(sizes, change, seed=0, more=0):
    """Trials of runs, and what ``change(query, support, target, rng)`` makes of them."""

    def arguments():
        runs, rng = _runs(*sizes, seed=seed, more=more), np.random.default_rng(seed)
        query, support, target = change(*_trials_of(runs), rng)
        return {"query": query, "support": support, "target": target, "runs": tuple(runs) if len(query) < 6 else runs}

    return arguments


def _as_they_are(query, support, target, rng):
    return query, support, target


def _shuffled(query, support, target, rng):
    """The trials in another order, and the classes of each in another order."""
    order = rng.permutation(len(query))
    places = np.array([rng.permutation(support.shape[1]) for _ in order])
    moved = np.take_along_axis(support[order], places, axis=1)
    return query[order], moved, np.argmax(places == target[order][:, None], axis=1)


def _trials_shuffled(query, support, target, rng):
    order = rng.permutation(len(query))
    return query[order], support[order], target[order]


def _last_missing(query, support, target, rng):
    return query[:-1], support[:-1], target[:-1]


def _one_twice(query, support, target, rng):
    return tuple(np.concatenate([each, each[:1]]) for each in (query, support, target))


def _one_more(query, support, target, rng):
    """A training drawing is a query, too."""
    more = support[:1, target[0]], np.roll(support[-1:], 1, axis=1), target[:1]
    return tuple(np.concatenate(each) for each in zip((query, support, target), more, strict=True))


def _stranger(query, support, target, rng):
    """The last query is a drawing that no run has."""
    return np.append(query[:-1], query.max() + support.max() + 1), support, target


def _one_for_another(query, support, target, rng):
    """The last trial is the first once more: as many as there should be."""
    return tuple(np.concatenate([each[:-1], each[:1]]) for each in (query, support, target))


def _new_supports(query, support, target, rng):
    """Of another run, with the same targets."""
    return query, np.roll(support, support.shape[1], axis=0), target


def _one_support(query, support, target, rng):
    """One wrong class of one trial is another drawing."""
    support = support.copy()
    support[-1, target[-1] - 1] = support[0, 0]
    return query, support, target


def _order_alone(query, support, target, rng):
    """The classes in another order, with the targets as they were."""
    return query, support[:, ::-1], target


def _one_target(query, support, target, rng):
    target = target.copy()
    target[0] = (target[0] + 1) % support.shape[1]
    return query, support, target


def _targets_changed(query, support, target, rng):
    """Two trials of a run have each other's target."""
    target = target.copy()
    target[[0, 1]] = target[[1, 0]]
    return query, support, target


def _roles(query, support, target, rng):
    """The first trial asks with the right drawing about the one that it would ask with."""
    query, support = query.copy(), support.copy()
    query[0], support[0, target[0]] = support[0, target[0]], query[0]
    return query, support, target


def _fewer_classes(query, support, target, rng):
    """The right class and the one after it alone."""
    rows = np.arange(len(query))
    return query, np.stack([support[rows, target], support[rows, target - 1]], axis=1), np.zeros_like(target)


def _more_classes(query, support, target, rng):
    """Each support has a drawing more, of another run."""
    return query, np.concatenate([support, np.roll(support[:, :1], support.shape[1], axis=0)], axis=1), target


def _drawing_twice(query, support, target, rng):
    """Each support has its first drawing once more at its end."""
    return query, np.concatenate([support, support[:, :1]], axis=1), target


def _one_replaced(query, support, target, rng):
    """Of the first support, the drawing after the right one is the right one once more."""
    support = support.copy()
    support[0, target[0] - 1] = support[0, target[0]]
    return query, support, target


def _all_random(query, support, target, rng):
    """As many trials, with as many classes, drawn at random from the same drawings."""
    rows = rng.permuted(np.tile(np.arange(2 * len(query)), (len(query), 1)), axis=1)
    return rows[:, 0], rows[:, 1 : 1 + support.shape[1]], rng.integers(support.shape[1], size=len(query))


def _in_order():
    """The trials of a run whose drawings have rising numbers."""
    training, test, answer = np.array([3, 7]), np.array([4, 9]), np.array([1, 0])
    return {"query": test, "support": np.tile(training, (2, 1)), "target": answer, "runs": ((training, test, answer),)}


def _runs_after(answer):
    given = _official((3, 3), _as_they_are)()
    answer.official(*given.values())
    return {f"training of run {place} as it was": training for place, (training, _, _) in enumerate(given["runs"])} | {
        f"{name} of run {place} as it was": array
        for place, (_, test, places) in enumerate(given["runs"])
        for name, array in (("test", test), ("answer", places))
    }


OFFICIAL = Task(
    of=".repairs: official",
    parts=2,
    docs={
        "official": Doc(
            f"""Whether trials may be called by the name of a published test, such as Lake's 20 runs: they are its
            trials.

            All drawings are named by numbers, which may be any. The trials are query (T,) and support (T, N), drawings,
            and target (T,), the place among the N that the query belongs to. runs are those of the published test, one
            or more, (training, test, answer) of each: training (M,), the drawings that are compared with, one of each
            of M classes; test (Q,), those that are asked about; and answer (Q,), the place in training that each of
            test belongs to. M is the same in all runs, no array is empty, and no drawing stands in two places of the
            runs. Returns True or False. {REPAIR}""",
            {
                "all": "Each drawing of each run's test is the query of exactly one trial, and no other drawing is the "
                "query of any: with a trial more or fewer, or with one that is there twice, they are not its trials.",
                "support": "The support of a trial is its own run's training drawings, each of them once, and no "
                "others.",
                "target": "target names the drawing of the support that the run's answer names.",
                "order": "It makes no difference in which order the trials come, nor the classes of a support, as long "
                "as target names the same drawing.",
            },
        )
    },
    begin={
        "official": """
            asked = sum(len(test) for _, test, _ in runs)
            classes = {len(training) for training, _, _ in runs}
            return len(query) == asked and classes == {support.shape[1]}
        """
    },
    cases=[*calls(
        "official",
        ["official"],
        [
            ("support", _official((2, 2), _new_supports)),
            ("all", _in_order),
            ("all", _official((2,), _as_they_are)),
            ("target", _official((2,), _one_target)),
            ("all", _official((2, 2), _last_missing)),
            ("all", _official((3, 3), _one_for_another)),
            ("order", _official((3,), _trials_shuffled)),
            ("order", _official((3,), _shuffled)),
            ("all", _official((4, 4, 4), _as_they_are)),
            ("all", _official((2,), _one_twice)),
            ("all", _official((4, 4, 4), _one_twice)),
            ("all", _official((3,), _as_they_are, more=1)),
            ("all", _official((4, 4), _as_they_are, 8, more=-2)),
            ("all", _official((2, 2), _stranger)),
            ("all", _official((4, 4, 4), _one_more)),
            ("all", _official((20,) * 20, _all_random)),
            ("order", _official((5, 5, 5), _trials_shuffled, 1)),
            ("order", _official((5, 5, 5), _shuffled, 2)),
            ("order", _official((20,) * 20, _shuffled, 3)),
            ("support", _official((2, 2), _one_support)),
            ("support", _official((5, 5), _one_support)),
            ("support", _official((3,), _fewer_classes)),
            ("support", _official((5, 5), _fewer_classes)),
            ("support", _official((2,), _drawing_twice)),
            ("support", _official((3,), _one_replaced)),
            ("support", _official((2, 2), _more_classes)),
            ("support", _official((4, 4), _roles)),
            ("target", _official((5, 5), _one_target, 4)),
            ("target", _official((5, 5), _targets_changed, 5)),
            ("target", _official((5, 5, 5), _order_alone, 6)),
            ("all", _official((20,) * 20, _one_for_another, 7)),
        ],
        floats=False,
    ), Case("official", _runs_after, "unchanged")],
    mistakes=[
        Mistake("as many trials, with as many classes, are enough", code="""
            def official(query, support, target, runs):
                return len(query) == sum(len(test) for _, test, _ in runs) and support.shape[1] == len(runs[0][0])
        """),
        Mistake("the right queries are enough, whatever they are compared with", code="""
            def official(query, support, target, runs):
                return sorted(query) == sorted(np.concatenate([test for _, test, _ in runs]))
        """),
        Mistake("the targets are not looked at", code="""
            def official(query, support, target, runs):
                given = [(q, *sorted(rows)) for q, rows in zip(query, support)]
                wanted = [(q, *sorted(rows)) for rows, test, _ in runs for q in test]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("the supports are not looked at, but for the right drawing", code="""
            def official(query, support, target, runs):
                given = [(q, rows[t]) for q, rows, t in zip(query, support, target)]
                wanted = [(q, rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("target is compared as a number with answer, and not by the drawing that it names", code="""
            def official(query, support, target, runs):
                given = [(q, *sorted(rows), t) for q, rows, t in zip(query, support, target)]
                wanted = [(q, *sorted(rows), t) for rows, test, answer in runs for q, t in zip(test, answer)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("the order of the trials matters", "return sorted(given) == sorted(wanted)", "return given == wanted"),
        Mistake("the order of the classes matters", code="""
            def official(query, support, target, runs):
                given = [(q, *rows, rows[t]) for q, rows, t in zip(query, support, target)]
                wanted = [(q, *rows, rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("a trial that is there twice, or is missing, makes no difference: each that is there is one of the "
                "runs'",
                "return sorted(given) == sorted(wanted)", "return set(given) <= set(wanted)"),
        Mistake("trials that are there twice make no difference", "return sorted(given) == sorted(wanted)",
                "return set(given) == set(wanted)"),
        Mistake("as many trials as there should be are enough if each is one of the runs', though one is there twice",
                "return sorted(given) == sorted(wanted)",
                "return len(given) == len(wanted) and set(given) <= set(wanted)"),
        Mistake("further trials make no difference, as long as none of the runs' is missing",
                "return sorted(given) == sorted(wanted)",
                "return set(given) >= set(wanted)"),
        Mistake("a support may lack some of the run's training drawings", code="""
            def official(query, support, target, runs):
                known = {q: (rows, rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)}
                return sorted(query) == sorted(known) and all(
                    np.isin(rows, known[q][0]).all() and len(set(rows.tolist())) == len(rows) and rows[t] == known[q][1]
                    for q, rows, t in zip(query, support, target))
        """),
        Mistake("a support may have some of the run's training drawings more than once, and lack others", code="""
            def official(query, support, target, runs):
                known = {q: (rows, rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)}
                return sorted(query) == sorted(known) and all(
                    np.isin(rows, known[q][0]).all() and rows[t] == known[q][1]
                    for q, rows, t in zip(query, support, target))
        """),
        Mistake("a support may have further drawings besides the run's", code="""
            def official(query, support, target, runs):
                known = {q: (rows, rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)}
                return sorted(query) == sorted(known) and all(
                    np.isin(known[q][0], rows).all() and rows[t] == known[q][1]
                    for q, rows, t in zip(query, support, target))
        """),
        Mistake("supports are compared as sets, in which a drawing that is there twice counts once", code="""
            def official(query, support, target, runs):
                given = [(q, *sorted(set(rows.tolist())), rows[t]) for q, rows, t in zip(query, support, target)]
                wanted = [(q, *sorted(rows), rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("target is looked up in the sorted support", code="""
            def official(query, support, target, runs):
                given = [(q, *sorted(rows), sorted(rows)[t]) for q, rows, t in zip(query, support, target)]
                wanted = [(q, *sorted(rows), rows[t]) for rows, test, answer in runs for q, t in zip(test, answer)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("the right drawings alone are compared, sorted by themselves and not with their queries", code="""
            def official(query, support, target, runs):
                given = [(q, *sorted(rows)) for q, rows in zip(query, support)]
                wanted = [(q, *sorted(rows)) for rows, test, _ in runs for q in test]
                right = sorted(rows[t] for rows, t in zip(support, target))
                return sorted(given) == sorted(wanted) and right == sorted(
                    rows[t] for rows, _, answer in runs for t in answer)
        """),
        Mistake("a single trial that is the runs' is enough", "return sorted(given) == sorted(wanted)",
                "return any(each in wanted for each in given)"),
        Mistake("the right queries, and a single trial that is right, are enough",
                "return sorted(given) == sorted(wanted)",
                "return sorted(each[0] for each in given) == sorted(each[0] for each in wanted) and any(\n"
                "        each in wanted for each in given)"),
        Mistake("each run is taken to have as many tests as training drawings",
                "return sorted(given) == sorted(wanted)",
                "return len(query) == len(runs) * len(runs[0][0]) and sorted(given) == sorted(wanted)"),
        Mistake("training, a part of an argument, is sorted", "return sorted(given) == sorted(wanted)",
                "[rows.sort() for rows, _, _ in runs]\n    return sorted(given) == sorted(wanted)"),
        Mistake("queries and supports are compared as one set of drawings", code="""
            def official(query, support, target, runs):
                given = [(*sorted([q, *rows]), rows[t] + q) for q, rows, t in zip(query, support, target)]
                wanted = [(*sorted([q, *rows]), rows[t] + q) for rows, test, at in runs for q, t in zip(test, at)]
                return sorted(given) == sorted(wanted)
        """),
        Mistake("nothing is ever official", "return sorted(given) == sorted(wanted)", "return False"),
        Mistake("everything is official", "return sorted(given) == sorted(wanted)", "return True"),
        Mistake("which trials are official is returned, and not whether all are",
                "return sorted(given) == sorted(wanted)",
                "return np.array([each in wanted for each in given])"),
    ],
    variations=[
        Variation(
            "order",
            "It makes no difference in which order the trials come; but the classes of a support have to be in the "
            "order of the run's training.",
            (("(q, *sorted(rows), rows[t]) for q, rows, t in zip(query",
              "(q, *rows, rows[t]) for q, rows, t in zip(query"),
             ("(q, *sorted(rows), rows[t]) for rows, test, answer", "(q, *rows, rows[t]) for rows, test, answer")),
        ),
        Variation(
            "order",
            "The trials have to come run by run, in the order of the runs and of each one's test; the order of the "
            "classes of a support makes no difference, as long as target names the same drawing.",
            (("return sorted(given) == sorted(wanted)", "return given == wanted"),),
        ),
    ],
    aliases={"official": ("is_official", "published_trials", "same_test")},
)  # fmt: skip

EXERCISE = Exercise(
    "evaluators to repair",
    GIVES,
    {"11.1": EMBED, "11.2": THRESHOLD, "11.3": DIVIDE, "11.4": ACCURACY, "11.5": DRAW, "11.6": MERGE, "11.7": OFFICIAL},
)
