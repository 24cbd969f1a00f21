"""The gradients of MAML, first-order MAML and Reptile, and the program that trains by them."""

import json
import os
import signal

import numpy as np
import pytest
from conftest import call
from test_folder import classes, write

from minisiamese import checkpoint
from minisiamese.backend import array_module, to_host
from minisiamese.checkpoint import load_json
from minisiamese.gradcheck import numerical_gradient, relative_error
from minisiamese.layers import Flatten, Linear, Sequential, Sigmoid
from minisiamese.studies.maml import __main__ as program
from minisiamese.studies.maml import gradients as maml
from minisiamese.studies.maml import learning

ALPHA, STEPS = 0.7, 3


@pytest.fixture
def network(rng, device):
    """A small smooth one of float64, which has 4 x 3 pixels to tell three classes by."""
    return Sequential(Flatten(), Linear(12, 4, rng), Sigmoid(), Linear(4, 3, rng)).astype(np.float64).to(device)


@pytest.fixture
def theta(network):
    return maml.weights(network)


@pytest.fixture
def task(rng, put):
    return maml.Task(put(rng.normal(size=(3, 4, 4, 3, 1))), 2)


def loss_after_adaptation(network, theta, task):
    adapted = maml.adapt(network, theta, task, STEPS, ALPHA)[-1]
    return float(maml.gradient(network, adapted, *task.query())[1])


def test_weights_are_one_vector_and_back(network, theta):
    assert theta.size == sum(array.size for array in network.arrays().values())
    maml.put_weights(network, theta + 1)
    assert np.allclose(to_host(maml.weights(network)), to_host(theta) + 1)


def test_maml_is_the_gradient_by_the_initial_weights(network, theta, task):
    by_theta, loss = maml.second_order(network, theta, task, STEPS, ALPHA)
    numerical = numerical_gradient(lambda: loss_after_adaptation(network, theta, task), theta)
    assert relative_error(by_theta, numerical) < 1e-6
    assert float(loss) == pytest.approx(loss_after_adaptation(network, theta, task))
    first, _ = maml.first_order(network, theta, task, STEPS, ALPHA)
    assert relative_error(first, numerical) > 0.05  # what the second derivatives add is not to be overlooked


def test_maml_through_convolution_and_batch_norm(rng):
    network = maml.classifier(rng, 2, width=2).astype(np.float64)
    network.layers[-1].params["W"][...] = rng.normal(size=(8, 2))
    theta, task = maml.weights(network), maml.Task(rng.normal(size=(2, 4, 28, 28, 1)), 2)
    by_theta, _ = maml.second_order(network, theta, task, 2, 0.1)
    direction = rng.normal(size=theta.size)

    def loss(step):
        adapted = maml.adapt(network, theta + step * direction, task, 2, 0.1)[-1]
        return maml.gradient(network, adapted, *task.query())[1]

    assert by_theta @ direction == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-4)
    first, _ = maml.first_order(network, theta, task, 2, 0.1)
    assert first @ direction != pytest.approx(by_theta @ direction, rel=1e-2)


def test_hessian_is_the_slope_of_the_gradient(rng, network, theta, task, put):
    u, v = put(rng.normal(size=(2, theta.size)))
    Hv = maml.hessian_times(network, theta, *task.support(), v)
    numerical = numerical_gradient(lambda: float(maml.gradient(network, theta, *task.support())[0] @ v), theta)
    assert relative_error(Hv, numerical) < 1e-7
    Hu = maml.hessian_times(network, theta, *task.support(), 1e9 * u)  # however long u is
    assert float(u @ Hv) == pytest.approx(1e-9 * float(v @ Hu), rel=1e-6)
    assert float(abs(maml.hessian_times(network, theta, *task.support(), 0 * v)).max()) == 0


def test_first_order_takes_the_gradient_where_adaptation_ends(network, theta, task):
    at = theta
    for _ in range(STEPS):
        at = at - ALPHA * maml.gradient(network, at, *task.support())[0]
    expected, loss = maml.gradient(network, at, *task.query())
    by_theta, seen = maml.first_order(network, theta, task, STEPS, ALPHA)
    assert np.array_equal(to_host(by_theta), to_host(expected)) and float(seen) == float(loss)


def test_reptile_goes_to_where_other_images_in_every_step_lead(network, theta, task):
    at = theta
    for place in (0, 1, 2, 3, 0):
        images = task.images[:, place]
        by_theta, _ = maml.gradient(network, at, images, array_module(images).arange(3))
        at = at - ALPHA * by_theta
    move, _ = maml.reptile(network, theta, task, 5, ALPHA)
    assert np.allclose(to_host(theta - 5 * ALPHA * move), to_host(at))


