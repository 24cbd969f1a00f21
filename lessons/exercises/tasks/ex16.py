"""Exercise 16: the Fourier transform of a convolution as real matrices, and its five products, forward and backward."""

import numpy as np

from lessons.exercises.cases import calls, from_device, named, normal, the_double
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation
from minisiamese.fast import fourier

GIVES = """
from functools import cache

import numpy as np

from minisiamese.fast import fourier
"""

FLOAT, SINGLE = np.dtype("float64"), np.dtype("float32")


# --- 16.1 -------------------------------------------------------------------------------------------------------------

MATRICES = ["image", "kernel", "back"]


def _axis(size, kernel, stride, padding, half, dtype=FLOAT):
    return lambda: {"xp": np, "size": size, "kernel": kernel, "stride": stride, "padding": padding, "half": half,
                    "dtype": dtype}  # fmt: skip


def _made(rule, title, arguments):
    """A call whose matrices in float32 need only be right to its digits."""

    def run(answer):
        return named(answer.transform(*arguments().values()), MATRICES)

    return Case(title, run, rule, tolerance=2e-6, shown=arguments)  # fmt: skip


def _on_the_double(arguments):
    def run(answer):
        with the_double() as double:
            made = named(answer.transform(*(arguments() | {"xp": double.cupy}).values()), MATRICES)
            return {name: from_device(value, double) for name, value in made.items()}

    return Case("transform, with CuPy for xp", run, "xp", tolerance=2e-6, shown=arguments)


TRANSFORM = Task(
    of="fast.fourier: transform",
    parts=4,
    docs={
        "transform": Doc(
            """The matrices of one axis: of the image, of the kernel, and of the way back.

            The axis has ``size`` pixels and P = ``padding`` blanks before and behind them; the kernel has K =
            ``kernel`` places and moves S = ``stride`` pixels, so that the result has To = (size + 2 P - K) // S + 1
            places. f = 0 .. F - 1 are the frequencies, L is the period. With complex numbers the matrices were

                image     e^(-2 pi i f (t + P) / L)    at frequency f and pixel t = 0 .. size - 1
                kernel    e^(+2 pi i f t / L)          at frequency f and place t = 0 .. K - 1
                back      g e^(+2 pi i f S t / L)      at place t = 0 .. To - 1 of the result and frequency f

            They are asked for with real numbers, two for a complex one: [image, kernel, back]. (``cache`` above the
            function calls it once for the same arguments; they are used often.)""",
            {
                "period": "The period is L = size + P.",
                "half": "If ``half``, the signal is real: F = L // 2 + 1. A spectrum is 2 F numbers, at 2 f the real "
                "part of frequency f and at 2 f + 1 its imaginary part. image (2 F, size) times the numbers of the "
                "pixels is the spectrum that the complex matrix gives of them, and so is kernel (2 F, K) times those "
                "of the kernel's places. back (To, 2 F) times a spectrum is the real part of what the complex matrix "
                "gives of it.",
                "whole": "If not ``half``, signal and result are complex: F = L, image (2 F, 2 size), kernel (2 F, 2 "
                "K), back (2 To, 2 F). A spectrum is 2 F numbers in the same order as with ``half``. A signal is the "
                "real parts of all its places one after the other, and behind them the imaginary parts of all; so is "
                "the result. image times the signal of the pixels is the spectrum that the complex matrix gives of the "
                "complex pixels, and so with kernel and its places. back times a spectrum is the result.",
                "weight": "g is 1 / L; but 2 / L if ``half``, where a frequency stands for its mirror L - f, too. Only "
                "those that are their own mirror do not: 0, and L / 2 if L is even.",
                "padded": "Pixel t of the image lies at t + P. Places of the kernel and of the result begin at 0.",
                "stride": "Place t of the result lies at S t.",
                "type": "The matrices are of the type ``dtype``, float32 or float64.",
                "xp": "The matrices are arrays of ``xp``, which is NumPy, or CuPy: ``xp.asarray`` makes them of "
                "NumPy's.",
            },
        )
    },
    cases=[
        *calls(
            "transform",
            MATRICES,
            [
                ("half", _axis(2, 1, 1, 0, True)),
                ("whole", _axis(2, 1, 1, 0, False)),
                ("whole", _axis(1, 1, 5, 2, False)),
                ("weight", _axis(3, 2, 1, 0, True)),
                ("weight", _axis(4, 2, 1, 0, True)),
                ("whole", _axis(3, 2, 1, 0, False)),
                ("padded", _axis(2, 2, 1, 1, True)),
                ("padded", _axis(3, 2, 1, 2, False)),
                ("stride", _axis(5, 2, 2, 0, True)),
                ("stride", _axis(6, 1, 3, 0, False)),
                ("half", _axis(11, 4, 1, 0, True)),
                ("period", _axis(9, 3, 2, 2, True)),
                ("period", _axis(8, 5, 3, 1, False)),
                ("half", _axis(12, 5, 2, 3, True)),
                ("whole", _axis(10, 7, 1, 4, False)),
                ("period", _axis(7, 7, 1, 0, True)),
            ],
            tolerance=1e-10,
            floats=False,
            layouts=False,
        ),
        _made("type", "transform, in float32", _axis(3, 2, 1, 1, True, SINGLE)),
        _made("type", "transform, in float32", _axis(9, 4, 2, 1, False, SINGLE)),
        _on_the_double(_axis(4, 3, 1, 1, True, SINGLE)),
        _on_the_double(_axis(5, 2, 2, 0, False, FLOAT)),
    ],
    mistakes=[
        Mistake("the waves have pi in the exponent, and not 2 pi", "np.exp(-2j *", "np.exp(-1j *"),
        Mistake("the imaginary part of a frequency comes before its real part",
                "return np.stack([E.real, E.imag], axis=1).reshape(2 * len(E), -1)",
                "return np.stack([E.imag, E.real], axis=1).reshape(2 * len(E), -1)"),
        Mistake("the imaginary part of a frequency comes before its real part, but not on the way back",
                "matrices = real(",
                "turn = lambda M: M.reshape(-1, 2, M.shape[1])[:, ::-1].reshape(M.shape) if half else M\n"
                "    real_ = real\n    real = lambda E: turn(real_(E))\n    matrices = real("),
        Mistake("the stride is in the kernel's exponent, too", "waves(np.arange(kernel))",
                "waves(stride * np.arange(kernel))"),
        Mistake("the places of the result begin at P, as those of the image", "waves(stride * outputs)",
                "waves(stride * outputs + padding)"),
        Mistake("the number of the result's places is rounded up", "(size + 2 * padding - kernel) // stride + 1",
                "-((kernel - size - 2 * padding) // stride) + 1"),
        Mistake("g is divided by the root of L", "& half, 2, 1) / period", "& half, 2, 1) / np.sqrt(period)"),
        Mistake("there are as many frequencies as a period of size has, without the padding",
                "np.arange(period // 2 + 1 if half else period)", "np.arange(size // 2 + 1 if half else size)"),
        Mistake("if not half, the result has the real and the imaginary part of each place side by side",
                "matrices = real(",
                "if not half:\n        back = back.reshape(2, -1, back.shape[1]).swapaxes(0, 1).reshape(back.shape)\n"
                "    matrices = real("),
        Mistake("if not half, the complex numbers of image and kernel are conjugated, and not those of the way back",
                "matrices = real(waves(np.arange(size) + padding)), real(waves(np.arange(kernel)).conj()), back",
                "turn = (lambda E: E) if half else np.conj\n"
                "    matrices = (real(turn(waves(np.arange(size) + padding))),\n"
                "                real(turn(waves(np.arange(kernel)).conj())), back)"),
        Mistake("the image's waves have + in the exponent", "real(waves(np.arange(size) + padding)), real",
                "real(waves(np.arange(size) + padding).conj()), real"),
        Mistake("the kernel's waves have - in the exponent, as in a convolution and not in a correlation",
                "np.arange(kernel)).conj()", "np.arange(kernel))"),
        Mistake("the way back has - in the exponent", "back = real(waves(stride * outputs) * weight[:, None]).T",
                "back = real(waves(stride * outputs).conj() * weight[:, None]).T"),
        Mistake("all signs in exponents are the other ones", "np.exp(-2j *", "np.exp(2j *"),
        Mistake("no frequency stands for its mirror: g is 1 / L everywhere",
                "(2 * frequencies % period != 0) & half, 2, 1)",
                "(2 * frequencies % period != 0) & half, 1, 1)"),
        Mistake("all frequencies stand for their mirrors, 0 and L / 2, too",
                "(2 * frequencies % period != 0) & half, 2, 1)",
                "half, 2, 1) * np.ones(len(frequencies))"),
        Mistake("frequency L / 2 of an even period stands for its mirror, too",
                "(2 * frequencies % period != 0) & half",
                "(frequencies != 0) & half"),
        Mistake("the last frequency does not stand for its mirror, though the period is odd",
                "(2 * frequencies % period != 0) & half", "(frequencies % (len(frequencies) - 1 or 1) != 0) & half"),
        Mistake("frequencies stand for their mirrors even where half is False",
                "(2 * frequencies % period != 0) & half",
                "2 * frequencies % period != 0"),
        Mistake("g is not divided by L", "& half, 2, 1) / period", "& half, 2, 1) / 1"),
        Mistake("g is divided by the number F of frequencies, not by L", "& half, 2, 1) / period",
                "& half, 2, 1) / len(frequencies)"),
        Mistake("g is divided by size, not by L", "& half, 2, 1) / period", "& half, 2, 1) / size"),
        Mistake("the stride is left out of the way back's exponent", "waves(stride * outputs)", "waves(outputs)"),
        Mistake("the image's pixels begin at 0, not at P", "np.arange(size) + padding", "np.arange(size)"),
        Mistake("the kernel's places begin at P", "waves(np.arange(kernel))", "waves(np.arange(kernel) + padding)"),
        Mistake("the period is size, without the padding", "period = size + padding", "period = size"),
        Mistake("the period is size + 2 P", "period = size + padding", "period = size + 2 * padding"),
        Mistake("half of the frequencies are L // 2, without the last one", "period // 2 + 1 if half",
                "period // 2 if half"),
        Mistake("half of the frequencies are (L + 1) // 2, without L / 2 of an even period", "period // 2 + 1 if half",
                "(period + 1) // 2 if half"),
        Mistake("half is taken for False", "np.arange(period // 2 + 1 if half else period)",
                "np.arange(period)\n    half = False"),
        Mistake("the real parts of all frequencies come first, and then all imaginary parts",
                "return np.stack([E.real, E.imag], axis=1)", "return np.stack([E.real, E.imag], axis=0)"),
        Mistake("a complex signal has the real and the imaginary part of each place side by side",
                "transpose(2, 0, 1, 3)",
                "transpose(2, 0, 3, 1)"),
        Mistake("a complex number is multiplied by the conjugate of each wave", "[[E.real, -E.imag], [E.imag, E.real]]",
                "[[E.real, E.imag], [-E.imag, E.real]]"),
        Mistake("the way back takes the wrong sign of the imaginary parts, if half",
                "matrices = real(",
                "back = back * np.where(np.arange(back.shape[1]) % 2 == 1, -1 if half else 1, 1)\n"
                "    matrices = real("),
        Mistake("the way back has its rows and columns in each other's place", "weight[:, None]).T",
                "weight[:, None])"),
        Mistake("the result has size - K + 1 places, whatever stride and padding are",
                "(size + 2 * padding - kernel) // stride + 1", "size - kernel + 1"),
        Mistake("the result has (size + P - K) // S + 1 places", "(size + 2 * padding - kernel) // stride + 1",
                "(size + padding - kernel) // stride + 1"),
        Mistake("float32 becomes float64", "np.ascontiguousarray(matrix, dtype)",
                "np.ascontiguousarray(matrix, float)"),
        Mistake("float64 becomes float32", "np.ascontiguousarray(matrix, dtype)",
                "np.ascontiguousarray(matrix, np.float32)"),
        Mistake("the matrices are NumPy's, whatever xp is", "[xp.asarray(np.ascontiguousarray(matrix, dtype))",
                "[np.ascontiguousarray(matrix, dtype)"),
        Mistake("the matrices of the kernel and of the image are returned in the other order",
                "for matrix in matrices]", "for matrix in (matrices[1], matrices[0], matrices[2])]"),
    ],
    variations=[
        Variation(
            "period",
            "The period is L = size + 2 P, longer than it would have to be.",
            (("period = size + padding", "period = size + 2 * padding"),),
        ),
        Variation(
            "weight",
            "g is 1; but 2 if ``half``, where a frequency stands for its mirror L - f, too. Only those that are their "
            "own mirror do not: 0, and L / 2 if L is even. (Nothing is divided by L here.)",
            (("& half, 2, 1) / period", "& half, 2.0, 1.0)"),),
        ),
    ],
    aliases={"transform": ("matrices_of_axis", "real_waves", "axis_matrices")},
    swapped={"transform": 3},
)  # fmt: skip


