"""Answers to exercise 7 that are right and not the library's: {task: [text, ...]}."""

ANSWERS = {
    "7.1": [
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
    "7.2": [
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
    "7.3": [
        '''
class Optimizer(optimizers.Optimizer):
    def step(self, rate, cap=1.0):
        self.steps += 1
        for name, layer, key, owner, factor, l2 in self.entries:
            w = layer.params[key]
            gradient = layer.grads[key] + 2 * l2 * w
            state = [self.state[f"{slot}.{name}"] for slot in self.slots]
            self.update(w, gradient, factor * rate, *state, **self.options(owner, cap))
''',
        '''
class Optimizer(optimizers.Optimizer):
    def gradient(self, layer, key, l2):
        if l2 == 0:
            return layer.grads[key]
        return np.add(layer.grads[key], l2 * (layer.params[key] + layer.params[key]))

    def step(self, rate, cap=1.0):
        self.steps = self.steps + 1
        for entry in reversed(self.entries):
            name, layer, key, owner, factor, l2 = entry
            rows = zip(layer.params[key], self.gradient(layer, key, l2), strict=True)
            for place, (w, g) in enumerate(rows):
                part = slice(place, place + 1)
                state = (self.state[slot + "." + name][part] for slot in self.slots)
                self.update(layer.params[key][part], g[None] if w.ndim else g.reshape(1), rate * factor, *state,
                            **self.options(owner, cap))
''',
        '''
class Optimizer(optimizers.Optimizer):
    def step(self, rate, cap=1.0):
        self.steps += 1
        for name, layer, key, owner, factor, l2 in self.entries:
            w, g = layer.params[key], layer.grads[key].copy()
            g += w.dtype.type(2 * l2) * w
            arguments = [w, g, factor * rate]
            for slot in self.slots:
                arguments.append(self.state[f"{slot}.{name}"])
            options = self.options(owner, cap)
            self.update(*arguments, **options)
''',
    ],
}  # fmt: skip
