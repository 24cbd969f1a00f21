"""Report 000's grid on a few invented images: what is trained on what, tested on what, resumed, and shown."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import call, idx

from minisiamese import checkpoint
from minisiamese.checkpoint import load_json
from minisiamese.data.dataset import Dataset
from minisiamese.errors import BadInput
from minisiamese.siamese import DistanceHead, Siamese
from minisiamese.studies.report000 import __main__ as front
from minisiamese.studies.report000 import grid, runs, tables
from minisiamese.studies.report000 import task as tasks
from minisiamese.studies.report000.measuring import TEST_SETS, ReportTests
from minisiamese.studies.report000.settings import PLANS, PRETRAINED, PRETRAINING, RUNS, Plan
from minisiamese.studies.report000.sources import PairSource, seeds
from minisiamese.train.learner import Stopped

SMALL = replace(PLANS["mnist"], epochs=2, steps=6, tests=60, batch=16, step_images=20, run_rate=1e-3, online_rate=1e-3)


def invented(count, rng, size=28):
    """count noisy images of each of ten classes, in a random order, and their labels."""
    labels = rng.permutation(np.repeat(np.arange(10), count))
    classes = np.random.default_rng(1).integers(256, size=(10, 7, 7)).repeat(4, 1).repeat(4, 2)[:, :size, :size]
    images = np.clip(classes[labels] + rng.normal(0, 60, (len(labels), size, size)), 0, 255).astype(np.uint8)
    return images, labels


def dataset(count, rng):
    images, labels = invented(count, rng)
    return Dataset(images[..., None], labels, np.zeros(len(labels), int), None, ("digits",))


@pytest.fixture
def task(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(tasks, "VALIDATION", 5)
    for kind in PRETRAINING:
        (tmp_path / kind).mkdir()
    parts = {"train": dataset(25, rng), "test": dataset(12, rng)}
    return tasks.Task(SMALL, *tasks.divide(parts, SMALL), tmp_path, 0, "cpu")


def never(steps):
    return False


def test_the_parts_share_no_image_and_all_classes(task):
    seen = [{image.tobytes() for image in part.images} for part in (task.training, task.validation, task.test)]
    assert [len(images) for images in seen] == [200, 50, 120]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    assert all(len(part.rows_of_class) == 10 for part in (task.training, task.validation, task.test))


def test_a_data_set_with_too_few_images_gets_one_line(rng, monkeypatch):
    monkeypatch.setattr(tasks, "VALIDATION", 5)
    for train, test in ((24, 12), (25, 1)):
        parts = {"train": dataset(train, rng), "test": dataset(test, rng)}
        with pytest.raises(BadInput, match=f"some class has {train} images to train and {test} to test on"):
            tasks.divide(parts, replace(SMALL, step_images=5 * 20))


# --- what is trained on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lone", [False, True])
def test_train_sets(task, rng, lone):
    source = PairSource(task.training, 5, lone, 20, seed=0)
    unseen = set()
    for _ in range(20):
        rows = source.draw(rng)
        labels = task.training.labels[rows]
        assert np.bincount(labels, minlength=10).tolist() == [4] * 5 + [int(lone)] * 5
        unseen |= set(rows[labels >= 5].tolist())
        batch = source.batch(rows, None, None, rng)
        same = labels[batch.pairs[:, 0]] == labels[batch.pairs[:, 1]]
        assert np.array_equal(same, batch.same == 1) and same.mean() == 0.5
        assert np.all(batch.pairs[:, 0] != batch.pairs[:, 1])
        assert same.sum() == 5 * 4 * 3 / 2  # all there are
    assert len(unseen) == 5 * lone  # always the same five
    sample = source.sample(600, rng)
    assert len(sample.pairs) == len(sample.same) == 600
    labels = task.training.labels[sample.rows][sample.pairs]
    assert np.array_equal(labels[:, 0] == labels[:, 1], sample.same == 1)
    assert (labels.max() >= 5) == lone


@pytest.mark.parametrize("kind", PRETRAINING)
@pytest.mark.parametrize("name", ["contrastive-1", "contrastive-2", "bce-1", "triplet-hard", "triplet-hardest"])
def test_nothing_but_its_classes_is_learned_from(task, monkeypatch, kind, name):
    """With all other training images spoilt, the very same weights come out: clean is clean."""
    classes = PRETRAINING[kind]
    if name == "contrastive-2":
        lone = PairSource(task.training, 5, True, 20, task.seed).lone
        allowed = np.isin(np.arange(200), lone) | (task.training.labels < max(5, classes))
    else:
        allowed = task.training.labels < max(5, classes)
    spoilt = task.training.images.copy()
    spoilt[~allowed] = 77
    ends = []
    for folder, images in (("a", task.training.images), ("b", spoilt)):
        other = replace(task, out=task.out / folder, training=replace(task.training, images=images))
        (other.out / kind).mkdir(parents=True)
        for job in (PRETRAINED, name):
            grid.carry_out(other, kind, job, never)
        ends.append(checkpoint.load(other.path(kind, name))[0])
    assert all(np.array_equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_the_clean_classifier_learns_nothing_of_the_other_outputs(task):
    for kind, classes in PRETRAINING.items():
        grid.carry_out(task, kind, PRETRAINED, never)
        initial, _ = task.plan.classifier(np.random.default_rng(seeds(task.seed, "initial")))
        last = f"{len(initial.layers) - 1}.W"
        trained = checkpoint.load(task.path(kind, PRETRAINED))[0][last]
        change = abs(trained - initial.arrays()[last]).max(axis=0)
        assert np.all(change[:classes] > 0) and np.all(change[classes:] == 0)


def test_scaling_sets_the_mean_distance_and_keeps_neighbours(task):
    grid.carry_out(task, "all", PRETRAINED, never)
    before, after = grid.pretrained_branch(task, "all"), grid.pretrained_branch(task, "all")
    rows, z = runs.scale(after, task.plan, task.training, 5, 0, "cpu")
    images = task.training.images[rows] / np.float32(255)
    expected = after.forward(images, train=False)
    np.testing.assert_allclose(z, expected, rtol=1e-3, atol=1e-5)
    ratio = before.forward(images, train=False)[z > 0] / expected[z > 0]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
    labels = task.training.labels[rows]
    d = np.linalg.norm(z[:, None] - z, axis=2)
    assert d[labels[:, None] != labels].mean() == pytest.approx(1, rel=0.1)


def test_the_head_starts_as_a_fair_judge(rng):
    labels = np.repeat(np.arange(4), 30)
    z = 3 * np.eye(4)[labels] + rng.normal(0, 0.3, (120, 4))
    network = runs.siamese(replace(SMALL, features=4), "bce", None)
    runs.begin_head(network.head, z, labels, rng)
    a, b = np.triu_indices(120, 1)
    s = network.head.forward(z, np.stack([a, b], axis=1), train=False)
    same = labels[a] == labels[b]
    assert s[same].mean() == pytest.approx(2, abs=0.2) and s[~same].mean() == pytest.approx(-2, abs=0.2)


# --- stopping and going on --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PRETRAINED, "bce-2", "triplet-semi-hard", "triplet-random"])
def test_a_job_that_was_stopped_ends_as_if_it_had_not_been(task, name):
    task = replace(task, plan=replace(task.plan, steps=45))  # three a line of the log
    whole = replace(task, out=task.out / "whole")
    for each in (task, whole):
        (each.out / "clean").mkdir(exist_ok=True, parents=True)
        if name != PRETRAINED:
            grid.carry_out(each, "clean", PRETRAINED, never)
    grid.carry_out(whole, "clean", name, never)
    made = []

    def tick(steps):
        made.append(steps)
        return sum(made) == 4

    with pytest.raises(Stopped):
        grid.carry_out(task, "clean", name, tick)
    assert task.result("clean", name) is None and sum(made) == 4
    told = []
    grid.carry_out(task, "clean", name, lambda steps: told.append(steps))
    assert told[0] == 4  # what was done before is told to the progress bar
    ends = [checkpoint.load(each.path("clean", name)) for each in (task, whole)]
    assert ends[0][0].keys() == ends[1][0].keys()
    assert all(np.array_equal(ends[0][0][key], ends[1][0][key]) for key in ends[0][0])
    for _, meta in ends:
        assert meta["result"].pop("seconds") > 0
    assert ends[0][1] == ends[1][1]


@pytest.fixture(scope="module")
def on_numpy():
    """{name of a job: its result on NumPy}, of those that were carried out for a device before."""
    return {}


@pytest.mark.parametrize("name", [PRETRAINED, *RUNS])
def test_a_job_on_the_device_is_one_on_numpy(task, name, device, on_numpy):
    """The same log to some digits, and nearly the same figures: few of the test's images are on an edge."""

    def carried_out(where, folder):
        each = replace(task, out=task.out / folder, device=where)
        (each.out / "clean").mkdir(parents=True)
        for job in dict.fromkeys((PRETRAINED, name)):
            grid.carry_out(each, "clean", job, never)
        return each.result("clean", name)

    here = on_numpy[name] = on_numpy.get(name) or carried_out("cpu", "here")
    there = carried_out(device, "there")
    assert len(here["log"]) == len(there["log"]) > 0 or name == "triplet-hard"
    for one, other in zip(here["log"], there["log"], strict=True):
        assert one == pytest.approx(other, rel=0.02, abs=0.02)
    for key in ("easy", "hard"):
        assert here["pairs"][key]["accuracy"] == pytest.approx(there["pairs"][key]["accuracy"], abs=0.1)


