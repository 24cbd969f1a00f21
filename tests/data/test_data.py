"""Data sets: reading, caching, splitting, drawing batches."""

import gzip
import runpy
import shutil
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
from conftest import idx, png, write_alphabets

from minisiamese import data
from minisiamese.backend import to_host
from minisiamese.data import DATASETS, glyphs, load, mnist, omniglot
from minisiamese.data.affine import identity
from minisiamese.data.alphabets import STEADY, Lattice, Movements, bent
from minisiamese.data.dataset import Dataset, cache_folder, cached, hold_out
from minisiamese.data.samplers import COPIES, Episodes, Pairs, PairSet, Triplets
from minisiamese.errors import BadInput
from minisiamese.runs.settings import DataSettings

# --- Dataset ----------------------------------------------------------------------------------------------------------


def test_take_groups_renumbers_classes_and_groups(drawings):
    part = drawings.take_groups([3, 1])
    assert part.group_names == (drawings.group_names[1], drawings.group_names[3])
    classes = [len(drawings.classes_of_group[group]) for group in (1, 3)]
    assert [len(each) for each in part.classes_of_group] == classes
    assert np.array_equal(np.unique(part.labels), np.arange(sum(classes)))
    first = drawings.rows_of_class[drawings.classes_of_group[1][0]]
    assert np.array_equal(part.images[part.rows_of_class[0]], drawings.images[first])


def test_hold_out_parts_the_alphabets_always_the_same_way(drawings):
    training, held = hold_out(drawings, 2)
    assert set(training.group_names) | set(held.group_names) == set(drawings.group_names)
    assert not set(training.group_names) & set(held.group_names)
    assert hold_out(drawings, 2)[1].group_names == held.group_names
    with pytest.raises(BadInput, match="--validation-alphabets must be 0 to 4"):
        hold_out(drawings, 5)


def test_where_nothing_is_held_out_the_same_alphabets_stand_in_mirror_writing(drawings):
    training, mirrored = hold_out(drawings, 0)
    assert training is drawings and np.array_equal(mirrored.labels, drawings.labels)
    assert np.array_equal(mirrored.images[5, :, :, 0], np.fliplr(drawings.images[5, :, :, 0]))
    assert not set(mirrored.group_names) & set(drawings.group_names)


