"""Let answers stand in for the library's functions, and run the library's own tests on them, in this process.

    python -m lessons.exercises.worker JOBS RESULTS

JOBS is a JSON list of {"path", "exercise", "tasks", "memory", "brief"}; after each task its result is written to
RESULTS. It is started by ``grading.py``, and imports what a student wrote: see there.
"""

import contextlib
import importlib.util
import inspect
import io
import json
import os
import re
import sys
import traceback
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from textwrap import shorten

import pytest

from lessons.exercises import probes, stubs
from lessons.exercises.differences import TOLERANCE, difference
from lessons.exercises.table import EXERCISES

TESTS = Path(__file__).parents[2] / "tests"
SHOWN = 2  # failing tests that are named


# --- an answer in the library's place ---------------------------------------------------------------------------------


@contextlib.contextmanager
def in_place(task, answer):
    """Let the functions of a module ``answer`` do the work of the library's, for everybody who has hold of these.

    What a library's function does becomes a call of the answer; so nobody needs to be told of it, and an answer that
    calls the library's function calls itself. Helpers that a student's class has besides are lent to the library's.
    """
    kept, lent = [], []
    module = import_module(f"minisiamese.{task.module}")
    try:
        for name in task.names:
            owner, _, attribute = name.rpartition(".")
            function, place = stubs.find(task, name), f"_answer_{name.replace('.', '_')}"
            theirs = vars(getattr(answer, owner))[attribute] if owner else getattr(answer, attribute)
            kept.append((function, function.__code__, place))
            function.__globals__[place] = theirs
            call = f"def call(*args, **kwargs):\n    return {place}(*args, **kwargs)"
            namespace = {}
            exec(call, namespace)
            function.__code__ = namespace["call"].__code__
            if owner:
                cls = getattr(module, owner)
                for helper, value in vars(getattr(answer, owner)).items():
                    if not hasattr(cls, helper):
                        setattr(cls, helper, value)
                        lent.append((cls, helper))
            else:
                _forget(module, attribute)
        yield
    finally:
        for function, code, place in kept:
            function.__code__ = code
            del function.__globals__[place]
        for cls, helper in lent:
            delattr(cls, helper)
        for name in task.names:
            if "." not in name:
                _forget(module, name)


def _forget(module, name):
    """Empty a cached function's cache."""
    getattr(vars(module)[name], "cache_clear", lambda: None)()


def let_see_the_library(answer, exercise, task):
    """In the module ``answer``, let all that belongs to other tasks be the library's."""
    own = {name.partition(".")[0] for name in task.names}
    for other in exercise.tasks.values():
        module = import_module(f"minisiamese.{other.module}")
        for name in {name.partition(".")[0] for name in other.names} - own:
            setattr(answer, name, vars(module)[name])


# --- tests ------------------------------------------------------------------------------------------------------------


class Chosen:
    """A pytest plugin that runs the tests of a task and no others, and collects what they say."""

    def __init__(self, task):
        self.task, self.matched, self.passed, self.failures = task, set(), [], {}

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.wants(item)]

    def wants(self, item):
        parameters = item.callspec if hasattr(item, "callspec") else None
        if parameters and parameters.params.get("device", "numpy") not in self.task.devices:
            return False
        case = re.sub(r"(^|-)(numpy|double|cupy)(?=-|$)", "", parameters.id).lstrip("-") if parameters else ""
        for pattern in self.task.tests:
            file, function, wanted = re.fullmatch(r"(.+)::([^[]+)(?:\[(.+)\])?", pattern).groups()
            if item.path.stem == f"test_{file}" and fnmatchcase(item.originalname, f"test_{function}"):
                if wanted is None or fnmatchcase(case, wanted):
                    self.matched.add(pattern)
                    return True
        return False

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("/")[2]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failures.setdefault(name, crash.message if crash else str(report.longrepr))
        elif report.when == "call" and report.passed:
            self.passed.append(name)


def run_tests(task, brief=False):
    """The ``Chosen`` of a task, after its tests; with ``brief``, up to the first that fails."""
    chosen = Chosen(task)
    names = {pattern.partition("::")[0] for pattern in task.tests}
    files = sorted(str(path) for name in names for path in TESTS.rglob(f"test_{name}.py"))
    options = [
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "--tb=short",
        "-W",
        "ignore",
        *(["-x"] if brief else []),
    ]
    with silence():
        pytest.main(["--rootdir", str(TESTS.parent), *options, *files], plugins=[chosen])
    if len(chosen.matched) < len(task.tests):
        raise LookupError(f"no test is called {sorted(set(task.tests) - chosen.matched)}")
    return chosen


