"""From settings to objects, before the first step: network, sampler, criterion, optimiser, distortions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import NamedTuple

import numpy as np

from minisiamese import data, mining
from minisiamese.backbones import published, resnet, vgg
from minisiamese.backbones.residual import Frozen
from minisiamese.criteria import CRITERIA
from minisiamese.data.affine import draw_distortions, draw_photographic
from minisiamese.data.chimeras import chimeras
from minisiamese.data.samplers import DRAWINGS, Batch, Episodes, Pairs, PairSet, Sampler, Triplets
from minisiamese.data.views import Views
from minisiamese.data.warps import draw_warps, warped
from minisiamese.errors import BadInput
from minisiamese.fast.fuse import fuse
from minisiamese.networks import conv4, conv4_wide, koch, koch35
from minisiamese.optimizers import OPTIMIZERS, SCHEDULES
from minisiamese.runs.start import fill

MADE_UP, MADE_UP_STEPS = 10, 10  # alphabets that --mix makes up at a time, and the steps after which it makes others

# --- networks by name -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Architecture:
    """A network by name: its builder, the settings that not every network has, and its usual settings.

    ``build(rng, head, channels, **options)`` returns a plain ``Siamese``.
    """

    help: str
    build: Callable
    options: tuple[str, ...] = ()  # the ones of ``OF_SOME`` that ``build`` takes
    blocks: tuple[str, ...] = ()  # of a network with published weights: the last layer of each block that can be frozen
    usual: dict = field(default_factory=dict)  # settings in place of the defaults
    ways: int = 60  # classes a step, where the loss takes classes, nothing is said and there are as many
    tuples: int = 128  # pairs or triplets a step, where nothing is said
    largest: int = 105  # side in pixels at which a user's own images are kept

    def has(self, option):
        """Whether one of ``OF_SOME``, weights or freeze is a setting of this network."""
        return option in self.options or (option in ("weights", "freeze") and bool(self.blocks))


OF_SOME = ("init", "embedding", "maps", "kernels")  # settings that some builders take
# usual for networks that are large, and may be pretrained
LARGE = {"usual": {"lr": (1e-4,), "views": 1}, "ways": 8, "tuples": 16, "largest": resnet.SIZE}
NETWORKS = {
    "conv4": Architecture("35 x 35, four small blocks", conv4, options=("embedding",)),
    "conv4-wide": Architecture("52 x 52", conv4_wide, options=("embedding",)),
    "koch": Architecture("the paper's, 105 x 105", koch, options=OF_SOME),
    "koch35": Architecture("the paper's for MNIST, 35 x 35", koch35, options=OF_SOME),
    "resnet18": Architecture("224 x 224", resnet.resnet18, blocks=resnet.BLOCKS, **LARGE),
    "vgg16": Architecture("224 x 224", vgg.vgg16, blocks=vgg.BLOCKS, **LARGE),
}


def build(settings, rng, channels=1):
    """The network that the settings name, for images of so many channels; fused, unless they say --plain. Blocks that
    --freeze names, or all of the twin with --tune head, are ``Frozen``."""
    network, architecture = settings.network, NETWORKS[settings.network.name]
    kind = CRITERIA[settings.loss.name].head
    options = {key: value for key in architecture.options if (value := getattr(network, key))}
    try:
        siamese = architecture.build(rng, network.head if kind == "similarity" else kind, channels, **options)
    except ValueError as error:
        raise BadInput(str(error)) from None
    siamese.frame = settings.data.frame
    if network.freeze:
        resnet.freeze(siamese.twin, architecture.blocks[network.freeze - 1])
    siamese = siamese if network.plain else fuse(siamese)
    if network.tune == "head":
        siamese.twin.layers = tuple(map(Frozen, siamese.twin.layers))
    return siamese


def initial(settings, rng, channels=1):
    """``build``, with the weights that a run starts from: published ones, if --weights names their file, or those of
    the run that --start names."""
    network = build(settings, rng, channels)
    if settings.network.start:
        fill(network, settings.network.start)
    if settings.network.weights:
        published.load(network.twin, settings.network.weights)
    return network


def untrained(settings, channels=1):
    """The network that a run began with, its weights by its seed, or from the file of --weights or the run of --start;
    BadInput if that is no longer there."""
    try:
        return initial(settings.but(plain=False, tune="all"), np.random.default_rng(settings.seed), channels)
    except BadInput as error:
        raise BadInput(f"{error}; the run began with it, and is compared with the network before training") from None


# --- what steps are of ------------------------------------------------------------------------------------------------


class Material(NamedTuple):
    """Drawings to train on: the data set, turned if the settings say so; its sampler, its views, and its miner."""

    dataset: data.Dataset
    sampler: Sampler
    views: Views
    mine: Callable


def material_of(settings, dataset, network):
    """The ``Material`` of a data set for a network; BadInput if it has too few images or classes for a step."""
    dataset = dataset.turned() if settings.data.turn else dataset
    views = Views(dataset.images, network.size, settings.machine.device, network.frame)
    return Material(dataset, sampler_of(settings, dataset), views, miner_of(settings, dataset.labels))


def shares_of(settings):
    """{kind of alphabets: share of the steps} as --mix has it; ValueError for what is no number."""
    parts = (each.partition(":") for each in settings.data.mix)
    return {kind: float(share) for kind, _, share in parts}


def made_up(kind, settings, training, network, epoch):
    """The ``Material`` of ``MADE_UP`` alphabets, glyphs or chimeras of the data set ``training``.

    Every epoch, ``MADE_UP_STEPS`` long, and every seed has others, and none has glyphs of the built-in data set.
    """
    drawers = settings.loss.drawings or DRAWINGS
    if kind == "glyphs":
        first = (settings.seed + 1) * 10**6 + epoch * MADE_UP
        dataset = data.glyphs.make(range(first, first + MADE_UP), drawers, quiet=True)
    else:
        rng = np.random.default_rng([settings.seed, 2, epoch])  # a stream of its own
        dataset = chimeras(training, MADE_UP, drawers, rng)
    return material_of(settings, dataset, network)


# --- the parts of a step ----------------------------------------------------------------------------------------------


def part_of(name, settings, data_dir=None):
    """The ``"training"``, ``"validation"`` or ``"evaluation"`` images as the settings divide them, from ``data_dir``.

    Images of one's own are where the run had them, if ``data_dir`` is None.
    """
    if data.DATASETS[settings.data.name].needs:
        data_dir = data_dir or settings.machine.data_dir
    return data.part(name, settings.data, data_dir, NETWORKS[settings.network.name].largest)


def takes_classes(settings):
    """Whether a step is of classes: of the losses on episodes, and where triplets are mined among classes."""
    return CRITERIA[settings.loss.name].tuples == "episodes" or settings.loss.mining != "random"


def sampler_of(settings, dataset):
    """The sampler of a data set's rows; BadInput if it has too few of them."""
    loss = settings.loss
    if takes_classes(settings):
        ways = loss.batch or min(NETWORKS[settings.network.name].ways, len(dataset.rows_of_class))
        drawings = loss.drawings or min(DRAWINGS, *map(len, dataset.rows_of_class))
        return Episodes(dataset, ways, drawings, loss.within)
    if loss.pairs:
        return PairSet(dataset, loss.batch, loss.pairs, settings.data.distort, settings.seed, loss.within)
    if CRITERIA[loss.name].tuples == "pairs":
        return Pairs(dataset, loss.batch, loss.within, loss.positive)
    return Triplets(dataset, loss.batch, loss.within)


