"""Our networks are PyTorch's, to float32 rounding; and the benchmark says what it says."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch_reference

from lessons import cupy_double
from minisiamese import networks
from minisiamese.backbones import resnet
from minisiamese.backend import to_host
from minisiamese.bench import __main__ as bench
from minisiamese.bench import timing
from minisiamese.bench.gpu import gpu_name
from minisiamese.criteria import CRITERIA
from minisiamese.errors import BadInput
from minisiamese.fast.fuse import fuse
from minisiamese.threads import available_cores

# In float32 a rounding may choose another pixel of a pooling window that almost ties, which moves single numbers of a
# gradient by far more than a rounding: float64 shows that the functions are the same, float32 that nothing is lost.
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-2}
LEFT = ("koch", "conv4")  # what the reference has, which takes seconds


def ours(name, dtype):
    """Loss and gradients by name, computed fused, and the plain network, of the problem of the reference."""
    plain, images, batch = torch_reference.problem(name, dtype)
    network = fuse(plain)
    start = sum(abs(array).sum(dtype=float) for array in network.arrays().values())
    compute = CRITERIA[bench.CASES[name].loss].compute
    loss, dz = compute(network.head, network.forward(images), batch, None)
    network.backward(dz)
    gradients = {
        f"{layer_name}.{key}": grad for layer_name, layer in network.walk() for key, grad in layer.grads.items()
    }
    assert all(gradient.dtype == dtype for gradient in gradients.values())
    return start, float(loss), gradients, (plain, images, batch)


def assert_close(got, expected, dtype, scale, what):
    """Within the tolerance, relative to the gradient's scale; conv4's last bias has no gradient but its rounding."""
    assert abs(got - expected).max() < TOLERANCE[dtype] * max(scale, 1e-4), what


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LEFT)
def test_loss_and_gradients_are_those_that_pytorch_left(name, dtype):
    reference = json.loads(torch_reference.PATH.read_text())[name]
    start, loss, gradients, _ = ours(name, dtype)
    assert start == pytest.approx(reference["start"], rel=1e-9), "other weights: run torch_reference.py again"
    assert loss == pytest.approx(reference["loss"], rel=1e-5 if dtype == np.float32 else 1e-11)
    assert gradients.keys() == reference["gradients"].keys()
    for key, gradient in gradients.items():
        expected, got = reference["gradients"][key], torch_reference.summary(gradient)
        scale = abs(gradient).max()
        assert_close(np.array(got["norm"]), expected["norm"], dtype, expected["norm"], key)
        assert_close(np.array(got["entries"]), np.array(expected["entries"]), dtype, scale, key)


@pytest.mark.parametrize("channels", ["first", "last"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", bench.CASES)
def test_loss_and_every_gradient_are_pytorchs(monkeypatch, name, dtype, channels):
    pytest.importorskip("torch")
    monkeypatch.setattr(resnet, "SIZE", 40)  # with fewer channels, ResNet-18 is as quick as the others
    monkeypatch.setattr(resnet, "WIDTHS", (64, 6, 8, 10))
    from minisiamese.bench.torch_twin import TorchTwin, tensors

    _, loss, gradients, (network, images, batch) = ours(name, dtype)
    twin = TorchTwin(network, channels)
    torch_loss = twin.loss(twin.images(images), tensors(batch))
    torch_loss.backward()
    assert loss == pytest.approx(float(torch_loss.detach()), rel=1e-5 if dtype == np.float32 else 1e-11)
    theirs = twin.gradients()
    assert theirs.keys() == gradients.keys()
    for key, expected in theirs.items():
        assert_close(gradients[key], expected, dtype, abs(expected).max(), key)


@pytest.mark.parametrize("channels", ["first", "last"])
def test_pytorch_works_in_the_format_that_it_is_said_to(channels):
    pytest.importorskip("torch")
    from minisiamese.bench.torch_twin import FORMATS, TorchTwin

    network, images, _ = torch_reference.problem("conv4")
    twin = TorchTwin(network, channels)
    x = twin.images(images)
    for module in list(twin.twin)[:2]:  # two stages
        x = module(x)
        assert x.is_contiguous(memory_format=FORMATS[channels])


# --- the benchmark ----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def small_peak(monkeypatch):
    """A machine's peak is measured by a product that takes no second."""
    for device in timing.PEAK_SIZE:
        monkeypatch.setitem(timing.PEAK_SIZE, device, 64)


