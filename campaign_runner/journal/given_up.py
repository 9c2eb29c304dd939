"""What was true of an image before a person gave it up, as its events tell."""

from __future__ import annotations

import json
import sqlite3

from campaign_runner.model import State

_OF_IMAGES = "SELECT key, max(seq), kind, detail FROM events WHERE kind = 'failed' GROUP BY key"
_OF_REQUESTS = (
    "SELECT attempt, max(seq), kind, detail FROM events WHERE kind IN ('in_doubt', 'refused') GROUP BY attempt"
)
_Last = tuple[int, str, str]
"""The number of an event, its kind, and what it says."""


class BeforeGivenUp:
    """The last event before it of every image that failed or is in doubt; read once, since there may be many images."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._images: dict[str, _Last] = {key: last for key, *last in connection.execute(_OF_IMAGES)}
        self._requests: dict[str, _Last] = {attempt: last for attempt, *last in connection.execute(_OF_REQUESTS)}

    def of(self, key: str, attempt: str) -> dict[str, str | int | None]:
        """State, code and message of an image before. Raises ValueError where no event tells."""
        found = [last for last in (self._images.get(key), self._requests.get(attempt)) if last is not None]
        if not found:
            raise ValueError(key)
        _, kind, detail = max(found)
        told = json.loads(detail)
        state = State.IN_DOUBT if kind == "in_doubt" else State.FAILED
        return {"state": state, "code": told.get("code"), "message": told.get("message")}
