"""Momentum SGD and Adam, layer-wise L2, and how the rate falls (Koch et al., section 3.2).

``step(rate)`` updates every parameter in place from the gradients that the layers hold. The L2 penalty of layer j is
lambda_j |W_j|^2, on weights and not on biases; its gradient 2 lambda_j W_j joins the data's.
"""

import math

import numpy as np

from minisiamese.backend import array_module, in_chunks

NOT_DECAYED = {"b", "beta", "gamma"}  # biases, and batch norm's scale and shift


class Optimizer:
    """Base: which parameters there are, their L2 weights, and the state that a checkpoint holds.

    l2 is one number for all layers or one for each layer that has weights, first to last (the head's is the last).
    """

    slots = ()  # names of the moving averages kept for each parameter

    def __init__(self, network, l2=0.0):
        layers = [(name, layer) for name, layer in network.walk() if layer.params]
        decayed = [name for name, layer in layers if layer.params.keys() - NOT_DECAYED]
        l2 = np.broadcast_to(l2, len(decayed)) if np.size(l2) == 1 else l2
        if len(l2) != len(decayed):
            raise ValueError(f"l2 takes 1 or {len(decayed)} numbers, one a layer with weights: {', '.join(decayed)}")
        l2_of = dict(zip(decayed, map(float, l2), strict=True))
        self.entries = [
            (f"{name}.{key}", layer, key, 0.0 if key in NOT_DECAYED else l2_of[name])
            for name, layer in layers
            for key in layer.params
        ]
        self.state = {
            f"{slot}.{name}": array_module(layer.params[key]).zeros_like(layer.params[key])
            for slot in self.slots
            for name, layer, key, _ in self.entries
        }
        self.steps = 0

    def penalty(self):
        """sum_j lambda_j |W_j|^2, to be logged apart from the data's loss."""
        return sum(l2 * (layer.params[key] ** 2).sum() for _, layer, key, l2 in self.entries if l2)

    def step(self, rate):
        """Update every parameter in place, a few rows at a time: nothing of a parameter's size is made on the way."""
        self.steps += 1
        for name, layer, key, l2 in self.entries:
            w, gradient = layer.params[key], layer.grads[key]
            state = [self.state[f"{slot}.{name}"] for slot in self.slots]

            def task(rows, w=w, gradient=gradient, l2=l2, state=state):
                by_w = gradient[rows] + 2 * l2 * w[rows] if l2 else gradient[rows]
                self.update(w[rows], by_w, rate, *(moving[rows] for moving in state))

            in_chunks(task, len(w), (4 + len(state)) * w[0].nbytes, array_module(w))

    def update(self, w, gradient, rate, *state):
        """Change w and the state, all in place."""
        raise NotImplementedError


class Momentum(Optimizer):
    """v <- mu v - rate g;  w <- w + v.  The paper's update, with one mu for all layers and epochs."""

    slots = ("velocity",)

    def __init__(self, network, l2=0.0, momentum=0.9):
        super().__init__(network, l2)
        self.momentum = momentum

    def update(self, w, gradient, rate, velocity):
        velocity *= self.momentum
        velocity -= rate * gradient
        w += velocity


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - rate m' / (sqrt(v') + eps), with m' and v' the
    averages freed of their start at zero.  Kingma & Ba 2015, algorithm 1."""

    slots = ("m", "v")

    def __init__(self, network, l2=0.0, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(network, l2)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def update(self, w, gradient, rate, m, v):
        xp = array_module(w)
        m += (1 - self.beta1) * (gradient - m)
        v += (1 - self.beta2) * (xp.square(gradient) - v)
        root = xp.sqrt(v / (1 - self.beta2**self.steps))
        root += self.eps
        w -= rate / (1 - self.beta1**self.steps) * m / root


OPTIMIZERS = {"adam": Adam, "momentum": Momentum}


# --- schedules: the factor on the rate at a step ----------------------------------------------------------------------

HELD = 0.1  # the share of a cosine run at the full rate


def cosine(step, steps, epoch_steps):
    """1 for the first tenth of the run, then (1 + cos(pi t)) / 2 with t from 0 to 1."""
    t = max(0.0, step / steps - HELD) / (1 - HELD)
    return (1 + math.cos(math.pi * t)) / 2


def epoch(step, steps, epoch_steps):
    """0.99 to the power of the epochs that are over: 1 % less an epoch, as in the paper."""
    return 0.99 ** (step // epoch_steps)


def constant(step, steps, epoch_steps):
    return 1.0


SCHEDULES = {"cosine": cosine, "epoch": epoch, "constant": constant}
