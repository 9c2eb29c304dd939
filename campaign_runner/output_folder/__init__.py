"""One output folder: its paths, lock, owner and manifest."""
