"""A worker that is killed before or after each of its calls: the next one pays nothing twice, loses nothing.

A call is one of the database or of the place of the images. They are not listed here: a run counts them, from looking
at what was submitted to saying how it ended. `FLEET_CRASH_POINTS=all` kills at each of them, otherwise at some.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest

from campaign_runner.events import Event, Submitting
from campaign_runner.fleet import place as fleet_place
from campaign_runner.fleet.database import Connection, Database, DatabaseSettings
from campaign_runner.fleet.images.place import FolderPlace, Version
from campaign_runner.fleet.place import FleetPlace, FleetSettings
from campaign_runner.fleet.work.carrying import Carrier, WorkerAccount
from campaign_runner.fleet.work.driver import Driver
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.model import State
from campaign_runner.ports import Store
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.run.stop import Stop
from campaign_runner.session.request import RunRequest, ServiceAccess, UserInterface
from campaign_runner.tasks import in_thread
from tests.fixtures import Begin
from tests.fleet import postgres
from tests.night import FAST, Night

pytestmark = pytest.mark.proof
T = TypeVar("T")
Work = Callable[[Connection], Awaitable[T]]
LEASE = 30.0
ROUNDS = 12
"""Sweeps within which what a crash left is to be taken up and ended."""


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
    """How many calls a process lives to see: with `is_late`, the last one is done and not heard of."""

    calls: float = float("inf")
    is_late: bool = False
    made: int = 0
    died: asyncio.Event = field(default_factory=asyncio.Event)

    async def spend(self, call: Callable[..., Awaitable[T]], *values: Any, **named: Any) -> T:
        """The answer of a call, unless the process dies by then."""
        self.live()
        self.made += 1
        if self.made >= self.calls and not self.is_late:
            self._die()
        answer = await call(*values, **named)
        if self.made >= self.calls:
            self._die()
        return answer

    def live(self) -> None:
        if self.died.is_set():
            raise asyncio.CancelledError

    def _die(self) -> None:
        self.died.set()
        raise asyncio.CancelledError


class MortalDatabase(Database):
    """The database as a process sees it that dies. Its clock is that of the night."""

    def __init__(
        self, settings: DatabaseSettings, *, beside: asyncio.AbstractEventLoop, life: Life, now: Callable[[], datetime]
    ) -> None:
        super().__init__(settings)
        self._beside, self._life, self._time = beside, life, now

    async def within(self, patience: float, work: Work[T]) -> T:
        return await self._life.spend(self._really, super().within, patience, work)

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


class MortalStore:
    """A store as a process sees it that dies."""

    def __init__(self, inner: Store, life: Life) -> None:
        self._inner, self._life = inner, life

    def __getattr__(self, name: str) -> Any:
        self._life.live()
        found = getattr(self._inner, name)
        return partial(self._life.spend, found) if inspect.iscoroutinefunction(found) else found


class MortalImages(FolderPlace):
    """The place of the images as a process sees it that dies."""

    def __init__(self, home: Path, life: Life) -> None:
        super().__init__(home)
        self._life = life

    def store(self, prefix: str) -> Any:
        return MortalStore(super().store(prefix), self._life)

    async def _put(self, name: str, content: bytes, before: Version | None) -> bool:
        return await self._life.spend(super()._put, name, content, before)

    async def _version(self, name: str) -> Version | None:
        return await self._life.spend(super()._version, name)

    async def _read(self, name: str, most_bytes: int) -> bytes | None:
        return await self._life.spend(super()._read, name, most_bytes)


@dataclass
class Machine:
    """A machine of the fleet in one life: its state folder is its own, the record and the images are common to all.

    `told` hears what happens to the run.
    """

    night: Night
    account: str
    name: str
    beside: asyncio.AbstractEventLoop
    life: Life = field(default_factory=Life)
    told: Callable[[Event, Control], None] = lambda event, control: None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[FleetPlace, Database]]:
        night, fleet = self.night, postgres.shared()
        database = fleet.server.settings(fleet.with_turned_clock)
        mortal = partial(MortalDatabase, beside=self.beside, life=self.life, now=night.now)
        images = MortalImages(night.home / "images", self.life)
        settings = FleetSettings(database, images, night.home / self.name, lease=LEASE)
        place = FleetPlace(settings, lambda name: name, run_options=FleetPlace.options, goes_on=True)
        with patch.object(fleet_place, "Database", mortal):
            async with place.opened() as opened:
                yield place, opened

    @property
    def prefix(self) -> str:
        return f"{self.account}/night"

    def access(self, place: FleetPlace) -> ServiceAccess:
        night = self.night
        return ServiceAccess(
            night.origin, night.settings, night.home / self.name, quota=partial(place.quota, self.account)
        )

    async def submit(self) -> int:
        """What a driver does; the number of the run."""
        night = self.night
        async with self.opened() as (place, database):
            await database.call("set_allowance", self.account, 600, 9000)
            order = RunRequest(
                night.campaign(2, 2), place.folder(self.prefix), FAST, Limits(concurrency=1), sheets=False
            )
            ui = UserInterface(Control(night.clock(), Stop(), lambda event: None), lambda _: True, night.lines.append)
            assert await Driver(place, is_detached=True).run(order, self.access(place), ui) == 0
            return int((await database.call("open_run", self.prefix, LEASE))["run"])

    async def carry_out(self, number: int) -> None:
        """Take the run, as its task says."""
        async with self.opened() as (place, database):
            await place.settle_in()
            accounts = {self.account: WorkerAccount(self.account, self.access(place), FAST)}
            control = Control(self.night.clock(), Stop(), lambda event: None)
            carrier = Carrier(database, place, accounts, lambda _, what: self._hear(what, control), repr)
            await carrier.carry_out(number, control)

    def _hear(self, what: Event | str, control: Control) -> None:
        if not isinstance(what, str):
            self.told(what, control)

    async def carry_out_until_killed(self, number: int) -> None:
        running = asyncio.create_task(self.carry_out(number))
        killed = asyncio.create_task(self.life.died.wait())
        await asyncio.wait({running, killed}, return_when=asyncio.FIRST_COMPLETED)
        ended = {running, killed, *(task for task in asyncio.all_tasks() if "_CarriedRun" in repr(task.get_coro()))}
        for task in ended:
            task.cancel()
        await asyncio.wait(ended)
        if not running.cancelled():
            running.result()


@dataclass
class Fleet:
    """A run that was submitted, and the machines that work on it one after the other."""

    night: Night
    beside: asyncio.AbstractEventLoop
    account: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: int = 0

    async def begin(self) -> None:
        settings = postgres.shared().server.settings(postgres.shared().with_turned_clock)
        async with MortalDatabase(settings, beside=self.beside, life=Life(), now=self.night.now) as database:
            await FolderPlace(self.night.home / "images").note(database.identity.id)
        self.number = await self.machine("driver").submit()
        assert await self.is_queued(), "it is submitted with its task"

    def machine(self, name: str, life: Life | None = None, **how: Any) -> Machine:
        return Machine(self.night, self.account, name, self.beside, life or Life(), **how)

    async def is_queued(self) -> bool:
        """Whether there is a task for the run: it is taken, as the engine does for a worker."""
        query = f"DELETE FROM campaign_queue.procrastinate_jobs WHERE queueing_lock = 'run {self.number}' RETURNING id"

        async def taken(connection: Connection) -> bool:
            return await (await connection.execute(query.encode())).fetchone() is not None

        async with self.machine("sweeper").opened() as (_, database):
            return await database.within(30.0, taken)

    async def go_on(self) -> int:
        """What sweeper and workers make of what is left, until the run has ended: its exit status."""
        for _ in range(ROUNDS):
            async with self.machine("sweeper").opened() as (_, database):
                await database.call("sweep", LEASE)
            if (exit := await self.exit()) is not None:
                return exit
            if await self.is_queued():
                await self.machine("other").carry_out(self.number)
            await asyncio.sleep(LEASE / 3)
        raise AssertionError("no worker was found for the run")

    async def exit(self) -> int | None:
        """How the run ended; None while it is open."""
        async with self.machine("reader").opened() as (_, database):
            exit: int | None = (await database.call("look_at_run", self.number, LEASE))["exit"]
            return exit

    async def check(self, exit: int, most_in_doubt: int = 2) -> None:
        """Nothing is paid for twice, nothing is lost; the record and the images are a folder as any other."""
        night, prefix = self.night, f"{self.account}/night"
        folder = await self.record()
        with Ledger(folder) as ledger:
            counts = ledger.counts()
        assert counts[State.STORED] + counts[State.IN_DOUBT] == 4, "nothing is lost"
        assert counts[State.IN_DOUBT] <= most_in_doubt, "no more is in doubt than was under way"
        assert max(night.ledger.charged.values()) == 1, "and nothing is paid for twice"
        assert exit == (4 if counts[State.IN_DOUBT] else 0)
        shutil.copytree(night.home / "images" / prefix, night.output)
        shutil.copy(folder / FILE, night.output)
        assert (await night.run(night.campaign(2, 2))).code == exit  # the checker looks at it

    async def record(self) -> Path:
        async with self.machine("reader").opened() as (place, _):
            return (await place.read(f"{self.account}/night")).path


@asynccontextmanager
async def begun(begin: Begin) -> AsyncIterator[Fleet]:
    """A fleet to which a run was submitted."""
    night = await begin()
    with real_loop() as beside:
        fleet = Fleet(night, beside)
        await fleet.begin()
        yield fleet


CALLS = 52
"""At most, of a run of two requests for two images each. Images stored at once share one."""
POINTS = range(1, CALLS + 1) if os.environ.get("FLEET_CRASH_POINTS") == "all" else range(2, CALLS + 1, 5)


async def test_no_more_calls_are_made_than_are_tried(begin: Begin) -> None:
    async with begun(begin) as fleet:
        worker = fleet.machine("worker")
        await worker.carry_out(fleet.number)
        assert CALLS - 6 <= worker.life.made <= CALLS
        await fleet.check(await fleet.go_on(), most_in_doubt=0)


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("calls", POINTS)
async def test_a_worker_may_be_killed_at_every_call(calls: int, is_late: bool, begin: Begin) -> None:
    async with begun(begin) as fleet:
        killed = fleet.machine("worker", Life(calls, is_late))
        await killed.carry_out_until_killed(fleet.number)
        assert killed.life.died.is_set() or killed.life.made < calls
        await fleet.check(await fleet.go_on())


def _is_told_to_end(event: Event, control: Control) -> None:
    if isinstance(event, Submitting):
        control.signalled(signal.SIGTERM)


async def test_a_worker_that_puts_its_work_back_may_be_killed_meanwhile(begin: Begin) -> None:
    async with begun(begin) as fleet:
        told = fleet.machine("worker", told=_is_told_to_end)
        await told.carry_out(fleet.number)
        assert await fleet.is_queued(), "another goes on at once"
        await fleet.machine("other").carry_out(fleet.number)
        await fleet.check(await fleet.go_on(), most_in_doubt=0)
    for before_the_end in (0, 1, 2):
        async with begun(begin) as fleet:
            killed = fleet.machine("worker", Life(told.life.made - before_the_end), told=_is_told_to_end)
            await killed.carry_out_until_killed(fleet.number)
            assert killed.life.died.is_set()
            await fleet.check(await fleet.go_on(), most_in_doubt=0)
