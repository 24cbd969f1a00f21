"""Grade files of answers, each in a process of its own: what it may not do, and for how long.

This is a grader for courses, not a security boundary: it keeps honest mistakes, such as an endless loop or a huge
array, from doing harm, and it sees to it that the library's own answers are not handed in. Whoever wants to get around
it can. Grade the work of people you do not trust in a container.
"""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from lessons.exercises import stubs
from lessons.exercises.table import EXERCISES
from minisiamese.commands.doors import deaf

ROOT = Path(__file__).parents[2]
LIBRARIES = {
    "numpy",
    "matplotlib",
    "minisiamese.gradcheck",
    "math",
    "itertools",
    "functools",
    "operator",
    "collections",
}
LIBRARIES |= {"dataclasses", "typing", "__future__", "time", "copy", "warnings", "random"}
REFUSED = {"eval", "exec", "compile", "open", "__import__", "globals", "locals", "vars"}  # names
REFUSED |= {"sys", "os", "modules", "importlib", "inspect", "builtins", "ctypes", "ctypeslib"}  # and attributes
HARMLESS = {"__init__", "__name__", "__doc__", "__class__", "__len__", "__call__", "__getitem__"}


def exercise_of(path):
    """The number of the exercise that a file's name tells (ex03.py, ada_ex03.py), or None."""
    found = re.search(r"(?<![a-z0-9])ex(\d\d)(?!\d)", path.stem.lower())
    return int(found[1]) if found and path.suffix == ".py" and int(found[1]) in EXERCISES else None


def refusal(text, number):
    """Why a file of answers is not graded, with the line, or None.

    It may import what its stubs import, NumPy and a few modules of Python, and may not call the library's own answers,
    or look for them. Text that is no Python is not for here to refuse.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    given = set(_imported(ast.parse(stubs.write(number, solved=True))))
    libraries = LIBRARIES | {module for module, _ in given if not module.startswith("minisiamese")}
    asked = {part for task in EXERCISES[number].tasks.values() for name in task.names for part in name.split(".")}
    answered = {f"minisiamese.{task.module}" for task in EXERCISES[number].tasks.values()}
    aliases = set()  # names of these modules in this file
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for module, name in _imported(node):
            free = any(f"{module}.".startswith(f"{each}.") for each in libraries)
            if name in REFUSED or not (
                free or (module, name) in given or (module, name) == ("minisiamese", "gradcheck")
            ):
                what = f"not among what exercise {number} needs"
                if module.startswith("minisiamese") and (name in asked or name in ("*", None)):
                    what = "the library's own answer"
                return f"line {node.lineno} imports {module if name is None else f'{module}.{name}'}, which is {what}"
        if isinstance(node, ast.ImportFrom):
            aliases |= {alias.asname or alias.name for alias in node.names if f"{node.module}.{alias.name}" in answered}
    return _uses(tree, aliases - _bound(tree), asked)


def _uses(tree, modules, asked):
    """What a file has no business with, by line, or None."""
    apart = {id(part) for node in ast.walk(tree) for each in _not_run(node) for part in ast.walk(each)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in modules and id(node) not in apart:
            return f"line {node.lineno} uses the library's own {node.id}, which is there to make classes from"
        if isinstance(node, ast.Name) and node.id in REFUSED and isinstance(node.ctx, ast.Load):
            return f"line {node.lineno} uses {node.id}, which no exercise needs"
        if isinstance(node, ast.Attribute):
            hidden = node.attr.startswith("__") and node.attr.endswith("__") and node.attr not in HARMLESS
            if hidden or node.attr in REFUSED - {"compile", "open"}:
                return f"line {node.lineno} uses {node.attr}, which no exercise needs"
            call = node.value.func if isinstance(node.value, ast.Call) else None
            if isinstance(call, ast.Name) and call.id == "super" and node.attr in asked:
                return f"line {node.lineno} calls the library's own {node.attr}"
    return None


def _not_run(node):
    """Parts of a node in which a class of the library may be named: bases, annotations, isinstance."""
    if isinstance(node, ast.ClassDef):
        return node.bases
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return node.args[1:]
    return [part for part in (getattr(node, name, None) for name in ("annotation", "returns")) if part]


def _bound(tree):
    """Names that a file gives to values of its own."""
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _imported(tree):
    """(module, name or None) of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def grade(path, number, seconds=60, memory=4.0):
    """{"points", "of", "tasks": {key: result of ``worker.judge``}, "remark"} of a file of answers.

    seconds may pass before the task that is under way is given up, and memory in GiB (Linux alone can limit it).
    """
    tasks = EXERCISES[number].tasks
    graded = {"points": 0, "of": EXERCISES[number].points, "tasks": {}, "remark": None}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return graded | {"remark": f"it cannot be read ({error})"}
    if found := refusal(text, number):
        return graded | {"remark": f"refused: {found}"}
    job = {"path": str(path.resolve()), "exercise": number, "memory": int(memory * 2**30), "brief": False}
    results, remark = {}, None
    while missing := [key for key in tasks if key not in results]:
        (found,), broken = run([job | {"tasks": missing}], seconds)
        results |= {key: result for key, result in found.items() if result}
        for key in [key for key in missing if key not in results][:1]:  # was under way; the others are begun anew
            results[key] = {"points": 0, "state": "wrong", "lines": [broken]}
            remark = remark or f"{key}: {broken}"
    first = [line for result in results.values() for line in result["lines"][:1]]
    if len(first) == len(tasks) and len({line.partition(":")[0] for line in first}) == 1 and "imported" in first[0]:
        remark = first[0]
        results = {key: result | {"lines": []} for key, result in results.items()}
    graded["points"] = sum(result["points"] for result in results.values())
    return graded | {"tasks": results, "remark": remark}


def run(jobs, seconds):
    """What ``worker.py`` makes of some jobs, and a remark if it did not come to its end, else None."""
    with tempfile.TemporaryDirectory(prefix="exercises-") as folder:
        files = Path(folder, "jobs.json"), Path(folder, "results.json")
        files[0].write_text(json.dumps(jobs))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder, "TEMP": folder, "MPLBACKEND": "agg"}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # a thread sets memory aside
        how = {"cwd": folder, "env": environment, "start_new_session": True, "text": True}
        how |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        process = remark = None
        try:
            with deaf():
                process = subprocess.Popen([sys.executable, "-m", "lessons.exercises.worker", *map(str, files)], **how)
            _, said = process.communicate(timeout=seconds)
            if process.returncode:
                remark = f"the check broke off: {(said.strip().splitlines() or ['no reason given'])[-1][:160]}"
        except subprocess.TimeoutExpired:
            remark = f"{seconds:g} seconds were over: an endless loop?"
        finally:
            if process:
                _end(process)
        results = json.loads(files[1].read_text()) if files[1].exists() else []
        results += [{}] * (len(jobs) - len(results))
        if remark is None and any(
            result.get(key) is None for job, result in zip(jobs, results, strict=True) for key in job["tasks"]
        ):
            remark = "the check was ended by what it checked"
        return results, remark


def _end(process):
    """End a process and all that it has started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
