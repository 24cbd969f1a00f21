"""Search for the settings with which the paper's recipe does best, by Bayesian optimisation (Koch et al., section 3.2).

    python -m minisiamese.studies.search omniglot --over learning --trials 60 --out FOLDER
    python -m minisiamese.train omniglot --recipe FOLDER/recipe.json

The folder holds search.journal (unless --storage is given), trials.json, recipe.json, pictures, and in trials/ the
metrics of each trial, or where it was stopped.
"""

import shlex
import sys
import time
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from minisiamese import data
from minisiamese.backend import check_device
from minisiamese.commands.doors import deaf, front_door, parse
from minisiamese.errors import BadInput
from minisiamese.runs.build import part_of, sampler_of
from minisiamese.studies.pool import CONTEXT, started
from minisiamese.studies.search import outcome
from minisiamese.studies.search.settings import SEARCH, SearchOptions, settings_of
from minisiamese.studies.search.work import alone, storing, study_of, work
from minisiamese.threads import available_cores
from minisiamese.train.learner import interrupts

TRAIN = "python -m minisiamese.train"


def search(options):
    """Let workers carry out the trials that are left, and write what was found; whether Ctrl-C stopped it."""
    options.check()
    check_device(options.device)
    data.check_present(options.data, options.data_dir)
    settings = settings_of(options, {})
    training = part_of("training", settings, options.data_dir)
    sampler_of(settings, training)  # which refuses images that are too few, before anything is begun
    images = training.digest() if data.DATASETS[options.data].needs else None
    study = study_of(options, images)
    workers = options.workers or (1 if options.device == "cuda" else available_cores())
    with deaf():
        stop, complaints, begun = CONTEXT.Event(), CONTEXT.SimpleQueue(), []
    with interrupts() as pressed, Progress(study, options) as progress, storing(options):
        try:
            for _ in range(min(workers, 2 * available_cores())):
                begun.append(started(work, options, images, stop, complaints))
            while any(each.is_alive() for each in begun) and complaints.empty() and not pressed:
                time.sleep(0.5)
                progress.show()
        finally:  # trials under way are saved
            stop.set()
            for each in begun:
                each.join()
        if not complaints.empty():
            raise BadInput(complaints.get())
        progress.show()
        with alone(options):
            outcome.write(study, options)
    if any(each.exitcode > 0 for each in begun):
        raise RuntimeError("a worker failed; its traceback is above")
    if not pressed and progress.bar.n < options.trials and any(each.exitcode for each in begun):
        raise BadInput("a worker was ended from outside, for want of memory perhaps: the same command goes on")
    return bool(pressed)


class Progress:
    """A bar of the trials that are done, and a line for each that is the best so far; a context manager."""

    def __init__(self, study, options):
        self.study, self.options, self.best = study, options, None
        self.bar = tqdm(total=options.trials, desc="search", unit=" trials", disable=None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def show(self):
        """Bring the bar up to now."""
        states = [each.state.name for each in self.study.get_trials(deepcopy=False)]
        best = outcome.best_of(self.study)
        if best and (self.best is None or best.value > self.best.value):
            self.best = best
            found = outcome.found_by(best, self.options)
            tqdm.write(f"trial {best.number}: one-shot accuracy {best.value:.1%}, the best so far: {described(found)}")
        self.bar.n = states.count("COMPLETE") + states.count("PRUNED")
        self.bar.set_postfix({"given up": states.count("PRUNED"), "best": f"{self.best.value:.1%}" if best else "none"})


def described(found):
    """Settings {flat key: value} as options of a command."""
    return " ".join(
        f"--{key} {' '.join(f'{each:.2g}' if each < 1 else str(each) for each in np.atleast_1d(value).tolist())}"
        for key, value in found.items()
    )


def main():
    options = parse(SearchOptions, SEARCH)
    options = replace(options, out=options.folder())
    try:
        stopped = search(options)
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        print(f"stopped; the same command goes on with the search in {options.out}", file=sys.stderr)
        return 130
    recipe = options.out / "recipe.json"
    learned = f"; train by it: {TRAIN} {options.data} --recipe {shlex.quote(str(recipe))}" if recipe.exists() else ""
    print(f"everything is in {options.out}{learned or '; no trial learned anything'}")
    return 0


if __name__ == "__main__":
    front_door(main)
