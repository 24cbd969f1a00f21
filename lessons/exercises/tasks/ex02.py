"""Exercise 2: im2col, its transpose, and the convolution made of them."""

from textwrap import dedent, indent

import numpy as np

from lessons.exercises.cases import calls, normal, numbers, raises
from lessons.exercises.task import Case, Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np

from minisiamese.convolution import output_shape, pad
"""


def loop(line):
    """col2im, patch by patch, with this line for what is done with a patch."""
    head = """
def col2im(columns, shape, kernel, stride=1):
    N, H, W, C = shape
    x, row = np.zeros(shape, columns.dtype), 0
    for n in range(N):
        for i in range(0, H - kernel + 1, stride):
            for j in range(0, W - kernel + 1, stride):
                patch = columns[row].reshape(kernel, kernel, C)
"""
    return f"{head}{indent(dedent(line).strip(), 16 * ' ')}\n                row += 1\n    return x\n"


IM2COL = Task(
    of="convolution: im2col",
    parts=3,
    docs={
        "im2col": Doc(
            """Every K x K patch of x as a row.

            x (N, H, W, C), K = kernel, S = stride, with K <= H and K <= W; returns (N*Ho*Wo, K*K*C), with
            Ho = (H - K) // S + 1 and Wo alike. What is returned may be a view of x.""",
            {
                "rows": "Rows come image by image, in an image line by line, in a line from left to right.",
                "patch": "The numbers of a patch come in the order k (its line), l (its column), c (the channel).",
                "stride": "Patches begin S lines and S columns apart; those that reach over the edge are left out.",
            },
        )
    },
    cases=calls(
        "im2col",
        ["columns"],
        [
            ("rows", lambda: {"x": numbers(1, 3, 3, 1), "kernel": 2}),
            ("rows", lambda: {"x": numbers(1, 2, 4, 1), "kernel": 2}),
            ("rows", lambda: {"x": numbers(2, 1, 3, 1), "kernel": 1}),
            ("patch", lambda: {"x": numbers(1, 2, 2, 2), "kernel": 2, "stride": 1}),
            ("stride", lambda: {"x": numbers(1, 4, 4, 1), "kernel": 2, "stride": 2}),
            ("stride", lambda: {"x": numbers(1, 3, 5, 1), "kernel": 1, "stride": 2}),
            ("rows", lambda: {"x": normal(0, 2, 3, 4, 3), "kernel": 2, "stride": 1}),
            ("stride", lambda: {"x": normal(1, 2, 7, 6, 3), "kernel": 3, "stride": 2}),
            ("stride", lambda: {"x": normal(2, 3, 5, 8, 1), "kernel": 1, "stride": 3}),
            ("patch", lambda: {"x": normal(3, 2, 4, 4, 2), "kernel": 4, "stride": 1}),
        ],
    ),
    mistakes=[
        Mistake("the stride is used for lines, and not for columns",
                "(n, stride * h, stride * w, h, c)", "(n, stride * h, w, h, c)"),
        Mistake("the stride is used for columns, and not for lines",
                "(n, stride * h, stride * w, h, c)", "(n, h, stride * w, h, c)"),
        Mistake("the stride is forgotten", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range(H - kernel + 1) for j in range(W - kernel + 1)])
        """),
        Mistake("the stride counts for how many patches there are, and not for where they begin", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range((H - kernel) // stride + 1) for j in range((W - kernel) // stride + 1)])
        """),
        Mistake("the stride lies between the pixels of a patch, not between the patches", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                span = kernel * stride
                return np.array([x[n, i : i + span : stride, j : j + span : stride].ravel() for n in range(N)
                                 for i in range((H - kernel) // stride + 1) for j in range((W - kernel) // stride + 1)])
        """),
        Mistake("patches begin K pixels apart, whatever the stride is", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range(0, H - kernel + 1, kernel) for j in range(0, W - kernel + 1, kernel)])
        """),
        Mistake("all rows are of the first image", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[0, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range(0, H - kernel + 1, stride) for j in range(0, W - kernel + 1, stride)])
        """),
        Mistake("the pixels of a patch come from the last to the first: it is turned round", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel][::-1, ::-1].ravel() for n in range(N)
                                 for i in range(0, H - kernel + 1, stride) for j in range(0, W - kernel + 1, stride)])
        """),
        Mistake("rows go down each column of an image before the next column", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for j in range(0, W - kernel + 1, stride) for i in range(0, H - kernel + 1, stride)])
        """),
        Mistake("rows of all images come for one place before the next place", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for i in range(0, H - kernel + 1, stride)
                                 for j in range(0, W - kernel + 1, stride) for n in range(N)])
        """),
        Mistake("a patch has its channels first: c, k, l", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].transpose(2, 0, 1).ravel() for n in range(N)
                                 for i in range(0, H - kernel + 1, stride) for j in range(0, W - kernel + 1, stride)])
        """),
        Mistake("a patch has its columns before its lines: l, k, c", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].transpose(1, 0, 2).ravel() for n in range(N)
                                 for i in range(0, H - kernel + 1, stride) for j in range(0, W - kernel + 1, stride)])
        """),
        *(Mistake("the last line and the last column of patches are missing", code=f"""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range(0, H - kernel, stride) for j in range(0, W - kernel, stride)]{end}
        """) for end in (")", ", x.dtype)", ", x.dtype).reshape(-1, kernel * kernel * C)")),
        Mistake("as many patches are taken across as down, where one side of the image has room for more", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                size = min(H, W)
                return np.array([x[n, i : i + kernel, j : j + kernel].ravel() for n in range(N)
                                 for i in range(0, size - kernel + 1, stride)
                                 for j in range(0, size - kernel + 1, stride)])
        """),
        Mistake("numbers are read as if x lay in memory without gaps", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
                step = x.itemsize
                n, h, w, c = H * W * C * step, W * C * step, C * step, step
                base = x if x.flags.c_contiguous else x.base
                shape, strides = (N, Ho, Wo, kernel, kernel, C), (n, stride * h, stride * w, h, w, c)
                return np.lib.stride_tricks.as_strided(base, shape, strides).reshape(N * Ho * Wo, -1)
        """),
        Mistake("float32 becomes float64", code="""
            def im2col(x, kernel, stride=1):
                N, H, W, C = x.shape
                Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
                columns = np.zeros((N, Ho, Wo, kernel, kernel, C))
                for k in range(kernel):
                    for l in range(kernel):
                        part = x[:, k : k + Ho * stride : stride, l : l + Wo * stride : stride]
                        columns[:, :, :, k, l] = part[:, :Ho, :Wo]
                return columns.reshape(N * Ho * Wo, -1)
        """),
    ],
    variations=[
        Variation(
            "patch",
            "A patch is turned upside down: its lines come from the last to the first, k = K - 1 .. 0; in a line the "
            "order is l (its column), c (the channel). What undoes or uses these columns has to know.",
            (
                (
                    "return windows.reshape(N * Ho * Wo, kernel * kernel * C)",
                    "return windows[:, :, :, ::-1].reshape(N * Ho * Wo, kernel * kernel * C)",
                ),
                ("columns.reshape(places.shape)", "columns.reshape(places.shape)[:, :, :, ::-1]"),
                ("columns @ W.reshape(-1, shape[-1])", "columns @ W[::-1].reshape(-1, shape[-1])"),
                ("dy @ W.reshape(-1, W.shape[-1]).T", "dy @ W[::-1].reshape(-1, W.shape[-1]).T"),
                ("dW.reshape(W.shape)", "dW.reshape(W.shape)[::-1]"),
            ),
        ),
    ],
    aliases={"im2col": ("patches_as_rows", "windows_to_rows", "unfold_patches")},
)  # fmt: skip

