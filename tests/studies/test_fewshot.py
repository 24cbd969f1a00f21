"""Few-shot studies: fair episodes, classifiers that do what they say, votes, depths, and the program around them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import call

from minisiamese import checkpoint, data, trials
from minisiamese.data import glyphs
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import embed, views_of
from minisiamese.runs.build import build, untrained
from minisiamese.runs.folder import load_run
from minisiamese.runs.settings import Settings
from minisiamese.studies.fewshot import __main__ as fewshot
from minisiamese.studies.fewshot import classifiers as few
from minisiamese.studies.fewshot import features as fewshot_features
from minisiamese.studies.fewshot import work
from minisiamese.studies.fewshot.settings import FewshotOptions

# --- episodes and intervals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known_drawers", [True, False])
def test_episodes_are_fair(drawings, known_drawers):
    if not known_drawers:
        drawings = replace(drawings, drawers=None)
    support, query = few.episodes(drawings, 6, 3, 20, 0)
    assert support.shape == (20, 6, 3) and query.shape == (20, 6)
    labels = drawings.labels[support]
    assert np.all(labels == labels[:, :, :1]) and np.array_equal(labels[:, :, 0], drawings.labels[query])
    assert all(len(set(each)) == 6 for each in labels[:, :, 0])  # distinct classes
    rows = np.concatenate([support, query[:, :, None]], axis=2).reshape(20, -1)
    assert all(len(set(each)) == 24 for each in rows)  # the query is never its own support
    assert max(len(set(each)) for each in drawings.groups[query]) > 1  # across alphabets
    again = few.episodes(drawings, 6, 3, 20, 0)
    assert np.array_equal(support, again[0]) and np.array_equal(query, again[1])
    assert not np.array_equal(query, few.episodes(drawings, 6, 3, 20, 1)[1])


def test_classes_without_enough_images_take_no_part(drawings):
    small = drawings.take(np.setdiff1d(np.arange(len(drawings.images)), drawings.rows_of_class[0][1:]))
    assert list(few.able(small, 1)) == list(range(1, len(small.rows_of_class)))
    support, query = few.episodes(small, len(small.rows_of_class) - 1, 1, 2, 0)
    assert 0 not in small.labels[query] and np.array_equal(small.labels[support[:, :, 0]], small.labels[query])
    with pytest.raises(BadInput, match="--way 3 --shot 9: there are 0 classes of 10 images"):
        few.episodes(small, 3, 9, 2, 0)


def test_the_interval_is_of_episodes(rng):
    cells = [rng.random(400) * 0.5, rng.random(400)]
    figures = few.rate(cells)
    assert figures["accuracy"] == pytest.approx((cells[0].mean() + cells[1].mean()) / 2)
    assert figures["trials"] == 800
    error = np.sqrt((0.25 / 12 + 1 / 12) / 400) / 2  # of uniform numbers, whose variances are 0.25/12 and 1/12
    assert np.ptp(figures["interval"]) / 2 == pytest.approx(1.96 * error, rel=0.06)
    right = rng.random(5000) < 0.7  # one query an episode: nearly Wilson's
    assert few.rate([right.astype(float)])["interval"] == pytest.approx(trials.rate(right)["interval"], abs=1e-3)
    assert few.rate([np.array([1, 1, 0.9])])["interval"][1] == 1


# --- classifiers ------------------------------------------------------------------------------------------------------


def test_nearest_and_means_by_hand():
    support = np.array([[[0.0, 0], [10, 0]], [[4, 0], [4, 2]]])  # means (5, 0) and (4, 1)
    query = np.array([[1.0, 0], [5, 0]])
    np.testing.assert_allclose(few.nearest(support, query), [[-1, -9], [-25, -1]])
    np.testing.assert_allclose(few.means(support, query), [[-16, -10], [0, -2]])


def test_ties_are_shared():
    scores = np.array([[[1, 1], [0, 1]], [[1, 1], [1, 1]], [[0, 1], [1, 0]]])
    assert few.earned(scores).tolist() == [0.75, 0.5, 0]


@pytest.mark.parametrize("name", few.CLASSIFIERS)
@pytest.mark.parametrize(("way", "shot"), [(2, 1), (7, 3)])
def test_a_constant_earns_chance_and_clusters_everything(rng, name, way, shot):
    support, query = np.arange(2 * way * shot).reshape(2, way, shot), np.arange(2 * way).reshape(2, way)
    features = np.full((50, 8), 0.1, np.float32)
    scores = few.scores(few.CLASSIFIERS[name], features, support, query)
    assert scores.shape == (2, way, way)
    assert few.earned(scores) == pytest.approx([1 / way] * 2)
    centres = 3 * np.eye(way, 8, dtype=np.float32)
    near = np.repeat(centres, shot + 1, axis=0) + rng.normal(0, 0.1, (way * (shot + 1), 8)).astype(np.float32)
    rows = np.arange(len(near)).reshape(1, way, shot + 1)
    scores = few.scores(few.CLASSIFIERS[name], near, rows[:, :, :-1], rows[:, :, -1])
    assert few.earned(scores).tolist() == [1]


def test_the_perceptron_learns_what_no_mean_can_tell(rng):
    """Two classes of one mean, one at the origin and one around it."""
    angle = rng.uniform(0, 2 * np.pi, (2, 60))
    radius = np.array([0.2, 2])[:, None]
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).astype(np.float32)
    query, target = x[:, 50:].reshape(-1, 2), np.repeat([0, 1], 10)
    right = {name: (each(x[:, :50], query).argmax(axis=1) == target).mean() for name, each in few.CLASSIFIERS.items()}
    assert right["perceptron"] > 0.9 and right["1-NN"] == 1 and right["class means"] < 0.9
    np.testing.assert_array_equal(few.perceptron(x[:, :50], query), few.perceptron(x[:, :50], query))


def test_principal_components(rng):
    fitted, x = rng.normal(size=(40, 6)) * [9, 5, 3, 1, 0.5, 0.1] + 2, rng.normal(size=(7, 6))
    variances, vectors = np.linalg.eigh(np.cov(fitted.T, ddof=0))  # the smallest first
    expected = (x - fitted.mean(axis=0)) @ vectors[:, :2:-1] / np.sqrt(variances[3:].mean())
    np.testing.assert_allclose(abs(few.principal(fitted, 3)(x)), abs(expected), rtol=1e-6)
    assert few.principal(fitted, 99)(x).shape == (7, 6)
    assert not few.principal(np.ones((9, 6)), 2)(np.ones((7, 6))).any()


# --- features ---------------------------------------------------------------------------------------------------------


def test_wide_features_are_averaged_over_the_smallest_blocks_that_do():
    x = np.arange(2 * 53 * 50 * 64, dtype=np.float32).reshape(2, 53, 50, 64)
    narrow = fewshot_features._narrowed(x)
    assert narrow.shape == (2, 8 * 8 * 64)  # blocks of 5 pixels would leave 10 x 10
    np.testing.assert_allclose(narrow[1, 64:128], x[1, :6, 6:12].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_array_equal(fewshot_features._narrowed(x[:, :8, :8]), x[:, :8, :8].reshape(2, -1))
    assert fewshot_features._narrowed(x[:, :2, :2].repeat(100, axis=3)).shape == (2, 6400)  # one pixel is left


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two run folders of glyphs that were never trained, the second with its weights changed since."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        config = Settings.of_recipe(data="glyphs", network="conv4", seed=seed, batch=5, steps=1, threads=1).checked()
        network = build(config, np.random.default_rng(seed))
        for array in network.arrays().values():
            array += seed * np.float32(0.01)
        (folder / str(seed)).mkdir()
        checkpoint.save(folder / f"{seed}/best.npz", network.arrays(), {"config": config.to_json()})
    return folder / "0", folder / "1"


def test_the_untrained_network_is_where_the_run_began(runs):
    for seed, run in enumerate(runs):
        network, trained, _ = load_run(run)
        before = untrained(trained, network.channels).arrays()
        for key, array in network.arrays().items():
            np.testing.assert_array_equal(before[key] + seed * np.float32(0.01), array)


def test_features_of_every_depth(runs, drawings, monkeypatch):
    monkeypatch.setattr(fewshot_features, "BATCH", 7)
    (network, trained, _), images = load_run(runs[1]), drawings.images[:10]
    depths = fewshot_features.depth_features(network, images, "cpu")
    assert list(depths) == ["0 input", "1 Block", "2 Block", "3 Block", "4 Block"]  # and Flatten changes nothing
    assert [z.shape for z in depths.values()] == [(10, D) for D in (1225, 4096, 4096, 1024, 256)]
    views = views_of(network, images, "cpu")
    np.testing.assert_allclose(depths["4 Block"], embed(network, views)[0], rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(depths["0 input"], views(np.arange(10)).reshape(10, -1))
    plain = build(trained.but(plain=True), np.random.default_rng(0))
    assert list(fewshot_features.depth_features(plain, images[:1], "cpu")) == list(depths)
    with pytest.raises(BadInput, match="the network is of grey images, and these are images in colour"):
        views_of(network, images.repeat(3, axis=3), "cpu")


# --- the program ------------------------------------------------------------------------------------------------------


@pytest.fixture
def few_glyphs(monkeypatch, drawings):
    """Small parts of glyphs: other alphabets for training and for evaluation."""
    parts = {"training": glyphs.make([9], drawers=4), "evaluation": drawings.take_groups([0])}
    monkeypatch.setattr(data, "part", lambda name, *_: parts[name])
    return parts


def test_heat_maps(runs, few_glyphs, tmp_path, monkeypatch, capsys):
    pytest.importorskip("skimage")
    monkeypatch.setattr(work, "WAYS", (2, 5, 1000))
    assert (
        call(monkeypatch, fewshot.main, runs[1], "--repeats", 2, "--pca", 3, "--threads", 1, "--out", tmp_path / "new")
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert "6 cells" in lines[0] and "of 2 episodes each" in lines[0]
    result = json.loads((tmp_path / "new/heatmaps.json").read_text())
    assert list(result["figures"]) == ["pixels", "HOG", "untrained network", "this network"]
    cells = [(cell["way"], cell["shot"]) for cell in result["by_cell"]["HOG"]["perceptron"]]
    assert cells == [(way, shot) for way in (2, 5) for shot in (1, 2, 3)]  # there are four drawings of each class
    for name, by_classifier in result["by_cell"].items():
        for classifier, each in by_classifier.items():
            mean = result["figures"][name][classifier]
            assert mean["accuracy"] == pytest.approx(np.mean([cell["accuracy"] for cell in each]))
            assert mean["trials"] == 12 and f"{mean['accuracy']:.1%} (" in "\n".join(lines)
    for name in ("heatmaps-before.png", "heatmaps.png"):
        assert (tmp_path / "new" / name).stat().st_size > 10_000


@pytest.mark.parametrize(("median", "soft"), [(1.0, 2 / 3), (100.0, 1.0)])
def test_votes(runs, few_glyphs, tmp_path, monkeypatch, capsys, median, soft):
    """Two runs in two episodes of given scores: one always right, and one sure that it is not the first class, unless
    its distances are usually a hundred times as large."""
    scores = [np.stack([np.eye(3) - 2] * 2), np.tile([-9.0, -1, -1], (2, 3, 1))]
    medians = [np.ones(3), np.array([0, median, 1e9])]
    monkeypatch.setattr(few, "scores", lambda *_: scores.pop(0))
    monkeypatch.setattr(work, "pdist", lambda *_: medians.pop(0))
    options = ["--study", "votes", "--way", 3, "--repeats", 2, "--threads", 1, "--json"]
    assert call(monkeypatch, fewshot.main, *runs, *options, "--out", tmp_path) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((tmp_path / "votes.json").read_text())
    accuracies = {name: each["class means"]["accuracy"] for name, each in result["figures"].items()}
    assert list(accuracies) == [*map(str, runs), "soft voting", "hard voting"]
    assert list(accuracies.values()) == pytest.approx([1, 1 / 3, soft, 1])  # a vote for two classes is half for each
    assert (tmp_path / "votes.png").stat().st_size > 5_000


def test_depths(runs, few_glyphs, tmp_path, monkeypatch, capsys):
    options = ("--study", "depths", "--shot", 3, "--repeats", 2, "--threads", 1)
    monkeypatch.setattr(fewshot_features, "WIDEST", 300)
    assert call(monkeypatch, fewshot.main, runs[0] / "best.npz", *options, "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("20-way 3-shot: 2 episodes")
    figures = json.loads((tmp_path / "depths.json").read_text())["figures"]
    assert len(figures) == 5 and "4 Block (256)" in figures
    for row in figures.values():
        assert row["1-NN, untrained"] == row["1-NN, trained"]  # nothing was learned here
    assert (tmp_path / "depths.png").stat().st_size > 10_000


def test_the_images_are_drawn_evenly(drawings, monkeypatch):
    monkeypatch.setattr(work, "MOST_CLASSES", 6)
    monkeypatch.setattr(work, "MOST_IMAGES", 19)
    some = work.some(drawings, FewshotOptions(()))
    assert np.bincount(some.labels).tolist() == [3] * 6
    other = work.some(drawings, FewshotOptions((), seed=1))
    assert not np.array_equal(some.images, other.images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["pretrained"], "pretrained is in no run folder: give --out"),
        ([], "give one run"),
        (["a", "b"], "give one run"),
        (["a", "a", "--study", "votes"], "two or more different ones"),
        (["a", "--way", 5], "--way is no option of --study heatmaps"),
        (["a", "--study", "depths", "--pca", 5], "--pca is no option of --study depths"),
        (["a", "--repeats", 1], "--repeats must be at least 2"),
        (["a", "--seed", -1], "--seed must be 0 or more"),
        (["a", "--study", "colours"], "invalid choice"),
    ],
)
def test_bad_input_gets_one_line(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, fewshot.main, *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "other",
    [{"data": "glyphs"}, {"data": "omniglot", "split": "paper"}, {"data": "folder", "data_dir": Path("elsewhere")}],
)
def test_runs_of_other_divisions_do_not_vote_together(runs, tmp_path, monkeypatch, capsys, other):
    network, trained, meta = load_run(runs[0])
    own = {"data": "folder", "data_dir": Path("here")} if "data_dir" in other else {"data": "omniglot"}
    for name, settings in (("own", own), ("other", other)):
        config = trained.but(**settings).to_json()
        checkpoint.save(tmp_path / f"{name}.npz", network.arrays(), meta | {"config": config})
    assert call(monkeypatch, fewshot.main, tmp_path / "own.npz", tmp_path / "other.npz", "--study", "votes") == 2
    assert "other.npz was trained on other data, or another --split" in capsys.readouterr().err
