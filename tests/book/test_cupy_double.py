"""The double of CuPy behaves as CuPy does, or more strictly; and it finds the faults that it is there to find."""

import copy
import importlib.util
import json
import pickle
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lessons import cupy_double
from minisiamese import criteria, layers, losses, siamese
from minisiamese.backend import synchronize
from minisiamese.data.dataset import hold_out
from minisiamese.gradcheck import check_layer
from minisiamese.runs.settings import Settings
from minisiamese.train.trainer import Trainer


@pytest.fixture(params=["double", pytest.param("cupy", marks=pytest.mark.gpu)])
def cupy(request):
    """The double; and CuPy where there is a GPU, to see that the double is right."""
    if request.param == "double":
        return cupy_double.cupy
    real = pytest.importorskip("cupy")
    return real if real.is_available() else pytest.skip("no GPU")


@pytest.fixture
def double(monkeypatch):
    cupy_double.install(monkeypatch)
    return cupy_double.cupy


def copied(function):
    """How many copies to the host a call makes."""
    before = cupy_double.copies()
    function()
    return cupy_double.copies() - before


# --- as CuPy ----------------------------------------------------------------------------------------------------------


HOST = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "mix",
    [
        lambda cupy, x: x + HOST,
        lambda cupy, x: HOST * x,
        lambda cupy, x: x @ HOST.T,
        lambda cupy, x: x < HOST,
        lambda cupy, x: x.__iadd__(HOST),
        lambda cupy, x: np.asarray(x),
        lambda cupy, x: HOST.copy().__setitem__(slice(None), x),
        lambda cupy, x: cupy.concatenate([x, HOST]),
        lambda cupy, x: cupy.maximum(x, HOST),
        lambda cupy, x: cupy.where(HOST > 1, x, 0),
        lambda cupy, x: cupy.maximum(x, [1, 2, 3]),
        lambda cupy, x: cupy.concatenate([x, [[1, 2, 3]]]),
        lambda cupy, x: cupy.where(x > 1, [1, 2, 3], 0),
        lambda cupy, x: range(x.argmax()),
        lambda cupy, x: cupy.zeros(x.argmax()),
        lambda cupy, x: x[: x.argmax()],
    ],
)
def test_host_and_device_do_not_mix(cupy, mix):
    with pytest.raises((TypeError, AttributeError, ValueError)):
        mix(cupy, cupy.asarray(HOST))


@pytest.mark.parametrize(
    "call",
    [
        lambda cupy, x: cupy.einsum("ij->i", x, out=cupy.zeros(2)),
        lambda cupy, x: cupy.sum(x, where=x > 1),
        lambda cupy, x: x.max(initial=0),
        lambda cupy, x: cupy.add(x, 1, where=x > 1),
        lambda cupy, x: cupy.clip(x, min=0, max=1),
        lambda cupy, x: cupy.zeros(2, like=x),
        lambda cupy, x: cupy.stack(x, dim=0),
        lambda cupy, x: x.sort(kind="quicksort"),
        lambda cupy, x: cupy.maximum.reduce(x),
        lambda cupy, x: cupy.multiply.at(x, cupy.asarray([0]), 2.0),
        lambda cupy, x: cupy.repeat(x, cupy.asarray([1, 2]), axis=0),
        lambda cupy, x: cupy.add.at(cupy.asarray([1]), cupy.asarray([0]), cupy.asarray([1])),
    ],
)
def test_arguments_that_numpy_alone_has_are_refused(cupy, call):
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        call(cupy, cupy.asarray(HOST))


@pytest.mark.parametrize("name", ["errstate", "seterr", "nditer", "ma", "insert", "memmap"])
def test_names_that_numpy_alone_has_are_missing(cupy, name):
    assert hasattr(np, name) and not hasattr(cupy, name)