COL2IM = Task(
    of="convolution: col2im",
    parts=3,
    docs={
        "col2im": Doc(
            """The transpose of im2col: each row, a K x K patch, is added to the place that im2col has it from.

            columns (N*Ho*Wo, K*K*C), shape the tuple (N, H, W, C), K = kernel, S = stride, with Ho = (H - K) // S + 1
            and Wo alike; returns x of that shape. What is returned may be a view of columns.""",
            {
                "add": "A pixel that lies in several patches gets the sum of what they give it.",
                "places": "Rows, and the numbers of a patch, come in im2col's order.",
                "strided": "Patches begin S lines and S columns apart.",
                "zero": "A pixel that lies in no patch is 0.",
            },
        )
    },
    cases=calls(
        "col2im",
        ["x"],
        [
            ("add", lambda: {"columns": numbers(4, 4) + 1, "shape": (1, 3, 3, 1), "kernel": 2}),
            ("places", lambda: {"columns": numbers(1, 8) + 1, "shape": (1, 2, 2, 2), "kernel": 2, "stride": 1}),
            ("places", lambda: {"columns": numbers(4, 1) + 1, "shape": (2, 1, 2, 1), "kernel": 1, "stride": 1}),
            ("add", lambda: {"columns": numbers(3, 4) + 1, "shape": (1, 2, 4, 1), "kernel": 2}),
            ("strided", lambda: {"columns": numbers(6, 1) + 1, "shape": (1, 3, 5, 1), "kernel": 1, "stride": 2}),
            ("zero", lambda: {"columns": numbers(1, 4) + 1, "shape": (1, 3, 3, 1), "kernel": 2, "stride": 2}),
            ("strided", lambda: {"columns": normal(0, 12, 18), "shape": (2, 5, 7, 2), "kernel": 3, "stride": 2}),
            ("add", lambda: {"columns": normal(1, 24, 8), "shape": (2, 4, 5, 2), "kernel": 2, "stride": 1}),
            ("strided", lambda: {"columns": normal(2, 4, 3), "shape": (1, 6, 5, 3), "kernel": 1, "stride": 3}),
        ],
    ),
    mistakes=[
        Mistake("a pixel of several patches keeps what the last one gives it, as `=` does, or `+=` with an index that "
                "names a pixel twice", code=loop("""
            x[n, i : i + kernel, j : j + kernel] = patch
        """)),
        Mistake("a pixel of several patches gets their mean, not their sum", code="""
            def col2im(columns, shape, kernel, stride=1):
                N, H, W, C = shape
                x, count, row = np.zeros(shape, columns.dtype), np.zeros(shape, columns.dtype), 0
                for n in range(N):
                    for i in range(0, H - kernel + 1, stride):
                        for j in range(0, W - kernel + 1, stride):
                            x[n, i : i + kernel, j : j + kernel] += columns[row].reshape(kernel, kernel, C)
                            count[n, i : i + kernel, j : j + kernel] += 1
                            row += 1
                return x / np.maximum(count, 1)
        """),
        Mistake("a pixel of several patches gets the largest of their numbers",
                "images.sum(axis=(1, 3))", "images.max(axis=(1, 3))"),
        Mistake("the stride is forgotten: the patches are added one pixel apart", code="""
            def col2im(columns, shape, kernel, stride=1):
                N, H, W, C = shape
                Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
                x, row = np.zeros(shape, columns.dtype), 0
                for n in range(N):
                    for i in range(Ho):
                        for j in range(Wo):
                            x[n, i : i + kernel, j : j + kernel] += columns[row].reshape(kernel, kernel, C)
                            row += 1
                return x
        """),
        Mistake("a patch is read with its channels first: c, k, l", code=loop("""
            x[n, i : i + kernel, j : j + kernel] += columns[row].reshape(C, kernel, kernel).transpose(1, 2, 0)
        """)),
        Mistake("a patch's lines and columns change places", code=loop("""
            x[n, i : i + kernel, j : j + kernel] += patch.transpose(1, 0, 2)
        """)),
        Mistake("rows go down each column of an image before the next column", code=loop("""
            Ho, Wo = (H - kernel) // stride + 1, (W - kernel) // stride + 1
            turned = columns[n * Ho * Wo + j // stride * Ho + i // stride].reshape(kernel, kernel, C)
            x[n, i : i + kernel, j : j + kernel] += turned
        """)),
        Mistake("rows of all images come for one place before the next place", code=loop("""
            Wo = (W - kernel) // stride + 1
            turned = columns[(i // stride * Wo + j // stride) * N + n].reshape(kernel, kernel, C)
            x[n, i : i + kernel, j : j + kernel] += turned
        """)),
        Mistake("all images get the rows of the first one", code=loop("""
            Wo = (W - kernel) // stride + 1
            first = columns[i // stride * Wo + j // stride].reshape(kernel, kernel, C)
            x[n, i : i + kernel, j : j + kernel] += first
        """)),
        Mistake("only the first pixel of each patch gets anything", code=loop("""
            x[n, i, j] += patch[0, 0]
        """)),
        Mistake("columns, an argument, are written into",
                "places[...] = columns", "columns *= 2\n    places[...] = columns"),
        Mistake("numbers are made float32 on the way, so that only 7 digits of a float64 are right",
                "places[...] = columns", "places[...] = columns.astype(np.float32)"),
        Mistake("float32 becomes float64", "xp.zeros((N, kernel, H, kernel, W, C), columns.dtype)",
                "xp.zeros((N, kernel, H, kernel, W, C))"),
    ],
    aliases={"col2im": ("rows_to_image", "fold_patches", "add_patches")},
)  # fmt: skip

