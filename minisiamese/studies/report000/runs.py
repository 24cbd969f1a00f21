"""The training of a pretrained branch as a siamese network, on pairs or on triplets."""

from functools import partial

import numpy as np

from minisiamese import mining
from minisiamese.backend import to_device
from minisiamese.criteria import CRITERIA
from minisiamese.data.samplers import Batch
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import embed
from minisiamese.networks import make_head
from minisiamese.optimizers import SCHEDULES, Adam
from minisiamese.siamese import Siamese
from minisiamese.studies.report000.offline import offline
from minisiamese.studies.report000.settings import MINED, PRETRAINING, RUNS, SEEN, WATCHED
from minisiamese.studies.report000.sources import OfflineTriplets, OnlineTriplets, PairSource, pairs_among, seeds
from minisiamese.train.learner import Learner

# --- the start --------------------------------------------------------------------------------------------------------


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
    anchor, *others = offline(z, labels, "random", MINED, 1.0, rng).T
    return [np.linalg.norm(z[anchor] - z[other], order, axis=1).mean() for other in others]


def siamese(plan, loss, branch):
    """The siamese network of a branch, with the head that a loss asks for."""
    kind = CRITERIA[loss].head
    head = make_head("l1" if kind == "similarity" else kind, plan.features)
    return Siamese(branch, head, plan.size, plan.channels)


# --- training ---------------------------------------------------------------------------------------------------------


def train_run(task, pretraining, name, branch, tick):
    """Train a pretrained branch as the run of a name in ``RUNS``; returns (network, its images and pairs, learner).

    Pairs are of the seen classes. Triplets are of the classes that the branch was trained on: the report's figures for
    triplets are the same for seen and unseen classes, which shows that the report took them from all. ``tick`` as
    ``Learner.learn`` has it.
    """
    plan, run, training, device = task.plan, RUNS[name], task.training, task.device
    criterion = CRITERIA[run.loss]
    classes = PRETRAINING[pretraining] if criterion.tuples == "triplets" else SEEN
    rows, z = scale(branch, plan, training, classes, task.seed, device)
    network = siamese(plan, run.loss, branch).to(device)
    head, rng = network.head, np.random.default_rng(seeds(task.seed, "mining"))
    if head.params:
        begin_head(head, z, training.labels[rows], rng)
    most = plan.pair_images if criterion.tuples == "pairs" else plan.images
    known = source = PairSource(training, classes, run.lone, plan.step_images, task.seed, most)
    if run.online:
        source = OnlineTriplets(run, training, classes, plan.step_images, task.seed)
    elif criterion.tuples == "triplets":
        chosen = offline(z, training.labels[rows], run.mining, MINED, run.margin, rng)
        source = OfflineTriplets(rows[chosen], plan.step_images // 3)
    views = Views(training.images, plan.size, device)
    last = None  # the embeddings and the tuples of the last step

    def backpropagate(rng, step):
        nonlocal last
        rows = source.draw(rng)
        z = network.forward(views(rows))
        last = z, source.batch(rows, z, head, rng)
        loss, dz = criterion.compute(head, z, last[1].to(device), run.margin)
        network.backward(dz)
        return loss

    watch = validation_losses(task, run, network, classes)

    def observe():
        return watch() | source.summary(head, *last, run.margin)

    optimizer = Adam(network, rates=plan.online_rate if run.online else plan.run_rate)
    steps = plan.steps if source.count else 0  # there may be no triplet of a kind, and then there is nothing to learn
    cosine, rng = partial(SCHEDULES["cosine"], epoch_steps=1), np.random.default_rng(seeds(task.seed, "run"))
    learner = Learner(network, optimizer, cosine, steps, rng)
    learner.learn(task.path(pretraining, name), backpropagate, observe, tick, plan.looks)
    return network, known, learner


def validation_losses(task, run, network, classes):
    """A function that returns the loss on always the same pairs or triplets of the validation images.

    With triplets it returns, too, how many are violated: the share whose negative is as near as the positive, which
    does not depend on the margin.
    """
    criterion, head, device = CRITERIA[run.loss], network.head, task.device
    dataset, rng = task.validation.take_classes(np.arange(classes)), np.random.default_rng(seeds(task.seed, "watched"))
    views = Views(dataset.images, task.plan.size, device)
    if criterion.tuples == "pairs":
        batch = Batch(None, *pairs_among(dataset.labels, rng))
    else:
        triplets = offline(embed(network, views)[0], dataset.labels, "random", WATCHED, run.margin, rng)
        batch = Batch(None, mining.as_pairs(triplets))

    def watch():
        z = to_device(embed(network, views)[0], device)
        loss, _ = criterion.compute(head, z, batch.to(device), run.margin)
        network.zero_grad()  # the loss has added the head's gradients
        if criterion.tuples == "pairs":
            return {"validation": float(loss)}
        d_ap, d_an = mining.triplet_distances(head, z, batch)
        return {"validation": float(loss), "violated": float((d_an <= d_ap).mean())}

    return watch
