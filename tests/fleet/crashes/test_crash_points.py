"""A worker that is killed before or after each call of the database: the next one pays nothing twice, loses nothing."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from campaign_runner.firefly.client import FireflyClient
from campaign_runner.fleet.database import Connection, Database
from campaign_runner.fleet.lease import campaign_of
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.record.journal import FleetJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.model import State
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.run.control import Control
from campaign_runner.run.ending import Ending
from campaign_runner.run.limits import Limits, Ports
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Stop
from campaign_runner.tasks import in_thread
from tests.fixtures import Begin
from tests.fleet import postgres
from tests.fleet.opened_journal import taken
from tests.night import Night

pytestmark = pytest.mark.proof
T = TypeVar("T")
Work = Callable[[Connection], Awaitable[T]]


@contextmanager
def real_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop beside that of the test, whose clock is the real one: the server is another process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Life:
    """How many calls of the database a process lives to see: with `is_late`, the last one is done and not heard of."""

    calls: float = float("inf")
    is_late: bool = False
    made: int = 0
    died: asyncio.Event = field(default_factory=asyncio.Event)

    def live(self) -> None:
        if self.died.is_set():
            raise asyncio.CancelledError

    def die(self) -> None:
        self.died.set()
        raise asyncio.CancelledError


class MortalDatabase(Database):
    """The database as a process sees it that dies. Its clock is that of the night."""

    def __init__(self, beside: asyncio.AbstractEventLoop, life: Life, now: Callable[[], datetime]) -> None:
        fleet = postgres.shared()
        super().__init__(fleet.server.settings(fleet.with_turned_clock))
        self._beside, self.life, self._time = beside, life, now

    async def within(self, patience: float, work: Work[T]) -> T:
        self.life.live()
        self.life.made += 1
        if self.life.made >= self.life.calls and not self.life.is_late:
            self.life.die()
        answer = await self._really(super().within, patience, work)
        if self.life.made >= self.life.calls:
            self.life.die()
        return answer

    async def __aexit__(self, *_: object) -> None:
        await self._elsewhere(super().__aexit__())

    async def _really(self, within: Callable[[float, Work[T]], Awaitable[T]], patience: float, work: Work[T]) -> T:
        moment = self._time()

        async def on_time(connection: Connection) -> T:
            await connection.execute("UPDATE campaign_runner.turned SET at = %s", (moment,))
            return await work(connection)

        answer: T = await self._elsewhere(within(patience, on_time))
        return answer

    async def _elsewhere(self, work: Any) -> Any:
        """Where the clock does not jump; ours waits for it."""

        async def done() -> Any:
            return await work

        begun = asyncio.run_coroutine_threadsafe(done(), self._beside)
        return await in_thread(begun.result)  # also where we are cancelled


class Silenced:
    """A part of a process that does nothing once it is dead."""

    def __init__(self, inner: Any, life: Life) -> None:
        self._inner, self._life = inner, life

    def __getattr__(self, name: str) -> Any:
        self._life.live()
        return getattr(self._inner, name)


@dataclass
class Worker:
    """A process of the fleet on its own machine: `copy` is its disk's, the images' store is common to all."""

    night: Night
    prefix: str
    copy: Path
    beside: asyncio.AbstractEventLoop
    life: Life = field(default_factory=Life)

    @asynccontextmanager
    async def ports(self) -> AsyncIterator[Ports]:
        night, account = self.night, self.prefix
        database = MortalDatabase(self.beside, self.life, night.now)
        async with database:
            campaign = await campaign_of(database, account, self.prefix)
            epoch = await taken(database, campaign)
            home = self.copy.parent / "state" / self.copy.name
            async with FleetJournal(
                database, campaign, epoch=epoch, folder=self.copy, home=home, now=night.now
            ) as journal:
                await journal.note({"campaign": "night", "origin": night.access().origin})
                async with FireflyClient(night.settings(), clock=night.now, steady=night.seconds) as firefly:
                    store = night.folder.store
                    await store.ready()
                    parts = [Silenced(part, self.life) for part in (firefly, store)]
                    yield Ports(parts[0], parts[1], journal.sharing(set()), FleetQuota(database, account))

    async def run(self) -> Ending | None:
        """Until it is done, or dead."""
        night = self.night
        async with self.ports() as ports:
            control = Control(night.clock(), Stop(), lambda event: None)
            with Ledger(self.copy) as ledger:
                jobs = PlanStatus(Plan(night.campaign(2, 2)), ledger.states).jobs()
                return await Runner(ports, Limits(concurrency=1), control=control).run(jobs)

    async def run_until_killed(self) -> None:
        running = asyncio.create_task(self.run())
        killed = asyncio.create_task(self.life.died.wait())
        await asyncio.wait({running, killed}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        killed.cancel()
        await asyncio.wait({running, killed})


CALLS = 20
"""At most, of a run of two requests for two images each, with opening and taking. Images stored at once share one."""


async def test_no_more_calls_are_made_than_are_tried(begin: Begin) -> None:
    night = await begin()
    with real_loop() as beside:
        worker = Worker(night, uuid.uuid4().hex, night.output, beside)
        ending = await worker.run()
        assert ending is not None and not ending.errors
    assert CALLS - 4 <= worker.life.made <= CALLS
    assert (await night.run(night.campaign(2, 2))).states == {"stored": 4}


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("calls", range(1, CALLS + 1))
async def test_a_worker_may_be_killed_at_every_call_of_the_database(calls: int, is_late: bool, begin: Begin) -> None:
    night, prefix = await begin(), uuid.uuid4().hex
    with real_loop() as beside:
        killed = Worker(night, prefix, night.home / "other machine" / "copy", beside, Life(calls, is_late))
        await killed.run_until_killed()
        assert killed.life.died.is_set() or killed.life.made < calls
        bought = night.ledger.images_charged
        ending = await Worker(night, prefix, night.output, beside).run()
        assert ending is not None and not ending.errors
    with Ledger(night.output) as ledger:
        counts = ledger.counts()
    assert counts[State.STORED] + counts[State.IN_DOUBT] == 4, "nothing is lost"
    assert counts[State.IN_DOUBT] <= 2, "no more is in doubt than was under way"
    assert max(night.ledger.charged.values()) == 1, "and nothing is paid for twice"
    assert bought <= 4
    ended = await night.run(night.campaign(2, 2))  # the copy is a journal as any other, which the checker looks at
    assert ended.code == (4 if counts[State.IN_DOUBT] else 0)
    assert (night.output / FILE).exists()
