"""Answers to exercise 9 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "9.1": [
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
    "9.2": [
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
}  # fmt: skip
