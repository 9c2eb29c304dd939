"""What this machine remembers of earlier runs, as commands ask for it."""

from __future__ import annotations

from campaign_runner.cli.environment import Environment
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry


def memory_of(folder: Folder) -> RunRegistry | None:
    """What this machine remembers of the runs into an output folder; nothing of the sandbox's, nor of a fleet's."""
    return None if folder.is_sandbox or folder.keeping.options else RunRegistry(Environment.of_process().state_folder)
