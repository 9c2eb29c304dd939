"""Output folders that an earlier version wrote, whatever letters their names have: the program of today goes on.

`earlier/make.py` made them. Their ids lack the letters with accents: `ros-soap` where today's are `rose-soap`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from campaign_runner.authoring.draft import TakeChange
from campaign_runner.authoring.retake import retake
from campaign_runner.authoring.since_last_run import since_last_run
from campaign_runner.campaign_file.loader import load, recall
from campaign_runner.campaign_file.schema.ids import LONGEST_ID, derived, derived_before
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli.options import recorded, selection
from campaign_runner.errors import CampaignFileError, IntegrityError, UsageError
from campaign_runner.events import Adopted
from campaign_runner.journal.ledger import Ledger
from campaign_runner.maintenance.keep import keep
from campaign_runner.maintenance.prune import no_longer_planned
from campaign_runner.maintenance.resolve import Decision, apply
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.reuse.candidate import Candidate
from campaign_runner.verify.verification import verify
from tests.fixtures import Begin
from tests.night import Ended, Night
from tests.session.edits import edited


@pytest.fixture
async def night(earlier: Callable[[str], Awaitable[Night]]) -> Night:
    return await earlier("letters")


def campaign_of(night: Night, name: str = "names") -> Campaign:
    return load(night.home / "campaigns" / f"{name}.yaml")


def folder_of(night: Night, name: str = "names") -> Folder:
    return Folder(night.home / "output" / name)


def files_of(ended: Ended) -> dict[str, str]:
    return {image["key"]: image["file"] for image in ended.images}


async def test_it_goes_on_and_buys_nothing(night: Night) -> None:
    before = json.loads(folder_of(night).manifest.read_bytes())["images"]
    ended = await night.run(campaign_of(night))
    assert (ended.code, ended.states, night.ledger.images_charged) == (0, {"stored": 16}, 0)
    assert files_of(ended) == {image["key"]: image["file"] for image in before}
    assert {image["product"] for image in before if "rosé" in image["prompt"].lower()} == {"ros-soap"}
    assert {image["product"] for image in ended.images if "rosé" in image["prompt"].lower()} == {"rose-soap"}


async def test_what_is_new_is_bought_under_todays_id_and_nothing_else(night: Night) -> None:
    ended = await night.run(edited(campaign_of(night), "seeds: [1]", "seeds: [1, 5]"))
    new = [image for image in ended.images if image["seed"] == 5]
    assert (ended.code, night.ledger.images_charged, len(new), len(ended.images)) == (0, 15, 15, 31)
    places = {image["product"]: image["file"].split("/")[1] for image in new}
    assert places == {id: id for id in places}
    assert {"rose-soap", "creme-brulee", "suess-groesse", "lodz", "smorrebrod", "matcha"} <= places.keys()


async def test_verify_finds_it_as_it_was_left_and_as_it_is_left_now(night: Night) -> None:
    for name in ("names", "ids", "pasted", "open"):
        assert (await verify(folder_of(night, name))).findings == ()
    await night.run(campaign_of(night))
    assert (await verify(folder_of(night))).findings == ()


async def test_verify_still_sees_that_a_name_was_altered(night: Night) -> None:
    manifest = folder_of(night).manifest
    manifest.write_bytes(manifest.read_bytes().replace(b'"matcha"', b'"sencha"'))
    assert [finding.kind for finding in (await verify(folder_of(night))).findings] == ["manifest"]
    await night.run(campaign_of(night))


async def test_an_id_that_was_sent_has_to_be_written_and_then_nothing_is_bought(night: Night) -> None:
    with pytest.raises(
        CampaignFileError, match=r"\{product.id\} needs an id .* 'Rosé Soap'(.|\n)*products: \{ros-soap: Rosé"
    ):
        campaign_of(night, "ids")
    file = night.home / "campaigns" / "ids.yaml"
    text = file.read_text(encoding="utf-8").replace("[Rosé Soap, ", "{ros-soap: Rosé Soap, almond-candle: ")
    file.write_text(text.replace("candle]", "candle}"), encoding="utf-8")
    ended = await night.run(load(file))
    assert (ended.code, ended.states, night.ledger.images_charged) == (0, {"stored": 2}, 0)


async def test_an_id_that_would_be_sent_otherwise_needs_a_persons_word(night: Night) -> None:
    file = night.home / "campaigns" / "ids.yaml"
    text = file.read_text(encoding="utf-8").replace("[Rosé Soap, ", "{rose-soap: Rosé Soap, almond-candle: ")
    file.write_text(text.replace("candle]", "candle}"), encoding="utf-8")
    with pytest.raises(UsageError, match="1 of 2 stored images would no longer be in it"):
        await night.run(load(file), confirm_removal=lambda changes: False)
    assert night.ledger.images_charged == 0


async def test_names_that_make_one_id_now_are_given_two_and_nothing_is_bought(begin: Begin) -> None:
    night = await begin()
    before = night.campaign(requests=1)
    text = before.path.read_text(encoding="utf-8").replace("p00: night mug 0", "ros: Rosé\n  rose: rose")
    before.path.write_text(text, encoding="utf-8")
    await night.run(load(before.path))
    listed = text.replace("\n  ros: Rosé\n  rose: rose", " [Rosé, rose]")
    before.path.write_text(listed, encoding="utf-8")
    with pytest.raises(CampaignFileError, match="'rose' makes the same id 'rose' as another entry"):
        load(before.path)
    before.path.write_text(listed.replace("[Rosé, rose]", "{mine: Rosé, yours: rose}"), encoding="utf-8")
    ended = await night.run(load(before.path), confirm_removal=lambda changes: False)
    assert (ended.code, len(night.ledger.accepted)) == (0, 2)


async def test_a_name_that_made_no_id_before_makes_one_now(begin: Begin) -> None:
    night = await begin()
    campaign = edited(night.campaign(requests=1), "\n  p00: night mug 0", " [É]")
    ended = await night.run(campaign)
    assert (ended.code, {image["product"] for image in ended.images}) == (0, {"e"})


async def test_what_waits_under_an_earlier_id_is_fetched_under_it(begin: Begin) -> None:
    night = await begin(job_seconds=1000)
    campaign = night.campaign(requests=1)
    campaign = edited(campaign, "\n  p00: night mug 0", " {ros-soap: Rosé Soap}")
    assert (await night.run(campaign)).code == 8
    await asyncio.sleep(1000)
    ended = await night.run(edited(campaign, "{ros-soap: Rosé Soap}", "[Rosé Soap]"))
    assert (ended.code, ended.states, len(night.ledger.accepted)) == (0, {"stored": 4}, 1)
    places = {(image["product"], image["file"].split("/")[1]) for image in ended.images}
    assert places == {("rose-soap", "ros-soap")}


async def test_a_pasted_character_that_is_taken_away_does_not_buy_again_unasked(night: Night) -> None:
    file = night.home / "campaigns" / "pasted.yaml"
    with pytest.raises(CampaignFileError, match="a zero width space, U\\+200B"):
        load(file)
    file.write_text(file.read_text(encoding="utf-8").replace("\u200b", ""), encoding="utf-8")
    with pytest.raises(UsageError, match="1 of 1 stored image would no longer be in it"):
        await night.run(load(file), confirm_removal=lambda changes: False)
    assert night.ledger.images_charged == 0


@pytest.mark.parametrize("spelling", ["s-gr-e", "suess-groesse"])
async def test_either_spelling_says_what_is_asked_for_again(spelling: str, night: Night) -> None:
    campaign = campaign_of(night, "open")
    only = recorded([f"product={spelling}"], campaign)
    assert await apply(Decision.RETRY, open_for_update(folder_of(night, "open"), campaign, None), only) == 1
    ended = await night.run(campaign, only=selection([f"product={spelling}"], campaign))
    assert (ended.code, night.ledger.images_charged) == (0, 1)
    (image,) = [image for image in ended.images if image["product"] == "suess-groesse"]
    assert image["file"].startswith("images/suess-groesse/")


async def test_only_takes_either_spelling_of_a_preset(night: Night) -> None:
    campaign = campaign_of(night)
    for spelling in ("caf-cr-me", "cafe-creme"):
        assert PlanStatus(Plan(campaign), None, selection([f"preset={spelling}"], campaign)).selected == 9


async def test_nothing_is_moved_aside(night: Night) -> None:
    campaign = campaign_of(night)
    with Ledger(folder_of(night).path) as ledger:
        assert list(no_longer_planned(ledger, Plan(campaign), recorded([], campaign))) == []


async def test_what_is_there_can_stand_for_new_words(night: Night) -> None:
    campaign = edited(campaign_of(night), "on a table", "on a shelf")
    async with open_for_update(folder_of(night), campaign, None) as opened:
        told = [each async for each in keep(opened, selection(["product=ros-soap"], campaign))]
    assert [type(each) for each in told] == [Adopted, Adopted]
    assert not any(isinstance(each, Candidate) for each in told)
    assert all(each.file.startswith("images/rose-soap/") for each in told if isinstance(each, Adopted))


async def test_another_take_of_an_image_that_left_is_written_under_todays_id(night: Night) -> None:
    campaign = edited(campaign_of(night), "on a table", "on a shelf")
    with Ledger(folder_of(night).path) as ledger:
        (entry,) = ledger.with_key(next(k for k, p in _departed(ledger, campaign) if p == "ros-soap"))
    new = retake(campaign, entry.variation, TakeChange(seeds=(9,)))
    assert b"{product: rose-soap, prompt: hero" in new.after


def _departed(ledger: Ledger, campaign: Campaign) -> list[tuple[str, str]]:
    gone = no_longer_planned(ledger, Plan(campaign), recorded([], campaign))
    return [(entry.variation.key, entry.variation.cell.product) for entry in gone]


async def test_an_edit_is_told_of_the_images_it_is_about(night: Night) -> None:
    campaign = edited(campaign_of(night), "macro of", "close-up of")
    with Ledger(folder_of(night).path) as ledger:
        changes = since_last_run(ledger, PlanStatus(Plan(campaign), ledger.states))
    assert changes is not None
    assert (changes.due, changes.left, changes.kept, changes.renamed) == (2, 2, 14, ())


async def test_a_file_under_the_earlier_id_was_bought_before(night: Night) -> None:
    """The journal is older than the files: a backup was put back."""
    name = 'hero: "{product.name} on a chair"'
    campaign = edited(campaign_of(night, "open"), name, name.replace("chair", "rug"))
    planned = next(each for each in Plan(campaign) if each.variation.cell.product == "suess-groesse")
    file = folder_of(night, "open").path / planned.variation.stem.replace("suess-groesse", "s-gr-e")
    file = file.with_name(f"{file.name}.jpg")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"bought before")
    with pytest.raises(IntegrityError, match=f"images/s-gr-e/{file.name} is on the disk"):
        await night.run(campaign)
    assert night.ledger.images_charged == 0
    file.unlink()


def id_of_before(name: str) -> str:
    """How the earlier version made ids, to the letter."""
    return re.compile(r"[^a-z0-9]+").sub("-", name.lower()).strip("-")


LETTERS = "aeiouyzAEZ éèêëñçåÅäöüÄÖÜßẞøØæÆœłŁđðþħıİŋŧĳšžŠřůőűăâțșğ½ﬁ２²№™抹茶がйЩאا्'’-–&,.!🕯\u0301\u0308"
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=12).map(str.strip), min_size=1, max_size=5, unique=True)


@given(NAMES, NAMES, st.data())
@example(["Rosé Soap", "rose soap1"], ["Café"], None)
def test_a_file_of_names_means_the_same_images_as_before(names: list[str], styles: list[str], data: object) -> None:
    """Also where it names them in their earlier spelling, in `exclude`, `include` and limits."""
    products, presets = ([name for name in some if usable(name)] for some in (names, styles))
    assume(products and presets)
    for some in (products, presets):
        assume(len({id_of_before(name) for name in some}) == len({derived(name) for name in some}) == len(some))
    assert [derived_before(name) for name in products] == [id_of_before(name) for name in products]
    chosen = data.draw(st.sampled_from(products)) if isinstance(data, st.DataObject) else products[0]
    product, preset = id_of_before(chosen), id_of_before(presets[0])
    text = json_lines(
        campaign="names",
        model="image3",
        products=products,
        prompts={"hero": {"text": "{product.name}", "products": [product]}, "detail": "macro of {product.name}"},
        presets=presets,
        sizes=["896x1152"],
        seeds=[1],
        exclude=[{"product": product, "prompt": "detail", "preset": preset}],
        include=[{"product": product, "prompt": "detail", "preset": preset, "size": "896x1152", "seeds": [7]}],
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "names.yaml"
        before = recall(path, text.encode(), {}, None, id_of_before)
        now = load(path, text.encode())
        assert before is not None
        assert list(Plan(now).keys()) == list(Plan(before).keys())


def usable(name: str) -> bool:
    ids = id_of_before(name), derived(name)
    return all(0 < len(id) <= LONGEST_ID and id not in ("file", "id", "where") for id in ids)


def json_lines(**keys: object) -> str:
    """JSON is YAML."""
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in keys.items())
