"""The recipes: settings of a run that stand in for the defaults, by name or in a file."""

import json
from pathlib import Path

from minisiamese.checkpoint import typed
from minisiamese.commands.help import either
from minisiamese.errors import BadInput

RECIPES = {
    "best": {},
    # Koch et al., sections 3.2 and 4.1. Rates, momenta and L2 weights of the layers were found by Bayesian optimisation
    # and never published: those here lie in the ranges it searched. Read where the paper is silent: an epoch is one
    # pass over the pairs and their copies, validated at its end; momentum rises by 0.01 an epoch; both drawings of a
    # pair are of one alphabet; alpha starts as the fully connected layer's weights and is decayed as they are.
    "paper": {
        "network": "koch",
        "loss": "bce",
        "init": "paper",
        "split": "paper",
        "frame": "page",
        "turn": False,
        "views": 1,
        "pairs": 30_000,
        "within": 1.0,
        "optimizer": "momentum",
        "lr": (1e-2,),
        "momentum": (0.9,),
        "l2": (1e-4,),
        "schedule": "epoch",
        "patience": 20,
    },
    # Source 003, a worked example in MATLAB: new pairs of any alphabets every step, as they are. It trains on all
    # background alphabets and keeps the last weights; here some are held out to choose by.
    "matlab": {
        "network": "koch",
        "loss": "bce",
        "init": "narrow",
        "batch": 180,
        "within": 0.0,
        "frame": "page",
        "distort": False,
        "turn": False,
        "views": 1,
        "lr": (6e-5,),
        "beta2": 0.99,
        "schedule": "constant",
    },
}
STEPS = {"matlab": 10_000}  # of a training, where neither --steps nor --minutes says; else the data set's


def recipe_of(name, type_of):
    """{flat key: value} of a recipe of ``RECIPES`` or of the JSON file ``name``; BadInput if it is neither.

    ``type_of(key)`` is the type of a setting, KeyError of what is none.
    """
    if name in RECIPES:
        return RECIPES[name]
    if not Path(name).is_file():
        raise BadInput(f"--recipe must be {either([*RECIPES, 'a file of settings'])}, not {name}")
    try:
        return {key: typed(value, type_of(key)) for key, value in json.loads(Path(name).read_bytes()).items()}
    except KeyError as error:
        raise BadInput(f"--recipe {name}: there is no setting {error}") from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BadInput(f"--recipe {name} holds no settings ({error})") from None
