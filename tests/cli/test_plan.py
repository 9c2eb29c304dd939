"""`campaign-runner plan`, through the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.cli import run_command
from campaign_runner.output_folder.registry import RunRegistry
from tests.campaigns import MODEL, plan, written
from tests.recorded import record

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    for name in ("CAMPAIGN_RUNNER_PER_MINUTE", "CAMPAIGN_RUNNER_PER_DAY"):
        monkeypatch.delenv(name, raising=False)


def printed(captured: Captured, *arguments: str) -> str:
    assert run_command(["plan", *arguments]) == 0
    return captured.readouterr().out


def test_a_new_campaign(tmp_path: Path, capsys: Captured) -> None:
    text = printed(capsys, str(written(tmp_path, seeds=[1, 2, 3, 4])))
    assert text.startswith("almond   8 images = 2 products x 1 prompt x 1 preset x 1 size x 4 seeds\n")
    assert not (tmp_path / "output").exists()


def test_json_counts_what_the_journal_says(tmp_path: Path, capsys: Captured) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["stored", "in_doubt", "pending"]))
    figures: dict[str, Any] = json.loads(printed(capsys, "almond", "--json"))
    assert (figures["variations"], figures["stored"], figures["in_doubt"], figures["due"]) == (4, 1, 1, 2)
    assert (figures["requests"], figures["budget_left"]) == (1, None)


def test_a_list_has_a_line_for_each_variation(tmp_path: Path, capsys: Captured) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["stored"]))
    lines = printed(capsys, "almond.yaml", "--list").splitlines()
    key = next(plan(tmp_path).keys())
    cell = "candle, hero, plain, 2048x2048, seed 66080: almond candle on an oak table"
    assert (len(lines), lines[0]) == (4, f"stored    {key[:8]} {cell}")


def test_keys_that_are_not_known_yet_are_not_shown(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path, model="image3_custom", custom_model=MODEL.name)
    lines = printed(capsys, str(path), "--list").splitlines()
    assert [line[:19] for line in lines] == ["pending   -------- "] * 4


def test_only_narrows_the_figures(tmp_path: Path, capsys: Captured) -> None:
    figures = json.loads(printed(capsys, str(written(tmp_path)), "--json", "--only", "product=soap"))
    assert (figures["variations"], figures["due"], figures["requests"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["almond.yaml", "--only", "product=sope"], "did you mean 'soap'?"),
        (["almond.yaml", "--only", "key=00000000"], "selects none of the 4 images"),
        (["almont"], "no campaign named 'almont' found; did you mean 'almond'?"),
        (["almont.yaml"], "almont.yaml:1:1: file not found; did you mean 'almond.yaml'?"),
        (
            ["spring.yaml"],
            "spring.yaml:1:1: file not found\n`campaign-runner list` shows the campaigns of this machine",
        ),
        (["spring"], "no campaign named 'spring' found: give a campaign file (campaigns/spring.yaml), its output"),
        (["."], ". is a folder, not a campaign: name a campaign file in it: "),
        (["empty"], "empty is a folder without a campaign's journal: give a campaign file"),
        (["master.xlsx"], "master.xlsx is a sheet, not a campaign file: a campaign takes its products from it with"),
        (["almond.png"], "almond.png is a picture, not a campaign file: campaign-runner find "),
        (["almond.txt"], "not a campaign file: those are texts whose names end in .yaml. If it is one, rename it"),
        (["almont.yml"], "did you mean 'almond.yaml'?"),
        (["elsewhere/almont.yaml.txt"], "no campaign named 'elsewhere/almont.yaml.txt' found; did you mean 'almond'?"),
    ],
)
def test_what_cannot_be_done_exits_2(arguments: list[str], message: str, tmp_path: Path, capsys: Captured) -> None:
    written(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("master.xlsx", "almond.png", "almond.txt"):
        (tmp_path / name).touch()
    assert run_command(["plan", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_command_that_does_not_exist_is_guessed(capsys: Captured) -> None:
    assert run_command(["staus", "almond"]) == 2
    assert capsys.readouterr().err.endswith("Error: there is no command 'staus'; did you mean 'status'?\n")
    assert run_command(["-x"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_what_a_run_would_be_refused_for_is_told_before(tmp_path: Path, capsys: Captured) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["stored", "stored"]))
    memory = RunRegistry(tmp_path / "state")
    asyncio.run(memory.begun(written(tmp_path), tmp_path / "output" / "almond").note(3))
    assert run_command(["plan", "almond"]) == 5
    assert "has 2 requests, but 3 were made from there: it is older than the last run" in capsys.readouterr().err
    assert run_command(["verify", "almond"]) == 5
    assert "has 2 requests, but 3 were made from there: it is older than the last run" in capsys.readouterr().out
    assert run_command(["prune", "almond", "--yes"]) == 5


def test_a_plan_and_a_check_of_a_folder_remember_nothing(tmp_path: Path, capsys: Captured) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["pending"]))
    printed(capsys, "almond")
    run_command(["verify", "almond"])
    assert not (tmp_path / "state").exists()
