"""The test that a visitor takes beside the network: Lake's 400 trials, or those of invented alphabets."""

from functools import cached_property
from typing import Annotated

import msgspec
import numpy as np

from minisiamese.data import DATASETS, glyphs, omniglot
from minisiamese.demo.pictures import png_of
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.trials import Trials, credits, lake_trials, nway_trials

COUNT, WAY = 400, 20  # trials, and the cards of each; as many trials, one after the other, have the same cards
PEOPLE = 0.955  # on Lake's trials (Lake et al. 2015)


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The answer of a visitor: the number of a trial, and the place of a card among those shown."""

    number: Annotated[int, msgspec.Meta(ge=0, lt=COUNT)]
    place: Annotated[int, msgspec.Meta(ge=0, lt=WAY)]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A question without particulars."""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The number of the trial that a visitor is looking at."""

    number: Annotated[int, msgspec.Meta(ge=0, lt=COUNT)]


class Exam:
    """The trials, and the network's answers to them, by run; ``alone`` is the lock of the ``Model``.

    ``questions`` has a method for each question of the page, and the type of what it is asked.
    """

    def __init__(self, model, alone, data_dir=None):
        self.model, self.alone, self.data_dir = model, alone, data_dir
        source, split = DATASETS[model.settings.data.name], model.settings.data.split
        unseen = not source.lake or split in source.lake
        self.lake = unseen and omniglot.here("all_runs", data_dir) is not None
        self.done = {}  # {run: (the network's scores (WAY, WAY), its credits (WAY,))}
        self.questions = {
            "trials": (self.trials, Nothing),
            "choose": (self.choose, Choice),
            "figure": (self.figure, Asked),
        }

    @cached_property
    def all(self):
        """The ``Trials``: Lake's where they are here, and the network has seen none of their alphabets."""
        if self.lake:
            trials = lake_trials(omniglot.load_runs(self.data_dir))
            if trials.support.shape != (COUNT, WAY, 1):
                raise BadInput(f"all_runs.zip holds no {COUNT} trials of {WAY} cards: fetch it again")
            return trials
        return nway_trials(glyphs.load("evaluation"), WAY, 1, COUNT, True, np.random.default_rng(0))

    def scores(self, run):
        """The scores (WAY, WAY) of the trials of a run, as ``evaluate`` computes them; once."""
        with self.alone:
            if run not in self.done:
                part, model = np.s_[run * WAY : (run + 1) * WAY], self.model
                rows, places = np.unique(np.append(self.all.query[part], self.all.support[part]), return_inverse=True)
                query, support = np.split(places.reshape(-1), [WAY])
                trials = Trials(self.all.images[rows], query, support.reshape(WAY, WAY, 1), self.all.target[part])
                scores = trials.scores(network_scorer(model.network, model.device, model.settings.measuring.views))
                self.done[run] = scores, credits(scores, trials.target)
            return self.done[run][0]

    def order(self, number):
        """The cards of a trial in the order that they are shown in."""
        return np.random.default_rng([COUNT, number]).permutation(WAY)

    def trials(self, asked):
        """{"trials": of each its number, the drawing that is asked about, and the cards; "test": its name; "people":
        their share of right answers, if it is known}: one trial of each run, drawn anew each time."""
        with self.alone:
            every = self.all
        rng = np.random.default_rng()
        runs = rng.permutation(COUNT // WAY)

        def picture(row):
            return png_of(255 - every.images[row, :, :, 0], 2)

        return {
            "trials": [
                {
                    "number": number,
                    "query": picture(every.query[number]),
                    "cards": [picture(row) for row in every.support[number, self.order(number), 0]],
                }
                for number in (runs * WAY + rng.integers(WAY, size=len(runs))).tolist()
            ],
            "test": "Lake's test" if self.lake else "a test of invented alphabets",
            "people": PEOPLE if self.lake else None,
        }

    def choose(self, asked):
        """{"right", "network"}: the places of the right card and of the network's, now that a visitor has chosen."""
        run, trial = divmod(asked.number, WAY)
        shown = self.order(asked.number).tolist()
        found, right = int(self.scores(run)[trial].argmax()), int(self.all.target[asked.number])
        return {"right": shown.index(right), "network": shown.index(found)}

    def figure(self, asked):
        """{"accuracy", "trials"}: the network's share of right answers, on all trials of the runs that were asked for
        so far; that of this trial is one of them, so that ``choose`` need not compute it."""
        self.scores(asked.number // WAY)
        earned = np.concatenate([earned for _, earned in list(self.done.values())])
        return {"accuracy": float(earned.mean()), "trials": len(earned)}
