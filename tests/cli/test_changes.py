"""What the commands say of an edited campaign, and what they ask."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.authoring.since_last_run import note_of
from campaign_runner.cli import run_command
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.plan.plan import Plan
from tests.campaigns import campaign, written
from tests.cli.typed import Ask, AtATerminal
from tests.recorded import record

NEW_WORDS: dict[str, Any] = {"prompts": {"hero": {"text": "{product.name} on a shelf"}}}
SAID = "prompt hero changed: 4 images due, 2 requests, 1 min; 0 unchanged; 4 no longer in the campaign (files stay)"


@pytest.fixture
def ran(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`almond` ran: its four images are stored. Nobody has credentials."""
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(tmp_path / "state"))
    asyncio.run(_run(tmp_path / "output" / "almond", Plan(campaign(tmp_path))))
    return tmp_path


async def _run(folder: Path, plan: Plan) -> None:
    await record(folder, plan, ["stored"] * 4)
    async with SqliteJournal(folder) as journal:
        await journal.note(note_of(plan))


def test_plan_says_what_changed_since_the_last_run(ran: Path, ask: Ask) -> None:
    assert "changed" not in ask("plan", "almond").out
    written(ran, **NEW_WORDS)
    assert f"  changed    {SAID}\n" in ask("plan", "almond").out


def test_status_says_what_changed_and_what_is_kept_of_the_old_words(ran: Path, ask: Ask) -> None:
    assert "edited" not in ask("status", "almond").out
    written(ran, **NEW_WORDS)
    folder = ran / "output" / "almond"
    lines = ask("status", "almond").out.splitlines()
    assert f"  edited  {SAID}" in lines
    assert f"  kept    4 images of earlier words or sizes; `campaign-runner prune {folder}` lists them" in lines
    assert any(f"`campaign-runner keep {folder} --all` uses them for the new wording" in line for line in lines)


def test_json_has_the_changes_too(ran: Path, ask: Ask) -> None:
    assert json.loads(ask("plan", "almond", "--json").out)["changes"] is None
    written(ran, **NEW_WORDS)
    changes = json.loads(ask("plan", "almond", "--json").out)["changes"]
    edit = {"what": "prompt", "how": "changed", "names": ["hero"], "due": 4, "requests": 2, "left": 4}
    assert changes == {"edits": [edit], "renamed": [], "due": 4, "requests": 2, "kept": 0, "left": 4, "picked": []}


def test_a_part_of_the_plan_still_tells_the_changes_of_all(ran: Path, ask: Ask) -> None:
    written(ran, **NEW_WORDS)
    assert SAID in ask("plan", "almond", "--only", "product=soap").out


def test_diff_says_the_same_of_two_files(tmp_path: Path, ask: Ask) -> None:
    old, new = written(tmp_path), written(tmp_path, "new.yaml", **NEW_WORDS)
    assert ask("plan", "--diff", old, new).out == f"{SAID}\n"
    assert ask("plan", "--diff", old, old).out == "the file was edited, but no image changes\n"
    figures = json.loads(ask("plan", "--diff", old, new, "--json").out)
    assert (figures["campaign"], figures["variations"], figures["seconds_at_quota"]) == ("almond", 4, 0)
    assert (figures["due"], figures["requests"], figures["kept"], figures["left"]) == (4, 2, 0, 4)


def test_diff_tells_the_price_of_an_edit_that_the_budget_does_not_allow(tmp_path: Path, ask: Ask) -> None:
    old, new = written(tmp_path), written(tmp_path, "new.yaml", budget=3, **NEW_WORDS)
    said = ask("plan", "--diff", old, new)
    assert (said.status, said.out) == (2, f"{SAID}\n")
    assert "this campaign makes 4 images, 1 over its budget of 3" in said.err
    wrong = ask("plan", "--diff", old, written(tmp_path, "wrong.yaml", budget=3, seedz=[1]))
    assert (wrong.status, wrong.out) == (2, "") and "unknown key 'seedz'" in wrong.err


@pytest.mark.parametrize("arguments", [["--diff", "almond.yaml"], ["almond.yaml", "almond.yaml"]])
def test_diff_takes_two_files_and_plan_one(arguments: list[str], tmp_path: Path, ask: Ask) -> None:
    written(tmp_path)
    said = ask("plan", *arguments)
    assert (said.status, said.out) == (2, "")
    assert "plan --diff takes two files" in said.err


def test_without_a_terminal_a_large_loss_wants_a_flag(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(ran, **NEW_WORDS)
    for more in ([], ["--yes"]):  # --yes is about money alone
        assert run_command(["run", "almond", *more]) == 2
        assert "4 of 4 stored images would no longer be in it; nothing was sent" in capsys.readouterr().err
    assert run_command(["run", "almond", "--accept-changes"]) == 7  # the next thing it wants are credentials


@pytest.mark.parametrize(("typed", "status"), [("n\n", 2), ("\n", 2), ("y\n", 7)])
def test_at_a_terminal_it_is_asked(typed: str, status: int, ran: Path, at_a_terminal: AtATerminal) -> None:
    written(ran, **NEW_WORDS)
    said = at_a_terminal("run", "almond", typed=typed)
    assert said.status == status
    assert f"changed: {SAID}" in said.out
    assert "4 of 4 stored images would no longer be in the campaign. Continue? [y/N]" in said.out


def test_at_a_terminal_it_asks_whether_to_use_what_is_there(ran: Path, at_a_terminal: AtATerminal) -> None:
    written(ran, "spring.yaml", campaign="spring", seeds=[66080])
    said = at_a_terminal("run", "spring.yaml", typed="n\n")
    assert said.status == 7
    assert "2 of 2 images exist in campaign almond; use them? [Y/n]" in said.out


def test_plan_says_what_another_campaign_has(ran: Path, ask: Ask) -> None:
    more = {"seeds": [66080, 82683, 1]}
    said = ask("plan", written(ran, "spring.yaml", campaign="spring", **more))
    assert "  reuse      4 images of almond\n  due        2 images: 2 new\n" in said.out
    figures = json.loads(ask("plan", "spring.yaml", "--json").out)
    assert (figures["variations"], figures["reused"], figures["due"], figures["requests"]) == (6, 4, 2, 2)
