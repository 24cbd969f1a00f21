"""The front doors' manners that no other test meets."""

import subprocess
import sys

import pytest
from conftest import call


def test_a_reader_that_has_seen_enough_is_no_error():
    """As in ``... | head``."""
    code = "from minisiamese.errors import front_door; front_door(lambda: print('line' * 100_000))"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.close()
    assert program.stderr.read() == b"" and program.wait() == 1
    program.stderr.close()


@pytest.mark.parametrize(
    "error", [MemoryError(), MemoryError("Out of memory allocating 3,221,225,472 bytes\n(so far)")]
)
def test_too_little_memory_gets_one_line(error, monkeypatch, capsys):
    def main():
        raise error

    assert call(monkeypatch, main) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: too little memory; where there is --batch, a smaller") and said.count("\n") == 1
