"""Python in a browser (Pyodide) has no threads, no other programs and no sockets: the book and lesson 3 do without."""

import os
import subprocess
import sys

import pytest

from lessons import build

AS_THERE = """
import os, runpy, socket, subprocess, sys, threading

def refused(error):
    def call(*arguments, **options):
        raise error
    return call

threading.Thread.start = refused(RuntimeError("can't start new thread"))
subprocess.Popen = refused(OSError(138, "emscripten does not support processes."))
socket.socket.connect = refused(OSError(23, "Host is unreachable"))
sys.modules |= {"resource": None, "pwd": None, "cupy": None}
os.__dict__.pop("sched_getaffinity", None)
os.cpu_count = lambda: 8
"""
BOOK = """
import numpy as np
from minisiamese import convolution, criteria, gradcheck, layers, losses, mining, networks, optimizers, pooling, siamese
from minisiamese import threads, trials
from minisiamese.fast.fuse import fuse

assert threads.available_cores() == 1
rng, total = np.random.default_rng(0), np.zeros(1)
for count in (None, 4):
    if count:
        threads.set_threads(count)  # as a program does that is told so
    assert threads.in_chunks(lambda rows: np.array([rows.stop - rows.start]), 10, threads.HOST_CHUNK_BYTES)[0] == 10
    assert gradcheck.check_layer(convolution.Conv2D(2, 3, 3, rng), rng.normal(size=(2, 6, 5, 2)), rng) < 1e-6
    network = fuse(networks.conv4(rng))
    z = network.forward(rng.random((40, 35, 35, 1), np.float32))
    network.backward(np.ones_like(z))
assert gradcheck.check_loss(losses.bce, (rng.normal(size=5),), (np.array([0, 1, 1, 0, 1.0]),)) < 1e-6
"""
LESSON = f"sys.argv = [{str(build.sources()[3])!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"
PICTURES = "import minisiamese as ms, numpy as np; ms.load('pretrained').embed(list(np.eye(40)[None].repeat(3, 0)))"


@pytest.mark.parametrize("program", [BOOK, LESSON, PICTURES], ids=["book", "lesson 3", "pictures"])
def test_it_runs_without_threads_programs_or_sockets(program, tmp_path):
    environment = os.environ | {"MINISIAMESE_QUICK": "1", "MINISIAMESE_PICTURES": str(tmp_path), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", AS_THERE + program], capture_output=True, text=True, cwd=build.FOLDER, env=environment
    )
    assert done.returncode == 0, done.stderr
