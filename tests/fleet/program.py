"""`python -m tests.fleet.program SECONDS …`: the program, whose leases last so long: a parameter, and no setting."""

from __future__ import annotations

import sys
from functools import partial

from campaign_runner.cli import on_fleet, run_command

if __name__ == "__main__":
    on_fleet.settings_of = partial(on_fleet.settings_of, lease=float(sys.argv[1]))
    sys.exit(run_command(sys.argv[2:]))
