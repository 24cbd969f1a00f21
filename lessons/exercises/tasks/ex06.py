"""Exercise 6: the N-way loss, and the loss of queries that are asked for the nearest prototype."""

import numpy as np

from lessons.exercises.cases import array, calls, normal, told_apart
from lessons.exercises.task import Doc, Exercise, Mistake, Task, Variation

GIVES = """
import numpy as np
"""

# --- 6.1 --------------------------------------------------------------------------------------------------------------

N_WAY = Task(
    of="losses: n_way",
    parts=4,
    docs={
        "n_way": Doc(
            """The cross-entropy of Q queries among N classes, and its gradient.

            s (Q, N) are the scores of each query with each class, larger for more alike; target (Q,) are whole numbers
            from 0 to N - 1, the right class of each query. Returns loss, a number, and ds (Q, N), the gradient of the
            loss with respect to s.""",
            {
                "query": "A query q pays log(sum over n of exp s_qn) - s_q,target, with the natural logarithm.",
                "mean": "The loss is the mean of what the Q queries pay, and ds is the gradient of this mean.",
                "huge": "Scores may be as large as 100,000, above or below 0, in each row or in one of them: nothing "
                "overflows, and nothing becomes infinite or not a number.",
                "one": "Q and N may be 1; of one class alone, loss and gradient are 0.",
            },
        )
    },
    cases=[
        *calls(
            "n_way",
            ["loss", "ds"],
            [
                ("one", lambda: {"s": array([2, 0, 1]), "target": np.array([0])}),
                ("query", lambda: {"s": array([0, 100]), "target": np.array([0])}),
                ("mean", lambda: {"s": array([1, 3], [0, 0]), "target": np.array([0, 1])}),
                ("query", lambda: {"s": array([0.5, -1, 2], [1, 1, -3]), "target": np.array([1, 2])}),
                ("one", lambda: {"s": array([1.5], [-2]), "target": np.array([0, 0])}),
                ("mean", lambda: {"s": normal(0, 5, 3), "target": np.array([2, 0, 1, 1, 2])}),
                ("mean", lambda: {"s": 2 * normal(1, 3, 7), "target": np.array([6, 6, 0])}),
                ("huge", lambda: {"s": array([1e5, 0], [-1e5, -2e4]), "target": np.array([1, 1])}),
                ("huge", lambda: {"s": array([0, -1e5, 9e4], [1e5, 0, 2e4], [-1e5, -9e4, -1e5]),
                                  "target": np.array([0, 2, 0])}),
            ],
        ),
        *calls(
            "n_way",
            ["loss", "ds"],
            [
                ("huge", lambda: {"s": array([1e5, 0], [-1e5, -1e5]), "target": np.array([1, 0])}),
                ("huge", lambda: {"s": array([0, -1e5, 9e4], [1e5, 1e5, 1e5], [-1e5, -9e4, 1e5]),
                                  "target": np.array([0, 2, 0])}),
                ("huge", lambda: {"s": array([1e5, 99999, 0], [-1e5, -1e5, -99999]), "target": np.array([0, 1])}),
                ("huge", lambda: {"s": array([750, 0, -750], [0, 2, 1], [-1000, -1001, -999]),
                                  "target": np.array([0, 1, 2])}),
            ],
            floats=False, layouts=False,
        ),
    ],
    mistakes=[
        Mistake("exp is summed over the queries (axis 0), not over the classes of each query", code="""
            def n_way(s, target):
                q = np.arange(len(s))
                z = s - s.max(axis=0, keepdims=True)
                e = np.exp(z)
                total = e.sum(axis=0, keepdims=True)
                p = e / total
                loss = -np.log(p[q, target]).mean()
                p[q, target] -= 1
                return loss, p / s.dtype.type(len(s))
        """),
        Mistake("exp is taken of the scores as they are: large ones overflow, and below -700 all become 0",
                "shifted = s - s.max(axis=1, keepdims=True)", "shifted = s"),
        Mistake("the maximum of all scores is taken away, so that in rows far below it all exp are 0",
                "s.max(axis=1, keepdims=True)", "s.max()"),
        Mistake("the maximum of each column is taken away, not of each row", code="""
            def n_way(s, target):
                queries, shifted = np.arange(len(s)), s - s.max(axis=0)
                e, right = np.exp(shifted), np.eye(s.shape[1], dtype=s.dtype)[target]
                total = e.sum(axis=1, keepdims=True)
                shift = (s.max(axis=0) - (s.max(axis=0) * right).sum(axis=1, keepdims=True))[:, :1] * 0
                loss = np.log(total[:, 0]) - shifted[queries, target] + shift[:, 0]
                return loss.mean(), (e / total - right) / s.dtype.type(len(s))
        """),
        *(
            Mistake("a tiny number is added before the logarithm", code=f"""
            def n_way(s, target):
                e = np.exp(s - s.max(axis=1, keepdims=True))
                p, right = e / e.sum(axis=1, keepdims=True), np.eye(s.shape[1], dtype=s.dtype)[target]
                loss = -np.log((p * right).sum(axis=1) + s.dtype.type({tiny}))
                return loss.mean(), (p - right) / s.dtype.type(len(s))
        """)
            for tiny in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
        ),
        Mistake("the logarithm of a probability is taken that may be 0", code="""
            def n_way(s, target):
                e = np.exp(s - s.max(axis=1, keepdims=True))
                p, right = e / e.sum(axis=1, keepdims=True), np.eye(s.shape[1], dtype=s.dtype)[target]
                return -np.log((p * right).sum(axis=1)).mean(), (p - right) / s.dtype.type(len(s))
        """),
        Mistake("1 is added to the probability of the right class, not taken away",
                "ds[queries, target] -= 1", "ds[queries, target] += 1"),
        Mistake("ds has the probabilities alone: the 1 of the right class is not taken away",
                "ds[queries, target] -= 1", "pass"),
        Mistake("1 is taken away in the column of the first query's class, in every row",
                "ds[queries, target] -= 1", "ds[:, target[0]] -= 1"),
        Mistake("1 is taken away in the columns of all the queries' classes, in every row",
                "ds[queries, target] -= 1", "ds[:, target] -= 1"),
        Mistake("1 is taken away everywhere", "ds[queries, target] -= 1", "ds -= 1"),
        Mistake("ds is p (1 - p), the slope of a probability and not that of the loss",
                "ds[queries, target] -= 1", "ds = ds * (1 - ds)"),
        Mistake("ds is 0 but for the right class", "ds[queries, target] -= 1",
                "ds = (ds - 1) * xp.eye(s.shape[1], dtype=s.dtype)[target]"),
        Mistake("the largest score is taken away in the sum, but not from the score of the right class",
                "shifted[queries, target]", "s[queries, target]"),
        Mistake("each score is judged by itself, by a sigmoid", code="""
            def n_way(s, target):
                right = np.eye(s.shape[1], dtype=s.dtype)[target]
                loss = np.maximum(s, 0) - s * right + np.log1p(np.exp(-abs(s)))
                return loss.sum(axis=1).mean(), ((np.tanh(s / 2) + 1) / 2 - right) / s.dtype.type(len(s))
        """),
        Mistake("ds has the other sign", "return loss.mean(), ds", "return loss.mean(), -ds"),
        Mistake("the loss has the other sign", "return loss.mean(), ds", "return -loss.mean(), ds"),
        Mistake("ds is not divided by the number of queries", "ds / s.dtype.type(len(s))", "ds"),
        Mistake("ds is divided by the number of scores, Q N", "ds / s.dtype.type(len(s))", "ds / s.dtype.type(s.size)"),
        Mistake("ds is divided by the number of classes, not of queries",
                "ds / s.dtype.type(len(s))", "ds / s.dtype.type(s.shape[1])"),
        Mistake("the loss is a sum over the queries, and ds that of the mean", "loss.mean()", "loss.sum()"),
        Mistake("loss and ds are those of a sum over the queries, not of a mean",
                "return loss.mean(), ds / s.dtype.type(len(s))",
                "return loss.sum(), ds"),
        Mistake("the loss is a mean over all Q N numbers", "loss.mean()", "loss.mean() / s.dtype.type(s.shape[1])"),
        Mistake("loss and ds are those of a mean over all Q N numbers",
                "return loss.mean(), ds / s.dtype.type(len(s))",
                "return loss.mean() / s.dtype.type(s.shape[1]), ds / s.dtype.type(s.size)"),
        Mistake("the loss takes the scores of all the queries' classes from each query, as s[:, target] does",
                "loss = xp.log(total[:, 0]) - shifted[queries, target]", "loss = xp.log(total) - shifted[:, target]"),
        Mistake("the score of the right class is left out of the sum", code="""
            def n_way(s, target):
                right = np.eye(s.shape[1], dtype=bool)[target]
                others = np.where(right, -np.inf, s)
                top = np.where(np.isfinite(others.max(axis=1, keepdims=True)), others.max(axis=1, keepdims=True), 0)
                e = np.exp(others - top)
                total = np.maximum(e.sum(axis=1, keepdims=True), np.finfo(s.dtype).tiny)
                loss = np.log(total[:, 0]) + top[:, 0] - s[right]
                return loss.mean().astype(s.dtype), ((e / total - right) / s.dtype.type(len(s))).astype(s.dtype)
        """),
        Mistake("the sum is over queries, not over classes", code="""
            def n_way(s, target):
                e = np.exp(s - s.max(axis=0))
                total, right = e.sum(axis=0), np.eye(s.shape[1], dtype=s.dtype)[target]
                loss = ((np.log(total) + s.max(axis=0) - s) * right).sum(axis=1)
                return loss.mean(), (e / total - right) / s.dtype.type(len(s))
        """),
        Mistake("the logarithm is that of base 2", "loss = xp.log(total[:, 0])", "loss = xp.log2(total[:, 0])"),
        Mistake("the right class is taken to be the one with the highest score", "queries = xp.arange(len(s))",
                "queries, target = xp.arange(len(s)), s.argmax(axis=1)"),
        Mistake("classes count from 1",
                "queries = xp.arange(len(s))", "queries, target = xp.arange(len(s)), target - 1"),
        Mistake("s, an argument, is written into", "shifted = s - s.max(axis=1, keepdims=True)",
                "s -= s.max(axis=1, keepdims=True)\n    shifted = s"),
        Mistake("float32 becomes float64", "ds = exponential / total", "ds = (exponential / total).astype(float)"),
        Mistake("ds and loss are returned in the other order", "return loss.mean(), ds / s.dtype.type(len(s))",
                "return ds / s.dtype.type(len(s)), loss.mean()"),
    ],
    variations=[
        Variation(
            "query",
            "A query q pays log(sum over n of exp(s_qn / 2)) - s_q,target / 2, with the natural logarithm: its scores "
            "count half.",
            (
                ("shifted = s - s.max(axis=1, keepdims=True)", "shifted = (s - s.max(axis=1, keepdims=True)) / 2"),
                ("return loss.mean(), ds / s.dtype.type(len(s))", "return loss.mean(), ds / s.dtype.type(2 * len(s))"),
            ),
        ),
        Variation(
            "mean",
            "The loss is the sum of what the Q queries pay, and ds is the gradient of this sum.",
            (("return loss.mean(), ds / s.dtype.type(len(s))", "return loss.sum(), ds"),),
        ),
    ],
    aliases={"n_way": ("class_entropy", "softmax_loss", "query_loss")},  # not swapped: 6.2 takes its results in order
)  # fmt: skip

