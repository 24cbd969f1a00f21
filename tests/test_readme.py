"""README's Python example runs as it stands, and its layout is what is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_example_gives_a_right_gradient():
    block = re.search(r"From Python:\n\n((?:    .*\n|\n)+)", README).group(1)
    names = {}
    exec("\n".join(line[4:] for line in block.splitlines()), names)
    assert names["error"] < 1e-9


def test_the_top_level_is_the_agreed_one():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.split()}
    expected = {"minisiamese", "lessons", "tests", "data_scripts", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} == expected
