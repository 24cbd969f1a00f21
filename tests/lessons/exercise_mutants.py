"""Mistakes to plant into the solutions of the exercises: {task: [(what stands there, what a student wrote)]}.

Each replaces one place of the library's lines, and each must cost the task its points.
"""

MUTANTS = {
    "1.1": [
        ("square[a] + square[b] - 2 *", "square[a] + square[b] + 2 *"),
        ("-np.sqrt(np.maximum(distance, 0))", "np.sqrt(np.maximum(distance, 0))"),  # a dropped sign
        ("-np.sqrt(np.maximum(distance, 0))", "-np.maximum(distance, 0)"),
        ("/ 255", "/ 1"),
        ("pairs[start : start + 1024].T", "pairs[:1024].T[:, : len(scores[start : start + 1024])]"),
    ],
    "1.2": [
        ("-max(forth", "max(forth"),
        ("-max(forth", "-min(forth"),
        ("forth.mean(), back.mean()", "forth.sum(), back.sum()"),  # a missing 1/N
        ("ink - ink.mean(axis=0) if", "ink if"),
        ("back = trees[b].query(points[a])[0], trees[a].query(points[b])[0]", "back = [trees[b].query(points[a])[0]] * 2"),
    ],
    "1.3": [
        (".mean(axis=2)", ".sum(axis=2)"),
        (".mean(axis=2)", ".max(axis=2)"),
        ("self.support.ravel()]", "self.support.transpose(0, 2, 1).ravel()]"),
        ("np.repeat(self.query, self.support[0].size)", "np.tile(self.query, self.support[0].size)"),
    ],
    "2.1": [
        ("(n, stride * h, stride * w, h, c)", "(n, stride * h, w, h, c)"),
        ("(n, stride * h, stride * w, h, c)", "(n, stride * h, stride * w, w, c)"),
        ("(N, Ho, Wo, kernel, kernel * C), (n, stride * h, stride * w, h, c)", "(N, Wo, Ho, kernel, kernel * C), (n, stride * w, stride * h, h, c)"),
    ],
    "2.2": [
        ("images.sum(axis=(1, 3))", "images.mean(axis=(1, 3))"),
        ("images.sum(axis=(1, 3))", "images.max(axis=(1, 3))"),  # = for +=
        ("places[...] = columns.reshape(places.shape)", "places[...] = columns.reshape(places.shape)[:, :, :, ::-1, ::-1]"),
        ("places[...] = columns", "columns *= 2\n    places[...] = columns"),  # a changed argument
    ],
    "2.3": [
        ("im2col(pad(x, padding), len(W), stride)", "im2col(x, len(W), stride)"),
        ("(columns @ W", "-(columns @ W"),
        ("columns @ W.reshape(-1, shape[-1])", "columns @ W[::-1, ::-1].reshape(-1, shape[-1])"),  # turned round
        ("im2col(pad(x, padding), len(W), stride)", "im2col(pad(x, padding), len(W))"),
    ],
    "2.4": [
        ("dW = im2col(pad(x, P), len(W), stride).T @ dy", "dW = -im2col(pad(x, P), len(W), stride).T @ dy"),
        ("dW = im2col(pad(x, P), len(W), stride).T @ dy", "dW = im2col(pad(x, P), len(W), stride).T @ dy / len(dy)"),
        ("dx[:, P : P + height, P : P + width]", "dx[:, :height, :width]"),
        ("dcolumns = dy @ W.reshape(-1, W.shape[-1]).T", "dcolumns = dy @ W[::-1, ::-1].reshape(-1, W.shape[-1]).T"),
        ("dW = im2col", "dy *= 2\n    dW = im2col"),  # a changed argument
    ],
    "3.1": [
        ('self.grads["W"] += x', 'self.grads["W"][:] = x'),  # = for +=
        ('self.grads["W"] += x', 'self.grads["W"] -= x'),
        ('self.grads["b"] += dy.sum(axis=0)', 'self.grads["b"] += dy.mean(axis=0)'),
        ('self.grads["b"] += dy.sum(axis=0)', 'self.grads["b"][:] = dy.sum(axis=0)'),
        ('return x @ self.params["W"]', 'x *= 1.5\n        return x @ self.params["W"]'),
        ('return dy @ self.params["W"].T', 'dy /= len(dy)\n        return dy @ self.params["W"].T'),
    ],
    "3.2": [
        ("dy * (y > 0)", "dy * (y >= 0)"),
        ("dy * (y > 0)", "-dy * (y > 0)"),
        ("dy * (y > 0)", "dy * y"),
        ("return dy * (y > 0)", "dy *= y > 0\n        return dy"),  # a changed argument
    ],
    "3.3": [
        ("dy * y * (1 - y)", "dy * y * (1 + y)"),
        ("dy * y * (1 - y)", "dy * y"),
        ("(array_module(x).tanh(x / 2) + 1) / 2", "1 / (1 + array_module(x).exp(-x))"),  # overflows
        ("y = sigmoid(x)", "y = sigmoid(x)\n        x[...] = y"),
    ],
    "3.4": [
        ("part > best", "part >= best"),  # a tie goes to the last
        ("for i in range(K) for j in range(K)", "for j in range(K) for i in range(K)"),
        ("xp.maximum(which, k *", "xp.minimum(which, k *"),
        ("best = xp.maximum(best, part)", "best = xp.minimum(best, part)"),
    ],
    "3.5": [
        ("winner == k", "winner >= k"),
        ("dx[:, H:], dx[:, :, W:] = 0, 0", "dx[:, H:], dx[:, :, W:] = 1, 1"),
        ("k // K : H : K, k % K : W : K", "k % K : H : K, k // K : W : K"),
        ("xp.multiply(dy, winner == k", "xp.multiply(-dy, winner == k"),
    ],
    "4.1": [
        ("abs(difference) @", "difference @"),
        ('s + self.params["b"] if', 's - self.params["b"] if'),
        ("abs(difference) @", "(difference**2) @"),
        ('return s + self.params["b"] if "b" in self.params else s', "return s"),
    ],
    "4.2": [
        ("ds @ abs(difference)", "ds @ difference"),
        ('xp.sign(difference) * self.params["alpha"]', 'abs(difference) * self.params["alpha"]'),
        ('xp.sign(difference) * self.params["alpha"]', '-xp.sign(difference) * self.params["alpha"]'),
        ("xp.append(dalpha, ds.sum())", "xp.append(dalpha, ds.mean())"),
        ("ddifference *= ds[:, None]", "ds *= 1.5\n        ddifference *= ds[:, None]"),
        ("xp.sign(difference)", "xp.where(difference >= 0, 1, -1)"),  # sign(0) = 1
    ],
    "4.3": [
        ("- s * y", "+ s * y"),
        ("(sigmoid(s) - y) / s.dtype.type(len(s))", "sigmoid(s) - y"),  # a missing 1/N
        ("(sigmoid(s) - y)", "(y - sigmoid(s))"),
        ("loss.mean()", "loss.sum()"),
        ("xp.log1p(xp.exp(-abs(s)))", "xp.log1p(xp.exp(abs(s)))"),
        ("loss = xp.maximum(s, 0)", "s *= 1.5\n    loss = xp.maximum(s, 0)"),
    ],
    "5.1": [
        ("loss = (y * d**2 + (1 - y) * gap**2) / 2", "loss = y * d**2 + (1 - y) * gap**2"),
        ("(y * d - (1 - y) * gap)", "(y * d + (1 - y) * gap)"),
        (" / d.dtype.type(len(d))", ""),
        ("xp.maximum(margin - d, 0)", "margin - d"),
        ("loss.mean()", "loss.sum()"),
    ],
    "5.2": [
        ("slope, -slope", "slope, slope"),
        ("slope = (excess > 0) / count", "slope = (excess > 0).astype(excess.dtype)"),
        ("excess.sum() / count", "excess.sum()"),
        ("xp.maximum(found.sum(), 1)", "found.sum()"),
        ("xp.maximum(d_ap - d_an + margin, 0)", "xp.maximum(d_ap - d_an - margin, 0)"),
        ("excess = excess * found", "pass"),
    ],
    "5.3": [
        ("xp.where(d_an <= d_ap", "xp.where(d_an < d_ap"),  # a tie
        ("+ margin > 0", "+ margin >= 0"),
        ("d_an <= d_ap, 2, 1", "d_an <= d_ap, 1, 2"),
        ("xp.where(d_ap - d_an + margin", "xp.where(d_an - d_ap + margin"),
    ],
    "5.4": [
        ("tickets.max(axis=1) >= 0", "tickets.max(axis=1) >= 0.5"),
        ("KINDS.index(how)", "len(KINDS) - 1 - KINDS.index(how)"),
        ("xp.asarray(rng.random(allowed.shape))", "1.0"),  # always the first
        ("allowed = allowed & (", "allowed = ("),
        ("allowed = allowed & (", "allowed &= ("),  # a changed argument
    ],
    "6.1": [
        ("velocity -= rate * gradient", "velocity += rate * gradient"),
        ("velocity *= mu", "velocity[...] = 0"),
        ("w += velocity", "w -= velocity"),
        ("w += velocity", "w = w + velocity"),
        ("velocity -= rate * gradient", "velocity -= (1 - mu) * rate * gradient"),
    ],
    "6.2": [
        ("0.99**over", "0.99 * over"),
        ("0.5 + 0.01 * over", "0.5 + 0.1 * over"),
        ("step // epoch_steps", "step / epoch_steps"),
        ("0.99**over", "0.99**step"),
    ],
    "6.3": [
        ("part = rng.random((7, count)) < 0.5", "part = rng.random((7, count)) < 2"),
        ("rotation @ shear /", "rotation @ shear + 0 *"),  # no scale
        ("angle = part[0] * rng.uniform(-ROTATION, ROTATION, count)", "angle = part[0] * rng.uniform(-10, 10, count)"),
        ("rng.uniform(-TRANSLATION, TRANSLATION, (2, count))", "rng.uniform(-2, 2, (2, count))"),
        ("[[cos, -sin], [sin, cos]]", "[[cos, sin], [sin, cos]]"),
    ],
    "6.4": [
        ("(x + 1) * (W / 2) + 0.5", "(x + 1) * (W / 2)"),
        ("y = xp.empty((N, size * size, C), np.float32)", "images = images[:, :, ::-1]\n    y = xp.empty((N, size * size, C), np.float32)"),
        ("above + v * (below - above)", "above + v * below"),
        ("255, out=y[rows]", "256, out=y[rows]"),
        ("xp.tile(u, size), xp.repeat(u, size)", "xp.repeat(u, size), xp.tile(u, size)"),
    ],
    "7.1": [
        (" / np.maximum(highest.sum(axis=1), 1)", ""),
        ("scores == scores.max(axis=1, keepdims=True)", "np.arange(scores.shape[1]) == scores.argmax(axis=1)[:, None]"),
        ("np.maximum(highest.sum(axis=1), 1)", "highest.shape[1]"),
        ("scores.max(", "np.nanmax(scores, "),
    ],
    "7.2": [
        ("z * z / (4 * T * T)", "z * z / (4 * T)"),
        ("ndtri(0.975)", "ndtri(0.95)"),
        ("p + z * z / (2 * T)", "p - z * z / (2 * T)"),
        ("np.sqrt(p * (1 - p) / T + z * z / (4 * T * T))", "np.sqrt(p * (1 - p) / T)"),
    ],
    "7.3": [
        ("query.append(images[answer][-1])", "query.append(images[answer][0])"),  # the query is its own support
        ("way, replace=False)", "way, replace=True)"),
        ("target.append(answer)", "target.append(0)"),
        ("drawers = rng.permutation(common)[: shot + 1].tolist()\n            images = [[by_drawer[label][drawer] for drawer in drawers] for label in classes]",
         "images = [[by_drawer[label][drawer] for drawer in rng.permutation(common)[: shot + 1].tolist()] for label in classes]"),
        ("if within else everywhere", "if not within else everywhere"),
    ],
    "8.1": [
        ("np.exp(-2j *", "np.exp(2j *"),
        ("(2 * frequencies % period != 0) & half, 2, 1)", "(2 * frequencies % period != 0) & half, 1, 1)"),
        ("np.arange(kernel)).conj()", "np.arange(kernel))"),
        ("waves(stride * outputs)", "waves(outputs)"),
        ("np.arange(size) + padding", "np.arange(size)"),
        (" / period\n", "\n"),
    ],
    "8.2": [
        ("self.xp.negative(b, out=", "self.xp.positive(b, out="),
        ("self.image_columns, self.X[:, us]", "self.image_columns, self.X[:, : us.stop - us.start]"),
        ("self.image_rows, flat", "-self.image_rows, flat"),
        ("blocks[:, :, 0, :, 1], blocks[:, :, 1, :, 1] = a, b, a", "blocks[:, :, 0, :, 1], blocks[:, :, 1, :, 1] = a, b, b"),
    ],
    "8.3": [
        ("y = self.xp.matmul(self.rows_back,", "y = -self.xp.matmul(self.rows_back,"),
        ("out=self.Y[:, us])", "out=self.Y[:, us])\n        self.Y[:, us] /= self.N"),
        ("self.blocks(us), out=", "self.blocks(us).swapaxes(2, 3).reshape(len(self.blocks(us)), self.V, 2 * self.C, -1), out="),
        ("out=self.Y[:, us])", "out=self.Y[:, : us.stop - us.start])"),
        ("return y.reshape(-1, self.Ho, self.Wo, self.O)", "return y.reshape(-1, self.Ho, self.Wo, self.O)[:, ::-1]"),
    ],
    "8.4": [
        ("dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]", "dZ[:, :, 0, :, 1] + dZ[:, :, 1, :, 0]"),
        ("flat = dy.reshape(len(dy), self.Ho, -1)", "flat = dy.reshape(len(dy), self.Ho, -1) / len(dy)"),
        ("self.blocks(us).swapaxes(2, 3)", "-self.blocks(us).swapaxes(2, 3)"),
        ("dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1]", "dZ[:, :, 0, :, 0]"),
        ("if input_gradient:", "if True:"),
        ("dx = self.xp.matmul(self.image_rows.T", "dx = -self.xp.matmul(self.image_rows.T"),
    ],
    "9.1": [
        ("ds / s.dtype.type(len(s))", "ds"),
        ("ds[queries, target] -= 1", "ds[queries, target] += 1"),
        ("shifted = s - s.max(axis=1, keepdims=True)", "shifted = s"),  # overflows
        ("xp.exp(shifted)", "np.exp(shifted)"),  # NumPy on the device
        ("return loss.mean(),", "return float(loss.mean()),"),  # waits for the GPU
        ("s - s.max(axis=1, keepdims=True)", "s - s.max()"),
    ],
    "9.2": [
        ("slope = -2 * ds", "slope = 2 * ds"),
        ("xp.where(d > 0, d, 1)", "d"),  # 0 / 0
        ("slope = -2 * ds", "slope = -ds"),
        ("xp.where(d > 0, d, 1)", "np.where(d > 0, d, 1)"),
        ("slope = -ds /", "slope = ds /"),
    ],
    "10.1": [
        ("right[1:-1][scores[1:] == scores[:-1]] = -1", "pass"),
        ("np.cumsum(same == 0)", "np.cumsum(same == 1)"),
        ("np.argsort(scores)\n    scores, same = scores[order], same[order]", "np.argsort(scores)\n    scores = scores[order]"),
        ("np.argmax(right)", "np.argmin(right)"),
        ("order = np.argsort(scores)", "scores.sort()\n    order = np.arange(len(scores))"),
    ],
    "10.2": [
        ("range(2, N + 1)", "range(2, N)"),
        ("first = np.zeros(T, int)", "first = np.ones(T, int)"),
        ("np.arange(N) != target[:, None]", "np.arange(N) != 0 * target[:, None]"),
        ("ordered[:, :n]", "ordered[:, :N]"),
    ],
    "10.3": [
        ("-2 * ds[:, :, None]", "2 * ds[:, :, None]"),
        ("dprototypes[:, None] / supports.dtype.type(supports.shape[1])", "dprototypes[:, None]"),
        ("dprototypes = -ddifference.sum(axis=0)", "dprototypes = ddifference.sum(axis=0)"),
        ("n_way(-(difference**2)", "n_way((difference**2)"),
        ("supports.mean(axis=1)", "supports[:, 0]"),
    ],
}  # fmt: skip
