"""The loop around a training step: stopping, progress, log, validation and checkpoints."""

import json
import signal

from tqdm import tqdm

from minisiamese import checkpoint, mining
from minisiamese.commands.doors import NoOutput
from minisiamese.errors import BadInput
from minisiamese.train.introduction import outlook
from minisiamese.train.learner import interrupts

SHOWN = {"loss": "{:.3f}", "validation_accuracy": "{:.1%}"}  # at the end of the progress bar
LOG_EVERY = 10  # steps between two lines of metrics.jsonl; the loss is read, and looked at for NaN, this often


def loop(trainer, out, quiet=False, stop=lambda: False):
    """Steps until the run is complete or Ctrl-C, saved so that it can go on from any end; whether Ctrl-C was pressed.

    ``quiet`` shows nothing of it; ``stop()`` is asked after each step whether to stop there, as Ctrl-C does. BadInput
    if the loss is no longer a number.
    """
    measuring, stopping = trainer.settings.measuring, False
    with interrupts(insist=True) as pressed, Log(out / "metrics.jsonl", trainer, quiet) as log:
        trainer.start_clock()
        if trainer.step == 0:
            validate(trainer, log, out / "best.npz")
            trainer.read_clock()
            trainer.validation_seconds = trainer.seconds
        log.began = trainer.step, trainer.seconds
        while trainer.step != trainer.steps and not stopping:
            trainer.train_step()
            stopping = bool(pressed) or stop()  # asked once a step: the step that ends the loop is saved
            planned = trainer.plan()
            at_end = trainer.step == trainer.steps
            log.tick()
            if planned:
                log.warn(trainer.late())
            validating = trainer.validating()
            saving = trainer.step % measuring.checkpoint_every == 0 or at_end or stopping or planned
            if trainer.step % LOG_EVERY == 0 or validating or saving:
                read_loss(trainer, log)
            if validating:
                validate(trainer, log, out / "best.npz")
                saving = trainer.give_up() or saving
            if saving:
                trainer.save_last(out / "last.npz")
    return bool(pressed)


def read_loss(trainer, log):
    """Log the mean loss since the last time, and a summary of triplets; BadInput if the loss is no number."""
    trainer.check_finite(trainer.settings.machine.out)
    settings, step, loss, penalty = trainer.settings, trainer.step, trainer.mean_loss(), trainer.optimizer.penalty()
    rate, seen = trainer.factor * settings.learning.lr[0], trainer.triplet_summary()
    log.write(step=step, loss=loss, penalty=float(penalty), lr=rate, seconds=trainer.seconds, **seen)
    if seen and not log.warned:
        log.warned = mining.collapse_warning(seen["d_an"], settings.loss.margin)
        log.warn(log.warned and f"step {step}: {log.warned}")


def validate(trainer, log, path):
    """Measure the network on validation images, and keep it in ``path`` if it is the best so far, or as good; in any
    case if nothing was held out to tell the best by."""
    accuracy = trainer.validate()
    log.write(step=trainer.step, validation_accuracy=accuracy)
    log.say(trainer.describe(accuracy))
    if accuracy > trainer.best or not trainer.settings.holds_out:
        trainer.best, trainer.best_step = accuracy, trainer.step
    if accuracy == trainer.best:
        trainer.save_best(path)


class Log:
    """metrics.jsonl, one JSON object a line, and the progress on the terminal; a context manager.

    ``path`` is opened for appending, without the lines that a resumed run will write again.
    """

    def __init__(self, path, trainer, quiet):
        self.trainer, self.quiet, self.warned, self.state = trainer, quiet, None, {}
        self.before = ""  # the checksum of the last line
        self.began, self.outlook = (0, 0.0), None  # step and seconds at the loop's first step; how long it takes
        kept = _lines_until(path, trainer) if trainer.step else []
        checkpoint.save_text(path, "".join(map(self._line, kept)))
        self.file = open(path, "a", buffering=1)
        shown = {"desc": "training", "unit": " steps", "disable": quiet or None}
        self.bar = tqdm(total=trainer.steps, initial=trainer.step, **shown)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()
        self.bar.close()

    def tick(self):
        """Show that a step is made and, once, how long the others will take."""
        self.bar.total = self.trainer.steps
        self.bar.update()
        if not self.outlook:
            self.outlook = outlook(self.trainer, *self.began)
            self.warn(self.outlook)

    def write(self, **values):
        """One line of the file, and its loss or accuracy at the end of the progress bar."""
        self.file.write(self._line(values))
        self.state |= {key: form.format(values[key]) for key, form in SHOWN.items() if key in values}
        self.bar.set_postfix(self.state, refresh=False)

    def _line(self, values):
        sealed = checkpoint.seal(values, self.before)
        self.before = sealed[checkpoint.CHECKSUM]
        return json.dumps(sealed) + "\n"

    def say(self, line):
        """A line above the progress bar."""
        if self.quiet:
            return
        try:
            tqdm.write(line)
        except (NoOutput, BrokenPipeError):  # nobody reads any more: save and stop, as on Ctrl-C
            self.quiet = True  # a second Ctrl-C would end the run before it is saved
            signal.raise_signal(signal.SIGINT)

    def warn(self, warning):
        """Say a warning, if there is one."""
        if warning:
            self.say(warning)


def _lines_until(path, trainer):
    """The lines of a metrics.jsonl up to the step at which the run was saved; BadInput if they end before its last."""
    kept = [values for values in checkpoint.load_lines(path) if values["step"] <= trainer.step]
    last = kept[-1] if kept else {"step": -1}
    validated = "validation_accuracy" in last or not trainer.validating()
    if path.exists() and (last["step"] < trainer.step or not validated):
        why = f"ends before the last line of step {trainer.step}, where the run was saved"
        raise BadInput(f"{path} {why}: delete it to go on without its lines")
    return kept
