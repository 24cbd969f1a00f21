"""Grade files of answers: each task in a process of its own, with its own memory and time, several at once.

This is a grader for courses, not a security boundary: it keeps honest mistakes, such as an endless loop or a huge
array, from doing harm, and it sees to it that the library's own answers are not handed in, nor results made up. Whoever
wants to get around it can. Grade the work of people you do not trust in a container.
"""

import contextlib
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from lessons.exercises import outcome, reading, stubs
from lessons.exercises.judging import Result, import_failure, judge
from lessons.exercises.tasks import EXERCISES
from lessons.exercises.worker import FILE, Job
from minisiamese.commands.doors import deaf
from minisiamese.errors import BadInput

ROOT = Path(__file__).parents[2]
GRACE = 5  # seconds that a process may take to begin and to end


class Graded(msgspec.Struct):
    """What a file has earned."""

    path: Path
    student: str
    number: int | None
    variant: int | None = None
    points: int = 0
    of: int = 0
    tasks: dict[str, Result] = {}
    remark: str = ""  # on the whole file
    text: str = ""


LIVE, STOP = set(), threading.Event()  # processes that are under way; set once nothing more is to be begun


def grade_all(paths, top, variant, seconds, memory, jobs):
    """Yield the ``Graded`` of each file in turn; ``jobs`` of them are under way at once.

    variant is the one that is asked for, or None for that which each file says it is.
    """
    try:
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(_safely, path, top, variant, seconds, memory) for path in paths]
            try:
                for each in waiting:
                    yield each.result()
            except BaseException:  # an interrupt: the pool waits for what is under way, so that is to end now
                STOP.set()
                for each in waiting:
                    each.cancel()
                for process in list(LIVE):
                    _kill(process)
                raise
    finally:
        STOP.clear()


def _safely(path, top, variant, seconds, memory):
    """The ``Graded`` of a file, whatever happens: the others are not to suffer."""
    number, student = reading.exercise_of(path), reading.student_of(path, top)
    if number is None:
        return Graded(
            path, student, None, remark="not graded: its name tells no exercise that there is, as ex03.py does"
        )
    nothing = Graded(path, student, number, of=EXERCISES[number].points)
    try:
        return grade(reading.read(path, top), variant, seconds, memory)
    except BadInput as error:
        return msgspec.structs.replace(nothing, remark=str(error))
    except Exception as error:
        return msgspec.structs.replace(
            nothing, remark=f"not graded: the grader failed ({type(error).__name__}: {error})"
        )


def grade(answers, variant=None, seconds=20.0, memory=2.0):
    """The ``Graded`` of some ``Answers``; a task has so many seconds and so much memory, in GiB, which Linux alone can
    limit."""
    tasks = EXERCISES[answers.number].tasks
    graded = Graded(answers.path, answers.student, answers.number, answers.variant)
    graded.of, graded.text = EXERCISES[answers.number].points, answers.text
    if variant is not None and answers.variant != variant:
        graded.remark = f"variant {variant} is asked for, and this is {_variant(answers.variant)}"
        return graded
    for key in stubs.variant_of(answers.number, answers.variant).order:
        ready, outcomes, broken = run(answers, key, seconds, memory)
        if ready is None or ready.error:  # it was not even imported: the other tasks would fare no better
            graded.remark = (
                f"while the file was imported: {broken}" if ready is None else import_failure(answers, ready)
            )
            graded.tasks = {each: Result(0, "not tested") for each in tasks}
            break
        graded.tasks[key] = judge(answers, key, ready, outcomes, broken)
        graded.remark = import_failure(answers, ready)
    graded.remark = reading.visible(graded.remark)
    graded.tasks = {key: graded.tasks[key] for key in tasks}
    graded.points = sum(result.points for result in graded.tasks.values())
    return graded


def _variant(seed):
    return "the exercise itself" if seed is None else f"variant {seed}"


def run(answers, key, seconds, memory):
    """(Ready or None, outcomes, why it sent no more or None) of a worker on one task."""
    with tempfile.TemporaryDirectory(prefix="exercises-") as folder:
        job = Job(answers.text, answers.number, key, answers.variant, seconds, int(memory * 2**30), folder)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder, "TEMP": folder, "MPLBACKEND": "agg"}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # a thread sets memory aside
        how = {"cwd": folder, "env": environment, "start_new_session": True}
        how |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process, over = None, False
        try:
            with deaf():
                process = subprocess.Popen([sys.executable, "-m", "lessons.exercises.worker"], **how)
            LIVE.add(process)
            if STOP.is_set():
                _kill(process)
            # the worker ends itself after ``seconds``, and says where it was; this is for one that cannot
            sent, said = process.communicate(msgspec.json.encode(job), timeout=seconds + GRACE)
        except subprocess.TimeoutExpired:
            over = True
            sent, said = _end(process)
        finally:
            LIVE.discard(process)
            if process:
                _end(process)
    said = said.decode(errors="replace")
    ready, outcomes, forged = _messages(sent)
    if forged:
        return ready, outcomes, "the answer wrote into the grader's pipe"
    if over or "Timeout (" in said:
        return ready, outcomes, f"it was stopped after {seconds:g} seconds{_where(said, answers)}: an endless loop?"
    return ready, outcomes, _reason(process.returncode, said)


def _messages(sent):
    """What a worker has sent: a ``Ready``, or None; an ``Outcome`` for each case; whether what follows is neither."""
    ready, outcomes, place = None, [], 0
    while place + 4 <= len(sent):
        (length,) = struct.unpack_from("<I", sent, place)
        data = sent[place + 4 : place + 4 + length]
        if len(data) < length:  # the worker was ended in the middle of it
            break
        try:
            if ready is None:
                ready = outcome.decode_ready(data)
            else:
                outcomes.append(outcome.decode_outcome(data))
        except msgspec.DecodeError:
            return ready, outcomes, True
        place += 4 + length
    return ready, outcomes, False


def _where(said, answers):
    """The line that was under way when the time was over, as the worker told it."""
    lines = re.findall(rf'File "{FILE}", line (\d+)', said)
    return f" in {answers.place(int(lines[0]))}" if lines else ""


def _reason(code, said):
    """Why a process ended that has not done all it was asked for."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"the process was ended by {name}: out of memory, or a crash?"
    last = said.strip().splitlines()
    if code and last:
        return f"the check broke off: {last[-1][:160]}"
    return "the check was ended by what it checked"


def _kill(process):
    """End a process and all that it has started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _end(process):
    """End a process; what it has sent."""
    _kill(process)
    if process.stdout.closed:
        return b"", b""
    try:
        return process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:  # somebody else holds the pipe
        return b"", b""