@contextlib.contextmanager
def silence():
    """Nothing that is printed meanwhile is seen."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


# --- one task ---------------------------------------------------------------------------------------------------------


def judge(answer, exercise, key, brief=False):
    """{"points", "state", "lines", "failed", "passed"} of a task; state is "right", "wrong" or "not written yet".

    With ``brief`` it ends with the first thing found wrong.
    """
    task = exercise.tasks[key]
    missing = [name for name in task.names if _missing(answer, name)]
    if missing:
        return _result(0, "wrong", [f"{', '.join(missing)} is not in the file, or no function"])
    let_see_the_library(answer, exercise, task)
    expected = probes.PROBES[key]()
    lines = []
    with in_place(task, answer):
        try:
            with silence():
                found = difference(expected, probes.PROBES[key](), probes.TOLERANCES.get(key, TOLERANCE), task.slip)
        except (Exception, SystemExit) as error:
            found = _raised(error, answer)
        if found:
            lines.append(found)
            if brief:
                return _result(0, "wrong", lines)
        chosen = run_tests(task, brief)
    if not chosen.failures and not chosen.passed:
        return _result(0, "wrong", [*lines, "no test could be run"])
    if not chosen.failures and not lines:
        return _result(task.points, "right", [], chosen)
    unwritten = f"exercise {key} is not written"
    if any(unwritten in line for line in [*lines, *chosen.failures.values()]):
        return _result(0, "not written yet", [], chosen)
    if not lines:
        lines.append(f"no difference in what it gives for one input, but in the tests: {task.slip}")
    for name, message in list(chosen.failures.items())[:SHOWN]:
        lines.append(f"{name} fails: {shorten(message.partition('Use -v')[0], 160, placeholder=' ...')}")
    if len(chosen.failures) > SHOWN:
        lines.append(f"and {len(chosen.failures) - SHOWN} more tests fail")
    return _result(0, "wrong", lines, chosen)


def _result(points, state, lines, chosen=None):
    tests = {"failed": list(chosen.failures), "passed": chosen.passed} if chosen else {"failed": [], "passed": []}
    return {"points": points, "state": state, "lines": lines, **tests}


def _missing(answer, name):
    owner, _, attribute = name.rpartition(".")
    holder = vars(getattr(answer, owner, object)) if owner else vars(answer)
    return not inspect.isfunction(inspect.unwrap(holder.get(attribute)))


def _raised(error, answer):
    """An error with the line of the answer that it comes from."""
    said = f"{type(error).__name__}: {error}".strip().rstrip(":")
    if isinstance(error, RecursionError):
        said = "it calls itself without end; the library's function cannot be called, the answer stands in its place"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == answer.__file__]
    return f"line {frames[-1].lineno}: {said}" if frames else said


# --- one file ---------------------------------------------------------------------------------------------------------


def load(path):
    """The module of a file."""
    spec = importlib.util.spec_from_file_location("answer", path)
    module = importlib.util.module_from_spec(spec)
    with silence():
        spec.loader.exec_module(module)
    return module


def guard(folder):
    """From here on, let this process write below ``folder`` alone, use no network and start no program."""
    folder = os.path.realpath(folder)
    changes = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}

    def outside(path):
        path = Path(os.path.realpath(os.fsdecode(path)))
        return not path.is_relative_to(folder) and str(path) != os.devnull

    def watch(event, arguments):
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and not isinstance(path, int) and outside(path):
                raise PermissionError(f"an exercise writes no files ({path})")
        elif event in changes and any(outside(each) for each in arguments if isinstance(each, str | bytes)):
            raise PermissionError(f"an exercise changes no files ({event})")
        elif (
            event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork")) or event == "os.system"
        ):
            raise PermissionError(f"an exercise uses no network and starts no program ({event})")

    sys.addaudithook(watch)


def main(jobs, results):
    sys.dont_write_bytecode = True
    jobs, done = json.loads(Path(jobs).read_text()), []
    if jobs[0]["memory"]:
        with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such module, macOS no such limit
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (jobs[0]["memory"],) * 2)
    part = Path(results).with_suffix(".part")
    guard(Path(results).parent)
    for job in jobs:
        exercise, tasks = EXERCISES[job["exercise"]], {}
        done.append(tasks)
        for key in job["tasks"]:
            tasks[key] = None  # under way, if time is out
            part.write_text(json.dumps(done))
            part.replace(results)
            try:
                # for each task anew: what one leaves behind, such as the library's functions, is not the next one's
                answer = load(job["path"])
            except (Exception, SystemExit) as error:
                answer = type("answer", (), {"__file__": job["path"]})
                line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
                said = f"line {line}: {error.msg}" if line else _raised(error, answer)
                tasks[key] = _result(0, "not tested", [f"the file cannot be imported: {said}"])
                continue
            tasks[key] = judge(answer, exercise, key, job["brief"])
    part.write_text(json.dumps(done))
    part.replace(results)


if __name__ == "__main__":
    main(*sys.argv[1:])
