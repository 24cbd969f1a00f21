"""A training that can be stopped at any step, and goes on as if it had not been."""

import math
import signal
import time
from contextlib import contextmanager

from minisiamese import checkpoint
from minisiamese.errors import BadInput

SAVE_SECONDS = 60  # between two saves of ``Learner.learn``


class Stopped(Exception):
    """A training was asked to stop, and was saved."""


@contextmanager
def interrupts(insist=False):
    """A list that each Ctrl-C is put into, while the work goes on; with ``insist`` the second one ends the work."""
    pressed = []

    def interrupt(*_):
        if insist and pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


class Learner:
    """The network, the optimiser, the random state and the counters of a training: all that its next steps depend on.

    ``schedule(step, steps)`` gives the factor on the rates and the most that a momentum may be (``SCHEDULES``); steps
    is None as long as their number is open: all schedules are then at their start.
    """

    COUNTERS = ("step", "seconds", "log", "total", "count")  # JSON-able attributes that a checkpoint keeps

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
        returns whether to stop. BadInput if the loss is no longer a number.
        """
        if path.exists():
            self.load(path)
        tick(self.step)
        self.start_clock()
        saved = self.seconds
        while self.step < self.steps:
            self.update(backpropagate(self.rng, self.step))
            if self.step * looks // self.steps != (self.step - 1) * looks // self.steps:
                loss = self.mean_loss()
                if not math.isfinite(loss):
                    raise BadInput(f"{path}: the loss is no longer a number at step {self.step}; try another --seed")
                self.log.append({"step": self.step, "loss": loss} | observe())
            stop = tick(1)
            self.read_clock()
            if stop or self.seconds - saved > SAVE_SECONDS:
                self.save(path)
                saved = self.seconds
            if stop and self.step < self.steps:
                raise Stopped

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, path, **more):
        """Save network, optimiser, random state and counters, with ``more`` JSON-able values beside them."""
        counters = {key: getattr(self, key) for key in self.COUNTERS}
        counters |= {"total": float(self.total)} if "total" in counters else {}  # which may be on the device
        checkpoint.save(path, self._arrays(), counters | {"random_state": self.rng.bit_generator.state} | more)

    def load(self, path):
        """Go back to where ``path`` was saved; BadInput if it is of something else."""
        arrays, meta = checkpoint.load(path)
        checkpoint.restore(self._arrays(), arrays, path)
        try:
            self.rng.bit_generator.state = meta["random_state"]
            for key in self.COUNTERS:
                setattr(self, key, meta[key])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path} cannot be resumed from ({type(error).__name__}: {error})") from None
        self.optimizer.steps = self.step
        self.start_clock()

    def _arrays(self):
        return self.network.arrays() | {f"optimizer.{key}": array for key, array in self.optimizer.state.items()}
