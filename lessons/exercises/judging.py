"""Compare what an answer gave with what the solution gives, and say of a wrong one where, and why if that is known."""

import functools
import threading
import warnings

import msgspec
import numpy as np

from lessons.exercises import modules, outcome, reading, stubs
from lessons.exercises.differences import SMALL, difference, same, written
from lessons.exercises.task import COMMON
from lessons.exercises.tasks import EXERCISES

LOCK = threading.RLock()  # modules, warnings and the double of CuPy are the whole process's


class Result(msgspec.Struct):
    """What a task has earned. state is "right", "partly right", "wrong", "not written yet", "not repaired
    yet" or "not tested"."""

    points: int
    state: str
    lines: list[str] = []


# --- what is expected, and what mistakes give -------------------------------------------------------------------------


def _outcomes(module, cases, file):
    with LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return tuple(outcome.outcome_of(case.run, module, file) for case in cases)


@functools.cache
def expected(number, key, seed=None):
    """The solution's outcome of each case."""
    with LOCK:
        outcomes = _outcomes(modules.solution(number, seed), EXERCISES[number].tasks[key].cases, "<solution>")
    broken = [(case.name, each.error, each.said) for case, each in zip(_cases(number, key), outcomes, strict=True)
              if each.error]  # fmt: skip
    if broken:
        raise RuntimeError(f"the solution of {key} fails: {broken[0]}")
    return outcomes


@functools.cache
def mistaken(number, key, place, seed=None):
    """The outcomes that the mistake at this place of the task's list gives, or None."""
    with LOCK:
        module = modules.with_mistake(number, key, place, seed)
        return module and _outcomes(module, _cases(number, key), "<mistake>")


def _cases(number, key):
    return EXERCISES[number].tasks[key].cases


# --- one case ---------------------------------------------------------------------------------------------------------


def differs(case, right, given):
    """(sentence, key of the rule that is broken) on how the outcome of a case differs from the solution's, or None."""
    for name, value in right.values.items():
        found = given.values.get(name)
        if case.holds and name not in case.compared:
            problem = _unlike(name, value, found)
        else:
            problem = difference(name, value, found, case.tolerance)
        if problem:
            return problem, broken_rule(case, name, problem)
    if case.holds:
        with LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            holds = case.holds({name: value.array for name, value in given.values.items() if value.dtype})
        for sentence, true in holds.items():
            if not np.all(true):
                return f"this does not hold: {sentence}", case.rule
    return None


def broken_rule(case, name, problem=""):
    """The key of the rule that a wrong result of this name breaks, "" if it cannot be told."""
    if name.endswith("as it was"):
        return "unchanged"
    if name.endswith("of a second call"):
        return "again"
    of_type = ": expected float" in problem and ", got float" in problem
    if ": expected shape" in problem or of_type != (case.rule == "dtype"):
        return ""
    return case.rule


def _unlike(name, right, given):
    """How a value that chance decides is of another shape or type, or None."""
    if given is None or not given.dtype or right.array.shape != given.array.shape:
        return difference(name, right, given, 0)
    blank = outcome.value_of(np.zeros_like(given.array))
    zero = outcome.value_of(np.zeros_like(right.array))
    return difference(name, zero, blank, 0)


def _alike(case, one, other):
    """Whether two outcomes are the same: values, or errors."""
    if one.error or other.error or one.refused:
        return bool(one.error) and (one.error, one.said) == (other.error, other.said) and not one.refused
    if one.values.keys() != other.values.keys():
        return False
    for name, a in one.values.items():
        b = other.values[name]
        if bool(a.dtype) != bool(b.dtype) or (a.shape, a.text) != (b.shape, b.text):
            return False
        if a.dtype and a.dtype != b.dtype and not (a.python or b.python):
            return False
        if a.dtype and not same(a.array, b.array, max(case.tolerance, 1e-6)):
            return False
    return True


def _telling(case, right, given):
    """Whether the wrong numbers of an outcome are so many that another's being the same is no chance."""
    if given.error or case.holds or case.rule in COMMON:
        return False
    count = 0
    for name, value in given.values.items():
        expected = right.values.get(name)
        if (
            value.dtype
            and expected is not None
            and value.shape == expected.shape
            and broken_rule(case, name) == case.rule
        ):
            wrong = ~np.isclose(value.array, expected.array, rtol=1e-6, atol=0, equal_nan=True) & (value.array != 0)
            count += len(np.unique(value.array[wrong]))
    return count >= 3


# --- one task ---------------------------------------------------------------------------------------------------------


def judge(answers, key, ready, outcomes, broken=None):
    """The ``Result`` of a task of some ``Answers``.

    ready and outcomes are what ``worker.py`` sent; broken says why it sent no more, if so.
    """
    result = _judged(answers, key, ready, outcomes, broken)
    names = stubs.variant_of(answers.number, answers.variant).names
    for old, new in names.items():
        result.lines = [stubs.renamed(line, old, new) for line in result.lines]
    result.lines = [reading.visible(line) for line in result.lines]
    return result


def import_failure(answers, ready):
    """What went wrong while a file was imported, if anything did."""
    if ready.error:
        return f"the file cannot be imported: {answers.place(ready.line)}: {ready.error}: {ready.said}"
    if ready.failed:
        line, said = ready.failed[0]
        return f"while the file was imported: {said if said.startswith('line ') else f'{answers.place(line)}: {said}'}"
    return ""


