"""Fetch Omniglot's three official archives ahead of time, checked against their md5s.

    python data_scripts/omniglot.py [--data-dir DIR]

Into DIR/omniglot, or into the user's cache, where training looks by itself.
"""

import minisiamese  # noqa: F401  first of all, so that Ctrl-C ends the program in one line while it imports the others

# isort: split

from dataclasses import dataclass, field
from pathlib import Path

from minisiamese.commands.doors import front_door, parse
from minisiamese.data.dataset import cache_folder
from minisiamese.data.omniglot import WHOLE, fetch


@dataclass(frozen=True)
class Config:
    """Fetch Omniglot's three official archives, checked against their md5s."""

    # Where omniglot/ is to be. Give the same folder to training as --data-dir, or as MINISIAMESE_DATA.
    data_dir: Path = field(default_factory=cache_folder)


def main():
    config = parse(Config, "python data_scripts/omniglot.py")
    for name in WHOLE:
        path = config.data_dir / "omniglot" / f"{name}.zip"
        print(path if path.exists() else fetch(name, config.data_dir))  # a file that is there is the user's own


if __name__ == "__main__":
    front_door(main)
