"""Whether a night is worth a message: a function of what was told before and of how the run ended.

New causes are told at once, what is still wrong once a week, that it is over once, and a good night not at all. An
outage or a limit is no one's business until the third night without a new image, or until paid images are about to
expire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from campaign_runner.model import State
from campaign_runner.notify.concerns import OF_THE_RECORD, UNJUDGED, CampaignEnd, Concern, concerns_of
from campaign_runner.report.standing import night_of
from campaign_runner.report.summary import KEPT_AT_SERVICE
from campaign_runner.run.ending import OK
from campaign_runner.text import clock, plural

AGAIN_AFTER = timedelta(days=7)
PATIENT_NIGHTS = 3
"""Nights without a new image after which even what may pass by itself is told."""
A_DAY = timedelta(days=1)
_SAME_RUN = timedelta(hours=1)
"""By how much a nightly run may be early or late and still be the one of the night before."""
_MOST_STARTS = 48


@dataclass(frozen=True, slots=True)
class Told:
    """What is remembered of a campaign between two nights. Nights are counted from noon to noon, local time.

    `open` are the words of every cause that was told and is not over, by id, last told in the night `at`.
    `idle` are the nights since an image was last stored (`stored` of them then); `starts` the runs of the last day.
    """

    open: Mapping[str, str] = field(default_factory=dict)
    at: date | None = None
    stored: int = 0
    idle: tuple[date, ...] = ()
    starts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What one campaign's message says: causes that are new, that stand, and that are over, these in their words."""

    end: CampaignEnd
    new: Sequence[Concern] = ()
    still: Sequence[Concern] = ()
    over: Sequence[str] = ()
    is_due: bool = False


def judge(told: Told, end: CampaignEnd, began: datetime, now: datetime) -> tuple[News, Told]:
    """The news of a run, and what is to be remembered once it is told. `began` and `now` are aware local times."""
    if end.exit in UNJUDGED:
        return News(end), told
    tonight = night_of(now)
    told = _with_progress(told, end, tonight)
    concerns = {concern.id: concern for concern in (*concerns_of(end), *_impatience(told, end, began, now))}
    if end.standing is None:  # what the record says was not asked: as it was
        stands = {id: Concern(id, words) for id, words in told.open.items() if id.startswith(OF_THE_RECORD)}
        concerns = stands | concerns
    new = [concern for id, concern in concerns.items() if id not in told.open]
    still = [concern for id, concern in concerns.items() if id in told.open]
    over = [words for id, words in told.open.items() if id not in concerns]
    is_weekly = bool(still) and told.at is not None and tonight - told.at >= AGAIN_AFTER
    news = News(end, new, still, over, is_due=bool(new or over) or is_weekly)
    starts = [*(start for start in told.starts if began - start < A_DAY), began][-_MOST_STARTS:]
    return news, Told(
        {id: concern.words for id, concern in concerns.items()},
        tonight if news.is_due else told.at,
        told.stored,
        told.idle,
        tuple(starts),
    )


def forgotten(told: Told, judged: Told) -> Told:
    """What is remembered where the message could not be delivered: the night, but not that anything was told."""
    return Told(told.open, told.at, judged.stored, judged.idle, judged.starts)


def _with_progress(told: Told, end: CampaignEnd, tonight: date) -> Told:
    """The nights without a new image, this one included where it had none and is not done."""
    stored = told.stored if end.standing is None else end.standing.counts[State.STORED]
    if end.exit == OK or stored != told.stored:
        idle: tuple[date, ...] = ()
    else:
        idle = tuple(dict.fromkeys((*told.idle, tonight)))[-PATIENT_NIGHTS:]
    return Told(told.open, told.at, stored, idle, told.starts)


def _impatience(told: Told, end: CampaignEnd, began: datetime, now: datetime) -> Iterator[Concern]:
    """What may pass by itself and has not: no new image for nights, or paid images that expire before the next run."""
    if not end.may_pass:
        return
    if len(told.idle) >= PATIENT_NIGHTS:
        words = f"no new image for {PATIENT_NIGHTS} nights (exit status {end.exit})"
        yield Concern("idle", words, f"campaign-runner status {end.name}")
    oldest = end.standing.oldest_waiting if end.standing is not None else None
    if end.standing is None or oldest is None:
        return
    expires, following = oldest + KEPT_AT_SERVICE, _next_run(told, began)
    if expires < following:
        images = plural(end.standing.counts[State.ACCEPTED], "paid image")
        words = f"{images} can be downloaded until about {clock(expires, now)}, before the next run is due"
        yield Concern("expiring", words, f"campaign-runner run {end.name}")


def _next_run(told: Told, began: datetime) -> datetime:
    """When the campaign is run next, if each run of the last day comes again a day later."""
    comes_again = (start + A_DAY for start in told.starts if start + A_DAY > began + _SAME_RUN)
    return min(comes_again, default=began + A_DAY)
