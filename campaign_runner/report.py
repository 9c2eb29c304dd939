"""The end of a run in words: worst first, one sentence and one command each; the last line is for machines.

Everything in it comes from the ledger, so that `status` says the same the next morning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from campaign_runner.journal.ledger import Entry, Ledger, Requests
from campaign_runner.ports import Allowance
from campaign_runner.spec.problems import counted, listed, visible
from campaign_runner.spec.schema import Campaign

LISTED = 8
"""How many lines of each kind are shown; the rest is counted."""
KEPT_AT_SERVICE = timedelta(hours=24)
_COUNTS = ("planned", "stored", "accepted", "in_doubt", "failed", "abandoned", "pending")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a report tells of: the campaign, its counts (as in the manifest) and how the run ended."""

    campaign: Campaign
    images: Path
    counts: Mapping[str, int]
    requests: Requests
    exit: int
    reasons: Sequence[str] = ()
    allowance: Allowance | None = None
    minutes: int | None = None


def report(summary: Summary, ledger: Ledger) -> Iterator[str]:
    """The lines of the end of a run."""
    name, counts = summary.campaign.campaign, summary.counts
    sent = counted(summary.requests.submitted, "request")
    spent = sent if summary.minutes is None else f"{sent}, {summary.minutes} min"
    yield f"{name}   {counts['stored']:,} of {counted(counts['planned'], 'image')} stored and checked   {spent}"
    yield ""
    entries = ledger.in_states("in_doubt", "failed", "accepted")
    told = [*_told(entries, summary)]
    for reason in summary.reasons:
        told += [f"  stopped: {visible(reason)}"]
    if counts["pending"]:
        told += [
            f"  {counts['pending']:,} not asked for yet",
            f"               campaign-runner run {summary.campaign.path}",
        ]
    if told:
        yield from told
        yield ""
    yield f"  files   {summary.images}{_left_today(summary.allowance)}"
    yield last_line(counts, summary.requests.submitted, summary.exit)


def last_line(counts: Mapping[str, int], requests: int, code: int) -> str:
    """The line for machines: begins `ok` if the exit status is 0, else `attention`."""
    figures = " ".join(f"{name}={counts[name]}" for name in _COUNTS)
    return f"{'ok' if code == 0 else 'attention'} {figures} requests={requests} exit={code}"


def _told(entries: Iterable[Entry], summary: Summary) -> Iterator[str]:
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        code = entry.reason.code if entry.reason else ""
        groups.setdefault((entry.state, str(entry.variation.cell), code), []).append(entry)
    for state in ("in_doubt", "failed", "accepted"):
        of_state = [group for (its_state, _, _), group in groups.items() if its_state == state]
        yield from _group_lines(state, of_state, summary)


def _group_lines(state: str, groups: list[list[Entry]], summary: Summary) -> Iterator[str]:
    name = summary.campaign.campaign
    for group in islice(groups, LISTED):
        first = group[0]
        seeds = listed([str(entry.variation.seed) for entry in group])
        yield f"  {len(group)} {_word(first)}   {first.variation.cell}, seed{'s' if len(group) > 1 else ''} {seeds}"
        yield f"               {_sentence(first)}"
    if len(groups) > LISTED:
        rest = sum(len(group) for group in groups[LISTED:])
        yield f"  and {rest:,} more: campaign-runner status {name} --json, or manifest.json"
    if groups:
        yield f"               {_command(state, groups[0][0], summary)}"


def _word(entry: Entry) -> str:
    if entry.state == "failed" and entry.job_id is None:
        return "refused"
    return {"in_doubt": "in doubt", "failed": "failed", "accepted": "waiting at the service"}[entry.state]


def _sentence(entry: Entry) -> str:
    reason = entry.reason
    match entry.state:
        case "accepted":
            until = datetime.fromisoformat(entry.submitted_at) + KEPT_AT_SERVICE
            return f"paid for; the service keeps them until about {until.astimezone():%Y-%m-%d %H:%M}"
        case "in_doubt":
            at = datetime.fromisoformat(entry.submitted_at).astimezone()
            return visible(f"sent at {at:%H:%M}: {reason.message if reason else ''}; Adobe may have charged for them")
        case _:
            return visible(f'"{reason.code}": {reason.message}' if reason else "")


def _command(state: str, entry: Entry, summary: Summary) -> str:
    campaign, cell = summary.campaign, entry.variation.cell
    name = campaign.campaign
    match state:
        case "accepted":
            return f"campaign-runner run {campaign.path}"
        case "in_doubt":
            return f"campaign-runner resolve {name} --resubmit   or   --abandon"
        case _:
            only = f"--only product={cell.product} --only prompt={cell.prompt}"
            edit = f"edit {campaign.path}:{_line(campaign, cell.prompt)}, or: "
            settle = f"campaign-runner resolve {name} --abandon {only}"
            return (
                edit + settle
                if entry.job_id is None
                else f"campaign-runner resolve {name} --retry-failed   or   {settle}"
            )


def _line(campaign: Campaign, prompt: str) -> int:
    return campaign.line(("prompts", prompt) if prompt in campaign.prompts else ("prompts",))


def _left_today(allowance: Allowance | None) -> str:
    if allowance is None:
        return ""
    left = max(allowance.per_day - allowance.used_day, 0)
    return f"   allowance left today {left:,} of {allowance.per_day:,}"
