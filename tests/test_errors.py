"""The front doors' manners that no other test meets."""

import subprocess
import sys


def test_a_reader_that_has_seen_enough_is_no_error():
    """As in ``... | head``."""
    code = "from minisiamese.errors import front_door; front_door(lambda: print('line' * 100_000))"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.close()
    assert program.stderr.read() == b"" and program.wait() == 1
    program.stderr.close()
