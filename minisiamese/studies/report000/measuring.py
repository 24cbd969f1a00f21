"""The tests of report 000: pairs, triplets and N-way one-shot trials of unseen images, of seen and unseen classes.

All of them name rows of one set of test images, so that a network embeds the images once.
"""

from dataclasses import replace

import numpy as np

from minisiamese.backend import to_device, to_host
from minisiamese.data.samplers import Pairs, Triplets
from minisiamese.data.views import Views
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.evaluate.scoring import best_threshold, embed
from minisiamese.trials import accuracy_by_way, credits, nway_trials, rate

TEST_SETS = {"easy": range(5), "medium": range(10), "hard": range(5, 10)}  # the classes of each


class ReportTests:
    """``pairs`` {name: Batch}, ``triplets`` {name: Batch} and ``trials`` over the images of a test set."""

    def __init__(self, dataset, count, seed):
        self.dataset = dataset
        rng = np.random.default_rng(seed)
        # rows of images are drawn, as if they were images; who wrote which digit is not known
        numbered = replace(dataset, images=np.arange(len(dataset.images)), drawers=None)
        self.pairs, self.triplets = {}, {}
        for name, classes in TEST_SETS.items():
            part = numbered.take_classes(classes)
            for tuples, sampler in ((self.pairs, Pairs), (self.triplets, Triplets)):
                batch = sampler(part, count, 0.0).draw(rng)
                tuples[name] = replace(batch, pairs=part.images[batch.rows][batch.pairs])
        self.trials = nway_trials(numbered, 10, 1, count, False, rng)

    def ways(self, score):
        """{N: accuracy} of one-shot trials for ``score(pairs)`` of rows of the test images."""
        scores = self.trials.scores(lambda rows, pairs: score(rows[pairs]))
        return accuracy_by_way(scores, self.trials.target)

    def baseline(self):
        """``ways`` of the nearest neighbour among pixels."""
        return self.ways(lambda pairs: nearest_neighbour(self.dataset.images, pairs))

    def measure(self, network, device, known, known_images):
        """All tests of a network: pairs and triplets by test set, and ``ways``, as JSON-able rates.

        A distance means "same" below the threshold that is right most often on the pairs ``known`` of training images.
        A learned head means "same" where its probability is above a half.
        """
        z = embed(network, Views(self.dataset.images, network.size, device))[0]
        rows, pairs = np.unique(known.rows[known.pairs], return_inverse=True)
        z_known = embed(network, Views(known_images[rows], network.size, device))[0]

        def score(z, pairs):
            return to_host(network.head.forward(to_device(z, device), to_device(pairs, device), train=False))

        known_scores = score(z_known, pairs.reshape(-1, 2))
        threshold = 0.0 if network.head.params else best_threshold(known_scores, known.same)
        results = {"train": rate(((known_scores > threshold) == known.same).astype(float))}
        for name, batch in self.pairs.items():
            results[name] = rate(((score(z, batch.pairs) > threshold) == batch.same).astype(float))
        triplets = {}
        for name, batch in self.triplets.items():
            two_ways = np.stack(np.split(score(z, batch.pairs), 2), axis=1)  # scores of positive and negative
            triplets[name] = rate(credits(two_ways, np.zeros(len(two_ways), int)))
        ways = self.ways(lambda pairs: score(z, pairs))
        return {"threshold": float(threshold), "pairs": results, "triplets": triplets, "ways": ways}
