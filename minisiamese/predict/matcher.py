"""The ``Matcher``: the probability that two pictures show the same character, by a trained network."""

import sys
from pathlib import Path

import numpy as np

from minisiamese.data import DATASETS
from minisiamese.data.images import is_image
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.layers import sigmoid
from minisiamese.predict.drawings import read_drawing
from minisiamese.runs.folder import PRETRAINED, load_run


class Matcher:
    """A trained network that compares pictures: of one character each, on paper or screen, of any size and colour.

    ``run`` is a run folder or a checkpoint file, by default the network that comes with the package. BadInput if its
    training is not finished, or was on images that are no drawings.
    """

    def __init__(self, run=PRETRAINED):
        network, trained, meta = load_run(run)
        if not DATASETS[trained.data.name].has_alphabets:
            raise BadInput(f"{run} was trained on a folder of images, and predict reads pictures as drawings")
        self.scorer = network_scorer(network, views=trained.measuring.views)
        if not meta.get("calibration"):
            message = "give the run folder, or the best.npz, of a training that is finished (--resume finishes one)"
            raise BadInput(f"{run} is not calibrated: {message}")
        self.slope, self.offset = (meta["calibration"][key] for key in ("slope", "offset"))

    def same(self, a, b):
        """The probability that two image files show the same character, if half of all pairs do."""
        return float(self._probabilities(read_drawing(a), [read_drawing(b)])[0])

    def rank(self, folder, query):
        """[(path, probability), ...] of the images in a folder (not in its sub-folders), the likest first.

        The query itself is left out. An image without a drawing is left out, too, with a line on stderr.
        """
        folder, drawings = Path(folder), {}
        if not folder.is_dir():
            raise BadInput(f"{folder} is not a folder of images")
        asked = read_drawing(query)
        for path in sorted(folder.iterdir()):
            if is_image(path) and path.is_file() and not path.samefile(query):
                try:
                    drawings[path] = read_drawing(path)
                except BadInput as error:
                    print(f"left out: {' '.join(str(error).split())}", file=sys.stderr)
        if not drawings:
            raise BadInput(f"{folder} holds no images to compare with")
        probabilities = self._probabilities(asked, list(drawings.values()))
        paths = list(drawings)
        return [(paths[place], float(probabilities[place])) for place in np.argsort(-probabilities, kind="stable")]

    def _probabilities(self, query, others):
        """The probability of each of the other drawings that it shows the query's character."""
        pairs = np.array([(0, place) for place in range(1, 1 + len(others))])
        return sigmoid(self.slope * self.scorer(np.stack([query, *others]), pairs) + self.offset)
