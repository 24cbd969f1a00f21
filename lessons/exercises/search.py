"""What a search for hyperparameters is made of: the solution of exercise 12, which lesson 12 searches with."""

import numpy as np
from scipy.special import ndtr


def settings_of(u, ranges):
    """Settings (n, D) from numbers u (n, D), from 0 on and below 1: column j spread over ranges[j].

    A range is ("uniform", low, high), ("log", low, high) or ("steps", low, high, step).
    """
    settings = np.empty_like(u)
    for j, (kind, low, high, *step) in enumerate(ranges):
        if kind == "uniform":
            settings[:, j] = low + (high - low) * u[:, j]
        elif kind == "log":
            settings[:, j] = low * (high / low) ** u[:, j]
        else:
            count = (high - low) // step[0] + 1
            settings[:, j] = low + step[0] * np.floor(count * u[:, j])
    return settings


def expected_improvement(mean, deviation, best):
    """The expectation of max(0, f - best), where f is normal with this mean and this standard deviation, 0 or more."""
    gain = mean - best
    z = gain / np.where(deviation > 0, deviation, 1)
    density = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5
    return np.where(deviation > 0, gain * ndtr(z) + deviation * density, np.maximum(gain, 0))


def early_stopping(accuracies, patience):
    """(stopped, kept): the epoch after which training stops, and the one whose weights are kept.

    accuracies (E,), one after each epoch, which count from 0; training stops when ``patience`` epochs in a row were no
    better than the best before them, or with the last.
    """
    kept = 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy > accuracies[kept]:
            kept = epoch
        elif epoch - kept >= patience:
            break
    return epoch, kept
