"""The ink in a picture of one character, without the paper's shadows and rules and without a scan's dark edges.

Notation: H, W height and width of the picture; contrast is how far a pixel is from its paper on ink's side, of 255.
"""

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.special import ndtri

COARSE = 100  # pixels of the longer side of the picture that the paper is fitted to
FAINTEST = 12  # contrast below which there is no ink
LEAST = 2e-4  # share of the picture that must be ink
STROKE = 0.12  # of the longer side: what is wider than this is no stroke but paper, where there are shadows
RULE = 0.05  # of the longer side: the thickest rule
WHOLE = 0.8  # share of a line across the picture that is dark if the line is a rule
STEEPEST = 0.06  # slope of a rule, 3.4 degrees
BLOCK = 8  # pixels along a rule that are taken together
DARK = 0.6  # share of the contrast of ink that a rule has if ink on it cannot be told from it
MOST = 0.5  # share of something at the border that is ink if it is no shadow
DESK = 0.15  # share of the picture's length or width, at least, that is desk where there is a sheet on one
SQUARE = 0.7  # share of a sheet that lies in an upright box within it, at least
PAPER = 0.6  # share of such a box that is bright, at least
ELONGATED = 5  # times the square of the pen's width that the largest part of ink on a sheet covers, at least
REST = 0.2  # share of the ink that is enough to leave out the rest, which reaches the border

RULED = "the paper is ruled, and lines may have been read as ink"
SHADED = "an edge or a shadow may have been read as ink"
CUT = "the ink runs out of the picture"


def find_ink(grey, zoom=1):
    """(mask (H, W) of the ink or None if there is none, set of doubts) of a picture ``grey`` (H, W), 0 to 255.

    The picture may be a part of a page that is ``zoom`` times as long.

    Where all that stands out from a smooth paper lies within the picture, it is ink. Where some of it reaches the
    border, it may be a shadow, a rule or the edge of a scan: the paper is then taken to be as bright as it is nearby,
    and rules and edges are left out.
    """
    smooth = ndimage.gaussian_filter(grey.astype(np.float32), max(grey.shape) / 1000)
    contrast = smooth - _paper(smooth)
    energy = [(np.maximum(each - _floor(each), 0) ** 2).sum() for each in (-contrast, contrast)]
    lighter = energy[1] > energy[0]
    first = _above(contrast if lighter else -contrast)
    framed = first is not None and _is_a_page(first)
    if first is not None and not framed and not _border(first).any():
        return _without_specks(first), set()
    ink, rules, crossed = _among_rules(_local_contrast(smooth, lighter), RULE * zoom * max(grey.shape))
    if ink is None:  # all of it is rules, edges and shadows
        return (None, set()) if first is None else (_without_specks(first), {SHADED})
    doubts = {SHADED} if framed else set()
    if rules.any():
        return ink, doubts | ({RULED} if crossed else set())
    return ink, doubts | ({CUT} if _border(ink).any() or _runs_out(first, ink) else set())


def is_even(grey, ink):
    """Whether all paper around the ink in a picture ``grey`` (H, W) is of one brightness, as on no photograph."""
    paper = grey[~ndimage.binary_dilation(ink, np.ones((3, 3)), iterations=3)]
    return paper.size > 0 and np.ptp(paper) == 0


def find_sheet(grey):
    """(top, bottom, left, right) of a box within the sheet of paper in a picture ``grey`` (H, W), 0 to 255, of a sheet
    with ink on a darker desk; None if the picture shows no such thing.

    A sheet is bright, has desk on two opposite sides at least, and fills an upright box but for a slight turn. What is
    dark in it must be long strokes: the holes of a light letter on a black board are short.
    """
    bright = grey > _midway(grey[::2, ::2])
    dark = [1 - side.mean() for side in (bright[0], bright[-1], bright[:, 0], bright[:, -1])]
    if max(min(dark[:2]), min(dark[2:])) < 0.5:  # most pictures
        return None
    label, _ = ndimage.label(bright)
    sheet = ndimage.binary_fill_holes(label == np.bincount(label[label > 0], minlength=2).argmax())
    (top, bottom), (left, right) = (np.flatnonzero(sheet.any(axis=axis))[[0, -1]] + (0, 1) for axis in (1, 0))
    ends = zip((top, left), (bottom, right), grey.shape, strict=True)
    if not any(0 < first < last < length and last - first < (1 - DESK) * length for first, last, length in ends):
        return None
    box = np.array([top, bottom, left, right])
    while (inner := sheet[box[0] : box[1], box[2] : box[3]]).size and not _border(inner).all():
        side = np.argmin([inner[0].mean(), inner[-1].mean(), inner[:, 0].mean(), inner[:, -1].mean()])
        box[side] += (1, -1)[side % 2]
    soft = 1 + max(inner.shape) // 50  # pixels of the sides of the sheet
    if inner.size < SQUARE * sheet.sum() or min(inner.shape) <= 2 * soft:
        return None
    box += np.array([1, -1, 1, -1]) * soft
    part = slice(*box[:2]), slice(*box[2:])
    ink = find_ink(grey[part])[0] if bright[part].mean() > PAPER else None  # else a light outline on a black board
    if ink is None or pen_width(ink) > STROKE * max(ink.shape):
        return None
    largest = np.bincount(ndimage.label(ink, np.ones((3, 3)))[0][ink]).max()
    return box if largest > ELONGATED * pen_width(ink) ** 2 else None


