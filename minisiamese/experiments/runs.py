"""What report 000 trains: a classifier, its branch taken as a siamese network, and that trained on pairs or triplets.

The report's branches were pretrained on *all* ten classes, those that its "hard" test calls unseen included. Here
everything is done twice: so, and *clean*, with a classifier of the five seen classes alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from minisiamese import losses, mining
from minisiamese.backend import to_device
from minisiamese.data.affine import Views, draw_flips_and_crops
from minisiamese.data.samplers import Batch
from minisiamese.evaluate import embed
from minisiamese.experiments.learner import Learner
from minisiamese.experiments.sources import OfflineTriplets, OnlineTriplets, PairSource, pairs_among, seeds
from minisiamese.networks import cifar10_classifier, make_head, mnist_classifier
from minisiamese.optimizers import Adam
from minisiamese.siamese import CRITERIA, Siamese
from minisiamese.trials import rate

CLASSES, SEEN = 10, 5  # classes 0 to 4 are trained on, 5 to 9 are unseen
PRETRAINED = "pretrained"  # the name of the job that the others wait for
PRETRAINING = {"all": CLASSES, "clean": SEEN}  # how many classes the classifier is trained on
MINED = 5000  # triplets chosen before training, from as many images
WATCHED = 2000  # triplets of validation images
VALIDATION = 100  # training images of each class that are kept apart, to watch and to choose settings by


@dataclass(frozen=True)
class Plan:
    """How much is done on a data set."""

    classifier: Callable
    size: int  # of the images
    channels: int
    features: int  # of the branch
    crops: bool  # distort by flips and crops while the classifier is trained
    epochs: int  # of the classifier
    rate: float  # of the classifier
    steps: int  # of each run
    run_rate: float  # of the runs: large enough to learn, and no larger, since they forget what else the branch knew
    online_rate: float  # of those that mine triplets in every batch
    images: int = 10_000  # most images of a class that are used
    pair_images: int = 10_000  # likewise, in the runs on pairs
    tests: int = 10_000  # pairs, triplets and trials of each test
    batch: int = 128  # of the classifier
    step_images: int = 100  # in a step of a run
    looks: int = 15  # at a training, while it goes on

    def quick(self):
        """The same on few images."""
        return replace(self, epochs=3, steps=12, images=300, tests=1000, looks=4)


PLANS = {
    "mnist": Plan(mnist_classifier, 28, 1, 10, False, 5, 2e-3, steps=150, run_rate=2e-5, online_rate=1e-4),
    "cifar10": Plan(
        cifar10_classifier, 32, 3, 128, True, 15, 2e-3, steps=300, run_rate=1.7e-4, online_rate=1e-3, pair_images=800
    ),
}


@dataclass(frozen=True)
class Run:
    """One siamese network: its loss, its train set and its triplets.

    Train set type 1 is classes 0 to 4; type 2 (``lone``) is the same and one image of each of classes 5 to 9. Triplets
    are chosen once, by the pretrained branch, as in the report, or in every batch (``online``).
    """

    loss: str
    lone: bool = False
    mining: str = "random"
    online: bool = False
    margin: float = 1.0


RUNS = {
    "contrastive-1": Run("contrastive"),
    "contrastive-2": Run("contrastive", lone=True),
    "bce-1": Run("bce"),
    "bce-2": Run("bce", lone=True),
    "triplet-easy": Run("triplet", mining="easy"),
    "triplet-random": Run("triplet", mining="random"),
    "triplet-hard": Run("triplet", mining="hard"),
    "triplet-semi-hard": Run("triplet", mining="semi-hard", online=True),
    "triplet-hardest": Run("triplet", mining="hardest", online=True),
    "triplet-margin-0.001": Run("triplet", mining="random", margin=0.001),
    "triplet-margin-1.5": Run("triplet", mining="random", margin=1.5),
}


# --- the classifier ---------------------------------------------------------------------------------------------------


def pretrain(plan, classes, training, validation, path, seed, device, tick):
    """Train the classifier on classes 0..classes-1 by softmax cross-entropy; returns (classifier, branch, learner).

    A classifier of fewer classes than ten has ten outputs all the same, but its softmax is over the first few alone,
    and the others stay as they were drawn.
    """
    training, validation = (part.take_classes(np.arange(classes)) for part in (training, validation))
    classifier, branch = plan.classifier(np.random.default_rng(seeds(seed, "initial")))
    classifier.to(device)
    views = Views(training.images, plan.size, device)
    batches = len(training.images) // plan.batch
    epoch_order = None, None

    def backpropagate(rng, step):
        nonlocal epoch_order
        epoch, place = divmod(step, batches)
        if epoch != epoch_order[0]:  # an order of its own for each epoch, whatever was drawn before it
            rng_of_epoch = np.random.default_rng(seeds(seed, "epoch", str(epoch)))
            epoch_order = epoch, rng_of_epoch.permutation(len(training.images))
        rows = epoch_order[1][place * plan.batch : (place + 1) * plan.batch]
        maps = draw_flips_and_crops(rng, len(rows), plan.size) if plan.crops else None
        scores = classifier.forward(views(rows, maps))
        loss, dscores = losses.n_way(scores[:, :classes], to_device(training.labels[rows], device))
        dall = scores * 0
        dall[:, :classes] = dscores
        classifier.backward(dall)
        return loss

    def observe():
        return {"validation": classification(classifier, plan, classes, validation, device)["accuracy"]}

    learner = Learner(
        classifier, Adam(classifier, rates=plan.rate), plan.epochs * batches, plan.looks, seeds(seed, "pretrained")
    )
    learner.learn(path, backpropagate, observe, tick)
    return classifier, branch, learner


def classification(classifier, plan, classes, dataset, device):
    """How many images a classifier tells right, as a ``rate``."""
    scores = embed(classifier, Views(dataset.images, plan.size, device))[0, :, :classes]
    return rate((scores.argmax(axis=1) == dataset.labels).astype(float))


# --- the siamese network ----------------------------------------------------------------------------------------------


def scale(branch, plan, training, classes, seed, device):
    """Scale a branch's last layer so that images of different classes are 1 apart on average, which gives margins a
    meaning; returns (rows, z), the embeddings of ``MINED`` images of the first few classes.

    A ReLU follows, so all embeddings are scaled alike, and nobody's nearest neighbour changes.
    """
    rng = np.random.default_rng(seeds(seed, "scale"))
    rows = np.flatnonzero(training.labels < classes)
    rows = rng.choice(rows, min(MINED, len(rows)), replace=False)
    z = embed(branch, Views(training.images[rows], plan.size, device))[0]
    distance = _mean_distances(z, training.labels[rows], 2, rng)[1]
    for values in branch.layers[-2].params.values():
        values /= values.dtype.type(distance)
    return rows, z / distance


def begin_head(head, z, labels, rng):
    """Let the L1 head start as a fair judge, from embeddings z (M, D) with labels (M,): with the logit 2 at the mean L1
    distance of images of one class, and -2 at that of two. These two numbers would take longer to learn than all else.
    """
    same, different = _mean_distances(z, labels, 1, rng)
    head.params["alpha"][...] = -4 / (different - same)
    head.params["b"][...] = 2 * (different + same) / (different - same)


def _mean_distances(z, labels, order, rng):
    """The mean distances, in the norm of this order, of images of one class and of two."""
    anchor, *others = mining.offline(z, labels, "random", MINED, 1.0, rng).T
    return [np.linalg.norm(z[anchor] - z[other], order, axis=1).mean() for other in others]


def siamese(plan, loss, branch):
    """A branch, and the head that a loss asks for."""
    kind = CRITERIA[loss].head
    head = make_head("l1" if kind == "similarity" else kind, plan.features)
    return Siamese(branch, head, plan.size, plan.channels)


def train(plan, run, branch, classes, training, validation, path, seed, device, tick):
    """Train a pretrained branch as a siamese network; returns (network, its images and pairs, learner).

    Pairs are of the seen classes. Triplets are of the classes that the branch was trained on: the report's figures for
    triplets are the same for seen and unseen classes, which shows that it took them from all.
    """
    criterion = CRITERIA[run.loss]
    classes = classes if criterion.tuples == "triplets" else SEEN
    rows, z = scale(branch, plan, training, classes, seed, device)
    network = siamese(plan, run.loss, branch).to(device)
    head, rng = network.head, np.random.default_rng(seeds(seed, "mining"))
    if head.params:
        begin_head(head, z, training.labels[rows], rng)
    most = plan.pair_images if criterion.tuples == "pairs" else plan.images
    known = source = PairSource(training, classes, run.lone, plan.step_images, seed, most)
    steps = plan.steps
    if run.online:
        source = OnlineTriplets(run, training, classes, plan.step_images, seed)
    elif criterion.tuples == "triplets":
        chosen = mining.offline(z, training.labels[rows], run.mining, MINED, run.margin, rng)
        source = OfflineTriplets(rows[chosen], plan.step_images // 3)
        steps = steps if len(chosen) else 0  # there may be none of a kind, and then there is nothing to learn
    views = Views(training.images, plan.size, device)
    last_batch = None, None

    def backpropagate(rng, step):
        nonlocal last_batch
        rows = source.draw(rng)
        z = network.forward(views(rows))
        batch = source.batch(rows, z, head, rng)
        last_batch = z, batch
        loss, dz = criterion.compute(head, z, batch.to(device), run.margin)
        network.backward(dz)
        return loss

    watch = validation_losses(plan, run, network, validation.take_classes(np.arange(classes)), seed, device)

    def observe():
        if criterion.tuples == "pairs":
            return watch()
        z, batch = last_batch
        if run.online:
            return watch() | mining.watch(head, z, training.labels[batch.rows], run.margin)
        return watch() | mining.summarise(*mining.triplet_distances(head, z, batch), run.margin)

    learner = Learner(
        network,
        Adam(network, rates=plan.online_rate if run.online else plan.run_rate),
        steps,
        plan.looks,
        seeds(seed, "run"),
    )
    learner.learn(path, backpropagate, observe, tick)
    return network, known, learner


def validation_losses(plan, run, network, dataset, seed, device):
    """A function that returns the loss on always the same pairs or triplets of a data set, and how many of the triplets
    are violated: what no margin has a part in, the share whose negative is as near as the positive."""
    criterion, head, views = CRITERIA[run.loss], network.head, Views(dataset.images, plan.size, device)
    rng = np.random.default_rng(seeds(seed, "watched"))
    if criterion.tuples == "pairs":
        batch = Batch(None, *pairs_among(dataset.labels, rng))
    else:
        triplets = mining.offline(embed(network, views)[0], dataset.labels, "random", WATCHED, run.margin, rng)
        batch = Batch(None, mining.as_pairs(triplets))

    def measure():
        z = to_device(embed(network, views)[0], device)
        loss, _ = criterion.compute(head, z, batch.to(device), run.margin)
        network.zero_grad()  # which the head's were added to
        if criterion.tuples == "pairs":
            return {"validation": float(loss)}
        d_ap, d_an = mining.triplet_distances(head, z, batch)
        return {"validation": float(loss), "violated": float((d_an <= d_ap).mean())}

    return measure
