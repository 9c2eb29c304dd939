"""An image of a manifest: the ledger's `Entry` as it is written there, and the same read back.

What is written of an entry and read again is that entry, but that it says why an image waits where the ledger is
silent, and never why one is stored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaign_runner.firefly.protocol.request_body import prompt_of
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import Cause, Cell, Recipe, RecipeSource, Size, State, Variation

if TYPE_CHECKING:
    from campaign_runner.output_folder.manifest_schema import CellOf, Image

NOT_YET = Cause("not_submitted", "not asked for yet; the next run will")
NOT_FETCHED = Cause("not_fetched", "paid for and waiting at the service; the next run fetches it")
_UNASKED = Entry(Variation("", 0, Cell("", "", "", None, Size(0, 0)), ""), Recipe(""))


@dataclass(frozen=True, slots=True)
class ManifestImage:
    """An image in a manifest. `other_cells` are those of the campaign that come out as this very image."""

    entry: Entry
    in_campaign: bool = True
    other_cells: tuple[Cell, ...] = ()

    def telling(self, entry: Entry | None) -> ManifestImage:
        """The same image under the same names, with what `entry` says became of it; None: never asked for."""
        variation, recipe = self.entry.variation, self.entry.recipe
        told = Entry(variation, recipe) if entry is None else replace(entry, variation=variation, recipe=recipe)
        return ManifestImage(told, other_cells=self.other_cells)

    def written(self) -> dict[str, Any]:
        """Every field of it, in the manifest's order."""
        entry, recipe = self.entry, self.entry.recipe
        named: dict[str, Any] = {"key": entry.key, "recipe": recipe.digest, "in_campaign": self.in_campaign}
        named |= {"also": [cell_fields(cell) for cell in self.other_cells]}
        named |= cell_fields(entry.cell) | {"seed": entry.seed}
        named |= {"version": recipe.version, "accept": recipe.accept, "request": recipe.body}
        named |= {"prompt": prompt_of(recipe.body), "prompt_template": entry.variation.prompt_template}
        return named | recorded(entry)


def recorded(entry: Entry | None) -> dict[str, Any]:
    """The fields that say what happened to an image; None stands for one that was never asked for."""
    entry = entry or _UNASKED
    reason = entry.reason or (NOT_FETCHED if entry.state == State.ACCEPTED else NOT_YET)
    return {
        "state": entry.state,
        "reason": None if entry.state == State.STORED else reason.facts(),
        "file": entry.file,
        "sha256": entry.sha256,
        "bytes": entry.bytes,
        "media_type": entry.media_type,
        "job_id": entry.job_id,
        "job_seeds": list(entry.job_seeds),
        "custom_model_version": entry.model_version,
        "custom_model_etag": entry.model_etag,
        "submitted_at": entry.submitted_at,
        "stored_at": entry.stored_at,
        "source": _source(entry),
        "warnings": list(entry.warnings),
    }


def _source(entry: Entry) -> dict[str, str] | None:
    source = entry.source
    if source is None:
        return None
    return {"how": source.how, "campaign": source.campaign, "key": source.key, "prompt": source.prompt}


def cell_fields(cell: Cell) -> dict[str, Any]:
    """The fields that say where in the campaign an image is."""
    names = {"product": cell.product, "prompt_id": cell.prompt, "preset": cell.preset, "market": cell.market}
    return names | {"size": asdict(cell.size)}


def listed(image: Image) -> ManifestImage:
    """An image as it was read; nothing of it is checked here."""
    variation = Variation(image.key, image.seed, cell_of(image), image.prompt_template)
    bought = (image.job_id, image.job_seeds or (), image.custom_model_version, image.custom_model_etag)
    made = (*bought, _moment(image.submitted_at))
    source = image.source
    entry = Entry(
        variation,
        recipe_of(image),
        image.state,
        Cause(image.reason.code, image.reason.message) if image.reason is not None else None,
        image.file,
        image.sha256,
        image.bytes,
        image.media_type,
        _moment(image.stored_at),
        image.warnings,
        *made,
        source=RecipeSource(source.how, source.campaign, source.key, source.prompt, *made) if source else None,
    )
    return ManifestImage(entry, image.in_campaign, tuple(map(cell_of, image.also)))


def recipe_of(image: Image) -> Recipe:
    """What was asked for."""
    return Recipe.of(image.version, image.request, image.accept)


def cell_of(image: CellOf) -> Cell:
    """Where in the campaign an image is."""
    size = Size(image.size.width, image.size.height)
    return Cell(image.product, image.prompt_id, image.preset, image.market, size)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")
