"""ResNet-18 and VGG-16: PyTorch's values and gradients, its weights files, frozen blocks, and training with them."""

import json

import numpy as np
import pytest
from conftest import call
from PIL import Image

from minisiamese import checkpoint, plots
from minisiamese.backbones import published, resnet, vgg
from minisiamese.backend import to_host
from minisiamese.data.dataset import hold_out
from minisiamese.errors import BadInput
from minisiamese.evaluate import __main__ as evaluate
from minisiamese.fast.fuse import fuse
from minisiamese.runs.build import part_of
from minisiamese.runs.settings import Settings
from minisiamese.train import __main__ as train
from minisiamese.train import trainer
from minisiamese.train.trainer import Trainer

TWINS = {"resnet18": resnet.resnet18_twin, "vgg16": vgg.vgg16_twin}
BLOCKS = {"resnet18": resnet.BLOCKS, "vgg16": vgg.BLOCKS}


@pytest.fixture
def small(monkeypatch):
    """The same layers with fewer channels, and of 32 x 32 images."""
    for module in (resnet, vgg):
        monkeypatch.setattr(module, "SIZE", 32)
    monkeypatch.setattr(resnet, "WIDTHS", (64, 6, 8, 10))
    for module in (vgg, published):
        monkeypatch.setattr(module, "STAGES", ((3, 2), (4, 2), (5, 3), (6, 3), (7, 3)))
    monkeypatch.setattr(vgg, "FEATURES", 9)


def as_published(twin, rng):
    """Random weights for a twin, as torchvision names and arranges them, with what is passed over."""
    tensors = {}
    for name, array in twin.arrays().items():
        shape = published._published_shape(array.shape)
        tensor = rng.normal(0, 0.1, shape) if array.ndim > 1 else rng.uniform(0.5, 1, shape)
        tensors[published.published_name(name)] = tensor.astype(np.float32)
    return tensors | {"bn1.num_batches_tracked": np.int64(7), "fc.weight": rng.random((3, 4)), "fc.bias": rng.random(3)}


def test_weights_are_turned_to_our_axes(rng, small):
    """A convolution of torchvision is (O, C, K, K), a linear layer (M, D)."""
    twin = vgg.vgg16_twin(rng)
    tensors = as_published(twin, rng)
    published.fill(twin, tensors, "x.pth")
    (kernel,) = (array for name, array in twin.arrays().items() if name.startswith("features.0.") and array.ndim == 4)
    linear = twin.arrays()["classifier.3.W"]
    assert kernel[0, 2, 1, 2] == tensors["features.0.weight"][2, 1, 0, 2]
    assert linear[3, 5] == tensors["classifier.3.weight"][5, 3]


# --- beside torchvision -----------------------------------------------------------------------------------------------


def reference(name):
    """Torchvision's network in float64 with random weights and statistics, of the sizes that our modules have now."""
    torch, models = pytest.importorskip("torch"), pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    if name == "resnet18":
        network = models.resnet18(weights=None)
        network.fc = torch.nn.Identity()
    else:
        plan = [part for width, count in vgg.STAGES for part in [width] * count + ["M"]]
        network = models.VGG(models.vgg.make_layers(plan), num_classes=2, dropout=0.0)
        side, features = vgg.SIZE // 32, vgg.FEATURES
        network.avgpool = torch.nn.AdaptiveAvgPool2d(side)
        network.classifier[0] = torch.nn.Linear(side * side * plan[-2], features)
        network.classifier[3] = torch.nn.Linear(features, features)
        network.classifier[6] = torch.nn.Identity()
    for array in network.state_dict().values():
        if array.ndim == 1:
            array.copy_(0.5 + torch.rand_like(array))
    return network.double()


