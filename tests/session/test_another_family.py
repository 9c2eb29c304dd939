"""A family with another endpoint is a row, an interface of its own, and the sandbox's side of it: nothing else.

Its wire is that of Adobe's `/v4/images/generate-async`: a ratio and a level instead of pixels, one seed a request,
prompts of 1,500 characters, and an answer with links and without a job id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from jsonschema_rs import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError
from campaign_runner.families import FAMILIES, Family
from campaign_runner.find.history import look_of
from campaign_runner.firefly.protocol.interfaces import INTERFACES
from campaign_runner.firefly.protocol.request_body import ImageRequest, Interface, Receipt
from campaign_runner.model import Size
from campaign_runner.output_folder import manifest_schema
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_reader import read_manifest
from campaign_runner.plan.plan import Plan
from campaign_runner.rerun.choice import choose
from campaign_runner.sandbox.access import admit
from campaign_runner.sandbox.identity import recipe_of
from campaign_runner.sandbox.refusals import api_error
from campaign_runner.sandbox.requests import GenerationRequest, parse
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.verify.verification import verify
from tests import checker
from tests.night import Night
from tests.rerun.again import again

SHAPES = {Size(1024, 1024): "1:1", Size(1344, 756): "16:9"}
DRAWN = {"1:1": (1008, 1008), "16:9": (1360, 768)}
"""The pixels that come: a little off those of the row."""
ROW = Family(
    "image5",
    1,
    tuple(SHAPES),
    {"square": Size(1024, 1024), "wide": Size(1344, 756)},
    takes=frozenset({"locale"}),
    interface="v4",
    prompt_characters=1500,
    has_pixels=False,
)


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    localeCode: str


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    modelId: Literal["firefly_image"]
    prompt: str = Field(min_length=1, max_length=1500)
    aspectRatio: Literal["1:1", "16:9"]
    resolutionLevel: Literal["1MP"]
    modelSpecificPayload: Payload | None = None


class ImageV4(Interface):
    path = "/v4/images/generate-async"
    always = ("aspectRatio", "modelId", "prompt", "resolutionLevel")

    def build(self, asked: ImageRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"modelId": "firefly_image", "prompt": asked.prompt, "aspectRatio": SHAPES[asked.size]}
        locale = {"modelSpecificPayload": {"localeCode": asked.look["locale"]}} if "locale" in asked.look else {}
        return body | {"resolutionLevel": "1MP"} | locale

    def read(self, body: Mapping[str, Any]) -> ImageRequest:
        said = Body.model_validate(body)
        size = next(size for size, ratio in SHAPES.items() if ratio == said.aspectRatio)
        payload = said.modelSpecificPayload
        return ImageRequest(said.prompt, size, None, {"locale": payload.localeCode} if payload else {}, {})

    def references(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def sent(self, body: Mapping[str, Any], seeds: Sequence[int], uploads: Mapping[str, str]) -> dict[str, Any]:
        return {**body, "numVariations": len(seeds), "seeds": list(seeds)}

    def receipt(self, answer: Mapping[str, Any]) -> Receipt:
        links = {name: link.get("href", "") for name, link in answer.get("links", {}).items()}
        return Receipt(links["result"].rpartition("/")[2], links["result"], links["cancel"])


class SandboxV4(Sandbox):
    """The sandbox's side."""

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_post("/v4/images/generate-async", self._call("submit", self._submit_v4))
        return app

    async def _submit_v4(self, request: web.Request, _: object) -> web.Response:
        now = self._now()
        client = admit(self._tokens, request.headers, now)
        order = self._order_v4(parse(await request.read()), request.headers["x-model-version"])
        self._quota.take(client, now)
        job = self._jobs.begin(client, order, now=now, faults=())
        self.ledger.accept(job)
        places = {"result": "status", "cancel": "cancel"}
        links = {name: {"href": f"http://{request.host}/v3/{at}/{job.id}"} for name, at in places.items()}
        return web.json_response({"links": links, "progress": 0})

    def _order_v4(self, sent: dict[str, Any], version: str) -> GenerationRequest:
        body = {name: value for name, value in sent.items() if name not in ("numVariations", "seeds")}
        said, (seed,) = Body.model_validate(body), sent["seeds"]
        if version != "image5" or sent["numVariations"] != 1:
            raise api_error(422, "validation_error")
        recipe = recipe_of(version, "", body=body, digest_of=self._digest)
        return GenerationRequest(version, "", body, DRAWN[said.aspectRatio], (seed,), 1, recipe)


