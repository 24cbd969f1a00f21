"""Cases of data and weights files that are damaged, of something else, or of bad intent."""

import os
import pickle
import shutil
import zipfile

import numpy as np

from tests.campaign.damage import contents, flip
from tests.campaign.doors import DOORS
from tests.campaign.images import an_image
from tests.campaign.values import BUSY
from tests.campaign.world import BATCHES, by_hand, official, pack


class _Call:
    """An object whose pickle asks for a function to be called."""

    def __reduce__(self):
        return os.system, ("touch called",)


def _judge(case, door, words):
    ended = case.fork(door, words, busy=BUSY)
    if case.judge(ended, (0, 2, 130)) and (case.folder / "called").exists():
        case.fault("unnoticed", ended)


def _own(case, kind, changes):
    """A copy of the data, with one file of a kind changed; its name."""
    case.bring("data")
    (case.folder / "data").rename(case.folder / "own")
    path = case.rng.choice(sorted((case.folder / "own" / kind).iterdir()))
    case.tell(f"{path.name}: {case.rng.choice(changes)(case, path)}")
    return path.name


def _in_zip(change):
    """``change(case, path)`` on one file inside of a zip."""

    def inside(case, path):
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        name, part = case.rng.choice(list(files)), case.folder / "part"
        part.write_bytes(files[name])
        told = change(case, part)
        with zipfile.ZipFile(path, "w") as archive:
            for each, data in files.items():
                archive.writestr(each, part.read_bytes() if each == name else data)
        return f"{name}: {told}"

    return inside


def _other_image(case, path):
    if not path.read_bytes().startswith(b"\x89PNG"):
        return contents(case, path)
    kind, data = an_image(case.rng, path.read_bytes())
    path.write_bytes(data)
    return kind


def _renamed(case, path):
    """The archive with something left out of the names in it."""
    old, new = (
        case.rng.choice(("character", "image", "/", ".png", "run", "test", "_")),
        case.rng.choice(("", "x", "../")),
    )
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode().ljust(len(old), b"x")[: len(old)]))
    return f"{old} is {new}"


def omniglot(case):
    """A damaged archive of Omniglot's."""
    changes = (flip, contents, _in_zip(flip), _in_zip(contents), _in_zip(_other_image), _renamed)
    if _own(case, "omniglot", changes) == "all_runs.zip":
        return _judge(case, "evaluate", ["drawn", "--protocol", "lake", "--data-dir", "own", "--threads", 1])
    call = DOORS["train"].call | {"--data-dir": "own", "--validation-alphabets": 1}
    return _judge(case, "train", DOORS["train"].words_of(call, ("omniglot", "--no-turn")))


def _header(case, path):
    data, place = bytearray(path.read_bytes()), case.rng.randrange(16)
    data[place] = case.rng.choice((0, 1, 2, 3, 9, 13, 127, 128, 255))
    path.write_bytes(data)
    return f"byte {place} is {data[place]}"


def mnist(case):
    """A damaged file of MNIST's."""
    _own(case, "mnist", (flip, contents, _header, _header))
    if case.rng.random() < 0.3:
        return _judge(case, "report000", DOORS["report000"].arguments(data_dir="own"))
    return _judge(case, "evaluate", ["run", "--protocol", "mnist", "--data-dir", "own", "--trials", 10, "--threads", 1])


def _other_batches(case, path):
    rows, labels = np.zeros((10, 3072), np.uint8), range(10)
    batches = [
        official(rows, range(1, 11)),
        official(rows[:, :9], labels),
        official(rows, range(5)),
        official(rows[:0], []),
    ]
    odd = [
        {b"data": rows, b"labels": [*labels]},
        {b"data": rows},
        [],
        None,
        _Call(),
        {b"data": _Call()},
        {b"data": "x"},
    ]
    content = case.rng.choice((*batches, *(pickle.dumps(each, 2) for each in odd)))
    path.unlink()
    path.parent.rmdir()
    pack(path.parents[1], dict.fromkeys(BATCHES, content))
    return f"batches {content[:60]!r}"


def cifar10(case):
    """A damaged archive of CIFAR-10."""
    _own(case, "cifar10", (flip, contents, _other_batches, _other_batches))
    _judge(case, "cifar10", DOORS["cifar10"].arguments(data_dir="own"))


def weights(case):
    """A weights file that is damaged, or of another network, or asks for a function to be called."""
    rng, path = case.rng, case.folder / "weights.pth"
    tensors = {name: by_hand.tensor(*each) for name, each in by_hand.TENSORS.items()}
    state = pickle.dumps({"w": _Call()}, 2) if rng.random() < 0.15 else by_hand.state_dict(tensors)
    writers = {
        "zip": lambda: by_hand.write_zip(path, state),
        "stream": lambda: by_hand.write_stream(path, state),
        "safetensors": lambda: by_hand.write_safetensors(path, w=("F32", (1,), bytes(4))),
    }
    kind = rng.choice(list(writers))
    writers[kind]()
    case.tell(f"{kind}: {rng.choice((flip, flip, contents, lambda *_: 'as it is'))(case, path)}")
    _judge(case, "train", DOORS["train"].arguments(network=rng.choice(("resnet18", "vgg16")), weights="weights.pth"))


def fashion(case):
    """A damaged folder or zip of fashion products."""
    top, name = case.folder / "own", case.rng.choice(("styles.csv", "styles.csv", "images/0.jpg", "own.zip"))
    case.bring("fashion")
    (case.folder / "fashion").rename(top)
    shutil.make_archive(str(top), "zip", top)
    case.tell(
        f"{name}: {case.rng.choice((flip, contents))(case, top / name if name != 'own.zip' else case.folder / name)}"
    )
    _judge(case, "fashion", ["own.zip" if name == "own.zip" else "own", "--out", "new"])


KINDS = {
    "data: omniglot": (omniglot, 4),
    "data: mnist": (mnist, 2),
    "data: cifar10": (cifar10, 2),
    "data: weights": (weights, 3),
    "data: fashion": (fashion, 1),
}
