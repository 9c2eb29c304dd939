"""Events in a person's words: one event is one sentence, and what happens again and again is said once and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from campaign_runner.events import (
    Attempt,
    Called,
    Doubted,
    Edited,
    Ended,
    Event,
    Failed,
    Refused,
    Reused,
    SetAside,
    Started,
    StillAccepted,
    Stopping,
    Stored,
    Waiting,
    Warned,
)
from campaign_runner.report.standing import purchase
from campaign_runner.text import plural, printable

_LONG_WAIT = 90.0
_NOT_ACCEPTED, _NOT_DOWNLOADED = "not accepted yet", "not downloaded yet"


class Repeats:
    """What was said already in a run, and how often the same happened since."""

    def __init__(self) -> None:
        self._more: Counter[tuple[str, str, str]] = Counter()
        self._said: set[tuple[str, str, str]] = set()

    def is_new(self, campaign: str, event: Event) -> bool:
        """Whether an event is to be said; if the same was said of another request before, it is only counted."""
        match event:
            case Refused(reason=reason, for_good=False):
                same = campaign, _NOT_ACCEPTED, reason.message
            case StillAccepted(reason=reason):
                same = campaign, _NOT_DOWNLOADED, reason.message
            case _:
                return True
        is_new = same not in self._said
        self._said.add(same)
        self._more[same] += not is_new
        return is_new

    def counted(self) -> Iterator[tuple[str, str]]:
        """What happened more than once, each with its campaign; it is forgotten then."""
        more, self._more = self._more, Counter()
        for (campaign, what, message), number in more.items():
            if number:
                yield campaign, printable(f"{what}: {number:,} more, for the same reason: {message}")


def sentence_of(event: Event) -> str | None:
    """The sentence for a person, None for what only moves the bar."""
    match event:
        case Stored(variation=variation, warnings=warnings) if warnings:
            return printable(f"warning: {variation.cell}, seed {variation.seed}: {'; '.join(warnings)}")
        case Refused(attempt, reason, for_good):
            return printable(f"{'refused' if for_good else _NOT_ACCEPTED}: {_job(attempt)}: {reason.message}")
        case Doubted(attempt, reason):
            return printable(f"in doubt: {_job(attempt)}: {reason.message}")
        case Failed(_, variation, reason):
            return printable(f"failed: {variation.cell}, seed {variation.seed}: {reason.message}")
        case SetAside(file=file, reason=reason):
            return printable(f"warning: kept {file}: {reason.message}")
        case StillAccepted(attempt, reason):
            return printable(f"{_NOT_DOWNLOADED}: {_job(attempt)}: {reason.message}")
        case Waiting(seconds, why) if seconds > _LONG_WAIT:
            return f"waiting {seconds:.0f} s for the allowance ({why})"
        case Edited(message):
            return printable(f"changed: {message}")
        case Reused(images, of_campaign):
            return printable(f"reused: {plural(images, 'image')} of {of_campaign}, not bought again")
        case Warned(message):
            return printable(f"warning: {message}")
        case Stopping(why):
            return printable(why)
        case _:
            return None


def frame_of(event: Event) -> list[str]:
    """What a log says of a run's begin and end; nothing for what happens between them. A bar needs none of it."""
    match event:
        case Called(version, command):
            return [printable(f"began: {command} (version {version})")]
        case Started():
            return [_begun(event)]
        case Ended(line=line, why=why, bought=bought, night=night):
            told = f"; this run {purchase(bought, night)}" if bought is not None else ""
            return [*([printable(f"refused: {why}")] if why else []), f"ended: {line}{told}"]
        case _:
            return []


def _begun(started: Started) -> str:
    if not (started.due or started.waiting):
        return "nothing is due"
    requests = plural(started.requests, "request")
    if started.may_buy < started.due:
        due = f"{plural(started.due, 'image')} due; this run may buy {started.may_buy:,} ({requests})"
    else:
        due = f"{plural(started.due, 'image')} due ({requests})"
    return f"{due}; {plural(started.waiting, 'paid image')} to download" if started.waiting else due


def _job(attempt: Attempt) -> str:
    seeds = " ".join(map(str, attempt.job.seeds))
    return f"{attempt.job.variations[0].cell}, seed{'s' if len(attempt.job.seeds) > 1 else ''} {seeds}"
