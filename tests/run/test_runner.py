"""The scheduler between ports that fail: crashes after every event, disks that refuse, parts with a bug."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from campaign_runner.errors import Busy, StoreError
from campaign_runner.events import Attempt, Fact
from campaign_runner.firefly.client import FireflyClient
from campaign_runner.journal.journal import SqliteJournal
from campaign_runner.journal.ledger import Ledger
from campaign_runner.model import State
from campaign_runner.output_folder.folder import Folder
from campaign_runner.plan.due import PlanStatus
from campaign_runner.plan.plan import Plan
from campaign_runner.ports import Permit, Put, Wait
from campaign_runner.quota.shared_quota import SharedQuota
from campaign_runner.run.control import Control
from campaign_runner.run.ending import Ending
from campaign_runner.run.limits import Limits, Ports
from campaign_runner.run.runner import Runner
from campaign_runner.run.stop import Stop
from campaign_runner.sandbox.faults import Fault
from campaign_runner.uptime import Deadline
from tests.fixtures import Begin
from tests.night import Night


class Wrapped:
    """Everything of `inner`, but for what a child overrides."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Mortal(Wrapped):
    """A journal of a process that dies after so many facts and those of their commit: nothing is written then."""

    def __init__(self, inner: Any, life: int) -> None:
        super().__init__(inner)
        self.life = life
        self.died = asyncio.Event()

    async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        await self._live()
        granted: Sequence[Attempt] = await self._inner.intend(attempts)
        await self._age(len(granted))
        return granted

    async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
        await self._live()
        recorded: Sequence[Fact] = await self._inner.record(facts, answers=answers)
        await self._age(len(facts))
        return recorded

    async def _live(self) -> None:
        if self.life <= 0:
            raise asyncio.CancelledError

    async def _age(self, facts: int) -> None:
        self.life -= facts
        if self.life <= 0:
            self.died.set()
        await self._live()


class Silenced(Wrapped):
    """The provider of that process: nothing leaves once it is dead."""

    def __init__(self, inner: Any, mortal: Mortal) -> None:
        super().__init__(inner)
        self.mortal = mortal

    def __getattr__(self, name: str) -> Any:
        if self.mortal.life <= 0:
            raise asyncio.CancelledError
        return super().__getattr__(name)


class FullDisk(Wrapped):
    """A store whose disk is full after so many images."""

    def __init__(self, inner: Any, room: int) -> None:
        super().__init__(inner)
        self.room = room

    async def put_new(self, name: str, content: bytes, sha256: str) -> Put:
        self.room -= 1
        if self.room < 0:
            raise StoreError("the disk is full")
        put: Put = await self._inner.put_new(name, content, sha256)
        return put


class Buggy(Wrapped):
    """A provider with a bug in one method, the first `times` times."""

    def __init__(self, inner: Any, method: str, times: int = 1) -> None:
        super().__init__(inner)
        self.method, self.times = method, times

    def __getattribute__(self, name: str) -> Any:
        if name in ("submit", "poll", "fetch") and name == self.method and self.times > 0:
            self.times -= 1
            raise ZeroDivisionError(f"a bug in {name}")
        return super().__getattribute__(name)


@asynccontextmanager
async def parts(night: Night) -> AsyncIterator[Ports]:
    """The real parts of a run."""
    folder = Folder(night.output)
    access = night.access()
    with folder.locked():
        async with SqliteJournal(folder.path, now=night.now) as journal:
            await journal.note({"campaign": "night", "origin": access.origin})
            async with FireflyClient(night.settings(), clock=night.now, steady=night.seconds) as firefly:
                quota = SharedQuota(access.state, access.account(), clock=lambda: night.now().timestamp())
                store = folder.store
                await store.ready()
                yield Ports(firefly, store, journal, quota)


async def run(night: Night, ports: Ports, requests: int = 3, *, concurrency: int = 2) -> Ending:
    control = Control(night.clock(), Stop(), lambda event: None)
    with Ledger(night.output) as ledger:
        status = PlanStatus(Plan(night.campaign(requests, 2)), ledger.states)
        return await Runner(ports, Limits(concurrency=concurrency), control=control).run(status.jobs())


WRITES = 2 * 3 + 3 * 2  # of a run of three requests for two images each: two a request, one an image


