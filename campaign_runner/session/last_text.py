"""A campaign whose file cannot be loaded: which output folder is its own, and what it was in its last run.

What is paid for is fetched, shown and settled all the same: the journal knows it, and holds the text of that run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from campaign_runner.authoring.since_last_run import last_campaign
from campaign_runner.campaign_file.loader import nameless
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.disk.regular_files import real
from campaign_runner.errors import CampaignError, IntegrityError, StoreError
from campaign_runner.journal import tables
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import MADE_AGAIN, Folder

NO_TEXT = (
    "the journal does not have the text of the last run (an earlier version wrote it): "
    "manifest.json stays as it is until the campaign file can be loaded"
)


@dataclass(frozen=True, slots=True)
class Recalled:
    """A campaign as its file says, otherwise as in its last run; `wrong` is then why the file does not say."""

    campaign: Campaign
    wrong: CampaignError | None = None

    @property
    def note(self) -> str | None:
        """What a person should know who is shown this campaign, on one line."""
        if self.wrong is None:
            return None
        used = "the text of its last run is used" if self.campaign.products else NO_TEXT
        return f"the campaign file cannot be loaded ({self.wrong.sentence}): {used}"


def recalled(folder: Folder, ledger: Ledger, file: Path | None = None) -> Campaign:
    """The campaign of the last run of a folder; one without an image where its journal does not hold that.

    `file` is where its file is, or was, if that is known better than by the journal. Raises IntegrityError.
    """
    path = file or real(folder.path / (ledger.meta("file") or f"{folder.path.name}.yaml"))
    return last_campaign(ledger, path) or nameless(path, ledger.meta("campaign") or folder.path.name)


def waiting(folder: Folder) -> int:
    """How many images of an output folder are paid for and not fetched yet. Raises IntegrityError, StoreError."""
    with Ledger.if_begun(folder.path) as ledger:
        if ledger is None or ledger.meta(MADE_AGAIN) is not None:
            return 0
        return ledger.counts()[State.ACCEPTED]


def folders_of(file: Path, known: Path | None, homes: Iterable[Path], *, is_sandbox: bool) -> list[Folder]:
    """The output folders whose journal names a campaign file, those first where paid images wait.

    `known` is where the file last ran, as far as is remembered; if not, they are looked for in `homes`.
    """
    journals = (journal for home in homes for journal in sorted(home.glob(f"*/{tables.FILE}")))
    places = [*([known] if known is not None else []), *(real(journal.parent) for journal in journals)]
    folders = [Folder(place) for place in dict.fromkeys(places)]
    ours = [folder for folder in folders if folder.is_sandbox == is_sandbox and _names(folder, file)]
    return sorted(ours, key=lambda folder: not waiting(folder))


def _names(folder: Folder, file: Path) -> bool:
    try:
        with Ledger.if_begun(folder.path) as ledger:
            named = ledger.meta("file") if ledger is not None else None
            return named is not None and real(folder.path / named) == real(file)
    except (IntegrityError, StoreError):
        return False  # one that cannot be read names no one
