"""Is there a GPU to compute on, does it compute rightly, and if not, what is missing? What ``backend.py`` prints."""

import ctypes
import os
import platform
from contextlib import suppress

import numpy as np
from threadpoolctl import threadpool_info

from minisiamese.backend import available_cores, to_device, to_host
from minisiamese.convolution import Conv2D
from minisiamese.layers import BatchNorm, Flatten, Linear, Sequential, Sigmoid
from minisiamese.siamese import L1Head

EXTRAS = 12, 13  # CUDA's versions that there is an extra for


def gpu_name(number=0):
    """What the maker calls the GPU of this number."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()


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


def gradients(device):
    """Every gradient of a small network on ``device``, with both ways to convolve."""
    rng = np.random.default_rng(0)
    twin = Sequential(
        Conv2D(1, 3, 3, rng, algorithm="im2col"),
        Sigmoid(),  # or batch norm would take the convolution's bias away again, and its gradient would be a rounding
        Conv2D(3, 4, 3, rng, bias=None, algorithm="fourier"),
        BatchNorm(4),
        Flatten(),
        Linear(64, 5, rng),
        Sigmoid(),
    ).to(device)
    head = L1Head(5).to(device)
    images, ds = (rng.normal(size=shape).astype(np.float32) for shape in ((3, 8, 8, 1), 4))
    pairs = np.array([[0, 1], [1, 2], [2, 0], [1, 0]])
    head.forward(twin.forward(to_device(images, device)), to_device(pairs, device))
    dx = twin.backward(head.backward(to_device(ds, device)))
    return [to_host(array) for array in (dx, *(grad for part in (*twin.layers, head) for grad in part.grads.values()))]


def report():
    """Lines that say what there is to compute with."""
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    blas = " and ".join(f"{each['internal_api']} {each['version']}" for each in libraries)
    yield f"cpu: Python {platform.python_version()}, NumPy {np.__version__} with {blas}, {available_cores()} cores"
    lacking = missing()
    if lacking:
        yield f"cuda: {lacking}"
        return
    import cupy

    runtime, tf32 = cupy.cuda.runtime, os.environ.get("CUPY_TF32", "0") != "0"
    versions = runtime.runtimeGetVersion(), runtime.driverGetVersion()
    built, newest = (f"{version // 1000}.{version % 1000 // 10}" for version in versions)
    yield f"cuda: CuPy {cupy.__version__} for CUDA {built}, on a driver for CUDA {newest}"
    for number in range(runtime.getDeviceCount()):
        free, total = (size / (1 << 30) for size in cupy.cuda.Device(number).mem_info)
        yield f"  {number}: {gpu_name(number)}, {free:.1f} of {total:.1f} GiB free"
    yield "  --device cuda takes number 0; CUDA_VISIBLE_DEVICES chooses which that is"
    errors = [abs(a - b).max() / abs(b).max() for a, b in zip(gradients("cuda"), gradients("cpu"), strict=True)]
    verdict = "as they should be" if max(errors) < (1e-2 if tf32 else 1e-4) else "which is WRONG: do not use it"
    yield f"  gradients of a small network differ from NumPy's by {max(errors):.0e}, {verdict}"
    on = "on, since CUPY_TF32 is set, except in products of batches" if tf32 else "off"
    yield f"  TF32, which rounds what is multiplied to 11 digits in base 2, is {on}"
