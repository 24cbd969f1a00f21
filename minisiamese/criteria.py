"""How each loss is trained: which tuples it compares, which head scores them, and the gradient for every embedding.

Notation: z (N, D) embeddings of a batch; ``batch`` names pairs, tasks or classes among its rows (``data.samplers``);
s (P,) scores of its P pairs, d = -s their distances.
"""

from collections.abc import Callable
from dataclasses import dataclass

from minisiamese import losses
from minisiamese.backend import array_module


def _bce(head, z, batch, margin):
    loss, ds = losses.bce(head.forward(z, batch.pairs), batch.same)
    return loss, head.backward(ds)


def _contrastive(distance_loss):
    def criterion(head, z, batch, margin):
        loss, dd = distance_loss(-head.forward(z, batch.pairs), batch.same, margin)
        return loss, head.backward(-dd)

    return criterion


def _triplet(head, z, batch, margin):
    """The T pairs (anchor, positive) and the T pairs (anchor, negative) go through the head in one pass."""
    d = -head.forward(z, batch.pairs)
    half = len(d) // 2
    loss, dd_ap, dd_an = losses.triplet(d[:half], d[half:], margin, batch.found)
    return loss, head.backward(-array_module(z).concatenate([dd_ap, dd_an]))


def _nway(head, z, batch, margin):
    s = head.forward(z, batch.pairs)
    loss, dtasks = losses.n_way(s[batch.tasks], batch.target)
    xp = array_module(z)
    ds = xp.zeros_like(s)
    # a pair (a, b) serves two tasks: a against b, and b against a; of two numbers the order makes no difference
    xp.add.at(ds, batch.tasks, dtasks)
    return loss, head.backward(ds)


def _prototypical(head, z, batch, margin):
    """The first drawing of each class is its support, the others are queries; a squared distance needs no head."""
    by_class = z.reshape(-1, batch.drawings, z.shape[1])  # (classes, drawings, D)
    supports, queries = by_class[:, :1], by_class[:, 1:]
    target = array_module(z).repeat(array_module(z).arange(len(by_class)), batch.drawings - 1)
    loss, dqueries, dsupports = losses.prototypical(queries.reshape(-1, z.shape[1]), supports, target)
    return loss, array_module(z).concatenate([dsupports, dqueries.reshape(queries.shape)], axis=1).reshape(z.shape)


@dataclass(frozen=True)
class Criterion:
    """How a loss is trained: the tuples it needs, the head that scores for it, and
    ``compute(head, z, batch, margin) -> (loss, dz)``."""

    tuples: str  # "pairs", "triplets" or "episodes"
    head: str  # "similarity": learned (L1 or Euclidean); "distance" or "squared": fixed
    compute: Callable


CRITERIA = {
    "nway": Criterion("episodes", "similarity", _nway),
    "bce": Criterion("pairs", "similarity", _bce),
    "contrastive": Criterion("pairs", "distance", _contrastive(losses.contrastive)),
    "contrastive-linear": Criterion("pairs", "distance", _contrastive(losses.contrastive_linear)),
    "triplet": Criterion("triplets", "distance", _triplet),
    "triplet-squared": Criterion("triplets", "squared", _triplet),
    "prototypical": Criterion("episodes", "squared", _prototypical),
}
