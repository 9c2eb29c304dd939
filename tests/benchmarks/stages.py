"""One thing done with a folder of many images, measured in a process of its own.

`python -m tests.benchmarks.stages STAGE HOME ADDRESS` prints one line of JSON: seconds of processors, seconds on the
clock and bytes of memory at most, from the start of the process to the end of the stage. Other stages than these are
the commands of the package.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaign_runner.campaign_file.loader import load
from campaign_runner.cli import collect_seldom, commands
from campaign_runner.cli.invocation import Invocation
from campaign_runner.events import Event, Submitting
from campaign_runner.journal.ledger import Ledger
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.manifest_writer import Sources, counts_of, write_manifest
from campaign_runner.plan.plan import Plan
from campaign_runner.plan.selection import read_only
from campaign_runner.report.sheet.contents import sheets
from campaign_runner.report.sheet.sheet_file import keep_sheets
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.server import Sandbox
from campaign_runner.sandbox.settings import Settings
from campaign_runner.session.request import RunRequest, UserInterface
from campaign_runner.session.session import run_campaign
from tests.benchmarks.clients import EVERYTHING
from tests.benchmarks.processes import peak
from tests.night import Night

_BEGAN = time.perf_counter()


def spent() -> dict[str, float]:
    """What this process has taken so far."""
    return {"cpu": time.process_time(), "clock": time.perf_counter() - _BEGAN, "memory": peak()}


def first_request(home: Path, address: str) -> dict[str, float]:
    """A run that buys one request: until that leaves. The run goes on to its end."""
    found: list[dict[str, float]] = []

    def note(event: Event, control: Control) -> None:
        if isinstance(event, Submitting):
            found.append(spent())
            control.skips_pictures = True

    asyncio.run(_run(home, address, note, limits=Limits(max_requests=1)))
    return found[0]


def first_request_alone(home: Path, address: str) -> dict[str, float]:
    """The same, and the process ends there as if it were killed."""

    def leave(event: Event, control: Control) -> None:
        if isinstance(event, Submitting):
            _tell(spent())
            os._exit(0)

    asyncio.run(_run(home, address, leave, limits=Limits(max_requests=1)))
    raise AssertionError("no request was sent")


def idle(home: Path, address: str) -> dict[str, float]:
    """A run with nothing to do, from its lock to its report."""
    asyncio.run(_run(home, address, _ignore, only=read_only(["product=p00000"]), limits=Limits(), review=False))
    return spent()


def _ignore(event: Event, control: Control) -> None:
    """Nothing is to be noted."""


async def _run(home: Path, address: str, watch: Callable[[Event, Control], None], **choices: Any) -> None:
    night, lines = Night(home, Sandbox(Settings()), asyncio.get_running_loop().time, origin=address), list[str]()
    order = RunRequest(load(home / "campaigns" / "many.yaml"), Folder(home / "output" / "many"), EVERYTHING, **choices)
    control = Control(night.clock(), Stop(), lambda event: watch(event, control))
    await run_campaign(order, night.access(), UserInterface(control, lambda figures: True, lines.append))
    assert "failed=0" in lines[-1] and not control.ending.errors, lines


def manifest(home: Path, address: str) -> dict[str, float]:
    """The manifest, written where none is."""
    folder, plan = Folder(home / "output" / "many"), Plan(load(home / "campaigns" / "many.yaml"))
    folder.manifest.unlink(missing_ok=True)
    with Ledger(folder.path, is_checked=True) as ledger:
        write_manifest(folder.manifest, Sources(plan, ledger, datetime.now(UTC)), staging=folder.staging)
    return spent()


def sheet(home: Path, address: str) -> dict[str, float]:
    """The contact sheets: compared with what is there, and drawn where that is not current."""
    folder, plan = Folder(home / "output" / "many"), Plan(load(home / "campaigns" / "many.yaml"))
    with Ledger(folder.path, is_checked=True) as ledger:
        shown = sheets(plan, ledger, counts_of(plan, ledger))
        asyncio.run(keep_sheets(shown, folder, print))
    return spent()


def command(*words: str) -> dict[str, float]:
    """A command of the package."""
    commands.main([*words], standalone_mode=False, obj=Invocation(words))
    return spent()


def _tell(figures: dict[str, float]) -> None:
    sys.stdout.write(f"\n{json.dumps(figures)}")
    sys.stdout.flush()


STAGES = {
    "first request": first_request,
    "first request alone": first_request_alone,
    "idle run": idle,
    "manifest": manifest,
    "sheet": sheet,
}


if __name__ == "__main__":
    stage = STAGES.get(sys.argv[1])
    collect_seldom()  # as the command does, once it is loaded
    _tell(command(*sys.argv[1:]) if stage is None else stage(Path(sys.argv[2]), sys.argv[3]))
