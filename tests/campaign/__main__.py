"""A campaign of bad input, files, flips, signals and faults of the machine against every front door.

    python -m tests.campaign --count 2000 --seed 0
    python -m tests.campaign --seed 0 --only 17

Case N of a seed is always the same. Each must end as promised: done, refused in one line with exit code 2, or
interrupted; and what is damaged must not change a result in silence. The exit code is 1 if one does not.
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.campaign import archives, damage, images, machine, values
from tests.campaign.case import ENDS, FAULTS, Case, Ended
from tests.campaign.doors import DOORS, module_of

KINDS = values.KINDS | damage.KINDS | images.KINDS | archives.KINDS | machine.KINDS
SHOWN = 1500  # characters of a faulty program's output


def plan():
    """The names of the kinds in turn, each as often in a round as its weight says, and evenly spread over it."""
    places = [((turn + 0.5) / weight, name) for name, (_, weight) in KINDS.items() for turn in range(weight)]
    return [name for _, name in sorted(places)]


def carry_out(number, name, seed, place):
    """A case in a folder of its own, which is kept if there was a fault: (number, ends, what was changed, faults)."""
    warnings.simplefilter("ignore")  # of zipfile, about what is damaged on purpose
    folder = place / f"case-{number}"
    folder.mkdir()
    case = Case(number, seed, place / "world", folder)
    try:
        KINDS[name][0](case)
    except Exception:  # of the campaign itself
        case.fault("broken case", Ended(None, "", traceback.format_exc(), name, 0))
    if not case.faults:
        shutil.rmtree(folder)
    return number, case.ends, case.told, case.faults


def show(number, name, seed, told, faults):
    """The report of a faulty case."""
    lines = [f"--- case {number}, {name}; again: python -m tests.campaign --seed {seed} --only {number}"]
    lines += [f"    changed: {each}" for each in told]
    for kind, ended in faults:
        lines += [f"    {kind}: {ended.command}", f"    exit code {ended.code} after {ended.seconds:.1f} s"]
        for text in (ended.err, ended.out):
            text = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"
            lines += [f"    | {line}" for line in text.splitlines()]
    print("\n".join(lines).encode(errors="backslashreplace").decode(), flush=True)


def table(results):
    """The counts by kind as lines; results {kind: Counter}."""
    columns = [*ENDS, *FAULTS]
    columns = [each for each in columns if each in ENDS or any(count[each] for count in results.values())]
    width = max(map(len, [*results, "all"]))
    lines = [" ".join([f"{'kind':<{width}}  cases", *columns])]
    everything = sum(results.values(), Counter())
    for name, count in [*sorted(results.items()), ("all", everything)]:
        cells = [f"{count[each]:>{len(each)}}" for each in columns]
        lines.append(" ".join([f"{name:<{width}}  {count['cases']:>5}", *cells]))
    return "\n".join(lines)


def campaign(numbers, seed, place):
    """Carry out the cases of these numbers; {kind: Counter of ends and faults}."""
    order = plan()
    names = {number: order[number % len(order)] for number in numbers}
    results = defaultdict(Counter)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        cases = [pool.submit(carry_out, number, name, seed, place) for number, name in names.items()]
        for case in as_completed(cases):
            number, ends, told, faults = case.result()
            name = names[number]
            results[name] += Counter(cases=1)
            worst = [kind for kind in FAULTS if kind in dict(faults)] or ends[:1]
            results[name][worst[0]] += 1
            if faults:
                show(number, name, seed, told, faults)
    return results


def main():
    """Carry out the cases that the command line asks for, and say how they ended; 1 if there were faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="cases (default 2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all of them (default 0)")
    parser.add_argument("--only", type=int, help="the number of the one case to carry out")
    options = parser.parse_args()
    for door in DOORS.values():
        module_of(door)
    place = Path(tempfile.mkdtemp(prefix="campaign-"))
    for each in ("world", "world/cache", "world/matplotlib"):
        (place / each).mkdir()
    results = campaign(range(options.count) if options.only is None else [options.only], options.seed, place)
    faults = sum(sum(results.values(), Counter())[kind] for kind in FAULTS)
    print(table(results))
    print(f"{faults} faults" + (f"; the folders of these cases are in {place}" if faults else ""))
    if not faults:
        shutil.rmtree(place)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
