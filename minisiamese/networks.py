"""The networks, by name.

Each builder returns a ``Siamese`` of a twin and a head; ``rng`` draws the initial weights.
"""

import numpy as np

from minisiamese import imagenet
from minisiamese.block import Block
from minisiamese.convolution import Conv2D
from minisiamese.errors import BadInput
from minisiamese.layers import BatchNorm, Flatten, Linear, ReLU, Sequential, Sigmoid
from minisiamese.siamese import CRITERIA, DistanceHead, EuclideanHead, L1Head, Siamese

# How the paper's networks start: standard deviations of weights, (mean, standard deviation) of biases.
INITIAL = {
    "paper": {"conv": {"std": 0.01, "bias": (0.5, 0.01)}, "linear": {"std": 0.2, "bias": (0.5, 0.01)}, "alpha": 0.2},
    "narrow": {"conv": {"std": 0.01, "bias": (0, 0.01)}, "linear": {"std": 0.01, "bias": (0, 0.01)}, "alpha": 0.01},
}


def koch(rng, head="l1", channels=1, init="default"):
    """The paper's network (section 3.1, figure 4), 105 x 105 images to 4,096 sigmoid features.

    ``init="paper"`` draws the paper's initial values (section 3.2) and leaves out the head's bias, as the paper's
    formula does: 38,951,744 numbers. They start the sigmoid saturated, so the default is He's and Glorot's values and a
    bias. ``init="narrow"`` is N(0, 0.01) for all but the head's bias, as in source 003 (whose last kernel is 5 x 5).
    """
    return _koch(rng, 105, (64, 128, 128, 256), (10, 7, 4, 4), head, channels, init)  # 105 -> 48 -> 21 -> 9 -> 6


def koch35(rng, head="l1", channels=1, init="default"):
    """The paper's reduced network for MNIST (section 4.4), 35 x 35 images to 4,096 sigmoid features.

    The paper gives its input alone. Here the kernels are a half or less of the large network's, and all else is kept.
    """
    return _koch(rng, 35, (64, 128, 128, 256), (4, 3, 2, 2), head, channels, init)  # 35 -> 16 -> 7 -> 3 -> 2


def _koch(rng, size, widths, kernels, head, channels, init):
    start = INITIAL.get(init, {"conv": {}, "linear": {}, "alpha": None})
    layers, side, before = [], size, channels
    for block, (width, kernel) in enumerate(zip(widths, kernels, strict=True)):
        convolution = Conv2D(before, width, kernel, rng, input_gradient=block > 0, **start["conv"])
        window = 1 if block == len(widths) - 1 else 2  # the last block is not pooled
        layers.append(Block(convolution, window=window))
        side, before = (side - kernel + 1) // window, width
    features = side * side * before
    linear = start["linear"] or {"std": (2 / (features + 4096)) ** 0.5}
    twin = Sequential(*layers, Flatten(), Linear(features, 4096, rng, **linear), Sigmoid())
    alpha = rng.normal(0, start["alpha"], 4096).astype("float32") if start["alpha"] else None
    return Siamese(twin, make_head(head, 4096, alpha=alpha, bias=init != "paper"), size=size, channels=channels)


def conv4(rng, head="l1", channels=1, embedding=None, size=35, widths=(64, 64, 64, 64)):
    """Four blocks of 3 x 3 convolution, batch norm, pool, ReLU; 35 x 35 images to 256 features.

    The network of the few-shot literature (Vinyals et al. 2016, Snell et al. 2017). A fully connected layer makes as
    many features of them as ``embedding`` says, if it does (256 in report 001).
    """
    layers, features = _blocks(rng, channels, size, widths)
    if embedding:
        layers, features = [*layers, Linear(features, embedding, rng)], embedding
    return Siamese(Sequential(*layers), make_head(head, features), size=size, channels=channels)


