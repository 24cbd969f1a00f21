"""Train a classifier that learns a new task from a few images, by MAML, first-order MAML or Reptile, and measure it.

    python -m minisiamese.studies.maml omniglot --way 20

The folder of a run holds config.json, last.npz (the weights, and all that is needed to go on), summary.json and
curves.png.
"""

import warnings

from tqdm import tqdm

from minisiamese import checkpoint, data
from minisiamese.backend import check_device, to_host
from minisiamese.commands.doors import front_door
from minisiamese.runs.folder import parsed
from minisiamese.studies.maml import pictures
from minisiamese.studies.maml.gradients import weights
from minisiamese.studies.maml.learning import adaptation_rates, task_sets, train, workers
from minisiamese.studies.maml.settings import COMMAND, RESULT_KEYS, MamlOptions
from minisiamese.train.learner import Stopped, interrupts


def carried_out(options, sets, out):
    """Train, or go on, and measure; returns (learner, accuracies by the steps of adaptation). KeyboardInterrupt once a
    training that is asked to stop is saved."""
    with (
        warnings.catch_warnings(),
        interrupts() as pressed,
        tqdm(total=options.steps, desc="training", unit=" steps", disable=None) as bar,
        workers(options, sets["training"].images.shape[3]) as carry_out,
    ):
        warnings.simplefilter("ignore", RuntimeWarning)  # as the processes of a pool do
        try:
            learner = train(options, sets, out, carry_out, bar, pressed)
            theta = to_host(weights(learner.network))
            return learner, adaptation_rates(options, theta, sets["evaluation"], carry_out, pressed)
        except Stopped:
            raise KeyboardInterrupt from None


def train_and_measure(options, folder):
    """Train, or go on, and measure; returns the summary."""
    settings, out = {key: getattr(options, key) for key in RESULT_KEYS}, folder.path
    check_device(options.device)
    folder.check(settings, options.resume)
    data.check_present(options.data, options.data_dir)
    sets = task_sets(options)
    with folder.begun(settings, options.resume):
        learner, rates = carried_out(options, sets, out)
        summary = settings | rates[options.inner_steps]
        summary |= {"published": options.published(), "seconds": round(learner.seconds, 1)}
        summary |= {"adaptation": rates, "log": learner.log}
        checkpoint.save_json(out / "summary.json", summary)
        pictures.curves(summary, out / "curves.png")
    return summary


def result_lines(summary):
    """The result as lines for people."""
    low, high = summary["interval"]
    lines = [
        f"{summary['method']}, {summary['way']}-way {summary['shot']}-shot on unseen classes of {summary['data']}: "
        f"{summary['accuracy']:.2%}   95 % interval {low:.1%} .. {high:.1%}   ({summary['trials']} tasks of "
        f"{summary['way']} queries, normalised together)"
    ]
    return "\n".join(lines + [f"published: {summary['published']} %"] * (summary["published"] is not None))


def main():
    options = parsed(MamlOptions, COMMAND, RESULT_KEYS, MamlOptions.folder)
    options.check()
    folder = options.folder()
    summary = folder.fill(lambda: train_and_measure(options, folder), options.data, options.data_dir)
    if summary is None:
        return 130
    print(f"{result_lines(summary)}\neverything is in {folder.path}")
    return 0


if __name__ == "__main__":
    front_door(main)
