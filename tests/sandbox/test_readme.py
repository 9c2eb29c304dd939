"""The page about the sandbox names everything there is to set."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from campaign_runner import sandbox
from campaign_runner.sandbox.faults import KINDS, load_faults
from campaign_runner.sandbox.settings import Settings

PAGE = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")


def rows(title: str) -> set[str]:
    """The code words in the first column of the table under the title."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return {
        word for line in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall("`(.*?)`", line)
    }


@pytest.mark.parametrize(
    ("title", "known"),
    [("Switches", {field.name for field in fields(Settings)}), ("Faults", set(KINDS))],
)
def test_the_page_lists_every_switch_and_every_fault_and_no_other(title: str, known: set[str]) -> None:
    assert rows(title) == known


def test_the_script_on_the_page_can_be_followed(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(PAGE.split("```yaml\n")[1].split("```")[0])
    assert [fault.kind for fault in load_faults(tmp_path / "script.yaml")] == [
        "429", "reset_after", "failed", "expired", "503", "slow",
    ]  # fmt: skip


def test_the_sandbox_imports_nothing_else_of_the_package() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path(sandbox.__file__).parent.rglob("*.py"))
    imported = set(re.findall(r"(?:from|import) (campaign_runner[\w.]*)", sources))
    assert imported and all(f"{name}.".startswith("campaign_runner.sandbox.") for name in imported)
