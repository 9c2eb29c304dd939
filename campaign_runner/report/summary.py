"""The end of a run in words: worst first, one block a cause; the last line is for machines.

Everything in it comes from the ledger, so that `status` says the same the next morning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.request_counts import RequestCounts
from campaign_runner.model import IMAGES, Bought, Cell, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.ports import Allowance
from campaign_runner.report import next_commands
from campaign_runner.report.advice import Advice
from campaign_runner.report.blocks import LISTED, Block, blocks_of
from campaign_runner.report.next_commands import display_path
from campaign_runner.report.standing import purchase
from campaign_runner.text import clock, joined, plural, printable, span

_FILES = 4
Row: TypeAlias = list[str]
"""A label, such as `4 in doubt`, and its lines."""
KEPT_AT_SERVICE = timedelta(hours=24)
_MAY_COST = "Adobe may have charged for them"
_FORGOTTEN = "the sandbox forgets its requests when the run ends; the next one requests these images again (free)"
_COUNTS = ("planned", *State)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a report is about: the campaign, its counts (as in the manifest) and how the run ended.

    `bought` is what the run bought, None where none has just ended; `reasons` say why it stopped before its end. `look`
    is the contact sheet, if there is one. With `is_whole` every image that needs a person is listed. `memory` leads
    from names to folders, None where nothing is remembered.
    """

    campaign: Campaign
    folder: Folder
    counts: Mapping[str, int]
    requests: RequestCounts
    exit: int
    bought: Bought | None = None
    reasons: Sequence[str] = ()
    look: Path | None = None
    allowance: Allowance | None = None
    seconds: float | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_whole: bool = False
    memory: RunRegistry | None = None

    @property
    def called(self) -> str:
        """What commands call the campaign."""
        return next_commands.called(self.folder, self.memory)


def report(summary: Summary, ledger: Ledger) -> Iterator[str]:
    """The lines of the end of a run."""
    name, counts = summary.campaign.campaign, summary.counts
    made = f"{name}   {counts[State.STORED]:,} of {plural(counts['planned'], 'image')} stored and checked"
    yield f"{made:<63} {spent(summary.requests.submitted, summary.seconds)}"
    yield ""
    rows = [*_left_open(summary, ledger), *_not_yet(summary), *_warnings(summary.campaign)]
    yield from _aligned(rows)
    yield from (f"  {printable(reason)}" for reason in summary.reasons)
    if rows or summary.reasons:
        yield ""
    if money := _money(summary, ledger):
        yield f"  money   {money}"
    yield f"{f'  files   {summary.folder.store.where(IMAGES)}':<45}   {_left_today(summary.allowance)}".rstrip()
    if summary.look is not None:
        yield f"  look    {summary.look}"
    if (page := summary.folder.review_page).exists():
        yield f"  choose  {page}"
    yield last_line(counts, summary.requests.submitted, summary.exit)


def spent(requests: int, seconds: float | None) -> str:
    """`8 requests, 2 min`; the time is left out where nothing was timed."""
    sent = plural(requests, "request")
    return sent if seconds is None else f"{sent}, {span(seconds)}"


def last_line(counts: Mapping[str, int], requests: int, code: int) -> str:
    """The line for machines: begins `ok` if the exit status is 0, otherwise `attention`."""
    figures = " ".join(f"{name}={counts[name]}" for name in _COUNTS)
    return f"{'ok' if code == 0 else 'attention'} {figures} requests={requests} exit={code}"


def _money(summary: Summary, ledger: Ledger) -> str:
    """What was paid for, in one sentence: `463 images paid and kept; up to 25 more may have been charged`."""
    if not summary.requests.bought or summary.folder.is_sandbox:
        return ""
    kept, waiting = summary.requests.kept, ledger.counts()[State.ACCEPTED]
    paid = [f"{plural(kept, 'image')} paid and kept"]
    paid += [f"{waiting:,} paid and waiting at Adobe"] if waiting else []
    unsure = summary.requests.bought - kept - waiting
    charged = f"; up to {unsure:,} more may have been charged" if unsure > 0 else ""
    by_this = summary.bought if summary.bought != summary.requests.all_bought else None
    return f"{', '.join(paid)}{charged}" + (f"; this run {purchase(by_this)}" if by_this is not None else "")


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Each row's label and its first line; the further lines of the row are under that one."""
    width = max((len(label) for label, *lines in rows if lines), default=0) + 3
    for label, *lines in rows:
        for number, line in enumerate(lines):
            yield f"  {'' if number else label:{width}}{printable(line)}"
        if not lines:
            yield f"  {printable(label)}"


