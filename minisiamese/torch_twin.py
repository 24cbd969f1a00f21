"""The same network, loss and update in PyTorch, for ``bench.py`` and the tests to compare ours with; nothing else."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from minisiamese.block import Block
from minisiamese.layers import Flatten, Linear, Sigmoid

FORMATS = {"first": torch.contiguous_format, "last": torch.channels_last}


class TorchTwin(nn.Module):
    """A ``Siamese`` with an L1 head, with copies of its very weights; ``channels`` is "first" or "last"."""

    def __init__(self, network, channels="first"):
        super().__init__()
        self.names = {layer: name for name, layer in network.walk()}
        self.shared = {}  # our name: PyTorch's parameter, the order of our axes in it
        modules = [module for layer in network.twin.layers for module in self._modules_of(layer)]
        self.format = FORMATS[channels]
        self.alpha = self._share(network.head, "alpha", nn.Parameter(torch.empty(network.head.params["alpha"].shape)))
        self.b = self._share(network.head, "b", nn.Parameter(torch.empty(1)))
        self.twin = nn.Sequential(*modules)
        self.to(torch.tensor(network.head.params["alpha"]).dtype).to(memory_format=self.format)
        with torch.no_grad():
            for name, array in network.arrays().items():
                if name in self.shared:  # and not a buffer, which starts as PyTorch's
                    parameter, axes = self.shared[name]
                    parameter.copy_(torch.from_numpy(array).permute(axes))
        del self.names

    def _share(self, layer, key, parameter, axes=(0,)):
        self.shared[f"{self.names[layer]}.{key}"] = parameter, axes
        return parameter

    def _modules_of(self, layer):
        """What PyTorch calls a layer of ours."""
        if isinstance(layer, Block):
            conv, norm = layer.conv, layer.norm
            K, _, C, O = conv.params["W"].shape
            yield (module := nn.Conv2d(C, O, K, conv.stride, conv.padding, bias="b" in conv.params))
            self._share(conv, "W", module.weight, (3, 2, 0, 1))
            if "b" in conv.params:
                self._share(conv, "b", module.bias)
            if norm:
                yield (module := nn.BatchNorm2d(O, norm.eps, 1 - norm.momentum))
                self._share(norm, "gamma", module.weight)
                self._share(norm, "beta", module.bias)
            yield nn.ReLU()
            if layer.window > 1:
                yield nn.MaxPool2d(layer.window)
        elif isinstance(layer, Linear):
            yield (module := nn.Linear(*layer.params["W"].shape))
            self._share(layer, "W", module.weight, (1, 0))
            self._share(layer, "b", module.bias)
        else:
            yield {Flatten: FlattenChannelsLast, Sigmoid: nn.Sigmoid}[type(layer)]()

    def images(self, images):
        """Our images, (N, H, W, C), as this network takes them. Cloned, as ``contiguous`` leaves images of one channel,
        which are in both formats, with the strides of the other, and PyTorch then goes on in that one."""
        return torch.tensor(images).permute(0, 3, 1, 2).clone(memory_format=self.format)

    def loss(self, images, batch):
        """The loss of a batch of pairs (binary cross-entropy) or of an episode (the N-way task)."""
        z = self.twin(images)
        s = (z[batch.pairs[:, 0]] - z[batch.pairs[:, 1]]).abs() @ self.alpha + self.b
        if batch.tasks is None:
            return F.binary_cross_entropy_with_logits(s, batch.same)
        return F.cross_entropy(s[batch.tasks], batch.target)

    def gradients(self):
        """{our name: gradient in the order of our axes} of every parameter."""
        return {
            name: parameter.grad.permute(sorted(range(len(axes)), key=axes.__getitem__)).numpy()
            for name, (parameter, axes) in self.shared.items()
        }


class FlattenChannelsLast(nn.Module):
    """(N, C, H, W) to (N, H*W*C), the order of our features."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def tensors(batch, device="cpu"):
    """A batch whose tuples are PyTorch's."""
    parts = {key: getattr(batch, key) for key in ("pairs", "same", "tasks", "target")}
    return replace(batch, **{key: torch.tensor(part, device=device) for key, part in parts.items() if part is not None})


def step_of(twin, images, batch, optimizer, rate, threads, device="cpu"):
    """A function that does one training step with "momentum" or "adam"."""
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # cuDNN's is on if nobody asks
    torch.backends.cudnn.benchmark = True  # it tries all its ways in the first step, and takes the fastest
    twin = twin.to(device)
    if optimizer == "momentum":
        update = torch.optim.SGD(twin.parameters(), rate, momentum=0.9)
    else:
        update = torch.optim.Adam(twin.parameters(), rate)
    images, batch = twin.images(images).to(device), tensors(batch, device)

    def step():
        update.zero_grad()
        loss = twin.loss(images, batch)
        loss.backward()
        update.step()
        return loss.item()

    if device == "cuda":
        step()
        torch.cuda.empty_cache()  # of what cuDNN's trials took
        torch.cuda.reset_peak_memory_stats()
    return step
