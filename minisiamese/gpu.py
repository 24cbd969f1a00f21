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

CUDA = 12, 13  # for which of CUDA's versions there is an extra


def gpu_name(number=0):
    """What the maker calls the GPU of this number."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()


def driver():
    """The newest CUDA that this machine's NVIDIA driver can run, 12 for 12.x; None if there is no driver."""
    version = ctypes.c_int()
    for name in ("libcuda.so.1", "nvcuda.dll"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(name).cuDriverGetVersion(ctypes.byref(version))
    return version.value // 1000 or None


def missing():
    """What there is not that a GPU needs, and what to do about it, in one line; None if a tiny product succeeds."""
    runs = driver()
    install = f"pip install -e '.[cuda{min(max(runs or 0, CUDA[0]), CUDA[1])}]'"
    try:
        import cupy

        (cupy.ones((2, 2), np.float32) @ cupy.ones((2, 2), np.float32)).get()
        return None
    except ModuleNotFoundError:
        what, cure = "CuPy is not installed", install
    except Exception as error:  # CuPy reports a missing driver, library or GPU by many unrelated types
        lines = [line.strip() for line in str(error).splitlines() if any(map(str.isalnum, line))]
        lines = lines or [type(error).__name__]
        # CuPy's error of an import says what was wrong in its last line
        what = f"CuPy cannot be used ({lines[-1 if isinstance(error, ImportError) else 0]})"
        # CUDA's own errors are of the GPU or of its driver, all others of what is installed
        cure = f"the driver runs CUDA {runs}" if "cudaError" in what else f"{install} brings CUDA's libraries, too"
    if not runs:
        return f"no NVIDIA driver was found, and {what}" + (f" (with a driver: {cure})" if cure == install else "")
    if runs < CUDA[0]:
        cure = f"the NVIDIA driver runs CUDA {runs}, and CuPy needs {CUDA[0]}: update the driver, then {install}"
    return f"{what}: {cure}"


def gradients(device):
    """Every gradient of a small network on ``device``, whose layers need all that the library asks of one."""
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

    runtime, tf32 = cupy.cuda.runtime, int(os.environ.get("CUPY_TF32") or 0) > 0
    versions = runtime.runtimeGetVersion(), runtime.driverGetVersion()
    built, runs = (f"{version // 1000}.{version % 1000 // 10}" for version in versions)
    yield f"cuda: CuPy {cupy.__version__} for CUDA {built}, on a driver for up to {runs}"
    for number in range(runtime.getDeviceCount()):
        free, total = (size / (1 << 30) for size in cupy.cuda.Device(number).mem_info)
        yield f"  {number}: {gpu_name(number)}, {free:.1f} of {total:.1f} GiB free"
    yield "  --device cuda takes number 0; CUDA_VISIBLE_DEVICES chooses which that is"
    errors = [abs(a - b).max() / abs(b).max() for a, b in zip(gradients("cuda"), gradients("cpu"), strict=True)]
    verdict = "as they should be" if max(errors) < (1e-2 if tf32 else 1e-4) else "which is WRONG"
    yield f"  gradients of a small network are NumPy's to {max(errors):.0e}, {verdict}"
    on = "on for all products but those in batches, since CUPY_TF32 is set" if tf32 else "off"
    yield f"  TF32, which rounds what is multiplied to 10 bits, is {on}"
