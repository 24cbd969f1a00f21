"""Momentum SGD and Adam, layer-wise L2, and how the rate falls (Koch et al., section 3.2).

``step(rate)`` updates every parameter in place from the gradients that the layers hold. The L2 penalty of layer j is
lambda_j |W_j|^2, on weights and not on biases; its gradient 2 lambda_j W_j joins the data's, so that the rate and the
momentum act on both (the printed update adds 2 lambda_j |w|, which pushes all weights the same way).
"""

import math

import numpy as np

from minisiamese.backend import array_module
from minisiamese.threads import in_chunks

NOT_DECAYED = {"b", "beta", "gamma"}  # biases, and batch norm's scale and shift


class Optimizer:
    """Base: which parameters there are, their rates and L2 weights, and the state that a checkpoint holds.

    l2, and rates, the factors eta_j on the rate of ``step``, are one number for all layers or one for each layer that
    has weights, first to last (the head's is the last). A layer's biases, and a batch norm after it, take its rate.
    """

    slots = ()  # names of the moving averages kept for each parameter

    def __init__(self, network, l2=0.0, rates=1.0):
        layers = [(name, layer) for name, layer in network.walk() if layer.params]
        self.weighted = [name for name, layer in layers if layer.params.keys() - NOT_DECAYED]
        l2_of, rate_of = self.layer_wise("l2", l2), self.layer_wise("lr", rates)
        owner, self.entries = self.weighted[0], []
        for name, layer in layers:
            owner = name if name in l2_of else owner
            for key in layer.params:
                decay = 0.0 if key in NOT_DECAYED else l2_of[owner]
                self.entries.append((f"{name}.{key}", layer, key, owner, rate_of[owner], decay))
        self.state = {
            f"{slot}.{name}": array_module(layer.params[key]).zeros_like(layer.params[key])
            for slot in self.slots
            for name, layer, key, *_ in self.entries
        }
        self.steps = 0

    def layer_wise(self, name, values):
        """{layer: its value} for the layers with weights; ValueError if there are neither 1 nor as many as layers."""
        values = np.broadcast_to(values, len(self.weighted)) if np.size(values) == 1 else values
        if len(values) != len(self.weighted):
            layers = ", ".join(self.weighted)
            raise ValueError(f"--{name} takes 1 or {len(self.weighted)} numbers, one a layer with weights: {layers}")
        return dict(zip(self.weighted, map(float, values), strict=True))

    def penalty(self):
        """sum_j lambda_j |W_j|^2, to be logged apart from the data's loss."""
        return sum(l2 * (layer.params[key] ** 2).sum() for _, layer, key, _, _, l2 in self.entries if l2)

    def step(self, rate, cap=1.0):
        """Update every parameter in place, a few rows at a time: nothing of a parameter's size is made on the way.

        ``cap`` is the most that a momentum may be by now (the paper's rising momentum; see ``SCHEDULES``).
        """
        self.steps += 1
        for name, layer, key, owner, factor, l2 in self.entries:
            state = [self.state[f"{slot}.{name}"] for slot in self.slots]
            arrays = layer.params[key], layer.grads[key], *state
            if all(array.flags.c_contiguous for array in arrays):  # else the flat ones would be copies
                arrays = [array.reshape(-1) for array in arrays]
            w, gradient, *state = arrays
            options = self.options(owner, cap)

            def task(rows, w=w, gradient=gradient, eta=factor * rate, l2=l2, state=state, options=options):
                by_w = gradient[rows] + 2 * l2 * w[rows] if l2 else gradient[rows]
                self.update(w[rows], by_w, eta, *(moving[rows] for moving in state), **options)

            in_chunks(task, len(w), (4 + len(state)) * w[0].nbytes, array_module(w))

    def options(self, owner, cap):
        """Further arguments of ``update`` for this layer."""
        return {}

    def update(self, w, gradient, rate, *state, **options):
        """Change w and the state, all in place."""
        raise NotImplementedError


class Momentum(Optimizer):
    """v <- mu_j v - eta_j g;  w <- w + v.  The paper's update; mu is one number, or one a layer with weights.

    While a schedule's cap is below mu_j, the cap takes its place.
    """

    slots = ("velocity",)

    def __init__(self, network, l2=0.0, rates=1.0, momentum=0.9):
        super().__init__(network, l2, rates)
        self.momentum = self.layer_wise("momentum", momentum)

    def options(self, owner, cap):
        return {"mu": min(self.momentum[owner], cap)}

    def update(self, w, gradient, rate, velocity, mu):
        velocity *= mu
        velocity -= rate * gradient
        w += velocity


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - rate m' / (sqrt(v') + eps), with m' and v' the
    averages freed of their start at zero.  Kingma & Ba 2015, algorithm 1."""

    slots = ("m", "v")

    def __init__(self, network, l2=0.0, rates=1.0, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(network, l2, rates)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def update(self, w, gradient, rate, m, v):
        xp = array_module(w)
        m += (1 - self.beta1) * (gradient - m)
        v += (1 - self.beta2) * (xp.square(gradient) - v)
        root = xp.sqrt(v / (1 - self.beta2**self.steps))
        root += self.eps
        w -= rate / (1 - self.beta1**self.steps) * m / root


OPTIMIZERS = {"adam": Adam, "momentum": Momentum}


# --- schedules: the factor on the rate at a step, and the most that a momentum may be by then -------------------------

HELD = 0.1  # the share of a cosine run at the full rate


def cosine(step, steps, epoch_steps):
    """1 for the first tenth of the run, then (1 + cos(pi t)) / 2 with t from 0 to 1."""
    t = max(0.0, step / steps - HELD) / (1 - HELD)
    return (1 + math.cos(math.pi * t)) / 2, 1.0


def epoch(step, steps, epoch_steps):
    """The paper's: 1 % less an epoch, 0.99 to the power of the epochs that are over; and momentum that starts at 0.5 in
    every layer and rises linearly to mu_j. How fast the paper does not say; here it is by 0.01 an epoch."""
    over = step // epoch_steps
    return 0.99**over, 0.5 + 0.01 * over


def tenths(step, steps, epoch_steps):
    """A tenth of the rate after every 30 epochs (report 001)."""
    return 0.1 ** (step // (30 * epoch_steps)), 1.0


def constant(step, steps, epoch_steps):
    """The rate as it is, from the first step to the last."""
    return 1.0, 1.0


SCHEDULES = {"cosine": cosine, "epoch": epoch, "tenths": tenths, "constant": constant}
