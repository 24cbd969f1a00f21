"""Report 000 (2020), whole: contrastive, BCE and triplet losses on pairs and triplets of MNIST and CIFAR-10.

    python -m minisiamese.studies.report000 mnist
    python -m minisiamese.studies.report000 cifar10

``settings.py`` has the networks to train and how long; ``classifiers.py``, ``pretraining.py`` and ``runs.py`` train
them, on images of ``sources.py`` and triplets of ``offline.py``; ``measuring.py`` tests them. ``task.py`` and
``grid.py`` carry out all trainings, several at once; ``tables.py`` and ``pictures.py`` show the results;
``__main__.py`` is the front door.
"""
