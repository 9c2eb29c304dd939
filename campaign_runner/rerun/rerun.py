"""A manifest made again, from its lock to its report: the road of a run, with steps of its own.

What an earlier rerun told, reference images, credentials, custom models, the question, the scheduler; afterwards the
comparison and the report.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace

from campaign_runner.errors import CampaignError
from campaign_runner.journal.last_run import LastRun
from campaign_runner.journal.ledger import Entry
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.output_folder.folder import MADE_AGAIN, MADE_FROM, MADE_WITH
from campaign_runner.ports import CampaignJournal
from campaign_runner.report.standing import standing_of
from campaign_runner.rerun.choice import only_these
from campaign_runner.rerun.comparison import compare
from campaign_runner.rerun.comparison_page import write_comparison, write_record
from campaign_runner.rerun.report import RerunResult, differences, report
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.rerun.restoration import put_back
from campaign_runner.rerun.steps import ROAD, Rerun
from campaign_runner.run.ending import exit_code
from campaign_runner.session.request import ServiceAccess, UserInterface
from campaign_runner.session.result import note_end
from campaign_runner.session.road import open_record
from campaign_runner.tasks import in_thread, map_concurrently
from campaign_runner.verify.damage import Damage, Expected, damage
from campaign_runner.verify.verification import READERS


async def make_again(order: RerunRequest, access: ServiceAccess, ui: UserInterface) -> int:
    """Make the images of a manifest again and compare; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    await order.refuse(access)
    with ExitStack() as locks:
        if order.restore:
            locks.enter_context(order.home.locked())
            await in_thread(refuse_damage, order.home.path / FILE)  # nothing is bought that could not be put back
            order = await _only_damaged(order)
        if not order.chosen.images:
            ui.report("ok nothing to put back: every selected image is as recorded exit=0")
            return 0
        locks.enter_context(order.into.locked())
        owner = {"campaign": order.read.head.campaign, MADE_AGAIN: order.mark}
        owner |= {MADE_FROM: order.into.relative(order.read.path), MADE_WITH: json.dumps(order.wanted)}
        owner |= LastRun(ui.control.clock.now()).as_note()
        async with open_record(order.into, access, ui, owner) as (journal, ledger):
            await _decide(journal, order)
            into, rate, limits = order.into, order.rate, order.limits
            rerun = Rerun(
                folder=into,
                rate=rate,
                limits=limits,
                access=access,
                ui=ui,
                journal=journal,
                ledger=ledger,
                before=ledger.requests(),
                order=order,
            )
            try:
                return await _made(rerun)
            except CampaignError as refusal:
                await note_end(rerun, refusal.exit_code)
                raise


async def _only_damaged(order: RerunRequest) -> RerunRequest:
    """Only what differs from the record is made again, and put back: the rest is in its place."""

    async def held(image: Entry) -> Damage | None:
        wanted = Expected(str(image.file), str(image.sha256), image.bytes or 0, image.key, image.cell.size)
        return await damage(order.home.store, wanted, {})

    images = order.chosen.images
    found = await map_concurrently(held, images, READERS)
    damaged = [image for image, how in zip(images, found, strict=True) if how is not None]
    return replace(order, chosen=only_these(order.chosen, damaged))


async def _decide(journal: CampaignJournal, order: RerunRequest) -> None:
    """Apply a person's word over what an earlier rerun left open."""
    keys = [image.key for image in order.chosen.images]
    for decision in order.decisions:
        await decision.record(journal, keys)


async def _made(rerun: Rerun) -> int:
    """Make what is due, compare, put back what may be, write it down and tell it."""
    steady = asyncio.get_running_loop().time
    began, order, ledger, ending = steady(), rerun.order, rerun.ledger, rerun.control.ending
    async with rerun.opened:
        for step in ROAD:
            rerun = rerun if rerun.is_over else (await step(rerun) or rerun)
    await in_thread(write_record, order, ledger, rerun.control.clock.now())
    pairs = await compare(order.chosen.images, ledger, order.sides)
    made = [pair for pair in pairs if pair.verdict != "not_made"] if order.restore else []
    restored = [each async for each in put_back(made, order.home, order.sides)] if made else []
    ending.errors += differences(order, pairs, restored, ending)
    there = await order.home.store.present([str(pair.recorded.file) for pair in pairs])
    comparison = await in_thread(write_comparison, order, pairs, there)
    code = exit_code(ending, rerun.counts())
    await note_end(rerun, code)
    outcome = RerunResult(pairs, restored, comparison, code=code, seconds=steady() - began)
    for line in report(order, ledger, ending, outcome):
        rerun.ui.report(line)
    rerun.ui.ended(standing_of({str(state): number for state, number in rerun.counts().items()}, ledger, rerun.bought))
    ending.raise_bug()
    return code
