"""How many jobs are under way at once: the slots of jobs that are made, and the room of those that are fetched.

A job about which no one says anything gives up its slot and is followed on without one, so that others are
asked for. While as many jobs as there are slots are in that state, no permit is asked for: what is bought
then could not be fetched either.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from campaign_runner.ports import Wait
from campaign_runner.run.stop import Level, Stop

ASK_LATER = Wait(30.0, "status")
"""While they are silent: the seconds after which it is asked again whether anything may be sent."""


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

    async def admitted(self, level: Level) -> bool:
        """Wait for room and a slot; False if the run stops first."""
        if not await self._stop.acquired(level, self._room):
            return False
        if not await self._stop.acquired(level, self._slots):
            self._room.release()
            return False
        return True

    def slot_held(self) -> ExitStack:
        """The slot of a job in flight; `close` frees it before the block ends."""
        return _released(self._slots)

    def room_held(self) -> ExitStack:
        """The room a job takes until its images are stored."""
        return _released(self._room)

    def give_up(self, attempt_id: str, slot: ExitStack) -> None:
        """No one says the status of a job: others may have its slot."""
        slot.close()
        self._unanswered.add(attempt_id)

    def answered(self, attempt_id: str) -> None:
        """Someone says the status of the job, or it is not followed any more."""
        self._unanswered.discard(attempt_id)

    def is_unanswered(self, attempt_id: str) -> bool:
        return attempt_id in self._unanswered


def _released(semaphore: asyncio.Semaphore) -> ExitStack:
    stack = ExitStack()
    stack.callback(semaphore.release)
    return stack
