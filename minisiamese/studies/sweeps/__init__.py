"""Sweeps of report 001: one setting of a short training at a time, over some values and several seeds.

    python -m minisiamese.studies.sweeps omniglot

``settings.py`` has the sweeps; ``trainings.py`` makes and measures the trainings; ``pictures.py`` has the tables
and the picture of the results; ``__main__.py`` is the front door.
"""
