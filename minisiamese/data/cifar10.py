"""CIFAR-10 (Krizhevsky 2009): 60,000 photographs of ten classes, 32 x 32 in colour, for report 000.

Looked for under cifar10/ where ``omniglot`` is looked for under omniglot/: as the official archive, as its unpacked
folder, or as images in the layout of ``folder``; else the official archive is downloaded.
"""

import io
import pickle
import tarfile
import zlib
from pathlib import Path

import numpy as np

import minisiamese.data.folder as folder
from minisiamese.data.dataset import Dataset, cache_folder, find_file
from minisiamese.errors import BadInput

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
FOUND_AS = ("cifar-10-python.tar.gz", "cifar-10-batches-py", "cifar10-images.zip", "cifar10-images")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

ARRAYS = {  # the functions that make a pickled array
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def load(data_dir=None):
    """{"train": 50,000, "test": 10,000 images} as ``Dataset``s of one group, images (M, 32, 32, 3).

    BadInput if there are none, or if what is there is damaged or something else.
    """
    path = find(data_dir)
    if "images" in path.name:
        parts = folder.load(path)
        if any(part.class_names != CLASSES or part.images.shape[1:] != (32, 32, 3) for part in parts.values()):
            raise BadInput(f"{path} is not CIFAR-10: train/ and test/ with {', '.join(CLASSES)}, of 32 x 32 in colour")
        return parts
    return {split: _dataset(path, _read(path, names)) for split, names in BATCHES.items()}


def find(data_dir=None):
    """The path of the archive or folder; downloaded if it is nowhere, BadInput if that fails."""
    import pooch  # slow to import: only where something is fetched

    path = find_file([f"cifar10/{name}" for name in FOUND_AS], data_dir)
    if path:
        return path
    if data_dir:
        raise BadInput(f"--data-dir {data_dir} has no cifar10/{FOUND_AS[0]}: put the official archive there")
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(URL, f"md5:{MD5}", FOUND_AS[0], cache_folder() / "cifar10", progressbar=True))
    except (OSError, ValueError) as error:  # no network, no space; another checksum
        raise BadInput(
            f"no CIFAR-10 here, and {URL} could not be downloaded ({type(error).__name__}): put the official archive "
            "into DIR/cifar10 and give --data-dir DIR or set MINISIAMESE_DATA=DIR"
        ) from None


def _read(path, names):
    """The bytes of some batches, of the folder or of the archive."""
    try:
        if path.is_dir():
            return [(path / name).read_bytes() for name in names]
        with tarfile.open(path) as archive:
            found = {Path(member.name).name: member for member in archive if member.isfile()}
            return [archive.extractfile(found[name]).read() for name in names]
    except KeyError as error:
        raise BadInput(f"{path} lacks {error}: fetch it again") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise BadInput(f"{path} cannot be read ({error}): fetch it again") from None


def _dataset(path, batches):
    """Batches hold {b"data": (10000, 3072) uint8, one channel after another, b"labels": a list}."""
    try:
        batches = [_Unpickler(io.BytesIO(batch), encoding="bytes").load() for batch in batches]
        data = np.concatenate([batch[b"data"] for batch in batches])
        labels = np.concatenate([batch[b"labels"] for batch in batches])
        if data.dtype != np.uint8 or labels.shape != (len(data),) or not np.isin(labels, np.arange(10)).all():
            raise ValueError(f"{data.dtype} images {data.shape}, labels {labels.shape}")
        images = np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    except Exception as error:  # a damaged pickle can fail anywhere
        raise BadInput(f"{path} does not hold the batches of CIFAR-10 ({error}): fetch it again") from None
    return Dataset(images, labels.astype(int), np.zeros(len(labels), int), None, ("images",), CLASSES)


class _Unpickler(pickle.Unpickler):
    """Reads arrays and plain values; a pickle that names anything else, such as a function to call, is refused."""

    def find_class(self, module, name):
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch of images needs")
        return ARRAYS[module, name]
