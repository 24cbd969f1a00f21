"""Learning to learn from few images without autograd: MAML, first-order MAML and Reptile (report 001).

    python -m minisiamese.maml omniglot --way 20

``gradients.py`` has the mathematics, ``learning.py`` the tasks, the training and its test, ``__main__.py`` the
settings.
"""
