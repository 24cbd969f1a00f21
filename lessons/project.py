"""The final project's starting file: two networks of your own layers, compared fairly on images of your own.

    python project.py                       # the built-in glyphs, while you build
    python project.py MY_IMAGES             # your classes, without the test's
    python project.py MY_IMAGES --test      # at the end, once: the test's classes

Copy it to a folder of your own, beside the exercises that you have solved. ``project.md`` says what is asked for.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from scipy.stats import t as students_t

from minisiamese.commands.doors import front_door, parse

# Put your own answers in place of the library's, one line at a time, such as "from ex02 import convolve,
# convolve_backward", and see that the printed figures stay the same.
from minisiamese.convolution import convolve, convolve_backward  # exercise 2
from minisiamese.data import folder, glyphs
from minisiamese.data.affine import draw_distortions
from minisiamese.data.dataset import hold_out
from minisiamese.data.samplers import Episodes
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.layers import (
    BatchNorm,  # exercise 8
    Flatten,
    Layer,
    ReLU,  # exercise 3
    Sequential,
)
from minisiamese.losses import n_way  # exercise 6
from minisiamese.optimizers import Adam  # exercise 8
from minisiamese.pooling import max_pool, unpool  # exercise 3
from minisiamese.siamese import (
    L1Head,  # exercise 4
    Siamese,
)
from minisiamese.trials import credits, nway_trials, rate

HYPOTHESIS = "Distorted drawings teach the network what to forgive: accuracy on new classes rises."
SETTINGS = {"as drawn": {"distort": False}, "distorted": {"distort": True}}  # all that differs
STEPS, SEEDS, WAYS, TRIALS = 150, 3, 10, 400
FRAME = "ink"  # bring drawings to the middle and to one size; "page" for photographs


class Convolution(Layer):
    """3 x 3 kernels with a border of blanks; x (N, H, W, C), W (3, 3, C, O), y (N, H, W, O)."""

    def __init__(self, channels, maps, rng):
        super().__init__()
        self.add_param("W", rng.normal(0, np.sqrt(2 / (9 * channels)), (3, 3, channels, maps)).astype(np.float32))

    def forward(self, x, train=True):
        self.keep(train, x)
        return convolve(x, self.params["W"], padding=1)

    def backward(self, dy):
        (x,) = self.take()
        dx, dW = convolve_backward(x, self.params["W"], dy, padding=1)
        self.grads["W"] += dW
        return dx


class Pooling(Layer):
    """The maximum of each window of 2 x 2 pixels; x (N, H, W, C), y (N, H // 2, W // 2, C)."""

    def forward(self, x, train=True):
        y, winner = max_pool(x, 2)
        self.keep(train, winner, x.shape)
        return y

    def backward(self, dy):
        return unpool(dy, *self.take(), 2)


def network(rng, channels):
    """The twin and its head: 35 x 35 pixels to 2 x 2 x 32 features."""
    layers, before = [], channels
    for maps in (16, 16, 32, 32):  # 35 -> 17 -> 8 -> 4 -> 2
        layers += [Convolution(before, maps, rng), BatchNorm(maps), ReLU(), Pooling()]
        before = maps
    return Siamese(Sequential(*layers, Flatten()), L1Head(4 * before), size=35, channels=channels)


def train(training, seed, distort):
    """A network, trained; the drawings of a step depend on the seed alone, and so are the same in all settings."""
    starting, choosing, distorting = (np.random.default_rng([seed, stream]) for stream in range(3))
    model = network(starting, training.images.shape[-1])
    model.frame = FRAME
    ways = min(20, len(training.rows_of_class))
    sampler, optimizer = Episodes(training, ways, 2), Adam(model)
    views = Views(training.images, model.size, frame=model.frame)
    for _ in range(STEPS):
        batch = sampler.draw(choosing)
        matrices = draw_distortions(distorting, len(batch.rows)) if distort else None
        s = model.head.forward(model.forward(views(batch.rows, matrices)), batch.pairs)
        _, dtasks = n_way(s[batch.tasks], batch.target)
        ds = np.zeros_like(s)
        np.add.at(ds, batch.tasks, dtasks)  # a pair serves two tasks
        model.backward(model.head.backward(ds))
        optimizer.step(3e-3)
        model.zero_grad()
    return model


def compare(training, asked):
    """Every setting from every seed, all asked the same trials; {setting: what each trial earned (SEEDS, TRIALS)}, and
    what the trials earn by pixels (TRIALS,), without learning."""
    ways = min(WAYS, max(map(len, asked.classes_of_group)))
    trials = nway_trials(asked, ways, 1, TRIALS, True, np.random.default_rng(0))
    print(f"{TRIALS} trials, {ways}-way, with {len(asked.images)} images; intervals take trials for independent,")
    print("and are too narrow where the images are few")
    earned = {name: [] for name in SETTINGS}
    for seed in range(SEEDS):
        for name, setting in SETTINGS.items():
            scores = trials.scores(network_scorer(train(training, seed, **setting)))
            earned[name].append(credits(scores, trials.target))
    pixels = credits(trials.scores(nearest_neighbour), trials.target)
    return {name: np.array(each) for name, each in earned.items()}, pixels


def report(earned, pixels):
    """The accuracies with 95 % intervals, and the paired difference of the last setting and the first over seeds."""
    result = {"hypothesis": HYPOTHESIS, "steps": STEPS, "pixels": rate(pixels), "settings": {}}
    print(f"{'pixels':<12} {pixels.mean():.1%}")
    for name, each in earned.items():
        low, high = rate(each.mean(axis=0))["interval"]
        seeds = each.mean(axis=1).tolist()
        result["settings"][name] = {"accuracy": each.mean(), "interval": [low, high], "seeds": seeds}
        print(f"{name:<12} {each.mean():.1%}, 95 % interval of the trials {low:.1%} to {high:.1%}; seeds", end=" ")
        print(", ".join(f"{seed:.1%}" for seed in seeds))
    first, *_, last = earned.values()
    difference = 100 * (last - first).mean(axis=1)  # of each seed, on the same drawings and trials
    half = students_t.ppf(0.975, SEEDS - 1) * difference.std(ddof=1) / np.sqrt(SEEDS)
    result["difference"] = {"points": difference.mean(), "half": half}
    print(f"difference   {difference.mean():+.1f} points, 95 % interval of the seeds +- {half:.1f}")
    return result


@dataclass(frozen=True)
class Options:
    """Compare two settings on classes that were held out of training."""

    # Folder or zip with a sub-folder of images for each class. Default: the built-in glyphs.
    images: Annotated[Path | None, tyro.conf.Positional] = None
    # Ask about the test's classes, in place of the validation's.
    test: bool = False


def main():
    options = parse(Options, "python project.py")
    out = Path("project-test.json" if options.test else "project.json")
    if SEEDS < 2:
        raise BadInput("SEEDS must be 2 at least: a difference of one seed has no interval")
    if options.test and out.exists():
        raise BadInput(f"{out} is there: the test has been opened, and it is to be opened once")
    if options.images:
        parts = {name: folder.part(name, options.images) for name in ("training", "validation", "evaluation")}
        if set(parts["training"].class_names) & set(parts["evaluation"].class_names):  # so few are divided by images
            raise BadInput(f"{options.images} has too few classes for a test of unseen ones: it takes 15")
    else:
        parts = dict(zip(("training", "validation"), hold_out(glyphs.load("background"), 5), strict=True))
        parts["evaluation"] = glyphs.load("evaluation")
    result = report(*compare(parts["training"], parts["evaluation" if options.test else "validation"]))
    out.write_text(json.dumps(result | {"test": options.test}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    front_door(main)
