"""How a rerun stands, told from its record: what was made, when, and how to go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from campaign_runner.disk.regular_files import real
from campaign_runner.journal.last_run import last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import IMAGES
from campaign_runner.output_folder.folder import MADE_AGAIN, MADE_FROM, MADE_WITH, SANDBOX, Folder
from campaign_runner.report import next_commands
from campaign_runner.report.runs import told
from campaign_runner.report.standing import last_night
from campaign_runner.text import printable
from campaign_runner.verify.unknown_files import COMPARISON


def standing(folder: Folder, ledger: Ledger, now: datetime, *, is_running: bool) -> Iterator[str]:
    """How a rerun stands, for someone who did not see its report: what was made, when, and the command that goes on."""
    states = ledger.counts()
    made = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in states.items() if number)
    yield printable(f"{folder.path.name}   a rerun of {ledger.meta(MADE_AGAIN)}: {made or 'nothing was requested yet'}")
    yield ""
    if ran := told(last_run(ledger), last_night(ledger), now, is_running=is_running):
        yield f"  last      {ran}"
    yield f"  files     {folder.store.where(IMAGES)}"
    if (page := folder.path / COMPARISON[1]).exists():
        yield f"  compare   {page}"
    known = ledger.meta(MADE_FROM)
    if known is not None and (manifest := real(folder.path / known)).exists():
        is_sandbox = ledger.origin == SANDBOX
        wanted = _wanted(ledger)
        again = printable(next_commands.rerun(manifest, "--into", str(folder.path), *wanted, is_sandbox=is_sandbox))
        yield f"  next      to go on, or compare again: {again}"


def _wanted(ledger: Ledger) -> list[str]:
    """The options that said what was to be made again, as noted; none of an earlier version, which noted none."""
    try:
        noted = json.loads(ledger.meta(MADE_WITH) or "[]")
    except ValueError:
        return []
    return noted if isinstance(noted, list) and all(isinstance(word, str) for word in noted) else []
