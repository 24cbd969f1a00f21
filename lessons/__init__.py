"""The lessons (NN_topic.py, read as NN_topic.ipynb), what builds them (build.py), and their exercises."""