def _judged(answers, key, ready, outcomes, broken):
    task = EXERCISES[answers.number].tasks[key]
    if ready is None:
        return Result(0, "not tested", [broken or "the file could not be imported"])
    if ready.error:
        return Result(0, "not tested", [import_failure(answers, ready)])
    if ready.refused:
        return Result(0, "wrong", [f"refused: {ready.refused}"])
    notes = []
    if ready.missing:
        names = ", ".join(ready.missing)
        verb = "is" if len(ready.missing) == 1 else "are"
        notes.append(f"{names} {verb} not in the file: names must stay as they are")
    if ready.missing and not outcomes:
        return Result(0, "wrong", notes)
    failing = {}  # case: (sentence, key of a rule or ""), or None where nothing is written
    for case, right, given in zip(task.cases, expected(answers.number, key, answers.variant), outcomes, strict=False):
        if given.error == "NotImplementedError" and "is not written" in given.said:
            failing[case] = None
        elif problem := _problem(answers, case, right, given):
            failing[case] = problem
    if len(outcomes) < len(task.cases):
        failing[task.cases[len(outcomes)]] = broken or "the answer ended the check", ""
    usual = {new: old for old, new in stubs.variant_of(answers.number, answers.variant).names.items()}
    absent = {usual.get(name, name).rpartition(".")[2] for name in ready.missing}
    result = _sum_up(answers, key, task, failing, outcomes, absent)
    result.lines = notes + result.lines
    return result


def _problem(answers, case, right, given):
    """(sentence, key of the rule that is broken, or "") on what is wrong with an outcome, or None."""
    if given.refused:
        return f"refused: {given.refused}", ""
    if given.error:
        said = f"{given.error}: {given.said}".strip().rstrip(":")
        if given.line:
            return f"{answers.place(given.line)}: {said}", "" if case.rule in COMMON else case.rule
        return f"it cannot be called so ({said})", ""
    try:
        return differs(case, right, given)
    except Exception as error:  # of the grader's own, which no student is to be told as theirs
        return f"what it returns cannot be read as its docstring says ({type(error).__name__})", case.rule


def _sum_up(answers, key, task, failing, outcomes, absent):
    parts = task.parts if isinstance(task.parts, dict) else {"": task.parts}
    missing = {part for part in parts if part.rpartition(".")[2] in absent}
    wrong = {case.part for case in failing} | missing
    if "" in wrong:  # a case that all parts depend on
        wrong = set(parts)
    points = sum(value for part, value in parts.items() if part not in wrong)
    if not wrong:
        return Result(points, "right")
    said = {case: problem for case, problem in failing.items() if problem and case.part not in missing}
    each = ", ".join(f"{part} {0 if part in wrong else value} of {value}" for part, value in parts.items())
    earned = [f"Points: {each}"] if points else []
    if not said or modules.unchanged(answers.text, answers.number, key, answers.variant):
        untouched = "not repaired yet" if task.begin else "not written yet"
        return Result(points, "partly right" if points else untouched, earned)
    lines = _remark(answers, key, task, said, outcomes)
    return Result(points, "partly right" if points else "wrong", lines + earned)


def _remark(answers, key, task, said, outcomes):
    """The first case that fails, the mistake that gives the same numbers if there is one, and the rule it breaks."""
    case, (problem, broken) = next(iter(said.items()))
    if problem.startswith("refused"):
        return [f"{case.name}: {problem}"]
    lines = [f"{case.name}: {problem}"]
    if shown := _shown(case, ": expected float" in problem):
        lines.append(shown)
    if name := _named(answers, key, task, case, outcomes):
        lines.append(name)
        broken = ""  # the mistake says what is broken
    rules = {rule for each, (_, rule) in said.items() if each.rule not in COMMON} - COMMON.keys()
    # where cases on several rules fail, none of them tells more than another
    if broken and (broken in COMMON or rules == {broken}):
        rule = stubs.rule_of(task, broken, stubs.variant_of(answers.number, answers.variant).variations.get(key))
        lines.append(f"What is asked: {rule}")
    if len(said) > 1:
        lines.append(f"({len(said)} of {len(task.cases)} checks fail; this is the first)")
    return lines


def _shown(case, typed):
    """The arguments of a case, small arrays whole; their types where they matter."""
    pieces, given = [], case.shown()
    types = {str(value.dtype) for value in given.values() if isinstance(value, np.ndarray)}
    typed = typed or bool(types - {"float64", "int64", "bool"})
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            shown = written(value) if value.size <= SMALL else f" an array of shape {value.shape}"
            pieces.append(f"{name}{shown}{f' ({value.dtype})' if typed else ''}")
        elif isinstance(value, (int, float, str, bool, tuple, type(None))):
            pieces.append(f"{name} = {value!r}")
    return "with " + ", ".join(pieces) if pieces else ""


def _named(answers, key, task, first, outcomes):
    """A sentence on the mistake that gives what this answer gives: in all cases; or, of several numbers, in the first
    that fails. "" if none does."""
    if first.holds or len(outcomes) < len(task.cases):
        return ""
    rights, at, partly = expected(answers.number, key, answers.variant), task.cases.index(first), ""
    telling = _telling(first, rights[at], outcomes[at])
    if answers.variant is not None:
        usual = expected(answers.number, key)
        if all(_alike(*each) for each in zip(task.cases, outcomes, usual, strict=True)):
            return "This is what the exercise asks for when it is not this variant."
    for place, mistake in enumerate(task.mistakes):
        theirs = mistaken(answers.number, key, place, answers.variant)
        if (
            theirs is None
            or not _alike(first, outcomes[at], theirs[at])
            or not _problem(answers, first, rights[at], theirs[at])
        ):
            continue
        if all(_alike(*each) for each in zip(task.cases, outcomes, theirs, strict=True)):
            return f"A known mistake gives this very result: {mistake.said}."
        if telling and not partly:
            partly = f"On this input a known mistake gives the same: {mistake.said}."
    return partly
