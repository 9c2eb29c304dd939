"""Journals with something in them: what a run leaves, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from campaign_runner.disk.files import make_folder
from campaign_runner.events import (
    Accepted,
    Attempt,
    Doubted,
    Fact,
    Failed,
    Held,
    ModelResolved,
    Refused,
    SetAside,
    Stored,
)
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.model import Cause, Cell, CustomModel, Job, Recipe, Size, Ticket, Variation
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.plan import Plan

DOUBT = Cause("no_answer", "the line broke after sending")
POLICY = Cause("prompt_unsafe", "Adobe's content policy")
MISSING = Cause("missing", "Adobe returned no image for this seed")
BLOCKED = Cause("blocked_host", "the image is at images.example.test, which is not trusted")


async def record(folder: Path, plan: Plan, states: Sequence[str], *, model: CustomModel | None = None) -> None:
    """The variations of `plan` in `states`, one by one, as if each had had a request of its own; `new` is none."""
    make_folder(folder)
    async with SqliteJournal(folder) as journal:
        file = Folder(folder).relative(plan.campaign.path)
        await journal.note({"campaign": plan.campaign.campaign, "origin": "https://firefly-api.adobe.io", "file": file})
        if model is not None:
            await journal.record([ModelResolved(model)])
        for planned, state in zip(plan, states, strict=False):
            if state == "new":
                continue
            attempt = Attempt(planned.variation.key[:32], Job(planned.recipe, (planned.variation,)))
            await journal.intend([attempt])
            await journal.record(list(facts(attempt, planned.variation, state)))


async def record_from_later(folder: Path, version: str) -> Variation:
    """An image stored by a later version of the program, whose request has a field that is not known today."""
    body = {"prompt": "from later", "size": {"width": 2048, "height": 2048}, "tileable": True}
    recipe = Recipe.of(version, body)
    cell = Cell("candle", "hero", "plain", None, Size(2048, 2048))
    variation = Variation(recipe.key(7), 7, cell, "from later")
    attempt = Attempt(variation.key[:32], Job(recipe, (variation,)))
    async with SqliteJournal(folder) as journal:
        await journal.intend([attempt])
        await journal.record(list(facts(attempt, variation, "stored")))
    return variation


def facts(attempt: Attempt, variation: Variation, state: str) -> Sequence[Fact]:
    """What brings a variation into a state."""
    accepted = Accepted(attempt, Ticket(f"job-{variation.key[:8]}", "https://firefly.adobe.io/s?sig=secret"))
    image = Stored(attempt, variation, f"{variation.stem}.jpg", "ab" * 32, 1000, "image/jpeg")
    aside = SetAside(attempt, f"images/unexpected/{attempt.id}_s9_abababab.jpg", "ab" * 32, 9, MISSING)
    ways: dict[str, list[Fact]] = {
        "submitting": [],
        "stored": [accepted, image],
        "accepted": [accepted],
        "in_doubt": [Doubted(attempt, DOUBT)],
        "refused": [Refused(attempt, POLICY, for_good=True)],
        "failed": [accepted, Failed(attempt, variation, MISSING)],
        "unsafe": [accepted, Failed(attempt, variation, POLICY)],
        "replaced": [accepted, aside, Failed(attempt, variation, MISSING)],
        "blocked": [accepted, Held(attempt, variation, BLOCKED)],
        "pending": [Refused(attempt, Cause("busy", "the service was busy"))],
    }
    return ways[state]
