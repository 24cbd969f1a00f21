"""Any picture of one character, from paper or screen, as a drawing like Omniglot's."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from minisiamese.data.images import read_image, upright
from minisiamese.errors import BadInput
from minisiamese.predict.cleaning import find_ink, find_sheet, is_even, pen_width

SIDE = 105  # pixels of a drawing's side
FINE = 2 * SIDE  # pixels of the side of the page that the pen draws on
FAINT = 110  # of 255, up to which a pixel of that page has no ink
EXTENT = 0.65  # share of the page that Omniglot's drawings fill on average
PEN = 2.5 / SIDE  # half the width of its pen on such a page (median of 150 background drawings)
# Of the longer side of the ink: the usual widths of its pens, and of a stroke at its widest, where others cross it (of
# 1,500 background drawings 19 in 20 each).
PENS, WIDEST = (0.04, 0.105), 0.195
SIZES = (0.5, 0.95)  # usual sizes of its drawings, of the page's side
# Longer sides in pixels:
LOOK = 400  # of a picture in which ink is looked for
CLOSE = 80  # of a character in it that is looked at more closely
DECODED = 2000  # of a large JPEG as it is decoded, at least
# Calibrated on drawings of the first 15 of Omniglot's background alphabets, of which 1.2 % are taken for several:
LONG = 1.15  # times as long as the largest of several characters are they all together, at least
WIDE = 0.17  # times the size of the largest one, at least, is a gap between them
ALIKE = 0.5  # times the size of the largest one, at least, is the next
DOT = 4  # widths of the pen that a character has, at least
GAPS = np.geomspace(0.03, 0.4, 20)  # of the longer side of all ink, between them
APART = "several characters stand far apart"


@dataclass(frozen=True)
class Drawing:
    """A character as a drawing ``pixels`` (105, 105, 1) uint8, ink 255 on 0, and why it may not be what was drawn:
    reasons in words, none if all is well."""

    pixels: np.ndarray
    doubts: tuple[str, ...] = ()


def read_drawing(source, where=None):
    """The ``Drawing`` of a picture of any size: a path, or a Pillow image; BadInput if there is none in it.

    ``where`` names the picture in complaints. Ink stands out from the paper, darker or lighter. Light that falls off
    smoothly is evened out, and specks, rules, shadows and dark edges are left out as far as they can be told from ink.
    The ink comes to the middle, to Omniglot's average size. What was drawn on a screen by a pen like Omniglot's stays
    as it is, since every redrawing loses something; otherwise the middle of the strokes is drawn with Omniglot's pen.
    """
    where = where or ("the image" if isinstance(source, Image.Image) else source)
    picture, small = _off_desk(_grey(source, where))
    ink, doubts = find_ink(small)
    if ink is None:
        raise BadInput(f"{where} shows no drawing: nothing of any size in it stands out from paper around it")
    part = _surroundings(ink, picture)
    if part:
        closer, seen = find_ink(_small(part), max(picture.size) / max(part.size))
        if closer is not None:
            small, ink, doubts = _small(part), closer, seen
    if _apart(ink):
        doubts = doubts | {APART}
    drawn = _placed if is_even(small, ink) and _has_usual_pen(ink) else _redraw
    return Drawing(drawn(ink)[:, :, None], tuple(sorted(doubts)))


def _off_desk(picture):
    """(part, the part ``_small``): what lies within the sheet of paper in a picture of one on a darker desk; else the
    whole picture."""
    small = _small(picture)
    sheet = find_sheet(small)
    if sheet is None:
        return picture, small
    top, bottom, left, right = (float(end) * max(picture.size) / max(small.shape) for end in sheet)
    picture = picture.crop((left, top, right, bottom))
    return picture, _small(picture)


def _surroundings(ink, picture):
    """The part of the picture with the ink and half as much again on each side; None if that gains nothing."""
    (top, bottom), (left, right) = _box(ink)
    side, scale = max(bottom - top, right - left), max(picture.size) / max(ink.shape)
    if side > CLOSE or scale <= 1:
        return None
    box = [scale * end for end in (left - side / 2, top - side / 2, right + side / 2, bottom + side / 2)]
    return picture.crop((max(box[0], 0), max(box[1], 0), min(box[2], picture.width), min(box[3], picture.height)))


def _grey(source, where):
    """The picture in shades of grey, transparency filled in."""
    if isinstance(source, Image.Image):
        image = upright(source)
    else:
        image = read_image(source, where, "L", (DECODED, DECODED))
    return (_on_paper(image.convert("RGBA")) if image.has_transparency_data else image).convert("L")


def _small(picture):
    """The picture (H, W), at most ``LOOK`` a side."""
    small = picture.copy()
    small.thumbnail((LOOK, LOOK), Image.Resampling.BOX)
    return np.asarray(small)


def _on_paper(image):
    """A transparent picture on paper: a part of a page on more of its paper, light ink on black, dark ink on white."""
    light, opaque = (np.asarray(band, float) for band in image.convert("LA").split())
    seen = light[opaque > 127]
    if seen.size > opaque.size / 2:  # a part of a page
        paper = int(np.median(seen))
    else:
        paper = 0 if seen.size and seen.mean() > 127 else 255
    return Image.alpha_composite(Image.new("RGBA", image.size, (paper, paper, paper, 255)), image)


def _box(ink):
    """((top, bottom), (left, right)) of the ink."""
    return [np.flatnonzero(ink.any(axis=axis))[[0, -1]] + (0, 1) for axis in (1, 0)]


def _apart(ink):
    """Whether the ink falls into groups with paper between them, as several characters in any arrangement do.

    A group is all ink that hangs together by gaps up to some length. The gaps must be wide for the size of the groups,
    all ink together longer than the largest group, and the second largest no far smaller one and more than a dot.
    """
    (top, bottom), (left, right) = _box(ink)
    step = -(-max(bottom - top, right - left) // FINE)  # a coarse picture is enough
    coarse = np.asarray(Image.fromarray(np.uint8(255 * ink[top:bottom, left:right])).reduce(step))
    side, pen = max(coarse.shape), pen_width(ink) / step
    away = ndimage.distance_transform_edt(coarse == 0)
    for gap in GAPS * side:
        label, count = ndimage.label(away <= gap / 2)
        if count == 1:
            return False
        groups = ndimage.find_objects(np.where(away, 0, label))
        *_, second, largest = sorted(max(along.stop - along.start for along in group) for group in groups)
        if largest < min(gap / WIDE, side / LONG) and second > max(ALIKE * largest, DOT * pen):
            return True
    return False


def _has_usual_pen(ink):
    """Whether the strokes are as wide as Omniglot's, and all of them alike."""
    side = max(last - first for first, last in _box(ink))
    widest = 2 * ndimage.distance_transform_edt(np.pad(ink, 1)).max()
    return PENS[0] <= pen_width(ink) / side <= PENS[1] and widest <= WIDEST * side


