"""What is said of a folder of images before training: its content, what is wrong, what is twice, its division."""

import io
import json

import numpy as np
import pytest
from conftest import call
from PIL import Image, ImageFilter
from test_folder import as_bytes, classes, picture, write

from minisiamese.data.check import examine
from minisiamese.data.duplicates import digest, near_pairs, same_pairs, thumbnails
from minisiamese.data.folder import part
from minisiamese.errors import BadInput
from minisiamese.runs import look as program


def soft(rng, size=(64, 64)):
    """A picture as photographs are: of soft shapes in colour, unlike any other."""
    small = picture(rng, (7, 7))
    return small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))


def strokes(rng, side=105):
    """A drawing in black of a few lines, unlike any other."""
    page = np.full((side, side), 255, np.uint8)
    for _ in range(4):
        a, b = rng.integers(10, side - 10, size=(2, 2))
        for t in np.linspace(0, 1, 200):
            y, x = np.round(a + t * (b - a)).astype(int)
            page[y - 2 : y + 3, x - 2 : x + 3] = 0
    return Image.fromarray(page)


def saved_again(image):
    file = io.BytesIO()
    image.save(file, "jpeg", quality=50)
    return Image.open(io.BytesIO(file.getvalue())).convert(image.mode)


def half(image):
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def shifted(image):
    pixels = np.asarray(image)
    return Image.fromarray(np.concatenate([pixels[:, :1], pixels[:, :-1]], axis=1))


