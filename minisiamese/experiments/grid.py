"""The grid of report 000's trainings, each a job of its own: one thread, its own random streams, its own file.

Jobs of the networks of one kind of pretraining wait for that; all others are independent, so as many are carried out at
once as there are threads, and what comes out does not depend on how many that is.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from minisiamese import checkpoint
from minisiamese.backend import check_device, set_threads
from minisiamese.data.dataset import Dataset
from minisiamese.errors import BadInput
from minisiamese.experiments import runs
from minisiamese.experiments.learner import Stopped, interrupts
from minisiamese.experiments.measuring import ReportTests
from minisiamese.experiments.runs import PRETRAINED, PRETRAINING, RUNS, SEEN, VALIDATION
from minisiamese.experiments.sources import PairSource
from minisiamese.mining import collapse_warning


@dataclass(frozen=True)
class Task:
    """What all jobs share."""

    plan: runs.Plan
    training: Dataset
    validation: Dataset
    test: Dataset
    out: Path
    seed: int
    device: str

    def path(self, pretraining, name):
        return self.out / pretraining / f"{name}.npz"

    def result(self, pretraining, name):
        """What a job that is done has left; None if it is not done."""
        path = self.path(pretraining, name)
        return checkpoint.load(path)[1].get("result") if path.exists() else None

    def ready(self, pretraining, name):
        """Whether a job can begin."""
        return name == PRETRAINED or self.result(pretraining, PRETRAINED) is not None

    def warning(self, pretraining, name):
        """What is to be said of a job that is done, if anything."""
        log, margin = self.result(pretraining, name)["log"], RUNS[name].margin
        return collapse_warning(log[-1]["d_an"], margin) if log and "d_an" in log[-1] else None

    def images_a_step(self, name):
        return self.plan.batch if name == PRETRAINED else self.plan.step_images

    def images(self, pretraining, name):
        """How many images a job trains on, for the progress bar."""
        seen = np.count_nonzero(self.training.labels < PRETRAINING[pretraining])
        steps = self.plan.epochs * (seen // self.plan.batch) if name == PRETRAINED else self.plan.steps
        return steps * self.images_a_step(name)


def divide(parts, plan):
    """(training, validation, test) of a data set's "train" and "test" images: the last of each class of the first are
    for validation, and of a quick plan only some of each class are used. BadInput if there are too few."""

    def take(dataset, start, stop):
        return dataset.take(np.concatenate([rows[start:stop] for rows in dataset.rows_of_class]))

    train = parts["train"]
    fewest = min(map(len, train.rows_of_class)), min(map(len, parts["test"].rows_of_class))
    least = VALIDATION + plan.step_images // SEEN, 2
    if any(have < need for have, need in zip(fewest, least, strict=True)):
        raise BadInput(
            f"the data set is not whole: some class has {fewest[0]} images to train and {fewest[1]} to test on"
        )
    training = take(take(train, None, -VALIDATION), None, plan.images)
    return training, take(train, -VALIDATION, None), take(parts["test"], None, plan.images)


# --- a job ------------------------------------------------------------------------------------------------------------


def carry_out(task, pretraining, name, tick):
    """Train and measure; leave the network and the result in the job's file. Stopped if ``tick`` asks for it."""
    plan, path = task.plan, task.path(pretraining, name)
    data, how = (task.training, task.validation), (task.seed, task.device)
    tests = ReportTests(task.test, plan.tests, task.seed)
    classes = PRETRAINING[pretraining]
    if name == PRETRAINED:
        network, branch, learner = runs.pretrain(plan, classes, *data, path, *how, tick)
        test = task.test.take_classes(np.arange(classes))
        result = {"classification": runs.classification(network, plan, classes, test, task.device)}
        arrays = network.arrays()
        siamese = runs.siamese(plan, "contrastive", branch)
        known = PairSource(task.training, SEEN, False, plan.step_images, task.seed)
    else:
        branch = _branch(task, pretraining).to(task.device)
        siamese, known, learner = runs.train(plan, RUNS[name], branch, classes, *data, path, *how, tick)
        result, arrays = {}, siamese.arrays()
    known = known.sample(plan.tests, np.random.default_rng(task.seed))
    result |= tests.measure(siamese, task.device, known, task.training.images)
    result |= {"log": learner.log, "steps": learner.step, "seconds": learner.seconds}
    checkpoint.save(path, arrays, {"result": result})


