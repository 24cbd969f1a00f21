"""Siamese networks for one-shot image recognition (Koch, Zemel & Salakhutdinov 2015), from scratch on NumPy or CuPy."""

import sys

__version__ = "0.1.0"

# True of python -m minisiamese.train, say, and of the scripts: programs, of which this is the first file
if sys.argv[:1] == ["-m"] or "data_scripts" in "".join(sys.argv[:1]):
    from minisiamese.commands.doors import before_imports

    before_imports()
