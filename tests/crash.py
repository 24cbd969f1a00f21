"""Kills at random moments: runs and studies that get SIGKILL go on, and end bit for bit as if nothing had been.

    python -m tests.crash --kills 100 --seed 0
    python -m tests.crash --seed 0 --only 17

A sequence is a run of a scenario that is killed, gone on with by --resume, killed again and so on, and at last left to
end. Sequence N of a seed is always the same, but for moments that go by the clock. It is a fault if a run does not end
as the uninterrupted one, if more than a checkpoint's interval of work is lost, or if processes outlive their parent.
"""

import argparse
import importlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, Popen, run
from types import SimpleNamespace

from minisiamese import checkpoint
from minisiamese.commands.doors import front_door
from minisiamese.errors import BadInput
from minisiamese.train import learner

ROOT, OUT = Path(__file__).parents[1], "run"  # OUT is the folder of a run, in the folder of its sequence
PATIENCE, ORPHANS = 300, 10  # seconds that a program may take, and that its processes may outlive it
UNLIKE = {"seconds", "validation_seconds", "resume"}  # keys of what need not be alike

TRAIN = "minisiamese.train folder --data-dir ../images --network conv4 --views 1 --threads 1 --steps 20 --out run"
TRAIN += " --validate-every 4 --checkpoint-every 3 --batch"
SWEEPS = "minisiamese.studies.sweeps folder --data-dir ../images --threads 1 --seeds 1 --steps 28 --out run"
MAML = "minisiamese.studies.maml folder --data-dir ../images --out run --way 2 --queries 1 --tasks 2 --steps 25"
MAML += " --inner-steps 1 --test-tasks 20"
SCENARIOS = {  # name: (in how many of 20 sequences, steps between two checkpoints, command)
    "n-way": (4, 3, f"{TRAIN} 3 --drawings 3"),
    "pair sets": (4, 3, f"{TRAIN} 8 --loss bce --optimizer momentum --lr 1e-2 --pairs 8"),
    "hard triplets": (2, 3, f"{TRAIN} 3 --drawings 3 --loss triplet --mining hard"),
    "semi-hard ones": (2, 3, f"{TRAIN} 3 --drawings 3 --loss triplet --mining semi-hard"),
    "sweeps": (2, 25, f"{SWEEPS} --only embedding --loss nway"),
    "maml": (2, 3, f"{MAML} --threads 1"),
    "maml, 2 threads": (3, 3, f"{MAML} --threads 2"),
    "report 000": (1, 3, "minisiamese.studies.report000 mnist --quick --data-dir .. --threads 2 --out run"),
}
# ``delay`` seconds after ``what`` ("start", "step", or "open", "rename", "renamed" and a path) came ``count`` times in
# a process; ``alone`` kills the program's first process, and not all of them
Moment = namedtuple("Moment", "what count delay alone")


def arm(log, what=None, count=0, delay=0, alone=False):
    """Let this process note in the file ``log`` what happens in it, and kill its program at a ``Moment``. The learner's
    clock is one of its own, so that what is saved by time is saved after the same steps, whenever it runs."""
    notes, seen = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), Counter()
    clock, each, replace = itertools.count(step=11), learner.Learner, Path.replace  # three steps, of 2 looks, are 66 s
    learner.time, update, learn = SimpleNamespace(perf_counter=lambda: next(clock)), each.update, each.learn

    def die():
        time.sleep(delay)
        (os.kill if alone else os.killpg)(os.getpgrp(), signal.SIGKILL)

    def happens(this, *details):
        seen[this] += 1
        os.write(notes, "\t".join([this, *map(str, details)]).encode() + b"\n")
        if (this, seen[this]) == (what, count):
            threading.Thread(target=die, daemon=True).start() if delay else die()

    def watch(event, arguments):
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and str(arguments[0]).startswith(f"{OUT}/"):
            happens(f"open {arguments[0]}")

    def noted_replace(self, target):
        happens(f"rename {self}")
        replace(self, target)
        happens(f"renamed {self}")

    def noted_learn(self, path, *others):
        self.path = path
        return learn(self, path, *others)

    def noted_update(self, loss):
        update(self, loss)
        happens("step", getattr(self, "path", None) or self.settings.machine.out / "last.npz", self.step)

    each.learn, each.update, Path.replace = noted_learn, noted_update, noted_replace
    sys.addaudithook(watch)


if "CRASH" in os.environ:  # here, for the processes of a pool import this module, too
    arm(**json.loads(os.environ["CRASH"]))


