"""A bug leaves its trace where a person can send it from: code positions and types, no values, no secrets."""

from __future__ import annotations

import secrets
import traceback
from datetime import UTC, datetime
from pathlib import Path

from campaign_runner.cli.environment import Environment
from campaign_runner.disk.files import make_folder, write_durably
from campaign_runner.errors import CampaignError
from campaign_runner.version import __version__


def keep(error: BaseException) -> str:
    """Write the trace of `error` into the state folder and say where; the place to look if that fails, too.

    Messages are left out: they may hold what a server sent or a person wrote.
    """
    folder = Environment.of_process().state_folder / "traces"
    lines = [f"campaign_runner {__version__}", f"{type(error).__module__}.{type(error).__qualname__}"]
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.txt"
    try:
        make_folder(folder, mode=0o700)
        write_durably(folder / name, ("\n".join(lines) + "\n").encode())
    except CampaignError:
        return "no file: the state folder cannot be written"
    return str(folder / name)
