"""Processes that work for a study side by side.

Each is begun anew, since threads do not survive a fork; computes on one thread; does not hear Ctrl-C, which is for the
parent; and ends when the parent does.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from minisiamese.errors import BadInput
from minisiamese.threads import set_threads

CONTEXT = multiprocessing.get_context("spawn")


@contextmanager
def processes(count, begin, *arguments):
    """An executor of ``count`` processes, each of which calls ``begin(*arguments)`` before its first work.

    BadInput if one of them is killed.
    """
    try:
        with _DeafPool(count, CONTEXT, _begin, (begin, arguments)) as pool:
            yield pool
    except BrokenProcessPool:
        raise BadInput("a process was ended from outside, for want of memory perhaps: try --resume") from None


class _DeafPool(ProcessPoolExecutor):
    """Processes begin when work is given to them; they do not hear Ctrl-C even then, where the system can do that."""

    def submit(self, *work):
        if not hasattr(signal, "pthread_sigmask"):
            return super().submit(*work)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(*work)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(begin, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_threads(1)
    begin(*arguments)


def _end_with_parent():
    """Children outlive a parent that is killed, and would write into the folder of the run that goes on."""
    multiprocessing.parent_process().join()
    os._exit(1)
