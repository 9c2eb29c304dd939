"""One campaign from its lock to its report: run and doctor."""
