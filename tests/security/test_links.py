"""Nothing is written through a symbolic link in an output folder, and nothing is sent before that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.cli import run_command

CAMPAIGN = """\
campaign: spring
model: image3
products: [candle]
prompts: {hero: "a {product.name}"}
sizes: [1024x1024]
seeds: [1]
"""
OURS = (
    "", "images", ".staging", ".lock", "manifest.json", "contact-sheet.jpg", "journal.sqlite", "journal.sqlite-wal",
    "journal.sqlite-shm", "images/candle",
)  # fmt: skip


def run(home: Path) -> int:
    (home / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return run_command(["run", "--sandbox", str(home / "spring.yaml"), "--quiet"])


@pytest.mark.parametrize("leads_to", ["a file", "a folder", "nothing"])
@pytest.mark.parametrize("name", OURS, ids=lambda name: name or "the folder itself")
def test_a_link_in_the_place_of_what_is_ours_is_refused(
    name: str, leads_to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = tmp_path / "away"
    if leads_to == "a folder":
        away.mkdir()
        (away / "precious").write_text("mine", encoding="utf-8")
    elif leads_to == "a file":
        away.write_text("mine", encoding="utf-8")
    link = tmp_path / "output" / "spring.sandbox" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(away)
    status = run(tmp_path)
    said = capsys.readouterr()
    assert status == 5, said.err
    assert "requests=0" in said.out or "nothing was sent" in said.err or "move it away" in said.err + said.out
    kept = away / "precious" if leads_to == "a folder" else away
    assert kept.read_text(encoding="utf-8") == "mine" if leads_to != "nothing" else not away.exists()
    assert leads_to != "a folder" or [path.name for path in away.iterdir()] == ["precious"]


def test_output_folders_may_lie_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "large disk")
    assert run(tmp_path) == 0
    assert (tmp_path / "large disk" / "spring.sandbox" / "manifest.json").is_file()
