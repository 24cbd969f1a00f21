"""Train a siamese network and measure it.

    python -m minisiamese.train omniglot --minutes 10 --out RUN

A run folder holds config.json, metrics.jsonl, summary.json, the checkpoints last.npz and best.npz, and pictures. A run
that was stopped, by Ctrl-C or by force, goes on with ``--resume`` and ends with the very weights it would have had.
"""

import json
import math
import signal
import sys
import time
import warnings
from dataclasses import fields, replace

import numpy as np
from tqdm import tqdm

from minisiamese import checkpoint, data, mining
from minisiamese.backend import check_device, set_threads
from minisiamese.config import MACHINE, Config, from_command_line
from minisiamese.data.affine import Views, draw_distortions, draw_photographic
from minisiamese.data.samplers import Batch, sampler_of
from minisiamese.errors import BadInput, front_door
from minisiamese.evaluate import network_scorer
from minisiamese.metrics import log, open_metrics, say
from minisiamese.networks import build, initial
from minisiamese.optimizers import OPTIMIZERS, SCHEDULES
from minisiamese.siamese import CRITERIA
from minisiamese.summary import finish
from minisiamese.trials import credits, nway_trials, rate

LOG_EVERY = 10  # steps between two lines of metrics.jsonl; the loss is read, and looked at for NaN, this often
VALIDATION_RUNS = {"alphabets": 25, "paper": 16, "vinyals": 25}  # like Lake's, of 20 trials each: the paper has 320
COUNTERS = ("step", "steps", "seconds", "best", "best_step", "validation_seconds")


class Trainer:
    """The network, the optimiser, the random state and the counters of a run: all that a checkpoint must hold."""

    def __init__(self, config, training, validation):
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        start = build if (config.out / "last.npz").exists() else initial  # what it holds needs no file of --weights
        self.network = start(config, self.rng, channels=training.images.shape[3]).to(config.device)
        self.training = training = training.turned() if config.turn else training
        extra = {"momentum": config.momentum} if config.optimizer == "momentum" else {"beta2": config.beta2}
        try:
            self.optimizer = OPTIMIZERS[config.optimizer](self.network, config.l2, config.lr, **extra)
        except ValueError as error:
            raise BadInput(str(error)) from None
        self.compute, self.last = CRITERIA[config.loss].compute, None
        self.sampler = sampler_of(config, training)
        self.draw_maps = draw_photographic if config.flips else draw_distortions
        self.views = Views(training.images, self.network.size, config.device, self.network.frame)
        way, rng = min(20, max(map(len, validation.classes_of_group))), np.random.default_rng(0)
        self.trials = nway_trials(validation, way, 1, VALIDATION_RUNS[config.split] * way, True, rng)
        self.step, self.steps, self.seconds = 0, config.steps, 0.0
        self.best, self.best_step, self.validation_seconds = 0.0, 0, 0.0

    def train_step(self):
        """One step; the loss, still on the device."""
        config = self.config
        batch = self.sampler.draw(self.rng)
        matrices = batch.matrices
        if matrices is None and config.distort:
            matrices = self.draw_maps(self.rng, len(batch.rows))
        z = self.network.forward(self.views(batch.rows, matrices))
        if config.mining != "random":
            how = self.training.labels[batch.rows], config.mining, config.margin, self.rng, config.hardest
            batch = Batch(batch.rows, **mining.mine(self.network.head, z, *how))
        batch = batch.to(config.device)
        self.last = z, batch
        loss, dz = self.compute(self.network.head, z, batch, config.margin)
        self.network.backward(dz)
        self.optimizer.step(*self.schedule())
        self.network.zero_grad()
        self.step += 1
        return loss

    def schedule(self):
        """The factor on the rates, and the most that a momentum may be, at this step."""
        # before --minutes has set the number of steps, the run is in the part that every schedule holds
        steps = self.steps or math.inf
        return SCHEDULES[self.config.schedule](self.step, steps, self.config.epoch_steps)

    def validate(self):
        """One-shot accuracy on what is held out, within alphabets, always on the same trials."""
        scores = self.trials.scores(network_scorer(self.network, self.config.device))
        return rate(credits(scores, self.trials.target))["accuracy"]

    def describe(self, accuracy):
        """A validation's result as a line."""
        way, what = self.trials.support.shape[1], "images" if self.config.data == "folder" else "alphabets"
        return f"step {self.step}: {way}-way accuracy on held-out {what} {accuracy:.1%}"

    def triplet_summary(self):
        """``mining.summarise`` of the last step's triplets; nothing for other losses."""
        config, head, (z, batch) = self.config, self.network.head, self.last
        if CRITERIA[config.loss].tuples != "triplets":
            return {}
        if config.mining != "random":
            return mining.watch(head, z, self.training.labels[batch.rows], config.margin)
        return mining.summarise(*mining.triplet_distances(head, z, batch), config.margin)

    def out_of_patience(self):
        """Whether --patience epochs have passed since the best validation."""
        config = self.config
        return bool(config.patience) and self.step - self.best_step >= config.patience * config.epoch_steps

    def plan(self):
        """Once a twentieth of --minutes has passed, set how many steps fit into them; whether it was done now."""
        if self.steps or self.seconds < 3 * self.config.minutes or self.step < 3:  # 3 seconds are 1/20 of a minute
            return False
        budget = 60 * self.config.minutes - self.seconds
        step_seconds = (self.seconds - self.validation_seconds) / self.step
        step_seconds += self.validation_seconds / self.config.validate_every
        self.steps = self.step + max(1, int(budget / step_seconds))
        return True

    def finite(self):
        return math.isfinite(sum(array.sum() for array in self.network.arrays().values()))

    def save_best(self, path):
        meta = {"config": self.config.to_json(), "step": self.step, "validation_accuracy": self.best}
        meta["channels"] = self.training.images.shape[3]
        checkpoint.save(path, self.network.arrays(), meta)

    def save_last(self, path):
        counters = {key: getattr(self, key) for key in COUNTERS}
        meta = {"config": self.config.to_json(), "random_state": self.rng.bit_generator.state, **counters}
        checkpoint.save(path, self._arrays(), meta)

    def load_last(self, path):
        """Go back to where ``path`` was saved; a run that was stopped before its first save is at its start."""
        if not path.exists():
            best = path.with_name("best.npz")
            if best.exists() and checkpoint.load(best)[1].get("step", 0) > self.config.checkpoint_every:
                raise BadInput(f"{path} is missing, so the run cannot go on: measure {best}, or take another --out")
            return
        arrays, meta = checkpoint.load(path)
        checkpoint.restore(self._arrays(), arrays, path)
        try:
            self.rng.bit_generator.state = meta["random_state"]
            for key in COUNTERS:
                setattr(self, key, meta[key])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path} cannot be resumed from ({type(error).__name__}: {error})") from None
        self.optimizer.steps = self.sampler.drawn = self.step

    def _arrays(self):
        return self.network.arrays() | {f"optimizer.{key}": array for key, array in self.optimizer.state.items()}


