"""Is there a GPU to compute on, does it compute rightly, and if not, what is missing?

    python -m minisiamese.backend

prints the answers.
"""

import os
import platform
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_info

from minisiamese.backend import missing, to_device, to_host
from minisiamese.commands.doors import front_door, parse
from minisiamese.convolution import Conv2D
from minisiamese.fast.fuse import fuse
from minisiamese.layers import BatchNorm, Flatten, Linear, Sequential, Sigmoid
from minisiamese.siamese import L1Head
from minisiamese.threads import available_cores


def gpu_name(number=0):
    """The maker's name of the GPU of this number."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()


def gradients_of_small_network(device):
    """Every gradient of a small network on ``device``, fused, with a convolution by im2col and one by Fourier."""
    rng = np.random.default_rng(0)
    twin = fuse(
        Sequential(
            Conv2D(1, 24, 3, rng),
            Sigmoid(),  # or batch norm would take the bias away again, and the bias's gradient would be a rounding
            Conv2D(24, 24, 5, rng, bias=None),
            BatchNorm(24),
            Flatten(),
            Linear(8 * 8 * 24, 5, rng),
            Sigmoid(),
        )
    ).to(device)
    head = L1Head(5).to(device)
    images, ds = (rng.normal(size=shape).astype(np.float32) for shape in ((3, 14, 14, 1), 4))
    pairs = np.array([[0, 1], [1, 2], [2, 0], [1, 0]])
    head.forward(twin.forward(to_device(images, device)), to_device(pairs, device))
    dx = twin.backward(head.backward(to_device(ds, device)))
    parts = [part for network in (twin, head) for _, part in network.walk()]
    return [to_host(array) for array in (dx, *(grad for part in parts for grad in part.grads.values()))]


def report():
    """Lines about the processors to compute on."""
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
    errors = [
        abs(a - b).max() / abs(b).max() for a, b in zip(*map(gradients_of_small_network, ("cuda", "cpu")), strict=True)
    ]
    verdict = "as they should be" if max(errors) < (1e-2 if tf32 else 1e-4) else "which is WRONG: do not use it"
    yield f"  gradients of a small network differ from NumPy's by {max(errors):.0e}, {verdict}"
    on = "on, since CUPY_TF32 is set, except in products of batches" if tf32 else "off"
    yield f"  TF32, which rounds what is multiplied to 11 digits in base 2, is {on}"


@dataclass(frozen=True)
class BackendOptions:
    """Say which processors there are to compute on here, and how to install support for a GPU."""


def main():
    parse(BackendOptions, "python -m minisiamese.backend")
    for line in report():
        print(line)


if __name__ == "__main__":
    front_door(main)
