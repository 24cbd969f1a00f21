"""Cases that change a file of a run and then have it read: what is damaged must be refused, or change no result."""

import hashlib
import json
import tempfile
import zipfile
from typing import NamedTuple

import numpy as np

from minisiamese.checkpoint import META, seal
from tests.campaign.case import Case, once, steady_clock
from tests.campaign.doors import DOORS

DEEP = "@deep@"  # stands for lists in lists, deeper than Python's own JSON can write
NESTED = "[" * 10_000 + "]" * 10_000
GONE = object()  # in place of a value that is to be missing
VALUES = (
    *(GONE, None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e308, 10**20, -(10**20), 10**9, float("nan"), float("inf")),
    *("", "text", "1", "\ud800", "x" * 100_000, [], [1], [None], [[]], {}, {"a": 1}, DEEP),
)
LINES = (
    *(b"\xff\xfe\x00", b"\x00" * 20, b" ", NESTED.encode(), b'{"step": 1, "loss": ' + b"9" * 5000 + b"}"),
    *b'[];null;5;"x";{};true;{;};NaN;{"step": null};{"step": true};{"loss": 1};{"step": -1};{"step": [1]}'.split(b";"),
    *b'{"step": 1, "loss": NaN};{"step": 1, "loss": null};{"step": 1, "loss": "1"};{"step": 1e400, "loss": 1}'.split(
        b";"
    ),
    *(b'{"step": 1, "validation_accuracy": 7}', b'{"step": 1, "a": "' + b"x" * 10**6 + b'"}'),
)
DTYPES = {"text": "U8", "complex": complex, "object": object, "ints": int, "bool": bool, "float64": float}
DTYPES |= {"big-endian": ">f4", "dates": "M8[s]", "structured": [("a", "f4"), ("b", "i4")]}


# --- files, and what reads them ---------------------------------------------------------------------------------------


class Target(NamedTuple):
    """A file of a run of ``world.RUNS``, and the call that reads it."""

    run: str
    file: str
    door: str
    arguments: tuple


def _resumed(run, door, *files):
    return [Target(run, file, door, tuple(DOORS[door].arguments(out=run, resume=True))) for file in files]


def _read(run, door, *files, extra=()):
    return [Target(run, file, door, (*DOORS[door].arguments(), *extra)) for file in files]


IN_SWEEPS = "trainings/contrastive-linear-embedding-{}-seed-0/{}"
CHECKPOINTS = [
    *_read("run", "evaluate", "best.npz"),
    *_read("run", "fewshot", "best.npz"),
    *_read("drawn", "predict", "best.npz", extra=("--run", "drawn")),
    *_resumed("run", "train", "best.npz", "last.npz"),
    *_resumed("stopped", "train", "last.npz", "last.npz", "last.npz", "best.npz"),
    *_resumed("maml", "maml", "last.npz", "last.npz"),
    *_resumed("sweeps", "sweeps", IN_SWEEPS.format(64, "last.npz")),
]
JSON = [
    *_read("drawn", "results", "config.json", "summary.json", "summary.json", "mnist.json"),
    *_resumed("run", "train", "config.json", "summary.json"),
    *_resumed("stopped", "train", "config.json"),
    *_resumed("maml", "maml", "config.json"),
    *_resumed("sweeps", "sweeps", "config.json", IN_SWEEPS.format(16, "result.json")),
]
LOGS = [*_resumed("run", "train", "metrics.jsonl"), *_resumed("stopped", "train", "metrics.jsonl")]
REPORTS = _resumed("report", "report000", "all/pretrained.npz", "all/bce-1.npz", "clean/bce-1.npz", "config.json")


def _left(folder):
    """{path: digest} of the files in a folder, if it is there."""
    return {str(path.relative_to(folder)): _digest(path) for path in folder.rglob("*") if path.is_file()}


def _digest(path):
    """Of a file's bytes, or of the arrays of a checkpoint, whatever the order of their bytes."""
    digest = hashlib.sha1()
    try:
        with np.load(path) as file:
            for name in file.files:
                array = file[name].astype(file[name].dtype.newbyteorder("="))
                digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    except Exception:  # no checkpoint, or a damaged one
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _carry_out(case, target):
    """(how the call ended, what it printed, what it left: {path: digest})."""
    ended = case.fork(target.door, target.arguments, steady_clock)
    return ended, ended.out, _left(case.folder / target.run) | _left(case.folder / "new")