# --- tests ------------------------------------------------------------------------------------------------------------


def test_the_test_sets(task):
    tests = ReportTests(task.test, 200, 0)
    labels = task.test.labels
    for name, classes in TEST_SETS.items():
        pairs, triplets = tests.pairs[name], tests.triplets[name]
        assert set(labels[pairs.pairs].ravel()) == set(labels[triplets.pairs].ravel()) == set(classes)
        same = labels[pairs.pairs[:, 0]] == labels[pairs.pairs[:, 1]]
        assert np.array_equal(same, pairs.same == 1) and same.mean() == 0.5
        positive, negative = np.split(labels[triplets.pairs], 2)
        assert np.all(positive[:, 0] == positive[:, 1]) and np.all(negative[:, 0] != negative[:, 1])


class Constant:
    """A network that says the same of all images."""

    def forward(self, images, train=True):
        return np.ones((len(images), 3), np.float32)


class Oracle:
    """A network that knows the class: of these images the mean brightness."""

    def forward(self, images, train=True):
        return np.round(images.mean(axis=(1, 2, 3)) * 10)[:, None].astype(np.float32) * 100


@pytest.mark.parametrize(("twin", "expected"), [(Constant(), (0.5, 0.5, 0.1)), (Oracle(), (1, 1, 1))])
def test_a_constant_earns_chance_and_an_oracle_everything(twin, expected):
    labels = np.tile(np.arange(10), 12)
    images = np.tile((labels * 25.5).astype(np.uint8)[:, None, None, None], (1, 4, 4, 1))
    data = Dataset(images, labels, np.zeros(120, int), None, ("x",))
    known = PairSource(data, 5, False, 20, 0).sample(100, np.random.default_rng(0))
    network = Siamese(twin, DistanceHead(), 4)
    result = ReportTests(data, 500, 0).measure(network, "cpu", known, images)
    figures = result["pairs"]["hard"], result["triplets"]["medium"], result["ways"][10]
    assert [each["accuracy"] for each in figures] == pytest.approx(expected)
    assert all(each["trials"] == 500 for each in figures)


