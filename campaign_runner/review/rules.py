"""What the standing marks amount to: the state of each image in its row, and of each row. Pure.

The review page does the same in JavaScript (`rules.js`); `tests/review/cases.json` holds both to one result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.model import Cell
from campaign_runner.review.marks import Mark, moment
from campaign_runner.review.merging import MarkIndex, standing

Votes: TypeAlias = Mapping[str, frozenset[str | None]]
"""What each reviewer says of an image: `pick`, `reject`, None for taken back; several where their marks differ."""
_PICK: frozenset[str | None] = frozenset({"pick"})
_REJECT: frozenset[str | None] = frozenset({"reject"})
COMING = frozenset({"pending", "accepted", "in_doubt"})
"""States of images that may still come."""


class ImageState(StrEnum):
    """What was decided about an image in its row."""

    PICKED = "picked"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    PROPOSED = "proposed"
    PASSED_OVER = "passed-over"
    UNDECIDED = "undecided"


class RowState(StrEnum):
    """What was decided about a row."""

    PICKED = "picked"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    WAITING = "waiting"
    EMPTY = "empty"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Shot:
    """An image as the record knows it: `state` is the ledger's, `sha256` and `stored_at` are None until it is stored.

    `seed` is for people.
    """

    key: str
    seed: int
    state: str
    sha256: str | None = None
    stored_at: str | None = None
    file: str | None = None

    @property
    def is_stored(self) -> bool:
        return self.state == "stored"


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """The images of one cell: they differ in the seed alone."""

    cell: Cell
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class DecidedImage:
    """An image in its row: its state, the marks that count for it, and those of them that are on other bytes.

    `new_for`: the reviewers who marked something in this row before the image was stored.
    """

    shot: Shot
    state: ImageState
    marks: tuple[Mark, ...]
    outdated: tuple[Mark, ...]
    new_for: frozenset[str]
    is_new: bool

    @property
    def is_outdated(self) -> bool:
        """Whether a verdict is about other bytes than are stored now."""
        return any(mark.word for mark in self.outdated)

    @property
    def verdicts(self) -> tuple[Mark, ...]:
        """The picks and rejects that count."""
        return tuple(mark for mark in self.marks if mark.word and mark not in self.outdated)


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """A row and what was decided about it."""

    cell: Cell
    state: RowState
    images: tuple[DecidedImage, ...]

    @property
    def is_new(self) -> bool:
        """Whether an image was stored after everyone's last mark in this row."""
        return any(image.is_new for image in self.images)


def decide(row: ReviewRow, marks: MarkIndex, rules: ReviewRules) -> DecidedRow:
    """What `marks` amount to in one row."""
    keys = tuple(shot.key for shot in row.shots)
    about = [marks.about(shot.key, shot.sha256, row.cell, keys) for shot in row.shots]
    stands = [standing(some) for some in about]
    votes = [votes_on(shot, some) for shot, some in zip(row.shots, stands, strict=True)]
    states = in_row(votes, [own_state(vote, rules) for vote in votes], rules)
    seen = last_seen(mark for some in about for mark in some)
    images = tuple(
        DecidedImage(shot, state, tuple(some), outdated(shot, some), *newness(shot, some, seen))
        for shot, state, some in zip(row.shots, states, stands, strict=True)
    )
    return DecidedRow(row.cell, row_state(row.shots, states), images)