def test_the_generator_is_a_poor_one(cupy):
    generator = cupy.random.default_rng(0)
    assert not any(hasattr(generator, name) for name in ("normal", "choice", "permutation", "shuffle"))
    assert isinstance(generator.random(3), cupy.ndarray) and isinstance(generator, cupy.random.Generator)


def test_reductions_are_arrays_of_no_dimension(cupy):
    x = cupy.asarray(HOST)
    for value in (x.sum(), x.max(), x.mean(), x[0, 1], cupy.dot(x[0], x[1]), cupy.allclose(x, x), (x > 1).all()):
        assert isinstance(value, cupy.ndarray) and value.shape == ()
    assert float(x.sum()) == 15 and int(x[0, 1]) == 1 and bool((x >= 0).all()) and x[0].tolist() == [0, 1, 2]


def test_arithmetic_is_numpys(cupy):
    x = cupy.asarray(HOST)
    assert np.array_equal((2 - x / 4 + np.float32(1) * x**2).get(), 2 - HOST / 4 + HOST**2)
    assert np.array_equal((x @ x.T).get(), HOST @ HOST.T)
    assert np.array_equal(cupy.where(x > 2, -x, 0).get(), np.where(HOST > 2, -HOST, 0))
    x[0] += 1
    x[:, 1] = 7
    x[cupy.asarray([1]), cupy.asarray([2])] = -1
    assert x.get().tolist() == [[1, 7, 3], [3, 7, -1]]
    view, element = x[1], x[1, 2]
    view *= 0
    assert x.get().tolist() == [[1, 7, 3], [0, 0, 0]] and float(element) == 0
    first, _ = x
    assert first.tolist() == [1, 7, 3] and len(x) == 2 and x.T.shape == (3, 2)
    cupy.add.at(x, cupy.asarray([1, 1]), 2.0)
    x.scatter_add(cupy.asarray([1, 1]), cupy.asarray([1.0, 0.0, -1.0]))
    assert x[1].tolist() == [6, 4, 2]


def test_the_module_of_an_array_is_known(cupy):
    assert cupy.get_array_module(np.ones(2)) is np and cupy.get_array_module(np.ones(2), cupy.ones(2)) is cupy


def test_copies_share_no_memory(cupy):
    host = HOST.copy()
    x = cupy.asarray(host)
    host[:] = 0
    assert np.array_equal(x.get(), HOST)
    x.get()[:] = 0
    assert np.array_equal(cupy.asnumpy(x), HOST)
    x.set(host)
    assert not x.get().any()


def overlapping(cupy, x):
    """Every two neighbours of each row, (2, 2, 2): the middle one is there twice."""
    return cupy.lib.stride_tricks.as_strided(x, (2, 2, 2), (x.strides[0], x.strides[1], x.strides[1]))


def test_views_may_overlap_if_they_are_read(cupy):
    x = cupy.asarray(HOST)
    assert overlapping(cupy, x).get().tolist() == [[[0, 1], [1, 2]], [[3, 4], [4, 5]]]
    apart = cupy.lib.stride_tricks.as_strided(x, (3, 2), (x.strides[1], x.strides[0]))  # interleaved, none twice
    apart[:] = cupy.asarray(-HOST.T)
    assert np.array_equal(x.get(), -HOST)
    x = cupy.zeros(8)
    cupy.lib.stride_tricks.as_strided(x, (2, 3), (3 * 8, 2 * 8))[:] = 1  # the rows mesh like two combs
    assert x.tolist() == [1, 0, 1, 1, 1, 1, 0, 1]


def test_sorting_is_stable(cupy):
    order = cupy.argsort(cupy.arange(1000) % 2)
    assert order.tolist() == [*range(0, 1000, 2), *range(1, 1000, 2)]


