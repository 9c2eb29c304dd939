"""`review` of a campaign file: who decides, and how much it takes. Never part of an image's identity."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.schema.values import as_any_of, as_number, as_text, as_wording, wrong
from campaign_runner.campaign_file.syntax.source import Scalar

LONGEST_REVIEWER = 40
REVIEWER = re.compile(rf"[a-z0-9-]{{1,{LONGEST_REVIEWER}}}")
"""The id of a reviewer."""
OTHER = "other"
"""The reason that needs a note."""
REASONS = ("product", "anatomy", "text", "brand", "legal", "composition", "quality", "duplicate")
"""Why an image is rejected, in the order of the digits that say so; `other` and a campaign's own follow."""
_REASON = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def as_reviewer(value: object) -> object:
    """The id of a reviewer: small letters, digits and dashes."""
    text = as_text(value)
    if isinstance(text, str) and not REVIEWER.fullmatch(text):
        tidy = derived(text)[:LONGEST_REVIEWER]
        advice = f"write {tidy}" if tidy else "such as: lead"
        raise wrong(f"'{text}' is not a reviewer: small letters, digits and dashes, at most 40", advice)
    return text


def as_picks(value: object) -> object:
    """A whole number from 1, or `any`."""
    if isinstance(value, Scalar) and value.text == "any":
        return "any"
    number = as_number(value)
    if isinstance(number, int) and number < 1:
        raise wrong(f"picks is at least 1, not {number}", "write picks: any if several images of a row may be used")
    return number


def as_switch(value: object) -> object:
    """Plain `true` or `false`."""
    text = as_text(value)
    if text not in ("true", "false"):
        raise wrong(f"'{text}' is neither true nor false", "write true or false")
    return text == "true"


def as_reason(value: object) -> object:
    """The code of a reason of one's own."""
    text = as_text(value)
    if isinstance(text, str) and (text in REASONS or text == OTHER):
        raise wrong(f"the reason '{text}' exists already", "remove the line, or give it another name")
    if isinstance(text, str) and not _REASON.fullmatch(text):
        raise wrong(f"'{text}' is not a reason: small letters, digits, - and _, at most 40", "such as wrong-season")
    return text


ReviewerId: TypeAlias = Annotated[str, BeforeValidator(as_reviewer)]
ReasonCode: TypeAlias = Annotated[str, BeforeValidator(as_reason)]
_Label: TypeAlias = Annotated[str, BeforeValidator(as_wording)]
_Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(as_number)]


class ReviewRules(BaseModel):
    """Who decides which images are used, and how much it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    need: _Count = 1
    """How many reviewers must pick an image; one reject is against it."""
    final: ReviewerId | None = None
    """The reviewer whose word alone counts; what the others pick is proposed."""
    must: Annotated[tuple[ReviewerId, ...], BeforeValidator(as_any_of)] = ()
    """Reviewers who must pick an image before it counts as picked, and whose reject overrules everyone."""
    picks: Annotated[int | Literal["any"], BeforeValidator(as_picks)] = 1
    """How many images of a row may be picked: a number, or any."""
    blind: Annotated[bool, BeforeValidator(as_switch)] = False
    """Whether others' verdicts are hidden at first."""
    reasons: dict[ReasonCode, _Label] = Field(default_factory=dict)
    """Your own reasons for a reject: `wrong-season: "Not this season"`."""

    @property
    def most_picks(self) -> float:
        """How many images of a row may be picked."""
        return float("inf") if self.picks == "any" else self.picks
