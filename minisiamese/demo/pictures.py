"""The page's pictures: PNGs that it sends, and those that it is sent."""

import io

import numpy as np
from matplotlib import colormaps
from PIL import Image

from minisiamese.data.images import read_image
from minisiamese.errors import BadInput

BYTES, PIXELS = 256 << 10, 1024  # of a drawing's PNG, at most: its bytes, the pixels of its side
MAGNIFIED = 6  # pixels of the page to one of a view
LINE = 64  # features of an embedding in a line


def picture_of(png):
    """The Pillow image of a PNG; BadInput if it is none, or too large.

    It has a margin of its paper, the most frequent brightness, so that no stroke that reaches the edge is taken for the
    edge of a scan. What has transparent places is left as it is.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            large = max(image.size) > PIXELS or len(png) > BYTES
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadInput("the drawing is no PNG that can be read") from None
    if large:
        raise BadInput(f"the drawing is larger than {PIXELS} x {PIXELS} pixels, or than {BYTES >> 10} KB")
    image = read_image(io.BytesIO(png), "the drawing")
    if image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255:
        return image
    grey = np.asarray(image.convert("L"))
    paper = np.bincount(grey.ravel()).argmax()
    return Image.fromarray(np.pad(grey, max(grey.shape) // 4, constant_values=np.uint8(paper)))


def png_of(pixels, scale=1):
    """The PNG of pixels (H, W) or (H, W, 3) uint8, each as a square of ``scale`` pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(scale, axis=0).repeat(scale, axis=1)).save(file, "PNG")
    return file.getvalue()


def paper(values):
    """Ink of 0 to 1 as black on white, uint8."""
    return np.uint8(np.round(255 * (1 - np.clip(values, 0, 1))))


def coloured(parts, view):
    """The PNG of a view (H, W, 1) with its ``parts`` (H, W) in colour: orange where they are positive, violet where
    they are negative."""
    shade = colormaps["PuOr_r"](0.5 + 0.5 * parts / max(np.abs(parts).max(), 1e-12))[:, :, :3]
    return png_of(np.uint8(255 * shade * (1 - 0.85 * view)), MAGNIFIED)


def montage(maps):
    """Maps (H, W, C) side by side, each from its least value to its greatest, ink dark: (rows H', columns W') uint8."""
    H, W, C = maps.shape
    columns = int(np.ceil(np.sqrt(C)))
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    page = np.zeros((-(-C // columns) * columns, H + 1, W + 1))
    page[:C, :H, :W] = ((maps - low) / np.maximum(high - low, 1e-12)).transpose(2, 0, 1)
    return paper(page.reshape(-1, columns, H + 1, W + 1).swapaxes(1, 2).reshape(-1, columns * (W + 1)))


def strip(values, low, high, colours):
    """The PNG of numbers (D,) from low to high, one line of them below the other."""
    page = np.zeros((-(-len(values) // LINE), LINE))
    page.ravel()[: len(values)] = values
    shade = colormaps[colours]((page - low) / max(high - low, 1e-12))[:, :, :3]
    return png_of(np.uint8(255 * shade), MAGNIFIED)
