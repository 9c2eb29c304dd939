"""What a channel shows of a picture: as much as its ratio allows, with the focus where the platform leaves it free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from campaign_runner.channels.channel import Channel
from campaign_runner.channels.crops import MIDDLE, best_size, crop_at, fewest_sizes, share
from campaign_runner.channels.table import known_channels
from campaign_runner.families import FAMILIES
from campaign_runner.model import Size
from tests.channels.crop_cases import CropCase, crop_cases

CASES = list(crop_cases())
TALL = Channel("tall", Size(100, 200))
sizes = st.builds(Size, st.integers(16, 4000), st.integers(16, 4000))
fractions = st.floats(0, 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_channel_shows_this_of_a_picture(case: CropCase) -> None:
    crop = crop_at(case.picture, case.channel, case.focus or MIDDLE)
    assert (crop.left, crop.top, crop.width, crop.height) == case.crop
    assert crop.enlarges(case.channel) == case.enlarges


@given(sizes, sizes, fractions, fractions)
def test_a_cut_is_inside_the_picture_and_has_the_ratio_of_the_channel(
    picture: Size, of: Size, across: float, down: float
) -> None:
    crop = crop_at(picture, Channel("any", of), (across, down))
    left, top, right, bottom = crop.box(picture)
    assert 0 <= left <= right <= picture.width and 0 <= top <= bottom <= picture.height
    assert crop.width * of.height == pytest.approx(crop.height * of.width, rel=0.01, abs=0.01 * of.width)
    assert abs(crop.width - picture.width) < 0.01 or abs(crop.height - picture.height) < 0.01


@given(sizes, sizes, fractions, fractions, fractions, fractions)
def test_a_part_that_reaches_beyond_the_picture_ends_with_it(
    picture: Size, of: Size, left: float, top: float, width: float, height: float
) -> None:
    crop = crop_at(picture, Channel("any", of), (left, top, width, height))
    assert crop.left + crop.width <= picture.width + 0.01 and crop.top + crop.height <= picture.height + 0.01


@given(st.builds(Size, st.integers(8, 64), st.integers(8, 64)), sizes, fractions, fractions)
def test_every_cut_is_one_that_can_be_made(picture: Size, of: Size, across: float, down: float) -> None:
    box = crop_at(picture, Channel("any", of), (across, down)).box(picture)
    small = Image.new("RGB", (picture.width, picture.height)).resize((4, 4), Image.Resampling.LANCZOS, box=box)
    assert small.size == (4, 4)


def test_the_shares_are_those_of_the_contract() -> None:
    known, made = known_channels(), FAMILIES["image4_standard"].sizes
    kept = {id: round(100 * share(size, known[id])) for id in known if (size := best_size(known[id], made))}
    assert (kept["instagram-story"], kept["linkedin-ad"], kept["pinterest-pin"]) == (100, 92, 86)
    assert (kept["display-billboard"], kept["display-leaderboard"], kept["web-hero"]) == (45, 22, 58)


def test_no_size_is_chosen_that_would_be_enlarged() -> None:
    assert best_size(known_channels()["instagram-story-hd"], FAMILIES["image3"].sizes) is None
    assert best_size(TALL, [Size(90, 180), Size(400, 400)]) == Size(400, 400)


def test_the_fewest_sizes_cover_every_channel() -> None:
    known, made = known_channels(), FAMILIES["image4_standard"].sizes
    some = [known[id] for id in ("instagram-story", "linkedin-ad", "instagram-square")]
    found = fewest_sizes(some, made)
    assert len(found) == 2
    assert all((size := best_size(channel, found)) and share(size, channel) >= 0.6 for channel in some)
