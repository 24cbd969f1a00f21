"""A training that can be stopped at any step, and goes on as if it had not been."""

import signal
import time
from contextlib import contextmanager

import numpy as np

from minisiamese import checkpoint
from minisiamese.errors import BadInput
from minisiamese.optimizers import SCHEDULES

SAVE_SECONDS = 60  # between two saves of a training that goes on


class Stopped(Exception):
    """A training was asked to stop, and was saved."""


@contextmanager
def interrupts():
    """A list that Ctrl-C is put down in: nothing here is to be torn from its hands."""
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


class Learner:
    """The network, the optimiser, the random state and the log of a training: all that its next steps depend on.

    It is looked at ``looks`` times, at even distances.
    """

    def __init__(self, network, optimizer, steps, looks, seed):
        self.network, self.optimizer, self.steps, self.looks = network, optimizer, steps, looks
        self.rng = np.random.default_rng(seed)
        self.step, self.seconds, self.log = 0, 0.0, []
        self.total, self.count = 0.0, 0  # of the losses since the last line of the log

    def learn(self, path, backpropagate, observe, tick):
        """Go on, from what ``path`` holds if it is there, to the last step; raises ``Stopped`` if asked to.

        ``backpropagate(rng, step)`` leaves the gradients and returns the loss, ``observe()`` returns what is to be
        logged with it, ``tick(steps)`` is told of steps that were made and returns whether to stop. BadInput if the
        loss is no longer a number.
        """
        if path.exists():
            self._load(path)
        tick(self.step)
        started = saved = time.perf_counter()
        before = self.seconds
        while self.step < self.steps:
            self.total, self.count = self.total + backpropagate(self.rng, self.step), self.count + 1
            self.optimizer.step(*SCHEDULES["cosine"](self.step, self.steps, 1))
            self.network.zero_grad()
            self.step += 1
            if self.step * self.looks // self.steps != (self.step - 1) * self.looks // self.steps:
                loss = float(self.total) / self.count
                if not np.isfinite(loss):
                    raise BadInput(f"{path}: the loss is no longer a number at step {self.step}; try another --seed")
                self.log.append({"step": self.step, "loss": loss} | observe())
                self.total, self.count = 0.0, 0
            stop, now = tick(1), time.perf_counter()
            self.seconds = before + now - started
            if stop or now - saved > SAVE_SECONDS:
                self.save(path)
                saved = now
            if stop and self.step < self.steps:
                raise Stopped

    def _arrays(self):
        return self.network.arrays() | {f"optimizer.{key}": array for key, array in self.optimizer.state.items()}

    def save(self, path):
        state = {key: getattr(self, key) for key in ("step", "seconds", "log", "count")}
        state |= {"total": float(self.total), "random_state": self.rng.bit_generator.state}
        checkpoint.save(path, self._arrays(), state)

    def _load(self, path):
        arrays, meta = checkpoint.load(path)
        checkpoint.restore(self._arrays(), arrays, path)
        self.rng.bit_generator.state = meta["random_state"]
        for key in ("step", "seconds", "log", "count", "total"):
            setattr(self, key, meta[key])
        self.optimizer.steps = self.step
