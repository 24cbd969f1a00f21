"""A training that can be stopped at any step, and goes on as if it had not been."""

import math
import signal
import time
from contextlib import contextmanager
from typing import ClassVar, Literal

import msgspec

from minisiamese import checkpoint
from minisiamese.checkpoint import Count, Finite, Seconds, typed
from minisiamese.commands.doors import on_stop
from minisiamese.errors import BadInput

SAVE_SECONDS = 60  # between two saves of ``Learner.learn``


class Stopped(Exception):
    """A training was asked to stop, and was saved."""


@contextmanager
def interrupts(insist=False):
    """A list that each Ctrl-C, SIGTERM or SIGHUP is put into, while the work goes on; with ``insist`` the second one
    ends the work."""
    pressed = []

    def interrupt(*_):
        if insist and pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    before = on_stop(interrupt)
    try:
        yield pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class LogEntry(msgspec.Struct):
    """What ``Learner.learn`` logs of a look, beside what ``observe`` says."""

    step: Count
    loss: Finite


class RandomState(msgspec.Struct):
    """The state of NumPy's default generator, as JSON has it."""

    bit_generator: Literal["PCG64"]
    state: dict[Literal["state", "inc"], int]
    has_uint32: Literal[0, 1]
    uinteger: int


class Learner:
    """The network, the optimiser, the random state and the counters of a training: all that its next steps depend on.

    ``schedule(step, steps)`` gives the factor on the rates and the most that a momentum may be (``SCHEDULES``); steps
    is None as long as their number is open: all schedules are then at their start.
    """

    # attributes that a checkpoint keeps, with the types that they have in JSON
    COUNTERS: ClassVar = {"step": Count, "seconds": Seconds, "log": list[LogEntry], "total": Finite, "count": Count}

    def __init__(self, network, optimizer, schedule, steps, rng):
        self.network, self.optimizer, self.schedule, self.steps, self.rng = network, optimizer, schedule, steps, rng
        self.step, self.seconds, self.log = 0, 0.0, []
        self.total, self.count = 0.0, 0  # of the losses since they were last read
        self.factor = 1.0  # on the rates, of the last step
        self.start_clock()

    # --- a step -------------------------------------------------------------------------------------------------------

    def update(self, loss):
        """Change the weights by the gradients that the layers hold, and clear these: a step with this loss is made."""
        self.factor, cap = self.schedule(self.step, self.steps or math.inf)
        self.optimizer.step(self.factor, cap)
        self.network.zero_grad()
        self.step += 1
        self.total, self.count = self.total + loss, self.count + 1
        self.read_clock()

    def mean_loss(self):
        """The mean loss of the steps since this was last asked for. Losses stay on the device until then."""
        mean, self.total, self.count = float(self.total) / self.count, 0.0, 0
        return mean

    def start_clock(self):
        """Let ``seconds`` go on from now."""
        self.started = time.perf_counter() - self.seconds

    def read_clock(self):
        """Bring ``seconds``, the time that the training has taken, up to now."""
        self.seconds = time.perf_counter() - self.started

    # --- a whole training ---------------------------------------------------------------------------------------------

    def learn(self, path, backpropagate, observe, tick, looks):
        """Train to the last step, resuming from the checkpoint ``path`` if there is one; ``Stopped`` if asked to stop.

        ``backpropagate(rng, step)`` leaves the gradients and returns the loss; ``observe()`` returns what is logged
        with the mean loss, ``looks`` times, at even distances; ``tick(steps)`` is told of steps that were made and
        returns whether to stop. BadInput if numbers of the network are no longer finite; nothing of it is then saved.
        """
        if path.exists():
            self.load(path)
        tick(self.step)
        self.start_clock()
        saved = self.seconds
        while self.step < self.steps:
            self.update(backpropagate(self.rng, self.step))
            looking = self.step * looks // self.steps != (self.step - 1) * looks // self.steps
            if looking:
                self.check_finite(path)
                self.log.append({"step": self.step, "loss": self.mean_loss()} | observe())
            stop = tick(1)
            self.read_clock()
            if stop or self.seconds - saved > SAVE_SECONDS:
                self.check_finite(path)
                self.save(path)
                saved = self.seconds
            if stop and self.step < self.steps:
                raise Stopped

    def finite(self):
        """Whether the losses, and all numbers of the network and of the optimiser, are finite."""
        return math.isfinite(
            self.total + sum(array.sum() for array in self._arrays().values())
        )  # one look at the device

    def check_finite(self, where):
        """BadInput, which names the file or the folder ``where``, unless all is ``finite``."""
        if not self.finite():
            raise BadInput(
                f"the loss is no longer a number at step {self.step}: start again with a smaller rate (--lr, of maml "
                f"--inner-rate, too) or another --seed, and another --out ({where} keeps what was saved before)"
            )

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, path, **more):
        """Save network, optimiser, random state and counters, with ``more`` JSON-able values beside them."""
        counters = {key: getattr(self, key) for key in self.COUNTERS}
        counters |= {"total": float(self.total)} if "total" in counters else {}  # which may be on the device
        checkpoint.save(path, self._arrays(), counters | {"random_state": self.rng.bit_generator.state} | more)

    def load(self, path):
        """Go back to where ``path`` was saved; returns all that was saved beside the arrays. BadInput if it is of
        something else."""
        arrays, meta = checkpoint.load(path)
        checkpoint.restore(self._arrays(), arrays, path)
        try:
            for key, kind in self.COUNTERS.items():
                typed(meta[key], kind)
            self._check_counters(meta)
            self._set_random_state(meta["random_state"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput(
                f"{path} cannot be resumed from ({type(error).__name__}: {error}): take another --out, or a copy of it"
            ) from None
        for key in self.COUNTERS:
            setattr(self, key, meta[key])
        self.optimizer.steps = self.step
        self.start_clock()
        return meta

    def _check_counters(self, meta):
        """ValueError if the counters of a checkpoint cannot be of this training."""
        step, steps = meta["step"], meta.get("steps", self.steps)
        if self.steps is not None and (steps is None or steps > self.steps):
            raise ValueError(f"it is of {steps} steps, not of {self.steps}")
        if (steps is not None and step > steps) or meta.get("best_step", 0) > step:
            raise ValueError(f"step {step} is beyond the last one, or before the best one")

    def _set_random_state(self, state):
        """ValueError, or another error of NumPy's, if the state is none that a generator can have."""
        typed(state, RandomState)
        self.rng.bit_generator.state = state
        if self.rng.bit_generator.state != state or state["state"]["inc"] % 2 == 0:
            raise ValueError("the random state is no state of PCG64")

    def _arrays(self):
        return self.network.arrays() | {f"optimizer.{key}": array for key, array in self.optimizer.state.items()}
