"""A worker: takes runs that were submitted, many at a time, and sees that none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from campaign_runner.fleet.database import DatabaseGone, DatabaseSettings
from campaign_runner.fleet.work.carrying import Carrier
from campaign_runner.fleet.work.dispatcher import Dispatcher
from campaign_runner.run.control import Clock, Control
from campaign_runner.run.stop import Stop
from campaign_runner.tasks import TaskSet
from campaign_runner.uptime import uptime

AT_ONCE = 20
"""Campaigns that a worker takes at the same time: one process outruns any allowance."""
_SWEEPS = 3
"""How often within a lease a worker looks for runs that no worker has."""


@dataclass(slots=True)
class _Begun:
    """A run that this worker works on. `done` is set once it says in the record how it ended."""

    control: Control = field(default_factory=lambda: Control(Clock(uptime=uptime), Stop(), lambda event: None))
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Use as `await Worker(…).serve()`, within which signals are told by `signalled`."""

    def __init__(self, settings: DatabaseSettings, carrier: Carrier, *, lease: float) -> None:
        self._carrier = carrier
        self._lease = lease
        self._begun: dict[int, _Begun] = {}
        self._failures: list[BaseException] = []
        self._ends = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks = TaskSet(self._failed)
        accounts = sorted({account.digest for account in carrier.accounts.values()})
        told = partial(carrier.told, "worker")
        self._dispatcher = Dispatcher(settings, accounts, self._look, at_once=AT_ONCE, lease=lease, told=told)

    @property
    def was_signalled(self) -> bool:
        """Whether a signal came already: a second one leaves at once."""
        return self._ends.is_set()

    def signalled(self, number: int) -> None:
        """Take nothing more, and end what was begun: answers and writes under way have a few seconds left."""
        self._ends.set()
        for begun in self._begun.values():
            begun.control.signalled(number)

    async def serve(self) -> None:
        """Until a signal comes, and what was begun is put back. Raises what the record refuses every run for."""
        async with self._tasks, TaskSet(self._failed) as own:
            own.start(self._dispatcher.serve())
            own.start(self._sweep())
            await self._ends.wait()
            own.cancel()
            await self._all_done(self._begun.values())
        if self._failures:
            raise self._failures[0]

    async def _all_done(self, begun: Collection[_Begun]) -> None:
        for each in list(begun):
            await each.done.wait()

    def _failed(self, error: BaseException) -> None:
        self._failures.append(error)
        self._ends.set()

    async def _sweep(self) -> None:
        """Nothing that is open is forgotten, whatever becomes of the engine's tasks."""
        while True:
            with suppress(DatabaseGone):
                await self._carrier.database.call("sweep", self._lease, patience=self._lease)
            await asyncio.sleep(self._lease / _SWEEPS)

    async def _look(self, number: int) -> None:
        """See Dispatcher: its task waits for a place among what was begun, and for the run, which outlives it.

        What waits for a place is given out to another worker, too, and is none of ours once that has it.
        """
        if number not in self._begun:
            await self._places.acquire()
            self._begin(number)
        if (begun := self._begun.get(number)) is not None:
            await begun.done.wait()

    def _begin(self, number: int) -> None:
        """In the place that was acquired for it; not where another task of the same run was quicker."""
        if self.was_signalled or number in self._begun:
            self._places.release()
            return
        begun = self._begun[number] = _Begun()
        self._tasks.start(self._carry_out(number, begun))

    async def _carry_out(self, number: int, begun: _Begun) -> None:
        try:
            with suppress(DatabaseGone):  # it is open, and the sweeper finds it
                await self._carrier.carry_out(number, begun.control)
        finally:
            del self._begun[number]
            self._places.release()
            begun.done.set()
