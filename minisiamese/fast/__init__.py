"""The layers of the book, computed faster by ``fuse(network)``; imported by all rooms but data/."""
