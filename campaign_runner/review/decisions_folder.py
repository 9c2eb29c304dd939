"""`decisions/` of an output folder: every file of it, which of them count, and how another one comes there.

All `*.jsonl` count whatever their name, if they are of this campaign or of a former name of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TypeVar

from campaign_runner.disk import files
from campaign_runner.errors import CampaignError
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.problem import Problem
from campaign_runner.review.decisions_file import MEND, SUFFIX, DecisionsFile, is_decisions, read_file
from campaign_runner.review.marks import Mark

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files that count, and those that are about another campaign."""

    files: tuple[DecisionsFile, ...] = ()
    foreign: tuple[DecisionsFile, ...] = ()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every mark that counts, in no order that means anything; one that is in two files, twice."""
        return tuple(chain.from_iterable(file.marks for file in self.files))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What cannot be read."""
        return tuple(chain.from_iterable(file.problems for file in self.files))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is reported and stops nothing."""
        cut = chain.from_iterable(file.remarks for file in self.files)
        return (*cut, *(_not_taken(file) for file in self.foreign))


def gather(folder: Folder, names: Collection[str]) -> Gathered:
    """What is in `decisions/`; `names` are the campaign's and those it had before. Raises nothing for bad files."""
    path = folder.path / DECISIONS
    try:
        found = each_file(path, read_file)
    except CampaignError as error:
        problem = Problem(path, 1, 1, f"it cannot be read: {error}", advice=MEND)
        return Gathered((DecisionsFile(path, problems=(problem,)),))
    foreign = [file for file in found if file.campaign is not None and file.campaign not in names]
    return Gathered(tuple(file for file in found if file not in foreign), tuple(foreign))


def each_file(path: Path, read: Callable[[files.FolderHandle, str], T]) -> list[T]:
    """What `read` makes of each file there; nothing if there is no such folder. Raises StoreError, IntegrityError."""
    try:
        with files.open_folder(path.parent) as home, home.enter(path.name, make=False) as folder:
            with files.translating(path):
                names = sorted(each.name for each in path.iterdir() if is_decisions(each))
            return [read(folder, name) for name in names]
    except FileNotFoundError:
        return []


def keep_file(folder: Folder, name: str, content: bytes) -> Path:
    """Put a file into `decisions/` under `name`, or under one like it where that is taken; durable on return.

    Raises StoreError, IntegrityError.
    """
    with files.open_folder(folder.path) as home, home.enter(DECISIONS, make=True) as decisions:
        staged = decisions.path / f".{secrets.token_hex(8)}.tmp"
        try:
            files.write_durably(staged, content)
            kept = next(each for each in _names_like(name) if decisions.publish(staged, each))
        finally:
            files.remove(staged)
        decisions.sync()
        return decisions.path / kept


def _names_like(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name.removesuffix(SUFFIX)}-{number}{SUFFIX}" for number in count(2))


def _not_taken(file: DecisionsFile) -> str:
    return (
        f"{file.path} is about campaign '{file.campaign}' and does not count here; "
        f"to use it: campaign-runner review NAME --take {file.path.name}"
    )