def told(monkeypatch, capsys, *arguments):
    """(exit code, output, the line on stderr) of the program."""
    code = call(monkeypatch, program.main, *arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


# --- the same, and nearly -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [soft, strokes])
@pytest.mark.parametrize("change", [saved_again, half, shifted, lambda image: saved_again(shifted(image))])
def test_what_is_near(draw, change, rng):
    pictures = [draw(rng) for _ in range(30)]
    pictures += [change(each) for each in pictures[:10]]
    found = near_pairs([thumbnails(each) for each in pictures], [min(each.size) for each in pictures])
    assert found == [(row, 30 + row) for row in range(10)]


def test_what_is_not_near(rng):
    """Flat pictures, the same shape in other colours, and in another place."""
    shape = np.zeros((64, 64, 3), np.uint8)
    shape[20:40, 20:40] = 1
    seen = [shape * np.uint8(colour) for colour in ((255, 0, 0), (0, 0, 255), (0, 255, 0))]
    seen += [np.roll(seen[0], 10, axis=0), np.roll(seen[0], 3, axis=1)]
    seen += [np.full((64, 64, 3), level, np.uint8) for level in (100, 101)]
    seen += [np.full((64, 64, 3), np.linspace(200, 204, 64).astype(np.uint8)[:, None, None])] * 2  # paper in dim light
    assert near_pairs([thumbnails(Image.fromarray(each)) for each in seen], [64] * len(seen)) == []
    assert near_pairs(np.empty((0, len(thumbnails(soft(rng)))), np.uint8), []) == []


def test_drawings_that_are_alike_among_many_are_not_near(rng):
    """Small drawings of one stroke, as of the digit one: most have many neighbours, and none that is far nearer."""
    y, x = np.mgrid[:28, :28] / 14 - 27 / 28
    seen = []
    for _ in range(300):
        bends = rng.uniform(-1, 1, 5) * (0.2, 0.2, 0.4, 0.6, 0.8)
        ink = np.exp(-(((x - sum(bend * y**n for n, bend in enumerate(bends))) / 0.12) ** 4) - (y / 0.7) ** 12)
        seen.append(Image.fromarray((255 * (1 - ink)).astype(np.uint8)))
    found = near_pairs([thumbnails(each) for each in [*seen, saved_again(seen[7])]], [28] * 301)
    assert (7, 300) in found and len(found) < 150
    tinted = [Image.merge("RGB", (each, each, Image.new("L", each.size))) for each in seen]
    assert len(near_pairs([thumbnails(each) for each in tinted], [28] * 300)) > 500  # in colour, by the radii alone


def test_many_that_are_all_alike_are_told_in_few_pairs(rng):
    one = thumbnails(soft(rng)).astype(int)
    found = near_pairs((one + rng.integers(-2, 3, (600, len(one)))).clip(0, 255).astype(np.uint8), [64] * 600)
    assert {row for pair in found for row in pair} == set(range(600)) and len(found) <= 600 * 16


def test_pixels_are_the_same_in_the_same_places_only():
    wide, high = Image.new("L", (4, 2)), Image.new("L", (2, 4))
    assert digest(wide) == digest(Image.new("L", (4, 2))) and digest(wide) != digest(high)
    assert digest(wide) != digest(Image.new("RGB", (4, 2))) and digest(wide) != digest(Image.new("L", (4, 2), 1))


def test_copies_are_paired_with_the_first():
    assert same_pairs(["a", "b", "a", "c", "b", "a"]) == [(0, 2), (1, 4), (0, 5)]


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
def test_what_is_twice_is_named_by_where_it_is(tmp_path, rng, name):
    files = {
        f"{part}/{label}/{n}.png": as_bytes(soft(rng)) for part in ("train", "test") for label in "ab" for n in range(4)
    }
    first = Image.open(io.BytesIO(files["train/a/0.png"]))
    files["train/a/4.bmp"] = as_bytes(first, "bmp")
    files["train/b/4.png"] = files["train/a/1.png"]
    files["test/a/4.png"] = as_bytes(half(first))
    files["test/b/4.png"] = files["test/a/0.png"]
    twice = examine(write(tmp_path / name, files))["duplicates"]
    assert twice["same"] == {
        "one class": [["train/a/0.png", "train/a/4.bmp"]],
        "two classes": [["train/a/1.png", "train/b/4.png"], ["test/a/0.png", "test/b/4.png"]],
        "training and test": [],
    }
    assert twice["near"] == {
        "one class": [],
        "two classes": [],
        "training and test": [["train/a/0.png", "test/a/4.png"]],
    }


def test_a_copy_in_images_held_out_for_the_test_is_a_leak(tmp_path, rng):
    files = {f"{label}/{n}.png": as_bytes(soft(rng)) for label in "ab" for n in range(8)}
    files["a/7.png"] = files["a/0.png"]  # the last of a class is in the test
    twice = examine(write(tmp_path / "x", files))["duplicates"]["same"]
    assert twice == {"one class": [], "two classes": [], "training and test": [["a/0.png", "a/7.png"]]}


# --- content ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
def test_all_is_told_of_a_sound_folder(tmp_path, rng, monkeypatch, capsys, name):
    files = classes(rng, "abcdefghijkl", 10)
    files["a/0.png"] = as_bytes(picture(rng, (300, 200)))
    path = write(tmp_path / name, files | {"a/.hidden.png": b"", "notes.txt": b"", "b/more.txt": b"", "b/LICENSE": b""})
    code, out, err = told(monkeypatch, capsys, path)
    assert code == 0 and err == ""
    for line in (
        f"{path}",
        "  a sub-folder for each class: 12 classes, 120 images, 10 a class",
        "  1 hidden file: a/.hidden.png",
        "  3 files of kinds that are no images, or that Pillow cannot read: 2 .txt, 1 without an ending",
        "no image is there twice",
        "  training       12 classes       72 images",
        "  validation     12 classes       24 images",
        "  test           12 classes       24 images",
        f"next: python -m minisiamese.train folder --data-dir {path}",
    ):
        assert line in out.splitlines()
    words = " ".join(out.split())
    assert "from 20 x 20 to 300 x 200, 20 x 20 in the middle; trained on as squares of 105 x 105 pixels, in" in words
    assert "a weak test: 12 classes with 24 images" in words and "classes that training sees" in words
    assert max(map(len, (line for line in out.splitlines() if str(path) not in line))) <= 100


def test_the_division_that_is_told_is_the_one_of_training(tmp_path, rng):
    for number, files in enumerate(
        [
            classes(rng, "abcdefghi", 3, mode="L"),
            classes(rng, "abc", 7),
            classes(rng, "abcdef", 5, "train/") | classes(rng, "xy", 3, "test/"),
            classes(rng, "ab", 9, "train/") | classes(rng, "ab", 3, "test/"),
        ]
    ):
        path = write(tmp_path / str(number), files)
        result = examine(path)
        assert result["held_out"] == ("classes", "images", "test/", "test/")[number] and not result["troubles"]
        for name, told_of in result["division"].items():
            dataset = part(name, path)
            assert told_of == {"classes": len(dataset.rows_of_class), "images": len(dataset.images)}
        assert dataset.images.shape[1:] == (result["side"], result["side"], result["channels"])


def test_json_says_the_same(tmp_path, rng, monkeypatch, capsys):
    path = write(tmp_path / "my images", classes(rng, "abcdef", 3))
    code, out, err = told(monkeypatch, capsys, path, "--json")
    result = json.loads(out)
    assert code == 0 and err == "" and result == json.loads(json.dumps(examine(path)))
    assert result["parts"]["all"]["images_a_class"] == {"least": 3, "median": 3.0, "most": 3}
    assert result["sizes"]["largest"] == [20, 20] and result["next"].endswith(f"--data-dir '{path}'")


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
def test_all_that_is_wrong_is_listed_and_training_refused(tmp_path, rng, monkeypatch, capsys, name):
    files = classes(rng, "abcdef", 3) | {"empty/": b"", "lone/0.png": as_bytes(picture(rng))}
    files["a/1.png"], files["b/2.png"] = b"no image", files["b/2.png"][:60]
    path = write(tmp_path / name, files)
    code, out, err = told(monkeypatch, capsys, path)
    words = " ".join(out.split())
    assert code == 2 and err.count("\n") == 1 and err.startswith("error: class empty in ")
    assert err.endswith("(and 2 more to change, above)\n") and "next:" not in out
    assert "2 images cannot be read a/1.png is no image" in words and "b/2.png is not a readable image" in words
    assert "1 class without images: empty" in words
    assert "1 class with too few images: add some, or delete the class lone has 1 and takes 2" in words
    for trouble in examine(path)["troubles"]:
        assert trouble in words or trouble in " ".join(err.split())


def test_few_classes_with_few_images_are_refused(tmp_path, rng, monkeypatch, capsys):
    path = write(tmp_path / "x", classes(rng, "ab", 5) | classes(rng, "c", 6))
    code, out, err = told(monkeypatch, capsys, path)
    assert code == 2 and "b has 5 and takes 6, two each to train on, to validate and to test" in " ".join(out.split())
    assert f"class a in {path} has 5 images: it takes 6" in err and "1 more class has too few" in err
    code, out, err = told(monkeypatch, capsys, write(tmp_path / "y", classes(rng, "a", 9)))
    assert code == 2 and "holds one class only (a)" in err


def test_long_lists_are_cut(tmp_path, rng, monkeypatch, capsys):
    files = classes(rng, "abcdef", 3) | {f"a/{n}.jpg": b"nothing" for n in range(25)}
    code, out, err = told(monkeypatch, capsys, write(tmp_path / "x", files))
    assert code == 2 and "and 15 more" in out and out.count(".jpg is no image") == 10
    assert "24 more images cannot be read" in err


def test_an_image_of_a_zip_that_cannot_be_unpacked_is_one_of_many(tmp_path, rng):
    path = write(tmp_path / "x.zip", classes(rng, "abcdef", 3))
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)  # inside of the first image
    path.write_bytes(raw)
    result = examine(path)
    assert list(result["unreadable"]) == ["a/0.png"] and "damaged or locked" in result["unreadable"]["a/0.png"]
    assert len(result["troubles"]) == 1 and result["parts"]["all"]["images"] == 18


