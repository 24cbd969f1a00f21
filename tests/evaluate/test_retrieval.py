"""Retrieval: what a ranking earns, whom a query may find, and which images are seen and unseen."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from conftest import call
from PIL import Image
from sklearn.metrics import average_precision_score

from minisiamese import checkpoint, data
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.evaluate import baselines, hog, protocols, retrieval, retrieval_pictures
from minisiamese.runs.build import build, part_of
from minisiamese.runs.folder import load_run
from minisiamese.runs.settings import Settings
from minisiamese.siamese import DistanceHead, EuclideanHead, L1Head

KEYS = ("mean_average_precision", "interval", "precision_at_1", "precision_at_1_interval", "recall_at")


@pytest.mark.parametrize("levels", [3, 10, None])
def test_average_precision_is_scikit_learns(rng, levels):
    """Of scores with many ties, with some, and with none."""
    scores = rng.integers(levels, size=(40, 30)).astype(float) if levels else rng.normal(size=(40, 30))
    same = rng.random((40, 30)) < 0.2
    same[:, 7] = True
    expected = [average_precision_score(*query) for query in zip(same, scores, strict=True)]
    np.testing.assert_allclose(retrieval.Ranking(scores, same).average_precision(), expected)


@pytest.mark.parametrize("k", [1, 2, 4, 6, 9])
def test_the_nearest_are_expected_over_every_order_of_equals(rng, k):
    scores, same = rng.integers(3, size=(5, 6)).astype(float), rng.random((5, 6)) < 0.5
    same[:, 2] = True
    found = np.zeros(5)
    for order in permutations(range(6)):  # equals in every order
        ranked = np.array(order)[np.argsort(-scores[:, order], axis=1, kind="stable")]
        found += np.take_along_axis(same, ranked[:, :k], axis=1).sum(axis=1) / 720
    ranking = retrieval.Ranking(scores, same)
    np.testing.assert_allclose(ranking.recall(k), found / same.sum(axis=1))
    if k == 1:
        np.testing.assert_allclose(ranking.precision(1), found)


@pytest.mark.parametrize("head", [DistanceHead(), DistanceHead(squared=True), EuclideanHead(), L1Head(5)])
def test_embeddings_that_are_all_the_same_earn_chance(rng, head):
    """6 classes of 5 images: 4 of a query's 29 others are of its class."""
    z, labels = np.tile(rng.normal(1, 1, 5).astype(np.float32), (30, 1)), np.repeat(np.arange(6), 5)
    for constant in (z, np.full_like(z, np.nan)):
        result, _ = retrieval.figures(retrieval.Similarity(head, constant), labels)
        assert result["mean_average_precision"] == pytest.approx(4 / 29)
        assert result["precision_at_1"] == pytest.approx(4 / 29)
        assert list(result["recall_at"].values()) == pytest.approx([1 / 29, 5 / 29, 10 / 29, 20 / 29, 1])


def test_a_query_does_not_find_itself(monkeypatch):
    """Each image has its nearest in the other class, and the one other of its own far away; two queries at a time."""
    z, labels = np.array([[0.0], [10], [0.1], [10.1]], np.float32), np.array([0, 0, 1, 1])
    monkeypatch.setattr(retrieval, "BLOCK", 2)
    result, precision = retrieval.figures(retrieval.Similarity(DistanceHead(), z), labels)
    assert result["precision_at_1"] == 0 and result["recall_at"]["1"] == 0 and result["recall_at"]["5"] == 1
    # the relevant image of 0 and of 10.1 is third of three, that of 10 and of 0.1 second or third
    assert precision == pytest.approx([1 / 2, 1 / 3, 1 / 3, 1 / 2])
    assert result["mean_average_precision"] == pytest.approx(precision.mean())


