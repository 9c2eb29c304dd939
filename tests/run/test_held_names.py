"""A virus scanner, an indexer or a sync client holds a file for a moment: the night goes on."""

from __future__ import annotations

import errno

import pytest

from campaign_runner.output_folder.folder import SHEET
from campaign_runner.run.limits import Limits
from tests.disks import holding
from tests.fixtures import Begin
from tests.night import Night

HELD = (errno.EACCES, errno.EPERM, errno.EBUSY)


async def changes_of_names(night: Night, refused: dict[int, int], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The changes of names in a run of two images that must end well; `refused` are errors by a change's number."""
    count = iter(range(10_000))
    with monkeypatch.context() as patch:
        seen = holding(patch, lambda name: refused.get(next(count)))
        ended = await night.run(night.campaign(requests=2, seeds=1), limits=Limits(concurrency=1))
    assert (ended.code, ended.states) == (0, {"stored": 2}), refused
    assert night.ledger.images_charged == 2
    assert (night.output / SHEET).exists() and not list((night.output / ".staging").iterdir())
    return seen


async def test_each_change_of_a_name_in_a_run_may_be_refused_once(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = await changes_of_names(await begin(), {}, monkeypatch)
    assert {"link", "replace", "unlink"} <= set(places) and len(places) > 15
    for place in range(len(places)):
        await changes_of_names(await begin(), {place: HELD[place % len(HELD)]}, monkeypatch)


async def test_all_of_them_may_be_refused_once(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    await changes_of_names(await begin(), dict.fromkeys(range(0, 10_000, 2), errno.EACCES), monkeypatch)


async def test_a_folder_that_goes_on_refusing_stops_buying_and_the_next_run_fetches(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    campaign = night.campaign(requests=20, seeds=1)
    with monkeypatch.context() as patch:
        seen = holding(patch, lambda name: errno.EACCES if name == "link" and night.ledger.images_charged else None)
        ended = await night.run(campaign, limits=Limits(concurrency=2))
    bought = night.ledger.images_charged
    assert ended.code == 6 and ended.states["accepted"] == bought <= 5
    assert "another program holds it" in "\n".join(ended.lines)
    assert seen.count("link") < 40  # patience once, not once an image
    again = await night.run()
    assert (again.code, again.states, night.ledger.images_charged) == (0, {"stored": 20}, 20)


async def test_what_a_full_disk_refuses_is_not_asked_for_again(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    night = await begin()
    with monkeypatch.context() as patch:
        seen = holding(patch, lambda name: errno.ENOSPC if name == "link" and night.ledger.images_charged else None)
        ended = await night.run(night.campaign(requests=1, seeds=1))
    assert (ended.code, ended.states) == (6, {"accepted": 1})
    assert seen.count("link") == 1 + 1  # the allowance's file, the image
    assert (await night.run()).code == 0