def input_of(x):
    """Our images as torchvision's networks take them."""
    torch = pytest.importorskip("torch")
    x = np.repeat(1 - x, 3, axis=3) if x.shape[3] == 1 else x
    return torch.tensor((x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).permute(0, 3, 1, 2)


@pytest.mark.parametrize(("name", "channels"), [("resnet18", 3), ("vgg16", 1)])
def test_values_and_all_gradients_agree_with_torchvision(rng, small, monkeypatch, name, channels):
    monkeypatch.undo() if name == "resnet18" else monkeypatch.setattr(vgg, "SIZE", 64)
    theirs, x = reference(name), rng.random((2, 64, 64 if name == "vgg16" else 40, channels))
    twin = fuse(TWINS[name](rng, channels)).astype(np.float64)
    published.fill(twin, {key: value.numpy() for key, value in theirs.state_dict().items()}, "a file")
    z = theirs.eval()(input_of(x)).detach().numpy()
    np.testing.assert_allclose(twin.forward(x, train=False), z, atol=1e-10 * abs(z).max())
    z, dz = theirs.train()(input_of(x)), rng.normal(size=z.shape)
    (z * z.new_tensor(dz)).sum().backward()
    np.testing.assert_allclose(twin.forward(x), z.detach(), atol=1e-10 * abs(z.detach()).max())
    assert twin.backward(dz) is None
    gradients = {key: parameter.grad.numpy() for key, parameter in theirs.named_parameters()}
    ours = {(layer, key): gradient for layer, part in twin.walk() for key, gradient in part.grads.items()}
    assert {published.published_name(f"{layer}.{key}") for layer, key in ours} == gradients.keys()
    for (layer, key), gradient in ours.items():
        name = published.published_name(f"{layer}.{key}")
        expected = published._our_axes(name, gradients[name])
        assert abs(gradient - expected).max() < 1e-8 * abs(expected).max()


# --- weights and images -----------------------------------------------------------------------------------------


def test_the_numbers_of_weights_are_the_published_ones(rng):
    twin = resnet.resnet18_twin(rng)
    assert sum(grad.size for _, layer in twin.walk() for grad in layer.grads.values()) == 11_689_512 - 513_000
    widths = [width for width, count in vgg.STAGES for _ in range(count)]
    convolutions = sum(9 * before * width + width for before, width in zip([3, *widths], widths, strict=False))
    side, features = vgg.SIZE // 32, vgg.FEATURES
    assert convolutions + (side * side * widths[-1] + 1 + features + 1) * features == 138_357_544 - 4_097_000


def test_images_are_standardised(put):
    colour = resnet.Standardise(3).forward(put(np.array([[[[0.0, 0.5, 1.0]]]], np.float32)))
    grey = resnet.Standardise(1).forward(put(np.array([[[[0.25]]]], np.float32)))  # three quarters bright
    np.testing.assert_allclose(to_host(colour).ravel(), [-0.485 / 0.229, 0.044 / 0.224, 0.594 / 0.225], rtol=1e-5)
    np.testing.assert_allclose(to_host(grey).ravel(), [0.265 / 0.229, 0.294 / 0.224, 0.344 / 0.225], rtol=1e-5)
    assert colour.dtype == grey.dtype == np.float32


@pytest.mark.parametrize("name", TWINS)
def test_weights_are_filled_in_and_the_classes_passed_over(rng, small, name):
    twin = TWINS[name](rng)
    tensors = as_published(twin, rng)
    resnet.freeze(twin, BLOCKS[name][0])  # which changes no name
    published.fill(twin, tensors, "a file")
    for key, array in twin.arrays().items():
        theirs = tensors[published.published_name(key)]
        assert array.sum() == pytest.approx(theirs.sum(), rel=1e-4)
        assert np.array_equal(array.ravel()[[0, -1]], theirs.ravel()[[0, -1]])
    assert all(block in twin.names for block in BLOCKS[name])


def test_a_file_of_something_else_gets_one_line_and_changes_nothing(rng, small):
    twin, other = resnet.resnet18_twin(rng), vgg.vgg16_twin(rng)
    right, kept = as_published(twin, rng), {key: array.copy() for key, array in twin.arrays().items()}
    cut = {key: right[key] for key in right if key not in ("conv1.weight", "layer1.0.bn1.running_var")}
    wrong = {
        "100 missing (conv1.weight, bn1.weight, bn1.bias, ...); 30 too many (features.0.weight, f": as_published(
            other, rng
        ),
        "of 100 arrays, 2 missing (conv1.weight, layer1.0.bn1.running_var)": cut,
        "of 100 arrays, 1 too many (layer1.2.conv1.weight)": right | {"layer1.2.conv1.weight": right["conv1.weight"]},
        "1 of another shape (layer2.0.conv2.weight)": right | {"layer2.0.conv2.weight": right["conv1.weight"]},
    }
    for complaint, tensors in wrong.items():
        with pytest.raises(BadInput) as error:
            published.fill(twin, tensors, "my.pth")
        assert complaint in str(error.value) and "my.pth" in str(error.value) and len(str(error.value)) < 250
    assert all(np.array_equal(array, kept[key]) for key, array in twin.arrays().items())


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "freeze", "loss", "head"),
    [
        ("resnet18", 1, "contrastive", "l1"),
        ("resnet18", 3, "prototypical", "l1"),
        ("resnet18", 4, "nway", "euclidean"),
        ("vgg16", 5, "nway", "l1"),
        ("vgg16", 0, "triplet", "l1"),
    ],
)
def test_frozen_blocks_stay_and_the_others_learn(small, drawings, name, freeze, loss, head):
    """On grey drawings, with an L2 weight, which would move what has no gradient, too."""
    settings = {"network": name, "freeze": freeze, "loss": loss, "head": head, "l2": (1e-3,), "batch": 4, "drawings": 2}
    trainer = Trainer(Settings.of_recipe(data="omniglot", **settings).checked(), *hold_out(drawings, 1))
    before = {key: array.copy() for key, array in trainer.network.arrays().items()}
    for _ in range(2):
        assert np.isfinite(float(trainer.train_step()))
    blocks = BLOCKS[name]
    last = trainer.network.twin.names.index(blocks[freeze - 1]) if freeze else 0
    frozen = tuple(f"twin.{layer}." for layer in trainer.network.twin.names[: last + 1])
    assert {key for key in before if key.startswith(frozen)} or not freeze
    for key, array in trainer.network.arrays().items():
        if (loss, key) != ("nway", "head.b"):  # which cancels in the N-way loss: rounding alone may move it
            assert np.array_equal(array, before[key]) == key.startswith(frozen), key
    assert not [key for key in trainer.optimizer.state if key.partition(".")[2].startswith(frozen)]