# --- stricter than CuPy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "careless",
    [
        lambda cupy, x: np.exp(x),
        lambda cupy, x: np.sum(x),
        lambda cupy, x: np.stack([x, x]),
        lambda cupy, x: x[np.array([0])],
        lambda cupy, x: x[HOST > 1],
        lambda cupy, x: x[[0, 1]],
        lambda cupy, x: cupy.take(x, [0, 1]),
        lambda cupy, x: x.take([0, 1]),
        lambda cupy, x: x.__setitem__(HOST > 1, 0),
        lambda cupy, x: x.__setitem__(x > 1, np.zeros(4)),
        lambda cupy, x: x.__setitem__(slice(None), HOST),
        lambda cupy, x: x.__setitem__(cupy.asarray([0, 0]), 1),
        lambda cupy, x: x[cupy.asarray([2])],
        lambda cupy, x: x.data,
        lambda cupy, x: setattr(x, "shape", (6,)),
        lambda cupy, x: overlapping(cupy, x).__setitem__(slice(None), 1),
    ],
)
def test_what_cupy_lets_pass_is_refused(double, careless):
    with pytest.raises((TypeError, ValueError, IndexError, AttributeError, NotImplementedError)):
        careless(double, double.asarray(HOST))


def test_copies_to_the_host_are_counted(double):
    x = double.asarray(HOST)
    for reading in (
        x.get,
        x.tolist,
        x.sum().item,
        lambda: float(x.sum()),
        lambda: bool(x.any()),
        lambda: double.asnumpy(x),
        lambda: x[x > 1],  # its size is asked for
        lambda: x.__setitem__(x > 1, 0.0),
        lambda: double.nonzero(x),
        lambda: x.nonzero(),
        lambda: double.unique(x),
        lambda: double.where(x > 1),
        lambda: range(int(x.argmax())),
        lambda: str(x),
        lambda: f"{x}",
        lambda: pickle.dumps(x),
    ):
        assert copied(reading) == 1
    assert copied(lambda: copy.deepcopy((x * 2 + double.where(x > 1, x, 0)).reshape(3, 2)[:1].mean(axis=0))) == 0


def test_waiting_is_counted(double):
    before = cupy_double.synchronisations()
    synchronize("cuda")
    synchronize("cpu")
    assert cupy_double.synchronisations() == before + 1


def test_the_double_has_no_name_that_cupy_lacks():
    """What it adds to the snapshot by itself, too."""
    names = cupy_double.NAMES
    for space, module in cupy_double.MODULES.items():
        if isinstance(module, cupy_double.Module):
            own = {key for key in vars(module) if not key.startswith("_")} - {"scipy", "lib"}
            assert own <= set(names[space]), space
    for module in (cupy_double._RUNTIME, cupy_double._POOL):
        own = {key for key in vars(module) if not key.startswith("_")}
        assert own <= set(names[module.__name__]) and len(own) > 0
    operators = {key for key in vars(cupy_double.ndarray) if key.startswith("__")} - {"__getattr__"}
    assert operators <= set(cupy_double.SNAPSHOT["operators"].split()) and len(operators) > 50
    for space, each in (("cupy.ndarray", cupy_double.ndarray), ("cupy.cuda.Device", cupy_double.Device)):
        assert {key for key in dir(each) if not key.startswith("_")} <= set(names[space]), space


@pytest.mark.parametrize(
    "ask",
    [
        lambda cupy: cupy.mgrid,
        lambda cupy: cupy.r_,
        lambda cupy: cupy.fft,
        lambda cupy: cupy.vectorize,
        lambda cupy: cupy.random.RandomState,
        lambda cupy: cupy.cuda.Stream,
        lambda cupy: cupy.cuda.runtime.deviceSynchronize,
        lambda cupy: cupy.zeros(2).device,
    ],
)
def test_what_the_double_does_not_imitate_it_says(double, ask):
    with pytest.raises(NotImplementedError, match="the double of CuPy has no"):
        ask(double)


