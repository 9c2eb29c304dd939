"""`python -m tests.fleet.program SECONDS[:PATIENCE] …`: the program, whose leases last so long, and whose drivers wait
so many seconds for a worker: parameters, and no settings.
"""

from __future__ import annotations

import sys
from functools import partial

from campaign_runner.cli import on_fleet, run_command
from campaign_runner.fleet.work.driver import GIVES_UP_AFTER

if __name__ == "__main__":
    lease, _, patience = sys.argv[1].partition(":")
    on_fleet.settings_of = partial(on_fleet.settings_of, lease=float(lease))
    on_fleet.driver = partial(on_fleet.driver, gives_up_after=float(patience or GIVES_UP_AFTER))
    sys.exit(run_command(sys.argv[2:]))
