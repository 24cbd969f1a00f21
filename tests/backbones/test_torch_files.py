"""Weights files: what is in them is read as PyTorch reads it, nothing in them is run, and damage gets one line."""

import io
import pickle
import struct
import sys
import tarfile
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from minisiamese.backbones import torch_files as weights
from minisiamese.errors import BadInput

# --- files by hand, opcode by opcode ----------------------------------------------------------------------------------

STORAGES = {
    "0": ("FloatStorage", np.arange(12, dtype="<f4")),
    "1": ("LongStorage", np.array([7], "<i8")),
    "2": ("HalfStorage", np.array([0.5, -2], "<f2")),
}
TENSORS = {  # name: key, offset, shape, strides
    "conv.weight": ("0", 0, (2, 3), (3, 1)),
    "conv.turned": ("0", 1, (3, 2), (1, 3)),  # of the same storage
    "bn.num_batches_tracked": ("1", 0, (), ()),
    "bn.bias": ("2", 0, (2,), (1,)),
    "empty": ("0", 12, (4, 0), (1, 1)),
}
PARTS = ("magic", "version", "machine", "state dict", "keys")  # the pickles of a stream
ORDERED = b"ccollections\nOrderedDict\n)R"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return pickle.dumps(value, 2)[2:-1]  # without the opcodes that begin and end a pickle


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key, offset, shape, strides, length=None, ends=b"t", rebuild=REBUILD):
    """The opcodes that put a tensor on the stack; ``ends`` are those that end the name of its storage."""
    name, data = STORAGES[key]
    length = len(data) if length is None else length
    storage = b"(" + text("storage") + b"ctorch\n%s\n" % name.encode() + text(key) + text("cpu") + number(length)
    rest = b"" if rebuild.endswith(b"_rebuild_tensor\n") else b"\x89" + ORDERED  # requires_grad, hooks
    where = number(offset) + numbers(shape) + numbers(strides)
    return rebuild + b"(" + storage + ends + b"Q" + where + rest + b"tR"


def state_dict(items):
    """The pickle of {name: opcodes}, with the version that a state dict has as its attribute."""
    body = b"".join(text(name) + each for name, each in items.items())
    return b"\x80\x02" + ORDERED + b"(" + body + b"u}" + text("_metadata") + b"}sb."


def write_zip(path, state, storages=None, **others):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", state)
        archive.writestr("net/version", "3\n")
        archive.writestr("net/byteorder", others.get("byteorder", "little"))
        for key, (_, data) in (STORAGES if storages is None else storages).items():
            archive.writestr(f"net/data/{key}", data.tobytes())
    return path


def write_stream(path, state, storages=None, **replaced):
    storages = STORAGES if storages is None else storages
    head = [pickle.dumps(each, 2) for each in (weights.MAGIC, 1001, {"little_endian": True})]
    parts = dict(zip(PARTS, [*head, state, pickle.dumps(list(storages), 2)], strict=True)) | replaced
    data = [struct.pack("<q", len(data)) + data.tobytes() for _, data in storages.values()]
    path.write_bytes(b"".join([*parts.values(), *data]))
    return path


def write_bare(path, state):
    path.write_bytes(state)
    return path


ENDS = {write_zip: b"t", write_stream: b"Nt", write_bare: b"t"}  # a stream also says of what a storage is a part


@pytest.fixture(params=[write_zip, write_stream])
def write(request):
    return request.param


def build(write, path, **changes):
    """The file of TENSORS, or of others."""
    tensors = {name: tensor(*each, ends=ENDS[write]) for name, each in TENSORS.items()}
    return write(path, state_dict(tensors | changes))


