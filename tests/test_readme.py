"""README's Python example runs as it stands, and its layout is what is there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minisiamese.bench.__main__ import BenchOptions
from minisiamese.bench.gpu import BackendOptions
from minisiamese.checkpoint import save_json
from minisiamese.commands.doors import parse
from minisiamese.demo.__main__ import DemoOptions
from minisiamese.evaluate.protocols import EvaluateOptions
from minisiamese.predict.__main__ import PredictOptions
from minisiamese.runs.look import CheckOptions
from minisiamese.runs.settings import Settings
from minisiamese.studies.fewshot.settings import FewshotOptions
from minisiamese.studies.maml.settings import MamlOptions
from minisiamese.studies.report000.settings import Report000Options
from minisiamese.studies.results.__main__ import ResultsOptions
from minisiamese.studies.search.settings import SearchOptions
from minisiamese.studies.sweeps.settings import SweepsOptions
from minisiamese.train.__main__ import from_command_line

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS = {
    "minisiamese.backend": BackendOptions,
    "minisiamese.bench": BenchOptions,
    "minisiamese.data": CheckOptions,
    "minisiamese.demo": DemoOptions,
    "minisiamese.evaluate": EvaluateOptions,
    "minisiamese.predict": PredictOptions,
    "minisiamese.studies.fewshot": FewshotOptions,
    "minisiamese.studies.maml": MamlOptions,
    "minisiamese.studies.report000": Report000Options,
    "minisiamese.studies.results": ResultsOptions,
    "minisiamese.studies.search": SearchOptions,
    "minisiamese.studies.sweeps": SweepsOptions,
}


def test_the_example_gives_a_right_gradient():
    block = re.search(r"From Python:\n\n((?:    .*\n|\n)+)", README).group(1)
    names = {}
    exec("\n".join(line[4:] for line in block.splitlines()), names)
    assert names["error"] < 1e-9


def test_the_library_in_ten_lines(drawings, tmp_path, monkeypatch):
    """On drawings, and on images in colour."""
    block = re.search(r"The same in Python.*\n\n((?:    .*\n|\n)+)", README).group(1)
    for label, rows in enumerate(drawings.rows_of_class[:7]):
        pixels = 255 - drawings.images[rows, :, :, 0]
        for number, each in enumerate([*pixels, *(pixels // 2 + 90)]):
            path = tmp_path / f"MY_IMAGES/class{label}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.stack([each, each, each // 2 + 20 * label], axis=2)).save(path)
    (tmp_path / "FOLDER").mkdir()
    for path in sorted(tmp_path.glob("MY_IMAGES/*/0.png")):
        Image.open(path).save(tmp_path / f"FOLDER/{path.parent.name}.png")
    for name, number in (("a", 1), ("b", 2), ("query", 3)):
        Image.open(tmp_path / f"MY_IMAGES/class2/{number}.png").save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(line[4:] for line in block.splitlines()), names)
    assert names["z"].shape[0] == 2 and names["labels"].tolist() == ["class2"]
    assert names["support"].names[names["order"][0]] == "FOLDER/class2.png"
    assert (tmp_path / "mine.npz").exists() and names["report"]["way"] == 5


@pytest.mark.parametrize(
    "line",
    re.findall(
        r"^    .*python -m (minisiamese\..*?)(?: +#.*| >.*)?$",
        README.replace("\\\n", ""),  # a line that goes on is one
        re.M,
    ),
)
def test_every_command_is_one_that_the_program_takes(line, monkeypatch, tmp_path):
    program, *arguments = shlex.split(line)
    if "--resume" in arguments:  # a run to go on with
        monkeypatch.chdir(tmp_path)
        settings = Settings.of_recipe(data="omniglot").checked()
        run = Path(arguments[arguments.index("--out") + 1])
        run.mkdir(parents=True)
        save_json(run / "config.json", settings.to_json())
    if "--recipe" in arguments and (path := Path(arguments[arguments.index("--recipe") + 1])).suffix:
        monkeypatch.chdir(tmp_path)
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    if program == "minisiamese.train":
        from_command_line().checked()
    else:
        parse(OPTIONS[program], program)


def test_the_top_level_is_the_agreed_one():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.split()}
    expected = {"minisiamese", "lessons", "tests", "data_scripts", "pyproject.toml"}
    expected |= {"README.md", "CONTRIBUTING.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} == expected
