"""Any picture of one character, from paper or screen, as a drawing like Omniglot's."""

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from minisiamese.errors import BadInput

SIZE = 105  # of a drawing
FINE = 4 * SIZE  # the strokes' width is set at this resolution
EXTENT = 0.65  # share of the page that Omniglot's drawings fill on average
PEN = 2.5 / SIZE  # half the width of its pen on such a page (median of 150 background drawings)
LARGEST = 500  # longer side, in pixels, that a picture is looked at with
FAINTEST = 12  # contrast, of 255, below which there is no ink
LEAST = 2e-4  # share of the picture that must be ink


def read_drawing(path):
    """The drawing (105, 105, 1) uint8, ink 255 on 0, of an image file of any size; BadInput if there is none in it.

    Ink is the smaller part of the picture that stands out from the paper, darker or lighter; uneven light is evened
    out; specks are left out. The ink comes to the middle, to Omniglot's average size, and its strokes to the width of
    Omniglot's pen.
    """
    ink = _ink(_grey(path))
    if ink is None:
        raise BadInput(f"{path} shows no drawing: nothing in it stands out from the paper")
    return _redraw(ink)[:, :, None]


def _grey(path):
    """The picture (H, W) in 0..255, at most ``LARGEST`` a side, turned as its camera says, transparency filled in."""
    try:
        with Image.open(path) as image:
            image.draft("L", (LARGEST, LARGEST))  # a large JPEG need not be decoded whole
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16"):  # Pillow would cut off what is above 255
                image = Image.fromarray(np.uint8(np.asarray(image, float) / 257))
            elif image.mode in ("I", "F"):  # of no known range
                values = np.nan_to_num(np.asarray(image, float))
                low, high = np.percentile(values, (0.1, 99.9))
                image = Image.fromarray(np.uint8(255 * np.clip((values - low) / max(high - low, 1e-12), 0, 1)))
            if image.has_transparency_data:
                image = _on_paper(image.convert("RGBA"))
            image = image.convert("L")
            image.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
            return np.asarray(image, float)
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


def _ink(grey):
    """A mask (H, W) of the ink, or None."""
    smooth = ndimage.gaussian_filter(grey, max(grey.shape) / 1000)
    contrast = smooth - _paper(smooth)
    floor = max(FAINTEST, 4 * 1.4826 * np.median(abs(contrast)))  # four standard deviations of the paper's grain
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
    """The paper's brightness (H, W): the quadratic surface nearest to the picture in least absolute deviation.

    Found by reweighted least squares on a coarse grid. Ink, up to half of the picture, has no say in it.
    """
    H, W = grey.shape
    y, x = np.meshgrid(np.linspace(-1, 1, H), np.linspace(-1, 1, W), indexing="ij")
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    step = max(1, max(H, W) // 100)
    A, b = surface[::step, ::step].reshape(-1, 6), grey[::step, ::step].ravel()
    weight = np.ones(len(b))
    for _ in range(iterations):
        fit = np.linalg.lstsq(A * weight[:, None], b * weight, rcond=None)[0]
        weight = 1 / np.sqrt(abs(A @ fit - b) + 1)
    return surface @ fit


def _redraw(ink):
    """The ink centred, scaled and drawn with Omniglot's pen: (105, 105) uint8."""
    (top, bottom), (left, right) = (np.flatnonzero(ink.any(axis=axis))[[0, -1]] + (0, 1) for axis in (1, 0))
    side = max(bottom - top, right - left) / EXTENT
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    page = Image.fromarray(np.uint8(255 * ink))
    fine = page.transform((FINE, FINE), Image.Transform.EXTENT, (x, y, x + side, y + side), Image.Resampling.BILINEAR)
    stroke = np.asarray(fine) > 127
    inside, pen = ndimage.distance_transform_edt(stroke), PEN * FINE
    ridge = stroke & (inside == ndimage.maximum_filter(inside, 3))  # the middle of the strokes
    usual = np.median(inside[ridge])
    # thick strokes lose as much at each side, thin ones gain it
    drawn = inside - ndimage.distance_transform_edt(~stroke) > usual - pen
    # and strokes so much thinner than the others that nothing would be left are drawn along their middle
    thin = ridge & (ndimage.maximum_filter(inside, int(2 * pen)) < usual / 2)
    if thin.any():
        drawn |= ndimage.distance_transform_edt(~thin) < pen
    return np.asarray(Image.fromarray(np.uint8(255 * drawn)).resize((SIZE, SIZE), Image.Resampling.BOX))
