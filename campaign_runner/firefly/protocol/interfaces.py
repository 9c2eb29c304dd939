"""The interface that each family of models is asked by. A new one is a module beside this and a line here."""

from __future__ import annotations

from functools import lru_cache

from pydantic import ValidationError

from campaign_runner.errors import IntegrityError
from campaign_runner.families import FAMILIES
from campaign_runner.firefly.protocol.image_v3 import IMAGE_V3
from campaign_runner.firefly.protocol.request_body import ImageRequest, Interface
from campaign_runner.model import Recipe

INTERFACES: dict[str, Interface] = {"v3": IMAGE_V3}
"""By the name that a family's row gives."""


def interface_of(version: str) -> Interface:
    """The interface for a value of x-model-version. Raises IntegrityError for one that has no row."""
    if version not in FAMILIES:
        raise IntegrityError(f"this version does not know the image model '{version}'")
    return INTERFACES[FAMILIES[version].interface]


@lru_cache(maxsize=64)
def asked_by(recipe: Recipe) -> ImageRequest:
    """What a recipe asks for. Kept for a while: the images of a cell, which differ in their seed, come together.

    Raises IntegrityError for one that no campaign of this version makes.
    """
    try:
        return interface_of(recipe.version).read(recipe.body)
    except ValidationError as error:
        raise IntegrityError(f"this version cannot read the recorded request {recipe.digest[:8]}") from error


def references_of(recipe: Recipe) -> tuple[str, ...]:
    """The SHA-256 of each reference image that must be uploaded before this recipe can be asked for."""
    return interface_of(recipe.version).references(recipe.body)
