"""Which campaigns there are on this machine: how each stands, and when it last ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from campaign_runner.authoring.since_last_run import last_campaign
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.syntax.opening import LARGEST_BYTES
from campaign_runner.disk.regular_files import text_of
from campaign_runner.errors import CampaignError, CampaignFileError, StoreError
from campaign_runner.journal.last_run import LastRun, last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder, home_of
from campaign_runner.output_folder.manifest_writer import counts_of
from campaign_runner.plan.plan import Plan
from campaign_runner.report.runs import figures_of, told
from campaign_runner.report.standing import Night, last_night
from campaign_runner.text import plural, printable

_OPEN = {
    State.IN_DOUBT: "in doubt",
    State.FAILED: "failed",
    State.ACCEPTED: "waiting at Adobe",
    State.PENDING: "not requested yet",
    State.ABANDONED: "given up",
}
"""What is said of a state, worst first."""


@dataclass(frozen=True, slots=True)
class KnownCampaign:
    """A campaign by the name that commands take. `home` is the folder of output folders that it is in, or would be.

    `file` is None where it is gone. One that never ran has no counts. `wrong` is why its record cannot be read.
    """

    name: str
    home: Path
    file: Path | None
    counts: Mapping[State, int] = field(default_factory=dict)
    last: LastRun | None = None
    night: Night | None = None
    is_running: bool = False
    is_rerun: bool = False
    wrong: str = ""

    def kind(self) -> list[str]:
        """What it is, where that is not a campaign that buys its own images."""
        sandbox = ["in the sandbox"] if Folder(self.home / self.name).is_sandbox else []
        return [*(["a rerun"] if self.is_rerun else []), *sandbox]

    def state(self) -> str:
        """How it stands, in a few words."""
        if self.wrong:
            return self.wrong
        if not self.counts:
            return "not run yet"
        planned = sum(self.counts.values())
        stored = f"{self.counts[State.STORED]:,} of {plural(planned, 'image')} stored"
        rest = [f"{self.counts[state]:,} {words}" for state, words in _OPEN.items() if self.counts[state]]
        return "; ".join([stored, *([", ".join(rest)] if rest else [])])

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "name": self.name,
            "folder": str(self.home / self.name) if self.counts or self.wrong else None,
            "file": None if self.file is None else str(self.file),
            "counts": {str(state): number for state, number in self.counts.items()} or None,
            "sandbox": Folder(self.home / self.name).is_sandbox,
            "rerun": self.is_rerun,
            "running": self.is_running,
            **figures_of(self.last, self.night),
            "wrong": self.wrong or None,
        }


def campaigns(folders: Iterable[Folder], files: Iterable[Path]) -> list[KnownCampaign]:
    """Those that have an output folder among `folders`, and those of `files` that never ran."""
    found = [_of_folder(folder) for folder in folders]
    rehearsed = [Folder(each.home / each.name).is_sandbox for each in found]
    ran = {each.file.resolve() for each, is_so in zip(found, rehearsed, strict=True) if each.file and not is_so}
    new = [
        KnownCampaign(file.stem, home_of(file), file)
        for file in {each.resolve(): each for each in files}.values()
        if file.resolve() not in ran and is_campaign(file)
    ]
    return sorted([*found, *new], key=lambda each: (each.home, each.name))


def lines(known: Sequence[KnownCampaign], now: datetime) -> Iterator[str]:
    """A line for each campaign, below the folder of its output folder."""
    width = max(len(each.name) for each in known)
    for number, (home, some) in enumerate(groupby(known, key=lambda each: each.home)):
        yield from [""] * bool(number)
        yield printable(str(home))
        for each in some:
            ran = told(each.last, each.night, now, is_running=each.is_running)
            parts = [*each.kind(), each.state(), *([ran] if ran else [])]
            yield printable(f"  {each.name:{width}}   {'; '.join(parts)}")


def is_campaign(file: Path) -> bool:
    """Whether a YAML file is a campaign's: one of its lines begins with `campaign:`."""
    try:
        text = text_of(file, LARGEST_BYTES).removeprefix("\ufeff")
        return any(line.startswith("campaign:") for line in text.splitlines())
    except OSError:
        return False


def _of_folder(folder: Folder) -> KnownCampaign:
    name, home = folder.path.name, folder.path.parent
    try:
        is_running = folder.is_held()
        with folder.ledger(is_running=is_running) as ledger:
            file, is_rerun = folder.campaign_file(ledger), ledger.meta(MADE_AGAIN) is not None
            campaign = None if is_rerun else _campaign(folder, ledger, file)
            counts = ledger.counts() if campaign is None else counts_of(Plan(campaign, ledger.custom_model), ledger)
            return KnownCampaign(name, home, file, counts, last_run(ledger), last_night(ledger), is_running, is_rerun)
    except CampaignError as error:
        return KnownCampaign(name, home, None, wrong=error.sentence)


def _campaign(folder: Folder, ledger: Ledger, file: Path | None) -> Campaign | None:
    """The campaign as its file says, else as in its last run; None where no one can say."""
    path = file or folder.path / (ledger.meta("file") or f"{folder.path.name}.yaml")
    try:
        return load(path)
    except (CampaignFileError, StoreError):
        return last_campaign(ledger, path)
