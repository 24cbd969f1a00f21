"""Do two pictures show the same character? Which of a folder's pictures shows it?

    python -m minisiamese.predict a.png b.png
    python -m minisiamese.predict --support FOLDER query.png

From Python: ``Matcher().same("a.png", "b.png")`` and ``Matcher().rank("FOLDER", "query.png")``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput
from minisiamese.predict.matcher import Matcher
from minisiamese.runs.folder import PRETRAINED


@dataclass(frozen=True)
class PredictOptions:
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
    options = parse(PredictOptions, "python -m minisiamese.predict")
    if len(options.images) != (1 if options.support else 2):
        raise BadInput("give two images to compare, or --support FOLDER and one image")
    matcher = Matcher(options.run)
    first = options.images[0]
    if options.support:
        ranked = matcher.rank(options.support, first)
        said = "\n".join(f"{p:6.1%}  {path}" for path, p in ranked)
        result = {"query": str(first), "ranking": [[str(path), p] for path, p in ranked]}
    else:
        second = options.images[1]
        p = matcher.same(first, second)
        said = f"{p:.1%} that both show the same character"
        result = {"a": str(first), "b": str(second), "same": p}
    print(json.dumps(result) if options.json else said)
    return 0


if __name__ == "__main__":
    front_door(main)
