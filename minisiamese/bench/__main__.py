"""How long a training step takes, beside the same step in PyTorch.

    python -m minisiamese.bench --network koch

A step is forward, loss, backward and update, on a batch that is there. The two run in turn, each in a fresh process, on
the same weights, batch, loss and number of threads; PyTorch in both memory formats, channels first and last, of which
the faster counts. The ratio is of one process's median to that of the next: both had the same machine then.

With ``--device cuda`` both compute on the same GPU, in float32 without TF32, and memory is the most that each one's own
allocator has held there: of PyTorch's with what it lends to cuBLAS and cuDNN, of ours without what cuBLAS takes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from statistics import median
from typing import Literal

import numpy as np
from tqdm import tqdm

from minisiamese.backbones.resnet import resnet18
from minisiamese.backend import check_device
from minisiamese.bench.gpu import gpu_name
from minisiamese.bench.timing import GIGA, layer_table, machine_peak, parts_of, peak_bytes, seconds_of
from minisiamese.commands.doors import check_counts, deaf, front_door, parse
from minisiamese.criteria import CRITERIA
from minisiamese.data import glyphs
from minisiamese.data.affine import draw_distortions
from minisiamese.data.samplers import Episodes, Pairs
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.fast.fuse import fuse
from minisiamese.networks import conv4, conv4_wide, koch
from minisiamese.optimizers import OPTIMIZERS
from minisiamese.threads import available_cores, set_threads

RATE = 1e-4
GPU_TIMES = 10  # as many steps as on a CPU, since they are short


@dataclass(frozen=True)
class Case:
    """Which network, and how it is trained here."""

    network: Callable  # builds it plain
    loss: str
    optimizer: str
    size: int  # of the batch: pairs, or classes of 4 drawings
    growth: tuple[int, ...]  # the sizes that show how seconds and memory grow
    steps: int  # timed in one process, after one that is not


CASES = {
    "koch": Case(koch, "bce", "momentum", 128, (32, 64, 128, 256), 2),
    "conv4": Case(conv4, "nway", "adam", 60, (15, 30, 60, 120), 15),
    "conv4-wide": Case(conv4_wide, "nway", "adam", 60, (15, 30, 60), 5),
    "resnet18": Case(resnet18, "nway", "adam", 8, (4, 8, 12), 3),
}


@dataclass(frozen=True)
class BenchOptions:
    """Time a training step beside the same step in PyTorch (pip install -e '.[bench]'); takes minutes."""

    # Which network's training step to time.
    network: Literal[tuple(CASES)] = "koch"
    # How many times the two take turns.
    rounds: int = 3
    # Threads of both. Default: the machine's cores.
    threads: int | None = None
    # Where both compute: cpu (we with NumPy) or cuda (we with CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # Print one JSON object instead of tables.
    json: bool = False


# --- the step that is timed -------------------------------------------------------------------------------------------


class Problem:
    """A plain network and a batch for it: distorted drawings of invented alphabets, always the same."""

    def __init__(self, name, size, device="cpu"):
        self.case, self.device, self.rng = CASES[name], device, np.random.default_rng(0)
        self.network = self.case.network(self.rng, "l1")
        drawings = glyphs.make(range(6), drawers=4)
        self.sampler = Pairs(drawings, size) if self.case.loss == "bce" else Episodes(drawings, size, 4)
        self.views = Views(drawings.images, self.network.size, device)
        self.batch, self.images = self.draw()

    def draw(self):
        """Sample a batch and distort its images."""
        batch = self.sampler.draw(self.rng)
        return batch, self.views(batch.rows, draw_distortions(self.rng, len(batch.rows)))

    def our_step(self):
        """A function that does one training step."""
        network = self.network = fuse(self.network).to(self.device)
        compute = CRITERIA[self.case.loss].compute
        optimizer, batch = OPTIMIZERS[self.case.optimizer](network), self.batch.to(self.device)

        def step():
            loss, dz = compute(network.head, network.forward(self.images), batch, None)
            network.backward(dz)
            optimizer.step(RATE)
            network.zero_grad()
            return float(loss)

        return step

    def torch_step(self, channels, threads, device="cpu"):
        """A function that does the same in PyTorch, whose memory then has no second network in it."""
        from minisiamese.bench.torch_twin import TorchTwin, step_of

        twin = TorchTwin(self.network, channels)
        self.network = None
        return step_of(twin, self.images, self.batch, self.case.optimizer, RATE, threads, device)


def work(name, which, size, steps, threads, device, layers=False):
    """One process's share: ``which`` is "ours", or the place of PyTorch's channels, "first" or "last"."""
    set_threads(threads)
    problem = Problem(name, size, device if which == "ours" else "cpu")
    step = problem.our_step() if which == "ours" else problem.torch_step(which, threads, device)
    seconds = seconds_of(step, steps)  # each step ends with its loss on the host
    result = {"seconds": median(seconds), "peak_bytes": peak_bytes(device, which)}
    if layers:
        result["layers"] = layer_table(parts_of(problem.network), step, steps, device)
        result |= {"draw_seconds": median(seconds_of(problem.draw, 5, device)), "peak_gflops": machine_peak(device)}
    return result


# --- in turn ----------------------------------------------------------------------------------------------------------


def bench(config):
    """Everything measured, as a JSON-able dict; ``ratio`` is our seconds by PyTorch's, None without PyTorch."""
    case, threads, device = CASES[config.network], config.threads or available_cores(), config.device
    times = 1 if device == "cpu" else GPU_TIMES
    bar = tqdm(total=1 + config.rounds + len(case.growth), desc="measuring", disable=None)

    def in_turn(*all_which, size=case.size, steps=case.steps, layers=False):
        each = {
            which: _process(config.network, which, size, times * steps, threads, device, layers) for which in all_which
        }
        bar.update()
        return each

    first = in_turn("ours", layers=True)["ours"]
    formats = ("first", "last") if _has_pytorch(device) else ()
    rounds = [in_turn("ours", *formats) for _ in range(config.rounds)]
    together = {which: _middle([each[which] for each in rounds]) for which in ("ours", *formats)}
    channels = min(formats, key=lambda which: together[which]["seconds"], default=None)
    faster = (channels,) if channels else ()
    growth = []
    for size in case.growth:
        each = in_turn("ours", *faster, size=size, steps=max(1, case.steps // 3))
        growth.append({"size": size, "ours": each["ours"], "torch": each.get(channels)})
    bar.close()
    result = {"network": config.network, "size": case.size, "loss": case.loss, "optimizer": case.optimizer}
    result |= {"device": device, "threads": threads, "versions": _versions(device)}
    result |= {"gpu": gpu_name() if device == "cuda" else None, "ratio": None, "ratios": [], "torch": None}
    result |= {"ours": together["ours"]}
    if channels:
        result["ratios"] = [each["ours"]["seconds"] / each[channels]["seconds"] for each in rounds]
        result["ratio"] = median(result["ratios"])
        result["torch"] = {"channels": channels} | together[channels]
        result["torch"]["other_channels_seconds"] = max(together[which]["seconds"] for which in formats)
    for key, speed in (("gflop", "gflops"), ("gflop_done", "gflops_done")):
        result[speed] = sum(row.get(key, 0) for row in first["layers"]) / result["ours"]["seconds"]
    return result | {key: first[key] for key in ("peak_gflops", "draw_seconds", "layers")} | {"growth": growth}


def _has_pytorch(device):
    """Whether there is a PyTorch to compare with; a process of its own finds out whether it has CUDA."""
    if device == "cpu" or not find_spec("torch"):
        return find_spec("torch") is not None
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def _versions(device):
    """Of whatever computes."""
    versions = {"NumPy": np.__version__}
    if device == "cuda":
        import cupy

        versions["CuPy"] = cupy.__version__
    if find_spec("torch"):
        versions["PyTorch"] = metadata.version("torch")
    return versions


def _middle(results):
    """The median of seconds, and the most memory."""
    peaks = [each["peak_bytes"] for each in results]
    return {"seconds": median(each["seconds"] for each in results), "peak_bytes": max(peaks) if all(peaks) else None}


def _process(*arguments):
    """``work(*arguments)`` in a fresh Python, away from this one's memory, and from settings that slow OpenBLAS or turn
    on TF32."""
    code = f"import json; from minisiamese.bench.__main__ import work; print(json.dumps(work(*{arguments!r})))"
    environment = {
        key: value for key, value in os.environ.items() if not (key.startswith("OPENBLAS_") or "TF32" in key)
    }
    process, pipes = None, {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        with deaf():
            process = subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, **pipes)
        printed, said = process.communicate()
    finally:
        if process:
            process.kill()
    if process.returncode:
        reason = (said.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise BadInput(f"the process for {arguments} failed: {reason}")
    return json.loads(printed.splitlines()[-1])


# --- for people -------------------------------------------------------------------------------------------------------


def describe(result):
    """The measurements as tables, in Markdown."""
    case, ours, theirs = CASES[result["network"]], result["ours"], result["torch"]
    unit = "pairs" if case.loss == "bce" else "classes x 4"
    where = f"{result['gpu']}, float32 without TF32, " if result["gpu"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"One training step of {result['network']}: {result['size']} {unit}, loss {case.loss}, {case.optimizer}; "
        f"{where}{result['threads']} threads, {versions}\n",
        "| | median step | peak memory |\n|---|---|---|",
        f"| minisiamese | {_figures(ours)} |",
    ]
    if theirs:
        ratios = ", ".join(f"{ratio:.2f}" for ratio in result["ratios"])
        lines.append(f"| PyTorch, channels {theirs['channels']} | {_figures(theirs)} |")
        other = "first" if theirs["channels"] == "last" else "last"
        lines.append(f"| PyTorch, channels {other} | {theirs['other_channels_seconds']:.3f} s | |")
        lines.append(f"\nratio **{result['ratio']:.2f}** (pair by pair: {ratios})")
    else:
        what = "not installed" if result["device"] == "cpu" else "not installed, or one without CUDA"
        lines.append(f"\nPyTorch is {what}: pip install -e '.[bench]' to compare")
    lines += [
        f"\nMatrix products: {result['gflops']:.0f} GFLOP/s by the definition of the layers, "
        f"{result['gflops_done']:.0f} really done; the machine's peak is {result['peak_gflops']:.0f}. "
        f"Sampling and distortion, before a step, take {result['draw_seconds']:.3f} s.\n",
        "| layer | forward, ms | backward, ms | GFLOP by definition | GFLOP done | GFLOP/s done |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["layers"]:
        line = f"| {row['layer']} | {1e3 * row['forward']:.1f} | {1e3 * row['backward']:.1f} "
        if "gflop" in row:
            speed = row["gflop_done"] / (row["forward"] + row["backward"])
            lines.append(line + f"| {row['gflop']:.1f} | {row['gflop_done']:.1f} | {speed:.0f} |")
        else:
            lines.append(line + "| | | |")
    lines.append(f"\n| {unit} | our step | our memory | PyTorch's step | PyTorch's memory |\n|---|---|---|---|---|")
    for row in result["growth"]:
        lines.append(f"| {row['size']} | {_figures(row['ours'])} | {_figures(row['torch']) if row['torch'] else '|'} |")
    return "\n".join(lines)


def _figures(each):
    memory = f"{each['peak_bytes'] / GIGA:.2f} GB" if each["peak_bytes"] else "not known"
    return f"{each['seconds']:.3f} s | {memory}"


def main():
    config = parse(BenchOptions, "python -m minisiamese.bench")
    check_counts(config, rounds=(1, 1000), threads=1)
    check_device(config.device)
    result = bench(config)
    print(json.dumps(result) if config.json else describe(result))


if __name__ == "__main__":
    front_door(main)
