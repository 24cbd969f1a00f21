"""Pictures of all kinds become the same drawing."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from minisiamese.errors import BadInput
from minisiamese.predict.cleaning import CUT, RULED, SHADED, find_ink, find_sheet
from minisiamese.predict.drawings import APART, EXTENT, PEN, SIDE, read_drawing, thin
from tests.predict import made_pictures


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
    return read_drawing(path).pixels


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


def lamp(page):
    """Bright in the middle, half as bright in the corners."""
    y, x = np.mgrid[-1:1:900j, -1:1:900j]
    return Image.fromarray((np.asarray(page) * 0.7 / 255 + 0.3) * (220 - 55 * (x * x + y * y))).convert("L")


def speckled(page):
    """Faint pencil, and specks darker than it."""
    pixels = np.array(page.point(lambda value: 240 if value else 190))
    pixels[50:56, 50:56] = pixels[850:853, 700:704] = 0
    return Image.fromarray(pixels)


def window(page):
    """A page with a transparent margin, as screenshots have."""
    image = Image.new("RGBA", (1000, 1000))
    image.paste(page.convert("RGBA"), (50, 50))
    return image


def hairline(page):
    """Lines of one pixel on a large screen."""
    image = Image.new("L", (3840, 2160), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(815, 515), (815, 1700)], fill=0)
    draw.line([(815, 1115), (1515, 1115), (1515, 515)], fill=0)
    return image


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
    "thick pen": (lambda page: page.filter(ImageFilter.MinFilter(49)), "png"),
    "thin pen": (lambda page: page.filter(ImageFilter.MaxFilter(21)), "png"),
    "specks": (speckled, "png"),
    "lamp": (lamp, "png"),
    "window": (window, "png"),
    "sideways": (on_its_side, "jpeg"),
}


def overlap(drawing, expected):
    """The share of the ink of either that is ink of both."""
    ink, expected = drawing.pixels > 127, expected > 127
    return (ink & expected).sum() / (ink | expected).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_gives_the_drawing(page, plain, tmp_path, kind):
    make, suffix = KINDS[kind]
    path = tmp_path / f"page.{suffix}"
    image = make(page)
    image.save(path, **({"exif": image.getexif()} if kind == "sideways" else {}))
    drawing = read_drawing(path)
    assert drawing.pixels.shape == (SIDE, SIDE, 1) and drawing.pixels.dtype == np.uint8 and not drawing.doubts
    assert overlap(drawing, plain) > 0.7


@pytest.mark.parametrize("kind", ["16 bits", "float", "white on nothing", "palette", "sideways"])
def test_an_image_is_read_as_its_file_is(page, tmp_path, kind):
    make, suffix = KINDS[kind]
    image = make(page)
    image.save(tmp_path / f"page.{suffix}", **({"exif": image.getexif()} if kind == "sideways" else {}))
    assert overlap(read_drawing(image), read_drawing(tmp_path / f"page.{suffix}").pixels) > 0.7


def test_complaints_name_the_picture(tmp_path):
    blank = Image.new("L", (50, 50))
    blank.save(tmp_path / "blank.png")
    for source, where, name in ((blank, None, "the image"), (blank, "upload 7", "upload 7"), (tmp_path, "it", "it")):
        with pytest.raises(BadInput, match=f"^{name} "):
            read_drawing(source, where)
    with pytest.raises(BadInput, match=re.escape(f"{tmp_path / 'blank.png'} shows no drawing")):
        read_drawing(tmp_path / "blank.png")


def test_the_drawing_is_centred_sized_and_of_one_pen(plain):
    ink = plain[:, :, 0] > 127
    top, bottom = np.flatnonzero(ink.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(ink.any(axis=0))[[0, -1]]
    assert abs((bottom - top + 1) - EXTENT * SIDE) <= 3
    assert abs((top + bottom) / 2 - (SIDE - 1) / 2) <= 1 and abs((left + right) / 2 - (SIDE - 1) / 2) <= 1
    assert abs(ink[bottom - 10].sum() - 2 * PEN * SIDE) <= 1  # across the long stroke


def test_hairlines_on_a_large_screen_are_seen(tmp_path):
    hairline(None).save(tmp_path / "screen.png")
    ink = read_drawing(tmp_path / "screen.png").pixels[:, :, 0] > 127
    columns = np.flatnonzero(ink[20:85].mean(axis=0) > 0.9)  # the long stroke, whole
    assert len(columns) and np.all(np.diff(columns) == 1)


def test_bold_strokes_are_not_hollow(tmp_path):
    letter = np.full((400, 400), 255, np.uint8)
    letter[40:360, 60:150] = letter[270:360, 60:340] = 0
    Image.fromarray(letter).save(tmp_path / "letter.png")
    ink = read_drawing(tmp_path / "letter.png").pixels[:, :, 0] > 127
    assert ink.sum() > 3 * SIDE and ndimage.label(~ink)[1] == 1 and ndimage.label(ink, np.ones((3, 3)))[1] == 1


def test_thin_strokes_beside_thick_ones_stay(tmp_path):
    cross = np.full((400, 400), 255, np.uint8)
    cross[50:350, 180:220] = cross[197:203, 50:350] = 0
    Image.fromarray(cross).save(tmp_path / "cross.png")
    ink = read_drawing(tmp_path / "cross.png").pixels[:, :, 0] > 127
    assert ink[:, 25].any() and ink[:, 80].any() and ink[25].any()


def test_grain_is_no_ink(tmp_path, rng):
    for name, dtype, level, spread in (("8", np.uint8, 200, 6), ("16", np.uint16, 40_000, 20)):
        Image.fromarray(rng.normal(level, spread, (300, 300)).astype(dtype)).save(tmp_path / f"{name}.png")
        with pytest.raises(BadInput, match="no drawing"):
            read_drawing(tmp_path / f"{name}.png")


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
    half = file.getvalue()[: len(file.getvalue()) // 2]
    for bad, complaint in ((b"", "is no image"), (b"text", "is no image"), (half, "not a readable image")):
        path.write_bytes(bad)
        with pytest.raises(BadInput, match=complaint):
            read_drawing(path)
    with pytest.raises(BadInput, match="there is no image"):
        read_drawing(tmp_path / "nowhere.png")
    with pytest.raises(BadInput):
        read_drawing(tmp_path)


def letter_e(margin, width):
    """A bold E, 300 x 300, with so much paper around it: most of the picture is ink."""
    letter = np.full((300, 300), 0, np.uint8)
    letter[width : (300 - width) // 2, width:] = letter[(300 + width) // 2 : 300 - width, width:] = 255
    return np.pad(letter, margin, constant_values=255)


@pytest.mark.parametrize("margin", [15, 60, 200])
def test_bold_type_needs_little_paper_around_it(tmp_path, margin):
    letter = letter_e(margin, 70)
    assert margin > 15 or (letter == 0).mean() > 0.6
    Image.fromarray(letter).save(tmp_path / "e.png")
    ink = read_drawing(tmp_path / "e.png").pixels[:, :, 0] > 127
    assert [ndimage.label(ink[:, column])[1] for column in (50, 60, 70)] == [3, 3, 3]  # its three arms
    assert ndimage.label(ink, np.ones((3, 3)))[1] == 1


def test_all_strokes_get_the_same_pen(tmp_path):
    """Thick stems and hairlines, as type with serifs has them."""
    letter = np.full((400, 400), 255, np.uint8)
    letter[50:350, 100:160] = letter[50:350, 250:258] = letter[196:204, 100:258] = 0
    Image.fromarray(letter).save(tmp_path / "h.png")
    ink = read_drawing(tmp_path / "h.png").pixels[:, :, 0] > 127
    row = ndimage.label(ink[35])[0]
    widths = np.bincount(row)[1:]
    assert len(widths) == 2 and abs(widths - 2 * PEN * SIDE).max() <= 1


def test_a_small_character_on_a_large_page_is_looked_at_closely(tmp_path):
    large = Image.new("L", (3000, 2000), 255)
    large.paste(Image.fromarray(letter_e(0, 70)).resize((50, 50), Image.Resampling.BOX), (2200, 1500))
    large.save(tmp_path / "large.png")
    ink = read_drawing(tmp_path / "large.png").pixels[:, :, 0] > 127
    assert [ndimage.label(ink[:, column])[1] for column in (50, 60, 70)] == [3, 3, 3]


def test_thinning_keeps_what_hangs_together():
    mask = np.zeros((60, 80), bool)
    mask[10:50, 10:22] = mask[10:20, 10:40] = True  # a corner
    mask[5:35, 45:75] = True
    mask[15:25, 55:65] = False  # a ring
    mask[50, 50:70] = True  # a line already
    line = thin(mask)
    eight = np.ones((3, 3))
    assert ndimage.label(line, eight)[1] == ndimage.label(mask, eight)[1] == 3
    assert ndimage.label(~line)[1] == ndimage.label(~mask)[1] == 2
    assert not np.any(line & ~mask) and np.all(line[50, 50:70])
    squares = line[1:] & line[:-1]
    assert not np.any(squares[:, 1:] & squares[:, :-1])  # one pixel wide
    assert not thin(np.zeros((5, 5), bool)).any()


@pytest.mark.parametrize("width", range(2, 30, 3))
def test_thinning_keeps_diagonals_blots_and_holes(rng, width):
    x, y = np.meshgrid(np.arange(120), np.arange(120))
    cross = np.minimum(abs(x - y), abs(x + y - 120)) < width
    cross &= (10 < np.minimum(x, y)) & (np.maximum(x, y) < 110)
    assert thin(cross).sum() > 190 - 4 * width  # two lines of 99, shortened at four ends
    for blot in ((x - 60.3) ** 2 + (y - 59.8) ** 2 < width**2, (abs(x - 60) < width) & (abs(y - 60) < width)):
        assert thin(blot).any()
    clouds = ndimage.gaussian_filter(rng.normal(size=(120, 120)), 2 + width / 10) > 0
    clouds[[0, -1]] = clouds[:, [0, -1]] = False
    eight, line = np.ones((3, 3)), thin(clouds)
    assert ndimage.label(line, eight)[1] == ndimage.label(clouds, eight)[1]
    assert ndimage.label(~line)[1] == ndimage.label(~clouds)[1]


def test_strokes_of_any_width_give_one_size(tmp_path):
    sides = []
    for width in (4, 20, 60):
        page = np.full((500, 500), 255, np.uint8)
        page[100:400, 120 : 120 + width] = page[100:400, 380 - width : 380] = 0
        page[250 - width // 2 : 250 + width // 2, 120:380] = 0
        Image.fromarray(page).save(tmp_path / "h.png")
        rows = np.flatnonzero((read_drawing(tmp_path / "h.png").pixels[:, :, 0] > 127).any(axis=1))
        sides.append(rows[-1] - rows[0] + 1)
    assert np.ptp(sides) <= 2 and abs(sides[0] - EXTENT * SIDE) <= 2


def test_an_outline_cut_out_along_itself_is_seen(tmp_path):
    page = np.zeros((200, 200), np.uint8)
    page[6:-6, 6:-6] = 255
    Image.fromarray(page).save(tmp_path / "box.png")
    ink = read_drawing(tmp_path / "box.png").pixels[:, :, 0] > 127
    assert ndimage.label(~ink)[1] == 2 and not ink[40:65, 40:65].any()


def test_a_touch_of_the_pen_is_no_speck(tmp_path):
    page = np.full((600, 600), 255, np.uint8)
    page[100:500, 100:106] = page[100:500, 494:500] = page[494:500, 100:500] = 0  # a U of a thin pen
    page[40:46, 200:206] = page[40:46, 400:406] = 0  # and its two dots
    page[300, 300] = 0  # a speck
    Image.fromarray(page).save(tmp_path / "u.png")
    ink = read_drawing(tmp_path / "u.png").pixels[:, :, 0] > 127
    assert ndimage.label(ink, np.ones((3, 3)))[1] == 3


def test_the_dots_of_a_dry_pen_are_one_line(tmp_path):
    """Of ink along both edges of its stroke, too."""
    page = np.full((400, 400), 255, np.uint8)
    page[100:300:4, 120:122] = page[101:300:4, 120:122] = page[102:300:4, 125:127] = page[103:300:4, 125:127] = 0
    page[300:302, 120:280] = 0
    Image.fromarray(page).save(tmp_path / "dots.png")
    ink = read_drawing(tmp_path / "dots.png").pixels[:, :, 0] > 127
    assert ndimage.label(ink)[1] == 1 and np.bincount(ink.sum(axis=1)[ink.any(axis=1)]).argmax() <= 2 * PEN * SIDE + 1


def ruled(page, tilt=0.0, upright=False, level=170, thick=6):
    """The page on paper with rules of a brightness, pixels thick, 120 pixels from each other."""
    y, x = np.mgrid[:900, :900]
    across, along = (x, y) if upright else (y, x)
    rules = np.where((across + along * np.tan(np.radians(tilt)) + 50) % 120 < thick, np.uint8(level), np.uint8(235))
    return Image.fromarray(np.minimum(np.asarray(page) // 8 * 7 + 30, rules))


def squared(page):
    return Image.fromarray(np.minimum(ruled(page, 1.5), ruled(page, -2, upright=True)))


def scanned(page, bands):
    """The page with a scan's black along some of its borders, each band as deep as it says at both ends."""
    y, x = np.mgrid[:900, :900]
    inside = {"left": (x, y), "right": (899 - x, y), "top": (y, x), "bottom": (899 - y, x)}
    pixels = np.array(page.point(lambda value: 225 if value else 60))
    for side, (first, last) in bands.items():
        depth, along = inside[side]
        pixels[depth < first + (last - first) * along / 900] = 20
    return Image.fromarray(pixels)


