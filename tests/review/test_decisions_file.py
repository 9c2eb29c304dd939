"""Reading decisions files: what is broken is named with its place and takes nothing else along."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review import decisions_format
from campaign_runner.review.decisions_file import LARGEST_BYTES, encoded, lines, parsed
from campaign_runner.review.decisions_folder import gather
from campaign_runner.review.marks import Mark, Note, Reviewer, Vote, moment
from campaign_runner.schemas import shipped
from tests.review.cases import MARKED_AT, cases, cell_of, full

ANNA = Reviewer("anna", "Anna Ünal")


def mark(label: str, value: Vote | Note | None = None) -> Mark:
    kind = "note" if isinstance(value, Note) else "verdict"
    said = Vote("pick") if value is None else value
    return Mark(full(label, 16), full("1"), full("2"), cell_of("mug/de"), kind, said, (), MARKED_AT, ANNA)  # type: ignore[arg-type]


def content(*marks: Mark, campaign: str = "season") -> bytes:
    return b"".join(lines(campaign, ANNA, marks))


def test_what_is_written_is_read_back() -> None:
    marks = (mark("a"), mark("b", Vote("reject", "other", "</script> \u202e")), mark("c", Note("crooked", (0.5, 0.25))))
    found = parsed(Path("x.jsonl"), content(*marks))
    assert (found.campaign, found.reviewer, found.marks) == ("season", ANNA, marks)
    assert not found.problems and not found.remarks


def test_every_line_that_is_written_passes_the_schema() -> None:
    validator = Draft202012Validator(json.loads(shipped("decisions")))
    written = [line for case in cases() for file in case.files for line in file.splitlines()]
    assert len(written) > 100 and all(validator.is_valid(json.loads(line)) for line in written)
    assert not validator.is_valid({"id": "x"})


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(shipped("decisions")) == decisions_format.schema()


def test_unknown_fields_line_ends_of_windows_a_byte_order_mark_and_empty_lines_do_no_harm() -> None:
    told = json.loads(content(mark("a")).splitlines()[1]) | {"stars": 5}
    head = json.loads(content().splitlines()[0]) | {"browser": "x"}
    text = b"\xef\xbb\xbf" + encoded(head) + b"\r\n" + encoded(told).replace(b"\n", b"\r\n")
    found = parsed(Path("x.jsonl"), text)
    assert found.marks == (mark("a"),) and not found.problems and not found.remarks


def test_a_cut_last_line_is_told_and_stops_nothing() -> None:
    whole = content(mark("a"), mark("b"))
    for cut in range(len(content(mark("a"))) + 1, len(whole) - 1):
        found = parsed(Path("x.jsonl"), whole[:cut])
        assert found.marks == (mark("a"),) and not found.problems
        assert found.remarks == ("x.jsonl:3: the last line was cut off, so that mark does not count",)
    assert parsed(Path("x.jsonl"), whole[:-1]).marks == (mark("a"), mark("b"))
    assert parsed(Path("x.jsonl"), whole[:20]).remarks and not parsed(Path("x.jsonl"), whole[:20]).problems


BROKEN = [
    (b"{", "it is not a whole line of JSON"),
    (b"[]", "it: Input should be an object"),
    (b'{"kind":"rating"}', "does not match any of the expected tags"),
    (b'{"kind":"note"}', "id: Field required"),
    (b"\xff", "it is not a whole line of JSON"),
    (b"[" * 100_000, "it is not a whole line of JSON"),
    (b'{"id":"\\ud800"}', "it is not a whole line of JSON"),
]


@pytest.mark.parametrize(("line", "why"), BROKEN)
def test_a_broken_line_is_named_with_its_place_and_takes_nothing_else_along(line: bytes, why: str) -> None:
    first, second, third = content(mark("a"), mark("b")).splitlines(keepends=True)
    found = parsed(Path("x.jsonl"), first + second + line + b"\n" + third)
    assert found.marks == (mark("a"), mark("b"))
    (problem,) = found.problems
    assert (problem.line, problem.column) == (3, 1) and why in problem.message
    assert "\n" not in problem.sentence and len(problem.sentence) < 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "A" * 16),
        ("key", full("1")[:-1]),
        ("sha256", "../" + full("1")[3:]),
        ("at", "2026-11-28T21:00:00"),
        ("at", "2026-02-30T21:00:00Z"),
        ("after", ["x"]),
        ("cell", {"product": "mug", "prompt": "hero", "preset": "plain", "size": "wide"}),
        ("value", {"verdict": "maybe"}),
        ("value", None),
    ],
)
def test_a_mark_with_a_wrong_field_is_refused(field: str, value: object) -> None:
    head, line = content(mark("a")).splitlines()
    found = parsed(Path("x.jsonl"), head + b"\n" + encoded(json.loads(line) | {field: value}))
    assert found.marks == () and found.problems[0].message.startswith(f"this mark cannot be read: {field}")


@pytest.mark.parametrize("where", [[0.5], [0.5, 1.5], [0.1, 0.1, 0.5, 0], ["0", "0"], [0.1, 0.1, 0.1], [True, 0.5]])
def test_a_place_outside_the_picture_is_refused(where: list[object]) -> None:
    head, line = content(mark("a", Note("x"))).splitlines()
    told = json.loads(line) | {"value": {"text": "x", "where": where, "done": False}}
    assert parsed(Path("x.jsonl"), head + b"\n" + encoded(told)).problems


def test_a_file_of_a_later_version_is_named() -> None:
    later = encoded(json.loads(content().splitlines()[0]) | {"decisions_version": 2})
    (problem,) = parsed(Path("x.jsonl"), later).problems
    assert "later version" in problem.message


def test_files_count_whatever_their_name_and_what_is_broken_loses_nothing_else(
    tmp_path: Path,
) -> None:
    folder = tmp_path / DECISIONS
    folder.mkdir()
    (folder / "mail (1).jsonl").write_bytes(content(mark("a")))
    (folder / "season-anna.decisions.jsonl").write_bytes(content(mark("b")))
    (folder / "former.jsonl").write_bytes(content(mark("c"), campaign="spring"))
    (folder / "other.jsonl").write_bytes(content(mark("d"), campaign="winter"))
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "garbage.jsonl").write_bytes(b"\x89PNG\n\n")
    (folder / "huge.jsonl").write_bytes(content(mark("e")) + b"\n" * LARGEST_BYTES)
    (folder / "folder.jsonl").mkdir()
    (folder / "link.jsonl").symlink_to(folder / "former.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "readme.txt").write_text("not ours")
    found = gather(Folder(tmp_path), {"season", "spring"})
    assert {each.id for each in found.marks} == {full(label, 16) for label in "abc"}
    named = {problem.path.name for problem in found.problems}
    assert named == {"garbage.jsonl", "huge.jsonl", "folder.jsonl", "link.jsonl", "pipe.jsonl"}
    assert [file.path.name for file in found.foreign] == ["other.jsonl"]
    assert any("other.jsonl is about campaign 'winter'" in remark for remark in found.remarks)
    assert any("empty.jsonl" in remark for remark in found.remarks)


def test_no_folder_of_decisions_is_no_decision_and_a_link_in_its_place_is_named(tmp_path: Path) -> None:
    assert gather(Folder(tmp_path), {"season"}).marks == ()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / DECISIONS).symlink_to(tmp_path / "elsewhere")
    assert gather(Folder(tmp_path), {"season"}).problems


def test_times_are_counted_in_milliseconds_as_browsers_do() -> None:
    assert moment("1970-01-01T00:00:01.123456Z") == 1123
    assert moment("2026-11-28T20:00:00.123+00:00") - moment("2026-11-28T20:00:00Z") == 123
