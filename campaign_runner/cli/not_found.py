"""What is said where nothing answers to what a person named, with what they may have meant."""

from __future__ import annotations

from pathlib import Path

from campaign_runner.campaign_file.sheets.naming import SUFFIXES as SHEETS
from campaign_runner.campaign_file.syntax.opening import files_in
from campaign_runner.cli.environment import Environment
from campaign_runner.disk.litter import is_litter
from campaign_runner.disk.regular_files import is_folder, is_there
from campaign_runner.journal.tables import FILE
from campaign_runner.model import SUFFIXES
from campaign_runner.output_folder.folder import usual_files
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.report.next_commands import typed
from campaign_runner.text import did_you_mean, joined

YAML = (".yaml", ".yml")
_LONGEST = 1_000  # characters of what a person names and means
_PICTURES = tuple(f".{suffix}" for suffix in (*SUFFIXES.values(), "jpeg"))


def is_campaign_file(path: Path) -> bool:
    """Whether a name is that of a campaign file; Windows also writes `.YAML`."""
    return path.suffix.lower() in YAML


def nothing_named(name: str, output: Path | None) -> str:
    """Why `name` means no campaign, and what to name instead."""
    path = Path(name)
    if len(name) > _LONGEST:
        return f"'{name[:40]}…' has {len(name):,} characters: no campaign, file or folder has such a name"
    if name and is_folder(path):
        if files := files_in(path):
            return f"{name} is a folder, not a campaign: name a campaign file in it: {joined(list(map(str, files)))}"
        return f"{name} is a folder without a campaign's journal: give a campaign file, or the output folder of one"
    if name and is_there(path):
        return _another_file(path)
    known, bare = known_names(output), path.name.partition(".")[0]
    if meant := did_you_mean(name, known) or did_you_mean(bare, known):
        return f"no campaign named '{name}' found{meant}"
    example = f"campaigns/{bare or 'NAME'}.yaml"
    return (
        f"no campaign named '{name}' found: give a campaign file ({example}), its output folder, or its manifest.json; "
        "`campaign-runner list` shows what this machine knows"
    )


def _another_file(path: Path) -> str:
    """What a file is that is not a campaign's, and what to do with it."""
    if path.suffix.lower() in SHEETS:
        return (
            f"{path} is a sheet, not a campaign file: a campaign takes its products from it with the line "
            f"`products: {path.name}`"
        )
    if path.suffix.lower() in _PICTURES:
        return f"{path} is a picture, not a campaign file: {typed('find', str(path.absolute()))} says where it is from"
    return f"{path} is not a campaign file: those are texts whose names end in .yaml. If it is one, rename it"


def known_names(output: Path | None) -> set[str]:
    """The names that would have been found: of campaign files and output folders here, and of all that ever ran."""
    files = {file.stem for usual in usual_files("*") for file in Path().glob(str(usual)) if not is_litter(file.name)}
    if output is None:
        files |= {folder.name for folder in RunRegistry(Environment.of_process().state_folder).folders()}
    return files | {journal.parent.name for journal in (output or Path("output")).glob(f"*/{FILE}")}
