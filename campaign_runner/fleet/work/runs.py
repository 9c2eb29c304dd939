"""What a run was submitted with: the campaign as it was read, and what the person who submitted it agreed to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from campaign_runner.authoring.since_last_run import as_it_ran, note_of
from campaign_runner.errors import CampaignError, IntegrityError, UsageError
from campaign_runner.journal.last_run import LAST_CAMPAIGN, LastCampaign
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import RateLimit
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import Selection
from campaign_runner.run.limits import Limits
from campaign_runner.session.request import RunRequest
from campaign_runner.session.steps import Session

_UNKNOWN = "this version of campaign_runner does not understand the run that was submitted"


@dataclass(frozen=True, slots=True)
class Terms:
    """`campaign` is its text, rows and digests of reference images, as the journal notes them; `file` where it was.

    `until` is an instant (ISO 8601); `forbidden` says why nothing may be bought. `bought` and `submitted` are what the
    record knew when it was submitted: limits count from there. `command` is the name under which the record counts for
    the limits what all runs of the command buy. No secret is among them.
    """

    campaign: str
    file: str
    only: Mapping[str, Sequence[str]]
    concurrency: int
    max_images: int | None
    max_requests: int | None
    until: str | None
    per_minute: int
    per_day: int
    accept_drift: bool
    reuse: bool
    forbidden: str | None
    bought: int
    submitted: int
    command: str | None = None

    @classmethod
    def of(cls, run: Session, command: str) -> Terms:
        """What is left to do of a run of `command` that was prepared."""
        order, limits, known = run.order, run.limits, run.ledger.requests()
        ends = None if limits.max_seconds is None else run.control.clock.now() + timedelta(seconds=limits.max_seconds)
        until = min((end for end in (limits.until, ends) if end is not None), default=None)
        return cls(
            campaign=note_of(run.plan)[LAST_CAMPAIGN],
            file=str(order.campaign.path.absolute()),
            only={axis: sorted(names) for axis, names in order.only.values.items()},
            concurrency=limits.concurrency,
            max_images=limits.max_images,
            max_requests=limits.max_requests,
            until=None if until is None else until.isoformat(),
            per_minute=run.rate.per_minute,
            per_day=run.rate.per_day,
            accept_drift=order.accept_drift,
            reuse=order.reuse,
            forbidden=_forbidden(run),
            bought=known.bought,
            submitted=known.submitted,
            command=None if limits.max_images is None and limits.max_requests is None else command,
        )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Terms:
        """As they were `told`. Raises IntegrityError for those of a version that has others."""
        try:
            return cls(**told)
        except TypeError as error:
            raise IntegrityError(f"{_UNKNOWN}; nothing was sent. Upgrade, and submit it again") from error

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def order(self, folder: Folder, rate: RateLimit, references: Mapping[str, Path]) -> RunRequest:
        """The run that was submitted; the host's allowance `rate` may lower its own. Raises IntegrityError."""
        campaign = as_it_ran(LastCampaign.read(self.campaign), Path(self.file))
        if campaign is None:
            raise IntegrityError(f"{_UNKNOWN}; nothing was sent. Upgrade, and submit it again")
        return RunRequest(
            campaign=campaign,
            folder=folder,
            rate=rate.lowered(self.per_minute, self.per_day),
            limits=Limits(
                concurrency=self.concurrency,
                max_images=self.max_images,
                max_requests=self.max_requests,
                until=None if self.until is None else datetime.fromisoformat(self.until),
                counted_as=self.command,
            ),
            only=Selection({axis: frozenset(names) for axis, names in self.only.items()}),
            accept_drift=self.accept_drift,
            reuse=self.reuse,
            sheets=False,
            forbidden=None if self.forbidden is None else UsageError(self.forbidden),
            since=RequestCounts(self.submitted, accepted=0, bought=self.bought),
            references=references,
        )

    @property
    def pictures(self) -> frozenset[str]:
        """The digests of its reference images."""
        return frozenset(LastCampaign.read(self.campaign).pictures.values())

    @property
    def digest(self) -> str:
        """Of the text: a run of the same follows, one of another is refused while this one goes on."""
        return text_digest(self.campaign)


def _forbidden(run: Session) -> str | None:
    """Why nothing may be bought, where the one who makes it cannot find that: other files of the command are wrong."""
    found = [run.order.forbidden, *(run.control.ending.errors if run.refusal is None else ())]
    return next((error.sentence for error in found if isinstance(error, CampaignError)), None)


def digest_of(plan: Plan) -> str:
    """The digest of a campaign's text, rows and reference images, as its Terms have it."""
    return text_digest(note_of(plan)[LAST_CAMPAIGN])


def text_digest(noted: str) -> str:
    """The digest of a campaign as the journal notes it."""
    return hashlib.sha256(noted.encode()).hexdigest()
