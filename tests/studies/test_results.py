"""The table of results: what it reads, how it groups, and that README's results are its very output."""

from pathlib import Path

import pytest
from conftest import call
from PIL import Image

from minisiamese.checkpoint import load_json, save_json
from minisiamese.runs.settings import Settings
from minisiamese.studies.results import __main__ as report
from minisiamese.studies.results.pictures import markdown
from minisiamese.studies.results.rows import command, read_run, rows_of
from minisiamese.trials import wilson

WITHIN = {"alphabets": "within", "split": "evaluation", "division": "alphabets"}


def result(accuracy, trials=400, **more):
    figures = {"accuracy": accuracy, "trials": trials, "interval": list(wilson(accuracy, trials))}
    return {**figures, "views": 16, "baselines": {"nearest_neighbour": figures | {"accuracy": 0.19}}, **more}


def make_run(folder, lake, seed=0, **settings):
    folder.mkdir()
    config = Settings.of_recipe(
        settings.pop("recipe", "best"), data="omniglot", seed=seed, threads=2, **settings
    ).checked()
    save_json(folder / "config.json", config.to_json())
    summary = {
        "seconds": 600,
        "finished": True,
        "lake": result(lake, protocol="lake"),
        "one_shot": result(
            0.9, protocol="nway", way=20, shot=1, alphabets="within", split="evaluation", division="alphabets"
        ),
        "across": None,
        "verification": result(
            0.95, 10_000, protocol="verification", alphabets="within", split="evaluation", division="alphabets"
        ),
    }
    save_json(folder / "summary.json", summary)
    return folder


@pytest.fixture
def runs(tmp_path):
    folders = [make_run(tmp_path / f"best{seed}", 0.96 + seed / 100, seed) for seed in range(3)]
    koch = make_run(tmp_path / "koch", 0.93, network="koch", lr=(3e-4,), batch=32, turn=False, minutes=9.0)
    save_json(koch / "mnist.json", result(0.75, protocol="mnist", seed=0))
    return [*folders, koch]


def test_seeds_make_one_row_among_the_published(runs):
    rows = rows_of("lake", [read_run(folder) for folder in runs])
    ours = [row for row in rows if row.seeds]
    assert [row.who for row in ours] == [
        "**ours**: `train omniglot`, 16 views",
        "**ours**: `train omniglot --no-turn --network koch --batch 32 --lr 0.0003 --minutes 9.0`, 16 views",
    ]
    assert ours[0].accuracy == pytest.approx(0.97) and ours[0].seeds == (0.96, 0.97, 0.98)
    assert ours[0].interval == pytest.approx(wilson(0.97, 400)) and ours[0].times == ("10 (2)",) * 3
    assert rows == sorted(rows, key=lambda row: -row.accuracy)
    assert sum("Koch" in row.who for row in rows) == 6 and rows[-1].who == "nearest neighbour, measured here"


def test_the_command_of_a_recipe_says_only_what_differs():
    for name in ("best", "paper", "matlab"):
        config = Settings.of_recipe(name, data="omniglot", seed=5, threads=1).checked()
        assert command(config) == "train omniglot" + (f" --recipe {name}" if name != "best" else "")
    config = Settings.of_recipe("paper", data="omniglot", pairs=90_000, l2=(0.0, 1.0)).checked()
    assert command(config) == "train omniglot --recipe paper --pairs 90000 --l2 0 1"


