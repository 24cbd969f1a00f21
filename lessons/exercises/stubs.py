"""Exercise files: the library's signatures with docstrings that say what is asked, and without the bodies; and the
solution, which is the library's own lines.

A variant gives functions other names, asks for other constants and another order of results and of tasks. It is made
of what each task allows (``Variation``, ``aliases``, ``swapped``), by the seed of its number.
"""

import ast
import functools
import inspect
import re
import textwrap
from dataclasses import dataclass, field
from importlib import import_module
from random import Random

import numpy as np

from lessons.exercises.task import COMMON
from lessons.exercises.tasks import EXERCISES

WIDTH = 116
LEAVE = "and leave names, signatures and docstrings as they are. Then"
WRITE = f"Write what each function below raises for, {LEAVE}"
REPAIR = f"Each function below has a body that does not do what its docstring says. Repair it, {LEAVE}"


def find(task, name):
    """A function of the library, or the function behind a method "Class.method", without its decorators' wrappers."""
    owner, _, attribute = name.rpartition(".")
    module = import_module(task.module)
    return inspect.unwrap(vars(getattr(module, owner) if owner else module)[attribute])


def source_of(task, name):
    """(path, first line, text) of a function or a method in the library."""
    function = find(task, name)
    lines, first = inspect.getsourcelines(function)
    return inspect.getsourcefile(function), first, "".join(lines)


# --- variants ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """What a variant of an exercise changes: names {old: new}, Variations by task, results that are swapped
    {function: order of its results}, and the order of the tasks. The exercise itself changes nothing."""

    seed: int | None = None
    names: dict = field(default_factory=dict)
    variations: dict = field(default_factory=dict)
    swapped: dict = field(default_factory=dict)
    order: tuple = ()


@functools.cache
def variant_of(number, seed):
    tasks = EXERCISES[number].tasks
    if seed is None:
        return Variant(order=tuple(tasks))
    chance, names, variations, swapped = Random(f"{number} {seed}"), {}, {}, {}
    for key, task in tasks.items():
        for name, others in task.aliases.items():
            names.setdefault(name, chance.choice(others))
        if task.variations:
            variations[key] = chance.choice(task.variations)
        for name, count in task.swapped.items():
            start = chance.randrange(1, count)
            swapped[name] = tuple((start + place) % count for place in range(count))
    owners = [name.partition(".")[0] for task in tasks.values() for name in task.names[:1]]
    order = list(tasks)
    if len(set(owners)) == len(owners):  # methods of one class stay together
        chance.shuffle(order)
    return Variant(seed, names, variations, swapped, tuple(order))


def docs_of(task, variation, names=()):
    """{function: (text, rules)} of a task, with a variation's rule in its place, and with a variant's names."""
    docs = {name: (doc.text, dict(doc.rules)) for name, doc in task.docs.items()}
    if variation:
        for _, rules in docs.values():
            if variation.key in rules:
                rules[variation.key] = variation.rule
                break
        else:
            rules[variation.key] = variation.rule  # of the last function
    for old in names:
        docs = {
            name: (renamed(text, old, names[old]), {key: renamed(rule, old, names[old]) for key, rule in rules.items()})
            for name, (text, rules) in docs.items()
        }
    return docs


def rule_of(task, key, variation=None):
    """The sentence of the stub, or of all stubs, that stands under a key."""
    rules = {key: rule for _, rules in docs_of(task, variation).values() for key, rule in rules.items()}
    return (COMMON | rules)[key]


# --- files ------------------------------------------------------------------------------------------------------------


def write(number, solved=False, seed=None):
    """The text of an exercise's file; with ``solved``, with the library's bodies and all that they import."""
    exercise, variant = EXERCISES[number], variant_of(number, seed)
    pieces, owner_before = [], ""
    for key in variant.order:
        task = exercise.tasks[key]
        docs = docs_of(task, variant.variations.get(key), variant.names)
        for place, name in enumerate(task.names):
            owner, _, attribute = name.rpartition(".")
            text = source_of(task, name)[2]
            if not solved:
                body = task.begin.get(name, f'raise NotImplementedError("exercise {key} is not written")')
                text = _stub(text, docs.get(name) or docs.get(attribute), body, variant.swapped.get(name))
            indent, worth = "    " if owner else "", f"{task.points} point{'s' * (task.points > 1)}"
            comment = f"{indent}# {key}, {worth}\n" if place == 0 else ""
            if owner and owner == owner_before:
                pieces[-1] += f"\n{comment}{text}"
            elif owner:
                pieces.append(_class_header(task, owner, None if solved else docs.get(owner)) + comment + text)
            else:
                pieces.append(comment + text)
            owner_before = owner
    body = "\n\n".join(pieces)
    if solved:
        for variation in variant.variations.values():
            for old, new in variation.changes:
                if old not in body:
                    raise ValueError(f"exercise {number}: a variation finds no {old!r}")
                body = body.replace(old, new)
    text = "\n\n".join([_introduction(number, exercise, seed, solved), body])
    for old, new in variant.names.items():
        text = renamed(text, old, new)
    return text + (_swaps(variant) if solved else "")


def renamed(text, old, new):
    """The text with a function or class under another name."""
    return re.sub(rf"(?<![\w.'\"]){old}\b", new, text)


def _introduction(number, exercise, seed, solved):
    common = "\n".join(
        textwrap.fill(rule, WIDTH, initial_indent="- ", subsequent_indent="  ") for rule in COMMON.values()
    )
    which = "" if seed is None else f"\n\nVariant {seed}."
    what = REPAIR if exercise.repairs else WRITE
    return f'''"""Exercise {number}: {exercise.title}. {exercise.points} points.{which}

