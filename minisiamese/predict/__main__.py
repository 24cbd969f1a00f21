"""Do two pictures show the same? Which of a folder's pictures, or of its classes, is it?

    python -m minisiamese.predict a.png b.png
    python -m minisiamese.predict --support FOLDER query.png

``Model`` does the same from Python.
"""

import json
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput
from minisiamese.predict import show
from minisiamese.predict.model import load_model
from minisiamese.predict.pictures import Doubtful, one
from minisiamese.runs.start import PRETRAINED


@dataclass(frozen=True)
class PredictOptions:
    """The probability that two pictures show the same, or a folder's pictures or classes by that probability."""

    # Two image files to compare, or with --support one to look for.
    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    # Folder or zip of images to rank by how likely they show the same as the query; or with a sub-folder of images for
    # each class, to rank the classes.
    support: Path | None = None
    # Keep the embeddings of --support in a file beside it, SUPPORT.embeddings.npz, for the next time.
    keep: bool = False
    # Picture to write, of each image beside what the network saw of it (of --support, the first ones).
    show: Path | None = None
    # Run folder, or a checkpoint file, of the network to use. Default: the one that comes with the package.
    run: Path = PRETRAINED
    # Print one JSON object.
    json: bool = False


def main():
    options = parse(PredictOptions, "python -m minisiamese.predict")
    if len(options.images) != (1 if options.support else 2):
        raise BadInput("give two images to compare, or --support FOLDER and one image")
    if options.keep and not options.support:
        raise BadInput("--keep is for --support, whose embeddings it keeps")
    model, said = load_model(options.run), []
    with warnings.catch_warnings():
        warnings.simplefilter("always", Doubtful)
        warnings.showwarning = lambda message, *_: said.append(told(str(message)))
        result, lines, seen = answer(model, options)
    if options.show:
        show.page(model, seen, options.show)
    print(json.dumps(result | {"warnings": said}) if options.json else "\n".join(lines))
    return 0


def told(message):
    """A warning, told on stderr in a line that begins with its kind."""
    print(message if message.startswith("left out: ") else f"warning: {message}", file=sys.stderr)
    return message


def answer(model, options):
    """(result, lines, seen): the answer as a JSON-able dict and for people, and (path, caption) of pictures to show."""
    query = options.images[0]
    if not options.support:
        other = options.images[1]
        p = model.same(query, other)
        what = "both show the same character" if model.draws else "both are of one class"
        judgement = f": {verdict(model, p)} (same from {model.threshold:.1%})" if model.threshold else ""
        result = judged(model, {"a": str(query), "b": str(other), "same": p}, p)
        return result, [f"{p:.1%} that {what}{judgement}"], [(query, ""), (other, f"{p:.1%}")]
    model.read(one(query, "query"))  # a query that cannot be read is refused before a large support is
    try:
        support = model.support(options.support, keep=options.keep)
    except BadInput as error:
        raise BadInput(f"--support: {str(error).removeprefix('images: ')}") from None
    others = [row for row, name in enumerate(support.names) if not same_file(Path(name), query)]
    if not others:
        raise BadInput(f"--support: {options.support} holds no images to compare with but the query itself")
    support = support.take(others)
    if support.labels is not None:
        classes, p = model.class_probabilities([query], support)
        ranked = [(str(classes[place]), float(p[0, place])) for place in (-p[0]).argsort(kind="stable")]
    else:
        order, p = model.rank(query, support)
        model.warn_of_strangers([str(query)], p[None], "pictures")
        ranked = [(support.names[place], float(each)) for place, each in zip(order, p, strict=True)]
    width = len("different  ") if model.threshold else 0
    lines = [f"{p:6.1%}  {verdict(model, p):<{width}}{name}" for name, p in ranked]
    found = [(name, f"{p:.1%}") for name, p in ranked] if support.labels is None else []
    result = {"query": str(query), "ranking": [[name, p] for name, p in ranked]}
    return judged(model, result, ranked[0][1]), lines, [(query, "the query"), *found[: show.MOST]]


def same_file(path, other):
    """Whether two paths are those of one file, or of one file in a zip."""
    try:
        return path.samefile(other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def verdict(model, p):
    """ "same" or "different", if the run has a threshold for that (``evaluate --protocol threshold``), else ""."""
    return "" if model.threshold is None else "same" if p >= model.threshold else "different"


def judged(model, result, p):
    """The result, with the threshold and whether the (most likely) answer reaches it, if the run has one."""
    if model.threshold is None:
        return result
    return result | {"threshold": model.threshold, "is_same": bool(p >= model.threshold)}


if __name__ == "__main__":
    front_door(main)
