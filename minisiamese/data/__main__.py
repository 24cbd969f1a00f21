"""``python -m minisiamese.data MY_IMAGES``: what a folder or zip of images holds, and what training would make of it.

The program is ``runs/look.py``, since this room stands below those of the command lines.
"""

import runpy

if __name__ == "__main__":
    runpy.run_module("minisiamese.runs.look", run_name="__main__")
