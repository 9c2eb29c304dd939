"""A command line with a slip is answered with what was meant, below the error."""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path

import click
import pytest

from campaign_runner.cli import COMMANDS, UNLISTED, commands
from campaign_runner.cli.options import WholeNumber
from campaign_runner.text import did_you_mean
from tests.campaigns import plan, written
from tests.cli.typed import Ask
from tests.recorded import record

SLIPS = [
    (
        ["status"],
        "Example: campaign-runner status spring\nCampaigns: almond; `campaign-runner list` shows how each",
    ),
    (["clone", "almond"], "Example: campaign-runner clone spring summer"),
    (["deliver", "almond", "--channel", "linkedin-add"], "in its file, `channels: [linkedin-ad]`; `campaign-runner ch"),
    (["plan", "almond", "--products", "soap bar"], "Write --only product='soap bar'\n"),
    (["plan", "almond", "--key", "hunter2"], "Write --only key=…\n"),
    (["plan", "almond", "--onyl", "product=soap"], "No such option '--onyl'; did you mean '--only'?\n"),
    (["run", "almond", "--max", "5"], "did you mean '--max-images', '--max-requests', '--max-runtime'?\n"),
    (
        ["cancel", "almond", "--sandbox"],
        "costs nothing. These commands take --sandbox: plan, clone, export, run, rerun, st",
    ),
    (
        ["check", "almond", "--sandbox"],
        "costs nothing. These commands take --sandbox: plan, clone, export, run, rerun, st",
    ),
    (["deliver", "almond", "--include"], "No such option '--include'; did you mean '--include-left'?\n"),
    (["plan", "almond", "-only", "product=soap"], "An option begins with two hyphens: --only, not -only\n"),
    (["plan", "almond", "–only", "product=soap"], "An option begins with two hyphens: --only, not –only. Mail"),
    (["run", "almond", "—-until=06:00"], "An option begins with two hyphens: --until, not —-until. Mail"),
    (["retake", "12345678", "--text", "“oak", "table”"], "put a text with spaces between straight ones"),
    (["--sandbox", "run", "almond"], "Options come behind the command, as in: campaign-runner run --sandbox FILE\n"),
    (["run", "almond", "--max-images", "1,5"], "'1,5' does not fit; write a whole number, 1 or more: digits only"),
    (["run", "almond", "--per-minute", "0"], "'0' does not fit; write a whole number, 1 to 999,999: digits only"),
    (["sandbox", "--seed", "x"], "'x' does not fit; write a whole number, 0 or more: digits only"),
    (["sandbox", "--job-seconds", "nan"], "'nan' does not fit; write a number such as 5 or 0.5"),
    (["schema", "campain"], "Did you mean 'campaign'?\nExample: campaign-runner schema manifest\n"),
    (["plan", "almond", "--only", "product=candle,", "soap"], "If 'soap' is meant for --only: write commas without sp"),
    (["find", "almond", "--only", "preset=golden", "hour"], "If 'hour' is meant for --only: write commas without sp"),
    (["help", "run"], "there is no command 'help': `campaign-runner --help` lists the commands, `campaign-runner COMM"),
    (["first.yaml"], "say first what to do with the file, as in `campaign-runner check /"),
]


@pytest.mark.parametrize(("words", "told"), SLIPS, ids=[" ".join(words) for words, _ in SLIPS])
def test_a_slip_in_a_command_line_is_answered_with_what_was_meant(
    words: list[str], told: str, ask: Ask, tmp_path: Path
) -> None:
    written(tmp_path)
    said = ask(*words)
    assert said.status == 2 and told in said.err and "hunter2" not in said.err


@pytest.mark.parametrize("name", [*chain.from_iterable(COMMANDS.values()), *UNLISTED])
def test_no_number_is_refused_in_words_of_a_library(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)
    parts = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    kinds = [param.type for part in parts if part is not None for param in part.params]
    numbers = click.types.IntParamType | click.types.FloatParamType
    assert [kind for kind in kinds if isinstance(kind, numbers) and not isinstance(kind, WholeNumber)] == []


def test_where_there_is_no_campaign_a_missing_name_leads_to_the_first_one(ask: Ask) -> None:
    assert ask("status").err.endswith("There is no campaign here yet; `campaign-runner init` writes one\n")


def test_words_in_other_letters_are_no_slip(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path)
    said = ask("plan", "almond", "--only", "product=„Seife“")
    assert said.status == 2 and len(said.err.splitlines()) == 1


def test_a_channel_is_found_however_it_is_written(ask: Ask) -> None:
    assert ask("channels", "Instagram Story").out.startswith("instagram-story ")


@pytest.mark.parametrize("command", ["verify", "status"])
def test_each_name_that_is_unknown_is_told_and_the_others_are_looked_at(command: str, ask: Ask, tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["stored"]))
    said = ask(command, "one-thing", "almond", "another")
    told = [line.partition(" found")[0] for line in said.err.splitlines()]
    assert told == ["no campaign named 'one-thing'", "no campaign named 'another'"]
    assert "almond" in said.out
    code = 5 if command == "verify" else 2  # the image that was recorded is not there
    assert (said.status, said.out.splitlines()[-1]) == (code, f"attention exit={code}")


@pytest.mark.parametrize(
    "typed", ["deliver almond --to mail.zip", "run almond --output mail.zip", "rerun almond --into mail.zip"]
)
def test_a_file_in_the_place_of_a_folder_is_told(typed: str, ask: Ask, tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "mail.zip").write_bytes(b"mine")
    said = ask(*typed.split())
    assert said.status == 2 and "mail.zip is a file: name a folder; one that is not there is made\n" in said.err


def test_a_folder_that_has_to_be_there_is_told(ask: Ask) -> None:
    assert "there is no folder looks: make it, or name another\n" in ask("rerun", "a", "--references", "looks").err


NAMES = ("almond-autumn", "almond-autumn.sandbox", "spring-2026", "spring-2027", "winter_sale", "window")
BEGINNINGS = [
    ("almond", "'almond-autumn', 'almond-autumn.sandbox'"),
    ("alm", "'almond-autumn', 'almond-autumn.sandbox'"),
    ("Spring", "'spring-2026', 'spring-2027'"),
    ("winter", "'winter_sale'"),
    ("win", "'window'"),  # is spelt most like it
    ("wint", "'winter_sale'"),
    ("wi", ""),
    ("autumn", ""),
]


@pytest.mark.parametrize(("typed", "meant"), BEGINNINGS)
def test_the_beginning_of_a_name_is_a_guess_everywhere(typed: str, meant: str) -> None:
    assert did_you_mean(typed, NAMES) == (f"; did you mean {meant}?" if meant else "")


def test_of_many_names_that_begin_so_a_few_are_told() -> None:
    told = did_you_mean("season", [f"season-{number:02}" for number in range(40)])
    assert told == "; did you mean 'season-00', 'season-01', 'season-02' and 37 more?"


def test_the_beginning_of_a_campaign_leads_to_it(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "spring-sale-2026.yaml").write_text("campaign: spring-sale-2026\n", encoding="utf-8")
    told = {
        "status spring": "no campaign named 'spring' found; did you mean 'spring-sale-2026'?\n",
        "find spring": "no image found has that word; did you mean 'spring-sale-2026'?\n",
        "check campaigns/spring.yaml": "file not found; did you mean 'spring-sale-2026.yaml'?\n",
    }
    for typed, words in told.items():
        said = ask(*typed.split())
        assert said.status == 2 and words in said.out + said.err
