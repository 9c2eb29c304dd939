"""Reference images: handed over once a content, remembered, handed over anew when forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
from typing import Any

import pytest
from PIL import Image

from campaign_runner.events import Submitting
from campaign_runner.plan.cost import RateLimit
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import Night

DAY = 86400


def picture(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(content, "PNG")
    return content.getvalue()


LOOK = "defaults: {style_reference: 'packshots/{product.id}.png', structure_reference: packshots/shape.png}\n"


def referring(night: Night, seeds: int = 2) -> Any:
    """A campaign of two products, each with a style reference of its own, that share a structure reference."""
    folder = night.home / "campaigns" / "packshots"
    if not folder.exists():
        folder.mkdir(parents=True)
        for name, colour in {"p00": "red", "p01": "blue", "shape": "white"}.items():
            (folder / f"{name}.png").write_bytes(picture(colour))
    return night.campaign(requests=2, seeds=seeds, more=LOOK)


def sharing(night: Night, requests: int, seeds: int) -> Any:
    """A campaign whose requests all have the same structure reference."""
    referring(night)
    return night.campaign(requests, seeds, more="defaults: {structure_reference: packshots/shape.png}\n")


def lose_uploads(night: Night) -> None:
    """The service no longer knows what was uploaded before."""
    kept = night.sandbox._uploads._kept
    kept.update(dict.fromkeys(kept, ("", -math.inf)))


async def test_each_content_is_uploaded_once_and_sent_under_its_id(begin: Begin) -> None:
    night = await begin()
    ended = await night.run(referring(night))
    assert ended.code == 0
    assert night.ledger.calls["upload"] == 3
    sources = [(entry.body or {})["style"]["imageReference"]["source"] for entry in night.ledger.accepted]
    assert all(set(source) == {"uploadId"} for source in sources)
    digest = hashlib.sha256(picture("red")).hexdigest()
    recorded = [image["request"]["style"]["imageReference"]["source"] for image in ended.manifest["images"]]
    assert {"sha256": digest} in recorded


@pytest.mark.parametrize(("days", "uploads"), [(6, 3), (6.6, 6)])
async def test_an_upload_is_remembered_for_six_days_and_a_half(begin: Begin, days: float, uploads: int) -> None:
    night = await begin()
    await night.run(referring(night))
    await asyncio.sleep(days * DAY)
    ended = await night.run(referring(night, seeds=3))
    assert (ended.code, night.ledger.calls["upload"]) == (0, uploads)


async def test_an_upload_the_service_forgot_is_handed_over_anew(begin: Begin) -> None:
    night = await begin()
    await night.run(referring(night))
    lose_uploads(night)
    ended = await night.run(referring(night, seeds=3))
    assert (ended.code, ended.states) == (0, {"stored": 6})
    assert max(night.ledger.charged.values()) == 1
    assert night.ledger.calls["upload"] == 6  # each once more, though both requests were refused


async def test_a_request_refused_for_a_forgotten_upload_is_one_of_the_allowance(begin: Begin) -> None:
    night = await begin(per_minute=4)
    account = RateLimit(4, 9000)  # that it is kept is seen to by the checker
    await night.run(sharing(night, requests=1, seeds=1), rate=account)
    await asyncio.sleep(3600)
    lose_uploads(night)
    before = len(night.ledger.entries)
    ended = await night.run(sharing(night, requests=8, seeds=2), rate=account)
    assert (ended.code, ended.states) == (0, {"stored": 16})
    assert len(ended.seen(Submitting)) == len(night.ledger.entries) - before > 8  # an attempt is one request
    assert night.ledger.calls["upload"] == 2


async def test_uploads_lost_in_the_middle_of_a_run_are_handed_over_anew(begin: Begin) -> None:
    night = await begin(job_seconds=30)
    await night.run(referring(night, seeds=1))
    (night.home / "campaigns" / "packshots" / "shape.png").write_bytes(picture("green"))
    sent: list[Submitting] = []

    def lose(event: object, control: object) -> None:
        if isinstance(event, Submitting):
            sent.append(event)
            if len(sent) == 1:  # one of its uploads is of the earlier run, the other of this one
                lose_uploads(night)

    ended = await night.run(referring(night), watch=lose)
    assert (ended.code, ended.states) == (0, {"stored": 2 + 4})


async def test_a_request_refused_with_a_new_upload_too_is_itself_at_fault(begin: Begin) -> None:
    night = await begin()

    def lose(event: object, control: object) -> None:
        if isinstance(event, Submitting):
            lose_uploads(night)

    ended = await night.run(sharing(night, requests=2, seeds=1), watch=lose)
    assert (ended.code, ended.states, ended.reasons) == (3, {"failed": 2}, {"unknown_upload": 2})
    assert len(night.ledger.entries) == 4


async def test_a_picture_changed_before_it_is_handed_over_anew_leaves_nothing_in_doubt(begin: Begin) -> None:
    night = await begin()
    await night.run(sharing(night, requests=1, seeds=1))
    lose_uploads(night)

    def change(event: object, control: object) -> None:
        if isinstance(event, Submitting):
            (night.home / "campaigns" / "packshots" / "shape.png").write_bytes(picture("green"))

    ended = await night.run(sharing(night, requests=2, seeds=2), watch=change)
    assert (ended.code, ended.states) == (5, {"stored": 1, "pending": 3})
    assert any("shape.png changed during the run" in line for line in ended.lines)


@pytest.mark.parametrize("kind", ["500", "503", "429", "reset"])
async def test_an_upload_that_goes_wrong_costs_nothing_and_is_tried_again(begin: Begin, kind: str) -> None:
    night = await begin(Fault(kind, where="upload", nth=1))
    ended = await night.run(referring(night))
    assert (ended.code, ended.states) == (0, {"stored": 4})
    assert not night.ledger.refused


async def test_an_upload_that_never_works_leaves_everything_for_a_later_run(begin: Begin) -> None:
    night = await begin(Fault("503", where="upload"))
    ended = await night.run(referring(night))
    assert (ended.code, ended.states) == (8, {"pending": 4})
    night.forgive()
    assert (await night.run(referring(night))).code == 0


async def test_a_picture_changed_during_the_run_is_never_sent_as_the_one_planned(begin: Begin) -> None:
    night = await begin()
    campaign = referring(night)

    def change(event: object, control: object) -> None:
        (night.home / "campaigns" / "packshots" / "p00.png").write_bytes(picture("green"))

    ended = await night.run(campaign, watch=change)
    assert ended.code == 5
    assert any("p00.png changed during the run" in line for line in ended.lines)
    assert not ended.states.get("in_doubt")


async def test_a_refused_picture_fails_its_images_and_the_others_go_on(begin: Begin) -> None:
    night = await begin(Fault("451", where="upload", nth=1))
    ended = await night.run(referring(night))
    assert ended.code == 3
    assert ended.states == {"failed": 2, "stored": 2}


async def test_a_refused_picture_uses_up_nothing_of_the_allowance(begin: Begin) -> None:
    night = await begin(Fault("451", where="upload"))
    ended = await night.run(referring(night), rate=RateLimit(1, 2))
    assert (ended.code, ended.states, ended.reasons) == (3, {"failed": 4}, {"prompt_unsafe": 4})
    assert not night.ledger.entries
    assert ended.seconds < 1
    night.forgive()
    other = await night.run(night.campaign(requests=2, seeds=1, name="other", of="cup"), rate=RateLimit(600, 2))
    assert other.code == 0