def run_program(folder, words, moment=None):
    """Run a program in a folder, to its end or to a moment; its ``seconds``, its exit ``code``, None if it hung, its
    ``err``, its ``notes``, [[what, *details]], and ``orphans``, whether processes outlived it."""
    folder.mkdir(exist_ok=True)
    start, log, errors = time.monotonic(), folder / "notes", folder / "stderr"
    log.write_text("")
    armed = {"log": str(log)} | (moment._asdict() if moment and moment.what != "start" else {})
    environment = os.environ | {"CRASH": json.dumps(armed), "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.crash", "--program", *words]
    with open(errors, "wb") as err:
        child = Popen(command, cwd=folder, env=environment, start_new_session=True, stdout=DEVNULL, stderr=err)
    try:
        if moment and moment.what == "start" and not within(moment.delay, lambda: child.poll() is not None):
            (os.kill if moment.alone else os.killpg)(child.pid, signal.SIGKILL)
        code = child.returncode if within(PATIENCE, lambda: child.poll() is not None) else None
        seconds = time.monotonic() - start
        orphans = code is not None and not within(ORPHANS, lambda: not members(child.pid))
    finally:
        if members(child.pid):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    notes, err = [line.split("\t") for line in log.read_text().splitlines()], errors.read_text()
    return SimpleNamespace(seconds=seconds, code=code, err=err, notes=notes, orphans=orphans)


def within(seconds, holds):
    """Wait until something holds, at most so many seconds; whether it does."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.002)
    return held


def members(group):
    """The processes of a group that are alive."""
    listed = run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(group) and "Z" not in line.split()[1]]


def content(path):
    """{place: value} of all that a file says, but for the ``UNLIKE``; BadInput or ValueError if it is damaged."""
    if path.suffix == ".npz":
        arrays, meta = checkpoint.load(path)
        return flat(meta) | {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
    if path.suffix == ".json":
        return flat(checkpoint.load_json(path))
    if path.suffix == ".jsonl":
        return flat([path.read_bytes().endswith(b"\n"), *checkpoint.load_lines(path)])
    return {"": path.read_bytes()}


def flat(values, place=""):
    """{place: value} of JSON values inside one another, but for the ``UNLIKE``."""
    if not isinstance(values, dict | list):
        return {place: values}
    inside = values.items() if isinstance(values, dict) else enumerate(values)
    parts = [flat(value, f"{place}/{key}") for key, value in inside if key not in UNLIKE]
    return {key: value for part in parts for key, value in part.items()}


def differences(found, expected):
    """Lines that say in what a run's folder differs from that of the uninterrupted run."""
    first, second = ({str(path.relative_to(out)): path for path in out.glob("**/*.*")} for out in (found, expected))
    lines = [f"{name} is {'left over' if name in first else 'missing'}" for name in first.keys() ^ second.keys()]
    for name in sorted(first.keys() & second.keys()):
        try:
            here, there = content(first[name]), content(second[name])
            places = [place for place in here | there if here.get(place) != there.get(place)]
            lines += [f"{name} differs in {len(places)} places, the first is {place}" for place in places[:1]]
        except (BadInput, ValueError) as error:
            lines.append(f"{name} is damaged: {error}")
    return lines


def saved_steps(folder):
    """{path: step} of a run's checkpoints, beyond all steps for a training's result; BadInput if a file is damaged."""
    paths = [path for path in (folder / OUT).glob("**/*.*") if path.suffix in (".npz", ".json")]
    return {str(path.relative_to(folder)): content(path).get("/step", 10**9) for path in paths}


def astray(notes, saved, interval, counts):
    """Lines that say where a program did not go on after the ``saved`` steps, {path: step}, or did not save in time."""
    made, lines = {}, []
    for what, *details in notes:
        path = details[0] if details else what.split()[-1].removesuffix(".part")
        if what == "step":
            step, before, first = int(details[1]), saved.get(path, 0), path not in made
            lines += [f"{path} goes on with step {step}, and was saved at {before}"] * (first and step != before + 1)
            lines += [f"{path} is at step {step}, and was saved at {before}"] * (step - before > interval)
            made[path] = step
        elif what.startswith("renamed") and path in made:
            saved = saved | {path: made[path]}
    counts["lost"] = max([counts["lost"], *(step - saved.get(path, 0) for path, step in made.items())])
    return lines[:1]


