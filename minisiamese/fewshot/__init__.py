"""What few examples teach about unseen classes, on the features of trained networks (report 001).

    python -m minisiamese.fewshot RUN

``classifiers.py`` learns from few examples, ``features.py`` says what they are described by, ``pictures.py`` draws, and
``__main__.py`` has the studies.
"""
