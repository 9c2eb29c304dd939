"""Cells are counted and decoded by arithmetic, and agree with the plainest loop that could be written."""

import itertools
from collections.abc import Callable

import pytest

from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.model import Cell, Size
from tests.campaign_file.conftest import Load, Messages

SQUARE, WIDE = Size(2048, 2048), Size(2688, 1536)
LISTS = {
    "markets": "{us: {locale: en-US}, de: {locale: de-DE}}",
    "products": "{candle: {name: {other: candle}}, soap: {name: {other: soap}}}",
    "prompts": '{hero: {other: "{product.name}"}, detail: {other: "macro of {product.name}"}}',
    "presets": "[painting, golden_hour]",
    "sizes": "[square, wide]",
}


def cells_of(campaign: Campaign) -> list[Cell]:
    cells = Cells(campaign)
    return [cells.cell(number) for number in cells.numbers()]


def test_cells_are_nested_in_file_order(campaign: Load) -> None:
    axes = (["candle", "soap"], ["hero", "detail"], ["painting", "golden-hour"], ["us", "de"], [SQUARE, WIDE])
    assert cells_of(campaign(**LISTS)) == [Cell(*names) for names in itertools.product(*axes)]


def test_numbers_are_positions_and_the_count_is_images(campaign: Load) -> None:
    cells = Cells(campaign(**LISTS))
    assert list(cells.numbers()) == list(range(32))
    assert cells.count() == 64


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ({"exclude": "[{preset: painting}]"}, lambda c: c.preset != "painting"),
        ({"exclude": "[{product: soap, size: wide}]"}, lambda c: not (c.product == "soap" and c.size == WIDE)),
        ({"exclude": "[{product: [soap, candle], market: de}]"}, lambda c: c.market != "de"),  # a list is any of
        ({"exclude": "[{market: de, size: square}, {prompt: hero}]"},
         lambda c: c.prompt != "hero" and not (c.market == "de" and c.size == SQUARE)),
        ({"exclude": "[{size: 2688x1536}]"}, lambda c: c.size == SQUARE),  # the same size by its pixels
        ({"exclude": "[{seed: [66080, 82683]}, ]"}, lambda c: False),  # every seed
    ],
)  # fmt: skip
def test_exclude_leaves_out_what_matches_every_axis_named(
    lines: dict[str, str], left: Callable[[Cell], bool], campaign: Load, messages: Messages
) -> None:
    everything = cells_of(campaign(**LISTS))
    if wanted := [cell for cell in everything if left(cell)]:
        assert cells_of(campaign(**LISTS, **lines)) == wanted
    else:
        assert messages(**LISTS, **lines) == ["this campaign makes no images"]


@pytest.mark.parametrize(
    ("line", "instead", "left"),
    [
        ("products", "{candle: {name: {other: c}, prompts: [hero]}, soap: {name: {other: s}}}",
         lambda c: c.product != "candle" or c.prompt == "hero"),
        ("prompts", '{hero: {text: {other: "{product.name}"}, products: [soap], sizes: [wide]}, detail: {other: x}}',
         lambda c: c.prompt != "hero" or (c.product == "soap" and c.size == WIDE)),  # an axis before, and one after
        ("markets", "{us: {locale: en-US, presets: [painting]}, de: {locale: de-DE, products: [soap]}}",
         lambda c: (c.preset == "painting") if c.market == "us" else (c.product == "soap")),
        ("presets", "{painting: {styles: [painting], markets: [de]}, golden-hour: {}}",
         lambda c: c.preset != "painting" or c.market == "de"),
    ],
)  # fmt: skip
def test_entries_limit_themselves(line: str, instead: str, left: Callable[[Cell], bool], campaign: Load) -> None:
    everything = cells_of(campaign(**LISTS))
    assert cells_of(campaign(**{**LISTS, line: instead})) == [cell for cell in everything if left(cell)]


def test_seeds_are_narrowed_by_limits_and_exclude(campaign: Load) -> None:
    products = "{candle: {name: c, seeds: [2, 3]}, soap: s, tub: {name: t, seeds: 3..4}}"
    cells = Cells(campaign(products=products, seeds="1..4", exclude="[{seed: 3}, {product: soap, seed: [1, 4]}]"))
    assert [tuple(cells.seeds(number)) for number in cells.numbers()] == [(2,), (2,), (4,)]
    assert cells.count() == 3


def test_a_cell_without_a_seed_left_is_not_made(campaign: Load) -> None:
    products = "{candle: {name: c, seeds: [1]}, soap: s}"
    prompts = '{hero: {text: "{product.name}", seeds: [2]}, detail: "macro"}'
    cells = Cells(campaign(products=products, prompts=prompts, seeds="[1, 2]"))
    assert [(cells.cell(n).product, cells.cell(n).prompt) for n in cells.numbers()] == [
        ("candle", "detail"),  # candle and hero have no seed in common
        ("soap", "hero"),
        ("soap", "detail"),
    ]
    assert cells.count() == 1 + 1 + 2


def test_include_comes_last_and_is_bound_by_neither_limits_nor_exclude(campaign: Load) -> None:
    include = "[{product: soap, prompt: hero, size: square, text: on its own, seeds: [9]}, " \
              "{product: soap, prompt: hero, size: square}]"  # fmt: skip
    loaded = campaign(include=include, exclude="[{product: soap}]")
    cells = Cells(loaded)
    first, second, third = cells.numbers()
    assert cells.cell(second) == Cell("soap", "hero", "plain", None, SQUARE, include=0)
    assert [tuple(cells.seeds(n)) for n in (first, second, third)] == [(66080, 82683), (9,), (66080, 82683)]
    assert cells.count() == 5


def test_a_million_cells_are_counted_without_being_made(campaign: Load) -> None:
    cells = Cells(campaign(seeds="{count: 500000}"))
    assert cells.count() == 1_000_000
    assert cells.seeds(0) == range(1, 500_001)


@pytest.mark.parametrize("seeds", ["{count: 500001}", "{count: 2147483647}", "0..2147483647"])
def test_more_than_a_million_images_are_refused_by_the_lengths_of_the_lists(seeds: str, messages: Messages) -> None:
    (message,) = messages(seeds=seeds)
    assert message.startswith("the lists multiply to")


def test_distinct_cells_stand_for_all_cells(campaign: Load) -> None:
    loaded = campaign(**LISTS, exclude="[{product: soap, preset: painting, market: us}]")
    pairs = [(cell.prompt, cell.market) for cell in Cells(loaded).distinct({"prompt", "market"})]
    assert sorted(pairs) == sorted({(cell.prompt, cell.market) for cell in cells_of(loaded)})
