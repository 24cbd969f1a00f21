"""Checkpoints: ``.npz`` files of plain arrays and one JSON text, written whole or not at all, read without pickle."""

import json
import os
from pathlib import Path

import numpy as np

from minisiamese.backend import array_module, to_host
from minisiamese.errors import BadInput

META = "meta.json"


def save(path, arrays, meta):
    """Write {name: array} and a JSON-able dict."""
    arrays = {name: to_host(array) for name, array in arrays.items()}
    _write(path, lambda file: np.savez(file, **{META: np.array(json.dumps(meta))}, **arrays))


def save_text(path, text):
    """Write a text file."""
    _write(path, lambda file: file.write(text.encode()))


def _write(path, write):
    """``write(file)``, so that the file appears under its name, or takes an older one's place, only when complete."""
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    with open(part, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(path):
    """(arrays, meta) of a checkpoint; BadInput if there is none or it is damaged."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(str(arrays.pop(META)))
    except FileNotFoundError:
        raise BadInput(f"there is no checkpoint {path}") from None
    except Exception:  # a damaged file can fail anywhere in zipfile, zlib, numpy or json
        raise BadInput(f"{path} is not a whole checkpoint: it is damaged, or another kind of file") from None


def restore(targets, arrays, path):
    """Copy checkpoint arrays into {name: array} in place; BadInput if names or shapes are of something else."""
    for name, target in targets.items():
        if name not in arrays:
            raise BadInput(f"{path} is a checkpoint of another network: it has no {name}")
        if arrays[name].shape != target.shape:
            raise BadInput(
                f"{path} is a checkpoint of another network: {name} is {arrays[name].shape}, here {target.shape}"
            )
    for name, target in targets.items():
        target[...] = array_module(target).asarray(arrays[name])
