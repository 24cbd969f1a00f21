"""The trials of a search: their storage, and workers that carry them out side by side.

A worker asks the storage for a trial, trains it in a folder of its own, and tells the storage what came of it. It first
takes up a trial that a worker of this machine has left; so a worker that is killed costs what its trial had learned
since it was last saved, and on a machine that never comes back that trial.
"""

import logging
import os
import platform
import time
import uuid
import warnings
from contextlib import ExitStack, contextmanager

import numpy as np

from minisiamese.backend import check_device
from minisiamese.errors import BadInput
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import AtWork, Folder
from minisiamese.studies.search.settings import SEARCH, beginnings, settings_of, suggested
from minisiamese.train.loop import loop
from minisiamese.train.trainer import Trainer

STUDY = "minisiamese"  # the name of a search in its storage
SETTINGS, MACHINE = "settings", "machine"  # the names of a search's and of a trial's attribute
SECONDS = 20  # that another process may take to begin a search, or to write what was found


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
        cause = str(error.__cause__ or error).splitlines()[0]
        raise BadInput(f"{place(options)} cannot be used ({cause})") from None


def place(options):
    """What a complaint calls the storage; a URL may hold a password."""
    return "--storage" if options.storage else str(options.out / "search.journal")


def journal(options):
    """Optuna's storage in a file of the output folder."""
    library = optuna().storages.journal
    path = (options.out / "search.journal").absolute()  # else Optuna cannot see how old a lock is that is left behind

    class Journal(library.JournalFileBackend):
        """One whose last line, if a full disk or a kill cut it short, does not spoil the next one."""

        def append_logs(self, logs):
            lock = library.JournalFileSymlinkLock(str(path))
            lock.acquire()
            try:
                whole = path.read_bytes().rfind(b"\n") + 1
                if whole < path.stat().st_size:
                    os.truncate(path, whole)
            finally:
                lock.release()
            super().append_logs(logs)

    path.parent.mkdir(parents=True, exist_ok=True)
    return library.JournalStorage(Journal(str(path)))