@pytest.mark.parametrize("name", ["distance", "squared", "euclidean", "l1"])
def test_similarity_is_the_heads(rng, name):
    alpha = rng.normal(size=7).astype(np.float32)  # of either sign
    heads = {"distance": DistanceHead(), "squared": DistanceHead(squared=True), "euclidean": EuclideanHead()}
    head = heads.get(name) or L1Head(7, alpha)
    for key in head.params.keys() - {"alpha"}:
        head.params[key][:] = rng.normal()
    z, rows = rng.normal(3, 1, (50, 7)).astype(np.float32), np.array([4, 49, 0])
    pairs = np.stack(np.meshgrid(rows, np.arange(50), indexing="ij"), axis=-1).reshape(-1, 2)
    expected = head.forward(z, pairs, train=False).reshape(3, 50)
    np.testing.assert_allclose(retrieval.Similarity(head, z)(rows), expected, rtol=1e-4, atol=2e-3)


def test_pixels_are_compared_as_nearest_neighbour_does(drawings):
    images, rows = drawings.images[:30], np.array([3, 8])
    pairs = np.stack(np.meshgrid(rows, np.arange(30), indexing="ij"), axis=-1).reshape(-1, 2)
    expected = baselines.nearest_neighbour(images, pairs).reshape(2, 30) ** 2  # whole numbers
    np.testing.assert_allclose(retrieval.pixel_similarity(images)(rows) ** 2, expected, rtol=1e-6)


def test_the_interval_is_of_whole_classes(rng):
    """Whether a class is found: the interval is that of 20 values, not that of 400."""
    labels, of_class = np.repeat(np.arange(20), 20), np.arange(20) % 2
    low, high = retrieval.bootstrap(of_class[labels].astype(float), labels)
    assert low == pytest.approx(0.5 - 1.96 * np.sqrt(0.25 / 20), abs=0.06) and low + high == pytest.approx(1, abs=0.06)
    assert retrieval.bootstrap(np.tile([0.0, 1], 200), labels) == [0.5, 0.5]  # classes that do not differ


def test_overlap_of_densities(rng):
    bins = np.linspace(0, 1, 11)
    assert retrieval_pictures.overlap(np.full(9, 0.05), rng.uniform(0.1, 1, 50), bins) == 0
    assert retrieval_pictures.overlap(np.full(9, 0.05), np.array([-3, 0.05, 0.5, 7]), bins) == 0.5
    assert retrieval_pictures.overlap(*[rng.uniform(size=50).repeat(2)] * 2, bins) == pytest.approx(1)


def test_the_pictures_show_what_is_found(drawings, tmp_path, monkeypatch):
    """With the class itself as embedding: every nearest image is of the query's class, and no distances are shared."""
    part, seen = drawings.take_classes(np.arange(12)), {"table": [], "overlap": []}
    perfect = retrieval.Similarity(DistanceHead(), part.labels[:, None].astype(np.float32))
    monkeypatch.setattr(retrieval_pictures, "FOUND", 3)  # all others of a class by four drawers
    monkeypatch.setattr(retrieval_pictures, "_table", lambda axes, images, *args: seen["table"].append(args))
    monkeypatch.setattr(retrieval_pictures, "overlap", lambda *parts: seen["overlap"].append(parts) or 0.0)
    retrieval_pictures.draw(tmp_path, 0, "unseen", part, perfect, perfect)
    for queries, nearest, right in seen["table"]:
        assert len(set(part.labels[queries])) == 8 and right.all()
        assert np.all(part.labels[nearest] == part.labels[queries][:, None]) and not np.any(nearest == queries[:, None])
    for same, different, _ in seen["overlap"]:
        assert len(same) == 48 * 3 and same.max() == 0 and different.min() == 1


# --- seen and unseen --------------------------------------------------------------------------------------------------


def rows_in(part, dataset):
    """Whether all images of a part are among those of a data set, and whether any is."""
    there = {image.tobytes() for image in dataset.images}
    found = [image.tobytes() in there for image in part.images]
    return all(found), any(found)


