"""The tasks of the exercises prove themselves: the library solves them, right answers in other words pass, no empty
function does, every planted mistake is found, every rule is checked and every check is a rule."""

from importlib import import_module
from pathlib import Path

import pytest

from lessons.exercises import judging, modules, reading, stubs, words, worker
from lessons.exercises.task import COMMON
from lessons.exercises.tasks import EXERCISES

KEYS = [key for exercise in EXERCISES.values() for key in exercise.tasks]
SEEDS = 1, 2, 3  # of variants


def number_of(key):
    return int(key.partition(".")[0])


def answers_to(key):
    """Right answers in other words."""
    return import_module(f"answers.ex{number_of(key):02d}").ANSWERS.get(key, [])


def judged(text, key, seed=None):
    """The ``Result`` of a task of a file with this text, in this process."""
    number = number_of(key)
    answers = reading.Answers(Path("answer"), number, seed, "", text)
    job = worker.Job(text, number, key, seed, 0, 0, "")
    module, ready = worker.load(job)
    if module is None:
        return judging.judge(answers, key, ready, [])
    outcomes = [worker.tried(case, module) for case in EXERCISES[number].tasks[key].cases]
    return judging.judge(answers, key, ready, outcomes)


def untouched(task):
    return "not repaired yet" if task.begin else "not written yet"


@pytest.mark.parametrize("key", KEYS)
def test_the_library_and_other_right_answers_pass_and_an_empty_function_does_not(key):
    number, task = number_of(key), EXERCISES[number_of(key)].tasks[key]
    solution = stubs.write(number, solved=True)
    for text in (solution, *(f"{solution}\n{text}" for text in answers_to(key))):
        result = judged(text, key)
        assert (result.state, result.points) == ("right", task.points), "\n".join(result.lines)
    assert len(answers_to(key)) >= 2, "at least two right answers in other words"
    result = judged(stubs.write(number), key)
    assert (result.state, result.points, result.lines) == (untouched(task), 0, [])


@pytest.mark.parametrize("key", KEYS)
def test_every_planted_mistake_is_found_and_named(key):
    """Named by its own sentence, unless a fellow gives the same numbers, or chance decides what comes out."""
    number, task = number_of(key), EXERCISES[number_of(key)].tasks[key]
    solution = stubs.write(number, solved=True)
    assert len(task.mistakes) >= 6
    for mistake in task.mistakes:
        text = modules.planted(solution, key, mistake)
        assert text is not None, f"nothing to plant {mistake.said!r} in"
        result = judged(text, key)
        assert result.state in ("wrong", "partly right") and result.points < task.points, f"passes: {mistake.said}"
        said = " ".join(result.lines)
        assert (
            f"mistake gives this very result: {mistake.said}." in said
            or f"gives the same: {mistake.said}." in said
            or any(case.holds for case in task.cases)
        ), (mistake.said, said)


@pytest.mark.parametrize("key", KEYS)
def test_every_rule_is_checked_and_every_check_is_a_rule(key):
    task = EXERCISES[number_of(key)].tasks[key]
    checked = {case.rule for case in task.cases}
    assert checked <= COMMON.keys() | task.rules.keys(), checked - COMMON.keys() - task.rules.keys()
    assert task.rules.keys() <= checked, f"no case is about {task.rules.keys() - checked}"
    assert {variation.key for variation in task.variations}.isdisjoint(COMMON)
    parts = {case.part for case in task.cases} - {""}
    assert parts == (set(task.parts) if isinstance(task.parts, dict) else set())
    assert max(map(len, stubs.write(number_of(key)).splitlines())) <= 120


@pytest.mark.parametrize("key", KEYS)
def test_there_are_three_hints_and_reasons(key):
    hints, reasons = words.section(key)
    assert len(hints) == words.HINTS and all(hints) and len(reasons) > 100


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("key", KEYS)
def test_a_variant_is_solved_by_its_own_solution_and_by_no_other(key, seed):
    number, task = number_of(key), EXERCISES[number_of(key)].tasks[key]
    solution = stubs.write(number, solved=True, seed=seed)
    assert f"\nVariant {seed}.\n" in solution  # a file says which variant it is
    result = judged(solution, key, seed)
    assert (result.state, result.points) == ("right", task.points), "\n".join(result.lines)
    assert judged(stubs.write(number, seed=seed), key, seed).state == untouched(task)
    assert judged(stubs.write(number, solved=True), key, seed).state == "wrong"
    renamed = stubs.write(number, solved=True)  # last year's file with this year's names
    for old, new in stubs.variant_of(number, seed).names.items():
        renamed = stubs.renamed(renamed, old, new)
    if task.variations or set(task.swapped):
        assert judged(renamed, key, seed).state in ("wrong", "partly right")
