"""Exercises beside the lessons: empty functions to fill, and what tells at once whether they are right.

    python -m lessons.exercises start 3
    python -m lessons.exercises check ex03.py
    python -m lessons.exercises solution 3.2

The library is the solution. ``table.py`` says which of its functions are asked for, ``stubs.py`` writes them without
their bodies, ``worker.py`` lets the library's own tests run on the answers, ``probes.py`` and ``differences.py`` say
where an answer differs, ``grading.py`` starts the worker and sets its limits.
"""
