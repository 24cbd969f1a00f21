"""The threshold: its rates by hand, its intervals by classes, and what a run keeps of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import call
from PIL import Image
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from minisiamese import checkpoint, plots
from minisiamese.data import glyphs
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.evaluate import matching, protocols, threshold
from minisiamese.evaluate.baselines import nearest_neighbour
from minisiamese.runs.build import build, part_of
from minisiamese.runs.folder import RunMeta, load_run
from minisiamese.runs.settings import Settings
from minisiamese.train import __main__ as train

SAME, DIFFERENT = np.array([5.0, 3, 3, 1]), np.array([4.0, 3, 2, 2, 0])  # as many as can be counted by hand


def scored_of(score, labels):
    """``Scored`` of all pairs of images with labels (M,) by ``score(a, b)``, of row numbers (N,)."""
    a, b = np.triu_indices(len(labels), 1)
    pairs, same, scores = np.stack([a, b], axis=1), labels[a] == labels[b], score(a, b)
    dataset = glyphs.make([0], drawers=1).take(np.zeros(len(labels), int))
    dataset = replace(dataset, labels=labels)
    return matching.Scored.by(
        lambda images, asked: np.concatenate([scores[same], scores[~same]]), dataset, pairs[same], pairs[~same]
    )


# --- curves and thresholds --------------------------------------------------------------------------------------------


def test_the_curve_by_hand():
    fmr, fnmr = matching.curve(SAME, DIFFERENT)
    # above all, then from 5, 4, 3, 2, 1 and 0 on
    assert fmr == pytest.approx(np.array([0, 0, 1, 2, 4, 4, 5]) / 5)
    assert fnmr == pytest.approx(np.array([4, 3, 3, 1, 1, 0, 0]) / 4)
    # of 20 pairs of pairs 5 beats all 5 different ones, 3 twice 3 and ties with one, 1 beats one
    assert matching.area_under_roc(fmr, fnmr) == pytest.approx((5 + 3.5 + 3.5 + 1) / 20)
    # from (0.4, 0.25) back to (0.2, 0.75): FMR = FNMR where 0.2 + 0.2 x = 0.75 - 0.5 x
    assert matching.equal_error_rate(fmr, fnmr) == pytest.approx(0.2 + 0.2 * 0.55 / 0.7)


def test_the_area_is_scikit_learns(rng):
    same, different = rng.integers(0, 20, 50) + 3.0, rng.integers(0, 20, 80).astype(float)
    expected = roc_auc_score(np.repeat([1, 0], [50, 80]), np.concatenate([same, different]))
    assert matching.area_under_roc(*matching.curve(same, different)) == pytest.approx(expected)


@pytest.mark.parametrize(("same", "different", "rate", "area"), [([2, 3], [0, 1], 0, 1), ([1, 1], [1, 1], 0.5, 0.5)])
def test_the_curves_of_a_perfect_and_of_a_useless_scorer(same, different, rate, area):
    points = matching.curve(np.array(same, float), np.array(different, float))
    assert (matching.equal_error_rate(*points), matching.area_under_roc(*points)) == (rate, area)


@pytest.mark.parametrize(
    ("rate", "weights", "expected"),
    [
        (0.2, [1, 1, 1, 1, 1], 3),  # 4 alone may be called the same
        (0.39, [1, 1, 1, 1, 1], 3),
        (0.45, [1, 1, 1, 1, 1], 2),  # 4 and 3
        (0.19, [1, 1, 1, 1, 1], 4),
        (0.49, [3, 0, 1, 1, 3], 2),  # 4 is three of eight
        (0.3, [3, 0, 1, 1, 3], 4),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_least_threshold_by_hand(rate, weights, expected, dtype):
    """It lies just above a score: at the next number of the scores' own precision."""
    t = matching.least_threshold(DIFFERENT.astype(dtype), np.array(weights), rate)
    assert t.dtype == dtype and t == np.nextafter(dtype(expected), dtype(np.inf))