# --- the run ----------------------------------------------------------------------------------------------------------


def train(config):
    """Train as configured, measure, and leave the run folder; returns the summary.

    ``train(Config.of_run(out))`` goes on with a run.
    """
    config = _saved(config) if config.resume else config.checked()
    if not config.resume and config.out.exists() and (not config.out.is_dir() or any(config.out.iterdir())):
        raise BadInput(f"{config.out} exists already: give another --out, or --resume if it is a run to go on with")
    check_device(config.device)
    data.check_present(config.data, config.data_dir)
    set_threads(config.threads)
    trainer = Trainer(config, *(data.part(name, config, config.data_dir) for name in ("training", "validation")))
    if config.resume:
        trainer.load_last(config.out / "last.npz")
        done = trainer.step == trainer.steps
        print(f"{config.out} is trained; its tests are made again" if done else f"going on after step {trainer.step}")
    try:
        if not config.resume:
            config.out.mkdir(parents=True, exist_ok=True)
            checkpoint.save_text(config.out / "config.json", json.dumps(config.to_json(), indent=1))
        with warnings.catch_warnings():
            # overflow shows as a loss that is not finite, and stops the run
            warnings.simplefilter("ignore", RuntimeWarning)
            loop(trainer, config.out)
        return finish(trainer)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadInput(f"--out: cannot write {config.out} ({error.strerror or error})") from None


