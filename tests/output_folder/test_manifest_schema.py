"""What is written as manifest.json is what the schema says, to an independent validator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from campaign_runner.model import State
from campaign_runner.output_folder import manifest_schema
from campaign_runner.schemas import shipped

VALIDATOR = Draft202012Validator(json.loads(shipped("manifest")))
DIGEST = "3f9c2a1b" * 8


def image(**changes: Any) -> dict[str, Any]:
    """A stored image with `changes`."""
    return {
        "key": DIGEST,
        "recipe": DIGEST,
        "in_campaign": True,
        "also": [],
        "product": "candle",
        "prompt_id": "hero",
        "preset": "plain",
        "market": None,
        "size": {"width": 2048, "height": 2048},
        "seed": 66080,
        "version": "image4_standard",
        "accept": None,
        "request": {"prompt": "a candle", "size": {"width": 2048, "height": 2048}},
        "prompt": "a candle",
        "prompt_template": "a candle",
        "state": "stored",
        "reason": None,
        "file": "images/candle/hero.jpg",
        "sha256": DIGEST,
        "bytes": 4,
        "media_type": "image/jpeg",
        "job_id": "urn:ff:jobs:1",
        "job_seeds": [66080],
        "custom_model_version": None,
        "custom_model_etag": None,
        "submitted_at": "2026-09-01T22:00:00.000+00:00",
        "stored_at": "2026-09-01T22:00:09.000+00:00",
        "source": None,
        "warnings": [],
    } | changes


def complaints(*images: dict[str, Any], **changes: Any) -> list[str]:
    """The places of what the schema refuses in a manifest of `images` with `changes`."""
    written = {
        "manifest_version": 1,
        "campaign": "almond",
        "campaign_sha256": DIGEST,
        "generator": "campaign_runner 0.1.0",
        "backend": "sandbox",
        "model": {"version": "image4_standard"}
        | dict.fromkeys([f"custom_model_{word}" for word in ("id", "name", "version", "etag")]),
        "counts": {"planned": 1, "stored": 1, "accepted": 0, "in_doubt": 0, "failed": 0, "abandoned": 0, "pending": 0},
        "requests": {"submitted": 1, "accepted": 1},
        "created_at": "2026-09-01T22:00:00.000+00:00",
        "updated_at": "2026-09-01T22:00:09.000+00:00",
        "images": list(images),
    } | changes
    return [error.json_path for error in VALIDATOR.iter_errors(written)]


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(shipped("manifest")) == manifest_schema.schema()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(manifest_schema.schema())


def test_a_stored_image_passes() -> None:
    assert complaints(image()) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"state": "lost"}, "$.images[0].state"),  # no such state
        ({"reason": {"code": "late", "message": "too late"}}, "$.images[0].reason"),  # stored without doubt
        ({"file": None}, "$.images[0].file"),  # stored, but where?
        ({"state": "failed"}, "$.images[0].reason"),  # and why?
        ({"key": "3f9c2a1b"}, "$.images[0].key"),  # ids are never shortened in files
        ({"seed": -1}, "$.images[0].seed"),
        ({"signed_url": "https://…"}, "$.images[0]"),  # nothing else is ever in it
        ({"request": {"prompt": "a candle"}}, "$.images[0].request"),  # a request always says the size
    ],
)
def test_a_wrong_image_is_refused_where_it_is_wrong(changes: dict[str, Any], place: str) -> None:
    assert place in complaints(image(**changes))


@pytest.mark.parametrize("field", list(image()))
def test_every_field_is_always_there(field: str) -> None:
    entry = image()
    del entry[field]
    assert "$.images[0]" in complaints(entry)


@pytest.mark.parametrize("field", ["market", "accept", "custom_model_version", "custom_model_etag"])
def test_what_may_be_missing_from_a_stored_image_is_null(field: str) -> None:
    assert complaints(image(**{field: None})) == []


def test_the_states_are_those_of_the_journal() -> None:
    assert set(manifest_schema.schema()["$defs"]["Image"]["properties"]["state"]["enum"]) == set(State)


def test_every_field_is_described() -> None:
    parts = {"Manifest": manifest_schema.schema(), **manifest_schema.schema()["$defs"]}
    fields = [(part, name, field) for part in parts for name, field in parts[part]["properties"].items()]
    assert [(part, name) for part, name, field in fields if not field.get("description")] == []