# --- the plan of 16.2 to 16.4 -----------------------------------------------------------------------------------------

METHODS = {
    "16.2": ("rows", "columns", "blocks"),
    "16.3": ("product", "finish"),
    "16.4": ("start_backward", "product_backward", "finish_backward"),
}
TINY = 1, 2, 2, 1, 2, 1, 1, 0  # N, H, W, C, K, O, stride, padding
NARROW = 1, 2, 3, 1, 2, 1, 1, 0  # frequencies v that are not real
CHANNELS = 1, 2, 1, 2, 1, 2, 1, 0
PAIR = 2, 2, 2, 1, 2, 1, 1, 0
LINES = 2, 4, 1, 1, 1, 1, 1, 0  # a part of the frequencies of two images does not lie in one piece
SQUARE = 1, 2, 2, 2, 2, 1, 1, 0
WIDE = 2, 4, 7, 2, 3, 3, 1, 0
TALL = 3, 9, 4, 3, 2, 2, 1, 1
STRIDED = 2, 7, 5, 2, 3, 4, 2, 1
BORDERED = 4, 5, 6, 1, 4, 5, 3, 2


class Step:
    """A plan with an answer's methods of one task and the library's of the others, its memory full of numbers."""

    def __init__(self, key, answer, sizes, dtype=FLOAT):
        N, H, W, C, K, O, stride, padding = sizes
        others = {name: vars(fourier.Plan)[name] for task, names in METHODS.items() if task != key for name in names}
        self.x, weights = normal(1, N, H, W, C).astype(dtype), normal(2, K, K, C, O).astype(dtype)
        plan = self.plan = type("Plan", (answer.Plan,), others)(self.x, weights, stride, padding)
        for name in ("image_rows", "rows_back", "image_columns", "kernel_columns", "columns_back", "kernel"):
            numbers = getattr(plan, name)
            setattr(plan, name, np.where(np.abs(numbers) < 1e-6, 0, numbers).astype(dtype))  # for who reads them
        plan.X = normal(3, *plan.X.shape).astype(dtype)
        plan.Y = normal(4, *plan.Y.shape).astype(dtype)
        self.dy = normal(5, N, plan.Ho, plan.Wo, O).astype(dtype)
        self.dkernel = normal(6, *plan.kernel.shape).astype(dtype)
        self.X, self.Y = plan.X, plan.Y  # the memory, wherever the attributes point to later


LIBRARY = type("Library", (), {"Plan": fourier.Plan})


