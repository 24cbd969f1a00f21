"""Evaluators with mistakes of tests, repaired: the solution of exercise 11.

``tasks/ex11.py`` has the bodies with the mistake.
"""

import numpy as np


def embed_for_test(network, images, batch=64):
    """Embeddings (M, E) of images (M, H, W, C), ``batch`` of them at a time; batch norm uses its stored statistics."""
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    return np.concatenate([network.forward(part, train=False) for part in parts])


def threshold_accuracy(validation_scores, validation_same, test_scores, test_same):
    """The threshold that is right most often on the validation's pairs, and its accuracy on the test's.

    Scores and truth values are (P,) and (Q,); a pair is called the same from the threshold on.
    """
    thresholds = np.append(np.unique(validation_scores), np.inf)
    right = [np.sum((validation_scores >= each) == validation_same) for each in thresholds]
    threshold = thresholds[np.argmax(right)]
    return threshold, np.mean((test_scores >= threshold) == test_same)


def held_out(labels, groups, count, rng):
    """Which drawings are the test's, (M,) truth values: all those of ``count`` alphabets, drawn at random."""
    alphabets = rng.choice(np.unique(groups), count, replace=False)
    return np.isin(groups, alphabets)


def accuracy_of_trials(distances):
    """The accuracy of trials whose distances (T, N) have the right class's in column 0; ties are shared."""
    nearest = distances == distances.min(axis=1, keepdims=True)  # without a number, nothing is
    return np.mean(nearest[:, 0] / np.maximum(nearest.sum(axis=1), 1))


def draw_trials(rows_of_class, shot, count, rng):
    """Trials whose query is none of its supports: query (T,), support (T, N, K) and target (T,), T = ``count``."""
    query, support, target = [], [], rng.integers(len(rows_of_class), size=count)
    for right in target:
        drawn = np.array([rng.choice(rows, shot + 1, replace=False) for rows in rows_of_class])
        query.append(drawn[right, -1])
        support.append(drawn[:, :-1])
    return np.array(query), np.array(support), target


def merged_labels(images, labels):
    """Labels (M,) in which classes with an image in common are one: the smallest label of each such class."""
    pictures = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True)[1].reshape(-1)
    classes = np.unique(labels, return_inverse=True)[1]
    merged, before = labels, None
    while not np.array_equal(merged, before):
        before = merged
        for parts in (pictures, classes):  # all of one picture, then all of one class, take their smallest label
            best = np.full(parts.max() + 1, labels.max())
            np.minimum.at(best, parts, merged)
            merged = best[parts]
    return merged


def official(query, support, target, runs):
    """Whether trials, query (T,), support (T, N) and target (T,), are those of the runs: each once, and no others."""
    given = [(q, *sorted(rows), rows[t]) for q, rows, t in zip(query, support, target, strict=True)]
    wanted = [(q, *sorted(rows), rows[t]) for rows, test, answer in runs for q, t in zip(test, answer, strict=True)]
    return sorted(given) == sorted(wanted)
