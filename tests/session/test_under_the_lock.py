"""What is written at the end is written while the folder is still held: no other run can be in it by then."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.maintenance.test_keep import kept
from tests.maintenance.test_prune import pruned
from tests.night import Night
from tests.rerun.again import again
from tests.session.edits import edited

RECORDS = ("manifest.json", "contact-sheet.jpg", "comparison.json", "comparison.html")
REPORT = "the report"
Seen = set[tuple[str, bool]]


def is_held(folder: Path) -> bool:
    """Whether somebody else has the lock of `folder`, as any process could ask."""
    with (folder / ".lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Each record that got its name, and whether its folder was held then."""
    seen: Seen = set()

    def watched(call: Callable[..., None]) -> Callable[..., None]:
        def rename(old: Any, new: Any, **options: Any) -> None:
            if (target := Path(new)).name in RECORDS:
                seen.add((target.name, is_held(target.parent)))
            call(old, new, **options)

        return rename

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    return seen


def listening(seen: Seen, folder: Path) -> Callable[[str], None]:
    """What a line of the report is told to: it is read as it is said."""
    return lambda line: seen.add((REPORT, is_held(folder)))


@pytest.mark.parametrize("fault", [None, Fault("451", nth=1), Fault("403", nth=2)], ids=["0", "3", "7"])
async def test_a_run_writes_manifest_sheet_and_report_under_its_lock(
    begin: Begin, seen: Seen, fault: Fault | None
) -> None:
    night = await begin(*([fault] if fault else []))
    await night.run(night.campaign(), hear=listening(seen, night.output))
    assert seen == {("manifest.json", True), ("contact-sheet.jpg", True), (REPORT, True)}
    assert not is_held(night.output)


async def test_a_rerun_writes_its_records_and_its_report_under_its_lock(begin: Begin, seen: Seen) -> None:
    night = await begin()
    await night.run(night.campaign())
    night.resolved |= set(night.ledger.charged)
    seen.clear()
    ended = await again(night, hear=listening(seen, night.output.with_name("night.rerun")))
    assert seen == {(name, True) for name in (*RECORDS, REPORT) if name != "contact-sheet.jpg"}
    assert not is_held(ended.folder)


async def resolved(night: Night, campaign: Campaign) -> None:
    await night.resolve(Decision.RESUBMIT)


async def stands_in(night: Night, campaign: Campaign) -> None:
    await kept(night, edited(campaign, "p00: night mug 0", "p00: night jug 0"))


async def moved_aside(night: Night, campaign: Campaign) -> None:
    await pruned(night, edited(campaign, "p00: night mug 0", "p00: night jug 0"))


@pytest.mark.parametrize("command", [resolved, stands_in, moved_aside], ids=["resolve", "keep", "prune"])
async def test_a_command_rewrites_the_manifest_under_the_lock(begin: Begin, seen: Seen, command: Any) -> None:
    night = await begin(Fault("reset_after", nth=2))
    campaign = night.campaign()
    await night.run(campaign, limits=Limits(concurrency=1))
    seen.clear()
    await command(night, campaign)
    assert seen == {("manifest.json", True)}
    assert not is_held(night.output)
