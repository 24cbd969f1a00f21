"""Cases of signals, and of machines that lack memory, space, a cache, an output, or a language; as whole processes."""

import signal
import zipfile

from tests.campaign.doors import DOORS, options_of

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OUTPUTS = {  # a line of bash, {} the command: the exit codes that it may have
    **dict.fromkeys(("{} > /dev/full", "{} >&-", "{} 2>&-", "{} >&- 2>&-", "{} &> /dev/full", "{} <&-"), (0, 2)),
    "{} | true; exit ${PIPESTATUS[0]}": (0, 1, 2),
    "{} | head -c 9; exit ${PIPESTATUS[0]}": (0, 1, 2),
    "{} 2>&1 > /dev/null | true; exit ${PIPESTATUS[0]}": (0, 1, 2),
}
EXTRAS = ([], [], ["--help"], ["--unknown"])
ENVIRONMENTS = [  # variables of which one names what is not there
    dict(each.split("=") for each in line.split())
    for line in """
    MPLBACKEND=nonsense | MPLBACKEND=TkAgg | LANG=C LC_ALL=C | PYTHONIOENCODING=ascii | LC_ALL=nonsense | TZ=nonsense
    PYTHONUTF8=0 LC_ALL=POSIX | HOME=/nonexistent | TMPDIR=/nonexistent | OPENBLAS_NUM_THREADS=x | OMP_NUM_THREADS=0
    OPENBLAS_NUM_THREADS=10000 | TERM=dumb | COLUMNS=0 | COLUMNS=-1 | COLUMNS=x | MPLCONFIGDIR=/proc/x | PATH=
    XDG_CACHE_HOME=/proc/x | XDG_CACHE_HOME=/dev/null/x | XDG_CACHE_HOME= | XDG_CACHE_HOME=images/c0/0.png/x | HOME=
    MINISIAMESE_DATA=/dev/null | MINISIAMESE_DATA=\udcff | PYTHONWARNINGS=error | CUDA_VISIBLE_DEVICES=x
    """.replace("\n", "|").split("|")
    if line.strip()
]
OUTS = ("/proc/x", "/sys/x", "/dev/full", "/dev/null/x", "images/c0/0.png", "\u00e4\U0001f600", "\udcff", "a\nb")
QUICK = "train evaluate predict data backend fewshot sweeps maml results start solution omniglot".split()
MEGABYTES = (64, 100, 150, 200, 250, 300, 400, 500, 700, 1000)
KILOBYTES = (0, 1, 2, 8, 30, 64, 100, 200, 300, 450, 460, 500, 1000, 1400)


def signals(case):
    """A signal at a random moment; a run that was stopped then goes on to its end."""
    rng = case.rng
    name = rng.choice(
        [*DOORS, *(name for name in DOORS if name != "report000"), *["train"] * 6, *["maml", "sweeps"] * 2]
    )
    door, number = DOORS[name], rng.choice(SIGNALS)
    moment = 0.03 + door.seconds * rng.random() ** rng.choice((1, 1, 3))
    case.tell(f"{number.name} after {moment:.2f} s")
    ended = case.process(name, door.arguments(), signal_at=(number, moment))
    if ended.early:  # Python had not run a line of ours
        case.ends.append("interrupted")
    elif (
        case.judge(ended, (0, 1, 130) if name == "check" else (0, 130))
        and "--resume" in options_of(name)
        and ended.code
    ):
        _goes_on(case, name)


def _goes_on(case, name):
    """What is in the folder is whole, and the run goes on to its end; or begins, where it had not begun."""
    new = case.folder / "new"
    ended = case.fork(name, DOORS[name].arguments(resume=(new / "config.json").exists() or None))
    if ended.code == 0 and all(zipfile.ZipFile(path).testzip() is None for path in new.rglob("*.npz")):
        case.judge(ended, (0,))
    else:
        case.fault("hang" if ended.code is None else "lost run", ended)


def output(case):
    """Standard streams that are full, closed, or read by nobody."""
    name, line = case.rng.choice(QUICK), case.rng.choice(list(OUTPUTS))
    words = [*DOORS[name].arguments(), *case.rng.choice(EXTRAS)]
    case.judge(case.process(name, words, line), OUTPUTS[line], unseen="2>" in line or "&>" in line)


def memory(case):
    """Little memory, in addresses or in data."""
    name, limit = case.rng.choice(QUICK), case.rng.choice(("-v", "-v", "-d"))
    line = f"ulimit {limit} {case.rng.choice(MEGABYTES) * 1024}; exec {{}}"
    case.judge(case.process(name, DOORS[name].arguments(), line))


def space(case):
    """A disk that is full in the middle of a file; then there is room again, and the run goes on."""
    name = case.rng.choice(("train", "train", "train", "maml", "sweeps", "fewshot", "results", "cifar10"))
    limited = f"ulimit -f {case.rng.choice(KILOBYTES)}; exec {{}}"
    line = f"{{ ({limited}) 2>&1 >&3 | cat >&2; exit ${{PIPESTATUS[0]}}; }} 3>&1"  # stderr has room
    ended = case.process(name, DOORS[name].arguments(), line)
    if case.judge(ended) and "--resume" in options_of(name) and ended.code:
        _goes_on(case, name)


def environment(case):
    """Variables that name what is not there."""
    changed, name = case.rng.choice(ENVIRONMENTS), case.rng.choice(QUICK)
    calls = [(name, DOORS[name].arguments())]
    if not changed.keys().isdisjoint({"XDG_CACHE_HOME", "HOME", "MINISIAMESE_DATA"}):
        calls += [
            ("evaluate", ["drawn", "--data-dir", "data", "--protocol", "nway", "--trials", "4", "--views", "1"]),
            ("evaluate", ["pretrained", "--protocol", "nway", "--trials", "4", "--views", "1"]),
            ("omniglot", []),
            ("report000", ["mnist", "--out", "new"]),
        ]
    name, words = case.rng.choice(calls)
    cuda = ["--device", "cuda"] if "CUDA_VISIBLE_DEVICES" in changed and name in ("train", "evaluate") else []
    case.judge(case.process(name, [*words, *cuda], **changed))


def place(case):
    """A folder to write to that takes nothing, or has an odd name."""
    name = case.rng.choice([name for name in DOORS if "--out" in options_of(name) and name != "report000"])
    changed = case.rng.choice(({}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}))
    case.judge(case.process(name, DOORS[name].arguments(out=case.rng.choice(OUTS)), **changed))


def two_at_once(case):
    """Two processes fill one folder; the first has it, and the second is told so, or comes too late."""
    name, wait = case.rng.choice(("train", "train", "maml", "sweeps")), case.rng.choice((0, 0, 0.1, 0.5, 1, 1.5))
    line = f"{{}} 2> err1 & sleep {wait}; {{}} 2> err2; echo $? > code2; wait $!; echo $? > code1"
    ended = case.process(name, DOORS[name].arguments(), line)
    said, codes = ([(case.folder / f"{kind}{each}").read_text() for each in (1, 2)] for kind in ("err", "code"))
    case.judge(ended._replace(code=2 if sorted(codes) == ["0\n", "2\n"] else 1, err="".join(said)), (2,))


KINDS = {
    "machine: signals": (signals, 16),
    "machine: output": (output, 5),
    "machine: memory": (memory, 5),
    "machine: space": (space, 4),
    "machine: environment": (environment, 4),
    "machine: place": (place, 2),
    "machine: two at once": (two_at_once, 2),
}
