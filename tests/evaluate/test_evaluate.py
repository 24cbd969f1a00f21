"""The evaluator: honest trials, honest accuracies, and baselines that give the published figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import call, idx
from scipy.stats import binomtest

from minisiamese import checkpoint, trials
from minisiamese.backend import to_host
from minisiamese.data import omniglot
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.evaluate import baselines, protocols, scoring
from minisiamese.networks import conv4
from minisiamese.runs.build import build
from minisiamese.runs.settings import Settings


def constant(images, pairs):
    return np.zeros(len(pairs))


def test_a_network_that_remembers_gives_the_same_and_computes_once(rng, monkeypatch):
    network = conv4(rng)
    asked, forward = [], network.forward
    monkeypatch.setattr(network, "forward", lambda views, train: asked.append(len(views)) or forward(views, train))
    remembered, views = scoring.Remembered(network), rng.random((5, 35, 35, 1)).astype(np.float32)
    assert remembered.head is network.head and remembered.size == 35
    z = forward(views, False)
    for rows in ([0, 1, 2], [2, 1, 4], [4, 0]):
        np.testing.assert_allclose(remembered.forward(views[rows]), z[rows], rtol=1e-5, atol=1e-5)
    assert asked == [3, 1]
    monkeypatch.setattr(scoring, "REMEMBERED", 3 * z[0].nbytes)  # no room for a fourth one
    full = scoring.Remembered(network)
    for _ in range(2):
        np.testing.assert_allclose(full.forward(views), z, rtol=1e-5, atol=1e-5)
    assert asked == [3, 1, 5, 2]


@pytest.mark.parametrize("within", [True, False])
@pytest.mark.parametrize("shot", [1, 3])
@pytest.mark.parametrize("known_drawers", [True, False])
def test_trials_are_fair(drawings, rng, within, shot, known_drawers):
    if not known_drawers:
        drawings = replace(drawings, drawers=None)
    made = trials.nway_trials(drawings, 6, shot, 50, within, rng)
    assert made.support.shape == (50, 6, shot)
    key = {image.tobytes(): row for row, image in enumerate(drawings.images)}
    row = np.array([key[image.tobytes()] for image in made.images])
    query, support = row[made.query], row[made.support]
    labels = drawings.labels[support]
    assert np.all(labels == labels[:, :, :1])
    assert all(len(set(each)) == 6 for each in labels[:, :, 0])  # distinct classes
    assert np.array_equal(labels[np.arange(50), made.target, 0], drawings.labels[query])
    assert not np.any(support == query[:, None, None])  # the query is never its own support
    if known_drawers:
        drawers = drawings.drawers[support]
        assert np.all(drawers == drawers[:, :1]) and not np.any(drawers == drawings.drawers[query][:, None, None])
    alphabets = [len(set(each)) for each in drawings.groups[support[:, :, 0]]]
    assert set(alphabets) == {1} if within else max(alphabets) > 1
    assert len(set(made.target)) == 6  # the answer is in every place


def test_runs_ask_about_every_class_of_a_support(drawings, rng):
    made = trials.nway_trials(drawings, 6, 1, 18, True, rng)
    assert made.target.tolist() == [*range(6)] * 3
    assert np.array_equal(made.support[0], made.support[5]) and not np.array_equal(made.support[0], made.support[6])
    label_of = {image.tobytes(): label for image, label in zip(drawings.images, drawings.labels, strict=True)}
    label = np.array([label_of[image.tobytes()] for image in made.images])
    assert np.array_equal(label[made.query], label[made.support[np.arange(18), made.target, 0]])
    assert not np.any(made.support[:, :, 0] == made.query[:, None])


def test_trials_hold_the_images_that_they_use_and_no_others(drawings, rng):
    assert len(trials.nway_trials(drawings, 6, 1, 18, True, rng).images) <= 3 * 12


def test_impossible_trials_are_refused(drawings, rng):
    with pytest.raises(BadInput, match="--way"):
        trials.nway_trials(drawings, 1 + max(map(len, drawings.classes_of_group)), 1, 1, True, rng)
    with pytest.raises(BadInput, match="--way"):
        trials.nway_trials(drawings, 1 + len(drawings.rows_of_class), 1, 1, False, rng)
    with pytest.raises(BadInput, match="--shot 4 needs 5 images of each class"):
        trials.nway_trials(replace(drawings, drawers=None), 3, 4, 10, True, rng)
    with pytest.raises(BadInput, match="--shot 4"):
        trials.nway_trials(drawings, 5, 4, 1, True, rng)


@pytest.mark.parametrize("way", [2, 5, 20])
def test_a_constant_scorer_gets_one_in_n(drawings, rng, way):
    made = trials.nway_trials(drawings, way, 1, 30, False, rng)
    earned = trials.credits(made.scores(constant), made.target)
    assert trials.rate(earned)["accuracy"] == pytest.approx(1 / way)


def test_a_constant_scorer_says_nothing_about_pairs(drawings, rng):
    training, test = drawings.take_groups([0, 1]), drawings.take_groups([2, 3])
    assert protocols.verification(test, training, constant, baselines.BASELINES, 100, True, rng)["accuracy"] == 0.5


def test_credits_share_ties_and_give_nothing_for_not_a_number():
    scores = np.array([[3.0, 1, 2], [1, 5, 5], [2, 2, 2], [np.nan, 0, 0], [0, np.nan, 0]])
    assert trials.credits(scores, np.array([0, 2, 1, 0, 0])).tolist() == [1, 0.5, pytest.approx(1 / 3), 0, 0]


@pytest.mark.parametrize(("right", "count"), [(368, 400), (0, 20), (20, 20), (1, 2)])
def test_the_interval_is_wilsons(right, count):
    rate = trials.rate(np.arange(count) < right)
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert (rate["accuracy"], rate["trials"]) == (right / count, count)
    assert rate["interval"] == pytest.approx([expected.low, expected.high])


@pytest.mark.parametrize("seed", range(20))
def test_the_best_threshold_is_best(seed):
    rng = np.random.default_rng(seed)
    scores, same = rng.integers(0, 8, 40).astype(float), rng.integers(0, 2, 40)
    right = ((scores > scoring.best_threshold(scores, same)) == same).sum()
    assert right == max(((scores > edge) == same).sum() for edge in np.arange(-1, 9) + 0.5)


def test_the_threshold_never_sees_the_test(drawings, rng):
    """Scores that part the test's pairs perfectly, but at another place than the known ones."""
    known, test = drawings.take_groups([0, 1]), drawings.take_groups([2, 3])
    label_of = {image.tobytes(): label for image, label in zip(drawings.images, drawings.labels, strict=True)}

    def scorer(images, pairs):
        labels = np.array([label_of[image.tobytes()] for image in images])
        shift = 10 if labels.min() >= len(known.rows_of_class) else 0
        return (labels[pairs[:, 0]] == labels[pairs[:, 1]]) + shift

    result = protocols.verification(test, known, scorer, baselines.BASELINES, 100, True, rng)
    assert result["accuracy"] == 0.5 and 0 < result["threshold"] < 1