def _saved(given):
    """The configuration of the run to go on with, on this call's machine; BadInput if this call asks for another."""
    saved = Config.of_run(given.out or given.checked().out)
    if saved.data != given.data:
        raise BadInput(f"--resume: {saved.out} is a run on {saved.data}, not on {given.data}")
    machine = {name: getattr(given, name) for name in MACHINE}
    if saved.data == "folder":  # the one data set that is nowhere without it
        machine["data_dir"] = given.data_dir or saved.data_dir
    for field in fields(Config):
        asked, kept = getattr(given, field.name), getattr(saved, field.name)
        if field.name not in ("out", *MACHINE) and asked not in (None, kept):
            name = field.name.replace("_", "-")
            kept = "none" if kept is None else str(kept).strip("(),")
            raise BadInput(f"--{name} cannot change on --resume: {saved.out} was started with {kept}")
    return replace(saved, **machine).checked()


def loop(trainer, out, quiet=False):
    """Steps until the run is complete or Ctrl-C; what a step leaves is saved so that any end can be resumed.

    ``quiet`` shows nothing of it. Whether Ctrl-C was pressed. BadInput if the loss is no longer a number.
    """
    config = trainer.config
    stop = []

    def interrupt(*_):
        if stop:  # the second Ctrl-C does not wait for the step
            raise KeyboardInterrupt
        stop.append(True)

    previous_handler = signal.signal(signal.SIGINT, interrupt)
    bar = tqdm(total=trainer.steps, initial=trainer.step, desc="training", unit=" steps", disable=quiet or None)
    try:
        with open_metrics(out / "metrics.jsonl", trainer.step) as metrics:
            start = time.perf_counter() - trainer.seconds
            if trainer.step == 0:
                trainer.best = trainer.validate()
                trainer.validation_seconds = time.perf_counter() - start
                log(metrics, bar, step=0, validation_accuracy=trainer.best)
                if not quiet:
                    say(trainer.describe(trainer.best))
                trainer.save_best(out / "best.npz")
            total, count, stopping, warned = 0.0, 0, False, quiet
            while trainer.step != trainer.steps and not stopping:
                factor, _ = trainer.schedule()
                total, count = total + trainer.train_step(), count + 1
                stopping = bool(stop)  # asked once a step, so that what stops the loop is also what saves
                trainer.seconds = time.perf_counter() - start
                planned = trainer.plan()
                bar.total = trainer.steps
                bar.update()
                step, at_end = trainer.step, trainer.step == trainer.steps or stopping
                validating = step % config.validate_every == 0 or step == trainer.steps
                saving = step % config.checkpoint_every == 0 or at_end or planned  # the plan must not be made twice
                if not (step % LOG_EVERY == 0 or validating or saving):
                    continue
                loss, penalty = float(total) / count, float(trainer.optimizer.penalty())
                if not (math.isfinite(loss) and trainer.finite()):
                    raise BadInput(
                        f"the loss is no longer a number at step {step}: start again with a smaller --lr and another "
                        f"--out ({out} keeps what was saved before)"
                    )
                rate, seconds = factor * config.lr[0], trainer.seconds
                seen = trainer.triplet_summary()
                log(metrics, bar, step=step, loss=loss, penalty=penalty, lr=rate, seconds=seconds, **seen)
                total, count = 0.0, 0
                if seen and not warned and (warned := mining.collapse_warning(seen["d_an"], config.margin)):
                    say(f"step {step}: {warned}")
                if validating:
                    accuracy = trainer.validate()
                    log(metrics, bar, step=step, validation_accuracy=accuracy)
                    if not quiet:
                        say(trainer.describe(accuracy))
                    if accuracy > trainer.best:
                        trainer.best, trainer.best_step = accuracy, step
                    if accuracy == trainer.best:
                        trainer.save_best(out / "best.npz")
                    if trainer.out_of_patience():
                        trainer.steps = step
                        saving = True
                if saving:
                    trainer.seconds = time.perf_counter() - start
                    trainer.save_last(out / "last.npz")
    finally:
        bar.close()
        signal.signal(signal.SIGINT, previous_handler)
    return bool(stop)


def main():
    config = from_command_line()
    out = config.out or config.checked().out
    again = f"go on with: python -m minisiamese.train {config.data} --out {out} --resume"
    try:
        summary = train(config)
    except KeyboardInterrupt:  # before or after the training steps, which see to it themselves
        print(f"interrupted; {again}" if (out / "config.json").exists() else "interrupted", file=sys.stderr)
        return 130
    if not summary["finished"]:
        print(f"stopped after step {summary['steps']}; {again}")
        return 130
    print(f"{summary['steps']} steps in {summary['seconds']:.0f} s; everything is in {out}")
    return 0


if __name__ == "__main__":
    front_door(main)
