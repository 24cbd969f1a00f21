"""ResNet-18 as torchvision has it, and how it and VGG-16 see images and are frozen (He et al. 2016; report 001).

Notation: N images, H W height and width, C channels in, O channels out, K kernel or window, S stride, P padding.
"""

import numpy as np

from minisiamese.backbones.residual import Frozen, GlobalAveragePool, Residual
from minisiamese.backend import array_module
from minisiamese.convolution import Conv2D
from minisiamese.layers import BatchNorm, Layer, Named, ReLU, Sequential
from minisiamese.networks import make_head
from minisiamese.pooling import MaxPool2D, largest
from minisiamese.siamese import Siamese

SIZE = 224  # side of the images
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, as torchvision gives them
WIDTHS = (64, 128, 256, 512)  # channels of the four pairs of residual blocks
BLOCKS = ("layer1", "layer2", "layer3", "layer4")  # the last layer of each block that can be frozen


class Standardise(Layer):
    """y = (x - MEAN) / STD for each channel: images 0..1 as ImageNet's networks were trained on them, (N, H, W, 3).

    ImageNet expects dark on white, and grey images are kept here with their ink bright: of them, 1 - x takes the place
    of x, three times. The first layer of a network: its backward returns None.
    """

    stops_gradients = True

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x, train=True):
        xp = array_module(x)
        mean, std = xp.asarray(MEAN, x.dtype), xp.asarray(STD, x.dtype)
        return ((1 - x if self.channels == 1 else x) - mean) / std

    def backward(self, dy):
        return None


class StridedMaxPool2D(MaxPool2D):
    """y[n,i,j,c] = the maximum of x over the window of K x K pixels from (iS - P, jS - P), as far as it lies in x.

    y is (N, Ho, Wo, C) with Ho = (H + 2P - K) // S + 1 and Wo = (W + 2P - K) // S + 1. Windows overlap where S < K: a
    pixel takes the gradients of all windows that it wins, and of equal pixels the first in a window wins. He et al.
    2016, table 1.
    """

    def __init__(self, window=3, stride=2, padding=1):
        super().__init__(window)
        if not 0 <= padding <= window // 2:
            raise ValueError(f"a padding of {padding} leaves windows of {window} with no pixel of the image")
        self.stride, self.padding = stride, padding

    def pool(self, x):
        xp, P, (N, H, W, C) = array_module(x), self.padding, x.shape
        Ho, Wo = self.pooled_size(H), self.pooled_size(W)
        if min(Ho, Wo) < 1:
            raise ValueError(f"windows of {self.window} with padding {P} do not fit images of {x.shape}")
        padded = xp.full((N, H + 2 * P, W + 2 * P, C), -np.inf, x.dtype)
        padded[:, P : P + H, P : P + W] = x
        return largest([padded[place] for place in self.places(Ho, Wo)])

    def unpool(self, dy, winner, shape):
        P, (N, H, W, C) = self.padding, shape
        padded = array_module(dy).zeros((N, H + 2 * P, W + 2 * P, C), dy.dtype)
        for k, place in enumerate(self.places(*dy.shape[1:3])):
            padded[place] += dy * (winner == k)
        return padded[:, P : P + H, P : P + W]

    def pooled_size(self, size):
        return (size + 2 * self.padding - self.window) // self.stride + 1

    def places(self, Ho, Wo):
        """For each pixel of a window, line by line, where it lies in the padded images for all Ho x Wo windows."""
        K, S = self.window, self.stride
        return [(slice(None), slice(i, i + S * Ho, S), slice(j, j + S * Wo, S)) for i in range(K) for j in range(K)]


def resnet18(rng, head="euclidean", channels=1):
    """ResNet-18 without its last layer, 224 x 224 images to 512 features, 11.2 million weights (report 001)."""
    return Siamese(resnet18_twin(rng, channels), make_head(head, WIDTHS[-1]), size=SIZE, channels=channels)


def resnet18_twin(rng, channels=1):
    """The twin of ResNet-18: images (N, H, W, C) to the means (N, 512) of its last features.

    He et al. 2016, table 1. Each stored variance is the mean square over a batch's pixels, as of all batch norm here;
    PyTorch divides by one pixel less, which shows after training only.
    """
    conv1 = he_convolution(3, 64, 7, rng, stride=2, bias=None)
    layers = {"standardise": Standardise(channels), "conv1": conv1, "bn1": BatchNorm(64)}
    # the ReLU of the maximum is the maximum of the ReLUs, and is taken on a quarter of the numbers
    layers |= {"maxpool": StridedMaxPool2D(3, stride=2, padding=1), "relu": ReLU()}
    before = 64
    for number, width in enumerate(WIDTHS, start=1):  # 56 -> 56 -> 28 -> 14 -> 7
        layers[f"layer{number}"] = Sequential(_residual(before, width, rng), _residual(width, width, rng))
        before = width
    return Named(**layers, avgpool=GlobalAveragePool())


def _residual(before, width, rng):
    """Two convolutions; where there are more channels after them than before, the size is halved."""
    stride = 1 if before == width else 2
    body = Named(
        conv1=he_convolution(before, width, 3, rng, stride=stride, bias=None),
        bn1=BatchNorm(width),
        relu=ReLU(),
        conv2=he_convolution(width, width, 3, rng, bias=None),
        bn2=BatchNorm(width),
    )
    if stride == 1:
        return Residual(body)
    return Residual(body, Sequential(he_convolution(before, width, 1, rng, stride=2, bias=None), BatchNorm(width)))


def he_convolution(before, width, kernel, rng, stride=1, bias=(0.0, 0.0)):
    """K x K, padded so that the size stays (or is halved), with He's values by the channels that go out, as torchvision
    starts."""
    std = (2 / (kernel * kernel * width)) ** 0.5
    return Conv2D(before, width, kernel, rng, stride=stride, padding=kernel // 2, std=std, bias=bias)


def freeze(twin, last):
    """Freeze the layers of a twin up to the one called ``last``: see ``Frozen``."""
    count = twin.names.index(last) + 1
    twin.layers = (*map(Frozen, twin.layers[:count]), *twin.layers[count:])
