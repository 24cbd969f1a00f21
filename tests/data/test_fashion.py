"""The script that turns the fashion archive into folders of images, on a small archive of its kind."""

import io
import os
import runpy
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import call
from PIL import Image

from minisiamese.data import folder

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
KINDS = (  # master, sub, article; as many products as listed
    ("Apparel", "Topwear", "Tshirts", 4),
    ("Apparel", "Topwear", "Shirts", 2),
    ("Footwear", "Shoes", "../Sandal/Flip Flop", 2),
    ("Footwear", "Shoes", ".Heels", 2),
    ("Home", "Home Furnishing", "Cushion Covers", 1),
)


@pytest.fixture(scope="module")
def main():
    return runpy.run_path(str(Path(__file__).parents[2] / "data_scripts/fashion.py"))["main"]


@pytest.fixture(scope="module")
def files():
    """{name in the archive: bytes}"""
    rng, lines, images = np.random.default_rng(0), [HEADER], {}
    for master, sub, article, count in KINDS:
        for _ in range(count):
            number, file = 1000 + len(images), io.BytesIO()
            lines.append(
                f'{number},Men,{master},{sub},{article},Red,Fall,2011,Casual,"A red, "very" red thing, {number}\n'
            )
            Image.fromarray(rng.integers(256, size=(8, 6, 3), dtype=np.uint8)).save(file, "jpeg")
            images[f"images/{number}.jpg"] = file.getvalue()
    lines += [
        "7,Men,Apparel,Topwear,Tshirts,Blue,Fall,2011,Casual,No image of it\n",
        "../8,Men,a,b,c,d,e,f,g,h\n",
        "9,Men\n",
    ]
    lines.append("\n")
    return {"styles.csv": "".join(lines).encode()} | images


def write_zip(path, files, *prefixes):
    with zipfile.ZipFile(path, "w") as archive:
        for prefix in prefixes:
            for name, data in files.items():
                archive.writestr(prefix + name, data)
    return path