@pytest.mark.parametrize("levels", [4, 50, None])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3])
def test_no_smaller_threshold_would_do(rng, levels, rate):
    different = rng.integers(levels, size=200).astype(np.float32) if levels else rng.normal(size=200).astype(np.float32)
    t = matching.least_threshold(-np.sort(-different), np.ones(200, int), rate)
    assert (different >= t).mean() <= rate
    assert (different >= np.nextafter(t, -np.float32(np.inf))).mean() > rate


# --- rates and their intervals ----------------------------------------------------------------------------------------


def of_classes(rng, classes, images, shared=1.0):
    """Scores of all pairs, each the sum of a part of both classes (``shared`` its size) and of one of its own; those of
    one class are higher by 3."""
    effect, labels = rng.normal(size=classes), np.repeat(np.arange(classes), images)

    def score(a, b):
        noise = rng.normal(size=len(a))
        return shared * (effect[labels[a]] + effect[labels[b]]) + noise + 3 * (labels[a] == labels[b])

    return scored_of(score, labels)


def test_the_rates_and_their_intervals_by_hand(monkeypatch):
    labels = np.array([0, 0, 1, 1, 2])
    scores = {(0, 1): 5.0, (2, 3): 1.0, (0, 4): 4.0, (1, 4): 2.0}
    scored = scored_of(lambda a, b: np.array([scores.get(pair, 0.0) for pair in zip(a, b, strict=True)]), labels)
    drawn = np.array([[1, 1, 1], [2, 1, 0], [1, 0, 2]])
    with monkeypatch.context() as patch:
        patch.setattr(np.random, "default_rng", lambda seed: type("", (), {"multinomial": lambda *_, size: drawn}))
        found = matching.errors(scored, 2.0, 0)
    # of the 4 pairs of the classes 0 and 1 and the 2 of 1 and 2 none is called the same, of the 2 of 0 and 2 both are
    fmr = np.array([2 / 8, 0.5 / 8, 1 - 0.5 / 8])  # half a pair for none, or for all but none
    fnmr = np.array([1 / 2, 1 / 3, 0.5 / 2])
    for name, rate, resampled in (("false_match_rate", 2 / 8, fmr), ("false_non_match_rate", 1 / 2, fnmr)):
        reach = student.ppf(0.975, 2) * np.std(np.log(resampled / (1 - resampled)))
        odds = np.log(rate / (1 - rate)) + np.array([-reach, reach])
        assert found[name]["rate"] == rate and found[name]["interval"] == pytest.approx(1 / (1 + np.exp(-odds)))


def test_the_threshold_and_its_interval_by_hand(monkeypatch):
    labels, scores = np.array([0, 0, 1, 2, 3]), np.array([9.0, 6, 5, 4, 6, 5, 4, 3, 2, 1])  # 0 and 0, 1, 2, 3; ...
    scored, drawn = scored_of(lambda a, b: scores, labels), np.array([[1, 1, 1, 1], [0, 1, 1, 2], [4, 0, 0, 0]])
    monkeypatch.setattr(np.random, "default_rng", lambda seed: type("", (), {"multinomial": lambda *_, size: drawn}))
    t, interval = matching.threshold_for(scored, 0.25, 0)
    # of nine pairs two; of 1 2, 1 3 twice and 2 3 twice one; the third has no pair of two classes
    reach = student.ppf(0.975, 3) * np.std([5.0, 2.0])
    assert t == pytest.approx(5) and interval == pytest.approx([5 - reach, 5 + reach])


def test_two_classes_tell_nothing_of_others(rng):
    scored = of_classes(rng, 2, 6)
    t, interval = matching.threshold_for(scored, 0.1, 0)
    spread = np.ptp(scored.different)
    assert interval == pytest.approx([t - spread, t + spread])
    found = matching.errors(scored, t, 0)
    assert found["false_match_rate"]["interval"] == [0, 1] and 0 < found["false_match_rate"]["rate"] <= 0.1


def test_intervals_are_the_same_each_time_and_follow_the_seed(rng):
    scored = of_classes(rng, 20, 3)
    t, interval = matching.threshold_for(scored, 0.05, 7)
    assert (t, interval) == matching.threshold_for(scored, 0.05, 7) and interval[0] < t < interval[1]
    assert matching.errors(scored, t, 7) == matching.errors(scored, t, 7)
    assert interval != matching.threshold_for(scored, 0.05, 8)[1]


