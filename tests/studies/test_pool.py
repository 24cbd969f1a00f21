"""The processes of studies: how they begin, and what is said when one of them is killed."""

import os
import signal

import pytest
from threadpoolctl import threadpool_info

from minisiamese.errors import BadInput
from minisiamese.studies.pool import processes


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_a_process_computes_on_one_thread_and_does_not_hear_ctrl_c():
    with processes(1, os.putenv, "begun", "yes") as pool:
        assert set(pool.submit(blas_threads).result()) == {1}
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN


def test_a_process_that_is_killed_is_one_line():
    with pytest.raises(BadInput, match="ended from outside"), processes(1, print) as pool:
        pool.submit(os._exit, 1).result()
