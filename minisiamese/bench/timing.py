"""How long functions and layers take, their memory, and the arithmetic that layers stand for, for the bench."""

import sys
import time
from statistics import median

import numpy as np

from minisiamese.backend import array_module, synchronize, to_device
from minisiamese.fast import algorithms, first, fourier, winograd
from minisiamese.fast.algorithms import FastConv2D
from minisiamese.fast.block import Block
from minisiamese.fast.first import FirstBlock, FirstNormBlock
from minisiamese.layers import Linear

PEAK_SIZE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product measures the machine
GIGA = 1e9


def seconds_of(function, times, device="cpu"):
    """Seconds of each call, until the device has finished, after one call that is not counted."""
    function()
    seconds = []
    for _ in range(times):
        synchronize(device)
        start = time.perf_counter()
        function()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return seconds


def machine_peak(device="cpu"):
    """GFLOP/s of a large matrix product, on all threads or on the GPU."""
    size = PEAK_SIZE[device]
    a, b, c = to_device(np.ones((3, size, size), np.float32), device)
    xp = array_module(a)
    return 2 * size**3 / min(seconds_of(lambda: xp.matmul(a, b, out=c), 10, device)) / GIGA


def peak_bytes(device, which):
    """The most memory that this process has held, on a GPU in its pool; None where the system does not say."""
    if device == "cuda" and which != "ours":
        import torch

        return torch.cuda.max_memory_reserved()
    if device == "cuda":
        import cupy

        return cupy.get_default_memory_pool().total_bytes()
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def parts_of(network):
    """The layers that others are made of, in the order of a forward pass; a ``Block`` counts as one."""
    inside = {part for _, layer in network.walk() if isinstance(layer, Block) for _, part in layer.children()}
    layers = [layer for _, layer in network.walk() if layer not in inside]
    return [layer for layer in layers if isinstance(layer, Block) or not layer.children()]


def layer_table(layers, step, steps, device="cpu"):
    """For each layer that ``step()`` goes through, seconds forward and backward, and GFLOP: by the definition of the
    layer, and really done."""
    rows = [{"layer": type(layer).__name__, "forward": [], "backward": []} for layer in layers]
    shapes = {}
    for layer, row in zip(layers, rows, strict=True):
        for way in ("forward", "backward"):
            setattr(layer, way, _timed(layer, way, row[way], shapes, device))
    seconds_of(step, steps, device)
    for layer, row in zip(layers, rows, strict=True):
        row |= {way: median(row[way][1:]) for way in ("forward", "backward")} | arithmetic(layer, shapes[layer])
    return rows


def _timed(layer, way, seconds, shapes, device):
    function = getattr(layer, way)

    def timed(x, *arguments):
        if way == "forward":
            shapes[layer] = x.shape
        synchronize(device)
        start = time.perf_counter()
        y = function(x, *arguments)
        synchronize(device)
        seconds.append(time.perf_counter() - start)
        return y

    return timed


def arithmetic(layer, shape):
    """GFLOP of the matrix products of a layer, forward and backward, for x of ``shape``: {} if it has none.

    By definition a convolution takes what im2col takes, and Winograd's way half of it. The five products of Fourier's
    way do with less: in all, the image's side is passed three times (its transform once more, and dx), the
    output's twice, and there are three products (the kernel's own transform, a few percent of a large batch, is not
    counted).
    """
    if isinstance(layer, Linear):
        gflop = 3 * 2 * shape[0] * layer.params["W"].size / GIGA
        return {"gflop": gflop, "gflop_done": gflop}
    conv = layer.conv if isinstance(layer, Block) else layer
    if not isinstance(conv, FastConv2D):
        return {}
    shapes = shape, conv.params["W"].shape, conv.stride, conv.padding
    passes = 3 if conv.input_gradient else 2
    definition = done = passes * algorithms.multiplications(*shapes)
    algorithm = conv.algorithm(shape)
    if isinstance(layer, FirstBlock | FirstNormBlock):
        algorithm, done = "patches", passes * first.multiplications_of(layer, shape)
    elif algorithm == "winograd":
        done = passes * winograd.multiplications(*shapes)
    elif algorithm == "fourier":
        rows, columns, product, columns_back, rows_back = fourier.multiplications(*shapes)
        done = passes * (rows + columns + product) + 2 * (columns_back + rows_back)
    K, _, C, O = conv.params["W"].shape
    name = f"{type(layer).__name__} {K} x {K}, {C} to {O}, {algorithm}"
    return {"layer": name, "gflop": 2 * shape[0] * definition / GIGA, "gflop_done": 2 * shape[0] * done / GIGA}
