"""A page to draw on: an alphabet of your own, Lake's test taken by yourself, and what the network sees of a drawing.

    python -m minisiamese.demo

The page is served to this machine alone, and needs no network. ``page.html``, ``script.js`` and ``style.css`` are all
of it; ``server.py`` receives its requests, ``answers.py`` and ``exam.py`` answer them.
"""

import sys
import threading
import warnings
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from minisiamese.commands.doors import front_door, parse
from minisiamese.demo.answers import Answers
from minisiamese.demo.exam import Exam
from minisiamese.demo.server import Server
from minisiamese.errors import BadInput
from minisiamese.predict.model import load_model
from minisiamese.predict.pictures import Doubtful
from minisiamese.runs.start import PRETRAINED


@dataclass(frozen=True)
class DemoOptions:
    """Open a page to draw on in the browser: invent an alphabet, draw one of its characters again, and see it found.

    Ctrl-C ends it.
    """

    # Run folder, or a checkpoint file, of the network that answers: one that was trained on drawings of characters.
    # Default: the one that comes with the package.
    run: Path = PRETRAINED
    # Port of the page's address. Default: one that is free.
    port: int = 0
    # Open the page in the browser; else its address is written alone.
    browser: bool = True
    # Where to compute: cpu (NumPy) or cuda (CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # The one folder to look for omniglot/ in, from which the page's test is taken. Default: $MINISIAMESE_DATA, else the
    # user's cache. Where it is not there, the test is of invented alphabets.
    data_dir: Path | None = None


def main():
    options = parse(DemoOptions, "python -m minisiamese.demo")
    if not 0 <= options.port < 1 << 16:
        raise BadInput(f"--port must be 0 to 65535, not {options.port}")
    if options.data_dir and not options.data_dir.is_dir():
        raise BadInput(f"--data-dir {options.data_dir} is not a folder")
    model = load_model(options.run, options.device)
    if not model.draws:
        raise BadInput(f"--run {options.run} was trained on a folder of images, and the page is to draw characters on")
    warnings.simplefilter("ignore", Doubtful)  # the page says them
    answers = Answers(model)
    exam = Exam(model, answers.alone, options.data_dir)
    with Server(options.port, answers.questions | exam.questions) as server:
        print(f"the page to draw on: {server.address}\nCtrl-C ends it", flush=True)
        if options.browser:  # which may wait for the page, and its command for the browser's end
            threading.Thread(target=show, args=[server.address], daemon=True).start()
        server.serve_forever()


def show(address):
    """Open the page in the browser, or say that this cannot be done."""
    if not webbrowser.open(address):
        print("no browser could be opened: open this address in one yourself", file=sys.stderr, flush=True)


if __name__ == "__main__":
    front_door(main)
