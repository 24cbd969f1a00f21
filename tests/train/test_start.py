"""A run that starts from another: what it takes over, what it changes, and what it refuses."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import call

from minisiamese import checkpoint
from minisiamese.backbones.residual import Frozen
from minisiamese.checkpoint import load_json
from minisiamese.data import folder as images
from minisiamese.data import glyphs
from minisiamese.errors import BadInput
from minisiamese.runs.build import initial, untrained
from minisiamese.runs.folder import load_run
from minisiamese.runs.settings import Settings
from minisiamese.runs.start import fill, fit_channels
from minisiamese.train import __main__ as train
from minisiamese.train import final_tests
from minisiamese.train import trainer as training
from minisiamese.train.trainer import Trainer

DRAWINGS = glyphs.make(range(1), drawers=6).take_classes(range(6))
USUAL = {"data": "folder", "data_dir": Path("."), "batch": 3, "drawings": 2, "steps": 2, "views": 1}


@pytest.fixture(autouse=True, scope="module")
def quick_tests():
    """Six classes of a few drawings; a run ends with its weights, untested."""
    patch = pytest.MonkeyPatch()
    patch.setattr(images, "part", lambda name, path, largest: DRAWINGS)
    patch.setattr(training, "VALIDATION_RUNS", 1)
    patch.setattr(final_tests, "test_best", lambda trainer: {})
    patch.setattr(final_tests.plots, "curves", lambda *paths: None)
    yield
    patch.undo()


def start(monkeypatch, out, *more):
    fixed = ("--data-dir", ".", "--batch", 3, "--drawings", 2, "--steps", 4, "--threads", 1, "--out", out)
    return call(monkeypatch, train.main, "folder", *fixed, *more)


def saved(path, dataset=DRAWINGS, **settings):
    """A run's best.npz after a step, in a folder of its own; and its arrays."""
    path.mkdir()
    settings = Settings.of_recipe(**USUAL | {"network": "conv4", "out": path} | settings).checked()
    trainer = Trainer(settings, dataset, dataset)
    trainer.train_step()
    trainer.save_best(path / "best.npz")
    return path, trainer.network.arrays()


@pytest.fixture(scope="module")
def first(quick_tests, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("runs") / "first")


def starting(run, **settings):
    """The trainer of a run that starts from another."""
    return Trainer(Settings.of_recipe(**USUAL | {"start": run} | settings).checked(), DRAWINGS, DRAWINGS)


def copies(network):
    return {name: array.copy() for name, array in network.arrays().items()}


def test_all_of_the_network_is_taken_over_and_trained(first):
    run, arrays = first
    trainer = starting(run)
    assert trainer.settings.network.name == "conv4"  # and not the default
    before = copies(trainer.network)
    assert before.keys() == arrays.keys() and all(np.array_equal(before[name], arrays[name]) for name in arrays)
    trainer.train_step()
    assert {name for name, array in trainer.network.arrays().items() if np.array_equal(array, before[name])} <= {
        "head.b"  # to which a choice among classes is blind
    }


@pytest.mark.parametrize("plain", [True, False])
def test_the_head_alone_is_trained(first, plain):
    trainer = starting(first[0], tune="head", plain=plain)
    before = copies(trainer.network)
    for _ in range(2):
        trainer.train_step()
    changed = {name for name, array in trainer.network.arrays().items() if not np.array_equal(array, before[name])}
    assert changed in ({"head.alpha"}, {"head.alpha", "head.b"})  # no stored statistics either
    z = trainer.network.forward(trainer.material.views(np.arange(3)), train=False)
    whole = initial(trainer.settings.but(tune="all"), np.random.default_rng(0))
    np.testing.assert_allclose(
        z, whole.forward(trainer.material.views(np.arange(3)), train=False), rtol=1e-4, atol=1e-5
    )


def test_the_network_that_ships_is_a_start(tmp_path):
    trainer = starting("pretrained")
    network = load_run("pretrained")[0]
    assert trainer.settings.network.name == "conv4-wide"
    assert all(np.array_equal(array, trainer.network.arrays()[name]) for name, array in network.arrays().items())
    trainer.save_best(tmp_path / "best.npz")
    meta = checkpoint.load(tmp_path / "best.npz")[1]
    assert meta["side"] == 105 and "calibration" not in meta
    assert Settings.from_json(meta["config"], tmp_path).network.start == Path("pretrained")


def test_only_the_twin_is_shared_with_a_loss_that_has_no_head(first, tmp_path):
    run, _ = saved(tmp_path / "contrastive", loss="contrastive", batch=4, drawings=None)
    for before, loss in ((run, "nway"), (first[0], "triplet")):
        trainer = starting(before, loss=loss)
        arrays, taken = checkpoint.load(before / "best.npz")[0], trainer.network.arrays()
        assert all(np.array_equal(arrays[name], taken[name]) for name in arrays if name.startswith("twin."))
        assert ("head.alpha" in taken) == (loss == "nway")
    assert np.all(starting(run).network.head.params["alpha"] == np.float32(-1 / 16))  # as it always starts


