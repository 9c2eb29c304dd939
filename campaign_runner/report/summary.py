"""The end of a run in words: worst first, one sentence and one command each; the last line is for machines.

Everything in it comes from the ledger, so that `status` says the same the next morning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.events import Cause
from campaign_runner.journal.ledger import Entry, Ledger, RequestCounts
from campaign_runner.model import Cell, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import duration
from campaign_runner.ports import Allowance
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import joined, plural, printable

SHOWN_IN_SECONDS = 90
LISTED = 8
"""How many groups of each kind are shown; the rest is counted."""
_SEEDS = 8
_FILES = 4
Row: TypeAlias = list[str]
"""A label, such as `4 in doubt`, and its lines."""
KEPT_AT_SERVICE = timedelta(hours=24)
_COUNTS = ("planned", *State)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a report tells of: the campaign, its counts (as in the manifest) and how the run ended.

    `look` is the contact sheet, if there is one.
    """

    campaign: Campaign
    folder: Folder
    counts: Mapping[str, int]
    requests: RequestCounts
    exit: int
    reasons: Sequence[str] = ()
    look: Path | None = None
    allowance: Allowance | None = None
    seconds: float | None = None


def report(summary: Summary, ledger: Ledger) -> Iterator[str]:
    """The lines of the end of a run."""
    name, counts = summary.campaign.campaign, summary.counts
    made = f"{name}   {counts[State.STORED]:,} of {plural(counts['planned'], 'image')} stored and checked"
    yield f"{made:<63} {spent(summary.requests.submitted, summary.seconds)}"
    yield ""
    rows = [*_left_open(summary, ledger), *_not_yet(summary), *_warnings(summary.campaign)]
    yield from _aligned(rows)
    yield from (f"  stopped: {printable(reason)}" for reason in summary.reasons)
    if rows or summary.reasons:
        yield ""
    yield f"{f'  files   {summary.folder.images}':<45}   {_left_today(summary.allowance)}".rstrip()
    if summary.look is not None:
        yield f"  look    {summary.look}"
    yield last_line(counts, summary.requests.submitted, summary.exit)


def spent(requests: int, seconds: float | None) -> str:
    """`8 requests, 2 min`; the time is left out where nothing was timed."""
    sent = plural(requests, "request")
    if seconds is None:
        return sent
    return f"{sent}, {f'{seconds:.0f} s' if seconds < SHOWN_IN_SECONDS else duration(round(seconds / 60))}"


def last_line(counts: Mapping[str, int], requests: int, code: int) -> str:
    """The line for machines: begins `ok` if the exit status is 0, else `attention`."""
    figures = " ".join(f"{name}={counts[name]}" for name in _COUNTS)
    return f"{'ok' if code == 0 else 'attention'} {figures} requests={requests} exit={code}"


@dataclass(slots=True)
class _Group:
    """Variations of one cell that are open for the same reason; only its first entry is kept.

    `unexpected` are the files of what their jobs delivered and nobody asked for.
    """

    first: Entry
    seeds: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    images: int = 0
    unexpected: dict[str, None] = field(default_factory=dict)

    def add(self, entry: Entry, unexpected: Sequence[str]) -> None:
        self.images += 1
        self.unexpected |= dict.fromkeys(unexpected)
        if len(self.seeds) < _SEEDS:
            self.seeds.append(str(entry.variation.seed))
            self.keys.append(entry.variation.key[:8])

    def only(self) -> list[str]:
        """What selects these images: their keys, or, where those are many, their cell."""
        if self.images == len(self.keys):
            return ["--only", f"key={','.join(self.keys)}"]
        axes = self.first.variation.cell.axes
        words = [f"{axis}={name}" for axis, name in axes.items() if name is not None]
        return [word for each in words for word in ("--only", each)]


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Each row's label and its first line; the further lines of the row stand under that one."""
    width = max((len(label) for label, *_ in rows), default=0) + 3
    for label, *lines in rows:
        for number, line in enumerate(lines):
            yield f"  {'' if number else label:{width}}{printable(line)}"


def _left_open(summary: Summary, ledger: Ledger) -> Iterator[Row]:
    """What is in doubt, failed or waiting at the service, worst first."""
    unexpected = ledger.unexpected()
    for state in (State.IN_DOUBT, State.FAILED, State.ACCEPTED):
        groups: dict[tuple[Cell, str], _Group] = {}
        more = 0
        for entry in ledger.in_states(state):
            key = entry.variation.cell, entry.reason.code if entry.reason else ""
            if key not in groups and len(groups) == LISTED:
                more += 1
                continue
            groups.setdefault(key, _Group(entry)).add(entry, unexpected.get(entry.job_id or "", ()))
        is_split = any(group.unexpected for group in groups.values())
        rows = [_row(group, summary, is_split=is_split) for group in groups.values()]
        if rows and state != State.FAILED:  # one command settles them all
            rows[-1].append(_command(summary, state))
        yield from rows
        if more:
            manifest = display_path(summary.folder.manifest)
            yield [f"{more:,} more", f"{state.replace('_', ' ')}: all of them are in {manifest}"]


