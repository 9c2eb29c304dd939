"""Why a run stopped, as its report says it: one fact, one line."""

from __future__ import annotations

import errno

import pytest

from campaign_runner.errors import CampaignError, IntegrityError, StoreError
from campaign_runner.run.ending import Ending
from campaign_runner.session.result import reasons
from tests.disks import holding
from tests.fixtures import Begin

FULL = "the disk is full: {} cannot be written; make room and run again"
NAMES = ("/my season/output/images/a.jpg", "/my season/output/images/b.jpg", "/my season/output/journal.sqlite")


def test_a_disk_that_refuses_many_files_is_one_line_with_a_count() -> None:
    ending = Ending(errors=[StoreError(FULL.format(name)) for name in NAMES])
    assert list(reasons(ending)) == [f"stopped: {FULL.format(NAMES[0])} (the same for 2 other files)"]


def test_what_differs_in_more_than_its_file_is_told_apart() -> None:
    errors: list[CampaignError] = [StoreError(FULL.format(NAMES[0])), IntegrityError(f"{NAMES[0]} is damaged")]
    assert len(list(reasons(Ending(errors=list(errors))))) == 2


async def test_a_disk_that_is_full_while_a_run_downloads_is_told_once(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=4)
    with pytest.MonkeyPatch.context() as patch:
        holding(patch, lambda name: errno.ENOSPC if name == "link" and night.ledger.images_charged else None)
        ended = await night.run(campaign)
    told = [line for line in ended.lines if "disk is full" in line]
    assert (ended.code, len(told)) == (6, 1), ended.lines
    night.exits["night"] = (await night.run(campaign)).code
    assert night.exits["night"] == 0
