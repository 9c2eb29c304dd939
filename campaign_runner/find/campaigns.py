"""Which campaigns there are on this machine: how each stands, and when it last ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from campaign_runner.authoring.since_last_run import last_campaign, since_last_run
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.syntax.opening import is_campaign
from campaign_runner.errors import CampaignError, CampaignFileError, StoreError
from campaign_runner.journal.last_run import LastRun, last_run
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder, home_of
from campaign_runner.output_folder.manifest_writer import counts_of
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.report import next_commands
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

    `file` is None where it is gone, `was` where it was. One that never ran has no counts. `kept` is how many stored
    images are of before the last edit; `is_edited`: the file changed since its last run. `wrong` is why its record
    cannot be read, `wrong_file` why its file cannot. `next` is what to type next, empty where nothing needs anyone.
    """

    name: str
    home: Path
    file: Path | None
    was: Path | None = None
    counts: Mapping[State, int] = field(default_factory=dict)
    kept: int = 0
    is_edited: bool = False
    last: LastRun | None = None
    night: Night | None = None
    is_running: bool = False
    is_rerun: bool = False
    wrong: str = ""
    wrong_file: str = ""
    next: str = ""

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
        kept = [f"{self.kept:,} more of earlier words or sizes"] if self.kept else []
        said = _OPEN | {State.ACCEPTED: "forgotten by the sandbox"} if self._is_over() else _OPEN
        rest = [f"{self.counts[state]:,} {words}" for state, words in said.items() if self.counts[state]]
        parts = [", ".join([stored, *kept]), ", ".join(rest), self._about_file()]
        return "; ".join(part for part in parts if part)

    def _is_over(self) -> bool:
        """Whether it is a rehearsal whose sandbox ended with it."""
        return Folder(self.home / self.name).is_sandbox and not self.is_running

    def _about_file(self) -> str:
        """What is to be known of the campaign file: it is gone, has problems, or changed."""
        if self.was is not None and self.file is None:
            return f"its file is gone (it was {self.was})"
        if self.was is not None and self.file is not None and self.file.resolve() != self.was:
            return f"its file is {self.file.name} now (it was {self.was.name})"
        if self.wrong_file:
            return "its file has problems"
        return "its file changed since the last run" if self.is_edited else ""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "name": self.name,
            "folder": str(self.home / self.name) if self.counts or self.wrong else None,
            "file": None if self.file is None else str(self.file),
            "counts": {str(state): number for state, number in self.counts.items()} or None,
            "kept": self.kept,
            "edited": self.is_edited,
            "sandbox": Folder(self.home / self.name).is_sandbox,
            "rerun": self.is_rerun,
            "running": self.is_running,
            **figures_of(self.last, self.night),
            "wrong": self.wrong or self.wrong_file or None,
            "next": self.next or None,
        }


def campaigns(
    folders: Iterable[Folder], files: Iterable[Path], memory: RunRegistry | None = None
) -> list[KnownCampaign]:
    """Those that have an output folder among `folders`, and those of `files` that never ran.

    `memory` leads from names to folders.
    """
    written = [file for file in {each.resolve(): each for each in files}.values() if is_campaign(file)]
    found = [_of_folder(folder, written, memory) for folder in folders]
    rehearsed = [Folder(each.home / each.name).is_sandbox for each in found]
    ran = {each.file.resolve() for each, is_so in zip(found, rehearsed, strict=True) if each.file and not is_so}
    new = [KnownCampaign(file.stem, home_of(file), file) for file in written if file.resolve() not in ran]
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
            if each.next:
                yield printable(f"  {'':{width}}   next: {each.next}")


def _of_folder(folder: Folder, written: Sequence[Path], memory: RunRegistry | None) -> KnownCampaign:
    name, home = folder.path.name, folder.path.parent
    try:
        is_running = folder.is_held()
        with folder.ledger(is_running=is_running) as ledger:
            known = KnownCampaign(name, home, None, last=last_run(ledger), night=last_night(ledger))
            known = replace(known, is_running=is_running, is_rerun=ledger.meta(MADE_AGAIN) is not None)
            known = (
                replace(known, counts=ledger.counts()) if known.is_rerun else _planned(known, folder, ledger, written)
            )
            return replace(known, next=next_step(known, folder, None if folder.is_sandbox else memory))
    except CampaignError as error:
        return KnownCampaign(name, home, None, wrong=error.sentence, next=next_commands.verify(folder.path))


def _planned(known: KnownCampaign, folder: Folder, ledger: Ledger, written: Sequence[Path]) -> KnownCampaign:
    """The same, counted by its campaign as its file says, otherwise as in its last run."""
    was = folder.recorded_file(ledger)
    file = folder.campaign_file(ledger) or _renamed(folder, ledger, written)
    path, wrong = file or was or folder.path / f"{folder.path.name}.yaml", ""
    campaign: Campaign | None
    try:
        campaign = load(path)
    except (CampaignFileError, StoreError) as error:
        campaign, wrong = last_campaign(ledger, path), error.sentence if file is not None else ""
    if campaign is None:
        return replace(known, file=file, was=was, counts=ledger.counts(), wrong_file=wrong)
    plan = Plan(campaign, ledger.custom_model)
    counts = counts_of(plan, ledger)
    return replace(
        known,
        file=file,
        was=was,
        counts=counts,
        kept=max(ledger.counts()[State.STORED] - counts[State.STORED], 0),
        is_edited=since_last_run(ledger, PlanStatus(plan, ledger.states)) is not None if plan.knows_keys else False,
        wrong_file=wrong,
    )


def _renamed(folder: Folder, ledger: Ledger, written: Sequence[Path]) -> Path | None:
    """The file that has the campaign now, where the one that ran last is gone: one beside it, with its name inside."""
    was, name = folder.recorded_file(ledger), ledger.meta("campaign")
    for file in written:
        if was is not None and file.resolve().parent == was.parent and _name_in(file) == name:
            return file
    return None


def _name_in(file: Path) -> str | None:
    try:
        return load(file).campaign
    except (CampaignFileError, StoreError):
        return None


def next_step(known: KnownCampaign, folder: Folder, memory: RunRegistry | None) -> str:
    """The command that a campaign needs next; empty where it needs none, or a run is in progress."""
    name, counts = next_commands.called(folder, memory), known.counts
    is_open = any(counts[state] for state in (State.ACCEPTED, State.PENDING, State.IN_DOUBT, State.FAILED))
    if known.is_running or not (is_open or known.wrong_file):
        return ""
    if known.is_rerun:
        return next_commands.status(name)
    if known.wrong_file and known.file is not None:
        return next_commands.check(known.file)
    if counts[State.FAILED] or (counts[State.IN_DOUBT] and not folder.is_sandbox):
        return next_commands.resolve(name)
    if known.file is None:
        return next_commands.status(name)
    return next_commands.plan(known.file) if known.is_edited else next_commands.run(known.file, folder)
