"""Do two pictures show the same character? Which of a folder's is it?

    python -m minisiamese.predict a.png b.png
    python -m minisiamese.predict --support FOLDER query.png

From Python: ``Matcher().same("a.png", "b.png")`` and ``Matcher().rank("FOLDER", "query.png")``.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from minisiamese.data.images import is_image
from minisiamese.data.pictures import read_drawing
from minisiamese.errors import BadInput, front_door, parse
from minisiamese.evaluate import PRETRAINED, load_run, network_scorer
from minisiamese.layers import sigmoid


class Matcher:
    """A trained network that compares pictures: of one character each, on paper or screen, of any size and colour."""

    def __init__(self, run=PRETRAINED):
        network, trained, meta = load_run(run)
        if trained.data == "folder":
            raise BadInput(f"{run} was trained on a folder of images, and predict reads pictures as drawings")
        self.scorer = network_scorer(network, views=trained.views)
        try:
            self.slope, self.offset = (float(meta["calibration"][key]) for key in ("slope", "offset"))
        except (KeyError, TypeError, ValueError):
            message = "give the run folder, or the best.npz, of a training that is finished (--resume finishes one)"
            raise BadInput(f"{run} is not calibrated: {message}") from None

    def same(self, a, b):
        """The probability that two image files show the same character, if half of all pairs do."""
        return float(self._probabilities(read_drawing(a), [read_drawing(b)])[0])

    def rank(self, folder, query):
        """[(path, probability), ...] of the images in a folder (not those below it), the likest first.

        The query itself is left out, and so is, with a line on stderr, what shows no drawing.
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
                    print(f"left out: {error}", file=sys.stderr)
        if not drawings:
            raise BadInput(f"{folder} holds no images to compare with")
        probabilities = self._probabilities(asked, list(drawings.values()))
        paths = list(drawings)
        return [(paths[place], float(probabilities[place])) for place in np.argsort(-probabilities, kind="stable")]

    def _probabilities(self, query, others):
        pairs = np.array([(0, place) for place in range(1, 1 + len(others))])
        return sigmoid(self.slope * self.scorer(np.stack([query, *others]), pairs) + self.offset)


@dataclass(frozen=True)
class Config:
    """The probability that two pictures show the same character, or a folder's pictures by that probability."""

    # Two image files to compare, or with --support one to look for.
    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # Folder of images, not of folders, to rank by how likely they show the query's character.
    support: Path | None = None
    # Run folder, or a checkpoint file, of the network to use. Default: the one that comes with the package.
    run: Path = PRETRAINED
    # Print one JSON object.
    json: bool = False


def main():
    config = parse(Config, "python -m minisiamese.predict")
    if len(config.images) != (1 if config.support else 2):
        raise BadInput("give two images to compare, or --support FOLDER and one image")
    matcher = Matcher(config.run)
    if config.support:
        ranked = matcher.rank(config.support, config.images[0])
        if config.json:
            print(json.dumps({"query": str(config.images[0]), "ranking": [[str(path), p] for path, p in ranked]}))
        else:
            print("\n".join(f"{p:6.1%}  {path}" for path, p in ranked))
        return 0
    a, b = config.images
    p = matcher.same(a, b)
    print(
        json.dumps({"a": str(a), "b": str(b), "same": p})
        if config.json
        else f"{p:.1%} that both show the same character"
    )
    return 0


if __name__ == "__main__":
    front_door(main)
