"""Memory for large arrays that is used again, step after step."""

import ctypes
import math
import threading
import weakref
from contextlib import suppress

import numpy as np

SMALL_BYTES = 1 << 20  # arrays up to here are left to NumPy


TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4  # from malloc.h


def mallopt(parameter, value):
    """Set one of glibc's parameters; other C libraries have no ``mallopt``, and stay as they are."""
    with suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).mallopt(parameter, value)


# Tell glibc to keep up to 256 MiB of freed memory, and to give arrays of up to 32 MiB memory from it. By default glibc
# returns arrays above 128 KiB to the system, and fresh pages are as slow as ``empty`` says.
mallopt(MMAP_THRESHOLD, 32 << 20)
mallopt(TRIM_THRESHOLD, 256 << 20)


class _Memory(np.ndarray):
    """Bytes that own their memory. As a type of its own, it keeps NumPy from making it the base of the views of an
    array that lies in it, so the array itself lives as long as its views."""


_spare, _choosing = [], threading.Lock()  # memory that no array lies in any more


def empty(xp, shape, dtype):
    """``xp.empty``, in the memory of an earlier array that nobody holds any more.

    The system hands out fresh memory blank and page by page, which takes as long as computing the numbers that go into
    it. Each step asks for the same large arrays as the step before it, so their memory is kept. CuPy keeps its own.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if xp is not np or size < SMALL_BYTES:
        return xp.empty(shape, dtype)
    with _choosing:
        # a small array that is kept must not hold on to much more than it needs
        fitting = [(memory.nbytes, i) for i, memory in enumerate(_spare) if size <= memory.nbytes <= 4 * size]
        smaller = [(memory.nbytes, i) for i, memory in enumerate(_spare) if memory.nbytes < size]
        memory = _spare.pop(min(fitting)[1]) if fitting else None
        if not fitting and smaller:  # its successor will serve for both: so there is no more than was in use at once
            del _spare[max(smaller)[1]]
    array = np.ndarray(shape, dtype, buffer=_Memory(size, np.uint8) if memory is None else memory)
    weakref.finalize(array, _spare.append, array.base).atexit = False
    return array
