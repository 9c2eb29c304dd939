"""The list of custom models: names, pages, order and filters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.sandbox.conftest import Caller, Open


async def listed(caller: Caller, **query: str) -> Any:
    return (await caller.call("GET", "/v3/custom-models", params=query)).json


async def test_the_74_published_models_take_two_pages(caller: Caller) -> None:
    first = await listed(caller)
    second = await listed(caller, start="50", limit="50")
    ids = [model["assetId"] for model in first["custom_models"] + second["custom_models"]]
    assert first["total_count"] == second["total_count"] == len(set(ids)) == 74
    assert "next" in first["_links"] and "next" not in second["_links"]


async def test_the_next_link_leads_to_the_rest(caller: Caller) -> None:
    first = await listed(caller, start="0", limit="40", sortBy="-assetName")
    rest = (await caller.call("GET", first["_links"]["next"]["href"])).json
    names = [model["assetName"] for model in first["custom_models"] + rest["custom_models"]]
    assert names == sorted(names, reverse=True)
    assert len(names) == 74


async def test_a_style_model_a_subject_model_and_a_name_that_occurs_twice_are_there(caller: Caller) -> None:
    models = (await listed(caller))["custom_models"] + (await listed(caller, start="50", limit="50"))["custom_models"]
    warm = next(model for model in models if model["displayName"] == "Warm Custom Model")
    assert (warm["trainingMode"], warm["conceptId"], warm["baseModel"]["name"]) == ("style", "", "clio_v2")
    assert [bool(model["conceptId"]) for model in models if model["trainingMode"] == "subject"] == [True]
    assert [name for name, times in Counter(model["displayName"] for model in models).items() if times > 1] == [
        "Holiday Lifestyle"
    ]


async def test_an_entry_has_the_fields_of_the_specification(caller: Caller) -> None:
    entry = (await listed(caller, start="0", limit="1"))["custom_models"][0]
    assert entry.keys() == {
        "version", "assetName", "size", "etag", "trainingMode", "assetId", "mediaType", "createdDate",
        "modifiedDate", "publishedState", "baseModel", "samplePrompt", "displayName", "conceptId",
    }  # fmt: skip
    assert entry["assetId"].startswith("urn:aaid:sc:VA6C2:")
    assert isinstance(entry["createdDate"], int) and entry["createdDate"] > 10**12


async def test_a_switch_spells_dates_as_strings(opened: Open) -> None:
    caller = await opened(dates="iso")
    entry = (await listed(caller, start="0", limit="1", sortBy="createdDate"))["custom_models"][0]
    assert entry["createdDate"] == "2024-12-11T14:44:48.871Z"


async def test_a_model_trained_anew_is_the_same_one_with_another_version_and_etag(caller: Caller, opened: Open) -> None:
    before = (await listed(caller, start="0", limit="1"))["custom_models"][0]
    after = (await listed(await opened(drift=True), start="0", limit="1"))["custom_models"][0]
    assert {name for name in before if before[name] != after[name]} == {"version", "etag"}


@pytest.mark.parametrize(
    ("state", "count"),
    [("published", 74), ("all", 78), ("unpublished", 1), ("ready", 1), ("training", 1), ("queued", 0), ("failed", 1)],
)
async def test_a_state_selects_its_models(caller: Caller, state: str, count: int) -> None:
    assert (await listed(caller, publishedState=state))["total_count"] == count


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "10"},  # start is required then
        {"start": "0", "limit": "0"},
        {"start": "0", "limit": "51"},
        {"start": "-1"},
        {"start": "１"},  # a digit, but not one of ASCII
        {"sortBy": "displayName"},
        {"sortBy": "--assetName"},
        {"publishedState": "never"},  # a state of entries, not of the filter
        {"page": "2"},
    ],
)
async def test_a_query_the_specification_does_not_permit_is_400(caller: Caller, query: dict[str, str]) -> None:
    answer = await caller.call("GET", "/v3/custom-models", params=query)
    assert (answer.status, answer.json["reason"]) == (400, "Bad Request")


async def test_who_does_not_take_json_gets_406(caller: Caller) -> None:
    answer = await caller.call("GET", "/v3/custom-models", headers=caller.headers | {"Accept": "text/html"})
    assert (answer.status, answer.json["reason"]) == (406, "Not Acceptable")
