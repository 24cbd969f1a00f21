"""A strict double of CuPy, for tests where there is no GPU: NumPy behind a type that cannot be mistaken for NumPy's.

It has the names and arguments of CuPy 14.2.0 and no others (``cupy_snapshot.py``), and as CuPy does, it

- refuses to become a NumPy array unasked, and to compute with one, or with a list;
- returns arrays of 0 dimensions from reductions, and Python numbers only by way of a copy to the host;
- sorts stably or not at all, and adds at places for few dtypes only.

It is stricter where CuPy lets a mistake pass, or makes it a matter of luck: no NumPy function takes its arrays; host
arrays, masks and lists neither index them nor are assigned into them; an index outside is an error; so is a place that
an assignment names twice, by row numbers or by a view that overlaps itself.

A number may be asked of an array, by ``float`` or ``if``: it is right, and makes the host wait. A test says where it
must not happen, by ``copies()``, which counts what was copied to the host, or had to be waited for there, as the size
of ``a[mask]`` has to be; ``synchronisations()`` counts how often the host asked to wait.
"""

import inspect
import json
import operator
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import scipy.linalg
import scipy.ndimage
import scipy.special

SNAPSHOT = json.loads(Path(__file__).with_name("cupy-14.2.0.json").read_text())
NAMES = SNAPSHOT["names"]
TO_DEVICE = {"array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray"}  # these take host arrays
TO_HOST = {"get", "item", "tolist", "tobytes", "tofile", "dump", "dumps"}  # and return what is no device array
# what they return has as many elements as their values say
WAITING = {"argwhere", "bincount", "compress", "extract", "flatnonzero", "histogram", "intersect1d", "nonzero"}
WAITING |= {"setdiff1d", "setxor1d", "trim_zeros", "union1d", "unique"}
SIZED = {"arange", "empty", "eye", "full", "identity", "linspace", "logspace", "ones", "tri", "zeros"}  # by a number
OF_ARRAYS = {"append", "column_stack", "concatenate", "dstack", "hstack", "stack", "vstack", "where"}  # not of lists
OF_ARRAYS |= {"isin", "put", "searchsorted", "take"}
NOT_IMITATED = {"cstruct", "data", "device", "flat", "mdspan", "reduced_view", "toDlpack"}  # of an array
ADDABLE = ("int32", "uint32", "uint64", "float16", "float32", "float64")  # the dtypes that a GPU adds atomically
SCALARS = (bool, int, float, complex, np.generic)

_counted = Counter()


def copies():
    """How many copies to the host there were so far."""
    return _counted["copies"]


def synchronisations():
    """How often the device was waited for, so far."""
    return _counted["synchronisations"]


def _copied():
    _counted["copies"] += 1


# --- between NumPy and the double -------------------------------------------------------------------------------------


def _wrap(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray._of(np.asarray(value))
    return type(value)(map(_wrap, value)) if type(value) in (tuple, list) else value


def _unwrap(value):
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"a host array of {value.shape} where CuPy takes arrays on the device")
    return type(value)(map(_unwrap, value)) if type(value) in (tuple, list) else value


def _no_lists(args):
    """Refuse numbers of the host's in the place of an array; arrays may stand in a list."""
    for arg in args:
        if isinstance(arg, (list, tuple)) and not all(isinstance(each, ndarray) for each in arg):
            raise TypeError(f"Unsupported type {type(arg)}")


def _operand(value):
    if isinstance(value, (ndarray, *SCALARS)):
        return _unwrap(value)
    raise TypeError(f"Unsupported type {type(value)}")


def _full_name(value):
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")


def _index(key):
    """A key with NumPy's arrays in it, and whether it holds a mask, or row numbers."""
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if not (part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer, ndarray))):
            raise TypeError(f"a {_full_name(part)} indexes an array on the device: xp.asarray it first")
    kinds = {part.dtype.kind for part in parts if isinstance(part, ndarray)}
    whole = parts if any(part is Ellipsis for part in parts) else (*parts, ...)  # then no element comes as a scalar
    return _unwrap(whole), "b" in kinds, bool(kinds & set("iu"))


