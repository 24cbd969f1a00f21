"""README's Python example runs as it stands, and its layout is what is there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from minisiamese import evaluate
from minisiamese.config import Config as TrainConfig
from minisiamese.config import from_command_line
from minisiamese.errors import parse
from minisiamese.fewshot import __main__ as fewshot
from minisiamese.maml import __main__ as maml
from minisiamese.sweeps import __main__ as sweeps

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGS = {f"minisiamese.{each.__name__.split('.')[1]}": each.Config for each in (evaluate, fewshot, maml, sweeps)}


def test_the_example_gives_a_right_gradient():
    block = re.search(r"From Python:\n\n((?:    .*\n|\n)+)", README).group(1)
    names = {}
    exec("\n".join(line[4:] for line in block.splitlines()), names)
    assert names["error"] < 1e-9


@pytest.mark.parametrize(
    "line",
    re.findall(
        r"^    .*python -m (minisiamese\.(?:train|evaluate|fewshot|maml|sweeps) .*?)(?: #.*| >.*)?$",
        README.replace("\\\n", ""),  # a line that goes on is one
        re.M,
    ),
)
def test_every_command_is_one_that_the_program_takes(line, monkeypatch, tmp_path):
    program, *arguments = shlex.split(line)
    if "--resume" in arguments:  # a run to go on with
        monkeypatch.chdir(tmp_path)
        config = TrainConfig(data="omniglot").checked()
        run = Path(arguments[arguments.index("--out") + 1])
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps(config.to_json()))
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    if program == "minisiamese.train":
        from_command_line().checked()
    else:
        parse(CONFIGS[program], program)


def test_the_top_level_is_the_agreed_one():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.split()}
    expected = {"minisiamese", "lessons", "tests", "data_scripts", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} == expected
