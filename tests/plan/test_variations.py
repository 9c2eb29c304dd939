"""Which images a campaign is: cells, equal ones merged, and what never buys anything again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import strategies as st

from campaign_runner.plan.plan import Plan, Planned
from tests.campaigns import MODEL, SMALL, campaign, keys_of, plan
from tests.examples import few_and_many

BARE = {"text": "a bare oak table"}  # names no product: all products' cells are one image


def told(plan: Plan) -> list[tuple[str, int, list[str]]]:
    """Cell, seed, and the other cells of each variation."""
    return [(str(each.variation.cell), each.variation.seed, [str(cell) for cell in each.other_cells]) for each in plan]


def include(product: str, seeds: list[int], **changes: Any) -> dict[str, Any]:
    return {"product": product, "prompt": "hero", "preset": "plain", "size": "2048x2048", "seeds": seeds} | changes


def test_the_lists_multiply_in_file_order(tmp_path: Path) -> None:
    made = plan(tmp_path, sizes=["square", "wide"], presets={"plain": {}, "a": {"styles": ["bw"]}})
    stems = [each.variation.stem.rsplit("_", 1)[0] for each in made][:6]
    assert stems == [
        "images/candle/hero_plain_2048x2048_s66080",
        "images/candle/hero_plain_2048x2048_s82683",
        "images/candle/hero_plain_2688x1536_s66080",
        "images/candle/hero_plain_2688x1536_s82683",
        "images/candle/hero_a_2048x2048_s66080",
        "images/candle/hero_a_2048x2048_s82683",
    ]
    assert (len(made), made.recipes, made.cells) == (16, 8, 16)


def test_equal_cells_are_one_variation_under_the_first(tmp_path: Path) -> None:
    made = plan(tmp_path, prompts={"hero": BARE, "again": BARE}, seeds=[7])
    rest = ["candle, again, plain, 2048x2048", "soap, hero, plain, 2048x2048", "soap, again, plain, 2048x2048"]
    assert told(made) == [("candle, hero, plain, 2048x2048", 7, rest)]
    assert (len(made), made.cells) == (1, 4)


def test_an_include_cell_that_repeats_one_with_more_seeds_adds_only_those(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=[1, 2], include=[include("candle", [2, 3]), include("candle", [4, 3])])
    candle, soap = "candle, hero, plain, 2048x2048", "soap, hero, plain, 2048x2048"
    expected = [(candle, 1, []), (candle, 2, [candle]), (soap, 1, []), (soap, 2, []), (candle, 3, [candle])]
    assert told(made) == [*expected, (candle, 4, [])]
    assert list(made.seeds(0)) == [1, 2, 3, 4]


def test_what_repeats_under_another_product_with_another_seed(tmp_path: Path) -> None:
    products = {"candle": {"name": "x", "seeds": [1]}, "soap": {"name": "y", "seeds": [2]}}
    made = plan(tmp_path, products=products, prompts={"hero": BARE}, seeds=[1, 2])
    assert told(made) == [("candle, hero, plain, 2048x2048", 1, []), ("soap, hero, plain, 2048x2048", 2, [])]


CAMPAIGNS: list[Any] = [
    pytest.param({}, id="plain"),
    pytest.param({"prompts": {"hero": BARE, "again": BARE}}, id="everything repeats"),
    pytest.param({"seeds": [1, 2], "include": [include("soap", [2, 9, 8])]}, id="more seeds"),
    pytest.param({"exclude": [{"product": "soap", "seed": 66080}]}, id="excluded"),
    pytest.param({"seeds": {"base": 5, "count": 9}, "model": "image4_ultra"}, id="a range of seeds"),
]


@pytest.mark.parametrize("changes", CAMPAIGNS)
def test_positions_keys_and_lookups_agree(changes: dict[str, Any], tmp_path: Path) -> None:
    made = plan(tmp_path, **changes)
    by_position: list[Planned] = sorted(made, key=lambda each: each.position)
    assert [each.position for each in by_position] == list(range(len(made)))
    assert [each.variation.key for each in by_position] == list(made.keys())
    assert [made.at(position) for position in range(len(made))] == by_position


def test_ids_order_comments_and_vars_buy_nothing_again(tmp_path: Path) -> None:
    words = {"hero": {"text": "{product.name}, {season}"}}
    before = keys_of(plan(tmp_path, prompts=words, vars={"season": "autumn"}))
    products = {"savon": {"name": "almond soap"}, "kerze": {"name": "almond candle"}}
    other = {"main": {"text": "{product.name},   {time-of-year}"}}
    after = plan(tmp_path, prompts=other, vars={"time-of-year": "autumn"}, products=products, campaign="other",
                 seeds=[82683, 66080], presets={"bare": {}})  # fmt: skip
    assert keys_of(after) == before


@st.composite
def renamings(draw: st.DrawFn) -> dict[str, Any]:
    """SMALL with other ids and another order, by three products and two prompts."""
    names = draw(st.permutations(["almond candle", "almond soap", "almond scrub"]))
    ids = draw(st.permutations(["a", "b-2", "candle", "soap"]))
    prompts = draw(st.permutations(["{product.name} on oak", "macro of {product.name}, {light}"]))
    return {
        "products": {id: {"name": name} for id, name in zip(ids, names, strict=False)},
        "prompts": {id: {"text": text} for id, text in zip(draw(st.permutations("pq")), prompts, strict=True)},
        "vars": {"light": "soft light"},
        "sizes": draw(st.permutations(["square", "wide", "1440x2560"])),
        "seeds": draw(st.permutations([1, 2, 3])),
    }


@few_and_many(15, 80, renamings(), renamings())
def test_renaming_and_reordering_keep_the_set_of_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        assert keys_of(plan(Path(folder), **one)) == keys_of(plan(Path(folder), **other))


def test_a_comment_changes_no_key(tmp_path: Path) -> None:
    before = keys_of(plan(tmp_path))
    path = tmp_path / "almond.yaml"
    path.write_text("# for Jane\n" + path.read_text())
    assert keys_of(Plan(campaign(tmp_path))) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": {"hero": {"text": "{product.name} on an oak ui"}}},  # other words
        {"sizes": ["wide"]},  # other pixels
        {"model": "image3"},  # another family
        {"defaults": {"content_class": "photo"}},  # a further field
        {"defaults": {"format": "jpeg"}},  # another media type asked for
        {"seeds": [5]},  # other seeds
    ],
)
def test_whatever_the_service_receives_makes_another_key(changes: dict[str, Any], tmp_path: Path) -> None:
    assert keys_of(plan(tmp_path)).isdisjoint(keys_of(plan(tmp_path, **changes)))


def test_a_custom_model_without_an_id_yet_has_no_keys(tmp_path: Path) -> None:
    spec = campaign(tmp_path, **SMALL | {"model": "image3_custom", "custom_model": MODEL.name})
    assert not Plan(spec).knows_keys
    assert Plan(spec, MODEL).knows_keys
    assert len(Plan(spec)) == len(Plan(spec, MODEL)) == 4
