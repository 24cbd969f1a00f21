"""Exercises beside the lessons: empty functions to fill, and what tells at once whether they are right.

    python -m lessons.exercises start 3
    python -m lessons.exercises check ex03.py
    python -m lessons.exercises hint 3.2
    python -m lessons.exercises solution 3.2

The library is the solution. ``tasks/`` says what of it is asked for, and how an answer is tried; ``stubs.py`` writes
files without the bodies; ``worker.py`` calls an answer, in a process of its own, and ``judging.py`` compares what comes
out with what the solution gives, and with what known mistakes give.
"""