def step(key, part, rule, sizes, act, shown=(), title="", dtype=FLOAT, **told):
    """A case: act(Step) -> values; ``shown`` names arrays of a plan, or of a Step, that a student is shown."""

    def run(answer):
        return act(Step(key, answer, sizes, dtype))

    def show():
        made = Step(key, LIBRARY, sizes, dtype)
        arrays = {name: getattr(made, name.removeprefix("self."), None) for name in shown}
        of_plan = {name: getattr(made.plan, name.removeprefix("self."), None) for name in shown}
        names = "N", "H", "W", "C", "K", "O", "stride", "padding"
        given = {name: of_plan[name] if arrays[name] is None else arrays[name] for name in shown}
        if "dy" in given:  # of some images
            given["dy"] = given["dy"][told["rows"].places]
        return dict(zip(names, sizes, strict=True)) | told | given

    single = dtype == SINGLE
    title = f"Plan.{part.rpartition('.')[2]}{title}{', in float32' if single else ''}"
    return Case(title, run, rule, part, 3e-5 if single else 1e-10, show)


def spread(a):
    """The same numbers as a part of a larger array."""
    larger = np.full([2 * length for length in a.shape], 7, a.dtype)
    larger[tuple(slice(None, None, 2) for _ in a.shape)] = a
    return larger[tuple(slice(None, None, 2) for _ in a.shape)]


class Slice(str):
    """A slice as a student is shown it."""

    def __new__(cls, start, stop):
        made = super().__new__(cls, f"slice({start}, {stop})")
        made.places = slice(start, stop)
        return made

    __repr__ = str.__str__


CLASS = Doc(
    """The steps of one convolution, by five products of real matrices. ``fourier.Plan``, which it is made from,
    prepares for them, so that ``self`` has

        xp                        the module that its arrays are of: NumPy here
        N, H, W, C                how many images, their height, width and channels
        K, O, Ho, Wo              the kernel's height and width, the result's channels, height and width
        U, V                      how many frequencies u the height has, and frequencies v the width
        image_rows (2U, H)        the matrix from an image's lines to frequencies u,
        rows_back (Ho, 2U)        and that from these to the result's lines
        image_columns (2V, 2W)    the matrix from an image's columns to frequencies v,
        kernel_columns (2V, 2K)   that from a kernel's columns to these,
        columns_back (2Wo, 2V)    and that from these to the result's columns
        kernel (U, 2K, C O)       the kernel: in place of its lines are frequencies u already, its columns are as ever
        X (N, U, 2W, C)           memory for what comes out of step 1
        Y (N, U, 2Wo, O)          memory for what comes out of step 4

    A complex number is two real ones, p = 0 its real part and p = 1 its imaginary part. Where an axis has both, it is
    in this order: place 2 u + p of 2U, 2 v + p of 2V, p W + w of 2W, p K + k of 2K, p Wo + w of 2Wo, p C + c of 2C, p
    O + o of 2O; and c O + o of C O.

        1. rows            x to X, from lines to frequencies u
        2. columns         from columns to frequencies v
        3. product         with the kernel's blocks, at each u and v
        4. columns back    to Y, from frequencies v to the result's columns
        5. rows back       from frequencies u to the result's lines

    Threads share the work: ``us`` is a slice of the frequencies u, slice(3, 5) say, and ``rows`` a slice of the
    images, always with both ends; a method does its work for these alone, and touches nothing else of X, Y and dkernel.
    Below, n and u count what the slice takes. X, Y and dkernel are memory: numbers are written into it, as
    ``self.X[...] = `` does, and no new array takes its place. All arrays of ``self``, and dkernel, are C-contiguous, as
    np.empty makes them; x and dy, and a part such as self.X[:, us], need not be. (Where this is tried, memory that has
    nothing yet is full of sevens.)"""
)
ALIASES = {"Plan": ("Steps", "Products", "FourierSteps")}


# --- 16.2 -------------------------------------------------------------------------------------------------------------


def _rows(given=lambda x: x):
    def act(made):
        made.plan.X[...] = 7
        x = given(made.x.copy())
        made.plan.rows(x)
        return {"self.X": made.X, "x as it was": x}

    return act


def _columns(start, stop):
    def act(made):
        X = made.plan.columns(slice(start, stop))
        return {"X": X, "self.X as it was": made.X}

    return act


def _blocks(start, stop):
    def act(made):
        blocks = made.plan.blocks(slice(start, stop))
        return {"blocks": blocks, "self.kernel as it was": made.plan.kernel}

    return act


def _of_rows(rule, sizes, title="", given=lambda x: x, dtype=FLOAT):
    return step("16.2", "Plan.rows", rule, sizes, _rows(given), ["x", "self.image_rows"], title, dtype)


def _of_columns(rule, sizes, start, stop, dtype=FLOAT):
    return step("16.2", "Plan.columns", rule, sizes, _columns(start, stop), ["self.X", "self.image_columns"],
                dtype=dtype,
                us=Slice(start, stop))  # fmt: skip


def _of_blocks(rule, sizes, start, stop, dtype=FLOAT):
    return step("16.2", "Plan.blocks", rule, sizes, _blocks(start, stop), ["self.kernel", "self.kernel_columns"],
                dtype=dtype, us=Slice(start, stop))  # fmt: skip


