import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import call

from lessons import cupy_double
from minisiamese import backend, memory, threads
from minisiamese.bench import gpu
from minisiamese.errors import BadInput

THIRD = threads.HOST_CHUNK_BYTES // 3 + 1  # two items to a chunk


def test_numpy_arrays_are_numpys():
    x = np.zeros(2)
    assert backend.array_module(x) is np
    assert backend.to_host(x) is x and backend.to_device(x, "cpu") is x


def test_there_and_back(put, device):
    host = np.arange(6, dtype=np.float32).reshape(2, 3)
    x = put(host)
    assert np.array_equal(backend.to_host(x), host) and isinstance(backend.to_host(x), np.ndarray)
    backend.to_device(x, device)[0] = 7  # what is there already is not copied
    assert backend.to_host(x)[0, 0] == 7
    x[0, :] = put(np.arange(3, dtype=np.float32))
    host = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(backend.to_device(x, "cpu"), host)
    assert (backend.array_module(x) is np) == (device == "cpu")
    backend.check_device(device)
    backend.synchronize(device)


def cupy_that_says(error):
    def ones(*_):
        raise error

    return SimpleNamespace(float32=np.float32, ones=ones)


NO_GPU = cupy_that_says(RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected\nand more"))
NO_LIBRARY = cupy_that_says(OSError("libnvrtc.so was not found"))
BROKEN = cupy_that_says(
    ImportError("\n=====\nFailed to import CuPy.\n\nOriginal error:\n  ImportError: libfoo\n=====\n")
)


@pytest.mark.parametrize(
    ("cupy", "driver", "message"),
    [
        (None, None, r"no NVIDIA driver was found\. With an NVIDIA GPU and its driver: pip install -e '\.\[cuda12\]'"),
        (None, 12, r"CuPy is not installed: pip install -e '\.\[cuda12\]'"),
        (None, 14, r"CuPy is not installed: pip install -e '\.\[cuda13\]'"),
        (None, 11, r"CuPy is not installed: the NVIDIA driver is for CUDA 11, and CuPy needs 12. .*\[cuda12\]'"),
        (NO_GPU, None, r"no NVIDIA driver was found\. .*\[cuda12\]'"),
        (NO_GPU, 12, r"CuPy cannot be used \(.*no CUDA-capable device is detected\): the driver is for CUDA 12"),
        (NO_LIBRARY, 12, r"CuPy cannot be used \(libnvrtc.so was not found\): pip .*cuda12.*libraries, too"),
        (BROKEN, 12, r"CuPy cannot be used \(ImportError: libfoo\): pip .*cuda12.*libraries, too"),
        (cupy_that_says(MemoryError()), 12, r"CuPy cannot be used \(MemoryError\): the driver is for CUDA 12"),
    ],
)
def test_what_a_gpu_is_missing_is_said_with_its_cure(monkeypatch, capsys, cupy, driver, message):
    monkeypatch.setitem(sys.modules, "cupy", cupy)  # None: as if it were not installed
    monkeypatch.setattr(backend, "driver_cuda", lambda: driver)
    with pytest.raises(BadInput, match=f"^--device cuda: {message}; or use --device cpu$"):
        backend.check_device("cuda")
    assert call(monkeypatch, gpu.main) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"cpu: Python 3.{sys.version_info[1]}") and np.__version__ in lines[0]
    assert len(lines) == 2 and lines[1].startswith("cuda: ")


def test_the_driver_is_asked_what_it_runs(monkeypatch):
    def library(name):
        if name != "libcuda.so.1":
            raise OSError
        return SimpleNamespace(cuDriverGetVersion=lambda version: setattr(version._obj, "value", 12080))

    monkeypatch.setattr(backend.ctypes, "CDLL", library)
    assert backend.driver_cuda() == 12
    monkeypatch.setattr(backend.ctypes, "CDLL", lambda name: library("another"))
    assert backend.driver_cuda() is None


def test_the_report_tries_the_gpu(device, monkeypatch, capsys):
    if device == "cpu":
        pytest.skip("of a GPU")
    monkeypatch.delenv("CUPY_TF32", raising=False)
    assert call(monkeypatch, gpu.main) == 0
    out = capsys.readouterr().out
    assert f"cuda: CuPy {sys.modules['cupy'].__version__} for CUDA 1" in out and gpu.gpu_name() in out
    assert "as they should be" in out and "TF32, which rounds what is multiplied to 11 digits in base 2, is off" in out
    monkeypatch.setenv("CUPY_TF32", "1")
    assert "in base 2, is on, since CUPY_TF32 is set" in "\n".join(gpu.report())


def test_the_report_sees_wrong_numbers_and_is_not_misled_by_roundings(monkeypatch):
    cupy_double.install(monkeypatch)
    monkeypatch.setattr(threads, "DEVICE_CHUNK_BYTES", 64)  # other sums than NumPy's
    right = gpu.gradients_of_small_network
    assert len(right("cpu")) == 10  # dx, and of each parameter
    assert all(abs(gradient).max() > 1e-3 for gradient in right("cpu"))  # none is but a rounding
    assert "as they should be" in "\n".join(gpu.report())
    for place in range(len(right("cpu"))):

        def wrong(device, place=place):
            gradients = right(device)
            gradients[place] = gradients[place] * (1.001 if device == "cuda" else 1)
            return gradients

        monkeypatch.setattr(gpu, "gradients_of_small_network", wrong)
        assert "which is WRONG" in "\n".join(gpu.report())


