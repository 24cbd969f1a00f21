"""Learning to learn from few images without autograd: MAML, first-order MAML and Reptile (report 001).

    python -m minisiamese.studies.maml omniglot --way 20

``gradients.py`` has the mathematics, ``learning.py`` the tasks, the training and its test, ``settings.py`` the options,
``pictures.py`` the figure, and ``__main__.py`` is the front door.
"""