def test_both_kinds_are_read_as_they_were_written(write, tmp_path):
    read = weights.read(build(write, tmp_path / "net.any"))
    values = np.arange(12, dtype=np.float32)
    assert list(read) == list(TENSORS)
    assert np.array_equal(read["conv.weight"], values[:6].reshape(2, 3))
    assert np.array_equal(read["conv.turned"], values[1:7].reshape(2, 3).T)
    assert read["bn.num_batches_tracked"] == 7 and read["bn.num_batches_tracked"].dtype == np.int64
    assert read["bn.bias"].tolist() == [0.5, -2] and read["empty"].shape == (4, 0)
    assert all(each.dtype == np.float32 for name, each in read.items() if "num" not in name)
    assert np.shares_memory(read["conv.weight"], read["conv.turned"]) and read["conv.weight"].flags.writeable


def test_early_files_and_checkpoints_around_a_state_dict(write, tmp_path):
    early = tensor(*TENSORS["conv.weight"], ends=ENDS[write], rebuild=b"ctorch._utils\n_rebuild_tensor\n")
    inner = state_dict({"w": early})[2:-1]
    path = write(
        tmp_path / "x",
        b"\x80\x02}(" + text("epoch") + number(3) + text("state_dict") + inner + b"u.",
        {"0": STORAGES["0"]},
    )
    assert weights.read(path)["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


# --- against PyTorch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modern", [True, False])
def test_what_pytorch_writes_is_read(modern, tmp_path):
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(4, 5, 6, generator=generator)
    state = OrderedDict(
        base=base,
        turned=base.permute(2, 0, 1),
        part=base[1:3, ::2, 4],
        scalar=torch.tensor(3),
        parameter=torch.nn.Parameter(base[0].clone()),
        half=base.half(),
        double=base.double(),
        bfloat16=base.bfloat16()[:, 1:],
        **{str(kind): torch.arange(-3, 3).to(kind) for kind in (torch.int32, torch.int16, torch.int8, torch.uint8)},
        flags=base[0] > 0,
        empty=torch.zeros(0, 3),
    )
    path = tmp_path / "x.pth"
    torch.save(state, path, _use_new_zipfile_serialization=modern)
    read = weights.read(path)
    assert list(read) == list(state)
    for name, expected in state.items():
        kind = np.float32 if expected.is_floating_point() else expected.numpy().dtype
        expected = (expected.float() if expected.is_floating_point() else expected).detach().numpy()
        assert read[name].dtype == kind and np.array_equal(read[name], expected), name


def test_pytorch_reads_the_files_made_by_hand_alike(write, tmp_path):
    torch = pytest.importorskip("torch")
    path = build(write, tmp_path / "net.pth")
    ours, theirs = weights.read(path), torch.load(path)
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], each.float()) for name, each in theirs.items())


# --- safetensors ------------------------------------------------------------------------------------------------------


def write_safetensors(path, **tensors):
    """{name: (type, shape, bytes)} in the format's own words."""
    header, end = [], 0
    for name, (kind, shape, data) in tensors.items():
        start, end = end, end + len(data)
        header.append(f'"{name}":{{"dtype":"{kind}","shape":{list(shape)},"data_offsets":[{start},{end}]}}')
    text = ("{" + ",".join(header) + "}").encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for *_, data in tensors.values()))
    return path


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    values = np.array([[1, 2, 3], [4, 5, 6]])
    upper_half = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    kinds = {name: ((2, 3), values.astype(kind).tobytes()) for name, kind in (("F32", "<f4"), ("F16", "<f2"))}
    kinds |= {"BF16": ((2, 3), upper_half.tobytes()), "I64": ((), np.int64(7).tobytes())}
    path = write_safetensors(tmp_path / "x.pth", **{name: (name, *each) for name, each in kinds.items()})
    read = weights.read(path)
    assert all(np.array_equal(read[name], values) and read[name].dtype == np.float32 for name in list(kinds)[:3])
    assert read["I64"] == 7 and read["I64"].dtype == np.int64
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput, match="not a whole weights file"):
        weights.read(path)


def test_safetensors_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(BadInput, match=r"pip install -e '\.\[weights\]'"):
        weights.read(write_safetensors(tmp_path / "x", w=("F32", (1,), bytes(4))))


# --- files that would run code ----------------------------------------------------------------------------------------


