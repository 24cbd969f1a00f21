"""Run the cases of one task on a file of answers, and send what comes out through a pipe, as numbers.

    python -m lessons.exercises.worker < JOB

``grading.py`` starts it, for each task anew. It imports what a student wrote, so it says nothing about right and wrong:
it returns what each call gave, and the grader, where the student's code does not run, compares.
"""

import __future__

import ast
import contextlib
import faulthandler
import os
import struct
import sys
import warnings
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np

from lessons.exercises import modules, outcome, rules
from lessons.exercises.tasks import EXERCISES

FILE = "answer"  # what the answers' file is called in tracebacks


class Job(msgspec.Struct):
    text: str
    number: int
    key: str
    seed: int | None
    seconds: float
    memory: int  # bytes; 0 for any
    folder: str  # the only one that may be written to


def guard(folder):
    """From here on, let this process write below ``folder`` alone, use no network, start no program, signal nobody."""
    folder = os.path.realpath(folder)
    changes = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
    programs = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.")

    def outside(path):
        path = Path(os.path.realpath(os.fsdecode(path)))
        return not path.is_relative_to(folder) and str(path) != os.devnull

    def watch(event, arguments):
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and (isinstance(path, int) or outside(path)):
                raise PermissionError(f"an exercise writes no files ({path})")
        elif event in changes and any(outside(each) for each in arguments if isinstance(each, str | bytes)):
            raise PermissionError(f"an exercise changes no files ({event})")
        elif event.startswith(programs) or event == "os.system":
            raise PermissionError(f"an exercise uses no network and starts no program ({event})")
        elif event in ("os.kill", "os.killpg", "signal.pthread_kill", "ctypes.dlopen"):
            raise PermissionError(f"an exercise signals nobody and loads no library ({event})")

    sys.addaudithook(watch)


def load(job):
    """(module, ``Ready``) of the answers; the module is None if there is nothing in it to try.

    The file is run statement by statement, and goes on after one that fails: it costs the tasks that need it.
    """
    try:
        tree = rules.allowed(job.text, job.number)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, outcome.failed(outcome.Ready, error, FILE)
    module = sys.modules["answer"] = ModuleType("answer")
    module.__file__ = FILE
    vars(module).update(rules.names())
    flags, errors = _flags(tree), []
    for statement in tree.body:
        rules.USES.clear()
        try:
            exec(compile(ast.Module([statement], []), FILE, "exec", flags, dont_inherit=True), vars(module))
        except BaseException as error:
            found = outcome.failed(outcome.Outcome, error, FILE)
            errors.append((found.line or statement.lineno, found.refused or f"{found.error}: {found.said}"))
        else:
            errors += [(statement.lineno, each) for each in rules.USES]
    task, lacking = EXERCISES[job.number].tasks[job.key], modules.missing(module, job.number, job.key, job.seed)
    names = {name.partition(".")[0] for name in lacking}
    refused = [each.what for each in map(vars(module).get, names) if isinstance(each, rules.Refused)]
    ready = outcome.Ready(missing=tuple(lacking), refused=refused[0] if refused else "", failed=tuple(errors[:3]))
    if refused or len(lacking) == len(task.names) or (lacking and isinstance(task.parts, int)):
        return None, ready
    for name in lacking:
        if "." not in name:  # else the library's method is inherited, so that the others can be tried
            setattr(module, name, None)
    rules.USES.clear()
    return modules.fill(module, job.number, job.key, job.seed), ready


def _flags(tree):
    """What ``from __future__ import`` says of how a file is to be compiled."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    names = [alias.name for node in imports for alias in node.names]
    return sum({getattr(__future__, name).compiler_flag for name in names if hasattr(__future__, name)})


def tried(case, answer):
    """The ``Outcome`` of a case; a use that was refused is told even if the answer has caught the complaint."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = outcome.outcome_of(case.run, answer, FILE)
    if rules.USES:
        found = msgspec.structs.replace(found, refused=rules.USES[0])
        rules.USES.clear()
    return found


def main():
    sys.dont_write_bytecode = True
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    private = os.fdopen(os.dup(1), "wb")  # the pipe to the grader: what an answer prints goes nowhere
    errors = os.fdopen(os.dup(2), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def send(message):
        data = outcome.encode(message)
        private.write(struct.pack("<I", len(data)) + data)
        private.flush()

    if job.memory:
        with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such module, macOS no such limit
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (job.memory,) * 2)
    faulthandler.dump_traceback_later(job.seconds, exit=True, file=errors)  # tells where an endless loop is
    guard(job.folder)
    answer, ready = load(job)
    send(ready)
    if answer is None:
        return
    for case in EXERCISES[job.number].tasks[job.key].cases:
        try:
            found = tried(case, answer)
        except MemoryError:
            found = outcome.Outcome(error="MemoryError")
        send(found)
    os._exit(0)  # whatever the answer has left to be done at the end


if __name__ == "__main__":
    main()
