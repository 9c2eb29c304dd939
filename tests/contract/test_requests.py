"""Every request of the client, held against Adobe's specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import GenerationFailed, Rejected
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings
from campaign_runner.model import Cell, Job, Recipe, Size, Variation
from campaign_runner.plan.plan import Plan
from tests.contract.exceptions import OURS, unexpected
from tests.contract.rehearsal import ROOT, Rehearsal, rehearsed
from tests.contract.specification import Specification
from tests.contract.walk import PNG

SPECIFICATION = Specification()


def deviations(rehearsal: Rehearsal) -> set[str]:
    return {sentence for exchange in rehearsal.sandbox.exchanges for sentence in SPECIFICATION.deviations(exchange)}


@pytest.mark.parametrize("name", ["first", pytest.param("almond-autumn", marks=pytest.mark.proof)])
async def test_a_whole_run_of_each_example_asks_and_is_answered_as_described(name: str, tmp_path: Path) -> None:
    async with rehearsed(tmp_path) as rehearsal:
        file = ROOT / "campaigns" / f"{name}.yaml"
        assert await rehearsal.run(file) == 0
        assert rehearsal.ledger["images_charged"] == len(Plan(load(file)))
        assert not unexpected(deviations(rehearsal))


LOOKS = [
    # every field of a request that a campaign can bring about, in each family
    "image3, content_class: photo, visual_intensity: 2, negative_prompt: fog, locale: de-DE, format: png",
    "image4_standard, content_class: art, styles: [painting], strength: 1, visual_intensity: 10, format: jpeg",
    "image4_ultra, styles: [painting, golden_hour], negative_prompt: fog, format: webp",
    "image3_custom, content_class: photo, visual_intensity: 6, styles: [painting], strength: 100",
    "image4_custom, upsampler: low_creativity, content_class: art",
    "image3, style_reference: 'https://images.s3.amazonaws.com/look.png', strength: 50",
    "image4_standard, structure_reference: 'https://images.s3.amazonaws.com/form.png', structure_strength: 0",
]
NAMES = {"image3_custom": "Warm Custom Model", "image4_custom": "Cool Custom Model"}


@pytest.mark.parametrize("look", LOOKS)
async def test_every_field_of_every_family_is_sent_as_described(look: str, tmp_path: Path) -> None:
    model, _, fields = look.partition(", ")
    name = f"custom_model: {NAMES[model]}\n" if model in NAMES else ""
    async with rehearsed(tmp_path) as rehearsal:
        file = rehearsal.write(model, requests=1, seeds=2, more=f"{name}defaults: {{{fields}}}\n")
        assert await rehearsal.run(file) == 0
        assert not unexpected(deviations(rehearsal))


async def sent_by_every_method(rehearsal: Rehearsal) -> None:
    """Each method of the client once, with both kinds of uploaded references."""
    settings = Settings(rehearsal.origin, rehearsal.origin, Credentials("me", Secret("canary-secret")))
    source = {"imageReference": {"source": {"sha256": "5e"}}}
    recipe = Recipe.of("image3", {"prompt": "almond soap", "style": source, "structure": source}, "image/png")
    cell = Cell("soap", "hero", "plain", None, Size(2048, 2048))
    job = Job(recipe, (Variation(recipe.key(1), 1, cell, "almond soap"),))
    async with FireflyClient(settings) as firefly:
        uploads = {"5e": await firefly.upload(PNG, "image/png")}
        ticket = await firefly.submit(job, uploads=uploads)
        await firefly.cancel(ticket)
        await firefly.list_models()
        with pytest.raises(GenerationFailed):
            await firefly.poll(ticket)


async def test_each_deviation_of_ours_is_named_and_each_named_one_occurs(tmp_path: Path) -> None:
    async with rehearsed(tmp_path) as rehearsal, rehearsed(tmp_path) as by_hand:
        await rehearsal.run(rehearsal.write(requests=1, more="defaults: {format: png}\n"))
        await sent_by_every_method(by_hand)
        exchanges = rehearsal.sandbox.exchanges + by_hand.sandbox.exchanges
        assert {exchange.status for exchange in exchanges} == {200, 202}
        assert {sentence for exchange in exchanges for sentence in SPECIFICATION.of_request(exchange)} == OURS


async def test_the_largest_reference_image_is_taken(tmp_path: Path) -> None:
    async with rehearsed(tmp_path) as rehearsal:
        settings = Settings(rehearsal.origin, rehearsal.origin, Credentials("me", Secret("canary-secret")))
        async with FireflyClient(settings) as firefly:
            assert await firefly.upload(PNG.ljust(15_000_000, b"0"), "image/png")
            with pytest.raises(Rejected, match="413"):
                await firefly.upload(PNG.ljust(15_000_001, b"0"), "image/png")
