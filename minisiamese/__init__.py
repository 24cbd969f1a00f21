"""Siamese networks for one-shot image recognition (Koch, Zemel & Salakhutdinov 2015), from scratch on NumPy or CuPy."""

__version__ = "0.1.0"
