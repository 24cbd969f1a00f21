import sys
import time

import numpy as np
import pytest

from minisiamese import backend
from minisiamese.errors import BadInput

THIRD = backend.HOST_CHUNK_BYTES // 3 + 1  # two items to a chunk


def test_numpy_arrays_are_numpys():
    x = np.zeros(2)
    assert backend.array_module(x) is np
    assert backend.to_host(x) is x and backend.to_device(x, "cpu") is x


def test_cuda_without_cupy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    with pytest.raises(BadInput, match=r"cuda12.*--device cpu"):
        backend.check_device("cuda")


def test_cuda_without_a_gpu_says_so(monkeypatch):
    class CupyWithoutDriver:
        float32 = np.float32

        @staticmethod
        def ones(*_):
            raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected\nand more")

    monkeypatch.setitem(sys.modules, "cupy", CupyWithoutDriver)
    with pytest.raises(BadInput, match=r"no usable GPU.*no CUDA-capable device is detected.*--device cpu"):
        backend.check_device("cuda")


def test_chunks_add_up_in_order():
    parts = []
    total = backend.in_chunks(lambda rows: parts.append(rows) or np.array([rows.stop - rows.start]), 10, THIRD)
    assert total.tolist() == [10]
    assert sorted((rows.start, rows.stop) for rows in parts) == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert backend.in_chunks(lambda rows: None, 10, 1) is None


def test_an_error_in_a_chunk_is_not_lost():
    def fail(rows):
        raise ValueError(f"chunk {rows.start}")

    with pytest.raises(ValueError, match="chunk 0"):
        backend.in_chunks(fail, 10, THIRD)


def test_column_sums(rng):
    x = rng.normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(backend.column_sums(x), x.sum(axis=0), rtol=1e-5)
    assert backend.column_sums(x).dtype == np.float32


def test_a_task_may_have_chunks_of_its_own():
    def task(rows):
        return backend.in_chunks(lambda inner: np.array([inner.stop - inner.start]), rows.stop - rows.start, THIRD * 2)

    assert backend.in_chunks(task, 10, THIRD).tolist() == [10]


def test_after_an_error_no_chunk_is_running(monkeypatch):
    monkeypatch.setattr(backend, "_threads", 2)
    done = []

    def task(rows):
        if rows.start == 0:
            raise ValueError
        time.sleep(0.05)
        done.append(rows.start)

    with pytest.raises(ValueError):
        backend.in_chunks(task, 40, THIRD)
    seen = len(done)
    assert seen < 19
    time.sleep(0.2)
    assert len(done) == seen


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_nothing_lies_in_it(monkeypatch):
    monkeypatch.setattr(backend, "_spare", [])
    shape = (3, backend.SMALL_BYTES)
    first = backend.empty(np, shape, np.uint8)
    view = first[1:, 5:][:, 3:]
    view[:] = 7
    place = address(first)
    del first  # the view still needs it
    second = backend.empty(np, shape, np.uint8)
    second[:] = 1
    assert address(second) != place and np.all(view == 7)
    del view
    third = backend.empty(np, (backend.SMALL_BYTES,), np.float16)  # smaller: it fits
    assert address(third) == place
    assert third.shape == (backend.SMALL_BYTES,) and third.dtype == np.float16
    del third
    fourth = backend.empty(np, (4, backend.SMALL_BYTES), np.float64)  # larger than anything there is
    fourth[:] = 2
    assert np.all(second == 1)
    del fourth
    fifth = backend.empty(np, (6, backend.SMALL_BYTES), np.uint8)  # a fifth of what there is, and more than a third
    assert fifth.base.nbytes == fifth.nbytes


def test_growing_arrays_leave_no_trail(monkeypatch):
    monkeypatch.setattr(backend, "_spare", [])
    for count in range(1, 20):
        backend.empty(np, (count, backend.SMALL_BYTES), np.uint8)
    assert [memory.nbytes for memory in backend._spare] == [19 * backend.SMALL_BYTES]


def test_small_arrays_are_numpys_own():
    assert backend.empty(np, (3, 4), np.float32).base is None
