"""The networks of the paper and of the few-shot literature, of plain layers (Koch et al., section 3.1 and figure 4).

Each builder returns a ``Siamese`` of a twin and a head; ``rng`` draws the initial weights. A stage is convolution,
batch norm where there is one, ReLU and max-pool, named ``conv``, ``norm``, ``relu`` and ``pool``.
"""

from minisiamese.convolution import Conv2D
from minisiamese.layers import BatchNorm, Flatten, Linear, Named, ReLU, Sequential, Sigmoid
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import DistanceHead, EuclideanHead, L1Head, Siamese

FEATURES = 4096  # of the paper's embeddings
# How the paper's networks start: standard deviations of weights, (mean, standard deviation) of biases.
INITIAL = {
    "default": {"conv": {}, "linear": {}, "alpha": None},
    "paper": {"conv": {"std": 0.01, "bias": (0.5, 0.01)}, "linear": {"std": 0.2, "bias": (0.5, 0.01)}, "alpha": 0.2},
    "narrow": {"conv": {"std": 0.01, "bias": (0, 0.01)}, "linear": {"std": 0.01, "bias": (0, 0.01)}, "alpha": 0.01},
}


def koch(rng, head="l1", channels=1, init="default", maps=(64, 128, 128, 256), kernels=(10, 7, 4, 4), embedding=None):
    """The paper's network (section 3.1, figure 4), 105 x 105 images to 4,096 sigmoid features.

    ``init="paper"`` draws the paper's initial values (section 3.2) and leaves out the head's bias, as the paper's
    formula does: 38,951,744 numbers. They start the sigmoid saturated, so the default is He's and Glorot's values and a
    bias. ``init="narrow"`` is N(0, 0.01) for all but the head's bias, as in source 003 (whose last kernel is 5 x 5).

    ``maps`` are the feature maps of each convolution, ``kernels`` the sides of its kernels, and ``embedding`` is the
    number of features, 4,096 if it is None. The paper searched for the best ones (section 3.2). ValueError if the
    kernels leave no pixel of an image.
    """
    features = embedding or FEATURES
    twin = _paper_twin(rng, channels, init, 105, maps, kernels, features)  # 105 -> 96 -> 48 -> 42 -> 21 -> 18 -> 9 -> 6
    return Siamese(twin, _paper_head(rng, head, init, features), size=105, channels=channels)


def koch35(rng, head="l1", channels=1, init="default", maps=(64, 128, 128, 256), kernels=(4, 3, 2, 2), embedding=None):
    """The paper's reduced network for MNIST (section 4.4), 35 x 35 images to 4,096 sigmoid features.

    The paper gives the size of its input alone. Here the kernels are a half or less of the large network's, and all
    else is kept. Arguments as ``koch`` has them.
    """
    features = embedding or FEATURES
    twin = _paper_twin(rng, channels, init, 35, maps, kernels, features)  # 35 -> 32 -> 16 -> 14 -> 7 -> 6 -> 3 -> 2
    return Siamese(twin, _paper_head(rng, head, init, features), size=35, channels=channels)


def _paper_twin(rng, channels, init, size, maps, kernels, features):
    """Stages of convolution, ReLU and max-pool, the last one without a pool; then a fully connected layer and
    sigmoids."""
    if len(maps) != len(kernels):
        raise ValueError(f"maps of {len(maps)} convolutions do not go with kernels of {len(kernels)}")
    layers, before, side = [], channels, size
    for place, (width, kernel) in enumerate(zip(maps, kernels, strict=True), start=1):
        stage = {"conv": Conv2D(before, width, kernel, rng, **INITIAL[init]["conv"]), "relu": ReLU()}
        before, side = width, side - kernel + 1
        if place < len(maps):
            stage["pool"], side = MaxPool2D(2), side // 2
        if side < 1:
            raise ValueError(f"kernels of {', '.join(map(str, kernels))} leave no pixel of {size} x {size}")
        layers.append(Named(**stage))
    inputs = side * side * before
    glorot = {"std": (2 / (inputs + features)) ** 0.5}
    return Sequential(
        *layers, Flatten(), Linear(inputs, features, rng, **(INITIAL[init]["linear"] or glorot)), Sigmoid()
    )


def _paper_head(rng, head, init, features):
    std = INITIAL[init]["alpha"]
    alpha = rng.normal(0, std, features).astype("float32") if std else None
    return make_head(head, features, alpha=alpha, bias=init != "paper")


def conv4(rng, head="l1", channels=1, embedding=None, size=35, widths=(64, 64, 64, 64)):
    """Four stages of 3 x 3 convolution, batch norm, ReLU and pool; 35 x 35 images to 256 features.

    The network of the few-shot literature (Vinyals et al. 2016, Snell et al. 2017). With ``embedding``, a fully
    connected layer at its end makes so many features of them (256 in report 001).
    """
    layers, features = stages(rng, channels, size, widths)
    if embedding:
        layers, features = [*layers, Linear(features, embedding, rng)], embedding
    return Siamese(Sequential(*layers), make_head(head, features), size=size, channels=channels)


def conv4_wide(rng, head="l1", channels=1, embedding=None):
    """conv4 on 52 x 52 images with twice the channels in its last two stages: 1,152 features, 261,000 weights."""
    return conv4(rng, head, channels, embedding, size=52, widths=(64, 64, 128, 128))


def stages(rng, channels, size, widths):
    """(layers, features): stages of 3 x 3 convolution, batch norm, ReLU and pool, each half the size before it, and
    a ``Flatten``."""
    layers = []
    for width in widths:  # 35 -> 17 -> 8 -> 4 -> 2
        conv = Conv2D(channels, width, 3, rng, padding=1, bias=None)
        layers.append(Named(conv=conv, norm=BatchNorm(width), relu=ReLU(), pool=MaxPool2D(2)))
        channels, size = width, size // 2
    return [*layers, Flatten()], size * size * channels


def make_head(name, features, alpha=None, bias=True):
    """The head called l1, euclidean, distance or squared."""
    if name == "l1":
        return L1Head(features, alpha, bias)
    return EuclideanHead() if name == "euclidean" else DistanceHead(squared=name == "squared")
