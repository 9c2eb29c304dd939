"""Names: whatever somebody calls a product, and whatever a journal says a file is called, nothing leaves the folder."""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import derived, id_flaw
from campaign_runner.cli import run_command
from campaign_runner.errors import CampaignFileError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan
from campaign_runner.report.sheet.contents import Picture
from campaign_runner.report.sheet.drawing import thumbnails
from campaign_runner.report.sheet.layout import Place
from tests.leaks import check_shown
from tests.recorded import record

PIECES = (
    "..", ".", "/", "\\", "~", "$HOME", "%2e%2e", "%00", "\0", "\n", "\r", "\x1b[2J", "\x7f", "\x85", "con", "COM1",
    "COM¹", "nul", "lpt9", "aux.jpg", ":", "::$DATA", "|", "?", "*", "<", ">", '"', "'", " ", "\t", "é", "e\u0301", "ß",
    "İ", "ı", "K", "ﬀ", "ｃｏｎ", "\u202e", "\u200d", "\ufeff", "🧴", "アーモンド", "a" * 300, "-", "--", "_", "0", "a",
    "Z",     "file:///", "\\\\host\\share", "C:", ".staging", "manifest.json", "images", "unexpected",
)  # fmt: skip
SAFE = re.compile(r"images/[a-z0-9][a-z0-9-]{0,39}/[a-z0-9_-]{1,130}_[0-9]+x[0-9]+_s[0-9]+_[0-9a-f]{8}", re.ASCII)
DEVICES = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")


def hostile_names(count: int, seed: int = 1) -> list[str]:
    dice = random.Random(seed)
    return ["".join(dice.choices(PIECES, k=dice.randint(1, 5))) for _ in range(count)]


def test_an_id_made_of_any_name_is_plain_or_refused() -> None:
    for name in hostile_names(50_000):
        for id in (name, derived(name)):
            if id_flaw(id) is None:
                assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", id, re.ASCII), ascii(name)
                assert not DEVICES.fullmatch(id), ascii(name)


@pytest.mark.parametrize("kind", ["a list of names", "ids"])
def test_a_file_with_any_names_makes_plain_file_names_or_a_problem(kind: str, tmp_path: Path) -> None:
    loaded = 0
    together = 1 if kind == "ids" else 2
    for names in zip(*[iter(hostile_names(400))] * together, strict=True):
        products = json.dumps(dict.fromkeys(names, "soap") if kind == "ids" else names)
        prompts = json.dumps({names[0] if kind == "ids" else "hero": "a {product.name}"})
        text = f"campaign: a\nmodel: image3\nproducts: {products}\nprompts: {prompts}\nsizes: [1024x1024]\nseeds: [1]\n"
        (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        try:
            plan = Plan(load(tmp_path / "a.yaml"))
        except CampaignFileError as error:
            check_shown([str(error)])
            continue
        loaded += 1
        stems = [planned.variation.stem for planned in plan]
        assert all(SAFE.fullmatch(stem) for stem in stems), stems
        assert len({stem.casefold() for stem in stems}) == len(stems)
    assert loaded >= 2, "some of them are harmless, so that the others could have been used"


HARMFUL = "\x1b[2J\x1b[31m\u202e\x9bred\r\nok planned=1"
TAMPERINGS = {
    "a message": ("UPDATE variations SET message = ?", HARMFUL),
    "a code": ("UPDATE variations SET code = ?", HARMFUL),
    "a product": ("UPDATE variations SET product = ?", f"../../{HARMFUL}"),
    "a prompt": ("UPDATE variations SET prompt = ?", HARMFUL),
    "a file": ("UPDATE variations SET file = ? WHERE state = 'stored'", f"../../{HARMFUL}"),
    "the campaign's file": ("UPDATE meta SET value = ? WHERE name = 'file'", f"../../../../{HARMFUL}.yaml"),
    "the service": ("UPDATE meta SET value = ? WHERE name = 'origin'", HARMFUL),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampered_journal_writes_nothing_elsewhere_and_steers_no_terminal(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("CAMPAIGN_RUNNER_STATE_DIR", str(home / "state"))
    monkeypatch.delenv("CUSTOM_MODELS_CLIENT_ID", raising=False)  # nobody is asked for the last image
    text = "campaign: a\nmodel: image3\nproducts: [candle]\nprompts: {hero: 'a {product.name}'}\nsizes: [1024x1024]\n"
    (home / "a.yaml").write_text(f"{text}seeds: [1, 2, 3, 4]\n", encoding="utf-8")
    states = ["stored", "in_doubt", "failed", "new"]
    asyncio.run(record(home / "output" / "a", Plan(load(home / "a.yaml")), states))
    statement, value = TAMPERINGS[name]
    with closing(sqlite3.connect(home / "output" / "a" / "journal.sqlite")) as journal:
        assert journal.execute(statement, (value,)).rowcount > 0
        journal.commit()
    shown = [
        said_by(capsys, *words)
        for words in (("status", "a"), ("resolve", "a"), ("resolve", "a", "--abandon", "--yes"), ("run", "a"))
    ]
    check_shown(shown)
    assert not any(line.startswith("ok planned=1") for said in shown for line in said.splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert {path.name for path in home.iterdir()} <= {"a.yaml", "output", "state"}


def said_by(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run_command(words) != 1
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize(
    ("stand", "file"),
    [
        (lambda folder: Image.new("RGB", (8, 8)).save(folder.parent / "away.png"), "../away.png"),
        (lambda folder: (folder / "a.png").symlink_to(folder.parent / "away.png"), "a.png"),
        (lambda folder: (folder / "images").symlink_to(folder.parent), "images/away.png"),
    ],
    ids=["a name that leaves", "a link", "a linked folder"],
)
async def test_the_contact_sheet_shows_no_picture_from_elsewhere(
    stand: Callable[[Path], object], file: str, tmp_path: Path
) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "away.png")
    stand(folder)
    warnings: list[str] = []
    picture = Picture(1, file, None, "")
    assert await thumbnails(Folder(folder), [(picture, Place(0, 0, 8, 8))], {file}, warnings.append) == [None]
    assert "cannot be read" in warnings[0]
