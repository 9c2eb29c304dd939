"""What was decided, for people as lines and for machines as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from campaign_runner.portions import batched
from campaign_runner.review.decisions import Decisions
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.rules import DecidedImage, DecidedRow, RowState
from campaign_runner.text import plural, printable

_JSON = json.JSONEncoder(ensure_ascii=False)
_AT_ONCE = 100
"""Rows that are written together."""
_WORDS = {
    RowState.PICKED: "{} picked",
    RowState.CONFLICT: "{} in conflict",
    RowState.REJECTED: "{} rejected",
    RowState.WAITING: "{} waiting for images",
    RowState.EMPTY: "{} without images",
    RowState.OPEN: "{} open",
}


def summary(decisions: Decisions) -> str:
    """`120 rows: 39 picked, 4 conflicts, 35 open, 6 with new pictures`."""
    found = decisions.counts()
    parts = [_counted(state, found[state]) for state in RowState if found[state]]
    if found["new"]:
        parts.append(f"{found['new']:,} with new pictures")
    if outdated := sum(image.is_outdated for row in decisions.rows for image in row.images):
        parts.append(f"{plural(outdated, 'verdict')} on pictures that changed")
    return f"{plural(len(decisions.rows), 'row')}: {', '.join(parts)}"


def _counted(state: RowState, number: int) -> str:
    return plural(number, "conflict") if state is RowState.CONFLICT else _WORDS[state].format(f"{number:,}")


def lines(decisions: Decisions) -> Iterator[str]:
    """A line a row, and below it one for each image that someone said something about."""
    for row in decisions.rows:
        yield f"{row.state:9} {row.cell}" + ("  new pictures" if row.is_new else "")
        yield from (f"  {line}" for image in row.images for line in image_lines(image))


def image_lines(image: DecidedImage) -> Iterator[str]:
    """What was decided about one image, and who said what; nothing where no one said anything."""
    said = sorted((mark for mark in image.marks if mark.word), key=lambda mark: (mark.reviewer.id, mark.at))
    if not said:
        return
    who = ", ".join(
        f"{mark.reviewer.id} {'picks' if mark.word == 'pick' else 'rejects'}{_why(mark.value)}"
        + (" (before it changed)" if mark in image.outdated else "")
        for mark in said
    )
    yield printable(f"{image.state:11} {image.shot.key[:8]} seed {image.shot.seed}: {who}")


def _why(value: object) -> str:
    reason, text = getattr(value, "reason", None), getattr(value, "text", None)
    told = ": ".join(filter(None, (reason, text)))
    return f" ({told})" if told else ""


def json_pieces(decisions: Decisions) -> Iterator[str]:
    """Everything as one JSON object for machines, piece by piece."""
    unreadable = [problem.sentence for problem in decisions.gathered.problems]
    about = {"campaign": decisions.campaign, "rows": counts(decisions), "unreadable": unreadable}
    yield f'{_JSON.encode(about)[:-1]}, "decisions": ['
    for number, some in enumerate(batched(decisions.rows, _AT_ONCE)):
        yield f"{', ' if number else ''}{_JSON.encode([_row(row) for row in some])[1:-1]}"
    yield "]}"


def counts(decisions: Decisions) -> dict[str, int]:
    """How many rows are in each state, and how many have new pictures."""
    found = decisions.counts()
    return {**{str(state): found[state] for state in RowState}, "new": found["new"]}


def _row(row: DecidedRow) -> dict[str, Any]:
    return {**row.cell.axes, "state": row.state, "new": row.is_new, "images": [image_json(each) for each in row.images]}


def image_json(image: DecidedImage) -> dict[str, Any]:
    """One image of a row: what was decided, and every mark that counts."""
    shot = image.shot
    marks = [
        {**mark_line(mark), "reviewer": mark.reviewer.id, "outdated": mark in image.outdated} for mark in image.marks
    ]
    return {
        "key": shot.key,
        "seed": shot.seed,
        "state": shot.state,
        "file": shot.file,
        "sha256": shot.sha256,
        "decision": image.state,
        "outdated": image.is_outdated,
        "new_for": sorted(image.new_for),
        "marks": marks,
    }
