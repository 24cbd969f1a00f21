"""Tasks of a data set's classes, work on several of them at once, and training with its test."""

from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import numpy as np
from tqdm import tqdm

from minisiamese.backend import to_device, to_host
from minisiamese.checkpoint import Rate
from minisiamese.data import DATASETS
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.optimizers import SCHEDULES, Adam
from minisiamese.runs.build import part_of
from minisiamese.runs.settings import Settings
from minisiamese.studies.fewshot.classifiers import rate
from minisiamese.studies.maml import gradients
from minisiamese.studies.pool import processes
from minisiamese.threads import available_cores, set_threads
from minisiamese.train.learner import Learner, LogEntry, Stopped
from minisiamese.trials import credits

LOOKS, VALIDATION_TASKS = 10, 50  # how often training is looked at, and at how many tasks


# --- tasks ------------------------------------------------------------------------------------------------------------


class Tasks:
    """Random tasks of a data set's classes; its images are brought to the network's size once."""

    def __init__(self, dataset, options, frame, queries):
        """BadInput if there are too few classes, or too few images of one for so many queries."""
        self.rows_of, self.way, self.shot = dataset.rows_of_class, options.way, options.shot
        if options.way > len(self.rows_of):
            raise BadInput(f"--way {options.way}, but there are only {len(self.rows_of)} classes")
        if (fewest := min(map(len, self.rows_of))) < self.shot + queries:
            raise BadInput(f"a task takes {self.shot + queries} images of each class, but some have {fewest}")
        views, rows = Views(dataset.images, gradients.SIDE, frame=frame), np.arange(len(dataset.images))
        parts = np.array_split(rows, -(-len(rows) // 1000))
        self.images = np.concatenate([np.round(255 * views(part)).astype(np.uint8) for part in parts])

    def draw(self, rng, queries):
        """A ``Task`` with so many query images of each class."""
        classes = rng.choice(len(self.rows_of), self.way, replace=False)
        rows = [rng.choice(self.rows_of[label], self.shot + queries, replace=False) for label in classes]
        return gradients.Task(self.images[np.array(rows)].astype(np.float32) / 255, self.shot)


def task_sets(options):
    """{part: ``Tasks``} of the training, validation and evaluation classes."""
    split = "vinyals" if "vinyals" in DATASETS[options.data].divisions else "alphabets"
    run = Settings.of_recipe(data=options.data, split=split, data_dir=options.data_dir).checked()
    parts = {name: part_of(name, run) for name in ("training", "validation", "evaluation")}
    if run.data.turn:
        parts["training"] = parts["training"].turned()
    queries = {"training": options.queries}
    return {name: Tasks(part, options, run.data.frame, queries.get(name, 1)) for name, part in parts.items()}


# --- work, at once ----------------------------------------------------------------------------------------------------


def _make_network(way, channels, device):
    """Make, once in a process, the network that is filled with the weights of each task."""
    global _network, _device
    _network, _device = gradients.classifier(np.random.default_rng(0), way, channels).to(device), device


def _work_on(function, theta, task, *how):
    """A function of ``gradients.py`` on a task; its results on the host."""
    task = gradients.Task(to_device(task.images, _device), task.shot)
    results = function(_network, to_device(theta, _device), task, *how)
    return tuple(map(to_host, results)) if isinstance(results, tuple) else to_host(results)


@contextmanager
def workers(options, channels):
    """``carry_out(function, theta, tasks, steps)``: the results of a function of ``gradients.py``, one for each task.

    A single worker is this process itself.
    """
    count = 1 if options.device == "cuda" else options.threads or available_cores()
    how, alpha = (options.way, channels, options.device), np.float32(options.inner_rate)

    def carry_out(function, theta, tasks, steps):
        return list(run(_work_on, *zip(*((function, theta, task, steps, alpha) for task in tasks), strict=True)))

    if count == 1:
        run = map
        set_threads(1)
        _make_network(*how)
        yield carry_out
        return
    with processes(count, _make_network, *how) as pool:
        run = pool.map
        yield carry_out


class _Entry(LogEntry):
    validation: Rate


class _Learner(Learner):
    COUNTERS: ClassVar = Learner.COUNTERS | {"log": list[_Entry]}


# --- training and its test --------------------------------------------------------------------------------------------


def accuracies(carry_out, theta, tasks, steps):
    """The accuracy on each task's queries (T,) after so many steps of adaptation."""
    found = carry_out(gradients.scores, theta, tasks, steps)
    return np.array([credits(s, task.query()[1]).mean() for s, task in zip(found, tasks, strict=True)])


def train(options, sets, out, carry_out, bar, pressed):
    """Train, or go on; the ``Learner``. ``Stopped`` after Ctrl-C, once the training is saved."""
    channels = sets["training"].images.shape[3]
    network = gradients.classifier(np.random.default_rng(options.seed), options.way, channels).to(options.device)
    cosine, rng = partial(SCHEDULES["cosine"], epoch_steps=1), np.random.default_rng(options.seed)
    learner = _Learner(network, Adam(network, rates=options.lr), cosine, options.steps, rng)
    head, watched = network.layers[-1], np.random.default_rng(0)
    tasks = [sets["validation"].draw(watched, 1) for _ in range(VALIDATION_TASKS)]

    def backpropagate(rng, step):
        drawn = [sets["training"].draw(rng, options.queries) for _ in range(options.tasks)]
        theta = to_host(gradients.weights(network))
        results = carry_out(gradients.METHODS[options.method], theta, drawn, options.inner_steps)
        mean = sum(gradient for gradient, _ in results) / np.float32(options.tasks)
        gradients.put_gradient(network, to_device(mean, options.device))
        for grad in head.grads.values():  # the last layer is zero whenever a task begins
            grad.fill(0)
        return sum(float(loss) for _, loss in results) / options.tasks

    def observe():
        accuracy = rate([accuracies(carry_out, to_host(gradients.weights(network)), tasks, options.inner_steps)])
        tqdm.write(f"step {learner.step}: {options.way}-way accuracy on held-out classes {accuracy['accuracy']:.1%}")
        return {"validation": accuracy}

    def tick(steps):
        bar.update(steps)
        return bool(pressed)

    learner.learn(out / "last.npz", backpropagate, observe, tick, LOOKS)
    learner.save(out / "last.npz")
    return learner


def adaptation_rates(options, theta, tasks, carry_out, pressed):
    """Accuracy on unseen classes after 0, 1, 2 ... steps of adaptation, up to twice as many as in training."""
    rng = np.random.default_rng(options.seed)
    drawn = [tasks.draw(rng, 1) for _ in range(options.test_tasks)]
    rates = {}
    for steps in range(2 * options.inner_steps + 1):
        rates[steps] = rate([accuracies(carry_out, theta, drawn, steps)])
        if pressed:
            raise Stopped
    return rates
