"""A journal or manifest from somebody else, sound to the letter, that names files elsewhere: no command goes there."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from campaign_runner.cli import run_command
from tests.campaigns import SPRING
from tests.security.commands import SECRET

NEW = SPRING.replace("{candle: candle", "{candle: big candle")
PRECIOUS = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n".encode()
ELSEWHERE: dict[str, Callable[[Path], str]] = {
    "an absolute name": lambda home: str(home / "precious"),
    "out of images": lambda home: "images/../../../precious",
    "out of removed": lambda home: "removed/../../../precious",
    "up": lambda home: "../../precious",
    "a file of the folder": lambda home: "note.txt",
    "with a backslash": lambda home: "images\\..\\..\\..\\precious",
    "no file": lambda home: "images",
}
COMMANDS = {
    "verify": ("verify", "spring"),
    "find": ("find", "spring"),
    "find --json": ("find", "spring", "--json"),
    "status": ("status", "spring"),
    "plan": ("plan", "spring"),
    "prune": ("prune", "spring"),
    "prune --yes": ("prune", "spring", "--yes"),
    "keep": ("keep", "spring", "--all", "--yes"),
    "resolve": ("resolve", "spring", "--abandon", "--yes"),
    "run": ("run", "spring.yaml", "--quiet"),
    "rerun --restore": ("rerun", "output/spring.sandbox/manifest.json", "--restore", "--quiet"),
}
READ_NO_FILE = {"status", "plan"}
"""These tell states alone."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `spring` ran in the sandbox."""
    home = tmp_path_factory.mktemp("spring")
    (home / "spring.yaml").write_text(SPRING, encoding="utf-8")
    assert run_command(["run", "--sandbox", str(home / "spring.yaml"), "--quiet"]) == 0
    return home


@pytest.fixture
def home(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder after an edit that leaves the candle behind, with something precious beside it."""
    home = shutil.copytree(ran, tmp_path / "home")
    (home / "spring.yaml").write_text(NEW, encoding="utf-8")
    (home / "output" / "spring.sandbox" / "note.txt").write_bytes(PRECIOUS)
    (home / "precious").write_bytes(PRECIOUS)
    monkeypatch.chdir(home)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(home / "state"))
    return home


def name_in_journal(folder: Path, file: str, content: bytes) -> None:
    """Let the record of the first image name `file`, in table and event alike."""
    told = {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        (key,) = journal.execute("SELECT key FROM variations WHERE product = 'candle' AND seed = 1").fetchone()
        journal.execute("UPDATE variations SET file = ?, sha256 = ?, bytes = ? WHERE key = ?", (*told.values(), key))
        (detail,) = journal.execute("SELECT detail FROM events WHERE kind = 'stored' AND key = ?", (key,)).fetchone()
        changed = json.dumps(json.loads(detail) | told, sort_keys=True, separators=(",", ":"))
        journal.execute("UPDATE events SET detail = ? WHERE kind = 'stored' AND key = ?", (changed, key))
        journal.commit()


def check_nothing_left(home: Path) -> None:
    """What is precious is where it was, and nowhere else."""
    folder = home / "output" / "spring.sandbox"
    holding = {path for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()}
    assert holding == {home / "precious", folder / "note.txt"}
    assert {path.stat().st_nlink for path in holding} == {1}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("where", ELSEWHERE)
def test_no_command_reads_or_moves_what_a_journal_names_elsewhere(
    where: str, command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "output" / "spring.sandbox"
    name_in_journal(folder, ELSEWHERE[where](home), PRECIOUS)
    next(folder.glob("images/candle/*_s1_*")).unlink()  # so that there is something to put back
    capsys.readouterr()
    status = run_command([*COMMANDS[command], "--sandbox"])
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert (status == 5 and "journal" in said.out + said.err) or (command in READ_NO_FILE and status == 0), said
    assert not (home / "output" / "spring.sandbox.rerun").exists(), "bought before it was refused"
    check_nothing_left(home)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_another_campaign_uses_nothing_of_such_a_journal(
    where: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_in_journal(home / "output" / "spring.sandbox", ELSEWHERE[where](home), PRECIOUS)
    (home / "summer.yaml").write_text(SPRING.replace("spring", "summer"), encoding="utf-8")
    assert run_command(["run", "--sandbox", "summer.yaml"]) == 0
    assert "nothing of spring.sandbox is used" in capsys.readouterr().err
    manifest = json.loads((home / "output" / "summer.sandbox" / "manifest.json").read_bytes())
    assert {image["source"] for image in manifest["images"]} == {None}
    check_nothing_left(home)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_manifest_that_names_a_file_elsewhere_is_not_made_again(
    where: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "output" / "spring.sandbox" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["images"][0]["file"] = ELSEWHERE[where](home)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert run_command(["rerun", str(path), "--sandbox", "--quiet"]) == 5
    assert "is not a name of an image" in capsys.readouterr().err
    check_nothing_left(home)
