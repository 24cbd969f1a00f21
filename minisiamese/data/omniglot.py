"""Omniglot (Lake, Salakhutdinov & Tenenbaum 2015): 1,623 characters of 50 alphabets, each drawn by 20 people.

Found as the official zip or as its unzipped folder under omniglot/: in ``--data-dir`` if that is given, else in
``$MINISIAMESE_DATA``, else in the user's cache, else downloaded into the cache. Decoded once, then read from a packed
file.
"""

import io
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from minisiamese.data.dataset import Dataset, cache_folder, cached, find_file
from minisiamese.errors import BadInput

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
ARCHIVES = {  # name: (address below URL, md5)
    "images_background": ("images_background.zip", "68d2efa1b9178cc56df9314c21c6e718"),
    "images_evaluation": ("images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811"),
    "all_runs": ("one-shot-classification/all_runs.zip", "e8996daecdf12afeeb4a53a179f06b19"),
    "images_background_small1": ("images_background_small1.zip", "e704a628b5459e08445c13499850abc4"),
    "images_background_small2": ("images_background_small2.zip", "b75a71a51d3b13f821f212756fe481fd"),
}
WHOLE = ("images_background", "images_evaluation", "all_runs")  # all drawings, and Lake's test
SMALL = {  # the five background alphabets of each of Lake's minimal splits (Lake et al. 2019)
    "small1": ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"),
    "small2": ("Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog"),
}
SIZE = 105
LAKE_ALPHABETS = (  # the ten of the evaluation alphabets that the official runs are drawn from
    *("Atlantean", "Ge_ez", "Glagolitic", "Gurmukhi", "Kannada", "Malayalam", "Manipuri"),
    *("Old_Church_Slavonic_(Cyrillic)", "Tengwar", "Tibetan"),
)
VINYALS_CHARACTERS = 1200  # that are not tested on, the first in the order of the names, background alphabets first
VINYALS_VALIDATION = ("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)")
DRAWING = re.compile(r"([^/]+)/(character\d+)/\d+_(\d+)\.png$")
RUN_DRAWING = re.compile(r"(run\d+)/(test|training)/(\w+)\.png$")
RUN_LABELS = re.compile(r"(run\d+)/class_labels\.txt$")


# --- finding and fetching ---------------------------------------------------------------------------------------------


def here(name, data_dir=None):
    """The path of an archive of ``ARCHIVES``, zip or folder; None if it is nowhere."""
    return find_file([f"omniglot/{name}.zip", f"omniglot/{name}"], data_dir)


def find(name, data_dir=None):
    """The path of an archive of ``ARCHIVES``, zip or folder; downloaded if it is nowhere."""
    path = here(name, data_dir)
    if path:
        return path
    if data_dir:
        raise BadInput(
            f"--data-dir {data_dir} has no omniglot/{name}.zip and no omniglot/{name} folder; fetch them with "
            f"'python data_scripts/omniglot.py --data-dir {data_dir}', or train on the built-in 'glyphs'"
        )
    return fetch(name, cache_folder())


def fetch(name, data_dir):
    """Download an official archive into data_dir/omniglot, checked against its md5; the path of the zip."""
    import pooch  # slow to import: only where something is fetched

    address, md5 = ARCHIVES[name]
    folder = Path(data_dir) / "omniglot"
    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    try:
        return Path(pooch.retrieve(URL + address, f"md5:{md5}", f"{name}.zip", folder, progressbar=True))
    except (OSError, ValueError) as error:  # no network, no space; another checksum
        reason = "its checksum is wrong" if isinstance(error, ValueError) else type(error).__name__
        raise BadInput(
            f"no Omniglot here, and {URL}{address} could not be downloaded ({reason}): put the official zips into "
            "DIR/omniglot and give --data-dir DIR or set MINISIAMESE_DATA=DIR (data_scripts/omniglot.py fetches them "
            "where there is a network), or use the built-in data set 'glyphs'"
        ) from None


def check_present(data_dir=None, split="alphabets"):
    """Find or fetch every archive that a division reads, unopened; BadInput if one is missing."""
    for name in (f"images_{_small(split, data_dir)}", *WHOLE[1:]) if split in SMALL else WHOLE:
        find(name, data_dir)


def _small(split, data_dir):
    """The name of the archive that a minimal split is read from: its own, unless the whole one alone is here."""
    own = f"background_{split}"
    return "background" if here("images_background", data_dir) and not here(f"images_{own}", data_dir) else own


def read_files(path, pattern):
    """(match, bytes) of every file of a zip or folder whose path matches, in order of path."""
    try:
        if path.is_dir():
            names = sorted(file.relative_to(path.parent).as_posix() for file in path.rglob("*") if file.is_file())
            for match in filter(None, map(pattern.search, names)):
                yield match, (path.parent / match.string).read_bytes()
        else:
            with zipfile.ZipFile(path) as archive:
                for match in filter(None, map(pattern.search, sorted(archive.namelist()))):
                    yield match, archive.read(match.string)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise BadInput(f"{path} cannot be read ({error}): delete it and fetch it again") from None


