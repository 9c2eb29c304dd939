"""A delivered file leads back to its original; what became of a delivery is said wherever a person looks."""

from __future__ import annotations

import json
import os
from pathlib import Path

from PIL import Image

from tests.cli.typed import Ask
from tests.deliver.stored import store
from tests.deliver.test_command import SPRING
from tests.deliver.test_targets import OURS


def test_a_delivered_file_leads_to_its_original(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    said = ask("find", folder.path / "deliver" / OURS)
    assert said.status == 0 and said.out.startswith("spring (sandbox): candle, hero, plain, 1344x768, seed 66080")
    assert f"{OURS}: cut for shop, version 01, current" in said.out


def test_so_does_one_that_was_saved_again_smaller(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    copy = tmp_path / "from-the-web.webp"
    with Image.open(folder.path / "deliver" / OURS) as picture:
        picture.resize((200, 112)).save(copy, quality=60)
    found = [json.loads(line) for line in ask("find", copy, "--json").out.splitlines()]
    found = found[0] if isinstance(found[0], list) else found
    assert found[0]["product"] == "candle"
    assert OURS in [each["delivered"]["file"] for each in found if each["delivered"]]


def test_one_that_was_replaced_leads_there_too(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    ask("deliver", "spring")
    said = ask("find", folder.path / "deliver-old" / OURS)
    assert "seed 66080" in said.out and "withdrawn" in said.out


def test_what_is_missing_or_changed_is_said_by_verify_and_status_which_exit_0(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    assert ask("verify", "spring").out == ask("verify", "spring").out
    assert "delivered" not in ask("status", "spring").out
    (folder.path / "deliver" / OURS).unlink()
    changed = folder.path / "deliver" / "shop" / "spring_soap_hero_shop_320x180.jpg"
    changed.write_bytes(changed.read_bytes() + b"x")
    said = ask("status", "spring")
    assert said.status == 0
    assert f"1 delivered file is gone from {folder.path / 'deliver'}: {OURS}" in said.out
    assert f"1 delivered file was changed in {folder.path / 'deliver'}: shop/{changed.name}" in said.out
    notes = json.loads(ask("verify", "spring", "--json").out)["notes"]
    assert len(notes) == 2 and "gone" in notes[0] and "changed" in notes[1]
    assert notes[0].endswith("; `deliver` makes it again")
    assert notes[1].endswith("; move away what was changed, then `deliver` makes it again")


def test_a_pipe_in_the_place_of_a_file_is_a_change_and_nobody_waits_for_its_writer(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    (folder.path / "deliver" / OURS).unlink()
    os.mkfifo(folder.path / "deliver" / OURS)
    said = ask("status", "spring")
    assert said.status == 0 and f"was changed in {folder.path / 'deliver'}: {OURS}" in said.out


def test_nothing_of_a_delivery_is_a_stranger_to_verify(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    before = json.loads(ask("verify", "spring", "--json").out)["findings"]
    ask("deliver", "spring", "--all", "--zip")
    ask("deliver", "spring")
    assert json.loads(ask("verify", "spring", "--json").out)["findings"] == before


def test_a_target_that_is_not_there_any_more_is_said(tmp_path: Path, ask: Ask) -> None:
    store(tmp_path, SPRING)
    ask("deliver", "spring", "--all", "--to", tmp_path / "share")
    (tmp_path / "share").rename(tmp_path / "elsewhere")
    said = ask("status", "spring")
    assert said.status == 0 and f"the folder of a delivery is not there: {tmp_path / 'share'} (4 files)" in said.out


def test_a_damaged_record_is_one_sentence_and_refuses_the_next_delivery(tmp_path: Path, ask: Ask) -> None:
    folder = store(tmp_path, SPRING)
    ask("deliver", "spring", "--all")
    (folder.path / "deliver.json").write_text('{"deliver_version": 1, "files": [{"file": "../../x"}]}')
    said = ask("deliver", "spring", "--all")
    assert said.status == 5 and "deliver.json cannot be read" in said.err
    assert "deliver.json cannot be read" in ask("status", "spring").out
