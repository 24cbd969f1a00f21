"""Reports 000 and 001 made again, a folder each, and the table of results; imported by no other room."""
