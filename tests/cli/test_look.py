"""A run ends with a picture to open."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.campaigns import SPRING
from tests.cli.typed import Ask


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")


def run(ask: Ask, *more: str) -> list[str]:
    """The report of a run in the sandbox, without its first line, which says where."""
    said = ask("run", "--sandbox", "spring.yaml", *more)
    assert "warning" not in said.err
    return said.out.splitlines()[1:]


def sheet(tmp_path: Path) -> Path:
    return tmp_path / "output" / "spring.sandbox" / "contact-sheet.jpg"


def test_the_lines_before_the_machines_are_where_to_look_and_to_choose(ask: Ask, tmp_path: Path) -> None:
    files, look, choose, last = run(ask)[-4:]
    assert files.startswith("  files   ") and last.startswith("ok planned=4")
    assert look == f"  look    {sheet(tmp_path)}"
    assert choose == f"  choose  {sheet(tmp_path).with_name('review.html')}"
    with Image.open(sheet(tmp_path)) as picture:
        picture.load()


def test_status_says_where_to_look_too(ask: Ask, tmp_path: Path) -> None:
    run(ask)
    assert f"  look    {sheet(tmp_path)}" in ask("status", "--sandbox", "spring.yaml").out.splitlines()


def test_an_idle_run_leaves_the_sheet_as_it_is(ask: Ask, tmp_path: Path) -> None:
    run(ask)
    os.utime(sheet(tmp_path), (1, 1))
    run(ask)
    assert sheet(tmp_path).stat().st_mtime == 1


def test_a_run_that_goes_on_draws_it_anew(ask: Ask, tmp_path: Path) -> None:
    run(ask, "--max-images", "2")
    half = sheet(tmp_path).read_bytes()
    run(ask)
    assert sheet(tmp_path).read_bytes() != half


def test_a_damaged_picture_fails_nothing_and_is_told(ask: Ask, tmp_path: Path) -> None:
    run(ask, "--max-images", "2")
    first = next((tmp_path / "output").rglob("images/*/*.jpg"))
    whole = first.read_bytes()
    first.write_bytes(b"\xff\xd8\xff damaged")
    shutil.rmtree(tmp_path / "output" / "spring.sandbox" / "review")  # a thumbnail of the whole picture would do
    said = ask("run", "--sandbox", "spring.yaml")
    first.write_bytes(whole)
    assert said.status == 0
    assert f"warning: the contact sheet has no images/{first.parent.name}/{first.name}" in said.err


def test_where_only_the_sandbox_was_run_status_says_so(ask: Ask, tmp_path: Path) -> None:
    assert ask("run", "--sandbox", "spring.yaml", "--quiet").status == 0
    said = ask("status", "spring.yaml")
    assert said.status == 2 and "only the sandbox was run; see it with --sandbox" in said.err
    assert ask("status", "spring.yaml", "--sandbox").status == 0
