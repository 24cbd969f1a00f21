"""Files that are written whole or not at all, and read by a schema: checkpoints, JSON, pictures.

A checkpoint is an ``.npz`` file of plain arrays and one JSON text, read without pickle. A JSON file ends with a
checksum of its content, ``seal``, so that a figure that was changed in it is not taken for a result.
"""

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from minisiamese.backend import array_module, to_host
from minisiamese.errors import BadInput, whole_file

META = "meta.json"
CHECKSUM = "checksum"
NOT_NEGATIVE = re.compile(r"(^|\.)var$|^optimizer\.v\.")  # batch norm's variances, Adam's averages of squares

# --- types of JSON values, with their ranges --------------------------------------------------------------------------

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e10)]
Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]


class Rate(msgspec.Struct):
    """An accuracy over some trials, as ``trials.rate`` gives it."""

    accuracy: Share
    trials: Annotated[int, msgspec.Meta(ge=1)]
    interval: tuple[Share, Share]


def typed(value, kind):
    """A JSON value as a type says, such as ``Count``, a dataclass or a ``msgspec.Struct``; ValueError if it is none."""
    try:
        return msgspec.convert(value, kind, dec_hook=lambda kind, value: kind(value))
    except TypeError as error:  # of a path that is a number
        raise ValueError(str(error)) from None


# --- JSON with a checksum ---------------------------------------------------------------------------------------------


def seal(values, before=""):
    """A JSON-able dict with a checksum of its content, and of the one ``before`` it in a log, as its last entry."""
    return values | {CHECKSUM: _digest(values, before)}


def unseal(values, before=""):
    """What was sealed, or ValueError if it is something else by now."""
    if not isinstance(values, dict) or CHECKSUM not in values:
        raise ValueError("it has no checksum")
    content = {key: value for key, value in values.items() if key != CHECKSUM}
    if _digest(content, before) != values[CHECKSUM]:
        raise ValueError("its checksum is that of another content")
    return content


def _digest(values, before):
    content = json.loads(json.dumps(values))  # keys and tuples as they are read
    return hashlib.sha256((before + json.dumps(content, sort_keys=True)).encode()).hexdigest()[:16]


def save_json(path, values):
    """Write a JSON-able dict with its checksum."""
    save_text(path, json.dumps(seal(values), indent=1) + "\n")


def load_json(path, kind=dict):
    """The dict of a JSON file that ``save_json`` wrote; BadInput if it is damaged or is not of a type."""
    path = whole_file(path)
    try:
        values = unseal(json.loads(path.read_bytes()))
        typed(values, kind)
        return values
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} is damaged, or was changed since it was written ({error})") from None


def load_lines(path):
    """The dicts of a log, each of numbers and with a "step", sealed one after the other; BadInput if one is damaged, or
    is missing.

    A last line that was cut short, when its program was killed, is left out. A file that is not there has no lines.
    """
    if not path.exists():
        return []
    lines, found, before = whole_file(path).read_bytes().split(b"\n"), [], ""
    for number, text in enumerate(lines, start=1):
        try:
            sealed = json.loads(text)
            values = unseal(sealed, before)
            typed(values, dict[str, Finite])
            typed(values.get("step"), Count)
            found.append(values)
            before = sealed[CHECKSUM]
        except (ValueError, RecursionError) as error:
            if number < len(lines):
                why = f"is damaged in line {number} ({error}): delete the file to go on without what it logged"
                raise BadInput(f"{path} {why}") from None
    return found


# --- checkpoints ------------------------------------------------------------------------------------------------------


def save(path, arrays, meta):
    """Write {name: array} and a JSON-able dict."""
    arrays = {name: to_host(array) for name, array in arrays.items()}
    write(path, lambda file: np.savez(file, **{META: np.array(json.dumps(meta))}, **arrays))


def load(path, kind=dict):
    """(arrays, meta) of a checkpoint, all numbers finite; BadInput if there is none, if it is damaged, or if its meta
    is not of a type."""
    path = whole_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        if claimed > path.stat().st_size:
            raise ValueError("it claims more than its size")
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop(META)))
    except FileNotFoundError:
        raise BadInput(f"there is no checkpoint {path}") from None
    except Exception:  # a damaged file can fail anywhere in zipfile, zlib, numpy or json
        raise BadInput(f"{path} is not a whole checkpoint: it is damaged, or another kind of file") from None
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise BadInput(
                f"{path} is not of a network: {name} holds something other than finite numbers of floating point"
            )
        if NOT_NEGATIVE.search(name) and array.size and array.min() < 0:
            raise BadInput(f"{path} is not of a network: {name} is negative, and it is a mean of squares")
    try:
        typed(meta, kind)
    except ValueError as error:
        raise BadInput(
            f"{path} says of itself what cannot be ({error}): it is damaged, or another kind of file"
        ) from None
    return arrays, meta


def restore(targets, arrays, path):
    """Copy checkpoint arrays into {name: array} in place; BadInput if names, shapes or types are of something else.

    What an optimiser has kept may be left over.
    """
    other = f"{path} is a checkpoint of another network"
    for name, target in targets.items():
        if name not in arrays:
            raise BadInput(f"{other}: it has no {name}")
        if arrays[name].shape != target.shape:
            raise BadInput(f"{other}: {name} is {arrays[name].shape}, here {target.shape}")
        if not np.can_cast(arrays[name].dtype, target.dtype, "safe"):
            raise BadInput(f"{other}: {name} is of type {arrays[name].dtype}, here {target.dtype}")
    for name in arrays:
        if name not in targets and not name.startswith("optimizer."):
            raise BadInput(f"{other}: it has {name}, and here is none")
    for name, target in targets.items():
        target[...] = array_module(target).asarray(arrays[name])


# --- whole or not at all ----------------------------------------------------------------------------------------------


def save_text(path, text):
    """Write a text file."""
    write(path, lambda file: file.write(text.encode()))


def write(path, fill):
    """``fill(file)``, so that the file appears under its name, or takes an older one's place, only when complete."""
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        with open(part, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
