"""Read by every Python that a test starts, before anything else."""

import sys

import guarding  # type: ignore[import-not-found]  # beside this file, found by PYTHONPATH

sys.modules["tests.guard.guarding"] = guarding  # one guard, by whatever name it is asked for

guarding.stand()
