"""Losses and their gradients. Each returns (loss, gradient with respect to each argument that has one).

Losses are means over pairs, triplets or queries.

Notation: P pairs, T triplets, Q queries, N classes, K drawings a class, D features; s scores (larger is more alike),
d distances; y is 1 for *same* and 0 for *different*, everywhere.
"""

from minisiamese.backend import array_module
from minisiamese.layers import sigmoid


def bce(s, y):
    """Binary cross-entropy of p = sigmoid(s): mean of -y log p - (1 - y) log(1 - p); s, y (P,).

    Koch et al., section 3.2 (whose printed sum lacks its minus sign). Written by the logit, max(s, 0) - s y +
    log(1 + exp(-|s|)), which neither overflows nor takes the logarithm of 0. Returns loss, ds.
    """
    xp, y = array_module(s), y.astype(s.dtype)
    loss = xp.maximum(s, 0) - s * y + xp.log1p(xp.exp(-abs(s)))
    return loss.mean(), (sigmoid(s) - y) / s.dtype.type(len(s))


def contrastive(d, y, margin=1.0):
    """Mean of y/2 d^2 + (1 - y)/2 max(0, margin - d)^2; d, y (P,). Report 000, after Hadsell et al. 2006.

    Returns loss, dd.
    """
    xp, y = array_module(d), y.astype(d.dtype)
    gap = xp.maximum(margin - d, 0)
    loss = (y * d**2 + (1 - y) * gap**2) / 2
    return loss.mean(), (y * d - (1 - y) * gap) / d.dtype.type(len(d))


def contrastive_linear(d, y, margin=1.0):
    """Mean of y d + (1 - y) max(0, margin - d); d, y (P,). Report 001. Returns loss, dd."""
    xp, y = array_module(d), y.astype(d.dtype)
    gap = xp.maximum(margin - d, 0)
    loss = y * d + (1 - y) * gap
    return loss.mean(), (y - (1 - y) * (gap > 0)) / d.dtype.type(len(d))


def triplet(d_ap, d_an, margin=1.0, found=None):
    """Mean of max(0, d_ap - d_an + margin) over triplets; d_ap, d_an (T,) distances anchor-positive, anchor-negative.

    With ``found`` (T,), the mean is over the triplets that mining has found. Report 000 takes distances, report 001
    squared ones. Without triplets, as after mining, the loss is 0 and so are its gradients. Returns loss, dd_ap, dd_an.
    """
    xp = array_module(d_ap)
    excess = xp.maximum(d_ap - d_an + margin, 0)
    if found is None:
        count = excess.dtype.type(max(len(excess), 1))
    else:
        excess = excess * found
        count = xp.maximum(found.sum(), 1).astype(excess.dtype)  # which stays on the device
    slope = (excess > 0) / count
    return excess.sum() / count, slope, -slope


def n_way(s, target):
    """Softmax cross-entropy of a query's scores against one drawing of each class: the N-way task as the loss.

    s (Q, N), target (Q,) the right column; mean of log(sum_n exp s_qn) - s_q,target. Returns loss, ds.
    """
    xp = array_module(s)
    queries = xp.arange(len(s))
    shifted = s - s.max(axis=1, keepdims=True)  # exp cannot overflow, and the loss does not change
    exponential = xp.exp(shifted)
    total = exponential.sum(axis=1, keepdims=True)
    ds = exponential / total
    ds[queries, target] -= 1
    loss = xp.log(total[:, 0]) - shifted[queries, target]
    return loss.mean(), ds / s.dtype.type(len(s))


def prototypical(queries, supports, target):
    """n_way of s_qn = -|z_q - c_n|^2, with the prototype c_n the mean of class n's K support embeddings.

    queries (Q, D), supports (N, K, D), target (Q,). Snell et al. 2017, equations 1 and 2. Returns loss, dqueries,
    dsupports.
    """
    xp = array_module(queries)
    prototypes = supports.mean(axis=1)
    difference = queries[:, None] - prototypes  # (Q, N, D)
    loss, ds = n_way(-(difference**2).sum(axis=2), target)
    ddifference = -2 * ds[:, :, None] * difference
    dprototypes = -ddifference.sum(axis=0)
    dsupports = xp.repeat(dprototypes[:, None] / supports.dtype.type(supports.shape[1]), supports.shape[1], axis=1)
    return loss, ddifference.sum(axis=1), dsupports
