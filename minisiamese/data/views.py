"""Images as a network sees them: framed, brought to its size, and distorted by affine maps and warps."""

import numpy as np

from minisiamese.backend import array_module, to_device
from minisiamese.data.affine import identity
from minisiamese.data.warps import waves
from minisiamese.threads import in_chunks

INK = 0.7  # of the side of a view; Omniglot's drawings fill 0.65 of their page on average
ASPECT, LEAST = 0.5, 0.05  # of ``moment_frames``; the least ratio of a drawing's two lengths


def ink_frames(images):
    """count matrices that bring each drawing's ink to the middle of the view and to one size.

    The longer side of the box around the ink (pixels above half of 255) comes to fill ``INK`` of the view. A blank page
    stays as it is.
    """
    ink = images.max(axis=3) > 127
    frames = identity(len(images))
    sides = []
    for axis in (1, 2):  # the columns that hold ink give x, the rows give y
        line = ink.any(axis=axis)
        length = line.shape[1]
        first, last = line.argmax(axis=1), length - line[:, ::-1].argmax(axis=1)
        frames[:, axis - 1, 2] = np.where(line.any(axis=1), (first + last) / length - 1, 0)
        sides.append((last - first) / length)
    scale = np.where(ink.any(axis=(1, 2)), np.maximum(*sides) / INK, 1)
    frames[:, :, :2] *= scale[:, None, None]
    return frames


def moment_frames(images):
    """count matrices that bring each drawing's ink to the middle of the view and to one size, by its moments.

    Along either axis let the ink have the mean place m and the standard deviation s; an even line along the axis would
    be 2 sqrt(3) s long. m comes to the middle, and the longer of the two lengths fills ``INK`` of the view. The shorter
    one, r times as long, fills r^``ASPECT`` of that: narrow drawings and wide ones come closer to a square, so that
    less of their details is lost (aspect ratio adaptive normalisation, Liu et al. 2004). A stray end of a stroke moves
    a box around the ink, and moments much less. A blank page stays as it is.
    """
    ink, frames = images.max(axis=3) > 127, identity(len(images))
    total, lengths = np.maximum(ink.sum(axis=(1, 2)), 1), []
    for axis in (1, 2):  # the columns of ink give x, the rows give y
        line = ink.sum(axis=axis)
        u = (2 * np.arange(line.shape[1]) + 1) / line.shape[1] - 1
        m = line @ u / total
        frames[:, axis - 1, 2] = m
        lengths.append(np.sqrt(3 * (line @ u**2 / total - m**2) + (1 / line.shape[1]) ** 2))  # half: a view is 2 long
    shown = ink.any(axis=(1, 2))
    longer = np.maximum(*lengths)
    for axis, length in enumerate(lengths):
        r = np.maximum(length / longer, LEAST)
        frames[:, axis, axis] = np.where(shown, r * longer / (INK * r**ASPECT), 1)
    return frames


FRAMES = {"moments": moment_frames, "ink": ink_frames, "page": lambda images: identity(len(images))}


class Views:
    """Images seen through affine maps, at the size a network takes.

    Shrinking averages: the images are box-filtered once, over the largest odd number of pixels that fits into one
    pixel of the output. An output pixel is then a single (bilinear) reading, and at a whole odd ratio, such as 105 to
    35, an undistorted view is exactly the average over 3 x 3 blocks.

    ``frame`` says what fills a view: the "page", as it was drawn on, the "ink" (``ink_frames``), or the ink by its
    "moments" (``moment_frames``).
    """

    def __init__(self, images, size, device="cpu", frame="page"):
        self.size, self.device = size, device
        self.frames = FRAMES[frame](images)
        box = max(1, (min(images.shape[1:3]) // size + 1) // 2 * 2 - 1)
        self.images = to_device(_box_filter(images, box), device)

    def __call__(self, rows, matrices=None):
        """float32 views (N, size, size, C), values 0..1, of the images in ``rows`` (host row numbers)."""
        maps = self.frames[rows]
        if matrices is not None:  # from the view's coordinates to the frame's, and on to the picture's
            shift = maps[:, :, 2]
            maps = maps[:, :, :2] @ matrices
            maps[:, :, 2] += shift
        images = self.images[to_device(rows, self.device)]
        return sample(images, to_device(maps.astype(np.float32), self.device), self.size)


def _box_filter(images, box):
    if box == 1:
        return images
    from scipy.ndimage import uniform_filter  # slow to import: only where something is shrunk that much

    filtered = np.empty_like(images)

    def average(rows):
        uniform_filter(images[rows], (1, box, box, 1), output=filtered[rows], mode="constant")

    in_chunks(average, len(images), images[0].nbytes)
    return filtered


def sample(images, matrices, size):
    """y[n, i, j] = image n, bilinearly, at A_n (u_j, u_i, 1), with u_i = (2 i + 1) / size - 1; blank outside.

    images (N, H, W, C) uint8, matrices (N, 2, 3) float32, or (N, 2, 3 + K) with the columns of a warp
    (``data.warps``); returns float32 (N, size, size, C) in 0..1.
    """
    xp = array_module(images)
    N, H, W, C = images.shape
    u = ((2 * xp.arange(size, dtype=np.float32) + 1) / size - 1).astype(np.float32)
    grid = xp.stack([xp.tile(u, size), xp.repeat(u, size), xp.ones(size * size, np.float32)])  # (3, size * size)
    if matrices.shape[2] > 3:
        grid = xp.concatenate([grid, xp.asarray(waves(size))])
    neighbours = xp.asarray([0, 1, W + 3, W + 4], np.int32).reshape(4, 1, 1)  # the four of a reading, from the first
    y = xp.empty((N, size * size, C), np.float32)

    def view(rows):
        padded = xp.zeros((len(images[rows]), H + 3, W + 3, C), np.uint8)  # a blank border stands for all outside
        padded[:, 1:-2, 1:-2] = images[rows]
        x, v = (matrices[rows] @ grid).transpose(1, 0, 2)
        x = xp.clip((x + 1) * (W / 2) + 0.5, 0, W + 1)  # in pixels of the padded image
        v = xp.clip((v + 1) * (H / 2) + 0.5, 0, H + 1)
        column, line = x.astype(np.int32), v.astype(np.int32)
        x -= column
        v -= line
        image = xp.arange(len(padded), dtype=np.int32)[:, None]
        corner = (image * (H + 3) + line) * (W + 3) + column
        above, above_right, below, below_right = padded.reshape(-1, C)[corner + neighbours]
        x, v = x[..., None], v[..., None]
        above = above + x * (above_right.astype(np.float32) - above)
        below = below + x * (below_right.astype(np.float32) - below)
        xp.divide(above + v * (below - above), 255, out=y[rows])

    # the pixels, and for each reading its places (36 bytes) and its values (20 bytes a channel)
    in_chunks(view, N, H * W * C + size * size * (36 + 20 * C), xp)
    return y.reshape(N, size, size, C)
