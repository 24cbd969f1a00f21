"""Glyphs, the built-in data set: invented alphabets written by invented hands, in the shape of Omniglot.

A program in place of people, after the motor view of Lake et al. 2015: an alphabet owns a few pen movements; a
character is one to four strokes made of them, each starting at, or crossing, an earlier one; a drawing is the same
program carried out with motor noise by a drawer with a slant, a size, a pen and a steadiness of their own.

A pen movement is a heading that turns along the way. Moving at constant speed, it leaves the curve
(x, y)(t) = length * integral from 0 to t of (cos h, sin h), with heading h = start + turn * profile(t).
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from minisiamese.data.dataset import Dataset, cached

SEED, VERSION = 2015, 1  # a change of this program is another data set: count VERSION up
SPLITS = {"background": range(30), "evaluation": range(30, 50)}
DRAWERS, SIZE = 20, 105
MARGIN = 0.03  # share of the frame that stays blank at each side
SUPERSAMPLING = 2  # drawn at twice the size, so that pens have widths between whole pixels

POINTS = 24  # of one movement
T = (np.arange(POINTS) + 0.5) / POINTS
PROFILES = np.stack(  # how the turn is spent along the way
    [
        np.zeros(POINTS),  # a straight line
        T,  # an arc, or a loop
        np.clip((T - 0.45) / 0.55, 0, 1),  # a line with a hook at its end
        np.clip(T / 0.55, 0, 1),  # ... or at its beginning
        np.sin(2 * np.pi * T) / 2,  # a wave
        (T > 0.5).astype(float),  # a corner
        (T > 1 / 3) * (T <= 2 / 3),  # a zigzag
    ]
)


@dataclass(frozen=True)
class Stroke:
    """Movements one after another, and where the stroke begins: its point ``own`` lies on point ``other`` of an
    earlier stroke ``parent``, moved by ``offset``. Points are shares of a stroke's length."""

    movements: list[int]
    parent: int
    own: float
    other: float
    offset: np.ndarray


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
        alphabet = Alphabet(rng)
        hands = Hands(rng, drawers)
        for character in alphabet.characters:
            label = labels[-1] + 1 if labels else 0
            images += [render(*drawn) for drawn in hands.draw(alphabet, character, rng)]
            labels += [label] * drawers
            groups += [group] * drawers
            drawn_by += range(1, drawers + 1)
    names = tuple(f"glyphs{number + 1:02d}" for number in alphabets)
    return Dataset(np.stack(images)[..., None], np.array(labels), np.array(groups), np.array(drawn_by), names)


class Alphabet:
    """The movements of an alphabet, and 14 to 55 characters made of them, no two of them alike."""

    def __init__(self, rng):
        count = rng.integers(6, 12)
        taste = rng.dirichlet([1.5, 1.5, 1, 1, 0.4, 1, 0.5])  # some alphabets are all lines, others all curves
        directions = np.deg2rad(rng.choice([45, 60, 90, 90]) * np.arange(8) + rng.choice([0, 0, rng.uniform(-20, 20)]))
        turns = rng.choice([60, 90, 90, 120, 180, 180, 240, 340], count)
        self.profile = PROFILES[rng.choice(len(PROFILES), count, p=taste)]
        self.start = rng.choice(directions, count)
        self.turn = np.deg2rad(turns) * rng.choice([-1, 1], count, p=np.array([1, 3]) / 4)
        # a movement that turns a lot takes a longer way, else its bends would be tiny
        self.length = rng.choice([0.4, 0.6, 0.9, 0.9], count) * (1 + turns / 200 * np.ptp(self.profile, axis=1))
        if rng.random() < 0.3:  # this alphabet has dots
            self.length[0], self.turn[0] = 0.06, 0
        self.stroke_odds = rng.dirichlet([2, 4, 3, 1])  # of 1, 2, 3 and 4 strokes
        self.attached = rng.uniform(0.6, 0.98)  # how often a stroke touches an earlier one
        self.characters, shapes = [], []
        wanted = rng.integers(14, 56)
        while len(self.characters) < wanted:
            character = self._character(rng)
            shape = self._shape(character)
            if all(shape @ other < 0.8 for other in shapes):
                self.characters.append(character)
                shapes.append(shape)

    def _character(self, rng):
        strokes = []
        count = 1 + rng.choice(4, p=self.stroke_odds)
        for number in range(count):  # few strokes may be long ones; many long ones would be a scribble
            movements = rng.choice(len(self.length), 1 + (rng.random() < 0.5 / count)).tolist()
            parent = int(rng.integers(number)) if number else -1
            own, other = rng.choice([0, 0, 0.5]), rng.choice([0, 0.5, 1])
            loose = 0.0 if rng.random() < self.attached else 1.0
            offset = loose * rng.choice([-1, 1], 2) * rng.uniform(0.15, 0.4, 2)
            strokes.append(Stroke(movements, parent, own, other, offset))
        return strokes

    def _shape(self, character):
        """A coarse blurred picture of the character, as a unit vector, to compare characters by."""
        steady = Hands(np.random.default_rng(0), 1, noise=0.0)
        points = np.concatenate(steady.trace(self, character, np.random.default_rng(0)), axis=1)[0]
        points = (points - points.min(axis=0)) / max(np.ptp(points, axis=0).max(), 1e-9)
        grid = np.histogram2d(*points.T, bins=7, range=[[-0.01, 1.01]] * 2)[0] > 0
        return grid.ravel() / np.sqrt(grid.sum())