def test_intervals_are_of_classes():
    """More images of a class tell hardly more, where pairs of the same classes score alike; more classes do."""

    def width(classes, images, shared):
        scored = of_classes(np.random.default_rng(1), classes, images, shared)
        low, high = matching.errors(scored, 1.0, 0)["false_match_rate"]["interval"]
        return high - low

    assert width(20, 10, 1.0) > 0.7 * width(20, 3, 1.0)
    assert width(80, 3, 1.0) < 0.7 * width(20, 3, 1.0)
    assert width(20, 10, 1.0) > 3 * width(20, 10, 0.0)  # pairs that share nothing


def test_where_no_pair_is_wrong_the_interval_is_not_a_point():
    labels = np.repeat(np.arange(12), 2)
    perfect = scored_of(lambda a, b: (labels[a] == labels[b]).astype(float), labels)
    t, interval = matching.threshold_for(perfect, 0.1, 0)
    assert interval == [t, t] and 0 < t < 1e-9
    assert matching.errors(perfect, t, 0) == {
        "false_match_rate": {"rate": 0, "interval": [0, 3 / 6]},
        "false_non_match_rate": {"rate": 0, "interval": [0, 3 / 12]},
    }
    useless = scored_of(lambda a, b: np.ones(len(a)), labels)
    t, _ = matching.threshold_for(useless, 0.1, 0)
    found = matching.errors(useless, t, 0)
    assert found["false_match_rate"]["rate"] == 0  # equal scores: all pairs are called different
    assert found["false_non_match_rate"] == {"rate": 1, "interval": [1 - 3 / 12, 1]}


def test_reliability_by_hand():
    """Three pairs of one class weigh as much as one of two."""
    probability, same = np.array([0.95, 0.92, 0.05, 1.0]), np.array([True, True, True, False])
    found = matching.reliability(probability, same)
    low, high = found["bins"]
    assert (low["pairs"], high["pairs"]) == (1, 3)
    assert low["weight"] == pytest.approx(1 / 6) and low["same"] == pytest.approx(1)
    assert high["same"] == pytest.approx((2 / 6) / (5 / 6))
    assert high["predicted"] == pytest.approx(((0.95 + 0.92) / 6 + 1 / 2) / (5 / 6))
    error = (1 - 0.05) / 6 + abs(0.95 / 6 + 0.92 / 6 + 0.5 - 2 / 6)
    assert found["expected_calibration_error"] == pytest.approx(error)


