"""A campaign over its life: edited, renamed, cloned. Only what is really new is bought."""

from __future__ import annotations

from typing import Any

import pytest
from night import Ended

from campaign_runner.errors import UsageError
from campaign_runner.events import Adopted, Edited
from campaign_runner.spec.reading import load
from campaign_runner.spec.schema import Campaign

PERSON_SAYS_NO = {"leave": lambda changes: False}


def edited(campaign: Campaign, old: str, new: str) -> Campaign:
    """The same file with another text in it."""
    text = campaign.path.read_text(encoding="utf-8")
    assert old in text
    campaign.path.write_text(text.replace(old, new), encoding="utf-8")
    return load(campaign.path)


def copied(campaign: Campaign, name: str) -> Campaign:
    """The same campaign in a file of its own, under another name."""
    text = campaign.path.read_text(encoding="utf-8").replace(f"campaign: {campaign.campaign}\n", f"campaign: {name}\n")
    path = campaign.path.with_name(f"{name}.yaml")
    path.write_text(text, encoding="utf-8")
    return load(path)


def said(ended: Ended) -> list[str]:
    return [event.message for event in ended.seen(Edited)]


async def test_an_edited_prompt_is_told_in_images_and_money(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=3)
    await night.run(campaign)
    ended = await night.run(edited(campaign, "on a table", "on a shelf"))
    assert said(ended) == [
        "prompt hero changed: 12 images due, 3 requests, 1 min; 0 kept; 12 no longer in the campaign (kept on disk)"
    ]
    assert len(night.ledger.accepted) == 6


async def test_an_edit_is_told_once(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign()
    await night.run(campaign)
    now = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    assert said(await night.run(now)) == [
        "product p00 changed: 4 images due, 1 request, 1 min; 4 kept; 4 no longer in the campaign (kept on disk)"
    ]
    assert said(await night.run(now)) == []


async def test_an_edit_that_leaves_much_behind_wants_a_persons_word(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign()
    await night.run(campaign)
    now = edited(campaign, "on a table", "on a shelf")
    with pytest.raises(UsageError, match=r"8 of 8 stored images would no longer be in it.*--accept-changes"):
        await night.run(now, **PERSON_SAYS_NO)
    assert len(night.ledger.accepted) == 2
    assert (await night.run(now)).code == 0
    assert (await night.run(now, **PERSON_SAYS_NO)).code == 0  # said once, it holds


async def test_a_quarter_may_leave_without_a_word(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=4)
    await night.run(campaign)
    assert (await night.run(edited(campaign, "  p03: night mug 3\n", ""), **PERSON_SAYS_NO)).code == 0


async def test_a_renamed_product_costs_nothing(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign()
    await night.run(campaign)
    ended = await night.run(edited(campaign, "p00:", "mug:"))
    assert said(ended) == ["product p00 is called mug now: nothing due"]
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)


async def test_what_another_campaign_has_is_not_bought(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=2)
    first = await night.run(campaign)
    clone = edited(copied(campaign, "clone"), "p01: night mug 1", "p01: night jug 1")
    ended = await night.run(clone)
    assert (ended.code, ended.states, len(night.ledger.accepted)) == (0, {"stored": 8}, 3)
    assert len(ended.seen(Adopted)) == 4
    files = {image["key"]: image for image in first.images}
    for image in ended.images[:4]:
        assert image["source"] == {"how": "reused", "campaign": "night", "key": image["key"], "prompt": image["prompt"]}
        assert image["sha256"] == files[image["key"]]["sha256"]
        assert image["submitted_at"] == files[image["key"]]["submitted_at"]


async def test_who_does_not_want_it_buys(begin: Any) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    await night.run(campaign)
    night.resolved |= set(night.ledger.charged)
    ended = await night.run(copied(campaign, "clone"), use=lambda found: False)
    assert (ended.code, ended.seen(Adopted), len(night.ledger.accepted)) == (0, [], 2)
