"""A slice of the campaign, values and shapes of checkpoints by hypothesis, and that the campaign can fail."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from minisiamese.checkpoint import META
from minisiamese.errors import BadInput
from minisiamese.runs.folder import load_run
from minisiamese.runs.start import PRETRAINED

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the campaign, a package below the project's folder
from tests.campaign import __main__ as program
from tests.campaign import damage
from tests.campaign.case import Case
from tests.campaign.doors import DOORS, ROOT, Door, options_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, bash and /proc")
SAME = settings(derandomize=True, database=None, deadline=None, max_examples=40)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**20, -1, 0, 1.5]))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def test_a_slice_of_the_campaign():
    command = [sys.executable, "-m", "tests.campaign", "--count", "10", "--seed", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("0 faults\n") and not done.stderr, done.stdout + done.stderr


# --- checkpoints, by hypothesis ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """(arrays, meta, a path) of a checkpoint that is right."""
    with np.load(PRETRAINED) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(str(arrays.pop(META))), tmp_path_factory.mktemp("drawn") / "best.npz"


def loads(path, arrays, meta):
    """Whether a checkpoint can be loaded; anything but one or BadInput is an error."""
    with path.open("wb") as file:
        np.savez(file, **arrays, **{META: np.array(json.dumps(meta))})
    try:
        network, *_ = load_run(path)
    except BadInput as error:
        assert str(path) in str(error)
        return False
    return all(np.isfinite(array).all() for array in network.arrays().values())


def test_the_checkpoint_is_right(good):
    arrays, meta, path = good
    assert loads(path, arrays, meta)


@SAME
@given(data=st.data(), value=VALUES)
def test_any_value_in_what_a_checkpoint_says_of_itself(good, data, value):
    arrays, meta, path = good
    group = data.draw(st.sampled_from(["config", "config", "calibration", None]))
    inside = meta[group] if group else meta
    key = data.draw(st.sampled_from(sorted(inside)))
    changed = inside | {key: value}
    loads(path, arrays, meta | {group: changed} if group else changed)


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")  # names of fields that are not ASCII
@SAME
@given(data=st.data())
def test_any_array_in_a_checkpoint(good, data):
    arrays, meta, path = good
    name = data.draw(st.sampled_from(sorted(arrays)))
    kinds = st.one_of(of_numpy.scalar_dtypes(), of_numpy.unicode_string_dtypes(), of_numpy.array_dtypes(max_size=2))
    shapes = st.one_of(st.just(arrays[name].shape), of_numpy.array_shapes(min_dims=0, max_dims=4, max_side=4))
    kind, shape = data.draw(kinds), data.draw(shapes)
    fits = (kind.kind, shape) == ("f", arrays[name].shape)
    assert loads(path, arrays | {name: np.zeros(shape, kind)}, meta) <= fits


# --- the campaign itself ----------------------------------------------------------------------------------------------

ENDS = {  # the end of a program: what the campaign calls it
    "raise ValueError('x')": "traceback",
    "import time; time.sleep(60)": "hang",
    "sys.exit(3)": "wrong exit code",
    "print('error: one', file=sys.stderr); print('two', file=sys.stderr); sys.exit(2)": "more than one line",
    "print('one', file=sys.stderr); sys.exit(2)": "more than one line",
    "sys.exit(2)": "more than one line",
    "print('a warning', file=sys.stderr)": "more than one line",
    "print('accuracy nan')": "no number",
    "print('error: a file', file=sys.stderr); sys.exit(2)": "refused",
    "print('accuracy 3.0 %')": "fine",
}


@pytest.fixture
def a_case(tmp_path, monkeypatch):
    """A case in a world of a run with one file, and a door of lines of Python."""
    for name in ("case", "world/images", "world/data", "world/run"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "world/run/file.json").write_text('{"accuracy": 0.5}')
    monkeypatch.setattr(
        Case, "fork", lambda self, door, words, *_: self.process(door, words)
    )  # threads are at work here

    def make(lines):
        (tmp_path / "door.py").write_text(f"import sys\n{lines}\n")
        monkeypatch.setitem(DOORS, "door", Door(str(tmp_path / "door.py"), "Config"))
        return Case(0, 0, tmp_path / "world", tmp_path / "case", patience=1)

    return make


@pytest.mark.parametrize(("lines", "expected"), ENDS.items())
def test_a_program_that_ends_badly_is_a_fault(a_case, lines, expected):
    case = a_case(lines)
    assert case.judge(case.process("door", [])) == (not case.faults)
    assert [kind for kind, _ in case.faults] or case.ends == [expected]
    assert all(kind == expected for kind, _ in case.faults)


@pytest.mark.parametrize(
    ("lines", "expected"), [("print(open('run/file.json').read())", "unnoticed"), ("", "harmless")]
)
def test_a_flip_that_nobody_notices_is_a_fault(a_case, lines, expected):
    case = a_case(lines)
    damage.changed(case, [damage.Target("run", "file.json", "door", ())], damage.flip)
    assert [kind for kind, _ in case.faults] == ["unnoticed"] * (expected == "unnoticed")
    assert case.ends == [expected if expected == "harmless" else "fine"]


def test_cases_are_of_every_kind_and_options_of_every_door():
    order = program.plan()
    assert set(order) == set(program.KINDS) and len(order) == sum(weight for _, weight in program.KINDS.values())
    assert {"--threads", "--resume", "--lr", ""} <= set(options_of("train"))
    assert all(set(door.call) <= set(options_of(name)) for name, door in DOORS.items())
    assert Case(7, 1, "", "").rng.random() == Case(7, 1, "", "").rng.random() != Case(7, 2, "", "").rng.random()


def test_the_report_counts_and_shows_a_fault(capsys):
    results = {"kind": program.Counter(cases=3, fine=2, traceback=1)}
    assert program.table(results).splitlines()[-1].split() == ["all", "3", "0", "2", "0", "0", "1"]