def _branch(task, pretraining):
    """The pretrained branch."""
    classifier, branch = task.plan.classifier(np.random.default_rng(0))
    path = task.path(pretraining, PRETRAINED)
    checkpoint.restore(classifier.arrays(), checkpoint.load(path)[0], path)
    return branch


def rebuild(task, pretraining, name):
    """The network that a job has left; of the pretraining its branch, with a distance as its head."""
    network = runs.siamese(
        task.plan, "contrastive" if name == PRETRAINED else RUNS[name].loss, _branch(task, pretraining)
    )
    path = task.path(pretraining, name)
    if name != PRETRAINED:
        checkpoint.restore(network.arrays(), checkpoint.load(path)[0], path)
    return network.to(task.device)


# --- many jobs --------------------------------------------------------------------------------------------------------


def _start(task, progress, stop):
    """What a process does once: keep what the jobs share."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who asks its jobs to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_threads(1)
    check_device(task.device)
    _job = task, progress, stop


def _end_with_parent():
    """A parent that is killed cannot end its children, and they would write into what a resumed run writes."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(pretraining, name):
    """A job, in one of the processes."""
    task, progress, stop = _job
    if stop.is_set():
        raise Stopped

    def tick(steps):
        with progress.get_lock():
            progress.value += steps * task.images_a_step(name)
        return stop.is_set()

    carry_out(task, pretraining, name, tick)


@contextmanager
def _deaf_children():
    """Processes that begin here do not hear Ctrl-C, not even while they begin, where the system can do that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_all(task, workers):
    """Carry out all jobs that are not done. After Ctrl-C, KeyboardInterrupt once those under way are saved."""
    jobs = [(pretraining, name) for pretraining in PRETRAINING for name in (PRETRAINED, *RUNS)]
    to_do = [job for job in jobs if task.result(*job) is None]
    context = multiprocessing.get_context("spawn")  # threads do not survive a fork
    progress, stop, waiting = context.Value("q", 0), context.Event(), {}
    with (
        interrupts() as pressed,
        tqdm(total=sum(task.images(*job) for job in jobs), desc="training", unit=" images", disable=None) as bar,
        ProcessPoolExecutor(workers, context, _start, (task, progress, stop)) as pool,
    ):
        before = sum(task.images(*job) for job in jobs if job not in to_do)

        def submit(jobs):
            with _deaf_children():
                waiting.update({pool.submit(_work, *job): job for job in jobs})

        try:
            submit([job for job in to_do if task.ready(*job)])
            while waiting:
                done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                bar.update(before + progress.value - bar.n)
                if pressed:
                    raise KeyboardInterrupt
                for future in done:
                    job = waiting.pop(future)
                    future.result()  # raises what the job raised
                    if job[1] == PRETRAINED:
                        submit([each for each in to_do if each[0] == job[0] and each != job])
                    elif warning := task.warning(*job):
                        tqdm.write(f"{'/'.join(job)}: {warning}")
        except BrokenProcessPool:
            raise BadInput("a process was ended from outside, for want of memory perhaps: try --resume") from None
        finally:  # after Ctrl-C or an error, those under way stop, and are saved
            stop.set()
            for future in waiting:
                future.cancel()
            wait(waiting)


def results(task):
    """{pretraining: {name: what each job has left}}, and the pixels' nearest neighbour."""
    found = {
        pretraining: {name: task.result(pretraining, name) for name in (PRETRAINED, *RUNS)}
        for pretraining in PRETRAINING
    }
    return found | {"pixels": ReportTests(task.test, task.plan.tests, task.seed).baseline()}
