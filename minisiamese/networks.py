"""The networks, by name.

Each builder returns a ``Siamese`` of a twin and a head; ``rng`` draws the initial weights.
"""

from minisiamese.block import Block
from minisiamese.convolution import Conv2D
from minisiamese.errors import BadInput
from minisiamese.layers import BatchNorm, Flatten, Linear, Sequential, Sigmoid
from minisiamese.siamese import CRITERIA, DistanceHead, EuclideanHead, L1Head, Siamese

# The paper's initial values (section 3.2): standard deviations of weights, (mean, standard deviation) of biases.
PAPER_CONV = {"std": 0.01, "bias": (0.5, 0.01)}
PAPER_LINEAR = {"std": 0.2, "bias": (0.5, 0.01)}


def koch(rng, head="l1", channels=1, init="default"):
    """The paper's network (section 3.1, figure 4), 105 x 105 images to 4,096 sigmoid features.

    ``init="paper"`` draws the paper's initial values and leaves out the head's bias, as the paper's formula does:
    38,951,744 numbers. They start the sigmoid saturated, so the default is He's and Glorot's values and a bias.
    """
    conv = PAPER_CONV if init == "paper" else {}
    linear = PAPER_LINEAR if init == "paper" else {"std": (2 / (9216 + 4096)) ** 0.5}
    twin = Sequential(
        Block(Conv2D(channels, 64, 10, rng, input_gradient=False, **conv), window=2),  # 105 -> 96 -> 48
        Block(Conv2D(64, 128, 7, rng, **conv), window=2),  # 42 -> 21
        Block(Conv2D(128, 128, 4, rng, **conv), window=2),  # 18 -> 9
        Block(Conv2D(128, 256, 4, rng, **conv)),  # 6
        Flatten(),
        Linear(9216, 4096, rng, **linear),
        Sigmoid(),
    )
    alpha = rng.normal(0, 0.2, 4096).astype("float32") if init == "paper" else None
    return Siamese(twin, make_head(head, 4096, alpha=alpha, bias=init != "paper"), size=105, channels=channels)


def conv4(rng, head="l1", channels=1, init="default"):
    """Four blocks of 3 x 3 convolution to 64 channels, batch norm, pool, ReLU; 35 x 35 images to 256 features.

    The network of the few-shot literature (Vinyals et al. 2016, Snell et al. 2017). Batch norm takes away whatever a
    convolution's initial values do, so there is no ``init="paper"``.
    """
    if init != "default":
        raise BadInput("--init paper is for --network koch: conv4 is not a network of the paper")
    layers = []
    for block in range(4):  # 35 -> 17 -> 8 -> 4 -> 2
        convolution = Conv2D(64 if block else channels, 64, 3, rng, padding=1, bias=None, input_gradient=block > 0)
        layers.append(Block(convolution, BatchNorm(64), window=2))
    return Siamese(Sequential(*layers, Flatten()), make_head(head, 256), size=35, channels=channels)


def make_head(name, features, alpha=None, bias=True):
    """The head called l1, euclidean, distance or squared."""
    if name == "l1":
        return L1Head(features, alpha, bias)
    return EuclideanHead() if name == "euclidean" else DistanceHead(squared=name == "squared")


NETWORKS = {"conv4": conv4, "koch": koch}


def build(config, rng, channels=1):
    """The network that a configuration (fields network, loss, head, init) names."""
    head = CRITERIA[config.loss].head
    return NETWORKS[config.network](rng, config.head if head == "similarity" else head, channels, config.init)
