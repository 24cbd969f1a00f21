"""Training runs, on a small Omniglot: what they leave, and that nothing that stops them changes how they end."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import call, make_omniglot
from PIL import Image

from lessons import cupy_double
from minisiamese import checkpoint, data, threads
from minisiamese.criteria import CRITERIA
from minisiamese.data import DATASETS, omniglot
from minisiamese.data.dataset import hold_out
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.evaluate import protocols
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.fast.block import Block
from minisiamese.layers import Named
from minisiamese.mining import MINING
from minisiamese.runs import build, rules
from minisiamese.runs.folder import load_run
from minisiamese.runs.settings import PLACES, Settings
from minisiamese.studies.results.rows import command
from minisiamese.train import __main__ as train
from minisiamese.train import final_tests, loop
from minisiamese.train import trainer as training
from minisiamese.train.trainer import Trainer

PICTURES = ("curves.png", "pairs.png", "trial.png", "ways.png")
SLOW = "step = Trainer.train_step; Trainer.train_step = lambda self: (time.sleep(0.1), step(self))[1]"
SETTINGS = (
    *"--validation-alphabets 1 --batch 6 --drawings 3 --views 2 --validate-every 5 --checkpoint-every 4".split(),
    *"--seed 3 --network conv4".split(),  # which is trained sooner than the default
    *"--lr 3e-4".split(),  # which keeps the differences of rounding small that a large rate of adam would amplify
)


@pytest.fixture(autouse=True, scope="module")
def quick_tests():
    """The tests after training measure one baseline, on few trials."""
    patch = pytest.MonkeyPatch()
    patch.setattr(protocols, "BASELINES", {"nearest_neighbour": nearest_neighbour})
    for name, trials in {"nway": 30, "verification": 60}.items():
        patch.setitem(protocols.PROTOCOLS, name, replace(protocols.PROTOCOLS[name], trials=trials))
    patch.setattr(training, "VALIDATION_RUNS", 2)
    patch.setitem(DATASETS["omniglot"].validation_runs, "paper", 2)
    yield
    patch.undo()


@pytest.fixture
def weights_alone(monkeypatch):
    """A run ends with its weights, its log and a summary of them: what comes after training, and takes longer than
    these few steps, is not what the test is about."""
    monkeypatch.setattr(final_tests, "test_best", lambda trainer: {})
    monkeypatch.setattr(final_tests.plots, "curves", lambda *paths: None)


@pytest.fixture
def no_pictures(monkeypatch):
    """The tests after training are made and not drawn: a test of what they come to."""
    for name in ("curves", "test_pairs", "trial", "ways"):
        monkeypatch.setattr(final_tests.plots, name, lambda *content: None)


def arguments(folder, out, *more, steps=12):
    return ["omniglot", "--data-dir", str(folder), "--out", str(out), "--steps", str(steps), *SETTINGS, *map(str, more)]


def start(monkeypatch, *argv):
    """Run the training program here; its exit code."""
    return call(monkeypatch, train.main, *argv)


def assert_same_end(out, other):
    """Two runs ended with the same weights, optimiser and random state, bit for bit."""
    for name in ("last.npz", "best.npz"):
        (arrays, meta), (other_arrays, other_meta) = checkpoint.load(out / name), checkpoint.load(other / name)
        assert meta["step"] == other_meta["step"] and meta.get("random_state") == other_meta.get("random_state")
        assert arrays.keys() == other_arrays.keys()
        assert all(np.array_equal(arrays[key], other_arrays[key]) for key in arrays)


@pytest.fixture(scope="module")
def whole(quick_tests, tmp_path_factory, small_omniglot):
    """A run that nothing stopped."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    patch = pytest.MonkeyPatch()
    assert start(patch, *arguments(small_omniglot, out)) == 0
    patch.undo()
    return out


def test_what_a_run_leaves(whole, small_omniglot):
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["dataset"] == "omniglot" and summary["network"] == "conv4" and summary["loss"] == "nway"
    assert Settings.of_recipe(data="omniglot").network.name == "conv4-wide"
    assert summary["steps"] == 12 and summary["finished"] and summary["seed"] == 3 and summary["seconds"] > 0
    assert "numpy" in summary["versions"]
    for key in ("lake", "one_shot", "across", "verification"):
        assert 0 <= summary[key]["accuracy"] <= 1 and summary[key]["trials"] > 0 and len(summary[key]["interval"]) == 2
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation_accuracy" in line] == [0, 5, 10, 12]
    assert all(np.isfinite(line["loss"]) for line in lines if "loss" in line)
    for name in PICTURES:
        with Image.open(whole / name) as picture:
            assert min(picture.size) > 200 and len(np.unique(np.asarray(picture))) > 10
    assert json.loads((whole / "config.json").read_text())["batch"] == 6


