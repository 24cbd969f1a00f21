"""The paper's search for hyperparameters (section 3.2), by Bayesian optimisation with Optuna.

    python -m minisiamese.studies.search omniglot

``settings.py`` has what is searched, and the settings of every trial; ``work.py`` carries trials out, side by side;
``outcome.py`` writes what was found; ``__main__.py`` is the front door.
"""
