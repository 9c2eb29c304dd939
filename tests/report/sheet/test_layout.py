"""Everything on the sheet has room of its own, whatever the campaign."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_runner.model import Size
from campaign_runner.report.sheet.contents import Contents, Picture, Row
from campaign_runner.report.sheet.layout import MARGIN, Page, Place, fitted, page

SQUARE, WIDE, TALL = Size(2048, 2048), Size(2688, 1536), Size(1440, 2560)
A_JPEG_HAS_AT_MOST = 65_500  # pixels a side


def row(size: Size = SQUARE, seeds: int = 2, product: str = "candle") -> Row:
    pictures = tuple(Picture(seed, None, None, "failed") for seed in range(seeds))
    return Row(product, ("hero", "painted"), size, pictures)


def set_page(*rows: Row) -> Page:
    return page(Contents("almond", "2 images", rows))


def places(page: Page) -> list[Place]:
    return [place for placed in page.rows for place in (placed.label, *placed.pictures)]


def overlap(one: Place, other: Place) -> bool:
    apart = one.left + one.width <= other.left or other.left + other.width <= one.left
    return not (apart or one.top + one.height <= other.top or other.top + other.height <= one.top)


ROWS = st.lists(st.builds(row, st.sampled_from([SQUARE, WIDE, TALL]), st.integers(1, 20)), min_size=1, max_size=12)


@given(ROWS)
def test_nothing_covers_anything_else(rows: list[Row]) -> None:
    assert [pair for pair in combinations(places(set_page(*rows)), 2) if overlap(*pair)] == []


@given(ROWS)
def test_everything_lies_within_the_margins(rows: list[Row]) -> None:
    laid_out = set_page(*rows)
    for place in places(laid_out):
        assert min(place.left, place.top) >= MARGIN
        assert place.left + place.width <= laid_out.width - MARGIN
        assert place.top + place.height <= laid_out.height - MARGIN


@given(ROWS)
def test_every_picture_is_there_in_order(rows: list[Row]) -> None:
    laid_out = set_page(*rows)
    assert [placed.row for placed in laid_out.rows] == rows
    assert [len(placed.pictures) for placed in laid_out.rows] == [len(each.pictures) for each in rows]


def test_the_seeds_of_a_cell_stand_in_columns() -> None:
    first, second = (placed.pictures for placed in set_page(row(WIDE), row(SQUARE)).rows)
    assert [place.left for place in first] == [place.left for place in second]


def test_more_than_eight_seeds_go_on_below() -> None:
    (placed,) = set_page(row(seeds=10)).rows
    assert placed.pictures[8].left == placed.pictures[0].left
    assert placed.pictures[8].top > placed.pictures[7].top


@pytest.mark.parametrize(
    ("cells", "seeds"),
    [
        (200, 1),  # a strip of cells
        (1, 200),  # one cell with many seeds
        (50, 4),
        (25, 8),
    ],
)
def test_two_hundred_pictures_make_a_page_for_a_screen(cells: int, seeds: int) -> None:
    laid_out = set_page(*[row(seeds=seeds)] * cells)
    assert 0.4 < laid_out.width / laid_out.height < 2.2
    assert max(laid_out.width, laid_out.height) < A_JPEG_HAS_AT_MOST


@pytest.mark.parametrize("size", [SQUARE, WIDE, TALL])
def test_pictures_of_all_sizes_cover_as_much_paper(size: Size) -> None:
    small = fitted(size, 240)
    assert small.width * small.height == pytest.approx(240 * 240, rel=0.01)
    assert small.width / small.height == pytest.approx(size.width / size.height, rel=0.01)