def test_accuracy_by_way(rng):
    scores, target = rng.normal(size=(200, 6)), rng.integers(0, 6, 200)
    rates = trials.accuracy_by_way(scores, target)
    assert list(rates) == [2, 3, 4, 5, 6]
    assert rates[6] == trials.rate(trials.credits(scores, target))
    accuracies = [rate["accuracy"] for rate in rates.values()]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] == pytest.approx(0.5, abs=0.15)


def test_lake_trials_pair_every_test_with_its_runs_training(small_omniglot):
    runs = omniglot.load_runs(small_omniglot)
    made = trials.lake_trials(runs)
    assert made.support.shape == (10, 5, 1)
    assert np.array_equal(made.images[made.query[7]], runs[1].test[2])
    assert np.array_equal(made.images[made.support[7, :, 0]], runs[1].training)
    assert made.target[7] == runs[1].answer[2]


@pytest.fixture
def three_drawings():
    """Two strokes that are one stroke in two places, and two points further apart; and pairs of them."""
    images = np.zeros((3, 4, 4, 1), np.uint8)
    images[0, 0, 0] = images[0, 0, 1] = 255
    images[1, 3, 2] = images[1, 3, 3] = 255
    images[2, 0, 0] = images[2, 3, 0] = 255
    return images, np.array([[0, 1], [0, 2], [0, 0]])


