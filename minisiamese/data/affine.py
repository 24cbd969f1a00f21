"""The paper's affine distortion, on a whole batch at once (Koch et al., section 3.2).

Coordinates run from -1 to 1 across the picture, so that one matrix serves every size.
"""

import numpy as np

ROTATION = np.deg2rad(10)
SHEAR = 0.3
SCALE = (0.8, 1.2)
TRANSLATION = 2 * 2 / 105  # 2 pixels of 105, in units of half a picture
SHIFT = 4  # pixels of a small picture in colour
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


def draw_flips_and_crops(rng, count, size):
    """count matrices (count, 2, 3) that mirror a picture with probability 1/2 and shift it by up to 4 pixels of its
    ``size``, as if it were cropped from one with a blank border, as is usual for CIFAR-10 (report 000)."""
    matrices = identity(count)
    matrices[:, 0, 0] = rng.choice([-1, 1], count)
    matrices[:, :, 2] = 2 * rng.integers(-SHIFT, SHIFT + 1, (count, 2)) / size
    return matrices


def draw_photographic(rng, count):
    """count matrices (count, 2, 3) for photographs, in place of ``draw_distortions``: report 001's flips,
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
