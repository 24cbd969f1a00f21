"""Cases on the command line: odd values of every option that a door has, alone and in pairs, and odd paths."""

import os
import typing
from pathlib import Path

from tests.campaign.doors import DOORS, options_of

NUMBERS = (
    *"0 -1 1 2 3 1.5 0.5 -0 -0.0 nan inf -inf 1e400 1e-400 1e308 1e20 2147483648 4294967296 1000000 0x10 1_0".split(),
    *"100000000000000000000 99999999999999999999 -99999999999999999999 \u0663 \u00bd 1e +1".split(),
    "1" * 5000,
)
TEXTS = (
    *("", " ", "a\nb", "\r", "\u00e4\u20ac\U0001f600", "\u202e", "\udcff", "x" * 5000, "\x1b[31m"),
    *"text - -- None null True 1,2 [1] {} %s%d{0} $HOME ~ * ? ' \" \\".split(),
)
NAMES = ("\u00e4\U0001f600", "a b", "a\nb", "\udcff\udcfe", "-x", "x" * 255, "'\"", "{}", "%s")
CONTENTS = (b"", b"text", b"{}", b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"[" * 9999)
DEVICES = "/dev/zero /dev/full /dev/null /dev/stdin /dev/random /proc/self/mem /proc/x".split()
WEIGHTS = {"train": 8, "evaluate": 4, "fewshot": 3, "sweeps": 3, "maml": 3, "bench": 0.5, "report000": 0.5, "check": 1}
BUSY = 3  # seconds of honest work, after which a program is stopped


def a_door(case, *names):
    """A door's name, the larger ones more often."""
    names = names or tuple(DOORS)
    return case.rng.choices(names, [WEIGHTS.get(name, 1.5) for name in names])[0]


def a_path(case):
    """An odd path, made in the case's folder."""
    rng, here = case.rng, case.folder / "paths"
    here.mkdir(exist_ok=True)
    kind = rng.choice(("missing", "folder", "file", "below", "pipe", "device", "long", "link", "loop", "short"))
    path = here / (rng.choice(NAMES) if kind in ("folder", "link") else kind)
    if kind == "device":
        return rng.choice(DEVICES)
    if kind == "short":
        return rng.choice(("", ".", "./"))
    if kind == "long":
        path /= "x" * rng.choice((256, 5000))
    elif path.exists() or path.is_symlink():
        pass
    elif kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(rng.choice(CONTENTS))
    elif kind == "below":
        path.write_text("a file")
        path /= "below"
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind in ("link", "loop"):
        path.symlink_to(path if kind == "loop" else here)
    return os.fspath(path.relative_to(case.folder))


def odd(case, hint):
    """A value that may well be wrong for an option of this type."""
    if case.rng.random() < (0.7 if "Path" in str(hint) else 0.03):
        return a_path(case)
    numeric = "int" in str(hint) or "float" in str(hint)
    return case.rng.choice(NUMBERS if case.rng.random() < (0.85 if numeric else 0.3) else TEXTS)


def likely(case, option, hint):
    """[option, value] with a value that is right for its type: but not, maybe, beside the others."""
    rng = case.rng
    if hint is bool:
        return [rng.choice((option, f"--no-{option[2:]}"))]
    kind = next(each for each in (*typing.get_args(hint), hint) if each is not type(None))
    choices = typing.get_args(kind) or ((kind, *typing.get_args(hint)) if isinstance(kind, str) else ())
    if choices:
        return [option, rng.choice(choices)]
    if kind is int:
        return [option, rng.choice((0, 1, 2, 3, 5, 8, 20))]
    if kind is float:
        return [option, *(rng.choice((0.001, 0.1, 0.5, 1, 2)) for _ in range(rng.choice((1, 1, 2))))]
    return [option, rng.choice(("run", "images", "data", "new", a_path(case)))]


def run(case, name, arguments, named=()):
    """Run a call, which may work on for as long as it has to: it is then stopped. What it refuses, it names."""
    ended = case.fork(name, arguments, busy=BUSY)
    good = case.judge(ended, (0, 1, 2, 130) if name == "check" else (0, 2, 130))
    if good and ended.code == 2 and named and not any(each[:80] in ended.err for each in named):
        case.fault("names nothing", ended)


def with_value(case, name, option, value, extra=()):
    """Run a door's call with this value of an option, or of one of its arguments."""
    door = DOORS[name]
    if option:
        call = {key: each for key, each in door.call.items() if key != option}
        named = (option, option.replace("-", "_"), " ".join(value.split()), Path(value).name, "folder", "images")
        return run(case, name, [*door.words_of(call), *extra, f"{option}={value}"], named)
    words = list(door.words)
    words[case.rng.randrange(len(words))] = value
    return run(case, name, door.words_of(door.call, words))


def one_option(case):
    """One option or argument has an odd value."""
    name = a_door(case)
    option = case.rng.choice(list(options_of(name)) or ["--unknown"])
    with_value(case, name, option, odd(case, options_of(name).get(option, str)))


def paths(case):
    """An odd path for an option that takes one, or for an argument."""
    of_paths = {name: [key for key, hint in options_of(name).items() if "Path" in str(hint)] for name in DOORS}
    name = a_door(case, *(name for name, options in of_paths.items() if options))
    option = case.rng.choice(of_paths[name])
    with_value(case, name, option, a_path(case), ["--network", "resnet18"] if option == "--weights" else [])


def two_options(case):
    """Two or three options have likely values, which may not go together."""
    name = a_door(case)
    door, options = DOORS[name], {key: hint for key, hint in options_of(name).items() if key}
    chosen = case.rng.sample(list(options), min(len(options), case.rng.choice((2, 2, 3))))
    call = {key: value for key, value in door.call.items() if key not in chosen}
    run(case, name, [*door.words_of(call), *(word for key in chosen for word in likely(case, key, options[key]))])


def wrong_words(case):
    """Options that are not there, given twice or without a value, words too many or too few, and --help."""
    rng, name = case.rng, a_door(case)
    options = {key: hint for key, hint in options_of(name).items() if key} or {"--help": bool}
    words, option = DOORS[name].arguments(), rng.choice(list(options))
    at, unknown = rng.randint(0, len(words)), ("--unknown", "-x", "---", "--out.put", option[:-1], option.upper())
    changes = {
        "twice": [*words, *likely(case, option, options[option]), option, "1"],
        "unknown": [*words, rng.choice(unknown), "1"],
        "no value": [*words, option],
        "one less": [*words[: max(at - 1, 0)], *words[at:]],
        "one more": [*words[:at], rng.choice(TEXTS), *words[at:]],
        "none": [],
        "help": [*words[:at], "--help", *words[at:]],
        "equals": [*words, f"{option}="],
    }
    run(case, name, changes[rng.choice(list(changes))])


KINDS = {
    "values: one option": (one_option, 24),
    "values: two options": (two_options, 7),
    "values: wrong words": (wrong_words, 7),
    "values: paths": (paths, 8),
}
