"""Sweeps of report 001: one setting of a short training at a time, over some values and several seeds.

    python -m minisiamese.studies.sweeps omniglot --out FOLDER

All other settings are those of ``settings.BASE``. Every training is measured with its last weights, on images held out
of training: evaluation images have no part in a sweep. The folder holds results.json, sweeps.md, sweeps.png, and in
trainings/ each training's result, or where it was stopped.
"""

from minisiamese.commands.doors import front_door
from minisiamese.runs.folder import parsed
from minisiamese.studies.sweeps.pictures import render
from minisiamese.studies.sweeps.settings import COMMAND, RESULT_KEYS, SweepsOptions
from minisiamese.studies.sweeps.trainings import make_sweeps


def main():
    options = parsed(SweepsOptions, COMMAND, RESULT_KEYS, SweepsOptions.folder)
    folder = options.folder()
    results = folder.fill(lambda: make_sweeps(options), options.data, options.data_dir)
    if results is None:
        return 130
    print(render(results))
    print(f"All of it is in {folder.path}: sweeps.md, sweeps.png, results.json")
    return 0


if __name__ == "__main__":
    front_door(main)