@pytest.mark.parametrize("within", [True, False])
def test_pairs_are_all_there_are_or_so_many(drawings, rng, monkeypatch, within):
    part = drawings.some(12, 3, rng)
    same, different = matching.pairs_of_both_kinds(part, within, rng)
    labels, groups = part.labels, part.groups
    assert len(same) == 12 * 3 and np.all(labels[same[:, 0]] == labels[same[:, 1]])
    assert np.all(labels[different[:, 0]] != labels[different[:, 1]])
    of_one = sum((groups[a] == groups[b]) & (labels[a] != labels[b]) for a in range(36) for b in range(a))
    assert len(different) == (of_one if within else 36 * 33 // 2)
    assert np.all(groups[different[:, 0]] == groups[different[:, 1]]) == within
    monkeypatch.setattr(matching, "PAIRS", 20)
    same, different = matching.pairs_of_both_kinds(part, within, rng)
    assert len(np.unique(same, axis=0)) == len(np.unique(different, axis=0)) == 20


def test_scores_that_are_no_numbers_and_images_without_pairs_get_one_line(drawings):
    one, each = drawings.take_classes([0]), drawings.take([rows[0] for rows in drawings.rows_of_class])
    for part, kind in ((one, "two classes"), (each, "one class")):
        with pytest.raises(BadInput, match=f"no two of the images to compare are of {kind}"):
            matching.pairs_of_both_kinds(part, True, np.random.default_rng(0))
    with pytest.raises(BadInput, match="no numbers"):
        scored_of(lambda a, b: np.where(a == 0, np.nan, 1.0), np.array([0, 0, 1, 1]))


# --- the front door ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run_folder(tmp_path):
    """The run of a network that was not trained, and yet is calibrated."""
    config = Settings.of_recipe(data="omniglot", network="conv4", validation_alphabets=2, views=2).checked()
    network = build(config, np.random.default_rng(0))
    meta = {"config": config.to_json(), "step": 3, "calibration": {"slope": 0.5, "offset": 4.0}, "more": "kept"}
    checkpoint.save(tmp_path / "best.npz", network.arrays(), meta)
    return tmp_path


def options_of(run, data_dir, *more):
    return [run, "--protocol", "threshold", "--data-dir", data_dir, "--false-match-rate", 0.05, *more]


def assert_same_network(path, arrays, meta, found):
    """A checkpoint has the arrays and the meta that it had, and a threshold beside them."""
    after, meta_after = checkpoint.load(path, RunMeta)
    assert meta_after == meta | {"threshold": found}
    assert after.keys() == arrays.keys()
    assert all(after[key].tobytes() == arrays[key].tobytes() for key in arrays)


def test_the_protocol_and_what_it_keeps(run_folder, small_omniglot, monkeypatch, capsys):
    arrays, meta = checkpoint.load(run_folder / "best.npz")
    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot, "--json")) == 0
    result = json.loads(capsys.readouterr().out)
    found, p = result["threshold"], result["probability"]
    assert found["interval"][0] <= found["score"] <= found["interval"][1] and found["false_match_rate"] == 0.05
    assert p["threshold"] == pytest.approx(1 / (1 + np.exp(-0.5 * found["score"] - 4)))
    assert p["interval"][0] < p["threshold"] < p["interval"][1]
    _, trained, _ = load_run(run_folder)
    for name in ("validation", "evaluation"):
        part = result[name]
        assert part["classes"] == len(part_of(name, trained, small_omniglot).rows_of_class)
        assert part["images"] == 4 * part["classes"] and part["same_pairs"] == 6 * part["classes"]
        for rate in (part["false_match_rate"], part["false_non_match_rate"]):
            assert 0 <= rate["interval"][0] <= rate["rate"] <= rate["interval"][1] <= 1
    one = 1 / result["validation"]["different_pairs"]
    assert 0.05 - one < result["validation"]["false_match_rate"]["rate"] <= 0.05
    assert 0.5 < result["evaluation"]["area_under_roc"] < 1 and 0 < result["evaluation"]["equal_error_rate"] < 0.5
    assert sum(each["weight"] for each in result["reliability"]["bins"]) == pytest.approx(1)
    assert result["stored"] == str(run_folder / "best.npz") and result["views"] == 2
    assert result["picture"] == str(run_folder / "threshold.png") and Image.open(result["picture"]).width > 1500
    assert_same_network(run_folder / "best.npz", arrays, meta, found)
    assert load_run(run_folder)[2]["threshold"] == found

    said = protocols.describe(result)
    assert f'"same" from a probability of {p["threshold"]:.2%}' in said and "for a false match rate of 5%" in said
    assert f"pairs of different classes, {100 * result['evaluation']['false_match_rate']['rate']:.3g}%" in said
    assert f"stored in {run_folder / 'best.npz'}" in said

    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot, "--alphabets", "across")) == 0
    assert "pairs across alphabets of omniglot" in capsys.readouterr().out
    across = load_run(run_folder)[2]["threshold"]
    assert across["score"] != found["score"]  # the later one stands
    assert_same_network(run_folder / "best.npz", arrays, meta, across)


def test_the_threshold_never_sees_the_evaluation_images(run_folder, small_omniglot, monkeypatch):
    parts = []
    monkeypatch.setattr(matching.Scored, "by", lambda scorer, dataset, *pairs: parts.append(dataset))
    monkeypatch.setattr(matching, "threshold_for", lambda scored, *_: 1 / 0)
    network, trained, _ = load_run(run_folder)
    asked = protocols.EvaluateOptions(run_folder, protocol="threshold", data_dir=small_omniglot)
    with pytest.raises(ZeroDivisionError):
        protocols.measure(asked, network, trained)
    for part, name in zip(parts, ("validation", "evaluation"), strict=True):
        assert part.group_names == part_of(name, trained, small_omniglot).group_names
    assert load_run(run_folder)[2].get("threshold") is None and not (run_folder / "threshold.png").exists()