def unchanged(target, world):
    """(what the call prints, what it leaves) where nothing was changed; measured once."""
    path = world / f"unchanged-{hashlib.sha1(repr(target).encode()).hexdigest()}.json"

    def measure():
        with tempfile.TemporaryDirectory(dir=world) as folder:
            case = Case(0, 0, world, folder, 200)
            case.bring(target.run)
            ended, *results = _carry_out(case, target)
        assert ended.code == 0, ended
        path.write_text(json.dumps(results))

    once(path, measure)
    return json.loads(path.read_text())


def changed(case, targets, change, strict=True):
    """``change(case, path)`` the file of one of the targets, and have it read; a result that is another is a fault, if
    ``strict``."""
    target = case.rng.choice(targets)
    case.bring(target.run)
    (expected, expected_left), path = unchanged(target, case.world), case.folder / target.run / target.file
    case.tell(f"{target.run}/{target.file}: {change(case, path)}")
    before = {target.file: _digest(path)}
    ended, out, left = _carry_out(case, target)
    if case.judge(ended) and ended.code == 0:
        as_before = before.items() <= left.items()  # the file itself counts where it was written again
        if (out, left) == (expected, expected_left | (before if as_before else {})):
            case.ends[-1] = "harmless"
        elif strict:
            case.fault("unnoticed", ended)


# --- bytes ------------------------------------------------------------------------------------------------------------


def flip(case, path):
    """Change one bit, byte or digit, swap two, or cut the file off."""
    rng, data = case.rng, bytearray(path.read_bytes())
    how = rng.choice("bit bit byte delete insert cut swap digit".split())
    reach = rng.choice((len(data), len(data), min(400, len(data))))  # zips have most of their structure at the ends
    place = min(len(data) - 1, int(reach * rng.random()))
    place = rng.choice((place, len(data) - 1 - place))
    digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
    if how == "digit" and digits:
        place = rng.choice(digits)
        data[place] = rng.choice([digit for digit in range(48, 58) if digit != data[place]])
    elif how == "bit":
        data[place] ^= 1 << rng.randrange(8)
    elif how == "delete":
        del data[place]
    elif how == "insert":
        data.insert(place, rng.randrange(256))
    elif how == "cut":
        del data[place:]
    elif how == "swap" and place + 1 < len(data) and data[place] != data[place + 1]:
        data[place], data[place + 1] = data[place + 1], data[place]
    else:
        data[place] = (data[place] + rng.randrange(1, 256)) % 256
    path.write_bytes(data)
    return f"{how} at byte {place} of {len(data)}"


def contents(case, path):
    """Put something else in the place of a whole file, or around it."""
    data, rng = path.read_bytes(), case.rng
    new = {
        "empty": b"",
        "binary": rng.randbytes(300),
        "zeros": bytes(len(data)),
        "a value": rng.choice(LINES),
        "BOM": b"\xef\xbb\xbf" + data,
        "twice": data + data,
        "more": data + b"\x00more",
        "UTF-16": data.decode(errors="replace").encode("utf-16", "replace"),
        "latin-1": data[:20] + b"\xe4" + data[20:],
        "CRLF": data.replace(b"\n", b"\r\n"),
        "one line": data.replace(b"\n", b" "),
        "deep": data.replace(b":", b": " + NESTED.encode() + b",", 1),
        "key twice": data.replace(b"{", b'{"seed": 1, "steps": null, ', 1),
        "long": data + b" " * 10**6 + b"x",
    }
    name = rng.choice(list(new))
    path.write_bytes(new[name])
    return name


# --- values -----------------------------------------------------------------------------------------------------------


def put(rng, values):
    """Put an odd value somewhere into a dict of JSON; the place and the value as text."""
    place, inside = [], values
    while True:
        key = rng.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        place.append(str(key))
        if not (isinstance(inside[key], dict | list) and inside[key] and rng.random() < 0.8):
            break
        inside = inside[key]
    inside[key] = value = rng.choice(VALUES)
    if value is GONE:
        del inside[key]
    return f"{'.'.join(place)} = {'missing' if value is GONE else repr(value)[:40]}"