def test_a_task_divides_each_class(rng):
    task = maml.Task(rng.normal(size=(3, 4, 2, 2, 1)), 1)
    support, labels = task.support()
    assert np.array_equal(support, task.images[:, 0]) and labels.tolist() == [0, 1, 2]
    queries, labels = task.query()
    assert np.array_equal(queries[3:6], task.images[1, 1:]) and labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_network_that_knows_nothing_is_right_by_chance(rng):
    """Its last layer is zero, so all scores of a query tie."""
    network = maml.classifier(rng, 4, width=2)
    task = maml.Task(rng.random((4, 3, 28, 28, 1), np.float32), 1)
    s = maml.scores(network, maml.weights(network), task, 0, 0.4)
    assert s.shape == (8, 4)

    def carry_out(function, theta, tasks, steps):
        return [function(network, theta, each, steps, 0.4) for each in tasks]

    assert learning.accuracies(carry_out, maml.weights(network), [task] * 2, 0).tolist() == [0.25, 0.25]
    network.forward(task.query()[0])  # nothing is left of the forward pass before


# --- the program ------------------------------------------------------------------------------------------------------

SHORT = ("--way", 2, "--queries", 1, "--steps", 4, "--tasks", 2, "--inner-steps", 1, "--test-tasks", 3)


@pytest.fixture
def pictures(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(learning, "VALIDATION_TASKS", 2)
    return write(tmp_path / "pictures", classes(rng, "abcdefgh", 3))


def last(out):
    arrays, _ = checkpoint.load(out / "last.npz")
    return arrays


@pytest.mark.parametrize("method", ["fomaml", "maml", "reptile"])
def test_a_run_leaves_its_weights_and_figures(tmp_path, pictures, monkeypatch, capsys, method):
    out = tmp_path / method
    given = ("folder", "--data-dir", pictures, "--method", method, "--out", out, "--threads", 1, *SHORT)
    assert call(monkeypatch, program.main, *given) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert list(summary["adaptation"]) == ["0", "1", "2"] and summary["adaptation"]["0"]["accuracy"] == 0.5
    assert summary["accuracy"] == summary["adaptation"]["1"]["accuracy"] and summary["published"] is None
    assert (out / "curves.png").stat().st_size > 5000
    assert f"{method}, 2-way 1-shot on unseen classes of folder" in capsys.readouterr().out
    assert not last(out)["5.W"].any()  # the last layer
    assert last(out)["0.conv.W"].any()


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path, pictures, monkeypatch, capsys):
    given = ("folder", "--data-dir", pictures, "--threads", 1)
    assert call(monkeypatch, program.main, *given, "--out", tmp_path / "whole", *SHORT) == 0
    draw, seen = learning.Tasks.draw, []

    def interrupted(self, rng, queries):
        seen.append(1)
        if len(seen) == learning.VALIDATION_TASKS + 3:  # in the second step
            os.kill(os.getpid(), signal.SIGINT)
        return draw(self, rng, queries)

    monkeypatch.setattr(learning.Tasks, "draw", interrupted)
    parts = tmp_path / "parts"
    assert call(monkeypatch, program.main, *given, "--out", parts, *SHORT) == 130
    assert f"--out {parts} --resume" in capsys.readouterr().err and not (parts / "summary.json").exists()
    assert call(monkeypatch, program.main, *given, "--out", parts, "--resume") == 0
    whole, resumed = last(tmp_path / "whole"), last(parts)
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)
    summaries = [load_json(run / "summary.json") for run in (tmp_path / "whole", parts)]
    assert summaries[0] | {"seconds": 0} == summaries[1] | {"seconds": 0}


def test_processes_come_to_the_same_weights(tmp_path, pictures, monkeypatch):
    given = ("folder", "--data-dir", pictures, *SHORT)
    for threads in (1, 2):
        out = tmp_path / str(threads)
        assert call(monkeypatch, program.main, *given, "--threads", threads, "--out", out) == 0
    one, two = last(tmp_path / "1"), last(tmp_path / "2")
    assert all(np.array_equal(one[name], two[name]) for name in one if not name.endswith(("mean", "var")))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("glyphs", "--way", 1), "--way must be at least 2, not 1"),
        (("glyphs", "--lr", 0), "--lr must be more than 0"),
        (("glyphs", "--inner-rate", "nan"), "--inner-rate must be more than 0 and finite, not nan"),
        (("folder",), "folder needs --data-dir"),
        (("glyphs", "--method", "anil"), "--method"),
        (("glyphs", "--resume"), "--resume: there is no run in"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, given, line):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, program.main, *given) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and line in error and error.count("\n") == 1


def test_too_few_classes_or_images_are_one_line(tmp_path, pictures, monkeypatch, capsys):
    for given, line in ((("--way", 9), "--way 9, but there are only"), (("--queries", 3), "takes 4 images")):
        out = tmp_path / line[:5]
        assert call(monkeypatch, program.main, "folder", "--data-dir", pictures, "--out", out, *SHORT, *given) == 2
        assert line in capsys.readouterr().err
