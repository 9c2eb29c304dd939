"""What must hold after any number of runs, whatever went wrong in them.

Told from the files of the output folder and the ledger of the sandbox alone: nothing of the
package is imported, so the two cannot share a mistake.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

NAMED = ("stored", "accepted", "in_doubt", "failed", "abandoned")
SIGNED = (b"X-Amz-Signature", b"/presigned/")
SCHEMA = Path(__file__).parents[1] / "campaign_runner" / "schemas" / "manifest.schema.json"
WRITTEN = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
OURS = {"manifest.json", "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", ".lock", "contact-sheet.jpg"}


def check(
    home: Path, ledger: Mapping[str, Any], *, resolved: Collection[str] = (), canaries: Collection[bytes] = ()
) -> None:
    """Raises AssertionError for the first promise that is broken in the output folders below `home`.

    `ledger` is the sandbox's; images of the keys in `resolved` may have been bought again on a person's word.
    """
    charged = ledger["charged"]
    assert {key for key, times in charged.items() if times > 1} <= set(resolved), "an image was bought twice"
    named = [image for manifest in sorted(home.glob("*/manifest.json")) for image in _images(manifest)]
    _check_named(named, charged)
    for manifest in home.glob("*/manifest.json"):
        wrong = [
            f"{error.json_path}: {error.message}" for error in WRITTEN.iter_errors(json.loads(manifest.read_bytes()))
        ]
        assert not wrong, f"{manifest} is not what its schema says: {wrong[:3]}"
        _check_counts(json.loads(manifest.read_bytes()))
        _check_files(manifest.parent, _images(manifest))
        _check_nothing_left(manifest.parent)
    _check_secrets(home, (*canaries, *SIGNED))


def _images(manifest: Path) -> list[dict[str, Any]]:
    return json.loads(manifest.read_bytes())["images"]


def _check_named(images: list[dict[str, Any]], charged: Mapping[str, int]) -> None:
    states = {image["key"]: image["state"] for image in images}
    assert len(states) == len(images), "a key stands twice in the manifest"
    for key in charged:
        assert states.get(key) in NAMED, f"{key} is paid for and {states.get(key)}"
    for image in images:
        assert (image["reason"] is None) == (image["state"] == "stored"), "a state without a reason"
        assert image["state"] not in ("stored", "accepted") or image["key"] in charged, "stored, but never made"


def _check_counts(manifest: dict[str, Any]) -> None:
    counts = dict(manifest["counts"])
    states = [image["state"] for image in manifest["images"] if image["in_campaign"]]
    assert counts.pop("planned") == len(states) == sum(counts.values())
    assert counts == {state: states.count(state) for state in counts}


def _check_files(output: Path, images: list[dict[str, Any]]) -> None:
    named = {image["file"]: image for image in images if image["state"] == "stored"}
    aside = output / "images" / "unexpected"
    found = {path for path in (output / "images").rglob("*") if path.is_file() and aside not in path.parents}
    assert {str(path.relative_to(output)) for path in found} == set(named), "files and manifest differ"
    for name, image in named.items():
        content = (output / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == image["sha256"] and len(content) == image["bytes"], name


def _check_nothing_left(output: Path) -> None:
    assert not list((output / ".staging").iterdir()), "something is left in the staging folder"
    others = {path.name for path in output.iterdir() if path.is_file()} - OURS
    assert not others, f"{others} lie in the output folder"
    with sqlite3.connect(f"file:{output / 'journal.sqlite'}?mode=ro", uri=True) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    journal.close()


def _check_secrets(output: Path, secrets: Collection[bytes]) -> None:
    for path in output.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in secrets:
            assert secret not in content, f"{secret!r} is in {path.name}"
