"""What happens, as values: the facts that are journalled, and what only observers are told.

A fact is recorded durably before the act it announces, or right after the thing it
reports. Progress, logs, the manifest and the end-of-run report are all folds over facts. Each event
knows its `word`, the same in the journal and in logs, and its `facts()` for machines: no signed URL is among them.
The first line of its docstring is what the map of the code says of the word.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from campaign_runner.model import Bought, Cause, CustomModel, Job, Recipe, RecipeSource, Ticket, Variation


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a job. `id` is a nonce, never used twice, so that a late answer finds its row."""

    id: str
    job: Job

    def facts(self) -> dict[str, Any]:
        return {"attempt": self.id, **self.job.variations[0].cell.axes, "seeds": list(self.job.seeds)}


@dataclass(frozen=True, slots=True)
class _Unsettled:
    attempt: Attempt
    reason: Cause

    def facts(self) -> dict[str, Any]:
        return self.attempt.facts() | self.reason.facts()


@dataclass(frozen=True, slots=True)
class _WithoutImage:
    attempt: Attempt
    variation: Variation
    reason: Cause

    def facts(self) -> dict[str, Any]:
        variation = self.variation
        return {"key": variation.key, "seed": variation.seed, "cell": str(variation.cell)} | self.reason.facts()


@dataclass(frozen=True, slots=True)
class _AsFields:
    def facts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Submitting:
    """A request is about to leave; from here on until an answer it may have been charged."""

    attempt: Attempt
    word: ClassVar[str] = "submitting"

    def facts(self) -> dict[str, Any]:
        return self.attempt.facts()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took the request: its images are paid for."""

    attempt: Attempt
    ticket: Ticket
    word: ClassVar[str] = "accepted"

    def facts(self) -> dict[str, Any]:
        return self.attempt.facts() | {"job_id": self.ticket.job_id}


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not charged. `for_good`: its images fail; otherwise they will be requested again."""

    attempt: Attempt
    reason: Cause
    for_good: bool = False
    word: ClassVar[str] = "refused"

    def facts(self) -> dict[str, Any]:
        return self.attempt.facts() | self.reason.facts() | {"for_good": self.for_good}


@dataclass(frozen=True, slots=True)
class Doubted(_Unsettled):
    """Sent without a usable answer: no one knows whether it was charged.

    `answer` is how an answer began that may be an acceptance: one harmless line, empty where there was none.
    """

    answer: str = ""
    word: ClassVar[str] = "in_doubt"