def test_frozen_layers_keep_nothing_to_go_back_with(small, rng):
    network = resnet.resnet18(rng, "distance", 3)
    parts = [part for layer in network.twin.layers[:-3] for _, part in layer.walk()]
    resnet.freeze(network.twin, "layer2")
    z = network.forward(rng.random((2, 32, 32, 3)).astype(np.float32))
    assert len(parts) > 30 and all(part.grads == {} and part._cache is None for part in parts)
    assert network.backward(z) is None


def write(path, rng, channels=3, size=40):
    """Six classes of two images."""
    for label, colour in enumerate(rng.integers(256, size=(6, channels))):
        (path / f"class{label}").mkdir(parents=True)
        for number in range(2):
            pixels = np.clip(colour + rng.normal(0, 30, (size, size, channels)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels.squeeze()).save(path / f"class{label}/{number}.png")
    return path


def test_images_are_kept_as_large_as_the_network_takes_them(tmp_path, rng):
    path = write(tmp_path / "images", rng, size=240)
    for network, side in (("resnet18", 224), ("conv4", 105)):
        settings = Settings.of_recipe(data="folder", data_dir=path, network=network).checked()
        assert part_of("training", settings).images.shape[1:] == (side, side, 3)


def test_from_the_command_line_with_weights_of_pytorch(small, tmp_path, rng, monkeypatch, capsys):
    """Trained, gone on with and measured, when the weights file is gone; the frozen blocks are the file's."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(trainer, "VALIDATION_RUNS", 2)
    for picture in ("curves", "test_pairs", "trial", "ways"):
        monkeypatch.setattr(plots, picture, lambda *_: None)
    path, out, file = write(tmp_path / "images", rng), tmp_path / "run", tmp_path / "resnet18.pth"
    tensors = {key: torch.tensor(array) for key, array in as_published(resnet.resnet18_twin(rng), rng).items()}
    torch.save(tensors, file)
    common = "folder", "--data-dir", path, "--threads", 1
    how = *common, "--network", "resnet18", "--weights", file, "--loss", "triplet", "--margin", 99, "--batch", 2
    assert call(monkeypatch, train.main, *how, "--steps", 2, "--freeze", 3, "--out", out) == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["lr"], config["views"], config["frame"], config["drawings"]) == ([1e-4], 1, "page", None)
    arrays = checkpoint.load(out / "last.npz")[0]
    for name in ("conv1", "layer1.0.conv1", "layer3.0.downsample.0"):
        ours = "twin." + name.replace(".conv", ".body.conv").replace("downsample", "shortcut") + ".W"
        assert np.array_equal(arrays[ours], tensors[f"{name}.weight"].permute(2, 3, 1, 0))
    assert not np.array_equal(
        arrays["twin.layer4.1.body.conv2.W"], tensors["layer4.1.conv2.weight"].permute(2, 3, 1, 0)
    )
    file.rename(tmp_path / "elsewhere")
    assert call(monkeypatch, train.main, *common, "--out", out, "--resume") == 0
    assert call(monkeypatch, evaluate.main, out, "--trials", 20, "--threads", 1) == 0
    assert "20 trials" in capsys.readouterr().out
    assert call(monkeypatch, train.main, *how, "--out", tmp_path / "other") == 2
    error = capsys.readouterr().err
    assert "resnet18.pth" in error and error.count("\n") == 1 and not (tmp_path / "other").exists()
    (out / "last.npz").unlink()  # a run that was stopped before its first save begins with the file again
    assert call(monkeypatch, train.main, *common, "--out", out, "--resume") == 2
    assert "resnet18.pth" in capsys.readouterr().err


def test_safetensors(small, tmp_path, rng):
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    network = vgg.vgg16(rng)
    tensors = {key: torch.tensor(array) for key, array in as_published(network.twin, rng).items()}
    safetensors.save_file(tensors, tmp_path / "x.safetensors")
    published.load(network.twin, tmp_path / "x.safetensors")
    assert np.array_equal(network.arrays()["twin.classifier.3.W"], tensors["classifier.3.weight"].T)


def test_usual_settings_of_large_networks():
    large, usual = (Settings.of_recipe(data="omniglot", **network) for network in ({"network": "resnet18"}, {}))
    assert (large.learning.lr, large.measuring.views) == ((1e-4,), 1)
    assert (usual.learning.lr, usual.measuring.views) == ((6e-3,), 16)
    assert [settings.checked().loss.batch for settings in (large, large.but(loss="triplet"))] == [8, 16]
    assert [settings.checked().loss.batch for settings in (usual, usual.but(loss="bce"))] == [60, 128]
