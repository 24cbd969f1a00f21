"""The training of a classifier, whose branch is then taken as a siamese network.

The report's branches were pretrained on *all* ten classes, those that its "hard" test calls unseen included. Here
everything is done twice: so, and *clean*, with a classifier of the five seen classes alone.
"""

import numpy as np

from minisiamese import losses
from minisiamese.backend import to_device
from minisiamese.data.affine import draw_flips_and_crops
from minisiamese.data.views import Views
from minisiamese.evaluate.scoring import embed
from minisiamese.optimizers import SCHEDULES, Momentum
from minisiamese.studies.report000.settings import PRETRAINED, PRETRAINING
from minisiamese.studies.report000.sources import seeds
from minisiamese.train.learner import Learner
from minisiamese.trials import rate

# Of all layers but the last, whose outputs beyond a clean classifier's classes stay as they were drawn. The penalty is
# L2 |W|^2, so this is what others call a weight decay of 5e-4.
L2 = 2.5e-4


def pretrain(task, pretraining, tick):
    """Train a classifier by softmax cross-entropy on "all" classes or the "clean" ones; (classifier, branch, learner).

    A classifier of fewer classes than ten has ten outputs all the same, but its softmax is over the first few alone,
    and the others stay as they were drawn. ``tick`` as ``Learner.learn`` has it.
    """
    plan, device, classes = task.plan, task.device, PRETRAINING[pretraining]
    training, validation = (part.take_classes(np.arange(classes)) for part in (task.training, task.validation))
    classifier, branch = plan.classifier(np.random.default_rng(seeds(task.seed, "initial")))
    classifier.to(device)
    views = Views(training.images, plan.size, device)
    batches = len(training.images) // plan.batch
    epoch_order = None, None

    def backpropagate(rng, step):
        nonlocal epoch_order
        epoch, place = divmod(step, batches)
        if epoch != epoch_order[0]:  # an order of its own for each epoch, whatever was drawn before it
            rng_of_epoch = np.random.default_rng(seeds(task.seed, "epoch", str(epoch)))
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

    def schedule(step, steps):
        """The cosine, times a factor that rises linearly to 1 over the first epoch."""
        factor, cap = SCHEDULES["cosine"](step, steps, epoch_steps=1)
        return factor * min(1, (step + 1) / batches), cap

    weighted = sum("W" in layer.params for _, layer in classifier.walk())
    optimizer = Momentum(classifier, [L2] * (weighted - 1) + [0.0], plan.rate)
    rng = np.random.default_rng(seeds(task.seed, PRETRAINED))
    learner = Learner(classifier, optimizer, schedule, plan.epochs * batches, rng)
    learner.learn(task.path(pretraining, PRETRAINED), backpropagate, observe, tick, plan.looks)
    return classifier, branch, learner


def classification(classifier, plan, classes, dataset, device):
    """How many images a classifier tells right, as a ``rate``."""
    scores = embed(classifier, Views(dataset.images, plan.size, device))[0, :, :classes]
    return rate((scores.argmax(axis=1) == dataset.labels).astype(float))
