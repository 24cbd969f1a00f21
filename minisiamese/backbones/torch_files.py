"""Weights files of PyTorch, read without PyTorch and without running any code in them.

Three kinds are read, told apart by their first bytes:

    a zip archive, as torch.save writes it:   NAME/data.pkl, NAME/data/0, NAME/data/1, ...
    a stream, as it wrote it before 1.6:      magic number, version, machine, state dict, keys, then the storages
    safetensors:                              the length of a JSON header, the header, the numbers

In all of them a storage is a row of numbers of one type, and a tensor is a view of one: where it begins, its shape, and
how far apart in the storage its neighbours along each axis lie. The state dict, {name: tensor}, is a pickle in the
first two: a program for a small stack machine, which may call whatever function it names. A state dict needs four names
beside those of its types of storage. These names stand here for functions that only note a tensor's description; any
other name, such as posix.system, is where a file that runs code is found out.

Notation: N numbers in a storage.
"""

import io
import math
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from minisiamese.errors import BadInput, whole_file

MAGIC = 0x1950A86A20F9469CFC6C  # the first number of a stream
BFLOAT16 = "bfloat16"  # which NumPy does not have
TYPES = (  # of PyTorch's storages, in safetensors, in the file
    ("FloatStorage", "F32", "<f4"),
    ("DoubleStorage", "F64", "<f8"),
    ("HalfStorage", "F16", "<f2"),
    ("BFloat16Storage", "BF16", BFLOAT16),
    ("LongStorage", "I64", "<i8"),
    ("IntStorage", "I32", "<i4"),
    ("ShortStorage", "I16", "<i2"),
    ("CharStorage", "I8", "i1"),
    ("ByteStorage", "U8", "u1"),
    ("BoolStorage", "BOOL", "?"),
)
OF_STORAGE = {storage: kind for storage, _, kind in TYPES}
OF_SAFETENSORS = {name: kind for _, name, kind in TYPES}


def read(path):
    """{name: array} of a weights file: float32 where its numbers are of any float type, else of their own type.

    Tensors that share a storage share their memory here, too. BadInput if there is no such file, if it is of another
    kind, damaged or cut short, if a tensor lies outside its storage, or if the file would run code.
    """
    path = whole_file(path)
    if path.is_dir():
        raise BadInput(f"{path} is a folder, not a weights file")
    try:
        with open(path, "rb") as file:
            return _read(file, path.stat().st_size)
    except FileNotFoundError:
        raise BadInput(f"there is no weights file {path}") from None
    except BadInput as error:
        raise BadInput(f"{path} {error}") from None
    except MemoryError:  # whose remedy is another
        raise
    except Exception as error:  # a damaged file can fail anywhere in zipfile, pickle or numpy
        said = f"{type(error).__name__}: {error}"
        raise BadInput(f"{path} is not a whole weights file: it is damaged, or another kind of file ({said})") from None


def _read(file, size):
    start = file.read(512)
    file.seek(0)
    if start.startswith(b"PK"):
        return _tensors(*_read_zip(file, size))
    if start[8:9] == b"{":
        return _read_safetensors(file.read())
    if start.startswith(pickle.PROTO):
        return _tensors(*_read_stream(file, size))
    if start[257:262] == b"ustar":
        raise BadInput(
            "is a tar archive, PyTorch's oldest kind, which is not read: take a later file of these weights, as "
            "resnet18-f37072fd.pth is of resnet18-5c106cde.pth"
        )
    raise BadInput("is no weights file: it takes a .pth or .pt of PyTorch's, or a .safetensors")


# --- containers: (state dict, {key: storage}) -------------------------------------------------------------------------


def _read_zip(file, size):
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("it holds more than its size, and weights are not compressed")
        folders = [entry.filename[:-8] for entry in entries if f"/{entry.filename}".endswith("/data.pkl")]
        if not folders:
            raise BadInput("is a zip archive without data.pkl: no weights as PyTorch saves them")
        folder = folders[0]
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise BadInput("was written by a big-endian machine, and such files are not read")
        state, declared = _unpickle(io.BytesIO(archive.read(f"{folder}data.pkl")))
        storages = {key: _numbers(archive.read(f"{folder}data/{key}"), kind) for key, (kind, _) in declared.items()}
    if any(len(storages[key]) != N for key, (_, N) in declared.items()):
        raise ValueError("a storage is not of the length that it should have")
    return state, storages


