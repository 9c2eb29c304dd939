"""Merging is a function of the marks: no order of files or lines, no duplicate, no broken file changes the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.output_folder.folder import DECISIONS, Folder
from campaign_runner.review.decisions_file import encoded
from campaign_runner.review.decisions_folder import Gathered, gather
from campaign_runner.review.decisions_format import head_line, mark_line
from campaign_runner.review.marks import Mark, Note, Reviewer, Vote, Word
from campaign_runner.review.merging import MarkIndex
from campaign_runner.review.rules import DecidedRow, ReviewRow, Shot, decide
from tests.review.cases import cell_of, full

REVIEWERS = [Reviewer(id, id.title()) for id in ("anna", "ben", "lead", "legal")]
STATES = ["stored"] * 6 + ["pending", "in_doubt", "failed"]
GARBAGE = [b"", b"\x00", b"{", b'{"decisions_version":1}', b"null", b'{"id":"x"}', b"\xff\xfe", b"<script>"]
SOME, ALL = 1_000, 10_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A campaign and what was marked in it, drawn by chance from one number."""

    chance: Random
    rules: ReviewRules
    rows: tuple[ReviewRow, ...]
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, number: int) -> Drawn:
        chance = Random(number)
        rules = ReviewRules.model_construct(
            need=chance.choice([1, 1, 2]),
            final=chance.choice([None, None, "lead"]),
            must=chance.choice([(), (), ("legal",)]),
            picks=chance.choice([1, 1, 2, "any"]),
        )
        cells = [cell_of(label) for label in ("mug/us", "mug/ca", "cup")]
        shots = [_shot(chance, label) for label in "123456"]
        rows = tuple(ReviewRow(cell, tuple(chance.sample(shots, chance.randint(1, 4)))) for cell in cells)
        return cls(chance, rules, rows, tuple(_marks(chance, rows)))

    def decided(self, marks: tuple[Mark, ...]) -> list[DecidedRow]:
        index = MarkIndex(marks)
        return [decide(row, index, self.rules) for row in self.rows]

    def shuffled(self) -> list[tuple[Reviewer, list[Mark]]]:
        """The marks in files of their reviewers: how many, in what order, and which twice is chance."""
        files: list[tuple[Reviewer, list[Mark]]] = []
        for reviewer in REVIEWERS:
            own = [mark for mark in self.marks if mark.reviewer == reviewer]
            own += self.chance.sample(own, self.chance.randint(0, len(own)))
            self.chance.shuffle(own)
            parts: list[list[Mark]] = [[] for _ in range(self.chance.randint(1, 3))]
            for mark in own:
                self.chance.choice(parts).append(mark)
            files += [(reviewer, part) for part in parts]
        self.chance.shuffle(files)
        return files


def _shot(chance: Random, label: str) -> Shot:
    state = chance.choice(STATES)
    if state != "stored":
        return Shot(full(label), int(label), state)
    digest, at = full(chance.choice([label, "9"])), f"2026-11-28T{chance.randint(18, 23)}:00:00.000+00:00"
    return Shot(full(label), int(label), state, digest, at, f"images/{label}.jpg")


def _marks(chance: Random, rows: tuple[ReviewRow, ...]) -> list[Mark]:
    marks: list[Mark] = []
    for _ in range(chance.randint(0, 14)):
        row, reviewer = chance.choice(rows), chance.choice(REVIEWERS)
        shot = chance.choice(row.shots)
        kind, value = chance.choice(
            [
                *([("verdict", Vote(word)) for word in ("pick", "pick", "reject", None)]),
                ("note", Note("crooked", (0.5, 0.5))),
                ("focus", {"*": (0.25, chance.choice([0.25, 0.75]))}),
            ]
        )
        earlier = [mark.id for mark in marks if mark.key == shot.key]
        after = tuple(chance.sample(earlier, chance.randint(0, len(earlier))))
        at = f"2026-11-28T{chance.randint(18, 23)}:0{chance.randint(0, 9)}:00Z"
        digest = chance.choice([full("9"), shot.sha256 or shot.key])
        cell = chance.choice([row.cell, row.cell, None])
        marks.append(Mark(f"{chance.getrandbits(64):016x}", shot.key, digest, cell, kind, value, after, at, reviewer))  # type: ignore[arg-type]
    return marks


