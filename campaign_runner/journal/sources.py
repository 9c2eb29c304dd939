"""How an image came to be, as its row says: bought here, or taken over from where it was made."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypeAlias

from campaign_runner.model import RecipeSource

Making: TypeAlias = tuple[str | None, tuple[int, ...], str | None, str | None, str | None]
"""Job id and seeds, the custom model's version and etag, when it was asked for."""


def bought(job_id: str | None, seeds: str, version: str | None, etag: str | None, submitted_at: str) -> Making:
    """Of an image that was bought here. Raises ValueError or TypeError for what was never written."""
    datetime.fromisoformat(submitted_at)  # raises where it was damaged
    return job_id, tuple(json.loads(seeds)), version, etag, submitted_at


def made_elsewhere(source: RecipeSource) -> Making:
    """Of an image that another campaign bought, or this one for other words."""
    return source.job_id, source.job_seeds, source.model_version, source.model_etag, source.submitted_at


def read_source(recorded: str | None) -> RecipeSource | None:
    """Where an image was taken from; None where it was bought.

    Raises ValueError or TypeError for what was never written.
    """
    if recorded is None:
        return None
    found = json.loads(recorded)
    return RecipeSource(**found | {"job_seeds": tuple(found["job_seeds"])})
