"""`keep`: what an edit left behind stands for the new words, and is found in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.events import Adopted, Attempt
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.maintenance.keep import keep, stand_ins
from campaign_runner.model import Job
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import EVERYTHING, Selection, read_only
from campaign_runner.reuse.candidate import Candidate
from campaign_runner.session.preview import preview
from tests.campaigns import plan
from tests.fixtures import Begin
from tests.night import Night
from tests.recorded import facts
from tests.session.edits import edited


async def after_an_edit(night: Night) -> Campaign:
    """Two products of four images each; the words of the first have changed."""
    campaign = night.campaign()
    await night.run(campaign)
    return edited(campaign, "p00: night mug 0", "p00: night jug 0")


async def kept(night: Night, campaign: Campaign, only: Selection = EVERYTHING) -> list[Adopted | Candidate]:
    night.exits.clear()  # what the last run said is not what is there from here on
    async with open_for_update(Folder(night.output), campaign, night.access().memory) as opened:
        return [each async for each in keep(opened, only)]


def files(night: Night, place: str) -> list[Path]:
    return sorted(path for path in (night.output / place).rglob("*") if path.is_file())


async def test_a_kept_image_stands_for_the_new_words_and_says_so(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    assert len(await kept(night, campaign)) == 4
    ended = await night.run(campaign)
    assert (ended.code, len(night.ledger.accepted), ended.states) == (0, 2, {"stored": 12})
    image, left = ended.images[0], ended.images[-4]
    assert (image["prompt"], image["source"]["how"]) == ("night jug 0 on a table", "kept")
    assert (image["source"]["prompt"], image["source"]["key"]) == ("night mug 0 on a table", left["key"])
    assert image["sha256"] == left["sha256"] and image["file"] != left["file"]


async def test_what_was_kept_is_no_loss_that_somebody_must_agree_to(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    await kept(night, campaign)
    again = edited(campaign, "p00: night jug 0", "p00: night cup 0")
    await kept(night, again)
    with Folder(night.output).ledger() as ledger:
        changes = preview(PlanStatus(Plan(again), ledger.states), ledger, None).changes
    assert changes is not None and (changes.due, changes.kept, changes.left) == (0, 8, 0)
    ended = await night.run(again)
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)


async def test_only_what_was_chosen_is_kept(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    assert len(await kept(night, campaign, read_only(["seed=1,2"]))) == 2
    ended = await night.run(campaign)
    assert (len(night.ledger.accepted), night.ledger.accepted[-1].seeds) == (3, (3, 4))
    assert ended.states == {"stored": 12}


async def test_what_is_kept_here_is_bought_elsewhere(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    await kept(night, campaign)
    clone = edited(campaign, "campaign: night\n", "campaign: clone\n")
    ended = await night.run(clone)
    assert (len(ended.seen(Adopted)), len(night.ledger.accepted)) == (4, 3)


async def test_a_file_that_was_altered_cannot_stand_for_anything(begin: Begin) -> None:
    night = await begin()
    campaign = await after_an_edit(night)
    altered = files(night, "images")[0]
    content = altered.read_bytes()
    altered.write_bytes(content[:-1])
    (missing,) = [each for each in await kept(night, campaign) if isinstance(each, Candidate)]
    assert missing.file == str(altered)
    altered.write_bytes(content)


async def stored(folder: Path, made: Plan) -> None:
    """A journal in which every variation is stored, each by a request of its own."""
    async with SqliteJournal(folder) as journal:
        attempts = [Attempt(each.variation.key[:32], Job(each.recipe, (each.variation,))) for each in made]
        await journal.intend(attempts)
        await journal.record([fact for each in attempts for fact in facts(each, each.job.variations[0], "stored")])


@pytest.mark.parametrize(("count", "most"), [(500, 2 << 20), pytest.param(3_000, 4 << 20, marks=pytest.mark.proof)])
async def test_3_000_stand_ins_are_found_in_a_few_megabytes(count: int, most: int, tmp_path: Path) -> None:
    products = {"candle": {"name": "almond candle"}}
    before = plan(tmp_path, products=products, seeds={"count": count})
    await stored(tmp_path, before)
    after = plan(tmp_path, products=products, seeds={"count": count}, prompts={"hero": {"text": "a cup"}})
    with Ledger(tmp_path) as ledger:
        status = PlanStatus(after, ledger.states)
        tracemalloc.start()
        try:
            found = sum(each.entry.variation.seed == each.planned.variation.seed for each in stand_ins(ledger, status))
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()
    assert found == count