def distortions_of(settings):
    """``draw(rng, batch)``: maps (N, 2, 3), with --warp (N, 2, 3 + K), that distort a batch's rows, its own if it has
    some; None for no maps."""
    draw_maps = draw_photographic if settings.data.flips else draw_distortions

    def draw(rng, batch):
        if batch.matrices is not None or not settings.data.distort:
            return batch.matrices
        maps, strength = draw_maps(rng, len(batch.rows)), settings.data.warp
        return warped(maps, draw_warps(rng, len(maps), strength)) if strength else maps

    return draw


def criterion_of(settings):
    """``criterion(head, z, batch) -> (loss, dz)``."""
    return partial(CRITERIA[settings.loss.name].compute, margin=settings.loss.margin)


def miner_of(settings, labels):
    """``mine(head, z, batch, rng)``: the batch with the triplets to learn from, where they are chosen by distances.

    labels (M,) are the classes of the data set's rows.
    """
    loss = settings.loss

    def mine(head, z, batch, rng):
        if loss.mining == "random":
            return batch
        how = labels[batch.rows], loss.mining, loss.margin, rng, loss.hardest
        return Batch(batch.rows, **mining.mine(head, z, *how))

    return mine


def optimizer_of(settings, network):
    """The optimiser of a network's parameters; BadInput for a number of rates or weights that does not fit them."""
    learning, optimizer = settings.learning, OPTIMIZERS[settings.learning.optimizer]
    options = {key: getattr(learning, key) for key in signature(optimizer).parameters if hasattr(learning, key)}
    try:
        return optimizer(network, rates=learning.lr, **options)
    except ValueError as error:
        raise BadInput(str(error)) from None


def schedule_of(settings):
    """``schedule(step, steps)``: the factor on the rates, and the most that a momentum may be."""
    return partial(SCHEDULES[settings.learning.schedule], epoch_steps=settings.learning.epoch_steps)