@cache
def _signature(text):
    """What ``cupy_snapshot.takes`` wrote down, as a ``Signature``."""
    kind, parameters = inspect.Parameter.POSITIONAL_OR_KEYWORD, []
    for part in text.split(", ") if text else ():
        name, default, _ = part.lstrip("*").partition("=")
        if part == "/":
            parameters = [each.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for each in parameters]
        elif part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif part.startswith("**"):
            parameters.append(inspect.Parameter(name, inspect.Parameter.VAR_KEYWORD))
        elif part.startswith("*"):
            parameters.append(inspect.Parameter(name, inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            default = None if default else inspect.Parameter.empty
            parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)


def _checked(space, name, function):
    """A NumPy function that takes only what CuPy's of this name takes."""
    text = NAMES[space][name]
    signature = None if text is None else _signature(text)

    def call(*args, **kwargs):
        if signature:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{space}.{name}({text}): {error}") from None
        if name in ("sort", "argsort"):
            if kwargs.get("kind", "stable") not in (None, "stable"):
                raise ValueError("kind can only be None or 'stable'")
            kwargs["kind"] = "stable"
        if name in TO_HOST | WAITING or (name == "where" and len(args) + len(kwargs) == 1):
            _copied()
        if name in SIZED and any(isinstance(arg, ndarray) for arg in args):
            raise TypeError("'cupy.ndarray' object cannot be interpreted as an integer")
        if name in OF_ARRAYS or isinstance(function, np.ufunc):
            _no_lists(args)
        if name == "repeat" and any(isinstance(arg, ndarray) for arg in (*args[space == "cupy" :], *kwargs.values())):
            raise ValueError("cupy.ndarray cannot be specified as `repeats` argument.")
        if space == "cupy" and name in TO_DEVICE:
            if isinstance(args[0], ndarray):
                return _wrap(function(args[0]._host, *args[1:], **kwargs))
            return _wrap(np.array(function(_on_host(args[0]), *args[1:], **kwargs)))  # never the host's own memory
        result = function(*_unwrap(args), **{key: _unwrap(value) for key, value in kwargs.items()})
        if name in TO_HOST:
            return result
        result = _wrap(result)
        return _wrap(np.asarray(result)) if name in ("allclose", "array_equal", "array_equiv") else result

    return call


def _on_host(value):
    """What is to be copied to the device; arrays of either kind may be among the elements of a list."""
    if isinstance(value, (list, tuple)):
        return [_on_host(each) for each in value]
    return value._host if isinstance(value, ndarray) else value


# --- arrays -----------------------------------------------------------------------------------------------------------


class ndarray:
    """An array that, as far as anyone can tell, lies on a GPU."""

    __slots__ = ("_host",)
    __hash__ = None

    @classmethod
    def _of(cls, host):
        array = cls.__new__(cls)
        array._host = host
        return array

    def __getattr__(self, name):
        if name not in NAMES["cupy.ndarray"]:
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        if name in NOT_IMITATED:
            raise NotImplementedError(f"the double of CuPy has no {name}")
        value = getattr(self._host, name)
        return _checked("cupy.ndarray", name, value) if callable(value) else _wrap(value)

    def get(self, stream=None, order="C", out=None, blocking=True):
        _copied()
        return np.array(self._host, order=order)

    def set(self, arr, stream=None):
        self._host[...] = arr

    def scatter_add(self, slices, value):
        cupy.add.at(self, slices, value)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"{function.__module__}.{function.__name__} of an array on the device: use xp's")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method == "__call__" and any(isinstance(each, np.generic) for each in inputs):  # a scalar of NumPy's is none
            return _wrap(ufunc(*map(_operand, inputs), **{key: _unwrap(value) for key, value in kwargs.items()}))
        raise TypeError(f"numpy.{ufunc.__name__} of an array on the device: use xp.{ufunc.__name__}")

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[row] for row in range(len(self)))

    def __getitem__(self, key):
        key, has_mask, _ = _index(key)
        if has_mask:
            _copied()
        return _wrap(self._host[key])

    def __setitem__(self, key, value):
        key, has_mask, has_rows = _index(key)
        if has_mask:
            _copied()
        if has_rows and np.bincount(np.arange(self.size).reshape(self.shape)[key].ravel()).max(initial=0) > 1:
            raise ValueError("an assignment to the same place twice: which is last, is luck; use add.at")
        if _overlaps(self._host[key]):
            raise ValueError("an assignment into a view that holds a place twice: which is last, is luck")
        self._host[key] = _operand(value)

    def __repr__(self):
        return f"<array on the double of a GPU: {self._host!r}>"  # for who looks for a fault: not counted

    def __str__(self):
        _copied()
        return str(self._host)

    def __reduce__(self):
        _copied()
        return _wrap, (self._host.copy(),)

    def __deepcopy__(self, memo):
        return self.copy()


def _overlaps(view):
    """Whether two elements of a view, such as ``as_strided`` makes, lie at one place of memory."""
    reach = view.itemsize  # of the inner axes; an outer one that steps farther cannot come back
    for stride, length in sorted(
        (abs(stride), length) for stride, length in zip(view.strides, view.shape, strict=True)
    ):
        if stride < reach and length > 1:
            break
        reach += stride * (length - 1)
    else:
        return False
    places = sum(np.ix_(*(stride * np.arange(length) for stride, length in zip(view.strides, view.shape, strict=True))))
    return len(np.unique(places)) < view.size


def _binary(function, swapped=False, in_place=False):
    def operate(self, other):
        other = _operand(other)
        if in_place:
            result = function(self._host, other)  # of an array of 0 dimensions NumPy makes a scalar
            if result is not self._host:
                self._host[...] = result
            return self
        return _wrap(function(other, self._host) if swapped else function(self._host, other))

    return operate


def _unary(function):
    return lambda self: _wrap(function(self._host))


def _to_host(function):
    def convert(self):
        _copied()
        return function(self._host)

    return convert