def decode(data, where):
    """The ink (SIZE, SIZE, 1) of a PNG: 255 where the drawing is black."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(f"{where} is not a readable image ({error}): fetch the archive again") from None
    if pixels.shape != (SIZE, SIZE):
        raise BadInput(f"{where} is {pixels.shape[1]} x {pixels.shape[0]} pixels, not {SIZE} x {SIZE}")
    return np.where(pixels < 128, np.uint8(255), np.uint8(0))[:, :, None]


# --- the data set -----------------------------------------------------------------------------------------------------


def load(split, data_dir=None):
    """The 30 ``"background"`` or 20 ``"evaluation"`` alphabets, or an archive of a minimal split, as a ``Dataset``."""
    path = find(f"images_{split}", data_dir)
    return cached(f"omniglot-{split}", _state(path), lambda: _read(path, split))


def paper_part(name, data_dir=None):
    """The paper's division (section 4.1): 30 alphabets by drawers 1 to 12 for ``"training"``, 10 by drawers 13 to 16
    for ``"validation"``, 10 by drawers 17 to 20 for ``"evaluation"``.

    The last ten are Lake's, as in the paper; its validation alphabets are then the other ten of the official evaluation
    archive, which no run of Lake's test draws from. Which drawers they were the paper does not say.
    """
    if name == "training":
        return load("background", data_dir).take_drawers(1, 12)
    dataset = load("evaluation", data_dir)
    lake = [group for group, alphabet in enumerate(dataset.group_names) if alphabet in LAKE_ALPHABETS]
    if name == "evaluation":
        return dataset.take_groups(lake).take_drawers(17, 20)
    others = np.setdiff1d(np.arange(len(dataset.group_names)), lake)
    return dataset.take_groups(others).take_drawers(13, 16)


def small_part(split, data_dir=None):
    """The five alphabets of a minimal split, by their names: from its own archive, or from the whole one."""
    archive, names = _small(split, data_dir), SMALL[split]
    dataset = load(archive, data_dir)
    chosen = [group for group, alphabet in enumerate(dataset.group_names) if alphabet in names]
    if missing := sorted(set(names) - {dataset.group_names[group] for group in chosen}):
        raise BadInput(f"{find(f'images_{archive}', data_dir)} lacks {', '.join(missing)} of --split {split}")
    return dataset.take_groups(chosen)


def vinyals_part(name, data_dir=None):
    """The division of the few-shot literature (Vinyals et al. 2016, with the validation alphabets of Snell et al.
    2017): 1,028 characters for ``"training"``, the 172 of five alphabets for ``"validation"``, and for
    ``"evaluation"`` the other 423, each as it is and turned by 90, 180 and 270 degrees: 1,692 classes.

    Atlantean, Ge_ez, Glagolitic and most of Gurmukhi are trained on: this is no division for Lake's test.
    """
    background = load("background", data_dir)
    held = np.isin(background.group_names, VINYALS_VALIDATION)
    if name == "validation":
        return background.take_groups(np.flatnonzero(held))
    evaluation = load("evaluation", data_dir)
    first = evaluation.labels < VINYALS_CHARACTERS - len(background.rows_of_class)
    if name == "evaluation":
        return evaluation.take(~first).turned()
    return background.take_groups(np.flatnonzero(~held)).joined(evaluation.take(first))


def _state(path):
    """A fingerprint of a zip, or of a folder and all below it: its place, size (or files) and latest change."""
    if path.is_file():
        return str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns
    folders = list(os.walk(path))
    return (
        str(path.resolve()),
        sum(len(files) for *_, files in folders),
        max(os.stat(f).st_mtime_ns for f, *_ in folders),
    )


def _read(path, split):
    other = "images_evaluation" if split == "background" else "images_background"
    images, classes, drawers = [], [], []
    for match, data in tqdm(read_files(path, DRAWING), desc=f"decoding {path.name}", unit=" drawings", disable=None):
        if other in match.string.split("/"):
            raise BadInput(f"{path} holds {other}: the two archives must not be mixed up")
        alphabet, character, drawer = match.groups()
        images.append(decode(data, f"{match.string} in {path}"))
        classes.append((alphabet, character))
        drawers.append(int(drawer))
    if not images:
        raise BadInput(f"{path} holds no drawings (ALPHABET/characterNN/IIII_DD.png): is it the official archive?")
    names = sorted({alphabet for alphabet, _ in classes})
    number = {key: label for label, key in enumerate(sorted(set(classes)))}
    return Dataset(
        np.stack(images),
        np.array([number[key] for key in classes]),
        np.array([names.index(alphabet) for alphabet, _ in classes]),
        np.array(drawers),
        tuple(names),
    )


@dataclass(frozen=True)
class LakeRun:
    """One run of the official one-shot test: each of the 20 test drawings is of the class of one training drawing.

    training, test (20, 105, 105, 1) uint8; answer (20,) the training drawing that test drawing i belongs to.
    """

    training: np.ndarray
    test: np.ndarray
    answer: np.ndarray


def load_runs(data_dir=None):
    """Lake's official runs, as a list of ``LakeRun``."""
    path = find("all_runs", data_dir)
    drawings, runs = {}, []
    for match, data in read_files(path, RUN_DRAWING):
        drawings["/".join(match.groups())] = decode(data, f"{match.string} in {path}")
    for match, data in read_files(path, RUN_LABELS):
        try:
            lines = [line.split() for line in data.decode().splitlines() if line.strip()]
            tests, trainings = ([name.removesuffix(".png") for name in column] for column in zip(*lines, strict=True))
            order = sorted(trainings)
            runs.append(
                LakeRun(
                    np.stack([drawings[name] for name in order]),
                    np.stack([drawings[name] for name in tests]),
                    np.array([order.index(name) for name in trainings]),
                )
            )
        except KeyError as error:
            raise BadInput(f"{path} lacks {error} of {match.string}: fetch it again") from None
        except ValueError as error:
            raise BadInput(f"{match.string} in {path} is not a list of pairs of drawings ({error})") from None
    if len({run.training.shape for run in runs}) > 1:
        raise BadInput(f"{path} holds runs of different sizes: is it the official all_runs.zip?")
    if not runs:
        raise BadInput(f"{path} holds no one-shot runs (runNN/class_labels.txt): is it the official all_runs.zip?")
    return runs
