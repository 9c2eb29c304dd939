"""Which edit is the reason for what an image comes or goes, and how that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campaign_runner.authoring.since_last_run import between, sentences
from campaign_runner.plan.cost import RateLimit
from tests.campaigns import campaign

RATE = RateLimit(4, 9000)
WHOLE: dict[str, Any] = {
    "vars": {"season": "autumn", "light": "in {season} light", "unused": "x"},
    "markets": {"us": {"locale": "en-US"}, "de": {"locale": "de-DE"}},
    "products": {"candle": {"name": "candle", "material": "wax"}, "soap": {"name": "soap", "material": "soap"}},
    "prompts": {"hero": "{product.name} {light}", "detail": "macro of {product.material}, {unused}"},
    "presets": {"plain": {}, "painted": {"styles": ["painting"], "negative_prompt": "no {unused}"}},
    "sizes": ["square", "wide"],
    "seeds": [1, 2, 3, 4],
    "exclude": [{"product": "soap", "prompt": "detail"}],
}
"""3 cells of product and prompt x 2 presets x 2 markets x 2 sizes = 24 recipes of 4 seeds."""


def said(folder: Path, **changes: Any) -> list[str]:
    """What it says of WHOLE becoming WHOLE with `changes`."""
    old = campaign(folder, file_name="old.yaml", **WHOLE)
    new = campaign(folder, file_name="new.yaml", **{**WHOLE, **changes})
    return list(sentences(between(old, new)[0], RATE))


def of(key: str, **entries: Any) -> dict[str, Any]:
    """WHOLE's entries of an axis, changed; None takes one away."""
    return {key: {name: entry for name, entry in (WHOLE[key] | entries).items() if entry is not None}}


KEPT = "no longer in the campaign (files stay)"
EDITS: list[Any] = [
    (of("prompts", hero="{product.name} at night, {light}"),
     f"prompt hero changed: 64 images due, 16 requests, 4 min; 32 unchanged; 64 {KEPT}"),
    (of("products", candle={"name": "candles", "material": "wax"}),
     f"product candle changed: 32 images due, 8 requests, 2 min; 64 unchanged; 32 {KEPT}"),
    (of("products", scrub={"name": "scrub", "material": "salt"}),
     "product scrub added: 64 images due, 16 requests, 4 min; 96 unchanged"),
    (of("products", soap=None) | {"exclude": []}, f"product soap removed: nothing due; 64 unchanged; 32 {KEPT}"),
    (of("presets", painted={"styles": ["golden_hour"], "negative_prompt": "no {unused}"}),
     f"preset painted changed: 48 images due, 12 requests, 3 min; 48 unchanged; 48 {KEPT}"),
    (of("vars", season="winter"), f"var season changed: 64 images due, 16 requests, 4 min; 32 unchanged; 64 {KEPT}"),
    (of("vars", unused="y"), f"var unused changed: 64 images due, 16 requests, 4 min; 32 unchanged; 64 {KEPT}"),
    (of("markets", de=None), f"market de removed: nothing due; 48 unchanged; 48 {KEPT}"),
    (of("markets", de={"locale": "de-AT"}),
     f"market de changed: 48 images due, 12 requests, 3 min; 48 unchanged; 48 {KEPT}"),
    ({"sizes": ["square"]}, f"size 2688x1536 removed: nothing due; 48 unchanged; 48 {KEPT}"),
    ({"sizes": ["square", "wide", "portrait"]},
     "size 1792x2304 added: 48 images due, 12 requests, 3 min; 96 unchanged"),
    ({"seeds": [1, 2, 3, 4, 5]}, "seed 5 added: 24 images due, 24 requests, 6 min; 96 unchanged"),
    ({"seeds": [4, 2]}, f"seeds 1, 3 removed: nothing due; 48 unchanged; 48 {KEPT}"),
    ({"exclude": []}, "exclude changed: 32 images due, 8 requests, 2 min; 96 unchanged"),
    ({"defaults": {"content_class": "art"}},
     f"defaults changed: 96 images due, 24 requests, 6 min; 0 unchanged; 96 {KEPT}"),
    ({"model": "image4_ultra"}, f"model changed: 96 images due, 96 requests, 24 min; 0 unchanged; 96 {KEPT}"),
    ({"include": [{"product": "soap", "prompt": "detail", "preset": "plain", "market": "us", "size": "square"}]},
     "include changed: 4 images due, 1 request, 1 min; 96 unchanged"),
    ({"budget": 500}, "the file was edited, but no image changes"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), EDITS, ids=[words.partition(":")[0] for _, words in EDITS])
