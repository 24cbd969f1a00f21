"""How well few examples teach unseen classes, on the features of trained networks (report 001).

    python -m minisiamese.studies.fewshot RUN

``settings.py`` has the options; ``classifiers.py`` learns from few examples, ``features.py`` has their features,
``work.py`` the three studies, ``pictures.py`` the figures, and ``__main__.py`` is the front door.
"""
