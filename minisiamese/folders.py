"""A folder that a program fills and can go on with: what it was begun with stands in its config.json."""

import json
import sys
from dataclasses import replace

from minisiamese import checkpoint
from minisiamese.errors import BadInput, parse


def parsed(config_class, program, settings, folder, what):
    """The command line as a ``config_class`` with its ``out`` filled in, by ``folder(config)`` where it is left out.

    With --resume, what is left out of ``settings``, the fields that a folder's results depend on, is as the folder was
    begun with; ``what`` says in complaints what it should hold.
    """
    config = parse(config_class, program)
    out = config.out or folder(config)
    if config.resume:
        config = parse(config_class, program, replace(config, **_begun(out, settings, what)))
    return replace(config, out=out)


def check(config, settings, what):
    """BadInput if ``config.out`` can neither be begun nor be gone on with, or was begun with other settings."""
    out = config.out
    if config.resume:
        for key, kept in _begun(out, settings, what).items():
            if getattr(config, key) != kept:
                asked = getattr(config, key)
                raise BadInput(f"--resume: {out} was begun with {key} {kept}, not {asked}, and so it goes on")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} exists already: give another --out, or --resume to go on with what it holds")


def begin(config, settings):
    """Make ``config.out``, once all is there that the work takes, and keep its settings in it."""
    config.out.mkdir(parents=True, exist_ok=True)
    settings = {key: getattr(config, key) for key in settings}
    checkpoint.save_text(config.out / "config.json", json.dumps(settings, indent=1))


def fill(run, config, program):
    """``run(config)``; None after Ctrl-C, once a line has said how to go on. BadInput if nothing can be written."""
    try:
        return run(config)
    except OSError as error:
        raise BadInput(f"--out: cannot write {config.out} ({error.strerror or error})") from None
    except KeyboardInterrupt:
        folder = f" --data-dir {config.data_dir}" if config.data_dir else ""
        again = f"; go on with: {program} {config.data}{folder} --out {config.out} --resume"
        print(f"stopped{again if (config.out / 'config.json').exists() else ''}", file=sys.stderr)
        return None


def read(path, keys):
    """{key: value} of a file of JSON; BadInput if it cannot be read or lacks a key."""
    try:
        values = json.loads(path.read_text())
        return {key: values[key] for key in keys}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__}: {error})") from None


def _begun(out, settings, what):
    if not (out / "config.json").exists():
        raise BadInput(f"--resume: there {what} in {out}")
    return read(out / "config.json", settings)