@dataclass
class Shop:
    """A night at a service that has the family, and where its campaign file stands."""

    night: Night
    file: Path

    def write(self, words: str, more: str = "") -> Path:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(
            f'campaign: night\nmodel: image5\nproducts:\n  mug: Mug\nprompts:\n  hero: "{{product.name}} {words}"\n'
            f"sizes: [square, '16:9']\nseeds: [1, 2]\n{more}",
            encoding="utf-8",
        )
        return self.file


@pytest.fixture
async def shop(quick_disk: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setitem(FAMILIES, "image5", ROW)
    monkeypatch.setitem(INTERFACES, "v4", ImageV4())
    monkeypatch.setattr(checker, "WRITTEN", Draft202012Validator(manifest_schema.schema()))
    clock = asyncio.get_running_loop().time
    night = Night(
        quick_disk / "night", SandboxV4(Settings(per_minute=600, plain_pictures=True, strict=True), clock=clock), clock
    )
    async with serving(night.sandbox) as night.origin:
        yield Shop(night, night.home / "campaigns" / "night.yaml")
        night.check()


async def test_a_family_with_another_wire_is_planned_bought_recorded_verified_and_made_again(shop: Shop) -> None:
    night, prompt = shop.night, "on a table, " * 110
    campaign = load(shop.write(prompt, "defaults: {locale: de-DE}\n"))
    plan = Plan(campaign)
    assert [str(each.variation.cell.size) for each in plan] == ["1024x1024"] * 2 + ["1344x756"] * 2
    ended = await night.run(campaign)
    assert (ended.code, ended.states) == (0, {"stored": 4})
    body: dict[str, Any] = {"modelId": "firefly_image", "aspectRatio": "16:9", "resolutionLevel": "1MP"}
    body |= {"prompt": f"Mug {prompt}".strip(), "modelSpecificPayload": {"localeCode": "de-DE"}}
    assert len(night.ledger.accepted) == 4 and body in [entry.body for entry in night.ledger.accepted]
    assert {image["job_id"] for image in ended.images} == {entry.job_id for entry in night.ledger.accepted}
    assert ended.images[-1]["request"] == body and ended.images[-1]["prompt"] == body["prompt"]
    assert list(look_of(plan.at(3).recipe)) == ["image5", "1344x756", "locale de-DE"]
    assert (await night.run(campaign)).code == 0 and night.ledger.images_charged == 4
    assert not (await verify(Folder(night.output))).findings
    night.resolved |= set(night.ledger.charged)
    made = await again(night)
    assert (made.code, made.verdicts) == (0, {"identical_bytes": 4})
    assert len(choose(read_manifest(made.folder / "manifest.json")).jobs) == 4


async def test_a_picture_of_another_ratio_is_not_what_was_asked_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DRAWN, "16:9", (768, 1360))
    ended = await shop.night.run(load(shop.write("on a table")))
    assert ended.reasons == {"wrong_size": 2}


def test_the_row_says_what_a_campaign_may_ask_for(shop: Shop) -> None:
    file = shop.write("on a table, " * 130, "defaults: {styles: [painting]}\n")
    with pytest.raises(CampaignFileError) as raised:
        load(file)
    told = [problem.message for problem in raised.value.problems]
    assert told == ["this prompt has 1,563 characters once filled in for mug", "image5 doesn't support styles"]
