"""What the service receives for a cell: the request without seeds, as a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from os.path import normpath
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.schema.compose import Composed, Composer
from campaign_runner.campaign_file.schema.look import REFERENCES
from campaign_runner.campaign_file.schema.reference_files import LARGEST_BYTES, on_disk
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.firefly.protocol.interfaces import interface_of
from campaign_runner.firefly.protocol.request_body import ImageRequest, ReferenceSource
from campaign_runner.model import Cell, CustomModel, Recipe, Size, canonical_json

_PROMPT = "\0"  # stands in for the prompt; control characters are refused in every text
_MOST_KEPT = 4096  # frames kept at once


class RecipeBuilder:
    """The recipe of every cell of a campaign.

    `model` is what the custom model's name meant when it was looked up; None before the first run,
    when the name stands in for the id: good for counting, never for sending.
    """

    def __init__(self, campaign: Campaign, model: CustomModel | None = None) -> None:
        self._composer = Composer(campaign, model.concept if model else None)
        self._version = campaign.family.id
        self._interface = interface_of(self._version)
        self._custom_model = model.id if model else campaign.custom_model
        self._remembered = campaign.pictures
        self._digests: dict[Path, str] = {}
        self._frames: dict[tuple[int, Size], tuple[Mapping[str, Any], tuple[str, str]]] = {}  # by the look's identity

    def of(self, cell: Cell) -> tuple[Recipe, Composed]:
        """The recipe of a cell and the words it was composed of.

        Raises UsageError for an unreadable reference, IntegrityError for one that a journal ought to remember.
        """
        composed = self._composer.compose(cell)
        before, after = self._frame(composed.look, cell.size)
        return Recipe(f"{before}{canonical_json(composed.prompt)}{after}"), composed

    def _frame(self, look: Mapping[str, Any], size: Size) -> tuple[str, str]:
        """The text before and after the prompt in the recipes of a look: they differ in nothing else."""
        known = self._frames.get((id(look), size))
        if known is not None and known[0] is look:
            return known[1]
        if len(self._frames) >= _MOST_KEPT:
            self._frames.clear()
        accept = f"image/{look['format']}" if "format" in look else None
        body = self._interface.build(self._asked(look, size))
        before, after = Recipe.of(self._version, body, accept).text.split(canonical_json(_PROMPT))
        self._frames[id(look), size] = look, (before, after)
        return before, after

    @property
    def references(self) -> Mapping[str, Path]:
        """The reference images met so far that must be uploaded, by the SHA-256 of their content."""
        return {digest: path for path, digest in self._digests.items()}

    @property
    def digests(self) -> Mapping[Path, str]:
        """The same by path: several files may hold one picture."""
        return self._digests

    def _asked(self, look: Mapping[str, Any], size: Size) -> ImageRequest:
        sources = {name: self._source(look[name]) for name in REFERENCES if name in look}
        return ImageRequest(_PROMPT, size, self._custom_model, look, sources)

    def _source(self, source: Path | str) -> ReferenceSource:
        if isinstance(source, str):
            return ReferenceSource(url=source)
        if source not in self._digests:
            self._digests[source] = _digest(source) if self._remembered is None else _known(source, self._remembered)
        return ReferenceSource(self._digests[source])


def _known(path: Path, remembered: Mapping[Path, str]) -> str:
    """What a reference image held in the last run. Raises IntegrityError where that was not noted."""
    digest = remembered.get(Path(normpath(path)))
    if digest is None:
        raise IntegrityError(f"the journal does not say what the reference image {path} held in the last run")
    return digest


def _digest(path: Path) -> str:
    try:
        return sha256(content_of(on_disk(path), LARGEST_BYTES)).hexdigest()
    except OSError as error:
        raise UsageError(f"the reference image {path} cannot be read ({error.strerror}); nothing was sent") from error
