"""One case of the campaign: a folder of its own, the programs that it runs there, and what is wrong with their ends.

A program is run in a fork of this process, which has imported everything and has no threads, or, where its imports, its
streams or signals matter, as a process of its own.
"""

import contextlib
import fcntl
import itertools
import os
import random
import re
import resource
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from tests.campaign.doors import DOORS, ROOT

PATIENCE = 20  # seconds that a program may take
EARLY = 0.08  # seconds of a processor's time that Python takes before it runs a line of ours
MEMORY = 8 << 30  # bytes of addresses that a fork may take
ENDS = ("refused", "fine", "interrupted", "harmless")
FAULTS = (
    *("traceback", "hang", "more than one line", "wrong exit code", "unnoticed", "lost run", "no number"),
    *("names nothing", "broken case"),
)
CRASH = re.compile(r"Traceback \(most recent|Exception ignored|Fatal Python error|Segmentation fault|core dumped")
NUMBERLESS = re.compile(r"\b(nan|NaN|inf|Infinity)\b")
WORLD = {}  # what cases start from: {name: (a function that makes it at a path, the names of what it is made of)}
SURE = {"MINISIAMESE_DATA": "", "https_proxy": "http://127.0.0.1:9"}  # nothing is downloaded


class Ended(NamedTuple):
    """How a program ended; the code is minus the signal's number where one killed it, None where it was given up."""

    code: int | None
    out: str
    err: str
    command: str
    seconds: float
    early: bool = False  # a signal came when Python itself had hardly begun


