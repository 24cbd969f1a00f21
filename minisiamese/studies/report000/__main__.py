"""Carry out report 000 on a data set, and write its tables and figures with ours beside them.

    python -m minisiamese.studies.report000 mnist
    python -m minisiamese.studies.report000 cifar10 --quick --out FOLDER

The folder holds tables.md, the pictures, results.json, and the trained networks in all/ and clean/.
"""

from minisiamese import checkpoint
from minisiamese.backend import check_device
from minisiamese.commands.doors import check_counts, front_door
from minisiamese.data import cifar10, mnist
from minisiamese.runs.folder import parsed
from minisiamese.studies.report000 import grid, pictures, tables
from minisiamese.studies.report000.settings import COMMAND, PLANS, PRETRAINING, RESULT_KEYS, Report000Options
from minisiamese.studies.report000.task import Task, divide
from minisiamese.threads import available_cores


def report(options, folder):
    """Train, measure and draw all that the folder does not hold yet; returns the results."""
    settings, out = {key: getattr(options, key) for key in RESULT_KEYS}, folder.path
    check_device(options.device)
    folder.check(settings, options.resume)
    if options.data == "mnist":
        parts = {split: mnist.load(split, options.data_dir) for split in ("train", "test")}
    else:
        parts = cifar10.load(options.data_dir)
    plan = PLANS[options.data].quick() if options.quick else PLANS[options.data]
    with folder.begun(settings, options.resume):
        for pretraining in PRETRAINING:
            (out / pretraining).mkdir(exist_ok=True)
        task = Task(plan, *divide(parts, plan), out, options.seed, options.device)
        grid.run_all(task, 1 if options.device == "cuda" else options.threads or available_cores())
        checkpoint.save_json(out / "results.json", settings | grid.results(task))
        results = checkpoint.load_json(out / "results.json")
        checkpoint.save_text(out / "tables.md", tables.render(results))
        pictures.draw(task, results)
    return results


def main():
    options = parsed(Report000Options, COMMAND, RESULT_KEYS, Report000Options.folder)
    check_counts(options, seed=0, threads=1)
    folder = options.folder()
    results = folder.fill(lambda: report(options, folder), options.data, options.data_dir)
    if results is None:
        return 130
    print(tables.render(results))
    print(f"All of it is in {folder.path}: tables.md, pictures, and the trained networks in all/ and clean/.")
    return 0


if __name__ == "__main__":
    front_door(main)
