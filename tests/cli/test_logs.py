"""`--log-format` and `--log-file`: who reads what of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns import SPRING
from tests.cli.typed import Ask


@pytest.fixture(autouse=True)
def spring(tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING, encoding="utf-8")


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_one_event_a_line_on_stderr(ask: Ask) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json")
    words = [event["event"] for event in events(said.err)]
    assert said.status == 0
    assert words[0] == "started"
    assert sorted(words[1:]) == ["accepted"] * 2 + ["stored"] * 4 + ["submitting"] * 2


def test_the_log_accounts_for_every_file(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json")
    logged = {event["file"] for event in events(said.err) if event["event"] == "stored"}
    folder = tmp_path / "output" / "spring.sandbox"
    assert logged == {path.relative_to(folder).as_posix() for path in folder.rglob("images/*/*.*")}


def test_a_json_log_in_a_file_leaves_people_their_own_lines(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json", "--log-file", "spring.jsonl")
    assert {event["campaign"] for event in events((tmp_path / "spring.jsonl").read_text("utf-8"))} == {"spring"}
    assert '"event"' not in said.err


def test_quiet_with_a_log_file_prints_nothing_where_all_is_well(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--quiet", "--log-format", "json", "--log-file", "spring.jsonl")
    assert (said.status, said.out, said.err) == (0, "", "")
    assert len(events((tmp_path / "spring.jsonl").read_text("utf-8"))) == 9


def test_quiet_prints_the_report_where_something_is_left(ask: Ask) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--quiet", "--max-images", "1")
    loud = ask("run", "--sandbox", "spring.yaml", "--max-images", "1", "--output", "loud")
    assert said.status == loud.status == 9 and said.err == ""
    assert said.out.splitlines()[-1] == loud.out.splitlines()[-1]
    assert len(said.out.splitlines()) == len(loud.out.splitlines())


def test_a_log_file_is_continued_not_begun_anew(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.jsonl").write_text('{"event": "yesterday"}\n', encoding="utf-8")
    ask("run", "--sandbox", "spring.yaml", "--quiet", "--log-format", "json", "--log-file", "spring.jsonl")
    assert events((tmp_path / "spring.jsonl").read_text("utf-8"))[0]["event"] == "yesterday"


def test_a_log_file_that_cannot_be_written_stops_before_anything_is_sent(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-file", "spring.yaml/spring.log")
    assert said.status == 2 and "nothing was sent" in said.err
    assert said.out.splitlines()[-1] == "attention exit=2"
    assert not (tmp_path / "output" / "spring.sandbox" / "images").exists()
