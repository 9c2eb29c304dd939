"""What `verify` and `rerun` answer to what they cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.typed import Ask

FIRST = """\
campaign: first
model: image3
products: [mug]
prompts: {hero: "{product.name} on a table"}
sizes: [896x1152]
seeds: [1]
"""


def test_rerun_tells_a_campaign_file_apart_from_a_manifest(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(FIRST, encoding="utf-8")
    said = ask("rerun", "first.yaml")
    assert said.status == 2
    assert said.err.startswith(f"first.yaml is a campaign: `campaign-runner run {tmp_path}/first.yaml` makes what is")


@pytest.mark.parametrize("name", ["nothing.json", "."])
def test_rerun_of_what_is_not_there_says_so(ask: Ask, name: str) -> None:
    said = ask("rerun", name)
    assert (said.status, said.out) == (2, "attention exit=2\n") and "there is no manifest" in said.err


def test_rerun_of_a_name_that_nothing_has_says_so(ask: Ask) -> None:
    said = ask("rerun", "first")
    assert (said.status, said.out) == (2, "attention exit=2\n") and "no campaign named 'first' found" in said.err


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 100_000, b'{"manifest_version": 2}', b"\xff\xfe\x00"])
def test_rerun_of_a_file_that_is_no_manifest_is_one_sentence(ask: Ask, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    said = ask("rerun", "manifest.json")
    assert said.status == 5
    assert "is not a manifest as campaign_runner writes it" in said.err
    assert len(said.err) < 700


def test_verify_answers_in_words_in_json_and_by_its_exit_status(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(FIRST, encoding="utf-8")
    assert ask("run", "--sandbox", "first.yaml", "--quiet").status == 0
    good = ask("verify", "first", "--sandbox")
    assert good.status == 0 and good.out.endswith("ok images=1 differing=0 unknown=0 exit=0\n")
    (image,) = (tmp_path / "output" / "first.sandbox" / "images").rglob("*.jpg")
    image.unlink()
    said = ask("verify", "first", "--sandbox", "--json")
    (finding,) = json.loads(said.out)["findings"]
    assert (said.status, finding["kind"]) == (5, "missing")
    mend = finding["mend"].split()[1:]
    assert mend[-3:] == [f"key={finding['key'][:8]}", "--restore", "--sandbox"]
    assert ask(*mend).status == 0
    assert image.exists() and ask("verify", "output/first.sandbox/manifest.json").status == 0


def test_verify_of_a_folder_without_a_record_is_refused(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "output" / "empty").mkdir(parents=True)
    said = ask("verify", "empty")
    assert said.status == 2 and "neither a journal nor a manifest" in said.err
