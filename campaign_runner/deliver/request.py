"""What is asked of a delivery, and what came of it, as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.deliver.arrangement import ChosenImage, LeftOut, Place, WaitingRows
from campaign_runner.deliver.handover.account import Scope
from campaign_runner.output_folder.delivery_record import OLD, DeliveredFile, DeliveryRecord
from campaign_runner.output_folder.folder import Folder

Progress: TypeAlias = Callable[[int, int], None]
"""Hears after each original how many files are made, of how many."""


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """Deliver the images `chosen` of a campaign. `rows` are all rows that something may be wanted of.

    `record` is what deliver.json says, None where nothing was delivered. `target` is the folder, None for `deliver/` of
    the output folder; `old` that of files which leave it, None for `deliver-old/` there. `scope` says which files
    delivered before the delivery is about. `late` are sentences about marks that came after the delivery before.
    `processes` are cut in, None for as many as there are processors.
    """

    campaign: Campaign
    folder: Folder
    chosen: Sequence[ChosenImage]
    rows: Sequence[Place]
    scope: Scope
    now: datetime
    record: DeliveryRecord | None
    late: Sequence[str] = ()
    target: Path | None = None
    old: Path | None = None
    any_size: bool = False
    is_dry: bool = False
    has_zips: bool = False
    processes: int | None = None


@dataclass(slots=True)
class DeliveryResult:
    """What a delivery did, or would do.

    `is_first`: nothing was delivered before. `gone` are files that left the target without another in their place,
    `replaced` those with one; `old` is the folder of both, for people.
    """

    target: Path
    is_first: bool = False
    old: str = OLD
    late: Sequence[str] = ()
    made: list[DeliveredFile] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    unchanged: int = 0
    gone: list[DeliveredFile] = field(default_factory=list)
    replaced: list[DeliveredFile] = field(default_factory=list)
    waiting: tuple[WaitingRows, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    stale_archives: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """5 where an original is gone or is not what was stored, 3 where a file was left out, otherwise 0."""
        return 5 if self.damaged else 3 if self.left_out else 0
