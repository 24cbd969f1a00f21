"""The classifiers that report 000 pretrains, each with its branch: the layers that become a siamese network's twin."""

from minisiamese.fast.fuse import fuse, without_input_gradient
from minisiamese.layers import Linear, ReLU, Sequential
from minisiamese.networks import stages


def mnist_classifier(rng, channels=1):
    """(classifier, branch) for MNIST: images (N, 28, 28, C) to 10 class scores (N, 10), and to 10 features (N, 10).

    The branch has a ReLU where the classifier has its softmax. The two share their layers.
    """
    layers, features = stages(rng, channels, 28, (16, 32))  # 28 -> 14 -> 7
    classifier = Sequential(*layers, Linear(features, 64, rng), ReLU(), Linear(64, 10, rng))
    classifier = without_input_gradient(fuse(classifier))
    return classifier, Sequential(*classifier.layers, ReLU())


def cifar10_classifier(rng, channels=3):
    """(classifier, branch) for CIFAR-10: images (N, 32, 32, C) to 10 class scores (N, 10), and to features (N, 128).

    The branch is the classifier without its last layer. The two share their layers.
    """
    layers, features = stages(rng, channels, 32, (32, 64, 128, 256))  # 32 -> 16 -> 8 -> 4 -> 2
    classifier = Sequential(*layers, Linear(features, 128, rng), ReLU(), Linear(128, 10, rng))
    classifier = without_input_gradient(fuse(classifier))
    return classifier, Sequential(*classifier.layers[:-1])