def tree(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_every_image_comes_to_its_class_at_every_level(main, files, tmp_path, monkeypatch, capsys):
    archive = write_zip(tmp_path / "archive.zip", files, "", "myntradataset/")
    assert call(monkeypatch, main, archive, "--out", tmp_path / "out") == 0
    made = tree(tmp_path / "out")
    number = 1000
    for master, sub, article, count in KINDS:
        article = {".Heels": "%2EHeels", "../Sandal/Flip Flop": "%2E.%2FSandal%2FFlip Flop"}.get(article, article)
        for _ in range(count):
            names = {f"masterCategory/{master}", f"subCategory/{sub}", f"articleType/{article}"}
            for name in names:
                assert made.pop(f"{name}/{number}.jpg", None) == (files[f"images/{number}.jpg"] if count > 1 else None)
            if count > 1:
                assert len({(tmp_path / "out" / name / f"{number}.jpg").stat().st_ino for name in names}) == 1
            number += 1
    assert not made and sorted(os.listdir(tmp_path)) == ["archive.zip", "out"]
    said = capsys.readouterr().out
    assert "12 products, of which 1 have no image" in said and "2 lines of styles.csv without" in said
    assert "articleType: 4 classes, 10 images; classes left out, of fewer than 2 images: 1\n" in said
    assert "masterCategory: 2 classes, 10 images; classes left out, of fewer than 2 images: 1\n" in said
    loaded = folder.load(tmp_path / "out/articleType")["all"]
    assert len(loaded.images) == 10 and loaded.class_names == (
        "%2E.%2FSandal%2FFlip Flop",
        "%2EHeels",
        "Shirts",
        "Tshirts",
    )


@pytest.mark.parametrize("prefix", ["", "myntradataset/"])
def test_one_level_of_an_unzipped_folder_and_then_the_others(main, files, prefix, tmp_path, monkeypatch):
    with zipfile.ZipFile(write_zip(tmp_path / "archive.zip", files, prefix)) as archive:
        archive.extractall(tmp_path / "unzipped")
    out = tmp_path / "out"
    assert call(monkeypatch, main, tmp_path / "unzipped", "--out", out, "--level", "subCategory") == 0
    assert os.listdir(out) == ["subCategory"]
    assert call(monkeypatch, main, tmp_path / "unzipped", "--out", out, "--level", "articleType") == 0
    one = [out / name / "1001.jpg" for name in ("subCategory/Topwear", "articleType/Tshirts", "masterCategory/Apparel")]
    assert one[0].samefile(one[1])
    own = out / "subCategory/Shoes/1006.jpg"
    own.write_bytes(b"changed since")
    (out / "subCategory/Shoes/own.jpg").write_bytes(b"own")
    (out / "subCategory/Topwear/1000.jpg").unlink()
    assert call(monkeypatch, main, tmp_path / "archive.zip", "--out", out) == 0
    assert sorted(os.listdir(out)) == ["articleType", "masterCategory", "subCategory"]
    assert own.read_bytes() == b"changed since" and (out / "subCategory/Shoes/own.jpg").read_bytes() == b"own"
    assert one[0].samefile(one[1]) and one[0].samefile(one[2])
    assert (out / "subCategory/Topwear/1000.jpg").read_bytes() == files["images/1000.jpg"]


def test_copies_where_links_are_impossible(main, files, tmp_path, monkeypatch):
    def impossible(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", impossible)
    assert call(monkeypatch, main, write_zip(tmp_path / "x.zip", files, ""), "--out", tmp_path / "out") == 0
    made = tree(tmp_path / "out")
    assert len(made) == 30 and all(data == files[f"images/{Path(name).name}"] for name, data in made.items())


def test_no_file_is_ever_half_written(main, files, tmp_path, monkeypatch, capsys):
    def full(path, data):
        with open(path, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    archive = write_zip(tmp_path / "x.zip", files, "")
    assert call(monkeypatch, main, archive, "--out", tmp_path / "out") == 2
    assert "cannot write" in capsys.readouterr().err and not list(tmp_path.rglob("*.jpg"))
    monkeypatch.undo()
    assert call(monkeypatch, main, archive, "--out", tmp_path / "out") == 0
    assert len(tree(tmp_path / "out")) == 30


def cut(path, files):
    write_zip(path, files, "")
    path.write_bytes(path.read_bytes()[:500])


def damaged(path, files):
    write_zip(path, files, "")
    path.write_bytes(path.read_bytes().replace(files["images/1003.jpg"][-30:], bytes(30)))


BAD = {
    "missing": (lambda path, files: None, "there is no archive or folder"),
    "cut short": (cut, "not a readable folder or a whole zip"),
    "damaged": (damaged, "not a readable folder or a whole zip"),
    "a text": (lambda path, files: path.write_text("no zip"), "not a readable folder or a whole zip"),
    "another": (lambda path, files: write_zip(path, {"cat/1.jpg": b""}, ""), "it holds no styles.csv"),
    "no images": (
        lambda path, files: write_zip(path, {"styles.csv": files["styles.csv"]}, ""),
        "with images/ beside it",
    ),
    "empty table": (
        lambda path, files: write_zip(path, files | {"styles.csv": b""}, ""),
        "no column articleType, id, m",
    ),
    "other table": (
        lambda path, files: write_zip(path, files | {"styles.csv": b"id,a\n1,b"}, ""),
        "no column articleType",
    ),
    "none of them": (lambda path, files: write_zip(path, files | {"styles.csv": HEADER.encode()}, ""), "no product of"),
    "short lines": (
        lambda path, files: write_zip(
            path, files | {"styles.csv": b"articleType,subCategory,masterCategory,id\na"}, ""
        ),
        "no product of",
    ),
    "binary table": (lambda path, files: write_zip(path, files | {"styles.csv": bytes(range(256))}, ""), "no column"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_archives_get_one_line(main, files, kind, tmp_path, monkeypatch, capsys):
    make, said = BAD[kind]
    make(tmp_path / "x.zip", files)
    assert call(monkeypatch, main, tmp_path / "x.zip", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and said in error and "x.zip" in error


def test_an_out_that_is_a_file(main, files, tmp_path, monkeypatch, capsys):
    (tmp_path / "out").write_text("mine")
    assert call(monkeypatch, main, write_zip(tmp_path / "x.zip", files, ""), "--out", tmp_path / "out") == 2
    assert "--out: cannot write" in capsys.readouterr().err and (tmp_path / "out").read_text() == "mine"
