"""NumPy or CuPy behind one line, moves between host and device, memory that is used again, and work split over threads.

    python -m minisiamese.backend

says what there is to compute with here, and what to install for a GPU. CuPy is optional: it is imported only when a
user asks for ``--device cuda``.

A function that computes begins with ``xp = array_module(x)`` and then serves both kinds of array, if it keeps to this:

- Arrays of the two kinds never meet, neither in an operation nor in an index nor in an assignment.
- In a training step nothing asks for a value, by ``float``, ``if`` or ``print``, or for a shape that depends on values,
  such as that of ``x[mask]`` or ``nonzero``: the host would wait for the GPU.
- No assignment names a place twice (``xp.add.at`` does), and no index lies outside: CuPy would not complain.
"""

import ctypes
import math
import os
import sys
import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from minisiamese.errors import BadInput, front_door, parse

# Work arrays of one chunk: few enough to stay in a processor's caches, and enough numbers that NumPy's calls, and the
# threads' turns at Python's lock between them, take little of the time; on a GPU, enough to keep it busy.
HOST_CHUNK_BYTES = 4 << 20
DEVICE_CHUNK_BYTES = 1 << 30
SMALL_BYTES = 1 << 20  # arrays up to here are left to NumPy


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
    """Raise BadInput, with what is missing, if ``device`` is "cuda" and cannot compute a tiny product."""
    if device == "cuda":
        from minisiamese.gpu import missing  # here, since that file imports this one

        if lacking := missing():
            raise BadInput(f"--device cuda: {lacking}; or use --device cpu")


def column_sums(matrix):
    """The sum over rows, as a product with ones: many times faster than ``sum(axis=0)`` on narrow rows."""
    return array_module(matrix).ones(len(matrix), matrix.dtype) @ matrix


# --- memory -----------------------------------------------------------------------------------------------------------


def _keep_freed_memory():
    """Let the C library keep what small arrays leave behind, up to 256 MiB, instead of returning to the system whatever
    is above 128 KiB; for the same reason as below. Other C libraries than glibc go on as they do."""
    mmap_threshold, trim_threshold = -3, -1  # from malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError, OSError):
        return
    mallopt(mmap_threshold, 32 << 20)
    mallopt(trim_threshold, 256 << 20)


_keep_freed_memory()


class _Memory(np.ndarray):
    """Bytes that own their memory. As a type of its own, it keeps NumPy from making it the base of the views of an
    array that lies in it, so the array itself lives as long as its views."""


_spare, _choosing = [], threading.Lock()  # memory that no array lies in any more


def empty(xp, shape, dtype):
    """``xp.empty`` in memory that an earlier array has left.

    The system hands out fresh memory blank and page by page, which takes as long as computing what goes into it. Each
    step asks for the same large arrays as the step before it, so their memory is kept. CuPy does this by itself.
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


# --- threads ----------------------------------------------------------------------------------------------------------


def available_cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


@cache
def _pool(threads):
    return ThreadPoolExecutor(threads)


_threads = available_cores()
_one_at_a_time, _inside = threading.Lock(), threading.local()


def set_threads(threads):
    """Use this many threads, in the chunks below and in plain matrix products."""
    global _threads
    _threads = threads
    _blas().limit(limits=threads)


def in_chunks(task, count, item_bytes, xp=np):
    """Run ``task(rows)`` for consecutive slices of ``range(count)``; return the sum of what the tasks return.

    item_bytes is the work memory that one item needs: a chunk is as many items as the cache holds, or on a GPU (xp is
    CuPy) as fit in DEVICE_CHUNK_BYTES, and there one chunk is computed after the other. On the host, NumPy releases
    the interpreter lock inside its products and elementwise operations, so chunks run side by side on threads, with
    BLAS itself held to one thread each. Results are added in the order of the slices: the sum does not depend on the
    number of threads. A task may call ``in_chunks`` itself, and then runs its own chunks one after another.
    """
    budget = HOST_CHUNK_BYTES if xp is np else DEVICE_CHUNK_BYTES
    size = max(1, budget // item_bytes)
    slices = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if xp is not np or getattr(_inside, "task", False):
        return _sum(map(task, slices))

    def run(rows):
        _inside.task = True
        try:
            return task(rows)
        finally:
            _inside.task = False

    with _one_at_a_time, _blas().limit(limits=1):
        if len(slices) == 1:
            return run(slices[0])
        return _sum(_results(deque(_pool(_threads).submit(run, rows) for rows in slices)))


def _results(futures):
    """The results in order; after an error or Ctrl-C nothing is started any more, and what runs is waited for."""
    try:
        while futures:
            yield futures[0].result()
            futures.popleft()
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


def _sum(parts):
    total = None
    for part in parts:
        if total is None:
            total = part
        elif part is not None:
            total += part
    return total


# --- the front door ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Config:
    """Say what there is to compute with here, and what to install for a GPU."""


def main():
    from minisiamese.gpu import report

    parse(Config, "python -m minisiamese.backend")
    for line in report():
        print(line)


if __name__ == "__main__":
    front_door(main)