ROWS = Task(
    of="fast.fourier: Plan.rows Plan.columns Plan.blocks",
    parts={"Plan.rows": 1, "Plan.columns": 1, "Plan.blocks": 2},
    docs={
        "Plan": CLASS,
        "rows": Doc(
            """Step 1 for all images x (N, H, W, C), into self.X (N, U, 2W, C). What it returns is not used.""",
            {
                "rows": "self.X[n, u, p W + w, c] is the sum over h of self.image_rows[2 u + p, h] x[n, h, w, c].",
                "into": "It is written into the memory that self.X is.",
            },
        ),
        "columns": Doc(
            """Step 2 for the frequencies ``us``: returns (N, u, V, 2C).""",
            {
                "columns": "Element [n, j, v, p C + c] is the sum over m, the 2W places, of self.image_columns[2 v + "
                "p, m] self.X[n, u, m, c], where u is the j-th frequency of ``us``.",
                "some": "Only the frequencies ``us`` of self.X are used, and only they come out. self.X is not "
                "changed.",
            },
        ),
        "blocks": Doc(
            """The kernel's spectrum at the frequencies ``us``, as real blocks: returns (u, V, 2C, 2O).

            At the j-th frequency u of ``us`` and at v, channels c and o have a complex number a + b i: a is the sum
            over m, the 2K places, of self.kernel_columns[2 v, m] self.kernel[u, m, c O + o], and b that with row 2 v +
            1.""",
            {
                "blocks": "A complex row (r, s) times a + b i is the real row times [[a, b], [-b, a]]: a is at [j, v, "
                "c, o] and at [j, v, C + c, O + o], b at [j, v, c, O + o], and -b at [j, v, C + c, o].",
                "some_u": "Only the frequencies ``us`` of self.kernel are used, and only they come out. self.kernel is "
                "not changed.",
            },
        ),
    },
    cases=[
        _of_rows("rows", TINY),
        _of_rows("into", CHANNELS),
        _of_rows("rows", SQUARE),
        _of_rows("rows", WIDE),
        _of_rows("rows", TALL),
        _of_rows("into", STRIDED),
        _of_rows("rows", BORDERED),
        _of_rows("rows", TALL, dtype=SINGLE),
        _of_rows("layout", STRIDED, " of a part of a larger array", spread),
        _of_rows("layout", STRIDED, " of an array that lies in memory the other way round", np.asfortranarray),
        _of_rows("layout", WIDE, " of an array that lies in memory the other way round", np.asfortranarray),
        _of_columns("columns", TINY, 0, 2),
        _of_columns("columns", NARROW, 0, 2),
        _of_columns("some", CHANNELS, 1, 2),
        _of_columns("columns", WIDE, 0, 3),
        _of_columns("some", TALL, 1, 3),
        _of_columns("columns", STRIDED, 4, 5),
        _of_columns("some", BORDERED, 2, 4),
        _of_columns("dtype", STRIDED, 1, 4, SINGLE),
        _of_blocks("blocks", TINY, 0, 2),
        _of_blocks("blocks", NARROW, 0, 1),
        _of_blocks("some_u", NARROW, 1, 2),
        _of_blocks("blocks", CHANNELS, 0, 1),
        _of_blocks("some_u", CHANNELS, 1, 2),
        _of_blocks("blocks", WIDE, 0, 3),
        _of_blocks("some_u", TALL, 2, 5),
        _of_blocks("blocks", STRIDED, 1, 2),
        _of_blocks("some_u", BORDERED, 1, 4),
        _of_blocks("dtype", STRIDED, 1, 4, SINGLE),
    ],
    mistakes=[
        Mistake("X of step 1 has the other sign", "self.xp.matmul(self.image_rows, flat",
                "self.xp.matmul(-self.image_rows, flat"),
        Mistake("step 1 is divided by the height", "self.xp.matmul(self.image_rows, flat",
                "self.xp.matmul(self.image_rows / self.H, flat"),
        Mistake("step 1 takes columns of x for its lines", "flat = x[rows]", "flat = x.swapaxes(1, 2)[rows]"),
        Mistake("step 1 takes channels of x for its columns", "flat = x[rows]", "flat = x.swapaxes(2, 3)[rows]"),
        Mistake("step 1 transforms the first image for all of them", "flat = x[rows]", "flat = x[[0] * self.N][rows]"),
        Mistake("step 1 puts the real parts of all frequencies first, and then all imaginary parts",
                "self.xp.matmul(self.image_rows, flat",
                "self.xp.matmul(np.concatenate([self.image_rows[::2], self.image_rows[1::2]]), flat"),
        Mistake("step 1 puts the two parts of each pixel side by side: 2 w + p, not p W + w", code="""
            def rows(self, x):
                X = np.einsum("uh,nhwc->nuwc", self.image_rows, x).reshape(self.N, self.U, 2, self.W, self.C)
                self.X[...] = X.swapaxes(2, 3).reshape(self.X.shape)
            Plan.rows = rows
        """),
        Mistake("step 1 adds to what is in self.X", code="""
            def rows(self, x):
                self.X += np.einsum("uh,nhwc->nuwc", self.image_rows, x).reshape(self.X.shape)
            Plan.rows = rows
        """),
        Mistake("nothing is written into the memory that self.X was: step 1 returns its result, or makes a new array",
                code="""
            def rows(self, x):
                self.X = np.einsum("uh,nhwc->nuwc", self.image_rows, x).reshape(self.X.shape)
            Plan.rows = rows
        """),
        Mistake("step 1 reads x as if its numbers lay in memory without gaps", "x[rows].reshape(",
                "(x if x.base is None else np.lib.stride_tricks.as_strided(x.base, x.shape))[rows].reshape("),
        Mistake("the frequencies begin at 0, whatever us says, in columns", "self.image_columns, self.X[:, us]",
                "self.image_columns, self.X[:, : us.stop - us.start]"),
        Mistake("all frequencies come out of columns, not those of us", "self.image_columns, self.X[:, us]",
                "self.image_columns, self.X"),
        Mistake("columns has the real parts of all frequencies v first, and then all imaginary parts",
                "self.xp.matmul(self.image_columns,",
                "self.xp.matmul(np.concatenate([self.image_columns[::2], self.image_columns[1::2]]),"),
        Mistake("columns has the two parts of each channel side by side: 2 c + p, not p C + c",
                "return self.xp.matmul(self.image_columns, self.X[:, us]).reshape(self.N, -1, self.V, 2 * self.C)",
                "X = self.xp.matmul(self.image_columns, self.X[:, us]).reshape(self.N, -1, self.V, 2, self.C)\n"
                "        return X.swapaxes(3, 4).reshape(self.N, -1, self.V, 2 * self.C)"),
        Mistake("columns takes the conjugate: the imaginary parts have the other sign",
                "self.xp.matmul(self.image_columns,",
                "self.xp.matmul(self.image_columns * np.tile([[1], [-1]], (self.V, 1)).astype(self.X.dtype),"),
        Mistake("columns comes with the frequencies before the images: (u, V, N, 2C)",
                ".reshape(self.N, -1, self.V, 2 * self.C)",
                ".reshape(self.N, -1, self.V, 2 * self.C).transpose(1, 2, 0, 3)"),
        Mistake("columns makes float64 of float32", "self.xp.matmul(self.image_columns,",
                "self.xp.matmul(self.image_columns.astype(float),"),
        Mistake("columns writes into self.X", "return self.xp.matmul(self.image_columns, self.X[:, us])",
                "self.X[:, us] *= 2\n        return self.xp.matmul(self.image_columns, self.X[:, us] / 2)"),
        Mistake("the blocks are [[a, -b], [b, a]]", "self.xp.negative(b, out=blocks[:, :, 1, :, 0])",
                "blocks[:, :, 1, :, 0] = b\n        blocks[:, :, 0, :, 1] = -b"),
        Mistake("the blocks are [[a, b], [b, a]], without the minus", "self.xp.negative(b, out=",
                "self.xp.positive(b, out="),
        Mistake("the blocks are [[a, b], [-b, b]]", "blocks[:, :, 1, :, 1] = a, b, a",
                "blocks[:, :, 1, :, 1] = a, b, b"),
        Mistake("the blocks are [[a, b], [-b, -a]]", "blocks[:, :, 1, :, 1] = a, b, a",
                "blocks[:, :, 1, :, 1] = a, b, -a"),
        Mistake("blocks reads the parts of its spectrum as p V + v, and not as 2 v + p",
                ".reshape(-1, self.V, 2, C, O)", ".reshape(-1, 2, self.V, C, O).swapaxes(1, 2)"),
        Mistake("the blocks have 0 in place of -b", "self.xp.negative(b, out=blocks[:, :, 1, :, 0])",
                "blocks[:, :, 1, :, 0] = 0"),
        Mistake("a and b have changed places in the blocks", "a, b = spectrum[:, :, 0], spectrum[:, :, 1]",
                "b, a = spectrum[:, :, 0], spectrum[:, :, 1]"),
        Mistake("the blocks are transposed: (u, V, 2O, 2C)", "return blocks.reshape(-1, self.V, 2 * C, 2 * O)",
                "return blocks.reshape(-1, self.V, 2 * C, 2 * O).swapaxes(2, 3)"),
        Mistake("the parts of each channel stand side by side in the blocks: 2 c + p and 2 o + p",
                "return blocks.reshape(-1, self.V, 2 * C, 2 * O)",
                "return blocks.transpose(0, 1, 3, 2, 5, 4).reshape(-1, self.V, 2 * C, 2 * O)"),
        Mistake("channels in and out have changed places within the blocks", ".reshape(-1, self.V, 2, C, O)",
                ".reshape(-1, self.V, 2, O, C).swapaxes(3, 4)"),
        Mistake("the frequencies begin at 0, whatever us says, in blocks", "self.kernel[us]",
                "self.kernel[: us.stop - us.start]"),
        Mistake("all frequencies come out of blocks, not those of us", "self.kernel[us]", "self.kernel"),
        Mistake("blocks makes float64 of float32", "self.V, 2, C, 2, O), a.dtype)", "self.V, 2, C, 2, O))"),
        Mistake("the blocks are made with the columns' matrix of the image", "self.kernel_columns, self.kernel[us]",
                "self.image_columns[:, : 2 * self.K], self.kernel[us]"),
    ],
    variations=[
        Variation(
            "rows",
            "self.X[n, u, p W + w, c] is the sum over h of self.image_rows[2 u + p, h] x[n, h, w, c], divided by H. "
            "(16.3 and 16.4 are as ever.)",
            (("self.xp.matmul(self.image_rows, flat, out=self.X[rows].reshape(-1, 2 * self.U, self.W * self.C))",
              "self.xp.matmul(self.image_rows / x.dtype.type(self.H), flat, out=self.X[rows].reshape(-1, 2 * self.U, "
              "self.W * self.C))"),),
        ),
        Variation(
            "blocks",
            "In this variant the blocks are the transposed ones: a + b i is [[a, -b], [b, a]]. a is at [j, v, c, o] "
            "and at [j, v, C + c, O + o], -b at [j, v, c, O + o], and b at [j, v, C + c, o]. (16.3 and 16.4 have to do "
            "with [[a, b], [-b, a]], as ever.)",
            (("self.xp.negative(b, out=blocks[:, :, 1, :, 0])",
              "blocks[:, :, 1, :, 0] = b\n        blocks[:, :, 0, :, 1] = -b"),),
        ),
    ],
    aliases=ALIASES,
)  # fmt: skip


