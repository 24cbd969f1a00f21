"""Tasks of a data set's classes, work on several of them at once, and training with its test."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np
from tqdm import tqdm

from minisiamese import data
from minisiamese.backend import available_cores, set_threads, to_device, to_host
from minisiamese.config import OF_DATA
from minisiamese.config import Config as TrainConfig
from minisiamese.data.affine import Views
from minisiamese.errors import BadInput
from minisiamese.experiments.learner import Learner, Stopped
from minisiamese.fewshot.classifiers import rate
from minisiamese.maml import gradients
from minisiamese.optimizers import Adam
from minisiamese.trials import credits

LOOKS, VALIDATION_TASKS = 10, 50  # how often training is looked at, and at how many tasks


# --- tasks ------------------------------------------------------------------------------------------------------------


class Tasks:
    """Random tasks of a data set's classes; its images are brought to the network's size once."""

    def __init__(self, dataset, config, frame, queries):
        """BadInput if there are too few classes, or too few images of one for so many queries."""
        self.rows_of, self.way, self.shot = dataset.rows_of_class, config.way, config.shot
        if config.way > len(self.rows_of):
            raise BadInput(f"--way {config.way}, but there are only {len(self.rows_of)} classes")
        if (fewest := min(map(len, self.rows_of))) < self.shot + queries:
            raise BadInput(f"a task takes {self.shot + queries} images of each class, but some have {fewest}")
        views, rows = Views(dataset.images, gradients.SIZE, frame=frame), np.arange(len(dataset.images))
        parts = np.array_split(rows, -(-len(rows) // 1000))
        self.images = np.concatenate([np.round(255 * views(part)).astype(np.uint8) for part in parts])

    def draw(self, rng, queries):
        """A ``Task`` with so many query images of each class."""
        classes = rng.choice(len(self.rows_of), self.way, replace=False)
        rows = [rng.choice(self.rows_of[label], self.shot + queries, replace=False) for label in classes]
        return gradients.Task(self.images[np.array(rows)].astype(np.float32) / 255, self.shot)


def load(config):
    """{part: ``Tasks``} of the training, validation and evaluation classes."""
    setting = dict(OF_DATA.get(config.data, {}))
    setting |= {"split": "vinyals" if config.data == "omniglot" else "alphabets", "data_dir": config.data_dir}
    run = TrainConfig(config.data, **setting).checked()
    parts = {name: data.part(name, run, config.data_dir) for name in ("training", "validation", "evaluation")}
    if run.turn:
        parts["training"] = parts["training"].turned()
    queries = {"training": config.queries}
    return {name: Tasks(part, config, run.frame, queries.get(name, 1)) for name, part in parts.items()}


# --- work, at once ----------------------------------------------------------------------------------------------------


def _start(way, channels, device):
    """What a process does once: make the network that takes everybody's weights."""
    global _network, _device
    set_threads(1)
    _network, _device = gradients.classifier(np.random.default_rng(0), way, channels).to(device), device


def _start_deaf(*how):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    _start(*how)


def _work(function, theta, task, *how):
    """A function of ``gradients.py`` on a task; its results on the host."""
    task = gradients.Task(to_device(task.images, _device), task.shot)
    results = function(_network, to_device(theta, _device), task, *how)
    return tuple(map(to_host, results)) if isinstance(results, tuple) else to_host(results)


@contextmanager
def workers(config, channels):
    """``carry_out(function, theta, tasks, steps)``: what a function of ``gradients.py`` gives for each task."""
    count = 1 if config.device == "cuda" else config.threads or available_cores()
    how = config.way, channels, config.device

    def carry_out(function, theta, tasks, steps):
        return list(run(_work, *zip(*((function, theta, task, steps, alpha) for task in tasks), strict=True)))

    alpha = np.float32(config.inner_rate)
    if count == 1:
        run = map
        _start(*how)
        yield carry_out
        return
    context = multiprocessing.get_context("spawn")  # threads do not survive a fork
    with ProcessPoolExecutor(count, context, _start_deaf, how) as pool:
        run = pool.map
        yield carry_out


# --- training and its test --------------------------------------------------------------------------------------------


def accuracies(carry_out, theta, tasks, steps):
    """The accuracy on each task's queries (T,) after so many steps of adaptation."""
    found = carry_out(gradients.scores, theta, tasks, steps)
    return np.array([credits(s, task.query()[1]).mean() for s, task in zip(found, tasks, strict=True)])


def train(config, parts, out, carry_out, bar, pressed):
    """Train, or go on; the ``Learner``. ``Stopped`` after Ctrl-C, and all is saved."""
    channels = parts["training"].images.shape[3]
    network = gradients.classifier(np.random.default_rng(config.seed), config.way, channels).to(config.device)
    learner = Learner(network, Adam(network, rates=config.lr), config.steps, LOOKS, config.seed)
    head, watched = network.layers[-1], np.random.default_rng(0)
    tasks = [parts["validation"].draw(watched, 1) for _ in range(VALIDATION_TASKS)]

    def backpropagate(rng, step):
        drawn = [parts["training"].draw(rng, config.queries) for _ in range(config.tasks)]
        theta = to_host(gradients.weights(network))
        results = carry_out(gradients.METHODS[config.method], theta, drawn, config.inner_steps)
        gradients.put_gradient(network, to_device(sum(g for g, _ in results) / np.float32(config.tasks), config.device))
        for grad in head.grads.values():  # the last layer is zero whenever a task begins
            grad.fill(0)
        return sum(float(loss) for _, loss in results) / config.tasks

    def observe():
        accuracy = rate([accuracies(carry_out, to_host(gradients.weights(network)), tasks, config.inner_steps)])
        tqdm.write(f"step {learner.step}: {config.way}-way accuracy on held-out classes {accuracy['accuracy']:.1%}")
        return {"validation": accuracy}

    def tick(steps):
        bar.update(steps)
        return bool(pressed)

    learner.learn(out / "last.npz", backpropagate, observe, tick)
    learner.save(out / "last.npz")
    return learner


def measure(config, theta, tasks, carry_out, pressed):
    """Accuracy on unseen classes after 0, 1, 2 ... steps of adaptation, up to twice as many as in training."""
    rng = np.random.default_rng(config.seed)
    drawn = [tasks.draw(rng, 1) for _ in range(config.test_tasks)]
    rates = {}
    for steps in range(2 * config.inner_steps + 1):
        rates[steps] = rate([accuracies(carry_out, theta, drawn, steps)])
        if pressed:
            raise Stopped
    return rates
