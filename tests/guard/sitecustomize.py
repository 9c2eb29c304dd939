"""Read by every Python that a test starts, before anything else."""

import sys

import guarding

sys.modules["tests.guard.guarding"] = guarding  # one guard, by whatever name it is asked for

guarding.stand()
