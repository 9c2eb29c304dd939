"""What was ever delivered is on record before it has its name, and no name ever means other bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaign_runner.deliver.file_names import Stem
from campaign_runner.deliver.handover.account import DeliveryAccount, slot_of
from campaign_runner.deliver.handover.target import TargetFolder
from campaign_runner.output_folder.delivery_record import DeliveredCell, DeliveredFile, DeliveryRecord
from tests.cli.typed import Ask
from tests.deliver.stored import store
from tests.deliver.test_picks import SEASON, record

MUG = DeliveredCell(product="mug", prompt="hero", preset="plain", market=None, size="1024x1024")


def delivered(cell: DeliveredCell, digest: str) -> DeliveredFile:
    return DeliveredFile(
        file="mug.jpg",
        target=None,
        state="current",
        old=None,
        version=1,
        cell=cell,
        channel="shop",
        seed=1,
        is_one_of_several=False,
        key="0" * 64,
        source_sha256="0" * 64,
        cut="c" * 64,
        sha256=digest,
        bytes=1,
        modified_ns=0,
        width=64,
        height=64,
        crop=(0.0, 0.0, 64.0, 64.0),
        focus=None,
        quality=80,
        alt="a mug",
        approved=(),
        delivered_at=datetime.now(UTC),
    )


def test_a_name_that_another_picture_had_is_not_given_to_other_bytes(tmp_path: Path) -> None:
    account = DeliveryAccount(None, home=tmp_path, campaign="season", target=None, now=datetime.now(UTC))
    account.enter(delivered(MUG, "a" * 64))
    another = slot_of(delivered(MUG.model_copy(update={"product": "cup"}), "b" * 64))
    assert account.version(another, Stem("mug"), "jpeg", "a" * 64) == 1
    assert account.version(another, Stem("mug"), "jpeg", "b" * 64) == 2
    assert account.version(another, Stem("MUG"), "jpeg", "b" * 64) == 2  # many disks do not tell these apart


@pytest.mark.parametrize("change", [{"cell": MUG.model_copy(update={"product": "cup"})}, {"channel": "store"}])
def test_what_the_campaign_calls_otherwise_and_again_as_before_gives_no_version_twice(
    change: dict[str, object], tmp_path: Path
) -> None:
    """The file keeps its name where that does not say what is called otherwise."""
    now, first = datetime.now(UTC), delivered(MUG, "a" * 64)
    account = DeliveryAccount(None, home=tmp_path, campaign="season", target=None, now=now)
    for file in (first, first.model_copy(update=change), first.model_copy(update=change)):
        account.enter(file)
    record = DeliveryRecord(campaign="season", updated_at=now, files=tuple(account.here()))
    again = DeliveryAccount(record, home=tmp_path, campaign="season", target=None, now=now)
    assert again.version(slot_of(first), Stem("other"), "jpeg", "b" * 64) == 2
    assert again.version(slot_of(first), Stem("other"), "jpeg", "a" * 64) == 1


def test_a_file_has_its_name_only_once_the_record_says_so(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store(tmp_path, SEASON, name="season")
    publish, seen = TargetFolder.publish, {}

    def noted(self: TargetFolder, staged: Path, name: str, sha256: str) -> None:
        is_first = not (folder.path / "deliver.json").exists()
        seen[name] = not is_first and sha256 in {file["sha256"] for file in record(folder)["files"]}
        publish(self, staged, name, sha256)

    monkeypatch.setattr(TargetFolder, "publish", noted)
    assert ask("deliver", "season", "--all").status == 0
    assert len(seen) == 4 and all(seen.values())