def test_a_process_times_every_layer_and_counts_its_arithmetic():
    result = bench.work("conv4", "ours", 5, 2, available_cores(), "cpu", more="layers")
    assert result["seconds"] > 0 and result["draw_seconds"] > 0 and result["peak_gflops"] > 0
    assert result["peak_bytes"] > 50e6
    rows = result["layers"]
    assert [row["layer"] for row in rows] == [
        "FirstNormBlock 3 x 3, 1 to 64, patches",
        "NormBlock 3 x 3, 64 to 64, fourier",
        *["NormBlock 3 x 3, 64 to 64, winograd"] * 2,
        "Flatten",
        "FastL1Head",
    ]
    assert all(row["forward"] > 0 and row["backward"] > 0 for row in rows)
    # 20 images of 35 x 35 and of 17 x 17; no gradient by the picture
    assert rows[0]["gflop"] == pytest.approx(2 * 2 * 20 * 35 * 35 * 9 * 64 / 1e9)
    assert rows[0]["gflop_done"] == pytest.approx(2 * 2 * 20 * 17 * 17 * 4 * 16 * 64 / 1e9)
    assert rows[1]["gflop"] == pytest.approx(3 * 2 * 20 * 17 * 17 * 9 * 64 * 64 / 1e9)
    assert rows[1]["gflop_done"] < rows[1]["gflop"] / 2 * 1.1


def test_a_gpu_is_measured_the_same_way(device):
    result = bench.work("conv4", "ours", 5, 2, available_cores(), device, more="layers")
    assert result["seconds"] > 0 and result["draw_seconds"] > 0 and result["peak_gflops"] > 0
    assert result["peak_bytes"] > 0
    assert all(row["forward"] > 0 and row["backward"] > 0 for row in result["layers"])


def test_our_steps_train(device):
    problem = bench.Problem("conv4", 5, device)
    step = problem.ours()[0]
    losses = [step() for _ in range(8)]
    assert losses[-1] < losses[0]
    assert not any(to_host(grad).any() for _, layer in problem.network.walk() for grad in layer.grads.values())


@pytest.mark.parametrize("name", LEFT)
def test_steps_repeat_bit_by_bit(name, monkeypatch):
    """Same seed and threads, same weights after two steps; the second pair of steps computes in used memory."""
    monkeypatch.setattr(networks, "FEATURES", 32)  # of the paper's network, whose weights are almost all there
    runs = []
    for _ in range(2):
        problem = bench.Problem(name, 3)
        step = problem.ours()[0]
        losses = [step(), step()]
        runs.append((losses, [array.tobytes() for array in problem.network.arrays().values()]))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("peer", ["default", "tuned"])  # the compiled step is the tuned one's, and takes a minute
def test_pytorchs_steps_are_ours(peer):
    """Ten updates later, both have the same loss: same gradients, same optimiser. Neither may take to TF32 on a GPU."""
    torch = pytest.importorskip("torch")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    (step, _), (theirs, _) = bench.Problem("conv4", 5).ours(), bench.Problem("conv4", 5).pytorchs(peer, "last", 1)
    ours = [step() for _ in range(10)]
    np.testing.assert_allclose([theirs() for _ in range(10)], ours, rtol=1e-3)
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert ours[-1] < ours[0]


