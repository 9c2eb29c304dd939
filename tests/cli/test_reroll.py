"""`reroll`: new seeds for rows whose images were all rejected, and only for these."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan
from tests.campaigns import plan, written
from tests.cli.typed import Ask, AtATerminal
from tests.recorded import record


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The keys of twelve images: a row of four for candle, soap and salt; the last of salt is in doubt."""
    products = {name: {"name": name} for name in ("candle", "soap", "salt")}
    planned = plan(tmp_path, products=products, seeds=[1, 2, 3, 4])
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * 11 + ["in_doubt"]))
    return list(planned.keys())


def reject(ask: Ask, keys: list[str], *more: str) -> None:
    assert ask("review", "almond", "--reject", *keys, "--as", "anna", *more).status == 0


def test_a_rejected_row_gets_as_many_new_seeds_as_a_request_takes(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    reject(ask, keys[:4], "--reason", "anatomy")
    reject(ask, keys[8:11])
    file = tmp_path / "almond.yaml"
    before = file.read_text(encoding="utf-8")
    said = ask("reroll", "almond")
    entry = "{product: candle, prompt: hero, preset: plain, size: 2048x2048, seeds: [5, 6, 7, 8]}"
    assert said.status == 0 and f"+  - {entry}" in said.out.splitlines()
    assert "left out: 1 waiting for images, 1 open (--open takes them, too)" in said.out
    assert "1 row; adds 4 images: 4 images to buy in 1 request" in said.out
    assert said.out.splitlines()[-1].startswith(
        f"written; next: campaign-runner run {tmp_path}/almond.yaml --only key="
    )
    assert file.read_text(encoding="utf-8") == f"{before}include:\n  - {entry}\n"
    rows = [line for line in ask("review", "almond", "--list").out.splitlines() if "candle" in line]
    assert rows == ["waiting   candle, hero, plain, 2048x2048"]
    assert ask("reroll", "almond").out.endswith("no row to reroll\n")


def test_a_second_reroll_takes_seeds_that_the_row_never_had(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    reject(ask, keys[:4])
    ask("reroll", "almond")
    planned = Plan(load(tmp_path / "almond.yaml"))
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * 16))
    reject(ask, list(planned.keys())[4:8])
    assert "seeds: [9, 10, 11, 12]}" in ask("reroll", "almond").out


def test_open_rows_are_taken_if_it_is_said(ask: Ask, keys: list[str]) -> None:
    said = ask("reroll", "almond", "--open", "--only", "product=soap,salt")
    assert "2 rows" not in said.out and "product: soap" in said.out and "left out: 1 waiting for images" in said.out


def test_what_other_words_have_to_mend_is_a_retake(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    reject(ask, keys[:3])
    reject(ask, keys[3:4], "--reason", "brand", "--note", "the logo is upside down")
    before = (tmp_path / "almond.yaml").read_text(encoding="utf-8")
    said = ask("reroll", "almond")
    assert said.out.splitlines()[:2] == [
        "candle, hero, plain, 2048x2048 needs other words (brand): the logo is upside down",
        f"  campaign-runner retake {keys[3][:8]} --text '…' --in {tmp_path}/output/almond",
    ]
    assert (tmp_path / "almond.yaml").read_text(encoding="utf-8") == before


def test_three_rejected_and_the_fourth_in_doubt_is_not_rerolled(ask: Ask, keys: list[str]) -> None:
    reject(ask, keys[8:11])
    said = ask("reroll", "almond")
    assert said.out == "left out: 1 waiting for images, 2 open (--open takes them, too)\nno row to reroll\n"


def test_sizes_of_one_garment_are_rerolled_as_one_picture(ask: Ask, tmp_path: Path) -> None:
    products = {f"shirt-{size}": {"name": "blue shirt"} for size in ("s", "m", "l", "xl", "xxl")}
    planned = plan(tmp_path, products=products, seeds=[1, 2, 3, 4])
    assert len(planned) == 4
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * 4))
    reject(ask, list(planned.keys()))
    said = ask("reroll", "almond")
    assert "5 rows; adds 4 images: 4 images to buy in 1 request" in said.out
    assert len(Plan(load(tmp_path / "almond.yaml"))) == 8


def test_decisions_that_cannot_be_read_forbid_it(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    reject(ask, keys[:4])
    (tmp_path / "output" / "almond" / "decisions" / "broken.jsonl").write_text("{}\n", encoding="utf-8")
    said = ask("reroll", "almond")
    assert said.status == 2 and "mend the file, or move it" in said.err


def test_an_entry_of_include_is_rerolled_in_its_own_words(ask: Ask, tmp_path: Path) -> None:
    entry = {"product": "candle", "prompt": "hero", "preset": "plain", "size": "2048x2048", "text": "a candle, alone"}
    file = written(tmp_path, exclude=[{"product": "candle"}], include=[{**entry, "seeds": [7]}])
    planned = Plan(load(file))
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * len(planned)))
    reject(ask, [planned.at(len(planned) - 1).variation.key])
    assert 'text: "a candle, alone"' in ask("reroll", "almond").out.split("+++")[1].split("[8, 9, 10, 11]")[0]


@pytest.mark.parametrize(("budget", "told"), [(15, "raise the budget from 15 to 16 at"), (16, ""), (None, "")])
def test_a_budget_without_room_for_the_new_images_is_told(
    budget: int | None, told: str, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    own: dict[str, Any] = {} if budget is None else {"budget": budget}
    written(tmp_path, products={"candle": {"name": "candle"}}, seeds=[1, 2, 3, 4], **own)
    reject(ask, keys[:4])  # twelve were bought, and four are added
    said = ask("reroll", "almond")
    assert said.status == 0 and ("`run` will refuse" in said.out) == bool(told) and told in said.out


@pytest.mark.parametrize(("typed", "budget"), [("y\ny\n", 16), ("n\ny\n", 15), ("n\nn\n", 15)])
def test_at_a_terminal_it_offers_a_larger_budget(
    typed: str, budget: int, at_a_terminal: AtATerminal, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    written(tmp_path, products={"candle": {"name": "candle"}}, seeds=[1, 2, 3, 4], budget=15)
    reject(ask, keys[:4])
    said = at_a_terminal("reroll", "almond", typed=typed)
    assert said.status == (9 if typed.endswith("n\n") else 0), said.out
    assert "The budget is 15 images, the next run needs 16. Raise it? [y/N]" in said.out
    assert load(tmp_path / "almond.yaml").budget == budget
