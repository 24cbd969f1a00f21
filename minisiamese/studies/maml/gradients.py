"""The gradients of MAML, first-order MAML and Reptile, each from gradients of a network alone.

Initial weights theta are sought from which a few steps of gradient descent on a task's support images

    theta_0 = theta,  theta_k+1 = theta_k - alpha grad L_support(theta_k),  k = 0 .. S - 1

give weights theta_S that are right about its query images. The gradient of L_query(theta_S) by theta is, by the chain
rule, (1 - alpha H_0) ... (1 - alpha H_S-1) grad L_query(theta_S), with H_k the Hessian of L_support at theta_k.

- MAML (Finn et al. 2017) takes the whole product. A Hessian is never built: H v is the slope of the gradient along v,
  and is taken from a difference of two gradients (HF-MAML, Fallah et al. 2020).
- First-order MAML takes every H for 0: grad L_query(theta_S).
- Reptile (Nichol et al. 2018) has no queries: every step is on other images of the task, and theta moves to theta_S.

The last layer is zero at the start of every task, since the classes that its outputs stand for are drawn anew: the
first step then makes it of the classes' mean features (the zeroing trick, Kao et al. 2022). Batch norm uses the
statistics of the images that are shown together, in tests too (transduction), as the published figures do.

Notation: N classes (ways) of K support images (shots); a weight vector is all parameters of the network end to end.
"""

from dataclasses import dataclass

import numpy as np

from minisiamese import losses
from minisiamese.backend import array_module
from minisiamese.convolution import Conv2D
from minisiamese.fast.fuse import fuse, without_input_gradient
from minisiamese.layers import BatchNorm, Flatten, Linear, Named, ReLU, Sequential

SIDE = 28  # pixels of the images, as in the few-shot literature


def classifier(rng, way, channels=1, width=64):
    """Four stages of 3 x 3 convolution with stride 2, batch norm and ReLU, and a linear layer to N scores.

    28 -> 14 -> 7 -> 4 -> 2 pixels, 4 x 64 features: Finn et al. 2017, for Omniglot. The last layer is zero.
    """
    layers = []
    for _ in range(4):
        conv = Conv2D(channels, width, 3, rng, stride=2, padding=1, bias=None)
        layers.append(Named(conv=conv, norm=BatchNorm(width), relu=ReLU()))
        channels = width
    return without_input_gradient(fuse(Sequential(*layers, Flatten(), Linear(4 * width, way, rng, std=0))))


# --- a network as a function of its weight vector ---------------------------------------------------------------------


def weights(network):
    """All parameters as one vector."""
    return _vector(network, "params")


def put_weights(network, vector):
    """The inverse of ``weights``: the network takes the parameters of a vector."""
    _put(network, "params", vector)


def put_gradient(network, vector):
    """The network takes the gradients of all parameters from a vector."""
    _put(network, "grads", vector)


def _vector(network, which):
    arrays = [array.ravel() for _, layer in network.walk() for array in getattr(layer, which).values()]
    return array_module(arrays[0]).concatenate(arrays)


def _put(network, which, vector):
    start = 0
    for _, layer in network.walk():
        for array in getattr(layer, which).values():
            array[...] = vector[start : start + array.size].reshape(array.shape)
            start += array.size


def gradient(network, theta, images, labels):
    """grad L(theta), and L: the softmax cross-entropy of the network's scores on images with these labels."""
    put_weights(network, theta)
    loss, ds = losses.n_way(network.forward(images), labels)
    network.backward(ds)
    by_theta = _vector(network, "grads")
    network.zero_grad()
    return by_theta, loss


def hessian_times(network, theta, images, labels, v):
    """H v, with H the Hessian of L at theta: (grad L(theta + r v) - grad L(theta - r v)) / (2 r).

    r v is as long as the cube root of the type's precision makes best, seen from the length of theta: shorter, and the
    two gradients' rounding shows; longer, and their curvature does.
    """
    xp = array_module(theta)
    length = xp.linalg.norm(v)
    r = np.cbrt(np.finfo(theta.dtype).eps) * xp.linalg.norm(theta) / xp.where(length > 0, length, 1)
    r = r.astype(theta.dtype)
    ahead, _ = gradient(network, theta + r * v, images, labels)
    behind, _ = gradient(network, theta - r * v, images, labels)
    return (ahead - behind) / (2 * r)


# --- the methods ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """images (N, M, H, W, C), M of each class; the first ``shot`` are its support, the others its queries."""

    images: np.ndarray
    shot: int

    def support(self):
        return self.part(slice(None, self.shot))

    def query(self):
        return self.part(slice(self.shot, None))

    def part(self, places):
        """(images, labels) of some places of every class."""
        chosen = self.images[:, places]
        xp = array_module(chosen)
        return chosen.reshape(-1, *chosen.shape[2:]), xp.repeat(xp.arange(len(chosen)), chosen.shape[1])


def adapt(network, theta, task, steps, alpha):
    """[theta_0, ..., theta_S]: gradient descent on the task's support."""
    path = [theta]
    for _ in range(steps):
        by_theta, _ = gradient(network, path[-1], *task.support())
        path.append(path[-1] - alpha * by_theta)
    return path


def first_order(network, theta, task, steps, alpha):
    """grad L_query(theta_S), and L_query(theta_S)."""
    return gradient(network, adapt(network, theta, task, steps, alpha)[-1], *task.query())


def second_order(network, theta, task, steps, alpha):
    """The gradient of L_query(theta_S) by theta, and that loss: backwards through the steps, v <- v - alpha H v."""
    *path, last = adapt(network, theta, task, steps, alpha)
    v, loss = gradient(network, last, *task.query())
    for theta_k in reversed(path):
        v = v - alpha * hessian_times(network, theta_k, *task.support(), v)
    return v, loss


def reptile(network, theta, task, steps, alpha):
    """(theta - theta_S) / (alpha S), the mean of the S gradients, and the mean of their losses; step k is on the task's
    k-th image of every class, round and round."""
    at, total = theta, 0.0
    for step in range(steps):
        place = step % task.images.shape[1]
        by_theta, loss = gradient(network, at, *task.part(slice(place, place + 1)))
        at, total = at - alpha * by_theta, total + loss
    return (theta - at) / (alpha * steps), total / steps


METHODS = {"maml": second_order, "fomaml": first_order, "reptile": reptile}


def scores(network, theta, task, steps, alpha):
    """Scores of the task's queries (N (M - K), N) after adaptation."""
    put_weights(network, adapt(network, theta, task, steps, alpha)[-1])
    images, _ = task.query()
    s = network.forward(images)
    network.forget()
    return s
