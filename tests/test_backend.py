import sys

import numpy as np
import pytest

from minisiamese import backend
from minisiamese.errors import BadInput


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
    total = backend.in_chunks(lambda rows: parts.append(rows) or np.array([rows.stop - rows.start]), 10, 700_000)
    assert total.tolist() == [10]
    assert sorted((rows.start, rows.stop) for rows in parts) == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert backend.in_chunks(lambda rows: None, 10, 1) is None


def test_an_error_in_a_chunk_is_not_lost():
    def fail(rows):
        raise ValueError(f"chunk {rows.start}")

    with pytest.raises(ValueError, match="chunk 0"):
        backend.in_chunks(fail, 10, 700_000)
