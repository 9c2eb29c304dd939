"""Names and paths that a disk does not take are found by trying, and nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.disk.name_lengths import try_longest
from campaign_runner.errors import NameTooLong, StoreError
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.session.preflight import refuse_long_names
from campaign_runner.store import FolderStore
from tests.campaigns import campaign
from tests.disks import PATH_MAX, deep, taking


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / ".staging"
    folder.mkdir()
    return folder


def test_a_name_of_every_length_is_taken_up_to_the_longest(
    tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking(monkeypatch, 143)
    try_longest(["candle/a.jpg", f"candle/{'a' * 139}.jpg", "soap/b.jpg"], tmp_path / "images", staging)
    with pytest.raises(NameTooLong, match=r"has 144 characters.* takes 143: 1 too many"):
        try_longest(["candle/a.jpg", f"candle/{'a' * 140}.jpg", "soap/b.jpg"], tmp_path / "images", staging)
    assert [path.name for path in tmp_path.rglob("*")] == [".staging"]


def test_the_name_of_a_folder_is_tried_too(tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taking(monkeypatch, 30)
    with pytest.raises(NameTooLong, match=r"'p{40}', .* takes 30"):
        try_longest([f"{'p' * 40}/a.jpg"], tmp_path / "images", staging)


def test_a_real_disk_takes_255_bytes(tmp_path: Path, staging: Path) -> None:
    try_longest(["a" * 255], tmp_path / "images", staging)
    with pytest.raises(NameTooLong, match=r"has 300 characters.* takes 255"):
        try_longest(["a" * 300], tmp_path / "images", staging)


@pytest.mark.parametrize("over", [1, 30])
def test_a_path_of_every_length_is_taken_up_to_the_longest(over: int, tmp_path: Path) -> None:
    name = "candle/hero_plain_1024x1024_s1_3f9c2a1b.jpg"
    home = deep(tmp_path, PATH_MAX - len(f"/images/{name}"))
    (home / ".staging").mkdir()
    try_longest([name], home / "images", home / ".staging")
    longer = name.replace("hero", "hero" + "o" * over)
    words = f"has {PATH_MAX + over:,} characters, and this machine takes 4,095: {over} too many"
    with pytest.raises(NameTooLong, match=words):
        try_longest([longer], home / "images", home / ".staging")
    assert list((home / ".staging").iterdir()) == []


def test_a_folder_that_takes_no_file_at_all_is_not_a_matter_of_names(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as told:
        try_longest(["candle/a.jpg"], tmp_path / "images", tmp_path / "missing")
    assert type(told.value) is StoreError


def test_no_names_are_no_trouble(tmp_path: Path, staging: Path) -> None:
    try_longest([], tmp_path / "images", staging)


async def test_only_names_that_are_due_count_and_only_together_in_one_image(
    tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest product has the shortest prompt: no image has both of the longest."""
    made = campaign(
        tmp_path,
        products={"p" * 40: {"name": "candle", "prompts": ["a"]}, "soap": "soap"},
        prompts={"a": "a {product.name}", "h" * 40: "the {product.name}"},
        seeds=[1, 2147483647],
    )
    status = PlanStatus(Plan(made))
    longest = max((name for name in status.names_to_make()), key=lambda name: len(name.split("/")[2]))
    limit = len(longest.split("/")[2])
    taking(monkeypatch, limit)
    await refuse_long_names(status, FolderStore(tmp_path))
    taking(monkeypatch, limit - 1)
    with pytest.raises(NameTooLong, match=f"'{longest.split('/')[2]}', the longest name due"):
        await refuse_long_names(status, FolderStore(tmp_path))
    status.reuse(position for position in range(len(status.plan)) if status.plan.at(position).variation.stem in longest)
    await refuse_long_names(status, FolderStore(tmp_path))
