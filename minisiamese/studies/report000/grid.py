"""The grid of report 000's trainings, each a job of its own: one thread, its own random streams, its own file.

The jobs of one kind of pretraining wait for its classifier; all others are independent. So as many jobs are carried out
at once as there are threads, and the results do not depend on how many that is.
"""

from concurrent.futures import FIRST_COMPLETED, wait

import numpy as np
from tqdm import tqdm

from minisiamese import checkpoint
from minisiamese.backend import check_device
from minisiamese.commands.doors import deaf
from minisiamese.studies.pool import CONTEXT, processes
from minisiamese.studies.report000.measuring import ReportTests
from minisiamese.studies.report000.pretraining import classification, pretrain
from minisiamese.studies.report000.runs import siamese, train_run
from minisiamese.studies.report000.settings import PRETRAINED, PRETRAINING, RUNS, SEEN
from minisiamese.studies.report000.sources import PairSource
from minisiamese.train.learner import Stopped, interrupts

# --- a job ------------------------------------------------------------------------------------------------------------


def carry_out(task, pretraining, name, tick):
    """Train and measure; leave the network and the result in the job's file. Stopped if ``tick`` asks for it."""
    plan, tests = task.plan, ReportTests(task.test, task.plan.tests, task.seed)
    if name == PRETRAINED:
        classifier, branch, learner = pretrain(task, pretraining, tick)
        classes = PRETRAINING[pretraining]
        test = task.test.take_classes(np.arange(classes))
        result = {"classification": classification(classifier, plan, classes, test, task.device)}
        arrays = classifier.arrays()
        network = siamese(plan, "contrastive", branch)
        known = PairSource(task.training, SEEN, False, plan.step_images, task.seed)
    else:
        branch = pretrained_branch(task, pretraining).to(task.device)
        network, known, learner = train_run(task, pretraining, name, branch, tick)
        result, arrays = {}, network.arrays()
    known = known.sample(plan.tests, np.random.default_rng(task.seed))
    result |= tests.measure(network, task.device, known, task.training.images)
    result |= {"log": learner.log, "steps": learner.step, "seconds": learner.seconds}
    checkpoint.save(task.path(pretraining, name), arrays, {"result": result})


def pretrained_branch(task, pretraining):
    """The branch of the classifier that a job has left."""
    classifier, branch = task.plan.classifier(np.random.default_rng(0))
    path = task.path(pretraining, PRETRAINED)
    checkpoint.restore(classifier.arrays(), checkpoint.load(path)[0], path)
    return branch


def rebuild(task, pretraining, name):
    """The network that a job has left; of the pretraining its branch, with a distance as its head."""
    loss = "contrastive" if name == PRETRAINED else RUNS[name].loss
    network = siamese(task.plan, loss, pretrained_branch(task, pretraining))
    path = task.path(pretraining, name)
    if name != PRETRAINED:
        checkpoint.restore(network.arrays(), checkpoint.load(path)[0], path)
    return network.to(task.device)


# --- many jobs --------------------------------------------------------------------------------------------------------


def _share(task, progress, stop):
    """Keep in a process the task, the progress and the signal to stop that all jobs share."""
    global _shared
    check_device(task.device)
    _shared = task, progress, stop


def _carry_out_here(pretraining, name):
    """A job, in one of the processes."""
    task, progress, stop = _shared
    if stop.is_set():
        raise Stopped

    def tick(steps):
        with progress.get_lock():
            progress.value += steps * task.images_a_step(name)
        return stop.is_set()

    carry_out(task, pretraining, name, tick)


def run_all(task, workers):
    """Carry out all jobs that are not done. After Ctrl-C, KeyboardInterrupt once all jobs under way are saved."""
    jobs = [(pretraining, name) for pretraining in PRETRAINING for name in (PRETRAINED, *RUNS)]
    to_do = [job for job in jobs if task.result(*job) is None]
    with deaf():
        progress, stop, waiting = CONTEXT.Value("q", 0), CONTEXT.Event(), {}
    with (
        interrupts() as pressed,
        tqdm(total=sum(task.images(*job) for job in jobs), desc="training", unit=" images", disable=None) as bar,
        processes(workers, _share, task, progress, stop) as pool,
    ):
        before = sum(task.images(*job) for job in jobs if job not in to_do)

        def submit(jobs):
            waiting.update({pool.submit(_carry_out_here, *job): job for job in jobs})

        try:
            submit([job for job in to_do if task.ready(*job)])
            while waiting:
                done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                bar.update(before + progress.value - bar.n)
                if pressed:
                    raise KeyboardInterrupt
                for future in done:
                    job = waiting.pop(future)
                    future.result()  # raises the error of the job, if there was one
                    if job[1] == PRETRAINED:
                        submit([each for each in to_do if each[0] == job[0] and each != job])
                    elif warning := task.warning(*job):
                        tqdm.write(f"{'/'.join(job)}: {warning}")
        finally:  # after Ctrl-C or an error, jobs under way stop, and are saved
            stop.set()
            for future in waiting:
                future.cancel()
            wait(waiting)


def results(task):
    """{pretraining: {name: result of the job}}, and the pixels' nearest neighbour."""
    found = {
        pretraining: {name: task.result(pretraining, name) for name in (PRETRAINED, *RUNS)}
        for pretraining in PRETRAINING
    }
    return found | {"pixels": ReportTests(task.test, task.plan.tests, task.seed).baseline()}