CONVOLVE = Task(
    of="convolution: convolve",
    parts=3,
    docs={
        "convolve": Doc(
            """y[n, i, j, o] = sum over k, l, c of x[n, i S + k - P, j S + l - P, c] W[k, l, c, o], with x = 0 outside.

            x (N, H, W, C), W (K, K, C, O), S = stride, P = padding; returns y (N, Ho, Wo, O), with
            Ho = (H + 2 P - K) // S + 1 and Wo alike. ``output_shape(x.shape, W.shape, S, P)`` gives the shape of y, and
            ``pad(x, P)`` gives x with its border; both may be used.""",
            {
                "sum": "W is not turned round: the formula is a correlation.",
                "padded": "P zeros stand on all four sides of each image.",
                "moved": "The window moves S pixels, down and to the right.",
                "fits": "A kernel that is higher or wider than an image with its border, or has another number of "
                "channels, is a ValueError, as ``output_shape`` raises it.",
            },
        )
    },
    cases=[
        *calls(
            "convolve",
            ["y"],
            [
                ("sum", lambda: {"x": numbers(1, 2, 3, 1), "W": numbers(2, 2, 1, 1)}),
                ("sum", lambda: {"x": numbers(1, 2, 2, 1), "W": numbers(1, 1, 1, 3) + 1}),
                ("sum", lambda: {"x": numbers(2, 1, 2, 1) - 2, "W": numbers(1, 1, 1, 1) + 3}),
                ("sum", lambda: {"x": numbers(1, 2, 2, 1), "W": numbers(2, 2, 1, 2)}),
                ("sum", lambda: {"x": numbers(1, 1, 2, 2), "W": numbers(1, 1, 2, 3)}),
                ("moved", lambda: {"x": numbers(1, 4, 4, 1), "W": numbers(2, 2, 1, 1), "stride": 2}),
                ("padded", lambda: {"x": numbers(1, 1, 2, 1) + 1, "W": numbers(2, 2, 1, 1), "stride": 1, "padding": 1}),
                ("sum", lambda: {"x": normal(0, 3, 6, 7, 2), "W": normal(1, 3, 3, 2, 4)}),
                ("moved", lambda: {"x": normal(2, 2, 7, 8, 3), "W": normal(3, 2, 2, 3, 2), "stride": 3, "padding": 0}),
                ("padded", lambda: {"x": numbers(1, 1, 2, 1) + 1, "W": numbers(1, 1, 1, 1) + 3, "stride": 2,
                                    "padding": 2}),
                ("fits", lambda: {"x": normal(6, 1, 1, 2, 1), "W": normal(7, 3, 3, 1, 1), "stride": 1, "padding": 1}),
                ("padded", lambda: {"x": normal(4, 2, 5, 4, 2), "W": normal(5, 3, 3, 2, 5), "stride": 2, "padding": 2}),
            ],
        ),
        Case(
            "convolve of images that are smaller than the kernel",
            lambda answer: raises(ValueError, lambda: answer.convolve(normal(0, 1, 2, 2, 1), normal(1, 3, 3, 1, 1))),
            "fits",
        ),
        Case(
            "convolve of images of 3 channels with W of 1",
            lambda answer: raises(ValueError, lambda: answer.convolve(normal(0, 1, 4, 4, 3), normal(1, 2, 2, 1, 1))),
            "fits",
        ),
        Case(
            "convolve of images of 1 channel with W of 3",
            lambda answer: raises(ValueError, lambda: answer.convolve(normal(0, 1, 4, 4, 1), normal(1, 2, 2, 3, 1))),
            "fits",
        ),
        Case(
            "convolve of images that are lower than the kernel even with their border",
            lambda answer: raises(
                ValueError, lambda: answer.convolve(normal(0, 1, 2, 5, 1), normal(1, 5, 5, 1, 1), 1, 1)
            ),
            "fits",
        ),
        Case(
            "convolve of images that are narrower than the kernel even with their border",
            lambda answer: raises(
                ValueError, lambda: answer.convolve(normal(0, 1, 5, 2, 1), normal(1, 5, 5, 1, 1), 1, 1)
            ),
            "fits",
        ),
        Case(
            "convolve of images of 2 channels with W of 3",
            lambda answer: raises(ValueError, lambda: answer.convolve(normal(0, 1, 4, 4, 2), normal(1, 3, 3, 3, 1))),
            "fits",
        ),
    ],
    mistakes=[
        Mistake("the padding is left out", "im2col(pad(x, padding), len(W), stride)", "im2col(x, len(W), stride)"),
        Mistake("the padding stands above and left of the image alone", "im2col(pad(x, padding), len(W), stride)",
                "im2col(np.roll(pad(x, padding), (padding, padding), (1, 2)), len(W), stride)"),
        Mistake("the border repeats the pixels at the edge, where zeros are meant",
                "im2col(pad(x, padding), len(W), stride)",
                "im2col(np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)], 'edge'), len(W), stride)"),
        Mistake("the border is of ones, where zeros are meant", "im2col(pad(x, padding), len(W), stride)",
                "im2col(pad(x - 1, padding) + 1, len(W), stride)"),
        Mistake("the stride is left out", "im2col(pad(x, padding), len(W), stride)",
                "im2col(pad(x, padding), len(W))[: np.prod(shape[:3])]"),
        Mistake("the stride sets the pixels inside a window apart (i + k S), not the windows (i S + k)", code="""
            def convolve(x, W, stride=1, padding=0):
                N, Ho, Wo, O = output_shape(x.shape, W.shape, stride, padding)
                K, S, x = len(W), stride, pad(x, padding)
                x = np.pad(x, [(0, 0), (0, K * S), (0, K * S), (0, 0)])
                y = np.zeros((N, Ho, Wo, O), x.dtype)
                for k in range(K):
                    for l in range(K):
                        y += x[:, k * S : k * S + Ho, l * S : l * S + Wo] @ W[k, l]
                return y
        """),
        Mistake("W is turned round by 180 degrees, as in a convolution of mathematics",
                "columns @ W.reshape(-1, shape[-1])", "columns @ W[::-1, ::-1].reshape(-1, shape[-1])"),
        Mistake("W is made a matrix (O, K K C), and turned, as if its axis o came first",
                "columns @ W.reshape(-1, shape[-1])", "columns @ W.reshape(shape[-1], -1).T"),
        Mistake("all images give what the first one gives", "(columns @ W.reshape(-1, shape[-1])).reshape(shape)",
                "(columns @ W.reshape(-1, shape[-1])).reshape(shape)[np.zeros(shape[0], int)]"),
        Mistake("W's lines and columns change places", "columns @ W.reshape(-1, shape[-1])",
                "columns @ W.transpose(1, 0, 2, 3).reshape(-1, shape[-1])"),
        Mistake("y has its lines and columns in each other's place",
                "(columns @ W.reshape(-1, shape[-1])).reshape(shape)",
                "(columns @ W.reshape(-1, shape[-1])).reshape(shape[0], shape[2], shape[1], -1).transpose(0, 2, 1, 3)"),
        Mistake("all channels get the weights of the first one", "columns @ W.reshape(-1, shape[-1])",
                "columns @ np.repeat(W[:, :, :1], W.shape[2], 2).reshape(-1, shape[-1])"),
        Mistake("the sum is divided by the size of the window", "(columns @ W.reshape(-1, shape[-1])).reshape(shape)",
                "(columns @ W.reshape(-1, shape[-1])).reshape(shape) / W[..., 0, 0].size"),
        Mistake("a kernel that does not fit is no error", "shape = output_shape(x.shape, W.shape, stride, padding)",
                "H, V, K, S = x.shape[1] + 2 * padding, x.shape[2] + 2 * padding, len(W), stride\n"
                "    if H < K or W.shape[2] != x.shape[3]:\n        return np.zeros((len(x), 0, 0, W.shape[3]))\n"
                "    shape = len(x), (H - K) // S + 1, (V - K) // S + 1, W.shape[3]"),
        Mistake("numbers are made float32 on the way, so that only 7 digits of a float64 are right",
                "im2col(pad(x, padding), len(W), stride)",
                "im2col(pad(x, padding), len(W), stride).astype(np.float32).astype(x.dtype)"),
        Mistake("float32 becomes float64", "im2col(pad(x, padding), len(W), stride)",
                "im2col(pad(x, padding), len(W), stride).astype(float)"),
    ],
    aliases={"convolve": ("correlate_images", "conv_forward", "filter_images")},
)  # fmt: skip

