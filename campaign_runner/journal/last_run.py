"""What a journal notes of the last run: when it began, how it ended, and what the campaign file said.

The first note begins with the run and is completed at its end: a run that was killed leaves a beginning without an end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from campaign_runner.errors import IntegrityError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Bought

LAST_RUN = "last_run"
"""Under which name the journal notes it: JSON of `began`, `ended` (ISO 8601), `exit`, `images` and `requests`."""

LAST_CAMPAIGN = "last_campaign"
"""Under which name the journal notes the campaign file of the last run: JSON of `text`, `pictures`, `sha256`, and
`products` where they were read from a sheet."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """`ended` and `exit`, its exit status, are None while it goes on, and for ever if it was killed.

    `bought` is None then, too, and of the runs of earlier versions.
    """

    began: datetime
    ended: datetime | None = None
    exit: int | None = None
    bought: Bought | None = None

    def end(self, at: datetime, code: int, bought: Bought) -> LastRun:
        """The same run at its end."""
        return replace(self, ended=at, exit=code, bought=bought)

    def as_note(self) -> dict[str, str]:
        """What the journal notes."""
        ended = None if self.ended is None else _written(self.ended)
        bought = {} if self.bought is None else asdict(self.bought)
        return {LAST_RUN: json.dumps({"began": _written(self.began), "ended": ended, "exit": self.exit} | bought)}


def last_run(ledger: Ledger) -> LastRun | None:
    """What the journal notes of the last run; None where only earlier versions ran, which noted none.

    Raises IntegrityError.
    """
    noted = ledger.meta(LAST_RUN)
    if noted is None:
        return None
    try:
        told = json.loads(noted)
        began, ended, code = told["began"], told["ended"], told["exit"]
        return LastRun(
            datetime.fromisoformat(began),
            None if ended is None else datetime.fromisoformat(ended),
            None if code is None else int(code),
            Bought(int(told["images"]), int(told["requests"])) if "images" in told else None,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{_note(LAST_RUN)} is damaged; restore a backup") from error


@dataclass(frozen=True, slots=True)
class LastCampaign:
    """The campaign file of the last run: what it said (UTF-8), the SHA-256 of its bytes where that was noted, the
    SHA-256 of its reference images by their path from it, and the rows of its sheet of products, if it had one.
    """

    content: bytes
    pictures: Mapping[str, str]
    sha256: str | None
    rows: str | None = None

    @classmethod
    def read(cls, noted: str) -> LastCampaign:
        """As it is noted, see LAST_CAMPAIGN. Raises ValueError, TypeError or KeyError."""
        told = json.loads(noted)
        sha256, rows = (str(told[name]) if name in told else None for name in ("sha256", "products"))
        return cls(str(told["text"]).encode(), dict(told["pictures"]), sha256, rows)


def noted_campaign(ledger: Ledger) -> LastCampaign | None:
    """None where nothing was noted: nothing ran to its first request, or only versions that noted none.

    Raises IntegrityError.
    """
    noted = ledger.meta(LAST_CAMPAIGN)
    try:
        return None if noted is None else LastCampaign.read(noted)
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{_note(LAST_CAMPAIGN)} is damaged; restore a backup") from error


def _note(name: str) -> str:
    return f"the journal's note of the last run ({name})"


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