def _left_open(summary: Summary, ledger: Ledger) -> Iterator[Row]:
    """What is in doubt, failed or waiting at Adobe, worst first."""
    is_rehearsal = summary.folder.is_sandbox
    for state in (State.IN_DOUBT, State.FAILED, State.ACCEPTED):
        found = blocks_of(ledger, state, is_whole=summary.is_whole)
        if not found.blocks:  # what it is called is not looked up for nothing
            continue
        advice = Advice(summary.campaign, ledger, summary.called)
        rows = [_row(block, summary) for block in found.blocks.values()]
        for row, block in zip(rows, found.blocks.values(), strict=True):
            row += advice.about(block) if state == State.FAILED else []
        if state == State.IN_DOUBT and not is_rehearsal:  # one command decides about them all
            rows[-1] += advice.about_doubts(sum(block.images for block in found.blocks.values()) + found.more, [])
        if state == State.ACCEPTED and not (is_rehearsal or summary.counts[State.PENDING]):
            rows[-1].append(_run_again(summary))
        yield from rows
        if found.more:
            yield [f"{found.more:,} more {state.replace('_', ' ')}, for other reasons: {_every_one(summary)}"]
    if is_rehearsal and summary.counts[State.IN_DOUBT] + summary.counts[State.ACCEPTED]:
        yield ["rehearsal", _FORGOTTEN, *([] if summary.counts[State.PENDING] else [_run_again(summary)])]


def _row(block: Block, summary: Summary) -> Row:
    """A block: its label; which images, and why."""
    which, reason, images = _which(block, summary), block.why.reason, block.images
    why = reason.message if reason.code in reason.message else f'"{reason.code}", {reason.message}'
    match block.why.state:
        case State.IN_DOUBT:
            cost = "" if summary.folder.is_sandbox else f"; {_MAY_COST}"
            return [f"{images:,} in doubt", *which, f"{reason.message} ({_sent(block, summary)}){cost}"]
        case State.ACCEPTED:
            told = [*which, reason.message] if reason.message else which if summary.is_whole else []
            kept = [f"what came is kept: {_names(block, summary)}"] if block.unexpected else []
            return [f"{images:,} waiting", *told, *kept, *_ready(block, summary)]
        case _:
            look = [f"look first at what came instead, you paid for it: {_names(block, summary)}"]
            return [f"{images:,} {block.why.called}", *_with_why(which, why), *(look if block.unexpected else [])]


def _ready(block: Block, summary: Summary) -> list[str]:
    """Until when paid images can be downloaded; of a rehearsal nothing can, and nothing was paid for."""
    if summary.folder.is_sandbox:
        return []
    until = clock(block.first + KEPT_AT_SERVICE, summary.now)
    paid = f"paid for ({plural(len(block.jobs), 'request')})"
    return [f"{paid}; the next run downloads {'it' if block.images == 1 else 'them'} (until about {until})"]


def _with_why(which: list[str], why: str) -> list[str]:
    """One line where one cell is concerned."""
    return [f"{which[0]}: {why}"] if len(which) == 1 else [*which, why]


def _which(block: Block, summary: Summary) -> list[str]:
    """The images of a block, a line for each cell."""
    lines = []
    for cell, (_, seeds) in block.takes.items():
        lines.append(f"{_cell(cell, summary.campaign)}, seed{'s' if len(seeds) > 1 else ''} {' '.join(seeds)}")
    more = block.images - block.shown
    if more and len(lines) == 1:
        return [f"{lines[0]} and {more:,} more"]
    return [*lines, f"and {more:,} more: {_every_one(summary)}"] if more else lines


def _sent(block: Block, summary: Summary) -> str:
    """When the images of a block were requested."""
    first, last = clock(block.first, summary.now), clock(block.last, summary.now)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _names(block: Block, summary: Summary) -> str:
    return joined([display_path(summary.folder.store.where(file)) for file in block.unexpected], most=_FILES)


def _not_yet(summary: Summary) -> Iterator[Row]:
    if given_up := summary.counts[State.ABANDONED]:
        yield [f"{given_up:,} given up"]
    if pending := summary.counts[State.PENDING]:
        yield [f"{pending:,} not requested yet: {_run_again(summary)}"]


def _warnings(campaign: Campaign) -> Iterator[Row]:
    """What `check` warns of: it stops nothing, but may have been paid for; what is delivered costs nothing."""
    found = campaign.warnings_of_images
    for warning in found[:LISTED]:
        place = warning.place(display_path(warning.path))
        yield ["warning", f"{place}: {warning.message}", *([warning.advice] if warning.advice else [])]
    if (more := len(found) - LISTED) > 0:
        yield ["warning", f"and {more:,} more: {next_commands.check(campaign.path)}"]
    if of_delivery := len(campaign.warnings) - len(found):
        yield ["warning", f"{of_delivery:,} about what is delivered: {next_commands.check(campaign.path)}"]


def _run_again(summary: Summary) -> str:
    return next_commands.run(summary.campaign.path, summary.folder)


def _every_one(summary: Summary) -> str:
    return next_commands.status(summary.called, "--all")


def _cell(cell: Cell, campaign: Campaign) -> str:
    """A cell in words, its size by name where it has one."""
    size = campaign.family.called(cell.size)
    return ", ".join(part for part in (cell.product, cell.prompt, cell.preset, cell.market, size) if part)


def _left_today(allowance: Allowance | None) -> str:
    if allowance is None:
        return ""
    left = max(allowance.per_day - allowance.used_day, 0)
    return f"allowance left today {left:,} of {allowance.per_day:,}"
