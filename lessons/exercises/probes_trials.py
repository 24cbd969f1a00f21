"""Probes of distances, mining, optimisers, distortions, trials and thresholds: see ``probes.py``."""

import numpy as np

from lessons.exercises.probes_network import called, rng
from minisiamese import mining, optimizers, trials
from minisiamese.data import affine, views
from minisiamese.data.dataset import Dataset
from minisiamese.evaluate import baselines, scoring
from minisiamese.layers import Linear


def _drawings():
    return (rng().random((4, 9, 8, 1)) < 0.2).astype(np.uint8) * 255


def nearest_neighbour():
    arguments = {"images": _drawings(), "pairs": np.array([[0, 1], [1, 2], [3, 0]])}
    return called(baselines.nearest_neighbour, arguments, ["scores"])


def modified_hausdorff():
    arguments = {"images": _drawings(), "pairs": np.array([[0, 1], [1, 0], [2, 3]])}
    return called(baselines.modified_hausdorff, arguments, ["scores"])


def trial_scores():
    support = np.array([[[0, 1], [2, 3], [4, 5]], [[5, 4], [1, 0], [3, 2]]])
    made = trials.Trials(np.zeros((8, 1, 1, 1), np.uint8), np.array([6, 7]), support, np.array([0, 1]))
    return {"scores": made.scores(lambda images, pairs: 10.0 * pairs[:, 0] - pairs[:, 1] ** 2)}


def kind_of():
    d_ap, d_an = np.array([1.0, 1, 1, 1, 1, 1]), np.array([0.5, 1, 1.2, 1.5, 1.4999, 2])
    return called(mining.kind_of, {"d_ap": d_ap, "d_an": d_an, "margin": 0.5}, ["kind"])


def choose():
    """Which negative it is chance decides; whether there is one, and that it is allowed and of its kind, must hold."""
    draw, results = rng(), {}
    d_ap, d_an, allowed = draw.random(40), draw.random((40, 6)), draw.random((40, 6)) < 0.5
    for how in ("random", "semi-hard", "hard"):
        column, found = mining.choose(d_ap, d_an, allowed, how, 0.2, np.random.default_rng(1))
        rows = np.flatnonzero(found)
        kinds = mining.kind_of(d_ap[rows], d_an[rows, column[rows]], 0.2)
        of_kind = np.ones(len(rows), bool) if how == "random" else kinds == mining.KINDS.index(how)
        results |= {f"found, {how}": found, f"whether {how} negatives are allowed ones": allowed[rows, column[rows]]}
        results |= {f"whether {how} negatives are {how}": of_kind}
    column, _ = mining.choose(d_ap, d_an, np.ones((40, 6), bool), "random", 0.2, np.random.default_rng(1))
    results["whether each anchor draws for itself"] = len(np.unique(column)) > 3
    return {"allowed as it was": allowed, "d_an as it was": d_an} | results


def momentum():
    update = optimizers.Momentum(Linear(2, 2, rng())).update
    draw = rng()
    w, gradient, velocity = draw.normal(size=(3, 4, 2))
    update(w, gradient, 0.1, velocity, mu=0.9)
    once = {"velocity": velocity.copy(), "w": w.copy()}
    update(w, gradient, 0.1, velocity, mu=0.9)
    return {"gradient as it was": gradient} | once | {"velocity of a second step": velocity, "w of a second step": w}


def schedule():
    factors, caps = zip(*[optimizers.epoch(step, 1000, 10) for step in (0, 9, 10, 25, 500)], strict=True)
    return {"the rate's factor at steps 0, 9, 10, 25, 500": factors, "the momentum's cap": caps}


def draw_distortions():
    """What must hold of many draws, whatever the order of the random numbers."""
    matrices = affine.draw_distortions(rng(), 8000)
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    norms = np.linalg.norm(linear, axis=1)  # of the columns
    neither = np.isclose(linear[:, [0, 1], [0, 1]], 1).all(axis=1)  # turned nor scaled
    upright = linear[neither][:, [0, 1], [1, 0]]
    unsheared = np.isclose((linear[:, :, 0] * linear[:, :, 1]).sum(axis=1), 0)
    scales, angles = 1 / norms[unsheared], np.arctan2(linear[unsheared, 1, 0], linear[unsheared, 0, 0])[:, None]
    results = {"whether the shape is (count, 2, 3)": matrices.shape == (8000, 2, 3)}
    for name, drawn, middle, reach in (
        ("translations", shift, 0, affine.TRANSLATION),
        ("shears", upright, 0, affine.SHEAR),
        ("scales", scales, 1, 0.2),
        ("rotations", angles, 0, affine.ROTATION),
    ):
        off = drawn - middle
        part = np.abs(off) > 1e-9
        results |= {
            f"whether half of the {name} take part": abs(part.mean(axis=0) - 0.5).max() < 0.08,
            f"whether {name} go as far as they may, both ways, and no farther": bool(
                np.all((0.95 * reach < off.max(axis=0)) & (off.max(axis=0) < 1.0001 * reach))
                and np.all((0.95 * reach < -off.min(axis=0)) & (-off.min(axis=0) < 1.0001 * reach))
            ),
        }
        if off.shape[1] == 2:
            both = off[part.all(axis=1)].T
            apart = len(both[0]) > 20 and abs(np.corrcoef(both)[0, 1]) < 0.3
            results |= {
                f"whether the two {name} are drawn apart": apart,
                f"whether each of the two {name} has a coin of its own": abs(part.all(axis=1).mean() - 0.25) < 0.08,
            }
    alone = np.isclose(norms, 1).mean(axis=0)
    return results | {
        "whether it is rotation times shear, its columns divided by the scales": abs(alone - 0.25).max() < 0.03
    }


