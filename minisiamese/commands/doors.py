"""Front doors: programs that end in one line, whatever happens, and their command lines."""

import _thread
import contextlib
import io
import logging
import os
import re
import signal
import sys
import threading

from minisiamese.errors import BadInput

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
LONGEST = 1000  # characters of a complaint
MANY = 10**9  # steps, and all that is held against the data at once
THREADS, SEVERAL = 1024, 1_000_000  # at most: threads; trials and the like, which are drawn one by one
LEAST_MEMORY, CORE_MEMORY = 256 << 20, 96 << 20  # bytes of addresses that NumPy and its threads take, and each core's


class NoOutput(Exception):
    """Standard output takes nothing more: its reader is gone (``silent``), or its disk is full."""

    def __init__(self, error):
        super().__init__(f"standard output cannot be written ({error.strerror or error})")
        self.silent = isinstance(error, BrokenPipeError)


# --- before a program's imports ---------------------------------------------------------------------------------------


def before_imports():
    """Let a program end in one line, too, if it is stopped or fails while it still imports NumPy and others.

    ``minisiamese/__init__.py``, the first file that every front door imports, calls it.
    """
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:  # a closed stream: no other file is to take its place
        pass
    os.close(lowest)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
    sys.excepthook = _excepthook
    on_stop(_leave)
    os.environ["MPLBACKEND"] = "agg"  # all pictures are files; a backend that is not there would stop the import
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a cache that it cannot write costs time alone
    if lacking := _lacking_memory():
        _say(f"error: {lacking}")
        os._exit(2)


def _leave(*_):
    _say("interrupted")
    os._exit(130)


def _excepthook(kind, error, traceback):
    causes = [error, error.__cause__, error.__context__]
    if any(isinstance(each, MemoryError) or "failed to map segment" in str(each) for each in causes):
        _say("error: too little memory to import NumPy and the other packages")
    elif issubclass(kind, ImportError):
        _say(f"error: a package is missing or damaged ({error}): pip install -e . in the project's folder")
    else:
        return sys.__excepthook__(kind, error, traceback)
    sys.stdout.flush()
    os._exit(2)


def _lacking_memory():
    """Why the memory that this process may take is too little for NumPy, which would end it, or wait for ever, without
    saying so; None if it is enough, or not known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    needed = LEAST_MEMORY + cores * CORE_MEMORY
    for limit, option in ((resource.RLIMIT_AS, "-v"), (resource.RLIMIT_DATA, "-d")):
        allowed = resource.getrlimit(limit)[0]
        if allowed != resource.RLIM_INFINITY and allowed < needed:
            return f"too little memory: ulimit {option} allows {allowed >> 20} MiB; raise it to {needed >> 20}"
    return None


# --- while it works ---------------------------------------------------------------------------------------------------


def on_stop(handler):
    """Let Ctrl-C, SIGTERM and SIGHUP call ``handler(number, frame)``; returns the handlers before, {signal: handler}.

    A SIGHUP that is ignored stays ignored: ``nohup`` asked for it. Python lets only its main thread handle signals: in
    another one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, earlier in before.items():
        if number == signal.SIGINT or earlier != signal.SIG_IGN:
            signal.signal(number, handler)
    return before


@contextlib.contextmanager
def deaf():
    """What begins in this ``with`` hears no signal to stop, where the system can do that: processes that are begun, and
    whoever begins them, until it is over. A process must then be ended by the one that began it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(*_):
    raise KeyboardInterrupt


def _unraisable(unraisable):
    """Interrupt again, soon: where an object is just being deleted, an interrupt cannot be raised and would be lost."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        threading.Timer(0.01, _interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_main():
    if hasattr(signal, "pthread_kill"):  # which wakes it, too
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