class Case:
    """``kind(case)`` draws what happens from ``case.rng``, runs programs, and calls ``judge`` or ``fault``."""

    def __init__(self, number, seed, world, folder, patience=PATIENCE):
        self.world, self.folder, self.patience = Path(world), Path(folder), patience
        self.rng = random.Random(f"{seed}/{number}")
        self.told, self.faults, self.ends, self.count = [], [], [], 0

    def bring(self, *words):
        """Copy what words of a command name into the folder, if the world has it: programs may write into it."""
        named = {str(word).partition("/")[0] for word in words} & WORLD.keys()
        for name in named if self.folder != self.world else ():
            source, copy = self.world / name, self.folder / name
            self.bring(*WORLD[name][1:])
            if not copy.exists():
                once(source, lambda source=source: _in_child(lambda: WORLD[source.name][0](source)))
                shutil.copytree(source, copy) if source.is_dir() else shutil.copyfile(source, copy)

    def tell(self, change):
        """Remember a change that was made, for the report."""
        self.told.append(str(change))

    def fault(self, kind, ended):
        """Report a fault of a kind of ``FAULTS``."""
        self.faults.append((kind, ended))

    def judge(self, ended, allowed=(0, 2), unseen=False):
        """Whether a program's end is as it should be: an exit code that is allowed, and at most one line on stderr.

        A refusal has one, unless stderr is ``unseen``, and what succeeds has none.
        """
        # a picture that is left out or doubtful; an unknown locale
        others = ("left out: ", "warning: ", "/bin/bash: warning: setlocale", "Fontconfig warning")
        said = [line for line in ended.err.splitlines() if line.strip() and not line.startswith(others)]
        least, most = ended.code == 2 and not unseen, bool(ended.code) and not unseen
        if CRASH.search(ended.err + ended.out):
            self.fault("traceback", ended)
        elif ended.code is None:
            self.fault("hang", ended)
        elif ended.code not in allowed:
            self.fault("wrong exit code", ended)
        elif not least <= len(said) <= most or (least and not said[0].startswith("error: ")):
            self.fault("more than one line", ended)
        elif ended.code == 0 and NUMBERLESS.search(ended.out):
            self.fault("no number", ended)
        else:
            self.ends.append({0: "fine", 130: "interrupted"}.get(ended.code, "refused"))
            return True
        return False

    # --- programs -----------------------------------------------------------------------------------------------------

    def fork(self, door, arguments, before=None, busy=None):
        """Run a front door in a fork, ``before()`` its start. After ``busy`` seconds of work it gets a Ctrl-C."""
        self.bring(*arguments)
        start, streams = time.monotonic(), self._streams()
        sys.stdout.flush()
        child = os.fork()
        if not child:
            _be_program(self, DOORS[door], list(map(str, arguments)), streams, before)
        code = _wait(lambda: _ended(child), child, self.patience, busy)
        return self._end(code, streams, f"{DOORS[door].shown} {_joined(arguments)}", start)

    def process(self, door, arguments, shell="exec {}", signal_at=None, **changed):
        """Run a front door as a process, its command in the place of {} in a line of bash.

        signal_at (number, seconds): a signal, and when; ``changed`` are variables of its environment.
        """
        self.bring(*arguments)
        line = shell.replace("{}", _joined([sys.executable, *DOORS[door].command, *arguments]))
        start, streams, early = time.monotonic(), self._streams(), False
        with open(streams[0], "wb") as out, open(streams[1], "wb") as err:
            child = subprocess.Popen(
                ["/bin/bash", "-c", line], cwd=self.folder, env=self._environment(changed), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        if signal_at:
            time.sleep(signal_at[1])
            early = _cpu_seconds(child.pid) < EARLY
            if child.poll() is None:
                (os.kill if signal_at[0] == signal.SIGTERM else os.killpg)(child.pid, signal_at[0])
        code = _wait(child.poll, child.pid, self.patience)
        shown = " ".join([*(f"{key}={value}" for key, value in changed.items()), line])
        return self._end(code, streams, shown, start)._replace(early=early)

    def _environment(self, changed):
        warm = {"XDG_CACHE_HOME": str(self.world / "cache"), "MPLCONFIGDIR": str(self.world / "matplotlib")}
        return os.environ | SURE | warm | {"PYTHONPATH": str(ROOT)} | changed

    def _streams(self):
        self.count += 1
        stem = f"{self.folder.name}-{os.getpid()}-{self.count}"
        return [self.folder.with_name(f"{stem}.{name}") for name in ("out", "err")]

    def _end(self, code, streams, command, start):
        out, err = (path.read_bytes().decode(errors="backslashreplace") for path in streams)
        for path in streams:
            path.unlink()
        return Ended(code, out, err, command, time.monotonic() - start)


def once(path, make):
    """``make()`` what is to be at a path, unless it, or another process, has done so."""
    with open(path.with_name(f"{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make()


def _in_child(make):
    """``make()`` in a child, which may begin threads."""
    child = os.fork()
    if not child:
        try:
            make()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, "the world could not be made"


def _joined(words):
    return shlex.join(map(str, words))


def _ended(child):
    done, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def _cpu_seconds(process):
    """What a process has taken so far; 0 where it is over."""
    try:
        times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def _wait(poll, group, patience, busy=None):
    """The exit code, or None of a program that had to be killed."""
    start, pressed = time.monotonic(), False
    patience *= max(1, os.getloadavg()[0] / os.cpu_count())  # others may be at work here, too
    while (code := poll()) is None and time.monotonic() - start < patience:
        time.sleep(0.005)
        if busy and not pressed and time.monotonic() - start > busy:
            pressed, start, patience = True, time.monotonic(), patience / 2
            os.killpg(group, signal.SIGINT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)  # it, or what it has left behind
    while code is None and poll() is None:
        time.sleep(0.005)
    return code


def _be_program(case, door, arguments, streams, before):
    """What a child does after the fork; it does not return."""
    code = 1
    try:
        os.setsid()
        os.chdir(case.folder)
        for number, path in enumerate((os.devnull, *streams)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        os.environ |= case._environment({"OMP_NUM_THREADS": "1"})
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.argv = [door.name, *arguments]
        sys.modules.pop(f"{door.name}.__main__", None)  # it is run anew
        if before:
            before()
        (runpy.run_path if door.script else runpy.run_module)(door.name, run_name="__main__", **door.how)
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def steady_clock():
    """Let a child's clock go by the number of times it is looked at, so that the same work leaves the same files."""
    calls = itertools.count()
    time.perf_counter = lambda: next(calls) / 97
