"""What each task is asked with one small input: named results, by the same calls for the library and for an answer.

A result that a random draw decides is not among them: an answer may draw in another order and be right. What must hold
of it all the same is.
"""

from lessons.exercises import probes_network as network
from lessons.exercises import probes_trials as trials

TOLERANCES = {"1.1": 1e-3, "6.4": 1e-4}  # of what is computed in float32, or may be
PROBES = {
    **{"1.1": trials.nearest_neighbour, "1.2": trials.modified_hausdorff, "1.3": trials.trial_scores},
    **{"2.1": network.im2col, "2.2": network.col2im, "2.3": network.convolve, "2.4": network.convolve_backward},
    **{"3.1": network.linear, "3.2": network.relu, "3.3": network.sigmoid},
    **{"3.4": network.max_pool, "3.5": network.unpool},
    **{"4.1": network.l1_score, "4.2": network.l1_gradient, "4.3": network.bce},
    **{"5.1": network.contrastive, "5.2": network.triplet, "5.3": trials.kind_of, "5.4": trials.choose},
    **{"6.1": trials.momentum, "6.2": trials.schedule, "6.3": trials.draw_distortions, "6.4": trials.sample},
    **{"7.1": trials.credits, "7.2": trials.wilson, "7.3": trials.nway_trials},
    **{"8.1": network.transform, "8.2": network.plan, "8.3": network.product, "8.4": network.product_backward},
    **{"9.1": network.n_way, "9.2": network.distance_gradient},
    **{"10.1": trials.best_threshold, "10.2": trials.accuracy_by_way, "10.3": network.prototypical},
}
