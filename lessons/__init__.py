"""The lessons (NN_topic.py, read as NN_topic.ipynb), what builds them (build.py), and their exercises."""

import minisiamese  # noqa: F401  first of all, as its own programs do
