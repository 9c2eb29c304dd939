"""`python -m campaign_runner` and the console script: the process's boundary."""

from __future__ import annotations

import gc
import os
import sys

from campaign_runner.cli import run_command
from campaign_runner.cli.console import use_tolerant_streams
from campaign_runner.cli.core_dumps import refuse_core_dumps


def main() -> None:
    """Run one command and leave with its exit status."""
    gc.disable()  # until the command is imported: what is imported stays
    refuse_core_dumps()
    # No plugin takes part in checking a campaign; to look for some, the record of every installed package is read.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    use_tolerant_streams()
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
