"""Sixty nights of one campaign, and every message of them: one for what is new, one a week, one when it is over.

Each night has one image more to make. Clocks are scripted, the service is the sandbox. The default command leaves out
nights like those before; in the proof all are played, and the messages go to a real web server, each in a process of
its own.
"""

from __future__ import annotations

import asyncio
import errno
import re
import signal
from collections.abc import Callable, Collection
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from campaign_runner.cli.notification import Ends
from campaign_runner.cli.observers import Shown
from campaign_runner.errors import UsageError
from campaign_runner.events import Event, Started
from campaign_runner.maintenance.resolve import Decision
from campaign_runner.notify import delivery
from campaign_runner.notify.delivery import Recipients, deliver
from campaign_runner.notify.memory import Memory
from campaign_runner.notify.message import Message
from campaign_runner.notify.notifier import Notifier, When
from campaign_runner.run.control import Control
from campaign_runner.sandbox.faults import Fault
from tests.fixtures import Begin
from tests.night import BEGAN, Night
from tests.notify.sinks import web_sink

NIGHTS = 60
REFUSED, LOST = Fault("451", where="submit", nth=1), Fault("reset_after", nth=1)
FAULTS = {3: REFUSED, 8: LOST, 52: REFUSED}
SETTLED = {12: Decision.RESUBMIT, 26: Decision.ABANDON, 54: Decision.ABANDON}
"""What a person decides before a night."""
OUTAGES = {30, 33, 34, 35, 36}
WRONG_SECRET, FORBIDDEN, HELD, SIGNALLED, DEAD = {40, 41}, {45}, {48}, {50}, {52}
EXPECTED = {
    3: ["new: 1 image failed (prompt_unsafe)"],
    8: ["new: 1 image in doubt (no_answer): Adobe may have charged for it", "still: 1 image failed (prompt_unsafe)"],
    12: ["still: 1 image failed (prompt_unsafe)", "over: 1 image in doubt (no_answer): Adobe may have charged for it"],
    19: ["still: 1 image failed (prompt_unsafe)"],
    26: ["over: 1 image failed (prompt_unsafe)"],
    35: ["new: no new image for 3 nights (exit status 8)"],
    37: ["over: no new image for 3 nights (exit status 8)"],
    40: ["new: credentials or account were refused (invalid_client); nothing is bought"],
    42: ["over: credentials or account were refused (invalid_client); nothing is bought"],
    45: ["new: the run was refused, and nothing is bought"],
    46: ["over: the run was refused, and nothing is bought"],
    53: ["new: 1 image failed (prompt_unsafe)"],  # the night before, nobody listened
    54: ["over: 1 image failed (prompt_unsafe)"],
}
LIKE_THOSE_BEFORE = {*range(14, 19), *range(20, 26), 27, 28, 29, 38, 39, 43, 44, *range(55, NIGHTS)}
QUIET = Shown(log_format="text", log_file=None, quiet=True)


async def one_night(night: Night, number: int, say: Callable[[Message], str | None]) -> int:
    """What cron does in that night; the answer is the exit status."""
    await asyncio.sleep((BEGAN + timedelta(days=number) - night.now()).total_seconds())
    began = night.now()
    if number in FAULTS:
        night.strike(FAULTS[number])
    if number in OUTAGES:
        night.cut_off(errno.ECONNREFUSED)
    campaign = night.campaign(requests=number, seeds=1)
    ends = Ends(QUIET, is_sandbox=False, when=When.NEWS, began=began)
    with night.folder.locked() if number in HELD else nullcontext():
        several = await night.run_together(campaign, watch=_signal if number in SIGNALLED else None, **_choices(number))
    night.forgive()
    ends.add(several.parts)
    notifier = Notifier(say, Memory(night.home / "state"), began.astimezone(), lambda: night.now().astimezone())
    problems = list(notifier.tell(ends.campaigns))
    assert problems == (["the message about this run could not be sent: no one listens"] if number in DEAD else [])
    return several.code


def _choices(number: int) -> dict[str, Any]:
    secret = {"secret": "wrong"} if number in WRONG_SECRET else {}
    return secret | ({"forbidden": UsageError("another file has problems")} if number in FORBIDDEN else {})


def _signal(event: Event, control: Control) -> None:
    if isinstance(event, Started):
        control.signalled(signal.SIGTERM)


async def sixty_nights(
    begin: Begin, say: Callable[[Message], str | None], *, without: Collection[int] = ()
) -> tuple[dict[int, list[str]], list[int]]:
    """What each night's message says, and how every night ended; some of them may be left out."""
    night = await begin()
    told: dict[int, list[str]] = {}
    exits = []

    def hear(number: int, message: Message) -> str | None:
        if number in DEAD:
            return "no one listens"
        assert number not in told, "one message a night"
        told[number] = re.findall(r"^(?:new|still|over): .*", message.body, re.MULTILINE)
        return say(message)

    for number in sorted({*range(1, NIGHTS + 1)} - {*without}):
        if number in SETTLED:
            assert await night.resolve(SETTLED[number]) == 1
        exits.append(await one_night(night, number, partial(hear, number)))
    return told, exits


async def test_sixty_nights_are_told_of_once_for_each_cause_once_a_week_and_once_when_it_is_over(begin: Begin) -> None:
    told, exits = await sixty_nights(begin, lambda message: None, without=LIKE_THOSE_BEFORE)
    assert told == EXPECTED
    assert {8, 4, 3, 7, 2, 11, 143, 0} == set(exits)
    assert exits[-1] == 0


@pytest.mark.proof
async def test_the_messages_of_sixty_nights_arrive(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 600.0)  # a busy machine is no failure
    with web_sink() as sink:
        told, _ = await sixty_nights(begin, partial(deliver, Recipients(sink.address)))
    assert (told, len(sink.taken)) == (EXPECTED, len(EXPECTED))