def test_evaluate_repeats_the_summary(whole, small_omniglot):
    summary = json.loads((whole / "summary.json").read_text())
    network, trained, _ = load_run(whole)
    for key, protocol in (("lake", "lake"), ("one_shot", "nway"), ("verification", "verification")):
        again = protocols.measure(
            protocols.EvaluateOptions(whole, protocol=protocol, data_dir=small_omniglot), network, trained
        )
        threshold = {
            name: pytest.approx(value, rel=1e-6) for name, value in summary[key].items() if name == "threshold"
        }
        assert again == summary[key] | threshold  # other views in a batch: the last digit of an embedding may differ


@pytest.mark.parametrize("stop_at", [1, 7, 12])
def test_ctrl_c_and_resume_end_alike(whole, small_omniglot, tmp_path, monkeypatch, capsys, weights_alone, stop_at):
    out, step = tmp_path / "run", Trainer.train_step

    def step_and_interrupt(trainer):
        loss = step(trainer)
        if trainer.step == stop_at:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    code = start(monkeypatch, *arguments(small_omniglot, out))
    monkeypatch.setattr(Trainer, "train_step", step)
    if stop_at < 12:
        assert code == 130 and "--resume" in capsys.readouterr().out
        summary = json.loads((out / "summary.json").read_text())
        assert not summary["finished"] and summary["steps"] == stop_at and summary["lake"] is None
        assert start(monkeypatch, "omniglot", "--data-dir", small_omniglot, "--out", out, "--resume") == 0
    assert_same_end(out, whole)
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps) and steps.count(0) == 1


def test_a_closed_pipe_loses_no_step(small_omniglot, tmp_path, monkeypatch):
    def nobody_reads(line):
        if not line.startswith("step 0"):
            raise BrokenPipeError

    monkeypatch.setattr(loop.tqdm, "write", nobody_reads)
    often = ("--validate-every", 1)  # the next line would be written before the step is saved
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run"), *often) == 130
    assert checkpoint.load(tmp_path / "run/last.npz")[1]["step"] == 2


def test_a_run_stopped_before_its_first_save_begins_again(whole, small_omniglot, tmp_path, monkeypatch, weights_alone):
    step, validate, out = Trainer.train_step, Trainer.validate, tmp_path / "run"

    def fail(trainer):
        if trainer.step == 7:  # after a validation
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(Trainer, "train_step", fail)
    monkeypatch.setattr(Trainer, "validate", lambda trainer: trainer.step / 100)
    argv = arguments(small_omniglot, out)
    argv[argv.index("--checkpoint-every") + 1] = "100"
    assert start(monkeypatch, *argv) == 130
    assert checkpoint.load(out / "best.npz")[1]["step"] == 5 and not (out / "last.npz").exists()
    monkeypatch.setattr(Trainer, "train_step", step)
    monkeypatch.setattr(Trainer, "validate", validate)
    assert start(monkeypatch, *argv[:5], "--resume") == 0
    assert_same_end(out, whole)


