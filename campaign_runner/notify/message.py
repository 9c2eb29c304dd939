"""The message about a command's campaigns: what is new, what is still wrong, what is over; counts, ids and commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign_runner.model import State
from campaign_runner.notify.concerns import Concern
from campaign_runner.notify.judgement import News
from campaign_runner.report.standing import Standing, purchase
from campaign_runner.run.ending import OK
from campaign_runner.text import joined, plural


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text: a title and a few lines."""

    title: str
    body: str


def message_of(news: Sequence[News]) -> Message:
    """One message about the campaigns of one command that have news."""
    needing = [each.end.name for each in news if each.new or each.still]
    if needing:
        title = f"{joined(needing)} {'needs' if len(needing) == 1 else 'need'} attention"
    elif any(each.over for each in news):
        title = f"{joined([each.end.name for each in news])}: all is well again"
    else:
        title = f"{joined([each.end.name for each in news])}: the run has ended"
    return Message(title, "\n\n".join("\n".join(_lines(each)) for each in news))


def _lines(news: News) -> Iterator[str]:
    end = news.end
    made = _made(end.standing) if end.standing is not None else ""
    yield f"{end.name}: {'ok' if end.exit == OK else 'attention'}, exit status {end.exit}{made}"
    for label, concerns in (("new", news.new), ("still", news.still)):
        yield from (line for concern in concerns for line in _told(label, concern))
    yield from (f"over: {words}" for words in news.over)


def _made(standing: Standing) -> str:
    counts = standing.counts
    stored = f"{counts[State.STORED]:,} of {plural(counts['planned'], 'image')} stored"
    return f", {stored}; this run {purchase(standing.bought, standing.night)}"


def _told(label: str, concern: Concern) -> Iterator[str]:
    yield f"{label}: {concern.words}"
    if concern.command:
        yield f"  {concern.command}"
