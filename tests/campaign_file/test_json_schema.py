"""The schema of the campaign file says what `check` says, as far as a schema can, to an independent validator."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from campaign_runner.campaign_file import json_schema
from campaign_runner.schemas import shipped
from tests.campaign_file.core_yaml import CoreLoader, read

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "campaign_file" / "problems"
GOOD = [*sorted((ROOT / "campaigns").glob("*.yaml")), *sorted((BAD / "good").glob("*.yaml"))]
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "campaigns" / "README.md").read_text("utf-8"), re.S | re.M)
VALIDATOR = Draft202012Validator(json.loads(shipped("campaign")))


def complaints(campaign: Any) -> list[str]:
    """The places, as `$.seeds`, of what the shipped schema refuses."""
    return [error.json_path for error in VALIDATOR.iter_errors(campaign)]


def small(**changes: Any) -> dict[str, Any]:
    """A good campaign with `changes`."""
    return {
        "campaign": "autumn",
        "model": "image4_standard",
        "products": ["almond candle"],
        "prompts": {"hero": "{product.name} on an oak table"},
        "sizes": ["square"],
        "seeds": [66080],
    } | changes


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(shipped("campaign")) == json_schema.schema()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema.schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_campaign_passes(path: Path) -> None:
    assert complaints(read(path)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n")[0])
def test_every_example_of_the_reference_passes(example: str) -> None:
    assert complaints(yaml.load(example, CoreLoader)) == []


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a_list_of_campaigns", "$"),
        ("bad_locale", "$.markets.de.locale"),
        ("comma_in_braces", "$.vars.golden"),  # the comma ended a value, the next word has none
        ("custom_model_missing", "$"),
        ("custom_model_superfluous", "$"),
        ("empty_values", "$.budget"),
        ("ids_that_cannot_be", "$.products"),
        ("include_entries", "$.include[0]"),
        ("missing_required_key", "$"),
        ("misspelt_key", "$"),
        ("misspelt_key_in_an_entry", "$.presets"),
        ("no_such_axis", "$.exclude[1]"),
        ("number_fields", "$.defaults.strength"),  # 150 of 100
        ("products_not_a_list", "$.products"),
        ("prompts_as_a_list", "$.prompts"),
        ("reserved_words", "$.products"),
        ("seed_not_a_number", "$.seeds"),
        ("seed_out_of_range", "$.seeds"),
        ("seed_twice", "$.seeds"),
        ("seeds_one_number", "$.seeds"),
        ("seeds_without_comma", "$.seeds"),
        ("size_of_another_family", "$.sizes[0]"),  # no family makes it
        ("sizes_that_are_none", "$.sizes[0]"),
        ("space_after_colon_missing", "$.prompts"),
        ("unknown_model", "$.model"),
        ("unquoted_brace_alone", "$.prompts"),
    ],
)
def test_a_mistake_that_a_schema_can_see_is_refused_where_it_stands(name: str, place: str) -> None:
    assert place in complaints(read(BAD / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("products", {"candle": 1984}),  # a text, whatever editors make of it
        ("products", {"candle": {"name": {"us": "candle", "other": "Kerze"}, "material": True}}),  # a word of its own
        ("products", {"candle": {"name": "candle", "negative_prompt": None}}),  # null takes away
        ("prompts", {"hero": {"en": "a candle", "de": "eine Kerze"}}),
        ("prompts", {"hero": {"text": {"en": "a candle", "other": "eine Kerze"}, "strength": 30}}),
        ("presets", ["painting"]),
        ("presets", {"painted": "painting", "plain": {}}),
        ("sizes", ["16:9", "2048x2048", "tall"]),
        ("seeds", "1000..1007"),
        ("seeds", {"count": 4}),
        ("seeds", {"base": 0, "count": 4}),
        ("exclude", [{"product": "candle", "seed": 66080}, {"size": ["wide", "square"], "seed": [1, 2]}]),
    ],
)
def test_every_short_form_passes(field: str, value: object) -> None:
    assert complaints(small(**{field: value})) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budget", None),  # null is no number
        ("budget", "200"),  # a number must not be in quotes
        ("defaults", {"strength": 0}),
        ("defaults", {"styles": "painting"}),  # one style is a list of one
        ("products", {}),
        ("products", {"candle": {"material": "wax"}}),  # no name
        ("prompts", {"hero": {"text": "a candle", "strenght": 30}}),
        ("prompts", {"hero": {"strength": 30}}),  # no text
        ("sizes", []),
        ("seeds", []),
        ("seeds", {"base": 4}),
        ("quota", {"per_hour": 4}),
        ("channels", {}),  # reserved
    ],
)
def test_what_check_refuses_by_its_shape_fails(field: str, value: object) -> None:
    assert complaints(small(**{field: value})) != []


def test_every_field_is_described() -> None:
    parts = {"Campaign": json_schema.schema(), **json_schema.schema()["$defs"]}
    fields = [(part, name, field) for part in parts for name, field in parts[part].get("properties", {}).items()]
    assert [(part, name) for part, name, field in fields if not field.get("description")] == []
    assert len(fields) > 80


def test_every_example_in_it_passes() -> None:
    fields = json_schema.schema()["properties"]
    examples = [(name, example) for name in fields for example in fields[name].get("examples", ())]
    custom = {"custom_model": {"model": "image3_custom"}}
    assert [pair for pair in examples if complaints(small(**custom.get(pair[0], {}), **{pair[0]: pair[1]}))] == []
    assert len(examples) > 12
