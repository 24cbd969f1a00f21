"""Our networks are PyTorch's, to float32 rounding; and the benchmark says what it says."""

import json

import numpy as np
import pytest
import torch_reference

from minisiamese import bench
from minisiamese.networks import NETWORKS
from minisiamese.siamese import CRITERIA

# In float32 a rounding may choose another pixel of a pooling window that almost ties, which moves single numbers of a
# gradient by far more than a rounding: float64 shows that the functions are the same, float32 that nothing is lost.
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-2}


def ours(name, dtype):
    """Loss, gradients by name, and the network, of the problem that the reference was made from."""
    network, images, batch = torch_reference.problem(name, dtype)
    start = sum(abs(array).sum(dtype=float) for array in network.arrays().values())
    compute = CRITERIA[bench.CASES[name].loss].compute
    loss, dz = compute(network.head, network.forward(images), batch, None)
    network.backward(dz)
    gradients = {
        f"{layer_name}.{key}": grad for layer_name, layer in network.walk() for key, grad in layer.grads.items()
    }
    assert all(gradient.dtype == dtype for gradient in gradients.values())
    return start, float(loss), gradients, (network, images, batch)


def assert_close(got, expected, dtype, scale, what):
    """Within the tolerance, relative to the gradient's scale; conv4's last bias has no gradient but its rounding."""
    assert abs(got - expected).max() < TOLERANCE[dtype] * max(scale, 1e-4), what


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_gradients_are_those_that_pytorch_left(name, dtype):
    reference = json.loads(torch_reference.PATH.read_text())[name]
    start, loss, gradients, _ = ours(name, dtype)
    assert start == pytest.approx(reference["start"], rel=1e-9), "other weights: run tests/torch_reference.py again"
    assert loss == pytest.approx(reference["loss"], rel=1e-5 if dtype == np.float32 else 1e-11)
    assert gradients.keys() == reference["gradients"].keys()
    for key, gradient in gradients.items():
        expected, got = reference["gradients"][key], torch_reference.summary(gradient)
        scale = abs(gradient).max()
        assert_close(np.array(got["norm"]), expected["norm"], dtype, expected["norm"], key)
        assert_close(np.array(got["entries"]), np.array(expected["entries"]), dtype, scale, key)


@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_every_gradient_are_pytorchs(name, dtype, channels):
    pytest.importorskip("torch")
    from minisiamese.torch_twin import TorchTwin, tensors

    _, loss, gradients, (network, images, batch) = ours(name, dtype)
    twin = TorchTwin(network, channels)
    torch_loss = twin.loss(twin.images(images), tensors(batch))
    torch_loss.backward()
    assert loss == pytest.approx(float(torch_loss.detach()), rel=1e-5 if dtype == np.float32 else 1e-11)
    names = {id(layer): layer_name for layer_name, layer in network.walk()}
    compared = set()
    for layer, key, expected in twin.gradients():
        compared.add(f"{names[id(layer)]}.{key}")
        assert_close(layer.grads[key], expected, dtype, abs(expected).max(), key)
    assert compared == gradients.keys()
