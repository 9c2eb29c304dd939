"""The program, whose leases last so long as a test says: parameters, and no settings."""

from __future__ import annotations

from functools import partial

from campaign_runner.cli import on_fleet


def set_waits(lease: float, patience: float | None) -> None:
    """In this process, from now on. A driver waits `patience` seconds for a worker; None are as many as usual."""
    on_fleet.settings_of = partial(on_fleet.settings_of, lease=lease)
    if patience is not None:
        on_fleet.driver = partial(on_fleet.driver, gives_up_after=patience)