class Hands:
    """The drawers of one alphabet: their pens, frames and unsteadiness, each an array over drawers."""

    def __init__(self, rng, count, noise=1.0):
        self.count = count
        self.tremble = noise * rng.uniform(0.05, 0.16, count)  # radians, of the heading
        self.sloppiness = noise * rng.uniform(0.03, 0.12, count)  # of lengths, starts and turns
        self.pen = rng.uniform(2.2, 3.6, count)  # pixels
        self.size = rng.uniform(0.5, 0.85, count)  # share of the frame that a drawing fills
        self.slant = noise * rng.normal(0, 0.14, count)
        self.aspect = np.exp(noise * rng.normal(0, 0.13, count))
        self.angle = noise * rng.normal(0, np.deg2rad(4), count)
        self.place = rng.normal(0, 0.05, (count, 2))

    def trace(self, alphabet, character, rng):
        """The strokes of one character by every drawer, each (drawers, points, 2), in the alphabet's units."""
        strokes = []
        for stroke in character:
            m = stroke.movements
            wave = np.sin(np.pi * np.arange(1, 4)[:, None] * T + rng.uniform(0, 2 * np.pi, (self.count, len(m), 3, 1)))
            noise = (rng.normal(0, 1, (self.count, len(m), 3, 1)) * wave).sum(axis=2) * self.tremble[:, None, None]
            wrong = 1 + rng.normal(0, 1, (2, self.count, len(m))) * self.sloppiness[:, None]
            heading = (
                alphabet.start[m][:, None] + (alphabet.turn[m] * wrong[0])[..., None] * alphabet.profile[m] + noise
            )
            step = (alphabet.length[m] * wrong[1] / POINTS)[..., None] * np.ones(POINTS)
            steps = np.stack([step * np.cos(heading), step * np.sin(heading)], axis=-1).reshape(self.count, -1, 2)
            points = np.concatenate([np.zeros((self.count, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
            if stroke.parent >= 0:
                parent = strokes[stroke.parent]
                points -= points[:, [round(stroke.own * (points.shape[1] - 1))]]
                points += parent[:, [round(stroke.other * (parent.shape[1] - 1))]] + stroke.offset
                points += (rng.normal(0, 0.5, (self.count, 2)) * self.sloppiness[:, None])[:, None]
            strokes.append(points)
        return strokes

    def draw(self, alphabet, character, rng):
        """(lines, tips, pen) of every drawer: the strokes in pixels of the supersampled frame, the points where the
        pen's round tip shows, and the pen's width."""
        strokes = self.trace(alphabet, character, rng)
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
