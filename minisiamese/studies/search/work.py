"""The trials of a search: their storage, and workers that carry them out side by side.

A worker asks the storage for a trial, trains it in a folder of its own, and tells the storage what came of it. It first
takes up a trial that another worker has left, if its folder is here and no process is at work in it; so a worker that
is killed costs what its trial had learned since it was last saved, and on another machine that trial.
"""

import logging
import os
import traceback
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path

from minisiamese.backend import check_device
from minisiamese.errors import BadInput
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import CONFIG, Folder
from minisiamese.studies.search.settings import SEARCH, beginning, settings_of, suggested
from minisiamese.train.loop import loop
from minisiamese.train.trainer import Trainer

STUDY = "minisiamese"  # the name of a search in its storage
SETTINGS = "settings"  # the name of a search's attribute that holds them


# --- the storage ------------------------------------------------------------------------------------------------------


def optuna():
    """The library; BadInput if it is not there."""
    try:
        import optuna
    except ImportError:
        raise BadInput("the search needs Optuna: pip install -e '.[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return optuna


@contextmanager
def storing(options):
    """BadInput, in one line, for what goes wrong with the storage in the ``with``."""
    from sqlalchemy.exc import SQLAlchemyError

    of_storage = (SQLAlchemyError, optuna().exceptions.OptunaError)
    try:
        yield
    except of_storage as error:
        cause = error.__cause__ or error
        raise BadInput(f"{place(options)} cannot be used ({str(cause).splitlines()[0]})") from None


def place(options):
    """What a complaint calls the storage; a URL may hold a password."""
    return "--storage" if options.storage else str(options.out / "search.journal")


def journal(options):
    """Optuna's storage in a file of the output folder, whose last line is left out if a full disk cut it short."""
    options.out.mkdir(parents=True, exist_ok=True)
    path, library = Path(place(options)), optuna().storages.journal
    backend, lock = library.JournalFileBackend(str(path)), library.JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        whole = path.read_bytes().rfind(b"\n") + 1
        if whole < path.stat().st_size:
            os.truncate(path, whole)
    finally:
        lock.release()
    return library.JournalStorage(backend)


def study_of(options):
    """The search in its storage, begun if it is not there; BadInput if it is of other settings, or of other things."""
    library = optuna()
    pruner = library.pruners.MedianPruner(n_warmup_steps=options.steps // 5)
    with storing(options):
        try:
            storage = library.storages.get_storage(options.storage or journal(options))
            if STUDY not in library.get_all_study_names(storage):  # else nothing is written to what may be another's
                library.create_study(study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True)
            study = library.load_study(study_name=STUDY, storage=storage, pruner=pruner)
        except (ImportError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{place(options)} holds no search, or cannot be read ({error})") from None
        kept, asked = study.user_attrs.get(SETTINGS), options.agreed()
        if kept is None and not study.get_trials(deepcopy=False):
            study.enqueue_trial(beginning(options), skip_if_exists=True)
            study.set_user_attr(SETTINGS, asked)
            return study
    if kept is None or kept.keys() != asked.keys():
        raise BadInput(f"{place(options)} holds another search: give another --out or --storage")
    for key, value in asked.items():
        if value != kept[key]:
            name = "the data set" if key == "data" else f"--{key}"
            raise BadInput(
                f"{name} cannot change: {place(options)} holds a search with {kept[key]}; give another --out or "
                "--storage"
            )
    return study


# --- a trial ----------------------------------------------------------------------------------------------------------


class Searched(Trainer):
    """The training of a trial: each validation is told to the storage, and a hopeless trial gives up."""

    def __init__(self, trial, *arguments):
        super().__init__(*arguments)
        self.trial = trial

    def validate(self):
        accuracy = super().validate()
        if self.step:
            self.trial.report(accuracy, self.step)
        return accuracy

    def give_up(self):
        if self.step == self.steps or not self.trial.should_prune():
            return False
        self.steps = self.step
        return True


def carry_out(study, trial, settings, parts, stop):
    """Train a trial, or go on with it, and tell the storage unless ``stop()`` asked to stop before its end. A loss that
    is no number is an answer, too: its accuracy is 0."""
    out, state = settings.machine.out, optuna().trial.TrialState
    trainer = Searched(trial, settings, *parts)
    trainer.load_last(out / "last.npz")
    try:
        loop(trainer, out, quiet=True, stop=stop)
        if trainer.step != trainer.steps:
            return
        if trainer.steps < settings.learning.steps:
            study.tell(trial, state=state.PRUNED)
        else:
            values = study.get_trials(deepcopy=False)[trial.number].intermediate_values
            study.tell(trial, values[trainer.step])
    except BadInput:
        if trainer.finite():
            raise
        study.tell(trial, 0.0)
    for name in ("last.npz", "best.npz"):
        (out / name).unlink(missing_ok=True)


@contextmanager
def claimed(study, options):
    """(trial, its settings) to carry out, in whose folder no other process is at work until the end of the ``with``;
    None once there are as many trials as asked for."""
    library = optuna()
    state = library.trial.TrialState

    def settings_in_folder(trial):
        out = options.out / "trials" / str(trial.number)
        return settings_of(options, suggested(trial, options), out), Folder(out, SEARCH)

    with ExitStack() as stack:
        for left in study.get_trials(deepcopy=False, states=[state.RUNNING]):
            if not (options.out / "trials" / str(left.number) / CONFIG).exists():
                continue  # it is not here
            trial = library.trial.Trial(study, left._trial_id)
            settings, folder = settings_in_folder(trial)
            try:
                stack.enter_context(folder.begun(settings.to_json(), resume=True))
            except BadInput:
                continue  # another process is at work in it
            if study.get_trials(deepcopy=False)[left.number].state == state.RUNNING:
                yield trial, settings
                return
        counted = [state.RUNNING, state.COMPLETE, state.PRUNED]
        if len(study.get_trials(deepcopy=False, states=counted)) >= options.trials:
            yield None
            return
        trial = study.ask()
        study.sampler = library.samplers.TPESampler(seed=100_003 * options.seed + trial.number)
        settings, folder = settings_in_folder(trial)
        stack.enter_context(folder.begun(settings.to_json(), resume=True))
        yield trial, settings


# --- workers ----------------------------------------------------------------------------------------------------------


def work(options, stop, complaints):
    """Carry out trials, in a process of its own, until there are as many as asked for or ``stop`` is set. What goes
    wrong becomes a line in ``complaints``."""
    try:
        check_device(options.device)
        study, settings = study_of(options), settings_of(options, {})
        parts = [part_of(name, settings, options.data_dir) for name in ("training", "validation")]
        with storing(options):
            while not stop.is_set():
                with claimed(study, options) as claim:
                    if claim is None:
                        return
                    carry_out(study, *claim, parts, stop.is_set)
    except (BadInput, OSError, MemoryError) as error:
        complaints.put(str(error))
    except Exception:
        complaints.put(traceback.format_exc())
