"""Invented alphabets: the characters of the built-in data set, before a hand writes them (``data/glyphs.py``).

A character is one to four strokes, or an earlier character with one stroke more, less or changed, and in some alphabets
it bears a mark: a dot, a bar, a ring or a tick. Alphabets are of two kinds. In those of ``Movements`` a stroke is a
pen movement, as in the motor view of Lake et al. 2015, and begins on, or crosses, an earlier one. In those of
``Lattice`` a stroke is a way through the points of a small lattice, whose bends are sharp or round.

``trace(character, hands, rng)`` of an alphabet gives the strokes of one character as every drawer of ``Hands`` carries
them out, each (drawers, points, 2).
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

TRIES = 2000  # characters that an alphabet makes at most, those included that are too much like an earlier one
POINTS = 24  # of one movement
T = (np.arange(POINTS) + 0.5) / POINTS
PROFILES = np.stack(  # how the turn of a movement is spent along the way
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
BEND = np.linspace(0, 1, 8)[:, None]  # along a bend of a lattice's stroke
# a hand that draws as is meant
STEADY = SimpleNamespace(count=1, tremble=np.zeros(1), sloppiness=np.zeros(1), roundness=np.ones(1))
SIDES = np.array([[0, -1], [0, 1], [1, 0], [-1, 0], [0.8, -0.8], [0, 0]])  # of a character, where a mark can be


class Alphabet:
    """14 to 55 ``characters``, no two of them alike."""

    def __init__(self, rng):
        self.odds = rng.dirichlet([2, 4, 3, 1])  # of 1, 2, 3 and 4 strokes
        self.marked = rng.choice([0, 0, rng.uniform(0.05, 0.5)])  # how often a character bears a mark
        self.related = rng.uniform(0, 0.7)  # how often a character is an earlier one with a change
        self.invent(rng)
        self.characters, shapes = [], []
        wanted = rng.integers(14, 56)
        for _ in range(TRIES):
            related = bool(self.characters) and rng.random() < self.related
            character = self.changed(rng) if related else self.character(rng)
            shape = self._shape(character)
            if all(shape @ other < self.most_alike for other in shapes):
                self.characters.append(character)
                shapes.append(shape)
            if len(self.characters) == wanted:
                break

    def character(self, rng):
        strokes, count = [], 1 + rng.choice(4, p=self.odds)
        for _ in range(count):
            strokes.append(self.stroke(strokes, count, rng))
        return [*strokes, self.mark(strokes, rng)] if rng.random() < self.marked else strokes

    def changed(self, rng):
        """An earlier character with a mark, or with one stroke less, more or another."""
        strokes, change = list(self.characters[rng.integers(len(self.characters))]), rng.integers(4)
        if change == 0 and len(strokes) < 5:
            return [*strokes, self.mark(strokes, rng)]
        if change == 1 and len(strokes) > 1:
            return strokes[:-1]
        if change == 2 and len(strokes) < 4:
            return [*strokes, self.stroke(strokes, 3, rng)]
        place = rng.integers(len(strokes))
        strokes[place] = self.stroke(strokes[:place], 3, rng)
        return strokes

    def _shape(self, character):
        """A coarse picture of the character, as a unit vector, to compare characters by."""
        points = np.concatenate(self.trace(character, STEADY, np.random.default_rng(0)), axis=1)[0]
        points = (points - points.min(axis=0)) / max(np.ptp(points, axis=0).max(), 1e-9)
        grid = np.histogram2d(*points.T, bins=9, range=[[-0.01, 1.01]] * 2)[0] > 0
        return grid.ravel() / np.sqrt(grid.sum())


# --- pen movements ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Movement:
    """Movements one after another, and where the stroke begins: its point ``own`` lies on point ``other`` of an
    earlier stroke ``parent``, moved by ``offset``. Points are shares of a stroke's length."""

    movements: list[int]
    parent: int
    own: float
    other: float
    offset: np.ndarray