def _is_a_page(ink):
    """Whether the ink is a page on something darker: nearly all of the picture, with none but thin strokes in it."""
    inner = ink[ndimage.find_objects(np.uint8(ink))[0]]
    most = min(np.divide(inner.shape, ink.shape)) > 0.8 and inner.mean() > 0.7
    return bool(most and not inner.all() and pen_width(~inner) < STROKE * max(ink.shape))


def _runs_out(first, ink):
    """Whether ink that is a large part of something at the border was found there: a cut stroke along it looks dark."""
    if first is None:
        return False
    label, count = ndimage.label(first, np.ones((3, 3)))
    area, covered = (np.bincount(label.ravel(), each.ravel(), minlength=count + 1) for each in (first, ink))
    touching = np.unique(_border(label))
    return bool((covered > area * MOST)[touching[touching > 0]].any())


def _among_rules(contrast, thickest):
    """(the mask of the ink in a contrast (H, W) or None if there is none, the contrast of the rules in it, whether
    some ink could not be told from them)."""
    level, upright = _rules(contrast, thickest), _rules(contrast.T, thickest).T
    rules = np.maximum(level, upright)
    ink = _above(contrast, rules)
    if ink is None or not rules.any():
        return _without_specks(ink), rules, False
    ink = _without_shreds(ink, rules > 0)
    for part in ndimage.find_objects(np.uint8(ink)):  # one, with all of the ink
        ink[part] = _mended(_mended(ink[part], level[part] > 0).T, upright[part].T > 0).T
    ink, within = _without_specks(ink), _without_specks(_inside(ink))  # without the ends of rules, too
    if within is None or within.sum() < ink.sum() * REST:
        return ink, rules, True
    crossed = rules[within & (rules > 0)]
    alike = crossed.size > 0 and np.median(crossed) > np.median(contrast[within]) * DARK
    return within, rules, alike or _border(ink).any()


def _border(mask):
    """The outermost pixels of a mask."""
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


def _floor(contrast):
    """The contrast that nothing but ink has."""
    # four standard deviations of the paper's grain, by the quartile, since up to two thirds may be ink
    return max(FAINTEST, 4 * np.quantile(abs(contrast[::2, ::2]), 0.25) / ndtri(0.625))


def _above(contrast, rules=0):
    """The mask of all that has more than half the contrast of ink, from the rules where these are; None if nothing."""
    floor = _floor(contrast)
    contrast = contrast - rules
    candidates = contrast[contrast > floor]
    if candidates.size < LEAST * contrast.size:
        return None
    return contrast > np.maximum(floor, (np.median(candidates) - rules) / 2)


def _without_specks(ink):
    """The mask without parts that are smaller than a touch of the pen; None if it is None or empty."""
    if ink is None or not ink.any():
        return None
    label, count = ndimage.label(ink, np.ones((3, 3)))
    area = np.bincount(label.ravel(), minlength=count + 1)
    area[0] = 0
    return (area >= min(area.max() / 100, pen_width(ink) ** 2 / 2))[label]


def pen_width(ink):
    """The mean width of the strokes of a mask, in pixels, by their area and the steps of their outline.

    Of strokes at a slant, whose outline has more steps, it is up to a factor sqrt 2 less.
    """
    steps = sum(np.count_nonzero(np.diff(ink, axis=axis)) for axis in (0, 1)) + _border(ink).sum()
    return 2 * ink.sum() / steps


# --- paper ------------------------------------------------------------------------------------------------------------


def _paper(grey, iterations=12):
    """The paper's brightness (H, W): a quadratic surface, fitted together with a step from paper to ink.

    Surface and step are fitted to a coarse picture in least absolute deviation, by reweighted least squares. The step's
    place is guessed from the picture's two levels. In flat light the guess is right, whatever the share of the ink. In
    uneven light the guess is wrong, but then the surface alone fits all but the ink, and the step comes out as none.
    """
    step = -(-max(grey.shape) // COARSE)
    coarse = np.asarray(Image.fromarray(grey).reduce(step), float)
    above = coarse > _midway(coarse)
    ink = ~above if _border(above).mean() > 0.5 else above
    ink = ~ink if ink.mean() > 0.8 else ink  # a character that was cut out along its outline has no edge of paper

    (y, x), b = (_powers(length) for length in coarse.shape), coarse.ravel()
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]  # of the powers of y and x
    A = np.stack([np.outer(y[i], x[j]).ravel() for i, j in places] + [ink.ravel()] * int(ink.any()))
    weight = np.ones(len(b))
    for _ in range(iterations):
        fit = np.linalg.lstsq((A * weight) @ A.T, (A * weight) @ b)[0]
        weight = 1 / (abs(fit @ A - b) + 1)
    surface = np.zeros((3, 3))
    surface[tuple(np.transpose(places))] = fit[:6]
    y, x = (_powers(length) for length in grey.shape)
    return np.float32(y.T @ surface @ x)


