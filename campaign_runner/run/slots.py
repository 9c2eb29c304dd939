"""How many jobs are under way at once: the slots of jobs that are made, and the room of those that are fetched.

A job about which no one says anything gives up its slot and is followed on without one, so that others are
asked for. While as many jobs as there are slots are in that state, no permit is asked for: what is bought
then could not be fetched either.
"""

from __future__ import annotations

import asyncio

from campaign_runner.ports import Wait
from campaign_runner.run.stop import Level, Stop

ASK_LATER = Wait(30.0, "status")
"""While they are silent: the seconds after which it is asked again whether anything may be sent."""


class JobPlace:
    """What a job under way takes: a slot until it is finished, and room until its images are stored."""

    __slots__ = ("_room", "_slots")

    def __init__(self, slots: asyncio.Semaphore, room: asyncio.Semaphore) -> None:
        self._slots: asyncio.Semaphore | None = slots
        self._room = room

    def free_slot(self) -> None:
        """It is finished, or no one says how it is: another may have its slot."""
        if self._slots is not None:
            self._slots.release()
            self._slots = None

    def leave(self) -> None:
        """It is not under way any more. Once."""
        self.free_slot()
        self._room.release()


class Slots:
    """`most` jobs between submit and the end of polling; twice as many until their images are stored."""

    def __init__(self, most: int, stop: Stop) -> None:
        self._most = most
        self._stop = stop
        self._slots = asyncio.Semaphore(most)
        self._room = asyncio.Semaphore(2 * most)  # bounds what waits for its download, too
        self._unanswered: set[str] = set()  # attempts

    @property
    def are_silent(self) -> bool:
        """Whether as many jobs as there are slots are unanswered."""
        return len(self._unanswered) >= self._most

    async def admitted(self, level: Level) -> JobPlace | None:
        """Wait for room and a slot; None if the run stops first."""
        if not await self._stop.acquired(level, self._room):
            return None
        if not await self._stop.acquired(level, self._slots):
            self._room.release()
            return None
        return JobPlace(self._slots, self._room)

    def give_up(self, attempt_id: str, place: JobPlace) -> None:
        """No one says the status of a job: others may have its slot."""
        place.free_slot()
        self._unanswered.add(attempt_id)

    def answered(self, attempt_id: str) -> None:
        """Someone says the status of the job, or it is not followed any more."""
        self._unanswered.discard(attempt_id)

    def is_unanswered(self, attempt_id: str) -> bool:
        return attempt_id in self._unanswered
