"""The claim of what a run is about to buy: a committed `Submitting`, made under one lock of all runs beside it.

Before a request leaves, the journals of the campaigns beside ours are looked into once more. What one of them has
stored, waits for or may have been charged for is taken out of the request; what is left is committed, and only then
the lock is let go. So two runs never buy the same image, in whatever order, and there is no list of claims to be wrong:
what a killed run left unanswered is a doubt in its own journal.

`Claiming` is a Journal that wraps another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import TypeVar

from campaign_runner.disk import files
from campaign_runner.disk.locks import KernelLock, refuse_links
from campaign_runner.disk.shared_calls import SharedCalls, in_loop
from campaign_runner.errors import LaterError
from campaign_runner.events import Attempt, Fact, Refused
from campaign_runner.model import Job
from campaign_runner.ports import CampaignJournal, Journal, Permit, Unfinished
from campaign_runner.reuse.neighbours import Neighbours
from campaign_runner.run.submitter import NOT_SENT
from campaign_runner.tasks import in_thread, to_its_end

T = TypeVar("T")
FILE = ".buying"
LONGEST_WAIT = 30.0
"""Seconds: it is held for milliseconds, so by then the process that holds it was stopped in the middle."""
LOOK_AGAIN = 0.01
"""Seconds until another try to get the lock."""
STILL_KNOWN = 1.0
"""Seconds for which a look that saw no one else write is enough to ask for the allowance."""


class Claiming(Journal):
    """A Journal over that of one output folder which grants only what no campaign beside it has or buys.

    `home` is the folder of outputs; without `neighbours` no one is looked at. `turn` is that of this process. The
    keys that are left to others are put into `left`. `began` is told, before a request leaves, how many were ever about
    to be sent from this folder; it may raise StoreError, then nothing leaves.
    """

    def __init__(
        self,
        journal: CampaignJournal,
        home: Path,
        neighbours: Neighbours | None,
        *,
        turn: asyncio.Lock,
        left: set[str],
        began: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._journal = journal
        self._file = home / FILE
        self._kernel_lock = KernelLock(self._file)
        self._looked = -inf  # when, by the loop's clock
        self._neighbours = neighbours
        self._left = left
        self._began = began
        self._turn = turn
        self._claims = SharedCalls(in_loop(self._claimed))
        self._looks = None if neighbours is None else SharedCalls(in_loop(partial(self._look_for, neighbours)))

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """See Journal.intend; those who ask at once share a claim, and leave only once it is made.

        Raises LaterError where another run does not let go of the lock, StoreError.
        """
        granted: Sequence[Attempt] = await to_its_end(self._claims.asked(attempts))
        return granted

    async def _claimed(self, asked: list[Sequence[Attempt]]) -> list[list[Attempt]]:
        """What is granted to each of those who ask."""
        granted = {each.id: each for each in await self._begun([attempt for some in asked for attempt in some])}
        return [[granted[attempt.id] for attempt in some if attempt.id in granted] for some in asked]

    async def _begun(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        granted = await self._granted(attempts, self._neighbours)
        if granted and self._began is not None:
            try:
                await self._began(await self._journal.begun())
            except BaseException:  # also where we are cancelled: it will not be sent, and is no doubt
                await self._journal.record([Refused(attempt, NOT_SENT) for attempt in granted])
                raise
        return granted

    async def is_wanted(self, job: Job) -> bool:
        """See Journal.is_wanted; those who ask at once share a look.

        Where no one else wrote of late, it is not looked again within a second.
        """
        if self._neighbours is None or self._looks is None:
            return True
        now = asyncio.get_running_loop().time()
        if now - self._looked < STILL_KNOWN and not self._neighbours.may_hold(job.keys):
            return True
        theirs: set[str] = await to_its_end(self._looks.asked(job.keys))
        return not theirs.issuperset(job.keys)

    async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
        """See Journal.record."""
        return await self._journal.record(facts, answers=answers)

    def unfinished(self) -> AsyncIterator[Unfinished]:
        """See Journal.unfinished."""
        return self._journal.unfinished()

    async def _granted(self, attempts: Sequence[Attempt], neighbours: Neighbours | None) -> Sequence[Attempt]:
        if neighbours is None or not attempts:
            return await self._journal.intend(attempts)
        async with self._turn, self._lock(partial(self._left_of, attempts, neighbours)) as left:
            self._looked = asyncio.get_running_loop().time()
            return await self._journal.intend(left)

    async def _look_for(self, neighbours: Neighbours, asked: list[Sequence[str]]) -> list[set[str]]:
        """What others have or buy of all that is asked for."""
        now = asyncio.get_running_loop().time()
        async with self._turn:
            theirs = await in_thread(self._theirs, [key for keys in asked for key in keys], neighbours)
            self._looked = now
        return [theirs] * len(asked)

    def _theirs(self, keys: Sequence[str], neighbours: Neighbours) -> set[str]:
        """Those of `keys` that others have or buy, as of now."""
        self._look(neighbours)
        held = neighbours.holding(keys)
        self._left |= held
        return held

    def _look(self, neighbours: Neighbours) -> None:
        """By the clock that stamps the files of this disk: the time that the file of the lock gets now."""
        refuse_links(self._file)
        with files.translating(self._file):
            self._file.touch(files.NEW_FILE)
            moment = self._file.stat().st_mtime_ns
        neighbours.look(moment)

    def _without_theirs(self, attempts: Sequence[Attempt], neighbours: Neighbours) -> list[Attempt]:
        """The attempts without what others have or buy; not those of which nothing is left."""
        held = self._theirs([key for attempt in attempts for key in attempt.job.keys], neighbours)
        rest = (
            (attempt, tuple(each for each in attempt.job.variations if each.key not in held)) for attempt in attempts
        )
        return [replace(attempt, job=Job(attempt.job.recipe, some)) for attempt, some in rest if some]

    def _left_of(self, attempts: Sequence[Attempt], neighbours: Neighbours, lock: KernelLock) -> list[Attempt] | None:
        """What others leave of the attempts, with `lock` taken; None where another run has it."""
        self._look(neighbours)  # what takes long is read while no one has to wait for us
        return self._without_theirs(attempts, neighbours) if lock.take() else None

    @asynccontextmanager
    async def _lock(self, take: Callable[[KernelLock], T | None]) -> AsyncIterator[T]:
        """The lock of all runs below this folder of outputs, with what `take` answers once it has taken it."""
        lock, clock = self._kernel_lock, asyncio.get_running_loop().time
        until = clock() + LONGEST_WAIT
        try:
            while (taken := await in_thread(take, lock)) is None:
                if clock() >= until:
                    raise LaterError(
                        f"another run has locked {self._file} for {LONGEST_WAIT:.0f} s; nothing more was sent. "
                        "Is it suspended? End it, or wait for it, and run again"
                    )
                await asyncio.sleep(LOOK_AGAIN)
            yield taken
        finally:
            lock.release()
