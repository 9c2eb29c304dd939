"""A manifest made again, from its lock to its report."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace

from campaign_runner.errors import CampaignError
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.journal.tables import FILE, refuse_damage
from campaign_runner.output_folder.folder import MADE_AGAIN
from campaign_runner.rerun.choice import only_these
from campaign_runner.rerun.comparison import compare
from campaign_runner.rerun.comparison_page import write_comparison, write_record
from campaign_runner.rerun.maker import Maker
from campaign_runner.rerun.report import RerunResult, differences, report
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.rerun.restoration import put_back
from campaign_runner.run.ending import exit_code
from campaign_runner.session.request import ServiceAccess, UserInterface
from campaign_runner.tasks import in_thread, map_concurrently
from campaign_runner.verify.damage import Damage, Expected, damage
from campaign_runner.verify.verification import READERS


async def make_again(order: RerunRequest, access: ServiceAccess, ui: UserInterface) -> int:
    """Make the images of a manifest again and compare; the answer is the exit status.

    Raises CampaignError for what is refused before anything was sent.
    """
    order.refuse(access)
    with ExitStack() as locks:
        if order.restore:
            locks.enter_context(order.home.locked())
            await in_thread(refuse_damage, order.home.path / FILE)  # nothing is bought that could not be put back
            order = await _only_damaged(order)
        if not order.chosen.images:
            ui.report("ok nothing to put back: every selected image is as recorded exit=0")
            return 0
        locks.enter_context(order.into.locked())
        async with SqliteJournal(order.into.path, now=ui.control.clock.now) as journal:
            await _claim(journal, order, access)
            with Ledger(order.into.path) as ledger:
                return await _made(order, ui, Maker(order, access, ui, journal=journal, ledger=ledger))


async def _only_damaged(order: RerunRequest) -> RerunRequest:
    """Only what differs from the record is made again, and put back: the rest is in its place."""

    async def held(image: Entry) -> Damage | None:
        wanted = Expected(str(image.file), str(image.sha256), image.bytes or 0, image.key, image.cell.size)
        return await in_thread(damage, order.home.path, wanted, {})

    images = order.chosen.images
    found = await map_concurrently(held, images, READERS)
    damaged = [image for image, how in zip(images, found, strict=True) if how is not None]
    return replace(order, chosen=only_these(order.chosen, damaged))


async def _claim(journal: SqliteJournal, order: RerunRequest, access: ServiceAccess) -> None:
    """Note whose images these are; apply a person's word over what an earlier rerun left open."""
    await journal.note({"campaign": order.read.head.campaign, "origin": access.origin, MADE_AGAIN: order.mark})
    if access.is_sandbox:
        await journal.forget_unfinished()
    keys = [image.key for image in order.chosen.images]
    for decision in order.decisions:
        await journal.decide(decision.reason, keys, states=decision.states, into=decision.into)


async def _made(order: RerunRequest, ui: UserInterface, maker: Maker) -> int:
    """Make what is due, compare, put back what may be, write it down and tell it."""
    steady = asyncio.get_running_loop().time
    began, ending = steady(), ui.control.ending
    allowance = await maker.work()
    await in_thread(write_record, order, maker.ledger, ui.control.clock.now())
    pairs = await compare(order.chosen.images, maker.ledger, order.sides)
    restored = [each async for each in put_back(pairs, order.home, order.sides)] if order.restore else []
    ending.errors += differences(order, pairs, restored, ending)
    comparison = await in_thread(write_comparison, order, pairs)
    code = exit_code(ending, maker.counts())
    outcome = RerunResult(pairs, restored, comparison, code=code, allowance=allowance, seconds=steady() - began)
    for line in report(order, maker.ledger, ending, outcome):
        ui.report(line)
    for error in ending.errors:
        if not isinstance(error, CampaignError):
            raise error  # a bug: everything else is in order by now
    return code
