"""The JSON Schema of the campaign file, so that editors complete and check it while it is written.

Made from the models that read the file: their fields, limits and docstrings. How a person may
write a value follows from the function that reads it; the short forms (a bare text, a list of
names) are put back here, since the models know only what they stand for. What passes `check`
passes the schema; rules across fields are left to `check`.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from campaign_runner.campaign_file.field_docstrings import Documented
from campaign_runner.campaign_file.schema import review, values
from campaign_runner.campaign_file.schema.ids import LONGEST_CAMPAIGN, LONGEST_ID
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.shape import FIELDS_OF_PROMPTS, NO_PRODUCTS, RESERVED
from campaign_runner.families import FAMILIES, LARGEST_SEED

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:campaign-runner:schema:campaign"

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""A text takes the characters as written: `1984` and `no` are texts, too, though editors see something else."""
SEED = {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED}
NAMES = {"type": "array", "items": TEXT}
WORDINGS: Schema = {"type": "object", "minProperties": 1, "additionalProperties": TEXT}
TEXTS: Schema = {"anyOf": [TEXT, {**WORDINGS, "description": "By market or language; `other` for the rest."}]}
_SIZES = sorted({size for family in FAMILIES.values() for size in family.sizes}, reverse=True)
SIZE: Schema = {
    "anyOf": [
        {"enum": sorted({name for family in FAMILIES.values() for name in family.names})},
        {"enum": [str(size) for size in _SIZES]},
        {"type": "string", "pattern": "^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$", "description": "A ratio, in quotes."},
    ]
}
SEEDS: Schema = {
    "anyOf": [
        {"type": "array", "items": SEED, "minItems": 1, "uniqueItems": True},
        {"type": "string", "pattern": "^[0-9]{1,10}\\.\\.[0-9]{1,10}$", "description": "A range, from and to."},
        {
            "type": "object",
            "properties": {
                "base": {**SEED, "default": 1, "description": "The first seed."},
                "count": {"type": "integer", "minimum": 1, "description": "How many."},
            },
            "required": ["count"],
            "additionalProperties": False,
        },
    ]
}
_HEADING: Schema = {**TEXT, "description": "The heading of its column."}
_FILE: Schema = {
    "type": "string",
    "pattern": r"(?i)\.(csv|tsv|xlsx|xlsm)$",
    "description": "A sheet, relative to this file.",
}
SHEETS: list[Schema] = [
    _FILE,
    {
        "type": "object",
        "description": "Products from a sheet: a row each.",
        "properties": {
            "file": _FILE,
            "sheet": {**TEXT, "description": "Its name, if it is not the workbook's first."},
            "header": {"type": "integer", "minimum": 1, "description": "The row of the headings."},
            "id": _HEADING,
            "name": _HEADING,
            "columns": {
                "type": "object",
                "minProperties": 1,
                "description": "What is read, and the heading of its column; nothing else is.",
                "properties": {"markets": {"anyOf": [_HEADING, {"type": "object", "additionalProperties": _HEADING}]}},
                "additionalProperties": _HEADING,
            },
            "where": {
                "type": "object",
                "description": "The rows to take: a column, and the values it may have.",
                "additionalProperties": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
            },
        },
        "required": ["file"],
        "additionalProperties": False,
    },
]
_SHARED = {"Texts": TEXTS, "Size": SIZE, "Seeds": SEEDS, "Text": TEXT}
_WRITTEN: dict[object, Schema] = {
    values.as_text: TEXT,
    values.as_wording: TEXT,
    values.as_model: {"enum": list(FAMILIES)},
    values.as_locale: {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Z][a-z]{3})?-([A-Z]{2}|[0-9]{3})$"},
    values.as_size: SIZE,
    values.as_pixels: {"type": "string", "pattern": "^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$"},
    values.as_seeds: SEEDS,
    values.as_any_seeds: {"anyOf": [SEED, *SEEDS["anyOf"]]},
    review.as_reviewer: {"type": "string", "pattern": f"^{review.REVIEWER.pattern}$"},
    review.as_picks: {"anyOf": [{"const": "any"}, {"type": "integer", "minimum": 1}]},
    review.as_switch: {"type": "boolean"},
}
"""How a value may be written, by the function that reads it."""

_EXAMPLES: dict[str, list[object]] = {
    "campaign": ["almond-autumn"],
    "custom_model": ["Warm Custom Model"],
    "styles": [["painting", "golden_hour"]],
    "locale": ["en-US", "ja-JP"],
    "vars": [{"season": "autumn", "light": "soft morning light"}],
    "markets": [{"us": {"locale": "en-US"}, "de": {"locale": "de-DE"}}],
    "products": [{"candle": "almond candle", "soap": {"name": "almond soap", "material": "rough-cut soap"}}],
    "prompts": [{"hero": "{product.name} on an oak table, autumn leaves, soft morning light"}],
    "presets": [["painting", "golden_hour"], {"painted": {"styles": ["painting"], "strength": 50}, "plain": {}}],
    "sizes": [["square", "wide"], ["16:9"]],
    "seeds": [[66080, 82683], "1000..1007", {"base": 1000, "count": 8}, {"count": 4}],
    "exclude": [[{"preset": "painted", "size": "wide"}]],
    "budget": [200],
    "quota": [{"per_minute": 2}],
    "review": [{"need": 2, "final": "lead"}],
    "channels": [["instagram-story", "linkedin-ad", {"name": "web-billboard", "size": "970x250", "max_kb": 150}]],
    "deliver": [{"folders": ["market", "channel"], "alt": "{product.name} on an oak table"}],
}


