"""NumPy or CuPy behind one line, and moves between host and device.

    python -m minisiamese.backend

lists the processors to compute on here, and the packages to install for a GPU. CuPy is optional: it is imported only
when a user asks for ``--device cuda``.

A function that computes begins with ``xp = array_module(x)`` and then serves both kinds of array, if it keeps to this:

- Arrays of the two kinds never meet, neither in an operation nor in an index nor in an assignment.
- In a training step nothing asks for a value, by ``float``, ``if`` or ``print``, or for a shape that depends on values,
  such as that of ``x[mask]`` or ``nonzero``: the host would wait for the GPU.
- No assignment names a place twice (``xp.add.at`` does), and no index lies outside: CuPy would not complain.
"""

import ctypes
import runpy
import sys
from contextlib import suppress

import numpy as np

from minisiamese.errors import BadInput

EXTRAS = 12, 13  # CUDA's versions that the package has an extra for


def array_module(x):
    """``cupy`` if x is a CuPy array, else ``numpy``."""
    cupy = sys.modules.get("cupy")  # no array can be CuPy's before cupy is imported
    return np if cupy is None else cupy.get_array_module(x)


def to_host(x):
    """x as a NumPy array."""
    return x if array_module(x) is np else x.get()


def to_device(x, device):
    """x on ``"cpu"`` (a NumPy array) or ``"cuda"`` (a CuPy array)."""
    if device == "cpu":
        return to_host(x)
    import cupy

    return cupy.asarray(x)


def synchronize(device):
    """Wait until the device has done all that it was given; other calls return as soon as a GPU has been asked."""
    if device == "cuda":
        import cupy

        cupy.cuda.Device().synchronize()


def check_device(device):
    """BadInput, naming the missing driver or package, if ``device`` is "cuda" and cannot compute a tiny product."""
    if device == "cuda":
        if lacking := missing():
            raise BadInput(f"--device cuda: {lacking}; or use --device cpu")


def column_sums(matrix):
    """The sum over rows, as a product with ones: many times faster than ``sum(axis=0)`` on narrow rows."""
    return array_module(matrix).ones(len(matrix), matrix.dtype) @ matrix


# --- what is missing for a GPU ---------------------------------------------------------------------------------------


def driver_cuda():
    """The newest CUDA that this machine's NVIDIA driver can run, 12 for 12.x; None if there is no driver."""
    version = ctypes.c_int()
    for name in ("libcuda.so.1", "nvcuda.dll"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(name).cuDriverGetVersion(ctypes.byref(version))
    return version.value // 1000 or None


def missing():
    """Why there is no GPU to compute on, and what to do about it, in one line; None if a tiny product succeeds."""
    newest = driver_cuda()
    install = f"pip install -e '.[cuda{min(max(newest or 0, EXTRAS[0]), EXTRAS[1])}]'"
    try:
        import cupy

        (cupy.ones((2, 2), np.float32) @ cupy.ones((2, 2), np.float32)).get()
        return None
    except ModuleNotFoundError:
        what, then = "CuPy is not installed", install
    except Exception as error:  # CuPy reports a missing driver, library or GPU by many unrelated types
        lines = [line.strip() for line in str(error).splitlines() if any(map(str.isalnum, line))]
        lines = lines or [type(error).__name__]
        # of an import that failed, CuPy says why in the last line
        what = f"CuPy cannot be used ({lines[-1 if isinstance(error, ImportError) else 0]})"
        about_libraries = isinstance(error, ImportError) or "nvrtc" in what.lower() or "library" in what.lower()
        then = f"{install} brings CUDA's libraries, too" if about_libraries else f"the driver is for CUDA {newest}"
    if newest is None:
        return f"no NVIDIA driver was found. With an NVIDIA GPU and its driver: {install}"
    if newest < EXTRAS[0]:
        then = f"the NVIDIA driver is for CUDA {newest}, and CuPy needs {EXTRAS[0]}. Update the driver, then {install}"
    return f"{what}: {then}"


if __name__ == "__main__":
    runpy.run_module(
        "minisiamese.bench.gpu", run_name="__main__"
    )  # the report is made of layers, which import this file
