"""A rerun as the command makes it, against a night's sandbox."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign_runner.events import Event
from campaign_runner.output_folder.manifest_reader import read_manifest
from campaign_runner.plan.cost import Estimate
from campaign_runner.rerun.choice import choose, usual_place
from campaign_runner.rerun.request import RerunRequest
from campaign_runner.rerun.rerun import make_again
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.session.request import UserInterface
from tests.night import FAST, Night


@dataclass
class Compared:
    """What a rerun left: its exit status, its report, what it asked about, and comparison.json."""

    code: int
    lines: list[str]
    asked: list[Estimate]
    figures: dict[str, Any]
    folder: Path

    @property
    def verdicts(self) -> Counter[str]:
        return Counter(image["verdict"] for image in self.figures["images"])

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


async def again(
    night: Night,
    manifest: Path | None = None,
    *only: str,
    into: Path | None = None,
    watch: Callable[[Event, Control], None] | None = None,
    **choices: Any,
) -> Compared:
    """Make the images of a manifest again at `night`'s service; by default the night's own."""
    manifest = manifest or night.output / "manifest.json"
    folder = into or usual_place(manifest, is_sandbox=False)
    read = read_manifest(manifest)
    lines: list[str] = []
    asked: list[Estimate] = []

    control = Control(night.clock(), Stop(), lambda event: watch(event, control) if watch is not None else None)
    if signalled_after := choices.pop("signalled_after", None):
        asyncio.get_running_loop().call_later(signalled_after, control.signalled, signal.SIGTERM)
    access = choices.pop("access", None) or night.access()
    agrees = choices.pop("agrees", True)
    hear = choices.pop("hear", str)

    def say(line: str) -> None:
        lines.append(line)
        hear(line)

    def agree(figures: Estimate) -> bool:
        asked.append(figures)
        return bool(agrees)

    ui = UserInterface(control, confirm_purchase=agree, report=say)
    limits = choices.pop("limits", Limits(concurrency=8))
    order = RerunRequest(read, choose(read, only), night.folder.at(folder), FAST, limits, **choices)
    code = await make_again(order, access, ui)
    written = folder / "comparison.json"
    figures = json.loads(written.read_bytes()) if written.exists() else {"images": []}
    return Compared(code, lines, asked, figures, folder)