def test_seen_are_classes_trained_on_and_unseen_are_not(small_omniglot, monkeypatch):
    monkeypatch.setattr(retrieval, "SEEN", 7)
    config = Settings.of_recipe(data="omniglot", validation_alphabets=1)
    drawn = retrieval.sets(config, 0, small_omniglot)
    (seen, trained_on), (unseen, unseen_trained_on) = drawn["seen"], drawn["unseen"]
    training, evaluation = (part_of(name, config, small_omniglot) for name in ("training", "evaluation"))
    assert trained_on and not unseen_trained_on
    assert rows_in(seen, training) == (True, True) and rows_in(unseen, training) == (False, False)
    assert len(seen.rows_of_class) == 7 and len(seen.images) == 7 * 4
    assert len(unseen.images) == len(evaluation.images)  # fewer classes than 309: all
    again, other = (retrieval.sets(config, seed, small_omniglot)["seen"][0].images for seed in (0, 1))
    assert np.array_equal(seen.images, again) and not np.array_equal(seen.images, other)


def test_of_the_papers_split_seen_drawings_are_of_other_drawers(small_omniglot, monkeypatch):
    background = data.load("omniglot", "background", small_omniglot)
    of_20 = replace(background, drawers=np.array([0, 1, 12, 13, 20])[background.drawers])
    monkeypatch.setattr(retrieval.omniglot, "load", lambda split, data_dir: of_20)
    monkeypatch.setattr(data, "part", lambda name, *_: {"evaluation": background.take_groups([0])}[name])
    seen, trained_on = retrieval.sets(Settings.of_recipe(data="omniglot", split="paper"), 0)["seen"]
    assert not trained_on and set(seen.drawers.tolist()) == {13, 20} and len(seen.rows_of_class) == 50


