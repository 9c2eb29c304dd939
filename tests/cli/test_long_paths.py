"""An output folder whose path is too long: told before anything is sent, with a way out that works."""

from __future__ import annotations

from pathlib import Path

from tests.campaigns import SPRING
from tests.cli.typed import Ask
from tests.disks import deep


def test_a_path_that_is_too_long_is_told_and_a_shorter_one_will_do(
    ask: Ask, account: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")
    refused = ask("run", "spring", "--output", deep(tmp_path, 600), "--yes", **account)
    assert (refused.status, refused.out.count("planned=")) == (6, 0)
    assert "its path has 6" in refused.err and "Say with --output a place whose path is shorter" in refused.err
    assert ask("run", "spring", "--output", deep(tmp_path / "here", 300), "--yes", **account).status == 0
