"""How good a trained network is: scorers, baselines, protocols; imported by train/, studies/ and predict/."""
