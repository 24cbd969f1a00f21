"""Sweeps of report 001: one setting of a short training at a time, over some values and several seeds.

    python -m minisiamese.sweeps omniglot

``__main__.py`` trains and measures, ``pictures.py`` says and draws what came out.
"""
