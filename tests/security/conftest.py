"""Whole commands as processes, beside a service in the loop of the test."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.cli.typed import Said
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
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campaign_runner", *map(str, arguments)),
            cwd=tmp_path,
            env=env | {name: value for name, value in settings.items() if value is not None},
            umask=umask,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    return command