# --- 6.2 --------------------------------------------------------------------------------------------------------------

MEANS = "prototypes = supports.mean(axis=1)"
SCORES = "n_way(-(difference**2).sum(axis=2), target)"
THERE = "ddifference = -2 * ds[:, :, None] * difference"
BACK = "dprototypes = -ddifference.sum(axis=0)"
SHARES = "dprototypes[:, None] / supports.dtype.type(supports.shape[1])"
RESULTS = "return loss, ddifference.sum(axis=1), dsupports"


def episode(seed, Q, N, K, D, size=1.0):
    """queries (Q, D), supports (N, K, D) and target (Q,), as arguments."""
    target = np.random.default_rng(seed).integers(0, N, Q)
    return lambda: {
        "queries": size * normal(seed + 50, Q, D),
        "supports": size * normal(seed + 51, N, K, D),
        "target": target.copy(),
    }


def by_hand(queries, supports, target):
    return lambda: {
        "queries": np.array(queries, float),
        "supports": np.array(supports, float),
        "target": np.array(target),
    }


AROUND = by_hand([[0]], [[[-1], [1]], [[1], [1]]], [0])
ONE_EACH = by_hand([[0.5], [2.0], [-1.0]], [[[0]], [[1]], [[3]], [[-2]]], [0, 2, 0])
THREE_EACH = by_hand([[1.0], [0.5], [2.0], [3.5], [0.0]], [[[0], [1], [2.5]], [[3], [1], [4]]], [0, 1, 1, 0, 0])
BOTH = [("scores", ONE_EACH), ("prototype", THREE_EACH)]
FAR = by_hand([[40], [0.5]], [[[0], [2]], [[3], [1]]], [0, 1])

