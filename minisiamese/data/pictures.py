"""Any picture of one character, from paper or screen, as a drawing like Omniglot's."""

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from minisiamese.errors import BadInput

SIZE = 105  # of a drawing
FINE = 4 * SIZE  # the strokes' width is set at this resolution
EXTENT = 0.65  # share of the page that Omniglot's drawings fill on average
PEN = 2.5 / SIZE  # half the width of its pen on such a page (median of 150 background drawings)
LARGEST = 800  # longer side, in pixels, that a picture is looked at with
FAINTEST = 20  # contrast, of 255, below which there is no ink


def read_drawing(path):
    """The drawing (105, 105, 1) uint8, ink 255 on 0, of an image file of any size; BadInput if there is none in it.

    Ink is what differs from the paper, whichever is darker; uneven light is evened out; specks are left out. The ink
    comes to the middle, to Omniglot's average size, and its strokes to the width of Omniglot's pen.
    """
    grey = _grey(path)
    ink = _ink(grey)
    if ink is None:
        raise BadInput(f"{path} shows no drawing: nothing in it stands out from the paper")
    return _redraw(ink)[:, :, None]


def _grey(path):
    """The picture (H, W) in 0..255, at most ``LARGEST`` a side, turned as its camera says, transparency filled in."""
    try:
        with Image.open(path) as image:
            image.draft("L", (LARGEST, LARGEST))  # a large JPEG need not be decoded whole
            image = ImageOps.exif_transpose(image)
            if image.mode[0] in "IF":  # 16 and 32 bits: Pillow would cut off what is above 255
                values = np.asarray(image, float)
                spread = max(values.max() - values.min(), 1e-12)
                image = Image.fromarray(np.uint8(255 * (values - values.min()) / spread))
            if image.has_transparency_data:
                image = image.convert("LA")
                light, opaque = (np.asarray(band, float) for band in image.split())
                paper = 0 if (light * opaque).sum() > 127 * opaque.sum() else 255  # what the ink is not
                image = Image.alpha_composite(
                    Image.new("RGBA", image.size, (paper,) * 3 + (255,)), image.convert("RGBA")
                )
            image = image.convert("L")
            image.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
            return np.asarray(image, float)
    except FileNotFoundError:
        raise BadInput(f"there is no image {path}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path} is not a readable image ({error})") from None


def _ink(grey):
    """A mask (H, W) of the ink, or None."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    away = grey - np.median(border)
    if (np.maximum(away, 0) ** 2).sum() > (np.minimum(away, 0) ** 2).sum():
        grey = 255 - grey  # light ink on dark paper
    # the paper's brightness: the brightest around, taken coarsely and smoothed
    reach = max(3, max(grey.shape) // 8)
    paper = ndimage.gaussian_filter(ndimage.maximum_filter(ndimage.gaussian_filter(grey, 1), reach), reach / 2)
    contrast = ndimage.gaussian_filter(paper - grey, max(grey.shape) / 400)
    if contrast.max() < FAINTEST:
        return None
    ink = contrast > contrast.max() / 2
    label, count = ndimage.label(ink, np.ones((3, 3)))
    area = np.bincount(label.ravel(), minlength=count + 1)
    area[0] = 0
    return (area >= area.max() / 100)[label]  # without specks


def _redraw(ink):
    """The ink centred, scaled and drawn with Omniglot's pen: (105, 105) uint8."""
    (top, bottom), (left, right) = (np.flatnonzero(ink.any(axis=axis))[[0, -1]] + (0, 1) for axis in (1, 0))
    side = max(bottom - top, right - left) / EXTENT
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    page = Image.fromarray(np.uint8(255 * ink))
    fine = page.transform((FINE, FINE), Image.Transform.EXTENT, (x, y, x + side, y + side), Image.Resampling.BILINEAR)
    stroke = np.asarray(fine) > 127
    inside = ndimage.distance_transform_edt(stroke)
    ridge = stroke & (inside == ndimage.maximum_filter(inside, 3))  # the middle of the strokes
    depth = inside - ndimage.distance_transform_edt(~stroke)
    drawn = depth > np.median(inside[ridge]) - PEN * FINE  # thick strokes lose as much at each side, thin ones gain it
    return np.asarray(Image.fromarray(np.uint8(255 * drawn)).resize((SIZE, SIZE), Image.Resampling.BOX))
