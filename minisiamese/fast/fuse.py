"""The fast twin of a plain network: ``fuse(network)``."""

from copy import copy

from minisiamese.convolution import Conv2D
from minisiamese.fast.algorithms import FastConv2D
from minisiamese.fast.block import Block, NormBlock
from minisiamese.fast.first import first
from minisiamese.fast.layers import FastBatchNorm, FastLinear
from minisiamese.layers import BatchNorm, Layer, Linear, Named, ReLU, Sequential
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import Siamese

FAST = {Conv2D: FastConv2D, BatchNorm: FastBatchNorm, Linear: FastLinear}
KINDS = {"conv": Conv2D, "norm": BatchNorm, "relu": ReLU, "pool": MaxPool2D}
ENDS = ("relu",), ("relu", "pool"), ("pool", "relu")
STAGES = {("conv", *norm, *end) for norm in ((), ("norm",)) for end in ENDS}  # names of their layers


def fuse(network):
    """The fast twin of a network or a layer: the same names, and the same values and gradients to rounding.

    The two share their parameters, gradients and buffers: the dicts, not copies. A stage becomes one ``Block``. The
    twin of a ``Siamese`` is ``without_input_gradient``, since nobody asks for the gradient with respect to images.
    """
    if is_stage(network):
        layers = dict(network.children())
        conv, window = fuse(layers["conv"]), layers["pool"].window if "pool" in layers else 1
        return NormBlock(conv, fuse(layers["norm"]), window) if "norm" in layers else Block(conv, window)
    fused = copy(network)
    fused.__class__ = FAST.get(type(network), type(network))
    fused._cache = None
    for name, value in vars(network).items():
        if isinstance(value, Layer):
            setattr(fused, name, fuse(value))
        elif isinstance(value, list | tuple) and all(isinstance(each, Layer) for each in value):
            setattr(fused, name, type(value)(map(fuse, value)))
    return without_input_gradient(fused) if isinstance(fused, Siamese) else fused


def is_stage(layer):
    """Whether a layer is a ``Named`` stage that a ``Block`` or a ``NormBlock`` computes."""
    if type(layer) is not Named or layer.names not in STAGES:
        return False
    kinds_fit = all(type(each) is KINDS[name] for name, each in layer.children())
    return kinds_fit and not ("norm" in layer.names and "b" in layer.layers[0].params)  # a NormBlock adds no bias


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
