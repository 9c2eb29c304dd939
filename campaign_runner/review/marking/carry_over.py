"""Decisions go along when a campaign is renamed: the run that takes over its images takes over what was decided."""

from __future__ import annotations

import json
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.errors import CampaignError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions import FORMER_NAMES, former_names
from campaign_runner.review.decisions_file import LARGEST_BYTES
from campaign_runner.review.marking.new_marks import keep_file


def carried_over(former: Folder, folder: Folder, file: Path) -> tuple[str, ...]:
    """The names to note, after the decisions of `former` were copied; none if it is not the same campaign file's.

    A file that cannot be read there is left, and named where it lies. Raises StoreError, IntegrityError.
    """
    with Ledger(former.path) as ledger:
        known = former.campaign_file(ledger)
        names = (*former_names(ledger), ledger.meta("campaign") or former.path.name)
    if known != file.resolve():
        return ()
    for name, content in _readable(former.path / DECISIONS):
        if not _has(folder, content):
            keep_file(folder, name, content)
    return names


def noted(ledger: Ledger, names: tuple[str, ...]) -> dict[str, str]:
    """What the journal notes of former names."""
    return {FORMER_NAMES: json.dumps(list(dict.fromkeys((*former_names(ledger), *names))), ensure_ascii=False)}


def _readable(path: Path) -> list[tuple[str, bytes]]:
    try:
        with files.open_folder(path.parent) as home, home.enter(path.name, make=False) as folder:
            with files.translating(path):
                names = sorted(each.name for each in path.iterdir() if each.suffix == ".jsonl")
            found = [(name, _content(folder, name)) for name in names]
    except FileNotFoundError:
        return []
    return [(name, content) for name, content in found if content is not None]


def _content(folder: files.FolderHandle, name: str) -> bytes | None:
    try:
        with folder.read(name) as file, files.translating(folder.path / name):
            content = file.read(LARGEST_BYTES + 1)
    except CampaignError:
        return None  # `review` of the former name tells it
    return content if len(content) <= LARGEST_BYTES else None


def _has(folder: Folder, content: bytes) -> bool:
    """Whether a file with just these bytes was copied before."""
    home = folder.path / DECISIONS
    return any(content == known for _, known in (_readable(home) if home.is_dir() else ()))