def _read_stream(file, size):
    if _unpickle(file)[0] != MAGIC:
        raise BadInput("is a pickle, but no weights file of PyTorch's")
    _unpickle(file)  # the version
    _unpickle(file)  # the machine; the storages are little-endian on all
    state, declared = _unpickle(file)
    storages = {}
    for key in _unpickle(file)[0]:
        kind, N = declared[key]
        count = 2 * N if kind == BFLOAT16 else N * np.dtype(kind).itemsize
        if struct.unpack("<q", file.read(8)) != (N,) or not 0 <= count <= size - file.tell():
            raise ValueError("it ends too early, or a storage is not of the length that it should have")
        storages[key] = _numbers(file.read(count), kind)
    return state, storages


def _read_safetensors(data):
    try:
        from safetensors import deserialize
    except ImportError:
        raise BadInput("is of safetensors, which takes that package: pip install -e '.[weights]'") from None
    return {
        name: _numbers(tensor["data"], OF_SAFETENSORS[tensor["dtype"]]).reshape(tensor["shape"])
        for name, tensor in deserialize(data)
    }


def _numbers(data, kind):
    """The bytes of a storage as a new array (N,)."""
    if kind == BFLOAT16:  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    numbers = np.frombuffer(data, kind)
    return numbers.astype(np.float32 if numbers.dtype.kind == "f" else numbers.dtype.newbyteorder("="))


# --- the state dict ---------------------------------------------------------------------------------------------------


class _Tensor(NamedTuple):
    """What a pickle says of a tensor: its storage's key, and in numbers of the storage the offset and the strides."""

    key: str
    offset: int
    shape: tuple
    strides: tuple


class _Unpickler(pickle.Unpickler):
    """Builds dictionaries, texts, numbers and ``_Tensor``s; a pickle that names anything else is refused."""

    def __init__(self, file):
        super().__init__(file)
        self.declared = {}  # {key: (type, N)} of the storages

    def find_class(self, module, name):
        if module == "torch" and name in OF_STORAGE:
            return OF_STORAGE[name]

        def tensor(key, offset, shape, strides, requires_grad=False, hooks=None):
            return _Tensor(key, offset, shape, strides)

        known = {  # functions made here, since a pickle can set attributes of the objects it is given
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor"): tensor,
            ("torch._utils", "_rebuild_tensor_v2"): tensor,
            ("torch._utils", "_rebuild_parameter"): lambda tensor, requires_grad, hooks: tensor,
        }
        if (module, name) not in known:
            raise BadInput(
                f"would run code: it asks for {module}.{name}, which no weights need; where it is your own, save the "
                "weights alone, torch.save(model.state_dict(), FILE)"
            )
        return known[module, name]

    def persistent_load(self, saved):
        """("storage", type, key, where it was, N[, None]): the key."""
        what, kind, key, _, N, *view = saved
        if what != "storage" or kind not in OF_STORAGE.values() or any(view):
            raise ValueError("it holds something other than storages")
        if self.declared.setdefault(key, (kind, N)) != (kind, N):
            raise ValueError("it describes a storage in two ways")
        return key


def _unpickle(file):
    """(the object, {key: (type, N)}) of a pickle that begins where the file stands, and after which it then stands."""
    start = file.tell()
    for opcode, argument, _ in pickletools.genops(file):
        if "PUT" in opcode.name and argument > file.tell():  # memory is set aside for as many
            raise ValueError("it numbers its objects out of order")
    file.seek(start)
    unpickler = _Unpickler(file)
    return unpickler.load(), unpickler.declared


def _tensors(state, storages):
    """{name: array} of a state dict, or of a dict that holds one as "state_dict"."""
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not state:
        raise BadInput("holds no state dict: save one with torch.save(model.state_dict(), FILE)")
    for name, tensor in state.items():
        if not isinstance(tensor, _Tensor) or not isinstance(name, str):
            raise BadInput(f"holds no state dict: {name} in it is of type {type(tensor).__name__}, not a tensor")
    return {name: _view(storages[tensor.key], tensor, name) for name, tensor in state.items()}


def _view(numbers, tensor, name):
    """The tensor in its storage (N,), which it may neither reach beyond nor repeat."""
    _, offset, shape, strides = tensor
    count = math.prod(shape)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if min(offset, 0, *shape, *strides) < 0 or count > len(numbers) or (count and last >= len(numbers)):
        raise ValueError(f"{name} lies outside its storage")
    steps = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps)