# --- 16.3 -------------------------------------------------------------------------------------------------------------


def _product(start, stop):
    def act(made):
        made.plan.Y[...] = 7
        made.plan.product(slice(start, stop))
        return {"self.Y": made.Y, "self.X as it was": made.X, "self.kernel as it was": made.plan.kernel}

    return act


def _products(*cuts):
    """All frequencies, a few at a time, and in any order."""

    def act(made):
        made.plan.Y[...] = 7
        for start, stop in cuts:
            made.plan.product(slice(start, stop))
        return {"self.Y": made.Y}

    return act


def _finish(start, stop):
    def act(made):
        y = made.plan.finish(slice(start, stop))
        return {"y": y, "self.Y as it was": made.Y}

    return act


def _of_product(rule, sizes, start, stop, dtype=FLOAT):
    shown = ["self.X", "self.image_columns", "self.columns_back"]
    return step("16.3", "Plan.product", rule, sizes, _product(start, stop), shown, dtype=dtype, us=Slice(start, stop))


def _of_finish(rule, sizes, start, stop, dtype=FLOAT):
    return step("16.3", "Plan.finish", rule, sizes, _finish(start, stop), ["self.Y", "self.rows_back"], dtype=dtype,
                rows=Slice(start, stop))  # fmt: skip


PRODUCT = Task(
    of="fast.fourier: Plan.product Plan.finish",
    parts={"Plan.product": 3, "Plan.finish": 1},
    docs={
        "product": Doc(
            """Steps 2, 3 and 4 for the frequencies ``us``, into self.Y. What it returns is not used.

            ``self.columns(us)`` (N, u, V, 2C) and ``self.blocks(us)`` (u, V, 2C, 2O) are right while this is tried,
            whatever you have written for them.""",
            {
                "product": "Step 3: P (N, u, V, 2O) has at each image, u and v the row of 2C numbers of columns(us) "
                "times the block (2C, 2O) of this u and v.",
                "back": "Step 4: self.Y[n, u, m, o], of the 2Wo places m, is the sum over v and p of "
                "self.columns_back[m, 2 v + p] P[n, j, v, p O + o], where u is the j-th frequency of ``us``.",
                "into_Y": "It is written into the memory that self.Y is, at the frequencies ``us``; what self.Y has at "
                "the others stays. Nothing else is changed.",
            },
        ),
        "finish": Doc(
            """Step 5 for the images ``rows``: returns y (n, Ho, Wo, O).""",
            {
                "finish": "y[j, h, w, o] is the sum over u and p of self.rows_back[h, 2 u + p] self.Y[n, u, p Wo + w, "
                "o], where n is the j-th image of ``rows``.",
                "images": "Only the images ``rows`` of self.Y are used, and only they come out. self.Y is not changed.",
            },
        ),
    },
    cases=[
        _of_product("product", TINY, 0, 2),
        _of_product("back", CHANNELS, 0, 2),
        _of_product("product", NARROW, 0, 2),
        _of_product("product", PAIR, 0, 2),
        _of_product("into_Y", TINY, 1, 2),
        _of_product("into_Y", LINES, 1, 3),
        _of_product("product", WIDE, 0, 3),
        _of_product("into_Y", TALL, 1, 3),
        _of_product("back", STRIDED, 4, 5),
        _of_product("into_Y", BORDERED, 0, 2),
        step("16.3", "Plan.product", "into_Y", STRIDED, _products((2, 3), (0, 2), (3, 5)),
             title=", a few frequencies at a time"),
        _of_product("dtype", STRIDED, 1, 4, SINGLE),
        _of_finish("finish", CHANNELS, 0, 1),
        _of_finish("finish", TINY, 0, 1),
        _of_finish("finish", NARROW, 0, 1),
        _of_finish("images", PAIR, 1, 2),
        _of_finish("finish", WIDE, 0, 2),
        _of_finish("images", TALL, 1, 3),
        _of_finish("finish", STRIDED, 1, 2),
        _of_finish("images", BORDERED, 2, 3),
        _of_finish("dtype", TALL, 0, 2, SINGLE),
    ],
    mistakes=[
        Mistake("the blocks are transposed before step 3", "self.blocks(us), out=by_frequency(Y))",
                "self.blocks(us).swapaxes(2, 3), out=by_frequency(Y))"),
        Mistake("the product of step 3, (u, V, N, 2O), is read as if it were (N, u, V, 2O)",
                "self.xp.matmul(by_frequency(X), self.blocks(us), out=by_frequency(Y))",
                "Y = self.xp.matmul(by_frequency(X), self.blocks(us))"),
        Mistake("each image of self.Y has the sum over all images", "self.xp.matmul(self.columns_back, Y.reshape",
                "Y[...] = Y.sum(axis=0)\n        self.xp.matmul(self.columns_back, Y.reshape"),
        Mistake("the minus of the blocks is at b's other place: a product with a - b i",
                "self.blocks(us), out=by_frequency(Y))",
                "self.blocks(us) * np.repeat(np.repeat(np.array([[1, -1], [-1, 1]], X.dtype), self.C, 0), self.O, "
                "1), out=by_frequency(Y))"),
        Mistake("step 3 uses the block of the first v at all of them", "self.blocks(us), out=by_frequency(Y))",
                "self.blocks(us)[:, :1], out=by_frequency(Y))"),
        Mistake("step 3 uses the blocks of the first u at all of them", "self.blocks(us), out=by_frequency(Y))",
                "self.blocks(us)[:1], out=by_frequency(Y))"),
        Mistake("step 3 is divided by the number of frequencies v", "self.xp.matmul(self.columns_back, Y.reshape",
                "Y /= self.V\n        self.xp.matmul(self.columns_back, Y.reshape"),
        Mistake("step 4 is left out, and the first places of the product stand in self.Y",
                "self.xp.matmul(self.columns_back, Y.reshape(self.N, -1, 2 * self.V, self.O), out=self.Y[:, us])",
                "self.Y[:, us] = Y.reshape(self.N, -1, 2 * self.V, self.O)[:, :, : 2 * self.Wo]"),
        Mistake("step 4 reads the parts of the product in another order: 2 o + p, not p O + o",
                "Y.reshape(self.N, -1, 2 * self.V, self.O), out",
                "Y.reshape(*Y.shape[:3], self.O, 2).swapaxes(3, 4).reshape(self.N, -1, 2 * self.V, self.O), out"),
        Mistake("step 4 reads all real parts first, and then all imaginary parts: p V + v, not 2 v + p",
                "Y.reshape(self.N, -1, 2 * self.V, self.O), out",
                "Y.reshape(*Y.shape[:3], 2, self.O).swapaxes(2, 3).reshape(self.N, -1, 2 * self.V, self.O), out"),
        Mistake("step 4 has + where its waves have -: the imaginary parts are taken with the other sign",
                "self.xp.matmul(self.columns_back, Y.reshape",
                "self.xp.matmul(self.columns_back * np.tile(np.array([1, -1], X.dtype), self.V), Y.reshape"),
        Mistake("self.Y is written from frequency 0 on, whatever us says", "out=self.Y[:, us])",
                "out=self.Y[:, : us.stop - us.start])"),
        Mistake("what is written to the frequencies us is that of the frequencies from 0 on", code="""
            def product(self, us):
                first = slice(0, us.stop - us.start)
                P = np.einsum("nuvc,uvco->nuvo", self.columns(first), self.blocks(first))
                self.Y[:, us] = self.columns_back @ P.reshape(self.N, -1, 2 * self.V, self.O)
            Plan.product = product
        """),
        Mistake("nothing is written into the memory that self.Y was: product returns its result, or makes a new array",
                code="""
            def product(self, us):
                P = np.einsum("nuvc,uvco->nuvo", self.columns(us), self.blocks(us))
                return self.columns_back @ P.reshape(self.N, -1, 2 * self.V, self.O)
            Plan.product = product
        """),
        Mistake("where us is a part of the frequencies, nothing is written into the memory that self.Y is: a reshape "
                "of a part of it is a copy", code="""
            def product(self, us):
                P = np.einsum("nuvc,uvco->nuvo", self.columns(us), self.blocks(us))
                Y = self.Y[:, us].reshape(-1, 2 * self.Wo, self.O)
                Y[...] = self.columns_back @ P.reshape(-1, 2 * self.V, self.O)
            Plan.product = product
        """),
        Mistake("product adds to what is in self.Y",
                "self.xp.matmul(self.columns_back, Y.reshape(self.N, -1, 2 * self.V, self.O), out=self.Y[:, us])",
                "self.Y[:, us] += self.xp.matmul(self.columns_back, Y.reshape(self.N, -1, 2 * self.V, self.O))"),
        Mistake("all other frequencies of self.Y become 0", "X = self.columns(us)",
                "X = self.columns(us)\n        self.Y[...] = 0"),
        Mistake("all frequencies are computed, not only those of us", "X = self.columns(us)",
                "us = slice(0, self.U)\n        X = self.columns(us)"),
        Mistake("y has the other sign", "y = self.xp.matmul(self.rows_back,", "y = -self.xp.matmul(self.rows_back,"),
        Mistake("y is divided by the number of frequencies u", "y = self.xp.matmul(self.rows_back,",
                "y = self.xp.matmul(self.rows_back / self.rows_back.dtype.type(self.U),"),
        Mistake("step 5 takes the imaginary parts with the other sign", "y = self.xp.matmul(self.rows_back,",
                "y = self.xp.matmul(self.rows_back * np.tile(np.array([1, -1], self.Y.dtype), self.U),"),
        Mistake("step 5 uses the real parts alone", "y = self.xp.matmul(self.rows_back,",
                "y = self.xp.matmul(self.rows_back * np.tile(np.array([1, 0], self.Y.dtype), self.U),"),
        Mistake("step 5 reads the two parts of each place of self.Y side by side: 2 w + p, not p Wo + w",
                "self.Y[rows].reshape(",
                "self.Y[rows].reshape(-1, self.U, self.Wo, 2, self.O).swapaxes(2, 3).reshape("),
        Mistake("y is twice as large", "y = self.xp.matmul(self.rows_back,", "y = 2 * self.xp.matmul(self.rows_back,"),
        Mistake("y has its lines in the reverse order", "return y.reshape(-1, self.Ho, self.Wo, self.O)",
                "return y.reshape(-1, self.Ho, self.Wo, self.O)[:, ::-1]"),
        Mistake("the numbers of y are read as Wo lines of Ho places, not as Ho lines of Wo places",
                "return y.reshape(-1, self.Ho, self.Wo, self.O)",
                "return y.reshape(-1, self.Wo, self.Ho, self.O)"),
        Mistake("y has its lines and columns in each other's place", "return y.reshape(-1, self.Ho, self.Wo, self.O)",
                "return y.reshape(-1, self.Ho, self.Wo, self.O).swapaxes(1, 2)"),
        Mistake("y has the channels before its columns", "return y.reshape(-1, self.Ho, self.Wo, self.O)",
                "return y.reshape(-1, self.Ho, self.Wo, self.O).swapaxes(2, 3)"),
        Mistake("all images come out of finish, not those of rows", "self.Y[rows].reshape(", "self.Y.reshape("),
        Mistake("the images of finish begin at 0, whatever rows says", "self.Y[rows].reshape(",
                "self.Y[: rows.stop - rows.start].reshape("),
        Mistake("finish makes float64 of float32", "y = self.xp.matmul(self.rows_back,",
                "y = self.xp.matmul(self.rows_back.astype(float),"),
    ],
    variations=[
        Variation(
            "finish",
            "y comes with its channels first, (n, O, Ho, Wo): y[j, o, h, w] is the sum over u and p of "
            "self.rows_back[h, 2 u + p] self.Y[n, u, p Wo + w, o], where n is the j-th image of ``rows``.",
            (("return y.reshape(-1, self.Ho, self.Wo, self.O)",
              "return y.reshape(-1, self.Ho, self.Wo, self.O).transpose(0, 3, 1, 2)"),),
        ),
        Variation(
            "finish",
            "y comes with its images last, (Ho, Wo, O, n): y[h, w, o, j] is the sum over u and p of self.rows_back[h, "
            "2 u + p] self.Y[n, u, p Wo + w, o], where n is the j-th image of ``rows``.",
            (("return y.reshape(-1, self.Ho, self.Wo, self.O)",
              "return y.reshape(-1, self.Ho, self.Wo, self.O).transpose(1, 2, 3, 0)"),),
        ),
    ],
    aliases=ALIASES,
)  # fmt: skip


