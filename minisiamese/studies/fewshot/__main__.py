"""N-way K-shot studies of trained networks: heat maps, voting and layer removal (report 001).

    python -m minisiamese.studies.fewshot RUN
    python -m minisiamese.studies.fewshot RUN RUN RUN --study votes

``work.py`` has the studies.
"""

import json

from minisiamese import checkpoint
from minisiamese.backend import check_device
from minisiamese.commands.doors import front_door, parse
from minisiamese.errors import BadInput
from minisiamese.runs.folder import load_run
from minisiamese.studies.fewshot.settings import FewshotOptions
from minisiamese.studies.fewshot.work import STUDIES, check_same_data
from minisiamese.threads import available_cores, set_threads


def table(result):
    """A study's result as a table for people: accuracies with their 95 % intervals."""
    title = "{way}-way {shot}-shot: {repeats} episodes"
    if result["study"] == "heatmaps":
        title = (
            "means over {cells} cells (up to {way} classes and {shot} support images) of {repeats} episodes each, on\n"
            "{images} images of {classes} classes; the perceptron sees at most {perceptron_components} components"
        )
    of = result["data"] + (f" (--split {result['division']})" if result["division"] != "alphabets" else "")
    lines = [f"{title.format(**result)}; {of}, evaluation split; 95 % intervals over episodes"]
    names = list(next(iter(result["figures"].values())))
    width = max(map(len, result["figures"]))
    lines.append(" " * width + "".join(f"{name:>26}" for name in names))
    for row, figures in result["figures"].items():
        cells = ("{:.1%} ({:.1%} .. {:.1%})".format(each["accuracy"], *each["interval"]) for each in figures.values())
        lines.append(f"{row:<{width}}" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


def main():
    options = parse(FewshotOptions, "python -m minisiamese.studies.fewshot")
    options.check()
    out = options.out_folder()
    check_device(options.device)
    set_threads(options.threads or available_cores())
    runs = {str(path): load_run(path, options.device) for path in options.runs}
    check_same_data(options, runs)
    trained = next(iter(runs.values()))[1]
    result = {"study": options.study, "data": trained.data.name, "division": trained.data.split}
    result |= {"repeats": options.repeats, "seed": options.seed}
    try:
        out.mkdir(parents=True, exist_ok=True)
        result |= STUDIES[options.study](options, runs, out)
        checkpoint.save_json(out / f"{options.study}.json", result)
    except OSError as error:
        raise BadInput(f"--out: cannot write {out} ({error.strerror or error})") from None
    print(
        json.dumps(checkpoint.seal(result))
        if options.json
        else f"{table(result)}\nfigures and {options.study}.json are in {out}"
    )


if __name__ == "__main__":
    front_door(main)