def test_python_m_backend_is_the_report():
    done = subprocess.run([sys.executable, "-m", "minisiamese.backend"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("cpu: Python 3.") and not done.stderr


def test_the_report_takes_no_options(monkeypatch, capsys):
    assert call(monkeypatch, gpu.main, "--device", "cuda") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_nothing_imports_cupy_unasked(tmp_path):
    """With a CuPy that cannot be imported in its place, every module of the library can."""
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy/__init__.py").write_text("raise RuntimeError('imported')")
    code = (
        "import importlib, pkgutil, sys, minisiamese\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "for module in pkgutil.walk_packages(minisiamese.__path__, 'minisiamese.'):\n"
        "    if not module.name.endswith(('torch_twin', '__main__')):\n"
        "        importlib.import_module(module.name)\n"
        "        print(module.name)\n"
        "assert not any(name.startswith('cupy') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"minisiamese.backend", "minisiamese.train.loop", "minisiamese.studies.report000.grid"} <= set(
        done.stdout.split()
    )


def test_a_chunk_fits_the_cache_or_a_share_of_a_gpus_memory(put, device):
    def chunks(count, item_bytes):
        rows = []
        threads.in_chunks(rows.append, count, item_bytes, backend.array_module(put([1])))
        return len(rows)

    assert chunks(4, 4 << 20) == (4 if device == "cpu" else 1)
    assert chunks(4, 1 << 30) == 4


def test_chunks_add_up_in_order(put, monkeypatch):
    monkeypatch.setattr(threads, "DEVICE_CHUNK_BYTES", threads.HOST_CHUNK_BYTES)
    parts, xp = [], backend.array_module(put([1]))
    total = threads.in_chunks(lambda rows: parts.append(rows) or xp.asarray([rows.stop - rows.start]), 10, THIRD, xp)
    assert total.tolist() == [10]
    assert sorted((rows.start, rows.stop) for rows in parts) == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert threads.in_chunks(lambda rows: None, 10, 1) is None


def test_an_error_in_a_chunk_is_not_lost():
    def fail(rows):
        raise ValueError(f"chunk {rows.start}")

    with pytest.raises(ValueError, match="chunk 0"):
        threads.in_chunks(fail, 10, THIRD)


@pytest.mark.parametrize("later", [0, 1])
def test_the_error_is_that_of_the_first_chunk_that_fails_whichever_fails_later(monkeypatch, later):
    monkeypatch.setattr(threads, "_threads", 2)
    both = threading.Barrier(2)

    def fail(rows):
        both.wait(timeout=10)
        time.sleep(0.05 * (rows.start == later))
        raise ValueError(f"chunk {rows.start}")

    with pytest.raises(ValueError, match="chunk 0"):
        threads.in_chunks(fail, 8, threads.HOST_CHUNK_BYTES)


def test_an_interrupt_stops_all_threads(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 2)
    begun = []

    def task(rows):
        begun.append(rows.start)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        threads.in_chunks(task, 40, threads.HOST_CHUNK_BYTES)
    assert len(begun) <= 3


def test_column_sums(rng, put):
    x = rng.normal(size=(7, 3)).astype(np.float32)
    sums = backend.column_sums(put(x))
    np.testing.assert_allclose(backend.to_host(sums), x.sum(axis=0), rtol=1e-5)
    assert sums.dtype == np.float32


def test_a_task_may_have_chunks_of_its_own():
    def task(rows):
        return threads.in_chunks(lambda inner: np.array([inner.stop - inner.start]), rows.stop - rows.start, THIRD * 2)

    assert threads.in_chunks(task, 10, THIRD).tolist() == [10]


def test_after_an_error_no_chunk_is_running(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 2)
    done = []

    def task(rows):
        if rows.start == 0:
            raise ValueError
        time.sleep(0.05)
        done.append(rows.start)

    with pytest.raises(ValueError):
        threads.in_chunks(task, 40, THIRD)
    seen = len(done)
    assert seen < 19
    time.sleep(0.2)
    assert len(done) == seen


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_nothing_lies_in_it(monkeypatch):
    monkeypatch.setattr(memory, "_spare", [])
    shape = (3, memory.SMALL_BYTES)
    first = memory.empty(np, shape, np.uint8)
    view = first[1:, 5:][:, 3:]
    view[:] = 7
    place = address(first)
    del first  # the view still needs it
    second = memory.empty(np, shape, np.uint8)
    second[:] = 1
    assert address(second) != place and np.all(view == 7)
    del view
    third = memory.empty(np, (memory.SMALL_BYTES,), np.float16)  # smaller: it fits
    assert address(third) == place
    assert third.shape == (memory.SMALL_BYTES,) and third.dtype == np.float16
    del third
    fourth = memory.empty(np, (4, memory.SMALL_BYTES), np.float64)  # larger than anything there is
    fourth[:] = 2
    assert np.all(second == 1)
    del fourth
    fifth = memory.empty(np, (6, memory.SMALL_BYTES), np.uint8)  # a fifth of what there is, and more than a third
    assert fifth.base.nbytes == fifth.nbytes


def test_growing_arrays_leave_no_trail(monkeypatch):
    monkeypatch.setattr(memory, "_spare", [])
    for count in range(1, 20):
        memory.empty(np, (count, memory.SMALL_BYTES), np.uint8)
    assert [memory.nbytes for memory in memory._spare] == [19 * memory.SMALL_BYTES]


def test_small_arrays_are_numpys_own():
    assert memory.empty(np, (3, 4), np.float32).base is None