@pytest.mark.parametrize("survived", range(1, WRITES))
async def test_a_crash_after_any_event_never_pays_twice_and_loses_nothing(begin: Begin, survived: int) -> None:
    night = await begin()
    async with parts(night) as ports:
        mortal = Mortal(ports.journal, survived)
        provider = Silenced(ports.provider, mortal)
        running = asyncio.create_task(run(night, Ports(provider, ports.store, mortal, ports.quota)))
        await mortal.died.wait()
        running.cancel()
        await asyncio.wait({running})
    ended = await night.run(night.campaign(3, 2))
    assert ended.states["stored"] + ended.states["in_doubt"] == 6
    assert ended.states["in_doubt"] <= 4  # no more than were under way
    assert ended.code == (4 if ended.states["in_doubt"] else 0)
    assert max(night.ledger.charged.values()) == 1


async def test_a_full_disk_stops_the_run_and_the_next_one_fetches_for_nothing(begin: Begin) -> None:
    night = await begin()
    async with parts(night) as ports:
        full = FullDisk(ports.store, room=2)
        ending = await run(night, Ports(ports.provider, full, ports.journal, ports.quota))
        assert [type(error) for error in ending.errors] == [StoreError]
    bought = night.ledger.images_charged
    ended = await night.run(night.campaign(3, 2))
    assert ended.code == 0
    assert night.ledger.images_charged == 6 and bought >= 2


@pytest.mark.parametrize("method", ["submit", "poll", "fetch"])
async def test_a_bug_in_a_part_ends_the_run_in_good_order(begin: Begin, method: str) -> None:
    night = await begin()
    async with parts(night) as ports:
        began = night.seconds()
        ending = await run(night, Ports(Buggy(ports.provider, method), ports.store, ports.journal, ports.quota))
        assert [type(error) for error in ending.errors] == [ZeroDivisionError]
        assert night.seconds() - began < 30
    ended = await night.run(night.campaign(3, 2))
    assert ended.states["stored"] == (4 if method == "submit" else 6)


async def test_a_bug_in_the_plan_does_not_cut_off_what_is_under_way(begin: Begin) -> None:
    night = await begin()

    def jobs() -> Any:
        with Ledger(night.output) as ledger:
            yield from itertools.islice(PlanStatus(Plan(night.campaign(3, 2)), ledger.states).jobs(), 2)
        raise ZeroDivisionError("a bug in the plan")

    async with parts(night) as ports:
        control = Control(night.clock(), Stop(), lambda event: None)
        ending = await Runner(ports, Limits(concurrency=1), control=control).run(jobs())
        assert [type(error) for error in ending.errors] == [ZeroDivisionError]
    with Ledger(night.output) as ledger:  # the first was being fetched when the third was to be planned
        assert ledger.counts()[State.STORED] == 2
    assert (await night.run()).code == 0


def _tasks_of_the_client() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "RequestHandler" not in repr(task.get_coro())}


async def test_a_run_that_is_cancelled_leaves_no_task_and_no_permit_behind(begin: Begin) -> None:
    night = await begin(Fault("slow_after", where="submit", nth=2, seconds=50))
    async with parts(night) as ports:
        before = _tasks_of_the_client()
        running = asyncio.create_task(run(night, ports))
        await asyncio.sleep(4)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
        assert _tasks_of_the_client() == before
        await asyncio.sleep(61)
        assert (await ports.quota.allowance()).used_minute == 0
    ended = await night.run(night.campaign(3, 2))
    assert ended.states == {"stored": 4, "in_doubt": 2}


async def test_when_a_request_leaves_its_intent_is_in_the_journal(begin: Begin) -> None:
    night = await begin()
    known: list[set[str]] = []

    class Watched(Wrapped):
        async def submit(self, job: Any, permit: Permit | None = None) -> Any:
            with Ledger(night.output) as ledger:  # as another process reads it
                known.append(set(ledger.states(job.keys).values()))
            return await self._inner.submit(job, permit)

    async with parts(night) as ports:
        await run(night, Ports(Watched(ports.provider), ports.store, ports.journal, ports.quota))
    assert known == [{"in_doubt"}] * 3
    assert (await night.run(night.campaign(3, 2))).code == 0


