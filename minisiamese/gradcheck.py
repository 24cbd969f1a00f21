"""Check hand-written gradients against central finite differences.

>>> from minisiamese.gradcheck import check_layer
>>> check_layer(Linear(5, 3, rng), rng.normal(size=(4, 5)), rng)    # the largest relative error
"""

import numpy as np

from minisiamese.backend import array_module, to_host

STEP = 1e-5  # of the differences: their error is about STEP^2 by truncation and 1e-16 / STEP by rounding


def numerical_gradient(f, x, step=STEP):
    """df/dx of the scalar f(), which reads x: for every element (f at x + step - f at x - step) / (2 step). It is on
    the host, wherever x is."""
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        kept = float(x[i])
        x[i] = kept + step
        above = f()
        x[i] = kept - step
        below = f()
        x[i] = kept
        gradient[i] = (above - below) / (2 * step)
    return gradient


def relative_error(gradient, numerical):
    """The largest difference of two gradients over the largest element of the numerical one.

    Raises ValueError where the numerical gradient is all zero: such a check could not fail.
    """
    gradient = to_host(gradient)
    if gradient.shape != numerical.shape:
        raise ValueError(f"the gradient has shape {gradient.shape}, its variable {numerical.shape}")
    scale = np.abs(numerical).max(initial=0)
    if not scale > 1e-9:
        raise ValueError("the numerical gradient is all zero (to rounding), so this checks nothing")
    return float(np.abs(gradient - numerical).max() / scale)


def check_layer(layer, x, rng, *arguments):
    """The largest relative error of a layer's dx and parameter gradients, for a random gradient from above.

    The layer is moved to float64; x is float64; further arguments go to ``forward`` (the pairs of a head). The loss is
    sum(dy * y): with a random dy no sum cancels, as ones through a batch norm would.
    """
    layer.astype(np.float64)
    layer.zero_grad()
    y = layer.forward(x, *arguments)
    dy = array_module(y).asarray(rng.normal(size=y.shape))
    dx = layer.backward(dy)
    analytical = {"x": (x, dx)}
    for name, part in layer.walk():
        analytical |= {f"{name}.{key}": (part.params[key], part.grads[key].copy()) for key in part.params}
    errors = {}
    for name, (variable, gradient) in analytical.items():
        if gradient is not None:
            errors[name] = relative_error(
                gradient, numerical_gradient(lambda: _loss(layer, x, dy, arguments), variable)
            )
    return max(errors.values())


def _loss(layer, x, dy, arguments):
    """sum(dy * y) of a training pass whose cache is dropped: batch norm must see its batch, not stored statistics."""
    y = layer.forward(x, *arguments)
    layer.forget()
    return float((dy * y).sum())


def check_loss(loss, arguments, constants=()):
    """The largest relative error of the gradients that ``loss(*arguments, *constants)`` returns after its value."""
    gradients = loss(*arguments, *constants)[1:]
    if len(gradients) != len(arguments):
        raise ValueError(f"the loss returns {len(gradients)} gradients for {len(arguments)} arguments")
    return max(
        relative_error(gradient, numerical_gradient(lambda: float(loss(*arguments, *constants)[0]), argument))
        for argument, gradient in zip(arguments, gradients, strict=True)
    )