@dataclass(frozen=True, slots=True)
class Stored:
    """An image is on the disk, checked, under `file` (relative to the output folder, with `/`)."""

    attempt: Attempt
    variation: Variation
    file: str
    sha256: str
    bytes: int
    media_type: str
    warnings: tuple[str, ...] = ()
    word: ClassVar[str] = "stored"

    def facts(self) -> dict[str, Any]:
        kept = {"file": self.file, "sha256": self.sha256, "bytes": self.bytes, "media_type": self.media_type}
        return {"key": self.variation.key, "seed": self.variation.seed} | kept | {"warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Failed(_WithoutImage):
    """An image of an accepted job will not come."""

    word: ClassVar[str] = "failed"


@dataclass(frozen=True, slots=True)
class Held(_WithoutImage):
    """An image of an accepted job could not be downloaded, however often it was tried: it stays `accepted`."""

    word: ClassVar[str] = "held"


@dataclass(frozen=True, slots=True)
class SetAside:
    """An image is paid for but not as requested (another seed or size, or not a whole picture); kept under `file`."""

    attempt: Attempt
    file: str
    sha256: str
    bytes: int
    reason: Cause
    word: ClassVar[str] = "set_aside"

    def facts(self) -> dict[str, Any]:
        return {"file": self.file, "sha256": self.sha256, "bytes": self.bytes} | self.reason.facts()


@dataclass(frozen=True, slots=True)
class Uploaded(_AsFields):
    """A reference image is at the service, under an id that is good for seven days."""

    sha256: str
    upload_id: str
    word: ClassVar[str] = "uploaded"


@dataclass(frozen=True, slots=True)
class ModelResolved:
    """What the custom model's name means at the service."""

    model: CustomModel
    word: ClassVar[str] = "model_resolved"

    def facts(self) -> dict[str, Any]:
        return {"id": self.model.id, "name": self.model.name, "version": self.model.version}


@dataclass(frozen=True, slots=True)
class Adopted:
    """An image that exists already is used for a new one (`reused` or `kept`): stored under `file`, not bought."""

    variation: Variation
    recipe: Recipe
    source: RecipeSource
    file: str
    sha256: str
    bytes: int
    media_type: str
    warnings: tuple[str, ...] = ()
    word: ClassVar[str] = "adopted"

    def facts(self) -> dict[str, Any]:
        kept = {"file": self.file, "sha256": self.sha256, "how": self.source.how, "of_campaign": self.source.campaign}
        return {"key": self.variation.key, "seed": self.variation.seed} | kept


@dataclass(frozen=True, slots=True)
class Placed:
    """An image was moved aside, or put back: where it is now, and why."""

    key: str
    file: str
    sha256: str
    bytes: int
    media_type: str
    reason: Cause
    word: ClassVar[str] = "placed"

    def facts(self) -> dict[str, Any]:
        return {"key": self.key, "file": self.file, "sha256": self.sha256} | self.reason.facts()


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
class Called(_AsFields):
    """A command begins: its `version` of the program, and the `command` as it was typed."""

    version: str
    command: str
    word: ClassVar[str] = "called"


@dataclass(frozen=True, slots=True)
class Started:
    """A run begins: of `due` images it may buy `may_buy`, in `requests` requests; `waiting` images are paid for."""

    campaign: str
    due: int
    requests: int
    waiting: int
    may_buy: int
    word: ClassVar[str] = "started"

    def facts(self) -> dict[str, Any]:
        return {"due": self.due, "may_buy": self.may_buy, "requests": self.requests, "waiting": self.waiting}


@dataclass(frozen=True, slots=True)
class Ended:
    """A run, or its command, is over: its `exit` status, its last `line`, `why` it was refused, and what it bought.

    `night` is what all runs since noon, local time, bought.
    """

    exit: int
    line: str
    why: str = ""
    bought: Bought | None = None
    night: Bought | None = None
    word: ClassVar[str] = "ended"

    def facts(self) -> dict[str, Any]:
        told: dict[str, Any] = {"exit": self.exit, "line": self.line, "why": self.why}
        for name, part in (("bought", self.bought), ("night", self.night or self.bought)):
            told[f"{name}_images"] = part.images if part is not None else 0
            told[f"{name}_requests"] = part.requests if part is not None else 0
        return told


@dataclass(frozen=True, slots=True)
class Edited(_AsFields):
    """The campaign changed since its last run: what was done, and what it amounts to."""

    message: str
    word: ClassVar[str] = "edited"


@dataclass(frozen=True, slots=True)
class Reused(_AsFields):
    """Images that another campaign has stored are used instead of bought; each of them is `adopted`."""

    images: int
    of_campaign: str
    word: ClassVar[str] = "reused"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be sent: `minute`, `day`, `retry-after`, `status` (of no job under way), or `store` (is silent)."""

    seconds: float
    why: str
    word: ClassVar[str] = "waiting"

    def facts(self) -> dict[str, Any]:
        return {"seconds": round(self.seconds, 3), "why": self.why}


@dataclass(frozen=True, slots=True)
class Warned(_AsFields):
    """Something a person should know that stops nothing; what `check` warns of comes first."""

    message: str
    word: ClassVar[str] = "warned"


@dataclass(frozen=True, slots=True)
class StillAccepted(_Unsettled):
    """The run stops following a paid job for now: it stays `accepted`, for the next half hour or the next run."""

    word: ClassVar[str] = "still_accepted"


@dataclass(frozen=True, slots=True)
class Stopping(_AsFields):
    """No further request is sent, and why; what is accepted is still downloaded."""

    why: str
    word: ClassVar[str] = "stopping"


Event = Fact | Called | Started | Ended | Edited | Reused | Waiting | Warned | StillAccepted | Stopping
