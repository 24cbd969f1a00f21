"""The fast twin of a plain network: ``fuse(network)``."""

from copy import copy

from minisiamese.convolution import Conv2D
from minisiamese.fast.algorithms import FastConv2D
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.first import first
from minisiamese.fast.head import FastL1Head
from minisiamese.fast.layers import FastBatchNorm, FastLinear, FastPool
from minisiamese.layers import BatchNorm, Layer, Linear, Named, ReLU, Sequential
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import L1Head, Siamese

FAST = {Conv2D: FastConv2D, BatchNorm: FastBatchNorm, Linear: FastLinear, L1Head: FastL1Head}
ENDS = ("relu",), ("relu", "pool"), ("pool", "relu")
STAGES = {("conv", *end) for end in ENDS} | {("conv", "norm", *end) for end in ((), *ENDS)}  # computed together


def fuse(network):
    """The fast twin of a network or a layer: the same names, and the same values and gradients to rounding.

    The two share their parameters, gradients and buffers: the dicts, not copies. Layers that make a stage become one
    ``Block``, whose name is empty where others stand beside it. The twin of a ``Siamese`` is
    ``without_input_gradient``, since nobody asks for the gradient with respect to images.
    """
    if isinstance(network, Sequential):
        return _fuse_stages(network)
    if isinstance(network, MaxPool2D):
        return FastPool(network)
    fused = copy(network)
    fused.__class__ = FAST.get(type(network), type(network))
    fused._cache = None
    for name, value in vars(network).items():
        if isinstance(value, Layer):
            setattr(fused, name, fuse(value))
        elif isinstance(value, list | tuple) and all(isinstance(each, Layer) for each in value):
            setattr(fused, name, type(value)(map(fuse, value)))
    return without_input_gradient(fused) if isinstance(fused, Siamese) else fused


def _fuse_stages(network):
    """The fast twin of layers one after another."""
    rest, names, layers = list(network.children()), [], []
    while rest:
        length = stage_length([layer for _, layer in rest])
        stage, rest = rest[: length or 1], rest[length or 1 :]
        names.append("" if length else stage[0][0])
        layers.append(_block(stage) if length else fuse(stage[0][1]))
    if names == [""]:
        return layers[0]
    fused = copy(network)
    if "" in names:
        fused.__class__, fused.names = Named, tuple(names)
    fused.layers, fused._cache = tuple(layers), None
    return fused


def _block(stage):
    """The block that computes a stage, (name, layer) of each of its layers."""
    of_kind = {kind(layer): (name, layer) for name, layer in stage}
    pool = of_kind.get("pool", (None, None))[1]
    names, layers = zip(*(of_kind[each] for each in ("conv", "norm") if each in of_kind), strict=True)
    layers = map(fuse, layers)
    return NormBlock(*layers, pool, "relu" in of_kind, names) if "norm" in of_kind else Block(*layers, pool, names)


def stage_length(layers):
    """How many of these layers, from the first on, one block computes; 0 if none does."""
    kinds = tuple(map(kind, layers[:4]))
    length = max((n for n in range(2, len(kinds) + 1) if kinds[:n] in STAGES), default=0)
    return 0 if "norm" in kinds[:length] and "b" in layers[0].params else length  # a NormBlock adds no bias


def kind(layer):
    """What a layer is to a stage: "conv", "norm", "relu", "pool" or None."""
    kinds = {Conv2D: "conv", BatchNorm: "norm", ReLU: "relu"}
    return "pool" if isinstance(layer, MaxPool2D) else kinds.get(type(layer))


def is_stage(layer):
    """Whether all of a layer's children are computed by one block."""
    children = [child for _, child in layer.children()]
    return isinstance(layer, Named) and stage_length(children) == len(children)


def without_input_gradient(network):
    """A fused network, changed so that a convolution that it begins with leaves out the gradient with respect to the
    images: the network's backward then returns None."""
    layer = network.twin if isinstance(network, Siamese) else network
    while isinstance(layer, Sequential):
        layer = next((each for each in layer.layers if not getattr(each, "stops_gradients", False)), None)
    if isinstance(layer, Block):
        first(layer)
    elif isinstance(layer, FastConv2D):
        layer.input_gradient = False
    return network
