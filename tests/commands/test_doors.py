"""The front doors: whatever happens, a program ends in one line."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from conftest import call

import minisiamese
from minisiamese.commands import doors
from minisiamese.errors import BadInput, whole_file

DOORS = (
    *("train", "evaluate", "predict", "data", "bench", "backend"),
    *(f"studies.{name}" for name in ("report000", "fewshot", "sweeps", "maml", "results")),
)


def program(code, **options):
    """A program whose ``main()`` is these lines, as a process of its own."""
    script = f"from minisiamese.commands.doors import front_door\ndef main():\n {code}\nfront_door(main)"
    return subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, **options)


def ends(process):
    """(exit code, what it says on stderr)."""
    said = process.stderr.read()
    process.stderr.close()
    return process.wait(), said


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough_is_no_error():
    """As in ``... | head``."""
    process = program("print('line' * 100_000)", stdout=subprocess.PIPE)
    process.stdout.close()
    assert ends(process) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no /dev/full")
@pytest.mark.parametrize("code", ["print('a line')", "print('line' * 100_000)", "raise SystemExit(print('help'))"])
def test_a_full_disk_behind_standard_output_gets_one_line(code):
    with open("/dev/full", "w") as full:
        code, said = ends(program(code, stdout=full))
    assert code == 2 and said == "error: standard output cannot be written (No space left on device)\n"


def test_output_takes_names_that_are_no_text(capfd):
    process = program("print('caf\\udce9')", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert ends(process) == (0, "") and capfd.readouterr().out == "caf\\udce9\n"


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [MemoryError(), MemoryError("Out of memory allocating 3,221,225,472 bytes\n(so far)")]
)
def test_too_little_memory_gets_one_line(error, monkeypatch, capsys):
    def main():
        raise error

    assert call(monkeypatch, main) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: too little memory; where there is --batch, a smaller") and said.count("\n") == 1


@pytest.mark.parametrize(
    "error, line",
    [
        (OSError(28, "No space left on device"), "error: a file cannot be read or written (No space left on device)\n"),
        (PermissionError(13, "Permission denied", "a/b"), "error: a/b cannot be read or written (Permission denied)\n"),
        (
            RuntimeError("can't start new thread"),
            "error: the system allows no more threads: give a smaller --threads\n",
        ),
        (KeyboardInterrupt(), "interrupted\n"),
        (BadInput("two\nlines"), "error: two lines\n"),
        (BadInput("x" * 10_000), f"error: {'x' * 500} ... {'x' * 500}\n"),
    ],
)
def test_an_error_of_the_user_or_the_machine_is_one_line(error, line, monkeypatch, capsys):
    def main():
        raise error

    assert call(monkeypatch, main) == (130 if isinstance(error, KeyboardInterrupt) else 2)
    assert capsys.readouterr().err == line


def test_an_error_of_ours_is_shown_whole(monkeypatch):
    def main():
        raise RuntimeError("a mistake in the program")

    before = signal.getsignal(signal.SIGINT), sys.stdout
    with pytest.raises(RuntimeError, match="a mistake"):
        doors.front_door(main)
    assert (signal.getsignal(signal.SIGINT), sys.stdout) == before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_stop_a_program(name):
    number = getattr(signal, name)
    code = f"import os, time; os.kill(os.getpid(), {int(number)}); time.sleep(9)"
    process = program(code, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # which nohup may ignore
    assert ends(process) == (130, "interrupted\n")


def test_an_interrupt_while_an_object_is_deleted_is_not_lost():
    lines = (
        *("import os, signal, time", "class Deleted:", " def __del__(self):"),
        *("  os.kill(os.getpid(), signal.SIGINT); time.sleep(1)", "Deleted(); time.sleep(9)"),
    )
    assert ends(program("\n ".join(lines))) == (130, "interrupted\n")
    assert ends(program("exec('raise KeyboardInterrupt')")) == (130, "interrupted\n")  # CPython keeps it in mind


def test_a_hangup_that_is_ignored_stays_ignored():
    """As ``nohup`` asks for."""
    code = "import os, signal; os.kill(os.getpid(), signal.SIGHUP)"
    assert ends(program(code, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))) == (0, "")


# --- before a program's imports ---------------------------------------------------------------------------------------


@pytest.fixture
def with_numpy(tmp_path):
    """A function that runs a door, where importing NumPy runs some lines instead: (exit code, what it says)."""

    def run(door, code):
        (tmp_path / "numpy.py").write_text(code)
        root = os.path.dirname(os.path.dirname(minisiamese.__file__))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
        command = [sys.executable, "-m", f"minisiamese.{door}"]
        return ends(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))

    return run


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_prepared_before_it_imports_numpy(door, with_numpy):
    code = "import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)"
    assert with_numpy(door, code) == (130, "interrupted\n")


@pytest.mark.parametrize(
    "code, line",
    [
        ("raise MemoryError", "error: too little memory to import NumPy and the other packages\n"),
        (
            "raise ImportError('libopenblas.so: failed to map segment from shared object')",
            "error: too little memory to",
        ),
        ("raise ImportError('no such library')", "error: a package is missing or damaged (no such library): pip"),
    ],
)
def test_imports_that_fail_are_one_line(code, line, with_numpy):
    code, said = with_numpy("predict", code)
    assert code == 2 and said.startswith(line) and said.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no ulimit")
def test_memory_that_is_too_little_for_numpy_is_said_before():
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))

    run = [sys.executable, "-m", "minisiamese.train", "glyphs"]
    code, said = ends(subprocess.Popen(run, preexec_fn=limit, stderr=subprocess.PIPE, text=True))
    assert code == 2 and said.startswith("error: too little memory: ulimit -v allows 200 MiB") and said.count("\n") == 1


def test_importing_the_library_changes_nothing_of_a_program():
    state = "(sys.excepthook, signal.getsignal(signal.SIGINT))"
    code = f"import signal, sys; before = {state}; import minisiamese.commands.doors; assert {state} == before"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- options and files ------------------------------------------------------------------------------------------------


@dataclass
class Options:
    threads: int | None = None
    trials: int | None = 5
    seed: int = 0
    views: int = 1
    loud: bool = False


@pytest.mark.parametrize(
    "options, complaint",
    [
        (Options(threads=0), "--threads must be at least 1, not 0"),
        (Options(threads=10**20), f"--threads must be at most 1024, not {10**20}"),
        (Options(trials=10**20), "--trials must be at most 1000000"),
        (Options(seed=-1), "--seed must be 0 or more, not -1"),
        (Options(views=8), "--views must be at most 7"),
    ],
)
def test_counts_have_ranges(options, complaint):
    doors.check_counts(Options(seed=10**30), threads=1, trials=1, seed=0, views=(1, 7))
    with pytest.raises(BadInput, match=complaint):
        doors.check_counts(options, threads=1, trials=1, seed=0, views=(1, 7))


@pytest.mark.parametrize("given", ["--no-such-option", "--loud=yes", "--threads=many", "extra"])
def test_a_complaint_names_the_option(given, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program", given])
    with pytest.raises(BadInput, match=f"{given.partition('=')[0]}.* \\(see program --help\\)"):
        doors.parse(Options, "program")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_or_a_device_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(BadInput, match="is a pipe or a device"):
            whole_file(path)
    for path in (tmp_path, tmp_path / "nothing", __file__):
        assert str(whole_file(path)) == str(path)