def moments(rng, reference):
    """Up to five moments to kill at, one after the other, among those of an undisturbed run."""
    happened = [what for what, *_ in reference.notes]
    for _ in range(rng.randint(1, 5)):
        write, soon = rng.choice([what for what in happened if what != "step"]), 0.003 * rng.random()
        chosen = [
            ("start", 1, rng.uniform(0, 1)),
            ("start", 1, rng.uniform(0, reference.seconds)),
            ("step", rng.randint(1, happened.count("step") // 2), rng.choice((0, 30 * soon))),
            (write, rng.randint(1, happened.count(write)), rng.choice((soon, soon, 0, rng.random()))),
        ]
        yield Moment(*rng.choices(chosen, (1, 1, 3, 3))[0], alone=rng.random() < 0.3)


def carry_out(folder, name, planned, undisturbed):
    """Run a scenario, kill it at the planned moments and compare its end with the folder of an ``undisturbed`` run;
    (counts, lines that say what is wrong). If it ends before a moment, the ended run is gone on with. If a kill left a
    folder without settings, the run begins again, or is refused in one line until the folder is gone."""
    counts, saved, code, (_, interval, command) = Counter(sequences=1), {}, None, SCENARIOS[name]
    for moment in [*planned, None]:
        resuming, words = (folder / OUT / "config.json").exists(), command.split()
        counts["resumed" if resuming else "begun-again"] += bool(code)
        ended = run_program(folder, [*words, "--resume"] if resuming else words, moment)
        if not resuming and ended.code == 2 and ended.err.startswith("error: ") and ended.err.count("\n") == 1:
            counts["refused"] += 1
            shutil.rmtree(folder / OUT)
            ended = run_program(folder, words, moment)
        code, faults = ended.code, astray(ended.notes, saved, interval, counts)
        faults += [f"processes were alive {ORPHANS} s later"] * ended.orphans
        if code == 0:
            faults += differences(folder / OUT, undisturbed)
        elif moment and code == -signal.SIGKILL:
            counts.update(("kills", moment.what.split()[0]))
        else:
            faults.append(f"exit code {code}: {ended.err}")
        try:
            saved = saved_steps(folder)
        except BadInput as error:
            faults.append(str(error))
        if faults:
            return counts, [f"{fault} ({moment})" for fault in faults]
    return counts + Counter(exact=1), []


def campaign(numbers, kills, seed, place):
    """Carry out sequences of these numbers, until there were so many kills; [(scenario, Counter of what happened)]."""
    order = random.Random(0).sample(list(SCENARIOS), counts=[weight for weight, *_ in SCENARIOS.values()], k=20)
    names, found = {number: order[number % len(order)] for number in numbers}, []

    def sequence(number):
        if sum(counts["kills"] for _, counts in found) >= kills:
            return
        name, folder = names[number], place / str(number)
        planned = list(moments(random.Random(f"{seed}/{number}"), references[name].result()))
        counts, faults = carry_out(folder, name, planned, place / name / OUT)
        found.append((name, counts))
        if faults:
            print(f"{name}: python -m tests.crash --seed {seed} --only {number}", *planned, *faults, sep="\n    ")
        else:
            shutil.rmtree(folder)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        words = {name: SCENARIOS[name][-1].split() for name in names.values()}
        references = {name: pool.submit(run_program, place / name, words[name]) for name in words}
        list(pool.map(sequence, numbers))
    return found


def make_data(place):
    """Images of a few classes, and a small MNIST."""
    from tests.campaign import world  # here, for the programs under test need nothing of it

    world.images(place / "images")
    world.data(place)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all of them (default 0)")
    parser.add_argument("--only", type=int, help="the number of the one sequence to carry out")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="crash-"))
    make_data(place)
    numbers = range(options.kills) if options.only is None else [options.only]
    found = campaign(numbers, options.kills, options.seed, place)
    columns = "sequences exact kills start step open rename renamed resumed begun-again refused lost".split()
    print(f"{'scenario':<16}", *columns)
    for name in [*SCENARIOS, "all"]:
        of_name = [counts for each, counts in found if name in (each, "all")]
        total = sum(of_name, Counter()) | {"lost": max([0, *(counts["lost"] for counts in of_name)])}
        print(f"{name:<16}", *(f"{total.get(each, 0):>{len(each)}}" for each in columns))
    faults = sum(not counts["exact"] for _, counts in found)
    print(f"{faults} faults" + (f"; the folders of these sequences are in {place}" if faults else ""))
    if not faults:
        shutil.rmtree(place)
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--program"]:
        del sys.argv[1]
        front_door(importlib.import_module(f"{sys.argv.pop(1)}.__main__").main)
    sys.exit(main())
