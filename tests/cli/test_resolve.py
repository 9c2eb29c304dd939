"""`campaign-runner resolve` and `status`, through the command line."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.cli import run_command
from campaign_runner.disk.files import make_folder
from campaign_runner.events import Attempt, Doubted
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import refuse_damage
from campaign_runner.model import Cause, Job, State
from campaign_runner.output_folder.folder import Folder
from tests.campaigns import plan, written
from tests.cli.typed import AtATerminal
from tests.recorded import record
from tests.refolding import check_replay, read

Captured = pytest.CaptureFixture[str]
STATES = ["stored", "in_doubt", "failed", "in_doubt"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of four images one is stored, two are in doubt (one of each product), one failed."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), STATES))
    return tmp_path / "output" / "almond"


def counts(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "manifest.json").read_bytes())["counts"]
    return found


DECISIONS: list[Any] = [
    (["--resubmit"], "2 images will be requested again on the next run", {"in_doubt": 0, "pending": 2}),
    (["--retry-failed"], "1 image will be requested again on the next run", {"failed": 0, "pending": 1}),
    (
        ["--abandon", "--yes"],
        "3 images marked as given up; not reported again",
        {"abandoned": 3, "in_doubt": 0, "failed": 0},
    ),
    (["--abandon", "--yes", "--only", "product=soap"], "2 images marked as given up", {"abandoned": 2, "in_doubt": 1}),
    (
        ["--resubmit", "--only", "seed=5"],
        "nothing that --only selects is in doubt: nothing was changed",
        {"in_doubt": 2, "pending": 0},
    ),
    (["--abandon", "--yes", "--only", "size=square"], "3 images marked as given up", {"abandoned": 3}),
]


@pytest.mark.parametrize(("flags", "told", "after"), DECISIONS)
def test_a_decision_is_recorded_and_the_manifest_rewritten(
    flags: list[str], told: str, after: dict[str, int], folder: Path, capsys: Captured
) -> None:
    assert run_command(["resolve", "almond", *flags]) == 0
    assert capsys.readouterr().out.startswith(told)
    assert counts(folder).items() >= after.items()


BUDGETS: list[Any] = [
    ("--resubmit", 5, 2, 4, 6),  # an image that failed at Adobe is counted
    ("--retry-failed", 4, 1, 4, 5),
    ("--resubmit", 6, 2, 4, None),
    ("--resubmit", None, 2, 4, None),
]


@pytest.mark.parametrize(("flag", "budget", "due", "used", "needed"), BUDGETS)
def test_a_decision_that_the_budget_has_no_room_for_is_made_and_says_what_to_raise(
    flag: str, budget: int | None, due: int, used: int, needed: int | None, folder: Path, capsys: Captured
) -> None:
    file = written(folder.parents[1], budget=budget)
    assert run_command(["resolve", "almond", flag]) == 0
    decided, *raised, following = capsys.readouterr().out.splitlines()
    images = "1 image" if due == 1 else f"{due} images"
    assert decided == f"{images} will be requested again on the next run"
    assert raised == [
        f"`run` will refuse: it would buy {images}, but the budget has room for {(budget or 0) - used} ({used} of "
        f"{budget} are used); raise `budget` in almond.yaml:8 from {budget} to {needed}"
    ] * (needed is not None)
    assert following == f"next: campaign-runner run {file}"
    assert counts(folder)["pending"] == due


def test_an_image_that_adobe_rejected_is_not_counted_against_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path, budget=4), ["stored", "stored", "refused"]))
    assert run_command(["resolve", "almond", "--retry-failed"]) == 0
    _, following = capsys.readouterr().out.splitlines()
    assert following.startswith("next: ")


def test_a_sandbox_has_no_budget_to_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond.sandbox", plan(tmp_path, budget=4), STATES))
    assert run_command(["resolve", "almond", "--sandbox", "--resubmit"]) == 0
    _, following = capsys.readouterr().out.splitlines()
    assert following == f"next: campaign-runner run {tmp_path / 'almond.yaml'} --sandbox"


def test_images_that_another_campaign_has_need_no_budget(folder: Path, capsys: Captured) -> None:
    asyncio.run(record(folder.parent / "other", plan(folder.parents[1], budget=4), ["stored"] * 4))
    assert run_command(["resolve", "almond", "--resubmit"]) == 0
    _, following = capsys.readouterr().out.splitlines()
    assert following.startswith("next: ")


def test_only_what_was_decided_for_a_file_that_can_be_loaded_names_the_next_run(folder: Path, capsys: Captured) -> None:
    assert run_command(["resolve", "almond", "--resubmit", "--only", "seed=5"]) == 0
    assert "next:" not in capsys.readouterr().out
    (folder.parents[1] / "almond.yaml").unlink()
    assert run_command(["resolve", str(folder), "--resubmit"]) == 0
    assert capsys.readouterr().out == "2 images will be requested again on the next run\n"


@pytest.mark.parametrize("flag", ["--resubmit", "--retry-failed"])
def test_only_giving_up_asks_and_the_readme_says_so(flag: str, folder: Path, at_a_terminal: AtATerminal) -> None:
    said = at_a_terminal("resolve", "almond", flag, typed="")
    assert said.status == 0 and "?" not in said.out + said.err
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    decide = "decide with `--resubmit` or `--retry-failed`, or give up with `--abandon`"
    assert f"{decide}, which alone asks (without a terminal add `--yes`)" in readme


def test_the_list_shows_what_came_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["replaced", "failed"]))
    assert run_command(["resolve", "almond"]) == 0
    why, first, look, *decisions, again, second, _, _ = capsys.readouterr().out.splitlines()
    assert (why, again) == ("1 failed: Adobe returned no image for this seed",) * 2, "that is decided about apart"
    assert first.endswith("seed 66080") and second.endswith("seed 82683") and len(decisions) == 2
    assert re.fullmatch(
        r" {11}look first at output/almond/images/unexpected/\w+_s9_abababab.jpg: "
        "Adobe delivered this instead, you paid for it",
        look,
    )


def test_without_a_decision_it_lists_and_changes_nothing(folder: Path, capsys: Captured) -> None:
    before = (folder / "journal.sqlite").read_bytes()
    assert run_command(["resolve", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "2 in doubt: the line broke after sending",
        "1 failed: Adobe returned no image for this seed",
    ]
    keys = [line.split()[0] for line in lines if ", seed " in line]
    doubts, failed = ",".join(keys[:2]), keys[2]
    assert [line for line in lines if "campaign-runner" in line] == [
        f"  request them again, which may cost twice: campaign-runner resolve {folder} --only key={doubts} --resubmit",
        f"  or give them up: campaign-runner resolve {folder} --only key={doubts} --abandon",
        f"  request it again: campaign-runner resolve {folder} --only key={failed} --retry-failed",
        f"  or give it up: campaign-runner resolve {folder} --only key={failed} --abandon",
    ]
    assert len(lines) == 2 + 3 + 4
    assert (folder / "journal.sqlite").read_bytes() == before
    assert not (folder / "manifest.json").exists()


def test_a_product_may_be_called_as_it_is_now_or_was(folder: Path, tmp_path: Path, capsys: Captured) -> None:
    written(tmp_path, products={"candle": {"name": "almond candle"}, "savon": {"name": "almond soap"}})
    for name in ("savon", "soap"):
        assert run_command(["resolve", "almond", "--only", f"product={name}"]) == 0
        lines = [line[:4] for line in capsys.readouterr().out.splitlines() if "campaign-runner" not in line]
        assert lines == ["1 in", "  95", "1 fa", "  c9"]


def test_one_decision_at_a_time(folder: Path, capsys: Captured) -> None:
    assert run_command(["resolve", "almond", "--resubmit", "--abandon"]) == 2
    assert "one decision at a time" in capsys.readouterr().err


def test_nothing_is_decided_while_a_run_goes_on(folder: Path, capsys: Captured) -> None:
    with Folder(folder).locked():
        assert run_command(["resolve", "almond", "--resubmit"]) == 11
    assert "another run is already working on this campaign" in capsys.readouterr().err


def test_what_never_ran_cannot_be_resolved(tmp_path: Path, capsys: Captured) -> None:
    assert run_command(["resolve", str(written(tmp_path)), "--resubmit"]) == 2
    assert "nothing was run there yet" in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("name", ["almond", "almond.yaml", "output/almond"])
def test_status_takes_a_name_a_file_or_a_folder(name: str, folder: Path, capsys: Captured) -> None:
    assert run_command(["status", name]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("attention planned=4 stored=1 ")


def test_status_takes_a_manifest(folder: Path, capsys: Captured) -> None:
    assert run_command(["resolve", "almond", "--abandon", "--yes"]) == 0
    assert run_command(["status", "output/almond/manifest.json"]) == 0
    last = "ok planned=4 stored=1 accepted=0 in_doubt=0 failed=0 abandoned=3 pending=0 requests=4 exit=0"
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_status_in_json_is_the_manifest_without_images(folder: Path, capsys: Captured) -> None:
    assert run_command(["status", "almond", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["counts"]["in_doubt"] == 2
    assert (figures["running"], figures["fetch_before"]) == (False, None)
    assert "images" not in figures


def test_status_while_a_run_goes_on(folder: Path, capsys: Captured) -> None:
    with Folder(folder).locked():
        assert run_command(["status", "almond"]) == 0
    assert capsys.readouterr().out.startswith("a run is in progress in this folder\n")


async def doubted(folder: Path, answer: str) -> None:
    """One request for both seeds of a product is in doubt; its answer began like this."""
    first, second, *_ = plan(folder.parents[1])
    attempt = Attempt("a" * 32, Job(first.recipe, (first.variation, second.variation)))
    async with SqliteJournal(folder) as journal:
        file = Folder(folder).relative(folder.parents[1] / "almond.yaml")
        await journal.note({"campaign": "almond", "origin": "https://firefly-api.adobe.io", "file": file})
        await journal.intend([attempt])
        await journal.record([Doubted(attempt, Cause("unreadable_answer", "Adobe's answer is not JSON"), answer)])


def test_how_an_unreadable_answer_began_is_shown_once_a_request_and_harmlessly(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "output" / "almond"
    make_folder(folder)
    asyncio.run(doubted(folder, '{"jobId": "urn:1\x1b[2J'))
    assert run_command(["resolve", str(folder)]) == 0
    why, first, answer, second, *_ = capsys.readouterr().out.splitlines()
    assert why.startswith("2 in doubt: ") and first.endswith("seed 66080") and second.endswith("seed 82683")
    assert answer.strip() == 'Adobe\'s answer began: {"jobId": "urn:1\ufffd[2J'


@pytest.mark.parametrize("only", [[], ["--only", "product=soap"]])
def test_what_was_given_up_can_be_taken_back_each_as_it_was(only: list[str], folder: Path, capsys: Captured) -> None:
    before = json.loads((folder / "manifest.json").read_bytes()) if (folder / "manifest.json").exists() else None
    with folder_ledger(folder) as ledger:
        was = {entry.key: (entry.state, entry.reason) for entry in ledger.in_states(*State)}
    assert before is None
    assert run_command(["resolve", "almond", "--abandon", "--yes"]) == 0
    assert counts(folder)["abandoned"] == 3
    capsys.readouterr()
    assert run_command(["resolve", "almond", "--restore", *only]) == 0
    back = 2 if only else 3
    assert capsys.readouterr().out.startswith(f"{back} images no longer given up")
    with folder_ledger(folder) as ledger:
        now = {entry.key: (entry.state, entry.reason) for entry in ledger.in_states(*State)}
        taken_back = {entry.key for entry in ledger.in_states(*State) if not only or entry.cell.product == "soap"}
    assert {key: now[key] for key in taken_back} == {key: was[key] for key in taken_back}
    assert sum(state == State.ABANDONED for state, _ in now.values()) == 3 - back
    check_replay(read(folder / "journal.sqlite"))
    refuse_damage(folder / "journal.sqlite")
    assert run_command(["resolve", "almond", "--restore"]) == 0
    assert run_command(["resolve", "almond", "--restore"]) == 0
    assert "nothing is given up: nothing was changed" in capsys.readouterr().out


def folder_ledger(folder: Path) -> Ledger:
    return Folder(folder).ledger(is_running=False)


def test_without_a_terminal_nothing_is_given_up_unless_it_is_said_to_be_meant(folder: Path, capsys: Captured) -> None:
    assert run_command(["resolve", "almond", "--abandon"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nothing was changed: to give up 2 images that are in doubt and 1 image that is failed")
    assert "Adobe may have charged" in told and "--yes" in told
    with folder_ledger(folder) as ledger:
        assert ledger.counts()[State.ABANDONED] == 0


def test_a_no_to_cancel_cancels_nothing(at_a_terminal: AtATerminal, tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "output" / "almond", plan(tmp_path), ["accepted"]))
    said = at_a_terminal("cancel", "almond", typed="n\n")
    assert "1 image may be paid for already. Cancel? [y/N]" in said.out and "nothing was changed" in said.out
    assert said.status == 9


@pytest.mark.parametrize(("typed", "given_up"), [("y\n", 3), ("n\n", 0), ("\n", 0)])
def test_at_a_terminal_it_asks_before_anything_is_given_up(
    typed: str, given_up: int, folder: Path, at_a_terminal: AtATerminal
) -> None:
    said = at_a_terminal("resolve", "almond", "--abandon", typed=typed)
    assert said.status == (0 if given_up else 9)
    assert "Give up 2 images that are in doubt and 1 image that is failed" in said.out + said.err
    with folder_ledger(folder) as ledger:
        assert ledger.counts()[State.ABANDONED] == given_up