def colours(folder, classes, count, rng):
    for name in classes:
        (folder / name).mkdir(parents=True)
        base = np.random.default_rng(ord(name)).integers(200, size=(3, 3, 3)).repeat(4, 0).repeat(4, 1)
        for number in range(count):
            pixels = (base + rng.integers(50, size=base.shape)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


@pytest.mark.parametrize(
    ("train", "test", "seen_names", "unseen_names"),
    [
        ("abcd", "abcd", "abcd", None),  # images that were not trained on, and no class that was not
        ("abcde", "fgh", "train", "fgh"),
        ("abcdef", "abcdefgh", "test", "gh"),  # of a to f, two are validated on and in neither
        ("abcdefghij", None, "train", "test"),
    ],
)
def test_seen_and_unseen_of_a_folder(tmp_path, rng, train, test, seen_names, unseen_names):
    colours(tmp_path / "train" if test else tmp_path, train, 5, rng)
    if test:
        colours(tmp_path / "test", test, 3, rng)
    config = Settings.of_recipe(data="folder", data_dir=tmp_path)
    parts = {name: part_of(name, config) for name in ("training", "validation", "evaluation")}
    drawn = retrieval.sets(config, 0)
    seen, trained_on = drawn["seen"]
    assert trained_on == (seen_names == "train")
    assert rows_in(seen, parts["training"])[1] == trained_on
    if seen_names == "abcd":
        assert "".join(seen.class_names) == "abcd"
    else:
        assert seen.class_names == parts["training"].class_names
    if unseen_names is None:
        assert drawn["unseen"] is None
    else:
        names = parts["evaluation"].class_names if unseen_names == "test" else tuple(unseen_names)
        assert drawn["unseen"][0].class_names == names and not drawn["unseen"][1]


# --- the front door ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """The run of a network that was not trained at all: its weights are the initial ones. Few classes, no real HOG."""
    monkeypatch.setattr(retrieval, "SEEN", 9)
    monkeypatch.setattr(retrieval, "UNSEEN", 12)
    monkeypatch.setattr(hog, "features", lambda images, frame: images.mean(axis=1).reshape(len(images), -1))
    config = Settings.of_recipe(
        data="omniglot", network="conv4", loss="triplet", validation_alphabets=1, seed=3
    ).checked()
    network = build(config, np.random.default_rng(3))
    checkpoint.save(tmp_path / "best.npz", network.arrays(), {"config": config.to_json()})
    return tmp_path


def test_the_protocol_and_what_is_said_of_it(run_folder, small_omniglot, monkeypatch, capsys):
    options = [run_folder, "--protocol", "retrieval", "--data-dir", small_omniglot]
    assert call(monkeypatch, evaluate.main, *options, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["protocol"], result["views"], result["data"], result["seed"]) == ("retrieval", 1, "omniglot", 0)
    assert result["seen"]["images_trained_on"] and not result["unseen"]["images_trained_on"]
    for name, classes in (("seen", 9), ("unseen", 12)):
        part = result[name]
        assert list(part["baselines"]) == ["untrained", "pixels", "hog"] and part["classes"] == classes
        for each in (part, *part["baselines"].values()):
            assert 0 < each["interval"][0] <= each["mean_average_precision"] <= each["interval"][1] <= 1
        assert all(part[key] == part["baselines"]["untrained"][key] for key in KEYS)  # the very initial weights
        assert len({each["mean_average_precision"] for each in part["baselines"].values()}) == 3
        for name, each in part["baselines"].items():
            low, high = each["lead_interval"]
            assert each["lead"] == pytest.approx(part["mean_average_precision"] - each["mean_average_precision"])
            assert low < each["lead"] < high if name != "untrained" else low == each["lead"] == high == 0
            apart = [part["interval"][1] - part["interval"][0], each["interval"][1] - each["interval"][0]]
            assert high - low < sum(apart)  # the same queries are hard for both
        assert part["queries"] == part["images"] == 4 * part["classes"]
    assert result["pictures"] == [str(run_folder / name) for name in ("retrieval.png", "distances.png")]
    assert all(Image.open(path).width > 1000 for path in result["pictures"])

    said = protocols.describe(result)
    assert "every image against all others, no cut-off, 1 view" in said and "trained on themselves" in said
    assert f"{result['unseen']['mean_average_precision']:.2%}" in said and str(run_folder / "distances.png") in said


def asked(run, data_dir):
    network, trained, _ = load_run(run)
    return protocols.EvaluateOptions(run, protocol="retrieval", data_dir=data_dir), network, trained


def test_without_a_run_folder_or_hog_there_are_figures_all_the_same(run_folder, small_omniglot, monkeypatch, capsys):
    def absent(images, frame):
        raise BadInput("no scikit-image")

    monkeypatch.setattr(hog, "features", absent)
    result = protocols.measure(*asked(run_folder / "best.npz", small_omniglot))
    assert result["left_out"] == {"hog": "no scikit-image"} and result["pictures"] == []
    assert "hog is left out: no scikit-image" in protocols.describe(result) and capsys.readouterr().err == ""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(retrieval_pictures, "draw", full)
    assert protocols.measure(*asked(run_folder, small_omniglot)) == result
    assert "no pictures" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--views", 4), ("--way", 5), ("--split", "training")])
def test_an_option_of_other_protocols_is_refused(run_folder, monkeypatch, capsys, option, value):
    assert call(monkeypatch, evaluate.main, run_folder, "--protocol", "retrieval", option, value) == 2
    assert capsys.readouterr().err == f"error: {option} is no option of --protocol retrieval\n"


def test_images_of_another_kind_get_one_line(run_folder, tmp_path, rng, monkeypatch, capsys):
    colours(tmp_path / "images", "abcdefgh", 4, rng)
    _, trained, _ = load_run(run_folder)
    in_colour = trained.but(data="folder", data_dir=tmp_path / "images")
    arrays, _ = checkpoint.load(run_folder / "best.npz")
    checkpoint.save(run_folder / "best.npz", arrays, {"config": in_colour.to_json()})
    assert call(monkeypatch, evaluate.main, run_folder, "--protocol", "retrieval") == 2
    assert capsys.readouterr().err == "error: the network is of grey images, and these are images in colour\n"


def test_a_set_has_so_many_images_at_most_and_as_many_of_each_class(small_omniglot, monkeypatch):
    config = Settings.of_recipe(data="omniglot", validation_alphabets=1).checked()
    whole, _ = retrieval.sets(config, 0, small_omniglot)["unseen"]
    monkeypatch.setattr(retrieval, "IMAGES", 3 * len(whole.rows_of_class))
    fewer, _ = retrieval.sets(config, 0, small_omniglot)["unseen"]
    assert set(map(len, whole.rows_of_class)) == {4} and set(map(len, fewer.rows_of_class)) == {3}
    assert {image.tobytes() for image in fewer.images} <= {image.tobytes() for image in whole.images}
