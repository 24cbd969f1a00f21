"""The one error that a user is shown in one line, and files that would keep one waiting."""

import contextlib
import stat
from pathlib import Path


class BadInput(Exception):
    """Something the user gave cannot be used. The message says what is wrong and what to do about it."""


def whole_file(path):
    """The path of a file, or of nothing at all; BadInput for a pipe or a device, whose end one would wait for."""
    path = Path(path)
    with contextlib.suppress(OSError, ValueError):
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise BadInput(f"{path} is a pipe or a device, and it takes a file")
    return path
