"""When a campaign last ran and how that ended: one note in its journal, begun with the run and completed at its end.

A run that was killed leaves a beginning without an end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from campaign_runner.errors import IntegrityError
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import Bought

LAST_RUN = "last_run"
"""Under which name the journal notes it: JSON of `began`, `ended` (ISO 8601), `exit`, `images` and `requests`."""


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
        raise IntegrityError(f"the journal's note of the last run ({LAST_RUN}) is damaged; restore a backup") from error


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
