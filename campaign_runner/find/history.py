"""One picture's life: where it is, how it was asked for in plain words, what happened to it, what to do next."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.errors import CampaignFileError, IntegrityError, UsageError
from campaign_runner.find.search import Match
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.firefly.protocol.request_body import ReferenceSource, prompt_of
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import Cell, Recipe, State
from campaign_runner.output_folder.delivery_record import DeliveredFile
from campaign_runner.output_folder.folder import SANDBOX, Folder
from campaign_runner.output_folder.manifest_image import cell_fields
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.plan import Plan
from campaign_runner.report import next_commands
from campaign_runner.report.advice import wants_other_words
from campaign_runner.review.decisions import decisions_if_any
from campaign_runner.review.listing import image_json, image_lines
from campaign_runner.review.rules import DecidedImage
from campaign_runner.text import printable

_BITS = 64
_SAID = {
    "structure_strength": "structure strength",
    "content_class": "content",
    "visual_intensity": "visual intensity",
    "negative_prompt": "without",
    "locale": "locale",
    "upsampler": "upsampler",
}


@dataclass(frozen=True, slots=True)
class CampaignHome:
    """The campaign of an output folder. `file` is None where the file is gone or never known.

    `planned` are the keys of the campaign as its file is now; None where no one can say. `unexpected` are the files
    of what was delivered and not asked for, by job; `decisions` what reviewers decided, by key. `called` is what
    commands call it.
    """

    name: str
    file: Path | None
    is_sandbox: bool
    planned: frozenset[str] | None
    unexpected: Mapping[str, Sequence[str]]
    called: str
    decisions: Mapping[str, Sequence[tuple[Cell, DecidedImage]]] = field(default_factory=dict)

    def beside(self, entry: Entry) -> Sequence[str]:
        """What the job of an image delivered and no one asked for."""
        return self.unexpected.get(entry.job_id or "", ())

    def plans(self, entry: Entry) -> bool | None:
        """Whether an image is in the campaign now."""
        return None if self.planned is None else entry.variation.key in self.planned

    def decided(self, entry: Entry) -> Sequence[tuple[Cell, DecidedImage]]:
        """What was decided about an image, in each cell it is in."""
        return self.decisions.get(entry.key, ())


def home_of(folder: Folder, memory: RunRegistry | None) -> CampaignHome:
    """What the record and the campaign's file say of an output folder's campaign; `memory` leads to folders by name."""
    with folder.ledger() as ledger:
        name, path, model = ledger.meta("campaign"), folder.campaign_file(ledger), ledger.custom_model
        called, is_sandbox = next_commands.called(folder, memory), ledger.origin == SANDBOX
        home = CampaignHome(name or folder.path.name, path, is_sandbox, None, ledger.unexpected(), called)
        if path is None:
            return home
        try:
            plan = Plan(load(path), model)
        except (CampaignFileError, UsageError):
            return home
        planned = frozenset(plan.keys()) if plan.knows_keys else None
        decisions = decisions_if_any(folder, plan, ledger)
        return replace(home, planned=planned, decisions=decisions.by_key() if decisions is not None else {})


def lines(hit: Match, home: CampaignHome, there: Container[str]) -> Iterator[str]:
    """The lines for a person; `there` are the places of files that are."""
    entry, variation = hit.entry, hit.entry.variation
    sandbox = " (sandbox)" if home.is_sandbox else ""
    yield f"{home.name}{sandbox}: {variation.cell}, seed {variation.seed}"
    if hit.distance is not None:
        yield f"  match      this picture, or a very close one ({hit.distance} of {_BITS} bits differ)"
    if hit.file is not None:
        yield f"  file       {hit.file}{'' if hit.file in there else ' (missing)'}"
    if hit.delivered is not None:
        yield f"  delivered  {_delivered(hit.delivered)}"
    yield f"  key        {variation.key}"
    yield f"  prompt     {printable(prompt_of(entry.recipe.body))}"
    yield f"  look       {', '.join(look_of(entry.recipe))}"
    yield f"  generated  {_made(entry)}"
    yield f"  now        {_now(hit, home, is_there=hit.file in there)}"
    for cell, image in home.decided(entry):
        for told in image_lines(image):
            yield f"  {'decided':10} {told} ({cell})"
    if entry.state != State.STORED:
        for file in home.beside(entry):
            yield f"  look at    {hit.folder.store.where(file)}: Adobe delivered this instead, you paid for it"
    for number, command in enumerate(suggestions(hit, home)):
        yield f"  {'' if number else 'next':10} {command}"


def _delivered(file: DeliveredFile) -> str:
    """The delivered file that was found, in words."""
    version = f"version {file.version:02d}"
    return f"{printable(file.file)}: cut for {file.channel}, {version}, {file.state}, {file.delivered_at:%d %b %Y}"


def as_json(hit: Match, home: CampaignHome, there: Container[str]) -> dict[str, Any]:
    """The same for machines."""
    entry, variation = hit.entry, hit.entry.variation
    return {
        "campaign": home.name,
        "campaign_file": str(home.file) if home.file else None,
        "sandbox": home.is_sandbox,
        "in_campaign": home.plans(entry),
        "folder": str(hit.folder.path),
        "file": hit.file,
        "exists": hit.file is not None and hit.file in there,
        "distance": hit.distance,
        "delivered": hit.delivered.model_dump(mode="json") if hit.delivered is not None else None,
        "key": variation.key,
        "recipe": entry.recipe.digest,
        **cell_fields(variation.cell),
        "seed": variation.seed,
        "version": entry.recipe.version,
        "request": entry.recipe.body,
        "state": entry.state,
        "reason": entry.reason.facts() if entry.reason else None,
        "job_id": entry.job_id,
        "submitted_at": entry.submitted_at,
        "stored_at": entry.stored_at,
        "unexpected": list(home.beside(entry)),
        "decisions": [{**cell.axes, **image_json(image)} for cell, image in home.decided(entry)],
        "next": list(suggestions(hit, home)),
    }


def look_of(recipe: Recipe) -> Iterator[str]:
    """What the service was told beside prompt and seed, in the words of a campaign file."""
    yield recipe.version
    try:
        asked = asked_by(recipe)
    except IntegrityError as error:
        yield str(error)
        return
    look, sources = asked.look, asked.sources
    if asked.custom_model is not None:
        yield f"custom model {printable(asked.custom_model)}"
    yield str(asked.size)
    if "styles" in look:
        yield f"styles {' '.join(look['styles'])}"
    if "style_reference" in sources:
        yield f"style of {_reference(sources['style_reference'])}"
    if "strength" in look:
        yield f"strength {look['strength']}"
    if "structure_reference" in sources:
        yield f"structure of {_reference(sources['structure_reference'])}"
    yield from (f"{words} {printable(str(look[field]))}" for field, words in _SAID.items() if field in look)
    if recipe.accept:
        yield f"as {recipe.accept}"


def _reference(source: ReferenceSource) -> str:
    return printable(source.url or f"the picture {str(source.sha256)[:8]}")


def _made(entry: Entry) -> str:
    asked = f"requested {_minute(entry.submitted_at)}" if entry.submitted_at else "never requested"
    seeds = " ".join(map(str, entry.job_seeds))
    job = f" (job {printable(entry.job_id)}, seeds {seeds})" if entry.job_id else ""
    stored = f", stored {_minute(entry.stored_at)}" if entry.stored_at else ""
    return f"{asked}{job}{stored}"


def _now(hit: Match, home: CampaignHome, *, is_there: bool) -> str:
    entry = hit.entry
    state = entry.state.replace("_", " ")
    if entry.state == State.STORED and not is_there:
        state = "stored, but its file is gone"
    why = f": {printable(entry.reason.message)}" if entry.reason else ""
    place = {True: "", False: "; no longer in the campaign", None: "; its campaign file is missing or has problems"}
    return f"{state}{why}{place[home.plans(entry)]}"


def _wants_other_words(entry: Entry) -> bool:
    return entry.reason is not None and wants_other_words(entry.reason.code)


def _minute(moment: str) -> str:
    """`28 Nov 2026, 22:11 UTC`: `find` tells of years ago, on other machines."""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def suggestions(hit: Match, home: CampaignHome) -> Iterator[str]:
    """What a person may want to type next, most likely first."""
    key = hit.entry.variation.key[:8]
    only = ("--only", f"key={key}")
    match hit.entry.state:
        case State.IN_DOUBT:
            yield next_commands.resolve(home.called, "--resubmit", *only)
            yield next_commands.resolve(home.called, "--abandon", *only)
        case State.FAILED if home.file and _wants_other_words(hit.entry):
            yield next_commands.retake(key, home.called, "--text", "…")
            yield next_commands.resolve(home.called, "--abandon", *only)
            return
        case State.FAILED if home.beside(hit.entry):  # what came is looked at before it is asked for again
            yield next_commands.resolve(home.called, "--abandon", *only)
            yield next_commands.resolve(home.called, "--retry-failed", *only)
        case State.FAILED:
            yield next_commands.resolve(home.called, "--retry-failed", *only)
        case State.ACCEPTED | State.PENDING if home.file:
            yield next_commands.run(home.file, hit.folder, *only)
        case _:
            pass
    if home.file:
        yield next_commands.retake(key, home.called, "--text", "…")
    if hit.entry.state == State.STORED and not hit.folder.keeping.options:
        yield next_commands.rerun(hit.folder.manifest, *only, is_sandbox=home.is_sandbox)
