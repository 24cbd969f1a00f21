"""Measure a run: Lake's official one-shot test, N-way K-shot trials and verification, each beside its baselines.

    python -m minisiamese.evaluate RUN --protocol lake

``protocols.py`` has the protocols and their options.
"""

import json

from minisiamese.backend import check_device
from minisiamese.checkpoint import seal
from minisiamese.commands.doors import check_counts, front_door, parse
from minisiamese.evaluate.protocols import EvaluateOptions, describe, measure
from minisiamese.runs.folder import check_images, load_run
from minisiamese.runs.rules import VIEWS
from minisiamese.threads import available_cores, set_threads


def main():
    options = parse(EvaluateOptions, "python -m minisiamese.evaluate")
    check_counts(options, seed=0, way=1, shot=1, trials=1, views=(1, VIEWS), threads=1)
    check_device(options.device)
    set_threads(options.threads or available_cores())
    network, trained, meta = load_run(options.run, options.device)
    check_images(trained, meta, options.run, options.data_dir)
    result = measure(options, network, trained)
    print(json.dumps(seal(result)) if options.json else describe(result))


if __name__ == "__main__":
    front_door(main)
