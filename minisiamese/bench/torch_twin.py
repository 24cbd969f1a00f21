"""The same network, loss and update in PyTorch, for the bench and the tests to compare ours with; nothing else."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from minisiamese.backbones.residual import GlobalAveragePool, Residual
from minisiamese.backbones.resnet import MEAN, STD, Standardise, StridedMaxPool2D
from minisiamese.convolution import Conv2D
from minisiamese.layers import BatchNorm, Flatten, Linear, ReLU, Sequential, Sigmoid
from minisiamese.pooling import MaxPool2D

FORMATS = {"first": torch.contiguous_format, "last": torch.channels_last}


class TorchTwin(nn.Module):
    """A plain ``Siamese`` with an L1 head, with copies of its very weights; ``channels`` is "first" or "last"."""

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
        """PyTorch's modules for one of our layers."""
        if isinstance(layer, Conv2D):
            K, _, C, O = layer.params["W"].shape
            yield (module := nn.Conv2d(C, O, K, layer.stride, layer.padding, bias="b" in layer.params))
            self._share(layer, "W", module.weight, (3, 2, 0, 1))
            if "b" in layer.params:
                self._share(layer, "b", module.bias)
        elif isinstance(layer, BatchNorm):
            yield (module := nn.BatchNorm2d(len(layer.params["beta"]), layer.eps, 1 - layer.momentum))
            self._share(layer, "gamma", module.weight)
            self._share(layer, "beta", module.bias)
        elif isinstance(layer, Linear):
            yield (module := nn.Linear(*layer.params["W"].shape))
            self._share(layer, "W", module.weight, (1, 0))
            self._share(layer, "b", module.bias)
        elif isinstance(layer, Sequential):
            yield nn.Sequential(*(module for each in layer.layers for module in self._modules_of(each)))
        elif isinstance(layer, Residual):
            yield TorchResidual(*(nn.Sequential(*self._modules_of(each)) for _, each in layer.children()))
        elif isinstance(layer, StridedMaxPool2D):
            yield nn.MaxPool2d(layer.window, layer.stride, layer.padding)
        elif isinstance(layer, MaxPool2D):
            yield nn.MaxPool2d(layer.window)
        elif isinstance(layer, Standardise):
            yield TorchStandardise(layer)
        else:
            others = {Flatten: FlattenChannelsLast, Sigmoid: nn.Sigmoid, ReLU: nn.ReLU, GlobalAveragePool: AveragePool}
            yield others[type(layer)]()

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


class AveragePool(nn.Module):
    """(N, C, H, W) to (N, C)."""

    def forward(self, x):
        return x.mean((2, 3))


class TorchResidual(nn.Module):
    """``residual.Residual``."""

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return F.relu(self.body(x) + (self.shortcut(x) if self.shortcut else x))


class TorchStandardise(nn.Module):
    """``resnet.Standardise``."""

    def __init__(self, layer):
        super().__init__()
        self.grey = layer.channels == 1
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64)[:, None, None])

    def forward(self, x):
        return ((1 - x if self.grey else x) - self.mean) / self.std


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
        torch.cuda.empty_cache()  # the memory of cuDNN's trials
        torch.cuda.reset_peak_memory_stats()
    return step