async def test_a_permit_that_grew_old_sends_nothing_and_its_job_is_asked_for_again(begin: Begin) -> None:
    night = await begin()
    old: list[Permit] = []

    class Slow(Wrapped):
        async def acquire(self) -> Permit | Wait:
            permit: Permit | Wait = await self._inner.acquire()
            if old or not isinstance(permit, Permit):
                return permit
            old.append(replace(permit, deadline=Deadline(0.0)))
            return old[0]

    async with parts(night) as ports:
        await run(night, Ports(ports.provider, ports.store, ports.journal, Slow(ports.quota)))
        assert (await ports.quota.allowance()).used_day == 3  # what was not sent uses up nothing
    assert len(old) == 1
    ended = await night.run(night.campaign(3, 2))
    assert ended.states == {"stored": 6} and max(night.ledger.charged.values()) == 1


async def test_a_journal_that_refuses_spends_nothing(begin: Begin) -> None:
    night = await begin()

    class Refusing(Wrapped):
        async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
            raise StoreError("the disk is full")

    async with parts(night) as ports:
        ending = await run(night, Ports(ports.provider, ports.store, Refusing(ports.journal), ports.quota))
        assert [type(error) for error in ending.errors] == [StoreError]
        assert (await ports.quota.allowance()).used_minute == 0
    assert not night.ledger.entries
    assert (await night.run(night.campaign(3, 2))).code == 0


async def test_what_the_journal_does_not_grant_is_not_sent(begin: Begin) -> None:
    night = await begin()

    class Denying(Wrapped):
        async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
            return []

    async with parts(night) as ports:
        ending = await run(night, Ports(ports.provider, ports.store, Denying(ports.journal), ports.quota))
        assert not ending.errors
        assert (await ports.quota.allowance()).used_minute == 0
    assert not night.ledger.entries


async def test_what_the_run_that_took_over_stored_is_no_file_of_a_lost_record(begin: Begin) -> None:
    night = await begin()

    class TakenOver(Wrapped):
        async def intend(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
            raise Busy("another run took this campaign over; nothing more was sent")

    async with parts(night) as ports:
        (image, *_) = Plan(night.campaign(1, 2))
        file, theirs = f"{image.variation.stem}.jpg", b"stored by the other run"
        await ports.store.put_new(file, theirs, sha256(theirs).hexdigest())
        ending = await run(night, Ports(ports.provider, ports.store, TakenOver(ports.journal), ports.quota), 1)
        await ports.store.remove(file, sha256(theirs).hexdigest())
    assert [type(error) for error in ending.errors] == [Busy]
    assert not night.ledger.entries


@pytest.mark.parametrize("kind", ["Accepted", "Refused", "Doubted", "Stored", "Failed"])
async def test_a_journal_that_refuses_one_fact_loses_no_money(begin: Begin, kind: str) -> None:
    night = await begin(Fault("503", nth=1), Fault("reset_after", nth=3), Fault("fewer_outputs"))

    class Forgetful(Wrapped):
        async def record(self, facts: Sequence[Fact], *, answers: Sequence[Permit] = ()) -> Sequence[Fact]:
            if any(type(fact).__name__ == kind for fact in facts):
                raise StoreError("the disk is full")
            recorded: Sequence[Fact] = await self._inner.record(facts, answers=answers)
            return recorded

    async with parts(night) as ports:
        ending = await run(night, Ports(ports.provider, ports.store, Forgetful(ports.journal), ports.quota))
        assert {type(error) for error in ending.errors} == {StoreError}
        await asyncio.sleep(61)
        assert (await ports.quota.allowance()).used_minute == 0
    ended = await night.run(night.campaign(3, 2))
    assert sum(ended.states.values()) == 6
    assert ended.states["pending"] == 0


async def test_a_signal_while_the_permit_is_granted_sends_nothing_and_gives_it_back(begin: Begin) -> None:
    night = await begin()
    control = Control(night.clock(), Stop(), lambda event: None)

    class Signalling(Wrapped):
        async def acquire(self) -> Any:
            granted = await self._inner.acquire()
            control.signalled(15)
            return granted

    async with parts(night) as ports:
        given = Ports(ports.provider, ports.store, ports.journal, Signalling(ports.quota))
        with Ledger(night.output) as ledger:
            jobs = PlanStatus(Plan(night.campaign(2, 1)), ledger.states).jobs()
            await Runner(given, Limits(concurrency=1), control=control).run(jobs)
        assert (await ports.quota.allowance()).used_minute == 0
    assert not night.ledger.entries
