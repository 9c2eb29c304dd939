"""The end of a run in words, to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import Allowance
from campaign_runner.report.summary import Summary, last_line, report
from tests.campaigns import campaign
from tests.recorded import record

WORST_FIRST = """\
almond   1 of 6 images stored and checked                       5 requests, 30 min

  1 in doubt   soap, hero, plain, square, seed 1
               the line broke after sending (at TIME); Adobe may have charged for them
               request it again, which may cost twice: campaign-runner resolve almond --resubmit
               or give it up: campaign-runner resolve almond --abandon
  1 failed     candle, hero, plain, square, seed 2: "missing", Adobe returned no image for this seed
               request it again: campaign-runner resolve almond --only key=KEY --retry-failed
               or give it up: campaign-runner resolve almond --only key=KEY --abandon
  1 refused    soap, hero, plain, square, seed 2: "prompt_unsafe", Adobe's content policy
               edit campaigns/almond.yaml:3:57 (product soap)
               or give it up: campaign-runner resolve almond --only key=KEY --abandon
  1 waiting    paid for (1 request); the next run downloads it (until about TIME)
  1 not requested yet: campaign-runner run campaigns/almond.yaml

  money   1 image paid and kept, 1 paid and waiting at Adobe; up to 2 more may have been charged
  files   output/almond/images   allowance left today 8,880 of 9,000
attention planned=6 stored=1 accepted=1 in_doubt=1 failed=2 abandoned=0 pending=1 requests=5 exit=4"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaigns").mkdir()
    return tmp_path


async def told(
    place: Path, states: list[str], output: str = "output/almond", *, is_known: bool = True, **summary: Any
) -> str:
    """The report of a campaign whose images are in `states`; `is_known`: this machine remembers where it is."""
    changes = {name: summary.pop(name) for name in ("prompts",) if name in summary}
    spec: Campaign = campaign(Path("campaigns"), seeds=summary.pop("seeds", [1, 2, 3]), **changes)
    made = Plan(spec)
    await record(place / output, made, states)
    memory = RunRegistry(place / "state") if is_known else summary.pop("memory", None)
    if is_known and memory is not None:
        memory.remember(spec.path, place / output, 0, 0)
    with Ledger(place / output) as ledger:
        counts = {"planned": len(made)} | PlanStatus(made, ledger.states).counts()
        facts = Summary(spec, Folder(place / output), counts, ledger.requests(), memory=memory, **summary)
        return "\n".join(report(facts, ledger)).replace(f"{place}/", "")


def without_times_and_keys(text: str) -> str:
    text = re.sub(r"\d\d:\d\d( yesterday| tomorrow)?", "TIME", text)
    return re.sub(r"((?<=key=)|(?<=,)|(?<=retake ))[0-9a-f]{8}\b", "KEY", text)


async def test_worst_comes_first_each_with_its_command(place: Path) -> None:
    states = ["stored", "failed", "accepted", "in_doubt", "refused", "new"]
    text = await told(place, states, exit=4, seconds=1800, allowance=Allowance(4, 9000, 0, 120))
    assert without_times_and_keys(text) == WORST_FIRST


async def test_what_came_instead_is_looked_at_before_it_is_asked_for_again(place: Path) -> None:
    text = without_times_and_keys(await told(place, ["replaced", "stored", "stored", "failed"], exit=3))
    first, second = re.findall(r"^  1 failed .*\n(?:^ {8,}.*\n)+", text, flags=re.MULTILINE)
    assert re.sub("[0-9a-f]{32}", "JOB", first).splitlines()[1:] == [
        "             look first at what came instead, you paid for it: "
        "output/almond/images/unexpected/JOB_s9_abababab.jpg",
        "             request it again: campaign-runner resolve almond --only key=KEY --retry-failed",
        "             or give it up: campaign-runner resolve almond --only key=KEY --abandon",
    ]
    assert second.splitlines()[1:] == [
        "             request it again: campaign-runner resolve almond --only key=KEY --retry-failed",
        "             or give it up: campaign-runner resolve almond --only key=KEY --abandon",
    ], "what is to be looked at first is not asked for along with others"


