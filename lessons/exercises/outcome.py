"""What a case gave: named values, or an error; and how they go through a pipe, as data that cannot run anything."""

import traceback

import msgspec
import numpy as np

LARGEST = 1 << 24  # bytes of an array that is sent
KINDS = "biufc"  # of the dtypes that are


class Value(msgspec.Struct, frozen=True):
    """An array by its bytes; or, where ``dtype`` is empty, something else by a description."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    data: bytes = b""
    python: bool = False  # a number of Python's own
    text: str = ""

    @property
    def array(self):
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


class Outcome(msgspec.Struct, frozen=True):
    values: dict[str, Value] = {}
    error: str = ""  # its type
    said: str = ""
    line: int = 0  # of the answer
    refused: str = ""  # what the answer used and may not


class Ready(msgspec.Struct, frozen=True):
    """What became of importing a file of answers: the error of one that is no Python; or names of the task's functions
    that it lacks, what stands in their place and is refused, and (line, what was said) of statements that failed."""

    error: str = ""
    said: str = ""
    line: int = 0
    refused: str = ""
    missing: tuple[str, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()


class RefusedUse(Exception):
    """What an answer used and may not, as ``refused``."""

    def __init__(self, refused):
        super().__init__(refused)
        self.refused = refused


def value_of(x):
    if isinstance(x, str):
        return Value(text=_short(x))
    python = type(x) in (int, float, bool, complex)
    if isinstance(x, (np.ndarray, np.generic)) or python:
        array = np.asarray(x)
        if array.dtype.kind in KINDS and array.nbytes <= LARGEST:
            array = array.astype(array.dtype.newbyteorder("="))
            return Value(array.dtype.str, array.shape, array.tobytes(), python)
        return Value(text=f"an array of shape {array.shape} and type {array.dtype}")
    if x is None:
        return Value(text="None: is there a return?")
    if isinstance(x, (list, tuple)):
        return Value(text=f"a {type(x).__name__} of {len(x)}, where an array is asked for")
    return Value(text=f"an object of class {type(x).__name__}")


def outcome_of(run, answer, file):
    """The ``Outcome`` of a case on an answer whose code is of this file."""
    try:
        values = run(answer)
        return Outcome({name: value_of(value) for name, value in values.items()})
    except BaseException as error:  # SystemExit and KeyboardInterrupt are an answer's, too
        return failed(Outcome, error, file)


def failed(kind, error, file):
    """An ``Outcome`` or ``Ready`` of an error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines[-1] if lines else 0
    try:
        said = str(error)
    except Exception:
        said = ""
    if isinstance(error, SyntaxError):
        line, said = error.lineno or 0, error.msg
    if isinstance(error, RecursionError):
        said = "it calls itself without end"
    refused = error.refused if isinstance(error, RefusedUse) else ""
    return kind(error=type(error).__name__, said=_short(said, 300), line=line, refused=refused)


def _short(text, most=100):
    """A text that can be sent, whatever is in it."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else f"{text[:most]} ..."


encode = msgspec.msgpack.Encoder().encode
decode_ready = msgspec.msgpack.Decoder(Ready).decode
decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
