"""The lines of a decisions file, as they are written once and for ever: a head, then one mark a line.

JSON lines in UTF-8. Unknown fields are left to those who know them; a file is only ever appended to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from campaign_runner.campaign_file.field_docstrings import Documented
from campaign_runner.campaign_file.schema.review import LONGEST_REVIEWER
from campaign_runner.model import Cell, Size
from campaign_runner.review.marks import Focus, Mark, Note, Reviewer, Vote, moment
from campaign_runner.text import printable

VERSION = 1
ID = "urn:campaign-runner:schema:decisions"
_Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
_Length: TypeAlias = Annotated[float, Field(gt=0, le=1)]
_Point: TypeAlias = tuple[_Fraction, _Fraction]
_Area: TypeAlias = tuple[_Fraction, _Fraction, _Length, _Length]
_Digest: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_MarkId: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
_UTC = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"


def _is_moment(at: str) -> str:
    moment(at)  # a ValueError for the 31st of February
    return at


_Utc: TypeAlias = Annotated[str, Field(pattern=_UTC), AfterValidator(_is_moment)]


class _Open(BaseModel):
    """What all parts share: strict about what they know, silent about what they do not."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class WrittenReviewer(_Open):
    """Who decides."""

    id: Annotated[str, Field(pattern=f"^[a-z0-9-]{{1,{LONGEST_REVIEWER}}}$")]
    """The identity: two files with the same id are of one reviewer."""
    name: str
    """What people read."""


class FileHead(_Open):
    """The first line of a decisions file."""

    decisions_version: Literal[1]
    campaign: str
    """The name of the campaign whose images were looked at."""
    reviewer: WrittenReviewer


class WrittenCell(_Open):
    """Where in the campaign an image is."""

    product: str
    prompt: str
    preset: str
    market: str | None = None
    size: Annotated[str, Field(pattern="^[1-9][0-9]{0,5}x[1-9][0-9]{0,5}$")]
    """Pixels, such as 2048x2048."""

    def as_cell(self) -> Cell:
        width, _, height = self.size.partition("x")
        return Cell(self.product, self.prompt, self.preset, self.market, Size(int(width), int(height)))


class WrittenVerdict(_Open):
    """The value of a verdict."""

    verdict: Literal["pick", "reject"] | None
    """null takes an earlier verdict back."""
    reason: str | None = None
    """A code: product, anatomy, text, brand, legal, composition, quality, duplicate, other, or one's own."""
    text: str | None = None

    def as_value(self) -> Vote:
        return Vote(self.verdict, self.reason, self.text)


class WrittenNote(_Open):
    """The value of a note."""

    text: str
    where: _Point | _Area | None = None
    """[x, y] or [x, y, width, height]; fractions of the upright picture, origin top left."""
    done: bool = False

    def as_value(self) -> Note:
        return Note(self.text, self.where, self.done)


class _WrittenMark(_Open):
    id: _MarkId
    """Random."""
    key: _Digest
    """Of the image."""
    sha256: _Digest
    """Of the bytes that were looked at."""
    cell: WrittenCell | None = None
    """null: every cell that the image is in."""
    after: tuple[_MarkId, ...] = ()
    """The marks that this one replaces."""
    at: _Utc
    """When, in UTC; it decides nothing."""


class VerdictMark(_WrittenMark):
    """A pick, a reject, or a verdict taken back."""

    kind: Literal["verdict"]
    value: WrittenVerdict


class NoteMark(_WrittenMark):
    """A note about an image, or about a place in it."""

    kind: Literal["note"]
    value: WrittenNote | None
    """null takes an earlier note back."""


class FocusMark(_WrittenMark):
    """The part of an image that every cut must show, by channel."""

    kind: Literal["focus"]
    value: dict[str, _Point | _Area] | None
    """`*` stands for every channel without its own; null takes an earlier focus back."""


_AnyMark: TypeAlias = Annotated[VerdictMark | NoteMark | FocusMark, Field(discriminator="kind")]
_MARK: TypeAdapter[VerdictMark | NoteMark | FocusMark] = TypeAdapter(_AnyMark, config=ConfigDict(defer_build=True))


class BadLine(ValueError):
    """A line that does not belong in a decisions file; its text says why, in words that steer no terminal."""


def read_head(line: bytes) -> FileHead:
    """The first line. Raises BadLine."""
    try:
        return FileHead.model_validate_json(line)
    except ValidationError as error:
        raise BadLine(_why(error)) from error


def read_mark(line: bytes, reviewer: Reviewer) -> Mark:
    """A later line, of a file of `reviewer`. Raises BadLine."""
    try:
        said = _MARK.validate_json(line)
    except ValidationError as error:
        raise BadLine(_why(error)) from error
    cell = said.cell.as_cell() if said.cell is not None else None
    return Mark(said.id, said.key, said.sha256, cell, said.kind, _value(said), said.after, said.at, reviewer)


def _value(said: VerdictMark | NoteMark | FocusMark) -> Vote | Note | Focus | None:
    return said.value.as_value() if isinstance(said.value, WrittenVerdict | WrittenNote) else said.value


def head_line(campaign: str, reviewer: Reviewer) -> dict[str, Any]:
    """What the first line of a file says."""
    who = {"id": reviewer.id, "name": reviewer.name}
    return {"decisions_version": VERSION, "campaign": campaign, "reviewer": who}


def mark_line(mark: Mark) -> dict[str, Any]:
    """What the line of a mark says."""
    return {
        "id": mark.id,
        "key": mark.key,
        "sha256": mark.sha256,
        "cell": mark.cell.axes if mark.cell is not None else None,
        "kind": mark.kind,
        "value": _said(mark.value),
        "after": list(mark.after),
        "at": mark.at,
    }


def _said(value: Vote | Note | Focus | None) -> object:
    match value:
        case Vote():
            return {"verdict": value.word, "reason": value.reason, "text": value.text}
        case Note():
            return {"text": value.text, "where": value.where, "done": value.is_done}
        case None:
            return None
        case focus:
            return dict(focus)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one line of a decisions file."""
    found = TypeAdapter(FileHead | _AnyMark).json_schema(schema_generator=Documented)
    about = {"title": "A line of a decisions file", "description": "The first line is a FileHead, each other a mark."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **found, **about}


def _why(error: ValidationError) -> str:
    """The first thing that is wrong, in a few words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "it is not a whole line of JSON"
    if first["loc"] == ("decisions_version",) and first["type"] == "literal_error":
        return "it was written by a later version of campaign_runner"
    return printable(f"{_place(first['loc'])}: {first['msg']}"[:200])


def _place(loc: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in loc if part not in ("verdict", "note", "focus")) or "it"
