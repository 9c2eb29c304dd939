"""Files of decisions that were edited, cut or made up: what is whole counts, what is not is named with its place."""

from __future__ import annotations

from pathlib import Path
from random import Random

from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.review.decisions_file import encoded, parsed
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.merging import MarkIndex
from campaign_runner.review.rules import decide
from campaign_runner.text import printable
from tests.fuzz.fuzzing import Target, spoiled
from tests.review.cases import cases

CASES = list(cases())
PIECES = (
    b"\n", b"\r\n", b"{", b"}", b'"', b",", b"\x00", b"\xff", b"[]", b"null", b"[" * 3000, b"1e999", b"NaN",
    b'"after":["aaaaaaaaaaaaaaaa"]', b'"kind":"note"', b'"cell":null', b"\\ud800", b"\x1b[2J", b"9" * 400,
)  # fmt: skip


def make(chance: Random) -> bytes:
    if chance.random() < 0.1:
        return chance.choice((b"", b"\n", b"null\n", b"\x00" * 70_000, chance.randbytes(50)))
    whole = chance.choice(chance.choice(CASES).files)
    return whole if chance.random() < 0.05 else spoiled(chance, whole, PIECES, most=3)


def hold(content: bytes, folder: Path) -> str:
    """Every mark can be written again and decides; what is wrong is one line with its place that steers no terminal."""
    found = parsed(folder / "x.jsonl", content)
    for problem in found.problems:
        assert 1 <= problem.line <= content.count(b"\n") + 1
        assert printable(problem.sentence) == problem.sentence and len(problem.sentence) < 1000
    for mark in found.marks:
        encoded(mark_line(mark))
    for case in CASES[:3]:
        for row in case.rows:
            decide(row, MarkIndex(found.marks), ReviewRules())
    return "whole" if not found.problems else "partly" if found.marks else "unreadable"


DECISIONS = Target("decisions", 20, make, hold, frozenset({"whole", "partly", "unreadable"}))