def payloads(command):
    """The ways in which a pickle can call or change something."""
    reduced = b"cposix\nsystem\n(" + text(command) + b"tR"
    return {
        "reduce": ("posix.system", reduced),
        "named on the stack": ("posix.system", text("posix") + text("system") + b"\x93(" + text(command) + b"tR"),
        "instance": ("posix.system", b"(" + text(command) + b"iposix\nsystem\n"),
        "object": ("posix.system", b"(cposix\nsystem\n" + text(command) + b"o"),
        "new object": ("os._wrap_close", b"cos\n_wrap_close\n(" + text(command) + b"t\x81"),
        "nested": ("posix.system", b"](}(" + text("deep") + b"(" + reduced + b"tue"),
        "argument": ("posix.system", REBUILD + b"(" + reduced + b"tR"),
        "state": ("types.SimpleNamespace", b"ctypes\nSimpleNamespace\n)R}" + text("a") + reduced + b"sb"),
        "method": ("collections.OrderedDict.fromkeys", b"ccollections\nOrderedDict.fromkeys\n(]tR"),
        "renamed": ("__builtin__.eval", b"c__builtin__\neval\n(" + text("1") + b"tR"),
        "storage's name": ("posix.FloatStorage", b"cposix\nFloatStorage\n"),
    }


@pytest.mark.parametrize("kind", payloads(""))
@pytest.mark.parametrize("write", [write_zip, write_stream, write_bare])
def test_nothing_in_a_file_is_run(write, kind, tmp_path):
    asked, payload = payloads(f"touch {tmp_path / 'ran'}")[kind]
    path = write(tmp_path / "x.pth", state_dict({"w": payload}))
    with pytest.raises(BadInput, match=rf"would run code: it asks for {asked}, ") as error:
        weights.read(path)
    assert str(path) in str(error.value) and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", PARTS)
def test_nothing_in_any_pickle_of_a_stream_is_run(part, tmp_path):
    evil = b"\x80\x02" + payloads(f"touch {tmp_path / 'ran'}")["reduce"][1] + b"."
    state = state_dict({"w": tensor("0", 0, (2,), (1,), ends=b"Nt")})
    with pytest.raises(BadInput, match="would run code: it asks for"):
        weights.read(write_stream(tmp_path / "x.pth", state, **{part: evil}))
    assert not (tmp_path / "ran").exists()


def test_a_file_changes_nothing_for_the_next_one(write, tmp_path):
    change = REBUILD + b"N}" + text("__defaults__") + b"(I1\nI2\nts\x86b"  # setattr(function, "__defaults__", (1, 2))
    with pytest.raises(BadInput):
        weights.read(build(write, tmp_path / "evil", w=change))
    answer = weights._Unpickler(io.BytesIO()).find_class("torch._utils", "_rebuild_tensor_v2")
    assert answer.__defaults__ == (False, None)


# --- damage -----------------------------------------------------------------------------------------------------------


OUTSIDE = [(-1, (2, 3), (3, 1)), (7, (2, 3), (3, 1)), (6, (2, 3), (-3, 1)), (0, (2, 3), (10, 1)), (0, (13,), (0,))]
OUTSIDE += [(0, (10**15,), (0,)), (0, (2**32, 2**32), (0, 0)), (0, (-1, -1), (1, 1))]


@pytest.mark.parametrize("place", OUTSIDE)
def test_a_tensor_stays_inside_its_storage(write, place, tmp_path):
    with pytest.raises(BadInput, match="w lies outside its storage"):
        weights.read(build(write, tmp_path / "x", w=tensor("0", *place, ends=ENDS[write])))


