"""The few ways in which a failure ends, by the name that people would give them."""

from __future__ import annotations

import os
from functools import partial

from campaign_runner.sandbox.faults import Fault
from tests.matrix.kinds import BEGINNING, Play
from tests.night import Night

STORED, DOUBT, FAILED = {"stored": 2}, {"in_doubt": 2}, {"failed": 2}
PENDING, ACCEPTED, ONE_FAILED = {"pending": 2}, {"accepted": 2}, {"stored": 1, "failed": 1}
ONE_LEFT = {"stored": 1, "accepted": 1}


def doubt(name: str, fault: Fault, why: str, *, charged: int = 1) -> Play:
    """Nobody knows whether it was charged: it is never sent again."""
    return Play(name, (fault,), DOUBT, 4, why, charged=charged)


def refused(name: str, fault: Fault, why: str) -> Play:
    """This one request is refused for good, the others go on."""
    return Play(name, (fault,), FAILED, 3, why, charged=0)


def stopped(name: str, fault: Fault, exit: int) -> Play:
    """Nothing more is sent; what was not sent is for another run."""
    return Play(name, (fault,), PENDING, exit, charged=0, stops=True)


def beginning(name: str, fault: Fault, exit: int) -> Play:
    """The run cannot begin."""
    return Play(name, (fault,), PENDING, exit, stops=True, cells=BEGINNING)


def overcome(name: str, *faults: Fault) -> Play:
    """It is got over, and everything is stored."""
    return Play(name, faults)


def lost(name: str, *faults: Fault) -> Play:
    """Paid for and not to be had: asked for again by every run, and lost after a day."""
    return Play(name, faults, ACCEPTED, 8, stays=True)


def unfetched(kind: str) -> tuple[Play, Play]:
    """What does not come whole: once, and whenever it is asked for."""
    return (
        overcome("once", Fault(kind, "download", nth=1)),
        lost("every time", Fault(kind, "output", first=2)),
    )


def unplugged(error: int) -> Play:
    """No connection can be had any more; the next run goes on."""
    act = partial(Night.cut_off, error=error)
    return Play(os.strerror(error).lower(), (), PENDING, 8, charged=0, stops=True, act=act)
