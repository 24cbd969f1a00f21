"""The exercises, a file each: ``exNN.py`` has stubs' sentences, cases and mistakes, ``exNN.md`` hints and reasons."""

from importlib import import_module
from pathlib import Path

EXERCISES = {
    int(path.stem[2:]): import_module(f"{__name__}.{path.stem}").EXERCISE
    for path in sorted(Path(__file__).parent.glob("ex[0-9][0-9].py"))
}
