"""The checker sees each thing it is there for: a good folder is broken in one place at a time."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.sandbox.faults import Fault
from tests.checker import Seen, check, check_rate, since
from tests.fixtures import Begin
from tests.leaks import spellings
from tests.night import CANARIES, Night

Break = Callable[[Path, dict[str, Any]], object]


def journal(*statements: str) -> Break:
    def change(output: Path, ledger: dict[str, Any]) -> None:
        with closing(sqlite3.connect(output / "journal.sqlite")) as db:
            for statement in statements:
                assert db.execute(statement).rowcount > 0, "the breakage itself is broken"
            db.commit()

    return change


def manifest(change: Callable[[dict[str, Any]], object]) -> Break:
    def apply(output: Path, ledger: dict[str, Any]) -> None:
        written = json.loads((output / "manifest.json").read_bytes())
        change(written)
        (output / "manifest.json").write_text(json.dumps(written), encoding="utf-8")

    return apply


def picture(change: Callable[[Path], object]) -> Break:
    return lambda output, ledger: change(min((output / "images").rglob("*.jpg")))


def charge_again(output: Path, ledger: dict[str, Any]) -> None:
    ledger["charged"][min(ledger["charged"])] += 1


def charge_a_stranger(output: Path, ledger: dict[str, Any]) -> None:
    ledger["charged"]["0" * 64] = 1


def accept_again(output: Path, ledger: dict[str, Any]) -> None:
    ledger["requests"].append(dict(ledger["requests"][-1], job_id="another"))


def publish_unrecorded(path: Path) -> None:
    shutil.copy(path, path.with_name("another.jpg"))


def lead_away(path: Path) -> None:
    target = path.parents[3] / "elsewhere.jpg"
    path.rename(target)
    path.symlink_to(target)


def say_it_waits(written: dict[str, Any]) -> None:
    """One image in doubt is said to be waiting at the service."""
    next(image for image in written["images"] if image["state"] == "in_doubt")["state"] = "accepted"
    written["counts"].update(in_doubt=1, accepted=1)


def write(name: str) -> Break:
    def apply(output: Path, ledger: dict[str, Any]) -> None:
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_text("x", encoding="utf-8")

    return apply


FIRST = "(SELECT min(key) FROM variations WHERE state = 'stored')"
BREAKS: dict[str, tuple[str, Break]] = {
    "bought twice": ("bought twice", charge_again),
    "bought by nobody": ("no journal knows it", charge_a_stranger),
    "a job nobody knows": ("a job was paid for", accept_again),
    "a state without an event": ("states differ", journal(f"UPDATE variations SET state='failed' WHERE key={FIRST}")),
    "an event lost": ("of a variation that is submitting", journal("DELETE FROM events WHERE kind = 'accepted'")),
    "an event twice": ("begun twice", journal("UPDATE events SET kind = 'submitting' WHERE kind = 'accepted'")),
    "time runs back": ("earlier run", journal("UPDATE events SET epoch = 9 WHERE seq = 2")),
    "an outcome without an event": (
        "outcomes differ",
        journal("UPDATE attempts SET outcome = 'refused' WHERE number = 1"),
    ),
    "a digest changed": ("differs from its event", journal("UPDATE variations SET sha256 = 'ab'")),
    "an image cut": ("truncated", picture(lambda path: path.write_bytes(path.read_bytes()[:-900]))),
    "an image changed": ("not what was stored", picture(lambda path: path.write_bytes(path.read_bytes() + b"x"))),
    "an image gone": ("recorded and gone", picture(lambda path: path.unlink())),
    "an image from nowhere": ("in no record", picture(publish_unrecorded)),
    "a link": ("is a link", picture(lead_away)),
    "something staged": ("staging", write(".staging/x")),
    "something beside": ("lie in the output folder", write("notes.txt")),
    "a key missing": ("not in the manifest", manifest(lambda written: written["images"].pop(0))),
    "a key twice": ("twice in the manifest", manifest(lambda w: w["images"].append(w["images"][0]))),
    "a count wrong": ("counts of the manifest", manifest(lambda written: written["counts"].update(stored=0))),
    "another request": (
        "not that of the request",
        manifest(lambda w: w["images"][0]["request"].update(prompt="another")),
    ),
    "another reason": ("the manifest says", manifest(say_it_waits)),
    "another digest": ("sha256 differs", manifest(lambda w: w["images"][0].update(sha256="ab" * 32))),
    "no manifest": ("says nothing about it", lambda output, ledger: (output / "manifest.json").unlink()),
    "a secret": ("canary-client", lambda output, ledger: (output / ".lock").write_bytes(b"canary-client")),
}


async def good_night(begin: Begin) -> Night:
    night = await begin(Fault("reset_after", nth=2))
    await night.run(night.campaign(requests=3, seeds=2))
    return night


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_seen(name: str, begin: Begin, tmp_path: Path) -> None:
    night = await good_night(begin)
    shutil.copytree(night.home / "output", tmp_path / "output", symlinks=True)
    ledger = night.sandbox.ledger.as_json()
    check(tmp_path / "output", ledger, canaries=CANARIES)
    words, change = BREAKS[name]
    change(tmp_path / "output" / "night", ledger)
    with pytest.raises((AssertionError, OSError), match=words):
        check(tmp_path / "output", ledger, canaries=CANARIES)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(exits={"night": 0}), "exit 0 with 2 in doubt"),
        (Seen(exits={"night": 3}), "exit 3 with 2 in doubt"),
        (Seen(texts=["Traceback (most recent call last):\n"]), "Traceback"),
        (Seen(texts=["\x1b[2J"]), "reaches a terminal"),
        (Seen(texts=["a\u202eb"]), "reaches a terminal"),
        (Seen(texts=["the secret is Bearer x"]), "what was printed"),
        (Seen(texts=["GET /presigned/1"]), "a signed URL"),
        (Seen(texts=["ok planned=2 stored=1 exit=0"]), "planned=2"),
        (Seen(texts=["ok planned=1 in_doubt=1 exit=4"]), "exit=4"),
        (Seen(texts=["attention planned=1 stored=1 exit=8"]), "exit 8, but"),
        (Seen(per_minute=2), "3 requests of canary-client"),
        (Seen(strangers=[b"GET / HTTP/1.1\r\nX-Api-Key: me\r\n\r\n"]), "a host that is not trusted"),
    ],
)
async def test_what_was_seen_and_should_not_be_is_told(seen: Seen, words: str, begin: Begin) -> None:
    night = await good_night(begin)
    with pytest.raises(AssertionError, match=words):
        check(night.home / "output", night.sandbox.ledger.as_json(), canaries=CANARIES, seen=seen)


@pytest.mark.parametrize(("gap", "is_seen"), [(59.9, True), (60.0, False)])
def test_a_minute_is_any_sixty_seconds(gap: float, is_seen: bool) -> None:
    times = [0.0, 30.0, 30.0 + gap / 2, gap]
    ledger = {"requests": [{"at": at, "outcome": "accepted", "client_id": "me", "why": ""} for at in times]}
    if is_seen:
        with pytest.raises(AssertionError, match="4 requests of me"):
            check_rate(ledger, 3)
    else:
        check_rate(ledger, 3)


async def test_of_a_ledger_only_what_came_later_is_looked_at(begin: Begin) -> None:
    night = await good_night(begin)
    ledger = night.sandbox.ledger.as_json()
    assert since(ledger, 0)["charged"] == ledger["charged"]
    assert len(since(ledger, 2)["charged"]) == 2
    assert since(ledger, 3) == {"requests": [], "charged": {}}


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_in_base64_is_found_wherever_it_begins(before: str) -> None:
    secret = b"p&ss/w\xc3\xb6rd+\"'<42>"
    hidden = base64.b64encode(before.encode() + secret + b"and more")
    assert any(spelling in hidden for spelling in spellings(secret))
