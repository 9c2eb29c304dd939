"""The table of cases: what reviewers marked, and what it amounts to."""

from __future__ import annotations

from itertools import chain

import pytest

from campaign_runner.review.decisions import chosen_focus
from campaign_runner.review.marks import Focus
from campaign_runner.review.merging import MarkIndex, standing
from campaign_runner.review.rules import DecidedRow, decide
from tests.review.cases import CAMPAIGN, Case, cases, full

CASES = list(cases())


def decided(case: Case) -> tuple[list[DecidedRow], MarkIndex]:
    counting = [file for file in case.parsed() if file.campaign in (CAMPAIGN, *case.former)]
    index = MarkIndex(chain.from_iterable(file.marks for file in counting))
    return [decide(row, index, case.rules) for row in case.rows], index


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_people_marked_amounts_to_this(case: Case) -> None:
    assert not any(file.problems or file.remarks for file in case.parsed())
    rows, index = decided(case)
    told = [{"state": str(row.state), "images": [str(image.state) for image in row.images]} for row in rows]
    assert told == case.expected["rows"]
    found = [[row.cell.product, image.shot.key] for row in rows for image in row.images if image.is_outdated]
    assert found == [[product, full(key)] for product, key in case.expected.get("outdated", [])]
    new: dict[str, list[str]] = {}
    for image in chain.from_iterable(row.images for row in rows):
        for who in image.new_for:
            new.setdefault(who, []).append(image.shot.key)
    assert new == {who: list(map(full, keys)) for who, keys in case.expected.get("new", {}).items()}
    if "focus" in case.expected:
        assert focused(case, rows) == [[product, full(key), *said] for product, key, *said in case.expected["focus"]]
    if "standing" in case.expected:
        assert stands(case, index) == {full(label, 16) for label in case.expected["standing"]}


def focused(case: Case, rows: list[DecidedRow]) -> list[list[object]]:
    """Of each image with a focus, in each row: which it is, and whether it is disputed."""
    images = [(row.cell.product, image) for row in rows for image in row.images]
    found = [(product, image.shot.key, chosen_focus(image, case.rules.final)) for product, image in images]
    return [[product, key, _listed(said.focus), said.is_disputed] for product, key, said in found if said is not None]


def _listed(focus: Focus) -> dict[str, list[float]]:
    return {channel: list(where) for channel, where in focus.items()}


def stands(case: Case, index: MarkIndex) -> set[str]:
    """The marks that stand on any image in any cell."""
    found = set()
    for row in case.rows:
        keys = [shot.key for shot in row.shots]
        for shot in row.shots:
            found |= {mark.id for mark in standing(index.about(shot.key, shot.sha256, row.cell, keys))}
    return found


def test_every_case_has_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
