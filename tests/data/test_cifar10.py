"""CIFAR-10: the official batches, read without running what is in them, and damaged ones."""

import io
import pickle
import runpy
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import call
from PIL import Image

from minisiamese.data import cifar10
from minisiamese.errors import BadInput


def short(text):
    return b"U" + bytes([len(text)]) + text


def official(data, labels):
    """A batch as the official files have it: pickled by Python 2, protocol 2, the array by an old NumPy."""
    size = struct.pack("<I", data.size)
    rows, columns = (struct.pack("<H", length) for length in data.shape)
    dtype = b"cnumpy\ndtype\n" + short(b"u1") + b"K\x00K\x01\x87R(K\x03" + short(b"|")
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R"
    array += b"(K\x01M" + rows + b"M" + columns + b"\x86" + dtype + b"\x89T" + size + data.tobytes() + b"tb"
    return (
        b"\x80\x02}("
        + short(b"data")
        + array
        + short(b"labels")
        + b"]("
        + b"".join(b"K" + bytes([label]) for label in labels)
        + b"eu."
    )


@pytest.fixture
def batches(rng):
    """{name: bytes} of small batches, and the images and labels that they hold."""
    names = [name for group in cifar10.BATCHES.values() for name in group]
    images = rng.integers(256, size=(len(names), 20, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(10, size=(len(names), 20))
    flat = images.transpose(0, 1, 4, 2, 3).reshape(len(names), 20, -1)
    return {name: official(flat[i], labels[i]) for i, name in enumerate(names)}, images, labels


def pack(folder, batches):
    (folder / "cifar10").mkdir()
    with tarfile.open(folder / "cifar10/cifar-10-python.tar.gz", "w:gz") as archive:
        for name, data in batches.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return folder


def unpack(folder, batches):
    path = folder / "cifar10/cifar-10-batches-py"
    path.mkdir(parents=True)
    for name, data in batches.items():
        (path / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("store", [pack, unpack])
def test_the_official_archive_and_its_folder(tmp_path, batches, store):
    files, images, labels = batches
    parts = cifar10.load(store(tmp_path, files))
    assert np.array_equal(parts["train"].images, images[:5].reshape(-1, 32, 32, 3))
    assert np.array_equal(parts["test"].images, images[5])
    assert np.array_equal(parts["train"].labels, labels[:5].ravel()) and parts["test"].class_names == cifar10.CLASSES


def test_a_pickle_that_would_call_something_is_refused(tmp_path, batches):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "was here"), "w")

    files, *_ = batches
    path = pack(tmp_path, files | {"test_batch": pickle.dumps(Evil())})
    with pytest.raises(BadInput, match=r"asks for (io|_io).open, which no batch of images needs"):
        cifar10.load(path)
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda files: files | {"test_batch": files["test_batch"][:5000]}, "does not hold the batches"),
        (lambda files: files | {"test_batch": b"no pickle"}, "does not hold the batches"),
        (lambda files: files | {"test_batch": pickle.dumps({b"labels": [1]})}, "does not hold the batches"),
        (lambda files: files | {"test_batch": pickle.dumps([1, 2])}, "does not hold the batches"),
        (lambda files: files | {"test_batch": official(np.zeros((20, 3072), np.uint8), [1, 2])}, "labels .2,"),
        (
            lambda files: files | {"test_batch": official(np.zeros((1, 3072), np.uint8), [11])},
            "does not hold the batches",
        ),
        (lambda files: {name: data for name, data in files.items() if name != "data_batch_3"}, "lacks 'data_batch_3'"),
    ],
)
def test_damaged_batches_get_one_line(tmp_path, batches, damage, message):
    with pytest.raises(BadInput, match=message) as caught:
        cifar10.load(pack(tmp_path, damage(batches[0])))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 100, -200])
def test_a_damaged_archive_gets_one_line(tmp_path, batches, cut):
    path = pack(tmp_path, batches[0]) / "cifar10/cifar-10-python.tar.gz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadInput, match="cannot be read"):
        cifar10.load(tmp_path)


def test_images_in_folders(tmp_path, batches):
    images = batches[1][0]
    for part in ("train", "test"):
        for label, name in enumerate(cifar10.CLASSES):
            folder = tmp_path / "cifar10/cifar10-images" / part / name
            folder.mkdir(parents=True)
            for number in range(2):
                Image.fromarray(images[2 * label + number]).save(folder / f"{number}.png")
    parts = cifar10.load(tmp_path)
    assert np.array_equal(parts["test"].images, images) and np.array_equal(
        parts["train"].labels, np.repeat(np.arange(10), 2)
    )
    for part in ("train", "test"):
        (tmp_path / "cifar10/cifar10-images" / part / "truck").rename(
            tmp_path / "cifar10/cifar10-images" / part / "tractor"
        )
    with pytest.raises(BadInput, match="is not CIFAR-10"):
        cifar10.load(tmp_path)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(BadInput, match="put the official archive there"):
        cifar10.load(tmp_path)


def test_the_script_writes_folders_that_are_the_same_data_set(tmp_path, batches, monkeypatch, capsys):
    batches, images, labels = batches
    script = runpy.run_path(str(Path(__file__).parents[2] / "data_scripts/cifar10.py"))["main"]
    given = ("--data-dir", pack(tmp_path, batches), "--out", tmp_path / "out")
    assert call(monkeypatch, script, *given) == 0
    assert "train: 10 classes, 100 images" in capsys.readouterr().out
    for row in range(20):
        name = f"{cifar10.CLASSES[labels[5, row]]}/{row:05d}.png"
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out/test" / name)), images[5, row])
    assert len(list((tmp_path / "out/train").glob("*/*.png"))) == 100
    assert call(monkeypatch, script, "--data-dir", tmp_path / "none", "--out", tmp_path / "out") == 2
