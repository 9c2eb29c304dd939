"""What people decide about images that exist: keep, prune, resolve, cancel."""
