"""Answers to exercise 6 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "6.1": [
        '''
class Momentum(optimizers.Momentum):
    def update(self, w, gradient, rate, velocity, mu):
        velocity[...] = mu * velocity - rate * gradient
        w += velocity
''',
        '''
class Momentum(optimizers.Momentum):
    def update(self, w, gradient, rate, velocity, mu):
        for place in np.ndindex(w.shape):
            velocity[place] = mu * velocity[place] - rate * gradient[place]
            w[place] = w[place] + velocity[place]
''',
        '''
class Momentum(optimizers.Momentum):
    def moved(self, velocity, gradient, rate, mu):
        return velocity * mu + gradient * -rate

    def update(self, w, gradient, rate, velocity, mu):
        new = self.moved(velocity, gradient, rate, mu)
        np.copyto(velocity, new)
        np.add(w, new, out=w)
        return w
''',
    ],
    "6.2": [
        '''
def epoch(step, steps, epoch_steps):
    passed = step // epoch_steps
    rate = 1.0
    for _ in range(passed):
        rate *= 0.99
    return rate, 0.5 + passed / 100
''',
        '''
import math

def epoch(step, steps, epoch_steps):
    over = math.floor(step / epoch_steps)
    return math.exp(over * math.log(0.99)), (50 + over) / 100
''',
        '''
def epoch(step, steps, epoch_steps):
    over, _ = divmod(step, epoch_steps)
    return np.array([np.power(0.99, over), 0.5 + 0.01 * over]).tolist()
''',
    ],
    "6.3": [
        '''
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
        '''
def draw_distortions(rng, count):
    low = np.array([-ROTATION, -SHEAR, -SHEAR, SCALE[0], SCALE[0], -TRANSLATION, -TRANSLATION])
    high = np.array([ROTATION, SHEAR, SHEAR, SCALE[1], SCALE[1], TRANSLATION, TRANSLATION])
    drawn = low + (high - low) * rng.random((count, 7))
    takes = rng.choice([True, False], size=(count, 7))
    t, a, b, s, r, p, q = np.where(takes, drawn, [0, 0, 0, 1, 1, 0, 0]).T
    A = np.empty((count, 2, 3))
    A[:, 0, 0] = (np.cos(t) - b * np.sin(t)) / s
    A[:, 1, 0] = (np.sin(t) + b * np.cos(t)) / s
    A[:, 0, 1] = (a * np.cos(t) - np.sin(t)) / r
    A[:, 1, 1] = (a * np.sin(t) + np.cos(t)) / r
    A[:, 0, 2], A[:, 1, 2] = p, q
    return A
''',
        '''
def coin_and_number(rng, count, reach):
    return rng.binomial(1, 0.5, count) * reach * (2 * rng.random(count) - 1)

def draw_distortions(rng, count):
    t = coin_and_number(rng, count, np.radians(10))
    a, b = (coin_and_number(rng, count, 0.3) for _ in range(2))
    s, r = (1 + coin_and_number(rng, count, 0.2) for _ in range(2))
    shift = np.stack([coin_and_number(rng, count, 4 / 105) for _ in range(2)], axis=1)
    turn = np.stack([np.cos(t), -np.sin(t), np.sin(t), np.cos(t)], axis=1).reshape(count, 2, 2)
    shear = np.stack([np.ones(count), a, b, np.ones(count)], axis=1).reshape(count, 2, 2)
    shrink = np.zeros((count, 2, 2))
    shrink[:, 0, 0], shrink[:, 1, 1] = 1 / s, 1 / r
    linear = np.einsum("nij,njk,nkl->nil", turn, shear, shrink)
    return np.concatenate([linear, shift[:, :, None]], axis=2)
''',
        '''
def draw_distortions(rng, count):
    u = 2 * rng.random(size=(7, count)) - 1
    c = rng.choice([0.0, 1.0], size=(7, count))
    z = u * c
    t, a, b = ROTATION * z[0], SHEAR * z[1], SHEAR * z[2]
    s, r = 1 + (SCALE[1] - 1) * z[3], 1 + (SCALE[1] - 1) * z[4]
    first = np.stack([(np.cos(t) - np.sin(t) * b) / s, (np.sin(t) + np.cos(t) * b) / s], axis=-1)
    second = np.stack([(np.cos(t) * a - np.sin(t)) / r, (np.sin(t) * a + np.cos(t)) / r], axis=-1)
    third = TRANSLATION * z[5:].T
    return np.stack([first, second, third], axis=-1)
''',
    ],
    "6.4": [
        '''
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
        '''
from scipy.ndimage import map_coordinates

def sample(images, matrices, size):
    N, H, W, C = images.shape
    u = (2 * np.arange(size) + 1) / size - 1
    v, u = np.meshgrid(u, u, indexing="ij")
    out = np.zeros((N, size, size, C), np.float32)
    for n, A in enumerate(matrices):
        x = A[0, 0] * u + A[0, 1] * v + A[0, 2]
        y = A[1, 0] * u + A[1, 1] * v + A[1, 2]
        places = [(y + 1) * H / 2 - 0.5, (x + 1) * W / 2 - 0.5]
        for c in range(C):
            out[n, :, :, c] = map_coordinates(images[n, :, :, c] / 255, places, order=1, mode="grid-constant", cval=0)
    return out
''',
        '''
def sample(images, matrices, size):
    N, H, W, C = images.shape
    u = (2 * np.arange(size, dtype=np.float32) + 1) / size - 1
    places = np.ones((size, size, 3), np.float32)
    places[..., 0], places[..., 1] = u, u[:, None]
    where = np.einsum("nxk,ijk->nxij", matrices, places)
    column, line = (where[:, 0] + 1) * W / 2 - 0.5, (where[:, 1] + 1) * H / 2 - 0.5
    by_column = np.maximum(0, 1 - abs(column[..., None] - np.arange(W)))
    by_line = np.maximum(0, 1 - abs(line[..., None] - np.arange(H)))
    return np.einsum("nijh,nijw,nhwc->nijc", by_line, by_column, images / 255).astype(np.float32)
''',
        '''
from scipy.interpolate import RegularGridInterpolator

def sample(images, matrices, size):
    N, H, W, C = images.shape
    padded = np.pad(images.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0))) / 255.0
    middles = (2 * np.arange(-1, H + 1) + 1) / H - 1, (2 * np.arange(-1, W + 1) + 1) / W - 1
    u = (2 * np.arange(size) + 1) / size - 1
    y = []
    for n in range(N):
        read = RegularGridInterpolator(middles, padded[n], bounds_error=False, fill_value=0)
        view = [[read((matrices[n] @ np.array([u[j], u[i], 1]))[::-1])[0] for j in range(size)] for i in range(size)]
        y.append(view)
    return np.array(y, dtype=np.float32)
''',
        '''
def sample(images, matrices, size):
    N, H, W, C = images.shape
    pad = np.zeros((N, H + 2, W + 2, C), np.float32)
    pad[:, 1:-1, 1:-1] = images
    pad /= 255
    u = ((2 * np.arange(size) + 1) / size - 1)
    X, Y = np.meshgrid(u, u)
    y = np.empty((N, size, size, C), np.float32)
    for n, A in enumerate(matrices.astype(np.float64)):
        col = ((A[0, 0] * X + A[0, 1] * Y + A[0, 2]) + 1) * W / 2 + 0.5
        row = ((A[1, 0] * X + A[1, 1] * Y + A[1, 2]) + 1) * H / 2 + 0.5
        col, row = np.clip(col, 0, W + 1), np.clip(row, 0, H + 1)
        c0, r0 = np.minimum(col.astype(int), W), np.minimum(row.astype(int), H)
        fc, fr = (col - c0)[..., None], (row - r0)[..., None]
        top = pad[n, r0, c0] * (1 - fc) + pad[n, r0, c0 + 1] * fc
        low = pad[n, r0 + 1, c0] * (1 - fc) + pad[n, r0 + 1, c0 + 1] * fc
        y[n] = top * (1 - fr) + low * fr
    return y
''',
    ],
    "6.5": [
        '''
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        axes = tuple(range(x.ndim - 1))
        if train:
            mean, var = x.mean(axis=axes), x.var(axis=axes)
            for key, value in (("mean", mean), ("var", var)):
                self.buffers[key] = self.momentum * self.buffers[key] + (1 - self.momentum) * value
        else:
            mean, var = self.buffers["mean"], self.buffers["var"]
        n = (x - mean) / np.sqrt(var + self.eps)
        self.keep(train, n, var)
        return self.params["gamma"] * n + self.params["beta"]

    def backward(self, dy):
        n, var = self.take()
        axes = tuple(range(dy.ndim - 1))
        self.grads["gamma"] += np.sum(dy * n, axis=axes)
        self.grads["beta"] += np.sum(dy, axis=axes)
        dn = dy * self.params["gamma"]
        return (dn - dn.mean(axis=axes) - n * (dn * n).mean(axis=axes)) / np.sqrt(var + self.eps)
''',
        '''
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        y = np.empty_like(x)
        kept = []
        for c in range(x.shape[-1]):
            mean, var = self.buffers["mean"][c], self.buffers["var"][c]
            if train:
                mean = x[..., c].mean()
                var = ((x[..., c] - mean) ** 2).mean()
                self.buffers["mean"][c] += (1 - self.momentum) * (mean - self.buffers["mean"][c])
                self.buffers["var"][c] += (1 - self.momentum) * (var - self.buffers["var"][c])
            y[..., c] = (x[..., c] - mean) / (var + self.eps) ** 0.5 * self.params["gamma"][c] + self.params["beta"][c]
            kept.append((mean, var))
        self.keep(train, x, kept)
        return y

    def backward(self, dy):
        x, kept = self.take()
        dx = np.empty_like(x)
        for c, (mean, var) in enumerate(kept):
            g, centred = dy[..., c], x[..., c] - mean
            root = (var + self.eps) ** 0.5
            self.grads["beta"][c] += g.sum()
            self.grads["gamma"][c] += (g * centred).sum() / root
            dn = g * self.params["gamma"][c]
            dvar = (dn * centred).sum() * -0.5 / root**3
            dmean = -dn.sum() / root
            dx[..., c] = dn / root + dvar * 2 * centred / g.size + dmean / g.size
        return dx
''',
        '''
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        rows = x.reshape(-1, x.shape[-1])
        mean, var = (rows.mean(0), rows.var(0)) if train else (self.buffers["mean"], self.buffers["var"])
        if train:
            self.follow(mean, var)
        inverse = (var + self.eps) ** -0.5
        n = (rows - mean) * inverse
        self.keep(train, n, inverse, x.shape)
        return (n * self.params["gamma"] + self.params["beta"]).reshape(x.shape)

    def backward(self, dy):
        n, inverse, shape = self.take()
        g, M = dy.reshape(n.shape), n.dtype.type(len(n))
        dbeta, dgamma = g.sum(0), np.einsum("rc,rc->c", g, n)
        self.grads["beta"] += dbeta
        self.grads["gamma"] += dgamma
        dx = self.params["gamma"] * inverse / M * (M * g - dbeta - n * dgamma)
        return dx.reshape(shape)
''',
        '''
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        C = x.shape[-1]
        flat = x.reshape(-1, C)
        if train:
            mean = flat.sum(axis=0) / len(flat)
            var = ((flat - mean) ** 2).sum(axis=0) / len(flat)
            self.buffers["mean"] = self.momentum * self.buffers["mean"] + (1 - self.momentum) * mean
            self.buffers["var"] = self.momentum * self.buffers["var"] + (1 - self.momentum) * var
        else:
            mean = self.buffers["mean"]
            var = self.buffers["var"]
        std = np.sqrt(var + self.eps)
        xhat = (flat - mean) / std
        self.keep(train, xhat, std)
        return (self.params["gamma"] * xhat + self.params["beta"]).reshape(x.shape)

    def backward(self, dy):
        xhat, std = self.take()
        g = dy.reshape(xhat.shape)
        m = len(g)
        self.grads["gamma"] = self.grads["gamma"] + (g * xhat).sum(axis=0)
        self.grads["beta"] = self.grads["beta"] + g.sum(axis=0)
        gx = g * self.params["gamma"]
        dx = (m * gx - gx.sum(axis=0) - xhat * (gx * xhat).sum(axis=0)) / (m * std)
        return dx.reshape(dy.shape)
''',
        '''
class BatchNorm(layers.BatchNorm):
    def forward(self, x, train=True):
        axes = (0,) if x.ndim == 2 else (0, 1, 2)
        b = self.buffers
        mean, var = (np.mean(x, axes), np.var(x, axes)) if train else (b["mean"].copy(), b["var"].copy())
        self.keep(train, x.copy(), mean, var)
        if train:
            b["mean"][...] = self.momentum * b["mean"] + (1 - self.momentum) * mean
            b["var"][...] = self.momentum * b["var"] + (1 - self.momentum) * var
        return self.params["gamma"] * ((x - mean) / (var + self.eps) ** 0.5) + self.params["beta"]

    def backward(self, dy):
        x, mean, var = self.take()
        axes = (0,) if x.ndim == 2 else (0, 1, 2)
        m = x.size // x.shape[-1]
        i = (var + self.eps) ** -0.5
        n = (x - mean) * i
        self.grads["gamma"] += np.sum(dy * n, axes)
        self.grads["beta"] += np.sum(dy, axes)
        dn = self.params["gamma"] * dy
        dvar = np.sum(dn * (x - mean) * -0.5 * i**3, axes)
        dmean = np.sum(-dn * i, axes) + dvar * np.mean(-2 * (x - mean), axes)
        return dn * i + dvar * 2 * (x - mean) / m + dmean / m
''',
    ],
    "6.6": [
        '''
class Adam(optimizers.Adam):
    def update(self, w, gradient, rate, m, v):
        m[...] = self.beta1 * m + (1 - self.beta1) * gradient
        v[...] = self.beta2 * v + (1 - self.beta2) * gradient**2
        first = m / (1 - self.beta1**self.steps)
        second = v / (1 - self.beta2**self.steps)
        w -= rate * first / (np.sqrt(second) + self.eps)
''',
        '''
class Adam(optimizers.Adam):
    def update(self, w, gradient, rate, m, v):
        for place in np.ndindex(w.shape):
            g = gradient[place]
            m[place] = self.beta1 * m[place] + (1 - self.beta1) * g
            v[place] = self.beta2 * v[place] + (1 - self.beta2) * g * g
            first = m[place] / (1 - self.beta1**self.steps)
            second = v[place] / (1 - self.beta2**self.steps)
            w[place] -= rate * first / (second**0.5 + self.eps)
''',
        '''
import math

class Adam(optimizers.Adam):
    def update(self, w, gradient, rate, m, v):
        m *= self.beta1
        m += (1 - self.beta1) * gradient
        v *= self.beta2
        v += (1 - self.beta2) * gradient * gradient
        free1 = -math.expm1(self.steps * math.log(self.beta1)) if self.beta1 else 1.0
        free2 = math.sqrt(1 - math.pow(self.beta2, self.steps))
        w += -rate * free2 / free1 * m / (np.sqrt(v) + free2 * self.eps)
''',
        '''
class Adam(optimizers.Adam):
    def update(self, w, gradient, rate, m, v):
        t = self.steps
        m += (gradient - m) * (1 - self.beta1)
        v *= self.beta2
        v += (1 - self.beta2) * (gradient * gradient)
        step = rate / (1 - self.beta1 ** t)
        denominator = np.sqrt(v) / np.sqrt(1 - self.beta2 ** t) + self.eps
        w -= step * m / denominator
''',
    ],
}  # fmt: skip
