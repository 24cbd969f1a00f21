"""Anyone's images: arrangements and kinds that are handled, and one clear line for those that are not."""

import io
import re
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from conftest import call
from PIL import Image

from minisiamese.data import folder
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.train import __main__ as train


def picture(rng, size=(20, 20), mode="RGB"):
    channels = {"RGB": (3,), "RGBA": (4,), "L": ()}[mode]
    return Image.fromarray(rng.integers(256, size=(size[1], size[0], *channels), dtype=np.uint8), mode)


def as_bytes(image, kind="png"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def write(where, files):
    """{name: bytes} as a folder, or as a zip if its name says so."""
    if where.suffix == ".zip":
        with zipfile.ZipFile(where, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return where
    for name, data in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(data)
    return where


def classes(rng, names, count=2, prefix="", **kind):
    return {f"{prefix}{name}/{number}.png": as_bytes(picture(rng, **kind)) for name in names for number in range(count)}


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
@pytest.mark.parametrize("prefix", ["", "My images/", "a/b/"])
def test_folders_and_zips_whatever_is_around_the_classes(tmp_path, rng, name, prefix):
    files = classes(rng, ["cat", "dog"], prefix=prefix)
    extra = {f"{prefix}notes.txt": b"no image", f"{prefix}cat/.DS_Store": b"", "__MACOSX/cat/._0.png": b"nothing"}
    loaded = folder.load(write(tmp_path / name, files | extra))
    assert list(loaded) == ["all"]
    dataset = loaded["all"]
    assert dataset.class_names == ("cat", "dog") and dataset.labels.tolist() == [0, 0, 1, 1]
    assert dataset.images.shape == (4, 20, 20, 3)
    first = np.asarray(Image.open(io.BytesIO(files[f"{prefix}cat/0.png"])))
    assert np.array_equal(dataset.images[0], first)  # no colour is changed


def test_train_and_test_are_kept_apart(tmp_path, rng):
    files = classes(rng, ["a", "b", "c"], prefix="x/train/") | classes(rng, ["b", "d"], 3, prefix="x/test/")
    loaded = folder.load(write(tmp_path / "x.zip", files))
    assert {part: each.class_names for part, each in loaded.items()} == {"train": ("a", "b", "c"), "test": ("b", "d")}
    assert len(loaded["train"].images) == len(loaded["test"].images) == 6
    expected = np.asarray(Image.open(io.BytesIO(files["x/test/b/0.png"])))
    assert np.array_equal(loaded["test"].images[0], expected)


def test_grey_images_are_kept_as_drawings_are(tmp_path, rng):
    page = np.full((30, 20), 255, np.uint8)
    page[10:20, 5:15] = 0
    files = {f"{name}/{n}.png": as_bytes(Image.fromarray(page)) for name in "ab" for n in range(2)}
    images = folder.load(write(tmp_path / "x", files))["all"].images
    assert images.shape == (4, 30, 30, 1)
    assert images[0, 15, 15, 0] == 255 and images[0, 0, 0, 0] == 0  # ink, paper
    assert images[0, :, :5].max() == images[0, :, -5:].max() == 0  # what a square needs is paper, too


def test_16_bit_palette_transparent_and_1_bit_images(tmp_path):
    ramp = np.linspace(0, 255, 16).astype(np.uint8).reshape(4, 4)
    grey = Image.fromarray(ramp)
    seen = {
        "16-bit": Image.fromarray(ramp.astype(np.uint16) * 257),
        "palette": grey.convert("P"),
        "grey in colour": grey.convert("RGB"),
        "transparent": Image.merge("LA", (grey, Image.fromarray(np.full((4, 4), 255, np.uint8)))),
    }
    files = {f"{name}/{n}.png": as_bytes(image) for name, image in seen.items() for n in range(2)}
    dataset = folder.load(write(tmp_path / "x", files))["all"]
    assert dataset.images.shape == (8, 4, 4, 1)
    for image in dataset.images:
        assert abs(image[..., 0].astype(int) - (255 - ramp)).max() <= 1
    nothing = Image.new("RGBA", (4, 4), (200, 0, 0, 0))  # what one sees through is white
    files = {f"{name}/{n}.png": as_bytes(nothing) for name in "ab" for n in range(2)}
    assert folder.load(write(tmp_path / "y", files))["all"].images.max() == 0
    files |= {"c/0.png": as_bytes(grey.convert("1")), "c/1.png": as_bytes(Image.new("RGB", (4, 4), "red"))}
    colour = folder.load(write(tmp_path / "z", files))["all"].images
    assert colour.shape[3] == 3 and colour[0].min() == 255 and colour[-1, 0, 0].tolist() == [255, 0, 0]


def test_pictures_are_brought_to_the_squares_of_a_network():
    grey, colour = Image.new("L", (4, 2), 200), Image.new("RGB", (8, 8), "red")
    assert folder.squares([grey]).shape == (1, 4, 4, 1)
    small = folder.squares([grey, grey], side=2, channels=1)
    assert small.shape == (2, 2, 2, 1) and set(np.unique(small)) <= {0, 55}  # on paper, as negatives
    mixed = folder.squares([grey, colour], side=8, channels=3)
    assert mixed.shape == (2, 8, 8, 3) and mixed[0, 4, 4].tolist() == [200, 200, 200]
    assert folder.squares([grey], channels=3).shape == (1, 4, 4, 3)
    with pytest.raises(BadInput, match="picture 2 of 2 is in colour"):
        folder.squares([grey, colour], channels=1)


def test_images_of_all_sizes_become_one(tmp_path, rng):
    sizes = [(20, 20), (300, 200), (50, 105), (7, 3)]
    files = {f"{name}/{n}.png": as_bytes(picture(rng, sizes[n])) for name in "ab" for n in range(4)}
    images = folder.load(write(tmp_path / "x", files))["all"].images
    assert images.shape == (8, 105, 105, 3)
    assert images[1, :17].max() == images[1, -17:].max() == 0  # 300 x 200 is 105 x 70 between black


CANNOT = {
    "nothing": ("nothing", "holds no images"),
    "no image at all": ("no images", "holds no images"),
    "images in no class": ("loose", "is in no class"),
    "one class": ("one class", "one class only .cat"),
    "an empty class": ("empty", "class dog in .* holds no images"),
    "a class with one image": ("single", "class dog in .* has one image"),
    "one level too deep": ("deep", "lies too deep: the images of class animals"),
    "another division": ("val", "holds train/ and val/: it takes train/ and test/ alone"),
    "a damaged image": ("damaged", "cat/1.png in .* is not a readable image"),
    "no image inside": ("text", "cat/1.png in .* is no image"),
}


@pytest.mark.parametrize("name", ["folder", "archive.zip"])
@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_be_used_gets_one_clear_line(tmp_path, rng, case, name):
    files, message = CANNOT[case]
    whole = classes(rng, ["cat", "dog"])
    image = whole["cat/0.png"]
    files = {
        "nothing": {},
        "no images": {"cat/readme.txt": b""},
        "loose": whole | {"stray.png": image},
        "one class": classes(rng, ["cat"]),
        "empty": classes(rng, ["cat", "cow"]) | {"dog/": b""},
        "single": {file: data for file, data in whole.items() if file != "dog/1.png"},
        "deep": classes(rng, ["cat"], prefix="animals/") | classes(rng, ["car"], prefix="vehicles/"),
        "val": classes(rng, "ab", prefix="train/") | classes(rng, "ab", prefix="val/"),
        "damaged": whole | {"cat/1.png": image[: len(image) // 2]},
        "text": whole | {"cat/1.png": b"this is no image"},
    }[files]
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match=message) as caught:
        folder.load(write(tmp_path / name, files))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"not a zip", b"PK\x03\x04 and then nothing", b""])
def test_a_broken_zip_gets_one_clear_line(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(BadInput, match="is not a folder or a whole zip"):
        folder.load(tmp_path / "x.zip")
    with pytest.raises(BadInput, match="there is no folder or zip"):
        folder.load(tmp_path / "nowhere")


def test_a_zip_cut_in_its_middle_gets_one_clear_line(tmp_path, rng):
    path = write(tmp_path / "x.zip", classes(rng, ["a", "b"]))
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)  # inside of the first image
    path.write_bytes(raw)
    with pytest.raises(BadInput):
        folder.load(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_damaged_anywhere_is_read_or_gets_one_line(tmp_path, rng, compression):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in classes(rng, ["a", "\u00e9"], size=(4, 4)).items():
            archive.writestr(name, data)
    whole = path.read_bytes()
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(len(whole), size=3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            folder.load(path)
        except BadInput as error:
            assert "\n" not in str(error)


def test_windows_zips_and_links(tmp_path, rng):
    files = classes(rng, ["cat", "dog"])
    path = write(tmp_path / "x.zip", {name.replace("/", "\\"): data for name, data in files.items()})
    assert folder.load(path)["all"].class_names == ("cat", "dog")
    write(tmp_path / "elsewhere", files)
    (tmp_path / "links").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "links" / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere/cat/circle").symlink_to(tmp_path / "elsewhere/cat")
    dataset = folder.load(tmp_path / "links")["all"]
    assert dataset.class_names == ("cat", "dog") and len(dataset.images) == 4


def test_a_file_that_cannot_be_read_gets_one_line(tmp_path, rng, monkeypatch):
    path = write(tmp_path / "x", classes(rng, ["a", "b"]))

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(BadInput, match=r"a/0.png in .* cannot be read .Permission denied"):
        folder.load(path)


# --- the parts of a run -----------------------------------------------------------------------------------------------


def names(path):
    return {name: set(folder.part(name, path).class_names) for name in ("training", "validation", "evaluation")}


def counts(parts):
    return [(len(each.rows_of_class), len(each.images)) for each in parts.values()]


def of_classes(count, images):
    """A data set of row numbers for images."""
    rows = np.arange(count * images)
    return folder.of_labels(rows // images, rows)


@pytest.mark.parametrize(
    "count, expected",
    [
        (6, (2, 2, 2)),
        (9, (4, 2, 3)),
        (12, (6, 2, 4)),
        (15, (7, 3, 5)),
        (24, (15, 4, 5)),
        (25, (16, 4, 5)),
        (30, (20, 4, 6)),
        (100, (64, 16, 20)),
    ],
)
def test_classes_are_divided(count, expected):
    parts = folder.divide({"all": of_classes(count, 3)}, "x")
    assert list(parts) == ["training", "validation", "evaluation"]
    assert counts(parts) == [(classes, 3 * classes) for classes in expected]
    assert len(set().union(*(each.class_names for each in parts.values()))) == count


def test_many_classes_are_divided_as_they_always_were():
    """Runs that were made on them are measured on the classes that they did not see."""
    parts = folder.divide({"all": of_classes(25, 2)}, "x")
    assert parts["evaluation"].class_names == ("6", "7", "11", "14", "17")
    assert parts["validation"].class_names == ("5", "12", "15", "19")


@pytest.mark.parametrize(
    "count, images, expected",
    [
        (2, 6, (2, 2, 2)),
        (2, 10, (6, 2, 2)),
        (3, 20, (13, 3, 4)),
        (5, 100, (64, 16, 20)),
        (12, 10, (6, 2, 2)),
        (14, 6, (2, 2, 2)),
    ],
)
def test_images_of_few_classes_are_divided(count, images, expected):
    parts = folder.divide({"all": of_classes(count, images)}, "x")
    assert counts(parts) == [(count, count * each) for each in expected]
    rows = np.concatenate([each.images for each in parts.values()])
    assert np.array_equal(np.sort(rows), np.arange(count * images))


def test_too_few_images_or_classes_to_divide_get_one_line(tmp_path, rng):
    path = write(tmp_path / "x", classes(rng, "ab", 6) | classes(rng, "c", 5))
    with pytest.raises(BadInput, match=r"class c in .*x has 5 images: it takes 6, two each"):
        folder.part("training", path)
    with pytest.raises(BadInput, match="one class only"):
        folder.divide({"all": of_classes(1, 50)}, "x")
    with pytest.raises(BadInput, match="class 0 in x has 1 image: it takes 2"):
        folder.divide({"all": of_classes(9, 1)}, "x")
    three = {"train": of_classes(3, 9), "test": of_classes(4, 9)}
    with pytest.raises(BadInput, match=r"train/ in x holds 3 classes: it takes 4"):
        folder.divide(three, "x")


def test_few_images_and_few_classes_make_a_weak_test():
    """M images of which 90 % are right: 1.96 sqrt(0.09 / M), which is 5 % for M = 138.3."""
    assert folder.weakness(of_classes(5, 28)) is None
    wide = folder.weakness(of_classes(6, 23))
    assert "6 classes with 138 images; an accuracy of 90 % would be sure to within ±5 points only: add images" in wide
    assert folder.weakness(of_classes(4, 100)) == (
        "a weak test: 4 classes with 400 images; chance is already 25 %: add classes"
    )
    assert folder.weakness(of_classes(4, 10)) == (
        "a weak test: 4 classes with 40 images; chance is already 25 %, and an accuracy of 90 % would be sure to "
        "within ±9 points only: add classes or images"
    )


def test_new_classes_in_test_are_validated_on_new_classes(tmp_path, rng):
    files = classes(rng, "abcdef", prefix="train/") | classes(rng, "xyz", prefix="test/")
    parts = names(write(tmp_path / "x", files))
    assert parts["evaluation"] == set("xyz") and len(parts["training"]) == 4 and len(parts["validation"]) == 2
    assert parts["training"] | parts["validation"] == set("abcdef")


def test_the_same_classes_in_test_are_validated_on_new_images(tmp_path, rng):
    files = classes(rng, "abc", 10, prefix="train/") | classes(rng, "abc", prefix="test/")
    path = write(tmp_path / "x", files)
    assert set(map(frozenset, names(path).values())) == {frozenset("abc")}
    training, validation = folder.part("training", path), folder.part("validation", path)
    assert len(training.images) == 24 and len(validation.images) == 6
    seen = {image.tobytes() for image in training.images}
    assert not seen & {image.tobytes() for image in validation.images}
    few = classes(rng, "ab", 3, prefix="train/") | classes(rng, "ab", prefix="test/")
    with pytest.raises(BadInput, match=r"class train/a .* has 3 images"):
        names(write(tmp_path / "y", few))


def test_training_on_a_folder_in_colour(tmp_path, rng, monkeypatch, capsys):
    """From the command line: trained, stopped, gone on with, moved, and measured."""
    colours = rng.integers(256, size=(8, 3))
    files = {}
    for label, colour in enumerate(colours):
        for number in range(3):
            pixels = np.clip(colour + rng.normal(0, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
            files[f"class{label}/{number}.png"] = as_bytes(Image.fromarray(pixels))
    path, out = write(tmp_path / "mine", files), tmp_path / "run"
    common = ("--out", out, "--threads", 1)
    how = ("--network", "conv4", "--loss", "triplet", "--mining", "semi-hard", "--views", 1)
    assert call(monkeypatch, train.main, "folder", "--data-dir", path, "--steps", 3, *how, *common) == 0
    assert "2-way accuracy on held-out images" in capsys.readouterr().out
    lines = (out / "metrics.jsonl").read_text()
    assert '"active"' in lines and '"d_ap"' in lines and '"d_an"' in lines
    path.rename(tmp_path / "moved")
    again = ("folder", "--data-dir", tmp_path / "moved", "--resume", *common)
    assert call(monkeypatch, train.main, *again) == 0
    capsys.readouterr()
    for protocol in ("nway", "verification"):
        options = ("--protocol", protocol, "--trials", 20, "--data-dir", tmp_path / "moved")
        assert call(monkeypatch, evaluate.main, out, *options) == 0
        assert "20 trials" in capsys.readouterr().out
    assert call(monkeypatch, evaluate.main, out, "--protocol", "nway") == 2  # where the images were is nothing now
    assert "there is no folder" in capsys.readouterr().err
    for number in range(12):
        write(tmp_path / "grey", {f"{number}/{n}.png": as_bytes(picture(rng, mode="L")) for n in range(2)})
    assert call(monkeypatch, evaluate.main, out, "--protocol", "nway", "--data-dir", tmp_path / "grey") == 2
    assert "the network is of images in colour, and these are grey" in capsys.readouterr().err
    assert call(monkeypatch, train.main, "folder", *common) == 2
    assert "folder needs --data-dir" in capsys.readouterr().err


def test_a_zip_with_absolute_paths_is_read_as_if_they_were_not(tmp_path, rng):
    """Nothing is written where they point."""
    names = ("/abs/cat/0.png", "//abs/../abs/cat/1.png", "\\abs\\dog\\0.png", "./abs/dog/1.png")
    write(tmp_path / "odd.zip", {name: as_bytes(picture(rng)) for name in names})
    assert folder.load(tmp_path / "odd.zip")["all"].class_names == ("cat", "dog")


def test_a_folder_with_a_link_to_itself_is_read_once(tmp_path, rng):
    names = ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png")
    write(tmp_path / "pets", {name: as_bytes(picture(rng)) for name in names})
    (tmp_path / "pets/self").symlink_to(tmp_path / "pets")
    (tmp_path / "pets/cat/up").symlink_to("..")
    parts = folder.load(tmp_path / "pets")
    assert parts["all"].class_names == ("cat", "dog") and len(parts["all"].images) == 4


@pytest.mark.parametrize(
    "side, complaint",
    [(12_000, "it ends too early"), (13_000, "it ends too early"), (60_000, "has more than 178,956,970")],
)
def test_an_image_that_claims_to_be_large_gets_one_line(side, complaint, tmp_path):
    """A header, and no more pixels after it than 64."""
    whole = as_bytes(Image.new("1", (8, 8)))
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + whole[24:29]
    (tmp_path / "x.png").write_bytes(whole[:12] + header + zlib.crc32(header).to_bytes(4, "big") + whole[33:])
    code = "from minisiamese.data.images import read_image; read_image('x.png', 'x.png')"
    # Pillow's warnings of its size are neither shown nor an error
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert re.search(f"BadInput: x.png .*{complaint}", ran.stderr) and "Warning" not in ran.stderr
