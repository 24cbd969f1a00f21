"""Modules made of an answer, of the solution, and of the solution with a mistake in it, that a case can call alike."""

import ast
import functools
import re
import textwrap
from types import ModuleType

from lessons.exercises import stubs
from lessons.exercises.tasks import EXERCISES


def module_of(code, file):
    """The module that compiled lines make."""
    module = ModuleType("answer")
    module.__file__ = file
    exec(code, vars(module))
    return module


def lend(module, number, key, seed):
    """Let all that belongs to other tasks be the solution's, by its usual name and by a variant's."""
    tasks, names = EXERCISES[number].tasks, stubs.variant_of(number, seed).names
    own = {name.partition(".")[0] for name in tasks[key].names}
    for name in {name.partition(".")[0] for task in tasks.values() for name in task.names} - own:
        value = getattr(solution(number, seed), name)
        setattr(module, name, value)
        setattr(module, names.get(name, name), value)
    return module


def fill(module, number, key, seed):
    """``lend``, and give a variant's functions the names and the order of results that the cases know them by."""
    lend(module, number, key, seed)
    variant = stubs.variant_of(number, seed)
    for name in {name.partition(".")[0] for name in EXERCISES[number].tasks[key].names}:
        value = getattr(module, variant.names.get(name, name), None)
        if value is not None:
            setattr(module, name, _ordered(value, variant.swapped[name]) if name in variant.swapped else value)
    return module


def _ordered(function, order):
    """The function with its results in the order that cases know."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        results = function(*args, **kwargs)
        if not isinstance(results, (tuple, list)) or len(results) != len(order):
            return results
        return tuple(results[order.index(place)] for place in range(len(order)))

    return call


def missing(module, number, key, seed):
    """Names of a task's functions that are not in a module, or are no functions."""
    variant, lacking = stubs.variant_of(number, seed), []
    for name in EXERCISES[number].tasks[key].names:
        owner, _, attribute = name.rpartition(".")
        shown = ".".join(filter(None, (variant.names.get(owner, owner), variant.names.get(attribute, attribute))))
        holder = getattr(module, variant.names.get(owner, owner), None) if owner else module
        holders = holder.__mro__ if isinstance(holder, type) else [holder] if holder is module else []
        own = [each for each in holders if each is module or each.__module__ == module.__name__]  # not the library's
        if not any(callable(vars(each).get(shown.rpartition(".")[2])) for each in own):
            lacking.append(shown)
    return lacking


# --- the solution, and mistakes ---------------------------------------------------------------------------------------


@functools.cache
def solution(number, seed):
    """The solution of a variant under the names, and with the order of results, of the exercise itself."""
    return module_of(compile(_text(number, seed), f"<solution {number}>", "exec"), f"<solution {number}>")


@functools.cache
def _text(number, seed):
    """The solution's lines, with a variant's constants."""
    text = stubs.write(number, solved=True)
    for variation in stubs.variant_of(number, seed).variations.values():
        for old, new in variation.changes:
            text = text.replace(old, new)
    return text


@functools.cache
def with_mistake(number, key, place, seed=None):
    """The solution with a mistake planted into a task's lines; None if there is nothing to plant it in, or if a variant
    has other lines there, which the mistake does not fit."""
    mistake, text = EXERCISES[number].tasks[key].mistakes[place], _text(number, seed)
    if mistake.code and seed is not None and _parts(text, key)[1] != _parts(_text(number, None), key)[1]:
        return None
    text = planted(text, key, mistake)
    try:
        code = text and compile(text, "<mistake>", "exec")
    except SyntaxError:
        if seed is None:
            raise
        return None
    if not code:
        return None
    return lend(module_of(code, "<mistake>"), number, key, seed)


def planted(text, key, mistake):
    """The text of a solution with a mistake in it, or None."""
    if mistake.code:
        return f"{text}\n\n{textwrap.dedent(mistake.code)}\n"
    before, section, rest = _parts(text, key)
    if mistake.old not in section:
        return None
    return before + section.replace(mistake.old, mistake.new, 1) + rest


def _parts(text, key):
    """The text of a solution before a task's lines, these lines, and the rest."""
    before, mark, after = text.partition(f"# {key},")
    end = re.search(r"^ *# \d+\.\d+, \d+ points?$", after, re.M)
    section, rest = (after[: end.start()], after[end.start() :]) if end else (after, "")
    return before + mark, section, rest


def unchanged(text, number, key, seed):
    """Whether an answer's functions of a task are as the stub has them."""
    variant = stubs.variant_of(number, seed)
    wanted = {name.rpartition(".")[2] for name in EXERCISES[number].tasks[key].names}
    wanted = {variant.names.get(name, name) for name in wanted}
    found = _bodies(text, wanted)
    return bool(found) and found == _bodies(stubs.write(number, seed=seed), wanted)


def _bodies(text, wanted):
    """The bodies of functions of these names, as they are parsed."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.name in wanted]
    return [ast.dump(ast.Module(node.body, [])) for node in found]
