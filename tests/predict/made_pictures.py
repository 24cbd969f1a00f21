"""Pictures of known characters, made with all that spoils a photograph, and how ``predict`` reads them.

    python -m tests.predict.made_pictures --count 200
    python -m tests.predict.made_pictures --count 20 --show FOLDER

Omniglot's background drawings are put on paper of random brightness, size and grain, as they are and with rules, a
scan's dark edge, a shadow, a desk around them, further characters, or a part cut off. Each picture is compared with a
clean drawing of the same character by another person, and with one of another character of its alphabet. The
thresholds of the reading were tuned on the first 15 alphabets; the last 15, which are the default here, say how well
it reads. Picture N of a seed is always the same.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from minisiamese.commands.doors import front_door
from minisiamese.data import omniglot
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import embedding_scorer
from minisiamese.layers import sigmoid
from minisiamese.predict.drawings import read_drawing
from minisiamese.runs.folder import load_run

TUNING, REPORTING = range(15), range(15, 30)  # alphabets
# (columns, rows) from the first of several characters to the further ones
FURTHER = {"two": [(1, 0)], "diagonal": [(1, 1)], "four": [(1, 0), (0, 1), (1, 1)]}


def place(cover, drawing, centre, side):
    """Lay a drawing (105, 105, 1), ``side`` pixels long, on the cover (H, W) of ink from 0 to 1; None."""
    height, width = cover.shape
    x, y = centre[0] - side / 2, centre[1] - side / 2
    scale = 105 / side
    data = (scale, 0, -x * scale, 0, scale, -y * scale)
    laid = Image.fromarray(drawing[:, :, 0]).transform(
        (width, height), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
    )
    laid = np.asarray(laid.filter(ImageFilter.GaussianBlur(float(side / 200))), float) / 255
    np.maximum(cover, np.clip(3 * laid - 0.7, 0, 1), out=cover)


def extent(drawing):
    """(middle x, middle y, longer side) of the ink of a drawing, in pixels."""
    rows, columns = np.nonzero(drawing[:, :, 0] > 127)
    sides = np.ptp(columns) + 1, np.ptp(rows) + 1
    return (columns.min() + sides[0] / 2, rows.min() + sides[1] / 2, max(sides))


def middle(drawing, at, size):
    """Where the middle of a drawing lies whose ink is to be ``size`` pixels long around ``at``, and its side."""
    x, y, ink = extent(drawing)
    side = 105 * size / ink
    return (at[0] - (x - 52.5) * side / 105, at[1] - (y - 52.5) * side / 105), side


def lines(shape, rng, upright):
    """The cover (H, W) of parallel rules, from 0 to 1, up to 3 degrees off the level."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    across, along = (x, y) if upright else (y, x)
    gap, thick = rng.uniform(0.12, 0.3) * min(shape), max(1.2, rng.uniform(0.005, 0.03) * min(shape))
    distance = (across - along * np.tan(np.radians(rng.uniform(-3, 3))) + rng.uniform(0, gap)) % gap
    return np.clip(thick / 2 + 0.5 - abs(distance - gap / 2), 0, 1)


def shade(shape, rng):
    """The share of the light (H, W) that a shadow with a straight edge leaves."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    angle, soft = rng.uniform(0, 2 * np.pi), rng.choice([1, rng.uniform(0.01, 0.15) * min(shape)])
    x, y = x - width * rng.uniform(0.25, 0.75), y - height * rng.uniform(0.25, 0.75)
    edge = x * np.cos(angle) + y * np.sin(angle)
    return 1 - rng.uniform(0.25, 0.65) * np.clip(edge / soft + 0.5, 0, 1)


def band(shape, rng):
    """The cover (H, W) of the dark edge of a scan along one to three of its borders, a little slanted."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    cover = np.zeros(shape)
    for inside, along in (
        ((y, x), (y[::-1], x), (x, y), (x[:, ::-1], y))[side] for side in rng.permutation(4)[: rng.integers(1, 4)]
    ):
        deep = rng.uniform(0.01, 0.08) * min(shape) + along * np.tan(np.radians(rng.uniform(-1, 1)))
        cover = np.maximum(cover, np.clip((deep - inside) / rng.choice([1, 4]) + 0.5, 0, 1))
    return cover


def make(kind, drawing, other, rng):
    """The picture of a drawing with all that its kind calls for; ``other`` stands beside and below the drawing."""
    shape = rng.integers(300, 1000, 2)
    short = min(shape)
    if kind == "two":
        shape = np.array([short, max(max(shape), 1.7 * short)]).astype(int)
    height, width = shape
    size, cover = rng.uniform(0.4, 0.65) * short, np.zeros(shape)
    at = [rng.uniform(0.55 * size + 0.1 * short, length - 0.55 * size - 0.1 * short) for length in (width, height)]
    if kind == "two":
        at[0] = rng.uniform(0.52 * size, width - size * 1.8)
    elif kind in FURTHER:
        size, at = size / 2, [0.27 * width, 0.27 * height]
    if kind in FURTHER:
        sides = [np.ptp(np.nonzero(each[:, :, 0] > 127), axis=1) / extent(each)[2] * size for each in (drawing, other)]
        step = sum(sides)[::-1] / 2 + rng.uniform(0.2, 0.6) * size
        for cell in FURTHER[kind]:
            each = (drawing, other)[sum(cell) % 2]
            place(cover, each, *middle(each, at + step * cell, size))
    if kind == "cut off":
        side, lost = rng.integers(4), rng.uniform(0.15, 0.4)
        x, y = np.nonzero((drawing[:, :, 0] > 127).any(axis=0))[0], np.nonzero((drawing[:, :, 0] > 127).any(axis=1))[0]
        length = (np.ptp(x), np.ptp(y))[side % 2] / extent(drawing)[2] * size
        at[side % 2] = (width, height)[side % 2] - length * (0.5 - lost) if side > 1 else length * (0.5 - lost)
    place(cover, drawing, *middle(drawing, at, size))

    paper = rng.uniform(150, 250)
    ink = rng.uniform(10, 0.45 * paper)
    page = np.full(shape, paper)
    if kind in ("ruled", "squared"):
        rule, upright = rng.uniform(ink, 0.9 * paper), rng.integers(2)
        for turned in (upright,) if kind == "ruled" else (0, 1):
            page = np.minimum(page, paper + (rule - paper) * lines(shape, rng, turned))
    page = page + (np.minimum(page, ink) - page) * cover
    if kind == "shadow":
        page = page * shade(shape, rng)
    if kind == "edge":
        page = page + (rng.uniform(0, 70) - page) * band(shape, rng)
    if kind == "desk":
        page, desk = np.pad(page, int(rng.uniform(0.16, 0.7) * short), constant_values=-1), rng.uniform(60, 120)
        page = ndimage.rotate(page, rng.uniform(-5, 5), reshape=False, order=0, cval=-1)  # the sheet on its desk
        page[page < 0], shape = min(desk, 0.6 * paper), page.shape
    page = ndimage.gaussian_filter(page, rng.uniform(0, 0.002) * short) + rng.normal(0, rng.uniform(0.5, 6), shape)
    return Image.fromarray(page.clip(0, 255).astype(np.uint8))