class _AsWritten(Documented):
    """What pydantic knows of the models, said of the file as a person writes it."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        return dict(_WRITTEN[schema["function"]["function"]])

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        reader = schema["function"]["function"]
        inner = self.generate_inner(schema["schema"])
        if reader is values.unless_null:
            return {"anyOf": [inner, {"type": "null"}]}
        if reader is values.as_any_of:
            return {"anyOf": [inner["items"], inner]}
        return inner if "enum" in inner else dict(_WRITTEN.get(reader, inner))

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # absent; null is written only where `unless_null` reads it

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        return {**inner, "default": schema["default"]} if type(schema.get("default")) is int else inner

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        return dict(TEXTS) if found.get("additionalProperties") == TEXT else found


def schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a campaign file."""
    found = _with_limits(Campaign.model_json_schema(schema_generator=_AsWritten))
    parts = found["$defs"]
    for name in ("Market", "Product"):
        _open_for_words(parts[name])
    for name, part in {**parts, "Campaign": found}.items():
        for field, property in part["properties"].items():
            if field in _EXAMPLES and name in ("Campaign", "Look"):
                property["examples"] = _EXAMPLES[field]
    _shorten(found["properties"])
    found["required"].remove("presets")
    found["allOf"] = [_custom_model_where_it_belongs()]
    found = _with_references(found)
    found["$defs"] |= _SHARED
    about = {"title": "A campaign of campaign_runner", "description": "Which pictures to make: the lists multiply."}
    return {"$schema": DIALECT, "$id": ID, **found, **about}


def _with_references(node: Any) -> Any:
    """The shapes that recur, named once."""
    if isinstance(node, list):
        return [_with_references(each) for each in node]
    if not isinstance(node, dict):
        return node
    for name, shape in _SHARED.items():
        if all(node.get(key) == value for key, value in shape.items()):
            rest = {key: value for key, value in node.items() if key not in shape}
            return {"$ref": f"#/$defs/{name}", **rest}
    return {key: _with_references(value) for key, value in node.items()}


def _with_limits(node: Any) -> Any:
    """Pydantic leaves the limits of a number that a function reads under their Python names."""
    if isinstance(node, list):
        return [_with_limits(each) for each in node]
    if not isinstance(node, dict):
        return node
    names = {"ge": "minimum", "le": "maximum"} | ({"minLength": "minItems"} if node.get("type") == "array" else {})
    return {names.get(key, key): _with_limits(value) for key, value in node.items()}


def _open_for_words(part: Schema) -> None:
    """Any key that is not reserved is a word for prompts."""
    fields = part["properties"]
    del fields["words"]
    part["additionalProperties"] = TEXTS
    part["propertyNames"] = {"not": {"enum": sorted(RESERVED - fields.keys())}}


def _shorten(fields: Schema) -> None:
    """Put the short forms back: a bare text, a list of names, a prompt by language."""
    entries: Schema = {"minProperties": 1, "propertyNames": _id(LONGEST_ID)}
    fields["campaign"] |= _id(LONGEST_CAMPAIGN)
    fields["account"] |= {**_id(LONGEST_ID), "not": {"pattern": "^default$|-file$"}}
    by_language = {**WORDINGS, "propertyNames": {"not": {"enum": sorted(FIELDS_OF_PROMPTS)}}}
    short: dict[str, list[Schema]] = {"products": [TEXT], "prompts": [TEXT, by_language], "presets": [TEXT]}
    for name, forms in short.items():
        long = fields[name].pop("additionalProperties")
        fields[name].pop("type")
        listed = [] if name == "prompts" else [{**NAMES, "minItems": 1, "uniqueItems": True}]
        named = {"type": "object", **entries, "additionalProperties": {"anyOf": [*forms, long]}}
        if name == "products":
            named["propertyNames"] = {**_id(LONGEST_ID), "not": {"enum": list(NO_PRODUCTS)}}
            listed = [*listed, *SHEETS]
        fields[name]["anyOf"] = [*listed, named]
    fields["markets"] |= entries
    fields["vars"] |= {"minProperties": 1}
    fields["channels"]["items"] = {"anyOf": [{"type": "string"}, fields["channels"]["items"]]}


def _id(longest: int) -> Schema:
    return {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": longest}


def _custom_model_where_it_belongs() -> Schema:
    custom = [family.id for family in FAMILIES.values() if family.is_custom]
    return {
        "if": {"properties": {"model": {"enum": custom}}, "required": ["model"]},
        "then": {"required": ["custom_model"]},
        "else": {"properties": {"custom_model": False}},
    }