class Movements(Alphabet):
    """Strokes are movements: headings that turn along the way.

    Moving at constant speed, a pen leaves the curve (x, y)(t) = length * integral from 0 to t of (cos h, sin h), with
    the heading h = start + turn * profile(t).
    """

    most_alike = 0.88

    def invent(self, rng):
        count = self.count = rng.integers(6, 12)
        taste = rng.dirichlet([1.5, 1.5, 1, 1, 0.4, 1, 0.5])  # some alphabets are all lines, others all curves
        directions = np.deg2rad(rng.choice([45, 60, 90, 90]) * np.arange(8) + rng.choice([0, 0, rng.uniform(-20, 20)]))
        turns = rng.choice([60, 90, 90, 120, 180, 180, 240, 340], count)
        # after an alphabet's own movements come those of its marks: a dot, a bar, a ring and a tick
        self.profile = PROFILES[[*rng.choice(len(PROFILES), count, p=taste), 0, 0, 1, 5]]
        self.start = rng.choice(directions, count + 4)
        turn = np.deg2rad(turns) * rng.choice([-1, 1], count, p=np.array([1, 3]) / 4)
        self.turn = np.append(turn, [0, 0, 2 * np.pi, np.pi / 2])
        # a movement that turns a lot takes a longer way, else its bends would be tiny
        length = rng.choice([0.4, 0.6, 0.9, 0.9], count) * (1 + turns / 200 * np.ptp(self.profile[:count], axis=1))
        self.length = np.append(length, [0.04, 0.25, 0.6, 0.3])
        self.attached = rng.uniform(0.6, 0.98)  # how often a stroke touches an earlier one

    def stroke(self, earlier, count, rng):
        """One of so many strokes: few may be long ones; many long ones would be a scribble."""
        movements = rng.choice(self.count, 1 + int(rng.random() < 0.5 / count)).tolist()
        parent = int(rng.integers(len(earlier))) if earlier else -1
        own, other = rng.choice([0, 0, 0.5]), rng.choice([0, 0.5, 1])
        loose = 0.0 if rng.random() < self.attached else 1.0
        return Movement(movements, parent, own, other, loose * rng.choice([-1, 1], 2) * rng.uniform(0.15, 0.4, 2))

    def mark(self, strokes, rng):
        offset = SIDES[rng.integers(len(SIDES) - 1)] * rng.uniform(0.2, 0.35)
        kind, parent = int(self.count + rng.integers(4)), int(rng.integers(len(strokes)))
        return Movement([kind], parent, 0.5, rng.choice([0, 0.5, 1]), offset)

    def trace(self, character, hands, rng):
        strokes = []
        for stroke in character:
            m = stroke.movements
            wave = np.sin(np.pi * np.arange(1, 4)[:, None] * T + rng.uniform(0, 2 * np.pi, (hands.count, len(m), 3, 1)))
            noise = (rng.normal(0, 1, (hands.count, len(m), 3, 1)) * wave).sum(axis=2) * hands.tremble[:, None, None]
            wrong = 1 + rng.normal(0, 1, (2, hands.count, len(m))) * hands.sloppiness[:, None]
            turn = (self.turn[m] * wrong[0])[..., None] * self.profile[m]
            heading = self.start[m][:, None] + turn + noise
            step = (self.length[m] * wrong[1] / POINTS)[..., None] * np.ones(POINTS)
            steps = np.stack([step * np.cos(heading), step * np.sin(heading)], axis=-1).reshape(hands.count, -1, 2)
            points = np.concatenate([np.zeros((hands.count, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
            if stroke.parent >= 0:
                parent = strokes[stroke.parent]
                points -= points[:, [round(stroke.own * (points.shape[1] - 1))]]
                points += parent[:, [round(stroke.other * (parent.shape[1] - 1))]] + stroke.offset
                points += (rng.normal(0, 0.5, (hands.count, 2)) * hands.sloppiness[:, None])[:, None]
            strokes.append(points)
        return strokes


# --- ways through a lattice -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A stroke through ``nodes`` (n, 2); ``round`` (n,) says at which of them it bends round, and not sharply."""

    nodes: np.ndarray
    round: np.ndarray


class Lattice(Alphabet):
    """Strokes lead from point to point of a lattice of 2 to 4 columns and rows, in the unit square or less of it."""

    most_alike = 0.93

    def invent(self, rng):
        shares = rng.choice([[1, 1], [0.7, 1], [1, 0.7], [0.85, 1]])
        self.axes = [  # where the columns, and the rows, are
            share * np.sort(np.linspace(0, 1, count) + rng.normal(0, 0.06, count))
            for count, share in zip(rng.integers(2, 5, 2), shares, strict=True)
        ]
        self.round = rng.choice([rng.uniform(), 0.0, 1.0], p=[0.45, 0.15, 0.4])  # share of the bends
        self.turning = rng.uniform(0.2, 0.9)  # how much a stroke keeps to one sense of turning
        self.slanting, self.leaping = rng.uniform() ** 2, rng.uniform(0, 0.8)  # odds of lines across, and of long ones
        self.lengths = rng.dirichlet([3, 3, 2, 1.5, 1])  # of 1 to 5 lines
        self.fresh = rng.uniform(0, 0.6)  # how often a stroke is of no other character
        self.own = [self.way(rng) for _ in range(rng.integers(4, 12))]

    def way(self, rng):
        """A stroke from point to point, never straight back, seldom straight on."""
        corners = np.stack(np.meshgrid(*(np.arange(len(axis)) for axis in self.axes)), axis=-1).reshape(-1, 2)
        at, sense, last = corners[rng.integers(len(corners))], rng.choice([-1, 1]), np.zeros(2, int)
        nodes = [at]
        for _ in range(1 + rng.choice(5, p=self.lengths)):
            step = corners - at
            reach = np.abs(step).max(axis=1)
            turn, on = last[0] * step[:, 1] - last[1] * step[:, 0], step @ last
            odds = np.where(reach == 1, 1.0, self.leaping) * (reach > 0)
            odds *= np.where((step == 0).any(axis=1), 1.0, self.slanting + 0.02)
            odds *= np.where((turn == 0) & (on != 0), np.where(on > 0, 0.15, 0.0), 1.0)
            odds *= np.where((np.sign(turn) == sense) | (on == 0) & (turn == 0), 1.0, 1 - self.turning)
            if not odds.sum():
                break
            chosen = rng.choice(len(corners), p=odds / odds.sum())
            at, last = corners[chosen], step[chosen]
            nodes.append(at)
        places = np.stack([axis[index] for axis, index in zip(self.axes, np.transpose(nodes), strict=True)], axis=1)
        return Way(places, rng.random(len(places)) < self.round)

    def stroke(self, earlier, count, rng):
        """A stroke of the alphabet's own, as it is, smaller, moved or mirrored, or a fresh one; of many strokes none is
        of many lines."""
        for _ in range(20):
            stroke = self.way(rng) if rng.random() < self.fresh else self._variant(rng)
            if sum(len(each.nodes) - 1 for each in [*earlier, stroke]) <= 7:
                break
        return stroke

    def _variant(self, rng):
        stroke, size = self.own[rng.integers(len(self.own))], np.array([axis[-1] for axis in self.axes])
        nodes = stroke.nodes
        if rng.random() < 0.2:
            nodes = nodes * [-1, 1] + [size[0], 0]
        if rng.random() < 0.5:
            scale = rng.choice([0.5, 0.5, 0.7, 1.0])
            shift = (1 - scale) * rng.choice([0, 0.5, 1], 2) if scale < 1 else rng.choice([-0.5, 0, 0.5], 2)
            nodes = scale * nodes + shift * size
        return replace(stroke, nodes=nodes)

    def mark(self, strokes, rng):
        every = np.concatenate([stroke.nodes for stroke in strokes])
        low, high = every.min(axis=0), every.max(axis=0)
        at = (low + high) / 2 + SIDES[rng.integers(len(SIDES))] * ((high - low) / 2 + 0.25)
        kind, angle = rng.integers(4), rng.choice(4) * np.pi / 4
        along = 0.13 * np.array([np.cos(angle), np.sin(angle)])
        if kind == 0:
            return Way(np.stack([at, at + 0.03]), np.zeros(2, bool))
        if kind == 1:
            return Way(np.stack([at - along, at + along]), np.zeros(2, bool))
        if kind == 2:
            return Way(at + np.stack([-along, 0 * along, along[::-1] * [-1, 1]]), np.zeros(3, bool))
        ring = np.array([[0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1], [0, -1]])
        return Way(at + 0.12 * ring, np.ones(6, bool))

    def trace(self, character, hands, rng):
        strokes, jitter = [], hands.sloppiness[:, None, None]
        for stroke in character:
            nodes = stroke.nodes + jitter * rng.normal(0, 0.8, (hands.count, *stroke.nodes.shape))
            nodes += jitter * rng.normal(0, 0.4, (hands.count, 1, 2))
            for end, inner in ((0, 1), (-1, -2)):  # too short or too long
                nodes[:, end] += rng.normal(0, 1, (hands.count, 1)) * jitter[:, 0] * (nodes[:, end] - nodes[:, inner])
            points = bent(nodes, stroke.round * np.minimum(hands.roundness, 1)[:, None])
            t = np.linspace(0, 1, points.shape[1])
            for waves in (1, 2, 3, 5):  # a trembling, and, across the whole stroke, a bowed hand
                phase = rng.uniform(0, 2 * np.pi, (hands.count, 1, 1))
                size = 0.1 * hands.tremble[:, None, None] * rng.normal(0, 1, (hands.count, 1, 2))
                points = points + size * np.sin(np.pi * waves * t[:, None] + phase)
            along = (nodes[:, -1] - nodes[:, 0])[:, ::-1] * [-1, 1]
            bow = rng.normal(0, 0.5, (hands.count, 1)) * hands.sloppiness[:, None] * along
            strokes.append(points + bow[:, None] * np.sin(np.pi * t)[:, None])
        return strokes


def bent(nodes, roundness):
    """The points (drawers, points, 2) of strokes through nodes (drawers, n, 2).

    At an inner node the stroke is a quadratic Bezier curve between points that lie half its roundness (drawers, n)
    of the way to the two neighbours; of roundness 0 it is a corner.
    """
    parts = [nodes[:, :1]]
    for i in range(1, nodes.shape[1] - 1):
        before, here, after, reach = nodes[:, i - 1], nodes[:, i], nodes[:, i + 1], roundness[:, [i]] / 2
        ends = (here + reach * (before - here))[:, None], (here + reach * (after - here))[:, None]
        parts.append((1 - BEND) ** 2 * ends[0] + 2 * BEND * (1 - BEND) * here[:, None] + BEND**2 * ends[1])
    points = np.concatenate([*parts, nodes[:, -1:]], axis=1)
    place = np.linspace(0, points.shape[1] - 1, 3 * points.shape[1] - 2)  # two more on every line between two points
    first = np.minimum(place.astype(int), points.shape[1] - 2)
    return points[:, first] + (place - first)[:, None] * (points[:, first + 1] - points[:, first])
