"""Report 000 (2020), whole: contrastive, BCE and triplet losses on pairs and triplets of MNIST and CIFAR-10.

    python -m minisiamese.experiments mnist
    python -m minisiamese.experiments cifar10

``runs.py`` says what is trained and how, ``measuring.py`` on what it is tested, ``tables.py`` and ``pictures.py`` how
it is shown; ``__main__.py`` carries it all out.
"""