def test_the_threshold_is_of_training_pairs_alone(task, rng):
    grid.carry_out(task, "all", PRETRAINED, never)
    network = grid.rebuild(task, "all", PRETRAINED)
    known = PairSource(task.training, 5, False, 20, 0).sample(100, np.random.default_rng(0))
    results = [
        ReportTests(test, 50, 0).measure(network, "cpu", known, task.training.images)
        for test in (task.test, replace(task.test, images=rng.permutation(task.test.images)))
    ]
    assert results[0]["threshold"] == results[1]["threshold"]
    assert results[0]["pairs"]["train"] == results[1]["pairs"]["train"] and results[0]["ways"] != results[1]["ways"]


# --- the program ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    for prefix, count in (("train", 160), ("t10k", 15)):
        images, labels = invented(count, rng)
        (folder / f"mnist/{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"mnist/{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder


def start(options, out, until):
    """The program in a process group of its own, once the file ``until`` is there."""
    program = [sys.executable, "-m", "minisiamese.studies.report000", *options]
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (out / until).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def members(group):
    """The processes of a group."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(group) and "Z" not in line.split()[1]]


@contextmanager
def here(workers, begin, *arguments):
    """An executor that does its work at once, in this process."""

    def submit(function, *work):
        future = Future()
        future.set_result(function(*work))
        return future

    begin(*arguments)
    yield SimpleNamespace(submit=submit)


def test_the_program_interrupted_and_gone_on_with(small_mnist, tmp_path, monkeypatch, capsys):
    """In one process and on next to nothing: what the program says, keeps and leaves."""
    out, carry_out, done = tmp_path / "out", grid.carry_out, []

    def carry_out_and_interrupt(task, pretraining, name, tick):
        carry_out(task, pretraining, name, tick)
        done.append((pretraining, name))
        if len(done) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(grid, "carry_out", carry_out_and_interrupt)
    monkeypatch.setattr(grid, "processes", here)
    monkeypatch.setattr(Plan, "quick", lambda plan: replace(SMALL, epochs=1, steps=2, tests=30, images=20, looks=2))
    options = ["mnist", "--quick", "--data-dir", str(small_mnist), "--out", str(out)]
    assert call(monkeypatch, front.main, *options) == 130
    errors = capsys.readouterr().err
    assert errors.strip().splitlines()[-1].endswith(f"--out {out} --resume"), errors
    assert done and not (out / "results.json").exists()
    check_what_it_leaves(options, out, monkeypatch, capsys)
    assert len(done) == len(set(done)) == len(PRETRAINING) * (1 + len(RUNS))  # every job once


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_the_whole_program_interrupted_killed_and_gone_on_with(small_mnist, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    options = ["mnist", "--quick", "--data-dir", str(small_mnist), "--out", str(out), "--threads", "2"]
    for place, until in enumerate(("config.json", "clean/contrastive-1.npz")):  # processes begin; they are at work
        process = start([*options, "--resume"] if place else options, out, until)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130 and errors.strip().splitlines()[-1].endswith(f"--out {out} --resume"), errors
        assert "Traceback" not in errors and not (out / "results.json").exists()
    process = start([*options, "--resume"], out, "clean/triplet-hard.npz")
    process.kill()
    process.communicate(timeout=60)  # which waits for its children, since they have its pipes
    assert not members(process.pid)
    check_what_it_leaves(options, out, monkeypatch, capsys)


def check_what_it_leaves(options, out, monkeypatch, capsys):
    """A program that was begun is neither begun again nor gone on with otherwise; resumed, it leaves all it should."""
    assert call(monkeypatch, front.main, *options) == 2
    assert "exists already" in capsys.readouterr().err
    assert call(monkeypatch, front.main, *options, "--resume", "--seed", 1) == 2
    assert f"--seed cannot change on --resume: {out} was begun with 0" in capsys.readouterr().err
    again = [option for option in options if option != "--quick"]  # it is remembered
    assert call(monkeypatch, front.main, *again, "--resume") == 0
    printed = capsys.readouterr().out
    results = json.loads((out / "results.json").read_text())
    assert tables.render(results) in printed and (out / "tables.md").read_text() == tables.render(results)
    assert all(results[kind].keys() == {PRETRAINED, *RUNS} for kind in PRETRAINING)
    for name in ("ways", "triplets", "margins", "distances", "trial", "tsne"):
        assert (out / f"{name}.png").stat().st_size > 10_000
    log = results["all"]["triplet-semi-hard"]["log"]
    assert {"active", "d_ap", "d_an", "validation", "violated"} <= log[-1].keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["cifar10", "--data-dir", "nowhere"], "put the official archive there"),
        (["mnist", "--threads", 0], "--threads must be at least 1"),
        (["mnist", "--seed", -1], "--seed must be 0 or more"),
        (["mnist", "--resume", "--out", "nothing here"], "there is no report 000 in"),
        (["omniglot"], "invalid choice"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, front.main, *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not any(Path(tmp_path).iterdir())


# --- what was measured, as it is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize("data", tables.NAMES)
def test_the_page_shows_what_was_measured(data):
    lessons = Path(__file__).parents[2] / "lessons"
    results = load_json(lessons / f"report000/{data}.json")
    assert results["data"] == data and not results["quick"]
    assert tables.render(results) in (lessons / "report000.md").read_text()


@pytest.mark.parametrize("data", tables.NAMES)
def test_what_was_measured_is_within_two_points_of_the_report_or_better(data):
    results = load_json(Path(__file__).parents[2] / f"lessons/report000/{data}.json")["all"]
    for kind, sets in (("pairs", tables.SETS), ("triplets", tables.SETS[1:])):
        for name, figures in tables.REPORT[data][kind].items():
            for each, figure in zip(sets, figures, strict=True):
                assert 100 * results[name][kind][each]["accuracy"] >= figure - 2, (name, each)
    ways = {name: 100 * result["ways"]["10"]["accuracy"] for name, result in results.items()}
    report = tables.REPORT[data]["ways"]
    assert ways["contrastive-1"] >= report["contrastive-1"] and ways["bce-1"] >= report["bce-1"]
    assert max(ways[name] for name in ways if name.startswith("triplet")) >= report["triplet"]