def study_of(options, images=None):
    """The search in its storage, begun if it is not there; BadInput if it is of other settings, or of other things.

    ``images`` is the digest of a user's own images.
    """
    library = optuna()
    with storing(options):
        try:
            storage = library.storages.RDBStorage(options.storage) if options.storage else journal(options)
            begun = STUDY not in library.get_all_study_names(storage)
            if begun:
                begun = begin(storage)
            # what learns most can begin by unlearning what the initial weights happen to know: not in the first half
            pruner = library.pruners.MedianPruner(n_warmup_steps=options.steps // 2)
            study = library.load_study(study_name=STUDY, storage=storage, pruner=pruner)
        except (ImportError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{place(options)} holds no search, or cannot be read ({error})") from None
        asked, deadline = options.agreed(images), time.monotonic() + SECONDS
        while not begun and SETTINGS not in study.user_attrs and not study.get_trials(deepcopy=False):
            if begun := time.monotonic() > deadline:
                break  # the process that began it was killed
            time.sleep(0.1)
        if begun:
            study.set_user_attr(SETTINGS, asked | {"search": uuid.uuid4().hex})
            for values in beginnings(options):
                study.enqueue_trial(values)
        kept = study.user_attrs.get(SETTINGS)
    check(options, kept, asked)
    return study


def begin(storage):
    """Begin a search; whether no other process did so at the same time."""
    library = optuna()
    try:
        library.create_study(study_name=STUDY, storage=storage, direction="maximize")
    except library.exceptions.DuplicatedStudyError:
        return False
    return True


def check(options, kept, asked):
    """BadInput unless the search with the settings ``kept`` is the one that is asked for, and its folder is its own."""
    if kept is None or kept.keys() != {*asked, "search"}:
        raise BadInput(f"{place(options)} holds another search: give another --out or --storage")
    for key, value in asked.items():
        if value != kept[key]:
            name = {"data": "the data set", "images": "the images"}.get(key, f"--{key}")
            has = "others" if key == "images" else kept[key]
            raise BadInput(f"{name} cannot change: {place(options)} holds a search with {has}; give another --out")
    with alone(options, kept) as folder:
        if folder.kept() != kept:
            raise BadInput(f"{options.out} holds something else than this search: give another --out")


@contextmanager
def alone(options, kept=None):
    """The search's folder, begun with the settings ``kept``, in which no other process of the search writes until the
    end of the ``with``."""
    folder, deadline = Folder(options.out, SEARCH), time.monotonic() + SECONDS
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(folder.begun(kept, resume=True))
                break
            except AtWork:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield folder


# --- a trial ----------------------------------------------------------------------------------------------------------


class Searched(Trainer):
    """The training of a trial: each validation is told to the storage, and a hopeless trial gives up."""

    def __init__(self, trial, told, *arguments):
        """``told`` is the last step whose validation the storage knows already: of a trial that goes on."""
        super().__init__(*arguments)
        self.trial, self.told = trial, told

    def validate(self):
        accuracy = super().validate()
        if self.step > self.told:
            self.trial.report(accuracy, self.step)
        return accuracy

    def give_up(self):
        if self.step <= self.told or self.step == self.steps or not self.trial.should_prune():
            return False
        self.steps = self.step
        return True


def carry_out(study, trial, settings, parts, stop):
    """Train a trial, or go on with it, and tell the storage unless ``stop()`` asked to stop before its end. A loss that
    is no number is an answer, too: its accuracy is 0."""
    out, state = settings.machine.out, optuna().trial.TrialState

    def told():
        return study.get_trials(deepcopy=False)[trial.number].intermediate_values

    trainer = Searched(trial, max(told(), default=0), settings, *parts)
    trainer.load_last(out / "last.npz")
    try:
        loop(trainer, out, quiet=True, stop=stop)
        if trainer.step != trainer.steps:
            return
        if trainer.steps < settings.learning.steps:
            study.tell(trial, state=state.PRUNED)
        else:
            study.tell(trial, told()[trainer.step])
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
    running, counted = [state.RUNNING], [state.RUNNING, state.COMPLETE, state.PRUNED]

    def claim(trial):
        """Its settings, once its folder is locked."""
        settings = settings_of(options, suggested(trial, options), options.out / "trials" / str(trial.number))
        stack.enter_context(Folder(settings.machine.out, SEARCH).begun(settings.to_json(), resume=True))
        return settings

    with ExitStack() as stack:
        for left in study.get_trials(deepcopy=False, states=running):
            if os.name == "nt" or left.user_attrs.get(MACHINE) != platform.node():  # Windows locks no folders
                continue
            trial = library.trial.Trial(study, left._trial_id)
            try:
                settings = claim(trial)
            except AtWork:
                continue
            if study.get_trials(deepcopy=False)[left.number].state == state.RUNNING:
                yield trial, settings
                return
            stack.close()
        if len(study.get_trials(deepcopy=False, states=counted)) >= options.trials:
            yield None
            return
        trial = study.ask()
        before = [each for each in study.get_trials(deepcopy=False, states=counted) if each.number < trial.number]
        if len(before) < options.trials:
            seed = np.random.SeedSequence([options.seed, trial.number]).generate_state(1)[0]
            # the rates of the layers count together: draw them together, around the good trials, and few without them
            study.sampler = library.samplers.TPESampler(n_startup_trials=4, multivariate=True, seed=int(seed))
            settings = claim(trial)
            trial.set_user_attr(MACHINE, platform.node())
            yield trial, settings
        else:  # another worker asked at the same time
            study.tell(trial, state=state.FAIL)
            yield None


# --- workers ----------------------------------------------------------------------------------------------------------


def work(options, images, stop, complaints):
    """Carry out trials, in a process of its own, until there are as many as asked for or ``stop`` is set. A line in
    ``complaints`` says what went wrong."""
    try:
        check_device(options.device)
        study, settings = study_of(options, images), settings_of(options, {})
        parts = [part_of(name, settings, options.data_dir) for name in ("training", "validation")]
        with storing(options):
            while not stop.is_set():
                with claimed(study, options) as claim:
                    if claim is None:
                        return
                    carry_out(study, *claim, parts, stop.is_set)
    except (BadInput, OSError, MemoryError) as error:
        complaints.put(str(error))
