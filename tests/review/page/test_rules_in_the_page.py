"""The page's rules, run in the browser, are those of Python: one table of cases holds both."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.async_api import Page

from campaign_runner.cli.decided import reviewer_of
from campaign_runner.review.decisions_format import mark_line
from campaign_runner.review.page.scripts import joined_script
from tests.review.cases import CAMPAIGN, Case, cases, full
from tests.review.page.conftest import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")
CASES = list(cases())
RULES = joined_script("rules.js").replace(
    "\n})();", "\nglobalThis.rules = { MarkIndex, cellId, chosenFocus, decide, standing };\n})();"
)
JUDGE = """({rows, marks, settings}) => {
  const index = new rules.MarkIndex(marks);
  const linked = rows.map((row) => ({ ...row, cellId: rules.cellId(row.cell) }));
  const decided = linked.map((row) => ({ row, ...rules.decide(row, index, settings) }));
  const about = (row) => row.images.map((image) => rules.standing(index.about(image, row)));
  const images = decided.flatMap(({ row, images }) => images.map((image) => ({ ...image, product: row.cell.product })));
  return {
    rows: decided.map(({ state, images }) => ({ state, images: images.map((image) => image.state) })),
    outdated: images.filter((image) => image.outdated.some((mark) => mark.value?.verdict)).map((image) =>
      [image.product, image.image.key]),
    new: images.flatMap((image) => [...image.newFor].map((who) => [who, image.image.key])),
    focus: images.flatMap((image) => {
      const focus = rules.chosenFocus(image, settings);
      return focus ? [[image.product, image.image.key, focus.value, focus.isDisputed]] : [];
    }),
    standing: linked.flatMap((row) => about(row).flat().map((mark) => mark.id)),
  };
}"""


async def judged(page: Page, case: Case, order: random.Random) -> dict[str, Any]:
    counting = [file for file in case.parsed() if file.campaign in (CAMPAIGN, *case.former)]
    marks = [mark_line(mark) | {"reviewer": mark.reviewer.id} for file in counting for mark in file.marks]
    order.shuffle(marks)
    rows = [
        {
            "cell": row.cell.axes,
            "images": [_image(shot.key, shot.state, shot.sha256, shot.stored_at) for shot in row.shots],
        }
        for row in case.rows
    ]
    rules = case.rules
    settings = {"need": rules.need, "final": rules.final, "must": list(rules.must), "picks": rules.picks}
    found: dict[str, Any] = await page.evaluate(JUDGE, {"rows": rows, "marks": marks, "settings": settings})
    return found


def _image(key: str, state: str, sha256: str | None, stored_at: str | None) -> dict[str, object]:
    return {"key": key, "state": str(state), "sha256": sha256, "stored_at": stored_at}


async def test_every_case_amounts_to_the_same_in_any_order(person: Person) -> None:
    anybody = await person()
    await anybody.page.evaluate(RULES)
    for case in CASES:
        for seed in range(3):
            found = await judged(anybody.page, case, random.Random(seed))
            assert found["rows"] == case.expected["rows"], case.name
            outdated = [[product, full(key)] for product, key in case.expected.get("outdated", [])]
            assert found["outdated"] == outdated, case.name
            new = [[who, full(key)] for who, keys in case.expected.get("new", {}).items() for key in keys]
            assert sorted(found["new"]) == sorted(new), case.name
            if "focus" in case.expected:
                focus = [[product, full(key), *said] for product, key, *said in case.expected["focus"]]
                assert found["focus"] == focus, case.name
            if "standing" in case.expected:
                assert set(found["standing"]) == {full(label, 16) for label in case.expected["standing"]}, case.name


NAMES = (
    "Anna",
    "Anna Müller",
    "ÅSE Øre",
    "Zoë  d'Arc",
    "Łukasz",
    "Süß & Söhne",
    "İpek",
    "a" * 60,
    "-x-",
    "José  María 2",
)


async def test_a_name_has_the_id_that_it_has_on_the_command_line(person: Person) -> None:
    anybody = await person()
    script = joined_script("reviewers.js").replace("\n})();", "\nglobalThis.reviewerId = reviewerId;\n})();")
    await anybody.page.evaluate(script)
    found = await anybody.page.evaluate("names => names.map((name) => reviewerId(name))", list(NAMES))
    assert found == [reviewer_of(name).id for name in NAMES]
