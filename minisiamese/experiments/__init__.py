"""Report 000 (2020), whole: contrastive, BCE and triplet losses on pairs and triplets of MNIST and CIFAR-10.

    python -m minisiamese.experiments mnist
    python -m minisiamese.experiments cifar10

``runs.py`` says what is trained and how, ``sources.py`` on what, ``learner.py`` how it can be stopped, ``measuring.py``
what it is tested on, ``tables.py`` and ``pictures.py`` how it is shown; ``grid.py`` carries out all of it, several at
once, for ``__main__.py``.
"""