KINDS = ("clean", "ruled", "squared", "edge", "shadow", "desk", *FURTHER, "cut off")


def cases(count, alphabets, seed, kind):
    """(picture, clean drawing of the same character, clean drawing of another of its alphabet), ``count`` times."""
    data = omniglot.load("background").take_groups(list(alphabets))
    for number in range(count):
        rng = np.random.default_rng([seed, number])  # the same drawings and paper for every kind
        classes = rng.permutation(data.classes_of_group[rng.integers(len(data.group_names))])[:2]
        shown, again = data.images[rng.permutation(data.rows_of_class[classes[0]])[:2]]
        another, beside = data.images[rng.permutation(data.rows_of_class[classes[1]])[:2]]
        yield make(kind, shown, beside, np.random.default_rng([seed, number, 1])), again, another


def on_paper(drawing):
    return Image.fromarray(255 - drawing[:, :, 0])


def read(kind, options):
    """[(drawing or None if it was refused, doubts), ...] of the pictures of a kind."""
    found = []
    for picture, *_ in cases(options.count, options.alphabets, options.seed, kind):
        try:
            drawing = read_drawing(picture)
            found.append((drawing.pixels, drawing.doubts))
        except BadInput:
            found.append((None, ("refused",)))
    return found


def measure(options):
    """{kind: (shares of the same called same, others different, right, warned, right or warned, refused)}."""
    network, settings, meta = load_run("pretrained")
    scorer = embedding_scorer(network, views=settings.measuring.views)
    clean = [drawing for case in cases(options.count, options.alphabets, options.seed, "clean") for drawing in case[1:]]
    images, pairs = [read_drawing(on_paper(drawing)).pixels for drawing in clean], []
    readings = {kind: read(kind, options) for kind in options.kinds}
    for found in readings.values():
        for number, (drawing, _) in enumerate(found):
            images.append(images[0] if drawing is None else drawing)
            pairs += [(len(images) - 1, 2 * number), (len(images) - 1, 2 * number + 1)]
    slope, offset = (meta["calibration"][key] for key in ("slope", "offset"))
    p = sigmoid(slope * scorer(np.stack(images), np.array(pairs)) + offset).reshape(len(readings), -1, 2)
    shares = {}
    for probability, (kind, found) in zip(p, readings.items(), strict=True):
        refused = np.array([drawing is None for drawing, _ in found])[:, None]
        warned = np.array([bool(doubts) for _, doubts in found])[:, None]  # a refusal is as good as a warning
        right = ((probability > 0.5) == (True, False)) & ~refused
        shares[kind] = [*right.mean(axis=0), right.mean(), warned.mean(), (right | warned).mean(), refused.mean()]
    return shares


def show(kind, options, folder):
    """Save a page of pictures of a kind, each beside its drawing, framed where there is a doubt."""
    tiles = []
    for picture, *_ in cases(min(options.count, 20), options.alphabets, options.seed, kind):
        tile = Image.new("L", (320, 160), 90)
        picture.thumbnail((158, 158))
        tile.paste(picture, (0, 0))
        try:
            drawing = read_drawing(picture)
            tile.paste(255 - 100 * bool(drawing.doubts), (160, 0, 318, 158))
            tile.paste(on_paper(drawing.pixels).resize((140, 140)), (169, 9))
        except BadInput:
            pass
        tiles.append(np.asarray(tile))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    rows = [np.concatenate(tiles[row : row + 4], axis=1) for row in range(0, len(tiles), 4)]
    Image.fromarray(np.concatenate(rows)).save(Path(folder) / f"{kind.replace(' ', '_')}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--tuning", action="store_const", const=TUNING, default=REPORTING, dest="alphabets")
    parser.add_argument("--show", type=Path, help="folder for a page of each kind, in place of the measuring")
    options = parser.parse_args()
    if options.show:
        for kind in options.kinds:
            show(kind, options, options.show)
        return 0
    print(f"{'':8}{'same':>9}{'different':>11}{'right':>8}{'warned':>9}{'right or warned':>17}{'refused':>9}")
    for kind, shares in measure(options).items():
        print(f"{kind:8}" + "".join(f"{x:{width}.1%}" for x, width in zip(shares, (9, 11, 8, 9, 17, 9), strict=True)))
    return 0


if __name__ == "__main__":
    front_door(main)
