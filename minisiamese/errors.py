"""The one error that a user is shown, and the front door that shows it in one line."""

import sys


class BadInput(Exception):
    """Something the user gave cannot be used. The message says what is wrong and what to do about it."""


def front_door(main):
    """Run ``main()`` as a program: ``BadInput`` becomes one line on stderr and exit code 2."""
    try:
        sys.exit(main())
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output (head, less) has gone: not an error of ours
        sys.stderr.close()
        sys.exit(0)
