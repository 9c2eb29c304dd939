"""What the tests of the Firefly client ask with: a job, and settings for a server of theirs with canaries in them."""

from __future__ import annotations

from dataclasses import replace

from campaign_runner.firefly.credentials import Credentials, Secret
from campaign_runner.firefly.settings import Settings
from campaign_runner.model import Cell, Job, Recipe, Size, Variation
from tests.firefly.raw_server import RawServer

SECRET = "canary-secret-51c7e2"


def make_job(*seeds: int, accept: str | None = None) -> Job:
    size = Size(1024, 1024)
    body = {"prompt": "almond candle", "size": {"width": 1024, "height": 1024}}
    recipe = Recipe.of("image3", body, accept)
    cell = Cell("candle", "hero", "plain", None, size)
    return Job(recipe, tuple(Variation(recipe.key(seed), seed, cell, "almond candle") for seed in seeds))


def settings_for(server: RawServer | str, *, ready: str | None = None, **seconds: float) -> Settings:
    """Settings for a server; `submit=0.05` gives its answers that long."""
    origin = server if isinstance(server, str) else server.origin
    token = None if ready is None else Secret(ready)
    settings = Settings(origin, origin, Credentials("canary-client", Secret(SECRET), token))
    limits = {name: replace(getattr(settings, name), total=total) for name, total in seconds.items()}
    return replace(settings, **limits)
