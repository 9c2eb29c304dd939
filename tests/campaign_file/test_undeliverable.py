"""What is wrong with channels and names stops a delivery and never a run: `check` warns of it, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.plan.plan import Plan

CAMPAIGN = """\
campaign: autumn
model: image4_standard
markets: {{us: {{locale: en-US}}, de: {{locale: de-DE}}}}
products:
  candle: {{name: {{other: almond candle}}}}
  soap: {{name: {{other: almond soap}}}}
prompts:
  hero: {{text: {{other: "{{product.name}} on an oak table"}}{prompt}}}
sizes: [tall, wide]
seeds: [66080]
{rest}
"""
CASES = [
    # what is written, the place and the first words of what is said
    ("channels: [instagram-stori]", "11:12", "there is no channel 'instagram-stori'; did you mean 'instagram-story'?"),
    ("channels: [linkedin-ad, linkedin-ad]", "11:25", "linkedin-ad appears twice"),
    ("channels: [{name: shop, size: wide}]", "11:31", "'wide' is not a size in pixels"),
    ("channels: [{name: shop, size: 20000x10}]", "11:31", "20000x10 is larger than any channel"),
    ("channels: [{name: Shop Banner, size: 970x250}]", "11:19", "'Shop Banner' cannot be an id"),
    ("channels: [{size: 970x250}]", "11:12", "a channel needs a name"),
    ("channels: [{name: shop, size: 970x250, formats: [gif]}]", "11:50", "'gif' is not a format of delivered files"),
    ("channels: [{name: shop, size: 970x250, max_kb: 0}]", "11:48", "max_kb is at least 1, not 0"),
    ("channels: [{name: shop, size: 9x9, safe: {top: 9}}]", "11:42", "these edges leave nothing of 9x9"),
    ("channels: instagram-story", "11:11", "expected a list"),
    ('deliver: {name: "{product.sku}/{channel}"}', "11:17", "a file name cannot have '/'"),
    ('deliver: {name: "..{product.sku}_{market}"}', "11:17", "a file name cannot begin with '.'"),
    ('deliver: {name: "{product.sku}_{market}_{chanel}"}', "11:42", "unknown placeholder {chanel} in a file name; did"),
    ('deliver: {name: "{product.sku}_{market!r}"}', "11:33", "unknown placeholder {market!r} in a file name"),
    ('deliver: {name: "all_{market}"}', "11:17", "files of different products would have the same name"),
    ('deliver: {name: "{product}_x"}', "11:17", "files of different markets would have the same name"),
    ("deliver: {folders: [market, region]}", "11:29", "'region' cannot be one of folders"),
    ("deliver: {columns: [file, price]}", "11:27", "'price' cannot be one of columns"),
    ("deliver: {csv_separator: x}", "11:26", "'x' is not a value of csv_separator"),
    ("deliver: {min_quality: 93}", "11:24", "min_quality is at most 92, not 93"),
    ("deliver: {alt: {us: candle}}", "11:16", "this alt has no text for market de"),
    ('deliver: {alt: "{product.scent}"}', "11:26", "{product.scent} is missing for 2 of 2 products"),
    ('deliver: {alt: "{season} leaves"}', "11:18", "unknown placeholder {season}"),
    ("deliver: {names: x}", "11:11", "unknown key 'names'; did you mean 'name'?"),
]


def written(rest: str, prompt: str = "") -> str:
    return CAMPAIGN.format(rest=rest, prompt=prompt)


@pytest.mark.parametrize(("rest", "place", "message"), CASES, ids=[case[0] for case in CASES])
def test_it_is_said_at_its_place_and_the_campaign_loads_and_is_planned_all_the_same(
    rest: str, place: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "autumn.yaml"
    path.write_text(written(rest), encoding="utf-8")
    campaign = load(path)
    (problem,) = [each for each in campaign.undeliverable if each.message.startswith(message)]
    assert f"{problem.line}:{problem.column}" == place
    assert problem in campaign.warnings
    assert len(Plan(campaign)) == 8


def test_the_alt_of_a_prompt_is_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "autumn.yaml"
    path.write_text(written("", prompt=', alt: "{nothing}"'), encoding="utf-8")
    (problem,) = load(path).undeliverable
    assert problem.message.startswith("unknown placeholder {nothing}")


def test_nothing_of_it_is_ever_part_of_what_is_bought(tmp_path: Path) -> None:
    path = tmp_path / "autumn.yaml"
    keys = []
    for rest in ("", "channels: [linkedin-ad]\ndeliver: {name: '{product}_{market}', credit: us}", "channels: [what]"):
        path.write_text(written(rest, prompt=", alt: {other: a candle}" if rest else ""), encoding="utf-8")
        keys.append(list(Plan(load(path)).keys()))
    assert keys[0] == keys[1] == keys[2]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("channels: [x-post]", "the figures of x-post are not certain: check them before booking"),
        ("channels: [web-hero]", "web-hero shows only 58% of 2688x1536, the best size for it here"),
        ("channels: [{name: wall, size: 5000x5000}]", "wall (5000x5000) is larger than every size here"),
        ("channels: [linkedin-ad]", "delivered files have no text for people who cannot see them"),
    ],
)
def test_what_deserves_a_look_is_a_warning_and_stops_nothing(rest: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "autumn.yaml"
    path.write_text(written(rest), encoding="utf-8")
    campaign = load(path)
    assert campaign.undeliverable == ()
    assert any(warning.message.startswith(message) for warning in campaign.warnings)


def test_words_that_only_delivered_files_use_are_used(tmp_path: Path) -> None:
    path = tmp_path / "autumn.yaml"
    text = written('deliver: {name: "{product.art}_{market}_{channel}"}').replace(
        "almond candle}}", "almond candle}, art: {other: HC-1}}"
    )
    path.write_text(text.replace("almond soap}}", "almond soap}, art: {other: HS-1}}"), encoding="utf-8")
    assert load(path).undeliverable == ()
