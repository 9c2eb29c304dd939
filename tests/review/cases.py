"""`cases.json` with its short forms written out, as the program reads rows, settings and files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.schema.review import ReviewRules
from campaign_runner.model import Cell, Size
from campaign_runner.review.decisions_file import DecisionsFile, encoded, parsed
from campaign_runner.review.decisions_format import head_line
from campaign_runner.review.marks import Reviewer
from campaign_runner.review.rules import ReviewRow, Shot

CAMPAIGN = "season"
STORED_AT, MARKED_AT = "2026-11-28T20:00:00Z", "2026-11-28T21:00:00Z"


def full(label: str, length: int = 64) -> str:
    """A label repeated to its length."""
    return (label * length)[:length]


def cell_of(label: str) -> Cell:
    """`product` or `product/market`."""
    product, _, market = label.partition("/")
    return Cell(product, "hero", "plain", market or None, Size(2048, 2048))


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what is there, and what it shall amount to."""

    name: str
    rules: ReviewRules
    former: tuple[str, ...]
    rows: tuple[ReviewRow, ...]
    files: tuple[bytes, ...]
    expected: Mapping[str, Any] = field(hash=False)

    def parsed(self) -> list[DecisionsFile]:
        """Its files as they are read."""
        return [parsed(Path(f"{number}.jsonl"), content) for number, content in enumerate(self.files)]


def cases() -> Iterator[Case]:
    """Every case."""
    told = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
    for case in told["cases"]:
        rows = tuple(
            ReviewRow(cell_of(row["cell"]), tuple(_shot(at, image) for at, image in enumerate(row["images"])))
            for row in case["rows"]
        )
        files = tuple(_file(file, case["rows"]) for file in case["files"])
        rules = ReviewRules.model_construct(**case.get("review", {}))
        yield Case(case["name"], rules, tuple(case.get("former", ())), rows, files, case["expected"])


def _shot(seed: int, image: dict[str, str]) -> Shot:
    key, state = full(image["key"]), image.get("state", "stored")
    if state != "stored":
        return Shot(key, seed, state)
    digest = full(image.get("sha256", image["key"]))
    return Shot(key, seed, state, digest, image.get("stored_at", STORED_AT), f"images/{key[:8]}.jpg")


def _file(file: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    reviewer = Reviewer(file["reviewer"], file["reviewer"].title())
    lines = [head_line(file.get("campaign", CAMPAIGN), reviewer), *(_mark(mark, rows) for mark in file["marks"])]
    return b"".join(map(encoded, lines))


def _mark(mark: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    home = next((row for row in rows if any(image["key"] == mark["key"] for image in row["images"])), None)
    images = home["images"] if home is not None else []
    image = next((image for image in images if image["key"] == mark["key"]), {"key": mark["key"]})
    label = mark["cell"] if "cell" in mark else home["cell"] if home is not None else None
    word = mark.get("verdict")
    value = {"verdict": None if word == "clear" else word, "reason": None, "text": None} if word else mark["value"]
    return {
        "id": full(mark["id"], 16),
        "key": full(mark["key"]),
        "sha256": full(mark.get("sha256", image.get("sha256", image["key"]))),
        "cell": cell_of(label).axes if label is not None else None,
        "kind": mark.get("kind", "verdict"),
        "value": value,
        "after": [full(earlier, 16) for earlier in mark.get("after", ())],
        "at": mark.get("at", MARKED_AT),
    }
