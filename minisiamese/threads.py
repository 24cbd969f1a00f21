"""Work on a few images at a time, side by side on threads."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

# Work arrays of one chunk: few enough to stay in a processor's caches, and enough numbers that NumPy's calls, and the
# threads' turns at Python's lock between them, take little of the time; on a GPU, enough to keep it busy.
HOST_CHUNK_BYTES = 4 << 20
DEVICE_CHUNK_BYTES = 1 << 30
SMALLEST_SHARE = 16  # of a chunk: less work than this is not worth a thread's turn


@cache
def _there_are_threads():
    """Whether this Python can start threads; Pyodide's, which runs in a browser, cannot."""
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        return False
    return True


def available_cores():
    """How many cores this process may use: one where no thread can be started."""
    if not _there_are_threads():
        return 1
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
    """Use this many threads, or one where there are none, in the chunks below and in plain matrix products."""
    global _threads
    _threads = threads if _there_are_threads() else 1
    _blas().limit(limits=threads)


def chunk_bytes(xp):
    """Bytes of the work arrays of one chunk."""
    return HOST_CHUNK_BYTES if xp is np else DEVICE_CHUNK_BYTES


@contextmanager
def one_blas_thread():
    """Hold the matrix products in this block to one thread, as ``in_chunks`` does.

    OpenBLAS's threads, once a product has woken them, look for the next one in a loop for some 20 ms, on the cores
    that chunks want: a small product between two layers costs more by that than by itself.
    """
    if getattr(_inside, "task", False):
        yield  # a task of ``in_chunks`` is held to one already
        return
    with _one_at_a_time, _blas().limit(limits=1):
        yield


def in_chunks(task, count, item_bytes, xp=np):
    """Run ``task(rows)`` for consecutive slices of ``range(count)``; return the sum of what the tasks return.

    item_bytes is the work memory that one item needs: a chunk is as many items as the cache holds, or on a GPU (xp is
    CuPy) as fit in DEVICE_CHUNK_BYTES, and there one chunk is computed after the other. On the host, NumPy releases
    the interpreter lock inside its products and elementwise operations, so chunks run side by side on threads, with
    BLAS itself held to one thread each. Results are added in the order of the slices: the sum does not depend on the
    number of threads. A task may call ``in_chunks`` itself, and then runs its own chunks one after another.
    """
    budget = chunk_bytes(xp)
    size = max(1, budget // item_bytes)
    if count * item_bytes > budget // SMALLEST_SHARE:
        # nearly equal chunks, and about as many for each core
        size = -(-count // (2 * -(-count // (2 * size))))
    slices = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if xp is not np or getattr(_inside, "task", False):
        return _sum(map(task, slices))

    with one_blas_thread():
        work = _Work(task, slices)
        others = []
        try:
            for _ in range(min(_threads, len(slices)) - 1):
                others.append(_pool(_threads).submit(work.go_on))
            work.go_on()
            wait(others)
        finally:  # also after Ctrl-C while this thread waits
            work.stop()
            wait(others)
        return work.result()


class _Work:
    """Slices that several threads take in turn, and the sum of what the task returns for them, in their order."""

    def __init__(self, task, slices):
        self.task, self.slices, self.total, self.errors = task, slices, None, []
        self.stopped, self.taken, self.added = False, 0, 0  # how many slices are taken, and added to the total
        self.parts, self.turn = {}, threading.Lock()

    def go_on(self):
        """Take one slice after another. After an error or Ctrl-C in any thread no further one is begun."""
        _inside.task, number = True, 0
        try:
            while (number := self._take()) is not None:
                self._add(number, self.task(self.slices[number]))
        except BaseException as error:
            self.stop()
            self.errors.append((isinstance(error, Exception), number or 0, error))
        finally:
            _inside.task = False

    def stop(self):
        """Begin no further slice."""
        self.stopped = True

    def result(self):
        """The sum; or an interrupt, or else the error of the first slice that has one, raised."""
        if self.errors:
            raise min(self.errors, key=lambda each: each[:2])[2]
        return self.total

    def _take(self):
        with self.turn:
            if self.stopped or self.taken == len(self.slices):
                return None
            self.taken += 1
            return self.taken - 1

    def _add(self, number, part):
        with self.turn:
            self.parts[number] = part
            while self.added in self.parts:
                self.total = _sum([self.total, self.parts.pop(self.added)])
                self.added += 1


def _sum(parts):
    total = None
    for part in parts:
        if total is None:
            total = part
        elif part is not None:
            total += part
    return total
