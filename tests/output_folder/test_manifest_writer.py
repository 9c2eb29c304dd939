"""manifest.json: order, fields, counts, and when it is left alone."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.errors import StoreError
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.manifest_writer import Sources, head, write_manifest
from campaign_runner.plan.plan import Plan
from tests.campaigns import MODEL, campaign, plan
from tests.recorded import record, record_from_later

NOW = datetime(2026, 10, 1, 2, 14, tzinfo=UTC)
STATES = ["stored", "accepted", "in_doubt", "refused", "failed", "pending", "new", "new"]
HEAD = ["manifest_version", "campaign", "campaign_sha256", "generator", "backend", "model", "counts", "requests",
        "created_at", "updated_at", "images"]  # fmt: skip
IMAGE = ["key", "recipe", "in_campaign", "also", "product", "prompt_id", "preset", "market", "size", "seed", "version",
         "accept", "request", "prompt", "prompt_template", "state", "reason", "file", "sha256", "bytes", "media_type",
         "job_id", "job_seeds", "custom_model_version", "custom_model_etag", "submitted_at", "stored_at", "source",
         "warnings"]  # fmt: skip


def write(folder: Path, of: Plan, now: datetime = NOW) -> bool:
    (folder / ".staging").mkdir(exist_ok=True)
    with Ledger(folder) as ledger:
        return write_manifest(folder / "manifest.json", Sources(of, ledger, now), staging=folder / ".staging")


def read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return content


async def test_the_fields_stand_in_their_order(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[1, 2, 3, 4])
    await record(tmp_path, made, STATES)
    assert write(tmp_path, made)
    manifest = read(tmp_path)
    assert list(manifest) == HEAD
    assert all(list(image) == IMAGE for image in manifest["images"])


@pytest.mark.parametrize("version", ["image4_standard", "image9"])
async def test_a_request_that_this_version_cannot_read_is_written_all_the_same(version: str, tmp_path: Path) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored"])
    later = await record_from_later(tmp_path, version)
    write(tmp_path, made)
    image = read(tmp_path)["images"][-1]
    assert (image["key"], image["in_campaign"], image["prompt"]) == (later.key, False, "from later")
    assert image["request"]["tileable"] is True


async def test_the_head_says_what_it_is_about(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[1, 2, 3, 4])
    await record(tmp_path, made, STATES)
    write(tmp_path, made)
    manifest = read(tmp_path)
    counts = {"planned": 8, "stored": 1, "accepted": 1, "in_doubt": 1, "failed": 2, "abandoned": 0, "pending": 3}
    assert list(manifest["counts"].items()) == list(counts.items())
    assert manifest["requests"] == {"submitted": 6, "accepted": 3}
    assert manifest["campaign_sha256"] == made.campaign.sha256
    assert (manifest["backend"], manifest["manifest_version"]) == ("firefly", 1)
    assert datetime.fromisoformat(manifest["updated_at"]) == NOW


async def test_images_come_in_plan_order_and_the_departed_last(tmp_path: Path) -> None:
    before = plan(tmp_path, products={"scrub": {"name": "almond scrub"}, "soap": {"name": "almond soap"}}, seeds=[1])
    await record(tmp_path, before, ["stored", "failed"])
    after = plan(tmp_path, seeds=[1])
    write(tmp_path, after)
    told = [(image["product"], image["state"], image["in_campaign"]) for image in read(tmp_path)["images"]]
    assert told == [("candle", "pending", True), ("soap", "failed", True), ("scrub", "stored", False)]
    assert read(tmp_path)["counts"]["planned"] == 2


async def test_a_reason_is_given_for_everything_that_is_not_stored(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[1, 2, 3, 4])
    await record(tmp_path, made, STATES)
    write(tmp_path, made)
    images = read(tmp_path)["images"]
    codes = [image["reason"] and image["reason"]["code"] for image in images]
    assert codes == [None, "not_fetched", "no_answer", "prompt_unsafe", "missing", "busy", *["not_submitted"] * 2]
    assert [bool(image["file"]) for image in images] == [True] + [False] * 7
    assert Counter(type(image["job_seeds"]) for image in images) == {list: 8}


async def test_equal_cells_are_one_entry_that_lists_the_others(tmp_path: Path) -> None:
    made = plan(tmp_path, prompts={"hero": {"text": "a bare table"}}, seeds=[1])
    await record(tmp_path, made, ["stored"])
    write(tmp_path, made)
    (image,) = read(tmp_path)["images"]
    size = {"width": 2048, "height": 2048}
    assert image["also"] == [{"product": "soap", "prompt_id": "hero", "preset": "plain", "market": None, "size": size}]


async def test_a_custom_model_is_named_with_its_version(tmp_path: Path) -> None:
    made = Plan(campaign(tmp_path, model="image3_custom", custom_model=MODEL.name), MODEL)
    await record(tmp_path, made, ["stored"], model=MODEL)
    write(tmp_path, made)
    model = read(tmp_path)["model"]
    assert model == {"version": "image3_custom", "custom_model_id": MODEL.id, "custom_model_name": MODEL.name,
                     "custom_model_version": "3", "custom_model_etag": "etag-3"}  # fmt: skip
    assert read(tmp_path)["images"][0]["custom_model_etag"] == "etag-3"


async def test_nothing_changed_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored", "in_doubt"])
    assert write(tmp_path, made)
    path = tmp_path / "manifest.json"
    before = path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()
    assert not write(tmp_path, made, NOW + timedelta(days=1))
    assert (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) == before
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\n" * 500, b"\xff"])
async def test_a_manifest_that_was_edited_or_torn_is_written_again(damage: bytes, tmp_path: Path) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored"])
    write(tmp_path, made)
    whole = (tmp_path / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(damage)
    assert write(tmp_path, made)
    assert (tmp_path / "manifest.json").read_bytes() == whole


@pytest.mark.parametrize(
    ("good", "damage"), [(b'"campaign_runner', b'"campaign\xff'), (b'+00:00"', b'+00:00", "x": "')]
)
async def test_a_damaged_line_of_the_time_or_the_version_is_written_again(
    good: bytes, damage: bytes, tmp_path: Path
) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored"])
    write(tmp_path, made)
    whole = (tmp_path / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(whole.replace(good, damage))
    assert write(tmp_path, made)
    assert (tmp_path / "manifest.json").read_bytes() == whole


async def test_a_change_is_written_durably_beside_and_renamed(tmp_path: Path, disk_calls: list[str]) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored"])
    write(tmp_path, made)
    calls = [call for call in disk_calls if "manifest" in call or call.startswith("fsync")][-3:]
    assert [call.split()[0] for call in calls] == ["fsync", "replace", "fsync"]
    assert calls[1] == "replace manifest.json"


async def test_a_second_plan_over_the_same_ledger_begins_anew(tmp_path: Path) -> None:
    both, one = plan(tmp_path, seeds=[1]), plan(tmp_path, products={"soap": {"name": "almond soap"}}, seeds=[1])
    await record(tmp_path, both, ["stored", "stored"])
    (tmp_path / ".staging").mkdir()
    with Ledger(tmp_path) as ledger:
        for each in (both, one):
            sources = Sources(each, ledger, NOW)
            write_manifest(tmp_path / "manifest.json", sources, staging=tmp_path / ".staging")
    assert [image["in_campaign"] for image in read(tmp_path)["images"]] == [True, False]


async def test_no_signed_url_is_in_it(tmp_path: Path) -> None:
    made = plan(tmp_path)
    await record(tmp_path, made, ["stored", "accepted"])
    write(tmp_path, made)
    assert b"://" not in (tmp_path / "manifest.json").read_bytes()


async def test_a_full_disk_leaves_the_old_one(tmp_path: Path, file_size_limit: Any) -> None:
    made = plan(tmp_path, seeds=list(range(200)))
    await record(tmp_path, made, ["stored"])
    (tmp_path / "manifest.json").write_bytes(b"old")
    with file_size_limit(150_000), pytest.raises(StoreError):
        write(tmp_path, made)
    assert (tmp_path / "manifest.json").read_bytes() == b"old"
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.parametrize(
    ("origin", "backend"),
    [
        ("https://firefly-api.adobe.io", "firefly"),
        ("https://firefly.stage.adobe.io", "firefly"),
        ("https://adobe.io.evil.example", "sandbox"),
        ("https://fakeadobe.io", "sandbox"),
        ("http://127.0.0.1:8080", "sandbox"),
        ("http://firefly-api.adobe.io", "sandbox"),
        ("sandbox", "sandbox"),
    ],
)
async def test_only_https_under_adobe_io_is_firefly(origin: str, backend: str, tmp_path: Path) -> None:
    async with SqliteJournal(tmp_path) as journal:
        await journal.note({"origin": origin})
    with Ledger(tmp_path) as ledger:
        assert head(Sources(plan(tmp_path), ledger, NOW))["backend"] == backend


@pytest.mark.proof
async def test_20_000_images_are_written_in_a_few_megabytes(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds={"count": 10_000})
    await record(tmp_path, made, ["stored"])
    tracemalloc.start()
    try:
        write(tmp_path, made)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "manifest.json").stat().st_size > 10 << 20
