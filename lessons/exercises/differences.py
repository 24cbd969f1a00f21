"""Where an answer differs from the library's, and what the usual cause of such a difference is."""

import numpy as np

TOLERANCE = 1e-7  # of the largest expected number


def difference(expected, got, tolerance=TOLERANCE, slip=""):
    """A sentence on the first of some named results that differs, or None.

    expected, got: {name: array or value}, in the order in which they are to be looked at. A name that ends in "as it
    was" is that of an argument after the call; one that ends in "after a second pass" that of a gradient that has added
    up; one that begins with "whether" that of something that must hold. slip is the task's usual mistake, for a
    difference that says nothing by itself.
    """
    for name, right in expected.items():
        right = np.asarray(right)
        try:
            given = np.asarray(got[name])
        except ValueError:
            return f"{name} is no array"
        if given.dtype == object:
            return f"{name}: expected {'an array' if right.ndim else 'a number'}, got {_short(got[name])}"
        if given.shape != right.shape:
            turned = right.ndim == 2 and given.shape == right.shape[::-1] and _equal(right, given.T, tolerance)
            return f"{name}: expected shape {right.shape}, got {given.shape}: {'it is transposed' if turned else slip}"
        of_floats = {right.dtype.kind, given.dtype.kind} == {"f"} and right.size
        if of_floats and given.dtype != right.dtype and tolerance == TOLERANCE:
            return f"{name}: expected {right.dtype}, got {given.dtype}: the type that comes in goes out"
        if not _equal(right, given, tolerance):
            if name.startswith("whether "):
                return f"{name.removeprefix('whether ')}: it is not so; {slip}"
            return f"{name}{_place(right, given, tolerance)}: {_cause(name, right, given, expected) or slip}"
    return None


def _equal(right, given, tolerance=TOLERANCE):
    if right.dtype.kind not in "fc":
        return np.array_equal(right, given)
    scale = np.abs(right[np.isfinite(right)]).max(initial=0)
    return np.allclose(given, right, rtol=0, atol=tolerance * scale + 1e-12, equal_nan=True)


def _place(right, given, tolerance):
    """The element that differs most, expected and got, and how many differ."""
    if not right.ndim:
        return f": expected {_number(right)}, got {_number(given)}"
    gap = np.abs(right.astype(float) - given.astype(float))
    gap = np.where(np.isnan(gap) & ~(np.isnan(right) & np.isnan(given)), np.inf, np.nan_to_num(gap))
    wrong = gap > tolerance * np.abs(right).max(initial=0) + 1e-12
    at = np.unravel_index(gap.argmax(), gap.shape)
    where, digits = ", ".join(map(str, at)), 4
    while digits < 12 and _number(right[at], digits) == _number(given[at], digits):
        digits += 2
    values = f"expected {_number(right[at], digits)}, got {_number(given[at], digits)}"
    return f"[{where}]: {values}; {wrong.sum()} of {wrong.size} differ"


def _cause(name, right, given, expected):
    """What such a difference usually comes from, or None."""
    if name.endswith("as it was"):
        return "an argument was changed; make a new array instead of writing into it"
    if np.isnan(given).any() and not np.isnan(right).any():
        return "not a number: a division by 0, or an overflow"
    if np.isinf(given).any():
        return "infinite: an overflow, a division by 0, or the logarithm of 0"
    if name.endswith("after a second pass"):
        once = np.asarray(expected[name.removesuffix(" after a second pass")])
        if _equal(once, given):
            return "gradients add up until zero_grad(): `+=` where there is `=`"
        return "the second of two passes differs: gradients add up, and nothing else is left over"
    if right.dtype.kind != "f":
        return None
    if not np.any(given):
        return "it is all zero"
    if _equal(right, -given.astype(float)):
        return "a dropped sign: it is right but for a minus"
    if right.size > 1 and _equal(np.abs(right), np.abs(given)):
        return "a dropped sign: the sizes are right, some signs are not"
    ratio = _ratio(right, given)
    n = round(max(abs(ratio), 1 / abs(ratio)))
    if n > 1 and np.isclose(ratio, n, rtol=1e-5):
        return f"it is {n} times what it should be: a missing 1/N, or a factor?"
    if n > 1 and np.isclose(ratio, 1 / n, rtol=1e-5):
        return f"it is 1/{n} of what it should be: a mean where a sum is meant, or a factor?"
    if right.size > 1 and abs(ratio - 1) > 0.01:
        return f"it is {_number(ratio)} times what it should be, everywhere: a forgotten factor?"
    return None


def _ratio(right, given):
    """given / right if it is the same everywhere, else 1."""
    there = right != 0
    if not there.any() or np.any(given[~there]) or not np.all(given[there]):
        return 1.0
    ratios = given[there].astype(float) / right[there]
    return float(ratios.flat[0]) if np.allclose(ratios, ratios.flat[0], rtol=1e-5) else 1.0


def _number(x, digits=4):
    return f"{np.asarray(x).item() + 0:.{digits}g}" if np.asarray(x).dtype.kind in "fiu" else str(np.asarray(x).item())


def _short(x):
    return "None: is there a return?" if x is None else f"{type(x).__name__} {x!r}"[:60]
