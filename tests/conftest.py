"""Shared fixtures: a cache of the tests' own, and a small Omniglot of drawn glyphs in the official archives' layout."""

import io
import os
import sys
import threading
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lessons import cupy_double
from minisiamese.backend import to_device
from minisiamese.commands.doors import front_door
from minisiamese.data import glyphs
from minisiamese.fast.fuse import fuse
from minisiamese.threads import available_cores, set_threads


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """A process for each core that may be used; one alone for a GPU, whose memory several would have to share."""
    return 0 if config.option.markexpr == "gpu" else available_cores()


def pytest_configure(config):
    """Each of the processes that share the tests has a core of its own, for all that its tests start, too: threads of
    several processes that wait for each other on the same cores take many times as long."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})
        set_threads(1)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test reads or writes the user's cache, in this process or in the ones it starts."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=["numpy", "double", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """Where a test is to compute: on NumPy, on the strict double of CuPy, on CuPy if there is a GPU."""
    if request.param == "numpy":
        return "cpu"
    if request.param == "double":
        cupy_double.install(monkeypatch)
    elif not pytest.importorskip("cupy").is_available():
        pytest.skip("no GPU")
    return "cuda"


@pytest.fixture
def put(device):
    """A function that brings an array there."""
    return lambda x: to_device(np.asarray(x), device)


@cache
def five_alphabets():
    """Drawn once for all sessions of a process, of which the exercises begin one for each task."""
    return glyphs.make(range(5), drawers=4)


@pytest.fixture(scope="session")
def drawings():
    """Five small alphabets with four drawers."""
    return five_alphabets()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The server of the page to draw on, with the network that comes with the package, where there is no Omniglot."""
    from minisiamese.demo.answers import Answers  # here, for the sessions that the exercises begin
    from minisiamese.demo.exam import Exam
    from minisiamese.demo.server import Server
    from minisiamese.predict.model import load_model

    answers = Answers(load_model())
    exam = Exam(answers.model, answers.alone, tmp_path_factory.mktemp("nothing"))
    with Server(0, answers.questions | exam.questions) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def call(monkeypatch, main, *arguments):
    """Run a program's ``main`` here with command-line arguments; its exit code."""
    monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        front_door(main)
    set_threads(available_cores())  # its own number of threads ends with it
    return stop.value.code or 0


def fast(conv, algorithm):
    """The fast twin of a convolution, by this algorithm and not by the one that its shapes call for."""
    twin = fuse(conv)
    twin.algorithm = lambda x_shape: algorithm
    return twin


def png(image):
    """A drawing (H, W, 1), ink 255, as the bytes of a 1-bit PNG with black ink."""
    file = io.BytesIO()
    Image.fromarray(255 - image[:, :, 0]).convert("1").save(file, "png")
    return file.getvalue()


def write_alphabets(path, dataset, folder):
    """A zip in the layout of images_background.zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for row, image in enumerate(dataset.images):
            group, label = dataset.groups[row], dataset.labels[row]
            character = label - dataset.classes_of_group[group][0] + 1
            name = f"{dataset.group_names[group]}/character{character:02d}/{label:04d}_{dataset.drawers[row]:02d}.png"
            archive.writestr(f"{folder}/{name}", png(image))


def write_runs(path, dataset, ways=5):
    """A zip in the layout of all_runs.zip, one run for each alphabet; test drawing i is of training class ways - i."""
    with zipfile.ZipFile(path, "w") as archive:
        for run, classes in enumerate(dataset.classes_of_group, start=1):
            lines = []
            for i, label in enumerate(classes[:ways], start=1):
                training, test = dataset.rows_of_class[label][:2]
                archive.writestr(f"run{run:02d}/training/class{i:02d}.png", png(dataset.images[training]))
                archive.writestr(f"run{run:02d}/test/item{ways + 1 - i:02d}.png", png(dataset.images[test]))
                lines.append(f"run{run:02d}/test/item{ways + 1 - i:02d}.png run{run:02d}/training/class{i:02d}.png\n")
            archive.writestr(f"run{run:02d}/class_labels.txt", "".join(reversed(lines)))


def idx(array):
    """An array as the bytes of an idx file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.astype(np.uint8).tobytes()


def make_omniglot(folder, evaluation):
    """A small data folder: background alphabets always the same, evaluation alphabets as given."""
    (folder / "omniglot").mkdir()
    write_alphabets(folder / "omniglot/images_background.zip", glyphs.make(range(4), drawers=4), "images_background")
    tests = glyphs.make(evaluation, drawers=4)
    names = ("Angelic", "Atlantean", "Avesta", "Ge_ez", "Keble", "Tengwar")  # every other one is of Lake's test
    tests = replace(tests, group_names=names[: len(evaluation)], drawers=np.array([0, 13, 14, 17, 18])[tests.drawers])
    write_alphabets(folder / "omniglot/images_evaluation.zip", tests, "images_evaluation")
    write_runs(folder / "omniglot/all_runs.zip", tests)
    return folder


@pytest.fixture(scope="session")
def small_omniglot(tmp_path_factory):
    return make_omniglot(tmp_path_factory.mktemp("data"), range(40, 42))


@pytest.fixture(scope="session")
def real_omniglot():
    """The folder of the real data, where the machine has it."""
    folder = os.environ.get("MINISIAMESE_DATA")
    if not folder or not (Path(folder) / "omniglot").is_dir():
        pytest.skip("needs Omniglot: set MINISIAMESE_DATA")
    return folder
