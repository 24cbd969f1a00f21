"""How long a training step takes, beside the same step in PyTorch, and embedding.

    python -m minisiamese.bench --network koch

A step is forward, loss, backward and update, on a batch that is there; to embed is to make the views of some drawings
and take them through the network, without training. All run in turn, each in a fresh process, on the same weights,
batch, loss and number of threads. PyTorch is measured as its tutorials have it (default), with all that makes it
faster (tuned) and compiled, each in that memory format, channels first or last, whose step is the faster in a first
trial. The ratio is to the fastest of them, of medians of processes in the same round: both had the same machine then.

With ``--device cuda`` all compute on the same GPU, in float32 without TF32, and memory is the most that each one's own
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
from minisiamese.bench.tables import describe
from minisiamese.bench.timing import layer_table, machine_peak, parts_of, peak_bytes, seconds_of
from minisiamese.commands.doors import check_counts, deaf, front_door, parse
from minisiamese.criteria import CRITERIA
from minisiamese.data import glyphs
from minisiamese.data.affine import draw_distortions
from minisiamese.data.samplers import Episodes, Pairs
from minisiamese.data.views import Views
from minisiamese.errors import BadInput
from minisiamese.evaluate.scoring import embed
from minisiamese.fast.fuse import fuse
from minisiamese.networks import conv4, conv4_wide, koch, koch35
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
    embedded: int  # drawings


CASES = {
    "koch": Case(koch, "bce", "momentum", 128, (32, 256), 2, 200),
    "koch35": Case(koch35, "bce", "momentum", 128, (32, 256), 10, 1000),
    "conv4": Case(conv4, "nway", "adam", 60, (15, 30, 60, 120, 240), 15, 1000),
    "conv4-wide": Case(conv4_wide, "nway", "adam", 60, (15, 30, 60, 120, 240), 5, 1000),
    "resnet18": Case(resnet18, "nway", "adam", 8, (4, 8, 12), 3, 50),
}
PEERS, FORMATS = ("default", "tuned", "compiled"), ("first", "last")


@dataclass(frozen=True)
class BenchOptions:
    """Time a training step and embedding beside PyTorch's (pip install -e '.[bench]'); takes minutes."""

    # Which network's training step to time.
    network: Literal[tuple(CASES)] = "koch"
    # Which of PyTorch's ways to measure: as its tutorials have it (default); memory kept, one kernel for the update and
    # all pairs scored at once (tuned); and by torch.compile, too (compiled, which needs a C++ compiler).
    peers: tuple[Literal[PEERS], ...] = PEERS
    # How many times all take turns.
    rounds: int = 5
    # Threads of each. Default: the machine's cores.
    threads: int | None = None
    # Where all compute: cpu (we with NumPy) or cuda (we with CuPy).
    device: Literal["cpu", "cuda"] = "cpu"
    # Print one JSON object instead of tables.
    json: bool = False


# --- the step that is timed -------------------------------------------------------------------------------------------


class Problem:
    """A plain network and a batch for it: distorted drawings of invented alphabets, always the same."""

    def __init__(self, name, size, device="cpu"):
        self.case, self.device, self.rng = CASES[name], device, np.random.default_rng(0)
        self.network = self.case.network(self.rng, "l1")
        drawings = glyphs.make(range(7), drawers=4)
        self.sampler = Pairs(drawings, size) if self.case.loss == "bce" else Episodes(drawings, size, 4)
        self.views = Views(drawings.images, self.network.size, device)
        self.batch, self.images = self.draw()
        several = np.resize(np.arange(len(drawings.images)), self.case.embedded)
        self.drawings = Views(drawings.images[several], self.network.size, device)

    def draw(self):
        """Sample a batch and distort its images."""
        batch = self.sampler.draw(self.rng)
        return batch, self.views(batch.rows, draw_distortions(self.rng, len(batch.rows)))

    def ours(self):
        """Two functions: one does a training step, the other embeds drawings."""
        network = self.network = fuse(self.network).to(self.device)
        compute = CRITERIA[self.case.loss].compute
        optimizer, batch = OPTIMIZERS[self.case.optimizer](network), self.batch.to(self.device)

        def step():
            loss, dz = compute(network.head, network.forward(self.images), batch, None)
            network.backward(dz)
            optimizer.step(RATE)
            network.zero_grad()
            return float(loss)

        return step, lambda: embed(network, self.drawings)

    def pytorchs(self, peer, channels, threads, device="cpu"):
        """Two functions that do the same in PyTorch, whose memory then has no second network in it."""
        import torch

        from minisiamese.bench.torch_twin import TorchTwin, embedding_of, step_of

        torch.set_num_threads(threads)
        twin = TorchTwin(self.network, channels)
        self.network = None
        step = step_of(twin, self.images, self.batch, self.case.optimizer, RATE, peer, device)
        return step, embedding_of(twin, self.drawings, peer)