@pytest.mark.parametrize("name", bench.CASES)
def test_embeddings_are_ours(monkeypatch, name):
    """With batch norm folded into the convolutions before it."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(resnet, "SIZE", 40)
    from minisiamese.bench import torch_twin

    network, images, _ = torch_reference.problem(name, np.float32)
    twin, seen = torch_twin.TorchTwin(network), []
    monkeypatch.setattr(torch_twin, "AT_A_TIME", 4)

    class Drawings:
        def __init__(self):
            self.images = images

        def __call__(self, rows):
            seen.extend(rows.tolist())
            return images[rows]

    folded = torch_twin.fold(twin.eval().twin)
    torch_twin.embedding_of(twin, Drawings(), "tuned")()
    assert seen == list(range(6))
    z = fuse(network).forward(images, train=False)
    with torch.no_grad():
        np.testing.assert_allclose(folded(twin.images(images)).numpy(), z, rtol=1e-3, atol=1e-4 * abs(z).max())


@pytest.mark.parametrize("largest", [1 << 30, 0])  # all pairs at once, or too many for that
def test_all_pairs_at_once_score_as_one_by_one(monkeypatch, largest):
    torch = pytest.importorskip("torch")
    from minisiamese.bench import torch_twin

    monkeypatch.setattr(torch_twin, "LARGEST", largest)
    network, _, batch = torch_reference.problem("conv4")
    twin, batch = torch_twin.TorchTwin(network), torch_twin.tensors(batch)
    z = torch.rand(6, 256, dtype=torch.float64)
    both = [scores(batch)(twin, z).detach() for scores in (torch_twin.gathered, torch_twin.broadcast)]
    assert both[0].shape == (3, 3)
    np.testing.assert_allclose(*both, rtol=1e-12)


SECONDS = {"default-first": 9.0, "default-last": 8.0, "tuned-first": 5.0, "tuned-last": 4.0}
SECONDS |= {"compiled-first": 6.0, "compiled-last": 7.0}


@pytest.fixture
def processes(monkeypatch):
    """Processes that take a time of our choosing: PyTorch the ``SECONDS`` above; we 2 s, then 4, 6, ..."""
    calls = []

    def process(name, which, size, steps, threads, device, more):
        calls.append((which, size))
        seconds = 2.0 * calls.count(("ours", size)) if which == "ours" else SECONDS[which]
        result = {"seconds": seconds, "peak_bytes": 10**9 * (1 + len(calls))}
        if more == "embedding":
            result["embedding_seconds"] = seconds / 4
        if more == "layers":
            rows = [
                {"layer": "Block", "forward": 0.5, "backward": 1.0, "gflop": 600, "gflop_done": 150},
                {"layer": "Flatten", "forward": 0.001, "backward": 0.002},
            ]
            result |= {"layers": rows, "draw_seconds": 0.03, "peak_gflops": 100.0}
        return result

    monkeypatch.setattr(bench, "_process", process)
    monkeypatch.setattr(bench, "_has_pytorch", lambda device: True)
    return calls


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as stop:
        bench.front_door(bench.main)
    return stop.value.code or 0


def test_all_take_turns_and_the_ratio_is_to_the_fastest_round_by_round(processes, monkeypatch, capsys):
    assert run(monkeypatch, "--network", "koch", "--rounds", "3", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    beside = ["default-last", "tuned-last", "compiled-first"]  # the faster format of each in the trial
    rounds = ["ours", *beside], [*beside, "ours"], [*beside[1:], "ours", beside[0]]  # another begins each time
    assert processes[:19] == [(which, 128) for which in ("ours", *SECONDS, *rounds[0], *rounds[1], *rounds[2])]
    assert processes[19:] == [(which, size) for size in (32, 256) for which in ("ours", *beside)]
    assert result["fastest"] == "tuned"
    peers = result["peers"]
    assert {peer: measured["channels"] for peer, measured in peers.items()} == {
        "default": "last",
        "tuned": "last",
        "compiled": "first",
    }
    assert peers["tuned"]["ratios"] == [4 / 4, 6 / 4, 8 / 4] and result["ratio"] == 1.5
    assert peers["default"]["ratios"] == peers["default"]["embedding_ratios"] == [4 / 8, 6 / 8, 8 / 8]
    assert result["ours"]["seconds"] == 6 and result["ours"]["range"] == [4, 8] and peers["tuned"]["seconds"] == 4
    assert result["ours"]["embedding_seconds"] == 1.5
    assert result["ours"]["peak_bytes"] == 19e9 and peers["tuned"]["peak_bytes"] == 17e9
    assert result["gflops"] == 100 and result["gflops_done"] == 25
    assert [(row["size"], row["fastest"]) for row in result["growth"]] == [(32, "tuned"), (256, "tuned")]


def test_only_the_peers_that_are_asked_for_are_measured(processes, monkeypatch, capsys):
    assert run(monkeypatch, "--rounds", "1", "--peers", "compiled", "default", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["peers"]) == ["compiled", "default"] and result["fastest"] == "compiled"
    assert not any(which.startswith("tuned") for which, _ in processes)


def test_the_tables_say_what_was_measured(processes, monkeypatch, capsys):
    assert run(monkeypatch, "--rounds", "2") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Our step takes **1.25** of PyTorch's fastest step (tuned); round by round: 1.00, 1.50\n")
    assert "| minisiamese | 5.000 s (4.000 to 6.000) |  | 16.00 GB | 1.250 s |  |" in printed
    assert "| PyTorch tuned, channels last | 4.000 s (4.000 to 4.000) | 1.25 | 14.00 GB | 1.000 s | 1.25 |" in printed
    assert "| PyTorch compiled, channels first | 6.000 s (6.000 to 6.000) | 0.83 |" in printed
    assert "| Block | 500.0 | 1000.0 | 600.0 | 150.0 | 100 |" in printed
    assert "120 GFLOP/s by the definition of the layers, 30 really done; the machine's peak is 100" in printed
    assert "| 32 | 2.000 s | 17.00 GB | tuned: 4.000 s | 19.00 GB | 0.50 |" in printed


def test_on_a_gpu_its_name_is_told_and_more_steps_are_timed(processes, monkeypatch, capsys, device):
    process, asked = bench._process, []
    monkeypatch.setattr(bench, "_process", lambda *arguments: asked.append(arguments) or process(*arguments))
    assert run(monkeypatch, "--rounds", "1", "--device", device) == 0
    times = 1 if device == "cpu" else 10  # the smaller the batch, the more steps
    assert {(*arguments[2:4], arguments[5]) for arguments in asked} == {
        (size, steps * times, device) for size, steps in ((32, 8), (128, 2), (256, 1))
    }
    printed = capsys.readouterr().out.splitlines()[2]
    if device == "cpu":
        assert "TF32" not in printed
    else:
        assert (
            f"{gpu_name()}, float32 without TF32, {available_cores()} threads, NumPy {np.__version__}, CuPy" in printed
        )


def test_a_pytorch_that_sees_no_gpu_is_none(monkeypatch):
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    assert not bench._has_pytorch("cpu") and not bench._has_pytorch("cuda")
    monkeypatch.setattr(bench, "find_spec", lambda name: True)
    asked = []
    for code, answer in ((0, True), (1, False)):
        done = SimpleNamespace(returncode=code)
        monkeypatch.setattr(bench.subprocess, "run", lambda argv, done=done, **_: asked.append(argv) or done)
        assert bench._has_pytorch("cuda") == answer and bench._has_pytorch("cpu")
    assert len(asked) == 2 and "torch.cuda.is_available()" in asked[0][-1]


def test_what_is_timed_is_waited_for(monkeypatch):
    """A GPU is asked to compute, and the host goes on at once: before and after all that a clock is read for."""
    cupy_double.install(monkeypatch)

    def waited(function):
        before = cupy_double.synchronisations()
        function()
        return cupy_double.synchronisations() - before

    problem = bench.Problem("conv4", 3, "cuda")
    step, layers = problem.ours()[0], [*problem.network.twin.layers, problem.network.head]
    assert waited(lambda: timing.seconds_of(step, 3, "cuda")) == 2 * 3
    assert waited(lambda: timing.layer_table(layers, step, 2, "cuda")) == 2 * 2 + 3 * len(layers) * 2 * 2


def test_no_setting_of_the_users_slows_a_process_or_turns_on_tf32(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    begun = {"returncode": 1, "kill": lambda: None}
    monkeypatch.setattr(
        bench.subprocess, "Popen", lambda *_, env, **__: SimpleNamespace(**begun, communicate=lambda: ("", str(env)))
    )
    with pytest.raises(BadInput) as error:
        bench._process("koch")
    assert "PATH" in str(error.value) and "TF32" not in str(error.value) and "OPENBLAS" not in str(error.value)


def test_without_pytorch_there_is_no_ratio(processes, monkeypatch, capsys):
    monkeypatch.setattr(bench, "_has_pytorch", lambda device: False)
    assert run(monkeypatch, "--rounds", "1") == 0
    assert "PyTorch is not installed: pip install -e '.[bench]'" in capsys.readouterr().out
    cupy_double.install(monkeypatch)
    assert run(monkeypatch, "--rounds", "1", "--device", "cuda") == 0
    assert "PyTorch is not installed, or one without CUDA: pip" in capsys.readouterr().out
    assert {which for which, _ in processes} == {"ours"}
    assert run(monkeypatch, "--rounds", "1", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ratio"] is None and result["fastest"] is None and result["peers"] == {}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--threads", "0"], "--threads must be at least 1"),
        (["--network", "resnet"], "invalid choice"),
        (["--peers", "best"], "invalid choice"),
        (["--peers"], "--peers must name some of default, tuned, compiled"),
        (["--device", "cuda"], "--device cuda: "),
    ],
)
def test_bad_input_gets_one_line(processes, monkeypatch, capsys, arguments, complaint):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as on a machine without it
    assert run(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_a_process_that_fails_says_why(monkeypatch, capsys):
    monkeypatch.setitem(bench.CASES, "conv4", replace(bench.CASES["conv4"], size="sixty"))
    assert run(monkeypatch, "--network", "conv4") == 2
    assert "TypeError" in capsys.readouterr().err
