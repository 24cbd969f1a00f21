"""The one error that a user is shown in one line, and files that would keep one waiting."""

import contextlib
import stat
from pathlib import Path


class BadInput(ValueError):
    """Something the user gave cannot be used. The message says what is wrong and what to do about it.

    It is a ValueError for who calls the library, and one line for who calls a program.
    """


def whole_file(path):
    """The path of a file, or of nothing at all; BadInput for a pipe or a device, whose end one would wait for."""
    path = Path(path)
    kind = stat.S_IFREG
    with contextlib.suppress(OSError, ValueError):
        kind = stat.S_IFMT(path.stat().st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise BadInput(f"{path} is a pipe or a device, and it takes a file")
    return path