@pytest.mark.parametrize(("network", "channels"), [("conv4", 1), ("conv4", 3), ("koch35", 1), ("koch35", 3)])
def test_a_grey_picture_has_the_same_embedding_in_colour(rng, network, channels):
    """Grey pictures are kept as their negatives; what lies around them is 0 either way, so only the inside is alike."""
    size, settings = 35, Settings.of_recipe(data="folder", data_dir=Path("."), network=network).checked()
    other = 4 - channels
    old, new = (initial(settings, rng, count).twin for count in (channels, other))
    for array in old.arrays().values():
        array[...] = rng.normal(1, 0.1, array.shape) if array.ndim == 1 else array
    x = rng.random((2, size, size, 1)).astype(np.float32)
    x_old, x_new = (np.repeat(x if count == 3 else 1 - x, count, axis=3) for count in (channels, other))
    checkpoint.restore(new.arrays(), fit_channels(old.arrays(), new.arrays()), "a run")
    a, b = (twin.layers[0].forward(x, train=False)[:, 2:-2, 2:-2] for twin, x in ((old, x_old), (new, x_new)))
    assert a.std() > 0.01
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_network_that_turns_grey_to_colour_itself_is_left_alone(rng):
    settings = Settings.of_recipe(data="glyphs", network="resnet18").checked()
    grey, colour = (initial(settings, rng, channels).arrays() for channels in (1, 3))
    assert fit_channels(colour, grey) is colour


def test_a_start_that_fits_nothing_changes_nothing(first, rng):
    network = initial(Settings.of_recipe(data="glyphs", network="conv4", embedding=7).checked(), rng)
    before = copies(network)
    with pytest.raises(BadInput, match="another network"):
        fill(network, first[0])
    assert all(np.array_equal(array, before[name]) for name, array in network.arrays().items())


def test_a_run_from_another_goes_on_without_it(first, tmp_path, monkeypatch, capsys):
    gone, out, step = tmp_path / "gone", tmp_path / "run", Trainer.train_step
    shutil.copytree(first[0], gone)

    def step_and_interrupt(trainer):
        loss = step(trainer)
        if trainer.step == 2:
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(Trainer, "train_step", step_and_interrupt)
    assert start(monkeypatch, out, "--start", gone, "--tune", "head") == 130
    assert "from" in capsys.readouterr().out
    began = untrained(Settings.from_json(load_json(out / "config.json"), out))
    for network in (began, load_run(out)[0]):  # to be measured as any network is
        assert not any(isinstance(layer, Frozen) for layer in network.twin.layers)
    monkeypatch.setattr(Trainer, "train_step", step)
    shutil.rmtree(gone)
    assert start(monkeypatch, out, "--resume") == 0
    assert load_json(out / "summary.json")["steps"] == 4
    (arrays, _), before = checkpoint.load(out / "last.npz"), first[1]
    assert all(np.array_equal(arrays[name], before[name]) for name in before if name.startswith("twin."))
    assert load_run(out)[0].twin.arrays().keys() == {name.removeprefix("twin.") for name in before if "twin." in name}
    with pytest.raises(BadInput, match=r"does not exist.*the run began with it"):
        untrained(Settings.from_json(load_json(out / "config.json"), out))


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--start", "nowhere"], "nowhere does not exist"),
        (["--start", "FIRST", "--network", "conv4-wide"], "--network conv4-wide is not that of --start"),
        (["--start", "FIRST", "--embedding", "16"], "--embedding 16 is not that of --start"),
        (["--start", "FIRST", "--head", "euclidean"], "--head euclidean is not that of --start"),
        (["--start", "FIRST", "--tune", "head", "--loss", "contrastive"], "--tune head leaves nothing to train"),
        (["--tune", "head"], "--tune head is for runs with --start"),
        (["--start", "RESNET", "--weights", "x.pth"], "--start or --weights, not both"),
        (["--start", "CUT"], "not a whole checkpoint"),
        (["--start", "OTHER"], "holds no training configuration"),
        (["--start", "FIRST", "--tune", "twin"], "invalid choice"),
    ],
)
def test_a_bad_start_gets_one_line_and_begins_nothing(first, tmp_path, monkeypatch, capsys, more, complaint):
    cut = tmp_path / "cut.npz"
    cut.write_bytes((first[0] / "best.npz").read_bytes()[:1000])
    for name, config in (("other", {}), ("resnet", Settings.of_recipe(data="glyphs", network="resnet18").to_json())):
        checkpoint.save(tmp_path / f"{name}.npz", {"W": np.zeros(1)}, {"config": config})
    files = {"FIRST": first[0], "CUT": cut, "OTHER": tmp_path / "other.npz", "RESNET": tmp_path / "resnet.npz"}
    assert start(monkeypatch, tmp_path / "run", *(files.get(word, word) for word in more)) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()
