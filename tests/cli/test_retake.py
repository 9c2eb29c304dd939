"""`retake`, as it is typed: a diff, what it costs, a question, and the command that makes it."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from tests.campaigns import plan, written
from tests.cli.typed import Ask, AtATerminal
from tests.recorded import record


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The keys of four stored images."""
    planned = plan(tmp_path, budget=6)
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * 4))
    return list(planned.keys())


def test_it_shows_the_diff_and_the_cost_and_writes_the_entry(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    before = (tmp_path / "almond.yaml").read_text(encoding="utf-8")
    said = ask("retake", keys[0][:8], "--text", "almond candle alone")
    lines = said.out.splitlines()
    cell = 'product: candle, prompt: hero, text: "almond candle alone", preset: plain, size: 2048x2048, seeds: [66080]'
    added = f"  - {{{cell}}}"
    assert said.status == 0 and said.err == ""
    assert lines[:2] == ["--- almond.yaml", "+++ almond.yaml"]
    assert lines[-5:-2] == ["+include:", f"+{added}", ""]
    assert lines[-2] == "adds 1 image: 1 image to buy in 1 request, 1 min; budget left 2"
    assert (tmp_path / "almond.yaml").read_text(encoding="utf-8") == f"{before}include:\n{added}\n"


def test_the_command_it_names_makes_exactly_the_new_images(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path, "spring.yaml", campaign="spring", model="image3", sizes=["1024x1024"])
    assert ask("run", "--sandbox", "spring.yaml", "--quiet").status == 0
    keys = list(Plan(load(tmp_path / "spring.yaml")).keys())
    assert f"spring.sandbox/manifest.json --only key={keys[0][:8]} --sandbox" in ask("find", keys[0]).out
    said = ask("retake", keys[0][:8], "--seeds", "+2", "--sandbox")
    command = shlex.split(said.out.splitlines()[-1].partition("campaign-runner ")[2])
    assert ask(*command).out.splitlines()[-1].startswith("ok planned=6 stored=6 ")
    assert ask("run", "--sandbox", "spring.yaml").out.splitlines()[-1].endswith("requests=3 exit=0")


def test_the_folder_of_a_rerun_is_not_a_second_campaign(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path, "spring.yaml", campaign="spring", model="image3", sizes=["1024x1024"])
    assert ask("run", "--sandbox", "spring.yaml", "--quiet").status == 0
    assert ask("rerun", "output/spring.sandbox/manifest.json", "--sandbox", "--quiet").status == 0
    key = next(Plan(load(tmp_path / "spring.yaml")).keys())
    said = ask("retake", key[:8], "--seeds", "+1")
    assert said.status == 0 and said.err == ""
    assert "include:" in (tmp_path / "spring.yaml").read_text(encoding="utf-8")


def test_at_a_terminal_it_asks_and_no_writes_nothing(
    at_a_terminal: AtATerminal, keys: list[str], tmp_path: Path
) -> None:
    before = (tmp_path / "almond.yaml").read_bytes()
    said = at_a_terminal("retake", keys[0], "--seeds", "5,6", "--output", "output", typed="n\n")
    assert "Write it? [y/N]" in said.out and said.status == 9
    assert (tmp_path / "almond.yaml").read_bytes() == before


def test_an_image_that_was_bought_before_costs_nothing(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    written(tmp_path, seeds=[82683])
    said = ask("retake", keys[0], "--seeds", "66080")
    assert "adds 1 image, which is there already: nothing to buy" in said.out


BAD = [
    (["--text", "x"], "0123456789", "no image found whose key begins with 0123456789"),
    (["--text", "x"], "nothing", "'nothing' is not a key"),
    ([], None, "say what to change"),
    (["--seeds", "+2"], None, "2 over its budget"),
    (["--text", "…"], None, "'…' stands for your own words: write them in its place; nothing was changed"),
    (["--seeds", "+1", "--negative-prompt", " . . ."], None, "stands for your own words"),
    (["--size", "1080x1080"], None, "tall 1440x2560; sizes are made, channels are cut from them"),
    (["--seeds", "five"], None, "'five' is not a list of seeds"),
]


@pytest.mark.parametrize(("flags", "key", "words"), BAD)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    ask: Ask, keys: list[str], tmp_path: Path, flags: list[str], key: str | None, words: str
) -> None:
    file = written(tmp_path, budget=4)
    before = file.read_bytes()
    said = ask("retake", key or keys[0], *flags)
    assert said.status == 2 and words in said.err and "\ufffd" not in said.err
    assert file.read_bytes() == before


def test_where_two_campaigns_have_the_image_one_has_to_be_named(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    other = plan(tmp_path, file_name="twin.yaml", campaign="twin")
    asyncio.run(record(tmp_path / "output" / "twin", other, ["stored"]))
    said = ask("retake", keys[0], "--seeds", "+1")
    assert said.status == 2 and "2 campaigns have this image: say --in " in said.err
    assert ask("retake", keys[0], "--seeds", "+1", "--in", "twin").status == 0
    assert "include" in (tmp_path / "twin.yaml").read_text(encoding="utf-8")


def test_a_rehearsal_in_the_sandbox_is_not_meant_unless_it_is_named(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "output" / "almond.sandbox", plan(tmp_path, budget=6), ["stored"]))
    assert ask("retake", keys[0], "--seeds", "+1").out.splitlines()[-1].startswith("written; next: ")


def test_another_size_is_said_to_be_another_picture(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    written(tmp_path, sizes=["2048x2048", "wide"])
    said = ask("retake", keys[0], "--size", "wide", "--seeds", "5")
    assert (said.status, "another size is another picture" in said.out) == (0, True)
    assert "size: wide, seeds: [5]" in (tmp_path / "almond.yaml").read_text(encoding="utf-8")


def test_what_must_not_be_seen_is_added(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    written(tmp_path, model="image3")
    planned = plan(tmp_path, model="image3")
    asyncio.run(record(tmp_path / "output" / "other", planned, ["stored"] * 4))
    key = next(iter(planned.keys()))
    said = ask("retake", key, "--negative-prompt", "text,  logos")
    assert said.status == 0, said.err
    assert 'negative_prompt: "text, logos"' in (tmp_path / "almond.yaml").read_text(encoding="utf-8")


def test_another_market_is_one_of_the_campaign(ask: Ask, keys: list[str]) -> None:
    said = ask("retake", keys[0], "--market", "mars")
    assert said.status == 2 and "this campaign has no markets" in said.err


def test_without_a_terminal_a_small_budget_is_told(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    written(tmp_path, seeds=[66080], budget=4)  # all four were bought
    said = ask("retake", keys[0], "--seeds", "5")
    assert said.status == 0, said.err
    assert "`run` will refuse: raise the budget from 4 to 5 at almond.yaml:" in said.out


def test_a_budget_has_room_for_earlier_versions_that_are_still_to_be_generated(
    ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    written(tmp_path, seeds=[66080], budget=5)  # four were bought
    assert "`run` will refuse" not in ask("retake", keys[0], "--seeds", "5").out
    assert "`run` will refuse: raise the budget from 5 to 6 at" in ask("retake", keys[0], "--seeds", "6").out


@pytest.mark.parametrize(("typed", "budget"), [("y\ny\n", 5), ("n\ny\n", 4)])
def test_at_a_terminal_it_offers_a_larger_budget(
    typed: str, budget: int, at_a_terminal: AtATerminal, keys: list[str], tmp_path: Path
) -> None:
    written(tmp_path, seeds=[66080], budget=4)
    said = at_a_terminal("retake", keys[0], "--seeds", "5", "--output", "output", typed=typed)
    assert said.status == 0, said.out
    assert "The budget is 4 images, the next run needs 5. Raise it? [y/N]" in said.out
    assert load(tmp_path / "almond.yaml").budget == budget
