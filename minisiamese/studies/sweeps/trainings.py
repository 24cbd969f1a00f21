"""The trainings of sweeps, each made once, and measured before and after on images held out of training."""

import warnings
from dataclasses import replace

import msgspec
import numpy as np
from tqdm import tqdm

from minisiamese import checkpoint
from minisiamese.backend import check_device
from minisiamese.checkpoint import Count, Share, load_json
from minisiamese.errors import BadInput
from minisiamese.evaluate.retrieval import figures, similarity_of
from minisiamese.runs.build import part_of
from minisiamese.studies.sweeps import pictures
from minisiamese.studies.sweeps.settings import RESULT_KEYS, SWEEPS, training
from minisiamese.threads import available_cores, set_threads
from minisiamese.train.loop import loop
from minisiamese.train.trainer import Trainer
from minisiamese.trials import wilson

Interval = tuple[Share, Share, Share]  # a figure and the ends of its 95 % interval


class Ends(msgspec.Struct):
    """The result of a training: its figures before and after, and how many trials and queries they are of."""

    before: dict[str, Interval]
    after: dict[str, Interval]
    trials: Count
    queries: Count


CLASSES, IMAGES = 50, 20  # of the images that retrieval is measured on: at most so many classes, and images of each


def sample(dataset):
    """The images that retrieval is measured on, always the same."""
    return dataset.some(CLASSES, IMAGES, np.random.default_rng(0))


def measured(trainer, images):
    """{measure: [figure, low, high]} with the ends of the 95 % interval, on images held out of training."""
    accuracy, network = trainer.validate(), trainer.network
    found, _ = figures(similarity_of(network, images.images, trainer.device), images.labels)
    return {  # the keys of pictures.MEASURES
        "accuracy": [accuracy, *wilson(accuracy, len(trainer.trials.target))],
        "mean_average_precision": [found["mean_average_precision"], *found["interval"]],
    }


def finished(settings, parts, images):
    """Make a training, or go on with it, unless it is done; returns its result: the figures before and after."""
    out = settings.machine.out
    path = out / "result.json"
    if path.exists():
        return load_json(path, Ends)
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(settings, *parts)
    before, stopped = measured(trainer, images), False
    trainer.load_last(out / "last.npz")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # overflow shows as a loss that is not finite
            stopped = loop(trainer, out, quiet=True)
            if stopped and trainer.step < trainer.steps:
                raise KeyboardInterrupt
            after = measured(trainer, images)
    except BadInput:  # a loss that is no number is an answer, too: its scores earn nothing
        after = {key: [0.0, 0.0, 0.0] for key in before}
    result = {"before": before, "after": after, "trials": len(trainer.trials.target), "queries": len(images.labels)}
    checkpoint.save_json(path, result)
    if stopped:  # in its last step
        raise KeyboardInterrupt
    return result


def make_sweeps(options):
    """Make all trainings that are not done yet, and leave the results in the folder.

    Returns {sweep: title, loss and so on, and "points", for each value {"value", measure: as ``pictures.summarise``
    has it}}.
    """
    options.check()
    folder, settings = options.folder(), {key: getattr(options, key) for key in RESULT_KEYS}
    folder.check(settings, options.resume)
    check_device(options.device)
    options = replace(options, threads=options.threads or available_cores(), out=folder.path)
    set_threads(options.threads)
    plan = {
        name: [[training(options, name, value, seed) for seed in range(options.seeds)] for value in SWEEPS[name].values]
        for name in options.only.split(",")
    }
    every = {each.machine.out: each for rows in plan.values() for row in rows for each in row}
    first = next(iter(every.values()))
    parts = [part_of(name, first, options.data_dir) for name in ("training", "validation")]
    with folder.begun(settings, options.resume):
        images, made = sample(parts[1]), {}
        for out, each in tqdm(every.items(), desc="sweeps", unit=" trainings", disable=None):
            made[out] = finished(each, parts, images)
        results = {name: result(name, rows, made) for name, rows in plan.items()}
        checkpoint.save_json(folder.path / "results.json", results)
        checkpoint.save_text(folder.path / "sweeps.md", pictures.render(results))
        pictures.draw(results, folder.path / "sweeps.png")
    return results


def result(name, rows, made):
    """The result of a sweep, whose trainings are ``rows``, one list a value; ``made`` has the results by folder."""
    sweep, learning = SWEEPS[name], rows[0][0].learning
    ends = [[made[each.machine.out] for each in row] for row in rows]
    found = {"title": sweep.title, "logarithmic": sweep.logarithmic}
    found |= {"loss": rows[0][0].loss.name, "steps": learning.steps}
    found |= {key: ends[0][0][key] for key in ("trials", "queries")}
    points = zip(sweep.values, ends, strict=True)
    return found | {"points": [{"value": value} | pictures.summarise(seeds) for value, seeds in points]}
