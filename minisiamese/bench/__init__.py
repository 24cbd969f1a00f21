"""How fast a training step is, beside PyTorch's, and what a GPU here can do; imported by no other room."""
