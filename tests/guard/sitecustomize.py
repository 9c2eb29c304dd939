"""Read by every Python that a test starts, before anything else."""

import guarding

guarding.stand()
