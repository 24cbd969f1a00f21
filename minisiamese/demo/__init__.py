"""A page to draw on, and the server that shows it to a browser on this machine; imported by none."""