for _name in "add sub mul matmul truediv floordiv mod pow and_ or_ xor lshift rshift".split():
    _plain = _name.rstrip("_")
    setattr(ndarray, f"__{_plain}__", _binary(getattr(operator, _name)))
    setattr(ndarray, f"__r{_plain}__", _binary(getattr(operator, _name), swapped=True))
    if _plain != "matmul":  # a @= b is a = a @ b
        setattr(ndarray, f"__i{_plain}__", _binary(getattr(operator, f"i{_plain}"), in_place=True))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(ndarray, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{_name}__", _unary(getattr(operator, _name)))
for _function in (bool, int, float, complex):
    setattr(ndarray, f"__{_function.__name__}__", _to_host(_function))


# --- modules ----------------------------------------------------------------------------------------------------------


class Ufunc:
    """A ufunc with the methods that CuPy's has."""

    def __init__(self, name, function):
        self.name, self._function = name, function
        self._call = _checked("cupy", name, function)

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __getattr__(self, method):
        if method not in SNAPSHOT["ufuncs"][self.name].split():
            raise NotImplementedError(f"`cupy_{self.name}.{method}` is not supported yet")
        if method == "at":
            return self._at
        function = getattr(self._function, method)
        return lambda *args, **kwargs: _wrap(function(*_unwrap(args), **{k: _unwrap(v) for k, v in kwargs.items()}))

    def _at(self, a, indices, b):
        if str(a.dtype) not in ADDABLE:
            raise TypeError(f"`cupy_{self.name}.at` does not support {a.dtype}")
        self._function.at(a._host, _index(indices)[0], _operand(b))


class Module(ModuleType):
    """A module of CuPy's with another library's functions in it."""

    def __init__(self, name, counterpart, **own):
        super().__init__(name)
        self._counterpart = counterpart
        for key, value in own.items():
            setattr(self, key, value)

    def __getattr__(self, name):
        if name.startswith("__") or name not in NAMES[self.__name__]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(self._counterpart, name, self)
        is_class = isinstance(value, type) and not issubclass(value, (np.generic, np.dtype, np.finfo, np.iinfo))
        if is_class or not (callable(value) or isinstance(value, (type, int, float, type(None)))):
            raise NotImplementedError(f"the double of CuPy has no {self.__name__}.{name}")
        if name in SNAPSHOT["ufuncs"] and self.__name__ == "cupy":
            return Ufunc(name, value)
        return _checked(self.__name__, name, value) if callable(value) and not isinstance(value, type) else value


class Generator:
    """``cupy.random.Generator``: it has no normal, choice, permutation or shuffle."""

    def __init__(self, seed=None):
        self._rng = np.random.default_rng(seed)

    def __getattr__(self, name):
        if name not in NAMES["cupy.random.Generator"]:
            raise AttributeError(f"'Generator' object has no attribute {name!r}")
        return _checked("cupy.random.Generator", name, getattr(self._rng, name))


def _get_array_module(*args):
    return cupy if any(isinstance(arg, ndarray) for arg in args) else np


class Device:
    """The GPU that is not there."""

    mem_info = (3 << 30, 4 << 30)

    def __init__(self, id=0):
        self.id = id

    def synchronize(self):
        _counted["synchronisations"] += 1


_RUNTIME = Module(
    "cupy.cuda.runtime",
    None,
    getDeviceCount=lambda: 1,
    getDeviceProperties=lambda device: {"name": b"a double of a GPU"},
    driverGetVersion=lambda: 12080,
    runtimeGetVersion=lambda: 12090,
)
_POOL = Module("cupy.cuda.MemoryPool", None, total_bytes=lambda: 1 << 20)

cupy = Module(
    "cupy",
    np,
    __version__=SNAPSHOT["version"],
    ndarray=ndarray,
    asnumpy=lambda a, stream=None, order="C", out=None, *, blocking=True: a.get(),
    get_array_module=_get_array_module,
    is_available=lambda: True,
    get_default_memory_pool=lambda: _POOL,
    cuda=Module("cupy.cuda", None, Device=Device, runtime=_RUNTIME),
    random=Module("cupy.random", np.random, Generator=Generator, default_rng=Generator),
    linalg=Module("cupy.linalg", np.linalg),
    lib=SimpleNamespace(stride_tricks=Module("cupy.lib.stride_tricks", np.lib.stride_tricks)),
)
cupyx = Module("cupyx", None, scatter_add=lambda a, slices, value: a.scatter_add(slices, value))
cupyx.scipy = SimpleNamespace(
    linalg=Module("cupyx.scipy.linalg", scipy.linalg),
    ndimage=Module("cupyx.scipy.ndimage", scipy.ndimage),
    sparse=Module("cupyx.scipy.sparse", None),  # names alone: its matrices look at their values on the host
    special=Module("cupyx.scipy.special", scipy.special),
)
MODULES = {module.__name__: module for module in (cupy, cupyx, cupy.cuda, cupy.random, cupy.linalg)}
MODULES |= {f"cupyx.scipy.{name}": module for name, module in vars(cupyx.scipy).items()} | {"cupyx.scipy": cupyx.scipy}


def install(monkeypatch):
    """Let ``import cupy`` find the double, until the test is over."""
    for name, module in MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)
