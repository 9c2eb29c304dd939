"""Decisions go along when a campaign is renamed: the run that takes over its images takes over what was decided."""

from __future__ import annotations

import json
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.regular_files import real
from campaign_runner.errors import CampaignError, IntegrityError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions import FORMER_NAMES, former_names
from campaign_runner.review.decisions_file import LARGEST_BYTES
from campaign_runner.review.decisions_folder import each_file, keep_file


def carry_over(folder: Folder, file: Path) -> tuple[str, ...]:
    """Copy the decisions of the folders beside `folder` that the campaign file `file` ran into under former names.

    The answer is these names, to be noted. A file that cannot be read there is left, and named where it is. A folder
    whose journal cannot be read has no decisions to give: that run says so. Raises StoreError, IntegrityError.
    """
    names: list[str] = []
    for journal in sorted(folder.path.parent.glob(f"*/{FILE}")):
        former = Folder(journal.parent)
        if former.path.name == folder.path.name or former.is_sandbox != folder.is_sandbox:
            continue
        if known := _names_of(former, file):
            names += known
            _copy(former, folder)
    return tuple(names)


def _copy(former: Folder, folder: Folder) -> None:
    for name, content in _readable(former.path / DECISIONS):
        if not _has(folder, content):
            keep_file(folder, name, content)


def _names_of(former: Folder, file: Path) -> tuple[str, ...]:
    """What the campaign of a folder is called and was before; none if it is not that of `file`."""
    try:
        with Ledger.if_begun(former.path) as ledger:
            if ledger is None:
                return ()
            known = former.campaign_file(ledger)
            names = (*former_names(ledger), ledger.meta("campaign") or former.path.name)
    except IntegrityError:
        return ()
    return names if known == real(file) else ()


def noted(ledger: Ledger, names: tuple[str, ...]) -> dict[str, str]:
    """What the journal notes of former names."""
    return {FORMER_NAMES: json.dumps(list(dict.fromkeys((*former_names(ledger), *names))), ensure_ascii=False)}


def _readable(path: Path) -> list[tuple[str, bytes]]:
    return [(name, content) for name, content in each_file(path, _content) if content is not None]


def _content(folder: files.FolderHandle, name: str) -> tuple[str, bytes | None]:
    try:
        with folder.read(name) as file, files.translating(folder.path / name):
            content = file.read(LARGEST_BYTES + 1)
    except CampaignError:
        return name, None  # `review` of the former name tells it
    return name, content if len(content) <= LARGEST_BYTES else None


def _has(folder: Folder, content: bytes) -> bool:
    """Whether a file with just these bytes was copied before."""
    home = folder.path / DECISIONS
    return any(content == known for _, known in (_readable(home) if home.is_dir() else ()))
