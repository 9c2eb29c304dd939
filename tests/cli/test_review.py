"""`review` without the page: verdicts on the command line, the list of what was decided, tables that come back."""

from __future__ import annotations

import asyncio
import csv
import json
from io import StringIO
from pathlib import Path

import openpyxl
import pytest

from tests.campaigns import plan
from tests.cli.typed import Ask, AtATerminal
from tests.recorded import record


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The keys of eight images: two rows of four, the last one not stored."""
    planned = plan(tmp_path, seeds=[1, 2, 3, 4])
    asyncio.run(record(tmp_path / "output" / "almond", planned, ["stored"] * 7 + ["in_doubt"]))
    return list(planned.keys())


def decided(ask: Ask) -> dict[str, str]:
    """What was decided about each image, by the first digits of its key."""
    said = ask("review", "almond", "--list", "--json")
    rows = json.loads(said.out)["decisions"]
    return {image["key"][:8]: image["decision"] for row in rows for image in row["images"]}


def test_verdicts_are_given_by_key_and_kept_in_a_file(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    said = ask(
        *("review", "almond", "--pick", keys[0][:8], keys[4][:8].upper(), "--reject", keys[1][:8], keys[2][:12]),
        *("--reason", "anatomy", "--note", "six fingers", "--as", "Anna Ünal"),
    )
    (file,) = (tmp_path / "output" / "almond" / "decisions").iterdir()
    assert said.status == 0 and file.name.startswith("almond-anna-uenal-") and file.name.endswith(".decisions.jsonl")
    assert said.out == f"2 picks, 2 rejects by anna-uenal, in {file}\n2 rows: 2 picked\n"
    head, *marks = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert head["reviewer"] == {"id": "anna-uenal", "name": "Anna Ünal"}
    assert [mark["value"]["verdict"] for mark in marks] == ["pick", "pick", "reject", "reject"]
    assert marks[2]["value"] == {"verdict": "reject", "reason": "anatomy", "text": "six fingers"}
    assert list(decided(ask).values()) == ["picked", "rejected", "rejected", "undecided", "picked", *["undecided"] * 3]


def test_a_second_pick_moves_the_first_and_a_reject_replaces_it(ask: Ask, keys: list[str]) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    said = ask("review", "almond", "--pick", keys[1], "--as", "anna")
    assert said.out.startswith("1 pick, 1 verdict taken back by anna, in ")
    assert list(decided(ask).values())[:2] == ["undecided", "picked"]
    ask("review", "almond", "--reject", keys[1], "--as", "anna")
    assert list(decided(ask).values())[:2] == ["undecided", "rejected"]
    assert ask("review", "almond", "--reject", keys[1], "--as", "anna").out.startswith("nothing changes")


def test_two_reviewers_are_a_conflict_and_the_list_says_who_said_what(ask: Ask, keys: list[str]) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    ask("review", "almond", "--reject", keys[0], "--reason", "legal", "--as", "ben")
    said = ask("review", "almond", "--list")
    assert said.out.splitlines() == [
        "conflict  candle, hero, plain, 2048x2048",
        f"  conflict    {keys[0][:8]} seed 1: anna picks, ben rejects (legal)",
        "waiting   soap, hero, plain, 2048x2048",
        "2 rows: 1 conflict, 1 waiting for images",
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--pick", "3f9c"), "at least 8"),
        (("--pick", "0" * 8), "no image of this campaign begins with that; `campaign-runner find "),
        (("--pick", "{7}"), "is not stored yet"),
        (("--pick", "{0}", "{1}"), "are of one row"),
        (("--reject", "{0}", "--reason", "anatomi"), "did you mean 'anatomy'?"),
        (("--pick", "{0}", "--reject", "{0}"), "is picked and rejected in the same command"),
        (("--reject", "{0}", "--reason", "other"), "say why with --note"),
        (("--pick", "{0}", "--reason", "text"), "give --reject KEY, too"),
        (("--pick", "{0}", "--as", "!!"), "use letters or digits"),
        (("--note", "too dark"), "go with a verdict"),
        (("--list", "--only", "decision=chosen"), "no decision has this name"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    arguments: tuple[str, ...], why: str, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    said = ask("review", "almond", *(argument.format(*keys) for argument in arguments))
    assert said.status == 2 and why in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "output" / "almond" / "decisions").exists()


def test_a_table_goes_out_and_comes_back(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    text = ask("review", "almond", "--list", "--csv").out
    assert text.startswith("\ufeffkey,")
    heading, *lines = csv.reader(StringIO(text.removeprefix("\ufeff")))
    assert heading[-2:] == ["verdict", "note"] and len(lines) == 8
    lines[0][-2:], lines[1][-2:], lines[2][-1] = ["Pick", ""], ["no", "=too dark"], "a note"
    back = StringIO(newline="")
    csv.writer(back, delimiter=";").writerows([heading, *lines])
    (tmp_path / "back.csv").write_text(back.getvalue(), encoding="utf-8")
    refused = ask("review", "almond", "--take", "back.csv", "--as", "client")
    assert refused.status == 2 and "1 pick, 1 reject, 1 note by client. Take them? Say so with --yes" in refused.err
    said = ask("review", "almond", "--take", "back.csv", "--as", "client", "--yes")
    assert said.status == 0 and list(decided(ask).values())[:3] == ["picked", "rejected", "undecided"]
    again = ask("review", "almond", "--take", "back.csv", "--as", "client", "--yes")
    assert again.out.startswith("nothing changes")


def test_a_person_is_shown_what_would_change_and_asked(
    at_a_terminal: AtATerminal, ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    (tmp_path / "back.csv").write_text(f"key,verdict,note\n{keys[0]},pick,\n", encoding="utf-8")
    said = at_a_terminal("review", "almond", "--take", "back.csv", "--as", "client", typed="n\n")
    assert f"pick     {keys[0][:8]} candle, hero, plain, 2048x2048" in said.out and "nothing was changed" in said.out
    assert said.status == 9
    assert not (tmp_path / "output" / "almond" / "decisions").exists()
    assert at_a_terminal("review", "almond", "--take", "back.csv", "--as", "client", typed="y\n").status == 0
    assert decided(ask)[keys[0][:8]] == "picked"


def test_lines_of_a_table_that_cannot_be_read_are_all_named(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    (tmp_path / "back.csv").write_text(f"key,verdict,note\n{keys[0]},maybe,\n3f9c,pick,\n", encoding="utf-8")
    said = ask("review", "almond", "--take", "back.csv", "--yes")
    assert said.status == 2
    assert 'row 2, column "verdict"' in said.err and 'row 3, column "key"' in said.err
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "there is no column 'key'" in ask("review", "almond", "--take", "other.csv").err


def test_decisions_that_name_another_campaign_count_once_they_were_taken(
    ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    (file,) = (tmp_path / "output" / "almond" / "decisions").iterdir()
    text = file.read_text(encoding="utf-8").replace('"campaign":"almond"', '"campaign":"winter"', 1)
    file.write_text(text, encoding="utf-8")
    assert decided(ask)[keys[0][:8]] == "undecided"
    said = ask("review", "almond", "--take", str(file))
    assert (
        said.status == 2
        and "1 new mark by anna on images of this campaign; the file names campaign 'winter'" in said.err
    )
    assert ask("review", "almond", "--take", str(file), "--yes").status == 0
    assert decided(ask)[keys[0][:8]] == "picked"
    assert "0 new marks" in ask("review", "almond", "--take", str(file)).err


def test_only_some_decisions_are_listed(ask: Ask, keys: list[str]) -> None:
    ask("review", "almond", "--pick", keys[0], "--reject", keys[1], "--as", "anna")
    said = ask("review", "almond", "--list", "--json", "--only", "decision=rejected,picked", "--only", "seed=2,3")
    images = [image["key"] for row in json.loads(said.out)["decisions"] for image in row["images"]]
    assert images == [keys[1]]
    for refusing in ("plan", "resolve", "prune"):
        name = "almond.yaml" if refusing == "plan" else "almond"
        assert "know decisions" in ask(refusing, name, "--only", "decision=picked").err


def test_status_and_find_say_what_was_decided(ask: Ask, keys: list[str]) -> None:
    assert "rows:" not in ask("status", "almond").out
    ask("review", "almond", "--pick", keys[0], "--reject", keys[1], "--note", "six fingers", "--as", "anna")
    *_, told, for_machines = ask("status", "almond").out.splitlines()
    assert told == "2 rows: 1 picked, 1 waiting for images" and for_machines.startswith("attention ")
    rows = json.loads(ask("status", "almond", "--json").out)["rows"]
    assert rows == {"picked": 1, "conflict": 0, "rejected": 0, "waiting": 1, "empty": 0, "open": 0, "new": 0}
    said = ask("find", keys[1][:8]).out
    assert f"  decided    rejected    {keys[1][:8]} seed 2: anna rejects (six fingers) (candle, hero, plain" in said
    assert json.loads(ask("find", keys[0][:8], "--json").out)[0]["decisions"][0]["decision"] == "picked"
    picked = ask("find", "almond", "--only", "decision=picked").out
    assert keys[0][:8] in picked and picked.count("\n") == 1
    counted = ask("status", "almond", "--only", "decision=picked,rejected", "--only", "product=candle").out
    assert counted == "almond   2 images of --only: 2 stored\n"
    assert "--only goes with the name" in ask("find", keys[0][:8], "--only", "seed=1").err


def test_a_file_that_cannot_be_read_is_named_by_every_command_and_stops_what_goes_by_decisions(
    ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    broken = tmp_path / "output" / "almond" / "decisions" / "broken.jsonl"
    broken.write_text("{}\n", encoding="utf-8")
    for words in (("status",), ("resolve",), ("verify",), ("find",), ("review", "--list")):
        said = ask(*words, "almond")
        assert f"{broken}:1:1: this file of decisions cannot be read" in said.err, words
    assert decided(ask)[keys[0][:8]] == "picked"
    for named in (("find", "almond"), ("status", "almond"), ("review", "almond", "--list")):
        said = ask(*named, "--only", "decision=picked")
        assert said.status == 2 and "mend the file, or move it out of this folder" in said.err
    broken.write_bytes(b'{"decisions_version":1,"cam')
    assert "it was cut off in its first line" in ask("status", "almond").err
    assert ask("find", "almond", "--only", "decision=picked").status == 0


def test_a_picture_bought_again_with_other_bytes_makes_its_verdict_outdated_until_it_is_confirmed(
    ask: Ask, keys: list[str], tmp_path: Path
) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    (file,) = (tmp_path / "output" / "almond" / "decisions").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("ab" * 32, "cd" * 32), encoding="utf-8")
    said = ask("review", "almond", "--list", "--only", "decision=outdated")
    assert f"undecided   {keys[0][:8]} seed 1: anna picks (before it changed)" in said.out
    assert said.out.endswith("1 row: 1 open, 1 verdict on pictures that changed\n")
    assert "2 rows: 1 picked" in ask("review", "almond", "--pick", keys[0], "--as", "anna").out
    assert decided(ask)[keys[0][:8]] == "picked"


def test_a_table_may_come_back_as_a_workbook(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in csv.reader(StringIO(ask("review", "almond", "--list", "--csv").out.removeprefix("\ufeff"))):
        book.active.append([*line[:-2], "pick", "lovely"] if line[0] == keys[0] else line)
    book.save(tmp_path / "back.xlsx")
    assert ask("review", "almond", "--take", "back.xlsx", "--as", "client", "--yes").status == 0
    assert decided(ask)[keys[0][:8]] == "picked"


def test_files_saved_twice_from_two_browsers_are_one(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    ask("review", "almond", "--pick", keys[0], "--as", "anna")
    ask("review", "almond", "--reject", keys[1], "--as", "anna")
    folder = tmp_path / "output" / "almond" / "decisions"
    for number, file in enumerate(sorted(folder.iterdir())):
        (folder / f"mail ({number}).jsonl").write_bytes(file.read_bytes())
    rows = json.loads(ask("review", "almond", "--list", "--json").out)["decisions"]
    assert [len(image["marks"]) for image in rows[0]["images"]] == [1, 1, 0, 0]


def test_the_name_of_a_file_steers_no_terminal(ask: Ask, keys: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "output" / "almond" / "decisions"
    folder.mkdir()
    (folder / "\x1b[2J\n.jsonl").write_text("{}\n", encoding="utf-8")
    for words in (("status", "almond"), ("reroll", "almond")):
        said = ask(*words)
        assert "cannot be read" in said.err and "\x1b" not in said.err