async def test_a_product_is_to_be_edited_where_others_get_through_and_else_the_prompt(place: Path) -> None:
    alone = await told(place, ["stored"] * 3 + ["refused"] * 3, exit=3)
    assert "  edit campaigns/almond.yaml:3:57 (product soap)\n" in alone
    every = await told(place, ["refused"] * 6, output="output/all", exit=3)
    assert "  edit campaigns/almond.yaml:4\n" in every


async def test_an_image_that_came_out_unsafe_has_the_advice_of_a_refused_one(place: Path) -> None:
    text = await told(place, ["unsafe"] * 2 + ["stored"] * 4, exit=3)
    assert "(product candle)" in text
    assert "--retry-failed" not in text


async def test_where_an_edit_would_buy_stored_images_again_another_take_is_advised(place: Path) -> None:
    text = without_times_and_keys(await told(place, ["refused"] * 2 + ["stored"] * 4, exit=3))
    refused = text.partition("  2 refused ")[2].partition("\n\n")[0]
    assert [line.strip() for line in refused.splitlines()[1:]] == [
        "to edit campaigns/almond.yaml:3:22 (product candle) would buy 1 image again that you have; cheaper:",
        "other words for them alone: campaign-runner retake KEY --text '…' --seeds 1,2",
        "then give up what was refused: campaign-runner resolve almond --only key=KEY,KEY --abandon",
    ]
    rows = await told(place, ["refused"] * 20 + ["stored"] * 20, output="output/rows", seeds=list(range(20)), exit=3)
    assert "  edit campaigns/almond.yaml:3:22 (product candle)\n" in rows, "no image of it is there"


async def test_what_left_the_campaign_is_not_bought_again_by_an_edit(place: Path) -> None:
    await told(place, ["refused"] * 2 + ["stored"] * 4, exit=3)
    text = await told(place, ["refused"] * 2, prompts={"hero": "{product.name} alone"}, exit=3)
    assert "cheaper" not in text


async def test_why_an_image_waits_is_told(place: Path) -> None:
    text = without_times_and_keys(await told(place, ["blocked", "accepted", "blocked"], exit=8))
    assert text.splitlines()[2:6] == [
        "  2 waiting   candle, hero, plain, square, seeds 1 3",
        "              the image is at images.example.test, which is not trusted",
        "              paid for (2 requests); the next run downloads them (until about TIME)",
        "  1 waiting   paid for (1 request); the next run downloads it (until about TIME)",
    ]


async def test_a_good_end_is_short(place: Path) -> None:
    assert (await told(place, ["stored"] * 6, exit=0)).splitlines() == [
        "almond   6 of 6 images stored and checked                       6 requests",
        "",
        "  money   6 images paid and kept",
        "  files   output/almond/images",
        "ok planned=6 stored=6 accepted=0 in_doubt=0 failed=0 abandoned=0 pending=0 requests=6 exit=0",
    ]


async def test_what_settles_a_group_names_its_images_and_no_others(place: Path) -> None:
    text = await told(place, ["failed", "in_doubt", "failed", "stored", "stored", "stored"], exit=4)
    assert re.search(r"resolve almond --only key=[0-9a-f]{8},[0-9a-f]{8} --retry-failed\n", text)
    many = await told(place, ["failed"] * 20, output="output/many", seeds=list(range(10)), exit=3)
    only = "--only product=candle,soap --only prompt=hero --only preset=plain --only size=2048x2048"
    assert f"resolve many {only} --retry-failed\n" in many
    mixed = await told(place, ["failed", "refused"] * 10, output="output/mixed", seeds=list(range(10)), exit=3)
    assert mixed.count("choose from `campaign-runner resolve mixed`\n") == 3, "these words would mean others, too"