# --- 16.4 -------------------------------------------------------------------------------------------------------------


def _start(start, stop, given=lambda dy: dy):
    def act(made):
        made.plan.Y[...] = 7
        dy = given(made.dy[start:stop].copy())
        made.plan.start_backward(slice(start, stop), dy)
        return {"self.Y": made.Y, "dy as it was": dy}

    return act


def _back(start, stop, **options):
    def act(made):
        made.plan.product_backward(slice(start, stop), made.dkernel, **options)
        found = {"dkernel": made.dkernel, "self.X": made.X}
        return found | {"self.Y as it was": made.Y, "self.kernel as it was": made.plan.kernel}

    return act


def _backs(*cuts):
    def act(made):
        for start, stop in cuts:
            made.plan.product_backward(slice(start, stop), made.dkernel)
        return {"dkernel": made.dkernel, "self.X": made.X}

    return act


def _finish_back(start, stop):
    def act(made):
        dx = made.plan.finish_backward(slice(start, stop))
        return {"dx": dx, "self.X as it was": made.X}

    return act


def _of_start(rule, sizes, start, stop, title="", given=lambda dy: dy, dtype=FLOAT):
    return step("16.4", "Plan.start_backward", rule, sizes, _start(start, stop, given), ["dy", "self.rows_back"], title,
                dtype,
                rows=Slice(start, stop))  # fmt: skip


def _of_back(rule, sizes, start, stop, dtype=FLOAT, **options):
    shown = ["self.X", "self.Y", "self.kernel", "dkernel"]
    return step("16.4", "Plan.product_backward", rule, sizes, _back(start, stop, **options), shown, dtype=dtype,
                us=Slice(start, stop), **options)  # fmt: skip


def _of_end(rule, sizes, start, stop, dtype=FLOAT):
    return step("16.4", "Plan.finish_backward", rule, sizes, _finish_back(start, stop), ["self.X", "self.image_rows"],
                dtype=dtype, rows=Slice(start, stop))  # fmt: skip


