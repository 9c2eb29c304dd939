"""The whole way of one request, from token to picture."""

from __future__ import annotations

import io

from PIL import Image

from tests.sandbox.conftest import Caller


async def test_a_request_becomes_pictures_of_the_asked_size_and_is_charged_once(caller: Caller) -> None:
    ticket = await caller.accepted(seeds=[66080, 82683], numVariations=2, size={"width": 1792, "height": 2304})
    outputs = await caller.outputs(ticket)
    assert [output["seed"] for output in outputs] == [66080, 82683]
    picture = await caller.download(outputs[0]["image"]["url"])
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.body)).size == (1792, 2304)
    ledger = (await caller.call("GET", "/sandbox/ledger", headers={})).json
    assert ledger["images_charged"] == 2
    assert list(ledger["charged"].values()) == [1, 1]


async def test_a_job_is_pending_then_runs_then_succeeds(caller: Caller) -> None:
    ticket = await caller.accepted()
    words = []
    for _ in range(3):
        words.append((await caller.call("GET", ticket["statusUrl"])).json["status"])
        caller.clock.pass_(1)
    assert words == ["pending", "running", "succeeded"]
