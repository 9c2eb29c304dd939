"""What is asked for a cell: the prompt as sent, and the look that is set."""

from pathlib import Path

import pytest

from campaign_runner.campaign_file.schema.cells import Cells
from campaign_runner.campaign_file.schema.compose import Composed, Composer
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.model import Cell
from tests.campaign_file.conftest import Load

JPEG = b"\xff\xd8\xff\xe0" + bytes(20)


def composed(campaign: Campaign, concept: str | None = None) -> list[Composed]:
    cells, composer = Cells(campaign), Composer(campaign, concept)
    return [composer.compose(cells.cell(number)) for number in cells.numbers()]


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{product.name}", "almond candle"),
        ("{product.id} {product.material}", "candle wax"),
        ("{preset} {size} {campaign}", "painting 2048x2048 autumn"),
        ("{light}", "soft autumn light"),  # vars use vars
        ("{light} {light}", "soft autumn light soft autumn light"),
        ("{{braces}} {{product.name}}", "{braces} {product.name}"),  # sent as they stand
        ("100 % {product.name} %s %(x)s", "100 % almond candle %s %(x)s"),
        ("  many   spaces\\n and\\t tabs ", "many spaces and tabs"),
        ("cafe\\u0301", "café"),  # composed characters
    ],
)
def test_placeholders_are_filled_and_the_text_is_cleaned(template: str, prompt: str, campaign: Load) -> None:
    products = "{candle: {name: almond candle, material: wax}}"
    prompts = f'{{hero: "{template}", all: "{{product.name}} {{product.material}} {{light}}"}}'
    variables = '{season: autumn, light: "soft {season} light"}'
    assert (
        composed(campaign(products=products, prompts=prompts, vars=variables, presets="[painting]"))[0].prompt == prompt
    )


def test_the_template_is_the_text_as_written(campaign: Load) -> None:
    assert composed(campaign())[0].prompt_template == "{product.name} on an oak table"


def test_concept_is_left_in_place_until_it_is_known(campaign: Load) -> None:
    loaded = campaign(model="image3_custom", custom_model="Mug", prompts='{hero: "{concept} by {product.name}"}')
    assert composed(loaded)[0].prompt == "{concept} by almond candle"
    assert composed(loaded, "mug")[0].prompt == "mug by almond candle"


MARKETS = "{us: {locale: en-US}, uk: {locale: en-GB}, de: {locale: de-DE, season: Herbst}, fr: {locale: fr-FR}}"


def test_texts_are_found_by_market_then_language_then_other(campaign: Load) -> None:
    name = "{uk: tin, en: candle, de: Kerze, other: bougie}"
    lines = {"products": f"{{candle: {{name: {name}}}}}", "prompts": '{hero: {other: "{product.name}"}}'}
    loaded = campaign(markets=MARKETS, **lines, vars="{season: x}", defaults='{negative_prompt: "{season}"}')
    assert [found.prompt for found in composed(loaded)] == ["candle", "tin", "Kerze", "bougie"]


def test_a_word_of_the_market_comes_before_one_of_vars(campaign: Load) -> None:
    loaded = campaign(markets=MARKETS, prompts='{hero: {other: "{season} {market}"}}', vars="{season: {other: autumn}}",
                      products="{candle: {name: {other: c}}}")  # fmt: skip
    assert [found.prompt for found in composed(loaded)] == ["autumn us", "autumn uk", "Herbst de", "autumn fr"]


def test_the_locale_is_the_markets_own_else_that_of_the_look(campaign: Load) -> None:
    loaded = campaign(
        markets="{us: {locale: en-US}, any: {}}",
        defaults="{locale: fr-FR}",
        products="{candle: {name: {other: candle}, locale: it-IT}, soap: {name: {other: soap}}}",
        prompts='{hero: {other: "{product.name}"}}',
    )
    assert [found.look["locale"] for found in composed(loaded)] == ["en-US", "it-IT", "en-US", "fr-FR"]


LOOKS = {
    "defaults": "{styles: [bw], strength: 10, visual_intensity: 2, content_class: photo}",
    "presets": "{p: {styles: [painting, ink], visual_intensity: 3}}",
    "prompts": "{hero: {text: x, visual_intensity: 4, strength: 40}}",
    "products": "{candle: {name: c, visual_intensity: 5, content_class: null}, soap: {name: s, styles: []}}",
}


def test_the_later_giver_wins_null_unsets_and_lists_replace(campaign: Load) -> None:
    candle, soap = composed(campaign(**LOOKS))
    assert candle.look == {"styles": ("ink", "painting"), "strength": 40, "visual_intensity": 5}
    assert soap.look == {"visual_intensity": 4, "content_class": "photo"}  # no styles, so no strength


def test_include_gives_last_and_has_its_own_text(campaign: Load) -> None:
    include = "[{product: candle, prompt: hero, preset: p, size: square, text: alone, visual_intensity: null}]"
    last = composed(campaign(**LOOKS, include=include))[-1]
    assert last == Composed("alone", "alone", {"styles": ("ink", "painting"), "strength": 40})


def test_negative_prompts_are_filled_and_cleaned(campaign: Load) -> None:
    loaded = campaign(
        defaults='{negative_prompt: "no  {product.name}"}', presets="{a: {negative_prompt: hands}, b: {}}"
    )
    assert [found.look["negative_prompt"] for found in composed(loaded)] == [
        "hands",
        "no almond candle",
        "hands",
        "no almond soap",
    ]


def test_a_reference_is_an_absolute_path_or_the_text_of_a_link(campaign: Load, tmp_path: Path) -> None:
    for name in ("candle", "soap"):
        (tmp_path / f"{name}.jpg").write_bytes(JPEG)
    link = "https://b.s3.amazonaws.com/a.jpg"
    looks = f'{{style_reference: "{{product.id}}.jpg", structure_reference: "{link}", strength: 9}}'
    first, second = composed(campaign(defaults=looks))
    assert first.look == {"style_reference": tmp_path / "candle.jpg", "structure_reference": link, "strength": 9}
    assert second.look["style_reference"] == tmp_path / "soap.jpg"


def test_a_cell_is_composed_alike_however_often_and_in_whatever_order(campaign: Load) -> None:
    loaded = campaign(**LOOKS)
    cells, composer = Cells(loaded), Composer(loaded)
    numbers = list(cells.numbers())
    forth = {number: composer.compose(cells.cell(number)) for number in numbers}
    back = {number: composer.compose(cells.cell(number)) for number in reversed(numbers)}
    assert forth == back
    assert isinstance(cells.cell(0), Cell)
