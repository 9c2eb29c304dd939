"""manifest.json read back: little memory whatever its length, the same whatever its formatting."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.journal.ledger import Entry, Ledger
from campaign_runner.model import RecipeSource, State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_image import NOT_FETCHED, NOT_YET, ManifestImage, listed
from campaign_runner.output_folder.manifest_reader import read_manifest
from campaign_runner.output_folder.manifest_schema import Image
from campaign_runner.output_folder.manifest_writer import Sources, write_manifest
from campaign_runner.rerun.choice import choose
from campaign_runner.verify.record import read_record
from tests.campaigns import plan
from tests.recorded import record


async def written(folder: Path, images: int, **changes: Any) -> Folder:
    """A folder with a manifest of so many images, the first of them stored."""
    made = plan(folder, seeds={"count": images // 2}, **changes)
    await record(folder, made, ["stored"])
    with Ledger(folder) as ledger:
        sources = Sources(made, ledger, datetime(2026, 10, 1, 2, 14, tzinfo=UTC))
        write_manifest(folder / "manifest.json", sources, staging=folder / ".staging")
    return Folder(folder)


@pytest.mark.proof
async def test_4_000_images_are_verified_and_chosen_from_in_a_few_megabytes(tmp_path: Path) -> None:
    folder = await written(tmp_path, 4_000)
    tracemalloc.start()
    try:
        assert len(choose(read_manifest(folder.manifest), ["product=candle,soap"]).images) == 1
        assert not read_record(folder, None).findings
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("indent", [None, 0, 4])
async def test_a_manifest_that_another_program_wrote_anew_says_the_same(indent: int | None, tmp_path: Path) -> None:
    folder = await written(tmp_path, 10)
    before = read_manifest(folder.manifest)
    content = json.loads(folder.manifest.read_bytes())
    folder.manifest.write_text(json.dumps(content, indent=indent, sort_keys=True), encoding="utf-8")
    after = read_manifest(folder.manifest)
    assert (after.head, list(after.images())) == (before.head, list(before.images()))
    assert list(after.written()) == content["images"]
    assert after.sha256 != before.sha256


async def test_a_picture_that_stands_in_a_thousand_cells_is_read(tmp_path: Path) -> None:
    products = {f"p{number}": {"name": "x"} for number in range(1_000)}
    folder = await written(tmp_path, 2, products=products, prompts={"hero": {"text": "an oak table"}})
    (image,) = read_manifest(folder.manifest).images()
    assert len(image.other_cells) == 999


async def test_what_is_written_of_an_entry_is_read_as_that_very_entry(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds={"count": 4})
    await record(tmp_path, made, ["stored", "accepted", "in_doubt", "failed", "new"])
    with Ledger(tmp_path) as ledger:
        known = ledger.entries([each.variation.key for each in made])
        sources = Sources(made, ledger, datetime(2026, 10, 1, 2, 14, tzinfo=UTC))
        write_manifest(tmp_path / "manifest.json", sources, staging=tmp_path / ".staging")
    read = [image.entry for image in read_manifest(tmp_path / "manifest.json").images()]
    why = {"accepted": NOT_FETCHED, "pending": NOT_YET}
    fates = [known.get(each.variation.key, Entry(each.variation, each.recipe)) for each in made]
    assert read == [replace(entry, reason=entry.reason or why.get(entry.state)) for entry in fates]


async def test_where_an_image_comes_from_is_read_as_it_was_written(tmp_path: Path) -> None:
    await record(tmp_path, made := plan(tmp_path, seeds={"count": 2}), ["stored"])
    with Ledger(tmp_path) as ledger:
        (entry,) = ledger.in_states(State.STORED)
    bought = (entry.job_id, entry.job_seeds, entry.model_version, entry.model_etag, entry.submitted_at)
    source = RecipeSource("kept", "autumn", "ab" * 32, "an oak table", *bought)
    kept = ManifestImage(replace(entry, source=source), False, (made.at(1).variation.cell,))
    assert listed(Image.model_validate_json(json.dumps(kept.written()), strict=True)) == kept
