"""VGG-16 as torchvision has it (Simonyan & Zisserman 2015; report 001)."""

from minisiamese.backbones.resnet import SIZE, Standardise, he_convolution
from minisiamese.layers import Flatten, Linear, Named, ReLU
from minisiamese.networks import make_head
from minisiamese.pooling import MaxPool2D
from minisiamese.siamese import Siamese

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions; each stage ends with a pool
FEATURES = 4096
BLOCKS = ("features.2", "features.7", "features.14", "features.21", "features.28", "classifier.4")  # can be frozen


def vgg16(rng, head="euclidean", channels=1):
    """VGG-16 without its last layer, 224 x 224 images to 4,096 features, 134 million weights (report 001)."""
    return Siamese(vgg16_twin(rng, channels), make_head(head, FEATURES), size=SIZE, channels=channels)


def vgg16_twin(rng, channels=1):
    """The twin of VGG-16: images (N, SIZE, SIZE, C) to the 4,096 features (N, M) before its last layer, after ReLU.

    Simonyan & Zisserman 2015, table 1, D. Dropout is left out.
    """
    layers, index, before = {"standardise": Standardise(channels)}, 0, 3
    for width, count in STAGES:  # 224 -> 112 -> 56 -> 28 -> 14 -> 7
        for last in [False] * (count - 1) + [True]:
            pool = {"pool": MaxPool2D(2)} if last else {}
            layers[f"features.{index}"] = Named(conv=he_convolution(before, width, 3, rng), relu=ReLU(), **pool)
            index, before = index + (3 if last else 2), width  # torchvision counts ReLU and pool, too
    pixels = (SIZE // 2 ** len(STAGES)) ** 2
    layers |= {"flatten": Flatten(), "classifier.0": Linear(pixels * before, FEATURES, rng, std=0.01)}
    layers |= {"classifier.1": ReLU(), "classifier.3": Linear(FEATURES, FEATURES, rng, std=0.01)}
    return Named(**layers, **{"classifier.4": ReLU()})
