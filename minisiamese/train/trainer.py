"""A run's training: its step, its validation, its end, and the content of its checkpoints."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from minisiamese import checkpoint, mining
from minisiamese.checkpoint import Count, Seconds, Share
from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.runs import build
from minisiamese.runs.folder import RunMeta
from minisiamese.runs.settings import Settings
from minisiamese.train.learner import Learner
from minisiamese.trials import credits, nway_trials, rate

VALIDATION_RUNS = 25  # like Lake's, of 20 trials each


class Trainer(Learner):
    """The ``Learner`` of a run, made of its settings, which no step knows."""

    COUNTERS: ClassVar = {
        **{"step": Count, "steps": Count | None, "seconds": Seconds},
        **{"best": Share, "best_step": Count, "validation_seconds": Seconds},
    }

    def __init__(self, settings, training, validation):
        """BadInput where the images or the network do not fit the settings."""
        self.settings, self.device = settings, settings.machine.device
        rng, self.channels = np.random.default_rng(settings.seed), training.images.shape[3]
        saved = (settings.machine.out / "last.npz").exists()  # last.npz already holds the weights
        network = (build.build if saved else build.initial)(settings, rng, self.channels).to(self.device)
        optimizer, schedule = build.optimizer_of(settings, network), build.schedule_of(settings)
        super().__init__(network, optimizer, schedule, settings.learning.steps, rng)
        self.images = None if DATASETS[settings.data.name].has_alphabets else training.digest()
        self.material = build.material_of(settings, training, network)
        self.original = training  # not turned, for chimeras
        self.shares = build.shares_of(settings)  # of the steps, on each kind of made-up alphabets
        self.made_up = {}  # kind: (epoch, its material)
        self.distortions = build.distortions_of(settings)
        self.criterion = build.criterion_of(settings)
        runs = DATASETS[settings.data.name].validation_runs.get(settings.data.split, VALIDATION_RUNS)
        way, rng = min(20, max(map(len, validation.classes_of_group))), np.random.default_rng(0)
        self.trials = nway_trials(validation, way, 1, runs * way, True, rng)
        self.best, self.best_step, self.validation_seconds = 0.0, 0, 0.0

    def train_step(self):
        """One step; the loss, still on the device."""
        dataset, sampler, views, mine = self.next_material()
        batch = sampler.draw(self.rng)
        matrices = self.distortions(self.rng, batch)
        z = self.network.forward(views(batch.rows, matrices))
        batch = mine(self.network.head, z, batch, self.rng).to(self.device)
        loss, dz = self.criterion(self.network.head, z, batch)
        self.network.backward(dz)
        self.update(loss)
        self.last = z, batch, dataset.labels[batch.rows]
        return loss

    def next_material(self):
        """The drawings of the next step: the data set's or, for the shares of --mix, newly made-up ones."""
        place, epoch = self.rng.random() if self.shares else 1.0, self.step // build.MADE_UP_STEPS
        for kind, share in self.shares.items():
            place -= share
            if place < 0:
                if self.made_up.get(kind, (None,))[0] != epoch:
                    self.made_up.pop(kind, None)  # before others take its memory
                    material = build.made_up(kind, self.settings, self.original, self.network, epoch)
                    self.made_up[kind] = epoch, material
                return self.made_up[kind][1]
        return self.material

    # --- looking at it ------------------------------------------------------------------------------------------------

    def validate(self):
        """One-shot accuracy on validation images, within alphabets, always on the same trials."""
        scores = self.trials.scores(network_scorer(self.network, self.device))
        return rate(credits(scores, self.trials.target))["accuracy"]

    def validating(self):
        """Whether this step is one after which the network is validated."""
        return self.step % self.settings.measuring.validate_every == 0 or self.step == self.steps

    def describe(self, accuracy):
        """A validation's result as a line."""
        way, source = self.trials.support.shape[1], DATASETS[self.settings.data.name]
        images = f"held-out {'alphabets' if source.has_alphabets else 'images'}"
        images = images if self.settings.holds_out else "training alphabets in mirror writing"
        return f"step {self.step}: {way}-way accuracy on {images} {accuracy:.1%}"

    def triplet_summary(self):
        """``mining.summarise`` of the last step's triplets; nothing for other losses."""
        loss, head, (z, batch, labels) = self.settings.loss, self.network.head, self.last
        if CRITERIA[loss.name].tuples != "triplets":
            return {}
        if loss.mining != "random":
            return mining.watch(head, z, labels, loss.margin)
        return mining.summarise(*mining.triplet_distances(head, z, batch), loss.margin)

    # --- when it ends -------------------------------------------------------------------------------------------------

    def plan(self):
        """Once a twentieth of --minutes has passed, set how many steps fit into them; whether it was done now."""
        minutes = self.settings.learning.minutes
        if self.steps or self.seconds < 3 * minutes or self.step < 3:  # 3 seconds are 1/20 of a minute
            return False
        step_seconds = (self.seconds - self.validation_seconds) / self.step
        step_seconds += self.validation_seconds / self.settings.measuring.validate_every
        self.steps = self.step + max(1, int((60 * minutes - self.seconds) / step_seconds))
        return True

    def late(self):
        """A line that says so if --minutes were over before their steps could be planned; else None."""
        minutes = self.settings.learning.minutes
        if self.seconds < 60 * minutes:
            return None
        return f"step {self.step}: --minutes {minutes:g} are over, for the start alone took {self.seconds / 60:.1f}"

    def give_up(self):
        """Make this step the last one if --patience epochs have passed since the best validation; whether they have."""
        learning = self.settings.learning
        over = bool(learning.patience) and self.step - self.best_step >= learning.patience * learning.epoch_steps
        self.steps = self.step if over else self.steps
        return over

    # --- files --------------------------------------------------------------------------------------------------------

    def save_best(self, path):
        """Keep the network, with the accuracy for which it is the best so far."""
        meta = {"config": self.settings.to_json(), "step": self.step, "validation_accuracy": self.best}
        meta |= {"channels": self.channels, "side": self.material.dataset.images.shape[1], "images": self.images}
        checkpoint.save(path, self.network.arrays(), meta)

    def save_last(self, path):
        """Keep all that the next steps depend on."""
        self.read_clock()
        self.save(path, config=self.settings.to_json(), images=self.images)

    def load_last(self, path):
        """Go back to where ``path`` was saved; a run that was stopped before its first save is at its start."""
        if path.exists():
            self.check_config(self.load(path), path)
            self.material.sampler.drawn = self.step
            return
        best = path.with_name("best.npz")
        if (
            best.exists()
            and checkpoint.load(best, RunMeta)[1].get("step", 0) > self.settings.measuring.checkpoint_every
        ):
            raise BadInput(f"{path} is missing, so the run cannot go on: measure {best}, or take another --out")

    def check_config(self, meta, path):
        """BadInput if the checkpoint ``path`` is of a run with other settings, of its machine excepted."""
        saved = Settings.from_json(meta.get("config"), path)
        if replace(saved, machine=self.settings.machine) != self.settings:
            raise BadInput(f"{path} is of a run with other settings than this folder's config.json: take another --out")
        if meta.get("images") != self.images:
            where = self.settings.machine.data_dir
            raise BadInput(f"{path} is of a training on other images than those in {where}: take another --out")
