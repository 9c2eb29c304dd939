"""One more `include` entry, however the file is written; every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.authoring.splice import with_entries
from campaign_runner.campaign_file.loader import load

HEAD = """\
campaign: almond
model: image4_standard
products: {candle: almond candle}
prompts: {hero: "{product.name} on an oak table"}
sizes: [square]
seeds: [1]
"""
OLD = "{product: candle, prompt: hero, size: square, seeds: [2]}"
NEW = '{product: candle, prompt: hero, text: "new", size: square, seeds: [3]}'
BLOCK = """\
include:
  - product: candle
    prompt: hero
    size: square   # as ever
    text: |
      a candle

"""
# what the file ends with; what it ends with afterwards
WAYS = {
    "no key yet": ("", f"include:\n  - {NEW}\n"),
    "a comment at the end": ("budget: 9  # yes\n# all\n", f"budget: 9  # yes\n# all\ninclude:\n  - {NEW}\n"),
    "the end of the document": ("budget: 9\n...\n", f"budget: 9\ninclude:\n  - {NEW}\n...\n"),
    "a list in lines": (
        f"include:\n  - {OLD}  # one\nbudget: 9\n",
        f"include:\n  - {OLD}  # one\n  - {NEW}\nbudget: 9\n",
    ),
    "dashes at the margin": (f"include:\n- {OLD}\n", f"include:\n- {OLD}\n- {NEW}\n"),
    "an entry in lines": (f"{BLOCK}budget: 9\n", f"{BLOCK[:-1]}  - {NEW}\n\nbudget: 9\n"),
    "a list in brackets": (f"include: [{OLD}]\n", f"include: [{OLD}, {NEW}]\n"),
    "brackets over lines": (
        f"include: [\n  {OLD},  # one\n]\n",
        f"include: [\n  {OLD},\n  {NEW},  # one\n]\n",
    ),
    "an empty list": ("include: []  # none\nbudget: 9\n", f"include: [{NEW}]  # none\nbudget: 9\n"),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("way", WAYS)
def test_the_entry_is_added_as_the_file_is_written(way: str, mark: bytes, ends: str, tmp_path: Path) -> None:
    before, after = (mark + f"{HEAD}{tail}".replace("\n", ends).encode() for tail in WAYS[way])
    file = tmp_path / "almond.yaml"
    file.write_bytes(before)
    campaign = load(file)
    assert with_entries(campaign.source, before, [NEW]) == after
    assert len(load(file, after).include) == len(campaign.include) + 1


def test_a_file_without_a_last_line_end_gets_one(tmp_path: Path) -> None:
    file = tmp_path / "almond.yaml"
    file.write_bytes(HEAD.rstrip().encode())
    assert with_entries(load(file).source, file.read_bytes(), [NEW]).decode() == f"{HEAD}include:\n  - {NEW}\n"


def test_a_file_in_braces_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "almond.yaml"
    braces = "{" + ", ".join(HEAD.strip().split("\n")) + " }\n"
    file.write_text(braces, encoding="utf-8")
    after = with_entries(load(file).source, file.read_bytes(), [NEW])
    assert after.decode() == braces.replace(" }\n", f", include: [{NEW}] }}\n")
    assert len(load(file, after).include) == 1
