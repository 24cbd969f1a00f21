"""Torchvision's published weights for the twins of ``resnet.py`` and ``vgg.py`` (report 001).

Notation: C channels in, O channels out, K kernel, D features in, M features out.
"""

import numpy as np

from minisiamese.backbones import torch_files
from minisiamese.backbones.vgg import STAGES
from minisiamese.checkpoint import restore
from minisiamese.errors import BadInput

KEYS = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
LEFT_OUT = ("fc.", "classifier.6.")  # the layers that tell ImageNet's classes apart


def load(twin, path):
    """``fill`` a twin with the weights of a file of torchvision's; see ``torch_files.read``."""
    fill(twin, torch_files.read(path), path)


def fill(twin, tensors, path):
    """Fill a twin with {torchvision's name: array}, read from ``path``; BadInput, and nothing is changed, if an array
    is missing, is one too many or has another shape. Arrays that only tell ImageNet's classes apart are passed over."""
    arrays = twin.arrays()
    ours = {published_name(name): name for name in arrays}
    theirs = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(LEFT_OUT) and not name.endswith("num_batches_tracked")
    }
    shapes = {name: _published_shape(arrays[ours[name]].shape) for name in ours}
    wrong = {
        "missing": [name for name in ours if name not in theirs],
        "too many": [name for name in theirs if name not in ours],
        "of another shape": [name for name in theirs if name in ours and theirs[name].shape != shapes[name]],
    }
    if bad := [name for name, tensor in theirs.items() if not np.isfinite(tensor).all()]:
        raise BadInput(f"{path} holds numbers that are infinite or NaN, in {bad[0]}: the file is damaged")
    if any(wrong.values()):
        lists = (
            f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
            for what, names in wrong.items()
            if names
        )
        raise BadInput(f"{path} holds the weights of another network: of {len(ours)} arrays, {'; '.join(lists)}")
    restore(arrays, {ours[name]: _our_axes(name, tensor) for name, tensor in theirs.items()}, path)


def published_name(name):
    """Torchvision's name of an array of ours: layer1.0.body.conv1.W is layer1.0.conv1.weight there."""
    *layers, key = name.split(".")
    layers = ["downsample" if layer == "shortcut" else layer for layer in layers if layer not in ("body", "conv")]
    return ".".join([*layers, KEYS[key]])


def _published_shape(shape):
    """(O, C, K, K) for (K, K, C, O), (M, D) for (D, M)."""
    return (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]


def _our_axes(name, tensor):
    if name == "classifier.0.weight":  # of images that are flattened channel by channel, here pixel by pixel
        channels = STAGES[-1][0]
        side = round((tensor.shape[1] / channels) ** 0.5)
        return tensor.reshape(-1, channels, side, side).transpose(2, 3, 1, 0).reshape(tensor.shape[::-1])
    return tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T
