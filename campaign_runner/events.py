"""What happens, as values: the facts that are journalled, and what only observers are told.

A fact is recorded durably before the act it announces, or right after the thing it
reports. Progress, logs, the manifest and the end-of-run report are all folds over facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from campaign_runner.model import CustomModel, Job, Recipe, Ticket, Variation


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not stored: the service's word or ours, and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a job. `id` is a nonce, never used twice, so that a late answer finds its row."""

    id: str
    job: Job


@dataclass(frozen=True, slots=True)
class Submitting:
    """The request is about to leave; from here on until an answer it may have been charged."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took the job: its images are paid for."""

    attempt: Attempt
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not charged. `for_good`: asking again is no use, its variations fail; else they are pending again."""

    attempt: Attempt
    reason: Cause
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class Doubted:
    """Sent without a usable answer: nobody knows whether it was charged.

    `answer` is how an answer began that may be an acceptance: one harmless line, empty where there was none.
    """

    attempt: Attempt
    reason: Cause
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """The image is on the disk, checked, under `file` (relative to the output folder, with `/`)."""

    attempt: Attempt
    variation: Variation
    file: str
    sha256: str
    bytes: int
    media_type: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A variation of an accepted job will not come."""

    attempt: Attempt
    variation: Variation
    reason: Cause


@dataclass(frozen=True, slots=True)
class Held:
    """An image of an accepted job could not be had, however often it was asked for: why it stays `accepted`."""

    attempt: Attempt
    variation: Variation
    reason: Cause


@dataclass(frozen=True, slots=True)
class SetAside:
    """What is paid for and not as it was asked for: of another seed or size, or no whole picture; kept under `file`."""

    attempt: Attempt
    file: str
    sha256: str
    bytes: int
    reason: Cause


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A reference image is at the service, under an id that is good for seven days."""

    sha256: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class ModelResolved:
    """What the custom model's name meant at the service."""

    model: CustomModel


@dataclass(frozen=True, slots=True)
class RecipeSource:
    """Where an image comes from that nothing was bought for.

    `reused`: another campaign of the same folder of outputs stored the very same image. `kept`: a person
    said that it may stand for other words; `key` and `prompt` are what it was made for. The rest is what
    the record there says of its making.
    """

    how: Literal["reused", "kept"]
    campaign: str
    key: str
    prompt: str
    job_id: str | None
    job_seeds: tuple[int, ...]
    model_version: str | None
    model_etag: str | None
    submitted_at: str | None  # UTC, ISO 8601


@dataclass(frozen=True, slots=True)
class Adopted:
    """An image that exists already stands for `variation`: it is stored under `file`, and nothing was bought."""

    variation: Variation
    recipe: Recipe
    source: RecipeSource
    file: str
    sha256: str
    bytes: int
    media_type: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the image `key` is now, and which bytes it has: it was moved aside, or put back. `reason` says why."""

    key: str
    file: str
    sha256: str
    bytes: int
    media_type: str
    reason: Cause


Fact = (
    Submitting
    | Accepted
    | Refused
    | Doubted
    | Stored
    | Failed
    | Held
    | SetAside
    | Uploaded
    | ModelResolved
    | Adopted
    | Placed
)


@dataclass(frozen=True, slots=True)
class Started:
    """A run begins: `due` images in `requests` requests, `waiting` accepted jobs of earlier runs."""

    campaign: str
    due: int
    requests: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Edited:
    """The campaign changed since its last run: what was done, and what it amounts to."""

    message: str


@dataclass(frozen=True, slots=True)
class Reused:
    """Of what another campaign has stored, `images` were taken: nobody buys them again."""

    images: int
    of_campaign: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be sent for `seconds`, and why."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know that stops nothing."""

    message: str


@dataclass(frozen=True, slots=True)
class StillAccepted:
    """A job stays `accepted` when the run lets go of it: paid, and asked for again each half hour and by the next."""

    attempt: Attempt
    reason: Cause


@dataclass(frozen=True, slots=True)
class Stopping:
    """No further job is submitted, and why; what is accepted is still fetched."""

    why: str


Event = Fact | Started | Edited | Reused | Waiting | Warned | StillAccepted | Stopping