PAIR = ("0", 0, (2,), (1,))
BROKEN = {  # opcodes, what is said of them
    "two numbers of axes": (lambda end: tensor("0", 0, (2, 3), (3,), ends=end), "not a whole weights file"),
    "two lengths": (lambda end: tensor(*PAIR, 6, end), "describes a storage in two ways"),
    "part of a storage": (lambda end: tensor(*PAIR, ends=number((5, 0, 2)) + b"t"), "other than storages"),
    "a module": (lambda end: tensor(*PAIR, ends=end).replace(text("storage"), text("module")), "other than storages"),
    "64 GiB set aside": (lambda end: b"I1\nr" + struct.pack("<I", 2**32 - 1), "numbers its objects out of order"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_state_dicts_that_make_no_sense(write, kind, tmp_path):
    opcodes, said = BROKEN[kind]
    with pytest.raises(BadInput, match=said):
        weights.read(build(write, tmp_path / "x", w=opcodes(ENDS[write])))


@pytest.mark.parametrize("length", [11, 13, -1, 2**60])
def test_a_storage_is_of_the_length_it_declares(write, length, tmp_path):
    state = state_dict({"w": tensor(*PAIR, length, ENDS[write])})
    with pytest.raises(BadInput, match="not a whole weights file"):
        weights.read(write(tmp_path / "x", state, {"0": STORAGES["0"]}))


@pytest.mark.parametrize("length", [13, 2**60, -1])
def test_a_stream_is_read_to_its_end_at_most(length, tmp_path):
    state = state_dict({"w": tensor(*PAIR, length, b"Nt")})
    path = write_stream(tmp_path / "x", state, {"0": STORAGES["0"]})
    path.write_bytes(path.read_bytes().replace(struct.pack("<q", 12), struct.pack("<q", length)))
    with pytest.raises(BadInput, match="ends too early"):
        weights.read(path)


def test_too_little_memory_is_said_to_be_that(write, tmp_path, monkeypatch):
    def too_little(*_):
        raise MemoryError

    path = build(write, tmp_path / "x")
    monkeypatch.setattr(weights, "_numbers", too_little)
    with pytest.raises(MemoryError):
        weights.read(path)


def test_a_storage_that_is_missing(write, tmp_path):
    with pytest.raises(BadInput, match="not a whole weights file"):
        weights.read(write(tmp_path / "x", state_dict({"w": tensor(*PAIR, ends=ENDS[write])}), {}))


def test_an_archive_is_no_larger_inside(tmp_path):
    path = build(write_zip, tmp_path / "x")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/3", bytes(10**6))
    with pytest.raises(BadInput, match="more than its size"):
        weights.read(path)


def test_files_of_big_endian_machines(tmp_path):
    with pytest.raises(BadInput, match="big-endian"):
        weights.read(write_zip(tmp_path / "x", state_dict({}), byteorder="big"))


def test_a_file_cut_short_anywhere(write, tmp_path):
    path = build(write, tmp_path / "x.pth")
    content = path.read_bytes()
    for length in range(0, len(content), 31):
        path.write_bytes(content[:length])
        with pytest.raises(BadInput, match=r"x\.pth is (not a whole|no) weights file"):
            weights.read(path)


OTHERS = {
    "missing": (lambda path: None, "there is no weights file"),
    "a folder": (lambda path: path.mkdir(), "is a folder, not a weights file"),
    "empty": (lambda path: path.write_bytes(b""), "is no weights file: it takes a .pth"),
    "a text": (lambda path: path.write_text("<html>" * 100), "is no weights file"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "is no weights file"),
    "a tar": (lambda path: path.write_bytes(tarfile.TarInfo("storages").tobuf()), "PyTorch's oldest kind"),
    "another zip": (lambda path: zipfile.ZipFile(path, "w").close(), "without data.pkl"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps([1, 2])), "is a pickle, but no weights file"),
    "a list": (lambda path: write_zip(path, pickle.dumps([1])), "holds no state dict: save one"),
    "no tensors": (lambda path: write_zip(path, state_dict({})), "holds no state dict: save one"),
    "numbers": (lambda path: write_stream(path, pickle.dumps({"lr": 1}, 2), {}), "lr in it is of type int"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_get_one_line(kind, tmp_path):
    make, said = OTHERS[kind]
    make(tmp_path / "x.pth")
    with pytest.raises(BadInput, match=f"x.pth.*{said}|{said}.*x.pth"):
        weights.read(tmp_path / "x.pth")