def _midway(grey, iterations=12):
    """The level that is midway between the mean of all above it and the mean of all below it."""
    level = grey.mean()
    for _ in range(iterations):
        above = grey > level
        level = (grey[above].mean() + grey[~above].mean()) / 2 if above.any() else level
    return level


def _powers(length):
    """1, t and t^2 (3, length) at the middle of each pixel, t from -1 to 1."""
    return ((2 * np.arange(length) + 1) / length - 1) ** np.arange(3)[:, None]


def _local_contrast(grey, lighter):
    """The contrast (H, W) to the paper nearby, of ink that may be ``lighter`` than the paper.

    A grey closing fills all that is dark and narrower than a stroke, and leaves shadows as they are; a grey opening
    does the same for what is light. Beyond its border the picture goes on as it ends there, so that the dark edge of
    a scan is wide, too, and no ink.
    """
    size = int(STROKE * max(grey.shape)) + 1
    wide = np.pad(grey, size, "edge")
    closed, opened = (
        filtered(wide, (size, size))[size:-size, size:-size]
        for filtered in (ndimage.grey_closing, ndimage.grey_opening)
    )
    dark, light = closed - grey, grey - opened
    # what lies between dark strokes is no light ink: it would be on a paper that is dark nowhere else
    rough = [sum(abs(np.diff(paper, axis=axis)).sum() for axis in (0, 1)) for paper in (closed, opened)]
    if lighter and rough[1] < rough[0]:
        contrast = light
    else:  # in a shadow ink has the less contrast, the darker the shadow is; the black beside a scan is none
        contrast = dark * np.minimum(np.quantile(closed, 0.9) / np.maximum(closed, 1), 3)
    return contrast - np.median(contrast)  # grain leaves the closed picture a little above the paper


# --- rules and edges --------------------------------------------------------------------------------------------------


def _rules(contrast, thickest):
    """The contrast (H, W) of the rules from left to right that have at most so many pixels, 0 elsewhere.

    The picture is sheared by each of many slopes, which are as fine as a pixel at its sides; at the right slope a rule
    lies in one row.
    """
    height, width = contrast.shape
    count = max(min(4, width), width // BLOCK)
    ends = np.linspace(0, width, count + 1).astype(int)
    blocks = np.add.reduceat(contrast, ends[:-1], axis=1) / np.diff(ends)  # less grain, so fainter rules
    middles = (ends[1:] + ends[:-1] - width) / 2
    slopes = np.linspace(-STEEPEST, STEEPEST, 2 * int(STEEPEST * width / 2) + 1)
    rows = np.arange(height)[None, :, None] + np.round(slopes[:, None, None] * middles).astype(int)
    inside = (0 <= rows) & (rows < height)
    seen = (blocks > _floor(contrast) / 2)[rows.clip(0, height - 1), np.arange(count)] & inside
    share = seen.sum(axis=2) / np.maximum(inside.sum(axis=2), count / 6)
    best = (share**4).sum(axis=1).argmax()
    label, number = ndimage.label(share[best] > WHOLE)
    thick = np.bincount(label, minlength=number + 1) > thickest
    thick[0] = True
    lines = ndimage.binary_dilation(~thick[label])  # and its soft sides
    sheared = np.where(inside[best], blocks[rows[best].clip(0, height - 1), np.arange(count)], np.nan)
    level = np.zeros(height, np.float32)
    level[lines] = np.nanmedian(sheared[lines], axis=1).clip(0)
    level = ndimage.maximum_filter1d(level, 3)  # a rule is not as straight as a row
    back = np.arange(height)[:, None] - np.round(slopes[best] * (np.arange(width) - (width - 1) / 2)).astype(int)
    return level[back.clip(0, height - 1)] * ((0 <= back) & (back < height))


def _without_shreds(ink, band):
    """The ink without parts that lie in the band of the rules for the most part."""
    label, count = ndimage.label(ink, np.ones((3, 3)))
    area, within = (np.bincount(label.ravel(), each.ravel(), minlength=count + 1) for each in (ink, band))
    return ink & (within <= area / 2)[label]


def _mended(ink, band):
    """The ink with strokes joined that a band of rules from left to right had parted."""
    if not band.any():
        return ink
    thick = int(pen_width(band)) + 3
    slant = np.eye(thick, dtype=bool)
    joined = [ndimage.binary_closing(ink, each) for each in (slant, slant[::-1], np.ones((thick, 1)))]
    return ink | (band & np.logical_or.reduce(joined))


def _inside(ink):
    """The ink without the parts that reach the border."""
    label, _ = ndimage.label(ink, np.ones((3, 3)))
    return ink & ~np.isin(label, _border(label))