def test_kill_and_resume_end_alike(whole, small_omniglot, tmp_path, monkeypatch, weights_alone):
    out = tmp_path / "run"
    program = [
        sys.executable,
        "-c",
        "import time; from minisiamese.train import __main__ as train, trainer; from minisiamese.train.trainer import "
        f"Trainer; trainer.VALIDATION_RUNS = 2; {SLOW}; train.main()",
    ]
    process = subprocess.Popen([*program, *arguments(small_omniglot, out)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (out / "last.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)  # into the steps after the checkpoint
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < checkpoint.load(out / "last.npz")[1]["step"] < 12
    with open(out / "metrics.jsonl", "a") as metrics:
        metrics.write('{"step": 11, "lo')  # a line cut short
    assert start(monkeypatch, "omniglot", "--data-dir", small_omniglot, "--out", out, "--resume") == 0
    assert_same_end(out, whole)


def test_the_best_weights_are_those_that_did_best_on_held_out_alphabets(
    small_omniglot, tmp_path, monkeypatch, no_pictures
):
    accuracies = iter([0.1, 0.9, 0.3, 0.2])  # at steps 0, 5, 10 and 12
    monkeypatch.setattr(Trainer, "validate", lambda trainer: next(accuracies))
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run")) == 0
    assert checkpoint.load(tmp_path / "run/best.npz")[1]["step"] == 5
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert (summary["best_step"], summary["validation_accuracy"]) == (5, 0.9)


def test_evaluation_alphabets_have_no_say_in_training(whole, tmp_path, monkeypatch, no_pictures):
    """The same background with other evaluation alphabets and runs: the same weights, the same choice of the best."""
    other = make_omniglot(tmp_path, range(45, 47))
    assert start(monkeypatch, *arguments(other, tmp_path / "run")) == 0
    assert_same_end(tmp_path / "run", whole)
    figures = [json.loads((out / "summary.json").read_text()) for out in (whole, tmp_path / "run")]
    assert (
        figures[0]["lake"] | figures[0]["verification"] != figures[1]["lake"] | figures[1]["verification"]
    )  # new tests


def test_evaluation_data_is_asked_for_first_and_opened_last(small_omniglot, tmp_path, monkeypatch, no_pictures):
    folder = tmp_path / "data/omniglot"
    folder.mkdir(parents=True)
    shutil.copy(small_omniglot / "omniglot/images_background.zip", folder)
    seen = []
    load = data.load

    def watch(name, split, data_dir):
        seen.append((split, (tmp_path / "run/last.npz").exists()))
        return load(name, split, data_dir)

    monkeypatch.setattr(data, "load", watch)
    argv = arguments(tmp_path / "data", tmp_path / "run", steps=4)
    assert start(monkeypatch, *argv) == 2  # what the tests will need is missing: better said now than after training
    assert not (tmp_path / "run").exists()
    for name in ("images_evaluation.zip", "all_runs.zip"):
        (folder / name).write_bytes(b"not looked into before training is over")
    assert start(monkeypatch, *argv) == 2
    assert set(seen) == {("background", False), ("background", True)}  # True: to calibrate, on what was held out
    assert checkpoint.load(tmp_path / "run/last.npz")[1]["step"] == 4
    for name in ("images_evaluation.zip", "all_runs.zip"):
        shutil.copy(small_omniglot / "omniglot" / name, folder)
    assert start(monkeypatch, *argv[:5], "--resume") == 0  # nothing was lost
    assert ("evaluation", True) in seen and ("evaluation", False) not in seen


def test_what_is_trained_on_is_not_what_is_validated_on(drawings):
    training, held = hold_out(drawings, 2)
    trainer = Trainer(Settings.of_recipe(data="omniglot", batch=6, drawings=3).checked(), training, held)
    pictures = {image.tobytes() for image in trainer.trials.images}
    assert pictures <= {image.tobytes() for image in held.images}
    assert not pictures & {image.tobytes() for image in training.images}
    rows = np.concatenate([trainer.material.sampler.draw(trainer.rng).rows for _ in range(50)]) % len(training.images)
    assert np.array_equal(np.unique(training.groups[rows]), np.arange(len(training.group_names)))


@pytest.mark.parametrize("loss", CRITERIA)
def test_every_loss_learns_a_batch_by_heart(loss, drawings, monkeypatch, device):
    settings = {
        "batch": 6,
        "drawings": 3,
        "lr": (1e-3,),
        "margin": 100.0,
        "distort": False,
        "turn": False,
        "schedule": "constant",
        "device": device,
    }
    config = Settings.of_recipe(data="omniglot", network="conv4", frame="page", loss=loss, **settings).checked()
    trainer = Trainer(config, *hold_out(drawings, 1))
    batch = trainer.material.sampler.draw(trainer.rng)
    monkeypatch.setattr(trainer.material.sampler, "draw", lambda rng: batch)
    losses = [float(trainer.train_step()) for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("network", ["conv4", "conv4-wide"])
@pytest.mark.parametrize("loss", ["nway", "contrastive-linear"])
def test_an_embedding_is_as_long_as_asked(network, loss, drawings):
    config = Settings.of_recipe(data="omniglot", network=network, loss=loss, batch=6, embedding=10).checked()
    trainer = Trainer(config, *hold_out(drawings, 1))
    trainer.train_step()
    assert trainer.last[0].shape[1] == trainer.network.twin.layers[-1].params["W"].shape[1] == 10


def test_settings_of_a_run_reach_its_sampler_and_its_distortions(drawings, monkeypatch):
    config = Settings.of_recipe(
        data="omniglot", network="conv4", loss="bce", batch=10, positive=0.2, flips=True
    ).checked()
    seen = []
    draw = build.draw_photographic
    monkeypatch.setattr(build, "draw_photographic", lambda rng, count: (seen.append(count), draw(rng, count))[1])
    trainer = Trainer(config, *hold_out(drawings, 1))
    trainer.train_step()
    assert seen == [20] and trainer.last[1].same.sum() == 2


@pytest.mark.parametrize(("network", "loss"), [("conv4", "nway"), ("koch35", "bce")])
def test_plain_and_fused_layers_train_alike(network, loss, drawings):
    """Side by side for a few steps: the same losses and weights but for roundings, which decide ties in pooling."""
    settings = {"network": network, "loss": loss, "batch": 6, "drawings": 3, "optimizer": "momentum", "lr": (1e-3,)}
    plain, fused = (
        Trainer(Settings.of_recipe(data="glyphs", plain=plain, **settings).checked(), *hold_out(drawings, 1))
        for plain in (True, False)
    )
    assert type(plain.network.twin.layers[0]) is Named and isinstance(fused.network.twin.layers[0], Block)
    before = {name: array.copy() for name, array in plain.network.arrays().items()}
    for _ in range(3):
        assert float(plain.train_step()) == pytest.approx(float(fused.train_step()), rel=1e-3)
    arrays = fused.network.arrays()
    assert max(abs(arrays[name] - before[name]).max() for name in before) > 2e-3
    for name, array in plain.network.arrays().items():
        np.testing.assert_allclose(array, arrays[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_plain_run_is_evaluated_fused(small_omniglot, tmp_path, monkeypatch, weights_alone):
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", "--plain", steps=1)) == 0
    network, settings, _ = load_run(tmp_path / "run")
    assert settings.network.plain and isinstance(network.twin.layers[0], Block)


def test_settings_are_flat_in_files_and_as_by_default_where_a_file_has_none(tmp_path):
    settings = Settings.of_recipe("paper", data="omniglot", weights=None, out=tmp_path).checked()
    values = json.loads(json.dumps(settings.to_json()))
    assert Settings.from_json(values, tmp_path) == settings and values["network"] == "koch"
    for name in ("positive", "embedding", "flips", "plain"):
        del values[name]
    assert Settings.from_json(values, tmp_path) == settings
    for bad in (None, [], {}, values | {"network": "resnet"}, values | {"batch": "many"}, values | {"lr": 3}):
        with pytest.raises(BadInput):
            Settings.from_json(bad, tmp_path)


def test_settings_by_their_flat_keys():
    settings = Settings.of_recipe(data="glyphs", network="resnet18", steps=3)
    assert settings.learning.lr == (1e-4,) and settings.measuring.views == 1  # what is usual for the network
    other = settings.but(network="conv4", lr=(1.0,), seed=4)
    changed = {key for key, value in other.flat().items() if value != settings.flat()[key]}
    assert changed == {"network", "lr", "seed"} and other.network.name == "conv4"


LEARNING = {  # settings that decide what a step does
    **{loss: {"loss": loss} for loss in CRITERIA},
    # without warps, which bring triplets so close together that rounding chooses among them
    **{f"mined-{how}": {"loss": "triplet", "mining": how, "drawings": 3, "warp": 0.0} for how in MINING[1:]},
    "paper": {
        "loss": "bce",
        "optimizer": "momentum",
        "schedule": "epoch",
        "epoch_steps": 3,
        "pairs": 12,
        "l2": (1e-4,),
    },
    "euclidean": {"head": "euclidean", "l2": (1e-3,)},
    "koch35": {"network": "koch35", "loss": "bce"},
}


def trainer_on(device, name, drawings):
    settings = {"network": "conv4", "batch": 6, "device": device} | LEARNING[name]
    return Trainer(Settings.of_recipe(data="omniglot", **settings).checked(), *hold_out(drawings, 1))


@pytest.fixture
def rel(request, monkeypatch):
    """How alike losses are after some steps on two devices. A few roundings decide ties in pooling, and Adam makes much
    of small gradients: so the double computes in NumPy's chunks, and is nearly exact. No GPU is."""
    monkeypatch.setattr(threads, "DEVICE_CHUNK_BYTES", threads.HOST_CHUNK_BYTES)
    return 0.2 if request.node.callspec.params["device"] == "cupy" else 1e-3


@pytest.fixture(scope="module")
def on_numpy():
    """{name: what ``three_steps`` on NumPy left}, of those that a device was compared with before."""
    return {}


def three_steps(device, name, drawings):
    """The losses of three steps, and the random state after them."""
    trainer = trainer_on(device, name, drawings)
    return [float(trainer.train_step()) for _ in range(3)], trainer.rng.bit_generator.state


@pytest.mark.parametrize("name", LEARNING)
def test_steps_are_the_same_on_every_device(name, drawings, device, rel, on_numpy):
    losses, state = on_numpy[name] = on_numpy.get(name) or three_steps("cpu", name, drawings)
    assert three_steps(device, name, drawings) == (pytest.approx(losses, rel=rel), state)


@pytest.mark.parametrize("name", LEARNING)
def test_a_step_copies_nothing_to_the_host(name, drawings, monkeypatch):
    cupy_double.install(monkeypatch)
    trainer = trainer_on("cuda", name, drawings)
    before, waited = cupy_double.copies(), cupy_double.synchronisations()
    for _ in range(2):
        loss = trainer.train_step()
    assert cupy_double.copies() == before and cupy_double.synchronisations() == waited
    assert np.isfinite(float(loss)) and cupy_double.copies() == before + 1


@pytest.mark.parametrize(("name", "a_line"), [("nway", 2), ("euclidean", 3), ("mined-semi-hard", 3)])
def test_the_loss_is_all_that_a_run_reads_and_only_to_print_it(name, a_line, drawings, tmp_path, monkeypatch):
    """The loss and whether all weights are numbers; an L2 penalty, and the distances of triplets, are printed, too."""
    cupy_double.install(monkeypatch)
    trainer = trainer_on("cuda", name, drawings)
    trainer.steps = 20
    for saving in ("validate", "save_best", "save_last"):
        monkeypatch.setattr(trainer, saving, lambda *_: 0.0)
    before = cupy_double.copies()
    loop.loop(trainer, tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert sum('"loss"' in line for line in lines) == 2 == trainer.steps // loop.LOG_EVERY
    assert cupy_double.copies() == before + 2 * a_line


def test_one_bad_number_among_the_weights_is_seen(drawings, device):
    trainer = trainer_on(device, "nway", drawings)
    assert trainer.finite()
    for bad in (np.nan, np.inf):
        trainer.network.arrays()["twin.2.conv.W"][0, 1, 0, 5] = bad
        assert not trainer.finite()


def test_a_run_goes_on_on_another_device(whole, small_omniglot, tmp_path, monkeypatch, weights_alone, device, rel):
    """Begun on the device and finished on NumPy, and the other way round: the losses are those of a run on NumPy."""
    step, losses = Trainer.train_step, []

    def step_and_interrupt(trainer):
        losses.append(float(loss := step(trainer)))
        if trainer.step == 7:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    for name, first, then in (("run", device, "cpu"), ("other", "cpu", device)):
        out = tmp_path / name
        assert start(monkeypatch, *arguments(small_omniglot, out), "--device", first) == 130
        again = "omniglot", "--data-dir", small_omniglot, "--out", out, "--resume", "--device", then
        assert start(monkeypatch, *again) == 0
        assert checkpoint.load(out / "last.npz")[1]["step"] == 12
        assert json.loads((out / "summary.json").read_text())["finished"]
    np.testing.assert_allclose(losses[:12], losses[12:], rtol=rel)
    printed = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in printed if line["step"] == 12 and "loss" in line] == pytest.approx(
        [np.mean(losses[10:12])], rel=rel
    )


def test_momentum_epochs_l2_and_the_euclidean_head(small_omniglot, tmp_path, monkeypatch, no_pictures, device):
    more = "--optimizer momentum --lr 0.01 --schedule epoch --epoch-steps 2 --l2 1e-3 1e-3 1e-3 1e-3 0 --head euclidean"
    # the Euclidean head has weights of its own, w
    assert (
        call(
            monkeypatch,
            train.main,
            *arguments(small_omniglot, tmp_path / "run", *more.split(), "--no-distort", "--device", device, steps=4),
        )
        == 0
    )
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert lines[-2]["penalty"] > 0
    assert lines[-2]["lr"] == pytest.approx(0.01 * 0.99)  # of the fourth step, in the second epoch


PAPER = (
    "--recipe paper --network koch35 --pairs 12 --batch 4 --seed 3 --lr 1e-3 --validate-every 5 --checkpoint-every 4"
)


def test_the_papers_recipe_whole(small_omniglot, tmp_path, monkeypatch, request, no_pictures):
    """Its division, its pairs and their copies, its rising momentum; stopped and resumed, it ends alike."""
    argv = ["omniglot", "--data-dir", small_omniglot, *PAPER.split(), "--steps", "30"]
    assert start(monkeypatch, *argv, "--out", tmp_path / "whole") == 0
    request.getfixturevalue("weights_alone")  # the tests after training have been made once
    config = json.loads((tmp_path / "whole/config.json").read_text())
    assert (config["epoch_steps"], config["init"], config["split"], config["patience"]) == (27, "paper", "paper", 20)
    assert (config["loss"], config["optimizer"], config["schedule"]) == ("bce", "momentum", "epoch")
    assert (config["frame"], config["turn"], config["views"]) == ("page", False, 1)
    step = Trainer.train_step
    caps = []

    def step_and_interrupt(trainer):
        caps.append(trainer.schedule(trainer.step, trainer.steps)[1])
        loss = step(trainer)
        if trainer.step == 7:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    assert start(monkeypatch, *argv, "--out", tmp_path / "run") == 130
    resume = [*argv[:3], "--out", tmp_path / "run", "--resume"]
    assert start(monkeypatch, *resume, "--recipe", "matlab") == 2  # another recipe
    assert start(monkeypatch, *resume, "--recipe", "paper") == 0
    assert caps == [0.5] * 27 + [0.51] * 3
    assert_same_end(tmp_path / "run", tmp_path / "whole")


def test_the_few_shot_division_never_meets_lakes_test(small_omniglot, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(omniglot, "VINYALS_CHARACTERS", 162 + 20)  # 20 of the evaluation characters
    monkeypatch.setattr(omniglot, "VINYALS_VALIDATION", ("glyphs02",))
    out = tmp_path / "run"
    assert call(monkeypatch, train.main, *arguments(small_omniglot, out, "--split", "vinyals", steps=2)) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["lake"] is None and summary["across"]["division"] == "vinyals"
    assert "Lake" not in capsys.readouterr().out
    given = (out, "--data-dir", small_omniglot)
    assert call(monkeypatch, evaluate.main, *given, "--protocol", "lake") == 2
    assert "it would be no test" in capsys.readouterr().err
    assert call(monkeypatch, evaluate.main, *given, "--way", 5, "--trials", 10) == 0  # the default is another
    assert "5-way 1-shot" in capsys.readouterr().out


def test_the_matlab_recipe_whole(small_omniglot, tmp_path, monkeypatch):
    recipe = ["omniglot", "--recipe", "matlab", "--data-dir", small_omniglot, "--network", "koch35"]
    recipe += ["--validation-alphabets", 1]
    assert start(monkeypatch, *recipe, "--batch", 6, "--steps", 2, "--out", tmp_path / "run") == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert (config["init"], config["beta2"], config["lr"], config["within"]) == ("narrow", 0.99, [6e-5], 0)
    usual = Settings.of_recipe("matlab", data="omniglot").checked()
    assert (usual.learning.steps, usual.loss.batch, usual.network.name) == (10_000, 180, "koch")
    assert Settings.of_recipe("matlab", data="omniglot", minutes=3.0).checked().learning.steps is None


def test_patience_ends_a_run(small_omniglot, tmp_path, monkeypatch, request, no_pictures):
    monkeypatch.setattr(Trainer, "validate", lambda trainer: 0.5 if trainer.step >= 10 else 0.1)
    argv = arguments(small_omniglot, tmp_path / "long", "--patience", 2, "--epoch-steps", 5, steps=60)
    assert start(monkeypatch, *argv) == 0
    summary = json.loads((tmp_path / "long/summary.json").read_text())
    assert summary["finished"] and (summary["steps"], summary["best_step"]) == (20, 20)
    assert checkpoint.load(tmp_path / "long/best.npz")[1]["calibration"]["slope"] > 0
    request.getfixturevalue("weights_alone")
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", "--patience", 2, "--epoch-steps", 5)) == 0
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 12


def test_minutes_set_the_steps(small_omniglot, tmp_path, monkeypatch, weights_alone):
    argv = [part for part in arguments(small_omniglot, tmp_path / "run") if part not in ("--steps", "12")]
    assert start(monkeypatch, *argv, "--minutes", "0.03") == 0
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["steps"] > 3 and summary["finished"]
    assert json.loads((tmp_path / "run/config.json").read_text())["steps"] is None


def test_minutes_are_the_same_run_as_the_steps_they_came_to(small_omniglot, tmp_path, monkeypatch, weights_alone):
    def plan(trainer):
        planning = trainer.step == 2 and trainer.steps is None
        trainer.steps = 20 if planning else trainer.steps
        return planning

    def fail(trainer):
        if trainer.step == 5:
            raise KeyboardInterrupt  # as if killed, after the plan and before the next regular save
        return step(trainer)

    step = Trainer.train_step
    monkeypatch.setattr(Trainer, "plan", plan)
    monkeypatch.setattr(Trainer, "train_step", fail)
    argv = [part for part in arguments(small_omniglot, tmp_path / "run") if part not in ("--steps", "12")]
    argv[argv.index("--checkpoint-every") + 1] = "100"
    assert start(monkeypatch, *argv, "--minutes", "1") == 130
    monkeypatch.setattr(Trainer, "plan", lambda trainer: pytest.fail("planned twice") if not trainer.steps else False)
    monkeypatch.setattr(Trainer, "train_step", step)
    assert start(monkeypatch, *argv[:5], "--resume") == 0
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "again", steps=20)) == 0
    assert_same_end(tmp_path / "run", tmp_path / "again")


def test_a_loss_that_is_not_a_number_stops_the_run(small_omniglot, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    assert start(monkeypatch, *arguments(small_omniglot, out, "--lr", "1e30")) == 2
    error = capsys.readouterr().err
    assert "no longer a number" in error and "--lr" in error and error.count("\n") == 1
    arrays, meta = checkpoint.load(out / "best.npz")
    assert meta["step"] == 0 and all(np.all(np.isfinite(array)) for array in arrays.values())
    assert not (out / "last.npz").exists()


def test_a_recipe_file_holds_settings_that_others_change(tmp_path, monkeypatch):
    """Any setting, written by hand; the command line has the last word."""
    recipe = {"network": "koch35", "maps": [16, 16, 16, 32], "kernels": [4, 3, 2, 3], "embedding": 128, "lr": [0.1]}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe | {"loss": "bce", "turn": False, "seed": 3}))
    monkeypatch.setattr(sys, "argv", f"train glyphs --recipe {path} --embedding 64 --warp 0".split())
    settings = train.from_command_line().checked()
    flat = settings.flat()
    assert {key: flat[key] for key in ("maps", "kernels", "lr")} == {
        key: tuple(recipe[key]) for key in ("maps", "kernels", "lr")
    }
    assert (flat["embedding"], flat["turn"], flat["seed"], flat["recipe"]) == (64, False, 3, str(path))
    shapes = [
        array.shape for array in build.build(settings, np.random.default_rng(0)).arrays().values() if array.ndim > 1
    ]
    assert shapes == [(4, 4, 1, 16), (3, 3, 16, 16), (2, 2, 16, 16), (3, 3, 16, 32), (32, 64)]
    path.write_text('{"network": "resnet18", "lr": [0.01]}')  # in place of the network's usual rate
    assert Settings.of_recipe(str(path), data="omniglot").learning.lr == (0.01,)
    path.unlink()  # a run does not need it any more
    assert Settings.from_json(settings.to_json(), path) == settings
    words = "train glyphs --no-turn --warp 0.0 --network koch35 --embedding 64 --maps 16 16 16 32 --kernels 4 3 2 3"
    assert command(settings) == f"{words} --loss bce --lr 0.1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no settings (Expecting value"),
        ("[1]", "holds no settings"),
        ('{"size": 3}', "there is no setting 'size'"),
        ('{"lr": "fast"}', "holds no settings (Expected `array`"),
        ('{"margin": 0}', "--margin must be more than 0"),
        ('{"loss": "hinge"}', "holds no settings (Invalid enum"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_line(small_omniglot, tmp_path, monkeypatch, capsys, text, complaint):
    path = tmp_path / "recipe.json"
    path.write_text(text)
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", "--recipe", path)) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--device", "cuda"], "--device cuda"),
        (["--lr", "inf"], "--lr must be more than 0 and finite"),
        (["--momentum", "3"], "--momentum"),
        (["--l2", "-1"], "--l2"),
        (["--loss", "triplet", "--head", "euclidean"], "--head euclidean is for --loss nway and bce, not for triplet"),
        (["--steps", "0"], "--steps must be more than 0"),
        (["--minutes", "3"], "--steps or --minutes"),
        (["--within", "2"], "--within"),
        (["--seed", "-1"], "--seed"),
        (["--batch", "500"], "classes to train on"),
        (["--drawings", "9"], "only 4 images"),
        (["--l2", "1", "2"], "--l2 takes 1 or 5 numbers"),
        (["--init", "paper"], "--init paper is for --network koch and koch35, not for conv4"),
        (["--recipe", "best", "--lr", "1", "2"], "--lr takes 1 or 5 numbers"),
        (["--beta2", "1"], "--beta2"),
        (["--batch", "1"], "--batch must be at least 2"),
        (["--loss", "triplet", "--mining", "hard", "--batch", "1"], "--batch must be at least 2"),
        (["--mining", "hard"], "--mining hard is for --loss triplet and triplet-squared, not for nway"),
        (["--loss", "triplet", "--mining", "hardest", "--hardest", "0"], "--hardest is a share"),
        (["--recipe", "matlab", "--network", "conv4"], "(--recipe matlab is --init narrow)"),
        (["--recipe", "paper", "--network", "koch", "--freeze", "1"], "(--recipe paper is --network koch)"),
        (["--pairs", "100"], "--pairs is for --loss bce, contrastive and contrastive-linear, not for nway"),
        (["--loss", "bce", "--pairs", "5"], "--pairs 5"),
        (["--positive", "0.4"], "--positive is for pairs drawn at random, not for nway"),
        (["--loss", "bce", "--pairs", "60", "--positive", "0.4"], "not for --pairs"),
        (["--loss", "bce", "--positive", "0.1"], "pairs of both kinds among 6"),
        (["--loss", "bce", "--positive", "1"], "pairs of both kinds among 6"),
        (["--flips", "--no-distort"], "distortions drawn at random, not for --no-distort"),
        (["--loss", "bce", "--pairs", "60", "--flips"], "distortions drawn at random, not for --pairs"),
        (["--embedding", "0"], "--embedding must be more than 0"),
        (
            ["--network", "vgg16", "--embedding", "16"],
            "--embedding is for --network conv4, conv4-wide, koch and koch35",
        ),
        (["--kernels", "3", "3"], "--kernels is for --network koch and koch35, not for conv4"),
        (["--network", "koch35", "--kernels", "9", "9", "9", "9"], "kernels of 9, 9, 9, 9 leave no pixel of 35 x 35"),
        (["--network", "koch35", "--maps", "9", "9", "9"], "maps of 3 convolutions do not go with kernels of 4"),
        (["--weights", "my.pth"], "--weights is for --network resnet18 and vgg16"),
        (["--freeze", "1"], "--freeze is for --network resnet18 and vgg16, not for conv4"),
        (["--network", "vgg16", "--freeze", "7"], "--freeze must be 0 to 6 for --network vgg16"),
        (["--network", "resnet18", "--freeze", "4", "--loss", "triplet"], "--freeze 4 leaves nothing to train"),
        (["--recipe"], "--recipe"),
        (["--recipe", "cake"], "--recipe must be best, paper, matlab or a file of settings, not cake"),
        (["--views", "0"], "--views"),
        (["--validation-alphabets", "9"], "--validation-alphabets"),
        (["--data-dir", "/nowhere"], "glyphs"),
        (["--loss", "hinge"], "invalid choice"),
        (["--resume"], "no run in"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(small_omniglot, tmp_path, monkeypatch, capsys, more, complaint):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as on a machine without it
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", *more)) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_new_division_of_a_data_set_takes_its_record_alone(drawings, tmp_path, monkeypatch):
    """Its name stands nowhere else: neither in rules nor in the trainer."""
    divisions = {"halves": lambda name, data, data_dir, largest: drawings}
    new = replace(DATASETS["glyphs"], divisions=divisions, usual={"split": "halves"})
    monkeypatch.setitem(DATASETS, "glyphs", new)
    settings = Settings.of_recipe(data="glyphs", network="conv4", batch=5, drawings=2, steps=1, out=tmp_path)
    with pytest.raises(BadInput, match="--split must be one of"):  # the choices are those of all sets when it began
        settings.checked()
    monkeypatch.setitem(rules.CHOICES, "split", [*rules.CHOICES["split"], "halves"])
    trainer = Trainer(settings.checked(), drawings, drawings)
    assert np.isfinite(float(trainer.train_step()))
    with pytest.raises(BadInput, match="--split must be halves for glyphs, not paper"):
        settings.but(split="paper").checked()


@pytest.mark.parametrize("line", [["cake"], ["--steps", "3"]])
def test_the_data_set_has_one_name(monkeypatch, capsys, line):
    """A group of settings is no part of a name on the command line."""
    assert start(monkeypatch, *line) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and "data" in complaint.lower() and "data.name" not in complaint


def test_a_run_is_never_overwritten(whole, small_omniglot, tmp_path, monkeypatch, capsys):
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert start(monkeypatch, *arguments(small_omniglot, whole)) == 2
    assert "--resume" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before

    out = tmp_path / "cut"
    shutil.copytree(whole, out)
    os.truncate(out / "last.npz", 1000)
    resume = ["omniglot", "--data-dir", small_omniglot, "--out", out, "--resume"]
    assert start(monkeypatch, *resume) == 2
    assert "not a whole checkpoint" in capsys.readouterr().err
    assert (out / "best.npz").read_bytes() == before["best.npz"]
    assert start(monkeypatch, "glyphs", *resume[1:]) == 2
    assert "the data set cannot change on --resume" in capsys.readouterr().err
    assert start(monkeypatch, *resume, "--steps", "99") == 2
    assert "--steps cannot change on --resume" in capsys.readouterr().err
    assert start(monkeypatch, *resume, "--seed", "0") == 2  # the default, but not this run's
    assert "--seed cannot change on --resume" in capsys.readouterr().err
    assert start(monkeypatch, *resume, "--minutes", "5") == 2
    assert "--minutes cannot change on --resume" in capsys.readouterr().err
    assert start(monkeypatch, *resume, "--pairs", "100") == 2
    assert "--pairs cannot change on --resume" in capsys.readouterr().err
    (out / "last.npz").unlink()  # not a reason to begin again, over the best weights
    assert start(monkeypatch, *resume) == 2
    assert "last.npz is missing" in capsys.readouterr().err
    assert (out / "best.npz").read_bytes() == before["best.npz"]
    assert (out / "metrics.jsonl").read_bytes() == before["metrics.jsonl"]
    good = json.loads(before["config.json"])
    for bad in ("{", "[]", json.dumps(good | {"network": "resnet"}), json.dumps(good | {"batch": "many"})):
        (out / "config.json").write_text(bad)
        assert start(monkeypatch, *resume) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_gets_one_line(small_omniglot, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Trainer, "save_last", full)
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run")) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error and error.count("\n") == 1


def test_ctrl_c_in_the_final_tests_says_how_to_go_on(small_omniglot, tmp_path, monkeypatch, capsys, no_pictures):
    def interrupted(*_):
        raise KeyboardInterrupt

    measure = protocols.measure
    monkeypatch.setattr(protocols, "measure", interrupted)
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", steps=2)) == 130
    assert "--resume" in capsys.readouterr().err
    monkeypatch.setattr(protocols, "measure", measure)
    assert start(monkeypatch, *arguments(small_omniglot, tmp_path / "run", steps=2)[:5], "--resume") == 0
    assert json.loads((tmp_path / "run/summary.json").read_text())["finished"]


def test_help_explains_every_setting_in_sections_of_a_screen_each(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert start(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    assert all(f"--{key.replace('_', '-')}" in text for key in PLACES if key != "data")
    assert "Seed of every random draw" in text
    titles = re.findall("^ (?:(\\w+) options|options) *$", text, re.MULTILINE)
    assert titles == ["", "data", "network", "loss", "learning", "measuring", "machine"]
    assert max(section.count("\n") for section in re.split("^ .*options *$", text, flags=re.MULTILINE)) <= 40
