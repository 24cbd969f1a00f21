"""What of an answer is not run.

An answer may import what its stubs import, NumPy, SciPy and a few modules of Python. What it imports or uses besides
(the library's own answers, files, ``eval``) is replaced by something that complains once it is used; so it costs the
tasks that need it, and no others.
"""

import ast
import builtins

from lessons.exercises import stubs
from lessons.exercises.outcome import RefusedUse
from lessons.exercises.tasks import EXERCISES

LIBRARIES = {"numpy", "scipy", "matplotlib", "math", "cmath", "itertools", "functools", "operator", "collections"}
LIBRARIES |= {"dataclasses", "typing", "types", "abc", "enum", "numbers", "fractions", "statistics", "bisect", "heapq"}
LIBRARIES |= {"string", "__future__", "time", "copy", "warnings", "random", "contextlib", "minisiamese.gradcheck"}
LIBRARIES |= {"decimal", "re", "pprint", "timeit", "array", "textwrap"}
REFUSED = {"eval", "exec", "compile", "open", "__import__", "globals", "locals", "vars", "input", "breakpoint"}
HARMLESS = {"input", "vars", "compile", "locals"}  # of these, if a file gives the name to something of its own
ATTRIBUTES = {"sys", "os", "modules", "importlib", "inspect", "builtins", "ctypes", "ctypeslib", "f2py"}
ATTRIBUTES |= {"attrgetter", "methodcaller"}
HIDDEN = {"__base__", "__bases__", "__mro__", "__subclasses__", "__dict__", "__globals__", "__code__", "__closure__"}
HIDDEN |= {"__builtins__", "__import__", "__loader__", "__spec__", "__getattribute__", "__reduce__", "__reduce_ex__"}
HIDDEN |= {"__func__", "__self__", "__wrapped__", "__module__", "__file__", "__path__", "__main__"}


def names():
    """{name: value} of what a file of answers finds besides what it defines."""
    return {"_refuse": refuse, "_Refused": Refused, "getattr": _getattr, "display": lambda *args, **kwargs: None}


def _getattr(value, name, *default):
    """``getattr``, without what an answer may not name."""
    if name in HIDDEN:
        refuse(f"it uses {name}, which no exercise needs")
    return builtins.getattr(value, name, *default)


USES = []  # what was refused since somebody looked


def refuse(what):
    """Complain of a use, whoever catches the complaint."""
    USES.append(what)
    raise RefusedUse(what)


class Refused:
    """Stands for what may not be imported, and for all that is in it; complains once it is called, or made a value."""

    def __init__(self, what):
        self.what = what

    def __call__(self, *args, **kwargs):
        refuse(self.what)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        USES.append(self.what)
        return Refused(self.what)

    def __mro_entries__(self, bases):
        what = self.what
        return (type("Refused", (), {"__init__": lambda self, *args, **kwargs: refuse(what)}),)


def allowed(text, number):
    """The syntax tree of a file, with all that it may not use replaced; SyntaxError if it is no Python."""
    tree = ast.parse(text)
    rules = _Rules(tree, number)
    return ast.fix_missing_locations(rules.visit(tree))


class _Rules(ast.NodeTransformer):
    def __init__(self, tree, number):
        exercise = EXERCISES[number]
        self.number = number
        self.given = set(_imported(ast.parse(exercise.gives))) | set(_imported(ast.parse(stubs.imports(exercise))))
        self.asked = {part for task in exercise.tasks.values() for name in task.names for part in name.split(".")}
        self.answered = {task.module for task in exercise.tasks.values()}
        self.modules, self.plain = set(), set()  # this file's names of these modules; nodes that may name them
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                known = [alias for alias in node.names if f"{node.module}.{alias.name}" in self.answered]
                self.modules |= {alias.asname or alias.name for alias in known}
            self.plain |= {id(part) for each in _not_run(node) for part in ast.walk(each)}
        bound = _bound(tree)
        self.modules -= bound
        self.refused = REFUSED - (HARMLESS & bound)
        stored = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
                  and isinstance(node.ctx, ast.Store)}  # fmt: skip
        self.attributes = (ATTRIBUTES - stored) | HIDDEN

    def visit_Import(self, node):
        return [self._import(node, alias) for alias in node.names]

    visit_ImportFrom = visit_Import

    def _import(self, node, alias):
        """The import of one name, or what stands for it."""
        of = isinstance(node, ast.ImportFrom)
        module = ("." * node.level + (node.module or "")) if of else alias.name
        name = alias.name if of else None
        free = any(f"{module}.".startswith(f"{each}.") for each in LIBRARIES)
        given = (module, name) in self.given or (module, name) == ("minisiamese", "gradcheck")
        if (free or given) and name not in REFUSED | ATTRIBUTES and name not in HIDDEN and module not in HIDDEN:
            kept = type(node)(**{**vars(node), "names": [alias]})
            return ast.copy_location(kept, node)
        what = f"not among what exercise {self.number} needs"
        if module.startswith("minisiamese") and (name in self.asked or name in ("*", None)):
            what = "the library's own answer"
        full = module if name is None else f"{module}.{name}"
        said = f"line {node.lineno} imports {full}, which is {what}"
        bound = alias.asname or (name or module.partition(".")[0])
        if name == "*":
            return ast.copy_location(ast.Expr(self._complaint(node, said)), node)
        target = ast.Name(bound, ast.Store())
        return ast.copy_location(ast.Assign([target], self._call("_Refused", said)), node)

    def visit_Name(self, node):
        if id(node) not in self.plain and isinstance(node.ctx, ast.Load):
            if node.id in self.modules:
                said = f"line {node.lineno} uses the library's own {node.id}, which is there to make classes from"
                return self._complaint(node, said)
            if node.id in self.refused:
                return self._complaint(node, f"line {node.lineno} uses {node.id}, which no exercise needs")
        return node

    def visit_Attribute(self, node):
        call = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(node.ctx, ast.Load) and node.attr in self.attributes:
            return self._complaint(node, f"line {node.lineno} uses {node.attr}, which no exercise needs")
        if isinstance(call, ast.Name) and call.id == "super" and node.attr in self.asked:
            return self._complaint(node, f"line {node.lineno} calls the library's own {node.attr}")
        return self.generic_visit(node)

    def _complaint(self, node, said):
        return ast.copy_location(self._call("_refuse", said), node)

    @staticmethod
    def _call(function, said):
        return ast.Call(ast.Name(function, ast.Load()), [ast.Constant(said)], [])


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
    stored |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _imported(tree):
    """(module, name or None) of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)
