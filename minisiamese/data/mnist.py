"""MNIST (LeCun, Cortes & Burges): 70,000 handwritten digits, 28 x 28 grey, for the paper's transfer test (section 4.4).

Looked for under mnist/ where ``omniglot`` is looked for under omniglot/, else downloaded.
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from minisiamese.data.dataset import Dataset, cache_folder, find_file
from minisiamese.errors import BadInput

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {  # name below URL: md5
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}


def load(split, data_dir=None):
    """The ``"train"`` or ``"test"`` digits as a ``Dataset`` of one group; each drawing of a digit has a drawer's number
    of its own, its place among the drawings of that digit."""
    prefix = {"train": "train", "test": "t10k"}[split]
    path = find(f"{prefix}-images-idx3-ubyte", data_dir)
    images, labels = read_idx(path), read_idx(find(f"{prefix}-labels-idx1-ubyte", data_dir))
    if images.ndim != 3 or labels.shape != images.shape[:1] or not np.array_equal(np.unique(labels), np.arange(10)):
        raise BadInput(f"{path} and its labels are not MNIST: {images.shape} images, {labels.shape} labels")
    place = np.zeros(len(labels), int)
    for digit in range(10):
        rows = np.flatnonzero(labels == digit)
        place[rows] = np.arange(len(rows))
    return Dataset(images[..., None], labels.astype(int), np.zeros(len(labels), int), place, ("digits",))


def find(name, data_dir=None):
    """The path of an idx file, as it is or gzipped; downloaded if it is nowhere."""
    import pooch  # slow to import: only where something is fetched

    path = find_file([f"mnist/{name}.gz", f"mnist/{name}"], data_dir)
    if path:
        return path
    if data_dir:
        raise BadInput(f"--data-dir {data_dir} has no mnist/{name}.gz: put the official files there")
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(f"{URL}{name}.gz", f"md5:{FILES[name]}", f"{name}.gz", cache_folder() / "mnist"))
    except (OSError, ValueError) as error:  # no network, no space; another checksum
        raise BadInput(
            f"no MNIST here, and {URL}{name}.gz could not be downloaded ({type(error).__name__}): put the official "
            "files into DIR/mnist and give --data-dir DIR or set MINISIAMESE_DATA=DIR"
        ) from None


def read_idx(path):
    """The uint8 array of an idx file, gzipped or not.

    Two zero bytes, the type (8 is uint8), the number of dimensions, each dimension as a big-endian int32, the values.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        zeros, kind, dimensions = struct.unpack_from(">HBB", raw)
        shape = struct.unpack_from(f">{dimensions}I", raw, 4)
        if zeros or kind != 8:
            raise ValueError("it does not start as one")
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        raise BadInput(f"{path} is not a whole idx file ({error}): fetch it again") from None