RESULTS_OF = ["loss", "dqueries", "dsupports"]
BY_RESULT = {
    "": ("how many", "loss"),
    "dqueries": ("dqueries",),
    "dsupports": ("dsupports",),
    "unchanged": ("queries", "supports", "target"),
}


PROTOTYPICAL = Task(
    of="losses: prototypical",
    parts=4,
    docs={
        "prototypical": Doc(
            """The loss of a network whose queries are asked which class's prototype they are nearest to.

            queries (Q, D), the embeddings of Q queries; supports (N, K, D), those of K drawings of each of N classes;
            target (Q,) whole numbers, the right class of each query. Returns the loss, a number without axes, and its
            gradients dqueries (Q, D) and dsupports (N, K, D).

            ``n_way(s, target)`` of 6.1 takes scores s (Q, N) and returns the N-way loss and ds (Q, N), its gradient
            with respect to s; it is right while this is tried.""",
            {
                "prototype": "The prototype c_n of a class is the mean of its K embeddings.",
                "scores": "The score s_qn is minus the squared Euclidean distance of query q and prototype n, the sum "
                "of (queries[q, d] - c_n[d])^2 over d.",
                "loss": "The loss is the N-way loss of these scores, as ``n_way`` gives it, without overflow; and all "
                "gradients are those of this loss, with all of its factors.",
                "dqueries": "dqueries is the gradient with respect to queries: of each query by way of all its scores.",
                "dsupports": "dsupports is the gradient with respect to supports: of each of the K embeddings of a "
                "class by way of its prototype, over all queries.",
            },
        )
    },
    cases=[
        *told_apart(calls("prototypical", RESULTS_OF, [BOTH[0]], floats=False, layouts=False), BY_RESULT),
        *told_apart(
            calls("prototypical", RESULTS_OF, [("prototype", AROUND)], floats=False, layouts=False),
            {"": ("how many", "loss")},
        ),
        *told_apart(
            calls(
                "prototypical",
                RESULTS_OF,
                [
                    *BOTH,
                    ("loss", FAR),
                    ("dqueries", by_hand([[1, 0.5]], [[[0, 1]], [[2, 0]]], [1])),
                    ("dsupports", by_hand([[1, 0]], [[[0, 1], [1, 1], [2, 0]], [[0, 0], [0, 1], [1, 0]]], [0])),
                    ("dqueries", episode(0, 5, 4, 2, 3)),
                    ("dsupports", episode(1, 3, 2, 5, 6, 0.5)),
                    ("prototype", episode(2, 7, 3, 4, 2)),
                    ("scores", episode(3, 4, 6, 1, 5, 0.7)),
                    ("loss", episode(4, 6, 3, 3, 4, 100.0)),
                ],
            ),
            BY_RESULT,
        ),
    ],
    mistakes=[
        Mistake("a class's prototype is its first embedding alone", MEANS, "prototypes = supports[:, 0]"),
        Mistake("a class's prototype is the sum of its embeddings, not their mean", MEANS,
                "prototypes = supports.sum(axis=1)"),
        Mistake("a class's prototype is the median of its embeddings", MEANS,
                "prototypes = np.median(supports, axis=1)"),
        Mistake("the distance is the mean of those from the K embeddings, not that from their mean", code="""
            def prototypical(queries, supports, target):
                difference = queries[:, None, None] - supports
                loss, ds = n_way(-(difference**2).sum(axis=3).mean(axis=2), target)
                d = -2 * ds[:, :, None, None] * difference / queries.dtype.type(supports.shape[1])
                return loss, d.sum(axis=(1, 2)), -d.sum(axis=0)
        """),
        Mistake("scores are the squared distances, without a minus", SCORES, SCORES.replace("-(diff", "(diff")),
        Mistake("scores are minus the distances: the loss has a root that is not asked for", SCORES,
                "n_way(-np.sqrt((difference**2).sum(axis=2)), target)"),
        Mistake("scores are minus the distances, not squared, and the gradients are those of such scores", code="""
            def prototypical(queries, supports, target):
                K = supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                d = np.sqrt((difference**2).sum(axis=2))
                loss, ds = n_way(-d, target)
                dq = -(ds / np.where(d > 0, d, 1))[:, :, None] * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("scores are minus the mean of the squared differences, not their sum, and so are the gradients",
                code="""
            def prototypical(queries, supports, target):
                D, K = queries.shape[1], supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                loss, ds = n_way(-(difference**2).mean(axis=2), target)
                dq = -2 * ds[:, :, None] * difference / queries.dtype.type(D)
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("scores are minus the mean of the squared differences, and the gradients are those of their sum",
                SCORES, SCORES.replace("sum(axis=2)", "mean(axis=2)")),
        Mistake("scores are minus half the squared distances, and so are the gradients", code="""
            def prototypical(queries, supports, target):
                K = supports.shape[1]
                difference = queries[:, None] - supports.mean(axis=1)
                loss, ds = n_way(-(difference**2).sum(axis=2) / 2, target)
                dq = -ds[:, :, None] * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
        Mistake("the 2 of the square's gradient is missing", THERE, THERE.replace("-2 *", "-1 *")),
        Mistake("both gradients have the other sign: the minus of the scores is missing in them", THERE,
                THERE.replace("-2", "2")),
        Mistake("dqueries has the other sign", RESULTS, RESULTS.replace("ddiff", "-ddiff")),
        Mistake("dsupports has the other sign", BACK, BACK.replace("-ddiff", "ddiff")),
        Mistake("dsupports is not divided by K", SHARES, "dprototypes[:, None]"),
        Mistake("dsupports is divided by 2, however many embeddings a class has", SHARES,
                "dprototypes[:, None] / supports.dtype.type(2)"),
        Mistake("dsupports is divided by N, not by K", SHARES, SHARES.replace("shape[1]", "shape[0]")),
        Mistake("dsupports is a mean over the queries, not a sum", SHARES,
                f"{SHARES} / supports.dtype.type(len(queries))"),
        Mistake("dqueries is divided by the number of queries once more", RESULTS,
                RESULTS.replace("sum(axis=1)", "sum(axis=1) / queries.dtype.type(len(queries))")),
        Mistake("both gradients are those of the sum of the queries' losses, not of their mean", THERE,
                THERE.replace("-2 *", "-2 * queries.dtype.type(len(queries)) *")),
        Mistake("dqueries is that of the sum of the queries' losses, not of their mean", RESULTS,
                RESULTS.replace("sum(axis=1)", "sum(axis=1) * queries.dtype.type(len(queries))")),
        Mistake("dsupports is that of the sum of the queries' losses, not of their mean", RESULTS,
                RESULTS.replace("dsupports", "dsupports * queries.dtype.type(len(queries))")),
        Mistake("dsupports comes by way of the queries of its own class alone", BACK,
                "ddifference *= (np.arange(len(supports)) == target[:, None])[:, :, None]\n    " + BACK
                + "\n    ddifference = -2 * ds[:, :, None] * difference"),
        Mistake("dsupports has the gradients of the N classes one after the other K times, not each K times", RESULTS,
                "dsupports = np.tile(dsupports[:, 0], (supports.shape[1], 1)).reshape(supports.shape)\n    " + RESULTS),
        Mistake("dqueries is a mean over the classes, not a sum", RESULTS,
                RESULTS.replace("sum(axis=1)", "mean(axis=1)")),
        Mistake("dqueries comes by way of the target's score alone", RESULTS,
                RESULTS.replace("ddifference.sum(axis=1)", "ddifference[np.arange(len(target)), target]")),
        Mistake("only the first embedding of each class has a gradient", RESULTS,
                "dsupports[:, 1:] = 0\n    " + RESULTS),
        Mistake("the first embedding of each class gets all of its prototype's gradient, and the others none", RESULTS,
                "dsupports = np.zeros_like(supports)\n    dsupports[:, 0] = dprototypes\n    " + RESULTS),
        Mistake("the gradient of the prototypes (N, D) is returned, not that of the supports", RESULTS,
                RESULTS.replace("dsupports", "dprototypes")),
        Mistake("dsupports and dqueries are returned in the other order", RESULTS,
                "return loss, dsupports, ddifference.sum(axis=1)"),
        Mistake("the loss is the sum over the queries, not their mean", RESULTS,
                RESULTS.replace("loss,", "loss * queries.dtype.type(len(queries)),")),
        Mistake("supports, an argument, are changed", MEANS,
                f"{MEANS}\n    supports[:] = prototypes[:, None]"),
        Mistake("float32 becomes float64", "xp = array_module(queries)",
                "xp, queries, supports = np, queries.astype(float), supports.astype(float)"),
        Mistake("the N-way loss overflows: no maximum is taken off the scores of a query", code="""
            def prototypical(queries, supports, target):
                K, rows = supports.shape[1], np.arange(len(queries))
                difference = queries[:, None] - supports.mean(axis=1)
                s = -(difference**2).sum(axis=2)
                e = np.exp(s)
                ds = e / e.sum(axis=1, keepdims=True)
                loss = (np.log(e.sum(axis=1)) - s[rows, target]).mean()
                ds[rows, target] -= 1
                dq = -2 * ds[:, :, None] / queries.dtype.type(len(queries)) * difference
                return loss, dq.sum(axis=1), np.repeat(-dq.sum(axis=0)[:, None] / queries.dtype.type(K), K, axis=1)
        """),
    ],
    variations=[
        Variation("scores", "The score s_qn is minus half the squared Euclidean distance of query q and prototype n: "
                  "minus half the sum of (queries[q, d] - c_n[d])^2 over d.",
                  ((SCORES, SCORES.replace("sum(axis=2)", "sum(axis=2) / 2")),
                   (THERE, THERE.replace("-2 * ds", "-ds")))),
        Variation("prototype", "The prototype c_n of a class is the sum of its K embeddings.",
                  ((MEANS, "prototypes = supports.sum(axis=1)"), (SHARES, "dprototypes[:, None]"))),
    ],
    aliases={"prototypical": ("prototype_loss", "class_means_loss", "nearest_prototype")},
    swapped={"prototypical": 3},
)  # fmt: skip

EXERCISE = Exercise("the N-way loss, and prototypes", GIVES, {"6.1": N_WAY, "6.2": PROTOTYPICAL})
