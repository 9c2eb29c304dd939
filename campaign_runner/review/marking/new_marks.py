"""Verdicts given without the page, and the file they are kept in: new marks that know those they replace."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from campaign_runner.errors import UsageError
from campaign_runner.model import Cell
from campaign_runner.output_folder.folder import Folder
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.decisions_file import file_name, lines
from campaign_runner.review.decisions_folder import keep_file
from campaign_runner.review.marks import Kind, Mark, Note, Reviewer, Vote, Word
from campaign_runner.review.rules import DecidedImage


@dataclass(frozen=True, slots=True)
class MarkRequest:
    """What a reviewer says of an image: a verdict, or None and a note alone. `cell` is None for all of its cells."""

    key: str
    word: Word | None
    reason: str | None = None
    text: str | None = None
    cell: Cell | None = None


class Marker:
    """Turns what one reviewer says into marks, each of which replaces what it contradicts.

    `most_picks`: where one image of a row may be picked, a pick of a second one moves the reviewer's pick.
    """

    def __init__(self, decisions: Decisions, reviewer: Reviewer, now: datetime, *, most_picks: float = 1) -> None:
        self._reviewer = reviewer
        self._at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        self._most_picks = most_picks
        self._rows = {row.cell: row for row in decisions.rows}
        self._places: dict[str, list[tuple[Cell, DecidedImage]]] = defaultdict(list)
        for row in decisions.rows:
            for image in row.images:
                self._places[image.shot.key].append((row.cell, image))
        self._given: list[Mark] = []
        self._picked: dict[Cell, str] = {}

    def marks(self, requests: Iterable[MarkRequest]) -> list[Mark]:
        """The new marks; a mark that counts already is not made again.

        Raises UsageError for what is not a stored image of the campaign, and for two picks where a row takes one.
        """
        for request in requests:
            self._mark(request)
        return list(self._given)

    def _mark(self, request: MarkRequest) -> None:
        places = self._places_of(request)
        image = places[0][1]
        if image.shot.sha256 is None:
            raise UsageError(f"{request.key[:8]} is not stored yet: there is nothing to look at")
        cell = places[0][0] if len(places) == 1 else None
        if request.word is None:
            self._note(image, cell, request.text or "")
            return
        said = Vote(request.word, request.reason, request.text)
        before = {mark.id: mark for _, each in places for mark in self._own(each)}
        if not before or any(mark.value != said or mark.sha256 != image.shot.sha256 for mark in before.values()):
            self._add(image, cell, said, before)
        if request.word == "pick" and self._most_picks == 1:
            self._move_pick(request.key, [cell for cell, _ in places])

    def _places_of(self, request: MarkRequest) -> Sequence[tuple[Cell, DecidedImage]]:
        """The places of the image that is meant. Raises UsageError if there is none."""
        found = [
            place for place in self._places.get(request.key, ()) if request.cell is None or place[0] == request.cell
        ]
        if not found:
            where = f" in {request.cell}" if request.cell is not None else ""
            raise UsageError(f"{request.key[:8]} is not an image of this campaign{where}")
        return found

    def _note(self, image: DecidedImage, cell: Cell | None, text: str) -> None:
        notes = (mark.value for mark in image.marks if mark.chain == ("note", self._reviewer.id))
        if not any(isinstance(note, Note) and note.text == text for note in notes):
            self._add(image, cell, Note(text), ())

    def _move_pick(self, key: str, cells: Sequence[Cell]) -> None:
        """Take back what the reviewer picked before in the same rows. Raises UsageError for two picks at once."""
        for cell in cells:
            if (first := self._picked.setdefault(cell, key)) != key:
                raise UsageError(f"{first[:8]} and {key[:8]} are of one row ({cell}), of which one image is picked")
            for other in self._rows[cell].images:
                picks = [mark.id for mark in self._own(other) if mark.word == "pick"]
                if picks and other.shot.key != key:
                    self._add(other, cell, Vote(None), picks)

    def _own(self, image: DecidedImage) -> list[Mark]:
        """The reviewer's verdicts that count for an image."""
        return [mark for mark in image.marks if mark.chain == ("verdict", self._reviewer.id)]

    def _add(self, image: DecidedImage, cell: Cell | None, value: Vote | Note, after: Iterable[str]) -> None:
        kind: Kind = "note" if isinstance(value, Note) else "verdict"
        key, sha256 = image.shot.key, image.shot.sha256 or ""
        mark = Mark(secrets.token_hex(8), key, sha256, cell, kind, value, tuple(after), self._at, self._reviewer)
        self._given.append(mark)


def keep_marks(folder: Folder, campaign: str, marks: Sequence[Mark], now: datetime) -> Path:
    """Put the marks of one reviewer into a new file of `decisions/`, durably. Raises StoreError, IntegrityError."""
    reviewer = marks[0].reviewer
    content = b"".join(lines(campaign, reviewer, marks))
    return keep_file(folder, file_name(campaign, reviewer, now.astimezone(UTC)), content)
