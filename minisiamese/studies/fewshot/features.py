"""The features that ``fewshot`` compares: pixels, HOG, and those of networks before and after training, at any depth.

Notation: M images, D features, H W height and width, C channels.
"""

import numpy as np

from minisiamese.backend import to_host
from minisiamese.data.views import Views
from minisiamese.evaluate import hog
from minisiamese.evaluate.scoring import embed, views_of
from minisiamese.fast.block import Block
from minisiamese.fast.fuse import FAST, is_stage
from minisiamese.fast.layers import FastPool
from minisiamese.layers import Flatten
from minisiamese.runs.build import untrained

BEFORE, AFTER = "untrained network", "this network"
WIDEST = 4096  # numbers of a layer's features, at most
BATCH = 50  # images that go through a network layer by layer at a time


def feature_sets(network, trained, images, device):
    """{name: a list of features (M, D), one for each of several arrays of images}: pixels, HOG, and the embeddings of
    the network before and after training. All are of the images in the run's frame (``data.views.Views``).
    """
    views = [Views(each, hog.SIDE, frame=network.frame)(np.arange(len(each))) for each in images]
    sets = {
        "pixels": [each.reshape(len(each), -1) for each in views],
        "HOG": [hog.features(each, network.frame) for each in images],
    }
    for name, each in ((BEFORE, untrained(trained, network.channels).to(device)), (AFTER, network)):
        sets[name] = [embed(each, views_of(each, some, device))[0] for some in images]
    return sets


def depth_features(network, images, device):
    """{name of a layer: features (M, D)} of the input, and of each layer of the twin but ``Flatten``.

    Features wider than ``WIDEST`` are averaged over blocks of pixels, the smallest that make them narrow enough; pixels
    at the lower and right edge that fill no block are left out.
    """
    views, layers = views_of(network, images, device), network.twin.layers
    names = {depth: f"{depth} {kind(layer)}" for depth, layer in enumerate(layers, 1) if not isinstance(layer, Flatten)}
    names = {0: "0 input"} | names
    parts = {depth: [] for depth in names}
    for start in range(0, len(images), BATCH):
        x = views(np.arange(start, min(start + BATCH, len(images))))
        for depth in range(len(layers) + 1):
            x = layers[depth - 1].forward(x, train=False) if depth else x
            if depth in names:
                parts[depth].append(to_host(_narrowed(x)))
    return {name: np.concatenate(parts[depth]) for depth, name in names.items()}


def kind(layer):
    """The name of a layer's class, the same for a plain layer and its fast twin; a stage is a "Block"."""
    if isinstance(layer, Block) or is_stage(layer):
        return "Block"
    layer = layer.pool if isinstance(layer, FastPool) else layer
    return {fast: plain for plain, fast in FAST.items()}.get(type(layer), type(layer)).__name__


def _narrowed(x):
    """(M, ...) as (M, D) with D at most ``WIDEST``, if blocks as large as the picture make it so."""
    if x.ndim == 2 or x[0].size <= WIDEST:
        return x.reshape(len(x), -1)
    M, H, W, C = x.shape
    side = next((side for side in range(2, min(H, W)) if (H // side) * (W // side) * C <= WIDEST), min(H, W))
    h, w = H // side, W // side
    blocks = x[:, : h * side, : w * side].reshape(M, h, side, w, side, C)
    return blocks.mean(axis=(2, 4)).reshape(M, -1)
