"""Train a siamese network and measure it.

    python -m minisiamese.train omniglot --minutes 10 --out RUN

A run folder holds config.json, metrics.jsonl, summary.json, the checkpoints last.npz and best.npz, and pictures. A run
that was stopped, by Ctrl-C or by force, goes on with ``--resume`` and ends with the very weights it would have had.
"""

import argparse
import shlex
import warnings
from dataclasses import replace

import tyro

from minisiamese import data
from minisiamese.backend import check_device
from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput
from minisiamese.runs.build import part_of
from minisiamese.runs.folder import Folder, settings_of
from minisiamese.runs.settings import Settings, network_of
from minisiamese.threads import set_threads
from minisiamese.train.final_tests import finish
from minisiamese.train.introduction import introduction
from minisiamese.train.loop import loop
from minisiamese.train.trainer import Trainer

PROGRAM = "python -m minisiamese.train"
COMMAND_LINE = tyro.conf.OmitArgPrefixes[Settings]  # a group's settings are options like all others


def train(settings):
    """Train as the settings say, measure, and leave the run folder; returns the summary.

    ``train(settings_of(folder))`` goes on with a run.
    """
    resume = settings.machine.resume
    settings = resumed(settings) if resume else settings.checked()
    folder, machine = folder_of(settings), settings.machine
    if not resume:
        folder.check(settings.to_json(), resume)
    check_device(machine.device)
    data.check_present(settings.data.name, machine.data_dir, settings.data.split)
    set_threads(machine.threads)
    training, validation = (part_of(name, settings, machine.data_dir) for name in ("training", "validation"))
    trainer = Trainer(settings, training, validation)
    if resume:
        trainer.load_last(folder.path / "last.npz")
        done = trainer.step == trainer.steps
        print(f"{folder.path} is trained; its tests are made again" if done else f"going on after step {trainer.step}")
    with folder.begun(settings.to_json(), resume):
        print("\n".join(introduction(trainer, validation)), flush=True)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # overflow shows as a loss that is not finite: the run stops
            loop(trainer, folder.path)
        return finish(trainer)


def folder_of(settings):
    """The run folder of settings, checked or not."""
    return Folder(settings.machine.out or settings.checked().machine.out, PROGRAM)


def resumed(given):
    """The settings of the run to go on with, on this call's machine; BadInput if this call asks for others."""
    folder = folder_of(given)
    saved, machine = settings_of(folder), given.machine
    of_machine = vars(machine)
    folder.compare({key: value for key, value in given.to_json().items() if key not in of_machine}, saved.to_json())
    if data.DATASETS[saved.data.name].needs and machine.data_dir is None:  # images of one's own are where they were
        machine = replace(machine, data_dir=saved.machine.data_dir)
    return replace(saved, machine=replace(machine, out=folder.path)).checked()


def from_command_line():
    """The settings that the program was called with; with --resume, settings left out are as the run has them."""
    known = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    known.add_argument("--recipe", nargs="?")
    recipe = known.parse_known_args()[0].recipe or "best"  # read first, since the other settings start from it
    settings = parse(COMMAND_LINE, PROGRAM, Settings.of_recipe(recipe, data=tyro.MISSING))
    start, of_start = settings.network.start, {}
    if settings.machine.resume:
        default = settings_of(folder_of(settings)).but(data_dir=None)
    else:  # a data set, a network and a run to start from have usual values, too
        of_start = network_of(start, settings.loss.name) if start else {}
        usual = {"network": settings.network.name, "loss": settings.loss.name} | of_start
        default = Settings.of_recipe(recipe, data=settings.data.name, start=start, **usual)
    settings = parse(COMMAND_LINE, PROGRAM, default.but(data=tyro.MISSING))
    for key, has in of_start.items():
        if (asked := settings.flat()[key]) != has:
            raise BadInput(f"--{key} {asked} is not that of --start {start}, which has {has or 'none'}: leave it out")
    return settings


def main():
    settings = from_command_line()
    folder, named = folder_of(settings), (settings.data.name, settings.machine.data_dir)
    summary = folder.fill(lambda: train(settings), *named)
    if summary is None:
        return 130
    if not summary["finished"]:
        print(f"stopped after step {summary['steps']}; {folder.again(*named)}")
        return 130
    print(f"{summary['steps']} steps in {summary['seconds']:.0f} s; everything is in {folder.path}")
    print(f"compare pictures by it: python -m minisiamese.predict --run {shlex.quote(str(folder.path))} A B")
    return 0


if __name__ == "__main__":
    front_door(main)
