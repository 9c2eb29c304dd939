"""What the served page gets: its data now, read again only when something changed, and its pictures by key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from threading import Lock

from campaign_runner.disk import files
from campaign_runner.errors import UsageError
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import DECISIONS, REVIEW, Folder
from campaign_runner.plan.digests import Digests
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import LARGEST_BYTES
from campaign_runner.review.decisions_file import is_decisions
from campaign_runner.review.decisions_format import BadLine, read_mark
from campaign_runner.review.marks import Mark, Reviewer
from campaign_runner.review.page.appender import DecisionsAppender
from campaign_runner.review.page.page_data import Addresses, PageSources, decided, page_data
from campaign_runner.review.thumbnails import thumbnail
from campaign_runner.tasks import in_thread

EDGES = {"small": thumbnail.SMALL, "large": thumbnail.LARGE}
SIZES = (*EDGES, "whole")
"""How large a picture may be asked for."""
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}


@dataclass(frozen=True, slots=True)
class ServedPicture:
    """The bytes of a picture and what they are."""

    content: bytes
    media_type: str


def by_key(entry: Entry) -> Addresses:
    """Where the served page finds the pictures of an image; new bytes have a new address."""
    return Addresses(*(f"image/{entry.key}/{size}?{(entry.sha256 or '')[:16]}" for size in SIZES))


class ServedReview:
    """One campaign, reviewed by one person. Methods block, but for `picture`; they raise CampaignError."""

    def __init__(self, folder: Folder, plan: Plan, reviewer: Reviewer, now: datetime | None = None) -> None:
        self._folder = folder
        self._plan = plan
        self.reviewer = reviewer
        self._appender = DecisionsAppender(folder, plan.campaign.campaign, reviewer, now or datetime.now(UTC))
        self._turn = Lock()
        self._kept: set[str] = set()
        self._version = ""
        self._data: dict[str, object] = {}

    def data(self) -> dict[str, object]:
        """What the page shows now; `version` tells it from what it showed before."""
        is_running = self._folder.is_held()
        with self._turn, self._folder.ledger(is_running=is_running) as ledger:
            version = self._fresh_version(ledger, is_running=is_running)
            if version != self._version:
                self._data = self._read(ledger, is_running=is_running) | {"version": version}
                self._version = version
        return self._data

    def _read(self, ledger: Ledger, *, is_running: bool) -> dict[str, object]:
        sources = PageSources(self._folder, self._plan, ledger, by_key, self.reviewer)
        gathered = decided(sources)
        self._kept.update(mark.id for mark in gathered.marks)
        return page_data(replace(sources, is_served=True, is_running=is_running), gathered)

    def _fresh_version(self, ledger: Ledger, *, is_running: bool) -> str:
        told = f"{ledger.last_event()} {is_running} {sorted(self._decisions_seen())}"
        return sha256(told.encode()).hexdigest()[:16]

    def _decisions_seen(self) -> Iterable[tuple[str, int, int]]:
        """Name, size and time of every file of decisions."""
        path = self._folder.path / DECISIONS
        with files.translating(path):
            found = [each for each in path.iterdir() if is_decisions(each)] if path.is_dir() else []
            return [(each.name, (seen := each.lstat()).st_size, seen.st_mtime_ns) for each in found]

    def mark(self, lines: Iterable[bytes]) -> None:
        """Keep marks, each as a line of JSON; those that are known already are left out.

        Raises UsageError for one that is not a mark on an image of this campaign, and then none is kept.
        """
        if not self._data:
            self.data()
        new = {mark.id: mark for mark in map(self._mark, lines) if mark.id not in self._kept}
        if new:
            self._appender.append(new.values())
            self._kept.update(new)

    @cached_property
    def _keys(self) -> Digests:
        """Of all images of the campaign."""
        keys = Digests()
        for digest in map(bytes.fromhex, self._plan.keys()):
            keys.number_of(digest)
        return keys

    def _mark(self, line: bytes) -> Mark:
        try:
            mark = read_mark(line, self.reviewer)
        except BadLine as why:
            raise UsageError(f"this mark cannot be read: {why}") from why
        if self._keys.find(bytes.fromhex(mark.key)) is None:
            raise UsageError(f"{mark.key[:8]} is not an image of this campaign")
        return mark

    async def picture(self, key: str, size: str) -> ServedPicture | None:
        """A stored image in a size; None where there is none, or what is there is not a picture that browsers show."""
        entry = await in_thread(self._entry, key)
        if entry is None or entry.state != State.STORED or entry.file is None or entry.sha256 is None:
            return None
        try:
            content = await self._content(entry.file, entry.sha256, size)
        except FileNotFoundError:  # the record knows of it, the disk does not any more
            return None
        media_type = next((kind for start, kind in _TYPES.items() if content.startswith(start)), None)
        return ServedPicture(content, media_type) if media_type is not None else None

    def _entry(self, key: str) -> Entry | None:
        with self._folder.ledger(is_running=False) as ledger:
            return ledger.entries([key]).get(key)

    async def _content(self, name: str, sha256: str, size: str) -> bytes:
        """Raises FileNotFoundError for a file that is gone."""
        if size in EDGES:
            await thumbnail.make(self._folder, name, sha256)
            return await in_thread(self._thumbnail, thumbnail.name_of(sha256, EDGES[size]))
        return await self._folder.store.open(name, lambda held: held.read(LARGEST_BYTES))

    def _thumbnail(self, name: str) -> bytes:
        home = files.open_folder(self._folder.path)
        with home as folder, folder.enter(REVIEW, make=False) as review, review.read(name) as file:
            return file.read(LARGEST_BYTES)
