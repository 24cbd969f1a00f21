"""What a search found so far, in its folder: a recipe, a table of the trials, and Optuna's pictures of them."""

import json
import warnings

import matplotlib.pyplot as plt

from minisiamese import checkpoint
from minisiamese.studies.search.settings import recipe_with, suggested
from minisiamese.studies.search.work import optuna

DRAWN = 8  # settings in a picture: those that matter most


def best_of(study):
    """The best trial that was trained to its end; None if there is none, or none learned anything."""
    trials = [each for each in study.get_trials(deepcopy=False) if each.state.name == "COMPLETE" and each.value > 0]
    return max(trials, key=lambda each: each.value, default=None)


def found_by(trial, options):
    """{flat key: value}, the settings of a trial."""
    return suggested(optuna().trial.FixedTrial(trial.params), options)


def write(study, options):
    """Write trials.json and, once a trial is done, recipe.json; once several are, history.png, parallel.png and
    importance.png."""
    done = [each for each in study.get_trials(deepcopy=False) if each.state.name in ("COMPLETE", "PRUNED")]
    trials = [
        {
            "number": each.number,
            "state": each.state.name.lower(),
            "accuracy": each.value,
            "validations": {str(step): value for step, value in each.intermediate_values.items()},
            "settings": found_by(each, options),
        }
        for each in done
    ]
    checkpoint.save_json(options.out / "trials.json", {"trials": trials})
    best = best_of(study)
    if best is None:
        return
    recipe = json.dumps(recipe_with(options, found_by(best, options)), indent=1)
    checkpoint.save_text(options.out / "recipe.json", f"{recipe}\n")
    if sum(each["state"] == "complete" for each in trials) > 1:
        pictures(study, options)


def pictures(study, options):
    """Optuna's pictures, in the folder."""
    draw = optuna().visualization.matplotlib
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        important = list(optuna().importance.get_param_importances(study))[:DRAWN]
        drawn = {
            "history": draw.plot_optimization_history(study, target_name="one-shot accuracy"),
            "importance": draw.plot_param_importances(study, params=important),
            "parallel": draw.plot_parallel_coordinate(study, params=important, target_name="one-shot accuracy"),
        }
    for name, axes in drawn.items():
        figure = axes.figure
        checkpoint.write(
            options.out / f"{name}.png", lambda file, figure=figure: figure.savefig(file, dpi=110, bbox_inches="tight")
        )
        plt.close(figure)
