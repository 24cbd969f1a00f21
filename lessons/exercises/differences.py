"""Where a value differs from the expected one: facts, no guesses."""

import numpy as np

SMALL = 16  # numbers of an array that is shown whole


def difference(name, right, given, tolerance):
    """A sentence on how a ``Value`` differs from the expected one, or None."""
    exactly = name.endswith("(exactly)")
    name = name.removesuffix(" (exactly)")
    if given is None:
        return f"{name} is missing"
    if not right.dtype or not given.dtype:
        if right.dtype == given.dtype and right.text == given.text:
            return None
        return f"{name}: expected {told(right)}, got {told(given)}"
    a, b = right.array, given.array
    if a.shape != b.shape:
        turned = a.ndim == 2 and b.shape == a.shape[::-1] and same(a, b.T, tolerance)
        values = _both(a, b) if max(a.size, b.size) <= SMALL else ""
        return f"{name}: expected shape {a.shape}, got {b.shape}{': it is transposed' if turned else values}"
    if problem := _type_problem(a, b, given.python):
        return f"{name}: {problem}"
    if same(a, b, 0 if exactly else tolerance):
        return None
    if name.endswith("as it was"):
        name = name.removesuffix(" as it was")
        return f"{name}{'' if '.' in name else ', an argument,'} has changed{_place(a, b, tolerance)}"
    return f"{name}{_place(a, b, tolerance)}{_relation(a, b, tolerance)}"


def told(value):
    return value.text if not value.dtype else f"an array of shape {value.shape}" if value.shape else "a number"


def _type_problem(right, given, python):
    """What is wrong with a dtype, or None. A number of Python's own has none of its own."""
    kinds = right.dtype.kind, given.dtype.kind
    if python and not right.ndim and kinds[0] in "fiub" and kinds[1] in "fiub":
        return None
    if kinds == ("f", "f"):
        return None if right.dtype == given.dtype else f"expected {right.dtype}, got {given.dtype}"
    whole = {"i": "whole numbers", "u": "whole numbers", "b": "truth values", "f": "floats", "c": "complex numbers"}
    groups = [{"u": "i"}.get(kind, kind) for kind in kinds]
    if groups[0] == groups[1] or set(groups) == {"i", "b"}:
        return None
    return f"expected {whole[kinds[0]]} ({right.dtype}), got {given.dtype}"


def same(right, given, tolerance):
    """Whether two arrays of one shape are equal to a tolerance, of the largest expected number."""
    if right.dtype.kind not in "fc" or given.dtype.kind not in "fcbiu":
        return np.array_equal(right, given)
    scale = np.abs(right[np.isfinite(right)]).max(initial=0)
    return np.allclose(given, right, rtol=0, atol=tolerance * scale + (1e-12 if tolerance else 0), equal_nan=True)


def _both(right, given):
    return f"\n  expected{written(right)}\n  got     {written(given)}"


def written(array):
    """All numbers of a small array, without its axes of length 1: "[0, :, :, 0] = [[1 2] [3 4]]"."""
    where = ", ".join("0" if length == 1 else ":" for length in array.shape)
    prefix = f"[{where}] = " if 1 in array.shape and array.size else " = "
    plain = {"float_kind": "{:.5g}".format}
    if array.dtype.kind == "f":  # without -0, and rounding that would be read as a number
        tiny = 1e-13 * np.abs(array[np.isfinite(array)]).max(initial=0)
        array = np.where(np.abs(array) <= tiny, 0.0, array)
    text = np.array2string(array.squeeze() if array.size else array, max_line_width=1000, formatter=plain)
    return prefix + " ".join(text.split()).replace("[ ", "[").replace(" ]", "]")


def _place(right, given, tolerance):
    """The element that differs most, expected and got, and how many differ; of a small array all that is in it."""
    if not right.ndim:
        digits = _digits(right[()], given[()])
        return f": expected {_number(right[()], digits)}, got {_number(given[()], digits)}"
    gap = np.abs(right.astype(complex) - given.astype(complex))
    gap = np.where(np.isnan(gap) & ~(np.isnan(right) & np.isnan(given)), np.inf, np.nan_to_num(gap))
    wrong = gap > tolerance * np.abs(right[np.isfinite(right)]).max(initial=0) + 1e-12
    at = np.unravel_index(gap.argmax(), gap.shape)
    where, digits = ", ".join(map(str, at)), _digits(right[at], given[at])
    values = f"expected {_number(right[at], digits)}, got {_number(given[at], digits)}"
    sentence = f"[{where}]: {values}; {wrong.sum()} of {wrong.size} differ"
    return sentence + (_both(right, given) if 1 < right.size <= SMALL and digits == 4 else "")


def _digits(right, given):
    digits = 4
    while digits < 12 and _number(right, digits) == _number(given, digits):
        digits += 2
    return digits


def _number(x, digits=4):
    x = x.item()
    return f"{x + 0:.{digits}g}" if isinstance(x, (int, float)) and not isinstance(x, bool) else str(x)


def _relation(right, given, tolerance):
    """What holds of all numbers of two arrays, where it says more than the first of them."""
    if right.dtype.kind != "f" or given.dtype.kind != "f":
        return ""
    nans = int((np.isnan(given) & ~np.isnan(right)).sum())
    if nans:
        return f"; {nans} of them {'is' if nans == 1 else 'are'} NaN" if right.ndim else ""
    if np.isinf(given).any() and np.isfinite(right).all():
        return "; some are infinite" if right.ndim else ""
    if right.ndim and not np.any(given) and np.any(right):
        return "; all that it gives is 0"
    if same(right, -given, tolerance):
        return "; it is right but for its sign"
    if right.size < 2:
        return ""
    if same(np.abs(right), np.abs(given), tolerance):
        return "; the sizes are right, some signs are not"
    there = np.abs(right) > 1e-9 * np.abs(right).max()
    if len(np.unique(np.abs(right[there]))) > 1 and not np.any(given[~there]):
        ratios = given[there].astype(float) / right[there]
        ratio = max(abs(ratios[0]), 1 / abs(ratios[0])) if ratios[0] else 0.0
        if np.allclose(ratios, ratios[0], rtol=1e-4) and ratio > 1.5 and np.isclose(ratio, round(ratio), rtol=1e-4):
            shown = round(ratio) if abs(ratios[0]) > 1 else f"1/{round(ratio)}"
            return f"; everywhere it is {'minus ' if ratios[0] < 0 else ''}{shown} times what is expected"
    return ""
