"""Manifests that were edited, cut or replaced: the next run writes what is true over whatever lies there."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.output_folder.manifest_writer import Sources, write_manifest
from tests.fuzz.fuzzing import Target, spoiled
from tests.fuzz.journals_fuzz import NOW, home, planned, whole

PIECES = (
    b"\n", b"\r\n", b"{", b"}", b'"', b",", b"\x00", b"\xff", b'  "updated_at": ', b'  "generator": ', b"[]", b"null",
    b'  "updated_at": "2030-01-01T00:00:00.000+00:00",\n', b'  "generator": "campaign_runner 9",\n', b" " * 5000,
)  # fmt: skip


def make(chance: Random) -> bytes:
    if chance.random() < 0.2:
        return chance.choice((b"", b"\n", b"null", b"\x00" * 70_000, true(), true() * 2, chance.randbytes(50)))
    at = chance.choice((0, true().find(b'"updated_at"'), true().find(b'"generator"')))  # lines that may differ
    return true()[:at] + spoiled(chance, true()[at : at + 300], PIECES) + true()[at + 300 :]


@cache
def _folder() -> Path:
    folder = home() / "manifests"
    folder.mkdir()
    (folder / FILE).write_bytes(whole())
    return folder


@cache
def true() -> bytes:
    """The manifest as it is written where there is none."""
    path = _folder() / "manifest.json"
    with suppress(FileNotFoundError):
        path.unlink()
    with Ledger(_folder()) as ledger:
        write_manifest(path, Sources(planned(), ledger, NOW), staging=_folder() / ".staging")
    return path.read_bytes()


def hold(content: bytes, folder: Path) -> str:
    """Afterwards the file is the true one to the byte, but for the time and the version that it may keep."""
    place = folder / "manifests"
    place.mkdir()
    path = place / "manifest.json"
    path.write_bytes(content)
    try:
        with Ledger(_folder()) as ledger:
            changed = write_manifest(path, Sources(planned(), ledger, NOW), staging=place / ".staging")
        written = path.read_bytes()
    finally:
        shutil.rmtree(place)
    if changed:
        assert written == true()
        return "rewritten"
    assert written == content
    assert _without_passing(content) == _without_passing(true()), "a manifest that says something else was left"
    return "left"


def _without_passing(manifest: bytes) -> dict[str, object]:
    said = json.loads(manifest)
    return {name: value for name, value in said.items() if name not in ("updated_at", "generator")}


MANIFESTS = Target("manifests", 20, make, hold, frozenset({"rewritten", "left"}))
