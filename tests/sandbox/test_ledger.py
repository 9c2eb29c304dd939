"""What was asked for and charged, so that an image bought twice is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Caller

GOLDEN: dict[str, Any] = {
    "prompt": "almond candle on an oak table, autumn leaves, soft morning light",
    "size": {"height": 2048, "width": 2048},
    "style": {"presets": ["painting"]},
}
GOLDEN_KEY = "bcb38449d48f6913f5da061a973bb7a2f50b480aaec633f8149a90ac81881640"
PNG = {"Content-Type": "image/png"}


async def test_the_golden_request_has_the_golden_key(caller: Caller) -> None:
    await caller.accepted("image4_standard", **GOLDEN, seeds=[66080])
    assert dict(caller.sandbox.ledger.charged) == {GOLDEN_KEY: 1}


@pytest.mark.parametrize(
    "same",
    [
        {"seeds": [66080], "numVariations": 1},
        {"seeds": [82683, 66080]},  # in another company
        {"size": {"width": 2048, "height": 2048}, "seeds": [66080]},  # fields in another order
    ],
)
async def test_the_same_image_asked_for_twice_is_charged_twice_and_shown(caller: Caller, same: dict[str, Any]) -> None:
    await caller.accepted(**GOLDEN, seeds=[66080])
    await caller.accepted(**GOLDEN | same)
    shown = (await caller.call("GET", "/sandbox/ledger", headers={})).json
    assert shown["charged_twice"] == {GOLDEN_KEY: 2}


@pytest.mark.parametrize(
    ("version", "headers", "body"),
    [
        ("image3", {}, {"seeds": [66080]}),  # another model
        ("image4_standard", {"x-accept-mimetype": "image/png"}, {"seeds": [66080]}),
        ("image4_standard", {}, {"seeds": [66080], "contentClass": "photo"}),
        ("image4_standard", {}, {"seeds": [66081]}),
    ],
)
async def test_any_difference_is_another_image(
    caller: Caller, version: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    await caller.accepted(**GOLDEN, seeds=[66080])
    await caller.accepted(version, headers, **GOLDEN, **body)
    assert sorted(caller.sandbox.ledger.charged.values()) == [1, 1]


async def test_the_order_of_styles_makes_no_other_image(caller: Caller) -> None:
    for presets in (["bw", "painting"], ["painting", "bw"]):
        await caller.accepted(style={"presets": presets}, seeds=[1])
    assert list(caller.sandbox.ledger.charged.values()) == [2]


async def test_a_reference_counts_by_its_content_not_by_its_upload(caller: Caller) -> None:
    for _ in range(2):
        upload = await caller.call("POST", "/v2/storage/image", data=b"\x89PNG\r\n\x1a\n", headers=caller.headers | PNG)
        source = {"uploadId": upload.json["images"][0]["id"]}
        await caller.accepted(style={"imageReference": {"source": source}}, seeds=[1])
    assert list(caller.sandbox.ledger.charged.values()) == [2]


async def test_every_request_for_generation_is_an_entry(caller: Caller) -> None:
    ticket = await caller.accepted(seeds=[1, 2])
    caller.clock.pass_(5)
    await caller.generate(seeds=[3, 3])
    accepted, refused = (await caller.call("GET", "/sandbox/ledger", headers={})).json["requests"]
    assert (accepted["at"], accepted["client_id"], accepted["seeds"]) == (1000.0, "acme", [1, 2])
    assert (accepted["outcome"], accepted["job_id"], accepted["version"]) == (
        "accepted", ticket["jobId"], "image4_standard",
    )  # fmt: skip
    assert (refused["at"], refused["outcome"], refused["why"]) == (1005.0, "refused", "422 validation_error")
    assert (refused["seeds"], refused["job_id"], refused["keys"]) == ([3, 3], "", [])


async def test_calls_are_counted_by_what_they_ask_for(caller: Caller) -> None:
    ticket = await caller.accepted()
    await caller.download((await caller.outputs(ticket))[0]["image"]["url"])
    shown = (await caller.call("GET", "/sandbox/ledger", headers={})).json
    assert shown["calls"] == {
        "token": 1, "models": 0, "upload": 0, "submit": 1, "poll": 1, "cancel": 0, "download": 1,
    }  # fmt: skip
    assert (shown["accepted"], shown["refused"], shown["accepted_at"]) == (1, 0, [1000.0])


async def test_no_secret_is_in_the_ledger(caller: Caller) -> None:
    await caller.accepted()
    shown = (await caller.call("GET", "/sandbox/ledger", headers={})).body.decode()
    assert "s3cret" not in shown and caller.headers["Authorization"].split()[1] not in shown