def test_parts_are_bounded(run_folder, small_omniglot, monkeypatch):
    """Of a part with many classes, some of them with three images each; of few, as many of each."""
    _, trained, _ = load_run(run_folder)
    asked = protocols.EvaluateOptions(run_folder, data_dir=small_omniglot)
    monkeypatch.setattr(threshold, "IMAGES", 30)
    part, _, _ = threshold.compared("validation", asked, trained)
    assert [len(rows) for rows in part.rows_of_class] == [3] * 10
    count = len(part_of("validation", trained, small_omniglot).rows_of_class)
    monkeypatch.setattr(threshold, "IMAGES", 3 * count + 1)
    part, _, _ = threshold.compared("validation", asked, trained)
    assert [len(rows) for rows in part.rows_of_class] == [3] * count


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--false-match-rate", 0], "--false-match-rate must be above 0 and below 0.5, not 0"),
        (["--false-match-rate", 0.5], "--false-match-rate must be above 0 and below 0.5, not 0.5"),
        (["--false-match-rate", "nan"], "--false-match-rate must be above 0 and below 0.5, not nan"),
        (["--false-match-rate", 1e-9], "cannot show a rate of 0.000000001: ask for at least 0.0000"),
        (["--views", 1], "--views is no option of --protocol threshold"),
        (["--protocol", "nway"], "--false-match-rate is no option of --protocol nway"),
    ],
)
def test_bad_input_gets_one_line(run_folder, small_omniglot, monkeypatch, capsys, more, complaint):
    before = (run_folder / "best.npz").read_bytes()
    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot, *more)) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1 and not captured.out
    assert (run_folder / "best.npz").read_bytes() == before and not (run_folder / "threshold.png").exists()


def test_the_rate_that_is_named_as_the_least_is_taken():
    for count in (3, 49, 1234, 199_999):
        with pytest.raises(BadInput, match="ask for at least") as refused:
            threshold.check_rate(1e-7, count, 5)
        threshold.check_rate(float(str(refused.value).rpartition(" ")[2]), count, 5)


def test_a_run_that_is_not_calibrated_gets_one_line(run_folder, small_omniglot, monkeypatch, capsys):
    arrays, meta = checkpoint.load(run_folder / "best.npz")
    checkpoint.save(run_folder / "best.npz", arrays, {"config": meta["config"]})
    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot)) == 2
    assert f"{run_folder} is not calibrated: give the run folder" in capsys.readouterr().err


def test_few_pairs_and_few_classes_are_said(run_folder, small_omniglot, monkeypatch, capsys):
    monkeypatch.setattr(threshold, "ENOUGH_CLASSES", 1000)
    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot, "--false-match-rate", 0.0001)) == 0
    said = capsys.readouterr().out
    assert "different pairs of validation lie above the threshold" in said and "classes are few" in said


def test_what_cannot_be_kept_is_told_all_the_same(run_folder, small_omniglot, monkeypatch, capsys):
    before = (run_folder / "best.npz").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(threshold.checkpoint, "save", full)
    assert call(monkeypatch, evaluate.main, *options_of(run_folder, small_omniglot)) == 0
    captured = capsys.readouterr()
    assert captured.err == f"not kept: cannot write {run_folder} (No space left on device)\n"
    assert "the threshold is stored nowhere" in captured.out and (run_folder / "best.npz").read_bytes() == before


def test_a_checkpoint_that_changed_meanwhile_is_left_alone(run_folder):
    _, meta = checkpoint.load(run_folder / "best.npz")
    before = (run_folder / "best.npz").read_bytes()
    found = {"threshold": {"score": 1.0}}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BadInput, match="was changed while it was measured"):
        patch.setattr("minisiamese.evaluate.threshold_pictures.draw_threshold", lambda *_: None)
        threshold.kept(run_folder / "best.npz", meta | {"step": 2}, found, None)
    assert (run_folder / "best.npz").read_bytes() == before


