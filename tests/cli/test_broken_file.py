"""`status`, `resolve` and `cancel` work without a campaign file that can be loaded: from the text of the last run."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.authoring.since_last_run import note_of
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.session.last_text import NO_TEXT
from tests.campaigns import plan
from tests.cli.typed import Ask
from tests.recorded import record

STATES = ["stored", "in_doubt", "failed", "accepted"]
LOOK = {"style_reference": "looks/../look.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images, one in each state; the journal holds the text of the last run, and its reference image is gone."""
    folder = without_text(tmp_path)
    asyncio.run(noted(folder, tmp_path))
    (tmp_path / "look.png").unlink()
    return folder


def without_text(home: Path) -> Path:
    Image.new("RGB", (8, 8)).save(home / "look.png")
    (home / "looks").mkdir()
    folder = home / "output" / "almond"
    asyncio.run(record(folder, plan(home, defaults=LOOK), STATES))
    return folder


async def noted(folder: Path, home: Path) -> None:
    async with SqliteJournal(folder) as journal:
        await journal.note(note_of(plan(home, defaults=LOOK)))


def typo(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace("seeds:", "seedz:"), encoding="utf-8")


def nothing(file: Path) -> None:
    """Its reference image is gone already."""


BROKEN = [
    pytest.param(typo, "unknown key 'seedz'", id="a typo"),
    pytest.param(Path.unlink, "", id="gone"),
    pytest.param(nothing, "look.png", id="a reference gone"),
]
Break = Callable[[Path], None]
NAMES = ["almond", "almond.yaml", "output/almond"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("break_it", "why"), BROKEN)
def test_status_says_why_in_one_line_and_how_it_stands(
    name: str, break_it: Break, why: str, ask: Ask, folder: Path, tmp_path: Path
) -> None:
    break_it(tmp_path / "almond.yaml")
    said = ask("status", name)
    first, *rest = said.out.splitlines()
    assert said.status == 0 and first.startswith("the campaign file cannot be loaded (") and why in first
    assert first.endswith("the text of its last run is used")
    counts = "planned=4 stored=1 accepted=1 in_doubt=1 failed=1 abandoned=0 pending=0"
    assert rest[-1] == f"attention {counts} requests=4 exit=4"


def test_status_in_json_is_json_alone(ask: Ask, folder: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((tmp_path / "almond.yaml").read_bytes()).hexdigest()
    typo(tmp_path / "almond.yaml")
    said = ask("status", "almond", "--json")
    figures = json.loads(said.out)
    assert (figures["counts"]["planned"], figures["campaign_sha256"]) == (4, digest)
    assert "cannot be loaded" in said.err and len(said.err.splitlines()) == 1


@pytest.mark.parametrize(("break_it", "why"), BROKEN)
@pytest.mark.parametrize(("flag", "into"), [("--resubmit", "pending"), ("--abandon", "abandoned")])
def test_a_decision_is_recorded_and_the_manifest_rewritten(
    flag: str, into: str, break_it: Break, why: str, ask: Ask, folder: Path, tmp_path: Path
) -> None:
    break_it(tmp_path / "almond.yaml")
    said = ask("resolve", "almond", flag, "--yes", "--only", "product=candle")
    assert (said.status, said.out.splitlines()[-1].partition(" ")[0]) == (0, "1")
    assert "cannot be loaded" in said.err and why in said.err
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [image["state"] for image in manifest["images"]] == ["stored", into, "failed", "accepted"]
    assert all(image["in_campaign"] for image in manifest["images"])


def test_without_a_decision_resolve_lists(ask: Ask, folder: Path, tmp_path: Path) -> None:
    typo(tmp_path / "almond.yaml")
    listed = ask("resolve", "almond.yaml").out.splitlines()
    assert [line.partition(":")[0] for line in listed if not line.startswith(" ")] == ["1 in doubt", "1 failed"]


def test_a_journal_without_the_text_says_so_and_is_resolved_all_the_same(ask: Ask, tmp_path: Path) -> None:
    folder = without_text(tmp_path)
    typo(tmp_path / "almond.yaml")
    status = ask("status", "almond")
    assert NO_TEXT in status.out.splitlines()[0] and " planned=4 stored=1 accepted=1 " in status.out
    said = ask("resolve", "almond", "--abandon", "--yes")
    assert (said.status, NO_TEXT in said.err) == (0, True)
    assert said.out.startswith("2 images")
    assert not (folder / "manifest.json").exists()  # from nothing but the journal it would say less than it did
    assert " abandoned=2 " in ask("status", "almond").out


def test_a_journal_that_lost_what_its_pictures_held_is_refused(ask: Ask, folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal, journal:
        journal.execute(
            "UPDATE meta SET value = json_replace(value, '$.pictures', json('{}')) WHERE name = 'last_campaign'"
        )
    typo(tmp_path / "almond.yaml")
    said = ask("status", "almond")
    assert (said.status, "does not say what the reference image" in said.err) == (5, True)


def test_a_file_that_never_ran_is_refused_as_ever(ask: Ask, tmp_path: Path) -> None:
    plan(tmp_path)
    typo(tmp_path / "almond.yaml")
    for command in ("status", "resolve", "cancel", "run"):
        said = ask(command, "almond.yaml")
        assert said.status == 2 and "unknown key 'seedz'" in said.err


def test_commands_that_need_the_words_of_now_are_refused_as_ever(ask: Ask, folder: Path, tmp_path: Path) -> None:
    typo(tmp_path / "almond.yaml")
    for command in (("plan", "almond"), ("check", "almond.yaml"), ("keep", "almond", "--all"), ("prune", "almond")):
        said = ask(*command)
        assert said.status == 2 and "unknown key 'seedz'" in said.err + said.out


def test_a_folder_made_again_has_no_text_to_recall(ask: Ask, tmp_path: Path) -> None:
    folder = without_text(tmp_path)

    async def mark() -> None:
        async with SqliteJournal(folder) as journal:
            await journal.note({"rerun_of": "another", "file": "nowhere.yaml"})

    asyncio.run(mark())
    said = ask("resolve", "output/almond")
    assert (said.status, "the images of a rerun, and no campaign file" in said.err) == (2, True)
    said = ask("status", "output/almond")
    assert (said.status, said.out.partition(":")[0]) == (0, "almond   a rerun of another")
