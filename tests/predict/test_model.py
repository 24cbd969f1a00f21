"""The library from Python: ten lines on drawings and on a folder of colour images, and what they refuse."""

import doctest
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from conftest import call, png
from PIL import Image
from scipy.special import logit

import minisiamese as ms
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.predict import estimator, model
from minisiamese.predict.pictures import Doubtful, one
from minisiamese.predict.support import file_beside
from minisiamese.train import from_python
from minisiamese.trials import wilson

COLOURS = np.array(
    [[200, 30, 30], [30, 180, 40], [40, 60, 220], [220, 210, 40], [160, 40, 190], [20, 190, 190], [9, 9, 9]]
)


def blob(label, rng):
    """A picture (40, 60, 3) of a class: its colour, in a rectangle anywhere."""
    image = np.full((40, 60, 3), 255, np.uint8)
    top, left = rng.integers(0, 15, 2)
    image[top : top + 20, left : left + 30] = np.clip(COLOURS[label] + rng.integers(-9, 10, 3), 0, 255)
    return image


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """A folder of seven classes with five colour images each."""
    root, rng = tmp_path_factory.mktemp("colours") / "MY_IMAGES", np.random.default_rng(0)
    for label in range(7):
        (root / f"class{label}").mkdir(parents=True)
        for number in range(5):
            Image.fromarray(blob(label, rng)).save(root / f"class{label}/{number}.png")
    return root


@pytest.fixture(scope="module")
def trained(colours):
    return ms.train(colours, steps=3, network="conv4", batch=3, views=2)


@pytest.fixture(scope="module")
def pretrained():
    return ms.load("pretrained")


@pytest.fixture(scope="module")
def characters(tmp_path_factory, drawings):
    """Ten characters by two people: a folder of the first one's, with the images of both, (10, 105, 105) each."""
    rows = np.array([drawings.rows_of_class[label][:2] for label in drawings.classes_of_group[2][:10]])
    root = tmp_path_factory.mktemp("characters") / "support"
    root.mkdir()
    for number, row in enumerate(rows[:, 0]):
        (root / f"{number}.png").write_bytes(png(drawings.images[row]))
    return root, 255 - drawings.images[rows[:, 0], :, :, 0], 255 - drawings.images[rows[:, 1], :, :, 0]


@pytest.mark.parametrize("module", [model, estimator, from_python], ids=lambda module: module.__name__)
def test_the_examples_of_the_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_importing_the_package_imports_nothing_large():
    code = "import minisiamese, sys; print({'numpy', 'tyro', 'minisiamese.data'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
    assert {"load", "train", "Model", "SiameseClassifier"} <= set(dir(ms))
    with pytest.raises(AttributeError, match="lod"):
        _ = ms.lod


def test_the_ten_lines_on_drawings(characters, drawings, tmp_path):
    folder, support, queries = characters
    model = ms.load("pretrained")
    z = model.embed(queries)
    assert z.shape == (10, 1152) and z.dtype == np.float32
    assert model.same(queries[3], support[3]) > 0.5 > model.same(queries[3], support[5])
    order, p = model.rank(queries[3], folder)
    assert sorted(order) == list(range(10)) and order[0] == 3 and (np.diff(p) <= 0).all() and p[0] > 0.5
    labels, p = model.classify(queries, support, list("abcdefghij"))
    assert (labels == np.array(list("abcdefghij"))).mean() >= 0.8 and p.shape == (10,)
    model = ms.train(drawings.images, drawings.labels, steps=2, network="conv4", batch=4, views=1)
    model.save(tmp_path / "mine.npz")
    again = ms.load(tmp_path / "mine.npz")
    np.testing.assert_array_equal(again.embed(queries), model.embed(queries))
    report = again.evaluate(drawings.images, drawings.labels, way=5)
    assert report["way"] == 5 and report["trials"] == 400 and 0 <= report["accuracy"] <= 1
    assert report["classes"] == len(drawings.rows_of_class) // 5


