"""Answers to exercise 8 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "8.1": [
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
    "8.2": [
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
