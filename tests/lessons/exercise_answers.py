"""Answers that are right and not the library's, put behind its own in the file of an exercise: {task: text}."""

ANSWERS = {
    "1.1": '''
def nearest_neighbour(images, pairs):
    scores = []
    for a, b in pairs:
        difference = images[a].astype(float) / 255 - images[b].astype(float) / 255
        scores.append(-np.linalg.norm(difference))
    return np.array(scores)
''',
    "1.2": '''
from scipy.spatial.distance import cdist

def points_of(image):
    points = np.argwhere(image[:, :, 0] > 0).astype(float)
    return points - points.mean(axis=0) if len(points) else np.zeros((1, 2))

def modified_hausdorff(images, pairs):
    scores = np.zeros(len(pairs))
    for p, (a, b) in enumerate(pairs):
        d = cdist(points_of(images[a]), points_of(images[b]))
        scores[p] = -max(d.min(axis=0).mean(), d.min(axis=1).mean())
    return scores
''',
    "1.3": '''
class Trials(trials.Trials):
    def scores(self, scorer):
        T, N, K = self.support.shape
        out = np.zeros((T, N))
        for t in range(T):
            for n in range(N):
                pairs = np.array([[self.query[t], row] for row in self.support[t, n]])
                out[t, n] = np.mean(scorer(self.images, pairs))
        return out
''',
    "2.1": '''
def im2col(x, kernel, stride=1):
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for i in range(0, H - kernel + 1, stride):
            for j in range(0, W - kernel + 1, stride):
                rows.append(x[n, i : i + kernel, j : j + kernel].ravel())
    return np.array(rows)
''',
    "2.2": '''
def col2im(columns, shape, kernel, stride=1):
    N, H, W, C = shape
    x, row = np.zeros(shape, columns.dtype), 0
    for n in range(N):
        for i in range(0, H - kernel + 1, stride):
            for j in range(0, W - kernel + 1, stride):
                x[n, i : i + kernel, j : j + kernel] += columns[row].reshape(kernel, kernel, C)
                row += 1
    return x
''',
    "2.3": '''
def convolve(x, W, stride=1, padding=0):
    K = len(W)
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (K, K), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nijckl,klco->nijo", windows, W)
''',
    "2.4": '''
def convolve_backward(x, W, dy, stride=1, padding=0):
    K, P = len(W), padding
    padded = np.pad(x, ((0, 0), (P, P), (P, P), (0, 0)))
    dpadded, dW = np.zeros_like(padded), np.zeros_like(W)
    Ho, Wo = dy.shape[1:3]
    for k in range(K):
        for l in range(K):
            part = (slice(None), slice(k, k + stride * Ho, stride), slice(l, l + stride * Wo, stride))
            dW[k, l] = np.einsum("nijc,nijo->co", padded[part], dy)
            dpadded[part] += dy @ W[k, l].T
    return dpadded[:, P : P + x.shape[1], P : P + x.shape[2]], dW
''',
    "3.1": '''
class Linear(layers.Linear):
    def forward(self, x, train=True):
        self.keep(train, x)
        return x.dot(self.params["W"]) + self.params["b"]

    def backward(self, dy):
        x, = self.take()
        self.grads["W"] = self.grads["W"] + np.einsum("nd,nm->dm", x, dy)
        self.grads["b"] += dy.sum(axis=0)
        return dy.dot(self.params["W"].T)
''',
    "3.2": '''
class ReLU(layers.ReLU):
    def forward(self, x, train=True):
        self.keep(train, x)
        return np.where(x > 0, x, 0)

    def backward(self, dy):
        x, = self.take()
        dx = dy.copy()
        dx[x <= 0] = 0
        return dx
''',
    "3.3": '''
def sigmoid(x):
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))
''',
    "3.4": '''
def largest(parts):
    stack = np.stack(parts)
    return stack.max(axis=0), stack.argmax(axis=0).astype(np.uint8)

def max_pool(x, window):
    N, H, W, C = x.shape
    K = window
    tiles = x[:, : H // K * K, : W // K * K].reshape(N, H // K, K, W // K, K, C).transpose(0, 1, 3, 2, 4, 5)
    tiles = tiles.reshape(N, H // K, W // K, K * K, C)
    return tiles.max(axis=3), tiles.argmax(axis=3)
''',
    "3.5": '''
def unpool(dy, winner, shape, window):
    dx = np.zeros(shape, dy.dtype)
    for n, i, j, c in np.ndindex(dy.shape):
        k, l = divmod(int(winner[n, i, j, c]), window)
        dx[n, i * window + k, j * window + l, c] = dy[n, i, j, c]
    return dx
''',
    "4.1": '''
class L1Head(siamese.L1Head):
    def score(self, difference):
        s = (self.params["alpha"] * np.abs(difference)).sum(axis=1)
        if "b" in self.params:
            s = s + self.params["b"]
        return s
''',
    "4.2": '''
class L1Head(siamese.L1Head):
    def gradient(self, difference, ds):
        ddifference = np.einsum("p,pd,d->pd", ds, np.sign(difference), self.params["alpha"])
        dalpha = (ds[:, None] * np.abs(difference)).sum(axis=0)
        if "b" not in self.params:
            return ddifference, dalpha
        return ddifference, np.concatenate([dalpha, [ds.sum()]])
''',
    "4.3": '''
def bce(s, y):
    y = y.astype(s.dtype)
    loss = np.mean(np.logaddexp(0, s).astype(s.dtype) - s * y)
    return loss, (np.exp(-np.logaddexp(0, -s)).astype(s.dtype) - y) / len(s)
''',
    "5.1": '''
def contrastive(d, y, margin=1.0):
    N = d.dtype.type(len(d))
    gap = np.clip(margin - d, 0, None)
    loss = np.where(y == 1, d**2, gap**2).sum() / (2 * N)
    return loss, np.where(y == 1, d, -gap) / N
''',
    "5.2": '''
def triplet(d_ap, d_an, margin=1.0, found=None):
    found = np.ones(len(d_ap), bool) if found is None else np.asarray(found, bool)
    excess = d_ap - d_an + margin
    active = (excess > 0) & found
    count = max(1, int(found.sum()))
    slope = active.astype(d_ap.dtype) / d_ap.dtype.type(count)
    return np.where(active, excess, 0).sum(dtype=d_ap.dtype) / d_ap.dtype.type(count), slope, -slope
''',
    "5.3": '''
def kind_of(d_ap, d_an, margin):
    d_ap, d_an = np.broadcast_arrays(d_ap, d_an)
    return np.select([d_an <= d_ap, d_an < d_ap + margin], [2, 1], 0)
''',
    "5.4": '''
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
    "6.1": '''
class Momentum(optimizers.Momentum):
    def update(self, w, gradient, rate, velocity, mu):
        velocity[...] = mu * velocity - rate * gradient
        w += velocity
''',
    "6.2": '''
def epoch(step, steps, epoch_steps):
    passed = step // epoch_steps
    rate = 1.0
    for _ in range(passed):
        rate *= 0.99
    return rate, 0.5 + passed / 100
''',
    "6.3": '''
def draw_distortions(rng, count):
    matrices = np.zeros((count, 2, 3))
    def perhaps(low, high, otherwise):
        return rng.uniform(low, high) if rng.integers(2) else otherwise
    for m in matrices:
        t = perhaps(-ROTATION, ROTATION, 0)
        R = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        S = np.array([[1, perhaps(-SHEAR, SHEAR, 0)], [perhaps(-SHEAR, SHEAR, 0), 1]])
        scales = [perhaps(0.8, 1.2, 1), perhaps(0.8, 1.2, 1)]
        m[:, :2] = R @ S @ np.diag(1 / np.array(scales))
        m[:, 2] = perhaps(-TRANSLATION, TRANSLATION, 0), perhaps(-TRANSLATION, TRANSLATION, 0)
    return matrices
''',
    "6.4": '''
def sample(images, matrices, size):
    N, H, W, C = images.shape
    u = (2 * np.arange(size) + 1) / size - 1
    out = np.zeros((N, size, size, C), np.float32)
    for n in range(N):
        for i in range(size):
            x, y = matrices[n].astype(float) @ np.stack([u, np.full(size, u[i]), np.ones(size)])
            x, y = (x + 1) * W / 2 - 0.5, (y + 1) * H / 2 - 0.5
            x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
            for dy in (0, 1):
                for dx in (0, 1):
                    weight = (1 - abs(x - x0 - dx)) * (1 - abs(y - y0 - dy))
                    inside = (0 <= x0 + dx) & (x0 + dx < W) & (0 <= y0 + dy) & (y0 + dy < H)
                    values = images[n, np.clip(y0 + dy, 0, H - 1), np.clip(x0 + dx, 0, W - 1)]
                    out[n, i] += (inside * weight)[:, None] * values / 255
    return out
''',
    "7.1": '''
def credits(scores, target):
    earned = []
    for row, t in zip(scores, target):
        best = [n for n in range(len(row)) if row[n] == max(row)]
        earned.append(1 / len(best) if t in best and not np.isnan(row).any() else 0)
    return np.array(earned, float)
''',
    "7.2": '''
def wilson(p, T):
    z = ndtri(0.975)
    a, b, c = 1 + z**2 / T, -(2 * p + z**2 / T), p**2
    root = np.sqrt(max(b * b - 4 * a * c, 0))
    return max(0.0, min((-b - root) / (2 * a), p)), min(1.0, max((-b + root) / (2 * a), p))
''',
    "7.3": '''
def nway_trials(dataset, way, shot, count, within, rng):
    query, support, target = [], [], []
    while len(query) < count:
        if within:
            fit = [g for g in dataset.classes_of_group if len(g) >= way]
            classes = rng.permutation(fit[rng.integers(len(fit))])[:way]
        else:
            classes = rng.permutation(len(dataset.rows_of_class))[:way]
        if dataset.drawers is None:
            rows = [rng.permutation(dataset.rows_of_class[c])[: shot + 1] for c in classes]
        else:
            people = rng.permutation(np.unique(dataset.drawers))[: shot + 1]
            rows = [[next(r for r in dataset.rows_of_class[c] if dataset.drawers[r] == p) for p in people]
                    for c in classes]
        rows = np.array(rows)
        for place in range(min(way, count - len(query))):
            query.append(rows[place, 0])
            support.append(rows[:, 1:])
            target.append(place)
    return Trials(dataset.images, np.array(query), np.array(support), np.array(target))
''',
    "8.1": '''
def transform(xp, size, kernel, stride, padding, half, dtype):
    L = size + padding
    F = L // 2 + 1 if half else L
    Ho = (size + 2 * padding - kernel) // stride + 1
    def matrix(T, wave):
        """Rows f, p; columns t, or p, t."""
        M = np.zeros((2 * F, T if half else 2 * T))
        for f in range(F):
            for t in range(T):
                e = wave(f, t)
                M[2 * f, t], M[2 * f + 1, t] = e.real, e.imag
                if not half:
                    M[2 * f, T + t], M[2 * f + 1, T + t] = -e.imag, e.real
        return M
    image = matrix(size, lambda f, t: np.exp(-2j * np.pi * f * (t + padding) / L))
    kernel = matrix(kernel, lambda f, t: np.exp(2j * np.pi * f * t / L))
    weight = [2 if half and f != 0 and 2 * f != L else 1 for f in range(F)]
    back = matrix(Ho, lambda f, t: weight[f] * np.exp(-2j * np.pi * f * stride * t / L) / L).T
    return [np.ascontiguousarray(each, dtype) for each in (image, kernel, back)]
''',
    "8.3": '''
class Plan(fourier.Plan):
    def product(self, us):
        Y = np.einsum("nuvc,uvco->nuvo", self.columns(us), self.blocks(us), optimize=True)
        self.Y[:, us] = self.columns_back @ Y.reshape(self.N, -1, 2 * self.V, self.O)

    def finish(self, rows):
        Y = self.Y[rows].reshape(-1, 2 * self.U, self.Wo, self.O)
        return np.einsum("hu,nuwo->nhwo", self.rows_back, Y, optimize=True)
''',
    "9.1": '''
def n_way(s, target):
    xp, Q = array_module(s), len(s)
    e = xp.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    hit = xp.arange(s.shape[1]) == target[:, None]
    log_p = s - s.max(axis=1, keepdims=True) - xp.log(e.sum(axis=1, keepdims=True))
    return -(log_p * hit).sum(axis=1).mean(), (p - hit) / s.dtype.type(Q)
''',
    "9.2": '''
class DistanceHead(siamese.DistanceHead):
    def gradient(self, difference, ds):
        xp = array_module(difference)
        if self.squared:
            return -2 * difference * ds[:, None], xp.zeros(0, ds.dtype)
        d = xp.sqrt((difference**2).sum(axis=1))
        return -difference * (ds / xp.maximum(d, 1e-30))[:, None], xp.zeros(0, ds.dtype)
''',
    "10.1": '''
def best_threshold(scores, same):
    values = sorted(set(scores.tolist()))
    edges = [values[0] - 1] + [(a + b) / 2 for a, b in zip(values, values[1:])] + [values[-1] + 1]
    return max(edges, key=lambda edge: ((scores > edge) == same).sum())
''',
    "10.2": '''
def accuracy_by_way(scores, target):
    T, N = scores.shape
    rates = {}
    for n in range(2, N + 1):
        earned = []
        for row, t in zip(scores, target):
            others = np.delete(row, t)[: n - 1]
            earned.append(credits(np.append(row[t], others)[None], np.array([0]))[0])
        rates[n] = rate(np.array(earned))
    return rates
''',
    "10.3": '''
def prototypical(queries, supports, target):
    c, K = supports.mean(axis=1), supports.shape[1]
    s = -((queries**2).sum(axis=1)[:, None] + (c**2).sum(axis=1) - 2 * queries @ c.T)
    loss, ds = n_way(s, target)
    dqueries = 2 * (ds @ c - ds.sum(axis=1)[:, None] * queries)
    dc = 2 * (ds.T @ queries - ds.sum(axis=0)[:, None] * c)
    return loss, dqueries, np.stack([dc / supports.dtype.type(K)] * K, axis=1)
''',
}  # fmt: skip
