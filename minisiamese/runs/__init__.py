"""The settings of a run, the objects built of them, its folder; imported by evaluate/, train/, studies/, predict/."""