async def test_seeds_of_one_cell_share_a_line(place: Path) -> None:
    text = await told(place, ["in_doubt"] * 20, seeds=list(range(10)), exit=4)
    assert "  20 in doubt   candle, hero, plain, square, seeds 0 1 2 3 4 5 6 7\n" in text
    assert "                soap, hero, plain, square, seeds 0 1 2 3 4 5 6 7\n" in text
    assert "                and 4 more: campaign-runner status almond --all\n" in text
    assert text.count("--resubmit") == 1


async def test_what_has_the_same_cause_is_one_block(place: Path) -> None:
    text = await told(place, ["in_doubt", "refused"] * 4, seeds=list(range(10)), exit=4)
    assert re.findall("^  [0-9]+ [a-z ]+?(?=   |:)", text, flags=re.MULTILINE) == [
        "  4 in doubt",
        "  4 refused",
        "  12 not requested yet",
    ]


async def test_of_a_rehearsal_no_money_is_told(place: Path) -> None:
    text = await told(place, ["stored"] * 6, output="output/almond.sandbox", exit=0)
    assert "money" not in text


@pytest.mark.parametrize("rest", ["stored", "pending"])
async def test_of_a_rehearsal_nothing_waits_and_the_next_one_begins_it_again(place: Path, rest: str) -> None:
    states = ["in_doubt", "accepted", "accepted", rest, "stored", "stored"]
    text = await told(place, states, output="output/almond.sandbox", exit=8)
    assert not any(words in text for words in ("paid", "charged", "downloads", "resolve"))
    assert "the sandbox forgets its requests when the run ends; the next one requests these images again" in text
    assert text.count("campaign-runner run campaigns/almond.yaml --sandbox") == 1


async def test_every_image_is_listed_where_that_is_asked_for(place: Path) -> None:
    states = ["in_doubt"] * 20
    text = await told(place, states, output="output/whole", seeds=list(range(10)), exit=4, is_whole=True)
    assert [line for line in text.splitlines() if "seeds" in line] == [
        "  20 in doubt   candle, hero, plain, square, seeds 0 1 2 3 4 5 6 7 8 9",
        "                soap, hero, plain, square, seeds 0 1 2 3 4 5 6 7 8 9",
    ]


async def test_commands_name_the_folder_where_no_name_leads_to_it(place: Path) -> None:
    text = await told(place, ["in_doubt", "accepted"], output="elsewhere/almond", is_known=False, exit=4)
    assert "campaign-runner resolve elsewhere/almond --resubmit" in text
    text = await told(place, ["in_doubt", "accepted"], output="elsewhere/almond.sandbox", is_known=False, exit=4)
    assert "campaign-runner run campaigns/almond.yaml --sandbox --output elsewhere" in text


async def test_a_memory_that_cannot_be_read_fails_no_report(place: Path) -> None:
    memory = RunRegistry(place / "broken")
    (place / "broken" / "campaigns.sqlite").mkdir(parents=True)
    text = await told(place, ["in_doubt", "failed"], is_known=False, memory=memory, exit=4)
    assert f"campaign-runner resolve {place}/output/almond --resubmit".replace(f"{place}/", "") in text


async def test_why_a_run_stopped_is_told_on_one_line(place: Path) -> None:
    text = await told(place, ["stored"] * 6, exit=8, reasons=["stopped: nobody\nanswers\x1b[2J"])
    assert "  stopped: nobody�answers�[2J" in text


def test_the_last_line_begins_with_ok_only_for_zero() -> None:
    counts = dict.fromkeys(("planned", "stored", "accepted", "in_doubt", "failed", "abandoned", "pending"), 0)
    assert last_line(counts, 0, 0).startswith("ok planned=0 ")
    assert last_line(counts, 0, 3).startswith("attention ")
