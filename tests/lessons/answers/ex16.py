"""Answers to exercise 16 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "16.1": [
        '''
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
    return [xp.asarray(np.ascontiguousarray(each, dtype)) for each in (image, kernel, back)]
''',
        '''
def transform(xp, size, kernel, stride, padding, half, dtype):
    """By NumPy's own transform, of unit signals."""
    L = size + padding
    places = (size + 2 * padding - kernel) // stride + 1
    forward = np.fft.fft(np.eye(L))  # symmetric
    F = L // 2 + 1 if half else L
    inverse = np.fft.ifft(np.eye(L))[:F, stride * np.arange(places) % L]
    shift = np.fft.fft(np.eye(L), axis=0)[:F, np.arange(padding, L)]
    correlation = forward.conj()[:F, :kernel]
    if half:
        inverse = inverse.copy()
        inverse[1 : (L + 1) // 2] *= 2

    def of_signal(E):
        re, im = E.real, E.imag
        M = np.empty((2 * F, E.shape[1] * (1 if half else 2)))
        M[::2] = re if half else np.hstack([re, -im])
        M[1::2] = im if half else np.hstack([im, re])
        return M

    B = np.empty((places * (1 if half else 2), 2 * F))
    B[:places, ::2], B[:places, 1::2] = inverse.real.T, -inverse.imag.T
    if not half:
        B[places:, ::2], B[places:, 1::2] = inverse.imag.T, inverse.real.T
    return tuple(xp.asarray(M.astype(dtype)) for M in (of_signal(shift), of_signal(correlation), B))
''',
        '''
def waves(sign, f, t, L):
    angle = 2 * np.pi * np.multiply.outer(f, t) / L
    return np.cos(angle), sign * np.sin(angle)

def interleave(a, b):
    return np.stack((a, b), axis=1).reshape(-1, a.shape[-1])

def transform(xp, size, kernel, stride, padding, half, dtype):
    L = size + padding
    f = np.arange(L // 2 + 1 if half else L)
    g = np.full(len(f), 1 / L)
    if half:
        g[(f > 0) & (f < L / 2)] *= 2
    t = np.arange(1 + (size - kernel + 2 * padding) // stride) * stride
    found = []
    for c, s in (waves(-1, f, np.arange(size) + padding, L), waves(1, f, np.arange(kernel), L)):
        found.append(interleave(c, s) if half else interleave(np.c_[c, -s], np.c_[s, c]))
    c, s = waves(1, t, f, L)
    real, imaginary = np.dstack([c * g, -s * g]), np.dstack([s * g, c * g])
    back = real.reshape(len(t), -1)
    found.append(back if half else np.vstack([back, imaginary.reshape(len(t), -1)]))
    return [xp.asarray(each.astype(dtype)) for each in found]
''',
        '''
@cache
def transform(xp, size, kernel, stride, padding, half, dtype):
    L = size + padding
    F = L // 2 + 1 if half else L
    f = np.arange(F)[:, None]
    w = np.exp(2j * np.pi / L)
    To = 1 + (size + 2 * padding - kernel) // stride
    A = w ** -(f * (np.arange(size) + padding)[None])
    B = w ** (f * np.arange(kernel)[None])
    D = (w ** (f * stride * np.arange(To)[None])).T / L
    if half:
        D = D * np.where((f.ravel() == 0) | (2 * f.ravel() == L), 1, 2)
    def split(z):
        out = np.empty((2 * len(z),) + z.shape[1:])
        out[::2], out[1::2] = z.real, z.imag
        return out
    def to(M):
        T = M.shape[1]
        signals = np.eye(T) if half else np.concatenate([np.eye(T), 1j * np.eye(T)], axis=1)
        return split(M @ signals)
    spectra = np.zeros((F, 2 * F), complex)
    spectra[np.arange(F), 2 * np.arange(F)] = 1
    spectra[np.arange(F), 2 * np.arange(F) + 1] = 1j
    y = D @ spectra
    back = y.real if half else np.concatenate([y.real, y.imag])
    return tuple(xp.asarray(np.array(m, dtype=dtype)) for m in (to(A), to(B), back))
''',
    ],
    "16.2": [
        '''
class Plan(fourier.Plan):
    def rows(self, x):
        for n in range(self.N):
            for w in range(self.W):
                spectrum = self.image_rows @ x[n, :, w]
                self.X[n, :, w], self.X[n, :, self.W + w] = spectrum[::2], spectrum[1::2]

    def columns(self, us):
        X = np.einsum("vm,numc->nuvc", self.image_columns, self.X[:, us])
        return np.concatenate([X[:, :, ::2], X[:, :, 1::2]], axis=3)

    def blocks(self, us):
        spectrum = np.einsum("vm,umz->uvz", self.kernel_columns, self.kernel[us])
        a, b = (part.reshape(*part.shape[:2], self.C, self.O) for part in (spectrum[:, ::2], spectrum[:, 1::2]))
        return np.block([[a, b], [-b, a]])
''',
        '''
class Plan(fourier.Plan):
    def rows(self, x):
        X = np.tensordot(x, self.image_rows, axes=(1, 1))  # n, w, c, (u, p)
        X = X.reshape(self.N, self.W, self.C, self.U, 2).transpose(0, 3, 4, 1, 2)
        self.X[...] = X.reshape(self.X.shape)

    def columns(self, us):
        count = us.stop - us.start
        X = np.empty((self.N, count, self.V, 2 * self.C), self.X.dtype)
        for j in range(count):
            for n in range(self.N):
                X[n, j] = (self.image_columns @ self.X[n, us.start + j]).reshape(self.V, -1)
        return X

    def blocks(self, us):
        C, O = self.C, self.O
        blocks = np.zeros((us.stop - us.start, self.V, 2 * C, 2 * O), self.kernel.dtype)
        for j, u in enumerate(range(self.U)[us]):
            for v in range(self.V):
                a = (self.kernel_columns[2 * v] @ self.kernel[u]).reshape(C, O)
                b = (self.kernel_columns[2 * v + 1] @ self.kernel[u]).reshape(C, O)
                blocks[j, v, :C, :O] = blocks[j, v, C:, O:] = a
                blocks[j, v, :C, O:], blocks[j, v, C:, :O] = b, -b
        return blocks
''',
        '''
class Plan(fourier.Plan):
    def rows(self, x):
        flat = np.ascontiguousarray(x).reshape(self.N, self.H, -1)
        self.X[:] = (self.image_rows @ flat).reshape(self.N, self.U, 2 * self.W, self.C)

    def columns(self, us):
        return (self.image_columns @ self.X[:, us]).reshape(self.N, -1, self.V, 2 * self.C)

    def blocks(self, us):
        z = (self.kernel_columns @ self.kernel[us]).reshape(-1, self.V, 2, self.C, self.O)
        z = z[:, :, 0] + z[:, :, 1] * np.array(1j, np.result_type(z, np.complex64))
        upper = np.concatenate([z.real, z.imag], axis=-1)
        return np.concatenate([upper, np.concatenate([-z.imag, z.real], axis=-1)], axis=-2)
''',
    ],
    "16.3": [
        '''
class Plan(fourier.Plan):
    def product(self, us):
        Y = np.einsum("nuvc,uvco->nuvo", self.columns(us), self.blocks(us), optimize=True)
        self.Y[:, us] = self.columns_back @ Y.reshape(self.N, -1, 2 * self.V, self.O)

    def finish(self, rows):
        Y = self.Y[rows].reshape(-1, 2 * self.U, self.Wo, self.O)
        return np.einsum("hu,nuwo->nhwo", self.rows_back, Y, optimize=True)
''',
        '''
class Plan(fourier.Plan):
    def product(self, us):
        X, Z = self.columns(us), self.blocks(us)
        for j, u in enumerate(range(us.start, us.stop)):
            P = np.stack([X[:, j, v] @ Z[j, v] for v in range(self.V)], axis=1)  # N, V, 2O
            for n in range(self.N):
                self.Y[n, u] = self.columns_back @ P[n].reshape(2 * self.V, self.O)

    def finish(self, rows):
        found = []
        for Y in self.Y[rows]:
            parts = Y.reshape(self.U, 2, self.Wo, self.O)
            real, imaginary = self.rows_back[:, ::2], self.rows_back[:, 1::2]
            found.append(np.tensordot(real, parts[:, 0], 1) + np.tensordot(imaginary, parts[:, 1], 1))
        return np.array(found)
''',
        '''
class Plan(fourier.Plan):
    def product(self, us):
        xp = self.xp
        P = xp.matmul(xp.swapaxes(xp.moveaxis(self.columns(us), 0, 2), 2, 2), self.blocks(us))  # u, V, N, 2O
        P = xp.ascontiguousarray(xp.moveaxis(P, 2, 0)).reshape(self.N, -1, 2 * self.V, self.O)
        xp.copyto(self.Y[:, us], xp.matmul(self.columns_back, P))

    def finish(self, rows):
        Y = self.Y[rows]
        return (self.rows_back @ Y.reshape(len(Y), 2 * self.U, -1)).reshape(len(Y), self.Ho, self.Wo, self.O)
''',
        '''
class Plan(fourier.Plan):
    def product(self, us):
        X, Z = self.columns(us), self.blocks(us)
        C, O = self.C, self.O
        x = X[..., :C] + 1j * X[..., C:]
        z = Z[:, :, :C, :O] + 1j * Z[:, :, :C, O:]
        p = (x[..., None, :] @ z[None])[..., 0, :]
        P = np.stack([p.real, p.imag], axis=3).reshape(self.N, len(Z), 2 * self.V, O)
        self.Y[:, us] = 0
        self.Y[:, us] += np.einsum("mv,nuvo->numo", self.columns_back, P)
    def finish(self, rows):
        part = self.Y[rows]
        y = np.zeros((len(part), self.Ho, self.Wo, self.O), part.dtype)
        for u in range(self.U):
            for p in range(2):
                wave = self.rows_back[None, :, 2 * u + p, None, None]
                y += wave * part[:, u, p * self.Wo : (p + 1) * self.Wo][:, None]
        return y
''',
    ],
    "16.4": [
        '''
class Plan(fourier.Plan):
    def start_backward(self, rows, dy):
        self.Y[rows] = np.einsum("hu,nhwo->nuwo", self.rows_back, dy).reshape(self.Y[rows].shape)

    def product_backward(self, us, dkernel, input_gradient=True):
        C, O = self.C, self.O
        X = self.columns(us)
        dP = np.einsum("mv,numo->nuvo", self.columns_back, self.Y[:, us]).reshape(*X.shape[:3], 2 * O)
        dZ = np.einsum("nuvc,nuvo->uvco", X, dP)
        da = dZ[..., :C, :O] + dZ[..., C:, O:]
        db = dZ[..., :C, O:] - dZ[..., C:, :O]
        both = np.stack([da, db], axis=2).reshape(len(dZ), 2 * self.V, C * O)
        dkernel[us] = self.kernel_columns.T @ both
        if input_gradient:
            dX = np.einsum("nuvo,uvco->nuvc", dP, self.blocks(us)).reshape(self.N, -1, 2 * self.V, C)
            self.X[:, us] = np.einsum("vm,nuvc->numc", self.image_columns, dX)

    def finish_backward(self, rows):
        X = self.X[rows].reshape(-1, 2 * self.U, self.W, self.C)
        return np.einsum("uh,nuwc->nhwc", self.image_rows, X)
''',
        '''
class Plan(fourier.Plan):
    def start_backward(self, rows, dy):
        for n, gradient in zip(range(self.N)[rows], dy):
            for w in range(self.Wo):
                both = self.rows_back.T @ gradient[:, w]
                self.Y[n, :, w], self.Y[n, :, self.Wo + w] = both[::2], both[1::2]

    def product_backward(self, us, dkernel, input_gradient=True):
        C, O, V = self.C, self.O, self.V
        X, Z = self.columns(us), self.blocks(us)
        for j, u in enumerate(range(us.start, us.stop)):
            dP = np.stack([(self.columns_back.T @ self.Y[n, u]).reshape(V, 2 * O) for n in range(self.N)])
            dk = np.zeros((V, 2, C, O), dP.dtype)
            dX = np.zeros((self.N, V, 2 * C), dP.dtype)
            for v in range(V):
                block = X[:, j, v].T @ dP[:, v]
                dk[v, 0] = block[:C, :O] + block[C:, O:]
                dk[v, 1] = block[:C, O:] - block[C:, :O]
                dX[:, v] = dP[:, v] @ Z[j, v].T
            dkernel[u] = self.kernel_columns.T @ dk.reshape(2 * V, C * O)
            if input_gradient:
                for n in range(self.N):
                    self.X[n, u] = self.image_columns.T @ dX[n].reshape(2 * V, C)

    def finish_backward(self, rows):
        return np.stack([(self.image_rows.T @ X.reshape(2 * self.U, -1)).reshape(self.H, self.W, self.C)
                         for X in self.X[rows]])
''',
        '''
class Plan(fourier.Plan):
    def _complex(self, a, axis):
        """Real and imaginary parts that are the two halves of an axis, as complex numbers."""
        real, imaginary = np.split(a, 2, axis)
        return real + 1j * imaginary

    def start_backward(self, rows, dy):
        dY = np.tensordot(self.rows_back, dy, ([0], [1])).reshape(self.U, 2, len(dy), self.Wo, self.O)
        self.Y[rows] = dY.transpose(2, 0, 1, 3, 4).reshape(len(dy), self.U, -1, self.O)

    def product_backward(self, us, dkernel, input_gradient=True):
        X = self._complex(self.columns(us), 3)
        dP = (self.columns_back.T @ self.Y[:, us]).reshape(self.N, -1, self.V, 2 * self.O)
        dP = self._complex(dP, 3)
        dz = np.einsum("nuvc,nuvo->uvco", X.conj(), dP)
        dz = np.stack([dz.real, dz.imag], axis=2).reshape(len(dz), 2 * self.V, -1)
        if input_gradient:
            z = self._complex(self.blocks(us)[:, :, : self.C], 3)
            dX = np.einsum("nuvo,uvco->nuvc", dP, z.conj())
            dX = np.stack([dX.real, dX.imag], axis=3).reshape(self.N, -1, 2 * self.V, self.C)
            self.X[:, us] = self.image_columns.T @ dX
        dkernel[us] = self.kernel_columns.T @ dz

    def finish_backward(self, rows):
        X = self.X[rows]
        return np.matmul(self.image_rows.T, X.reshape(len(X), -1, self.W * self.C)).reshape(len(X), self.H, self.W, -1)
''',
    ],
}  # fmt: skip