def test_nearest_neighbour_by_hand(three_drawings):
    np.testing.assert_allclose(baselines.nearest_neighbour(*three_drawings), [-2, -np.sqrt(2), 0], atol=1e-3)


def test_nearest_neighbour_of_many_pairs(rng):
    images, pairs = rng.integers(0, 256, (7, 5, 6, 3)).astype(np.uint8), rng.integers(0, 7, (2100, 2))
    a, b = images[pairs.T].astype(float) / 255
    expected = -np.sqrt(((a - b) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(baselines.nearest_neighbour(images, pairs), expected, atol=3e-3)


def test_modified_hausdorff_by_hand(three_drawings):
    distance = np.hypot(0.5, 1.5)  # centred: (0, -0.5), (0, 0.5) against (-1.5, 0), (1.5, 0)
    np.testing.assert_allclose(baselines.modified_hausdorff(*three_drawings), [0, -distance, 0], atol=1e-12)
    blank = np.zeros((2, 4, 4, 1), np.uint8)
    assert baselines.modified_hausdorff(blank, np.array([[0, 1]])) == [0]


def test_modified_hausdorff_takes_the_larger_of_two_means(rng):
    images, pairs = (rng.random((4, 9, 8, 1)) < 0.2).astype(np.uint8) * 255, np.array([[0, 1], [1, 0], [2, 3], [3, 0]])

    def mean_to_nearest(a, b):
        return np.linalg.norm(a[:, None] - b, axis=2).min(axis=1).mean()

    ink = [np.argwhere(image[:, :, 0]) for image in images]
    ink = [points - points.mean(axis=0) for points in ink]
    expected = [-max(mean_to_nearest(ink[a], ink[b]), mean_to_nearest(ink[b], ink[a])) for a, b in pairs]
    np.testing.assert_allclose(baselines.modified_hausdorff(images, pairs), expected)


def test_a_class_is_as_much_like_the_query_as_its_drawings_on_average():
    """Scores that are the distance of two row numbers, of 2 trials of 3 classes with 2 drawings each."""
    support = np.array([[[0, 1], [2, 3], [4, 5]], [[5, 4], [1, 0], [3, 2]]])
    made = trials.Trials(np.zeros((8, 1, 1, 1), np.uint8), np.array([6, 7]), support, np.array([0, 1]))

    def scorer(images, pairs):
        assert images is made.images
        return 10.0 * pairs[:, 0] - pairs[:, 1] ** 2

    expected = [[60 - 0.5, 60 - 6.5, 60 - 20.5], [70 - 20.5, 70 - 0.5, 70 - 6.5]]
    np.testing.assert_allclose(made.scores(scorer), expected)


@pytest.mark.slow
def test_baselines_give_the_published_figures_on_lakes_runs(real_omniglot):
    made = trials.lake_trials(omniglot.load_runs(real_omniglot))
    error = {
        name: 1 - trials.rate(trials.credits(made.scores(baseline), made.target))["accuracy"]
        for name, baseline in baselines.BASELINES.items()
    }
    assert error["modified_hausdorff"] == pytest.approx(0.3875, abs=1e-9)  # the shipped demonstration prints 38.8
    assert error["nearest_neighbour"] == pytest.approx(0.81, abs=0.01)


# --- the front door ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """An untrained network's run, as a training would leave it, with two views instead of sixteen."""
    folder = tmp_path_factory.mktemp("run")
    config = Settings.of_recipe(data="omniglot", validation_alphabets=2, views=2).checked()
    network = build(config, np.random.default_rng(0))
    checkpoint.save(folder / "best.npz", network.arrays(), {"config": config.to_json()})
    return folder


@pytest.mark.parametrize(
    "protocol",
    [
        ["--protocol", "lake"],
        ["--protocol", "nway", "--way", "5", "--trials", "20"],
        ["--protocol", "nway", "--way", "4", "--shot", "2", "--trials", "20", "--alphabets", "across"],
        ["--protocol", "verification", "--trials", "40"],
        ["--protocol", "verification", "--trials", "40", "--split", "validation"],
        ["--protocol", "verification", "--trials", "40", "--alphabets", "across"],
        ["--protocol", "mnist", "--trials", "20", "--views", "16"],  # as many as a run has by default
    ],
)
def test_protocols_as_json_and_as_text(run_folder, small_omniglot, monkeypatch, capsys, protocol):
    (small_omniglot / "mnist").mkdir(exist_ok=True)
    digits = np.random.default_rng(0).integers(0, 256, (40, 28, 28))
    (small_omniglot / "mnist/t10k-images-idx3-ubyte").write_bytes(idx(digits))
    (small_omniglot / "mnist/t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(40) % 10))
    assert call(monkeypatch, evaluate.main, run_folder, *protocol, "--data-dir", small_omniglot, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert 0 <= result["interval"][0] <= result["accuracy"] <= result["interval"][1] <= 1
    assert result["protocol"] == protocol[1]
    assert result["trials"] == (10 if protocol[1] == "lake" else int(protocol[protocol.index("--trials") + 1]))
    assert set(result["baselines"]) == {"nearest_neighbour", "modified_hausdorff"}
    assert call(monkeypatch, evaluate.main, run_folder, *protocol, "--data-dir", small_omniglot) == 0
    assert f"{result['accuracy']:.2%}" in capsys.readouterr().out


def test_a_protocol_on_the_device_is_one_on_numpy(run_folder, small_omniglot, monkeypatch, capsys, device):
    results = []
    for where in ("cpu", device):
        options = ["--protocol", "lake", "--data-dir", small_omniglot, "--device", where, "--views", 2, "--json"]
        assert call(monkeypatch, evaluate.main, run_folder, *options) == 0
        results.append(json.loads(capsys.readouterr().out))
    accuracies = [result.pop("accuracy") for result in results]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.11)  # one of the ten trials may be on an edge
    assert results[0].pop("interval") and results[1].pop("interval") and results[0] == results[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--way", "99", "--protocol", "nway"], "--way must be 2 to"),
        (["--protocol", "verification", "--trials", "1"], "--trials must be at least 2"),
        (["--way", "many"], "--way"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--way", "0"], "--way must be at least 1"),
        (["--protocol", "guess"], "invalid choice"),
        (["--protocol", "verification", "--split", "training"], "--split evaluation or validation"),
        (["--colour", "red"], "Unrecognized options"),
    ],
)
def test_bad_input_gets_one_line(run_folder, small_omniglot, monkeypatch, capsys, arguments, complaint):
    assert call(monkeypatch, evaluate.main, run_folder, "--data-dir", small_omniglot, *arguments) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_damaged_and_foreign_checkpoints_get_one_line(run_folder, tmp_path, monkeypatch, capsys):
    whole = (run_folder / "best.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("not a checkpoint")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.ones(3))
    config = Settings.of_recipe(data="omniglot").checked()
    network = build(config, np.random.default_rng(0))
    arrays = network.arrays() | {"twin.0.conv.W": np.zeros((5, 5, 1, 64), np.float32)}
    checkpoint.save(tmp_path / "foreign.npz", arrays, {"config": config.to_json()})
    for name in ("cut", "text", "empty", "other", "array"):
        assert call(monkeypatch, evaluate.main, tmp_path / f"{name}.npz") == 2
        assert "not a whole checkpoint" in capsys.readouterr().err
    assert call(monkeypatch, evaluate.main, tmp_path / "foreign.npz") == 2
    assert "another network" in capsys.readouterr().err
    for meta in ({}, [], {"config": 3}, {"config": config.to_json() | {"network": "resnet"}}):
        checkpoint.save(tmp_path / "strange.npz", network.arrays(), meta)
        assert call(monkeypatch, evaluate.main, tmp_path / "strange.npz") == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert call(monkeypatch, evaluate.main, tmp_path / "nowhere") == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("protocol", "option", "value"),
    [("verification", "--way", 5), ("mnist", "--alphabets", "across"), ("lake", "--seed", 1)],
)
def test_an_option_of_another_protocol_is_refused(monkeypatch, capsys, protocol, option, value):
    assert call(monkeypatch, evaluate.main, "pretrained", "--protocol", protocol, option, value) == 2
    assert capsys.readouterr().err == f"error: {option} is no option of --protocol {protocol}\n"


def test_views_are_averaged_and_the_first_is_the_image_itself(drawings, monkeypatch, device, put):
    config = Settings.of_recipe(data="omniglot", network="conv4").checked()
    network = build(config, np.random.default_rng(0)).to(device)
    images, pairs = drawings.images[:6], np.array([[0, 1], [2, 5]])
    shown = Views(images, 35, device, frame=network.frame)
    z = scoring.embed(network, shown, range(3))
    monkeypatch.setattr(scoring, "BATCH", 4)
    np.testing.assert_allclose(scoring.embed(network, shown, range(3)), z, rtol=1e-5, atol=1e-5)
    first = to_host(network.forward(shown(np.arange(6)), train=False))
    np.testing.assert_allclose(z[0], first, rtol=1e-5, atol=1e-5)
    assert not np.allclose(z[1], z[0], rtol=0.01) and not np.allclose(z[2], z[1], rtol=0.01)
    mean = np.mean([to_host(network.head.forward(put(each), put(pairs), train=False)) for each in z], axis=0)
    np.testing.assert_allclose(scoring.network_scorer(network, device, views=3)(images, pairs), mean, rtol=1e-5)
    np.testing.assert_allclose(scoring.embed(network, shown, [2])[0], z[2], rtol=1e-5, atol=1e-5)


def test_views_of_an_image_do_not_depend_on_the_others(drawings):
    config = Settings.of_recipe(data="omniglot", network="conv4").checked()
    scorer = scoring.network_scorer(build(config, np.random.default_rng(0)), views=4)
    images = drawings.images[:6]
    score = scorer(images, np.array([[1, 4]]))
    np.testing.assert_allclose(scorer(images[[4, 1]], np.array([[0, 1]])), score, rtol=1e-5)


def test_verification_within_alphabets_is_on_the_papers_ten_and_on_the_last_drawers(small_omniglot, monkeypatch):
    config = Settings.of_recipe(data="omniglot", network="conv4", views=1, validation_alphabets=1).checked()
    seen = {}

    def watch(dataset, known, scorer, baselines, count, within, rng):
        seen[within] = [(each.group_names, set(each.drawers.tolist())) for each in (dataset, known)]
        return {}

    monkeypatch.setattr(protocols, "verification", watch)
    for alphabets in ("within", "across"):
        how = protocols.EvaluateOptions("", protocol="verification", alphabets=alphabets, data_dir=small_omniglot)
        protocols.measure(how, build(config, np.random.default_rng(0)), config)
    assert seen[True][0] == (("Atlantean",), {17, 18}) and seen[True][1][1] == {1, 2, 3, 4}
    assert seen[False][0] == (("Angelic", "Atlantean"), {13, 14, 17, 18})
    assert len(seen[True][1][0]) == 1


def test_the_last_drawers_of_built_in_alphabets(drawings):
    drawers = np.unique(drawings.drawers)
    assert np.unique(scoring.last_drawers(drawings, 2).drawers).tolist() == drawers[-2:].tolist()


def test_each_image_is_embedded_once(monkeypatch):
    """20 classes, 40 drawings, 400 pairs: 40 embeddings."""
    config = Settings.of_recipe(data="omniglot").checked()
    network = build(config, np.random.default_rng(0))
    embedded = []
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda x, train: embedded.append(len(x)) or forward(x, train))
    pairs = np.stack(np.meshgrid(np.arange(20), np.arange(20, 40)), axis=-1).reshape(-1, 2)
    scores = scoring.network_scorer(network)(np.zeros((40, 105, 105, 1), np.uint8), pairs)
    assert len(scores) == 400 and sum(embedded) == 40
