"""Any picture of one character, from paper or screen, as a drawing like Omniglot's."""

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.special import ndtri

from minisiamese.data.images import read_image
from minisiamese.errors import BadInput

SIDE = 105  # pixels of a drawing's side
FINE = 4 * SIDE  # pixels of the side of the page that the pen draws on
EXTENT = 0.65  # share of the page that Omniglot's drawings fill on average
PEN = 2.5 / SIDE  # half the width of its pen on such a page (median of 150 background drawings)
# Longer sides in pixels:
FIRST_LOOK, CLOSE_LOOK = 800, 400  # of a picture, and of its part with the ink, where ink is looked for
DECODED = 2000  # of a large JPEG as it is decoded, at least
COARSE = 100  # of the picture that the paper is fitted to
FAINTEST = 12  # contrast, of 255, below which there is no ink
LEAST = 2e-4  # share of the picture that must be ink


def read_drawing(path):
    """The drawing (105, 105, 1) uint8, ink 255 on 0, of an image file of any size; BadInput if there is none in it.

    Ink stands out from the paper, darker or lighter; most of the picture's edge is paper. Light that falls off smoothly
    is evened out, the edge of a shadow is not; specks are left out. The ink comes to the middle, to Omniglot's average
    size, and the middle of its strokes is drawn with Omniglot's pen.
    """
    picture = _grey(path)
    ink = _ink(picture, FIRST_LOOK)
    if ink is not None and max(picture.size) > CLOSE_LOOK:
        scale = max(picture.size) / max(ink.shape)
        (top, bottom), (left, right) = _box(ink)
        margin = max(bottom - top, right - left) / 2
        box = [scale * end for end in (left - margin, top - margin, right + margin, bottom + margin)]
        picture = picture.crop(
            (max(box[0], 0), max(box[1], 0), min(box[2], picture.width), min(box[3], picture.height))
        )
        ink = _ink(picture, CLOSE_LOOK)
    if ink is None:
        raise BadInput(f"{path} shows no drawing: nothing of any size in it stands out from paper around it")
    return _redraw(ink)[:, :, None]


def _grey(path):
    """The picture in shades of grey, transparency filled in."""
    image = read_image(path, path, "L", (DECODED, DECODED))
    return (_on_paper(image.convert("RGBA")) if image.has_transparency_data else image).convert("L")


def _on_paper(image):
    """A transparent picture on paper: a part of a page on more of its paper, light ink on black, dark ink on white."""
    light, opaque = (np.asarray(band, float) for band in image.convert("LA").split())
    seen = light[opaque > 127]
    if seen.size > opaque.size / 2:  # a part of a page
        paper = int(np.median(seen))
    else:
        paper = 0 if seen.size and seen.mean() > 127 else 255
    return Image.alpha_composite(Image.new("RGBA", image.size, (paper, paper, paper, 255)), image)


def _ink(picture, largest):
    """A mask (H, W) of the ink of a picture, at most ``largest`` a side; None of a picture without any."""
    small = picture.copy()
    small.thumbnail((largest, largest), Image.Resampling.BOX)
    grey = np.asarray(small, float)
    smooth = ndimage.gaussian_filter(grey, max(grey.shape) / 1000)
    contrast = smooth - _paper(smooth)
    # four standard deviations of the paper's grain, by the quartile, since up to two thirds may be ink
    floor = max(FAINTEST, 4 * np.quantile(abs(contrast), 0.25) / ndtri(0.625))
    dark, light = np.maximum(-contrast - floor, 0), np.maximum(contrast - floor, 0)
    contrast = contrast if (light**2).sum() > (dark**2).sum() else -contrast
    candidates = contrast[contrast > floor]
    if candidates.size < LEAST * grey.size:
        return None
    ink = contrast > max(floor, np.median(candidates) / 2)
    label, count = ndimage.label(ink, np.ones((3, 3)))
    area = np.bincount(label.ravel(), minlength=count + 1)
    area[0] = 0
    # a stroke w pixels wide has its nearest paper 1, 2, ... w/2 ... 2, 1 pixels away, (w + 2) / 4 on average
    pen = 4 * ndimage.distance_transform_edt(ink)[ink].mean() - 2
    return (area >= min(area.max() / 100, pen**2 / 2))[label]  # without specks smaller than a touch of the pen


