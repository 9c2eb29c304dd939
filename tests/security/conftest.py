"""Whole commands as processes, beside a service in the loop of the test."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.typed import Said
from tests.processes.forks import shared
from tests.security.commands import SECRET, Command


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`await command("run", file, origin=…, VARIABLE="…")`: a process in `tmp_path`; no other setting reaches it.

    `umask` is its own; a variable that is None is not set.
    """

    async def command(*arguments: object, origin: str, umask: int = 0o022, **variables: str | None) -> Said:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTOM_", "CAMPAIGN_"))}
        env |= {"CAMPAIGN_RUNNER_FIREFLY_URL": origin, "CAMPAIGN_RUNNER_IMS_URL": origin}
        env |= {"CAMPAIGN_RUNNER_STATE_DIR": str(tmp_path / "state"), "CAMPAIGN_RUNNER_PER_MINUTE": "600"}
        settings = {"CUSTOM_MODELS_CLIENT_ID": "me", "CUSTOM_MODELS_CLIENT_SECRET": SECRET, **variables}
        env |= {name: value for name, value in settings.items() if value is not None}
        with TemporaryDirectory(prefix="words-") as words:
            said = {"out": Path(words) / "out", "err": Path(words) / "err"}
            run = partial(shared().run, *arguments, home=tmp_path, env=env, umask=umask, is_whole=True, **said)
            done = await asyncio.to_thread(run)
        return Said(done.exit, done.out, done.err)

    return command