def test_cache_gives_back_what_was_built_and_survives_damage(drawings):
    calls = []
    build = lambda: calls.append(1) or drawings  # noqa: E731
    for _ in range(2):
        read = cached("test", ("key", 1), build)
        assert np.array_equal(read.images, drawings.images) and read.group_names == drawings.group_names
        assert all(np.array_equal(getattr(read, k), getattr(drawings, k)) for k in ("labels", "groups", "drawers"))
    assert len(calls) == 1
    (path,) = (cache_folder() / "packed").glob("test-*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    cached("test", ("key", 1), build)
    cached("test", ("another key",), build)
    assert len(calls) == 3


# --- glyphs -----------------------------------------------------------------------------------------------------------


def test_glyphs_are_shaped_like_omniglot():
    dataset = glyphs.make(range(3))
    assert dataset.images.shape[1:] == (105, 105, 1)
    assert set(np.unique(dataset.images)) == {0, 255}
    assert all(14 <= len(classes) <= 55 for classes in dataset.classes_of_group)
    assert set(Counter(dataset.labels.tolist()).values()) == {20}
    ink = (dataset.images > 0).mean(axis=(1, 2, 3))
    assert 0.001 < ink.min() and ink.max() < 0.35
    edge = np.concatenate([dataset.images[:, [0, -1]].ravel(), dataset.images[:, :, [0, -1]].ravel()])
    assert not edge.any()  # nothing leaves the frame


def test_glyphs_come_out_the_same_whichever_others_are_drawn(drawings):
    again = glyphs.make([3], drawers=4)
    assert np.array_equal(again.images, drawings.take_groups([3]).images)
    assert len({image.tobytes() for image in again.images}) == len(again.images)  # no drawing twice


def test_glyph_splits_share_no_alphabet():
    assert len(glyphs.SPLITS["background"]) == 30 and len(glyphs.SPLITS["evaluation"]) == 20
    assert not set(glyphs.SPLITS["background"]) & set(glyphs.SPLITS["evaluation"])


@pytest.mark.parametrize("kind", [Movements, Lattice])
def test_invented_characters_are_unlike_and_hands_differ(kind, rng):
    alphabet, hands = kind(rng), glyphs.Hands(rng, 3)
    assert 14 <= len(alphabet.characters) <= 55
    steady = [np.concatenate(alphabet.trace(each, STEADY, rng), axis=1) for each in alphabet.characters]
    again = [np.concatenate(alphabet.trace(each, STEADY, rng), axis=1) for each in alphabet.characters]
    assert all(np.allclose(*both) for both in zip(steady, again, strict=True))  # nothing by chance
    assert all(np.isfinite(points).all() for points in steady)
    shapes = np.stack([alphabet._shape(each) for each in alphabet.characters])
    assert (shapes @ shapes.T)[~np.eye(len(shapes), dtype=bool)].max() < kind.most_alike
    drawn = alphabet.trace(alphabet.characters[0], hands, rng)
    assert all(stroke.shape[0] == 3 and np.ptp(stroke, axis=0).max() > 0.01 for stroke in drawn)


def test_a_bend_is_a_corner_or_a_curve_between_its_lines():
    nodes = np.array([[[0, 0], [1, 0], [1, 1.0]]])
    sharp, blunt = bent(nodes, np.array([[0, 0, 0]])), bent(nodes, np.array([[0, 1.0, 0]]))
    assert np.abs(sharp - [1, 0]).sum(axis=2).min() == 0  # through the corner
    middle = np.abs(blunt - [0.875, 0.125]).sum(axis=2).min()  # of a quadratic Bezier curve from (0.5, 0) to (1, 0.5)
    assert middle < 0.05 and np.abs(blunt - [1, 0]).sum(axis=2).min() > 0.2
    assert np.array_equal(blunt[0, [0, -1]], [[0, 0], [1, 1]])


def test_each_split_of_glyphs_has_a_cache_of_its_own(monkeypatch):
    monkeypatch.setattr(glyphs, "SPLITS", {"background": [0], "evaluation": [1]})
    monkeypatch.setattr(glyphs, "VERSION", 9999)  # so that the cache is no other test's
    monkeypatch.setattr(glyphs, "make", lambda alphabets, make=glyphs.make: make(alphabets, drawers=2))
    parts = [load("glyphs", split) for split in ("background", "evaluation", "background")]
    assert parts[0].images.tobytes() == parts[2].images.tobytes() != parts[1].images.tobytes()


# --- Omniglot ---------------------------------------------------------------------------------------------------------


def test_omniglot_from_zips_and_from_folders(small_omniglot, tmp_path):
    from_zip = load("omniglot", "background", small_omniglot)
    expected = glyphs.make(range(4), drawers=4)
    assert np.array_equal(from_zip.images, expected.images)
    assert np.array_equal(from_zip.labels, expected.labels) and np.array_equal(from_zip.drawers, expected.drawers)
    assert from_zip.group_names == expected.group_names
    with zipfile.ZipFile(small_omniglot / "omniglot/images_background.zip") as archive:
        archive.extractall(tmp_path / "omniglot")
    assert np.array_equal(load("omniglot", "background", tmp_path).images, expected.images)
    alphabet = tmp_path / "omniglot/images_background" / expected.group_names[0]
    shutil.rmtree(alphabet / "character01")  # below an unchanged folder: the packed file must not be taken
    assert len(load("omniglot", "background", tmp_path).images) == len(expected.images) - 4


def test_lake_runs_keep_tests_with_their_classes(small_omniglot):
    runs = omniglot.load_runs(small_omniglot)
    tests = glyphs.make(range(40, 42), drawers=4)
    assert len(runs) == 2
    for run, classes in zip(runs, tests.classes_of_group, strict=True):
        for image, answer in zip(run.test, run.answer, strict=True):
            training, test = tests.rows_of_class[classes[answer]][:2]
            assert np.array_equal(image, tests.images[test])
            assert np.array_equal(run.training[answer], tests.images[training])
        assert sorted(run.answer) == list(range(5))


def test_where_omniglot_is_looked_for(small_omniglot, tmp_path, monkeypatch):
    monkeypatch.setenv("MINISIAMESE_DATA", str(small_omniglot))
    assert omniglot.find("all_runs").parent.parent == small_omniglot
    shutil.copytree(small_omniglot, tmp_path / "mine")
    assert omniglot.find("all_runs", tmp_path / "mine").parent.parent == tmp_path / "mine"
    with pytest.raises(BadInput, match=r"--data-dir .*data_scripts.*glyphs"):
        omniglot.find("all_runs", tmp_path / "nowhere")
    monkeypatch.delenv("MINISIAMESE_DATA")
    monkeypatch.setattr("minisiamese.data.dataset.cache_folder", lambda: small_omniglot)
    assert omniglot.find("all_runs").parent.parent == small_omniglot


@pytest.mark.parametrize(
    "error", [ConnectionError("no route"), ValueError("SHA256 hash of downloaded file ... is wrong")]
)
def test_without_data_and_network_the_way_out_is_named(error, tmp_path, monkeypatch):
    def retrieve(*_, **__):
        raise error

    monkeypatch.delenv("MINISIAMESE_DATA", raising=False)
    monkeypatch.setattr(omniglot, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(BadInput, match=r"--data-dir.*MINISIAMESE_DATA.*data_scripts.*glyphs"):
        load("omniglot", "background")


def test_the_data_script_fetches_every_archive(tmp_path, monkeypatch, capsys):
    fetched = []

    def retrieve(url, known_hash, fname, path, progressbar):
        fetched.append((url, known_hash))
        return path / fname

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    monkeypatch.setattr(sys, "argv", ["omniglot.py", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(Path(__file__).parents[2] / "data_scripts/omniglot.py"), run_name="__main__")
    assert not stop.value.code
    assert capsys.readouterr().out.split() == [f"{tmp_path}/omniglot/{name}.zip" for name in omniglot.WHOLE]
    (tmp_path / "omniglot").mkdir()
    (tmp_path / "omniglot/all_runs.zip").write_text("a user's own copy")
    with pytest.raises(SystemExit):
        runpy.run_path(str(Path(__file__).parents[2] / "data_scripts/omniglot.py"), run_name="__main__")
    assert len(fetched) == 3 + 2  # what is there stays
    assert fetched[0] == (f"{omniglot.URL}images_background.zip", "md5:68d2efa1b9178cc56df9314c21c6e718")


def test_damaged_and_wrong_archives_are_named(small_omniglot, tmp_path):
    folder = tmp_path / "omniglot"
    folder.mkdir()
    good = (small_omniglot / "omniglot/images_background.zip").read_bytes()
    path = folder / "images_background.zip"

    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(BadInput, match="cannot be read"):
        load("omniglot", "background", tmp_path)

    damaged = bytearray(good)
    damaged[len(good) // 3 : len(good) // 3 + 300] = bytes(300)
    path.write_bytes(bytes(damaged))
    with pytest.raises(BadInput):
        load("omniglot", "background", tmp_path)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday/beach.png", b"sand")
    with pytest.raises(BadInput, match="no drawings"):
        load("omniglot", "background", tmp_path)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Latin/character01/0001_01.png", b"not a picture")
    with pytest.raises(BadInput, match="not a readable image"):
        load("omniglot", "background", tmp_path)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Latin/character01/0001_01.png", png(np.zeros((28, 28, 1), np.uint8)))
    with pytest.raises(BadInput, match="28 x 28"):
        load("omniglot", "background", tmp_path)

    write_alphabets(path, glyphs.make([0], drawers=2), "images_evaluation")
    with pytest.raises(BadInput, match="mixed up"):
        load("omniglot", "background", tmp_path)

    with zipfile.ZipFile(folder / "all_runs.zip", "w") as archive:
        archive.writestr("run01/class_labels.txt", "run01/test/item01.png run01/training/class01.png\n")
    with pytest.raises(BadInput, match="lacks"):
        omniglot.load_runs(tmp_path)
    for labels in (b"", b"one\n", b"a b\nc\n", b"\xff\xfe\n"):
        with zipfile.ZipFile(folder / "all_runs.zip", "w") as archive:
            archive.writestr("run01/class_labels.txt", labels)
        with pytest.raises(BadInput):
            omniglot.load_runs(tmp_path)


@pytest.mark.slow
def test_the_real_omniglot_is_whole(real_omniglot):
    for split, characters, alphabets in (("background", 964, 30), ("evaluation", 659, 20)):
        dataset = load("omniglot", split, real_omniglot)
        assert (len(dataset.rows_of_class), len(dataset.group_names)) == (characters, alphabets)
        assert len(dataset.images) == 20 * characters
    assert len(omniglot.load_runs(real_omniglot)) == 20


def test_turned_alphabets_are_alphabets_of_their_own(drawings):
    turned, M = drawings.turned(), len(drawings.images)
    assert len(turned.rows_of_class) == 4 * len(drawings.rows_of_class) and len(turned.group_names) == 20
    for turn in range(4):
        rows = slice(turn * M, (turn + 1) * M)
        back = np.rot90(turned.images[rows], -turn, axes=(1, 2))
        assert np.array_equal(back, drawings.images) and np.array_equal(turned.drawers[rows], drawings.drawers)
        assert np.array_equal(turned.labels[rows] - turned.labels[turn * M], drawings.labels - drawings.labels[0])
        assert np.array_equal(turned.groups[rows], drawings.groups + 5 * turn)


# --- MNIST ------------------------------------------------------------------------------------------------------------


def test_mnist_is_read_gzipped_or_not_and_a_damaged_file_is_named(tmp_path, rng):
    folder = tmp_path / "mnist"
    folder.mkdir()
    images, labels = rng.integers(0, 256, (30, 28, 28)), np.arange(30) % 10
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    digits = mnist.load("test", tmp_path)
    assert np.array_equal(digits.images[..., 0], images) and np.array_equal(digits.labels, labels)
    assert digits.drawers.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    with pytest.raises(BadInput, match="--data-dir"):
        mnist.load("train", tmp_path)
    whole = idx(images)
    path = folder / "t10k-images-idx3-ubyte.gz"
    for bad in (b"", gzip.compress(whole)[:-9], b"no gzip", *map(gzip.compress, (whole[:-1], b"", b"\1" + whole[1:]))):
        path.write_bytes(bad)
        with pytest.raises(BadInput, match="not a whole idx file"):
            mnist.load("test", tmp_path)
    path.write_bytes(gzip.compress(idx(images[:29])))
    with pytest.raises(BadInput, match="not MNIST"):
        mnist.load("test", tmp_path)


# --- samplers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classes():
    """30 classes of five drawings in three alphabets."""
    rows = np.arange(150)
    return Dataset(np.zeros((150, 2, 2, 1), np.uint8), rows // 5, rows // 50, rows % 5, ("a", "b", "c"))


@pytest.mark.parametrize(("within", "least", "most"), [(1.0, 1.0, 1.0), (0.0, 0.2, 0.45), (0.5, 0.5, 0.8)])
def test_pairs_are_balanced_and_true(classes, rng, within, least, most):
    batch = Pairs(classes, 1000, within).draw(rng)
    a, b = batch.rows[batch.pairs].T
    assert np.array_equal(classes.labels[a] == classes.labels[b], batch.same == 1)
    assert batch.same.sum() == 500
    assert not np.any(a == b)  # a drawing is not its own partner
    near = classes.groups[a] == classes.groups[b]
    assert np.all(near[batch.same == 1])
    assert least <= near[batch.same == 0].mean() <= most
    assert len(np.unique(classes.labels[a])) == 30


@pytest.mark.parametrize(("positive", "same"), [(0.4, 4), (0.5, 5), (0.25, 2)])
def test_a_share_of_the_pairs_is_of_one_class(classes, rng, positive, same):
    batch = Pairs(classes, 10, positive=positive).draw(rng)
    a, b = batch.rows[batch.pairs].T
    assert np.array_equal(classes.labels[a] == classes.labels[b], batch.same == 1) and batch.same.sum() == same


def test_even_pairs_give_every_alphabet_as_many(drawings, rng):
    batch = Pairs(drawings, 100, within=1.0).draw_evenly(rng)
    a, b = batch.rows[batch.pairs].T
    assert np.array_equal(drawings.labels[a] == drawings.labels[b], batch.same == 1) and not np.any(a == b)
    assert np.array_equal(drawings.groups[a], drawings.groups[b])
    for part in (batch.same == 0, batch.same == 1):
        assert np.bincount(drawings.groups[a][part]).tolist() == [10] * 5


@pytest.mark.parametrize("distort", [True, False])
def test_a_pair_set_is_gone_through_once_an_epoch(classes, distort):
    """Every pair as it is and, distorted, in 8 copies that differ; the same pairs in every epoch."""
    sampler = PairSet(classes, 10, size=40, distort=distort, seed=3)
    versions = 1 + COPIES if distort else 1
    epochs = []
    for _ in range(2):
        batches = [sampler.draw(None) for _ in range(4 * versions)]
        seen = Counter()
        for batch in batches:
            for (a, b), same in zip(batch.pairs, batch.same, strict=True):
                maps = tuple(batch.matrices[[a, b]].ravel().tolist())
                seen[batch.rows[a], batch.rows[b], same, maps] += 1
                assert (classes.labels[batch.rows[a]] == classes.labels[batch.rows[b]]) == same
        assert sum(seen.values()) == 40 * versions and max(seen.values()) <= 2
        pairs = Counter(key[:3] for key in seen.elements())
        assert all(count % versions == 0 for count in pairs.values())
        as_it_is = tuple(identity(2).ravel().tolist())
        assert sum(count for key, count in seen.items() if key[3] == as_it_is) >= 40
        epochs.append((seen, [batch.rows.tolist() for batch in batches]))
    assert epochs[0][0] == epochs[1][0] and epochs[0][1] != epochs[1][1]

    again = PairSet(classes, 10, size=40, distort=distort, seed=3)
    again.drawn = 5  # as after a resume
    assert again.draw(None).rows.tolist() == [*epochs[0][1], *epochs[1][1]][5]
    with pytest.raises(BadInput, match="--pairs 5"):
        PairSet(classes, 10, size=5, distort=distort, seed=3)


def test_every_division_of_a_run_parts_its_images(small_omniglot, monkeypatch):
    """No image is of two parts; what a run may be told of a division stands in the data set's record."""
    monkeypatch.setattr(omniglot, "VINYALS_CHARACTERS", 162 + 20)
    monkeypatch.setattr(omniglot, "VINYALS_VALIDATION", ("glyphs02",))
    monkeypatch.setattr(omniglot, "SMALL", dict.fromkeys(omniglot.SMALL, ("glyphs01", "glyphs03")))
    for split in DATASETS["omniglot"].divisions:
        settings = DataSettings("omniglot", split=split, validation_alphabets=1)
        parts = [data.part(name, settings, small_omniglot) for name in ("training", "validation", "evaluation")]
        pictures = [{image.tobytes() for image in each.images} for each in parts]
        assert all(pictures) and len(set.union(*pictures)) == sum(map(len, pictures)), split


def test_the_papers_parts_are_of_different_alphabets(small_omniglot):
    names = [omniglot.paper_part(name, small_omniglot).group_names for name in ("training", "validation", "evaluation")]
    assert all(names) and len({*names[0], *names[1], *names[2]}) == sum(map(len, names))


@pytest.mark.slow
def test_the_papers_parts_share_neither_alphabets_nor_drawers(real_omniglot):
    parts = {name: omniglot.paper_part(name, real_omniglot) for name in ("training", "validation", "evaluation")}
    sizes = {name: (len(each.group_names), len(np.unique(each.drawers))) for name, each in parts.items()}
    assert sizes == {"training": (30, 12), "validation": (10, 4), "evaluation": (10, 4)}
    assert len(set.union(*(set(each.group_names) for each in parts.values()))) == 50
    assert len(set.union(*(set(each.drawers.tolist()) for each in parts.values()))) == 20
    evaluation = load("omniglot", "evaluation", real_omniglot)
    alphabet_of = {image.tobytes(): group for image, group in zip(evaluation.images, evaluation.groups, strict=True)}
    tested = {alphabet_of[image.tobytes()] for run in omniglot.load_runs(real_omniglot) for image in run.test}
    assert {evaluation.group_names[group] for group in tested} == set(omniglot.LAKE_ALPHABETS)


@pytest.mark.slow
def test_the_few_shot_division_is_the_published_one(real_omniglot):
    """1,028, 172 and 423 characters; the last ones turned, too. It shares alphabets with Lake's test."""
    parts = {name: omniglot.vinyals_part(name, real_omniglot) for name in ("training", "validation", "evaluation")}
    assert [len(each.rows_of_class) for each in parts.values()] == [1028, 172, 4 * 423]
    drawings = {name: {image.tobytes() for image in each.images[::20]} for name, each in parts.items()}
    assert not drawings["training"] & drawings["evaluation"] and not drawings["training"] & drawings["validation"]
    names = set(parts["training"].group_names)
    assert {"Atlantean", "Ge_ez", "Glagolitic", "Gurmukhi"} == names & set(omniglot.LAKE_ALPHABETS)
    gurmukhi = parts["evaluation"].group_names.index("Gurmukhi turned by 0")
    assert len(parts["evaluation"].classes_of_group[gurmukhi]) == 4  # the last of its 45
    assert "Kannada turned by 270" in parts["evaluation"].group_names and not names & {"Kannada", "Bengali"}
    last = parts["training"].classes_of_group[parts["training"].group_names.index("Gurmukhi")]
    assert len(last) == 41 and last[-1] == 1027


def test_triplets_are_true(classes, rng):
    batch = Triplets(classes, 300).draw(rng)
    (anchor, positive), (same_anchor, negative) = (batch.rows[half].T for half in np.split(batch.pairs, 2))
    assert np.array_equal(anchor, same_anchor)
    assert np.all(classes.labels[anchor] == classes.labels[positive]) and not np.any(anchor == positive)
    assert not np.any(classes.labels[anchor] == classes.labels[negative])


def test_every_drawing_of_an_episode_is_asked_against_one_of_each_class(classes, rng):
    sampler = Episodes(classes, ways=6, drawings=3)
    batch = sampler.draw(rng)
    label = classes.labels[batch.rows]
    assert len(np.unique(label)) == 6 and len(np.unique(batch.rows)) == 18
    assert batch.tasks.shape == (18 * 2, 6)
    asked = Counter()
    for task, target in zip(batch.tasks, batch.target, strict=True):
        pairs = batch.pairs[task]
        (query,) = set.intersection(*(set(pair.tolist()) for pair in pairs))
        support = pairs.sum(axis=1) - query
        assert np.array_equal(label[support], label[::3])  # one of each class, in order
        assert label[support[target]] == label[query] and support[target] != query
        asked[query] += 1
    assert asked == dict.fromkeys(range(18), 2)
    assert np.all(np.bincount(batch.tasks.ravel(), minlength=len(batch.pairs)) == 2)  # no pair is scored in vain


@pytest.mark.parametrize(("within", "alphabets"), [(1.0, {1}), (0.0, {2, 3})])
def test_within_decides_where_an_episode_comes_from(classes, rng, within, alphabets):
    sampler = Episodes(classes, ways=8, drawings=2, within=within)
    seen = {len(np.unique(classes.groups[sampler.draw(rng).rows])) for _ in range(20)}
    assert seen <= alphabets


def test_more_classes_than_an_alphabet_has_come_from_several(classes, rng):
    batch = Episodes(classes, ways=25, drawings=2, within=1.0).draw(rng)
    assert sorted(np.unique(classes.groups[batch.rows], return_counts=True)[1] // 2) == [5, 10, 10]


def test_samplers_draw_the_same_from_the_same_generator(classes):
    for sampler in (Pairs(classes, 10), Triplets(classes, 10), Episodes(classes, 5, 2)):
        draws = [sampler.draw(np.random.default_rng(7)).rows for _ in range(2)]
        assert np.array_equal(*draws)


def test_tuples_move_to_the_device_and_rows_stay(classes, rng, device):
    batches = [sampler.draw(rng) for sampler in (Pairs(classes, 10), Triplets(classes, 10), Episodes(classes, 5, 2))]
    batches.append(replace(batches[1], found=rng.random(10) < 0.5))
    for batch in batches:
        moved = batch.to(device)
        assert moved.rows is batch.rows and moved.drawings == batch.drawings
        for key in ("pairs", "same", "tasks", "target", "found"):
            here, there = getattr(batch, key), getattr(moved, key)
            if here is None:
                assert there is None
            else:
                assert isinstance(there, np.ndarray) == (device == "cpu")
                assert there.dtype == here.dtype and np.array_equal(to_host(there), here)


def test_what_a_data_set_cannot_give_is_refused(classes):
    with pytest.raises(BadInput, match="only 30 classes"):
        Episodes(classes, ways=31, drawings=2)
    with pytest.raises(BadInput, match="only 5 images"):
        Episodes(classes, ways=3, drawings=6)
    with pytest.raises(BadInput, match="at least 2"):
        Episodes(classes, ways=3, drawings=1)
    with pytest.raises(BadInput, match="two classes"):
        Pairs(single_class(), 4)


def single_class():
    zeros = np.zeros(3, int)
    return Dataset(np.zeros((3, 2, 2, 1), np.uint8), zeros, zeros, np.arange(3), ("a",))
