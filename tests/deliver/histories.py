"""Deliveries one after the other, and what has to be true of the disk after each of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaign_runner.campaign_file.loader import load
from campaign_runner.deliver.arrangement import ChosenImage, FocusByChannel
from campaign_runner.deliver.choice import rows_of
from campaign_runner.deliver.delivery import deliver
from campaign_runner.deliver.handover.account import slot_of
from campaign_runner.deliver.request import DeliveryRequest, DeliveryResult
from campaign_runner.output_folder.delivery_record import (
    OLD,
    UPLOAD_LIST,
    DeliveryRecord,
    read_record,
    target_folder,
)
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING


@dataclass
class DeliveryHistory:
    """The deliveries of one campaign, whose file may be written anew between them. `now` is when the next one is."""

    folder: Folder
    now: datetime = datetime(2026, 9, 1, tzinfo=UTC)
    versions: dict[tuple[object, int], str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    originals: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.originals = self._digests(self.folder.images)

    @property
    def file(self) -> Path:
        """The campaign's file."""
        return self.folder.path.parents[1] / "campaigns" / f"{self.folder.path.name}.yaml"

    def choose(self, picks: Sequence[int], focus: FocusByChannel | None = None) -> list[ChosenImage]:
        """The images at these places of the plan."""
        planned = list(Plan(load(self.file)))
        with self.folder.ledger() as ledger:
            entries = ledger.entries([each.variation.key for each in planned])
        chosen = [entries[planned[at].variation.key] for at in picks]
        return [ChosenImage(entry, entry.cell, focus=focus or {}) for entry in chosen]

    def deliver(self, chosen: Sequence[ChosenImage], target: Path | None = None, **how: bool) -> DeliveryResult:
        """One delivery, as the command makes it."""
        self.now += timedelta(hours=1)
        campaign = load(self.file)
        request = DeliveryRequest(
            campaign=campaign,
            folder=self.folder,
            chosen=chosen,
            rows=rows_of(Plan(campaign), EVERYTHING),
            scope=lambda file: True,
            now=self.now,
            record=read_record(self.folder.path),
            target=target,
            processes=1,
            is_dry=how.get("is_dry", False),
            any_size=how.get("any_size", False),
            has_zips=how.get("has_zips", False),
        )
        with self.folder.locked():
            return asyncio.run(deliver(request))

    def check(self) -> DeliveryRecord:
        """What the record says lies on the disk, and nothing else; no version and no name ever meant other bytes."""
        record = read_record(self.folder.path) or DeliveryRecord(campaign="season", updated_at=self.now)
        expected: dict[Path, str] = {}
        for file in record.files:
            assert file.state in ("current", "replaced", "withdrawn"), file
            assert (file.state == "current") == (file.old is None)
            below = target_folder(self.folder.path, file.target) if file.old is None else self.folder.path / OLD
            expected[below / (file.old or file.file)] = file.sha256
            assert self.versions.setdefault((slot_of(file), file.version), file.sha256) == file.sha256
            assert self.names.setdefault(file.file.casefold(), file.sha256) == file.sha256
        for companion in record.companions:
            (digest,) = companion.sha256
            expected[target_folder(self.folder.path, companion.target) / companion.file] = digest
        targets = {*(file.target for file in record.files), *(each.target for each in record.companions)}
        places = {target_folder(self.folder.path, target) for target in targets}
        found: dict[Path, str] = {}
        for place in (*places, target_folder(self.folder.path, None), self.folder.path / OLD):
            found |= {place / name: digest for name, digest in self._digests(place).items()}
        assert found == expected
        assert self._digests(self.folder.images) == self.originals
        assert not record.files or UPLOAD_LIST in {companion.file for companion in record.companions}
        return record

    def _digests(self, place: Path) -> dict[str, str]:
        files = (path for path in place.rglob("*") if path.is_file())
        return {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