def test_the_ten_lines_on_a_folder_of_colour_images(colours, trained, tmp_path):
    images = sorted(colours.glob("*/0.png"))
    assert trained.embed(images).shape == (7, trained.features)
    assert trained.same(images[2], images[2]) > trained.same(images[0], images[6])
    order, p = trained.rank(images[4], images)
    assert order[0] == 4 and (np.diff(p) <= 0).all()
    labels, _ = trained.classify(sorted(colours.glob("*/1.png")), colours)  # its sub-folders are the classes
    assert set(labels) <= {f"class{label}" for label in range(7)} and labels[0] == "class0"
    trained.save(tmp_path / "mine.npz")
    loaded = ms.load(tmp_path / "mine.npz")
    np.testing.assert_array_equal(loaded.embed(images), trained.embed(images))
    report = loaded.evaluate(colours, way=2)
    assert report["classes"] == 2 and report["images"] == 10 and "weak" in report["weak"]


def test_a_path_an_image_and_an_array_are_one_picture(characters, pretrained, colours, trained):
    for path, network in (((characters[0] / "3.png"), pretrained), (colours / "class0/0.png", trained)):
        image = Image.open(path)
        given = [path, str(path), image, np.asarray(image.convert("RGB"))]
        given += [np.asarray(image.convert("RGB")) / 255, np.asarray(image.convert("RGBA"))]
        z = network.embed(given)
        assert np.abs(z - z[0]).max() < 1e-5 < np.abs(z).max()
    stack = np.stack([np.asarray(Image.open(characters[0] / f"{n}.png").convert("L")) for n in range(2)])
    np.testing.assert_allclose(pretrained.embed(stack), pretrained.embed(stack[..., None]), atol=1e-6)
    np.testing.assert_allclose(pretrained.embed(stack > 127), pretrained.embed(list(stack)), atol=1e-5)
    assert pretrained.embed(np.array([str(characters[0] / "3.png")])).shape == (1, 1152)


def test_a_grey_picture_is_welcome_where_colour_is(trained, colours):
    grey = np.asarray(Image.open(colours / "class0/0.png").convert("L"))
    np.testing.assert_allclose(trained.embed(grey), trained.embed(np.stack([grey] * 3, axis=2)), atol=1e-5)


def test_a_class_is_as_alike_as_its_pictures_on_average(characters, pretrained):
    _, support, queries = characters
    labels = np.array([0, 1, 0, 1, 2, 2, 2, 3, 3, 3])
    classes, p = pretrained.class_probabilities(queries[:2], support, labels)
    assert classes.tolist() == [0, 1, 2, 3] and p.shape == (2, 4)
    log_odds = logit([pretrained.same(queries[1], each) for each in support])
    expected = [log_odds[labels == label].mean() for label in range(4)]
    np.testing.assert_allclose(logit(p[1]), expected, rtol=1e-3, atol=1e-3)