def _paper(grey, iterations=12):
    """The paper's brightness (H, W): a quadratic surface, fitted together with a step from paper to ink.

    Surface and step are fitted to a coarse picture in least absolute deviation, by reweighted least squares. The step's
    place is guessed from the picture's two levels. In flat light the guess is right, whatever the share of the ink. In
    uneven light the guess is wrong, but then the surface alone fits all but the ink, and the step comes out as none.
    """
    step = max(1, max(grey.shape) // COARSE)
    coarse = np.asarray(Image.fromarray(grey.astype(np.float32)).reduce(step), float)
    level = coarse.mean()
    for _ in range(iterations):  # midway between the means above and below it
        above = coarse > level
        level = (coarse[above].mean() + coarse[~above].mean()) / 2 if above.any() else level
    edge = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    ink = ~above if edge.mean() > 0.5 else above
    ink = ~ink if ink.mean() > 0.8 else ink  # a character that was cut out along its outline has no edge of paper

    A, b = np.column_stack([_quadratics(coarse.shape), ink.ravel()]), coarse.ravel()
    weight = np.ones(len(b))
    for _ in range(iterations):
        fit = np.linalg.lstsq(A * weight[:, None], b * weight, rcond=None)[0]
        weight = 1 / np.sqrt(abs(A @ fit - b) + 1)
    return (_quadratics(grey.shape) @ fit[:-1]).reshape(grey.shape)


def _quadratics(shape):
    """1, x, y, x^2, x y, y^2 (H W, 6) at the middle of each pixel, the picture from -1 to 1."""
    y, x = (((2 * np.arange(length) + 1) / length - 1) for length in shape)
    y, x = (each.ravel() for each in np.meshgrid(y, x, indexing="ij"))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _box(ink):
    """((top, bottom), (left, right)) of the ink."""
    return [np.flatnonzero(ink.any(axis=axis))[[0, -1]] + (0, 1) for axis in (1, 0)]


def _redraw(ink):
    """The middle of the ink's strokes centred, scaled and drawn with Omniglot's pen: (105, 105) uint8."""
    (top, bottom), (left, right) = _box(ink)
    side = max(bottom - top, right - left) / EXTENT
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    fine = SIDE * max(2, int(np.ceil(side / SIDE)))  # no smaller than the ink comes, or thin strokes would tear
    page = Image.fromarray(np.uint8(255 * ink))
    page = page.transform((fine, fine), Image.Transform.EXTENT, (x, y, x + side, y + side), Image.Resampling.BILINEAR)
    stroke = ndimage.distance_transform_edt(np.asarray(page) <= 127) <= PEN * fine / 2  # dots of a dry pen are one line

    points = np.argwhere(thin(stroke))
    first, last = points.min(axis=0), points.max(axis=0)
    # thick strokes were shortened: bring the line to full size, but make no more of a blot than it was
    side = max((last - first).max() / (EXTENT - 2 * PEN), fine / 2)
    rows, columns = np.round((points - (first + last) / 2) / side * FINE + FINE / 2).astype(int).T
    empty = np.ones((FINE, FINE), bool)
    empty[rows, columns] = False
    drawn = ndimage.distance_transform_edt(empty) <= PEN * FINE
    return np.asarray(Image.fromarray(np.uint8(255 * drawn)).resize((SIDE, SIDE), Image.Resampling.BOX))


# --- thinning ---------------------------------------------------------------------------------------------------------

AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # a pixel's neighbours, clockwise


def thin(mask):
    """The middle of the strokes of a mask (H, W), one pixel wide and as connected as the strokes.

    Guo & Hall (1989), their first algorithm: pixels are taken off the strokes' edges, in turn from two sides, unless
    that would shorten a line or break it.
    """
    mask = np.pad(mask, 1).astype(np.uint8)
    before = None
    while before != (before := mask.sum()):
        for removable in _REMOVABLE:
            code = sum(np.roll(mask, (-dy, -dx), (0, 1)) << np.uint8(place) for place, (dy, dx) in enumerate(AROUND))
            mask &= ~removable[code]
    return mask[1:-1, 1:-1].astype(bool)


def _removable():
    """For each of the two sides a table (256,), by neighbourhood, of whether a pixel may go; bit k is ``AROUND[k]``."""
    N, NE, E, SE, S, SW, W, NW = ring = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(bool)
    # going round, how often paper is followed by ink: 1 if the pixel does not hold two parts together
    runs = sum(~ring[k] & (ring[k + 1] | ring[(k + 2) % 8]) for k in range(0, 8, 2))
    # neighbours, two by two: fewer than 2 at the end of a line, more than 3 inside a stroke
    before, after = (sum(ring[k] | ring[k + side] for k in range(0, 8, 2)) for side in (-1, 1))
    neighbours = np.minimum(before, after)
    on_edge = (runs == 1) & (2 <= neighbours) & (neighbours <= 3)
    return [np.uint8(on_edge & ~side) for side in ((S | SW | ~NW) & W, (N | NE | ~SE) & E)]


_REMOVABLE = _removable()
