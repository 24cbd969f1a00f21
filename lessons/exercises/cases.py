"""Cases for the tasks: a function called on inputs of several sizes, types and layouts; a layer's two passes; errors;
an optimiser's steps; and what is computed on the double of CuPy."""

import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from lessons.exercises.task import COMMON, Case
from minisiamese.layers import Linear

SPREAD = "of arrays that lie otherwise in memory (axes swapped, parts of larger ones)"


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def array(*values):
    return np.array(values, float)


def numbers(*shape):
    """0, 1, 2, ... as floats, so that each place can be told from the others by eye."""
    return np.arange(np.prod(shape), dtype=float).reshape(shape)


# --- functions --------------------------------------------------------------------------------------------------------


def calls(function, results, inputs, part="", tolerance=1e-9, floats=True, layouts=True, device=""):
    """Cases that call a function on each of some inputs, the smallest first: as they are; then as float32; then lying
    otherwise in memory; then, with ``device``, on the double of CuPy.

    function is a name, "im2col", or ("head.gradient", answer -> the callable). results are the names of what it
    returns. inputs are (rule, -> {argument: value}), with the key of the rule that an answer breaks if it fails there;
    arguments are given by position. floats=False leaves out float32 (it takes no floats, or its own type is fixed),
    layouts=False the other layouts; device is the key of the rule on devices.
    """
    name, get = function if isinstance(function, tuple) else (function, lambda answer: getattr(answer, function))
    made = []
    for rule, arguments in inputs:
        run = _caller(get, results, arguments, twice=True)
        made.append(Case(name, run, rule, part, tolerance, arguments))
    for _, arguments in inputs:
        if floats and any(_is_float(value) for value in arguments().values()):
            single = _each(arguments, lambda a: a.astype(np.float32) if _is_float(a) else a)
            run = _caller(get, results, single)
            made.append(Case(f"{name}, in float32", run, "dtype", part, max(tolerance, 2e-5), single))
    for _, arguments in inputs:
        if layouts and any(isinstance(value, np.ndarray) for value in arguments().values()):
            spread, title = _each(arguments, _spread), f"{name}, {SPREAD}"
            made.append(Case(title, _caller(get, results, spread), "layout", part, tolerance, spread))
    if device:
        for _, arguments in inputs:
            single = _each(arguments, lambda a: a.astype(np.float32) if _is_float(a) else a)
            run = on_device(get, results, single)
            made.append(Case(f"{name}, on the device", run, device, part, max(tolerance, 2e-5), single))
    return made


def told_apart(cases, rules):
    """The cases, each as one for each rule: rules are {key: names of results}, and "" keeps the case's own."""
    found = []
    for case in cases:
        if case.rule in COMMON:
            found.append(case)
            continue
        for rule, names in rules.items():

            def run(answer, whole=case.run, names=names):
                return {name: value for name, value in whole(answer).items() if name.startswith(names)}

            found.append(replace(case, run=run, rule=rule or case.rule))
    return found


