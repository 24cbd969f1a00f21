"""A slice of the kills (``python -m tests.crash``), and whether the program would see what it looks for."""

import os
import random
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from test_checkpoint import log_of

from minisiamese import checkpoint
from minisiamese.errors import BadInput
from tests import crash
from tests.crash import OUT, SCENARIOS, Moment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups")


def test_killed_runs_go_on_and_end_exactly(tmp_path):
    """Pair sets: killed where a checkpoint is about to take its place and, gone on with, in the final tests."""
    crash.make_data(tmp_path)
    whole = crash.run_program(tmp_path / "whole", SCENARIOS["pair sets"][-1].split())
    assert whole.code == 0, whole.err
    planned = [
        Moment(f"rename {OUT}/last.npz.part", 3, 0, alone=False),
        Moment(f"open {OUT}/pairs.png.part", 1, 0.002, alone=True),
    ]
    counts, faults = crash.carry_out(tmp_path / "killed", "pair sets", planned, tmp_path / "whole" / OUT)
    assert not faults
    assert counts["kills"] == counts["resumed"] == 2 and counts["exact"] == 1 and counts["lost"] == 3


def test_plans_are_the_same_for_a_seed_and_of_every_kind():
    reference = SimpleNamespace(seconds=3, notes=[["open a"], ["step", "a", "1"], ["rename a"], ["step", "a", "2"]])
    plans = [[*crash.moments(random.Random(seed), reference)] for seed in (0, 0, *range(1, 60))]
    assert plans[0] == plans[1] != plans[2]
    every = [moment for plan in plans for moment in plan]
    assert {moment.what for moment in every} == {"start", "step", "open a", "rename a"}
    assert {moment.alone for moment in every} == {True, False} and 0 in {moment.delay for moment in every}


# --- what is left of a run, damaged on purpose ------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path):
    """Two folders of alike runs, but for what need not be alike."""
    for number, name in enumerate(("first", "second")):
        out = tmp_path / name / OUT
        out.mkdir(parents=True)
        meta = {"step": 6, "random_state": {"state": 1}, "seconds": number, "config": {"resume": bool(number)}}
        checkpoint.save(out / "last.npz", {"w": np.arange(3.0)}, meta)
        checkpoint.save_json(out / "summary.json", {"accuracy": 0.5, "seconds": number, "log": [{"step": 1}]})
        log = log_of(*({"step": step, "loss": 1.0, "seconds": number} for step in (3, 6)))
        (out / "metrics.jsonl").write_text(log)
        (out / "curves.png").write_bytes(b"picture")
    return tmp_path / "first", tmp_path / "second"


def again(out, array=(0.0, 1.0, 2.0), **changed):
    _, meta = checkpoint.load(out / "last.npz")
    checkpoint.save(out / "last.npz", {"w": np.array(array)}, meta | changed)


DAMAGE = {
    "an array": (lambda out: again(out, array=(0.0, 1.0, np.nextafter(2, 3))), "last.npz differs in 1 places"),
    "its type": (lambda out: again(out, array=np.float32([0, 1, 2])), "the first is w"),
    "a step": (lambda out: again(out, step=5), "the first is /step"),
    "a random state": (lambda out: again(out, random_state={"state": 2}), "/random_state/state"),
    "a key": (lambda out: again(out, more=1), "/more"),
    "bytes": (lambda out: (out / "last.npz").write_bytes(b"PK"), "last.npz is damaged"),
    "a figure": (lambda out: checkpoint.save_json(out / "summary.json", {"accuracy": 0.6}), "summary.json differs"),
    "a line twice": (lambda out: append(out, "metrics.jsonl", log_of({"step": 6})), "metrics.jsonl is damaged"),
    "half a line": (lambda out: append(out, "metrics.jsonl", '{"st'), "metrics.jsonl differs"),
    "a picture": (lambda out: append(out, "curves.png", "."), "curves.png differs"),
    "a part": (lambda out: (out / "best.npz.part").write_bytes(b""), "best.npz.part is left over"),
    "no file": (lambda out: (out / "curves.png").unlink(), "curves.png is missing"),
}


def append(out, name, text):
    with open(out / name, "a") as file:
        file.write(text)


def test_runs_that_are_alike_do_not_differ(folders):
    assert crash.differences(*(folder / OUT for folder in folders)) == []


@pytest.mark.parametrize(("change", "line"), DAMAGE.values(), ids=DAMAGE.keys())
def test_what_differs_is_said(folders, change, line):
    change(folders[0] / OUT)
    (found,) = crash.differences(*(folder / OUT for folder in folders))
    assert line in found


def test_steps_that_are_made_again_or_saved_late_are_faults():
    path, other = f"{OUT}/last.npz", f"{OUT}/all/bce-1.npz"
    notes = [[f"renamed {OUT}/config.json.part"], ["step", path, "4"], ["step", other, "1"], ["step", path, "5"]]
    counts = Counter()
    assert crash.astray(notes, {path: 3}, 3, counts) == [] and counts["lost"] == 2
    assert "last.npz goes on with step 4, and was saved at 0" in crash.astray(notes, {}, 9, Counter())[0]
    assert "bce-1.npz goes on with step 1" in crash.astray(notes, {path: 3, other: 10**9}, 3, Counter())[0]
    late = [*notes, ["step", path, "6"], [f"open {path}.part"], [f"rename {path}.part"], ["step", path, "7"]]
    assert "last.npz is at step 7, and was saved at 3" in crash.astray(late, {path: 3}, 3, counts)[0]
    late[-1:-1] = [[f"renamed {path}.part"]]
    assert crash.astray(late, {path: 3}, 3, counts) == [] and counts["lost"] == 4


def test_what_a_kill_left_is_read(folders):
    out = folders[0] / OUT
    checkpoint.save(out / "done.npz", {}, {"result": {}})
    append(out, "metrics.jsonl", '{"st')  # which may be
    saved = crash.saved_steps(folders[0])
    assert saved[f"{OUT}/last.npz"] == 6 and saved[f"{OUT}/done.npz"] > 10**6
    (out / "best.npz").write_bytes(b"half")
    with pytest.raises(BadInput, match=r"best.npz is not a whole checkpoint"):
        crash.saved_steps(folders[0])


# --- the report -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [[], ["last.npz differs"]])
def test_faults_are_shown_and_are_the_exit_code(faults, tmp_path, monkeypatch, capsys):
    undisturbed = SimpleNamespace(seconds=3, notes=[["open a"], ["step", "a", "1"], ["step", "a", "2"]])

    def carry_out(folder, *_):
        folder.mkdir()
        return Counter(sequences=1, kills=2, lost=2, exact=not faults), faults

    monkeypatch.setattr(crash, "run_program", lambda *_: undisturbed)
    monkeypatch.setattr(crash, "carry_out", carry_out)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["crash", "--seed", "3", "--only", "7"])
    assert crash.main() == len(faults)
    printed = capsys.readouterr().out
    assert (": python -m tests.crash --seed 3 --only 7\n" in printed) == ("last.npz differs" in printed) == bool(faults)
    columns, everything = (
        next(line for line in printed.splitlines() if line.startswith(name)) for name in ("sc", "all")
    )
    counted = dict(zip(columns.split(), everything.split(), strict=True))
    assert (counted["kills"], counted["lost"], counted["exact"]) == ("2", "2", str(1 - len(faults)))
    assert f"{len(faults)} faults" in printed and bool(faults) == any(tmp_path.iterdir())


def test_of_twenty_sequences_each_scenario_has_its_share():
    assert sum(weight for weight, *_ in SCENARIOS.values()) == 20