def test_the_network_that_ships_stays_as_it_is(run_folder, small_omniglot, tmp_path, monkeypatch):
    """By its name; a path is a file like any other, and has the picture beside it."""
    given = tmp_path / "given" / "network.npz"
    given.parent.mkdir()
    given.write_bytes((run_folder / "best.npz").read_bytes())
    monkeypatch.setattr("minisiamese.runs.start.PRETRAINED", given)
    network, trained, _ = load_run("pretrained")
    named = protocols.EvaluateOptions("pretrained", protocol="threshold", data_dir=small_omniglot)
    result = protocols.measure(named, network, trained)
    assert (result["picture"], result["stored"]) == (None, None) and list(given.parent.iterdir()) == [given]
    assert given.read_bytes() == (run_folder / "best.npz").read_bytes()
    assert "stored nowhere" in protocols.describe(result)
    by_path = protocols.measure(replace(named, run=given), network, trained)
    assert by_path["stored"] == str(given) and (given.parent / "threshold.png").exists()


def test_a_run_on_a_folder_of_images(tmp_path, rng, monkeypatch, capsys):
    """Two validation classes: half of the resamples have no pair of two classes, and are not counted."""
    for name in "abcdefgh":
        (tmp_path / "images" / name).mkdir(parents=True)
        base = rng.integers(200, size=(3, 3, 3)).repeat(4, 0).repeat(4, 1)
        for number in range(4):
            pixels = (base + rng.integers(50, size=base.shape)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    config = Settings.of_recipe(data="folder", data_dir=tmp_path / "images", network="conv4", views=1).checked()
    network = build(config, np.random.default_rng(0), channels=3)
    meta = {"config": config.to_json(), "channels": 3, "calibration": {"slope": 1.0, "offset": 0.0}}
    meta["images"] = part_of("training", config).digest()
    checkpoint.save(tmp_path / "best.npz", network.arrays(), meta)
    asked = [tmp_path, "--protocol", "threshold", "--false-match-rate", 0.1]
    assert call(monkeypatch, evaluate.main, *asked) == 0
    said = capsys.readouterr().out
    assert "on pairs of the images;" in said and "2 classes are few" in said and "16 of two" in said
    assert call(monkeypatch, evaluate.main, *asked, "--false-match-rate", 0.05) == 2
    complaint = "16 different pairs of 2 validation classes cannot show a rate of 0.05: ask for at least 0.0625"
    assert complaint in capsys.readouterr().err


def test_a_run_that_is_finished_again_keeps_its_threshold(small_omniglot, tmp_path, monkeypatch):
    """Its weights are the same, and so are the scores."""
    monkeypatch.setattr(protocols, "BASELINES", {"nearest_neighbour": nearest_neighbour})
    for name, trials in {"nway": 30, "verification": 60}.items():
        monkeypatch.setitem(protocols.PROTOCOLS, name, replace(protocols.PROTOCOLS[name], trials=trials))
    monkeypatch.setattr("minisiamese.train.trainer.VALIDATION_RUNS", 2)
    for name in ("curves", "test_pairs", "trial", "ways"):
        monkeypatch.setattr(plots, name, lambda *content: None)
    out = tmp_path / "run"
    trained = ["omniglot", "--data-dir", small_omniglot, "--out", out, "--steps", 2, "--network", "conv4"]
    trained += "--validation-alphabets 1 --batch 6 --drawings 3 --views 1".split()
    assert call(monkeypatch, train.main, *trained) == 0
    arrays, meta = checkpoint.load(out / "best.npz")
    assert call(monkeypatch, evaluate.main, *options_of(out, small_omniglot)) == 0
    found = load_run(out)[2]["threshold"]
    assert call(monkeypatch, train.main, *trained, "--resume") == 0
    assert_same_network(out / "best.npz", arrays, meta, found)
    assert call(monkeypatch, evaluate.main, *options_of(out, small_omniglot)) == 0
    assert load_run(out)[2]["threshold"] == found
