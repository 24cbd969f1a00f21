"""The paper's affine distortion, on a whole batch at once (Koch et al., section 3.2).

Coordinates run from -1 to 1 across the picture, so that one matrix serves every size.
"""

import numpy as np
from scipy.ndimage import uniform_filter

from minisiamese.backend import array_module, in_chunks, to_device

ROTATION = np.deg2rad(10)
SHEAR = 0.3
SCALE = (0.8, 1.2)
INK = 0.7  # of the side of a view; Omniglot's drawings fill 0.65 of their page on average
TRANSLATION = 2 * 2 / 105  # 2 pixels of 105, in units of half a picture
CROP = (0.8, 1.0)  # of the side of a photograph


def draw_distortions(rng, count):
    """count matrices (count, 2, 3) from output to input coordinates (x, y, 1).

    Rotation by +-10 degrees, shears by +-0.3, scales of 0.8..1.2 and translations by +-2 pixels of 105; rotation, and
    each of the two shears, scales and translations, takes part with probability 1/2.
    """
    part = rng.random((7, count)) < 0.5
    angle = part[0] * rng.uniform(-ROTATION, ROTATION, count)
    shear_x, shear_y = part[1:3] * rng.uniform(-SHEAR, SHEAR, (2, count))
    scale_x, scale_y = np.where(part[3:5], rng.uniform(*SCALE, (2, count)), 1)
    shift_x, shift_y = part[5:7] * rng.uniform(-TRANSLATION, TRANSLATION, (2, count))

    matrices = np.zeros((count, 2, 3))
    cos, sin, one = np.cos(angle), np.sin(angle), np.ones(count)
    rotation = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    shear = np.array([[one, shear_x], [shear_y, one]]).transpose(2, 0, 1)
    matrices[:, :, :2] = rotation @ shear / np.stack([scale_x, scale_y], axis=1)[:, None]
    matrices[:, :, 2] = np.stack([shift_x, shift_y], axis=1)
    return matrices


def identity(count):
    """count matrices that leave the picture as it is."""
    return np.tile(np.eye(2, 3), (count, 1, 1))


def draw_flips_and_crops(rng, count, size, pixels=2):
    """count matrices (count, 2, 3) that mirror a picture with probability 1/2 and shift it by up to ``pixels`` of its
    ``size``, as if it were cropped from one with a blank border: what is usual for CIFAR-10 (report 000)."""
    matrices = identity(count)
    matrices[:, 0, 0] = rng.choice([-1, 1], count)
    matrices[:, :, 2] = 2 * rng.integers(-pixels, pixels + 1, (count, 2)) / size
    return matrices


def draw_photographic(rng, count):
    """count matrices (count, 2, 3): what is usual for photographs in place of ``draw_distortions``, report 001's flips,
    rotations and crops. The report gives no numbers; here a picture is mirrored with probability 1/2, turned by up to
    +-10 degrees, and cropped to a square of 0.8..1 of its side, at a random place in it, that fills the view. Corners
    that a turn brings in from outside are blank."""
    mirror = rng.choice([-1, 1], count)
    angle = rng.uniform(-ROTATION, ROTATION, count)
    side = rng.uniform(*CROP, count)
    matrices = np.empty((count, 2, 3))
    cos, sin = np.cos(angle), np.sin(angle)
    matrices[:, :, :2] = np.array([[mirror * cos, -sin], [mirror * sin, cos]]).transpose(2, 0, 1) * side[:, None, None]
    matrices[:, :, 2] = rng.uniform(-1, 1, (count, 2)) * (1 - side)[:, None]
    return matrices


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


class Views:
    """Images seen through affine maps, at the size a network takes.

    Shrinking averages: the images are box-filtered once, over the largest odd number of pixels that fits into one
    pixel of the output. An output pixel is then a single (bilinear) reading, and at a whole odd ratio, such as 105 to
    35, an undistorted view is exactly the average over 3 x 3 blocks.

    ``frame`` says what fills a view: the "page", as it was drawn on, or the "ink" (see ``ink_frames``).
    """

    def __init__(self, images, size, device="cpu", frame="page"):
        self.size, self.device = size, device
        self.frames = ink_frames(images) if frame == "ink" else identity(len(images))
        box = max(1, (min(images.shape[1:3]) // size + 1) // 2 * 2 - 1)
        self.images = to_device(_box_filter(images, box), device)

    def __call__(self, rows, matrices=None):
        """float32 views (N, size, size, C), values 0..1, of the images in ``rows`` (host row numbers)."""
        maps = self.frames[rows]
        if matrices is not None:  # from the view's coordinates to the frame's, and on to the picture's
            shift = maps[:, :, :2] @ matrices[:, :, 2:] + maps[:, :, 2:]
            maps = np.concatenate([maps[:, :, :2] @ matrices[:, :, :2], shift], axis=2)
        images = self.images[to_device(rows, self.device)]
        return sample(images, to_device(maps.astype(np.float32), self.device), self.size)


def _box_filter(images, box):
    if box == 1:
        return images
    filtered = np.empty_like(images)

    def average(rows):
        uniform_filter(images[rows], (1, box, box, 1), output=filtered[rows], mode="constant")

    in_chunks(average, len(images), images[0].nbytes)
    return filtered


def sample(images, matrices, size):
    """y[n, i, j] = image n, bilinearly, at A_n (u_j, u_i, 1), with u_i = (2 i + 1) / size - 1; blank outside.

    images (N, H, W, C) uint8, matrices (N, 2, 3) float32; returns float32 (N, size, size, C) in 0..1.
    """
    xp = array_module(images)
    N, H, W, C = images.shape
    u = ((2 * xp.arange(size, dtype=np.float32) + 1) / size - 1).astype(np.float32)
    grid = xp.stack([xp.tile(u, size), xp.repeat(u, size), xp.ones(size * size, np.float32)])  # (3, size * size)
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

    # the pixels, and for each reading its places (36 bytes) and what is read there (20 bytes a channel)
    in_chunks(view, N, H * W * C + size * size * (36 + 20 * C), xp)
    return y.reshape(N, size, size, C)
