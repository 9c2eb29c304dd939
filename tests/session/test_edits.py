"""A campaign over its life: edited, renamed, cloned. Only what is really new is bought."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import UsageError
from campaign_runner.events import Adopted, Edited, Event, Stored, Warned
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder
from campaign_runner.plan.selection import Selection
from campaign_runner.run.control import Control
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin, made
from tests.night import Ended, Night, Several
from tests.session.edits import copied, crash, edited

PERSON_SAYS_NO: dict[str, Any] = {"confirm_removal": lambda changes: False}


def said(ended: Ended) -> list[str]:
    return [event.message for event in ended.seen(Edited)]


async def test_an_edited_prompt_is_told_in_images_and_money(begin: Begin) -> None:
    night, campaign = await made(begin, requests=3)
    ended = await night.run(edited(campaign, "on a table", "on a shelf"))
    assert said(ended) == [
        "prompt hero changed: 12 images due, 3 requests, 1 min; 0 unchanged; 12 no longer in the campaign (files stay)"
    ]
    assert len(night.ledger.accepted) == 6


async def test_an_edit_is_told_once(begin: Begin) -> None:
    night, campaign = await made(begin)
    now = edited(campaign, "p00: night mug 0", "p00: night jug 0")
    assert said(await night.run(now)) == [
        "product p00 changed: 4 images due, 1 request, 1 min; 4 unchanged; 4 no longer in the campaign (files stay)"
    ]
    assert said(await night.run(now)) == []


async def test_an_edit_that_leaves_much_behind_wants_a_persons_word(begin: Begin) -> None:
    night, campaign = await made(begin)
    now = edited(campaign, "on a table", "on a shelf")
    with pytest.raises(UsageError, match=r"8 of 8 stored images would no longer be in it.*--accept changes"):
        await night.run(now, **PERSON_SAYS_NO)
    assert len(night.ledger.accepted) == 2
    assert (await night.run(now)).code == 0
    assert (await night.run(now, **PERSON_SAYS_NO)).code == 0  # said once, it holds


async def test_a_quarter_may_leave_without_a_word(begin: Begin) -> None:
    night, campaign = await made(begin, requests=4)
    assert (await night.run(edited(campaign, "  p03: night mug 3\n", ""), **PERSON_SAYS_NO)).code == 0


async def test_a_renamed_product_costs_nothing(begin: Begin) -> None:
    night, campaign = await made(begin)
    ended = await night.run(edited(campaign, "p00:", "mug:"))
    assert said(ended) == ["product p00 is called mug now: nothing due"]
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)


async def test_what_another_campaign_has_is_not_bought(begin: Begin) -> None:
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


async def test_who_does_not_want_it_buys(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    night.resolved |= set(night.ledger.charged)
    ended = await night.run(copied(campaign, "clone"), confirm_reuse=lambda found: False)
    assert (ended.code, ended.seen(Adopted), len(night.ledger.accepted)) == (0, [], 2)


async def test_a_campaign_that_was_renamed_costs_nothing(begin: Begin) -> None:
    night, campaign = await made(begin)
    ended = await night.run(edited(campaign, "campaign: night\n", "campaign: day\n"))
    assert (ended.code, ended.states, len(night.ledger.accepted)) == (0, {"stored": 8}, 2)


async def test_a_renamed_campaign_whose_images_still_wait_is_refused(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    campaign = night.campaign(requests=1)
    assert (await night.run(campaign)).code == 8
    with pytest.raises(UsageError, match="last ran into"):
        await night.run(edited(campaign, "campaign: night\n", "campaign: day\n"))
    assert len(night.ledger.accepted) == 1


async def test_a_renamed_campaign_that_may_not_reuse_is_refused(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    with pytest.raises(UsageError, match="last ran into"):
        await night.run(edited(campaign, "campaign: night\n", "campaign: day\n"), reuse=False)


async def test_a_file_that_was_altered_or_is_gone_is_bought(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    first = await night.run(campaign)
    gone, altered, *_ = (night.output / image["file"] for image in first.images)
    content = altered.read_bytes()
    away = gone.rename(night.home / "away")
    altered.write_bytes(content[:-1])
    night.resolved |= {first.images[0]["key"], first.images[1]["key"]}
    ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, len(ended.seen(Adopted)), night.ledger.images_charged) == (0, 2, 6)
    assert [event.message.partition(" of campaign night is missing")[0] for event in ended.seen(Warned)] == [
        str(gone), str(altered),
    ]  # fmt: skip
    away.rename(gone)
    altered.write_bytes(content)


async def test_what_breaks_one_record_stops_nobody(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    other = night.home / "output" / "broken"
    other.mkdir()
    (other / "journal.sqlite").write_bytes(b"not a database at all")
    ended = await night.run(copied(campaign, "clone"))
    (warned,) = ended.seen(Warned)
    assert warned.message.startswith("nothing of broken is used: ")
    assert (len(ended.seen(Adopted)), len(night.ledger.accepted)) == (4, 1)
    shutil.rmtree(other)


async def test_a_record_is_read_while_its_run_goes_on(begin: Begin) -> None:
    night, campaign = await made(begin, requests=1)
    with Folder(night.output).locked():
        async with SqliteJournal(night.output):
            ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, len(ended.seen(Adopted))) == (0, 4)


async def test_the_images_of_another_service_are_not_used(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1)
    night.name = "sandbox"
    await night.run(campaign)
    night.name = ""
    night.resolved |= set(night.ledger.charged)
    ended = await night.run(copied(campaign, "clone"))
    assert (ended.seen(Adopted), len(night.ledger.accepted)) == ([], 2)


async def test_a_run_beside_ours_that_has_no_tables_yet_stops_nobody(begin: Begin) -> None:
    night = await begin()
    beside = night.output.parent / "beginning"
    beside.mkdir(parents=True)
    (beside / "journal.sqlite").touch()
    assert (await night.run(night.campaign())).code == 0
    shutil.rmtree(beside)


async def test_what_was_made_again_to_be_compared_is_not_used(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign())
    async with SqliteJournal(night.output) as journal:
        await journal.note({MADE_AGAIN: "a manifest"})
    await night.run(copied(night.campaign(), "copy"))
    assert len(night.ledger.accepted) == 4
    night.resolved |= set(night.ledger.charged)


async def test_a_clone_for_a_custom_model_asks_which_model_it_is_and_buys_nothing(begin: Begin) -> None:
    night = await begin()
    campaign = night.custom("Warm Custom Model")
    await night.run(campaign)
    ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, len(ended.seen(Adopted)), len(night.ledger.accepted)) == (0, 4, 1)
    assert ended.manifest["images"][0]["custom_model_etag"] == ended.manifest["model"]["custom_model_etag"]


async def test_what_waits_in_another_campaign_is_left_to_it(begin: Begin) -> None:
    night = await begin(job_seconds=1500)
    campaign = night.campaign(requests=2)
    await night.run(campaign)
    clone = edited(copied(campaign, "clone"), "p01: night mug 1", "p01: night jug 1")
    ended = await night.run(clone)
    left = "4 images due here wait at Adobe or in doubt in campaign night: they are not bought here"
    assert [event.message.startswith(left) for event in ended.seen(Warned)] == [True]
    assert any(left in line for line in ended.lines)
    assert (ended.code, ended.states, night.ledger.images_charged) == (8, {"pending": 4, "accepted": 4}, 12)
    await asyncio.sleep(1500)
    assert (await night.run(campaign)).code == 0
    assert ((await night.run(clone)).code, night.ledger.images_charged) == (0, 12)


async def test_what_is_in_doubt_in_another_campaign_is_left_to_it(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=1))
    campaign = night.campaign(requests=1)
    await night.run(campaign)
    ended = await night.run(copied(campaign, "clone"))
    assert (ended.code, ended.states, night.ledger.images_charged) == (8, {"pending": 4}, 4)


async def test_who_does_not_reuse_buys_what_waits_elsewhere(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=1))
    campaign = night.campaign(requests=1)
    await night.run(campaign)
    night.resolved |= set(night.ledger.charged)
    ended = await night.run(copied(campaign, "clone"), reuse=False)
    assert (ended.code, ended.states, night.ledger.images_charged) == (0, {"stored": 4}, 8)


async def test_a_crash_between_name_and_record_is_mended_by_the_next_run(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, campaign = await made(begin, requests=1)
    clone = copied(campaign, "clone")
    with monkeypatch.context() as patched:
        patched.setattr(SqliteJournal, "record", crash)
        with pytest.raises(ZeroDivisionError):
            await night.run(clone)
    assert len(list((night.home / "output" / "clone" / "images").rglob("*.jpg"))) == 4
    ended = await night.run(clone)
    assert (ended.code, len(ended.seen(Adopted)), len(night.ledger.accepted)) == (0, 4, 1)


async def test_what_waits_is_fetched_though_the_edit_is_not_accepted(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    campaign = night.campaign(requests=1)
    await night.run(campaign)
    await asyncio.sleep(100)
    await night.run(campaign)  # stored
    more = edited(campaign, "hero:", 'detail: "a {product.name}"\n  hero:')
    assert (await night.run(more)).code == 8
    await asyncio.sleep(100)
    less = edited(more, "on a table", "on a shelf")
    ended = await night.run(less, **PERSON_SAYS_NO)
    assert (ended.code, ended.states) == (2, {"stored": 8, "pending": 4})


async def test_two_campaigns_of_one_run_do_not_buy_the_same_images(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=3)
    clone = edited(copied(campaign, "clone"), "p02: night mug 2", "p02: night jug 2")
    several = await night.run_together(campaign, clone)
    assert (several.code, [part.code for part in several.parts]) == (0, [0, 0])
    assert (len(night.ledger.accepted), max(night.ledger.charged.values())) == (4, 1)
    assert sum(isinstance(event, Adopted) for _, event in several.events) == 8  # by whoever came second


async def test_what_cannot_be_taken_from_the_other_is_told_in_the_report_of_what_was_bought(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=2)
    clone = edited(copied(campaign, "clone"), "p01: night mug 1", "p01: night jug 1")
    in_the_way: list[Path] = []

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Stored) and event.variation.cell.product == "p00":
            (other,) = (part.order.campaign.campaign for part in several.parts if part.ui.control is not control)
            in_the_way.append(night.home / "output" / other / event.file)
            in_the_way[-1].parent.mkdir(parents=True, exist_ok=True)
            in_the_way[-1].write_bytes(b"of somebody else")

    several = Several()
    await night.run_together(campaign, clone, watch=watch, several=several)
    first, second = sorted(several.parts, key=lambda part: part.code)
    assert (first.code, second.code, second.refusal) == (0, 5, None)
    assert any("already exists with different content" in line for line in second.report)
    assert not any("nothing was sent" in line for line in second.report)
    assert second.report[-1].startswith("attention planned=8 stored=4 ") and second.order.folder.manifest.exists()
    for file in in_the_way:
        assert file.read_bytes() == b"of somebody else"
        file.unlink()
    assert ((await night.run(second.order.campaign)).code, len(night.ledger.accepted)) == (0, 3)


async def test_what_fails_for_one_campaign_of_a_run_stays_due_for_the_other(begin: Begin) -> None:
    night = await begin(Fault("failed", first=2))
    campaign = night.campaign(requests=2)
    clone = copied(campaign, "clone")
    several = await night.run_together(campaign, clone)
    assert set(several.codes.values()) <= {3, 8}  # each may have bought one of both, or one of them both
    assert len(night.ledger.accepted) == 2
    for each in (campaign, clone, campaign, clone):
        await night.run(each)
    assert len(night.ledger.accepted) == 4
    assert sum(ended["state"] == "stored" for ended in [*manifest(campaign, night), *manifest(clone, night)]) == 8


def manifest(campaign: Campaign, night: Night) -> list[dict[str, Any]]:
    written = json.loads((night.home / "output" / campaign.campaign / "manifest.json").read_bytes())
    return list(written["images"])


async def test_who_says_no_to_one_campaign_of_a_run_may_buy_the_same_for_the_other(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=2)
    several = await night.run_together(
        campaign, copied(campaign, "clone"), agree=lambda figures: figures.campaign == "clone"
    )
    assert [part.code for part in several.parts] == [9, 0]
    assert len(night.ledger.accepted) == 2


async def test_an_edit_that_is_taken_back_needs_no_word(begin: Begin) -> None:
    night, campaign = await made(begin)
    there = edited(campaign, "on a table", "on a shelf")
    await night.run(there)
    back = edited(there, "on a shelf", "on a table")
    ended = await night.run(back, **PERSON_SAYS_NO)
    assert (ended.code, ended.states["stored"], len(night.ledger.accepted)) == (0, 16, 4)
    assert said(ended) == ["prompt hero changed: nothing due; 8 unchanged; 8 no longer in the campaign (files stay)"]


async def test_an_edit_that_makes_nothing_due_needs_no_word_however_much_it_leaves(begin: Begin) -> None:
    night, campaign = await made(begin, requests=4)
    less = edited(campaign, "  p01: night mug 1\n  p02: night mug 2\n  p03: night mug 3\n", "")
    assert (await night.run(less, **PERSON_SAYS_NO)).code == 0


async def test_what_is_stored_counts_whenever_it_was_bought(begin: Begin) -> None:
    night, campaign = await made(begin, requests=4)
    half = edited(campaign, "  p02: night mug 2\n  p03: night mug 3\n", "")
    await night.run(half)
    more = edited(half, "  p01: night mug 1\n", "  p02: night mug 2\n  p03: night mug 3\n  p04: night mug 4\n")
    ended = await night.run(more, **PERSON_SAYS_NO)  # leaves 4, has 12: a quarter
    assert (ended.code, len(night.ledger.accepted)) == (0, 5)
    less = edited(more, "  p03: night mug 3\n  p04: night mug 4\n", "  p05: night mug 5\n")
    with pytest.raises(UsageError, match="8 of 16 stored images would no longer be in it"):
        await night.run(less, **PERSON_SAYS_NO)
    assert len(night.ledger.accepted) == 5
    await night.run(less)


async def test_what_is_not_selected_is_not_due(begin: Begin) -> None:
    night, campaign = await made(begin)
    now = edited(campaign, "p01: night mug 1", "p01: night jug 1")
    ended = await night.run(now, only=Selection({"product": frozenset(["p00"])}), **PERSON_SAYS_NO)
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)
