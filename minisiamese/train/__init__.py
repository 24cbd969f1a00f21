"""A learner that can be stopped, a run's trainer, the loop around its step; imported by studies/."""