def test_report_and_readme(runs, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n")
    assert call(monkeypatch, report.main, *runs, "--out", tmp_path / "report", "--readme", readme) == 0
    tables = (tmp_path / "report/report.md").read_text()
    assert readme.read_text() == f"before\n{report.START}\n\n{tables}\n{report.END}\nafter\n"
    for part in (
        "97.00 %",
        "94.8 to 98.3",
        "96.00, 97.00, 98.00",
        "| 10 (2), 10 (2), 10 (2) |",
        "75.00 %",
        "70.30 %",
        "93.42 %",
    ):
        assert part in tables
    with Image.open(tmp_path / "report/report.png") as picture:
        assert min(picture.size) > 300


def test_only_results_on_the_evaluation_alphabets_are_reported(tmp_path):
    run = make_run(tmp_path / "run", 0.9)
    shot = result(1.0, protocol="nway", way=20, shot=5, **WITHIN)
    other = result(1.0, protocol="nway", way=20, shot=1, alphabets="within", split="training")
    for name, more in {"shot": shot, "other": other}.items():
        save_json(run / f"{name}.json", more)
    assert [row.accuracy for row in rows_of("nway-within", [read_run(run)]) if row.seeds] == [0.9]


def test_of_two_results_of_a_test_the_one_of_more_trials_stands(tmp_path):
    run = make_run(tmp_path / "run", 0.9)
    save_json(run / "nway.json", result(0.87, 4000, protocol="nway", way=20, shot=1, **WITHIN))
    row = next(row for row in rows_of("nway-within", [read_run(run)]) if row.seeds)
    assert row.accuracy == 0.87 and row.interval == pytest.approx(wilson(0.87, 4000))


def test_minimal_splits_have_tables_of_their_own(tmp_path):
    runs = [make_run(tmp_path / "all", 0.97)]
    small = {"split": "small1", "mix": ("glyphs:0.5", "chimeras:0.25")}
    runs += [make_run(tmp_path / f"small{seed}", 0.9 + seed / 100, seed, **small) for seed in (0, 1)]
    runs += [make_run(tmp_path / "more", 0.97, split="small1", start="pretrained")]  # which has seen other alphabets
    runs = [read_run(folder) for folder in runs]
    assert [row.seeds for row in rows_of("lake", runs) if row.seeds] == [(0.97,)]
    (ours,) = [row for row in rows_of("lake-small1", runs) if row.seeds]
    assert ours.who == "**ours**: `train omniglot --split small1 --mix glyphs:0.5 chimeras:0.25`, 16 views"
    assert ours.seeds == (0.9, 0.91)
    assert "minimal split 1" in markdown(runs) and "minimal split 2" not in markdown(runs)
    assert [row.seeds for row in rows_of("verification", runs) if row.seeds] == [(0.95,)]


def test_bad_input_gets_one_line(runs, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("no place for results")
    (tmp_path / "empty").mkdir()
    broken, cut = make_run(tmp_path / "broken", 0.9), make_run(tmp_path / "cut", 0.9)
    (broken / "summary.json").write_text("{")
    save_json(cut / "summary.json", load_json(cut / "summary.json") | {"finished": False})
    quick = make_run(tmp_path / "quick", 0.9)
    save_json(quick / "summary.json", load_json(quick / "summary.json") | {"tests": "quick"})
    changed = make_run(tmp_path / "changed", 0.9)
    (changed / "summary.json").write_text((changed / "summary.json").read_text().replace("0.95", "0.96"))
    renamed = make_run(tmp_path / "renamed", 0.9)
    (renamed / "summary.json").write_text((renamed / "summary.json").read_text().replace("nearest", "nearer"))
    cases = {
        "give one run folder": [],
        "no run folder": [tmp_path / "nowhere"],
        "there is no file": [tmp_path / "empty"],
        "broken/summary.json is damaged": [broken],
        "changed/summary.json is damaged, or was changed": [changed],
        "renamed/summary.json is damaged, or was changed": [renamed],
        "not finished": [cut],
        "tested in a hurry": [quick],
        "has no lines": [runs[0], "--readme", page],
        "cannot be read": [runs[0], "--readme", tmp_path],
    }
    for complaint, arguments in cases.items():
        assert call(monkeypatch, report.main, *arguments, "--out", tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and complaint in error
    assert not (tmp_path / "out").exists()
    save_json(runs[0] / "lake.json", result(0.99, protocol="lake"))
    (runs[1] / "mnist.json").write_text("")
    save_json(runs[2] / "other.json", {"protocol": "lake"})
    twice = make_run(tmp_path / "twice", 0.9, seed=5), make_run(tmp_path / "again", 0.95, seed=5)
    cases = {"a second result": runs[:1], "mnist.json": runs[1:2], "other.json": runs[2:3], "with seed 5": twice}
    for complaint, folders in cases.items():
        assert call(monkeypatch, report.main, *folders, "--out", tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and complaint in error


def test_readmes_results_are_the_reports_output():
    """Typed by nobody: the committed results of the runs give README's section, letter for letter."""
    root = Path(__file__).parents[2]
    runs = [read_run(folder) for folder in sorted((root / "lessons/results").iterdir()) if folder.is_dir()]
    text = (root / "README.md").read_text(encoding="utf-8")
    assert report.insert(text, markdown(runs), "README.md") == text
