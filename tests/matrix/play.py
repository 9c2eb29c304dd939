"""How a kind of failure is played: a night of five jobs, one of which is struck, and the night after.

A run is cold, or it goes on with one that was stopped in the middle, one job stored and one
accepted. The struck job is the first that the failure can reach, one in the middle, or the last.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass

from campaign_runner.events import Accepted, Attempt, Event, Submitting
from campaign_runner.run.control import Control
from campaign_runner.run.limits import Limits
from campaign_runner.sandbox.faults import Fault
from tests.matrix.kinds import BEGINNING, SEEDS, Cell, Play
from tests.night import SECRET, Ended, Night

JOBS = 5
STOPPED_AT = 2
"""The job at whose acceptance the earlier run is stopped; the one before it is stored."""
ONE_BY_ONE = Limits(concurrency=1)
AN_HOUR, A_DAY = 3600.0, 25 * 3600.0
AT_SUBMIT = {"no_job_id", "repeated_job_id"}
"""Faults of a job that are met when it is asked for."""


@dataclass
class Strike:
    """Watches the runs of a night, and strikes the job at `position` (from 1); 0 is a run as it begins."""

    night: Night
    what: Play
    position: int
    is_done: bool = False
    stop_at: int | None = None

    def __call__(self, event: Event, control: Control) -> None:
        if isinstance(event, Submitting | Accepted):
            position = _position(event.attempt)
            is_its_moment = isinstance(event, Accepted) == self.is_later and not (self.is_later and self.stop_at)
            if position == self.position and is_its_moment:
                self.now()
            if position == self.stop_at and isinstance(event, Accepted):
                control.signalled(signal.SIGTERM)

    @property
    def is_later(self) -> bool:
        """Whether it strikes what is accepted: it then counts from the job's own polls and downloads."""
        return any(fault.place in ("poll", "download") for fault in self.what.faults)

    def now(self) -> None:
        """From here on everything is wrong that is to be."""
        if self.is_done:
            return
        self.is_done = True
        for fault in self.what.faults:
            self.night.strike(fault)
        if self.what.act is not None:
            self.what.act(self.night)


async def play(night: Night, what: Play, cell: Cell) -> None:
    """The run, what it must leave, and the night after."""
    campaign = night.campaign(requests=JOBS, seeds=SEEDS)
    strike = Strike(night, what, _position_in(what, cell))
    if cell[1] == "resumed":
        await _stopped(night, strike)
    if strike.position == 0 or (cell == ("first", "resumed") and strike.is_later):
        strike.now()
    ended = await night.run(campaign, limits=ONE_BY_ONE, watch=strike, secret=what.secret or SECRET)
    assert strike.is_done, "nothing was struck"
    assert (ended.code, ended.states) == (what.exit, _expected(what, strike.position, cell)), ended.lines
    _check_reasons(what, ended)
    assert night.ledger.images_charged == SEEDS * _charged(what, strike.position, cell)
    await _the_night_after(night, what, ended)


async def _stopped(night: Night, strike: Strike) -> None:
    """A run that is stopped while its second job is made."""
    strike.stop_at = STOPPED_AT
    ended = await night.run(limits=ONE_BY_ONE, watch=strike)
    strike.stop_at = None
    assert (ended.code, ended.states) == (143, {"stored": 2, "accepted": 2, "pending": 6})


async def _the_night_after(night: Night, what: Play, ended: Ended) -> None:
    night.forgive()
    await asyncio.sleep(A_DAY if what.stays else AN_HOUR)
    again = await night.run(limits=ONE_BY_ONE)
    healed = Counter(ended.states)
    healed["stored"] += healed.pop("pending", 0)
    healed["failed" if what.stays else "stored"] += healed.pop("accepted", 0)
    assert again.states == +healed
    assert again.code == (4 if healed["in_doubt"] else 3 if healed["failed"] else 0)


def _position_in(what: Play, cell: Cell) -> int:
    which, start = cell
    if what.cells == BEGINNING:
        return 0
    if which != "first":
        return {"middle": 3 if start == "cold" else 4, "last": JOBS}[which]
    if start == "cold":
        return 1
    return STOPPED_AT + (what.act is not None or any(map(_is_met_at_submit, what.faults)))


def _is_met_at_submit(fault: Fault) -> bool:
    return fault.place == "submit" or fault.kind in AT_SUBMIT


def _expected(what: Play, position: int, cell: Cell) -> Counter[str]:
    """The states of all images after the run."""
    if position == 0 and what.stops:
        return Counter(stored=2, accepted=2, pending=6) if cell[1] == "resumed" else Counter(pending=SEEDS * JOBS)
    states = Counter(what.leaves)
    states["stored"] += SEEDS * max(position - 1, 0)
    states["pending" if what.stops else "stored"] += SEEDS * (JOBS - max(position, 1))
    return states


def _charged(what: Play, position: int, cell: Cell) -> int:
    """How many jobs are charged by the end of the run."""
    if position == 0 and what.stops:
        return STOPPED_AT if cell[1] == "resumed" else 0
    return max(position - 1, 0) + what.charged + (0 if what.stops else JOBS - max(position, 1))


def _check_reasons(what: Play, ended: Ended) -> None:
    codes = {image["reason"]["code"] for image in ended.images if image["state"] in ("in_doubt", "failed")}
    assert codes == ({what.why} if what.why else set())


def _position(attempt: Attempt) -> int:
    """Of a job in its campaign, from 1: its product is `p00` and so on."""
    return int(attempt.job.variations[0].cell.product[1:]) + 1