def test_the_reason_is_named(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert said(tmp_path, **changes) == [words]


def test_another_id_for_an_entry_costs_nothing(tmp_path: Path) -> None:
    products = {"kerze": WHOLE["products"]["candle"], "soap": WHOLE["products"]["soap"]}
    assert said(tmp_path, products=products) == ["product candle is called kerze now: nothing due"]


def test_another_id_that_a_prompt_names_is_another_image(tmp_path: Path) -> None:
    prompts = {"hero": "{product.name} of {product.material}, {preset}, {light}", "detail": "{unused}"}
    before = {**WHOLE, "prompts": prompts}
    presets = {"simple": {}, "painted": WHOLE["presets"]["painted"]}
    old, new = (campaign(tmp_path, file_name="a.yaml", **each) for each in (before, {**before, "presets": presets}))
    assert [line.partition(":")[0] for line in sentences(between(old, new)[0], RATE)] == [
        "preset simple added", "preset plain removed", "total",
    ]  # fmt: skip


def test_several_edits_have_a_line_each_and_one_for_all(tmp_path: Path) -> None:
    changes = of("prompts", hero="{product.name} at night, {light}") | {"seeds": [1, 2, 3, 4, 5]}
    assert said(tmp_path, **changes) == [
        f"prompt hero changed: 80 images due, 32 requests, 8 min; 64 {KEPT}",
        "seed 5 added: 8 images due, 8 requests, 2 min",
        f"total: 88 images due, 40 requests, 10 min; 32 unchanged; 64 {KEPT}",
    ]


def test_an_edit_is_no_reason_for_what_it_does_not_touch(tmp_path: Path) -> None:
    changes = of("prompts", hero="{product.name} at night, {light}")
    changes |= of("products", candle={"name": "candle", "material": "bees wax"})  # hero does not use it
    assert said(tmp_path, **changes) == [
        f"prompt hero changed: 64 images due, 16 requests, 4 min; 64 {KEPT}",
        f"product candle changed: 32 images due, 8 requests, 2 min; 32 {KEPT}",
        f"total: 96 images due, 24 requests, 6 min; 0 unchanged; 96 {KEPT}",
    ]


def test_a_limit_is_the_reason_for_what_it_lets_in_and_keeps_out(tmp_path: Path) -> None:
    limited = of("presets", painted=WHOLE["presets"]["painted"] | {"sizes": ["square"]})
    old, new = (campaign(tmp_path, file_name="a.yaml", **{**WHOLE, **each}) for each in (limited, {}))
    assert said(tmp_path, **limited) == [f"preset painted changed: nothing due; 72 unchanged; 24 {KEPT}"]
    assert list(sentences(between(old, new)[0], RATE)) == [
        "preset painted changed: 24 images due, 6 requests, 2 min; 72 unchanged"
    ]


def test_entries_of_a_kind_share_a_line(tmp_path: Path) -> None:
    more = {f"p{number}": {"name": f"thing {number}", "material": f"stuff {number}"} for number in range(9)}
    (line,) = said(tmp_path, **of("products", **more))
    assert line.startswith("products p0, p1, p2, p3, p4 and 4 more added: 576 images due, 144 requests, ")


def test_a_campaign_without_markets_that_gets_some(tmp_path: Path) -> None:
    before = {**WHOLE, "markets": None}
    old, new = (campaign(tmp_path, file_name="a.yaml", **each) for each in (before, WHOLE))
    lines = [line.partition(":")[0] for line in sentences(between(old, new)[0], RATE)]
    assert lines == ["markets us, de added", "markets changed", "total"]


def test_a_picture_that_is_another_one_now(tmp_path: Path) -> None:
    def with_picture(name: str, colour: str) -> Any:
        folder = tmp_path / name
        folder.mkdir()
        Image.new("RGB", (8, 8), colour).save(folder / "mood.png")
        return campaign(folder, **{**WHOLE, "defaults": {"style_reference": "mood.png"}})

    changes, _ = between(with_picture("old", "red"), with_picture("new", "blue"))
    assert next(sentences(changes, RATE)).startswith("reference image changed: 96 images due, 24 requests")


def test_a_custom_model_under_the_same_name_is_the_same(tmp_path: Path) -> None:
    custom: dict[str, Any] = {"model": "image3_custom", "custom_model": "Warm", "presets": {"plain": {}}}
    assert said(tmp_path, **custom)[0].startswith("model changed: ")
    old, new = (campaign(tmp_path, file_name="a.yaml", **{**WHOLE, **custom}) for _ in range(2))
    assert list(sentences(between(old, new)[0], RATE)) == ["the file was edited, but no image changes"]


def test_a_prompt_changed_together_with_the_var_it_uses(tmp_path: Path) -> None:
    changes = of("prompts", hero="{product.name} in {mood}") | {"vars": WHOLE["vars"] | {"mood": "calm"}}
    assert said(tmp_path, **changes) == [
        f"prompt hero changed: 64 images due, 16 requests, 4 min; 32 unchanged; 64 {KEPT}"
    ]
