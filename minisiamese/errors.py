"""The one error that a user is shown, and the front doors that show it in one line."""

import contextlib
import io
import os
import re
import sys


class BadInput(Exception):
    """Something the user gave cannot be used. The message says what is wrong and what to do about it."""


def front_door(main):
    """Run ``main()`` as a program: ``BadInput``, or too little memory, becomes one line on stderr and exit code 2."""
    try:
        code = main()
        sys.stdout.flush()
        sys.exit(code)
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except MemoryError as error:  # CuPy's is one, too
        said = " ".join(str(error).split())
        print(f"error: too little memory; where there is --batch, a smaller one takes less. {said}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at Python's end
        sys.exit(1)


def parse(config_class, program, default=None):
    """The command line as a ``config_class``, by tyro; its framed complaint becomes a ``BadInput`` of one line.

    What the command line leaves out is as in ``default``, or as the class says.
    """
    import tyro  # here, for the parts of the library that have no front door

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(config_class, prog=program, default=default or tyro.MISSING_NONPROP)
    except SystemExit as stop:
        if stop.code != 2:  # --help
            raise
        lines = [line.strip("│ ") for line in complaint.getvalue().splitlines()[1:]]  # without the frame and its title
        what = " ".join(lines).split("──")[0].split("Got errors")[0]
        what = re.sub(r"argument '(\w+)\.\w+'", r"argument '\1'", what)  # the path of a positional, 'data.name'
        raise BadInput(f"{re.sub(' +', ' ', what).strip()} (see {program} --help)") from None


def at_least(options, **least):
    """``BadInput`` where an option of a command line is less than it may be; an option that is None was left out."""
    for name, lowest in least.items():
        value = getattr(options, name)
        if value is not None and value < lowest:
            words = f"at least {lowest}" if lowest else "0 or more"
            raise BadInput(f"--{name.replace('_', '-')} must be {words}, not {value}")