def outdated(shot: Shot, marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks that were made on other bytes than those that are stored now."""
    return tuple(mark for mark in marks if shot.is_stored and mark.sha256 != shot.sha256)


def votes_on(shot: Shot, marks: Iterable[Mark]) -> Votes:
    """What each reviewer says of the stored bytes; no one says anything of an image that is not stored."""
    votes: dict[str, frozenset[str | None]] = {}
    for mark in marks:
        if mark.kind == "verdict" and shot.is_stored and mark.sha256 == shot.sha256:
            votes[mark.reviewer.id] = votes.get(mark.reviewer.id, frozenset()) | {mark.word}
    return {who: words for who, words in votes.items() if words != {None}}


def own_state(votes: Votes, rules: ReviewRules) -> ImageState:
    """What the votes on one image make of it, the other images of its row left aside."""
    if any(votes.get(who) == _REJECT for who in rules.must):
        return ImageState.REJECTED
    if rules.final is not None and rules.final in votes:
        return _by_final(votes, rules.final, rules.must)
    if any(len(words) > 1 for words in votes.values()):
        return ImageState.CONFLICT
    if rules.final is not None:
        return ImageState.PROPOSED if _pickers(votes) else ImageState.UNDECIDED
    return _by_count(votes, rules)


def _by_final(votes: Votes, final: str, must: Sequence[str]) -> ImageState:
    words = votes[final]
    if len(words) > 1:
        return ImageState.CONFLICT
    if words == _REJECT:
        return ImageState.REJECTED
    return ImageState.PICKED if _pickers(votes).issuperset(must) else ImageState.PROPOSED


def _by_count(votes: Votes, rules: ReviewRules) -> ImageState:
    pickers = _pickers(votes)
    if not votes:
        return ImageState.UNDECIDED
    if not pickers:
        return ImageState.REJECTED
    if len(pickers) < len(votes):
        return ImageState.CONFLICT
    is_enough = len(pickers) >= rules.need and pickers.issuperset(rules.must)
    return ImageState.PICKED if is_enough else ImageState.PROPOSED


def _pickers(votes: Votes) -> set[str]:
    return {who for who, words in votes.items() if words == _PICK}


def in_row(votes: Sequence[Votes], states: Sequence[ImageState], rules: ReviewRules) -> list[ImageState]:
    """The states of the images of a row, given what each is by itself.

    A pick of the final one settles the row, unless it is rejected, too. More picked than may be is a conflict.
    """
    final = rules.final
    chosen = [
        final is not None and vote.get(final) == _PICK and state is not ImageState.REJECTED
        for vote, state in zip(votes, states, strict=True)
    ]
    result = list(states)
    if any(chosen):
        result = [
            state if final in vote or state is ImageState.REJECTED else ImageState.PASSED_OVER
            for vote, state in zip(votes, states, strict=True)
        ]
    if result.count(ImageState.PICKED) > rules.most_picks:
        return [ImageState.CONFLICT if state is ImageState.PICKED else state for state in result]
    return result


def row_state(shots: Sequence[Shot], states: Sequence[ImageState]) -> RowState:
    """What the states of its images make of a row."""
    if ImageState.CONFLICT in states:
        return RowState.CONFLICT
    if ImageState.PICKED in states:
        return RowState.PICKED
    if any(shot.state in COMING for shot in shots):
        return RowState.WAITING
    stored = [state for shot, state in zip(shots, states, strict=True) if shot.is_stored]
    if not stored:
        return RowState.EMPTY
    return RowState.REJECTED if set(stored) == {ImageState.REJECTED} else RowState.OPEN


def last_seen(marks: Iterable[Mark]) -> Mapping[str, int]:
    """When each reviewer made their last mark among `marks`, in milliseconds."""
    seen: dict[str, int] = {}
    for mark in marks:
        seen[mark.reviewer.id] = max(seen.get(mark.reviewer.id, 0), moment(mark.at))
    return seen


def newness(shot: Shot, marks: Iterable[Mark], seen: Mapping[str, int]) -> tuple[frozenset[str], bool]:
    """The reviewers for whom an image is new, and whether it is so for everyone who marked its row.

    Who has marked these very bytes has seen them, whatever their clock says.
    """
    if shot.stored_at is None or not seen:
        return frozenset(), False
    stored_at = moment(shot.stored_at)
    knowing = {mark.reviewer.id for mark in marks if mark.sha256 == shot.sha256}
    new_for = frozenset(who for who, last in seen.items() if stored_at > last and who not in knowing)
    return new_for, len(new_for) == len(seen)
