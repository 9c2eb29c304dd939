"""The end of a rerun in words: how alike the pairs are, worst first; the last line is for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.errors import IntegrityError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import IMAGES, State
from campaign_runner.output_folder.folder import SANDBOX
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.report.summary import spent
from campaign_runner.rerun.comparison import Pair, counts
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.rerun.restoration import PutBack
from campaign_runner.run.ending import Ending
from campaign_runner.session.result import reasons
from campaign_runner.text import first_few, joined, plural, printable


@dataclass(frozen=True, slots=True)
class RerunResult:
    """What a rerun came to. `comparison` is the page."""

    pairs: Sequence[Pair]
    restored: Sequence[PutBack]
    comparison: Path
    code: int
    seconds: float


def differences(
    order: RerunRequest, pairs: Sequence[Pair], restored: Sequence[PutBack], ending: Ending
) -> Iterator[IntegrityError]:
    """What makes the exit status say that something differs from the record, beside what stopped the rerun."""
    others = sum(not pair.is_same and pair.verdict != "not_made" for pair in pairs)
    is_told = any(isinstance(error, IntegrityError) for error in ending.errors)
    if others and not order.accept_drift and not is_told:
        yield IntegrityError(f"{others:,} of the {plural(len(pairs), 'image')} differ from the recorded ones")
    if left := sum(not each.is_done for each in restored):
        yield IntegrityError(f"{plural(left, 'image')} could not be put back")


def report(order: RerunRequest, ledger: Ledger, ending: Ending, outcome: RerunResult) -> Iterator[str]:
    """The lines of the end of a rerun."""
    pairs, found = outcome.pairs, counts(outcome.pairs)
    requests = ledger.requests().submitted
    made = len(pairs) - found["not_made"]
    name = f"{order.read.head.campaign} generated again"
    yield f"{name}   {made:,} of {plural(len(pairs), 'image')}   {spent(requests, outcome.seconds)}"
    yield ""
    for verdict, number in found.items():
        if number:
            yield f"  {number:,} {verdict.replace('_', ' ')}"
            differing = [_told(pair) for pair in pairs if pair.verdict == verdict and _is_worth_a_line(pair)]
            yield from (f"      {line}" for line in first_few(differing))
    yield from (f"  {printable(line)}" for line in order.chosen.left_out)
    yield from (f"  {printable(each.words)}" for each in outcome.restored)
    yield from (f"  {printable(reason)}" for reason in reasons(ending))
    yield from _ways_out(order, pairs, ledger, ending)
    yield ""
    yield f"  files     {order.into.store.where(IMAGES)}"
    yield f"  compare   {outcome.comparison}"
    figures = " ".join(f"{verdict}={number}" for verdict, number in found.items())
    word = "ok" if outcome.code == 0 else "attention"
    yield f"{word} images={len(pairs)} {figures} requests={requests} exit={outcome.code}"


def _is_worth_a_line(pair: Pair) -> bool:
    """What is as it was, is still to come or was not requested yet, is only counted."""
    return not pair.is_same and pair.made is not None and pair.made.state not in (State.ACCEPTED, State.PENDING)


def _told(pair: Pair) -> str:
    image = pair.recorded
    apart = f", {pair.distance} % apart" if pair.distance is not None else ""
    why = f": {pair.why}" if pair.why is not None else ""
    return printable(f"{image.key[:8]} {image.cell}, seed {image.seed}{apart}{why}")


def _ways_out(order: RerunRequest, pairs: Sequence[Pair], ledger: Ledger, ending: Ending) -> Iterator[str]:
    """How to go on with what was left open."""

    def again(*flags: str) -> str:
        folders = ["--into", str(order.into.path)]
        folders += ["--references", str(order.references.absolute())] if order.references is not None else []
        known = [*order.wanted, *(["--accept", "drift"] if order.accept_drift else [])]
        is_sandbox = ledger.origin == SANDBOX
        return next_commands.rerun(order.read.path, *folders, *known, *flags, is_sandbox=is_sandbox)

    states, came = ledger.counts(), ledger.unexpected()
    yield from _to_come(pairs, again(), ending)
    if states[State.IN_DOUBT]:
        yield f"  in doubt: Adobe may have charged for them; to request them again: {again('--resubmit')}"
    unexpected = [file for entry in ledger.in_states(State.FAILED) for file in came.get(entry.job_id or "", ())]
    if unexpected:
        names = joined([display_path(order.into.store.where(file)) for file in dict.fromkeys(unexpected)])
        yield f"  failed: look first at what came instead, you paid for it: {names}"
    if states[State.FAILED]:
        yield f"  failed: to request them again: {again('--retry-failed')}"


def _to_come(pairs: Sequence[Pair], again: str, ending: Ending) -> Iterator[str]:
    """What the same command downloads, and requests where nothing that was found forbids it."""
    states = [pair.made.state if pair.made is not None else State.PENDING for pair in pairs]
    waiting, pending = states.count(State.ACCEPTED), states.count(State.PENDING)
    if any(isinstance(error, IntegrityError) for error in ending.errors):
        pending = 0
    paid = f"{plural(waiting, 'image')} paid for and still to be downloaded" if waiting else ""
    rest = f"{pending:,} not requested yet" if pending else ""
    if paid or rest:
        yield f"  {'; '.join(part for part in (paid, rest) if part)}; to go on: {again}"
