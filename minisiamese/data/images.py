"""Image files of any kind, as Pillow reads them, with one clear line for files that it cannot read."""

import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minisiamese.errors import BadInput, whole_file

# Pillow warns of sizes and odd metadata; an error is an error all the same. The filter is the whole process's, since
# threads that read images share their filters: one that a thread sets and takes back is taken back from another, too.
warnings.filterwarnings("ignore", module=r"PIL\.")
NO_PICTURES = {"BUFR", "GRIB", "HDF5", "MPEG", "WMF"}  # which Pillow only knows by name


def read_image(source, where, mode=None, at_least=None):
    """The Pillow image of a path or an open file, turned as its camera says, with 8 bits a channel.

    ``where`` names it in complaints. A JPEG that is larger than ``at_least`` (width, height) may come smaller, but not
    smaller than that, and in ``mode``, if that is what it can be decoded to. BadInput if it is no readable image.
    """
    if not hasattr(source, "read"):
        whole_file(source)
    try:
        with Image.open(source) as image:
            return upright(image, mode, at_least)
    except FileNotFoundError:
        raise BadInput(f"there is no image {where}") from None
    except IsADirectoryError:
        raise BadInput(f"{where} is a folder, not an image") from None
    except UnidentifiedImageError:
        raise BadInput(f"{where} is no image, or of a kind that Pillow cannot read") from None
    except Image.DecompressionBombError:
        raise BadInput(f"{where} has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels: save it smaller") from None
    except MemoryError:  # whose remedy is another
        raise
    except Exception as error:  # a damaged file can fail anywhere in its decoder
        short = "truncated" in str(error) or not str(error)
        reason = "it ends too early" if short else str(error).rstrip(".")
        raise BadInput(f"{where} is not a readable image ({reason}): save it again") from None


def upright(image, mode=None, at_least=None):
    """A Pillow image, decoded, turned as its camera says, with 8 bits a channel; the others as in ``read_image``."""
    if at_least:
        image.draft(mode, at_least)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # Pillow would cut off values above 255
        return Image.fromarray(np.uint8(np.asarray(image, float) / 257))
    if image.mode in ("I", "F"):  # of no known range
        values = np.nan_to_num(np.asarray(image, float))
        low, high = np.percentile(values, (0.1, 99.9))
        return Image.fromarray(np.uint8(255 * np.clip((values - low) / max(high - low, 1e-12), 0, 1)))
    image.load()
    return image


def is_image(path):
    """Whether a file's name is that of an image that Pillow can read; hidden files are none."""
    Image.init()
    kind = Image.registered_extensions().get(path.suffix.lower())
    return not path.name.startswith(".") and kind in Image.OPEN and kind not in NO_PICTURES
