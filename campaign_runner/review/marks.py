"""A mark: one event of one reviewer about one image. Values only.

A mark is never changed. A later one replaces those that it knew (`after`), so clocks and the order of files decide
nothing; `at` is for people. `merging` says which marks count, `rules` what follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from campaign_runner.model import Cell

Kind: TypeAlias = Literal["verdict", "focus", "note"]
Point: TypeAlias = tuple[float, float]
Area: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height. Fractions of the upright picture, 0 to 1, origin top left."""
Focus: TypeAlias = Mapping[str, Point | Area]
"""What must be seen of a picture, by channel; `*` holds for all that have none of their own."""
Word: TypeAlias = Literal["pick", "reject"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides: `id` is the identity (`a-z 0-9 -`), `name` what people read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Vote:
    """The value of a verdict. `word` is None where an earlier verdict is taken back."""

    word: Word | None
    reason: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What someone wrote about a place of the picture, or about all of it (`where` is None)."""

    text: str
    where: Point | Area | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """One event. `cell` is None where it is meant for every cell that the image is in.

    `sha256` is of the bytes that were looked at; `value` is None where a note or a focus is taken back. `at` is UTC,
    `YYYY-MM-DDTHH:MM:SS[.fff]Z`.
    """

    id: str
    key: str
    sha256: str
    cell: Cell | None
    kind: Kind
    value: Vote | Note | Focus | None
    after: tuple[str, ...]
    at: str
    reviewer: Reviewer

    @property
    def chain(self) -> tuple[str, str]:
        """Whose marks it may replace: a focus is a fact of the picture, all else is the reviewer's own."""
        return self.kind, "" if self.kind == "focus" else self.reviewer.id

    @property
    def word(self) -> Word | None:
        """`pick` or `reject`; None for a verdict that was taken back, and for what is not a verdict."""
        return self.value.word if isinstance(self.value, Vote) else None


def moment(at: str) -> int:
    """A time of a mark or of the record, in milliseconds since 1970, as browsers count."""
    return (datetime.fromisoformat(at) - _EPOCH) // timedelta(milliseconds=1)