def _placed(ink):
    """The ink centred, and scaled if its size is not a usual one: (105, 105) uint8."""
    (top, bottom), (left, right) = _box(ink)
    side = max(bottom - top, right - left)
    scale = 1 if SIZES[0] <= side / SIDE <= SIZES[1] else EXTENT * SIDE / side
    width, height = (max(1, round(scale * length)) for length in (right - left, bottom - top))
    small = Image.fromarray(np.uint8(255 * ink[top:bottom, left:right]))
    small = small.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
    page = Image.new("L", (SIDE, SIDE))
    page.paste(small, ((SIDE - width) // 2, (SIDE - height) // 2))
    return np.asarray(page)


def _redraw(ink):
    """The middle of the ink's strokes centred, scaled and drawn with Omniglot's pen: (105, 105) uint8."""
    (top, bottom), (left, right) = _box(ink)
    scale = EXTENT * FINE / max(bottom - top, right - left)
    width, height = (max(1, round(scale * length)) for length in (right - left, bottom - top))
    small = Image.fromarray(np.uint8(255 * ink[top:bottom, left:right]))
    page = np.pad(small.resize((width, height), Image.Resampling.BILINEAR), int(FINE * PEN) + 1)
    # what is half the pen away from ink is stroke, so that the dots of a dry pen are one line; thin strokes came faint
    stroke = ndimage.distance_transform_edt(page <= FAINT) <= PEN * FINE / 2

    points = np.argwhere(thin(stroke))
    first, last = points.min(axis=0), points.max(axis=0)
    # thick strokes were shortened: bring the line to full size, but make no more of a blot than it was
    side = max((last - first).max() / (EXTENT - 2 * PEN), FINE / 2)
    rows, columns = np.round((points - (first + last) / 2) / side * FINE + FINE / 2 - 0.5).astype(int).T
    empty = np.ones((FINE, FINE), bool)
    empty[rows, columns] = False
    drawn = (PEN * FINE + 0.5 - ndimage.distance_transform_edt(empty)).clip(0, 1)
    return np.asarray(Image.fromarray(np.uint8(255 * drawn)).reduce(FINE // SIDE))


# --- thinning ---------------------------------------------------------------------------------------------------------

AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # a pixel's neighbours, clockwise


def thin(mask):
    """The middle of the strokes of a mask (H, W), one pixel wide and as connected as the strokes.

    Guo & Hall (1989), their first algorithm: pixels are taken off the strokes' edges, in turn from two sides, unless
    that would shorten a line or break it.
    """
    padded = np.pad(mask, 1)
    flat, width = padded.ravel().astype(np.uint8), padded.shape[1]
    ink, before = np.flatnonzero(flat), None
    while before != (before := len(ink)):
        for removable in _REMOVABLE:
            code = sum(flat[ink + dy * width + dx] << np.uint8(place) for place, (dy, dx) in enumerate(AROUND))
            flat[ink[removable[code]]] = 0
            ink = ink[~removable[code]]
    return flat.reshape(padded.shape)[1:-1, 1:-1].astype(bool)


def _removable():
    """For each of the two sides a table (256,), by neighbourhood, of whether a pixel may go; bit k is ``AROUND[k]``."""
    N, NE, E, SE, S, SW, W, NW = ring = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(bool)
    # going round, how often paper is followed by ink: 1 if the pixel does not hold two parts together
    runs = sum(~ring[k] & (ring[k + 1] | ring[(k + 2) % 8]) for k in range(0, 8, 2))
    # neighbours, two by two: fewer than 2 at the end of a line, more than 3 inside a stroke
    before, after = (sum(ring[k] | ring[k + side] for k in range(0, 8, 2)) for side in (-1, 1))
    neighbours = np.minimum(before, after)
    on_edge = (runs == 1) & (2 <= neighbours) & (neighbours <= 3)
    return [on_edge & ~side for side in ((S | SW | ~NW) & W, (N | NE | ~SE) & E)]


_REMOVABLE = _removable()
