"""Any picture of one character, from paper or screen, as a drawing like Omniglot's."""

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage
from scipy.special import ndtri

from minisiamese.errors import BadInput

SIZE = 105  # of a drawing
EXTENT = 0.65  # share of the page that Omniglot's drawings fill on average
PEN = 2.5 / SIZE  # half the width of its pen on such a page (median of 150 background drawings)
LARGEST = 400  # longer side, in pixels, that a picture is looked at with
DECODED = 2000  # longer side, in pixels, that a large JPEG is decoded to, at least
COARSE = 100  # longer side, in pixels, that the paper is fitted at
FAINTEST = 12  # contrast, of 255, below which there is no ink
LEAST = 2e-4  # share of the picture that must be ink


def read_drawing(path):
    """The drawing (105, 105, 1) uint8, ink 255 on 0, of an image file of any size; BadInput if there is none in it.

    Ink is what stands out from the paper, darker or lighter; the paper is what most of the picture's edge shows. Uneven
    light is evened out; specks are left out. The ink comes to the middle, to Omniglot's average size, and the middle of
    its strokes is drawn with Omniglot's pen.
    """
    picture = _grey(path)
    ink = _ink(picture)
    if ink is not None and max(picture.size) > LARGEST:  # a small character on a large page: look closer
        scale = max(picture.size) / max(ink.shape)
        (top, bottom), (left, right) = _box(ink)
        margin = max(bottom - top, right - left) / 2
        box = [scale * end for end in (left - margin, top - margin, right + margin, bottom + margin)]
        picture = picture.crop(
            (max(box[0], 0), max(box[1], 0), min(box[2], picture.width), min(box[3], picture.height))
        )
        ink = _ink(picture)
    if ink is None:
        raise BadInput(f"{path} shows no drawing: nothing in it stands out from the paper")
    return _redraw(ink)[:, :, None]


def _grey(path):
    """The picture in shades of grey, turned as its camera says, transparency filled in."""
    try:
        with Image.open(path) as image:
            image.draft("L", (DECODED, DECODED))
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16"):  # Pillow would cut off what is above 255
                image = Image.fromarray(np.uint8(np.asarray(image, float) / 257))
            elif image.mode in ("I", "F"):  # of no known range
                values = np.nan_to_num(np.asarray(image, float))
                low, high = np.percentile(values, (0.1, 99.9))
                image = Image.fromarray(np.uint8(255 * np.clip((values - low) / max(high - low, 1e-12), 0, 1)))
            if image.has_transparency_data:
                image = _on_paper(image.convert("RGBA"))
            return image.convert("L")
    except FileNotFoundError:
        raise BadInput(f"there is no image {path}") from None
    except Exception as error:  # a damaged file can fail anywhere in its decoder
        raise BadInput(f"{path} is not a readable image ({error})") from None


def _on_paper(image):
    """A transparent picture on paper of the brightness that its ink is not."""
    light, opaque = (np.asarray(band, float) for band in image.convert("LA").split())
    seen = light[opaque > 127]
    if seen.size > opaque.size / 2:  # a window into a page: its paper goes on around it
        paper = int(np.median(seen))
    else:
        paper = 0 if seen.size and seen.mean() > 127 else 255
    return Image.alpha_composite(Image.new("RGBA", image.size, (paper, paper, paper, 255)), image)


def _ink(picture):
    """A mask (H, W) of the ink of a picture, at most ``LARGEST`` a side; or None."""
    small = picture.copy()
    small.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
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
    return (area >= area.max() / 100)[label]  # without specks


def _paper(grey, iterations=12):
    """The paper's brightness (H, W): of a quadratic surface, and a step from paper to ink, the surface.

    Both are fitted to a coarse picture in least absolute deviation, by reweighted least squares. Where the step lies is
    a guess, from the picture's two levels: it is right in flat light, whatever the share of the ink. In uneven light
    it is wrong, but then the surface alone fits all but the ink, and the step comes out as none.
    """
    step = max(1, max(grey.shape) // COARSE)
    coarse = np.asarray(Image.fromarray(grey.astype(np.float32)).reduce(step), float)
    level = coarse.mean()
    for _ in range(iterations):  # midway between the means above and below it
        above = coarse > level
        level = (coarse[above].mean() + coarse[~above].mean()) / 2 if above.any() else level
    edge = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    ink = ~above if edge.mean() > 0.5 else above

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
    """The ink centred, scaled and drawn with Omniglot's pen: (105, 105) uint8."""
    (top, bottom), (left, right) = _box(ink)
    side = max(bottom - top, right - left) / EXTENT
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    fine = SIZE * max(2, int(np.ceil(side / SIZE)))  # no smaller than the ink is given, which would tear thin strokes
    page = Image.fromarray(np.uint8(255 * ink))
    page = page.transform((fine, fine), Image.Transform.EXTENT, (x, y, x + side, y + side), Image.Resampling.BILINEAR)
    stroke = ndimage.distance_transform_edt(np.asarray(page) <= 127) <= PEN * fine / 2  # dots of a dry pen are one line
    line = thin(stroke)
    drawn = ndimage.distance_transform_edt(~line) <= PEN * fine
    return np.asarray(Image.fromarray(np.uint8(255 * drawn)).resize((SIZE, SIZE), Image.Resampling.BOX))


# --- thinning ---------------------------------------------------------------------------------------------------------

AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # a pixel's neighbours, clockwise


def thin(mask):
    """The middle of the strokes of a mask (H, W), one pixel wide and as connected as they are.

    Zhang & Suen (1984): pixels are taken off the strokes' edges, in turn from the south-east and from the north-west,
    unless that would shorten a line (fewer than two neighbours) or break it (not one run of neighbours).
    """
    mask = np.pad(mask, 1).astype(np.uint8)
    before = None
    while before != (before := mask.sum()):
        for removable in _REMOVABLE:
            code = sum(np.roll(mask, (-dy, -dx), (0, 1)) << np.uint8(place) for place, (dy, dx) in enumerate(AROUND))
            mask &= ~removable[code]
    return mask[1:-1, 1:-1].astype(bool)


def _removable():
    """For each of the two turns a table (256,) of which neighbourhoods let go of a pixel; bit k is ``AROUND[k]``."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    count, runs = bits.sum(axis=1), (bits < np.roll(bits, -1, axis=1)).sum(axis=1)
    on_edge = (2 <= count) & (count <= 6) & (runs == 1)
    north, east, south, west = bits[:, ::2].T
    turns = (north * east * south + east * south * west, north * east * west + north * south * west)
    return [np.uint8(on_edge & (turn == 0)) for turn in turns]


_REMOVABLE = _removable()