def test_a_mistake_is_told_with_its_cure(double):
    x = double.asarray(HOST)
    for mistake, message in (
        (lambda: np.sqrt(x), "numpy.sqrt of an array on the device: use xp.sqrt"),
        (lambda: HOST - x, "numpy.subtract of an array on the device"),
        (lambda: np.linalg.norm(x), "numpy.linalg.norm of an array on the device"),
        (lambda: x[HOST > 1], "a numpy.ndarray indexes an array on the device: xp.asarray it first"),
        (lambda: x[[0]], "a list indexes an array on the device"),
    ):
        with pytest.raises(TypeError, match=message):
            mistake()


def test_cupyx_is_scipy(double):
    from cupyx.scipy import ndimage, special

    x = double.asarray(HOST)
    assert special.expit(x).get() == pytest.approx(1 / (1 + np.exp(-HOST)))
    assert ndimage.uniform_filter(x, 1).shape == (2, 3)
    with pytest.raises(TypeError, match="host array"):
        special.expit(HOST)
    with pytest.raises(AttributeError):
        ndimage.no_such_filter  # noqa: B018


def test_the_snapshot_is_cupys():
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("needs CuPy, and no GPU")
    import cupy
    import cupy_snapshot

    kept = json.loads(Path(cupy_snapshot.__file__).with_name("cupy-14.2.0.json").read_text())
    if cupy.__version__ != kept["version"]:
        pytest.skip(f"CuPy {cupy.__version__} is not {kept['version']}")
    assert cupy_snapshot.snapshot() == kept


# --- planted faults ---------------------------------------------------------------------------------------------------


def planted(module, right, wrong):
    """A module of the library with a fault in it."""
    source = Path(module.__file__).read_text()
    assert source.count(right) == 1
    faulty = ModuleType(module.__name__)
    exec(compile(source.replace(right, wrong), module.__file__, "exec"), faulty.__dict__)
    return faulty


def test_np_for_xp_is_found(double):
    d, y = double.asarray([0.3, 1.7]), double.asarray([1, 0])
    right = "loss = xp.maximum(s, 0)"
    faulty = planted(losses, right, "import numpy as np; " + right.replace("xp.", "np."))
    assert float(losses.bce(d, y)[0]) > 0
    with pytest.raises(TypeError):
        faulty.bce(d, y)


def test_an_array_made_on_the_host_is_found(double):
    right = "total = xp.zeros(z.size + "
    faulty = planted(siamese, right, right.replace("xp.", "np."))
    heads = siamese.L1Head(2).to("cuda"), faulty.L1Head(2).to("cuda")
    for head in heads:
        head.forward(double.ones((2, 2), np.float32), double.zeros((0, 2), int))  # no pairs: the one case
    assert heads[0].backward(double.zeros(0, np.float32)).shape == (2, 2)
    with pytest.raises(TypeError):
        heads[1].backward(double.zeros(0, np.float32))


def test_float_inside_a_step_is_found(double, drawings):
    settings = {"data": "omniglot", "network": "conv4", "loss": "bce", "batch": 4, "device": "cuda"}
    trainer = Trainer(Settings.of_recipe("best", **settings).checked(), *hold_out(drawings, 1))
    assert copied(trainer.train_step) == 0
    right = "loss, ds = losses.bce(head.forward(z, batch.pairs), batch.same)\n    return loss"
    faulty = planted(criteria, right, right.replace("return loss", "return float(loss)"))
    trainer.criterion = partial(faulty.CRITERIA["bce"].compute, margin=1.0)
    assert copied(trainer.train_step) == 1


def test_a_mask_from_the_host_is_found(double, rng):
    x = double.asarray(rng.normal(size=(3, 4)))
    assert check_layer(layers.ReLU(), x, rng) < 1e-6
    right = "return dy * (y > 0)"
    faulty = planted(layers, right, "dx = dy.copy(); dx[np.array(y.tolist()) <= 0] = 0; return dx")
    with pytest.raises(TypeError, match=r"a numpy.ndarray indexes an array on the device"):
        check_layer(faulty.ReLU(), x, rng)