def shaded(page, soft, left=0.45):
    """The page with the shadow of something straight across the drawing, its edge some pixels wide."""
    y, x = np.mgrid[:900, :900]
    light = 1 - (1 - left) * np.clip((x + 0.4 * y - 550) / soft + 0.5, 0, 1)
    return Image.fromarray(np.uint8(np.asarray(page.point(lambda value: 230 if value else 40)) * light))


SPOILT = {
    "ruled": lambda page: ruled(page),
    "ruled at a tilt": lambda page: ruled(page, tilt=2.5),
    "ruled from top to bottom": lambda page: ruled(page, tilt=-1, upright=True),
    "thick rules": lambda page: ruled(page, level=190, thick=26),
    "squared": squared,
    "a scan's edge": lambda page: scanned(page, {"left": (25, 25)}),
    "slanted edges": lambda page: scanned(page, {"right": (0, 30), "bottom": (40, 20)}),
    "a scan's frame": lambda page: scanned(page, dict.fromkeys(("left", "right", "top", "bottom"), (60, 70))),
    "a sharp shadow": lambda page: shaded(page, 1),
    "a deep shadow": lambda page: shaded(page, 1, left=0.25),
    "a soft shadow": lambda page: shaded(page, 120),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_rules_edges_and_shadows_are_no_ink(page, plain, kind):
    assert overlap(read_drawing(SPOILT[kind](page)), plain) > 0.7


def test_what_cannot_be_told_from_ink_is_said(page):
    assert read_drawing(ruled(page, level=30, thick=12)).doubts == (RULED,)  # as dark as ink, through the drawing
    assert not read_drawing(ruled(page, level=200)).doubts
    assert SHADED in read_drawing(SPOILT["a scan's frame"](page)).doubts
    frame = np.full((200, 200), 255, np.uint8)
    frame[:6] = frame[-6:] = frame[:, :6] = frame[:, -6:] = 0
    assert read_drawing(Image.fromarray(frame)).doubts == (SHADED,)  # nothing but an edge, or a box


@pytest.mark.parametrize("margin", [150, 600])
@pytest.mark.parametrize("turn", [0, 5])
def test_a_desk_around_the_sheet_is_no_paper(page, margin, turn):
    sheet = page.point(lambda value: 220 if value else 40)
    desk = Image.new("L", (900 + 2 * margin,) * 2, 90)
    desk.paste(sheet, (margin, margin))
    drawing = read_drawing(desk.rotate(turn, Image.Resampling.BICUBIC, fillcolor=90))
    alone = read_drawing(sheet.rotate(turn, Image.Resampling.BICUBIC, fillcolor=220))
    assert overlap(drawing, alone.pixels) > 0.7 and not drawing.doubts


def test_a_light_letter_on_a_board_is_no_sheet():
    board = np.full((400, 400), 20, np.uint8)
    board[80:320, 100:300] = 230
    board[130:166, 165:225] = board[230:266, 165:225] = 20  # a bold B
    assert find_sheet(board) is None and find_sheet(255 - board) is None
    board[88:312, 108:292] = 20
    board[200:210, 100:300] = 230  # a box with a bar across
    assert find_sheet(board) is None


def strokes(lines):
    """Lines, each through points (x, y), of one pen."""
    image = Image.new("L", (1200, 1200), 255)
    for points in lines:
        ImageDraw.Draw(image).line(points, fill=0, width=14)
    return image


A = [[(0, 200), (100, 0), (200, 200)], [(40, 120), (160, 120)]]
B = [[(0, 0), (0, 200), (130, 160), (0, 100), (110, 40), (0, 0)]]
ARRANGEMENTS = {
    "line": [(0, 0), (1, 0)],
    "diagonal": [(0, 0), (1, 1)],
    "triangle": [(0, 0), (1, 0), (0.5, 1)],
    "2 x 2": [(column, row) for row in range(2) for column in range(2)],
    "3 x 3": [(column, row) for row in range(3) for column in range(3)],
}


@pytest.mark.parametrize("gap", [60, 150])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_several_characters_are_said(arrangement, gap):
    lines = [
        [(100 + x + column * (200 + gap), 100 + y + row * (200 + gap)) for x, y in line]
        for number, (column, row) in enumerate(ARRANGEMENTS[arrangement])
        for line in (A, B)[number % 2]
    ]
    for image in (strokes(lines), strokes(lines).transpose(Image.Transpose.ROTATE_90)):
        assert read_drawing(image).doubts == (APART,)


ONE = {
    "a letter": A,
    "two bars": [[(0, 0), (200, 0)], [(0, 80), (200, 80)]],
    "two dots": [[(0, 0), (14, 0)], [(0, 80), (14, 80)]],
    "a bar and a short one": [[(0, 0), (0, 300)], [(0, 380), (0, 460)]],
    "a broken bar": [[(0, 0), (150, 0)], [(162, 0), (312, 0)]],
    "a ring with a bar in it": [[(0, 0), (0, 300), (300, 300), (300, 0), (0, 0)], [(150, 80), (150, 220)]],
}


@pytest.mark.parametrize("parts", ONE)
def test_parts_of_one_character_are_not_several(parts):
    assert not read_drawing(strokes([[(x + 100, y + 100) for x, y in line] for line in ONE[parts]])).doubts


@pytest.mark.parametrize("box", [(400, 0, 900, 900), (0, 330, 900, 900), (0, 0, 590, 900), (0, 0, 900, 460)])
def test_ink_that_runs_out_of_the_picture_is_said(page, box):
    assert CUT not in read_drawing(page).doubts
    assert CUT in read_drawing(page.crop(box)).doubts


def test_ink_on_clean_paper_stays_as_it_is(drawings):
    for image in drawings.images[::7, :, :, 0]:
        grey = np.pad(255 - image // 2, 30, constant_values=255)
        ink, doubts = find_ink(grey)
        assert np.array_equal(ink, grey < 200) and not doubts


def test_clean_drawings_raise_few_doubts(drawings):
    doubts = [read_drawing(Image.fromarray(255 - image[:, :, 0])).doubts for image in drawings.images]
    assert sum(map(bool, doubts)) <= 0.12 * len(doubts)  # of these made ones, some fall into parts like characters


def test_pictures_of_a_few_pixels_are_read_or_refused(rng):
    for shape in ((1, 1), (1, 9), (2, 2), (3, 40), (7, 5), (300, 2)):
        for _ in range(5):
            try:
                assert read_drawing(Image.fromarray(rng.integers(0, 255, shape, np.uint8))).pixels.any()
            except BadInput as error:
                assert "shows no drawing" in str(error)


@pytest.mark.slow
def test_spoilt_pictures_are_read_right_or_doubted(real_omniglot):
    """As ``python -m tests.predict.made_pictures``, which has the figures of more pictures."""
    options = SimpleNamespace(count=40, seed=1, alphabets=made_pictures.REPORTING, kinds=made_pictures.KINDS)
    shares = made_pictures.measure(options)
    right = {kind: each[2] for kind, each in shares.items()}
    warned = {kind: each[3] for kind, each in shares.items()}
    good = {kind: each[4] for kind, each in shares.items()}
    assert right["clean"] > 0.88 and warned["clean"] <= 0.05
    assert min(good[kind] for kind in ("ruled", "squared", "edge", "shadow", "desk")) > right["clean"] - 0.05
    assert min(warned[kind] for kind in ("two", "diagonal", "four", "cut off")) >= 0.85


def test_a_drawing_from_a_screen_stays_as_it_is():
    """All of its ink is kept, but for the scale, by a pen like Omniglot's; on paper that is not even it is redrawn."""
    image = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(image).line([(50, 60), (200, 60), (120, 210)], fill=0, width=13, joint="curve")
    ink = np.asarray(image) < 128
    side = np.ptp(np.argwhere(ink), axis=0).max() + 1
    found = read_drawing(image).pixels[:, :, 0]
    assert abs(np.ptp(np.argwhere(found > 127), axis=0).max() + 1 - EXTENT * SIDE) <= 2
    assert found.sum() / 255 == pytest.approx(ink.sum() * (EXTENT * SIDE / side) ** 2, rel=0.02)
    image.putpixel((0, 0), 250)
    assert (read_drawing(image).pixels[:, :, 0] != found).any()