def _row(group: _Group, summary: Summary, *, is_split: bool) -> Row:
    """`is_split`: some of these groups are to be looked at before they are asked for again, so each has its command."""
    first, campaign = group.first, summary.campaign
    cell, reason = _cell(first.variation.cell, campaign), first.reason or Cause("", "")
    seeds = f"seed{'s' if group.images > 1 else ''} {' '.join(group.seeds)}"
    if group.images > len(group.seeds):
        seeds += f" and {group.images - len(group.seeds):,} more"
    match first.state:
        case State.IN_DOUBT:
            why = f"{reason.message}; sent at {_clock(_sent(first))}, Adobe may have charged for them"
            return [f"{group.images:,} in doubt", f"{cell}, {seeds}", why]
        case State.ACCEPTED:
            why = f"paid for and waiting at the service, until about {_clock(_sent(first) + KEPT_AT_SERVICE)}"
            told = [reason.message] if reason.message else []
            kept = [f"what came is kept: {_names(group, summary)}"] if group.unexpected else []
            return [f"{group.images:,} waiting", f"{cell}, {seeds}", *told, *kept, why]
        case _ if first.job_id is None:
            what = f'{cell}: "{reason.code}", {reason.message}'
            place = f"{display_path(campaign.path)}:{_line(campaign, first.variation.cell.prompt)}"
            return [f"{group.images:,} refused", what, f"edit {place}, or: {_settle(summary, group)}"]
        case _:
            what = f'{cell}, {seeds}: "{reason.code}", {reason.message}'
            only = group.only() if is_split else []
            again = f"{_resolve(summary, '--retry-failed', *only)}   or: {_settle(summary, group)}"
            look = f"look first at what came instead, it is paid for: {_names(group, summary)}"
            return [f"{group.images:,} failed", what, *([look] if group.unexpected else []), again]


def _names(group: _Group, summary: Summary) -> str:
    return joined([display_path(summary.folder.path / file) for file in group.unexpected], most=_FILES)


def _not_yet(summary: Summary) -> Iterator[Row]:
    if pending := summary.counts[State.PENDING]:
        yield [f"{pending:,} pending", "not asked for yet", _run_again(summary)]


def _warnings(campaign: Campaign) -> Iterator[Row]:
    """What `check` warns of: it stops nothing, but may have been paid for."""
    for warning in campaign.warnings[:LISTED]:
        place = warning.place(display_path(warning.path))
        yield ["warning", f"{place}: {warning.message}", *([warning.advice] if warning.advice else [])]
    if (more := len(campaign.warnings) - LISTED) > 0:
        yield ["warning", f"and {more:,} more: {next_commands.check(campaign.path)}"]


def _command(summary: Summary, state: State) -> str:
    if state == State.ACCEPTED:
        return _run_again(summary)
    return f"{_resolve(summary, '--resubmit')}   or   --abandon"


def _run_again(summary: Summary) -> str:
    return next_commands.run(summary.campaign.path, summary.folder)


def _resolve(summary: Summary, *flags: str) -> str:
    return next_commands.resolve(summary.folder, summary.campaign.path, *flags)


def _settle(summary: Summary, group: _Group) -> str:
    return _resolve(summary, "--abandon", *group.only())


def _cell(cell: Cell, campaign: Campaign) -> str:
    """A cell in words, its size by name where it has one."""
    size = next((name for name, size in campaign.family.names.items() if size == cell.size), str(cell.size))
    return ", ".join(part for part in (cell.product, cell.prompt, cell.preset, cell.market, size) if part)


def _line(campaign: Campaign, prompt: str) -> int:
    """Where to edit a prompt; where the prompts begin, if it is gone."""
    return campaign.line(("prompts", prompt) if prompt in campaign.prompts else ("prompts",))


def _sent(entry: Entry) -> datetime:
    """When an image that is in doubt or waiting was asked for."""
    return datetime.fromisoformat(str(entry.submitted_at))


def _clock(at: datetime) -> str:
    """Local time."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _left_today(allowance: Allowance | None) -> str:
    if allowance is None:
        return ""
    left = max(allowance.per_day - allowance.used_day, 0)
    return f"allowance left today {left:,} of {allowance.per_day:,}"
