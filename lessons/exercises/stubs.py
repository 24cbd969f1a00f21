"""Exercise files, written from the library's own source: signatures and docstrings, without the bodies.

The same with the bodies left in is the solution, so that nothing is written twice.
"""

import ast
import inspect
import textwrap
from importlib import import_module

import numpy as np

from lessons.exercises.table import EXERCISES

WIDTH = 120


def find(task, name):
    """A function of the library, or the function behind a method "Class.method", without its decorators' wrappers."""
    owner, _, attribute = name.rpartition(".")
    module = import_module(f"minisiamese.{task.module}")
    return inspect.unwrap(vars(getattr(module, owner) if owner else module)[attribute])


def source_of(task, name):
    """(path, first line, text) of a function or a method in the library."""
    function = find(task, name)
    lines, first = inspect.getsourcelines(function)
    return inspect.getsourcefile(function), first, "".join(lines)


def write(number, solved=False):
    """The text of an exercise's file; with ``solved``, with the library's bodies."""
    exercise, pieces, owner_before = EXERCISES[number], [], ""
    for key, task in exercise.tasks.items():
        for place, name in enumerate(task.names):
            owner, _, _ = name.rpartition(".")
            text = source_of(task, name)[2]
            text = text if solved else _without_body(text, f"exercise {key} is not written")
            comment = ("    " if owner else "") + "# "
            asked = textwrap.wrap(
                f"{key}, {task.points} points: {task.ask}", WIDTH, initial_indent=comment, subsequent_indent=comment
            )
            text = "".join(f"{line}\n" for line in asked if place == 0) + text
            if owner and owner == owner_before:
                pieces[-1] += f"\n{text}"
            else:
                pieces.append((_class_header(task, owner) if owner else "") + text)
            owner_before = owner
    return "\n\n".join([_introduction(number, exercise), *pieces])


def _introduction(number, exercise):
    return f'''"""Exercise {number}: {exercise.title}. {exercise.points} points.

Write what each function below raises for, and leave signatures and docstrings as they are. Then

    python -m lessons.exercises check ex{number:02d}.py

tests each task by itself, with the library in place of the others. Only the functions that are asked for are used, and
helpers of yours that they call. Arguments are not to be changed; float32 that comes in goes out as float32. What is
imported is what the library's own lines use: you may not need it.
"""

{imports(exercise)}
'''


def _without_body(text, message):
    """A function's source with a body that raises NotImplementedError."""
    lines, (function,) = text.splitlines(), ast.parse(textwrap.dedent(text)).body
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    end = first.end_lineno if documented else first.lineno - 1
    indent = " " * (len(lines[0]) - len(lines[0].lstrip()) + 4)
    return "\n".join([*lines[:end], f'{indent}raise NotImplementedError("{message}")']) + "\n"


def _class_header(task, owner):
    """``class Name(module.Name):`` with the class's docstring."""
    cls = getattr(import_module(f"minisiamese.{task.module}"), owner)
    text = inspect.getsource(cls)
    docstring = ast.parse(text).body[0].body[0]
    lines = text.splitlines()[docstring.lineno - 1 : docstring.end_lineno]
    return f"class {owner}({task.module.rpartition('.')[2]}.{owner}):\n" + "\n".join(lines) + "\n\n"


# --- what a file needs to import --------------------------------------------------------------------------------------


def imports(exercise):
    """The lines that import what the solution uses of other code."""
    own = {name.partition(".")[0] for task in exercise.tasks.values() for name in task.names}
    plain, named = {"import numpy as np"}, {}
    for task in exercise.tasks.values():
        module = import_module(f"minisiamese.{task.module}")
        package, _, last = module.__name__.rpartition(".")
        for name in task.names:
            if "." in name:  # the class that the student's is made from
                named.setdefault(package, set()).add(last)
            for used in _globals(source_of(task, name)[2]) & vars(module).keys() - own:
                value = vars(module)[used]
                if not inspect.ismodule(value):
                    home = callable(value) and getattr(value, "__module__", None)
                    named.setdefault(home or module.__name__, set()).add(used)
                elif value.__name__.startswith("minisiamese"):
                    named.setdefault(value.__name__.rpartition(".")[0], set()).add(used)
                elif value is not np:
                    plain.add(f"import {used}")
    lines = sorted(plain) + sorted(f"from {home} import {', '.join(sorted(names))}" for home, names in named.items())
    groups = {"standard": [], "numpy": [], "minisiamese": []}
    for line in lines:
        groups.get(line.split()[1].partition(".")[0], groups["standard"]).append(line)
    return "\n\n".join("\n".join(group) for group in groups.values() if group)


def _globals(text):
    """Names that a function reads."""
    tree = ast.parse(textwrap.dedent(text))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
