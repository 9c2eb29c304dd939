"""One decisions file: read whole whatever is wrong with it, and written so that it survives a power cut.

A line that cannot be read is a Problem with its place; the others count. A last line without its end was
cut off while it was written, or copied: it is reported, and stops nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from campaign_runner.disk import files
from campaign_runner.disk.files import FolderHandle
from campaign_runner.disk.litter import is_litter
from campaign_runner.errors import CampaignError
from campaign_runner.problem import Problem
from campaign_runner.review.decisions_format import BadLine, head_line, mark_line, read_head, read_mark
from campaign_runner.review.marks import Mark, Reviewer

LARGEST_BYTES = 16 << 20
"""A larger file is not read."""
SUFFIX = ".decisions.jsonl"
MEND = "mend the file, or move it out of this folder"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class DecisionsFile:
    """What a file says. `campaign` and `reviewer` are None where its first line cannot be read.

    `problems` are lines, or the whole file, that cannot be read; `remarks` are reported and stop nothing.
    """

    path: Path
    campaign: str | None = None
    reviewer: Reviewer | None = None
    marks: tuple[Mark, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def is_decisions(path: Path) -> bool:
    """Whether a file of the folder of decisions counts as one: not what a system left beside it."""
    return path.suffix == ".jsonl" and not is_litter(path.name)


def read_file(folder: FolderHandle, name: str) -> DecisionsFile:
    """The file `name` in `folder`. Whatever is wrong with it is a Problem of the result."""
    path = folder.path / name
    try:
        with folder.read(name) as file, files.translating(path):
            content = file.read(LARGEST_BYTES + 1)
    except CampaignError as error:
        return DecisionsFile(path, problems=(Problem(path, 1, 1, f"it cannot be read: {error}", advice=MEND),))
    if len(content) > LARGEST_BYTES:
        why = f"it has more than {LARGEST_BYTES >> 20} MiB, which no file of decisions has; move it away"
        return DecisionsFile(path, problems=(Problem(path, 1, 1, why, advice=MEND),))
    return parsed(path, content)


def parsed(path: Path, content: bytes) -> DecisionsFile:
    """What the bytes of a file say."""
    first, *rest = content.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    try:
        head = read_head(first)
    except BadLine as why:
        if not rest:
            return DecisionsFile(path, remarks=(f"{path}: it was cut off in its first line, so it says nothing",))
        told = f"this file of decisions cannot be read: {why}"
        return DecisionsFile(path, problems=(Problem(path, 1, 1, told, advice=MEND),))
    reviewer = Reviewer(head.reviewer.id, head.reviewer.name)
    lines = _MarkLines(path, reviewer)
    for number, line in enumerate(rest, start=2):
        if line.strip():
            lines.read(number, line, is_cut=number == len(rest) + 1)
    found = tuple(lines.marks), tuple(lines.problems), tuple(lines.remarks)
    return DecisionsFile(path, head.campaign, reviewer, *found)


@dataclass(slots=True)
class _MarkLines:
    """The lines after the first, as far as they were read."""

    path: Path
    reviewer: Reviewer
    marks: list[Mark] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def read(self, number: int, line: bytes, *, is_cut: bool) -> None:
        """Take one line; `is_cut`: no line end follows it."""
        try:
            self.marks.append(read_mark(line, self.reviewer))
        except BadLine as why:
            if is_cut:
                self.remarks.append(f"{self.path}:{number}: the last line was cut off, so that mark does not count")
            else:
                told = f"this mark cannot be read: {why}"
                self.problems.append(Problem(self.path, number, 1, told, advice=MEND))


def file_name(campaign: str, reviewer: Reviewer, now: datetime) -> str:
    """The name of a file of decisions; `now` is UTC."""
    return f"{campaign}-{reviewer.id}-{now:%Y%m%d-%H%M%S}{SUFFIX}"


def lines(campaign: str, reviewer: Reviewer, marks: Iterable[Mark]) -> Iterator[bytes]:
    """A whole file, line by line."""
    yield encoded(head_line(campaign, reviewer))
    yield from (encoded(mark_line(mark)) for mark in marks)


def encoded(said: object) -> bytes:
    """One line."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