def check_shuffled(number: int) -> None:
    drawn = Drawn.of(number)
    expected = drawn.decided(drawn.marks)
    for _ in range(2):
        shuffled = tuple(mark for _, marks in drawn.shuffled() for mark in marks)
        assert drawn.decided(shuffled) == expected, f"case {number}"


def check_on_disk(number: int, folder: Path) -> None:
    """The same from files, some of them broken: every whole mark counts, what is broken is named."""
    drawn = Drawn.of(number)
    home = folder / str(number) / DECISIONS
    home.mkdir(parents=True)
    broken = 0
    for at, (reviewer, marks) in enumerate(drawn.shuffled()):
        lines = [encoded(head_line("season", reviewer)), *(encoded(mark_line(mark)) for mark in marks)]
        if at % 2:
            lines.insert(drawn.chance.randint(1, len(lines)), drawn.chance.choice(GARBAGE[1:]) + b"\n")
            broken += 1
        cut = lines[0][: drawn.chance.randint(1, len(lines[0]) - 2)] if at % 3 == 0 else b""
        (home / f"{at}.jsonl").write_bytes(b"".join(lines) + cut)
    (home / "garbage.jsonl").write_bytes(drawn.chance.choice(GARBAGE) + b"\n")
    found: Gathered = gather(Folder(folder / str(number)), {"season"})
    assert {mark.id for mark in found.marks} == {mark.id for mark in drawn.marks}
    assert drawn.decided(found.marks) == drawn.decided(drawn.marks), f"case {number}"
    assert len({problem.path for problem in found.problems}) == broken + 1
    assert all(problem.line >= 1 and "\n" not in problem.sentence for problem in found.problems)


def test_no_order_and_no_duplicate_changes_what_marks_amount_to() -> None:
    for number in range(SOME):
        check_shuffled(number)


def test_broken_and_cut_files_are_named_and_lose_nothing_else(tmp_path: Path) -> None:
    for number in range(60):
        check_on_disk(number, tmp_path)


@pytest.mark.proof
def test_ten_thousand_campaigns_are_decided_the_same_in_any_order(tmp_path: Path) -> None:
    for number in range(SOME, SOME + ALL):
        check_shuffled(number)
    for number in range(60, 1_000):
        check_on_disk(number, tmp_path)


AT = "2026-11-28T21:00:00Z"
ROW = ReviewRow(cell_of("mug"), (Shot(full("1"), 1, "stored", full("1"), "2026-11-28T20:00:00Z"),))


def vote(label: str, word: Word, after: tuple[str, ...] = (), reviewer: Reviewer = REVIEWERS[0]) -> Mark:
    return Mark(full(label, 16), full("1"), full("1"), None, "verdict", Vote(word), after, AT, reviewer)


def test_one_id_given_to_two_marks_is_one_mark_whichever_comes_first() -> None:
    first, second = vote("a", "pick"), vote("a", "reject", reviewer=REVIEWERS[1])
    one, other = (decide(ROW, MarkIndex(marks), ReviewRules()) for marks in ([first, second], [second, first]))
    assert one == other and len(one.images[0].marks) == 1


def test_a_mark_cannot_replace_itself_and_marks_that_replace_each_other_are_both_gone() -> None:
    a, b = full("a", 16), full("b", 16)
    itself = MarkIndex([vote("a", "pick", (a,))])
    assert [mark.id for mark in decide(ROW, itself, ReviewRules()).images[0].marks] == [a]
    each_other = MarkIndex([vote("a", "pick", (b,)), vote("b", "pick", (a,))])
    assert decide(ROW, each_other, ReviewRules()).images[0].marks == ()
