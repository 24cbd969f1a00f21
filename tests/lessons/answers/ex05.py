"""Answers to exercise 5 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "5.1": [
        '''
def contrastive(d, y, margin=1.0):
    N = d.dtype.type(len(d))
    gap = np.clip(margin - d, 0, None)
    loss = np.where(y == 1, d**2, gap**2).sum() / (2 * N)
    return loss, np.where(y == 1, d, -gap) / N
''',
        '''
def contrastive(d, y, margin=1.0):
    loss, dd = 0.0, np.zeros_like(d)
    for i in range(len(d)):
        if y[i]:
            loss += d[i] ** 2 / 2
            dd[i] = d[i] / len(d)
        elif d[i] < margin:
            loss += (margin - d[i]) ** 2 / 2
            dd[i] = (d[i] - margin) / len(d)
    return float(loss / len(d)), dd
''',
        '''
def contrastive(d, y, margin=1.0):
    force = d.copy()
    different = y == 0
    force[different] = np.minimum(d[different] - margin, 0)
    return 0.5 * np.mean(force * force), force / force.size
''',
        '''
class Spring:
    def __init__(self, margin):
        self.margin = margin

    def stretch(self, distance, same):
        return distance if same else min(0, distance - self.margin)

def contrastive(d, y, margin=1.0):
    spring = Spring(margin)
    stretches = [spring.stretch(distance, same) for distance, same in zip(d.tolist(), y.tolist(), strict=True)]
    loss = sum(stretch**2 for stretch in stretches) / 2 / len(stretches)
    return loss, np.array([stretch / len(stretches) for stretch in stretches], dtype=d.dtype)
''',
        '''
def contrastive(d, y, margin=1.0):
    sign = (2 * y - 1).astype(d.dtype)
    reach = np.where(sign > 0, d, np.maximum(margin - d, 0))
    return float((reach**2).mean() / 2), (sign * reach / len(d)).astype(d.dtype)
''',
    ],
    "5.2": [
        '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    found = np.ones(len(d_ap), bool) if found is None else np.asarray(found, bool)
    excess = d_ap - d_an + margin
    active = (excess > 0) & found
    count = max(1, int(found.sum()))
    slope = active.astype(d_ap.dtype) / d_ap.dtype.type(count)
    return np.where(active, excess, 0).sum(dtype=d_ap.dtype) / d_ap.dtype.type(count), slope, -slope
''',
        '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    loss, dd_ap, dd_an = 0.0, np.zeros_like(d_ap), np.zeros_like(d_an)
    places = range(len(d_ap)) if found is None else [t for t in range(len(d_ap)) if found[t]]
    for t in places:
        pays = margin + d_ap[t] - d_an[t]
        if pays > 0:
            loss += float(pays) / len(places)
            dd_ap[t] = 1 / len(places)
            dd_an[t] = -1 / len(places)
    return loss, dd_ap, dd_an
''',
        '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    rows = np.arange(d_ap.size) if found is None else np.flatnonzero(found)
    slope = np.zeros(d_ap.shape, d_ap.dtype)
    if rows.size == 0:
        return 0.0, slope, slope.copy()
    hinge = np.maximum(d_ap[rows] - d_an[rows] + margin, 0)
    slope[rows] = np.sign(hinge) / rows.size
    return hinge.mean(), slope, -slope
''',
        '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    weight = np.ones_like(d_ap) if found is None else found.astype(d_ap.dtype)
    if weight.any():
        weight = weight / weight.sum()
    gap = margin - (d_an - d_ap)
    slope = np.heaviside(gap, 0).astype(gap.dtype) * weight
    return np.dot(slope, gap), slope, np.negative(slope)
''',
        '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    mask = (d_ap - d_an + margin) > 0
    n = len(d_ap)
    if found is not None:
        mask = mask & found
        n = int(np.count_nonzero(found))
    if n == 0:
        return 0, np.zeros_like(d_ap), np.zeros_like(d_an)
    loss = (d_ap[mask] - d_an[mask] + margin).sum() / n
    dd_ap = np.zeros_like(d_ap)
    dd_ap[mask] = 1 / n
    return loss, dd_ap, -dd_ap
''',
    ],
    "5.3": [
        '''
def kind_of(d_ap, d_an, margin):
    d_ap, d_an = np.broadcast_arrays(d_ap, d_an)
    return np.select([d_an <= d_ap, d_an < d_ap + margin], [2, 1], 0)
''',
        '''
def kind_of(d_ap, d_an, margin):
    return (d_ap - d_an + margin > 0).astype(int) + (d_an <= d_ap)
''',
        '''
def kind_of(d_ap, d_an, margin):
    def one(p, n):
        if p - n + margin <= 0:
            return 0
        return 2 if n <= p else 1
    return np.vectorize(one, otypes=[int])(d_ap, d_an)
''',
        '''
def kind_of(d_ap, d_an, margin):
    farther = d_an - d_ap
    kinds = np.full(farther.shape, KINDS.index("semi-hard"), dtype=np.int8)
    kinds[farther <= 0] = KINDS.index("hard")
    kinds[farther >= margin] = KINDS.index("easy")
    return kinds
''',
    ],
    "5.4": [
        '''
def choose(d_ap, d_an, allowed, how, margin, rng):
    column, found = np.zeros(len(d_ap), int), np.zeros(len(d_ap), bool)
    for r in range(len(d_ap)):
        fit = allowed[r]
        if how != "random":
            fit = fit & (kind_of(d_ap[r], d_an[r], margin) == KINDS.index(how))
        places = np.flatnonzero(fit)
        if len(places):
            column[r], found[r] = rng.choice(places), True
    return column, found
''',
        '''
def choose(d_ap, d_an, allowed, how, margin, rng):
    fit = allowed.copy()
    if how in KINDS:
        fit &= kind_of(d_ap.reshape(-1, 1), d_an, margin) == KINDS.index(how)
    count = fit.sum(axis=1)
    wanted = rng.integers(np.maximum(count, 1))
    column = np.argmax(fit.cumsum(axis=1) == (wanted + 1)[:, None], axis=1)
    return column, count > 0
''',
        '''
def fits(p, n, may, how, margin):
    kind = "easy" if n >= p + margin else "hard" if n <= p else "semi-hard"
    return may and how in ("random", kind)

def choose(d_ap, d_an, allowed, how, margin, rng):
    columns, found = [], []
    for p, row, may in zip(d_ap, d_an, allowed, strict=True):
        places = [m for m in range(len(row)) if fits(p, row[m], may[m], how, margin)]
        found.append(len(places) > 0)
        columns.append(places[int(rng.random() * len(places))] if places else len(row) - 1)
    return np.array(columns), np.array(found)
''',
        '''
def choose(d_ap, d_an, allowed, how, margin, rng):
    order = rng.permuted(np.tile(np.arange(allowed.shape[1]), (len(allowed), 1)), axis=1)
    fit = allowed if how == "random" else allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
    shuffled = np.take_along_axis(fit, order, axis=1)
    first = shuffled.argmax(axis=1)
    return order[np.arange(len(order)), first], fit.any(axis=1)
''',
        '''
def choose(d_ap, d_an, allowed, how, margin, rng):
    kinds = kind_of(d_ap[..., np.newaxis], d_an, margin)
    ok = allowed if how == "random" else np.logical_and(allowed, kinds == KINDS.index(how))
    t = rng.exponential(size=ok.shape)
    t[~ok] = np.inf
    return t.argmin(axis=1), np.any(ok, axis=1)
''',
    ],
}  # fmt: skip
