"""Pictures compared by a trained network: how they are read, embedded, ranked and classified; imported by train/."""