class _Output:
    """Standard output, whose errors are ``NoOutput``: those of a folder are another matter."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        try:
            return self.stream.write(text)
        except OSError as error:
            raise NoOutput(error) from None

    def flush(self):
        try:
            self.stream.flush()
        except OSError as error:
            raise NoOutput(error) from None


def front_door(main):
    """Run ``main()`` as a program: a ``BadInput``, or too little memory, becomes one line on stderr and exit code 2.

    Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt, and end in exit code 130.
    """
    signals, output = on_stop(_interrupt), sys.stdout
    if hasattr(output, "reconfigure"):
        output.reconfigure(errors="backslashreplace")  # names of files may hold anything
    sys.stdout, hook, sys.unraisablehook = _Output(output), sys.unraisablehook, _unraisable
    try:
        code = _run(main)
    except NoOutput as error:
        code = 1 if error.silent else _refuse(error)
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # for the flush at Python's end
    finally:
        sys.stdout, sys.unraisablehook = output, hook
        for number, handler in signals.items():  # of a program that is done, nothing is left to stop
            signal.signal(number, signal.SIG_IGN if handler is _leave else handler)
    exec("")  # after an interrupt that came through an exec, CPython would end by the signal; this makes it forget
    sys.exit(code)


def _run(main):
    """``main()``, all of its output written; its exit code."""
    try:
        try:
            code = main()
        except SystemExit as stop:  # --help
            code = stop.code
        sys.stdout.flush()
        return code
    except BadInput as error:
        return _refuse(error)
    except MemoryError as error:  # CuPy's is one, too
        return _refuse(f"too little memory; where there is --batch, a smaller one takes less. {error}")
    except KeyboardInterrupt:
        on_stop(signal.SIG_IGN)
        _say("interrupted")
        return 130
    except OSError as error:
        return _refuse(f"{_place(error)} cannot be read or written ({error.strerror or error})")
    except RuntimeError as error:
        if "can't start new thread" in str(error):
            return _refuse("the system allows no more threads: give a smaller --threads")
        if "Symlink loop" in str(error):  # an OSError of later Pythons
            return _refuse(f"a link leads to itself ({error})")
        raise


def _place(error):
    """The file or folder that an OSError is about, as far as that is known."""
    if error.filename is not None:
        return error.filename
    try:
        os.getcwd()
    except OSError:
        return "the folder that the program was started in"
    return "a file"


def _refuse(error):
    line = " ".join(str(error).split())
    _say(f"error: {line if len(line) <= LONGEST else f'{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}'}")
    return 2


def _say(line):
    """One line on stderr, if that can be written."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


# --- command lines ------------------------------------------------------------------------------------------------


def parse(config_class, program, default=None):
    """The command line as a ``config_class``, by tyro; its framed complaint becomes a ``BadInput`` of one line.

    What the command line leaves out is as in ``default``, or as the class says.
    """
    import tyro  # here, for the parts of the library that have no front door

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(config_class, prog=program, default=default or tyro.MISSING_NONPROP)
    except SystemExit as stop:
        if stop.code != 2:  # --help
            raise
        lines = [line.strip("│ ") for line in complaint.getvalue().splitlines()[1:]]  # without the frame and its title
        what = " ".join(lines).split("──")[0].split("Got errors")[0]
        what = re.sub(r"argument '(\w+)\.\w+'", r"argument '\1'", what)  # the path of a positional, 'data.name'
        what = re.sub(" +", " ", what).strip()
        for given in sys.argv[1:]:  # of --json=yes it names "yes" alone, and a long one in several lines
            unknown = f"Unrecognized options: {given.partition('=')[2]}"
            if given.startswith("--") and what.replace(" ", "") == unknown.replace(" ", ""):
                what = f"Unrecognized options: {given}"
        raise BadInput(f"{what} (see {program} --help)") from None


def check_counts(options, **least):
    """``BadInput`` where an option of a command line is out of range; one that is None was left out.

    ``least`` has the least value of each option, or a pair, the least and the most; the most is else ``THREADS`` of
    threads and ``SEVERAL`` of all others but the seed, which has none.
    """
    for name, lowest in least.items():
        highest = {"threads": THREADS, "seed": float("inf")}.get(name, SEVERAL)
        lowest, highest = lowest if isinstance(lowest, tuple) else (lowest, highest)
        value, option = getattr(options, name), f"--{name.replace('_', '-')}"
        if value is not None and value < lowest:
            raise BadInput(f"{option} must be {f'at least {lowest}' if lowest else '0 or more'}, not {value}")
        if value is not None and value > highest:
            raise BadInput(f"{option} must be at most {highest}, not {value}")
