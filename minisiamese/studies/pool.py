"""Processes that work for a study side by side.

Each is begun anew, since threads do not survive a fork; computes on one thread; does not hear Ctrl-C, SIGTERM and
SIGHUP, which are for the parent; and ends when the parent does.
"""

import multiprocessing
import os
import signal
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess

from minisiamese.commands.doors import STOPPING, deaf
from minisiamese.errors import BadInput
from minisiamese.threads import available_cores, set_threads


class _Deaf(SpawnProcess):
    """A process that hears no signal to stop, and so is killed where others are terminated."""

    terminate = SpawnProcess.kill


class _Context(SpawnContext):
    Process = _Deaf


CONTEXT = _Context()


@contextmanager
def processes(count, begin, *arguments):
    """An executor of ``count`` processes, at most two for each core. Each calls ``begin(*arguments)`` before its first
    work.

    BadInput if one of them is killed.
    """
    try:
        with deaf():
            pool = _DeafPool(min(count, 2 * available_cores()), CONTEXT, _begin, (begin, arguments))
        with pool:
            yield pool
    except BrokenProcessPool:
        raise BadInput("a process was ended from outside, for want of memory perhaps: try --resume") from None


def started(work, *arguments):
    """A process that carries out ``work(*arguments)``."""
    process = CONTEXT.Process(target=_begin, args=(work, arguments))
    with deaf():
        process.start()
    return process


class _DeafPool(ProcessPoolExecutor):
    """Processes begin when work is given to them."""

    def submit(self, *work):
        with deaf():
            return super().submit(*work)


def _begin(begin, arguments):
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_threads(1)
    warnings.simplefilter("ignore", RuntimeWarning)  # overflow shows as a loss that is not finite
    begin(*arguments)


def _end_with_parent():
    """Children outlive a parent that is killed, and would write into the folder of the run that goes on."""
    multiprocessing.parent_process().join()
    os._exit(1)
