"""Which output folders are known here: those beside the campaigns, of `--output`, and of every earlier run."""

from __future__ import annotations

from pathlib import Path

from campaign_runner.cli.environment import Environment
from campaign_runner.errors import UsageError
from campaign_runner.find.search import folders_in
from campaign_runner.output_folder.folder import Folder, home_of
from campaign_runner.output_folder.registry import RunRegistry


def known_folders(output: Path | None) -> list[Folder]:
    """The output folders that have a record. Raises UsageError where there is none."""
    here = [home_of(Path("campaigns") / "any.yaml"), home_of(Path("any.yaml"))]
    remembered = [folder.parent for folder in RunRegistry(Environment.of_process().state_folder).folders()]
    folders = folders_in([output] if output is not None else [*here, *remembered])
    if not folders:
        raise UsageError("nothing was run yet, as far as is known here: name the folder of outputs with --output")
    return folders
