"""The list of custom models: names, pages, order and filters."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.sandbox.catalog import CATALOG
from campaign_runner.sandbox.own_models import ModelsError, named, read_models
from tests.sandbox.conftest import Caller, Open

ID = "urn:aaid:sc:VA6C2:bc1f46cd-be98-4a7b-9ffe-1111111111"
PRINTED = {
    # facts of Adobe's tutorial "Custom Models Generate Image API"
    "version": "1",
    "assetName": "Warm Custom Model.ffcustommodel",
    "size": 16513991265,
    "etag": '"e7ee78220f4d46ceb766758e0e300a51"',
    "trainingMode": "style",
    "assetId": ID,
    "mediaType": "application/vnd.adobe.ffmodel+dcx",
    "createdDate": 1733928288871,
    "modifiedDate": 1733928294741,
    "publishedState": "published",
    "baseModel": {"name": "clio_v2", "version": "2.0.0"},
    "samplePrompt": "A bean generated in a warm setting with brown colours",
    "displayName": "Warm Custom Model",
    "conceptId": "",
}


async def listed(caller: Caller, **query: str) -> Any:
    return (await caller.call("GET", "/v3/custom-models", params=query)).json


async def test_the_74_published_models_take_two_pages(caller: Caller) -> None:
    first = await listed(caller)
    second = await listed(caller, start="50", limit="50")
    ids = [model["assetId"] for model in first["custom_models"] + second["custom_models"]]
    assert first["total_count"] == second["total_count"] == len(set(ids)) == 74
    assert "next" in first["_links"] and "next" not in second["_links"]


async def test_the_first_is_the_tutorials_as_it_is_printed_there(opened: Open) -> None:
    for strict in (False, True):
        answer = await listed(await opened(strict=strict))
        entry, link = answer["custom_models"][0], answer["_links"]["page"]
        assert link == {"href": "/v3/custom-models?start={start}&limit={limit}", "rel": "page", "templated": True}
        assert ("repo:assetId" in entry) != strict
        assert entry.pop("repo:assetId", ID) == ID
        assert entry == PRINTED


async def test_a_persons_models_stand_beside_the_others_and_in_the_place_of_their_names(opened: Open) -> None:
    own = named(["Brand X", "urn:aaid:sc:EU:mine", "Warm Custom Model"], "brnd")
    caller = await opened(catalog=CATALOG.plus(own))
    models = (await listed(caller))["custom_models"] + (await listed(caller, start="50", limit="50"))["custom_models"]
    ids = {model["displayName"]: model["assetId"] for model in models if model["conceptId"] == "brnd"}
    assert len(models) == 76 and [*ids] == ["Brand X", "urn:aaid:sc:EU:mine", "Warm Custom Model"]
    assert ids["urn:aaid:sc:EU:mine"] == "urn:aaid:sc:EU:mine" and ID not in {model["assetId"] for model in models}
    for version in ("image3_custom", "image4_custom"):
        await caller.accepted(version, prompt="a brnd", customModelId=ids["Brand X"])


@pytest.mark.parametrize("strict", [False, True])
async def test_any_id_will_do_where_that_is_said(opened: Open, strict: bool) -> None:
    caller = await opened(catalog=CATALOG.plus((), takes_any=True, concept="brnd"), strict=strict)
    assert (await caller.generate("image4_custom", customModelId="Mine", prompt="a table")).status == 422
    await caller.accepted("image4_custom", customModelId="Mine", prompt="a brnd on a table")
    assert caller.said == ["plays a custom model that is not on its list: Mine"]


async def test_what_adobe_listed_can_be_played(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    entry = PRINTED | {"assetId": "urn:aaid:sc:EU:1", "displayName": "Almond Mug", "conceptId": "mgg", "version": "7"}
    file.write_text(json.dumps({"custom_models": [entry], "total_count": 1}), encoding="utf-8")
    caller = await opened(catalog=CATALOG.plus(read_models(file)))
    models = (await listed(caller))["custom_models"]
    found = next(model for model in models if model["displayName"] == "Almond Mug")
    assert found == entry | {"size": found["size"], "trainingMode": "subject"}


@pytest.mark.parametrize(
    ("text", "models"),
    [
        (
            "[Brand X, {displayName: Mug, publishedState: unpublished}]",
            [("Brand X", "published"), ("Mug", "unpublished")],
        ),
        ("- {repo:assetId: 'urn:aaid:sc:EU:1', createdDate: 2026-01-02}", [("urn:aaid:sc:EU:1", "published")]),
    ],
)
def test_a_file_of_names_or_entries_is_read(tmp_path: Path, text: str, models: list[tuple[str, str]]) -> None:
    (tmp_path / "models.yaml").write_text(text, encoding="utf-8")
    assert [(model.display, model.state) for model in read_models(tmp_path / "models.yaml")] == models


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "7", "[7]", "[{}]", "[{assetId: ''}]", "[", "[{displayName: a, createdDate: soon}]",
             "{custom_models: 7}", "[{displayName: a, modifiedDate: 99999999999999999999}]"],
)  # fmt: skip
def test_a_file_that_is_no_list_of_models_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelsError, match=r"expected|missing|readable"):
        read_models(tmp_path / "models.yaml")


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