def called(function, results, arguments):
    """{name: value} of one call: the results, and the arrays among the arguments as they are after it."""
    values = function(*arguments.values())
    after = {f"{name} as it was": value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    return named(values, results) | after


def named(values, results):
    """{name: value} of what a function returned; of several results, how many there are comes first."""
    if len(results) == 1:
        return {results[0]: values}
    count = len(values) if isinstance(values, (tuple, list)) else 1
    given = dict(zip(results, values, strict=True)) if count == len(results) else {}
    return {"how many values it returns (exactly)": count, **given}


def _caller(get, results, arguments, twice=False):
    def run(answer):
        function = get(answer)
        found = called(function, results, arguments())
        if twice:
            again = named(get(answer)(*arguments().values()), results)
            found |= {f"{name} of a second call": value for name, value in again.items() if name in results}
        return found

    return run


def _each(arguments, change):
    return lambda: {
        name: change(value) if isinstance(value, np.ndarray) else value for name, value in arguments().items()
    }


def _is_float(value):
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def _spread(a):
    """The same values as every second element of a larger array, whose axes lie in memory the other way round."""
    if not a.ndim:
        return a
    larger = np.zeros([2 * length for length in a.shape], a.dtype, order="F")
    larger += np.array(7, a.dtype)
    part = larger[tuple(slice(None, None, 2) for _ in a.shape)]
    part[...] = a
    return part


# --- errors -----------------------------------------------------------------------------------------------------------


def raises(error, function):
    """{what happens: the error's name}, or what else the call does."""
    try:
        function()
    except error:
        return {"what happens": f"{error.__name__} is raised"}
    except NotImplementedError:
        raise
    except Exception as other:
        return {"what happens": f"{type(other).__name__} is raised"}
    return {"what happens": "no error is raised"}


# --- layers -----------------------------------------------------------------------------------------------------------


def passes(name, make, inputs, parts=("", ""), rules=None):
    """Cases for both passes of a layer's class, on each of some inputs, the smallest first.

    inputs are (rule, -> {"x": x, "dy": dy, and the layer's parameters by name}), with the key of the rule that an
    answer breaks if it fails there, or "" for those of the passes. make(answer, given) builds the layer, which then
    gets the parameters. parts are those of forward and of backward. rules are the keys that the stub has in place of
    "forward", "backward", "keep" (what ``self.keep`` and ``self.take`` are for) and, with parameters, "adds" (to
    ``self.grads``).
    """
    rule, made = rules or {}, []

    def add(title, run, broken, given, tolerance=1e-9):
        forward = title.startswith("forward")

        def shown():
            return {key: value for key, value in given().items() if key != "dy" or not forward}

        def called(answer):
            arguments = given()
            return run(lambda: _layer(make(answer, arguments), arguments), arguments["x"], arguments["dy"])

        part = parts[0] if forward else parts[1]
        made.append(Case(f"{name}.{title}", called, rule.get(broken, broken), part, tolerance, shown))

    for place, run in (("forward", _forward), ("backward", _backward)):
        for broken, given in inputs:
            add(place, run, broken or place, given)
    given = inputs[-1][1]
    if given().keys() - {"x", "dy"}:
        add("backward after a backward", _adds, "adds", given)
    add("forward, with train=False", _untrained, "keep", given)
    add("backward and forward out of turn", _out_of_turn, "keep", given)
    add("forward, with its argument", _x_after, "unchanged", given)
    add("backward, with its argument", _dy_after, "unchanged", given)
    add("forward, again", _forward_again, "again", given)
    add("backward, again", _backward_again, "again", given)
    for _, given in inputs:
        single = _each(given, lambda a: a.astype(np.float32))
        add("forward, in float32", _forward, "dtype", single, 2e-5)
        add("backward, in float32", _backward, "dtype", single, 2e-5)
    spread = _each(inputs[-1][1], _spread)
    add(f"forward, {SPREAD}", _forward, "layout", spread)
    add(f"backward, {SPREAD}", _backward, "layout", spread)
    return made


def _layer(layer, given):
    """The layer with the parameters that are given, and gradients of 0, of the type of x."""
    for key, gradient in layer.grads.items():
        layer.params[key] = given[key].astype(given["x"].dtype)
        layer.grads[key] = np.zeros(gradient.shape, given["x"].dtype)
    return layer


def _gradients(layer):
    return {f"self.grads['{key}']": gradient for key, gradient in layer.grads.items()}


def _forward(new, x, dy):
    return {"y": new().forward(x)}


def _untrained(new, x, dy):
    return {"y": new().forward(x, False)}


def _backward(new, x, dy):
    layer = new()
    layer.forward(x)
    return {"dx": layer.backward(dy), **_gradients(layer)}


def _adds(new, x, dy):
    """A second pass adds to the gradients; the parameters stay."""
    layer = new()
    for _ in range(2):
        layer.forward(x)
        layer.backward(dy)
    found = {f"{key} after two passes": gradient for key, gradient in _gradients(layer).items()}
    return found | {f"self.params['{key}'] after the passes": value for key, value in layer.params.items()}


def _out_of_turn(new, x, dy):
    """Two forwards with no backward between them, and a backward without a forward, are errors of keep and take; what
    forward(x, train=False) and another layer do between the two passes is of no matter to backward."""
    layer, other = new(), new()
    layer.forward(x)
    found = {
        "what happens at a second forward(x) without a backward": raises(RuntimeError, lambda: layer.forward(x)),
        "what happens at a second backward(dy) for one forward": raises(
            RuntimeError, lambda: [layer.backward(dy), layer.backward(dy)]
        ),
    }
    layer.forget()
    layer.forward(x, False)
    found["what happens at a backward(dy) after forward(x, train=False)"] = raises(
        RuntimeError, lambda: layer.backward(dy)
    )
    layer.forget()
    layer.forward(x)
    layer.forward(2 * x + 1, False)
    other.forward(1 - x)
    return {key: value["what happens"] for key, value in found.items()} | {
        "dx, where forward(z, train=False) and another layer's forward(z) came between": layer.backward(dy)
    }


def _x_after(new, x, dy):
    new().forward(x)
    return {"x as it was": x}


def _dy_after(new, x, dy):
    layer = new()
    layer.forward(x)
    layer.backward(dy)
    return {"dy as it was": dy, "x as it was": x}


def _forward_again(new, x, dy):
    layer = new()
    layer.forward(x.copy())
    layer.forget()
    return {"y of a second forward": layer.forward(x.copy())}


def _backward_again(new, x, dy):
    layer = new()
    for _ in range(2):
        layer.forward(x.copy())
        dx = layer.backward(dy.copy())
    return {"dx of a second backward": dx}


# --- optimisers -------------------------------------------------------------------------------------------------------


def a_layer(seed=0):
    """A layer for an optimiser to be made of, in float64, with gradients."""
    layer = Linear(3, 2, np.random.default_rng(seed)).astype(float)
    for place, key in enumerate(layer.params):
        layer.grads[key] += normal(seed + place, *layer.params[key].shape)
    return layer


def steps_of(name, slots, rule, **options):
    """A case of two steps of an optimiser on a layer, by way of ``step`` of its base."""

    def run(answer):
        layer = a_layer()
        optimizer = getattr(answer, name)(layer, **options)
        optimizer.step(0.1)
        optimizer.step(0.05)
        state = {f"{slot} of W": optimizer.state[f"{slot}..W"] for slot in slots}
        return state | {key: layer.params[key] for key in layer.params}

    return Case(f"{name}.step, which calls update for W and b of a layer, twice", run, rule)


# --- the double of CuPy -----------------------------------------------------------------------------------------------


@contextmanager
def the_double():
    """``import cupy`` finds the double meanwhile; gives its module."""
    from lessons import cupy_double

    before = {name: sys.modules.get(name) for name in cupy_double.MODULES}
    sys.modules.update(cupy_double.MODULES)
    try:
        yield cupy_double
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def on_device(get, results, arguments):
    """A case's run with all arrays on the device: the results, copied back, and how often the answer read something."""

    def run(answer):
        with the_double() as double:
            arrays = {
                name: double.cupy.asarray(value) if isinstance(value, np.ndarray) else value
                for name, value in arguments().items()
            }
            function, before = get(answer), double.copies()
            found = named(function(*arrays.values()), results)
            read = double.copies() - before
            return {
                "how often something was read back from the device (exactly)": read,
                **{name: from_device(value, double) for name, value in found.items()},
            }

    return run


def from_device(value, double):
    if isinstance(value, double.ndarray):
        return value.get()
    if isinstance(value, (np.ndarray, np.generic, int, float)):
        return f"on the host, a {type(value).__name__}"
    return value


# --- mistakes ---------------------------------------------------------------------------------------------------------


def changed(text, changes):
    """A text with (old, new, old, new, ...) changed."""
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if old not in text:
            raise ValueError(f"there is no {old!r} to change")
        text = text.replace(old, new)
    return text