{textwrap.fill(what, WIDTH + 4)}

    python -m lessons.exercises check ex{number:02d}.py

tries each task by itself, with the library in place of the others, on small arrays. Helpers of yours, NumPy, SciPy and
Python's own modules for mathematics may be used; the library's own answers may not. What your code prints is not shown.
For every function:

{common}

Where a number is compared, it need only be right to rounding, unless a docstring says otherwise.
"""

{imports(exercise) if solved else exercise.gives.strip()}
'''


def _stub(text, doc, body, order=None):
    """A function's source with the docstring that says what is asked, and with another body."""
    lines, (function,) = text.splitlines(), ast.parse(textwrap.dedent(text)).body
    first = function.body[0]
    head = lines[: first.lineno - 1]
    documented = ast.get_docstring(function) is not None
    if doc is None and documented:
        quoted = lines[first.lineno - 1 : first.end_lineno]
    elif doc is None:
        quoted = []
    else:
        indent = " " * (len(lines[0]) - len(lines[0].lstrip()) + 4)
        quoted = _docstring(doc, indent, order)
    indent = " " * (len(lines[0]) - len(lines[0].lstrip()) + 4)
    return "\n".join([*head, *quoted, textwrap.indent(textwrap.dedent(body).strip(), indent)]) + "\n"


def _docstring(doc, indent, order=None):
    """The lines of a docstring: text, then a line for each rule."""
    text, rules = doc
    paragraphs = inspect.cleandoc(text).split("\n\n")
    wrapped = [
        part if "\n    " in f"\n{part}" else textwrap.fill(" ".join(part.split()), WIDTH - len(indent))
        for part in paragraphs
    ]
    listed = list(rules.values())
    if order:
        places = "the first", "the second", "the third", "the fourth"
        listed.append(
            "In this variant the results come in another order: "
            + ", ".join(f"{places[place]} of those named above" for place in order)
            + "."
        )
    bullets = [textwrap.fill(rule, WIDTH - len(indent), initial_indent="- ", subsequent_indent="  ") for rule in listed]
    content = "\n\n".join([*wrapped, *(["\n".join(bullets)] if bullets else [])])
    quote = 'r"""' if "\\" in content else '"""'
    lines = f"{quote}{content}".splitlines()
    if len(lines) == 1:
        lines[0] += '"""'
    else:
        lines.append('"""')
    return [f"{indent}{line}" if line else "" for line in lines]


def _class_header(task, owner, doc=None):
    """``class Name(module.Name):`` with the class's docstring."""
    cls = getattr(import_module(task.module), owner)
    text = inspect.getsource(cls)
    if doc is not None:
        lines = _docstring(doc, "    ")
    else:
        docstring = ast.parse(text).body[0].body[0]
        lines = text.splitlines()[docstring.lineno - 1 : docstring.end_lineno]
    return f"class {owner}({task.module.rpartition('.')[2]}.{owner}):\n" + "\n".join(lines) + "\n\n"


def _swaps(variant):
    """Lines that let functions return their results in a variant's order."""
    lines = []
    for name, order in variant.swapped.items():
        new = variant.names.get(name, name)
        lines += ["", f"_standard_{new} = {new}", "", "", f"def {new}(*args, **kwargs):"]
        lines += [f"    results = _standard_{new}(*args, **kwargs)"]
        lines += [f"    return {', '.join(f'results[{place}]' for place in order)}", ""]
    return "\n".join(lines)


# --- what a file needs to import --------------------------------------------------------------------------------------


@functools.cache
def _imports(number):
    exercise = EXERCISES[number]
    own = {name.partition(".")[0] for task in exercise.tasks.values() for name in task.names}
    plain, named = {"import numpy as np"}, {}
    for task in exercise.tasks.values():
        module = import_module(task.module)
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


def imports(exercise):
    """The lines that import what the solution uses of other code."""
    return _imports(next(number for number, each in EXERCISES.items() if each is exercise))


def _globals(text):
    """Names that a function reads."""
    tree = ast.parse(textwrap.dedent(text))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
