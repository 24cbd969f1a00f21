"""Glyphs, the built-in data set: invented alphabets written by invented hands, in the shape of Omniglot.

A program in place of people, after Lake et al. 2015: a character is a few strokes (``data/alphabets.py``), a drawing is
the same strokes carried out with motor noise by a drawer with a slant, a size, a pen, a steadiness and habits of their
own.
"""

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from minisiamese.data.alphabets import Lattice, Movements
from minisiamese.data.dataset import Dataset, cached

SEED, VERSION = 2015, 3  # a change of this program is another data set: count VERSION up
SPLITS = {"background": range(30), "evaluation": range(30, 50)}
DRAWERS, SIZE = 20, 105
MARGIN = 0.03  # share of the frame that stays blank at each side
SUPERSAMPLING = 2  # drawn at twice the size, so that pens have widths between whole pixels


def load(split, data_dir=None):
    """The 30 ``"background"`` or 20 ``"evaluation"`` alphabets as a ``Dataset``; drawn on first use, then cached.

    data_dir is not used: nothing is read.
    """
    return cached(f"glyphs-{split}", (SEED, VERSION, split), lambda: make(SPLITS[split]))


def make(alphabets, drawers=DRAWERS, quiet=False):
    """Draw some alphabets, by number; each comes out the same whichever others are drawn. ``quiet`` shows no bar."""
    images, labels, groups, drawn_by = [], [], [], []
    for group, number in enumerate(tqdm(alphabets, desc="drawing glyphs", unit=" alphabets", disable=quiet or None)):
        rng = np.random.default_rng([SEED, VERSION, number])
        alphabet = (Movements, Lattice)[number % 2](rng)
        hands = Hands(rng, drawers)
        for character in alphabet.characters:
            label = labels[-1] + 1 if labels else 0
            images += [render(*drawn) for drawn in hands.draw(alphabet, character, rng)]
            labels += [label] * drawers
            groups += [group] * drawers
            drawn_by += range(1, drawers + 1)
    names = tuple(f"glyphs{number + 1:02d}" for number in alphabets)
    return Dataset(np.stack(images)[..., None], np.array(labels), np.array(groups), np.array(drawn_by), names)


class Hands:
    """The drawers of one alphabet: their pens, frames and unsteadiness, each an array over drawers."""

    def __init__(self, rng, count):
        self.count = count
        self.tremble = rng.uniform(0.05, 0.16, count)  # radians, of the heading
        self.sloppiness = rng.uniform(0.03, 0.12, count)  # of lengths, starts, turns and places
        self.roundness = rng.uniform(0.7, 1.5, count)  # of bends; 1 and more is as round as can be
        self.habits = rng.normal(0, 0.1, (count, 6, 2))  # amounts of the bends in ``bend``
        self.pen = rng.uniform(2.2, 3.6, count)  # pixels
        self.size = rng.uniform(0.5, 0.85, count)  # share of the frame that a drawing fills
        self.slant = rng.normal(0, 0.14, count)
        self.aspect = np.exp(rng.normal(0, 0.13, count))
        self.angle = rng.normal(0, np.deg2rad(4), count)
        self.place = rng.normal(0, 0.05, (count, 2))

    def bend(self, strokes, rng):
        """Strokes (drawers, points, 2) bent by each drawer's habits, and a little otherwise each time.

        A point (x, y), from the middle of the character in units of its size, moves by a cubic of x and y.
        """
        everything = np.concatenate(strokes, axis=1)
        low, high = everything.min(axis=1, keepdims=True), everything.max(axis=1, keepdims=True)
        size = (high - low).max(axis=2, keepdims=True) + 1e-9
        amounts = self.habits + rng.normal(0, 0.08, self.habits.shape)
        bent = []
        for stroke in strokes:
            x, y = ((stroke - (low + high) / 2) / size).transpose(2, 0, 1)
            terms = np.stack([x * y, x * x, y * y, 2 * x**3, 2 * y**3, np.sin(3 * x + 3 * y) / 3], axis=-1)
            bent.append(stroke + size * (terms @ amounts))
        return bent

    def draw(self, alphabet, character, rng):
        """(lines, tips, pen) of every drawer: the strokes in pixels of the supersampled frame, the points where the
        pen's round tip shows, and the pen's width."""
        strokes = self.bend(alphabet.trace(character, self, rng), rng)
        everything = np.concatenate(strokes, axis=1)
        low, high = everything.min(axis=1), everything.max(axis=1)
        # letters tend to fill a square: the shorter side is stretched towards the longer one; small ones stay smaller
        extent = np.maximum(high - low, 0.15)
        scale = extent.max(axis=1, keepdims=True) ** 0.2 / np.sqrt(extent * extent.max(axis=1, keepdims=True))
        scale *= (self.size * rng.normal(1, 0.06, self.count))[:, None]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        frame = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
        skew = np.array([[self.aspect, self.slant], [np.zeros(self.count), 1 / self.aspect]]).transpose(2, 0, 1)
        matrix = frame @ skew * scale[:, None, :]
        strokes = [(stroke - (low + high)[:, None] / 2) @ matrix.transpose(0, 2, 1) for stroke in strokes]
        everything = np.concatenate(strokes, axis=1)
        low, high = everything.min(axis=1), everything.max(axis=1)
        fit = np.minimum(1, (1 - 2 * MARGIN) / (high - low).max(axis=1))[
            :, None
        ]  # what would leave the frame is shrunk
        place = 0.5 + self.place + rng.normal(0, 0.02, (self.count, 2))
        place = place.clip(MARGIN - low * fit, 1 - MARGIN - high * fit)  # ... and moved in
        lines = [(stroke * fit[:, None] + place[:, None]) * SIZE * SUPERSAMPLING for stroke in strokes]
        shown = [_tips(line) for line in lines]
        pens = np.maximum(2, np.round(self.pen * SUPERSAMPLING)).astype(int).tolist()
        for drawer, pen in enumerate(pens):
            tips = [line[drawer][at[drawer]] for line, at in zip(lines, shown, strict=True)]
            yield [line[drawer] for line in lines], np.concatenate(tips), pen


def _tips(line):
    """Which points (drawers, points) of a stroke by every drawer are its ends or corners."""
    step = np.diff(line, axis=1)
    step /= np.linalg.norm(step, axis=2, keepdims=True) + 1e-9
    return np.pad((step[:, 1:] * step[:, :-1]).sum(axis=2) < 0.9, ((0, 0), (1, 1)), constant_values=True)


def render(lines, tips, pen):
    """Ink (SIZE, SIZE) uint8, 255 on 0, of strokes, and of points with the pen's round tip, given in pixels of the
    supersampled frame."""
    picture = Image.new("L", (SIZE * SUPERSAMPLING,) * 2)
    draw = ImageDraw.Draw(picture)
    for line in lines:
        draw.line(line.ravel().tolist(), fill=255, width=pen)
    for x0, y0, x1, y1 in np.concatenate([tips - pen / 2, tips + pen / 2], axis=1).tolist():
        draw.ellipse((x0, y0, x1, y1), fill=255)
    return np.where(np.asarray(picture.reduce(SUPERSAMPLING)) > 127, np.uint8(255), np.uint8(0))
