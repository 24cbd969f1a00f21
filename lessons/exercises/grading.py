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

ROOT = Path(__file__).parents[2]
LIBRARIES = {"numpy", "math", "itertools", "functools", "operator", "collections", "dataclasses", "typing"}
REFUSED_NAMES = {
    "super",
    "eval",
    "exec",
    "compile",
    "open",
    "__import__",
    "globals",
    "locals",
    "vars",
    "getattr",
    "setattr",
}


def exercise_of(path):
    """The number of the exercise that a file's name tells (ex03.py, ada_ex03.py), or None."""
    found = re.search(r"ex(\d\d)(?!\d)", path.stem)
    return int(found[1]) if found and int(found[1]) in EXERCISES else None


def refusal(text, number):
    """Why a file of answers is not graded, with the line, or None: it may import what its stubs import, NumPy and a few
    modules of Python, and may not call the library's own answers, or look for them. Text that is no Python is not for
    here to refuse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    allowed = set(_imported(ast.parse(stubs.write(number, solved=True)))) | {("minisiamese", "gradcheck")}
    asked = {name.partition(".")[0] for task in EXERCISES[number].tasks.values() for name in task.names}
    bases = {id(node) for each in ast.walk(tree) if isinstance(each, ast.ClassDef) for node in map(_root, each.bases)}
    modules = set()  # of the library, by the names that the file gives them
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module, name in _imported(node):
                home = module if name is None else f"{module}.{name}"
                free = module.partition(".")[0] in LIBRARIES or module == "minisiamese.gradcheck"
                if not free and (module, name) not in allowed:
                    own = module.startswith("minisiamese") and (name in asked or name == "*" or name is None)
                    what = "the library's own answer" if own else f"not among what exercise {number} needs"
                    return f"line {node.lineno} imports {home}, which is {what}"
            if isinstance(node, ast.ImportFrom) and node.module == "minisiamese":
                modules |= {alias.asname or alias.name for alias in node.names if alias.name != "gradcheck"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in modules and id(node) not in bases:
            return f"line {node.lineno} uses the library's own {node.id}, which is there to make classes from"
        if isinstance(node, ast.Name) and node.id in REFUSED_NAMES:
            return f"line {node.lineno} uses {node.id}, which no exercise needs"
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            return f"line {node.lineno} uses {node.attr}, which no exercise needs"
    return None


def _imported(tree):
    """(module, name or None) of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def _root(node):
    """The name that ``a.b.c`` begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def grade(path, number, seconds=120, memory=4.0):
    """{"points", "of", "tasks": {key: result of ``worker.judge``}, "remark"} of a file of answers.

    seconds it may take in all, and memory in GiB (where the system can limit it: not on Windows).
    """
    tasks = EXERCISES[number].tasks
    graded = {"points": 0, "of": EXERCISES[number].points, "tasks": {}, "remark": None}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return graded | {"remark": f"it cannot be read ({error})"}
    if found := refusal(text, number):
        return graded | {"remark": f"refused: {found}"}
    job = {"path": str(path.resolve()), "exercise": number, "tasks": list(tasks), "only": False}
    job["memory"] = int(memory * 2**30) if sys.platform != "win32" else None
    (results,), remark = run([job], seconds)
    for key in tasks:
        if results.get(key) is None and remark:
            results[key] = {"points": 0, "state": "wrong", "lines": [remark]}
            break
    graded["points"] = sum(result["points"] for result in results.values())
    return graded | {"tasks": results, "remark": remark}


def run(jobs, seconds):
    """What ``worker.py`` makes of some jobs, and a remark if it did not come to its end, else None."""
    with tempfile.TemporaryDirectory(prefix="exercises-") as folder:
        files = Path(folder, "jobs.json"), Path(folder, "results.json")
        files[0].write_text(json.dumps(jobs))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder, "TEMP": folder, "MPLBACKEND": "agg"}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # a thread sets memory aside
        process = subprocess.Popen(
            [sys.executable, "-m", "lessons.exercises.worker", *map(str, files)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        remark = None
        try:
            _, said = process.communicate(timeout=seconds)
            if process.returncode:
                remark = f"the check broke off: {(said.strip().splitlines() or ['no reason given'])[-1][:160]}"
        except subprocess.TimeoutExpired:
            remark = f"its {seconds:g} seconds were over: an endless loop?"
        finally:
            _end(process)
        results = json.loads(files[1].read_text()) if files[1].exists() else []
        return results + [{}] * (len(jobs) - len(results)), remark


def _end(process):
    """End a process and all that it has started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
