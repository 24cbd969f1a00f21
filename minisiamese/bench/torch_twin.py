"""The same network, loss and update in PyTorch, for the bench and the tests to compare ours with; nothing else."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from minisiamese.backbones.residual import GlobalAveragePool, Residual
from minisiamese.backbones.resnet import MEAN, STD, Standardise, StridedMaxPool2D
from minisiamese.convolution import Conv2D
from minisiamese.layers import BatchNorm, Flatten, Linear, ReLU, Sequential, Sigmoid
from minisiamese.memory import MMAP_MAX, TRIM_THRESHOLD, mallopt
from minisiamese.pooling import MaxPool2D

AT_A_TIME = 50  # images that are embedded at a time
LARGEST = 512 << 20  # bytes of the differences of all pairs above which making them all takes more time
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

    def loss(self, images, batch, scores=None):
        """The loss of a batch of pairs (binary cross-entropy) or of an episode (the N-way task), by ``gathered`` scores
        or by others of this form."""
        s = (scores or gathered(batch))(self, self.twin(images))
        if batch.tasks is None:
            return F.binary_cross_entropy_with_logits(s, batch.same)
        return F.cross_entropy(s, batch.target)

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


def gathered(batch):
    """The scores of a batch as a function of the twin and its embeddings: of its pairs, one by one, or in its tasks."""

    def scores(twin, z):
        s = (z[batch.pairs[:, 0]] - z[batch.pairs[:, 1]]).abs() @ twin.alpha + twin.b
        return s if batch.tasks is None else s[batch.tasks]

    return scores


def broadcast(batch):
    """The same in fewer steps: for the tasks of an episode the scores of all pairs of embeddings at once, as long as
    their differences take no more than ``LARGEST`` bytes."""
    if batch.tasks is None:
        return gathered(batch)
    a, b = batch.pairs[batch.tasks].unbind(-1)

    def scores(twin, z):
        if len(z) * z.nbytes > LARGEST:
            return gathered(batch)(twin, z)
        return ((z[:, None] - z[None]).abs() @ twin.alpha + twin.b)[a, b]

    return scores


def tensors(batch, device="cpu"):
    """A batch whose tuples are PyTorch's."""
    parts = {key: getattr(batch, key) for key in ("pairs", "same", "tasks", "target")}
    return replace(batch, **{key: torch.tensor(part, device=device) for key, part in parts.items() if part is not None})


def set_memory(peer):
    """Set glibc's memory as it is by itself (default), or as is best for PyTorch: all of it kept when it is freed.

    Our own package has set it for NumPy. By itself, where arrays are large, glibc comes to give back what is free above
    64 MiB.
    """
    if peer == "default":
        mallopt(TRIM_THRESHOLD, 64 << 20)
    else:
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, -1)


def step_of(twin, images, batch, optimizer, rate, peer="default", device="cpu"):
    """A function that does one training step with "momentum" or "adam", as a peer does it.

    "default" is PyTorch as its tutorials use it; "tuned" has one kernel for the whole update, and the scores of an
    episode by ``broadcast``; "compiled" is tuned and goes through ``torch.compile``.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # cuDNN's is on if nobody asks
    torch.backends.cudnn.benchmark = True  # it tries all its ways in the first step, and takes the fastest
    twin, fused = twin.to(device), True if peer != "default" else None
    if optimizer == "momentum":
        update = torch.optim.SGD(twin.parameters(), rate, momentum=0.9, fused=fused)
    else:
        update = torch.optim.Adam(twin.parameters(), rate, fused=fused)
    images, batch = twin.images(images).to(device), tensors(batch, device)
    scores = gathered(batch) if peer == "default" else broadcast(batch)
    loss_of = torch.compile(twin.loss) if peer == "compiled" else twin.loss

    def step():
        update.zero_grad()
        loss = loss_of(images, batch, scores)
        loss.backward()
        update.step()
        return loss.item()

    if device == "cuda":
        step()
        torch.cuda.empty_cache()  # the memory of cuDNN's trials
        torch.cuda.reset_peak_memory_stats()
    return step


def fold(module):
    """A module for evaluation with each batch norm folded into the convolution before it."""
    if isinstance(module, TorchResidual):
        return TorchResidual(fold(module.body), module.shortcut and fold(module.shortcut))
    if not isinstance(module, nn.Sequential):
        return module
    folded = []
    for each in map(fold, module):
        if isinstance(each, nn.BatchNorm2d) and folded and isinstance(folded[-1], nn.Conv2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], each)
        else:
            folded.append(each)
    return nn.Sequential(*folded)


def embedding_of(twin, views, peer="default"):
    """A function that embeds the images of ``views``, ``AT_A_TIME`` at a time; "tuned" and "compiled" with each batch
    norm folded into the convolution before it."""
    embed = None

    @torch.inference_mode()
    def embeddings():
        nonlocal embed
        if not embed:  # after the training steps
            twin.eval()
            embed = twin.twin if peer == "default" else fold(twin.twin)
            embed = torch.compile(embed) if peer == "compiled" else embed
        count = len(views.images)
        for start in range(0, count, AT_A_TIME):
            embed(twin.images(views(np.arange(start, min(start + AT_A_TIME, count)))))

    return embeddings
