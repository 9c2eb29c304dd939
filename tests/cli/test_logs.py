"""`--log-format` and `--log-file`: who reads what of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.cli import run
from campaign_runner.output_folder.folder import Folder
from campaign_runner.version import __version__
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
    assert (words[:2], words[-1]) == (["called", "started"], "ended")
    assert sorted(words[2:-1]) == ["accepted"] * 2 + ["stored"] * 4 + ["submitting"] * 2


def test_the_log_accounts_for_every_file(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json")
    logged = {event["file"] for event in events(said.err) if event["event"] == "stored"}
    folder = tmp_path / "output" / "spring.sandbox"
    assert logged == {path.relative_to(folder).as_posix() for path in folder.rglob("images/*/*.*")}


def test_a_json_log_in_a_file_leaves_people_their_own_lines(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--log-format", "json", "--log-file", "spring.jsonl")
    assert {event["campaign"] for event in events((tmp_path / "spring.jsonl").read_text("utf-8"))} == {"", "spring"}
    assert '"event"' not in said.err


def test_quiet_with_a_log_file_prints_nothing_where_all_is_well(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--quiet", "--log-format", "json", "--log-file", "spring.jsonl")
    assert (said.status, said.out, said.err) == (0, "", "")
    assert len(events((tmp_path / "spring.jsonl").read_text("utf-8"))) == 11


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


def log_of(folder: Path) -> list[str]:
    """The lines of the log, each without its time, which it has."""
    lines = (folder / "spring.log").read_text("utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)
    return [line[20:] for line in lines]


def test_a_log_says_how_a_run_was_called_what_was_due_and_how_it_ended(ask: Ask, tmp_path: Path) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--quiet", "--log-file", "spring.log")
    began, due, *_, ended = log_of(tmp_path)
    assert (said.status, said.out, said.err) == (0, "", "")
    command = "run --sandbox spring.yaml --quiet --log-file spring.log"
    assert began == f"began: {command} (version {__version__})"
    assert due == "spring: 4 images due (2 requests)"
    told = r"spring: ended: ok planned=4 stored=4 .* requests=2 exit=0; this run bought 4 images in 2 requests"
    assert re.fullmatch(told, ended)


def test_a_log_says_that_a_run_had_nothing_to_do(ask: Ask, tmp_path: Path) -> None:
    ask("run", "--sandbox", "spring.yaml")
    said = ask("run", "--sandbox", "spring.yaml", "--log-file", "spring.log")
    _, due, ended = log_of(tmp_path)
    assert due == "spring: nothing is due"
    assert ended.startswith(f"spring: ended: {said.out.splitlines()[-1]}; this run bought nothing")


def test_a_log_says_why_a_run_was_refused(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "spring.yaml").write_text(SPRING.replace("seeds:", "seedz:"), encoding="utf-8")
    said = ask("run", "spring.yaml", "--log-file", "spring.log")
    began, refused, ended = log_of(tmp_path)
    assert (said.status, began[:17]) == (2, "began: run spring")
    assert refused.startswith("refused: ") and "unknown key 'seedz'" in refused
    assert ended == "ended: attention exit=2"


def test_a_log_says_that_another_run_holds_the_folder(ask: Ask, tmp_path: Path) -> None:
    ask("run", "--sandbox", "spring.yaml")
    with Folder(tmp_path / "output" / "spring.sandbox").locked():
        said = ask("run", "--sandbox", "spring.yaml", "--log-file", "spring.log")
    assert said.status == 11
    refused, ended = log_of(tmp_path)[-2:]
    assert refused.startswith("spring: refused: another run is already working on this campaign")
    assert ended == "spring: ended: attention exit=11"


def test_a_log_says_how_each_of_several_ended_and_all_together(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "autumn.yaml").write_text(SPRING.replace("campaign: spring", "campaign: autumn"), encoding="utf-8")
    said = ask("run", "--sandbox", "spring.yaml", "autumn.yaml", "--max-images", "5", "--log-file", "spring.log")
    ends = [line for line in log_of(tmp_path) if "ended: " in line]
    assert [line.split(":")[0] for line in ends] == ["spring", "autumn", "ended"]
    assert ends[-1] == f"ended: {said.out.splitlines()[-1]}; this run bought 4 images in 2 requests"


def test_a_log_says_that_a_run_ended_with_a_bug(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a secret candle")

    monkeypatch.setattr(run, "chosen", broken)
    assert ask("run", "--sandbox", "spring.yaml", "--log-file", "spring.log").status == 1
    assert log_of(tmp_path)[-2:] == ["refused: a bug", "ended: attention exit=1"]


def test_rerun_has_such_a_log_too(ask: Ask, tmp_path: Path) -> None:
    ask("run", "--sandbox", "spring.yaml")
    manifest = "output/spring.sandbox/manifest.json"
    said = ask("rerun", "--sandbox", manifest, "--log-file", "spring.log")
    began, due, *_, ended = log_of(tmp_path)
    assert began.startswith(f"began: rerun --sandbox {manifest}")
    assert due == "spring: 4 images due (2 requests)"
    assert ended.endswith(f"{said.out.splitlines()[-1]}; this run bought 4 images in 2 requests")


def test_with_quiet_and_no_file_there_is_no_log(ask: Ask) -> None:
    said = ask("run", "--sandbox", "spring.yaml", "--quiet", "--log-format", "json")
    assert (said.status, said.out, said.err) == (0, "", "")


@pytest.mark.parametrize("slip", [("--untl", "06:00"), ("--max-images", "many"), ("--accept", "everything")])
def test_a_log_says_that_the_words_of_a_command_were_not_understood(
    slip: tuple[str, str], ask: Ask, tmp_path: Path
) -> None:
    said = ask("run", "spring.yaml", *slip, "--quiet", "--log-file", "spring.log")
    assert (said.status, said.out) == (2, "attention exit=2\n")
    began, refused, ended = log_of(tmp_path)
    assert began == f"began: run spring.yaml {' '.join(slip)} --quiet --log-file spring.log (version {__version__})"
    assert refused.startswith("refused: ") and (slip[0] in refused or slip[1] in refused)
    assert ended == "ended: attention exit=2"


@pytest.mark.parametrize("command", ["run", "rerun", "deliver", "verify", "status", "doctor"])
@pytest.mark.parametrize("words", [("nosuch",), ("spring", "--nosuch")])
def test_the_last_line_is_there_where_nothing_could_begin(command: str, words: tuple[str, ...], ask: Ask) -> None:
    said = ask(command, *words)
    assert (said.status, said.out.splitlines()[-1:]) == (2, ["attention exit=2"]), said


def test_with_json_a_refusal_adds_nothing_to_what_machines_read(ask: Ask) -> None:
    assert ask("verify", "nosuch", "--json").out == ask("status", "spring", "--json", "--nosuch").out == ""
