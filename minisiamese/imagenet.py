"""ResNet-18 and VGG-16 as torchvision has them, its published weights, and blocks that are frozen (report 001).

Notation: N images, H W height and width, C channels in, O channels out, K kernel, D features in, M features out.
"""

import numpy as np

from minisiamese import weights
from minisiamese.backend import array_module
from minisiamese.block import Block
from minisiamese.checkpoint import restore
from minisiamese.convolution import Conv2D
from minisiamese.errors import BadInput
from minisiamese.layers import BatchNorm, Flatten, Layer, Linear, ReLU, Sequential
from minisiamese.pooling import StridedMaxPool2D
from minisiamese.residual import Frozen, GlobalAveragePool, Named, Residual

SIZE = 224  # side of the images
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, as torchvision gives them
WIDTHS = (64, 128, 256, 512)  # channels of ResNet-18's four pairs of blocks
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # of VGG-16: channels, convolutions; each ends with a pool
FEATURES = {"resnet18": 512, "vgg16": 4096}
BLOCKS = {  # the last layer of each block that can be frozen
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),
    "vgg16": ("features.2", "features.7", "features.14", "features.21", "features.28", "classifier.4"),
}
KEYS = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
LEFT_OUT = ("fc.", "classifier.6.")  # the layers that tell ImageNet's classes apart


class Standardise(Layer):
    """y = (x - MEAN) / STD for each channel: images 0..1 as ImageNet's networks were trained on them, (N, H, W, 3).

    Images in grey are kept here with their ink bright, and those networks know paper that is bright: 1 - x takes the
    place of x then, three times. The first layer of a network: its backward returns None.
    """

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x, train=True):
        xp = array_module(x)
        mean, std = xp.asarray(MEAN, x.dtype), xp.asarray(STD, x.dtype)
        return ((1 - x if self.channels == 1 else x) - mean) / std

    def backward(self, dy):
        return None


def resnet18(rng, channels=1):
    """The twin of ResNet-18: images (N, H, W, C) to the means (N, 512) of its last features.

    He et al. 2016, table 1. Each stored variance is of a batch's pixels divided by their number, as all batch norm's
    here; PyTorch's is divided by one less, which shows after training only.
    """
    conv1 = _convolution(3, 64, 7, rng, stride=2, bias=None, input_gradient=False)
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
        conv1=_convolution(before, width, 3, rng, stride=stride, bias=None),
        bn1=BatchNorm(width),
        relu=ReLU(),
        conv2=_convolution(width, width, 3, rng, bias=None),
        bn2=BatchNorm(width),
    )
    if stride == 1:
        return Residual(body)
    return Residual(body, Sequential(_convolution(before, width, 1, rng, stride=2, bias=None), BatchNorm(width)))


def vgg16(rng, channels=1):
    """The twin of VGG-16: images (N, SIZE, SIZE, C) to the 4,096 features (N, M) before its last layer, after ReLU.

    Simonyan & Zisserman 2015, table 1, D. Dropout is left out.
    """
    layers, index, before = {"standardise": Standardise(channels)}, 0, 3
    for width, count in STAGES:  # 224 -> 112 -> 56 -> 28 -> 14 -> 7
        for last in [False] * (count - 1) + [True]:
            convolution = _convolution(before, width, 3, rng, input_gradient=index > 0)
            layers[f"features.{index}"] = Block(convolution, window=2 if last else 1)
            index, before = index + (3 if last else 2), width  # torchvision counts ReLU and pool, too
    pixels, features = (SIZE // 2 ** len(STAGES)) ** 2, FEATURES["vgg16"]
    layers |= {"flatten": Flatten(), "classifier.0": Linear(pixels * before, features, rng, std=0.01)}
    layers |= {"classifier.1": ReLU(), "classifier.3": Linear(features, features, rng, std=0.01)}
    return Named(**layers, **{"classifier.4": ReLU()})


def _convolution(before, width, kernel, rng, stride=1, **options):
    """K x K, padded so that the size stays (or is halved), with He's values by what goes out, as torchvision starts.

    Winograd's way takes a fifth less time than im2col here, while Fourier's, which "auto" would take, takes a quarter
    more: at these sizes memory counts for more than multiplications.
    """
    std = (2 / (kernel * kernel * width)) ** 0.5
    algorithm = "winograd" if (kernel, stride) == (3, 1) and before > 3 else "im2col"
    options |= {"stride": stride, "padding": kernel // 2, "std": std, "algorithm": algorithm}
    return Conv2D(before, width, kernel, rng, **options)


def freeze(twin, last):
    """Freeze the layers of a twin up to the one called ``last``: see ``Frozen``."""
    count = twin.names.index(last) + 1
    twin.layers = (*map(Frozen, twin.layers[:count]), *twin.layers[count:])


# --- published weights ------------------------------------------------------------------------------------------------


def load(twin, path):
    """``fill`` a twin with the weights of a file of torchvision's; see ``weights.read``."""
    fill(twin, weights.read(path), path)


def fill(twin, tensors, path):
    """Fill a twin with {torchvision's name: array}, read from ``path``; BadInput, and nothing is changed, if an array
    is missing, is one too many or has another shape. What only ImageNet's classes need is passed over."""
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
        raise BadInput(f"{path} holds numbers that are infinite or none, in {bad[0]}: the file is damaged")
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
