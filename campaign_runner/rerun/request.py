"""What one rerun is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from campaign_runner.errors import IntegrityError, UsageError
from campaign_runner.firefly.protocol import hosts
from campaign_runner.journal.ledger import Ledger
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder
from campaign_runner.output_folder.manifest_reader import ReadBack
from campaign_runner.plan.cost import RateLimit
from campaign_runner.rerun.choice import Chosen
from campaign_runner.rerun.comparison import Sides
from campaign_runner.run.limits import Limits
from campaign_runner.session.request import ServiceAccess


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """The manifest, what of it is made again, and where the images go.

    `references` is where reference images lie; `only` is what `chosen` was chosen by, as typed; `restore` puts images
    back that differ from the record; `decisions` are a person's word over what an earlier rerun into the same folder
    left open.
    """

    read: ReadBack
    chosen: Chosen
    into: Folder
    rate: RateLimit
    limits: Limits
    references: Path | None = None
    accept_drift: bool = False
    only: tuple[str, ...] = ()
    restore: bool = False
    decisions: tuple[Decision, ...] = ()

    @property
    def home(self) -> Folder:
        """The folder of the manifest."""
        return self.into.at(self.read.path.resolve().parent)

    @property
    def sides(self) -> Sides:
        return Sides(self.home.store, self.into.store)

    @property
    def mark(self) -> str:
        """Whose images these are: the campaign and the time its record was begun, which no later run changes."""
        head = self.read.head
        return f"{head.campaign} of {head.created_at.isoformat()}"

    @property
    def wanted(self) -> list[str]:
        """The options that say what is made again: without them, a command that goes on would buy more."""
        only = [word for each in self.only for word in ("--only", each)]
        return [*only, *(["--restore"] if self.restore else [])]

    async def refuse(self, access: ServiceAccess) -> None:
        """What can be known to be wrong before anything is touched. Raises UsageError, IntegrityError."""
        if self.read.head.backend == "sandbox" and hosts.is_adobe(access.origin):
            raise UsageError(
                f"{self.read.path} comes from the sandbox: Adobe would generate other pictures and charge for "
                "them. Nothing was sent. Try it with --sandbox"
            )
        if self.into.path == self.home.path:
            raise UsageError(f"{self.into.path} holds the recorded images; name another folder with --into")
        if self.restore and not self.home.has_journal:
            raise UsageError(f"{self.home.path} has no journal: nothing can be put back there")
        with Ledger.if_begun(self.into.path) as ledger:
            if ledger is None:
                await self.into.refuse_orphans()
            else:
                self._refuse_strangers(ledger, access.origin)

    def _refuse_strangers(self, ledger: Ledger, origin: str) -> None:
        if ledger.meta(MADE_AGAIN) != self.mark:
            raise UsageError(f"{self.into.path} holds images of something else; name another folder with --into")
        if ledger.origin != origin and ledger.holds_anything():
            raise IntegrityError(
                f"{self.into.path} holds images of {ledger.meta('origin')}, but this would use {origin}; nothing was "
                "sent. Name another folder with --into"
            )
