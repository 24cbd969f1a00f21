"""What an exercise is made of: tasks, what their stubs say, the cases that try an answer, and known mistakes.

A case runs twice: in a process of its own on a student's answer, and in the grader's on the solution. Both return
named values, and the grader compares them (``judging.py``). A mistake is a change of the solution's lines; where an
answer gives the numbers that a mistake gives, the mistake is named to the student.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

COMMON = {  # rules of every function that a case may name, beside those of its stub
    "unchanged": "The arguments are not changed, unless a docstring says that they are.",
    "again": "A second call with the same arguments, and an rng in the same state, gives the same.",
    "dtype": "Floats keep their type: float32 that comes in goes out as float32, and float64 as float64. A result that "
    "is a single number may be one of Python's own. Whole numbers are int64 where nothing else is said.",
    "layout": "Arrays may lie in memory in any way: transposed, or a part of a larger one.",
}


@dataclass(frozen=True)
class Doc:
    """The docstring of a function's stub: the text, and the rules by key, each a sentence of its own below it."""

    text: str
    rules: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Something that is asked of an answer.

    run(answer) returns {name: value}, by calls of what is in the module ``answer``. Names of results that are compared
    exactly end in "(exactly)". rule is the key of the sentence of the stub, or of ``COMMON``, that an answer breaks if
    it fails here; part the function of a task of several parts whose points depend on the case.

    Where chance decides, holds(values) says of the values, {name: array}, what must hold all the same:
    {sentence: whether it does}. Then only shapes and types of the values are compared with the solution's, and the
    values of those that are named in ``compared``.
    """

    name: str
    run: Callable
    rule: str
    part: str = ""
    tolerance: float = 1e-9  # of the largest number that is expected
    shown: Callable = dict  # {argument: value}, shown to a student if it is small
    holds: Callable | None = None
    compared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """A mistake to plant into the solution: ``old`` in the task's lines becomes ``new``, or ``code`` takes their place.

    said completes "A known mistake gives this very result: ...".
    """

    said: str
    old: str = ""
    new: str = ""
    code: str = ""


@dataclass(frozen=True)
class Variation:
    """What a variant of the exercise asks for instead: a rule in place of the stub's of this key (or a further one),
    and the changes (old, new) of the solution's lines that make it so, in whatever task of the exercise they stand."""

    key: str
    rule: str
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Task:
    """Functions of one module, or methods as "Class.method".

    of is "module: name name", a module of minisiamese, or of this package where a dot begins it. parts are the points
    by function, or the points of all of it. aliases are the names that a variant may give to functions and classes;
    swapped are the functions whose results a variant returns in another order, and how many results there are. begin
    is the body that a stub begins with, by function, where it does not begin empty: an evaluator to be repaired.
    """

    of: str
    parts: int | dict[str, int]
    docs: dict[str, Doc]
    cases: list[Case]
    mistakes: list[Mistake]
    variations: list[Variation] = field(default_factory=list)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    swapped: dict[str, int] = field(default_factory=dict)
    begin: dict[str, str] = field(default_factory=dict)

    @property
    def module(self):
        name = self.of.partition(":")[0]
        return f"lessons.exercises{name}" if name.startswith(".") else f"minisiamese.{name}"

    @property
    def names(self):
        return tuple(self.of.partition(":")[2].split())

    @property
    def points(self):
        return self.parts if isinstance(self.parts, int) else sum(self.parts.values())

    @property
    def rules(self):
        """{key: sentence} of the stub."""
        return {key: rule for doc in self.docs.values() for key, rule in doc.rules.items()}


@dataclass(frozen=True)
class Exercise:
    """What a lesson asks for: tasks by number, "3.2"; ``gives`` are the imports that its file begins with."""

    title: str
    gives: str
    tasks: dict[str, Task]

    @property
    def points(self):
        return sum(task.points for task in self.tasks.values())

    @property
    def repairs(self):
        """Whether all functions begin with a body, which is to be repaired."""
        return all(task.begin for task in self.tasks.values())
