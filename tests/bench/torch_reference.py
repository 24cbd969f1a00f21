"""Loss and gradients of both networks by PyTorch, in float64, for the suite to compare ours with without PyTorch.

    python tests/bench/torch_reference.py        # writes tests/bench/torch_reference.json

A gradient is stored as its norm and as ENTRIES of its numbers, evenly spread.
"""

import json
from pathlib import Path

import numpy as np

from minisiamese.bench.__main__ import CASES
from minisiamese.data.samplers import Batch

PATH = Path(__file__).with_suffix(".json")
ENTRIES = 40


def problem(name, dtype=np.float64):
    """A network, grey images without ties, and a small batch; its loss is that of the bench."""
    rng = np.random.default_rng(1)
    network = CASES[name].network(rng, "l1")
    for key, array in network.head.params.items():  # neither equal weights nor a bias of 0
        array += rng.uniform(-0.05, 0.05, array.shape).astype(np.float32) if key == "alpha" else np.float32(0.3)
    network.astype(dtype)
    images = rng.random((6, network.size, network.size, 1)).astype(dtype)
    pairs = np.array([[0, 3], [1, 4], [2, 5], [0, 5], [4, 2], [1, 1]])
    if name.startswith("koch"):
        return network, images, Batch(None, pairs, same=np.array([1, 0, 1, 0, 1, 0], dtype))
    tasks, target = np.array([[0, 1, 2], [3, 4, 0], [2, 1, 4]]), np.array([0, 2, 1])
    return network, images, Batch(None, pairs, tasks=tasks, target=target)


def summary(gradient):
    flat = np.asarray(gradient, np.float64).ravel()
    places = np.linspace(0, flat.size - 1, min(ENTRIES, flat.size)).astype(int)
    return {"norm": float(np.linalg.norm(flat)), "entries": flat[places].tolist()}


def main():
    from minisiamese.bench.torch_twin import TorchTwin, tensors

    reference = {}
    for name in ("koch", "conv4"):
        network, images, batch = problem(name)
        twin = TorchTwin(network)
        loss = twin.loss(twin.images(images), tensors(batch))
        loss.backward()
        gradients = {key: summary(gradient) for key, gradient in twin.gradients().items()}
        start = float(sum(abs(array).sum(dtype=float) for array in network.arrays().values()))
        reference[name] = {"start": start, "loss": float(loss.detach()), "gradients": gradients}
    PATH.write_text(json.dumps(reference, indent=1) + "\n")


if __name__ == "__main__":
    main()