BACKWARD = Task(
    of="fast.fourier: Plan.start_backward Plan.product_backward Plan.finish_backward",
    parts={"Plan.start_backward": 1, "Plan.product_backward": 3, "Plan.finish_backward": 1},
    docs={
        "start_backward": Doc(
            """Step 5 backward for the images ``rows``, from dy (n, Ho, Wo, O), the gradient of the loss with
            respect to the y of ``finish(rows)``. What it returns is not used.""",
            {
                "start": "self.Y of the images ``rows`` becomes the gradient with respect to the numbers that step 5 "
                "took from there, as 16.3 has it: y[j, h, w, o] is the sum over u and p of self.rows_back[h, 2 u + p] "
                "self.Y[n, u, p Wo + w, o], where n is the j-th image of ``rows``.",
                "start_into": "It is written into the memory that self.Y is, for the images ``rows``; what self.Y has "
                "for the others stays.",
            },
        ),
        "product_backward": Doc(
            """Steps 4, 3 and 2 backward for the frequencies ``us``. What it returns is not used.

            self.Y has the gradient with respect to what ``product`` wrote there; self.X is what ``rows`` wrote. dkernel
            (U, 2K, C O), an array, takes the gradient with respect to self.kernel, and self.X that with respect to
            itself. As in 16.3, ``self.columns(us)`` (N, u, V, 2C) and ``self.blocks(us)`` (u, V, 2C, 2O) are right
            while this is tried; the blocks are [[a, b], [-b, a]] of numbers a + b i that come from self.kernel, as 16.2
            says.""",
            {
                "dkernel": "dkernel at the frequencies ``us`` is the gradient with respect to self.kernel there, of "
                "all images together. Each of a and b stands in two places of a block, and its gradient is that "
                "through both.",
                "dkernel_into": "It is written into dkernel, and not added to what is there; at other frequencies "
                "dkernel stays.",
                "dX": "self.X at the frequencies ``us`` becomes the gradient with respect to what it was. At other "
                "frequencies it stays. self.Y stays everywhere.",
                "input_gradient": "If ``input_gradient`` is False, self.X stays as it is, and dkernel is the same.",
                "nothing": "Nothing is divided by anything: dy has the loss's 1/N in it.",
            },
        ),
        "finish_backward": Doc(
            """Step 1 backward for the images ``rows``, from self.X, which has the gradient with respect to what
            step 1 wrote there: returns dx (n, H, W, C).""",
            {
                "dx": "dx is the gradient with respect to the images ``rows`` of x, in this order, from which step 1 "
                "made, as 16.2 has it: self.X[n, u, p W + w, c], the sum over h of self.image_rows[2 u + p, h] "
                "x[n, h, w, c].",
                "dx_images": "Only the images ``rows`` of self.X are used, and only they come out. self.X is not "
                "changed.",
            },
        ),
    },
    cases=[
        _of_start("start", CHANNELS, 0, 1),
        _of_start("start", TINY, 0, 1),
        _of_start("start", NARROW, 0, 1),
        _of_start("start_into", PAIR, 1, 2),
        _of_start("start", WIDE, 0, 2),
        _of_start("start_into", TALL, 1, 3),
        _of_start("start", STRIDED, 1, 2),
        _of_start("start_into", BORDERED, 2, 3),
        _of_start("start", TALL, 0, 2, dtype=SINGLE),
        _of_start("layout", STRIDED, 0, 2, " of a part of a larger array", spread),
        _of_back("dkernel", TINY, 0, 2),
        _of_back("dX", NARROW, 0, 2),
        _of_back("dX", CHANNELS, 0, 2),
        _of_back("input_gradient", TINY, 0, 2, input_gradient=False),
        _of_back("dkernel_into", TINY, 1, 2, input_gradient=True),
        _of_back("nothing", PAIR, 0, 2),
        _of_back("dkernel", WIDE, 0, 3),
        _of_back("dkernel_into", TALL, 1, 3),
        _of_back("dX", STRIDED, 4, 5, input_gradient=True),
        _of_back("nothing", BORDERED, 0, 4),
        _of_back("dX", BORDERED, 2, 3),
        _of_back("input_gradient", STRIDED, 1, 4, input_gradient=False),
        step("16.4", "Plan.product_backward", "dX", STRIDED, _backs((2, 3), (0, 2), (3, 5)),
             title=", a few frequencies at a time"),
        _of_back("dkernel", STRIDED, 1, 4, dtype=SINGLE),
        _of_end("dx", TINY, 0, 1),
        _of_end("dx", CHANNELS, 0, 1),
        _of_end("dx_images", PAIR, 1, 2),
        _of_end("dx", WIDE, 0, 2),
        _of_end("dx_images", TALL, 1, 3),
        _of_end("dx", STRIDED, 1, 2),
        _of_end("dx_images", BORDERED, 2, 3),
        _of_end("dtype", TALL, 0, 2, SINGLE),
    ],
    mistakes=[
        Mistake("the gradient that step 5 gives back is divided by the number of images",
                "flat = dy.reshape(len(dy), self.Ho, -1)", "flat = dy.reshape(len(dy), self.Ho, -1) / len(dy)"),
        Mistake("the gradient that step 5 gives back has the other sign", "flat = dy.reshape(len(dy), self.Ho, -1)",
                "flat = -dy.reshape(len(dy), self.Ho, -1)"),
        Mistake("step 5 backward takes the imaginary parts with the other sign, as if a wave were conjugated",
                "self.xp.matmul(self.rows_back.T, flat",
                "self.xp.matmul(self.rows_back.T * np.tile(np.array([[1], [-1]], dy.dtype), (self.U, 1)), flat"),
        Mistake("start_backward adds to what is in self.Y",
                "self.xp.matmul(self.rows_back.T, flat, out=self.Y[rows].reshape(-1, 2 * self.U, self.Wo * self.O))",
                "self.Y[rows] += self.xp.matmul(self.rows_back.T, flat).reshape(self.Y[rows].shape)"),
        Mistake("start_backward writes from image 0 on, whatever rows says", "out=self.Y[rows].reshape(-1, 2 * self.U,",
                "out=self.Y[: len(dy)].reshape(-1, 2 * self.U,"),
        Mistake("nothing is written into the memory that self.Y was: start_backward makes a new array, or returns one",
                "flat = dy.reshape(len(dy), self.Ho, -1)",
                "self.Y = self.Y.copy()\n        flat = dy.reshape(len(dy), self.Ho, -1)"),
        Mistake("start_backward reads lines of dy as its columns", "flat = dy.reshape(len(dy), self.Ho, -1)",
                "flat = dy.reshape(len(dy), self.Wo, self.Ho, -1).swapaxes(1, 2).reshape(len(dy), self.Ho, -1)"),
        Mistake("the gradient of b has a plus between its two places", "dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]",
                "dZ[:, :, 0, :, 1] + dZ[:, :, 1, :, 0]"),
        Mistake("the gradient of b has the other sign", "dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]",
                "dZ[:, :, 1, :, 0] - dZ[:, :, 0, :, 1]"),
        Mistake("the gradient of a is taken from its lower right place alone", "dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1]",
                "dZ[:, :, 1, :, 1]"),
        Mistake("the gradient of b is taken from its lower left place alone, without the minus",
                "dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]", "dZ[:, :, 1, :, 0]"),
        Mistake("the gradient of b is taken from its lower left place alone",
                "dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]", "-dZ[:, :, 1, :, 0]"),
        Mistake("dkernel has its numbers at o C + c, and not at c O + o", "self.xp.stack([da, db], axis=2).reshape",
                "self.xp.stack([da, db], axis=2).swapaxes(3, 4).reshape"),
        Mistake("dkernel is made with the columns' matrix of the image", "self.kernel_columns.T, spectrum",
                "self.image_columns.T[: 2 * self.K], spectrum"),
        Mistake("self.X gets its gradient where input_gradient is False, and not where it is True",
                "if input_gradient:", "if not input_gradient:"),
        Mistake("the gradient of self.X is taken through blocks that are not transposed",
                "self.blocks(us).swapaxes(2, 3)", "self.blocks(us)"),
        Mistake("start_backward has the two parts of each place of self.Y side by side: 2 w + p, not p Wo + w", code="""
            def start_backward(self, rows, dy):
                Y = (self.rows_back.T @ dy.reshape(len(dy), self.Ho, -1)).reshape(len(dy), self.U, 2, self.Wo, self.O)
                self.Y[rows] = Y.swapaxes(2, 3).reshape(self.Y[rows].shape)
            Plan.start_backward = start_backward
        """),
        Mistake("finish_backward reads the two parts of each place of self.X side by side: 2 w + p, not p W + w",
                "self.X[rows].reshape(", "self.X[rows].reshape(-1, self.U, self.W, 2, self.C).swapaxes(2, 3).reshape("),
        Mistake("the gradient of a is taken from its upper left place alone", "dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1]",
                "dZ[:, :, 0, :, 0]"),
        Mistake("the gradient of b is taken from its upper right place alone", "dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]",
                "dZ[:, :, 0, :, 1]"),
        Mistake("the gradients of a and of b are taken from their upper places alone",
                "dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1], dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]",
                "dZ[:, :, 0, :, 0], dZ[:, :, 0, :, 1]"),
        Mistake("the gradients of a and of b are means over their two places, not sums",
                "spectrum = self.xp.stack([da, db], axis=2)", "spectrum = self.xp.stack([da / 2, db / 2], axis=2)"),
        Mistake("the gradient of a has a minus between its two places", "dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1]",
                "dZ[:, :, 0, :, 0] - dZ[:, :, 1, :, 1]"),
        Mistake("the gradients of a and of b have changed places", "[da, db]", "[db, da]"),
        Mistake("dkernel is divided by the number of images", "spectrum = self.xp.stack([da, db], axis=2)",
                "spectrum = self.xp.stack([da / N, db / N], axis=2)"),
        Mistake("dkernel is that of the first image alone", "by_frequency(X).swapaxes(2, 3), by_frequency(dY)",
                "by_frequency(X[:1]).swapaxes(2, 3), by_frequency(dY[:1])"),
        Mistake("dkernel gets the sum with what is there",
                "self.xp.matmul(self.kernel_columns.T, spectrum, out=dkernel[us])",
                "dkernel[us] += self.xp.matmul(self.kernel_columns.T, spectrum)"),
        Mistake("dkernel is written from frequency 0 on, whatever us says", "out=dkernel[us])",
                "out=dkernel[: us.stop - us.start])"),
        Mistake("dkernel is not written into", "out=dkernel[us])", "out=dkernel[us].copy())"),
        Mistake("self.X gets its gradient even where input_gradient is False", "if input_gradient:", "if True:"),
        Mistake("self.X never gets its gradient", "if input_gradient:", "if False:"),
        Mistake("self.X has its gradient before dkernel is made of what it was", code="""
            def product_backward(self, us, dkernel, input_gradient=True):
                N, V, C, O = self.N, self.V, self.C, self.O
                dY = (self.columns_back.T @ self.Y[:, us]).reshape(N, -1, V, 2 * O)
                if input_gradient:
                    dX = np.einsum("nuvo,uvco->nuvc", dY, self.blocks(us)).reshape(N, -1, 2 * V, C)
                    self.X[:, us] = self.image_columns.T @ dX
                dZ = np.einsum("nuvc,nuvo->uvco", self.columns(us), dY).reshape(-1, V, 2, C, 2, O)
                da, db = dZ[:, :, 0, :, 0] + dZ[:, :, 1, :, 1], dZ[:, :, 0, :, 1] - dZ[:, :, 1, :, 0]
                dkernel[us] = self.kernel_columns.T @ np.stack([da, db], axis=2).reshape(-1, 2 * V, C * O)
            Plan.product_backward = product_backward
        """),
        Mistake("the gradient of self.X has the other sign", "self.blocks(us).swapaxes(2, 3)",
                "-self.blocks(us).swapaxes(2, 3)"),
        Mistake("the gradient of self.X is taken through a - b i: the blocks are conjugated",
                "self.blocks(us).swapaxes(2, 3)",
                "(self.blocks(us) * np.repeat(np.repeat(np.array([[1, -1], [-1, 1]], X.dtype), C, 0), O, "
                "1)).swapaxes(2, 3)"),
        Mistake("the gradient of self.X is added to what it was",
                "self.xp.matmul(self.image_columns.T, dX.reshape(N, -1, 2 * V, C), out=self.X[:, us])",
                "self.X[:, us] += self.xp.matmul(self.image_columns.T, dX.reshape(N, -1, 2 * V, C))"),
        Mistake("the gradient of self.X is divided by the number of images",
                "self.xp.matmul(self.image_columns.T, dX.reshape",
                "dX /= N\n            self.xp.matmul(self.image_columns.T, dX.reshape"),
        Mistake("the gradient of self.X is written from frequency 0 on, whatever us says", "out=self.X[:, us])",
                "out=self.X[:, : us.stop - us.start])"),
        Mistake("step 4 backward reads self.Y from frequency 0 on, whatever us says",
                "self.Y[:, us]).reshape(N, -1, V, 2 * O)",
                "self.Y[:, : us.stop - us.start]).reshape(N, -1, V, 2 * O)"),
        Mistake("step 4 backward takes the imaginary parts with the other sign, as if a wave were conjugated",
                "dY = self.xp.matmul(self.columns_back.T,",
                "dY = self.xp.matmul(self.columns_back.T * np.tile(np.array([[1], [-1]], X.dtype), (V, 1)),"),
        Mistake("dx has the other sign", "dx = self.xp.matmul(self.image_rows.T",
                "dx = -self.xp.matmul(self.image_rows.T"),
        Mistake("dx is divided by the number of images", "dx = self.xp.matmul(self.image_rows.T",
                "dx = self.xp.matmul(self.image_rows.T / self.X.dtype.type(self.N)"),
        Mistake("dx is of the real parts of the frequencies alone", "dx = self.xp.matmul(self.image_rows.T",
                "dx = self.xp.matmul(self.image_rows.T * np.tile(np.array([1, 0], self.X.dtype), self.U)"),
        Mistake("dx takes the imaginary parts with the other sign, as if a wave were conjugated",
                "dx = self.xp.matmul(self.image_rows.T",
                "dx = self.xp.matmul(self.image_rows.T * np.tile(np.array([1, -1], self.X.dtype), self.U)"),
        Mistake("all images come out of finish_backward, not those of rows", "self.X[rows].reshape(",
                "self.X.reshape("),
        Mistake("the images of finish_backward begin at 0, whatever rows says", "self.X[rows].reshape(",
                "self.X[: rows.stop - rows.start].reshape("),
        Mistake("dx has its lines and columns in each other's place", "return dx.reshape(-1, self.H, self.W, self.C)",
                "return dx.reshape(-1, self.H, self.W, self.C).swapaxes(1, 2)"),
        Mistake("finish_backward makes float64 of float32", "dx = self.xp.matmul(self.image_rows.T",
                "dx = self.xp.matmul(self.image_rows.T.astype(float)"),
    ],
    variations=[
        Variation(
            "dx",
            "dx is the gradient with respect to the images ``rows`` of x, in this order, but with the channels first, "
            "(n, C, H, W). Step 1 made, as 16.2 has it, self.X[n, u, p W + w, c] of it, the sum over h of "
            "self.image_rows[2 u + p, h] x[n, h, w, c].",
            (("return dx.reshape(-1, self.H, self.W, self.C)",
              "return dx.reshape(-1, self.H, self.W, self.C).transpose(0, 3, 1, 2)"),),
        ),
        Variation(
            "dkernel",
            "dkernel at the frequencies ``us`` is *half* of the gradient with respect to self.kernel there, of all "
            "images together. Each of a and b stands in two places of a block, and its gradient is that through both.",
            (("spectrum = self.xp.stack([da, db], axis=2)", "spectrum = self.xp.stack([da / 2, db / 2], axis=2)"),),
        ),
    ],
    aliases=ALIASES,
)  # fmt: skip

EXERCISE = Exercise(
    "five matrix products",
    GIVES,
    {"16.1": TRANSFORM, "16.2": ROWS, "16.3": PRODUCT, "16.4": BACKWARD},
)