def sample():
    draw = rng()
    images = draw.integers(0, 256, (2, 7, 6, 1)).astype(np.uint8)
    matrices = (affine.identity(2) + 0.2 * draw.normal(size=(2, 2, 3))).astype(np.float32)
    still = views.sample(images, affine.identity(2).astype(np.float32), 6)
    results = {"a view by the identity": still}
    arguments = {"images": images, "matrices": matrices, "size": 5}
    return results | called(views.sample, arguments, ["a view by random matrices"])


def credits():
    scores = np.array([[3.0, 1, 2], [1, 5, 5], [2, 2, 2], [np.nan, 0, 0], [0, 4, 1]])
    return called(trials.credits, {"scores": scores, "target": np.array([0, 2, 1, 0, 2])}, ["credits"])


def wilson():
    return {f"of {p} over {T} trials": trials.wilson(p, T) for p, T in ((0.92, 400), (0, 20), (1, 20), (0.5, 2))}


def nway_trials():
    """What must hold of trials, whatever the order of the random numbers."""
    rows = np.arange(72)  # 3 alphabets of 6 classes, each by 4 people
    dataset = Dataset(rows[:, None, None, None], rows // 4, rows // 24, rows % 4, ("a", "b", "c"))
    results = {}
    for within in (True, False):
        made = trials.nway_trials(dataset, 5, 2, 53, within, rng())
        query, support = made.images[made.query].ravel(), made.images[made.support][..., 0, 0, 0]
        labels = dataset.labels[support]
        distinct = [len(set(each)) == 5 for each in labels[:, :, 0].tolist()]
        alphabets = np.array([len(set(each)) for each in dataset.groups[support[:, :, 0]].tolist()])
        asked, people = labels[np.arange(53), made.target, 0], dataset.drawers[support]
        drawer = dataset.drawers[query][:, None, None]
        where = "within alphabets" if within else "across alphabets"
        results |= {
            f"the support's shape, {where}": np.array(made.support.shape),
            f"target, {where}": made.target,
            f"whether the K drawings of a class are of one class, {where}": (labels == labels[:, :, :1]).all(),
            f"whether the classes of a support are distinct, {where}": np.array(distinct),
            f"whether the target is the query's class, {where}": asked == dataset.labels[query],
            f"whether the query is by somebody else, {where}": ~(people == drawer).any(axis=(1, 2)),
            f"whether the same K people drew all classes of a support, {where}": (people == people[:, :1]).all(),
            f"whether classes come {where}": bool((alphabets == 1).all() == within),
            f"whether runs ask several people, {where}": len(set(dataset.drawers[query].tolist())) > 1,
            f"whether runs are of several alphabets, {where}": len(set(dataset.groups[query].tolist())) > 1,
        }
    return results


def best_threshold():
    """How good a threshold is, not where: several may be as good."""
    draw, results = rng(), {}
    cases = {
        "scores that part them": (np.array([3.0, 1, 2, 0]), np.array([1, 0, 1, 0])),
        "pairs all different": (np.array([3.0, 1, 2]), np.array([0, 0, 0])),
        "pairs all same": (np.array([3.0, 1, 2]), np.array([1, 1, 1])),
    }
    for number in range(8):
        cases[f"random scores, some of them equal ({number})"] = draw.integers(0, 8, 40) / 1, draw.integers(0, 2, 40)
    for name, (scores, same) in cases.items():
        kept = scores.copy()
        threshold = scoring.best_threshold(scores, same)
        results[f"scores, of {name}, as it was"] = scores
        results[f"how many are right of {name}"] = ((kept > threshold) == same).sum()
    return results


def accuracy_by_way():
    draw = rng()
    rates = trials.accuracy_by_way(draw.normal(size=(30, 5)), draw.integers(0, 5, 30))
    return {"the ns": list(rates), "accuracies": [rate["accuracy"] for rate in rates.values()]}
