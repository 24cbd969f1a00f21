"""The checkpoint that a run starts from: its weights, made to fit another network's images and loss."""

from pathlib import Path

from minisiamese import checkpoint
from minisiamese.errors import BadInput

PRETRAINED = Path(__file__).parent.with_name("pretrained.npz")  # the network that comes with the package


def checkpoint_of(run):
    """The checkpoint file that a run folder, a checkpoint's own path, or "pretrained" stands for; BadInput if there is
    none."""
    path = PRETRAINED if str(run) == "pretrained" else Path(run)
    path = path / "best.npz" if path.is_dir() else path
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a run folder that 'python -m minisiamese.train' made")
    return path


def fill(network, run):
    """Copy the weights of ``run`` (see ``checkpoint_of``) into a network; BadInput, and nothing is changed, if they are
    those of another architecture.

    A head's weights are copied if both networks have some: the losses on distances have none, and a learned head then
    starts as it always does. ``fit_channels`` makes the first convolution fit grey images or those in colour.
    """
    path, targets = checkpoint_of(run), network.arrays()
    arrays, _ = checkpoint.load(path)
    theirs, ours = ({name for name in each if name.startswith("head.")} for each in (arrays, targets))
    if not (theirs and ours):
        arrays = {name: array for name, array in arrays.items() if name not in theirs}
        targets = {name: array for name, array in targets.items() if name not in ours}
    checkpoint.restore(targets, fit_channels(arrays, targets), path)


def fit_channels(arrays, targets):
    """{name: array} of a network, made one of as many channels, 1 or 3, as ``targets`` have, {name: array} of another;
    it sees a grey picture as it did before. Arrays that do not differ so are as they were.

    Grey is kept as the negative, ink bright, and colour as it is. With g a grey picture, a = W * (1 - g) + b becomes
    a = -W * g + (b + sum W), where the weights W (K, K, C, O) of the first convolution are summed over the channels, or
    a third of them is taken thrice; a batch norm's stored mean takes the place of -b. At the edge, where 0 lies outside
    the picture both as paper and as black, it is not the same. On icons in colour, on white, a network of Omniglot was
    right in 30 % of 12-way trials so, and in 19 % with W as it was (after 100 steps: 85 % and 79 %).
    """
    name = next(name for name, array in targets.items() if array.ndim == 4)
    W, channels = arrays.get(name), targets[name].shape[2]
    if W is None or W.ndim != 4 or W.shape[2] == channels:
        return arrays
    fitted = {name: -W.sum(axis=2, keepdims=True).repeat(channels, axis=2) / channels}
    layer, total = name.removesuffix("W"), W.sum(axis=(0, 1, 2))
    if f"{layer}b" in arrays:
        fitted[f"{layer}b"] = arrays[f"{layer}b"] + total
    elif (mean := f"{layer.removesuffix('conv.')}norm.mean") in arrays:
        fitted[mean] = arrays[mean] - total
    return arrays | fitted