@pytest.mark.parametrize(
    "files, message",
    [
        (None, "there is no folder or zip"),
        ({}, "holds no images"),
        ({"stray.png": b"", "a/0.png": b""}, "is in no class"),
        ({"a/b/0.png": b"", "c/0.png": b""}, "lies too deep"),
        (
            {"a/0.png": b"", "b/0.png": b"", "b/1.png": b""},
            "none of the 3 images in .* can be read: a/0",
        ),
        (b"no zip", "is not a folder or a whole zip"),
    ],
)
def test_what_is_no_folder_of_classes_gets_one_line(tmp_path, monkeypatch, capsys, files, message):
    path = tmp_path / "x"
    if isinstance(files, bytes):
        path.write_bytes(files)
    elif files is not None:
        path.mkdir()
        write(path, files)
    with pytest.raises(BadInput, match=message):
        examine(path)
    code, out, err = told(monkeypatch, capsys, path)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, message",
    [([], "required"), (["a", "b"], "Unrecognized"), (["--data-dir", "a"], ""), (["a", "--json=yes"], "yes")],
)
def test_wrong_arguments_get_one_line(arguments, message, monkeypatch, capsys):
    code, out, err = told(monkeypatch, capsys, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and message in err
    assert "python -m minisiamese.data --help" in err
