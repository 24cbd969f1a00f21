"""Probes of layers, convolutions, heads and losses: see ``probes.py``."""

import numpy as np

from minisiamese import convolution, layers, losses, pooling, siamese
from minisiamese.fast import fourier

Y = np.array([1, 0, 1, 0, 0, 1])
D = np.array([0.3, 0.4, 1.7, 2.2, 0.9, 0.6])


def rng():
    return np.random.default_rng(7)


def called(function, arguments, results):
    """Results by name, and the arguments as they were left."""
    values = function(*arguments.values())
    if values is None:
        raise ValueError("it returns None: is there a return?")
    if len(results) == 1:
        values = (values,)
    elif not isinstance(values, tuple | list):
        raise ValueError(f"it returns one value, and {len(results)} are asked for: {', '.join(results)}")
    if len(values) != len(results):
        raise ValueError(f"it returns {len(values)} values, and {len(results)} are asked for: {', '.join(results)}")
    left = {f"{name} as it was": value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    return left | dict(zip(results, values, strict=True))


def passes(layer, x):
    """Both passes of a layer, with a random gradient from above; then both again, for what adds up."""
    layer.astype(np.float64)
    y = layer.forward(x)
    dy = rng().normal(size=np.shape(y))
    x_before, dy_before = x.copy(), dy.copy()
    dx = layer.backward(dy)
    results = {"x as it was": x.copy(), "dy as it was": dy.copy(), "forward's y": y, "backward's dx": dx}
    results |= {f"grads['{key}']": gradient.copy() for key, gradient in layer.grads.items()}
    x[...], dy[...] = x_before, dy_before
    layer.forward(x)
    layer.backward(dy)
    return results | {f"grads['{key}'] after a second pass": gradient for key, gradient in layer.grads.items()}


def im2col():
    x = rng().normal(size=(2, 5, 6, 3))
    results = called(convolution.im2col, {"x": x, "kernel": 3, "stride": 2}, ["columns of stride 2"])
    return results | {"columns of stride 1": convolution.im2col(x, 2)}


def col2im():
    columns = rng().normal(size=(2 * 3 * 4, 3 * 3 * 2))
    arguments = {"columns": columns, "shape": (2, 5, 6, 2), "kernel": 3, "stride": 1}
    results = called(convolution.col2im, arguments, ["x of stride 1"])
    return results | {"x of stride 2": convolution.col2im(columns[:8], (2, 5, 6, 2), 3, 2)}


def _convolution():
    draw = rng()
    return draw.normal(size=(3, 6, 7, 2)), draw.normal(size=(3, 3, 2, 4))


def convolve():
    results = {}
    for stride, padding in ((1, 0), (2, 1)):
        x, W = _convolution()
        arguments = {"x": x, "W": W, "stride": stride, "padding": padding}
        results |= called(convolution.convolve, arguments, [f"y of stride {stride}, padding {padding}"])
    return results


def convolve_backward():
    results = {}
    for stride, padding in ((1, 0), (2, 1)):
        x, W = _convolution()
        shape = convolution.output_shape(x.shape, W.shape, stride, padding)
        dy = np.random.default_rng(8).normal(size=shape)
        arguments = {"x": x, "W": W, "dy": dy, "stride": stride, "padding": padding}
        names = [f"{name} of stride {stride}, padding {padding}" for name in ("dx", "dW")]
        results |= called(convolution.convolve_backward, arguments, names)
    return results


def linear():
    return passes(layers.Linear(5, 3, rng(), bias=(0, 1)), rng().normal(size=(4, 5)))


def relu():
    x = rng().normal(size=(4, 5))
    x[1, 2] = 0
    return passes(layers.ReLU(), x)


def sigmoid():
    return {"sigmoid": layers.sigmoid(np.array([-800.0, -1, 0, 2, 800]))} | passes(
        layers.Sigmoid(), rng().normal(size=(4, 5))
    )


def _pooled():
    x = rng().normal(size=(2, 5, 7, 2))
    x[0, :4, :4] = 1  # ties
    return x


def max_pool():
    results = called(pooling.max_pool, {"x": _pooled(), "window": 2}, ["y", "winner"])
    y, winner = pooling.max_pool(_pooled(), 3)
    results |= {"y of window 3": y, "winner of window 3": winner}
    best, which = pooling.largest([np.array(part) for part in ([1.0, 2, 3, 4], [1.0, 5, 3, 0], [2.0, 5, 0, 4])])
    return results | {"largest, the maximum": best, "largest, the number of the first that has it": which}


def unpool():
    x, results = _pooled(), {}
    for window in (2, 3):
        draw = np.random.default_rng(9)
        dy = draw.normal(size=(2, 5 // window, 7 // window, 2))
        winner = draw.integers(0, window * window, dy.shape).astype(np.uint8)
        arguments = {"dy": dy, "winner": winner, "shape": x.shape, "window": window}
        results |= called(pooling.unpool, arguments, [f"dx of window {window}"])
    return results


def _head(bias=True):
    return siamese.L1Head(4, alpha=rng().normal(size=4), bias=bias).astype(np.float64)


def _differences():
    difference = np.random.default_rng(3).normal(size=(5, 4))
    difference[2] = 0
    return difference


def l1_score():
    head = _head()
    head.params["b"][:] = 3
    results = called(head.score, {"difference": _differences()}, ["s"])
    return results | {"s without a bias": _head(bias=False).score(_differences())}


def l1_gradient():
    arguments = {"difference": _differences(), "ds": np.random.default_rng(4).normal(size=5)}
    results = called(_head().gradient, arguments, ["ddifference", "dalpha and db"])
    _, dalpha = _head(bias=False).gradient(*arguments.values())
    return results | {"dalpha without a bias": dalpha}


def bce():
    s = 3 * rng().normal(size=6)
    results = called(losses.bce, {"s": s, "y": Y.copy()}, ["loss", "ds"])
    loss, ds = losses.bce(np.array([800.0, -800.0]), np.array([0, 1]))
    return results | {"loss of hopeless logits": loss, "ds of hopeless logits": ds}


def contrastive():
    return called(losses.contrastive, {"d": D.copy(), "y": Y.copy(), "margin": 1.0}, ["loss", "dd"])


def triplet():
    d_ap, d_an, found = np.array([0.5, 1.0, 2.0, 0.1, 3.0]), np.array([0.7, 3.0, 1.0, 0.5, 2.5]), Y[:5] == 0
    names = ["loss", "dd_ap", "dd_an"]
    results = called(losses.triplet, {"d_ap": d_ap, "d_an": d_an, "margin": 1.0}, names)
    some = losses.triplet(d_ap, d_an, 1.0, found)
    results |= {f"{name} of those found": value for name, value in zip(names, some, strict=True)}
    none = losses.triplet(d_ap, d_an, 1.0, np.zeros(5, bool))
    results |= {f"{name} of none found": value for name, value in zip(names, none, strict=True)}
    empty = losses.triplet(np.zeros(0), np.zeros(0))
    return results | {f"{name} without triplets": value for name, value in zip(names, empty, strict=True)}


def transform():
    results = {}
    for stride, padding, half in ((1, 0, True), (2, 1, True), (1, 1, False)):
        matrices = fourier.transform(np, 6, 3, stride, padding, half, np.dtype(float))
        for name, matrix in zip(("image", "kernel", "back"), matrices, strict=True):
            results[f"the {name} matrix (stride {stride}, padding {padding}, half={half})"] = matrix
    return results


def _plan():
    x, weights = _convolution()
    made = fourier.Plan(x, weights, 1, 0)
    made.X[...], made.Y[...] = np.nan, np.nan
    return made, x


def plan():
    made, x = _plan()
    made.rows(x)
    us = slice(1, 3)
    return {"x as it was": x, "X after rows": made.X, "columns": made.columns(us), "blocks": made.blocks(us)}


def product():
    made, x = _plan()
    made.rows(x)
    for us in (slice(0, 1), slice(1, made.U)):
        made.product(us)
    return {"Y after product": made.Y, "y of two images": made.finish(slice(1, 3))}


def product_backward():
    made, x = _plan()
    made.rows(x)
    dy, dkernel = np.random.default_rng(8).normal(size=(3, made.Ho, made.Wo, made.O)), np.full_like(made.kernel, np.nan)
    for rows in (slice(0, 1), slice(1, 3)):
        made.start_backward(rows, dy[rows])
    results = {"dy as it was": dy, "Y after start_backward": made.Y.copy()}
    made.product_backward(slice(0, 1), dkernel, input_gradient=False)
    results |= {"dkernel": dkernel[:1].copy(), "X without input_gradient": made.X.copy()}
    for us in (slice(0, 2), slice(2, made.U)):
        made.product_backward(us, dkernel)
    results |= {"dkernel of all frequencies": dkernel, "X after product_backward": made.X}
    return results | {"dx of two images": made.finish_backward(slice(1, 3))}


def n_way():
    scores, target = rng().normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    results = called(losses.n_way, {"s": scores, "target": target}, ["loss", "ds"])
    loss, ds = losses.n_way(np.array([[1e5, 0.0], [-1e5, -1e5]]), np.array([1, 0]))
    return results | {"loss of scores of 100,000": loss, "ds of scores of 100,000": ds}


def distance_gradient():
    results = {}
    for squared in (False, True):
        ds = np.random.default_rng(4).normal(size=5)
        arguments = {"difference": _differences(), "ds": ds}
        names = [f"ddifference (squared={squared})", f"dparams (squared={squared})"]
        results |= called(siamese.DistanceHead(squared).gradient, arguments, names)
    return results


def prototypical():
    draw = rng()
    arguments = {"queries": draw.normal(size=(5, 3)), "supports": draw.normal(size=(4, 2, 3))}
    arguments["target"] = np.array([0, 3, 1, 1, 2])
    return called(losses.prototypical, arguments, ["loss", "dqueries", "dsupports"])
