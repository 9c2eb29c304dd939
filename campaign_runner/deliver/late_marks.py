"""Marks that were made after the delivery of the image they are about: delivered files may have to be withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from campaign_runner.output_folder.delivery_record import DeliveredFile
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.marks import Mark, moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def late_marks(decisions: Decisions, files: Iterable[DeliveredFile]) -> Iterator[str]:
    """A sentence for each reject and each focus that came after the image was delivered."""
    delivered: dict[str, datetime] = {}
    for file in files:
        if file.state == "current":
            delivered[file.key] = max(file.delivered_at, delivered.get(file.key, file.delivered_at))
    told: dict[str, None] = {}
    for row in decisions.rows:
        for image in row.images:
            when = delivered.get(image.shot.key)
            if when is not None:
                late = (mark for mark in image.marks if _is_late(mark, when))
                told |= dict.fromkeys(f"{_sentence(mark)} ({row.cell})" for mark in late)
    yield from told


def _is_late(mark: Mark, delivered: datetime) -> bool:
    return (mark.word == "reject" or mark.kind == "focus") and moment(mark.at) > (delivered - _EPOCH) // timedelta(
        milliseconds=1
    )


def _sentence(mark: Mark) -> str:
    what = "rejected" if mark.word == "reject" else "given another focus"
    at = datetime.fromisoformat(mark.at).astimezone()
    return f"{mark.key[:8]} was {what} by {mark.reviewer.id} at {at:%Y-%m-%d %H:%M}, after its delivery"
