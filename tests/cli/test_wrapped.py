"""At a terminal of 80 columns every line of the commands for looking fits, or is broken at a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.cli import run_command
from campaign_runner.text import cells_of
from tests.campaigns import SPRING
from tests.cli.typed import Ask

COMMANDS = (
    ("list",),
    ("find", "spring", "--sandbox"),
    ("find", "soap", "--sandbox"),
    ("status", "spring", "--sandbox"),
    ("deliver", "spring", "--sandbox"),
    ("resolve", "spring", "--sandbox"),
)


def test_every_line_fits_or_is_broken_at_a_word(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spring.yaml"
    more = "channels: [instagram-story, instagram-feed, instagram-square, facebook-link, linkedin-ad, x-ad]\n"
    file.write_text(SPRING + more, encoding="utf-8")
    assert ask("run", "--sandbox", file, "--no-review", "--quiet").status == 0
    file.write_text(SPRING.replace("a {", "one {") + more, encoding="utf-8")
    assert ask("run", "--sandbox", file, "--no-review", "--quiet", "--max-images", "1").status == 9
    monkeypatch.setattr("campaign_runner.cli.console.columns", lambda stream: 80)
    for command in COMMANDS:
        assert run_command(command) == 0
        lines = capsys.readouterr().out.splitlines()
        for line in lines:
            longest = max(map(cells_of, line.split()), default=0)
            assert cells_of(line) <= 80 or longest > 80 - 18, f"{command}: {line}"
        assert not any(line.strip() in ("`", "`)", "(`") for line in lines)