BACKWARD = Task(
    of="convolution: convolve_backward",
    parts=5,
    docs={
        "convolve_backward": Doc(
            """The gradients of a loss through y = ``convolve(x, W, stride, padding)``.

            dy (N, Ho, Wo, O) is the gradient with respect to y; returns dx (N, H, W, C) and dW (K, K, C, O), those with
            respect to x and W.""",
            {
                "dW": "dW sums over all images and places, and divides by nothing: the loss has its 1/N in dy.",
                "dx": "dx sums over all patches that a pixel lies in; where no patch lies, it is 0.",
                "border": "The border of zeros has no gradient: dx has the shape of x, and begins at its first pixel.",
                "strides": "Stride and padding are those of convolve: dx and dW are the gradients of what it computes "
                "with them.",
            },
        )
    },
    cases=calls(
        "convolve_backward",
        ["dx", "dW"],
        [
            ("dW", lambda: {"x": numbers(1, 2, 3, 1), "W": numbers(2, 2, 1, 1) + 1, "dy": numbers(1, 1, 2, 1) + 1}),
            ("dW", lambda: {"x": numbers(2, 1, 2, 1) + 1, "W": numbers(1, 1, 1, 1) + 3, "dy": np.array(
                [1.0, -1, 2, 1]).reshape(2, 1, 2, 1)}),
            ("dW", lambda: {"x": numbers(1, 2, 2, 1), "W": numbers(2, 2, 1, 2) + 1, "dy": np.array(
                [1.0, -1]).reshape(1, 1, 1, 2)}),
            ("dx", lambda: {"x": numbers(1, 2, 4, 1), "W": numbers(2, 2, 1, 1) + 1, "dy": numbers(1, 1, 3, 1) + 1}),
            ("strides", lambda: {"x": numbers(1, 1, 4, 1) + 1, "W": numbers(1, 1, 1, 2) + 1, "dy": np.array(
                [1.0, 10, 2, -3]).reshape(1, 1, 2, 2), "stride": 2, "padding": 0}),
            ("border", lambda: {"x": numbers(1, 1, 2, 1) + 1, "W": numbers(3, 3, 1, 1), "dy": numbers(1, 1, 2, 1) + 1,
                                "stride": 1, "padding": 1}),
            ("dx", lambda: {"x": normal(0, 3, 6, 7, 2), "W": normal(1, 3, 3, 2, 4), "dy": normal(2, 3, 4, 5, 4)}),
            ("strides", lambda: {"x": normal(3, 2, 6, 7, 2), "W": normal(4, 2, 2, 2, 3), "dy": normal(5, 2, 3, 3, 3),
                                 "stride": 2, "padding": 0}),
            ("border", lambda: {"x": normal(6, 1, 3, 3, 1), "W": normal(7, 3, 3, 1, 1), "dy": normal(8, 1, 3, 3, 1),
                                "stride": 1, "padding": 1}),
            ("border", lambda: {"x": normal(9, 2, 5, 4, 3), "W": normal(10, 3, 3, 3, 2), "dy": normal(11, 2, 4, 3, 2),
                                "stride": 2, "padding": 2}),
            ("dW", lambda: {"x": normal(12, 4, 2, 2, 3), "W": normal(13, 1, 1, 3, 2), "dy": normal(14, 4, 2, 2, 2),
                            "stride": 1, "padding": 0}),
        ],
    ),
    mistakes=[
        Mistake("dW is divided by the number of images", "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "dW = im2col(pad(x, P), len(W), stride).T @ dy / len(x)"),
        Mistake("dW is divided by the number of images and places", "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "dW = im2col(pad(x, P), len(W), stride).T @ dy / len(dy)"),
        Mistake("dW is that of the last image alone", "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "dW = im2col(pad(x, P)[-1:], len(W), stride).T @ dy[-len(dy) // N :]"),
        Mistake("dW is that of the first image alone", "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "dW = im2col(pad(x, P)[:1], len(W), stride).T @ dy[: len(dy) // N]"),
        Mistake("both gradients are divided by the number of images",
                "return dx[:,", "dx, dW = dx / len(x), dW / len(x)\n    return dx[:,"),
        Mistake("dx is divided by the number of images", "return dx[:,", "dx = dx / len(x)\n    return dx[:,"),
        Mistake("the border is not cut off evenly: both are taken from below and from the right",
                "dx[:, P : P + height, P : P + width]", "dx[:, :height, :width]"),
        Mistake("nothing is left of dx where P is 0: the border is cut off with an end of -P",
                "dx[:, P : P + height, P : P + width]", "dx[:, P:-P, P:-P]"),
        Mistake("lines and columns behind the last patch are missing from dx", "return dx[:, P : P + height,",
                "K, S = len(W), stride\n"
                "    dx = dx[:, : (dx.shape[1] - K) // S * S + K, : (dx.shape[2] - K) // S * S + K]\n"
                "    return dx[:, P : P + height,"),
        Mistake("the border of zeros is still around dx", "dx[:, P : P + height, P : P + width]", "dx"),
        Mistake("x is used for dW without its border of zeros", "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "z = np.zeros((N, height + 2 * P, width + 2 * P, C), x.dtype)\n    z[:, :height, :width] = x\n"
                "    dW = im2col(z, len(W), stride).T @ dy"),
        Mistake("the numbers of dW lie with axis o first, and are then given W's shape without being turned",
                "dW.reshape(W.shape)", "dW.T.reshape(W.shape)"),
        Mistake("W is made a matrix (O, K K C) for dx, as if its axis o came first",
                "dy @ W.reshape(-1, W.shape[-1]).T", "dy @ W.reshape(W.shape[-1], -1)"),
        Mistake("W is turned round by 180 degrees for dx", "dcolumns = dy @ W.reshape(-1, W.shape[-1]).T",
                "dcolumns = dy @ W[::-1, ::-1].reshape(-1, W.shape[-1]).T"),
        Mistake("W's lines and columns change places for dx", "dcolumns = dy @ W.reshape(-1, W.shape[-1]).T",
                "dcolumns = dy @ W.transpose(1, 0, 2, 3).reshape(-1, W.shape[-1]).T"),
        Mistake("dW has its lines and columns in each other's place", "dW.reshape(W.shape)",
                "dW.reshape(W.shape).transpose(1, 0, 2, 3)"),
        Mistake("a pixel of several patches has in dx what the last one gives it, not the sum", code="""
            _right = convolve_backward
            def convolve_backward(x, W, dy, stride=1, padding=0):
                K, P, S, dW = len(W), padding, stride, _right(x, W, dy, stride, padding)[1]
                dx = np.zeros_like(pad(x, P))
                for n, i, j in np.ndindex(dy.shape[:3]):
                    dx[n, i * S : i * S + K, j * S : j * S + K] = (W * dy[n, i, j]).sum(axis=3)
                return dx[:, P : P + x.shape[1], P : P + x.shape[2]], dW
        """),
        Mistake("the stride is left out: the patches of dy are taken for neighbours one pixel apart", code="""
            _right = convolve_backward
            def convolve_backward(x, W, dy, stride=1, padding=0):
                K, P, dW = len(W), padding, np.zeros_like(W)
                z = pad(x, P)
                dx = np.zeros_like(z)
                for n, i, j in np.ndindex(dy.shape[:3]):
                    dx[n, i : i + K, j : j + K] += (W * dy[n, i, j]).sum(axis=3)
                    dW += z[n, i : i + K, j : j + K, :, None] * dy[n, i, j]
                return dx[:, P : P + x.shape[1], P : P + x.shape[2]], dW
        """),
        Mistake("dx has a minus", "return dx[:,", "return -dx[:,"),
        Mistake("dW is taken from neighbouring pixels, as if the stride was 1; dx is right",
                "dW = im2col(pad(x, P), len(W), stride).T @ dy",
                "K = len(W)\n    Ho, Wo = (height + 2 * P - K) // stride + 1, (width + 2 * P - K) // stride + 1\n"
                "    dW = im2col(pad(x, P)[:, : Ho + K - 1, : Wo + K - 1], K).T @ dy"),
        Mistake("dW has a minus", "dW.reshape(W.shape)", "-dW.reshape(W.shape)"),
        Mistake("dx and dW are returned in the other order", code="""
            _right = convolve_backward
            def convolve_backward(*arguments):
                dx, dW = _right(*arguments)
                return dW, dx
        """),
        Mistake("dy, an argument, is written into", "dW = im2col", "dy *= 2\n    dW = im2col"),
        Mistake("float32 becomes float64", "dy.reshape(-1, W.shape[-1])", "dy.reshape(-1, W.shape[-1]).astype(float)"),
    ],
    variations=[
        Variation("halved", "dW is that of half the loss: half of the sum.",
                  (("return dx[:,", "dW = dW / dW.dtype.type(2)\n    return dx[:,"),)),
        Variation("doubled", "dx is that of twice the loss: twice the sum.",
                  (("return dx[:,", "dx = dx * 2\n    return dx[:,"),)),
    ],
    aliases={"convolve_backward": ("correlate_backward", "conv_gradients", "filter_gradients")},
    swapped={"convolve_backward": 2},
)  # fmt: skip

EXERCISE = Exercise(
    "convolution is a matrix product",
    GIVES,
    {"2.1": IM2COL, "2.2": COL2IM, "2.3": CONVOLVE, "2.4": BACKWARD},
)
