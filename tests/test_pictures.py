"""Pictures of all kinds become the same drawing."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from minisiamese.data.pictures import EXTENT, PEN, SIZE, read_drawing
from minisiamese.errors import BadInput


@pytest.fixture(scope="module")
def page():
    """A drawing as a large page, dark on light."""
    strokes = np.zeros((900, 900), bool)
    strokes[200:700, 300:330] = strokes[450:480, 300:600] = strokes[200:330, 570:600] = True
    return Image.fromarray(np.where(strokes, np.uint8(0), np.uint8(255)))


@pytest.fixture(scope="module")
def plain(page, tmp_path_factory):
    """The page as it is, read."""
    path = tmp_path_factory.mktemp("plain") / "page.png"
    page.save(path)
    return read_drawing(path)


def negative(page):
    return Image.fromarray(255 - np.asarray(page))


def transparent(page, color):
    image = Image.new("RGBA", page.size, (*color, 0))
    image.putalpha(negative(page))
    return image


def photo(page):
    """Uneven yellow light, blur and noise."""
    y, x = np.mgrid[:900, :900] / 900
    ink = 0.3 + 0.7 * np.asarray(page.filter(ImageFilter.GaussianBlur(3))) / 255
    light = (90 + 120 * x - 40 * y) * ink + np.random.default_rng(0).normal(0, 6, x.shape)
    return Image.fromarray(np.stack([light, 0.95 * light, 0.8 * light], axis=-1).clip(0, 255).astype(np.uint8))


def speckled(page):
    pixels = np.array(page)
    pixels[50:54, 50:54] = pixels[850:853, 700:704] = 0
    return Image.fromarray(pixels)


def on_its_side(page):
    """As a camera saves a page that it held sideways."""
    image = page.transpose(Image.Transpose.ROTATE_90)
    image.getexif()[0x0112] = 6  # show turned by 270 degrees counterclockwise
    return image


KINDS = {
    "negative": (negative, "png"),
    "one bit": (lambda page: page.convert("1"), "png"),
    "palette": (lambda page: page.convert("RGB").quantize(4), "gif"),
    "16 bits": (lambda page: Image.fromarray(np.asarray(page).astype(np.uint16) * 200), "png"),
    "float": (lambda page: Image.fromarray(np.asarray(page) / np.float32(255)), "tiff"),
    "black on nothing": (lambda page: transparent(page, (0, 0, 0)), "png"),
    "white on nothing": (lambda page: transparent(page, (255, 255, 255)), "webp"),
    "photo": (photo, "jpeg"),
    "grey on grey": (lambda page: page.point(lambda value: 120 if value else 80), "png"),
    "colours": (lambda page: Image.merge("CMYK", [negative(page)] * 4), "tiff"),
    "small": (lambda page: page.resize((60, 60), Image.Resampling.BOX), "bmp"),
    "large": (lambda page: page.resize((3000, 3000)), "png"),
    "elsewhere": (lambda page: page.crop((280, 100, 880, 720)), "png"),
    "thick pen": (lambda page: page.filter(ImageFilter.MinFilter(29)), "png"),
    "thin pen": (lambda page: page.filter(ImageFilter.MaxFilter(21)), "png"),
    "specks": (speckled, "png"),
    "sideways": (on_its_side, "jpeg"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_gives_the_drawing(page, plain, tmp_path, kind):
    make, suffix = KINDS[kind]
    path = tmp_path / f"page.{suffix}"
    image = make(page)
    image.save(path, **({"exif": image.getexif()} if kind == "sideways" else {}))
    drawing = read_drawing(path)
    assert drawing.shape == (SIZE, SIZE, 1) and drawing.dtype == np.uint8
    ink, expected = drawing > 127, plain > 127
    assert (ink & expected).sum() / (ink | expected).sum() > 0.7


def test_the_drawing_is_centred_sized_and_of_one_pen(plain):
    ink = plain[:, :, 0] > 127
    top, bottom = np.flatnonzero(ink.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(ink.any(axis=0))[[0, -1]]
    assert abs((bottom - top + 1) - EXTENT * SIZE) <= 3
    assert abs((top + bottom) / 2 - (SIZE - 1) / 2) <= 1 and abs((left + right) / 2 - (SIZE - 1) / 2) <= 1
    assert abs(ink[bottom - 10].sum() - 2 * PEN * SIZE) <= 1  # across the long stroke


@pytest.mark.parametrize("value", [0, 255, 130])
def test_a_page_without_ink_gets_one_line(tmp_path, value):
    path = tmp_path / "blank.png"
    Image.new("L", (200, 300), value).save(path)
    with pytest.raises(BadInput, match="no drawing"):
        read_drawing(path)


def test_what_is_no_image_gets_one_line(page, tmp_path):
    file = io.BytesIO()
    page.save(file, "png")
    path = tmp_path / "page.png"
    for bad in (b"", b"text", file.getvalue()[: len(file.getvalue()) // 2]):
        path.write_bytes(bad)
        with pytest.raises(BadInput, match="not a readable image"):
            read_drawing(path)
    with pytest.raises(BadInput, match="no image"):
        read_drawing(tmp_path / "nowhere.png")
    with pytest.raises(BadInput):
        read_drawing(tmp_path)
