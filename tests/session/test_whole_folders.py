"""Output folders of the version before the packages were moved: read, verified, found, made again and continued.

`earlier/make.py whole` made them: everything a record can hold.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli.options import recorded
from campaign_runner.find.folders import folders_in
from campaign_runner.find.search import by_picture
from campaign_runner.maintenance.resolve import Decision, apply
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.opened import open_for_update
from campaign_runner.pictures.likeness import Likeness
from campaign_runner.verify.verification import verify
from tests.night import Night
from tests.rerun.again import again


@pytest.fixture
async def night(earlier: Callable[[str], Awaitable[Night]]) -> Night:
    return await earlier("whole")


def campaign_of(night: Night, name: str) -> Campaign:
    return load(night.home / "campaigns" / f"{name}.yaml")


def folder_of(night: Night, name: str) -> Folder:
    return Folder(night.home / "output" / name)


@pytest.mark.parametrize("name", ["whole", "open", "whole.rerun"])
async def test_verify_finds_it_as_it_was_left(night: Night, name: str) -> None:
    assert (await verify(folder_of(night, name))).findings == ()


async def test_only_what_was_neither_kept_nor_bought_is_bought(night: Night) -> None:
    images = json.loads(folder_of(night, "whole").manifest.read_bytes())["images"]
    before = {image["key"]: image["file"] for image in images}
    ended = await night.run(campaign_of(night, "whole"))
    after = {image["key"]: image["file"] for image in ended.images}
    assert (ended.code, night.ledger.images_charged, len(after)) == (0, 8, 32)  # 16 of them have left the campaign
    assert {key: after[key] for key, file in before.items() if file} == {k: f for k, f in before.items() if f}
    assert {image["seed"] for image in ended.images if not before.get(image["key"])} == {2}
    assert (await verify(folder_of(night, "whole"))).findings == ()


async def test_what_was_open_is_settled(night: Night) -> None:
    campaign = campaign_of(night, "open")
    for decision in (Decision.RESUBMIT, Decision.RETRY):
        assert (
            await apply(decision, open_for_update(folder_of(night, "open"), campaign, None), recorded([], campaign))
            == 1
        )
    ended = await night.run(campaign)
    assert (ended.code, ended.states, night.ledger.images_charged) == (0, {"stored": 3}, 2)


async def test_a_manifest_of_then_is_made_again(night: Night) -> None:
    manifest = folder_of(night, "open").manifest
    compared = await again(night, manifest)
    assert (compared.code, dict(compared.verdicts)) == (0, {"identical_bytes": 1})


async def test_a_picture_of_then_is_found_by_its_bytes(night: Night, tmp_path: Path) -> None:
    folders = folders_in([night.home / "output"], pytest.fail)
    file = next((night.home / "output" / "open" / "images").rglob("*.jpg"))
    (hit,) = await by_picture(file, folders, Likeness(tmp_path / "likeness"), lambda number: None)
    assert (hit.folder.path.name, hit.entry.variation.cell.product) == ("open", "almond-candle")
