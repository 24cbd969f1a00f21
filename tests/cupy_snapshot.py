"""What CuPy offers, read off an installed one; no GPU is needed, for nothing is computed.

    pip install cupy-cuda12x==14.2.0 scipy
    python tests/cupy_snapshot.py > lessons/cupy-14.2.0.json

For each namespace, what its public names take: "a, axis=, *, out=" of a function, null of what is no function. Beside
them, which operators an array has, and which methods each ufunc supports: all have them, and most raise
NotImplementedError.
"""

import importlib
import inspect
import json
import re

NAMESPACES = (
    "cupy",
    "cupy.ndarray",
    "cupy.cuda",
    "cupy.cuda.Device",
    "cupy.cuda.MemoryPool",
    "cupy.cuda.Stream",
    "cupy.cuda.runtime",
    "cupy.lib.stride_tricks",
    "cupy.linalg",
    "cupy.random",
    "cupy.random.Generator",
    "cupyx",
    "cupyx.scipy.linalg",
    "cupyx.scipy.ndimage",
    "cupyx.scipy.sparse",
    "cupyx.scipy.special",
)
UFUNC_METHODS = ("accumulate", "at", "outer", "reduce", "reduceat")


def snapshot():
    import cupy

    spaces = {name: {key: takes(value) for key, value in public(find(name))} for name in NAMESPACES}
    for parent, _, name in (space.rpartition(".") for space in spaces):
        if parent in spaces:  # a name that CuPy looks up when it is asked for is not in dir()
            spaces[parent] = dict(sorted((spaces[parent] | {name: None}).items()))
    ufuncs = {name: methods(value) for name, value in public(cupy) if type(value) is cupy.ufunc}
    operators = " ".join(sorted(name for name in dir(cupy.ndarray) if name.startswith("__")))
    return {"version": cupy.__version__, "names": spaces, "operators": operators, "ufuncs": ufuncs}


def find(name):
    """The module or class of this name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(find(parent), last)


def public(space):
    return [(name, getattr(space, name)) for name in sorted(dir(space)) if not name.startswith("_")]


def takes(value):
    """The arguments of a function; None for what has none, or does not say."""
    if inspect.isclass(value) or not callable(value):
        return None
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # compiled: the first line of its text has them
        line = re.match(r"[\w.]+\((.*?)\)(?: ->.*)?$", (value.__doc__ or "").split("\n")[0])
        return written(line[1].replace("\\", "")) if line else None
    return spoken(value, parameters)


def written(text):
    """Arguments as compiled code writes them: "Py_ssize_t axis1, int axis=-1"."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    names = [part.partition("=")[0].split()[-1] + ("=" if "=" in part else "") for part in parts]
    return ", ".join(name for name in names if name != "self")


def spoken(function, parameters):
    """Arguments as Python knows them. Of ``**kwargs`` the source says which there are."""
    parts, kinds = [], [parameter.kind for parameter in parameters]
    for parameter, kind in zip(parameters, kinds, strict=True):
        if kind is inspect.Parameter.KEYWORD_ONLY and "*" not in "".join(parts):
            parts.append("*")
        if kind is inspect.Parameter.VAR_KEYWORD:
            lines = [line for line in inspect.getsource(function).splitlines() if not line.strip().startswith("#")]
            known = re.findall(rf"{parameter.name}\.(?:pop|get)\(\s*['\"](\w+)", "\n".join(lines))
            parts += [f"{name}=" for name in known] or [f"**{parameter.name}"]
            continue
        star = "*" if kind is inspect.Parameter.VAR_POSITIONAL else ""
        parts.append(star + parameter.name + ("" if parameter.default is parameter.empty else "="))
        if kind is inspect.Parameter.POSITIONAL_ONLY and kinds.count(kind) == len(parts):
            parts.append("/")
    return ", ".join(part for part in parts if part != "self")


def methods(ufunc):
    """The methods that do not say at once that there is none."""
    supported = []
    for name in UFUNC_METHODS:
        try:
            getattr(ufunc, name)(*[None] * {"at": 3, "outer": 2, "reduceat": 2}.get(name, 1))
        except NotImplementedError:
            continue
        except Exception:  # for want of a GPU, or of arrays
            pass
        supported.append(name)
    return " ".join(supported)


if __name__ == "__main__":
    print(json.dumps(snapshot(), indent=0))