def odd_json(case, text, sealed=False, **how):
    """(a text of JSON with an odd value in it, the place and the value); ``sealed``, its checksum fits that content."""
    values = json.loads(text)
    if sealed:
        values.pop("checksum", None)
    told = put(case.rng, values)
    return json.dumps(seal(values) if sealed else values, **how).replace(f'"{DEEP}"', NESTED), told


def json_value(case, path, sealed=False):
    """An odd value somewhere in a file of JSON."""
    text, told = odd_json(case, path.read_text(), sealed, indent=1)
    path.write_text(text)
    return told


def line(case, path, sealed=False):
    """An odd line somewhere in a metrics.jsonl, beside or in the place of one."""
    lines, rng = path.read_bytes().splitlines(), case.rng
    place, odd = rng.randrange(len(lines)), rng.choice(LINES)
    if sealed or rng.random() < 0.3:
        odd = odd_json(case, lines[place], sealed)[0].encode()
    lines[place : place + rng.choice((0, 1))] = [odd]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return f"line {place + 1} {odd[:60]!r}"


def sealed_value(case, path):
    """``json_value`` or ``line`` with a checksum that fits."""
    return (line if path.suffix == ".jsonl" else json_value)(case, path, sealed=True)


def meta(case, path):
    """An odd value somewhere in what a checkpoint says of itself."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    text, told = odd_json(case, str(arrays[META]))
    np.savez(path.open("wb"), **arrays | {META: np.array(text)})
    return told


def array(case, path):
    """An array that is missing, of another name, shape or type, or with numbers that no training leaves."""
    rng = case.rng
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    floats = [name for name in arrays if arrays[name].dtype.kind == "f"]
    variances = [name for name in floats if name.endswith("var")]
    how = rng.choice("missing renamed more shape dtype dtype number number negative compressed claim".split())
    name = rng.choice(variances if how == "negative" and variances else floats)
    x, dtype = arrays[name].copy(), rng.choice(list(DTYPES))
    if how in ("number", "negative"):
        x.reshape(-1)[rng.randrange(x.size)] = -1 if name in variances else rng.choice((np.nan, np.inf, -np.inf))
    shapes = (x.reshape(-1)[..., None], x[None], x[:-1], x[:0], x.T[..., None], np.float32(1).repeat(2)[:, None, None])
    typed = np.zeros(x.shape, DTYPES[dtype]) if dtype == "structured" else x.astype(DTYPES[dtype])
    new = {"renamed": {f"{name}x": x}, "more": {name: x, "more": x}, "shape": {name: rng.choice(shapes)}, "missing": {}}
    arrays = {key: each for key, each in arrays.items() if key != name} | new.get(
        how, {name: typed if how == "dtype" else x}
    )
    (np.savez_compressed if how == "compressed" else np.savez)(path.open("wb"), **arrays)
    if how == "claim":
        _claim(path, name)
    return f"{name} {dtype if how == 'dtype' else how}"


def _claim(path, name):
    """Let an array's header claim more numbers than there are."""
    with zipfile.ZipFile(path) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    head, _, rest = files[f"{name}.npy"].partition(b"\n")
    start, end = head.index(b"'shape': ") + 9, head.rindex(b"}")
    files[f"{name}.npy"] = (head[:start] + b"(9999999999, 9999), }").ljust(max(len(head), end)) + b"\n" + rest
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in files.items():
            archive.writestr(each, data)


KINDS = {
    name: (lambda case, rest=rest: changed(case, *rest), weight)
    for name, weight, *rest in (
        ("checkpoint: meta", 12, CHECKPOINTS, meta, False),
        ("checkpoint: arrays", 10, CHECKPOINTS, array),
        ("checkpoint: flips", 8, CHECKPOINTS, flip),
        ("checkpoint: contents", 2, CHECKPOINTS, contents),
        ("json: values", 5, JSON, json_value),
        ("json: sealed values", 6, JSON + LOGS, sealed_value, False),
        ("json: flips", 7, JSON, flip),
        ("json: contents", 4, JSON, contents),
        ("metrics: lines", 5, LOGS, line),
        ("metrics: flips", 5, LOGS, flip),
        ("metrics: contents", 2, LOGS, contents),
        ("report: flips", 2, REPORTS, flip),
    )
}