def _blocks(rng, channels, size, widths):
    """(layers, features): blocks of 3 x 3 convolution, batch norm, pool, ReLU, each half the size before, flattened."""
    layers, before = [], channels
    for block, width in enumerate(widths):  # 35 -> 17 -> 8 -> 4 -> 2
        convolution = Conv2D(before, width, 3, rng, padding=1, bias=None, input_gradient=block > 0)
        layers.append(Block(convolution, BatchNorm(width), window=2))
        before = width
    return [*layers, Flatten()], (size // 2 ** len(widths)) ** 2 * before


def conv4_wide(rng, head="l1", channels=1, embedding=None):
    """conv4 on 52 x 52 images with twice the channels in its last two blocks: 1,152 features, 261,000 weights."""
    return conv4(rng, head, channels, embedding, size=52, widths=(64, 64, 128, 128))


def resnet18(rng, head="euclidean", channels=1):
    """ResNet-18 without its last layer, 224 x 224 images to 512 features, 11.2 million weights (report 001)."""
    return _pretrainable("resnet18", imagenet.resnet18, rng, head, channels)


def vgg16(rng, head="euclidean", channels=1):
    """VGG-16 without its last layer, 224 x 224 images to 4,096 features, 134 million weights (report 001)."""
    return _pretrainable("vgg16", imagenet.vgg16, rng, head, channels)


def _pretrainable(name, twin, rng, head, channels):
    network = twin(rng, channels)
    return Siamese(network, make_head(head, imagenet.FEATURES[name]), size=imagenet.SIZE, channels=channels)


def mnist_classifier(rng, channels=1):
    """(classifier, branch) of report 000 for MNIST: from images (N, 28, 28, C) 10 class scores (N, 10), and as features
    (N, 10) the same through a ReLU where the classifier has its softmax. The two share their weights."""
    layers, features = _blocks(rng, channels, 28, (16, 32))  # 28 -> 14 -> 7
    classifier = Sequential(*layers, Linear(features, 64, rng), ReLU(), Linear(64, 10, rng))
    return classifier, Sequential(*classifier.layers, ReLU())


def cifar10_classifier(rng, channels=3):
    """(classifier, branch) of report 000 for CIFAR-10: from images (N, 32, 32, C) 10 class scores (N, 10), and as
    features what comes before the last layer (N, 128). The two share their weights."""
    layers, features = _blocks(rng, channels, 32, (32, 64, 128, 256))  # 32 -> 16 -> 8 -> 4 -> 2
    branch = Sequential(*layers, Linear(features, 128, rng), ReLU())
    return Sequential(*branch.layers, Linear(128, 10, rng)), branch


def make_head(name, features, alpha=None, bias=True):
    """The head called l1, euclidean, distance or squared."""
    if name == "l1":
        return L1Head(features, alpha, bias)
    return EuclideanHead() if name == "euclidean" else DistanceHead(squared=name == "squared")


NETWORKS = {"conv4": conv4, "conv4-wide": conv4_wide, "koch": koch, "koch35": koch35}
NETWORKS |= {"resnet18": resnet18, "vgg16": vgg16}


def build(config, rng, channels=1):
    """The network that a configuration (fields network, loss, head, init, embedding, frame, freeze) names."""
    head = CRITERIA[config.loss].head
    start = {"init": config.init} if config.init != "default" else {}  # only the paper's networks have others
    start |= {"embedding": config.embedding} if config.embedding else {}  # and only conv4 and conv4-wide take one
    network = NETWORKS[config.network](rng, config.head if head == "similarity" else head, channels, **start)
    network.frame = config.frame
    if config.freeze:
        imagenet.freeze(network.twin, imagenet.BLOCKS[config.network][config.freeze - 1])
    return network


def initial(config, rng, channels=1):
    """``build``, with the published weights that a configuration starts from, if its field ``weights`` names a file."""
    network = build(config, rng, channels)
    if config.weights:
        imagenet.load(network.twin, config.weights)
    return network


def untrained(config, channels=1):
    """The network that a run began with, its weights by its seed or from the file of ``weights``; BadInput if that is
    no longer there."""
    try:
        return initial(config, np.random.default_rng(config.seed), channels)
    except BadInput as error:
        raise BadInput(f"{error}; the run began with it, and is compared with the network before training") from None
