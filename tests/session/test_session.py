"""What is refused before anything is sent, and what a run leaves whatever happens around it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import Busy, CampaignFileError, IntegrityError, UsageError
from campaign_runner.events import Event, ModelResolved, Started, Stored, Submitting, Warned
from campaign_runner.output_folder import manifest_writer
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.cost import Estimate
from campaign_runner.plan.due import PlanStatus
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from campaign_runner.session import result as ending
from tests.fixtures import Begin
from tests.session.edits import edited


async def test_a_plan_above_what_is_left_of_the_budget_is_refused_before_anything_is_sent(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=1))  # a doubt counts as bought
    await night.run(night.campaign(requests=1, more="budget: 6\n"))
    with pytest.raises(CampaignFileError, match="room for 2"):
        await night.run(night.campaign(requests=1, of="cup", more="budget: 6\n"))
    assert night.ledger.images_charged == 4


@pytest.mark.parametrize("limits", [Limits(max_images=2), Limits(max_requests=1, max_images=2)])
async def test_a_run_that_stops_within_the_budget_is_asked_for_what_it_buys(begin: Begin, limits: Limits) -> None:
    night = await begin()
    await night.run(night.campaign(requests=1, more="budget: 6\n"))
    asked: list[Estimate] = []

    def agree(figures: Estimate) -> bool:
        asked.append(figures)
        return True

    ended = await night.run(night.campaign(requests=1, of="cup", more="budget: 6\n"), limits=limits, agree=agree)
    assert [(figures.images_to_buy, figures.requests, figures.due) for figures in asked] == [(2, 1, 4)]
    assert (ended.code, night.ledger.images_charged) == (9, 6)


async def test_above_the_budget_what_is_paid_for_is_still_fetched(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    await night.run(night.campaign(requests=1, more="budget: 6\n"))
    await asyncio.sleep(100)
    ended = await night.run(night.campaign(requests=1, of="cup", more="budget: 6\n"))
    assert (ended.code, ended.states) == (2, {"stored": 4, "pending": 4})
    assert night.ledger.images_charged == 4


async def test_who_says_no_buys_nothing(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.campaign(requests=3), agree=lambda figures: False)
    assert (ended.code, ended.states) == (9, {"pending": 12})
    assert not night.ledger.entries


@pytest.mark.parametrize("typed", ["http://{}/", "HTTP://{}"])
async def test_what_an_earlier_version_called_the_service_is_the_same_service(begin: Begin, typed: str) -> None:
    night = await begin()
    night.name = typed.format(night.origin.removeprefix("http://"))
    await night.run(night.campaign(requests=1))
    night.name = ""
    again = await night.run()
    beside = night.campaign(requests=1).path.with_name("beside.yaml")
    beside.write_text(night.campaign(requests=1).path.read_text().replace("campaign: night", "campaign: beside"))
    other = await night.run(load(beside))
    assert (again.code, other.code, other.states) == (0, 0, {"stored": 4})
    assert night.ledger.images_charged == 4


async def test_a_journal_older_than_what_was_bought_is_refused(begin: Begin) -> None:
    night = await begin()
    journal, backup = night.output / "journal.sqlite", night.home / "backup"
    await night.run(night.campaign(requests=1))
    journal.rename(backup)  # nobody has it open: all of it is in this file
    shutil.copy(backup, journal)
    await night.run(night.campaign(requests=2))
    newer = journal.rename(night.home / "newer")
    shutil.copy(backup, journal)
    with pytest.raises(IntegrityError, match=r"has 1 request, but 2 were made .*--start-over"):
        await night.run()
    asked = await night.run(start_over=True, agree=lambda figures: False)
    assert (asked.code, asked.states) == (9, {"stored": 4, "pending": 4})
    assert night.ledger.images_charged == 8
    newer.replace(journal)
    assert (await night.run()).code == 0


@pytest.mark.parametrize("kind", [Started, Submitting])
async def test_a_run_that_dies_has_bought_less_than_it_meant_to_and_nobody_is_refused(begin: Begin, kind: type) -> None:
    night = await begin()

    def die(event: Event, control: Control) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await night.run(night.campaign(), watch=die)
    assert (await night.run()).code in (0, 4)


async def test_a_second_run_on_a_folder_is_refused_at_once(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign()
    with Folder(night.output).locked(), pytest.raises(Busy):
        await night.run(campaign)
    assert not night.ledger.calls


async def test_an_image_that_vanished_from_the_journal_is_not_bought_again(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign(requests=1))
    with closing(sqlite3.connect(night.output / "journal.sqlite", isolation_level=None)) as journal:
        kept = journal.execute("SELECT * FROM variations WHERE number = 4").fetchone()
        journal.execute("DELETE FROM variations WHERE number = 4")
        before = dict(night.ledger.calls)
        with pytest.raises(IntegrityError, match="an image is missing"):
            await night.run()
        assert night.ledger.calls == before
        journal.execute(f"INSERT INTO variations VALUES ({','.join('?' * len(kept))})", kept)
    assert (await night.run()).code == 0


async def test_a_folder_of_another_service_is_left_alone(begin: Begin) -> None:
    night = await begin(Fault("reset_after", nth=1))
    await night.run(night.campaign(requests=1))
    night.name = "https://firefly-api.adobe.io"
    with pytest.raises(IntegrityError, match="Use another --output"):
        await night.run()


async def test_an_output_folder_that_was_moved_is_not_bought_again(begin: Begin) -> None:
    night = await begin()
    await night.run(night.campaign(requests=1))
    night.output.rename(night.home / "output" / "elsewhere")
    with pytest.raises(UsageError, match="4 images were bought there"):
        await night.run()
    assert night.ledger.images_charged == 4


async def test_a_custom_model_is_looked_up_recorded_and_used(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.custom("Warm Custom Model"))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    (resolved,) = ended.seen(ModelResolved)
    assert ended.manifest["model"]["custom_model_id"] == resolved.model.id
    assert (night.ledger.accepted[0].body or {})["customModelId"] == resolved.model.id


async def test_a_custom_model_that_nobody_shared_is_said_and_nothing_is_sent(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(night.custom("No Such Model"))
    assert ended.code == 7
    assert any("no custom model of this account is called 'No Such Model'" in line for line in ended.lines)
    assert not night.ledger.entries


async def test_two_custom_models_of_a_name_are_refused(begin: Begin) -> None:
    night = await begin()
    with pytest.raises(IntegrityError, match="2 custom models are called 'Holiday Lifestyle'"):
        await night.run(night.custom("Holiday Lifestyle"))
    assert not night.ledger.entries


async def test_a_custom_model_trained_again_sends_nothing_until_that_is_accepted(begin: Begin) -> None:
    night = await begin()
    await night.run(night.custom("Warm Custom Model"))
    night.sandbox.settings = replace(night.sandbox.settings, drift=True)
    campaign = night.campaign(requests=2, model="image3_custom\ncustom_model: Warm Custom Model")
    with pytest.raises(IntegrityError, match="--accept drift"):
        await night.run(campaign)
    assert night.ledger.images_charged == 4
    ended = await night.run(campaign, accept_drift=True)
    assert (ended.code, ended.states) == (0, {"stored": 8})


async def test_a_prompt_without_the_concept_of_its_model_is_a_problem_at_its_line_and_nothing_is_sent(
    begin: Begin,
) -> None:
    night = await begin()
    campaign = night.custom("Almond Candle")
    with pytest.raises(
        CampaignFileError, match=r"night.yaml:7:9: this prompt lacks 'almndcndl', the concept of the custom"
    ):
        await night.run(campaign)
    assert not night.ledger.entries
    named = edited(campaign, "on a table", "on a {concept}")
    assert ((await night.run(named)).code, len(night.ledger.accepted)) == (0, 1)
    literal = edited(named, "on a {concept}", "on a red almndcndl")
    assert ((await night.run(literal)).code, len(night.ledger.accepted)) == (0, 2)
    with pytest.raises(CampaignFileError, match="lacks 'almndcndl'"):  # also where the model was looked up before
        await night.run(edited(literal, "on a red almndcndl", "on a table"))
    assert len(night.ledger.entries) == 2
    assert (
        (await night.run(edited(campaign, "on a table", "on a red almndcndl"))).code,
        len(night.ledger.entries),
    ) == (0, 2)


async def test_what_check_warns_of_is_told_before_the_question_and_in_the_report(begin: Begin) -> None:
    night = await begin()
    campaign = night.campaign(requests=1, more="presets: [watercolour]\n")
    seen: list[list[str]] = []
    events: list[Event] = []

    def agree(figures: Estimate) -> bool:
        seen.append([event.message for event in events if isinstance(event, Warned)])
        return True

    ended = await night.run(campaign, watch=lambda event, control: events.append(event), agree=agree)
    words = "night.yaml:9:11: Adobe has no style 'watercolour'; did you mean 'watercolor'?"
    assert [len(told) for told in seen] == [1] and words in seen[0][0]
    assert any(line.lstrip().startswith("warning") and words in line for line in ended.lines)
    again = await night.run(campaign)
    assert len(again.seen(Warned)) == 1 and any(words in line for line in again.lines)


async def test_a_state_folder_that_breaks_during_the_run_costs_no_record(begin: Begin) -> None:
    night = await begin()

    def watch(event: Event, control: Control) -> None:
        if isinstance(event, Stored) and not (night.home / "state" / "lost").exists():
            (night.home / "state" / "campaigns.sqlite").rename(night.home / "state" / "lost")
            (night.home / "state" / "campaigns.sqlite").mkdir()

    ended = await night.run(night.campaign(requests=2), watch=watch)
    assert ended.code == 6
    assert ended.states == {"stored": 8}


async def test_without_credentials_what_waits_is_left_and_said(begin: Begin) -> None:
    night = await begin(job_seconds=920)
    await night.run(night.campaign(requests=1))
    ended = await night.run(secret="wrong")
    assert (ended.code, ended.states) == (7, {"accepted": 4})
    assert any("the next run downloads them" in line for line in ended.lines)
    assert (await night.run()).code == 0


async def test_at_its_end_the_ledger_is_asked_once_about_the_whole_plan(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[PlanStatus] = []

    class Counted(PlanStatus):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    for module in (ending, manifest_writer):
        monkeypatch.setattr(module, "PlanStatus", Counted)
    night = await begin()
    ended = await night.run(night.campaign(requests=2, seeds=2))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert len(made) == 1
