"""The end of a run: manifest, contact sheet, report, exit status. All of it comes from the ledger."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from campaign_runner.errors import CampaignError
from campaign_runner.events import Warned
from campaign_runner.journal.last_run import LastRun, last_run
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_writer import (
    Sources,
    counts_of,
    is_as_written,
    keep_what_knows_more,
    write_manifest,
    written_as,
)
from campaign_runner.plan.due import PlanStatus
from campaign_runner.report import next_commands
from campaign_runner.report.sheet.contents import Contents, sheets
from campaign_runner.report.sheet.sheet_file import keep_sheets
from campaign_runner.report.standing import standing_of
from campaign_runner.report.summary import Summary, report
from campaign_runner.review.page.page_data import PageSources
from campaign_runner.review.page.page_file import keep_page, keep_thumbnails
from campaign_runner.run.ending import Ending, exit_code, goes_on
from campaign_runner.session.last_text import NO_TEXT
from campaign_runner.session.request import UserInterface
from campaign_runner.session.road import Road
from campaign_runner.session.steps import Session
from campaign_runner.text import plural

NOTHING: Mapping[str, str] = MappingProxyType({})
_PLACE = re.compile(r"(?<!\S)[^\s/\\]*[/\\]\S*")


async def close(run: Session) -> int:
    """Write what is kept and report; the answer is the exit status. Raises what was a bug in the run.

    What is only for looking at is made after the report: no one waits for it to know how it went.
    """
    seconds = asyncio.get_running_loop().time() - run.began
    order, ui, ledger, plan = run.order, run.ui, run.ledger, run.plan
    folder, ending = run.folder, run.control.ending
    everything = counts_of(plan, ledger)  # counted once: nothing is recorded any more
    written = await _keep_manifest(ui, folder, Sources(plan, ledger, ui.control.clock.now()), everything)
    code = _judged(run, everything)
    await note_end(run, code, written)
    shown = sheets(plan, ledger, everything) if order.sheets else []
    if _has_page(run):
        keep_page(PageSources(folder, plan, ledger), run.warn)
    summary = Summary(
        campaign=order.campaign,
        folder=folder,
        counts={"planned": sum(everything.values())} | everything,
        requests=ledger.requests(),
        bought=run.bought,
        exit=code,
        reasons=list(reasons(ending)),
        look=_look(ending, folder, shown),
        allowance=run.allowance,
        seconds=seconds,
        now=ui.control.clock.now(),
        memory=run.access.memory,
    )
    for line in report(summary, ledger):
        ui.report(line)
    ui.ended(standing_of(summary.counts, ledger, run.bought))
    run.control.is_told = True
    await ui.told(code)
    ending.raise_bug()
    await _keep_pictures(run, shown)
    return code


async def note_end(run: Road, code: int, more: Mapping[str, str] = NOTHING) -> None:
    """The journal notes that the run ended, and how, and `more`; a disk that refuses it is told in the log."""
    control = run.control
    began = last_run(run.ledger) or LastRun(control.clock.now())
    try:
        await run.journal.note(began.end(control.clock.now(), code, run.bought).as_note() | dict(more))
    except CampaignError as error:
        control.observe(Warned(str(error)))


async def _keep_manifest(
    ui: UserInterface, folder: Folder, sources: Sources, counts: Mapping[State, int]
) -> Mapping[str, str]:
    """Rewrite the manifest, unless nothing came since it was written; if the disk refuses it, the report is needed all
    the more. The answer is what the journal is to note.
    """
    if not sources.plan.knows_keys:
        if not len(sources.plan):
            ui.control.skip(NO_TEXT)
        return NOTHING
    try:
        if (kept := keep_what_knows_more(folder.manifest, sources.ledger)) is not None:
            ui.control.observe(Warned(f"the previous manifest knows of more requests; it is kept as {kept}"))
        is_left = is_as_written(folder.manifest, sources)
        if not is_left:
            write_manifest(folder.manifest, sources, staging=folder.staging, counts=counts)
        await folder.keeping.publish(folder)
        return NOTHING if is_left else written_as(folder.manifest, sources)
    except CampaignError as error:
        ui.control.failed(error)
        return NOTHING


def _judged(run: Session, everything: Mapping[State, int]) -> int:
    """The exit status; its ending says from here on whether a later run goes on with it.

    Both speak of what was selected; for the exit status, doubts that left the campaign count all the same.
    """
    ending, only = run.control.ending, run.order.only
    selected = PlanStatus(run.plan, run.ledger.states, only).counts() if only else everything
    elsewhere = run.ledger.counts()[State.IN_DOUBT] - everything[State.IN_DOUBT]
    ending.goes_on = goes_on(ending, selected)
    return exit_code(ending, selected, doubts_elsewhere=elsewhere)


def _look(ending: Ending, folder: Folder, shown: Sequence[Contents]) -> Path | None:
    """Where the first contact sheet is, or will be in a moment; none is drawn after a signal."""
    is_drawn = ending.signal is None and any(each.has_any for each in shown)
    return folder.sheet if is_drawn or folder.sheet.exists() else None


async def _keep_pictures(run: Session, shown: Sequence[Contents]) -> None:
    """Thumbnails and the page that shows them, then the contact sheets, which are drawn from them.

    A signal ends it, and nothing but pictures is left out then.
    """
    control, sources = run.control, PageSources(run.folder, run.plan, run.ledger)
    if _has_page(run):
        await keep_thumbnails(sources, run.warn, is_stopped=lambda: control.skips_pictures, told=run.ui.pictured)
    if control.skips_pictures:
        again = next_commands.run(run.order.campaign.path, run.folder)
        run.warn(f"the small pictures are not complete; the next run makes the rest: {again}")
    elif control.ending.signal is None:
        await keep_sheets(shown, run.folder, run.warn)


def _has_page(run: Session) -> bool:
    """Whether a page to choose on is wanted: not after a signal."""
    return run.order.review and run.control.ending.signal is None and run.plan.knows_keys


def reasons(ending: Ending) -> Iterator[str]:
    """Why the run stopped before its end, each once, and what it left to other campaigns."""
    problems = [error.sentence for error in ending.errors if isinstance(error, CampaignError)]
    problems += [ending.later] if ending.later is not None else []
    for first, *others in _alike(dict.fromkeys(problems)):
        yield f"stopped: {first}" + (f" (the same for {plural(len(others), 'other file')})" if others else "")
    yield from [ending.asked] if ending.asked is not None else []
    yield from dict.fromkeys(ending.left)


def _alike(problems: Iterable[str]) -> Iterable[list[str]]:
    """Sentences that differ in nothing but the file they name are one: a full disk refuses every image."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(_PLACE.sub("", problem), []).append(problem)
    return found.values()