def work(name, which, size, steps, threads, device, more=""):
    """One process's share: ``which`` is "ours", or a peer and the place of PyTorch's channels, as in "tuned-last";
    ``more`` is what is measured besides steps, "layers" or "embedding". On a GPU embedding is left out: our views would
    be made there, and PyTorch's on the host."""
    set_threads(threads)
    ours = which == "ours"
    if not ours:
        from minisiamese.bench.torch_twin import set_memory

        set_memory(which.split("-")[0])
    problem = Problem(name, size, device if ours else "cpu")
    step, embedding = problem.ours() if ours else problem.pytorchs(*which.split("-"), threads, device)
    seconds = seconds_of(step, steps)  # each step ends with its loss on the host
    result = {"seconds": median(seconds), "peak_bytes": peak_bytes(device, which)}
    if more == "embedding" and device == "cpu":
        result["embedding_seconds"] = median(seconds_of(embedding, 3, device))
    if more == "layers":
        result["layers"] = layer_table(parts_of(problem.network), step, steps, device)
        result |= {"draw_seconds": median(seconds_of(problem.draw, 5, device)), "peak_gflops": machine_peak(device)}
    return result


# --- in turn ----------------------------------------------------------------------------------------------------------


def bench(config):
    """Everything measured, as a JSON-able dict; ``ratio`` is our seconds by those of the ``fastest`` of ``peers``, both
    None without PyTorch."""
    case, threads, device = CASES[config.network], config.threads or available_cores(), config.device
    times = 1 if device == "cpu" else GPU_TIMES
    peers = tuple(dict.fromkeys(config.peers)) if _has_pytorch(device) else ()
    bar = tqdm(total=1 + bool(peers) + config.rounds + len(case.growth), desc="measuring", disable=None)

    def in_turn(*all_which, size=case.size, steps=case.steps, more=""):
        each = {
            which: _process(config.network, which, size, times * steps, threads, device, more) for which in all_which
        }
        bar.update()
        return each

    first = in_turn("ours", more="layers")["ours"]
    channels = {}
    if peers:
        trial = in_turn(*(f"{peer}-{channels}" for peer in peers for channels in FORMATS))
        for peer in peers:
            channels[peer] = min(FORMATS, key=lambda each, peer=peer: trial[f"{peer}-{each}"]["seconds"])
    chosen = {"ours": "ours"} | {peer: f"{peer}-{channels[peer]}" for peer in peers}
    order, rounds = list(chosen.values()), []
    for _ in range(config.rounds):
        rounds.append(in_turn(*order, more="embedding"))
        order = order[1:] + order[:1]
    together = {name: _middle([each[which] for each in rounds]) for name, which in chosen.items()}
    fastest = min(peers, key=lambda peer: together[peer]["seconds"], default=None)
    growth = []
    for size in case.growth:
        each = in_turn(*chosen.values(), size=size, steps=max(1, round(case.steps * case.size / size)))
        beside = {peer: each[chosen[peer]] for peer in peers}
        best = min(beside, key=lambda peer, beside=beside: beside[peer]["seconds"], default=None)
        growth.append({"size": size, "ours": each["ours"], "fastest": best, "torch": beside.get(best)})
    bar.close()
    result = {"network": config.network, "size": case.size, "loss": case.loss, "optimizer": case.optimizer}
    result |= {"embedded": case.embedded, "device": device, "threads": threads, "versions": _versions(device)}
    result |= {"gpu": gpu_name() if device == "cuda" else None, "ours": together.pop("ours"), "peers": together}
    for peer, measured in together.items():
        measured["channels"] = channels[peer]
        for key, ratios in (("seconds", "ratios"), ("embedding_seconds", "embedding_ratios")):
            pairs = [(each["ours"], each[chosen[peer]]) for each in rounds]
            measured[ratios] = [ours[key] / theirs[key] for ours, theirs in pairs if key in ours]
    result |= {"fastest": fastest, "ratio": median(together[fastest]["ratios"]) if fastest else None}
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
    """The medians of seconds, the least and the most of them, and the most memory."""
    seconds, peaks = [each["seconds"] for each in results], [each["peak_bytes"] for each in results]
    middle = {"seconds": median(seconds), "range": [min(seconds), max(seconds)]}
    if "embedding_seconds" in results[0]:
        middle["embedding_seconds"] = median(each["embedding_seconds"] for each in results)
    return middle | {"peak_bytes": max(peaks) if all(peaks) else None}


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
        if "compiled" in str(arguments):
            reason += " (--peers default tuned does without torch.compile)"
        raise BadInput(f"the process for {arguments} failed: {reason}")
    return json.loads(printed.splitlines()[-1])


def main():
    config = parse(BenchOptions, "python -m minisiamese.bench")
    check_counts(config, rounds=(1, 1000), threads=1)
    if not config.peers:
        raise BadInput(f"--peers must name some of {', '.join(PEERS)}")
    check_device(config.device)
    result = bench(config)
    print(json.dumps(result) if config.json else describe(result))


if __name__ == "__main__":
    front_door(main)
