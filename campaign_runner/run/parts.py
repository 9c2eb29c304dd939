"""What a run is given: the ports it joins, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass

from campaign_runner.ports import Journal, Provider, Quota, Store


@dataclass(frozen=True, slots=True)
class Ports:
    """What the scheduler joins."""

    provider: Provider
    store: Store
    journal: Journal
    quota: Quota


@dataclass(frozen=True, slots=True)
class Limits:
    """Jobs at once, and where the caller wants a run to stop: new images, new requests, seconds from its start.

    `guards_files`: refuse to buy an image whose file is on the disk already (not in a sandbox: it costs nothing).
    """

    concurrency: int = 16
    max_images: int | None = None
    max_requests: int | None = None
    max_seconds: float | None = None
    guards_files: bool = True
