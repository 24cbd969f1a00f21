"""Which triplets to learn from: easy, semi-hard, hard or random ones (report 000), or the hardest few (report 001).

Notation: z (N, D) embeddings of images with labels (N,); a triplet is an anchor a, a positive p of its class and a
negative n of another; d_ap, d_an (T,) are its two distances. Triplets (T, 3) are row numbers. Nothing is
differentiated here. In a batch, mining is done where the distances are. An anchor and a positive without a negative of
the wanted kind are marked, not left out: to count the triplets that are left, the host would have to wait for a GPU.
"""

import numpy as np

from minisiamese.backend import array_module, to_host

KINDS = ("easy", "semi-hard", "hard")
MINING = ("random", *KINDS, "hardest")
COLLAPSED = 0.01  # of the margin: how close to each other images of different classes are when all is lost


def kind_of(d_ap, d_an, margin):
    """The kind of each triplet, as its place in ``KINDS``; every triplet is of one kind exactly. Arguments broadcast.

    easy: the loss max(0, d_ap - d_an + margin) is 0; hard: d_an <= d_ap, the negative is no farther than the positive;
    semi-hard: all between, d_ap < d_an < d_ap + margin (Schroff et al. 2015).
    """
    xp = array_module(d_ap)
    return xp.where(d_ap - d_an + margin > 0, xp.where(d_an <= d_ap, 2, 1), 0)


def summarise(d_ap, d_an, margin):
    """Statistics of triplets to log: {"active": the share of triplets with a loss, "d_ap", "d_an": the mean distances};
    {} of no triplets."""
    if not len(d_ap):
        return {}
    active = (d_ap - d_an + margin > 0).mean()
    return {"active": float(active), "d_ap": float(d_ap.mean()), "d_an": float(d_an.mean())}


def collapse_warning(d_an, margin):
    """A line that says what to do if an embedding has become one point, as it may on the hardest triplets; else None.

    d_an is the mean distance to negatives. At one point every loss is the margin, and every gradient of a distance is
    taken as 0, so that learning has ended.
    """
    if d_an >= COLLAPSED * margin:
        return None
    return (
        f"the embedding has collapsed: images of different classes are {d_an:.1g} apart, and the margin is {margin:g}. "
        "Start again with a smaller learning rate, or mine semi-hard triplets instead of the hardest"
    )


def as_pairs(triplets):
    """Triplets (T, 3) as pairs (2 T, 2), as a ``Batch`` has them: (anchor, positive), then (anchor, negative)."""
    return array_module(triplets).concatenate([triplets[:, :2], triplets[:, ::2]])


def triplet_distances(head, z, batch):
    """d_ap and d_an (T,) of a batch of triplets, on the host."""
    return np.split(-to_host(head.forward(z, array_module(z).asarray(batch.pairs), train=False)), 2)


def distances(head, z):
    """The distances d (N, N) between a batch's embeddings, as a distance head sees them."""
    xp = array_module(z)
    first, second = xp.asarray(np.stack(np.triu_indices(len(z), 1)))
    d = xp.zeros((len(z), len(z)), z.dtype)
    d[first, second] = d[second, first] = -head.forward(z, xp.stack([first, second], axis=1), train=False)
    return d


def all_triplets(labels):
    """Every triplet (T, 3) of a batch with these labels (N,)."""
    same = labels[:, None] == labels
    anchor, positive = np.nonzero(same & ~np.eye(len(labels), dtype=bool))
    pair, negative = np.nonzero(~same[anchor])
    return np.stack([anchor[pair], positive[pair], negative], axis=1)


def watch(head, z, labels, margin):
    """``summarise`` of all triplets of a batch, not of the mined ones: mined semi-hard triplets, say, all have a
    loss."""
    d = to_host(distances(head, z))
    a, p, n = all_triplets(labels).T
    return summarise(d[a, p], d[a, n], margin)


def in_batch(d, labels, how, margin, rng, share=0.2):
    """Triplets (T, 3) from the distances d (N, N) of a batch's embeddings, and whether each was found (T,); None: all.

    how, one of ``MINING``: for every anchor and positive one negative drawn from those that make the triplet of this
    kind, or from all ("random"); it is not found where there is none. Or the ``share`` of all triplets with the largest
    d_ap - d_an ("hardest": report 001's top-k %). labels (N,) are on the host.
    """
    xp = array_module(d)
    if how == "hardest":
        triplets = xp.asarray(all_triplets(labels))
        a, p, n = triplets.T
        order = xp.argsort(d[a, n] - d[a, p], kind="stable")
        hardest = order[: int(np.ceil(share * len(order)))]
        return triplets[xp.sort(hardest)], None  # in the order of the batch, so that sums are added up alike
    same = labels[:, None] == labels
    anchor, positive = np.nonzero(same & ~np.eye(len(labels), dtype=bool))
    allowed = xp.asarray(~same[anchor])
    anchor, positive = xp.asarray(anchor), xp.asarray(positive)
    negative, found = choose(d[anchor, positive], d[anchor], allowed, how, margin, rng)
    return xp.stack([anchor, positive, negative], axis=1), found


def mine(head, z, labels, how, margin, rng, share=0.2):
    """The fields {"pairs", "found"} of a ``Batch`` of triplets among embeddings, chosen as ``in_batch`` says."""
    triplets, found = in_batch(distances(head, z), labels, how, margin, rng, share)
    return {"pairs": as_pairs(triplets), "found": found}


def choose(d_ap, d_an, allowed, how, margin, rng):
    """For each of R anchors with a positive (d_ap (R,)) the column of one of its M negatives (d_an, allowed (R, M)),
    drawn from those of the wanted kind, and whether there was one (R,); where there was none, the column is any."""
    xp = array_module(d_ap)
    if how != "random":
        allowed = allowed & (kind_of(d_ap[:, None], d_an, margin) == KINDS.index(how))
    tickets = xp.where(allowed, xp.asarray(rng.random(allowed.shape)), -1)  # the highest wins
    return tickets.argmax(axis=1), tickets.max(axis=1) >= 0