def test_a_support_without_the_query_is_warned_of(characters, pretrained):
    _, support, queries = characters
    with pytest.warns(
        Doubtful, match=r"queries\[0\]: likely to be none of the support's classes, 3 in all.*2 more queries"
    ):
        pretrained.classify(queries[[3, 6, 7]], support[[0, 1, 2]], list("abc"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pretrained.classify(queries[3:4], support[3:4], ["d"])


WRONG = (  # (the argument that the complaint names, what else it says, what is called)
    ("images", "shape", lambda m, a: m.embed(np.zeros(5))),
    ("images[1]", "shape", lambda m, a: m.embed([a, np.zeros((3, 4, 2), np.uint8)])),
    ("images", "int64", lambda m, a: m.embed(a.astype(np.int64))),
    ("images", "uint16", lambda m, a: m.embed(a.astype(np.uint16))),
    ("images", "NaN", lambda m, a: m.embed(np.full((9, 9), np.nan))),
    ("images", "floats from 0 to 255", lambda m, a: m.embed(a.astype(float))),
    ("images", "shape", lambda m, a: m.embed(np.zeros((0, 9), np.uint8))),
    ("images", "holds no images", lambda m, a: m.embed([])),
    ("images", "holds no images", lambda m, a: m.embed(np.zeros((0, 9, 9), np.uint8))),
    ("images", "int", lambda m, a: m.embed(7)),
    ("images", "NoneType", lambda m, a: m.rank(a, None)),
    ("a is of type list", "array", lambda m, a: m.same([a], a)),
    ("b is of type NoneType", "array", lambda m, a: m.same(a, None)),
    ("query", "bytes", lambda m, a: m.rank(b"", [a])),
    ("nowhere.png", "there is no image", lambda m, a: m.same("nowhere.png", a)),
    ("images", "nowhere", lambda m, a: m.rank(a, "nowhere")),
    ("support_labels", "missing", lambda m, a: m.classify([a], [a])),
    ("support_labels", "one for each of the 2 images, not 1", lambda m, a: m.classify([a], [a, a], ["one"])),
    ("support_labels", "shape ()", lambda m, a: m.classify([a], [a, a], "ab")),
    ("support_labels", "shape ()", lambda m, a: m.classify([a], [a, a], 7)),
    ("support_labels", "not lists", lambda m, a: m.classify([a], [a, a], [["a"], ["b", "c"]])),
    ("images", "(9, 9, 2)", lambda m, a: m.embed(np.zeros((9, 9, 2), np.uint8))),
    ("support_labels", "shape (2, 1)", lambda m, a: m.classify([a], [a, a], [["a"], ["b"]])),
    ("support_labels", "NaN", lambda m, a: m.classify([a], [a, a], [0.0, float("nan")])),
    ("support_labels", "in order", lambda m, a: m.classify([a], [a, a], ["a", None])),
    ("labels", "each of the 2 images, not 3", lambda m, a: m.support([a, a], ["a", "b", "c"])),
    ("labels", "sub-folders", lambda m, a: m.support("FOLDER", ["a"])),
    ("labels", "sub-folders", lambda m, a: m.evaluate("FOLDER", ["a"])),
    ("labels", "sub-folders", lambda m, a: ms.train("FOLDER", ["a"])),
    ("labels", "shape (2, 1)", lambda m, a: ms.train([a, a], [[0], [1]])),
    ("way", "2 or more, not 2.5", lambda m, a: m.evaluate([a] * 4, [0, 0, 1, 1], way=2.5)),
    ("way", "2 or more, not 0", lambda m, a: m.evaluate([a] * 4, [0, 0, 1, 1], way=0)),
    ("shot", "1 or more, not 0", lambda m, a: m.evaluate([a] * 4, [0, 0, 1, 1], shot=0)),
    ("trials", "1 or more, not 0", lambda m, a: m.evaluate([a] * 4, [0, 0, 1, 1], trials=0)),
    ("run", "NoneType", lambda m, a: ms.load(None)),
    ("device", "cpu, cuda, not 'tpu'", lambda m, a: ms.load("pretrained", device="tpu")),
    ("labels", "missing", lambda m, a: m.evaluate([a, a])),
    ("labels", "each of the 2 images, not 1", lambda m, a: m.evaluate([a, a], [0])),
    ("way", "2 to 2", lambda m, a: m.evaluate([a, a, a, a], [0, 0, 1, 1], way=3)),
    ("keep", "folder", lambda m, a: m.support([a], keep=True)),
    ("labels", "missing", lambda m, a: ms.train([a, a])),
    ("step", "no setting", lambda m, a: ms.train([a, a], [0, 1], step=3)),
    ("out", "no setting", lambda m, a: ms.train([a, a], [0, 1], out="runs")),
    ("steps", "ten", lambda m, a: ms.train([a, a], [0, 1], steps="ten")),
    ("lr", "0", lambda m, a: ms.train([a] * 12, [0, 1] * 6, lr=0.0)),
    ("network", "resnet99", lambda m, a: ms.train([a] * 12, [0, 1] * 6, network="resnet99")),
    ("nowhere", "does not exist", lambda m, a: ms.load("nowhere")),
)


@pytest.mark.parametrize("named, why, ask", WRONG, ids=[f"{named} {why}" for named, why, _ in WRONG])
def test_what_cannot_be_is_refused_by_name(named, why, ask, pretrained, characters):
    with pytest.raises(ValueError) as refused:
        ask(pretrained, characters[1][0])
    said = str(refused.value)
    assert named in said and why in said and "\n" not in said and len(said) < 300


def test_images_in_colour_are_refused_where_the_network_is_of_grey_ones(colours):
    grey = [np.asarray(Image.open(path).convert("L")) for path in sorted(colours.glob("*/*.png"))]
    model = ms.train(grey, np.repeat(range(7), 5), steps=1, network="conv4", batch=3, views=1)
    with pytest.raises(ValueError, match=r"class0/0.png is in colour.*grey"):
        model.embed(colours / "class0/0.png")


def test_a_support_set_is_of_one_model(characters, pretrained, trained):
    folder, _, queries = characters
    with pytest.raises(ValueError, match="another model"):
        trained.rank(queries[0], pretrained.support(folder))


def reads(monkeypatch, model):
    """The names of the pictures that a model reads from now on."""
    names, before = [], type(model).read
    monkeypatch.setattr(type(model), "read", lambda self, picture: names.append(picture.name) or before(self, picture))
    return names


def test_a_support_set_is_embedded_once(characters, monkeypatch):
    folder, _, queries = characters
    model = ms.load("pretrained")
    names = reads(monkeypatch, model)
    first = model.rank(queries[1], folder)
    assert len(names) == 11
    second = model.rank(queries[1], folder)
    assert len(names) == 12  # the query
    np.testing.assert_array_equal(first[1], second[1])
    (folder / "9.png").write_bytes((folder / "8.png").read_bytes() + b" ")
    model.rank(queries[1], folder)
    assert names[12:] and sorted(map(Path, names[12:])) == sorted([folder / "9.png", Path("query")])


def test_kept_embeddings(characters, monkeypatch, tmp_path):
    folder, mine = characters[0], tmp_path / "MY_IMAGES"
    mine.mkdir()
    for path in folder.iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    (mine / "broken.png").write_bytes(b"no picture")
    with pytest.warns(Doubtful, match="left out: .*broken.png"):
        support = ms.load("pretrained").support(mine, keep=True)
    assert len(support) == 10 and list(support.left_out) == [str(mine / "broken.png")]
    kept = tmp_path / "MY_IMAGES.embeddings.npz"
    assert kept == file_beside(mine) and kept.exists()

    again = ms.load("pretrained")
    names = reads(monkeypatch, again)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(again.support(mine, keep=True).z, support.z)
    assert names == [str(mine / "broken.png")]  # it may be mended by now
    (mine / "broken.png").unlink()
    del names[:]
    moved = mine / "0.png"
    moved.rename(mine / "zero.png")
    with_other = again.support(mine, keep=True)
    assert names == [str(mine / "zero.png")] and len(with_other) == 10
    np.testing.assert_allclose(with_other.z[-1], support.z[0], atol=1e-5)

    whole = kept.read_bytes()
    for damaged in (whole[:-40], whole[:500] + bytes(200) + whole[700:], b"", b"PK"):
        kept.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"MY_IMAGES.embeddings.npz.*delete it"):
            ms.load("pretrained").support(mine, keep=True)
    kept.write_bytes(whole)
    other = ms.load("pretrained")
    other.network.head.params["b"] += 1
    del names[:]
    other.support(mine, keep=True)  # of another network, it is written anew
    assert len(names) == 10


def test_a_classifier_of_scikit_learn(characters, pretrained):
    from sklearn.base import clone

    _, support, queries = characters
    labels = np.array(list("abcdefghij"))
    fitted = clone(ms.SiameseClassifier()).fit(support, labels)
    assert fitted.score(queries, labels) >= 0.8
    shares = fitted.predict_proba(queries)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (fitted.classes_[shares.argmax(axis=1)] == fitted.predict(queries)).all()
    np.testing.assert_allclose(fitted.transform(queries), pretrained.embed(queries), atol=1e-5)
    with pytest.raises(ValueError, match="y must be one for each"):
        ms.SiameseClassifier(pretrained).fit(support, labels[:3])


def test_one_room_is_a_function_too():
    import_module("minisiamese.train.loop")  # which makes ``ms.train`` a module
    assert callable(ms.train) and ms.train.loop


def test_a_training_in_a_thread_of_its_own(colours):
    with ThreadPoolExecutor(1) as pool:
        trained = pool.submit(ms.train, colours, steps=1, network="conv4", batch=3, views=1).result()
    assert trained.meta["config"]["out"] is None and trained.meta["side"] == 60


def cut(drawing):
    """A drawing that runs out of its picture."""
    rows = np.flatnonzero((drawing < 128).any(axis=1))
    return drawing[(rows[0] + rows[-1]) // 2 :]


def test_every_doubt_is_told_every_time(characters, pretrained):
    """By all calls that read pictures, at the line of the caller, and again for another picture of the same name."""
    _, support, queries = characters
    a = cut(queries[3])
    for ask in (
        lambda: pretrained.embed(a),
        lambda: pretrained.same(a, queries[0]),
        lambda: pretrained.rank(a, support),
        lambda: pretrained.support([a]),
        lambda: pretrained.classify(a, support, range(10)),
    ):
        for _ in range(2):
            with pytest.warns(Doubtful, match="runs out of the picture") as told:
                ask()
            assert {each.filename for each in told} == {__file__}


def test_reading_on_threads_leaves_the_filters_of_warnings_alone(colours, trained):
    before = list(warnings.filters)
    for _ in range(10):
        trained.embed(sorted(colours.glob("*/*.png")) * 5)
        assert warnings.filters == before


def test_pictures_that_show_something_else_are_not_taken_for_one_another(characters, pretrained):
    """Of equal bytes but another palette, or another mark of the camera's hold."""
    _, support, _ = characters
    paper = Image.fromarray(support[0]).convert("P")
    paper.putpalette([0, 0, 0] * 128 + [255] * 384)
    turned = Image.fromarray(support[1])
    turned.getexif()[0x0112] = 6
    plain = Image.fromarray(support[1])
    keys = [one(image, "a").key() for image in (turned, plain)]
    assert keys[0] != keys[1]
    other = paper.copy()
    other.putpalette([255] * 384 + [0, 0, 0] * 128)
    assert one(paper, "a").key() != one(other, "a").key() and one(paper, "a").key() == one(paper.copy(), "a").key()


def test_a_support_set_may_be_divided_or_lie_deeper(colours, trained, tmp_path):
    shutil.copytree(colours, tmp_path / "whole/train")
    shutil.copytree(colours / "class3", tmp_path / "whole/test/class3")
    support = trained.support(tmp_path / "whole")
    assert len(support) == 35 and set(support.labels) == {f"class{label}" for label in range(7)}
    shutil.copytree(colours, tmp_path / "outer/inner")
    assert set(trained.support(tmp_path / "outer").labels) == set(support.labels)
    (tmp_path / "outer/inner/none").mkdir()
    with pytest.raises(ValueError, match=r"class inner/none in .* holds no images"):
        trained.support(tmp_path / "outer")
    for path in (tmp_path / "outer/inner/class6").iterdir():
        path.write_bytes(b"no picture")
    (tmp_path / "outer/inner/none").rmdir()
    with pytest.raises(ValueError, match="no picture of class class6 can be read"):
        trained.support(tmp_path / "outer")


def test_embeddings_of_the_root_cannot_be_kept_beside_it():
    with pytest.raises(ValueError, match="nothing beside it"):
        file_beside(Path("/"))


def test_other_images_than_those_of_the_training_are_all_tested(colours, trained, tmp_path):
    """And of those of the training none that it saw."""
    assert trained.evaluate(colours, way=2)["classes"] == 2
    shutil.copytree(colours, tmp_path / "more")
    shutil.copy(colours / "class0/0.png", tmp_path / "more/class0/again.png")
    with pytest.warns(Doubtful, match="not those of the model's training"):
        report = trained.evaluate(tmp_path / "more")
    assert report["classes"] == 7 and report["images"] == 36


def test_a_test_is_as_sure_as_it_has_queries(colours, trained):
    report = trained.evaluate(colours, way=2, trials=400)
    assert report["trials"] == 400 and report["interval"] == list(wilson(report["accuracy"], 10))


def test_a_run_on_other_images_is_not_tested_on_them(colours, trained, tmp_path, monkeypatch, capsys):
    trained.save(tmp_path / "mine.npz")
    asked = (tmp_path / "mine.npz", "--trials", 4, "--views", 1, "--data-dir")
    assert call(monkeypatch, evaluate.main, *asked, colours) == 0
    shutil.copytree(colours, tmp_path / "more")
    shutil.copy(colours / "class0/0.png", tmp_path / "more/class0/again.png")
    capsys.readouterr()
    assert call(monkeypatch, evaluate.main, *asked, tmp_path / "more") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "not those that" in captured.err and not captured.out
